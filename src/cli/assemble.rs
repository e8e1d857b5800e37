//! A judged run becomes a report.

use super::inputs::{self, Budgets};
use crate::diagnostic::{Diagnostic, Severity};
use crate::fleet::pipeline::Step;
use crate::fleet::{Agent, Fleet};
use crate::object::{ObjectId, Value};
use crate::report::{self, Dimension, Finding, Merged, MergedStep, ObjectAction, Report, StepStatus, Subject, Window, Workload};
use crate::roll::{self, Judged, Verdict};
use crate::simulate::clients::{Outcome, Performed};
use crate::simulate::pipeline::{Ended, Run};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Everything that a report is made from.
pub(super) struct Parts<'p> {
    pub(super) subject: Subject,
    pub(super) run: &'p Run,
    pub(super) judged: &'p [Judged],
    pub(super) budgets: &'p Budgets,
    pub(super) merged: Option<&'p roll::Merged>,
    pub(super) assumptions: Vec<String>,
    pub(super) findings: &'p [Diagnostic],
}

/// Puts the parts together; decides nothing but whether a cost is over its budget.
pub(super) fn report(parts: &Parts<'_>) -> Report {
    let run = parts.run;
    let workloads: Vec<Workload> = parts.judged.iter().map(|j| workload(j, run, parts.budgets)).collect();
    let all = roll::WORKLOADS.iter().map(|(group, kind)| run.cluster.store.list(group, kind, None).count()).sum::<usize>();
    let present = parts.judged.iter().filter(|j| run.cluster.store.get(&j.workload).is_some()).count();
    Report {
        schema: report::FORMAT,
        subject: parts.subject.clone(),
        untouched: all.saturating_sub(present),
        steps: steps(run, parts.judged),
        objects: objects(run),
        dimensions: Vec::new(),
        script: None,
        merged: parts.merged.map(|m| merged(m, parts.judged)),
        assumptions: parts.assumptions.iter().cloned().chain(inputs::open_questions(&run.cluster)).collect(),
        diagnostics: parts.findings.iter().map(finding).collect(),
        workloads,
    }
}

fn workload(j: &Judged, run: &Run, budgets: &Budgets) -> Workload {
    let budget = budgets.of(&j.workload);
    let rolls: u32 = j.rolls.iter().sum();
    // What cannot be known has no downtime either, not even none.
    let known = j.verdict != Verdict::Unknown;
    let down = j.timeline.downtime.map(|d| d.as_secs_f64()).filter(|_| known);
    let too_often = budget.rolls.is_some_and(|most| j.cost > most);
    // Half a second is the virtual clock's own grain against real controllers.
    let too_long = budget.downtime_seconds.is_some_and(|most| down.is_some_and(|d| d > most + 0.5));
    let unknown_downtime = budget.downtime_seconds.is_some() && down.is_none() && j.verdict == Verdict::Rolls;
    Workload {
        context: String::new(),
        kind: j.workload.kind.as_str().into(),
        namespace: j.workload.namespace.as_str().into(),
        name: j.workload.name.as_str().into(),
        verdict: verdict(j.verdict),
        strategy: j.strategy.clone(),
        revisions: j.revisions,
        rolls,
        recreated: j.recreated,
        cost: j.cost,
        pods_replaced: j.pods_replaced,
        lowest_available: j.timeline.lowest_available.filter(|_| known),
        downtime_seconds: down,
        windows: if known { windows(j) } else { Vec::new() },
        budget,
        over_budget: too_often || too_long || unknown_downtime,
        reasons: j.reasons.iter().map(|(step, reason)| reason_of(*step, reason, run)).collect(),
        file: String::new(),
        line: 0,
    }
}

fn verdict(v: Verdict) -> report::Verdict {
    match v {
        Verdict::Rolls => report::Verdict::Rolls,
        Verdict::Stays => report::Verdict::Stays,
        Verdict::Pending => report::Verdict::Pending,
        Verdict::Unknown => report::Verdict::Unknown,
    }
}

fn windows(j: &Judged) -> Vec<Window> {
    let seconds = |d: &std::time::Duration| d.as_secs_f64();
    j.timeline.windows.iter().map(|w| Window { from_seconds: seconds(&w.0), to_seconds: w.1.as_ref().map(seconds) }).collect()
}

fn reason_of(step: Option<usize>, reason: &roll::Reason, run: &Run) -> report::Reason {
    let field = reason.field().unwrap_or_default();
    report::Reason {
        step: step.map(|i| run.steps[i].name.clone()).unwrap_or_default(),
        code: reason.code(),
        path: field.path.to_owned(),
        container: field.container.unwrap_or_default().to_owned(),
        old: field.old.cloned().unwrap_or(Value::Null),
        new: field.new.cloned().unwrap_or(Value::Null),
        text: reason.text(),
    }
}

