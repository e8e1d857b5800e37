//! Each command against what the real kubectl sent in the same situation: `tests/conformance/clients/README.md`.

use super::{Api, Outcome, Session, run};
use crate::fleet::pipeline::{Action, Applier, PatchType, Who};
use crate::object::{ObjectId, Value, items, json, map_at, text};
use crate::schema::{Resource, Schema, Type, Version};
use crate::simulate::request::{Body, PatchKind, Request, Response, Verb};
use crate::simulate::status::{ApiError, Cause, Reason};
use std::collections::BTreeMap;
use std::io::Read;
use std::slice::from_ref;
use std::sync::Arc;

/// A server that gives the recorded answers one after the other.
struct Recorded<'c> {
    objects: BTreeMap<ObjectId, Arc<Value>>,
    answers: std::slice::Iter<'c, Value>,
    sent: Vec<Request>,
    now: String,
}

impl<'c> Recorded<'c> {
    fn new(case: &'c Value) -> Self {
        let objects = items(case, &["before"]).iter().map(|object| (ObjectId::of(object), Arc::new(object.clone()))).collect();
        let requests = items(case, &["requests"]);
        let restarted = ["body", "spec", "template", "metadata", "annotations", "kubectl.kubernetes.io/restartedAt"];
        let now = requests.first().map(|request| text(request, &restarted).to_owned()).unwrap_or_default();
        Self { objects, answers: requests.iter(), sent: Vec::new(), now }
    }
}

impl Api for Recorded<'_> {
    fn schema(&self) -> &'static Schema {
        Schema::of(Version::V1_36)
    }

    fn find_resource(&self, wanted: &dyn Fn(&Resource) -> bool) -> Option<Resource> {
        let widget = Resource {
            group: "example.com".into(),
            version: "v1".into(),
            resource: "widgets".into(),
            kind: "Widget".into(),
            namespaced: true,
            singular: "widget".into(),
            ty: Some(Type::Any),
            ..Resource::default()
        };
        let built_in = self.schema().resources().iter().filter(|r| !r.resource.contains('/'));
        built_in.chain([&widget]).find(|r| wanted(r)).cloned()
    }

    fn get(&self, id: &ObjectId) -> Option<Arc<Value>> {
        self.objects.get(id).cloned()
    }

    fn list(&self, group: &str, kind: &str, namespace: &str) -> Vec<Arc<Value>> {
        let wanted = |id: &ObjectId| id.group == group && id.kind == kind && id.namespace == namespace;
        self.objects.iter().filter(|(id, _)| wanted(id)).map(|(_, object)| Arc::clone(object)).collect()
    }

    fn write(&mut self, request: &Request) -> Response {
        self.sent.push(request.clone());
        let answer = self.answers.next().unwrap_or_else(|| panic!("more than kubectl sent: {request:?}"));
        let (code, object) = (answer["code"].as_u64().unwrap() as u16, Arc::new(answer["response"].clone()));
        let reason = match code {
            404 => Reason::NotFound,
            409 => Reason::Conflict,
            422 => Reason::Invalid,
            _ => Reason::BadRequest,
        };
        if code >= 400 {
            let mut error = ApiError::new(code, reason, text(&object, &["message"]));
            for cause in items(&object, &["details", "causes"]) {
                let (message, field) = (text(cause, &["message"]).to_owned(), text(cause, &["field"]).to_owned());
                error.causes.push(Cause { reason: "", message, field });
            }
            return Response { code, result: Err(error), warnings: Vec::new() };
        }
        if request.verb == Verb::Delete {
            self.objects.retain(|id, _| id.name != request.target.name || id.kind == "ReplicaSet");
        } else if request.target.subresource.is_empty() {
            self.objects.insert(ObjectId::of(&object), Arc::clone(&object));
        }
        Response { code, result: Ok(object), warnings: Vec::new() }
    }

    fn now_text(&self) -> String {
        self.now.clone()
    }
}

fn words(value: &Value) -> Vec<String> {
    value.as_array().into_iter().flatten().map(|v| v.as_str().unwrap().to_owned()).collect()
}

fn table(value: &Value) -> BTreeMap<String, String> {
    value.as_object().into_iter().flatten().map(|(k, v)| (k.to_string(), v.as_str().unwrap().to_owned())).collect()
}

