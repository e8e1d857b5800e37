//! What the API server refuses, kind by kind, in its order and with its texts.
//!
//! Works on the encoded, defaulted v1 form of an object, and knows nothing of HTTP or of other objects. Follows `pkg/apis/*/validation`
//! and the `strategy.go` files of `pkg/registry`, which say what runs when.

mod annotations;
mod batch;
mod check;
mod claims;
mod classes;
mod content;
mod definition_versions;
mod definitions;
mod formats;
mod indexes;
mod internal;
mod job_status;
mod metadata;
mod networking;
mod pod;
mod quotas;
mod rbac;
mod read;
#[cfg(test)]
mod recorded;
mod scaling;
mod schedule;
mod schemas;
mod selector;
mod service;
mod status;
mod unified;
mod volumes;
mod warnings;
mod workloads;

pub(super) use internal::shown_as;

use crate::object::{Gvk, Map, Value};
use crate::schema::Version;
use crate::simulate::status::Cause;
use check::Check;
use read::Read;
use std::sync::Arc;

/// What is validated, and as whom.
#[derive(Clone, Debug)]
pub struct Context {
    /// The kind, in the version that the object is encoded in.
    pub gvk: Gvk,
    /// The server's version.
    pub version: Version,
    /// Whether objects of the kind live in namespaces.
    pub namespaced: bool,
    /// What the object was decoded from.
    pub sent: Option<Arc<Value>>,
}

/// The rules of a kind: for a new object, or for one that was something before.
type Rules = fn(&mut Check, &Value, Option<&Value>);

fn rules(gvk: &Gvk) -> Option<Rules> {
    Some(match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("apps", "Deployment") => workloads::deployment,
        ("apps", "ReplicaSet") => workloads::replica_set,
        ("apps", "StatefulSet") => workloads::stateful_set,
        ("apps", "DaemonSet") => workloads::daemon_set,
        ("", "Pod") => pod,
        ("batch", "Job") => batch::job,
        ("batch", "CronJob") => batch::cron_job,
        ("", "Service") => service::service,
        ("", "ConfigMap") => content::config_map,
        ("", "Secret") => content::secret,
        ("", "ServiceAccount") => content::service_account,
        ("", "Namespace") => content::namespace,
        ("", "PersistentVolumeClaim") => claims::claim,
        ("", "PersistentVolume") => volumes::volume,
        ("", "ResourceQuota") => quotas::quota,
        ("", "LimitRange") => quotas::limit_range,
        ("networking.k8s.io", "NetworkPolicy") => networking::network_policy,
        ("networking.k8s.io", "Ingress") => networking::ingress,
        ("networking.k8s.io", "IngressClass") => networking::ingress_class,
        ("policy", "PodDisruptionBudget") => scaling::budget,
        ("autoscaling", "HorizontalPodAutoscaler") => scaling::autoscaler,
        ("rbac.authorization.k8s.io", "Role") => rbac::role,
        ("rbac.authorization.k8s.io", "ClusterRole") => rbac::cluster_role,
        ("rbac.authorization.k8s.io", "RoleBinding") => rbac::role_binding,
        ("rbac.authorization.k8s.io", "ClusterRoleBinding") => rbac::cluster_role_binding,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => definitions::definition,
        ("storage.k8s.io", "StorageClass") => classes::storage_class,
        ("scheduling.k8s.io", "PriorityClass") => classes::priority_class,
        _ => return None,
    })
}

/// Whether the fields of a kind are validated, and not its metadata alone.
pub fn modelled(gvk: &Gvk) -> bool {
    rules(gvk).is_some()
}

/// What is wrong with a new object; it must have its namespace already.
pub fn create(context: &Context, object: &Value) -> Vec<Cause> {
    let mut check = Check::new(context.version);
    check.options = options(context, None);
    check.sent.clone_from(&context.sent);
    if let Some(rules) = rules(&context.gvk) {
        rules(&mut check, object, None);
    }
    let found = check.found();
    if !found.is_empty() {
        return found;
    }
    metadata::generic(&mut check, object, context.namespaced);
    check.causes
}

