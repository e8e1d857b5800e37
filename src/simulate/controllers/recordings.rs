//! Holds the controllers against `tests/recorded/workloads*.json.gz`: after each recorded write the revision moves exactly when
//! it moved on real controllers.

use super::{Happening, Until, run};
use crate::object::{ObjectId, Value, integer, items, map_at, text};
use crate::schema::equal::equal;
use crate::schema::{Schema, Version};
use crate::simulate::Cluster;
use crate::simulate::clock::Clock;
use crate::simulate::kubelet::PodTiming;
use flate2::read::GzDecoder;
use std::time::Duration;

const KEPT: [&str; 2] = [super::reading::REVISION, super::daemonset::TEMPLATE_GENERATION];

fn recorded(file: &str) -> Value {
    let path = format!("{}/tests/recorded/{file}", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_reader(GzDecoder::new(std::fs::File::open(path).unwrap())).unwrap()
}

/// The object as the write path would have stored it before the controllers saw it: what the recording leaves out is as before.
fn written(cluster: &mut Cluster, step: &Value) -> Value {
    let mut object = step["object"].clone();
    map_at(&mut object, &["metadata"]).insert("namespace".into(), "ns".into());
    let id = ObjectId::of(&object);
    let before = cluster.store.get(&id).cloned();
    let mut generation = 1;
    match &before {
        Some(before) => {
            for key in ["uid", "creationTimestamp"] {
                object["metadata"][key] = before["metadata"][key].clone();
            }
            object["status"] = before["status"].clone();
            // A client that puts a manifest without it takes the revision off a Deployment.
            for key in KEPT.into_iter().filter(|_| step["method"] != "PUT") {
                if let Some(value) = before["metadata"]["annotations"].get(key) {
                    map_at(&mut object, &["metadata", "annotations"]).insert(key.into(), value.clone());
                }
            }
            let template = Schema::of(cluster.schema.version()).named("io.k8s.api.core.v1.PodTemplateSpec").unwrap();
            let same = equal(cluster.schema, &template, &before["spec"]["template"], &object["spec"]["template"]);
            let told = text(before, &["metadata", "annotations", KEPT[1]]).parse::<i64>().unwrap_or(0);
            generation = told + i64::from(!same);
        }
        None => {
            object["metadata"]["uid"] = cluster.store.new_uid().into();
            object["metadata"]["creationTimestamp"] = cluster.clock.timestamp().into();
        }
    }
    if id.kind == "DaemonSet" {
        map_at(&mut object, &["metadata", "annotations"]).insert(KEPT[1].into(), generation.to_string().into());
    }
    object
}

/// In the wider recording pods stay pending.
fn differences(version: Version, case: &Value, wide: bool, counted: &mut usize) -> Vec<String> {
    let mut cluster = Cluster::new(version, Clock::new("2026-11-22T00:00:00Z".parse().unwrap()));
    cluster.controllers.timing.default = PodTiming { start: Some(Duration::ZERO), stop: Some(Duration::ZERO) };
    cluster.controllers.timing.pods_stay_pending = wide;
    let mut wrong = Vec::new();
    for (number, step) in items(case, &["steps"]).iter().enumerate().filter(|(_, s)| s["code"].as_i64().unwrap() < 400) {
        let Some(rolls) = integer(step, &["rolls"]) else { continue };
        let object = written(&mut cluster, step);
        let id = ObjectId::of(&object);
        let told = cluster.controllers.happenings.len();
        let scaled = cluster.store.get(&id).is_some_and(|b| b["spec"]["replicas"] != object["spec"]["replicas"]);
        cluster.store.put(object);
        run(&mut cluster, &Until::Settled);
        cluster.clock.now += Duration::from_secs(1);
        let moved = cluster.controllers.happenings[told..].iter().filter(|h| matches!(h, Happening::RevisionMoved { .. })).count();
        // That recorder reads the revision as soon as the controller has seen the write. A Deployment that recreates its pods, or
        // was scaled by the same write, has not made its new ReplicaSet by then.
        if wide && id.kind == "Deployment" && (scaled || cluster.store.get(&id).unwrap()["spec"]["strategy"]["type"] == "Recreate") {
            continue;
        }
        *counted += 1;
        // The recorder reads the revision off the Deployment. One that is paused does not get back what a PUT took off: that
        // counts as a move there, though no ReplicaSet was made and none became current.
        let after = cluster.store.get(&id).unwrap();
        let lost = id.kind == "Deployment" && super::reading::annotation(after, KEPT[0]).is_none();
        let expected = if lost && after["spec"]["paused"] == true { 0 } else { rolls };
        if moved as i64 != expected {
            wrong.push(format!("{} {} step {number} ({}): {moved} for {rolls}", case["kind"], case["name"], step["op"]));
        }
    }
    wrong
}

fn replay(file: &str, steps: usize) {
    let recorded = recorded(file);
    let (version, _) = Version::nearest(text(&recorded, &["kubernetes"])).unwrap();
    let mut counted = 0;
    let wrong: Vec<String> =
        items(&recorded, &["cases"]).iter().flat_map(|case| differences(version, case, file.starts_with("wide"), &mut counted)).collect();
    assert!(wrong.is_empty(), "{} of {counted} steps\n{}", wrong.len(), wrong.join("\n"));
    assert_eq!(counted, steps);
}

#[test]
fn revisions_move_as_on_1_36() {
    replay("workloads.json.gz", 1464);
}

#[test]
fn revisions_move_as_on_1_34() {
    replay("workloads-1.34.json.gz", 537);
}

#[test]
fn revisions_move_as_on_1_35() {
    replay("workloads-1.35.json.gz", 544);
}

#[test]
fn revisions_move_as_on_1_37() {
    replay("workloads-1.37.json.gz", 541);
}

#[test]
fn revisions_move_as_in_the_wider_recording() {
    replay("wide.json.gz", 1266);
}
