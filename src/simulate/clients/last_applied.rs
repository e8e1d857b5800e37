//! The annotation in which kubectl keeps what was applied last.
//!
//! Follows kubectl `pkg/util/apply.go`; the text is what Go's JSON encoder writes, newline included.

use crate::object::{Map, Value, at, map_at};

/// The annotation's key.
pub(super) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// A manifest with its own text in the annotation. An empty map of annotations is made, and stands in the text, where there is none.
pub(super) fn annotated(mut manifest: Value) -> Value {
    let annotations = map_at(&mut manifest, &["metadata", "annotations"]);
    annotations.shift_remove(LAST_APPLIED);
    let text = go_json(&manifest) + "\n";
    map_at(&mut manifest, &["metadata", "annotations"]).insert(LAST_APPLIED.into(), text.into());
    manifest
}

/// What was applied last, from a live object; null if it does not say.
pub(super) fn last_applied(live: &Value) -> Value {
    let text = at(live, &["metadata", "annotations", LAST_APPLIED]).and_then(Value::as_str);
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// JSON as Go writes it: keys sorted, `<`, `>`, `&` and the two line separators escaped, whole floats without a fraction.
fn go_json(value: &Value) -> String {
    let mut out = String::new();
    write(value, &mut out);
    out
}

fn write(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => write_map(map, out),
        Value::Array(list) => {
            out.push('[');
            for (i, item) in list.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                write(item, out);
            }
            out.push(']');
        }
        Value::String(text) => write_string(text, out),
        Value::Number(number) if number.is_f64() => out.push_str(&go_float(number.as_f64().unwrap_or_default())),
        other => out.push_str(&other.to_string()),
    }
}

fn write_map(map: &Map<String, Value>, out: &mut String) {
    let mut entries: Vec<(&String, &Value)> = map.iter().collect();
    entries.sort_by_key(|(key, _)| *key);
    out.push('{');
    for (i, (key, value)) in entries.into_iter().enumerate() {
        out.push_str(if i == 0 { "" } else { "," });
        write_string(key, out);
        out.push(':');
        write(value, out);
    }
    out.push('}');
}

fn write_string(text: &str, out: &mut String) {
    for c in Value::from(text).to_string().chars() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            other => out.push(other),
        }
    }
}

/// Shortest digits; an exponent below 1e-6 and from 1e21 on.
fn go_float(number: f64) -> String {
    let size = number.abs();
    if size != 0.0 && !(1e-6..1e21).contains(&size) {
        let text = format!("{number:e}");
        return if text.contains("e-") { text } else { text.replace('e', "e+") };
    }
    format!("{number}")
}
