//! Holds the virtual clock against what real controllers did with pods that take a known time to start and to stop: 17 shapes that
//! were chosen (`tests/recorded/timeline.json`) and many that were drawn (`timelines.json.gz`).

use super::timeline::timeline;
use crate::object::{ObjectId, Value, items, json, map_at, text};
use crate::schema::Version;
use crate::simulate::clock::Clock;
use crate::simulate::controllers::{Happening, Until, complete, run};
use crate::simulate::kubelet::PodTiming;
use crate::simulate::{Body, Cluster, PatchKind, Request, Target, Verb, WriteOptions};
use flate2::read::GzDecoder;
use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

/// By how much a recorded time may be too early, which the clock of the recorder lets it be.
const EARLY: f64 = 0.1;
/// What a client and the controllers may take for one wait.
const LATENCY: f64 = 0.35;

fn start(shape: &Value, recorded: &Value) -> (Cluster, ObjectId) {
    // Later than anything in the snapshots.
    let mut cluster = Cluster::new(Version::V1_36, Clock::new("2027-01-01T00:00:00Z".parse().unwrap()));
    for object in items(shape, &["snapshot", "items"]) {
        cluster.load(Arc::new(object.clone()));
    }
    let seconds = |key: &str| Some(Duration::from_secs_f64(recorded[key].as_f64().unwrap()));
    cluster.controllers.timing.default = PodTiming { start: seconds("start"), stop: seconds("stop") };
    assert_eq!(complete(&mut cluster), [], "the recorded snapshots are whole");
    let object = &shape["object"];
    let namespace = items(shape, &["snapshot", "items"]).iter().find(|o| o["kind"] == object["kind"]).unwrap();
    (cluster, ObjectId::of(namespace))
}

/// Does what the API server would make of a step.
fn perform(cluster: &mut Cluster, id: &ObjectId, step: &str) {
    let before = cluster.store.get(id).unwrap().clone();
    let mut object = (*before).clone();
    if let Some(images) = step.strip_prefix("set image {r} ") {
        for (container, image) in images.split(' ').filter_map(|i| i.split_once('=')) {
            set_image(&mut object, container, image);
        }
    } else if step.starts_with("rollout restart") {
        map_at(&mut object, &["spec", "template", "metadata", "annotations"])
            .insert("kubectl.kubernetes.io/restartedAt".into(), "now".into());
    } else if step.starts_with("patch") {
        object["spec"]["replicas"] = 5.into();
        set_image(&mut object, "c", "x:2");
    } else {
        assert_eq!(step, "replace --force");
        cluster.store.remove(id);
        run(cluster, &Until::Now);
        set_image(&mut object, "c", "x:2");
        object["metadata"]["uid"] = cluster.store.new_uid().into();
        object["metadata"]["creationTimestamp"] = cluster.clock.timestamp().into();
        object["metadata"]["annotations"] = json!({});
        object["status"] = json!({});
    }
    object["metadata"]["generation"] = (object["metadata"]["generation"].as_i64().unwrap() + 1).into();
    if id.kind == "DaemonSet" {
        object["metadata"]["annotations"]["deprecated.daemonset.template.generation"] = "2".into();
    }
    cluster.store.put(object);
}

fn set_image(object: &mut Value, container: &str, image: &str) {
    for c in object["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap() {
        if c["name"] == container {
            c["image"] = image.into();
        }
    }
}

fn pods_seen(happenings: &[Happening]) -> usize {
    let mut made = Vec::new();
    let mut there_before = 0;
    for happening in happenings {
        match happening {
            Happening::PodStarted { pod, .. } => made.push(pod.clone()),
            Happening::PodStopped { pod, .. } if !made.contains(pod) => there_before += 1,
            _ => {}
        }
    }
    made.len() + there_before
}

/// Nothing where the real time is no more than `early` before ours, and late by no more than so many waits.
fn near(what: &str, ours: f64, real: f64, (early, waits): (f64, usize)) -> Vec<String> {
    let late = real - ours;
    if (-early..=LATENCY * waits as f64).contains(&late) { vec![] } else { vec![format!("{what}: {ours} for {real}")] }
}

fn differences(shape: &Value, recorded: &Value) -> Vec<String> {
    let (mut cluster, id) = start(shape, recorded);
    let times: Vec<f64> = shape["step_times"].as_array().unwrap().iter().map(|t| t.as_f64().unwrap()).collect();
    for (step, at) in items(shape, &["steps"]).iter().zip(&times) {
        let at = Duration::from_secs_f64(*at).max(cluster.clock.now);
        run(&mut cluster, &Until::Point(at));
        perform(&mut cluster, &id, step.as_str().unwrap().trim_end_matches(" nowait"));
        run(&mut cluster, &Until::Settled);
    }
    let line = timeline(&cluster.controllers.availability.get(&id).cloned().unwrap_or_default());
    let mut wrong = Vec::new();
    let windows = items(shape, &["windows"]);
    if windows.len() != line.windows.len() {
        return vec![format!("windows: {:?} for {windows:?}", line.windows)];
    }
    for ((from, to), real) in line.windows.iter().zip(windows) {
        wrong.extend(near("from", from.as_secs_f64(), real[0].as_f64().unwrap(), (EARLY, 2)));
        wrong.extend(near("to", to.map_or(f64::INFINITY, |t| t.as_secs_f64()), real[1].as_f64().unwrap(), (EARLY, 3)));
    }
    let downtime = shape["downtime"].as_f64().unwrap();
    if (line.downtime.map_or(f64::INFINITY, |d| d.as_secs_f64()) - downtime).abs() > 0.3 * windows.len() as f64 {
        wrong.push(format!("downtime: {:?} for {downtime}", line.downtime));
    }
    let lowest = shape["lowest_available"].as_u64().unwrap();
    if line.lowest_available.is_some_and(|l| u64::from(l) != lowest) {
        wrong.push(format!("lowest: {:?} for {lowest}", line.lowest_available));
    }
    if !shape["steps"].to_string().contains("nowait") {
        // One wait for each generation of pods, one for the client's last look.
        let took = shape["took"].as_f64().unwrap();
        let waits = (took / 3.0).ceil() as usize + 1;
        wrong.extend(near("took", line.ended.as_secs_f64(), took, (EARLY, waits)));
    }
    let seen = shape["pods_seen"].as_u64().unwrap();
    if pods_seen(&cluster.controllers.happenings) as u64 != seen {
        wrong.push(format!("pods: {} for {seen}", pods_seen(&cluster.controllers.happenings)));
    }
    wrong
}

