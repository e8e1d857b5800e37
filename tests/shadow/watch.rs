//! Lists page by page, and watches: what client-go's reflector and kubectl rely on.

use super::http::{Connection, Server};
use crate::replay::fresh_cluster;
use rollcast::object::json;
use rollcast::object::{Value, text};
use rollcast::schema::Version;

const MAPS: &str = "/api/v1/namespaces/ns/configmaps";
const JSON: [(&str, &str); 1] = [("Content-Type", "application/json")];

fn create(connection: &mut Connection, name: &str, label: &str) -> Value {
    let body = json!({"metadata": {"name": name, "labels": {"app": label}}}).to_string();
    let answer = connection.send("POST", MAPS, &JSON, body.as_bytes());
    assert_eq!(answer.code, 201, "{answer:?}");
    answer.json()
}

fn event(connection: &mut Connection) -> (String, Value) {
    let event: Value = serde_json::from_slice(&connection.event()).unwrap();
    (text(&event, &["type"]).to_owned(), event["object"].clone())
}

fn watch(server: &Server, query: &str) -> Connection {
    let mut connection = server.connect();
    connection.ask("GET", &format!("{MAPS}?watch=true&{query}"));
    let head = connection.head();
    assert_eq!((head.code, head.header("transfer-encoding")), (200, "chunked"), "{head:?}");
    connection
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|o| text(o, &["metadata", "name"])).collect()
}

#[test]
fn a_list_goes_on_from_the_state_it_began_in() {
    let server = Server::start(fresh_cluster(Version::V1_36));
    let mut connection = server.connect();
    for name in ["a", "b", "c", "d", "e"] {
        create(&mut connection, name, "x");
    }
    let first = connection.get(&format!("{MAPS}?limit=2")).json();
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a", "b"], &json!(3)));
    create(&mut connection, "bb", "x");
    let token = text(&first, &["metadata", "continue"]);
    let second = connection.get(&format!("{MAPS}?limit=2&continue={token}")).json();
    assert_eq!(names(&second), ["c", "d"], "what was created since is not shown");
    let third = connection.get(&format!("{MAPS}?limit=2&continue={}", text(&second, &["metadata", "continue"]))).json();
    assert_eq!((names(&third), third["metadata"].get("continue")), (vec!["e"], None));
    let selected = connection.get(&format!("{MAPS}?labelSelector=app%3Dx&fieldSelector=metadata.name%3Dbb")).json();
    assert_eq!(names(&selected), ["bb"]);
}

/// As a server answers: with what it deleted, as it was, whatever chose it.
#[test]
fn a_collection_is_deleted_by_either_selector_and_told() {
    let server = Server::start(fresh_cluster(Version::V1_36));
    let mut connection = server.connect();
    for name in ["a", "b", "c"] {
        create(&mut connection, name, if name == "c" { "other" } else { "web" });
    }
    let mut delete = |query: &str| {
        let answer = connection.send("DELETE", &format!("{MAPS}?{query}"), &[], b"");
        assert_eq!(answer.code, 200, "{answer:?}");
        answer.json()
    };
    let one = delete("fieldSelector=metadata.name%3Da");
    assert_eq!((text(&one, &["kind"]), names(&one)), ("ConfigMapList", vec!["a"]));
    assert!(one["items"][0]["metadata"]["deletionTimestamp"].is_null(), "{one}");
    assert_eq!(names(&delete("labelSelector=app%3Dweb&dryRun=All")), ["b"]);
    assert_eq!(names(&delete("labelSelector=app%3Dweb")), ["b"]);
    assert_eq!(names(&delete("labelSelector=app%3Dweb")), [""; 0]);
    assert_eq!(names(&delete("")), ["c"]);
}

#[test]
fn a_watch_shows_what_happens_to_what_it_selects() {
    let server = Server::start(fresh_cluster(Version::V1_36));
    let mut connection = server.connect();
    create(&mut connection, "a", "x");
    let made = create(&mut connection, "b", "x");
    let mut all = watch(&server, "labelSelector=app%3Dx");
    let mut later = watch(&server, &format!("resourceVersion={}", text(&made, &["metadata", "resourceVersion"])));
    let (one, two) = (event(&mut all), event(&mut all));
    assert_eq!((one.0.as_str(), text(&one.1, &["metadata", "name"])), ("ADDED", "a"));
    assert_eq!((two.0.as_str(), text(&two.1, &["metadata", "name"])), ("ADDED", "b"));
    let merge = [("Content-Type", "application/merge-patch+json")];
    let patch = |connection: &mut Connection, label: &str| {
        let body = json!({"metadata": {"labels": {"app": label}}}).to_string();
        connection.send("PATCH", &format!("{MAPS}/a"), &merge, body.as_bytes()).json()
    };
    let moved = patch(&mut connection, "y");
    let (kind, object) = event(&mut all);
    assert_eq!(kind, "DELETED", "it is selected no longer");
    assert_eq!(object["metadata"]["resourceVersion"], moved["metadata"]["resourceVersion"]);
    assert_eq!(text(&object, &["metadata", "labels", "app"]), "x", "as it was last selected");
    assert_eq!(event(&mut later).0, "MODIFIED");
    patch(&mut connection, "x");
    assert_eq!(event(&mut all).0, "ADDED");
    assert_eq!(event(&mut later).0, "MODIFIED");
    connection.send("DELETE", &format!("{MAPS}/b"), &[], b"");
    assert_eq!(event(&mut all).0, "DELETED");
    assert_eq!(event(&mut later).0, "DELETED");
}

