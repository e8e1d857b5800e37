//! Texts as Go writes them: quoted strings, numbers, and JSON. Errors and owned paths show values so.
//!
//! Follows Go's `strconv.Quote`, `fmt` (`%v`, `%#v`) and `encoding/json`.

use crate::object::{Number, Text, Value};
use std::fmt::Write;

/// A string as `%q` prints it.
pub(crate) fn quoted(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{7}' => out.push_str("\\a"),
            '\u{8}' => out.push_str("\\b"),
            '\u{b}' => out.push_str("\\v"),
            '\u{c}' => out.push_str("\\f"),
            c if printable(c) => out.push(c),
            c if (c as u32) < 0x80 => push(&mut out, format_args!("\\x{:02x}", c as u32)),
            c if (c as u32) < 0x1_0000 => push(&mut out, format_args!("\\u{:04x}", c as u32)),
            c => push(&mut out, format_args!("\\U{:08x}", c as u32)),
        }
    }
    out.push('"');
    out
}

/// Letters, marks, numbers, punctuation, symbols and the ASCII space; not the separators, controls and format characters.
fn printable(c: char) -> bool {
    let invisible = matches!(c, '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{206f}' | '\u{e000}'..='\u{f8ff}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{f0000}'..);
    c == ' ' || !(c.is_control() || c.is_whitespace() || invisible)
}

/// A number as `%v` prints it: as an integer where it is one, else in the shortest form.
pub(super) fn number(n: &Number) -> String {
    match (n.as_i64(), n.as_f64()) {
        (Some(i), _) => i.to_string(),
        (None, Some(f)) => float(f, 1e-4, 2),
        (None, None) => n.to_string(),
    }
}

/// A number as Go's JSON encoder writes it.
pub(super) fn json_number(n: &Number) -> String {
    match (n.as_i64(), n.as_f64()) {
        (Some(i), _) => i.to_string(),
        (None, Some(f)) => float(f, 1e-6, 1),
        (None, None) => n.to_string(),
    }
}

/// Without an exponent from `least` up to 10^21; the exponent has a sign and at least `digits` digits.
fn float(f: f64, least: f64, digits: usize) -> String {
    if f == 0.0 || (f.abs() >= least && f.abs() < 1e21) {
        return f.to_string();
    }
    let text = format!("{f:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(("+", exponent), |rest| ("-", rest));
    format!("{mantissa}e{sign}{exponent:0>digits$}")
}

/// Appends a JSON string; `html` also escapes what a browser could take for markup, as Go does unless told otherwise.
pub(super) fn push_json_string(out: &mut String, text: &str, html: bool) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' if html => push(out, format_args!("\\u{:04x}", c as u32)),
            c if (c as u32) < 0x20 => push(out, format_args!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// Appends a value as `encoding/json` writes a map: keys sorted, markup escaped.
pub(crate) fn push_json(out: &mut String, value: &Value) {
    match value {
        Value::Null => out.push_str("null"),
        Value::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Value::Number(n) => out.push_str(&json_number(n)),
        Value::String(s) => push_json_string(out, s, true),
        Value::Array(list) => {
            for (i, item) in list.iter().enumerate() {
                out.push(if i == 0 { '[' } else { ',' });
                push_json(out, item);
            }
            out.push_str(if list.is_empty() { "[]" } else { "]" });
        }
        Value::Object(map) => {
            let mut keys: Vec<&Text> = map.keys().collect();
            keys.sort();
            for (i, key) in keys.iter().enumerate() {
                out.push(if i == 0 { '{' } else { ',' });
                push_json_string(out, key, true);
                out.push(':');
                push_json(out, &map[*key]);
            }
            out.push_str(if map.is_empty() { "{}" } else { "}" });
        }
    }
}

/// A value as `%v` prints it, decoded without types.
pub(crate) fn plain(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".to_owned(),
        Value::Bool(b) => b.to_string(),
        Value::Number(n) => number(n),
        Value::String(s) => s.clone().into(),
        Value::Array(list) => format!("[{}]", list.iter().map(plain).collect::<Vec<_>>().join(" ")),
        Value::Object(map) => {
            let mut keys: Vec<&Text> = map.keys().collect();
            keys.sort();
            format!("map[{}]", keys.iter().map(|k| format!("{k}:{}", plain(&map[*k]))).collect::<Vec<_>>().join(" "))
        }
    }
}

/// A value as `%#v` prints it, decoded without types.
pub(super) fn source(value: &Value) -> String {
    match value {
        Value::Null => "interface {}(nil)".to_owned(),
        Value::String(s) => quoted(s),
        Value::Array(list) => format!("[]interface {{}}{{{}}}", list.iter().map(source).collect::<Vec<_>>().join(", ")),
        Value::Object(map) => {
            let mut keys: Vec<&Text> = map.keys().collect();
            keys.sort();
            let entries: Vec<String> = keys.iter().map(|k| format!("{}:{}", quoted(k), source(&map[*k]))).collect();
            format!("map[string]interface {{}}{{{}}}", entries.join(", "))
        }
        other => plain(other),
    }
}

/// The Go type of a value decoded without types, as `%T` prints it.
pub(super) fn type_name(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.as_i64().is_some() => "int64",
        Value::Number(_) => "float64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes all text");
}

/// What Go calls the type that it holds an untyped JSON value in.
pub(crate) fn go_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "<nil>",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "[]interface {}",
        Value::Object(_) => "map[string]interface {}",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json;

    #[test]
    fn numbers_and_strings_as_go_prints_them() {
        let n = |v: Value| v.as_number().cloned().unwrap();
        assert_eq!(number(&n(json!(53.0))), "53");
        assert_eq!(number(&n(json!(0.00001))), "1e-05");
        assert_eq!(json_number(&n(json!(1e-7))), "1e-7");
        assert_eq!(json_number(&n(json!(1e21))), "1e+21");
        assert_eq!(quoted("a\u{a0}\"\u{1}ø🚀"), "\"a\\u00a0\\\"\\x01ø🚀\"");
        assert_eq!(source(&json!({"b": [1, "x"], "a": true})), r#"map[string]interface {}{"a":true, "b":[]interface {}{1, "x"}}"#);
        assert_eq!(plain(&json!({"b": [1, "x"], "a": null})), "map[a:<nil> b:[1 x]]");
    }
}
