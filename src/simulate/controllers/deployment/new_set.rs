//! Finds or makes the ReplicaSet of a Deployment's template, and keeps the revision numbers.
//!
//! Follows `getNewReplicaSet` of `pkg/controller/deployment/sync.go` and `SetNewReplicaSetAnnotations` of its `util`.

use super::{DESIRED, MAX, Rollout, revision, status};
use crate::object::{Map, ObjectId, Text, Value, at, integer, json, map_at, text};
use crate::schema::Schema;
use crate::simulate::Cluster;
use crate::simulate::controllers::happening::Happening;
use crate::simulate::controllers::reading::{
    REVISION, TEMPLATE_HASH, annotation, condition, controlled_by, min_ready_seconds, name, replicas, uid,
};
use crate::simulate::controllers::{hash, template, write};
use std::sync::Arc;

const HISTORY: &str = "deployment.kubernetes.io/revision-history";
const HISTORY_LENGTH: usize = 2000;
const NOT_COPIED: [&str; 6] =
    ["kubectl.kubernetes.io/last-applied-configuration", REVISION, HISTORY, DESIRED, MAX, "deprecated.deployment.rollback.to"];

/// Brings the new ReplicaSet's annotations up to date; makes it if there is none and it may be made. Returns whether the
/// rollout has one now.
pub(super) fn find_or_create(cluster: &mut Cluster, rollout: &mut Rollout, may_create: bool) -> bool {
    let next = rollout.old.iter().map(|s| revision(s)).max().unwrap_or(0) + 1;
    if rollout.new.is_some() {
        keep_up(cluster, rollout, next);
    } else if may_create {
        create(cluster, rollout, next);
    }
    rollout.new.is_some()
}

fn keep_up(cluster: &mut Cluster, rollout: &mut Rollout, next: i64) {
    let Some(mut set) = rollout.new.clone() else { return };
    let reused = revision(&set) < next;
    let seconds = min_ready_seconds(&rollout.deployment);
    let uncopied = copied(&rollout.deployment).any(|(key, value)| annotation(&set, key) != value.as_str());
    if reused || uncopied || seconds != min_ready_seconds(&set) {
        let mut changed = (*set).clone();
        annotate(&mut changed, &rollout.deployment, next);
        let spec = map_at(&mut changed, &["spec"]);
        if seconds == 0 {
            spec.shift_remove("minReadySeconds");
        } else {
            spec.insert("minReadySeconds".into(), seconds.into());
        }
        set = write::update(cluster, &set, changed);
        rollout.new = Some(Arc::clone(&set));
        if reused && !rollout.old.is_empty() {
            moved(cluster, rollout, name(&set), true);
        }
    }
    let number = annotation(&set, REVISION).unwrap_or_default();
    let untold = status::has_deadline(&rollout.deployment) && condition(&rollout.deployment, "Progressing").is_none();
    if untold || annotation(&rollout.deployment, REVISION) != Some(number) {
        let mut deployment = (*rollout.deployment).clone();
        map_at(&mut deployment, &["metadata", "annotations"]).insert(REVISION.into(), number.into());
        if untold {
            let found = format!("Found new replica set \"{}\"", name(&set));
            status::set(cluster, &mut deployment, "Progressing", "True", "FoundNewReplicaSet", &found);
        }
        rollout.deployment = write::update_status(cluster, &rollout.deployment, deployment);
    }
}

/// The annotations that a Deployment and its ReplicaSet share.
pub(super) fn copied(object: &Value) -> impl Iterator<Item = (&Text, &Value)> {
    let all = at(object, &["metadata", "annotations"]).and_then(Value::as_object);
    all.into_iter().flatten().filter(|(key, _)| is_copied(key))
}

/// Whether a Deployment and its ReplicaSet share an annotation.
pub(super) fn is_copied(key: &str) -> bool {
    !NOT_COPIED.contains(&key)
}

fn create(cluster: &mut Cluster, rollout: &mut Rollout, next: i64) {
    let deployment = Arc::clone(&rollout.deployment);
    let collisions = integer(&deployment, &["status", "collisionCount"]);
    let template = at(&deployment, &["spec", "template"]).cloned().unwrap_or_default();
    let mut set = draft(cluster.schema, &deployment, template, collisions);
    annotate(&mut set, &deployment, next);
    let (surge, _) = rollout.fenceposts();
    let count = if rollout.rolling() { room(rollout, 0) } else { rollout.replicas() };
    map_at(&mut set, &["spec"]).insert("replicas".into(), count.into());
    counts(&mut set, rollout.replicas(), surge);
    if let Some(taken) = cluster.store.get(&ObjectId::of(&set)).cloned() {
        if controlled_by(&taken, uid(&deployment)) && template::same(cluster.schema, &deployment, &taken) {
            rollout.new = Some(taken);
            return;
        }
        // Another template has the name already: the next sync tries another one.
        let mut bumped = deployment["status"].clone();
        map_at(&mut bumped, &[]).insert("collisionCount".into(), (collisions.unwrap_or(0) + 1).into());
        rollout.deployment = write::set_status(cluster, &deployment, bumped);
        return;
    }
    let set = write::create(cluster, set);
    moved(cluster, rollout, name(&set), false);
    let made = format!("Created new replica set \"{}\"", name(&set));
    rollout.new = Some(set);
    let mut changed = (*deployment).clone();
    map_at(&mut changed, &["metadata", "annotations"]).insert(REVISION.into(), next.to_string().into());
    if status::has_deadline(&changed) {
        status::set(cluster, &mut changed, "Progressing", "True", "NewReplicaSetCreated", &made);
    }
    rollout.deployment = write::update_status(cluster, &deployment, changed);
}

