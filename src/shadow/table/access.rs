//! The cells of who may do what: bindings of roles, webhooks, policies, certificates, request priorities.
//!
//! Follows kubernetes `pkg/printers/internalversion/printers.go`.

use super::age;
use super::cell::Cell::{Age, Count, Made, Name, Number, Text};
use super::cell::{Cell, Kind, Row};
use crate::object::{Value, integer, text};

const BINDING: &[Cell] = &[
    Name,
    Made(|row| format!("{}/{}", row.text(&["roleRef", "kind"]), row.text(&["roleRef", "name"])).into()),
    Age,
    Made(|row| subjects(row, "User")),
    Made(|row| subjects(row, "Group")),
    Made(|row| subjects(row, "ServiceAccount")),
];
const WEBHOOKS: &[Cell] = &[Name, Count(&["webhooks"]), Age];
const POLICY_BINDING: &[Cell] = &[Name, Text(&["spec", "policyName"], ""), Made(parameter), Age];

/// The kinds.
pub(super) const KINDS: &[Kind] = &[
    Kind { name: "RoleBinding.rbac.authorization.k8s.io", cells: BINDING },
    Kind { name: "ClusterRoleBinding.rbac.authorization.k8s.io", cells: BINDING },
    Kind { name: "MutatingWebhookConfiguration.admissionregistration.k8s.io", cells: WEBHOOKS },
    Kind { name: "ValidatingWebhookConfiguration.admissionregistration.k8s.io", cells: WEBHOOKS },
    Kind {
        name: "ValidatingAdmissionPolicy.admissionregistration.k8s.io",
        cells: &[Name, Count(&["spec", "validations"]), Made(parameter_kind), Age],
    },
    Kind {
        name: "MutatingAdmissionPolicy.admissionregistration.k8s.io",
        cells: &[Name, Count(&["spec", "mutations"]), Made(parameter_kind), Age],
    },
    Kind { name: "ValidatingAdmissionPolicyBinding.admissionregistration.k8s.io", cells: POLICY_BINDING },
    Kind { name: "MutatingAdmissionPolicyBinding.admissionregistration.k8s.io", cells: POLICY_BINDING },
    Kind {
        name: "CertificateSigningRequest.certificates.k8s.io",
        cells: &[
            Name,
            Age,
            Text(&["spec", "signerName"], "<none>"),
            Text(&["spec", "username"], ""),
            Made(|row| integer(row.object, &["spec", "expirationSeconds"]).map_or_else(|| "<none>".into(), age::human).into()),
            Made(request_status),
        ],
    },
    Kind {
        name: "FlowSchema.flowcontrol.apiserver.k8s.io",
        cells: &[
            Name,
            Text(&["spec", "priorityLevelConfiguration", "name"], ""),
            Number(&["spec", "matchingPrecedence"]),
            Text(&["spec", "distinguisherMethod", "type"], "<none>"),
            Age,
            Made(dangling),
        ],
    },
    Kind {
        name: "PriorityLevelConfiguration.flowcontrol.apiserver.k8s.io",
        cells: &[
            Name,
            Text(&["spec", "type"], ""),
            Made(|row| or_none(row, &["spec", "limited", "nominalConcurrencyShares"])),
            Made(|row| or_none(row, &["spec", "limited", "limitResponse", "queuing", "queues"])),
            Made(|row| or_none(row, &["spec", "limited", "limitResponse", "queuing", "handSize"])),
            Made(|row| or_none(row, &["spec", "limited", "limitResponse", "queuing", "queueLengthLimit"])),
            Age,
        ],
    },
];

fn subjects(row: &Row<'_>, kind: &str) -> Value {
    let name = |subject: &Value| match kind {
        "ServiceAccount" => format!("{}/{}", text(subject, &["namespace"]), text(subject, &["name"])),
        _ => text(subject, &["name"]).to_owned(),
    };
    let names: Vec<String> = row.items(&["subjects"]).iter().filter(|s| s["kind"] == kind).map(name).collect();
    names.join(", ").into()
}

fn parameter_kind(row: &Row<'_>) -> Value {
    let kind = row.at(&["spec", "paramKind"]);
    if !kind.is_object() {
        return "<unset>".into();
    }
    format!("{}/{}", text(kind, &["apiVersion"]), text(kind, &["kind"])).into()
}

fn parameter(row: &Row<'_>) -> Value {
    match (row.text(&["spec", "paramRef", "namespace"]), row.text(&["spec", "paramRef", "name"])) {
        (_, "") => "<unset>".into(),
        ("", name) => format!("*/{name}").into(),
        (namespace, name) => format!("{namespace}/{name}").into(),
    }
}

fn request_status(row: &Row<'_>) -> Value {
    let has = |kind: &str| row.items(&["status", "conditions"]).iter().any(|c| c["type"] == kind);
    let decision = match (has("Denied"), has("Approved")) {
        (true, _) => "Denied",
        (_, true) => "Approved",
        _ => "Pending",
    };
    let failed = if has("Failed") { ",Failed" } else { "" };
    let issued = if row.text(&["status", "certificate"]).is_empty() { "" } else { ",Issued" };
    format!("{decision}{failed}{issued}").into()
}

fn dangling(row: &Row<'_>) -> Value {
    row.items(&["status", "conditions"]).iter().find(|c| c["type"] == "Dangling").map_or("?", |c| text(c, &["status"])).into()
}

fn or_none(row: &Row<'_>, path: &[&str]) -> Value {
    match row.at(path) {
        Value::Null => "<none>".into(),
        value => value.clone(),
    }
}
