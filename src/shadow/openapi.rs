//! OpenAPI: the v3 documents, one for each group version, and the v2 document made of them.
//!
//! Built-in documents are put together from recorded parts and their descriptions; a document of custom resources is made of their definitions, as
//! apiextensions-apiserver `pkg/controller/openapi/builder` makes it.

mod custom;
mod gnostic;
mod v2;
mod words;

use super::accept::Accept;
use super::answer::{self, Answer, Kept};
use super::discovery::digest;
use super::served;
use crate::object::{Map, Value, json, map_at};
use crate::schema::Version;
use crate::simulate::Cluster;
use hyper::header;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
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
    let version = cluster.schema.version();
    if served::openapi(version)["paths"].get(name).is_none() && !custom::documents(cluster).iter().any(|known| known == name) {
        return None;
    }
    let hash = hash(cluster, name);
    let tag = format!("\"{hash}\"");
    let answer = if matching == tag {
        Answer::bytes(304, answer::JSON, "")
    } else {
        let make = || builtin(version, name).or_else(|| custom::document(cluster, name)).unwrap_or_default();
        Answer::kept(answer::JSON, kept(&format!("{version} {name}"), &hash, || answer::encoded(&make(), false)))
    };
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

/// The documents that were made, by name, with what they were made of.
static MADE: Mutex<BTreeMap<String, (String, Arc<Kept>)>> = Mutex::new(BTreeMap::new());

/// A document as it was made last, or made again if what it is made of has changed.
fn kept(name: &str, hash: &str, make: impl FnOnce() -> Vec<u8>) -> Arc<Kept> {
    let made = || MADE.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((_, document)) = made().get(name).filter(|(of, _)| of == hash) {
        return Arc::clone(document);
    }
    let document = Arc::new(Kept::new(make()));
    made().insert(name.to_owned(), (hash.to_owned(), Arc::clone(&document)));
    document
}

/// `/openapi/v2`, in JSON or, for who asks for it, in protobuf.
pub(super) fn v2_document(cluster: &Cluster, accept: &Accept, matching: &str) -> Answer {
    let hash = hash(cluster, "openapi/v2");
    let tag = format!("\"{hash}\"");
    let of = |form: &str| format!("{} openapi/v2 {form}", cluster.schema.version());
    let answer = if matching == tag {
        Answer::bytes(304, answer::JSON, "")
    } else if gnostic::MEDIA.into_iter().any(|media| accept.prefers(media)) {
        Answer::kept(gnostic::MEDIA[1], kept(&of("protobuf"), &hash, || gnostic::document(&v2::document(cluster))))
    } else {
        Answer::kept(answer::JSON, kept(&of("json"), &hash, || answer::encoded(&v2::document(cluster), false)))
    };
    answer.header(header::ETAG, &tag).header(header::VARY, "Accept")
}
