//! A pipeline that rolls a workload more than once becomes one that rolls each once and ends in the same state.
//!
//! Candidates are tried in the simulator, cheapest change first; one counts only if it was run, no step of it failed, no
//! workload rolls twice, and every stored object ends the same but for bookkeeping.

use super::{Judged, judge};
use crate::fleet::pipeline::{Action, Step};
use crate::object::{ObjectId, Value, items, map_at, sorted_json, text};
use crate::simulate::pipeline::{self, Ended, Plan, Run};
use crate::simulate::{Cluster, Store};
use std::sync::Arc;

/// A pipeline that costs each workload one roll at most.
#[derive(Clone, Debug)]
pub struct Merged {
    /// What was done to the steps, as a clause.
    pub change: String,
    /// The steps.
    pub steps: Vec<Step>,
    /// Their run.
    pub run: Run,
    /// Its verdicts.
    pub judged: Vec<Judged>,
    /// How many stored objects were compared and found the same.
    pub objects_compared: usize,
}

/// Finds one for a run in which some workload's pods are replaced more than once; none if there is no such workload, or no
/// candidate keeps the end state. `start` is the cluster as it was before the first step.
pub fn merged(start: &Cluster, plan: &Plan<'_>, original: &Run, judged: &[Judged]) -> Option<Merged> {
    let twice = |judged: &[Judged]| judged.iter().any(|j| j.cost > 1);
    if !twice(judged) || original.steps.iter().any(|s| s.ended != Ended::Done) {
        return None;
    }
    let wanted = &original.cluster.store;
    candidates(plan.steps, judged).into_iter().find_map(|(change, steps)| {
        let run = pipeline::run(start.clone(), &Plan { steps: &steps, ..*plan });
        let found = judge(&run);
        let done = run.steps.iter().all(|s| s.ended == Ended::Done);
        let same = done && !twice(&found) && same_end(&run.cluster.store, wanted);
        same.then(|| Merged { change, steps, run, judged: found, objects_compared: comparable(wanted).count() })
    })
}

fn candidates(steps: &[Step], judged: &[Judged]) -> Vec<(String, Vec<Step>)> {
    let mut found = Vec::new();
    let narrow = |s: &Step| matches!(&s.action, Action::SetImages { containers, .. } if !containers.is_empty());
    if let Some(first) = steps.iter().position(narrow) {
        let mut wide = steps.to_vec();
        if let Action::SetImages { containers, .. } = &mut wide[first].action {
            containers.clear();
        }
        found.push((format!("step \"{}\" sets the image of every container", steps[first].name), wide));
    }
    if let Some(apply) = steps.iter().position(|s| matches!(s.action, Action::Apply { .. })) {
        let mut first = steps.to_vec();
        let step = first.remove(apply);
        let name = step.name.clone();
        first.insert(0, step);
        let only: Vec<Step> = first.iter().filter(|s| !matches!(s.action, Action::SetImages { .. })).cloned().collect();
        if apply > 0 {
            found.push((format!("step \"{name}\" comes first"), first));
        }
        if only.len() < steps.len() {
            found.push((format!("step \"{name}\" sets the images, no other step does"), only));
        }
    }
    found.extend(bracketed(steps, judged));
    found
}

/// All Deployments that roll twice are paused before the first step and resumed after the last.
fn bracketed(steps: &[Step], judged: &[Judged]) -> Option<(String, Vec<Step>)> {
    let twice = judged.iter().filter(|j| j.rolls.iter().sum::<u32>() > 1);
    let workloads: Vec<String> = twice
        .filter(|j| j.workload.kind == "Deployment")
        .map(|j| format!("deployment/{}/{}", j.workload.namespace, j.workload.name))
        .collect();
    if workloads.is_empty() {
        return None;
    }
    let step = |name: &str, action| Step { name: name.into(), action, continues: false };
    let mut all = vec![step("Pause", Action::Pause { workloads: workloads.clone() })];
    all.extend(steps.iter().cloned());
    all.push(step("Resume", Action::Resume { workloads }));
    Some(("the Deployments are paused before the first step and resumed after the last".into(), all))
}

