//! A field set brought up to date with a schema that has made a granular field atomic since the set was written.
//!
//! Follows structured-merge-diff `typed/reconcile_schema.go`.

use super::{MapShape, Relation, Shape, TypeRef, Typed, shape};
use crate::apply::field_set::{FieldSet, PathElement};
use crate::schema::Schema;

/// Who owned parts of what is now atomic owns the whole of it.
pub fn reconcile<'a>(typed: Typed<'a>, set: &mut FieldSet<'a>) {
    level(typed.schema, Some(TypeRef::Of(typed.ty)), set);
}

fn level<'a>(schema: &'a Schema, ty: Option<TypeRef<'a>>, set: &mut FieldSet<'a>) {
    let Some(parent) = ty.map(|ty| shape(schema, ty, None)) else { return };
    set.retain_nodes(|node| {
        if node.children.is_empty() {
            return;
        }
        let ty = match (&node.element, parent) {
            (PathElement::Field(name), Shape::Map(map)) => map.type_of(name),
            (_, Shape::Map(map)) => map.element,
            (_, Shape::List(list)) => Some(list.item),
            (_, Shape::Scalar(_)) => None,
        };
        let Some(below) = ty.map(|ty| shape(schema, ty, None)) else { return };
        let atomic = match below {
            Shape::Scalar(_) => false,
            Shape::List(list) => matches!(list.relation, Relation::Atomic),
            Shape::Map(map) => map.atomic,
        };
        let deduced = matches!(below, Shape::Map(MapShape { fields: None, element: Some(TypeRef::Deduced), .. }));
        if atomic {
            node.member = true;
            node.children = FieldSet::EMPTY;
        } else if !deduced {
            level(schema, ty, &mut node.children);
        }
    });
}
