//! The report for a merge request: a table of workloads, then the reasons.

use super::text::{clock, count, shown};
use super::{Report, Verdict};
use std::fmt::Write;

/// The whole report.
pub fn write(report: &Report) -> String {
    let mut out = String::new();
    let s = &report.subject;
    let _ = writeln!(out, "### rollcast: {} on {} (Kubernetes {})\n", s.name, s.state, s.kubernetes);
    let _ = writeln!(out, "| workload | verdict | rolls | allowed | downtime | allowed |\n|---|---|--:|--:|--:|--:|");
    for w in &report.workloads {
        let verdict = match w.verdict {
            _ if w.over_budget => "**over budget**",
            Verdict::Rolls => "rolls",
            Verdict::Stays => "stays",
            Verdict::Pending => "pending",
            Verdict::Unknown => "**unknown**",
        };
        let rolls = w.budget.rolls.map_or_else(|| "-".into(), |n| n.to_string());
        let down = w.downtime_seconds.map_or_else(|| "unknown".into(), clock);
        let limit = w.budget.downtime_seconds.map_or_else(|| "-".into(), clock);
        let _ = writeln!(out, "| `{}` | {verdict} | {} | {rolls} | {down} | {limit} |", w.id(), w.rolls + w.recreated);
    }
    for w in report.workloads.iter().filter(|w| !w.reasons.is_empty()) {
        let _ = writeln!(out, "\n<details><summary><code>{}</code></summary>\n", w.id());
        for r in &w.reasons {
            let step = if r.step.is_empty() { String::new() } else { format!("step \"{}\": ", r.step) };
            let what = if r.path.is_empty() { r.text.clone() } else { format!("`{}`: `{}` to `{}`", r.path, shown(&r.old), shown(&r.new)) };
            let _ = writeln!(out, "- {step}{what}");
        }
        let _ = writeln!(out, "\n</details>");
    }
    if let Some(merged) = &report.merged {
        let _ = writeln!(out, "\n{} instead of {} with the merged pipeline ({}):\n\n```toml", count(merged.rolls, "roll"), merged.rolls_before, merged.change);
        for step in &merged.steps {
            let _ = writeln!(out, "{}", step.toml);
        }
        let _ = writeln!(out, "```");
    }
    for f in &report.diagnostics {
        let _ = writeln!(out, "- {} `{}` {}", f.severity, f.code, f.text);
    }
    out
}
