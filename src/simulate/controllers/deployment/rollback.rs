//! The rollback that an annotation asks for: what is left of `extensions/v1beta1`.
//!
//! Follows `pkg/controller/deployment/rollback.go`.

use super::{Rollout, new_set, revision};
use crate::object::{Map, Value, at, integer, map_at};
use crate::simulate::Cluster;
use crate::simulate::controllers::reading::annotation;
use crate::simulate::controllers::{template, write};
use std::sync::Arc;

const ROLLBACK_TO: &str = "deprecated.deployment.rollback.to";

/// The revision that the annotation names; zero is the one before the current.
pub(super) fn wanted(deployment: &Value) -> Option<i64> {
    annotation(deployment, ROLLBACK_TO)?.parse().ok()
}

/// Gives the Deployment the template of that revision, if there is one, and takes the annotation off.
pub(super) fn sync(cluster: &mut Cluster, mut rollout: Rollout, wanted: i64) {
    if !new_set::find_or_create(cluster, &mut rollout, true) {
        return;
    }
    let mut numbers: Vec<i64> = rollout.all().map(|s| revision(s)).collect();
    numbers.sort_unstable();
    let before_last = numbers.iter().rev().nth(1).copied().unwrap_or(0);
    let wanted = if wanted == 0 { before_last } else { wanted };
    let set = rollout.all().find(|s| wanted > 0 && revision(s) == wanted).cloned();
    let deployment = Arc::clone(&rollout.deployment);
    let mut changed = (*deployment).clone();
    if let Some(set) = set.filter(|s| !template::same(cluster.schema, &deployment, s)) {
        let held = at(&set, &["spec", "template"]).map(template::without_hash).unwrap_or_default();
        map_at(&mut changed, &["spec"]).insert("template".into(), held);
        let own = at(&deployment, &["metadata", "annotations"]).and_then(Value::as_object).cloned().unwrap_or_default();
        let mut annotations: Map = own.into_iter().filter(|(key, _)| !new_set::is_copied(key)).collect();
        annotations.extend(new_set::copied(&set).map(|(k, v)| (k.clone(), v.clone())));
        map_at(&mut changed, &["metadata"]).insert("annotations".into(), annotations.into());
    }
    map_at(&mut changed, &["metadata", "annotations"]).shift_remove(ROLLBACK_TO);
    if changed["spec"] == deployment["spec"] {
        // Annotations alone raise a Deployment's generation too.
        let generation = integer(&deployment, &["metadata", "generation"]).unwrap_or(0) + 1;
        map_at(&mut changed, &["metadata"]).insert("generation".into(), generation.into());
    }
    write::update(cluster, &deployment, changed);
}
