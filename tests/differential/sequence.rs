//! A seed becomes a sequence of writes to one object, in the form of the recorded steps.
//!
//! Each write is drawn with our own state in view, so a sequence is fixed by its seed alone; a write that we would refuse is mostly drawn
//! again, so that most are accepted.

use crate::answers::without_allocations;
use crate::draw::Drawing;
use crate::kinds::{KINDS, Kind};
use crate::ours::Ours;
use crate::random::Random;
use rollcast::apply::strategic_diff;
use rollcast::object::Value;
use rollcast::object::{Map, json};
use rollcast::schema::{Schema, Type, Version};
use std::collections::BTreeMap;

const MANAGERS: &[&str] = &["kubectl", "helm", "argocd-controller", "kustomize-controller"];
const UPDATERS: &[&str] = &["kubectl-edit", "kubectl-client-side-apply", "controller", "helm"];
const LONGEST: usize = 8;

/// One sequence, ready to be sent.
pub struct Sequence {
    pub kind: &'static Kind,
    pub steps: Vec<Value>,
}

/// The sequence of a seed, for a namespace of that name.
pub fn sequence(version: Version, seed: u64, kinds: &[String], namespace: &str) -> Sequence {
    let mut random = Random::new(seed);
    let among: Vec<&'static Kind> = KINDS.iter().filter(|k| kinds.is_empty() || kinds.iter().any(|n| n == k.name)).collect();
    let kind = among[random.weighted(among.iter().map(|k| k.weight))];
    let schema = Schema::of(version);
    let ty = schema.resource_of(kind.group(), kind.version(), kind.name).and_then(|r| r.ty.clone()).expect("a served kind");
    let mut writer = Writer { drawing: Drawing { schema, random }, kind, ty, intents: BTreeMap::new(), namespace: namespace.to_owned() };
    let mut ours = Ours::new(version, kind, namespace);
    let mut steps = Vec::new();
    for _ in 0..3 + writer.drawing.random.below(LONGEST - 3) {
        if let Some(twin) = kind.twin().filter(|_| kind.api_version == "autoscaling/v1") {
            let of = if writer.drawing.random.chance(40) { twin } else { kind };
            writer.kind = of;
            writer.ty = schema.resource_of(of.group(), of.version(), of.name).and_then(|r| r.ty.clone()).expect("a served kind");
        }
        let mut stored = ours.stored_in(writer.kind);
        if let Some(service) = stored.as_mut().filter(|_| kind.name == "Service") {
            without_allocations(service);
        }
        if let Some(job) = stored.as_mut().filter(|_| kind.name == "Job") {
            without_uids(job);
        }
        let mut step = writer.step(stored.as_ref());
        for _ in 0..12 {
            if ours.accepts(&step) || writer.drawing.random.chance(6) {
                break;
            }
            step = writer.step(stored.as_ref());
        }
        writer.remember(&step);
        ours.send(&step);
        steps.push(step);
    }
    Sequence { kind, steps }
}

struct Writer {
    drawing: Drawing,
    kind: &'static Kind,
    ty: Type,
    /// What each applier applied last.
    intents: BTreeMap<String, Value>,
    namespace: String,
}

impl Writer {
    fn step(&mut self, stored: Option<&Value>) -> Value {
        let mut step = match stored {
            None => match self.drawing.random.below(100) {
                0..62 => self.post(),
                62..97 => self.apply(None),
                _ => self.patch_of(&self.kind.least()),
            },
            Some(stored) => {
                let scale = if self.kind.has_scale() { 6 } else { 0 };
                let status = if self.kind.has_status() { 2 } else { 0 };
                match self.drawing.random.weighted([34, 36, 18, scale, status, 4, 1].into_iter()) {
                    0 => self.apply(Some(stored)),
                    1 => self.patch_of(stored),
                    2 => self.put(stored),
                    3 => self.scale(),
                    4 => self.status(),
                    5 => self.delete(),
                    _ => self.post(),
                }
            }
        };
        if self.drawing.random.chance(4) {
            step["query"]["dryRun"] = "All".into();
        }
        if self.drawing.random.chance(8) {
            step["query"]["fieldValidation"] = (*self.drawing.random.pick(&["Strict", "Warn", "Ignore"])).into();
        }
        let text = step.to_string().replace(&self.namespace, "{ns}");
        serde_json::from_str(&text).unwrap()
    }

