//! What a snapshot leaves out is assumed: a workload whose ReplicaSet, revision or pods are missing is taken to have settled.

use super::reading::{REVISION_HASH, label, name, replicas, status, uid};
use super::{daemonset, deployment, history, index, pods, statefulset};
use crate::object::{ObjectId, Value, at, json, map_at, text};
use crate::simulate::Cluster;
use std::fmt;
use std::sync::Arc;

/// Something that was assumed about a workload.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Assumption {
    /// Of which workload.
    pub workload: ObjectId,
    /// What the snapshot does not have: `ReplicaSets`, `ControllerRevisions`, `Pods`.
    pub missing: &'static str,
}

impl fmt::Display for Assumption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} has no {} in the snapshot: its last rollout is taken to have ended", self.workload, self.missing)
    }
}

/// Puts in, silently, what a snapshot does not have of its workloads. Returns what was assumed; call it once, after the last
/// object was loaded and the timing was set.
pub fn complete(cluster: &mut Cluster) -> Vec<Assumption> {
    index::refresh(cluster);
    let mut assumed = Vec::new();
    for kind in ["Deployment", "ReplicaSet", "StatefulSet", "DaemonSet"] {
        let workloads: Vec<_> = cluster.store.list("apps", kind, None).map(|(id, w)| (id.clone(), Arc::clone(w))).collect();
        for (id, workload) in workloads {
            let owner = if kind == "ReplicaSet" { deployment_of(&id, &workload) } else { id.clone() };
            for missing in settle(cluster, kind, &workload) {
                assumed.push(Assumption { workload: owner.clone(), missing });
            }
        }
    }
    assumed.sort();
    assumed.dedup();
    if !assumed.is_empty() {
        cluster.controllers.reload();
        index::refresh(cluster);
    }
    assumed
}

fn deployment_of(id: &ObjectId, set: &Value) -> ObjectId {
    super::reading::controller_of(set).map_or_else(|| id.clone(), |r| super::reading::referred(r, &id.namespace))
}

fn settle(cluster: &mut Cluster, kind: &str, workload: &Arc<Value>) -> Vec<&'static str> {
    let has = |cluster: &Cluster, kind: &str| cluster.controllers.index.dependents(uid(workload)).any(|d| d.kind == kind);
    let mut missing = Vec::new();
    if kind == "Deployment" {
        if !has(cluster, "ReplicaSet") {
            let set = deployment::settled(cluster, workload);
            load(cluster, set);
            missing.push("ReplicaSets");
        }
        return missing;
    }
    let revision = match kind {
        "ReplicaSet" => Value::Null,
        _ if has(cluster, "ControllerRevision") => newest(cluster, workload),
        _ => {
            missing.push("ControllerRevisions");
            let revision = if kind == "StatefulSet" { statefulset::revision(workload) } else { daemonset::revision(cluster, workload) };
            load(cluster, revision.clone());
            revision
        }
    };
    if !has(cluster, "Pod") && runs(workload) {
        let members = match kind {
            "StatefulSet" => statefulset::members(workload, name(&revision)),
            "DaemonSet" => daemonset::members(cluster, workload, label(&revision, REVISION_HASH)),
            _ => {
                let template = at(workload, &["spec", "template"]).cloned().unwrap_or_default();
                (0..replicas(workload)).map(|_| pods::of_template(&template, workload)).collect()
            }
        };
        if !members.is_empty() {
            missing.push("Pods");
        }
        for (number, pod) in members.into_iter().enumerate() {
            let pod = settled(cluster, pod, workload, number);
            load(cluster, pod);
        }
    }
    missing
}

fn newest(cluster: &Cluster, workload: &Value) -> Value {
    let owned = cluster.controllers.index.dependents(uid(workload)).filter(|d| d.kind == "ControllerRevision");
    let newest = owned.filter_map(|id| cluster.store.get(id)).max_by_key(|r| history::number(r));
    newest.map(|r| (**r).clone()).unwrap_or_default()
}

/// A pod that has been running since its workload was made.
fn settled(cluster: &Cluster, mut pod: Value, workload: &Value, number: usize) -> Value {
    let since = text(workload, &["metadata", "creationTimestamp"]);
    let node = cluster.controllers.kubelet.node(number);
    let condition = |ty: &&str| json!({"type": ty, "status": "True", "lastTransitionTime": since});
    let conditions: Vec<Value> = ["Initialized", "Ready", "ContainersReady", "PodScheduled"].iter().map(condition).collect();
    let own = format!("{}-{}", name(workload), super::hash::suffix(&format!("{}{number}", name(workload))));
    let metadata = map_at(&mut pod, &["metadata"]);
    metadata.entry("name").or_insert(own.into());
    metadata.insert("creationTimestamp".into(), since.into());
    if let Some(node) = node {
        map_at(&mut pod, &["spec"]).entry("nodeName").or_insert(node.into());
    }
    map_at(&mut pod, &[]).insert("status".into(), json!({"phase": "Running", "conditions": conditions}));
    pod
}

/// Whether a workload says that it has pods, or says nothing.
fn runs(workload: &Value) -> bool {
    let known = workload.get("status").is_some_and(|s| s.as_object().is_some_and(|s| !s.is_empty()));
    let counted = status(workload, "replicas").max(status(workload, "currentNumberScheduled"));
    counted > 0 || !known
}

fn load(cluster: &mut Cluster, mut object: Value) {
    let (uid, revision) = (cluster.store.new_uid(), cluster.store.revision().to_string());
    let metadata = map_at(&mut object, &["metadata"]);
    metadata.insert("uid".into(), uid.into());
    metadata.insert("resourceVersion".into(), revision.into());
    metadata.entry("generation").or_insert(1.into());
    cluster.controllers.index.add(&Arc::new(ObjectId::of(&object)), &object);
    cluster.store.load(Arc::new(object));
}
