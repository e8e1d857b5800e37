//! What is looked up by identity, in one step however many there are. It cannot be walked, so that no order comes of it.

use super::ObjectId;
#[allow(clippy::disallowed_types, reason = "never walked")]
use std::collections::HashMap;
use std::sync::Arc;

/// A map from identities.
#[derive(Clone, Debug)]
#[allow(clippy::disallowed_types, reason = "never walked")]
pub struct IdMap<V>(HashMap<Arc<ObjectId>, V>);

impl<V> Default for IdMap<V> {
    fn default() -> Self {
        Self(Default::default())
    }
}

impl<V> IdMap<V> {
    /// What stands under an identity.
    pub fn get(&self, id: &ObjectId) -> Option<&V> {
        self.0.get(id)
    }

    /// The same, to be changed.
    pub fn get_mut(&mut self, id: &ObjectId) -> Option<&mut V> {
        self.0.get_mut(id)
    }

    /// An identity as it is held here, and what stands under it.
    pub fn get_key_value(&self, id: &ObjectId) -> Option<(&Arc<ObjectId>, &V)> {
        self.0.get_key_value(id)
    }

    /// Puts something under an identity; gives what stood there.
    pub fn insert(&mut self, id: Arc<ObjectId>, value: V) -> Option<V> {
        self.0.insert(id, value)
    }

    /// Takes out what stands under an identity.
    pub fn remove(&mut self, id: &ObjectId) -> Option<(Arc<ObjectId>, V)> {
        self.0.remove_entry(id)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V: Default> IdMap<V> {
    /// What stands under an identity, made if nothing does.
    pub fn entry(&mut self, id: &ObjectId) -> &mut V {
        if !self.0.contains_key(id) {
            self.0.insert(Arc::new(id.clone()), V::default());
        }
        self.0.get_mut(id).expect("it was put in if it was not there")
    }
}
