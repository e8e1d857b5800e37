//! Definitions become OpenAPI v3 documents of their group versions.
//!
//! Follows apiextensions-apiserver `pkg/controller/openapi/builder/builder.go`: the paths of a built-in kind, with the kind replaced.

use super::words::Words;
use crate::object::{Map, Value, json, map_at};
use crate::simulate::Cluster;
use crate::simulate::custom::Definition;
use std::sync::Arc;

/// A built-in resource in namespaces and one of the cluster's own that stand model for the paths of custom ones.
const MODELS: [(&str, &str, &str, &str); 2] = [
    ("apis/apps/v1", "/apis/apps/v1/namespaces/{namespace}/replicasets", "ReplicaSet", "io.k8s.api.apps.v1.ReplicaSet"),
    ("apis/networking.k8s.io/v1", "/apis/networking.k8s.io/v1/ingressclasses", "IngressClass", "io.k8s.api.networking.v1.IngressClass"),
];

fn name_of(definition: &Definition) -> String {
    format!("apis/{}/{}", definition.resource.group, definition.resource.version)
}

fn of<'c>(cluster: &'c Cluster, name: &'c str) -> impl Iterator<Item = &'c Arc<Definition>> {
    cluster.custom.iter().filter(move |d| name_of(d) == name)
}

/// The documents of custom resources.
pub(super) fn documents(cluster: &Cluster) -> Vec<String> {
    let mut names: Vec<String> = cluster.custom.iter().map(|d| name_of(d)).collect();
    names.sort();
    names.dedup();
    names
}

/// What a document is made of, in short.
pub(super) fn fingerprint(cluster: &Cluster, name: &str) -> String {
    let all = name == "openapi/v2";
    cluster
        .custom
        .iter()
        .filter(|d| all || name_of(d) == name)
        .map(|d| format!("{}{:?}{}", d.resource.kind, d.resource.verbs, d.schema()))
        .collect()
}

/// The document of a group version; none if nothing is served there.
pub(super) fn document(cluster: &Cluster, name: &str) -> Option<Value> {
    let (mut paths, mut schemas) = (Map::new(), Map::new());
    for definition in of(cluster, name) {
        add_paths(cluster, definition, &mut paths);
        add_schemas(cluster, definition, &mut schemas);
    }
    if paths.is_empty() {
        return None;
    }
    let mut document = super::assembled(cluster.schema.version(), "apis/apps/v1", &Value::Object(paths));
    let components = map_at(&mut document, &["components", "schemas"]);
    schemas.into_iter().for_each(|(key, value)| drop(components.insert(key, value)));
    let words = Words::of(cluster.schema.version());
    let recorded = super::served::openapi(cluster.schema.version());
    let mut todo: Vec<&str> = vec!["io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta"];
    while let Some(next) = todo.pop() {
        if let Some(schema) = recorded["schemas"].get(next)
            && components.insert(next.to_owned().into(), words.schema(next, schema)).is_none()
        {
            let mut found = std::collections::BTreeSet::new();
            super::references(schema, &mut found);
            todo.extend(found);
        }
    }
    Some(document)
}

/// The OpenAPI name of the kind: `com.example.v1.Widget`.
fn schema_name(definition: &Definition) -> String {
    let own = &definition.resource;
    let reversed: Vec<&str> = own.group.split('.').rev().collect();
    format!("{}.{}.{}", reversed.join("."), own.version, own.kind)
}

