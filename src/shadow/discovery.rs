//! Discovery: which groups, versions and resources there are, in the plain and in the aggregated form.
//!
//! The built-in part is as recorded; custom resources are added as kube-aggregator and apiextensions-apiserver add them
//! (`pkg/apiserver/customresource_discovery_controller.go`).

use super::accept::Accept;
use super::answer::Answer;
use super::served;
use crate::object::{Value, items, json, map_at, text};
use crate::simulate::Cluster;
use crate::simulate::custom::{self, Definition};
use hyper::header;
use sha2::{Digest, Sha512};
use std::fmt::Write;

/// The subresources of custom resources and the kinds they answer with.
fn subresources(definition: &Definition) -> Vec<(&'static str, String, String, String)> {
    let own = &definition.resource;
    let mut found = Vec::new();
    if definition.status {
        found.push(("status", own.group.clone(), own.version.clone(), own.kind.clone()));
    }
    if definition.scale.is_some() {
        found.push(("scale", "autoscaling".into(), "v1".into(), "Scale".into()));
    }
    found
}

/// `/version`.
pub(super) fn version(cluster: &Cluster) -> Answer {
    Answer::indented(200, &served::discovery(cluster.schema.version())["version"])
}

/// `/api`.
pub(super) fn core_versions(cluster: &Cluster, accept: &Accept, matching: &str, host: &str) -> Answer {
    let recorded = served::discovery(cluster.schema.version());
    if let Some(version) = accept.aggregated() {
        return aggregated(recorded["aggregated"]["api"].clone(), version, matching);
    }
    let mut answer = recorded["api"].clone();
    answer["serverAddressByClientCIDRs"] = json!([{"clientCIDR": "0.0.0.0/0", "serverAddress": host}]);
    Answer::json(200, answer)
}

/// `/apis`.
pub(super) fn groups(cluster: &Cluster, accept: &Accept, matching: &str) -> Answer {
    let recorded = served::discovery(cluster.schema.version());
    if let Some(version) = accept.aggregated() {
        let mut list = recorded["aggregated"]["apis"].clone();
        if let Value::Array(items) = &mut list["items"] {
            custom_groups(cluster).iter().for_each(|group| items.push(aggregated_group(cluster, group)));
        }
        return aggregated(list, version, matching);
    }
    let mut answer = recorded["apis"].clone();
    if let Value::Array(groups) = &mut answer["groups"] {
        custom_groups(cluster).iter().for_each(|name| groups.push(described(cluster, name)));
    }
    Answer::json(200, answer)
}

/// `/apis/GROUP`; none if there is no such group.
pub(super) fn group(cluster: &Cluster, name: &str) -> Option<Answer> {
    let recorded = served::discovery(cluster.schema.version());
    let builtin = items(recorded, &["apis", "groups"]).iter().find(|g| g["name"] == name).cloned();
    let group = builtin.or_else(|| custom_groups(cluster).iter().any(|g| g == name).then(|| described(cluster, name)))?;
    let mut answer = json!({"kind": "APIGroup", "apiVersion": "v1"});
    for (key, value) in group.as_object().into_iter().flatten() {
        map_at(&mut answer, &[]).insert(key.clone(), value.clone());
    }
    Some(Answer::json(200, answer))
}

/// Whether Kubernetes itself has a group. In one of its own the API says what is missing; what custom resources leave over, the
/// web server answers, as it does for groups that nobody has (`apiextensions-apiserver` `customresource_handler.go`, its delegate).
pub(super) fn has_group(cluster: &Cluster, name: &str) -> bool {
    name.is_empty() || cluster.schema.resources().iter().any(|r| r.group == name)
}

/// `/api/v1` and `/apis/GROUP/VERSION`; none if nothing is served there.
pub(super) fn resources(cluster: &Cluster, group: &str, version: &str) -> Option<Answer> {
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    if let Some(list) = served::discovery(cluster.schema.version())["resources"].get(&group_version) {
        return Some(Answer::json(200, list.clone()));
    }
    let here = |d: &&std::sync::Arc<Definition>| d.resource.group == group && d.resource.version == version;
    let mut resources = Vec::new();
    for definition in cluster.custom.iter().filter(here) {
        resources.extend(listed(definition));
    }
    let list = json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": resources});
    (!resources.is_empty()).then(|| Answer::json(200, list))
}

/// The groups that only definitions establish, by name.
fn custom_groups(cluster: &Cluster) -> Vec<String> {
    let builtin = |name: &str| cluster.schema.resources().iter().any(|r| r.group == name);
    let mut groups: Vec<String> = cluster.custom.iter().map(|d| d.resource.group.clone()).filter(|g| !builtin(g)).collect();
    groups.sort();
    groups.dedup();
    groups
}

/// The versions of a custom group, preferred one first.
fn versions<'c>(cluster: &'c Cluster, group: &str) -> Vec<&'c str> {
    let mut versions: Vec<&str> = Vec::new();
    for definition in cluster.custom.iter().filter(|d| d.resource.group == group) {
        if !versions.contains(&definition.resource.version.as_str()) {
            versions.push(&definition.resource.version);
        }
    }
    versions.sort_by_key(|v| std::cmp::Reverse(custom::rank(v)));
    versions
}

