//! The OpenAPI v2 document in protobuf: what kubectl and Argo CD ask for.
//!
//! Follows `openapiv2/OpenAPIv2.proto` of gnostic-models; the numbers of the fields are from there.

use crate::object::{Map, Text, Value, items, text};

/// The media type of this form, as servers name it and as old clients ask for it.
pub(super) const MEDIA: [&str; 2] =
    ["application/com.github.proto-openapi.spec.v2@v1.0+protobuf", "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"];

/// A message as it is put together.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value & 0x7f) as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn bytes(&mut self, number: u64, bytes: &[u8]) {
        self.varint(number << 3 | 2);
        self.varint(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    fn message(&mut self, number: u64, inner: &Self) {
        self.bytes(number, &inner.0);
    }

    /// A string, if it is there and not empty.
    fn text(&mut self, number: u64, value: Option<&Value>) {
        if let Some(text) = value.and_then(Value::as_str).filter(|t| !t.is_empty()) {
            self.bytes(number, text.as_bytes());
        }
    }

    fn texts(&mut self, number: u64, value: Option<&Value>) {
        for text in value.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str) {
            self.bytes(number, text.as_bytes());
        }
    }

    fn flag(&mut self, number: u64, value: Option<&Value>) {
        if value == Some(&Value::Bool(true)) {
            self.varint(number << 3);
            self.varint(1);
        }
    }

    fn whole(&mut self, number: u64, value: Option<&Value>) {
        if let Some(n) = value.and_then(Value::as_i64).filter(|n| *n != 0) {
            self.varint(number << 3);
            self.varint(n.cast_unsigned());
        }
    }

    fn number(&mut self, number: u64, value: Option<&Value>) {
        if let Some(n) = value.and_then(Value::as_f64).filter(|n| *n != 0.0) {
            self.varint(number << 3 | 1);
            self.0.extend_from_slice(&n.to_bits().to_le_bytes());
        }
    }

    /// An entry of a map: its key and a message.
    fn named(&mut self, number: u64, key: &str, inner: &Self) {
        let mut entry = Self::default();
        entry.bytes(1, key.as_bytes());
        entry.message(2, inner);
        self.message(number, &entry);
    }

    /// What begins with `x-`.
    fn extensions(&mut self, number: u64, of: &Value) {
        for (key, value) in of.as_object().into_iter().flatten().filter(|(k, _)| k.starts_with("x-")) {
            self.named(number, key, &any(value));
        }
    }
}

/// Any value: as YAML, of which JSON is a part.
fn any(value: &Value) -> Message {
    let mut out = Message::default();
    out.bytes(2, value.to_string().as_bytes());
    out
}

/// A message that holds one thing under a number.
fn within(number: u64, inner: &Message) -> Message {
    let mut out = Message::default();
    out.message(number, inner);
    out
}

fn entries<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = (&'v Text, &'v Value)> {
    value.get(key).and_then(Value::as_object).map(Map::iter).into_iter().flatten()
}

/// The whole document.
pub(super) fn document(v2: &Value) -> Vec<u8> {
    let mut out = Message::default();
    out.text(1, v2.get("swagger"));
    let mut info = Message::default();
    info.text(1, v2["info"].get("title"));
    info.text(2, v2["info"].get("version"));
    out.message(2, &info);
    let mut paths = Message::default();
    entries(v2, "paths").for_each(|(path, item)| paths.named(2, path, &path_item(item)));
    out.message(8, &paths);
    let mut definitions = Message::default();
    entries(v2, "definitions").for_each(|(name, definition)| definitions.named(1, name, &schema(definition)));
    out.message(9, &definitions);
    for requirement in items(v2, &["security"]) {
        let mut one = Message::default();
        for (name, scopes) in requirement.as_object().into_iter().flatten() {
            let mut list = Message::default();
            list.texts(1, Some(scopes));
            one.named(1, name, &list);
        }
        out.message(12, &one);
    }
    let mut securities = Message::default();
    for (name, definition) in entries(v2, "securityDefinitions") {
        let mut key = Message::default();
        for (number, field) in [(1, "type"), (2, "name"), (3, "in")] {
            key.text(number, definition.get(field));
        }
        securities.named(1, name, &within(2, &key));
    }
    out.message(13, &securities);
    out.0
}

