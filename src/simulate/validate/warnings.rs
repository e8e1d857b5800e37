//! What the API server warns of and takes all the same.
//!
//! Follows `pkg/api/pod/warnings.go`, `pkg/api/service/warnings.go`, `pkg/api/persistentvolumeclaim/util.go` and the `WarningsOnCreate`
//! and `WarningsOnUpdate` of the strategies.

use super::annotations::template_generation;
use super::check::Place;
use super::formats::dns_label;
use super::pod::containers_of;
use super::read::{Read, quantity};
use crate::object::{Gvk, Value};
use crate::simulate::status::quoted;
use std::collections::BTreeSet;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const NO_SELECTOR: &str = "a null labelSelector results in matching no pod";

/// The warnings of a write; on an update a template is only looked at if the generation moved.
pub(super) fn warnings(gvk: &Gvk, new: &Value, old: Option<&Value>) -> Vec<String> {
    let mut found = Vec::new();
    let (spec, at) = (new.part("spec"), Place::root("spec"));
    let generation = |o: &Value| o.part("metadata").number("generation");
    let moved = old.is_none_or(|old| match gvk.kind.as_str() {
        "DaemonSet" => template_generation(new) != template_generation(old),
        _ => generation(new) != generation(old),
    });
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("apps", "Deployment" | "ReplicaSet" | "DaemonSet" | "StatefulSet") | ("batch", "Job") => {
            if old.is_none() && !["DaemonSet", "StatefulSet"].contains(&gvk.kind.as_str()) {
                pod_names(new, "Pod names and hostnames", &mut found);
            }
            if moved {
                template(spec.part("template"), &at.child("template"), &mut found);
            }
        }
        ("batch", "CronJob") => {
            if old.is_none() {
                pod_names(new, "Pod names and hostnames", &mut found);
            }
            if moved {
                let job = spec.part("jobTemplate").part("spec");
                template(job.part("template"), &at.child("jobTemplate.spec.template"), &mut found);
            }
        }
        ("", "Pod") if old.is_none() => {
            pod_names(new, "the Pod's hostname", &mut found);
            pod(spec, new.part("metadata"), "", &at, &mut found);
        }
        ("", "PersistentVolumeClaim") => {
            let annotation = "volume.beta.kubernetes.io/storage-class";
            if new.part("metadata").part("annotations").has(annotation) {
                let instead = "use \"storageClassName\" attribute instead";
                found.push(format!("metadata.annotations[{annotation}]: deprecated since v1.8; {instead}"));
            }
            claim(spec, &at, &mut found);
        }
        ("", "Service") => service(new, &mut found),
        ("networking.k8s.io", "Ingress") => {
            let annotation = "kubernetes.io/ingress.class";
            if old.is_none() && new.part("metadata").part("annotations").has(annotation) && !spec.has("ingressClassName") {
                found.push(format!("annotation {} is deprecated, please use 'spec.ingressClassName' instead", quoted(annotation)));
            }
        }
        _ => {}
    }
    if gvk.group == "apps" && gvk.kind == "StatefulSet" {
        let list_at = at.child("volumeClaimTemplates");
        for (i, template) in spec.list("volumeClaimTemplates").iter().enumerate() {
            let item = list_at.index(i);
            let spec_at = item.child("Spec");
            claim(template.part("spec"), if old.is_some() { &spec_at } else { &item }, &mut found);
        }
        if spec.number("revisionHistoryLimit") < 0 {
            found.push("spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended".into());
        }
    }
    found
}

fn pod_names(object: &Value, of: &str, found: &mut Vec<String>) {
    let messages = dns_label(object.part("metadata").text("name"));
    if !messages.is_empty() {
        let detail = "which can result in surprising behavior; a DNS label is recommended";
        found.push(format!("metadata.name: this is used in {of}, {detail}: [{}]", messages.join(" ")));
    }
}

fn template(template: &Value, at: &Place, found: &mut Vec<String>) {
    let prefix = format!("{}.", at.path());
    pod(template.part("spec"), template.part("metadata"), &prefix, &at.child("spec"), found);
}

fn warn(found: &mut Vec<String>, at: &Place, text: &str) {
    found.push(format!("{}: {text}", at.path()));
}

