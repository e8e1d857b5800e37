//! Whether a value is of a type.
//!
//! Follows structured-merge-diff `typed/validate.go`, texts included.

use super::{FieldCursor, ListShape, MapShape, Primitive, Relation, Shape, Trail, TypeErrors, TypeRef, Typed, item_element, shape};
use crate::apply::field_set::PathElement;
use crate::apply::go_format::{plain, source, type_name};
use crate::object::{Map, Value};
use crate::schema::Schema;
use std::collections::BTreeSet;

/// Checks a value against its type. Duplicate items of granular lists are allowed in what is stored, not in what is applied.
pub fn validate<'a>(typed: Typed<'a>, value: &'a Value, duplicates: bool) -> Result<(), TypeErrors> {
    let mut walk = Walk { schema: typed.schema, duplicates, trail: Trail::default() };
    walk.value(TypeRef::Of(typed.ty), value);
    walk.trail.finish()
}

/// The refusal of a scalar, if it is one; null passes.
pub(super) fn scalar_error(kind: Primitive, value: &Value) -> Option<String> {
    let scalar = matches!(value, Value::Bool(_) | Value::Number(_) | Value::String(_));
    let fits = match kind {
        Primitive::Numeric => value.is_number(),
        Primitive::String => value.is_string(),
        Primitive::Boolean => value.is_boolean(),
        Primitive::Untyped => scalar,
    };
    if fits || value.is_null() {
        return None;
    }
    Some(match kind {
        Primitive::Numeric => format!("expected numeric (int or float), got {}", type_name(value)),
        Primitive::String => format!("expected string, got &value.valueUnstructured{{Value:{}}}", source(value)),
        Primitive::Boolean => format!("expected boolean, got &{{{}}}", plain(value)),
        Primitive::Untyped => format!("expected any scalar, got &{{{}}}", plain(value)),
    })
}

struct Walk<'a> {
    schema: &'a Schema,
    duplicates: bool,
    trail: Trail<'a>,
}

impl<'a> Walk<'a> {
    fn value(&mut self, ty: TypeRef<'a>, value: &'a Value) {
        match (shape(self.schema, ty, Some(value)), value) {
            (Shape::Scalar(kind), value) => {
                if let Some(why) = scalar_error(kind, value) {
                    self.trail.error(why);
                }
            }
            (Shape::List(list), Value::Array(items)) => self.list(list, items),
            (Shape::Map(map), Value::Object(entries)) => self.map(map, entries),
            (_, Value::Null) => {}
            (Shape::List(_), other) => self.trail.error(format!("expected list, got &{{{}}}", plain(other))),
            (Shape::Map(_), other) => self.trail.error(format!("expected map, got &{{{}}}", plain(other))),
        }
    }

    fn list(&mut self, list: ListShape<'a>, items: &'a [Value]) {
        let mut seen = BTreeSet::new();
        for (i, item) in items.iter().enumerate() {
            if matches!(list.relation, Relation::Atomic) {
                self.trail.push(PathElement::Index(i));
            } else {
                if !self.duplicates || !has_element(list, item) {
                    match item_element(self.schema, list, item) {
                        Ok(element) => {
                            if !self.duplicates && !seen.insert(element.clone()) {
                                self.trail.error(format!("duplicate entries for key {element}"));
                            }
                        }
                        Err(why) => return self.trail.error(format!("element {i}: {why}")),
                    }
                }
                self.trail.push_item(self.schema, list, item);
            }
            self.value(list.item, item);
            self.trail.pop();
        }
    }

    fn map(&mut self, map: MapShape<'a>, entries: &'a Map<String, Value>) {
        let mut cursor = FieldCursor::new(map);
        for (name, value) in entries {
            self.trail.push(PathElement::Field(name));
            let known = cursor.type_of(name).0;
            match known {
                Some(ty) => self.value(ty, value),
                None => self.trail.error("field not declared in schema".to_owned()),
            }
            self.trail.pop();
            if known.is_none() {
                return;
            }
        }
    }
}

/// Whether an item has a path element, as far as that shows at first sight.
fn has_element(list: ListShape<'_>, item: &Value) -> bool {
    match (list.relation, item) {
        (Relation::Keyed(keys), Value::Object(map)) => keys.iter().any(|key| map.contains_key(key)),
        (Relation::Set, Value::Bool(_) | Value::Number(_) | Value::String(_)) => true,
        _ => false,
    }
}
