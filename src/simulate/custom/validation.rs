//! Values against the OpenAPI schema of a definition, with the errors, their order and their texts.
//!
//! Follows kube-openapi `pkg/validation/validate` and `pkg/validation/errors`, and apiextensions-apiserver
//! `pkg/apiserver/validation/{validation,ratcheting}.go`: what was wrong before and has not changed may stay.

use super::formats;
use crate::object::{Map, Text, Value, items, path::FieldPath, text};
use crate::simulate::status::{Cause, quoted, shown};
use regex::Regex;

/// What came of a value and a schema. Of several schemas of which one must hold, the one with the most matches tells its errors.
#[derive(Default)]
struct Findings {
    faults: Vec<Fault>,
    matches: usize,
}

/// One error: where, what, and the text by which equal ones are told.
struct Fault {
    at: Option<String>,
    kind: Kind,
    text: String,
}

enum Kind {
    Required,
    Invalid(String),
    Type(String),
    Unsupported(String, Vec<String>),
    TooLong(i64),
    TooMany(usize, i64),
}

impl Findings {
    fn merge(&mut self, other: Self) {
        for fault in other.faults {
            self.add(fault);
        }
        self.matches += other.matches;
    }

    fn add(&mut self, fault: Fault) {
        if !self.faults.iter().any(|f| f.text == fault.text) {
            self.faults.push(fault);
        }
    }

    /// An error about `at`, `at in body …`.
    fn about(&mut self, at: &str, kind: Kind, what: &str) {
        self.add(Fault { at: Some(at.to_owned()), kind, text: format!("{at} in body {what}") });
    }

    /// An error that is of no field.
    fn general(&mut self, text: String) {
        self.add(Fault { at: None, kind: Kind::Invalid("\"\"".into()), text });
    }

    fn valid(&self) -> bool {
        self.faults.is_empty()
    }
}

/// What is wrong with a value. `old` is what it was, if it was something; `root` is the path of the value.
pub(super) fn causes(schema: &Value, value: &Value, old: Option<&Value>, root: &str) -> Vec<Cause> {
    node(schema, value, "", old).faults.iter().map(|fault| cause(fault, root)).collect()
}

fn cause(fault: &Fault, root: &str) -> Cause {
    let below = fault.at.as_deref().unwrap_or_default().trim_start_matches('.');
    let field = match (root, below) {
        ("", "") => "<nil>".to_owned(),
        ("", below) => below.to_owned(),
        (root, "") => root.to_owned(),
        (root, below) => format!("{root}.{below}"),
    };
    let at = FieldPath::new(&field);
    match &fault.kind {
        Kind::Required => Cause::required(&at, ""),
        Kind::Invalid(value) => Cause::invalid(&at, value, &fault.text),
        Kind::Type(value) => Cause { reason: "FieldValueTypeInvalid", ..Cause::invalid(&at, value, &fault.text) },
        Kind::Unsupported(value, allowed) => {
            let allowed: Vec<&str> = allowed.iter().map(String::as_str).collect();
            Cause::not_supported(&at, value, &allowed)
        }
        Kind::TooLong(most) => {
            let bytes = if *most == 1 { "byte" } else { "bytes" };
            Cause { reason: "FieldValueTooLong", message: format!("Too long: may not be more than {most} {bytes}"), field }
        }
        Kind::TooMany(count, most) => {
            let items = if *most == 1 { "item" } else { "items" };
            Cause { reason: "FieldValueTooMany", message: format!("Too many: {count}: must have at most {most} {items}"), field }
        }
    }
}

/// A value as it was and has not changed is no error.
fn node(schema: &Value, value: &Value, at: &str, old: Option<&Value>) -> Findings {
    let mut found = plain(schema, value, at, old);
    if !found.valid() && old == Some(value) {
        found.faults.clear();
    }
    found
}

