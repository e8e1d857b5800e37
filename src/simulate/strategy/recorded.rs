//! Replays whole bodies that a real API server took, and compares what it stored.

use super::{Context, prepare_create, prepare_update};
use crate::object::{Gvk, Value, items, json, map_at, text};
use crate::schema::decode::{decode, forget_empties};
use crate::schema::{Resource, Schema, Version};
use crate::simulate::{Store, defaults};
use flate2::read::GzDecoder;
use std::fs::File;
use std::io::Read;

fn recording(name: &str) -> Value {
    let path = format!("{}/tests/recorded/{name}", env!("CARGO_MANIFEST_DIR"));
    let mut text = String::new();
    GzDecoder::new(File::open(path).unwrap()).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// A recorded object with the uid that ours get, wherever it stands.
fn with_our_uid(object: &Value) -> Value {
    let uid = text(object, &["metadata", "uid"]);
    if uid.is_empty() { object.clone() } else { serde_json::from_str(&object.to_string().replace(uid, UID)).unwrap() }
}

const UID: &str = "00000000-0000-4000-8000-000000000001";

fn resource_of<'s>(schema: &'s Schema, object: &Value) -> &'s Resource {
    let gvk = Gvk::of(object);
    schema.resource_of(&gvk.group, &gvk.version, &gvk.kind).unwrap()
}

fn decoded(schema: &Schema, object: &Value) -> Value {
    let resource = resource_of(schema, object);
    let mut value = decode(schema, resource.ty.as_ref().unwrap(), object).unwrap().value;
    defaults::apply(&Gvk::of(object), schema.version(), &mut value);
    value
}

/// Takes out what the recordings leave out.
fn normalised(mut object: Value) -> Value {
    if let Some(spec) = object.get_mut("spec").and_then(Value::as_object_mut) {
        spec.entry("healthCheckNodePort").and_modify(|number| *number = 30000.into());
        let ports = spec.get_mut("ports").and_then(Value::as_array_mut);
        for port in ports.into_iter().flatten().filter_map(Value::as_object_mut) {
            port.entry("nodePort").and_modify(|number| *number = 30000.into());
        }
    }
    let metadata = map_at(&mut object, &["metadata"]);
    for field in ["uid", "resourceVersion", "creationTimestamp", "namespace", "managedFields"] {
        metadata.shift_remove(field);
    }
    let addresses = object["spec"].as_object_mut().filter(|spec| spec.get("clusterIP").is_some_and(|ip| ip != "None"));
    if let Some(spec) = addresses {
        ["clusterIP", "clusterIPs"].iter().for_each(|field| drop(spec.shift_remove(field)));
    }
    let metadata = map_at(&mut object, &["metadata"]);
    if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
        annotations.shift_remove("deployment.kubernetes.io/revision");
        annotations.shift_remove("deprecated.daemonset.template.generation");
        if annotations.is_empty() {
            metadata.shift_remove("annotations");
        }
    }
    object
}

