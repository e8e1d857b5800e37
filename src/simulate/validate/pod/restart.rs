//! Restart policies of single containers, and the rules that refine them.
//!
//! Follows `validateContainerRestartPolicy` of `pkg/apis/core/validation/validation.go`.

use crate::object::Value;
use crate::schema::Version;
use crate::simulate::validate::check::{Check, Place};
use crate::simulate::validate::read::Read;

/// Of an init container.
pub(super) fn init_policy(check: &mut Check, container: &Value, at: &Place) {
    let (name, rules) = (at.child("restartPolicy"), container.list("restartPolicyRules"));
    match container.field("restartPolicy").and_then(Value::as_str) {
        None if rules.is_empty() => {}
        None if check.version() < Version::V1_35 => {}
        None => check.required(&name, "must specify restartPolicy when restart rules are used"),
        Some("Always") if check.options.restart_all => policy(check, container, at),
        Some("Always") if check.options.restart_rules => {
            if !rules.is_empty() {
                let detail = "restartPolicyRules are not allowed for init containers with restart policy Always";
                check.forbidden(&at.child("restartPolicyRules"), detail);
            }
        }
        Some(_) if check.options.restart_rules => policy(check, container, at),
        Some(policy) => check.one_of(&name, policy, &["Always"]),
    }
}

/// Of any container.
pub(super) fn policy(check: &mut Check, container: &Value, at: &Place) {
    let rules = container.list("restartPolicyRules");
    match container.field("restartPolicy").and_then(Value::as_str) {
        None if rules.is_empty() => return,
        None => check.required(&at.child("restartPolicy"), "must specify restartPolicy when restart rules are used"),
        Some(policy) => check.one_of(&at.child("restartPolicy"), policy, &["Always", "Never", "OnFailure"]),
    }
    let list_at = at.child("restartPolicyRules");
    at_most(check, rules.len(), 20, &list_at);
    let actions: &[&str] = if check.options.restart_all { &["Restart", "RestartAllContainers"] } else { &["Restart"] };
    for (i, rule) in rules.iter().enumerate() {
        let at = list_at.index(i);
        check.one_of(&at.child("action"), rule.text("action"), actions);
        let codes_at = at.child("exitCodes");
        let Some(codes) = rule.field("exitCodes") else {
            check.required(&codes_at, "must be specified");
            continue;
        };
        check.one_of(&codes_at.child("operator"), codes.text("operator"), &["In", "NotIn"]);
        at_most(check, codes.list("values").len(), 255, &codes_at.child("values"));
    }
}

/// Refuses a list with too many items, before 1.36 as one that is too long.
fn at_most(check: &mut Check, count: usize, most: usize, at: &Place) {
    match check.version() {
        _ if count <= most => {}
        Version::V1_34 | Version::V1_35 => check.too_long(at, most),
        _ => check.too_many(at, count, most),
    }
}
