//! Values seen through a schema: the walks that merging and ownership are made of.
//!
//! Follows structured-merge-diff `typed/` and kube-openapi `pkg/schemaconv`: structs and maps are granular unless the schema says
//! atomic, lists atomic unless it says set or map; a value without a declared type is taken for what it looks like.

mod compare;
mod error;
mod field_set;
mod merge;
mod reconcile;
mod remove;
mod validate;
mod zero;

pub use compare::{Comparison, compare, compare_sent};
pub use error::TypeErrors;
pub use field_set::{close_over_fields, field_set};
pub use merge::merge;
pub use reconcile::reconcile;
pub use remove::{extract_items, remove_items};
pub use validate::{validate, validate_after};
pub use zero::empty_object;

use super::field_set::{Key, Literal, PathElement};
use super::go_format::quoted;
use crate::object::{Map, Value};
use crate::schema::{Field, ListKind, Scalar, Schema, StructType, Type};
use error::Trail;
use std::borrow::Cow;

/// The type of a value: one of the schema, or one deduced from the value.
#[derive(Clone, Copy, Debug)]
enum TypeRef<'a> {
    Of(&'a Type),
    /// By what the value is: maps granular, lists atomic.
    Deduced,
    /// As deduced, but maps atomic too: what lies inside an atomic list.
    Untyped,
}

/// Which scalars a place takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Primitive {
    Numeric,
    String,
    Boolean,
    Untyped,
}

/// How the items of a list relate.
#[derive(Clone, Copy, Debug)]
enum Relation<'a> {
    Atomic,
    Set,
    Keyed(&'a [String]),
}

#[derive(Clone, Copy, Debug)]
struct ListShape<'a> {
    item: TypeRef<'a>,
    relation: Relation<'a>,
}

/// A struct (with fields) or a map (with an element type only).
#[derive(Clone, Copy, Debug)]
struct MapShape<'a> {
    fields: Option<&'a StructType>,
    element: Option<TypeRef<'a>>,
    atomic: bool,
}

/// What a place is handled as.
#[derive(Clone, Copy, Debug)]
enum Shape<'a> {
    Scalar(Primitive),
    List(ListShape<'a>),
    Map(MapShape<'a>),
}

impl<'a> MapShape<'a> {
    fn field(&self, name: &str) -> Option<&'a Field> {
        self.fields.and_then(|s| s.field(name))
    }

    /// The type of what stands under a name, if something may.
    fn type_of(&self, name: &str) -> Option<TypeRef<'a>> {
        self.field(name).map(|f| TypeRef::Of(&f.ty)).or(self.element)
    }
}

/// Looks fields up in the order in which objects hold them: the next field is mostly the one after the last.
struct FieldCursor<'a> {
    shape: MapShape<'a>,
    next: usize,
}

impl<'a> FieldCursor<'a> {
    fn new(shape: MapShape<'a>) -> Self {
        Self { shape, next: 0 }
    }

    fn field(&mut self, name: &str) -> Option<&'a Field> {
        let fields = &self.shape.fields?.fields;
        let (before, after) = fields.split_at(self.next);
        let found = after.iter().position(|f| f.name == name).map(|i| self.next + i);
        let at = found.or_else(|| before.iter().position(|f| f.name == name))?;
        self.next = at + 1;
        Some(&fields[at])
    }

    /// The type of what stands under a name, if something may, and whether it is a declared field.
    fn type_of(&mut self, name: &str) -> (Option<TypeRef<'a>>, bool) {
        match self.field(name) {
            Some(field) => (Some(TypeRef::Of(&field.ty)), true),
            None => (self.shape.element, false),
        }
    }
}

/// A schema and the type of an object in it.
#[derive(Clone, Copy)]
pub struct Typed<'a> {
    /// Where named types are looked up.
    pub schema: &'a Schema,
    /// The object's type.
    pub ty: &'a Type,
}

/// How a value of a type that takes anything is handled.
const fn open_shape(deduced: bool, value: Option<&Value>) -> Shape<'static> {
    match value {
        Some(Value::Bool(_) | Value::Number(_) | Value::String(_)) => Shape::Scalar(Primitive::Untyped),
        Some(Value::Array(_)) => Shape::List(ListShape { item: TypeRef::Untyped, relation: Relation::Atomic }),
        _ => {
            let element = if deduced { TypeRef::Deduced } else { TypeRef::Untyped };
            Shape::Map(MapShape { fields: None, element: Some(element), atomic: !deduced })
        }
    }
}

