//! Which fields one object adds, changes and removes against another.
//!
//! Follows structured-merge-diff `typed/compare.go`.

use super::validate::scalar_error;
use super::{
    FieldCursor, ListShape, MapShape, Relation, Shape, Trail, TypeErrors, TypeRef, Typed, as_list, as_map, item_elements, shape,
    shapes_differ,
};
use crate::apply::field_set::{FieldSet, Node, PathElement, equal};
use crate::object::Value;
use crate::schema::Schema;
use std::collections::BTreeMap;

/// The differences of two objects.
#[derive(Debug, Default, PartialEq)]
pub struct Comparison<'a> {
    /// What the new object lacks.
    pub removed: FieldSet<'a>,
    /// What both have, differently.
    pub modified: FieldSet<'a>,
    /// What only the new object has.
    pub added: FieldSet<'a>,
}

impl Comparison<'_> {
    /// Forgets some fields and all below them.
    pub fn exclude(&mut self, fields: &FieldSet<'_>) {
        self.removed.subtract_recursive(fields);
        self.modified.subtract_recursive(fields);
        self.added.subtract_recursive(fields);
    }
}

/// Compares two objects of a type.
pub fn compare<'a>(typed: Typed<'a>, old: &'a Value, new: &'a Value) -> Result<Comparison<'a>, TypeErrors> {
    compare_sent(typed, old, new, None)
}

/// Compares a stored object with one that was read from `sent`.
///
/// Atomic lists are compared as Go holds them, not as they are written: a quantity that was sent with another text than the
/// stored one (`1000m` for `1`) and a list that was sent empty where the stored one is absent are changes, although nothing
/// changes in what is stored (`value/listreflect.go`: `reflect.DeepEqual`).
pub fn compare_sent<'a>(typed: Typed<'a>, old: &'a Value, new: &'a Value, sent: Option<&'a Value>) -> Result<Comparison<'a>, TypeErrors> {
    let mut walk = Walk { schema: typed.schema, trail: Trail::default() };
    let mut here = Place::default();
    walk.value(TypeRef::Of(typed.ty), Some(old), Some(New { value: new, sent }), &mut here);
    walk.trail.finish()?;
    let [removed, modified, added] = here.below.map(FieldSet::from_nodes);
    Ok(Comparison { removed, modified, added })
}

/// A part of the new object, and what it was read from if that is known.
#[derive(Clone, Copy)]
struct New<'a> {
    value: &'a Value,
    sent: Option<&'a Value>,
}

impl<'a> New<'a> {
    fn entry(&self, name: &str) -> Option<Self> {
        let value = self.value.get(name)?;
        Some(Self { value, sent: self.sent.and_then(|s| s.get(name)) })
    }

    /// An item of a list, which is read item by item.
    fn item(&self, index: usize, value: &'a Value) -> Self {
        let same_length = |s: &&Value| s.as_array().map(Vec::len) == self.value.as_array().map(Vec::len);
        Self { value, sent: self.sent.filter(same_length).and_then(|s| s.get(index)) }
    }

    /// Whether it is equal to what is stored; lists also in how they are held.
    fn equals(&self, old: &Value) -> bool {
        match (old, self.value, self.sent) {
            (Value::Object(l), Value::Object(r), Some(_)) => {
                l.len() == r.len() && l.iter().all(|(name, l)| self.entry(name).is_some_and(|r| r.equals(l)))
            }
            (Value::Null, Value::Null, Some(sent)) => !is_empty(sent),
            (Value::Array(_), Value::Array(_), Some(sent)) => equal(old, self.value) && !reads_otherwise(sent, self.value),
            _ => equal(old, self.value),
        }
    }
}

/// Whether something that was sent is written otherwise than it was sent, defaults aside.
fn reads_otherwise(sent: &Value, read: &Value) -> bool {
    match (sent, read) {
        (Value::Array(s), Value::Array(r)) => !s.is_empty() && (s.len() != r.len() || s.iter().zip(r).any(|(s, r)| reads_otherwise(s, r))),
        (Value::Object(s), Value::Object(r)) => s.iter().any(|(name, s)| match r.get(name) {
            Some(r) => reads_otherwise(s, r),
            None => is_empty(s),
        }),
        (Value::String(s), Value::String(r)) => !s.is_empty() && s != r,
        (Value::Number(s), Value::String(r)) => s.to_string() != *r,
        _ => false,
    }
}

fn is_empty(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(|m| m.is_empty())
}

const REMOVED: usize = 0;
const MODIFIED: usize = 1;
const ADDED: usize = 2;

/// What was found at a place: whether the place itself was removed, modified, added, and what below it was.
#[derive(Default)]
struct Place<'a> {
    own: [bool; 3],
    below: [Vec<Node<'a>>; 3],
}

impl<'a> Place<'a> {
    fn adopt(&mut self, element: &PathElement<'a>, child: Place<'a>) {
        for (i, nodes) in child.below.into_iter().enumerate() {
            if child.own[i] || !nodes.is_empty() {
                self.below[i].push(Node { element: element.clone(), member: child.own[i], children: FieldSet::from_nodes(nodes) });
            }
        }
    }

    fn note(&mut self, element: &PathElement<'a>, what: usize) {
        self.below[what].push(Node { element: element.clone(), member: true, children: FieldSet::EMPTY });
    }
}

struct Walk<'a> {
    schema: &'a Schema,
    trail: Trail<'a>,
}

