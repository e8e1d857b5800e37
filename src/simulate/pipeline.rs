//! Runs the steps of a pipeline on the cluster, one client command after another, and lets the controllers work after each write.

use super::clients::{self, Api, Performed};
use super::controllers::{self, Until};
use super::{Cluster, Request, Response, Store};
use crate::fleet::pipeline::Step;
use crate::object::{ObjectId, Value};
use std::ops::Range;
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

/// One step, run.
#[derive(Clone, Debug)]
pub struct StepRun {
    /// Its name.
    pub name: String,
    /// What its client did, object by object.
    pub performed: Vec<Performed>,
    /// How it ended.
    pub ended: Ended,
    /// Its part of the controllers' happenings.
    pub happenings: Range<usize>,
    /// Its part of the store's journal.
    pub journal: Range<usize>,
    /// When it began and ended on the virtual clock.
    pub time: Range<Duration>,
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
}

/// Runs the steps; `manifests` are what was rendered or given.
pub fn run(mut cluster: Cluster, steps: &[Step], manifests: &[Value], pace: Pace) -> Run {
    let before = cluster.store.clone();
    let mut runs: Vec<StepRun> = Vec::with_capacity(steps.len());
    let mut stopped = false;
    for step in steps {
        let (happenings, journal, began) = (cluster.controllers.happenings.len(), cluster.store.journal_len(), cluster.clock.now);
        let performed = if stopped { Vec::new() } else { clients::run(&mut Session { cluster: &mut cluster, pace }, &step.action, manifests) };
        let failed = performed.iter().any(Performed::failed);
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
            ended,
            happenings: happenings..cluster.controllers.happenings.len(),
            journal: journal..cluster.store.journal_len(),
            time: began..cluster.clock.now,
        });
    }
    controllers::run(&mut cluster, Until::Settled);
    if let Some(last) = runs.last_mut() {
        last.happenings.end = cluster.controllers.happenings.len();
        last.journal.end = cluster.store.journal_len();
    }
    Run { before, cluster, steps: runs }
}

/// A client's way to the cluster: after each write the controllers run.
struct Session<'c> {
    cluster: &'c mut Cluster,
    pace: Pace,
}

impl Api for Session<'_> {
    fn cluster(&self) -> &Cluster {
        self.cluster
    }

    fn get(&self, id: &ObjectId) -> Option<Arc<Value>> {
        self.cluster.store.get(id).cloned()
    }

    fn write(&mut self, request: &Request) -> Response {
        let response = self.cluster.write(request);
        let until = if self.pace == Pace::Settle { Until::Settled } else { Until::Now };
        controllers::run(self.cluster, until);
        response
    }
}