fn action(recorded: &Value) -> Action {
    let (name, what) = recorded.as_object().unwrap().iter().next().unwrap();
    let workloads = words(&what["workloads"]);
    match name.as_str() {
        "set-images" => Action::SetImages { containers: words(&what["containers"]), images: table(&what["images"]), workloads },
        "set-env" => {
            let env = what["env"].as_object().unwrap().iter().map(|(k, v)| (k.to_string(), v.as_str().map(str::to_owned))).collect();
            Action::SetEnv { containers: words(&what["containers"]), workloads, env }
        }
        "set-resources" => {
            let (requests, limits) = (table(&what["requests"]), table(&what["limits"]));
            Action::SetResources { containers: words(&what["containers"]), workloads, requests, limits }
        }
        "restart" => Action::Restart { workloads },
        "pause" => Action::Pause { workloads },
        "resume" => Action::Resume { workloads },
        "undo" => Action::Undo { workloads, to_revision: what["to"].as_i64() },
        "scale" => Action::Scale { workloads, replicas: what["replicas"].as_i64().unwrap() },
        "patch" => {
            let kind = match text(what, &["type"]) {
                "strategic" => PatchType::Strategic,
                "merge" => PatchType::Merge,
                _ => PatchType::Json,
            };
            Action::Patch { workloads, kind, patch: what["patch"].clone() }
        }
        "apply" => {
            let who = match what.as_str().unwrap() {
                "kubectl" => Who::Kubectl,
                "argo" => Who::ArgoCd,
                _ => Who::KubectlServer,
            };
            Action::Apply { applier: Applier { who, field_manager: None, force: None }, files: Vec::new() }
        }
        "replace" => Action::Replace { force: *what == true, files: Vec::new() },
        _ => Action::Delete { objects: words(what), orphan: recorded["orphan"] == true },
    }
}

/// A request as one line and its body.
fn shown(request: &Request) -> (String, Value) {
    let (target, options) = (&request.target, &request.options);
    let (method, content) = match request.verb {
        Verb::Create => ("POST", "application/json"),
        Verb::Update => ("PUT", "application/json"),
        Verb::Patch(PatchKind::Json) => ("PATCH", "application/json-patch+json"),
        Verb::Patch(PatchKind::Merge) => ("PATCH", "application/merge-patch+json"),
        Verb::Patch(PatchKind::Strategic) => ("PATCH", "application/strategic-merge-patch+json"),
        Verb::Patch(PatchKind::Apply) => ("PATCH", "application/apply-patch+yaml"),
        Verb::Delete | Verb::DeleteCollection => ("DELETE", "application/json"),
    };
    let mut path =
        if target.group.is_empty() { format!("/api/{}", target.version) } else { format!("/apis/{}/{}", target.group, target.version) };
    path += &format!("/namespaces/{}/{}", target.namespace, target.resource);
    for part in [&target.name, &target.subresource] {
        path += &if part.is_empty() { String::new() } else { format!("/{part}") };
    }
    let force = options.force.map(|force| force.to_string()).unwrap_or_default();
    let query = [
        ("dryRun", &options.dry_run),
        ("fieldManager", &options.field_manager),
        ("fieldValidation", &options.field_validation),
        ("force", &force),
    ];
    let query: Vec<String> = query.iter().filter(|(_, value)| !value.is_empty()).map(|(key, value)| format!("{key}={value}")).collect();
    let query = if query.is_empty() { String::new() } else { format!("?{}", query.join("&")) };
    let Body::Value(body) = &request.body else { panic!("a client sends values") };
    (format!("{method} {path}{query} {content}"), body.clone())
}

/// A body without what the recording kubectl (1.32) does otherwise than 1.36, and without the times of managed fields.
fn comparable(mut body: Value) -> Value {
    for operation in body.as_array_mut().into_iter().flatten() {
        if operation["path"] == "/metadata/managedFields" {
            operation["value"].as_array_mut().unwrap().iter_mut().for_each(|entry| drop(map_at(entry, &[]).shift_remove("time")));
        }
        if operation["path"] == "/spec/template" {
            map_at(&mut operation["value"], &["metadata"]).retain(|_, value| !value.is_null());
        }
    }
    body
}

