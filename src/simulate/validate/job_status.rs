//! The status of a Job, as its controller or another one may write it.
//!
//! Follows `ValidateJobUpdateStatus` of `pkg/apis/batch/validation/validation.go` and `getStatusValidationOptions` of
//! `pkg/registry/batch/job/strategy.go`: most rules hold only where what they are about has changed. The order is that of the server.

use super::check::{Check, Json, Place};
use super::read::Read;
use super::{indexes, metadata};
use crate::object::{Value, json, sorted_json};
use crate::schema::Version;
use std::collections::BTreeSet;

const AT: Place<'static> = Place::root("status");
const MET: &str = "SuccessCriteriaMet";

/// A Job whose status is written.
struct Job<'v> {
    spec: &'v Value,
    now: &'v Value,
    was: &'v Value,
}

impl Job<'_> {
    fn is(&self, ty: &str) -> bool {
        holds(self.now, ty, "True")
    }

    fn was(&self, ty: &str) -> bool {
        holds(self.was, ty, "True")
    }

    /// Whether a condition came or went.
    fn turned(&self, ty: &str) -> bool {
        self.is(ty) != self.was(ty)
    }

    fn changed(&self, field: &str) -> bool {
        self.now.part(field) != self.was.part(field)
    }

    /// Whether a number changed of which none is the same as zero.
    fn counts_otherwise(&self, field: &str) -> bool {
        self.now.number(field) != self.was.number(field)
    }

    fn finished(&self) -> bool {
        self.is("Complete") || self.is("Failed")
    }

    fn finished_otherwise(&self) -> bool {
        self.finished() != (self.was("Complete") || self.was("Failed"))
    }

    fn indexed(&self) -> bool {
        self.spec.text("completionMode") == "Indexed"
    }

    fn suspended(&self) -> bool {
        self.spec.on("suspend")
    }
}

fn holds(status: &Value, ty: &str, value: &str) -> bool {
    status.list("conditions").iter().any(|c| c.text("type") == ty && c.text("status") == value)
}

/// What is wrong with the status of a Job that had another one.
pub(super) fn update(check: &mut Check, new: &Value, old: &Value) {
    metadata::update(check, new, old);
    let job = Job { spec: new.part("spec"), now: new.part("status"), was: old.part("status") };
    counters(check, &job);
    complete(check, &job);
    ended(check, &job);
    named_indexes(check, &job);
    rest(check, &job);
    criteria(check, &job);
    transition(check, &job);
}

fn conditions(check: &mut Check, detail: &str) {
    check.invalid_omitted(&AT.child("conditions"), detail);
}

fn counters(check: &mut Check, job: &Job) {
    for name in ["active", "succeeded", "failed", "ready", "terminating"] {
        check.nonnegative(job.now.number(name), &AT.child(name));
    }
    let (uncounted, at) = (job.now.part("uncountedTerminatedPods"), AT.child("uncountedTerminatedPods"));
    let mut seen = BTreeSet::new();
    for name in ["succeeded", "failed"] {
        let list_at = at.child(name);
        for (i, uid) in uncounted.texts(name).enumerate() {
            if uid.is_empty() {
                check.invalid(&list_at.index(i), uid, "must not be empty");
            } else if !seen.insert(uid) {
                check.duplicate(&list_at.index(i), uid);
            }
        }
    }
}

/// What a complete Job must say, and what else it must not.
fn complete(check: &mut Check, job: &Job) {
    let (complete, at) = (job.is("Complete"), AT.child("completionTime"));
    let time = job.now.part("completionTime");
    if (job.turned("Complete") || job.turned("Failed")) && complete && job.is("Failed") {
        conditions(check, "cannot set Complete=True and Failed=true conditions");
    }
    if (job.turned("Complete") || job.turned("FailureTarget")) && complete && job.is("FailureTarget") {
        conditions(check, "cannot set Complete=True and FailureTarget=true conditions");
    }
    if job.turned("Complete") || job.changed("completionTime") {
        if !time.is_null() && !complete {
            check.invalid(&at, time, "cannot set completionTime when there is no Complete=True condition");
        }
        if time.is_null() && complete {
            check.required(&at, "completionTime is required for Complete jobs");
        }
    }
    // Both are in the one form in which times are stored, which sorts as they do.
    let before = !time.is_null() && job.now.text("completionTime") < job.now.text("startTime");
    if (job.changed("startTime") || job.changed("completionTime")) && before {
        check.invalid(&at, time, "must be equal to or after `startTime`");
    }
    if (job.turned("Failed") || job.changed("failedIndexes")) && job.is("Failed") && !job.is("FailureTarget") {
        conditions(check, "cannot set Failed=True condition without the FailureTarget=true condition");
    }
    if (job.turned("Complete") || job.turned(MET)) && complete && !job.is(MET) {
        conditions(check, "cannot set Complete=True condition without the SuccessCriteriaMet=true condition");
    }
}

