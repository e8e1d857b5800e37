//! The volumes of a pod.
//!
//! Follows `ValidateVolumes` and `validateVolumeSource` of `pkg/apis/core/validation/validation.go`, spelling of paths included.

use super::{claim_template, container, environment, projected, sources};
use crate::object::Value;
use crate::simulate::validate::check::{Check, Place};
use crate::simulate::validate::formats::{dns_label, dns_subdomain};
use crate::simulate::validate::read::{Read, quantity};
use std::collections::{BTreeMap, BTreeSet};

/// Valid volumes by name.
pub(super) type Volumes<'v> = BTreeMap<&'v str, &'v Value>;

/// Sources in the order they are looked at; how a second one is named in an error, and the first.
const SOURCES: &[(&str, &str, &str)] = &[
    ("emptyDir", "emptyDir", "emptyDir"),
    ("hostPath", "hostPath", "hostPath"),
    ("gitRepo", "gitRepo", "gitRepo"),
    ("gcePersistentDisk", "gcePersistentDisk", "persistentDisk"),
    ("awsElasticBlockStore", "awsElasticBlockStore", "awsElasticBlockStore"),
    ("secret", "secret", "secret"),
    ("nfs", "nfs", "nfs"),
    ("iscsi", "iscsi", "iscsi"),
    ("glusterfs", "glusterfs", "glusterfs"),
    ("flocker", "flocker", "flocker"),
    ("persistentVolumeClaim", "persistentVolumeClaim", "persistentVolumeClaim"),
    ("rbd", "rbd", "rbd"),
    ("cinder", "cinder", "cinder"),
    ("cephfs", "cephFS", "cephfs"),
    ("quobyte", "quobyte", "quobyte"),
    ("downwardAPI", "downwarAPI", "downwardAPI"),
    ("fc", "fc", "fc"),
    ("flexVolume", "flexVolume", "flexVolume"),
    ("configMap", "configMap", "configMap"),
    ("azureFile", "azureFile", "azureFile"),
    ("vsphereVolume", "vsphereVolume", "vsphereVolume"),
    ("photonPersistentDisk", "photonPersistentDisk", "photonPersistentDisk"),
    ("portworxVolume", "portworxVolume", "portworxVolume"),
    ("azureDisk", "azureDisk", "azureDisk"),
    ("storageos", "storageos", "storageos"),
    ("projected", "projected", "projected"),
    ("scaleIO", "scaleIO", "scaleIO"),
    ("csi", "csi", "csi"),
    ("ephemeral", "ephemeral", "ephemeral"),
    ("image", "image", "image"),
];

/// Checks the volumes and gives back those without an error.
pub(super) fn volumes<'v>(check: &mut Check, volumes: &'v [Value], meta: Option<&Value>, list_at: &Place) -> Volumes<'v> {
    let pod = meta.map_or("", |m| m.text("name"));
    let created: BTreeSet<String> = if pod.is_empty() {
        BTreeSet::new()
    } else {
        volumes.iter().filter(|v| v.has("ephemeral")).map(|v| format!("{pod}-{}", v.text("name"))).collect()
    };
    let mut valid = Volumes::new();
    for (i, volume) in volumes.iter().enumerate() {
        let (at, name, before) = (list_at.index(i), volume.text("name"), check.count());
        source(check, volume, pod, &at);
        if check.filled(name, &at.child("name")) {
            check.invalid_each(&at.child("name"), name, dns_label(name));
        }
        if valid.contains_key(name) {
            check.duplicate(&at.child("name"), name);
        }
        if check.count() == before {
            valid.insert(name, volume);
        }
        let claim = volume.part("persistentVolumeClaim").text("claimName");
        if created.contains(claim) {
            let detail = "must not reference a PVC that gets created for an ephemeral volume";
            check.invalid(&at.child("persistentVolumeClaim.claimName"), claim, detail);
        }
    }
    valid
}

fn source(check: &mut Check, volume: &Value, pod: &str, at: &Place) {
    let mut found = 0;
    for (name, second, first) in SOURCES {
        let Some(source) = volume.field(name) else { continue };
        found += 1;
        if found > 1 {
            check.forbidden(&at.child(second), "may not specify more than 1 volume type");
        } else {
            one_source(check, name, source, &at.child(first));
            if *name == "ephemeral" && !pod.is_empty() && !volume.text("name").is_empty() {
                let claim = format!("{pod}-{}", volume.text("name"));
                for message in dns_subdomain(&claim) {
                    let detail = format!("PVC name {}: {message}", crate::simulate::status::quoted(&claim));
                    check.invalid(&at.child("name"), volume.text("name"), &detail);
                }
            }
        }
        if *name == "iscsi" && source.has("initiatorName") && volume.text("name").len() + 1 + source.text("targetPortal").len() > 64 {
            check.invalid(&at.child("name"), volume.text("name"), sources::ISCSI_TOO_LONG);
        }
    }
    if found == 0 {
        check.required(at, "must specify a volume type");
    }
}

