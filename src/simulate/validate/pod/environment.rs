//! Environment variables and where their values come from.
//!
//! Follows `ValidateEnv`, `ValidateEnvFrom` and `validateEnvVarValueFrom` of `pkg/apis/core/validation/validation.go`.

use super::containers_of;
use crate::object::Value;
use crate::simulate::validate::check::{Check, Place};
use crate::simulate::validate::formats::{self, config_key, qualified_name, variable_name};
use crate::simulate::validate::metadata::Names;
use crate::simulate::validate::read::{Read, quantity};

/// Fields of a pod that a variable may show.
const VARIABLE_FIELDS: &[&str] = &[
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.serviceAccountName",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
/// Fields of a pod that a file may show.
pub(super) const FILE_FIELDS: &[&str] = &["metadata.annotations", "metadata.labels", "metadata.name", "metadata.namespace", "metadata.uid"];
/// Labels of fields that the downward API knows at all.
const KNOWN_FIELDS: &[&str] = &[
    "metadata.annotations",
    "metadata.labels",
    "metadata.name",
    "metadata.namespace",
    "metadata.uid",
    "spec.nodeName",
    "spec.restartPolicy",
    "spec.serviceAccountName",
    "spec.schedulerName",
    "status.phase",
    "status.hostIP",
    "status.hostIPs",
    "status.podIP",
    "status.podIPs",
];
const RESOURCES: &[&str] =
    &["limits.cpu", "limits.ephemeral-storage", "limits.memory", "requests.cpu", "requests.ephemeral-storage", "requests.memory"];

/// The variables of a container.
pub(super) fn variables(check: &mut Check, variables: &[Value], at: &Place) {
    for (i, variable) in variables.iter().enumerate() {
        let (at, name) = (at.index(i), variable.text("name"));
        if check.filled(name, &at.child("name")) {
            check.invalid_each(&at.child("name"), name, variable_name(name));
        }
        if let Some(from) = variable.field("valueFrom") {
            value_from(check, from, variable.text("value"), &at.child("valueFrom"));
        }
    }
}

fn value_from(check: &mut Check, from: &Value, value: &str, at: &Place) {
    let mut sources = 0;
    if let Some(source) = from.field("fieldRef") {
        sources += 1;
        field_selector(check, source, VARIABLE_FIELDS, &at.child("fieldRef"));
    }
    if let Some(source) = from.field("resourceFieldRef") {
        sources += 1;
        resource_selector(check, source, false, &at.child("resourceFieldRef"));
    }
    for name in ["configMapKeyRef", "secretKeyRef"] {
        if let Some(source) = from.field(name) {
            sources += 1;
            key_selector(check, source, &at.child(name));
        }
    }
    if let Some(source) = from.field("fileKeyRef") {
        sources += 1;
        file_key_selector(check, source, &at.child("fileKeyRef"));
    }
    if sources == 0 {
        let with_files = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or `fileKeyRef`";
        let without = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`";
        check.invalid(at, "", if check.options.variable_files { with_files } else { without });
    } else if !value.is_empty() {
        check.invalid(at, "", "may not be specified when `value` is not empty");
    } else if sources > 1 {
        check.invalid(at, "", "may not have more than one field specified at a time");
    }
}

/// A field of the pod.
pub(super) fn field_selector(check: &mut Check, source: &Value, allowed: &[&str], at: &Place) {
    for name in ["apiVersion", "fieldPath"] {
        if !check.filled(source.text(name), &at.child(name)) {
            return;
        }
    }
    let (version, path) = (source.text("apiVersion"), source.text("fieldPath"));
    let refuse =
        |check: &mut Check, why: String| check.invalid(&at.child("fieldPath"), path, &format!("error converting fieldPath: {why}"));
    if version != "v1" {
        return refuse(check, format!("unsupported pod version: {version}"));
    }
    if let Some((map, key)) = path.strip_suffix("']").and_then(|p| p.split_once("['")).filter(|(map, _)| !map.is_empty()) {
        let lower = key.to_lowercase();
        match map {
            "metadata.annotations" => check.invalid_each(at, &lower, qualified_name(check.version(), &lower)),
            "metadata.labels" => check.invalid_each(at, key, qualified_name(check.version(), key)),
            _ => refuse(check, format!("field label does not support subscript: {path}")),
        }
        return;
    }
    let path = if path == "spec.host" { "spec.nodeName" } else { path };
    if !KNOWN_FIELDS.contains(&path) {
        return refuse(check, format!("field label not supported: {path}"));
    }
    check.one_of(&at.child("fieldPath"), path, allowed);
}

/// A resource of a container.
pub(super) fn resource_selector(check: &mut Check, source: &Value, in_file: bool, at: &Place) {
    let resource = source.text("resource");
    let huge = ["requests.hugepages-", "limits.hugepages-"].iter().any(|p| resource.starts_with(p));
    if in_file && source.text("containerName").is_empty() {
        check.required(&at.child("containerName"), "");
    } else if resource.is_empty() {
        check.required(&at.child("resource"), "");
    } else if !huge {
        check.one_of(&at.child("resource"), resource, RESOURCES);
    }
    let divisor = source.part("divisor");
    if quantity(divisor).is_zero() {
        return;
    }
    let divisor = divisor.as_str().unwrap_or_default();
    let sizes = ["1", "1k", "1M", "1G", "1T", "1P", "1E", "1Ki", "1Mi", "1Gi", "1Ti", "1Pi", "1Ei"];
    let (name, good) = match resource.split_once('.').map_or("", |(_, r)| r) {
        "cpu" => ("cpu", ["1m", "1"].contains(&divisor)),
        "memory" => ("memory", sizes.contains(&divisor)),
        "ephemeral-storage" => ("local ephemeral storage", sizes.contains(&divisor)),
        _ if huge => ("hugepages", sizes.contains(&divisor)),
        _ => return,
    };
    if !good {
        let values = if name == "cpu" { "1m and 1".to_owned() } else { sizes.join(", ") };
        check.invalid(&at.child("divisor"), resource, &format!("only divisor's values {values} are supported with the {name} resource"));
    }
}

fn key_selector(check: &mut Check, source: &Value, at: &Place) {
    let (name, key) = (source.text("name"), source.text("key"));
    check.invalid_each(&at.child("name"), name, Names::Subdomain.errors(name, false));
    if check.filled(key, &at.child("key")) {
        check.invalid_each(&at.child("key"), key, config_key(key));
    }
}

fn file_key_selector(check: &mut Check, source: &Value, at: &Place) {
    let (key, volume, path) = (source.text("key"), source.text("volumeName"), source.text("path"));
    if check.filled(key, &at.child("key")) {
        check.invalid_each(&at.child("key"), key, variable_name(key));
    }
    if check.filled(volume, &at.child("volumeName")) {
        check.invalid_each(&at.child("volumeName"), volume, formats::dns_label(volume));
    }
    if check.filled(path, &at.child("path")) {
        super::back_steps(check, path, &at.child("path"));
    }
}

/// Whole ConfigMaps and Secrets as variables.
pub(super) fn sources(check: &mut Check, sources: &[Value], list_at: &Place) {
    for (i, source) in sources.iter().enumerate() {
        let (at, prefix) = (list_at.index(i), source.text("prefix"));
        if !prefix.is_empty() {
            check.invalid_each(&at.child("prefix"), prefix, variable_name(prefix));
        }
        let mut found = 0;
        for kind in ["configMapRef", "secretRef"] {
            let Some(reference) = source.field(kind) else { continue };
            found += 1;
            let (at, name) = (at.child(kind), reference.text("name"));
            if check.filled(name, &at.child("name")) {
                check.invalid_each(&at.child("name"), name, Names::Subdomain.errors(name, true));
            }
        }
        match found {
            0 => check.invalid(list_at, "", "must specify one of: `configMapRef` or `secretRef`"),
            1 => {}
            _ => check.invalid(list_at, "", "may not have more than one field specified at a time"),
        }
    }
}

/// Variables that come from files need their volume.
pub(super) fn file_volumes(check: &mut Check, spec: &Value, at: &Place) {
    for (list, i, container) in containers_of(spec) {
        for (j, variable) in container.list("env").iter().enumerate() {
            let Some(source) = variable.part("valueFrom").field("fileKeyRef") else { continue };
            let list_at = at.child(list);
            let (container_at, name) = (list_at.index(i), source.text("volumeName"));
            let env = container_at.child("env");
            let variable_at = env.index(j);
            let at = variable_at.child("valueFrom.fileKeyRef.volumeName");
            match spec.list("volumes").iter().rfind(|v| v.text("name") == name) {
                None => check.not_found(&at, name),
                Some(volume) if !volume.has("emptyDir") => check.invalid(&at, name, "referenced volume must be of type emptyDir"),
                Some(_) => {}
            }
        }
    }
}
