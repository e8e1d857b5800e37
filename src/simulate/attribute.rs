//! Owners for objects that have none: what a snapshot without managed fields leaves open, decided one way.

use super::Cluster;
use crate::apply::field_set::FieldSet;
use crate::apply::fields_v1;
use crate::apply::managers::{managed_fields, unowned};
use crate::apply::typed::{Typed, field_set};
use crate::object::{Gvk, ObjectId, Value, json, map_at};
use crate::schema::Type;
use std::collections::BTreeSet;
use std::sync::Arc;

impl Cluster {
    /// Takes every field of each object without managed fields to have been applied by `manager`: then its next apply removes
    /// what it no longer names. Only of those that are to be applied, by kind and name: the owners of others come to nothing.
    pub fn attribute(&mut self, manager: &str, applied: &BTreeSet<(&str, &str)>) {
        let wanted = |id: &ObjectId, o: &Value| applied.contains(&(id.kind.as_str(), id.name.as_str())) && managed_fields(o).is_none();
        let without: Vec<Arc<Value>> = self.store.iter().filter(|(id, o)| wanted(id, o)).map(|(_, o)| Arc::clone(o)).collect();
        for object in without {
            let gvk = Gvk::of(&object);
            let ty = self.served_kind(&gvk).and_then(|served| served.ty.clone()).unwrap_or(Type::Any);
            let mut fields = field_set(Typed { schema: self.schema, ty: &ty }, &object);
            fields.subtract_recursive(unowned());
            fields.subtract_recursive(&FieldSet::of_fields(&[&["status"]]));
            let fields = fields_v1::write(&fields);
            let entry = json!({
                "manager": manager, "operation": "Apply", "apiVersion": gvk.api_version(), "fieldsType": "FieldsV1", "fieldsV1": fields,
            });
            let mut object = Value::clone(&object);
            map_at(&mut object, &["metadata"]).insert("managedFields".into(), json!([entry]));
            self.load(Arc::new(object));
        }
    }
}
