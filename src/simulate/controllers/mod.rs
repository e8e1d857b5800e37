//! The controllers: changes of the store become what kube-controller-manager and a kubelet would do about them.
//!
//! Each controller decides in its own file, from state alone. This file runs them: a change wakes those whose objects it
//! touches, they work until nothing is left to do at this instant, then the virtual clock moves to the next instant at which
//! something happens by itself (a pod becomes ready, a pod is gone). Nothing here looks at all objects for one event.

mod aggregation;
mod availability;
mod complete;
mod cronjob;
mod daemonset;
mod deployment;
mod disruption;
mod garbage;
mod happening;
mod hash;
mod history;
mod index;
mod job;
mod namespace;
mod outlook;
mod pods;
mod queue;
mod reading;
mod replicaset;
mod spew;
mod statefulset;
mod surroundings;
mod template;
mod ttl;
mod write;

pub(super) use availability::is_workload;
pub use complete::{Assumption, complete};
pub use happening::{Availability, Happening, Level, Waits};

use super::Cluster;
use super::kubelet::{self, Timing};
use super::store::Change;
use crate::object::{ObjectId, Value};
pub(super) use queue::Timer;
use queue::{Queue, Task};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

/// How the uids begin that [`super::Store::new_uid`] gives.
const OWN_UIDS: &str = "726f6c6c-6361-4374-8000-";

/// The labels that name a pod's revision.
const REVISION_LABELS: [&str; 2] = [reading::TEMPLATE_HASH, reading::REVISION_HASH];

/// So many tasks for each object at one instant mean that two controllers undo each other's work for ever.
const TASKS_AT_ONE_INSTANT: usize = 1_000;

/// What the controllers keep between two writes.
#[derive(Clone, Debug, Default)]
pub struct Controllers {
    /// How long pods take to start and to stop.
    pub timing: Timing,
    /// What happened, in order.
    pub happenings: Vec<Happening>,
    /// How many pods of each workload were available, over time; only of workloads to which something happened.
    pub availability: BTreeMap<ObjectId, Availability>,
    pub(super) kubelet: kubelet::Kubelet,
    pub(super) queue: Queue,
    index: index::Index,
    seen: usize,
    tally: availability::Tally,
    /// Why a controller is deleting a pod.
    reasons: BTreeMap<ObjectId, &'static str>,
    /// Workloads whose template generation the API server raised, with the template before.
    raised: BTreeMap<ObjectId, Option<Arc<Value>>>,
    /// Revisions that a StatefulSet was found to match: uid, generation, resource version of the revision.
    matched: BTreeSet<(String, i64, String)>,
    touched: BTreeSet<ObjectId>,
    outlook: BTreeMap<ObjectId, Happening>,
    emptying: BTreeMap<String, BTreeSet<ObjectId>>,
    /// Workloads whose pods are not let in: the controller that waits, and what it was told.
    refused: BTreeMap<ObjectId, (ObjectId, String)>,
    /// PodDisruptionBudgets whose status is not up to date.
    budgets: BTreeSet<ObjectId>,
    /// The uids of objects that were removed and not made here.
    gone: BTreeSet<String>,
    /// The uids of CronJobs whose schedules were followed before the clock began.
    followed: BTreeSet<String>,
    /// Whether the controllers run whose work only clients see.
    surroundings: bool,
    /// The events that they recorded, oldest first.
    events: VecDeque<ObjectId>,
}

impl Controllers {
    /// Forgets what was derived from the store: objects were put in behind the journal.
    pub(super) fn reload(&mut self) {
        self.index.stale();
    }
}

/// Lets the controllers run too whose work no verdict rests on: service accounts, endpoints, events.
pub fn show_surroundings(cluster: &mut Cluster) {
    cluster.controllers.surroundings = true;
    surroundings::begin(cluster);
}

/// For how long the controllers run.
#[derive(Clone, Copy)]
pub enum Until<'a> {
    /// Only what happens without time passing.
    Now,
    /// Until every rollout that is under way is over (pods that were replaced may still be stopping), or nothing moves any
    /// more.
    Settled,
    /// Until a point of the virtual clock.
    Point(Duration),
    /// Until a condition holds, nothing is left that could bring it about, or a point of the clock is reached.
    Holds(&'a dyn Fn(&Cluster) -> bool, Option<Duration>),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// Nothing is left to do (now, or at all), or the condition holds.
    Done,
    /// The point of the clock was reached first.
    TimedOut,
    /// Nothing more will happen, and the condition does not hold.
    Never,
}

