//! A value of a schema type becomes the text that `go-spew` prints of the Go value (`%#v`, keys sorted, no methods, no addresses).
//!
//! Follows `spew/format.go` as `k8s.io/utils/dump.ForHash` sets it up: every field stands there with its type, those that hold nothing
//! too, so the text of a type grows with each field that a version adds. Values are as the controllers read them, from protobuf,
//! which knows no empty list or map.

use crate::object::quantity::Quantity;
use crate::object::{Map, Value};
use crate::schema::{Field, ListType, MapType, Scalar, Schema, StructType, Type};
use std::fmt::{Result, Write};

/// Prints a value of a type.
pub(super) fn spew(schema: &Schema, ty: &Type, value: &Value, out: &mut impl Write) -> Result {
    let printer = Printer { schema };
    out.write_str("(")?;
    printer.name(ty, "", out)?;
    out.write_str(")")?;
    printer.bare(ty, Some(value), out)
}

struct Printer<'s> {
    schema: &'s Schema,
}

impl Printer<'_> {
    /// What Go calls a type: by the name that a field declares, or by what it is made of.
    fn name(&self, ty: &Type, declared: &str, out: &mut impl Write) -> Result {
        if !declared.is_empty() {
            return out.write_str(declared);
        }
        match ty {
            Type::Scalar(scalar) => out.write_str(scalar_name(*scalar)),
            Type::Named(_) | Type::Struct(_) => {
                let own = self.schema.fields(ty);
                all([own.map_or("", package), ".", own.map_or("", |own| &own.go)], out)
            }
            Type::List(list) => {
                out.write_str(if list.pointers { "[]*" } else { "[]" })?;
                self.name(&list.item, "", out)
            }
            Type::Map(map) => {
                out.write_str("map[string]")?;
                self.name(&map.value, "", out)
            }
            Type::Any => out.write_str("v1.FieldsV1"),
        }
    }

    /// A value without its type in front.
    fn bare(&self, ty: &Type, value: Option<&Value>, out: &mut impl Write) -> Result {
        match ty {
            Type::Scalar(kind) => scalar(*kind, value, out),
            Type::Named(_) | Type::Struct(_) => match self.schema.fields(ty) {
                Some(own) => self.fields(own, value, out),
                None => out.write_str("<nil>"),
            },
            Type::List(list) => self.items(list, value.and_then(Value::as_array).map_or(&[], |items| items), out),
            Type::Map(map) => self.entries(map, value.and_then(Value::as_object), out),
            Type::Any => out.write_str("{Raw:([]uint8)<nil>}"),
        }
    }

    fn items(&self, list: &ListType, items: &[Value], out: &mut impl Write) -> Result {
        if items.is_empty() {
            return out.write_str("<nil>");
        }
        for (i, item) in items.iter().enumerate() {
            out.write_str(if i == 0 { "[" } else { " " })?;
            if list.pointers {
                out.write_str("<*>")?;
            }
            self.bare(&list.item, Some(item), out)?;
        }
        out.write_str("]")
    }

    fn entries(&self, map: &MapType, entries: Option<&Map>, out: &mut impl Write) -> Result {
        let mut entries: Vec<_> = entries.into_iter().flatten().collect();
        if entries.is_empty() {
            return out.write_str("<nil>");
        }
        entries.sort_by_key(|(key, _)| *key);
        for (i, (key, entry)) in entries.into_iter().enumerate() {
            all([if i == 0 { "map[" } else { " " }, key, ":"], out)?;
            self.bare(&map.value, Some(entry), out)?;
        }
        out.write_str("]")
    }

    /// The fields of a struct; those of embedded ones stand together in the schema, and within these here.
    fn fields(&self, own: &StructType, value: Option<&Value>, out: &mut impl Write) -> Result {
        let mut inside: Vec<&str> = Vec::new();
        out.write_str("{")?;
        let mut first = true;
        for field in &own.fields {
            let path: Vec<&str> = match field.embedded.as_str() {
                "" => Vec::new(),
                embedded => embedded.split('.').collect(),
            };
            let shared = inside.iter().zip(&path).take_while(|(a, b)| a == b).count();
            for _ in shared..inside.len() {
                out.write_str("}")?;
            }
            if !std::mem::take(&mut first) {
                out.write_str(" ")?;
            }
            for name in &path[shared..] {
                all([name, ":(", package(own), ".", name, "){"], out)?;
            }
            inside = path;
            all([&field.go, ":"], out)?;
            self.field(field, value.and_then(|v| v.get(field.name.as_str())).filter(|v| !v.is_null()), out)?;
        }
        for _ in &inside {
            out.write_str("}")?;
        }
        out.write_str("}")
    }

    fn field(&self, field: &Field, value: Option<&Value>, out: &mut impl Write) -> Result {
        out.write_str(if field.pointer { "(*" } else { "(" })?;
        self.name(&field.ty, &field.go_type, out)?;
        out.write_str(")")?;
        if field.pointer && value.is_none() { out.write_str("<nil>") } else { self.bare(&field.ty, value, out) }
    }
}

/// Several texts in a row: a template has hundreds of them, and formatting costs more than what is formatted.
fn all<const N: usize>(texts: [&str; N], out: &mut impl Write) -> Result {
    texts.into_iter().try_for_each(|text| out.write_str(text))
}

/// `v1` of `io.k8s.api.core.v1.PodSpec`.
fn package(own: &StructType) -> &str {
    own.name.rsplit('.').nth(1).unwrap_or_default()
}

fn scalar_name(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::String => "string",
        Scalar::Bool => "bool",
        Scalar::Int32 => "int32",
        Scalar::Int64 => "int64",
        Scalar::Float => "float64",
        Scalar::Bytes => "[]uint8",
        Scalar::Quantity => "resource.Quantity",
        Scalar::IntOrString => "intstr.IntOrString",
        Scalar::Time => "v1.Time",
        Scalar::MicroTime => "v1.MicroTime",
        Scalar::Duration => "v1.Duration",
    }
}

fn scalar(kind: Scalar, value: Option<&Value>, out: &mut impl Write) -> Result {
    let text = value.and_then(Value::as_str);
    match kind {
        Scalar::String => out.write_str(text.unwrap_or_default()),
        Scalar::Bool => out.write_str(if value.and_then(Value::as_bool) == Some(true) { "true" } else { "false" }),
        Scalar::Int32 | Scalar::Int64 => match value.and_then(Value::as_i64) {
            None | Some(0) => out.write_str("0"),
            Some(number) => write!(out, "{number}"),
        },
        Scalar::Float => write!(out, "{}", value.and_then(Value::as_f64).unwrap_or_default()),
        Scalar::Quantity => {
            let quantity = value.and_then(|v| Quantity::from_value(v).ok());
            out.write_str(&quantity.map_or_else(|| Quantity::parse("0").unwrap_or(Quantity::ZERO).spewed(), |q| q.spewed()))
        }
        Scalar::IntOrString => {
            let number = value.and_then(Value::as_i64).unwrap_or_default();
            let (tag, text) = text.map_or((0, ""), |text| (1, text));
            write!(out, "{{Type:(intstr.Type){tag} IntVal:(int32){number} StrVal:(string){text}}}")
        }
        // A time that is set is printed with the time zone of the controller's machine, which nobody can tell; templates have none.
        Scalar::Time | Scalar::MicroTime => out.write_str("{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}"),
        Scalar::Duration | Scalar::Bytes => out.write_str("<nil>"),
    }
}
