//! Annotations of pods that mean something: seccomp, AppArmor, tolerations, deletion cost.
//!
//! Follows `ValidatePodSpecificAnnotations`, `validateSeccompAnnotationsAndFields` and
//! `validateAppArmorAnnotationsAndFieldsMatchOnCreate` of `pkg/apis/core/validation/validation.go`.

use super::{containers_of, scheduling, volumes};
use crate::object::Value;
use crate::simulate::status::quoted;
use crate::simulate::validate::check::{Check, Place};
use crate::simulate::validate::read::Read;

const MIRROR: &str = "kubernetes.io/config.mirror";
const TOLERATIONS: &str = "scheduler.alpha.kubernetes.io/tolerations";
const DELETION_COST: &str = "controller.kubernetes.io/pod-deletion-cost";
const SECCOMP_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_CONTAINER: &str = "container.seccomp.security.alpha.kubernetes.io/";
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// Whether the deletion cost, if there is one, is a number.
pub(in crate::simulate::validate) fn deletion_cost_is_number(meta: &Value) -> bool {
    let Some(cost) = meta.part("annotations").field(DELETION_COST).and_then(Value::as_str) else { return true };
    let canonical = !cost.starts_with('+') && (cost == "0" || !cost.trim_start_matches('-').starts_with('0'));
    canonical && cost.parse::<i32>().is_ok()
}

/// Annotations that have a format of their own.
pub(in crate::simulate::validate) fn annotations(check: &mut Check, meta: &Value, spec: &Value, at: &Place) {
    let annotations = meta.part("annotations");
    if annotations.has(MIRROR) && spec.text("nodeName").is_empty() {
        check.invalid(&at.key(MIRROR), annotations.text(MIRROR), "must set spec.nodeName if mirror pod annotation is set");
    }
    let tolerations = annotations.text(TOLERATIONS);
    if !tolerations.is_empty() {
        match serde_json::from_str::<Value>(tolerations) {
            Ok(Value::Array(list)) => scheduling::tolerations(check, &list, &at.child(TOLERATIONS)),
            _ => check.invalid(at, TOLERATIONS, "json: cannot unmarshal value into Go value of type []core.Toleration"),
        }
    }
    if !check.options.lax_deletion_cost && !deletion_cost_is_number(meta) {
        check.invalid(&at.key(DELETION_COST), annotations.text(DELETION_COST), "must be a 32bit integer");
    }
    for (key, profile) in meta.pairs("annotations").filter(|(k, _)| *k == SECCOMP_POD || k.starts_with(SECCOMP_CONTAINER)) {
        if let Some(path) = profile.strip_prefix("localhost/") {
            volumes::descending_path(check, path, &at.child(key));
        } else if !["runtime/default", "docker/default", "unconfined"].contains(&profile) {
            check.invalid(&at.child(key), profile, "must be a valid seccomp profile");
        }
    }
    for (key, profile) in meta.pairs("annotations") {
        let Some(container) = key.strip_prefix(APP_ARMOR) else { continue };
        if !containers_of(spec).any(|(_, _, c)| c.text("name") == container) {
            check.invalid(&at.key(key), container, "container not found");
        }
        if !(["", "runtime/default", "unconfined"].contains(&profile) || profile.starts_with("localhost/")) {
            check.invalid(&at.key(key), profile, &format!("invalid AppArmor profile name: {}", quoted(profile)));
        }
    }
}

/// Seccomp annotations must say what the fields say.
pub(super) fn seccomp_matches(check: &mut Check, meta: &Value, spec: &Value, at: &Place) {
    let annotations = meta.part("annotations");
    if let Some(field) = spec.part("securityContext").field("seccompProfile") {
        matches(
            check,
            annotations.field(SECCOMP_POD),
            field,
            "seccomp",
            &["runtime/default", "docker/default"],
            &at.child("securityContext.seccompProfile"),
        );
    }
    for (list, i, container) in containers_of(spec) {
        if let Some(field) = container.part("securityContext").field("seccompProfile") {
            let annotation = annotations.field(&format!("{SECCOMP_CONTAINER}{}", container.text("name")));
            let list_at = at.child(list);
            let container_at = list_at.index(i);
            let at = container_at.child("securityContext.seccompProfile");
            matches(check, annotation, field, "seccomp", &["runtime/default", "docker/default"], &at);
        }
    }
}

/// AppArmor annotations must say what the fields say.
pub(super) fn app_armor_matches(check: &mut Check, meta: &Value, spec: &Value, at: &Place) {
    if spec.part("os").text("name") == "windows" {
        return;
    }
    let (annotations, of_pod) = (meta.part("annotations"), spec.part("securityContext").field("appArmorProfile"));
    for (list, i, container) in containers_of(spec) {
        if let Some(field) = container.part("securityContext").field("appArmorProfile").or(of_pod) {
            let annotation = annotations.field(&format!("{APP_ARMOR}{}", container.text("name")));
            let list_at = at.child(list);
            let container_at = list_at.index(i);
            let at = container_at.child("securityContext.appArmorProfile");
            matches(check, annotation, field, "apparmor", &["runtime/default"], &at);
        }
    }
}

fn matches(check: &mut Check, annotation: Option<&Value>, field: &Value, what: &str, defaults: &[&str], at: &Place) {
    let Some(annotation) = annotation.and_then(Value::as_str) else { return };
    let same_type = match field.text("type") {
        "Unconfined" => annotation == "unconfined",
        "RuntimeDefault" => defaults.contains(&annotation),
        "Localhost" => annotation.starts_with("localhost/"),
        _ => true,
    };
    if !same_type {
        check.forbidden(&at.child("type"), &format!("{what} type in annotation and field must match"));
    } else if field.text("type") == "Localhost"
        && annotation.strip_prefix("localhost/") != field.field("localhostProfile").and_then(Value::as_str)
    {
        check.forbidden(&at.child("localhostProfile"), &format!("{what} profile in annotation and field must match"));
    }
}
