//! HorizontalPodAutoscalers and PodDisruptionBudgets.
//!
//! Follows `pkg/apis/autoscaling/validation/validation.go` and `pkg/apis/policy/validation/validation.go`.

use super::check::{Check, Place, Typed};
use super::formats::{dns_label, path_segment};
use super::metadata::{self, Names};
use super::pod;
use super::read::{Read, quantity};
use super::selector;
use super::workloads::{at_most_all, positive_int_or_percent};
use crate::object::Value;
use crate::object::quantity::Quantity;
use crate::schema::Version;
use crate::simulate::defaults::gates::Gate;

const AT: Place<'static> = Place::root("spec");

/// A PodDisruptionBudget, new or changed. Its name is only held to what every kind's is.
pub(super) fn budget(check: &mut Check, new: &Value, old: Option<&Value>) {
    let spec = new.part("spec");
    if spec.has("minAvailable") && spec.has("maxUnavailable") {
        let shown = Typed("io.k8s.api.policy.v1.PodDisruptionBudgetSpec", spec);
        check.invalid(&AT, shown, "minAvailable and maxUnavailable cannot be both set");
    }
    for name in ["minAvailable", "maxUnavailable"] {
        if let Some(value) = spec.field(name) {
            positive_int_or_percent(check, value, &AT.child(name));
            at_most_all(check, value, &AT.child(name));
        }
    }
    let lax = old.is_some_and(|o| selector::has_bad_values(check.version(), o.part("spec").part("selector")));
    selector::selector(check, spec.part("selector"), lax, &AT.child("selector"));
    if spec.has("unhealthyPodEvictionPolicy") {
        let policies = ["AlwaysAllow", "IfHealthyBudget"];
        check.one_of(&AT.child("unhealthyPodEvictionPolicy"), spec.text("unhealthyPodEvictionPolicy"), &policies);
    }
}

/// A HorizontalPodAutoscaler of `autoscaling/v1` or `v2`, new or changed.
pub(super) fn autoscaler(check: &mut Check, new: &Value, old: Option<&Value>) {
    match old {
        Some(old) => metadata::update(check, new, old),
        None => metadata::metadata(check, new, true, Names::Subdomain),
    }
    let (spec, was) = (new.part("spec"), old.map(|o| o.part("spec")));
    let may_be_none = Gate::HpaScaleToZero.enabled(check.version()) || was.and_then(|w| w.number_if_set("minReplicas")) == Some(0);
    let least = i64::from(!may_be_none);
    let (min, max, max_at) = (spec.number_if_set("minReplicas"), spec.number("maxReplicas"), AT.child("maxReplicas"));
    if let Some(min) = min.filter(|m| *m < least) {
        check.by_declaration(|check| {
            check.invalid(&AT.child("minReplicas"), min, &format!("must be greater than or equal to {least}"));
        });
    }
    check.by_declaration(|check| match check.version() {
        _ if max > 0 => {}
        Version::V1_34 | Version::V1_35 => check.invalid(&max_at, max, "must be greater than 0"),
        Version::V1_36 if max == 0 => check.required(&max_at, "must be set and greater than 0"),
        _ if max == 0 => check.required(&max_at, ""),
        _ => check.invalid(&max_at, max, "must be greater than or equal to 1"),
    });
    if min.is_some_and(|m| max < m) {
        check.invalid(&max_at, max, "must be greater than or equal to `minReplicas`");
    }
    let target = spec.part("scaleTargetRef");
    let same = |name: &str| was.is_some_and(|w| w.part("scaleTargetRef").text(name) == target.text(name));
    let api = if same("apiVersion") && same("kind") {
        Api::Any
    } else if target.text("kind") == "ReplicationController" {
        Api::Core
    } else {
        Api::Grouped
    };
    reference(check, target, api, &AT.child("scaleTargetRef"));
    metrics(check, spec, was, min);
    if let Some(behavior) = spec.field("behavior") {
        let at = AT.child("behavior");
        for name in ["scaleUp", "scaleDown"] {
            if let Some(rules) = behavior.field(name) {
                scaling_rules(check, rules, &at.child(name));
            }
        }
    }
}

