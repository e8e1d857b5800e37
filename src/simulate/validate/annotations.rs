//! Annotations that hold fields which older API versions had.

use super::read::Read;
use crate::object::Value;

/// The template generation of a DaemonSet, which `apps/v1` keeps in an annotation.
///
/// Follows `Convert_v1_DaemonSet_To_apps_DaemonSet` of `pkg/apis/apps/v1/conversion.go`.
pub(super) fn template_generation(set: &Value) -> i64 {
    let annotations = set.part("metadata").part("annotations");
    annotations.text("deprecated.daemonset.template.generation").parse().unwrap_or(0)
}
