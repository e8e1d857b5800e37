//! A StatefulSet's status.
//!
//! Follows `computeReplicaStatus` and `completeRollingUpdate` of `pkg/controller/statefulset`.

use super::Set;
use crate::object::{Map, Value};
use crate::simulate::Cluster;
use crate::simulate::controllers::reading::{
    REVISION_HASH, available, deleting, generation, label, min_ready_seconds, name, phase, ready, replicas,
};
use crate::simulate::controllers::write;
use std::sync::Arc;

/// Writes the status; `lost` pods of the current revision were deleted a moment ago.
pub(super) fn write(cluster: &mut Cluster, set: &Set, lost: i64) {
    let pods: Vec<&Arc<Value>> = set.members.iter().flatten().chain(&set.condemned).collect();
    let number = |counts: &dyn Fn(&Value) -> bool| pods.iter().filter(|p| counts(p)).count() as i64;
    let needed = min_ready_seconds(&set.set);
    let runs = |p: &Value| phase(p) == "Running" && ready(p);
    let all = number(&|p| !phase(p).is_empty());
    let ready = number(&runs);
    let available = number(&|p| runs(p) && available(&cluster.clock, p, needed));
    let updated = number(&|p| !deleting(p) && label(p, REVISION_HASH) == name(&set.update));
    let mut current = number(&|p| !deleting(p) && label(p, REVISION_HASH) == name(&set.current)) - lost;
    let mut current_revision = name(&set.current);
    let wanted = replicas(&set.set);
    if set.rolls() && updated == wanted && ready == wanted && all == wanted {
        current = updated;
        current_revision = name(&set.update);
    }
    let mut status = Map::new();
    status.insert("observedGeneration".into(), generation(&set.set).into());
    status.insert("replicas".into(), all.into());
    for (key, count) in [("readyReplicas", ready), ("currentReplicas", current), ("updatedReplicas", updated)] {
        if count != 0 {
            status.insert(key.into(), count.into());
        }
    }
    status.insert("currentRevision".into(), current_revision.into());
    status.insert("updateRevision".into(), name(&set.update).into());
    status.insert("collisionCount".into(), set.collisions.into());
    status.insert("availableReplicas".into(), available.into());
    if let Some(conditions) = set.set["status"].get("conditions") {
        status.insert("conditions".into(), conditions.clone());
    }
    let Some(stored) = cluster.store.get(&crate::object::ObjectId::of(&set.set)).cloned() else { return };
    write::set_status(cluster, &stored, status.into());
}
