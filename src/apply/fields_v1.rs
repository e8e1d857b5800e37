//! `fieldsV1`, the JSON form of a field set: read straight into the trie and written as Kubernetes writes it.
//!
//! Follows structured-merge-diff `fieldpath/serialize.go` and `serialize-pe.go`.

use super::field_set::{FieldSet, Literal, Node, PathElement};
use super::go_format::{json_number, push_json, push_json_string};
use crate::object::{Map, Value};
use serde::Deserialize;
use serde::de::{self, Deserializer, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// Reads a field set; `null` is the empty one.
pub fn read(fields: &Value) -> Result<FieldSet<'_>, String> {
    read_noting(fields).map(|(set, _)| set)
}

/// Reads a field set, and tells whether it is certain that writing it would give the same again.
pub(super) fn read_noting(fields: &Value) -> Result<(FieldSet<'_>, bool), String> {
    let mut same = true;
    match fields {
        Value::Null => Ok((FieldSet::default(), false)),
        Value::Object(map) => read_level(map, &mut same).map(|(set, _)| (set, same)),
        _ => Err("error decoding set: expected an object".to_owned()),
    }
}

/// Reads the field set that a map is.
pub(super) fn read_map(fields: &Map) -> Result<FieldSet<'_>, String> {
    read_level(fields, &mut true).map(|(set, _)| set)
}

/// What lies below a path, and whether the path itself is a member: it is if it says so, or if nothing lies below it.
fn read_level<'a>(map: &'a Map, same: &mut bool) -> Result<(FieldSet<'a>, bool), String> {
    let (mut nodes, mut member): (Vec<Node<'a>>, bool) = (Vec::with_capacity(map.len()), false);
    let mut in_order = true;
    for (i, (key, below)) in map.iter().enumerate() {
        if key == "." {
            member = true;
            *same &= i == 0 && map.len() > 1;
            continue;
        }
        let Some(element) = read_element(key, same)? else { continue };
        in_order &= nodes.last().is_none_or(|last| last.element < element);
        let (children, member) = match below {
            Value::Object(below) => read_level(below, same)?,
            Value::Null => {
                *same = false;
                (FieldSet::default(), true)
            }
            _ => return Err(format!("error decoding set: expected an object at {key}")),
        };
        nodes.push(Node { element, member, children });
    }
    *same &= in_order;
    let set = if in_order { FieldSet::of_sorted(nodes) } else { FieldSet::from_nodes(nodes) };
    let member = member || set.is_empty();
    Ok((set, member))
}

/// None for a kind of element that a later version of Kubernetes may know.
fn read_element<'a>(key: &'a str, same: &mut bool) -> Result<Option<PathElement<'a>>, String> {
    let wrong = |e: serde_json::Error| format!("error decoding set: {e} in {key}");
    if key.len() < 2 {
        return Err("error decoding set: key must be 2 characters long:".to_owned());
    }
    let (kind, rest) = match key.as_bytes() {
        [kind, b':', ..] if *kind != b':' => (&key[..1], &key[2..]),
        _ => return Err(format!("error decoding set: missing colon: {key}")),
    };
    *same &= kind == "f" || !rest.bytes().any(|b| matches!(b, b' ' | b'\t' | b'\n' | b'\r' | b'\\' | b'<' | b'>' | b'&' | 0xe2));
    Ok(Some(match kind {
        "f" => PathElement::Field(rest),
        "v" => {
            let value = serde_json::from_str(rest).map_err(wrong)?;
            *same &= plain(&value);
            PathElement::Value(value)
        }
        "k" => {
            let KeyFields(mut fields) = serde_json::from_str(rest).map_err(wrong)?;
            *same &= fields.is_sorted_by(|a, b| a.0 < b.0) && fields.iter().all(|(_, value)| plain(value));
            fields.sort_by(|a, b| a.0.cmp(&b.0));
            PathElement::Key(Arc::from(fields))
        }
        "i" => PathElement::Index(rest.parse().map_err(|_| format!("error decoding set: no index: {key}"))?),
        _ => {
            *same = false;
            return Ok(None);
        }
    }))
}

/// Whether there is but one way to write it, escapes and spaces aside.
fn plain(value: &Literal<'_>) -> bool {
    match value {
        Literal::Number(n) => n.is_i64(),
        Literal::Text(_) | Literal::Bool(_) => true,
        Literal::Other(_) => false,
    }
}

struct KeyFields<'a>(Vec<(Cow<'a, str>, Literal<'a>)>);

