//! Runs the steps of a pipeline on the cluster, one client command after another, and lets the controllers work after each write.

use super::clients::{self, Api, Performed, Session};
use super::controllers::{self, Until};
use super::{Change, Cluster, Request, Response, Store};
use crate::fleet::pipeline::{Action, Step};
use crate::object::{Gvk, ObjectId, Value};
use crate::schema::{Resource, Schema};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// How time passes between two writes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Pace {
    /// Each write's rollout ends before the next write, as in a careful pipeline.
    #[default]
    Settle,
    /// Time passes only where the pipeline waits; what is under way at the end is let run.
    Script,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// All it set out to do was done.
    Done,
    /// Something was refused.
    Failed,
    /// An earlier step failed.
    Skipped,
}

/// Changes by object, in order.
pub type Changes = BTreeMap<Arc<ObjectId>, Vec<Change>>;

/// What became of a workload, as numbers alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// How many revisions it had.
    pub revisions: u32,
    /// How many of them replaced pods.
    pub rolls: u32,
    /// How many pods were replaced.
    pub pods_replaced: u32,
}

/// One step, run.
#[derive(Clone, Debug)]
pub struct StepRun {
    /// Its name.
    pub name: String,
    /// What its client did, object by object.
    pub performed: Vec<Performed>,
    /// How many writes beyond these did what one of them did: to the same object, with the same outcome.
    pub repeated: u32,
    /// What happened to workloads and is not among the happenings any more.
    pub folded: BTreeMap<ObjectId, Folded>,
    /// How it ended.
    pub ended: Ended,
    /// Whether the pipeline goes on when something in it is refused.
    pub continues: bool,
    /// Its part of the controllers' happenings.
    pub happenings: Range<usize>,
    /// What became of each Deployment, StatefulSet and DaemonSet that changed: changes in a row are one.
    pub changes: Changes,
    /// When it began and ended on the virtual clock.
    pub time: Range<Duration>,
}

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'p> {
    /// The steps in order.
    pub steps: &'p [Step],
    /// What was rendered, or given.
    pub manifests: &'p [Value],
    /// What stands in the files that steps name.
    pub files: &'p BTreeMap<PathBuf, Vec<Value>>,
    /// How time passes.
    pub pace: Pace,
    /// What the clients know beside the cluster.
    pub session: Session<'p>,
}

impl Plan<'_> {
    /// What a step works on: its own files, or else everything.
    fn manifests_of(&self, step: &Step) -> Cow<'_, [Value]> {
        match &step.action {
            Action::Apply { files, .. } | Action::Replace { files, .. } if !files.is_empty() => {
                Cow::Owned(files.iter().filter_map(|f| self.files.get(f)).flatten().cloned().collect())
            }
            _ => Cow::Borrowed(self.manifests),
        }
    }
}

/// A pipeline, run.
#[derive(Clone, Debug)]
pub struct Run {
    /// The objects before the first write.
    pub before: Store,
    /// The cluster after the last.
    pub cluster: Cluster,
    /// The steps in order.
    pub steps: Vec<StepRun>,
    /// How time passed.
    pub pace: Pace,
}

/// Runs the steps.
pub fn run(mut cluster: Cluster, plan: &Plan<'_>) -> Run {
    let Plan { steps, pace, session, .. } = plan;
    let pace = *pace;
    let before = cluster.store.clone();
    let mut runs: Vec<StepRun> = Vec::with_capacity(steps.len());
    let mut stopped = false;
    for step in *steps {
        let (happenings, began) = (cluster.controllers.happenings.len(), cluster.clock.now);
        let mut changes = Changes::new();
        let performed = if stopped {
            Vec::new()
        } else {
            let mut watched = Watched { cluster: &mut cluster, pace, before: before.revision(), changes: &mut changes };
            clients::run(&mut watched, &step.action, &plan.manifests_of(step), session)
        };
        let failed = performed.iter().any(|p| p.outcome.is_failure());
        let ended = if stopped {
            Ended::Skipped
        } else if failed {
            Ended::Failed
        } else {
            Ended::Done
        };
        stopped |= failed && !step.continues;
        runs.push(StepRun {
            name: step.name.clone(),
            performed,
            repeated: 0,
            folded: BTreeMap::new(),
            ended,
            continues: step.continues,
            happenings: happenings..cluster.controllers.happenings.len(),
            changes,
            time: began..cluster.clock.now,
        });
    }
    controllers::run(&mut cluster, &Until::Settled);
    if let Some(last) = runs.last_mut() {
        last.happenings.end = cluster.controllers.happenings.len();
        take_down(&mut cluster.store, before.revision(), &mut last.changes);
    }
    Run { before, cluster, steps: runs, pace }
}

/// Takes the journal over, once the controllers have seen it: all that a verdict needs of it, and none of the states in between.
/// What is not newer than `before` was there when the first step began.
fn take_down(store: &mut Store, before: u64, changes: &mut Changes) {
    store.forget_changes().filter(|c| c.revision > before).for_each(|change| keep(changes, change));
}

/// Keeps a change if a verdict needs it: of a workload, and in one with the change before.
pub fn keep(changes: &mut Changes, change: Change) {
    if !controllers::is_workload(&change.id) {
        return;
    }
    let known = changes.entry(Arc::clone(&change.id)).or_default();
    match known.last_mut().filter(|_| change.before.is_some() && change.after.is_some()) {
        Some(last) => *last = Change { before: last.before.take(), ..change },
        None => known.push(change),
    }
}

/// A client's way to the cluster: after each write the controllers run.
struct Watched<'c> {
    cluster: &'c mut Cluster,
    pace: Pace,
    /// The store's revision before the first step.
    before: u64,
    changes: &'c mut Changes,
}

impl Api for Watched<'_> {
    fn schema(&self) -> &'static Schema {
        self.cluster.schema
    }

    fn find_resource(&self, wanted: &dyn Fn(&Resource) -> bool) -> Option<Resource> {
        let own = self.cluster.schema.resources().iter();
        own.chain(self.cluster.custom.iter().map(|d| &d.resource)).find(|r| wanted(r) && !r.resource.contains('/')).cloned()
    }

    fn resource(&self, gvk: &Gvk) -> Option<Resource> {
        self.cluster.served_kind(gvk).map(|served| (*served).clone())
    }

    fn get(&self, id: &ObjectId) -> Option<Arc<Value>> {
        self.cluster.store.get(id).cloned()
    }

    fn list(&self, group: &str, kind: &str, namespace: &str) -> Vec<Arc<Value>> {
        self.cluster.store.list(group, kind, Some(namespace)).map(|(_, object)| Arc::clone(object)).collect()
    }

    fn write(&mut self, request: &Request) -> Response {
        let response = self.cluster.write(request);
        let until = if self.pace == Pace::Settle { Until::Settled } else { Until::Now };
        controllers::run(self.cluster, &until);
        take_down(&mut self.cluster.store, self.before, self.changes);
        response
    }

    fn now_text(&self) -> String {
        self.cluster.clock.timestamp()
    }
}
