//! Protobuf bodies of Kubernetes' own types become JSON, and JSON protobuf ([`encode`]).
//!
//! Follows apimachinery `pkg/runtime/serializer/protobuf/protobuf.go`: an envelope that says what the object is, then the object. What
//! a field is called and which number it has comes from the schema, so no kind is known here by name.

mod encode;
mod meta;

pub(super) use encode::{encode, event};

use crate::object::{Gvk, Map, Value, base64, map_at};
use crate::schema::{Field, Scalar, Schema, StructType, Type};

/// What every body begins with: the envelope `runtime.Unknown` comes after it.
const MAGIC: &[u8] = b"k8s\0";

/// Messages within messages; deeper than any object of Kubernetes.
const DEEPEST: usize = 64;

/// The kinds of options that go with every group.
const META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.";

/// Decodes a body.
///
/// # Errors
/// Why it is none, or that the schema does not have its kind.
pub(super) fn decode(schema: &'static Schema, bytes: &[u8]) -> Result<Value, String> {
    match bytes.strip_prefix(MAGIC) {
        None if bytes.is_empty() => Err("empty data".into()),
        Some([]) => Err("empty body".into()),
        Some(envelope) => read(schema, envelope),
        None => Err("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]".into()),
    }
}

fn read(schema: &'static Schema, envelope: &[u8]) -> Result<Value, String> {
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &b""[..]);
    for part in Parts(envelope) {
        match part? {
            (1, Wire::Bytes(meta)) => {
                for part in Parts(meta) {
                    match part? {
                        (1, Wire::Bytes(bytes)) => api_version = utf8(bytes)?,
                        (2, Wire::Bytes(bytes)) => kind = utf8(bytes)?,
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let gvk = Gvk::new(&api_version, &kind);
    let ty = type_of(schema, &gvk).ok_or_else(|| format!("no kind {kind:?} is registered for version {api_version:?}"))?;
    let mut object = message(schema, &ty, raw, 0)?;
    let map = map_at(&mut object, &[]);
    map.shift_insert(0, "kind".into(), kind.into());
    map.shift_insert(0, "apiVersion".into(), api_version.into());
    Ok(object)
}

/// One object or a list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shape {
    One,
    List,
}

/// The type of a kind: that of its resource or of a list of it, or one beside the types of its group version, or one of those that all
/// groups share.
fn type_of(schema: &'static Schema, gvk: &Gvk) -> Option<Type> {
    let stored = |kind: &str| schema.resource_of(&gvk.group, &gvk.version, kind).and_then(|r| r.ty.clone());
    if gvk.group == "meta.k8s.io" && gvk.kind.starts_with("PartialObjectMetadata") {
        return meta::metadata_only(schema, if gvk.kind.ends_with("List") { Shape::List } else { Shape::One });
    }
    let own = stored(&gvk.kind).or_else(|| gvk.kind.strip_suffix("List").and_then(stored).map(meta::list));
    own.or_else(|| {
        let mut beside = schema.resources().iter().filter(|r| r.group == gvk.group && r.version == gvk.version);
        let name = beside.find_map(|r| Some(schema.fields(r.ty.as_ref()?)?.name.as_str()))?;
        schema.named(&format!("{}.{}", name.rsplit_once('.')?.0, gvk.kind))
    })
    .or_else(|| schema.named(&format!("{META}{}", gvk.kind)))
    .or_else(|| meta::named(&gvk.kind))
}

/// Where a custom resource's schema has a schema or something else, which protobuf tells apart by the field
/// (`apiextensions/v1/types_jsonschema.go`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Either {
    /// Or several schemas.
    List,
    /// Or whether anything is allowed.
    Bool,
}

const PROPS: &str = "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.JSONSchemaProps";

impl Either {
    /// The type of the schema.
    fn props(self, schema: &'static Schema) -> Type {
        schema.named(PROPS).unwrap_or(Type::Any)
    }
}

/// Whether a field is one of those.
fn either(of: &StructType, field: &Field) -> Option<Either> {
    if of.name != PROPS {
        return None;
    }
    match field.name.as_str() {
        "items" => Some(Either::List),
        "additionalProperties" | "additionalItems" => Some(Either::Bool),
        _ => None,
    }
}

/// One value of a message as it stands on the wire.
enum Wire<'b> {
    Varint(u64),
    Fixed(u64),
    Bytes(&'b [u8]),
}

/// The fields of a message, as they come: number and value.
struct Parts<'b>(&'b [u8]);

impl<'b> Parts<'b> {
    fn varint(&mut self) -> Result<u64, String> {
        let (mut value, mut shift) = (0_u64, 0_u32);
        loop {
            let (byte, rest) = self.0.split_first().ok_or("unexpected EOF")?;
            self.0 = rest;
            let low = u64::from(byte & 0x7f);
            value |= low.checked_shl(shift).filter(|_| shift < 64).ok_or("proto: integer overflow")?;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
            shift += 7;
        }
    }

    fn take(&mut self, count: usize) -> Result<&'b [u8], String> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("unexpected EOF")?;
        self.0 = rest;
        Ok(taken)
    }

    fn part(&mut self) -> Result<(u64, Wire<'b>), String> {
        let tag = self.varint()?;
        let wire = match tag & 7 {
            0 => Wire::Varint(self.varint()?),
            1 => Wire::Fixed(u64::from_le_bytes(self.take(8)?.try_into().map_err(|_| "unexpected EOF")?)),
            2 => {
                let length = self.varint()?.cast_signed();
                let length = usize::try_from(length).map_err(|_| "proto: negative length found during unmarshaling")?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Fixed(u64::from(u32::from_le_bytes(self.take(4)?.try_into().map_err(|_| "unexpected EOF")?))),
            other => return Err(format!("proto: illegal wireType {other}")),
        };
        Ok((tag >> 3, wire))
    }
}

impl<'b> Iterator for Parts<'b> {
    type Item = Result<(u64, Wire<'b>), String>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let part = self.part();
        if part.is_err() {
            self.0 = &[];
        }
        Some(part)
    }
}

fn utf8(bytes: &[u8]) -> Result<String, String> {
    String::from_utf8(bytes.to_vec()).map_err(|e| e.to_string())
}

/// The number of a field: `bytes,2` is 2.
fn number(tag: &str) -> u64 {
    tag.rsplit(',').next().and_then(|n| n.parse().ok()).unwrap_or(0)
}

/// A message of a type.
fn message(schema: &'static Schema, ty: &Type, bytes: &[u8], depth: usize) -> Result<Value, String> {
    if depth > DEEPEST {
        return Err("exceeded max depth".into());
    }
    let Some(fields) = schema.fields(ty) else { return raw(bytes) };
    let mut object = Map::new();
    fill(schema, fields, "", bytes, &mut object, depth)?;
    Ok(object.into())
}

/// Whether a field is in protobuf at all: `apiVersion` and `kind` stand in the envelope only.
fn on_the_wire(field: &Field) -> bool {
    !field.protobuf.is_empty() && field.embedded.is_empty() == field.protobuf_in.is_empty()
}

/// The embedded struct just below one (a path of Go names, empty for the message's own) that holds a field, and its number.
fn below<'f>(fields: &'f StructType, field: &'f Field, path: &str) -> Option<(&'f str, u64)> {
    let rest = if path.is_empty() { field.embedded.as_str() } else { field.embedded.strip_prefix(path)?.strip_prefix('.')? };
    if rest.is_empty() || !on_the_wire(field) {
        return None;
    }
    let end = field.embedded.len() - rest.len() + rest.find('.').unwrap_or(rest.len());
    let inner = &field.embedded[..end];
    // Only the number of the innermost struct stands with a field.
    let direct = fields.fields.iter().find(|f| f.embedded == inner).unwrap_or(field);
    Some((inner, number(&direct.protobuf_in)))
}

