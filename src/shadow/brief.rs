//! What happened to a workload that a single step rolls over and over becomes numbers, but for its last revisions.
//!
//! A server that a program talks to for days has one long step. What a report counts stays exact; only the reasons of revisions long
//! gone are forgotten.

use crate::object::ObjectId;
use crate::simulate::controllers::Happening;
use crate::simulate::pipeline::{Folded, StepRun};
use std::collections::BTreeMap;

/// So many revisions of a workload are told one by one in each step.
const TOLD: usize = 20;

/// What is folded of one workload.
#[derive(Default)]
struct Tally {
    /// Revisions that are still to come.
    left: usize,
    folded: Folded,
    /// Whether pods were replaced since the last revision.
    rolled: bool,
}

impl Tally {
    fn take(&mut self, happening: &Happening) {
        match happening {
            Happening::RevisionMoved { from: Some(_), .. } => {
                self.folded.revisions += 1;
                self.folded.rolls += u32::from(self.rolled);
                self.rolled = false;
            }
            Happening::PodStopped { why, .. } if matches!(*why, "updated" | "deleted") => {
                self.folded.pods_replaced += 1;
                self.rolled = true;
            }
            _ => {}
        }
    }
}

fn moves(happening: &Happening) -> bool {
    matches!(happening, Happening::RevisionMoved { from: Some(_), .. })
}

/// Folds what happened in the last step, where it is that much.
pub(super) fn fold(happenings: &mut Vec<Happening>, step: &mut StepRun) {
    let mut tallies: BTreeMap<ObjectId, Tally> = BTreeMap::new();
    for happening in happenings[step.happenings.start..].iter().filter(|h| moves(h)) {
        tallies.entry(happening.workload().clone()).or_default().left += 1;
    }
    // Where a workload was deleted in between, it counts which pods went with it.
    let deleted = |id: &ObjectId| step.changes.get(id).is_some_and(|changes| changes.iter().any(|c| c.after.is_none()));
    tallies.retain(|id, tally| tally.left > TOLD && !deleted(id));
    if tallies.is_empty() {
        return;
    }
    let mut kept = Vec::new();
    for happening in happenings.drain(step.happenings.start..) {
        match tallies.get_mut(happening.workload()) {
            Some(tally) if tally.left > TOLD => {
                tally.left -= usize::from(moves(&happening));
                tally.take(&happening);
            }
            // The pods that were replaced for the last revision that is folded.
            Some(tally) if tally.left == TOLD && !moves(&happening) => tally.take(&happening),
            Some(tally) => {
                tally.left = 0;
                kept.push(happening);
            }
            None => kept.push(happening),
        }
    }
    happenings.append(&mut kept);
    step.happenings.end = happenings.len();
    for (id, mut tally) in tallies {
        tally.folded.rolls += u32::from(tally.rolled);
        let folded = step.folded.entry(id).or_default();
        folded.revisions += tally.folded.revisions;
        folded.rolls += tally.folded.rolls;
        folded.pods_replaced += tally.folded.pods_replaced;
    }
}

#[cfg(test)]
mod tests {
    use super::{TOLD, fold};
    use crate::object::{ObjectId, Value};
    use crate::simulate::controllers::Happening;
    use crate::simulate::pipeline::{Changes, Ended, Folded, StepRun};
    use std::sync::Arc;
    use std::time::Duration;

    #[test]
    fn numbers_stay_and_the_last_revisions_too() {
        let (of, at) = (|name: &str| ObjectId { kind: "Deployment".into(), name: name.into(), ..ObjectId::default() }, Duration::ZERO);
        let moved = |name: &str| Happening::RevisionMoved {
            workload: of(name),
            at,
            from: Some("a".into()),
            to: "b".into(),
            old_template: None,
            new_template: Arc::new(Value::Null),
            reused: false,
        };
        let stopped = |name: &str| Happening::PodStopped { workload: of(name), pod: "p".into(), revision: "a".into(), at, why: "updated" };
        let mut happenings = vec![moved("before")];
        for _ in 0..50 {
            happenings.extend([moved("web"), stopped("web"), stopped("web")]);
        }
        happenings.extend([moved("other"), stopped("other")]);
        let mut step = StepRun {
            name: "load".into(),
            performed: Vec::new(),
            repeated: 0,
            folded: std::collections::BTreeMap::new(),
            ended: Ended::Done,
            continues: false,
            happenings: 1..happenings.len(),
            changes: Changes::new(),
            time: at..at,
        };
        fold(&mut happenings, &mut step);
        assert_eq!(happenings.len(), 1 + 3 * TOLD + 2);
        assert_eq!(step.happenings, 1..happenings.len());
        assert_eq!(step.folded.get(&of("web")), Some(&Folded { revisions: 30, rolls: 30, pods_replaced: 60 }));
        assert!(matches!(&happenings[1], Happening::RevisionMoved { .. }), "the first that is kept begins a revision");
        fold(&mut happenings, &mut step);
        assert_eq!(step.folded.get(&of("web")).map(|f| f.revisions), Some(30));
    }
}
