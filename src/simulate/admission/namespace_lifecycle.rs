//! Nothing is created in a namespace that is missing or going, and three namespaces cannot go.
//!
//! Follows `apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go`.

use crate::object::{ObjectId, Value, text};
use crate::simulate::resources::Served;
use crate::simulate::status::quoted;
use crate::simulate::{ApiError, Cause, Cluster, Reason};

const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

pub(super) fn create(cluster: &Cluster, served: &Served, object: &Value) -> Result<(), ApiError> {
    let namespace = text(object, &["metadata", "namespace"]);
    if !served.namespaced || namespace.is_empty() {
        return Ok(());
    }
    let id = ObjectId { kind: "Namespace".into(), name: namespace.into(), ..ObjectId::default() };
    let found = cluster.store.get(&id).ok_or_else(|| ApiError::not_found("namespaces", namespace))?;
    if text(found, &["status", "phase"]) != "Terminating" {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {namespace} because it is being terminated");
    let mut error = forbidden(served, text(object, &["metadata", "name"]), &why);
    let message = format!("namespace {namespace} is being terminated");
    error.causes.push(Cause { reason: "NamespaceTerminating", message, field: "metadata.namespace".into() });
    Err(error)
}

pub(super) fn delete(served: &Served, live: &Value) -> Result<(), ApiError> {
    let name = text(live, &["metadata", "name"]);
    if served.kind == "Namespace" && IMMORTAL.contains(&name) {
        return Err(forbidden(served, name, "this namespace may not be deleted"));
    }
    Ok(())
}

fn forbidden(served: &Served, name: &str, why: &str) -> ApiError {
    ApiError::new(403, Reason::Forbidden, format!("{} {} is forbidden: {why}", served.qualified_resource(), quoted(name)))
}
