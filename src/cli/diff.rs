//! `rollcast diff`: what applying would change, object by object, the verdict of each workload first.

use super::args::Applied;
use super::assemble::{self, Parts};
use super::console::{self, Console, Failure};
use super::{CLEAN, FOUND, inputs, left_behind, manifests, owners};
use crate::diff::{self, Action, Differ, Folded, ObjectDiff, Style};
use crate::fleet::pipeline::{self, Step};
use crate::object::{ObjectId, Value};
use crate::report::style::{Dress, Tone};
use crate::report::{Report, Subject, text};
use crate::roll;
use crate::simulate::pipeline::{Pace, Plan, Run};
use std::collections::BTreeSet;

pub(super) fn run(options: &Applied, console: &mut Console) -> Result<u8, Failure> {
    manifests::check_standard_input(&options.files, &options.state)?;
    let early = inputs::EarlyRead::begin(&options.state);
    let mut work = inputs::work(&options.fleet, &options.files, options.applier, console)?;
    let action = pipeline::Action::Apply { applier: inputs::as_applier(options.applier), files: Vec::new() };
    work.steps = vec![Step { name: "apply".into(), action, continues: true }];
    let state = inputs::state((&options.state, early), &mut work, &options.fleet, options.namespace.as_deref())?;
    inputs::remarks(&state, &work, console);
    let mut prepared = inputs::cluster(&state, &work, options.kubernetes.as_deref(), (None, None), &options.state)?;
    prepared.cluster.trusted.extend(options.trust_webhook.iter().cloned());
    let open = owners::steps(&state, &work.steps);
    if let Some((forced, _)) = &open {
        work.steps.clone_from(forced);
    }
    let plan =
        Plan { steps: &work.steps, manifests: &work.manifests, files: &work.files, pace: Pace::Settle, session: inputs::session(&work) };
    let (run, other) = owners::run_both(&prepared.cluster, &plan, open.map(|(_, manager)| manager));
    let mut judged = roll::judge(&run);
    inputs::doubt(&mut judged, &state);
    if let Some(other) = other {
        owners::doubt(&mut judged, &other);
    }
    let report = assemble::report(&Parts {
        subject: Subject::default(),
        run: &run,
        judged: &judged,
        budgets: &work.budgets,
        merged: None,
        assumptions: Vec::new(),
        findings: &[],
    });
    let rules = inputs::rules(&work)?;
    let diffs = diffs(&run, &work.manifests, &Differ::new(run.cluster.schema, &rules));
    let refused = refusals(&run);
    let left = left_behind::of(&state, &work);
    console::read_or_not(console.print(&(written(&diffs, &left, &report, console.dress) + &refused)))?;
    for assumption in &prepared.assumptions {
        console.remark(&format!("assumed: {assumption}"));
    }
    let same = refused.is_empty() && left.is_empty() && diffs.iter().all(|d| d.action == Action::Unchanged);
    // The process ends here: to take thousands of objects apart value by value would be a tenth of its work.
    std::mem::forget((run, prepared.cluster, state));
    Ok(if same { CLEAN } else { FOUND })
}

/// Each object that the apply was about, once, in the order of the manifests.
fn diffs(run: &Run, manifests: &[Value], differ: &Differ<'_>) -> Vec<ObjectDiff> {
    let mut seen = BTreeSet::new();
    let objects = run.steps.iter().flat_map(|s| &s.performed).map(|p| &p.object).filter(|id| seen.insert((*id).clone()));
    let one = |id: &ObjectId| {
        let (before, after) = (run.before.get(id), run.cluster.store.get(id));
        let sent = manifests.iter().find(|m| {
            let own = ObjectId::of(m);
            own == *id || own.namespace.is_empty() && (ObjectId { namespace: id.namespace.clone(), ..own }) == *id
        });
        differ.diff(before.map(AsRef::as_ref), after.map(AsRef::as_ref), sent, None)
    };
    objects.map(one).filter(|d| !d.id.name.is_empty()).collect()
}

fn refusals(run: &Run) -> String {
    let failed = run.steps.iter().flat_map(|s| &s.performed).filter(|p| p.outcome.is_failure());
    failed.map(|p| format!("{} refused\n  {}\n", p.object, p.outcome.to_string().replace('\n', "\n  "))).collect()
}

fn written(diffs: &[ObjectDiff], left: &[ObjectId], report: &Report, dress: Dress) -> String {
    let style = if dress == Dress::Terminal { Style::Colour } else { Style::Plain };
    let mut out = String::new();
    for one in diffs {
        let id = one.id.to_string();
        if let Some(workload) = report.workloads.iter().find(|w| w.id() == id) {
            let tone = if workload.rolls > 0 { Tone::Change } else { Tone::Good };
            out.push_str(&dress.paint(tone, &format!("{id} {}", text::sentence(workload))));
            out.push('\n');
        }
        let lines = diff::render(one, style);
        out.push_str(&lines);
        if !lines.is_empty() {
            out.push('\n');
        }
    }
    for id in left {
        out.push_str(&format!("{id} left behind\n  it is in the state and not among the manifests: applying does not delete it\n\n"));
    }
    let count = |action| diffs.iter().filter(|d| d.action == action).count();
    let words = [Action::Created, Action::Configured, Action::Unchanged, Action::Deleted].map(|a| format!("{} {a}", count(a)));
    let folded: usize = diffs.iter().map(|d| d.folded(|f| matches!(f, Folded::Rule(_)))).sum();
    let ignored = if folded > 0 { format!("; {folded} changes ignored by rules") } else { String::new() };
    let behind = if left.is_empty() { String::new() } else { format!(", {} left behind", left.len()) };
    out + &format!("{}{behind}{ignored}\n", words.join(", "))
}
