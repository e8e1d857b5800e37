//! Where a pod may run: affinity, tolerations, spread, gates.
//!
//! Follows `validateAffinity`, `ValidateTolerations`, `validateTopologySpreadConstraints` and others of
//! `pkg/apis/core/validation/validation.go`.

use crate::object::Value;
use crate::schema::Version;
use crate::simulate::validate::check::{Check, Place};
use crate::simulate::validate::formats::{dns_label, label_value, qualified_name};
use crate::simulate::validate::metadata::Names;
use crate::simulate::validate::read::Read;
use crate::simulate::validate::selector::{self, label_key};
use std::collections::BTreeSet;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";

/// The pod affinity terms of a pod spec.
pub(super) fn affinity_terms(spec: &Value) -> impl Iterator<Item = &Value> {
    ["podAffinity", "podAntiAffinity"]
        .into_iter()
        .map(|side| spec.part("affinity").part(side))
        .flat_map(|side| side.list(REQUIRED).iter().chain(side.list(PREFERRED).iter().map(|t| t.part("podAffinityTerm"))))
}

/// Whether any value of a node selector is no label value.
pub(in crate::simulate::validate) fn has_bad_node_values(version: Version, selector: &Value) -> bool {
    let terms = selector.list("nodeSelectorTerms").iter().flat_map(|t| t.list("matchExpressions"));
    terms.flat_map(|e| e.texts("values")).any(|v| !label_value(version, v).is_empty())
}

/// The node affinity of a pod spec that must be met.
pub(super) fn required_nodes(spec: &Value) -> &Value {
    spec.part("affinity").part("nodeAffinity").part(REQUIRED)
}

/// Affinity to nodes and pods.
pub(super) fn affinity(check: &mut Check, affinity: &Value, at: &Place) {
    if let Some(node) = affinity.field("nodeAffinity") {
        let at = at.child("nodeAffinity");
        if let Some(required) = node.field(REQUIRED) {
            node_selector(check, required, check.options.lax_node_affinity, &at.child(REQUIRED));
        }
        let list_at = at.child(PREFERRED);
        for (i, term) in node.list(PREFERRED).iter().enumerate() {
            let at = list_at.index(i);
            weight(check, term, &at);
            node_selector_term(check, term.part("preference"), true, &at.child("preference"));
        }
    }
    for side in ["podAffinity", "podAntiAffinity"] {
        let Some(terms) = affinity.field(side) else { continue };
        let at = at.child(side);
        let list_at = at.child(REQUIRED);
        for (i, term) in terms.list(REQUIRED).iter().enumerate() {
            pod_affinity_term(check, term, &list_at.index(i));
        }
        let list_at = at.child(PREFERRED);
        for (i, term) in terms.list(PREFERRED).iter().enumerate() {
            let at = list_at.index(i);
            weight(check, term, &at);
            pod_affinity_term(check, term.part("podAffinityTerm"), &at.child("podAffinityTerm"));
        }
    }
}

fn weight(check: &mut Check, term: &Value, at: &Place) {
    if !(1..=100).contains(&term.number("weight")) {
        check.invalid(&at.child("weight"), term.number("weight"), "must be in the range 1-100");
    }
}

/// A selector of nodes.
pub(in crate::simulate::validate) fn node_selector(check: &mut Check, selector: &Value, lax: bool, at: &Place) {
    let list_at = at.child("nodeSelectorTerms");
    if selector.list("nodeSelectorTerms").is_empty() {
        return check.required(&list_at, "must have at least one node selector term");
    }
    for (i, term) in selector.list("nodeSelectorTerms").iter().enumerate() {
        node_selector_term(check, term, lax, &list_at.index(i));
    }
}

fn node_selector_term(check: &mut Check, term: &Value, lax: bool, at: &Place) {
    let list_at = at.child("matchExpressions");
    for (i, requirement) in term.list("matchExpressions").iter().enumerate() {
        node_requirement(check, requirement, lax, &list_at.index(i));
    }
    let list_at = at.child("matchFields");
    for (i, requirement) in term.list("matchFields").iter().enumerate() {
        node_field(check, requirement, &list_at.index(i));
    }
}

