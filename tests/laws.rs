//! What holds for every object and every write, checked in process on objects that the generator of `tests/differential` draws.
//!
//! Each run draws others. A failure names the `seed` of its case; `ROLLCAST_LAWS=SEED` checks that one alone and shows its
//! writes, and `ROLLCAST_LAWS_CASES=N` draws N instead of 40. The exceptions that a law has are the server's own, and stand where they are made.

use crate::answers::request;
use crate::draw::Drawing;
use crate::kinds::Kind;
use crate::ours::Ours;
use crate::random::Random;
use crate::sequence::{Sequence, sequence, without_server_fields};
use proptest::prelude::{Just, ProptestConfig, Strategy, any};
use proptest::{prop_assert, prop_assert_eq, prop_assume, proptest};
use rollcast::fleet::pipeline::{Action, Applier, PatchType, Step, Who};
use rollcast::object::quantity::Quantity;
use rollcast::object::{Gvk, ObjectId, Value, json, text};
use rollcast::roll::{judge, merged};
use rollcast::schema::{Schema, Version, decode};
use rollcast::simulate::Cluster;
use rollcast::simulate::clients::Session;
use rollcast::simulate::controllers::{self, Until};
use rollcast::simulate::kubelet::{PodTiming, Timing};
use rollcast::simulate::pipeline::{Pace, Plan, run};
use std::collections::BTreeMap;
use std::time::Duration;

const VERSION: Version = Version::V1_36;
const NAMESPACE: &str = "law";
/// Fields behind gates that are off: who sends one owns it, though the strategy drops it afterwards. The server decides about owners
/// before its strategies run (`endpoints/handlers/create.go`, `update.go`; asked of a 1.36.2 server).
/// So it is with what a Service may only have in another type (`pkg/registry/core/service/strategy.go:dropTypeDependentFields`), and
/// with the source of a claim that is none (`pkg/api/persistentvolumeclaim/util.go:DropDisabledFields`); defaulting too comes after an apply's owners.
const DROPPED: [&str; 15] = [
    "f:schedulingGroup",
    "f:maxUnavailable",
    "f:stopSignal",
    "f:allocateLoadBalancerNodePorts",
    "f:loadBalancerClass",
    "f:healthCheckNodePort",
    "f:nodePort",
    "f:externalTrafficPolicy",
    "f:ipFamilies",
    "f:ipFamilyPolicy",
    "f:clusterIP",
    "f:clusterIPs",
    "f:sessionAffinityConfig",
    "f:dataSource",
    "f:dataSourceRef",
];

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().map(|text| text.parse().expect("a number"))
}

/// The seeds of the cases: fresh ones, or the one that was asked for.
fn seeds() -> impl Strategy<Value = u64> {
    match number("ROLLCAST_LAWS") {
        Some(seed) => Just(seed).boxed(),
        None => any::<u64>().boxed(),
    }
}

/// The writes of a seed; shown where a seed was asked for.
fn writes(seed: u64, kinds: &[String]) -> Sequence {
    let sequence = sequence(VERSION, seed, kinds, NAMESPACE);
    if number("ROLLCAST_LAWS").is_some() {
        for step in &sequence.steps {
            println!("{} {} {} {}", step["method"], step["path"], step["query"], step["body"]);
        }
    }
    sequence
}

/// A case has a seed, which does not shrink.
fn config() -> ProptestConfig {
    drawing(number("ROLLCAST_LAWS_CASES").unwrap_or(40))
}

/// The same for a law whose cases take longer.
fn config_of_few() -> ProptestConfig {
    drawing(number("ROLLCAST_LAWS_CASES").unwrap_or(12))
}

fn drawing(cases: u64) -> ProptestConfig {
    let cases = if number("ROLLCAST_LAWS").is_some() { 1 } else { cases };
    let cases = u32::try_from(cases).unwrap();
    ProptestConfig { cases, max_global_rejects: 100 * cases, failure_persistence: None, max_shrink_iters: 0, ..ProptestConfig::default() }
}

