//! The real side of a sequence: requests over one kept connection, and the object once its controllers have seen it.

use crate::answers::in_namespace;
use crate::kinds::Kind;
use crate::ours::{Answer, no_server_finalizers};
use kube::client::Body;
use kube::{Client, Config};
use rollcast::object::{Value, json, text};
use std::cell::RefCell;
use std::fmt::Write as _;
use std::thread::sleep;
use std::time::{Duration, Instant};

/// For how long an object is looked at until it must have settled, and how long between the first two looks; then ever longer.
const PATIENCE: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(100);

/// For how long nobody writes an object that is at rest.
const QUIET: Duration = Duration::from_millis(150);

/// How often a request is sent that gets no answer: a busy server closes connections.
const ATTEMPTS: u32 = 10;

pub struct Server {
    url: String,
    client: RefCell<Client>,
    runtime: tokio::runtime::Runtime,
}

fn connected(url: &str) -> Client {
    let mut config = Config::new(url.parse().expect("a URL"));
    config.accept_invalid_certs = true;
    config.auth_info.token = Some("admintoken".to_owned().into());
    Client::try_from(config).unwrap()
}

impl Server {
    pub fn new(url: &str) -> Self {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let client = runtime.block_on(async { connected(url) }).into();
        Self { url: url.to_owned(), client, runtime }
    }

    /// The answer to a request; the code is 0 if there is none, however often it is sent.
    fn ask(&self, method: &str, path: &str, content_type: &str, body: Option<&Value>) -> (u64, Value) {
        let bytes = body.map(|b| b.to_string().into_bytes()).unwrap_or_default();
        let request = || {
            let request = http::Request::builder().method(method).uri(path).header("Content-Type", content_type);
            request.header("Accept", "application/json").header("User-Agent", "oracle").body(Body::from(bytes.clone())).unwrap()
        };
        self.runtime.block_on(async {
            for attempt in 1.. {
                let client = self.client.borrow().clone();
                match client.send(request()).await {
                    // 429: it has too much to do.
                    Ok(response) if response.status().as_u16() != 429 => {
                        let code = response.status().as_u16();
                        let bytes = response.into_body().collect_bytes().await.expect("a whole answer");
                        return (code.into(), serde_json::from_slice(&bytes).unwrap_or(Value::Null));
                    }
                    _ if attempt == ATTEMPTS => break,
                    _ => drop(self.client.replace(connected(&self.url))),
                }
                tokio::time::sleep(LONGEST_PAUSE * attempt).await;
            }
            (0, Value::Null)
        })
    }

    pub fn version(&self) -> String {
        text(&self.ask("GET", "/version", "application/json", None).1, &["gitVersion"]).to_owned()
    }

    /// A namespace with the service account that pods may name.
    pub fn make_namespace(&self, name: &str) {
        self.ask("POST", "/api/v1/namespaces", "application/json", Some(&json!({"metadata": {"name": name}})));
        let accounts = format!("/api/v1/namespaces/{name}/serviceaccounts");
        self.ask("POST", &accounts, "application/json", Some(&json!({"metadata": {"name": "agent"}})));
    }

    /// Takes away what a sequence left.
    pub fn remove(&self, kind: &Kind, namespace: &str) {
        let path = kind.path().replace("{ns}", namespace);
        self.ask("PATCH", &path, "application/merge-patch+json", Some(&json!({"metadata": {"finalizers": null}})));
        self.ask("DELETE", &path, "application/json", Some(&json!({"propagationPolicy": "Background"})));
    }

    /// One step. None if the object does not settle.
    pub fn send(&self, kind: &Kind, step: &Value, namespace: &str) -> Option<Answer> {
        let step = in_namespace(step, namespace);
        let mut path = text(&step, &["path"]).to_owned();
        for (i, (key, value)) in step["query"].as_object().into_iter().flatten().enumerate() {
            write!(path, "{}{key}={}", if i == 0 { '?' } else { '&' }, value.as_str().unwrap()).unwrap();
        }
        let (code, object) = self.ask(text(&step, &["method"]), &path, text(&step, &["content_type"]), Some(&step["body"]));
        if code == 0 {
            return None;
        }
        let mut answer = Answer { code, ..Answer::default() };
        if code >= 400 {
            answer.reason = text(&object, &["reason"]).to_owned();
            answer.message = text(&object, &["message"]).to_owned();
        } else if step["method"] != "DELETE" {
            answer.object = Some(object);
        }
        answer.stored = self.settled(kind, namespace)?;
        Some(answer)
    }

    /// Waits until nobody has written the object for a while.
    pub fn wait_until_quiet(&self, kind: &Kind, namespace: &str) {
        let path = kind.path().replace("{ns}", namespace);
        let version = || self.ask("GET", &path, "application/json", None).1["metadata"]["resourceVersion"].clone();
        let (began, mut last) = (Instant::now(), version());
        while began.elapsed() < PATIENCE {
            sleep(QUIET);
            let now = version();
            if now == last {
                return;
            }
            last = now;
        }
    }

    /// The object once its controllers have seen it; none within if there is none, none at all if they do not come to rest.
    pub fn settled(&self, kind: &Kind, namespace: &str) -> Option<Option<Value>> {
        let path = kind.path().replace("{ns}", namespace);
        let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
        while began.elapsed() < PATIENCE {
            let (code, object) = self.ask("GET", &path, "application/json", None);
            if code == 404 {
                return Some(None);
            }
            if at_rest(kind, &object) {
                return Some(Some(object));
            }
            sleep(pause);
            pause = (pause * 3 / 2).min(LONGEST_PAUSE);
        }
        None
    }
}

/// Whether no controller has anything left to do to the part of an object that is compared.
fn at_rest(kind: &Kind, object: &Value) -> bool {
    let metadata = &object["metadata"];
    if metadata.get("deletionTimestamp").is_some() {
        // A namespace is emptied some seconds after its deletion, whatever else keeps it.
        let emptied = kind.name != "Namespace" || object["spec"].get("finalizers").is_none();
        return emptied && no_server_finalizers(object);
    }
    let seen = !kind.has_revisions() && !["ReplicaSet", "PodDisruptionBudget"].contains(&kind.name)
        || object["status"]["observedGeneration"] == metadata["generation"];
    let paused = object["spec"]["paused"] == true;
    seen && (kind.name != "Deployment" || paused || metadata["annotations"].get("deployment.kubernetes.io/revision").is_some())
}
