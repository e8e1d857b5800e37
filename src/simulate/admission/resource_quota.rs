//! ResourceQuotas: what a write would take beyond what is left of them.
//!
//! Follows apiserver `pkg/admission/plugin/resourcequota/controller.go:CheckRequest`. What is used is counted in the store, not read
//! from the quota's status: the state may be of another moment than the writes.

use super::limit_ranger::amounts;
use super::quota_usage::{Counted, Usage, terminates};
use super::{Attributes, forbidden};
use crate::object::quantity::Quantity;
use crate::object::{Value, items, text};
use crate::simulate::ApiError;
use std::collections::BTreeMap;

/// Refuses a write that a quota of its namespace has no room for, or that does not say what a quota asks for.
pub(super) fn check(asked: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
    let namespace = text(object, &["metadata", "namespace"]);
    let quotas = || asked.cluster.store.list("", "ResourceQuota", Some(namespace)).filter(|_| !namespace.is_empty());
    if quotas().next().is_none() {
        return Ok(());
    }
    let (group, resource) = (asked.served.group.as_str(), asked.resource());
    let counted = Counted::of(group, resource);
    if !handled(counted, asked, object) {
        return Ok(());
    }
    let wanted = counted.usage(object);
    for (id, quota) in quotas() {
        let hard = amounts(&quota["spec"]["hard"]);
        let concerned = |name: &String| counted.concerned_by(name);
        if !hard.keys().any(concerned) || !counted.in_scopes(quota, object) {
            continue;
        }
        if let Some(missing) = unsaid(&hard, object).filter(|_| counted == Counted::Pods) {
            return Err(forbidden(asked, object, &format!("failed quota: {}: must specify {missing}", id.name)));
        }
        let before = asked.live.filter(|live| counted.in_scopes(quota, live)).map(|live| counted.usage(live)).unwrap_or_default();
        let more = beyond(&wanted, &before, &hard);
        if more.is_empty() || asked.subresource == "status" {
            continue;
        }
        let used = asked.cluster.store.quota_sums().used(&asked.cluster.store, (counted, resource), &asked.served.kind, quota);
        if let Some(why) = exceeded(&id.name, &hard, &used, &more) {
            return Err(forbidden(asked, object, &why));
        }
    }
    Ok(())
}

/// Which writes can change what an object takes.
fn handled(counted: Counted<'_>, asked: &Attributes<'_>, object: &Value) -> bool {
    match (counted, asked.subresource, asked.live) {
        (_, "", None) => true,
        (Counted::Pods, "", Some(live)) => terminates(live) != terminates(object),
        (Counted::Pods, "resize", Some(_)) | (Counted::Services | Counted::Claims, "", Some(_)) => true,
        _ => false,
    }
}

/// What a write takes beyond what the object had, of what the quota limits.
fn beyond(wanted: &Usage, before: &Usage, hard: &Usage) -> Usage {
    let limited = wanted.iter().filter(|(name, _)| hard.contains_key(*name));
    let more = limited.map(|(name, amount)| {
        let mut more = amount.clone();
        if let Some(had) = before.get(name) {
            more.subtract(had);
        }
        (name.clone(), more)
    });
    more.filter(|(_, more)| !more.is_zero() && !more.is_negative()).collect()
}

fn exceeded(quota: &str, hard: &Usage, used: &Usage, more: &Usage) -> Option<String> {
    let over: Vec<&String> = more
        .iter()
        .filter(|(name, amount)| {
            let mut after = used.get(*name).cloned().unwrap_or(Quantity::ZERO);
            after.add(amount);
            hard.get(*name).is_some_and(|most| after > *most)
        })
        .map(|(name, _)| name)
        .collect();
    if over.is_empty() {
        return None;
    }
    let list =
        |of: &Usage| over.iter().map(|name| format!("{name}={}", of.get(*name).unwrap_or(&Quantity::ZERO))).collect::<Vec<_>>().join(",");
    Some(format!("exceeded quota: {quota}, requested: {}, used: {}, limited: {}", list(more), list(used), list(hard)))
}

/// The amounts that every container must state where a quota counts them.
fn compute(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "requests.cpu" | "requests.memory" | "limits.cpu" | "limits.memory")
}

/// `limits.cpu for: a,b; memory for: a`
fn unsaid(hard: &Usage, pod: &Value) -> Option<String> {
    let told = |list: &str| pod["spec"]["resources"][list].as_object().is_some_and(|r| r.keys().any(|name| pod_level(name)));
    if told("requests") || told("limits") {
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

/// Resources that a pod may state as a whole.
fn pod_level(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || name.starts_with("hugepages-")
}
