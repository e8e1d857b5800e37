//! OpenAPI: the v3 documents, one for each group version, and the v2 document made of them.
//!
//! Built-in documents are put together from recorded parts and their descriptions; a document of custom resources is made of their definitions, as
//! apiextensions-apiserver `pkg/controller/openapi/builder` makes it.

mod custom;
mod gnostic;
mod v2;
mod words;

use super::accept::Accept;
use super::answer::{self, Answer};
use super::discovery::digest;
use super::served;
use crate::object::{Map, Value, json, map_at};
use crate::schema::Version;
use crate::simulate::Cluster;
use hyper::header;
use std::collections::BTreeSet;
use words::Words;

/// `/openapi/v3`: where the documents are.
pub(super) fn index(cluster: &Cluster, matching: &str) -> Answer {
    let recorded = served::openapi(cluster.schema.version());
    let mut paths = Map::new();
    let builtin = recorded["paths"].as_object().into_iter().flatten().map(|(name, _)| name.to_string());
    for name in builtin.chain(custom::documents(cluster)) {
        let hash = hash(cluster, &name);
        paths.insert(name.clone().into(), json!({"serverRelativeURL": format!("/openapi/v3/{name}?hash={hash}")}));
    }
    let body = json!({"paths": paths}).to_string();
    let tag = format!("\"{}\"", digest(body.as_bytes()));
    let answer = if matching == tag {
        Answer::bytes(304, "text/plain; charset=utf-8", "")
    } else {
        Answer::bytes(200, "text/plain; charset=utf-8", body)
    };
    answer.header(header::ETAG, &tag).header(header::VARY, "Accept")
}

/// What changes when a document does: the built-in ones are the version's and this program's.
fn hash(cluster: &Cluster, name: &str) -> String {
    let custom = custom::fingerprint(cluster, name);
    digest(format!("{} {} {name} {custom}", env!("CARGO_PKG_VERSION"), cluster.schema.version()).as_bytes())
}

/// `/openapi/v3/NAME`; none if there is no such document.
pub(super) fn document(cluster: &Cluster, name: &str, hash_asked: &str, matching: &str) -> Option<Answer> {
    let document = builtin(cluster.schema.version(), name).or_else(|| custom::document(cluster, name))?;
    let hash = hash(cluster, name);
    let tag = format!("\"{hash}\"");
    let answer = if matching == tag { Answer::bytes(304, "application/json", "") } else { Answer::json(200, document) };
    let answer = answer.header(header::ETAG, &tag).header(header::VARY, "Accept");
    Some(if hash_asked == hash { answer.header(header::CACHE_CONTROL, "public, immutable") } else { answer })
}

/// A recorded document, put together again.
fn builtin(version: Version, name: &str) -> Option<Value> {
    let recorded = served::openapi(version);
    let paths = recorded["paths"].get(name)?;
    let words = Words::of(version);
    let paths: Map = paths.as_object()?.iter().map(|(path, item)| (path.clone(), words.path(path, item))).collect();
    Some(assembled(version, name, &paths.into()))
}

/// A document of paths and of the schemas that they lead to.
fn assembled(version: Version, name: &str, paths: &Value) -> Value {
    let recorded = served::openapi(version);
    let (mut reached, mut todo) = (BTreeSet::new(), BTreeSet::new());
    references(paths, &mut todo);
    let (mut schemas, words) = (Map::new(), Words::of(version));
    while let Some(next) = todo.pop_first() {
        if !reached.insert(next) {
            continue;
        }
        let own = recorded["schemas_of"].get(name).and_then(|own| own.get(next));
        if let Some(schema) = own.or_else(|| recorded["schemas"].get(next)) {
            references(schema, &mut todo);
        }
    }
    for name_of in reached {
        let own = recorded["schemas_of"].get(name).and_then(|own| own.get(name_of));
        if let Some(schema) = own.or_else(|| recorded["schemas"].get(name_of)) {
            schemas.insert(name_of.to_owned().into(), words.schema(name_of, schema));
        }
    }
    let mut document = json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": version.to_string()}, "paths": paths,
        "components": {"securitySchemes": {"BearerToken": {"in": "header", "name": "authorization", "type": "apiKey"}}},
    });
    if !schemas.is_empty() {
        map_at(&mut document, &["components"]).insert("schemas".into(), schemas.into());
    }
    document
}

/// The names of the schemas that a value refers to.
fn references<'v>(value: &'v Value, found: &mut BTreeSet<&'v str>) {
    match value {
        Value::Object(map) => {
            for (key, inner) in map {
                match inner.as_str().filter(|_| key == "$ref") {
                    Some(reference) => drop(reference.rsplit('/').next().is_some_and(|name| found.insert(name))),
                    None => references(inner, found),
                }
            }
        }
        Value::Array(list) => list.iter().for_each(|inner| references(inner, found)),
        _ => {}
    }
}

/// `/openapi/v2`, in JSON or, for who asks for it, in protobuf.
pub(super) fn v2_document(cluster: &Cluster, accept: &Accept, matching: &str) -> Answer {
    let document = v2::document(cluster);
    let answer = match gnostic::MEDIA.into_iter().find(|media| accept.prefers(media)) {
        Some(_) => Answer::bytes(200, gnostic::MEDIA[1], gnostic::document(&document)),
        None => Answer::json(200, document),
    };
    let tag = format!("\"{}\"", hash(cluster, "openapi/v2"));
    let answer = if matching == tag { Answer::bytes(304, answer::JSON, "") } else { answer };
    answer.header(header::ETAG, &tag).header(header::VARY, "Accept")
}
