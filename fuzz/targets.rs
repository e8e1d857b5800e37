//! What is thrown at: the shadow over HTTP, by content type, and the readers of files.

use crate::http::{Connection, Server};
use crate::mutate::varied;
use crate::random::Random;
use crate::{PATIENCE, step};
use flate2::read::GzDecoder;
use rollcast::diagnostic::Source;
use rollcast::object::{Value, base64, text, yaml};
use rollcast::schema::Version;
use rollcast::simulate::Cluster;
use rollcast::simulate::clock::Clock;
use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;
use std::time::Instant;

/// So much is thrown in one round.
const THROWN: usize = 100;

/// What is varied.
pub struct Corpus {
    /// Method, path with its query, content type, body: as recorded from clients.
    pub requests: Vec<(String, String, String, Vec<u8>)>,
    /// The bodies alone.
    bodies: Vec<Vec<u8>>,
    protobuf: Vec<(String, Vec<u8>)>,
    files: Vec<Vec<u8>>,
}

impl Corpus {
    /// Reads the recordings and the files of this repository.
    pub fn read() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let recorded = |name: &str| -> Value {
            let mut text = String::new();
            let file = std::fs::File::open(root.join("tests/recorded").join(name)).unwrap();
            if name.ends_with(".gz") { GzDecoder::new(file).read_to_string(&mut text) } else { { file }.read_to_string(&mut text) }
                .unwrap();
            serde_json::from_str(&text).unwrap()
        };
        let mut requests = Vec::new();
        for name in ["workloads.json.gz", "bundle.json.gz", "wide.json.gz", "custom.json.gz"] {
            steps(&recorded(name), &mut requests);
        }
        let sent = recorded("protobuf.json");
        let protobuf = sent["cases"]
            .as_array()
            .unwrap()
            .iter()
            .map(|case| (text(case, &["path"]).to_owned(), base64::decode(text(case, &["body"])).unwrap()));
        let mut files = Vec::new();
        for folder in ["golden/bad", "examples", "templates", "tests/live/scenarios"] {
            read_folder(&root.join(folder), &mut files);
        }
        files.push(std::fs::read(root.join("fleet.toml")).unwrap());
        let bodies = requests.iter().map(|r: &(_, _, _, Vec<u8>)| r.3.clone()).collect();
        Self { bodies, requests, protobuf: protobuf.collect(), files }
    }
}

/// Every recorded step, wherever it stands.
fn steps(value: &Value, found: &mut Vec<(String, String, String, Vec<u8>)>) {
    if let (Some(method), Some(path)) = (value.get("method").and_then(Value::as_str), value.get("path").and_then(Value::as_str)) {
        let query = value["query"].as_object().into_iter().flat_map(|q| q.iter());
        let query: Vec<String> = query.filter_map(|(k, v)| Some(format!("{k}={}", v.as_str()?))).collect();
        let path = format!("{}?{}", path.replace("{ns}", "default"), query.join("&")).replace(' ', "%20");
        let body = if value["body"].is_null() { String::new() } else { value["body"].to_string().replace("{ns}", "default") };
        found.push((method.into(), path, text(value, &["content_type"]).into(), body.into_bytes()));
    }
    match value {
        Value::Array(items) => items.iter().for_each(|item| steps(item, found)),
        Value::Object(map) => map.iter().for_each(|(_, item)| steps(item, found)),
        _ => {}
    }
}

fn read_folder(folder: &Path, found: &mut Vec<Vec<u8>>) {
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        if path.is_dir() {
            read_folder(&path, found);
        } else if std::fs::metadata(&path).unwrap().len() < 200_000 {
            found.push(std::fs::read(path).unwrap());
        }
    }
}

