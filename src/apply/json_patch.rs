//! JSON patch (RFC 6902) as the API server applies it: a live object and a list of operations become the patched object.
//!
//! Follows evanphx/json-patch v4 `patch.go`, which is laxer than the RFC: `replace` makes a missing key of a map, `copy` of one
//! gives null, `test` of one succeeds against null, negative indexes count from the end (the RFC-conforming crate `json-patch`
//! refuses all of these).

use super::PatchError;
use crate::object::{Value, json_kind};

/// The most operations that the server takes (`maxJSONPatchOperations`).
const MOST_OPERATIONS: usize = 10_000;

/// Applies the operations in order; the first that fails refuses all of them.
pub fn apply(live: &Value, patch: &Value) -> Result<Value, PatchError> {
    let operations = match patch {
        Value::Array(operations) => operations.as_slice(),
        Value::Null => &[],
        other => return Err(undecodable(other, "value of type []handlers.jsonPatchOp")),
    };
    let operations = operations.iter().map(Operation::decode).collect::<Result<Vec<_>, _>>()?;
    if operations.len() > MOST_OPERATIONS {
        let text = format!("The allowed maximum operations in a JSON patch is {MOST_OPERATIONS}, got {}", operations.len());
        return Err(PatchError::TooLarge(text));
    }
    let mut doc = live.clone();
    for operation in &operations {
        operation.run(&mut doc).map_err(PatchError::Rejected)?;
    }
    Ok(doc)
}

/// What came of a patch as the library writes it: the keys of the maps on the way to what it touched are sorted, all others stand as
/// they did.
pub fn as_written(patched: &Value, patch: &Value) -> Value {
    let mut written = patched.clone();
    sort_keys(&mut written);
    for operation in patch.as_array().into_iter().flatten() {
        for path in ["path", "from"].into_iter().filter_map(|key| operation.get(key).and_then(Value::as_str)) {
            for (end, _) in path.match_indices('/').skip(1) {
                let Ok(Some(there)) = get(&mut written, &path[..end]) else { break };
                sort_keys(there);
            }
        }
    }
    written
}

fn sort_keys(value: &mut Value) {
    if let Value::Object(map) = value {
        let mut entries: Vec<_> = std::mem::take(map).into_iter().collect();
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        map.extend(entries);
    }
}

fn undecodable(value: &Value, into: &str) -> PatchError {
    PatchError::BadRequest(format!("error decoding patch: json: cannot unmarshal {} into Go {into}", json_kind(value)))
}

struct Operation<'p> {
    op: &'p str,
    path: Option<&'p str>,
    from: Option<&'p str>,
    /// None if it is absent, which `test` tells from null.
    value: Option<&'p Value>,
}

impl<'p> Operation<'p> {
    fn decode(operation: &'p Value) -> Result<Self, PatchError> {
        let empty = Value::Null;
        let map = match operation {
            Value::Object(map) => Some(map),
            Value::Null => None,
            other => return Err(undecodable(other, "value of type handlers.jsonPatchOp")),
        };
        let word = |key: &str| match map.and_then(|m| m.get(key)).unwrap_or(&empty) {
            Value::String(_) | Value::Null => Ok(map.and_then(|m| m.get(key)).and_then(Value::as_str)),
            other => Err(undecodable(other, &format!("struct field jsonPatchOp.{key} of type string"))),
        };
        Ok(Self { op: word("op")?.unwrap_or("unknown"), path: word("path")?, from: word("from")?, value: map.and_then(|m| m.get("value")) })
    }

    fn run(&self, doc: &mut Value) -> Result<(), String> {
        let path = self.path.ok_or_else(|| format!("{} operation has no path", self.op));
        let new = || self.value.cloned().unwrap_or(Value::Null);
        match self.op {
            "add" => add(doc, path?, new()),
            "remove" => remove(doc, path?).map(drop),
            "replace" => replace(doc, path?, new()),
            "test" => test(doc, path?, self.value),
            "move" => {
                let value = remove(doc, self.from.ok_or("move operation has no from")?)?;
                add(doc, path?, value)
            }
            "copy" => {
                let value = get(doc, self.from.ok_or("copy operation has no from")?)?.cloned().unwrap_or(Value::Null);
                add(doc, path?, value)
            }
            other => Err(format!("Unexpected kind: {other}")),
        }
    }
}