fn check(case: &Value) -> Result<(), String> {
    let mut api = Recorded::new(case);
    let session = Session { namespace: text(case, &["namespace"]), release: "", previous_release: None, given: &[] };
    let performed = run(&mut api, &action(&case["action"]), items(case, &["manifests"]), &session);
    let recorded = items(case, &["requests"]);
    for (i, request) in api.sent.iter().enumerate() {
        let (line, body) = shown(request);
        let want = &recorded[i];
        let wanted = format!("{} {} {}", text(want, &["method"]), text(want, &["path"]), text(want, &["type"]));
        if line != wanted {
            return Err(format!("sends\n  {line}\ninstead of\n  {wanted}"));
        }
        if comparable(body.clone()) != comparable(want["body"].clone()) {
            return Err(format!("sends\n  {body}\ninstead of\n  {}", want["body"]));
        }
    }
    if api.sent.len() != recorded.len() {
        return Err(format!("sends {} requests instead of {}", api.sent.len(), recorded.len()));
    }
    let [one] = &performed[..] else { return Err(format!("{} are performed", performed.len())) };
    let (failed, out, err) = (case["exit"] != 0, text(case, &["stdout"]).trim(), text(case, &["stderr"]).trim());
    let said = match &one.outcome {
        // Between its parts kubectl names the file, and 1.32 says something else first.
        Outcome::Failed(why) => {
            failed && why.split("Error from server (NotFound): ").all(|part| err.contains(part.trim_start_matches("error: ")))
        }
        Outcome::Skipped(why) => !failed && (out.contains(why.as_str()) || err.contains(why.trim_start_matches("it "))),
        Outcome::Unchanged => !failed && (out.is_empty() || out.ends_with("unchanged") || out.ends_with("(no change)")),
        other => !failed && (out.ends_with(&other.to_string()) || *other == Outcome::Deleted && out.contains(" deleted")),
    };
    if said { Ok(()) } else { Err(format!("says {:?} instead of {out} {err}", one.outcome)) }
}

#[test]
fn requests_are_kubectls() {
    let packed = std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/conformance/clients/cases.json.gz")).unwrap();
    let mut json = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut json).unwrap();
    let cases: Value = serde_json::from_str(&json).unwrap();
    let wrong: Vec<String> = items(&cases, &[])
        .iter()
        .filter_map(|case| check(case).err().map(|why| format!("{} ({}) {why}", case["name"], text(case, &["command"]))))
        .collect();
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), items(&cases, &[]).len(), wrong.join("\n\n"));
    assert!(items(&cases, &[]).len() > 70);
}

/// A server that takes everything: what is applied or created is stored as it is, any other patch leaves the object as it was.
struct Willing {
    objects: BTreeMap<ObjectId, Arc<Value>>,
    sent: Vec<String>,
}

impl Willing {
    fn with(objects: &[Value]) -> Self {
        let objects = objects.iter().map(|object| (ObjectId::of(object), Arc::new(object.clone()))).collect();
        Self { objects, sent: Vec::new() }
    }
}

impl Api for Willing {
    fn schema(&self) -> &'static Schema {
        Schema::of(Version::V1_36)
    }

    fn find_resource(&self, wanted: &dyn Fn(&Resource) -> bool) -> Option<Resource> {
        self.schema().resources().iter().filter(|r| !r.resource.contains('/')).find(|r| wanted(r)).cloned()
    }

    fn get(&self, id: &ObjectId) -> Option<Arc<Value>> {
        self.objects.get(id).cloned()
    }

    fn list(&self, _: &str, _: &str, _: &str) -> Vec<Arc<Value>> {
        Vec::new()
    }

    fn write(&mut self, request: &Request) -> Response {
        let (line, body) = shown(request);
        self.sent.push(format!("{line} {body}"));
        let there = self.objects.values().find(|object| text(object, &["metadata", "name"]) == request.target.name).cloned();
        let result = match request.verb {
            Verb::Create | Verb::Update | Verb::Patch(PatchKind::Apply) => Arc::new(body),
            _ => there.unwrap_or_default(),
        };
        if request.options.dry_run.is_empty() && request.verb == Verb::Create {
            self.objects.insert(ObjectId::of(&result), Arc::clone(&result));
        }
        Response { code: 200, result: Ok(result), warnings: Vec::new() }
    }

    fn now_text(&self) -> String {
        String::new()
    }
}

