//! The report as SARIF 2.1.0, which code hosts show beside the lines of a merge request.
//!
//! Follows OASIS, "Static Analysis Results Interchange Format (SARIF) Version 2.1.0".

use super::Report;
use super::problems::{self, Problem};
use super::text::total;
use crate::object::{Map, Value, json};
use sha2::{Digest, Sha256};

/// What is known of a code: its title, and how to mend it.
pub type About<'a> = &'a dyn Fn(&str) -> Option<(&'static str, &'static str)>;

/// The whole report, indented, with a final newline.
pub fn write(report: &Report, about: About<'_>) -> String {
    let problems = problems::of(report);
    let mut codes: Vec<&str> = problems.iter().map(|p| p.code).collect();
    codes.sort_unstable();
    codes.dedup();
    let rules: Vec<Value> = codes.iter().map(|code| rule(code, about)).collect();
    let results: Vec<Value> = problems.iter().map(|p| result(p, &codes)).collect();
    let (counts, _, end) = total(report);
    let log = json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": "rollcast", "semanticVersion": env!("CARGO_PKG_VERSION"), "rules": rules } },
            "automationDetails": { "id": format!("rollcast/{}", report.subject.name) },
            "columnKind": "unicodeCodePoints",
            "results": results,
            "properties": { "total": format!("{counts}; {end}"), "state": report.subject.state, "kubernetes": report.subject.kubernetes },
        }],
    });
    let mut text = serde_json::to_string_pretty(&log).expect("a report has only string keys");
    text.push('\n');
    text
}

fn rule(code: &str, about: About<'_>) -> Value {
    let mut rule = json!({ "id": code });
    if let Some((title, fix)) = about(code) {
        rule["shortDescription"] = json!({ "text": title });
        rule["help"] = json!({ "text": format!("{fix}\n\nrollcast explain {code}") });
    }
    rule
}

fn result(p: &Problem<'_>, codes: &[&str]) -> Value {
    let level = match p.severity {
        "error" => "error",
        "warning" => "warning",
        _ => "note",
    };
    let mut out = Map::new();
    out.insert("ruleId".into(), p.code.into());
    out.extend(codes.iter().position(|c| *c == p.code).map(|index| ("ruleIndex".to_owned(), Value::from(index))));
    out.insert("level".into(), level.into());
    out.insert("message".into(), json!({ "text": p.text }));
    let mut location = Map::new();
    if !p.file.is_empty() {
        let mut place = json!({ "artifactLocation": { "uri": uri(p.file) } });
        if p.line > 0 {
            place["region"] = json!({ "startLine": p.line, "startColumn": p.column });
        }
        location.insert("physicalLocation".into(), place);
    }
    if !p.subject.is_empty() {
        location.insert("logicalLocations".into(), json!([{ "fullyQualifiedName": p.subject, "kind": "resource" }]));
    }
    if !location.is_empty() {
        out.insert("locations".into(), json!([Value::Object(location)]));
    }
    // The same problem of the same workload is the same result, however its wording or its line changes.
    let identity = if p.subject.is_empty() { p.text.as_str() } else { p.subject.as_str() };
    let digest: String = Sha256::digest(format!("{}\n{identity}", p.code)).iter().take(16).map(|b| format!("{b:02x}")).collect();
    out.insert("partialFingerprints".into(), json!({ "rollcast/v1": digest }));
    Value::Object(out)
}

/// A path as a relative reference.
fn uri(path: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_' | b'~' | b'/');
    path.trim_start_matches("./").bytes().map(|b| if plain(b) { (b as char).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::uri;

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("./deploy/my fleet.toml"), "deploy/my%20fleet.toml");
    }
}
