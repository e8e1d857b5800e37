//! One workload's happenings become its verdict.

use super::Reason;
use super::timeline::{Timeline, timeline};
use crate::object::{Gvk, ObjectId, Value, at, integer, text};
use crate::schema::{Schema, equal};
use crate::simulate::clients::Outcome;
use crate::simulate::controllers::{Availability, Happening, Waits};
use crate::simulate::pipeline::{Pace, Run, StepRun};
use crate::simulate::{Change, Doubt};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The kinds that are judged, with their groups.
pub const WORKLOADS: [(&str, &str); 3] = [("apps", "DaemonSet"), ("apps", "Deployment"), ("apps", "StatefulSet")];

/// What comes of a workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Running pods are replaced.
    Rolls,
    /// None is, and no revision moves.
    Stays,
    /// A revision moves and no pod is replaced.
    Pending,
    /// It cannot be known.
    Unknown,
}

/// A workload, judged.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Which.
    pub workload: ObjectId,
    /// What comes of it.
    pub verdict: Verdict,
    /// `Recreate`, `RollingUpdate`, `OnDelete`.
    pub strategy: String,
    /// How often its revision moved.
    pub revisions: u32,
    /// Rolls by step.
    pub rolls: Vec<u32>,
    /// How often it was deleted and made again.
    pub recreated: u32,
    /// How often its pods went: its rolls, and the recreations that did not leave them (`--cascade=orphan`) to be adopted.
    pub cost: u32,
    /// How many pods were replaced.
    pub pods_replaced: u32,
    /// Its availability over time.
    pub timeline: Timeline,
    /// Why, in the order of the steps; the step is none where no step caused it.
    pub reasons: Vec<(Option<usize>, Reason)>,
}

/// Judges every workload that the run wrote to or that something happened to, by kind, namespace and name.
pub fn judge(run: &Run) -> Vec<Judged> {
    let mut cases: BTreeMap<&ObjectId, Case<'_>> = BTreeMap::new();
    for (index, step) in run.steps.iter().enumerate() {
        for performed in step.performed.iter().filter(|p| is_workload(&p.object)) {
            Case::of(&mut cases, run, &performed.object).performed.push((index, &performed.outcome));
        }
        for id in step.changes.keys() {
            Case::of(&mut cases, run, id);
        }
        for happening in &run.cluster.controllers.happenings[step.happenings.clone()] {
            Case::of(&mut cases, run, happening.workload()).happenings.push((index, happening));
        }
    }
    // What a script writes to, nobody knows: to any workload that is there.
    if scripts(run).next().is_some() {
        for (group, kind) in WORKLOADS {
            for (id, _) in run.before.list(group, kind, None).chain(run.cluster.store.list(group, kind, None)) {
                Case::of(&mut cases, run, id);
            }
        }
    }
    let gate = Gate::of(run);
    cases.into_values().map(|case| case.judge(gate.as_ref())).collect()
}

/// A step in which something was written that nobody could judge (rules of a custom resource, in CEL): the server may refuse it, and
/// then no later step is run.
struct Gate<'r> {
    step: usize,
    why: &'r str,
}

impl<'r> Gate<'r> {
    /// The first one, if the pipeline has any.
    fn of(run: &'r Run) -> Option<Self> {
        let open: Vec<&Doubt> = run.cluster.doubts.iter().filter(|doubt| doubt.workload.is_none()).collect();
        let concerns = |id: &ObjectId, doubt: &Doubt| doubt.source == format!("{}.{}", id.kind, id.group);
        run.steps.iter().enumerate().filter(|(_, step)| !open.is_empty() && !step.continues).find_map(|(index, step)| {
            let asked = |doubt: &&&Doubt| step.performed.iter().any(|p| !p.outcome.is_failure() && concerns(&p.object, doubt));
            open.iter().find(asked).map(|doubt| Self { step: index, why: &doubt.text })
        })
    }
}

/// The steps whose writes nobody knows, to whatever object, and why.
fn scripts(run: &Run) -> impl Iterator<Item = (usize, &str)> {
    run.steps.iter().enumerate().flat_map(|(index, step)| {
        step.performed.iter().filter_map(move |p| match &p.outcome {
            Outcome::Unknown(why) if p.object == ObjectId::default() => Some((index, why.as_str())),
            _ => None,
        })
    })
}

/// Whether an object is of a kind that is judged.
pub(super) fn is_workload(id: &ObjectId) -> bool {
    WORKLOADS.contains(&(id.group.as_str(), id.kind.as_str()))
}

/// Everything there is on one workload.
struct Case<'r> {
    run: &'r Run,
    workload: &'r ObjectId,
    happenings: Vec<(usize, &'r Happening)>,
    performed: Vec<(usize, &'r Outcome)>,
}

/// A revision, from the moment it became the current one to the next.
struct Segment<'r> {
    step: usize,
    moved: Option<&'r Happening>,
    replaced: u32,
}

