//! The one place where requests meet the simulated cluster: a lock around it, the journal for reports.
//!
//! After each write the controllers run (see [`Pace`]), what came of it is shown to readers ([`View`]), then the answer goes out. Time is virtual: it moves when a rollout is waited
//! for, be it by the pace after a write, or because nothing but open watches is left ([`Shadow::let_time_pass`]).

use super::journal::{Client, Journal};
use super::turns::Turns;
use super::view::View;
use crate::simulate::controllers::{self, Happening, Until};
use crate::simulate::pipeline::{Pace, Run};
use crate::simulate::{Cluster, Request, Response};
use std::collections::BTreeSet;
use std::fmt;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLockReadGuard};
use std::time::Duration;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

/// So long nobody asks for anything before time passes for those who watch.
const QUIET: Duration = Duration::from_millis(10);

/// After so much time those who watch let virtual time pass,
const SILENCE: Duration = Duration::from_millis(20);

/// and again after so much more while nothing comes of it.
const LULL: Duration = Duration::from_millis(180);

/// Makes the text of a report in JSON of what was done so far.
#[derive(Clone)]
pub struct Reporter(pub Arc<dyn Fn(&Run) -> String + Send + Sync>);

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reporter")
    }
}

/// How the shadow behaves.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// How time passes between two writes.
    pub pace: Pace,
    /// The token that clients must send; none: any, or none at all.
    pub token: Option<String>,
    /// What answers `GET /rollcast/v1/report`.
    pub reporter: Option<Reporter>,
}

/// The simulated cluster as many clients see it at once.
#[derive(Debug)]
pub struct Shadow {
    live: Mutex<Live>,
    /// What readers see.
    pub(super) view: View,
    /// Whose turn it is to write.
    pub(super) turns: Turns,
    /// How it behaves.
    pub options: Options,
    /// How many requests were answered, and the nanoseconds from the last byte of each to its answer.
    pub(super) answered: (AtomicU64, AtomicU64),
    /// How many watches are open.
    watches: AtomicUsize,
    /// Somebody has begun to watch, or something has happened.
    stirred: Notify,
}

/// One open watch, counted.
#[derive(Debug)]
pub(super) struct Watcher(pub(super) Arc<Shadow>);

