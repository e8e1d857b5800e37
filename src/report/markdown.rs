//! The report for a merge request: a table of workloads, then the reasons.

use super::text::{clock, count, shown, total};
use super::{Report, Verdict};

/// The whole report.
pub fn write(report: &Report) -> String {
    let mut out = String::new();
    let s = &report.subject;
    out.push_str(&format!("### rollcast: {} on {} (Kubernetes {})\n\n", s.name, s.state, s.kubernetes));
    let (counts, _, end) = total(report);
    out.push_str(&format!("{counts}; **{end}**\n\n"));
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
        out.push_str(&format!("| `{}` | {verdict} | {} | {rolls} | {down} | {limit} |\n", w.id(), w.cost));
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
        let steps: Vec<&str> = merged.steps.iter().map(|step| step.toml.trim_end()).collect();
        out.push_str(&format!("{}\n```\n", steps.join("\n\n")));
    }
    let dimensions = report.dimensions.iter().map(|d| {
        let workloads: Vec<String> = d.workloads.iter().map(|w| format!("`{w}`")).collect();
        format!("{}: {} ({})", d.name, workloads.join(", "), d.changes.join(", "))
    });
    list(&mut out, "Dimensions", dimensions);
    let hint = |text: &str| if text.is_empty() { String::new() } else { format!(" ({text})") };
    list(&mut out, "Findings", report.diagnostics.iter().map(|f| format!("{} `{}`: {}{}", f.severity, f.code, f.text, hint(&f.hint))));
    let stubs = report.script.iter().flat_map(|s| &s.stubs);
    list(&mut out, "Replaced programs", stubs.map(|s| format!("`{}`: {}, nothing was done", s.command, count(s.calls, "call"))));
    list(&mut out, "Assumptions", report.assumptions.iter().cloned());
    out
}

fn list(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    for (index, line) in lines.enumerate() {
        if index == 0 {
            out.push_str(&format!("\n**{title}**\n\n"));
        }
        out.push_str(&format!("- {}\n", line.replace('\n', " ")));
    }
}
