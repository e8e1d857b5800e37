//! What each kind looks like: fields, types, list kinds, merge keys, defaults of keys, as data.
//!
//! Built-in kinds come from files recorded from real API servers (`builtin/PROVENANCE.md`), one for each Kubernetes version,
//! decoded type by type when first asked for. Custom resources make the same types from their definition's schema. Nothing
//! here knows a kind by name.

pub mod convert;
pub mod decode;
pub mod equal;
mod load;
mod scalar;
mod version;

pub use load::{NotServed, Schema};
pub use version::Version;

use crate::object::Value;
use std::sync::Arc;

/// A resource that a server serves, or a subresource of one (`deployments/scale`).
#[derive(Clone, Debug, Default)]
pub struct Resource {
    /// `apps`, or the empty string.
    pub group: String,
    /// `v1`.
    pub version: String,
    /// `deployments`, or `deployments/scale`.
    pub resource: String,
    /// `Deployment`.
    pub kind: String,
    /// Whether its objects live in namespaces.
    pub namespaced: bool,
    /// `get`, `list`, `create`, ….
    pub verbs: Vec<String>,
    /// `deployment`.
    pub singular: String,
    /// `deploy`.
    pub short: Vec<String>,
    /// `all`.
    pub categories: Vec<String>,
    /// The type of its objects; none if it has no type of its own (`pods/exec`).
    pub ty: Option<Type>,
}

/// A type of values.
#[derive(Clone, Debug)]
pub enum Type {
    /// A value without parts, as far as merging goes.
    Scalar(Scalar),
    /// A built-in struct, to be looked up with [`Schema::fields`].
    Named(u32),
    /// A struct given in place: a custom resource's.
    Struct(Arc<StructType>),
    /// A list.
    List(Arc<ListType>),
    /// A map from strings.
    Map(Arc<MapType>),
    /// Anything, merged by what it turns out to be.
    Any,
}

/// The scalar types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scalar {
    /// A string.
    String,
    /// A boolean.
    Bool,
    /// A 32-bit integer.
    Int32,
    /// A 64-bit integer.
    Int64,
    /// A floating point number.
    Float,
    /// Base64 text.
    Bytes,
    /// `500m`.
    Quantity,
    /// An integer or a string.
    IntOrString,
    /// RFC 3339, whole seconds.
    Time,
    /// RFC 3339, microseconds.
    MicroTime,
    /// A Go duration: `1h0m0s`.
    Duration,
}

/// How a list is merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ListKind {
    /// As one value.
    Atomic,
    /// As a set of scalars.
    Set,
    /// By the named keys of its items.
    Map(Vec<String>),
}

/// A list type.
#[derive(Clone, Debug)]
pub struct ListType {
    /// Its items' type.
    pub item: Type,
    /// How it is merged by server-side apply.
    pub kind: ListKind,
    /// Whether Go holds pointers to the items.
    pub pointers: bool,
}

/// A map type.
#[derive(Clone, Debug)]
pub struct MapType {
    /// Its values' type.
    pub value: Type,
    /// Whether it is merged as one value.
    pub atomic: bool,
}

/// A struct type. Fields stand in the order of the Go type, which is the order Kubernetes documents and writes them in.
#[derive(Clone, Debug, Default)]
pub struct StructType {
    /// `io.k8s.api.apps.v1.DeploymentSpec`.
    pub name: String,
    /// `DeploymentSpec`.
    pub go: String,
    /// Its fields.
    pub fields: Vec<Field>,
    /// Whether it is merged as one value.
    pub atomic: bool,
    /// Whether fields it does not name are kept (custom resources).
    pub preserve_unknown: bool,
}

impl StructType {
    /// The field of that JSON name.
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|f| f.name == name)
    }
}

/// When Go's encoder leaves a field out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Omit {
    /// Never.
    Never,
    /// `omitempty`: zero scalars, nil pointers, empty lists and maps; never a struct.
    Empty,
    /// `omitzero`: a struct whose fields are all zero too.
    Zero,
}

/// A field of a struct.
#[derive(Clone, Debug)]
pub struct Field {
    /// Its JSON name: `replicas`.
    pub name: String,
    /// Its Go name: `Replicas`.
    pub go: String,
    /// Its type.
    pub ty: Type,
    /// Whether Go holds a pointer: then zero and absent are two things.
    pub pointer: bool,
    /// When it is left out of the JSON form.
    pub omit: Omit,
    /// The default that the OpenAPI schema states (it completes the keys of list items; nothing else is defaulted by it).
    pub default: Option<Value>,
    /// The values its OpenAPI schema allows; empty for any.
    pub allowed: Vec<String>,
    /// Whether the OpenAPI schema requires it.
    pub required: bool,
    /// Whether a strategic merge patch merges the list or map (`patchStrategy: merge`).
    pub patch_merge: bool,
    /// Whether a strategic merge patch replaces the map (`patchStrategy: replace`).
    pub patch_replace: bool,
    /// Whether kubectl sends `$retainKeys` for it (`patchStrategy: retainKeys`).
    pub retain_keys: bool,
    /// The key by which a strategic merge patch matches the list's items.
    pub merge_key: Option<String>,
    /// The name of its Go type where that has one of its own: `v1.PullPolicy`; else empty.
    pub go_type: String,
    /// The Go names of the embedded structs that hold it: `ProbeHandler`; empty if it is the type's own.
    pub embedded: String,
    /// Wire type and number in protobuf: `bytes,2`.
    pub protobuf: String,
    /// The number of the embedded message that holds it, where Go embeds a struct: `bytes,2`.
    pub protobuf_in: String,
}

impl Field {
    /// A field of which nothing is known but its name and type; Go holds it by value and always writes it.
    pub fn plain(name: &str, ty: Type) -> Self {
        Self {
            name: name.to_owned(),
            go: String::new(),
            ty,
            pointer: false,
            omit: Omit::Never,
            default: None,
            allowed: Vec::new(),
            required: false,
            patch_merge: false,
            patch_replace: false,
            retain_keys: false,
            merge_key: None,
            go_type: String::new(),
            embedded: String::new(),
            protobuf: String::new(),
            protobuf_in: String::new(),
        }
    }
}
