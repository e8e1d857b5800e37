//! Replays what real controllers made of schedules, minute by minute (`tests/recorded/schedules.json.gz`), on the virtual clock: every
//! CronJob and Job that is there, with its owners.

use crate::answers::{difference, request};
use crate::replay::read;
use rollcast::object::{Gvk, Value, items, json, map_at, text};
use rollcast::schema::Version;
use rollcast::simulate::Cluster;
use rollcast::simulate::clock::Clock;
use rollcast::simulate::controllers::{self, Until};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// What is compared of an object: not uids and versions, nor the seconds that the real controllers took.
fn compared(object: &Value) -> Value {
    const TIMES: [&str; 6] = ["completionTime", "startTime", "lastSuccessfulTime", "lastTransitionTime", "lastProbeTime", "time"];
    let uid = regex::Regex::new("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}").unwrap();
    // Who sent it is told by the agent; here it is always the same.
    let told = object.to_string().replace("Python-urllib", "oracle");
    let mut object: Value = serde_json::from_str(&uid.replace_all(&told, "UID")).unwrap();
    let metadata = map_at(&mut object, &["metadata"]);
    ["uid", "resourceVersion", "creationTimestamp"].into_iter().for_each(|key| drop(metadata.shift_remove(key)));
    // The status of a Job has an owner that the recordings of Jobs leave out.
    let owners =
        items(&object, &["metadata", "managedFields"]).iter().filter(|o| object["kind"] == "CronJob" || o["subresource"] != "status");
    let mut owners: Vec<Value> = owners.cloned().collect();
    owners.sort_by_key(|o| text(o, &["manager"]).to_owned());
    map_at(&mut object, &["metadata"]).insert("managedFields".into(), owners.into());
    mask(&mut object, &TIMES);
    object
}

fn mask(value: &mut Value, times: &[&str]) {
    if let Some(list) = value.as_array_mut() {
        list.iter_mut().for_each(|item| mask(item, times));
    } else if let Some(map) = value.as_object_mut() {
        for (key, inner) in map.iter_mut() {
            if inner.is_string() && (times.contains(&key.as_str()) || key == "resourceVersion") {
                *inner = "…".into();
            } else {
                mask(inner, times);
            }
        }
    }
}

#[test]
fn schedules_come_to_what_they_came_to_on_real_controllers() {
    let recording = read("schedules.json.gz");
    let mut cluster = Cluster::new(Version::V1_36, Clock::new(text(&recording, &["began"]).parse().unwrap()));
    cluster.controllers.timing.pods_stay_pending = true;
    for name in ["zq-schedules", "zq-full"] {
        let metadata = json!({"name": name, "uid": name, "labels": {"kubernetes.io/metadata.name": name}});
        cluster.load(Arc::new(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": metadata, "status": {"phase": "Active"}})));
    }
    let (mut uids, mut compared_objects) = (BTreeMap::new(), 0);
    let mut wrong = Vec::new();
    for step in items(&recording, &["steps"]) {
        let at = Duration::from_secs_f64(step["at"].as_f64().unwrap());
        controllers::run(&mut cluster, &Until::Point(at));
        if let Some(expected) = step.get("objects").and_then(Value::as_array) {
            let of = |kind: &str| cluster.store.list("batch", kind, None).map(|(_, o)| (**o).clone()).collect::<Vec<Value>>();
            let ours: Vec<Value> = [of("CronJob"), of("Job")].concat();
            let by_name = |objects: &[Value]| -> BTreeMap<String, Value> {
                let named = |o: &Value| format!("{} {}", text(o, &["kind"]), text(o, &["metadata", "name"]));
                objects.iter().map(|o| (named(o), compared(o))).collect()
            };
            let (expected, ours) = (by_name(expected), by_name(&ours));
            for name in expected.keys().chain(ours.keys()) {
                let (e, o) = (expected.get(name).cloned().unwrap_or_default(), ours.get(name).cloned().unwrap_or_default());
                if e != o {
                    wrong.push(format!("after {at:?} {name}: {}", difference(&e, &o, String::new())));
                }
            }
            compared_objects += expected.len();
            continue;
        }
        let ours = |text: String, (theirs, ours): (&String, &String)| text.replace(theirs.as_str(), ours);
        let sent: Value = serde_json::from_str(&uids.iter().fold(step.to_string(), ours)).unwrap();
        let response = cluster.write(&request(&sent, ""));
        let object = response.result.unwrap();
        if Gvk::of(&object).kind != "ResourceQuota" && !text(step, &["uid"]).is_empty() {
            uids.insert(text(step, &["uid"]).to_owned(), text(&object, &["metadata", "uid"]).to_owned());
        }
        controllers::run(&mut cluster, &Until::Now);
    }
    wrong.dedup();
    println!("{compared_objects} objects compared, {} differ", wrong.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