fn node_requirement(check: &mut Check, requirement: &Value, lax: bool, at: &Place) {
    let (values_at, count) = (at.child("values"), requirement.list("values").len());
    match requirement.text("operator") {
        "In" | "NotIn" if count == 0 => check.required(&values_at, "must be specified when `operator` is 'In' or 'NotIn'"),
        "Exists" | "DoesNotExist" if count > 0 => {
            check.forbidden(&values_at, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
        }
        "Gt" | "Lt" if count != 1 => check.required(&values_at, "must be specified single value when `operator` is 'Lt' or 'Gt'"),
        "In" | "NotIn" | "Exists" | "DoesNotExist" | "Gt" | "Lt" => {}
        other => check.invalid(&at.child("operator"), other, "not a valid selector operator"),
    }
    label_key(check, requirement.text("key"), &at.child("key"));
    if !lax {
        for (i, value) in requirement.texts("values").enumerate() {
            check.invalid_each(&values_at.index(i), value, label_value(check.version(), value));
        }
    }
}

fn node_field(check: &mut Check, requirement: &Value, at: &Place) {
    let values_at = at.child("values");
    match requirement.text("operator") {
        "In" | "NotIn" if requirement.list("values").len() != 1 => {
            check.required(&values_at, "must be only one value when `operator` is 'In' or 'NotIn' for node field selector");
        }
        "In" | "NotIn" => {}
        other => check.invalid(&at.child("operator"), other, "not a valid selector operator"),
    }
    if requirement.text("key") != "metadata.name" {
        return check.invalid(&at.child("key"), requirement.text("key"), "not a valid field selector key");
    }
    for (i, value) in requirement.texts("values").enumerate() {
        check.invalid_each(&values_at.index(i), value, Names::Subdomain.errors(value, false));
    }
}

fn pod_affinity_term(check: &mut Check, term: &Value, at: &Place) {
    for name in ["labelSelector", "namespaceSelector"] {
        selector::selector(check, term.part(name), check.options.lax_selectors, &at.child(name));
    }
    for namespace in term.texts("namespaces") {
        check.invalid_each(&at.child("namespace"), namespace, dns_label(namespace));
    }
    label_keys(check, term, at);
    let key = term.text("topologyKey");
    if key.is_empty() {
        check.required(&at.child("topologyKey"), "can not be empty");
    }
    label_key(check, key, &at.child("topologyKey"));
}

/// Label keys whose values are taken from the pod itself.
pub(super) fn label_keys(check: &mut Check, term: &Value, at: &Place) {
    let selector = term.part("labelSelector");
    for name in ["matchLabelKeys", "mismatchLabelKeys"] {
        let list_at = at.child(name);
        if !term.list(name).is_empty() && selector.is_null() {
            check.forbidden(&list_at, "must not be specified when labelSelector is not set");
            continue;
        }
        for (i, key) in term.texts(name).enumerate() {
            label_key(check, key, &list_at.index(i));
        }
    }
    let mut selected: BTreeSet<&str> = selector.pairs("matchLabels").map(|(k, _)| k).collect();
    for expression in selector.list("matchExpressions") {
        let key = expression.text("key");
        if let Some(i) = term.texts("matchLabelKeys").position(|k| k == key).filter(|_| selected.contains(key)) {
            check.invalid(&at.index(i), key, "exists in both matchLabelKeys and labelSelector");
        }
        selected.insert(key);
    }
    let list_at = at.child("matchLabelKeys");
    for (i, key) in term.texts("matchLabelKeys").enumerate() {
        if term.texts("mismatchLabelKeys").any(|k| k == key) {
            check.invalid(&list_at.index(i), key, "exists in both matchLabelKeys and mismatchLabelKeys");
        }
    }
}

fn old_label_keys(check: &mut Check, constraint: &Value, at: &Place) {
    let selector = constraint.part("labelSelector");
    if constraint.list("matchLabelKeys").is_empty() {
        return;
    }
    if selector.is_null() {
        check.forbidden(at, "must not be specified when labelSelector is not set");
    }
    for (i, key) in constraint.texts("matchLabelKeys").enumerate() {
        label_key(check, key, &at.index(i));
        let selected =
            selector.pairs("matchLabels").any(|(k, _)| k == key) || selector.list("matchExpressions").iter().any(|e| e.text("key") == key);
        if selected {
            check.invalid(&at.index(i), key, "exists in both matchLabelKeys and labelSelector");
        }
    }
}

/// How pods spread over domains.
pub(super) fn spread(check: &mut Check, constraints: &[Value], list_at: &Place) {
    for (i, constraint) in constraints.iter().enumerate() {
        let at = list_at.index(i);
        let (key, action) = (constraint.text("topologyKey"), constraint.text("whenUnsatisfiable"));
        check.positive(constraint.number("maxSkew"), &at.child("maxSkew"));
        if key.is_empty() {
            check.required(&at.child("topologyKey"), "can not be empty");
        }
        check.one_of(&at.child("whenUnsatisfiable"), action, &["DoNotSchedule", "ScheduleAnyway"]);
        if constraints[i + 1..].iter().any(|c| c.text("topologyKey") == key && c.text("whenUnsatisfiable") == action) {
            check.duplicate(&at.child("{topologyKey, whenUnsatisfiable}"), format!("{{{key}, {action}}}").as_str());
        }
        if let Some(domains) = constraint.number_if_set("minDomains") {
            check.positive(domains, &at.child("minDomains"));
            if action != "DoNotSchedule" {
                let detail = format!("can only use minDomains if whenUnsatisfiable=DoNotSchedule, not {action}");
                check.invalid(&at.child("minDomains"), domains, &detail);
            }
        }
        for policy in ["nodeAffinityPolicy", "nodeTaintsPolicy"] {
            if constraint.has(policy) {
                check.one_of(&at.child(policy), constraint.text(policy), &["Honor", "Ignore"]);
            }
        }
        if check.options.old_match_label_keys {
            old_label_keys(check, constraint, &at.child("matchLabelKeys"));
        } else {
            label_keys(check, constraint, &at);
        }
        if !check.options.lax_spread_selectors {
            selector::selector(check, constraint.part("labelSelector"), false, &at.child("labelSelector"));
        }
    }
}

/// Taints that a pod bears.
pub(super) fn tolerations(check: &mut Check, tolerations: &[Value], list_at: &Place) {
    for (i, toleration) in tolerations.iter().enumerate() {
        let at = list_at.index(i);
        let (key, operator, value) = (toleration.text("key"), toleration.text("operator"), toleration.text("value"));
        let (operator_at, effect_at, effect) = (at.child("operator"), at.child("effect"), toleration.text("effect"));
        if !key.is_empty() {
            label_key(check, key, &at.child("key"));
        } else if operator != "Exists" {
            let detail = "operator must be Exists when `key` is empty, which means \"match all values and all keys\"";
            check.invalid(&operator_at, operator, detail);
        }
        if toleration.has("tolerationSeconds") && effect != "NoExecute" {
            check.invalid(&effect_at, effect, "effect must be 'NoExecute' when `tolerationSeconds` is set");
        }
        match operator {
            "Equal" | "" => {
                let messages = label_value(check.version(), value);
                if !messages.is_empty() {
                    check.invalid(&operator_at, value, &messages.join(";"));
                }
            }
            "Exists" if !value.is_empty() => check.invalid(&operator_at, value, "value must be empty when `operator` is 'Exists'"),
            "Exists" => {}
            "Lt" | "Gt" if check.options.toleration_comparison => number_value(check, value, &at.child("value")),
            "Lt" | "Gt" if check.version() > Version::V1_34 => {
                check.not_supported(&operator_at, operator, &["Equal", "Exists", "Lt", "Gt"]);
            }
            other => check.not_supported(&operator_at, other, &["Equal", "Exists"]),
        }
        if !effect.is_empty() {
            check.one_of(&effect_at, effect, &["NoSchedule", "PreferNoSchedule", "NoExecute"]);
        }
    }
}

fn number_value(check: &mut Check, value: &str, at: &Place) {
    if value.is_empty() {
        check.invalid(at, value, "must be non-empty");
    } else if value.parse::<i64>().is_ok_and(|n| n.to_string() != value) {
        check.invalid(at, value, "must be a valid decimal integer in canonical form");
    }
    if value.parse::<i64>().is_err() {
        let why = if value.trim_start_matches('-').bytes().all(|b| b.is_ascii_digit()) && !value.is_empty() {
            "value out of range"
        } else {
            "invalid syntax"
        };
        if why == "invalid syntax" && !value.is_empty() {
            check.invalid(at, value, "must be a valid decimal integer in canonical form");
        }
        check.invalid(at, value, &format!("strconv.ParseInt: parsing {}: {why}", crate::simulate::status::quoted(value)));
    }
}

/// Conditions that a pod waits for, to be ready or to be scheduled.
pub(super) fn gates(check: &mut Check, spec: &Value, at: &Place) {
    let list_at = at.child("readinessGates");
    for (i, gate) in spec.list("readinessGates").iter().enumerate() {
        let name = gate.text("conditionType");
        check.invalid_each(&list_at.index(i).child("conditionType"), name, qualified_name(check.version(), name));
    }
    let (list_at, mut seen) = (at.child("schedulingGates"), BTreeSet::new());
    for (i, gate) in spec.list("schedulingGates").iter().enumerate() {
        let name = gate.text("name");
        check.invalid_each(&list_at.index(i), name, qualified_name(check.version(), name));
        if !seen.insert(name) {
            check.duplicate(&list_at.index(i), name);
        }
    }
}

/// A term of a storage class's topology: its keys with their values.
pub(in crate::simulate::validate) fn topology_term<'t>(
    check: &mut Check,
    term: &'t Value,
    at: &Place,
) -> Vec<(&'t str, BTreeSet<&'t str>)> {
    let (list_at, mut found) = (at.child("matchLabelExpressions"), Vec::new());
    for (i, requirement) in term.list("matchLabelExpressions").iter().enumerate() {
        let at = list_at.index(i);
        let (key, values_at, mut values) = (requirement.text("key"), at.child("values"), BTreeSet::new());
        if requirement.list("values").is_empty() {
            check.required(&values_at, "");
        }
        for (j, value) in requirement.texts("values").enumerate() {
            if !values.insert(value) {
                check.duplicate(&values_at.index(j), value);
            }
        }
        label_key(check, key, &at.child("key"));
        if found.iter().any(|(k, _)| *k == key) {
            check.duplicate(&at.child("key"), key);
        }
        found.push((key, values));
    }
    found
}
