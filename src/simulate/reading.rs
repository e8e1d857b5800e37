//! What the server answers a reader with beyond what is stored: another version of an object, its scale.

use super::resources::Served;
use super::strategy::scale;
use super::{ApiError, Cluster};
use crate::apply::scale::to_scale;
use crate::object::{Value, at, map_at};
use std::sync::Arc;

impl Cluster {
    /// An object in the version that a resource is served in.
    pub fn in_version(&self, served: &Served, object: &Arc<Value>) -> Arc<Value> {
        if let Some(definition) = served.definition() {
            return definition.converted_from(self.schema, object).map_or_else(|| Arc::clone(object), Arc::new);
        }
        if let Some((other, _)) = super::autoscalers::converted(self.schema, object, &served.gvk().api_version()) {
            return Arc::new(other);
        }
        let mut renamed = Value::clone(object);
        map_at(&mut renamed, &[]).insert("apiVersion".into(), served.gvk().api_version().into());
        Arc::new(renamed)
    }

    /// The `Scale` of an object.
    ///
    /// # Errors
    /// 404 if the kind has none.
    pub fn scale_of(&self, served: &Served, object: &Value) -> Result<Value, ApiError> {
        let custom = served.definition().and_then(|d| d.scale.clone());
        let in_spec: Vec<&str> = custom.as_ref().map_or_else(|| vec!["spec", "replicas"], |c| c.spec.iter().map(String::as_str).collect());
        let paths: &[(&str, &[&str])] = &[(&served.gvk().api_version(), &in_spec)];
        let read = match &custom {
            Some(places) => Some(places.read(object)),
            None => scale::read(object),
        };
        let mut view =
            read.ok_or_else(|| ApiError::not_found(&served.qualified_resource(), crate::object::text(object, &["metadata", "name"])))?;
        let owners = to_scale(at(object, &["metadata", "managedFields"]), paths).map_err(ApiError::internal)?;
        if let Some(owners) = owners {
            map_at(&mut view, &["metadata"]).insert("managedFields".into(), owners);
        }
        Ok(view)
    }
}
