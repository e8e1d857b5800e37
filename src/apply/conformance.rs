//! Every patch function against what Kubernetes' own code answers: `tests/conformance/patches/README.md`.

use super::{PatchError, json_patch, merge_patch, strategic, strategic_diff};
use crate::object::{Value, text};
use crate::schema::{Schema, Version};
use std::io::Read;

fn run(schema: &Schema, case: &Value) -> Result<Value, PatchError> {
    let kind = text(case, &["kind"]);
    let ty = schema.resources().iter().find(|r| r.kind == kind && !r.resource.contains('/')).unwrap().ty.as_ref().unwrap();
    match text(case, &["fn"]) {
        "apply" => strategic::apply(schema, ty, &case["live"], &case["patch"]),
        "two" => strategic_diff::two_way(schema, ty, &case["original"], &case["modified"]),
        "three" => strategic_diff::three_way(schema, ty, &case["original"], &case["modified"], &case["current"]),
        "threejson" => strategic_diff::three_way_json(&case["original"], &case["modified"], &case["current"]),
        "merge" => merge_patch::apply(&case["live"], &case["patch"]),
        _ => json_patch::apply(&case["live"], &case["patch"]),
    }
}

#[test]
fn patches_as_kubernetes_computes_them() {
    let packed = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/patches/cases.jsonl.gz")).unwrap();
    let mut lines = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut lines).unwrap();
    let schema = Schema::of(Version::V1_36);
    let mut count = 0;
    for line in lines.lines() {
        let case: Value = serde_json::from_str(line).unwrap();
        let want = &case["want"];
        match run(schema, &case) {
            Ok(got) => assert_eq!(got, want["ok"], "{case}"),
            // The server hides the texts of JSON patch's errors, and a panic has none.
            Err(_) if want["panic"] == true || case["fn"] == "json" && want["error"].is_string() => {}
            Err(error) => assert_eq!(want["error"], error.to_string(), "{case}"),
        }
        count += 1;
    }
    assert!(count > 1400, "{count} cases");
}
