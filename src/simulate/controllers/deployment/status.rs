//! A Deployment's status: counts, conditions, and whether it makes progress.
//!
//! Follows `calculateStatus` of `pkg/controller/deployment/sync.go`, and `progress.go`.

use super::Rollout;
use crate::object::{Map, json};
use crate::object::{ObjectId, Value, integer, items, map_at, text};
use crate::simulate::Cluster;
use crate::simulate::controllers::queue::Timer;
use crate::simulate::controllers::reading::{condition, generation, name, replicas, status as counted};
use crate::simulate::controllers::write;
use std::time::Duration;

/// Whether the Deployment has a deadline for its progress.
pub(super) fn has_deadline(deployment: &Value) -> bool {
    integer(deployment, &["spec", "progressDeadlineSeconds"]).is_some_and(|s| s != i64::from(i32::MAX))
}

/// Whether a status says that the rollout is over.
pub(super) fn complete(deployment: &Value, status: &Value) -> bool {
    let of = |key: &str| status.get(key).and_then(Value::as_i64).unwrap_or(0);
    let wanted = replicas(deployment);
    of("updatedReplicas") == wanted
        && of("replicas") == wanted
        && of("availableReplicas") == wanted
        && of("observedGeneration") >= generation(deployment)
}

/// Sets a condition. One that says the same already stays as it is; the time of transition changes with the status only.
pub(super) fn set(cluster: &Cluster, object: &mut Value, ty: &str, value: &str, reason: &str, message: &str) {
    let before = condition(object, ty).cloned();
    let same_status = before.as_ref().is_some_and(|b| text(b, &["status"]) == value);
    if same_status && before.as_ref().is_some_and(|b| text(b, &["reason"]) == reason) {
        return;
    }
    let now = cluster.clock.timestamp();
    let since = before.filter(|_| same_status).map_or_else(|| now.clone().into(), |b| b["lastTransitionTime"].clone());
    replace(
        object,
        json!({
            "type": ty, "status": value, "lastUpdateTime": now, "lastTransitionTime": since, "reason": reason, "message": message,
        }),
    );
}

/// Puts a condition behind those of other types.
fn replace(object: &mut Value, condition: Value) {
    let others = |c: &&Value| c["type"] != condition["type"];
    let mut conditions: Vec<Value> = items(object, &["status", "conditions"]).iter().filter(others).cloned().collect();
    conditions.push(condition);
    map_at(object, &["status"]).insert("conditions".into(), conditions.into());
}

/// That pods of a set could not be made stands in the Deployment's conditions too, of the new set first.
fn tell_failures(object: &mut Value, rollout: &Rollout) {
    let failed = rollout.new.iter().chain(rollout.all()).find_map(|set| condition(set, "ReplicaFailure"));
    let Some(failed) = failed else {
        unset(object, "ReplicaFailure");
        return;
    };
    let same = |c: &Value| c["status"] == failed["status"] && c["reason"] == failed["reason"];
    if condition(object, "ReplicaFailure").is_some_and(same) {
        return;
    }
    let of = |key: &str| failed[key].clone();
    replace(
        object,
        json!({
            "type": of("type"), "status": of("status"), "lastUpdateTime": of("lastTransitionTime"),
            "lastTransitionTime": of("lastTransitionTime"), "reason": of("reason"), "message": of("message"),
        }),
    );
}

fn unset(object: &mut Value, ty: &str) {
    if condition(object, ty).is_none() {
        return;
    }
    let left: Vec<Value> = items(object, &["status", "conditions"]).iter().filter(|c| text(c, &["type"]) != ty).cloned().collect();
    map_at(object, &["status"]).insert("conditions".into(), left.into());
}

/// Tells in a condition that the Deployment was paused or resumed, so that the time of the pause is not held against it.
pub(super) fn note_pause(cluster: &mut Cluster, rollout: &mut Rollout) {
    let deployment = &rollout.deployment;
    let reason = condition(deployment, "Progressing").map(|c| text(c, &["reason"]).to_owned()).unwrap_or_default();
    if !has_deadline(deployment) || reason == "ProgressDeadlineExceeded" {
        return;
    }
    let (paused, said) = (deployment["spec"]["paused"] == true, reason == "DeploymentPaused");
    let (reason, message) = match (paused, said) {
        (true, false) => ("DeploymentPaused", "Deployment is paused"),
        (false, true) => ("DeploymentResumed", "Deployment is resumed"),
        _ => return,
    };
    let mut changed = (**deployment).clone();
    set(cluster, &mut changed, "Progressing", "Unknown", reason, message);
    rollout.deployment = write::update(cluster, &rollout.deployment, changed);
}

/// The counts and the `Available` condition.
fn computed(cluster: &Cluster, rollout: &Rollout) -> Value {
    let deployment = &rollout.deployment;
    let sum = |key: &str| rollout.all().map(|s| counted(s, key)).sum::<i64>();
    let total: i64 = rollout.all().map(|s| replicas(s)).sum();
    let available = sum("availableReplicas");
    let synced = |s: &&std::sync::Arc<Value>| counted(s, "observedGeneration") != 0;
    let known = || rollout.all().filter(synced).all(|s| s["status"].get("terminatingReplicas").is_some());
    let unless_zero = |n: i64| (n != 0).then_some(n);
    let counts = [
        ("observedGeneration", Some(generation(deployment))),
        ("replicas", unless_zero(sum("replicas"))),
        ("updatedReplicas", rollout.new.as_ref().and_then(|s| unless_zero(counted(s, "replicas")))),
        ("readyReplicas", unless_zero(sum("readyReplicas"))),
        ("availableReplicas", unless_zero(available)),
        ("unavailableReplicas", unless_zero((total - available).max(0))),
        ("terminatingReplicas", (cluster.schema.version().minor() >= 35 && known()).then(|| sum("terminatingReplicas"))),
    ];
    let mut object = Value::Object(Map::from_iter([("status", with_counts(&deployment["status"], &counts))]));
    let (_, unavailable) = rollout.fenceposts();
    if available >= rollout.replicas() - unavailable {
        let message = "Deployment has minimum availability.";
        set(cluster, &mut object, "Available", "True", "MinimumReplicasAvailable", message);
    } else {
        let message = "Deployment does not have minimum availability.";
        set(cluster, &mut object, "Available", "False", "MinimumReplicasUnavailable", message);
    }
    object
}

