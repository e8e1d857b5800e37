//! Reading a live cluster, against a server that counts and misbehaves as it is told.

use super::*;
use crate::cluster::connect::{Access, connect};
use crate::object::json;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::time::Duration;

type Answer = (u16, String);
type Answers = Arc<dyn Fn(&str, usize) -> Option<Answer> + Send + Sync>;

/// Answers discovery and lists; `special` may answer first, and is told how often the path was asked before.
struct Server {
    connection: Connection,
    asked: Arc<Mutex<Vec<(String, String)>>>,
    _kubeconfig: tempfile::TempDir,
}

fn object(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "n", "futureField": 1, "managedFields": []}, "spec": {"future": true}})
}

fn list(names: &[&str], next: &str) -> Answer {
    let items: Vec<Value> = names.iter().map(|n| object(n)).collect();
    (200, json!({"kind": "XList", "metadata": {"resourceVersion": "77", "continue": next}, "items": items}).to_string())
}

fn status(code: u16, message: &str) -> Answer {
    (code, json!({"kind": "Status", "apiVersion": "v1", "message": message, "code": code}).to_string())
}

const SERVED: [(&str, &str, &str, bool); 5] = [
    ("", "namespaces", "Namespace", false),
    ("", "secrets", "Secret", true),
    ("", "pods", "Pod", true),
    ("apps", "deployments", "Deployment", true),
    ("apps", "replicasets", "ReplicaSet", true),
];

fn aggregated_discovery(root: &str) -> Answer {
    let of = |group: &str| -> Vec<Value> {
        let of_group = SERVED.iter().filter(|(g, ..)| *g == group);
        of_group
            .map(|(_, resource, kind, namespaced)| {
                let scope = if *namespaced { "Namespaced" } else { "Cluster" };
                json!({"resource": resource, "responseKind": {"kind": kind}, "scope": scope, "verbs": ["get", "list"]})
            })
            .collect()
    };
    let group =
        |name: &str| json!({"metadata": {"name": name}, "versions": [{"version": "v1", "resources": of(name), "freshness": "Current"}]});
    let items = if root == "/api" { vec![group("")] } else { vec![group("apps")] };
    (200, json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "items": items}).to_string())
}

fn answer(path: &str) -> Answer {
    match path.split('?').next().unwrap_or_default() {
        "/version" => (200, json!({"gitVersion": "v1.36.2"}).to_string()),
        root @ ("/api" | "/apis") => aggregated_discovery(root),
        path if SERVED.iter().any(|(_, resource, ..)| path.ends_with(&format!("/{resource}"))) => {
            list(&[path.rsplit('/').next().unwrap_or_default()], "")
        }
        _ => status(404, "not found"),
    }
}

impl Server {
    fn new(special: impl Fn(&str, usize) -> Option<Answer> + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (log, special): (_, Answers) = (Arc::clone(&asked), Arc::new(special));
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (log, special) = (Arc::clone(&log), Arc::clone(&special));
                std::thread::spawn(move || serve(stream, &log, &special));
            }
        });
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("kubeconfig");
        let text = format!(
            "current-context: test\nclusters: [{{name: c, cluster: {{server: 'http://{address}'}}}}]\ncontexts: [{{name: test, context: {{cluster: c, user: u}}}}]\nusers: [{{name: u, user: {{token: t}}}}]\n"
        );
        std::fs::write(&file, text).unwrap();
        let connection = connect(&Access { kubeconfig: vec![file], ..Access::default() }).unwrap();
        Self { connection, asked, _kubeconfig: folder }
    }

    fn read(&self, scope: &Scope) -> Result<State, Diagnostics> {
        install_provider();
        let patience = Patience { tries: 3, pause: Duration::from_millis(1), longest: Duration::from_millis(5) };
        let read = read(&self.connection, scope, patience);
        let asked = self.asked.lock().unwrap();
        assert!(asked.iter().all(|(method, _)| method == "GET"), "only GET may be sent: {asked:?}");
        read
    }

    fn paths(&self, part: &str) -> Vec<String> {
        self.asked.lock().unwrap().iter().map(|(_, path)| path.clone()).filter(|p| p.contains(part)).collect()
    }
}

fn install_provider() {
    // An error says that another test was first.
    rustls::crypto::ring::default_provider().install_default().ok();
}

fn serve(stream: std::net::TcpStream, log: &Mutex<Vec<(String, String)>>, special: &Answers) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    for line in reader.lines() {
        if line.unwrap().is_empty() {
            break;
        }
    }
    let mut words = first.split_whitespace().map(str::to_owned);
    let (Some(method), Some(path)) = (words.next(), words.next()) else { return };
    let before = {
        let mut log = log.lock().unwrap();
        let before = log.iter().filter(|(_, p)| *p == path).count();
        log.push((method, path.clone()));
        before
    };
    let (code, body) = special(&path, before).unwrap_or_else(|| answer(&path));
    let head =
        format!("HTTP/1.1 {code} X\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let mut stream = stream;
    stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body.as_bytes())).unwrap_or_default();
}

