//! The virtual kubelet and scheduler: pods are bound at once, become ready some time after that and are gone some time after
//! their deletion.
//!
//! A pod that cannot start in the snapshot (its image cannot be pulled, it crashes, no node takes it) does not start here
//! either, nor does another one of the same revision.

use super::Cluster;
use super::controllers::{Timer, workload_of};
use super::store::Change;
use crate::object::{ObjectId, Value, at, integer, items, json, map_at, text};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// How long pods take.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Timing {
    /// For all workloads.
    pub default: PodTiming,
    /// For single ones; where it says nothing, the default holds.
    pub of: BTreeMap<ObjectId, PodTiming>,
    /// How long a Job's pod, or one that is a hook of helm's, runs until it has succeeded; none: for ever.
    pub job: Option<Duration>,
    /// Pods never start (`serve --pods pending`).
    pub pods_stay_pending: bool,
}

/// How long a pod takes to start and to stop; none if that is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PodTiming {
    /// From its start to its Ready.
    pub start: Option<Duration>,
    /// From its deletion to its end; never longer than its grace period.
    pub stop: Option<Duration>,
}

/// The taint of a node that is not ready yet, or no more.
const NOT_READY: &str = "node.kubernetes.io/not-ready";

/// What the kubelet remembers.
#[derive(Clone, Debug, Default)]
pub(super) struct Kubelet {
    /// Revisions (uid of the owner, hash) whose pods do not start, and why.
    broken: BTreeMap<(String, String), String>,
    measured: BTreeMap<ObjectId, Duration>,
    nodes: Vec<String>,
    /// Whether there are Node objects and none of them is ready.
    none_ready: bool,
    /// The nodes on which a DaemonSet had pods, for a cluster whose Node objects are not known.
    inferred: BTreeMap<ObjectId, Vec<String>>,
    /// How many pods were given an address.
    addresses: u16,
}

/// The address of a node that does not say its own. Like the pods', of the range for benchmarks (RFC 2544): nothing answers there.
const HOST: &str = "198.18.0.1";

impl Kubelet {
    /// A node for a pod of that number; none where there are nodes and none of them is ready: then pods run on no node.
    pub(super) fn node(&self, number: usize) -> Option<String> {
        let any = || (!self.none_ready).then(|| "node".into());
        if self.nodes.is_empty() { any() } else { Some(self.nodes[number % self.nodes.len()].clone()) }
    }

    /// An address that no other pod has had for long.
    fn address(&mut self) -> String {
        self.addresses = self.addresses.checked_add(1).unwrap_or(1);
        let [high, low] = self.addresses.to_be_bytes();
        format!("198.19.{high}.{low}")
    }

    /// Takes in which nodes there are.
    fn know<'n>(&mut self, nodes: impl Iterator<Item = &'n Arc<Value>>) {
        let (mut known, mut ready) = (false, Vec::new());
        for node in nodes {
            known = true;
            if !items(node, &["spec", "taints"]).iter().any(|taint| taint["key"] == NOT_READY) {
                ready.push(text(node, &["metadata", "name"]).to_owned());
            }
        }
        self.none_ready = known && ready.is_empty();
        self.nodes = ready;
    }

    /// The nodes for a DaemonSet where no Node object is known: those it had pods on, else all on which any pod runs.
    pub(super) fn nodes_of(&self, set: &ObjectId) -> Vec<String> {
        self.inferred.get(set).cloned().unwrap_or_else(|| if self.nodes.is_empty() { vec!["node".into()] } else { self.nodes.clone() })
    }
}

/// Looks at the pods of a snapshot: which start, which never will, how long they took.
pub(super) fn meet(cluster: &mut Cluster, objects: &[(Arc<ObjectId>, Arc<Value>)]) {
    let pods: Vec<&(Arc<ObjectId>, Arc<Value>)> = objects.iter().filter(|(id, _)| id.kind == "Pod" && id.group.is_empty()).collect();
    let mut samples: BTreeMap<ObjectId, Vec<Duration>> = BTreeMap::new();
    let mut broken = BTreeMap::new();
    for (_, pod) in &pods {
        if let Some(why) = trouble(pod) {
            broken.insert(revision_of(pod), why);
        }
        if let Some((workload, took)) = workload_of(cluster, pod).zip(measure(pod)) {
            samples.entry(workload).or_default().push(took);
        }
    }
    for (_, pod) in pods.iter().filter(|(_, p)| is_ready(p)) {
        broken.remove(&revision_of(pod));
    }
    cluster.controllers.kubelet.broken = broken;
    cluster.controllers.kubelet.measured = samples.into_iter().map(|(workload, took)| (workload, median(took))).collect();
    meet_nodes(cluster, objects);
    for (id, pod) in pods {
        begin(cluster, id, pod);
        end(cluster, id, pod);
    }
}

