//! Untyped values as Go's converter reads them into a type: what a strategic patch and an apply make goes this way, not through JSON.
//!
//! Follows apimachinery `pkg/runtime/converter.go:fromUnstructured`. It takes the fields of a struct in the order of the type and tells
//! the first thing that does not fit, in the words of Go's reflection; a number too large for its type wraps around. What a type
//! decodes itself it decodes from JSON. Unknown fields are not its matter: `decode`, which comes after it, finds them.

use super::scalar::{Fault, go_type, scalar};
use super::{Scalar, Schema, Type};
use crate::object::Value;

/// Fits a value to a type, or says why it cannot be.
pub fn convert(schema: &Schema, ty: &Type, value: &mut Value) -> Result<(), String> {
    converted(schema, ty, "", value)
}

fn converted(schema: &Schema, ty: &Type, declared: &str, value: &mut Value) -> Result<(), String> {
    match (ty, value) {
        (Type::Any, _) | (_, Value::Null) => Ok(()),
        (Type::Scalar(kind), value) => simple(*kind, declared, value),
        (Type::List(list), Value::Array(items)) => {
            let declared = declared.strip_prefix("[]").unwrap_or_default();
            items.iter_mut().try_for_each(|item| converted(schema, &list.item, declared, item))
        }
        (Type::List(_), other) => Err(format!("cannot restore slice from {}", kind_of(other))),
        (Type::Map(map), Value::Object(entries)) => {
            let declared = declared.strip_prefix("map[string]").unwrap_or_default();
            entries.values_mut().try_for_each(|entry| converted(schema, &map.value, declared, entry))
        }
        (Type::Map(_), other) => Err(format!("cannot restore map from {}", kind_of(other))),
        (Type::Named(_) | Type::Struct(_), Value::Object(entries)) => {
            let Some(own) = schema.fields(ty) else { return Ok(()) };
            for field in &own.fields {
                if let Some(entry) = entries.get_mut(&field.name) {
                    converted(schema, &field.ty, &field.go_type, entry)?;
                }
            }
            Ok(())
        }
        (Type::Named(_) | Type::Struct(_), other) => Err(format!("cannot restore struct from: {}", kind_of(other))),
    }
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

fn simple(kind: Scalar, declared: &str, value: &mut Value) -> Result<(), String> {
    let own = go_type(kind);
    let named = if declared.is_empty() { own } else { declared };
    let from = kind_of(value);
    let cannot = || Err(format!("cannot convert {from} to {named}"));
    let unrecognized = || Err(format!("unrecognized type: {own}"));
    match (kind, &*value) {
        (Scalar::String, Value::String(_)) | (Scalar::Bool, Value::Bool(_)) | (Scalar::Float, Value::Number(_)) => Ok(()),
        // Go converts a whole number to the character of that code, which JSON does not.
        (Scalar::String, Value::Number(n)) if !n.is_f64() => cannot(),
        (Scalar::String | Scalar::Bool | Scalar::Float, _) => unrecognized(),
        (Scalar::Int32 | Scalar::Int64, Value::Number(n)) => {
            let whole = n.as_i64().or_else(|| n.as_f64().filter(|f| f.fract() == 0.0).map(|f| f as i64));
            let Some(whole) = whole else { return cannot() };
            *value = if kind == Scalar::Int32 { (whole as i32).into() } else { whole.into() };
            Ok(())
        }
        (Scalar::Int32 | Scalar::Int64, _) => unrecognized(),
        (Scalar::Bytes, Value::String(_)) => itself(kind, value).map_err(|why| format!("error decoding from json: {why}")),
        (Scalar::Bytes, _) => Err(format!("cannot restore slice from {from}")),
        (Scalar::Quantity | Scalar::IntOrString | Scalar::Time | Scalar::MicroTime | Scalar::Duration, _) => itself(kind, value),
    }
}

/// A type that decodes itself, from JSON.
fn itself(kind: Scalar, value: &Value) -> Result<(), String> {
    scalar(kind, value).map(drop).map_err(|fault| match fault {
        Fault::Text(why) | Fault::Abort(why) => why,
        Fault::Type { value, ty } | Fault::AbortType { value, ty } => format!("json: cannot unmarshal {value} into Go value of type {ty}"),
    })
}

#[cfg(test)]
mod tests {
    use super::convert;
    use crate::schema::{Schema, Version};
    use serde_json::{Value, json};

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
