//! Merging a patch into an object (what the server does) or into another patch (a step of the three-way patch).
//!
//! Follows apimachinery `pkg/util/strategicpatch/patch.go` (`mergeMap`, `mergePatchIntoOriginal`, `mergeSlice`).

use super::lookup::{Merging, Strategy, look_up, look_up_list};
use super::order::{By, arrange, bad_type, no_merge_key, partition};
use super::{DELETE_FROM_LIST, DIRECTIVE, RETAIN_KEYS, SET_ELEMENT_ORDER};
use crate::apply::PatchError;
use crate::apply::go_format::plain;
use crate::object::{Map, Text, Value};
use crate::schema::{Schema, Type};
use std::mem::discriminant;

/// What a patch is merged into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::apply) enum Purpose {
    /// An object: directives are carried out.
    Apply,
    /// Another patch: directives and nulls are carried over.
    Combine,
}

/// A merge in progress.
#[derive(Clone, Copy)]
pub(in crate::apply) struct Merge<'s> {
    schema: &'s Schema,
    purpose: Purpose,
}

/// A merged list, and the order in which the server's items stand for `$setElementOrder`.
struct MergedList {
    items: Vec<Value>,
    server_order: Vec<Value>,
}

impl<'s> Merge<'s> {
    pub(in crate::apply) fn new(schema: &'s Schema, purpose: Purpose) -> Self {
        Self { schema, purpose }
    }

    /// Merges a patch into a map of a type.
    pub(in crate::apply) fn maps(self, ty: Option<&'s Type>, mut original: Map, mut patch: Map) -> Result<Map, PatchError> {
        match patch.get(DIRECTIVE) {
            None => {}
            Some(directive) if directive == "replace" => {
                patch.shift_remove(DIRECTIVE);
                return Ok(patch);
            }
            Some(directive) if directive == "delete" => return Ok(Map::new()),
            Some(other) => return Err(unknown_directive(&other.clone(), &Value::Object(patch))),
        }
        self.retain_keys(&mut original, &mut patch)?;
        self.ordered_lists(ty, &mut original, &mut patch)?;
        for (key, value) in patch {
            match key.strip_prefix(DELETE_FROM_LIST) {
                None => self.field(ty, &mut original, &key, value, false)?,
                Some(_) if self.purpose == Purpose::Combine => {
                    original.insert(key, value);
                }
                Some(rest) => {
                    let list = rest.strip_prefix('/').ok_or_else(|| bad_format("primitive list"))?;
                    self.field(ty, &mut original, list, value, true)?;
                }
            }
        }
        Ok(original)
    }

    /// Merges one value of a patch into a map.
    fn field(self, ty: Option<&'s Type>, original: &mut Map, key: &str, value: Value, deletes: bool) -> Result<(), PatchError> {
        if value.is_null() {
            original.shift_remove(key);
            if self.purpose == Purpose::Apply {
                return Ok(());
            }
        }
        match (original.get_mut(key), value) {
            (Some(there @ Value::Object(_)), Value::Object(patch)) => {
                let merging = look_up(self.schema, ty, key)?;
                *there = Value::Object(match merging.strategy {
                    Strategy::Replace => patch,
                    _ => self.maps(Some(merging.ty), into_map(there.take()), patch)?,
                });
            }
            (Some(there @ Value::Array(_)), Value::Array(patch)) => {
                let merging = look_up_list(self.schema, ty, key)?;
                *there = Value::Array(match merging.strategy {
                    Strategy::Merge => self.lists(merging, into_list(there.take()), patch.into(), deletes)?.items.into(),
                    _ if deletes => self.lists(merging, into_list(there.take()), patch.into(), deletes)?.items.into(),
                    _ => patch,
                });
            }
            (there, mut value) => {
                let same = there.is_some_and(|there| same_type(there, &value));
                if deletes && !same {
                    return Ok(());
                }
                if self.purpose == Purpose::Apply && !same {
                    discard_nulls(&mut value);
                }
                if remove_directives(&mut value) {
                    original.insert(key.into(), value);
                } else {
                    original.shift_remove(key);
                }
            }
        }
        Ok(())
    }

