//! JSON text becomes documents: one object, or several one after another.

use super::{Document, Spans, scalar};
use crate::diagnostic::{Diagnostic, Source};
use crate::object::{Map, Value};
use serde::Deserialize;
use serde::de::{Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::fmt;
use std::sync::Arc;

/// Reads every object of the text. Parts have no spans of their own.
pub(super) fn load(source: &Arc<Source>) -> Result<Vec<Document>, Diagnostic> {
    let mut stream = serde_json::Deserializer::from_str(&source.text).into_iter::<Strict>();
    let (mut documents, mut start) = (Vec::new(), 0);
    while let Some(next) = stream.next() {
        let Strict(value) = next.map_err(|e| wrong(source, &e))?;
        let end = stream.byte_offset();
        documents.push(Document { value, spans: Spans::of(start..end), source: Arc::clone(source), warnings: Vec::new() });
        start = end;
    }
    Ok(documents)
}

fn wrong(source: &Arc<Source>, error: &serde_json::Error) -> Diagnostic {
    let line_start = source.text.split_inclusive('\n').take(error.line().saturating_sub(1)).map(str::len).sum::<usize>();
    let mut start = (line_start + error.column().saturating_sub(1)).min(source.text.len());
    while !source.text.is_char_boundary(start) {
        start -= 1;
    }
    let end = source.text[start..].chars().next().map_or(start, |c| start + c.len_utf8());
    let full = error.to_string();
    let text = full.rfind(" at line ").map_or(full.as_str(), |i| &full[..i]);
    let (code, text) = match text.strip_prefix(DUPLICATE) {
        Some(key) => ("json-duplicate-key", format!("the key `{key}` stands twice in one object")),
        None => ("json-syntax", format!("this is not JSON: {text}")),
    };
    Diagnostic::error(code, text).at(source, start..end)
}

const DUPLICATE: &str = "duplicate key ";

/// A value in which no key stands twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Reader).map(Self)
    }
}

struct Reader;

impl<'de> Visitor<'de> for Reader {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(i64::try_from(value).map_or_else(|_| scalar::number(value as f64).into(), Value::from))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Ok(scalar::number(value).into())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value.into()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Strict(item)) = access.next_element()? {
            list.push(item);
        }
        Ok(Value::Array(list.into()))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            if map.contains_key(&key) {
                return Err(A::Error::custom(format!("{DUPLICATE}{key}")));
            }
            let Strict(value) = access.next_value()?;
            map.insert(key.into(), value);
        }
        Ok(Value::Object(map))
    }
}
