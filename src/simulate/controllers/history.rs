//! ControllerRevisions: the templates that a StatefulSet or a DaemonSet has had.
//!
//! Follows `pkg/controller/history/controller_history.go` and `getPatch` of the two controllers. A revision holds the template
//! as a patch; two are equal if their encoded bytes are. Kubernetes encodes with sorted keys, so equal bytes are equal values.

use super::reading::{age, integer_at, name};
use super::write;
use crate::object::{Gvk, Map, ObjectId, Value, at, integer, json, map_at, text};
use crate::simulate::{Cluster, defaults};
use std::sync::Arc;

/// The number of a revision.
pub(super) fn number(revision: &Value) -> i64 {
    integer(revision, &["revision"]).unwrap_or(0)
}

/// Sorts revisions by number; the older first among equals.
pub(super) fn sort(revisions: &mut [Arc<Value>]) {
    revisions.sort_by(|a, b| (number(a), age(a)).cmp(&(number(b), age(b))));
}

/// Whether a revision is of that very template.
pub(super) fn holds(revision: &Value, template: &Value) -> bool {
    let (Some(held), Some(template)) = (held(revision), template.as_object()) else { return false };
    let own = held.iter().filter(|(key, _)| *key != "$patch");
    own.clone().count() == template.len() && own.into_iter().all(|(key, value)| template.get(key) == Some(value))
}

/// Whether restoring a revision would give the workload its template, once both are defaulted and encoded as this version
/// does: a revision from before 1.34 states that the template was created at no time.
pub(super) fn restores(cluster: &Cluster, revision: &Value, workload: &Value) -> bool {
    let Some(held) = self::template(revision) else { return false };
    let now = at(workload, &["spec", "template"]);
    if now == Some(&held) {
        return true;
    }
    let mut restored = workload.clone();
    map_at(&mut restored, &["spec"]).insert("template".into(), held);
    defaults::apply(&Gvk::of(workload), cluster.schema.version(), &mut restored);
    at(&restored, &["spec", "template"]) == now
}

/// The template that a revision holds, as this version encodes it.
pub(super) fn template(revision: &Value) -> Option<Value> {
    let mut template = held(revision)?.clone();
    template.shift_remove("$patch");
    if let Some(metadata) = template.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.retain(|key, value| key != "creationTimestamp" || !value.is_null());
    }
    Some(template.into())
}

fn held(revision: &Value) -> Option<&Map> {
    at(revision, &["data", "spec", "template"]).and_then(Value::as_object)
}

/// A revision of a workload's template, not stored yet, with a label, whose name ends in a hash.
pub(super) fn draft(owner: &Value, number: i64, label: (&str, &str), hash: &str) -> Value {
    let template = at(owner, &["spec", "template"]).cloned().unwrap_or_default();
    let stem: String = name(owner).chars().take(223).collect();
    let mut labels = at(&template, &["metadata", "labels"]).cloned().unwrap_or_else(|| json!({}));
    map_at(&mut labels, &[]).insert(label.0.into(), label.1.into());
    let mut patch = template;
    map_at(&mut patch, &[]).insert("$patch".into(), "replace".into());
    let mut revision = json!({
        "apiVersion": "apps/v1",
        "kind": "ControllerRevision",
        "metadata": {
            "name": format!("{stem}-{hash}"),
            "namespace": text(owner, &["metadata", "namespace"]),
            "labels": labels,
            "ownerReferences": [write::controller_reference(owner)],
        },
        "data": {"spec": {"template": patch}},
        "revision": number,
    });
    if let Some(annotations) = at(owner, &["metadata", "annotations"]) {
        revision["metadata"]["annotations"] = annotations.clone();
    }
    revision
}

/// How the revisions of a kind of workload are named.
pub(super) struct Naming<'n> {
    /// The label that tells the hash.
    pub(super) label: &'n str,
    /// Whether it tells the hash in the name after collisions, too; else it keeps the first.
    pub(super) follows: bool,
    /// The hash of a template after so many collisions.
    pub(super) hash: &'n dyn Fn(&Value, Option<i64>) -> String,
}

/// Makes the revision of a workload's template. The name is taken from a hash; if another template has that name, from
/// another one, and the number of collisions grows.
pub(super) fn create(cluster: &mut Cluster, owner: &Value, number: i64, naming: &Naming<'_>, collisions: &mut Option<i64>) -> Arc<Value> {
    let template = at(owner, &["spec", "template"]).unwrap_or(&Value::Null);
    let first = (naming.hash)(template, *collisions);
    loop {
        let hash = (naming.hash)(template, *collisions);
        let revision = draft(owner, number, (naming.label, if naming.follows { &hash } else { &first }), &hash);
        match cluster.store.get(&ObjectId::of(&revision)).cloned() {
            None => return write::create(cluster, revision),
            Some(taken) if holds(&taken, template) => return taken,
            Some(_) => *collisions = Some(collisions.unwrap_or(0) + 1),
        }
    }
}

/// Gives a revision another number.
pub(super) fn renumber(cluster: &mut Cluster, revision: &Arc<Value>, number: i64) -> Arc<Value> {
    let mut changed = (**revision).clone();
    map_at(&mut changed, &[]).insert("revision".into(), number.into());
    write::update(cluster, revision, changed)
}

/// Deletes the oldest of the revisions beyond the history limit; those in use do not count and stay.
pub(super) fn truncate(cluster: &mut Cluster, owner: &Value, unused: &[Arc<Value>]) {
    let limit = usize::try_from(integer_at(owner, &["spec", "revisionHistoryLimit"], 10)).unwrap_or(usize::MAX);
    for revision in unused.iter().take(unused.len().saturating_sub(limit)) {
        write::delete(cluster, &ObjectId::of(revision), None);
    }
}
