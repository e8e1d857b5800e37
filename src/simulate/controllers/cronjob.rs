//! CronJobs: what their schedules are due for becomes Jobs; their status says what runs and when it last ran; of the Jobs that are over,
//! as many stay as they keep.
//!
//! Follows `pkg/controller/cronjob/{cronjob_controllerv2,utils,injection}.go`. Nobody waits for a schedule, nor for what comes of it: see
//! `queue`. A CronJob of a snapshot is taken to have been followed up to the moment at which the clock begins.

use super::queue::{Task, Timer};
use super::reading::{controlled_by, controller_of, deleting, finished, name, referred, uid};
use super::{surroundings, write};
use crate::object::{Map, ObjectId, Value, at, integer, json, map_at, text};
use crate::simulate::schedule::{Schedule, time_zone};
use crate::simulate::store::Change;
use crate::simulate::{Body, Cluster, Request, Target, Verb, WriteOptions};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// What the Jobs of a schedule say they were due at.
const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";

/// The controller looks so much later than a schedule says.
const DELAY: SignedDuration = SignedDuration::from_millis(100);

/// More missed times than these are worth a warning.
const MANY: i64 = 100;

/// Sets the times at which the schedules of a snapshot are due next.
pub(super) fn meet(cluster: &mut Cluster, objects: &[(Arc<ObjectId>, Arc<Value>)]) {
    for (id, cron) in objects.iter().filter(|(id, _)| id.kind == "CronJob" && id.group == "batch") {
        if cron["spec"]["suspend"] == true || deleting(cron) {
            continue;
        }
        cluster.controllers.followed.insert(uid(cron).to_owned());
        let Ok(schedule) = schedule_of(cron) else { continue };
        if let Some(next) = next_due(cluster, cron, &schedule) {
            let at = cluster.clock.point(next);
            cluster.controllers.queue.at(at, Timer::Due(ObjectId::clone(id)));
        }
    }
}

/// A CronJob that changed is looked at, one with another schedule when that is due.
pub(super) fn note(cluster: &mut Cluster, change: &Change) {
    let Some(after) = &change.after else { return };
    let id = ObjectId::clone(&change.id);
    let other = |key: &str, before: &Value| before["spec"].get(key) != after["spec"].get(key);
    if change.before.as_ref().is_some_and(|before| other("schedule", before) || other("timeZone", before)) {
        let next = schedule_of(after).ok().and_then(|schedule| next_due(cluster, after, &schedule));
        if let Some(next) = next {
            let at = cluster.clock.point(next);
            cluster.controllers.queue.at(at, Timer::Due(id));
            return;
        }
    }
    cluster.controllers.queue.push(Task::Sync(id));
}

/// The CronJob of a Job that changed is looked at.
pub(super) fn note_job(cluster: &mut Cluster, change: &Change) {
    for job in change.before.iter().chain(&change.after) {
        let Some(reference) = controller_of(job).filter(|r| text(r, &["kind"]) == "CronJob") else { continue };
        let owner = referred(reference, &change.id.namespace);
        if cluster.store.get(&owner).is_some_and(|cron| uid(cron) == text(reference, &["uid"])) {
            cluster.controllers.queue.push(Task::Sync(owner));
        }
    }
}

/// Makes the Job that a CronJob is due for, deletes those beyond its limits, and brings its status to what there is.
pub(super) fn sync(cluster: &mut Cluster, id: &ObjectId) {
    let Some(cron) = cluster.store.get(id).cloned() else { return };
    cluster.controllers.queue.turn(true);
    let owned = cluster.controllers.index.dependents(uid(&cron)).filter(|d| d.kind == "Job" && d.group == "batch");
    let owned = owned.filter_map(|d| cluster.store.get(d)).filter(|job| controlled_by(job, uid(&cron)));
    let jobs: Vec<Arc<Value>> = owned.cloned().collect();
    let status = cron.get("status").and_then(Value::as_object).cloned().unwrap_or_default();
    let mut visit = Visit { cluster, cron: Arc::clone(&cron), status };
    visit.clean_up(&jobs);
    if visit.take_stock(&jobs) {
        visit.follow();
    }
    let status = Value::from(visit.status);
    if cron.get("status").map_or_else(|| status != json!({}), |before| *before != status) {
        write::own_status(cluster, &cron, status);
    }
}

/// One look at a CronJob.
struct Visit<'c> {
    cluster: &'c mut Cluster,
    cron: Arc<Value>,
    status: Map,
}