/// Kinds that controllers make: how many there are depends on the number of rolls, which is what the merge changes.
const MADE_BY_CONTROLLERS: [(&str, &str); 7] = [
    ("", "Pod"),
    ("apps", "ReplicaSet"),
    ("apps", "ControllerRevision"),
    ("", "Event"),
    ("events.k8s.io", "Event"),
    ("", "Endpoints"),
    ("discovery.k8s.io", "EndpointSlice"),
];

/// The objects that users write.
fn comparable(store: &Store) -> impl Iterator<Item = (&ObjectId, &Arc<Value>)> {
    let made = |id: &ObjectId| MADE_BY_CONTROLLERS.contains(&(id.group.as_str(), id.kind.as_str()));
    store.iter().filter(move |(id, object)| !(made(id) || id.kind == "Job" && hangs_on_time(object)))
}

/// Whether a Job comes and goes with the time of day, which a shorter pipeline ends earlier.
fn hangs_on_time(job: &Value) -> bool {
    let scheduled = controller_kind(job) == "CronJob";
    scheduled || job["spec"].get("ttlSecondsAfterFinished").is_some()
}

fn controller_kind(object: &Value) -> &str {
    items(object, &["metadata", "ownerReferences"])
        .iter()
        .find(|owner| owner["controller"] == true)
        .map_or("", |owner| text(owner, &["kind"]))
}

/// Whether two stores hold the same objects of users, but for what the server keeps for itself.
fn same_end(a: &Store, b: &Store) -> bool {
    let same = |((id, a), (other, b)): ((_, &Arc<Value>), (_, &Arc<Value>))| id == other && (Arc::ptr_eq(a, b) || content(a) == content(b));
    comparable(a).count() == comparable(b).count() && comparable(a).zip(comparable(b)).all(same) && running(a) == running(b)
}

/// The pods of workloads that stay, by namespace and labels, among them the hash of their template: a workload that ends paused need not
/// run what it asks for.
fn running(store: &Store) -> Vec<(&str, String)> {
    let stays = |pod: &&Arc<Value>| pod["metadata"].get("deletionTimestamp").is_none() && controller_kind(pod) != "Job";
    let pods = store.list("", "Pod", None).map(|(_, pod)| pod).filter(stays);
    let mut all: Vec<_> = pods.map(|pod| (text(pod, &["metadata", "namespace"]), sorted_json(&pod["metadata"]["labels"]))).collect();
    all.sort_unstable();
    all
}

/// What the server writes into the metadata of an object.
const KEPT_BY_SERVER: [&str; 5] = ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp"];

/// An object without what the server keeps for itself: status, ownership, versions, the time of a restart.
pub fn content(object: &Value) -> Value {
    let without = |value: &Value, keys: &[&str]| -> Value {
        let entries = value.as_object().into_iter().flatten().filter(|(key, _)| !keys.contains(&key.as_str()));
        entries.map(|(key, value)| (key.clone(), value.clone())).collect()
    };
    let metadata = without(&object["metadata"], &KEPT_BY_SERVER);
    let mut object = without(object, &["status", "metadata"]);
    map_at(&mut object, &[]).insert("metadata".into(), metadata);
    let metadata = map_at(&mut object, &["metadata"]);
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.shift_remove("deployment.kubernetes.io/revision");
        annotations.shift_remove("deprecated.daemonset.template.generation");
        if annotations.is_empty() {
            metadata.shift_remove("annotations");
        }
    }
    // A restart writes the time of day, which a shorter pipeline reaches earlier.
    let restarted = object.pointer_mut("/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt");
    if let Some(time) = restarted {
        *time = Value::Bool(true);
    }
    object
}
