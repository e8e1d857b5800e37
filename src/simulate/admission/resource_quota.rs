//! ResourceQuotas: what is used of each, and what a new object would exceed.
//!
//! Follows apiserver `pkg/admission/plugin/resourcequota/controller.go:CheckRequest` and `pkg/quota/v1/evaluator/core`. What is used
//! is counted in the store, not read from the quota's status: the state may be of another moment than the writes.

use super::limit_ranger::{amounts, pod_amounts};
use crate::object::quantity::Quantity;
use crate::object::{ObjectId, Value, integer, items, text};
use crate::simulate::Cluster;
use crate::simulate::resources::Served;
use std::collections::BTreeMap;

type Usage = BTreeMap<String, Quantity>;

/// Core kinds that quotas also count under their plain names.
const PLAIN: [&str; 8] =
    ["pods", "services", "secrets", "configmaps", "persistentvolumeclaims", "replicationcontrollers", "resourcequotas", "serviceaccounts"];

/// What keeps a new object out, if a quota of its namespace is used up or asks for more to be said.
pub(super) fn refuse(cluster: &Cluster, resource: (&str, &str), kind: &str, object: &Value) -> Option<String> {
    let namespace = text(object, &["metadata", "namespace"]);
    cluster.store.list("", "ResourceQuota", Some(namespace)).next()?;
    let wanted = usage(resource, object);
    cluster.store.list("", "ResourceQuota", Some(namespace)).find_map(|(id, quota)| {
        let hard = amounts(&quota["spec"]["hard"]);
        if !scoped(quota, kind, object) || !hard.keys().any(|name| wanted.contains_key(name) || (kind == "Pod" && compute(name))) {
            return None;
        }
        if kind == "Pod"
            && let Some(missing) = unsaid(&hard, object)
        {
            return Some(format!("failed quota: {}: must specify {missing}", id.name));
        }
        let own = ObjectId::of(object);
        let mut used = Usage::new();
        for (other_id, other) in cluster.store.list(resource.0, kind, Some(namespace)) {
            if *other_id != own && scoped(quota, kind, other) {
                for (name, amount) in usage(resource, other) {
                    used.entry(name).and_modify(|sum| sum.add(&amount)).or_insert(amount);
                }
            }
        }
        exceeded(&id.name, &hard, &used, &wanted)
    })
}

/// What a served resource is called in a quota, and its group.
pub(super) fn resource_of(served: &Served) -> (String, String) {
    (served.group.clone(), served.resource.split('/').next().unwrap_or_default().to_owned())
}

fn exceeded(quota: &str, hard: &Usage, used: &Usage, wanted: &Usage) -> Option<String> {
    let zero = Quantity::from_milli(0);
    let over: Vec<&String> = wanted
        .iter()
        .filter(|(name, amount)| {
            let mut after = used.get(*name).cloned().unwrap_or_else(|| zero.clone());
            after.add(amount);
            !amount.is_zero() && hard.get(*name).is_some_and(|most| after > *most)
        })
        .map(|(name, _)| name)
        .collect();
    if over.is_empty() {
        return None;
    }
    let list = |of: &Usage| over.iter().map(|name| format!("{name}={}", of.get(*name).unwrap_or(&zero))).collect::<Vec<_>>().join(",");
    Some(format!("exceeded quota: {quota}, requested: {}, used: {}, limited: {}", list(wanted), list(used), list(hard)))
}

