//! What a real API server took and refused, replayed: it must find the same wrong with the same texts, and nothing with the rest.

use super::check::Check;
use super::{Context, create, modelled, update, warnings};
use crate::apply::field_manager::FieldManager;
use crate::apply::server_side::Application;
use crate::apply::{json_patch, merge_patch, strategic};
use crate::object::{Gvk, Value, items, map_at, text};
use crate::schema::decode::decode;
use crate::schema::{Resource, Schema, Version};
use crate::simulate::status::ApiError;
use crate::simulate::{Store, defaults, strategy};
use flate2::read::GzDecoder;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

/// One version's server: enough of the write path to bring a body to its validation.
struct Server {
    schema: &'static Schema,
    store: Store,
}

impl Server {
    fn resource(&self, object: &Value) -> &'static Resource {
        let gvk = Gvk::of(object);
        self.schema.resource_of(&gvk.group, &gvk.version, &gvk.kind).unwrap()
    }

    fn context(&self, object: &Value, sent: Option<&Value>) -> Context {
        let sent = sent.map(|sent| Arc::new(sent.clone()));
        Context { gvk: Gvk::of(object), version: self.schema.version(), namespaced: self.resource(object).namespaced, sent }
    }

    /// As the server has it after decoding: none if it does not decode.
    fn read(&self, object: &Value) -> Option<Value> {
        let mut value = decode(self.schema, self.resource(object).ty.as_ref().unwrap(), object).ok()?.value;
        defaults::apply(&Gvk::of(object), self.schema.version(), &mut value);
        defaults::keep_emptied(&Gvk::of(object), object, &mut value);
        Some(value)
    }

    /// With what the recordings left out and an update needs.
    fn stored(&self, recorded: &Value, generation: i64) -> Value {
        let mut object = self.read(recorded).unwrap();
        let metadata = map_at(&mut object, &["metadata"]);
        metadata.insert("namespace".into(), "default".into());
        metadata.insert("resourceVersion".into(), "1".into());
        let kind = text(recorded, &["spec", "type"]);
        if object["kind"] == "Service" && kind != "ExternalName" && recorded["spec"]["clusterIP"].is_null() {
            // the recordings leave allocated addresses out
            let spec = map_at(&mut object, &["spec"]);
            spec.insert("clusterIP".into(), "10.96.0.9".into());
            spec.insert("clusterIPs".into(), crate::object::json!(["10.96.0.9"]));
        }
        if object["kind"] == "DaemonSet" {
            let annotation = "deprecated.daemonset.template.generation";
            map_at(&mut object, &["metadata", "annotations"]).insert(annotation.into(), generation.to_string().into());
        }
        object
    }

    fn strategy<'c>(&'c self, object: &Value, sent: &'c Value) -> strategy::Context<'c> {
        let (uid, now) = ("00000000-0000-4000-8000-000000000001".into(), "2026-01-01T00:00:00Z".into());
        strategy::Context {
            schema: self.schema,
            resource: self.resource(object),
            store: &self.store,
            status_subresource: true,
            sent: Some(sent),
            uid,
            now,
            dry_run: false,
        }
    }

    /// The message that refuses a body, or nothing.
    fn refusal(&self, body: &Value, old: Option<&Value>, subresource: &str) -> Option<String> {
        let mut new = self.read(body)?;
        let resource = self.resource(&new);
        let namespace = old.map_or("default", |o| text(o, &["metadata", "namespace"]));
        if resource.namespaced {
            map_at(&mut new, &["metadata"]).insert("namespace".into(), namespace.into());
        }
        let causes = match old {
            None => match strategy::prepare_create(&self.strategy(&new, body), &mut new) {
                Ok(()) => create(&self.context(&new, Some(body)), &new),
                Err(refused) => return Some(refused.message),
            },
            Some(old) => {
                let version = old["metadata"]["resourceVersion"].clone();
                map_at(&mut new, &["metadata"]).insert("resourceVersion".into(), version);
                match strategy::prepare_update(&self.strategy(&new, body), &mut new, old, subresource) {
                    Ok(()) => update(&self.context(&new, Some(body)), &new, old, subresource),
                    Err(refused) => return Some(refused.message),
                }
            }
        };
        let qualified = if resource.group.is_empty() { resource.kind.clone() } else { format!("{}.{}", resource.kind, resource.group) };
        (!causes.is_empty()).then(|| ApiError::invalid(&qualified, text(&new, &["metadata", "name"]), causes).message)
    }

    fn patched(&self, old: &Value, step: &Value) -> Option<Value> {
        let body = &step["body"];
        match text(step, &["content_type"]) {
            "application/strategic-merge-patch+json" => {
                strategic::apply(self.schema, self.resource(old).ty.as_ref().unwrap(), old, body).ok()
            }
            "application/merge-patch+json" => merge_patch::apply(old, body).ok(),
            "application/json-patch+json" => json_patch::apply(old, body).ok(),
            _ => self.applied(old, step),
        }
    }

    /// What a server-side apply makes of an object; none if it conflicts.
    fn applied(&self, old: &Value, step: &Value) -> Option<Value> {
        let gvk = Gvk::of(old);
        let fields = FieldManager {
            schema: self.schema,
            ty: self.resource(old).ty.as_ref()?,
            gvk: &gvk,
            subresource: "",
            reset_fields: &[&["status"]],
            also_served: &[],
            converts: None,
        };
        let manager = text(step, &["query", "fieldManager"]);
        let force = text(step, &["query", "force"]) == "true";
        let application = Application { config: &step["body"], manager, force, time: "2026-01-01T00:00:00Z" };
        fields.apply(Some(old), application, |merged| self.read(&merged).ok_or("it does not decode")).ok()
    }
}