/// A status with other counts; the same one where they are the same.
fn with_counts(before: &Value, counts: &[(&str, Option<i64>)]) -> Value {
    if before.is_object() && counts.iter().all(|(key, count)| before.get(*key).and_then(Value::as_i64) == *count) {
        return before.clone();
    }
    let mut status: Map = counts.iter().filter_map(|(key, count)| Some((*key, Value::from((*count)?)))).collect();
    let kept = ["conditions", "collisionCount"].into_iter().filter_map(|key| Some((key, before.get(key)?.clone())));
    status.extend(kept);
    status.into()
}

/// Writes the status without judging progress.
pub(super) fn sync(cluster: &mut Cluster, rollout: &Rollout) {
    let object = computed(cluster, rollout);
    write::set_status(cluster, &rollout.deployment, object["status"].clone());
}

/// Writes the status of a rollout, and says whether it progresses.
pub(super) fn sync_rollout(cluster: &mut Cluster, rollout: &Rollout) {
    let deployment = &rollout.deployment;
    let mut object = computed(cluster, rollout);
    let current = condition(deployment, "Progressing").cloned();
    let reason = current.as_ref().map(|c| text(c, &["reason"])).unwrap_or_default();
    let done = counted(&object, "replicas") == counted(&object, "updatedReplicas") && reason == "NewReplicaSetAvailable";
    if !has_deadline(deployment) {
        unset(&mut object, "Progressing");
    } else if !done {
        let who = || match &rollout.new {
            Some(set) => format!("ReplicaSet \"{}\"", name(set)),
            None => format!("Deployment \"{}\"", name(deployment)),
        };
        if complete(deployment, &object["status"]) {
            let message = format!("{} has successfully progressed.", who());
            set(cluster, &mut object, "Progressing", "True", "NewReplicaSetAvailable", &message);
        } else if progressed(&deployment["status"], &object["status"]) {
            progressing(cluster, &mut object, current.as_ref(), &format!("{} is progressing.", who()));
        } else if timed_out(cluster, deployment, &object) {
            let message = format!("{} has timed out progressing.", who());
            set(cluster, &mut object, "Progressing", "False", "ProgressDeadlineExceeded", &message);
        }
    }
    tell_failures(&mut object, rollout);
    if deployment.get("status") == object.get("status") {
        wait_for_deadline(cluster, deployment);
    } else {
        write::set_status(cluster, deployment, object["status"].take());
    }
}

/// Progress renews the time of update even where it says the same.
fn progressing(cluster: &Cluster, object: &mut Value, before: Option<&Value>, message: &str) {
    unset(object, "Progressing");
    set(cluster, object, "Progressing", "True", "ReplicaSetUpdated", message);
    let since = before.filter(|b| text(b, &["status"]) == "True").map(|b| b["lastTransitionTime"].clone());
    let last = object["status"]["conditions"].as_array_mut().and_then(|c| c.last_mut());
    if let Some((since, last)) = since.zip(last) {
        last["lastTransitionTime"] = since;
    }
}

fn progressed(before: &Value, after: &Value) -> bool {
    let of = |status: &Value, key: &str| status.get(key).and_then(Value::as_i64).unwrap_or(0);
    let old = |status: &Value| of(status, "replicas") - of(status, "updatedReplicas");
    let grew = |key: &str| of(after, key) > of(before, key);
    grew("updatedReplicas") || old(after) < old(before) || grew("readyReplicas") || grew("availableReplicas")
}

fn deadline(cluster: &Cluster, deployment: &Value, progressing: &Value) -> Option<Duration> {
    let seconds = integer(deployment, &["spec", "progressDeadlineSeconds"])?;
    cluster.clock.point_after(text(progressing, &["lastUpdateTime"]), seconds)
}

fn timed_out(cluster: &Cluster, deployment: &Value, object: &Value) -> bool {
    let Some(progressing) = condition(object, "Progressing") else { return false };
    match text(progressing, &["reason"]) {
        "NewReplicaSetAvailable" => false,
        "ProgressDeadlineExceeded" => true,
        _ => deadline(cluster, deployment, progressing).is_some_and(|at| at < cluster.clock.now),
    }
}

fn wait_for_deadline(cluster: &mut Cluster, deployment: &Value) {
    let Some(progressing) = condition(deployment, "Progressing") else { return };
    let over = complete(deployment, &deployment["status"]) || text(progressing, &["reason"]) == "ProgressDeadlineExceeded";
    if over || !has_deadline(deployment) {
        return;
    }
    if let Some(at) = deadline(cluster, deployment, progressing) {
        let at = at.max(cluster.clock.now) + Duration::from_secs(1);
        cluster.controllers.queue.at(at, Timer::Deadline(ObjectId::of(deployment)));
    }
}
