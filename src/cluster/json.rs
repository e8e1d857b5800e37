//! JSON text becomes values: one document of a stream at a time, the items of a list straight into values of their own.
//!
//! Stricter than `serde_json`'s own reading: a key that stands twice in one map is an error, and the number of values is
//! bounded, so that a hostile file cannot take many times its size in memory.

use crate::object::{Map, Number, Pool, Text, Value};
use serde::de::{DeserializeSeed, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::cell::{Cell, RefCell};
use std::fmt;

/// What the reader of a file remembers from one value to the next.
#[derive(Debug)]
pub(super) struct Memory {
    /// How many more values may be made.
    left: Cell<usize>,
    /// The parts that were made.
    parts: RefCell<Pool>,
}

impl Memory {
    /// For so many values.
    pub(super) fn for_values(most: usize) -> Self {
        Self { left: Cell::new(most), parts: RefCell::default() }
    }

    /// A memory of its own for half of the values that are left.
    pub(super) fn half(&self) -> Self {
        Self::for_values(self.left.get() / 2)
    }

    /// Both halves are done: what they did not use is left.
    pub(super) fn joined(&self, first: &Self, second: &Self) {
        self.left.set(first.left.get() + second.left.get());
    }
}

/// One document.
#[derive(Debug, PartialEq)]
pub(super) enum Document {
    /// A map without a list under `items`: one object.
    Object(Value),
    /// A map with a list under `items`: the other keys, and the items.
    List(Map, Vec<Value>),
    /// No map.
    Other(Value),
}

/// Why a text is no JSON.
#[derive(Debug)]
pub(super) struct JsonError {
    /// Byte offset into the text.
    pub(super) offset: usize,
    /// Whether the text just ends too early.
    pub(super) cut_off: bool,
    /// What the parser says.
    pub(super) text: String,
}

/// Reads the document that starts at an offset; gives it and the offset behind it.
pub(super) fn read_document(text: &str, start: usize, memory: &Memory) -> Result<(Document, usize), JsonError> {
    let mut parser = serde_json::Deserializer::from_str(&text[start..]);
    let document = DocumentSeed { memory, stop_before: None }.deserialize(&mut parser).map_err(|e| json_error(text, start, &e))?;
    Ok((document, start + parser.into_iter::<IgnoredAny>().byte_offset()))
}

/// Reads the value that starts at an offset; gives it and the offset behind it. None if it is none.
pub(super) fn read_value(text: &str, start: usize, memory: &Memory) -> Option<(Value, usize)> {
    let mut parser = serde_json::Deserializer::from_str(text.get(start..)?);
    let value = ValueSeed(memory).deserialize(&mut parser).ok()?;
    Some((value, start + parser.into_iter::<IgnoredAny>().byte_offset()))
}

/// Where the item of that index starts in the list that starts at an offset. For messages only: it reads the text again.
pub(super) fn item_offset(text: &str, start: usize, item: usize) -> usize {
    let mut parser = serde_json::Deserializer::from_str(&text[start..]);
    let seed = DocumentSeed { memory: &Memory::for_values(usize::MAX), stop_before: Some(item) };
    match seed.deserialize(&mut parser) {
        Err(stopped) => {
            let stopped = json_error(text, start, &stopped).offset;
            text.len() - text[stopped..].trim_start_matches([' ', ',', '\n', '\r', '\t']).len()
        }
        Ok(_) => start,
    }
}

fn json_error(text: &str, start: usize, error: &serde_json::Error) -> JsonError {
    let line_start = match error.line() {
        0 | 1 => start,
        line => text[start..].match_indices('\n').nth(line - 2).map_or(text.len(), |(at, _)| start + at + 1),
    };
    let mut offset = (line_start + error.column().saturating_sub(1)).min(text.len());
    while !text.is_char_boundary(offset) {
        offset -= 1;
    }
    let full = error.to_string();
    let text = full.rsplit_once(" at line ").map_or(full.as_str(), |(before, _)| before).to_owned();
    JsonError { offset, cut_off: error.is_eof(), text }
}

struct DocumentSeed<'b> {
    memory: &'b Memory,
    stop_before: Option<usize>,
}

