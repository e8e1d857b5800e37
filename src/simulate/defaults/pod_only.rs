//! What pods get and templates do not.
//!
//! Follows `SetDefaults_Pod` of `pkg/apis/core/v1/defaults.go` and `AggregateContainerRequests` of component-helpers
//! `resource/helpers.go`.

use super::bundle::fill_entries;
use super::gates::Gate;
use super::pod::{CONTAINER_LISTS, drop_init_container_annotations, pod_spec};
use super::table::visit;
use super::{each, fill, fill_zero, resource_list, resources};
use crate::object::quantity::Quantity;
use crate::object::{Map, Value, at, items, json, map_at, text};
use crate::schema::Version;
use std::collections::BTreeMap;

pub(super) fn pod(object: &mut Value, version: Version) {
    drop_init_container_annotations(object, version);
    let spec = map_at(object, &["spec"]);
    for list in &CONTAINER_LISTS[..2] {
        each(spec, list, |container| {
            if let Some(Value::Object(resources)) = container.get_mut("resources") {
                fill_entries(resources, "requests", "limits");
            }
        });
    }
    fill(spec, "enableServiceLinks", true);
    if spec.get("hostNetwork").is_some_and(|on| on == true) {
        for list in &CONTAINER_LISTS[..2] {
            each(spec, list, |container| {
                each(container, "ports", |port| {
                    let own = port.get("containerPort").cloned().unwrap_or_else(|| 0.into());
                    fill_zero(port, "hostPort", own);
                })
            });
        }
    }
    if spec.get("terminationGracePeriodSeconds").and_then(Value::as_i64).is_some_and(|seconds| seconds < 0) {
        spec.insert("terminationGracePeriodSeconds".into(), 1.into());
    }
    if !Gate::PodLevelResourcesFixDefaulting.enabled(version) {
        pod_level_resources(object, false);
    }
    pod_spec(map_at(object, &["spec"]), version);
    status(object);
}

/// Puts empty requests beside limits that were sent without any.
pub(super) fn empty_requests(sent: &mut Value) {
    for list in &CONTAINER_LISTS[..2] {
        let containers = sent.get_mut("spec").and_then(|spec| spec.get_mut(list)).and_then(Value::as_array_mut);
        let resources = containers.into_iter().flatten().filter_map(|container| container.get_mut("resources")?.as_object_mut());
        for resources in resources.filter(|r| r.get("limits").is_some_and(Value::is_object)) {
            let requests = resources.entry("requests").or_insert(Value::Null);
            if requests.is_null() {
                *requests = json!({});
            }
        }
    }
}

fn status(object: &mut Value) {
    for list in ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] {
        visit(object, &format!("status.{list}"), &mut |status| {
            resource_list(status, "allocatedResources");
            resources(status);
        });
    }
    visit(object, "status", &mut |status| {
        sync_addresses(status);
        resource_list(status, "allocatedResources");
        resources(status);
    });
}

/// `podIP` is the first of `podIPs`, and wins over it.
fn sync_addresses(status: &mut Map) {
    let listed = status.get("podIPs").and_then(|ips| ips.get(0)?.get("ip")).cloned();
    match (status.get("podIP").cloned(), listed) {
        (Some(ip), listed) if listed.as_ref() != Some(&ip) => drop(status.insert("podIPs".into(), json!([{"ip": ip}]))),
        (None, Some(ip)) => drop(status.insert("podIP".into(), ip)),
        _ => {}
    }
}

type Amounts = BTreeMap<String, Quantity>;