/// An object as the writes of a seed leave it.
fn drawn(seed: u64) -> (Sequence, Ours) {
    let sequence = writes(seed, &[]);
    let mut ours = Ours::new(VERSION, sequence.kind, NAMESPACE);
    for step in &sequence.steps {
        ours.send(step);
    }
    (sequence, ours)
}

fn apply_step(kind: &Kind, manager: &str, body: &Value) -> Value {
    json!({"op": "apply", "method": "PATCH", "path": kind.path(), "query": {"fieldManager": manager},
        "content_type": "application/apply-patch+yaml", "body": body})
}

/// An object without its owners and its version: what an apply that claims what is there already must leave as it is.
fn content(object: &Value) -> Value {
    let mut object = object.clone();
    let metadata = object["metadata"].as_object_mut().unwrap();
    metadata.shift_remove("managedFields");
    metadata.shift_remove("resourceVersion");
    object
}

fn has_empties(value: &Value) -> bool {
    match value {
        Value::Object(map) => map.is_empty() || map.values().any(has_empties),
        Value::Array(items) => items.is_empty() || items.iter().any(has_empties),
        _ => false,
    }
}

/// Takes away what names a field only to empty it.
fn without_empties(value: &mut Value) {
    let empty = [json!(null), json!(0), json!(false), json!(""), json!([]), json!({})];
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(without_empties);
            map.retain(|_, v| !empty.contains(v));
        }
        Value::Array(items) => items.iter_mut().for_each(without_empties),
        _ => {}
    }
}

/// The owned places that an object does not have. `own` is taken out first: what another owner has there as well.
fn missing(fields: &Value, value: Option<&Value>, own: &Value, path: &str, out: &mut Vec<String>) {
    for (element, below) in fields.as_object().into_iter().flatten() {
        let here = format!("{path}/{element}");
        if element == "." || DROPPED.contains(&element.as_str()) || own.get(element) == Some(&json!({})) {
            continue;
        }
        let child = match element.split_once(':') {
            Some(("f", name)) => value.and_then(|v| v.get(name)),
            Some(("k", keys)) => {
                let keys: Value = serde_json::from_str(keys).unwrap();
                let matches = |item: &&Value| keys.as_object().unwrap().iter().all(|(k, v)| item.get(k) == Some(v));
                value.and_then(Value::as_array).and_then(|items| items.iter().find(matches))
            }
            Some(("v", wanted)) => {
                let wanted: Value = serde_json::from_str(wanted).unwrap();
                value.and_then(Value::as_array).and_then(|items| items.iter().find(|i| **i == wanted))
            }
            _ => None,
        };
        if child.is_none() {
            out.push(here.clone());
        } else {
            missing(below, child, own.get(element).unwrap_or(&Value::Null), &here, out);
        }
    }
}

