//! Flux's kustomize-controller: a forced dry run of everything, then a forced apply of what has drifted.
//!
//! Follows fluxcd/pkg `ssa/manager_apply.go` (`ApplyAllStaged`, `ApplyAll`, `cleanupMetadata`), `ssa/manager_diff.go`
//! (`hasDrifted`) and kustomize-controller `internal/controller/kustomization_controller.go` (`apply`).

use super::applying::Wanted;
use super::managers::{Takeover, taken_over};
use super::sender::{Options, Sender, from_server};
use super::{Api, Outcome, Performed};
use crate::apply::last_applied::LAST_APPLIED;
use crate::object::{Map, ObjectId, Value, at, json};
use crate::simulate::request::PatchKind;
use std::sync::Arc;

/// Annotations and labels that the controller removes.
const REMOVED: [(&str, &str); 4] = [
    ("annotations", LAST_APPLIED),
    ("annotations", "kustomize.toolkit.fluxcd.io/checksum"),
    ("annotations", "fluxcd.io/sync-checksum"),
    ("labels", "fluxcd.io/sync-gc-mark"),
];
/// Managers whose fields it takes over.
const TAKEN_OVER: [Takeover; 4] =
    [("kubectl", "Apply"), ("kubectl", "Update"), ("before-first-apply", "Update"), ("kustomize-controller", "Update")];

/// Applies all manifests, definitions first. A stage whose dry run fails is not applied, nor is what comes after it.
pub(super) fn apply(api: &mut impl Api, found: Vec<Result<Wanted, (ObjectId, String)>>, manager: &str, line: &str) -> Vec<Performed> {
    let (mut performed, mut stages) = (Vec::new(), [Vec::new(), Vec::new(), Vec::new()]);
    for found in found {
        match found {
            Ok(wanted) => stages[stage(&wanted.0.id.kind)].push(wanted),
            Err((id, why)) => performed.push(Performed::unsent(id, line.to_owned(), Outcome::Failed(why))),
        }
    }
    for stage in stages {
        if performed.iter().any(|p: &Performed| p.outcome.is_failure()) {
            let skipped =
                |(aim, _): Wanted| Performed::unsent(aim.id, line.to_owned(), Outcome::Skipped("an earlier dry run failed".into()));
            performed.extend(stage.into_iter().map(skipped));
            continue;
        }
        performed.extend(apply_stage(api, stage, manager, line));
    }
    performed
}

fn stage(kind: &str) -> usize {
    match kind {
        "CustomResourceDefinition" | "Namespace" | "ClusterRole" => 0,
        kind if kind.ends_with("Class") => 1,
        _ => 2,
    }
}

fn apply_stage(api: &mut impl Api, stage: Vec<Wanted>, manager: &str, line: &str) -> Vec<Performed> {
    let options = Options { force: Some(true), ..Options::of(manager) };
    let mut performed: Vec<Performed> = Vec::with_capacity(stage.len());
    for (aim, manifest) in &stage {
        let mut sender = Sender::new(api, aim);
        let outcome = prepare(&mut sender, manifest, options);
        performed.push(sender.done(line.to_owned(), outcome));
    }
    let failed = performed.iter().any(|p| p.outcome.is_failure());
    for ((aim, manifest), dry) in stage.iter().zip(&mut performed) {
        if failed && !dry.outcome.is_failure() {
            dry.outcome = Outcome::Skipped("another object's dry run failed".into());
        } else if matches!(dry.outcome, Outcome::Created | Outcome::Configured) {
            let mut sender = Sender::new(api, aim);
            if let Err(error) = sender.patch(PatchKind::Apply, manifest.clone(), options) {
                dry.outcome = Outcome::Failed(from_server(sender.aim, &error));
            }
            let applied = sender.done(String::new(), Outcome::Configured);
            dry.exchanges.extend(applied.exchanges);
        }
    }
    performed
}

/// The dry run and the clean-up; the outcome is what the apply is to be.
fn prepare<A: Api>(sender: &mut Sender<'_, A>, manifest: &Value, options: Options<'_>) -> Outcome {
    let live = sender.live();
    let dry = match sender.patch(PatchKind::Apply, manifest.clone(), Options { dry_run: true, ..options }) {
        Ok(dry) => dry,
        Err(error) => return Outcome::Failed(from_server(sender.aim, &error)),
    };
    let Some(live) = live else { return Outcome::Created };
    let cleaned = match clean_up(&live, options.field_manager) {
        None => false,
        Some(patch) => match sender.patch(PatchKind::Json, patch, Options::of(options.field_manager)) {
            Ok(_) => true,
            Err(error) => return Outcome::Failed(from_server(sender.aim, &error)),
        },
    };
    if cleaned || drifted(&live, &dry) { Outcome::Configured } else { Outcome::Unchanged }
}

fn clean_up(live: &Value, manager: &str) -> Option<Value> {
    let there = REMOVED.iter().filter(|(map, key)| at(live, &["metadata", map, key]).is_some());
    let removals = there.map(|(map, key)| json!({"op": "remove", "path": format!("/metadata/{map}/{}", key.replace('/', "~1"))}));
    let managers = taken_over(live, &TAKEN_OVER, manager);
    let patch: Vec<Value> =
        removals.chain(managers.map(|value| json!({"op": "replace", "path": "/metadata/managedFields", "value": value}))).collect();
    (!patch.is_empty()).then(|| patch.into())
}

/// Whether the dry run differs in more than metadata and status, or has labels or annotations that the live object has not.
fn drifted(live: &Arc<Value>, dry: &Arc<Value>) -> bool {
    let more = |map: &str| {
        let of = |object: &Value| at(object, &["metadata", map]).and_then(Value::as_object).cloned().unwrap_or_default();
        let (live, dry): (Map, Map) = (of(live), of(dry));
        dry.iter().any(|(key, value)| live.get(key) != Some(value))
    };
    let rest = |object: &Value| {
        let mut rest = object.as_object().cloned().unwrap_or_default();
        rest.shift_remove("metadata");
        rest.shift_remove("status");
        rest
    };
    more("labels") || more("annotations") || rest(live) != rest(dry)
}
