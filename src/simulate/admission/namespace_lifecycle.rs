//! Nothing is created in a namespace that is missing or going, and three namespaces cannot go.
//!
//! Follows `apiserver/pkg/admission/plugin/namespace/lifecycle/admission.go`.

use super::Attributes;
use crate::object::{ObjectId, Value, text};
use crate::simulate::resources::Served;
use crate::simulate::status::quoted;
use crate::simulate::{ApiError, Cause, Reason};
use std::sync::Arc;

const IMMORTAL: [&str; 3] = ["default", "kube-system", "kube-public"];

/// The namespace of a new object must be there.
pub(super) fn exists(asked: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
    let name = text(object, &["metadata", "namespace"]);
    if !asked.served.namespaced || name.is_empty() || namespace(asked, name).is_some() {
        return Ok(());
    }
    Err(ApiError::not_found("namespaces", name))
}

/// A namespace that goes takes nothing in, whoever makes it.
pub(super) fn stays(asked: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
    let name = text(object, &["metadata", "namespace"]);
    if namespace(asked, name).is_none_or(|found| text(found, &["status", "phase"]) != "Terminating") {
        return Ok(());
    }
    let why = format!("unable to create new content in namespace {name} because it is being terminated");
    let mut error = super::forbidden(asked, object, &why);
    let message = format!("namespace {name} is being terminated");
    error.causes.push(Cause { reason: "NamespaceTerminating", message, field: "metadata.namespace".into() });
    Err(error)
}

fn namespace<'c>(asked: &Attributes<'c>, name: &str) -> Option<&'c Arc<Value>> {
    let id = ObjectId { kind: "Namespace".into(), name: name.into(), ..ObjectId::default() };
    asked.cluster.store.get(&id).filter(|_| asked.served.namespaced)
}

pub(super) fn delete(served: &Served, name: &str) -> Result<(), ApiError> {
    if served.kind == "Namespace" && IMMORTAL.contains(&name) {
        return Err(forbidden(served, name, "this namespace may not be deleted"));
    }
    Ok(())
}

fn forbidden(served: &Served, name: &str, why: &str) -> ApiError {
    ApiError::new(403, Reason::Forbidden, format!("{} {} is forbidden: {why}", served.qualified_resource(), quoted(name)))
}
