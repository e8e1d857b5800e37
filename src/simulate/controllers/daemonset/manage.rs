//! A pod on every node that is to have one, none where none may stay. No limit on unavailability holds here.
//!
//! Follows `manage` and `podsShouldBeOnNode` of `pkg/controller/daemon/daemon_controller.go`.

use super::nodes::Node;
use super::{Daemon, create};
use crate::object::Value;
use crate::simulate::Cluster;
use crate::simulate::controllers::pods;
use crate::simulate::controllers::reading::{REVISION_HASH, available, deleting, label, min_ready_seconds, phase, ready};
use std::sync::Arc;

/// Creates and deletes pods. Returns whether it did.
pub(super) fn step(cluster: &mut Cluster, daemon: &Daemon) -> bool {
    let (mut missing, mut doomed) = (Vec::new(), Vec::new());
    for node in &daemon.nodes {
        look(cluster, daemon, node, &mut missing, &mut doomed);
    }
    for node in &missing {
        create(cluster, daemon, node);
    }
    for (pod, why) in &doomed {
        pods::delete(cluster, pod, why);
    }
    !missing.is_empty() || !doomed.is_empty()
}

type Doomed = Vec<(Arc<Value>, &'static str)>;

fn look(cluster: &Cluster, daemon: &Daemon, node: &Node, missing: &mut Vec<String>, doomed: &mut Doomed) {
    let there = daemon.pods.get(&node.name);
    let all = there.map(Vec::as_slice).unwrap_or_default();
    if node.runs && there.is_none() {
        missing.push(node.name.clone());
        return;
    }
    let staying = all.iter().filter(|p| !deleting(p));
    if !node.stays {
        doomed.extend(staying.map(|p| (Arc::clone(p), "misplaced")));
        return;
    }
    let (ended, running): (Vec<_>, Vec<_>) = staying.cloned().partition(|p| matches!(phase(p), "Failed" | "Succeeded"));
    doomed.extend(ended.into_iter().map(|p| (p, "ended")));
    if running.len() <= 1 {
        if daemon.surges() && running.is_empty() && node.runs {
            missing.push(node.name.clone());
        }
        return;
    }
    if !daemon.surges() {
        doomed.extend(running.into_iter().skip(1).map(|p| (p, "excess")));
        return;
    }
    let (new, old): (Vec<_>, Vec<_>) = running.into_iter().partition(|p| label(p, REVISION_HASH) == daemon.hash);
    doomed.extend(new.iter().skip(1).chain(old.iter().skip(1)).map(|p| (Arc::clone(p), "excess")));
    if let Some((new, old)) = new.first().zip(old.first()) {
        let replaced = available(&cluster.clock, new, min_ready_seconds(&daemon.set));
        if !ready(old) || replaced {
            doomed.push((Arc::clone(old), "updated"));
        }
    }
}
