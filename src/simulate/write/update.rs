//! PUT, and the updating half of every patch.
//!
//! Follows `endpoints/handlers/update.go`, `pkg/registry/generic/registry/store.go:Update` and
//! `pkg/registry/rest/update.go:BeforeUpdate`.

use super::{Outcome, Write, body, options};
use crate::apply::field_manager::FieldManager;
use crate::apply::times::restore_times;
use crate::object::{Value, items, map_at, path::FieldPath, text};
use crate::schema::Version;
use crate::schema::equal::equal;
use crate::simulate::resources::Served;
use crate::simulate::{ApiError, Cause, Cluster, Reason, admission, autoscalers, strategy, validate};
use std::sync::Arc;

const STALE: &str = "the object has been modified; please apply your changes to the latest version and try again";

impl Cluster {
    pub(super) fn replace(&mut self, write: &mut Write<'_>) -> Outcome {
        let sent = write.body()?;
        let mut object = write.decode_object(self, &sent)?;
        write.check_name(&object)?;
        write.settle_namespace(&mut object)?;
        let Some(live) = self.live(write) else {
            if !strategy::allows_create_on_update(&write.served.gvk()) {
                return Err(write.not_found());
            }
            body::wipe_system_metadata(&mut object);
            write.remember(sent);
            self.own_created(write, &mut object);
            return self.finish_create(write, object);
        };
        let (sent_uid, uid) = (text(&object, &["metadata", "uid"]), text(&live, &["metadata", "uid"]));
        if !sent_uid.is_empty() && sent_uid != uid {
            let why = format!("Precondition failed: UID in precondition: {sent_uid}, UID in object meta: {uid}");
            return Err(stale(write, &why));
        }
        write.remember(sent);
        self.own_updated(write, &live, &mut object);
        self.finish_update(write, &live, object)
    }

    /// The writer owns what it changed; others lose it.
    pub(super) fn own_updated(&self, write: &Write<'_>, live: &Value, object: &mut Value) {
        keep_emptied_owners(write, object);
        let manager = options::manager(&write.request.options);
        self.with_field_manager(write, |fields| {
            fields.update(Some(live), object, write.sent.as_deref(), &manager, &self.clock.timestamp())
        });
    }

    /// Lends the field manager of the written endpoint.
    pub(super) fn with_field_manager<T>(&self, write: &Write<'_>, f: impl FnOnce(&FieldManager<'_>) -> T) -> T {
        let gvk = write.served.gvk();
        let subresource = write.request.target.subresource.as_str();
        let has_status = match write.served.definition() {
            Some(definition) => definition.status,
            None => self.schema.fields(&write.ty).is_none_or(|own| own.field("status").is_some()),
        };
        let custom = write.served.definition();
        let reset_fields: &[&[&str]] = match (subresource, gvk.kind.as_str()) {
            // `pkg/registry/customresource/status_strategy.go` of apiextensions-apiserver: the metadata since 1.36.
            ("status", _) if custom.is_some() && self.schema.version() < Version::V1_36 => &[&["spec"]],
            ("status", _) if custom.is_some() => &[&["metadata"], &["spec"]],
            ("status", "Deployment") => &[&["spec"], &["metadata", "labels"]],
            ("status", _) => &[&["spec"]],
            _ if has_status => &[&["status"]],
            _ => &[],
        };
        let convert = |object: &Value, api_version: &str| autoscalers::converted(self.schema, object, api_version);
        f(&FieldManager {
            schema: self.schema,
            ty: &write.ty,
            gvk: &gvk,
            subresource,
            reset_fields,
            also_served: custom.map_or(&[], |d| &d.api_versions),
            converts: (gvk.kind == "HorizontalPodAutoscaler" && custom.is_none()).then_some(&convert),
        })
    }

    /// Admission, preconditions, strategy, validation, the no-op check, storage: the same for PUT and every patch.
    pub(super) fn finish_update(&mut self, write: &mut Write<'_>, live: &Arc<Value>, mut object: Value) -> Outcome {
        if let Some(stored) = self.in_stored_version(write, &object) {
            let live = self.store.get(&write.id()).cloned().ok_or_else(|| write.not_found())?;
            let outcome = self.finish_update(&mut write.of_stored_version(self), &live, stored);
            return self.in_own_version(write, outcome);
        }
        let (served, name) = (write.served.clone(), write.request.target.name.as_str());
        let subresource = write.request.target.subresource.as_str();
        let asked = admission::Attributes { cluster: self, served: &served, subresource, name, live: Some(live) };
        admission::mutate(&asked, &mut object)?;
        check_version(write, live, &mut object)?;
        strategy::prepare_update(&self.context(write, String::new()), &mut object, live, subresource)?;
        object.reunite(live);
        let checks = write.checks(self);
        let told = strategy::as_held(&self.context(write, String::new()), &write.ty, subresource, &object, Some(live));
        let causes = match write.served.definition() {
            Some(definition) => definition.wrong_at_update(&checks, &object, live, subresource),
            None => validate::update(&checks, &told, live, subresource),
        };
        if !causes.is_empty() {
            return Err(ApiError::invalid(&write.qualified_kind(&object), text(&object, &["metadata", "name"]), causes));
        }
        write.warnings.extend(validate::warnings(&checks, &object, Some(live), subresource));
        admission::validate(&asked, &told, &mut write.warnings)?;
        // What goes is told as it was sent: it does not come back from the storage.
        let gone = (!write.dry_run && gone_with_last_finalizer(&object, live)).then(|| object.clone());
        write.as_stored(self, &mut object, Some(live));
        match write.served {
            Served::Builtin(_) => restore_times(live, &mut object, |a, b| equal(self.schema, &write.ty, a, b)),
            Served::Custom(_) => restore_times(live, &mut object, |a, b| a == b),
        };
        if object == **live {
            return Ok((200, write.as_read(live)));
        }
        if write.dry_run {
            return Ok((200, write.as_read(&Arc::new(object))));
        }
        if let Some(gone) = gone {
            self.store.remove(&write.id());
            let custom = write.served.definition().is_some();
            return Ok((200, write.as_read(&Arc::new(if custom { object } else { gone }))));
        }
        Ok((200, self.keep(write, object)))
    }
}

