//! The configuration files of an agent become its ConfigMap: keys, name, and how pods mount it.

use crate::fleet::config::{HashIn, key};
use crate::fleet::{Agent, Fleet};
use crate::object::{Value, json};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt::Write;

/// The ConfigMap of an agent.
pub(super) struct ConfigMap<'a> {
    /// Its name.
    pub(super) name: String,
    files: &'a BTreeMap<String, String>,
    hash_in: HashIn,
    hash: String,
}

impl<'a> ConfigMap<'a> {
    /// None for an agent without configuration files.
    pub(super) fn of(fleet: &Fleet, agent: &'a Agent) -> Option<Self> {
        if agent.config.is_empty() {
            return None;
        }
        // A canary comes and goes: its files are never those of another time.
        let hash_in = if agent.canary_of.is_some() { HashIn::Name } else { fleet.config.hash };
        let hash = checksum(&agent.config);
        let name = match hash_in {
            HashIn::Annotation => agent.workload.clone(),
            HashIn::Name => format!("{}-{}", agent.workload, &hash[..SHORT]),
        };
        Some(Self { name, files: &agent.config, hash_in, hash })
    }

    /// Key to content.
    pub(super) fn data(&self) -> Value {
        Value::Object(self.files.iter().map(|(name, content)| (key(name), content.as_str().into())).collect())
    }

    /// A content with a name of its own never changes: the kubelet need not watch it, and nobody can edit it under running pods.
    pub(super) fn immutable(&self) -> Option<bool> {
        (self.hash_in == HashIn::Name).then_some(true)
    }

    /// What makes a change of a file a change of the pod template: only so do pods that read it at their start see the new one.
    pub(super) fn annotations(&self) -> Option<Value> {
        (self.hash_in == HashIn::Annotation).then(|| json!({ "checksum/config": self.hash }))
    }

    /// The pod's volume. Files below directories are named one by one, because keys have no `/`.
    pub(super) fn volume(&self) -> Value {
        let mut source = json!({ "name": self.name });
        if self.files.keys().any(|name| name.contains('/')) {
            let path = |name: &String| if name.starts_with('/') { key(name) } else { name.clone() };
            source["items"] = self.files.keys().map(|name| json!({ "key": key(name), "path": path(name) })).collect();
        }
        json!({ "name": "config", "configMap": source })
    }

    /// The mounts of the agent's own container: the directory, and each file that stands somewhere else.
    pub(super) fn mounts(&self, directory: &str) -> Vec<Value> {
        let below = self.files.keys().any(|name| !name.starts_with('/'));
        let whole = below.then(|| json!({ "name": "config", "readOnly": true, "mountPath": directory }));
        let single = self.files.keys().filter(|name| name.starts_with('/'));
        let single = single.map(|name| json!({ "name": "config", "readOnly": true, "mountPath": name, "subPath": key(name) }));
        whole.into_iter().chain(single).collect()
    }
}

/// How many digits of a hash stand in a name.
const SHORT: usize = 10;

/// Changes when a file does, its name or its content.
fn checksum(config: &BTreeMap<String, String>) -> String {
    let mut hash = Sha256::new();
    for (name, content) in config {
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name);
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(content);
    }
    hash.finalize().iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").expect("writing to a string cannot fail");
        out
    })
}
