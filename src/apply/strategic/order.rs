//! The order of a merged list: the patch's items as the patch wants them, the server's own in between where they stood.
//!
//! Follows apimachinery `pkg/util/strategicpatch/patch.go` (`normalizeElementOrder`, `mergeSortedSlice`, `normalizeSliceOrder`).

use super::DIRECTIVE;
use super::golang::go_type;
use crate::apply::PatchError;
use crate::apply::go_format::plain;
use crate::object::Value;

/// What tells the items of a list apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::apply) enum By<'k> {
    /// The value of a key.
    Key(&'k str),
    /// The item, a scalar, itself.
    Itself,
}

impl By<'_> {
    /// The identity of an item; null if it has none.
    pub(in crate::apply) fn identity(self, item: &Value) -> &Value {
        match self {
            By::Itself => item,
            By::Key(key) => item.get(key).unwrap_or(&Value::Null),
        }
    }

    /// The identities of a list's items, each of which must have one.
    pub(in crate::apply) fn identities(self, list: &[Value]) -> Result<Vec<Value>, PatchError> {
        list.iter().map(|item| self.check(item).map(|()| self.identity(item).clone())).collect()
    }

    /// Refuses an item without an identity.
    pub(super) fn check(self, item: &Value) -> Result<(), PatchError> {
        match (self, item) {
            (By::Itself, _) => Ok(()),
            (By::Key(key), Value::Object(map)) if map.contains_key(key) => Ok(()),
            (By::Key(key), Value::Object(_)) => Err(no_merge_key(item, key)),
            (By::Key(_), other) => Err(bad_type("map[string]interface {}", other)),
        }
    }
}

/// The refusal of an item without its merge key.
pub(in crate::apply) fn no_merge_key(item: &Value, key: &str) -> PatchError {
    PatchError::Internal(format!("map: {} does not contain declared merge key: {key}", plain(item)))
}

/// The refusal of a value of another type.
pub(super) fn bad_type(expected: &str, actual: &Value) -> PatchError {
    PatchError::Internal(format!("expected a {expected}, but received a {}", go_type(actual)))
}

/// Parts a list into the items whose identity is among `named`, and the rest.
pub(super) fn partition(list: Vec<Value>, named: &[Value], by: By<'_>) -> Result<(Vec<Value>, Vec<Value>), PatchError> {
    for item in &list {
        by.check(item)?;
    }
    Ok(list.into_iter().partition(|item| named.contains(by.identity(item))))
}

/// Puts the patch's items in the patch's order, the server's own in the server's, and interleaves them: an item of the server
/// comes before the first item of the patch that followed it on the server.
pub(super) fn arrange(
    patched: Vec<Value>,
    own: Vec<Value>,
    patch_order: &[Value],
    server_order: &[Value],
    by: By<'_>,
) -> Result<Vec<Value>, PatchError> {
    let patched = sort_by_order(patched, patch_order, by)?;
    let own = sort_by_order(own, server_order, by)?;
    let place = |item: &Value| server_order.iter().position(|id| id == by.identity(item));
    let mut out = Vec::with_capacity(patched.len() + own.len());
    let (mut own, mut patched) = (own.into_iter().peekable(), patched.into_iter().peekable());
    loop {
        let own_first = match (own.peek(), patched.peek()) {
            (Some(o), Some(p)) => matches!((place(o), place(p)), (Some(o), Some(p)) if o < p),
            (Some(_), None) => true,
            (None, _) => false,
        };
        match if own_first { own.next() } else { patched.next() } {
            Some(item) => out.push(item),
            None => return Ok(out),
        }
    }
}

/// Sorts items by where their identity stands in `order`; those to be deleted go last.
pub(in crate::apply) fn sort_by_order(items: Vec<Value>, order: &[Value], by: By<'_>) -> Result<Vec<Value>, PatchError> {
    for item in &items {
        by.check(item)?;
    }
    let to_delete = |item: &Value| by != By::Itself && item.get(DIRECTIVE).is_some_and(|d| d == "delete");
    let (gone, kept): (Vec<Value>, Vec<Value>) = items.into_iter().partition(to_delete);
    let mut ranked: Vec<(Option<usize>, Value)> =
        kept.into_iter().map(|item| (order.iter().position(|id| id == by.identity(&item)), item)).collect();
    if ranked.iter().all(|(rank, _)| rank.is_some()) {
        ranked.sort_by_key(|(rank, _)| *rank);
    } else {
        // Go's comparison calls an item that is not in the order less than anything, which only its insertion sort defines.
        for i in 1..ranked.len() {
            let mut j = i;
            while j > 0 && !matches!((ranked[j].0, ranked[j - 1].0), (Some(a), Some(b)) if a >= b) {
                ranked.swap(j, j - 1);
                j -= 1;
            }
        }
    }
    Ok(ranked.into_iter().map(|(_, item)| item).chain(gone).collect())
}

#[cfg(test)]
mod tests {
    use super::{By, arrange};
    use crate::object::{Value, json};

    fn list(text: &str) -> Vec<Value> {
        text.chars().map(|c| json!(c.to_string())).collect()
    }

    #[test]
    fn own_items_keep_their_place_among_the_patched() {
        // Follows the examples of the design "preserve order in strategic merge patch".
        let cases = [("ad", "bc", "ad", "abcd", "abcd"), ("da", "bc", "da", "abcd", "bcda"), ("d", "a", "d", "a", "da")];
        for (patched, own, patch_order, server_order, want) in cases {
            let got = arrange(list(patched), list(own), &list(patch_order), &list(server_order), By::Itself).unwrap();
            assert_eq!(got, list(want), "{patched} {own}");
        }
    }
}
