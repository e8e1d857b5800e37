//! Steps on a small cluster become verdicts. What each must be was observed on a real server: the numbers are those of the cases
//! in Kubernetes' behaviour that a text diff gets wrong (see docs/architecture.md).

use rollcast::fleet::pipeline::{Action, Applier, PatchType, Step, Who};
use rollcast::object::{ObjectId, Value, json};
use rollcast::roll::{Judged, Verdict, judge, merged};
use rollcast::schema::Version;
use rollcast::simulate::clients::Session;
use rollcast::simulate::controllers::{self, Until};
use rollcast::simulate::kubelet::{PodTiming, Timing};
use rollcast::simulate::pipeline::{Pace, Plan, Run, run};
use rollcast::simulate::{Body, Cluster, Request, Target, Verb, WriteOptions};
use std::collections::BTreeMap;
use std::time::Duration;

const SESSION: Session<'static> = Session { namespace: "ns", release: "", previous_release: None, given: &[] };

/// A cluster in which the object was created by a POST and its pods became ready.
fn cluster_with(object: &Value) -> Cluster {
    let mut cluster = crate::replay::fresh_cluster(Version::V1_36);
    let resource = format!("{}s", object["kind"].as_str().unwrap().to_lowercase());
    let target = Target { group: "apps".into(), version: "v1".into(), resource, namespace: "ns".into(), ..Target::default() };
    let options = WriteOptions { field_manager: "kubectl-create".into(), ..WriteOptions::default() };
    let response = cluster.write(&Request { verb: Verb::Create, target, options, body: Body::Value(object.clone()) });
    assert_eq!(response.code, 201, "{:?}", response.result);
    let times = PodTiming { start: Some(Duration::from_secs(3)), stop: Some(Duration::from_secs(1)) };
    cluster.controllers.timing = Timing { default: times, ..Timing::default() };
    controllers::run(&mut cluster, &Until::Settled);
    cluster
}

fn workload(kind: &str, spec: &Value) -> Value {
    let labels = json!({"app": "w"});
    let containers = json!([{"name": "c", "image": "r/c:1.0.0", "resources": {"requests": {"memory": "1Gi"}}}]);
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "w", "namespace": "ns"},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": containers}}},
    });
    for (key, value) in spec.as_object().unwrap() {
        object["spec"][key] = value.clone();
    }
    object
}

fn patch(kind: PatchType, patch: Value) -> Step {
    let action = Action::Patch { workloads: Vec::new(), kind, patch };
    Step { name: "patch".into(), action, continues: false }
}

fn image(tag: &str) -> Step {
    patch(PatchType::Strategic, json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "image": format!("r/c:{tag}")}]}}}}))
}

fn on(mut step: Step, kind: &str) -> Step {
    if let Action::Patch { workloads, .. } = &mut step.action {
        workloads.push(format!("{}/w", kind.to_lowercase()));
    }
    step
}

fn run_on(object: &Value, steps: &[Step], pace: Pace) -> (Run, Judged) {
    let kind = object["kind"].as_str().unwrap();
    let steps: Vec<Step> = steps.iter().map(|s| on(s.clone(), kind)).collect();
    let files = BTreeMap::new();
    let plan = Plan { steps: &steps, manifests: std::slice::from_ref(object), files: &files, pace, session: SESSION };
    let mut cluster = cluster_with(object);
    cluster.controllers.happenings.clear();
    let run = run(cluster, &plan);
    let judged = judge(&run).into_iter().find(|j| j.workload.name == "w").unwrap();
    (run, judged)
}

fn codes(judged: &Judged) -> Vec<&'static str> {
    judged.reasons.iter().map(|(_, r)| r.code()).collect()
}

