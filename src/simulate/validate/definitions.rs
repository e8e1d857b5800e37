//! CustomResourceDefinitions, as far as their names, versions and scope go; their schemas are not looked into.
//!
//! Follows apiextensions-apiserver `pkg/apis/apiextensions/validation/validation.go`.

use super::check::{Check, Place, TypedList};
use super::formats::{dns_1035_label, dns_subdomain};
use super::metadata::{self, Names};
use super::read::Read;
use crate::object::Value;
use std::collections::BTreeSet;

const AT: Place<'static> = Place::root("spec");
const VERSION: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionVersion";

const MIXED: &str = "may have mixed case, but should otherwise match: ";

/// A CustomResourceDefinition, new or changed.
pub(super) fn definition(check: &mut Check, new: &Value, old: Option<&Value>) {
    let spec = new.part("spec");
    match old {
        Some(old) => metadata::update(check, new, old),
        None => named(check, new),
    }
    let group = spec.text("group");
    if check.filled(group, &AT.child("group")) {
        let messages = dns_subdomain(group);
        if !messages.is_empty() {
            check.invalid(&AT.child("group"), group, &messages.join(","));
        } else if !group.contains('.') {
            check.invalid(&AT.child("group"), group, "should be a domain with at least one dot");
        }
    }
    if check.filled(spec.text("scope"), &AT.child("scope")) {
        check.one_of(&AT.child("scope"), spec.text("scope"), &["Cluster", "Namespaced"]);
    }
    versions(check, spec);
    let at = AT.child("names");
    for name in ["plural", "singular", "kind", "listKind"] {
        check.filled(spec.part("names").text(name), &at.child(name));
    }
    names(check, spec.part("names"), &at);
    if let Some(old) = old {
        let established =
            old.part("status").list("conditions").iter().any(|c| c.text("type") == "Established" && c.text("status") == "True");
        kept(check, spec, old.part("spec"), established);
    }
}

fn named(check: &mut Check, new: &Value) {
    let spec = new.part("spec");
    let name = new.part("metadata").text("name");
    let required = format!("{}.{}", spec.part("names").text("plural"), spec.text("group"));
    let before = check.count();
    metadata::metadata(check, new, false, Names::Subdomain);
    if !name.is_empty() && name != required {
        let at = Place::root("metadata.name");
        check.invalid(&at, name, "must be spec.names.plural+\".\"+spec.group");
        // it stands before what else is wrong with the metadata
        let own = check.causes[before..].iter().take_while(|c| c.field == "metadata.name").count().min(check.count() - before - 1);
        check.causes[before + own..].rotate_right(1);
    }
}

fn versions(check: &mut Check, spec: &Value) {
    let (list_at, all) = (AT.child("versions"), spec.list("versions"));
    for (i, version) in all.iter().enumerate() {
        if !version.part("schema").has("openAPIV3Schema") {
            check.required(&list_at.index(i).child("schema.openAPIV3Schema"), "");
        }
    }
    let (mut seen, mut unique) = (BTreeSet::new(), true);
    for (i, version) in all.iter().enumerate() {
        let name = version.text("name");
        unique &= seen.insert(name);
        let messages = dns_1035_label(name);
        if !messages.is_empty() {
            check.invalid(&list_at.index(i).child("name"), name, &messages.join(","));
        }
    }
    let stored = all.iter().filter(|v| v.on("storage")).count();
    for (good, detail) in
        [(unique, "must contain unique version names"), (stored == 1, "must have exactly one version marked as storage version")]
    {
        if !good {
            let shown = TypedList(VERSION, all);
            check.invalid(&list_at, shown, detail);
        }
    }
}

fn names(check: &mut Check, names: &Value, at: &Place) {
    for (name, mixed) in [("plural", ""), ("singular", ""), ("kind", MIXED), ("listKind", MIXED)] {
        let text = names.text(name);
        let messages = dns_1035_label(&if mixed.is_empty() { text.to_owned() } else { text.to_lowercase() });
        if !text.is_empty() && !messages.is_empty() {
            check.invalid(&at.child(name), text, &format!("{mixed}{}", messages.join(",")));
        }
    }
    for list in ["shortNames", "categories"] {
        let list_at = at.child(list);
        for (i, text) in names.texts(list).enumerate() {
            let messages = dns_1035_label(text);
            if !messages.is_empty() {
                check.invalid(&list_at.index(i), text, &messages.join(","));
            }
        }
    }
    if !names.text("kind").is_empty() && names.text("kind") == names.text("listKind") {
        check.invalid(&at.child("listKind"), names.text("listKind"), "kind and listKind may not be the same");
    }
}

fn kept(check: &mut Check, spec: &Value, was: &Value, established: bool) {
    let mut keep = |at: &Place, now: &str, before: &str| {
        if now != before {
            check.invalid(at, now, "field is immutable");
        }
    };
    if established {
        keep(&AT.child("scope"), spec.text("scope"), was.text("scope"));
        keep(&AT.child("names.kind"), spec.part("names").text("kind"), was.part("names").text("kind"));
    }
    keep(&AT.child("group"), spec.text("group"), was.text("group"));
    keep(&AT.child("names.plural"), spec.part("names").text("plural"), was.part("names").text("plural"));
}
