//! JSON objects become protobuf, byte for byte as Kubernetes' generated code writes them.
//!
//! Follows apimachinery `pkg/runtime/serializer/protobuf/protobuf.go`, `pkg/util/framer/framer.go` and the rules of gogo's generator:
//! fields in the order of their numbers; what Go holds by value is written even if it is zero, what it points to if it is there.

use super::{Either, MAGIC, below, either, number, on_the_wire, type_of};
use crate::object::{Gvk, Map, Value, base64, text};
use crate::schema::{Field, Scalar, Schema, StructType, Type};
use std::collections::BTreeMap;

/// Encodes an object with the envelope that says what it is; none if the schema does not have its kind.
pub(in crate::shadow) fn encode(schema: &'static Schema, object: &Value) -> Option<Vec<u8>> {
    let ty = type_of(schema, &Gvk::of(object))?;
    let (mut names, mut envelope, mut out) = (Vec::new(), Vec::new(), MAGIC.to_vec());
    bytes(&mut names, 1, text(object, &["apiVersion"]).as_bytes());
    bytes(&mut names, 2, text(object, &["kind"]).as_bytes());
    bytes(&mut envelope, 1, &names);
    bytes(&mut envelope, 2, &message(schema, &ty, Some(object)));
    // How the object itself is encoded or typed: as the envelope is.
    bytes(&mut envelope, 3, b"");
    bytes(&mut envelope, 4, b"");
    out.append(&mut envelope);
    Some(out)
}

/// An event of a watch, with its length before it.
pub(in crate::shadow) fn event(schema: &'static Schema, kind: &str, object: &Value) -> Option<Vec<u8>> {
    let (mut event, mut extension) = (Vec::new(), Vec::new());
    bytes(&mut extension, 1, &encode(schema, object)?);
    bytes(&mut event, 1, kind.as_bytes());
    bytes(&mut event, 2, &extension);
    let mut frame = u32::try_from(event.len()).ok()?.to_be_bytes().to_vec();
    frame.append(&mut event);
    Some(frame)
}

