//! The one way by which controllers write: what they create, change and delete goes into the store here, and nowhere else.

use super::reading::{deleting, generation, name, uid};
use crate::apply::field_manager::FieldManager;
use crate::apply::managers::Managers;
use crate::object::{Gvk, ObjectId, Value, at, integer, items, json, map_at, text};
use crate::schema::{Type, decode::arrange};
use crate::simulate::Cluster;
use std::sync::Arc;
use std::time::Duration;

/// Whom the controllers write as.
pub(super) const MANAGER: &str = "kube-controller-manager";

fn put(cluster: &mut Cluster, object: Value) -> Arc<Value> {
    cluster.store.put(object)
}

/// Creates an object: gives it what the API server would (uid, creation time, generation).
pub(super) fn create(cluster: &mut Cluster, mut object: Value) -> Arc<Value> {
    let (uid, now) = (cluster.store.new_uid(), cluster.clock.timestamp());
    // Claims have a spec and count no generations.
    let counts = object.get("spec").is_some() && object["kind"] != "PersistentVolumeClaim";
    let metadata = map_at(&mut object, &["metadata"]);
    metadata.insert("uid".into(), uid.into());
    metadata.insert("creationTimestamp".into(), now.into());
    if counts {
        metadata.insert("generation".into(), 1.into());
    }
    put(cluster, object)
}

/// Stores a changed object unless nothing changed; a changed spec raises its generation.
pub(super) fn update(cluster: &mut Cluster, before: &Arc<Value>, mut object: Value) -> Arc<Value> {
    if **before == object {
        return Arc::clone(before);
    }
    if before.get("spec") != object.get("spec") && before["metadata"].get("generation").is_some() {
        map_at(&mut object, &["metadata"]).insert("generation".into(), (generation(before) + 1).into());
    }
    put(cluster, object)
}

/// Stores an object changed by way of an endpoint, which is the object itself if it has no name: the controllers come to own what
/// they changed, and whoever owned what is gone owns it no more.
pub(super) fn update_by(cluster: &mut Cluster, before: &Arc<Value>, mut object: Value, subresource: &str) -> Arc<Value> {
    own(cluster, before, &mut object, subresource, &[&["status"]]);
    update(cluster, before, object)
}

/// Stores a Deployment whose status and annotations changed, by way of the subresource: its controller comes to own the
/// annotations that it wrote, and whoever wrote something else there owns it no more.
pub(super) fn update_status(cluster: &mut Cluster, before: &Arc<Value>, mut object: Value) -> Arc<Value> {
    if **before == object {
        return Arc::clone(before);
    }
    if before["metadata"].get("annotations") != object["metadata"].get("annotations") {
        own(cluster, before, &mut object, "status", &[&["spec"], &["metadata", "labels"]]);
    }
    put(cluster, object)
}

/// Stores a new status unless nothing changed; its controller comes to own the fields that it changed.
pub(super) fn own_status(cluster: &mut Cluster, before: &Arc<Value>, status: Value) -> Arc<Value> {
    if before.get("status") == Some(&status) {
        return Arc::clone(before);
    }
    let mut object = (**before).clone();
    map_at(&mut object, &[]).insert("status".into(), status);
    if let Some(ty) = type_of(cluster, &Gvk::of(before)) {
        arrange(cluster.schema, ty, &mut object);
    }
    own(cluster, before, &mut object, "status", &[&["spec"]]);
    put(cluster, object)
}

/// The type of a built-in kind.
fn type_of(cluster: &Cluster, gvk: &Gvk) -> Option<&'static Type> {
    cluster.schema.resource_of(&gvk.group, &gvk.version, &gvk.kind).and_then(|r| r.ty.as_ref())
}

/// Writes down that the controllers own what they changed by way of a subresource, and that nobody owns what they took away;
/// `reset_fields` are those that it leaves alone.
fn own(cluster: &Cluster, before: &Value, object: &mut Value, subresource: &str, reset_fields: &[&[&str]]) {
    let (gvk, time) = (Gvk::of(before), cluster.clock.timestamp());
    let Some(ty) = type_of(cluster, &gvk) else { return };
    let fields = FieldManager { schema: cluster.schema, ty, gvk: &gvk, subresource, reset_fields, also_served: &[], converts: None };
    fields.update(Some(before), object, None, MANAGER, &time);
}

/// Stores a new status unless nothing changed.
pub(super) fn set_status(cluster: &mut Cluster, before: &Arc<Value>, status: Value) -> Arc<Value> {
    if before.get("status") == Some(&status) {
        return Arc::clone(before);
    }
    let mut object = (**before).clone();
    map_at(&mut object, &[]).insert("status".into(), status);
    join_twins(&mut object);
    put(cluster, object)
}

