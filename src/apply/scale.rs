//! The managed fields of an object as its `/scale` shows them, and back.
//!
//! Follows apimachinery `pkg/util/managedfields/scalehandler.go`. An entry that comes back from `/scale` without having been
//! there under the same identity is a new one and has no time: so a `/scale` that changes nothing takes the replicas out of their
//! updater's entry all the same, and leaves it a second one. Kubernetes does that.

use super::field_set::FieldSet;
use super::managers::{Manager, Managers, list_of};
use crate::object::Value;

/// The version of the scale object.
const SCALE: &str = "autoscaling/v1";

/// Where the scale object has its replicas.
const SCALE_REPLICAS: [&str; 2] = ["spec", "replicas"];

/// Where an object that can be scaled has its replicas, in each of its versions: `("apps/v1", &["spec", "replicas"])`.
pub type ReplicasPaths<'a> = &'a [(&'a str, &'a [&'a str])];

fn path_in<'a>(paths: ReplicasPaths<'a>, api_version: &str) -> Option<&'a [&'a str]> {
    paths.iter().find(|(version, _)| *version == api_version).map(|(_, path)| *path)
}

/// The managed fields of the scale object: an entry for each manager who owns the replicas.
pub fn to_scale(parent: Option<&Value>, paths: ReplicasPaths<'_>) -> Result<Option<Value>, String> {
    let mut managers = Managers::decode(parent)?;
    managers.retain(|m| path_in(paths, &m.api_version).is_some_and(|path| m.fields.has_fields(path)));
    for manager in managers.iter_mut() {
        manager.api_version = SCALE.into();
        manager.fields = FieldSet::of_fields(&[&SCALE_REPLICAS]).into();
    }
    Ok(managers.encode())
}

/// The managed fields of the object itself, after `scale` became those of its scale object. `api_version` is the object's.
pub fn to_parent(
    parent: Option<&Value>,
    scale: Option<&Value>,
    api_version: &str,
    paths: ReplicasPaths<'_>,
) -> Result<Option<Value>, String> {
    let mut managers = Managers::decode(parent)?;
    let mut scalers = Managers::decode(scale)?;
    managers.retain(|m| path_in(paths, &m.api_version).is_some());
    for manager in managers.iter_mut() {
        let Some(path) = path_in(paths, &manager.api_version).filter(|path| manager.fields.has_fields(path)) else { continue };
        if scalers.remove(&manager.identity).is_none() && manager.fields.subtract(&FieldSet::of_fields(&[path])) {
            manager.kept = None;
        }
    }
    managers.retain(|m| !m.fields.is_empty());
    let path = path_in(paths, api_version).unwrap_or_default();
    for scaler in scalers.iter().filter(|m| m.fields.has_fields(&SCALE_REPLICAS)) {
        managers.set(Manager {
            identity: scaler.identity.clone(),
            api_version: api_version.into(),
            fields: FieldSet::of_fields(&[path]).into(),
            time: None,
            kept: None,
        });
    }
    let before = parent.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    Ok(list_of(managers.entries(None), |index| before[index].clone()))
}
