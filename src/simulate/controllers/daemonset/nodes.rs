//! Which nodes take a DaemonSet's pod.
//!
//! Follows `NodeShouldRunDaemonPod` of `pkg/controller/daemon/daemon_controller.go`, component-helpers' `nodeaffinity` and
//! `pkg/controller/daemon/util`. A cluster whose Node objects are not known has the nodes on which its pods run.

use crate::object::{ObjectId, Value, at, items, json, text};
use crate::simulate::Cluster;
use crate::simulate::controllers::reading::{labels, name, selects};
use std::sync::Arc;

/// A node, as a DaemonSet sees it.
pub(super) struct Node {
    pub(super) name: String,
    /// Whether a pod is to run there.
    pub(super) runs: bool,
    /// Whether a pod that runs there may stay.
    pub(super) stays: bool,
}

/// The nodes of the cluster.
pub(super) fn of(cluster: &Cluster, set: &Value) -> Vec<Node> {
    let known: Vec<&Arc<Value>> = cluster.store.list("", "Node", None).map(|(_, node)| node).collect();
    if !known.is_empty() {
        return known.into_iter().map(|node| judge(node, set)).collect();
    }
    let inferred = cluster.controllers.kubelet.nodes_of(&ObjectId::of(set));
    inferred.into_iter().map(|name| Node { name, runs: true, stays: true }).collect()
}

fn judge(node: &Value, set: &Value) -> Node {
    let spec = at(set, &["spec", "template", "spec"]).cloned().unwrap_or_default();
    let named = text(&spec, &["nodeName"]);
    let fits = (named.is_empty() || named == name(node)) && selected(node, &spec) && preferred(node, &spec);
    let tolerations = tolerations(&spec);
    let harms = |effects: &[&str]| {
        let taints = items(node, &["spec", "taints"]).iter();
        let mut harmful = taints.filter(|t| effects.contains(&text(t, &["effect"])));
        harmful.any(|taint| !tolerations.iter().any(|t| tolerates(t, taint)))
    };
    let runs = fits && !harms(&["NoSchedule", "NoExecute"]);
    Node { name: name(node).to_owned(), runs, stays: runs || (fits && !harms(&["NoExecute"])) }
}

fn selected(node: &Value, spec: &Value) -> bool {
    let wanted = at(spec, &["nodeSelector"]).cloned().unwrap_or_default();
    selects(Some(&json!({"matchLabels": wanted})), labels(node))
}

/// Whether one of the required terms of the node affinity matches.
fn preferred(node: &Value, spec: &Value) -> bool {
    let Some(required) = at(spec, &["affinity", "nodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"]) else { return true };
    items(required, &["nodeSelectorTerms"]).iter().any(|term| {
        let (by_label, by_field) = (items(term, &["matchExpressions"]), items(term, &["matchFields"]));
        !(by_label.is_empty() && by_field.is_empty())
            && by_label.iter().all(|e| {
                let has = labels(node).and_then(|l| l.get(text(e, &["key"]))).and_then(Value::as_str);
                demanded(e, has)
            })
            && by_field.iter().all(|e| demanded(e, Some(name(node)).filter(|_| text(e, &["key"]) == "metadata.name")))
    })
}

fn demanded(expression: &Value, has: Option<&str>) -> bool {
    let values = items(expression, &["values"]);
    let listed = values.iter().any(|v| v.as_str() == has);
    let numbers = || {
        let has: i64 = has?.parse().ok()?;
        let bound: i64 = values.first()?.as_str()?.parse().ok()?;
        Some((has, bound))
    };
    match text(expression, &["operator"]) {
        "In" => has.is_some() && listed,
        "NotIn" => has.is_none() || !listed,
        "Exists" => has.is_some(),
        "DoesNotExist" => has.is_none(),
        "Gt" => numbers().is_some_and(|(has, bound)| has > bound),
        "Lt" => numbers().is_some_and(|(has, bound)| has < bound),
        _ => false,
    }
}

fn tolerates(toleration: &Value, taint: &Value) -> bool {
    let of = |key| text(toleration, &[key]);
    let effect = of("effect").is_empty() || of("effect") == text(taint, &["effect"]);
    let key = of("key").is_empty() || of("key") == text(taint, &["key"]);
    let value = match of("operator") {
        "" | "Equal" => of("value") == text(taint, &["value"]),
        "Exists" => true,
        _ => false,
    };
    effect && key && value
}

/// The tolerations of a template and those that every pod of a DaemonSet has.
pub(super) fn tolerations(spec: &Value) -> Vec<Value> {
    let mut all = items(spec, &["tolerations"]).to_vec();
    let own = [
        ("not-ready", "NoExecute"),
        ("unreachable", "NoExecute"),
        ("disk-pressure", "NoSchedule"),
        ("memory-pressure", "NoSchedule"),
        ("pid-pressure", "NoSchedule"),
        ("unschedulable", "NoSchedule"),
        ("network-unavailable", "NoSchedule"),
    ];
    for (key, effect) in own {
        let on_host = key != "network-unavailable" || spec["hostNetwork"] == true;
        let toleration = json!({"effect": effect, "key": format!("node.kubernetes.io/{key}"), "operator": "Exists"});
        if on_host && !all.contains(&toleration) {
            all.push(toleration);
        }
    }
    all
}