/// How a value (none: any) of a type is handled.
fn shape<'a>(schema: &'a Schema, ty: TypeRef<'a>, value: Option<&Value>) -> Shape<'a> {
    let ty = match ty {
        TypeRef::Of(ty) => ty,
        TypeRef::Deduced => return open_shape(true, value),
        TypeRef::Untyped => return open_shape(false, value),
    };
    match ty {
        Type::Any | Type::Scalar(Scalar::IntOrString) => open_shape(true, value),
        Type::Scalar(scalar) => Shape::Scalar(match scalar {
            Scalar::String | Scalar::Bytes | Scalar::Duration => Primitive::String,
            Scalar::Bool => Primitive::Boolean,
            Scalar::Int32 | Scalar::Int64 | Scalar::Float => Primitive::Numeric,
            Scalar::Quantity | Scalar::IntOrString | Scalar::Time | Scalar::MicroTime => Primitive::Untyped,
        }),
        Type::List(list) => Shape::List(ListShape {
            item: TypeRef::Of(&list.item),
            relation: match &list.kind {
                ListKind::Atomic => Relation::Atomic,
                ListKind::Set => Relation::Set,
                ListKind::Map(keys) => Relation::Keyed(keys),
            },
        }),
        Type::Map(map) => Shape::Map(MapShape { fields: None, element: Some(TypeRef::Of(&map.value)), atomic: map.atomic }),
        Type::Named(_) | Type::Struct(_) => match schema.fields(ty) {
            Some(fields) => {
                let open = fields.preserve_unknown || fields.fields.is_empty();
                Shape::Map(MapShape { fields: Some(fields), element: open.then_some(TypeRef::Deduced), atomic: fields.atomic })
            }
            None => open_shape(true, value),
        },
    }
}

/// Whether two values of a type that takes anything are handled differently, so that both are looked at.
fn shapes_differ(ty: TypeRef<'_>, left: &Value, right: &Value) -> bool {
    let kind = |v: &Value| match v {
        Value::Null => 0,
        Value::Bool(_) | Value::Number(_) | Value::String(_) => 1,
        Value::Array(_) => 2,
        Value::Object(_) => 3,
    };
    let open = match ty {
        TypeRef::Of(ty) => matches!(ty, Type::Any | Type::Scalar(Scalar::IntOrString)),
        TypeRef::Deduced | TypeRef::Untyped => true,
    };
    open && kind(left) != kind(right)
}

fn as_map(value: Option<&Value>) -> Option<&Map> {
    value.and_then(Value::as_object)
}

fn as_list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The path element of an item of a granular list, keys completed by the schema's defaults.
fn item_element<'a>(schema: &'a Schema, list: ListShape<'a>, item: &'a Value) -> Result<PathElement<'a>, String> {
    let keys = match list.relation {
        Relation::Atomic => return Err("invalid indexing of non-associative list".to_owned()),
        Relation::Set => return set_element(item),
        Relation::Keyed(keys) => keys,
    };
    let map = match item {
        Value::Null => return Err("associative list with keys may not have a null element".to_owned()),
        Value::Object(map) => map,
        _ => return Err("associative list with keys may not have non-map elements".to_owned()),
    };
    let mut fields: Vec<(Cow<'a, str>, Literal<'a>)> = Vec::with_capacity(keys.len());
    for name in keys {
        let value = match map.get(name) {
            Some(value) => Some(value),
            None => key_default(schema, list.item, name)?,
        };
        if let Some(value) = value {
            fields.push((Cow::Borrowed(name), Literal::of(value)));
        }
    }
    if fields.is_empty() && !keys.is_empty() {
        let names: Vec<String> = keys.iter().map(|k| quoted(k)).collect();
        return Err(format!(
            "associative list with keys has an element that omits all key fields [{}] (and doesn't have default values for any key fields)",
            names.join(" ")
        ));
    }
    fields.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(PathElement::Key(Key::from(fields)))
}

fn key_default<'a>(schema: &'a Schema, item: TypeRef<'a>, name: &str) -> Result<Option<&'a Value>, String> {
    match shape(schema, item, None) {
        Shape::Map(map) => Ok(map.field(name).and_then(|f| f.default.as_ref())),
        _ => Err(format!("couldn't find default value for {name}: associative list may not have non-map types")),
    }
}

fn set_element(item: &Value) -> Result<PathElement<'_>, String> {
    match item {
        Value::Object(_) => Err("associative list without keys has an element that's a map type".to_owned()),
        Value::Array(_) => Err("not supported: associative list with lists as elements".to_owned()),
        Value::Null => Err("associative list without keys has an element that's an explicit null".to_owned()),
        scalar => Ok(PathElement::Value(Literal::of(scalar))),
    }
}

/// A list's items with their indices and path elements, in its order; items without one are noted as errors.
fn item_elements<'a>(
    schema: &'a Schema,
    list: ListShape<'a>,
    items: &'a [Value],
    trail: &mut Trail<'a>,
) -> Vec<(usize, PathElement<'a>, &'a Value)> {
    let mut elements = Vec::with_capacity(items.len());
    for (i, item) in items.iter().enumerate() {
        match item_element(schema, list, item) {
            Ok(element) => elements.push((i, element, item)),
            Err(why) => trail.error(format!("element {i}: {why}")),
        }
    }
    elements
}
