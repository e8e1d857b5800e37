//! What a cluster stores becomes what can be compared with another's: without what must differ.

use crate::plane::Said;
use rollcast::object::Value;
use std::collections::BTreeMap;

/// Lists what deployments make, whose owners included.
pub const LOOK: &str = "kubectl get deployments,statefulsets,daemonsets,jobs,services,configmaps,persistentvolumeclaims,horizontalpodautoscalers \
    -A -o json --show-managed-fields --field-selector=metadata.namespace!=kube-system,metadata.namespace!=default";

/// What differs from run to run.
const MASKED: [&str; 12] = [
    "uid",
    "resourceVersion",
    "creationTimestamp",
    "time",
    "clusterIP",
    "clusterIPs",
    "ca.crt",
    "kubectl.kubernetes.io/restartedAt",
    "kube.kubernetes.io/restartedAt",
    "kubectl.kubernetes.io/last-applied-configuration",
    "batch.kubernetes.io/controller-uid",
    "controller-uid",
];

/// Who writes for a cluster itself.
const CONTROLLERS: [&str; 3] = ["kube-controller-manager", "kube-apiserver", "kubelet"];

/// The objects of a list by kind, namespace and name.
pub fn objects(said: &Said) -> BTreeMap<String, Value> {
    let list: Value = serde_json::from_str(&said.stdout).unwrap_or_else(|e| panic!("{e}: {said:?}"));
    let mut objects = BTreeMap::new();
    for object in list["items"].as_array().unwrap() {
        let text = |field: &str| object["metadata"][field].as_str().unwrap_or_default();
        let name = format!("{} {}/{}", object["kind"].as_str().unwrap(), text("namespace"), text("name"));
        let mut object = masked(object);
        let owners = object["metadata"].as_object_mut().unwrap().shift_remove("managedFields").unwrap_or_default();
        let own = |m: &&Value| !CONTROLLERS.iter().any(|c| m["manager"] == *c) && m["subresource"].is_null();
        let mut owners: Vec<Value> = owners.as_array().into_iter().flatten().filter(own).cloned().collect();
        owners.sort_by_key(|m| format!("{}{}", m["manager"], m["operation"]));
        let map = object.as_object_mut().unwrap();
        map.shift_remove("status");
        map.insert("owners".into(), owners.into());
        objects.insert(name, object);
    }
    objects
}

fn masked(value: &Value) -> Value {
    if let Some(map) = value.as_object() {
        let mask = |k: &str, v: &Value| if MASKED.contains(&k) { Value::from("…") } else { masked(v) };
        return Value::Object(map.iter().map(|(k, v)| (k.clone(), mask(k, v))).collect());
    }
    value.as_array().map_or_else(|| value.clone(), |list| Value::from(list.iter().map(masked).collect::<Vec<_>>()))
}

/// Where two clusters' objects differ.
pub fn differences(real: &BTreeMap<String, Value>, ours: &BTreeMap<String, Value>) -> Vec<String> {
    let mut names: Vec<&String> = real.keys().chain(ours.keys()).collect();
    names.sort();
    names.dedup();
    let mut found = Vec::new();
    for name in names {
        differ(name, real.get(name).unwrap_or(&Value::Null), ours.get(name).unwrap_or(&Value::Null), &mut found);
    }
    found
}

fn differ(path: &str, real: &Value, ours: &Value, found: &mut Vec<String>) {
    if real == ours {
        return;
    }
    if let (Some(a), Some(b)) = (real.as_object(), ours.as_object()) {
        for (key, value) in a {
            differ(&format!("{path}.{key}"), value, b.get(key).unwrap_or(&Value::Null), found);
        }
        found.extend(b.iter().filter(|(k, _)| !a.contains_key(k)).map(|(k, v)| format!("{path}.{k}: only ours has {v}")));
        return;
    }
    match (real.as_array(), ours.as_array()) {
        (Some(a), Some(b)) if a.len() == b.len() => {
            for (number, (a, b)) in a.iter().zip(b).enumerate() {
                differ(&format!("{path}[{number}]"), a, b, found);
            }
        }
        _ => found.push(format!("{path}: real {real}, ours {ours}")),
    }
}
