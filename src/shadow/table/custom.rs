//! The columns and cells of custom resources: what their definition says, in JSONPath.
//!
//! Follows apiextensions-apiserver `pkg/registry/customresource/tableconvertor/tableconvertor.go`.

use super::age;
use super::cell::{Cell, Row};
use super::jsonpath::{self, JsonPath};
use crate::object::{Number, Value, integer, json, sorted_json, text};
use crate::simulate::custom::Definition;

/// A column that a definition asks for.
#[derive(Debug)]
pub(super) struct Column {
    definition: Value,
    path: JsonPath,
}

/// The columns of a definition behind the name, up to the first whose path cannot be read; the age if it names none.
pub(super) fn columns(definition: &Definition, created: &str) -> Vec<Column> {
    let columns = definition.printer_columns();
    if columns.is_empty() {
        let age = json!({"name": "Age", "type": "date", "jsonPath": ".metadata.creationTimestamp", "description": created});
        return column(&age).into_iter().collect();
    }
    columns.iter().map_while(column).collect()
}

fn column(given: &Value) -> Option<Column> {
    let path = text(given, &["jsonPath"]);
    let description = match text(given, &["description"]) {
        "" => format!("Custom resource definition column (in JSONPath format): {path}"),
        told => told.to_owned(),
    };
    let definition = json!({
        "name": given["name"], "type": given["type"], "format": text(given, &["format"]), "description": description,
        "priority": integer(given, &["priority"]).unwrap_or_default(),
    });
    Some(Column { definition, path: jsonpath::parse(path)? })
}

impl Column {
    /// The column as a table defines it.
    pub(super) fn definition(&self) -> Value {
        self.definition.clone()
    }

    /// Its cell: the first of what the path finds, null if that is not of the column's type.
    pub(super) fn cell(&self, row: &Row<'_>) -> Value {
        let found = self.path.find(row.object);
        let Some(value) = found.as_ref().and_then(|f| f.first()) else { return Value::Null };
        match (text(&self.definition, &["type"]), value) {
            ("string", value) => printed(value).into(),
            ("integer", Value::Number(number)) => whole(number),
            ("number", Value::Number(_)) | ("boolean", Value::Bool(_)) => Value::clone(value),
            ("date", Value::String(time)) => date(row, time).into(),
            _ => Value::Null,
        }
    }
}

/// The name's cell and those of the columns.
pub(super) fn cells(columns: &[Column], row: &Row<'_>) -> Vec<Value> {
    std::iter::once(Cell::Name.of(row)).chain(columns.iter().map(|c| c.cell(row))).collect()
}

/// A number as Go makes it an `int64`: what does not fit becomes the least.
fn whole(number: &Number) -> Value {
    let cut = || number.as_f64().filter(|f| f.abs() < i64::MAX as f64).map_or(i64::MIN, |f| f as i64);
    number.as_i64().unwrap_or_else(cut).into()
}

fn date(row: &Row<'_>, time: &str) -> String {
    if matches!(time, "" | "null") {
        return "<unknown>".into();
    }
    // RFC 3339 to the letter; the library reads more than that.
    let mark = |at: usize, wanted: u8| time.as_bytes().get(at) == Some(&wanted);
    let strict = mark(10, b'T') && mark(13, b':') && mark(16, b':');
    row.clock.seconds_since(time).filter(|_| strict).map_or_else(|| "<invalid>".into(), age::human)
}

/// A value as Go prints it: text bare, maps and lists as JSON.
fn printed(value: &Value) -> String {
    match value {
        Value::Null => "<no value>".into(),
        Value::String(text) => text.to_string(),
        Value::Number(number) if !number.is_i64() && !number.is_u64() => number.as_f64().map_or_else(String::new, float),
        Value::Object(_) | Value::Array(_) => sorted_json(value).replace('&', "\\u0026").replace('<', "\\u003c").replace('>', "\\u003e"),
        other => other.to_string(),
    }
}

/// A float as `%v` prints it: with an exponent below 1e-4 and from 1e21.
fn float(number: f64) -> String {
    let spelled = format!("{number:e}");
    let (digits, exponent) = spelled.split_once('e').unwrap_or((&spelled, "0"));
    match exponent.parse::<i32>().unwrap_or_default() {
        -4..21 => number.to_string(),
        exponent => format!("{digits}e{}{:02}", if exponent < 0 { '-' } else { '+' }, exponent.abs()),
    }
}
