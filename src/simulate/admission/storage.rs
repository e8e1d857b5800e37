//! Claims get the default storage class; claims and volumes get the finalizer that keeps them while they are used.
//!
//! Follows `plugin/pkg/admission/storage/{setdefault,storageobjectinuseprotection}/admission.go`.

use crate::object::{Value, items, map_at, text};
use crate::simulate::Cluster;
use crate::simulate::resources::Served;

const IS_DEFAULT: [&str; 2] = ["storageclass.kubernetes.io/is-default-class", "storageclass.beta.kubernetes.io/is-default-class"];

/// The newest default class wins, then the first by name.
pub(super) fn default_class(cluster: &Cluster, served: &Served, object: &mut Value) {
    if served.kind != "PersistentVolumeClaim" || object["spec"].get("storageClassName").is_some() {
        return;
    }
    let annotated = |class: &Value| IS_DEFAULT.iter().any(|key| class["metadata"]["annotations"][*key] == "true");
    let classes = cluster.store.list("storage.k8s.io", "StorageClass", None).map(|(_, class)| class).filter(|class| annotated(class));
    let newest = classes.max_by(|a, b| {
        let made = |c: &Value| text(c, &["metadata", "creationTimestamp"]).to_owned();
        let name = |c: &Value| text(c, &["metadata", "name"]).to_owned();
        made(a).cmp(&made(b)).then_with(|| name(b).cmp(&name(a)))
    });
    if let Some(class) = newest {
        map_at(object, &["spec"]).insert("storageClassName".into(), class["metadata"]["name"].clone());
    }
}

pub(super) fn protect(served: &Served, object: &mut Value) {
    let finalizer = match served.kind.as_str() {
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
