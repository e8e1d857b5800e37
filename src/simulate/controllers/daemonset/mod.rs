//! DaemonSets: a pod on each node that takes it.
//!
//! Follows `pkg/controller/daemon/daemon_controller.go` and `update.go`. Where Kubernetes takes nodes in no order, here they
//! are taken by name.

mod manage;
mod nodes;
mod revisions;
mod status;
mod update;

use super::reading::{REVISION_HASH, annotation, deleting, label, scaled, terminal};
use super::{history, index, pods};
use crate::object::{ObjectId, Value, at, items, json, map_at, text};
use crate::simulate::Cluster;
use crate::simulate::store::Change;
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// A DaemonSet, its nodes and the pods on them.
struct Daemon {
    set: Arc<Value>,
    /// The hash of its template's revision.
    hash: String,
    nodes: Vec<nodes::Node>,
    /// Its pods by node; all but those that have ended and are being deleted.
    pods: BTreeMap<String, Vec<Arc<Value>>>,
}

impl Daemon {
    /// A pod is up to date if either its hash or its template generation is.
    fn is_updated(&self, pod: &Value) -> bool {
        let generation = annotation(&self.set, TEMPLATE_GENERATION);
        let own = label(pod, REVISION_HASH);
        (!own.is_empty() && own == self.hash) || generation.is_some_and(|g| g == label(pod, "pod-template-generation"))
    }

    fn rolls(&self) -> bool {
        text(&self.set, &["spec", "updateStrategy", "type"]) != "OnDelete"
    }

    /// How many nodes may have two pods, and how many none.
    fn allowances(&self, total: i64) -> (i64, i64) {
        let of = |key| at(&self.set, &["spec", "updateStrategy", "rollingUpdate", key]);
        if !self.rolls() {
            return (0, 0);
        }
        let surge = scaled(of("maxSurge"), total, true, 0);
        let unavailable = scaled(of("maxUnavailable"), total, true, 0);
        (surge, if total > 0 && surge == 0 && unavailable == 0 { 1 } else { unavailable })
    }

    fn surges(&self) -> bool {
        self.allowances(1).0 > 0
    }
}

/// Notes that the API server raised the template generation: the template is another one.
pub(super) fn note(cluster: &mut Cluster, change: &Change) {
    let generation = |set: &Value| annotation(set, TEMPLATE_GENERATION).and_then(|g| g.parse::<i64>().ok()).unwrap_or(0);
    let Some(after) = &change.after else { return };
    match &change.before {
        Some(before) if generation(before) >= generation(after) => {}
        before => {
            let template = before.as_ref().and_then(|b| at(b, &["spec", "template"])).cloned().map(Arc::new);
            cluster.controllers.raised.insert(ObjectId::clone(&change.id), template);
        }
    }
}

/// Brings the pods of a DaemonSet closer to what it asks for, and its status to what there is.
pub(super) fn sync(cluster: &mut Cluster, id: &ObjectId) {
    let Some(set) = cluster.store.get(id).cloned() else { return };
    if deleting(&set) {
        return;
    }
    let (hash, unused) = revisions::find(cluster, &set);
    let set = cluster.store.get(id).cloned().unwrap_or(set);
    let mut daemon = Daemon { nodes: nodes::of(cluster, &set), set, hash, pods: BTreeMap::new() };
    place(cluster, &mut daemon);
    let managed = manage::step(cluster, &daemon);
    if !managed && daemon.rolls() {
        update::step(cluster, &daemon);
    }
    revisions::truncate(cluster, &daemon, unused);
    place(cluster, &mut daemon);
    status::write(cluster, &daemon);
}

fn place(cluster: &mut Cluster, daemon: &mut Daemon) {
    daemon.pods.clear();
    for pod in index::claim(cluster, &daemon.set, "Pod", &|_| true) {
        let node = node_of(&pod).to_owned();
        let over = terminal(&pod) && deleting(&pod);
        if !node.is_empty() && !over {
            daemon.pods.entry(node).or_default().push(pod);
        }
    }
    for pods in daemon.pods.values_mut() {
        pods.sort_by(|a, b| super::reading::age(a).cmp(&super::reading::age(b)));
    }
}

/// The node that a pod runs on, or is meant for.
fn node_of(pod: &Value) -> &str {
    let bound = text(pod, &["spec", "nodeName"]);
    if !bound.is_empty() {
        return bound;
    }
    let path = ["spec", "affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution", "nodeSelectorTerms"];
    let fields = items(pod, &path).iter().flat_map(|term| items(term, &["matchFields"]));
    let named = fields.filter(|f| text(f, &["key"]) == "metadata.name").find_map(|f| items(f, &["values"]).first());
    named.and_then(Value::as_str).unwrap_or_default()
}

/// Makes a pod for a node.
fn create(cluster: &mut Cluster, daemon: &Daemon, node: &str) {
    drop(pods::create(cluster, draft(&daemon.set, &daemon.hash, node)));
}

/// The pod of a node.
fn draft(set: &Value, hash: &str, node: &str) -> Value {
    let template = at(set, &["spec", "template"]).cloned().unwrap_or_default();
    let mut pod = pods::of_template(&template, set);
    let labels = map_at(&mut pod, &["metadata", "labels"]);
    if let Some(generation) = annotation(set, TEMPLATE_GENERATION) {
        labels.insert("pod-template-generation".into(), generation.into());
    }
    labels.insert(REVISION_HASH.into(), hash.into());
    let field = json!({"key": "metadata.name", "operator": "In", "values": [node]});
    let terms = json!({"nodeSelectorTerms": [{"matchFields": [field]}]});
    map_at(&mut pod, &["spec", "affinity", "nodeAffinity"]).insert("requiredDuringSchedulingIgnoredDuringExecution".into(), terms);
    let tolerations = nodes::tolerations(&pod["spec"]);
    let spec = map_at(&mut pod, &["spec"]);
    spec.insert("tolerations".into(), tolerations.into());
    spec.insert("nodeName".into(), node.into());
    pod
}

/// The revision of a set that a snapshot has none of; its hash is that of its newest pods.
pub(super) fn revision(cluster: &Cluster, set: &Value) -> Value {
    let owned = cluster.controllers.index.dependents(super::reading::uid(set)).filter(|id| id.kind == "Pod");
    let generation = annotation(set, TEMPLATE_GENERATION).unwrap_or_default();
    let mut newest = owned.filter_map(|id| cluster.store.get(id)).filter(|p| label(p, "pod-template-generation") == generation);
    let hash = newest.next().map(|p| label(p, REVISION_HASH).to_owned()).filter(|h| !h.is_empty());
    let template = at(set, &["spec", "template"]).unwrap_or(&Value::Null);
    let hash = hash
        .unwrap_or_else(|| super::hash::of_template(cluster.schema, template, crate::object::integer(set, &["status", "collisionCount"])));
    history::draft(set, 1, (REVISION_HASH, &hash), &hash)
}

/// The pods of a set of which a snapshot has none.
pub(super) fn members(cluster: &Cluster, set: &Value, hash: &str) -> Vec<Value> {
    nodes::of(cluster, set).into_iter().filter(|n| n.runs).map(|n| draft(set, hash, &n.name)).collect()
}
