//! Recreate: all old pods go, then the new ones come.
//!
//! Follows `pkg/controller/deployment/recreate.go`.

use super::{Rollout, new_set, scale, status};
use crate::simulate::Cluster;
use crate::simulate::controllers::reading::{replicas, status as counted, terminal, uid};

/// Makes the next step.
pub(super) fn sync(cluster: &mut Cluster, mut rollout: Rollout) {
    new_set::find_or_create(cluster, &mut rollout, false);
    let mut stepped = false;
    for set in rollout.old.clone() {
        stepped |= scale::one(cluster, &mut rollout, &set, 0);
    }
    if stepped || old_pods_run(cluster, &rollout) {
        status::sync_rollout(cluster, &rollout);
        return;
    }
    if !new_set::find_or_create(cluster, &mut rollout, true) {
        return;
    }
    if let Some(new) = rollout.new.clone() {
        let wanted = rollout.replicas();
        scale::one(cluster, &mut rollout, &new, wanted);
    }
    if status::complete(&rollout.deployment, &rollout.deployment["status"]) {
        scale::clean_up(cluster, &rollout);
    }
    status::sync_rollout(cluster, &rollout);
}

/// Whether an old pod is left; one that is being deleted counts, one that has ended does not.
fn old_pods_run(cluster: &Cluster, rollout: &Rollout) -> bool {
    let index = &cluster.controllers.index;
    rollout.old.iter().any(|set| {
        counted(set, "replicas") > 0
            || replicas(set) > 0
            || index.dependents(uid(set)).filter(|id| id.kind == "Pod").filter_map(|id| cluster.store.get(id)).any(|pod| !terminal(pod))
    })
}
