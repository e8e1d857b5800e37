//! Before and after become a list of changes that hides no line of a pod template.
//!
//! The result is data; [`render`] makes text of it. What the server alone writes (status, managed fields, versions) is left
//! out, what it fills in and what `[[ignore]]` names is folded and counted, and values of Secrets are never in it.

mod compare;
mod ignore;
mod keyed;
mod render;

pub use compare::Differ;
pub use ignore::{Rule, name_matches};
pub use render::{Line, LineKind, Style, lines, render};

use crate::object::{ObjectId, Value};
use std::fmt;

/// What became of an object, in kubectl's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// It was not there before.
    Created,
    /// It differs.
    Configured,
    /// It does not.
    Unchanged,
    /// It is not there any more.
    Deleted,
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Created => "created",
            Self::Configured => "configured",
            Self::Unchanged => "unchanged",
            Self::Deleted => "deleted",
        })
    }
}

/// What differs in one object.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectDiff {
    /// Which object.
    pub id: ObjectId,
    /// What became of it. Folded changes count: an object whose changes are all folded is still configured.
    pub action: Action,
    /// The changes, in the order of the object's fields. An object that was created has one for all its fields; one that was
    /// deleted has none.
    pub changes: Vec<FieldChange>,
}

impl ObjectDiff {
    /// How many changes are folded for a reason of that sort.
    pub fn folded(&self, which: impl Fn(&Folded) -> bool) -> usize {
        self.changes.iter().filter(|c| c.folded.as_ref().is_some_and(&which)).count()
    }
}

/// One change of one field, or of all the fields below one that is new or gone.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldChange {
    /// `spec.template.spec.containers[name="agent"].image`; empty for the whole object.
    pub path: String,
    /// What stood there; none if nothing did.
    pub old: Option<Value>,
    /// What stands there now.
    pub new: Option<Value>,
    /// Whether it is inside a pod template.
    pub in_pod_template: bool,
    /// Whether the items of a list only stand in another order; `old` and `new` name them then.
    pub order: bool,
    /// Why it need not be shown, if it need not.
    pub folded: Option<Folded>,
}

/// Why a change need not be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Folded {
    /// The server filled it in; the manifest says nothing about it. Never inside a pod template.
    Default,
    /// `kubectl apply`'s own copy of the manifest.
    LastApplied,
    /// A rule named it: its place among the rules.
    Rule(usize),
}
