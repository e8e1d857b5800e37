//! Which kind an object is of, and which object of that kind.

use super::{Text, Value, text};
use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

/// Group, version and kind. The core group is the empty string.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Gvk {
    /// `apps`, or the empty string for the core group.
    pub group: Text,
    /// `v1`.
    pub version: Text,
    /// `Deployment`.
    pub kind: Text,
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
        if self.group.is_empty() { self.version.to_string() } else { format!("{}/{}", self.group, self.version) }
    }
}

/// One object: its group and kind (an object keeps its identity across versions), namespace and name.
/// Shown as `Kind/namespace/name`, or `Kind/name` for a cluster's own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ObjectId {
    /// `apps`, or the empty string for the core group.
    pub group: Text,
    /// `Deployment`.
    pub kind: Text,
    /// Empty for a cluster-scoped object.
    pub namespace: Text,
    /// `ceo-agent`.
    pub name: Text,
}

impl ObjectId {
    /// Of an object, from its `apiVersion`, `kind` and metadata.
    pub fn of(object: &Value) -> Self {
        let Gvk { group, kind, .. } = Gvk::of(object);
        Self { group, kind, namespace: text(object, &["metadata", "namespace"]).into(), name: text(object, &["metadata", "name"]).into() }
    }
}

/// Of what tells most objects apart: kinds of one name in two groups are few.
impl Hash for ObjectId {
    fn hash<H: Hasher>(&self, state: &mut H) {
        [&self.kind, &self.namespace, &self.name].into_iter().for_each(|part| state.write(part.as_bytes()));
    }
}

/// By group, kind, namespace and name.
impl Ord for ObjectId {
    fn cmp(&self, other: &Self) -> Ordering {
        by_text(&self.group, &other.group)
            .then_with(|| by_text(&self.kind, &other.kind))
            .then_with(|| by_text(&self.namespace, &other.namespace))
            .then_with(|| by_text(&self.name, &other.name))
    }
}

impl PartialOrd for ObjectId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As the bytes compare. Where they begin differently, as kinds do, no call is made.
fn by_text(a: &str, b: &str) -> Ordering {
    match (a.as_bytes(), b.as_bytes()) {
        ([], []) => Ordering::Equal,
        ([x, ..], [y, ..]) if x != y => x.cmp(y),
        (a, b) => a.cmp(b),
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
