//! The report as one page that needs nothing else: no script, no font, no picture from anywhere. For a CI artifact, or to show.

use super::style::Tone;
use super::text::{clock, count, shown, total};
use super::{Report, StepStatus, Verdict, Workload};

/// The whole page.
pub fn write(report: &Report) -> String {
    let s = &report.subject;
    let title = format!("rollcast: {}", s.name);
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n<title>{}</title>\n<style>\n{}</style>\n</head>\n<body>\n<main>\n",
        escaped(&title),
        include_str!("html/style.css")
    );
    let (counts, tone, end) = total(report);
    let class = if tone == Tone::Good { "good" } else { "bad" };
    out.push_str(&format!(
        "<header>\n<h1>{}</h1>\n<p class=\"on\">on {} &middot; Kubernetes {}</p>\n<p class=\"verdict {class}\">{}</p>\n<p>{}</p>\n</header>\n",
        escaped(&s.name),
        escaped(&s.state),
        escaped(&s.kubernetes),
        escaped(&end),
        escaped(&counts)
    ));
    workloads(&mut out, report);
    steps(&mut out, report);
    dimensions(&mut out, report);
    merged(&mut out, report);
    findings(&mut out, report);
    let stubs = report.script.iter().flat_map(|s| &s.stubs);
    list(&mut out, "Replaced programs", stubs.map(|s| format!("{}: {}, nothing was done", s.command, count(s.calls, "call"))));
    list(&mut out, "Assumptions", report.assumptions.iter().cloned());
    out.push_str(&format!("</main>\n<footer>rollcast {}</footer>\n</body>\n</html>\n", env!("CARGO_PKG_VERSION")));
    out
}

fn workloads(out: &mut String, report: &Report) {
    out.push_str("<section>\n<h2>Workloads</h2>\n");
    if report.workloads.is_empty() {
        out.push_str("<p>None is touched.</p>\n</section>\n");
        return;
    }
    // One scale for all, so that windows can be compared by eye.
    let ends = report.workloads.iter().flat_map(|w| &w.windows).map(|x| x.to_seconds.unwrap_or(x.from_seconds));
    let last = ends.fold(0.0, f64::max);
    for w in &report.workloads {
        let (class, word) = verdict(w);
        let open = if matches!(class, "bad" | "unknown") { " open" } else { "" };
        out.push_str(&format!(
            "<details class=\"workload {class}\"{open}>\n<summary><span class=\"mark\">{word}</span> <code>{}</code>",
            escaped(&w.id())
        ));
        out.push_str(&format!(" <span class=\"cost\">{}</span></summary>\n", escaped(&cost(w))));
        if last > 0.0 && !w.windows.is_empty() {
            timeline(out, w, last);
        }
        reasons(out, w);
        out.push_str("</details>\n");
    }
    if report.untouched > 0 {
        out.push_str(&format!("<p class=\"faint\">{} not touched</p>\n", report.untouched));
    }
    out.push_str("</section>\n");
}

fn verdict(w: &Workload) -> (&'static str, &'static str) {
    match w.verdict {
        Verdict::Unknown => ("unknown", "unknown"),
        _ if w.over_budget => ("bad", "over budget"),
        Verdict::Rolls => ("change", "rolls"),
        Verdict::Pending => ("change", "pending"),
        Verdict::Stays => ("good", "stays"),
    }
}

fn cost(w: &Workload) -> String {
    if matches!(w.verdict, Verdict::Stays | Verdict::Pending) {
        return w.strategy.clone();
    }
    let allowed = w.budget.rolls.map(|n| format!(" of {n} allowed")).unwrap_or_default();
    let limit = w.budget.downtime_seconds.map(|s| format!(" of {} allowed", clock(s))).unwrap_or_default();
    let down = match w.downtime_seconds {
        None => "downtime unknown".to_owned(),
        Some(0.0) => "never down".to_owned(),
        Some(s) => format!("down {}{limit}", clock(s)),
    };
    format!("{}{allowed}, {down}, {}", count(w.cost, "roll"), w.strategy)
}

/// When no pod was available, drawn to scale.
fn timeline(out: &mut String, w: &Workload, last: f64) {
    let windows: Vec<String> = w
        .windows
        .iter()
        .map(|x| {
            let to = x.to_seconds.unwrap_or(last);
            let (left, width) = (x.from_seconds / last * 100.0, ((to - x.from_seconds) / last * 100.0).max(0.5));
            let text = format!("down {} to {}", clock(x.from_seconds), x.to_seconds.map_or("?".into(), clock));
            format!("<span style=\"left:{left:.2}%;width:{width:.2}%\" title=\"{0}\">{0}</span>", escaped(&text))
        })
        .collect();
    out.push_str(&format!("<div class=\"timeline\">{}</div>\n", windows.join("")));
}