/// Reads a message into an object; `embedded` is the embedded struct whose message it is.
fn fill(schema: &'static Schema, fields: &StructType, embedded: &str, bytes: &[u8], object: &mut Map, depth: usize) -> Result<(), String> {
    for part in Parts(bytes) {
        let (tag, wire) = part?;
        let own = fields.fields.iter().find(|f| f.embedded == embedded && on_the_wire(f) && number(&f.protobuf) == tag);
        if let Some(field) = own {
            match (either(fields, field), &field.ty, &wire) {
                (Some(either), Type::Any, Wire::Bytes(bytes)) => {
                    object.insert(field.name.clone().into(), schema_or(schema, either, bytes, depth)?);
                }
                _ => put(schema, field, &wire, object, depth)?,
            }
            continue;
        }
        let inner = fields.fields.iter().filter_map(|f| below(fields, f, embedded)).find(|(_, number)| *number == tag);
        if let (Some((inner, _)), Wire::Bytes(bytes)) = (inner, &wire) {
            fill(schema, fields, inner, bytes, object, depth + 1)?;
        }
    }
    Ok(())
}

/// What a custom resource's schema gives as a schema or as something else.
fn schema_or(schema: &'static Schema, either: Either, bytes: &[u8], depth: usize) -> Result<Value, String> {
    let (props, mut all, mut allows, mut one) = (either.props(schema), Vec::new(), false, None);
    for part in Parts(bytes) {
        match (either, part?) {
            (Either::Bool, (1, Wire::Varint(n))) => allows = n != 0,
            (Either::Bool, (2, Wire::Bytes(held))) | (Either::List, (1, Wire::Bytes(held))) => {
                one = Some(message(schema, &props, held, depth + 1)?);
            }
            (Either::List, (2, Wire::Bytes(held))) => all.push(message(schema, &props, held, depth + 1)?),
            _ => {}
        }
    }
    Ok(one.unwrap_or(if either == Either::Bool { allows.into() } else { all.into() }))
}