#[test]
fn a_changed_image_rolls_and_names_the_field() {
    let (_, judged) = run_on(&workload("Deployment", &json!({})), &[image("1.0.1")], Pace::Settle);
    assert_eq!((judged.verdict, judged.revisions, judged.rolls.clone()), (Verdict::Rolls, 1, vec![1]));
    assert_eq!(codes(&judged), ["template-changed"]);
    assert_eq!(judged.timeline.downtime, Some(Duration::ZERO));
}

#[test]
fn there_and_back_is_two_rolls_with_the_old_revision_used_again() {
    let (_, judged) = run_on(&workload("Deployment", &json!({})), &[image("1.0.1"), image("1.0.0")], Pace::Settle);
    assert_eq!((judged.revisions, judged.rolls.clone(), judged.pods_replaced), (2, vec![1, 1], 2));
    assert_eq!(codes(&judged), ["template-changed", "template-changed", "returns-to-revision"]);
}

#[test]
fn the_same_number_in_other_notation_rolls_only_a_stateful_set() {
    let notation = || {
        patch(
            PatchType::Strategic,
            json!({"spec": {"template": {"spec": {"containers": [{"name": "c", "resources": {"requests": {"memory": "1073741824"}}}]}}}}),
        )
    };
    let (_, deployment) = run_on(&workload("Deployment", &json!({})), &[notation()], Pace::Settle);
    assert_eq!((deployment.verdict, deployment.revisions), (Verdict::Stays, 0));
    assert_eq!(codes(&deployment), ["same-value"]);
    let (_, set) = run_on(&workload("StatefulSet", &json!({"serviceName": "w"})), &[notation()], Pace::Settle);
    assert_eq!((set.verdict, set.revisions), (Verdict::Rolls, 1));
}

#[test]
fn recreate_is_down_for_stop_and_start() {
    let (_, judged) = run_on(&workload("Deployment", &json!({"strategy": {"type": "Recreate"}})), &[image("1.0.1")], Pace::Settle);
    assert_eq!(judged.rolls, [1]);
    assert_eq!(codes(&judged), ["template-changed"]);
    assert_eq!(judged.timeline.downtime, Some(Duration::from_secs(4)));
}

#[test]
fn a_paused_deployment_is_pending_until_it_is_resumed() {
    let pause = |paused: bool| patch(PatchType::Merge, json!({"spec": {"paused": paused}}));
    let (_, waits) = run_on(&workload("Deployment", &json!({})), &[pause(true), image("1.0.1")], Pace::Settle);
    assert_eq!((waits.rolls.clone(), waits.revisions), (vec![0, 0], 0));
    let steps = [pause(true), image("1.0.1"), image("1.0.2"), pause(false)];
    let (_, once) = run_on(&workload("Deployment", &json!({})), &steps, Pace::Settle);
    assert_eq!((once.verdict, once.rolls.clone()), (Verdict::Rolls, vec![0, 0, 0, 1]));
    assert!(codes(&once).contains(&"resumed"), "{:?}", codes(&once));
}

#[test]
fn a_partition_holds_and_lets_go() {
    let object = workload(
        "StatefulSet",
        &json!({"serviceName": "w", "replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 3}}}),
    );
    let lower = patch(PatchType::Merge, json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 0}}}}));
    let (_, judged) = run_on(&object, &[image("1.0.1"), lower], Pace::Settle);
    assert_eq!((judged.revisions, judged.rolls.clone(), judged.pods_replaced), (1, vec![0, 1], 3));
    assert_eq!(codes(&judged), ["template-changed", "partition-holds", "partition-lowered"]);
}

#[test]
fn on_delete_is_pending() {
    let object = workload("DaemonSet", &json!({"updateStrategy": {"type": "OnDelete"}}));
    let (_, judged) = run_on(&object, &[image("1.0.1")], Pace::Settle);
    assert_eq!((judged.verdict, judged.revisions, judged.rolls.clone()), (Verdict::Pending, 1, vec![0]));
    assert_eq!(codes(&judged), ["template-changed", "on-delete"]);
}