fn names(state: &State) -> Vec<String> {
    state.objects.iter().map(|o| crate::object::ObjectId::of(o).to_string()).collect()
}

const ALL: [&str; 5] = ["Namespace/n/namespaces", "Pod/n/pods", "Secret/n/secrets", "Deployment/n/deployments", "ReplicaSet/n/replicasets"];

#[test]
fn reads_every_kind_once_and_as_it_is() {
    let server = Server::new(|_, _| None);
    let state = server.read(&Scope::default()).unwrap();
    assert_eq!(names(&state), ALL);
    assert_eq!((state.version.as_deref(), state.source.as_str()), (Some("v1.36.2"), "context test"));
    assert_eq!(state.unreadable, []);
    let deployment = &state.objects[3];
    assert_eq!(deployment["metadata"]["futureField"], 1);
    assert_eq!(deployment.as_object().unwrap().keys().next().unwrap(), "apiVersion");
    assert_eq!(server.paths("/deployments"), ["/apis/apps/v1/deployments?limit=500&resourceVersion=77&resourceVersionMatch=Exact"]);
    assert_eq!(server.paths("").len(), 3 + SERVED.len());
    assert_eq!(state.unknown("", "Pod", "n"), None);
    assert_eq!(state.unknown("batch", "Job", "n"), None, "a kind that is not served has no objects");
    assert!(state.unknown("example.com", "Widget", "n").is_some());
}

#[test]
fn reads_page_after_page() {
    let server = Server::new(|path, _| match path {
        p if p.contains("/pods") && p.contains("continue=to%2Bken") => Some(list(&["c"], "")),
        p if p.contains("/pods") => Some(list(&["a", "b"], "to+ken")),
        _ => None,
    });
    let state = server.read(&Scope::default()).unwrap();
    assert_eq!(names(&state)[1..4], ["Pod/n/a", "Pod/n/b", "Pod/n/c"]);
    assert_eq!(server.paths("continue"), ["/api/v1/pods?limit=500&continue=to%2Bken"]);
}

#[test]
fn a_kind_that_is_forbidden_is_named_and_the_others_are_read() {
    let server = Server::new(|path, _| path.contains("/secrets").then(|| status(403, "secrets is forbidden: User \"u\" cannot list")));
    let state = server.read(&Scope::default()).unwrap();
    assert_eq!(names(&state).len(), 4);
    assert_eq!(state.unreadable.len(), 1);
    assert_eq!(state.unknown("", "Secret", "n").unwrap(), "Secret: secrets is forbidden: User \"u\" cannot list (403)");
    assert_eq!(server.paths("/secrets").len(), 1, "a refusal is not asked again");
}

#[test]
fn a_busy_server_is_asked_again_within_limits() {
    let busy = Server::new(|path, before| (path.contains("/pods") && before == 0).then(|| status(429, "slow down")));
    assert_eq!(names(&busy.read(&Scope::default()).unwrap()), ALL);
    assert_eq!(busy.paths("/pods").len(), 2);
    let broken = Server::new(|path, _| path.contains("/pods").then(|| status(503, "etcd is away")));
    let error = broken.read(&Scope::default()).unwrap_err().to_string();
    assert!(error.contains("GET /api/v1/pods: etcd is away, 3 times (503)"), "{error}");
    assert_eq!(broken.paths("/pods").len(), 3);
}

#[test]
fn a_list_that_runs_out_on_the_way_starts_over() {
    let server = Server::new(|path, before| match path {
        p if p.contains("/pods") && p.contains("continue=") && before == 0 => {
            Some(status(410, "The provided continue parameter is too old"))
        }
        p if p.contains("/pods") && p.contains("continue=") => Some(list(&["c"], "")),
        p if p.contains("/pods") => Some(list(&["a", "b"], "t")),
        _ => None,
    });
    let state = server.read(&Scope::default()).unwrap();
    assert_eq!(names(&state)[1..4], ["Pod/n/a", "Pod/n/b", "Pod/n/c"], "nothing twice");
    assert_eq!(
        state.notes.iter().map(|n| n.text.as_str()).collect::<Vec<_>>(),
        ["Pod could not be read at the same moment as the rest of context test"]
    );
    let always = Server::new(|path, _| match path {
        p if p.contains("/pods") && p.contains("continue=") => Some(status(410, "too old")),
        p if p.contains("/pods?") => Some(list(&["a"], "t")),
        p if p.contains("/pods") => Some(list(&["a", "b"], "")),
        _ => None,
    });
    assert_eq!(names(&always.read(&Scope::default()).unwrap())[1..3], ["Pod/n/a", "Pod/n/b"]);
}

