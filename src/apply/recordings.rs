//! Patches that a real server was sent, replayed: each patch of a recording is applied to the object as recorded before it.

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
    let ty = schema.resource_of(&gvk.group, &gvk.version, &gvk.kind).unwrap().ty.clone().unwrap();
    match text(step, &["content_type"]) {
        "application/strategic-merge-patch+json" => strategic::apply(schema, &ty, live, &step["body"]),
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

#[test]
fn replays() {
    for (name, version) in [("workloads", Version::V1_36), ("bundle", Version::V1_36)] {
        let schema = Schema::of(version);
        let (mut same, mut differ, mut refused) = (0, 0, 0);
        for case in items(&recording(name), &["cases"]) {
            let mut live: Option<&Value> = None;
            for step in items(case, &["steps"]) {
                let before = live;
                if step["object"].is_object() {
                    live = Some(&step["object"]);
                }
                if step["method"] != "PATCH" || text(step, &["content_type"]).contains("apply") || text(step, &["path"]).ends_with("/scale")
                {
                    continue;
                }
                let Some(before) = before else { continue };
                let got = apply(schema, before, step);
                if step["code"] == 200 {
                    let got = without_bookkeeping(&got.unwrap());
                    let want = without_bookkeeping(&step["object"]);
                    if got == want {
                        same += 1
                    } else {
                        differ += 1;
                        if std::env::var_os("SHOW").is_some() {
                            println!("DIFF {}\n{}\n{}\n{}\n", case["name"], step["body"], got, want);
                        }
                    }
                } else {
                    refused += 1;
                    println!("{} {:?} {}", step["code"], got.err(), step["message"]);
                }
            }
        }
        println!("{name}: {same} {differ} {refused}");
    }
}