fn plain(schema: &Value, value: &Value, at: &str, old: Option<&Value>) -> Findings {
    let mut found = Findings::default();
    if !schema.is_object() {
        return found;
    }
    if value.is_null() {
        found.merge(types(schema, value, at));
        found.merge(allowed(schema, value, at));
        return found;
    }
    let format = format_of(schema);
    if !wanted_types(schema).is_empty() || !format.is_empty() {
        found.merge(types(schema, value, at));
        found.matches += 1;
    }
    found.merge(junctors(schema, value, at, old));
    found.matches += 1;
    match value {
        Value::String(text) => {
            found.merge(string(schema, text, at));
            found.matches += 1;
            if formats::known(format) {
                if !formats::has(format, text) {
                    found.about(at, Kind::Type(quoted(text)), &format!("must be of type {format}: {}", quoted(text)));
                }
                found.matches += 1;
            }
        }
        Value::Number(_) => {
            found.merge(number(schema, value, format, at));
            found.matches += 1;
        }
        Value::Array(list) => {
            found.merge(array(schema, list, at, old));
            found.matches += 1;
        }
        _ => {}
    }
    found.merge(allowed(schema, value, at));
    found.matches += 1;
    if let Value::Object(map) = value {
        found.merge(object(schema, map, at, old));
        found.matches += 1;
    }
    found.matches += 1;
    found
}

fn wanted_types(schema: &Value) -> Vec<&str> {
    match (schema["x-kubernetes-int-or-string"] == true, text(schema, &["type"])) {
        (true, _) => vec!["integer", "string"],
        (false, "") => Vec::new(),
        (false, one) => vec![one],
    }
}

/// The format, if the server knows it for the type (`formats.go:StripUnsupportedFormatsPostProcess`).
fn format_of(schema: &Value) -> &str {
    let format = text(schema, &["format"]);
    let supported = match &wanted_types(schema)[..] {
        ["integer"] => matches!(format, "int32" | "int64"),
        ["number"] => matches!(format, "float" | "double"),
        [] | ["string"] | [_, _] => formats::known(format),
        _ => false,
    };
    if supported { format } else { "" }
}

fn type_of(value: &Value) -> (&'static str, &'static str) {
    match value {
        Value::Null => ("null", ""),
        Value::Bool(_) => ("boolean", ""),
        Value::Number(n) if n.is_f64() => ("number", "float64"),
        Value::Number(_) => ("integer", "int64"),
        Value::String(_) => ("string", ""),
        Value::Array(_) => ("array", ""),
        Value::Object(_) => ("object", ""),
    }
}

fn types(schema: &Value, value: &Value, at: &str) -> Findings {
    let (wanted, format) = (wanted_types(schema), format_of(schema));
    let mismatch = |wanted: &str, is: &str| {
        let mut found = Findings::default();
        found.about(at, Kind::Type(quoted(is)), &format!("must be of type {wanted}: {}", quoted(is)));
        found
    };
    if value.is_null() {
        let refused = !wanted.is_empty() && schema["nullable"] != true;
        return if refused { mismatch(&wanted.join(","), "null") } else { Findings { matches: 1, ..Findings::default() } };
    }
    let (is, is_format) = type_of(value);
    let whole = value.as_f64().is_some_and(|n| n.fract() == 0.0);
    let fits =
        wanted.contains(&is) || (is == "number" && whole && wanted.contains(&"integer")) || (is == "integer" && wanted.contains(&"number"));
    let text_like = matches!(value, Value::String(_) | Value::Array(_));
    let numeric = wanted.contains(&"number") || wanted.contains(&"integer");
    if !text_like && !format.is_empty() && !fits && is_format != format {
        return mismatch(format, is_format);
    }
    if !(numeric || format.is_empty() || !text_like) || fits {
        return Findings { matches: 1, ..Findings::default() };
    }
    mismatch(&wanted.join(","), is)
}

fn allowed(schema: &Value, value: &Value, at: &str) -> Findings {
    let allowed = items(schema, &["enum"]);
    let same = |a: &Value| a == value || a.as_f64().zip(value.as_f64()).is_some_and(|(a, b)| a == b);
    if allowed.is_empty() || allowed.iter().any(same) {
        return Findings::default();
    }
    let names = allowed.iter().map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned)).collect::<Vec<_>>();
    let what = format!("should be one of [{}]", names.join(" "));
    let mut found = Findings::default();
    found.about(at, Kind::Unsupported(shown(value), names), &what);
    found
}

