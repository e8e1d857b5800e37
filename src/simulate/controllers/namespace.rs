//! A namespace that is being deleted is emptied, then goes.
//!
//! Follows `pkg/controller/namespace/deletion/namespaced_resources_deleter.go`.

use super::queue::Task;
use super::reading::deleting;
use super::write;
use crate::object::{ObjectId, Value, items, map_at, text};
use crate::simulate::Cluster;
use crate::simulate::store::Change;
use std::collections::BTreeSet;

/// Queues a namespace when it is being deleted, and when the last of its objects goes.
pub(super) fn note(cluster: &mut Cluster, change: &Change) {
    let id: &ObjectId = &change.id;
    if id.kind == "Namespace" && id.group.is_empty() {
        if change.after.as_ref().is_some_and(|n| deleting(n)) {
            cluster.controllers.queue.push(Task::Sync(id.clone()));
        }
    } else if change.after.is_none() {
        let Some(left) = cluster.controllers.emptying.get_mut(id.namespace.as_str()) else { return };
        left.remove(id);
        if left.is_empty() {
            cluster.controllers.queue.push(Task::Sync(namespace(&id.namespace)));
        }
    }
}

fn namespace(name: &str) -> ObjectId {
    ObjectId { kind: "Namespace".into(), name: name.into(), ..ObjectId::default() }
}

/// Deletes everything in a namespace that is being deleted; removes it when nothing is left.
pub(super) fn sync(cluster: &mut Cluster, id: &ObjectId) {
    let Some(space) = cluster.store.get(id).cloned().filter(|n| deleting(n)) else { return };
    if cluster.controllers.emptying.get(id.name.as_str()).is_some_and(|left| !left.is_empty()) {
        return;
    }
    if text(&space, &["status", "phase"]) != "Terminating" {
        let mut marked = (*space).clone();
        map_at(&mut marked, &["status"]).insert("phase".into(), "Terminating".into());
        write::update(cluster, &space, marked);
    }
    let inside = |cluster: &Cluster| -> BTreeSet<ObjectId> {
        cluster.store.iter().filter(|(i, _)| i.namespace == id.name).map(|(i, _)| i.clone()).collect()
    };
    for object in inside(cluster) {
        write::delete(cluster, &object, None);
    }
    let left = inside(cluster);
    if left.is_empty() {
        cluster.controllers.emptying.remove(id.name.as_str());
        finalize(cluster, id);
    } else {
        cluster.controllers.emptying.insert(id.name.as_str().into(), left);
    }
}

fn finalize(cluster: &mut Cluster, id: &ObjectId) {
    let Some(space) = cluster.store.get(id).cloned() else { return };
    let held = space["metadata"].get("finalizers").and_then(Value::as_array).is_some_and(|f| !f.is_empty());
    // Whoever put another finalizer there takes it away himself.
    let others: Vec<Value> = items(&space, &["spec", "finalizers"]).iter().filter(|f| *f != "kubernetes").cloned().collect();
    if held || !others.is_empty() {
        let mut released = (*space).clone();
        let spec = map_at(&mut released, &["spec"]);
        spec.shift_remove("finalizers");
        spec.extend((!others.is_empty()).then(|| ("finalizers".to_owned(), others.into())));
        write::update_by(cluster, &space, released, "finalize");
    } else {
        cluster.store.remove(id);
    }
}
