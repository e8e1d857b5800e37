//! Fields taken out of an object, or everything else.
//!
//! Follows structured-merge-diff `typed/remove.go`.

use super::{FieldCursor, ListShape, MapShape, Relation, Shape, TypeRef, Typed, item_element, shape};
use crate::apply::field_set::{FieldSet, Node, PathElement};
use crate::object::{Map, Value};
use crate::schema::{Schema, Version};

/// Takes the fields and items of a set out of an object.
///
/// A struct or list that loses all its parts this way, and was not named itself, stays behind empty in Kubernetes 1.36 and
/// becomes null in the versions before and after it (structured-merge-diff 6.3.2 against 6.3.0 and 6.4).
pub fn remove_items(typed: Typed<'_>, value: &mut Value, set: &FieldSet<'_>) {
    let keep_emptied = typed.schema.version() == Version::V1_36;
    remove(Walk { schema: typed.schema, keep_emptied }, TypeRef::Of(typed.ty), value, set);
}

#[derive(Clone, Copy)]
struct Walk<'a> {
    schema: &'a Schema,
    keep_emptied: bool,
}

fn remove<'a>(walk: Walk<'a>, ty: TypeRef<'a>, value: &mut Value, set: &FieldSet<'_>) {
    let kept = match (shape(walk.schema, ty, Some(value)), &mut *value) {
        (Shape::Scalar(_), _) => return,
        (Shape::List(list), Value::Array(items)) => !items.is_empty() && remove_from_list(walk, list, items, set),
        (Shape::Map(map), Value::Object(entries)) => !entries.is_empty() && remove_from_map(walk, map, entries, set),
        _ => false,
    };
    if !kept {
        *value = Value::Null;
    }
}

/// Whether the list is still there afterwards.
fn remove_from_list<'a>(walk: Walk<'a>, list: ListShape<'a>, items: &mut Vec<Value>, set: &FieldSet<'_>) -> bool {
    if matches!(list.relation, Relation::Atomic) {
        return false;
    }
    let mut emptied = false;
    items.retain_mut(|item| {
        let Some((member, children)) = selected(walk.schema, list, item, set) else { return true };
        if !member {
            emptied = true;
            remove_below(walk, list.item, item, children);
        }
        !member
    });
    !items.is_empty() || (emptied && walk.keep_emptied)
}

fn selected<'s>(schema: &Schema, list: ListShape<'_>, item: &Value, set: &'s FieldSet<'_>) -> Option<(bool, &'s FieldSet<'s>)> {
    let element = item_element(schema, list, item).ok()?;
    set.get(&element).map(|node| (node.member, &node.children))
}

fn remove_from_map<'a>(walk: Walk<'a>, map: MapShape<'a>, entries: &mut Map, set: &FieldSet<'_>) -> bool {
    if map.atomic {
        return false;
    }
    let mut cursor = FieldCursor::new(map);
    let mut emptied = false;
    entries.retain(|name, value| {
        let ty = cursor.type_of(name).0;
        let Some(node) = set.get(&PathElement::Field(name)) else { return true };
        if !node.member {
            emptied = true;
            if let Some(ty) = ty {
                remove_below(walk, ty, value, &node.children);
            }
        }
        !node.member
    });
    !entries.is_empty() || (emptied && walk.keep_emptied)
}

fn remove_below<'a>(walk: Walk<'a>, ty: TypeRef<'a>, value: &mut Value, set: &FieldSet<'_>) {
    let empty = match value {
        Value::Object(_) => Value::Object(Map::new()),
        Value::Array(_) => Value::Array(Vec::new().into()),
        _ => Value::Null,
    };
    remove(walk, ty, value, set);
    if value.is_null() && walk.keep_emptied {
        *value = empty;
    }
}

/// Only the fields and items of a set. Null if nothing is left.
pub fn extract_items(typed: Typed<'_>, value: &Value, set: &FieldSet<'_>) -> Value {
    extract(typed.schema, TypeRef::Of(typed.ty), value, set)
}

fn extract<'a>(schema: &'a Schema, ty: TypeRef<'a>, value: &'a Value, set: &FieldSet<'_>) -> Value {
    match (shape(schema, ty, Some(value)), value) {
        (Shape::Scalar(_), _)
        | (Shape::List(ListShape { relation: Relation::Atomic, .. }), Value::Array(_))
        | (Shape::Map(MapShape { atomic: true, .. }), Value::Object(_)) => value.clone(),
        (Shape::List(list), Value::Array(items)) => {
            let mut out = Vec::new();
            for item in items {
                let Some(node) = item_element(schema, list, item).ok().and_then(|e| set.get(&e)) else { continue };
                out.push(if node.children.is_empty() { item.clone() } else { extract(schema, list.item, item, &node.children) });
            }
            if out.is_empty() && !items.is_empty() { Value::Null } else { Value::Array(out.into()) }
        }
        (Shape::Map(map), Value::Object(entries)) => {
            let mut cursor = FieldCursor::new(map);
            let mut out = Map::new();
            for (name, value) in entries {
                let ty = cursor.type_of(name).0.unwrap_or(TypeRef::Deduced);
                let Some(node) = set.get(&PathElement::Field(name)) else { continue };
                out.insert(name.clone(), extract_entry(schema, ty, value, node, set));
            }
            if out.is_empty() && !entries.is_empty() { Value::Null } else { Value::Object(out) }
        }
        _ => Value::Null,
    }
}

/// An entry that is a member itself is searched with its parent's set, as Kubernetes does it: of a struct nothing stays then.
fn extract_entry<'a>(schema: &'a Schema, ty: TypeRef<'a>, value: &'a Value, node: &Node<'_>, parent: &FieldSet<'_>) -> Value {
    extract(schema, ty, value, if node.member { parent } else { &node.children })
}
