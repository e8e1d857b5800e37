//! One pod of a StatefulSet: its ordinal, its name, its claims.
//!
//! Follows `newVersionedStatefulSetPod` of `pkg/controller/statefulset/stateful_set_utils.go`.

use super::{Set, claims};
use crate::object::{Value, at, map_at, text};
use crate::simulate::Cluster;
use crate::simulate::controllers::reading::{REVISION_HASH, name, status};
use crate::simulate::controllers::{history, pods};

/// The ordinal in the name of a set's pod.
pub(super) fn ordinal(set: &str, pod: &str) -> Option<i64> {
    pod.strip_prefix(set)?.strip_prefix('-')?.parse().ok().filter(|n: &i64| (0..=i64::from(i32::MAX)).contains(n))
}

/// Makes the pod that is missing at an index. One that the partition holds back is of the current revision.
pub(super) fn create(cluster: &mut Cluster, set: &Set, index: usize) {
    let place = i64::try_from(index).unwrap_or(i64::MAX);
    let held_back = match set.partition() {
        Some(partition) => place < partition,
        None => set.rolls() && place < status(&set.set, "currentReplicas"),
    };
    let revision = if held_back { &set.current } else { &set.update };
    let template = history::template(revision).unwrap_or_default();
    let ordinal = set.start() + place;
    let pod = draft(&set.set, &template, name(revision), ordinal);
    match claims::create_missing(cluster, &set.set, ordinal) {
        Ok(()) => drop(pods::create(cluster, pod)),
        Err(why) => pods::refuse(cluster, &pod, &why),
    }
}

/// The pod of an ordinal.
pub(super) fn draft(set: &Value, template: &Value, revision: &str, ordinal: i64) -> Value {
    let own = format!("{}-{ordinal}", name(set));
    let mut pod = pods::of_template(template, set);
    map_at(&mut pod, &["metadata"]).insert("name".into(), own.clone().into());
    let labels = map_at(&mut pod, &["metadata", "labels"]);
    labels.insert("apps.kubernetes.io/pod-index".into(), ordinal.to_string().into());
    labels.insert("statefulset.kubernetes.io/pod-name".into(), own.clone().into());
    labels.insert(REVISION_HASH.into(), revision.into());
    let mut volumes: Vec<Value> = claims::volumes(set, ordinal);
    let claimed: Vec<String> = volumes.iter().map(|v| text(v, &["name"]).to_owned()).collect();
    let others = at(&pod, &["spec", "volumes"]).and_then(Value::as_array).cloned().unwrap_or_default();
    volumes.extend(others.into_iter().filter(|v| !claimed.iter().any(|c| c == text(v, &["name"]))));
    let spec = map_at(&mut pod, &["spec"]);
    spec.insert("hostname".into(), own.into());
    let service = text(set, &["spec", "serviceName"]);
    if !service.is_empty() {
        spec.insert("subdomain".into(), service.into());
    }
    if !volumes.is_empty() {
        spec.insert("volumes".into(), volumes.into());
    }
    pod
}