    /// Carries out `$retainKeys`: what it does not name goes, and the patch may set nothing else.
    fn retain_keys(self, original: &mut Map, patch: &mut Map) -> Result<(), PatchError> {
        let Some(retained) = patch.shift_remove(RETAIN_KEYS) else { return Ok(()) };
        if self.purpose == Purpose::Combine {
            let there = original.entry(RETAIN_KEYS).or_insert_with(|| retained.clone());
            return if *there == retained { Ok(()) } else { Err(differ(there, &retained)) };
        }
        let retained = retained.as_array().ok_or_else(|| bad_format("retainKeys"))?;
        let named = |key: &str| retained.iter().any(|k| k == key);
        let directive = |key: &str| key.starts_with(DELETE_FROM_LIST) || key.starts_with(SET_ELEMENT_ORDER);
        if patch.iter().any(|(key, value)| !value.is_null() && !directive(key) && !named(key)) {
            return Err(bad_format("retainKeys"));
        }
        original.retain(|key, _| named(key));
        Ok(())
    }

    /// Merges each list that comes with a `$setElementOrder`, and takes both out of the patch.
    fn ordered_lists(self, ty: Option<&'s Type>, original: &mut Map, patch: &mut Map) -> Result<(), PatchError> {
        let directives: Vec<Text> = patch.keys().filter(|key| key.starts_with(SET_ELEMENT_ORDER)).cloned().collect();
        for directive in directives {
            let Some(order) = patch.shift_remove(&directive) else { continue };
            if self.purpose == Purpose::Combine {
                let there = original.entry(directive.as_str()).or_insert_with(|| order.clone());
                if *there != order {
                    return Err(bad_format("setElementOrder list"));
                }
            }
            let Value::Array(order) = order else { return Err(bad_type("[]interface {}", &order)) };
            let key = directive.strip_prefix(SET_ELEMENT_ORDER).and_then(|rest| rest.strip_prefix('/'));
            let key = key.ok_or_else(|| bad_format("setElementOrder list"))?;
            let there = original.get_mut(key).map(|there| as_list(there.take())).transpose()?;
            let patched = patch.shift_remove(key).map(as_list).transpose()?;
            let merging = look_up_list(self.schema, ty, key)?;
            agree_on_order(patched.as_deref().unwrap_or_default(), &order, merging.merge_key)?;
            if let Some(list) = self.ordered_list(merging, there, patched, &order)? {
                original.insert(key.into(), Value::Array(list.into()));
            }
        }
        Ok(())
    }

    /// One list with its `$setElementOrder`; none if it is neither there nor in the patch.
    fn ordered_list(
        self,
        merging: Merging<'s>,
        there: Option<Vec<Value>>,
        patched: Option<Vec<Value>>,
        order: &[Value],
    ) -> Result<Option<Vec<Value>>, PatchError> {
        let maps = items_are_maps(&[there.as_deref().unwrap_or_default(), patched.as_deref().unwrap_or_default()]);
        let by = if merging.merge_key.is_empty() { By::Itself } else { By::Key(merging.merge_key) };
        let ids = |list: &[Value]| list.iter().map(|item| by.identity(item).clone()).collect::<Vec<_>>();
        let merged = match (there, patched) {
            (None, None) => return Ok(None),
            (Some(there), None) => MergedList { server_order: ids(&there), items: there },
            (None, Some(patched)) => {
                let mut patched = Value::Array(patched.into());
                remove_directives(&mut patched);
                MergedList { items: into_list(patched), server_order: Vec::new() }
            }
            (Some(there), Some(patched)) if merging.strategy == Strategy::Merge => self.lists(merging, there, patched, false)?,
            (Some(there), Some(patched)) => MergedList { items: patched, server_order: ids(&there) },
        };
        let order = by.identities(order)?;
        let (named, own) = partition(merged.items, &order, by)?;
        if maps?.is_none() {
            return Err(PatchError::Internal("no elements in any of the given slices".into()));
        }
        arrange(named, own, &order, &merged.server_order, by).map(Some)
    }

