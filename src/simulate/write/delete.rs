//! DELETE of an object or of a collection.
//!
//! Follows `pkg/registry/generic/registry/store.go:{Delete,deletionFinalizersForGarbageCollection}`,
//! `pkg/registry/rest/delete.go:BeforeDelete` and, for pods and namespaces, their own storage.

use super::{Outcome, Write, update};
use crate::object::path::FieldPath;
use crate::object::{ObjectId, Value, integer, items, json, map_at, text};
use crate::simulate::{ApiError, Cause, Cluster, Request, Target, admission};
use std::sync::Arc;
use std::time::Duration;

const ORPHAN: &str = "orphan";
const FOREGROUND: &str = "foregroundDeletion";

/// Kinds whose dependents stay when a DELETE names no propagation policy.
const ORPHANS_BY_DEFAULT: [(&str, &str); 2] = [("batch", "Job"), ("", "ReplicationController")];

/// What is said of a Job whose DELETE names none (`pkg/registry/batch/job/storage/storage.go`).
const ORPHANED_PODS: &str = "child pods are preserved by default when jobs are deleted; \
    set propagationPolicy=Background to remove them or set propagationPolicy=Orphan to suppress this warning";

/// Kinds whose DELETE answers with the object as it was (`ReturnDeletedObject`).
const ANSWERS_WITH_OBJECT: [(&str, &str); 9] = [
    ("", "Pod"),
    ("", "PersistentVolume"),
    ("", "PersistentVolumeClaim"),
    ("", "Service"),
    ("", "ServiceAccount"),
    ("", "ResourceQuota"),
    ("", "PodTemplate"),
    ("policy", "PodSecurityPolicy"),
    ("storage.k8s.io", "StorageClass"),
];

impl Cluster {
    pub(super) fn delete(&mut self, write: &mut Write<'_>) -> Outcome {
        let unreadable = |error: ApiError| error.about_delete_options(self.schema.version());
        let options = write.body().map_err(unreadable)?;
        if !options.is_null() {
            // Options in a body stand for those of the query (`endpoints/handlers/delete.go:DeleteResource`).
            write.dry_run = !items(&options, &["dryRun"]).is_empty();
        }
        check_options(&options).map_err(unreadable)?;
        let id = write.id();
        admission::delete(&write.served, &id.name)?;
        if id.group == "batch" && id.kind == "Job" && options["propagationPolicy"].is_null() && options["orphanDependents"].is_null() {
            write.warnings.push(ORPHANED_PODS.into());
        }
        let live = self.store.get(&id).cloned().ok_or_else(|| write.not_found())?;
        check_preconditions(write, &options, &live)?;
        if id.kind == "CustomResourceDefinition" && !live["metadata"]["deletionTimestamp"].is_string() {
            return Ok((200, self.mark_definition(write, &live)));
        }
        let finalizers = finalizers_after(&id, &live, &options);
        let grace = grace_seconds(&id, &live, &options);
        // A namespace goes when its own finalizers have: a second DELETE may be the one that ends it.
        let is_held = id.kind == "Namespace" && !(live["metadata"].get("deletionTimestamp").is_some() && spec_finalizers(&live).is_empty());
        if finalizers.is_empty() && grace == 0 && !is_held {
            if !write.dry_run {
                self.store.remove(&id);
            }
            return Ok((200, answer(write, &id, &live)));
        }
        let marked = self.marked(&live, finalizers, grace);
        let answer = if write.dry_run || marked == *live { Arc::new(marked) } else { self.store.put(marked) };
        Ok((200, answer))
    }

    /// A definition waits for the end of its objects.
    fn mark_definition(&mut self, write: &Write<'_>, live: &Value) -> Arc<Value> {
        let mut object = live.clone();
        self.hold_definition(&mut object);
        map_at(&mut object, &["metadata"]).insert("deletionTimestamp".into(), self.clock.timestamp().into());
        if write.dry_run { Arc::new(object) } else { self.store.put(object) }
    }

