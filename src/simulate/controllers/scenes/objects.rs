//! What goes with its owner, what a snapshot leaves out, what never starts, Jobs.

use super::{cluster, count, create, deployment, image, moves, pods, settle, stateful, workload, write};
use crate::object::{ObjectId, json, text};
use crate::simulate::Cluster;
use crate::simulate::controllers::{Ended, Happening, Until, complete, run};
use std::sync::Arc;
use std::time::Duration;

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
        let complete = |c: &Cluster| crate::simulate::controllers::reading::condition(c.store.get(&id).unwrap(), "Complete").is_some();
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
