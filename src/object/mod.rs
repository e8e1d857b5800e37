//! Kubernetes objects as data: values, identities, quantities, YAML and JSON text.
//!
//! Knows no kind by name and no schema. Objects are values in the API's own JSON form, never typed structs: a typed struct
//! silently drops the fields it does not know.

pub mod base64;
mod id;
mod id_map;
pub mod json_text;
pub mod path;
pub mod quantity;
pub mod selector;
mod value;
pub mod yaml;

pub use id::{Gvk, ObjectId};
pub use id_map::IdMap;
pub use value::{Entry, Fact, List, Map, Number, Pool, Text, ToValue, TypeMark, Value, json, sorted_json};

/// The value at a path of map keys, if every step is there.
#[inline]
pub fn at<'v>(value: &'v Value, path: &[&str]) -> Option<&'v Value> {
    path.iter().try_fold(value, |v, key| v.get(key))
}

/// The string at a path of map keys; the empty string if it is not there or is no string.
#[inline]
pub fn text<'v>(value: &'v Value, path: &[&str]) -> &'v str {
    at(value, path).and_then(Value::as_str).unwrap_or_default()
}

/// The integer at a path of map keys, if it is there and is one.
#[inline]
pub fn integer(value: &Value, path: &[&str]) -> Option<i64> {
    at(value, path).and_then(Value::as_i64)
}

/// The items of the list at a path of map keys; none if it is not there or is no list.
#[inline]
pub fn items<'v>(value: &'v Value, path: &[&str]) -> &'v [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The map at a path of keys, made (and made a map) if it is not there.
pub fn map_at<'v>(value: &'v mut Value, path: &[&str]) -> &'v mut Map {
    let mut here = value;
    for key in path {
        here = as_map(here).entry(*key).or_insert_with(|| Value::Object(Map::new()));
    }
    as_map(here)
}

fn as_map(value: &mut Value) -> &mut Map {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    match value {
        Value::Object(map) => map,
        _ => unreachable!("made a map above"),
    }
}

/// What Go's decoders call a JSON value in an error.
pub fn json_kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "bool",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
