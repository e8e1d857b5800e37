//! A live cluster becomes a state: discovery, then one LIST per kind, GET only.
//!
//! Objects stay raw JSON: a typed struct would drop the fields it does not know. All lists are read at one resource version
//! where the server still has it, so that a Deployment and its ReplicaSets fit together. Secrets lose their values before a
//! page is put with the others.

use super::connect::{Connection, failure};
use super::discovery::{Listable, Served, discover};
use super::get::{Failure, Patience, get};
use super::{State, Unreadable, mask_secret};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::object::{Gvk, Map, Value, text};
use kube::Client;
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

/// What is read of every cluster, as group and kinds: workloads and what they own, what a namespace's bundle holds, and what
/// decides about a write (quotas, limits, policies, definitions, nodes).
const KINDS: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "Namespace",
            "Pod",
            "ReplicationController",
            "Service",
            "ServiceAccount",
            "ConfigMap",
            "Secret",
            "PersistentVolumeClaim",
            "LimitRange",
            "ResourceQuota",
            "Node",
        ],
    ),
    ("apps", &["Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "ControllerRevision"]),
    ("batch", &["Job", "CronJob"]),
    ("autoscaling", &["HorizontalPodAutoscaler"]),
    ("policy", &["PodDisruptionBudget"]),
    ("networking.k8s.io", &["NetworkPolicy", "Ingress", "IngressClass", "ServiceCIDR"]),
    ("rbac.authorization.k8s.io", &["Role", "RoleBinding"]),
    ("scheduling.k8s.io", &["PriorityClass"]),
    ("storage.k8s.io", &["StorageClass"]),
    ("node.k8s.io", &["RuntimeClass"]),
    ("apiextensions.k8s.io", &["CustomResourceDefinition"]),
    (
        "admissionregistration.k8s.io",
        &[
            "MutatingWebhookConfiguration",
            "ValidatingWebhookConfiguration",
            "MutatingAdmissionPolicy",
            "MutatingAdmissionPolicyBinding",
            "ValidatingAdmissionPolicy",
            "ValidatingAdmissionPolicyBinding",
        ],
    ),
];

/// How many lists are read at a time.
const AT_A_TIME: usize = 8;
/// How many objects one page has, as kubectl asks for them.
const PAGE: usize = 500;
const JSON: &str = "application/json";

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Kinds beyond those that are always read: the manifests'. A version is taken if it is served, else the preferred one.
    pub kinds: BTreeSet<Gvk>,
    /// Which namespaces; none for all. Needs no right to list a whole cluster's objects then.
    pub namespaces: BTreeSet<String>,
    /// Whether Secrets keep their values: for clients of a simulated cluster, who ask for them, and for nobody else.
    pub secret_values: bool,
}

/// Reads a cluster.
pub fn read_live(connection: &Connection, scope: &Scope) -> Result<State, Diagnostics> {
    read(connection, scope, Patience::default())
}

fn read(connection: &Connection, scope: &Scope, patience: Patience) -> Result<State, Diagnostics> {
    let server = connection.config.cluster_url.to_string();
    let source = connection.context.as_ref().map_or_else(|| "the cluster of this pod".to_owned(), |c| format!("context {c}"));
    runtime()?.block_on(async {
        let wrong = |f: Failure| {
            let broken = failure(format!("cannot read {source} at {server}: {f}"));
            Diagnostics::from(match f.code {
                Some(401) => broken.hint("the server does not know these credentials: they may have run out"),
                None => broken.hint("does `kubectl get namespaces` reach it? A snapshot needs no cluster: `--from FILE`"),
                _ => broken,
            })
        };
        let client = Client::try_from(connection.config.clone()).map_err(|e| wrong(Failure::without_answer(e.to_string())))?;
        let wanted = wanted(scope);
        let groups = wanted.iter().map(|gvk| gvk.group.to_string()).collect();
        let served = discover(&client, &groups, patience).await.map_err(wrong)?;
        let mut state = State { source: source.clone(), namespaces: scope.namespaces.clone(), ..State::default() };
        state.version = version(&client, patience, &mut state.notes).await;
        state.kinds = Some(wanted.iter().map(|gvk| (gvk.group.to_string(), gvk.kind.to_string())).collect());
        let jobs = jobs(&wanted, &served, scope, &mut state);
        let lists = read_all(&client, jobs, patience).await.map_err(wrong)?;
        gather(lists, &mut state);
        Ok(state)
    })
}

/// A runtime for one command's requests.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Diagnostics> {
    let started = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    started.map_err(|e| failure(format!("cannot start a client: {e}")).into())
}

