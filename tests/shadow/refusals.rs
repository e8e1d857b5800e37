//! Odd requests, and what a real server answered: code, type, and the whole refusal.

use super::http::Server;
use crate::answers::difference;
use crate::replay::{fresh_cluster, of_each_version, read};
use rollcast::object::json;
use rollcast::object::{Value, text};
use rollcast::schema::Version;

/// What YAML errors and Go's own frames say differs in words.
const OTHER_WORDS: &[&str] = &["patch application/apply-patch+yaml 1", "patch application/apply-patch+yaml 6", "list ?continue=xyz"];

/// Only the recorded server knows its revision, and names the file that made its scheme.
fn comparable(status: &Value) -> Value {
    let mut status = status.clone();
    let message = text(&status, &["message"]).to_owned();
    let cut = message.split(" in scheme ").next().unwrap().split(", current: ").next().unwrap().to_owned();
    status["message"] = cut.into();
    status
}

#[test]
fn refusals_are_the_servers() {
    let wrong: Vec<String> = of_each_version("http.json").iter().flat_map(|file| wrong_refusals(file)).collect();
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

fn wrong_refusals(file: &str) -> Vec<String> {
    let recorded = read(file);
    let (version, _) = Version::nearest(text(&recorded, &["kubernetes"])).unwrap();
    let mut cluster = fresh_cluster(version);
    cluster.load_system_namespaces();
    let server = Server::start(cluster);
    let mut wrong = Vec::new();
    let requests = recorded["requests"].as_array().unwrap();
    for request in requests {
        let (name, path) = (text(request, &["name"]), text(request, &["path"]));
        let given = request["headers"].as_object().unwrap().iter().map(|(k, v)| (k.as_str(), v.as_str().unwrap()));
        let headers: Vec<(&str, &str)> = given.chain([("User-Agent", "oracle")]).collect();
        let large = "x".repeat(3 << 20);
        let body = if name == "too large" { format!("{{\"a\":\"{large}\"}}") } else { text(request, &["body"]).to_owned() };
        let bytes: Vec<u8> = body.chars().map(|c| c as u8).collect();
        let answer = server.connect().send(text(request, &["method"]), path, &headers, &bytes);
        let code = request["code"].as_u64().unwrap();
        if name == "encoded dots" && version == Version::V1_34 {
            // It lists what is in the namespace `..`, and later ones refuse to: so do we.
            continue;
        }
        if u64::from(answer.code) != code {
            wrong.push(format!("{name}: code {} instead of {code}: {}", answer.code, String::from_utf8_lossy(&answer.body)));
            continue;
        }
        let Some(expected) = request.get("status") else { continue };
        let ours = answer.json();
        let mut told = json!({});
        for key in ["reason", "message", "details"] {
            if let Some(value) = ours.get(key) {
                told[key] = value.clone();
            }
        }
        let (expected, told) = (comparable(expected), comparable(&told));
        if expected != told && !OTHER_WORDS.contains(&name) {
            wrong.push(format!("{name}: {}", difference(&expected, &told, String::new())));
        }
    }
    println!("{file}: {} of {} are the server's", requests.len() - wrong.len(), requests.len());
    wrong.iter().map(|what| format!("{file}: {what}")).collect()
}

/// Kubernetes' own groups answer for what they lack; beside custom resources the web server does, as client-go tells them apart.
#[test]
fn what_is_missing_beside_custom_resources_is_a_page_not_found() {
    let server = Server::start(fresh_cluster(Version::V1_36));
    let mut connection = server.connect();
    let version = json!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": {"type": "object"}}});
    let definition = json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "tools.shop.example"},
        "spec": {"group": "shop.example", "scope": "Namespaced", "names": {"plural": "tools", "kind": "Tool"}, "versions": [version]},
    });
    let path = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    let headers = [("Content-Type", "application/json")];
    assert_eq!(connection.send("POST", path, &headers, definition.to_string().as_bytes()).code, 201);
    for path in
        ["/apis/shop.example/v1/namespaces/default/screws", "/apis/shop.example/v1/namespaces/default/screws/x", "/apis/shop.example/v2"]
    {
        let answer = connection.send("GET", path, &[], b"");
        assert_eq!((answer.code, answer.body.as_slice()), (404, &b"404 page not found\n"[..]), "{path}");
    }
}

/// Go's server reads what a handler left of a body, up to 256 KiB, and closes the connection where there is more.
#[test]
fn a_refusal_that_does_not_read_the_body_does_not_cost_the_connection() {
    let server = Server::start(fresh_cluster(Version::V1_36));
    let mut connection = server.connect();
    for (method, path, code) in
        [("PATCH", "/version", 405), ("PUT", "/api/v1/namespaces/ns/pods", 405), ("POST", "/nowhere", 404), ("GET", "/api/v1/pods", 200)]
    {
        let answer = connection.send(method, path, &[("Content-Type", "application/json")], &[b'x'; 100_000]);
        assert_eq!((answer.code, answer.header("connection")), (code, ""), "{method} {path}");
    }
    let answer = connection.send("POST", "/nowhere", &[], &[b'x'; 300_000]);
    assert_eq!((answer.code, answer.header("connection")), (404, "close"));
}
