//! Pods: their first status, their QoS class, and the subresources that change a part of them.
//!
//! Follows `pkg/registry/core/pod/strategy.go` and `pkg/apis/core/v1/helper/qos/qos.go`.

use super::{Context, metadata};
use crate::object::quantity::Quantity;
use crate::object::{Map, Value, at, items, json, map_at, text};
use crate::simulate::defaults::gates::Gate;
use crate::simulate::defaults::pod::CONTAINER_LISTS;
use crate::simulate::defaults::pod_only::pod_level_resources;
use std::collections::BTreeMap;

/// A new pod waits; its QoS class is settled, and stays.
pub(super) fn first_status(ctx: &Context<'_>, pod: &mut Value) {
    let mut status = json!({"phase": "Pending"});
    if !items(pod, &["spec", "schedulingGates"]).is_empty() {
        status["conditions"] = json!([{
            "type": "PodScheduled", "status": "False", "lastProbeTime": null, "lastTransitionTime": ctx.now,
            "reason": "SchedulingGated", "message": "Scheduling is blocked due to non-empty scheduling gates",
        }]);
    }
    status["qosClass"] = qos_class(pod).into();
    if let Some(pod) = pod.as_object_mut() {
        pod.insert("status".into(), status);
    }
}

/// Takes the AppArmor profiles over that containers are given by annotations of old.
pub(super) fn profiles_of_annotations(pod: &mut Value) {
    const PREFIX: &str = "container.apparmor.security.beta.kubernetes.io/";
    if pod["spec"]["os"]["name"] == "windows" {
        return;
    }
    let annotations = pod["metadata"]["annotations"].clone();
    let of_pod = at(pod, &["spec", "securityContext", "appArmorProfile"]).cloned();
    for list in CONTAINER_LISTS {
        for container in pod["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            let key = format!("{PREFIX}{}", text(container, &["name"]));
            let Some(told) = annotations[&key].as_str() else { continue };
            let profile = match (told, told.strip_prefix("localhost/")) {
                ("unconfined", _) => json!({"type": "Unconfined"}),
                ("runtime/default", _) => json!({"type": "RuntimeDefault"}),
                (_, Some(name)) if !name.is_empty() => json!({"type": "Localhost", "localhostProfile": name}),
                _ => continue,
            };
            if at(container, &["securityContext", "appArmorProfile"]).is_none() && of_pod.as_ref() != Some(&profile) {
                map_at(container, &["securityContext"]).insert("appArmorProfile".into(), profile);
            }
        }
    }
}

type Amounts = BTreeMap<String, Quantity>;

/// `Guaranteed` if every container limits cpu and memory and requests just that, `BestEffort` if none says anything.
pub(in crate::simulate) fn qos_class(pod: &Value) -> &'static str {
    let (mut requests, mut limits, mut guaranteed) = (Amounts::new(), Amounts::new(), true);
    let mut count = |holder: &Value| {
        add(&mut requests, holder, "requests");
        guaranteed &= add(&mut limits, holder, "limits") == 2;
    };
    match at(pod, &["spec", "resources"]) {
        Some(whole) if whole.is_object() => count(&pod["spec"]),
        _ => items(pod, &["spec", "containers"]).iter().chain(items(pod, &["spec", "initContainers"])).for_each(count),
    }
    if requests.is_empty() && limits.is_empty() {
        return "BestEffort";
    }
    let equal = requests.len() == limits.len() && requests.iter().all(|(name, amount)| limits.get(name) == Some(amount));
    if guaranteed && equal { "Guaranteed" } else { "Burstable" }
}

/// Adds up cpu and memory of one holder of resources; says how many of the two it had.
fn add(sum: &mut Amounts, holder: &Value, list: &str) -> usize {
    let mut found = 0;
    for name in ["cpu", "memory"] {
        let amount = at(holder, &["resources", list, name]).and_then(|v| Quantity::from_value(v).ok());
        if let Some(amount) = amount.filter(|a| !a.is_zero() && !a.is_negative()) {
            found += 1;
            sum.entry(name.to_owned()).or_insert(Quantity::ZERO).add(&amount);
        }
    }
    found
}

/// A write of a pod's status leaves its owners and its end alone, and cannot take its QoS class.
pub(super) fn keep_beside_status(new: &mut Value, old: &Value) {
    metadata::restore(map_at(new, &["metadata"]), old, "ownerReferences");
    map_at(new, &["metadata"]).shift_remove("deletionTimestamp");
    if at(new, &["status", "qosClass"]).is_none()
        && let Some(class) = at(old, &["status", "qosClass"])
    {
        map_at(new, &["status"]).insert("qosClass".into(), class.clone());
    }
}

/// `/ephemeralcontainers` adds ephemeral containers and nothing else.
pub(super) fn only_ephemeral_containers(new: &mut Value, old: &Value) {
    let told = at(new, &["spec", "ephemeralContainers"]).cloned();
    start_from(new, old);
    let spec = map_at(new, &["spec"]);
    match told {
        Some(told) => drop(spec.insert("ephemeralContainers".into(), told)),
        None => drop(spec.shift_remove("ephemeralContainers")),
    }
}

/// Resources of the whole pod, told in part, are completed once admission is through with the pod.
pub(super) fn complete_resources(ctx: &Context<'_>, pod: &mut Value) {
    if Gate::PodLevelResourcesFixDefaulting.enabled(ctx.schema.version()) {
        pod_level_resources(pod, true);
    }
}

/// Resources of the whole pod that an update leaves out stay: its client may not know of them.
pub(super) fn keep_resources(ctx: &Context<'_>, new: &mut Value, old: &Value) {
    let left_out = at(new, &["spec", "resources"]).is_none();
    if let Some(own) = at(old, &["spec", "resources"]).filter(|_| left_out)
        && Gate::PodLevelResourcesFixDefaulting.enabled(ctx.schema.version())
    {
        map_at(new, &["spec"]).insert("resources".into(), own.clone());
    }
}

/// `/resize` changes resources and nothing else. Containers that came, went or moved are left for validation to refuse.
pub(super) fn only_resources(ctx: &Context<'_>, new: &mut Value, old: &Value) {
    const LISTS: [&str; 2] = ["containers", "initContainers"];
    let same_names = |list: &str| {
        let names = |pod: &Value| items(pod, &["spec", list]).iter().map(|c| c["name"].clone()).collect::<Vec<_>>();
        names(new) == names(old)
    };
    if !LISTS.into_iter().all(same_names) {
        return;
    }
    let told = new["spec"].clone();
    start_from(new, old);
    let spec = map_at(new, &["spec"]);
    if Gate::InPlacePodLevelResourcesVerticalScaling.enabled(ctx.schema.version()) {
        take(spec, &told, "resources");
    }
    for list in LISTS {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut);
        for (own, told) in containers.into_iter().flatten().zip(items(&told, &[list])) {
            if let Value::Object(own) = own {
                take(own, told, "resources");
                take(own, told, "resizePolicy");
            }
        }
    }
    keep_resources(ctx, new, old);
    complete_resources(ctx, new);
}

fn take(into: &mut Map, from: &Value, field: &str) {
    match from.get(field) {
        Some(value) => drop(into.insert(field.into(), value.clone())),
        None => drop(into.shift_remove(field)),
    }
}

/// The stored pod, with the new one's managed fields.
fn start_from(new: &mut Value, old: &Value) {
    metadata::keep_for_status(new, old);
    for field in ["spec", "status"] {
        new[field] = old[field].clone();
    }
}
