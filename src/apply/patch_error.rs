//! Why a patch could not be applied, in the classes that the server's answers distinguish.
//!
//! Follows apiserver `pkg/endpoints/handlers/patch.go` (`applyJSPatch`, `interpretStrategicMergePatchError`).

use thiserror::Error;

/// A patch that the server refuses before it looks at the object that would come of it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum PatchError {
    /// 400, `BadRequest`: the patch is not of its type's form.
    #[error("{0}")]
    BadRequest(String),
    /// 422, `Invalid`: the patch does not fit the object. The server hides why; the field says it.
    #[error("the server rejected our request due to an error in our request")]
    Rejected(String),
    /// 413, `RequestEntityTooLarge`.
    #[error("Request entity too large: {0}")]
    TooLarge(String),
    /// 500 without a reason.
    #[error("{0}")]
    Internal(String),
}

impl PatchError {
    /// The HTTP status of the server's answer.
    pub fn code(&self) -> u16 {
        match self {
            Self::BadRequest(_) => 400,
            Self::Rejected(_) => 422,
            Self::TooLarge(_) => 413,
            Self::Internal(_) => 500,
        }
    }
}