#[test]
fn scaling_replaces_no_pod() {
    let scale = patch(PatchType::Merge, json!({"spec": {"replicas": 4}}));
    let (_, judged) = run_on(&workload("Deployment", &json!({"replicas": 2})), &[scale], Pace::Settle);
    assert_eq!((judged.verdict, judged.pods_replaced), (Verdict::Stays, 0));
    assert_eq!(codes(&judged), ["outside-template"]);
}

#[test]
fn replicas_and_image_in_one_write_replace_the_pods_that_were_kept() {
    let both = json!({"spec": {"replicas": 2, "template": {"spec": {"containers": [{"name": "c", "image": "r/c:1.0.1"}]}}}});
    let (_, judged) = run_on(&workload("Deployment", &json!({"replicas": 5})), &[patch(PatchType::Strategic, both)], Pace::Settle);
    assert_eq!((judged.rolls.clone(), judged.pods_replaced), (vec![1], 2));
}

#[test]
fn a_pipeline_that_does_not_wait_rolls_once() {
    let steps = [image("1.0.1"), image("1.0.2")];
    let (_, judged) = run_on(&workload("Deployment", &json!({"strategy": {"type": "Recreate"}})), &steps, Pace::Script);
    assert_eq!(judged.rolls.iter().sum::<u32>(), 1);
}

#[test]
fn a_refused_write_stops_the_pipeline() {
    let selector = patch(PatchType::Merge, json!({"spec": {"selector": {"matchLabels": {"app": "other"}}}}));
    let (run, judged) = run_on(&workload("Deployment", &json!({})), &[selector, image("1.0.1")], Pace::Settle);
    assert_eq!(run.steps.iter().map(|s| format!("{:?}", s.ended)).collect::<Vec<_>>(), ["Failed", "Skipped"]);
    assert_eq!((judged.verdict, judged.rolls.clone()), (Verdict::Stays, vec![0, 0]));
    assert_eq!(codes(&judged), ["refused"]);
}

#[test]
fn replacing_by_force_is_no_revision() {
    let object = workload("Deployment", &json!({}));
    let step = Step { name: "replace".into(), action: Action::Replace { force: true, files: Vec::new() }, continues: false };
    let (_, judged) = run_on(&object, &[step], Pace::Settle);
    assert_eq!((judged.recreated, judged.revisions, judged.rolls.clone()), (1, 0, vec![0]));
    assert_eq!(judged.verdict, Verdict::Rolls);
}

/// A workload that two commands delete and make again, as a script does it.
fn deleted_then_applied(orphan: bool) -> Judged {
    let object = workload("StatefulSet", &json!({"serviceName": "w", "replicas": 2}));
    let delete = Action::Delete { objects: vec!["statefulset/w".into()], orphan };
    let apply = Action::Apply { applier: Applier { who: Who::KubectlServer, field_manager: None, force: None }, files: Vec::new() };
    let steps = [("delete", delete), ("apply", apply)].map(|(name, action)| Step { name: name.into(), action, continues: false });
    run_on(&object, &steps, Pace::Settle).1
}

#[test]
fn deleted_by_one_step_and_made_by_the_next_its_pods_are_replaced() {
    let judged = deleted_then_applied(false);
    assert_eq!((judged.verdict, judged.recreated, judged.cost, judged.pods_replaced), (Verdict::Rolls, 1, 1, 2));
    assert_eq!(codes(&judged), ["recreated"]);
}

#[test]
fn pods_that_were_left_are_adopted_and_cost_nothing() {
    let judged = deleted_then_applied(true);
    assert_eq!((judged.verdict, judged.recreated, judged.cost, judged.pods_replaced), (Verdict::Stays, 1, 0, 0));
    assert_eq!(codes(&judged), ["recreated-in-place"]);
}

