//! How long single functions take: the schema is decoded, a Deployment is written, a snapshot is loaded, a fleet is rendered.

#![allow(missing_docs, clippy::unwrap_used, reason = "criterion's macros make undocumented functions; a bench may panic")]

use criterion::{Criterion, criterion_group, criterion_main};
use rollcast::object::{ObjectId, Value};
use std::hint::black_box;

/// The example's snapshot: 22 objects with their managed fields.
const SNAPSHOT: &str = include_str!("../examples/genbrain.json");

fn snapshot(c: &mut Criterion) {
    c.bench_function("read the example's snapshot", |b| b.iter(|| serde_json::from_str::<Value>(black_box(SNAPSHOT)).unwrap()));
    let list: Value = serde_json::from_str(SNAPSHOT).unwrap();
    let items = list["items"].as_array().unwrap();
    c.bench_function("name its objects", |b| b.iter(|| items.iter().map(ObjectId::of).collect::<Vec<_>>()));
}

criterion_group!(functions, snapshot);
criterion_main!(functions);