/// The map or list that holds a path's last part, and that part. What stands before the first slash is not looked at.
fn parent<'d>(doc: &'d mut Value, path: &str) -> Result<(&'d mut Value, String), String> {
    let missing = || format!("doc is missing path: {path:?}");
    let mut parts = path.split('/').skip(1).map(|part| part.replace("~1", "/").replace("~0", "~"));
    let mut last = parts.next().ok_or_else(missing)?;
    let mut here = doc;
    for part in parts {
        here = match here {
            Value::Object(map) => map.get_mut(&last),
            Value::Array(list) => index(&last, list.len(), list.len()).ok().and_then(|i| list.get_mut(i)),
            _ => None,
        }
        .ok_or_else(missing)?;
        last = part;
    }
    if here.is_object() || here.is_array() { Ok((here, last)) } else { Err(missing()) }
}

/// An index below `bound`; a negative one counts from `end`.
fn index(part: &str, bound: usize, end: usize) -> Result<usize, String> {
    let invalid = || format!("Unable to access invalid index: {part}");
    let number: i64 = part.parse().map_err(|_| format!("value was not a proper array index: '{part}'"))?;
    let index = if number < 0 { number + end as i64 } else { number };
    usize::try_from(index).ok().filter(|i| *i < bound).ok_or_else(invalid)
}

/// What is at a path whose parent is there; none for a missing key of a map.
fn get<'d>(doc: &'d mut Value, path: &str) -> Result<Option<&'d mut Value>, String> {
    match parent(doc, path)? {
        (Value::Object(map), key) => Ok(map.get_mut(&key)),
        (Value::Array(list), key) => {
            let i = index(&key, list.len(), list.len())?;
            Ok(list.get_mut(i))
        }
        _ => Ok(None),
    }
}

fn add(doc: &mut Value, path: &str, value: Value) -> Result<(), String> {
    match parent(doc, path)? {
        (Value::Object(map), key) => {
            map.insert(key.into(), value);
        }
        (Value::Array(list), key) if key == "-" => list.push(value),
        (Value::Array(list), key) => {
            let end = list.len() + 1;
            list.insert(index(&key, end, end)?, value);
        }
        _ => {}
    }
    Ok(())
}

fn remove(doc: &mut Value, path: &str) -> Result<Value, String> {
    match parent(doc, path)? {
        (Value::Object(map), key) => map.shift_remove(&key).ok_or_else(|| format!("Unable to remove nonexistent key: {key}")),
        (Value::Array(list), key) => {
            let i = index(&key, list.len(), list.len())?;
            Ok(list.remove(i))
        }
        _ => Ok(Value::Null),
    }
}

fn replace(doc: &mut Value, path: &str, value: Value) -> Result<(), String> {
    if path.is_empty() {
        if !(value.is_object() || value.is_array()) {
            return Err("replace operation value must be object or array".into());
        }
        *doc = value;
        return Ok(());
    }
    match parent(doc, path)? {
        (Value::Object(map), key) => {
            map.insert(key.into(), value);
        }
        (Value::Array(list), key) => {
            let i = index(&key, list.len(), list.len())?;
            list[i] = value;
        }
        _ => {}
    }
    Ok(())
}

fn test(doc: &mut Value, path: &str, value: Option<&Value>) -> Result<(), String> {
    let there: Option<&Value> = if path.is_empty() { Some(&*doc) } else { get(doc, path)?.map(|v| &*v) };
    let equal = match there {
        None | Some(Value::Null) => value.is_none_or(Value::is_null),
        Some(there) => value == Some(there),
    };
    if equal { Ok(()) } else { Err(format!("testing value {path} failed")) }
}

