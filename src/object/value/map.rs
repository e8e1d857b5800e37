//! The entries of a map, in the order they came in, shared until one is written to.

use super::facts::{Fact, Facts, TypeMark};
use super::{Text, Value};
use std::collections::BTreeMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Index;
use std::sync::Arc;

/// The largest map that is searched key by key: of the maps of Kubernetes' own objects nearly all are smaller.
const FEW: usize = 24;

/// For how many more entries a small map that is full makes room.
const ROOM: usize = 4;

/// A map that keeps the order of its keys; two are equal whatever their order. Empty ones, of which ownership is full, hold no
/// memory.
#[derive(Clone, Default)]
pub struct Map(Option<Arc<Entries>>);

/// One entry. The mark of its key is compared first: most keys of a map differ there already.
#[derive(Clone)]
struct Slot {
    mark: u64,
    key: Text,
    value: Value,
}

/// Keys that are no longer than this are the same if their marks and lengths are.
const MARKED_WHOLE: usize = 8;

/// The first and the last four bytes of a key; of a shorter one the first, the middle and the last.
#[inline]
fn mark(key: &str) -> u64 {
    let bytes = key.as_bytes();
    match (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        (Some(first), Some(last)) => u64::from(u32::from_le_bytes(*first)) | u64::from(u32::from_le_bytes(*last)) << 32,
        _ => match bytes {
            [] => 0,
            [first, ..] => u64::from(u32::from_le_bytes([*first, bytes[bytes.len() / 2], bytes[bytes.len() - 1], 0])),
        },
    }
}

impl Slot {
    fn new(key: Text, value: Value) -> Self {
        Self { mark: mark(&key), key, value }
    }

    #[inline]
    fn is_of(&self, mark: u64, key: &str) -> bool {
        self.mark == mark && self.key.len() == key.len() && (key.len() <= MARKED_WHOLE || self.key == key)
    }
}

#[derive(Clone, Default)]
struct Entries {
    list: Vec<Slot>,
    /// Where each key stands, once there are more than a few.
    places: Option<BTreeMap<Text, usize>>,
    facts: Facts,
}

impl Entries {
    #[inline]
    fn place(&self, key: &str) -> Option<usize> {
        match &self.places {
            Some(places) => places.get(key).copied(),
            None => {
                let wanted = mark(key);
                self.list.iter().position(|slot| slot.is_of(wanted, key))
            }
        }
    }

    #[inline]
    fn get(&self, key: &str) -> Option<&Slot> {
        match &self.places {
            Some(places) => places.get(key).map(|place| &self.list[*place]),
            None => {
                let wanted = mark(key);
                self.list.iter().find(|slot| slot.is_of(wanted, key))
            }
        }
    }

    fn push(&mut self, key: Text, value: Value) {
        if let Some(places) = &mut self.places {
            places.insert(key.clone(), self.list.len());
        }
        // Maps are many and small: room for as many again would be a third of what they take.
        if self.list.len() == self.list.capacity() && self.list.len() <= FEW {
            self.list.reserve_exact(ROOM);
        }
        self.list.push(Slot::new(key, value));
        if self.places.is_none() && self.list.len() > FEW {
            self.find_places();
        }
    }

    fn find_places(&mut self) {
        let places = || self.list.iter().enumerate().map(|(place, slot)| (slot.key.clone(), place)).collect();
        self.places = (self.list.len() > FEW).then(places);
    }
}

impl Map {
    /// An empty map.
    pub const fn new() -> Self {
        Self(None)
    }

    /// An empty map with room for so many entries.
    pub fn with_capacity(capacity: usize) -> Self {
        match capacity {
            0 => Self(None),
            _ => Self(Some(Arc::new(Entries { list: Vec::with_capacity(capacity), ..Entries::default() }))),
        }
    }

    #[inline]
    fn list(&self) -> &[Slot] {
        self.0.as_deref().map_or(&[], |entries| &entries.list)
    }

    /// Everything that changes a map goes through here: what was known of it holds no more.
    fn entries_mut(&mut self) -> &mut Entries {
        let entries = Arc::make_mut(self.0.get_or_insert_default());
        entries.facts.forget();
        entries
    }

