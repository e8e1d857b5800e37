//! What was found out about a map and need not be found out again.
//!
//! A write of an object touches few of its maps; the others are shared with the state before. Whether such a map is in the order of its
//! type, decodes to itself, and so on, holds for as long as it is not written to, so the answer stays with the map. Whoever notes
//! a fact answers for it: it may rest on nothing but what stands in the map and on the type that it is of.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

/// Something that can be noted of a map that is of a type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Fact {
    /// The fields of every struct in it stand in the order of its type.
    Arranged,
    /// It has no empty list or map where the type can be nil.
    NoEmpties,
    /// Decoding gives it back.
    Decoded,
    /// Converting leaves it as it is.
    Fits,
    /// The field manager takes it for what is stored.
    Typed,
    /// As what a manager owns it can be read, is written the same way again, and is up to date with the type of the object.
    Owned,
    /// Validation finds nothing wrong with it.
    Valid,
    /// Defaulting leaves it as it is.
    Defaulted,
}

/// A type that never goes away, as a number of its own; zero is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TypeMark(u32);

impl TypeMark {
    /// Of the struct at an index of the types of a version, which is a small number.
    pub fn of_struct(version: u32, index: u32) -> Self {
        debug_assert!(index < LABELS);
        Self((version + 1) << BITS_OF_TYPES | index)
    }

    /// Of a map of labels, in a version.
    pub fn labels(version: u32) -> Self {
        Self((version + 1) << BITS_OF_TYPES | LABELS)
    }
}

const BITS_OF_TYPES: u32 = 24;
const LABELS: u32 = (1 << BITS_OF_TYPES) - 1;

/// The facts of one map: of the type in the upper half, those in the lower. A map that is looked at as another type forgets what was
/// known of it as the one before.
#[derive(Default)]
pub(super) struct Facts(AtomicU64);

impl Facts {
    pub(super) fn has(&self, of: TypeMark, fact: Fact) -> bool {
        let noted = self.0.load(Ordering::Relaxed);
        noted >> 32 == u64::from(of.0) && noted & bit(fact) != 0
    }

    /// Whatever another thread notes at the same time, one of the two stays, and each is true.
    pub(super) fn note(&self, of: TypeMark, fact: Fact) {
        let noted = self.0.load(Ordering::Relaxed);
        let same_type = noted >> 32 == u64::from(of.0);
        let before = if same_type { noted } else { u64::from(of.0) << 32 };
        self.0.store(before | bit(fact), Ordering::Relaxed);
    }

    /// Takes over what is known of a map with the same entries in the same order.
    pub(super) fn learn(&self, other: &Self) {
        let (own, theirs) = (self.0.load(Ordering::Relaxed), other.0.load(Ordering::Relaxed));
        if own == 0 || own >> 32 == theirs >> 32 {
            self.0.store(own | theirs, Ordering::Relaxed);
        }
    }

    pub(super) fn forget(&mut self) {
        *self.0.get_mut() = 0;
    }
}

fn bit(fact: Fact) -> u64 {
    1 << fact as u8
}

/// A copy is made to be written to.
impl Clone for Facts {
    fn clone(&self) -> Self {
        Self::default()
    }
}

impl fmt::Debug for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#x}", self.0.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::{Fact, TypeMark};
    use crate::object::{Map, Value, json};

    fn map(value: &Value) -> &Map {
        value.as_object().unwrap()
    }

    #[test]
    fn a_fact_holds_until_the_map_or_something_in_it_is_written_to() {
        let (mark, other) = (TypeMark::of_struct(2, 7), TypeMark::of_struct(3, 7));
        let mut value = json!({"spec": {"list": [{"a": 1}]}});
        map(&value).note(mark, Fact::Arranged);
        assert!(map(&value).is_noted(mark, Fact::Arranged));
        assert!(!map(&value).is_noted(mark, Fact::Decoded) && !map(&value).is_noted(other, Fact::Arranged));
        let copy = value.clone();
        value.get_mut("spec").unwrap()["list"][0]["a"] = 2.into();
        assert!(!map(&value).is_noted(mark, Fact::Arranged), "it was written to");
        assert!(map(&copy).is_noted(mark, Fact::Arranged), "the other was not");
        map(&copy).note(other, Fact::Decoded);
        assert!(!map(&copy).is_noted(mark, Fact::Arranged), "facts are of one type at a time");
        let mut alone = json!({"a": 1});
        map(&alone).note(mark, Fact::Decoded);
        alone["a"] = 1.into();
        assert!(!map(&alone).is_noted(mark, Fact::Decoded), "whoever writes forgets, whatever was written");
    }

    #[test]
    fn what_is_known_of_a_map_is_known_of_the_one_that_it_is_reunited_with() {
        let mark = TypeMark::of_struct(2, 7);
        let before = json!({"spec": {"a": "b"}, "n": 1});
        let mut after = json!({"spec": {"a": "b"}, "n": 2});
        map(&after["spec"]).note(mark, Fact::Decoded);
        map(&before["spec"]).note(mark, Fact::Arranged);
        assert!(!after.reunite(&before) && after["spec"].is_shared_with(&before["spec"]));
        assert!(map(&before["spec"]).is_noted(mark, Fact::Decoded) && map(&after["spec"]).is_noted(mark, Fact::Arranged));
    }
}
