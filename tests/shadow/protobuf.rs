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
    let headers = [
        ("Accept", "application/vnd.kubernetes.protobuf,application/json"),
        ("Content-Type", "application/vnd.kubernetes.protobuf"),
        ("User-Agent", "kubectl/v1.36.4"),
    ];
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
