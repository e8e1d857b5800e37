//! The tables of `fleet.toml`, as written.

use super::alerts::AlertsTable;
use super::bundle::{ClaimsFile, LimitsFile, NetworkFile, PeerFile, PreStopFile, RightFile, SecretFile, TmpFile};
use super::canary::CanaryFile;
use super::config::ConfigTable;
use super::duration::Length;
use super::images::ImagesFile;
use super::read::{At, FromToml, Reader, Verbatim, integer, names, table};
use super::secret_scan::SecretScanTable;
use super::step::StepFile;
use crate::object::Value;
use schemars::JsonSchema;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::DeValue;

/// A table whose keys the user chooses.
pub type Named<T> = BTreeMap<String, At<T>>;
/// A list.
pub type List<T> = Vec<At<T>>;

table! {
    /// A fleet of agents, the images they run, and the pipeline that deploys them.
    FleetFile {
        /// Further files whose tables belong to the fleet: `["orgs/*.toml"]`, from the directory of this one.
        "include" => include: List<String>,
        /// What holds for the whole fleet.
        "fleet" => fleet: FleetTable,
        /// Which cluster state to compare with when the command line names none.
        "cluster" => cluster: ClusterTable,
        /// Whom every agent may talk to.
        "network" => network: NetworkFile,
        /// The image map: container to image; and where the images of tenants and custom resources are found.
        "images" => images: ImagesFile,
        /// What each agent inherits.
        "defaults" => defaults: AgentFile,
        /// How configuration files become ConfigMaps, and what is checked about them.
        "config" => config: ConfigTable,
        /// What belongs to which dimension of a change: name to patterns (`file:…`, `key:…`, `env:…`, `field:…`).
        "dimensions" => dimensions: Named<List<String>>,
        /// Alerts about the cost and the health of the agents.
        "alerts" => alerts: AlertsTable,
        /// What looks like a secret and is none.
        "secret-scan" => secret_scan: SecretScanTable,
        /// The agents: each becomes one workload.
        "agents" => agents: Named<AgentFile>,
        /// Tenants.
        "orgs" => orgs: Named<OrgFile>,
        /// Layers over the whole file, chosen with `--environment`.
        "environments" => environments: Named<Value>,
        /// The steps of the deploy, in order.
        "pipeline" => pipeline: List<StepFile>,
        /// Differences that do not count.
        "ignore" => ignore: List<IgnoreFile>,
        /// What a rehearsal must come to.
        "expect" => expect: ExpectFile,
    }
}

table! {
    /// What holds for the whole fleet.
    FleetTable {
        /// The fleet's name.
        "name" => name: String,
        /// The Kubernetes version to render for and to simulate: `1.36`.
        "kubernetes" => kubernetes: String,
        /// The namespace of the agents; `{agent}` stands for the agent's name.
        "namespace" => namespace: String,
        /// The name of an agent's workload: `{agent}-agent` unless given.
        "workload" => workload: String,
        /// Labels of every object.
        "labels" => labels: Named<String>,
        /// Whether images may have tags that can move, such as `latest`.
        "allow-mutable" => allow_mutable: bool,
        /// Whether the agents' namespaces have a bundle: policies, quota, limits, an own Role for each agent. They do where each
        /// agent has its own namespace, unless this says otherwise.
        "bundle" => bundle: bool,
        /// The quota of a namespace that agents share; derived from what they ask for unless given.
        "quota" => quota: Named<Amount>,
        /// The limits of a container in a namespace that agents share.
        "limits" => limits: LimitsFile,
    }
}

table! {
    /// Which cluster state to compare with. Options of the command line win.
    ClusterTable {
        /// A snapshot file, relative to this file.
        "from" => from: String,
        /// A kubeconfig context.
        "context" => context: String,
    }
}

