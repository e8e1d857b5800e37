//! Protobuf bodies of Kubernetes' own types become JSON.
//!
//! Follows apimachinery `pkg/runtime/serializer/protobuf/protobuf.go`; field numbers come from the schema.

use crate::object::Value;
use crate::schema::Schema;
use crate::simulate::{ApiError, Reason};

/// What every body begins with: the envelope `runtime.Unknown` comes after it.
const MAGIC: &[u8] = b"k8s\0";

/// Decodes a body.
///
/// # Errors
/// 400 if it is no such body; 415 for now if it is one.
pub(super) fn decode(_schema: &'static Schema, bytes: &[u8]) -> Result<Value, ApiError> {
    if !bytes.starts_with(MAGIC) {
        return Err(ApiError::bad_request("provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]"));
    }
    Err(ApiError::new(415, Reason::UnsupportedMediaType, "protobuf bodies are not decoded"))
}
