//! Untyped values as Go's converter reads them into a type: what a strategic patch and an apply make goes this way, not through JSON.
//!
//! Follows apimachinery `pkg/runtime/converter.go:fromUnstructured`. It takes the fields of a struct in the order of the type and tells
//! the first thing that does not fit, in the words of Go's reflection; a number too large for its type wraps around. What a type
//! decodes itself it decodes from JSON. Unknown fields are not its matter: `decode`, which comes after it, finds them.

use super::scalar::{Fault, go_type, scalar};
use super::{Scalar, Schema, Type};
use crate::object::{Fact, Value};

/// Fits a value to a type, or says why it cannot be.
pub fn convert(schema: &Schema, ty: &Type, value: &mut Value) -> Result<(), String> {
    // What fits as it is, which is nearly everything, stays shared.
    if fits(schema, ty, "", value)? == Fit::Converted {
        take_over(schema, ty, value);
    }
    Ok(())
}

/// How a value fits its type.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fit {
    AsItIs,
    /// Some number becomes another one.
    Converted,
}

impl Fit {
    fn and(self, other: Self) -> Self {
        if self == Self::AsItIs { other } else { self }
    }
}

fn fits(schema: &Schema, ty: &Type, declared: &str, value: &Value) -> Result<Fit, String> {
    match (ty, value) {
        (Type::Any, _) | (_, Value::Null) => Ok(Fit::AsItIs),
        (Type::Scalar(kind), value) => simple(*kind, declared, value),
        (Type::List(list), Value::Array(items)) => {
            let declared = declared.strip_prefix("[]").unwrap_or_default();
            items.iter().try_fold(Fit::AsItIs, |fit, item| Ok(fit.and(fits(schema, &list.item, declared, item)?)))
        }
        (Type::List(_), other) => Err(format!("cannot restore slice from {}", kind_of(other))),
        (Type::Map(map), Value::Object(entries)) => {
            let declared = declared.strip_prefix("map[string]").unwrap_or_default();
            entries.values().try_fold(Fit::AsItIs, |fit, entry| Ok(fit.and(fits(schema, &map.value, declared, entry)?)))
        }
        (Type::Map(_), other) => Err(format!("cannot restore map from {}", kind_of(other))),
        (Type::Named(_) | Type::Struct(_), Value::Object(entries)) => {
            let Some(own) = schema.fields(ty) else { return Ok(Fit::AsItIs) };
            let mark = schema.mark(ty);
            if mark.is_some_and(|mark| entries.is_noted(mark, Fact::Fits)) {
                return Ok(Fit::AsItIs);
            }
            let mut present = own.fields.iter().filter_map(|field| Some((field, entries.get(field.name.as_str())?)));
            let fit = present
                .try_fold(Fit::AsItIs, |fit, (field, entry)| Ok::<_, String>(fit.and(fits(schema, &field.ty, &field.go_type, entry)?)))?;
            if let Some(mark) = mark.filter(|_| fit == Fit::AsItIs) {
                entries.note(mark, Fact::Fits);
            }
            Ok(fit)
        }
        (Type::Named(_) | Type::Struct(_), other) => Err(format!("cannot restore struct from: {}", kind_of(other))),
    }
}

/// Makes the numbers of a value that fits those of its type.
fn take_over(schema: &Schema, ty: &Type, value: &mut Value) {
    match (ty, value) {
        (Type::Scalar(kind @ (Scalar::Int32 | Scalar::Int64)), value) => {
            if let Some(whole) = whole(value) {
                *value = if *kind == Scalar::Int32 { (whole as i32).into() } else { whole.into() };
            }
        }
        (Type::List(list), Value::Array(items)) => items.iter_mut().for_each(|item| take_over(schema, &list.item, item)),
        (Type::Map(map), Value::Object(entries)) => entries.values_mut().for_each(|entry| take_over(schema, &map.value, entry)),
        (Type::Named(_) | Type::Struct(_), Value::Object(entries)) => {
            for field in schema.fields(ty).into_iter().flat_map(|own| &own.fields) {
                if let Some(entry) = entries.get_mut(field.name.as_str()) {
                    take_over(schema, &field.ty, entry);
                }
            }
        }
        _ => {}
    }
}

/// A number without a fraction.
fn whole(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_f64().filter(|f| f.fract() == 0.0).map(|f| f as i64))
}

