//! Finished Jobs that say for how long they are to be kept go after that time, with their pods.
//!
//! Follows `pkg/controller/ttlafterfinished/ttlafterfinished_controller.go`. Nobody waits for it: see `queue`.

use super::queue::Timer;
use super::reading::{deleting, finished};
use super::{garbage, write};
use crate::object::{ObjectId, Value, integer, text};
use crate::simulate::Cluster;
use std::sync::Arc;
use std::time::Duration;

/// Deletes a Job whose time has passed; else the clock will tell when it has.
pub(super) fn sync(cluster: &mut Cluster, id: &ObjectId) {
    let Some(expires) = cluster.store.get(id).and_then(|job| expires(cluster, job)) else { return };
    cluster.controllers.queue.turn(true);
    if expires > cluster.clock.now {
        cluster.controllers.queue.at(expires, Timer::Due(id.clone()));
    } else {
        write::delete(cluster, id, Some(garbage::FOREGROUND));
    }
}

/// Sets the times at which the finished Jobs of a snapshot go.
pub(super) fn meet(cluster: &mut Cluster, objects: &[(Arc<ObjectId>, Arc<Value>)]) {
    for (id, job) in objects.iter().filter(|(id, _)| id.kind == "Job" && id.group == "batch") {
        if let Some(expires) = expires(cluster, job) {
            cluster.controllers.queue.at(expires.max(cluster.clock.now), Timer::Due(ObjectId::clone(id)));
        }
    }
}

/// When a Job is to go; none if it says nothing, still runs or is going already.
fn expires(cluster: &Cluster, job: &Value) -> Option<Duration> {
    let kept = integer(job, &["spec", "ttlSecondsAfterFinished"]).filter(|_| !deleting(job))?;
    cluster.clock.point_after(text(finished(job)?, &["lastTransitionTime"]), kept)
}
