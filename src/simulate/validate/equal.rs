//! Whether two values are the same to Kubernetes: absent and empty lists and maps are one, quantities are numbers, an absent
//! struct that Go holds by value is an empty one.
//!
//! Follows apimachinery `pkg/api/equality/semantic.go`.

use super::amount::nano;
use super::read::{ABSENT, Read};
use crate::object::Value;
use crate::schema::{Scalar, Schema, Type};

/// Compares two values of a named type; both are held by pointer.
pub(super) fn equal_as(schema: &Schema, name: &str, a: Option<&Value>, b: Option<&Value>) -> bool {
    match schema.named(name) {
        Some(ty) => equal(schema, &ty, true, a, b),
        None => a == b,
    }
}

/// Compares two values of a type; `pointer` says that absent and zero differ.
pub(super) fn equal(schema: &Schema, ty: &Type, pointer: bool, a: Option<&Value>, b: Option<&Value>) -> bool {
    let (a, b) = (a.filter(|v| !v.is_null()), b.filter(|v| !v.is_null()));
    if a == b {
        return true;
    }
    if pointer && a.is_some() != b.is_some() && !matches!(ty, Type::List(_) | Type::Map(_)) {
        return false;
    }
    match ty {
        Type::Scalar(scalar) => scalars_equal(*scalar, a, b),
        Type::List(list) => {
            let (a, b) = (items_of(a), items_of(b));
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal(schema, &list.item, list.pointers, Some(a), Some(b)))
        }
        Type::Map(map) => {
            let (a, b) = (a.and_then(Value::as_object), b.and_then(Value::as_object));
            a.map_or(0, |m| m.len()) == b.map_or(0, |m| m.len())
                && a.into_iter()
                    .flatten()
                    .all(|(k, v)| b.and_then(|b| b.get(k)).is_some_and(|w| equal(schema, &map.value, false, Some(v), Some(w))))
        }
        Type::Named(_) | Type::Struct(_) => schema.fields(ty).is_some_and(|fields| {
            let (a, b) = (a.unwrap_or(&ABSENT), b.unwrap_or(&ABSENT));
            fields.fields.iter().all(|f| equal(schema, &f.ty, f.pointer, a.field(&f.name), b.field(&f.name)))
        }),
        Type::Any => false,
    }
}

fn items_of(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn scalars_equal(scalar: Scalar, a: Option<&Value>, b: Option<&Value>) -> bool {
    match scalar {
        Scalar::Quantity => a.map_or(0, nano) == b.map_or(0, nano),
        Scalar::Bool => a.and_then(Value::as_bool).unwrap_or(false) == b.and_then(Value::as_bool).unwrap_or(false),
        Scalar::Int32 | Scalar::Int64 => a.and_then(Value::as_i64).unwrap_or(0) == b.and_then(Value::as_i64).unwrap_or(0),
        Scalar::String | Scalar::Bytes | Scalar::Time | Scalar::MicroTime | Scalar::Duration => {
            a.and_then(Value::as_str).unwrap_or("") == b.and_then(Value::as_str).unwrap_or("")
        }
        Scalar::Float | Scalar::IntOrString => false,
    }
}

#[cfg(test)]
mod tests {
    use super::equal_as;
    use crate::schema::{Schema, Version};
    use serde_json::json;

    #[test]
    fn numbers_are_compared_and_pointers_to_nothing_are_not_nothing() {
        let schema = Schema::of(Version::V1_36);
        let same = |a, b| equal_as(schema, "io.k8s.api.core.v1.PodSpec", Some(&a), Some(&b));
        let memory = |m: &str| json!({"containers": [{"name": "c", "resources": {"requests": {"memory": m}}}]});
        assert!(same(memory("1Gi"), memory("1073741824")));
        assert!(!same(memory("1Gi"), memory("1G")));
        assert!(same(json!({"containers": [], "nodeSelector": {}}), json!({})));
        assert!(!same(json!({"volumes": [{"name": "v", "emptyDir": {}}]}), json!({"volumes": [{"name": "v"}]})));
    }
}
