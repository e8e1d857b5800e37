//! The OpenAPI v2 document, made of the v3 documents: definitions, and the paths that clients look at.
//!
//! Follows kube-openapi `pkg/openapiconv`, the other way round.

use super::words::Words;
use crate::object::{Map, Value, json, map_at, text};
use crate::shadow::served;
use crate::simulate::Cluster;

/// The whole document.
pub(super) fn document(cluster: &Cluster) -> Value {
    let version = cluster.schema.version();
    let recorded = served::openapi(version);
    let words = Words::of(version);
    let (mut definitions, mut paths) = (Map::new(), Map::new());
    for (name, schema) in recorded["schemas"].as_object().into_iter().flatten() {
        definitions.insert(name.clone(), downgraded(&words.schema(name, schema)));
    }
    for (_, document) in recorded["paths"].as_object().into_iter().flatten() {
        for (path, item) in document.as_object().into_iter().flatten() {
            paths.insert(path.clone(), path_item(&words.path(path, item)));
        }
    }
    for name in super::custom::documents(cluster) {
        let Some(document) = super::custom::document(cluster, &name) else { continue };
        for (name, schema) in document["components"]["schemas"].as_object().into_iter().flatten() {
            definitions.entry(name.clone()).or_insert_with(|| downgraded(schema));
        }
        document["paths"].as_object().into_iter().flatten().for_each(|(path, item)| drop(paths.insert(path.clone(), path_item(item))));
    }
    definitions.sort_keys();
    paths.sort_keys();
    json!({
        "swagger": "2.0", "info": {"title": "Kubernetes", "version": format!("v{version}")}, "paths": paths, "definitions": definitions,
        "securityDefinitions": {"BearerToken": {"in": "header", "name": "authorization", "type": "apiKey"}},
        "security": [{"BearerToken": []}],
    })
}

/// A schema as v2 writes it: references stand bare, defaults are not told.
fn downgraded(schema: &Value) -> Value {
    match schema {
        Value::Object(map) => {
            let mut out = Map::new();
            let is = |key: &str| map.get(key) == Some(&Value::Bool(true));
            let (nullable, open) = (is("nullable"), is("x-kubernetes-preserve-unknown-fields"));
            let untyped = nullable || open && map.get("type").is_some_and(|t| t == "object" || t == "array");
            for (key, value) in map {
                match (key.as_str(), value) {
                    // kubectl cannot cope with these (apiextensions-apiserver `pkg/controller/openapi/v2/conversion.go`).
                    ("items" | "properties", _) if nullable || open => {}
                    ("type", _) if untyped => {}
                    ("default" | "nullable" | "oneOf" | "anyOf" | "not", _) => {}
                    ("allOf", Value::Array(list)) if list.len() == 1 => {
                        if let Value::Object(one) = downgraded(&list[0]) {
                            out.extend(one);
                        }
                    }
                    ("$ref", Value::String(reference)) => {
                        out.insert(key.clone(), reference.replace("#/components/schemas/", "#/definitions/").into());
                    }
                    ("properties", Value::Object(fields)) => {
                        let fields: Map = fields.iter().map(|(name, field)| (name.clone(), downgraded(field))).collect();
                        out.insert(key.clone(), fields.into());
                    }
                    _ => drop(out.insert(key.clone(), downgraded(value))),
                }
            }
            Value::Object(out)
        }
        Value::Array(list) => list.iter().map(downgraded).collect::<Vec<Value>>().into(),
        other => other.clone(),
    }
}

fn path_item(item: &Value) -> Value {
    let mut out = Map::new();
    for (key, value) in item.as_object().into_iter().flatten() {
        let converted = if key == "parameters" { parameters(value).into() } else { operation(value) };
        out.insert(key.clone(), converted);
    }
    Value::Object(out)
}

fn parameters(list: &Value) -> Vec<Value> {
    let one = |parameter: &Value| {
        let mut out = parameter.clone();
        if let Some(Value::Object(schema)) = map_at(&mut out, &[]).shift_remove("schema") {
            map_at(&mut out, &[]).extend(schema);
        }
        out
    };
    list.as_array().into_iter().flatten().map(one).collect()
}

fn operation(v3: &Value) -> Value {
    let mut out = Map::new();
    let mut inputs = v3.get("parameters").map(parameters).unwrap_or_default();
    let (mut consumes, mut produces) = (vec![json!("*/*")], Vec::new());
    if let Some(body) = v3.get("requestBody") {
        let content = body["content"].as_object();
        let types: Vec<Value> = content.into_iter().flatten().map(|(media, _)| json!(media)).collect();
        let schema = content.and_then(|c| c.values().next()).map(|c| downgraded(&c["schema"]));
        if !types.is_empty() && types != [json!("*/*")] {
            consumes = types;
        }
        inputs.push(json!({"in": "body", "name": "body", "required": body["required"] == true, "schema": schema}));
    }
    let mut responses = Map::new();
    for (code, response) in v3["responses"].as_object().into_iter().flatten() {
        let content = response["content"].as_object();
        let schema = content.and_then(|c| c.values().next()).map(|c| downgraded(&c["schema"]));
        for (media, _) in content.into_iter().flatten() {
            if !produces.contains(&json!(media)) {
                produces.push(json!(media));
            }
        }
        let said = text(response, &["description"]);
        let without = || json!({"description": said});
        responses.insert(code.clone(), schema.map_or_else(without, |schema| json!({"description": said, "schema": schema})));
    }
    for (key, value) in v3.as_object().into_iter().flatten() {
        if !matches!(key.as_str(), "parameters" | "requestBody" | "responses") {
            out.insert(key.clone(), value.clone());
        }
    }
    out.insert("consumes".into(), consumes.into());
    out.insert("produces".into(), produces.into());
    out.insert("schemes".into(), json!(["https"]));
    if !inputs.is_empty() {
        out.insert("parameters".into(), inputs.into());
    }
    out.insert("responses".into(), responses.into());
    Value::Object(out)
}
