//! The state of a cluster: from a snapshot file, a live cluster (GET only) or a git revision.
//!
//! A failure to read is never "absent": what could not be read stands in [`State::unreadable`], and whoever needs it must say
//! `unknown`. Values of Secrets become digests on the way in ([`mask_secret`]); nothing later ever sees them,
//! but for the clients of a simulated cluster (`Scope::secret_values`, `read_snapshot_with_values`).

pub mod base;
mod connect;
mod credentials;
mod discovery;
pub mod documents;
mod get;
mod halves;
mod json;
mod live;
mod patch;
mod secrets;
mod snapshot;
mod write;

pub use connect::{Access, Connection, ContextName, Names, connect, names, proxy_for};
pub use live::{Scope, read_live};
pub use patch::{MANAGER, Refused, Writer, read_object};
pub use secrets::mask_secret;
pub use snapshot::{read_snapshot, read_snapshot_from, read_snapshot_with_values};
pub use write::{write_file, write_private_file, write_snapshot, write_snapshot_file};

use crate::diagnostic::Diagnostic;
use crate::object::Value;
use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

/// How many bytes of a snapshot are read, unpacked, unless the user says otherwise: 512 MiB.
pub const SNAPSHOT_LIMIT: u64 = 512 << 20;

/// What a cluster held when it was read.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// What the server says its version is (`v1.36.2`); none if the source does not tell.
    pub version: Option<String>,
    /// Where it comes from, for people: `context prod`, `examples/genbrain.json`.
    pub source: String,
    /// The objects, each once, in the order in which they were read.
    pub objects: Vec<Arc<Value>>,
    /// Which kinds were asked for, as (group, kind); none if the source does not tell: then a kind without objects may
    /// just not be in the file.
    pub kinds: Option<BTreeSet<(String, String)>>,
    /// Which namespaces were asked for; none for all.
    pub namespaces: BTreeSet<String>,
    /// What could not be read.
    pub unreadable: Vec<Unreadable>,
    /// What lowers the worth of the answer: no managed fields, version unknown, Secrets masked.
    pub notes: Vec<Diagnostic>,
}

/// Objects that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Unreadable {
    /// `apps`, or the empty string.
    pub group: String,
    /// `Deployment`; `*` for every kind of the group.
    pub kind: String,
    /// Empty for all namespaces (and for kinds without namespaces).
    pub namespace: String,
    /// What the server said.
    pub why: String,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let group = if self.group.is_empty() { String::new() } else { format!(".{}", self.group) };
        let place = if self.namespace.is_empty() { String::new() } else { format!(" in namespace {}", self.namespace) };
        write!(f, "{}{group}{place}: {}", self.kind, self.why)
    }
}

impl State {
    /// Why the objects of a kind in a namespace may be there without being in [`State::objects`]; none if they were read. An
    /// empty namespace asks for a cluster's own kinds, or for all namespaces.
    pub fn unknown(&self, group: &str, kind: &str, namespace: &str) -> Option<String> {
        let refused = self.unreadable.iter().find(|u| {
            u.group == group
                && (u.kind == kind || u.kind == "*")
                && (u.namespace.is_empty() || namespace.is_empty() || u.namespace == namespace)
        });
        if let Some(refused) = refused {
            return Some(refused.to_string());
        }
        if !self.namespaces.is_empty() && !namespace.is_empty() && !self.namespaces.contains(namespace) {
            return Some(format!("{} was not asked for namespace {namespace}", self.source));
        }
        let read = self.kinds.as_ref().is_none_or(|kinds| kinds.contains(&(group.to_owned(), kind.to_owned())));
        (!read).then(|| format!("{} holds no objects of kind {kind}: it was not asked for them", self.source))
    }
}