fn wanted(scope: &Scope) -> BTreeSet<Gvk> {
    let mut all: BTreeMap<(String, String), String> = BTreeMap::new();
    for (group, kinds) in KINDS {
        all.extend(kinds.iter().map(|kind| (((*group).to_owned(), (*kind).to_owned()), String::new())));
    }
    all.extend(scope.kinds.iter().map(|g| ((g.group.to_string(), g.kind.to_string()), g.version.to_string())));
    all.into_iter().map(|((group, kind), version)| Gvk { group: group.into(), version: version.into(), kind: kind.into() }).collect()
}

async fn version(client: &Client, patience: Patience, notes: &mut Vec<Diagnostic>) -> Option<String> {
    let answer = get(client, "/version", JSON, patience).await;
    let told = answer.ok().and_then(|bytes| serde_json::from_slice::<Value>(&bytes).ok());
    let version = told.map(|v| text(&v, &["gitVersion"]).to_owned()).filter(|v| !v.is_empty());
    if version.is_none() {
        notes.push(
            Diagnostic::warning("cluster-no-version", "the server does not say which version it is").hint("say it with `--kubernetes V`"),
        );
    }
    version
}

/// One list to read.
#[derive(Clone, Debug)]
struct Job {
    kind: Listable,
    namespace: String,
    /// A single object instead: the namespace itself, for those who may not list namespaces.
    single: bool,
    /// Whether values of Secrets become digests.
    masked: bool,
}

impl Job {
    fn path(&self) -> String {
        let Gvk { group, version, .. } = &self.kind.gvk;
        let root = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
        let resource = &self.kind.resource;
        match self.namespace.as_str() {
            name if self.single => format!("{root}/{resource}/{name}"),
            "" => format!("{root}/{resource}"),
            namespace => format!("{root}/namespaces/{namespace}/{resource}"),
        }
    }
}

/// The lists to read, the namespaces first: nearly everybody may read those.
fn jobs(wanted: &BTreeSet<Gvk>, served: &Served, scope: &Scope, state: &mut State) -> VecDeque<Job> {
    let (mut jobs, masked) = (VecDeque::new(), !scope.secret_values);
    for gvk in wanted {
        if let Some(why) = served.failed.get(gvk.group.as_str()) {
            state.unreadable.push(Unreadable {
                group: gvk.group.as_str().into(),
                kind: gvk.kind.as_str().into(),
                namespace: String::new(),
                why: why.clone(),
            });
            continue;
        }
        // A kind that is not served has no objects.
        let Some(kind) = served.find(gvk) else { continue };
        let of_namespaces = kind.gvk.group.is_empty() && kind.gvk.kind == "Namespace";
        if scope.namespaces.is_empty() || !(kind.namespaced || of_namespaces) {
            jobs.push_back(Job { kind: kind.clone(), namespace: String::new(), single: false, masked });
        } else {
            let each = scope.namespaces.iter();
            jobs.extend(each.map(|n| Job { kind: kind.clone(), namespace: n.clone(), single: of_namespaces, masked }));
        }
    }
    jobs.make_contiguous().sort_by_key(|job| (job.single, job.kind.gvk.kind != "Namespace"));
    jobs
}

/// What came of a list.
struct Listed {
    job: Job,
    outcome: Result<Vec<Value>, Failure>,
    /// Whether the common resource version could not be had.
    apart: bool,
}

/// Reads the lists, several at a time. An error that is not about one kind alone ends it.
async fn read_all(client: &Client, mut jobs: VecDeque<Job>, patience: Patience) -> Result<Vec<Listed>, Failure> {
    let (mut done, mut revision) = (Vec::new(), None);
    while revision.is_none()
        && let Some(job) = jobs.pop_front()
    {
        let (listed, at) = read_one(client, job, None, patience).await?;
        revision = at;
        done.push(listed);
    }
    let jobs = Arc::new(Mutex::new(jobs));
    let mut workers = tokio::task::JoinSet::new();
    for _ in 0..AT_A_TIME {
        let (client, jobs, revision) = (client.clone(), Arc::clone(&jobs), revision.clone());
        workers.spawn(async move {
            let mut done = Vec::new();
            loop {
                let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(job) = next else { return Ok::<_, Failure>(done) };
                done.push(read_one(&client, job, revision.as_deref(), patience).await?.0);
            }
        });
    }
    while let Some(worker) = workers.join_next().await {
        done.extend(worker.map_err(|e| Failure::without_answer(e.to_string()))??);
    }
    Ok(done)
}

