//! Which revision a StatefulSet's template is of, and which one its pods had before.
//!
//! Follows `getStatefulSetRevisions` of `pkg/controller/statefulset/stateful_set_control.go`.

use super::Set;
use crate::object::{ObjectId, Value, at, text};
use crate::simulate::Cluster;
use crate::simulate::controllers::happening::Happening;
use crate::simulate::controllers::hash;
use crate::simulate::controllers::history::{self, Naming, holds, number, restores};
use crate::simulate::controllers::reading::{REVISION_HASH, generation, integer_at, label, name, uid};
use std::sync::Arc;

pub(super) const HASH_LABEL: &str = "controller.kubernetes.io/hash";

/// Remembers which sets match a revision that an older version wrote: the controller did when it first saw them.
pub(in crate::simulate::controllers) fn meet(cluster: &mut Cluster, objects: &[(Arc<ObjectId>, Arc<Value>)]) {
    let latest = |set: &Value| {
        let revisions = cluster.controllers.index.dependents(uid(set)).filter(|id| id.kind == "ControllerRevision");
        revisions.filter_map(|id| cluster.store.get(id)).max_by_key(|r| number(r)).cloned()
    };
    let matched: Vec<_> = objects
        .iter()
        .filter(|(id, _)| id.kind == "StatefulSet" && id.group == "apps")
        .filter_map(|(_, set)| latest(set).map(|latest| (set, latest)))
        .filter(|(set, latest)| at(set, &["spec", "template"]).is_some_and(|t| !holds(latest, t)) && restores(cluster, latest, set))
        .map(|(set, latest)| key(set, &latest))
        .collect();
    cluster.controllers.matched.extend(matched);
}

/// The current revision, the update revision and the count of collisions. Makes the update revision if the template is new, and
/// raises its number if the template has come back.
pub(super) fn find(cluster: &mut Cluster, set: &Arc<Value>, known: &mut Vec<Arc<Value>>) -> (Arc<Value>, Arc<Value>, i64) {
    let template = at(set, &["spec", "template"]).cloned().unwrap_or_default();
    let mut collisions = integer_at(set, &["status", "collisionCount"], 0);
    let next = known.last().map_or(1, |r| number(r) + 1);
    let before = known_before(set, known);
    let equal = known.iter().rposition(|r| holds(r, &template));
    let reused = equal.is_some();
    let update = match (equal, known.last().cloned()) {
        (Some(equal), Some(last)) if equal + 1 == known.len() || last["data"] == known[equal]["data"] => last,
        (Some(equal), _) => {
            let raised = history::renumber(cluster, &known[equal], next);
            known[equal] = Arc::clone(&raised);
            history::sort(known);
            raised
        }
        (None, Some(last)) if matches_as_before(cluster, set, &last) => last,
        (None, _) => {
            let mut counted = Some(collisions);
            let hash = |template: &Value, count: Option<i64>| hash::of_patch(template, count.unwrap_or(0));
            let naming = Naming { label: HASH_LABEL, follows: false, hash: &hash };
            let made = history::create(cluster, set, next, &naming, &mut counted);
            collisions = counted.unwrap_or(0);
            known.push(Arc::clone(&made));
            made
        }
    };
    let current = text(set, &["status", "currentRevision"]);
    let current = known.iter().find(|r| name(r) == current).unwrap_or(&update).clone();
    if before.as_deref() != Some(name(&update)) {
        let old = known.iter().find(|r| before.as_deref() == Some(name(r)));
        let happening = Happening::RevisionMoved {
            workload: ObjectId::of(set),
            at: cluster.clock.now,
            old_template: old.and_then(|r| history::template(r)).map(Arc::new),
            from: before,
            to: name(&update).to_owned(),
            new_template: Arc::new(template),
            reused,
        };
        cluster.controllers.happenings.push(happening);
    }
    (current, update, collisions)
}

/// Whether restoring the latest revision would give the set as it is. The controller remembers it by generation, which a change
/// of notation alone does not raise.
fn matches_as_before(cluster: &mut Cluster, set: &Value, latest: &Value) -> bool {
    let key = key(set, latest);
    if cluster.controllers.matched.contains(&key) {
        return true;
    }
    let matches = restores(cluster, latest, set);
    if matches {
        cluster.controllers.matched.insert(key);
    }
    matches
}

fn key(set: &Value, revision: &Value) -> (String, i64, String) {
    (uid(set).to_owned(), generation(set), text(revision, &["metadata", "resourceVersion"]).to_owned())
}

/// The name of the revision that was the update revision so far: the status says it, or it is the newest there is.
fn known_before(set: &Value, known: &[Arc<Value>]) -> Option<String> {
    let told = Some(text(set, &["status", "updateRevision"])).filter(|t| !t.is_empty());
    told.or_else(|| known.last().map(|r| name(r))).map(str::to_owned)
}

/// Removes the oldest revisions that no pod has.
pub(super) fn truncate(cluster: &mut Cluster, set: &Set, known: &[Arc<Value>]) {
    let pods = || set.members.iter().flatten().chain(&set.condemned);
    let live =
        |r: &Value| name(r) == name(&set.current) || name(r) == name(&set.update) || pods().any(|p| label(p, REVISION_HASH) == name(r));
    let unused: Vec<Arc<Value>> = known.iter().filter(|r| !live(r)).cloned().collect();
    history::truncate(cluster, &set.set, &unused);
}
