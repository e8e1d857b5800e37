//! A DaemonSet's status.
//!
//! Follows `updateDaemonSetStatus` of `pkg/controller/daemon/daemon_controller.go`.

use super::Daemon;
use crate::object::Map;
use crate::object::ObjectId;
use crate::simulate::Cluster;
use crate::simulate::controllers::reading::{available, generation, min_ready_seconds, ready};
use crate::simulate::controllers::write;

/// Writes the status.
pub(super) fn write(cluster: &mut Cluster, daemon: &Daemon) {
    let needed = min_ready_seconds(&daemon.set);
    let [mut desired, mut current, mut misplaced, mut are_ready, mut updated, mut serving] = [0_i64; 6];
    for node in &daemon.nodes {
        let first = daemon.pods.get(&node.name).and_then(|pods| pods.first());
        match (node.runs, first) {
            (true, Some(pod)) => {
                current += 1;
                are_ready += i64::from(ready(pod));
                serving += i64::from(available(&cluster.clock, pod, needed));
                updated += i64::from(daemon.is_updated(pod));
            }
            (false, Some(_)) => misplaced += 1,
            (_, None) => {}
        }
        desired += i64::from(node.runs);
    }
    let counts = [
        ("currentNumberScheduled", current, true),
        ("numberMisscheduled", misplaced, true),
        ("desiredNumberScheduled", desired, true),
        ("numberReady", are_ready, true),
        ("observedGeneration", generation(&daemon.set), false),
        ("updatedNumberScheduled", updated, false),
        ("numberAvailable", serving, false),
        ("numberUnavailable", desired - serving, false),
    ];
    let mut status = Map::new();
    status.extend(counts.into_iter().filter(|(_, n, always)| *always || *n != 0).map(|(key, n, _)| (key.to_owned(), n.into())));
    for key in ["collisionCount", "conditions"] {
        if let Some(value) = daemon.set["status"].get(key) {
            status.insert(key.into(), value.clone());
        }
    }
    let Some(stored) = cluster.store.get(&ObjectId::of(&daemon.set)).cloned() else { return };
    write::set_status(cluster, &stored, status.into());
}