/// What is wrong with a pod that is made from a template that was let in.
pub fn unlike_template(version: Version, pod: &Value) -> Vec<Cause> {
    let mut check = Check::new(version);
    pod::unlike_template(&mut check, &pod["spec"], &check::Place::root("spec"));
    check.found()
}

/// What is wrong with an object that was `old`; it must have a resource version, and the old one's uid and timestamps.
///
/// Of the subresources, `scale` is checked as the object itself.
pub fn update(context: &Context, new: &Value, old: &Value, subresource: &str) -> Vec<Cause> {
    let mut check = Check::new(context.version);
    check.options = options(context, Some(old));
    check.sent.clone_from(&context.sent);
    metadata::generic(&mut check, new, context.namespaced);
    metadata::generic_update(&mut check, new, old);
    match (context.gvk.group.as_str(), context.gvk.kind.as_str(), subresource) {
        ("", "Pod", "status") => pod::status(&mut check, new, old),
        ("", "Pod", "resize") => pod::resize(&mut check, new, old),
        ("", "Pod", "ephemeralcontainers") => pod::ephemeral_containers(&mut check, new, old),
        ("", "Namespace", "status" | "finalize") => content::namespace_part(&mut check, new, subresource),
        ("batch", "Job", "status") => job_status::update(&mut check, new, old),
        (_, kind, "status") if rules(&context.gvk).is_some() => status::update(&mut check, kind, new, old),
        (_, _, "status") => {}
        _ => drop(rules(&context.gvk).map(|rules| rules(&mut check, new, Some(old)))),
    }
    check.found()
}

/// What the server warns of; to be asked once the object was found valid.
pub fn warnings(context: &Context, new: &Value, old: Option<&Value>, subresource: &str) -> Vec<String> {
    warnings::warnings(context, new, old, subresource)
}

/// What is wrong with the addresses, families and family policy of a Service's spec: the first thing that is looked at.
pub fn service_addresses(version: Version, spec: &Map, old: Option<&Map>) -> Vec<Cause> {
    let mut check = Check::new(version);
    service::addresses(&mut check, &spec.clone().into(), old.map(|old| old.clone().into()).as_ref());
    check.causes
}

/// What is wrong with the metadata of a new custom resource.
pub fn custom_metadata(context: &Context, object: &Value) -> Vec<Cause> {
    let mut check = Check::new(context.version);
    metadata::named(&mut check, object, context.namespaced, metadata::Names::Subdomain);
    check.causes
}

/// What is wrong with the metadata of an object that is part of another; it needs no name.
pub fn embedded_metadata(context: &Context, object: &Value) -> Vec<Cause> {
    let mut check = Check::new(context.version);
    let namespaced = object.part("metadata").has("namespace");
    metadata::generic(&mut check, object, namespaced);
    check.causes.retain(|c| c.field != "metadata.name" || c.reason != "FieldValueRequired");
    check.causes
}

/// What is wrong with a name that may have a domain before a slash.
pub fn wrong_qualified_name(version: Version, name: &str) -> Vec<String> {
    formats::qualified_name(version, name)
}

/// What is wrong with an RFC 1035 label.
pub fn wrong_label_1035(label: &str) -> Vec<String> {
    formats::dns_1035_label(label)
}

fn options(context: &Context, old: Option<&Value>) -> pod::Options {
    let is_pod = context.gvk.kind == "Pod";
    let old = match context.gvk.kind.as_str() {
        "Pod" => old,
        "CronJob" => old.and_then(|o| o.part("spec").part("jobTemplate").part("spec").field("template")),
        _ => old.and_then(|o| o.part("spec").field("template")),
    };
    pod::Options::of(context.version, is_pod, old)
}

fn pod(check: &mut Check, new: &Value, old: Option<&Value>) {
    match old {
        None => pod::create(check, new),
        Some(old) => pod::pod_update(check, new, old),
    }
}