fn put(schema: &'static Schema, field: &Field, wire: &Wire<'_>, object: &mut Map, depth: usize) -> Result<(), String> {
    match (&field.ty, wire) {
        (Type::List(list), _) => {
            let entry = object.entry(field.name.clone()).or_insert_with(|| Value::Array(Vec::new().into()));
            let Value::Array(items) = entry else { return Ok(()) };
            match (&list.item, wire) {
                // Numbers may come packed.
                (Type::Scalar(Scalar::Int32 | Scalar::Int64), Wire::Bytes(packed)) => {
                    let mut rest = Parts(packed);
                    while !rest.0.is_empty() {
                        items.push(integer(rest.varint()?));
                    }
                }
                _ => items.push(value(schema, &list.item, wire, depth)?),
            }
        }
        (Type::Map(map), Wire::Bytes(bytes)) => {
            let (mut key, mut held) = (String::new(), empty(&map.value));
            for part in Parts(bytes) {
                match part? {
                    (1, Wire::Bytes(bytes)) => key = utf8(bytes)?,
                    (2, wire) => held = map_value(schema, &map.value, &wire, depth)?,
                    _ => {}
                }
            }
            let entry = object.entry(field.name.clone()).or_insert_with(|| Value::Object(Map::new()));
            if let Value::Object(entries) = entry {
                entries.insert(key.into(), held);
            }
        }
        (ty, wire) => {
            let read = value(schema, ty, wire, depth)?;
            // A time that is zero is none.
            if !read.is_null() {
                object.insert(field.name.clone().into(), read);
            }
        }
    }
    Ok(())
}

/// What a map holds where the entry does not say.
fn empty(ty: &Type) -> Value {
    match ty {
        Type::Scalar(Scalar::String | Scalar::Bytes) => "".into(),
        Type::Scalar(Scalar::Quantity) => "0".into(),
        Type::Scalar(Scalar::Bool) => false.into(),
        Type::Scalar(_) => 0.into(),
        Type::List(_) => Value::Array(Vec::new().into()),
        _ => Value::Object(Map::new()),
    }
}

/// Lists in maps are messages of their own.
fn map_value(schema: &'static Schema, ty: &Type, wire: &Wire<'_>, depth: usize) -> Result<Value, String> {
    let (Type::List(list), Wire::Bytes(bytes)) = (ty, wire) else { return value(schema, ty, wire, depth) };
    let mut items = Vec::new();
    for part in Parts(bytes) {
        let (_, wire) = part?;
        items.push(value(schema, &list.item, &wire, depth + 1)?);
    }
    Ok(items.into())
}

