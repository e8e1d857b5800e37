//! Whether two workloads have the same pod template.
//!
//! A Deployment and a DaemonSet compare by meaning (apimachinery's `equality.Semantic`), a StatefulSet by the encoded bytes.

use crate::object::{Map, Value, at};
use crate::schema::Schema;

/// Whether the templates of a Deployment and a ReplicaSet mean the same, the hash label left out
/// (`pkg/controller/deployment/util`, `EqualIgnoreHash`).
pub(super) fn same(schema: &Schema, a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (at(a, &["spec", "template"]), at(b, &["spec", "template"])) else { return false };
    same_metadata(a, b) && equal(schema, a.get("spec"), b.get("spec"))
}

/// A template without the hash label.
pub(super) fn without_hash(template: &Value) -> Value {
    let mut bare = template.clone();
    if let Some(labels) = bare.pointer_mut("/metadata/labels").and_then(Value::as_object_mut) {
        labels.shift_remove(super::reading::TEMPLATE_HASH);
    }
    bare
}

fn same_metadata(a: &Value, b: &Value) -> bool {
    let (a, b) = (a.get("metadata").and_then(Value::as_object), b.get("metadata").and_then(Value::as_object));
    let keys = |m: Option<&Map<String, Value>>| m.into_iter().flat_map(Map::keys).cloned().collect::<Vec<_>>();
    let mut all = [keys(a), keys(b)].concat();
    all.sort();
    all.dedup();
    all.iter().all(|key| {
        let (a, b) = (a.and_then(|m| m.get(key)), b.and_then(|m| m.get(key)));
        if key == "labels" { same_labels(a, b) } else { meaning(a) == meaning(b) }
    })
}

fn same_labels(a: Option<&Value>, b: Option<&Value>) -> bool {
    let bare = |v: Option<&Value>| {
        let labels = v.and_then(Value::as_object).cloned().unwrap_or_default();
        labels.into_iter().filter(|(k, _)| k != super::reading::TEMPLATE_HASH).collect::<Map<_, _>>()
    };
    bare(a) == bare(b)
}

fn meaning(value: Option<&Value>) -> Option<&Value> {
    value.filter(|v| !v.is_null() && v.as_object().is_none_or(|m| !m.is_empty()) && v.as_array().is_none_or(|l| !l.is_empty()))
}

fn equal(_schema: &Schema, a: Option<&Value>, b: Option<&Value>) -> bool {
    a == b
}
