//! The order in which things stand in what is rendered: fields as Kubernetes documents them, objects as they must be installed.

use super::Manifest;
use crate::object::{Map, Value};
use crate::schema::{Schema, Type};

/// Kinds in the order in which a cluster needs them: what others refer to comes first.
const INSTALL: [&str; 34] = [
    "PriorityClass",
    "Namespace",
    "NetworkPolicy",
    "ResourceQuota",
    "LimitRange",
    "PodDisruptionBudget",
    "ServiceAccount",
    "Secret",
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

/// Sorts manifests in install order, then by namespace and name; kinds that are not known come last.
pub(super) fn install(manifests: &mut [Manifest]) {
    manifests.sort_by_cached_key(|m| (INSTALL.iter().position(|k| *k == m.id.kind).unwrap_or(INSTALL.len()), m.id.clone()));
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
            let mut entries: Vec<(usize, String, Value)> = Vec::with_capacity(map.len());
            for (key, mut value) in std::mem::take(map) {
                let index = known.fields.iter().position(|f| f.name == key);
                if let Some(index) = index {
                    fields(&mut value, &known.fields[index].ty, schema);
                }
                entries.push((index.unwrap_or(usize::MAX), key, value));
            }
            entries.sort_by_key(|(index, ..)| *index);
            *map = entries.into_iter().map(|(_, key, value)| (key, value)).collect::<Map<String, Value>>();
        }
        _ => {}
    }
}
