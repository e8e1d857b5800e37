//! ResourceQuotas and LimitRanges.
//!
//! Follows `ValidateResourceQuota` and `ValidateLimitRange` of `pkg/apis/core/validation/validation.go`.

use super::check::{Check, Place, Typed};
use super::formats::qualified_name;
use super::metadata::{self, Names};
use super::pod;
use super::read::{Read, quantity};
use crate::object::Value;
use crate::object::quantity::Quantity;
use std::collections::BTreeSet;

const AT: Place<'static> = Place::root("spec");
const SCOPES: &[&str] = &[
    "Terminating",
    "NotTerminating",
    "BestEffort",
    "NotBestEffort",
    "PriorityClass",
    "VolumeAttributesClass",
    "CrossNamespacePodAffinity",
];

/// A ResourceQuota, new or changed.
pub(super) fn quota(check: &mut Check, new: &Value, old: Option<&Value>) {
    match old {
        Some(old) => metadata::update(check, new, old),
        None => metadata::metadata(check, new, true, Names::Subdomain),
    }
    let spec = new.part("spec");
    amounts(check, spec.part("hard"), &AT.child("hard"));
    scopes(check, spec);
    scope_selector(check, spec);
    if let Some(old) = old {
        let of = |spec: &Value| spec.texts("scopes").map(str::to_owned).collect::<BTreeSet<_>>();
        if of(spec) != of(old.part("spec")) {
            check.invalid(&AT.child("scopes"), spec.part("scopes"), "field is immutable");
        }
    }
}

/// Amounts of resources that a quota may limit.
pub(super) fn amounts(check: &mut Check, amounts: &Value, at: &Place) {
    for (name, amount) in amounts.as_object().into_iter().flatten() {
        pod::resource_name(check, name, &at.key(name));
        if !name.contains('/') && !is_quota_resource(name) {
            check.invalid(&at.key(name), name.as_str(), "must be a standard resource for quota");
        }
        pod::quantity_value(check, name, amount, &at.key(name));
    }
}

fn is_quota_resource(name: &str) -> bool {
    let standard = ["cpu", "memory", "ephemeral-storage"];
    let asked = name.strip_prefix("requests.").is_some_and(|n| standard.contains(&n) || n == "storage" || n.starts_with("hugepages-"));
    let limited = name.strip_prefix("limits.").is_some_and(|n| standard.contains(&n));
    standard.contains(&name) || asked || limited || name.starts_with("hugepages-") || pod::COUNTED.contains(&name)
}

/// Whether a scope can say anything about a resource.
fn applies(scope: &str, name: &str) -> bool {
    let computed = ["cpu", "memory", "limits.cpu", "limits.memory", "requests.cpu", "requests.memory"];
    match scope {
        "Terminating" | "NotTerminating" | "NotBestEffort" | "PriorityClass" | "CrossNamespacePodAffinity" => {
            name == "pods" || computed.contains(&name)
        }
        "BestEffort" => name == "pods",
        "VolumeAttributesClass" => ["persistentvolumeclaims", "requests.storage"].contains(&name),
        _ => true,
    }
}

fn scopes(check: &mut Check, spec: &Value) {
    let (at, all) = (AT.child("scopes"), spec.part("scopes"));
    for scope in spec.texts("scopes") {
        if !SCOPES.contains(&scope) {
            check.invalid(&at, all, "unsupported scope");
        }
        for _ in spec.entries("hard").filter(|(n, _)| is_quota_resource(n) && !applies(scope, n)) {
            check.invalid(&at, all, "unsupported scope applied to resource");
        }
    }
    conflicts(check, &spec.texts("scopes").collect(), all, &at);
}

fn conflicts(check: &mut Check, scopes: &BTreeSet<&str>, all: &Value, at: &Place) {
    for [a, b] in [["BestEffort", "NotBestEffort"], ["Terminating", "NotTerminating"]] {
        if scopes.contains(a) && scopes.contains(b) {
            check.invalid(at, all, "conflicting scopes");
        }
    }
}

fn scope_selector(check: &mut Check, spec: &Value) {
    let Some(selector) = spec.field("scopeSelector") else { return };
    let at = AT.child("scopeSelector.matchExpressions");
    let mut seen = BTreeSet::new();
    for term in selector.list("matchExpressions") {
        let (scope, operator) = (term.text("scopeName"), term.text("operator"));
        if !SCOPES.contains(&scope) {
            check.invalid(&at.child("scopeName"), scope, "unsupported scope");
        }
        for _ in spec.entries("hard").filter(|(n, _)| is_quota_resource(n) && !applies(scope, n)) {
            let shown = Typed("io.k8s.api.core.v1.ScopeSelector", selector);
            check.invalid(&at, shown, "unsupported scope applied to resource");
        }
        let existing = ["BestEffort", "NotBestEffort", "Terminating", "NotTerminating", "CrossNamespacePodAffinity"];
        if existing.contains(&scope) && operator != "Exists" {
            let names = "ResourceQuotaScopeTerminating, ResourceQuotaScopeNotTerminating, ResourceQuotaScopeBestEffort, ResourceQuotaScopeNotBestEffort or ResourceQuotaScopeCrossNamespacePodAffinity";
            check.invalid(&at.child("operator"), operator, &format!("must be 'Exists' when scope is any of {names}"));
        }
        let values_at = at.child("values");
        match (operator, term.list("values").is_empty()) {
            ("In" | "NotIn", true) => {
                check.required(&values_at, "must be at least one value when `operator` is 'In' or 'NotIn' for scope selector");
            }
            ("Exists" | "DoesNotExist", false) => {
                let detail = "must be no value when `operator` is 'Exist' or 'DoesNotExist' for scope selector";
                check.invalid(&values_at, term.part("values"), detail);
            }
            ("In" | "NotIn" | "Exists" | "DoesNotExist", _) => {}
            _ => check.invalid(&at.child("operator"), operator, "not a valid selector operator"),
        }
        seen.insert(scope);
    }
    conflicts(check, &seen, spec.part("scopes"), &AT.child("scopeSelector.matchExpressions"));
}

