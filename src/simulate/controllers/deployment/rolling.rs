//! One step of a rolling update: first up, then down, never below what must be available nor above what is allowed.
//!
//! Follows `pkg/controller/deployment/rolling.go`.

use super::{Rollout, new_set, scale, status};
use crate::object::Value;
use crate::simulate::Cluster;
use crate::simulate::controllers::reading::{replicas, status as counted};
use std::sync::Arc;

/// Makes the next step.
pub(super) fn sync(cluster: &mut Cluster, mut rollout: Rollout) {
    if !new_set::find_or_create(cluster, &mut rollout, true) {
        return;
    }
    let stepped = up(cluster, &mut rollout) || down(cluster, &mut rollout);
    if !stepped && status::complete(&rollout.deployment, &rollout.deployment["status"]) {
        scale::clean_up(cluster, &rollout);
    }
    status::sync_rollout(cluster, &rollout);
}

fn up(cluster: &mut Cluster, rollout: &mut Rollout) -> bool {
    let Some(new) = rollout.new.clone() else { return false };
    let (current, wanted) = (replicas(&new), rollout.replicas());
    let size = if current >= wanted { wanted } else { new_set::room(rollout, current) };
    scale::one(cluster, rollout, &new, size)
}

fn down(cluster: &mut Cluster, rollout: &mut Rollout) -> bool {
    let Some(new) = &rollout.new else { return false };
    if rollout.old.iter().all(|s| replicas(s) == 0) {
        return false;
    }
    let (_, unavailable) = rollout.fenceposts();
    let needed = rollout.replicas() - unavailable;
    let starting = replicas(new) - counted(new, "availableReplicas");
    let spare = rollout.all().map(|s| replicas(s)).sum::<i64>() - needed - starting;
    if spare <= 0 {
        return false;
    }
    let cleaned = take(cluster, rollout, spare, |set| replicas(set) - counted(set, "availableReplicas"));
    let available: i64 = rollout.all().map(|s| counted(s, "availableReplicas")).sum();
    cleaned + take(cluster, rollout, available - needed, replicas) > 0
}

/// Takes pods from the old ReplicaSets, the oldest first: of each as many as `of` says, in all no more than `most`.
fn take(cluster: &mut Cluster, rollout: &mut Rollout, most: i64, of: impl Fn(&Value) -> i64) -> i64 {
    let mut taken = 0;
    for set in rollout.old.clone().into_iter().filter(|s: &Arc<Value>| replicas(s) > 0) {
        let count = of(&set).min(most - taken);
        if count > 0 {
            scale::one(cluster, rollout, &set, replicas(&set) - count);
            taken += count;
        }
    }
    taken
}