fn owners(object: &Value) -> impl Iterator<Item = &Value> {
    object["metadata"]["managedFields"].as_array().into_iter().flatten()
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn applying_twice_is_applying_once(seed in seeds()) {
        let (sequence, mut ours) = drawn(seed);
        let applied = sequence.steps.iter().rev().find(|s| s["content_type"] == "application/apply-patch+yaml" && s["query"].get("dryRun").is_none());
        prop_assume!(applied.is_some());
        let step = applied.unwrap();
        // No controller comes in between: the one of Deployments fills annotations that were applied empty, and so takes them over.
        let first = ours.write(step);
        prop_assume!(first.code < 400);
        // Who applied nothing owns nothing; the next apply finds an object without owners, and calls them `before-first-apply`
        // (`managedfields/internal/skipnonapplied.go`, `fieldmanager.go`; asked of a 1.36.2 server).
        prop_assume!(first.stored.as_ref().is_some_and(|o| owners(o).next().is_some()));
        let mut second = ours.write(step);
        if sequence.kind.name == "NetworkPolicy" && has_empties(&step["body"]) {
            // To its strategy a list that was sent empty is not the one that is stored as none (`reflect.DeepEqual` of
            // `networkpolicy/strategy.go`; asked of a 1.36.2 server): each such apply is a new generation.
            let stored = second.stored.as_mut().unwrap();
            for key in ["generation", "resourceVersion"] {
                stored["metadata"][key] = first.stored.as_ref().unwrap()["metadata"][key].clone();
            }
        }
        prop_assert_eq!(&first.stored, &second.stored);
    }

    #[test]
    fn a_dry_run_is_a_run_without_storing(seed in seeds()) {
        let sequence = writes(seed, &[]);
        let mut ours = Ours::new(VERSION, sequence.kind, NAMESPACE);
        for step in sequence.steps.iter().filter(|s| s["method"] != "DELETE") {
            let before = ours.stored();
            let mut dry = step.clone();
            dry["query"]["dryRun"] = "All".into();
            let rehearsed = ours.send(&dry);
            prop_assert_eq!(&before, &ours.stored());
            let done = ours.send(step);
            prop_assert_eq!((rehearsed.code, without_uids(&rehearsed.message)), (done.code, without_uids(&done.message)));
            let unnumbered = |o: &Option<Value>| o.as_ref().map(|o| {
                let mut o = crate::answers::normalised(o);
                o.0["metadata"]["managedFields"] = std::mem::take(&mut o.1).into();
                o.0
            });
            prop_assert_eq!(unnumbered(&rehearsed.object), unnumbered(&done.object));
        }
    }

    #[test]
    fn every_owner_owns_something_that_exists(seed in seeds()) {
        let sequence = writes(seed, &[]);
        let mut ours = Ours::new(VERSION, sequence.kind, NAMESPACE);
        for step in &sequence.steps {
            ours.send(step);
            let Some(object) = ours.stored() else { continue };
            for owner in owners(&object) {
                prop_assert!(owner["fieldsV1"].as_object().is_some_and(|f| !f.is_empty()), "{}", owner);
                // An applier owns the empty lists and maps that it applied, which storage does not keep; controllers write the
                // status anew without a word.
                if owner["operation"] == "Update" && owner["subresource"] != "status" && owner["apiVersion"] == object["apiVersion"] {
                    let mut gone = Vec::new();
                    missing(&owner["fieldsV1"], Some(&object), &Value::Null, "", &mut gone);
                    prop_assert!(gone.is_empty(), "{:?} of {}", gone, owner["manager"]);
                }
            }
        }
    }

    #[test]
    fn a_new_manager_of_equal_content_changes_no_field(seed in seeds()) {
        let (sequence, mut ours) = drawn(seed);
        let before = ours.stored();
        prop_assume!(before.as_ref().is_some_and(|o| o["metadata"].get("deletionTimestamp").is_none()));
        let before = before.unwrap();
        let answer = ours.send(&apply_step(sequence.kind, "newcomer", &without_server_fields(&before)));
        // A set that was written with one value twice cannot be applied (structured-merge-diff `typed/validate.go`).
        prop_assume!(!answer.message.contains("duplicate entries for key"));
        // Nor can a list with an element that has no key, such as `secrets: [{}]` of a ServiceAccount: 500, from a 1.36.2 server too.
        prop_assume!(!answer.message.contains("omits all key fields"));
        prop_assert_eq!(answer.code, 200, "{}", answer.message);
        prop_assert_eq!(content(&before), content(&answer.object.unwrap()));
    }

    #[test]
    fn what_was_decoded_decodes_to_itself(seed in seeds()) {
        let (_, ours) = drawn(seed);
        let schema = Schema::of(VERSION);
        if let Some(object) = ours.stored() {
            // In the version that it came in: kinds that are converted are written in several.
            let gvk = Gvk::of(&object);
            let ty = schema.resource_of(&gvk.group, &gvk.version, &gvk.kind).and_then(|r| r.ty.clone()).unwrap();
            let again = decode::decode(schema, &ty, &object).unwrap();
            prop_assert!(again.unknown.is_empty());
            prop_assert_eq!(again.value, object);
        }
    }

    #[test]
    fn an_apply_removes_nothing_that_its_manager_never_named(seed in seeds()) {
        let sequence = writes(seed, &[]);
        let mut ours = Ours::new(VERSION, sequence.kind, NAMESPACE);
        for step in &sequence.steps {
            let mut step = step.clone();
            let before = ours.stored();
            let applies = step["content_type"] == "application/apply-patch+yaml" && step["path"] == sequence.kind.path();
            if applies {
                without_empties(&mut step["body"]);
            }
            let answer = ours.send(&step);
            let (Some(before), Some(after), true) = (before, answer.stored, applies && answer.code == 200) else { continue };
            let manager = text(&step, &["query", "fieldManager"]).to_owned();
            let applier = |o: &&Value| o["manager"] == manager && o["operation"] == "Apply";
            // Fields of another version are not those of the object as it is shown.
            let shown = |o: &&Value| o["apiVersion"] == before["apiVersion"] && before["apiVersion"] == after["apiVersion"];
            if owners(&before).find(applier).is_some_and(|o| !shown(&o)) {
                continue;
            }
            let own = owners(&before).find(applier).map_or(Value::Null, |o| o["fieldsV1"].clone());
            for owner in owners(&before).filter(shown).filter(|o| !applier(o) && o["operation"] == "Update" && o["subresource"] != "status") {
                let mut gone = Vec::new();
                missing(&owner["fieldsV1"], Some(&after), &own, "", &mut gone);
                prop_assert!(gone.is_empty(), "{} removed {:?} of {}", manager, gone, owner["manager"]);
            }
        }
    }

    #[test]
    fn going_back_is_a_roll_to_the_same_template(seed in seeds()) {
        let (sequence, mut ours) = drawn_deployment(seed);
        let first = ours.stored();
        prop_assume!(first.as_ref().is_some_and(|o| o["metadata"].get("deletionTimestamp").is_none() && o["spec"]["paused"] != true));
        let first = first.unwrap();
        // Pods that a finalizer keeps hold up a Recreate: it makes no revision before they are gone.
        prop_assume!(first["spec"]["strategy"]["type"] != "Recreate" || first["spec"]["template"]["metadata"].get("finalizers").is_none());
        let patch = |template: &Value| json!({"op": "undo", "method": "PATCH", "path": sequence.kind.path(), "query": {},
            "content_type": "application/json-patch+json", "body": [{"op": "replace", "path": "/spec/template", "value": template}]});
        let template = &first["spec"]["template"];
        let mut other = template.clone();
        other["spec"]["containers"][0]["image"] = "another:1".into();
        let sets = |ours: &Ours| ours.held("apps", "ReplicaSet");
        let begun = crate::ours::revision(&first);
        let there = ours.send(&patch(&other)).stored.unwrap();
        let two = sets(&ours);
        let back = ours.send(&patch(template)).stored.unwrap();
        prop_assert_eq!(&back["spec"]["template"], template);
        let revisions = [begun, crate::ours::revision(&there), crate::ours::revision(&back)];
        prop_assert!(revisions[0] != revisions[1] && revisions[1] != revisions[2], "{:?}", revisions);
        if first["spec"]["revisionHistoryLimit"].as_i64().is_none_or(|kept| kept > 1) {
            prop_assert_eq!(two, sets(&ours));
        }
    }
}

