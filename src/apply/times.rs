//! A write that changes nothing but times in the managed fields changes nothing at all.
//!
//! Follows apiserver `pkg/endpoints/handlers/fieldmanager/equality.go`.

use super::managers::managed_fields;
use crate::object::{Map, Value};

/// Puts the old times back if they are all that differs. `same` says whether two parts of the objects are semantically equal;
/// it is asked for everything but `metadata.managedFields`. To be called when `new` is ready to be stored: with the resource
/// version, generation and whatever else the store restores.
pub fn restore_times(old: &Value, new: &mut Value, same: impl Fn(&Value, &Value) -> bool) {
    let (Some(before), Some(after)) = (managed_fields(old).and_then(Value::as_array), managed_fields(new).and_then(Value::as_array)) else {
        return;
    };
    let pairs = || before.iter().zip(after);
    let times_moved = pairs().any(|(b, a)| b.get("time") != a.get("time"));
    let alike = before.len() == after.len() && times_moved && pairs().all(|(b, a)| equal_but(b, a, "time", &|b, a| b == a));
    let in_metadata = |b: &Value, a: &Value| equal_but(b, a, "managedFields", &same);
    let metadata_alike = match (old.get("metadata"), new.get("metadata")) {
        (Some(b), Some(a)) => in_metadata(b, a),
        _ => false,
    };
    if !alike || !metadata_alike || !equal_but(old, new, "metadata", &same) {
        return;
    }
    let before = before.clone();
    if let Some(entries) = new.pointer_mut("/metadata/managedFields") {
        *entries = Value::Array(before.into());
    }
}

/// Whether two maps are equal, one key left aside.
fn equal_but(a: &Value, b: &Value, aside: &str, same: &impl Fn(&Value, &Value) -> bool) -> bool {
    let (Value::Object(a), Value::Object(b)) = (a, b) else { return same(a, b) };
    let count = |m: &Map| m.len() - usize::from(m.contains_key(aside));
    count(a) == count(b) && a.iter().filter(|(key, _)| *key != aside).all(|(key, v)| b.get(key).is_some_and(|w| same(v, w)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json;

    fn object(time: &str, manager: &str, replicas: i64) -> Value {
        json!({"metadata": {"name": "x", "managedFields": [{"manager": manager, "time": time, "fieldsV1": {"f:spec": {}}}]}, "spec": {"replicas": replicas}})
    }

    #[test]
    fn times_come_back_only_if_nothing_else_differs() {
        let old = object("2026-01-01T00:00:00Z", "a", 1);
        for (new, restored) in [
            (object("2026-01-01T00:00:05Z", "a", 1), true),
            (object("2026-01-01T00:00:05Z", "a", 2), false),
            (object("2026-01-01T00:00:05Z", "b", 1), false),
        ] {
            let mut got = new.clone();
            restore_times(&old, &mut got, |a, b| a == b);
            assert_eq!(got, if restored { old.clone() } else { new });
        }
    }
}
