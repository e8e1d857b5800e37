//! Strategic merge patch as the API server applies it: a live object and a patch become the patched object.
//!
//! Follows apimachinery `pkg/util/strategicpatch/patch.go` (`StrategicMergeMapPatch`). Which lists are merged, and by which key,
//! is schema data.

mod go_sort;
mod golang;
mod leftover;
mod lookup;
mod merge;
mod order;

pub(super) use go_sort::go_sorted;
pub use leftover::leftover;
pub(super) use lookup::{Merging, Strategy, look_up, look_up_list};
pub(super) use merge::{Merge, Purpose, items_are_maps, same_type};
pub(super) use order::{By, no_merge_key, sort_by_order};

use super::PatchError;
use crate::object::{Map, Value, json_kind};
use crate::schema::{Schema, Type};

/// `$patch`: `replace`, `delete` or, in lists, `merge`.
pub(super) const DIRECTIVE: &str = "$patch";
/// `$retainKeys`: the keys that a map keeps.
pub(super) const RETAIN_KEYS: &str = "$retainKeys";
/// `$setElementOrder/ports`: the order of a merged list.
pub(super) const SET_ELEMENT_ORDER: &str = "$setElementOrder";
/// `$deleteFromPrimitiveList/finalizers`: scalars to take out of a merged list.
pub(super) const DELETE_FROM_LIST: &str = "$deleteFromPrimitiveList";

/// Applies a strategic merge patch to an object of a type. Keys keep their place; new ones come last.
pub fn apply(schema: &Schema, ty: &Type, live: &Value, patch: &Value) -> Result<Value, PatchError> {
    let patch = match patch {
        Value::Object(patch) => patch.clone(),
        Value::Null => Map::new(),
        other => {
            let text = format!("json: cannot unmarshal {} into Go value of type map[string]interface {{}}", json_kind(other));
            return Err(PatchError::BadRequest(text));
        }
    };
    let live = live.as_object().cloned().unwrap_or_default();
    Merge::new(schema, Purpose::Apply).maps(Some(ty), live, patch).map(Value::Object)
}