    /// The object with its deletion under way: time, grace and, where it has one, a new generation.
    fn marked(&self, live: &Value, finalizers: Vec<Value>, grace: i64) -> Value {
        let mut object = live.clone();
        let already = live["metadata"]["deletionTimestamp"].is_string();
        let is_namespace = object["kind"] == "Namespace";
        if is_namespace {
            map_at(&mut object, &["status"]).insert("phase".into(), "Terminating".into());
        }
        let ends = self.clock.timestamp_at(self.clock.now + Duration::from_secs(grace.unsigned_abs()));
        let metadata = map_at(&mut object, &["metadata"]);
        if finalizers.is_empty() {
            metadata.shift_remove("finalizers");
        } else {
            metadata.insert("finalizers".into(), finalizers.into());
        }
        if !already {
            metadata.insert("deletionTimestamp".into(), ends.into());
            if !is_namespace {
                metadata.insert("deletionGracePeriodSeconds".into(), grace.into());
            }
            if let Some(generation) = metadata.get("generation").and_then(Value::as_i64).filter(|g| *g > 0) {
                metadata.insert("generation".into(), (generation + 1).into());
            }
        }
        object
    }

    /// Deletes what was chosen, and answers with it as it was. What is gone by then is no error (`Store.DeleteCollection`).
    pub(super) fn delete_collection(&mut self, write: &mut Write<'_>) -> Outcome {
        let (target, options) = (&write.request.target, &write.request.options);
        let namespace = write.served.namespaced.then_some(target.namespace.as_str()).filter(|n| !n.is_empty());
        let selected = |id: &ObjectId, object: &Value| match &options.chosen {
            Some(ids) => ids.contains(id),
            None => crate::object::selector::matches_text(&options.label_selector, object),
        };
        let listed = self.store.list(&target.group, &write.served.kind, namespace);
        let chosen: Vec<(ObjectId, Value)> =
            listed.filter(|(id, object)| selected(id, object)).map(|(id, object)| (ObjectId::clone(id), Value::clone(object))).collect();
        let policy = write.body().unwrap_or_default();
        if target.group == "batch"
            && target.resource == "jobs"
            && policy["propagationPolicy"].is_null()
            && policy["orphanDependents"].is_null()
        {
            write.warnings.push(ORPHANED_PODS.into());
        }
        let mut items = Vec::new();
        for (id, object) in chosen {
            let target = Target { namespace: id.namespace.into(), name: id.name.into(), ..target.clone() };
            let request = Request { verb: crate::simulate::Verb::Delete, target, ..write.request.clone() };
            let response = self.write(&request);
            // The same is told once.
            write.warnings.extend(response.warnings.into_iter().filter(|w| w != ORPHANED_PODS));
            match response.result {
                Err(error) if error.code != 404 => return Err(error),
                _ => items.push(object),
            }
        }
        let gvk = write.served.gvk();
        let list = json!({"kind": format!("{}List", gvk.kind), "apiVersion": gvk.api_version(), "metadata": {}, "items": items});
        Ok((200, Arc::new(list)))
    }
}

fn spec_finalizers(namespace: &Value) -> &[Value] {
    items(namespace, &["spec", "finalizers"])
}

/// Refuses what are no options for a DELETE (`metav1/validation/validation.go:ValidateDeleteOptions`).
fn check_options(options: &Value) -> Result<(), ApiError> {
    let kind = text(options, &["kind"]);
    if !kind.is_empty() && kind != "DeleteOptions" {
        let version = text(options, &["apiVersion"]);
        let message = format!("no kind {kind:?} is registered for version {version:?} in scheme \"pkg/api/legacyscheme/scheme.go:30\"");
        return Err(ApiError::bad_request(message));
    }
    let policy = text(options, &["propagationPolicy"]);
    if matches!(policy, "" | "Foreground" | "Background" | "Orphan") {
        return Ok(());
    }
    let supported = ["Foreground", "Background", "Orphan", "nil"];
    let cause = Cause::not_supported(&FieldPath::new("propagationPolicy"), &format!("{policy:?}"), &supported);
    Err(ApiError::invalid("DeleteOptions.meta.k8s.io", "", vec![cause]))
}

fn check_preconditions(write: &Write<'_>, options: &Value, live: &Value) -> Result<(), ApiError> {
    let known = [
        ("uid", "UID", "The object might have been deleted and then recreated"),
        ("resourceVersion", "ResourceVersion", "The object might have been modified"),
    ];
    for (key, name, hint) in known {
        let (wanted, has) = (text(options, &["preconditions", key]), text(live, &["metadata", key]));
        if !wanted.is_empty() && wanted != has {
            // `pkg/registry/core/namespace/storage/storage.go:Delete` looks first.
            if write.served.qualified_resource() == "namespaces" {
                let why = format!("Precondition failed: {name} in precondition: {wanted}, {name} in object meta: {has}");
                return Err(update::stale(write, &why));
            }
            let why = format!("the {name} in the precondition ({wanted}) does not match the {name} in record ({has}). {hint}");
            return Err(update::conflict(&write.served.qualified_kind(), text(live, &["metadata", "name"]), &why));
        }
    }
    Ok(())
}

