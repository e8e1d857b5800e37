//! Volume sources that name storage outside: what each of them needs.
//!
//! Follows the `validate…VolumeSource` and `validate…PersistentVolumeSource` functions of `pkg/apis/core/validation/validation.go`.

use super::volumes::{back_steps, descending_path};
use crate::object::Value;
use crate::schema::Version;
use crate::simulate::validate::check::{Check, Place};
use crate::simulate::validate::formats::{dns_label, dns_subdomain};
use crate::simulate::validate::read::Read;

pub(in crate::simulate::validate) const ISCSI_TOO_LONG: &str =
    "Total length of <volume name>:<iscsi.targetPortal> must be under 64 characters if iscsi.initiatorName is specified.";

/// Fields that must not be empty, in the order they are looked at.
const REQUIRED: &[(&str, &[&str])] = &[
    ("hostPath", &["path"]),
    ("local", &["path"]),
    ("gitRepo", &["repository"]),
    ("gcePersistentDisk", &["pdName"]),
    ("awsElasticBlockStore", &["volumeID"]),
    ("nfs", &["server", "path"]),
    ("glusterfs", &["endpoints", "path"]),
    ("persistentVolumeClaim", &["claimName"]),
    ("rbd", &["monitors", "image"]),
    ("cinder", &["volumeID"]),
    ("cephfs", &["monitors"]),
    ("flexVolume", &["driver"]),
    ("azureFile", &["secretName", "shareName"]),
    ("vsphereVolume", &["volumePath"]),
    ("photonPersistentDisk", &["pdID"]),
    ("portworxVolume", &["volumeID"]),
    ("azureDisk", &["diskName", "diskURI"]),
    ("scaleIO", &["gateway", "system", "volumeName"]),
    ("storageos", &["volumeName"]),
];

/// The source of a pod's volume.
pub(super) fn of_pod(check: &mut Check, name: &str, source: &Value, at: &Place) {
    either(check, name, source, at);
    match name {
        "iscsi" => iscsi(check, source, "must be valid format starting with iqn, eui, or naa", at),
        "cinder" | "storageos" => secret(check, source, &["name"], at),
        "csi" => {
            csi_driver_name(check, source.text("driver"), &at.child("driver"));
            if let Some(secret) = source.field("nodePublishSecretRef")
                && check.filled(secret.text("name"), &at.child("nodePublishSecretRef.name"))
            {
                check.invalid_each(&at.child("name"), secret.text("name"), dns_subdomain(secret.text("name")));
            }
        }
        _ => {}
    }
}

/// The source of a PersistentVolume of that name.
pub(in crate::simulate::validate) fn of_volume(check: &mut Check, name: &str, source: &Value, volume: &str, at: &Place) {
    either(check, name, source, at);
    match name {
        "glusterfs" => {
            if let Some(namespace) = source.field("endpointsNamespace").and_then(Value::as_str) {
                let at = at.child("endpointsNamespace");
                if namespace.is_empty() {
                    check.invalid(&at, namespace, "if the endpointnamespace is set, it must be a valid namespace name");
                } else {
                    check.invalid_each(&at, namespace, dns_label(namespace));
                }
            }
        }
        "iscsi" => {
            if source.has("initiatorName") && volume.len() + 1 + source.text("targetPortal").len() > 64 {
                check.invalid(&at.child("targetportal"), source.text("targetPortal"), ISCSI_TOO_LONG);
            }
            iscsi(check, source, "must be valid format", at);
            secret(check, source, &["name"], at);
        }
        "cinder" | "storageos" => secret(check, source, &["name", "namespace"], at),
        "azureFile" if source.has("secretNamespace") => {
            check.filled(source.text("secretNamespace"), &at.child("secretNamespace"));
        }
        "csi" => {
            csi_driver_name(check, source.text("driver"), &at.child("driver"));
            check.filled(source.text("volumeHandle"), &at.child("volumeHandle"));
            for name in ["controllerPublishSecretRef", "controllerExpandSecretRef", "nodePublishSecretRef", "nodeExpandSecretRef"] {
                if let Some(secret) = source.field(name) {
                    secret_reference(check, secret, &at.child(name));
                }
            }
        }
        _ => {}
    }
}

