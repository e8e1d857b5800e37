//! Which resources the cluster serves: the built-in ones of its version and those that its CustomResourceDefinitions establish.

use super::custom::Definition;
use super::{ApiError, Cluster, Reason, Target};
use crate::object::Gvk;
use crate::schema::{Resource, Type};
use std::ops::Deref;
use std::sync::Arc;

/// A resource that was found; cheap to clone and free of the cluster's borrow.
#[derive(Clone, Debug)]
pub enum Served {
    /// One of the version's own.
    Builtin(&'static Resource),
    /// One that a definition establishes.
    Custom(Arc<Definition>),
}

impl Deref for Served {
    type Target = Resource;

    fn deref(&self) -> &Resource {
        match self {
            Self::Builtin(resource) => resource,
            Self::Custom(definition) => &definition.resource,
        }
    }
}

impl Served {
    /// The definition behind a custom resource.
    pub fn definition(&self) -> Option<&Definition> {
        match self {
            Self::Builtin(_) => None,
            Self::Custom(definition) => Some(definition),
        }
    }

    /// The type of its objects.
    pub fn ty_in(&self, cluster: &Cluster) -> Type {
        match self {
            Self::Builtin(resource) => resource.ty.clone().unwrap_or(Type::Any),
            Self::Custom(definition) => definition.ty(cluster.schema).clone(),
        }
    }

    /// The kind of a list of its objects.
    pub fn list_kind(&self) -> String {
        let told = self.definition().map(|d| d.list_kind.as_str()).filter(|k| !k.is_empty());
        told.map_or_else(|| format!("{}List", self.kind), str::to_owned)
    }

    /// Its objects' group, version and kind.
    pub fn gvk(&self) -> Gvk {
        Gvk { group: self.group.as_str().into(), version: self.version.as_str().into(), kind: self.kind.as_str().into() }
    }

    /// `deployments.apps`, as messages name a resource.
    pub fn qualified_resource(&self) -> String {
        let plural = self.resource.split('/').next().unwrap_or_default();
        if self.group.is_empty() { plural.to_owned() } else { format!("{plural}.{}", self.group) }
    }

    /// `Deployment.apps`, as messages name a kind.
    pub fn qualified_kind(&self) -> String {
        if self.group.is_empty() { self.kind.clone() } else { format!("{}.{}", self.kind, self.group) }
    }
}

impl Cluster {
    /// The resource (without its subresource) that a target names.
    ///
    /// # Errors
    /// 404, as for a path that no handler serves.
    pub fn served(&self, target: &Target) -> Result<Served, ApiError> {
        let matches = |r: &Resource| r.group == target.group && r.version == target.version && r.resource == target.resource;
        let builtin = self.schema.find(&target.group, &target.version, &target.resource).map(Served::Builtin);
        builtin
            .or_else(|| self.custom.iter().find(|d| matches(&d.resource)).cloned().map(Served::Custom))
            .filter(|served| served.definition().is_none() || in_its_scope(served, target))
            .ok_or_else(|| ApiError::new(404, Reason::NotFound, "the server could not find the requested resource"))
    }

    /// The resource that stores objects of a kind, in the version asked for.
    pub fn served_kind(&self, gvk: &Gvk) -> Option<Served> {
        let builtin = self.schema.resource_of(&gvk.group, &gvk.version, &gvk.kind).map(Served::Builtin);
        let same = |r: &Resource| r.group == gvk.group && r.version == gvk.version && r.kind == gvk.kind;
        builtin.or_else(|| self.custom.iter().find(|d| same(&d.resource)).cloned().map(Served::Custom))
    }
}

/// A custom resource is only found in the scope of its definition.
fn in_its_scope(served: &Served, target: &Target) -> bool {
    let across_all = target.name.is_empty() && target.namespace.is_empty();
    served.namespaced != target.namespace.is_empty() || across_all
}
