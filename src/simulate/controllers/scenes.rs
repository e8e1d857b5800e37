//! Scenes whose course is known from a real cluster or from Kubernetes' documentation.

use super::reading::{REVISION, annotation, label, name, replicas, status};
use super::{Ended, Happening, Until, Waits, complete, run};
use crate::object::{ObjectId, Value, map_at, text};
use crate::schema::Version;
use crate::simulate::Cluster;
use crate::simulate::clock::Clock;
use crate::simulate::kubelet::PodTiming;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

fn cluster_of(version: Version, nodes: usize) -> Cluster {
    let mut cluster = Cluster::new(version, Clock::new("2026-11-22T00:00:00Z".parse().unwrap()));
    let seconds = |s| Some(Duration::from_secs(s));
    cluster.controllers.timing.default = PodTiming { start: seconds(3), stop: seconds(1) };
    for n in 0..nodes {
        cluster.load(Arc::new(
            json!({"apiVersion": "v1", "kind": "Node", "metadata": {"name": format!("n{n}"), "labels": {"n": n.to_string()}}}),
        ));
    }
    cluster
}

fn cluster() -> Cluster {
    cluster_of(Version::V1_36, 3)
}

fn workload(kind: &str, spec: Value) -> Value {
    let template = json!({"metadata": {"labels": {"app": "w"}}, "spec": {"containers": [{"name": "c", "image": "x:1"}], "terminationGracePeriodSeconds": 30}});
    let mut object = json!({
        "apiVersion": "apps/v1", "kind": kind, "metadata": {"name": "w", "namespace": "ns", "generation": 1},
        "spec": {"selector": {"matchLabels": {"app": "w"}}, "template": template, "revisionHistoryLimit": 10},
    });
    map_at(&mut object, &["spec"]).extend(spec.as_object().unwrap().clone());
    if kind == "DaemonSet" {
        object["metadata"]["annotations"] = json!({"deprecated.daemonset.template.generation": "1"});
    }
    object
}

