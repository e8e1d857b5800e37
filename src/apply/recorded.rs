//! Ownership alone against recordings of a real control plane: each recorded object is taken as what defaulting made of a
//! write, and must come out with the recorded managed fields.

use super::field_manager::{FieldManager, take_managed_fields};
use super::field_set::path_text;
use super::last_applied::LAST_APPLIED;
use super::managers::{Managers, managed_fields};
use super::scale;
use super::server_side::{Application, ApplyError, conflict_message};
use crate::object::{Gvk, Value, at, items, map_at, text};
use crate::schema::{Schema, Type, Version};
use flate2::read::GzDecoder;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;

const PATHS: scale::ReplicasPaths<'static> = &[("apps/v1", &["spec", "replicas"])];

/// The fields that the strategies of these kinds reset on the object itself (`GetResetFields`).
fn reset_fields(kind: &str) -> &'static [&'static [&'static str]] {
    match kind {
        "ConfigMap" | "Secret" | "ServiceAccount" | "LimitRange" | "Role" | "RoleBinding" | "NetworkPolicy" => &[],
        _ => &[&["status"]],
    }
}

#[derive(Default)]
struct Tally {
    right: usize,
    all: usize,
    wrong: Vec<String>,
}

impl Tally {
    fn count(&mut self, right: bool, wrong: impl FnOnce() -> String) {
        self.all += 1;
        self.right += usize::from(right);
        if !right {
            self.wrong.push(wrong());
        }
    }
}

fn cases(file: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recorded").join(file);
    let read: Value = serde_json::from_reader(GzDecoder::new(File::open(path).unwrap())).unwrap();
    items(&read, &["cases"]).to_vec()
}

/// What the recording left out of objects and the server saw: annotations of controllers and of the conversion of DaemonSets.
fn restore_annotations(object: &mut Value, generation: &str, rolled: bool) {
    let (name, value) = match text(object, &["kind"]) {
        "Deployment" if rolled => ("deployment.kubernetes.io/revision", "1"),
        "DaemonSet" => ("deprecated.daemonset.template.generation", generation),
        _ => return,
    };
    map_at(object, &["metadata", "annotations"]).insert(name.into(), value.into());
}

/// What strategies and admission put into a created object after its owners were noted.
const ADDED_LATER: [(&str, &[&str], &str); 3] = [
    ("Service", &["spec"], "ipFamilies"),
    ("Service", &["spec"], "ipFamilyPolicy"),
    ("PersistentVolumeClaim", &["metadata"], "finalizers"),
];

fn take_added_later(created: &mut Value, body: &Value) {
    for (kind, parents, name) in ADDED_LATER {
        let sent = at(body, parents).is_some_and(|p| p.get(name).is_some());
        if text(created, &["kind"]) == kind && !sent {
            map_at(created, parents).shift_remove(name);
        }
    }
}

/// Managed fields without times, sorted as the recording sorts them.
fn comparable(object: &Value) -> Vec<Value> {
    let mut entries: Vec<Value> = managed_fields(object).and_then(Value::as_array).cloned().unwrap_or_default();
    for entry in &mut entries {
        entry.as_object_mut().unwrap().shift_remove("time");
    }
    entries.sort_by_key(|e| {
        let own = |key: &str| text(e, &[key]).to_owned();
        (own("manager"), own("operation"), own("subresource"), e["fieldsV1"].to_string())
    });
    entries
}

/// What is not yet in a merged object as it is stored, or no longer: conversions and strategies move it.
const WRITTEN_LATER: [&str; 5] = ["status", "stringData", "serviceAccount", "sessionAffinityConfig", LAST_APPLIED];

/// Where a merged object is not part of what was stored in the end, defaults and notations of numbers aside.
fn strays(merged: &Value, told: &Value, place: &str) -> Option<String> {
    let empty = |v: &Value| match v {
        Value::Null => true,
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.values().all(Value::is_null),
        other => *other == false || *other == 0 || *other == "",
    };
    let numeric = |v: &Value| v.is_number() || v.as_str().is_some_and(|s| s.starts_with(|c: char| c.is_ascii_digit()));
    match (merged, told) {
        (Value::Object(m), Value::Object(t)) => {
            m.iter().filter(|(name, v)| !empty(v) && !WRITTEN_LATER.contains(&name.as_str())).find_map(|(name, v)| {
                let place = format!("{place}.{name}");
                t.get(name).map_or_else(|| Some(place.clone()), |t| strays(v, t, &place))
            })
        }
        (Value::Array(m), Value::Array(t)) if m.len() == t.len() => m.iter().zip(t).find_map(|(m, t)| strays(m, t, &format!("{place}[]"))),
        (m, t) => (m != t && !(numeric(m) && numeric(t))).then(|| place.to_owned()),
    }
}

