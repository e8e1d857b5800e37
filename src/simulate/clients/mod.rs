//! A client command becomes requests: what kubectl, Helm, Argo CD and Flux send for a declared step, given what they read.
//!
//! Follows kubectl 1.36 (`pkg/cmd/…`), whose commands read first and then send as little as they can; the other appliers' files
//! name their sources. Nothing here decides what a request does: that is the API server's matter.

mod applying;
mod client_side;
mod command;
mod editing;
mod flux;
mod helm;
mod last_applied;
mod managers;
mod objects;
mod rollout;
mod sender;
mod server_side;
mod setting;

use super::request::{Request, Response};
use crate::fleet::pipeline::Action;
use crate::object::{Gvk, ObjectId, Value};
use crate::schema::{Resource, Schema};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// The API server as a client sees it.
pub trait Api {
    /// The schema of its version.
    fn schema(&self) -> &'static Schema;

    /// The first resource, no subresource, that is wanted; built-in ones before custom ones.
    fn find_resource(&self, wanted: &dyn Fn(&Resource) -> bool) -> Option<Resource>;

    /// GET of one object.
    fn get(&self, id: &ObjectId) -> Option<Arc<Value>>;

    /// GET of the objects of a kind in a namespace.
    fn list(&self, group: &str, kind: &str, namespace: &str) -> Vec<Arc<Value>>;

    /// Any write.
    fn write(&mut self, request: &Request) -> Response;

    /// The time of day as RFC 3339, whole seconds.
    fn now_text(&self) -> String;

    /// The resource of a kind.
    fn resource(&self, gvk: &Gvk) -> Option<Resource> {
        self.find_resource(&|r| r.kind == gvk.kind && r.group == gvk.group && r.version == gvk.version)
    }
}

/// What a client knows beside the cluster.
#[derive(Clone, Copy, Debug)]
pub struct Session<'a> {
    /// The namespace of references and manifests that name none.
    pub namespace: &'a str,
    /// The Helm release; empty if it has no name, then objects keep the release they are labelled with.
    pub release: &'a str,
    /// The manifests of the Helm release's previous revision, if they are known.
    pub previous_release: Option<&'a [Value]>,
    /// Where manifests stand for which a step names no files; empty if they were rendered.
    pub given: &'a [PathBuf],
}

/// One command's work on one object.
#[derive(Clone, Debug)]
pub struct Performed {
    /// The object.
    pub object: ObjectId,
    /// The writes that were sent, dry runs among them, and what came back.
    pub exchanges: Vec<(Request, Response)>,
    /// What the client says of it.
    pub outcome: Outcome,
    /// A command line that does the same.
    pub command: String,
}

impl Performed {
    fn unsent(object: ObjectId, command: String, outcome: Outcome) -> Self {
        Self { object, exchanges: Vec::new(), outcome, command }
    }
}

/// What a client says it did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The object is new.
    Created,
    /// The object was there and a patch was sent; the server may have found that it changes nothing.
    Configured,
    /// The object was there and nothing was sent, or it is known that nothing changed.
    Unchanged,
    /// Server-side apply, which does not say what it did.
    ServersideApplied,
    /// The object was deleted.
    Deleted,
    /// Something else, in kubectl's words: `image updated`, `restarted`, `scaled`, ….
    Changed(&'static str),
    /// The command had nothing to do with this object, and why.
    Skipped(String),
    /// The command failed, and what it says. It goes on with the next object where kubectl does and exits 1.
    Failed(String),
    /// What the step does cannot be told from here, and why.
    Unknown(String),
}

impl Outcome {
    /// Whether the step has failed.
    pub fn is_failure(&self) -> bool {
        matches!(self, Self::Failed(_))
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created => f.write_str("created"),
            Self::Configured => f.write_str("configured"),
            Self::Unchanged => f.write_str("unchanged"),
            Self::ServersideApplied => f.write_str("serverside-applied"),
            Self::Deleted => f.write_str("deleted"),
            Self::Changed(word) => f.write_str(word),
            Self::Skipped(why) => write!(f, "skipped: {why}"),
            Self::Failed(why) | Self::Unknown(why) => f.write_str(why),
        }
    }
}

/// Performs a step's action. `manifests` are what is rendered, or what the action's files hold.
pub fn run(api: &mut impl Api, action: &Action, manifests: &[Value], session: &Session<'_>) -> Vec<Performed> {
    match action {
        Action::SetImages { containers, images, workloads } => {
            setting::images(api, session, manifests, &setting::Images { containers, images, workloads })
        }
        Action::SetEnv { workloads, containers, env } => setting::env(api, session, manifests, workloads, containers, env),
        Action::SetResources { workloads, containers, requests, limits } => {
            setting::resources(api, session, manifests, workloads, containers, &setting::Amounts { requests, limits })
        }
        Action::Apply { applier, files } => applying::apply(api, session, manifests, applier, files),
        Action::Patch { workloads, kind, patch } => editing::patch(api, session, manifests, workloads, *kind, patch),
        Action::Restart { workloads } => rollout::restart(api, session, manifests, workloads),
        Action::Pause { workloads } => rollout::pause(api, session, manifests, workloads, true),
        Action::Resume { workloads } => rollout::pause(api, session, manifests, workloads, false),
        Action::Undo { workloads, to_revision } => rollout::undo(api, session, manifests, workloads, *to_revision),
        Action::Scale { workloads, replicas } => editing::scale(api, session, manifests, workloads, *replicas),
        Action::Replace { force, files } => editing::replace(api, session, manifests, *force, files),
        Action::Delete { objects, orphan } => editing::delete(api, session, objects, *orphan),
        Action::Run { command } => {
            let why = "a script's requests are known only when it is rehearsed".to_owned();
            vec![Performed::unsent(ObjectId::default(), command.clone(), Outcome::Unknown(why))]
        }
    }
}

#[cfg(test)]
mod tests;