#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de> Deserialize<'de> for KeyFields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Fields;
        impl<'de> Visitor<'de> for Fields {
            type Value = KeyFields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the key fields of a list item")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut fields = Vec::with_capacity(1);
                while let Some((Name(name), value)) = map.next_entry()? {
                    fields.push((name, value));
                }
                Ok(KeyFields(fields))
            }
        }
        deserializer.deserialize_map(Fields)
    }
}

impl<'de> Deserialize<'de> for Literal<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(LiteralVisitor)
    }
}

struct LiteralVisitor;

impl<'de> Visitor<'de> for LiteralVisitor {
    type Value = Literal<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Literal::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Literal::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_bool<E: de::Error>(self, b: bool) -> Result<Self::Value, E> {
        Ok(Literal::Bool(b))
    }

    fn visit_i64<E: de::Error>(self, n: i64) -> Result<Self::Value, E> {
        Ok(Literal::Number(n.into()))
    }

    fn visit_u64<E: de::Error>(self, n: u64) -> Result<Self::Value, E> {
        Ok(Literal::Number(n.into()))
    }

    fn visit_f64<E: de::Error>(self, n: f64) -> Result<Self::Value, E> {
        crate::object::Number::from_f64(n).map(Literal::Number).ok_or_else(|| E::custom("no finite number"))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Ok(Literal::Other(Arc::new(Value::Null)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(de::value::SeqAccessDeserializer::new(seq)).map(|v| Literal::Other(Arc::new(v)))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
        Value::deserialize(de::value::MapAccessDeserializer::new(map)).map(|v| Literal::Other(Arc::new(v)))
    }
}

/// Writes a field set.
pub fn write(set: &FieldSet<'_>) -> Value {
    Value::Object(write_level(set, false))
}

fn write_level(set: &FieldSet<'_>, own: bool) -> Map {
    let mut map = Map::with_capacity(set.nodes().len() + usize::from(own));
    if own && !set.is_empty() {
        map.insert(".".into(), Value::Object(Map::new()));
    }
    for node in set.nodes() {
        map.insert(write_element(&node.element).into(), Value::Object(write_level(&node.children, node.member)));
    }
    map
}

/// `f:name`, `k:{…}`, `v:…`, `i:…`.
pub(super) fn write_element(element: &PathElement<'_>) -> String {
    match element {
        PathElement::Field(name) => ["f:", name].concat(),
        PathElement::Key(fields) => {
            let mut out = String::from("k:{");
            for (i, (name, value)) in fields.iter().enumerate() {
                if i > 0 {
                    out.push(',');
                }
                push_json_string(&mut out, name, false);
                out.push(':');
                push_literal(&mut out, value);
            }
            out.push('}');
            out
        }
        PathElement::Value(value) => {
            let mut out = String::from("v:");
            push_literal(&mut out, value);
            out
        }
        PathElement::Index(index) => format!("i:{index}"),
    }
}

fn push_literal(out: &mut String, value: &Literal<'_>) {
    match value {
        Literal::Number(n) => out.push_str(&json_number(n)),
        Literal::Text(s) => push_json_string(out, s, true),
        Literal::Bool(b) => out.push_str(if *b { "true" } else { "false" }),
        Literal::Other(v) => push_json(out, v),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json;

    #[test]
    fn what_is_read_is_written_again_sorted() {
        let told = json!({"f:b": {}, "f:a": {".": {}, "k:{\"protocol\":\"TCP\", \"port\": 80}": {"f:x": {}}, "k:{\"name\":\"a<b\"}": {".": {}},
            "v:true": {}, "v:\"x\"": {}, "v:3": {}, "i:4": {}, "z:new": {"f:x": {}}}});
        let (set, same) = read_noting(&told).unwrap();
        assert!(!same && read_noting(&write(&set)).unwrap().0 == set);
        let text = r#"{"f:a":{".":{},"k:{\"name\":\"a\\u003cb\"}":{},"k:{\"port\":80,\"protocol\":\"TCP\"}":{"f:x":{}},"v:3":{},"v:\"x\"":{},"v:true":{},"i:4":{}},"f:b":{}}"#;
        assert_eq!(write(&set).to_string(), text);
        assert!(set.has_fields(&["a"]) && !set.has(&[PathElement::Field("a"), PathElement::Index(3)]));
    }

    #[test]
    fn nonsense_is_refused() {
        for told in [json!([]), json!({"f": {}}), json!({"fa": {}}), json!({"f:a": 1}), json!({"k:[": {}}), json!({"i:x": {}})] {
            assert!(read(&told).is_err(), "{told}");
        }
    }
}
