//! What clients compute before they patch: two or three versions of an object become the patch that they send.
//!
//! Follows apimachinery `pkg/util/strategicpatch/patch.go` (`CreateTwoWayMergePatch`, `CreateThreeWayMergePatch`) and
//! `pkg/util/jsonmergepatch/patch.go` (`CreateThreeWayJSONMergePatch`).

use super::go_format::plain;
use super::strategic::{
    By, DELETE_FROM_LIST, DIRECTIVE, Merge, Merging, Purpose, RETAIN_KEYS, SET_ELEMENT_ORDER, Strategy, go_sorted, items_are_maps, look_up,
    look_up_list, no_merge_key, same_type, sort_by_order,
};
use super::{PatchError, merge_patch};
use crate::object::{Map, Value};
use crate::schema::{Schema, Type};
use std::cmp::Ordering;

/// The strategic merge patch that makes `modified` of `original`. Both are objects of the type.
pub fn two_way(schema: &Schema, ty: &Type, original: &Value, modified: &Value) -> Result<Value, PatchError> {
    let diff = Diff { schema, changes: true, deletions: true };
    diff.maps(Some(ty), map_of(original), map_of(modified), false).map(Value::Object)
}

/// The strategic merge patch of `kubectl apply`: what `modified` has and `current` has not or has otherwise, and without what
/// `original` had and `modified` has not.
pub fn three_way(schema: &Schema, ty: &Type, original: &Value, modified: &Value, current: &Value) -> Result<Value, PatchError> {
    let modified = map_of(modified);
    let delta = Diff { schema, changes: true, deletions: false }.maps(Some(ty), map_of(current), modified, false)?;
    let deletions = Diff { schema, changes: false, deletions: true }.maps(Some(ty), map_of(original), modified, false)?;
    Merge::new(schema, Purpose::Combine).maps(Some(ty), deletions, delta).map(Value::Object)
}

/// The JSON merge patch of `kubectl apply` for kinds that have no strategic one: custom resources.
pub fn three_way_json(original: &Value, modified: &Value, current: &Value) -> Result<Value, PatchError> {
    let modified = map_of(modified);
    let delta = only(&json_diff(map_of(current), modified), false);
    let deletions = only(&json_diff(map_of(original), modified), true);
    merge_patch::apply(&Value::Object(deletions), &Value::Object(delta))
}

/// The JSON merge patch that makes `modified` of `original`.
pub fn two_way_json(original: &Value, modified: &Value) -> Value {
    Value::Object(json_diff(map_of(original), map_of(modified)))
}

fn map_of(value: &Value) -> &Map {
    static NONE: std::sync::LazyLock<Map> = std::sync::LazyLock::new(Map::new);
    value.as_object().unwrap_or(&NONE)
}

/// Which differences are wanted.
#[derive(Clone, Copy)]
struct Diff<'s> {
    schema: &'s Schema,
    changes: bool,
    deletions: bool,
}

/// How a merged list differs.
#[derive(Default)]
struct ListDiff {
    patch: Vec<Value>,
    deleted: Vec<Value>,
    order: Vec<Value>,
}

impl<'s> Diff<'s> {
    fn maps(self, ty: Option<&'s Type>, original: &Map, modified: &Map, retain: bool) -> Result<Map, PatchError> {
        let mut patch = Map::new();
        for (key, value) in modified {
            match (original.get(key), value) {
                (Some(there), _) if key == DIRECTIVE => {
                    if !(there.is_string() && value.is_string()) {
                        return Err(PatchError::Internal(format!("invalid value for special key: {DIRECTIVE}")));
                    }
                    if there != value {
                        patch.insert(key.clone(), value.clone());
                    }
                }
                (Some(Value::Object(there)), Value::Object(map)) => self.map_field(ty, key, there, map, &mut patch)?,
                (Some(Value::Array(there)), Value::Array(list)) => self.list_field(ty, key, there, list, &mut patch)?,
                (Some(there), value) if same_type(there, value) && there == value => {}
                _ if self.changes => {
                    patch.insert(key.clone(), value.clone());
                }
                _ => {}
            }
        }
        let mut gone = original.iter().filter(|(key, _)| !modified.contains_key(key));
        if self.deletions {
            patch.extend(gone.clone().map(|(key, _)| (key.clone(), Value::Null)));
        }
        if retain && (!patch.is_empty() || gone.any(|(_, value)| !value.is_null())) {
            let mut keys: Vec<&str> = modified.iter().filter(|(_, value)| !value.is_null()).map(|(key, _)| key.as_str()).collect();
            keys.sort();
            if !keys.is_empty() {
                patch.insert(RETAIN_KEYS.into(), keys.into());
            }
        }
        Ok(patch)
    }

