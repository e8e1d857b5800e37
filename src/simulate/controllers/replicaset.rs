//! ReplicaSets: as many pods as asked for. Never compares templates: pods that exist stay as they are.
//!
//! Follows `pkg/controller/replicaset/replica_set.go` and `replica_set_utils.go`.

use super::reading::{
    active, annotation, available, condition, controller_of, deleting, generation, labels, min_ready_seconds, phase, ready, referred,
    replicas, terminal,
};
use super::{index, pods, template, write};
use crate::object::{ObjectId, Value, at, integer, items, json, text};
use crate::simulate::Cluster;
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Brings the pods of a ReplicaSet to the number asked for, and its status to what there is.
pub(super) fn sync(cluster: &mut Cluster, id: &ObjectId) {
    let Some(set) = cluster.store.get(id).cloned() else { return };
    let pods = index::claim(cluster, &set, "Pod", &|_| true);
    let (running, others): (Vec<_>, Vec<_>) = pods.into_iter().partition(|p| active(p));
    let terminating = others.iter().filter(|p| !terminal(p) && deleting(p)).count();
    let wanted = usize::try_from(replicas(&set)).unwrap_or(0);
    let mut refused = None;
    if !deleting(&set) {
        for _ in running.len()..wanted {
            let template = set["spec"].get("template").cloned().unwrap_or_default();
            refused = pods::create(cluster, pods::of_template(&template, &set)).err();
            if refused.is_some() {
                break;
            }
        }
        if running.len() > wanted {
            let why = reason(cluster, &set);
            for pod in doomed(cluster, &set, running.clone(), running.len() - wanted) {
                pods::delete(cluster, &pod, why);
            }
        }
    }
    let Some(set) = cluster.store.get(id).cloned() else { return };
    let mut status = status_of(cluster, &set, &running, terminating);
    let conditions = conditions(cluster, &set, refused);
    if !conditions.is_empty() {
        status["conditions"] = conditions.into();
    }
    write::set_status(cluster, &set, status);
}

/// That a pod could not be made stands in a condition until it can; what is said first stays.
fn conditions(cluster: &Cluster, set: &Value, refused: Option<String>) -> Vec<Value> {
    let mut conditions = items(set, &["status", "conditions"]).to_vec();
    match refused {
        None => conditions.retain(|c| c["type"] != "ReplicaFailure"),
        Some(message) if condition(set, "ReplicaFailure").is_none() => conditions.push(json!({
            "type": "ReplicaFailure", "status": "True", "lastTransitionTime": cluster.clock.timestamp(), "reason": "FailedCreate", "message": message,
        })),
        Some(_) => {}
    }
    conditions
}

fn status_of(cluster: &Cluster, set: &Value, running: &[Arc<Value>], terminating: usize) -> Value {
    let wanted = at(set, &["spec", "template", "metadata", "labels"]).and_then(Value::as_object);
    let labelled = |p: &&Arc<Value>| {
        let own = labels(p);
        wanted.is_none_or(|w| w.iter().all(|(k, v)| own.and_then(|l| l.get(k)) == Some(v)))
    };
    let needed = min_ready_seconds(set);
    let counts = [
        ("fullyLabeledReplicas", running.iter().filter(labelled).count()),
        ("readyReplicas", running.iter().filter(|p| ready(p)).count()),
        ("availableReplicas", running.iter().filter(|p| available(&cluster.clock, p, needed)).count()),
    ];
    let mut status = json!({"replicas": running.len()});
    for (key, count) in counts.into_iter().filter(|(_, count)| *count > 0) {
        status[key] = count.into();
    }
    if cluster.schema.version().minor() >= 35 {
        status["terminatingReplicas"] = terminating.into();
    }
    status["observedGeneration"] = generation(set).into();
    status
}

/// Why the pods of a set are too many: its Deployment went on to another one, or was scaled. A write that changes both scales the
/// old set first (`isScalingEvent`), to the full size: only below that are its pods replaced.
fn reason(cluster: &Cluster, set: &Value) -> &'static str {
    let owner = controller_of(set).map(|r| referred(r, text(set, &["metadata", "namespace"])));
    let deployment = owner.and_then(|o| cluster.store.get(&o));
    let below = |d: &Value| replicas(set) < replicas(d);
    let moved = deployment.is_some_and(|d| d["spec"]["paused"] != true && below(d) && !template::same(cluster.schema, d, set));
    if moved { "updated" } else { "scaled" }
}

/// Which pods to delete: those that serve least. Kubernetes compares ages on a logarithmic scale and lets chance decide among
/// the equals; here the younger goes first, as it does without that scale.
fn doomed(cluster: &Cluster, set: &Value, mut running: Vec<Arc<Value>>, count: usize) -> Vec<Arc<Value>> {
    if count < running.len() {
        let crowd = crowds(cluster, set);
        running.sort_by_cached_key(|pod| {
            let node = text(pod, &["spec", "nodeName"]).to_owned();
            let cost: i64 = annotation(pod, "controller.kubernetes.io/pod-deletion-cost").and_then(|c| c.parse().ok()).unwrap_or(0);
            let phase = match phase(pod) {
                "Pending" => 0,
                "Unknown" => 1,
                _ => 2,
            };
            let restarts = items(pod, &["status", "containerStatuses"]).iter().filter_map(|c| integer(c, &["restartCount"])).max();
            let since = condition(pod, "Ready").filter(|_| ready(pod)).map(|c| text(c, &["lastTransitionTime"]).to_owned());
            let rank = crowd.get(&node).copied().unwrap_or(0);
            let age = super::reading::age(pod);
            let age = (age.0.to_owned(), age.1.to_owned(), age.2.to_owned());
            (!node.is_empty(), phase, ready(pod), cost, Reverse(rank), Reverse(since), Reverse(restarts.unwrap_or(0)), Reverse(age))
        });
    }
    running.truncate(count);
    running
}

/// How many pods of the set and its sisters run on each node.
fn crowds(cluster: &Cluster, set: &Value) -> BTreeMap<String, usize> {
    let mut crowds = BTreeMap::new();
    let owner = controller_of(set).map(|r| text(r, &["uid"]).to_owned());
    let sisters: Vec<&Arc<Value>> = owner
        .iter()
        .flat_map(|uid| cluster.controllers.index.dependents(uid))
        .filter(|id| id.kind == "ReplicaSet")
        .filter_map(|id| cluster.store.get(id))
        .collect();
    let own = set["metadata"]["uid"].as_str().unwrap_or_default();
    let uids: Vec<&str> = if sisters.is_empty() { vec![own] } else { sisters.iter().map(|s| super::reading::uid(s)).collect() };
    for id in uids.iter().flat_map(|uid| cluster.controllers.index.dependents(uid)).filter(|id| id.kind == "Pod") {
        if let Some(pod) = cluster.store.get(id).filter(|p| active(p)) {
            *crowds.entry(text(pod, &["spec", "nodeName"]).to_owned()).or_default() += 1;
        }
    }
    crowds
}
