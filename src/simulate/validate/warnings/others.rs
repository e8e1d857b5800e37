//! What is odd about objects that hold no pod.
//!
//! Follows the strategies in `pkg/registry/{core,networking,discovery,storage,node,resource,admissionregistration}`.

use super::{addresses, claim, key_pair, labels, volumes};
use crate::object::Value;
use crate::schema::Version;
use crate::simulate::status::quoted;
use crate::simulate::validate::check::Place;
use crate::simulate::validate::read::{Read, quantity};

/// Names with this end are those of configurations in files.
const STATIC: &str = ".static.k8s.io";

/// An object that holds no pod.
pub(super) fn object(kind: (&str, &str), version: Version, new: &Value, old: Option<&Value>, found: &mut Vec<String>) {
    let (spec, at) = (new.part("spec"), Place::root("spec"));
    match kind {
        ("", "PersistentVolumeClaim") => {
            let annotation = "volume.beta.kubernetes.io/storage-class";
            if new.part("metadata").part("annotations").has(annotation) {
                let instead = "use \"storageClassName\" attribute instead";
                found.push(format!("metadata.annotations[{annotation}]: deprecated since v1.8; {instead}"));
            }
            claim(spec, &at, found);
        }
        ("", "PersistentVolume") => volumes::volume(new, found),
        ("", "Service") => service(version, new, found),
        ("", "Secret") => key_pair::secret(new, found),
        ("", "Node") => node(spec, &at, found),
        ("", "ResourceQuota") if old.is_none() && version >= Version::V1_35 => quota(spec.part("hard"), found),
        ("", "Endpoints") => endpoints(new, found),
        ("discovery.k8s.io", "EndpointSlice") => slice(new, old.is_none(), found),
        ("networking.k8s.io", "Ingress") => {
            let annotation = "kubernetes.io/ingress.class";
            if old.is_none() && new.part("metadata").part("annotations").has(annotation) && !spec.has("ingressClassName") {
                found.push(format!("annotation {} is deprecated, please use 'spec.ingressClassName' instead", quoted(annotation)));
            }
        }
        ("networking.k8s.io", "NetworkPolicy") => policy(spec, &at, found),
        ("node.k8s.io", "RuntimeClass") => labels::runtime_class(new, found),
        ("storage.k8s.io", "StorageClass") => labels::storage_class(new, found),
        ("storage.k8s.io", "CSIStorageCapacity") => labels::storage_capacity(new, found),
        ("storage.k8s.io", "CSIDriver") if version >= Version::V1_35 => driver(spec, old.map(|o| o.part("spec")), found),
        ("resource.k8s.io", "ResourceSlice") if version >= Version::V1_35 => {
            let name = spec.text("driver");
            if name != name.to_lowercase() {
                let shown = quoted(name);
                found.push(format!("spec.driver: driver names should be lowercase; {shown} contains uppercase characters"));
            }
        }
        // From 1.37 on the name is refused instead when an object is made.
        ("admissionregistration.k8s.io", _) if version == Version::V1_36 || version > Version::V1_36 && old.is_some() => {
            if !new.part("metadata").text("name").ends_with(STATIC) {
                return;
            }
            let what = "are reserved for static manifest-based configurations and cannot be managed via the API";
            found.push(format!("metadata.name: names ending with {} {what}", quoted(STATIC)));
        }
        _ => {}
    }
}

/// A status that was written.
pub(super) fn status(group: &str, kind: &str, new: &Value, found: &mut Vec<String>) {
    let (status, at) = (new.part("status"), Place::root("status"));
    match (group, kind) {
        ("", "Service") | ("networking.k8s.io", "Ingress") => {
            let list_at = at.child("loadBalancer.ingress");
            for (i, ingress) in status.part("loadBalancer").list("ingress").iter().enumerate() {
                addresses::address(ingress.text("ip"), &list_at.index(i), found);
            }
        }
        ("", "Pod") => {
            for list in ["podIPs", "hostIPs"] {
                let list_at = at.child(list);
                for (i, one) in status.list(list).iter().enumerate() {
                    addresses::address(one.text("ip"), &list_at.index(i).child("ip"), found);
                }
            }
        }
        _ => {}
    }
}

/// What a StatefulSet is told beside what its template is.
pub(super) fn stateful_set(spec: &Value, update: bool, at: &Place, found: &mut Vec<String>) {
    let list_at = at.child("volumeClaimTemplates");
    for (i, template) in spec.list("volumeClaimTemplates").iter().enumerate() {
        let item = list_at.index(i);
        let spec_at = item.child("Spec");
        claim(template.part("spec"), if update { &spec_at } else { &item }, found);
    }
    if spec.number("revisionHistoryLimit") < 0 {
        found.push("spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended".into());
    }
}

/// Every text of a list.
fn each(object: &Value, list: &str, at: &Place, warn: fn(&str, &Place, &mut Vec<String>), found: &mut Vec<String>) {
    let list_at = at.child(list);
    for (i, text) in object.texts(list).enumerate() {
        warn(text, &list_at.index(i), found);
    }
}