/// Only the first event of a watch defines the columns.
#[test]
fn a_watch_as_tables_defines_its_columns_once() {
    let server = Server::start(fresh_cluster(Version::V1_36));
    let mut writer = server.connect();
    create(&mut writer, "a", "x");
    let mut connection = server.connect();
    let accept = [("Accept", "application/json;as=Table;v=v1;g=meta.k8s.io")];
    connection.ask_with("GET", &format!("{MAPS}?watch=true"), &accept);
    assert_eq!(connection.head().code, 200);
    let columns = |event: (String, Value)| event.1["columnDefinitions"].as_array().map(Vec::len);
    assert_eq!(columns(event(&mut connection)), Some(3));
    create(&mut writer, "b", "x");
    assert_eq!(columns(event(&mut connection)), None);
}

#[test]
fn initial_events_end_in_a_bookmark_and_a_watch_ends_in_time() {
    let server = Server::start(fresh_cluster(Version::V1_36));
    create(&mut server.connect(), "a", "x");
    let query = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&timeoutSeconds=1";
    let mut connection = watch(&server, query);
    assert_eq!(event(&mut connection).0, "ADDED");
    let (kind, bookmark) = event(&mut connection);
    assert_eq!((kind.as_str(), text(&bookmark, &["kind"])), ("BOOKMARK", "ConfigMap"));
    assert_eq!(bookmark["metadata"]["annotations"], json!({"k8s.io/initial-events-end": "true"}));
    assert!(connection.piece().is_empty(), "after a second");
}

/// `cacher.go`: a revision that is forgotten is an event of its own, an `ERROR` with 410, or the answer.
#[test]
fn a_watch_from_before_what_is_remembered_is_told_to_list_again() {
    let mut cluster = fresh_cluster(Version::V1_36);
    cluster.load(std::sync::Arc::new(
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "old", "namespace": "ns", "resourceVersion": "700"}}),
    ));
    let server = Server::start(cluster);
    let answer = server.connect().get(&format!("{MAPS}?watch=true&resourceVersion=5"));
    assert_eq!((answer.code, text(&answer.json(), &["reason"])), (410, "Expired"));
}

/// A client that sends its request and closes its half of the connection still gets its answer; one that sends nothing is no harm.
#[test]
fn half_closed_and_silent_clients() {
    let server = Server::start(fresh_cluster(Version::V1_36));
    let _silent = server.connect();
    let mut half = server.connect();
    half.ask("GET", MAPS);
    half.close_writing();
    assert_eq!(half.receive().code, 200);
    assert_eq!(server.connect().get(MAPS).code, 200);
}

/// Those that were there from the beginning, that came in between and that begin in the past: the same events in the same order, in
/// however many pieces they come.
#[test]
fn whenever_a_watch_begins_it_is_sent_the_same() {
    let server = Server::start(fresh_cluster(Version::V1_36));
    let mut connection = server.connect();
    let from = text(&create(&mut connection, "a", "x"), &["metadata", "resourceVersion"]).to_owned();
    let query = format!("resourceVersion={from}&labelSelector=app%3Dx");
    let mut early = watch(&server, &query);
    let mut between = None;
    for number in 0..400 {
        if number == 200 {
            between = Some(watch(&server, &query));
        }
        let app = if number % 7 == 0 { "y" } else { "x" };
        let body = json!({"metadata": {"labels": {"app": app}}, "data": {"n": number.to_string()}}).to_string();
        let answer = connection.send("PATCH", &format!("{MAPS}/a"), &[("Content-Type", "application/merge-patch+json")], body.as_bytes());
        assert_eq!(answer.code, 200);
    }
    let mut late = watch(&server, &query);
    let all: Vec<Vec<u8>> = (0..400).map(|_| early.event()).collect();
    let kind = |line: &[u8]| text(&serde_json::from_slice::<Value>(line).unwrap(), &["type"]).to_owned();
    assert_eq!([kind(&all[0]), kind(&all[1]), kind(&all[2])], ["DELETED", "ADDED", "MODIFIED"], "the first no longer fits");
    for other in [&mut between.expect("begun"), &mut late] {
        let same: Vec<Vec<u8>> = (0..400).map(|_| other.event()).collect();
        assert!(all == same);
    }
}
