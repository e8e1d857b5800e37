//! A structural OpenAPI schema becomes the type that ownership and merging work with.
//!
//! Follows kube-openapi `pkg/schemaconv/{openapi,smd}.go` and apiextensions-apiserver `pkg/controller/openapi/builder/builder.go`.

use crate::object::{Text, Value, items, text};
use crate::schema::{Field, ListKind, ListType, MapType, Omit, Scalar, Schema, StructType, Type};
use std::sync::Arc;

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

/// The type of the objects of a kind; anything goes without a schema.
pub(super) fn type_of(schema: &Schema, root: &Value) -> Type {
    if !root.is_object() {
        return Type::Any;
    }
    let mut own = fields(schema, root, false);
    with_metadata(schema, &mut own);
    Type::Struct(Arc::new(own))
}

fn node(schema: &Schema, node: &Value, keeps_unknown: bool) -> Type {
    if node["x-kubernetes-int-or-string"] == true {
        return Type::Scalar(Scalar::IntOrString);
    }
    match text(node, &["type"]) {
        "object" => object(schema, node, keeps_unknown),
        "array" => {
            let keys = || items(node, &["x-kubernetes-list-map-keys"]).iter().filter_map(|k| k.as_str().map(str::to_owned)).collect();
            let kind = match text(node, &["x-kubernetes-list-type"]) {
                "map" => ListKind::Map(keys()),
                "set" => ListKind::Set,
                _ => ListKind::Atomic,
            };
            let item = self::node(schema, &node["items"], keeps_unknown || preserves(node));
            Type::List(Arc::new(ListType { item, kind, pointers: false }))
        }
        "boolean" => Type::Scalar(Scalar::Bool),
        "integer" => Type::Scalar(Scalar::Int64),
        "number" => Type::Scalar(Scalar::Float),
        "string" if matches!(text(node, &["format"]), "" | "byte") => Type::Scalar(Scalar::String),
        // To ownership, texts of any other format may be anything scalar, as times may.
        "string" => Type::Scalar(Scalar::MicroTime),
        _ => Type::Any,
    }
}

fn preserves(node: &Value) -> bool {
    node["x-kubernetes-preserve-unknown-fields"] == true
}

fn object(schema: &Schema, node: &Value, keeps_unknown: bool) -> Type {
    let atomic = node["x-kubernetes-map-type"] == "atomic";
    let open = node.get("additionalProperties").filter(|a| **a != false);
    if let Some(values) = open.filter(|_| node.get("properties").is_none()) {
        let value = if values.is_object() { self::node(schema, values, keeps_unknown || preserves(node)) } else { Type::Any };
        return Type::Map(Arc::new(MapType { value, atomic }));
    }
    let mut own = fields(schema, node, keeps_unknown);
    if node["x-kubernetes-embedded-resource"] == true {
        with_metadata(schema, &mut own);
    }
    Type::Struct(Arc::new(own))
}

fn fields(schema: &Schema, node: &Value, keeps_unknown: bool) -> StructType {
    let preserve_unknown = keeps_unknown || preserves(node);
    let properties = node["properties"].as_object();
    let one = |(name, property): (&Text, &Value)| {
        let ty = self::node(schema, property, preserve_unknown);
        Field { default: property.get("default").cloned(), ..field(name, ty) }
    };
    StructType {
        fields: properties.into_iter().flatten().map(one).collect(),
        atomic: node["x-kubernetes-map-type"] == "atomic",
        preserve_unknown,
        ..StructType::default()
    }
}

/// What every object has, whether the schema says so or not.
fn with_metadata(schema: &Schema, own: &mut StructType) {
    let text = || Type::Scalar(Scalar::String);
    let metadata = schema.named(OBJECT_META).unwrap_or(Type::Any);
    own.fields.retain(|f| !matches!(f.name.as_str(), "apiVersion" | "kind" | "metadata"));
    let common = [("apiVersion", text()), ("kind", text()), ("metadata", metadata)];
    own.fields.splice(0..0, common.map(|(name, ty)| field(name, ty)));
}

fn field(name: &str, ty: Type) -> Field {
    Field { pointer: true, omit: Omit::Empty, ..Field::plain(name, ty) }
}

/// The type of metadata.
pub(super) fn object_meta(schema: &Schema) -> Option<Type> {
    schema.named(OBJECT_META)
}
