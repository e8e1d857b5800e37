//! The empty object of a kind: what a created object is compared with.
//!
//! Follows Go's zero values as structured-merge-diff sees them (`value/structreflect.go`): of a struct's fields those show that
//! are not left out when empty, and structs held by value, which are never empty.

use super::Typed;
use crate::object::{Gvk, Map, Value};
use crate::schema::{Field, Omit, Scalar, Schema, Type};

/// An object with nothing in it. A built-in kind shows the skeleton of its Go type; a custom resource has none.
pub fn empty_object(typed: Typed<'_>, gvk: &Gvk) -> Value {
    let mut object = Map::new();
    object.insert("kind".into(), gvk.kind.clone().into());
    object.insert("apiVersion".into(), gvk.api_version().into());
    if let Type::Named(_) = typed.ty {
        for (name, value) in zero_fields(typed.schema, typed.ty) {
            object.entry(name).or_insert(value);
        }
    }
    Value::Object(object)
}

fn zero_fields(schema: &Schema, ty: &Type) -> Map {
    let fields = schema.fields(ty).map_or(&[][..], |s| &s.fields);
    let shown = fields.iter().filter(|f| !f.pointer && is_shown(f) || f.pointer && f.omit == Omit::Never);
    shown.map(|f| (f.name.clone(), if f.pointer { Value::Null } else { zero(schema, &f.ty) })).collect()
}

/// Whether the zero value of a field held by value is written.
fn is_shown(field: &Field) -> bool {
    let held_as_struct = match &field.ty {
        Type::Scalar(scalar) => {
            matches!(scalar, Scalar::Quantity | Scalar::IntOrString | Scalar::Time | Scalar::MicroTime | Scalar::Duration)
        }
        Type::Named(_) | Type::Struct(_) | Type::Any => true,
        Type::List(_) | Type::Map(_) => false,
    };
    match field.omit {
        Omit::Never => true,
        Omit::Empty => held_as_struct,
        Omit::Zero => false,
    }
}

fn zero(schema: &Schema, ty: &Type) -> Value {
    match ty {
        Type::Scalar(Scalar::String) => "".into(),
        Type::Scalar(Scalar::Quantity) => "0".into(),
        Type::Scalar(Scalar::Duration) => "0s".into(),
        Type::Scalar(Scalar::Bool) => false.into(),
        Type::Scalar(Scalar::Int32 | Scalar::Int64 | Scalar::Float | Scalar::IntOrString) => 0.into(),
        Type::Named(_) | Type::Struct(_) => Value::Object(zero_fields(schema, ty)),
        Type::Scalar(Scalar::Bytes | Scalar::Time | Scalar::MicroTime) | Type::List(_) | Type::Map(_) | Type::Any => Value::Null,
    }
}
