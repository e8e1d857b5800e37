//! Pods and pod templates.
//!
//! Follows `ValidatePodSpec` and `ValidatePodTemplateSpec` of `pkg/apis/core/validation/validation.go`; the parts stand in the files
//! beside.

mod container;
mod environment;
mod mounts;
mod network;
mod options;
mod probes;
mod projected;
mod resources;
mod restart;
mod scheduling;
mod security;
mod sources;
mod statuses;
mod subresources;
mod template_annotations;
mod update;
mod volumes;
mod windows;

pub(super) use network::{address, legacy_address};
pub(super) use options::Options;
pub(super) use resources::{COUNTED, container_resource_name, overcommits, positive_quantity, quantity_value, resource_name};
pub(super) use scheduling::{has_bad_node_values, node_selector, topology_term};
pub(super) use sources::of_volume as volume_source;
pub(super) use subresources::{ephemeral_containers, resize, status};
pub(super) use template_annotations::annotations;
use template_annotations::deletion_cost_is_number;
pub(super) use update::pod_update;
use volumes::back_steps;

use super::check::{Check, Place};
use super::claims;
use super::metadata::{self, Names};
use super::read::Read;
use super::selector;
use crate::object::Value;
use crate::schema::Version;

/// Every container of a pod spec in Kubernetes' order of visiting: which list, which index, and the container.
pub(super) fn containers_of(spec: &Value) -> impl Iterator<Item = (&'static str, usize, &Value)> {
    ["initContainers", "containers", "ephemeralContainers"]
        .into_iter()
        .flat_map(|list| spec.list(list).iter().enumerate().map(move |(i, c)| (list, i, c)))
}

/// A pod template in a workload.
pub(super) fn template(check: &mut Check, template: &Value, at: &Place) {
    let meta = template.part("metadata");
    let (spec, spec_at) = (template.part("spec"), at.child("spec"));
    selector::labels(check, meta.part("labels"), &at.child("labels"));
    metadata::annotations(check, meta.part("annotations"), &at.child("annotations"));
    template_annotations::annotations(check, meta, spec, &at.child("annotations"));
    pod_spec(check, spec, None, &spec_at);
    template_annotations::seccomp_matches(check, meta, spec, &spec_at);
    template_annotations::app_armor_matches(check, meta, spec, &spec_at);
    if !spec.list("ephemeralContainers").is_empty() {
        check.forbidden(&spec_at.child("ephemeralContainers"), "ephemeral containers not allowed in pod template");
    }
}

/// A new Pod.
pub(super) fn create(check: &mut Check, pod: &Value) {
    metadata_and_spec(check, pod);
    let (spec, at) = (pod.part("spec"), Place::root("spec"));
    if !spec.list("ephemeralContainers").is_empty() {
        check.forbidden(&at.child("ephemeralContainers"), "cannot be set on create");
    }
    if !spec.text("nodeName").is_empty() && !spec.list("schedulingGates").is_empty() {
        check.forbidden(&at.child("nodeName"), "cannot be set until all schedulingGates have been cleared");
    }
    template_annotations::seccomp_matches(check, pod.part("metadata"), spec, &at);
    template_annotations::app_armor_matches(check, pod.part("metadata"), spec, &at);
}

fn metadata_and_spec(check: &mut Check, pod: &Value) {
    metadata::metadata(check, pod, true, Names::Subdomain);
    let (meta, spec, at) = (pod.part("metadata"), pod.part("spec"), Place::root("spec"));
    template_annotations::annotations(check, meta, spec, &Place::root("metadata.annotations"));
    pod_spec(check, spec, Some(meta), &at);
    if spec.text("serviceAccountName").is_empty() {
        let volumes_at = at.child("volumes");
        for (v, volume) in spec.list("volumes").iter().enumerate() {
            for (s, source) in volume.part("projected").list("sources").iter().enumerate() {
                if source.has("serviceAccountToken") {
                    let (volume_at, list) = (volumes_at.index(v), "projected.sources");
                    let sources = volume_at.child(list);
                    let source_at = sources.index(s);
                    check.forbidden(&source_at.child("serviceAccountToken"), "must not be specified when serviceAccountName is not set");
                }
            }
        }
    }
    unlike_template(check, spec, &at);
}

/// What a pod is refused for and a template is not: a controller finds out when it makes one.
pub(super) fn unlike_template(check: &mut Check, spec: &Value, at: &Place) {
    for list in ["containers", "initContainers"] {
        let list_at = at.child(list);
        for (i, container) in spec.list(list).iter().enumerate() {
            container::only_for_pods(check, container, &list_at.index(i));
        }
    }
}