/// Which API versions a reference may name.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Api {
    /// Only those with a group.
    Grouped,
    /// Also those of the core group.
    Core,
    /// Whatever stood there before.
    Any,
}

fn api_error(text: &str, api: Api) -> Option<String> {
    if api == Api::Any {
        return None;
    }
    if text.matches('/').count() > 1 {
        return Some(format!("unexpected GroupVersion string: {text}"));
    }
    (api == Api::Grouped && text.split_once('/').is_none_or(|(group, _)| group.is_empty()))
        .then(|| "apiVersion must specify API group".into())
}

fn reference(check: &mut Check, reference: &Value, api: Api, at: &Place) {
    for name in ["kind", "name"] {
        let text = reference.text(name);
        if check.filled(text, &at.child(name)) {
            check.invalid_each(&at.child(name), text, path_segment(text));
        }
    }
    let text = reference.text("apiVersion");
    if let Some(why) = api_error(text, api) {
        check.invalid(&at.child("apiVersion"), text, &why);
    }
}

const SOURCES: [&str; 5] = ["object", "external", "pods", "resource", "containerResource"];
const METRICS: &[&str] = &["ContainerResource", "External", "Object", "Pods", "Resource"];

fn metrics(check: &mut Check, spec: &Value, was: Option<&Value>, min: Option<i64>) {
    let object_of = |m: &Value| m.part("object").part("describedObject").text("apiVersion").to_owned();
    let bad = |m: &Value| m.text("type") == "Object" && m.has("object") && api_error(&object_of(m), Api::Core).is_some();
    let api = if was.is_some_and(|w| w.list("metrics").iter().any(bad)) { Api::Any } else { Api::Core };
    let list_at = AT.child("metrics");
    // v1 has one metric, which has a field of its own
    let only = spec.number_if_set("targetCPUUtilizationPercentage").map(|percent| {
        let target = crate::object::json!({"type": "Utilization", "averageUtilization": percent});
        crate::object::json!({"type": "Resource", "resource": {"name": "cpu", "target": target}})
    });
    let all = only.as_ref().map_or(spec.list("metrics"), std::slice::from_ref);
    for (i, metric) in all.iter().enumerate() {
        one_metric(check, metric, api, &list_at.index(i));
    }
    if min == Some(0) && !all.iter().any(|m| ["Object", "External"].contains(&m.text("type"))) {
        check.forbidden(&list_at, "must specify at least one Object or External metric to support scaling to zero replicas");
    }
}

fn one_metric(check: &mut Check, metric: &Value, api: Api, at: &Place) {
    let kind = metric.text("type");
    if kind.is_empty() {
        check.required(&at.child("type"), "must specify a metric source type");
    }
    check.one_of(&at.child("type"), kind, METRICS);
    let present: Vec<&str> = SOURCES.into_iter().filter(|s| metric.has(s)).collect();
    if let Some(source) = present.first() {
        metric_source(check, source, metric.part(source), api, &at.child(source));
    }
    let expected = SOURCES.into_iter().find(|s| s.eq_ignore_ascii_case(kind) && METRICS.contains(&kind));
    match expected {
        Some(expected) if !metric.has(expected) => {
            check.required(&at.child(expected), "must populate information for the given metric source");
        }
        Some(_) => {}
        None => check.not_supported(&at.child("type"), kind, METRICS),
    }
    if present.len() != 1 {
        for source in present.into_iter().filter(|s| Some(*s) != expected) {
            check.forbidden(&at.child(source), "must populate the given metric source only");
        }
    }
}