const SESSION: Session<'_> = Session { namespace: "ns", release: "", previous_release: None, given: &[] };

fn config_map(data: Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "ns"}, "data": data})
}

fn applied(api: &mut Willing, who: Who, manifests: &[Value], session: &Session<'_>) -> Vec<String> {
    let action = Action::Apply { applier: Applier { who, field_manager: None, force: None }, files: Vec::new() };
    run(api, &action, manifests, session).into_iter().map(|p| format!("{} {}", p.object, p.outcome)).collect()
}

#[test]
fn flux_applies_what_has_drifted() {
    let (old, new) = (config_map(json!({"a": "1"})), config_map(json!({"a": "2"})));
    let dry =
        "PATCH /api/v1/namespaces/ns/configmaps/c?dryRun=All&fieldManager=kustomize-controller&force=true application/apply-patch+yaml";
    let mut api = Willing::with(from_ref(&old));
    assert_eq!(applied(&mut api, Who::Flux, from_ref(&old), &SESSION), ["ConfigMap/ns/c unchanged"]);
    assert_eq!(api.sent, [format!("{dry} {old}")]);

    let mut api = Willing::with(from_ref(&old));
    assert_eq!(applied(&mut api, Who::Flux, from_ref(&new), &SESSION), ["ConfigMap/ns/c configured"]);
    assert_eq!(api.sent, [format!("{dry} {new}"), format!("{} {new}", dry.replace("dryRun=All&", ""))]);

    let mut api = Willing::with(&[]);
    assert_eq!(applied(&mut api, Who::Flux, &[new], &SESSION), ["ConfigMap/ns/c created"]);
}

#[test]
fn flux_takes_over_from_kubectl() {
    let mut live = config_map(json!({"a": "1"}));
    live["metadata"]["annotations"] = json!({"kubectl.kubernetes.io/last-applied-configuration": "{}"});
    live["metadata"]["managedFields"] = json!([
        {"manager": "kubectl-client-side-apply", "operation": "Update", "fieldsV1": {"f:data": {"f:a": {}}}},
        {"manager": "other", "operation": "Update", "fieldsV1": {"f:data": {"f:b": {}}}},
        {"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:data": {".": {}, "f:c": {}}}},
    ]);
    let mut api = Willing::with(&[live]);
    applied(&mut api, Who::Flux, &[config_map(json!({"a": "1"}))], &SESSION);
    let (_, patch) = api.sent[1].split_once("json-patch+json ").unwrap();
    let patch: Value = serde_json::from_str(patch).unwrap();
    let want = json!([
        {"op": "remove", "path": "/metadata/annotations/kubectl.kubernetes.io~1last-applied-configuration"},
        {"op": "replace", "path": "/metadata/managedFields", "value": [
            {"manager": "other", "operation": "Update", "fieldsV1": {"f:data": {"f:b": {}}}},
            {"manager": "kustomize-controller", "operation": "Apply", "fieldsV1": {"f:data": {".": {}, "f:a": {}, "f:c": {}}}},
        ]},
    ]);
    assert_eq!(patch, want);
    assert_eq!(api.sent.len(), 3);
}

#[test]
fn helm_patches_from_the_previous_release_and_deletes_what_it_lost() {
    let live = config_map(json!({"a": "1", "b": "1", "foreign": "x"}));
    let mut gone = config_map(json!({}));
    gone["metadata"]["name"] = "gone".into();
    let previous = [config_map(json!({"a": "1", "b": "1"})), gone.clone()];
    let session = Session { previous_release: Some(&previous), ..SESSION };
    let mut api = Willing::with(&[live.clone(), gone]);
    let said = applied(&mut api, Who::Helm, &[config_map(json!({"a": "2"}))], &session);
    assert_eq!(said, ["ConfigMap/ns/c configured", "ConfigMap/ns/gone deleted"]);
    let patch =
        r#"PATCH /api/v1/namespaces/ns/configmaps/c?fieldManager=helm application/strategic-merge-patch+json {"data":{"b":null,"a":"2"}}"#;
    let delete = r#"DELETE /api/v1/namespaces/ns/configmaps/gone application/json {"propagationPolicy":"Background"}"#;
    assert_eq!(api.sent, [patch, delete]);
}

