//! What the registry does to an object before it is stored: status reset, generation, allocated values, kind by kind.
//!
//! Follows `pkg/registry/*/*/strategy.go` and apiserver `pkg/registry/rest/{create,update}.go`. Nothing here refuses anything
//! but what cannot be allocated: that is `simulate::validate`. Objects come in as `schema::decode` and `simulate::defaults` leave them, and go out so.

mod claims;
mod gated;
mod metadata;
mod nil;
mod pods;
#[cfg(test)]
mod recorded;
mod rules;
pub mod scale;
mod service;
mod workloads;

pub(in crate::simulate) use pods::qos_class;
pub use rules::{allows_create_on_update, allows_unconditional_update};

use super::{ApiError, Store, defaults};
use crate::object::{Gvk, Text, Value, at, map_at};
use crate::schema::decode::{arrange, decode};
use crate::schema::equal::equal;
use crate::schema::{Resource, Schema, Type};
use rules::Generation;
use std::borrow::Cow;

/// What a strategy may ask for.
#[allow(missing_debug_implementations, reason = "a schema has too much in it to print")]
#[derive(Clone)]
pub struct Context<'c> {
    /// The schema of the cluster's version.
    pub schema: &'c Schema,
    /// The resource that is written; its type is none for custom resources.
    pub resource: &'c Resource,
    /// The object as it came, neither decoded nor defaulted: a body, or what a patch made of the stored object. A few strategies
    /// see in it what Go's types keep and stored objects do not (an empty list is not none). None if nobody knows.
    pub sent: Option<&'c Value>,
    /// Whether a custom resource has a `/status`; built-in ones go by their type.
    pub status_subresource: bool,
    /// What is stored already.
    pub store: &'c Store,
    /// The uid that a new object gets.
    pub uid: String,
    /// The time of day, as objects carry it.
    pub now: String,
    /// Whether nothing will be stored.
    pub dry_run: bool,
}

impl Context<'_> {
    /// A custom resource has no built-in type.
    fn custom(&self) -> bool {
        !matches!(self.resource.ty, Some(Type::Named(_)))
    }

    fn has_status(&self) -> bool {
        if self.custom() {
            return self.status_subresource;
        }
        let ty = self.resource.ty.as_ref();
        ty.and_then(|ty| self.schema.fields(ty)).is_some_and(|own| own.field("status").is_some())
    }
}

/// Makes a new object ready: system fields of the metadata, no status, the first generation, and what its kind adds.
///
/// # Errors
/// What an allocator cannot give to a Service.
pub fn prepare_create(ctx: &Context<'_>, new: &mut Value) -> Result<(), ApiError> {
    let gvk = Gvk::of(new);
    metadata::of_new_object(ctx, new);
    if ctx.has_status() && !rules::status_at_creation(&gvk) {
        clear_status(ctx, new);
    }
    if !matches!(rules::generation(&gvk, ctx.custom(), ctx.schema.version()), Generation::None | Generation::LaterSpec) {
        map_at(new, &["metadata"]).insert("generation".into(), 1.into());
    }
    create_by_kind(ctx, &gvk, new)?;
    if !defaulted_from_storage(&gvk) {
        defaults::apply(&gvk, ctx.schema.version(), new);
    }
    ctx.sent.into_iter().for_each(|sent| defaults::keep_emptied(&gvk, sent, new));
    Ok(())
}

/// Kinds whose defaults copy what creation adds: they are applied again when the object comes back from storage, not before it is
/// validated. A Job takes the labels of its template, which then has some of its own (`SetDefaults_Job`).
pub(super) fn defaulted_from_storage(gvk: &Gvk) -> bool {
    gvk.group == "batch" && gvk.kind == "Job"
}

fn create_by_kind(ctx: &Context<'_>, gvk: &Gvk, new: &mut Value) -> Result<(), ApiError> {
    if let Some(path) = template_path(gvk) {
        workloads::drop_from_template(ctx.schema.version(), path, new, None);
    }
    claims::drop_gated(ctx, gvk, new, None);
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("", "LimitRange") => drop(map_at(new, &["metadata"]).entry("name").or_insert_with(|| ctx.uid.clone().into())),
        ("", "Namespace") => claims::first_finalizer(new),
        ("", "PersistentVolume") => claims::first_phase(ctx, new),
        ("", "PersistentVolumeClaim") => claims::align_data_sources(new, None),
        ("", "Pod") => {
            pods::complete_resources(ctx, new);
            pods::first_status(ctx, new);
            pods::profiles_of_annotations(new);
        }
        ("", "Service") => return service::allocate(ctx, new),
        ("", "ServiceAccount") => claims::name_secrets_only(new),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => claims::add_stored_version(new),
        ("apps", "DaemonSet") => workloads::first_template_generation(new),
        ("batch", "Job") => claims::select_by_uid(ctx, new),
        ("coordination.k8s.io", "Lease") => claims::drop_coordination(new, None),
        _ => {}
    }
    Ok(())
}

