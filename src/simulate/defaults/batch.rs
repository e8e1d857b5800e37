//! Jobs and CronJobs.
//!
//! Follows `pkg/apis/batch/v1/defaults.go`. What stands in a CronJob's `jobTemplate` gets the defaults of pods, not of Jobs.

use super::pod::template;
use super::table::visit;
use super::workloads::fill_labels;
use super::{fill, fill_zero};
use crate::object::{Value, at, map_at};
use crate::schema::Version;

pub(super) fn job(object: &mut Value, version: Version) {
    let labels = at(object, &["spec", "template", "metadata", "labels"]).cloned();
    let spec = map_at(object, &["spec"]);
    if !spec.contains_key("completions") && !spec.contains_key("parallelism") {
        fill(spec, "completions", 1);
    }
    fill(spec, "parallelism", 1);
    let per_index = spec.contains_key("backoffLimitPerIndex");
    fill(spec, "backoffLimit", if per_index { i32::MAX } else { 6 });
    fill(spec, "completionMode", "NonIndexed");
    fill(spec, "suspend", false);
    fill(spec, "manualSelector", false);
    let replacement = if spec.contains_key("podFailurePolicy") { "Failed" } else { "TerminatingOrFailed" };
    fill(spec, "podReplacementPolicy", replacement);
    failure_conditions(object, "spec.podFailurePolicy.rules.onPodConditions");
    fill_labels(map_at(object, &["metadata"]), "labels", labels.as_ref());
    template(&mut object["spec"]["template"], version);
}

pub(super) fn cron_job(object: &mut Value, version: Version) {
    let spec = map_at(object, &["spec"]);
    fill(spec, "concurrencyPolicy", "Allow");
    fill(spec, "suspend", false);
    fill(spec, "successfulJobsHistoryLimit", 3);
    fill(spec, "failedJobsHistoryLimit", 1);
    failure_conditions(object, "spec.jobTemplate.spec.podFailurePolicy.rules.onPodConditions");
    template(&mut object["spec"]["jobTemplate"]["spec"]["template"], version);
}

fn failure_conditions(object: &mut Value, place: &str) {
    visit(object, place, &mut |condition| fill_zero(condition, "status", "True"));
}
