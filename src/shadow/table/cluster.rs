//! The cells of what a cluster and its namespaces are made of: nodes, configuration, quotas, events.
//!
//! Follows kubernetes `pkg/printers/internalversion/printers.go`, and kube-aggregator `pkg/registry/apiservice/etcd` for APIServices.

use super::cell::Cell::{Age, Count, Made, Name, Number, Text, Truth};
use super::cell::{Kind, Row, count, quantity};
use crate::object::{Text as Key, Value, integer, text};
use crate::schema::Version;
use std::collections::BTreeSet;

/// The kinds.
pub(super) const KINDS: &[Kind] = &[
    Kind { name: "Namespace", cells: &[Name, Text(&["status", "phase"], ""), Age] },
    Kind { name: "ConfigMap", cells: &[Name, Made(|row| (count(row.at(&["data"])) + count(row.at(&["binaryData"]))).into()), Age] },
    Kind { name: "Secret", cells: &[Name, Text(&["type"], ""), Count(&["data"]), Age] },
    Kind { name: "ServiceAccount", cells: &[Name, Age] },
    Kind { name: "ResourceQuota", cells: &[Name, Made(|row| quota(row, false)), Made(|row| quota(row, true)), Age] },
    Kind {
        name: "Node",
        cells: &[
            Name,
            Made(node_status),
            Made(roles),
            Age,
            Text(&["status", "nodeInfo", "kubeletVersion"], ""),
            Made(|row| address(row, "InternalIP")),
            Made(|row| address(row, "ExternalIP")),
            Made(|row| or_unknown(row.text(&["status", "nodeInfo", "osImage"])).into()),
            Made(kernel),
            Made(|row| or_unknown(row.text(&["status", "nodeInfo", "containerRuntimeVersion"])).into()),
        ],
    },
    Kind {
        name: "Event",
        cells: &[
            Made(|row| last_seen(row).into()),
            Text(&["type"], ""),
            Text(&["reason"], ""),
            Made(concerned),
            Text(&["involvedObject", "fieldPath"], ""),
            Made(source),
            Made(|row| row.text(&["message"]).trim().into()),
            Made(|row| first_seen(row).into()),
            Made(event_count),
            Name,
        ],
    },
    Kind { name: "Lease.coordination.k8s.io", cells: &[Name, Text(&["spec", "holderIdentity"], ""), Age] },
    Kind {
        name: "PriorityClass.scheduling.k8s.io",
        cells: &[Name, Number(&["value"]), Truth(&["globalDefault"], false), Age, Text(&["preemptionPolicy"], "")],
    },
    Kind { name: "RuntimeClass.node.k8s.io", cells: &[Name, Text(&["handler"], ""), Age] },
    Kind { name: "DeviceClass.resource.k8s.io", cells: &[Name, Age] },
    Kind { name: "ResourceClaim.resource.k8s.io", cells: &[Name, Made(claim_state), Age] },
    Kind { name: "ResourceClaimTemplate.resource.k8s.io", cells: &[Name, Age] },
    Kind {
        name: "ResourceSlice.resource.k8s.io",
        cells: &[Name, Text(&["spec", "nodeName"], ""), Text(&["spec", "driver"], ""), Text(&["spec", "pool", "name"], ""), Age],
    },
    Kind { name: "APIService.apiregistration.k8s.io", cells: &[Name, Made(backend), Made(availability), Age] },
];

/// What is used of a quota, by resource: of the limits, or of everything else.
fn quota(row: &Row<'_>, limits: bool) -> Value {
    let mut hard: Vec<(&Key, &Value)> = row.at(&["status", "hard"]).as_object().into_iter().flatten().collect();
    hard.sort_by_key(|(resource, _)| *resource);
    let used = row.at(&["status", "used"]);
    let wanted = hard.into_iter().filter(|(resource, _)| resource.starts_with("limits.") == limits);
    let shown = |(resource, hard): (&Key, &Value)| {
        format!("{resource}: {}/{}", quantity(used.get(resource.as_str()).unwrap_or(&Value::Null)), quantity(hard))
    };
    wanted.map(shown).collect::<Vec<_>>().join(", ").into()
}

