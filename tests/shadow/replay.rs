//! The recorded cases over HTTP: each answer, and what is stored after it, is the very one that the cluster gives in process.

use super::http::{Connection, Server};
use crate::answers::{difference, in_namespace, request};
use crate::replay::{NAMESPACE, fresh_cluster, read};
use rollcast::object::{Gvk, Value, text};
use rollcast::schema::Version;
use rollcast::simulate::controllers::{self, Until};
use rollcast::simulate::{Cluster, Response};
use std::sync::Arc;

/// Headers of the recorder.
const HEADERS: [(&str, &str); 2] = [("Accept", "application/json"), ("User-Agent", "oracle")];

fn send(connection: &mut Connection, step: &Value) -> super::http::Answer {
    let query: Vec<String> = step["query"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap().bytes().map(|b| format!("%{b:02X}")).collect::<String>()))
        .collect();
    let path = format!("{}?{}", text(step, &["path"]), query.join("&"));
    let body = if step["body"].is_null() { String::new() } else { step["body"].to_string() };
    let typed = [("Content-Type", text(step, &["content_type"]))];
    let headers: Vec<(&str, &str)> = HEADERS.into_iter().chain(typed).filter(|(_, v)| !v.is_empty()).collect();
    connection.send(text(step, &["method"]), &path, &headers, body.as_bytes())
}

/// As the shadow does: the rollout ends, and what is due at this very instant happens.
fn settle(cluster: &mut Cluster) {
    controllers::run(cluster, &Until::Settled);
    let now = cluster.clock.now;
    if controllers::next_instant(cluster).is_some_and(|next| next <= now) {
        controllers::run(cluster, &Until::Point(now));
    }
}

/// Where the answer over HTTP is not the one in process.
fn compare(expected: &Response, answer: &super::http::Answer) -> Option<String> {
    if answer.code != expected.code {
        return Some(format!("code {} instead of {}: {}", answer.code, expected.code, String::from_utf8_lossy(&answer.body)));
    }
    // Where no group is served, the web server answers and not the API; client libraries make the same error of it.
    if answer.header("content-type").starts_with("text/plain") {
        return (answer.body != b"404 page not found\n").then(|| format!("{answer:?}"));
    }
    let body = answer.json();
    let warnings: Vec<String> =
        expected.warnings.iter().map(|w| format!("299 - \"{}\"", w.replace('\\', "\\\\").replace('"', "\\\""))).collect();
    if answer.all("warning") != warnings {
        return Some(format!("warnings {:?} instead of {warnings:?}", answer.all("warning")));
    }
    match &expected.result {
        Ok(object) if **object != body => Some(difference(object, &body, String::new())),
        Ok(_) => None,
        Err(error) => {
            let same = text(&body, &["reason"]) == error.reason.as_str() && text(&body, &["message"]) == error.message;
            (!same).then(|| format!("{body} instead of {error:?}"))
        }
    }
}

/// What is stored of the kinds that a case may have touched, in process and over HTTP.
fn compare_stored(cluster: &Cluster, connection: &mut Connection, step: &Value) -> Option<String> {
    let step = request(step, NAMESPACE);
    let served = cluster.served(&step.target).ok()?;
    let Gvk { group, version, kind } = served.gvk();
    let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    let answer = connection.get(&format!("{root}/{}", step.target.resource));
    if answer.code == 404 {
        return None;
    }
    let items = answer.json()["items"].as_array().unwrap_or_else(|| panic!("{answer:?}")).clone();
    let stored: Vec<Arc<Value>> = cluster.store.list(&group, &kind, None).map(|(_, o)| Arc::clone(o)).collect();
    if items.len() != stored.len() {
        return Some(format!("{} {kind}s instead of {}", items.len(), stored.len()));
    }
    stored.iter().zip(&items).find_map(|(stored, item)| {
        let mut item = item.clone();
        item["apiVersion"] = stored["apiVersion"].clone();
        item["kind"] = stored["kind"].clone();
        (item != **stored).then(|| difference(stored, &item, String::new()))
    })
}

fn replay(file: &str) -> (usize, Vec<String>) {
    let recorded = read(file);
    let (version, _) = Version::nearest(text(&recorded, &["kubernetes"])).unwrap();
    let (mut steps, mut wrong) = (0, Vec::new());
    for case in recorded["cases"].as_array().unwrap() {
        let mut cluster = fresh_cluster(version);
        settle(&mut cluster);
        let server = Server::start(fresh_cluster(version));
        let mut connection = server.connect();
        for (i, step) in case["steps"].as_array().unwrap().iter().enumerate() {
            let step = in_namespace(step, NAMESPACE);
            let expected = cluster.write(&request(&step, NAMESPACE));
            settle(&mut cluster);
            let answer = send(&mut connection, &step);
            steps += 1;
            let found = compare(&expected, &answer).or_else(|| compare_stored(&cluster, &mut connection, &step));
            wrong.extend(found.map(|f| format!("{file} {}[{i}] {}: {f}", text(case, &["name"]), text(&step, &["op"]))));
        }
    }
    (steps, wrong)
}

#[test]
fn recorded_cases_over_http_are_the_same_as_in_process() {
    let mut all = Vec::new();
    for file in ["workloads.json.gz", "bundle.json.gz", "custom.json.gz"] {
        let (steps, wrong) = replay(file);
        println!("{file}: {} of {steps} steps are the same", steps - wrong.len());
        all.extend(wrong);
    }
    assert!(all.is_empty(), "{} differ:\n{}", all.len(), all[..all.len().min(20)].join("\n"));
}
