//! The `/scale` of a custom resource: replicas where its definition says they stand.
//!
//! Follows apiextensions-apiserver `pkg/registry/customresource/etcd.go:scaleFromCustomResource`.

use super::Replicas;
use crate::object::{Map, Value, at, integer, json, map_at};

impl Replicas {
    /// What `/scale` shows of an object.
    pub fn read(&self, object: &Value) -> Value {
        let told = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"];
        let metadata: Map = told.into_iter().filter_map(|field| Some((field.to_owned(), object["metadata"].get(field)?.clone()))).collect();
        let count = |path: &[String]| find(object, path).and_then(Value::as_i64).unwrap_or(0);
        let replicas = count(&self.spec);
        let spec = if replicas == 0 { json!({}) } else { json!({ "replicas": replicas }) };
        let mut status = json!({"replicas": count(&self.status)});
        let selector = self.selector.as_ref().and_then(|path| find(object, path)).and_then(Value::as_str).unwrap_or_default();
        if !selector.is_empty() {
            status["selector"] = selector.into();
        }
        json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status})
    }

    /// Writes a Scale back, and the resource version that it was read at.
    pub fn write(&self, scale: &Value, object: &mut Value) {
        let replicas = integer(scale, &["spec", "replicas"]).unwrap_or(0);
        if let Some((last, above)) = self.spec.split_last() {
            let above: Vec<&str> = above.iter().map(String::as_str).collect();
            map_at(object, &above).insert(last.clone().into(), replicas.into());
        }
        if let Some(version) = at(scale, &["metadata", "resourceVersion"]) {
            map_at(object, &["metadata"]).insert("resourceVersion".into(), version.clone());
        }
    }
}

/// The value at a path of map keys.
pub(super) fn find<'v>(object: &'v Value, path: &[String]) -> Option<&'v Value> {
    path.iter().try_fold(object, |v, key| v.get(key))
}