#[cfg(test)]
mod tests {
    use super::apply;
    use crate::object::json;

    #[test]
    fn operations_of_rfc_6902() {
        let doc = json!({"a": {"b": [1, 2, 3], "c": "x"}, "d~/": 1});
        let cases = [
            (json!([{"op": "add", "path": "/a/b/1", "value": 9}]), json!({"a": {"b": [1, 9, 2, 3], "c": "x"}, "d~/": 1})),
            (json!([{"op": "add", "path": "/a/b/-", "value": 9}]), json!({"a": {"b": [1, 2, 3, 9], "c": "x"}, "d~/": 1})),
            (json!([{"op": "remove", "path": "/a/b/0"}]), json!({"a": {"b": [2, 3], "c": "x"}, "d~/": 1})),
            (json!([{"op": "replace", "path": "/d~0~1", "value": 2}]), json!({"a": {"b": [1, 2, 3], "c": "x"}, "d~/": 2})),
            (json!([{"op": "move", "from": "/a/c", "path": "/e"}]), json!({"a": {"b": [1, 2, 3]}, "d~/": 1, "e": "x"})),
            (json!([{"op": "copy", "from": "/a/b/2", "path": "/a/c"}]), json!({"a": {"b": [1, 2, 3], "c": 3}, "d~/": 1})),
            (json!([{"op": "test", "path": "/a/b", "value": [1, 2, 3]}]), doc.clone()),
        ];
        for (patch, want) in cases {
            assert_eq!(apply(&doc, &patch).unwrap().to_string(), want.to_string(), "{patch}");
        }
    }

    #[test]
    fn laxer_than_the_rfc() {
        let doc = json!({"a": [1, 2]});
        let cases = [
            (json!([{"op": "replace", "path": "/b", "value": 1}]), json!({"a": [1, 2], "b": 1})),
            (json!([{"op": "test", "path": "/b", "value": null}]), doc.clone()),
            (json!([{"op": "copy", "from": "/b", "path": "/c"}]), json!({"a": [1, 2], "c": null})),
            (json!([{"op": "replace", "path": "/a/-1", "value": 3}]), json!({"a": [1, 3]})),
            (json!([{"op": "add", "path": "/a/-1", "value": 3}]), json!({"a": [1, 2, 3]})),
            (json!([{"op": "add", "path": "x/b", "value": 3}]), json!({"a": [1, 2], "b": 3})),
        ];
        for (patch, want) in cases {
            assert_eq!(apply(&doc, &patch).unwrap(), want, "{patch}");
        }
    }

    #[test]
    fn what_does_not_fit_is_rejected_and_what_is_no_patch_is_malformed() {
        let doc = json!({"a": [1], "s": "x"});
        for patch in [
            json!([{"op": "remove", "path": "/b"}]),
            json!([{"op": "add", "path": "/b/c", "value": 1}]),
            json!([{"op": "add", "path": "/s/c", "value": 1}]),
            json!([{"op": "add", "path": "", "value": {}}]),
            json!([{"op": "replace", "path": "/a/1", "value": 1}]),
            json!([{"op": "add", "path": "/a/3", "value": 1}]),
            json!([{"op": "test", "path": "/s", "value": "y"}]),
            json!([{"op": "test", "path": "/s"}]),
            json!([{"op": "bogus", "path": "/s"}]),
            json!([{"op": "add"}]),
        ] {
            let error = apply(&doc, &patch).unwrap_err();
            assert_eq!(error.code(), 422, "{patch}");
            assert_eq!(error.to_string(), "the server rejected our request due to an error in our request");
        }
        for patch in [json!({"op": "add"}), json!(["x"]), json!([{"op": 1}])] {
            assert_eq!(apply(&doc, &patch).unwrap_err().code(), 400, "{patch}");
        }
        let long = vec![json!({"op": "test", "path": "/s", "value": "x"}); 10_001];
        assert_eq!(apply(&doc, &json!(long)).unwrap_err().code(), 413);
    }
}
