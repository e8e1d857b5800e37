//! Jobs: pods that run, and end if the virtual kubelet lets them; a deadline fails them. No failing pods, no retries, no indexes.
//!
//! Follows the plain course of `pkg/controller/job/job_controller.go`.

use super::queue::Timer;
use super::reading::{active, condition, deleting, finished, integer_at, phase, ready};
use super::{index, pods, write};
use crate::object::{Map, ObjectId, Value, at, integer, items, json, text};
use crate::schema::Version;
use crate::simulate::Cluster;
use std::sync::Arc;
use std::time::Duration;

const CONTROLLER: &str = "kubernetes.io/job-controller";

/// Brings the pods of a Job to the number it asks for, and its status to what there is.
pub(super) fn sync(cluster: &mut Cluster, id: &ObjectId) {
    let Some(job) = cluster.store.get(id).cloned() else { return };
    let other = at(&job, &["spec", "managedBy"]).is_some_and(|by| by != CONTROLLER);
    if finished(&job).is_some() || other {
        return;
    }
    let owned = index::claim(cluster, &job, "Pod", &|_| true);
    let (mut running, others): (Vec<_>, Vec<_>) = owned.into_iter().partition(|p| active(p));
    let succeeded = others.iter().filter(|p| phase(p) == "Succeeded").count();
    let late = past_deadline(cluster, &job);
    let killed = if late { running.len() } else { 0 };
    if late {
        running.drain(..).for_each(|pod| pods::delete(cluster, &pod, "scaled"));
    } else if !deleting(&job) {
        manage(cluster, &job, &mut running, succeeded);
    }
    let status = status_of(cluster, &job, &running, (succeeded, killed), late);
    write::set_status(cluster, &job, status);
}

/// Whether a Job has run for too long; else the clock will tell when it has.
fn past_deadline(cluster: &mut Cluster, job: &Value) -> bool {
    let Some(seconds) = integer(job, &["spec", "activeDeadlineSeconds"]).filter(|_| !suspended(job)) else { return false };
    let started = text(job, &["status", "startTime"]);
    let at =
        if started.is_empty() { seconds.try_into().ok().map(Duration::from_secs) } else { cluster.clock.point_after(started, seconds) };
    let at = if started.is_empty() { at.map(|at| at + cluster.clock.now) } else { at };
    let Some(at) = at else { return false };
    if at > cluster.clock.now {
        cluster.controllers.queue.at(at, Timer::Deadline(ObjectId::of(job)));
    }
    at <= cluster.clock.now
}

fn suspended(job: &Value) -> bool {
    job["spec"]["suspend"] == true
}

fn completions(job: &Value) -> Option<usize> {
    at(job, &["spec", "completions"]).and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok())
}

/// Without a number of completions, one success ends the starting of pods.
fn manage(cluster: &mut Cluster, job: &Arc<Value>, running: &mut Vec<Arc<Value>>, succeeded: usize) {
    let parallelism = usize::try_from(integer_at(job, &["spec", "parallelism"], 1)).unwrap_or(0);
    let wanted = match completions(job) {
        _ if suspended(job) => 0,
        None if succeeded > 0 => running.len(),
        None => parallelism,
        Some(completions) => parallelism.min(completions.saturating_sub(succeeded)),
    };
    let template = at(job, &["spec", "template"]).cloned().unwrap_or_default();
    while running.len() < wanted {
        match pods::create(cluster, pods::of_template(&template, job)) {
            Ok(made) => running.push(made),
            Err(_) => break,
        }
    }
    for pod in running.drain(wanted.min(running.len())..) {
        pods::delete(cluster, &pod, "scaled");
    }
}

fn status_of(cluster: &Cluster, job: &Value, running: &[Arc<Value>], (succeeded, failed): (usize, usize), late: bool) -> Value {
    let now = cluster.clock.timestamp();
    let mut status = Map::new();
    let counts =
        [("active", running.len()), ("ready", running.iter().filter(|p| ready(p)).count()), ("succeeded", succeeded), ("failed", failed)];
    status.extend(counts.into_iter().filter(|(key, n)| *n > 0 || *key == "ready").map(|(key, n)| (key.to_owned(), n.into())));
    status.insert("terminating".into(), 0.into());
    status.insert("uncountedTerminatedPods".into(), json!({}));
    let mut started = job["status"].get("startTime").cloned().or_else(|| (!suspended(job)).then(|| now.clone().into()));
    let mut conditions = items(job, &["status", "conditions"]).to_vec();
    let of = |ty: &str, value: &str, reason: &str, message: &str| json!({"type": ty, "status": value, "lastProbeTime": now, "lastTransitionTime": now, "reason": reason, "message": message});
    if late {
        let message = "Job was active longer than specified deadline";
        conditions.extend(["FailureTarget", "Failed"].map(|ty| of(ty, "True", "DeadlineExceeded", message)));
    } else if running.is_empty() && completions(job).map_or(succeeded > 0, |wanted| succeeded >= wanted) {
        let message = "Reached expected number of succeeded pods";
        conditions.extend(["SuccessCriteriaMet", "Complete"].map(|ty| of(ty, "True", "CompletionsReached", message)));
        status.insert("completionTime".into(), now.clone().into());
    } else if !deleting(job) {
        let said = condition(job, "Suspended").map(|c| text(c, &["status"]));
        let told = match (suspended(job), said) {
            (true, said) if said != Some("True") => Some(of("Suspended", "True", "JobSuspended", "Job suspended")),
            (false, Some(said)) if said != "False" => Some(of("Suspended", "False", "JobResumed", "Job resumed")),
            _ => None,
        };
        if let Some(told) = told {
            // Its time starts anew; while it waits it has none, since `MutableSchedulingDirectivesForSuspendedJobs` is on.
            if !suspended(job) {
                started = Some(now.into());
            } else if cluster.schema.version() >= Version::V1_36 {
                started = None;
            }
            match conditions.iter_mut().find(|c| text(c, &["type"]) == "Suspended") {
                Some(before) => *before = told,
                None => conditions.push(told),
            }
        }
    }
    status.extend(started.map(|started| ("startTime".to_owned(), started)));
    if !conditions.is_empty() {
        status.insert("conditions".into(), conditions.into());
    }
    status.into()
}
