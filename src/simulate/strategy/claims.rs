//! Kinds with small strategies of their own: Jobs, claims, volumes, namespaces, service accounts, leases, CustomResourceDefinitions.
//!
//! Follows `pkg/registry/{batch/job,core/*,coordination/lease}/strategy.go`, `pkg/api/persistentvolumeclaim/util.go` and
//! apiextensions-apiserver `pkg/registry/customresourcedefinition/strategy.go`.

use super::Context;
use crate::object::{Gvk, Map, Value, at, items, json, map_at, text};
use crate::simulate::defaults::gates::Gate;

/// A Job selects its pods by its own uid, unless it says that it brings its own selector. Labels that defaulting took from the
/// template are the template's own (in Go the very same map), so they get the generated ones too.
pub(super) fn select_by_uid(ctx: &Context<'_>, job: &mut Value) {
    if at(job, &["spec", "manualSelector"]).is_some_and(|manual| manual == true) {
        return;
    }
    let (name, uid) = (text(job, &["metadata", "name"]).to_owned(), text(job, &["metadata", "uid"]).to_owned());
    let labels = map_at(job, &["spec", "template", "metadata", "labels"]);
    for (label, value) in [
        ("job-name", &name),
        ("batch.kubernetes.io/job-name", &name),
        ("controller-uid", &uid),
        ("batch.kubernetes.io/controller-uid", &uid),
    ] {
        labels.entry(label).or_insert_with(|| value.clone().into());
    }
    let labels = labels.clone();
    let told = ctx.sent.and_then(|sent| at(sent, &["metadata", "labels"])?.as_object());
    let shared = ctx.sent.is_some() && told.is_none_or(Map::is_empty) && at(job, &["metadata", "labels"]).is_some();
    if shared {
        map_at(job, &["metadata"]).insert("labels".into(), labels.into());
    }
    map_at(job, &["spec", "selector", "matchLabels"]).entry("batch.kubernetes.io/controller-uid").or_insert_with(|| uid.into());
}

/// `dataSource` and `dataSourceRef` are two ways to say one thing: each is written from the other.
pub(super) fn align_data_sources(new: &mut Value, old: Option<&Value>) {
    let had_one = old.is_some_and(|old| at(old, &["spec", "dataSource"]).is_some() || at(old, &["spec", "dataSourceRef"]).is_some());
    let spec = map_at(new, &["spec"]);
    // Behind a gate that is off in every version we know.
    if spec.get("dataSourceRef").is_some_and(|r| !text(r, &["namespace"]).is_empty())
        && old.is_none_or(|old| at(old, &["spec", "dataSourceRef"]).is_none())
    {
        spec.shift_remove("dataSourceRef");
    }
    let kept = |source: &Value| {
        let group = text(source, &["apiGroup"]);
        matches!((group, text(source, &["kind"])), ("", "PersistentVolumeClaim") | ("snapshot.storage.k8s.io", "VolumeSnapshot"))
    };
    if !had_one && !spec.contains_key("dataSourceRef") && spec.get("dataSource").is_some_and(|source| !kept(source)) {
        spec.shift_remove("dataSource");
    }
    match (spec.get("dataSource").cloned(), spec.get("dataSourceRef").cloned()) {
        (Some(source), None) => drop(spec.insert("dataSourceRef".into(), source)),
        (None, Some(mut reference)) if text(&reference, &["namespace"]).is_empty() => {
            map_at(&mut reference, &[]).shift_remove("namespace");
            spec.insert("dataSource".into(), reference);
        }
        _ => {}
    }
}

/// When a volume came into its phase.
pub(super) fn first_phase(ctx: &Context<'_>, new: &mut Value) {
    let status = map_at(new, &["status"]);
    status.insert("phase".into(), "Pending".into());
    status.insert("lastPhaseTransitionTime".into(), ctx.now.clone().into());
}

/// A write of a volume's status that moves the phase notes the time, unless the client does.
pub(super) fn next_phase(ctx: &Context<'_>, new: &mut Value, old: &Value) {
    let told = at(new, &["status", "lastPhaseTransitionTime"]).cloned();
    let stored = at(old, &["status", "lastPhaseTransitionTime"]).cloned();
    let moved = at(old, &["status", "phase"]) != at(new, &["status", "phase"]);
    let status = map_at(new, &["status"]);
    match (moved, stored) {
        (false, Some(stored)) if told.is_none() => drop(status.insert("lastPhaseTransitionTime".into(), stored)),
        (true, stored) if told.is_none() || told == stored => {
            status.insert("lastPhaseTransitionTime".into(), ctx.now.clone().into());
        }
        _ => {}
    }
}

