//! Results as JSON, or what a JSONPath finds in them.

use super::args::Format;
use crate::cli::console::{Console, Failure};
use crate::diagnostic::Diagnostic;
use crate::object::Value;
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;

/// Prints JSON, or what was asked of it; none if text was asked for.
pub(super) fn print(format: &Format, value: impl FnOnce() -> Value, console: &mut Console) -> Result<bool, Failure> {
    match format {
        Format::Text => return Ok(false),
        Format::Json => {
            let text = serde_json::to_string_pretty(&value()).expect("a value has only string keys");
            console.print(&(text + "\n"))?;
        }
        Format::JsonPath(path) => {
            let text = found(path, &value())?;
            console.print(&text)?;
        }
    }
    Ok(true)
}

/// A template of kubectl's (`{.items[*].image}`, each result behind a space) or a path of RFC 9535 (each result on a line).
fn found(path: &str, value: &Value) -> Result<String, Diagnostic> {
    if !path.contains('{') {
        let found = query(path, path, value)?;
        return Ok(found.iter().map(|f| format!("{f}\n")).collect());
    }
    let wrong = |why: &str| {
        Diagnostic::error("json-path", format!("`{path}`: {why}"))
            .hint("parts in braces are paths: `{.items[*].image}{\"\\n\"}`; RFC 9535 without braces: `$.items[?@.pinned == false].image`")
    };
    let (mut out, mut rest) = (String::new(), path);
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        let (inside, tail) = after.split_once('}').ok_or_else(|| wrong("a `{` is never closed"))?;
        let inside = inside.trim();
        if let Some(literal) = inside.strip_prefix('"').and_then(|t| t.strip_suffix('"')) {
            out.push_str(&literal.replace("\\n", "\n").replace("\\t", "\t"));
        } else if inside == "end" || inside.starts_with("range") {
            return Err(wrong("`range` is not known here"));
        } else {
            let root = if inside.starts_with('$') { inside.to_owned() } else { format!("${inside}") };
            out.push_str(&query(&root, path, value)?.join(" "));
        }
        rest = tail;
    }
    out.push_str(rest);
    if !out.ends_with('\n') {
        out.push('\n');
    }
    Ok(out)
}

fn query(query: &str, written: &str, value: &Value) -> Result<Vec<String>, Diagnostic> {
    let parsed = parse_json_path(query).map_err(|e| {
        let why = e.to_string();
        let why = why.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or("it cannot be read").trim_start_matches("= ").to_owned();
        Diagnostic::error("json-path", format!("`{written}` is no JSONPath: {why}"))
            .hint("`{.items[*].image}` as in kubectl, or RFC 9535: `$.items[?@.pinned == false].image`")
    })?;
    let found = js_path_process(&parsed, value).unwrap_or_default();
    Ok(found.into_iter().map(|f| f.val.as_str().map_or_else(|| f.val.to_string(), str::to_owned)).collect())
}

/// Rows as columns, each as wide as its widest cell.
pub(super) fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let widths: Vec<usize> =
        (0..columns).map(|c| rows.iter().filter_map(|r| r.get(c)).map(|t| t.chars().count()).max().unwrap_or(0)).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}
