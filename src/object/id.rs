//! Which kind an object is of, and which object of that kind.

use super::{Value, text};
use std::fmt;

/// Group, version and kind. The core group is the empty string.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gvk {
    /// `apps`, or the empty string for the core group.
    pub group: String,
    /// `v1`.
    pub version: String,
    /// `Deployment`.
    pub kind: String,
}

impl Gvk {
    /// From an object's `apiVersion` and `kind`.
    pub fn new(api_version: &str, kind: &str) -> Self {
        let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
        Self { group: group.into(), version: version.into(), kind: kind.into() }
    }

    /// Of an object, from its `apiVersion` and `kind`; empty strings where they are missing.
    pub fn of(object: &Value) -> Self {
        Self::new(text(object, &["apiVersion"]), text(object, &["kind"]))
    }

    /// `apps/v1`, or `v1` for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() { self.version.clone() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// One object: its group and kind (an object keeps its identity across versions), namespace and name.
/// Shown as `Kind/namespace/name`, or `Kind/name` for a cluster's own.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    /// `apps`, or the empty string for the core group.
    pub group: String,
    /// `Deployment`.
    pub kind: String,
    /// Empty for a cluster-scoped object.
    pub namespace: String,
    /// `ceo-agent`.
    pub name: String,
}

impl ObjectId {
    /// Of an object, from its `apiVersion`, `kind` and metadata.
    pub fn of(object: &Value) -> Self {
        let Gvk { group, kind, .. } = Gvk::of(object);
        Self { group, kind, namespace: text(object, &["metadata", "namespace"]).into(), name: text(object, &["metadata", "name"]).into() }
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(f, "{}/{}", self.kind, self.name)
        } else {
            write!(f, "{}/{}/{}", self.kind, self.namespace, self.name)
        }
    }
}