fn reasons(out: &mut String, w: &Workload) {
    let mut step: Option<&str> = None;
    for r in &w.reasons {
        if !r.step.is_empty() && step != Some(r.step.as_str()) {
            out.push_str(&format!("<h3>step &ldquo;{}&rdquo;</h3>\n", escaped(&r.step)));
            step = Some(r.step.as_str());
        }
        if r.path.is_empty() {
            out.push_str(&format!("<p>{}</p>\n", escaped(&r.text)));
            continue;
        }
        out.push_str(&format!("<p class=\"path\"><code>{}</code></p>\n", escaped(&r.path)));
        out.push_str(&format!(
            "<pre class=\"change\"><del>{}</del>\n<ins>{}</ins></pre>\n",
            escaped(&shown(&r.old)),
            escaped(&shown(&r.new))
        ));
    }
}

fn steps(out: &mut String, report: &Report) {
    out.push_str(
        "<section>\n<h2>Steps</h2>\n<table>\n<tr><th>step</th><th class=\"n\">writes</th><th class=\"n\">rolls</th><th></th></tr>\n",
    );
    for s in &report.steps {
        let (class, word) = match s.status {
            StepStatus::Done => ("good", "done"),
            StepStatus::Failed if report.script.is_some() => ("bad", "refused"),
            StepStatus::Failed => ("bad", "fails"),
            StepStatus::Skipped => ("faint", "not reached"),
            StepStatus::Unknown => ("bad", "not known"),
        };
        let number = |n: u32| if s.status == StepStatus::Unknown { "?".to_owned() } else { n.to_string() };
        let errors: String = s.errors.iter().map(|e| format!("<pre class=\"bad\">{}</pre>", escaped(e))).collect();
        out.push_str(&format!(
            "<tr><td>{}{errors}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"{class}\">{word}</td></tr>\n",
            escaped(&s.name),
            number(s.writes),
            number(s.rolls)
        ));
    }
    out.push_str("</table>\n</section>\n");
}

fn dimensions(out: &mut String, report: &Report) {
    if report.dimensions.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>Dimensions</h2>\n<table>\n<tr><th>what changes</th><th>workloads that roll</th></tr>\n");
    for d in &report.dimensions {
        out.push_str(&format!("<tr><td>{}</td><td>{}</td></tr>\n", escaped(&d.name), escaped(&d.workloads.join(", "))));
    }
    out.push_str("</table>\n</section>\n");
}

fn merged(out: &mut String, report: &Report) {
    let Some(m) = &report.merged else { return };
    out.push_str(&format!(
        "<section>\n<h2>Merged pipeline: {} instead of {}</h2>\n<p>{}</p>\n",
        count(m.rolls, "roll"),
        m.rolls_before,
        escaped(&m.change)
    ));
    let steps: Vec<&str> = m.steps.iter().map(|s| s.toml.trim_end()).collect();
    out.push_str(&format!("<pre>{}</pre>\n</section>\n", escaped(&steps.join("\n\n"))));
}

fn findings(out: &mut String, report: &Report) {
    if report.diagnostics.is_empty() {
        return;
    }
    out.push_str("<section>\n<h2>Findings</h2>\n<ul class=\"findings\">\n");
    for f in &report.diagnostics {
        let class = if f.severity == "error" { "bad" } else { "change" };
        let place = if f.line > 0 { format!("<code>{}:{}:{}</code> ", escaped(&f.file), f.line, f.column) } else { String::new() };
        let hint = if f.hint.is_empty() { String::new() } else { format!("<br><span class=\"faint\">{}</span>", escaped(&f.hint)) };
        out.push_str(&format!(
            "<li><span class=\"mark {class}\">{}</span> <code>{}</code> {place}{}{hint}</li>\n",
            f.severity,
            f.code,
            escaped(&f.text)
        ));
    }
    out.push_str("</ul>\n</section>\n");
}

fn list(out: &mut String, title: &str, lines: impl Iterator<Item = String>) {
    let lines: Vec<String> = lines.map(|l| format!("<li>{}</li>\n", escaped(&l))).collect();
    if !lines.is_empty() {
        out.push_str(&format!("<section>\n<h2>{title}</h2>\n<ul>\n{}</ul>\n</section>\n", lines.join("")));
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;").replace('\'', "&#39;")
}

#[cfg(test)]
mod tests {
    use super::escaped;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(escaped("<script>\"&'"), "&lt;script&gt;&quot;&amp;&#39;");
    }
}
