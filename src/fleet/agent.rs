//! A checked agent: what its workload is, without how it is rendered.

use super::bundle::{LimitsFile, PeerFile, Retention};
use super::file::{Access, Amount, EnvValue, Named, ProbesFile, ResourcesFile, ServiceType, StrategyFile, StrategyType, WorkloadKind};
use super::read::At;
use super::security::Security;
use crate::object::Value;
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
    pub security: Security,
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
    /// Whether its namespace has a bundle.
    pub bundle: bool,
    /// Its Secrets.
    pub secrets: Vec<SecretUse>,
    /// What it may do with the API.
    pub rights: Vec<Right>,
    /// Whom it may talk to, as written.
    pub peers: Vec<At<PeerFile>>,
    /// The quota of its own namespace.
    pub quota: Option<At<Named<Amount>>>,
    /// The limits of a container of its own namespace.
    pub limits: Option<At<LimitsFile>>,
    /// What its own container does before it is told to end.
    pub pre_stop: Option<PreStop>,
    /// The size of `/tmp` in memory.
    pub tmp: Option<String>,
    /// What becomes of the claims of a StatefulSet: when it is deleted, and when it has fewer pods.
    pub claims: (Retention, Retention),
}

/// A Secret that an agent uses.
#[derive(Clone, Debug, PartialEq)]
pub struct SecretUse {
    /// Its name in the fleet file.
    pub name: String,
    /// The Secret's name.
    pub secret: String,
    /// Who makes it.
    pub source: SecretSource,
    /// Whether its keys are environment variables.
    pub env: bool,
    /// Where its keys are files.
    pub mount: Option<String>,
    /// The files' permissions.
    pub mode: i64,
}

/// Who makes a Secret.
#[derive(Clone, Debug, PartialEq)]
pub enum SecretSource {
    /// Something else.
    Existing,
    /// External Secrets.
    External {
        /// The store's name.
        store: String,
        /// The store's kind.
        kind: &'static str,
        /// How often it is read anew.
        refresh: Duration,
        /// Key of the Secret to name and part in the store.
        keys: BTreeMap<String, (String, Option<String>)>,
    },
    /// Sealed Secrets: key to sealed value.
    Sealed(BTreeMap<String, String>),
}

/// A rule of a Role.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Right {
    /// API groups.
    pub groups: Vec<String>,
    /// What.
    pub resources: Vec<String>,
    /// Which ones; empty for all.
    pub names: Vec<String>,
    /// What may be done.
    pub verbs: Vec<String>,
}

/// What a container does before it is told to end.
#[derive(Clone, Debug, PartialEq)]
pub enum PreStop {
    /// Runs a command.
    Exec(Vec<String>),
    /// Gets a path.
    Http {
        /// The path.
        path: String,
        /// The port; the first one if none.
        port: Option<Value>,
    },
    /// Waits.
    Sleep(Duration),
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
    /// An empty directory in memory, of that size at most.
    Memory(String),
}

impl Agent {
    /// How many pods more than its replicas it may have while it rolls.
    pub fn surge(&self) -> i64 {
        if self.kind == WorkloadKind::StatefulSet {
            return 0;
        }
        let kind = match self.strategy.as_ref().map(|s| &s.value) {
            None if self.volumes.iter().any(Volume::exclusive) => StrategyType::Recreate,
            None => StrategyType::RollingUpdate,
            Some(StrategyFile::Short(kind)) => *kind,
            Some(StrategyFile::Table(table)) => table.kind.as_ref().map_or(StrategyType::RollingUpdate, |k| k.value),
        };
        if kind != StrategyType::RollingUpdate {
            return 0;
        }
        let asked = match self.strategy.as_ref().map(|s| &s.value) {
            Some(StrategyFile::Table(table)) => table.max_surge.as_ref().map(|m| &m.value.0),
            _ => None,
        };
        // A percentage is rounded up; Kubernetes' own is 25.
        let percent = |of: i64| (self.replicas * of + 99) / 100;
        match asked {
            None => percent(25),
            Some(Value::String(text)) => text.strip_suffix('%').and_then(|n| n.parse().ok()).map_or(0, percent),
            Some(number) => number.as_i64().unwrap_or(0),
        }
    }
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
    /// How long a client stays with one pod.
    pub affinity: Option<Duration>,
}

/// What a deploy may cost a workload; none is without a bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Budget {
    /// Rolls and recreations.
    pub rolls: Option<u64>,
    /// All windows together.
    pub downtime: Option<Duration>,
}