/// The paths that only one of the two has.
fn difference(got: &[Value], told: &[Value]) -> String {
    let paths = |entries: &[Value]| -> BTreeSet<String> {
        let read = Value::Array(entries.to_vec().into());
        let mut out = BTreeSet::new();
        for manager in Managers::decode(Some(&read)).unwrap().iter() {
            manager.fields.each_path(&mut |path| {
                out.insert(format!("{}{}", manager.shown(), path_text(path)));
            });
        }
        out
    };
    let (got, told) = (paths(got), paths(told));
    let only = |a: &BTreeSet<String>, b| a.difference(b).cloned().collect::<Vec<_>>().join(" ");
    format!("only got {}, only told {}", only(&got, &told), only(&told, &got))
}

/// The recorded text and ours, the conflicts of each owner as a set: Kubernetes sorts owners, not causes.
fn check_refusal(step: &Value, got: Result<Value, ApplyError<String>>) -> Option<String> {
    let told = text(step, &["message"]);
    let got = match got {
        Err(ApplyError::Conflicts(conflicts)) if step["code"] == 409 => conflict_message(&conflicts),
        Err(ApplyError::Internal(text)) if step["code"] == 500 => text,
        Err(other) => format!("{other:?}"),
        Ok(_) => "no refusal".to_owned(),
    };
    (got != told).then(|| format!("said\n{got}\nnot\n{told}"))
}

struct Replay {
    schema: &'static Schema,
    live: Option<Value>,
}

impl Replay {
    fn step(&mut self, step: &Value, tallies: &mut BTreeMap<&'static str, Tally>) {
        let (method, code) = (text(step, &["method"]), step["code"].as_u64().unwrap());
        let apply = text(step, &["content_type"]).starts_with("application/apply-patch");
        let what = match (method, apply, code / 100) {
            ("POST", _, 2) => "post",
            ("PUT", _, 2) => "put",
            ("PATCH", true, 2) => "apply",
            ("PATCH", false, 2) if text(step, &["path"]).ends_with("/scale") => "scale",
            ("PATCH", false, 2) => "patch",
            ("PATCH", true, _) if code == 409 || code == 500 => "refusal",
            _ => return,
        };
        let tally = tallies.entry(what).or_default();
        let told = &step["object"];
        let got = match what {
            "scale" => Ok(self.scale(step)),
            "apply" | "refusal" => self.apply(step),
            _ => Ok(self.update(step)),
        };
        let wrong = match got {
            got if what == "refusal" => check_refusal(step, got),
            Err(refused) => Some(format!("refused: {refused:?}")),
            Ok(got) => {
                let (got, told) = (comparable(&got), comparable(told));
                (got != told).then(|| difference(&got, &told))
            }
        };
        let op = text(step, &["op"]);
        tally.count(wrong.is_none(), || format!("{op} {}: {}", text(step, &["path"]), wrong.unwrap_or_default()));
        if code / 100 == 2 {
            self.live = Some(told.clone());
        }
    }

