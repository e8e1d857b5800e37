//! `kubectl apply`: create, or a three-way patch of last-applied annotation, manifest and live object.
//!
//! Follows kubectl `pkg/cmd/apply/apply.go` (`applyOneObject`) and `patcher.go` (`patchSimple`).

use super::last_applied::{annotated, last_applied};
use super::sender::{Options, Sender, from_server, outcome};
use super::{Api, Outcome};
use crate::apply::{PatchError, strategic_diff};
use crate::object::Value;
use crate::schema::{Resource, Schema, Type};
use crate::simulate::request::PatchKind;

/// Applies a manifest.
pub(super) fn apply<A: Api>(sender: &mut Sender<'_, A>, manifest: &Value, manager: &str) -> Outcome {
    let options = Options::strict(manager);
    let modified = annotated(manifest.clone());
    let Some(live) = sender.live() else {
        return outcome(sender.aim, sender.create(without_nulls(modified), options), Outcome::Created, "");
    };
    let patch = three_way(sender.api.schema(), &sender.aim.resource, &last_applied(&live), &modified, &live);
    patch_or_leave(sender, patch, options)
}

/// Sends a patch unless it is empty.
pub(super) fn patch_or_leave<A: Api>(
    sender: &mut Sender<'_, A>,
    patch: Result<(PatchKind, Value), PatchError>,
    options: Options<'_>,
) -> Outcome {
    match patch {
        Err(error) => Outcome::Failed(format!("error: {error}")),
        Ok((_, patch)) if patch.as_object().is_none_or(crate::object::Map::is_empty) => Outcome::Unchanged,
        Ok((kind, patch)) => match sender.patch(kind, patch, options) {
            Ok(_) => Outcome::Configured,
            Err(error) => Outcome::Failed(from_server(sender.aim, &error)),
        },
    }
}

/// The three-way patch and its type: strategic for built-in kinds, JSON merge patch for custom ones.
pub(super) fn three_way(
    schema: &Schema,
    resource: &Resource,
    original: &Value,
    modified: &Value,
    live: &Value,
) -> Result<(PatchKind, Value), PatchError> {
    match &resource.ty {
        Some(ty @ Type::Named(_)) => Ok((PatchKind::Strategic, strategic_diff::three_way(schema, ty, original, modified, live)?)),
        _ => Ok((PatchKind::Merge, strategic_diff::three_way_json(original, modified, live)?)),
    }
}

/// The manifest without null entries, which the annotation still has.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => map.into_iter().filter(|(_, v)| !v.is_null()).map(|(k, v)| (k, without_nulls(v))).collect(),
        Value::Array(list) => list.into_iter().map(without_nulls).collect(),
        other => other,
    }
}