/// A pod's spec; `meta` is there for a Pod and not for a template.
fn pod_spec(check: &mut Check, spec: &Value, meta: Option<&Value>, at: &Place) {
    if !spec.has("terminationGracePeriodSeconds") {
        check.required(&at.child("terminationGracePeriodSeconds"), "");
    }
    let volumes = volumes::volumes(check, spec.list("volumes"), meta, &at.child("volumes"));
    resources::pod_claims(check, spec, meta, &at.child("resourceClaims"));
    container::all(check, spec, &volumes, at);
    resources::pod_level(check, spec, at);
    network::host_ports(check, spec, at);
    restart_policy(check, spec.text("restartPolicy"), &at.child("restartPolicy"));
    known(check, spec, "dnsPolicy", &["ClusterFirstWithHostNet", "ClusterFirst", "Default", "None"], at);
    selector::labels(check, spec.part("nodeSelector"), &at.child("nodeSelector"));
    security::of_pod(check, spec, &at.child("securityContext"));
    if check.version() >= Version::V1_37 {
        security::shared_processes(check, spec, at);
    }
    scheduling::affinity(check, spec.part("affinity"), &at.child("affinity"));
    network::dns_config(check, spec, &at.child("dnsConfig"));
    scheduling::gates(check, spec, at);
    scheduling::spread(check, spec.list("topologySpreadConstraints"), &at.child("topologySpreadConstraints"));
    windows::host_process(check, spec, at);
    security::user_namespaces(check, spec, at);
    network::hostname_override(check, spec, at);
    names_and_deadline(check, spec, at);
    scheduling::tolerations(check, spec.list("tolerations"), &at.child("tolerations"));
    network::host_aliases(check, spec, &at.child("hostAliases"));
    for (name, names) in [("priorityClassName", Names::Subdomain), ("runtimeClassName", Names::Subdomain)] {
        if spec.has(name) && !(name == "priorityClassName" && spec.text(name).is_empty()) {
            check.invalid_each(&at.child(name), spec.text(name), names.errors(spec.text(name), false));
        }
    }
    if spec.has("preemptionPolicy") {
        known(check, spec, "preemptionPolicy", &["PreemptLowerPriority", "Never"], at);
    }
    resources::overhead(check, spec, &at.child("overhead"));
    windows::system(check, spec, at);
    if let Some(group) = spec.field("schedulingGroup") {
        let (group_at, name) = (at.child("schedulingGroup"), group.text("podGroupName"));
        if group.has("podGroupName") {
            check.invalid_each(&group_at.child("podGroupName"), name, Names::Subdomain.errors(name, false));
        } else {
            check.invalid(&group_at.child("podGroupName"), group.part("podGroupName"), "must specify one of: `podGroupName`");
        }
    }
    environment::file_volumes(check, spec, at);
}

fn names_and_deadline(check: &mut Check, spec: &Value, at: &Place) {
    let rules = [
        ("serviceAccountName", Names::Subdomain),
        ("nodeName", Names::Subdomain),
        ("activeDeadlineSeconds", Names::Path),
        ("hostname", Names::Label),
        ("subdomain", Names::Label),
    ];
    for (name, names) in rules {
        let text = spec.text(name);
        if let Some(seconds) = spec.number_if_set(name) {
            check.within(seconds, 1, i64::from(i32::MAX), &at.child(name));
        } else if !text.is_empty() {
            check.invalid_each(&at.child(name), text, names.errors(text, false));
        }
    }
}

fn restart_policy(check: &mut Check, policy: &str, at: &Place) {
    if policy.is_empty() {
        check.required(at, "");
    } else {
        check.one_of(at, policy, &["Always", "OnFailure", "Never"]);
    }
}

/// A field that must be there and be one of these.
pub(super) fn known(check: &mut Check, value: &Value, name: &str, supported: &[&str], at: &Place) {
    match value.text(name) {
        "" => check.required(&at.child(name), ""),
        text => check.one_of(&at.child(name), text, supported),
    }
}

/// The claim template of an ephemeral volume.
fn claim_template(check: &mut Check, template: &Value, at: &Place) {
    let (meta, meta_at) = (template.part("metadata"), at.child("metadata"));
    metadata::annotations(check, meta.part("annotations"), &meta_at.child("annotations"));
    selector::labels(check, meta.part("labels"), &meta_at.child("labels"));
    for (name, _) in template.entries("metadata").filter(|(n, v)| !["annotations", "labels"].contains(n) && !v.is_null()) {
        check.forbidden(&meta_at.child(name), "cannot be set");
    }
    claims::spec(check, template.part("spec"), false, &at.child("spec"));
}
