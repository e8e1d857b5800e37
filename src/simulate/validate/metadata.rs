//! The metadata of any object.
//!
//! Follows apimachinery `pkg/api/validation/objectmeta.go`, and `ValidateObjectMeta` of `pkg/apis/core/validation`, which looks at
//! finalizers once more.

use super::check::{Check, Place, Typed, TypedList};
use super::formats::{self, as_prefix, qualified_name};
use super::read::Read;
use super::selector;
use crate::object::Value;
use crate::schema::Version;

/// Which names a kind allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Names {
    /// RFC 1123 subdomain.
    Subdomain,
    /// RFC 1123 label.
    Label,
    /// RFC 1035 label.
    OldLabel,
    /// What may stand in a URL path.
    Path,
}

impl Names {
    /// What is wrong with a name.
    pub(super) fn errors(self, name: &str, prefix: bool) -> Vec<String> {
        let masked = if prefix && self != Self::Path { as_prefix(name) } else { name.to_owned() };
        match self {
            Self::Subdomain => formats::dns_subdomain(&masked),
            Self::Label => formats::dns_label(&masked),
            Self::OldLabel => formats::dns_1035_label(&masked),
            Self::Path if prefix => formats::path_segment(name).into_iter().filter(|e| e.starts_with("may not contain")).collect(),
            Self::Path => formats::path_segment(name),
        }
    }
}

const AT: Place<'static> = Place::root("metadata");
const ANNOTATIONS_LIMIT: usize = 256 * 1024;

/// Metadata of a new object, or of one that is checked as if it were new.
pub(super) fn metadata(check: &mut Check, object: &Value, namespaced: bool, names: Names) {
    named(check, object, namespaced, names);
    standard_finalizers(check, object.part("metadata"));
}

/// Metadata of a new object that may have finalizers of any name.
pub(super) fn named(check: &mut Check, object: &Value, namespaced: bool, names: Names) {
    let meta = object.part("metadata");
    let (generate, name) = (meta.text("generateName"), meta.text("name"));
    if !generate.is_empty() {
        check.invalid_each(&AT.child("generateName"), generate, names.errors(generate, true));
    }
    if name.is_empty() {
        check.required(&AT.child("name"), "name or generateName is required");
    } else {
        check.invalid_each(&AT.child("name"), name, names.errors(name, false));
    }
    common(check, meta, namespaced);
}

/// Metadata as the registry checks it for every kind; names are only looked at as parts of a path.
pub(super) fn generic(check: &mut Check, object: &Value, namespaced: bool) {
    let meta = object.part("metadata");
    let name = meta.text("name");
    if name.is_empty() {
        check.required(&AT.child("name"), "name or generateName is required");
    } else {
        check.invalid_each(&AT.child("name"), name, Names::Path.errors(name, false));
    }
    common(check, meta, namespaced);
}

fn common(check: &mut Check, meta: &Value, namespaced: bool) {
    let namespace = meta.text("namespace");
    match (namespaced, namespace.is_empty()) {
        (true, true) => check.required(&AT.child("namespace"), ""),
        (true, false) => check.invalid_each(&AT.child("namespace"), namespace, formats::dns_label(namespace)),
        (false, false) => check.forbidden(&AT.child("namespace"), "not allowed on this type"),
        (false, true) => {}
    }
    check.nonnegative(meta.number("generation"), &AT.child("generation"));
    selector::labels(check, meta.part("labels"), &AT.child("labels"));
    annotations(check, meta.part("annotations"), &AT.child("annotations"));
    owners(check, meta, &AT.child("ownerReferences"));
    finalizers(check, meta, &AT.child("finalizers"));
    managed_fields(check, meta, &AT.child("managedFields"));
}

/// Metadata of an object against what it was.
pub(super) fn update(check: &mut Check, new: &Value, old: &Value) {
    generic_update(check, new, old);
    standard_finalizers(check, new.part("metadata"));
}

/// Metadata against what it was, as the registry checks it for every kind.
pub(super) fn generic_update(check: &mut Check, new: &Value, old: &Value) {
    let (new, old) = (new.part("metadata"), old.part("metadata"));
    if old.has("deletionTimestamp") {
        let mut extra: Vec<&str> = new.texts("finalizers").filter(|f| !old.texts("finalizers").any(|o| o == *f)).collect();
        extra.sort_unstable();
        extra.dedup();
        if !extra.is_empty() {
            let list: Vec<String> = extra.iter().map(|f| crate::simulate::status::quoted(f)).collect();
            let detail = "no new finalizers can be added if the object is being deleted, found new finalizers";
            check.forbidden(&AT.child("finalizers"), &format!("{detail} []string{{{}}}", list.join(", ")));
        }
    }
    if new.text("resourceVersion").is_empty() {
        check.invalid(&AT.child("resourceVersion"), "", "must be specified for an update");
    }
    if new.number("generation") < old.number("generation") {
        check.invalid(&AT.child("generation"), new.number("generation"), "must not be decremented");
    }
    for name in ["name", "namespace"] {
        if new.text(name) != old.text(name) {
            check.invalid(&AT.child(name), new.text(name), "field is immutable");
        }
    }
    for name in ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"] {
        if new.field(name) != old.field(name) {
            check.invalid(&AT.child(name), new.part(name), "field is immutable");
        }
    }
    selector::labels(check, new.part("labels"), &AT.child("labels"));
    annotations(check, new.part("annotations"), &AT.child("annotations"));
    owners(check, new, &AT.child("ownerReferences"));
    managed_fields(check, new, &AT.child("managedFields"));
}