/// A LimitRange, new or changed.
pub(super) fn limit_range(check: &mut Check, new: &Value, _old: Option<&Value>) {
    metadata::metadata(check, new, true, Names::Subdomain);
    let (list_at, mut kinds) = (AT.child("limits"), BTreeSet::new());
    for (i, limit) in new.part("spec").list("limits").iter().enumerate() {
        let (at, kind) = (list_at.index(i), limit.text("type"));
        let messages = qualified_name(check.version(), kind);
        if messages.is_empty() && !kind.contains('/') && !["Pod", "Container", "PersistentVolumeClaim"].contains(&kind) {
            check.invalid(&at.child("type"), kind, "must be a standard limit type or fully qualified");
        }
        check.invalid_each(&at.child("type"), kind, messages);
        if !kinds.insert(kind) {
            check.duplicate(&at.child("type"), kind);
        }
        limit_names(check, limit, kind, &at);
        let lists = ["max", "min", "default", "defaultRequest", "maxLimitRequestRatio"];
        let names: BTreeSet<&str> = lists.iter().flat_map(|l| limit.entries(l)).map(|(n, _)| n).collect();
        for name in names {
            limit_values(check, limit, name, &at);
        }
    }
}

fn limit_names(check: &mut Check, limit: &Value, kind: &str, at: &Place) {
    let names = |check: &mut Check, list: &str| {
        let list_at = at.child(list);
        for (name, _) in limit.entries(list) {
            if ["Pod", "Container"].contains(&kind) {
                pod::container_resource_name(check, name, &list_at.key(name));
            } else {
                pod::resource_name(check, name, &list_at.key(name));
            }
        }
    };
    names(check, "max");
    names(check, "min");
    for list in ["default", "defaultRequest"] {
        if kind != "Pod" {
            names(check, list);
        } else if limit.entries(list).next().is_some() {
            check.forbidden(&at.child(list), "may not be specified when `type` is 'Pod'");
        }
    }
    if kind == "PersistentVolumeClaim" && !limit.part("min").has("storage") && !limit.part("max").has("storage") {
        check.required(&at.child("limits"), "either minimum or maximum storage value is required, but neither was provided");
    }
    names(check, "maxLimitRequestRatio");
}

fn limit_values(check: &mut Check, limit: &Value, name: &str, at: &Place) {
    let of = |list: &str| if limit.text("type") == "Pod" && list.starts_with("default") { None } else { limit.part(list).field(name) };
    let text = |amount: &Value| amount.as_str().unwrap_or_default().to_owned();
    // the smaller, what it is called, the larger, what it is called; where it is reported and which of the two is shown
    let rules = [
        ("min", "min value", "max", "max value", "min", "min"),
        ("min", "min value", "defaultRequest", "default request value", "defaultRequest", "defaultRequest"),
        ("defaultRequest", "default request value", "max", "max value", "defaultRequest", "defaultRequest"),
        ("defaultRequest", "default request value", "default", "default limit value", "defaultRequest", "defaultRequest"),
        ("min", "min value", "default", "default value", "default", "min"),
        ("default", "default value", "max", "max value", "default", "max"),
    ];
    for (low, low_noun, high, high_noun, list, shown) in rules {
        let (Some(a), Some(b), Some(shown)) = (of(low), of(high), of(shown)) else { continue };
        if quantity(a) > quantity(b) {
            let detail = format!("{low_noun} {} is greater than {high_noun} {}", text(a), text(b));
            check.invalid(&at.child(list).key(name), shown, &detail);
        }
    }
    let ratio_at = at.child("maxLimitRequestRatio");
    if let Some(ratio) = of("maxLimitRequestRatio") {
        if quantity(ratio) < Quantity::from_milli(1000) {
            check.invalid(&ratio_at.key(name), ratio, &format!("ratio {} is less than 1", text(ratio)));
        }
        if let (Some(min), Some(max)) = (of("min"), of("max")) {
            let milli = |amount: &Value| quantity(amount).milli_value().map(|m| m as f64);
            let most = milli(max).zip(milli(min)).map(|(max, min)| max / min);
            if let (Some(most), Some(ratio_value)) = (most, milli(ratio))
                && ratio_value / 1000.0 > most
            {
                let detail = format!("ratio {} is greater than max/min = {most:.6}", text(ratio));
                check.invalid(&ratio_at.key(name), ratio, &detail);
            }
        }
    }
    if let (Some(limit), Some(request)) = (of("default"), of("defaultRequest"))
        && !pod::overcommits(name)
        && quantity(limit) != quantity(request)
    {
        let detail = format!("default value {} must equal to defaultRequest value {} in {name}", text(limit), text(request));
        check.invalid(&at.child("defaultRequest").key(name), request, &detail);
    }
}
