//! The report as JSON: `rollcast.report/v1`.

use super::Report;

/// The whole report, indented, with a final newline.
pub fn write(report: &Report) -> String {
    let mut text = serde_json::to_string_pretty(report).expect("a report has only string keys");
    text.push('\n');
    text
}
