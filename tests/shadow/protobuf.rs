//! Protobuf bodies that kubectl sent, and what a real server made of each as a dry run.

use super::http::Server;
use crate::answers::{difference, normalised};
use crate::replay::{fresh_cluster, read};
use rollcast::object::{base64, text};
use rollcast::schema::Version;

#[test]
fn protobuf_bodies_make_the_servers_objects() {
    let recorded = read("protobuf.json");
    let mut cluster = fresh_cluster(Version::V1_36);
    cluster.load_system_namespaces();
    let server = Server::start(cluster);
    let mut connection = server.connect();
    let headers =
        [("Accept", "application/json"), ("Content-Type", "application/vnd.kubernetes.protobuf"), ("User-Agent", "kubectl/v1.36.4")];
    let mut wrong = Vec::new();
    let cases = recorded["cases"].as_array().unwrap();
    for case in cases {
        let body = base64::decode(text(case, &["body"])).unwrap();
        let answer = connection.send("POST", text(case, &["path"]), &headers, &body);
        let (ours, theirs) = (answer.json(), &case["object"]);
        let (expected, found) = (normalised(theirs), normalised(&ours));
        if expected != found {
            let objects = difference(&expected.0, &found.0, String::new());
            wrong.push(format!("{} {}: {objects} {:?} {:?}", text(theirs, &["kind"]), answer.code, expected.1, found.1));
        }
    }
    assert!(wrong.is_empty() && cases.len() >= 15, "{} of {} differ:\n{}", wrong.len(), cases.len(), wrong.join("\n"));
}

const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

#[test]
fn who_accepts_protobuf_only_gets_it() {
    let mut cluster = fresh_cluster(Version::V1_36);
    cluster.load_system_namespaces();
    let server = Server::start(cluster);
    let mut connection = server.connect();
    let mut get = |path: &str, accept: &str| {
        let answer = connection.send("GET", path, &[("Accept", accept)], b"");
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        (answer.code, answer.header("content-type").to_owned(), answer.body.starts_with(b"k8s\0"), text)
    };
    for (path, code, holds) in [
        ("/api/v1/namespaces", 200, "NamespaceList"),
        ("/api/v1/namespaces/default", 200, "kubernetes.io/metadata.name"),
        ("/api/v1/namespaces/nothing", 404, "namespaces \"nothing\" not found"),
        ("/apis/apps/v1", 200, "APIResourceList"),
        ("/api/v1/nothing", 404, "the server could not find the requested resource"),
    ] {
        let (found, media, envelope, text) = get(path, PROTOBUF);
        assert_eq!((found, media.as_str(), envelope), (code, PROTOBUF, true), "{path}");
        assert!(text.contains(holds), "{path}: {text}");
    }
    let (code, media, envelope, text) =
        get("/api/v1/namespaces/default", &format!("{PROTOBUF};as=PartialObjectMetadata;g=meta.k8s.io;v=v1"));
    assert_eq!((code, media.as_str(), envelope), (200, PROTOBUF, true));
    assert!(text.contains("PartialObjectMetadata"), "{text}");
    assert_eq!(get("/api/v1/namespaces", &format!("{PROTOBUF};as=Table;g=meta.k8s.io;v=v1")).0, 406);
    assert_eq!(get("/api/v1/namespaces", &format!("application/json,{PROTOBUF}")).1, "application/json");
}

#[test]
fn watches_in_protobuf_are_framed() {
    let mut cluster = fresh_cluster(Version::V1_36);
    cluster.load_system_namespaces();
    let server = Server::start(cluster);
    let path = "/api/v1/namespaces?watch=1&timeoutSeconds=1&fieldSelector=metadata.name%3Ddefault";
    let answer = server.connect().send("GET", path, &[("Accept", PROTOBUF)], b"");
    assert_eq!(answer.header("content-type"), "application/vnd.kubernetes.protobuf;stream=watch");
    let (length, frame) = answer.body.split_at(4);
    assert_eq!(u32::from_be_bytes(length.try_into().unwrap()) as usize, frame.len(), "one event");
    assert!(frame.starts_with(b"\x0a\x05ADDED") && frame.windows(4).any(|w| w == b"k8s\0"));
}
