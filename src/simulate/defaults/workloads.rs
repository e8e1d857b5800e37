//! Deployments, StatefulSets, DaemonSets, ReplicaSets and ReplicationControllers.
//!
//! Follows `pkg/apis/apps/v1/defaults.go` and `conversion.go`, and `pkg/apis/core/v1/defaults.go`.

use super::gates::Gate;
use super::pod::{claim_spec, template};
use super::{each, fill, resource_list};
use crate::object::{Map, Value, at, map_at};
use crate::schema::Version;

pub(super) fn deployment(object: &mut Value, version: Version) {
    let spec = map_at(object, &["spec"]);
    fill(spec, "replicas", 1);
    fill(spec, "revisionHistoryLimit", 10);
    fill(spec, "progressDeadlineSeconds", 600);
    let strategy = map_at(object, &["spec", "strategy"]);
    fill(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        let update = map_at(object, &["spec", "strategy", "rollingUpdate"]);
        fill(update, "maxUnavailable", "25%");
        fill(update, "maxSurge", "25%");
    }
    template(&mut object["spec"]["template"], version);
}

pub(super) fn stateful_set(object: &mut Value, version: Version) {
    let spec = map_at(object, &["spec"]);
    fill(spec, "podManagementPolicy", "OrderedReady");
    fill(spec, "replicas", 1);
    fill(spec, "revisionHistoryLimit", 10);
    each(spec, "volumeClaimTemplates", claim_template);
    let retention = map_at(object, &["spec", "persistentVolumeClaimRetentionPolicy"]);
    fill(retention, "whenDeleted", "Retain");
    fill(retention, "whenScaled", "Retain");
    let strategy = map_at(object, &["spec", "updateStrategy"]);
    // A block is made only where not even the type was written.
    if !strategy.contains_key("type") {
        fill(strategy, "type", "RollingUpdate");
        fill(strategy, "rollingUpdate", Map::new());
    }
    if strategy["type"] == "RollingUpdate"
        && let Some(Value::Object(update)) = strategy.get_mut("rollingUpdate")
    {
        fill(update, "partition", 0);
        if Gate::MaxUnavailableStatefulSet.enabled(version) {
            fill(update, "maxUnavailable", 1);
        }
    }
    template(&mut object["spec"]["template"], version);
}

/// A claim inside a StatefulSet says what it is, whatever was written.
fn claim_template(claim: &mut Map) {
    claim.insert("apiVersion".into(), "v1".into());
    claim.insert("kind".into(), "PersistentVolumeClaim".into());
    if let Some(Value::Object(spec)) = claim.get_mut("spec") {
        claim_spec(spec);
    }
    if let Some(Value::Object(status)) = claim.get_mut("status") {
        fill(status, "phase", "Pending");
        resource_list(status, "capacity");
        resource_list(status, "allocatedResources");
    }
}

pub(super) fn daemon_set(object: &mut Value, version: Version) {
    let annotations = map_at(object, &["metadata", "annotations"]);
    fill(annotations, "deprecated.daemonset.template.generation", "0");
    fill(map_at(object, &["spec"]), "revisionHistoryLimit", 10);
    let strategy = map_at(object, &["spec", "updateStrategy"]);
    fill(strategy, "type", "RollingUpdate");
    if strategy["type"] == "RollingUpdate" {
        let update = map_at(object, &["spec", "updateStrategy", "rollingUpdate"]);
        fill(update, "maxUnavailable", 1);
        fill(update, "maxSurge", 0);
    } else if let Some(Value::Object(update)) = strategy.get_mut("rollingUpdate") {
        // The internal type holds them by value.
        fill(update, "maxUnavailable", 0);
        fill(update, "maxSurge", 0);
    }
    template(&mut object["spec"]["template"], version);
}

pub(super) fn replica_set(object: &mut Value, version: Version) {
    fill(map_at(object, &["spec"]), "replicas", 1);
    template(&mut object["spec"]["template"], version);
}

pub(super) fn replication_controller(object: &mut Value, version: Version) {
    let labels = at(object, &["spec", "template", "metadata", "labels"]).cloned();
    let spec = map_at(object, &["spec"]);
    fill(spec, "replicas", 1);
    fill_labels(spec, "selector", labels.as_ref());
    if let Some(Value::Object(_)) = spec.get("template") {
        template(&mut object["spec"]["template"], version);
    }
    fill_labels(map_at(object, &["metadata"]), "labels", labels.as_ref());
}

/// Labels taken from a template where the holder has none.
pub(super) fn fill_labels(holder: &mut Map, key: &str, labels: Option<&Value>) {
    if let Some(labels) = labels.filter(|l| l.is_object()) {
        fill(holder, key, labels.clone());
    }
}

pub(super) fn pod_template(object: &mut Value, version: Version) {
    template(&mut object["template"], version);
}
