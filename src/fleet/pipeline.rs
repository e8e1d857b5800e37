//! The steps of a deploy pipeline, as `[[pipeline]]` declares them and as the command line can name one.

use crate::object::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One named part of a pipeline.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// `Update agent images`.
    pub name: String,
    /// What it does.
    pub action: Action,
    /// Whether the pipeline goes on when this step fails (`continue = true`).
    pub continues: bool,
}

/// What a step does. Where it names workloads, `kind/name` or `kind/namespace/name` in kubectl's spellings; an empty list stands
/// for every workload that is rendered (or given with `-f`).
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// `kubectl set image`: once for each workload that has one of the containers.
    SetImages {
        /// The containers whose images are set; empty for all.
        containers: Vec<String>,
        /// Images that override the manifests' own.
        images: BTreeMap<String, String>,
        /// Which workloads.
        workloads: Vec<String>,
    },
    /// Applies the manifests.
    Apply {
        /// As whom, and so how.
        applier: Applier,
        /// What; none for everything rendered.
        files: Vec<PathBuf>,
    },
    /// `kubectl patch`.
    Patch {
        /// Which workloads.
        workloads: Vec<String>,
        /// `strategic`, `merge` or `json`.
        kind: PatchType,
        /// The patch.
        patch: Value,
    },
    /// `kubectl set env`.
    SetEnv {
        /// Which workloads.
        workloads: Vec<String>,
        /// In which containers; empty for all.
        containers: Vec<String>,
        /// Name to value; none removes the variable.
        env: BTreeMap<String, Option<String>>,
    },
    /// `kubectl set resources`.
    SetResources {
        /// Which workloads.
        workloads: Vec<String>,
        /// In which containers; empty for all.
        containers: Vec<String>,
        /// Resource to quantity.
        requests: BTreeMap<String, String>,
        /// Resource to quantity.
        limits: BTreeMap<String, String>,
    },
    /// `kubectl rollout restart`.
    Restart {
        /// Which workloads.
        workloads: Vec<String>,
    },
    /// `kubectl scale`.
    Scale {
        /// Which workloads.
        workloads: Vec<String>,
        /// To how many.
        replicas: i64,
    },
    /// `kubectl rollout pause`.
    Pause {
        /// Which workloads.
        workloads: Vec<String>,
    },
    /// `kubectl rollout resume`.
    Resume {
        /// Which workloads.
        workloads: Vec<String>,
    },
    /// `kubectl rollout undo`.
    Undo {
        /// Which workloads.
        workloads: Vec<String>,
        /// `--to-revision`; none for the one before.
        to_revision: Option<i64>,
    },
    /// `kubectl replace` of the manifests.
    Replace {
        /// `--force`: delete and create again.
        force: bool,
        /// What; none for everything rendered.
        files: Vec<PathBuf>,
    },
    /// `kubectl delete`.
    Delete {
        /// Which objects.
        objects: Vec<String>,
        /// `--cascade=orphan`.
        orphan: bool,
    },
    /// A script, to be rehearsed.
    Run {
        /// The command line.
        command: String,
    },
}

/// The type of a declared patch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PatchType {
    /// Strategic merge patch.
    Strategic,
    /// JSON merge patch.
    Merge,
    /// JSON patch.
    Json,
}

/// Who applies: it decides the patch type, the field manager and whether conflicts are forced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applier {
    /// Whose way.
    pub who: Who,
    /// A field manager of one's own (`--field-manager`); none for the applier's.
    pub field_manager: Option<String>,
    /// `--force-conflicts`; none for the applier's habit.
    pub force: Option<bool>,
}

/// The appliers that are modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Who {
    /// `kubectl apply`.
    Kubectl,
    /// `kubectl apply --server-side`.
    KubectlServer,
    /// Argo CD's sync with server-side apply.
    ArgoCd,
    /// Flux's kustomize-controller.
    Flux,
    /// `helm upgrade`.
    Helm,
}