fn either(check: &mut Check, name: &str, source: &Value, at: &Place) {
    let mut missing = false;
    for field in REQUIRED.iter().find(|(n, _)| *n == name).map_or(&[][..], |(_, fields)| fields) {
        if source.text(field).is_empty() && source.list(field).is_empty() {
            check.required(&at.child(field), "");
            missing = true;
        }
    }
    match name {
        "hostPath" | "local" if !missing => {
            back_steps(check, source.text("path"), &at.child("path"));
            if name == "hostPath" && source.has("type") {
                let kinds = ["", "BlockDevice", "CharDevice", "Directory", "DirectoryOrCreate", "File", "FileOrCreate", "Socket"];
                check.one_of(&at.child("type"), source.text("type"), &kinds);
            }
        }
        "gitRepo" => descending_path(check, source.text("directory"), &at.child("directory")),
        "gcePersistentDisk" | "awsElasticBlockStore" => partition(check, source, at),
        "nfs" if !source.text("path").starts_with('/') => {
            check.invalid(&at.child("path"), source.text("path"), "must be an absolute path");
        }
        "flexVolume" => flex_options(check, source, at),
        "azureDisk" => azure_disk(check, source, at),
        "quobyte" => quobyte(check, source, at),
        "flocker" => flocker(check, source, at),
        "fc" => fibre_channel(check, source, at),
        "storageos" => {
            for name in ["volumeName", "volumeNamespace"].into_iter().filter(|n| !source.text(n).is_empty()) {
                check.invalid_each(&at.child(name), source.text(name), dns_label(source.text(name)));
            }
        }
        _ => {}
    }
}

fn partition(check: &mut Check, source: &Value, at: &Place) {
    if !(0..=255).contains(&source.number("partition")) {
        check.invalid(&at.child("partition"), source.number("partition"), "must be between 1 and 255, inclusive");
    }
}

fn secret(check: &mut Check, source: &Value, fields: &[&str], at: &Place) {
    if let Some(secret) = source.field("secretRef") {
        let at = at.child("secretRef");
        for field in fields {
            check.filled(secret.text(field), &at.child(field));
        }
    }
}

fn secret_reference(check: &mut Check, secret: &Value, at: &Place) {
    let (name, namespace) = (secret.text("name"), secret.text("namespace"));
    if check.filled(name, &at.child("name")) {
        check.invalid_each(&at.child("name"), name, dns_subdomain(name));
    }
    if check.filled(namespace, &at.child("namespace")) {
        check.invalid_each(&at.child("namespace"), namespace, dns_label(namespace));
    }
}

fn iscsi(check: &mut Check, source: &Value, no_prefix: &str, at: &Place) {
    check.filled(source.text("targetPortal"), &at.child("targetPortal"));
    let name = source.text("iqn");
    if check.filled(name, &at.child("iqn")) {
        initiator(check, name, no_prefix, &at.child("iqn"));
    }
    check.within(source.number("lun"), 0, 255, &at.child("lun"));
    if (source.on("chapAuthDiscovery") || source.on("chapAuthSession")) && !source.has("secretRef") {
        check.required(&at.child("secretRef"), "");
    }
    if let Some(name) = source.field("initiatorName").and_then(Value::as_str) {
        initiator(check, name, no_prefix, &at.child("initiatorname"));
    }
}

fn initiator(check: &mut Check, name: &str, no_prefix: &str, at: &Place) {
    let alphanumeric = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_alphanumeric());
    let good = match name.get(..3) {
        Some("iqn") => is_iqn(name),
        Some("eui") => name.len() > 4 && alphanumeric(&name[4..], 16),
        Some("naa") => name.len() > 4 && alphanumeric(&name[4..], 32),
        _ => return check.invalid(at, name, no_prefix),
    };
    if !good {
        check.invalid(at, name, "must be valid format");
    }
}

/// `iqn.YYYY-MM.reversed.domain:anything`.
fn is_iqn(name: &str) -> bool {
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    let Some((date, rest)) = name.strip_prefix("iqn.").and_then(|n| n.split_once('.')) else { return false };
    let dated = date.len() == 7 && date.is_ascii() && digits(&date[..4]) && &date[4..5] == "-" && digits(&date[5..]);
    let Some((domain, tail)) = rest.split_once(':') else { return false };
    dated
        && !domain.is_empty()
        && domain.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        && !tail.is_empty()
        && !tail.contains(|c: char| c.is_whitespace() || "^,;*&$|".contains(c))
}

