//! What is wrong in a report, one by one, for formats that list problems: GitHub's annotations, SARIF, JUnit.

use super::text::{clock, count, shown};
use super::{Finding, Report, StepStatus, Verdict, Workload};

/// One thing that is wrong, or worth knowing.
pub(super) struct Problem<'r> {
    /// For `rollcast explain`.
    pub(super) code: &'r str,
    /// `error`, `warning` or `note`.
    pub(super) severity: &'r str,
    /// The file it stands in; empty if in none.
    pub(super) file: &'r str,
    /// From 1; 0 for no place.
    pub(super) line: usize,
    /// From 1; 0 for no place.
    pub(super) column: usize,
    /// What it is about: a workload, a step; empty for a finding.
    pub(super) subject: String,
    /// What is wrong.
    pub(super) text: String,
}

/// All problems: workloads over budget or unknown, steps that fail, the script, findings.
pub(super) fn of(report: &Report) -> Vec<Problem<'_>> {
    let workloads = report.workloads.iter().filter_map(|w| {
        let code = code(w)?;
        let text = format!("{} {}", w.id(), cost(w));
        Some(Problem { code, severity: "error", file: &w.file, line: w.line, column: w.line.min(1), subject: w.id(), text })
    });
    let steps = report.steps.iter().filter(|s| s.status == StepStatus::Failed && report.script.is_none());
    let steps = steps.map(|s| {
        let text = format!("the pipeline fails in step \"{}\": {}", s.name, s.errors.join("; "));
        Problem { code: "step-fails", severity: "error", file: "", line: 0, column: 0, subject: s.name.clone(), text }
    });
    let script = report.script.iter().filter(|s| s.exit_code != 0 || s.incomplete).map(|s| {
        let text = if s.incomplete { "the script was interrupted".to_owned() } else { format!("the script exits {}", s.exit_code) };
        Problem { code: "script-fails", severity: "error", file: "", line: 0, column: 0, subject: "script".to_owned(), text }
    });
    workloads.chain(steps).chain(script).chain(report.diagnostics.iter().map(finding)).collect()
}

fn finding(f: &Finding) -> Problem<'_> {
    let text = if f.hint.is_empty() { f.text.clone() } else { format!("{}\n{}", f.text, f.hint) };
    Problem { code: f.code, severity: f.severity, file: &f.file, line: f.line, column: f.column, subject: String::new(), text }
}

/// The code of what is wrong with a workload; none if nothing is.
pub(super) fn code(w: &Workload) -> Option<&'static str> {
    match w.verdict {
        Verdict::Unknown => Some("unknown"),
        _ if w.over_budget => Some("over-budget"),
        _ => None,
    }
}

/// What a workload costs and why: a line, and one for each reason.
pub(super) fn cost(w: &Workload) -> String {
    let allowed = w.budget.rolls.map(|n| format!(" of {n} allowed")).unwrap_or_default();
    let limit = w.budget.downtime_seconds.map(|s| format!(" of {} allowed", clock(s))).unwrap_or_default();
    let head = match w.verdict {
        Verdict::Unknown => "is unknown".to_owned(),
        Verdict::Stays if w.reasons.iter().any(|r| r.code == "refused") => "is refused".to_owned(),
        Verdict::Stays => "stays".to_owned(),
        Verdict::Pending => format!("is pending with {}", count(w.revisions, "revision")),
        Verdict::Rolls => {
            let down = w.downtime_seconds.map_or_else(|| "down for an unknown time".to_owned(), |s| format!("down {}", clock(s)));
            format!("costs {}{allowed}, {down}{limit}", count(w.cost, "roll"))
        }
    };
    let reasons = w.reasons.iter().map(|r| {
        let step = if r.step.is_empty() { String::new() } else { format!("step \"{}\": ", r.step) };
        match r.path.is_empty() {
            true => format!("\n{step}{}", r.text),
            false => format!("\n{step}{}: {} -> {}", r.path, shown(&r.old), shown(&r.new)),
        }
    });
    head + &reasons.collect::<String>()
}