impl Visit<'_> {
    /// Of the finished Jobs the oldest go, successes and failures by a limit of their own.
    fn clean_up(&mut self, jobs: &[Arc<Value>]) {
        for (ty, limit) in [("Complete", "successfulJobsHistoryLimit"), ("Failed", "failedJobsHistoryLimit")] {
            let Some(limit) = integer(&self.cron, &["spec", limit]).and_then(|n| usize::try_from(n).ok()) else { continue };
            let mut over: Vec<&Arc<Value>> = jobs.iter().filter(|j| finished(j).is_some_and(|c| text(c, &["type"]) == ty)).collect();
            // Who never started comes last.
            over.sort_by_key(|job| (at(job, &["status", "startTime"]).is_none(), text(job, &["status", "startTime"]), name(job)));
            for job in over.iter().take(over.len().saturating_sub(limit)) {
                self.delete(job);
            }
        }
    }

    /// Takes in which Jobs are over and which are gone. Gives whether the controller goes on.
    fn take_stock(&mut self, jobs: &[Arc<Value>]) -> bool {
        for job in jobs {
            let listed = self.active().iter().any(|a| text(a, &["uid"]) == uid(job));
            let Some(condition) = finished(job) else {
                if !listed {
                    self.say(false, "UnexpectedJob", format!("Saw a job that the controller did not create or forgot: {}", name(job)));
                }
                continue;
            };
            let ty = text(condition, &["type"]);
            if listed {
                self.drop_active(uid(job));
                self.say(true, "SawCompletedJob", format!("Saw completed job: {}, condition: {ty}", name(job)));
            }
            let completed = text(job, &["status", "completionTime"]);
            let last = self.status.get("lastSuccessfulTime").and_then(Value::as_str).unwrap_or_default();
            if ty == "Complete" && completed > last {
                self.status.insert("lastSuccessfulTime".into(), completed.into());
            }
        }
        for active in self.active() {
            if jobs.iter().any(|job| uid(job) == text(&active, &["uid"])) {
                continue;
            }
            let (namespace, name) = (text(&active, &["namespace"]), text(&active, &["name"]));
            if namespace.is_empty() || name.is_empty() {
                // No client asks for that.
                return false;
            }
            if self.cluster.store.get(&job_id(namespace, name)).is_none() {
                self.say(true, "MissingJob", format!("Active job went missing: {name}"));
                self.drop_active(text(&active, &["uid"]));
            }
        }
        true
    }

    /// Makes the Job of the last time that was due, if it is to be made, and sets the time of the next look.
    fn follow(&mut self) {
        let spec = &self.cron["spec"];
        if deleting(&self.cron) || spec["suspend"] == true {
            return;
        }
        let schedule = match schedule_of(&self.cron) {
            Ok(schedule) => schedule,
            Err(why) => {
                let message = format!("unparseable schedule: \"{}\" : {why}", text(spec, &["schedule"]));
                return self.say(false, "UnparseableSchedule", message);
            }
        };
        let Ok(recent) = recent(self.cluster, &self.cron, &schedule, true) else {
            let why = "time difference between two schedules is less than 1 second";
            return self.say(false, "InvalidSchedule", format!("invalid schedule: {} : {why}", text(spec, &["schedule"])));
        };
        if let Some(due) = recent.last {
            if recent.missed > MANY {
                let message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
                self.say(false, "TooManyMissedTimes", message.into());
            }
            if !self.done(due) && !self.make(due) {
                return;
            }
        }
        if let Some(next) = self.next_due(&schedule) {
            let at = self.cluster.clock.point(next);
            self.cluster.controllers.queue.at(at, Timer::Due(ObjectId::of(&self.cron)));
        }
    }

    /// Whether there is nothing to be made for a time that was due: it is too late, it was done, or another Job still runs.
    fn done(&mut self, due: Timestamp) -> bool {
        let spec = &self.cron["spec"];
        let now = self.cluster.clock.time();
        let late = |seconds| due.checked_add(SignedDuration::from_secs(seconds)).is_ok_and(|last| last < now);
        if integer(spec, &["startingDeadlineSeconds"]).is_some_and(late) {
            let when = due.strftime("%a, %d %b %Y %H:%M:%S UTC");
            self.say(false, "MissSchedule", format!("Missed scheduled time to start a job: {when}"));
            return true;
        }
        let (name, namespace) = (self.job_name(due), text(&self.cron, &["metadata", "namespace"]));
        let active = self.active();
        if active.iter().any(|a| text(a, &["name"]) == name && text(a, &["namespace"]) == namespace) || self.last_schedule() == Some(due) {
            return true;
        }
        let waits = text(spec, &["concurrencyPolicy"]) == "Forbid" && !active.is_empty();
        if waits {
            let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
            self.say(true, "JobAlreadyActive", message.into());
        }
        waits
    }

    /// Makes the Job of a time. Gives whether the controller goes on.
    fn make(&mut self, due: Timestamp) -> bool {
        if text(&self.cron, &["spec", "concurrencyPolicy"]) == "Replace" {
            for active in self.active() {
                let id = job_id(text(&active, &["namespace"]), text(&active, &["name"]));
                let Some(job) = self.cluster.store.get(&id).cloned() else { return false };
                self.delete(&job);
            }
        }
        let (name, namespace) = (self.job_name(due), text(&self.cron, &["metadata", "namespace"]));
        let id = job_id(namespace, &name);
        let there = self.cluster.store.get(&id).cloned();
        let job = match there {
            Some(job) => {
                let listed = self.active().iter().any(|a| text(a, &["uid"]) == uid(&job));
                if listed || !controlled_by(&job, uid(&self.cron)) {
                    return false;
                }
                job
            }
            None => match self.create(&name, due) {
                Ok(job) => {
                    self.say(true, "SuccessfulCreate", format!("Created job {name}"));
                    job
                }
                Err(why) => {
                    self.say(false, "FailedCreate", format!("Error creating job: {why}"));
                    // It is tried again and again; here, when the schedule is due next.
                    return true;
                }
            },
        };
        let reference = json!({
            "kind": "Job", "namespace": text(&job, &["metadata", "namespace"]), "name": name, "uid": uid(&job), "apiVersion": "batch/v1",
            "resourceVersion": text(&job, &["metadata", "resourceVersion"]),
        });
        let mut active = self.active();
        active.push(reference);
        self.status.insert("active".into(), active.into());
        self.status.insert("lastScheduleTime".into(), due.to_string().into());
        true
    }

    /// Sends the Job of a time to the API server, as the controller does.
    fn create(&mut self, name: &str, due: Timestamp) -> Result<Arc<Value>, String> {
        let template = &self.cron["spec"]["jobTemplate"];
        let mut metadata = Map::new();
        metadata.insert("name".into(), name.into());
        metadata.extend(at(template, &["metadata", "labels"]).map(|labels| ("labels".to_owned(), labels.clone())));
        metadata.insert("annotations".into(), at(template, &["metadata", "annotations"]).cloned().unwrap_or_else(|| json!({})));
        metadata.insert("ownerReferences".into(), vec![write::controller_reference(&self.cron)].into());
        let mut job = json!({"apiVersion": "batch/v1", "kind": "Job"});
        map_at(&mut job, &[]).insert("metadata".into(), metadata.into());
        map_at(&mut job, &["metadata", "annotations"]).insert(SCHEDULED.into(), self.shown(due).into());
        map_at(&mut job, &[]).insert("spec".into(), template.get("spec").cloned().unwrap_or_else(|| json!({})));
        let target = Target {
            group: "batch".into(),
            version: "v1".into(),
            resource: "jobs".into(),
            namespace: text(&self.cron, &["metadata", "namespace"]).into(),
            ..Target::default()
        };
        let options = WriteOptions { field_manager: write::MANAGER.into(), ..WriteOptions::default() };
        let made = self.cluster.write(&Request { verb: Verb::Create, target, options, body: Body::Value(job) });
        made.result.map_err(|error| error.message)
    }

    /// A time as clocks of the CronJob's zone show it.
    fn shown(&self, due: Timestamp) -> String {
        let zone = time_zone(text(&self.cron, &["spec", "timeZone"])).map(|zone| zone.to_offset(due));
        match zone.filter(|offset| offset.seconds() != 0) {
            Some(offset) => due.display_with_offset(offset).to_string(),
            None => due.to_string(),
        }
    }

    fn delete(&mut self, job: &Value) {
        write::delete(self.cluster, &ObjectId::of(job), None);
        self.drop_active(uid(job));
        self.say(true, "SuccessfulDelete", format!("Deleted job {}", name(job)));
    }

    fn active(&self) -> Vec<Value> {
        self.status.get("active").and_then(Value::as_array).cloned().unwrap_or_default()
    }

    fn drop_active(&mut self, uid: &str) {
        let left: Vec<Value> = self.active().into_iter().filter(|a| text(a, &["uid"]) != uid).collect();
        if left.is_empty() {
            self.status.shift_remove("active");
        } else {
            self.status.insert("active".into(), left.into());
        }
    }

    fn last_schedule(&self) -> Option<Timestamp> {
        self.status.get("lastScheduleTime").and_then(Value::as_str)?.parse().ok()
    }

    /// The same for the same time, so that no time has two Jobs.
    fn job_name(&self, due: Timestamp) -> String {
        format!("{}-{}", name(&self.cron), due.as_second() / 60)
    }

    /// When to look next, given the status as it is now.
    fn next_due(&self, schedule: &Schedule) -> Option<Timestamp> {
        let mut cron = (*self.cron).clone();
        map_at(&mut cron, &[]).insert("status".into(), self.status.clone().into());
        next_due(self.cluster, &cron, schedule)
    }

    fn say(&mut self, normal: bool, reason: &'static str, message: String) {
        if self.cluster.controllers.surroundings {
            surroundings::said(self.cluster, &self.cron, normal, reason, message);
        }
    }
}