impl Watcher {
    /// Begins to watch.
    pub(super) fn of(shadow: Arc<Shadow>) -> Self {
        shadow.watches.fetch_add(1, Ordering::Relaxed);
        shadow.stirred.notify_one();
        Self(shadow)
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.0.watches.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Everything that writes change.
#[derive(Debug)]
struct Live {
    cluster: Cluster,
    start: Cluster,
    journal: Journal,
    /// What was asked that only a running pod could answer.
    unanswerable: BTreeSet<String>,
}

impl Shadow {
    /// A shadow of a cluster that was made ready for its first write.
    pub fn new(mut cluster: Cluster, options: Options) -> Self {
        controllers::run(&mut cluster, &Until::Settled);
        cluster.store.forget_changes().for_each(drop);
        let view = View::of(&cluster);
        let live = Live { start: cluster.clone(), cluster, journal: Journal::default(), unanswerable: BTreeSet::new() };
        Self {
            live: Mutex::new(live),
            view,
            turns: Turns::default(),
            options,
            answered: Default::default(),
            watches: AtomicUsize::new(0),
            stirred: Notify::new(),
        }
    }

    /// The cluster, for one write. A panic elsewhere left it whole: a write is done or it is not.
    fn lock(&self) -> MutexGuard<'_, Live> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does a write, lets the controllers run and shows what came of it.
    pub(super) fn write(&self, client: &Client, request: &Request) -> Response {
        self.view.asked();
        let mut live = self.lock();
        let since = (live.cluster.controllers.happenings.len(), live.cluster.clock.now);
        let response = live.cluster.write(request);
        live.work(self.options.pace);
        if request.options.dry_run.is_empty() {
            let Live { journal, cluster, .. } = &mut *live;
            journal.note(client, (request, &response), cluster, since);
            journal.fold(&mut cluster.controllers.happenings);
        }
        live.show(&self.view);
        drop(live);
        self.stirred.notify_one();
        response
    }

    /// As long as anybody watches, lets time pass whenever nobody has asked for anything for a moment: up to the next thing that
    /// happens by itself. For ever.
    pub(super) async fn let_time_pass(&self) {
        loop {
            while self.watches.load(Ordering::Relaxed) == 0 {
                self.stirred.notified().await;
            }
            sleep(SILENCE).await;
            if !self.idle() {
                // Who is not stirred looks again after a while all the same.
                timeout(LULL, self.stirred.notified()).await.ok();
            }
        }
    }

    /// Lets time pass if nobody has asked for anything for a moment; whether something came of it.
    fn idle(&self) -> bool {
        let mut live = self.lock();
        let before = live.cluster.store.revision();
        if self.view.quiet() >= QUIET {
            live.pass_time(&self.view);
        }
        live.cluster.store.revision() > before
    }

    /// A client reads. Who reads the same again, while nothing was written, waits for it to change: time passes.
    pub(super) fn look(&self, what: &str) -> RwLockReadGuard<'_, Cluster> {
        if self.view.looks_again(what) {
            self.lock().pass_time(&self.view);
        }
        self.view.cluster()
    }

    /// A client asks for what only a running pod could answer.
    pub(super) fn unanswered(&self, what: String) {
        self.view.asked();
        self.lock().unanswerable.insert(what);
    }

    /// A connection is gone.
    pub(super) fn closed(&self, connection: u64) {
        self.lock().journal.closed(connection);
    }

    /// Everything from the start state again; the watches end.
    pub fn reset(&self) {
        let mut live = self.lock();
        let start = live.start.clone();
        self.view.reset(&start);
        live.cluster = start;
        live.journal = Journal::default();
        live.unanswerable.clear();
    }

    /// What clients asked that only a running pod could answer: what they did next may rest on it.
    pub fn unanswerable(&self) -> Vec<String> {
        self.lock().unanswerable.iter().cloned().collect()
    }

    /// What was done so far, as a pipeline that was run; what is under way is let run to its end.
    pub fn run(&self) -> Run {
        let live = self.lock();
        let (mut cluster, mut journal) = (live.cluster.clone(), live.journal.clone());
        let before = live.start.store.clone();
        drop(live);
        controllers::run(&mut cluster, &Until::Settled);
        journal.extend(&cluster);
        cluster.store.forget_changes().for_each(|change| journal.keep(change));
        Run { before, cluster, steps: journal.steps(), pace: self.options.pace }
    }
}

impl Live {
    /// Lets the controllers work after a write, and what is due at this very instant happen.
    fn work(&mut self, pace: Pace) {
        let told = self.cluster.controllers.happenings.len();
        let until = if pace == Pace::Settle { Until::Settled } else { Until::Now };
        controllers::run(&mut self.cluster, &until);
        let now = self.cluster.clock.now;
        if controllers::next_instant(&self.cluster).is_some_and(|next| next <= now) {
            controllers::run(&mut self.cluster, &Until::Point(now));
        }
        self.forget_starts(told);
    }

    /// That pods were made is of no use for a report; that they stopped is.
    fn forget_starts(&mut self, from: usize) {
        let happenings = &mut self.cluster.controllers.happenings;
        let told = happenings.split_off(from);
        happenings.extend(told.into_iter().filter(|h| !matches!(h, Happening::PodStarted { .. })));
    }

    /// Lets time pass up to the next thing that happens by itself.
    fn pass_time(&mut self, view: &View) {
        view.forget_looks();
        let Some(next) = controllers::next_instant(&self.cluster) else { return };
        let told = self.cluster.controllers.happenings.len();
        controllers::run(&mut self.cluster, &Until::Point(next));
        self.forget_starts(told);
        self.journal.extend(&self.cluster);
        self.show(view);
    }

    /// Shows readers what this has come to, and takes the changes over into the steps.
    fn show(&mut self, view: &View) {
        view.show(&mut self.cluster).into_iter().for_each(|change| self.journal.keep(change));
    }
}
