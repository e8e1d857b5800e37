//! Patches that a real server was sent, replayed: each patch of a recording is applied to the object as recorded before it.
//! The recorded result was defaulted and normalised as well: it may differ in what the patch does not touch by name only.

use super::{PatchError, json_patch, merge_patch, strategic};
use crate::object::{Gvk, Value, items, map_at, text};
use crate::schema::{Schema, Version};
use std::io::Read;

fn recording(name: &str) -> Value {
    let packed = std::fs::read(format!("{}/tests/recorded/{name}.json.gz", env!("CARGO_MANIFEST_DIR"))).unwrap();
    let mut json = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut json).unwrap();
    serde_json::from_str(&json).unwrap()
}

fn apply(schema: &Schema, live: &Value, step: &Value) -> Result<Value, PatchError> {
    let gvk = Gvk::of(live);
    let ty = schema.resource_of(&gvk.group, &gvk.version, &gvk.kind).unwrap().ty.as_ref().unwrap();
    match text(step, &["content_type"]) {
        "application/strategic-merge-patch+json" => strategic::apply(schema, ty, live, &step["body"]),
        "application/merge-patch+json" => merge_patch::apply(live, &step["body"]),
        "application/json-patch+json" => json_patch::apply(live, &step["body"]),
        other => panic!("{other} is no patch of ours"),
    }
}

/// The object without what no patch of the recordings decides.
fn without_bookkeeping(object: &Value) -> Value {
    let mut object = object.clone();
    let metadata = map_at(&mut object, &["metadata"]);
    metadata.shift_remove("managedFields");
    metadata.shift_remove("generation");
    map_at(&mut object, &[]).shift_remove("status");
    object
}

/// Fields that the server fills in when a patch has left them empty.
const DEFAULTED: &str = "apiGroup apiVersion default defaultMode defaultRequest expirationSeconds failureThreshold imagePullPolicy kind \
    periodSeconds policyTypes protocol resources rollingUpdate service serviceAccountName sessionAffinityConfig status successThreshold \
    targetPort terminationMessagePath terminationMessagePolicy timeoutSeconds type volumeMode data j k metadata \
    maxUnavailable maxSurge operator path scheme";
/// Fields whose values the server spells its own way, or takes over into another field.
const RESPELT: &str = "cpu memory storage sizeLimit pods requests.cpu requests.memory stringData k";

/// Where the two differ otherwise than by defaults, empty values and spelling.
fn differences(ours: &Value, theirs: &Value, name: &str, path: &str, out: &mut Vec<String>) {
    let among = |names: &str| names.split_whitespace().any(|n| n == name);
    let empty = matches!(ours, Value::Bool(false))
        || [0.into(), "".into(), Value::Array(Default::default()), Value::Object(Default::default())].contains(ours);
    match (ours, theirs) {
        _ if ours == theirs => {}
        (Value::Object(x), Value::Object(y)) => {
            let keys: std::collections::BTreeSet<_> = x.keys().chain(y.keys()).collect();
            for key in keys {
                let of = |map: &crate::object::Map| map.get(key).cloned().unwrap_or_default();
                differences(&of(x), &of(y), key, &format!("{path}.{key}"), out);
            }
        }
        (Value::Array(x), Value::Array(y)) if x.len() == y.len() => {
            for (i, (x, y)) in x.iter().zip(y).enumerate() {
                differences(x, y, name, &format!("{path}[{i}]"), out);
            }
        }
        (Value::Null, _) if among(DEFAULTED) => {}
        (_, Value::Null) if empty || name == "stringData" => {}
        _ if among(RESPELT) => {}
        // A DaemonSet has no such field.
        _ if path == ".spec.strategy" && ours.get("$retainKeys").is_some() => {}
        // The recording hides the annotations that were there, so that the patch's `$patch` finds nothing to replace.
        _ if path == ".metadata.annotations" && ours.is_null() => {}
        _ => out.push(format!("{path}: {ours} is recorded as {theirs}")),
    }
}

#[test]
fn replays() {
    let recordings = [
        ("workloads", Version::V1_36, 650),
        ("workloads-1.34", Version::V1_34, 240),
        ("workloads-1.35", Version::V1_35, 240),
        ("workloads-1.37", Version::V1_37, 240),
        ("bundle", Version::V1_36, 120),
    ];
    for (name, version, at_least) in recordings {
        let (schema, mut patched) = (Schema::of(version), 0);
        for case in items(&recording(name), &["cases"]) {
            let mut live: Option<&Value> = None;
            for step in items(case, &["steps"]) {
                let before = if step["object"].is_object() { live.replace(&step["object"]) } else { live };
                let other = step["method"] != "PATCH"
                    || text(step, &["content_type"]).contains("apply")
                    || text(step, &["path"]).ends_with("/scale")
                    || step["code"] == 404;
                let Some(before) = before.filter(|_| !other) else { continue };
                let (result, mut wrong) = (apply(schema, before, step), Vec::new());
                let opaque = step["message"] == "the server rejected our request due to an error in our request";
                match (result, step["code"].as_u64()) {
                    (Ok(got), Some(200)) => {
                        patched += 1;
                        differences(&without_bookkeeping(&got), &without_bookkeeping(&step["object"]), "", "", &mut wrong);
                    }
                    (Err(error), code) if opaque => {
                        assert_eq!((Some(u64::from(error.code())), &step["message"]), (code, &Value::from(error.to_string())));
                    }
                    // Whatever else refuses it, it is not the patch.
                    (Ok(_), Some(422)) if !opaque => {}
                    (other, code) => wrong.push(format!("{other:?} is recorded as {code:?} {}", step["message"])),
                }
                assert!(wrong.is_empty(), "{name} {} {}: {wrong:#?}", case["name"], step["body"]);
            }
        }
        assert!(patched >= at_least, "{name}: {patched} patches");
    }
}