/// Makes an update ready: what it may not change is restored, and the generation counted. `subresource` is empty for the
/// object itself, else `status`, `ephemeralcontainers`, `resize` or `finalize`.
///
/// # Errors
/// What an allocator cannot give to a Service.
pub fn prepare_update(ctx: &Context<'_>, new: &mut Value, old: &Value, subresource: &str) -> Result<(), ApiError> {
    let gvk = Gvk::of(new);
    metadata::keep_generation(new, old);
    match subresource {
        "status" => keep_all_but_status(ctx, &gvk, new, old),
        "finalize" => restore(new, old, "status"),
        _ => {
            match subresource {
                "ephemeralcontainers" => pods::only_ephemeral_containers(new, old),
                "resize" => pods::only_resources(ctx, new, old),
                _ if ctx.has_status() => restore(new, old, "status"),
                _ => {}
            }
            update_by_kind(ctx, &gvk, new, old)?;
            if content_moved(ctx, &gvk, new, old) {
                let generation = old["metadata"]["generation"].as_i64().unwrap_or(0);
                map_at(new, &["metadata"]).insert("generation".into(), (generation + 1).into());
            }
        }
    }
    metadata::keep_system_fields(new, old);
    defaults::apply(&gvk, ctx.schema.version(), new);
    ctx.sent.into_iter().for_each(|sent| defaults::keep_emptied(&gvk, sent, new));
    Ok(())
}

/// Takes out what is stored and not read back (the `Decorator` of a kind's storage). A Service that became an `ExternalName` keeps the
/// traffic policy that it was given before (`defaultOnReadInternalTrafficPolicy` of `pkg/registry/core/service/storage/storage.go`).
pub(super) fn as_read(gvk: &Gvk, object: &mut Value) -> Option<Value> {
    if !gvk.group.is_empty() || gvk.kind != "Service" || object["spec"]["type"] != "ExternalName" {
        return None;
    }
    map_at(object, &["spec"]).shift_remove(HIDDEN)
}

const HIDDEN: &str = "internalTrafficPolicy";

/// An object as its storage has it, from what is read and what is hidden.
pub(super) fn as_stored(schema: &Schema, ty: &Type, object: &mut Value, hidden: &Value) {
    map_at(object, &["spec"]).insert(HIDDEN.into(), hidden.clone());
    arrange(schema, ty, object);
}

fn update_by_kind(ctx: &Context<'_>, gvk: &Gvk, new: &mut Value, old: &Value) -> Result<(), ApiError> {
    if let Some(path) = template_path(gvk) {
        workloads::drop_from_template(ctx.schema.version(), path, new, Some(old));
    }
    claims::drop_gated(ctx, gvk, new, Some(old));
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("", "Namespace") => claims::keep_finalizers(new, old),
        ("", "PersistentVolumeClaim") => claims::align_data_sources(new, Some(old)),
        ("", "Pod") => pods::keep_resources(ctx, new, old),
        ("", "Service") => return service::carry_over(ctx, new, old),
        ("", "ServiceAccount") => claims::name_secrets_only(new),
        ("apiextensions.k8s.io", "CustomResourceDefinition") => claims::add_stored_version(new),
        ("apps", "DaemonSet") => workloads::next_template_generation(ctx, new, old),
        ("coordination.k8s.io", "Lease") => claims::drop_coordination(new, Some(old)),
        _ => {}
    }
    Ok(())
}

/// The object as the server holds it until it is stored: with the empty lists and maps that were sent, but for those that a gate drops.
pub(in crate::simulate) fn as_held<'o>(
    ctx: &Context<'_>,
    ty: &Type,
    subresource: &str,
    made: &'o Value,
    old: Option<&Value>,
) -> Cow<'o, Value> {
    let mut held = nil::with_empties(ctx.schema, ty, subresource, ctx.sent, made);
    if let Cow::Owned(object) = &mut held
        && let Some(path) = template_path(&Gvk::of(made))
    {
        workloads::drop_from_template(ctx.schema.version(), path, object, old);
    }
    held
}

