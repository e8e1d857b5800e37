//! Rolls by what they change about agents: model, code, skills, rules, sandbox, prompt.
//!
//! A field of the pod template tells its dimension by its path. A configuration file changes the template only by a hash or by the
//! name of its ConfigMap: so the ConfigMaps that the pods had are compared with those that they get, file by file.

use super::{Judged, Reason, Verdict};
use crate::fleet::dimensions::{Dimensions, differing_keys};
use crate::object::{ObjectId, Value, items, text};
use crate::simulate::pipeline::Run;
use std::collections::{BTreeMap, BTreeSet};

/// What changes in one dimension, and for which workloads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its name; `other` for what belongs to none.
    pub dimension: String,
    /// The workloads that roll for it.
    pub workloads: Vec<ObjectId>,
    /// Fields and files, each once.
    pub changes: Vec<String>,
}

/// What belongs to no dimension.
const OTHER: &str = "other";

/// The changes for which workloads roll, by dimension, in the fleet's order.
pub fn by_dimension(run: &Run, judged: &[Judged], dimensions: &Dimensions) -> Vec<Change> {
    let mut found: BTreeMap<String, (BTreeSet<&ObjectId>, BTreeSet<String>)> = BTreeMap::new();
    for one in judged.iter().filter(|j| matches!(j.verdict, Verdict::Rolls | Verdict::Pending)) {
        for (dimension, change) in of_workload(run, one, dimensions) {
            let (workloads, changes) = found.entry(dimension.unwrap_or(OTHER).to_owned()).or_default();
            workloads.insert(&one.workload);
            changes.insert(change);
        }
    }
    let named = dimensions.names().chain([OTHER]).filter_map(|name| Some((name, found.get(name)?)));
    let change = |(name, (workloads, changes)): (&str, &(BTreeSet<&ObjectId>, BTreeSet<String>))| Change {
        dimension: name.to_owned(),
        workloads: workloads.iter().map(|id| (*id).clone()).collect(),
        changes: changes.iter().cloned().collect(),
    };
    named.map(change).collect()
}

fn of_workload<'d>(run: &Run, one: &Judged, dimensions: &'d Dimensions) -> Vec<(Option<&'d str>, String)> {
    let mut out = Vec::new();
    let mut by_file = false;
    for (_, reason) in &one.reasons {
        let Reason::TemplateChanged { path, .. } = reason else { continue };
        if of_config(path) {
            by_file = true;
            continue;
        }
        let variable = path.split_once(".env[").and_then(|(_, rest)| rest.split(']').next());
        let dimension = variable.and_then(|name| dimensions.of_variable(name)).or_else(|| dimensions.of_field(path));
        let shown = variable.map_or_else(|| path.trim_start_matches("spec.template.spec.").to_owned(), str::to_owned);
        out.push((dimension, shown));
    }
    if by_file {
        out.extend(of_files(run, &one.workload, dimensions));
    }
    out
}

/// Whether a change of the template stands for a change of configuration files.
fn of_config(path: &str) -> bool {
    path.contains("annotations[checksum/") || path.contains("annotations.checksum/") || path.contains("configMap")
}

/// The files that the pods of a workload get otherwise than before.
fn of_files<'d>(run: &Run, workload: &ObjectId, dimensions: &'d Dimensions) -> Vec<(Option<&'d str>, String)> {
    let empty = BTreeMap::new();
    let before =
        run.before.get(workload).map_or_else(|| empty.clone(), |w| files(w, workload, &|id| run.before.get(id).map(|o| (**o).clone())));
    let after =
        run.cluster.store.get(workload).map_or(empty, |w| files(w, workload, &|id| run.cluster.store.get(id).map(|o| (**o).clone())));
    let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let mut out = Vec::new();
    for path in paths.into_iter().filter(|p| before.get(*p) != after.get(*p)) {
        if let Some(dimension) = dimensions.of_file(path) {
            out.push((Some(dimension), path.clone()));
            continue;
        }
        let keys = before.get(path).zip(after.get(path)).and_then(|(old, new)| differing_keys(old, new)).unwrap_or_default();
        if keys.is_empty() {
            out.push((None, path.clone()));
        }
        out.extend(keys.into_iter().map(|key| (dimensions.of_key(&key), format!("{key} of {path}"))));
    }
    out
}

/// The files of the ConfigMaps that a workload's pods mount, by their paths.
fn files(object: &Value, workload: &ObjectId, find: &dyn Fn(&ObjectId) -> Option<Value>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for volume in items(object, &["spec", "template", "spec", "volumes"]) {
        let name = text(volume, &["configMap", "name"]);
        let id = ObjectId { group: "".into(), kind: "ConfigMap".into(), namespace: workload.namespace.clone(), name: name.into() };
        let Some(map) = find(&id).filter(|_| !name.is_empty()) else { continue };
        let chosen = items(volume, &["configMap", "items"]);
        for (key, content) in map["data"].as_object().into_iter().flat_map(|m| m.iter()) {
            let path = chosen.iter().find(|i| i["key"] == key.as_str()).map_or(key.as_str(), |i| text(i, &["path"]));
            out.insert(path.replace("__", "/"), content.as_str().unwrap_or_default().to_owned());
        }
    }
    out
}
