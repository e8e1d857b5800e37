//! JSON merge patch (RFC 7386) as the API server applies it: a live object and a patch become the patched object.
//!
//! Follows evanphx/json-patch v4 `merge.go`, whose handling of nulls inside new values and inside lists is its own.

use super::PatchError;
use crate::object::{Map, Value, json_kind};

/// Applies a merge patch. Keys keep their place; new ones come last.
pub fn apply(live: &Value, patch: &Value) -> Result<Value, PatchError> {
    match (live, patch) {
        (Value::Object(live), Value::Object(patch)) => {
            let mut doc = live.clone();
            merge(&mut doc, patch);
            Ok(Value::Object(doc))
        }
        (_, Value::Object(patch)) => Ok(pruned(&Value::Object(patch.clone()))),
        (_, Value::Null) => Err(PatchError::BadRequest("Invalid JSON Patch".into())),
        (_, other) => Err(PatchError::BadRequest(format!(
            "error decoding patch: json: cannot unmarshal {} into Go value of type map[string]interface {{}}",
            json_kind(other)
        ))),
    }
}

fn merge(doc: &mut Map, patch: &Map) {
    for (key, value) in patch {
        if value.is_null() {
            doc.shift_remove(key);
            continue;
        }
        match (doc.get_mut(key), value) {
            (Some(Value::Object(there)), Value::Object(patch)) => merge(there, patch),
            // A map that is replaced by a scalar or a list: the only new value whose nulls stay.
            (Some(there @ Value::Object(_)), other) => *there = other.clone(),
            (Some(there), other) => *there = pruned(other),
            (None, other) => {
                doc.insert(key.clone(), pruned(other));
            }
        }
    }
}

/// What came of a patch as the library writes it: the keys of the maps that it opened are sorted, all others stand as they did.
pub fn as_written(patched: &Value, patch: &Value) -> Value {
    match (patched, patch) {
        (Value::Object(map), Value::Object(patch)) => {
            let written = |key: &str, value: &Value| patch.get(key).map_or_else(|| value.clone(), |patch| as_written(value, patch));
            let mut entries: Vec<_> = map.iter().map(|(key, value)| (key.clone(), written(key, value))).collect();
            entries.sort_by(|(a, _), (b, _)| a.cmp(b));
            entries.into_iter().collect()
        }
        (Value::Array(list), Value::Array(patch)) => list.iter().zip(patch).map(|(value, patch)| as_written(value, patch)).collect(),
        _ => patched.clone(),
    }
}

/// The value without the null entries of its maps; null items of lists stay.
fn pruned(value: &Value) -> Value {
    match value {
        Value::Object(map) => map.iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k.clone(), pruned(v))).collect(),
        Value::Array(list) => list.iter().map(pruned).collect(),
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{apply, as_written};
    use crate::object::json;

    #[test]
    fn maps_that_a_patch_opened_are_written_with_sorted_keys() {
        let live = json!({"kind": "K", "apiVersion": "v1", "metadata": {"name": "x", "labels": {"b": "1", "a": "2"}}, "data": {"z": "1", "y": "2"}});
        let patch = json!({"metadata": {"generation": "x"}, "spec": {"d": [{"f": 1, "e": 2}], "c": 1}});
        let written = as_written(&apply(&live, &patch).unwrap(), &patch).to_string();
        let expected = concat!(
            r#"{"apiVersion":"v1","data":{"z":"1","y":"2"},"kind":"K","metadata":{"generation":"x","labels":{"b":"1","a":"2"},"name":"x"},"#,
            r#""spec":{"c":1,"d":[{"e":2,"f":1}]}}"#
        );
        assert_eq!(written, expected);
    }

    #[test]
    fn examples_of_rfc_7386() {
        let cases = [
            (json!({"a": "b"}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "b"}), json!({"b": "c"}), json!({"a": "b", "b": "c"})),
            (json!({"a": "b"}), json!({"a": null}), json!({})),
            (json!({"a": "b", "b": "c"}), json!({"a": null}), json!({"b": "c"})),
            (json!({"a": ["b"]}), json!({"a": "c"}), json!({"a": "c"})),
            (json!({"a": "c"}), json!({"a": ["b"]}), json!({"a": ["b"]})),
            (json!({"a": {"b": "c"}}), json!({"a": {"b": "d", "c": null}}), json!({"a": {"b": "d"}})),
            (json!({"a": [{"b": "c"}]}), json!({"a": [1]}), json!({"a": [1]})),
            (json!({"e": null}), json!({"a": 1}), json!({"e": null, "a": 1})),
            (json!({}), json!({"a": {"bb": {"ccc": null}}}), json!({"a": {"bb": {}}})),
        ];
        for (live, patch, want) in cases {
            assert_eq!(apply(&live, &patch).unwrap(), want, "{live} with {patch}");
        }
    }

    #[test]
    fn keys_keep_their_order() {
        let live = json!({"a": 1, "b": 2, "c": 3});
        assert_eq!(apply(&live, &json!({"a": null, "d": 1, "c": 4})).unwrap().to_string(), r#"{"b":2,"c":4,"d":1}"#);
    }

    #[test]
    fn a_patch_that_is_no_object_is_malformed() {
        assert_eq!(apply(&json!({}), &json!([])).unwrap_err().code(), 400);
    }
}
