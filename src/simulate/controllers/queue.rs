//! What is to be done now, in order, and what will happen by itself later.
//!
//! Some of it nobody waits for: that a schedule is due, that a finished Job has been kept for long enough, and all that comes of
//! them. It happens when the clock passes it, but no run goes on for its sake: else a schedule, which never ends, would never let
//! one end. A task or a timer that is set while the queue is `aside` is of that class, and so is what follows from it.

use crate::object::ObjectId;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Something for a controller to do.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Task {
    /// Bring what an object asks for and what there is together.
    Sync(ObjectId),
    /// See whether an object has lost its owners.
    Collect(ObjectId),
}

/// Something that happens by itself.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::simulate) enum Timer {
    /// A pod (of that uid) is gone.
    Gone(ObjectId, String),
    /// A pod (of that uid) becomes ready.
    Ready(ObjectId, String),
    /// A pod (of that uid) has done its work.
    Ended(ObjectId, String),
    /// A pod has been ready for `minReadySeconds`.
    Available(ObjectId),
    /// A rollout has made no progress for too long.
    Deadline(ObjectId),
    /// An object has something to do at this time of day.
    Due(ObjectId),
}

/// The queue and the timers.
#[derive(Clone, Debug, Default)]
pub(in crate::simulate) struct Queue {
    tasks: VecDeque<Task>,
    /// The tasks that are queued, and whether nobody waits for them.
    queued: BTreeMap<Task, bool>,
    timers: BTreeSet<(Duration, Timer)>,
    deadlines: BTreeSet<(Duration, Timer)>,
    /// What nobody waits for.
    unawaited: BTreeSet<(Duration, Timer)>,
    /// Whether nobody waits for what is being done.
    aside: bool,
}

impl Queue {
    /// Says whether somebody waits for what is done from here on, and for what comes of it.
    pub(super) fn turn(&mut self, aside: bool) {
        self.aside = aside;
    }

    /// Queues a task unless it is queued already.
    pub(super) fn push(&mut self, task: Task) {
        match self.queued.get_mut(&task) {
            Some(aside) => *aside &= self.aside,
            None => {
                self.queued.insert(task.clone(), self.aside);
                self.tasks.push_back(task);
            }
        }
    }

    pub(super) fn pop(&mut self) -> Option<Task> {
        let task = self.tasks.pop_front();
        self.aside = task.as_ref().and_then(|task| self.queued.remove(task)).unwrap_or(false);
        task
    }

    /// Sets a timer; the same one at the same instant only once.
    pub(in crate::simulate) fn at(&mut self, instant: Duration, timer: Timer) {
        let timers = match timer {
            _ if self.aside => &mut self.unawaited,
            Timer::Due(_) => &mut self.unawaited,
            Timer::Deadline(_) => &mut self.deadlines,
            _ => &mut self.timers,
        };
        timers.insert((instant, timer));
    }

    /// When the next timer goes off, if one that counts will: deadlines do not where nobody waits for them, and what nobody waits
    /// for at all only where time passes anyway.
    pub(super) fn next_instant(&self, deadlines: bool, unawaited: bool) -> Option<Duration> {
        let first = |timers: &BTreeSet<(Duration, Timer)>| timers.first().map(|(instant, _)| *instant);
        let counted = first(&self.timers).into_iter().chain(first(&self.deadlines).filter(|_| deadlines)).min();
        let on_the_way = first(&self.unawaited).filter(|_| unawaited || counted.is_some());
        counted.into_iter().chain(on_the_way).min()
    }

    /// Takes out the timers that have gone off by an instant: those that somebody waits for, or the others.
    pub(super) fn due(&mut self, now: Duration, aside: bool) -> Vec<Timer> {
        let mut due = Vec::new();
        let classes = if aside { vec![&mut self.unawaited] } else { vec![&mut self.timers, &mut self.deadlines] };
        for timers in classes {
            while let Some(first) = timers.first().filter(|(instant, _)| *instant <= now).cloned() {
                timers.remove(&first);
                due.push(first.1);
            }
        }
        due
    }
}