    /// Merges a list of a patch into a list, item by item.
    fn lists(self, merging: Merging<'s>, original: Vec<Value>, patch: Vec<Value>, deletes: bool) -> Result<MergedList, PatchError> {
        match items_are_maps(&[&original, &patch])? {
            None => Ok(MergedList { items: original, server_order: Vec::new() }),
            Some(false) if deletes && self.purpose == Purpose::Apply => {
                let items = original.into_iter().filter(|item| !patch.contains(item)).collect();
                Ok(MergedList { items, server_order: Vec::new() })
            }
            Some(false) => {
                let mut both: Vec<Value> = Vec::with_capacity(original.len() + patch.len());
                for item in original.iter().chain(&patch) {
                    if !both.contains(item) {
                        both.push(item.clone());
                    }
                }
                let (named, own) = partition(both, &patch, By::Itself)?;
                Ok(MergedList { items: arrange(named, own, &patch, &original, By::Itself)?, server_order: original })
            }
            Some(true) if merging.merge_key.is_empty() => {
                Err(PatchError::Internal("cannot merge lists without merge key for struct".into()))
            }
            Some(true) => self.lists_of_maps(merging, original, patch),
        }
    }

    fn lists_of_maps(self, merging: Merging<'s>, mut original: Vec<Value>, patch: Vec<Value>) -> Result<MergedList, PatchError> {
        let (key, by, length) = (merging.merge_key, By::Key(merging.merge_key), original.len());
        let untouched: Vec<Value> = original.iter().map(|item| by.identity(item).clone()).collect();
        let (mut plain, mut replaces) = (Vec::with_capacity(patch.len()), false);
        for item in patch {
            match item.get(DIRECTIVE) {
                None => plain.push(item),
                Some(directive) if directive == "delete" => {
                    let id = item.get(key).ok_or_else(|| no_merge_key(&item, key))?;
                    original.retain(|there| there.get(key) != Some(id));
                }
                Some(directive) if directive == "replace" => replaces = true,
                Some(directive) if directive == "merge" => {
                    return Err(PatchError::Internal("merging lists cannot yet be specified in the patch".into()));
                }
                Some(other) => return Err(unknown_directive(other, &item)),
            }
        }
        if replaces {
            let ids = by.identities(&plain)?;
            return Ok(MergedList { items: arrange(Vec::new(), plain, &[], &ids, by)?, server_order: untouched });
        }
        let remaining: Vec<Value> = original.iter().map(|item| by.identity(item).clone()).collect();
        let wanted = by.identities(&plain)?;
        for item in plain {
            let found = original.iter_mut().find(|there| there.get(key).is_some_and(|id| id == by.identity(&item)));
            match found {
                Some(there) => *there = Value::Object(self.maps(Some(merging.ty), into_map(there.take()), into_map(item))?),
                None => original.push(item),
            }
        }
        // Go deletes and appends in place, so for `$setElementOrder` an item that is deleted and made again stands where the
        // list ended up having it.
        let server_order = original.iter().take(length).map(|item| by.identity(item).clone()).collect();
        by.identities(&original)?;
        let (named, own) = partition(original, &wanted, by)?;
        Ok(MergedList { items: arrange(named, own, &wanted, &remaining, by)?, server_order })
    }
}