fn pod(spec: &Value, meta: &Value, prefix: &str, at: &Place, found: &mut Vec<String>) {
    for (key, _) in spec.entries("nodeSelector") {
        if let Some(text) = deprecated_label(key) {
            warn(found, &at.child("nodeSelector").key(key), text);
        }
    }
    node_affinity(spec.part("affinity").part("nodeAffinity"), at, found);
    let list_at = at.child("topologySpreadConstraints");
    for (i, constraint) in spec.list("topologySpreadConstraints").iter().enumerate() {
        let (at, key) = (list_at.index(i), constraint.text("topologyKey"));
        if let Some(text) = deprecated_label(key) {
            warn(found, &at.child("topologyKey"), &format!("{key} is {text}"));
        }
        if !constraint.has("labelSelector") {
            warn(found, &at.child("labelSelector"), NO_SELECTOR);
        }
    }
    for (key, text) in [
        ("scheduler.alpha.kubernetes.io/critical-pod", "non-functional in v1.16+; use the \"priorityClassName\" field instead"),
        ("security.alpha.kubernetes.io/sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
        ("security.alpha.kubernetes.io/unsafe-sysctls", "non-functional in v1.11+; use the \"sysctls\" field instead"),
    ] {
        if meta.part("annotations").has(key) {
            found.push(format!("{prefix}metadata.annotations[{key}]: {text}"));
        }
    }
    volumes(spec.list("volumes"), &at.child("volumes"), found);
    repeated(spec.list("hostAliases"), "ip", &at.child("hostAliases"), found);
    repeated(spec.list("imagePullSecrets"), "name", &at.child("imagePullSecrets"), found);
    let list_at = at.child("imagePullSecrets");
    for (i, _) in spec.list("imagePullSecrets").iter().enumerate().filter(|(_, s)| s.text("name").is_empty()) {
        warn(found, &list_at.index(i).child("name"), "invalid empty name \"\"");
    }
    fractions(spec.part("overhead"), &at.child("overhead"), &["memory", "ephemeral-storage"], found);
    for (list, i, container) in containers_of(spec) {
        let list_at = at.child(list);
        variables_and_sizes(container, &list_at.index(i), found);
    }
    ports(spec, at, found);
    if spec.number("terminationGracePeriodSeconds") < 0 {
        let text = "must be >= 0; negative values are invalid and will be treated as 1";
        warn(found, &at.child("terminationGracePeriodSeconds"), text);
    }
    pod_affinity(spec.part("affinity"), at, found);
}

fn deprecated_label(key: &str) -> Option<&'static str> {
    Some(match key {
        "beta.kubernetes.io/arch" => "deprecated since v1.14; use \"kubernetes.io/arch\" instead",
        "beta.kubernetes.io/os" => "deprecated since v1.14; use \"kubernetes.io/os\" instead",
        "failure-domain.beta.kubernetes.io/region" => "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead",
        "failure-domain.beta.kubernetes.io/zone" => "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead",
        "beta.kubernetes.io/instance-type" => "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead",
        "app.kubernetes.io/created-by" => "deprecated since v1.9",
        "scheduler.alpha.kubernetes.io/preferAvoidPods" => "deprecated since v1.22; use Taints and Tolerations instead",
        "node-role.kubernetes.io/master" => "use \"node-role.kubernetes.io/control-plane\" instead",
        _ => return None,
    })
}

fn node_affinity(affinity: &Value, at: &Place, found: &mut Vec<String>) {
    let at = at.child("affinity.nodeAffinity");
    let (required_at, preferred_at) = (at.child(REQUIRED), at.child(PREFERRED));
    let terms_at = required_at.child("nodeSelectorTerms");
    let mut term = |term: &Value, at: &Place| {
        let list_at = at.child("matchExpressions");
        for (i, expression) in term.list("matchExpressions").iter().enumerate() {
            if let Some(text) = deprecated_label(expression.text("key")) {
                warn(found, &list_at.index(i).child("key"), &format!("{} is {text}", expression.text("key")));
            }
        }
    };
    for (i, one) in affinity.part(REQUIRED).list("nodeSelectorTerms").iter().enumerate() {
        term(one, &terms_at.index(i));
    }
    for (i, one) in affinity.list(PREFERRED).iter().enumerate() {
        term(one.part("preference"), &preferred_at.index(i).child("preference"));
    }
}

fn pod_affinity(affinity: &Value, at: &Place, found: &mut Vec<String>) {
    let at = at.child("affinity");
    for side in ["podAffinity", "podAntiAffinity"] {
        let (side_at, terms) = (at.child(side), affinity.part(side));
        let (required_at, preferred_at) = (side_at.child(REQUIRED), side_at.child(PREFERRED));
        for (i, _) in terms.list(REQUIRED).iter().enumerate().filter(|(_, t)| !t.has("labelSelector")) {
            warn(found, &required_at.index(i).child("labelSelector"), NO_SELECTOR);
        }
        for (i, _) in terms.list(PREFERRED).iter().enumerate().filter(|(_, t)| !t.part("podAffinityTerm").has("labelSelector")) {
            warn(found, &preferred_at.index(i).child("podAffinityTerm.labelSelector"), NO_SELECTOR);
        }
    }
}