/// Lets the controllers see the changes since the last run and do what follows from them.
pub fn run(cluster: &mut Cluster, until: &Until<'_>) -> Ended {
    cluster.controllers.queue.turn(false);
    index::refresh(cluster);
    take_in(cluster, false);
    let ended = loop {
        work(cluster);
        let limit = match until {
            Until::Now => break Ended::Done,
            Until::Settled if outlook::all_over(cluster) => break Ended::Done,
            Until::Settled => None,
            Until::Point(point) => Some(*point),
            Until::Holds(condition, limit) => {
                if condition(cluster) {
                    break Ended::Done;
                }
                *limit
            }
        };
        let (deadlines, anything) = (!matches!(until, Until::Settled), matches!(until, Until::Point(_)));
        let Some(next) = cluster.controllers.queue.next_instant(deadlines, anything) else {
            break match until {
                Until::Point(point) => {
                    cluster.clock.now = cluster.clock.now.max(*point);
                    Ended::Done
                }
                Until::Holds(..) if disruption::is_behind(cluster) => {
                    disruption::catch_up(cluster);
                    absorb(cluster);
                    continue;
                }
                Until::Holds(..) => Ended::Never,
                _ => Ended::Done,
            };
        };
        if let Some(limit) = limit.filter(|l| next > *l) {
            cluster.clock.now = cluster.clock.now.max(limit);
            break if matches!(until, Until::Point(_)) { Ended::Done } else { Ended::TimedOut };
        }
        cluster.clock.now = cluster.clock.now.max(next);
        for aside in [false, true] {
            cluster.controllers.queue.turn(aside);
            for timer in cluster.controllers.queue.due(cluster.clock.now, aside) {
                fire(cluster, timer);
            }
            absorb(cluster);
        }
    };
    cluster.controllers.queue.turn(false);
    disruption::catch_up(cluster);
    absorb(cluster);
    if matches!(until, Until::Settled) {
        outlook::note(cluster);
    }
    ended
}

/// When the next thing happens by itself: a pod becomes ready or is gone. The end of a rollout's patience does not count, nor do
/// schedules where nothing else is to come.
pub fn next_instant(cluster: &Cluster) -> Option<Duration> {
    cluster.controllers.queue.next_instant(false, false)
}

/// Works the queue off; what the work itself changes is queued behind it.
fn work(cluster: &mut Cluster) {
    for _ in 0..TASKS_AT_ONE_INSTANT * (cluster.store.len() + 1) {
        let Some(task) = cluster.controllers.queue.pop() else { return };
        match task {
            Task::Sync(id) => sync(cluster, &id),
            Task::Collect(id) => garbage::collect(cluster, &id),
        }
        absorb(cluster);
    }
}

fn sync(cluster: &mut Cluster, id: &ObjectId) {
    match (id.group.as_str(), id.kind.as_str()) {
        ("apps", "Deployment") => deployment::sync(cluster, id),
        ("apps", "ReplicaSet") => replicaset::sync(cluster, id),
        ("apps", "StatefulSet") => statefulset::sync(cluster, id),
        ("apps", "DaemonSet") => daemonset::sync(cluster, id),
        ("batch", "Job") => {
            job::sync(cluster, id);
            absorb(cluster);
            ttl::sync(cluster, id);
        }
        ("batch", "CronJob") => cronjob::sync(cluster, id),
        ("rbac.authorization.k8s.io", "ClusterRole") => aggregation::sync(cluster, id),
        ("", "Namespace") => namespace::sync(cluster, id),
        ("", "Service") => surroundings::sync_service(cluster, id),
        ("", "ResourceQuota") => surroundings::sync_quota(cluster, id),
        ("", "PersistentVolumeClaim") => garbage::protect_claim(cluster, id),
        ("", "PersistentVolume") => garbage::protect_volume(cluster, id),
        _ => {}
    }
}

fn fire(cluster: &mut Cluster, timer: Timer) {
    match timer {
        Timer::Ready(pod, uid) => kubelet::make_ready(cluster, &pod, &uid),
        Timer::Ended(pod, uid) => kubelet::make_succeed(cluster, &pod, &uid),
        Timer::Gone(pod, uid) => kubelet::remove(cluster, &pod, &uid),
        Timer::Available(pod) => {
            availability::look_again(cluster, &pod);
            wake_owner_of(cluster, &pod);
        }
        Timer::Deadline(id) | Timer::Due(id) => cluster.controllers.queue.push(Task::Sync(id)),
    }
}

fn wake_owner_of(cluster: &mut Cluster, pod: &ObjectId) {
    let Some(object) = cluster.store.get(pod) else { return };
    if let Some(owner) = reading::controller_of(object).map(|r| reading::referred(r, &pod.namespace)) {
        cluster.controllers.queue.push(Task::Sync(owner));
    }
}

/// Takes in what the controllers themselves have changed.
fn absorb(cluster: &mut Cluster) {
    take_in(cluster, true);
}

/// Takes in the changes that the journal has gained; `own` if controllers made them.
fn take_in(cluster: &mut Cluster, own: bool) {
    while cluster.controllers.seen < cluster.store.journal_len() {
        let change = cluster.store.changes_since(cluster.controllers.seen)[0].clone();
        cluster.controllers.seen += 1;
        cluster.controllers.index.note(&change);
        garbage::note(cluster, &change);
        namespace::note(cluster, &change);
        kubelet::note(cluster, &change);
        wake(cluster, &change);
        availability::note(cluster, &change);
        disruption::note(cluster, &change);
        if cluster.controllers.surroundings {
            surroundings::note(cluster, &change, own);
        }
    }
}