fn draft(schema: &Schema, deployment: &Value, mut template: Value, collisions: Option<i64>) -> Value {
    let hash = hash::of_template(schema, &template, collisions);
    map_at(&mut template, &["metadata", "labels"]).insert(TEMPLATE_HASH.into(), hash.clone().into());
    let mut selector = at(deployment, &["spec", "selector"]).cloned().unwrap_or_default();
    map_at(&mut selector, &["matchLabels"]).insert(TEMPLATE_HASH.into(), hash.clone().into());
    let room = 253 - 1 - hash.len();
    let stem: String = name(deployment).chars().take(room).collect();
    let mut spec = Map::new();
    spec.insert("replicas".into(), 0.into());
    if min_ready_seconds(deployment) > 0 {
        spec.insert("minReadySeconds".into(), min_ready_seconds(deployment).into());
    }
    spec.insert("selector".into(), selector);
    let labels = template["metadata"]["labels"].clone();
    spec.insert("template".into(), template);
    json!({
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {
            "name": format!("{stem}-{hash}"),
            "namespace": text(deployment, &["metadata", "namespace"]),
            "labels": labels,
            "ownerReferences": [write::controller_reference(deployment)],
        },
        "spec": spec,
        "status": {"replicas": 0},
    })
}

/// The ReplicaSet as it stands when its rollout is over.
pub(super) fn settled(cluster: &Cluster, rollout: &Rollout) -> Value {
    let deployment = &rollout.deployment;
    let template = at(deployment, &["spec", "template"]).cloned().unwrap_or_default();
    let mut set = draft(cluster.schema, deployment, template, integer(deployment, &["status", "collisionCount"]));
    let number = annotation(deployment, REVISION).and_then(|r| r.parse().ok()).unwrap_or(1);
    annotate(&mut set, deployment, number);
    counts(&mut set, rollout.replicas(), rollout.fenceposts().0);
    let count = rollout.replicas();
    map_at(&mut set, &["spec"]).insert("replicas".into(), count.into());
    let metadata = map_at(&mut set, &["metadata"]);
    metadata.insert("creationTimestamp".into(), deployment["metadata"]["creationTimestamp"].clone());
    metadata.insert("generation".into(), 1.into());
    set["status"] = json!({
        "replicas": count, "fullyLabeledReplicas": count, "readyReplicas": count, "availableReplicas": count, "observedGeneration": 1,
    });
    if cluster.schema.version().minor() >= 35 {
        set["status"]["terminatingReplicas"] = 0.into();
    }
    set
}

/// How large the new ReplicaSet may be, given how large it is. Both fenceposts at zero leave no room: here the surge counts
/// as written, not as resolved.
pub(super) fn room(rollout: &Rollout, current: i64) -> i64 {
    let surge = at(&rollout.deployment, &["spec", "strategy", "rollingUpdate", "maxSurge"]);
    let most = rollout.replicas() + super::scaled(surge, rollout.replicas(), true, 0);
    let there: i64 = rollout.all().map(|s| replicas(s)).sum();
    if there >= most {
        return current;
    }
    current + (most - there).min(rollout.replicas() - current)
}

/// The annotations `desired-replicas` and `max-replicas`.
pub(super) fn counts(set: &mut Value, replicas: i64, surge: i64) {
    let annotations = map_at(set, &["metadata", "annotations"]);
    annotations.insert(DESIRED.into(), replicas.to_string().into());
    annotations.insert(MAX.into(), (replicas + surge).to_string().into());
}

/// Copies the Deployment's annotations and raises the revision number; a number that it had before goes into its history.
fn annotate(set: &mut Value, deployment: &Value, next: i64) {
    let copied: Vec<(Text, Value)> = copied(deployment).map(|(k, v)| (k.clone(), v.clone())).collect();
    let before = annotation(set, REVISION).map(str::to_owned);
    let history = annotation(set, HISTORY).unwrap_or_default().to_owned();
    let annotations = map_at(set, &["metadata", "annotations"]);
    annotations.extend(copied);
    let number: Result<i64, _> = before.as_deref().filter(|b| !b.is_empty()).map_or(Ok(0), str::parse);
    if !number.is_ok_and(|number| number < next) {
        return;
    }
    annotations.insert(REVISION.into(), next.to_string().into());
    if let Some(before) = before {
        let mut numbers: Vec<&str> = history.split(',').filter(|n| !n.is_empty()).collect();
        numbers.push(&before);
        while numbers.join(",").len() > HISTORY_LENGTH {
            numbers.remove(0);
        }
        annotations.insert(HISTORY.into(), numbers.join(",").into());
    }
}

fn moved(cluster: &mut Cluster, rollout: &Rollout, to: &str, reused: bool) {
    let before = rollout.old.iter().filter(|s| name(s) != to).max_by_key(|s| revision(s));
    let template = at(&rollout.deployment, &["spec", "template"]).cloned().unwrap_or_default();
    let happening = Happening::RevisionMoved {
        workload: ObjectId::of(&rollout.deployment),
        at: cluster.clock.now,
        from: before.map(|s| name(s).to_owned()),
        to: to.to_owned(),
        old_template: before.and_then(|s| at(s, &["spec", "template"])).map(|t| Arc::new(template::without_hash(t))),
        new_template: Arc::new(template),
        reused,
    };
    cluster.controllers.happenings.push(happening);
}