impl<'de> DeserializeSeed<'de> for DocumentSeed<'_> {
    type Value = Document;

    fn deserialize<D: serde::Deserializer<'de>>(self, parser: D) -> Result<Document, D::Error> {
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for DocumentSeed<'_> {
    type Value = Document;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a Kubernetes object or a List")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Document, A::Error> {
        let (mut head, mut items) = (Map::new(), None);
        while let Some(key) = entries.next_key::<Text>()? {
            if head.contains_key(&key) || (items.is_some() && key == "items") {
                return Err(duplicate(&key));
            }
            if key != "items" {
                head.insert(key, entries.next_value_seed(ValueSeed(self.memory))?);
                continue;
            }
            match entries.next_value_seed(ItemsSeed(&self))? {
                Value::Array(list) => items = Some(list),
                other => {
                    head.insert(key, other);
                }
            }
        }
        Ok(match items {
            Some(items) => Document::List(head, items.into()),
            None => Document::Object(Value::Object(head)),
        })
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Document, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Document::Other(Value::Array(Vec::new().into())))
    }

    fn visit_bool<E>(self, value: bool) -> Result<Document, E> {
        Ok(Document::Other(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Document, E> {
        Ok(Document::Other(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Document, E> {
        Ok(Document::Other(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Document, E> {
        Ok(Document::Other(value.into()))
    }

    fn visit_str<E>(self, value: &str) -> Result<Document, E> {
        Ok(Document::Other(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Document, E> {
        Ok(Document::Other(Value::Null))
    }
}

/// The value under `items`.
struct ItemsSeed<'s, 'b>(&'s DocumentSeed<'b>);

impl<'de> DeserializeSeed<'de> for ItemsSeed<'_, '_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, parser: D) -> Result<Value, D::Error> {
        ValueVisitor { memory: self.0.memory, stop_before: self.0.stop_before }.read(parser)
    }
}

struct ValueSeed<'b>(&'b Memory);

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value;

    fn deserialize<D: serde::Deserializer<'de>>(self, parser: D) -> Result<Value, D::Error> {
        ValueVisitor { memory: self.0, stop_before: None }.read(parser)
    }
}

struct ValueVisitor<'b> {
    memory: &'b Memory,
    stop_before: Option<usize>,
}

impl ValueVisitor<'_> {
    fn read<'de, D: serde::Deserializer<'de>>(self, parser: D) -> Result<Value, D::Error> {
        let left = self.memory.left.get();
        if left == 0 {
            return Err(D::Error::custom("more values than the limit on the file's size allows"));
        }
        self.memory.left.set(left - 1);
        parser.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for ValueVisitor<'_> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.into()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value.into()))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        loop {
            if self.stop_before == Some(list.len()) {
                items.next_element_seed(Stop)?;
            }
            match items.next_element_seed(ValueSeed(self.memory))? {
                Some(item) => list.push(item),
                None => return Ok(self.memory.parts.borrow_mut().share(Value::Array(list.into()))),
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut map = Map::new();
        while let Some(key) = entries.next_key::<Text>()? {
            if map.contains_key(&key) {
                return Err(duplicate(&key));
            }
            map.append(key, entries.next_value_seed(ValueSeed(self.memory))?);
        }
        Ok(self.memory.parts.borrow_mut().share(Value::Object(map)))
    }
}

fn duplicate<E: serde::de::Error>(key: &str) -> E {
    E::custom(format_args!("the key `{key}` stands twice in one map"))
}

/// Stops the parser where it stands.
struct Stop;

impl<'de> DeserializeSeed<'de> for Stop {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, _: D) -> Result<(), D::Error> {
        Err(D::Error::custom("stopped"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json;

    fn read(text: &str) -> Result<(Document, usize), JsonError> {
        read_document(text, 0, &Memory::for_values(1000))
    }

    #[test]
    fn reads_one_document_after_the_other() {
        let text = r#"{"kind":"List","items":[{"a":1},{"b":[true,null,-2,1.5]}]} {"kind":"Pod"}"#;
        let (first, end) = read(text).unwrap();
        let head = json!({"kind": "List"}).as_object().unwrap().clone();
        assert_eq!(first, Document::List(head, vec![json!({"a": 1}), json!({"b": [true, null, -2, 1.5]})]));
        let (second, end) = read_document(text, end, &Memory::for_values(1000)).unwrap();
        assert_eq!(second, Document::Object(json!({"kind": "Pod"})));
        assert_eq!(end, text.len());
    }

    #[test]
    fn items_that_are_no_list_belong_to_the_object() {
        assert_eq!(read(r#"{"kind":"Box","items":{"a":1}}"#).unwrap().0, Document::Object(json!({"kind": "Box", "items": {"a": 1}})));
    }

    #[test]
    fn a_key_that_stands_twice_is_an_error_at_its_place() {
        let text = "{\"a\":\n {\"b\":1,\n  \"b\":2}}";
        let error = read(text).unwrap_err();
        assert_eq!(error.text, "the key `b` stands twice in one map");
        assert!(text[..=error.offset].ends_with("\"b\"") || text[..=error.offset].ends_with("\"b\":"), "{}", error.offset);
        assert!(read(r#"{"items":[],"items":[]}"#).is_err());
    }

    #[test]
    fn truncated_text_is_told_from_wrong_text() {
        assert!(read(r#"{"items":[{"a":"#).unwrap_err().cut_off);
        let wrong = read(r#"{"items":[{"a":}]}"#).unwrap_err();
        assert!(!wrong.cut_off);
        assert_eq!(wrong.offset, 15);
    }

    #[test]
    fn the_number_of_values_and_their_depth_are_bounded() {
        let many = format!("{{\"items\":[{}0]}}", "0,".repeat(2000));
        assert!(read(&many).unwrap_err().text.contains("more values"));
        let deep = format!("{{\"a\":{}", "[".repeat(100_000));
        assert!(read(&deep).unwrap_err().text.contains("recursion"));
    }

    #[test]
    fn finds_where_an_item_starts() {
        let text = "{\"items\": [\n  {\"a\": 1},\n  {\"a\": 2}\n]}";
        assert_eq!(&text[item_offset(text, 0, 1)..][..8], "{\"a\": 2}");
    }
}