fn node_status(row: &Row<'_>) -> Value {
    let ready = row.items(&["status", "conditions"]).iter().rfind(|c| c["type"] == "Ready");
    let status = ready.map_or("Unknown", |c| if c["status"] == "True" { "Ready" } else { "NotReady" });
    if row.at(&["spec", "unschedulable"]) == true { format!("{status},SchedulingDisabled").into() } else { status.into() }
}

fn roles(row: &Row<'_>) -> Value {
    let role = |(key, value): (&'_ Key, &'_ Value)| {
        let named = key.strip_prefix("node-role.kubernetes.io/").map(str::to_owned);
        let old = if key == "kubernetes.io/role" { value.as_str().map(str::to_owned) } else { None };
        named.or(old).filter(|role| !role.is_empty())
    };
    let roles: BTreeSet<String> = row.at(&["metadata", "labels"]).as_object().into_iter().flatten().filter_map(role).collect();
    if roles.is_empty() { "<none>".into() } else { roles.into_iter().collect::<Vec<_>>().join(",").into() }
}

fn address(row: &Row<'_>, kind: &str) -> Value {
    row.items(&["status", "addresses"]).iter().find(|a| a["type"] == kind).map_or("<none>", |a| text(a, &["address"])).into()
}

fn or_unknown(text: &str) -> &str {
    if text.is_empty() { "<unknown>" } else { text }
}

fn kernel(row: &Row<'_>) -> Value {
    let version = or_unknown(row.text(&["status", "nodeInfo", "kernelVersion"]));
    match row.text(&["status", "nodeInfo", "architecture"]) {
        architecture if architecture.is_empty() || row.version < Version::V1_36 => version.into(),
        architecture => format!("{version} ({architecture})").into(),
    }
}

fn first_seen(row: &Row<'_>) -> String {
    match row.text(&["firstTimestamp"]) {
        "" => row.since(row.text(&["eventTime"])),
        first => row.since(first),
    }
}

fn last_seen(row: &Row<'_>) -> String {
    if row.at(&["series"]).is_object() {
        return row.since(row.text(&["series", "lastObservedTime"]));
    }
    match row.text(&["lastTimestamp"]) {
        "" => first_seen(row),
        last => row.since(last),
    }
}

fn event_count(row: &Row<'_>) -> Value {
    if row.at(&["series"]).is_object() {
        return row.number(&["series", "count"]).into();
    }
    integer(row.object, &["count"]).filter(|n| *n != 0).unwrap_or(1).into()
}

fn concerned(row: &Row<'_>) -> Value {
    let kind = row.text(&["involvedObject", "kind"]).to_lowercase();
    match row.text(&["involvedObject", "name"]) {
        "" => kind.into(),
        name => format!("{kind}/{name}").into(),
    }
}

fn source(row: &Row<'_>) -> Value {
    let first = |one: &[&str], other: &[&str]| match row.text(one) {
        "" => row.text(other).to_owned(),
        text => text.to_owned(),
    };
    let component = first(&["source", "component"], &["reportingComponent"]);
    match first(&["source", "host"], &["reportingInstance"]) {
        instance if instance.is_empty() => component.into(),
        instance => format!("{component}, {instance}").into(),
    }
}

fn claim_state(row: &Row<'_>) -> Value {
    let going = row.is_going();
    let states = if row.at(&["status", "allocation"]).is_object() {
        let reserved = !row.items(&["status", "reservedFor"]).is_empty();
        [(going, "deleted"), (true, "allocated"), (reserved, "reserved")]
    } else {
        [(going, "deleted"), (!going, "pending"), (false, "")]
    };
    states.into_iter().filter(|(holds, _)| *holds).map(|(_, state)| state).collect::<Vec<_>>().join(",").into()
}

fn backend(row: &Row<'_>) -> Value {
    if !row.at(&["spec", "service"]).is_object() {
        return "Local".into();
    }
    format!("{}/{}", row.text(&["spec", "service", "namespace"]), row.text(&["spec", "service", "name"])).into()
}

fn availability(row: &Row<'_>) -> Value {
    let Some(condition) = row.items(&["status", "conditions"]).iter().find(|c| c["type"] == "Available") else {
        return "Unknown".into();
    };
    match (text(condition, &["status"]), text(condition, &["reason"])) {
        ("True", _) => "True".into(),
        (status, "") => status.into(),
        (status, reason) => format!("{status} ({reason})").into(),
    }
}
