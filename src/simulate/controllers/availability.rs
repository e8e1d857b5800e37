//! Keeps count of the pods of each workload that are available, and writes down what became of its pods.

use super::happening::{Availability, Happening, Level};
use super::queue::Timer;
use super::reading::{available, available_at, deleting, label, min_ready_seconds, ready, replicas, status};
use super::{REVISION_LABELS, workload_of};
use crate::object::{IdMap, ObjectId, Value};
use crate::simulate::Cluster;
use crate::simulate::store::Change;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The counts.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    available: IdMap<BTreeSet<Arc<ObjectId>>>,
    desired: IdMap<u32>,
    existed: IdMap<()>,
}

/// Counts the pods of a snapshot.
pub(super) fn meet(cluster: &mut Cluster, objects: &[(Arc<ObjectId>, Arc<Value>)]) {
    let mut tally = Tally::default();
    for (id, object) in objects {
        if is_workload(id) {
            tally.desired.insert(Arc::clone(id), desired(object));
            tally.existed.insert(Arc::clone(id), ());
        } else if is_pod(id) && !deleting(object) && ready(object) {
            let Some(workload) = workload_of(cluster, object) else { continue };
            if available(&cluster.clock, object, min_ready(cluster, &workload)) {
                tally.available.entry(&workload).insert(Arc::clone(id));
            } else {
                watch(cluster, &workload, id, object);
            }
        }
    }
    cluster.controllers.tally = tally;
}

/// Takes a change in.
pub(super) fn note(cluster: &mut Cluster, change: &Change) {
    if is_workload(&change.id) {
        let wanted = change.after.as_ref().map_or(0, |w| desired(w));
        let tally = &mut cluster.controllers.tally;
        if tally.desired.get(&change.id).copied().unwrap_or(0) != wanted {
            levels(cluster, &change.id);
            cluster.controllers.tally.desired.insert(Arc::clone(&change.id), wanted);
            write_down(cluster, &change.id);
        }
    } else if is_pod(&change.id) {
        let Some(pod) = change.after.as_ref().or(change.before.as_ref()) else { return };
        let Some(workload) = workload_of(cluster, pod) else { return };
        tell(cluster, change, &workload, pod);
        count(cluster, &workload, &change.id, change.after.as_ref());
    }
}

/// A pod may have been ready for long enough by now.
pub(super) fn look_again(cluster: &mut Cluster, id: &ObjectId) {
    let Some(pod) = cluster.store.get(id).cloned() else { return };
    if let Some(workload) = workload_of(cluster, &pod) {
        count(cluster, &workload, &Arc::new(id.clone()), Some(&pod));
    }
}

fn is_pod(id: &ObjectId) -> bool {
    id.kind == "Pod" && id.group.is_empty()
}

/// Whether an object is of a kind whose pods are counted.
pub(in crate::simulate) fn is_workload(id: &ObjectId) -> bool {
    id.group == "apps" && matches!(id.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet")
}

fn desired(workload: &Value) -> u32 {
    let wanted = if workload["kind"] == "DaemonSet" { status(workload, "desiredNumberScheduled") } else { replicas(workload) };
    u32::try_from(wanted).unwrap_or(0)
}

fn min_ready(cluster: &Cluster, workload: &ObjectId) -> i64 {
    cluster.store.get(workload).map_or(0, |w| min_ready_seconds(w))
}

fn count(cluster: &mut Cluster, workload: &ObjectId, id: &Arc<ObjectId>, pod: Option<&Arc<Value>>) {
    let needed = min_ready(cluster, workload);
    let serves = pod.is_some_and(|p| !deleting(p) && available(&cluster.clock, p, needed));
    let served = cluster.controllers.tally.available.get(workload).is_some_and(|pods| pods.contains(id));
    if serves != served {
        levels(cluster, workload);
        let pods = cluster.controllers.tally.available.entry(workload);
        let _changed = if serves { pods.insert(Arc::clone(id)) } else { pods.remove(id) };
        write_down(cluster, workload);
    }
    if let Some(pod) = pod.filter(|p| !serves && ready(p) && !deleting(p)) {
        watch(cluster, workload, id, pod);
    }
}

/// Sets the time at which a ready pod will have been ready for long enough.
fn watch(cluster: &mut Cluster, workload: &ObjectId, id: &ObjectId, pod: &Value) {
    let needed = min_ready(cluster, workload);
    if let Some(at) = available_at(&cluster.clock, pod, needed).filter(|at| *at > cluster.clock.now) {
        cluster.controllers.queue.at(at, Timer::Available(id.clone()));
    }
}

/// Makes sure that the levels of a workload begin with the state before anything happened to it.
fn levels(cluster: &mut Cluster, workload: &ObjectId) {
    let level = level(cluster, workload);
    let existed = cluster.controllers.tally.existed.get(workload).is_some();
    let Availability { existed: was_there, levels, .. } = cluster.controllers.availability.entry(workload.clone()).or_default();
    if levels.is_empty() {
        *was_there = existed;
        levels.push(Level { at: std::time::Duration::ZERO, ..level });
    }
}

fn write_down(cluster: &mut Cluster, workload: &ObjectId) {
    let level = level(cluster, workload);
    if let Some(availability) = cluster.controllers.availability.get_mut(workload) {
        // Between two levels at which pods serve, one that is no lower is of no use: a server that runs for long has very many.
        if let [.., one, two] = availability.levels[..]
            && one.available.min(level.available) > 0
            && two.available >= one.available.min(level.available)
        {
            availability.levels.pop();
        }
        availability.levels.push(level);
    }
}

fn level(cluster: &Cluster, workload: &ObjectId) -> Level {
    let tally = &cluster.controllers.tally;
    let available = tally.available.get(workload).map_or(0, BTreeSet::len);
    Level {
        at: cluster.clock.now,
        available: u32::try_from(available).unwrap_or(u32::MAX),
        desired: tally.desired.get(workload).copied().unwrap_or(0),
    }
}

/// Writes down that a pod started, or was told to stop.
fn tell(cluster: &mut Cluster, change: &Change, workload: &ObjectId, pod: &Value) {
    let revision = REVISION_LABELS.iter().map(|l| label(pod, l)).find(|r| !r.is_empty()).unwrap_or_default().to_owned();
    let (workload, pod, at) = (workload.clone(), change.id.name.clone(), cluster.clock.now);
    let stays = |object: &Option<Arc<Value>>| object.as_ref().is_some_and(|o| !deleting(o));
    let happening = match (&change.before, stays(&change.before), stays(&change.after)) {
        (None, _, _) => Happening::PodStarted { workload, pod: pod.into(), revision, at },
        (Some(_), true, false) => {
            let why = cluster.controllers.reasons.remove(&change.id).unwrap_or("deleted");
            Happening::PodStopped { workload, pod: pod.into(), revision, at, why }
        }
        _ => return,
    };
    cluster.controllers.happenings.push(happening);
}
