//! The PersistentVolumeClaims of a StatefulSet's pods: made from its claim templates, kept or deleted as its retention policy
//! says.
//!
//! Follows `pkg/controller/statefulset/stateful_set_utils.go` and `stateful_pod_control.go`.

use crate::object::{ObjectId, Value, at, items, json, map_at, text};
use crate::simulate::controllers::reading::{deleting, name, uid};
use crate::simulate::controllers::{surroundings, write};
use crate::simulate::{Cluster, admission};
use std::sync::Arc;

fn claim_name(template: &Value, set: &Value, ordinal: i64) -> String {
    format!("{}-{}-{ordinal}", name(template), name(set))
}

fn templates(set: &Value) -> &[Value] {
    items(set, &["spec", "volumeClaimTemplates"])
}

/// The volumes by which a pod uses its claims.
pub(super) fn volumes(set: &Value, ordinal: i64) -> Vec<Value> {
    let volume = |t: &Value| json!({"name": name(t), "persistentVolumeClaim": {"claimName": claim_name(t, set, ordinal)}});
    templates(set).iter().map(volume).collect()
}

/// Makes the claims of a pod that are not there.
///
/// # Errors
/// Why the pod cannot be made yet: a claim was refused, or is on its way out.
pub(super) fn create_missing(cluster: &mut Cluster, set: &Arc<Value>, ordinal: i64) -> Result<(), String> {
    let mut wrong = Vec::new();
    for template in templates(set) {
        let id = id(set, &claim_name(template, set, ordinal));
        if let Some(there) = cluster.store.get(&id) {
            if deleting(there) {
                wrong.push(format!("pvc {} is being deleted", id.name));
            }
            continue;
        }
        let mut claim = draft(set, template, &id);
        let refused = admission::of_controller(cluster, &mut claim).err().map(|refused| refused.message);
        if cluster.controllers.surroundings {
            surroundings::claimed(cluster, set, (&id.name, ordinal), refused.as_deref());
        }
        match refused {
            Some(why) => wrong.push(format!("failed to create PVC {}: {why}", id.name)),
            None => drop(write::create(cluster, claim)),
        }
    }
    match wrong.as_slice() {
        [] => Ok(()),
        [only] => Err(only.clone()),
        several => Err(format!("[{}]", several.join(", "))),
    }
}

fn draft(set: &Value, template: &Value, id: &ObjectId) -> Value {
    let mut claim = template.clone();
    let root = map_at(&mut claim, &[]);
    root.insert("apiVersion".into(), "v1".into());
    root.insert("kind".into(), "PersistentVolumeClaim".into());
    root.insert("status".into(), json!({"phase": "Bound"}));
    let metadata = map_at(&mut claim, &["metadata"]);
    metadata.insert("name".into(), id.name.clone().into());
    metadata.insert("namespace".into(), id.namespace.clone().into());
    let wanted = at(set, &["spec", "selector", "matchLabels"]).and_then(Value::as_object).cloned().unwrap_or_default();
    map_at(&mut claim, &["metadata", "labels"]).extend(wanted);
    if policy(set, "whenDeleted") {
        map_at(&mut claim, &["metadata"]).insert("ownerReferences".into(), json!([write::controller_reference(set)]));
    }
    claim
}

/// Lets the claims of a pod beyond the range go with it, if the policy says so.
pub(super) fn give_up(cluster: &mut Cluster, set: &Value, pod: &Value, ordinal: i64) {
    if !policy(set, "whenScaled") {
        return;
    }
    for template in templates(set) {
        let Some(claim) = cluster.store.get(&id(set, &claim_name(template, set, ordinal))).cloned() else { continue };
        let claim = write::disown(cluster, &claim, uid(set));
        if !items(&claim, &["metadata", "ownerReferences"]).iter().any(|r| text(r, &["uid"]) == uid(pod)) {
            write::adopt(cluster, &claim, pod);
        }
    }
}

/// Whether the policy for a case is to delete.
fn policy(set: &Value, case: &str) -> bool {
    text(set, &["spec", "persistentVolumeClaimRetentionPolicy", case]) == "Delete"
}

fn id(set: &Value, name: &str) -> ObjectId {
    let namespace = text(set, &["metadata", "namespace"]).into();
    ObjectId { group: "".into(), kind: "PersistentVolumeClaim".into(), namespace, name: name.into() }
}
