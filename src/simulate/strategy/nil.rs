//! Empty lists and maps that a client sent and that storage does not keep.
//!
//! Strategies that compare with Go's `reflect.DeepEqual` (`pkg/registry/networking/networkpolicy/strategy.go`) take an empty list
//! for another value than none. The stored object never has one, so a manifest with `ingress: []` is a change each time.

use crate::object::Value;
use crate::schema::{Schema, Type};

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
