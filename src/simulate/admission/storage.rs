//! Claims: the default storage class, whether they may grow, and the finalizer that keeps them while they are used.
//!
//! Follows `plugin/pkg/admission/storage/{storageclass/setdefault,persistentvolume/resize,storageobjectinuseprotection}/admission.go`.

use super::{Attributes, forbidden};
use crate::object::quantity::Quantity;
use crate::object::{ObjectId, Value, at, items, map_at, text};
use crate::simulate::{ApiError, Cluster};
use std::cmp::Ordering;

const GROUP: &str = "storage.k8s.io";
const IS_DEFAULT: [&str; 2] = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];
const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

/// The newest default class wins, then the first by name.
pub(super) fn default_class(cluster: &Cluster, claim: &mut Value) {
    let told = at(claim, &["spec", "storageClassName"]).is_some() || at(claim, &["metadata", "annotations", CLASS_ANNOTATION]).is_some();
    if told {
        return;
    }
    let annotated = |class: &&Value| IS_DEFAULT.iter().any(|key| class["metadata"]["annotations"][*key] == "true");
    let classes = cluster.store.list(GROUP, "StorageClass", None).map(|(_, class)| &**class);
    if let Some(class) = classes.filter(annotated).min_by(|a, b| newest_first(a, b)) {
        map_at(claim, &["spec"]).insert("storageClassName".into(), class["metadata"]["name"].clone());
    }
}

pub(super) fn newest_first(a: &Value, b: &Value) -> Ordering {
    let part = |class: &Value, field: &str| text(class, &["metadata", field]).to_owned();
    part(b, "creationTimestamp").cmp(&part(a, "creationTimestamp")).then_with(|| part(a, "name").cmp(&part(b, "name")))
}

/// The finalizer of a kind that is kept while it is used.
pub(super) fn protect(kind: &str, object: &mut Value) {
    let finalizer = match kind {
        "PersistentVolumeClaim" => "kubernetes.io/pvc-protection",
        "PersistentVolume" => "kubernetes.io/pv-protection",
        "VolumeAttributesClass" => "kubernetes.io/vac-protection",
        _ => return,
    };
    if items(object, &["metadata", "finalizers"]).iter().any(|f| f == finalizer) {
        return;
    }
    let mut finalizers = items(object, &["metadata", "finalizers"]).to_vec();
    finalizers.push(finalizer.into());
    map_at(object, &["metadata"]).insert("finalizers".into(), finalizers.into());
}

/// Only a bound claim grows, and only if its class lets it.
pub(super) fn may_grow(asked: &Attributes<'_>, claim: &Value) -> Result<(), ApiError> {
    let Some(live) = asked.live else { return Ok(()) };
    let size = |claim: &Value| {
        let told = at(claim, &["spec", "resources", "requests", "storage"]);
        told.and_then(|size| Quantity::from_value(size).ok()).unwrap_or(Quantity::ZERO)
    };
    if size(claim) <= size(live) {
        return Ok(());
    }
    if text(live, &["status", "phase"]) != "Bound" {
        return Err(forbidden(asked, claim, "Only bound persistent volume claims can be expanded"));
    }
    let name = class_of(claim);
    // A state without classes does not hold them.
    let held = asked.cluster.store.list(GROUP, "StorageClass", None).next().is_some();
    let id = ObjectId { group: GROUP.into(), kind: "StorageClass".into(), namespace: "".into(), name: name.into() };
    let lets = asked.cluster.store.get(&id).map_or(!held, |class| class["allowVolumeExpansion"] == true);
    if !name.is_empty() && name == class_of(live) && lets {
        return Ok(());
    }
    let why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize";
    Err(forbidden(asked, claim, why))
}

fn class_of(claim: &Value) -> &str {
    match text(claim, &["metadata", "annotations", CLASS_ANNOTATION]) {
        "" => text(claim, &["spec", "storageClassName"]),
        annotated => annotated,
    }
}
