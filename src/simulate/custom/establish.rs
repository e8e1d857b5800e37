//! What the server itself makes of a definition that was written: names accepted, established, taken away with its objects.
//!
//! Follows apiextensions-apiserver `pkg/controller/{status/naming_controller,establish,finalizer}.go` and
//! `pkg/registry/customresourcedefinition/etcd.go`.

use super::definition::condition;
use super::{DEFINITION, is_definition};
use crate::object::{ObjectId, Value, items, json, map_at, text};
use crate::simulate::{Body, Cluster, Request, Target, Verb, WriteOptions};
use std::sync::Arc;

impl Cluster {
    /// Follows up on a write of a definition.
    pub(in crate::simulate) fn settle_definition(&mut self, id: &ObjectId) {
        let Some(stored) = self.store.get(id).cloned() else { return };
        if !is_definition(&stored) {
            return;
        }
        if stored["metadata"]["deletionTimestamp"].is_string() {
            self.take_down(id, &stored);
            return;
        }
        let mut status = stored["status"].clone();
        name(self, &stored, &mut status);
        if status != stored["status"] {
            let mut object = Value::clone(&stored);
            map_at(&mut object, &[]).insert("status".into(), status);
            self.write_definition_status(id, object);
        }
        if let Some(stored) = self.store.get(id).cloned() {
            self.define(&stored);
        }
    }

    /// The objects of a definition go first, then the definition.
    fn take_down(&mut self, id: &ObjectId, definition: &Value) {
        let (group, kind) = (text(definition, &["spec", "group"]).to_owned(), text(definition, &["spec", "names", "kind"]).to_owned());
        let served = self.custom.iter().find(|d| d.resource.group == group && d.resource.kind == kind).cloned();
        let objects: Vec<ObjectId> = self.store.list(&group, &kind, None).map(|(id, _)| id.clone()).collect();
        if let Some(served) = served {
            for object in objects {
                let target = Target {
                    group: group.clone(),
                    version: served.resource.version.clone(),
                    resource: served.resource.resource.clone(),
                    subresource: String::new(),
                    namespace: object.namespace.into(),
                    name: object.name.into(),
                };
                self.write(&request(Verb::Delete, target, Value::Null));
            }
        }
        if self.store.list(&group, &kind, None).next().is_some() {
            return;
        }
        self.undefine(definition);
        let mut object = definition.clone();
        let finalizers: Vec<Value> = items(definition, &["metadata", "finalizers"]).iter().filter(|f| *f != CLEANUP).cloned().collect();
        if finalizers.is_empty() {
            self.store.remove(id);
        } else {
            map_at(&mut object, &["metadata"]).insert("finalizers".into(), finalizers.into());
            self.store.put(object);
        }
    }

    fn write_definition_status(&mut self, id: &ObjectId, object: Value) {
        let target = Target {
            group: DEFINITION.0.into(),
            version: "v1".into(),
            resource: "customresourcedefinitions".into(),
            subresource: "status".into(),
            namespace: String::new(),
            name: id.name.as_str().into(),
        };
        self.write(&request(Verb::Update, target, object));
    }

    /// A definition that is deleted stays until its objects are gone.
    pub(in crate::simulate) fn hold_definition(&self, object: &mut Value) {
        let metadata = map_at(object, &["metadata"]);
        let finalizers = metadata.entry("finalizers").or_insert_with(|| json!([]));
        if let Value::Array(list) = finalizers
            && !list.iter().any(|f| f == CLEANUP)
        {
            list.push(CLEANUP.into());
        }
        let now = self.clock.timestamp();
        let terminating = json!({"type": "Terminating", "status": "True", "lastTransitionTime": now, "reason": "InstanceDeletionPending",
            "message": "CustomResourceDefinition marked for deletion; CustomResource deletion will begin soon"});
        set_condition(map_at(object, &["status"]).entry("conditions").or_insert_with(|| json!([])), terminating);
    }
}

/// The finalizer of definitions.
const CLEANUP: &str = "customresourcecleanup.apiextensions.k8s.io";

