//! What nodes have to do with pods: tolerations of nodes that fail, labels of the node's place, and room for a resize.
//!
//! Follows `plugin/pkg/admission/{defaulttolerationseconds,nodetaint,podtopologylabels,podresize}/admission.go`.

use super::{Attributes, forbidden, limit_ranger};
use crate::object::quantity::Quantity;
use crate::object::{ObjectId, Value, at, items, json, map_at, text};
use crate::schema::Version;
use crate::simulate::{ApiError, Cluster};
use std::sync::Arc;

const NOT_READY: &str = "node.kubernetes.io/not-ready";
const UNREACHABLE: &str = "node.kubernetes.io/unreachable";
/// So long a pod stays on a node that failed, if it says nothing of it.
const PATIENCE_SECONDS: u64 = 300;

/// Every pod that does not say how long it tolerates a failed node does so for five minutes.
pub(super) fn tolerate_failures(pod: &mut Value) {
    let own = items(pod, &["spec", "tolerations"]);
    let tolerates = |taint: &str| {
        let about = |t: &Value| matches!(text(t, &["key"]), key if key == taint || key.is_empty());
        own.iter().any(|t| about(t) && matches!(text(t, &["effect"]), "NoExecute" | ""))
    };
    let missing: Vec<Value> = [NOT_READY, UNREACHABLE]
        .into_iter()
        .filter(|taint| !tolerates(taint))
        .map(|taint| json!({"key": taint, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": PATIENCE_SECONDS}))
        .collect();
    if missing.is_empty() {
        return;
    }
    let tolerations = [own, &missing[..]].concat();
    map_at(pod, &["spec"]).insert("tolerations".into(), tolerations.into());
}

/// A new node takes no pods until it is called ready.
pub(super) fn taint(node: &mut Value) {
    let own = items(node, &["spec", "taints"]);
    if own.iter().any(|t| t["key"] == NOT_READY && t["effect"] == "NoSchedule") {
        return;
    }
    let taints = [own, &[json!({"key": NOT_READY, "effect": "NoSchedule"})]].concat();
    map_at(node, &["spec"]).insert("taints".into(), taints.into());
}

fn node<'c>(cluster: &'c Cluster, name: &str) -> Option<&'c Arc<Value>> {
    cluster.store.get(&ObjectId { kind: "Node".into(), name: name.into(), ..ObjectId::default() })
}

/// A pod that comes with its node carries the labels of the node's place.
pub(super) fn label_with_topology(cluster: &Cluster, pod: &mut Value) {
    const LABELS: [&str; 2] = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];
    let name = text(pod, &["spec", "nodeName"]);
    if cluster.schema.version() < Version::V1_35 || name.is_empty() {
        return;
    }
    let Some(node) = node(cluster, name) else { return };
    for label in LABELS {
        if let Some(value) = at(node, &["metadata", "labels", label]) {
            map_at(pod, &["metadata", "labels"]).insert(label.into(), value.clone());
        }
    }
}

/// A pod does not grow beyond its node.
pub(super) fn fits_when_resized(asked: &Attributes<'_>, pod: &Value) -> Result<(), ApiError> {
    let name = text(pod, &["spec", "nodeName"]);
    let moved = asked.live.is_some_and(|live| live["metadata"]["generation"] != pod["metadata"]["generation"]);
    if name.is_empty() || !moved || asked.cluster.schema.version() < Version::V1_36 {
        return Ok(());
    }
    // A state without nodes does not hold them.
    let Some(node) = node(asked.cluster, name) else {
        let held = asked.cluster.store.list("", "Node", None).next().is_some();
        return if held { Err(forbidden(asked, pod, &format!("node {name:?} not found"))) } else { Ok(()) };
    };
    let system = text(node, &["metadata", "labels", "kubernetes.io/os"]);
    if !matches!(system, "" | "linux") {
        let why = format!("pod resize is only supported on linux nodes, node {name:?} is {system:?}");
        return Err(forbidden(asked, pod, &why));
    }
    let (wanted, there) = (limit_ranger::pod_amounts(pod, "requests"), limit_ranger::amounts(&node["status"]["allocatable"]));
    let whole = |quantity: &Quantity, name: &str| if name == "cpu" { quantity.milli_value() } else { quantity.value() };
    let short = ["cpu", "memory"].into_iter().filter_map(|name| {
        let (wanted, there) = (wanted.get(name)?, there.get(name).cloned().unwrap_or(Quantity::ZERO));
        let text = || format!("{name}, requested: {}, allocatable: {}", whole(wanted, name).unwrap_or(0), whole(&there, name).unwrap_or(0));
        (*wanted > there).then(text)
    });
    let short = short.collect::<Vec<_>>().join("; ");
    if short.is_empty() {
        return Ok(());
    }
    Err(forbidden(asked, pod, &format!("node didn't have enough allocatable resources: {short}")))
}