    /// Whether a fact was noted of it as of a type. False says nothing.
    #[inline]
    pub fn is_noted(&self, of: TypeMark, fact: Fact) -> bool {
        self.0.as_ref().is_some_and(|entries| entries.facts.has(of, fact))
    }

    /// Notes a fact of it as of a type, for as long as it is not written to.
    pub fn note(&self, of: TypeMark, fact: Fact) {
        if let Some(entries) = &self.0 {
            entries.facts.note(of, fact);
        }
    }

    #[inline]
    fn index_of(&self, key: &str) -> Option<usize> {
        self.0.as_deref()?.place(key)
    }

    /// See [`Value::reunite`]. A map that others share is left as it is. What is known of this one is then known of the other too.
    pub(super) fn reunite(&mut self, with: &Self) -> bool {
        if self.is_empty() || with.is_empty() {
            return self.is_empty() && with.is_empty();
        }
        let Some(entries) = self.0.as_mut().and_then(Arc::get_mut) else { return false };
        let mut same = entries.list.len() == with.len();
        for (i, own) in entries.list.iter_mut().enumerate() {
            let at_its_place = with.list().get(i).filter(|other| other.is_of(own.mark, &own.key));
            same &= at_its_place.is_some();
            let other = at_its_place.map(|other| &other.value).or_else(|| with.get(&own.key));
            same &= other.is_some_and(|other| own.value.reunite(other));
        }
        if let Some(other) = with.0.as_ref().filter(|_| same) {
            other.facts.learn(&entries.facts);
        }
        same
    }

    /// Where it is held: one place for maps that are shared, none for empty ones that hold no memory.
    pub(super) fn place(&self) -> usize {
        self.0.as_ref().map_or(0, |entries| Arc::as_ptr(entries).addr())
    }

    /// Whether both are one and the same map.
    #[inline]
    pub fn is_shared_with(&self, other: &Self) -> bool {
        matches!((&self.0, &other.0), (Some(a), Some(b)) if Arc::ptr_eq(a, b))
    }

    /// How many entries it has.
    #[inline]
    pub fn len(&self) -> usize {
        self.list().len()
    }

