//! What the controllers do to their objects becomes Events, as they record them.
//!
//! Follows the calls of `Eventf` in `pkg/controller/{deployment,replicaset,statefulset,daemon,job}` and client-go
//! `tools/record/event.go`.

use crate::object::{Gvk, ObjectId, Value, json, text};
use crate::simulate::Cluster;
use crate::simulate::controllers::reading::{condition, controller_of, deleting, name, referred, replicas, uid};
use crate::simulate::controllers::write;
use crate::simulate::store::Change;
use std::sync::Arc;

/// So many events are kept; the server keeps each for an hour.
const KEPT: usize = 4_096;

/// One event.
struct Event {
    about: Arc<Value>,
    component: &'static str,
    /// Whether it is no warning.
    normal: bool,
    reason: &'static str,
    message: String,
}

/// Records what a change that a controller made means.
pub(super) fn note(cluster: &mut Cluster, change: &Change) {
    let event = match (change.id.group.as_str(), change.id.kind.as_str()) {
        ("apps", "ReplicaSet") => scaled(cluster, change),
        ("", "Pod") => made_or_deleted(cluster, change),
        ("batch", "Job") => completed(change),
        _ => None,
    };
    if let Some(event) = event {
        record(cluster, &event);
    }
}

/// Records what the controller of a CronJob said about it.
pub(super) fn said(cluster: &mut Cluster, about: &Arc<Value>, normal: bool, reason: &'static str, message: String) {
    record(cluster, &Event { about: Arc::clone(about), component: "cronjob-controller", normal, reason, message });
}

fn owner(cluster: &Cluster, object: &Value, kinds: &[&str]) -> Option<Arc<Value>> {
    let reference = controller_of(object)?;
    let id = referred(reference, text(object, &["metadata", "namespace"]));
    let owner = cluster.store.get(&id).filter(|o| uid(o) == text(reference, &["uid"]) && !deleting(o))?;
    kinds.contains(&id.kind.as_str()).then(|| Arc::clone(owner))
}

/// A Deployment's controller scaled a ReplicaSet.
fn scaled(cluster: &Cluster, change: &Change) -> Option<Event> {
    let after = change.after.as_ref()?;
    let (from, to) = (change.before.as_ref().map_or(0, |b| replicas(b)), replicas(after));
    let about = owner(cluster, after, &["Deployment"])?;
    let direction = match to.cmp(&from) {
        std::cmp::Ordering::Greater => "up",
        std::cmp::Ordering::Less => "down",
        std::cmp::Ordering::Equal => return None,
    };
    let message = format!("Scaled {direction} replica set {} from {from} to {to}", name(after));
    Some(Event { about, component: "deployment-controller", normal: true, reason: "ScalingReplicaSet", message })
}

/// A controller made a pod or told one to stop.
fn made_or_deleted(cluster: &Cluster, change: &Change) -> Option<Event> {
    let stops = |pod: &Option<Arc<Value>>| pod.as_ref().is_none_or(|p| deleting(p));
    let (pod, made) = match (&change.before, &change.after) {
        (None, Some(pod)) => (pod, true),
        (Some(pod), after) if !deleting(pod) && stops(after) => (pod, false),
        _ => return None,
    };
    let about = owner(cluster, pod, &["ReplicaSet", "StatefulSet", "DaemonSet", "Job"])?;
    let (pod, kind) = (name(pod), text(&about, &["kind"]));
    let component = component(kind);
    let message = match (kind, made) {
        ("StatefulSet", true) => format!("Create Pod {pod} in StatefulSet {} successful", name(&about)),
        ("StatefulSet", false) => format!("Delete Pod {pod} in StatefulSet {} successful", name(&about)),
        (_, true) => format!("Created pod: {pod}"),
        (_, false) => format!("Deleted pod: {pod}"),
    };
    Some(Event { about, component, normal: true, reason: if made { "SuccessfulCreate" } else { "SuccessfulDelete" }, message })
}

/// A controller's pod was refused.
pub(super) fn refused(cluster: &mut Cluster, controller: &ObjectId, pod: &Value, why: &str) {
    let Some(about) = cluster.store.get(controller).cloned() else { return };
    let message = match controller.kind.as_str() {
        "StatefulSet" => format!("Create Pod {} in StatefulSet {} failed error: {why}", name(pod), name(&about)),
        _ => format!("Error creating: {why}"),
    };
    record(cluster, &Event { component: component(&controller.kind), about, normal: false, reason: "FailedCreate", message });
}

/// A StatefulSet made a claim of a name for the pod of an ordinal, or could not.
pub(super) fn claimed(cluster: &mut Cluster, set: &Arc<Value>, (claim, ordinal): (&str, i64), refused: Option<&str>) {
    let own = name(set);
    let (reason, message) = match refused {
        None => ("SuccessfulCreate", format!("Create Claim {claim} Pod {own}-{ordinal} in StatefulSet {own} success")),
        Some(why) => ("FailedCreate", format!("Create Claim {claim} for Pod {own}-{ordinal} in StatefulSet {own} failed error: {why}")),
    };
    record(cluster, &Event { about: Arc::clone(set), component: component("StatefulSet"), normal: refused.is_none(), reason, message });
}

fn component(kind: &str) -> &'static str {
    match kind {
        "ReplicaSet" => "replicaset-controller",
        "StatefulSet" => "statefulset-controller",
        "DaemonSet" => "daemonset-controller",
        _ => "job-controller",
    }
}

fn completed(change: &Change) -> Option<Event> {
    let (before, after) = change.before.as_ref().zip(change.after.as_ref())?;
    let complete = |job: &Value| condition(job, "Complete").is_some_and(|c| c["status"] == "True");
    let now = complete(after) && !complete(before);
    now.then(|| Event {
        about: Arc::clone(after),
        component: "job-controller",
        normal: true,
        reason: "Completed",
        message: "Job completed".into(),
    })
}

fn record(cluster: &mut Cluster, event: &Event) {
    let Event { about, component, reason, message, normal } = event;
    let (gvk, now) = (Gvk::of(about), cluster.clock.timestamp());
    let part = |key: &str| text(about, &["metadata", key]);
    let number = cluster.store.journal_len();
    let object = json!({
        "apiVersion": "v1", "kind": "Event",
        "metadata": {"name": format!("{}.{number:016x}", part("name")), "namespace": part("namespace")},
        "involvedObject": {
            "kind": gvk.kind, "namespace": part("namespace"), "name": part("name"), "uid": part("uid"), "apiVersion": gvk.api_version(),
            "resourceVersion": part("resourceVersion"),
        },
        "reason": reason, "message": message, "source": {"component": component}, "firstTimestamp": now, "lastTimestamp": now, "count": 1,
        "type": if *normal { "Normal" } else { "Warning" }, "eventTime": null, "reportingComponent": component, "reportingInstance": "",
    });
    let id = ObjectId::of(&write::create(cluster, object));
    let recorded = &mut cluster.controllers.events;
    recorded.push_back(id);
    if recorded.len() > KEPT
        && let Some(oldest) = recorded.pop_front()
    {
        cluster.store.remove(&oldest);
    }
}
