//! Why a workload rolls, stays, waits or cannot be judged: one variant each, with old and new.
//!
//! [`Reason::code`] is the stable name that reports carry and `rollcast explain` explains; [`Reason::text`] is the one place
//! where its sentence stands.

use crate::object::Value;

/// One reason.
#[derive(Clone, Debug, PartialEq)]
pub enum Reason {
    /// A field of the pod template differs after normalisation.
    TemplateChanged {
        /// `spec.template.spec.containers[agent].image`
        path: String,
        /// The container it is of, if it is one's.
        container: Option<String>,
        /// None if it was not there.
        old: Option<Value>,
        /// None if it is gone.
        new: Option<Value>,
    },
    /// The template is an earlier one again, so its ReplicaSet or ControllerRevision is used again.
    ReturnsToRevision {
        /// Its name.
        revision: String,
    },
    /// The revision moved without a difference that the template shows: somebody edited or removed the ReplicaSet.
    RevisionReplaced,
    /// A partition was lowered, so pods above it take up the revision that waited.
    PartitionLowered {
        /// From.
        old: i64,
        /// To.
        new: i64,
    },
    /// The strategy was `OnDelete`; the revision that waited is taken up now.
    OnDeleteEnded,
    /// The Deployment was paused; the template that waited is taken up now.
    Resumed,
    /// The step itself deleted pods.
    PodsDeleted {
        /// How many.
        pods: u32,
    },
    /// The workload was deleted with its pods and made again.
    Recreated,
    /// The workload was deleted and made again, and no pod went with it.
    RecreatedInPlace,
    /// New pods take the revision up only when somebody deletes the old ones.
    OnDelete,
    /// The Deployment is paused.
    Paused,
    /// The partition keeps every pod at the old revision.
    PartitionHolds {
        /// The partition.
        partition: i64,
    },
    /// There is no pod to replace.
    NoReplicas,
    /// The workload is new: pods start, none is replaced.
    Created,
    /// The workload was deleted and not made again.
    Deleted,
    /// The pod template is the same.
    Unchanged,
    /// Text that differs and is the same value to Kubernetes.
    SameValue {
        /// Where.
        path: String,
        /// As it stands.
        old: Option<Value>,
        /// As it was written.
        new: Option<Value>,
    },
    /// Only fields outside the pod template change.
    OutsideTemplate {
        /// Which, as far as they are few.
        paths: Vec<String>,
    },
    /// A step that writes it failed, so nothing of that step reached it.
    Refused {
        /// In the server's words.
        message: String,
    },
    /// The rollout cannot end.
    Stuck {
        /// What keeps it.
        why: String,
    },
    /// Something that the answer depends on could not be read, or is not modelled.
    Unknown {
        /// What.
        why: String,
    },
}

impl Reason {
    /// The stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::TemplateChanged { .. } => "template-changed",
            Self::ReturnsToRevision { .. } => "returns-to-revision",
            Self::RevisionReplaced => "revision-replaced",
            Self::PartitionLowered { .. } => "partition-lowered",
            Self::OnDeleteEnded => "on-delete-ended",
            Self::Resumed => "resumed",
            Self::PodsDeleted { .. } => "pods-deleted",
            Self::Recreated => "recreated",
            Self::RecreatedInPlace => "recreated-in-place",
            Self::OnDelete => "on-delete",
            Self::Paused => "paused",
            Self::PartitionHolds { .. } => "partition-holds",
            Self::NoReplicas => "no-replicas",
            Self::Created => "created",
            Self::Deleted => "deleted",
            Self::Unchanged => "unchanged",
            Self::SameValue { .. } => "same-value",
            Self::OutsideTemplate { .. } => "outside-template",
            Self::Refused { .. } => "refused",
            Self::Stuck { .. } => "stuck",
            Self::Unknown { .. } => "unknown",
        }
    }

    /// Its sentence.
    pub fn text(&self) -> String {
        match self {
            Self::TemplateChanged { path, .. } => format!("{path} of the pod template changes"),
            Self::ReturnsToRevision { revision } => format!("the template is that of {revision} again, which is used again"),
            Self::RevisionReplaced => "no ReplicaSet has this template any more, so a new one is made".into(),
            Self::PartitionLowered { old, new } => {
                format!("the partition goes from {old} to {new}: pods above it take up the revision that waited")
            }
            Self::OnDeleteEnded => "the strategy is no longer OnDelete: the revision that waited is taken up".into(),
            Self::Resumed => "resumed: the template that changed while it was paused is taken up".into(),
            Self::PodsDeleted { pods: 1 } => "the step deletes a pod, which is made again".into(),
            Self::PodsDeleted { pods } => format!("the step deletes {pods} pods, which are made again"),
            Self::Recreated => "deleted and made again: all its pods are replaced".into(),
            Self::RecreatedInPlace => "deleted and made again: no pod goes with it, and what was left is adopted".into(),
            Self::OnDelete => "OnDelete: pods take the new revision up only when they are deleted".into(),
            Self::Paused => "paused: the new template waits for a resume".into(),
            Self::PartitionHolds { partition } => format!("partition {partition} keeps every pod at the old revision"),
            Self::NoReplicas => "it has no pods to replace".into(),
            Self::Created => "new: its pods start, none is replaced".into(),
            Self::Deleted => "deleted: its pods stop".into(),
            Self::Unchanged => "the pod template is the same".into(),
            Self::SameValue { path, .. } => format!("{path} is written otherwise and means the same"),
            Self::OutsideTemplate { paths } => format!("only fields outside the pod template change: {}", paths.join(", ")),
            Self::Refused { message } => format!("the server refuses the write: {message}"),
            Self::Stuck { why } => format!("the rollout does not end: {why}"),
            Self::Unknown { why } => why.clone(),
        }
    }

    /// The field, for reasons that are of one.
    pub fn field(&self) -> Option<Field<'_>> {
        let (path, container, old, new) = match self {
            Self::TemplateChanged { path, container, old, new } => (path, container.as_deref(), old, new),
            Self::SameValue { path, old, new } => (path, None, old, new),
            _ => return None,
        };
        Some(Field { path, container, old: old.as_ref(), new: new.as_ref() })
    }
}

/// A field that a reason is of.
#[derive(Clone, Copy, Debug, Default)]
pub struct Field<'r> {
    /// Where.
    pub path: &'r str,
    /// The container it is of, if it is one's.
    pub container: Option<&'r str>,
    /// None if it was not there.
    pub old: Option<&'r Value>,
    /// None if it is gone.
    pub new: Option<&'r Value>,
}
