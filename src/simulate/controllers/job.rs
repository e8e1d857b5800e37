//! Jobs: pods that run, and end if the virtual kubelet lets them. No failures, no retries, no indexes.
//!
//! Follows the plain course of `pkg/controller/job/job_controller.go`. CronJobs make nothing here: no schedule falls due.

use super::reading::{active, deleting, integer_at, phase, ready};
use super::{index, pods, write};
use crate::object::{Map, json};
use crate::object::{ObjectId, at, text};
use crate::simulate::Cluster;

/// Brings the pods of a Job to the number it asks for, and its status to what there is.
pub(super) fn sync(cluster: &mut Cluster, id: &ObjectId) {
    let Some(job) = cluster.store.get(id).cloned() else { return };
    let over = super::reading::condition(&job, "Complete").or_else(|| super::reading::condition(&job, "Failed"));
    if deleting(&job) || over.is_some_and(|c| text(c, &["status"]) == "True") {
        return;
    }
    let owned = index::claim(cluster, &job, "Pod", &|_| true);
    let (mut running, others): (Vec<_>, Vec<_>) = owned.into_iter().partition(|p| active(p));
    let succeeded = others.iter().filter(|p| phase(p) == "Succeeded").count();
    let count = |key, default| usize::try_from(integer_at(&job, &["spec", key], default)).unwrap_or(0);
    let completions = count("completions", 1);
    let wanted = if job["spec"]["suspend"] == true { 0 } else { count("parallelism", 1).min(completions.saturating_sub(succeeded)) };
    let template = at(&job, &["spec", "template"]).cloned().unwrap_or_default();
    while running.len() < wanted {
        let pod = pods::of_template(&template, &job);
        match pods::create(cluster, pod) {
            Some(made) => running.push(made),
            None => break,
        }
    }
    for pod in running.drain(wanted.min(running.len())..) {
        pods::delete(cluster, &pod, "scaled");
    }
    let now = cluster.clock.timestamp();
    let before = |key: &str| job["status"].get(key).cloned();
    let mut status = Map::new();
    let counts = [("active", running.len()), ("ready", running.iter().filter(|p| ready(p)).count()), ("succeeded", succeeded)];
    status.extend(counts.into_iter().filter(|(key, n)| *n > 0 || *key == "ready").map(|(key, n)| (key.to_owned(), n.into())));
    status.insert("startTime".into(), before("startTime").unwrap_or_else(|| now.clone().into()));
    status.insert("terminating".into(), 0.into());
    status.insert("uncountedTerminatedPods".into(), json!({}));
    if succeeded >= completions {
        let condition = |ty: &str| {
            let message = "Reached expected number of succeeded pods";
            json!({"type": ty, "status": "True", "lastProbeTime": now, "lastTransitionTime": now, "reason": "CompletionsReached", "message": message})
        };
        status.insert("conditions".into(), json!([condition("SuccessCriteriaMet"), condition("Complete")]));
        status.insert("completionTime".into(), now.clone().into());
    }
    write::set_status(cluster, &job, status.into());
}
