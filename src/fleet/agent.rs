//! A checked agent: what its workload is, without how it is rendered.

use super::file::{Access, EnvValue, ProbesFile, ResourcesFile, SecurityFile, ServiceType, StrategyFile, WorkloadKind};
use super::read::At;
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// An agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Agent {
    /// Its name in the fleet file: `ceo`.
    pub name: String,
    /// The organisation that it belongs to.
    pub org: Option<String>,
    /// Where its table stands.
    pub at: Range<usize>,
    /// The name of its workload: `ceo-agent`.
    pub workload: String,
    /// The workload that it is the canary of.
    pub canary_of: Option<String>,
    /// Its namespace.
    pub namespace: String,
    /// Deployment or StatefulSet.
    pub kind: WorkloadKind,
    /// How many pods.
    pub replicas: i64,
    /// Its containers, the agent's own first.
    pub containers: Vec<Container>,
    /// Its volumes.
    pub volumes: Vec<Volume>,
    /// Files of its ConfigMap: a path below the mount, or an absolute one, to content.
    pub config: BTreeMap<String, String>,
    /// Where they are mounted.
    pub config_mount: String,
    /// The strategy as written; none is derived when rendering.
    pub strategy: Option<At<StrategyFile>>,
    /// Whether named ports make a Service, and how.
    pub service: Service,
    /// Further labels.
    pub labels: BTreeMap<String, String>,
    /// Annotations.
    pub annotations: BTreeMap<String, String>,
    /// Security settings.
    pub security: Option<SecurityFile>,
    /// Termination grace period.
    pub drain: Option<Duration>,
    /// From a pod's start to its Ready.
    pub restart: Option<Duration>,
    /// From a pod's deletion to its end.
    pub stop: Option<Duration>,
    /// What a deploy may cost.
    pub budget: Budget,
    /// Never reaped.
    pub protected: bool,
}

/// A container of an agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Where it is named.
    pub at: Range<usize>,
    /// Its image, where the agent has one of its own.
    pub image: Option<At<String>>,
    /// In place of the image's entrypoint.
    pub command: Vec<String>,
    /// Arguments.
    pub args: Vec<String>,
    /// Environment variables, in the order of the file: a value may refer to those before it.
    pub env: Vec<(String, EnvValue)>,
    /// Named ports, in the order of the file.
    pub ports: Vec<(String, i64)>,
    /// Requests and limits.
    pub resources: Option<ResourcesFile>,
    /// Probes.
    pub probes: Option<ProbesFile>,
}

/// A volume of an agent.
#[derive(Clone, Debug, PartialEq)]
pub struct Volume {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: VolumeKind,
    /// Where it is mounted.
    pub mount: String,
    /// In which containers; empty for all.
    pub containers: Vec<String>,
    /// Whether read-only.
    pub read_only: bool,
}

/// What a volume is.
#[derive(Clone, Debug, PartialEq)]
pub enum VolumeKind {
    /// A claim.
    Claim {
        /// `10Gi`
        size: String,
        /// How it may be mounted.
        access: Access,
        /// Its storage class.
        class: Option<String>,
    },
    /// A Secret.
    Secret(String),
    /// A ConfigMap.
    Config(String),
    /// An empty directory.
    Empty,
}

impl Volume {
    /// Whether only one node or pod at a time can mount it.
    pub fn exclusive(&self) -> bool {
        matches!(&self.kind, VolumeKind::Claim { access: Access::ReadWriteOnce | Access::ReadWriteOncePod, .. })
    }
}

/// The Service of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Service {
    /// Whether there is one when ports are named.
    pub wanted: bool,
    /// Its type.
    pub kind: ServiceType,
    /// Without an address of its own.
    pub headless: bool,
}

/// What a deploy may cost a workload; none is without a bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Rolls and recreations.
    pub rolls: Option<u64>,
    /// All windows together.
    pub downtime: Option<Duration>,
}
