//! What the subresources of a Pod may change: its status, its resources, its ephemeral containers.
//!
//! Follows `ValidatePodStatusUpdate`, `ValidatePodResize` and `ValidatePodEphemeralContainersUpdate` of
//! `pkg/apis/core/validation/validation.go`.

use super::{legacy_address, metadata_and_spec, statuses, update};
use crate::object::{Map, Value, items, map_at};
use crate::schema::Version;
use crate::simulate::strategy::qos_class;
use crate::simulate::validate::check::{Check, Place, TypedList};
use crate::simulate::validate::formats::{dns_subdomain, qualified_name};
use crate::simulate::validate::metadata;
use crate::simulate::validate::read::Read;
use std::collections::BTreeSet;

const SPEC: Place<'static> = Place::root("spec");
const STATUS: Place<'static> = Place::root("status");
const POD_SPEC: &str = "io.k8s.api.core.v1.PodSpec";
const CONTAINER: &str = "io.k8s.api.core.v1.Container";
const EPHEMERAL: &str = "io.k8s.api.core.v1.EphemeralContainer";
const RESOURCES: &str = "io.k8s.api.core.v1.ResourceRequirements";
const MIRROR: &str = "kubernetes.io/config.mirror";
const ONLY_RESOURCES: &str = "only cpu and memory resources are mutable";

/// A write of `/status`.
pub(in crate::simulate::validate) fn status(check: &mut Check, new: &Value, old: &Value) {
    metadata::update(check, new, old);
    update::annotation_updates(check, new, old);
    let (spec, new, old) = (old.part("spec"), new.part("status"), old.part("status"));
    conditions(check, new);
    let (nominated, at) = (new.text("nominatedNodeName"), STATUS.child("nominatedNodeName"));
    if nominated != old.text("nominatedNodeName") && !nominated.is_empty() {
        check.invalid_each(&at, nominated, dns_subdomain(nominated));
        if check.version() >= Version::V1_35 && !spec.text("nodeName").is_empty() {
            check.forbidden(&at, "may not be set on pods that are already bound to a node");
        }
    }
    if new.number("observedGeneration") < 0 {
        check.invalid(&STATUS.child("observedGeneration"), new.number("observedGeneration"), "must be a non-negative integer");
    }
    if new.text("qosClass") != old.text("qosClass") {
        check.invalid(&STATUS.child("qosClass"), new.text("qosClass"), "field is immutable");
    }
    for (list, of) in [("containerStatuses", "containers"), ("initContainerStatuses", "initContainers"), ("ephemeralContainerStatuses", "")]
    {
        restarts(check, new.list(list), old.list(list), spec, of, &STATUS.child(list));
    }
    statuses::claims(check, new.list("resourceClaimStatuses"), spec, &STATUS.child("resourceClaimStatuses"));
    // Earlier servers drop it, and what is told of devices: `DRAExtendedResource` and `ResourceHealthStatus` are off.
    let devices_count = check.version() >= Version::V1_36;
    if let Some(claim) = new.field("extendedResourceClaimStatus").filter(|_| devices_count) {
        statuses::extended_claim(check, claim, spec, &STATUS.child("extendedResourceClaimStatus"));
    }
    addresses(check, new.list("podIPs"), old.list("podIPs"), "io.k8s.api.core.v1.PodIP", &STATUS.child("podIPs"));
    let (hosts_at, hosts) = (STATUS.child("hostIPs"), new.list("hostIPs"));
    if let Some(first) = hosts.first().filter(|first| first.text("ip") != new.text("hostIP")) {
        check.invalid(&hosts_at.index(0).child("ip"), first.text("ip"), "must be equal to `hostIP`");
    }
    addresses(check, hosts, old.list("hostIPs"), "io.k8s.api.core.v1.HostIP", &hosts_at);
    for list in ["containerStatuses", "initContainerStatuses", "ephemeralContainerStatuses"] {
        statuses::users(check, new.list(list), spec, &STATUS.child(list));
    }
    if devices_count {
        for (list, of) in [("containerStatuses", "containers"), ("initContainerStatuses", "initContainers")] {
            statuses::devices(check, new.list(list), spec.list(of), &STATUS.child(list));
        }
        statuses::no_devices(check, new.list("ephemeralContainerStatuses"), &STATUS.child("ephemeralContainerStatuses"));
    }
}

fn conditions(check: &mut Check, status: &Value) {
    let list_at = STATUS.child("conditions");
    for (i, condition) in status.list("conditions").iter().enumerate() {
        let at = list_at.index(i);
        if condition.number("observedGeneration") < 0 {
            check.invalid(&at.child("observedGeneration"), condition.number("observedGeneration"), "must be a non-negative integer");
        }
        let kind = condition.text("type");
        if !["PodScheduled", "Ready", "Initialized"].contains(&kind) {
            check.invalid_each(&at.child("Type"), kind, qualified_name(check.version(), kind));
        }
    }
}