/// A refusal shows the uid that the object would have had: another one for each request.
fn without_uids(message: &str) -> String {
    let uid = |part: &str| part.len() == 36 && part.matches('-').count() == 4;
    message.split('"').map(|part| if uid(part) { "…" } else { part }).collect::<Vec<_>>().join("\"")
}

fn drawn_deployment(seed: u64) -> (Sequence, Ours) {
    let sequence = writes(seed, &["Deployment".to_owned()]);
    let mut ours = Ours::new(VERSION, sequence.kind, NAMESPACE);
    for step in &sequence.steps {
        ours.send(step);
    }
    (sequence, ours)
}

/// A quantity as a whole number of billionths, by exact arithmetic, and its text.
fn exact(digits: i64, places: usize, suffix: usize) -> (String, i128) {
    const SUFFIXES: [(&str, i128, u32); 15] = [
        ("", 1, 9),
        ("n", 1, 0),
        ("u", 1, 3),
        ("m", 1, 6),
        ("k", 1, 12),
        ("M", 1, 15),
        ("G", 1, 18),
        ("Ki", 1 << 10, 9),
        ("Mi", 1 << 20, 9),
        ("Gi", 1 << 30, 9),
        ("e0", 1, 9),
        ("e3", 1, 12),
        ("E2", 1, 11),
        ("e-3", 1, 6),
        ("e+1", 1, 10),
    ];
    let (suffix, factor, zeros) = SUFFIXES[suffix % SUFFIXES.len()];
    let zeros = usize::try_from(zeros).unwrap();
    let places = places.min(zeros);
    let unit = 10_i64.pow(u32::try_from(places).unwrap());
    let sign = if digits < 0 { "-" } else { "" };
    let (whole, rest) = (digits.abs() / unit, digits.abs() % unit);
    let fraction = if places == 0 { String::new() } else { format!(".{rest:0places$}") };
    let value = i128::from(digits) * factor * 10_i128.pow(u32::try_from(zeros - places).unwrap());
    (format!("{sign}{whole}{fraction}{suffix}"), value)
}