    /// Whether it has none.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.list().is_empty()
    }

    /// What stands under a key.
    #[inline]
    pub fn get(&self, key: &str) -> Option<&Value> {
        Some(&self.0.as_deref()?.get(key)?.value)
    }

    /// A key as it stands in the map, and what stands under it.
    pub fn get_key_value(&self, key: &str) -> Option<(&Text, &Value)> {
        self.0.as_deref()?.get(key).map(|slot| (&slot.key, &slot.value))
    }

    /// What stands under a key, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Value> {
        let place = self.index_of(key)?;
        Some(&mut self.entries_mut().list[place].value)
    }

    /// Whether it has a key.
    #[inline]
    pub fn contains_key(&self, key: &str) -> bool {
        self.index_of(key).is_some()
    }

    /// Puts a value under a key: in its place if it is there, else at the end. Gives what stood there.
    pub fn insert(&mut self, key: Text, value: Value) -> Option<Value> {
        let place = self.index_of(&key);
        let entries = self.entries_mut();
        if let Some(place) = place {
            return Some(std::mem::replace(&mut entries.list[place].value, value));
        }
        entries.push(key, value);
        None
    }

    /// Puts a value under a key that the map does not have.
    pub fn append(&mut self, key: Text, value: Value) {
        debug_assert!(!self.contains_key(&key), "{key} is there already");
        self.entries_mut().push(key, value);
    }

    /// Puts a value under a key, at a place.
    pub fn shift_insert(&mut self, place: usize, key: Text, value: Value) -> Option<Value> {
        let before = self.shift_remove(&key);
        let entries = self.entries_mut();
        entries.list.insert(place.min(entries.list.len()), Slot::new(key, value));
        entries.find_places();
        before
    }

    /// Takes a key out; the others keep their order.
    pub fn shift_remove(&mut self, key: &str) -> Option<Value> {
        self.shift_remove_entry(key).map(|(_, value)| value)
    }

    /// Takes a key out, with what stood under it; the others keep their order.
    pub fn shift_remove_entry(&mut self, key: &str) -> Option<(Text, Value)> {
        let place = self.index_of(key)?;
        let entries = self.entries_mut();
        let entry = entries.list.remove(place);
        if entries.places.is_some() {
            entries.find_places();
        }
        Some((entry.key, entry.value))
    }

    /// The place of a key, filled or not.
    pub fn entry(&mut self, key: impl Into<Text>) -> Entry<'_> {
        let key = key.into();
        Entry { place: self.index_of(&key), map: self, key }
    }

    /// Keeps what a condition holds for.
    pub fn retain(&mut self, mut keep: impl FnMut(&Text, &mut Value) -> bool) {
        if self.is_empty() {
            return;
        }
        let entries = self.entries_mut();
        entries.list.retain_mut(|slot| keep(&slot.key, &mut slot.value));
        entries.find_places();
    }

    /// Sorts the entries by key.
    pub fn sort_keys(&mut self) {
        if self.list().is_sorted_by(|a, b| a.key <= b.key) {
            return;
        }
        let entries = self.entries_mut();
        entries.list.sort_by(|a, b| a.key.cmp(&b.key));
        entries.find_places();
    }

    /// The entries, in order.
    pub fn iter(&self) -> Iter<'_> {
        self.into_iter()
    }

    /// The entries, their values to be changed.
    pub fn iter_mut(&mut self) -> impl DoubleEndedIterator<Item = (&Text, &mut Value)> {
        let list: &mut [Slot] = if self.is_empty() { &mut [] } else { &mut self.entries_mut().list };
        list.iter_mut().map(|slot| (&slot.key, &mut slot.value))
    }

    /// The keys, in order.
    pub fn keys(&self) -> impl DoubleEndedIterator<Item = &Text> + ExactSizeIterator + Clone {
        self.list().iter().map(|slot| &slot.key)
    }

    /// The values, in the order of their keys.
    pub fn values(&self) -> impl DoubleEndedIterator<Item = &Value> + ExactSizeIterator + Clone {
        self.list().iter().map(|slot| &slot.value)
    }

    /// The values, to be changed.
    pub fn values_mut(&mut self) -> impl DoubleEndedIterator<Item = &mut Value> {
        self.iter_mut().map(|(_, value)| value)
    }

    /// Gives back room that was set aside and not used.
    pub fn shrink_to_fit(&mut self) {
        if let Some(entries) = self.0.as_mut().and_then(Arc::get_mut) {
            entries.list.shrink_to_fit();
        }
    }
}

/// The place of a key.
pub struct Entry<'m> {
    map: &'m mut Map,
    key: Text,
    place: Option<usize>,
}

impl<'m> Entry<'m> {
    /// Changes what stands there, if something does.
    pub fn and_modify(self, change: impl FnOnce(&mut Value)) -> Self {
        if let Some(place) = self.place {
            change(&mut self.map.entries_mut().list[place].value);
        }
        self
    }

    /// What stands there; if nothing does, this.
    pub fn or_insert(self, value: Value) -> &'m mut Value {
        self.or_insert_with(|| value)
    }

    /// What stands there; if nothing does, what this makes.
    pub fn or_insert_with(self, make: impl FnOnce() -> Value) -> &'m mut Value {
        let entries = self.map.entries_mut();
        let place = self.place.unwrap_or_else(|| {
            entries.push(self.key, make());
            entries.list.len() - 1
        });
        &mut entries.list[place].value
    }
}

impl PartialEq for Map {
    fn eq(&self, other: &Self) -> bool {
        self.is_shared_with(other)
            || self.len() == other.len()
                && self.list().iter().zip(other.list()).all(|(slot, there)| {
                    let theirs = if there.is_of(slot.mark, &slot.key) { Some(&there.value) } else { other.get(&slot.key) };
                    theirs == Some(&slot.value)
                })
    }
}

impl Eq for Map {}

/// Does not depend on the order, as equality does not.
impl Hash for Map {
    fn hash<H: Hasher>(&self, state: &mut H) {
        let mut entries: Vec<_> = self.iter().collect();
        entries.sort_by_key(|(key, _)| *key);
        entries.hash(state);
    }
}

impl Index<&str> for Map {
    type Output = Value;

    /// # Panics
    /// There is no such key.
    fn index(&self, key: &str) -> &Value {
        self.get(key).unwrap_or_else(|| panic!("no key {key}"))
    }
}