/// A namespace is deleted in steps, of which the server's own is always one.
pub(super) fn first_finalizer(new: &mut Value) {
    let spec = map_at(new, &["spec"]);
    let finalizers = spec.entry("finalizers").or_insert_with(|| json!([]));
    if let Value::Array(finalizers) = finalizers
        && !finalizers.iter().any(|f| f == "kubernetes")
    {
        finalizers.push("kubernetes".into());
    }
}

/// Only `/finalize` changes them.
pub(super) fn keep_finalizers(new: &mut Value, old: &Value) {
    let stored = at(old, &["spec", "finalizers"]).cloned();
    let spec = map_at(new, &["spec"]);
    match stored {
        Some(stored) => drop(spec.insert("finalizers".into(), stored)),
        None => drop(spec.shift_remove("finalizers")),
    }
}

/// A ServiceAccount names secrets, and says nothing else of them.
pub(super) fn name_secrets_only(new: &mut Value) {
    let named: Vec<Value> = items(new, &["secrets"])
        .iter()
        .map(|secret| Value::Object(secret.get("name").map(|name| ("name".to_owned(), name.clone())).into_iter().collect::<Map>()))
        .collect();
    if !named.is_empty() {
        new["secrets"] = named.into();
    }
}

/// Fields of a Lease behind a gate that is off in every version we know.
pub(super) fn drop_coordination(new: &mut Value, old: Option<&Value>) {
    for field in ["strategy", "preferredHolder"] {
        if old.is_none_or(|old| at(old, &["spec", field]).is_none()) && at(new, &["spec", field]).is_some() {
            map_at(new, &["spec"]).shift_remove(field);
        }
    }
}

/// Fields of objects but pods whose gate is off in some version: group, kind, gate, and where they stand.
const GATED: [(&str, &str, Gate, &[&[&str]]); 6] = [
    ("apps", "StatefulSet", Gate::MaxUnavailableStatefulSet, &[&["spec", "updateStrategy", "rollingUpdate", "maxUnavailable"]]),
    (
        "autoscaling",
        "HorizontalPodAutoscaler",
        Gate::HpaConfigurableTolerance,
        &[&["spec", "behavior", "scaleUp", "tolerance"], &["spec", "behavior", "scaleDown", "tolerance"]],
    ),
    ("batch", "Job", Gate::WorkloadWithJob, &[&["spec", "scheduling"]]),
    ("batch", "CronJob", Gate::WorkloadWithJob, &[&["spec", "jobTemplate", "spec", "scheduling"]]),
    ("storage.k8s.io", "CSIDriver", Gate::VolumeLimitScaling, &[&["spec", "preventPodSchedulingIfMissing"]]),
    ("storage.k8s.io", "CSIDriver", Gate::MutableCsiNodeAllocatableCount, &[&["spec", "nodeAllocatableUpdatePeriodSeconds"]]),
];

/// Drops fields whose gate is off, unless the stored object has one of the gate already.
pub(super) fn drop_gated(ctx: &Context<'_>, gvk: &Gvk, new: &mut Value, old: Option<&Value>) {
    let off = |gate: &Gate| !gate.enabled(ctx.schema.version());
    for (group, kind, _, paths) in GATED.iter().filter(|(_, _, gate, _)| off(gate)) {
        if (*group, *kind) != (gvk.group.as_str(), gvk.kind.as_str()) || paths.iter().any(|path| old.is_some_and(|o| at(o, path).is_some()))
        {
            continue;
        }
        for path in *paths {
            if let Some((field, holder)) = path.split_last()
                && at(new, path).is_some()
            {
                map_at(new, holder).shift_remove(field);
            }
        }
    }
}

/// The version that a definition stores in is one that it has stored in.
pub(super) fn add_stored_version(new: &mut Value) {
    let stored = items(new, &["spec", "versions"]).iter().find(|v| v["storage"] == true).map(|v| v["name"].clone());
    let Some(stored) = stored else { return };
    let versions = map_at(new, &["status"]).entry("storedVersions").or_insert_with(|| json!([]));
    match versions {
        Value::Array(versions) if versions.contains(&stored) => {}
        Value::Array(versions) => versions.push(stored),
        other => *other = json!([stored]),
    }
}
