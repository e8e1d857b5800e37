//! Containers: those that run, those that run first, and those that are added for debugging.
//!
//! Follows `validateContainers`, `validateInitContainers` and `validateEphemeralContainers` of `pkg/apis/core/validation/validation.go`.

use super::volumes::Volumes;
use super::{environment, mounts, network, probes, resources, restart, security};
use crate::object::Value;
use crate::schema::Version;
use crate::simulate::validate::check::{Check, Place};
use crate::simulate::validate::formats;
use crate::simulate::validate::read::Read;
use std::collections::BTreeSet;

/// What containers need to know of their pod.
pub(super) struct Pod<'p> {
    /// Its spec.
    pub(super) spec: &'p Value,
    /// Its valid volumes.
    pub(super) volumes: &'p Volumes<'p>,
    /// The names of its resource claims.
    pub(super) claims: BTreeSet<&'p str>,
    /// How long it may take to stop.
    pub(super) grace: Option<i64>,
    /// Whether it runs in the host's user namespace.
    pub(super) host_users: bool,
}

/// All containers of a pod.
pub(super) fn all(check: &mut Check, spec: &Value, volumes: &Volumes, at: &Place) {
    let pod = Pod {
        spec,
        volumes,
        claims: spec.list("resourceClaims").iter().map(|c| c.text("name")).filter(|n| !n.is_empty()).collect(),
        grace: spec.number_if_set("terminationGracePeriodSeconds"),
        host_users: spec.flag("hostUsers") != Some(false),
    };
    running(check, &pod, &at.child("containers"));
    first(check, &pod, &at.child("initContainers"));
    added(check, &pod, &at.child("ephemeralContainers"));
}

fn running(check: &mut Check, pod: &Pod, at: &Place) {
    let containers = pod.spec.list("containers");
    if containers.is_empty() {
        return check.required(at, "");
    }
    let mut names = BTreeSet::new();
    for (i, container) in containers.iter().enumerate() {
        let at = at.index(i);
        common(check, container, pod, &at);
        if !names.insert(container.text("name")) {
            check.duplicate(&at.child("name"), container.text("name"));
        }
        probes::lifecycle(check, container, pod, &at);
        probes::probes(check, container, pod.grace, &at);
        if check.options.restart_rules {
            restart::policy(check, container, &at);
        } else if container.has("restartPolicy") {
            check.forbidden(&at.child("restartPolicy"), "may not be set for non-init containers");
        }
    }
    network::host_port_conflicts(check, containers, at);
}

fn first(check: &mut Check, pod: &Pod, at: &Place) {
    let mut names: BTreeSet<&str> = pod.spec.list("containers").iter().map(|c| c.text("name")).collect();
    for (i, container) in pod.spec.list("initContainers").iter().enumerate() {
        let (list_at, at) = (at, at.index(i));
        common(check, container, pod, &at);
        restart::init_policy(check, container, &at);
        let name = container.text("name");
        if names.contains(name) {
            check.duplicate(&at.child("name"), name);
        } else if !name.is_empty() {
            names.insert(name);
        }
        network::host_port_conflicts(check, std::slice::from_ref(container), list_at);
        let sidecar = container.text("restartPolicy") == "Always";
        if sidecar {
            probes::lifecycle(check, container, pod, &at);
            probes::probes(check, container, pod.grace, &at);
        } else {
            for name in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                if container.has(name) {
                    check.forbidden(&at.child(name), "may not be set for init containers without restartPolicy=Always");
                }
            }
        }
        if !sidecar && !check.options.lax_resize {
            let resize = at.child("resizePolicy");
            for (j, policy) in container.list("resizePolicy").iter().enumerate() {
                if policy.text("restartPolicy") == "RestartContainer" {
                    let detail = "must not be set to 'RestartContainer' for non-sidecar initContainers";
                    check.invalid(&resize.index(j).child("restartPolicy"), "RestartContainer", detail);
                }
            }
        }
    }
}

