//! The `/scale` subresource: a workload's replicas seen as an `autoscaling/v1` Scale, and written back.
//!
//! Follows `pkg/registry/apps/deployment/storage/storage.go` (`scaleFromDeployment`, `scaleUpdatedObjectInfo`) and apimachinery
//! `pkg/labels/selector.go`.

use crate::object::{Gvk, Map, Value, at, integer, items, json, map_at};

/// The Scale of a Deployment, ReplicaSet, StatefulSet or ReplicationController; none for any other kind.
pub fn read(object: &Value) -> Option<Value> {
    let gvk = Gvk::of(object);
    let selector = match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("apps", "Deployment" | "ReplicaSet" | "StatefulSet") => selector_text(&object["spec"]["selector"]),
        ("", "ReplicationController") => selector_text(&json!({"matchLabels": object["spec"]["selector"]})),
        _ => return None,
    };
    let told = ["name", "namespace", "uid", "resourceVersion", "creationTimestamp"];
    let metadata: Map = told.into_iter().filter_map(|field| Some((field.to_owned(), object["metadata"].get(field)?.clone()))).collect();
    let replicas = integer(object, &["spec", "replicas"]).unwrap_or(0);
    let spec = if replicas == 0 { json!({}) } else { json!({"replicas": replicas}) };
    let mut status = json!({"replicas": integer(object, &["status", "replicas"]).unwrap_or(0)});
    if !selector.is_empty() {
        status["selector"] = selector.into();
    }
    Some(json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": metadata, "spec": spec, "status": status}))
}

/// Writes a Scale back: the replicas, and the resource version that it was read at, which the write then depends on.
pub fn write(scale: &Value, object: &mut Value) {
    let replicas = integer(scale, &["spec", "replicas"]).unwrap_or(0);
    map_at(object, &["spec"]).insert("replicas".into(), replicas.into());
    if let Some(version) = at(scale, &["metadata", "resourceVersion"]) {
        map_at(object, &["metadata"]).insert("resourceVersion".into(), version.clone());
    }
}

/// A label selector as text, its requirements by key: `app=web,tier in (a,b),!old`.
pub fn selector_text(selector: &Value) -> String {
    let labels = at(selector, &["matchLabels"]).and_then(Value::as_object);
    let equal = labels.into_iter().flatten().map(|(key, value)| (key.to_string(), format!("{key}={}", value.as_str().unwrap_or_default())));
    let others = items(selector, &["matchExpressions"]).iter().map(|requirement| {
        let key = requirement["key"].as_str().unwrap_or_default();
        let mut values: Vec<&str> = items(requirement, &["values"]).iter().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        let text = match requirement["operator"].as_str().unwrap_or_default() {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "Exists" => key.to_owned(),
            _ => format!("!{key}"),
        };
        (key.to_owned(), text)
    });
    let mut requirements: Vec<(String, String)> = equal.chain(others).collect();
    requirements.sort_by(|a, b| a.0.cmp(&b.0));
    requirements.into_iter().map(|(_, text)| text).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use super::{read, selector_text, write};
    use crate::object::json;

    #[test]
    fn a_scale_shows_replicas_and_selector() {
        let mut object = json!({
            "kind": "Deployment", "apiVersion": "apps/v1",
            "metadata": {"name": "w", "namespace": "n", "uid": "u", "resourceVersion": "7", "labels": {"a": "b"}, "creationTimestamp": "t"},
            "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "w"}}}, "status": {"replicas": 2},
        });
        let mut scale = read(&object).unwrap();
        let expected = r#"{"kind":"Scale","apiVersion":"autoscaling/v1","metadata":{"name":"w","namespace":"n","uid":"u","resourceVersion":"7","creationTimestamp":"t"},"spec":{"replicas":3},"status":{"replicas":2,"selector":"app=w"}}"#;
        assert_eq!(scale.to_string(), expected);
        scale["spec"] = json!({});
        write(&scale, &mut object);
        assert_eq!(object["spec"]["replicas"], 0);
    }

    #[test]
    fn selectors_read_as_the_server_writes_them() {
        let selector = json!({"matchLabels": {"b": "1"}, "matchExpressions": [
            {"key": "a", "operator": "In", "values": ["y", "x"]}, {"key": "d", "operator": "DoesNotExist"},
            {"key": "c", "operator": "Exists"}, {"key": "e", "operator": "NotIn", "values": ["z"]},
        ]});
        assert_eq!(selector_text(&selector), "a in (x,y),b=1,c,!d,e notin (z)");
    }
}
