//! Empty lists and maps that a client sent and that storage does not keep.
//!
//! Strategies that compare with Go's `reflect.DeepEqual` (`pkg/registry/networking/networkpolicy/strategy.go`) take an empty list
//! for another value than none, and so do some rules of validation; errors show it. The stored object never has one, so a manifest
//! with `ingress: []` is a change each time.

use crate::object::{Map, Value};
use crate::schema::{Schema, Type};
use std::borrow::Cow;

/// Whether something in `sent` is an empty list or map that is not in the object made of it.
pub(super) fn lost_empties(schema: &Schema, ty: &Type, sent: &Value, made: &Value) -> bool {
    match (ty, sent) {
        (Type::List(_), Value::Array(items)) if items.is_empty() => made.is_null(),
        (Type::Map(_), Value::Object(entries)) if entries.is_empty() => made.is_null(),
        (Type::List(list), Value::Array(items)) => {
            items.iter().enumerate().any(|(i, item)| lost_empties(schema, &list.item, item, made.get(i).unwrap_or(&Value::Null)))
        }
        (Type::Map(map), Value::Object(entries)) => {
            entries.iter().any(|(key, entry)| lost_empties(schema, &map.value, entry, made.get(key).unwrap_or(&Value::Null)))
        }
        (Type::Named(_) | Type::Struct(_), Value::Object(entries)) => entries.iter().any(|(name, entry)| {
            let field = schema.fields(ty).and_then(|own| own.field(name));
            field.is_some_and(|field| lost_empties(schema, &field.ty, entry, made.get(name).unwrap_or(&Value::Null)))
        }),
        _ => false,
    }
}

/// The object as the server holds it until it is stored: with the empty lists and maps that were sent. What a subresource does not
/// write comes from storage, and never has any.
pub(super) fn with_empties<'o>(schema: &Schema, ty: &Type, subresource: &str, sent: Option<&Value>, made: &'o Value) -> Cow<'o, Value> {
    let (Some(sent), Some(own)) = (sent, schema.fields(ty)) else { return Cow::Borrowed(made) };
    let written = |name: &str| (name == "status") == (subresource == "status");
    let mut object = Cow::Borrowed(made);
    for field in own.fields.iter().filter(|f| written(&f.name)) {
        let (told, there) = (&sent[field.name.as_str()], &made[field.name.as_str()]);
        if field.name == "metadata" {
            for name in METADATA.into_iter().filter(|name| told[*name].as_object().is_some_and(Map::is_empty)) {
                if there.get(name).is_none() {
                    object.to_mut()["metadata"][name] = told[name].clone();
                }
            }
        } else if lost_empties(schema, &field.ty, told, there) {
            put_back(schema, &field.ty, told, &mut object.to_mut()[field.name.as_str()]);
        }
    }
    object
}

/// The maps of the metadata; its lists are nowhere told from none.
const METADATA: [&str; 2] = ["labels", "annotations"];

fn put_back(schema: &Schema, ty: &Type, sent: &Value, made: &mut Value) {
    match (ty, sent, &mut *made) {
        (Type::List(_), Value::Array(items), Value::Null) if items.is_empty() => *made = sent.clone(),
        (Type::Map(_), Value::Object(entries), Value::Null) if entries.is_empty() => *made = sent.clone(),
        (Type::List(list), Value::Array(items), Value::Array(own)) => {
            items.iter().zip(own).for_each(|(sent, made)| put_back(schema, &list.item, sent, made));
        }
        (Type::Map(map), Value::Object(entries), Value::Object(own)) => {
            entries.iter().for_each(|(key, sent)| own.get_mut(key).into_iter().for_each(|made| put_back(schema, &map.value, sent, made)));
        }
        (Type::Named(_) | Type::Struct(_), Value::Object(entries), Value::Object(own)) => {
            let Some(fields) = schema.fields(ty) else { return };
            for (name, sent) in entries {
                let Some(field) = fields.field(name) else { continue };
                let mut made = own.get(name).cloned().unwrap_or_default();
                if lost_empties(schema, &field.ty, sent, &made) {
                    put_back(schema, &field.ty, sent, &mut made);
                    if !made.is_null() {
                        own.insert(name.clone(), made);
                    }
                }
            }
        }
        _ => {}
    }
}