fn schema(v2: &Value) -> Message {
    let mut out = Message::default();
    for (number, key) in [(1, "$ref"), (2, "format"), (3, "title"), (4, "description"), (13, "pattern")] {
        out.text(number, v2.get(key));
    }
    if let Some(default) = v2.get("default") {
        out.message(5, &any(default));
    }
    for (number, key) in [(6, "multipleOf"), (7, "maximum"), (9, "minimum")] {
        out.number(number, v2.get(key));
    }
    for (number, key) in
        [(11, "maxLength"), (12, "minLength"), (14, "maxItems"), (15, "minItems"), (17, "maxProperties"), (18, "minProperties")]
    {
        out.whole(number, v2.get(key));
    }
    for (number, key) in [(8, "exclusiveMaximum"), (10, "exclusiveMinimum"), (16, "uniqueItems"), (27, "readOnly")] {
        out.flag(number, v2.get(key));
    }
    out.texts(19, v2.get("required"));
    items(v2, &["enum"]).iter().for_each(|value| out.message(20, &any(value)));
    match v2.get("additionalProperties") {
        Some(Value::Bool(allowed)) => {
            let mut item = Message::default();
            item.varint(2 << 3);
            item.varint(u64::from(*allowed));
            out.message(21, &item);
        }
        Some(inner) => out.message(21, &within(1, &schema(inner))),
        None => {}
    }
    if v2["type"].is_string() {
        let mut ty = Message::default();
        ty.text(1, v2.get("type"));
        out.message(22, &ty);
    }
    if let Some(item) = v2.get("items") {
        out.message(23, &within(1, &schema(item)));
    }
    items(v2, &["allOf"]).iter().for_each(|one| out.message(24, &schema(one)));
    if v2.get("properties").is_some() {
        let mut properties = Message::default();
        entries(v2, "properties").for_each(|(name, property)| properties.named(1, name, &schema(property)));
        out.message(25, &properties);
    }
    if let Some(example) = v2.get("example") {
        out.message(30, &any(example));
    }
    out.extensions(31, v2);
    out
}

fn path_item(v2: &Value) -> Message {
    let mut out = Message::default();
    let methods = [(2, "get"), (3, "put"), (4, "post"), (5, "delete"), (6, "options"), (7, "head"), (8, "patch")];
    for (number, method) in methods {
        if let Some(found) = v2.get(method) {
            out.message(number, &operation(found));
        }
    }
    items(v2, &["parameters"]).iter().for_each(|p| out.message(9, &parameter(p)));
    out.extensions(10, v2);
    out
}

fn operation(v2: &Value) -> Message {
    let mut out = Message::default();
    out.texts(1, v2.get("tags"));
    out.text(3, v2.get("description"));
    out.text(5, v2.get("operationId"));
    for (number, key) in [(6, "produces"), (7, "consumes"), (10, "schemes")] {
        out.texts(number, v2.get(key));
    }
    items(v2, &["parameters"]).iter().for_each(|p| out.message(8, &parameter(p)));
    let mut responses = Message::default();
    for (code, response) in entries(v2, "responses") {
        let mut one = Message::default();
        one.text(1, response.get("description"));
        if let Some(inner) = response.get("schema") {
            one.message(2, &within(1, &schema(inner)));
        }
        responses.named(1, code, &within(1, &one));
    }
    out.message(9, &responses);
    out.extensions(13, v2);
    out
}

/// A parameter: in the body, in the query or in the path.
fn parameter(v2: &Value) -> Message {
    let mut one = Message::default();
    if text(v2, &["in"]) == "body" {
        one.text(2, v2.get("name"));
        one.text(3, v2.get("in"));
        one.flag(4, v2.get("required"));
        if let Some(inner) = v2.get("schema") {
            one.message(5, &schema(inner));
        }
        return within(1, &within(1, &one));
    }
    let query = text(v2, &["in"]) == "query";
    one.flag(1, v2.get("required"));
    one.text(2, v2.get("in"));
    one.text(3, v2.get("description"));
    one.text(4, v2.get("name"));
    // One number more in the query: `allowEmptyValue` stands before the type.
    let shift = u64::from(query);
    one.text(5 + shift, v2.get("type"));
    one.text(6 + shift, v2.get("format"));
    one.flag(19 + shift, v2.get("uniqueItems"));
    within(1, &within(2, &within(if query { 3 } else { 4 }, &one)))
}
