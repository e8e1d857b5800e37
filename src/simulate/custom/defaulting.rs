//! The defaults that a schema states.
//!
//! Follows apiextensions-apiserver `pkg/apiserver/schema/defaulting/algorithm.go`.

use crate::object::Value;

/// Fills in what is missing, and what is null and may not be.
pub(super) fn fill(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(map) => {
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                if let Some(default) = property.get("default")
                    && map.get(name).is_none_or(|v| v.is_null() && property["nullable"] != true)
                {
                    map.insert(name.clone(), default.clone());
                }
            }
            for (name, value) in map.iter_mut() {
                let inner = property(schema, name);
                if value.is_null() && inner["nullable"] != true && schema["properties"].get(name).is_none() && inner.is_object() {
                    *value = inner["default"].clone();
                }
                fill(value, inner);
            }
        }
        Value::Array(list) => {
            let item = &schema["items"];
            for value in list {
                if value.is_null() && item.is_object() && item["nullable"] != true {
                    *value = item["default"].clone();
                }
                fill(value, item);
            }
        }
        _ => {}
    }
}

/// The schema of a property, or of any other entry; null if there is none.
pub(super) fn property<'s>(schema: &'s Value, name: &str) -> &'s Value {
    match schema["properties"].get(name) {
        Some(property) => property,
        None if schema["additionalProperties"].is_object() => &schema["additionalProperties"],
        None => &Value::Null,
    }
}
