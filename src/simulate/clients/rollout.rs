//! `kubectl rollout restart`, `pause`, `resume` and `undo`.
//!
//! Follows kubectl `pkg/cmd/rollout/*.go` and `pkg/polymorphichelpers/{objectrestarter,objectpauser,objectresumer,rollback}.go`.

use super::objects::{Aim, chosen};
use super::sender::{Options, Sender, outcome};
use super::{Api, Outcome, Performed, Session, command};
use crate::apply::last_applied::LAST_APPLIED;
use crate::object::{Map, ObjectId, Text, Value, at, integer, items, json, map_at, text};
use crate::simulate::request::PatchKind;
use std::sync::Arc;

const MANAGER: &str = "kubectl-rollout";
const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";
const REVISION: &str = "deployment.kubernetes.io/revision";
/// Annotations that an undo leaves as the Deployment has them.
const OWN_ANNOTATIONS: [&str; 6] = [
    LAST_APPLIED,
    REVISION,
    "deployment.kubernetes.io/revision-history",
    "deployment.kubernetes.io/desired-replicas",
    "deployment.kubernetes.io/max-replicas",
    "deprecated.deployment.rollback.to",
];

/// `rollout restart`
pub(super) fn restart(api: &mut impl Api, session: &Session<'_>, manifests: &[Value], workloads: &[String]) -> Vec<Performed> {
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"];
    each(api, session, manifests, workloads, &kinds, "rollout restart", &[], |sender, live| {
        let (kind, now) = (sender.aim.id.kind.as_str(), sender.api.now_text());
        if !kinds.contains(&kind) {
            return Outcome::Failed(about(sender.aim, "restarting is not supported"));
        }
        if kind == "Deployment" && live["spec"]["paused"] == true {
            return Outcome::Failed(about(sender.aim, "can't restart paused deployment (run rollout resume first)"));
        }
        if text(live, &["spec", "template", "metadata", "annotations", RESTARTED_AT]) == now {
            let name = &sender.aim.id.name;
            let advice = "if restart has already been triggered within the past second, please wait before attempting to trigger another";
            return Outcome::Failed(format!("error: failed to create patch for {name}: {advice}"));
        }
        let patch = json!({"spec": {"template": {"metadata": {"annotations": {RESTARTED_AT: now}}}}});
        outcome(
            sender.aim,
            sender.patch(PatchKind::Strategic, patch, Options::of(MANAGER)),
            Outcome::Changed("restarted"),
            "failed to patch",
        )
    })
}

/// `rollout pause`, or `rollout resume`
pub(super) fn pause(api: &mut impl Api, session: &Session<'_>, manifests: &[Value], workloads: &[String], pauses: bool) -> Vec<Performed> {
    let (verb, already, done, gerund) = if pauses {
        ("rollout pause", "is already paused", "paused", "pausing")
    } else {
        ("rollout resume", "is not paused", "resumed", "resuming")
    };
    each(api, session, manifests, workloads, &["Deployment"], verb, &[], |sender, live| {
        if sender.aim.id.kind != "Deployment" {
            return Outcome::Failed(about(sender.aim, &format!("{gerund} is not supported")));
        }
        if (live["spec"]["paused"] == true) == pauses {
            return Outcome::Failed(about(sender.aim, already));
        }
        let patch = json!({"spec": {"paused": if pauses { Value::Bool(true) } else { Value::Null }}});
        outcome(sender.aim, sender.patch(PatchKind::Strategic, patch, Options::of(MANAGER)), Outcome::Changed(done), "failed to patch")
    })
}

/// `rollout undo`: a Deployment gets an old ReplicaSet's template, the others what a ControllerRevision holds.
pub(super) fn undo(
    api: &mut impl Api,
    session: &Session<'_>,
    manifests: &[Value],
    workloads: &[String],
    to_revision: Option<i64>,
) -> Vec<Performed> {
    let flag: Vec<String> = to_revision.map(|revision| format!("--to-revision={revision}")).into_iter().collect();
    let kinds = ["Deployment", "StatefulSet", "DaemonSet"];
    each(api, session, manifests, workloads, &kinds, "rollout undo", &flag, |sender, live| {
        let to_revision = to_revision.unwrap_or(0);
        let undone = match sender.aim.id.kind.as_str() {
            "Deployment" => undo_deployment(sender, live, to_revision),
            "StatefulSet" | "DaemonSet" => undo_by_history(sender, live, to_revision),
            kind => Err(format!("no rollbacker has been implemented for {kind:?}")),
        };
        undone.unwrap_or_else(|why| Outcome::Failed(format!("error: {why}")))
    })
}

