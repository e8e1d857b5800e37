//! The writes of `images set` and `images sync`: one patch for each workload, and the wait for its rollout. Nothing else in rollcast
//! writes to a cluster.

use super::predict::Write;
use crate::cli::console::{Console, Failure};
use crate::cluster::{Refused, Writer};
use crate::images::{self, Change, Rollout};
use crate::object::{ObjectId, Value};
use std::time::Duration;

/// How often a rollout is looked at.
const PAUSE: Duration = Duration::from_millis(500);

/// What became of the workloads, as the last line tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) updated: usize,
    pub(super) current: usize,
    pub(super) skipped: usize,
    pub(super) failed: usize,
}

impl Tally {
    /// `updated=2 already-current=48 skipped=0 failed=0`
    pub(super) fn line(self) -> String {
        format!("updated={} already-current={} skipped={} failed={}\n", self.updated, self.current, self.skipped, self.failed)
    }
}

/// What came of one patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The server took it.
    Updated(Value),
    /// It is not there any more.
    Gone,
    /// It was refused, and why.
    Failed(String),
}

/// Sends one patch.
pub(super) fn send(writer: &Writer, write: &Write) -> Sent {
    match writer.patch(&write.id, &write.patch) {
        Ok(object) => Sent::Updated(object),
        Err(Refused { code: Some(404), .. }) => Sent::Gone,
        Err(refused) => match writer.read(&write.id) {
            // The answer got lost, or somebody else was faster: what counts is what is there.
            Ok(Some(object)) if has(&object, &write.changes) => Sent::Updated(object),
            Ok(Some(object)) if moved(&object, &write.changes) => {
                Sent::Failed(format!("it was changed by somebody else since it was read: run again ({refused})"))
            }
            _ => Sent::Failed(refused.to_string()),
        },
    }
}

fn wanted(changes: &[Change], pick: impl Fn(&Change) -> String) -> std::collections::BTreeMap<String, String> {
    changes.iter().map(|c| (c.container.clone(), pick(c))).collect()
}

fn has(object: &Value, changes: &[Change]) -> bool {
    let compared = images::compare(object, &wanted(changes, |c| c.new.clone()));
    compared.stale.is_empty() && compared.absent.is_empty()
}

fn moved(object: &Value, changes: &[Change]) -> bool {
    let compared = images::compare(object, &wanted(changes, |c| c.old.clone()));
    !compared.stale.is_empty() || !compared.absent.is_empty()
}

/// Waits until the rollouts of some workloads have ended; gives for each why it did not. `waited` counts from the first patch.
pub(super) fn wait(writer: &Writer, workloads: &[ObjectId], longest: Duration) -> Vec<Option<String>> {
    let mut open: Vec<usize> = (0..workloads.len()).collect();
    let mut outcome: Vec<Option<String>> = vec![None; workloads.len()];
    let (mut waited, mut pause) = (Duration::ZERO, PAUSE / 5);
    loop {
        open.retain(|i| match writer.read(&workloads[*i]) {
            Ok(Some(object)) => match images::rollout(&object) {
                Rollout::Ended => false,
                Rollout::Failed(why) => {
                    outcome[*i] = Some(why);
                    false
                }
                Rollout::Going(why) if waited >= longest => {
                    outcome[*i] = Some(format!("its rollout has not ended after {} s: {why}", longest.as_secs()));
                    false
                }
                Rollout::Going(_) => true,
            },
            Ok(None) => {
                outcome[*i] = Some("it was deleted while it rolled".into());
                false
            }
            Err(refused) => {
                outcome[*i] = Some(format!("its rollout cannot be watched: {refused}"));
                false
            }
        });
        if open.is_empty() {
            return outcome;
        }
        writer.wait(pause);
        waited += pause;
        pause = (pause * 2).min(PAUSE * 4);
    }
}

/// `agent: x:1 -> x:2`
pub(super) fn described(changes: &[Change]) -> String {
    let old = |c: &Change| if c.old.is_empty() { "none".to_owned() } else { c.old.clone() };
    changes.iter().map(|c| format!("{}: {} -> {}", c.container, old(c), c.new)).collect::<Vec<_>>().join(", ")
}

/// One line: what happened, to which workload, in which way.
pub(super) fn line(console: &mut Console, word: &str, id: &ObjectId, detail: &str) -> Result<(), Failure> {
    let text = format!("{word:<15} {id}  {detail}");
    console.print(&(text.trim_end().to_owned() + "\n"))
}