impl fmt::Debug for Map {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self).finish()
    }
}

impl<K: Into<Text>> Extend<(K, Value)> for Map {
    fn extend<I: IntoIterator<Item = (K, Value)>>(&mut self, entries: I) {
        for (key, value) in entries {
            self.insert(key.into(), value);
        }
    }
}

impl<K: Into<Text>> FromIterator<(K, Value)> for Map {
    fn from_iter<I: IntoIterator<Item = (K, Value)>>(entries: I) -> Self {
        let entries = entries.into_iter();
        let mut map = Self::with_capacity(entries.size_hint().0);
        map.extend(entries);
        map
    }
}

/// The entries of a map, in order.
#[derive(Clone)]
pub struct Iter<'m>(std::slice::Iter<'m, Slot>);

impl<'m> Iterator for Iter<'m> {
    type Item = (&'m Text, &'m Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|slot| (&slot.key, &slot.value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for Iter<'_> {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|slot| (&slot.key, &slot.value))
    }
}

impl ExactSizeIterator for Iter<'_> {}

impl<'m> IntoIterator for &'m Map {
    type Item = (&'m Text, &'m Value);
    type IntoIter = Iter<'m>;

    fn into_iter(self) -> Iter<'m> {
        Iter(self.list().iter())
    }
}

impl IntoIterator for Map {
    type Item = (Text, Value);
    type IntoIter = IntoIter;

    fn into_iter(self) -> IntoIter {
        IntoIter(self.0.map_or_else(Vec::new, |entries| Arc::unwrap_or_clone(entries).list).into_iter())
    }
}

/// The entries of a map that is given up, in order.
pub struct IntoIter(std::vec::IntoIter<Slot>);

impl Iterator for IntoIter {
    type Item = (Text, Value);

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(|slot| (slot.key, slot.value))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.size_hint()
    }
}

impl DoubleEndedIterator for IntoIter {
    fn next_back(&mut self) -> Option<Self::Item> {
        self.0.next_back().map(|slot| (slot.key, slot.value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json;

    /// As many as make it keep the places of its keys, and one more.
    fn many() -> Map {
        (0..=FEW + 1).map(|i| (format!("key-{i}"), json!(i))).collect()
    }

    #[test]
    fn keeps_order_and_finds_keys_whatever_its_size() {
        for mut map in [many(), many().into_iter().take(4).collect::<Map>()] {
            assert_eq!(map.get("key-3"), Some(&json!(3)));
            assert_eq!(map.shift_remove("key-1"), Some(json!(1)));
            assert_eq!(map.keys().next_back().and_then(|last| map.get(last)), map.values().next_back());
            assert_eq!((map.get("key-1"), map.get("key-2")), (None, Some(&json!(2))));
            map.insert("key-2".into(), json!("two"));
            map.shift_insert(0, "first".into(), json!(0));
            assert_eq!(map.keys().take(3).collect::<Vec<_>>(), ["first", "key-0", "key-2"]);
            map.retain(|key, _| key == "key-3");
            assert_eq!(map, json!({"key-3": 3}).as_object().cloned().unwrap_or_default());
        }
    }

    #[test]
    fn keys_that_differ_anywhere_are_told_apart() {
        let keys = ["", "a", "ab", "ba", "aab", "abb", "abcd", "abce", "abcdabcd", "abcd_abcd", "abcd-abcd", "abcd\0", "xbcdabcd"];
        let map: Map = keys.iter().enumerate().map(|(i, key)| (*key, json!(i))).collect();
        assert_eq!(map.len(), keys.len());
        for (i, key) in keys.iter().enumerate() {
            assert_eq!(map.get(key), Some(&json!(i)), "{key:?}");
        }
        assert_eq!((map.get("abcdabce"), map.get("abcd.abcd"), map.get("aba")), (None, None, None));
    }

    #[test]
    fn equality_does_not_look_at_the_order() {
        let reversed: Map = many().into_iter().rev().collect();
        assert_eq!(many(), reversed);
        assert_ne!(json!({"a": 1, "b": 2}), json!({"a": 1, "c": 2}));
        assert_ne!(json!({"a": 1, "b": 2}), json!({"a": 1}));
    }
}
