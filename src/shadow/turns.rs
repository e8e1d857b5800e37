//! Whose turn it is to write: one request after the other, in the order in which they came.
//!
//! Who waits for its turn holds no thread: what is to be done is left in a line, which one thread works off. Who reads needs no turn, and
//! reads beside the others, but does not overtake those who stand in line: else who reads asks again at once, and who writes waits for ever.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;
use tokio::task::spawn_blocking;

type Job = Box<dyn FnOnce() + Send>;

/// The line of those who wait.
#[derive(Clone, Default)]
pub(super) struct Turns(Arc<Mutex<Line>>);

#[derive(Default)]
struct Line {
    /// Whether it is somebody's turn.
    taken: bool,
    waiting: VecDeque<Job>,
}

impl fmt::Debug for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Turns")
    }
}

/// Somebody's turn: over when it is dropped, even by a panic.
struct Turn(Turns);

impl Drop for Turn {
    fn drop(&mut self) {
        let mut line = self.0.line();
        line.taken = !line.waiting.is_empty();
        if line.taken {
            let next = Self(self.0.clone());
            // Whoever had the turn has its own answer to give: the others' writes are not for it to do.
            drop(spawn_blocking(move || next.work_off()));
        }
    }
}

impl Turns {
    /// Does a job when its turn has come; none if it panicked. At once, and here, if nobody else is at it.
    pub(super) async fn take<T: Send + 'static>(&self, job: impl FnOnce() -> T + Send + 'static) -> Option<T> {
        let (done, told) = oneshot::channel();
        let turn = {
            let mut line = self.line();
            if line.taken {
                line.waiting.push_back(Box::new(move || {
                    // Who is gone by now has written nothing.
                    if !done.is_closed() {
                        drop(done.send(job()));
                    }
                }));
                None
            } else {
                line.taken = true;
                Some((Turn(self.clone()), job))
            }
        };
        match turn {
            Some((turn, job)) => {
                let made = job();
                drop(turn);
                Some(made)
            }
            None => told.await.ok(),
        }
    }

    /// Waits until all have written who stood in line; at once if nobody does, though somebody may be writing.
    pub(super) async fn pass(&self) {
        let told = {
            let mut line = self.line();
            if line.waiting.is_empty() {
                return;
            }
            let (passed, told) = oneshot::channel();
            line.waiting.push_back(Box::new(move || passed.send(()).unwrap_or_default()));
            told
        };
        // A line that is gone is in nobody's way.
        drop(told.await);
    }

    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Turn {
    /// Does all that waits.
    fn work_off(self) {
        while let Some(job) = self.next() {
            job();
        }
    }

    fn next(&self) -> Option<Job> {
        self.0.line().waiting.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::Turns;
    use std::sync::{Arc, Mutex};

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn who_reads_goes_beside_who_writes_and_not_before_who_waits() {
        let (turns, all) = (Turns::default(), Arc::new(Mutex::new(Vec::new())));
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let write = |what: &'static str, wait: Option<std::sync::mpsc::Receiver<()>>| {
            let (turns, all) = (turns.clone(), Arc::clone(&all));
            tokio::spawn(async move {
                let job = move || {
                    if let Some(wait) = wait {
                        wait.recv().unwrap();
                    }
                    all.lock().unwrap().push(what);
                };
                turns.take(job).await
            })
        };
        let first = write("first", Some(wait));
        while !turns.line().taken {
            tokio::task::yield_now().await;
        }
        turns.pass().await;
        all.lock().unwrap().push("beside");
        let second = write("second", None);
        while turns.line().waiting.is_empty() {
            tokio::task::yield_now().await;
        }
        let behind = tokio::spawn({
            let (turns, all) = (turns.clone(), Arc::clone(&all));
            async move {
                turns.pass().await;
                all.lock().unwrap().push("behind");
            }
        });
        while turns.line().waiting.len() < 2 {
            tokio::task::yield_now().await;
        }
        go.send(()).unwrap();
        for task in [first, second] {
            assert_eq!(task.await.unwrap(), Some(()));
        }
        behind.await.unwrap();
        assert_eq!(*all.lock().unwrap(), ["beside", "first", "second", "behind"]);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn all_are_done_one_at_a_time_and_a_panic_ends_only_its_own() {
        let (turns, all) = (Turns::default(), Arc::new(Mutex::new(Vec::new())));
        let tasks: Vec<_> = (0..200)
            .map(|number| {
                let (turns, all) = (turns.clone(), Arc::clone(&all));
                let job = move || {
                    let mut all = all.try_lock().unwrap();
                    all.push(number);
                    drop(all);
                    assert!(number != 100, "a hundred");
                    number
                };
                tokio::spawn(async move { turns.take(job).await })
            })
            .collect();
        for (number, task) in tasks.into_iter().enumerate() {
            let ended = task.await.ok().flatten();
            assert_eq!(ended, (number != 100).then_some(number));
        }
        let mut done = all.lock().unwrap().clone();
        done.sort_unstable();
        assert_eq!(done, (0..200).collect::<Vec<_>>());
    }
}