fn varint(out: &mut Vec<u8>, mut value: u64) {
    while value > 0x7f {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn bytes(out: &mut Vec<u8>, number: u64, held: &[u8]) {
    varint(out, number << 3 | 2);
    varint(out, held.len() as u64);
    out.extend_from_slice(held);
}

fn integer(out: &mut Vec<u8>, number: u64, value: i64) {
    varint(out, number << 3);
    varint(out, value.cast_unsigned());
}

/// A field of a message, or the message of an embedded struct.
enum Part<'s> {
    Field(&'s Field),
    Embedded(&'s str),
}

/// A struct's message.
fn message(schema: &'static Schema, ty: &Type, value: Option<&Value>) -> Vec<u8> {
    let mut out = Vec::new();
    match schema.fields(ty) {
        Some(fields) => fill(schema, fields, "", value.and_then(Value::as_object), &mut out),
        None => raw(value, &mut out),
    }
    out
}

fn fill(schema: &'static Schema, fields: &StructType, embedded: &str, object: Option<&Map>, out: &mut Vec<u8>) {
    let mut parts = BTreeMap::new();
    for field in fields.fields.iter().filter(|f| on_the_wire(f)) {
        if field.embedded == embedded {
            parts.insert(number(&field.protobuf), Part::Field(field));
        } else if let Some((inner, number)) = below(fields, field, embedded) {
            parts.insert(number, Part::Embedded(inner));
        }
    }
    for (number, part) in parts {
        match part {
            Part::Field(field) => {
                let value = object.and_then(|o| o.get(&field.name)).filter(|v| !v.is_null());
                put(schema, fields, field, number, value, out);
            }
            Part::Embedded(path) => {
                let mut inner = Vec::new();
                fill(schema, fields, path, object, &mut inner);
                bytes(out, number, &inner);
            }
        }
    }
}

fn put(schema: &'static Schema, of: &StructType, field: &Field, number: u64, value: Option<&Value>, out: &mut Vec<u8>) {
    let either = either(of, field);
    match &field.ty {
        Type::List(list) => {
            for item in value.and_then(Value::as_array).into_iter().flatten() {
                one(schema, &list.item, number, Some(item), None, out);
            }
        }
        Type::Map(map) => {
            let mut entries: Vec<_> = value.and_then(Value::as_object).into_iter().flatten().collect();
            entries.sort_unstable_by(|a, b| a.0.cmp(b.0));
            for (key, held) in entries {
                let mut entry = Vec::new();
                bytes(&mut entry, 1, key.as_bytes());
                match &map.value {
                    // Lists in maps are messages of their own.
                    Type::List(list) => {
                        let mut items = Vec::new();
                        held.as_array().into_iter().flatten().for_each(|item| one(schema, &list.item, 1, Some(item), None, &mut items));
                        bytes(&mut entry, 2, &items);
                    }
                    ty => one(schema, ty, 2, Some(held), None, &mut entry),
                }
                bytes(out, number, &entry);
            }
        }
        // A slice of bytes that is nil is not written, though Go holds it by value.
        ty => {
            if value.is_some() || !field.pointer && !matches!(ty, Type::Scalar(Scalar::Bytes)) {
                one(schema, ty, number, value, either, out);
            }
        }
    }
}

/// One value; the type's zero if there is none.
fn one(schema: &'static Schema, ty: &Type, number: u64, value: Option<&Value>, either: Option<Either>, out: &mut Vec<u8>) {
    match (ty, either) {
        (Type::Scalar(kind), _) => scalar(*kind, number, value, out),
        (_, Some(either)) => bytes(out, number, &schema_or(schema, either, value)),
        // Only structs with that name hold a list under it.
        (Type::Struct(inline), _) if inline.name == "Verbs" => {
            let mut items = Vec::new();
            for item in value.and_then(Value::as_array).into_iter().flatten() {
                bytes(&mut items, 1, item.as_str().unwrap_or_default().as_bytes());
            }
            bytes(out, number, &items);
        }
        _ => bytes(out, number, &message(schema, ty, value)),
    }
}

fn scalar(kind: Scalar, number: u64, value: Option<&Value>, out: &mut Vec<u8>) {
    let string = || value.and_then(Value::as_str).unwrap_or_default();
    let whole = || value.and_then(Value::as_i64).unwrap_or_default();
    match kind {
        Scalar::String => bytes(out, number, string().as_bytes()),
        Scalar::Bool => integer(out, number, i64::from(value.and_then(Value::as_bool).unwrap_or_default())),
        Scalar::Int32 | Scalar::Int64 => integer(out, number, whole()),
        Scalar::Float => {
            varint(out, number << 3 | 1);
            out.extend_from_slice(&value.and_then(Value::as_f64).unwrap_or_default().to_le_bytes());
        }
        Scalar::Bytes => bytes(out, number, &base64::decode(string()).unwrap_or_default()),
        Scalar::Quantity => {
            let written = value.map_or_else(|| "0".to_owned(), |v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
            let mut inner = Vec::new();
            bytes(&mut inner, 1, written.as_bytes());
            bytes(out, number, &inner);
        }
        Scalar::IntOrString => {
            let (mut inner, text) = (Vec::new(), value.and_then(Value::as_str));
            integer(&mut inner, 1, i64::from(text.is_some()));
            integer(&mut inner, 2, whole());
            bytes(&mut inner, 3, text.unwrap_or_default().as_bytes());
            bytes(out, number, &inner);
        }
        Scalar::Time | Scalar::MicroTime => {
            let mut inner = Vec::new();
            if let Ok(at) = string().parse::<jiff::Timestamp>() {
                let micro = if kind == Scalar::MicroTime { i64::from(at.subsec_nanosecond()) / 1_000 * 1_000 } else { 0 };
                integer(&mut inner, 1, at.as_second());
                integer(&mut inner, 2, micro);
            }
            bytes(out, number, &inner);
        }
        Scalar::Duration => {
            let mut inner = Vec::new();
            integer(&mut inner, 1, nanoseconds(string()));
            bytes(out, number, &inner);
        }
    }
}

/// A Go duration in nanoseconds: `1h0m0s`.
fn nanoseconds(text: &str) -> i64 {
    let (negative, mut rest) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (amount, after) = rest.split_at(digits);
        let unit = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(unit);
        let worth = match unit {
            "ns" => 1.0,
            "us" | "µs" => 1e3,
            "ms" => 1e6,
            "s" => 1e9,
            "m" => 60e9,
            "h" => 3_600e9,
            _ => return 0,
        };
        total += amount.parse::<f64>().unwrap_or_default() * worth;
        rest = after;
    }
    // Longer than any duration of Kubernetes it would have to be to lose anything here.
    #[allow(clippy::cast_possible_truncation, reason = "durations are whole nanoseconds far below 2^53")]
    let whole = total.round() as i64;
    if negative { -whole } else { whole }
}

/// What a custom resource's schema gives as a schema or as something else.
fn schema_or(schema: &'static Schema, either: Either, value: Option<&Value>) -> Vec<u8> {
    let mut out = Vec::new();
    let props = either.props(schema);
    let held = value.filter(|v| v.is_object()).map(|v| message(schema, &props, Some(v)));
    match either {
        Either::Bool => {
            integer(&mut out, 1, i64::from(held.is_some() || value == Some(&Value::Bool(true))));
            held.iter().for_each(|s| bytes(&mut out, 2, s));
        }
        Either::List => {
            held.iter().for_each(|s| bytes(&mut out, 1, s));
            for item in value.and_then(Value::as_array).into_iter().flatten() {
                bytes(&mut out, 2, &message(schema, &props, Some(item)));
            }
        }
    }
    out
}

/// JSON within a message of one field: `RawExtension`, `FieldsV1`.
fn raw(value: Option<&Value>, out: &mut Vec<u8>) {
    if let Some(value) = value {
        bytes(out, 1, value.to_string().as_bytes());
    }
}