fn steps(run: &Run, judged: &[Judged]) -> Vec<report::Step> {
    let one = |(index, step): (usize, &crate::simulate::pipeline::StepRun)| report::Step {
        name: step.name.clone(),
        writes: step.performed.iter().flat_map(|p| &p.exchanges).filter(|(r, _)| r.options.dry_run.is_empty()).count() as u32
            + step.repeated,
        rolls: judged.iter().map(|j| j.rolls.get(index).copied().unwrap_or(0)).sum(),
        status: match step.ended {
            Ended::Done if step.performed.iter().any(is_script) => StepStatus::Unknown,
            Ended::Done => StepStatus::Done,
            Ended::Failed => StepStatus::Failed,
            Ended::Skipped => StepStatus::Skipped,
        },
        commands: commands(step),
        errors: step.performed.iter().filter(|p| p.outcome.is_failure()).map(|p| format!("{}: {}", p.object, p.outcome)).collect(),
    };
    run.steps.iter().enumerate().map(one).collect()
}

/// Whether nobody knows what was written, to whatever object.
fn is_script(performed: &Performed) -> bool {
    matches!(performed.outcome, Outcome::Unknown(_)) && performed.object == ObjectId::default()
}

/// The commands of a step, each once.
fn commands(step: &crate::simulate::pipeline::StepRun) -> Vec<String> {
    let mut commands: Vec<String> = Vec::new();
    for performed in step.performed.iter().filter(|p| !p.command.is_empty()) {
        if !commands.contains(&performed.command) {
            commands.push(performed.command.clone());
        }
    }
    commands
}

/// What became of each object that a step wrote, over all steps.
fn objects(run: &Run) -> Vec<ObjectAction> {
    let mut ids = BTreeMap::new();
    for performed in run.steps.iter().flat_map(|s| &s.performed) {
        let (before, after) = (run.before.get(&performed.object), run.cluster.store.get(&performed.object));
        let version = |o: &Value| o["metadata"]["resourceVersion"].clone();
        let action = match (before, after) {
            (None, Some(_)) => "created",
            (Some(_), None) => "deleted",
            (Some(b), Some(a)) if Arc::ptr_eq(b, a) => "unchanged",
            (Some(b), Some(a))
                if roll::content(b) != roll::content(a) || version(b) != version(a) && b["metadata"]["uid"] != a["metadata"]["uid"] =>
            {
                "configured"
            }
            (Some(_), Some(_)) => "unchanged",
            (None, None) => continue,
        };
        ids.insert(performed.object.clone(), action);
    }
    ids.into_iter().map(|(id, action)| ObjectAction { id: id.to_string(), action }).collect()
}

fn merged(m: &roll::Merged, before: &[Judged]) -> Merged {
    let rolls = |judged: &[Judged]| judged.iter().map(|j| j.cost).sum();
    let downs: Option<Vec<f64>> = m.judged.iter().map(|j| j.timeline.downtime.map(|d| d.as_secs_f64())).collect();
    Merged {
        change: m.change.clone(),
        steps: m.steps.iter().zip(&m.run.steps).map(|(step, run)| merged_step(step, commands(run))).collect(),
        rolls_before: rolls(before),
        rolls: rolls(&m.judged),
        objects_compared: m.objects_compared,
        longest_downtime_seconds: downs.map(|d| d.into_iter().fold(0.0, f64::max)),
    }
}

fn merged_step(step: &Step, commands: Vec<String>) -> MergedStep {
    MergedStep { name: step.name.clone(), toml: crate::fleet::step_toml(step), commands }
}

/// Says of each workload where the fleet declares it.
pub(super) fn place(report: &mut Report, fleet: &Fleet) {
    let agents: BTreeMap<(&str, &str), &Agent> = fleet.agents.iter().map(|a| ((a.namespace.as_str(), a.workload.as_str()), a)).collect();
    for workload in &mut report.workloads {
        let Some(agent) = agents.get(&(workload.namespace.as_str(), workload.name.as_str())) else { continue };
        let there = Diagnostic::note("", "").at(&fleet.source, agent.at.clone());
        if let Some((file, line, _)) = there.position() {
            (workload.file, workload.line) = (file.display().to_string(), line);
        }
    }
}

/// Changes by dimension, as reports show them.
pub(super) fn dimensions(changes: &[roll::dimensions::Change]) -> Vec<Dimension> {
    let one = |c: &roll::dimensions::Change| Dimension {
        name: c.dimension.clone(),
        workloads: c.workloads.iter().map(ToString::to_string).collect(),
        changes: c.changes.clone(),
    };
    changes.iter().map(one).collect()
}

/// A diagnostic as a finding.
pub(super) fn finding(d: &Diagnostic) -> Finding {
    let (file, line, column) = d.position().map(|(f, l, c)| (f.display().to_string(), l, c)).unwrap_or_default();
    let severity = match d.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Note => "note",
    };
    Finding { code: d.code, severity, file, line, column, text: d.text.clone(), hint: d.hints.join("; ") }
}
