//! A pod template becomes the text that Kubernetes hashes: Go's struct, field by field, with its types and everything that is not set.
//!
//! Follows `dump.ForHash` of `k8s.io/utils`, which is go-spew's `%#v` without methods and addresses, with sorted keys. Go's types are
//! in the schema data. A list or a map without entries is nil: the controllers read objects in protobuf, which has no others.

use crate::object::Value;
use crate::object::quantity::{Held, Quantity};
use crate::schema::{Field, Scalar, Schema, StructType, Type};
use std::fmt::Write;

const POD_TEMPLATE: &str = "io.k8s.api.core.v1.PodTemplateSpec";

/// The text of a pod template.
pub(super) fn pod_template(schema: &Schema, template: &Value) -> String {
    let mut out = String::with_capacity(8 << 10);
    if let Some(ty) = schema.named(POD_TEMPLATE) {
        out.push_str("(v1.PodTemplateSpec)");
        value(schema, &ty, Some(template), &mut out);
    }
    out
}

/// The name of a type as Go's reflection gives it.
fn name_of(schema: &Schema, ty: &Type) -> String {
    match ty {
        Type::Scalar(scalar) => match scalar {
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
        .to_owned(),
        Type::List(list) => format!("[]{}{}", if list.pointers { "*" } else { "" }, name_of(schema, &list.item)),
        Type::Map(map) => format!("map[string]{}", name_of(schema, &map.value)),
        Type::Named(_) | Type::Struct(_) => schema.fields(ty).map(|s| format!("{}.{}", package(s), s.go)).unwrap_or_default(),
        Type::Any => "v1.FieldsV1".to_owned(),
    }
}

/// The package of a type, by the last part of its path: `v1`.
fn package(of: &StructType) -> &str {
    of.name.rsplit('.').nth(1).unwrap_or_default()
}

fn field(schema: &Schema, field: &Field, of: Option<&Value>, out: &mut String) {
    let own = of.and_then(|v| v.get(field.name.as_str())).filter(|v| !v.is_null());
    let name = if field.go_type.is_empty() { name_of(schema, &field.ty) } else { field.go_type.clone() };
    let star = if field.pointer { "*" } else { "" };
    push(out, format_args!("{}:({star}{name})", field.go));
    if field.pointer && own.is_none() {
        out.push_str("<nil>");
    } else {
        value(schema, &field.ty, own, out);
    }
}

/// The fields of a struct, those of embedded structs inside these; `depth` of them have been opened.
fn fields(schema: &Schema, of: (&str, &[Field]), depth: usize, value: Option<&Value>, out: &mut String) {
    let (package, mut rest) = of;
    out.push('{');
    let mut first = true;
    while let Some(next) = rest.first() {
        if !first {
            out.push(' ');
        }
        first = false;
        let embedded = |f: &Field| f.embedded.split('.').filter(|s| !s.is_empty()).nth(depth).map(str::to_owned);
        match embedded(next) {
            Some(name) => {
                let count = rest.iter().take_while(|f| embedded(f).as_ref() == Some(&name)).count();
                push(out, format_args!("{name}:({package}.{name})"));
                fields(schema, (package, &rest[..count]), depth + 1, value, out);
                rest = &rest[count..];
            }
            None => {
                field(schema, next, value, out);
                rest = &rest[1..];
            }
        }
    }
    out.push('}');
}

/// A value without its type.
fn value(schema: &Schema, ty: &Type, value: Option<&Value>, out: &mut String) {
    match ty {
        Type::Scalar(scalar) => self::scalar(*scalar, value, out),
        Type::List(list) => {
            let Some(items) = value.and_then(Value::as_array).filter(|items| !items.is_empty()) else { return out.push_str("<nil>") };
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i > 0 { " " } else { "" });
                self::value(schema, &list.item, Some(item), out);
            }
            out.push(']');
        }
        Type::Map(map) => {
            let Some(entries) = value.and_then(Value::as_object).filter(|map| !map.is_empty()) else { return out.push_str("<nil>") };
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push_str("map[");
            for (i, (key, entry)) in entries.into_iter().enumerate() {
                push(out, format_args!("{}{key}:", if i > 0 { " " } else { "" }));
                self::value(schema, &map.value, Some(entry), out);
            }
            out.push(']');
        }
        Type::Named(_) | Type::Struct(_) => {
            if let Some(own) = schema.fields(ty) {
                fields(schema, (package(own), &own.fields), 0, value, out);
            }
        }
        Type::Any => out.push_str("<nil>"),
    }
}

fn scalar(scalar: Scalar, value: Option<&Value>, out: &mut String) {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    match scalar {
        Scalar::String => out.push_str(text),
        Scalar::Bool => out.push_str(if value == Some(&Value::Bool(true)) { "true" } else { "false" }),
        Scalar::Int32 | Scalar::Int64 => push(out, format_args!("{}", value.and_then(Value::as_i64).unwrap_or(0))),
        Scalar::Float => push(out, format_args!("{}", value.and_then(Value::as_f64).unwrap_or(0.0))),
        Scalar::IntOrString => {
            let (kind, number) = (u8::from(value.is_some_and(Value::is_string)), value.and_then(Value::as_i64).unwrap_or(0));
            push(out, format_args!("{{Type:(intstr.Type){kind} IntVal:(int32){number} StrVal:(string){text}}}"));
        }
        Scalar::Quantity => quantity(text, out),
        // Templates have no time but one of creation, which nobody sets.
        Scalar::Time | Scalar::MicroTime => out.push_str("{Time:(time.Time){wall:(uint64)0 ext:(int64)0 loc:(*time.Location)<nil>}}"),
        Scalar::Duration => out.push_str("{Duration:(time.Duration)0}"),
        Scalar::Bytes => out.push_str("<nil>"),
    }
}

/// A quantity by its parts. One that the fast path does not read is a number of any size, in billionths.
fn quantity(text: &str, out: &mut String) {
    let zero = || Held { mantissa: 0, scale: 0, fast: true, text: String::new(), format: "" };
    let held = Quantity::held(text).unwrap_or_else(zero);
    let (value, scale) = if held.fast { (held.mantissa, held.scale) } else { (0, 0) };
    push(
        out,
        format_args!("{{i:(resource.int64Amount){{value:(int64){value} scale:(resource.Scale){scale}}} d:(resource.infDecAmount){{Dec:("),
    );
    if held.fast {
        out.push_str("*inf.Dec)<nil>");
    } else {
        let billionths = held.mantissa.unsigned_abs().saturating_mul(10_u128.saturating_pow((held.scale + 9).unsigned_abs()));
        let (low, high) = (billionths as u64, (billionths >> 64) as u64);
        let words = if high == 0 { low.to_string() } else { format!("{low} {high}") };
        let negative = held.mantissa < 0;
        push(out, format_args!("*inf.Dec){{unscaled:(big.Int){{neg:(bool){negative} abs:(big.nat)[{words}]}} scale:(inf.Scale)9}}"));
    }
    push(out, format_args!("}} s:(string){} Format:(resource.Format){}}}", held.text, held.format));
}

fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("writing to a String cannot fail");
}
