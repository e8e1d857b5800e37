//! Recorded steps as requests, and what a real server's answers and ours are compared by.

use rollcast::object::{Value, map_at, sorted_json, text};
use rollcast::simulate::{Body, PatchKind, Request, Target, Verb, WriteOptions};
use std::collections::BTreeSet;

/// The step with its namespace's name in place of `{ns}`.
pub fn in_namespace(step: &Value, namespace: &str) -> Value {
    serde_json::from_str(&step.to_string().replace("{ns}", namespace)).unwrap()
}

pub fn request(step: &Value, namespace: &str) -> Request {
    let step = &in_namespace(step, namespace);
    let verb = match (text(step, &["method"]), text(step, &["content_type"])) {
        ("POST", _) => Verb::Create,
        ("PUT", _) => Verb::Update,
        ("DELETE", _) => Verb::Delete,
        (_, "application/json-patch+json") => Verb::Patch(PatchKind::Json),
        (_, "application/merge-patch+json") => Verb::Patch(PatchKind::Merge),
        (_, "application/strategic-merge-patch+json") => Verb::Patch(PatchKind::Strategic),
        _ => Verb::Patch(PatchKind::Apply),
    };
    let query = |key: &str| text(step, &["query", key]).to_owned();
    let options = WriteOptions {
        field_manager: query("fieldManager"),
        force: step["query"].get("force").and_then(Value::as_str).map(|f| f == "true"),
        dry_run: query("dryRun"),
        field_validation: query("fieldValidation"),
        user_agent: "oracle".into(),
        ..WriteOptions::default()
    };
    Request { verb, target: target(text(step, &["path"])), options, body: Body::Value(step["body"].clone()) }
}

fn target(path: &str) -> Target {
    let parts: Vec<&str> = path.trim_start_matches('/').split('/').collect();
    let (group, version, rest) = if parts[0] == "api" { ("", parts[1], &parts[2..]) } else { (parts[1], parts[2], &parts[3..]) };
    let within = rest[0] == "namespaces" && rest.len() > 2 && !["status", "finalize"].contains(&rest[2]);
    let (namespace, rest) = if within { (rest[1], &rest[2..]) } else { ("", rest) };
    let part = |i: usize| rest.get(i).copied().unwrap_or_default().to_owned();
    Target {
        group: group.into(),
        version: version.into(),
        resource: part(0),
        subresource: part(2),
        namespace: namespace.into(),
        name: part(1),
    }
}

/// An object without what the recordings normalise away (their README), and its owners.
pub fn normalised(object: &Value) -> (Value, Vec<Value>) {
    let mut object = match text(object, &["metadata", "uid"]) {
        uid if uid.len() == 36 => serde_json::from_str(&object.to_string().replace(uid, "its-uid")).unwrap(),
        _ => object.clone(),
    };
    // Custom resources and their definitions were recorded with their status, and without the time of their deletion.
    let custom = text(&object, &["apiVersion"]).contains("example.com") || object["kind"] == "CustomResourceDefinition";
    if custom {
        map_at(&mut object, &["metadata"]).shift_remove("deletionTimestamp");
        for condition in object["status"].get_mut("conditions").and_then(Value::as_array_mut).into_iter().flatten() {
            map_at(condition, &[]).shift_remove("lastTransitionTime");
        }
    } else {
        map_at(&mut object, &[]).shift_remove("status");
    }
    if let Some(details) = object.get_mut("details") {
        map_at(details, &[]).shift_remove("uid");
    }
    // A LimitRange without a name is called by a uid.
    if text(&object, &["metadata", "name"]).len() == 36 && object["kind"] == "LimitRange" {
        object["metadata"]["name"] = "its-uid".into();
    }
    // What follows a generated name's base is chance.
    let base = text(&object, &["metadata", "generateName"]).to_owned();
    if !base.is_empty() && text(&object, &["metadata", "name"]).len() == base.len() + 5 {
        object["metadata"]["name"] = base.into();
    }
    if object["kind"] == "Service" {
        without_allocations(&mut object);
    }
    let metadata = map_at(&mut object, &["metadata"]);
    // A LimitRange without a name gets a uid for one.
    if metadata.get("name").and_then(Value::as_str).is_some_and(|n| n == "its-uid" || n.split('-').map(str::len).eq([8, 4, 4, 4, 12])) {
        metadata.insert("name".into(), "a-uid".into());
    }
    if metadata.contains_key("generateName") {
        metadata.insert("name".into(), "generated".into());
    }
    let owners = metadata.shift_remove("managedFields");
    for key in ["uid", "resourceVersion", "creationTimestamp", "selfLink", "namespace"] {
        metadata.shift_remove(key);
    }
    if let Some(time) = metadata.get_mut("deletionTimestamp") {
        *time = "then".into();
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.shift_remove("deployment.kubernetes.io/revision");
        annotations.shift_remove("deprecated.daemonset.template.generation");
        // `autoscaling/v1` has a part of an autoscaler's status there, which its controller writes when it comes to it.
        annotations.shift_remove("autoscaling.alpha.kubernetes.io/conditions");
        if annotations.is_empty() {
            metadata.shift_remove("annotations");
        }
    }
    let mut owners: Vec<Value> = owners.and_then(|o| o.as_array().cloned()).unwrap_or_default();
    let server = |o: &Value| ["kube-controller-manager", "kube-apiserver"].contains(&text(o, &["manager"]));
    owners.retain(|o| (custom || o["subresource"] != "status") && !server(o));
    for owner in &mut owners {
        map_at(owner, &[]).shift_remove("time");
    }
    owners.sort_by_key(|o| {
        let part = |key: &str| text(o, &[key]).to_owned();
        (part("manager"), part("operation"), part("subresource"), sorted_json(&o["fieldsV1"]))
    });
    (object, owners)
}

/// An allocated address or port is as random as a uid.
pub fn without_allocations(service: &mut Value) {
    let spec = map_at(service, &["spec"]);
    if spec.get("clusterIP").is_none_or(|ip| ip != "None") {
        spec.shift_remove("clusterIP");
        spec.shift_remove("clusterIPs");
    }
    spec.shift_remove("healthCheckNodePort");
    for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
        port.shift_remove("nodePort");
    }
}

/// The first places where two values differ.
pub fn difference(expected: &Value, ours: &Value, path: String) -> String {
    match (expected, ours) {
        (Value::Object(a), Value::Object(b)) => {
            let keys: BTreeSet<_> = a.keys().chain(b.keys()).collect();
            let differ = keys.into_iter().filter(|k| a.get(k) != b.get(k)).take(4);
            differ
                .map(|k| difference(a.get(k).unwrap_or(&Value::Null), b.get(k).unwrap_or(&Value::Null), format!("{path}.{k}")))
                .collect::<Vec<_>>()
                .join("; ")
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let differ = a.iter().zip(b).enumerate().filter(|(_, (x, y))| x != y).take(4);
            differ.map(|(i, (x, y))| difference(x, y, format!("{path}[{i}]"))).collect::<Vec<_>>().join("; ")
        }
        _ => format!("{path}: expected {expected}, ours {ours}"),
    }
}
