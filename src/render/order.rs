//! The order in which things stand in what is rendered: fields as Kubernetes documents them, objects as they must be installed.

use super::Manifest;
use crate::object::{Map, Text, Value};
use crate::schema::{Schema, Type};

/// Kinds in the order in which a cluster needs them: what others refer to comes first.
const INSTALL: [&str; 36] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
    "SealedSecret",
    "ExternalSecret",
    "ConfigMap",
    "StorageClass",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "Role",
    "RoleBinding",
    "Service",
    "DaemonSet",
    "Pod",
    "ReplicationController",
    "ReplicaSet",
    "Deployment",
    "HorizontalPodAutoscaler",
    "StatefulSet",
    "Job",
    "CronJob",
    "IngressClass",
    "Ingress",
    "APIService",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
    "MutatingAdmissionPolicy",
    "ValidatingAdmissionPolicy",
];

/// Manifests in install order, then by namespace and name; kinds that are not known come last.
pub(super) fn install<V>(manifests: Vec<Manifest<V>>) -> Vec<Manifest<V>> {
    let rank = |m: &Manifest<V>| INSTALL.iter().position(|k| *k == m.id.kind).unwrap_or(INSTALL.len());
    // Places are sorted, not manifests: those are large, and each is moved once.
    let mut places: Vec<(usize, usize)> = manifests.iter().map(rank).zip(0..).collect();
    places.sort_by(|(a, left), (b, right)| a.cmp(b).then_with(|| manifests[*left].id.cmp(&manifests[*right].id)));
    let mut manifests: Vec<Option<Manifest<V>>> = manifests.into_iter().map(Some).collect();
    places.into_iter().filter_map(|(_, place)| manifests[place].take()).collect()
}

/// Where a field stands that its struct has at that index. Everybody writes `apiVersion` before `kind`, only the Go type does not.
pub(super) fn rank(index: usize, key: &str) -> usize {
    match key {
        "apiVersion" => 0,
        "kind" => 1,
        _ => index + 2,
    }
}

/// Where a key stands that no struct names.
pub(super) fn head(key: &str) -> usize {
    match key {
        "apiVersion" => 0,
        "kind" => 1,
        "metadata" => 2,
        _ => usize::MAX,
    }
}

/// Puts the fields of a value into the order of its type.
pub(super) fn fields(value: &mut Value, ty: &Type, schema: &Schema) {
    match (value, ty) {
        (Value::Array(list), Type::List(of)) => list.iter_mut().for_each(|item| fields(item, &of.item, schema)),
        (Value::Object(map), Type::Map(of)) if !matches!(of.value, Type::Scalar(_)) => {
            map.values_mut().for_each(|v| fields(v, &of.value, schema));
        }
        (Value::Object(map), ty) => {
            let Some(known) = schema.fields(ty) else { return };
            let index = |key: &Text| known.fields.iter().position(|f| f.name == *key);
            let (mut last, mut sorted) = (0, true);
            for (key, value) in map.iter_mut() {
                let at = index(key).unwrap_or(usize::MAX);
                sorted &= last <= at;
                last = at;
                if let (Some(field), true) = (known.fields.get(at), value.is_object() || value.is_array()) {
                    fields(value, &field.ty, schema);
                }
            }
            if !sorted {
                let mut entries: Vec<(Text, Value)> = std::mem::take(map).into_iter().collect();
                entries.sort_by_key(|(key, _)| index(key).unwrap_or(usize::MAX));
                *map = entries.into_iter().collect::<Map>();
            }
        }
        _ => {}
    }
}
