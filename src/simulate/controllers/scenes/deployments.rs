//! Deployments: stepping, scaling, history, pauses.

use super::{cluster, count, create, deployment, image, moves, of_image, pods, sets, settle, write};
use crate::object::{json, map_at};
use crate::simulate::Cluster;
use crate::simulate::controllers::reading::{REVISION, annotation, label, name, replicas, status};
use crate::simulate::controllers::{Ended, Happening, Until, Waits, run};
use std::time::Duration;

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
    let failed = |c: &Cluster| {
        crate::simulate::controllers::reading::condition(c.store.get(&id).unwrap(), "Progressing").unwrap()["reason"]
            == "ProgressDeadlineExceeded"
    };
    assert_eq!(run(&mut cluster, &Until::Holds(&failed, None)), Ended::Done);
    let waited = (cluster.clock.now - began).as_secs();
    assert!((600..=602).contains(&waited), "{waited}");
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
    assert!(label(&deployment["spec"]["template"], crate::simulate::controllers::reading::TEMPLATE_HASH).is_empty());
}

/// Seen on a 1.36.2 server without a scheduler: a pod on no node is gone at once, so nothing old is left that a new template waits for.
#[test]
fn a_template_after_nothing_was_left_is_a_revision_at_once() {
    let mut cluster = cluster();
    cluster.controllers.timing.pods_stay_pending = true;
    let id = create(&mut cluster, deployment(1, json!({"strategy": {"type": "Recreate"}})));
    settle(&mut cluster, &id, |d| map_at(d, &["spec"]).insert("replicas".into(), 0.into()).map_or((), drop));
    let happenings = settle(&mut cluster, &id, |d| image(d, "x:2"));
    assert_eq!(moves(&happenings), 1);
}
