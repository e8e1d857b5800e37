//! Whether two workloads have the same pod template.
//!
//! A Deployment compares by meaning and leaves the hash label out (`EqualIgnoreHash` of `pkg/controller/deployment/util`).

use crate::object::{Map, Value, at, items, text};
use crate::schema::Schema;
use crate::schema::equal::equal;

/// Whether the templates of a Deployment and a ReplicaSet mean the same.
pub(super) fn same(schema: &Schema, a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (at(a, &["spec", "template"]), at(b, &["spec", "template"])) else { return false };
    if other_images(a, b) {
        return false;
    }
    let means = |ty: &str, a: &Value, b: &Value| a == b || schema.named(ty).is_some_and(|ty| equal(schema, &ty, a, b));
    let same_metadata = same_but_hash(a, b) || means("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta", &metadata(a), &metadata(b));
    same_metadata && means("io.k8s.api.core.v1.PodSpec", a.get("spec").unwrap_or(&Value::Null), b.get("spec").unwrap_or(&Value::Null))
}

/// Whether their containers have other images: what most rollouts are about, and soon seen.
fn other_images(a: &Value, b: &Value) -> bool {
    fn images(template: &Value) -> impl Iterator<Item = &str> {
        items(template, &["spec", "containers"]).iter().map(|container| text(container, &["image"]))
    }
    !images(a).eq(images(b))
}

/// Whether the metadata of two templates is the very same but for the hash label: what is nearly always so, and soon seen.
fn same_but_hash(a: &Value, b: &Value) -> bool {
    let (Some(a), Some(b)) = (at(a, &["metadata"]).and_then(Value::as_object), at(b, &["metadata"]).and_then(Value::as_object)) else {
        return false;
    };
    let labels = |metadata: &Map| metadata.get("labels").and_then(Value::as_object).is_some();
    let within = |a: &Map, b: &Map| {
        a.iter().all(|(key, own)| match (key.as_str(), own, b.get(key)) {
            ("labels", Value::Object(own), Some(Value::Object(other))) => {
                own.iter().all(|(label, value)| label == super::reading::TEMPLATE_HASH || other.get(label) == Some(value))
            }
            (_, own, other) => other == Some(own),
        })
    };
    labels(a) && labels(b) && within(a, b) && within(b, a)
}

/// A template without the hash label.
pub(super) fn without_hash(template: &Value) -> Value {
    let mut bare = template.clone();
    if let Some(bare) = bare.as_object_mut() {
        bare.insert("metadata".into(), metadata(template));
    }
    bare
}

fn metadata(template: &Value) -> Value {
    let mut metadata = template.get("metadata").and_then(Value::as_object).cloned().unwrap_or_else(Map::new);
    if let Some(labels) = metadata.get_mut("labels").and_then(Value::as_object_mut) {
        labels.shift_remove(super::reading::TEMPLATE_HASH);
    }
    metadata.into()
}
