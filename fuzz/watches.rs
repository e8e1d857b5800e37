//! Watches that begin anywhere, ask for anything, and go away at any time, while others write.

use crate::http::{Connection, Server};
use crate::mutate::varied;
use crate::random::Random;
use crate::targets::{Corpus, server, throw};
use crate::{PATIENCE, step};
use rollcast::object::{Value, text};
use std::time::Instant;

/// So many watches are opened in one round.
const WATCHES: usize = 24;

/// So many writes go out meanwhile.
const WRITES: usize = 40;

/// What watches ask for; one line in each, and what comes of varying them.
const ASKED: [&str; 14] = [
    "resourceVersion=0",
    "resourceVersion=1",
    "resourceVersion=30",
    "resourceVersion=99999",
    "resourceVersion=-1",
    "resourceVersion=18446744073709551616",
    "allowWatchBookmarks=true",
    "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true",
    "sendInitialEvents=false&resourceVersionMatch=Exact",
    "labelSelector=app%20in%20(web,x)",
    "fieldSelector=metadata.name%3Dweb",
    "fieldSelector=status.phase!%3DRunning",
    "limit=1&continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ",
    "timeoutSeconds=18446744073709551615",
];

/// As what events can be asked for.
const ACCEPTS: [&str; 5] = [
    "application/json",
    "application/json;as=Table;v=v1;g=meta.k8s.io",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
    "application/vnd.kubernetes.protobuf",
    "application/yaml",
];

/// Opens watches, writes, and reads what the watches were sent: each event is whole, none goes back in time, and each watch ends.
pub fn watches(corpus: &Corpus, random: &mut Random) {
    let server = server();
    let mut writer = server.connect();
    let mut open = Vec::new();
    for number in 0..WATCHES + WRITES {
        if random.below(WATCHES + WRITES - number) < WATCHES.saturating_sub(open.len()) {
            open.push(watch(&server, corpus, random));
        } else {
            let (method, path, content_type, body) = random.pick(&corpus.requests);
            throw(&mut writer, &server, (method, path, content_type, body));
        }
    }
    for (mut connection, json) in open.into_iter().flatten() {
        // Some are dropped as they are: what they had is not waited for.
        if random.chance(70) {
            ends(&mut connection, json);
        }
    }
}

/// What is watched: a collection that requests were recorded for, an object of it, or something like it.
fn path(corpus: &Corpus, random: &mut Random) -> String {
    let (_, recorded, _, _) = random.pick(&corpus.requests);
    let path = recorded.split('?').next().unwrap_or_default();
    let parents = path.rsplit_once('/').map_or(path, |(parent, _)| parent);
    let path = if random.chance(50) { path } else { parents };
    let path = if random.chance(20) { path.replace("/namespaces/default", "") } else { path.to_owned() };
    if random.chance(10) { path.replacen("/v1/", "/v1/watch/", 1) } else { path }
}

/// Opens a watch that ends by itself, unless it is refused or given up. Whether its events are JSON.
fn watch(server: &Server, corpus: &Corpus, random: &mut Random) -> Option<(Connection, bool)> {
    step();
    let mut query = random.pick(&ASKED).as_bytes().to_vec();
    if random.chance(40) {
        let others = ASKED.map(|asked| asked.as_bytes().to_vec());
        query = varied(&query, &others, random);
    }
    let query: String = query.iter().filter(|b| b.is_ascii_graphic() && **b != b'#').map(|b| char::from(*b)).collect();
    // The first value counts.
    let path = format!("{}?watch=true&timeoutSeconds=1&{query}", path(corpus, random));
    let accept = *random.pick(&ACCEPTS);
    let (mut connection, began) = (server.connect(), Instant::now());
    connection.ask_with("GET", &path, &[("Accept", accept)]);
    if random.chance(30) {
        connection.close_writing();
    }
    if random.chance(10) {
        // Gone before the answer.
        return None;
    }
    let head = connection.head();
    assert!(began.elapsed() < PATIENCE, "{:?} for {path}", began.elapsed());
    assert!((200..600).contains(&head.code), "{} for {path}", head.code);
    let streams = head.code == 200 && head.header("transfer-encoding") == "chunked";
    streams.then(|| (connection, head.header("content-type") == "application/json"))
}

/// Reads a watch to its end.
fn ends(connection: &mut Connection, json: bool) {
    step();
    let (began, mut newest) = (Instant::now(), None);
    loop {
        if !json {
            if connection.piece().is_empty() {
                break;
            }
            continue;
        }
        let line = connection.event();
        if line.is_empty() {
            break;
        }
        let event: Value = serde_json::from_slice(&line).unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&line)));
        newest = later(&event, newest);
    }
    assert!(began.elapsed() < PATIENCE, "a watch of one second took {:?}", began.elapsed());
}

/// The resource version of an event, which is not before that of the one before. What is there at the beginning comes by name.
fn later(event: &Value, newest: Option<u64>) -> Option<u64> {
    let kind = text(event, &["type"]);
    assert!(matches!(kind, "ADDED" | "MODIFIED" | "DELETED" | "BOOKMARK" | "ERROR"), "{event}");
    let revision = text(event, &["object", "metadata", "resourceVersion"]).parse().ok();
    let begins = newest.is_none() && kind == "ADDED";
    assert!(begins || kind == "ERROR" || revision >= newest && revision.is_some(), "after {newest:?}: {event}");
    if begins { None } else { revision.or(newest) }
}
