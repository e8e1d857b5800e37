//! What a server serves: which kinds, under which paths.
//!
//! Asks for aggregated discovery (one answer for all groups), and takes the plain one where a server knows no other; of that,
//! only the groups that are asked for. Follows client-go `discovery/discovery_client.go` and `discovery/aggregated_discovery.go`.

use super::get::{Failure, Patience, get};
use crate::object::{Gvk, Value, items, text};
use kube::Client;
use std::collections::{BTreeMap, BTreeSet};

const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
const PLAIN: &str = "application/json";

/// A kind that can be listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Listable {
    pub(super) gvk: Gvk,
    pub(super) resource: String,
    pub(super) namespaced: bool,
}

/// What a server serves, as far as it was asked.
#[derive(Debug, Default)]
pub(super) struct Served {
    /// Per group, its kinds in each version, the preferred version first.
    groups: BTreeMap<String, Vec<Listable>>,
    /// Groups that could not be asked, and why.
    pub(super) failed: BTreeMap<String, String>,
}

impl Served {
    /// A kind, in the version that is asked for if it is served, else in the preferred one.
    pub(super) fn find(&self, wanted: &Gvk) -> Option<&Listable> {
        let same = |l: &&Listable| l.gvk.kind == wanted.kind;
        let group = self.groups.get(wanted.group.as_str())?;
        group.iter().filter(same).find(|l| l.gvk.version == wanted.version).or_else(|| group.iter().find(same))
    }
}

/// Asks a server for the kinds of some groups.
pub(super) async fn discover(client: &Client, groups: &BTreeSet<String>, patience: Patience) -> Result<Served, Failure> {
    let mut served = Served::default();
    for root in ["/api", "/apis"] {
        let answer = parse(root, &get(client, root, AGGREGATED, patience).await?)?;
        if text(&answer, &["kind"]) == "APIGroupDiscoveryList" && !items(&answer, &["items"]).is_empty() {
            items(&answer, &["items"]).iter().for_each(|group| aggregated(group, &mut served));
        } else {
            for (group, version) in plain_versions(&answer).into_iter().filter(|(group, _)| groups.contains(group)) {
                plain(client, &group, &version, patience, &mut served).await?;
            }
        }
    }
    Ok(served)
}

fn parse(path: &str, bytes: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(bytes).map_err(|e| Failure::without_answer(format!("the answer to GET {path} is not JSON: {e}")))
}

fn aggregated(group: &Value, served: &mut Served) {
    let name = text(group, &["metadata", "name"]);
    let mut found = Vec::new();
    for version in items(group, &["versions"]) {
        if text(version, &["freshness"]) == "Stale" {
            served.failed.insert(name.to_owned(), "the server cannot reach what serves this group".to_owned());
        }
        for resource in items(version, &["resources"]) {
            let kind = text(resource, &["responseKind", "kind"]);
            if lists(resource) && !kind.is_empty() {
                let gvk = Gvk { group: name.into(), version: text(version, &["version"]).into(), kind: kind.into() };
                found.push(Listable {
                    gvk,
                    resource: text(resource, &["resource"]).into(),
                    namespaced: text(resource, &["scope"]) == "Namespaced",
                });
            }
        }
    }
    served.groups.entry(name.to_owned()).or_default().extend(found);
}

fn lists(resource: &Value) -> bool {
    items(resource, &["verbs"]).iter().any(|verb| verb == "list")
}

/// The groups and versions of an `APIVersions` or `APIGroupList`, each group's preferred version first.
fn plain_versions(answer: &Value) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> =
        items(answer, &["versions"]).iter().filter_map(|v| Some((String::new(), v.as_str()?.to_owned()))).collect();
    for group in items(answer, &["groups"]) {
        let preferred = text(group, &["preferredVersion", "version"]);
        let name = text(group, &["name"]);
        let mut versions: Vec<&str> = items(group, &["versions"]).iter().map(|v| text(v, &["version"])).collect();
        versions.sort_by_key(|v| *v != preferred);
        all.extend(versions.into_iter().map(|v| (name.to_owned(), v.to_owned())));
    }
    all
}

async fn plain(client: &Client, group: &str, version: &str, patience: Patience, served: &mut Served) -> Result<(), Failure> {
    let path = if group.is_empty() { format!("/api/{version}") } else { format!("/apis/{group}/{version}") };
    let answer = match get(client, &path, PLAIN, patience).await {
        Ok(bytes) => parse(&path, &bytes)?,
        Err(failure) if failure.code.is_some_and(|c| c != 401) => {
            served.failed.insert(group.to_owned(), failure.to_string());
            return Ok(());
        }
        Err(failure) => return Err(failure),
    };
    let found = items(&answer, &["resources"]).iter().filter(|r| lists(r) && !text(r, &["name"]).contains('/'));
    served.groups.entry(group.to_owned()).or_default().extend(found.map(|resource| Listable {
        gvk: Gvk { group: group.into(), version: version.into(), kind: text(resource, &["kind"]).into() },
        resource: text(resource, &["name"]).into(),
        namespaced: resource["namespaced"] == true,
    }));
    Ok(())
}
