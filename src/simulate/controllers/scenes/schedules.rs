//! CronJobs and Jobs that go after a time: they act when the clock passes them, and never keep a run alive.

use super::{cluster, create, deployment, image, moves, settle};
use crate::object::{ObjectId, Value, json, text};
use crate::simulate::Cluster;
use crate::simulate::controllers::{Until, run};
use std::sync::Arc;
use std::time::Duration;

fn cron(spec: &Value) -> Value {
    let pod = json!({"spec": {"restartPolicy": "Never", "containers": [{"name": "c", "image": "x:1"}]}});
    let template = json!({"metadata": {"labels": {"of": "tick"}}, "spec": {"template": pod}});
    let mut object = json!({
        "apiVersion": "batch/v1", "kind": "CronJob", "metadata": {"name": "tick", "namespace": "ns", "generation": 1},
        "spec": {"schedule": "* * * * *", "concurrencyPolicy": "Allow", "jobTemplate": template}, "status": {},
    });
    for (key, value) in spec.as_object().unwrap() {
        object["spec"][key.as_str()] = value.clone();
    }
    object
}

fn with_namespace() -> Cluster {
    let mut cluster = cluster();
    cluster.load(Arc::new(
        json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns", "uid": "n"}, "status": {"phase": "Active"}}),
    ));
    cluster
}

fn jobs(cluster: &Cluster) -> Vec<String> {
    cluster.store.list("batch", "Job", Some("ns")).map(|(id, _)| id.name.to_string()).collect()
}

fn pass(cluster: &mut Cluster, seconds: u64) {
    let at = cluster.clock.now + Duration::from_secs(seconds);
    run(cluster, &Until::Point(at));
}

/// Minutes since 1970, at 2026-11-22T00:00:00Z.
const MIDNIGHT: i64 = 29_921_760;

#[test]
fn nobody_waits_for_a_schedule() {
    let mut cluster = with_namespace();
    create(&mut cluster, cron(&json!({})));
    let began = cluster.clock.now;
    run(&mut cluster, &Until::Settled);
    run(&mut cluster, &Until::Holds(&|c| !jobs(c).is_empty(), None));
    assert_eq!((cluster.clock.now, jobs(&cluster).len()), (began, 0));
    // A rollout that never ends does not go on for its sake either, though its Jobs start pods.
    let mut never = deployment(1, json!({}));
    never["spec"]["template"]["spec"]["nodeSelector"] = json!({"no": "such"});
    let id = create(&mut cluster, never);
    cluster.controllers.timing.default.start = Some(Duration::from_secs(180));
    settle(&mut cluster, &id, |d| image(d, "x:2"));
    assert!(cluster.clock.now < began + Duration::from_secs(600), "{:?}", cluster.clock.now);
}

#[test]
fn a_long_roll_passes_schedules_and_counts_none_of_their_jobs() {
    let mut cluster = with_namespace();
    let id = create(&mut cluster, deployment(2, json!({})));
    let tick = create(&mut cluster, cron(&json!({})));
    cluster.controllers.timing.default.start = Some(Duration::from_secs(70));
    cluster.controllers.timing.job = Some(Duration::ZERO);
    let happenings = settle(&mut cluster, &id, |d| image(d, "x:2"));
    assert_eq!((moves(&happenings), happenings.iter().any(|h| h.workload() != &id)), (1, false));
    assert_eq!(jobs(&cluster), [format!("tick-{}", MIDNIGHT + 1), format!("tick-{}", MIDNIGHT + 2)]);
    let tick = cluster.store.get(&tick).unwrap();
    assert_eq!(text(tick, &["status", "lastScheduleTime"]), "2026-11-22T00:02:00Z");
}

#[test]
fn what_was_missed_while_it_was_suspended_is_made_up_for_once() {
    let mut cluster = with_namespace();
    let id = create(&mut cluster, cron(&json!({"suspend": true})));
    pass(&mut cluster, 600);
    assert_eq!(jobs(&cluster).len(), 0);
    super::write(&mut cluster, &id, |c| c["spec"]["suspend"] = false.into());
    run(&mut cluster, &Until::Now);
    assert_eq!(jobs(&cluster), [format!("tick-{}", MIDNIGHT + 10)]);
}

#[test]
fn a_snapshot_was_followed_until_the_clock_began() {
    for (suspended, made) in [(false, vec![]), (true, vec![format!("tick-{MIDNIGHT}")])] {
        let mut cluster = with_namespace();
        let mut old = cron(&json!({"suspend": suspended}));
        old["metadata"]["uid"] = "old".into();
        old["metadata"]["creationTimestamp"] = "2026-11-01T00:00:00Z".into();
        cluster.load(Arc::new(old.clone()));
        run(&mut cluster, &Until::Now);
        super::write(&mut cluster, &ObjectId::of(&old), |c| {
            c["spec"]["suspend"] = false.into();
            c["spec"]["jobTemplate"]["metadata"]["labels"]["of"] = "tock".into();
        });
        run(&mut cluster, &Until::Now);
        assert_eq!(jobs(&cluster), made);
        pass(&mut cluster, 61);
        assert_eq!(jobs(&cluster).last(), Some(&format!("tick-{}", MIDNIGHT + 1)));
    }
}

#[test]
fn a_finished_job_goes_after_its_time() {
    let mut cluster = with_namespace();
    let done = json!([{"type": "Complete", "status": "True", "lastTransitionTime": "2026-11-22T00:00:00Z"}]);
    let job = |name: &str, ttl: i64| {
        json!({
            "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": name, "namespace": "ns", "uid": name, "generation": 1},
            "spec": {"ttlSecondsAfterFinished": ttl, "selector": {}, "template": {"spec": {"containers": []}}}, "status": {"conditions": done},
        })
    };
    cluster.load(Arc::new(job("in-the-snapshot", 30)));
    cluster.store.put(job("written", 20));
    run(&mut cluster, &Until::Settled);
    assert_eq!((jobs(&cluster).len(), cluster.clock.now), (2, Duration::ZERO));
    pass(&mut cluster, 25);
    assert_eq!(jobs(&cluster), ["in-the-snapshot"]);
    pass(&mut cluster, 5);
    assert_eq!(jobs(&cluster).len(), 0);
}