fn added(check: &mut Check, pod: &Pod, at: &Place) {
    let others: BTreeSet<&str> =
        ["containers", "initContainers"].into_iter().flat_map(|l| pod.spec.list(l)).map(|c| c.text("name")).collect();
    let mut names = others.clone();
    for (i, container) in pod.spec.list("ephemeralContainers").iter().enumerate() {
        let at = at.index(i);
        common(check, container, pod, &at);
        only_for_pods(check, container, &at);
        if !names.insert(container.text("name")) {
            check.duplicate(&at.child("name"), container.text("name"));
        }
        let target = container.text("targetContainerName");
        if !target.is_empty() && !others.contains(target) {
            check.not_found(&at.child("targetContainerName"), target);
        }
        let denied = [
            "ports",
            "resources",
            "resizePolicy",
            "restartPolicy",
            "restartPolicyRules",
            "lifecycle",
            "livenessProbe",
            "readinessProbe",
            "startupProbe",
        ];
        for name in denied {
            if container.field(name).is_some_and(|v| !v.as_object().is_some_and(|m| m.is_empty() && name == "resources")) {
                check.forbidden(&at.child(name), "cannot be set for an Ephemeral Container");
            }
        }
        let mounts_at = at.child("volumeMounts");
        for (j, mount) in container.list("volumeMounts").iter().enumerate() {
            for name in ["subPath", "subPathExpr"] {
                if !mount.text(name).is_empty() {
                    check.forbidden(&mounts_at.index(j).child(name), "cannot be set for an Ephemeral Container");
                }
            }
        }
    }
}

fn common(check: &mut Check, container: &Value, pod: &Pod, at: &Place) {
    let name = container.text("name");
    if check.filled(name, &at.child("name")) {
        check.invalid_each(&at.child("name"), name, formats::dns_label(name));
    }
    check.filled(container.text("image"), &at.child("image"));
    super::known(check, container, "terminationMessagePolicy", &["File", "FallbackToLogsOnError"], at);
    network::container_ports(check, container.list("ports"), &at.child("ports"));
    environment::variables(check, container.list("env"), &at.child("env"));
    environment::sources(check, container.list("envFrom"), &at.child("envFrom"));
    mounts::mounts(check, container, pod.volumes, at);
    mounts::devices(check, container, pod.volumes, at);
    pull_policy(check, container, "imagePullPolicy", at);
    resources::of_container(check, container.part("resources"), &pod.claims, &at.child("resources"));
    resize_policies(check, container.list("resizePolicy"), pod.spec.text("restartPolicy"), &at.child("resizePolicy"));
    security::of_container(check, container.part("securityContext"), pod.host_users, &at.child("securityContext"));
}

/// When an image is pulled.
pub(super) fn pull_policy(check: &mut Check, value: &Value, name: &str, at: &Place) {
    super::known(check, value, name, &["Always", "IfNotPresent", "Never"], at);
}

fn resize_policies(check: &mut Check, policies: &[Value], pod_policy: &str, at: &Place) {
    let mut seen = BTreeSet::new();
    for (i, policy) in policies.iter().enumerate() {
        let (resource, restart) = (policy.text("resourceName"), policy.text("restartPolicy"));
        if !seen.insert(resource) {
            check.duplicate(&at.index(i), resource);
        }
        for (value, supported) in [(resource, ["cpu", "memory"]), (restart, ["NotRequired", "RestartContainer"])] {
            if check.filled(value, at) {
                check.one_of(at, value, &supported);
            }
        }
        if pod_policy == "Never" && restart != "NotRequired" {
            let whose = if check.version() < Version::V1_36 { "" } else { "pod " };
            check.invalid(at, restart, &format!("must be 'NotRequired' when {whose}`restartPolicy` is 'Never'"));
        }
    }
}

/// What only a Pod refuses, and a template lets through.
pub(super) fn only_for_pods(check: &mut Check, container: &Value, at: &Place) {
    let image = container.text("image");
    if image.trim() != image {
        check.invalid(&at.child("image"), image, "must not have leading or trailing whitespace");
    }
}
