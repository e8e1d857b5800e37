//! The report as workflow commands of GitHub Actions: what is wrong becomes annotations, at the lines of the fleet file.
//!
//! Follows GitHub's documentation, "Workflow commands for GitHub Actions", and how `@actions/core` escapes.

use super::text::total;
use super::{Report, problems};

/// The whole report: one command a line.
pub fn write(report: &Report) -> String {
    let mut out = String::new();
    for p in problems::of(report) {
        let command = match p.severity {
            "error" => "error",
            "warning" => "warning",
            _ => "notice",
        };
        let mut properties = Vec::new();
        if !p.file.is_empty() {
            properties.push(format!("file={}", property(p.file)));
        }
        if p.line > 0 {
            properties.push(format!("line={}", p.line));
            properties.push(format!("col={}", p.column));
        }
        let title = if p.subject.is_empty() { p.code.to_owned() } else { format!("{}: {}", p.code, p.subject) };
        properties.push(format!("title={}", property(&title)));
        out.push_str(&format!("::{command} {}::{}\n", properties.join(","), data(&p.text)));
    }
    let (counts, _, end) = total(report);
    out.push_str(&format!("::notice title=rollcast::{}\n", data(&format!("{}: {counts}; {end}", report.subject.name))));
    out
}

fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::{data, property};

    #[test]
    fn commands_cannot_be_broken_out_of() {
        assert_eq!(data("100%\n::error::x"), "100%25%0A::error::x");
        assert_eq!(property("a:b,c"), "a%3Ab%2Cc");
    }
}
