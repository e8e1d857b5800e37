//! StatefulSets: pods with names, one after the other.
//!
//! Follows `pkg/controller/statefulset/stateful_set_control.go` and `stateful_set_utils.go`.

mod claims;
mod member;
mod revisions;
mod status;
mod update;

use super::reading::{deleting, integer_at, replicas};
use super::{history, index};
use crate::object::{ObjectId, Value, at, text};
use crate::simulate::Cluster;
use std::sync::Arc;

pub(super) use revisions::meet;

/// A StatefulSet and what it has.
struct Set {
    set: Arc<Value>,
    /// Its pods, by ordinal; in a place without a pod there is none.
    members: Vec<Option<Arc<Value>>>,
    /// Pods beyond its range, the highest first.
    condemned: Vec<Arc<Value>>,
    /// The revision of pods that are not to be updated yet.
    current: Arc<Value>,
    /// The revision of its template.
    update: Arc<Value>,
    collisions: i64,
}

impl Set {
    fn start(&self) -> i64 {
        integer_at(&self.set, &["spec", "ordinals", "start"], 0)
    }

    fn monotonic(&self) -> bool {
        text(&self.set, &["spec", "podManagementPolicy"]) != "Parallel"
    }

    fn rolls(&self) -> bool {
        text(&self.set, &["spec", "updateStrategy", "type"]) != "OnDelete"
    }

    fn partition(&self) -> Option<i64> {
        at(&self.set, &["spec", "updateStrategy", "rollingUpdate"]).map(|r| integer_at(r, &["partition"], 0))
    }
}

/// Brings the pods of a StatefulSet closer to what it asks for, and its status to what there is.
pub(super) fn sync(cluster: &mut Cluster, id: &ObjectId) {
    let Some(set) = cluster.store.get(id).cloned() else { return };
    if deleting(&set) && !index::orphans(cluster, &set, "ControllerRevision").is_empty() {
        // It may not adopt them any more, and without them it does nothing (`adoptOrphanRevisions`).
        return;
    }
    let mut known = index::claim(cluster, &set, "ControllerRevision", &|_| true);
    history::sort(&mut known);
    let belongs = |pod: &Value| member::ordinal(&id.name, super::reading::name(pod)).is_some();
    let pods: Vec<_> = index::claim(cluster, &set, "Pod", &belongs).into_iter().filter(|p| belongs(p)).collect();
    let (current, update, collisions) = revisions::find(cluster, &set, &mut known);
    let mut set =
        Set { members: vec![None; usize::try_from(replicas(&set)).unwrap_or(0)], condemned: vec![], set, current, update, collisions };
    let start = set.start();
    for pod in pods {
        let ordinal = member::ordinal(&id.name, super::reading::name(&pod)).unwrap_or(-1);
        match usize::try_from(ordinal - start).ok().filter(|i| *i < set.members.len()) {
            Some(place) => set.members[place] = Some(pod),
            None => set.condemned.push(pod),
        }
    }
    set.condemned.sort_by_key(|p| std::cmp::Reverse(member::ordinal(&id.name, super::reading::name(p))));
    let mut lost = 0;
    if !deleting(&set.set) {
        lost = update::step(cluster, &set);
    }
    status::write(cluster, &set, lost);
    revisions::truncate(cluster, &set, &known);
}

/// The revision of a set that a snapshot has none of, named as its status names it.
pub(super) fn revision(set: &Value) -> Value {
    let named = text(set, &["status", "updateRevision"]).strip_prefix(super::reading::name(set)).and_then(|n| n.strip_prefix('-'));
    let template = at(set, &["spec", "template"]).unwrap_or(&Value::Null);
    let hash = named.map_or_else(|| super::hash::of_patch(template, 0), str::to_owned);
    history::draft(set, 1, (revisions::HASH_LABEL, &hash), &hash)
}

/// The pods of a set of which a snapshot has none.
pub(super) fn members(set: &Value, revision: &str) -> Vec<Value> {
    let template = at(set, &["spec", "template"]).cloned().unwrap_or_default();
    let start = integer_at(set, &["spec", "ordinals", "start"], 0);
    (start..start + replicas(set)).map(|ordinal| member::draft(set, &template, revision, ordinal)).collect()
}