/// The finalizers that the propagation policy leaves or adds.
fn finalizers_after(id: &ObjectId, live: &Value, options: &Value) -> Vec<Value> {
    let own = items(live, &["metadata", "finalizers"]);
    let has = |name: &str| own.iter().any(|f| f == name);
    let by_default = ORPHANS_BY_DEFAULT.contains(&(id.group.as_str(), id.kind.as_str()));
    let (orphan, foreground) = match text(options, &["propagationPolicy"]) {
        "Orphan" => (true, false),
        "Foreground" => (false, true),
        "Background" => (false, false),
        _ if options["orphanDependents"] == true => (true, false),
        _ if has(ORPHAN) || has(FOREGROUND) => (has(ORPHAN), has(FOREGROUND)),
        _ => (by_default, false),
    };
    let mut kept: Vec<Value> = own.iter().filter(|f| *f != ORPHAN && *f != FOREGROUND).cloned().collect();
    kept.extend(orphan.then(|| ORPHAN.into()));
    kept.extend(foreground.then(|| FOREGROUND.into()));
    kept
}

/// Only pods have time to go: what the request says, else what the pod says; none without a node or once it has ended.
fn grace_seconds(id: &ObjectId, live: &Value, options: &Value) -> i64 {
    if id.kind != "Pod" || !id.group.is_empty() {
        return 0;
    }
    let ended = matches!(text(live, &["status", "phase"]), "Failed" | "Succeeded");
    if ended || text(live, &["spec", "nodeName"]).is_empty() {
        return 0;
    }
    let asked = integer(options, &["gracePeriodSeconds"]).or_else(|| integer(live, &["spec", "terminationGracePeriodSeconds"]));
    asked.unwrap_or(30).max(0)
}

fn answer(write: &Write<'_>, id: &ObjectId, live: &Arc<Value>) -> Arc<Value> {
    if ANSWERS_WITH_OBJECT.contains(&(id.group.as_str(), id.kind.as_str())) {
        return Arc::clone(live);
    }
    let mut details = json!({"name": id.name});
    if !id.group.is_empty() {
        details["group"] = id.group.as_str().into();
    }
    details["kind"] = write.request.target.resource.as_str().into();
    details["uid"] = live["metadata"]["uid"].clone();
    Arc::new(json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}))
}

#[cfg(test)]
mod tests {
    use crate::object::{json, text};
    use crate::schema::Version;
    use crate::simulate::clock::Clock;
    use crate::simulate::{Body, Cluster, Request, Response, Target, Verb, WriteOptions};
    use std::sync::Arc;

    fn deleted(resource: &str, kind: &str, preconditions: crate::object::Value) -> Response {
        let mut cluster = Cluster::new(Version::V1_36, Clock::new("2026-01-01T00:00:00Z".parse().unwrap()));
        let metadata = json!({"name": "x", "uid": "own", "resourceVersion": "7"});
        cluster.load(Arc::new(json!({"apiVersion": "v1", "kind": kind, "metadata": metadata})));
        let target = Target { version: "v1".into(), resource: resource.into(), name: "x".into(), ..Target::default() };
        let body = Body::Value(json!({"preconditions": preconditions}));
        cluster.write(&Request { verb: Verb::Delete, target, options: WriteOptions::default(), body })
    }

    /// As a 1.36.2 server answered (sequence 11015997 of the differential tester), and as the generic storage does for others.
    #[test]
    fn a_namespace_says_in_its_own_words_that_it_is_another_one() {
        let refused = |resource: &str, kind: &str, preconditions| deleted(resource, kind, preconditions).result.unwrap_err().message;
        assert_eq!(
            refused("namespaces", "Namespace", json!({"uid": "other"})),
            "Operation cannot be fulfilled on namespaces \"x\": Precondition failed: UID in precondition: other, UID in object meta: own"
        );
        assert_eq!(
            refused("persistentvolumes", "PersistentVolume", json!({"uid": "other"})),
            "Operation cannot be fulfilled on PersistentVolume \"x\": the UID in the precondition (other) does not match the UID in record (own). \
             The object might have been deleted and then recreated"
        );
        let right = deleted("namespaces", "Namespace", json!({"uid": "own", "resourceVersion": "7"}));
        assert_eq!(text(&right.result.unwrap(), &["metadata", "uid"]), "own");
    }
}
