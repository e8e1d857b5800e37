//! What the state has and the manifests have no more: an apply leaves it where it is.

use super::inputs::Work;
use crate::apply::managers::managed_fields;
use crate::cluster::State;
use crate::object::{ObjectId, Value, items, text};
use std::collections::BTreeSet;

/// What controllers make with the labels of what they make it for.
const MADE: [&str; 5] = ["ControllerRevision", "Endpoints", "EndpointSlice", "Pod", "ReplicaSet"];

/// Of a live cluster or a snapshot, what the fleet's own labels say is the fleet's; of manifests, all that was applied.
pub(super) fn of(state: &State, work: &Work) -> Vec<ObjectId> {
    let manifests = state.notes.iter().any(|n| n.code == "snapshot-of-manifests");
    let fleet = work.fleet.as_ref().map(|pinned| pinned.fleet.name.as_str());
    if !manifests && fleet.is_none() {
        return Vec::new();
    }
    let ours = |o: &Value| {
        let labels = &o["metadata"]["labels"];
        labels["app.kubernetes.io/managed-by"] == "rollcast" && labels["app.kubernetes.io/part-of"].as_str() == fleet
    };
    let rendered: BTreeSet<ObjectId> = work.manifests.iter().map(|m| in_namespace(ObjectId::of(m), &work.namespace)).collect();
    let left = state.objects.iter().filter(|o| if manifests { is_applied(o) } else { ours(o) });
    let left = left.filter(|o| !MADE.contains(&text(o, &["kind"])) && items(o, &["metadata", "ownerReferences"]).is_empty());
    let left = left.map(|o| ObjectId::of(o)).filter(|id| !rendered.contains(&in_namespace(id.clone(), &work.namespace)));
    left.collect::<BTreeSet<_>>().into_iter().collect()
}

/// A manifest that names no namespace is of the one that is asked for; of kinds without any, both sides are read alike.
fn in_namespace(id: ObjectId, namespace: &str) -> ObjectId {
    if id.namespace.is_empty() { ObjectId { namespace: namespace.into(), ..id } } else { id }
}

/// Whether somebody applied it, and no controller made it.
fn is_applied(object: &Value) -> bool {
    let annotations = &object["metadata"]["annotations"];
    let by_client = annotations.get("kubectl.kubernetes.io/last-applied-configuration").is_some();
    by_client
        || managed_fields(object)
            .and_then(Value::as_array)
            .is_some_and(|fields| fields.iter().any(|m| m["operation"] == "Apply" || m["manager"] == "helm"))
}