/// What admission adds between decoding and the strategy, where no plugin's configuration matters.
fn admit(object: &mut Value, creating: bool) {
    match text(object, &["kind"]) {
        "PersistentVolumeClaim" if creating => {
            map_at(object, &["metadata"]).insert("finalizers".into(), json!(["kubernetes.io/pvc-protection"]));
        }
        "PersistentVolume" if creating => {
            map_at(object, &["metadata"]).insert("finalizers".into(), json!(["kubernetes.io/pv-protection"]));
        }
        "Node" if creating => {
            let taints = object["spec"]["taints"].as_array_mut();
            taints.into_iter().for_each(|taints| taints.push(json!({"key": "node.kubernetes.io/not-ready", "effect": "NoSchedule"})));
        }
        "Pod" => {
            let toleration = |key: &str| json!({"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300});
            let spec = map_at(object, &["spec"]);
            let both = [toleration("node.kubernetes.io/not-ready"), toleration("node.kubernetes.io/unreachable")];
            spec.insert("tolerations".into(), json!(both));
            spec.insert("priority".into(), 0.into());
            spec.insert("preemptionPolicy".into(), "PreemptLowerPriority".into());
        }
        _ => {}
    }
}

/// As the server had it before a step: with the annotation that its controller writes.
fn stored(schema: &Schema, recorded: &Value) -> Value {
    let mut object = recorded.clone();
    if object["kind"] == "Deployment" {
        map_at(&mut object, &["metadata", "annotations"]).insert("deployment.kubernetes.io/revision".into(), "1".into());
    }
    decoded(schema, &object)
}

/// Every accepted POST and PUT of a file: how many there are, and what came out differently.
fn replay(name: &str, version: Version) -> (usize, Vec<String>) {
    let (schema, store) = (Schema::of(version), Store::default());
    let (mut count, mut failures) = (0, Vec::new());
    for case in items(&recording(name), &["cases"]) {
        let mut before: Option<Value> = None;
        for step in items(case, &["steps"]) {
            let taken = matches!(step["code"].as_u64(), Some(200 | 201));
            if taken && matches!(text(step, &["method"]), "POST" | "PUT") {
                count += 1;
                let mut new = decoded(schema, &step["body"]);
                admit(&mut new, text(step, &["method"]) == "POST");
                let context = Context {
                    schema,
                    resource: resource_of(schema, &new),
                    sent: Some(&step["body"]),
                    status_subresource: true,
                    store: &store,
                    uid: UID.into(),
                    now: text(&step["object"], &["metadata", "creationTimestamp"]).into(),
                    dry_run: false,
                };
                match (text(step, &["method"]), &before) {
                    ("PUT", Some(old)) => {
                        let subresource = text(step, &["op"]).split_once(':').map_or("", |(_, name)| name);
                        let told = ["status", "ephemeralcontainers", "resize"].contains(&subresource);
                        let subresource = if told { subresource } else { "" };
                        prepare_update(&context, &mut new, &stored(schema, old), subresource).unwrap();
                    }
                    _ => {
                        prepare_create(&context, &mut new).unwrap();
                        defaults::apply(&Gvk::of(&new), version, &mut new);
                    }
                }
                forget_empties(schema, context.resource.ty.as_ref().unwrap(), &mut new);
                let mut theirs = with_our_uid(&step["object"]);
                // Controllers write it before the recording is taken, or before the next step.
                if theirs.get("status").is_none() || text(step, &["method"]) == "PUT" {
                    for object in [&mut new, &mut theirs] {
                        object.as_object_mut().unwrap().shift_remove("status");
                    }
                }
                let (ours, theirs) = (normalised(new).to_string(), normalised(theirs).to_string());
                if ours != theirs {
                    failures.push(format!("{} {}\n  ours   {ours}\n  theirs {theirs}", text(case, &["name"]), text(step, &["op"])));
                }
            }
            before = if step["object"].is_object() { Some(with_our_uid(&step["object"])) } else { before };
        }
    }
    (count, failures)
}

/// Every recorded object, decoded and defaulted, is itself: how many there are, and which are not.
fn reread(name: &str, version: Version) -> (usize, Vec<String>) {
    let schema = Schema::of(version);
    let (mut count, mut failures) = (0, Vec::new());
    for case in items(&recording(name), &["cases"]) {
        for step in items(case, &["steps"]).iter().filter(|step| step["object"].is_object()) {
            count += 1;
            let mut ours = decoded(schema, &step["object"]);
            if step["object"].get("status").is_none() {
                ours.as_object_mut().unwrap().shift_remove("status");
            }
            let ours = normalised(ours).to_string();
            let theirs = normalised(step["object"].clone()).to_string();
            if ours != theirs {
                failures.push(format!("{} {}\n  ours   {ours}\n  theirs {theirs}", text(case, &["name"]), text(step, &["op"])));
            }
        }
    }
    (count, failures)
}

const WORKLOADS: [(&str, Version); 4] = [
    ("workloads-1.34.json.gz", Version::V1_34),
    ("workloads-1.35.json.gz", Version::V1_35),
    ("workloads.json.gz", Version::V1_36),
    ("workloads-1.37.json.gz", Version::V1_37),
];

#[test]
fn whole_workloads_are_stored_as_the_server_stores_them() {
    for (name, version) in WORKLOADS {
        let (count, failures) = replay(name, version);
        assert!(failures.is_empty(), "{name}: {} of {count} differ\n{}", failures.len(), failures.join("\n"));
    }
}

#[test]
fn a_stored_workload_is_read_as_it_stands() {
    for (name, version) in WORKLOADS {
        let (count, failures) = reread(name, version);
        assert!(failures.is_empty(), "{name}: {} of {count} differ\n{}", failures.len(), failures.join("\n"));
    }
}

const BUNDLES: [(&str, Version); 2] = [("bundle.json.gz", Version::V1_36), ("kinds.json.gz", Version::V1_36)];

#[test]
fn whole_bundle_objects_are_stored_as_the_server_stores_them() {
    for (name, version) in BUNDLES {
        let (count, failures) = replay(name, version);
        assert!(failures.is_empty(), "{name}: {} of {count} differ\n{}", failures.len(), failures.join("\n"));
    }
}

#[test]
fn a_stored_bundle_object_is_read_as_it_stands() {
    for (name, version) in BUNDLES {
        let (count, failures) = reread(name, version);
        assert!(failures.is_empty(), "{name}: {} of {count} differ\n{}", failures.len(), failures.join("\n"));
    }
}
