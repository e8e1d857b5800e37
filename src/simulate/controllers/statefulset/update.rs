//! One step of a StatefulSet: make what is missing, then delete what is too much, then replace what is old; in order, each
//! waiting for the one before unless pods are managed in parallel.
//!
//! Follows `updateStatefulSet` of `pkg/controller/statefulset/stateful_set_control.go`.

use super::{Set, claims, member};
use crate::object::{Value, at, text};
use crate::simulate::Cluster;
use crate::simulate::controllers::pods;
use crate::simulate::controllers::reading::{
    REVISION_HASH, available, deleting, label, min_ready_seconds, name, phase, ready, scaled, terminal,
};
use crate::simulate::defaults::gates::Gate;
use std::sync::Arc;

/// Makes the step. Returns how many pods of the current revision it deleted in order to update them.
pub(super) fn step(cluster: &mut Cluster, set: &Set) -> i64 {
    let complete = make(cluster, set);
    if !complete || !shrink(cluster, set) || !set.rolls() {
        return 0;
    }
    if Gate::MaxUnavailableStatefulSet.enabled(cluster.schema.version()) {
        replace_several(cluster, set)
    } else {
        replace_one(cluster, set)
    }
}

fn healthy(cluster: &Cluster, set: &Set, pod: &Value) -> bool {
    running(pod) && available(&cluster.clock, pod, min_ready_seconds(&set.set))
}

fn running(pod: &Value) -> bool {
    phase(pod) == "Running" && ready(pod)
}

fn unavailable(cluster: &Cluster, set: &Set, pod: Option<&Arc<Value>>) -> bool {
    pod.is_none_or(|p| deleting(p) || !available(&cluster.clock, p, min_ready_seconds(&set.set)))
}

/// Makes missing pods. Returns whether the step may go on.
fn make(cluster: &mut Cluster, set: &Set) -> bool {
    for (index, pod) in set.members.iter().enumerate() {
        let waits = match pod {
            Some(pod) if terminal(pod) => {
                pods::delete(cluster, pod, "ended");
                true
            }
            Some(pod) => deleting(pod) || !healthy(cluster, set, pod),
            None => {
                member::create(cluster, set, index);
                true
            }
        };
        if waits && set.monotonic() {
            return false;
        }
    }
    true
}

/// Deletes pods beyond the range. Returns whether the step may go on.
fn shrink(cluster: &mut Cluster, set: &Set) -> bool {
    let members = set.members.iter().map(Option::as_ref);
    let unhealthy = members.chain(set.condemned.iter().rev().map(Some)).find(|p| unavailable(cluster, set, *p)).flatten();
    let unhealthy = unhealthy.map(|p| name(p).to_owned());
    for pod in &set.condemned {
        if deleting(pod) {
            if set.monotonic() {
                return false;
            }
            continue;
        }
        if set.monotonic() && !healthy(cluster, set, pod) && unhealthy.as_deref() != Some(name(pod)) {
            return false;
        }
        let ordinal = member::ordinal(name(&set.set), name(pod)).unwrap_or(0);
        claims::give_up(cluster, &set.set, pod, ordinal);
        pods::delete(cluster, pod, "scaled");
        if set.monotonic() {
            return false;
        }
    }
    true
}

fn outdated(set: &Set, pod: Option<&Arc<Value>>) -> bool {
    pod.is_some_and(|p| label(p, REVISION_HASH) != name(&set.update) && !deleting(p))
}

/// From the highest down to the partition: deletes the first pod that is of another revision, unless one above is not
/// available yet.
fn replace_one(cluster: &mut Cluster, set: &Set) -> i64 {
    let lowest = usize::try_from(set.partition().unwrap_or(0)).unwrap_or(0);
    for pod in set.members.iter().skip(lowest).rev().map(Option::as_ref) {
        if let Some(pod) = pod.filter(|p| outdated(set, Some(p))) {
            return delete(cluster, set, pod);
        }
        if unavailable(cluster, set, pod) {
            return 0;
        }
    }
    0
}

/// The same, with as many pods missing at a time as `maxUnavailable` allows.
fn replace_several(cluster: &mut Cluster, set: &Set) -> i64 {
    let lowest = usize::try_from(set.partition().unwrap_or(0)).unwrap_or(0);
    let total = i64::try_from(set.members.len()).unwrap_or(i64::MAX);
    let allowed = at(&set.set, &["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"]);
    let allowed = scaled(allowed, total, false, 1).max(1);
    let missing = set.members.iter().filter(|p| unavailable(cluster, set, p.as_ref())).count();
    let free = usize::try_from(allowed).unwrap_or(1).saturating_sub(missing);
    let old: Vec<&Arc<Value>> = set.members.iter().skip(lowest).rev().flatten().filter(|p| outdated(set, Some(p))).take(free).collect();
    old.into_iter().map(|pod| delete(cluster, set, pod)).sum()
}

fn delete(cluster: &mut Cluster, set: &Set, pod: &Value) -> i64 {
    pods::delete(cluster, pod, "updated");
    i64::from(text(pod, &["metadata", "labels", REVISION_HASH]) == name(&set.current))
}