#[test]
fn what_is_no_list_is_an_error_that_names_the_path() {
    let server = Server::new(|path, _| path.contains("/pods").then(|| (200, "{\"items\": [".to_owned())));
    let error = server.read(&Scope::default()).unwrap_err().to_string();
    assert!(error.contains("the answer to GET /api/v1/pods is not what it should be: EOF"), "{error}");
    let refused = Server::new(|_, _| Some(status(401, "Unauthorized"))).read(&Scope::default()).unwrap_err();
    assert!(refused.to_string().ends_with("Unauthorized (401)"), "{refused}");
    assert!(refused.0[0].hints[0].contains("credentials"));
}

#[test]
fn secrets_lose_their_values_at_the_edge() {
    let server = Server::new(|path, _| {
        let secret = json!({"metadata": {"name": "s", "namespace": "n"}, "data": {"k": "aHVudGVyMg=="}});
        path.contains("/secrets").then(|| (200, json!({"metadata": {}, "items": [secret]}).to_string()))
    });
    assert!(!format!("{:?}", server.read(&Scope::default()).unwrap()).contains("aHVudGVyMg"));
    let kept = Scope { secret_values: true, ..Scope::default() };
    assert!(format!("{:?}", server.read(&kept).unwrap()).contains("aHVudGVyMg"), "a rehearsal's clients read them");
}

#[test]
fn plain_discovery_serves_as_well_and_a_broken_group_is_named() {
    let server = Server::new(|path, _| {
        let verbs = json!(["get", "list"]);
        Some((200, match path {
            "/api" => json!({"kind": "APIVersions", "versions": ["v1"]}).to_string(),
            "/apis" => {
                let group = |name: &str| json!({"name": name, "versions": [{"version": "v1"}], "preferredVersion": {"version": "v1"}});
                json!({"kind": "APIGroupList", "groups": [group("apps"), group("batch"), group("unasked.example.com")]}).to_string()
            }
            "/api/v1" => json!({"resources": [{"name": "pods", "kind": "Pod", "namespaced": true, "verbs": verbs}, {"name": "pods/log", "kind": "Pod", "verbs": verbs}]}).to_string(),
            "/apis/apps/v1" => json!({"resources": [{"name": "deployments", "kind": "Deployment", "namespaced": true, "verbs": verbs}]}).to_string(),
            "/apis/batch/v1" => return Some(status(503, "no endpoints")),
            _ => return None,
        }))
    });
    let state = server.read(&Scope::default()).unwrap();
    assert_eq!(names(&state), ["Pod/n/pods", "Deployment/n/deployments"]);
    assert!(state.unknown("batch", "Job", "n").unwrap().contains("no endpoints"));
    assert_eq!(server.paths("unasked"), Vec::<String>::new());
}

#[test]
fn namespaces_can_be_read_without_the_right_to_all() {
    let server = Server::new(|path, _| match path.split('?').next().unwrap_or_default() {
        "/api/v1/namespaces" | "/api/v1/pods" => Some(status(403, "forbidden")),
        "/api/v1/namespaces/a" => Some((200, json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "a"}}).to_string())),
        _ => None,
    });
    let scope = Scope { namespaces: BTreeSet::from(["a".into(), "gone".into()]), ..Scope::default() };
    let state = server.read(&scope).unwrap();
    assert_eq!(state.unreadable, []);
    assert_eq!(state.objects[0]["metadata"]["name"], "a");
    assert_eq!(server.paths("/pods").len(), 2);
    assert!(state.unknown("", "Pod", "b").is_some());
}

#[test]
fn a_server_that_is_not_there_is_an_error_at_once() {
    let mut server = Server::new(|_, _| None);
    server.connection.config.cluster_url = "http://127.0.0.1:1".parse().unwrap();
    let error = server.read(&Scope::default()).unwrap_err().to_string();
    assert!(error.contains("127.0.0.1:1") && error.contains("refused") && !error.contains("times"), "{error}");
}

/// By hand, against a real control plane: `ROLLCAST_KUBECONFIG=… cargo test --lib real_cluster -- --ignored --nocapture`.
#[test]
#[ignore = "needs a real cluster"]
fn a_real_cluster() {
    install_provider();
    let file = std::env::var_os("ROLLCAST_KUBECONFIG").expect("a kubeconfig");
    let connection = connect(&Access { kubeconfig: vec![file.into()], ..Access::default() }).unwrap();
    let state = read_live(&connection, &Scope::default()).unwrap();
    println!("{} objects, {:?}, unreadable {:?}, notes {:?}", state.objects.len(), state.version, state.unreadable, state.notes);
    crate::cluster::write_snapshot_file(&state, &std::env::temp_dir().join("rollcast-snapshot.json")).unwrap();
}
