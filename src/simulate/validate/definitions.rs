//! CustomResourceDefinitions: names, scope, versions and what was stored; what stands in a version is in the files beside.
//!
//! Follows apiextensions-apiserver `pkg/apis/apiextensions/validation/validation.go`.

use super::check::{Check, Place, TypedList};
use super::definition_versions;
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
    // What is stored already is not held to rules that came later.
    let unchanged = old.is_some_and(|old| old.part("spec").part("versions") == spec.part("versions"));
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
    let shared = definition_versions::Shared::of(spec);
    versions(check, spec, &shared, unchanged);
    let at = AT.child("names");
    for name in ["plural", "singular", "kind", "listKind"] {
        check.filled(spec.part("names").text(name), &at.child(name));
    }
    names(check, spec.part("names"), &at);
    if !unchanged {
        shared.check(check, spec);
    }
    definition_versions::conversion(check, spec.part("conversion"), &AT.child("conversion"));
    stored_versions(check, new);
    approval(check, new, old);
    if spec.on("preserveUnknownFields") && !old.is_some_and(|old| old.part("spec").on("preserveUnknownFields")) {
        let instead = "set x-kubernetes-preserve-unknown-fields to true in spec.versions[*].schema instead";
        check.invalid(&AT.child("preserveUnknownFields"), true, &format!("cannot set to true, {instead}"));
    }
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

/// Every version that objects were stored in must still be one.
fn stored_versions(check: &mut Check, definition: &Value) {
    let (status, at) = (definition.part("status"), Place::root("status.storedVersions"));
    let stored: Vec<&str> = status.texts("storedVersions").collect();
    if stored.is_empty() {
        return check.invalid(&at, status.part("storedVersions"), "must have at least one stored version");
    }
    let versions = definition.part("spec").list("versions");
    for version in versions.iter().filter(|v| v.on("storage") && !stored.contains(&v.text("name"))) {
        let detail = format!("must have the storage version {}", version.text("name"));
        check.invalid(&at, status.part("storedVersions"), &detail);
    }
    for (i, name) in stored.iter().enumerate().filter(|(_, name)| !versions.iter().any(|v| v.text("name") == **name)) {
        let until =
            format!("a storage migration ensures no data remains persisted in {name} and removes {name} from status.storedVersions");
        let detail =
            format!("missing from spec.versions; {name} was previously a storage version, and must remain in spec.versions until {until}");
        check.invalid(&at.index(i), *name, &detail);
    }
}

/// Kubernetes' own groups want to be approved.
fn approval(check: &mut Check, new: &Value, old: Option<&Value>) {
    const APPROVED: &str = "api-approved.kubernetes.io";
    let group = new.part("spec").text("group");
    let is_own = ["k8s.io", "kubernetes.io"].iter().any(|own| group == *own || group.ends_with(&format!(".{own}")));
    let missing = |definition: &Value| definition.part("metadata").part("annotations").text(APPROVED).is_empty();
    if is_own && missing(new) && !old.is_some_and(missing) {
        let see = "see https://github.com/kubernetes/enhancements/pull/1111";
        let detail = format!("protected groups must have approval annotation {APPROVED:?}, {see}");
        check.required(&Place::root("metadata.annotations").key(APPROVED), &detail);
    }
}

fn versions(check: &mut Check, spec: &Value, shared: &definition_versions::Shared<'_>, unchanged: bool) {
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
        if !unchanged {
            shared.check_version(check, version, &list_at.index(i));
        }
    }
    let stored = all.iter().filter(|v| v.on("storage")).count();
    for (good, detail) in
        [(unique, "must contain unique version names"), (stored == 1, "must have exactly one version marked as storage version")]
    {
        if !good {
            let held = shared.without(all);
            let shown = TypedList(VERSION, &held);
            check.invalid(&list_at, shown, detail);
        }
    }
    if let Some(first) = all.first() {
        let messages = dns_1035_label(first.text("name"));
        if !messages.is_empty() {
            check.invalid(&AT.child("version"), first.text("name"), &messages.join(","));
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
