//! What is to be done now, in order, and what will happen by itself later.

use crate::object::ObjectId;
use std::collections::{BTreeSet, VecDeque};
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
}

/// The queue and the timers.
#[derive(Clone, Debug, Default)]
pub(in crate::simulate) struct Queue {
    tasks: VecDeque<Task>,
    queued: BTreeSet<Task>,
    timers: BTreeSet<(Duration, Timer)>,
    deadlines: BTreeSet<(Duration, Timer)>,
}

impl Queue {
    /// Queues a task unless it is queued already.
    pub(super) fn push(&mut self, task: Task) {
        if self.queued.insert(task.clone()) {
            self.tasks.push_back(task);
        }
    }

    pub(super) fn pop(&mut self) -> Option<Task> {
        let task = self.tasks.pop_front()?;
        self.queued.remove(&task);
        Some(task)
    }

    /// Sets a timer; the same one at the same instant only once.
    pub(in crate::simulate) fn at(&mut self, instant: Duration, timer: Timer) {
        let timers = if matches!(timer, Timer::Deadline(_)) { &mut self.deadlines } else { &mut self.timers };
        timers.insert((instant, timer));
    }

    /// When the next timer goes off. Deadlines do not count where nobody waits for them.
    pub(super) fn next_instant(&self, without_deadlines: bool) -> Option<Duration> {
        let deadline = self.deadlines.first().filter(|_| !without_deadlines);
        self.timers.first().into_iter().chain(deadline).map(|(instant, _)| *instant).min()
    }

    /// Takes out the timers that have gone off by an instant.
    pub(super) fn due(&mut self, now: Duration) -> Vec<Timer> {
        let mut due = Vec::new();
        for timers in [&mut self.timers, &mut self.deadlines] {
            while let Some(first) = timers.first().filter(|(instant, _)| *instant <= now).cloned() {
                timers.remove(&first);
                due.push(first.1);
            }
        }
        due
    }
}
