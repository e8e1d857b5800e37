//! PUT and PATCH of `/scale`: replicas written through a view of the object, ownership carried over and back.
//!
//! Follows `pkg/registry/apps/*/storage/storage.go:scaleUpdatedObjectInfo.UpdatedObject`.

use super::{Outcome, Write, options, update};
use crate::apply::field_manager::FieldManager;
use crate::apply::scale::{to_parent, to_scale};
use crate::apply::server_side::Application;
use crate::object::{Gvk, Value, at, integer, map_at, path::FieldPath, text};
use crate::schema::Type;
use crate::simulate::strategy::scale;
use crate::simulate::{ApiError, Cause, Cluster, PatchKind, Request, Target, Verb};
use std::sync::Arc;

const SCALE_TYPE: &str = "io.k8s.api.autoscaling.v1.Scale";
const REPLICAS: [&str; 2] = ["spec", "replicas"];

impl Cluster {
    pub(super) fn write_scale(&mut self, write: &mut Write<'_>) -> Outcome {
        let parent_target = Target { subresource: String::new(), ..write.request.target.clone() };
        let parent_served = self.served(&Target { resource: parent_target.resource.clone(), ..parent_target.clone() })?;
        let live = self
            .store
            .get(&crate::object::ObjectId { kind: parent_served.kind.as_str().into(), ..write.id() })
            .cloned()
            .ok_or_else(|| write.not_found())?;
        let gvk = parent_served.gvk();
        let custom = parent_served.definition().and_then(|d| d.scale.clone());
        let places = custom.clone().unwrap_or_default();
        let in_spec: Vec<&str> = if custom.is_none() { REPLICAS.to_vec() } else { places.spec.iter().map(String::as_str).collect() };
        let paths: &[(&str, &[&str])] = &[(&gvk.api_version(), &in_spec)];
        let ty = self.schema.named(SCALE_TYPE).unwrap_or(Type::Any);
        if parent_served.definition().is_some() && write.request.verb == Verb::Patch(PatchKind::Apply) {
            return Err(no_apply(write));
        }
        let read = |object: &Value| if custom.is_some() { Some(places.read(object)) } else { scale::read(object) };
        let mut view = read(&live).ok_or_else(|| write.not_found())?;
        let own = at(&live, &["metadata", "managedFields"]);
        put_managers(&mut view, to_scale(own, paths).map_err(ApiError::internal)?);
        let scaled = self.scaled(write, &ty, &view)?;
        check(&scaled, &live, write, parent_served.definition().is_none())?;
        let mut object = Value::clone(&live);
        if custom.is_some() {
            places.write(&scaled, &mut object);
        } else {
            scale::write(&scaled, &mut object);
        }
        let owners = to_parent(own, at(&scaled, &["metadata", "managedFields"]), &gvk.api_version(), paths);
        put_managers(&mut object, owners.map_err(ApiError::internal)?);
        let request = Request { target: parent_target, ..write.request.clone() };
        let parent_type = parent_served.ty_in(self);
        let mut parent = Write {
            request: &request,
            served: parent_served,
            ty: parent_type,
            dry_run: write.dry_run,
            sent: None,
            patched: None,
            warnings: Vec::new(),
        };
        let (code, stored) = self.finish_update(&mut parent, &live, object)?;
        Ok((code, read(&stored).map_or(stored, Arc::new)))
    }

    /// The scale object after the write, with its owners.
    fn scaled(&self, write: &mut Write<'_>, ty: &Type, view: &Value) -> Result<Value, ApiError> {
        let gvk = Gvk::new("autoscaling/v1", "Scale");
        let fields = FieldManager {
            schema: self.schema,
            ty,
            gvk: &gvk,
            subresource: "scale",
            reset_fields: &[&["status"]],
            also_served: &[],
            converts: None,
        };
        let (body, now) = (write.body()?, self.clock.timestamp());
        let scale_write = Write {
            request: write.request,
            served: write.served.clone(),
            ty: ty.clone(),
            dry_run: write.dry_run,
            sent: None,
            patched: Some(Arc::new(view.clone())),
            warnings: Vec::new(),
        };
        let mut patched = match write.request.verb {
            Verb::Patch(PatchKind::Apply) => {
                let application = Application {
                    config: &body,
                    manager: &write.request.options.field_manager,
                    force: write.request.options.force == Some(true),
                    time: &now,
                };
                let mut warnings = Vec::new();
                let applied =
                    fields.apply(Some(view), application, |mut merged| scale_write.decode_as(self, &gvk, &mut merged, &mut warnings));
                return applied.map_err(super::patch::refused_apply);
            }
            Verb::Patch(kind) => super::patch::patched_value(self.schema, ty, view, &body, kind)?,
            _ => body,
        };
        let mut object = scale_write.decode_as(self, &gvk, &mut patched, &mut write.warnings)?;
        fields.update(Some(view), &mut object, Some(&patched), &options::manager(&write.request.options), &now);
        Ok(object)
    }
}

/// The server cannot put an applied `Scale` into a custom resource.
fn no_apply(write: &Write<'_>) -> ApiError {
    let target = &write.request.target;
    let why = "autoscaling/v1, Kind=Scale) to proper version: request to convert CR to an invalid group/version: autoscaling/v1";
    ApiError::internal(format!("failed to convert new object ({}/{}; {why}", target.namespace, target.name))
}

fn put_managers(object: &mut Value, managers: Option<Value>) {
    let metadata = map_at(object, &["metadata"]);
    match managers {
        Some(managers) => drop(metadata.insert("managedFields".into(), managers)),
        None => drop(metadata.shift_remove("managedFields")),
    }
}

fn check(scale: &Value, live: &Value, write: &Write<'_>, counts: bool) -> Result<(), ApiError> {
    let replicas = integer(scale, &REPLICAS).unwrap_or(0);
    if counts && replicas < 0 {
        let field = FieldPath::new("spec").child("replicas");
        let cause = Cause::invalid(&field, &replicas.to_string(), "must be greater than or equal to 0");
        return Err(ApiError::invalid("Scale.autoscaling", text(scale, &["metadata", "name"]), vec![cause]));
    }
    let (sent, uid) = (text(scale, &["metadata", "uid"]), text(live, &["metadata", "uid"]));
    if !sent.is_empty() && sent != uid {
        let why = format!("Precondition failed: UID in precondition: {sent}, UID in object meta: {uid}");
        return Err(update::stale(write, &why));
    }
    Ok(())
}