/// Whether the items of all the lists are maps; none if there is no item. Mixed lists and lists of lists are refused.
pub(in crate::apply) fn items_are_maps(lists: &[&[Value]]) -> Result<Option<bool>, PatchError> {
    let mut items = lists.iter().flat_map(|list| list.iter());
    let Some(first) = items.next() else { return Ok(None) };
    if first.is_array() {
        return Err(PatchError::Rejected("lists of lists are not supported".into()));
    }
    if first.is_null() || items.any(|item| !same_type(first, item)) {
        let shown: Vec<String> = lists.iter().map(|list| plain(&Value::Array(list.to_vec().into()))).collect();
        return Err(PatchError::Internal(format!("list element types are not identical: [{}]", shown.join(" "))));
    }
    Ok(Some(first.is_object()))
}

/// Whether Go decodes the two to one type: integers and other numbers differ.
pub(in crate::apply) fn same_type(a: &Value, b: &Value) -> bool {
    discriminant(a) == discriminant(b) && a.is_f64() == b.is_f64()
}

/// The patch's items must stand in the order that `$setElementOrder` says, and be in it.
fn agree_on_order(patched: &[Value], order: &[Value], merge_key: &str) -> Result<(), PatchError> {
    if patched.is_empty() || order.is_empty() {
        return Ok(());
    }
    let by = if merge_key.is_empty() { By::Itself } else { By::Key(merge_key) };
    if let Some(scalar) = patched.iter().find(|item| by != By::Itself && !item.is_object()) {
        return Err(bad_type("map[string]interface {}", scalar));
    }
    let mut wanted = patched.iter().filter(|item| item.get(DIRECTIVE).is_none_or(|directive| directive != "delete")).peekable();
    for place in order {
        while wanted.next_if(|item| item.get(DIRECTIVE).is_some()).is_some() {}
        let Some(item) = wanted.peek() else { return Ok(()) };
        by.check(item)?;
        by.check(place)?;
        wanted.next_if(|item| by.identity(item) == by.identity(place));
    }
    if wanted.peek().is_none() {
        return Ok(());
    }
    let (patched, order) = (plain(&Value::Array(patched.to_vec().into())), plain(&Value::Array(order.to_vec().into())));
    Err(PatchError::Internal(format!("The order in patch list:\n{patched}\n doesn't match {SET_ELEMENT_ORDER} list:\n{order}\n")))
}

/// Takes directives out of a value that is new; false if it is nothing but a directive.
fn remove_directives(value: &mut Value) -> bool {
    match value {
        Value::Object(map) if map.contains_key(DIRECTIVE) => return false,
        Value::Object(map) => map.retain(|_, v| remove_directives(v)),
        Value::Array(list) => list.retain_mut(remove_directives),
        _ => {}
    }
    true
}

fn discard_nulls(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.retain(|_, v| !v.is_null());
            map.values_mut().for_each(discard_nulls);
        }
        Value::Array(list) => list.iter_mut().for_each(discard_nulls),
        _ => {}
    }
}

fn unknown_directive(directive: &Value, map: &Value) -> PatchError {
    let shown = match directive {
        Value::String(text) => text.to_string(),
        other => format!("%!s({}={})", super::golang::go_type(other), plain(other)),
    };
    PatchError::Internal(format!("unknown patch type: {shown} in map: {}", plain(map)))
}

fn bad_format(what: &str) -> PatchError {
    PatchError::BadRequest(format!("invalid patch format of {what}"))
}

fn differ(a: &Value, b: &Value) -> PatchError {
    let (a, b) = (plain(a), plain(b));
    PatchError::Internal(format!("{a} and {b} are not deep equal: this may happen when calculating the 3-way diff patch"))
}

fn as_list(value: Value) -> Result<Vec<Value>, PatchError> {
    match value {
        Value::Array(list) => Ok(list.into()),
        other => Err(bad_type("[]interface {}", &other)),
    }
}

fn into_map(value: Value) -> Map {
    match value {
        Value::Object(map) => map,
        _ => Map::new(),
    }
}

fn into_list(value: Value) -> Vec<Value> {
    match value {
        Value::Array(list) => list.into(),
        _ => Vec::new(),
    }
}
