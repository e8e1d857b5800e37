//! The stored objects, copied on write, with a journal of what changed.

use super::admission::quota_sums::Sums;
use crate::object::{IdMap, ObjectId, Value, map_at};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// What the uids of simulated clusters start with.
const UID: &str = "726f6c6c-6361-4374-8000-";

/// The number of a uid that a simulated cluster made.
fn number_of(uid: &str) -> Option<u64> {
    u64::from_str_radix(uid.strip_prefix(UID)?, 16).ok()
}

/// One change of one object.
#[derive(Clone, Debug)]
pub struct Change {
    /// The resource version that it made.
    pub revision: u64,
    /// Of which object.
    pub id: Arc<ObjectId>,
    /// What was there before; none if it was created.
    pub before: Option<Arc<Value>>,
    /// What is there now; none if it was removed.
    pub after: Option<Arc<Value>>,
}

/// The objects, to be found and to be walked.
#[derive(Clone, Debug, Default)]
struct Held {
    objects: IdMap<Arc<Value>>,
    /// Their identities in order.
    order: BTreeSet<Arc<ObjectId>>,
}

impl Held {
    /// Puts an object in; gives its identity and what was there before.
    fn insert(&mut self, object: Arc<Value>) -> (Arc<ObjectId>, Option<Arc<Value>>) {
        let id = ObjectId::of(&object);
        if let Some((known, _)) = self.objects.get_key_value(&id) {
            let id = Arc::clone(known);
            return (Arc::clone(&id), self.objects.insert(id, object));
        }
        let id = Arc::new(id);
        self.order.insert(Arc::clone(&id));
        (Arc::clone(&id), self.objects.insert(id, object))
    }

    fn of_order<'s>(&'s self, ids: impl Iterator<Item = &'s Arc<ObjectId>>) -> impl Iterator<Item = (&'s Arc<ObjectId>, &'s Arc<Value>)> {
        ids.filter_map(|id| self.objects.get_key_value(id))
    }
}

/// All objects of a cluster. Cloning it copies nothing until one of the two is written to, and then no object.
#[derive(Clone, Debug, Default)]
pub struct Store {
    held: Arc<Held>,
    revision: u64,
    uids: u64,
    /// The last uid of this form that an object brought with it.
    met: u64,
    journal: Vec<Change>,
    /// What is stored with an object and shown to no reader.
    hidden: Arc<BTreeMap<ObjectId, Value>>,
    /// What is used of quotas.
    sums: Sums,
    /// How many changes the journal held before those that are in it.
    forgotten: usize,
}

impl Store {
    /// Puts an object in as it is; its resource version moves the store's own on, so that later writes count up from it.
    pub fn load(&mut self, object: Arc<Value>) {
        let revision = object["metadata"]["resourceVersion"].as_str().and_then(|v| v.parse().ok()).unwrap_or(0);
        self.revision = self.revision.max(revision);
        // What another simulated cluster made must not share its uid with what this one makes.
        let own = object["metadata"]["uid"].as_str().and_then(number_of);
        if let Some(own) = own.filter(|own| *own > self.uids) {
            (self.uids, self.met) = (own, own);
        }
        let (id, before) = Arc::make_mut(&mut self.held).insert(Arc::clone(&object));
        self.sums.note(&id, before.as_deref(), Some(&object));
    }

    /// What is used of quotas, as far as it was asked for.
    pub(super) fn quota_sums(&self) -> &Sums {
        &self.sums
    }

    /// The object of an id.
    pub fn get(&self, id: &ObjectId) -> Option<&Arc<Value>> {
        self.held.objects.get(id)
    }

