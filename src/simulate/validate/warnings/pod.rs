//! What is odd about a pod, or the template of one.
//!
//! Follows `pkg/api/pod/warnings.go`.

use super::{addresses, fractions, labels, volumes, warn};
use crate::object::{Value, json};
use crate::schema::Version;
use crate::simulate::status::quoted;
use crate::simulate::validate::check::Place;
use crate::simulate::validate::pod::containers_of;
use crate::simulate::validate::read::Read;
use std::collections::BTreeSet;

const REQUIRED: &str = "requiredDuringSchedulingIgnoredDuringExecution";
const PREFERRED: &str = "preferredDuringSchedulingIgnoredDuringExecution";
const NO_SELECTOR: &str = "a null labelSelector results in matching no pod";
const SECCOMP_OF_POD: &str = "seccomp.security.alpha.kubernetes.io/pod";
const SECCOMP_OF_CONTAINERS: &str = "container.seccomp.security.alpha.kubernetes.io/";
const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";

/// A pod, or the template of one: its spec at a place, its metadata after a prefix.
pub(super) fn pod(version: Version, spec: &Value, meta: &Value, prefix: &str, at: &Place, found: &mut Vec<String>) {
    for (key, _) in spec.entries("nodeSelector") {
        if let Some(text) = labels::deprecated(key) {
            warn(found, &at.child("nodeSelector").key(key), text);
        }
    }
    node_affinity(version, spec.part("affinity").part("nodeAffinity"), at, found);
    let list_at = at.child("topologySpreadConstraints");
    for (i, constraint) in spec.list("topologySpreadConstraints").iter().enumerate() {
        let (at, key) = (list_at.index(i), constraint.text("topologyKey"));
        if let Some(text) = labels::deprecated(key) {
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
    volumes::of_pod(spec.list("volumes"), &at.child("volumes"), found);
    repeated(spec.list("hostAliases"), "ip", &at.child("hostAliases"), found);
    repeated(spec.list("imagePullSecrets"), "name", &at.child("imagePullSecrets"), found);
    let list_at = at.child("imagePullSecrets");
    for (i, _) in spec.list("imagePullSecrets").iter().enumerate().filter(|(_, s)| s.text("name").is_empty()) {
        warn(found, &list_at.index(i).child("name"), "invalid empty name \"\"");
    }
    fractions(spec.part("overhead"), &at.child("overhead"), &["memory", "ephemeral-storage"], found);
    let annotations = (meta.part("annotations"), prefix);
    if !spec.part("securityContext").has("seccompProfile") && annotations.0.has(SECCOMP_OF_POD) {
        profile(annotations, SECCOMP_OF_POD, "non-functional in v1.27+", "seccompProfile", found);
    }
    for (list, i, container) in containers_of(spec) {
        let list_at = at.child(list);
        profiles(container, spec, annotations, found);
        variables_and_sizes(container, &list_at.index(i), found);
    }
    ports(spec, at, found);
    if spec.number("terminationGracePeriodSeconds") < 0 {
        let text = "must be >= 0; negative values are invalid and will be treated as 1";
        warn(found, &at.child("terminationGracePeriodSeconds"), text);
    }
    pod_affinity(spec.part("affinity"), at, found);
    let servers_at = at.child("dnsConfig.nameservers");
    for (i, server) in spec.part("dnsConfig").texts("nameservers").enumerate() {
        addresses::address(server, &servers_at.index(i), found);
    }
    let aliases_at = at.child("hostAliases");
    for (i, alias) in spec.list("hostAliases").iter().enumerate() {
        addresses::address(alias.text("ip"), &aliases_at.index(i).child("ip"), found);
    }
}

fn profile((_, prefix): (&Value, &str), key: &str, since: &str, instead: &str, found: &mut Vec<String>) {
    found.push(format!("{prefix}metadata.annotations[{key}]: {since}; use the \"{instead}\" field instead"));
}

/// Annotations of a container that fields took the place of. Those of pods for AppArmor become fields as the pod is made.
fn profiles(container: &Value, spec: &Value, annotations: (&Value, &str), found: &mut Vec<String>) {
    let (context, name) = (container.part("securityContext"), container.text("name"));
    let key = format!("{SECCOMP_OF_CONTAINERS}{name}");
    if !context.has("seccompProfile") && annotations.0.has(&key) {
        profile(annotations, &key, "non-functional in v1.27+", "seccompProfile", found);
    }
    let (key, template) = (format!("{APP_ARMOR}{name}"), !annotations.1.is_empty());
    if template && !context.has("appArmorProfile") && annotations.0.has(&key) {
        let of_pod = spec.part("securityContext").field("appArmorProfile");
        if of_pod.is_none() || of_pod != app_armor(annotations.0.text(&key)).as_ref() {
            profile(annotations, &key, "deprecated since v1.30", "appArmorProfile", found);
        }
    }
}

/// The field that an annotation stands for; none if it is no profile.
fn app_armor(annotation: &str) -> Option<Value> {
    match annotation {
        "unconfined" => Some(json!({"type": "Unconfined"})),
        "runtime/default" => Some(json!({"type": "RuntimeDefault"})),
        other => other.strip_prefix("localhost/").filter(|p| !p.is_empty()).map(|p| json!({"type": "Localhost", "localhostProfile": p})),
    }
}

fn node_affinity(version: Version, affinity: &Value, at: &Place, found: &mut Vec<String>) {
    let at = at.child("affinity.nodeAffinity");
    let (required_at, preferred_at) = (at.child(REQUIRED), at.child(PREFERRED));
    let terms_at = required_at.child("nodeSelectorTerms");
    for (i, one) in affinity.part(REQUIRED).list("nodeSelectorTerms").iter().enumerate() {
        labels::term(one, None, &terms_at.index(i), found);
    }
    for (i, one) in affinity.list(PREFERRED).iter().enumerate() {
        labels::term(one.part("preference"), Some(version), &preferred_at.index(i).child("preference"), found);
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

fn repeated(items: &[Value], name: &str, list_at: &Place, found: &mut Vec<String>) {
    let mut seen = BTreeSet::new();
    for (i, item) in items.iter().enumerate() {
        if !seen.insert(item.text(name)) {
            warn(found, &list_at.index(i).child(name), &format!("duplicate {name} {}", quoted(item.text(name))));
        }
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
        if !port.text("hostIP").is_empty() && port.number("hostPort") == 0 {
            let [name, protocol, address] = ["name", "protocol", "hostIP"].map(|key| port.text(key));
            let (host, own) = (port.number("hostPort"), port.number("containerPort"));
            let shown = format!("{{Name:{name} HostPort:{host} ContainerPort:{own} Protocol:{protocol} HostIP:{address}}}");
            found.push(format!("{at}: hostIP set without hostPort: {shown}"));
        }
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
