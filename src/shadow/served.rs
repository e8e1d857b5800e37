//! What a server of each version says of itself, recorded: its version, its discovery, its OpenAPI v3 documents.
//!
//! `served/describe.py` makes the file of their descriptions, `served/make.py` the others from a recording of `/version`, `/api`, `/apis`, each group version and `/openapi/v3` of a real
//! kube-apiserver, descriptions removed.

use crate::object::Value;
use crate::schema::Version;
use flate2::read::GzDecoder;
use std::io::Read;
use std::sync::LazyLock;

type Recording = LazyLock<Value>;

static DISCOVERY: [Recording; 4] = [
    LazyLock::new(|| unpack(include_bytes!("served/discovery-1.34.json.gz"))),
    LazyLock::new(|| unpack(include_bytes!("served/discovery-1.35.json.gz"))),
    LazyLock::new(|| unpack(include_bytes!("served/discovery-1.36.json.gz"))),
    LazyLock::new(|| unpack(include_bytes!("served/discovery-1.37.json.gz"))),
];

static OPENAPI: [Recording; 4] = [
    LazyLock::new(|| unpack(include_bytes!("served/openapi-1.34.json.gz"))),
    LazyLock::new(|| unpack(include_bytes!("served/openapi-1.35.json.gz"))),
    LazyLock::new(|| unpack(include_bytes!("served/openapi-1.36.json.gz"))),
    LazyLock::new(|| unpack(include_bytes!("served/openapi-1.37.json.gz"))),
];

static DESCRIPTIONS: Recording = LazyLock::new(|| unpack(include_bytes!("served/descriptions.json.gz")));

/// `{texts: [text], VERSION: {schemas, operations, parameters, at}}`; numbers stand for the texts.
pub(super) fn descriptions() -> &'static Value {
    &DESCRIPTIONS
}

/// `{version, api, apis, resources: {groupVersion: APIResourceList}, aggregated: {api, apis}}`.
pub(super) fn discovery(version: Version) -> &'static Value {
    &DISCOVERY[version as usize]
}

/// `{schemas, schemas_of: {document: schemas}, paths: {document: paths}}`.
pub(super) fn openapi(version: Version) -> &'static Value {
    &OPENAPI[version as usize]
}

fn unpack(packed: &[u8]) -> Value {
    let mut text = String::new();
    GzDecoder::new(packed).read_to_string(&mut text).expect("shipped data is whole");
    serde_json::from_str(&text).expect("shipped data is JSON")
}
