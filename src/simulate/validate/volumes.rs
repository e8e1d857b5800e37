//! PersistentVolumes.
//!
//! Follows `ValidatePersistentVolumeSpec` and `ValidatePersistentVolumeUpdate` of `pkg/apis/core/validation/validation.go`.

use super::check::{Check, Place, Typed};
use super::claims::{self, VOLUME_MODES};
use super::internal::VOLUME_SOURCE;
use super::metadata::{self, Names};
use super::pod;
use super::read::{Read, quantity};
use crate::object::{Value, map_at};

const AT: Place<'static> = Place::root("spec");

/// Sources in the order they are looked at; how a second one is named in an error, and the first.
const SOURCES: &[(&str, &str, &str)] = &[
    ("hostPath", "hostPath", "hostPath"),
    ("gcePersistentDisk", "gcePersistentDisk", "persistentDisk"),
    ("awsElasticBlockStore", "awsElasticBlockStore", "awsElasticBlockStore"),
    ("glusterfs", "glusterfs", "glusterfs"),
    ("flocker", "flocker", "flocker"),
    ("nfs", "nfs", "nfs"),
    ("rbd", "rbd", "rbd"),
    ("quobyte", "quobyte", "quobyte"),
    ("cephfs", "cephFS", "cephfs"),
    ("iscsi", "iscsi", "iscsi"),
    ("cinder", "cinder", "cinder"),
    ("fc", "fc", "fc"),
    ("flexVolume", "", "flexVolume"),
    ("azureFile", "azureFile", "azureFile"),
    ("vsphereVolume", "vsphereVolume", "vsphereVolume"),
    ("photonPersistentDisk", "photonPersistentDisk", "photonPersistentDisk"),
    ("portworxVolume", "portworxVolume", "portworxVolume"),
    ("azureDisk", "azureDisk", "azureDisk"),
    ("scaleIO", "scaleIO", "scaleIO"),
    ("local", "local", "local"),
    ("storageos", "storageos", "storageos"),
    ("csi", "csi", "csi"),
];

/// Sources that take mount options by annotation.
const MOUNT_OPTIONS: &[&str] = &[
    "gcePersistentDisk",
    "awsElasticBlockStore",
    "glusterfs",
    "nfs",
    "rbd",
    "quobyte",
    "iscsi",
    "cinder",
    "cephfs",
    "azureFile",
    "vsphereVolume",
    "azureDisk",
    "photonPersistentDisk",
];

/// A PersistentVolume, new or changed.
pub(super) fn volume(check: &mut Check, new: &Value, old: Option<&Value>) {
    whole(check, new, old);
    let annotation = "volume.beta.kubernetes.io/mount-options";
    let annotated = new.part("metadata").part("annotations").has(annotation);
    if annotated && !MOUNT_OPTIONS.iter().any(|s| new.part("spec").has(s)) {
        check.forbidden(&Place::root("metadata.annotations").child(annotation), "may not specify mount options for this volume type");
    }
    if let Some(old) = old {
        whole(check, new, Some(old));
        immutable(check, new.part("spec"), old.part("spec"));
    }
}

fn whole(check: &mut Check, volume: &Value, old: Option<&Value>) {
    metadata::metadata(check, volume, false, Names::Subdomain);
    let spec = volume.part("spec");
    claims::access_modes(check, spec, "", &AT, |_| {});
    let (capacity_at, sizes) = (AT.child("capacity"), spec.part("capacity"));
    let count = spec.entries("capacity").count();
    if count == 0 {
        check.required(&capacity_at, "");
    }
    if !sizes.has("storage") || count > 1 {
        check.not_supported(&capacity_at, sizes, &["storage"]);
    }
    for (name, size) in spec.entries("capacity") {
        if quantity(size).is_negative() {
            let whole = quantity(size).value().unwrap_or(i64::MIN);
            check.invalid(&capacity_at.key(name), whole, "must be a valid resource quantity");
        }
        pod::positive_quantity(check, size, &capacity_at.key(name));
    }
    let policy = spec.text("persistentVolumeReclaimPolicy");
    if !policy.is_empty() {
        check.one_of(&AT.child("persistentVolumeReclaimPolicy"), policy, &["Delete", "Recycle", "Retain"]);
    }
    if let Some(affinity) = spec.field("nodeAffinity") {
        let at = AT.child("nodeAffinity");
        match affinity.field("required") {
            None => check.required(&at.child("required"), "must specify required node constraints"),
            Some(required) => {
                let lax =
                    old.is_some_and(|o| pod::has_bad_node_values(check.version(), o.part("spec").part("nodeAffinity").part("required")));
                pod::node_selector(check, required, lax, &at.child("required"));
            }
        }
    }
    sources(check, spec, volume.part("metadata").text("name"));
    let root = spec.part("hostPath").text("path").split('/').all(|p| p.is_empty() || p == ".");
    if spec.has("hostPath") && spec.part("hostPath").text("path").starts_with('/') && root && policy == "Recycle" {
        check.forbidden(&AT.child("persistentVolumeReclaimPolicy"), "may not be 'recycle' for a hostPath mount of '/'");
    }
    claims::class(check, spec, "storageClassName", &AT);
    if spec.has("volumeMode") {
        check.one_of(&AT.child("volumeMode"), spec.text("volumeMode"), VOLUME_MODES);
    }
    if spec.has("volumeAttributesClassName") {
        if spec.text("volumeAttributesClassName").is_empty() {
            check.required(&AT.child("volumeAttributesClassName"), "an empty string is disallowed");
        }
        claims::class(check, spec, "volumeAttributesClassName", &AT);
        if !spec.has("csi") {
            check.required(&AT.child("csi"), "has to be specified when using volumeAttributesClassName");
        }
    }
}