proptest! {
    #[test]
    fn quantities_compare_as_the_numbers_that_they_are(
        left in (-99_999_i64..99_999, 0_usize..4, any::<usize>()),
        right in (-99_999_i64..99_999, 0_usize..4, any::<usize>()),
    ) {
        let ((a, x), (b, y)) = (exact(left.0, left.1, left.2), exact(right.0, right.1, right.2));
        let (p, q) = (Quantity::parse(&a).unwrap(), Quantity::parse(&b).unwrap());
        prop_assert_eq!(p.cmp(&q), x.cmp(&y), "{} and {}", a, b);
        let mut sum = p.clone();
        sum.add(&q);
        sum.subtract(&p);
        prop_assert_eq!(sum.cmp(&q), std::cmp::Ordering::Equal, "{} and {}", a, b);
    }
}

/// The generator draws nothing that depends on anything but its seed.
#[test]
fn a_seed_draws_the_same_writes_every_time() {
    let steps = |seed| sequence(VERSION, seed, &[], NAMESPACE).steps;
    assert_eq!(steps(7), steps(7));
    assert_ne!(steps(7), steps(8));
    let first = &steps(7)[0];
    assert!(!request(first, NAMESPACE).target.resource.is_empty());
}

/// A pipeline of a seed: a Deployment, what is applied to it, and the steps.
struct Pipeline {
    start: Cluster,
    id: ObjectId,
    manifests: Vec<Value>,
    steps: Vec<Step>,
}

/// None if the drawn Deployment is refused or does not come to run.
fn pipeline(seed: u64) -> Option<Pipeline> {
    let drawn = writes(seed, &["Deployment".to_owned()]);
    let mut ours = Ours::new(VERSION, drawn.kind, NAMESPACE);
    drawn.steps.iter().take(2).for_each(|step| drop(ours.write(step)));
    let mut object = without_server_fields(&ours.stored()?);
    object["metadata"].as_object_mut()?.shift_remove("finalizers");
    object["spec"]["paused"] = false.into();
    object["spec"]["replicas"] = 2.into();
    let mut start = crate::replay::fresh_cluster(VERSION);
    let post = json!({"method": "POST", "path": drawn.kind.collection(), "query": {"fieldManager": "kubectl-create"}, "body": object});
    start.write(&request(&post, "ns")).result.ok()?;
    let times = PodTiming { start: Some(Duration::from_secs(3)), stop: Some(Duration::from_secs(1)) };
    start.controllers.timing = Timing { default: times, ..Timing::default() };
    controllers::run(&mut start, &Until::Settled);

    let schema = Schema::of(VERSION);
    let ty = schema.resource_of("apps", "v1", "Deployment")?.ty.clone()?;
    let mut drawing = Drawing { schema, random: Random::new(seed) };
    for container in object["spec"]["template"]["spec"]["containers"].as_array_mut()? {
        container["image"] = "r/next:2".into();
    }
    if drawing.random.chance(60) {
        drawing.change(&ty, &mut object);
    }
    object["metadata"]["namespace"] = "ns".into();
    let names: Vec<String> =
        object["spec"]["template"]["spec"]["containers"].as_array()?.iter().filter_map(|c| c["name"].as_str().map(str::to_owned)).collect();
    let mut steps: Vec<Step> = (0..2 + drawing.random.below(3)).map(|n| step(&mut drawing.random, n, &names)).collect();
    if drawing.random.chance(80) {
        steps.push(Step { name: "apply".into(), action: applied(&mut drawing.random), continues: false });
    }
    let id = ObjectId { group: "apps".into(), kind: "Deployment".into(), namespace: "ns".into(), name: "x".into() };
    Some(Pipeline { start, id, manifests: vec![object], steps })
}