fn job_id(namespace: &str, name: &str) -> ObjectId {
    ObjectId { group: "batch".into(), kind: "Job".into(), namespace: namespace.into(), name: name.into() }
}

/// A zone in the schedule itself goes before that of the CronJob.
fn schedule_of(cron: &Value) -> Result<Schedule, String> {
    let (schedule, zone) = (text(cron, &["spec", "schedule"]), text(cron, &["spec", "timeZone"]));
    if zone.is_empty() || schedule.contains("TZ") { Schedule::parse(schedule) } else { Schedule::parse(&format!("TZ={zone} {schedule}")) }
}

/// What was due since the last time that a Job was made.
struct Recent {
    /// That time, or when the CronJob was made.
    since: Timestamp,
    /// The last time that was due since; none if none was.
    last: Option<Timestamp>,
    /// How many were, roughly.
    missed: i64,
}

/// A schedule that is due never, or never again.
struct Never;

/// Where only what a Job would still be started for is asked about, `startable` is set.
fn recent(cluster: &Cluster, cron: &Value, schedule: &Schedule, startable: bool) -> Result<Recent, Never> {
    let now = cluster.clock.time();
    let time = |path: &[&str]| text(cron, path).parse::<Timestamp>().ok();
    let mut since = time(&["status", "lastScheduleTime"]).or_else(|| time(&["metadata", "creationTimestamp"])).unwrap_or(now);
    if cluster.controllers.followed.contains(uid(cron)) {
        since = since.max(cluster.clock.zero());
    }
    if let Some(seconds) = integer(cron, &["spec", "startingDeadlineSeconds"]).filter(|_| startable) {
        since = since.max(now.checked_sub(SignedDuration::from_secs(seconds)).unwrap_or(Timestamp::MIN));
    }
    let first = schedule.next(since).ok_or(Never)?;
    if now < first {
        return Ok(Recent { since, last: None, missed: 0 });
    }
    let second = schedule.next(first).ok_or(Never)?;
    if now < second {
        return Ok(Recent { since, last: Some(first), missed: 0 });
    }
    let between = second.as_second() - first.as_second();
    if between < 1 {
        return Err(Never);
    }
    let missed = (now.as_second() - first.as_second()) / between + 1;
    // From shortly before the last one on, since not every two are as far apart as the first two.
    let from = first.checked_add(SignedDuration::from_secs((missed - 2) * between)).map_err(|_| Never)?;
    let all = std::iter::successors(schedule.next(from), |due| schedule.next(*due)).take_while(|due| *due <= now);
    Ok(Recent { since, last: all.last(), missed })
}

/// When the controller looks at a CronJob next; none if its schedule is never due again.
fn next_due(cluster: &Cluster, cron: &Value, schedule: &Schedule) -> Option<Timestamp> {
    let now = cluster.clock.time();
    let from = match recent(cluster, cron, schedule, false) {
        Err(Never) => now,
        Ok(Recent { last: Some(last), .. }) => last,
        Ok(Recent { since, missed: 0, .. }) => since,
        Ok(_) => now,
    };
    schedule.next(from)?.checked_add(DELAY).ok()
}