fn deployment(count: i64, spec: Value) -> Value {
    let mut object = workload("Deployment", json!({"replicas": count, "progressDeadlineSeconds": 600}));
    object["spec"]["strategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}});
    map_at(&mut object, &["spec"]).extend(spec.as_object().unwrap().clone());
    object
}

fn stateful(count: i64, spec: Value) -> Value {
    let mut object = workload("StatefulSet", json!({"replicas": count, "serviceName": "w", "podManagementPolicy": "OrderedReady"}));
    object["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}});
    map_at(&mut object, &["spec"]).extend(spec.as_object().unwrap().clone());
    object
}

/// Creates an object as the write path would, and lets it settle.
fn create(cluster: &mut Cluster, mut object: Value) -> ObjectId {
    object["metadata"]["uid"] = cluster.store.new_uid().into();
    object["metadata"]["creationTimestamp"] = cluster.clock.timestamp().into();
    let id = ObjectId::of(&cluster.store.put(object));
    run(cluster, &Until::Settled);
    cluster.clock.now += Duration::from_secs(5);
    run(cluster, &Until::Now);
    id
}

/// Changes an object as the write path would.
fn write(cluster: &mut Cluster, id: &ObjectId, edit: impl Fn(&mut Value)) {
    let before = cluster.store.get(id).unwrap().clone();
    let mut object = (*before).clone();
    edit(&mut object);
    if object["spec"] != before["spec"] {
        object["metadata"]["generation"] = (object["metadata"]["generation"].as_i64().unwrap() + 1).into();
    }
    if id.kind == "DaemonSet" && object["spec"]["template"] != before["spec"]["template"] {
        let generation = annotation(&before, super::daemonset::TEMPLATE_GENERATION).unwrap().parse::<i64>().unwrap() + 1;
        object["metadata"]["annotations"][super::daemonset::TEMPLATE_GENERATION] = generation.to_string().into();
    }
    cluster.store.put(object);
}

fn image(object: &mut Value, image: &str) {
    object["spec"]["template"]["spec"]["containers"][0]["image"] = image.into();
}

fn settle(cluster: &mut Cluster, id: &ObjectId, edit: impl Fn(&mut Value)) -> Vec<Happening> {
    let told = cluster.controllers.happenings.len();
    write(cluster, id, edit);
    run(cluster, &Until::Settled);
    cluster.controllers.happenings[told..].to_vec()
}

fn pods(cluster: &Cluster) -> Vec<Arc<Value>> {
    cluster.store.list("", "Pod", Some("ns")).map(|(_, pod)| Arc::clone(pod)).collect()
}

fn of_image(cluster: &Cluster, image: &str) -> usize {
    pods(cluster).iter().filter(|p| p["spec"]["containers"][0]["image"] == image && !super::reading::deleting(p)).count()
}

/// Image to (wanted, available), of the ReplicaSets that have or want pods.
fn sets(cluster: &Cluster) -> Vec<(String, i64, i64)> {
    let mut sets: Vec<_> = cluster
        .store
        .list("apps", "ReplicaSet", Some("ns"))
        .map(|(_, s)| {
            (
                s["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned(),
                replicas(s),
                status(s, "availableReplicas"),
            )
        })
        .collect();
    sets.sort();
    sets
}

fn moves(happenings: &[Happening]) -> usize {
    happenings.iter().filter(|h| matches!(h, Happening::RevisionMoved { .. })).count()
}

fn count(happenings: &[Happening], stopped: bool) -> usize {
    happenings
        .iter()
        .filter(|h| if stopped { matches!(h, Happening::PodStopped { .. }) } else { matches!(h, Happening::PodStarted { .. }) })
        .count()
}

#[test]
fn ten_replicas_roll_within_their_fenceposts() {
    let mut cluster = cluster();
    let id = create(&mut cluster, deployment(10, json!({})));
    let from = cluster.store.journal_len();
    let happenings = settle(&mut cluster, &id, |d| image(d, "x:2"));
    assert_eq!((moves(&happenings), count(&happenings, true), count(&happenings, false)), (1, 10, 10));
    // Replays the journal: what the two sets want and have at each change.
    let mut latest: std::collections::BTreeMap<String, (i64, i64)> = [("x:1".to_owned(), (10, 10))].into();
    let mut course = Vec::new();
    for change in cluster.store.changes_since(from).iter().filter(|c| c.id.kind == "ReplicaSet") {
        let set = change.after.as_ref().unwrap();
        let image = set["spec"]["template"]["spec"]["containers"][0]["image"].as_str().unwrap().to_owned();
        latest.insert(image, (replicas(set), status(set, "availableReplicas")));
        course.push((latest["x:1"], latest.get("x:2").copied().unwrap_or_default()));
    }
    course.dedup();
    assert!(course.iter().all(|(old, new)| old.0 + new.0 <= 13 && old.1 + new.1 >= 8), "{course:?}");
    let seen = |state| course.contains(&state);
    assert!(seen(((8, 10), (3, 0))) && seen(((8, 8), (5, 0))), "{course:?}");
    assert_eq!(course.last(), Some(&((0, 0), (10, 10))));
}

#[test]
fn a_rollover_empties_the_stuck_set_and_keeps_the_good_pods() {
    let mut cluster = cluster();
    let id = create(&mut cluster, deployment(10, json!({})));
    cluster.controllers.timing.pods_stay_pending = true;
    settle(&mut cluster, &id, |d| image(d, "bad"));
    assert_eq!(sets(&cluster), [("bad".into(), 5, 0), ("x:1".into(), 8, 8)]);
    cluster.controllers.timing.pods_stay_pending = false;
    let told = cluster.controllers.happenings.len();
    write(&mut cluster, &id, |d| image(d, "x:3"));
    run(&mut cluster, &Until::Now);
    assert_eq!(sets(&cluster), [("bad".into(), 0, 0), ("x:1".into(), 8, 8), ("x:3".into(), 5, 0)]);
    run(&mut cluster, &Until::Settled);
    assert_eq!(moves(&cluster.controllers.happenings[told..]), 1);
    assert_eq!((of_image(&cluster, "x:1"), of_image(&cluster, "bad"), of_image(&cluster, "x:3")), (0, 0, 10));
}

#[test]
fn a_rollout_that_is_stuck_is_scaled_in_proportion() {
    // The example of Kubernetes' documentation of Deployments: 8 old and 5 new of 10 become 11 and 7 of 15.
    let mut cluster = cluster();
    let strategy = json!({"strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": 2}}});
    let id = create(&mut cluster, deployment(10, strategy));
    cluster.controllers.timing.pods_stay_pending = true;
    let happenings = settle(&mut cluster, &id, |d| image(d, "x:2"));
    assert!(matches!(happenings.last(), Some(Happening::Stuck { .. })), "{happenings:?}");
    assert_eq!(sets(&cluster), [("x:1".into(), 8, 8), ("x:2".into(), 5, 0)]);
    settle(&mut cluster, &id, |d| d["spec"]["replicas"] = 15.into());
    assert_eq!(sets(&cluster).iter().map(|s| s.1).collect::<Vec<_>>(), [11, 7]);
}

#[test]
fn scaling_comes_before_the_rollout() {
    for (from, to, stopped, started) in [(2, 6, 6, 10), (5, 2, 5, 2), (6, 0, 6, 0)] {
        let mut cluster = cluster();
        let id = create(&mut cluster, deployment(from, json!({})));
        let happenings = settle(&mut cluster, &id, |d| {
            image(d, "x:2");
            d["spec"]["replicas"] = to.into();
        });
        assert_eq!((moves(&happenings), count(&happenings, true), count(&happenings, false)), (1, stopped, started), "{from} to {to}");
    }
}

#[test]
fn a_template_that_comes_back_takes_its_set_again() {
    let mut cluster = cluster();
    let id = create(&mut cluster, deployment(1, json!({})));
    settle(&mut cluster, &id, |d| image(d, "x:2"));
    let happenings = settle(&mut cluster, &id, |d| image(d, "x:1"));
    assert!(happenings.iter().any(|h| matches!(h, Happening::RevisionMoved { reused: true, .. })), "{happenings:?}");
    let (_, set) = cluster.store.list("apps", "ReplicaSet", Some("ns")).find(|(_, s)| replicas(s) == 1).unwrap();
    assert_eq!(annotation(set, REVISION), Some("3"));
    assert_eq!(annotation(set, "deployment.kubernetes.io/revision-history"), Some("1"));
    assert_eq!(annotation(cluster.store.get(&id).unwrap(), REVISION), Some("3"));
}

#[test]
fn without_history_a_template_that_comes_back_is_new() {
    let mut cluster = cluster();
    let id = create(&mut cluster, deployment(1, json!({"revisionHistoryLimit": 0})));
    for (image_now, left) in [("x:2", 1), ("x:1", 1)] {
        let happenings = settle(&mut cluster, &id, |d| image(d, image_now));
        assert!(happenings.iter().any(|h| matches!(h, Happening::RevisionMoved { reused: false, .. })));
        assert_eq!(cluster.store.list("apps", "ReplicaSet", Some("ns")).count(), left);
    }
}

#[test]
fn paused_it_waits_and_resumed_it_rolls_once() {
    let mut cluster = cluster();
    let id = create(&mut cluster, deployment(2, json!({})));
    settle(&mut cluster, &id, |d| d["spec"]["paused"] = true.into());
    for tag in ["x:2", "x:3"] {
        let happenings = settle(&mut cluster, &id, |d| image(d, tag));
        assert_eq!((moves(&happenings), count(&happenings, true)), (0, 0));
    }
    assert!(cluster.controllers.happenings.iter().any(|h| matches!(h, Happening::Pending { why: Waits::Paused, .. })));
    let happenings = settle(&mut cluster, &id, |d| drop(map_at(d, &["spec"]).shift_remove("paused")));
    assert_eq!((moves(&happenings), count(&happenings, true)), (1, 2));
}

#[test]
fn an_orphaned_set_is_adopted_with_its_pods() {
    let mut cluster = cluster();
    let id = create(&mut cluster, deployment(2, json!({})));
    let before: Vec<_> = pods(&cluster).iter().map(|p| name(p).to_owned()).collect();
    write(&mut cluster, &id, |d| {
        d["metadata"]["finalizers"] = json!(["orphan"]);
        d["metadata"]["deletionTimestamp"] = "2026-11-22T00:00:10Z".into();
    });
    run(&mut cluster, &Until::Settled);
    assert!(cluster.store.get(&id).is_none());
    let told = cluster.controllers.happenings.len();
    create(&mut cluster, deployment(2, json!({})));
    let after: Vec<_> = pods(&cluster).iter().map(|p| name(p).to_owned()).collect();
    assert_eq!(before, after);
    assert_eq!(count(&cluster.controllers.happenings[told..], true), 0);
}

#[test]
fn a_set_whose_template_was_edited_by_hand_is_replaced() {
    let mut cluster = cluster();
    let id = create(&mut cluster, deployment(1, json!({})));
    let set = cluster.store.list("apps", "ReplicaSet", Some("ns")).next().unwrap().0.clone();
    let happenings = settle(&mut cluster, &set, |s| image(s, "by-hand"));
    assert_eq!((moves(&happenings), count(&happenings, true)), (1, 1));
    assert_eq!(cluster.store.get(&id).unwrap()["status"]["collisionCount"], 1);
    assert_eq!(of_image(&cluster, "x:1"), 1);
}

#[test]
fn a_deleted_deployment_takes_its_sets_and_pods_along() {
    for finalizer in [None, Some("foregroundDeletion")] {
        let mut cluster = cluster();
        let id = create(&mut cluster, deployment(2, json!({})));
        match finalizer {
            None => drop(cluster.store.remove(&id)),
            Some(finalizer) => write(&mut cluster, &id, |d| {
                d["metadata"]["finalizers"] = json!([finalizer]);
                d["metadata"]["deletionTimestamp"] = "2026-11-22T00:00:10Z".into();
            }),
        }
        run(&mut cluster, &Until::Now);
        assert_eq!(cluster.store.get(&id).is_some(), finalizer.is_some());
        assert_eq!(run(&mut cluster, &Until::Holds(&|c| c.store.list("", "Pod", None).next().is_none(), None)), Ended::Done);
        assert_eq!(cluster.store.len(), 3, "only the nodes are left");
    }
}

#[test]
fn a_namespace_goes_when_it_is_empty() {
    let mut cluster = cluster();
    let space =
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns", "uid": "n"}, "spec": {"finalizers": ["kubernetes"]}});
    let space = ObjectId::of(&cluster.store.put(space));
    create(&mut cluster, deployment(2, json!({})));
    write(&mut cluster, &space, |n| n["metadata"]["deletionTimestamp"] = "2026-11-22T00:00:10Z".into());
    run(&mut cluster, &Until::Now);
    assert_eq!(text(cluster.store.get(&space).unwrap(), &["status", "phase"]), "Terminating");
    run(&mut cluster, &Until::Settled);
    assert!(cluster.store.get(&space).is_none());
    assert_eq!(cluster.store.len(), 3, "only the nodes are left");
}

#[test]
fn available_only_after_its_minimum_of_ready_seconds() {
    let mut cluster = cluster();
    let id = create(&mut cluster, deployment(1, json!({"minReadySeconds": 10, "strategy": {"type": "Recreate"}})));
    let began = cluster.clock.now;
    settle(&mut cluster, &id, |d| image(d, "x:2"));
    assert_eq!(cluster.clock.now - began, Duration::from_secs(1 + 3 + 10));
}

#[test]
fn a_rollout_without_progress_exceeds_its_deadline() {
    let mut cluster = cluster();
    let id = create(&mut cluster, deployment(1, json!({})));
    cluster.controllers.timing.pods_stay_pending = true;
    let began = cluster.clock.now;
    settle(&mut cluster, &id, |d| image(d, "x:2"));
    assert_eq!(cluster.clock.now, began, "nobody waits for the deadline");
    let failed =
        |c: &Cluster| super::reading::condition(c.store.get(&id).unwrap(), "Progressing").unwrap()["reason"] == "ProgressDeadlineExceeded";
    assert_eq!(run(&mut cluster, &Until::Holds(&failed, None)), Ended::Done);
    let waited = (cluster.clock.now - began).as_secs();
    assert!((600..=602).contains(&waited), "{waited}");
}

#[test]
fn a_stateful_set_in_order_is_blocked_by_a_broken_pod_and_in_parallel_it_is_not() {
    for (policy, repaired) in [("OrderedReady", false), ("Parallel", true)] {
        let mut cluster = cluster();
        let id = create(&mut cluster, stateful(2, json!({"podManagementPolicy": policy})));
        cluster.controllers.timing.pods_stay_pending = true;
        settle(&mut cluster, &id, |s| image(s, "bad"));
        cluster.controllers.timing.pods_stay_pending = false;
        let happenings = settle(&mut cluster, &id, |s| image(s, "x:3"));
        assert_eq!(of_image(&cluster, "x:3") == 2, repaired, "{policy}: {happenings:?}");
        assert!(!happenings.iter().any(|h| matches!(h, Happening::Stuck { .. })), "it was stuck before");
    }
}

#[test]
fn stateful_pods_are_replaced_one_by_one_from_the_top() {
    for policy in ["OrderedReady", "Parallel"] {
        let mut cluster = cluster();
        let id = create(&mut cluster, stateful(3, json!({"podManagementPolicy": policy})));
        let began = cluster.clock.now;
        let happenings = settle(&mut cluster, &id, |s| image(s, "x:2"));
        let stopped: Vec<_> =
            happenings.iter().filter_map(|h| if let Happening::PodStopped { pod, .. } = h { Some(pod.as_str()) } else { None }).collect();
        assert_eq!(stopped, ["w-2", "w-1", "w-0"], "{policy}");
        assert_eq!(cluster.clock.now - began, Duration::from_secs(12));
    }
}

#[test]
fn on_1_37_several_stateful_pods_may_be_missing_at_a_time() {
    let mut cluster = cluster_of(Version::V1_37, 1);
    let strategy = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": 2}});
    let id = create(&mut cluster, stateful(4, json!({"updateStrategy": strategy, "podManagementPolicy": "Parallel"})));
    let began = cluster.clock.now;
    settle(&mut cluster, &id, |s| image(s, "x:2"));
    assert_eq!(cluster.clock.now - began, Duration::from_secs(8));
}

#[test]
fn a_partition_holds_pods_back_until_it_is_lowered() {
    let mut cluster = cluster();
    let id = create(&mut cluster, stateful(3, json!({})));
    let partition = |s: &mut Value, p: i64| s["spec"]["updateStrategy"]["rollingUpdate"]["partition"] = p.into();
    let happenings = settle(&mut cluster, &id, |s| {
        partition(s, 2);
        image(s, "x:2");
    });
    assert_eq!((moves(&happenings), count(&happenings, true)), (1, 1));
    assert!(happenings.iter().any(|h| matches!(h, Happening::Pending { why: Waits::Partition, .. })));
    let happenings = settle(&mut cluster, &id, |s| partition(s, 0));
    assert_eq!((moves(&happenings), count(&happenings, true)), (0, 2));
    let set = cluster.store.get(&id).unwrap();
    assert_eq!(set["status"]["currentRevision"], set["status"]["updateRevision"]);
}

#[test]
fn on_delete_waits_for_the_pods_to_be_deleted_and_ends_with_the_strategy() {
    let mut cluster = cluster();
    let id = create(&mut cluster, stateful(2, json!({"updateStrategy": {"type": "OnDelete"}})));
    let happenings = settle(&mut cluster, &id, |s| image(s, "x:2"));
    assert_eq!((moves(&happenings), count(&happenings, true)), (1, 0));
    assert!(happenings.iter().any(|h| matches!(h, Happening::Pending { why: Waits::OnDelete, .. })));
    let pod = ObjectId { kind: "Pod".into(), namespace: "ns".into(), name: "w-0".into(), ..ObjectId::default() };
    cluster.store.remove(&pod);
    run(&mut cluster, &Until::Settled);
    assert_eq!(of_image(&cluster, "x:2"), 1);
    let happenings =
        settle(&mut cluster, &id, |s| s["spec"]["updateStrategy"] = json!({"type": "RollingUpdate", "rollingUpdate": {"partition": 0}}));
    assert_eq!((moves(&happenings), count(&happenings, true)), (0, 1));
}

#[test]
fn another_notation_of_a_quantity_rolls_a_stateful_set_only() {
    let memory = |o: &mut Value, m: &str| o["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"memory": m}});
    for (mut object, moved) in [(deployment(1, json!({})), 0), (stateful(1, json!({})), 1)] {
        let mut cluster = cluster();
        memory(&mut object, "1Gi");
        let id = create(&mut cluster, object);
        let happenings = settle(&mut cluster, &id, |o| memory(o, "1073741824"));
        assert_eq!((moves(&happenings), count(&happenings, true)), (moved, moved));
    }
}

#[test]
fn another_notation_rolls_no_stateful_set_whose_revision_predates_1_34() {
    let mut cluster = cluster();
    let memory = |o: &mut Value, m: &str| o["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"memory": m}});
    let mut set = stateful(1, json!({}));
    memory(&mut set, "1Gi");
    let id = create(&mut cluster, set);
    // The same cluster, met anew, with a revision as 1.33 wrote it.
    let mut met = cluster_of(Version::V1_36, 0);
    met.controllers.timing = cluster.controllers.timing.clone();
    for (_, object) in cluster.store.iter() {
        let mut object = (**object).clone();
        if object["kind"] == "ControllerRevision" {
            object["data"]["spec"]["template"]["metadata"]["creationTimestamp"] = Value::Null;
        }
        met.load(Arc::new(object));
    }
    assert_eq!(complete(&mut met), []);
    let told = met.controllers.happenings.len();
    let before = met.store.get(&id).unwrap().clone();
    let mut object = (*before).clone();
    memory(&mut object, "1073741824");
    met.store.put(object);
    run(&mut met, &Until::Settled);
    assert_eq!(met.controllers.happenings[told..], []);
}

#[test]
fn half_of_three_daemon_pods_are_two() {
    let mut cluster = cluster();
    let strategy = json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "50%", "maxSurge": 0}}});
    let id = create(&mut cluster, workload("DaemonSet", strategy));
    let began = cluster.clock.now;
    write(&mut cluster, &id, |d| image(d, "x:2"));
    run(&mut cluster, &Until::Now);
    assert_eq!(pods(&cluster).iter().filter(|p| super::reading::deleting(p)).count(), 2);
    run(&mut cluster, &Until::Settled);
    assert_eq!((of_image(&cluster, "x:2"), cluster.clock.now - began), (3, Duration::from_secs(8)));
}