fn flex_options(check: &mut Check, source: &Value, at: &Place) {
    let options_at = at.child("options");
    for (key, _) in source.entries("options") {
        let domain = format!(".{}", key.split('/').next().unwrap_or(key).to_lowercase());
        if domain.ends_with(".kubernetes.io") || domain.ends_with(".k8s.io") {
            check.invalid(&options_at.key(key), key, "kubernetes.io and k8s.io namespaces are reserved");
        }
    }
}

fn azure_disk(check: &mut Check, source: &Value, at: &Place) {
    let (kind, uri) = (source.text("kind"), source.text("diskURI"));
    if source.has("cachingMode") {
        check.one_of(&at.child("cachingMode"), source.text("cachingMode"), &["None", "ReadOnly", "ReadWrite"]);
    }
    if !source.has("kind") {
        return;
    }
    check.one_of(&at.child("kind"), kind, &["Dedicated", "Managed", "Shared"]);
    let managed = "/subscriptions/{sub-id}/resourcegroups/{group-name}/providers/microsoft.compute/disks/{disk-id}";
    let blob = "https://{account-name}.blob.core.windows.net/{container-name}/{disk-name}.vhd";
    if kind == "Managed" && !uri.starts_with("/subscriptions/") {
        check.not_supported(&at.child("diskURI"), uri, &[managed]);
    }
    if kind != "Managed" && !uri.starts_with("https://") {
        check.not_supported(&at.child("diskURI"), uri, &[blob]);
    }
}

fn quobyte(check: &mut Check, source: &Value, at: &Place) {
    let (registry, pairs) = (source.text("registry"), "must be a host:port pair or multiple pairs separated by commas");
    if registry.is_empty() {
        check.required(&at.child("registry"), pairs);
    } else if source.text("tenant").len() >= 65 {
        check.required(&at.child("tenant"), "must be a UUID and may not exceed a length of 64 characters");
    } else {
        for pair in registry.split(',') {
            let bracketed = pair.starts_with('[') && pair.contains("]:");
            if !bracketed && pair.matches(':').count() != 1 {
                check.invalid(&at.child("registry"), registry, pairs);
            }
        }
    }
    check.filled(source.text("volume"), &at.child("volume"));
}

fn flocker(check: &mut Check, source: &Value, at: &Place) {
    let (name, uuid) = (source.text("datasetName"), source.text("datasetUUID"));
    if name.is_empty() && uuid.is_empty() {
        check.required(at, "one of datasetName and datasetUUID is required");
    }
    if !name.is_empty() && !uuid.is_empty() {
        check.invalid(at, "resource", "datasetName and datasetUUID can not be specified simultaneously");
    }
    if name.contains('/') {
        check.invalid(&at.child("datasetName"), name, "must not contain '/'");
    }
}

fn fibre_channel(check: &mut Check, source: &Value, at: &Place) {
    let (targets, wwids) = (source.list("targetWWNs").len(), source.list("wwids").len());
    let targets_at = at.child("targetWWNs");
    if targets == 0 && wwids == 0 {
        check.required(&targets_at, "must specify either targetWWNs or wwids, but not both");
    }
    if targets > 0 && wwids > 0 {
        check.invalid(&targets_at, source.part("targetWWNs"), "targetWWNs and wwids can not be specified simultaneously");
    }
    if targets > 0 {
        match source.number_if_set("lun") {
            None => check.required(&at.child("lun"), "lun is required if targetWWNs is specified"),
            Some(lun) => check.within(lun, 0, 255, &at.child("lun")),
        }
    }
}

/// The name of a CSI driver.
pub(in crate::simulate::validate) fn csi_driver_name(check: &mut Check, name: &str, at: &Place) {
    if !check.filled(name, at) && check.version() > Version::V1_34 {
        return;
    }
    if name.len() > 63 {
        check.too_long(at, 63);
    }
    check.invalid_each(at, name, dns_subdomain(&name.to_lowercase()));
}
