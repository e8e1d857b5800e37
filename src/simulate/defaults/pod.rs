//! Pod templates and pods.
//!
//! Follows `pkg/apis/core/v1/defaults.go`, `zz_generated.defaults.go` (`SetObjectDefaults_Deployment` has the whole tree of a
//! template), and what `conversion.go` does to every pod spec on its way in and out.

use super::gates::Gate;
use super::image::pull_policy;
use super::{each, fill, fill_zero, inside, resource_list, resources};
use crate::object::{Fact, Map, Value, map_at};
use crate::schema::{Schema, Version};

/// The lists of containers in a pod spec.
pub(in crate::simulate) const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// Annotations of the time when init containers were written in them.
const INIT_CONTAINER_ANNOTATIONS: [&str; 4] = [
    "pod.beta.kubernetes.io/init-containers",
    "pod.alpha.kubernetes.io/init-containers",
    "pod.beta.kubernetes.io/init-container-statuses",
    "pod.alpha.kubernetes.io/init-container-statuses",
];

/// Everything that a pod template gets, wherever it stands.
pub(super) fn template(template: &mut Value, version: Version) {
    drop_init_container_annotations(template, version);
    let schema = Schema::of(version);
    let Some(mark) = schema.named("io.k8s.api.core.v1.PodSpec").and_then(|ty| schema.mark(&ty)) else { return };
    if template["spec"].as_object().is_some_and(|spec| spec.is_noted(mark, Fact::Defaulted)) {
        return;
    }
    let spec = map_at(template, &["spec"]);
    pod_spec(spec, version);
    spec.note(mark, Fact::Defaulted);
}

/// Drops annotations that the conversion of templates and pods drops before 1.37; since then their strategies do.
pub(super) fn drop_init_container_annotations(holder: &mut Value, version: Version) {
    if version < Version::V1_37 {
        without_init_container_annotations(holder);
    }
}

/// The same whatever the version.
pub(in crate::simulate) fn without_init_container_annotations(holder: &mut Value) {
    let has_one = |annotations: &Map| INIT_CONTAINER_ANNOTATIONS.iter().any(|name| annotations.contains_key(name));
    if !holder["metadata"]["annotations"].as_object().is_some_and(|annotations| has_one(annotations) || annotations.is_empty()) {
        return;
    }
    let Some(metadata) = inside(holder, "metadata") else { return };
    let Some(Value::Object(annotations)) = metadata.get_mut("annotations") else { return };
    INIT_CONTAINER_ANNOTATIONS.iter().for_each(|name| drop(annotations.shift_remove(name)));
    if annotations.is_empty() {
        metadata.shift_remove("annotations");
    }
}

/// The spec of a template or a pod, without what only pods get.
pub(super) fn pod_spec(spec: &mut Map, version: Version) {
    each(spec, "volumes", |own| volume(own, version));
    for list in CONTAINER_LISTS {
        each(spec, list, container);
    }
    fill(spec, "restartPolicy", "Always");
    fill(spec, "terminationGracePeriodSeconds", 30);
    fill(spec, "dnsPolicy", "ClusterFirst");
    fill(spec, "securityContext", Map::new());
    fill(spec, "schedulerName", "default-scheduler");
    resource_list(spec, "overhead");
    resources(spec);
    mirror_service_account(spec);
}

/// `serviceAccount` is the old name of `serviceAccountName`: both are written, and the new name wins.
fn mirror_service_account(spec: &mut Map) {
    let named = |key| spec.get(key).and_then(Value::as_str).filter(|name: &&str| !name.is_empty());
    if let Some(name) = named("serviceAccountName").or_else(|| named("serviceAccount")).map(str::to_owned) {
        spec.insert("serviceAccountName".into(), name.clone().into());
        spec.insert("serviceAccount".into(), name.into());
    }
}

