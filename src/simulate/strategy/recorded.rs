//! Replays whole bodies that a real API server took, and compares what it stored.

use super::{Context, prepare_create, prepare_update};
use crate::object::{Gvk, Value, items, map_at, text};
use crate::schema::decode::decode;
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
    object.as_object_mut().unwrap().shift_remove("status");
    let metadata = map_at(&mut object, &["metadata"]);
    for field in ["uid", "resourceVersion", "creationTimestamp", "namespace", "managedFields"] {
        metadata.shift_remove(field);
    }
    let addresses = object["spec"].as_object_mut().filter(|spec| spec.get("clusterIP").is_some_and(|ip| ip != "None"));
    if let Some(spec) = addresses {
        ["clusterIP", "clusterIPs"].iter().for_each(|field| drop(spec.shift_remove(*field)));
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
        let mut before: Option<&Value> = None;
        for step in items(case, &["steps"]) {
            let taken = matches!(step["code"].as_u64(), Some(200 | 201));
            if taken && matches!(text(step, &["method"]), "POST" | "PUT") {
                count += 1;
                let mut new = decoded(schema, &step["body"]);
                if new["kind"] == "PersistentVolumeClaim" && text(step, &["method"]) == "POST" {
                    // Admission does that, between decoding and the strategy.
                    map_at(&mut new, &["metadata"]).insert("finalizers".into(), serde_json::json!(["kubernetes.io/pvc-protection"]));
                }
                let context = Context {
                    schema,
                    resource: resource_of(schema, &new),
                    status_subresource: true,
                    store: &store,
                    uid: "00000000-0000-4000-8000-000000000001".into(),
                    now: "2026-01-01T00:00:00Z".into(),
                };
                match (text(step, &["method"]), before) {
                    ("PUT", Some(old)) => prepare_update(&context, &mut new, &stored(schema, old), ""),
                    _ => prepare_create(&context, &mut new),
                }
                let (ours, theirs) = (normalised(new).to_string(), normalised(step["object"].clone()).to_string());
                if ours != theirs {
                    failures.push(format!("{} {}\n  ours   {ours}\n  theirs {theirs}", text(case, &["name"]), text(step, &["op"])));
                }
            }
            before = if step["object"].is_object() { Some(&step["object"]) } else { before };
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
            let ours = normalised(decoded(schema, &step["object"])).to_string();
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

const BUNDLES: [(&str, Version); 1] = [("bundle.json.gz", Version::V1_36)];

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