fn string(schema: &Value, value: &str, at: &str) -> Findings {
    let length = value.chars().count() as i64;
    let mut found = Findings::default();
    if let Some(most) = schema["maxLength"].as_i64().filter(|most| length > *most) {
        found.about(at, Kind::TooLong(most), &format!("should be at most {most} chars long"));
    } else if let Some(least) = schema["minLength"].as_i64().filter(|least| length < *least) {
        found.about(at, Kind::Invalid(quoted(value)), &format!("should be at least {least} chars long"));
    } else if let Some(pattern) = schema["pattern"].as_str().filter(|p| !p.is_empty() && Regex::new(p).is_ok_and(|r| !r.is_match(value))) {
        found.about(at, Kind::Invalid(quoted(value)), &format!("should match '{pattern}'"));
    }
    found
}

/// A bound as Go shows it: whole for whole numbers.
fn bound(bound: f64, value: &Value) -> String {
    if value.is_f64() { bound.to_string() } else { format!("{bound:.0}", bound = bound.trunc()) }
}

fn number(schema: &Value, value: &Value, format: &str, at: &str) -> Findings {
    let mut found = Findings { matches: 1, ..Findings::default() };
    let n = value.as_f64().unwrap_or_default();
    if format.is_empty() && wanted_types(schema) == ["integer"] && n.fract() != 0.0 {
        found.general(format!("Checked value must be of type integer (default format) in {at}"));
    }
    let out_of_range = match format {
        "int32" => n < f64::from(i32::MIN) || n > f64::from(i32::MAX),
        "float" => n.abs() > f64::from(f32::MAX),
        _ => false,
    };
    if out_of_range {
        let ty = text(schema, &["type"]);
        found.general(format!("Checked value must be of type {ty} with format {format} in {at}"));
    }
    // Go compares whole numbers with the whole part of a bound.
    let limit = |key: &str| schema[key].as_f64().map(|limit| if value.is_f64() { limit } else { limit.trunc() });
    let invalid = || Kind::Invalid(value.to_string());
    if let Some(factor) = limit("multipleOf").filter(|factor| *factor > 0.0 && (n / factor).fract() != 0.0) {
        found.about(at, invalid(), &format!("should be a multiple of {}", bound(factor, value)));
    }
    let exclusive = schema["exclusiveMinimum"] == true;
    if let Some(least) = limit("minimum").filter(|least| n < *least || (exclusive && n == *least)) {
        let than = if exclusive { "greater than" } else { "greater than or equal to" };
        found.about(at, invalid(), &format!("should be {than} {}", bound(least, value)));
    }
    let exclusive = schema["exclusiveMaximum"] == true;
    if let Some(most) = limit("maximum").filter(|most| n > *most || (exclusive && n == *most)) {
        let than = if exclusive { "less than" } else { "less than or equal to" };
        found.about(at, invalid(), &format!("should be {than} {}", bound(most, value)));
    }
    found
}

fn array(schema: &Value, list: &[Value], at: &str, old: Option<&Value>) -> Findings {
    let mut found = Findings { matches: 1, ..Findings::default() };
    if schema["items"].is_object() {
        for (i, value) in list.iter().enumerate() {
            found.merge(node(&schema["items"], value, &format!("{at}[{i}]"), old_item(schema, value, old)));
        }
    }
    let count = list.len();
    if let Some(least) = schema["minItems"].as_i64().filter(|least| (count as i64) < *least) {
        found.about(at, Kind::Invalid(count.to_string()), &format!("should have at least {least} items"));
    }
    if let Some(most) = schema["maxItems"].as_i64().filter(|most| (count as i64) > *most) {
        found.about(at, Kind::TooMany(count, most), &format!("should have at most {most} items"));
    }
    if schema["uniqueItems"] == true && list.iter().enumerate().any(|(i, v)| list[..i].contains(v)) {
        found.about(at, Kind::Invalid("\"\"".into()), "shouldn't contain duplicates");
    }
    found
}

