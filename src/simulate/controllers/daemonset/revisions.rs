//! The revisions of a DaemonSet. They name the pods' hash; whether pods are replaced, the template generation decides as well.
//!
//! Follows `constructHistory`, `dedupCurHistories`, `snapshot` and `cleanupHistory` of `pkg/controller/daemon/update.go`.

use super::Daemon;
use crate::object::{ObjectId, Value, at, integer, map_at};
use crate::simulate::Cluster;
use crate::simulate::controllers::happening::Happening;
use crate::simulate::controllers::hash;
use crate::simulate::controllers::history::{self, Naming, holds, number};
use crate::simulate::controllers::reading::{REVISION_HASH, label, name};
use crate::simulate::controllers::{index, write};
use std::sync::Arc;

/// The hash of the template's revision, and the other revisions, the oldest first.
pub(super) fn find(cluster: &mut Cluster, set: &Arc<Value>) -> (String, Vec<Arc<Value>>) {
    let mut known = index::claim(cluster, set, "ControllerRevision", &|_| true);
    history::sort(&mut known);
    let template = at(set, &["spec", "template"]).cloned().unwrap_or_default();
    let (mut equal, old): (Vec<_>, Vec<_>) = known.into_iter().partition(|r| holds(r, &template));
    let next = old.last().map_or(0, |r| number(r)) + 1;
    let reused = !equal.is_empty();
    let current = match equal.pop() {
        Some(current) => {
            merge(cluster, &current, equal);
            if number(&current) < next { history::renumber(cluster, &current, next) } else { current }
        }
        None => {
            let before = integer(set, &["status", "collisionCount"]);
            let mut collisions = before;
            let schema = cluster.schema;
            let hash = |template: &Value, count: Option<i64>| hash::of_template(schema, template, count);
            let naming = Naming { label: REVISION_HASH, follows: true, hash: &hash };
            let made = history::create(cluster, set, next, &naming, &mut collisions);
            if let Some(collisions) = collisions.filter(|_| collisions != before) {
                let mut status = set["status"].clone();
                map_at(&mut status, &[]).insert("collisionCount".into(), collisions.into());
                write::set_status(cluster, set, status);
            }
            made
        }
    };
    tell(cluster, set, old.last(), &current, reused);
    let hash = label(&current, REVISION_HASH);
    let hash = if hash.is_empty() { name(&current) } else { hash };
    (hash.to_owned(), old)
}

/// Of several revisions of the template the newest stays; pods of the others take its hash.
fn merge(cluster: &mut Cluster, current: &Value, others: Vec<Arc<Value>>) {
    for other in others {
        let pods: Vec<_> = cluster
            .store
            .list("", "Pod", Some(crate::object::text(&other, &["metadata", "namespace"])))
            .filter(|(_, pod)| label(pod, REVISION_HASH) == label(&other, REVISION_HASH))
            .map(|(_, pod)| Arc::clone(pod))
            .collect();
        for pod in pods {
            let mut relabelled = (*pod).clone();
            map_at(&mut relabelled, &["metadata", "labels"]).insert(REVISION_HASH.into(), label(current, REVISION_HASH).into());
            write::update(cluster, &pod, relabelled);
        }
        write::delete(cluster, &ObjectId::of(&other), None);
    }
}

/// The revision has moved if the API server raised the template generation, whatever the revisions say.
fn tell(cluster: &mut Cluster, set: &Value, before: Option<&Arc<Value>>, current: &Value, reused: bool) {
    let id = ObjectId::of(set);
    let Some(old_template) = cluster.controllers.raised.remove(&id) else { return };
    let from = before.map(|r| name(r).to_owned()).filter(|_| old_template.is_some());
    let new_template = Arc::new(at(set, &["spec", "template"]).cloned().unwrap_or_default());
    let (at, to) = (cluster.clock.now, name(current).to_owned());
    cluster.controllers.happenings.push(Happening::RevisionMoved { workload: id, at, from, to, old_template, new_template, reused });
}

/// Removes the oldest revisions that no pod has.
pub(super) fn truncate(cluster: &mut Cluster, daemon: &Daemon, old: Vec<Arc<Value>>) {
    let live = |r: &Value| daemon.pods.values().flatten().any(|p| label(p, REVISION_HASH) == label(r, REVISION_HASH));
    let unused: Vec<Arc<Value>> = old.into_iter().filter(|r| !live(r)).collect();
    history::truncate(cluster, &daemon.set, &unused);
}