fn meet_nodes(cluster: &mut Cluster, objects: &[(Arc<ObjectId>, Arc<Value>)]) {
    let kubelet = &mut cluster.controllers.kubelet;
    kubelet.know(objects.iter().filter(|(id, _)| id.kind == "Node").map(|(_, node)| node));
    let mut nodes = std::mem::take(&mut kubelet.nodes);
    let mut inferred: BTreeMap<ObjectId, Vec<String>> = BTreeMap::new();
    if nodes.is_empty() && !kubelet.none_ready {
        for (_, pod) in objects.iter().filter(|(id, _)| id.kind == "Pod") {
            let node = text(pod, &["spec", "nodeName"]);
            if node.is_empty() {
                continue;
            }
            nodes.push(node.to_owned());
            if let Some(set) = workload_of(cluster, pod).filter(|w| w.kind == "DaemonSet") {
                inferred.entry(set).or_default().push(node.to_owned());
            }
        }
    }
    for list in inferred.values_mut().chain([&mut nodes]) {
        list.sort();
        list.dedup();
    }
    cluster.controllers.kubelet.nodes = nodes;
    cluster.controllers.kubelet.inferred = inferred;
}

/// How long a pod took from its creation to its Ready, if it has been running undisturbed since.
pub fn measure(pod: &Value) -> Option<Duration> {
    let restarted = items(pod, &["status", "containerStatuses"]).iter().any(|c| integer(c, &["restartCount"]).unwrap_or(0) > 0);
    let ready = items(pod, &["status", "conditions"]).iter().find(|c| c["type"] == "Ready" && c["status"] == "True")?;
    let created: jiff::Timestamp = text(pod, &["metadata", "creationTimestamp"]).parse().ok()?;
    let since: jiff::Timestamp = text(ready, &["lastTransitionTime"]).parse().ok()?;
    Duration::try_from(since.duration_since(created)).ok().filter(|_| !restarted)
}

fn median(mut took: Vec<Duration>) -> Duration {
    took.sort();
    took[took.len() / 2]
}

/// Takes in what happened to a pod or a node.
pub(super) fn note(cluster: &mut Cluster, change: &Change) {
    match (change.id.group.as_str(), change.id.kind.as_str()) {
        ("", "Node") => {
            cluster.controllers.kubelet.know(cluster.store.list("", "Node", None).map(|(_, node)| node));
        }
        ("", "Pod") => {
            let Some(pod) = &change.after else { return };
            if change.before.is_none() {
                begin(cluster, &change.id, pod);
            }
            if is_deleting(pod) && !change.before.as_ref().is_some_and(|b| is_deleting(b)) {
                end(cluster, &change.id, pod);
            }
        }
        _ => {}
    }
}

/// Sets the time at which a pod will be ready.
fn begin(cluster: &mut Cluster, id: &ObjectId, pod: &Value) {
    let started = is_ready(pod) || is_deleting(pod) || matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed");
    let stays = cluster.controllers.timing.pods_stay_pending || obstacle(cluster, pod).is_some();
    if started || stays {
        return;
    }
    let workload = workload_of(cluster, pod);
    let takes = duration(cluster, workload.as_ref(), |t| t.start)
        .or_else(|| workload.as_ref().and_then(|w| cluster.controllers.kubelet.measured.get(w).copied()));
    if let Some(workload) = workload.filter(|_| takes.is_none()) {
        cluster.controllers.availability.entry(workload).or_default().inexact = true;
    }
    let uid = text(pod, &["metadata", "uid"]).to_owned();
    cluster.controllers.queue.at(cluster.clock.now + takes.unwrap_or_default(), Timer::Ready(id.clone(), uid));
}