/// The versions of which there is a recording.
const VERSIONS: [(&str, Version); 4] =
    [("-1.34", Version::V1_34), ("-1.35", Version::V1_35), ("-1.36", Version::V1_36), ("-1.37", Version::V1_37)];

/// The recordings of a subject, one of each version; one without a version in its name is of 1.36.
fn of_each_version(name: &str) -> Vec<(Server, Value)> {
    let there = |name: &str| std::path::Path::new(&format!("{}/tests/recorded/{name}.json.gz", env!("CARGO_MANIFEST_DIR"))).exists();
    let named = VERSIONS.map(|(suffix, version)| (format!("{name}{suffix}"), version));
    let plain = [(name.to_owned(), Version::V1_36)];
    let known = named.into_iter().chain(plain).filter(|(name, _)| there(name));
    known.map(|(name, version)| (Server { schema: Schema::of(version), store: Store::default() }, recording(&name))).collect()
}

fn recording(name: &str) -> Value {
    let mut text = String::new();
    let file = File::open(format!("{}/tests/recorded/{name}.json.gz", env!("CARGO_MANIFEST_DIR"))).unwrap();
    GzDecoder::new(file).read_to_string(&mut text).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// What came of a file: objects that were taken, and refusals that were replayed, with what went wrong of either.
#[derive(Default)]
struct Outcome {
    taken: usize,
    refused: usize,
    skipped: usize,
    wrong: Vec<String>,
}

fn replay(name: &str, version: Version) -> Outcome {
    let server = Server { schema: Schema::of(version), store: Store::default() };
    let mut outcome = Outcome::default();
    for case in items(&recording(name), &["cases"]) {
        let (mut before, mut generation): (Option<Value>, i64) = (None, 1);
        for step in items(case, &["steps"]) {
            let at = format!("{} {} {}", name, text(case, &["name"]), text(step, &["op"]));
            let of_itself = !text(step, &["path"]).ends_with("/status") && !text(step, &["path"]).ends_with("/scale");
            match step["code"].as_u64() {
                Some(422) if of_itself && !text(step, &["message"]).starts_with("the server rejected") => {
                    let body = match text(step, &["method"]) {
                        "POST" | "PUT" => Some(step["body"].clone()),
                        _ => before.as_ref().and_then(|old| server.patched(old, step)),
                    };
                    let old = if text(step, &["method"]) == "POST" { None } else { before.as_ref() };
                    let Some(body) = body.filter(|b| b.get("kind").is_some() && modelled(&Gvk::of(b))) else {
                        outcome.skipped += 1;
                        continue;
                    };
                    outcome.refused += 1;
                    let ours = server.refusal(&body, old, "").unwrap_or_default();
                    if ours != text(step, &["message"]) && !text(step, &["message"]).contains("resourceVersion: Invalid value: 0") {
                        outcome.wrong.push(format!("{at}\n  ours   {ours}\n  theirs {}", text(step, &["message"])));
                    }
                }
                Some(200 | 201) if step["object"].is_object() => {
                    outcome.taken += 1;
                    let template = |o: &Value| o["spec"]["template"].clone();
                    let template_type = "io.k8s.api.core.v1.PodTemplateSpec";
                    let moved = before.as_ref().is_some_and(|b| {
                        let new = server.stored(&step["object"], 1);
                        !Check::new(version).same(template_type, &template(b), &template(&new))
                    });
                    generation += i64::from(moved);
                    let now = server.stored(&step["object"], generation);
                    let context = server.context(&now, None);
                    let mut causes = create(&context, &now);
                    if let Some(before) = before.as_ref().filter(|_| step["first"] != true) {
                        causes.extend(update(&context, &now, before, ""));
                    }
                    outcome.wrong.extend(causes.first().map(|c| format!("{at} was taken\n  ours   {}: {}", c.field, c.message)));
                    before = Some(now);
                }
                _ => {}
            }
        }
    }
    outcome
}

/// Without what a server makes at random: uids, the ends of generated names, and the order of what is wrong with the entries of a map.
fn comparable(message: &str) -> Vec<String> {
    let generated = |word: &str| word.strip_prefix("A-").is_some_and(|rest| rest.len() == 5);
    let uid = |word: &str| word.len() == 36 && word.matches('-').count() == 4;
    let words = message.split('"').map(|word| if generated(word) || uid(word) { "…" } else { word });
    let message = words.collect::<Vec<_>>().join("\"");
    let mut parts: Vec<String> = message.replace(['[', ']'], "").split(", ").map(str::to_owned).collect();
    let has_map = message.contains("labels: ") || message.contains("annotations: ");
    if has_map {
        parts = parts.into_iter().map(|p| p.rsplit("is invalid: ").next().unwrap_or_default().to_owned()).collect();
        parts.sort();
    }
    parts
}

/// Bodies with one thing wrong in each, and what a server said to them; see `tests/recorded/make_validation.py`.
#[test]
fn invalid_objects() {
    let mut wrong = Vec::new();
    for (server, recording) in of_each_version("validation") {
        let (mut right, mut all) = (0, 0);
        for case in items(&recording, &["cases"]) {
            let (body, base, theirs) = (&case["body"], text(case, &["base"]), text(case, &["message"]));
            if ![200, 201, 422].contains(&case["code"].as_u64().unwrap()) || !modelled(&Gvk::of(body)) {
                continue;
            }
            let old = case.get("old").map(|old| server.read(old).unwrap());
            let ours = server.refusal(body, old.as_ref(), "").unwrap_or_default();
            all += 1;
            if comparable(&ours) == comparable(theirs) {
                right += 1;
            } else {
                let (version, shown) = (server.schema.version(), |t: &str| t.chars().take(1500).collect::<String>());
                wrong.push(format!(
                    "{version} {base} {}\n  ours   {}\n  theirs {}",
                    text(case, &["operation"]),
                    shown(&ours),
                    shown(theirs)
                ));
            }
        }
        println!("invalid objects, {}: {right} of {all} in the same words", server.schema.version());
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

/// Statuses of Jobs and Pods that somebody writes; see `tests/recorded/make_status.py`.
#[test]
fn statuses() {
    let mut wrong = Vec::new();
    for (server, recording) in of_each_version("status") {
        let cases = items(&recording, &["cases"]);
        for case in cases {
            let (body, old) = (&case["body"], server.read(&case["old"]).unwrap());
            let ours = server.refusal(body, Some(&old), "status").unwrap_or_default();
            if ours != text(case, &["message"]) {
                let version = server.schema.version();
                wrong.push(format!("{version} {}\n  ours   {ours}\n  theirs {}", body["status"], text(case, &["message"])));
            }
        }
        let refused = cases.iter().filter(|case| case["code"] == 422).count();
        println!("statuses, {}: {}, {refused} of them refused", server.schema.version(), cases.len());
        assert!(refused > 50, "{refused}");
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn warned_of() {
    for (server, recording) in of_each_version("validation") {
        let mut count = 0;
        for case in items(&recording, &["cases"]) {
            if case["object"].is_object() && case.get("old").is_none() {
                let object = server.read(&case["object"]).unwrap();
                let theirs: Vec<&str> = items(case, &["warnings"]).iter().filter_map(Value::as_str).collect();
                assert_eq!(warnings(&server.context(&object, None), &object, None, ""), theirs, "{}", case["base"]);
                count += 1;
            }
        }
        assert!(count >= 10, "{count} objects were taken");
    }
}

#[test]
fn warnings_of_odd_objects() {
    let mut wrong = Vec::new();
    for (server, recording) in of_each_version("warnings") {
        let mut count = 0;
        for case in items(&recording, &["cases"]) {
            let theirs: Vec<&str> = items(case, &["warnings"]).iter().filter_map(Value::as_str).collect();
            let old = case["old"].is_object().then(|| server.read(&case["old"]).unwrap());
            let object = server.read(&case["object"]).unwrap();
            let mut ours = warnings(&server.context(&object, None), &object, old.as_ref(), text(case, &["subresource"]));
            // The same text is sent once.
            ours.dedup();
            // The server tells what an API itself is deprecated for, too, and which fields it does not have.
            let of_others = |w: &&str| w.starts_with("v1 Endpoints is") || w.starts_with("unknown field ");
            let theirs: Vec<&str> = theirs.into_iter().filter(|w| !of_others(w)).collect();
            if ours != theirs {
                wrong.push(format!("{} {}\n  ours:   {ours:?}\n  theirs: {theirs:?}", server.schema.version(), case["path"]));
            }
            count += theirs.len();
        }
        println!("warnings, {}: {count}", server.schema.version());
        assert!(count > 150, "{count}");
    }
    assert!(wrong.is_empty(), "{} differ:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn recordings() {
    let files = [
        ("workloads-1.34", Version::V1_34),
        ("workloads-1.35", Version::V1_35),
        ("workloads", Version::V1_36),
        ("bundle", Version::V1_36),
        ("workloads-1.37", Version::V1_37),
    ];
    let mut wrong = Vec::new();
    for (name, version) in files {
        let outcome = replay(name, version);
        println!(
            "{name}: {} taken, {} refused, {} skipped, {} wrong",
            outcome.taken,
            outcome.refused,
            outcome.skipped,
            outcome.wrong.len()
        );
        wrong.extend(outcome.wrong);
    }
    assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong[..wrong.len().min(60)].join("\n"));
}
