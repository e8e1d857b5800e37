//! Roles, ClusterRoles and their bindings.
//!
//! Follows `pkg/apis/rbac/validation/validation.go`.

use super::check::{Check, Json, Place, Typed};
use super::formats::{dns_subdomain, path_segment};
use super::metadata::{self, Names};
use super::read::Read;
use super::selector::{self, Matching};
use crate::object::Value;
use crate::schema::Version;

const GROUP: &str = "rbac.authorization.k8s.io";

/// A Role, new or changed.
pub(super) fn role(check: &mut Check, new: &Value, old: Option<&Value>) {
    any_role(check, new, old, true);
}

/// A ClusterRole, new or changed.
pub(super) fn cluster_role(check: &mut Check, new: &Value, old: Option<&Value>) {
    any_role(check, new, old, false);
}

fn any_role(check: &mut Check, new: &Value, old: Option<&Value>, namespaced: bool) {
    metadata::metadata(check, new, namespaced, Names::Path);
    let list_at = Place::root("rules");
    for (i, rule) in new.list("rules").iter().enumerate() {
        policy_rule(check, rule, namespaced, &list_at.index(i));
    }
    if let Some(aggregation) = new.field("aggregationRule").filter(|_| !namespaced) {
        aggregation_rule(check, aggregation, old);
    }
    if let Some(old) = old {
        metadata::update(check, new, old);
    }
}

fn aggregation_rule(check: &mut Check, aggregation: &Value, old: Option<&Value>) {
    let (list_at, chosen) = (Place::root("aggregationRule.clusterRoleSelectors"), aggregation.list("clusterRoleSelectors"));
    if chosen.is_empty() {
        check.required(&list_at, "at least one clusterRoleSelector required if aggregationRule is non-nil");
    }
    let had = old.map(|o| o.part("aggregationRule").list("clusterRoleSelectors")).unwrap_or_default();
    let lax = had.iter().any(|s| selector::has_bad_values(check.version(), s));
    for (i, one) in chosen.iter().enumerate() {
        selector::selector(check, one, lax, &list_at.index(i));
        if selector::matching(check, one, &Value::Null) == Matching::Broken {
            check.invalid(&list_at.index(i), Json("null".into()), "invalid label selector.");
        }
    }
}

fn policy_rule(check: &mut Check, rule: &Value, namespaced: bool, at: &Place) {
    if rule.list("verbs").is_empty() {
        let detail = if check.version() < Version::V1_37 { "verbs must contain at least one value" } else { "" };
        check.by_declaration(|check| check.required(&at.child("verbs"), detail));
    }
    if !rule.list("nonResourceURLs").is_empty() {
        let (at, urls) = (at.child("nonResourceURLs"), rule.part("nonResourceURLs"));
        if namespaced {
            check.invalid(&at, urls, "namespaced rules cannot apply to non-resource URLs");
        }
        if ["apiGroups", "resources", "resourceNames"].iter().any(|l| !rule.list(l).is_empty()) {
            check.invalid(&at, urls, "rules cannot apply to both regular resources and non-resource URLs");
        }
        return;
    }
    for (name, noun) in [("apiGroups", "api group"), ("resources", "resource")] {
        if rule.list(name).is_empty() {
            check.required(&at.child(name), &format!("resource rules must supply at least one {noun}"));
        }
    }
}

/// A RoleBinding, new or changed.
pub(super) fn role_binding(check: &mut Check, new: &Value, old: Option<&Value>) {
    binding(check, new, old, true);
}

/// A ClusterRoleBinding, new or changed.
pub(super) fn cluster_role_binding(check: &mut Check, new: &Value, old: Option<&Value>) {
    binding(check, new, old, false);
}

fn binding(check: &mut Check, new: &Value, old: Option<&Value>, namespaced: bool) {
    metadata::metadata(check, new, namespaced, Names::Path);
    let (role, at) = (new.part("roleRef"), Place::root("roleRef"));
    check.one_of(&at.child("apiGroup"), role.text("apiGroup"), &[GROUP]);
    let kinds: &[&str] = if namespaced { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    check.one_of(&at.child("kind"), role.text("kind"), kinds);
    if check.declared_filled(role.text("name"), &at.child("name")) {
        check.invalid_each(&at.child("name"), role.text("name"), path_segment(role.text("name")));
    }
    let list_at = Place::root("subjects");
    for (i, one) in new.list("subjects").iter().enumerate() {
        subject(check, one, namespaced, &list_at.index(i));
    }
    let Some(old) = old else { return };
    metadata::update(check, new, old);
    let was = old.part("roleRef");
    if ["apiGroup", "kind", "name"].iter().any(|f| role.text(f) != was.text(f)) {
        let shown = Typed("io.k8s.api.rbac.v1.RoleRef", role);
        let why = if check.version() < Version::V1_37 { "cannot change roleRef" } else { "field is immutable" };
        check.invalid(&at, shown, why);
    }
}

fn subject(check: &mut Check, subject: &Value, namespaced: bool, at: &Place) {
    let (name, group) = (subject.text("name"), subject.text("apiGroup"));
    check.declared_filled(name, &at.child("name"));
    match subject.text("kind") {
        "ServiceAccount" => {
            if !name.is_empty() {
                check.invalid_each(&at.child("name"), name, dns_subdomain(name));
            }
            check.one_of(&at.child("apiGroup"), group, &[""]);
            if !namespaced {
                check.filled(subject.text("namespace"), &at.child("namespace"));
            }
        }
        "User" | "Group" => check.one_of(&at.child("apiGroup"), group, &[GROUP]),
        other => check.not_supported(&at.child("kind"), other, &["ServiceAccount", "User", "Group"]),
    }
}