table! {
    /// An agent, or what agents inherit.
    AgentFile {
        /// Another agent whose keys this one inherits.
        "extends" => extends: String,
        /// `Deployment` or `StatefulSet`.
        "kind" => kind: WorkloadKind,
        /// How many pods.
        "replicas" => replicas: i64,
        /// The containers, the agent's own first: `command`, `args`, `env`, `ports`, `resources` and `probes` are for that one.
        "containers" => containers: List<String>,
        /// What further containers need: name to their own keys.
        "container" => container: Named<ContainerFile>,
        /// Images that differ from the image map: container to image.
        "image" => image: Named<String>,
        /// The command, in place of the image's entrypoint. Handed on as it stands.
        "command" => command: List<Verbatim>,
        /// The arguments. Handed on as they stand.
        "args" => args: List<Verbatim>,
        /// Environment variables: a text, or where it comes from.
        "env" => env: Named<EnvValue>,
        /// Files of the agent's ConfigMap: the path below `config-mount`, or an absolute one, to content.
        "config" => config: Named<ConfigValue>,
        /// Where the files are mounted; `/etc/config` unless given.
        "config-mount" => config_mount: String,
        /// Named ports: name to number. The Service has them too.
        "ports" => ports: Named<i64>,
        /// What the container asks for and may use.
        "resources" => resources: ResourcesFile,
        /// How Kubernetes finds out whether the container is well.
        "probes" => probes: ProbesFile,
        /// How pods are replaced. Usually derived, not typed.
        "strategy" => strategy: StrategyFile,
        /// Whether there is a Service for the named ports, and of which type.
        "service" => service: ServiceFile,
        /// Further labels of the agent's objects.
        "labels" => labels: Named<String>,
        /// Annotations of the agent's workload.
        "annotations" => annotations: Named<String>,
        /// Volumes: name to what they are.
        "volumes" => volumes: Named<VolumeFile>,
        /// `"hardened"`, `"restricted"`, `"none"`, or single settings of the pod's and its containers' security context.
        "security" => security: SecurityFile,
        /// How long a pod may take to end: its termination grace period.
        "drain" => drain: Length,
        /// How long a pod takes from its start to Ready.
        "restart" => restart: Length,
        /// How long a pod takes from its deletion to its end.
        "stop" => stop: Length,
        /// What a deploy may cost the workload.
        "budget" => budget: BudgetFile,
        /// A second workload beside it, with some keys set otherwise.
        "canary" => canary: CanaryFile,
        /// Whether reaping leaves it alone.
        "protected" => protected: bool,
        /// Secrets by reference: API keys, MCP credentials, SSH keys for Git.
        "secrets" => secrets: Named<SecretFile>,
        /// What it may do with the API; nothing unless given.
        "rights" => rights: List<RightFile>,
        /// Whom it may talk to, beside DNS and NATS.
        "peers" => peers: List<PeerFile>,
        /// The quota of its own namespace; derived from what it asks for unless given.
        "quota" => quota: Named<Amount>,
        /// The limits of a container in its own namespace.
        "limits" => limits: LimitsFile,
        /// What its own container does before it is told to end.
        "pre-stop" => pre_stop: PreStopFile,
        /// The size of `/tmp` in memory: `64Mi` where the root file system is read-only, else none.
        "tmp" => tmp: TmpFile,
        /// What becomes of the claims of a StatefulSet.
        "claims" => claims: ClaimsFile,
    }
}

table! {
    /// The keys of one container.
    ContainerFile {
        /// The command. Handed on as it stands.
        "command" => command: List<Verbatim>,
        /// The arguments. Handed on as they stand.
        "args" => args: List<Verbatim>,
        /// Environment variables.
        "env" => env: Named<EnvValue>,
        /// Named ports.
        "ports" => ports: Named<i64>,
        /// What it asks for and may use.
        "resources" => resources: ResourcesFile,
        /// How Kubernetes finds out whether it is well.
        "probes" => probes: ProbesFile,
    }
}

table! {
    /// What a container asks for and may use.
    ResourcesFile {
        /// What is set aside for it: `{ cpu = "100m", memory = "256Mi" }`.
        "requests" => requests: Named<Amount>,
        /// What it may not go above.
        "limits" => limits: Named<Amount>,
    }
}

table! {
    /// The probes of a container.
    ProbesFile {
        /// Restarts the container when it fails.
        "liveness" => liveness: ProbeFile,
        /// Takes the pod out of its Service while it fails.
        "readiness" => readiness: ProbeFile,
        /// Holds the others back until it succeeds.
        "startup" => startup: ProbeFile,
    }
}

table! {
    /// A probe: one of `http`, `tcp` and `exec`.
    ProbeFile {
        /// The path of a GET request.
        "http" => http: String,
        /// The port, by name or number; of `http`, the first port unless given.
        "port" => port: PortRef,
        /// Whether a connection to the port is enough.
        "tcp" => tcp: bool,
        /// A command that must succeed. Handed on as it stands.
        "exec" => exec: List<Verbatim>,
        /// Time before the first try.
        "delay" => delay: Length,
        /// Time between tries.
        "period" => period: Length,
        /// Time that a try may take.
        "timeout" => timeout: Length,
        /// How many tries must fail in a row.
        "failures" => failures: i64,
    }
}