fn value(schema: &'static Schema, ty: &Type, wire: &Wire<'_>, depth: usize) -> Result<Value, String> {
    match (ty, wire) {
        (Type::Scalar(scalar), wire) => self::scalar(*scalar, wire),
        (Type::Named(_) | Type::Struct(_), Wire::Bytes(bytes)) => message(schema, ty, bytes, depth + 1),
        (_, Wire::Bytes(bytes)) => raw(bytes),
        _ => Err("proto: wrong wireType".into()),
    }
}

fn integer(varint: u64) -> Value {
    // Negative numbers are sent as the unsigned number of the same bits.
    varint.cast_signed().into()
}

fn scalar(scalar: Scalar, wire: &Wire<'_>) -> Result<Value, String> {
    Ok(match (scalar, wire) {
        (Scalar::Bool, Wire::Varint(n)) => (*n != 0).into(),
        (Scalar::Int32 | Scalar::Int64, Wire::Varint(n)) => integer(*n),
        (Scalar::Float, Wire::Fixed(bits)) => f64::from_bits(*bits).into(),
        (Scalar::String, Wire::Bytes(bytes)) => utf8(bytes)?.into(),
        (Scalar::Bytes, Wire::Bytes(bytes)) => base64::encode(bytes).into(),
        (Scalar::Quantity, Wire::Bytes(bytes)) => {
            let mut quantity = "0".to_owned();
            for part in Parts(bytes) {
                if let (1, Wire::Bytes(text)) = part? {
                    quantity = utf8(text)?;
                }
            }
            quantity.into()
        }
        (Scalar::IntOrString, Wire::Bytes(bytes)) => int_or_string(bytes)?,
        (Scalar::Time | Scalar::MicroTime, Wire::Bytes(bytes)) => time(bytes, scalar == Scalar::MicroTime)?,
        (Scalar::Duration, Wire::Bytes(bytes)) => {
            let (nanoseconds, _) = pair(bytes)?;
            format!("{nanoseconds}ns").into()
        }
        _ => return Err("proto: wrong wireType".into()),
    })
}

/// The first two numbers of a message.
fn pair(bytes: &[u8]) -> Result<(i64, i64), String> {
    let (mut first, mut second) = (0, 0);
    for part in Parts(bytes) {
        match part? {
            (1, Wire::Varint(n)) => first = n.cast_signed(),
            (2, Wire::Varint(n)) => second = n.cast_signed(),
            _ => {}
        }
    }
    Ok((first, second))
}

fn int_or_string(bytes: &[u8]) -> Result<Value, String> {
    let (kind, number) = pair(bytes)?;
    if kind == 0 {
        return Ok(number.into());
    }
    let mut string = String::new();
    for part in Parts(bytes) {
        if let (3, Wire::Bytes(text)) = part? {
            string = utf8(text)?;
        }
    }
    Ok(string.into())
}

/// Seconds and nanoseconds since 1970; an empty message is no time.
fn time(bytes: &[u8], micro: bool) -> Result<Value, String> {
    if bytes.is_empty() {
        return Ok(Value::Null);
    }
    let (seconds, nanoseconds) = pair(bytes)?;
    let nanoseconds = i32::try_from(nanoseconds).map_err(|e| e.to_string())?;
    let at = jiff::Timestamp::new(seconds, nanoseconds).map_err(|e| e.to_string())?;
    let format = if micro { "%Y-%m-%dT%H:%M:%S.%6fZ" } else { "%Y-%m-%dT%H:%M:%SZ" };
    Ok(at.strftime(format).to_string().into())
}

/// JSON within a message of one field: `RawExtension`, `FieldsV1`.
fn raw(bytes: &[u8]) -> Result<Value, String> {
    for part in Parts(bytes) {
        if let (1, Wire::Bytes(json)) = part? {
            return serde_json::from_slice(json).map_err(|e| e.to_string());
        }
    }
    Ok(Value::Null)
}

#[cfg(test)]
mod recorded;
