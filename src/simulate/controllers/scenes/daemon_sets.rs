//! DaemonSets: nodes, limits, notation.

use super::{cluster, count, create, image, moves, of_image, pods, settle, workload, write};
use crate::object::json;
use crate::simulate::controllers::reading::status;
use crate::simulate::controllers::{Until, run};
use std::time::Duration;

#[test]
fn half_of_three_daemon_pods_are_two() {
    let mut cluster = cluster();
    let strategy = json!({"updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "50%", "maxSurge": 0}}});
    let id = create(&mut cluster, workload("DaemonSet", strategy));
    let began = cluster.clock.now;
    write(&mut cluster, &id, |d| image(d, "x:2"));
    run(&mut cluster, &Until::Now);
    assert_eq!(pods(&cluster).iter().filter(|p| crate::simulate::controllers::reading::deleting(p)).count(), 2);
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
    assert!(pods(&cluster).iter().filter(|p| crate::simulate::controllers::reading::deleting(p)).count() >= 2);
    run(&mut cluster, &Until::Settled);
    assert_eq!(pods(&cluster).iter().filter(|p| !crate::simulate::controllers::reading::deleting(p)).count(), 1);
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
