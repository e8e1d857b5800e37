//! What a control plane makes for itself: the objects of a cluster to which nobody has written yet.
//!
//! `served/fresh.py` makes the file from a real control plane 1.36.2.

use crate::object::{Value, map_at};
use crate::simulate::Cluster;
use flate2::read::GzDecoder;
use std::io::Read;
use std::sync::Arc;

const OBJECTS: &[u8] = include_bytes!("served/fresh.json.gz");

/// Puts those in that are not there.
pub fn fill(cluster: &mut Cluster) {
    let mut text = String::new();
    GzDecoder::new(OBJECTS).read_to_string(&mut text).expect("shipped data is whole");
    let objects: Vec<Value> = serde_json::from_str(&text).expect("shipped data is JSON");
    let now = cluster.clock.timestamp();
    for (number, mut object) in objects.into_iter().enumerate() {
        let uid = cluster.store.new_uid();
        let metadata = map_at(&mut object, &["metadata"]);
        metadata.insert("uid".into(), uid.into());
        metadata.insert("creationTimestamp".into(), now.clone().into());
        metadata.insert("resourceVersion".into(), (number + 1).to_string().into());
        for owner in metadata.get_mut("managedFields").and_then(Value::as_array_mut).into_iter().flatten() {
            owner["time"] = now.clone().into();
        }
        for condition in object["status"].get_mut("conditions").and_then(Value::as_array_mut).into_iter().flatten() {
            condition["lastTransitionTime"] = now.clone().into();
        }
        cluster.load(Arc::new(object));
    }
}
