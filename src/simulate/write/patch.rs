//! PATCH in its four content types.
//!
//! Follows `endpoints/handlers/patch.go`.

use super::{Outcome, Write};
use crate::apply::server_side::{Application, ApplyError, Conflict, conflict_message};
use crate::apply::{self, PatchError};
use crate::object::{Gvk, Value, text};
use crate::schema::{Schema, Type};
use crate::simulate::{ApiError, Cause, Cluster, PatchKind, Reason};
use std::sync::Arc;

impl Cluster {
    pub(super) fn patch(&mut self, write: &mut Write<'_>, kind: PatchKind) -> Outcome {
        if kind == PatchKind::Apply {
            return self.apply(write);
        }
        let live = self.live(write).ok_or_else(|| write.not_found())?;
        let mut patched = patched_value(self.schema, &write.ty, &live, &write.body()?, kind)?;
        write.patched = Some(Arc::clone(&live));
        let mut object = write.decode_patched(self, &mut patched)?;
        object.reunite(&live);
        write.settle_namespace(&mut object)?;
        write.remember(patched);
        self.own_updated(write, &live, &mut object);
        write.check_name(&object)?;
        self.finish_update(write, &live, object)
    }

    /// Server-side apply: onto the live object, or as its creation.
    fn apply(&mut self, write: &mut Write<'_>) -> Outcome {
        let config = write.body()?;
        check_config(write, &config)?;
        let live = self.live(write);
        let now = self.clock.timestamp();
        let manager = write.request.options.field_manager.clone();
        let force = write.request.options.force == Some(true);
        let application = Application { config: &config, manager: &manager, force, time: &now };
        let (mut warnings, mut sent) = (Vec::new(), None);
        let applied = self.with_field_manager(write, |fields| {
            fields.apply(live.as_deref(), application, |mut merged| {
                if let Some(definition) = write.served.definition() {
                    // What was merged by its type has no unknown fields; it is only defaulted.
                    definition.fill_defaults(&mut merged);
                    return Ok(merged);
                }
                let mut object = write.decode_merged(self, &mut merged, &mut warnings);
                if let (Ok(object), Some(live)) = (&mut object, &live) {
                    object.reunite(live);
                }
                sent = Some(merged);
                object
            })
        });
        write.warnings.extend(warnings);
        sent.into_iter().for_each(|sent| write.remember(sent));
        let mut object = applied.map_err(refused_apply)?;
        let uid = text(&object, &["metadata", "uid"]);
        if live.is_none() && !uid.is_empty() {
            let why = format!("uid mismatch: the provided object specified uid {uid}, and no existing object was found");
            return Err(super::update::stale(write, &why));
        }
        write.settle_namespace(&mut object)?;
        write.check_name(&object)?;
        match live {
            Some(live) => self.finish_update(write, &live, object),
            None => self.finish_create(write, object),
        }
    }
}

/// The live object with the patch applied, not yet decoded.
pub(super) fn patched_value(schema: &Schema, ty: &Type, live: &Value, patch: &Value, kind: PatchKind) -> Result<Value, ApiError> {
    let patched = match kind {
        PatchKind::Json => apply::json_patch::apply(live, patch),
        PatchKind::Merge => apply::merge_patch::apply(live, patch),
        _ => apply::strategic::apply(schema, ty, live, patch).map(|patched| of_its_own_kind(patched, live)),
    };
    patched.map_err(refused_patch)
}

/// A strategic patch is decoded into the Go type of the endpoint, whatever kind and version it names (`strategicPatchObject`).
fn of_its_own_kind(mut patched: Value, live: &Value) -> Value {
    for key in ["apiVersion", "kind"] {
        if let (Some(own), Some(object)) = (live.get(key), patched.as_object_mut()) {
            object.insert(key.into(), own.clone());
        }
    }
    patched
}

fn check_config(write: &Write<'_>, config: &Value) -> Result<(), ApiError> {
    let sent = Gvk::of(config);
    let gvk = write.served.gvk();
    if sent != gvk {
        let message = format!("invalid object type: {}/{}, Kind={}", sent.group, sent.version, sent.kind);
        return Err(ApiError::bad_request(message));
    }
    if config["metadata"].get("managedFields").is_some_and(|m| !m.is_null()) {
        return Err(ApiError::bad_request("metadata.managedFields must be nil"));
    }
    if text(config, &["metadata", "name"]).is_empty() {
        return Ok(());
    }
    write.check_name(config)
}

fn refused_patch(error: PatchError) -> ApiError {
    let reason = match error {
        PatchError::BadRequest(_) => Reason::BadRequest,
        PatchError::Rejected(_) => Reason::Invalid,
        PatchError::TooLarge(_) => Reason::RequestEntityTooLarge,
        PatchError::Internal(_) => Reason::None,
    };
    ApiError::new(error.code(), reason, error.to_string())
}

pub(super) fn refused_apply(error: ApplyError<ApiError>) -> ApiError {
    match error {
        ApplyError::Default(error) => error,
        ApplyError::Conflicts(conflicts) => {
            let cause = |c: &Conflict| Cause {
                reason: "FieldManagerConflict",
                message: format!("conflict with {}", c.manager),
                field: c.path.clone(),
            };
            let causes = conflicts.iter().map(cause).collect();
            ApiError { causes, ..ApiError::new(409, Reason::Conflict, conflict_message(&conflicts)) }
        }
        ApplyError::BadRequest(message) => ApiError::bad_request(message),
        ApplyError::Internal(message) => ApiError::internal(message),
    }
}
