//! Pods as controllers make and delete them.
//!
//! Follows `pkg/controller/controller_utils.go` (`GetPodFromTemplate`); what the API server adds to every pod is in `simulate::admission`.

use super::reading::name;
use super::surroundings;
use super::write;
use crate::object::{Map, ObjectId, Value, at, json, map_at, text};
use crate::simulate::{Cluster, admission};
use std::sync::Arc;

/// A pod of a template, without a name.
pub(super) fn of_template(template: &Value, owner: &Value) -> Value {
    let mut metadata = Map::new();
    metadata.insert("generateName".into(), format!("{}-", name(owner)).into());
    metadata.insert("namespace".into(), text(owner, &["metadata", "namespace"]).into());
    for key in ["labels", "annotations", "finalizers"] {
        if let Some(value) = at(template, &["metadata", key]) {
            metadata.insert(key.into(), value.clone());
        }
    }
    metadata.insert("ownerReferences".into(), vec![write::controller_reference(owner)].into());
    let mut pod = json!({"apiVersion": "v1", "kind": "Pod"});
    map_at(&mut pod, &[]).insert("metadata".into(), metadata.into());
    map_at(&mut pod, &[]).insert("spec".into(), template.get("spec").cloned().unwrap_or_else(|| json!({})));
    map_at(&mut pod, &[]).insert("status".into(), json!({"phase": "Pending"}));
    pod
}

/// Creates a pod; it is bound to a node at once, unless pods stay pending. Without a name it gets one.
///
/// # Errors
/// Why admission refuses it: then its controller waits, and looks again when something that may have been in the way has changed.
pub(super) fn create(cluster: &mut Cluster, mut pod: Value) -> Result<Arc<Value>, String> {
    let number = cluster.store.journal_len();
    if name(&pod).is_empty() {
        let prefix = text(&pod, &["metadata", "generateName"]).to_owned();
        let namespace = text(&pod, &["metadata", "namespace"]).to_owned();
        let chosen = (0_u32..)
            .map(|attempt| format!("{prefix}{}", super::hash::suffix(&format!("{prefix}{number}.{attempt}"))))
            .find(|name| cluster.store.get(&id(&namespace, name)).is_none())
            .unwrap_or_default();
        map_at(&mut pod, &["metadata"]).insert("name".into(), chosen.into());
    }
    // Of a StatefulSet that was made again, while the pods of the one before still stop: it waits, and no event tells of it
    // (`pkg/controller/statefulset/stateful_pod_control.go:CreateStatefulPod`).
    if cluster.store.get(&ObjectId::of(&pod)).is_some() {
        return Err(format!("pods {:?} already exists", name(&pod)));
    }
    if let Err(refused) = admission::of_controller(cluster, &mut pod) {
        refuse(cluster, &pod, &refused.message);
        return Err(refused.message);
    }
    if let Some((workload, _)) = owners(cluster, &pod) {
        cluster.controllers.refused.remove(&workload);
    }
    let node = cluster.controllers.kubelet.node(number).filter(|_| !cluster.controllers.timing.pods_stay_pending);
    let spec = map_at(&mut pod, &["spec"]);
    spec.entry("enableServiceLinks").or_insert(true.into());
    if let Some(node) = node {
        spec.entry("nodeName").or_insert(node.into());
    }
    Ok(write::create(cluster, pod))
}

/// Notes that a pod could not be made, and why.
pub(super) fn refuse(cluster: &mut Cluster, pod: &Value, why: &str) {
    let Some((workload, controller)) = owners(cluster, pod) else { return };
    if cluster.controllers.surroundings {
        surroundings::refused(cluster, &controller, pod, why);
    }
    cluster.controllers.refused.insert(workload, (controller, why.to_owned()));
}

/// The workload that a pod belongs to, and its controller: the same, or what the workload makes its pods by.
fn owners(cluster: &Cluster, pod: &Value) -> Option<(ObjectId, ObjectId)> {
    let controller = super::reading::controller_of(pod).map(|r| super::reading::referred(r, text(pod, &["metadata", "namespace"])))?;
    Some((super::workload_of(cluster, pod).unwrap_or_else(|| controller.clone()), controller))
}

/// Deletes a pod.
pub(super) fn delete(cluster: &mut Cluster, pod: &Value, why: &'static str) {
    let id = ObjectId::of(pod);
    cluster.controllers.reasons.insert(id.clone(), why);
    write::delete(cluster, &id, None);
}

fn id(namespace: &str, name: &str) -> ObjectId {
    ObjectId { group: "".into(), kind: "Pod".into(), namespace: namespace.into(), name: name.into() }
}