fn described(cluster: &Cluster, name: &str) -> Value {
    let one = |version: &str| json!({"groupVersion": format!("{name}/{version}"), "version": version});
    let versions: Vec<Value> = versions(cluster, name).into_iter().map(one).collect();
    json!({"name": name, "preferredVersion": versions.first(), "versions": versions})
}

/// A custom resource and its subresources in the plain form.
fn listed(definition: &Definition) -> Vec<Value> {
    let own = &definition.resource;
    let mut entry =
        json!({"name": own.resource, "singularName": own.singular, "namespaced": own.namespaced, "kind": own.kind, "verbs": own.verbs});
    if !own.short.is_empty() {
        entry["shortNames"] = json!(own.short);
    }
    if !own.categories.is_empty() {
        entry["categories"] = json!(own.categories);
    }
    let hash = Sha512::digest(format!("{}/{}/{}", own.group, own.version, own.kind));
    entry["storageVersionHash"] = crate::object::base64::encode(&hash[..8]).into();
    let mut entries = vec![entry];
    for (name, group, version, kind) in subresources(definition) {
        let full = format!("{}/{name}", own.resource);
        let mut entry =
            json!({"name": full, "singularName": "", "namespaced": own.namespaced, "kind": kind, "verbs": ["get", "patch", "update"]});
        if name == "scale" {
            entry["group"] = group.into();
            entry["version"] = version.into();
        }
        entries.push(entry);
    }
    entries
}

fn aggregated_group(cluster: &Cluster, name: &str) -> Value {
    let in_version = |version: &str| {
        let here = cluster.custom.iter().filter(|d| d.resource.group == name && d.resource.version == version);
        let resources: Vec<Value> = here.map(|d| aggregated_resource(d)).collect();
        json!({"version": version, "resources": resources, "freshness": "Current"})
    };
    let versions: Vec<Value> = versions(cluster, name).into_iter().map(in_version).collect();
    json!({"metadata": {"name": name, "creationTimestamp": null}, "versions": versions})
}

fn aggregated_resource(definition: &Definition) -> Value {
    let own = &definition.resource;
    let kind = |group: &str, version: &str, kind: &str| json!({"group": group, "version": version, "kind": kind});
    let mut entry = json!({
        "resource": own.resource, "responseKind": kind(&own.group, &own.version, &own.kind),
        "scope": if own.namespaced { "Namespaced" } else { "Cluster" }, "singularResource": own.singular, "verbs": own.verbs,
    });
    if !own.short.is_empty() {
        entry["shortNames"] = json!(own.short);
    }
    if !own.categories.is_empty() {
        entry["categories"] = json!(own.categories);
    }
    let below: Vec<Value> = subresources(definition)
        .into_iter()
        .map(|(name, group, version, k)| {
            json!({"subresource": name, "responseKind": kind(&group, &version, &k), "verbs": ["get", "patch", "update"]})
        })
        .collect();
    if !below.is_empty() {
        entry["subresources"] = below.into();
    }
    entry
}

fn aggregated(mut list: Value, version: &str, matching: &str) -> Answer {
    list["apiVersion"] = format!("apidiscovery.k8s.io/{version}").into();
    let content_type = format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
    let tag = format!("\"{}\"", digest(list.to_string().as_bytes()));
    let answer = if matching == tag { Answer::bytes(304, &content_type, "") } else { Answer::json(200, list).typed(&content_type) };
    answer.header(header::ETAG, &tag).header(header::VARY, "Accept").header(header::CACHE_CONTROL, "public")
}

/// SHA-512 as the server prints it in entity tags and hashes.
pub(super) fn digest(bytes: &[u8]) -> String {
    let mut text = String::new();
    for byte in Sha512::digest(bytes) {
        write!(text, "{byte:02X}").expect("writing to a string cannot fail");
    }
    text
}

/// The paths that `/` lists.
pub(super) fn paths(cluster: &Cluster) -> Answer {
    let recorded = served::discovery(cluster.schema.version());
    let mut paths: Vec<String> =
        ["/api", "/api/v1", "/apis", "/apis/", "/healthz", "/livez", "/openapi/v2", "/openapi/v3", "/readyz", "/version"]
            .map(str::to_owned)
            .to_vec();
    let custom = custom_groups(cluster);
    let builtin = items(recorded, &["apis", "groups"]).iter().map(|g| text(g, &["name"]).to_owned());
    paths.extend(builtin.chain(custom.iter().cloned()).map(|g| format!("/apis/{g}")));
    let of_custom = custom.iter().flat_map(|g| versions(cluster, g).into_iter().map(move |v| format!("{g}/{v}")));
    let versions = recorded["resources"].as_object().into_iter().flatten().map(|(k, _)| k.to_string()).filter(|k| k.contains('/'));
    paths.extend(versions.chain(of_custom).map(|v| format!("/apis/{v}")));
    paths.sort();
    Answer::json(200, json!({"paths": paths}))
}