fn metric_source(check: &mut Check, kind: &str, source: &Value, api: Api, at: &Place) {
    let (target, target_at, name) = (source.part("target"), at.child("target"), source.text("name"));
    if kind == "object" {
        reference(check, source.part("describedObject"), api, &at.child("describedObject"));
    }
    match kind {
        "resource" | "containerResource" => {
            if name.is_empty() {
                check.required(&at.child("name"), "must specify a resource name");
            } else if kind == "containerResource" {
                pod::container_resource_name(check, name, &at.child("name"));
            }
            let container = source.text("container");
            if kind == "containerResource" && container.is_empty() {
                check.required(&at.child("container"), "must specify a container");
            } else if kind == "containerResource" {
                check.invalid_each(&at.child("container"), container, dns_label(container));
            }
        }
        _ => {
            let (name, name_at) = (source.part("metric").text("name"), at.child("metric.name"));
            if name.is_empty() {
                check.required(&name_at, "must specify a metric name");
            } else {
                check.invalid_each(&name_at, name, path_segment(name));
            }
        }
    }
    metric_target(check, target, &target_at);
    let (value, average, percent) = (target.has("value"), target.has("averageValue"), target.has("averageUtilization"));
    let need = |check: &mut Check, name: &str, detail: &str| check.required(&target_at.child(name), detail);
    match kind {
        "object" if !value && !average => need(check, "averageValue", "must set either a target value or averageValue"),
        "external" if !value && !average => {
            need(check, "averageValue", "must set either a target value for metric or a per-pod target");
        }
        "external" if value && average => {
            check.forbidden(&target_at.child("value"), "may not set both a target value for metric and a per-pod target");
        }
        "pods" if !average => need(check, "averageValue", "must specify a positive target averageValue"),
        "resource" | "containerResource" if !percent && !average => {
            need(check, "averageUtilization", "must set either a target raw value or a target utilization");
        }
        "resource" | "containerResource" if percent && average => {
            check.forbidden(&target_at.child("averageValue"), "may not set both a target raw value and a target utilization");
        }
        _ => {}
    }
}

fn metric_target(check: &mut Check, target: &Value, at: &Place) {
    let kind = target.text("type");
    if kind.is_empty() {
        check.required(&at.child("type"), "must specify a metric target type");
    }
    if !["Utilization", "Value", "AverageValue"].contains(&kind) {
        check.invalid(&at.child("type"), kind, "must be either Utilization, Value, or AverageValue");
    }
    for name in ["value", "averageValue"] {
        if let Some(amount) = target.field(name).filter(|a| quantity(a) <= Quantity::ZERO) {
            check.invalid(&at.child(name), amount, "must be positive");
        }
    }
    if let Some(percent) = target.number_if_set("averageUtilization").filter(|p| *p < 1) {
        check.invalid(&at.child("averageUtilization"), percent, "must be greater than 0");
    }
}

fn scaling_rules(check: &mut Check, rules: &Value, at: &Place) {
    let (seconds, seconds_at) = (rules.number("stabilizationWindowSeconds"), at.child("stabilizationWindowSeconds"));
    if seconds < 0 {
        check.invalid(&seconds_at, seconds, "must be greater than or equal to zero");
    }
    if seconds > 3600 {
        check.invalid(&seconds_at, seconds, "must be less than or equal to 3600");
    }
    if rules.has("selectPolicy") {
        check.one_of(&at.child("selectPolicy"), rules.text("selectPolicy"), &["Disabled", "Max", "Min"]);
    }
    let list_at = at.child("policies");
    if rules.list("policies").is_empty() {
        check.required(&list_at, "must specify at least one Policy");
    }
    for (i, policy) in rules.list("policies").iter().enumerate() {
        let (at, period) = (list_at.index(i), policy.number("periodSeconds"));
        check.one_of(&at.child("type"), policy.text("type"), &["Percent", "Pods"]);
        check.positive(policy.number("value"), &at.child("value"));
        check.positive(period, &at.child("periodSeconds"));
        if period > 1800 {
            check.invalid(&at.child("periodSeconds"), period, "must be less than or equal to 1800");
        }
    }
    if let Some(tolerance) = rules.field("tolerance").filter(|t| quantity(t).is_negative()) {
        check.invalid(&at.child("tolerance"), tolerance, "must be greater than or equal to 0");
    }
}