    /// What an applier applied is where its next apply starts from.
    fn remember(&mut self, step: &Value) {
        if step["content_type"] == "application/apply-patch+yaml" && step["path"] == self.kind.path() {
            self.intents.insert(step["query"]["fieldManager"].as_str().unwrap_or_default().to_owned(), step["body"].clone());
        }
    }

    fn manifest(&mut self) -> Value {
        let mut object = self.kind.least();
        for _ in 0..self.drawing.random.below(8) {
            self.drawing.change(&self.ty, &mut object);
        }
        object
    }

    fn changed(&mut self, mut object: Value) -> Value {
        for _ in 0..1 + self.drawing.random.below(2) {
            self.drawing.change(&self.ty, &mut object);
        }
        object
    }

    fn sent(&mut self, op: &str, method: &str, path: &str, content: &str, manager: &str, body: Value) -> Value {
        let mut query = Map::new();
        if !manager.is_empty() {
            query.insert("fieldManager".into(), manager.into());
        }
        json!({"op": op, "method": method, "path": path, "query": query, "content_type": format!("application/{content}"), "body": body})
    }

    fn updater(&mut self) -> &'static str {
        UPDATERS[self.drawing.random.below(UPDATERS.len())]
    }

    fn post(&mut self) -> Value {
        let (body, manager) = (self.manifest(), self.updater());
        self.sent("create", "POST", &self.kind.collection(), "json", manager, body)
    }

    fn put(&mut self, stored: &Value) -> Value {
        let base = match self.drawing.random.below(10) {
            0 => self.manifest(),
            1..4 => {
                let known: Vec<Value> = self.intents.values().filter(|i| i["apiVersion"] == self.kind.api_version).cloned().collect();
                if known.is_empty() { self.kind.least() } else { self.drawing.random.pick(&known).clone() }
            }
            4..7 => without_server_fields(stored),
            _ => {
                let mut whole = stored.clone();
                let metadata = whole["metadata"].as_object_mut().unwrap();
                for key in ["uid", "resourceVersion", "creationTimestamp", "deletionTimestamp"] {
                    metadata.shift_remove(key);
                }
                if self.drawing.random.chance(30) {
                    metadata.shift_remove("managedFields");
                }
                whole
            }
        };
        let (body, manager) = (self.changed(base), self.updater());
        self.sent("replace", "PUT", &self.kind.path(), "json", manager, body)
    }

    fn apply(&mut self, stored: Option<&Value>) -> Value {
        let manager = *self.drawing.random.pick(MANAGERS);
        let own = self.intents.get(manager).filter(|intent| intent["apiVersion"] == self.kind.api_version).cloned();
        let base = match (own, stored) {
            (Some(own), _) if self.drawing.random.chance(85) => own,
            (_, Some(stored)) if self.drawing.random.chance(40) => {
                let mut part = without_server_fields(stored);
                let percent = *self.drawing.random.pick(&[0, 20, 50]);
                self.drawing.thin(&mut part, percent);
                part
            }
            (_, Some(_)) if self.drawing.random.chance(50) => {
                json!({"apiVersion": self.kind.api_version, "kind": self.kind.name, "metadata": {"name": self.kind.object_name()}})
            }
            _ => self.manifest(),
        };
        let body = if self.drawing.random.chance(15) { base } else { self.changed(base) };
        let mut step = self.sent("apply", "PATCH", &self.kind.path(), "apply-patch+yaml", manager, body);
        if self.drawing.random.chance(70) {
            step["query"]["force"] = (*self.drawing.random.pick(&["true", "false"])).into();
        }
        step
    }

    fn patch_of(&mut self, stored: &Value) -> Value {
        let before = without_server_fields(stored);
        let after = self.changed(before.clone());
        let manager = self.updater();
        let path = self.kind.path();
        match self.drawing.random.below(10) {
            0..5 => {
                let ty = self.ty.clone();
                let mut body = strategic_diff::two_way(self.drawing.schema, &ty, &before, &after).unwrap_or_else(|_| json!({}));
                if self.drawing.random.chance(25) {
                    self.direct(&mut body, &before);
                }
                self.sent("strategic", "PATCH", &path, "strategic-merge-patch+json", manager, body)
            }
            5..8 => {
                let body = merge_patch(&before, &after);
                self.sent("merge", "PATCH", &path, "merge-patch+json", manager, body)
            }
            _ => {
                let mut operations = Vec::new();
                json_patch(&before, &after, String::new(), &mut operations);
                if self.drawing.random.chance(15) && !operations.is_empty() {
                    let mut test = operations[0].clone();
                    test["op"] = "test".into();
                    operations.insert(0, test);
                }
                self.sent("json", "PATCH", &path, "json-patch+json", manager, operations.into())
            }
        }
    }

    /// Puts a directive of strategic merge patches somewhere.
    fn direct(&mut self, patch: &mut Value, stored: &Value) {
        let Some(map) = patch.as_object_mut() else { return };
        let keys: Vec<String> =
            map.iter().filter(|(k, v)| !k.starts_with('$') && (v.is_object() || v.is_array())).map(|(k, _)| k.to_string()).collect();
        if !keys.is_empty() && self.drawing.random.chance(80) {
            let key = self.drawing.random.pick(&keys).clone();
            match map.get_mut(&key) {
                Some(Value::Array(items)) if !items.is_empty() && items[0].is_object() => {
                    let names: Vec<Value> = stored[&key].as_array().into_iter().flatten().filter(|i| i.is_object()).cloned().collect();
                    match self.drawing.random.below(4) {
                        0 => items.push(json!({"$patch": "replace"})),
                        1 => items[0]["$patch"] = (*self.drawing.random.pick(&["delete", "replace", "merge"])).into(),
                        2 if names.iter().all(|n| n["name"].is_string()) => {
                            let order: Vec<Value> = items.iter().chain(&names).rev().map(|n| json!({"name": n["name"]})).collect();
                            map.insert(format!("$setElementOrder/{key}").into(), order.into());
                        }
                        _ => self.direct(&mut items[0], names.first().unwrap_or(&Value::Null)),
                    }
                }
                Some(inner) => self.direct(inner, &stored[&key]),
                None => {}
            }
            return;
        }
        match self.drawing.random.below(3) {
            0 => map.insert("$patch".into(), (*self.drawing.random.pick(&["replace", "delete", "merge"])).into()),
            1 => {
                let keep: Vec<Value> = map.keys().filter(|k| !k.starts_with('$')).map(|k| k.clone().into()).collect();
                map.insert("$retainKeys".into(), keep.into())
            }
            _ => map.insert("$deleteFromPrimitiveList/finalizers".into(), json!(["example.com/f"])),
        };
    }

    fn scale(&mut self) -> Value {
        let replicas = self.drawing.random.below(4);
        let path = format!("{}/scale", self.kind.path());
        let manager = self.updater();
        let whole = json!({"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "x", "namespace": "{ns}"}, "spec": {"replicas": replicas}});
        match self.drawing.random.below(4) {
            0 => self.sent("scale", "PUT", &path, "json", manager, whole),
            1 => {
                let mut step = self.sent("scale", "PATCH", &path, "apply-patch+yaml", "hpa", whole);
                step["query"]["force"] = "true".into();
                step
            }
            2 => self.sent(
                "scale",
                "PATCH",
                &path,
                "json-patch+json",
                manager,
                json!([{"op": "replace", "path": "/spec/replicas", "value": replicas}]),
            ),
            _ => self.sent("scale", "PATCH", &path, "merge-patch+json", manager, json!({"spec": {"replicas": replicas}})),
        }
    }

    fn status(&mut self) -> Value {
        let manager = self.updater();
        let metadata = self.drawing.random.pick(&[json!({}), json!({"labels": {"s": "t"}}), json!({"annotations": {"s": "t"}})]).clone();
        let told = [
            json!({"conditions": [{"type": "example.com/C", "status": "True"}]}),
            json!({"conditions": [{"type": "example.com/C", "status": "True"}]}),
            json!({"conditions": [{"type": "C", "status": "False", "reason": "Because", "lastTransitionTime": "2026-01-01T00:00:00Z"}]}),
            json!({"conditions": [{"type": "a b", "status": "So", "reason": "not so"}]}),
            json!({"readyReplicas": 100}),
            json!({"observedGeneration": -1}),
        ];
        let body = json!({"metadata": metadata, "status": self.drawing.random.pick(&told)});
        self.sent("status", "PATCH", &format!("{}/status", self.kind.path()), "merge-patch+json", manager, body)
    }

    fn delete(&mut self) -> Value {
        let options = [
            json!({}),
            json!({"propagationPolicy": "Background"}),
            json!({"propagationPolicy": "Foreground"}),
            json!({"propagationPolicy": "Orphan"}),
            json!({"gracePeriodSeconds": 0}),
            json!({"preconditions": {"uid": "00000000-0000-0000-0000-000000000000"}}),
        ];
        let body = self.drawing.random.pick(&options).clone();
        self.sent("delete", "DELETE", &self.kind.path(), "json", "", body)
    }
}

/// A Job selects its pods by its uid, which is another one on each side.
fn without_uids(value: &mut Value) {
    if let Value::Object(map) = value {
        map.retain(|key, _| !key.ends_with("controller-uid"));
        map.values_mut().for_each(without_uids);
    }
}

/// An object as a person would write it down.
pub fn without_server_fields(object: &Value) -> Value {
    let mut object = object.clone();
    object.as_object_mut().unwrap().shift_remove("status");
    let Some(metadata) = object["metadata"].as_object_mut() else { return object };
    for key in [
        "uid",
        "resourceVersion",
        "creationTimestamp",
        "generation",
        "managedFields",
        "selfLink",
        "deletionTimestamp",
        "deletionGracePeriodSeconds",
        "namespace",
    ] {
        metadata.shift_remove(key);
    }
    if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.shift_remove("deployment.kubernetes.io/revision");
        annotations.shift_remove("deprecated.daemonset.template.generation");
    }
    object
}

