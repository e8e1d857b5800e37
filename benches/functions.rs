//! How long single functions take: a snapshot is read, a Deployment is written, a fleet is rendered.

#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros make undocumented functions; a bench may panic")]

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use rollcast::cluster::read_snapshot_from;
use rollcast::diagnostic::Source;
use rollcast::object::{Value, json};
use rollcast::render::{Templates, render};
use rollcast::schema::Version;
use rollcast::simulate::clock::Clock;
use rollcast::simulate::{Body, Cluster, PatchKind, Request, Target, Verb, WriteOptions};
use rollcast::{fleet, images};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// The example's snapshot, with its managed fields.
const SNAPSHOT: &str = include_str!("../examples/genbrain.json");
const FLEET: &str = include_str!("../fleet.toml");

/// A cluster with one Deployment of 20 containers, applied by kubectl.
fn cluster() -> Cluster {
    let mut cluster = Cluster::new(Version::V1_36, Clock::new("2026-01-01T00:00:00Z".parse().unwrap()));
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    cluster.load(Arc::new(namespace));
    let response = cluster.write(&apply("a:1"));
    assert_eq!(response.code, 201, "{response:?}");
    cluster
}

/// The same with five more managers, each of which applied a label and a variable of every container.
fn cluster_of_six_managers() -> Cluster {
    let mut cluster = cluster();
    for manager in ["mesh", "secrets", "tracing", "tenants", "policies"] {
        let containers: Vec<Value> =
            (0..20).map(|i| json!({"name": format!("c{i}"), "env": [{"name": manager.to_uppercase(), "value": "on"}]})).collect();
        let object = json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop", "labels": {manager: "on"}},
            "spec": {"template": {"spec": {"containers": containers}}},
        });
        let response = cluster.write(&request(object, PatchKind::Apply, manager));
        assert_eq!(response.code, 200, "{response:?}");
    }
    cluster
}

fn apply(image: &str) -> Request {
    let containers: Vec<Value> = (0..20)
        .map(|i| json!({"name": format!("c{i}"), "image": image, "env": [{"name": "A", "value": "1"}], "ports": [{"containerPort": 8080 + i}]}))
        .collect();
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "namespace": "shop"},
        "spec": {
            "selector": {"matchLabels": {"app": "web"}},
            "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": containers}},
        },
    });
    request(object, PatchKind::Apply, "kubectl")
}

/// `kubectl set image` of every container.
fn set_images(image: &str) -> Request {
    let containers: Vec<Value> = (0..20).map(|i| json!({"name": format!("c{i}"), "image": image})).collect();
    let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
    request(patch, PatchKind::Strategic, "kubectl-set")
}

fn request(body: Value, kind: PatchKind, manager: &str) -> Request {
    let text = str::to_owned;
    let target = Target {
        group: text("apps"),
        version: text("v1"),
        resource: text("deployments"),
        namespace: text("shop"),
        name: text("web"),
        ..Target::default()
    };
    let options = WriteOptions { field_manager: text(manager), ..WriteOptions::default() };
    Request { verb: Verb::Patch(kind), target, options, body: Body::Value(body) }
}

fn writes(c: &mut Criterion) {
    let requests = [("apply that is the same", apply("a:1")), ("apply with other images", apply("a:2")), ("set image", set_images("a:2"))];
    for (managers, cluster) in [("one manager", cluster()), ("six managers", cluster_of_six_managers())] {
        let mut group = c.benchmark_group(format!("a Deployment of 20 containers with {managers}"));
        for (name, request) in &requests {
            assert_eq!(cluster.clone().write(request).code, 200);
            group
                .bench_function(*name, |b| b.iter_batched(|| cluster.clone(), |mut cluster| cluster.write(request), BatchSize::SmallInput));
        }
        group.finish();
    }
}

fn reads(c: &mut Criterion) {
    let name = Path::new("genbrain.json");
    c.bench_function("read the example's snapshot", |b| b.iter(|| read_snapshot_from(SNAPSHOT.as_bytes(), name, 1 << 30).unwrap()));
}

fn renders(c: &mut Criterion) {
    let source = Arc::new(Source::new("fleet.toml".into(), FLEET.into()));
    let load = || images::pin(fleet::load(Arc::clone(&source), &BTreeMap::new()).unwrap(), &images::Supply::default()).unwrap();
    c.bench_function("read the example's fleet", |b| b.iter(load));
    let (pinned, templates) = (load(), Templates::default());
    c.bench_function("render the example's fleet", |b| b.iter(|| render(&pinned, &templates).unwrap()));
}

criterion_group!(functions, reads, writes, renders);
criterion_main!(functions);