    fn map_field(self, ty: Option<&'s Type>, key: &str, original: &Map, modified: &Map, patch: &mut Map) -> Result<(), PatchError> {
        let merging = match look_up(self.schema, ty, key) {
            Err(_) if original == modified => return Ok(()),
            found => found?,
        };
        if merging.strategy == Strategy::Replace {
            if self.changes {
                patch.insert(key.into(), Value::Object(modified.clone()));
            }
            return Ok(());
        }
        let inner = self.maps(Some(merging.ty), original, modified, merging.retain_keys)?;
        if !inner.is_empty() {
            patch.insert(key.into(), Value::Object(inner));
        }
        Ok(())
    }

    fn list_field(
        self,
        ty: Option<&'s Type>,
        key: &str,
        original: &[Value],
        modified: &[Value],
        patch: &mut Map,
    ) -> Result<(), PatchError> {
        let merging = match look_up_list(self.schema, ty, key) {
            Err(_) if original == modified => return Ok(()),
            found => found?,
        };
        if merging.strategy != Strategy::Merge {
            if self.changes && original != modified {
                patch.insert(key.into(), modified.into());
            }
            return Ok(());
        }
        let list = self.lists(merging, original, modified)?;
        for (name, list) in [
            (format!("{SET_ELEMENT_ORDER}/{key}"), list.order),
            (format!("{DELETE_FROM_LIST}/{key}"), list.deleted),
            (key.to_owned(), list.patch),
        ] {
            if !list.is_empty() {
                patch.insert(name.into(), list.into());
            }
        }
        Ok(())
    }

    fn lists(self, merging: Merging<'s>, original: &[Value], modified: &[Value]) -> Result<ListDiff, PatchError> {
        if original.is_empty() {
            let patch = if self.changes { modified.to_vec() } else { Vec::new() };
            return Ok(ListDiff { patch, ..ListDiff::default() });
        }
        if items_are_maps(&[original, modified])? == Some(true) {
            self.lists_of_maps(merging, original, modified)
        } else {
            self.lists_of_scalars(original, modified)
        }
    }

    fn lists_of_maps(self, merging: Merging<'s>, original: &[Value], modified: &[Value]) -> Result<ListDiff, PatchError> {
        let (key, by) = (merging.merge_key, By::Key(merging.merge_key));
        let id = |item: &Value| plain(by.identity(item));
        let (mut patch, mut deleted) = (Vec::new(), Vec::new());
        for pair in paired(original, modified, id, |item| item.get(key).map(drop).ok_or_else(|| no_merge_key(item, key)))? {
            match pair {
                (Some(there), Some(item)) => {
                    let mut inner = self.maps(Some(merging.ty), map_of(there), map_of(item), merging.retain_keys)?;
                    if !inner.is_empty() {
                        inner.insert(key.into(), item[key].clone());
                        patch.push(Value::Object(inner));
                    }
                }
                (None, Some(item)) if self.changes => patch.push(item.clone()),
                (Some(there), None) if self.deletions => {
                    deleted.push(Map::from_iter([(DIRECTIVE.to_owned(), "delete".into()), (key.to_owned(), there[key].clone())]).into());
                }
                _ => {}
            }
        }
        let ids = by.identities(modified)?;
        let mut patch = sort_by_order(patch, &ids, by)?;
        patch.append(&mut deleted);
        let same_order = original.len() == modified.len() && original.iter().zip(&ids).all(|(there, id)| by.identity(there) == id);
        let ordered = !patch.is_empty() || self.changes && !same_order;
        let order = if ordered { ids.into_iter().map(|id| Map::from_iter([(key.to_owned(), id)]).into()).collect() } else { Vec::new() };
        Ok(ListDiff { patch, deleted, order })
    }