fn merge_patch(before: &Value, after: &Value) -> Value {
    let (Value::Object(old), Value::Object(new)) = (before, after) else { return after.clone() };
    let mut patch = Map::new();
    for key in old.keys().filter(|k| !new.contains_key(k)) {
        patch.insert(key.clone(), Value::Null);
    }
    for (key, value) in new.iter().filter(|(k, v)| old.get(k) != Some(*v)) {
        patch.insert(key.clone(), old.get(key).map_or_else(|| value.clone(), |o| merge_patch(o, value)));
    }
    patch.into()
}

fn json_patch(before: &Value, after: &Value, path: String, operations: &mut Vec<Value>) {
    let step = |key: &str| format!("{path}/{}", key.replace('~', "~0").replace('/', "~1"));
    match (before, after) {
        _ if before == after => {}
        (Value::Object(old), Value::Object(new)) => {
            for key in old.keys().filter(|k| !new.contains_key(k)) {
                operations.push(json!({"op": "remove", "path": step(key)}));
            }
            for (key, value) in new {
                match old.get(key) {
                    Some(was) => json_patch(was, value, step(key), operations),
                    None => operations.push(json!({"op": "add", "path": step(key), "value": value})),
                }
            }
        }
        (Value::Array(old), Value::Array(new)) if old.len() == new.len() => {
            for (i, (was, value)) in old.iter().zip(new).enumerate() {
                json_patch(was, value, format!("{path}/{i}"), operations);
            }
        }
        (Value::Array(old), Value::Array(new)) if new.len() == old.len() + 1 && new.starts_with(old) => {
            operations.push(json!({"op": "add", "path": format!("{path}/-"), "value": new[old.len()]}));
        }
        _ => operations.push(json!({"op": "replace", "path": path, "value": after})),
    }
}
