//! What stands around a workload, as written: secrets by reference, rights, peers, quotas, limits, what a pod does before it ends.

use super::duration::Length;
use super::file::{Amount, List, Named, PortRef, short_or_table};
use super::read::{FromToml, Reader, Verbatim, names, table};
use schemars::JsonSchema;
use toml::Spanned;
use toml::de::DeValue;

names! {
    /// Where an ExternalSecret finds its store.
    StoreKind {
        /// In its own namespace.
        "SecretStore" => SecretStore,
        /// One for the cluster.
        "ClusterSecretStore" => ClusterSecretStore,
    }
}

table! {
    /// A value in a store of secrets.
    RemoteFile {
        /// Its name in the store.
        "key" => key: String,
        /// Which part of it.
        "property" => property: String,
    }
}

table! {
    /// A Secret that External Secrets makes.
    ExternalFile {
        /// The store's name.
        "store" => store: String,
        /// `ClusterSecretStore` unless given.
        "kind" => kind: StoreKind,
        /// How often it is read anew; `1h` unless given.
        "refresh" => refresh: Length,
        /// Key of the Secret to the value's name in the store.
        "keys" => keys: Named<RemoteValue>,
    }
}

table! {
    /// A Secret by reference: one of `existing`, `external` and `sealed`. Its values never stand in the fleet file.
    SecretFile {
        /// The name of a Secret that something else makes.
        "existing" => existing: String,
        /// A Secret that External Secrets makes.
        "external" => external: ExternalFile,
        /// A Secret that Sealed Secrets makes: key to sealed value, as `kubeseal --raw` prints it.
        "sealed" => sealed: Named<Verbatim>,
        /// Whether all its keys become environment variables of the agent's own container.
        "env" => env: bool,
        /// Where its keys are mounted as files.
        "mount" => mount: String,
        /// The files' permissions, in octal: `0440` unless given.
        "mode" => mode: String,
    }
}

table! {
    /// Something that an agent may do with the API, in its own namespace.
    RightFile {
        /// API groups; the core one unless given.
        "groups" => groups: List<String>,
        /// What: `configmaps`.
        "resources" => resources: List<String>,
        /// Which ones; all unless given.
        "names" => names: List<String>,
        /// What may be done: `get`.
        "verbs" => verbs: List<String>,
    }
}

table! {
    /// Whom an agent may talk to: another agent, pods by their labels, or addresses.
    PeerTable {
        /// An agent: `name`, or `organisation/name`.
        "agent" => agent: String,
        /// The namespace of pods.
        "namespace" => namespace: String,
        /// The labels of pods.
        "labels" => labels: Named<String>,
        /// Addresses: `10.0.0.0/8`.
        "cidr" => cidr: String,
        /// Addresses among those that are not meant.
        "except" => except: List<String>,
        /// On which ports; of an agent those that it names, else all.
        "ports" => ports: List<i64>,
    }
}

table! {
    /// Pods that every agent may talk to.
    EndpointTable {
        /// Their namespace.
        "namespace" => namespace: String,
        /// Their labels.
        "labels" => labels: Named<String>,
        /// Their ports.
        "ports" => ports: List<i64>,
    }
}

table! {
    /// Whom every agent of a bundle may talk to.
    NetworkFile {
        /// Name resolution: CoreDNS in `kube-system` unless given.
        "dns" => dns: EndpointFile,
        /// The message bus: NATS in `nats`, port 4222, unless given; `false` for none.
        "nats" => nats: EndpointFile,
    }
}

table! {
    /// A LimitRange for containers: resource to quantity.
    LimitsFile {
        /// The limits of a container that says none.
        "default" => default: Named<Amount>,
        /// The requests of a container that says none.
        "default-request" => default_request: Named<Amount>,
        /// No container's limit is higher.
        "max" => max: Named<Amount>,
        /// No container's request is lower.
        "min" => min: Named<Amount>,
    }
}

table! {
    /// What the agent's own container does before it is told to end: one of `exec`, `http` and `sleep`.
    PreStopFile {
        /// Runs a command. Handed on as it stands.
        "exec" => exec: List<Verbatim>,
        /// Gets a path.
        "http" => http: String,
        /// The port of `http`; the first one unless given.
        "port" => port: PortRef,
        /// Waits, so that no new sessions arrive any more. The grace period grows by it.
        "sleep" => sleep: Length,
    }
}

names! {
    /// What becomes of a StatefulSet's claims.
    Retention {
        /// They stay.
        "Retain" => Retain,
        /// They go, and what is on them.
        "Delete" => Delete,
    }
}

table! {
    /// What becomes of the claims of a StatefulSet; `Retain` unless given.
    ClaimsFile {
        /// When it is deleted.
        "when-deleted" => when_deleted: Retention,
        /// When it has fewer pods.
        "when-scaled" => when_scaled: Retention,
    }
}

short_or_table!(
    /// A value in a store of secrets.
    RemoteValue, String, RemoteFile, |v| v.is_str(), "a string, or a table with `key`");
short_or_table!(
    /// Whom an agent may talk to.
    PeerFile, String, PeerTable, |v| v.is_str(), "an agent's name, or a table");
short_or_table!(
    /// Pods that every agent may talk to.
    EndpointFile, bool, EndpointTable, |v| v.is_bool(), "false, or a table");
/// The size of `/tmp` in memory, or `false` for none.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub enum TmpFile {
    /// None.
    Off(bool),
    /// That size.
    Size(String),
}

impl FromToml for TmpFile {
    const EXPECTED: &'static str = "a size, or false";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::Boolean(false) => Some(Self::Off(false)),
            DeValue::String(_) => String::read(value, reader).map(Self::Size),
            _ => {
                reader.expected(value, Self::EXPECTED);
                None
            }
        }
    }
}