/// What an object takes of quotas.
fn usage((group, resource): (&str, &str), object: &Value) -> Usage {
    let mut usage = Usage::new();
    let one = || Quantity::from_milli(1000);
    let mut add = |name: &str, amount: Quantity| drop(usage.insert(name.to_owned(), amount));
    let qualified = if group.is_empty() { resource.to_owned() } else { format!("{resource}.{group}") };
    add(&format!("count/{qualified}"), one());
    if group.is_empty() && resource == "pods" {
        if matches!(text(object, &["status", "phase"]), "Succeeded" | "Failed") {
            return usage;
        }
        add("pods", one());
        for (name, amount) in pod_amounts(object, "requests") {
            if matches!(name.as_str(), "cpu" | "memory" | "ephemeral-storage") {
                add(&name, amount.clone());
            }
            add(&format!("requests.{name}"), amount);
        }
        for (name, amount) in pod_amounts(object, "limits") {
            add(&format!("limits.{name}"), amount);
        }
        return usage;
    }
    if group.is_empty() && PLAIN.contains(&resource) {
        add(resource, one());
    }
    if group.is_empty() && resource == "services" {
        let kind = text(object, &["spec", "type"]);
        let ports = items(object, &["spec", "ports"]).len() as i64 * 1000;
        if kind == "LoadBalancer" {
            add("services.loadbalancers", one());
        }
        if kind == "NodePort" || (kind == "LoadBalancer" && object["spec"]["allocateLoadBalancerNodePorts"] != false) {
            add("services.nodeports", Quantity::from_milli(ports));
        }
    }
    if group.is_empty() && resource == "persistentvolumeclaims" {
        let asked = amounts(&object["spec"]["resources"]["requests"]).remove("storage");
        let class = text(object, &["spec", "storageClassName"]);
        if !class.is_empty() {
            add(&format!("{class}.storageclass.storage.k8s.io/persistentvolumeclaims"), one());
        }
        if let Some(asked) = asked {
            if !class.is_empty() {
                add(&format!("{class}.storageclass.storage.k8s.io/requests.storage"), asked.clone());
            }
            add("requests.storage", asked);
        }
    }
    usage
}

/// The amounts that every container must state where a quota counts them.
fn compute(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "requests.cpu" | "requests.memory" | "limits.cpu" | "limits.memory")
}

/// `limits.cpu for: a,b; memory for: a`
fn unsaid(hard: &Usage, pod: &Value) -> Option<String> {
    if pod["spec"]["resources"].as_object().is_some_and(|r| !r.is_empty()) {
        return None;
    }
    let mut missing: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for container in ["containers", "initContainers"].iter().flat_map(|list| items(pod, &["spec", list])) {
        for name in hard.keys().filter(|name| compute(name)) {
            let (kind, amount) = name.split_once('.').unwrap_or(("requests", name));
            if container["resources"][kind].get(amount).is_none() {
                missing.entry(name).or_default().push(text(container, &["name"]));
            }
        }
    }
    let list = |(name, mut containers): (&str, Vec<&str>)| {
        containers.sort_unstable();
        containers.dedup();
        format!("{name} for: {}", containers.join(","))
    };
    let text = missing.into_iter().map(list).collect::<Vec<_>>().join("; ");
    (!text.is_empty()).then_some(text)
}

/// Whether a quota is about an object at all.
fn scoped(quota: &Value, kind: &str, object: &Value) -> bool {
    let terms = items(quota, &["spec", "scopeSelector", "matchExpressions"]);
    let scopes = items(quota, &["spec", "scopes"]);
    if kind != "Pod" {
        return scopes.is_empty() && terms.is_empty();
    }
    scopes.iter().filter_map(Value::as_str).all(|scope| in_scope(scope, "Exists", &[], object))
        && terms.iter().all(|t| in_scope(text(t, &["scopeName"]), text(t, &["operator"]), items(t, &["values"]), object))
}

fn in_scope(scope: &str, operator: &str, values: &[Value], pod: &Value) -> bool {
    let ends = integer(pod, &["spec", "activeDeadlineSeconds"]).is_some();
    let containers = || ["containers", "initContainers"].into_iter().flat_map(|list| items(pod, &["spec", list]));
    let effort =
        || containers().any(|c| ["requests", "limits"].iter().any(|key| c["resources"][key].as_object().is_some_and(|r| !r.is_empty())));
    match scope {
        "Terminating" => ends,
        "NotTerminating" => !ends,
        "BestEffort" => !effort(),
        "NotBestEffort" => effort(),
        "PriorityClass" => {
            let class = text(pod, &["spec", "priorityClassName"]);
            match operator {
                "In" => values.iter().any(|v| v == class),
                "NotIn" => !values.iter().any(|v| v == class),
                "DoesNotExist" => class.is_empty(),
                _ => !class.is_empty(),
            }
        }
        _ => true,
    }
}