/// Sets the time at which a pod that is being deleted will be gone.
fn end(cluster: &mut Cluster, id: &ObjectId, pod: &Value) {
    if !is_deleting(pod) {
        return;
    }
    let workload = workload_of(cluster, pod);
    let takes = duration(cluster, workload.as_ref(), |t| t.stop);
    if let Some(workload) = workload.filter(|w| takes.is_none() && waits_for_the_end(cluster, w)) {
        cluster.controllers.availability.entry(workload).or_default().inexact = true;
    }
    let grace = integer(pod, &["metadata", "deletionGracePeriodSeconds"]).and_then(|s| u64::try_from(s).ok()).unwrap_or(30);
    let takes = takes.unwrap_or_default().min(Duration::from_secs(grace));
    let uid = text(pod, &["metadata", "uid"]).to_owned();
    let at = cluster.clock.now + takes;
    cluster.controllers.queue.at(at, Timer::Gone(id.clone(), uid));
}

/// Whether a rollout of the workload starts pods only when others are gone: then the time they take to stop counts.
fn waits_for_the_end(cluster: &Cluster, workload: &ObjectId) -> bool {
    let recreates = |w: &Arc<Value>| text(w, &["spec", "strategy", "type"]) == "Recreate";
    workload.kind != "ReplicaSet" && (workload.kind != "Deployment" || cluster.store.get(workload).is_some_and(recreates))
}

fn duration(cluster: &Cluster, workload: Option<&ObjectId>, which: fn(&PodTiming) -> Option<Duration>) -> Option<Duration> {
    let timing = &cluster.controllers.timing;
    workload.and_then(|w| timing.of.get(w)).and_then(which).or_else(|| which(&timing.default))
}

/// Why a pod will not start; none if it will.
pub(super) fn obstacle(cluster: &Cluster, pod: &Value) -> Option<String> {
    trouble(pod).or_else(|| cluster.controllers.kubelet.broken.get(&revision_of(pod)).cloned())
}

/// What a pod's status says against its becoming ready.
fn trouble(pod: &Value) -> Option<String> {
    const HOPELESS: [&str; 8] = [
        "CrashLoopBackOff",
        "ImagePullBackOff",
        "ErrImagePull",
        "InvalidImageName",
        "ErrImageNeverPull",
        "CreateContainerConfigError",
        "CreateContainerError",
        "RunContainerError",
    ];
    if is_ready(pod) || is_deleting(pod) {
        return None;
    }
    let unschedulable = |c: &&Value| c["type"] == "PodScheduled" && c["status"] == "False" && c["reason"] == "Unschedulable";
    if items(pod, &["status", "conditions"]).iter().any(|c| unschedulable(&c)) {
        return Some("Unschedulable".into());
    }
    let containers = ["initContainerStatuses", "containerStatuses"];
    let mut statuses = containers.iter().flat_map(|list| items(pod, &["status", list]));
    let hopeless = statuses.find_map(|c| HOPELESS.iter().find(|r| text(c, &["state", "waiting", "reason"]) == **r));
    if let Some(reason) = hopeless {
        return Some((*reason).to_owned());
    }
    let running = items(pod, &["status", "containerStatuses"]);
    let unready = !running.is_empty() && running.iter().all(|c| at(c, &["state", "running"]).is_some());
    (unready && text(pod, &["status", "phase"]) == "Running").then(|| "it runs but is not ready".to_owned())
}

/// What pods of one template have in common: their owner and the hash it gave them.
fn revision_of(pod: &Value) -> (String, String) {
    let owner = items(pod, &["metadata", "ownerReferences"]).iter().find(|r| r["controller"] == true);
    let owner = owner.map_or_else(|| text(pod, &["metadata", "uid"]), |r| text(r, &["uid"]));
    (owner.to_owned(), text(pod, &["metadata", "labels", "controller-revision-hash"]).to_owned())
}

fn is_ready(pod: &Value) -> bool {
    items(pod, &["status", "conditions"]).iter().any(|c| c["type"] == "Ready" && c["status"] == "True")
}

fn is_deleting(pod: &Value) -> bool {
    at(pod, &["metadata", "deletionTimestamp"]).is_some_and(|t| !t.is_null())
}