/// Resources of the whole pod that are told in part are completed from its containers, then from its own limits. `fixed`: requests
/// alone are completed too, and limits where every container has one (`DefaultPodLevelResources` of `pkg/api/pod/util.go`, 1.37).
pub(in crate::simulate) fn pod_level_resources(pod: &mut Value, fixed: bool) {
    let Some(own) = at(pod, &["spec", "resources"]).filter(|r| r.is_object()) else { return };
    let has = |list: &str, name: &str| at(own, &[list, name]).is_some();
    let told = |list: &str| at(own, &[list]).and_then(Value::as_object).is_some_and(|l| !l.is_empty());
    if !told("limits") && !told("requests") {
        return;
    }
    let (mut limits, mut requests) = (Amounts::new(), Amounts::new());
    let all = aggregated(pod, "limits");
    limits.extend(all.into_iter().filter(|(name, _)| is_huge_page(name) && !has("requests", name) && !has("limits", name)));
    if fixed || told("limits") || !limits.is_empty() {
        let all = aggregated(pod, "requests");
        requests.extend(all.into_iter().filter(|(name, _)| matches!(name.as_str(), "cpu" | "memory") && !has("requests", name)));
    }
    let own = map_at(pod, &["spec", "resources"]);
    add_entries(own, "limits", limits);
    add_entries(own, "requests", requests);
    if own.get("limits").and_then(Value::as_object).is_some_and(|l| l.keys().any(|name| is_pod_level(name))) {
        let limits: Map = own["limits"]
            .as_object()
            .into_iter()
            .flatten()
            .filter(|(name, _)| is_pod_level(name))
            .map(|(n, v)| (n.clone(), v.clone()))
            .collect();
        let requests = map_at(pod, &["spec", "resources", "requests"]);
        limits.into_iter().for_each(|(name, limit)| fill(requests, &name, limit));
    }
    if fixed {
        let limits = limits_of_all_containers(pod);
        add_entries(map_at(pod, &["spec", "resources"]), "limits", limits);
    }
}

/// The limits that all containers have of what the pod requests and does not limit; never less than what it requests.
fn limits_of_all_containers(pod: &Value) -> Amounts {
    let requested = amounts(&pod["spec"], "requests");
    let limited = |holder: &Value, name: &str| at(holder, &["resources", "limits", name]).is_some();
    let by_all = |name: &str| CONTAINER_LISTS.iter().all(|list| items(pod, &["spec", list]).iter().all(|c| limited(c, name)));
    let mut limits = aggregated(pod, "limits");
    limits.retain(|name, _| requested.contains_key(name) && is_pod_level(name) && !limited(&pod["spec"], name) && by_all(name));
    for (name, limit) in &mut limits {
        if let Some(request) = requested.get(name).filter(|request| *request > limit) {
            limit.clone_from(request);
        }
    }
    limits
}

fn add_entries(own: &mut Map, list: &str, amounts: Amounts) {
    if amounts.is_empty() {
        return;
    }
    if let Value::Object(entries) = own.entry(list).or_insert_with(|| Map::new().into()) {
        amounts.into_iter().for_each(|(name, amount)| fill(entries, &name, amount.to_string()));
    }
}

fn is_huge_page(name: &str) -> bool {
    name.starts_with("hugepages-")
}

fn is_pod_level(name: &str) -> bool {
    matches!(name, "cpu" | "memory") || is_huge_page(name)
}

/// What all containers of a pod ask for together: those that run side by side summed up, or the init container that asks for
/// most, with the sidecars started before it.
fn aggregated(pod: &Value, list: &str) -> Amounts {
    let mut together = Amounts::new();
    for container in items(pod, &["spec", "containers"]) {
        sum(&mut together, &amounts(container, list));
    }
    let (mut sidecars, mut largest) = (Amounts::new(), Amounts::new());
    for container in items(pod, &["spec", "initContainers"]) {
        let own = amounts(container, list);
        let mut now = sidecars.clone();
        sum(&mut now, &own);
        if text(container, &["restartPolicy"]) == "Always" {
            sum(&mut together, &own);
            sidecars.clone_from(&now);
        }
        keep_larger(&mut largest, now);
    }
    keep_larger(&mut together, largest);
    together
}

fn amounts(container: &Value, list: &str) -> Amounts {
    let entries = at(container, &["resources", list]).and_then(Value::as_object);
    entries.into_iter().flatten().filter_map(|(name, value)| Some((name.to_string(), Quantity::from_value(value).ok()?))).collect()
}

fn sum(into: &mut Amounts, more: &Amounts) {
    for (name, amount) in more {
        match into.get_mut(name) {
            Some(sum) => sum.add(amount),
            None => drop(into.insert(name.clone(), amount.clone())),
        }
    }
}

fn keep_larger(into: &mut Amounts, other: Amounts) {
    for (name, amount) in other {
        if into.get(&name).is_none_or(|own| *own < amount) {
            into.insert(name, amount);
        }
    }
}