table! {
    /// A volume: one of `size` (a claim), `secret`, `config` and `empty`.
    VolumeFile {
        /// The size of a claim: `10Gi`.
        "size" => size: String,
        /// Where it is mounted.
        "mount" => mount: String,
        /// How a claim may be mounted; `ReadWriteOnce` unless given.
        "access" => access: Access,
        /// The storage class of a claim.
        "class" => class: String,
        /// The Secret that it shows.
        "secret" => secret: String,
        /// The ConfigMap that it shows.
        "config" => config: String,
        /// The size of an empty directory in memory; it counts against the containers' memory limits.
        "memory" => memory: String,
        /// Whether it is an empty directory.
        "empty" => empty: bool,
        /// The containers that mount it; all of them unless given.
        "containers" => containers: List<String>,
        /// Whether it is mounted read-only.
        "read-only" => read_only: bool,
    }
}

table! {
    /// What a deploy may cost a workload.
    BudgetFile {
        /// How many rolls.
        "rolls" => rolls: i64,
        /// How long no pod may be available, all windows together.
        "downtime" => downtime: Length,
    }
}

table! {
    /// What a rehearsal must come to, unless its command line says so. A workload or command that is not named may do anything.
    ExpectFile {
        /// Workload to how often it rolls: `"deployment/ceo-agent" = 1`.
        "rolls" => rolls: Named<i64>,
        /// Command to how many writes it sends: `"set image" = 1`.
        "writes" => writes: Named<i64>,
        /// Whether nothing else may roll or be written.
        "none" => none: bool,
    }
}

table! {
    /// A tenant.
    OrgFile {
        /// The agents it has: a list of names, or a table of agents.
        "agents" => agents: OrgAgents,
        /// What its agents inherit before `[defaults]`.
        "defaults" => defaults: AgentFile,
        /// Its own image for a container.
        "image" => image: Named<String>,
        /// Labels of its objects.
        "labels" => labels: Named<String>,
        /// The namespace of its agents; `org-{org}` unless given.
        "namespace" => namespace: String,
        /// The name of its agents' workloads; that of `[fleet]` unless given.
        "workload" => workload: String,
        /// Whether its namespace has a bundle; it has unless this says otherwise.
        "bundle" => bundle: bool,
        /// The quota of its namespace; derived from what its agents ask for unless given.
        "quota" => quota: Named<Amount>,
        /// The limits of a container in its namespace.
        "limits" => limits: LimitsFile,
    }
}

table! {
    /// A difference that does not count.
    IgnoreFile {
        /// Of objects of this kind; any unless given.
        "kind" => kind: String,
        /// Of objects of this name; any unless given.
        "name" => name: String,
        /// At this JSONPath.
        "path" => path: String,
    }
}

names! {
    /// The kinds an agent can become.
    WorkloadKind {
        /// Pods without identity.
        "Deployment" => Deployment,
        /// Pods with names and claims of their own.
        "StatefulSet" => StatefulSet,
    }
}

names! {
    /// How a claim may be mounted.
    Access {
        /// By the pods of one node.
        "ReadWriteOnce" => ReadWriteOnce,
        /// By one pod.
        "ReadWriteOncePod" => ReadWriteOncePod,
        /// By many nodes.
        "ReadWriteMany" => ReadWriteMany,
        /// By many nodes, for reading.
        "ReadOnlyMany" => ReadOnlyMany,
    }
}

names! {
    /// How pods are replaced.
    StrategyType {
        /// All old ones end before new ones start.
        "Recreate" => Recreate,
        /// One after the other.
        "RollingUpdate" => RollingUpdate,
        /// Only when someone deletes them (StatefulSet).
        "OnDelete" => OnDelete,
    }
}

names! {
    /// The type of a Service.
    ServiceType {
        /// Inside the cluster.
        "ClusterIP" => ClusterIp,
        /// On a port of each node.
        "NodePort" => NodePort,
        /// Through a load balancer.
        "LoadBalancer" => LoadBalancer,
    }
}

table! {
    /// How pods are replaced, in detail.
    StrategyTable {
        /// `Recreate`, `RollingUpdate` or `OnDelete`.
        "type" => kind: StrategyType,
        /// How many pods more than wanted: a number or `"25%"`.
        "max-surge" => max_surge: Amount,
        /// How many pods fewer than wanted: a number or `"25%"`.
        "max-unavailable" => max_unavailable: Amount,
        /// The pods from this number on are replaced (StatefulSet).
        "partition" => partition: i64,
    }
}

table! {
    /// A Service, in detail.
    ServiceTable {
        /// `ClusterIP`, `NodePort` or `LoadBalancer`.
        "type" => kind: ServiceType,
        /// Whether it has no address of its own.
        "headless" => headless: bool,
        /// How long a client stays with one pod. A StatefulSet's clients do, for 3h unless given.
        "affinity" => affinity: Length,
    }
}