fn service(version: Version, service: &Value, found: &mut Vec<String>) {
    let spec = service.part("spec");
    let (hints, mode) = ("service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode");
    if service.part("metadata").part("annotations").has(hints) {
        found.push(format!("annotation {hints} is deprecated, please use {mode} instead"));
    }
    let at = Place::root("spec");
    if !matches!(spec.text("clusterIP"), "" | "None") {
        each(spec, "clusterIPs", &at, addresses::address, found);
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
    each(spec, "externalIPs", &at, addresses::address, found);
    if external && !headless && kind != "ExternalName" && version >= Version::V1_36 {
        found.push("spec.externalIPs is deprecated and may no longer be implemented in some clusters".into());
    }
    addresses::address(spec.text("loadBalancerIP"), &at.child("loadBalancerIP"), found);
    each(spec, "loadBalancerSourceRanges", &at, addresses::block, found);
    if kind == "ExternalName" && external {
        found.push("spec.externalIPs is ignored when spec.type is \"ExternalName\"".into());
    }
    if kind != "ExternalName" && !spec.text("externalName").is_empty() {
        found.push("spec.externalName is ignored when spec.type is not \"ExternalName\"".into());
    }
    if spec.text("trafficDistribution") == "PreferClose" && version >= Version::V1_35 {
        found.push("spec.trafficDistribution: \"PreferClose\" is deprecated; use \"PreferSameZone\"".into());
    }
}

fn node(spec: &Value, at: &Place, found: &mut Vec<String>) {
    if spec.has("configSource") {
        found.push("spec.configSource: the feature is removed".into());
    }
    if !spec.text("externalID").is_empty() {
        found.push("spec.externalID: this field is deprecated, and is unused by Kubernetes".into());
    }
    each(spec, "podCIDRs", at, addresses::block, found);
}

fn quota(hard: &Value, found: &mut Vec<String>) {
    for name in ["cpu", "memory", "storage", "ephemeral-storage"] {
        let (request, limit) = (format!("requests.{name}"), format!("limits.{name}"));
        let bare = !hard.has(&request) && matches!(name, "cpu" | "memory");
        let request = if bare { name.to_owned() } else { request };
        if let (Some(requests), Some(limits)) = (hard.field(&request), hard.field(&limit))
            && quantity(requests) > quantity(limits)
        {
            let shown = |amount: &Value| amount.as_str().map_or_else(|| amount.to_string(), str::to_owned);
            found.push(format!("ResourceQuota {request} ({}) should be less than {limit} ({})", shown(requests), shown(limits)));
        }
    }
}

fn managed_by(object: &Value, label: &str) -> String {
    object.part("metadata").part("labels").text(label).to_owned()
}

fn endpoints(object: &Value, found: &mut Vec<String>) {
    if managed_by(object, "endpoints.kubernetes.io/managed-by") == "endpoint-controller" {
        return;
    }
    let list_at = Place::root("subsets");
    for (i, subset) in object.list("subsets").iter().enumerate() {
        let at = list_at.index(i);
        for list in ["addresses", "notReadyAddresses"] {
            let list_at = at.child(list);
            for (j, one) in subset.list(list).iter().enumerate() {
                addresses::address(one.text("ip"), &list_at.index(j).child("ip"), found);
            }
        }
    }
}

fn slice(object: &Value, create: bool, found: &mut Vec<String>) {
    if create && object.text("addressType") == "FQDN" {
        found.push("spec.addressType: FQDN endpoints are deprecated".into());
    }
    let manager = managed_by(object, "endpointslice.kubernetes.io/managed-by");
    if matches!(manager.as_str(), "endpointslice-controller.k8s.io" | "endpointslicemirroring-controller.k8s.io") {
        return;
    }
    let list_at = Place::root("endpoints");
    for (i, endpoint) in object.list("endpoints").iter().enumerate() {
        each(endpoint, "addresses", &list_at.index(i), addresses::address, found);
    }
}

fn policy(spec: &Value, at: &Place, found: &mut Vec<String>) {
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        let list_at = at.child(direction);
        for (i, rule) in spec.list(direction).iter().enumerate() {
            let rule_at = list_at.index(i);
            let peers_at = rule_at.child(peers);
            for (j, peer) in rule.list(peers).iter().enumerate() {
                let peer_at = peers_at.index(j);
                let (block, at) = (peer.part("ipBlock"), peer_at.child("ipBlock"));
                addresses::block(block.text("cidr"), &at.child("cidr"), found);
                each(block, "except", &at, addresses::block, found);
            }
        }
    }
}

fn driver(spec: &Value, old: Option<&Value>, found: &mut Vec<String>) {
    let requests = spec.list("tokenRequests");
    let asked = !requests.is_empty() && old.is_none_or(|old| old.list("tokenRequests") != requests);
    if asked && !spec.has("serviceAccountTokenInSecrets") {
        let instead = "set to true to prevent possible logging of tokens in volume attributes";
        found.push(format!("spec.serviceAccountTokenInSecrets is unset; if supported by this CSI driver, {instead}"));
    }
}