fn undo_deployment<A: Api>(sender: &mut Sender<'_, A>, live: &Value, to_revision: i64) -> Result<Outcome, String> {
    let id = &sender.aim.id;
    let of = |set: &Value| text(set, &["metadata", "annotations", REVISION]).parse::<i64>().ok();
    let sets = owned(sender, live, "ReplicaSet");
    let set = pick(&sets, to_revision, of).ok_or_else(|| match to_revision {
        0 => format!("no rollout history found for deployment {:?}", id.name),
        _ => not_found(to_revision),
    })?;
    if live["spec"]["paused"] == true {
        return Err("you cannot rollback a paused deployment; resume it first with 'kubectl rollout resume' and try again".into());
    }
    let template = without_hash(&set["spec"]["template"]);
    if template == without_hash(&live["spec"]["template"]) {
        return Ok(matches_already(to_revision));
    }
    let annotations = |object: &Value| at(object, &["metadata", "annotations"]).and_then(Value::as_object).cloned().unwrap_or_default();
    let own = |key: &Text| OWN_ANNOTATIONS.contains(&key.as_str());
    let kept = annotations(live).into_iter().filter(|(key, _)| own(key));
    let all: Map = kept.chain(annotations(set).into_iter().filter(|(key, _)| !own(key))).collect();
    let patch = json!([
        {"op": "replace", "path": "/spec/template", "value": template},
        {"op": "replace", "path": "/metadata/annotations", "value": all},
    ]);
    Ok(restored(sender, PatchKind::Json, patch, to_revision))
}

fn undo_by_history<A: Api>(sender: &mut Sender<'_, A>, live: &Value, to_revision: i64) -> Result<Outcome, String> {
    let history = owned(sender, live, "ControllerRevision");
    if to_revision == 0 && history.len() <= 1 {
        return Err("no last revision to roll back to".into());
    }
    let revision = pick(&history, to_revision, |revision| integer(revision, &["revision"])).ok_or_else(|| not_found(to_revision))?;
    let mut template = live["spec"]["template"].clone();
    map_at(&mut template, &[]).insert("$patch".into(), "replace".into());
    if revision["data"] == json!({"spec": {"template": template}}) {
        return Ok(matches_already(to_revision));
    }
    let data = revision["data"].clone();
    Ok(restored(sender, PatchKind::Strategic, data, to_revision))
}

fn restored<A: Api>(sender: &mut Sender<'_, A>, kind: PatchKind, patch: Value, to_revision: i64) -> Outcome {
    let doing = format!("failed restoring revision {to_revision}");
    outcome(sender.aim, sender.patch(kind, patch, Options::default()), Outcome::Changed("rolled back"), &doing)
}

/// The one of that revision, or for 0 the one before the latest.
fn pick(all: &[Arc<Value>], revision: i64, of: impl Fn(&Value) -> Option<i64>) -> Option<&Value> {
    let mut known: Vec<(i64, &Value)> = all.iter().filter_map(|one| Some((of(one)?, &**one))).collect();
    if revision != 0 {
        return known.into_iter().find(|(r, _)| *r == revision).map(|(_, one)| one);
    }
    known.sort_by_key(|(r, _)| -r);
    known.get(1).map(|(_, one)| *one)
}

/// What the workload controls, of a kind.
fn owned<A: Api>(sender: &Sender<'_, A>, live: &Value, kind: &str) -> Vec<Arc<Value>> {
    let uid = text(live, &["metadata", "uid"]);
    let controls = |reference: &Value| reference["controller"] == true && text(reference, &["uid"]) == uid;
    let mut all = sender.api.list("apps", kind, &sender.aim.id.namespace);
    all.retain(|object| items(object, &["metadata", "ownerReferences"]).iter().any(controls));
    all
}

fn without_hash(template: &Value) -> Value {
    let mut template = template.clone();
    let labels = map_at(&mut template, &["metadata", "labels"]);
    labels.shift_remove("pod-template-hash");
    if labels.is_empty() {
        map_at(&mut template, &["metadata"]).shift_remove("labels");
    }
    template
}

fn matches_already(revision: i64) -> Outcome {
    Outcome::Skipped(format!("current template already matches revision {revision}"))
}

fn not_found(revision: i64) -> String {
    format!("unable to find specified revision {revision} in history")
}

/// `error: deployments.apps "x" is already paused`
fn about(aim: &Aim, what: &str) -> String {
    format!("error: {} {:?} {what}", aim.qualified_resource(), aim.id.name)
}

/// Runs a command for each workload that is there.
#[expect(clippy::too_many_arguments, reason = "what each of the four commands has of its own")]
fn each<A: Api>(
    api: &mut A,
    session: &Session<'_>,
    manifests: &[Value],
    workloads: &[String],
    kinds: &[&str],
    verb: &str,
    flags: &[String],
    mut run: impl FnMut(&mut Sender<'_, A>, &Value) -> Outcome,
) -> Vec<Performed> {
    let mut performed = Vec::new();
    for aim in chosen(api, session, manifests, workloads, kinds) {
        let aim = match aim {
            Ok(aim) => aim,
            Err(why) => {
                performed.push(Performed::unsent(ObjectId::default(), format!("kubectl {verb}"), Outcome::Failed(why)));
                continue;
            }
        };
        let line = command::kubectl(verb, &aim, flags);
        let mut sender = Sender::new(api, &aim);
        let outcome = match sender.live() {
            Some(live) => run(&mut sender, &live),
            None => Outcome::Failed(aim.not_found()),
        };
        performed.push(sender.done(line, outcome));
    }
    performed
}
