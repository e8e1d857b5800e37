//! What is used of a ResourceQuota, in its status.
//!
//! Follows `syncResourceQuota` of `pkg/controller/resourcequota/resource_quota_controller.go`.

use crate::object::ObjectId;
use crate::simulate::controllers::queue::Task;
use crate::simulate::controllers::write;
use crate::simulate::store::Change;
use crate::simulate::{Cluster, admission};

/// Any object of a namespace may be one that its quotas count.
pub(super) fn note(cluster: &mut Cluster, change: &Change) {
    if change.id.namespace.is_empty() || change.id.kind == "Event" {
        return;
    }
    let quotas: Vec<ObjectId> = cluster.store.list("", "ResourceQuota", Some(&change.id.namespace)).map(|(id, _)| id.clone()).collect();
    quotas.into_iter().for_each(|quota| cluster.controllers.queue.push(Task::Sync(quota)));
}

/// Brings the status of a quota up to date.
pub(super) fn sync(cluster: &mut Cluster, id: &ObjectId) {
    let Some(quota) = cluster.store.get(id).cloned() else { return };
    let status = admission::quota_status(cluster, &quota);
    write::set_status(cluster, &quota, status);
}
