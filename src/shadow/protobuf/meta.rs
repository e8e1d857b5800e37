//! The messages that all groups share and no schema of resources has: `Status`, the metadata of lists, discovery.
//!
//! Follows apimachinery `pkg/apis/meta/v1/generated.proto`.

use super::{META, Shape};
use crate::schema::{Field, ListKind, ListType, Scalar, Schema, StructType, Type};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

/// Each message with its fields: number, name, what it holds; `*` for a pointer, `[]` for a list.
const MESSAGES: &[(&str, &str)] = &[
    ("ShardInfo", "1 selector string"),
    ("ListMeta", "1 selfLink string, 2 resourceVersion string, 3 continue string, 4 remainingItemCount *int64, 5 shardInfo *ShardInfo"),
    ("StatusCause", "1 reason string, 2 message string, 3 field string"),
    ("StatusDetails", "1 name string, 2 group string, 3 kind string, 4 causes []StatusCause, 5 retryAfterSeconds int32, 6 uid string"),
    ("Status", "1 metadata ListMeta, 2 status string, 3 message string, 4 reason string, 5 details *StatusDetails, 6 code int32"),
    ("ServerAddressByClientCIDR", "1 clientCIDR string, 2 serverAddress string"),
    ("APIVersions", "1 versions []string, 2 serverAddressByClientCIDRs []ServerAddressByClientCIDR"),
    ("GroupVersionForDiscovery", "1 groupVersion string, 2 version string"),
    (
        "APIGroup",
        "1 name string, 2 versions []GroupVersionForDiscovery, 3 preferredVersion GroupVersionForDiscovery, \
         4 serverAddressByClientCIDRs []ServerAddressByClientCIDR",
    ),
    ("APIGroupList", "1 groups []APIGroup"),
    ("Verbs", "1 items []string"),
    (
        "APIResource",
        "1 name string, 2 namespaced bool, 3 kind string, 4 verbs Verbs, 5 shortNames []string, 6 singularName string, \
         7 categories []string, 8 group string, 9 version string, 10 storageVersionHash string",
    ),
    ("APIResourceList", "1 groupVersion string, 2 resources []APIResource"),
];

/// The type of a message; none if it is not one of these.
pub(super) fn named(name: &str) -> Option<Type> {
    static ALL: LazyLock<BTreeMap<&str, Type>> = LazyLock::new(|| {
        let mut known = BTreeMap::new();
        for (name, fields) in MESSAGES {
            let fields = fields.split(", ").map(|f| read(f, &known)).collect();
            let ty = StructType { name: (*name).to_owned(), go: (*name).to_owned(), fields, ..StructType::default() };
            known.insert(*name, Type::Struct(Arc::new(ty)));
        }
        known
    });
    ALL.get(name).cloned()
}

fn read(text: &str, known: &BTreeMap<&str, Type>) -> Field {
    let mut words = text.split_whitespace();
    let [number, name, holds] = [(); 3].map(|()| words.next().expect("three words stand there"));
    let (holds, pointer) = holds.strip_prefix('*').map_or((holds, false), |held| (held, true));
    let ty = match holds.strip_prefix("[]") {
        Some(item) => list_of(one(item, known)),
        None => one(holds, known),
    };
    field(number, name, ty, pointer)
}

fn one(name: &str, known: &BTreeMap<&str, Type>) -> Type {
    match name {
        "string" => Type::Scalar(Scalar::String),
        "bool" => Type::Scalar(Scalar::Bool),
        "int32" => Type::Scalar(Scalar::Int32),
        "int64" => Type::Scalar(Scalar::Int64),
        message => known.get(message).expect("a message stands after those that it holds").clone(),
    }
}

fn list_of(item: Type) -> Type {
    Type::List(Arc::new(ListType { item, kind: ListKind::Atomic, pointers: false }))
}

fn field(number: &str, name: &str, ty: Type, pointer: bool) -> Field {
    Field { go: name.to_owned(), pointer, protobuf: format!("bytes,{number}"), ..Field::plain(name, ty) }
}

/// A list of objects of a type.
pub(super) fn list(item: Type) -> Type {
    let metadata = named("ListMeta").expect("it stands in the table");
    let fields = vec![field("1", "metadata", metadata, false), field("2", "items", list_of(item), false)];
    Type::Struct(Arc::new(StructType { fields, ..StructType::default() }))
}

/// An object of which only the metadata is sent.
pub(super) fn metadata_only(schema: &'static Schema, shape: Shape) -> Option<Type> {
    let metadata = schema.named(&format!("{META}ObjectMeta"))?;
    let one = Type::Struct(Arc::new(StructType { fields: vec![field("1", "metadata", metadata, false)], ..StructType::default() }));
    Some(if shape == Shape::List { list(one) } else { one })
}