/// Where the pod template of a kind stands, if it has one.
fn template_path(gvk: &Gvk) -> Option<&'static [&'static str]> {
    Some(match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("", "ReplicationController") | ("batch", "Job") => {
            &["spec", "template"]
        }
        ("batch", "CronJob") => &["spec", "jobTemplate", "spec", "template"],
        ("", "PodTemplate") => &["template"],
        ("", "Pod") => &[],
        _ => return None,
    })
}

/// Puts the type's zero in place of the status.
fn clear_status(ctx: &Context<'_>, new: &mut Value) {
    let Some(map) = new.as_object_mut() else { return };
    map.shift_remove("status");
    if let Some(ty) = field_type(ctx, "status")
        && let Ok(zero) = decode(ctx.schema, ty, &Value::Null)
    {
        map.insert("status".into(), zero.value);
    }
}

fn field_type<'c>(ctx: &Context<'c>, name: &str) -> Option<&'c Type> {
    ctx.schema.fields(ctx.resource.ty.as_ref()?)?.field(name).map(|field| &field.ty)
}

/// Takes a field over from the stored object.
fn restore(new: &mut Value, old: &Value, field: &str) {
    if let Some(map) = new.as_object_mut() {
        match old.get(field) {
            Some(value) => drop(map.insert(field.into(), value.clone())),
            None => drop(map.shift_remove(field)),
        }
    }
}

/// A write of the status changes nothing else but metadata, and of some kinds not even that.
fn keep_all_but_status(ctx: &Context<'_>, gvk: &Gvk, new: &mut Value, old: &Value) {
    if ctx.custom() {
        let (owners, status) = (new["metadata"].get("managedFields").cloned(), new.get("status").cloned());
        new.clone_from(old);
        let metadata = map_at(new, &["metadata"]);
        metadata.shift_remove("managedFields");
        metadata.extend(owners.map(|owners| ("managedFields".to_owned(), owners)));
        let map = map_at(new, &[]);
        map.shift_remove("status");
        map.extend(status.map(|status| ("status".to_owned(), status)));
        return;
    }
    let kept: Vec<Text> = old.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect();
    kept.iter().filter(|name| !matches!(name.as_str(), "metadata" | "status")).for_each(|name| restore(new, old, name));
    if rules::status_without_metadata(gvk) {
        metadata::keep_for_status(new, old);
    }
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("", "PersistentVolume") => claims::next_phase(ctx, new, old),
        ("", "Pod") => pods::keep_beside_status(new, old),
        ("apps", "Deployment") => metadata::restore(map_at(new, &["metadata"]), old, "labels"),
        _ => {}
    }
}

/// Whether an update moves the generation.
fn content_moved(ctx: &Context<'_>, gvk: &Gvk, new: &Value, old: &Value) -> bool {
    let of_metadata = |object: &Value, field: &str| {
        at(object, &["metadata", field]).filter(|entries| entries.as_object().is_some_and(|map| !map.is_empty())).cloned()
    };
    let differs = |name: &str| match field_type(ctx, name) {
        Some(ty) => !equal(ctx.schema, ty, &old[name], &new[name]),
        None => ctx.custom() && old[name] != new[name],
    };
    let sent_empty = |name: &str| {
        field_type(ctx, name).zip(ctx.sent).is_some_and(|(ty, sent)| nil::lost_empties(ctx.schema, ty, &sent[name], &new[name]))
    };
    match rules::generation(gvk, ctx.custom(), ctx.schema.version()) {
        Generation::None | Generation::First => false,
        Generation::Spec | Generation::LaterSpec => differs("spec"),
        Generation::SpecOrEmpty => differs("spec") || sent_empty("spec"),
        Generation::WebhooksOrEmpty => differs("webhooks") || sent_empty("webhooks"),
        Generation::SpecAndAnnotations => differs("spec") || of_metadata(old, "annotations") != of_metadata(new, "annotations"),
        Generation::ContentAndLabels if of_metadata(old, "labels") != of_metadata(new, "labels") => true,
        Generation::Content | Generation::ContentAndLabels => {
            let names = |object: &Value| object.as_object().into_iter().flatten().map(|(name, _)| name.clone()).collect::<Vec<_>>();
            let status_counts = ctx.custom() && !ctx.status_subresource;
            let own = |name: &Text| !matches!(name.as_str(), "kind" | "apiVersion" | "metadata") && (status_counts || name != "status");
            names(old).into_iter().chain(names(new)).filter(own).any(|name| differs(&name))
        }
    }
}