/// A pod becomes ready.
pub(super) fn make_ready(cluster: &mut Cluster, id: &ObjectId, uid: &str) {
    let Some(pod) = cluster.store.get(id).cloned() else { return };
    let other = text(&pod, &["metadata", "uid"]) != uid;
    if other || is_ready(&pod) || is_deleting(&pod) || cluster.controllers.timing.pods_stay_pending || trouble(&pod).is_some() {
        return;
    }
    let now = cluster.clock.timestamp();
    let mut running = (*pod).clone();
    let nowhere = at(&pod, &["spec", "nodeName"]).is_none();
    if let Some(node) = cluster.controllers.kubelet.node(0).filter(|_| nowhere) {
        map_at(&mut running, &["spec"]).insert("nodeName".into(), node.into());
    }
    let statuses: Vec<Value> = items(&pod, &["spec", "containers"])
        .iter()
        .map(|c| {
            json!({
                "name": c["name"], "image": c["image"], "imageID": "", "lastState": {}, "ready": true, "restartCount": 0,
                "started": true, "state": {"running": {"startedAt": now}},
            })
        })
        .collect();
    let conditions: Vec<Value> = ["PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .iter()
        .map(|ty| json!({"type": ty, "status": "True", "lastProbeTime": null, "lastTransitionTime": now}))
        .collect();
    let host = host_of(cluster, &running);
    let own = if running["spec"]["hostNetwork"] == true { host.clone() } else { cluster.controllers.kubelet.address() };
    let status = map_at(&mut running, &["status"]);
    status.insert("phase".into(), "Running".into());
    status.insert("conditions".into(), conditions.into());
    status.insert("containerStatuses".into(), statuses.into());
    status.insert("startTime".into(), now.into());
    status.insert("hostIP".into(), host.clone().into());
    status.insert("hostIPs".into(), json!([{"ip": host}]));
    status.insert("podIP".into(), own.clone().into());
    status.insert("podIPs".into(), json!([{"ip": own}]));
    status.entry("qosClass").or_insert_with(|| "BestEffort".into());
    cluster.store.put(running);
    if let Some(takes) = cluster.controllers.timing.job.filter(|_| has_work(&pod)) {
        cluster.controllers.queue.at(cluster.clock.now + takes, Timer::Ended(id.clone(), uid.to_owned()));
    }
}

/// Whether a pod does something and is done then: a Job's, or a hook of helm's that is a bare pod, such as a chart's test, whose end
/// helm waits for (`pkg/kube/wait.go:waitForPodSuccess`).
fn has_work(pod: &Value) -> bool {
    let of_job = || items(pod, &["metadata", "ownerReferences"]).iter().any(|r| r["controller"] == true && r["kind"] == "Job");
    let hook = || at(pod, &["metadata", "annotations", "helm.sh/hook"]).is_some() && text(pod, &["spec", "restartPolicy"]) != "Always";
    of_job() || hook()
}

/// The address of a pod's node.
fn host_of(cluster: &Cluster, pod: &Value) -> String {
    let id = ObjectId { kind: "Node".into(), name: text(pod, &["spec", "nodeName"]).into(), ..ObjectId::default() };
    let internal = |node: &Arc<Value>| {
        let addresses = items(node, &["status", "addresses"]).iter();
        addresses.clone().find(|a| a["type"] == "InternalIP").map(|a| text(a, &["address"]).to_owned())
    };
    cluster.store.get(&id).and_then(internal).unwrap_or_else(|| HOST.to_owned())
}

/// A pod has done its work.
pub(super) fn make_succeed(cluster: &mut Cluster, id: &ObjectId, uid: &str) {
    let Some(pod) = cluster.store.get(id).cloned() else { return };
    if text(&pod, &["metadata", "uid"]) != uid || is_deleting(&pod) {
        return;
    }
    let mut ended = (*pod).clone();
    for condition in ended["status"]["conditions"].as_array_mut().into_iter().flatten() {
        if condition["type"] == "Ready" || condition["type"] == "ContainersReady" {
            condition["status"] = "False".into();
            condition["reason"] = "PodCompleted".into();
        }
    }
    map_at(&mut ended, &["status"]).insert("phase".into(), "Succeeded".into());
    cluster.store.put(ended);
}

/// A pod that was being deleted is gone. One with finalizers stays; if it ran, its end is told, and nothing but they keep it.
pub(super) fn remove(cluster: &mut Cluster, id: &ObjectId, uid: &str) {
    let Some(pod) = cluster.store.get(id).cloned().filter(|p| text(p, &["metadata", "uid"]) == uid) else { return };
    if items(&pod, &["metadata", "finalizers"]).is_empty() {
        cluster.store.remove(id);
    } else if at(&pod, &["spec", "nodeName"]).is_some() {
        let mut ended = (*pod).clone();
        map_at(&mut ended, &["metadata"]).insert("deletionGracePeriodSeconds".into(), 0.into());
        map_at(&mut ended, &["status"]).insert("phase".into(), "Succeeded".into());
        cluster.store.put(ended);
    }
}