fn one_source(check: &mut Check, name: &str, source: &Value, at: &Place) {
    match name {
        "emptyDir" => {
            if quantity(source.part("sizeLimit")).is_negative() {
                check.forbidden(&at.child("sizeLimit"), "SizeLimit field must be a valid resource quantity");
            }
        }
        "secret" => files(check, source, "secretName", at),
        "configMap" => files(check, source, "name", at),
        "downwardAPI" => {
            mode(check, source, "defaultMode", at);
            for file in source.list("items") {
                downward_file(check, file, at);
            }
        }
        "projected" => {
            mode(check, source, "defaultMode", at);
            projected::sources(check, source, at);
        }
        "ephemeral" => match source.field("volumeClaimTemplate") {
            None => check.required(&at.child("volumeClaimTemplate"), ""),
            Some(template) => claim_template(check, template, &at.child("volumeClaimTemplate")),
        },
        "image" => {
            if !check.options.lax_image_reference {
                check.filled(source.text("reference"), &at.child("reference"));
            }
            container::pull_policy(check, source, "pullPolicy", at);
        }
        _ => sources::of_pod(check, name, source, at),
    }
}

fn files(check: &mut Check, source: &Value, name: &str, at: &Place) {
    check.filled(source.text(name), &at.child(name));
    mode(check, source, "defaultMode", at);
    let list_at = at.child("items");
    for (i, item) in source.list("items").iter().enumerate() {
        key_to_path(check, item, &list_at.index(i));
    }
}

fn mode(check: &mut Check, source: &Value, name: &str, at: &Place) {
    if let Some(mode) = source.number_if_set(name).filter(|m| !(0..=0o777).contains(m)) {
        check.invalid(&at.child(name), mode, "must be a number between 0 and 0777 (octal), both inclusive");
    }
}

/// A key and the file it becomes.
pub(super) fn key_to_path(check: &mut Check, item: &Value, at: &Place) {
    check.filled(item.text("key"), &at.child("key"));
    check.filled(item.text("path"), &at.child("path"));
    local_path(check, item.text("path"), &at.child("path"));
    mode(check, item, "mode", at);
}

/// A file that shows a field of the pod.
pub(super) fn downward_file(check: &mut Check, file: &Value, at: &Place) {
    check.filled(file.text("path"), &at.child("path"));
    local_path(check, file.text("path"), &at.child("path"));
    match (file.field("fieldRef"), file.field("resourceFieldRef")) {
        (Some(field), other) => {
            environment::field_selector(check, field, environment::FILE_FIELDS, &at.child("fieldRef"));
            if other.is_some() {
                check.invalid(at, "resource", "fieldRef and resourceFieldRef can not be specified simultaneously");
            }
        }
        (None, Some(resource)) => environment::resource_selector(check, resource, true, &at.child("resourceFieldRef")),
        (None, None) => check.required(at, "one of fieldRef and resourceFieldRef is required"),
    }
    mode(check, file, "mode", at);
}

/// The paths of projected tokens.
pub(super) fn token_paths(spec: &Value) -> impl Iterator<Item = &str> {
    let sources = spec.list("volumes").iter().flat_map(|v| v.part("projected").list("sources"));
    sources.filter_map(|s| s.field("serviceAccountToken")).map(|t| t.text("path"))
}

/// A path inside a volume: relative, never upwards.
pub(in crate::simulate::validate) fn descending_path(check: &mut Check, path: &str, at: &Place) {
    if path.starts_with('/') {
        check.invalid(at, path, "must be a relative path");
    }
    back_steps(check, path, at);
}

/// A path without `..`.
pub(in crate::simulate::validate) fn back_steps(check: &mut Check, path: &str, at: &Place) {
    if path.split('/').any(|part| part == "..") {
        check.invalid(at, path, "must not contain '..'");
    }
}

/// A path inside a volume whose first part does not start with two dots, which the kubelet keeps for itself.
pub(super) fn local_path(check: &mut Check, path: &str, at: &Place) {
    descending_path(check, path, at);
    if path.starts_with("..") && !path.starts_with("../") {
        check.invalid(at, path, "must not start with '..'");
    }
}
