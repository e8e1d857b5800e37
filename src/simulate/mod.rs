//! A Kubernetes cluster in memory: the API server's write path, the controllers, and a virtual clock.
//!
//! [`Cluster::write`] is the one way in. A step of a pipeline and a rehearsed HTTP request both come through it, so they cannot
//! disagree. Nothing here does I/O or reads a clock.

pub mod admission;
mod attribute;
mod autoscalers;
pub mod clients;
pub mod clock;
pub mod controllers;
pub mod custom;
pub mod defaults;
pub mod kubelet;
pub mod pipeline;
mod reading;
mod request;
pub mod resources;
mod schedule;
mod status;
mod store;
pub mod strategy;
pub mod validate;
mod write;

pub use request::{Body, PatchKind, Request, Response, Target, Verb, WriteOptions};
pub use status::{ApiError, Cause, Reason};
pub use store::{Change, Store};
pub use write::{parsed, unrecognized};

use crate::object::{self, Gvk, ObjectId, Value};
use crate::schema::{Schema, Version};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// Follows `pkg/controlplane/controller/systemnamespaces` and `pkg/controlplane/controller/kubernetesservice`.
const SYSTEM_NAMESPACES: [&str; 4] = ["default", "kube-node-lease", "kube-public", "kube-system"];

/// What the UIDs of assumed namespaces start with.
const ASSUMED: &str = "assumed-";

/// Whether an object was put in by [`Cluster::assume_namespaces`] or [`Cluster::load_system_namespaces`].
pub fn is_assumed(object: &Value) -> bool {
    object["kind"] == "Namespace" && object::text(object, &["metadata", "uid"]).starts_with(ASSUMED)
}

/// Something that decides about a write and that nobody runs here.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Doubt {
    /// The workload that was written; none if it concerns no workload.
    pub workload: Option<object::ObjectId>,
    /// What decides: the name of a webhook or a policy, or the kind that has rules.
    pub source: String,
    /// In words.
    pub text: String,
}

/// The simulated cluster.
#[derive(Clone)]
pub struct Cluster {
    /// What it stores.
    pub store: Store,
    /// The schema of its version.
    pub schema: &'static Schema,
    /// The resources that its CustomResourceDefinitions establish.
    pub custom: Vec<Arc<custom::Definition>>,
    /// What of the writes so far cannot be told from here.
    pub doubts: BTreeSet<Doubt>,
    /// Webhooks and policies that the user vouches for; `*` for all.
    pub trusted: BTreeSet<String>,
    /// Its virtual clock.
    pub clock: clock::Clock,
    /// What the controllers work on between two writes.
    pub controllers: controllers::Controllers,
}

impl Cluster {
    /// An empty cluster of a version, at the start of its clock.
    pub fn new(version: Version, clock: clock::Clock) -> Self {
        Self {
            store: Store::default(),
            schema: Schema::of(version),
            custom: Vec::new(),
            doubts: BTreeSet::new(),
            trusted: BTreeSet::new(),
            clock,
            controllers: controllers::Controllers::default(),
        }
    }

    /// Sets the clock of a cluster to which nothing has happened yet.
    pub fn set_clock(&mut self, clock: clock::Clock) {
        self.clock = clock;
        self.controllers.reload();
    }

    /// Puts an object in as it stands in a snapshot: no defaulting, no admission, no controllers.
    pub fn load(&mut self, object: Arc<Value>) {
        if custom::is_definition(&object) {
            self.define(&object);
        }
        let stored = autoscalers::stored_version(&Gvk::of(&object));
        let converted = stored.and_then(|version| autoscalers::converted(self.schema, &object, version));
        let object = converted.map_or(object, |(object, _)| Arc::new(object));
        self.store.load(object);
        self.controllers.reload();
    }

    /// Puts in the namespaces that objects of the state live in and that it does not hold, and, unless the state is `complete`,
    /// those that the manifests are for (`session` where they name none). Gives what was assumed beyond what the state shows.
    pub fn assume_namespaces(&mut self, manifests: &[Value], session: &str, complete: bool) -> Vec<String> {
        let of = |object: &Value| match object::text(object, &["metadata", "namespace"]) {
            "" => self.schema.resource_of_object(object).is_none_or(|r| r.namespaced).then(|| session.to_owned()),
            named => Some(named.to_owned()),
        };
        let held = self.store.list("", "Namespace", None).map(|(id, _)| id.name.to_string()).collect::<BTreeSet<String>>();
        let lived_in: BTreeSet<String> =
            self.store.iter().filter_map(|(id, _)| Some(id.namespace.to_string()).filter(|n| !n.is_empty())).collect();
        let made: BTreeSet<String> =
            manifests.iter().filter(|m| m["kind"] == "Namespace").map(|m| object::text(m, &["metadata", "name"]).to_owned()).collect();
        let wanted: BTreeSet<String> =
            manifests.iter().filter_map(of).filter(|n| !complete && held.is_empty() && !made.contains(n)).collect();
        for name in lived_in.union(&wanted).filter(|n| !held.contains(*n)) {
            self.load_namespace(name);
        }
        let system = |name: &String| SYSTEM_NAMESPACES.contains(&name.as_str());
        let assumed = wanted.difference(&lived_in).filter(|n| !system(n));
        assumed.map(|n| format!("Namespace/{n} is taken to exist: the state holds no namespaces")).collect()
    }

    /// Puts in the namespaces that every API server makes, and makes again, where the state does not show them.
    pub fn load_system_namespaces(&mut self) {
        for name in SYSTEM_NAMESPACES {
            let id = ObjectId { kind: "Namespace".into(), name: name.into(), ..ObjectId::default() };
            if self.store.get(&id).is_none() {
                self.load_namespace(name);
            }
        }
    }

    fn load_namespace(&mut self, name: &str) {
        let labels = crate::object::json!({"kubernetes.io/metadata.name": name});
        self.load(Arc::new(crate::object::json!({
            "apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "uid": format!("{ASSUMED}{name}"), "resourceVersion": "1", "labels": labels},
            "spec": {"finalizers": ["kubernetes"]}, "status": {"phase": "Active"},
        })));
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cluster({}, {} objects)", self.schema.version(), self.store.len())
    }
}
