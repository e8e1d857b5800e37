//! Deployments: which ReplicaSet is the new one, and how the old ones make way for it.
//!
//! Follows `pkg/controller/deployment/deployment_controller.go` and `sync.go`. One sync makes one step, as there; the changes
//! it makes wake it for the next.

mod new_set;
mod recreate;
mod rollback;
mod rolling;
mod scale;
mod status;

use super::reading::{age, annotation, deleting, replicas, scaled};
use super::{index, template};
use crate::object::{ObjectId, Value, at, text};
use crate::simulate::Cluster;
use std::sync::Arc;

const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAX: &str = "deployment.kubernetes.io/max-replicas";

/// A Deployment with its ReplicaSets, the oldest first.
struct Rollout {
    deployment: Arc<Value>,
    new: Option<Arc<Value>>,
    old: Vec<Arc<Value>>,
}

impl Rollout {
    fn all(&self) -> impl Iterator<Item = &Arc<Value>> {
        self.old.iter().chain(&self.new)
    }

    fn replicas(&self) -> i64 {
        replicas(&self.deployment)
    }

    fn rolling(&self) -> bool {
        text(&self.deployment, &["spec", "strategy", "type"]) != "Recreate"
    }

    /// How many pods there may be above, and how many may be missing below the number asked for.
    fn fenceposts(&self) -> (i64, i64) {
        if !self.rolling() {
            return (0, 0);
        }
        let of = |key| at(&self.deployment, &["spec", "strategy", "rollingUpdate", key]);
        let surge = scaled(of("maxSurge"), self.replicas(), true, 0);
        let unavailable = scaled(of("maxUnavailable"), self.replicas(), false, 0);
        let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
        (surge, unavailable.min(self.replicas()))
    }
}

/// Makes the next step of a Deployment.
pub(super) fn sync(cluster: &mut Cluster, id: &ObjectId) {
    let Some(deployment) = cluster.store.get(id).cloned() else { return };
    let sets = index::claim(cluster, &deployment, "ReplicaSet", &|_| true);
    let mut rollout = divide(cluster, deployment, sets);
    if deleting(&rollout.deployment) {
        new_set::find_or_create(cluster, &mut rollout, false);
        status::sync(cluster, &rollout);
        return;
    }
    status::note_pause(cluster, &mut rollout);
    let paused = rollout.deployment["spec"]["paused"] == true;
    if let Some(wanted) = rollback::wanted(&rollout.deployment).filter(|_| !paused) {
        rollback::sync(cluster, rollout, wanted);
    } else if paused || is_scaling_event(cluster, &mut rollout) {
        scale_only(cluster, rollout);
    } else if rollout.rolling() {
        rolling::sync(cluster, rollout);
    } else {
        recreate::sync(cluster, rollout);
    }
}

/// The oldest ReplicaSet whose template means the same as the Deployment's is the new one.
fn divide(cluster: &Cluster, deployment: Arc<Value>, sets: Vec<Arc<Value>>) -> Rollout {
    let mut aged: Vec<_> = sets.iter().map(|set| (age(set), set)).collect();
    aged.sort_by_key(|(age, _)| *age);
    let mut sets: Vec<Arc<Value>> = aged.into_iter().map(|(_, set)| Arc::clone(set)).collect();
    let new = sets.iter().position(|s| template::same(cluster.schema, &deployment, s)).map(|i| sets.remove(i));
    Rollout { deployment, new, old: sets }
}

/// A write that changed `replicas` is dealt with before any rollout goes on.
fn is_scaling_event(cluster: &mut Cluster, rollout: &mut Rollout) -> bool {
    new_set::find_or_create(cluster, rollout, false);
    let wanted = rollout.replicas();
    rollout.all().filter(|s| replicas(s) > 0).any(|s| count(s, DESIRED).is_some_and(|desired| desired != wanted))
}

fn scale_only(cluster: &mut Cluster, mut rollout: Rollout) {
    new_set::find_or_create(cluster, &mut rollout, false);
    scale::all(cluster, &mut rollout);
    if rollout.deployment["spec"]["paused"] == true {
        scale::clean_up(cluster, &rollout);
    }
    status::sync(cluster, &rollout);
}

/// A count in an annotation; none if it is not there or is no count.
fn count(set: &Value, key: &str) -> Option<i64> {
    annotation(set, key)?.parse::<i64>().ok().filter(|n| (0..=i64::from(i32::MAX)).contains(n))
}

fn revision(set: &Value) -> i64 {
    annotation(set, super::reading::REVISION).and_then(|r| r.parse().ok()).unwrap_or(0)
}

/// The ReplicaSet of a Deployment of which a snapshot has none: it has all the pods.
pub(super) fn settled(cluster: &Cluster, deployment: &Arc<Value>) -> Value {
    let rollout = Rollout { deployment: Arc::clone(deployment), new: None, old: Vec::new() };
    new_set::settled(cluster, &rollout)
}