impl Segment<'_> {
    /// Whether pods of a revision are its own: what replaces them comes after it.
    fn is_of(&self, revision: &str) -> bool {
        let Some(Happening::RevisionMoved { to, .. }) = self.moved else { return false };
        !revision.is_empty() && to.strip_suffix(revision).is_some_and(|rest| rest.is_empty() || rest.ends_with('-'))
    }
}

impl<'r> Case<'r> {
    /// The case of a workload, opened if there is none.
    fn of<'c>(cases: &'c mut BTreeMap<&'r ObjectId, Self>, run: &'r Run, workload: &'r ObjectId) -> &'c mut Self {
        cases.entry(workload).or_insert_with(|| Self { run, workload, happenings: Vec::new(), performed: Vec::new() })
    }

    fn judge(self, gate: Option<&Gate<'_>>) -> Judged {
        let segments = self.segments();
        let mut rolls = vec![0; self.run.steps.len()];
        let mut reasons = Vec::new();
        let mut revisions = 0;
        for segment in &segments {
            let moved = segment.moved.is_some();
            revisions += u32::from(moved);
            if segment.replaced > 0 {
                rolls[segment.step] += 1;
            }
            if segment.replaced > 0 || moved {
                reasons.extend(self.why(segment).into_iter().map(|r| (Some(segment.step), r)));
            }
        }
        let folded = || self.run.steps.iter().enumerate().filter_map(|(index, step)| Some((index, step.folded.get(self.workload)?)));
        folded().for_each(|(step, folded)| {
            revisions += folded.revisions;
            rolls[step] += folded.rolls;
        });
        let (recreated, with_pods) = self.recreations(&mut reasons);
        self.end_reasons(&mut reasons);
        reasons.extend(scripts(self.run).map(|(step, why)| (Some(step), Reason::Unknown { why: why.to_owned() })));
        let doubted = self.run.cluster.doubts.iter().filter(|doubt| doubt.workload.as_ref() == Some(self.workload));
        reasons.extend(doubted.map(|doubt| (None, Reason::Unknown { why: doubt.text.clone() })));
        if let Some(gate) = gate.filter(|gate| self.is_written_after(gate.step)) {
            let why = format!("{}: if they refuse it, this step is not run", gate.why);
            reasons.push((Some(gate.step + 1), Reason::Unknown { why }));
        }
        let unknown = reasons.iter().any(|(_, r)| matches!(r, Reason::Unknown { .. }));
        let cost = rolls.iter().sum::<u32>() + with_pods;
        let verdict = match (unknown, cost, revisions) {
            (true, ..) => Verdict::Unknown,
            (_, 1.., _) => Verdict::Rolls,
            (_, 0, 1..) => Verdict::Pending,
            _ => Verdict::Stays,
        };
        if verdict == Verdict::Stays {
            self.why_it_stays(&mut reasons);
        }
        reasons.sort_by_key(|(step, _)| step.unwrap_or(usize::MAX));
        let timeline = timeline(self.run.cluster.controllers.availability.get(self.workload).unwrap_or(&Availability::default()));
        let strategy = self.object_now().or_else(|| self.object_before()).map(|o| strategy(o)).unwrap_or_default();
        let replaced: u32 = segments.iter().map(|s| s.replaced).chain(folded().map(|(_, folded)| folded.pods_replaced)).sum();
        let pods_replaced = replaced + self.pods_gone_with_it();
        Judged { verdict, strategy, revisions, rolls, recreated, cost, pods_replaced, timeline, reasons, workload: self.workload.clone() }
    }

    /// Whether a later step does something to the workload.
    fn is_written_after(&self, step: usize) -> bool {
        self.performed.iter().any(|(index, _)| *index > step) || self.happenings.iter().any(|(index, _)| *index > step)
    }

