//! What a client sends and what it gets back, free of HTTP.

use super::status::ApiError;
use crate::object::{ObjectId, Value};
use std::collections::BTreeSet;
use std::sync::Arc;

/// What a write does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// POST
    Create,
    /// PUT
    Update,
    /// PATCH, of a kind.
    Patch(PatchKind),
    /// DELETE of one object.
    Delete,
    /// DELETE of a collection.
    DeleteCollection,
}

/// The content type of a PATCH.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchKind {
    /// `application/json-patch+json`
    Json,
    /// `application/merge-patch+json`
    Merge,
    /// `application/strategic-merge-patch+json`
    Strategic,
    /// `application/apply-patch+yaml`
    Apply,
}

/// Which object, or which collection, of which resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// `apps`, or the empty string.
    pub group: String,
    /// `v1`.
    pub version: String,
    /// `deployments`.
    pub resource: String,
    /// `scale`, `status`, …; the empty string for the object itself.
    pub subresource: String,
    /// Empty for cluster-scoped resources.
    pub namespace: String,
    /// Empty for a collection (POST and DELETE of one).
    pub name: String,
}

/// The query of a write. Strings are as sent; an absent parameter is the empty string.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct WriteOptions {
    /// `fieldManager`.
    pub field_manager: String,
    /// `force`, as sent; none if absent.
    pub force: Option<bool>,
    /// `dryRun`.
    pub dry_run: String,
    /// `fieldValidation`.
    pub field_validation: String,
    /// Label selector of a DELETE of a collection.
    pub label_selector: String,
    /// What a DELETE of a collection deletes, where more than labels chooses it.
    pub chosen: Option<BTreeSet<ObjectId>>,
    /// The `User-Agent`: names the manager where `fieldManager` is absent.
    pub user_agent: String,
}

/// The body of a write.
#[derive(Clone, Debug)]
pub enum Body {
    /// A document that was read already (a step of ours, or JSON without surprises).
    Value(Value),
    /// Text as it came, JSON or YAML; duplicate keys are still to be found.
    Text(String),
}

/// One write.
#[derive(Clone, Debug)]
pub struct Request {
    /// What it does.
    pub verb: Verb,
    /// To what.
    pub target: Target,
    /// With which options.
    pub options: WriteOptions,
    /// With which body: an object, a patch, or delete options; `Value::Null` for none.
    pub body: Body,
}

/// What came of a write.
#[derive(Clone, Debug)]
pub struct Response {
    /// The HTTP status.
    pub code: u16,
    /// The object as stored (or as it would be, for a dry run), or the error.
    pub result: Result<Arc<Value>, ApiError>,
    /// Texts of `Warning` headers.
    pub warnings: Vec<String>,
}
