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
    let text = str::to_owned;
    let target = Target {
        group: text("apps"),
        version: text("v1"),
        resource: text("deployments"),
        namespace: text("shop"),
        name: text("web"),
        ..Target::default()
    };
    let options = WriteOptions { field_manager: text("kubectl"), ..WriteOptions::default() };
    Request { verb: Verb::Patch(PatchKind::Apply), target, options, body: Body::Value(object) }
}

fn writes(c: &mut Criterion) {
    let (cluster, same, other) = (cluster(), apply("a:1"), apply("a:2"));
    let mut group = c.benchmark_group("apply a Deployment of 20 containers");
    for (name, request) in [("that is the same", same), ("with other images", other)] {
        group.bench_function(name, |b| b.iter_batched(|| cluster.clone(), |mut cluster| cluster.write(&request), BatchSize::SmallInput));
    }
    group.finish();
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