    fn with_manager<R>(&self, object: &Value, f: impl FnOnce(FieldManager<'_>) -> R) -> R {
        let gvk = Gvk::of(object);
        let ty = self.schema.resource_of(&gvk.group, &gvk.version, &gvk.kind).and_then(|r| r.ty.clone()).unwrap();
        let reset_fields = reset_fields(&gvk.kind);
        f(FieldManager { schema: self.schema, ty: &ty, gvk: &gvk, subresource: "", reset_fields, also_served: &[], converts: None })
    }

    fn live(&self) -> Option<Value> {
        let mut live = self.live.clone()?;
        restore_annotations(&mut live, "7", true);
        // Of two entries of one updater, which a `/scale` can leave, the one without a time stands first: it holds the replicas only.
        if let Some(Value::Array(entries)) = live.pointer_mut("/metadata/managedFields") {
            entries.sort_by_key(|e| e["fieldsV1"].to_string().len());
        }
        Some(live)
    }

    fn update(&self, step: &Value) -> Value {
        let mut new = step["object"].clone();
        take_managed_fields(&mut new);
        match text(step, &["method"]) {
            "PATCH" if at(&step["body"], &["metadata", "annotations", "$patch"]).is_none() => restore_annotations(&mut new, "7", true),
            // The client's object has no revision, and counts the template's generation from 0.
            _ => restore_annotations(&mut new, "0", false),
        }
        let live = self.live();
        if live.is_none() {
            take_added_later(&mut new, &step["body"]);
        }
        if let ("PUT", Some(given)) = (text(step, &["method"]), managed_fields(&step["body"])) {
            map_at(&mut new, &["metadata"]).insert("managedFields".into(), given.clone());
        }
        let sent = match (text(step, &["content_type"]), &live) {
            ("application/merge-patch+json", Some(live)) => {
                Some(crate::apply::merge_patch::apply(live, &step["body"]).expect("a recorded patch applies"))
            }
            ("application/json", _) => Some(step["body"].clone()),
            _ => None,
        };
        let manager = step["query"].get("fieldManager").and_then(Value::as_str).unwrap_or("oracle");
        self.with_manager(&step["object"], |fm| fm.update(live.as_ref(), &mut new, sent.as_ref(), manager, "2026-01-01T00:00:00Z"));
        new
    }

    fn apply(&self, step: &Value) -> Result<Value, ApplyError<String>> {
        let live = self.live();
        let application = Application {
            config: &step["body"],
            manager: text(step, &["query", "fieldManager"]),
            force: step["query"]["force"] == "true",
            time: "2026-01-01T00:00:00Z",
        };
        let mut told = step["object"].clone();
        restore_annotations(&mut told, "7", live.is_some());
        let default = |merged: Value| match strays(&merged, &told, "") {
            Some(place) if !place.starts_with(".data.") => Err(format!("merged otherwise at {place}")),
            // A Secret's data also comes from its stringData, and loses line breaks.
            _ => Ok(told.clone()),
        };
        let mut got = self.with_manager(&step["body"], |fm| fm.apply(live.as_ref(), application, default))?;
        let managed = take_managed_fields(&mut got);
        take_managed_fields(&mut told);
        // The generation moves after ownership is settled.
        map_at(&mut got, &["metadata"]).insert("generation".into(), told["metadata"]["generation"].clone());
        map_at(&mut told, &["metadata"]).insert("generation".into(), got["metadata"]["generation"].clone());
        if got != told {
            return Err(ApplyError::Default(format!("gave {got}")));
        }
        map_at(&mut got, &["metadata"]).extend(managed.map(|m| ("managedFields".to_owned(), m)));
        Ok(got)
    }

    fn scale(&self, step: &Value) -> Value {
        let live = self.live().unwrap();
        let parent = managed_fields(&live);
        let object = |replicas: &Value, managed: Option<Value>| {
            let mut object = crate::object::json!({"kind": "Scale", "apiVersion": "autoscaling/v1", "metadata": {"name": "x"}});
            if replicas.as_i64().is_some_and(|n| n != 0) {
                object["spec"] = crate::object::json!({"replicas": replicas});
            } else {
                object["spec"] = crate::object::json!({});
            }
            if let Some(managed) = managed {
                object["metadata"]["managedFields"] = managed;
            }
            object
        };
        let old = object(&live["spec"]["replicas"], scale::to_scale(parent, PATHS).unwrap());
        let mut new = object(&step["object"]["spec"]["replicas"], None);
        let gvk = Gvk::of(&old);
        let ty: Type = self.schema.named("io.k8s.api.autoscaling.v1.Scale").unwrap();
        let fm = FieldManager {
            schema: self.schema,
            ty: &ty,
            gvk: &gvk,
            subresource: "scale",
            reset_fields: &[],
            also_served: &[],
            converts: None,
        };
        let manager = step["query"].get("fieldManager").and_then(Value::as_str).unwrap_or("oracle");
        fm.update(Some(&old), &mut new, None, manager, "2026-01-01T00:00:00Z");
        let mut out = live.clone();
        take_managed_fields(&mut out);
        if let Some(managed) = scale::to_parent(parent, managed_fields(&new), "apps/v1", PATHS).unwrap() {
            map_at(&mut out, &["metadata"]).insert("managedFields".into(), managed);
        }
        out
    }
}

fn replay(file: &str, version: Version) -> BTreeMap<&'static str, Tally> {
    let mut tallies = BTreeMap::new();
    for case in cases(file) {
        let mut replay = Replay { schema: Schema::of(version), live: None };
        for step in items(&case, &["steps"]) {
            replay.step(step, &mut tallies);
        }
    }
    tallies
}

fn check(file: &str, version: Version) {
    let tallies = replay(file, version);
    for (what, tally) in &tallies {
        println!("{file} {what}: {} of {}", tally.right, tally.all);
    }
    let wrong: Vec<&String> = tallies.values().flat_map(|t| &t.wrong).collect();
    assert!(
        wrong.is_empty(),
        "{} wrong, such as:\n{}",
        wrong.len(),
        wrong.iter().take(4).map(|w| w.as_str()).collect::<Vec<_>>().join("\n\n")
    );
}

#[test]
fn owners_of_recorded_workloads() {
    check("workloads.json.gz", Version::V1_36);
}

#[test]
fn owners_of_workloads_recorded_with_other_versions() {
    check("workloads-1.34.json.gz", Version::V1_34);
    check("workloads-1.35.json.gz", Version::V1_35);
    check("workloads-1.37.json.gz", Version::V1_37);
}

#[test]
fn owners_of_recorded_bundles() {
    check("bundle.json.gz", Version::V1_36);
}

#[test]
fn recorded_managed_fields_are_read_and_written_again() {
    for case in cases("workloads.json.gz") {
        for step in items(&case, &["steps"]) {
            let Some(told) = managed_fields(&step["object"]) else { continue };
            let texts: Vec<String> = items(told, &[]).iter().map(|e| e["fieldsV1"].to_string()).collect();
            for manager in Managers::decode(Some(told)).unwrap().iter() {
                let written = super::fields_v1::write(&manager.fields).to_string();
                assert!(texts.contains(&written), "{written}");
            }
        }
    }
}
