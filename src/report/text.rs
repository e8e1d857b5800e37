//! The report for people, in the manner of `nomad job plan`: a line for each workload, below it its rolls and their reasons.

use super::style::{Dress, Tone};
use super::{Finding, Merged, Reason, Report, StepStatus, Verdict, Workload};
use crate::object::Value;

/// The whole report.
pub fn write(report: &Report, dress: Dress) -> String {
    let mut out = String::new();
    head(&mut out, report, dress);
    let width = report.workloads.iter().map(|w| w.id().len()).max().unwrap_or(0);
    for workload in &report.workloads {
        workload_lines(&mut out, workload, width, dress);
    }
    steps(&mut out, report, dress);
    totals(&mut out, report, dress);
    if let Some(merged) = &report.merged {
        merged_lines(&mut out, merged, dress);
    }
    dimensions(&mut out, report, dress);
    let stubs = report.script.iter().flat_map(|s| &s.stubs);
    let stubs: Vec<String> = stubs.map(|s| format!("{}: {}, nothing was done", s.command, count(s.calls, "call"))).collect();
    list(&mut out, "Replaced programs", &stubs, dress);
    list(&mut out, "Assumptions", &report.assumptions, dress);
    findings(&mut out, &report.diagnostics, dress);
    out
}

fn head(out: &mut String, report: &Report, dress: Dress) {
    let s = &report.subject;
    let line = format!("{} on {} (Kubernetes {})", s.name, s.state, s.kubernetes);
    line_of(out, &dress.paint(Tone::Strong, &line));
    out.push('\n');
}

fn workload_lines(out: &mut String, w: &Workload, width: usize, dress: Dress) {
    let (mark, tone) = match w.verdict {
        _ if w.over_budget => ("!", Tone::Bad),
        Verdict::Rolls => ("~", Tone::Change),
        Verdict::Pending => ("…", Tone::Change),
        Verdict::Unknown => ("?", Tone::Bad),
        Verdict::Stays if refused(w) => ("!", Tone::Bad),
        Verdict::Stays => ("=", Tone::Good),
    };
    let mark = if dress == Dress::Plain && mark == "…" { "." } else { mark };
    let id = format!("{:width$}", w.id());
    let mut line = format!("{} {}  {}", dress.paint(tone, mark), dress.paint(Tone::Strong, &id), dress.paint(tone, &verdict_text(w)));
    line.push_str(&format!("  {:13}  {}", w.strategy, downtime_text(w)));
    if w.over_budget {
        line.push_str(&format!("  {}", dress.paint(Tone::Bad, "OVER BUDGET")));
    }
    line_of(out, line.trim_end());
    reasons(out, w, dress);
    out.push('\n');
}

/// `2 rolls of 1 allowed`, `stays`, …; as long for every workload, so that columns line up.
fn verdict_text(w: &Workload) -> String {
    let text = match w.verdict {
        Verdict::Stays if refused(w) => "refused".to_owned(),
        Verdict::Stays => "stays".to_owned(),
        Verdict::Unknown => "unknown".to_owned(),
        Verdict::Pending => format!("pending, {} held back", count(w.revisions, "revision")),
        Verdict::Rolls if w.rolls == 0 => format!("recreated{}", allowed(w)),
        Verdict::Rolls if w.cost > w.rolls => format!("{} and recreated{}", count(w.rolls, "roll"), allowed(w)),
        Verdict::Rolls => format!("{}{}", count(w.cost, "roll"), allowed(w)),
    };
    format!("{text:21}")
}

