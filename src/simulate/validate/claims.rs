//! PersistentVolumeClaims, and their specs in claim templates.
//!
//! Follows `ValidatePersistentVolumeClaimSpec` and `ValidatePersistentVolumeClaimUpdate` of `pkg/apis/core/validation/validation.go`.

use super::check::{Check, Place};
use super::formats::{dns_label, dns_subdomain};
use super::metadata::{self, Names};
use super::pod;
use super::read::{Read, quantity};
use super::selector;
use crate::object::{Value, map_at};

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

/// A PersistentVolumeClaim, new or changed.
pub(super) fn claim(check: &mut Check, new: &Value, old: Option<&Value>) {
    let Some(old) = old else { return whole(check, new, false) };
    metadata::update(check, new, old);
    let had_group = |source: &str| old.part("spec").part(source).has("apiGroup");
    whole(check, new, had_group("dataSource") || had_group("dataSourceRef"));
    immutable(check, new, old);
}

fn whole(check: &mut Check, claim: &Value, lax: bool) {
    metadata::metadata(check, claim, true, Names::Subdomain);
    spec(check, claim.part("spec"), lax, &Place::root("spec"));
}

const CLASS_ANNOTATION: &str = "volume.beta.kubernetes.io/storage-class";

/// All but the size and the attributes of a bound claim stay as they are.
fn immutable(check: &mut Check, new: &Value, old: &Value) {
    const SPEC: &str = "io.k8s.api.core.v1.PersistentVolumeClaimSpec";
    let (spec, was) = (new.part("spec"), old.part("spec"));
    let (mut now, mut before) = (spec.clone(), was.clone());
    let bound = new.part("status").text("phase") == "Bound";
    if was.text("volumeName").is_empty() && spec.has("volumeName") {
        map_at(&mut before, &[]).insert("volumeName".into(), spec.part("volumeName").clone());
    }
    let annotation = |claim: &Value| claim.part("metadata").part("annotations").field(CLASS_ANNOTATION).cloned();
    let (annotated, was_annotated) = (annotation(new), annotation(old));
    let (class, was_class) = (spec.field("storageClassName"), was.field("storageClassName"));
    let named = class.is_some() && was_class.is_none();
    if named && was_annotated.as_ref() == class && (annotated.is_none() || annotated == was_annotated) {
        map_at(&mut now, &[]).shift_remove("storageClassName");
    } else {
        if annotated != was_annotated {
            let text = annotated.as_ref().and_then(Value::as_str).unwrap_or_default();
            check.invalid(&Place::root("metadata.annotations").child(CLASS_ANNOTATION), text, "field is immutable");
        }
        if named && was_annotated.is_none() {
            map_at(&mut now, &[]).shift_remove("storageClassName");
        }
    }
    let size = |spec: &Value| spec.part("resources").part("requests").part("storage").clone();
    if bound && spec.part("resources").has("requests") {
        map_at(&mut now, &["resources", "requests"]).insert("storage".into(), size(was));
    }
    if bound {
        let attributes = "volumeAttributesClassName";
        match was.field(attributes) {
            Some(class) => drop(map_at(&mut now, &[]).insert(attributes.into(), class.clone())),
            None => drop(map_at(&mut now, &[]).shift_remove(attributes)),
        }
    }
    if !check.same(SPEC, &now, &before) {
        let fields = "spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims";
        let diff = check.difference(&Place::root("spec"), SPEC, &before, &now);
        check.forbidden(&Place::root("spec"), &format!("{fields}\n{diff}"));
    }
    let capacity = old.part("status").part("capacity").part("storage");
    let (new_size, old_size) = (quantity(&size(spec)), quantity(&size(was)));
    if new_size < old_size && new_size <= quantity(capacity) {
        check.forbidden(&Place::root("spec.resources.requests.storage"), "field can not be less than status.capacity");
    }
    if spec.field("volumeMode") != was.field("volumeMode") {
        check.invalid(&Place::root("volumeMode"), spec.part("volumeMode"), "field is immutable");
    }
    attributes(check, spec, was, old.part("status"));
}

fn attributes(check: &mut Check, spec: &Value, was: &Value, status: &Value) {
    let name = "volumeAttributesClassName";
    if spec.field(name) == was.field(name) || !status.has("currentVolumeAttributesClassName") {
        return;
    }
    let to = match spec.field(name) {
        None => "nil",
        Some(_) if spec.text(name).is_empty() => "empty string",
        Some(_) => return,
    };
    let detail = format!("update to {to} is forbidden when status.currentVolumeAttributesClassName is not nil");
    check.forbidden(&Place::root("spec").child(name), &detail);
}
