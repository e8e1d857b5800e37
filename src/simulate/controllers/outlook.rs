//! When nothing moves any more: says of each workload that was touched whether its rollout is held back or stuck.

use super::happening::{Happening, Waits};
use super::reading::{REVISION_HASH, active, available, deleting, generation, label, min_ready_seconds, name, ready, replicas, status};
use super::template;
use crate::object::{ObjectId, Value, integer, text};
use crate::simulate::{Cluster, kubelet};
use std::sync::Arc;

/// Whether every rollout that was touched is over, as `kubectl rollout status` judges it, and nothing is being deleted that a
/// client would wait for.
pub(super) fn all_over(cluster: &Cluster) -> bool {
    let over = |id: &ObjectId| cluster.store.get(id).is_none_or(|w| over(w));
    cluster.controllers.emptying.is_empty() && cluster.controllers.touched.iter().all(over)
}

/// Follows kubectl's `pkg/polymorphichelpers/rollout_status.go`.
fn over(workload: &Value) -> bool {
    if deleting(workload) || generation(workload) > status(workload, "observedGeneration") {
        return false;
    }
    let of = |key: &str| status(workload, key);
    let wanted = replicas(workload);
    let on_delete = text(workload, &["spec", "updateStrategy", "type"]) == "OnDelete";
    match text(workload, &["kind"]) {
        "Deployment" => {
            of("updatedReplicas") >= wanted && of("replicas") <= of("updatedReplicas") && of("availableReplicas") >= of("updatedReplicas")
        }
        "StatefulSet" => {
            let partition = integer(workload, &["spec", "updateStrategy", "rollingUpdate", "partition"]).unwrap_or(0);
            let revised = if partition > 0 {
                of("updatedReplicas") >= wanted - partition
            } else {
                text(workload, &["status", "updateRevision"]) == text(workload, &["status", "currentRevision"])
            };
            of("replicas") == wanted && of("availableReplicas") >= wanted && (revised || on_delete)
        }
        _ => {
            let wanted = of("desiredNumberScheduled");
            of("numberAvailable") >= wanted && (on_delete || of("updatedNumberScheduled") >= wanted)
        }
    }
}

/// Looks at the workloads that were touched since the last time.
pub(super) fn note(cluster: &mut Cluster) {
    for id in std::mem::take(&mut cluster.controllers.touched) {
        let outlook = cluster.store.get(&id).cloned().filter(|w| !deleting(w)).and_then(|w| outlook(cluster, &id, &w));
        match outlook {
            Some(outlook) if cluster.controllers.outlook.get(&id) != Some(&outlook) => {
                cluster.controllers.happenings.push(outlook.clone());
                cluster.controllers.outlook.insert(id, outlook);
            }
            Some(_) => {}
            None => drop(cluster.controllers.outlook.remove(&id)),
        }
    }
}

fn outlook(cluster: &Cluster, id: &ObjectId, workload: &Arc<Value>) -> Option<Happening> {
    let held = match id.kind.as_str() {
        "Deployment" => deployment(cluster, workload),
        "StatefulSet" => stateful(cluster, workload),
        _ => daemon(workload),
    };
    if held == Some(Waits::NoReplicas) && !moved(cluster, id) {
        return None;
    }
    if let Some(why) = held {
        return Some(Happening::Pending { workload: id.clone(), why });
    }
    stuck(cluster, id, workload).map(|why| Happening::Stuck { workload: id.clone(), why })
}

/// Whether the revision of a workload has moved since the beginning.
fn moved(cluster: &Cluster, id: &ObjectId) -> bool {
    let moved = |h: &Happening| matches!(h, Happening::RevisionMoved { workload, from: Some(_), .. } if workload == id);
    cluster.controllers.happenings.iter().rev().any(moved)
}

fn deployment(cluster: &Cluster, deployment: &Value) -> Option<Waits> {
    if deployment["spec"]["paused"] == true {
        let owned = cluster.controllers.index.dependents(super::reading::uid(deployment)).filter(|id| id.kind == "ReplicaSet");
        let mut sets = owned.filter_map(|id| cluster.store.get(id));
        let current = sets.find(|s| template::same(cluster.schema, deployment, s));
        let waits = current.is_none_or(|s| replicas(s) < replicas(deployment));
        return waits.then_some(Waits::Paused);
    }
    (replicas(deployment) == 0).then_some(Waits::NoReplicas)
}

fn stateful(cluster: &Cluster, set: &Value) -> Option<Waits> {
    if replicas(set) == 0 {
        return Some(Waits::NoReplicas);
    }
    let old = pods(cluster, set).filter(|p| label(p, REVISION_HASH) != text(set, &["status", "updateRevision"])).count() as i64;
    if old == 0 {
        None
    } else if text(set, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        Some(Waits::OnDelete)
    } else {
        let partition = integer(set, &["spec", "updateStrategy", "rollingUpdate", "partition"]).unwrap_or(0);
        (old <= partition).then_some(Waits::Partition)
    }
}

fn daemon(set: &Value) -> Option<Waits> {
    let (wanted, updated) = (status(set, "desiredNumberScheduled"), status(set, "updatedNumberScheduled"));
    if wanted == 0 {
        return Some(Waits::NoReplicas);
    }
    (updated < wanted && text(set, &["spec", "updateStrategy", "type"]) == "OnDelete").then_some(Waits::OnDelete)
}

fn pods<'c>(cluster: &'c Cluster, owner: &Value) -> impl Iterator<Item = &'c Arc<Value>> {
    let owned: Vec<&ObjectId> = cluster.controllers.index.dependents(super::reading::uid(owner)).collect();
    owned.into_iter().filter(|id| id.kind == "Pod").filter_map(|id| cluster.store.get(id))
}

/// What keeps a rollout from its end. Called when nothing moves any more, so that whatever is not done will not be.
fn stuck(cluster: &Cluster, id: &ObjectId, workload: &Value) -> Option<String> {
    let (wanted, there, updated) = match id.kind.as_str() {
        "DaemonSet" => {
            (status(workload, "desiredNumberScheduled"), status(workload, "numberAvailable"), status(workload, "updatedNumberScheduled"))
        }
        _ => (replicas(workload), status(workload, "availableReplicas"), status(workload, "updatedReplicas")),
    };
    if there >= wanted && updated >= wanted {
        return None;
    }
    if let Some((_, why)) = cluster.controllers.refused.get(id) {
        return Some(format!("its pods are not let in: {why}"));
    }
    let owned: Vec<Arc<Value>> = if id.kind == "Deployment" {
        let sets = cluster.controllers.index.dependents(super::reading::uid(workload)).filter(|id| id.kind == "ReplicaSet");
        sets.filter_map(|id| cluster.store.get(id)).flat_map(|set| pods(cluster, set)).cloned().collect()
    } else {
        pods(cluster, workload).cloned().collect()
    };
    let needed = min_ready_seconds(workload);
    let bad = owned.iter().find(|p| active(p) && !available(&cluster.clock, p, needed));
    Some(match bad {
        Some(pod) if !ready(pod) => {
            let why = kubelet::obstacle(cluster, pod).unwrap_or_else(|| "pods are not started".into());
            format!("pod {} does not become ready: {why}", name(pod))
        }
        Some(pod) => format!("pod {} is not available", name(pod)),
        None => format!("{there} of {wanted} pods are available, {updated} updated"),
    })
}