/// Queues the controllers that a change concerns.
fn wake(cluster: &mut Cluster, change: &Change) {
    let id: &ObjectId = &change.id;
    let opens = match id.kind.as_str() {
        "ServiceAccount" | "ResourceQuota" | "LimitRange" => id.group.is_empty(),
        "Pod" | "PersistentVolumeClaim" => id.group.is_empty() && change.after.is_none(),
        _ => false,
    };
    if opens {
        let waiting: Vec<ObjectId> = cluster.controllers.refused.values().map(|(controller, _)| controller.clone()).collect();
        waiting.into_iter().for_each(|controller| cluster.controllers.queue.push(Task::Sync(controller)));
    }
    match (id.group.as_str(), id.kind.as_str()) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet") => {
            if id.kind == "DaemonSet" {
                daemonset::note(cluster, change);
            }
            cluster.controllers.touched.insert(id.clone());
            cluster.controllers.queue.push(Task::Sync(id.clone()));
        }
        ("batch", "Job") => {
            cluster.controllers.queue.push(Task::Sync(id.clone()));
            cronjob::note_job(cluster, change);
        }
        ("batch", "CronJob") => cronjob::note(cluster, change),
        ("apps", "ReplicaSet") => {
            if !only_status(change) {
                cluster.controllers.queue.push(Task::Sync(id.clone()));
            }
            wake_owners(cluster, change, "Deployment");
        }
        ("", "Pod") => wake_owners(cluster, change, ""),
        ("rbac.authorization.k8s.io", "ClusterRole") => {
            aggregation::concerned(cluster).into_iter().for_each(|role| cluster.controllers.queue.push(Task::Sync(role)));
        }
        ("apps", "ControllerRevision") if change.after.is_none() => wake_owners(cluster, change, ""),
        ("", "Node") => {
            let sets: Vec<ObjectId> = cluster.store.list("apps", "DaemonSet", None).map(|(id, _)| id.clone()).collect();
            sets.into_iter().for_each(|set| cluster.controllers.queue.push(Task::Sync(set)));
        }
        _ => {}
    }
}

/// Whether a change is of the status alone: a ReplicaSet's own controller does not look at that.
fn only_status(change: &Change) -> bool {
    let Some((before, after)) = change.before.as_ref().zip(change.after.as_ref()) else { return false };
    let same = |key: &str| before["metadata"].get(key) == after["metadata"].get(key);
    before["spec"] == after["spec"] && ["uid", "deletionTimestamp", "labels", "ownerReferences"].into_iter().all(same)
}

/// Queues the controller of an object, before and after the change; those that might adopt it if it has none.
fn wake_owners(cluster: &mut Cluster, change: &Change, adopters: &str) {
    let owners = |object: &Value| object["metadata"].get("ownerReferences").cloned();
    let moved = |before: &&Arc<Value>| change.after.as_ref().is_none_or(|after| owners(before) != owners(after));
    for object in change.before.as_ref().filter(moved).into_iter().chain(&change.after) {
        if let Some(owner) = reading::controller_of(object) {
            let owner = reading::referred(owner, &change.id.namespace);
            if change.id.kind == "Pod" && owner.kind == "ReplicaSet" {
                wake_deployment(cluster, &owner, change);
            }
            cluster.controllers.queue.push(Task::Sync(owner));
        }
    }
    let orphan = change.after.as_ref().filter(|o| reading::controller_of(o).is_none());
    let Some(orphan) = orphan else { return };
    let kinds: &[&str] = if adopters.is_empty() { &["DaemonSet", "ReplicaSet", "StatefulSet"] } else { &["Deployment"] };
    for kind in kinds {
        let takers: Vec<ObjectId> = cluster
            .store
            .list("apps", kind, Some(&change.id.namespace))
            .filter(|(_, w)| reading::selects(reading::selector(w), reading::labels(orphan)))
            .map(|(id, _)| id.clone())
            .collect();
        takers.into_iter().for_each(|taker| cluster.controllers.queue.push(Task::Sync(taker)));
    }
}

/// A Deployment that recreates its pods looks again when one of them is gone.
fn wake_deployment(cluster: &mut Cluster, set: &ObjectId, change: &Change) {
    if change.after.is_some() {
        return;
    }
    let owner = cluster.store.get(set).and_then(|s| reading::controller_of(s)).map(|r| reading::referred(r, &set.namespace));
    if let Some(owner) = owner {
        cluster.controllers.queue.push(Task::Sync(owner));
    }
}

/// The workload that a pod belongs to in the end: the Deployment of its ReplicaSet, or its own controller.
pub(super) fn workload_of(cluster: &Cluster, pod: &Value) -> Option<ObjectId> {
    let namespace = crate::object::text(pod, &["metadata", "namespace"]);
    let reference = reading::controller_of(pod)?;
    let owner = reading::referred(reference, namespace);
    if owner.group != "apps" {
        return None;
    }
    if owner.kind != "ReplicaSet" {
        return Some(owner);
    }
    let known = cluster.controllers.index.deployment_of(crate::object::text(reference, &["uid"]));
    Some(known.cloned().unwrap_or(owner))
}

#[cfg(test)]
mod recordings;
#[cfg(test)]
mod scenes;