    fn lists_of_scalars(self, original: &[Value], modified: &[Value]) -> Result<ListDiff, PatchError> {
        let mut diff = ListDiff::default();
        for pair in paired(original, modified, plain, |_| Ok(()))? {
            match pair {
                (None, Some(item)) if self.changes => diff.patch.push(item.clone()),
                (Some(there), None) if self.deletions && !diff.deleted.contains(there) => diff.deleted.push(there.clone()),
                _ => {}
            }
        }
        diff.patch = sort_by_order(diff.patch, modified, By::Itself)?;
        // The original list is sorted by now, so that an unsorted list differs from itself.
        let sorted = go_sorted(original.iter().collect(), |item| plain(item));
        if !diff.deleted.is_empty() || self.changes && !sorted.into_iter().eq(modified) {
            diff.order = modified.to_vec();
        }
        Ok(diff)
    }
}

/// An item of either list, or of both.
type Pair<'v> = (Option<&'v Value>, Option<&'v Value>);

/// Both lists' items by their sorted texts: those of equal text together, one with one. Each is checked when its turn comes.
fn paired<'v>(
    original: &'v [Value],
    modified: &'v [Value],
    text: impl Fn(&Value) -> String,
    check: impl Fn(&Value) -> Result<(), PatchError>,
) -> Result<Vec<Pair<'v>>, PatchError> {
    let sorted = |list: &'v [Value]| {
        let list: Vec<(String, &Value)> = list.iter().map(|item| (text(item), item)).collect();
        go_sorted(list, |(text, _)| text.clone()).into_iter().peekable()
    };
    let (mut original, mut modified, mut out) = (sorted(original), sorted(modified), Vec::new());
    loop {
        original.peek().map_or(Ok(()), |(_, item)| check(item))?;
        modified.peek().map_or(Ok(()), |(_, item)| check(item))?;
        let order = match (original.peek(), modified.peek()) {
            (Some(a), Some(b)) => a.0.cmp(&b.0),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return Ok(out),
        };
        let a = if order.is_le() { original.next() } else { None };
        let b = if order.is_ge() { modified.next() } else { None };
        out.push((a.map(|(_, item)| item), b.map(|(_, item)| item)));
    }
}

/// evanphx/json-patch `getDiff`; numbers are compared as floating point.
fn json_diff(a: &Map, b: &Map) -> Map {
    let mut diff = Map::new();
    for (key, value) in b {
        match (a.get(key), value) {
            (Some(Value::Object(there)), Value::Object(map)) => {
                let inner = json_diff(there, map);
                if !inner.is_empty() {
                    diff.insert(key.clone(), inner.into());
                }
            }
            (Some(there), value) if equal_as_floats(there, value) => {}
            _ => {
                diff.insert(key.clone(), value.clone());
            }
        }
    }
    diff.extend(a.keys().filter(|key| !b.contains_key(key)).map(|key| (key.clone(), Value::Null)));
    diff
}

fn equal_as_floats(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| equal_as_floats(a, b)),
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, a)| b.get(key).is_some_and(|b| equal_as_floats(a, b)))
        }
        _ => a == b,
    }
}

/// A merge patch's deletions, or all but them.
fn only(patch: &Map, nulls: bool) -> Map {
    let mut kept = Map::new();
    for (key, value) in patch {
        match value {
            Value::Null if !nulls => continue,
            Value::Object(map) if !map.is_empty() => {
                let inner = only(map, nulls);
                if !inner.is_empty() {
                    kept.insert(key.clone(), inner.into());
                }
            }
            Value::Null => drop(kept.insert(key.clone(), Value::Null)),
            other if !nulls => drop(kept.insert(key.clone(), other.clone())),
            _ => {}
        }
    }
    kept
}
