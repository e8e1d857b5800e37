//! The status of a kind, as controllers and others may write it.
//!
//! Follows the `Validate…StatusUpdate` functions of `pkg/apis/{apps,core,policy}/validation/validation.go`, and `ValidateConditions` of
//! apimachinery `pkg/apis/meta/v1/validation/validation.go`. Jobs and Pods
//! have files of their own.

use super::check::{Check, Place};
use super::formats::no_match;
use super::metadata;
use super::quotas;
use super::read::Read;
use super::selector;
use crate::object::Value;

const AT: Place<'static> = Place::root("status");
const OF_ALL: &str = "cannot be greater than status.replicas";
/// So long a condition's texts may be.
const LONGEST_REASON: usize = 1024;
const LONGEST_MESSAGE: usize = 32 * 1024;

/// The counts in a kind's status: which may not be negative, and which may not be more than `replicas`; what is said where more are
/// available than ready.
struct Counts {
    own: &'static [&'static str],
    of_all: &'static [&'static str],
    of_ready: &'static str,
}

const DEPLOYMENT: Counts = Counts {
    own: &[
        "observedGeneration",
        "replicas",
        "updatedReplicas",
        "readyReplicas",
        "availableReplicas",
        "unavailableReplicas",
        "terminatingReplicas",
        "collisionCount",
    ],
    of_all: &["updatedReplicas", "readyReplicas", "availableReplicas"],
    of_ready: "cannot be greater than readyReplicas",
};
const REPLICA_SET: Counts = Counts {
    own: &["replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas", "observedGeneration", "terminatingReplicas"],
    of_all: &["fullyLabeledReplicas", "readyReplicas", "availableReplicas"],
    of_ready: "cannot be greater than readyReplicas",
};
const STATEFUL_SET: Counts = Counts {
    own: &["replicas", "readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas", "observedGeneration", "collisionCount"],
    of_all: &["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"],
    of_ready: "cannot be greater than status.readyReplicas",
};
const DAEMON_SET: Counts = Counts {
    own: &[
        "currentNumberScheduled",
        "numberMisscheduled",
        "desiredNumberScheduled",
        "numberReady",
        "observedGeneration",
        "updatedNumberScheduled",
        "numberAvailable",
        "numberUnavailable",
        "collisionCount",
    ],
    of_all: &[],
    of_ready: "",
};

/// What is wrong with a status that was another one.
pub(super) fn update(check: &mut Check, kind: &str, new: &Value, old: &Value) {
    let status = new.part("status");
    if !matches!(kind, "PodDisruptionBudget" | "StatefulSet") {
        metadata::update(check, new, old);
    }
    match kind {
        "Deployment" => counts(check, &DEPLOYMENT, status),
        "ReplicaSet" => counts(check, &REPLICA_SET, status),
        "StatefulSet" => {
            counts(check, &STATEFUL_SET, status);
            metadata::update(check, new, old);
        }
        "DaemonSet" => counts(check, &DAEMON_SET, status),
        "PodDisruptionBudget" => budget(check, status),
        "Namespace" => phase(check, new),
        "ResourceQuota" => {
            for name in ["hard", "used"] {
                quotas::amounts(check, status.part(name), &AT.child(name));
            }
        }
        _ => {}
    }
    if matches!(kind, "Deployment" | "StatefulSet" | "DaemonSet") {
        let count = |object: &Value| object.part("status").number_if_set("collisionCount");
        if count(old).is_some_and(|before| count(new).is_none_or(|now| now < before)) {
            check.invalid(&AT.child("collisionCount"), count(new).unwrap_or(0), "cannot be decremented");
        }
    }
}

fn counts(check: &mut Check, counts: &Counts, status: &Value) {
    for name in counts.own {
        check.nonnegative(status.number(name), &AT.child(name));
    }
    for name in counts.of_all {
        if status.number(name) > status.number("replicas") {
            check.invalid(&AT.child(name), status.number(name), OF_ALL);
        }
    }
    let available = status.number("availableReplicas");
    if !counts.of_ready.is_empty() && available > status.number("readyReplicas") {
        check.invalid(&AT.child("availableReplicas"), available, counts.of_ready);
    }
}

fn budget(check: &mut Check, status: &Value) {
    conditions(check, status.list("conditions"), &AT.child("conditions"));
    for name in ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"] {
        check.nonnegative(status.number(name), &AT.child(name));
    }
}

fn phase(check: &mut Check, namespace: &Value) {
    let (wanted, when) =
        if namespace.part("metadata").has("deletionTimestamp") { ("Terminating", "is not empty") } else { ("Active", "is empty") };
    let phase = namespace.part("status").text("phase");
    if phase != wanted {
        check.invalid(&AT.child("Phase"), phase, &format!("may only be '{wanted}' if `deletionTimestamp` {when}"));
    }
}

/// Conditions of the common form (`meta/v1.Condition`).
fn conditions(check: &mut Check, conditions: &[Value], list_at: &Place) {
    for (i, condition) in conditions.iter().enumerate() {
        let at = list_at.index(i);
        let ty = condition.text("type");
        if conditions[..i].iter().any(|c| c.text("type") == ty) {
            check.duplicate(&at.child("type"), ty);
        }
        selector::label_key(check, ty, &at.child("type"));
        check.one_of(&at.child("status"), condition.text("status"), &["False", "True", "Unknown"]);
        let generation = condition.number("observedGeneration");
        if generation < 0 {
            check.invalid(&at.child("observedGeneration"), generation, "must be greater than or equal to zero");
        }
        if !condition.has("lastTransitionTime") {
            check.required(&at.child("lastTransitionTime"), "");
        }
        reason(check, condition.text("reason"), &at.child("reason"));
        if condition.text("message").len() > LONGEST_MESSAGE {
            check.too_long(&at.child("message"), LONGEST_MESSAGE);
        }
    }
}

fn reason(check: &mut Check, reason: &str, at: &Place) {
    if !check.filled(reason, at) {
        return;
    }
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let good = reason.starts_with(|c: char| c.is_ascii_alphabetic())
        && reason.ends_with(inner)
        && reason.chars().all(|c| inner(c) || c == ',' || c == ':');
    if !good {
        let message = "a condition reason must start with alphabetic character, optionally followed by a string of alphanumeric characters or \
                       '_,:', and must end with an alphanumeric character or '_'";
        let examples = ["my_name", "MY_NAME", "MyName", "ReasonA,ReasonB", "ReasonA:ReasonB"];
        check.invalid(at, reason, &no_match(message, "[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?", &examples));
    }
    if reason.len() > LONGEST_REASON {
        check.too_long(at, LONGEST_REASON);
    }
}
