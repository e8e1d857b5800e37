//! StorageClasses and PriorityClasses.
//!
//! Follows `pkg/apis/storage/validation/validation.go` and `pkg/apis/scheduling/validation/validation.go`.

use super::check::{Check, Place};
use super::formats::qualified_name;
use super::metadata::{self, Names};
use super::pod;
use super::read::Read;
use crate::object::Value;
use crate::schema::Version;

const IMMUTABLE: &str = "field is immutable";

/// A StorageClass, new or changed.
pub(super) fn storage_class(check: &mut Check, new: &Value, old: Option<&Value>) {
    metadata::metadata(check, new, false, Names::Subdomain);
    let provisioner = new.text("provisioner");
    if check.declared_filled(provisioner, &Place::root("provisioner")) {
        let lower = provisioner.to_lowercase();
        check.invalid_each(&Place::root("provisioner"), &lower, qualified_name(check.version(), &lower));
    }
    parameters(check, new);
    if !new.text("reclaimPolicy").is_empty() {
        check.one_of(&Place::root("reclaimPolicy"), new.text("reclaimPolicy"), &["Delete", "Retain"]);
    }
    if new.has("volumeBindingMode") {
        check.one_of(&Place::root("volumeBindingMode"), new.text("volumeBindingMode"), &["Immediate", "WaitForFirstConsumer"]);
    } else {
        check.required(&Place::root("volumeBindingMode"), "");
    }
    // The server's list of what it has seen begins with as many empty terms as there are terms.
    let (list_at, mut seen) = (Place::root("allowedTopologies"), vec![Vec::new(); new.list("allowedTopologies").len()]);
    for (i, term) in new.list("allowedTopologies").iter().enumerate() {
        let mut keys = pod::topology_term(check, term, &list_at.index(i));
        keys.sort();
        for _ in seen.iter().filter(|s| **s == keys) {
            check.duplicate(&list_at.index(i).child("matchLabelExpressions"), "");
        }
        seen.push(keys);
    }
    let Some(old) = old else { return };
    metadata::update(check, new, old);
    let forbidden = check.version() < Version::V1_36;
    let fields = match check.version() {
        Version::V1_37 => ["provisioner", "parameters", "reclaimPolicy", "volumeBindingMode"],
        _ => ["parameters", "provisioner", "reclaimPolicy", "volumeBindingMode"],
    };
    for name in fields {
        let empty = |v: Option<&Value>| v.is_none_or(|v| v.as_object().is_some_and(|m| m.is_empty()));
        // Where it was forbidden, parameters that are empty were others than none.
        let both_empty = !forbidden && empty(new.field(name)) && empty(old.field(name));
        if new.field(name) == old.field(name) || both_empty {
            continue;
        }
        if forbidden && name != "volumeBindingMode" {
            check.forbidden(&Place::root(name), &format!("updates to {name} are forbidden."));
        } else {
            // A rule that is declared shows no value.
            let shown = if check.version() < Version::V1_37 { new.part(name) } else { &Value::Null };
            check.by_declaration(|check| check.invalid(&Place::root(name), shown, IMMUTABLE));
        }
    }
}

fn parameters(check: &mut Check, class: &Value) {
    let at = Place::root("parameters");
    if class.pairs("parameters").count() > 512 {
        return check.too_long(&at, 512);
    }
    let mut size = 0;
    for (key, value) in class.pairs("parameters") {
        if key.is_empty() {
            check.invalid(&at, key, "field can not be empty.");
        }
        size += key.len() + value.len();
    }
    if size > 256 * 1024 {
        check.too_long(&at, 256 * 1024);
    }
}

/// The highest priority that is not the system's own.
const HIGHEST: i64 = 1_000_000_000;

/// A PriorityClass, new or changed.
pub(super) fn priority_class(check: &mut Check, new: &Value, old: Option<&Value>) {
    let value = new.number("value");
    if let Some(old) = old {
        metadata::update(check, new, old);
        if value != old.number("value") {
            check.forbidden(&Place::root("value"), "may not be changed in an update.");
        }
        if new.field("preemptionPolicy") != old.field("preemptionPolicy") {
            check.invalid(&Place::root("preemptionPolicy"), new.part("preemptionPolicy"), IMMUTABLE);
        }
        return;
    }
    metadata::metadata(check, new, false, Names::Subdomain);
    let name = new.part("metadata").text("name");
    if name.starts_with("system-") {
        let known = match name {
            "system-node-critical" => Some(2 * HIGHEST + 1000),
            "system-cluster-critical" => Some(2 * HIGHEST),
            _ => None,
        };
        let why = match known {
            None => format!("{name} is not a known system priority class"),
            Some(known) if known != value => format!("value of {name} PriorityClass must be {known}"),
            Some(_) if new.on("globalDefault") => format!("globalDefault of {name} PriorityClass must be false"),
            Some(_) => String::new(),
        };
        if !why.is_empty() {
            let detail = format!("priority class names with 'system-' prefix are reserved for system use only. error: {why}");
            check.forbidden(&Place::root("metadata.name"), &detail);
        }
    } else if value > HIGHEST {
        check.forbidden(&Place::root("value"), &format!("maximum allowed value of a user defined priority is {HIGHEST}"));
    }
    let policy_at = Place::root("preemptionPolicy");
    match new.field("preemptionPolicy").and_then(Value::as_str) {
        None => {}
        Some("") => check.required(&policy_at, ""),
        Some(policy) => check.one_of(&policy_at, policy, &["PreemptLowerPriority", "Never"]),
    }
}