#[test]
fn daemon_pods_may_surge() {
    let mut cluster = cluster();
    let strategy = json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}}});
    let id = create(&mut cluster, workload("DaemonSet", strategy));
    settle(&mut cluster, &id, |d| image(d, "x:2"));
    let levels = &cluster.controllers.availability[&id].levels;
    let lowest = levels.iter().skip_while(|l| l.available < 3).map(|l| l.available).min();
    assert_eq!((of_image(&cluster, "x:2"), lowest), (3, Some(3)));
}

#[test]
fn a_narrowed_node_selector_removes_pods_at_once() {
    let mut cluster = cluster();
    let strategy = json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}}});
    let id = create(&mut cluster, workload("DaemonSet", strategy));
    write(&mut cluster, &id, |d| d["spec"]["template"]["spec"]["nodeSelector"] = json!({"n": "1"}));
    run(&mut cluster, &Until::Now);
    assert!(pods(&cluster).iter().filter(|p| super::reading::deleting(p)).count() >= 2);
    run(&mut cluster, &Until::Settled);
    assert_eq!(pods(&cluster).iter().filter(|p| !super::reading::deleting(p)).count(), 1);
}

#[test]
fn daemon_pods_stay_where_only_the_notation_changed() {
    let mut cluster = cluster();
    let id = create(
        &mut cluster,
        workload("DaemonSet", json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 1}}})),
    );
    let happenings = {
        // The API server compares by meaning and does not raise the template generation.
        let mut object = (**cluster.store.get(&id).unwrap()).clone();
        object["spec"]["template"]["spec"]["containers"][0]["resources"] = json!({"requests": {"memory": "1073741824"}});
        cluster.store.put(object);
        let told = cluster.controllers.happenings.len();
        run(&mut cluster, &Until::Settled);
        cluster.controllers.happenings[told..].to_vec()
    };
    assert_eq!((moves(&happenings), count(&happenings, true)), (0, 0));
    assert_eq!(cluster.store.list("apps", "ControllerRevision", Some("ns")).count(), 2);
    assert_eq!(status(cluster.store.get(&id).unwrap(), "updatedNumberScheduled"), 3);
}