    /// The objects of a kind, in one namespace or in all, by namespace and name.
    pub fn list<'s>(&'s self, group: &str, kind: &str, namespace: Option<&'s str>) -> impl Iterator<Item = (&'s ObjectId, &'s Arc<Value>)> {
        let first = ObjectId { group: group.into(), kind: kind.into(), namespace: namespace.unwrap_or_default().into(), name: "".into() };
        let (group, kind) = (first.group.clone(), first.kind.clone());
        let asked = move |id: &&Arc<ObjectId>| id.group == group && id.kind == kind && namespace.is_none_or(|n| n == id.namespace);
        let ids = self.held.order.range::<ObjectId, _>(first..).take_while(asked);
        self.held.of_order(ids).map(|(id, object)| (&**id, object))
    }

    /// Every object, by group, kind, namespace and name.
    pub fn iter(&self) -> impl Iterator<Item = (&ObjectId, &Arc<Value>)> {
        self.held.of_order(self.held.order.iter()).map(|(id, object)| (&**id, object))
    }

    /// The same, to be kept while the store changes.
    pub(super) fn all(&self) -> Vec<(Arc<ObjectId>, Arc<Value>)> {
        self.held.of_order(self.held.order.iter()).map(|(id, object)| (Arc::clone(id), Arc::clone(object))).collect()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.held.objects.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.held.objects.is_empty()
    }

    /// Stores an object under a new resource version, which it writes into its metadata, and notes the change.
    pub fn put(&mut self, mut object: Value) -> Arc<Value> {
        self.revision += 1;
        map_at(&mut object, &["metadata"]).insert("resourceVersion".into(), self.revision.to_string().into());
        let object = Arc::new(object);
        let (id, before) = Arc::make_mut(&mut self.held).insert(Arc::clone(&object));
        self.sums.note(&id, before.as_deref(), Some(&object));
        self.journal.push(Change { revision: self.revision, id, before, after: Some(Arc::clone(&object)) });
        object
    }

    /// What is stored with an object and shown to no reader.
    pub(super) fn hidden(&self, id: &ObjectId) -> Option<&Value> {
        self.hidden.get(id)
    }

    /// Stores something with an object that no reader is shown, or nothing any more.
    pub(super) fn hide(&mut self, id: &ObjectId, value: Option<Value>) {
        if self.hidden.get(id) != value.as_ref() {
            let hidden = Arc::make_mut(&mut self.hidden);
            match value {
                Some(value) => drop(hidden.insert(id.clone(), value)),
                None => drop(hidden.remove(id)),
            }
        }
    }

    /// Removes an object and notes the change; gives it back as it was.
    pub fn remove(&mut self, id: &ObjectId) -> Option<Arc<Value>> {
        let held = Arc::make_mut(&mut self.held);
        let (id, before) = held.objects.remove(id)?;
        held.order.remove(&id);
        self.hide(&id, None);
        self.sums.note(&id, Some(&before), None);
        self.revision += 1;
        self.journal.push(Change { revision: self.revision, id, before: Some(Arc::clone(&before)), after: None });
        Some(before)
    }

    /// Takes over a change of a store of which this one has every change before; notes nothing of it.
    pub fn follow(&mut self, change: &Change) {
        let held = Arc::make_mut(&mut self.held);
        match &change.after {
            Some(object) => {
                if held.objects.insert(Arc::clone(&change.id), Arc::clone(object)).is_none() {
                    held.order.insert(Arc::clone(&change.id));
                }
            }
            None => {
                held.objects.remove(&change.id);
                held.order.remove(&change.id);
            }
        }
        self.revision = change.revision;
    }

    /// What changed since the journal was that long, as far as it was not forgotten.
    pub fn changes_since(&self, length: usize) -> &[Change] {
        self.journal.get(length.saturating_sub(self.forgotten)..).unwrap_or_default()
    }

    /// How many changes there were.
    pub fn journal_len(&self) -> usize {
        self.forgotten + self.journal.len()
    }

    /// Takes the changes out of the journal: everything between two states of an object is held by it alone.
    pub fn forget_changes(&mut self) -> impl Iterator<Item = Change> {
        self.forgotten += self.journal.len();
        self.journal.drain(..)
    }

    /// The newest resource version.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Whether a uid is one of those that this store gave out.
    pub(super) fn made(&self, uid: &str) -> bool {
        number_of(uid).is_some_and(|number| number > self.met && number <= self.uids)
    }

    /// A uid that no object of this store has: the same ones in the same order every time.
    pub fn new_uid(&mut self) -> String {
        self.uids += 1;
        format!("{UID}{:012x}", self.uids)
    }
}