/// A `/scale` that changed nothing leaves its manager two entries; the next write reads one, and writes that.
fn join_twins(object: &mut Value) {
    const IDENTITY: [&str; 4] = ["manager", "operation", "apiVersion", "subresource"];
    let entries = items(object, &["metadata", "managedFields"]);
    let twins = |a: &Value, b: &Value| IDENTITY.iter().all(|key| a.get(key) == b.get(key));
    if !entries.iter().enumerate().any(|(i, entry)| entries[..i].iter().any(|other| twins(entry, other))) {
        return;
    }
    let joined = Managers::decode(at(object, &["metadata", "managedFields"])).ok().and_then(|managers| managers.encode());
    if let Some(joined) = joined {
        map_at(object, &["metadata"]).insert("managedFields".into(), joined);
    }
}

/// The reference by which a controller marks what it owns.
pub(super) fn controller_reference(owner: &Value) -> Value {
    json!({
        "apiVersion": text(owner, &["apiVersion"]),
        "kind": text(owner, &["kind"]),
        "name": name(owner),
        "uid": uid(owner),
        "controller": true,
        "blockOwnerDeletion": true,
    })
}

/// Makes a workload the controller of an orphan.
pub(super) fn adopt(cluster: &mut Cluster, object: &Arc<Value>, owner: &Value) -> Arc<Value> {
    let mut adopted = (**object).clone();
    let mut references = items(object, &["metadata", "ownerReferences"]).to_vec();
    references.push(controller_reference(owner));
    map_at(&mut adopted, &["metadata"]).insert("ownerReferences".into(), references.into());
    update(cluster, object, adopted)
}

/// Removes the references to an owner.
pub(super) fn disown(cluster: &mut Cluster, object: &Arc<Value>, owner_uid: &str) -> Arc<Value> {
    let mut released = (**object).clone();
    let references: Vec<Value> =
        items(object, &["metadata", "ownerReferences"]).iter().filter(|r| text(r, &["uid"]) != owner_uid).cloned().collect();
    let metadata = map_at(&mut released, &["metadata"]);
    if references.is_empty() {
        metadata.shift_remove("ownerReferences");
    } else {
        metadata.insert("ownerReferences".into(), references.into());
    }
    update(cluster, object, released)
}

/// Deletes an object as a DELETE request would: a pod on a node is given time to stop, an object with finalizers stays until
/// they are gone, anything else goes at once.
pub(super) fn delete(cluster: &mut Cluster, id: &ObjectId, finalizer: Option<&str>) {
    let Some(object) = cluster.store.get(id).cloned() else { return };
    if deleting(&object) {
        return;
    }
    let grace = if id.kind == "Pod" && id.group.is_empty() { pod_grace(&object) } else { 0 };
    let mut finalizers = items(&object, &["metadata", "finalizers"]).to_vec();
    finalizers.extend(finalizer.map(Value::from));
    if grace == 0 && finalizers.is_empty() {
        cluster.store.remove(id);
        return;
    }
    let at = cluster.clock.now + Duration::from_secs(grace);
    let (at, mut marked) = (cluster.clock.timestamp_at(at), (*object).clone());
    let metadata = map_at(&mut marked, &["metadata"]);
    metadata.insert("deletionTimestamp".into(), at.into());
    metadata.insert("deletionGracePeriodSeconds".into(), grace.into());
    if !finalizers.is_empty() {
        metadata.insert("finalizers".into(), finalizers.into());
    }
    if let Some(generation) = integer(&object, &["metadata", "generation"]) {
        metadata.insert("generation".into(), (generation + 1).into());
    }
    put(cluster, marked);
}

/// How long a pod may take to stop. One that is on no node, or has ended, needs no time.
/// Follows `pkg/registry/core/pod/strategy.go`.
fn pod_grace(pod: &Value) -> u64 {
    let nowhere = at(pod, &["spec", "nodeName"]).is_none();
    if nowhere || super::reading::terminal(pod) {
        return 0;
    }
    integer(pod, &["spec", "terminationGracePeriodSeconds"]).and_then(|s| u64::try_from(s).ok()).unwrap_or(30)
}

/// Puts a finalizer on.
pub(super) fn guard(cluster: &mut Cluster, object: &Arc<Value>, finalizer: &str) {
    let mut finalizers = items(object, &["metadata", "finalizers"]).to_vec();
    finalizers.push(finalizer.into());
    let mut guarded = (**object).clone();
    map_at(&mut guarded, &["metadata"]).insert("finalizers".into(), finalizers.into());
    own(cluster, object, &mut guarded, "", &[&["status"]]);
    update(cluster, object, guarded);
}

/// Takes a finalizer off; an object that is being deleted goes with its last one.
pub(super) fn release(cluster: &mut Cluster, id: &ObjectId, finalizer: &str) {
    let Some(object) = cluster.store.get(id).cloned() else { return };
    let left: Vec<Value> = items(&object, &["metadata", "finalizers"]).iter().filter(|f| *f != finalizer).cloned().collect();
    if left.is_empty() && deleting(&object) {
        cluster.store.remove(id);
        return;
    }
    let mut changed = (*object).clone();
    let metadata = map_at(&mut changed, &["metadata"]);
    if left.is_empty() {
        metadata.shift_remove("finalizers");
    } else {
        metadata.insert("finalizers".into(), left.into());
    }
    update_by(cluster, &object, changed, "");
}