fn request(verb: Verb, target: Target, body: Value) -> Request {
    let options = WriteOptions { user_agent: "kube-apiserver/v1.36.2".into(), ..WriteOptions::default() };
    Request { verb, target, options, body: Body::Value(body) }
}

/// Accepts names that no other definition of the group has, and with them establishes the definition.
fn name(cluster: &Cluster, definition: &Arc<Value>, status: &mut Value) {
    let wanted = &definition["spec"]["names"];
    let now = cluster.clock.timestamp();
    if *wanted == status["acceptedNames"] && condition(definition, "Established") {
        return;
    }
    let group = text(definition, &["spec", "group"]);
    let others: Vec<&Value> = cluster
        .store
        .list(DEFINITION.0, DEFINITION.1, None)
        .map(|(_, other)| &**other)
        .filter(|other| other["metadata"]["name"] != definition["metadata"]["name"] && text(other, &["spec", "group"]) == group)
        .map(|other| &other["status"]["acceptedNames"])
        .collect();
    let resources: [(&str, &str); 2] = [("plural", "PluralConflict"), ("singular", "SingularConflict")];
    let kinds: [(&str, &str); 2] = [("kind", "KindConflict"), ("listKind", "ListKindConflict")];
    let taken_resource = |name: &str| {
        others.iter().any(|o| o["plural"] == name || o["singular"] == name || items(o, &["shortNames"]).iter().any(|s| s == name))
    };
    let taken_kind = |name: &str| others.iter().any(|o| o["kind"] == name || o["listKind"] == name);
    let mut conflict: Option<(&str, String)> = None;
    let mut accepted = status["acceptedNames"].clone();
    let map = map_at(&mut accepted, &[]);
    let in_use = |name: &str| format!("{name:?} is already in use");
    for (key, reason) in resources.into_iter().chain(kinds) {
        let name = text(wanted, &[key]);
        let taken = if key.to_lowercase().ends_with("kind") { taken_kind(name) } else { taken_resource(name) };
        if taken && definition["status"]["acceptedNames"][key] != name {
            conflict = Some((reason, in_use(name)));
        } else {
            map.insert(key.into(), name.into());
        }
    }
    let short = items(wanted, &["shortNames"]);
    match short.iter().filter_map(Value::as_str).find(|name| taken_resource(name)) {
        Some(name) => conflict = conflict.or(Some(("ShortNamesConflict", in_use(name)))),
        None if short.is_empty() => drop(map.shift_remove("shortNames")),
        None => drop(map.insert("shortNames".into(), short.into())),
    }
    match items(wanted, &["categories"]) {
        [] => drop(map.shift_remove("categories")),
        categories => drop(map.insert("categories".into(), categories.into())),
    }
    let (state, reason, message) = match conflict {
        None => ("True", "NoConflicts", "no conflicts found".to_owned()),
        Some((reason, message)) => ("False", reason, message),
    };
    let map = map_at(status, &[]);
    map.insert("acceptedNames".into(), accepted);
    let conditions = map.entry("conditions").or_insert_with(|| json!([]));
    set_condition(
        conditions,
        json!({"type": "NamesAccepted", "status": state, "lastTransitionTime": now, "reason": reason, "message": message}),
    );
    if condition(definition, "Established") {
        return;
    }
    let (state, reason, message) = match state {
        "True" => ("True", "InitialNamesAccepted", "the initial names have been accepted"),
        _ => ("False", "NotAccepted", "not all names are accepted"),
    };
    let established = json!({"type": "Established", "status": state, "lastTransitionTime": now, "reason": reason, "message": message});
    set_condition(conditions, established);
}

/// Puts a condition in place of the one of its type; the time of a state that stays is kept.
fn set_condition(conditions: &mut Value, mut wanted: Value) {
    if conditions.is_null() {
        *conditions = json!([]);
    }
    let Value::Array(list) = conditions else { return };
    match list.iter_mut().find(|c| c["type"] == wanted["type"]) {
        Some(own) => {
            if own["status"] == wanted["status"] {
                wanted["lastTransitionTime"] = own["lastTransitionTime"].clone();
            }
            *own = wanted;
        }
        None => list.push(wanted),
    }
}
