//! What the server will refuse becomes a finding that says how to get there all the same.

use crate::diagnostic::Diagnostic;
use crate::object::ObjectId;
use crate::simulate::ApiError;
use crate::simulate::clients::Outcome;
use crate::simulate::pipeline::Run;
use std::collections::BTreeSet;

pub(super) fn check(run: &Run) -> Vec<Diagnostic> {
    let (mut found, mut missing) = (Vec::new(), BTreeSet::new());
    for step in &run.steps {
        for performed in &step.performed {
            if let (Outcome::Unknown(why), true) = (&performed.outcome, performed.object == ObjectId::default()) {
                let text = format!("step \"{}\" runs `{}`: {why}", step.name, performed.command);
                let hint = format!("`rollcast rehearse --check -- {}` tells what it rolls", performed.command);
                found.push(Diagnostic::error("script-not-rehearsed", text).hint(hint));
            }
            if let Outcome::Failed(why) = &performed.outcome
                && why.contains("no matches for kind")
                && missing.insert((step.name.as_str(), &performed.object.group, &performed.object.kind))
            {
                found.push(not_served(&step.name, &performed.object));
            }
            if let Some(error) = performed.exchanges.last().and_then(|(_, response)| response.result.as_ref().err()) {
                found.push(finding(&step.name, &performed.object, error));
            }
        }
    }
    found
}

fn not_served(step: &str, id: &ObjectId) -> Diagnostic {
    let text =
        format!("step \"{step}\": the cluster does not serve the kind {} of {}: no CustomResourceDefinition makes it", id.kind, id.group);
    Diagnostic::error("kind-not-served", text)
        .hint("apply its definition in a step before this one; if the cluster has it, start from a snapshot that `rollcast snapshot` made")
}

fn finding(step: &str, id: &ObjectId, error: &ApiError) -> Diagnostic {
    let about = |field: &str, words: &str| error.causes.iter().any(|c| c.field == field && c.message.contains(words));
    let (kind, namespace, name) = (id.kind.to_lowercase(), &id.namespace, &id.name);
    let text = format!("step \"{step}\": {id} is refused with {}: {}", error.code, error.message);
    if error.causes.iter().any(|c| c.reason == "FieldManagerConflict") {
        return Diagnostic::error("apply-conflict", text).hint(
            "leave the fields to their owner (drop them from the manifest), or take them over with `force = true` (--force-conflicts); \
             of manifests given with `-f`, `--as` says how they are applied",
        );
    }
    if about("spec.strategy.rollingUpdate", "Recreate") {
        return Diagnostic::error("recreate-over-rolling-update", text).hint(format!(
            "first: kubectl patch {kind} {name} -n {namespace} --type=merge -p '{{\"spec\":{{\"strategy\":{{\"type\":\"Recreate\",\"rollingUpdate\":null}}}}}}' (it rolls nothing)"
        ));
    }
    if about("spec.selector", "immutable") {
        return Diagnostic::error("selector-changes", text)
            .hint("keep the selector; or give the workload another name and remove the old one when the new one is ready");
    }
    if id.kind == "StatefulSet"
        && error.causes.iter().any(|c| c.message.contains("updates to statefulset spec") || c.message.contains("field is immutable"))
    {
        return Diagnostic::error("stateful-set-immutable", text).hint(format!(
            "kubectl delete statefulset {name} -n {namespace} --cascade=orphan, then apply: the pods keep running and are adopted"
        ));
    }
    if id.kind == "Job" && error.causes.iter().any(|c| c.message.contains("immutable")) {
        return Diagnostic::error("job-immutable", text).hint("give the Job a new name (generateName), or delete it before it is applied");
    }
    Diagnostic::error("refused", text).hint("mend the manifest: the message is the server's own")
}
