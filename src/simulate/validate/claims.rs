//! PersistentVolumeClaims, and their specs in claim templates.
//!
//! Follows `ValidatePersistentVolumeClaimSpec` and `ValidatePersistentVolumeClaimUpdate` of `pkg/apis/core/validation/validation.go`.

use super::check::{Check, Place};
use super::formats::{dns_label, dns_subdomain};
use super::pod;
use super::read::Read;
use super::selector;
use crate::object::Value;

/// How volumes may be mounted.
pub(super) const ACCESS_MODES: &[&str] = &["ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"];
/// As what volumes are given.
pub(super) const VOLUME_MODES: &[&str] = &["Block", "Filesystem"];

/// The spec of a claim or of a template of claims; `lax` forgives API groups of data sources that were there before.
pub(super) fn spec(check: &mut Check, spec: &Value, lax: bool, at: &Place) {
    access_modes(check, spec, "at least 1 access mode is required", at, |check| {
        selector::selector(check, spec.part("selector"), false, &at.child("selector"));
    });
    let (resources_at, storage) = (at.child("resources"), spec.part("resources").part("requests").field("storage"));
    let storage_at = resources_at.key("storage");
    match storage {
        None => check.required(&storage_at, ""),
        Some(size) => {
            if pod::positive_quantity(check, size, &storage_at) {
                pod::quantity_value(check, "storage", size, &storage_at);
            }
        }
    }
    class(check, spec, "storageClassName", at);
    if spec.has("volumeMode") {
        check.one_of(&at.child("volumeMode"), spec.text("volumeMode"), VOLUME_MODES);
    }
    for name in ["dataSource", "dataSourceRef"] {
        if let Some(source) = spec.field(name) {
            data_source(check, source, lax, &at.child(name));
        }
    }
    if let (Some(source), Some(reference)) = (spec.field("dataSource"), spec.field("dataSourceRef")) {
        let detail = if !reference.text("namespace").is_empty() {
            "may not be specified when dataSourceRef.namespace is specified"
        } else if ["apiGroup", "kind", "name"].iter().any(|n| source.field(n) != reference.field(n)) {
            "must match dataSourceRef"
        } else {
            ""
        };
        if !detail.is_empty() {
            // the server shows the path itself, which has no fields that JSON would show
            check.invalid(at, super::check::Json("{}".into()), detail);
        }
    }
    class(check, spec, "volumeAttributesClassName", at);
}

/// Access modes: at least one, known ones, and one alone if it is for a single pod.
pub(super) fn access_modes(check: &mut Check, spec: &Value, missing: &str, at: &Place, between: impl FnOnce(&mut Check)) {
    let modes_at = at.child("accessModes");
    if spec.list("accessModes").is_empty() {
        check.required(&modes_at, missing);
    }
    between(check);
    for mode in spec.texts("accessModes") {
        check.one_of(&modes_at, mode, ACCESS_MODES);
    }
    let single = |mode: &str| mode == "ReadWriteOncePod";
    if spec.texts("accessModes").any(single) && spec.texts("accessModes").any(|m| !single(m) && ACCESS_MODES.contains(&m)) {
        check.forbidden(&modes_at, "may not use ReadWriteOncePod with other access modes");
    }
}

/// The name of a class, unless it is empty.
pub(super) fn class(check: &mut Check, spec: &Value, name: &str, at: &Place) {
    if !spec.text(name).is_empty() {
        check.invalid_each(&at.child(name), spec.text(name), dns_subdomain(spec.text(name)));
    }
}

fn data_source(check: &mut Check, source: &Value, lax: bool, at: &Place) {
    check.filled(source.text("name"), &at.child("name"));
    check.filled(source.text("kind"), &at.child("kind"));
    let (group, kind) = (source.text("apiGroup"), source.text("kind"));
    if group.is_empty() && kind != "PersistentVolumeClaim" {
        check.invalid(at, kind, "must be 'PersistentVolumeClaim' when referencing the default apiGroup");
    }
    if !group.is_empty() && !lax {
        check.invalid_each(&at.child("apiGroup"), group, dns_subdomain(group));
    }
    let namespace = source.text("namespace");
    if !namespace.is_empty() {
        check.invalid_each(&at.child("namespace"), namespace, dns_label(namespace));
    }
}