/// A container that ended stays so, unless it may be started again.
fn restarts(check: &mut Check, new: &[Value], old: &[Value], spec: &Value, list: &str, at: &Place) {
    let ended = |status: &Value| status.part("state").has("terminated");
    let all_again = ["containers", "initContainers"].iter().flat_map(|list| spec.list(list)).flat_map(|c| c.list("restartPolicyRules"));
    if !list.is_empty() && all_again.clone().any(|rule| rule.text("action") == "RestartAllContainers") {
        return;
    }
    for (i, was) in old.iter().enumerate().filter(|(_, was)| ended(was)) {
        let runs_again = new.iter().find(|now| now.text("name") == was.text("name")).is_some_and(|now| !ended(now));
        let code = was.part("state").part("terminated").number("exitCode");
        let container = spec.list(list).iter().find(|c| c.text("name") == was.text("name"));
        if runs_again && !container.is_some_and(|c| may_restart(c, spec, code)) {
            check.forbidden(&at.index(i).child("state"), "may not be transitioned to non-terminated state");
        }
    }
}

fn may_restart(container: &Value, spec: &Value, code: i64) -> bool {
    let listed = |rule: &&Value| {
        let (codes, operator) = (rule.part("exitCodes"), rule.part("exitCodes").text("operator"));
        let found = codes.list("values").iter().any(|v| v.as_i64() == Some(code));
        operator == "In" && found || operator == "NotIn" && !found
    };
    if container.list("restartPolicyRules").iter().find(listed).is_some_and(|rule| rule.text("action") == "Restart") {
        return true;
    }
    let own = container.text("restartPolicy");
    match if own.is_empty() { spec.text("restartPolicy") } else { own } {
        "Always" => true,
        "OnFailure" => code != 0,
        _ => false,
    }
}

fn addresses(check: &mut Check, new: &[Value], old: &[Value], type_name: &str, at: &Place) {
    for (i, own) in new.iter().enumerate().filter(|(_, own)| !old.iter().any(|o| o.text("ip") == own.text("ip"))) {
        legacy_address(check, own.text("ip"), &at.index(i));
    }
    let families: BTreeSet<bool> = new.iter().map(|own| own.text("ip").contains(':')).collect();
    if new.len() > 1 && (families.len() < 2 || new.len() > 2) {
        check.invalid(at, TypedList(type_name, new), "may specify no more than one IP for each IP family");
    }
}

/// A write of `/ephemeralcontainers`.
pub(in crate::simulate::validate) fn ephemeral_containers(check: &mut Check, new: &Value, old: &Value) {
    metadata::update(check, new, old);
    metadata_and_spec(check, new);
    update::annotation_updates(check, new, old);
    if is_static(check, old, "static pods do not support ephemeral containers") {
        return;
    }
    let (list, at) = ("ephemeralContainers", SPEC.child("ephemeralContainers"));
    for was in old.part("spec").list(list) {
        let name = was.text("name");
        match new.part("spec").list(list).iter().rfind(|now| now.text("name") == name) {
            None => check.forbidden(&at, &format!("existing ephemeral containers {name:?} may not be removed\n")),
            Some(now) if !check.same(EPHEMERAL, now, was) => {
                let diff = check.difference(&at, EPHEMERAL, was, now);
                check.forbidden(&at, &format!("existing ephemeral containers {name:?} may not be changed\n{diff}"));
            }
            Some(_) => {}
        }
    }
}

/// A mirror of a pod that the kubelet runs from a file cannot be changed: that alone is told.
fn is_static(check: &mut Check, old: &Value, why: &str) -> bool {
    let mirror = old.part("metadata").part("annotations").has(MIRROR);
    if mirror {
        check.causes.clear();
        check.forbidden(&Place::root(""), why);
    }
    mirror
}

/// A write of `/resize`.
pub(in crate::simulate::validate) fn resize(check: &mut Check, new: &Value, old: &Value) {
    metadata::update(check, new, old);
    metadata_and_spec(check, new);
    let whole = [new, old].into_iter().any(|pod| has_own_resources(pod.part("spec")));
    if whole && check.version() == Version::V1_34 {
        check.causes.clear();
        return check.forbidden(&Place::root(""), "pods with pod-level resources cannot be resized");
    }
    if is_static(check, old, "static pods cannot be resized") {
        return;
    }
    if old.part("spec").part("os").text("name") == "windows" {
        check.causes.clear();
        return check.forbidden(&Place::root(""), "windows pods cannot be resized");
    }
    let class = |pod: &Value| match pod.part("status").text("qosClass") {
        "" => qos_class(pod).to_owned(),
        told => told.to_owned(),
    };
    if class(old) != qos_class(new) {
        check.invalid(&SPEC, new.part("status").text("qosClass"), "Pod QOS Class may not change as a result of resizing");
    }
    let running = |status: &&Value| status.part("state").has("running");
    let of_containers = old.part("status").list("containerStatuses").iter().find(running);
    if old.part("status").text("phase") == "Running" && of_containers.is_some_and(|status| !status.has("resources")) {
        check.forbidden(&SPEC, "Pod running on node without support for resize");
    }
    let (new, old) = (new.part("spec"), old.part("spec"));
    let mut munged = new.clone();
    if whole && !whole_pod(check, &mut munged, old) || !same_containers(check, new, old) {
        return;
    }
    containers(check, &mut munged, new, old);
    if check.causes.is_empty() && !check.same(POD_SPEC, &munged, old) {
        check.forbidden(&SPEC, ONLY_RESOURCES);
    }
}

