//! The report for a merge request: a table of workloads, then the reasons.

use super::text::{clock, count, shown};
use super::{Report, Verdict};

/// The whole report.
pub fn write(report: &Report) -> String {
    let mut out = String::new();
    let s = &report.subject;
    out.push_str(&format!("### rollcast: {} on {} (Kubernetes {})\n\n", s.name, s.state, s.kubernetes));
    out.push_str("| workload | verdict | rolls | allowed | downtime | allowed |\n|---|---|--:|--:|--:|--:|\n");
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
        out.push_str(&format!("| `{}` | {verdict} | {} | {rolls} | {down} | {limit} |\n", w.id(), w.rolls + w.recreated));
    }
    for w in report.workloads.iter().filter(|w| !w.reasons.is_empty()) {
        out.push_str(&format!("\n<details><summary><code>{}</code></summary>\n\n", w.id()));
        for r in &w.reasons {
            let step = if r.step.is_empty() { String::new() } else { format!("step \"{}\": ", r.step) };
            let what = if r.path.is_empty() { r.text.clone() } else { format!("`{}`: `{}` to `{}`", r.path, shown(&r.old), shown(&r.new)) };
            out.push_str(&format!("- {step}{what}\n"));
        }
        out.push_str("\n</details>\n");
    }
    if let Some(merged) = &report.merged {
        out.push_str(&format!(
            "\n{} instead of {} with the merged pipeline ({}):\n\n```toml\n",
            count(merged.rolls, "roll"),
            merged.rolls_before,
            merged.change
        ));
        for step in &merged.steps {
            out.push_str(&format!("{}\n", step.toml));
        }
        out.push_str("```\n");
    }
    for f in &report.diagnostics {
        out.push_str(&format!("- {} `{}` {}\n", f.severity, f.code, f.text));
    }
    out
}
