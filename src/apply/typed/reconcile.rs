//! A field set brought up to date with a schema that has made a granular field atomic since the set was written.
//!
//! Follows structured-merge-diff `typed/reconcile_schema.go`.

use super::{MapShape, Relation, Shape, TypeRef, Typed, shape};
use crate::apply::field_set::{FieldSet, PathElement};
use crate::schema::Schema;

/// Who owned parts of what is now atomic owns the whole of it. Tells whether anything changed.
pub fn reconcile<'a>(typed: Typed<'a>, set: &mut FieldSet<'a>) -> bool {
    level(typed.schema, TypeRef::Of(typed.ty), set)
}

fn level<'a>(schema: &'a Schema, ty: TypeRef<'a>, set: &mut FieldSet<'a>) -> bool {
    let parent = shape(schema, ty, None);
    let mut changed = false;
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
        let Some(ty) = ty else { return };
        let below = shape(schema, ty, None);
        let atomic = match below {
            Shape::Scalar(_) => false,
            Shape::List(list) => matches!(list.relation, Relation::Atomic),
            Shape::Map(map) => map.atomic,
        };
        let deduced = matches!(below, Shape::Map(MapShape { fields, element: Some(TypeRef::Deduced), .. }) if fields.is_none_or(|s| s.fields.is_empty()));
        if atomic {
            node.member = true;
            node.children = FieldSet::EMPTY;
            changed = true;
        } else if !deduced {
            changed |= level(schema, ty, &mut node.children);
        }
    });
    changed
}