#[test]
fn the_merged_pipeline_was_run_and_ends_the_same() {
    let mut next = workload("Deployment", &json!({}));
    let containers = next["spec"]["template"]["spec"]["containers"].as_array_mut().unwrap();
    containers.push(json!({"name": "side", "image": "r/side:1.0.0"}));
    let start = cluster_with(&next);
    for (i, name) in ["c", "side"].iter().enumerate() {
        next["spec"]["template"]["spec"]["containers"][i]["image"] = format!("r/{name}:1.0.1").into();
    }
    let applier = Applier { who: Who::KubectlServer, field_manager: None, force: Some(true) };
    let one = Action::SetImages { containers: vec!["c".into()], images: BTreeMap::new(), workloads: Vec::new() };
    let steps = [
        Step { name: "images".into(), action: one, continues: false },
        Step { name: "apply".into(), action: Action::Apply { applier, files: Vec::new() }, continues: false },
    ];
    let files = BTreeMap::new();
    let manifests = [next];
    let plan = Plan { steps: &steps, manifests: &manifests, files: &files, pace: Pace::Settle, session: SESSION };
    let twice = run(start.clone(), &plan);
    let judged = judge(&twice);
    assert_eq!(judged[0].rolls, [1, 1]);
    let merged = merged(&start, &plan, &twice, &judged).expect("the images can be set together");
    assert_eq!(merged.judged[0].rolls.iter().sum::<u32>(), 1);
    let id = ObjectId::of(&manifests[0]);
    let template = |cluster: &Cluster| cluster.store.get(&id).unwrap()["spec"]["template"].clone();
    assert_eq!(template(&merged.run.cluster), template(&twice.cluster));
}

/// Rules in CEL that a custom resource may break: if it is refused, the steps after it are not run, unless they are run anyway.
#[test]
fn what_comes_after_rules_that_nobody_evaluates_is_unknown() {
    let rules = json!([{"rule": "self.size < 5"}]);
    let schema = |rules: &Value| json!({"type": "object", "properties": {"size": {"type": "integer"}}, "x-kubernetes-validations": rules});
    let definition = |rules: &Value| {
        let version = json!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema(rules)}});
        let names = json!({"plural": "things", "singular": "thing", "kind": "Thing", "listKind": "ThingList"});
        json!({"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition", "metadata": {"name": "things.example.com"},
            "spec": {"group": "example.com", "scope": "Namespaced", "names": names, "versions": [version]}})
    };
    let thing = json!({"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "t", "namespace": "ns"}, "size": 3});
    let verdict = |rules: &Value, continues: bool| {
        let object = workload("Deployment", &json!({}));
        let mut cluster = cluster_with(&object);
        let target = Target {
            group: "apiextensions.k8s.io".into(),
            version: "v1".into(),
            resource: "customresourcedefinitions".into(),
            ..Target::default()
        };
        let body = Body::Value(definition(rules));
        let made = cluster.write(&Request { verb: Verb::Create, target, options: WriteOptions::default(), body });
        assert_eq!(made.code, 201, "{:?}", made.result);
        cluster.controllers.happenings.clear();
        let file = std::path::PathBuf::from("thing.yaml");
        let files = BTreeMap::from([(file.clone(), vec![thing.clone()])]);
        let apply = Action::Apply { applier: Applier { who: Who::KubectlServer, field_manager: None, force: None }, files: vec![file] };
        let steps = [Step { name: "thing".into(), action: apply, continues }, on(image("1.0.1"), "Deployment")];
        let plan = Plan { steps: &steps, manifests: std::slice::from_ref(&object), files: &files, pace: Pace::Settle, session: SESSION };
        let judged = judge(&run(cluster, &plan));
        judged.into_iter().find(|j| j.workload.name == "w").unwrap().verdict
    };
    assert_eq!(verdict(&rules, false), Verdict::Unknown);
    assert_eq!(verdict(&rules, true), Verdict::Rolls);
    assert_eq!(verdict(&json!(null), false), Verdict::Rolls);
}
