//! Changes the size of ReplicaSets: all in proportion when a Deployment is scaled while it rolls; and removes those that are
//! history.
//!
//! Follows `scale`, `scaleReplicaSet` and `cleanupDeployment` of `pkg/controller/deployment/sync.go`.

use super::{DESIRED, MAX, Rollout, count, new_set, revision};
use crate::object::{ObjectId, Value, integer, map_at};
use crate::simulate::Cluster;
use crate::simulate::controllers::reading::{age, deleting, generation, replicas, status};
use crate::simulate::controllers::write;
use std::cmp::Reverse;
use std::sync::Arc;

/// Distributes the Deployment's replicas over its ReplicaSets.
pub(super) fn all(cluster: &mut Cluster, rollout: &mut Rollout) {
    let wanted = rollout.replicas();
    let active: Vec<Arc<Value>> = rollout.all().filter(|s| replicas(s) > 0).cloned().collect();
    let only = match active.as_slice() {
        [] => rollout.new.clone().or_else(|| rollout.old.last().cloned()),
        [one] => Some(Arc::clone(one)),
        _ => None,
    };
    if let Some(only) = only {
        one(cluster, rollout, &only, wanted);
    } else if active.is_empty() {
    } else if rollout.new.as_ref().is_some_and(|new| saturated(new, wanted)) {
        for old in rollout.old.clone() {
            one(cluster, rollout, &old, 0);
        }
    } else if rollout.rolling() {
        in_proportion(cluster, rollout, active);
    }
}

fn saturated(new: &Value, wanted: i64) -> bool {
    replicas(new) == wanted && count(new, DESIRED) == Some(wanted) && status(new, "availableReplicas") == wanted
}

fn in_proportion(cluster: &mut Cluster, rollout: &mut Rollout, mut sets: Vec<Arc<Value>>) {
    let (surge, _) = rollout.fenceposts();
    let allowed = if rollout.replicas() > 0 { rollout.replicas() + surge } else { 0 };
    let to_add = allowed - sets.iter().map(|s| replicas(s)).sum::<i64>();
    // The largest first; among equals the newer gain first and the older lose first.
    sets.sort_by(|a, b| if to_add > 0 { age(b).cmp(&age(a)) } else { age(a).cmp(&age(b)) });
    sets.sort_by_key(|s| Reverse(replicas(s)));
    let mut added = 0;
    let mut sizes: Vec<i64> = Vec::new();
    for set in &sets {
        let share = share(rollout, set, surge, to_add, added);
        added += share;
        sizes.push(replicas(set) + share);
    }
    if let Some(first) = sizes.first_mut() {
        *first = (*first + to_add - added).max(0);
    }
    for (set, size) in sets.iter().zip(sizes) {
        resize(cluster, rollout, set, size);
    }
}

fn share(rollout: &Rollout, set: &Value, surge: i64, to_add: i64, added: i64) -> i64 {
    let size = replicas(set);
    if size == 0 || to_add == added {
        return 0;
    }
    let share = if rollout.replicas() == 0 {
        -size
    } else {
        let before = count(set, MAX).filter(|n| *n > 0).unwrap_or_else(|| status(&rollout.deployment, "replicas"));
        if before == 0 { 0 } else { rounded(size * (rollout.replicas() + surge), before) - size }
    };
    if to_add > 0 { share.min(to_add - added) } else { share.max(to_add - added) }
}

/// A quotient of positive numbers, rounded half up.
fn rounded(number: i64, divisor: i64) -> i64 {
    (2 * number + divisor) / (2 * divisor)
}

/// Scales a ReplicaSet unless it has that size. Returns whether it did.
pub(super) fn one(cluster: &mut Cluster, rollout: &mut Rollout, set: &Arc<Value>, size: i64) -> bool {
    if replicas(set) == size {
        return false;
    }
    resize(cluster, rollout, set, size);
    true
}

fn resize(cluster: &mut Cluster, rollout: &mut Rollout, set: &Arc<Value>, size: i64) {
    let (surge, _) = rollout.fenceposts();
    let mut changed = (**set).clone();
    map_at(&mut changed, &["spec"]).insert("replicas".into(), size.into());
    new_set::counts(&mut changed, rollout.replicas(), surge);
    let changed = write::update(cluster, set, changed);
    for slot in rollout.old.iter_mut().chain(&mut rollout.new) {
        if crate::simulate::controllers::reading::name(slot) == crate::simulate::controllers::reading::name(set) {
            *slot = Arc::clone(&changed);
        }
    }
}

/// Deletes the oldest empty ReplicaSets beyond the history limit.
pub(super) fn clean_up(cluster: &mut Cluster, rollout: &Rollout) {
    let Some(limit) = integer(&rollout.deployment, &["spec", "revisionHistoryLimit"]) else { return };
    let mut alive: Vec<&Arc<Value>> = rollout.old.iter().filter(|s| !deleting(s)).collect();
    let excess = alive.len() as i64 - limit;
    if excess <= 0 || limit == i64::from(i32::MAX) {
        return;
    }
    alive.sort_by_key(|s| revision(s));
    for set in alive.into_iter().take(usize::try_from(excess).unwrap_or(0)) {
        let empty = status(set, "replicas") == 0 && replicas(set) == 0 && generation(set) <= status(set, "observedGeneration");
        if empty {
            write::delete(cluster, &ObjectId::of(set), None);
        }
    }
}
