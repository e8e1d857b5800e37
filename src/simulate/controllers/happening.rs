//! What the controllers did, as data for `roll`.

use crate::object::{ObjectId, Value};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

/// One thing that happened. `workload` is always the one a user wrote: a Deployment, not its ReplicaSet.
#[derive(Clone, Debug, PartialEq)]
pub enum Happening {
    /// The workload's current template is another one now.
    RevisionMoved {
        /// Whose.
        workload: ObjectId,
        /// When.
        at: Duration,
        /// The name of the revision before (a ReplicaSet, or a ControllerRevision); none if the workload is new.
        from: Option<String>,
        /// The name of the revision now.
        to: String,
        /// The template before, where it is known.
        old_template: Option<Arc<Value>>,
        /// The template now.
        new_template: Arc<Value>,
        /// Whether a revision that was kept from earlier is in use again.
        reused: bool,
    },
    /// A pod was made.
    PodStarted {
        /// Of which workload.
        workload: ObjectId,
        /// Its name.
        pod: String,
        /// The hash of its revision.
        revision: String,
        /// When.
        at: Duration,
    },
    /// A pod was told to stop, or vanished.
    PodStopped {
        /// Of which workload.
        workload: ObjectId,
        /// Its name.
        pod: String,
        /// The hash of its revision.
        revision: String,
        /// When.
        at: Duration,
        /// What is known of the reason: `updated`, `scaled`, `deleted` (by somebody else than its controller).
        why: &'static str,
    },
    /// A rollout that cannot end.
    Stuck {
        /// Of which workload.
        workload: ObjectId,
        /// What keeps it, as a sentence.
        why: String,
    },
    /// A revision that no pod, or not every pod, takes up for the time being.
    Pending {
        /// Of which workload.
        workload: ObjectId,
        /// What holds it back.
        why: Waits,
    },
}

impl Happening {
    /// The workload to which it happened.
    pub fn workload(&self) -> &ObjectId {
        match self {
            Self::RevisionMoved { workload, .. }
            | Self::PodStarted { workload, .. }
            | Self::PodStopped { workload, .. }
            | Self::Stuck { workload, .. }
            | Self::Pending { workload, .. } => workload,
        }
    }
}

/// What holds a revision back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Waits {
    /// The `OnDelete` strategy.
    OnDelete,
    /// `spec.paused`.
    Paused,
    /// The partition of a StatefulSet.
    Partition,
    /// There are no replicas.
    NoReplicas,
}

impl fmt::Display for Waits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::OnDelete => "its strategy is OnDelete",
            Self::Paused => "it is paused",
            Self::Partition => "its partition holds pods back",
            Self::NoReplicas => "it has no replicas",
        })
    }
}

/// How available a workload was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Availability {
    /// Whether the workload was there before the first write.
    pub existed: bool,
    /// Whether its times depend on a duration that is not known.
    pub inexact: bool,
    /// Each change: when, how many pods are available (ready long enough and not being deleted), how many are wanted. The first
    /// is the state before anything happened.
    pub levels: Vec<Level>,
}

/// One state of availability.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Level {
    /// Since when.
    pub at: Duration,
    /// How many pods are available.
    pub available: u32,
    /// How many are wanted.
    pub desired: u32,
}
