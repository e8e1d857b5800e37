//! Deployments, StatefulSets, DaemonSets, ReplicaSets.
//!
//! Follows `pkg/registry/apps/*/strategy.go` and the conversion of the DaemonSet's template generation.

use super::Context;
use super::gated::drop_disabled;
use crate::object::{Value, at, map_at, text};
use crate::schema::Version;
use crate::schema::equal::equal;
use crate::simulate::defaults::pod::without_init_container_annotations;

/// Where a DaemonSet's template generation is told.
const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// Drops what gates do not let into a template that stands at a path.
pub(super) fn drop_from_template(version: Version, path: &[&str], new: &mut Value, old: Option<&Value>) {
    let spec: Vec<&str> = path.iter().copied().chain(["spec"]).collect();
    let old = old.and_then(|old| at(old, &spec));
    let holder = path.iter().try_fold(new, |value, key| value.get_mut(key));
    let Some(holder) = holder else { return };
    if let Some(new) = holder.get_mut("spec") {
        drop_disabled(version, new, old);
    }
    if version >= Version::V1_37 {
        without_init_container_annotations(holder);
    }
}

/// A new DaemonSet's template is its first, unless it says that it is a later one.
pub(super) fn first_template_generation(new: &mut Value) {
    let told = text(new, &["metadata", "annotations", TEMPLATE_GENERATION]).parse().unwrap_or(0);
    set_template_generation(new, told.max(1));
}

/// A DaemonSet's template generation moves with its template; clients cannot set it.
pub(super) fn next_template_generation(ctx: &Context<'_>, new: &mut Value, old: &Value) {
    let told: i64 = text(old, &["metadata", "annotations", TEMPLATE_GENERATION]).parse().unwrap_or(0);
    let ty = ctx.schema.named("io.k8s.api.core.v1.PodTemplateSpec");
    let moved = ty.is_some_and(|ty| !equal(ctx.schema, &ty, &old["spec"]["template"], &new["spec"]["template"]));
    set_template_generation(new, told + i64::from(moved));
}

fn set_template_generation(new: &mut Value, generation: i64) {
    let annotations = map_at(new, &["metadata", "annotations"]);
    annotations.insert(TEMPLATE_GENERATION.into(), generation.to_string().into());
    annotations.sort_keys();
}