table! {
    /// Single settings of the security context.
    SecurityTable {
        /// What the other keys are laid over: `"hardened"` for a StatefulSet and in a bundle, else `"none"`.
        "profile" => profile: SecurityProfile,
        /// The user's number.
        "run-as-user" => run_as_user: i64,
        /// The group's number.
        "run-as-group" => run_as_group: i64,
        /// The group that owns volumes.
        "fs-group" => fs_group: i64,
        /// Whether root is refused.
        "non-root" => non_root: bool,
        /// Whether the root file system is read-only.
        "read-only-root" => read_only_root: bool,
        /// Whether a process may gain rights.
        "privilege-escalation" => privilege_escalation: bool,
        /// Capabilities to take away.
        "drop" => drop: List<String>,
    }
}

/// A value that may be written short or as a table.
macro_rules! short_or_table {
    ($(#[$about:meta])* $name:ident, $short:ty, $long:ty, $is_short:expr, $expected:literal) => {
        $(#[$about])*
        #[derive(Clone, Debug, PartialEq, schemars::JsonSchema)]
        #[schemars(untagged)]
        pub enum $name {
            /// Short.
            Short($short),
            /// In detail.
            Table(Box<$long>),
        }

        impl FromToml for $name {
            const EXPECTED: &'static str = $expected;

            fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
                let is_short: fn(&DeValue<'_>) -> bool = $is_short;
                match value.get_ref() {
                    short if is_short(short) => <$short>::read(value, reader).map(Self::Short),
                    DeValue::Table(_) => <$long>::read(value, reader).map(|t| Self::Table(Box::new(t))),
                    _ => {
                        reader.expected(value, Self::EXPECTED);
                        None
                    }
                }
            }
        }
    };
}

table! {
    /// Where the value of an environment variable comes from.
    EnvSource {
        /// A Secret's name.
        "secret" => secret: String,
        /// A ConfigMap's name; without `key`, a file of the agent's own `config`.
        "config" => config: String,
        /// The key in it.
        "key" => key: String,
    }
}

table! {
    /// Where the content of a file, or of the files below a directory of that name, comes from: one of these.
    ConfigSource {
        /// A path, relative to this file.
        "file" => file: String,
        /// A directory: every file below it.
        "directory" => directory: String,
        /// A pattern: `skills/**/*.md`.
        "files" => files: String,
    }
}

names! {
    /// A set of security settings with a name.
    SecurityProfile {
        /// What the Pod Security standard of that name demands.
        "restricted" => Restricted,
        /// That, and user and groups 10001 and a read-only root file system.
        "hardened" => Hardened,
        /// Nothing.
        "none" => None,
    }
}

short_or_table!(
    /// The agents of an organisation.
    OrgAgents, List<String>, Named<AgentFile>, |v| v.is_array(), "a list of names, or a table of agents");
short_or_table!(
    /// The value of an environment variable.
    EnvValue, Plain, EnvSource, |v| v.is_str() || v.is_integer() || v.is_bool(), "a string, or a table with `secret` or `config`");
short_or_table!(
    /// The content of a file.
    ConfigValue, Verbatim, ConfigSource, |v| v.is_str(), "a string, or a table with `file`, `directory` or `files`");
short_or_table!(
    /// How pods are replaced.
    StrategyFile, StrategyType, StrategyTable, |v| v.is_str(), "a string or a table");
short_or_table!(
    /// Whether there is a Service, and of which type.
    ServiceFile, bool, ServiceTable, |v| v.is_bool(), "true, false or a table");
short_or_table!(
    /// The security context.
    SecurityFile, SecurityProfile, SecurityTable, |v| v.is_str(), "\"hardened\", \"restricted\", \"none\" or a table");

pub(super) use short_or_table;

/// A string; a whole number or a boolean stands for its text.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(transparent)]
pub struct Plain(#[schemars(schema_with = "text_schema")] pub String);

fn text_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["string", "integer", "boolean"] })
}

impl FromToml for Plain {
    const EXPECTED: &'static str = "a string";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::Integer(_) => integer(value.get_ref()).map(|i| Self(i.to_string())),
            DeValue::Boolean(b) => Some(Self(b.to_string())),
            _ => String::read(value, reader).map(Self),
        }
    }
}

/// A quantity or percentage as a string, or a whole number.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(transparent)]
pub struct Amount(#[schemars(schema_with = "amount_schema")] pub Value);

/// A port, by name or number.
pub type PortRef = Amount;

fn amount_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["string", "integer"] })
}

impl FromToml for Amount {
    const EXPECTED: &'static str = "a string or a whole number";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::Integer(_) | DeValue::String(_) => Value::read(value, reader).map(Self),
            _ => {
                reader.expected(value, Self::EXPECTED);
                None
            }
        }
    }
}
