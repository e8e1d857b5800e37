//! Labels of nodes that have other names now, wherever nodes are chosen by them.
//!
//! Follows `pkg/api/node/util.go` and `pkg/api/storage/util.go`.

use super::warn;
use crate::object::Value;
use crate::schema::Version;
use crate::simulate::validate::check::Place;
use crate::simulate::validate::formats::label_value;
use crate::simulate::validate::read::Read;

/// What is said of a label that is not to be used any more.
pub(super) fn deprecated(key: &str) -> Option<&'static str> {
    Some(match key {
        "beta.kubernetes.io/arch" => "deprecated since v1.14; use \"kubernetes.io/arch\" instead",
        "beta.kubernetes.io/os" => "deprecated since v1.14; use \"kubernetes.io/os\" instead",
        "failure-domain.beta.kubernetes.io/region" => "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
        "failure-domain.beta.kubernetes.io/zone" => "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
        "beta.kubernetes.io/instance-type" => "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
        "app.kubernetes.io/created-by" => "deprecated since v1.9",
        "scheduler.alpha.kubernetes.io/preferAvoidPods" => "deprecated since v1.22; use Taints and Tolerations instead",
        "node-role.kubernetes.io/master" => "use \"node-role.kubernetes.io/control-plane\" instead",
        _ => return None,
    })
}

/// A term that selects nodes; with a version the values that it names are looked at, too.
pub(super) fn term(term: &Value, values: Option<Version>, at: &Place, found: &mut Vec<String>) {
    let list_at = at.child("matchExpressions");
    for (i, expression) in term.list("matchExpressions").iter().enumerate() {
        let (at, key) = (list_at.index(i), expression.text("key"));
        if let Some(text) = deprecated(key) {
            warn(found, &at.child("key"), &format!("{key} is {text}"));
        }
        let Some(version) = values else { continue };
        let values_at = at.child("values");
        for (j, value) in expression.texts("values").enumerate() {
            for text in label_value(version, value) {
                warn(found, &values_at.index(j), &format!("{value} is invalid, {text}"));
            }
        }
    }
}

/// The nodes that a runtime class is for.
pub(super) fn runtime_class(object: &Value, found: &mut Vec<String>) {
    for (key, _) in object.part("scheduling").entries("nodeSelector") {
        if let Some(text) = deprecated(key) {
            warn(found, &Place::root("scheduling.nodeSelector"), text);
        }
    }
}

/// Where volumes of a storage class can be.
pub(super) fn storage_class(object: &Value, found: &mut Vec<String>) {
    let list_at = Place::root("allowedTopologies");
    for (i, topology) in object.list("allowedTopologies").iter().enumerate() {
        let at = list_at.index(i);
        let expressions_at = at.child("matchLabelExpressions");
        for (j, expression) in topology.list("matchLabelExpressions").iter().enumerate() {
            if let Some(text) = deprecated(expression.text("key")) {
                warn(found, &expressions_at.index(j).child("key"), text);
            }
        }
    }
}

/// From which nodes a capacity can be reached.
pub(super) fn storage_capacity(object: &Value, found: &mut Vec<String>) {
    let (topology, at) = (object.part("nodeTopology"), Place::root("nodeTopology"));
    term(topology, None, &at, found);
    let labels_at = at.child("matchLabels");
    for (key, _) in topology.entries("matchLabels") {
        if let Some(text) = deprecated(key) {
            warn(found, &labels_at.child(key), text);
        }
    }
}