fn sources(check: &mut Check, spec: &Value, name: &str) {
    let mut found = 0;
    for (source, second, first) in SOURCES {
        let Some(part) = spec.field(source) else { continue };
        found += 1;
        if found > 1 && !second.is_empty() {
            check.forbidden(&AT.child(second), "may not specify more than 1 volume type");
            continue;
        }
        pod::volume_source(check, source, part, name, &AT.child(first));
        if *source == "local" && !spec.has("nodeAffinity") {
            check.required(&AT.child("nodeAffinity"), "Local volume requires node affinity");
        }
    }
    if found == 0 {
        check.required(&AT, "must specify a volume type");
    }
}

fn immutable(check: &mut Check, spec: &Value, was: &Value) {
    const SOURCE: &str = "io.k8s.api.core.v1.PersistentVolumeSpec";
    let of = |spec: &Value| -> Value {
        let own = SOURCES.iter().filter_map(|(name, _, _)| spec.field(name).map(|v| ((*name).to_owned(), v.clone())));
        own.collect::<crate::object::Map>().into()
    };
    let (mut now, before) = (of(spec), of(was));
    let secret = "controllerExpandSecretRef";
    if was.has("csi") && !was.part("csi").has(secret) && spec.has("csi") {
        map_at(&mut now, &["csi"]).shift_remove(secret);
    }
    if !check.same(SOURCE, &now, &before) {
        let diff = check.difference(&AT, VOLUME_SOURCE, &before, &now);
        let detail = format!("spec.persistentvolumesource is immutable after creation\n{diff}");
        check.forbidden(&AT.child("persistentvolumesource"), &detail);
    }
    if spec.field("volumeMode") != was.field("volumeMode") {
        check.invalid(&Place::root("volumeMode"), spec.part("volumeMode"), "field is immutable");
    }
    const AFFINITY: &str = "io.k8s.api.core.v1.VolumeNodeAffinity";
    let (affinity, had) = (spec.part("nodeAffinity"), was.part("nodeAffinity"));
    if !had.is_null() && !check.same(AFFINITY, affinity, &with_stable_labels(had, affinity)) {
        let shown = Typed(AFFINITY, affinity);
        check.invalid(&Place::root("nodeAffinity"), shown, "field is immutable, except for updating from beta label to GA");
    }
    if was.has("volumeAttributesClassName") && !spec.has("volumeAttributesClassName") {
        check.forbidden(&AT.child("volumeAttributesClassName"), "update from non-nil value to nil is forbidden");
    }
}

/// Labels that have another name since they are stable.
const STABLE_LABELS: &[(&str, &str)] = &[
    ("failure-domain.beta.kubernetes.io/zone", "topology.kubernetes.io/zone"),
    ("failure-domain.beta.kubernetes.io/region", "topology.kubernetes.io/region"),
    ("beta.kubernetes.io/os", "kubernetes.io/os"),
    ("beta.kubernetes.io/arch", "kubernetes.io/arch"),
    ("beta.kubernetes.io/instance-type", "node.kubernetes.io/instance-type"),
];

/// The old affinity with the new names of labels, where the new one has them in the same place.
fn with_stable_labels(old: &Value, new: &Value) -> Value {
    match (old, new) {
        (Value::Object(old), _) => {
            old.iter().map(|(k, v)| (k.clone(), with_stable_labels(v, new.part(k)))).collect::<crate::object::Map>().into()
        }
        (Value::Array(old), Value::Array(new)) => {
            old.iter().enumerate().map(|(i, v)| with_stable_labels(v, new.get(i).unwrap_or(&Value::Null))).collect()
        }
        (Value::String(old), Value::String(new)) if STABLE_LABELS.contains(&(old.as_str(), new.as_str())) => Value::from(new.as_str()),
        _ => old.clone(),
    }
}