/// What a Job that has ended may no longer have.
fn ended(check: &mut Check, job: &Job) {
    if !job.finished() {
        return;
    }
    let (now, turned) = (job.now, job.finished_otherwise());
    if (turned || job.counts_otherwise("active")) && now.number("active") > 0 {
        check.invalid(&AT.child("active"), now.number("active"), "active>0 is invalid for finished job");
    }
    let waits_for_nothing = job.suspended() && job.spec.number_if_set("completions") == Some(0);
    if (turned || job.changed("startTime")) && !waits_for_nothing && !now.has("startTime") {
        check.required(&AT.child("startTime"), "startTime is required for finished job");
    }
    let name = "uncountedTerminatedPods";
    let lists = |status: &Value| ["succeeded", "failed"].map(|list| status.part(name).list(list).to_vec());
    let uncounted = lists(now);
    if (turned || uncounted != lists(job.was)) && uncounted.iter().any(|list| !list.is_empty()) {
        let [succeeded, failed] = uncounted.map(|list| if list.is_empty() { "null".to_owned() } else { sorted_json(&json!(list)) });
        let shown = Json(format!("{{\"Succeeded\":{succeeded},\"Failed\":{failed}}}"));
        check.invalid(&AT.child(name), shown, "must be empty for finished job");
    }
}

fn named_indexes(check: &mut Check, job: &Job) {
    let (done, done_at) = (job.now.text("completedIndexes"), AT.child("completedIndexes"));
    let (failed, failed_at) = (job.now.field("failedIndexes").and_then(Value::as_str), AT.child("failedIndexes"));
    let done_changed = done != job.was.text("completedIndexes");
    let failed_changed = job.changed("failedIndexes");
    let (completions, per_index) = (job.spec.number_if_set("completions"), job.spec.has("backoffLimitPerIndex"));
    if let Some(why) = completions.filter(|_| done_changed).and_then(|c| indexes::count(done, c).err()) {
        check.invalid(&done_at, done, &format!("error parsing completedIndexes: {why}"));
    }
    if let (Some(completions), Some(failed)) = (completions.filter(|_| per_index && failed_changed), failed)
        && let Err(why) = indexes::count(failed, completions)
    {
        check.invalid(&failed_at, failed, &format!("error parsing failedIndexes: {why}"));
    }
    if done_changed && !done.is_empty() && !job.indexed() {
        check.invalid(&done_at, done, "cannot set non-empty completedIndexes when non-indexed completion mode");
    }
    if let Some(failed) = failed.filter(|_| failed_changed && !per_index) {
        check.invalid(&failed_at, failed, "cannot set non-null failedIndexes when backoffLimitPerIndex is null");
    }
    if let (Some(completions), Some(failed)) = (completions.filter(|_| done_changed || failed_changed), failed)
        && let Some(index) = indexes::overlap(done, failed, completions)
    {
        check.invalid(&failed_at, failed, &format!("failedIndexes and completedIndexes overlap at index: {index}"));
    }
}

fn rest(check: &mut Check, job: &Job) {
    let (ready, terminating) = (job.now.number_if_set("ready"), job.now.number("terminating"));
    if (job.finished_otherwise() || job.changed("terminating")) && terminating > 0 && job.finished() {
        check.invalid(&AT.child("terminating"), terminating, "terminating>0 is invalid for finished job");
    }
    if let Some(ready) = ready.filter(|ready| *ready > job.now.number("active"))
        && (job.changed("ready") || job.counts_otherwise("active"))
    {
        check.invalid(&AT.child("ready"), ready, "cannot set more ready pods than active");
    }
}

fn criteria(check: &mut Check, job: &Job) {
    for ty in ["Failed", "FailureTarget"] {
        if job.is(MET) && job.is(ty) {
            conditions(check, &format!("cannot set SuccessCriteriaMet=True and {ty}=true conditions"));
        }
    }
    if job.spec.has("successPolicy") && !job.is(MET) && job.is("Complete") {
        conditions(check, "cannot set Complete=True for Job with SuccessPolicy unless SuccessCriteriaMet=True");
    }
}

/// What may not be taken back.
fn transition(check: &mut Check, job: &Job) {
    for ty in ["Failed", "Complete", "FailureTarget"] {
        if job.was(ty) && !job.is(ty) {
            conditions(check, &format!("cannot disable the terminal {ty}=True condition"));
        }
    }
    // An elastic Job, whose parallelism is its completions, may be scaled down.
    let elastic = job.indexed() && job.spec.number_if_set("completions") == job.spec.number_if_set("parallelism");
    for (name, may_fall) in [("failed", false), ("succeeded", elastic)] {
        if !may_fall && job.now.number(name) < job.was.number(name) {
            check.invalid(&AT.child(name), job.now.number(name), &format!("cannot decrease the {name} counter"));
        }
    }
    let (time, started) = (job.now.part("completionTime"), job.now.part("startTime"));
    if !time.is_null() && job.was.has("completionTime") && job.changed("completionTime") {
        check.invalid(&AT.child("completionTime"), time, "field is immutable");
    }
    let resumes = holds(job.was, "Suspended", "True") && holds(job.now, "Suspended", "False");
    if !resumes && job.was.has("startTime") && job.changed("startTime") && !job.suspended() {
        match check.version() {
            Version::V1_34 | Version::V1_35 => check.required(&AT.child("startTime"), "startTime cannot be removed for unsuspended job"),
            _ => check.invalid(&AT.child("startTime"), started, "field is immutable for unsuspended job once set"),
        }
    }
    if job.was(MET) && !job.is(MET) {
        conditions(check, "cannot disable the SuccessCriteriaMet=True condition");
    }
    if job.was("Complete") && !job.was(MET) && job.is(MET) {
        conditions(check, "cannot set SuccessCriteriaMet=True for Job already has Complete=true conditions");
    }
}
