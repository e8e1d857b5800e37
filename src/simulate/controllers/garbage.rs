//! What goes when its owner goes.
//!
//! Follows `pkg/controller/garbagecollector` and `pkg/controller/volume/{pvcprotection,pvprotection}`: dependents of an owner that is gone are
//! deleted (unless another owner is there); an owner that is deleted in the foreground waits for them; one that is deleted as
//! an orphan lets them go first.

use super::queue::Task;
use super::reading::{deleting, referred, uid};
use super::write;
use crate::object::{ObjectId, Value, items, text};
use crate::simulate::Cluster;
use crate::simulate::store::Change;
use std::sync::Arc;

pub(super) const FOREGROUND: &str = "foregroundDeletion";
const ORPHAN: &str = "orphan";
const CLAIM_PROTECTION: &str = "kubernetes.io/pvc-protection";
const VOLUME_PROTECTION: &str = "kubernetes.io/pv-protection";

/// Queues what a change of an object means for its dependents and owners.
pub(super) fn note(cluster: &mut Cluster, change: &Change) {
    let replaced = |b: &Arc<Value>| change.after.as_ref().is_none_or(|a| uid(a) != uid(b));
    if let Some(before) = change.before.as_ref().filter(|b| replaced(b)) {
        // Those that were made here and are not there any more need not be remembered.
        if !cluster.store.made(uid(before)) {
            cluster.controllers.gone.insert(uid(before).to_owned());
        }
        let dependents: Vec<ObjectId> = cluster.controllers.index.dependents(uid(before)).cloned().collect();
        dependents.into_iter().for_each(|id| cluster.controllers.queue.push(Task::Collect(id)));
        for owner in items(before, &["metadata", "ownerReferences"]) {
            let owner = referred(owner, &change.id.namespace);
            if cluster.store.get(&owner).is_some_and(|o| deleting(o)) {
                cluster.controllers.queue.push(Task::Collect(owner));
            }
        }
        for volume in items(before, &["spec", "volumes"]).iter().filter(|_| change.id.kind == "Pod") {
            let name = text(volume, &["persistentVolumeClaim", "claimName"]);
            let claim = ObjectId { kind: "PersistentVolumeClaim".into(), name: name.into(), ..ObjectId::clone(&change.id) };
            if cluster.store.get(&claim).is_some_and(|c| deleting(c)) {
                cluster.controllers.queue.push(Task::Sync(claim));
            }
        }
    }
    let Some(after) = &change.after else { return };
    if matches!(change.id.kind.as_str(), "PersistentVolumeClaim" | "PersistentVolume") {
        cluster.controllers.queue.push(Task::Sync(ObjectId::clone(&change.id)));
    }
    if !deleting(after) && change.before.is_some() {
        return;
    }
    let guarded = items(after, &["metadata", "finalizers"]).iter().any(|f| f == FOREGROUND || f == ORPHAN);
    let owned = !items(after, &["metadata", "ownerReferences"]).is_empty() && change.before.is_none();
    if guarded || owned {
        cluster.controllers.queue.push(Task::Collect(ObjectId::clone(&change.id)));
    }
}

/// Deletes an object whose owners are all gone; lets one go that waited for its dependents.
pub(super) fn collect(cluster: &mut Cluster, id: &ObjectId) {
    let Some(object) = cluster.store.get(id).cloned() else { return };
    if deleting(&object) {
        finish(cluster, id, &object);
        return;
    }
    let owners = items(&object, &["metadata", "ownerReferences"]);
    if owners.is_empty() {
        return;
    }
    let (mut alive, mut foreground) = (false, false);
    for owner in owners {
        match owner_of(cluster, owner, id) {
            Some(found) if waits(&found) => foreground = true,
            Some(_) => alive = true,
            // Not in the store and not removed from it: a snapshot need not have every kind.
            None => {
                let owner = text(owner, &["uid"]);
                alive |= !cluster.store.made(owner) && !cluster.controllers.gone.contains(owner);
            }
        }
    }
    if alive {
        return;
    }
    let has_dependents = cluster.controllers.index.dependents(uid(&object)).next().is_some();
    write::delete(cluster, id, (foreground && has_dependents).then_some(FOREGROUND));
}

fn owner_of(cluster: &Cluster, reference: &Value, dependent: &ObjectId) -> Option<Arc<Value>> {
    let cluster_scoped = ObjectId { namespace: "".into(), ..referred(reference, &dependent.namespace) };
    let mut found = [referred(reference, &dependent.namespace), cluster_scoped].into_iter().filter_map(|id| cluster.store.get(&id));
    found.find(|o| uid(o) == text(reference, &["uid"])).cloned()
}

fn waits(owner: &Value) -> bool {
    deleting(owner) && items(owner, &["metadata", "finalizers"]).iter().any(|f| f == FOREGROUND)
}

fn finish(cluster: &mut Cluster, id: &ObjectId, object: &Arc<Value>) {
    let guarded_by = |name: &str| items(object, &["metadata", "finalizers"]).iter().any(|f| f == name);
    let dependents: Vec<ObjectId> = cluster.controllers.index.dependents(uid(object)).cloned().collect();
    if guarded_by(ORPHAN) {
        for dependent in dependents {
            if let Some(dependent) = cluster.store.get(&dependent).cloned() {
                write::disown(cluster, &dependent, uid(object));
            }
        }
        write::release(cluster, id, ORPHAN);
    } else if guarded_by(FOREGROUND) {
        let blocks = |d: &Value| {
            items(d, &["metadata", "ownerReferences"]).iter().any(|r| text(r, &["uid"]) == uid(object) && r["blockOwnerDeletion"] == true)
        };
        let blocked = dependents.iter().filter_map(|d| cluster.store.get(d)).any(|d| blocks(d));
        dependents.into_iter().for_each(|d| cluster.controllers.queue.push(Task::Collect(d)));
        if !blocked {
            write::release(cluster, id, FOREGROUND);
        }
    }
}

/// Lets a claim go that is being deleted, once no pod uses it; puts the finalizer back that a write took off.
pub(super) fn protect_claim(cluster: &mut Cluster, id: &ObjectId) {
    let Some(claim) = cluster.store.get(id).cloned() else { return };
    let protected = items(&claim, &["metadata", "finalizers"]).iter().any(|f| f == CLAIM_PROTECTION);
    match (deleting(&claim), protected) {
        (false, false) => write::guard(cluster, &claim, CLAIM_PROTECTION),
        (true, true) => {
            let name = |v: &Value| text(v, &["persistentVolumeClaim", "claimName"]) == id.name;
            let uses = |pod: &Value| items(pod, &["spec", "volumes"]).iter().any(name);
            let used = cluster.store.list("", "Pod", Some(&id.namespace)).any(|(_, pod)| uses(pod));
            if !used {
                write::release(cluster, id, CLAIM_PROTECTION);
            }
        }
        _ => {}
    }
}

/// Lets a volume go that is being deleted, unless it is bound; puts the finalizer back that a write took off.
pub(super) fn protect_volume(cluster: &mut Cluster, id: &ObjectId) {
    let Some(volume) = cluster.store.get(id).cloned() else { return };
    let protected = items(&volume, &["metadata", "finalizers"]).iter().any(|f| f == VOLUME_PROTECTION);
    match (deleting(&volume), protected) {
        (false, false) => write::guard(cluster, &volume, VOLUME_PROTECTION),
        (true, true) if text(&volume, &["status", "phase"]) != "Bound" => write::release(cluster, id, VOLUME_PROTECTION),
        _ => {}
    }
}