fn add_paths(cluster: &Cluster, definition: &Definition, paths: &mut Map) {
    let own = &definition.resource;
    let (document, model, kind, schema) = MODELS[usize::from(!own.namespaced)];
    let recorded = &super::served::openapi(cluster.schema.version())["paths"][document];
    let gvk = json!({"group": own.group, "version": own.version, "kind": own.kind});
    let place = if own.namespaced { "namespaces/{namespace}/" } else { "" };
    let words = Words::of(cluster.schema.version());
    for (path, item) in recorded.as_object().into_iter().flatten() {
        let Some(below) = path.strip_prefix(model).filter(|b| b.is_empty() || b.starts_with('/')) else { continue };
        let served = match below.rsplit('/').next() {
            Some("status") => definition.status,
            Some("scale") => definition.scale.is_some(),
            _ => true,
        };
        if !served {
            continue;
        }
        let text = words.path(path, item).to_string().replace(&format!("{schema}\""), &format!("{}\"", schema_name(definition)));
        let text = text.replace(&format!("{schema}List\""), &format!("{}List\"", schema_name(definition)));
        let Ok(mut item) = serde_json::from_str::<Value>(&text) else { continue };
        for parameter in item.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten() {
            rename(parameter, "description", kind, &own.kind);
        }
        for (_, operation) in item.as_object_mut().into_iter().flat_map(Map::iter_mut).filter(|(_, o)| o.is_object()) {
            if operation["x-kubernetes-group-version-kind"]["kind"] == kind {
                map_at(operation, &[]).insert("x-kubernetes-group-version-kind".into(), gvk.clone());
            }
            for key in ["operationId", "description"] {
                rename(operation, key, kind, &own.kind);
            }
            if let Some(content) = operation.pointer_mut("/requestBody/content").and_then(Value::as_object_mut) {
                content.shift_remove("application/strategic-merge-patch+json");
            }
        }
        paths.insert(format!("/apis/{}/{}/{place}{}{below}", own.group, own.version, own.resource).into(), item);
    }
}

/// Names another kind in a text.
fn rename(of: &mut Value, key: &str, from: &str, to: &str) {
    if let Some(text) = of[key].as_str().map(|text| text.replace(from, to)) {
        map_at(of, &[]).insert(key.into(), text.into());
    }
}

fn add_schemas(cluster: &Cluster, definition: &Definition, schemas: &mut Map) {
    let own = &definition.resource;
    let words = Words::of(cluster.schema.version());
    // What is the same for every kind is said as of this one.
    let said = |field: &str| words.field("io.k8s.api.core.v1.Pod", field).unwrap_or_default();
    let gvk = |kind: &str| json!([{"group": own.group, "version": own.version, "kind": kind}]);
    let reference = |name: &str| json!({"allOf": [{"$ref": format!("#/components/schemas/io.k8s.apimachinery.pkg.apis.meta.v1.{name}")}]});
    let mut schema = if definition.schema().is_object() {
        definition.schema().clone()
    } else {
        json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true})
    };
    let properties = map_at(&mut schema, &["properties"]);
    properties.insert("apiVersion".into(), json!({"type": "string", "description": said("apiVersion")}));
    properties.insert("kind".into(), json!({"type": "string", "description": said("kind")}));
    let mut metadata = reference("ObjectMeta");
    metadata["description"] = said("metadata");
    properties.insert("metadata".into(), metadata);
    map_at(&mut schema, &[]).insert("x-kubernetes-group-version-kind".into(), gvk(&own.kind));
    let name = schema_name(definition);
    let item = json!({"allOf": [{"$ref": format!("#/components/schemas/{name}")}]});
    let list_kind = if definition.list_kind.is_empty() { format!("{}List", own.kind) } else { definition.list_kind.clone() };
    let conventions = "https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md";
    let items = format!("List of {}. More info: {conventions}", own.resource);
    let mut metadata = reference("ListMeta");
    metadata["description"] = words.field("io.k8s.api.core.v1.PodList", "metadata").unwrap_or_default();
    let list = json!({
        "type": "object", "required": ["items"], "description": format!("{list_kind} is a list of {}", own.kind),
        "properties": {
            "apiVersion": {"type": "string", "description": said("apiVersion")}, "kind": {"type": "string", "description": said("kind")},
            "metadata": metadata, "items": {"type": "array", "items": item, "description": items},
        },
        "x-kubernetes-group-version-kind": gvk(&list_kind),
    });
    schemas.insert(format!("{name}List").into(), list);
    schemas.insert(name.into(), schema);
}
