//! Scenes whose course is known from a real cluster or from Kubernetes' documentation.

mod daemon_sets;
mod deployments;
mod objects;
mod schedules;
mod stateful_sets;

use super::reading::{annotation, replicas, status};
use super::{Happening, Until, run};
use crate::object::{ObjectId, Value, json, map_at};
use crate::schema::Version;
use crate::simulate::Cluster;
use crate::simulate::clock::Clock;
use crate::simulate::kubelet::PodTiming;
use std::sync::Arc;
use std::time::Duration;

pub(super) fn cluster_of(version: Version, nodes: usize) -> Cluster {
    let mut cluster = Cluster::new(version, Clock::new("2026-11-22T00:00:00Z".parse().unwrap()));
    let seconds = |s| Some(Duration::from_secs(s));
    cluster.controllers.timing.default = PodTiming { start: seconds(3), stop: seconds(1) };
    for n in 0..nodes {
        cluster.load(Arc::new(
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("n{n}"), "labels": {"n": n.to_string()}}}),
        ));
    }
    cluster
}

pub(super) fn cluster() -> Cluster {
    cluster_of(Version::V1_36, 3)
}

pub(super) fn workload(kind: &str, spec: Value) -> Value {
    let template = json!({"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [{"name": "c", "image": "x:1"}], "terminationGracePeriodSeconds": 30}});
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "w", "namespace": "ns", "generation": 1},
        "spec": {"selector": {"matchLabels": {"app": "w"}}, "template": template, "revisionHistoryLimit": 10},
    });
    map_at(&mut object, &["spec"]).extend(spec.as_object().unwrap().clone());
    if kind == "DaemonSet" {
        object["metadata"]["annotations"] = json!({"deprecated.daemonset.template.generation": "1"});
    }
    object
}

pub(super) fn deployment(count: i64, spec: Value) -> Value {
    let mut object = workload("Deployment", json!({"replicas": count, "progressDeadlineSeconds": 600}));
    object["spec"]["strategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}});
    map_at(&mut object, &["spec"]).extend(spec.as_object().unwrap().clone());
    object
}

pub(super) fn stateful(count: i64, spec: Value) -> Value {
    let mut object = workload("StatefulSet", json!({"replicas": count, "serviceName": "w", "podManagementPolicy": "OrderedReady"}));
    object["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}});
    map_at(&mut object, &["spec"]).extend(spec.as_object().unwrap().clone());
    object
}

/// Creates an object as the write path would, and lets it settle.
pub(super) fn create(cluster: &mut Cluster, mut object: Value) -> ObjectId {
    object["metadata"]["uid"] = cluster.store.new_uid().into();
    object["metadata"]["creationTimestamp"] = cluster.clock.timestamp().into();
    let id = ObjectId::of(&cluster.store.put(object));
    run(cluster, &Until::Settled);
    cluster.clock.now += Duration::from_secs(5);
    run(cluster, &Until::Now);
    id
}

/// Changes an object as the write path would.
pub(super) fn write(cluster: &mut Cluster, id: &ObjectId, edit: impl Fn(&mut Value)) {
    let before = cluster.store.get(id).unwrap().clone();
    let mut object = (*before).clone();
    edit(&mut object);
    if object["spec"] != before["spec"] {
        object["metadata"]["generation"] = (object["metadata"]["generation"].as_i64().unwrap() + 1).into();
    }
    if id.kind == "DaemonSet" && object["spec"]["template"] != before["spec"]["template"] {
        let generation = annotation(&before, super::daemonset::TEMPLATE_GENERATION).unwrap().parse::<i64>().unwrap() + 1;
        object["metadata"]["annotations"][super::daemonset::TEMPLATE_GENERATION] = generation.to_string().into();
    }
    cluster.store.put(object);
}

pub(super) fn image(object: &mut Value, image: &str) {
    object["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
}

pub(super) fn settle(cluster: &mut Cluster, id: &ObjectId, edit: impl Fn(&mut Value)) -> Vec<Happening> {
    let told = cluster.controllers.happenings.len();
    write(cluster, id, edit);
    run(cluster, &Until::Settled);
    cluster.controllers.happenings[told..].to_vec()
}

pub(super) fn pods(cluster: &Cluster) -> Vec<Arc<Value>> {
    cluster.store.list("", "Pod", Some("ns")).map(|(_, pod)| Arc::clone(pod)).collect()
}

pub(super) fn of_image(cluster: &Cluster, image: &str) -> usize {
    pods(cluster).iter().filter(|p| p["spec"]["containers"][0]["image"] == image && !super::reading::deleting(p)).count()
}

/// Image to (wanted, available), of the ReplicaSets that have or want pods.
pub(super) fn sets(cluster: &Cluster) -> Vec<(String, i64, i64)> {
    let mut sets: Vec<_> = cluster
        .store
        .list("apps", "ReplicaSet", Some("ns"))
        .map(|(_, s)| {
            (
                s["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned(),
                replicas(s),
                status(s, "availableReplicas"),
            )
        })
        .collect();
    sets.sort();
    sets
}

pub(super) fn moves(happenings: &[Happening]) -> usize {
    happenings.iter().filter(|h| matches!(h, Happening::RevisionMoved { .. })).count()
}

pub(super) fn count(happenings: &[Happening], stopped: bool) -> usize {
    happenings
        .iter()
        .filter(|h| if stopped { matches!(h, Happening::PodStopped { .. }) } else { matches!(h, Happening::PodStarted { .. }) })
        .count()
}