#[test]
fn what_a_snapshot_does_not_have_is_taken_to_have_settled() {
    for object in
        [deployment(2, json!({})), stateful(2, json!({})), workload("DaemonSet", json!({"updateStrategy": {"type": "RollingUpdate"}}))]
    {
        let mut cluster = cluster();
        let mut object = object;
        object["metadata"]["uid"] = "u".into();
        object["metadata"]["creationTimestamp"] = "2026-11-01T00:00:00Z".into();
        let id = ObjectId::of(&object);
        cluster.load(Arc::new(object));
        let assumed: Vec<_> = complete(&mut cluster).into_iter().map(|a| a.missing).collect();
        assert_eq!(assumed.len(), 2, "{assumed:?}");
        let told = cluster.controllers.happenings.len();
        run(&mut cluster, &Until::Settled);
        assert_eq!(cluster.controllers.happenings[told..], [], "{id}");
        let happenings = settle(&mut cluster, &id, |o| o["metadata"]["labels"] = json!({"a": "b"}));
        assert_eq!(happenings, [], "{id}");
        let expected = if id.kind == "DaemonSet" { 3 } else { 2 };
        let happenings = settle(&mut cluster, &id, |o| image(o, "x:2"));
        assert_eq!((moves(&happenings), count(&happenings, true), count(&happenings, false)), (1, expected, expected), "{id}");
    }
}