/// Reads one list: its objects, or why this kind cannot be read; and the resource version at which it was read.
async fn read_one(client: &Client, job: Job, revision: Option<&str>, patience: Patience) -> Result<(Listed, Option<String>), Failure> {
    let read = async {
        if job.single {
            return single(client, &job, patience).await.map(|objects| (objects, None, false));
        }
        match pages(client, &job, revision, PAGE, patience).await {
            // The server has forgotten that version, or keeps these objects elsewhere.
            Err(f) if revision.is_some() && matches!(f.code, Some(400 | 410 | 422 | 504)) => {
                again(client, &job, patience).await.map(|(objects, at)| (objects, at, true))
            }
            Err(f) if f.code == Some(410) => again(client, &job, patience).await.map(|(objects, at)| (objects, at, false)),
            other => other.map(|(objects, at)| (objects, at, false)),
        }
    };
    match read.await {
        Ok((objects, at, apart)) => Ok((Listed { job, outcome: Ok(objects), apart }, at)),
        Err(f) if matches!(f.code, Some(403..=405)) => Ok((Listed { job, outcome: Err(f), apart: false }, None)),
        Err(f) => Err(Failure { text: format!("GET {}: {}", job.path(), f.text), ..f }),
    }
}

/// Starts over: once more in pages, then as one answer, which cannot run out on the way.
async fn again(client: &Client, job: &Job, patience: Patience) -> Result<(Vec<Value>, Option<String>), Failure> {
    match pages(client, job, None, PAGE, patience).await {
        Err(f) if f.code == Some(410) => pages(client, job, None, 0, patience).await,
        other => other,
    }
}

async fn single(client: &Client, job: &Job, patience: Patience) -> Result<Vec<Value>, Failure> {
    match get(client, &job.path(), JSON, patience).await {
        Ok(bytes) => Ok(vec![parse(job, &bytes)?]),
        Err(f) if f.code == Some(404) => Ok(Vec::new()),
        Err(f) => Err(f),
    }
}

/// A page of a list.
#[derive(Deserialize)]
struct Page {
    #[serde(default)]
    metadata: PageMetadata,
    items: Option<Vec<Map>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct PageMetadata {
    #[serde(default)]
    resource_version: String,
    #[serde(default, rename = "continue")]
    next: String,
}

async fn pages(
    client: &Client,
    job: &Job,
    revision: Option<&str>,
    limit: usize,
    patience: Patience,
) -> Result<(Vec<Value>, Option<String>), Failure> {
    let mut objects = Vec::new();
    let mut next = String::new();
    loop {
        let path = match (next.as_str(), revision) {
            ("", None) if limit == 0 => job.path(),
            ("", None) => format!("{}?limit={limit}", job.path()),
            ("", Some(at)) => format!("{}?limit={limit}&resourceVersion={at}&resourceVersionMatch=Exact", job.path()),
            (token, _) => format!("{}?limit={limit}&continue={}", job.path(), in_query(token)),
        };
        let page: Page = parse(job, &get(client, &path, JSON, patience).await?)?;
        objects.extend(page.items.into_iter().flatten().map(|item| whole(item, job)));
        let end = page.metadata.next.is_empty() || page.metadata.next == next;
        next = page.metadata.next;
        if end {
            return Ok((objects, Some(page.metadata.resource_version).filter(|v| !v.is_empty())));
        }
    }
}

fn parse<T: for<'de> Deserialize<'de>>(job: &Job, bytes: &[u8]) -> Result<T, Failure> {
    serde_json::from_slice(bytes)
        .map_err(|e| Failure::without_answer(format!("the answer to GET {} is not what it should be: {e}", job.path())))
}

/// Items of a list do not say what they are; Secrets say too much.
fn whole(mut item: Map, job: &Job) -> Value {
    let gvk = &job.kind.gvk;
    for (key, value) in [("kind", gvk.kind.clone()), ("apiVersion", gvk.api_version().into())] {
        item.shift_remove(key);
        item.shift_insert(0, key.into(), Value::String(value));
    }
    let mut object = Value::Object(item);
    if job.masked {
        mask_secret(&mut object);
    }
    object
}

fn in_query(token: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.' | b'~');
    token.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// Puts the lists together in a stable order, whatever order they came in.
fn gather(mut lists: Vec<Listed>, state: &mut State) {
    let place = |l: &Listed| (l.job.kind.gvk.group.clone(), l.job.kind.gvk.kind.clone(), l.job.namespace.clone());
    lists.sort_by_cached_key(place);
    let mut apart = BTreeSet::new();
    for Listed { job, outcome, apart: alone } in lists {
        let Gvk { group, kind, .. } = job.kind.gvk;
        match outcome {
            Ok(objects) => {
                if alone {
                    apart.insert(kind);
                }
                state.objects.extend(objects.into_iter().map(Arc::new));
            }
            Err(f) => state.unreadable.push(Unreadable {
                group: group.to_string(),
                kind: kind.to_string(),
                namespace: job.namespace,
                why: f.to_string(),
            }),
        }
    }
    state.unreadable.sort();
    if !apart.is_empty() {
        let kinds = apart.into_iter().collect::<Vec<_>>().join(", ");
        let text = format!("{kinds} could not be read at the same moment as the rest of {}", state.source);
        state.notes.push(Diagnostic { severity: Severity::Note, ..Diagnostic::error("cluster-moments", text) });
    }
}

#[cfg(test)]
mod tests;