/// What Go holds an untyped value in.
fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "invalid",
        Value::Bool(_) => "bool",
        Value::Number(n) if n.is_f64() => "float64",
        Value::Number(_) => "int64",
        Value::String(_) => "string",
        Value::Array(_) => "slice",
        Value::Object(_) => "map",
    }
}

fn simple(kind: Scalar, declared: &str, value: &Value) -> Result<Fit, String> {
    let own = go_type(kind);
    let named = if declared.is_empty() { own } else { declared };
    let from = kind_of(value);
    let cannot = || Err(format!("cannot convert {from} to {named}"));
    let unrecognized = || Err(format!("unrecognized type: {own}"));
    match (kind, value) {
        (Scalar::String, Value::String(_)) | (Scalar::Bool, Value::Bool(_)) | (Scalar::Float, Value::Number(_)) => Ok(Fit::AsItIs),
        // Go converts a whole number to the character of that code, which JSON does not.
        (Scalar::String, Value::Number(_)) if from == "int64" => cannot(),
        (Scalar::String | Scalar::Bool | Scalar::Float, _) => unrecognized(),
        (Scalar::Int32 | Scalar::Int64, Value::Number(_)) => {
            let Some(whole) = whole(value) else { return cannot() };
            let same = value.as_i64().is_some() && (kind == Scalar::Int64 || i32::try_from(whole).is_ok());
            Ok(if same { Fit::AsItIs } else { Fit::Converted })
        }
        (Scalar::Int32 | Scalar::Int64, _) => unrecognized(),
        (Scalar::Bytes, Value::String(_)) => itself(kind, value).map_err(|why| format!("error decoding from json: {why}")),
        // A list is taken for one of bytes.
        (Scalar::Bytes, Value::Array(items)) if items.iter().any(|i| !i.is_number()) => Err("unrecognized type: uint8".into()),
        (Scalar::Bytes, _) => Err(format!("cannot restore slice from {from}")),
        (Scalar::Quantity | Scalar::IntOrString | Scalar::Time | Scalar::MicroTime | Scalar::Duration, _) => itself(kind, value),
    }
}

/// A type that decodes itself, from JSON.
fn itself(kind: Scalar, value: &Value) -> Result<Fit, String> {
    scalar(kind, value).map(|_| Fit::AsItIs).map_err(|fault| match fault {
        Fault::Text(why) | Fault::Abort(why) => why,
        Fault::Type { value, ty } | Fault::AbortType { value, ty } => format!("json: cannot unmarshal {value} into Go value of type {ty}"),
    })
}

#[cfg(test)]
mod tests {
    use super::convert;
    use crate::object::{Value, json};
    use crate::schema::{Schema, Version};

    /// As a 1.36.2 server answered to strategic patches.
    #[test]
    fn the_first_misfit_is_told_in_words_of_go() {
        let schema = Schema::of(Version::V1_36);
        let ty = schema.named("io.k8s.api.apps.v1.Deployment").unwrap();
        let container = |key: &str, value: Value| json!({"spec": {"template": {"spec": {"containers": [{key: value}]}}}});
        let cases = [
            (json!({"spec": {"replicas": 1.5}}), "cannot convert float64 to int32"),
            (json!({"spec": {"minReadySeconds": "5"}}), "unrecognized type: int32"),
            (json!({"spec": {"paused": 1}}), "unrecognized type: bool"),
            (json!({"spec": {"template": {"spec": {"containers": {}}}}}), "cannot restore slice from map"),
            (json!({"spec": "s"}), "cannot restore struct from: string"),
            (json!({"metadata": {"labels": ["a"]}}), "cannot restore map from slice"),
            (json!({"metadata": {"labels": {"a": 1}}}), "cannot convert int64 to string"),
            (json!({"metadata": {"labels": {"a": true}}}), "unrecognized type: string"),
            (container("imagePullPolicy", json!(1)), "cannot convert int64 to v1.PullPolicy"),
            // `metadata` comes before `spec` in the type.
            (json!({"spec": "s", "metadata": {"labels": []}}), "cannot restore map from slice"),
        ];
        for (mut value, why) in cases {
            assert_eq!(convert(schema, &ty, &mut value).unwrap_err(), why, "{value}");
        }
        let mut wrapped = json!({"spec": {"replicas": 4_294_967_298_i64, "minReadySeconds": 2.0, "paused": null}});
        convert(schema, &ty, &mut wrapped).unwrap();
        assert_eq!(wrapped, json!({"spec": {"replicas": 2, "minReadySeconds": 2, "paused": null}}));
    }
}