    /// Pods that are replaced belong to the revision that is current then; without one that moved in their step, to the step.
    fn segments(&self) -> Vec<Segment<'r>> {
        let mut segments: Vec<Segment<'r>> = Vec::new();
        for (step, happening) in &self.happenings {
            match happening {
                // With Recreate the old pods go before the new revision is made.
                Happening::RevisionMoved { from: Some(_), .. } => {
                    match segments.last_mut().filter(|s| s.moved.is_none() && self.awaits(s, *step)) {
                        Some(segment) => segment.moved = Some(happening),
                        None => segments.push(Segment { step: *step, moved: Some(happening), replaced: 0 }),
                    }
                }
                Happening::PodStopped { why, revision, .. } if *why == "updated" || (*why == "deleted" && !self.gone_in(*step)) => {
                    let updated = *why == "updated";
                    let theirs = |s: &&mut Segment<'_>| {
                        (s.step == *step || updated && self.still_rolls(s, *step)) && !(updated && s.is_of(revision))
                    };
                    match segments.last_mut().filter(theirs) {
                        Some(segment) => segment.replaced += 1,
                        None => segments.push(Segment { step: *step, moved: None, replaced: 1 }),
                    }
                }
                _ => {}
            }
        }
        segments
    }

    /// Whether the pods of a segment went for a revision that is made in a step: the same, or a later one that did not wait.
    fn awaits(&self, segment: &Segment<'r>, step: usize) -> bool {
        segment.step == step || (self.run.pace == Pace::Script && self.released_in(segment.step).is_none())
    }

    /// Whether pods that are updated in a later step belong to a revision of an earlier one: its rollout was not waited for, and
    /// the step did nothing that would have let them go.
    fn still_rolls(&self, segment: &Segment<'r>, step: usize) -> bool {
        self.run.pace == Pace::Script && segment.moved.is_some() && self.released_in(step).is_none()
    }

    fn changes_in(&self, step: &'r StepRun) -> &'r [Change] {
        step.changes.get(self.workload).map_or(&[], Vec::as_slice)
    }

    /// Whether the workload itself was removed in a step: its pods go with it.
    fn gone_in(&self, step: usize) -> bool {
        self.changes_in(&self.run.steps[step]).iter().any(|c| c.after.is_none())
    }

    /// The steps in which it was deleted and made again after that, which may be the same one.
    fn remakes(&self) -> Vec<(usize, usize)> {
        let (mut gone, mut remakes) = (None, Vec::new());
        for (index, step) in self.run.steps.iter().enumerate() {
            for change in self.changes_in(step) {
                match (&change.before, &change.after) {
                    (Some(_), None) => gone = Some(index),
                    (None, Some(_)) => remakes.extend(gone.take().map(|gone| (gone, index))),
                    _ => {}
                }
            }
        }
        remakes
    }

    /// The pods that stopped in a step that deleted the workload. None does where it was deleted and its pods left.
    fn pods_gone_in(&self, step: usize) -> u32 {
        let gone = |(at, h): &&(usize, &Happening)| *at == step && matches!(h, Happening::PodStopped { why, .. } if *why == "deleted");
        self.happenings.iter().filter(gone).count() as u32
    }

    /// Pods that went with the workload, where it was made again.
    fn pods_gone_with_it(&self) -> u32 {
        let steps: BTreeSet<usize> = self.remakes().into_iter().map(|(gone, _)| gone).collect();
        steps.into_iter().map(|gone| self.pods_gone_in(gone)).sum()
    }

    /// How often it was made again after it had been deleted, and how often of these its pods had gone with it.
    fn recreations(&self, reasons: &mut Vec<(Option<usize>, Reason)>) -> (u32, u32) {
        let remakes = self.remakes();
        let mut with_pods = 0;
        for (gone, made) in &remakes {
            let went = self.pods_gone_in(*gone) > 0;
            with_pods += u32::from(went);
            reasons.push((Some(*made), if went { Reason::Recreated } else { Reason::RecreatedInPlace }));
        }
        if self.object_before().is_none() {
            let made = |index: &usize| self.changes_in(&self.run.steps[*index]).iter().any(|c| c.before.is_none() && c.after.is_some());
            reasons.extend((0..self.run.steps.len()).find(made).map(|first| (Some(first), Reason::Created)));
        }
        (remakes.len() as u32, with_pods)
    }

    /// Why the pods of a segment were replaced, or wait.
    fn why(&self, segment: &Segment<'r>) -> Vec<Reason> {
        let mut reasons = Vec::new();
        match segment.moved {
            Some(Happening::RevisionMoved { old_template, new_template, to, reused, .. }) => {
                reasons.extend(self.template_changes(old_template.as_deref(), new_template));
                if *reused {
                    reasons.push(Reason::ReturnsToRevision { revision: to.clone() });
                } else if reasons.is_empty() {
                    reasons.push(Reason::RevisionReplaced);
                }
            }
            _ => reasons.push(self.why_without_revision(segment)),
        }
        let resumed =
            self.spec_change(segment.step).is_some_and(|(old, new)| old["spec"]["paused"] == true && new["spec"]["paused"] != true);
        if resumed {
            reasons.push(Reason::Resumed);
        }
        if segment.replaced == 0 {
            reasons.extend(self.waits(segment.step));
        }
        reasons
    }

    fn waits(&self, step: usize) -> Option<Reason> {
        let waits = self.happenings.iter().rev().find_map(|(s, h)| match h {
            Happening::Pending { why, .. } if *s == step => Some(why),
            _ => None,
        })?;
        Some(match waits {
            Waits::OnDelete => Reason::OnDelete,
            Waits::Paused => Reason::Paused,
            Waits::Partition => {
                let now = self.object_now().or_else(|| self.object_before());
                Reason::PartitionHolds { partition: now.map(|o| partition(o)).unwrap_or_default() }
            }
            Waits::NoReplicas => Reason::NoReplicas,
        })
    }

    fn why_without_revision(&self, segment: &Segment<'r>) -> Reason {
        self.released_in(segment.step).unwrap_or(Reason::PodsDeleted { pods: segment.replaced })
    }

    /// What a step did that lets a revision go which waited.
    fn released_in(&self, step: usize) -> Option<Reason> {
        let (old, new) = self.spec_change(step)?;
        let (before, after) = (partition(&old), partition(&new));
        if after < before {
            return Some(Reason::PartitionLowered { old: before, new: after });
        }
        (strategy(&old) == "OnDelete" && strategy(&new) != "OnDelete").then_some(Reason::OnDeleteEnded)
    }

    /// The workload before and after the writes of a step.
    fn spec_change(&self, step: usize) -> Option<(Arc<Value>, Arc<Value>)> {
        let changes = self.changes_in(&self.run.steps[step]);
        Some((changes.first()?.before.clone()?, changes.last()?.after.clone()?))
    }

    fn template_changes(&self, old: Option<&Value>, new: &Value) -> Vec<Reason> {
        let schema = self.run.cluster.schema;
        let (Some(old), Some(ty)) = (old, schema.named("io.k8s.api.core.v1.PodTemplateSpec")) else { return Vec::new() };
        let found = equal::differences(schema, &ty, "spec.template", old, new);
        found.into_iter().map(|d| Reason::TemplateChanged { path: d.path, container: d.container, old: d.old, new: d.new }).collect()
    }

    /// What is left to say at the end: refused, deleted, stuck.
    fn end_reasons(&self, reasons: &mut Vec<(Option<usize>, Reason)>) {
        for (index, outcome) in &self.performed {
            match outcome {
                Outcome::Failed(message) => reasons.push((Some(*index), Reason::Refused { message: message.clone() })),
                Outcome::Unknown(why) => reasons.push((Some(*index), Reason::Unknown { why: why.clone() })),
                _ => {}
            }
        }
        if self.object_now().is_none() && self.object_before().is_some() {
            reasons.push((None, Reason::Deleted));
        }
        let stuck = self.happenings.iter().rev().find_map(|(s, h)| match h {
            Happening::Stuck { why, .. } => Some((Some(*s), Reason::Stuck { why: why.clone() })),
            _ => None,
        });
        reasons.extend(stuck);
    }

    fn why_it_stays(&self, reasons: &mut Vec<(Option<usize>, Reason)>) {
        if !reasons.is_empty() {
            return;
        }
        let (Some(before), Some(now)) = (self.object_before(), self.object_now()) else { return };
        let schema: &Schema = self.run.cluster.schema;
        let ty = schema.resource_of("apps", &Gvk::of(now).version, &self.workload.kind).and_then(|r| r.ty.clone());
        let Some(ty) = ty else { return };
        let compared = equal::compare(schema, &ty, "", before, now);
        reasons.extend(compared.ignored.into_iter().map(|i| (None, Reason::SameValue { path: i.path, old: i.old, new: i.new })));
        let mut paths: Vec<String> = compared.differences.into_iter().map(|d| d.path).filter(|p| told(p)).collect();
        paths.dedup();
        match paths.len() {
            0 if reasons.is_empty() => reasons.push((None, Reason::Unchanged)),
            0 => {}
            n => {
                paths.truncate(4);
                if n > 4 {
                    paths.push(format!("and {} more", n - 4));
                }
                reasons.push((None, Reason::OutsideTemplate { paths }));
            }
        }
    }

    fn object_before(&self) -> Option<&'r Arc<Value>> {
        self.run.before.get(self.workload)
    }

    fn object_now(&self) -> Option<&'r Arc<Value>> {
        self.run.cluster.store.get(self.workload)
    }
}

/// Bookkeeping that no user wrote.
fn told(path: &str) -> bool {
    const BOOKKEEPING: [&str; 5] = [
        "status",
        "metadata.managedFields",
        "metadata.resourceVersion",
        "metadata.generation",
        "metadata.annotations[deployment.kubernetes.io/revision]",
    ];
    !BOOKKEEPING.iter().any(|b| path.starts_with(b))
}

/// How a workload replaces its pods.
fn strategy(object: &Value) -> String {
    let key = if object["kind"] == "Deployment" { "strategy" } else { "updateStrategy" };
    let named = text(object, &["spec", key, "type"]);
    if named.is_empty() && at(object, &["spec"]).is_some() { "RollingUpdate".into() } else { named.into() }
}

fn partition(object: &Value) -> i64 {
    integer(object, &["spec", "updateStrategy", "rollingUpdate", "partition"]).unwrap_or(0)
}
