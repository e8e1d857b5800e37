//! What a manager owns, read when someone asks: most writes leave most managers alone, and whether a write concerns one is told from
//! how its fields are written.

use super::field_set::{FieldSet, Literal, PathElement};
use super::fields_v1;
use crate::object::{Map, Value};
use std::cell::OnceCell;
use std::ops::Deref;

/// The fields of a manager. Reads as the set of them.
#[derive(Clone, Debug)]
pub struct Owned<'a> {
    /// How they are written where they were read from, or those of the manager before it changed.
    told: Option<&'a Map>,
    /// Whether they are still what is written there.
    as_told: bool,
    read: OnceCell<FieldSet<'a>>,
}

impl<'a> Owned<'a> {
    /// Fields that nobody has read yet. They must be known to be readable, and to be written the same way again.
    pub(super) fn unread(told: &'a Map) -> Self {
        Self { told: Some(told), as_told: true, read: OnceCell::new() }
    }

    /// Fields that were read from how they are written.
    pub(super) fn read(set: FieldSet<'a>, told: &'a Map) -> Self {
        Self { told: Some(told), as_told: true, read: OnceCell::from(set) }
    }

    /// Fields in the place of those that a manager had before, if it had some.
    pub(super) fn after(former: Option<&Self>, set: FieldSet<'a>) -> Self {
        match former {
            Some(former) if former.as_told && **former == set => former.clone(),
            _ => Self { told: former.and_then(|f| f.told), as_told: false, read: OnceCell::from(set) },
        }
    }

    /// These fields and others.
    pub(super) fn and(&self, others: FieldSet<'a>) -> Self {
        if others.is_within(self) {
            return self.clone();
        }
        let mut all = others;
        all.unite(self);
        Self { told: self.told, as_told: false, read: OnceCell::from(all) }
    }

    /// Takes out the very paths that are in the other set. Tells whether there were any.
    pub(super) fn subtract(&mut self, other: &FieldSet<'_>) -> bool {
        self.meets(other) && self.change(|set| set.subtract(other))
    }

    /// Lets something change the set, which tells whether it did.
    pub(super) fn change(&mut self, change: impl FnOnce(&mut FieldSet<'a>) -> bool) -> bool {
        let _: &FieldSet<'a> = self;
        let changed = self.read.get_mut().is_some_and(change);
        self.as_told &= !changed;
        changed
    }

    /// How they were written.
    pub(super) fn told(&self) -> Option<&'a Map> {
        self.told
    }

    /// How they are written, where that is all there is yet.
    pub(super) fn as_unread(&self) -> Option<&'a Map> {
        self.told.filter(|_| self.read.get().is_none())
    }

    /// Whether nothing is owned. What is unread is not empty.
    pub fn is_empty(&self) -> bool {
        self.read.get().is_some_and(FieldSet::is_empty)
    }

    /// Whether some path is in both. Where fields are unread and cannot be sought for as they are written, there may be one.
    pub fn meets(&self, other: &FieldSet<'_>) -> bool {
        match self.as_unread() {
            Some(told) => meets(told, other),
            None => FieldSet::meets(self, other),
        }
    }

    /// As `fieldsV1` has it; what did not change is shared with how it was written before.
    pub(super) fn write(&self) -> Value {
        if let Some(told) = self.told.filter(|_| self.as_told) {
            return Value::Object(told.clone());
        }
        let mut written = fields_v1::write(self);
        if let Some(told) = self.told {
            written.reunite(&Value::Object(told.clone()));
        }
        written
    }
}

fn meets(told: &Map, other: &FieldSet<'_>) -> bool {
    other.nodes().iter().any(|node| {
        if !is_written_one_way(&node.element) {
            return true;
        }
        let below = match &node.element {
            PathElement::Field(name) => told.iter().find(|(key, _)| key.strip_prefix("f:") == Some(*name)).map(|(_, below)| below),
            element => told.get(&fields_v1::write_element(element)),
        };
        let Some(below) = below.and_then(Value::as_object) else { return false };
        let member = below.is_empty() || below.contains_key(".");
        node.member && member || !node.children.is_empty() && meets(below, &node.children)
    })
}

/// Whether elements that are equal are written the same: 1 and 1.0 are not.
fn is_written_one_way(element: &PathElement<'_>) -> bool {
    let plain = |literal: &Literal<'_>| match literal {
        Literal::Number(number) => number.is_i64(),
        Literal::Text(_) | Literal::Bool(_) => true,
        Literal::Other(_) => false,
    };
    match element {
        PathElement::Field(_) | PathElement::Index(_) => true,
        PathElement::Key(fields) => fields.iter().all(|(_, literal)| plain(literal)),
        PathElement::Value(literal) => plain(literal),
    }
}

impl<'a> From<FieldSet<'a>> for Owned<'a> {
    fn from(set: FieldSet<'a>) -> Self {
        Self::after(None, set)
    }
}

impl<'a> Deref for Owned<'a> {
    type Target = FieldSet<'a>;

    fn deref(&self) -> &FieldSet<'a> {
        let read = |told: &'a Map| fields_v1::read_map(told).unwrap_or_default();
        self.read.get_or_init(|| self.told.map(read).unwrap_or_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json;

    #[test]
    fn what_is_unread_meets_what_the_set_that_it_reads_as_does() {
        let told = json!({"f:a": {".": {}, "f:b": {}, "k:{\"name\":\"x\"}": {"f:c": {}}}, "f:d": {"v:3": {}}});
        let map = told.as_object().unwrap();
        let set = fields_v1::read(&told).unwrap();
        let mut paths: Vec<Vec<PathElement<'_>>> = Vec::new();
        set.each_path(&mut |path| paths.push(path.iter().map(|e| (*e).clone()).collect()));
        assert_eq!(paths.len(), 4);
        for path in &paths {
            assert!(Owned::unread(map).meets(&FieldSet::of_paths(&[path])), "{path:?}");
        }
        for other in [&["a", "c"][..], &["d"], &["d", "e"], &["a", "b", "c"]] {
            let other = FieldSet::of_fields(&[other]);
            assert!(other.intersection(&set).is_empty() && !Owned::unread(map).meets(&other), "{other}");
        }
    }

    #[test]
    fn what_did_not_change_is_written_as_it_was() {
        let told = json!({"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:x": {"f:y": {}}, "f:z": {}}});
        let mut owned = Owned::unread(told.as_object().unwrap());
        assert!(owned.subtract(&FieldSet::of_fields(&[&["spec", "z"]])));
        let written = owned.write();
        assert_eq!(written, json!({"f:metadata": {"f:labels": {"f:a": {}}}, "f:spec": {"f:x": {"f:y": {}}}}));
        assert!(
            written["f:metadata"].is_shared_with(&told["f:metadata"]) && written["f:spec"]["f:x"].is_shared_with(&told["f:spec"]["f:x"])
        );
    }
}
