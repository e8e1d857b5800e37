//! The fields that an object names.
//!
//! Follows structured-merge-diff `typed/tofieldset.go` and `fieldpath/set.go` (`EnsureNamedFieldsAreMembers`).

use super::{FieldCursor, ListShape, MapShape, Relation, Shape, TypeRef, Typed, item_element, shape};
use crate::apply::field_set::{FieldSet, Node, PathElement};
use crate::object::{Map, Value};
use crate::schema::Schema;
use std::collections::BTreeMap;

/// Every leaf and every list item of an object. Structs and lists are no members themselves unless they are null or empty structs.
pub fn field_set<'a>(typed: Typed<'a>, value: &'a Value) -> FieldSet<'a> {
    below(typed.schema, TypeRef::Of(typed.ty), value).1
}

/// Whether the place itself is a leaf, and what is in the set below it.
fn below<'a>(schema: &'a Schema, ty: TypeRef<'a>, value: &'a Value) -> (bool, FieldSet<'a>) {
    match (shape(schema, ty, Some(value)), value) {
        (Shape::Scalar(_), _)
        | (Shape::List(ListShape { relation: Relation::Atomic, .. }), _)
        | (Shape::Map(MapShape { atomic: true, .. }), _) => (true, FieldSet::EMPTY),
        (Shape::List(list), Value::Array(items)) => (false, of_list(schema, list, items)),
        (Shape::Map(map), Value::Object(entries)) => (false, of_map(schema, map, entries)),
        _ => (false, FieldSet::EMPTY),
    }
}

/// Items that cannot be told from one another are one member without parts; an item without a path element is in no set.
fn of_list<'a>(schema: &'a Schema, list: ListShape<'a>, items: &'a [Value]) -> FieldSet<'a> {
    let mut found: BTreeMap<PathElement<'a>, Option<&'a Value>> = BTreeMap::new();
    for item in items {
        if let Ok(element) = item_element(schema, list, item) {
            found.entry(element).and_modify(|v| *v = None).or_insert(Some(item));
        }
    }
    let node = |(element, item): (_, Option<&'a Value>)| {
        let children = item.map(|item| below(schema, list.item, item).1).unwrap_or_default();
        Node { element, member: true, children }
    };
    FieldSet::from_nodes(found.into_iter().map(node).collect())
}

fn of_map<'a>(schema: &'a Schema, map: MapShape<'a>, entries: &'a Map) -> FieldSet<'a> {
    let mut cursor = FieldCursor::new(map);
    let mut nodes = Vec::with_capacity(entries.len());
    for (name, value) in entries {
        let (ty, declared) = cursor.type_of(name);
        let (leaf, children) = ty.map(|ty| below(schema, ty, value)).unwrap_or_default();
        let nothing = value.is_null() || value.as_object().is_some_and(|m| m.is_empty());
        nodes.push(Node { element: PathElement::Field(name), member: leaf || nothing || !declared, children });
    }
    FieldSet::from_nodes(nodes)
}

/// The set together with every declared field on the way to its members: a set of `a.b.c` also gets `a`, and `a.b` if that is a
/// struct's field and not an entry of a map.
#[must_use]
pub fn close_over_fields<'a>(typed: Typed<'a>, mut set: FieldSet<'a>) -> FieldSet<'a> {
    close(typed.schema, Some(TypeRef::Of(typed.ty)), &mut set);
    set
}

fn close<'a>(schema: &'a Schema, ty: Option<TypeRef<'a>>, set: &mut FieldSet<'a>) {
    let shape = ty.map(|ty| shape(schema, ty, None));
    set.retain_nodes(|node| {
        if node.children.is_empty() {
            return;
        }
        let ty = match (&node.element, shape) {
            (PathElement::Field(name), Some(Shape::Map(map))) => {
                node.member |= map.field(name).is_some();
                map.type_of(name)
            }
            (PathElement::Key(_), Some(Shape::List(list))) => Some(list.item),
            _ => None,
        };
        close(schema, ty, &mut node.children);
    });
}
