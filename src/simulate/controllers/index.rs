//! Who owns what, by the owner's uid, and what has no controller: kept up with the journal, never searched for.

use super::reading::{controlled_by, controller_of, deleting, labels, selector, selects, uid};
use super::write;
use crate::object::{ObjectId, Text, Value, items, text};
use crate::simulate::store::Change;
use crate::simulate::{Cluster, kubelet};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// The index.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    stale: bool,
    owned: BTreeMap<Text, BTreeSet<Arc<ObjectId>>>,
    orphans: BTreeSet<Arc<ObjectId>>,
    deployments: BTreeMap<Text, ObjectId>,
}

impl Index {
    /// Marks the index as out of date.
    pub(super) fn stale(&mut self) {
        self.stale = true;
    }

    /// Takes a change in.
    pub(super) fn note(&mut self, change: &Change) {
        let owners = |object: &Arc<Value>| object["metadata"].get("ownerReferences").cloned();
        if change.before.as_ref().zip(change.after.as_ref()).is_some_and(|(before, after)| owners(before) == owners(after)) {
            return;
        }
        if let Some(before) = &change.before {
            self.drop(&change.id, before);
            if change.after.is_none() {
                self.forget(uid(before));
            }
        }
        if let Some(after) = &change.after {
            self.add(&change.id, after);
        }
    }

    /// The objects that refer to an owner.
    pub(super) fn dependents(&self, owner_uid: &str) -> impl Iterator<Item = &ObjectId> {
        self.owned.get(owner_uid).into_iter().flatten().map(|id| &**id)
    }

    /// The Deployment that controls (or controlled last) the ReplicaSet of a uid.
    pub(super) fn deployment_of(&self, set_uid: &str) -> Option<&ObjectId> {
        self.deployments.get(set_uid)
    }

    /// Takes an object in.
    pub(super) fn add(&mut self, id: &Arc<ObjectId>, object: &Value) {
        for reference in items(object, &["metadata", "ownerReferences"]) {
            self.owned.entry(reference["uid"].to_text()).or_default().insert(Arc::clone(id));
        }
        let controller = controller_of(object);
        if controller.is_none() && adoptable(id) {
            self.orphans.insert(Arc::clone(id));
        }
        if let Some(reference) = controller.filter(|_| id.kind == "ReplicaSet") {
            self.deployments.insert(object["metadata"]["uid"].to_text(), super::reading::referred(reference, &id.namespace));
        }
    }

    fn drop(&mut self, id: &ObjectId, object: &Value) {
        for reference in items(object, &["metadata", "ownerReferences"]) {
            if let Some(owned) = self.owned.get_mut(text(reference, &["uid"])) {
                owned.remove(id);
            }
        }
        self.orphans.remove(id);
    }
}

impl Index {
    /// An owner is gone: what is known of it is of use only to those that it leaves behind.
    fn forget(&mut self, owner: &str) {
        if self.owned.get(owner).is_none_or(BTreeSet::is_empty) {
            self.owned.remove(owner);
            self.deployments.remove(owner);
        }
    }
}

fn adoptable(id: &ObjectId) -> bool {
    matches!((id.group.as_str(), id.kind.as_str()), ("apps", "ReplicaSet" | "ControllerRevision") | ("", "Pod"))
}

/// Derives everything from the store again if objects were put in behind the journal, as they were before the changes that
/// the controllers have not seen yet.
pub(super) fn refresh(cluster: &mut Cluster) {
    if !cluster.controllers.index.stale {
        return;
    }
    let mut unseen: BTreeMap<&Arc<ObjectId>, Option<&Arc<Value>>> = BTreeMap::new();
    for change in cluster.store.changes_since(cluster.controllers.seen) {
        unseen.entry(&change.id).or_insert(change.before.as_ref());
    }
    let mut objects = cluster.store.all();
    if !unseen.is_empty() {
        objects.retain(|(id, _)| !unseen.contains_key(id));
        objects.extend(unseen.into_iter().filter_map(|(id, before)| Some((Arc::clone(id), Arc::clone(before?)))));
    }
    let mut index = Index::default();
    for (id, object) in &objects {
        index.add(id, object);
    }
    cluster.controllers.index = index;
    kubelet::meet(cluster, &objects);
    super::availability::meet(cluster, &objects);
    super::statefulset::meet(cluster, &objects);
    super::cronjob::meet(cluster, &objects);
    super::ttl::meet(cluster, &objects);
}

/// The objects of a kind that a workload controls: orphans that its selector matches are adopted, owned ones that it does not
/// match are released. Orphans that do not `fits` are left alone. Follows `pkg/controller/controller_ref_manager.go`.
pub(super) fn claim(cluster: &mut Cluster, owner: &Arc<Value>, kind: &str, fits: &dyn Fn(&Value) -> bool) -> Vec<Arc<Value>> {
    let mut claimed = Vec::new();
    let mine = cluster.controllers.index.dependents(uid(owner)).filter(|id| id.kind == kind);
    let mine: Vec<Arc<Value>> = mine.filter_map(|id| cluster.store.get(id).cloned()).collect();
    for object in mine {
        if !controlled_by(&object, uid(owner)) {
            continue;
        }
        if selects(selector(owner), labels(&object)) || kind == "ControllerRevision" {
            claimed.push(object);
        } else if !deleting(owner) {
            write::disown(cluster, &object, uid(owner));
        }
    }
    if deleting(owner) {
        return claimed;
    }
    for object in orphans(cluster, owner, kind) {
        if fits(&object) {
            claimed.push(write::adopt(cluster, &object, owner));
        }
    }
    claimed
}

/// The objects of a kind without a controller that a workload selects.
pub(super) fn orphans(cluster: &Cluster, owner: &Value, kind: &str) -> Vec<Arc<Value>> {
    if cluster.controllers.index.orphans.is_empty() {
        return Vec::new();
    }
    let group = if kind == "Pod" { "" } else { "apps" };
    let namespace = text(owner, &["metadata", "namespace"]);
    let first = ObjectId { group: group.into(), kind: kind.into(), namespace: namespace.into(), name: "".into() };
    let all = cluster.controllers.index.orphans.range::<ObjectId, _>(first..).take_while(|id| id.kind == kind && id.namespace == namespace);
    let free = |o: &&Arc<Value>| controller_of(o).is_none() && !deleting(o) && selects(selector(owner), labels(o));
    all.filter_map(|id| cluster.store.get(id)).filter(free).cloned().collect()
}