pub fn server() -> Server {
    let mut cluster = Cluster::new(Version::V1_36, Clock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    rollcast::shadow::fill(&mut cluster);
    Server::start(cluster)
}

/// Sends, and sees to it that an answer comes in time.
pub fn throw(connection: &mut Connection, server: &Server, request: (&str, &str, &str, &[u8])) {
    step();
    let (method, path, content_type, body) = request;
    let began = Instant::now();
    let answer = connection.send(method, path, &[("Content-Type", content_type), ("User-Agent", "fuzz")], body);
    assert!(began.elapsed() < PATIENCE, "{:?} for {method} {path}", began.elapsed());
    assert!((200..600).contains(&answer.code), "{} for {method} {path}", answer.code);
    if answer.header("connection") == "close" {
        *connection = server.connect();
    }
}

/// Recorded writes with varied bodies, each content type under each name.
pub fn bodies(corpus: &Corpus, random: &mut Random) {
    let server = server();
    let mut connection = server.connect();
    for _ in 0..THROWN {
        let (method, path, content_type, body) = random.pick(&corpus.requests);
        let body = if random.chance(75) { varied(body, &corpus.bodies, random) } else { body.clone() };
        let types = ["application/json", "application/yaml", "application/vnd.kubernetes.protobuf", "", "application/cbor"];
        let content_type = if random.chance(85) { content_type } else { *random.pick(&types) };
        let method = if random.chance(97) { method } else { *random.pick(&["DELETE", "PUT", "POST", "PATCH"]) };
        throw(&mut connection, &server, (method, path, content_type, &body));
    }
}

/// Patches of every kind of objects that are there.
pub fn patches(corpus: &Corpus, random: &mut Random) {
    let server = server();
    let mut connection = server.connect();
    let creates: Vec<_> = corpus.requests.iter().filter(|r| r.0 == "POST").collect();
    let patches: Vec<_> = corpus.requests.iter().filter(|r| r.0 == "PATCH").collect();
    for _ in 0..6 {
        let (method, path, content_type, body) = random.pick(&creates);
        throw(&mut connection, &server, (method, path, content_type, body));
    }
    for _ in 0..THROWN {
        let (_, path, content_type, _) = random.pick(&patches);
        let (_, _, other, body) = random.pick(&patches);
        let kinds = [
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/strategic-merge-patch+json",
            "application/apply-patch+yaml",
        ];
        let kind = if random.chance(50) {
            content_type
        } else if random.chance(50) {
            other
        } else {
            *random.pick(&kinds)
        };
        throw(&mut connection, &server, ("PATCH", path, kind, &varied(body, &corpus.bodies, random)));
    }
}

/// Varied protobuf.
pub fn protobuf(corpus: &Corpus, random: &mut Random) {
    let server = server();
    let mut connection = server.connect();
    let others: Vec<Vec<u8>> = corpus.protobuf.iter().map(|p| p.1.clone()).collect();
    for _ in 0..THROWN {
        let (path, body) = random.pick(&corpus.protobuf);
        let made = varied(body, &others, random);
        throw(&mut connection, &server, ("POST", path, "application/vnd.kubernetes.protobuf", &made));
    }
}

/// Paths, queries and headers.
pub fn heads(corpus: &Corpus, random: &mut Random) {
    let server = server();
    let paths: Vec<Vec<u8>> = corpus.requests.iter().map(|r| r.1.clone().into_bytes()).collect();
    let mut connection = server.connect();
    for _ in 0..THROWN {
        let made = varied(random.pick::<Vec<u8>>(&paths), &paths, random);
        let path: String = made.iter().filter(|b| b.is_ascii_graphic()).map(|b| char::from(*b)).collect();
        let queries = [
            "labelSelector=a%20in%20(b,c)",
            "fieldSelector=metadata.name%3Dx",
            "limit=1",
            "continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ",
            "resourceVersion=1",
            "pretty=true",
            "includeObject=None",
            "watch=true&timeoutSeconds=1&resourceVersion=99999",
        ];
        let query = varied(random.pick(&queries).as_bytes(), &paths, random);
        let query: String = query.iter().filter(|b| b.is_ascii_graphic()).map(|b| char::from(*b)).collect();
        let path = format!("/{}{}{query}", path.trim_start_matches('/'), if path.contains('?') { '&' } else { '?' });
        if query.contains("watch") || path.contains("watch") {
            continue;
        }
        step();
        let accepts = [
            "application/json;as=Table;v=v1;g=meta.k8s.io",
            "application/yaml",
            "*/*",
            "application/vnd.kubernetes.protobuf",
            "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io",
        ];
        let accept = varied(random.pick(&accepts).as_bytes(), &paths, random);
        let accept: String = accept.iter().filter(|b| b.is_ascii_graphic()).map(|b| char::from(*b)).collect();
        let answer = connection.send(*random.pick(&["GET", "GET", "DELETE"]), &path, &[("Accept", &accept)], b"");
        if answer.header("connection") == "close" || answer.code == 400 {
            connection = server.connect();
        }
    }
}

/// The reader of manifests.
pub fn yaml(corpus: &Corpus, random: &mut Random) {
    for _ in 0..THROWN {
        step();
        let made = varied(random.pick::<Vec<u8>>(&corpus.files), &corpus.files, random);
        // What it reads it can write, and read again as the same.
        for document in yaml::load_bytes("fuzz.yaml".into(), made).unwrap_or_default() {
            let written = yaml::to_yaml(&document.value);
            let again = yaml::load_bytes("again.yaml".into(), written.clone().into_bytes());
            let same = again.as_ref().is_ok_and(|again| again.len() == 1 && again[0].value == document.value);
            assert!(same || document.value.is_null(), "written and read again it is another: {written}");
        }
    }
}

/// The fleet file and the snapshot.
pub fn files(corpus: &Corpus, random: &mut Random) {
    let environment = BTreeMap::from([("BUILD_SHA".to_owned(), "4f6e2c1".to_owned())]);
    for _ in 0..THROWN {
        step();
        let made = varied(random.pick::<Vec<u8>>(&corpus.files), &corpus.files, random);
        if let Ok(source) = Source::read("fleet.toml".into(), made.clone()) {
            drop(rollcast::fleet::load(source, &environment));
        }
        drop(rollcast::cluster::read_snapshot_from(&made[..], Path::new("fuzz.json"), 1 << 24));
    }
}
