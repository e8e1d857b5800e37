//! What the controllers read in objects: counts, conditions, owners, selectors.
//!
//! Follows `pkg/api/v1/pod`, `pkg/controller/controller_utils.go` and apimachinery's `labels` and `intstr`.

use crate::object::{Map, ObjectId, Value, at, integer, items, text};
use crate::simulate::clock::Clock;
use std::time::Duration;

pub(super) const TEMPLATE_HASH: &str = "pod-template-hash";
pub(super) const REVISION_HASH: &str = "controller-revision-hash";
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";

/// `spec.replicas`, which defaults to one.
pub(super) fn replicas(object: &Value) -> i64 {
    integer(object, &["spec", "replicas"]).unwrap_or(1)
}

/// An integer of the status; zero if it is not there.
pub(super) fn status(object: &Value, key: &str) -> i64 {
    integer(object, &["status", key]).unwrap_or(0)
}

pub(super) fn generation(object: &Value) -> i64 {
    integer(object, &["metadata", "generation"]).unwrap_or(0)
}

pub(super) fn min_ready_seconds(object: &Value) -> i64 {
    integer(object, &["spec", "minReadySeconds"]).unwrap_or(0)
}

pub(super) fn annotation<'v>(object: &'v Value, key: &str) -> Option<&'v str> {
    at(object, &["metadata", "annotations", key]).and_then(Value::as_str)
}

pub(super) fn label<'v>(object: &'v Value, key: &str) -> &'v str {
    text(object, &["metadata", "labels", key])
}

pub(super) fn uid(object: &Value) -> &str {
    text(object, &["metadata", "uid"])
}

pub(super) fn name(object: &Value) -> &str {
    text(object, &["metadata", "name"])
}

pub(super) fn deleting(object: &Value) -> bool {
    at(object, &["metadata", "deletionTimestamp"]).is_some_and(|t| !t.is_null())
}

/// Sorts objects as they came into being: by creation time, and where that (in whole seconds) does not tell, by the order in
/// which this simulation made them, then by name as the controllers do.
pub(super) fn age(object: &Value) -> (&str, &str, &str) {
    let uid = uid(object);
    let own = if uid.starts_with(super::OWN_UIDS) { uid } else { "" };
    (text(object, &["metadata", "creationTimestamp"]), own, name(object))
}

/// The owner reference that is marked as the controller.
pub(super) fn controller_of(object: &Value) -> Option<&Value> {
    items(object, &["metadata", "ownerReferences"]).iter().find(|r| r["controller"] == true)
}

pub(super) fn controlled_by(object: &Value, owner_uid: &str) -> bool {
    controller_of(object).is_some_and(|r| text(r, &["uid"]) == owner_uid)
}

/// The identity that an owner reference gives to the owner of an object.
pub(super) fn referred(reference: &Value, namespace: &str) -> ObjectId {
    let api = text(reference, &["apiVersion"]);
    ObjectId {
        group: api.split_once('/').map_or("", |(group, _)| group).into(),
        kind: text(reference, &["kind"]).into(),
        namespace: namespace.into(),
        name: text(reference, &["name"]).into(),
    }
}

pub(super) fn condition<'v>(object: &'v Value, name: &str) -> Option<&'v Value> {
    items(object, &["status", "conditions"]).iter().find(|c| text(c, &["type"]) == name)
}

/// The condition that says that a Job is over.
pub(super) fn finished(job: &Value) -> Option<&Value> {
    let over = |c: &&Value| matches!(text(c, &["type"]), "Complete" | "Failed") && text(c, &["status"]) == "True";
    items(job, &["status", "conditions"]).iter().find(over)
}

pub(super) fn phase(pod: &Value) -> &str {
    text(pod, &["status", "phase"])
}

pub(super) fn terminal(pod: &Value) -> bool {
    matches!(phase(pod), "Succeeded" | "Failed")
}

pub(super) fn active(pod: &Value) -> bool {
    !terminal(pod) && !deleting(pod)
}

pub(super) fn ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|c| text(c, &["status"]) == "True")
}

/// When a ready pod is (or was) ready for long enough; none if it is not ready.
pub(super) fn available_at(clock: &Clock, pod: &Value, min_ready: i64) -> Option<Duration> {
    let ready = condition(pod, "Ready").filter(|c| text(c, &["status"]) == "True")?;
    if min_ready == 0 {
        return Some(Duration::ZERO);
    }
    clock.point_after(text(ready, &["lastTransitionTime"]), min_ready)
}

pub(super) fn available(clock: &Clock, pod: &Value, min_ready: i64) -> bool {
    available_at(clock, pod, min_ready).is_some_and(|at| at <= clock.now)
}

/// An integer as it is; a percentage of a total, rounded up or down.
pub(super) fn scaled(value: Option<&Value>, total: i64, up: bool, default: i64) -> i64 {
    match value {
        Some(Value::Number(n)) => n.as_i64().unwrap_or(default),
        Some(Value::String(s)) => {
            let percent: i64 = s.strip_suffix('%').and_then(|p| p.parse().ok()).unwrap_or(0);
            let hundredfold = percent * total;
            if up { (hundredfold + 99).div_euclid(100) } else { hundredfold.div_euclid(100) }
        }
        _ => default,
    }
}

/// Whether labels match a `LabelSelector`. A missing selector matches nothing, an empty one everything.
pub(super) fn selects(selector: Option<&Value>, labels: Option<&Map>) -> bool {
    let Some(selector) = selector.filter(|s| s.is_object()) else { return false };
    let value = |key: &str| labels.and_then(|l| l.get(key)).and_then(Value::as_str);
    let wanted = selector.get("matchLabels").and_then(Value::as_object);
    let labelled = wanted.is_none_or(|w| w.iter().all(|(k, v)| value(k).is_some() && value(k) == v.as_str()));
    labelled
        && items(selector, &["matchExpressions"]).iter().all(|e| {
            let has = value(text(e, &["key"]));
            let listed = || items(e, &["values"]).iter().any(|v| v.as_str() == has);
            match text(e, &["operator"]) {
                "In" => has.is_some() && listed(),
                "NotIn" => has.is_none() || !listed(),
                "Exists" => has.is_some(),
                "DoesNotExist" => has.is_none(),
                _ => false,
            }
        })
}

pub(super) fn labels(object: &Value) -> Option<&Map> {
    at(object, &["metadata", "labels"]).and_then(Value::as_object)
}

pub(super) fn selector(object: &Value) -> Option<&Value> {
    at(object, &["spec", "selector"])
}

/// An integer, or a default.
pub(super) fn integer_at(object: &Value, path: &[&str], default: i64) -> i64 {
    integer(object, path).unwrap_or(default)
}