/// Volume sources that no longer do anything.
const OLD_SOURCES: &[(&str, &str, &str)] = &[
    ("photonPersistentDisk", "photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
    ("gitRepo", "gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
    ("scaleIO", "scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
    ("flocker", "flocker", "deprecated in v1.22, non-functional in v1.25+"),
    ("storageos", "storageOS", "deprecated in v1.22, non-functional in v1.25+"),
    ("quobyte", "quobyte", "deprecated in v1.22, non-functional in v1.25+"),
    ("glusterfs", "glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
    ("cephfs", "cephfs", "deprecated in v1.28, non-functional in v1.31+"),
    ("rbd", "rbd", "deprecated in v1.28, non-functional in v1.31+"),
];

fn volumes(volumes: &[Value], list_at: &Place, found: &mut Vec<String>) {
    for (i, volume) in volumes.iter().enumerate() {
        let at = list_at.index(i);
        for (_, shown, text) in OLD_SOURCES.iter().filter(|(name, _, _)| volume.has(name)) {
            warn(found, &at.child(shown), text);
        }
        if let Some(template) = volume.part("ephemeral").field("volumeClaimTemplate") {
            claim(template.part("spec"), &at.child("ephemeral.volumeClaimTemplate.spec"), found);
        }
    }
}

fn repeated(items: &[Value], name: &str, list_at: &Place, found: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (i, item) in items.iter().enumerate() {
        if !seen.insert(item.text(name)) {
            warn(found, &list_at.index(i).child(name), &format!("duplicate {name} {}", quoted(item.text(name))));
        }
    }
}

/// Sizes in parts of a byte.
fn fractions(amounts: &Value, at: &Place, names: &[&str], found: &mut Vec<String>) {
    for name in names {
        let Some(amount) = amounts.field(name) else { continue };
        if quantity(amount).milli_value().is_some_and(|m| m % 1000 != 0) {
            let text = quoted(amount.as_str().unwrap_or_default());
            warn(found, &at.key(name), &format!("fractional byte value {text} is invalid, must be an integer"));
        }
    }
}

fn claim(spec: &Value, at: &Place, found: &mut Vec<String>) {
    let at = at.child("resources");
    for list in ["requests", "limits"] {
        fractions(spec.part("resources").part(list), &at.child(list), &["storage"], found);
    }
}

fn variables_and_sizes(container: &Value, at: &Place, found: &mut Vec<String>) {
    let resources_at = at.child("resources");
    for name in ["memory", "ephemeral-storage"] {
        for list in ["limits", "requests"] {
            fractions(container.part("resources").part(list), &resources_at.child(list), &[name], found);
        }
    }
    let (list_at, mut seen) = (at.child("env"), BTreeSet::new());
    for (i, variable) in container.list("env").iter().enumerate() {
        let (name, value) = (variable.text("name"), variable.text("value"));
        if seen.insert(name) {
            continue;
        }
        // a value that builds on the earlier one means to
        let reference = format!("$({name})");
        if variable.has("valueFrom") || value == reference || !value.contains(&reference) {
            let text = format!("hides previous definition of {}, which may be dropped when using apply", quoted(name));
            warn(found, &list_at.index(i), &text);
        }
    }
}

/// Every port of a pod with its place.
fn ports_of<'v>(spec: &'v Value, at: &Place) -> Vec<(String, &'v Value)> {
    let mut all = Vec::new();
    for (list, i, container) in containers_of(spec) {
        let list_at = at.child(list);
        let container_at = list_at.index(i);
        let ports_at = container_at.child("ports");
        for (j, port) in container.list("ports").iter().enumerate() {
            all.push((ports_at.index(j).path().to_string(), port));
        }
    }
    all
}

fn ports(spec: &Value, at: &Place, found: &mut Vec<String>) {
    let all = ports_of(spec, at);
    for (n, (at, port)) in all.iter().enumerate() {
        for (other_at, other) in &all[..n] {
            if port.number("containerPort") != other.number("containerPort") || port.text("protocol") != other.text("protocol") {
                continue;
            }
            let (host, other_host) = (port.number("hostPort"), other.number("hostPort"));
            let (address, other_address) = (port.text("hostIP"), other.text("hostIP"));
            let what = if address == other_address && host == other_host {
                "duplicate"
            } else if host == 0 || other_host == 0 {
                "overlapping"
            } else if host == other_host && address.is_empty() != other_address.is_empty() {
                "dangerously ambiguous"
            } else {
                continue;
            };
            found.push(format!("{at}: {what} port definition with {other_at}"));
        }
    }
    for (n, (at, port)) in all.iter().enumerate().filter(|(_, (_, p))| !p.text("name").is_empty()) {
        if let Some((other, _)) = all[..n].iter().find(|(_, o)| o.text("name") == port.text("name")) {
            let name = quoted(port.text("name"));
            let detail = "services and probes that select ports by name will use";
            found.push(format!("{at}: duplicate port name {name} with {other}, {detail} {other}"));
        }
    }
}

fn service(service: &Value, found: &mut Vec<String>) {
    let spec = service.part("spec");
    let (hints, mode) = ("service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode");
    if service.part("metadata").part("annotations").has(hints) {
        found.push(format!("annotation {hints} is deprecated, please use {mode} instead"));
    }
    let (kind, external) = (spec.text("type"), !spec.list("externalIPs").is_empty());
    let headless = kind == "ClusterIP" && spec.text("clusterIP") == "None";
    if headless {
        if !spec.text("loadBalancerIP").is_empty() {
            found.push("spec.loadBalancerIP is ignored for headless services".into());
        }
        if external {
            found.push("spec.externalIPs is ignored for headless services".into());
        }
        if spec.text("sessionAffinity") != "None" {
            found.push("spec.SessionAffinity is ignored for headless services".into());
        }
    }
    if kind == "ExternalName" && external {
        found.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".into());
    }
    if kind != "ExternalName" && !spec.text("externalName").is_empty() {
        found.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".into());
    }
}