#[test]
fn every_recorded_shape_comes_out() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded/timeline.json");
    let recorded: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let shapes = items(&recorded, &["shapes"]);
    let wrong: Vec<String> =
        shapes.iter().flat_map(|s| differences(s, &recorded).into_iter().map(|d| format!("{}: {d}", text(s, &["name"])))).collect();
    assert_eq!(shapes.len(), 17);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A merge patch by the whole write path.
fn patch(cluster: &mut Cluster, id: &ObjectId, patch: &Value) {
    let target = Target {
        group: "apps".into(),
        version: "v1".into(),
        resource: format!("{}s", id.kind.to_lowercase()),
        namespace: id.namespace.to_string(),
        name: id.name.to_string(),
        ..Target::default()
    };
    let request =
        Request { verb: Verb::Patch(PatchKind::Merge), target, options: WriteOptions::default(), body: Body::Value(patch.clone()) };
    assert_eq!(cluster.write(&request).code, 200, "{id}: {patch}");
}

/// What differs between a drawn shape as real controllers had it and as it comes out here.
fn drawn_differences(shape: &Value) -> Vec<String> {
    let (mut cluster, id) = start(&json!({"snapshot": shape["snapshot"], "object": workload_of(shape)}), shape);
    for step in items(shape, &["steps"]) {
        let at = Duration::from_secs_f64(step["at"].as_f64().unwrap());
        run(&mut cluster, &Until::Point(at));
        patch(&mut cluster, &id, &step["patch"]);
    }
    run(&mut cluster, &Until::Settled);
    let line = timeline(&cluster.controllers.availability.get(&id).cloned().unwrap_or_default());
    let windows: Vec<(f64, Option<f64>)> =
        line.windows.iter().map(|(from, to)| (from.as_secs_f64(), to.map(|to| to.as_secs_f64()))).collect();
    let real: Vec<(f64, Option<f64>)> = items(shape, &["windows"]).iter().map(|w| (w[0].as_f64().unwrap(), w[1].as_f64())).collect();
    if real.len() != windows.len() {
        return vec![format!("windows: {windows:?} for {real:?}")];
    }
    // Each generation of pods is waited for once, by a controller and by the kubelet.
    let wait = shape["start"].as_f64().unwrap();
    // Controllers read the time since which a pod is ready in whole seconds: its minReadySeconds are over up to a second sooner.
    let early = if workload_of(shape)["spec"].get("minReadySeconds").is_some() { 1.0 } else { EARLY };
    let near = |what: &str, ours: f64, real: f64| near(what, ours, real, (early, (real / wait).ceil() as usize + 2));
    let mut wrong = Vec::new();
    for ((from, to), (real_from, real_to)) in windows.iter().zip(&real) {
        wrong.extend(near("from", *from, *real_from));
        wrong.extend(
            near("to", to.unwrap_or(f64::INFINITY), real_to.unwrap_or(f64::INFINITY))
                .into_iter()
                .filter(|_| to.is_some() || real_to.is_some()),
        );
    }
    wrong.extend(near("ended", line.ended.as_secs_f64(), shape["ended"].as_f64().unwrap()));
    let expected = shape["lowest_available"].as_u64().unwrap();
    if line.lowest_available.is_some_and(|lowest| u64::from(lowest) != expected) {
        wrong.push(format!("lowest: {:?} for {expected}", line.lowest_available));
    }
    let (pods, expected) = (there(&cluster, shape), shape["pods_seen"].as_u64().unwrap());
    if pods as u64 != expected {
        wrong.push(format!("pods: {pods} for {expected}"));
    }
    wrong
}

fn workload_of(shape: &Value) -> Value {
    let workload = |o: &&Value| ["Deployment", "StatefulSet", "DaemonSet"].iter().any(|kind| o["kind"] == *kind);
    items(shape, &["snapshot", "items"]).iter().find(workload).unwrap().clone()
}

/// How many pods there were, before the first step and since.
fn there(cluster: &Cluster, shape: &Value) -> usize {
    let before = items(shape, &["snapshot", "items"]).iter().filter(|o| o["kind"] == "Pod").count();
    before + cluster.controllers.happenings.iter().filter(|h| matches!(h, Happening::PodStarted { .. })).count()
}

#[test]
fn drawn_shapes_come_out() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/recorded/timelines.json.gz");
    let recorded: Value = serde_json::from_reader(GzDecoder::new(File::open(path).unwrap())).unwrap();
    let shapes = items(&recorded, &["shapes"]);
    let wrong: Vec<String> =
        shapes.iter().flat_map(|s| drawn_differences(s).into_iter().map(|d| format!("{}: {d}", text(s, &["name"])))).collect();
    println!("{} drawn shapes, {} differences", shapes.len(), wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