#[test]
fn a_broken_template_stays_broken_and_a_new_one_starts() {
    let mut cluster = cluster();
    let mut object = deployment(1, json!({}));
    object["metadata"]["uid"] = "u".into();
    object["metadata"]["creationTimestamp"] = "2026-11-01T00:00:00Z".into();
    let id = ObjectId::of(&object);
    cluster.load(Arc::new(object));
    complete(&mut cluster);
    let mut pod = (*pods(&cluster)[0]).clone();
    pod["status"] = json!({"phase": "Running", "containerStatuses": [{"name": "c", "state": {"waiting": {"reason": "CrashLoopBackOff"}}}]});
    cluster.load(Arc::new(pod));
    let mut set = (**cluster.store.list("apps", "ReplicaSet", Some("ns")).next().unwrap().1).clone();
    set["status"] = json!({"replicas": 1, "observedGeneration": 1});
    cluster.load(Arc::new(set));
    let happenings = settle(&mut cluster, &id, |o| o["metadata"]["labels"] = json!({"a": "b"}));
    assert!(matches!(&happenings[..], [Happening::Stuck { why, .. }] if why.contains("CrashLoopBackOff")), "{happenings:?}");
    let happenings = settle(&mut cluster, &id, |o| image(o, "x:2"));
    assert_eq!((moves(&happenings), count(&happenings, true)), (1, 1));
    assert!(!happenings.iter().any(|h| matches!(h, Happening::Stuck { .. })));
}

