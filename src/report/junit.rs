//! The report as JUnit's XML, as CI systems show test results: a case for each workload, each step and each finding that is an
//! error; the others stand in the output of the suite.

use super::text::total;
use super::{Report, StepStatus, problems};

/// The whole report.
pub fn write(report: &Report) -> String {
    let mut cases = Vec::new();
    for w in &report.workloads {
        let class =
            [w.context.as_str(), w.kind.as_str(), w.namespace.as_str()].into_iter().filter(|p| !p.is_empty()).collect::<Vec<_>>().join(".");
        let file = if w.file.is_empty() { String::new() } else { format!(" file={} line=\"{}\"", quoted(&w.file), w.line) };
        let failure = problems::code(w).map(|code| (code, problems::cost(w)));
        cases.push(Case { class, name: w.name.clone(), file, failure, skipped: false, output: problems::cost(w) });
    }
    for s in &report.steps {
        let failed = s.status == StepStatus::Failed && report.script.is_none();
        let failure = failed.then(|| ("step-fails", s.errors.join("\n")));
        let skipped = s.status == StepStatus::Skipped;
        cases.push(Case {
            class: "steps".into(),
            name: s.name.clone(),
            file: String::new(),
            failure,
            skipped,
            output: s.commands.join("\n"),
        });
    }
    let own = |p: &&problems::Problem<'_>| p.subject.is_empty() || p.code == "script-fails";
    let mut remarks = Vec::new();
    let problems = problems::of(report);
    for p in problems.iter().filter(own) {
        if p.severity != "error" {
            remarks.push(format!("{} {}: {}", p.severity, p.code, p.text));
            continue;
        }
        let file = if p.file.is_empty() { String::new() } else { format!(" file={} line=\"{}\"", quoted(p.file), p.line) };
        let name = p.text.lines().next().unwrap_or_default().to_owned();
        cases.push(Case {
            class: "findings".into(),
            name,
            file,
            failure: Some((p.code, p.text.clone())),
            skipped: false,
            output: String::new(),
        });
    }
    let (counts, _, end) = total(report);
    remarks.extend(report.assumptions.iter().map(|a| format!("assumed: {a}")));
    remarks.push(format!("{counts}; {end}"));
    suite(report, &cases, &remarks)
}

struct Case<'r> {
    class: String,
    name: String,
    /// Further attributes.
    file: String,
    failure: Option<(&'r str, String)>,
    skipped: bool,
    output: String,
}

fn suite(report: &Report, cases: &[Case<'_>], remarks: &[String]) -> String {
    let failures = cases.iter().filter(|c| c.failure.is_some()).count();
    let skipped = cases.iter().filter(|c| c.skipped).count();
    let numbers = format!("tests=\"{}\" failures=\"{failures}\" errors=\"0\" skipped=\"{skipped}\" time=\"0\"", cases.len());
    let name = quoted(&format!("rollcast: {} on {}", report.subject.name, report.subject.state));
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"rollcast\" {numbers}>\n  <testsuite name={name} {numbers}>\n"
    );
    for c in cases {
        out.push_str(&format!("    <testcase classname={} name={}{} time=\"0\">\n", quoted(&c.class), quoted(&c.name), c.file));
        if let Some((code, text)) = &c.failure {
            let first = text.lines().next().unwrap_or_default();
            out.push_str(&format!("      <failure type={} message={}>{}</failure>\n", quoted(code), quoted(first), escaped(text)));
        } else if c.skipped {
            out.push_str("      <skipped message=\"an earlier step failed\"/>\n");
        } else if !c.output.is_empty() {
            out.push_str(&format!("      <system-out>{}</system-out>\n", escaped(&c.output)));
        }
        out.push_str("    </testcase>\n");
    }
    out.push_str(&format!("    <system-out>{}</system-out>\n  </testsuite>\n</testsuites>\n", escaped(&remarks.join("\n"))));
    out
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", escaped(text).replace('\n', "&#10;").replace('\t', "&#9;"))
}

/// Text of XML 1.0, which has no other control characters.
fn escaped(text: &str) -> String {
    let allowed = |c: &char| matches!(c, '\t' | '\n') || (*c >= ' ' && !matches!(c, '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}'));
    text.chars().filter(allowed).collect::<String>().replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn text_cannot_become_markup() {
        assert_eq!(quoted("a\"<b>&\n\u{1b}[31m"), "\"a&quot;&lt;b&gt;&amp;&#10;[31m\"");
    }
}