/// `managedFields: []` says that tracking starts anew; decoding leaves empty lists out.
fn keep_emptied_owners(write: &Write<'_>, object: &mut Value) {
    let emptied = |sent: &Value| sent["metadata"]["managedFields"].as_array().is_some_and(Vec::is_empty);
    if write.sent.as_deref().is_some_and(emptied) {
        map_at(object, &["metadata"]).insert("managedFields".into(), Value::Array(Vec::new().into()));
    }
}

/// An object may name the resource version it was made from; some kinds insist on one.
fn check_version(write: &Write<'_>, live: &Value, object: &mut Value) -> Result<(), ApiError> {
    let (sent, stored) = (text(object, &["metadata", "resourceVersion"]), text(live, &["metadata", "resourceVersion"]));
    if sent.is_empty() || sent == "0" {
        if !strategy::allows_unconditional_update(&write.served.gvk(), matches!(write.served, Served::Custom(_))) {
            let cause = Cause::invalid(&FieldPath::new("metadata").child("resourceVersion"), "0", "must be specified for an update");
            return Err(ApiError::invalid(&write.served.qualified_resource(), &write.request.target.name, vec![cause]));
        }
        let stored = stored.to_owned();
        map_at(object, &["metadata"]).insert("resourceVersion".into(), stored.into());
        return Ok(());
    }
    if sent.parse::<u64>().is_err() {
        return Err(ApiError::internal(format!("strconv.ParseUint: parsing {}: invalid syntax", crate::simulate::status::quoted(sent))));
    }
    if sent != stored { Err(stale(write, STALE)) } else { Ok(()) }
}

pub(super) fn stale(write: &Write<'_>, why: &str) -> ApiError {
    conflict(&write.served.qualified_resource(), &write.request.target.name, why)
}

/// 409 about an object of a resource, or of a kind where the server names that.
pub(super) fn conflict(resource: &str, name: &str, why: &str) -> ApiError {
    let name = crate::simulate::status::quoted(name);
    ApiError::new(409, Reason::Conflict, format!("Operation cannot be fulfilled on {resource} {name}: {why}"))
}

/// `store.go:ShouldDeleteDuringUpdate`: the last finalizer of an object being deleted was taken away.
fn gone_with_last_finalizer(object: &Value, live: &Value) -> bool {
    let grace = live["metadata"]["deletionGracePeriodSeconds"].as_i64();
    let is_namespace = object["kind"] == "Namespace" && object["apiVersion"] == "v1";
    items(object, &["metadata", "finalizers"]).is_empty()
        && (!is_namespace || items(object, &["spec", "finalizers"]).is_empty())
        && live["metadata"]["deletionTimestamp"].is_string()
        && grace.is_none_or(|g| g == 0)
}