/// The verdict in one sentence, for the head of a diff.
pub fn sentence(w: &Workload) -> String {
    let down = downtime_text(&Workload { budget: Default::default(), ..w.clone() });
    let down = if down.is_empty() { down } else { format!(", {down}") };
    let why = w.reasons.first().map(|r| format!(": {}", one_line(&r.text))).unwrap_or_default();
    match w.verdict {
        Verdict::Rolls if w.cost > w.rolls => format!("is recreated ({}){down}", w.strategy),
        Verdict::Rolls => format!("rolls ({}){down}", w.strategy),
        Verdict::Stays => format!("stays{why}"),
        Verdict::Pending => format!("is pending{why}"),
        Verdict::Unknown => format!("is unknown{why}"),
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

/// Whether a write of it is refused: that it stays is then no good news.
fn refused(w: &Workload) -> bool {
    w.reasons.iter().any(|r| r.code == "refused")
}

fn allowed(w: &Workload) -> String {
    w.budget.rolls.map(|n| format!(" of {n} allowed")).unwrap_or_default()
}

fn downtime_text(w: &Workload) -> String {
    let limit = w.budget.downtime_seconds.map(|s| format!(" of {} allowed", clock(s))).unwrap_or_default();
    match (w.downtime_seconds, w.verdict) {
        (_, Verdict::Stays | Verdict::Pending) => String::new(),
        (None, Verdict::Rolls) => format!("downtime unknown{limit}"),
        (None, _) => "downtime unknown".to_owned(),
        (Some(0.0), _) => match w.lowest_available {
            Some(n) => format!("never down, {n} available at the least"),
            None => "never down".to_owned(),
        },
        (Some(seconds), _) => format!("down {}{limit} in {}", clock(seconds), count(w.windows.len() as u32, "window")),
    }
}

/// Reasons come in the order of the rolls; those of one step stand under its name.
fn reasons(out: &mut String, w: &Workload, dress: Dress) {
    let (mut step, mut roll) = (None, 0);
    for reason in &w.reasons {
        if !reason.step.is_empty() && step != Some(&reason.step) {
            step = Some(&reason.step);
            roll += 1;
            let number = if w.verdict == Verdict::Rolls { format!("{roll}. ") } else { String::new() };
            let window = w.windows.get(roll - 1).filter(|_| w.windows.len() as u32 == w.cost);
            let when = window
                .map(|x| format!(", down {} to {}", clock(x.from_seconds), x.to_seconds.map_or("?".into(), clock)))
                .unwrap_or_default();
            line_of(out, &format!("    {number}step \"{}\"{}", reason.step, dress.paint(Tone::Faint, &when)));
        }
        reason_line(out, reason, dress);
    }
}

fn reason_line(out: &mut String, reason: &Reason, dress: Dress) {
    let indent = if reason.step.is_empty() { "    " } else { "       " };
    if reason.path.is_empty() {
        for line in reason.text.lines() {
            line_of(out, &format!("{indent}{}", line.trim_end()));
        }
        return;
    }
    let container = if reason.container.is_empty() { String::new() } else { format!("container {}: ", reason.container) };
    line_of(out, &format!("{indent}{container}{}", reason.path));
    let (old, new) = (shown(&reason.old), shown(&reason.new));
    line_of(out, &format!("{indent}  {} {} {}", old, dress.arrow(), new));
    if reason.code != "template-changed" {
        line_of(out, &format!("{indent}  {}", dress.paint(Tone::Faint, &reason.text)));
    }
}

fn steps(out: &mut String, report: &Report, dress: Dress) {
    line_of(out, &dress.paint(Tone::Strong, "Steps"));
    for (i, step) in report.steps.iter().enumerate() {
        let status = match step.status {
            StepStatus::Done => String::new(),
            StepStatus::Failed if report.script.is_some() => format!("  {}", dress.paint(Tone::Bad, "refused")),
            StepStatus::Failed => format!("  {}", dress.paint(Tone::Bad, "FAILS")),
            StepStatus::Skipped => "  not reached".to_owned(),
            StepStatus::Unknown => {
                line_of(out, &format!("  {}. {}: {}", i + 1, step.name, dress.paint(Tone::Bad, "what it writes is not known")));
                continue;
            }
        };
        line_of(out, &format!("  {}. {}: {}, {}{status}", i + 1, step.name, count(step.writes, "write"), count(step.rolls, "roll")));
        for error in &step.errors {
            for line in error.lines() {
                line_of(out, &format!("       {line}"));
            }
        }
    }
    out.push('\n');
}

fn totals(out: &mut String, report: &Report, dress: Dress) {
    let (counts, tone, end) = total(report);
    line_of(out, &format!("{} {counts}; {}", dress.paint(Tone::Strong, "Total:"), dress.paint(tone, &end)));
    if report.workloads.iter().any(|w| w.verdict == Verdict::Rolls && w.downtime_seconds.is_none() && w.windows.is_empty()) {
        line_of(out, &dress.paint(Tone::Faint, UNKNOWN_DOWNTIME));
    }
}

/// What is missing where a downtime is unknown.
const UNKNOWN_DOWNTIME: &str = "Downtime is unknown where nobody says how long pods take: --restart and --stop for all workloads, or `restart` and `stop` of an agent.";

/// What all of it comes to: counts, and whether it may be deployed.
pub fn total(report: &Report) -> (String, Tone, String) {
    let of = |v: Verdict| report.workloads.iter().filter(|w| w.verdict == v).count() as u32;
    let rolls: u32 = report.workloads.iter().map(|w| w.cost).sum();
    let mut parts = vec![count(rolls, "roll"), format!("{} rolling", count(of(Verdict::Rolls), "workload"))];
    for (verdict, word) in [(Verdict::Stays, "staying"), (Verdict::Pending, "pending")] {
        if of(verdict) > 0 {
            parts.push(format!("{} {word}", of(verdict)));
        }
    }
    if report.untouched > 0 {
        parts.push(format!("{} not touched", report.untouched));
    }
    let over = report.workloads.iter().filter(|w| w.over_budget).count();
    let failed: Vec<_> = report.failed_steps().map(|s| format!("\"{}\"", s.name)).collect();
    let mut wrong = Vec::new();
    if over > 0 {
        wrong.push(format!("{over} over budget"));
    }
    if of(Verdict::Unknown) > 0 {
        wrong.push(format!("{} unknown", of(Verdict::Unknown)));
    }
    if !failed.is_empty() {
        wrong.push(format!("the pipeline fails in step {}", failed.join(" and ")));
    }
    match &report.script {
        Some(script) if script.incomplete => wrong.push("INCOMPLETE: the script was interrupted".to_owned()),
        Some(script) if script.exit_code != 0 => wrong.push(format!("the script exits {}", script.exit_code)),
        _ => {}
    }
    let errors = report.diagnostics.iter().filter(|d| d.severity == "error").count() as u32;
    if wrong.is_empty() && errors > 0 {
        wrong.push(format!("{} to mend", count(errors, "finding")));
    }
    match wrong.is_empty() {
        true => (parts.join(", "), Tone::Good, "all within budget".to_owned()),
        false => (parts.join(", "), Tone::Bad, wrong.join(", and ")),
    }
}

/// What changes about agents, and which workloads roll for it.
fn dimensions(out: &mut String, report: &Report, dress: Dress) {
    if report.dimensions.is_empty() {
        return;
    }
    out.push('\n');
    line_of(out, &dress.paint(Tone::Strong, "Dimensions"));
    let width = report.dimensions.iter().map(|d| d.name.len()).max().unwrap_or(0);
    for d in &report.dimensions {
        line_of(out, &format!("  {:width$}  {}", d.name, d.workloads.join(", ")));
        line_of(out, &dress.paint(Tone::Faint, &format!("  {:width$}  {}", "", d.changes.join(", "))));
    }
}

fn merged_lines(out: &mut String, merged: &Merged, dress: Dress) {
    out.push('\n');
    line_of(
        out,
        &dress.paint(Tone::Strong, &format!("Merged pipeline: {} instead of {}", count(merged.rolls, "roll"), merged.rolls_before)),
    );
    let down = merged.longest_downtime_seconds.map(|s| format!(", {} down at the most", clock(s))).unwrap_or_default();
    let same =
        format!("{}{down}; simulated, the same end state ({} compared)", merged.change, count(merged.objects_compared as u32, "object"));
    line_of(out, &format!("  {same}"));
    for step in &merged.steps {
        line_of(out, "");
        for line in step.toml.lines() {
            line_of(out, &format!("    {line}"));
        }
        for command in &step.commands {
            line_of(out, &dress.paint(Tone::Faint, &format!("    # {command}")));
        }
    }
}

fn list(out: &mut String, title: &str, lines: &[String], dress: Dress) {
    if lines.is_empty() {
        return;
    }
    out.push('\n');
    line_of(out, &dress.paint(Tone::Strong, title));
    for line in lines {
        line_of(out, &format!("  {line}"));
    }
}

fn findings(out: &mut String, findings: &[Finding], dress: Dress) {
    if findings.is_empty() {
        return;
    }
    out.push('\n');
    line_of(out, &dress.paint(Tone::Strong, "Findings"));
    for f in findings {
        let place = if f.line > 0 { format!("{}:{}:{}: ", f.file, f.line, f.column) } else { String::new() };
        let tone = if f.severity == "error" { Tone::Bad } else { Tone::Change };
        line_of(out, &format!("  {} [{}] {place}{}", dress.paint(tone, f.severity), f.code, f.text));
        if !f.hint.is_empty() {
            line_of(out, &format!("    hint: {}", f.hint));
        }
    }
}

/// A value as it stands in a reason: strings bare, nothing as `(none)`, long ones cut in the middle.
pub fn shown(value: &Value) -> String {
    let text = match value {
        Value::Null => "(none)".to_owned(),
        Value::String(s) => s.clone().into(),
        other => other.to_string(),
    };
    let flat = text.replace('\n', "\\n");
    if flat.chars().count() <= 100 {
        return flat;
    }
    let chars: Vec<char> = flat.chars().collect();
    format!("{}…{}", chars[..60].iter().collect::<String>(), chars[chars.len() - 35..].iter().collect::<String>())
}

/// Seconds as `6m00s`, `4.1s` or `1h02m00s`.
pub fn clock(seconds: f64) -> String {
    if seconds < 60.0 {
        let tenths = (seconds * 10.0).round() / 10.0;
        return if tenths.fract() == 0.0 { format!("{tenths:.0}s") } else { format!("{tenths:.1}s") };
    }
    let whole = seconds.round() as u64;
    let (hours, minutes, seconds) = (whole / 3600, whole / 60 % 60, whole % 60);
    if hours > 0 { format!("{hours}h{minutes:02}m{seconds:02}s") } else { format!("{minutes}m{seconds:02}s") }
}

/// `1 roll`, `2 rolls`.
pub fn count(n: u32, noun: &str) -> String {
    if n == 1 { format!("1 {noun}") } else { format!("{n} {noun}s") }
}

fn line_of(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}
