//! Where a container mounts volumes, and which it takes as raw devices.
//!
//! Follows `ValidateVolumeMounts` and `ValidateVolumeDevices` of `pkg/apis/core/validation/validation.go`. Some errors there name the
//! list and not its item; so do ours.

use super::volumes::{Volumes, descending_path};
use crate::object::Value;
use crate::simulate::validate::check::{Check, Place};
use crate::simulate::validate::read::Read;
use std::collections::{BTreeMap, BTreeSet};

/// The mounts of a container.
pub(super) fn mounts(check: &mut Check, container: &Value, volumes: &Volumes, at: &Place) {
    let devices: BTreeMap<&str, &str> = container.list("volumeDevices").iter().map(|d| (d.text("name"), d.text("devicePath"))).collect();
    let (list_at, mut paths) = (at.child("volumeMounts"), BTreeSet::new());
    for (i, mount) in container.list("volumeMounts").iter().enumerate() {
        let (at, name, path) = (list_at.index(i), mount.text("name"), mount.text("mountPath"));
        check.filled(name, &at.child("name"));
        if !volumes.contains_key(name) {
            check.not_found(&at.child("name"), name);
        }
        check.filled(path, &at.child("mountPath"));
        if !paths.insert(path) {
            check.invalid(&at.child("mountPath"), path, "must be unique");
        }
        if devices.contains_key(name) {
            check.invalid(&at.child("name"), name, "must not already exist in volumeDevices");
        }
        if devices.values().any(|d| *d == path) {
            check.invalid(&at.child("mountPath"), path, "must not already exist as a path in volumeDevices");
        }
        let (sub, expression) = (mount.text("subPath"), mount.text("subPathExpr"));
        if !sub.is_empty() {
            descending_path(check, sub, &list_at.child("subPath"));
        }
        if !expression.is_empty() {
            if !sub.is_empty() {
                check.invalid(&at.child("subPathExpr"), expression, "subPathExpr and subPath are mutually exclusive");
            }
            descending_path(check, expression, &list_at.child("subPathExpr"));
        }
        propagation(check, mount, container, &list_at.child("mountPropagation"));
        recursive_read_only(check, mount, &list_at.child("recursiveReadOnly"));
    }
}

fn propagation(check: &mut Check, mount: &Value, container: &Value, at: &Place) {
    if !mount.has("mountPropagation") {
        return;
    }
    let mode = mount.text("mountPropagation");
    check.one_of(at, mode, &["Bidirectional", "HostToContainer", "None"]);
    if mode == "Bidirectional" && !container.part("securityContext").on("privileged") {
        check.forbidden(at, "Bidirectional mount propagation is available only to privileged containers");
    }
}

fn recursive_read_only(check: &mut Check, mount: &Value, at: &Place) {
    match mount.field("recursiveReadOnly").and_then(Value::as_str) {
        None | Some("Disabled") => {}
        Some("Enabled" | "IfPossible") => {
            if !mount.on("readOnly") {
                check.forbidden(at, "may only be specified when readOnly is true");
            }
            if mount.has("mountPropagation") && mount.text("mountPropagation") != "None" {
                check.forbidden(at, "may only be specified when mountPropagation is None or not specified");
            }
        }
        Some(other) => check.not_supported(at, other, &["Disabled", "Enabled", "IfPossible"]),
    }
}

/// The raw devices of a container.
pub(super) fn devices(check: &mut Check, container: &Value, volumes: &Volumes, at: &Place) {
    let mounts: BTreeMap<&str, &str> = container.list("volumeMounts").iter().map(|m| (m.text("name"), m.text("mountPath"))).collect();
    let (list_at, mut paths, mut names) = (at.child("volumeDevices"), BTreeSet::new(), BTreeSet::new());
    for (i, device) in container.list("volumeDevices").iter().enumerate() {
        let (at, name, path) = (list_at.index(i), device.text("name"), device.text("devicePath"));
        let (name_at, path_at) = (at.child("name"), at.child("devicePath"));
        check.filled(name, &name_at);
        if names.contains(name) {
            check.invalid(&name_at, name, "must be unique");
        }
        match volumes.get(name) {
            None => check.not_found(&name_at, name),
            Some(volume) if !volume.has("persistentVolumeClaim") && !volume.has("ephemeral") => {
                let detail = "can only use volume source type of PersistentVolumeClaim or Ephemeral for block mode";
                check.invalid(&name_at, name, detail);
            }
            Some(_) => {}
        }
        check.filled(path, &path_at);
        if paths.contains(path) {
            check.invalid(&path_at, path, "must be unique");
        }
        if path.split('/').any(|part| part == "..") {
            check.invalid(&path_at, path, "can not contain backsteps ('..')");
        } else {
            paths.insert(path);
        }
        if mounts.contains_key(name) {
            check.invalid(&name_at, name, "must not already exist in volumeMounts");
        }
        if mounts.values().any(|m| *m == path) {
            check.invalid(&path_at, path, "must not already exist as a path in volumeMounts");
        }
        if !name.is_empty() {
            names.insert(name);
        }
    }
}
