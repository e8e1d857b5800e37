//! POST, and the creating half of PUT and apply.
//!
//! Follows `endpoints/handlers/create.go:createHandler` and `pkg/registry/rest/create.go:BeforeCreate`.

use super::{Outcome, Write, body, options};
use crate::object::{ObjectId, Value, text};
use crate::simulate::status::quoted;
use crate::simulate::{ApiError, Cluster, Reason, admission, custom, strategy, validate};
use std::sync::Arc;

impl Cluster {
    pub(super) fn create(&mut self, write: &mut Write<'_>) -> Outcome {
        let sent = write.body()?;
        let mut object = write.decode_object(self, &sent)?;
        body::wipe_system_metadata(&mut object);
        write.settle_namespace(&mut object)?;
        write.remember(sent);
        self.own_created(write, &mut object);
        self.finish_create(write, object)
    }

    /// The writer owns every field of what it creates, defaults included.
    pub(super) fn own_created(&self, write: &Write<'_>, object: &mut Value) {
        let manager = options::manager(&write.request.options);
        self.with_field_manager(write, |fields| fields.update(None, object, write.sent.as_deref(), &manager, &self.clock.timestamp()));
    }

    /// Admission, system metadata, strategy, validation, storage: the same for POST, PUT and apply of a missing object.
    pub(super) fn finish_create(&mut self, write: &mut Write<'_>, mut object: Value) -> Outcome {
        if let Some(stored) = self.in_stored_version(write, &object) {
            let outcome = self.finish_create(&mut write.of_stored_version(self), stored);
            return self.in_own_version(write, outcome);
        }
        let (uid, served) = (self.store.new_uid(), write.served.clone());
        let (subresource, name) = (write.request.target.subresource.as_str(), write.request.target.name.as_str());
        let asked = admission::Attributes { cluster: self, served: &served, subresource, name, live: None };
        admission::mutate(&asked, &mut object)?;
        let sent_version = !text(&object, &["metadata", "resourceVersion"]).is_empty();
        strategy::prepare_create(&self.context(write, uid), &mut object)?;
        let checks = write.checks(self);
        let told = strategy::as_held(&self.context(write, String::new()), &write.ty, subresource, &object, None);
        let causes = match write.served.definition() {
            Some(definition) => definition.wrong_at_creation(&checks, &object),
            None => validate::create(&checks, &told),
        };
        if !causes.is_empty() {
            return Err(ApiError::invalid(&write.qualified_kind(&object), text(&object, &["metadata", "name"]), causes));
        }
        write.warnings.extend(validate::warnings(&checks, &object, None, subresource));
        admission::validate(&asked, &told, &mut write.warnings)?;
        let id = ObjectId::of(&object);
        if let Some(there) = self.store.get(&id) {
            // `pkg/registry/generic/registry/store.go:Create`
            let going = if there["metadata"]["deletionTimestamp"].is_null() { "" } else { "object is being deleted: " };
            let message = format!("{going}{} {} already exists", write.served.qualified_resource(), quoted(&id.name));
            return Err(ApiError::new(409, Reason::AlreadyExists, message));
        }
        if sent_version && write.request.verb == crate::simulate::Verb::Create {
            return Err(ApiError::internal("resourceVersion should not be set on objects to be created"));
        }
        write.as_stored(self, &mut object, None);
        if custom::is_definition(&object) {
            write.warnings.extend(custom::format_warnings(&object));
        }
        if write.dry_run {
            return Ok((201, write.as_read(&Arc::new(object))));
        }
        Ok((201, self.keep(write, object)))
    }

    /// What the strategy of the written kind may ask for.
    pub(super) fn context<'c>(&'c self, write: &'c Write<'_>, uid: String) -> strategy::Context<'c> {
        strategy::Context {
            schema: self.schema,
            resource: &write.served,
            store: &self.store,
            uid,
            now: self.clock.timestamp(),
            status_subresource: write.served.definition().is_none_or(|d| d.status),
            sent: write.sent.as_deref(),
            dry_run: write.dry_run,
        }
    }
}
