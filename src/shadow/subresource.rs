//! Subresources and resources that store nothing: evictions, bindings, tokens, access reviews, logs.
//!
//! Follows `pkg/registry/core/pod/storage/{storage,eviction}.go`, `pkg/registry/core/serviceaccount/storage/token.go` and
//! `pkg/registry/authorization`.

use super::answer::Answer;
use super::resource::Call;
use super::state::Shadow;
use crate::simulate::ApiError;
use crate::simulate::resources::Served;

/// Answers a call that is not about a stored object of the resource; none if it is.
pub(super) fn answer(_shadow: &Shadow, call: &Call, _served: &Served) -> Option<Result<Answer, ApiError>> {
    match (call.target.resource.as_str(), call.target.subresource.as_str()) {
        ("pods", "log" | "exec" | "attach" | "portforward" | "proxy") => Some(Err(nothing_runs(call))),
        _ => None,
    }
}

/// No container runs here, so there is nothing to talk to.
fn nothing_runs(call: &Call) -> ApiError {
    let (pod, what) = (&call.target.name, &call.target.subresource);
    ApiError::bad_request(format!("rollcast simulates pod {pod:?}: nothing runs in it, so there is no {what}"))
}
