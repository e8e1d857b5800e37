//! Custom resources: what CustomResourceDefinitions make of the objects of their kinds.
//!
//! A stored definition becomes one [`Definition`] for each version that it serves; the write path asks it how an object is decoded
//! (pruned), defaulted and validated, and of which type its fields are to server-side apply. Follows apiextensions-apiserver
//! `pkg/apiserver/customresource_handler.go` and `pkg/registry/customresource`. CEL rules and conversion webhooks are not run: who
//! relies on them finds a doubt in [`Cluster::doubts`](super::Cluster).

mod decode;
mod defaulting;
mod definition;
mod establish;
mod formats;
mod invariants;
mod replicas;
mod structural;
mod validation;

pub use definition::{Definition, Replicas, rank};

use super::{Cluster, validate};
use crate::object::{Gvk, Value, items, text};
use crate::schema::Version;
use std::collections::BTreeSet;
use std::sync::Arc;

/// The group and kind of definitions.
const DEFINITION: (&str, &str) = ("apiextensions.k8s.io", "CustomResourceDefinition");

/// Whether an object defines custom resources.
pub(super) fn is_definition(object: &Value) -> bool {
    object["kind"] == DEFINITION.1 && text(object, &["apiVersion"]).starts_with(DEFINITION.0)
}

/// What clients are told of formats that a definition names and nobody knows.
pub(super) fn format_warnings(definition: &Value) -> Vec<String> {
    fn within(node: &Value, found: &mut Vec<String>) {
        if let Some(format) =
            node["format"].as_str().filter(|f| text(node, &["type"]) == "string" && !formats::known(f) && !formats::UNCHECKED.contains(f))
        {
            let warning = format!("unrecognized format {format:?}");
            if !found.contains(&warning) {
                found.push(warning);
            }
        }
        node["properties"].as_object().into_iter().flatten().for_each(|(_, inner)| within(inner, found));
        for key in ["items", "additionalProperties"] {
            if node[key].is_object() {
                within(&node[key], found);
            }
        }
    }
    let mut found = Vec::new();
    items(definition, &["spec", "versions"]).iter().for_each(|v| within(&v["schema"]["openAPIV3Schema"], &mut found));
    found
}

/// What clients are told of finalizers that they add (`registry/customresource/validator.go:validateKubeFinalizerName`).
pub(super) fn finalizer_warnings(version: Version, object: &Value, live: Option<&Value>) -> Vec<String> {
    let of = |object: &Value| items(object, &["metadata", "finalizers"]).iter().filter_map(Value::as_str).map(str::to_owned).collect();
    let had: BTreeSet<String> = live.map(of).unwrap_or_default();
    let has: BTreeSet<String> = of(object);
    let mut warnings = Vec::new();
    for name in has.difference(&had) {
        let mut warn = |what: &str| warnings.push(format!("metadata.finalizers: {name:?}: {what}"));
        validate::wrong_qualified_name(version, name).iter().for_each(|what| warn(what));
        if !name.contains('/') && !["kubernetes", "orphan", "foregroundDeletion"].contains(&name.as_str()) {
            let path = if name.contains('.') { " including a path (/)" } else { "" };
            warn(&format!("prefer a domain-qualified finalizer name{path} to avoid accidental conflicts with other finalizer writers"));
        }
    }
    warnings
}

impl Cluster {
    /// Serves what a definition establishes, in place of what it established before.
    pub(super) fn define(&mut self, definition: &Arc<Value>) {
        self.undefine(definition);
        self.custom.extend(Definition::all(definition).into_iter().map(Arc::new));
    }

    /// Serves a definition's resources no longer.
    pub(super) fn undefine(&mut self, definition: &Value) {
        let (group, kind) = (text(definition, &["spec", "group"]), text(definition, &["spec", "names", "kind"]));
        self.custom.retain(|d| d.resource.group != group || d.resource.kind != kind);
    }

    /// Takes the kinds of manifests that nothing defines for custom resources without a schema, where the state may just not show
    /// their definitions. Definitions among the manifests count. Gives what was assumed.
    pub fn assume_kinds(&mut self, manifests: &[Value]) -> Vec<String> {
        let defined: BTreeSet<(&str, &str)> = manifests
            .iter()
            .filter(|m| is_definition(m))
            .map(|m| (text(m, &["spec", "group"]), text(m, &["spec", "names", "kind"])))
            .collect();
        let mut assumed = Vec::new();
        for manifest in manifests {
            let gvk = Gvk::of(manifest);
            let known = self.served_kind(&gvk).is_some() || defined.contains(&(gvk.group.as_str(), gvk.kind.as_str()));
            if known || gvk.kind.is_empty() || gvk.version.is_empty() || !gvk.group.contains('.') {
                continue;
            }
            let namespaced =
                manifests.iter().filter(|m| m["kind"] == gvk.kind.as_str()).any(|m| !text(m, &["metadata", "namespace"]).is_empty());
            assumed.push(format!(
                "{} ({}) is taken for a custom resource without a schema{}: the state does not show its definition",
                gvk.kind,
                gvk.api_version(),
                if namespaced { "" } else { ", one of the cluster's own" },
            ));
            self.custom.push(Arc::new(Definition::assumed(&gvk, namespaced)));
        }
        assumed
    }
}
