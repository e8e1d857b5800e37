//! The JSON report has the keys that the README promises, and says of the example what the text says.

use super::{directory, rollcast};
use rollcast::object::{Value, json};

fn report(arguments: &[&str]) -> Value {
    let run = rollcast(&[&["check", "--report", "json"], arguments].concat());
    serde_json::from_str(&run.out).expect("JSON and nothing else")
}

fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().expect("a map").keys().map(|k| k.as_str()).collect();
    keys.sort_unstable();
    keys
}

fn has(value: &Value, wanted: &[&str]) {
    let there = keys(value);
    for key in wanted {
        assert!(there.contains(key), "no `{key}` in {there:?}");
    }
}

#[test]
fn every_promised_key_is_there() {
    let report = report(&[]);
    assert_eq!(report["schema"], "rollcast.report/v1");
    has(&report, &["workloads", "steps", "objects", "assumptions", "diagnostics"]);
    for workload in report["workloads"].as_array().expect("a list") {
        has(
            workload,
            &[
                "kind",
                "namespace",
                "name",
                "verdict",
                "revisions",
                "rolls",
                "recreated",
                "cost",
                "pods_replaced",
                "lowest_available",
                "downtime_seconds",
                "windows",
                "budget",
                "over_budget",
                "reasons",
            ],
        );
        for window in workload["windows"].as_array().expect("a list") {
            has(window, &["from_seconds", "to_seconds"]);
        }
        for reason in workload["reasons"].as_array().expect("a list") {
            has(reason, &["step", "code", "path", "container", "old", "new", "text"]);
        }
    }
    for step in report["steps"].as_array().expect("a list") {
        has(step, &["name", "writes", "rolls", "status"]);
    }
    for object in report["objects"].as_array().expect("a list") {
        has(object, &["id", "action"]);
    }
    for diagnostic in report["diagnostics"].as_array().expect("a list") {
        has(diagnostic, &["code", "severity", "file", "line", "column", "text", "hint"]);
    }
}

#[test]
fn the_double_roll_stands_in_it() {
    let report = report(&[]);
    let workloads = report["workloads"].as_array().expect("a list");
    assert_eq!(workloads.len(), 4);
    for workload in workloads {
        assert_eq!((&workload["verdict"], &workload["rolls"], &workload["over_budget"]), (&json!("rolls"), &json!(2), &json!(true)));
    }
    let ceo = &workloads[0];
    assert_eq!((&ceo["kind"], &ceo["namespace"], &ceo["name"]), (&json!("Deployment"), &json!("agents"), &json!("ceo-agent")));
    assert_eq!(ceo["downtime_seconds"], json!(360.0));
    assert_eq!(ceo["windows"].as_array().map(Vec::len), Some(2));
    assert_eq!((&ceo["lowest_available"], &ceo["recreated"], &ceo["pods_replaced"]), (&json!(0), &json!(0), &json!(2)));
    assert_eq!(ceo["budget"], json!({"rolls": 1, "downtime_seconds": 180.0}));
    let first = &ceo["reasons"][0];
    assert_eq!(first["step"], "Update agent images");
    assert_eq!(first["code"], "template-changed");
    assert_eq!(first["path"], "spec.template.spec.containers[agent].image");
    assert_eq!(first["container"], "agent");
    assert_eq!((&first["old"], &first["new"]), (&json!("gcr.io/genbrain/agent-cli:9f31c2e"), &json!("gcr.io/genbrain/agent-cli:b7d92e4")));
    assert_eq!(report["steps"][1]["rolls"], 4);
    assert_eq!(report["diagnostics"][0]["code"], "two-steps-one-template");
}

#[test]
fn the_mended_pipeline_rolls_once() {
    let report = report(&["--fleet", "examples/fixed.toml"]);
    for workload in report["workloads"].as_array().expect("a list") {
        assert_eq!((&workload["rolls"], &workload["over_budget"]), (&json!(1), &json!(false)));
    }
    assert_eq!(report["workloads"][0]["downtime_seconds"], json!(180.0));
    assert_eq!(report["diagnostics"], json!([]));
}

#[test]
fn what_is_unknown_is_null_and_never_zero() {
    let web = |image| super::deployment(image, "").replace("replicas: 1", "replicas: 1\n  strategy: {type: Recreate}");
    let at = directory(&[("now.yaml", &web("web:1.0.0")), ("next.yaml", &web("web:1.1.0"))]);
    let arguments = ["check", "--report", "json", "-f", "next.yaml", "--from", "now.yaml", "--as", "argocd"];
    let run = super::rollcast_in(at.path(), &arguments);
    let report: Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!(report["workloads"][0]["rolls"], 1, "{}", run.out);
    assert_eq!(report["workloads"][0]["downtime_seconds"], Value::Null);
    assert_eq!(report["workloads"][0]["windows"][0]["to_seconds"], Value::Null);
}

#[test]
fn reports_go_to_files_and_standard_output_at_once() {
    let at = directory(&[]);
    let file = |name: &str| at.path().join(name).display().to_string();
    let (json, markdown) = (format!("json={}", file("r.json")), format!("markdown={}", file("r.md")));
    let run = rollcast(&["check", "--report", &json, "--report", &markdown, "--report", "text"]);
    assert_eq!(run.code, 1);
    assert_eq!(run.out, rollcast(&["check"]).out);
    let written = std::fs::read_to_string(file("r.json")).expect("written");
    assert_eq!(written, rollcast(&["check", "--report", "json"]).out);
    assert!(!std::fs::read_to_string(file("r.md")).expect("written").contains('\u{1b}'));
}