#[test]
fn claims_are_made_and_kept() {
    let mut cluster = cluster();
    let claims = json!([{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]);
    let id = create(&mut cluster, stateful(2, json!({"volumeClaimTemplates": claims})));
    let names = |c: &Cluster| c.store.list("", "PersistentVolumeClaim", Some("ns")).map(|(id, _)| id.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&cluster), ["data-w-0", "data-w-1"]);
    settle(&mut cluster, &id, |s| s["spec"]["replicas"] = 1.into());
    assert_eq!(names(&cluster), ["data-w-0", "data-w-1"]);
    assert_eq!(pods(&cluster)[0]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"], "data-w-0");
    assert!(!label(&pods(&cluster)[0], "apps.kubernetes.io/pod-index").is_empty());
}

#[test]
fn a_job_runs_and_ends_if_it_is_let() {
    for (takes, ends) in [(None, Ended::Never), (Some(Duration::from_secs(7)), Ended::Done)] {
        let mut cluster = cluster();
        cluster.controllers.timing.job = takes;
        let template = json!({"metadata": {"labels": {"app": "j"}}, "spec": {"containers": [{"name": "c", "image": "x:1"}], "restartPolicy": "Never"}});
        let job = json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "j", "namespace": "ns", "generation": 1, "uid": "j"},
            "spec": {"selector": {"matchLabels": {"app": "j"}}, "completions": 1, "parallelism": 1, "template": template},
        });
        let id = ObjectId::of(&cluster.store.put(job));
        let complete = |c: &Cluster| super::reading::condition(c.store.get(&id).unwrap(), "Complete").is_some();
        assert_eq!(run(&mut cluster, &Until::Holds(&complete, None)), ends);
        assert_eq!(cluster.clock.now, Duration::from_secs(if takes.is_some() { 10 } else { 3 }));
        assert_eq!(pods(&cluster).len(), 1);
    }
}