/// Annotations of an object or a pod template.
pub(super) fn annotations(check: &mut Check, annotations: &Value, at: &Place) {
    let mut size = 0;
    for (key, value) in annotations.as_object().into_iter().flatten() {
        size += key.len() + value.as_str().map_or(0, str::len);
        let messages = qualified_name(check.version(), &key.to_lowercase());
        check.invalid_each(at, key, messages);
    }
    if size > ANNOTATIONS_LIMIT {
        check.too_long(at, ANNOTATIONS_LIMIT);
    }
}

fn owners(check: &mut Check, meta: &Value, at: &Place) {
    let mut controller: Option<String> = None;
    for (i, owner) in meta.list("ownerReferences").iter().enumerate() {
        if check.version() < Version::V1_37 {
            owner_before_1_37(check, owner, at);
        } else {
            owner_reference(check, owner, &at.index(i));
        }
        if owner.on("controller") {
            let this = format!("{}/{}", owner.text("kind"), owner.text("name"));
            match &controller {
                None => controller = Some(this),
                Some(first) => {
                    let shown = TypedList(OWNER, meta.list("ownerReferences"));
                    let detail = "Only one reference can have Controller set to true. Found \"true\" in references for";
                    check.invalid(at, shown, &format!("{detail} {first} and {this}"));
                }
            }
        }
    }
}

const OWNER: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.OwnerReference";

fn owner_before_1_37(check: &mut Check, owner: &Value, at: &Place) {
    let api = owner.text("apiVersion");
    if api.rsplit('/').next().unwrap_or_default().is_empty() || api.matches('/').count() > 1 {
        check.invalid(&at.child("apiVersion"), api, "version must not be empty");
    }
    for name in ["kind", "name", "uid"] {
        if owner.text(name).is_empty() {
            check.invalid(&at.child(name), "", "must not be empty");
        }
    }
    banned_owner(check, owner, at);
}

fn owner_reference(check: &mut Check, owner: &Value, at: &Place) {
    let api = owner.text("apiVersion");
    if api.is_empty() {
        check.required(&at.child("apiVersion"), "must not be empty");
    } else if api.ends_with('/') || api.matches('/').count() > 1 {
        check.invalid(&at.child("apiVersion"), api, "must be <group>/<version> or <version>");
    }
    for name in ["kind", "name", "uid"] {
        if owner.text(name).is_empty() {
            check.required(&at.child(name), "must not be empty");
        }
    }
    banned_owner(check, owner, at);
}

fn banned_owner(check: &mut Check, owner: &Value, at: &Place) {
    if owner.text("apiVersion") == "v1" && owner.text("kind") == "Event" {
        check.invalid(at, Typed(OWNER, owner), "/v1, Kind=Event is disallowed from being an owner");
    }
}

fn finalizers(check: &mut Check, meta: &Value, at: &Place) {
    for name in meta.texts("finalizers") {
        let messages = qualified_name(check.version(), name);
        check.invalid_each(at, name, messages);
    }
    let has = |name: &str| meta.texts("finalizers").any(|f| f == name);
    if has("orphan") && has("foregroundDeletion") {
        check.invalid(at, meta.part("finalizers"), "finalizer orphan and foregroundDeletion cannot be both set");
    }
}

fn standard_finalizers(check: &mut Check, meta: &Value) {
    let at = AT.child("finalizers");
    for (i, name) in meta.texts("finalizers").enumerate() {
        standard_finalizer(check, name, &at.index(i));
    }
}

/// A finalizer without a domain must be one of Kubernetes' own.
pub(super) fn standard_finalizer(check: &mut Check, name: &str, at: &Place) {
    if !name.contains('/') && !["kubernetes", "orphan", "foregroundDeletion"].contains(&name) {
        check.invalid(at, name, "name is neither a standard finalizer name nor is it fully qualified");
    }
}

fn managed_fields(check: &mut Check, meta: &Value, at: &Place) {
    for (i, entry) in meta.list("managedFields").iter().enumerate() {
        let at = at.index(i);
        let operation = entry.text("operation");
        if !["Apply", "Update"].contains(&operation) {
            check.invalid(&at.child("operation"), operation, "must be `Apply` or `Update`");
        }
        let kind = entry.text("fieldsType");
        if !kind.is_empty() && kind != "FieldsV1" {
            check.invalid(&at.child("fieldsType"), kind, "must be `FieldsV1`");
        }
        if entry.text("manager").len() > 128 {
            check.too_long(&at.child("manager"), 128);
        }
        if entry.text("subresource").len() > 256 {
            check.too_long(&at.child("subresource"), 256);
        }
    }
}
