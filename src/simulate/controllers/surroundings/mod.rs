//! The controllers whose work no verdict rests on, but which clients see: service accounts, root certificates, endpoints, quotas, events.
//!
//! They run only where clients look at the cluster ([`Controllers::show_surroundings`](super::Controllers)): a plan does without.

mod accounts;
mod endpoints;
mod events;
mod quotas;

use super::queue::Task;
use crate::object::{ObjectId, Value};
use crate::simulate::Cluster;
use crate::simulate::store::Change;
use std::sync::Arc;

/// Looks at what is there when the first client comes: namespaces without their accounts.
pub(super) fn begin(cluster: &mut Cluster) {
    let namespaces: Vec<ObjectId> = cluster.store.list("", "Namespace", None).map(|(id, _)| id.clone()).collect();
    namespaces.iter().for_each(|id| accounts::sync(cluster, &id.name));
}

/// Takes in a change; `own` if a controller made it.
pub(super) fn note(cluster: &mut Cluster, change: &Change, own: bool) {
    let id: &ObjectId = &change.id;
    if own {
        events::note(cluster, change);
    }
    quotas::note(cluster, change);
    match (id.group.as_str(), id.kind.as_str()) {
        ("", "Namespace") => accounts::sync(cluster, &id.name),
        ("", "ServiceAccount") if id.name == accounts::DEFAULT && change.after.is_none() => accounts::sync(cluster, &id.namespace),
        ("", "ConfigMap") if id.name == accounts::ROOT_CERTIFICATE => accounts::sync(cluster, &id.namespace),
        ("", "Service") => cluster.controllers.queue.push(Task::Sync(id.clone())),
        ("", "Pod") => endpoints::note_pod(cluster, change),
        _ => {}
    }
}

/// Brings the status of a quota up to date.
pub(super) fn sync_quota(cluster: &mut Cluster, id: &ObjectId) {
    quotas::sync(cluster, id);
}

/// Records that a pod of a controller was refused.
pub(super) fn refused(cluster: &mut Cluster, controller: &ObjectId, pod: &Value, why: &str) {
    events::refused(cluster, controller, pod, why);
}

/// Records that a StatefulSet made a claim of a name for the pod of an ordinal, or why it could not.
pub(super) fn claimed(cluster: &mut Cluster, set: &Arc<Value>, claim: (&str, i64), refused: Option<&str>) {
    events::claimed(cluster, set, claim, refused);
}

/// Records what the controller of a CronJob said about it; `normal` if it is no warning.
pub(super) fn said(cluster: &mut Cluster, about: &Arc<Value>, normal: bool, reason: &'static str, message: String) {
    events::said(cluster, about, normal, reason, message);
}

/// Brings the endpoints of a service up to date.
pub(super) fn sync_service(cluster: &mut Cluster, id: &ObjectId) {
    endpoints::sync(cluster, id);
}