/// What an item was before: told by the keys of a list that has some.
fn old_item<'o>(schema: &Value, item: &Value, old: Option<&'o Value>) -> Option<&'o Value> {
    if schema["x-kubernetes-list-type"] != "map" {
        return None;
    }
    let keys = items(schema, &["x-kubernetes-list-map-keys"]);
    let same = |other: &&Value| keys.iter().filter_map(Value::as_str).all(|key| other[key] == item[key]);
    old?.as_array()?.iter().find(same)
}

fn object(schema: &Value, map: &Map, at: &str, old: Option<&Value>) -> Findings {
    let mut found = Findings::default();
    let count = map.len();
    if let Some(least) = schema["minProperties"].as_i64().filter(|least| (count as i64) < *least) {
        found.about(at, Kind::Invalid(count.to_string()), &format!("should have at least {least} properties"));
    }
    if let Some(most) = schema["maxProperties"].as_i64().filter(|most| (count as i64) > *most) {
        found.about(at, Kind::TooMany(count, most), &format!("should have at most {most} properties"));
    }
    let properties = schema["properties"].as_object();
    let declared = |name: &str| properties.is_some_and(|p| p.contains_key(name));
    let mut others: Vec<&Text> = map.keys().filter(|name| !declared(name)).collect();
    others.sort();
    for name in others {
        match &schema["additionalProperties"] {
            Value::Bool(false) => found.add(Fault {
                at: Some(at.to_owned()),
                kind: Kind::Invalid(quoted(name)),
                text: format!("{at}.{name} in body is a forbidden property"),
            }),
            more if more.is_object() => {
                found.merge(node(more, &map[name], &format!("{at}.{name}"), old.and_then(|o| o.get(name))));
            }
            _ => {}
        }
    }
    for (name, property) in properties.into_iter().flatten() {
        if let Some(value) = map.get(name) {
            let below = if at.is_empty() { name.to_string() } else { format!("{at}.{name}") };
            found.merge(node(property, value, &below, old.and_then(|o| o.get(name))));
        }
    }
    for name in items(schema, &["required"]).iter().filter_map(Value::as_str).filter(|name| !map.contains_key(name)) {
        found.about(&format!("{at}.{name}"), Kind::Required, "is required");
    }
    found
}

/// `anyOf`, `oneOf`, `allOf`, `not`.
fn junctors(schema: &Value, value: &Value, at: &str, old: Option<&Value>) -> Findings {
    let mut found = Findings::default();
    let each = |key: &str| items(schema, &[key]).iter().map(|s| plain(s, value, at, old)).collect::<Vec<_>>();
    let any = each("anyOf");
    if !any.is_empty() {
        match any.iter().position(Findings::valid) {
            Some(first) => any.into_iter().nth(first).into_iter().for_each(|f| found.merge(f)),
            None => {
                found.general(format!("{} must validate at least one schema (anyOf)", quoted(at)));
                most_matching(any).into_iter().for_each(|f| found.merge(f));
            }
        }
    }
    let one = each("oneOf");
    if !one.is_empty() {
        let valid = one.iter().filter(|f| f.valid()).count();
        let message = |more: &str| format!("{} must validate one and only one schema (oneOf). {more}", quoted(at));
        match valid {
            0 => {
                found.general(message("Found none valid"));
                most_matching(one).into_iter().for_each(|f| found.merge(f));
            }
            1 => one.into_iter().filter(Findings::valid).for_each(|f| found.merge(f)),
            many => found.general(message(&format!("Found {many} valid alternatives"))),
        }
    }
    let all = each("allOf");
    if !all.is_empty() {
        let (count, valid) = (all.len(), all.iter().filter(|f| f.valid()).count());
        all.into_iter().for_each(|f| found.merge(f));
        if valid < count {
            let none = if valid == 0 { ". None validated" } else { "" };
            found.general(format!("{} must validate all the schemas (allOf){none}", quoted(at)));
        }
    }
    if schema["not"].is_object() && plain(&schema["not"], value, at, old).valid() {
        found.general(format!("{} must not validate the schema (not)", quoted(at)));
    }
    found.matches += 1;
    found
}

/// The first of those with the most matches.
fn most_matching(all: Vec<Findings>) -> Option<Findings> {
    all.into_iter().reduce(|best, next| if next.matches > best.matches { next } else { best })
}
