//! Which fields of a kind a field selector may name, and what they hold.
//!
//! Follows the `AddFieldLabelConversionFunc` of `pkg/apis/*/v1/conversion.go` and the `ToSelectableFields` of `pkg/registry`.

use crate::object::{Value, at, items, text};
use crate::simulate::resources::Served;

/// Group, kind, and the fields beside the name and the namespace.
const FIELDS: &[(&str, &str, &[&str])] = &[
    (
        "",
        "Pod",
        &[
            "spec.nodeName",
            "spec.restartPolicy",
            "spec.schedulerName",
            "spec.serviceAccountName",
            "spec.hostNetwork",
            "status.phase",
            "status.podIP",
            "status.podIPs",
            "status.nominatedNodeName",
        ],
    ),
    ("", "Node", &["spec.unschedulable"]),
    ("", "ReplicationController", &["status.replicas"]),
    ("", "Namespace", &["status.phase"]),
    ("", "Secret", &["type"]),
    ("", "Service", &["spec.clusterIP", "spec.type"]),
    (
        "",
        "Event",
        &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
    ),
    (
        "events.k8s.io",
        "Event",
        &[
            "reason",
            "regarding.kind",
            "regarding.namespace",
            "regarding.name",
            "regarding.uid",
            "regarding.apiVersion",
            "regarding.resourceVersion",
            "regarding.fieldPath",
            "reportingController",
            "type",
        ],
    ),
    ("batch", "Job", &["status.successful"]),
    ("certificates.k8s.io", "CertificateSigningRequest", &["spec.signerName"]),
    ("resource.k8s.io", "ResourceSlice", &["spec.nodeName", "spec.driver"]),
];

/// The fields of a kind that has some of its own; none for those that are told by name and namespace alone.
fn own(served: &Served) -> Option<Vec<String>> {
    if let Some(definition) = served.definition() {
        return Some(definition.selectable.clone());
    }
    let found = FIELDS.iter().find(|(group, kind, _)| *group == served.group && *kind == served.kind)?;
    Some(found.2.iter().map(|f| (*f).to_owned()).collect())
}

/// Refuses a field that the kind is not selected by.
///
/// # Errors
/// In the words of the kind.
pub(super) fn check(served: &Served, path: &str) -> Result<(), String> {
    if path == "metadata.name" || path == "metadata.namespace" {
        return Ok(());
    }
    let Some(own) = own(served) else {
        return Err(format!("{path:?} is not a known field selector: only \"metadata.name\", \"metadata.namespace\""));
    };
    if own.iter().any(|f| f == path) {
        return Ok(());
    }
    let job = served.group == "batch" && served.kind == "Job";
    Err(if job { format!("field label {path:?} not supported for Job") } else { format!("field label not supported: {path}") })
}

/// What a field holds, as text.
pub(super) fn value(object: &Value, path: &str) -> String {
    match path {
        "source" => text(object, &["source", "component"]).to_owned(),
        "status.podIPs" => items(object, &["status", "podIPs"]).first().map(|ip| text(ip, &["ip"]).to_owned()).unwrap_or_default(),
        "status.successful" => number(object, &["status", "succeeded"]),
        "status.replicas" => number(object, &["status", "replicas"]),
        "spec.hostNetwork" | "spec.unschedulable" => {
            let keys: Vec<&str> = path.split('.').collect();
            (at(object, &keys) == Some(&Value::Bool(true))).to_string()
        }
        "reportingController" => text(object, &["reportingComponent"]).to_owned(),
        _ => {
            let stored = path.replace("regarding.", "involvedObject.");
            let keys: Vec<&str> = stored.split('.').collect();
            match at(object, &keys) {
                Some(Value::String(text)) => text.to_string(),
                Some(Value::Null) | None => String::new(),
                Some(other) => other.to_string(),
            }
        }
    }
}

fn number(object: &Value, path: &[&str]) -> String {
    crate::object::integer(object, path).unwrap_or(0).to_string()
}