fn applied(random: &mut Random) -> Action {
    let who = *random.pick(&[Who::Kubectl, Who::KubectlServer, Who::Helm, Who::ArgoCd, Who::Flux]);
    Action::Apply { applier: Applier { who, field_manager: None, force: Some(true) }, files: Vec::new() }
}

fn step(random: &mut Random, number: usize, containers: &[String]) -> Step {
    let workloads = Vec::new();
    let one = containers.first().cloned().into_iter().collect();
    let action = match if number == 0 { 0 } else { random.below(8) } {
        0 | 1 => Action::SetImages { containers: one, images: BTreeMap::new(), workloads },
        2 => Action::SetImages { containers: Vec::new(), images: BTreeMap::new(), workloads },
        3 => Action::SetEnv { workloads, containers: one, env: BTreeMap::from([("STEP".to_owned(), Some(number.to_string()))]) },
        4 => Action::Restart { workloads },
        5 => Action::Scale { workloads, replicas: 3 },
        6 => {
            let patch = json!({"spec": {"template": {"metadata": {"annotations": {"step": number.to_string()}}}}});
            Action::Patch { workloads, kind: PatchType::Strategic, patch }
        }
        _ => applied(random),
    };
    Step { name: format!("step {number}"), action, continues: false }
}

proptest! {
    #![proptest_config(config_of_few())]

    #[test]
    fn a_merged_pipeline_ends_as_the_original_does(seed in seeds()) {
        let drawn = pipeline(seed);
        prop_assume!(drawn.is_some());
        let Pipeline { start, id, manifests, steps } = drawn.unwrap();
        let files = BTreeMap::new();
        let session = Session { namespace: "ns", release: "r", previous_release: None, given: &[] };
        let plan = Plan { steps: &steps, manifests: &manifests, files: &files, pace: Pace::Settle, session };
        let original = run(start.clone(), &plan);
        let judged = judge(&original);
        let merged = merged(&start, &plan, &original, &judged);
        prop_assume!(merged.is_some());
        let merged = merged.unwrap();
        // Run anew, it does what was promised, and ends with what the original ends with.
        let again = run(start, &Plan { steps: &merged.steps, ..plan });
        prop_assert!(judge(&again).iter().all(|j| j.cost <= 1), "{}", merged.change);
        let end = |cluster: &Cluster| cluster.store.get(&id).map(|o| {
            let (mut object, _) = crate::answers::normalised(o);
            object["metadata"].as_object_mut().unwrap().shift_remove("generation");
            // A restart writes the time, and a merged pipeline takes less of it.
            if let Some(annotations) = object["spec"]["template"]["metadata"].get_mut("annotations").and_then(Value::as_object_mut) {
                annotations.entry("kubectl.kubernetes.io/restartedAt").and_modify(|time| *time = "then".into());
            }
            object
        });
        prop_assert_eq!(end(&original.cluster), end(&again.cluster), "{}", merged.change);
        let pods = |cluster: &Cluster| cluster.store.list("", "Pod", Some("ns")).filter(|(_, p)| p["metadata"].get("deletionTimestamp").is_none()).map(|(_, p)| p["spec"]["containers"].clone()).collect::<Vec<_>>();
        prop_assert_eq!(pods(&original.cluster), pods(&again.cluster), "{}", merged.change);
    }
}
