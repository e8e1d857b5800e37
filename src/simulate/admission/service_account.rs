//! A pod's ServiceAccount must exist.
//!
//! Follows `plugin/pkg/admission/serviceaccount/admission.go`. Tokens are not mounted: no rollout depends on them.

use super::{Attributes, forbidden};
use crate::object::{ObjectId, Value, text};
use crate::simulate::ApiError;

const DEFAULT: &str = "default";

/// Keeps a pod out whose account is missing. A state that shows no account of the namespace does not hold them, and every
/// namespace has its `default`.
pub(super) fn check(asked: &Attributes<'_>, pod: &Value) -> Result<(), ApiError> {
    let cluster = asked.cluster;
    let namespace = text(pod, &["metadata", "namespace"]);
    let name = match text(pod, &["spec", "serviceAccountName"]) {
        "" => DEFAULT,
        name => name,
    };
    let id = ObjectId { kind: "ServiceAccount".into(), namespace: namespace.into(), name: name.into(), ..ObjectId::default() };
    let told = cluster.store.list("", "ServiceAccount", Some(namespace)).next().is_some();
    let missing = name != DEFAULT && told && cluster.store.get(&id).is_none();
    let why = || format!("error looking up service account {namespace}/{name}: serviceaccount {name:?} not found");
    if missing { Err(forbidden(asked, pod, &why())) } else { Ok(()) }
}