#[test]
fn helm_without_the_previous_release_applies_on_the_server() {
    let mut live = config_map(json!({"a": "1"}));
    live["metadata"]["managedFields"] = json!([{"manager": "helm", "operation": "Update", "fieldsV1": {"f:data": {}}}]);
    let mut api = Willing::with(&[live]);
    let session = Session { release: "r", ..SESSION };
    assert_eq!(applied(&mut api, Who::Helm, &[config_map(json!({"a": "2"}))], &session), ["ConfigMap/ns/c configured"]);
    assert!(
        api.sent[0]
            .starts_with("PATCH /api/v1/namespaces/ns/configmaps/c?fieldManager=helm&fieldValidation=Strict application/json-patch+json")
    );
    assert!(api.sent[1].contains("?fieldManager=helm&fieldValidation=Strict&force=false application/apply-patch+yaml"), "{}", api.sent[1]);
    assert!(api.sent[1].contains(r#""meta.helm.sh/release-name":"r""#), "{}", api.sent[1]);
}

#[test]
fn images_come_from_the_override_or_else_from_the_manifest() {
    let workload = |image: &str| {
        let containers = json!([{"name": "agent", "image": image}, {"name": "side", "image": image}]);
        json!({"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "w", "namespace": "ns"},
            "spec": {"template": {"spec": {"containers": containers}}}})
    };
    let set = |containers: &[&str], images: &[(&str, &str)], workloads: &[&str], manifests: &[Value]| {
        let action = Action::SetImages {
            containers: containers.iter().map(|c| (*c).to_owned()).collect(),
            images: images.iter().map(|(c, i)| ((*c).to_owned(), (*i).to_owned())).collect(),
            workloads: workloads.iter().map(|w| (*w).to_owned()).collect(),
        };
        let performed = run(&mut Willing::with(&[workload("x:1")]), &action, manifests, &SESSION);
        performed.into_iter().map(|p| format!("{} # {}", p.command, p.outcome)).collect::<Vec<_>>()
    };
    let new = [workload("x:2"), config_map(json!({}))];
    assert_eq!(set(&["agent"], &[], &[], &new), ["kubectl set image statefulset/w -n ns agent=x:2 # image updated"]);
    assert_eq!(set(&[], &[("side", "y:1")], &[], &new), ["kubectl set image statefulset/w -n ns agent=x:2 side=y:1 # image updated"]);
    assert_eq!(set(&["agent"], &[], &[], &[workload("x:1")]), ["kubectl set image statefulset/w -n ns agent=x:1 # unchanged"]);
    let skipped = "skipped: it has none of the containers whose images are set";
    assert_eq!(set(&["nope"], &[], &[], &new), [format!("kubectl set image statefulset/w -n ns # {skipped}")]);
    assert_eq!(set(&[], &[("agent", "y:1")], &["sts/ns/w"], &[]), ["kubectl set image statefulset/w -n ns agent=y:1 # image updated"]);
    assert_eq!(set(&[], &[], &["bogus/w"], &new), [r#"kubectl set image # error: the server doesn't have a resource type "bogus""#]);
}

#[test]
fn commands_are_quoted_for_a_shell() {
    let workloads = vec!["deploy.v1.apps/ns/d".to_owned()];
    let action = Action::Patch { workloads, kind: PatchType::Merge, patch: json!({"a": "it's"}) };
    let performed = run(&mut Willing::with(&[]), &action, &[], &SESSION);
    assert_eq!(performed[0].command, r#"kubectl patch deployment/d -n ns --type=merge -p '{"a":"it'\''s"}'"#);
    assert_eq!(performed[0].outcome.to_string(), r#"Error from server (NotFound): deployments.apps "d" not found"#);
}

#[test]
fn a_script_is_left_to_its_rehearsal() {
    let performed = run(&mut Willing::with(&[]), &Action::Run { command: "deploy.sh".into() }, &[], &SESSION);
    assert!(matches!(performed[0].outcome, Outcome::Unknown(_)));
    assert!(performed[0].exchanges.is_empty());
}
