//! Refusals, with the reasons and texts of the API server.
//!
//! Follows apimachinery `pkg/api/errors/errors.go` and `pkg/util/validation/field/errors.go`.

pub(super) use crate::apply::go_format::quoted;
use crate::object::{Value, path::FieldPath};
use crate::schema::Version;
use std::fmt;

/// `Status.reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// 400
    BadRequest,
    /// 403
    Forbidden,
    /// 404
    NotFound,
    /// 401
    Unauthorized,
    /// 405
    MethodNotAllowed,
    /// 406
    NotAcceptable,
    /// 409 on create
    AlreadyExists,
    /// 409 on update and apply
    Conflict,
    /// 410
    Expired,
    /// 413
    RequestEntityTooLarge,
    /// 415
    UnsupportedMediaType,
    /// 422
    Invalid,
    /// 429
    TooManyRequests,
    /// 504
    Timeout,
    /// 500; the server gives no reason then
    InternalError,
    /// 500 with the reason left empty
    None,
}

impl Reason {
    /// As it stands in a `Status`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BadRequest",
            Self::Forbidden => "Forbidden",
            Self::NotFound => "NotFound",
            Self::Unauthorized => "Unauthorized",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::NotAcceptable => "NotAcceptable",
            Self::AlreadyExists => "AlreadyExists",
            Self::Conflict => "Conflict",
            Self::Expired => "Expired",
            Self::TooManyRequests => "TooManyRequests",
            Self::Timeout => "Timeout",
            Self::RequestEntityTooLarge => "RequestEntityTooLarge",
            Self::UnsupportedMediaType => "UnsupportedMediaType",
            Self::Invalid => "Invalid",
            Self::InternalError => "InternalError",
            Self::None => "",
        }
    }
}

/// One entry of `Status.details.causes`, and one error of a field.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cause {
    /// `FieldValueInvalid`, `FieldManagerConflict`, ….
    pub reason: &'static str,
    /// Without the field: `Invalid value: -1: must be …`.
    pub message: String,
    /// `spec.replicas`.
    pub field: String,
}

impl Cause {
    fn new(reason: &'static str, field: &FieldPath, message: String) -> Self {
        Self { reason, message, field: field.to_string() }
    }

    /// `Required value: detail`.
    pub fn required(field: &FieldPath, detail: &str) -> Self {
        Self::new("FieldValueRequired", field, with_detail("Required value", detail))
    }

    /// `Forbidden: detail`.
    pub fn forbidden(field: &FieldPath, detail: &str) -> Self {
        Self::new("FieldValueForbidden", field, with_detail("Forbidden", detail))
    }

    /// `Invalid value: shown: detail`; `shown` is the value as Go prints it: strings quoted as Go's `%q`, numbers and booleans bare, the rest as JSON.
    pub fn invalid(field: &FieldPath, shown: &str, detail: &str) -> Self {
        Self::new("FieldValueInvalid", field, with_detail(&format!("Invalid value: {shown}"), detail))
    }

    /// `Duplicate value: shown`.
    pub fn duplicate(field: &FieldPath, shown: &str) -> Self {
        Self::new("FieldValueDuplicate", field, format!("Duplicate value: {shown}"))
    }

    /// `Not found: shown`.
    pub fn not_found(field: &FieldPath, shown: &str) -> Self {
        Self::new("FieldValueNotFound", field, format!("Not found: {shown}"))
    }

    /// `Unsupported value: shown: supported values: "A", "B"`; the values come sorted by the caller, in the server's order.
    pub fn not_supported(field: &FieldPath, shown: &str, supported: &[&str]) -> Self {
        let list: Vec<String> = supported.iter().map(|s| quoted(s)).collect();
        Self::new("FieldValueNotSupported", field, format!("Unsupported value: {shown}: supported values: {}", list.join(", ")))
    }

    /// `Too long: may not be more than N bytes`.
    pub fn too_long(field: &FieldPath, most: usize) -> Self {
        Self::new("FieldValueTooLong", field, format!("Too long: may not be more than {most} bytes"))
    }
}

/// A value as `Invalid value:` shows it: strings quoted as Go's `%q`, numbers and booleans bare, the rest as JSON.
pub(super) fn shown(value: &Value) -> String {
    match value {
        Value::String(s) => quoted(s),
        other => other.to_string(),
    }
}

fn with_detail(head: &str, detail: &str) -> String {
    if detail.is_empty() { head.to_owned() } else { format!("{head}: {detail}") }
}

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiError {
    /// HTTP status.
    pub code: u16,
    /// `Status.reason`.
    pub reason: Reason,
    /// `Status.message`.
    pub message: String,
    /// `Status.details.causes`.
    pub causes: Vec<Cause>,
}

impl ApiError {
    /// What is wrong with the body of a DELETE. Before 1.35 the server took it for its own fault that it could not read one (apiserver
    /// `pkg/endpoints/handlers/delete.go`).
    pub fn about_delete_options(mut self, version: Version) -> Self {
        if version < Version::V1_35 && self.reason == Reason::BadRequest {
            (self.code, self.reason) = (500, Reason::None);
        }
        self
    }

    /// A refusal without causes.
    pub fn new(code: u16, reason: Reason, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), causes: Vec::new() }
    }

    /// 400.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, Reason::BadRequest, message)
    }

    /// 500 with an empty reason, as for errors that the server did not classify.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(500, Reason::None, message)
    }

    /// 404: `deployments.apps "x" not found`.
    pub fn not_found(qualified_resource: &str, name: &str) -> Self {
        Self::new(404, Reason::NotFound, format!("{qualified_resource} {} not found", quoted(name)))
    }

    /// 422: `Deployment.apps "x" is invalid: …`, one error bare, several in brackets, repeated ones once.
    pub fn invalid(qualified_kind: &str, name: &str, causes: Vec<Cause>) -> Self {
        let mut texts: Vec<String> = Vec::new();
        for cause in &causes {
            let text = format!("{}: {}", cause.field, cause.message);
            if !texts.contains(&text) {
                texts.push(text);
            }
        }
        let list = if let [one] = &texts[..] { one.clone() } else { format!("[{}]", texts.join(", ")) };
        Self { code: 422, reason: Reason::Invalid, message: format!("{qualified_kind} {} is invalid: {list}", quoted(name)), causes }
    }
}

impl fmt::Display for ApiError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ApiError {}