fn container(container: &mut Map) {
    if container.get("imagePullPolicy").is_none_or(Value::is_null) {
        let policy = pull_policy(container.get("image").and_then(Value::as_str).unwrap_or_default());
        container.insert("imagePullPolicy".into(), policy.into());
    }
    fill(container, "terminationMessagePath", "/dev/termination-log");
    fill(container, "terminationMessagePolicy", "File");
    each(container, "ports", |port| fill(port, "protocol", "TCP"));
    each(container, "env", |variable| {
        let Some(from) = variable.get_mut("valueFrom") else { return };
        field_reference(from);
        if let Some(key) = inside(from, "fileKeyRef") {
            fill(key, "optional", false);
        }
    });
    resources(container);
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(Value::Object(probe)) = container.get_mut(probe) {
            self::probe(probe);
        }
    }
    if let Some(lifecycle) = container.get_mut("lifecycle") {
        for hook in ["postStart", "preStop"] {
            if let Some(hook) = inside(lifecycle, hook) {
                http_get(hook);
            }
        }
    }
}

fn probe(probe: &mut Map) {
    for (name, value) in [("timeoutSeconds", 1), ("periodSeconds", 10), ("successThreshold", 1), ("failureThreshold", 3)] {
        fill_zero(probe, name, value);
    }
    http_get(probe);
    if let Some(Value::Object(grpc)) = probe.get_mut("grpc") {
        fill(grpc, "service", "");
    }
}

fn http_get(handler: &mut Map) {
    if let Some(Value::Object(get)) = handler.get_mut("httpGet") {
        fill_zero(get, "path", "/");
        fill_zero(get, "scheme", "HTTP");
    }
}

fn field_reference(holder: &mut Value) {
    if let Some(reference) = inside(holder, "fieldRef") {
        fill(reference, "apiVersion", "v1");
    }
}

/// Values that a volume source gets for what it leaves out.
const SOURCE_DEFAULTS: [(&str, &str, &str); 10] = [
    ("hostPath", "type", ""),
    ("iscsi", "iscsiInterface", "default"),
    ("rbd", "pool", "rbd"),
    ("rbd", "user", "admin"),
    ("rbd", "keyring", "/etc/ceph/keyring"),
    ("azureDisk", "cachingMode", "ReadWrite"),
    ("azureDisk", "fsType", "ext4"),
    ("azureDisk", "kind", "Shared"),
    ("scaleIO", "storageMode", "ThinProvisioned"),
    ("scaleIO", "fsType", "xfs"),
];

/// What the sources of pod volumes and of persistent volumes have in common.
pub(super) fn volume_source(volume: &mut Map) {
    for (source, field, value) in SOURCE_DEFAULTS {
        if let Some(Value::Object(source)) = volume.get_mut(source) {
            fill(source, field, value);
        }
    }
    if let Some(Value::Object(disk)) = volume.get_mut("azureDisk") {
        fill(disk, "readOnly", false);
    }
}

fn volume(volume: &mut Map, version: Version) {
    if volume.keys().all(|name| name == "name") {
        volume.insert("emptyDir".into(), Map::new().into());
    }
    volume_source(volume);
    for source in ["secret", "configMap", "downwardAPI", "projected"] {
        if let Some(Value::Object(source)) = volume.get_mut(source) {
            fill(source, "defaultMode", 0o644);
        }
    }
    if let Some(Value::Object(image)) = volume.get_mut("image").filter(|_| Gate::ImageVolume.enabled(version)) {
        let policy = pull_policy(image.get("reference").and_then(Value::as_str).unwrap_or_default());
        fill(image, "pullPolicy", policy);
    }
    if let Some(Value::Object(source)) = volume.get_mut("downwardAPI") {
        downward(source);
    }
    if let Some(Value::Object(source)) = volume.get_mut("projected") {
        each(source, "sources", projection);
    }
    if let Some(spec) = volume.get_mut("ephemeral").and_then(|e| inside(e, "volumeClaimTemplate")).and_then(|t| t.get_mut("spec"))
        && let Value::Object(spec) = spec
    {
        claim_spec(spec);
    }
}

fn projection(source: &mut Map) {
    if let Some(Value::Object(source)) = source.get_mut("downwardAPI") {
        downward(source);
    }
    if let Some(Value::Object(token)) = source.get_mut("serviceAccountToken") {
        fill(token, "expirationSeconds", 3600);
    }
}

fn downward(source: &mut Map) {
    each(source, "items", |item| {
        if let Some(Value::Object(reference)) = item.get_mut("fieldRef") {
            fill(reference, "apiVersion", "v1");
        }
    });
}

/// The spec of a claim, of a template of claims and of an ephemeral volume.
pub(super) fn claim_spec(spec: &mut Map) {
    fill(spec, "volumeMode", "Filesystem");
    resources(spec);
}
