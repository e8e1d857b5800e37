//! Admission that alters or refuses: what the plugins that are on by default do to a write.
//!
//! Follows `pkg/kubeapiserver/options/plugins.go:AllOrderedPlugins`: each plugin is a file, called here in its order. What
//! admission adds to an object belongs to no field manager, for ownership is settled before it runs.

mod namespace_lifecycle;
mod storage;

use super::resources::Served;
use super::{ApiError, Cluster};
use crate::object::Value;

/// The mutating plugins; `live` is none for a creation.
pub(super) fn mutate(
    cluster: &Cluster,
    served: &Served,
    object: &mut Value,
    live: Option<&Value>,
    _warnings: &mut Vec<String>,
) -> Result<(), ApiError> {
    if live.is_none() {
        namespace_lifecycle::create(cluster, served, object)?;
        storage::default_class(cluster, served, object);
        storage::protect(served, object);
    }
    Ok(())
}

/// Before an object is deleted.
pub(super) fn delete(_cluster: &Cluster, served: &Served, live: &Value) -> Result<(), ApiError> {
    namespace_lifecycle::delete(served, live)
}