fn has_own_resources(spec: &Value) -> bool {
    ["requests", "limits"].iter().any(|list| spec.part("resources").entries(list).next().is_some())
}

/// Resources of the pod as a whole (`validatePodLevelResourcesResize`). False if nothing else is to be said.
fn whole_pod(check: &mut Check, munged: &mut Value, old: &Value) -> bool {
    if check.version() < Version::V1_36 {
        let gate = "InPlacePodLevelResourcesVerticalScalingEnabled feature gate is disabled";
        check.forbidden(&Place::root(""), &format!("resize of pods with pod-level resources is forbidden when {gate}"));
        return false;
    }
    let at = SPEC.child("resources");
    if old.has("resources") && !munged.has("resources") {
        check.forbidden(&at, "pod-level resources cannot be removed");
        return true;
    }
    removed(check, munged.part("resources"), old.part("resources"), "pod-level resource", &at);
    put_back_amounts(munged, old);
    if !old.has("resources") && munged.part("resources").as_object().is_some_and(Map::is_empty) {
        map_at(munged, &[]).shift_remove("resources");
    }
    if !check.same(RESOURCES, munged.part("resources"), old.part("resources")) {
        check.forbidden(&SPEC, "only cpu and memory resources are mutable at pod-level");
    }
    true
}

fn same_containers(check: &mut Check, new: &Value, old: &Value) -> bool {
    let before = check.count();
    for list in ["containers", "initContainers"] {
        let list_at = SPEC.child(list);
        if new.list(list).len() != old.list(list).len() {
            check.forbidden(&list_at, &format!("{list} may not be added or removed on resize"));
            continue;
        }
        for (i, (now, was)) in new.list(list).iter().zip(old.list(list)).enumerate() {
            if now.text("name") != was.text("name") {
                check.forbidden(&list_at.index(i).child("name"), &format!("{list} may not be renamed or reordered on resize"));
            }
        }
    }
    check.count() == before
}

fn removed(check: &mut Check, new: &Value, old: &Value, whose: &str, at: &Place) {
    for list in ["requests", "limits"] {
        if old.entries(list).any(|(name, _)| !new.part(list).has(name)) {
            let what = list.trim_end_matches('s');
            check.forbidden(&at.child(list), &format!("{whose} {what}s cannot be removed"));
        }
    }
}

fn containers(check: &mut Check, munged: &mut Value, new: &Value, old: &Value) {
    let sidecar = |c: &Value| c.text("restartPolicy") == "Always";
    let init_too = check.version() >= Version::V1_36;
    for list in ["initContainers", "containers"] {
        let list_at = SPEC.child(list);
        for (i, (now, was)) in new.list(list).iter().zip(old.list(list)).enumerate() {
            if list == "containers" || init_too || sidecar(was) {
                removed(check, now.part("resources"), was.part("resources"), "resource", &list_at.index(i).child("resources"));
            }
        }
    }
    for list in ["containers", "initContainers"] {
        let list_at = SPEC.child(list);
        let Some(Value::Array(own)) = munged.get_mut(list) else { continue };
        for (i, (now, was)) in own.iter_mut().zip(items(old, &[list])).enumerate() {
            let changed = !check.same(CONTAINER, now, was);
            let is_init = list == "initContainers";
            if is_init && !init_too && !sidecar(now) {
                if changed {
                    check.forbidden(&SPEC, "resources for non-sidecar init containers are immutable");
                }
                continue;
            }
            if check.version() < Version::V1_37 {
                // Claims are left out here, so that a container with claims can never be resized.
                map_at(now, &["resources"]).shift_remove("claims");
            }
            put_back_amounts(now, was);
            if !check.same(CONTAINER, now, was) {
                match is_init {
                    true => check.forbidden(&list_at.index(i), "only cpu and memory resources for init or sidecar containers are mutable"),
                    false => check.forbidden(&SPEC, ONLY_RESOURCES),
                }
            }
            if is_init && changed && !sidecar(now) {
                for _ in now.list("resizePolicy").iter().filter(|p| p.text("restartPolicy") == "RestartContainer") {
                    let why = "non-sidecar init containers with a resize policy of RestartContainer cannot be resized";
                    check.forbidden(&list_at.index(i), why);
                }
            }
        }
    }
}

/// Puts back the amounts that may change.
fn put_back_amounts(holder: &mut Value, old: &Value) {
    for list in ["requests", "limits"] {
        for name in ["cpu", "memory"] {
            let own = map_at(holder, &["resources", list]);
            match old.part("resources").part(list).field(name) {
                Some(was) => drop(own.insert(name.into(), was.clone())),
                None => drop(own.shift_remove(name)),
            }
            if own.is_empty() {
                map_at(holder, &["resources"]).shift_remove(list);
            }
        }
    }
}
