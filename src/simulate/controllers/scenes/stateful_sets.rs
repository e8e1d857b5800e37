//! StatefulSets: order, partitions, revisions, claims.

use super::{cluster, cluster_of, count, create, deployment, image, moves, of_image, pods, settle, stateful};
use crate::object::{ObjectId, Value, json};
use crate::schema::Version;
use crate::simulate::Cluster;
use crate::simulate::controllers::reading::{label, name};
use crate::simulate::controllers::{Happening, Until, Waits, complete, run};
use std::sync::Arc;
use std::time::Duration;

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
fn claims_are_made_and_kept() {
    let mut cluster = cluster();
    let claims = json!([{"metadata": {"name": "data"}, "spec": {"accessModes": ["ReadWriteOnce"]}}]);
    let id = create(&mut cluster, stateful(2, json!({"volumeClaimTemplates": claims})));
    let names = |c: &Cluster| c.store.list("", "PersistentVolumeClaim", Some("ns")).map(|(id, _)| id.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&cluster), ["data-w-0", "data-w-1"]);
    let (_, claim) = cluster.store.list("", "PersistentVolumeClaim", Some("ns")).next().unwrap();
    assert_eq!(claim["metadata"].get("generation"), None);
    settle(&mut cluster, &id, |s| s["spec"]["replicas"] = 1.into());
    assert_eq!(names(&cluster), ["data-w-0", "data-w-1"]);
    assert_eq!(pods(&cluster)[0]["spec"]["volumes"][0]["persistentVolumeClaim"]["claimName"], "data-w-0");
    assert!(!label(&pods(&cluster)[0], "apps.kubernetes.io/pod-index").is_empty());
}

#[test]
fn other_ordinals_replace_the_pods_out_of_range() {
    let mut cluster = cluster();
    let id = create(&mut cluster, stateful(3, json!({})));
    settle(&mut cluster, &id, |s| s["spec"]["ordinals"] = json!({"start": 2}));
    let names: Vec<_> =
        pods(&cluster).iter().filter(|p| !crate::simulate::controllers::reading::deleting(p)).map(|p| name(p).to_owned()).collect();
    assert_eq!(names, ["w-2", "w-3", "w-4"]);
}