impl<'a> Walk<'a> {
    fn value(&mut self, ty: TypeRef<'a>, old: Option<&'a Value>, new: Option<New<'a>>, here: &mut Place<'a>) {
        // What was read from something else that was sent may be held in another way than what it equals.
        if let (Some(l), Some(New { value, sent })) = (old, new)
            && l.is_shared_with(value)
            && sent.is_none_or(|sent| sent.is_shared_with(value))
        {
            return;
        }
        if let (Some(l), Some(r)) = (old, new)
            && shapes_differ(ty, l, r.value)
        {
            self.as_shape(shape(self.schema, ty, old), old, new, here);
        }
        let leaf = self.as_shape(shape(self.schema, ty, new.map(|n| n.value).or(old)), old, new, here);
        if !leaf && old.is_none() {
            here.own[ADDED] = true;
        } else if !leaf && new.is_none() {
            here.own[REMOVED] = true;
        }
    }

    /// Tells whether it was taken as one value.
    fn as_shape(&mut self, shape: Shape<'a>, old: Option<&'a Value>, new: Option<New<'a>>, here: &mut Place<'a>) -> bool {
        match shape {
            Shape::Scalar(kind) => {
                let wrong = |v: Option<&Value>| v.and_then(|v| scalar_error(kind, v));
                if let (Some(l), Some(r)) = (wrong(old), wrong(new.map(|n| n.value))) {
                    self.trail.error(format!("lhs: {l}"));
                    self.trail.error(format!("rhs: {r}"));
                    return false;
                }
                leaf(old, new, here)
            }
            Shape::List(list) => {
                let (l, r) = (as_list(old), as_list(new.map(|n| n.value)));
                if matches!(list.relation, Relation::Atomic) || (l.is_empty() && r.is_empty()) {
                    return leaf(old, new, here);
                }
                if !matches!((old, new), (Some(l), Some(r)) if r.equals(l)) {
                    self.list(list, l, new, here);
                }
                false
            }
            Shape::Map(map) => {
                let empty = |v: Option<&Value>| as_map(v).is_none_or(|m| m.is_empty());
                if map.atomic || (empty(old) && empty(new.map(|n| n.value))) {
                    return leaf(old, new, here);
                }
                self.map(map, old, new, here);
                false
            }
        }
    }

    fn map(&mut self, map: MapShape<'a>, old: Option<&'a Value>, new: Option<New<'a>>, here: &mut Place<'a>) {
        let old = as_map(old);
        let mut cursor = FieldCursor::new(map);
        for (name, l) in old.into_iter().flatten() {
            self.entry(&mut cursor, name, Some(l), new.and_then(|n| n.entry(name)), here);
        }
        let mut cursor = FieldCursor::new(map);
        for (name, _) in as_map(new.map(|n| n.value)).into_iter().flatten() {
            if !old.is_some_and(|m| m.contains_key(name)) {
                self.entry(&mut cursor, name, None, new.and_then(|n| n.entry(name)), here);
            }
        }
    }

    fn entry(&mut self, cursor: &mut FieldCursor<'a>, name: &'a str, old: Option<&'a Value>, new: Option<New<'a>>, here: &mut Place<'a>) {
        let Some(ty) = cursor.type_of(name).0 else { return };
        self.child(ty, &PathElement::Field(name), old, new, here);
    }

    fn child(&mut self, ty: TypeRef<'a>, element: &PathElement<'a>, old: Option<&'a Value>, new: Option<New<'a>>, here: &mut Place<'a>) {
        self.trail.push(element.clone());
        let mut child = Place::default();
        self.value(ty, old, new, &mut child);
        self.trail.pop();
        here.adopt(element, child);
    }

    /// Items are matched by their path elements. Several items with one element are one opaque thing.
    fn list(&mut self, list: ListShape<'a>, old: &'a [Value], new: Option<New<'a>>, here: &mut Place<'a>) {
        let mut items: BTreeMap<_, (Vec<&'a Value>, Vec<New<'a>>)> = BTreeMap::new();
        for (_, element, value) in item_elements(self.schema, list, old, &mut self.trail) {
            items.entry(element).or_default().0.push(value);
        }
        for (i, element, value) in item_elements(self.schema, list, as_list(new.map(|n| n.value)), &mut self.trail) {
            items.entry(element).or_default().1.extend(new.map(|n| n.item(i, value)));
        }
        for (element, (old, new)) in &items {
            match (&old[..], &new[..]) {
                ([] | [_], [] | [_]) => self.child(list.item, element, old.first().copied(), new.first().copied(), here),
                ([_, _, ..], [_, _, ..]) => {
                    if old.len() != new.len() || !old.iter().zip(new).all(|(l, r)| r.equals(l)) {
                        here.note(element, MODIFIED);
                    }
                }
                ([_, _, ..], _) => {
                    if let Some(only) = new.first() {
                        self.child(list.item, element, None, Some(*only), here);
                    }
                    here.note(element, REMOVED);
                }
                (_, [_, _, ..]) => {
                    if let Some(only) = old.first() {
                        self.child(list.item, element, Some(only), None, here);
                    }
                    here.note(element, ADDED);
                }
            }
        }
    }
}

fn leaf(old: Option<&Value>, new: Option<New<'_>>, here: &mut Place<'_>) -> bool {
    match (old, new) {
        (None, _) => here.own[ADDED] = true,
        (_, None) => here.own[REMOVED] = true,
        (Some(l), Some(r)) => here.own[MODIFIED] |= !r.equals(l),
    }
    true
}