#[test]
fn what_another_owner_keeps_is_not_collected() {
    let mut cluster = cluster();
    let id = create(&mut cluster, deployment(1, json!({})));
    let owner = |uid: &str| json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "w", "uid": uid});
    let own = cluster.store.get(&id).unwrap()["metadata"]["uid"].as_str().unwrap().to_owned();
    for (name, owners) in [("kept", vec![owner(&own), owner("elsewhere")]), ("lost", vec![owner(&own)])] {
        cluster.store.put(json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "ns", "uid": name, "ownerReferences": owners},
        }));
    }
    cluster.store.remove(&id);
    run(&mut cluster, &Until::Settled);
    let left: Vec<_> = cluster.store.list("", "ConfigMap", None).map(|(id, _)| id.name.clone()).collect();
    assert_eq!(left, ["kept"]);
}

#[test]
fn other_ordinals_replace_the_pods_out_of_range() {
    let mut cluster = cluster();
    let id = create(&mut cluster, stateful(3, json!({})));
    settle(&mut cluster, &id, |s| s["spec"]["ordinals"] = json!({"start": 2}));
    let names: Vec<_> = pods(&cluster).iter().filter(|p| !super::reading::deleting(p)).map(|p| name(p).to_owned()).collect();
    assert_eq!(names, ["w-2", "w-3", "w-4"]);
}

#[test]
fn an_annotation_rolls_back() {
    let mut cluster = cluster();
    let id = create(&mut cluster, deployment(1, json!({})));
    settle(&mut cluster, &id, |d| image(d, "x:2"));
    let happenings = settle(&mut cluster, &id, |d| d["metadata"]["annotations"]["deprecated.deployment.rollback.to"] = "0".into());
    assert_eq!((moves(&happenings), of_image(&cluster, "x:1")), (1, 1));
    let deployment = cluster.store.get(&id).unwrap();
    assert_eq!(annotation(deployment, "deprecated.deployment.rollback.to"), None);
    assert!(label(&deployment["spec"]["template"], super::reading::TEMPLATE_HASH).is_empty());
}
