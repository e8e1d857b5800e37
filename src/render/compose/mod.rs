//! Manifests become a compose file: the same containers on one machine, with the same configuration and the same limits.
//!
//! Follows the compose specification (<https://github.com/compose-spec/compose-spec>). What compose has no word for is told. Values
//! of Secrets are references that compose itself resolves, and refuses to start without.

mod service;

use super::Manifest;
use crate::diagnostic::Diagnostic;
use crate::object::{Map, Value, at, items, json, text};
use service::Service;
use std::collections::BTreeMap;

/// A compose file, and what it could not take over.
pub struct Compose {
    /// The file's content.
    pub file: Value,
    /// What is different from Kubernetes.
    pub notes: Vec<Diagnostic>,
}

/// Where the pod template of a kind of workload stands.
const WORKLOADS: [(&str, &[&str]); 5] = [
    ("Deployment", &["spec", "template"]),
    ("StatefulSet", &["spec", "template"]),
    ("DaemonSet", &["spec", "template"]),
    ("Job", &["spec", "template"]),
    ("Pod", &[]),
];

/// Kinds whose content goes into services, volumes and configs.
const TAKEN: [&str; 4] = ["ConfigMap", "Service", "PersistentVolumeClaim", "Namespace"];

/// Makes a compose file of manifests.
pub fn compose(project: &str, manifests: &[Manifest]) -> Compose {
    let mut making = Making { manifests, notes: Vec::new(), services: Map::new(), volumes: Map::new(), configs: Map::new() };
    let mut left_out: BTreeMap<&str, usize> = BTreeMap::new();
    for manifest in manifests {
        let kind = manifest.id.kind.as_str();
        match WORKLOADS.iter().find(|(k, _)| *k == kind) {
            Some((_, path)) => making.workload(manifest, at(&manifest.value, path).unwrap_or(&Value::Null)),
            None if TAKEN.contains(&kind) => {}
            None => *left_out.entry(kind).or_default() += 1,
        }
    }
    if !left_out.is_empty() {
        let kinds: Vec<String> = left_out.iter().map(|(kind, n)| format!("{n} {kind}")).collect();
        making.notes.push(Diagnostic::note("compose-left-out", format!("one machine has no use for {}", kinds.join(", "))));
    }
    let mut file = json!({ "name": super::alerts::object_name(project), "services": making.services });
    for (key, map) in [("volumes", making.volumes), ("configs", making.configs)] {
        if !map.is_empty() {
            file[key] = map.into();
        }
    }
    Compose { file, notes: making.notes }
}

struct Making<'m> {
    manifests: &'m [Manifest],
    notes: Vec<Diagnostic>,
    services: Map,
    volumes: Map,
    configs: Map,
}

impl<'m> Making<'m> {
    /// One service for each container; those after the first live in the network of the first, as in a pod.
    fn workload(&mut self, manifest: &'m Manifest, pod: &'m Value) {
        let spec = &pod["spec"];
        let name = self.name(manifest);
        let containers = items(spec, &["containers"]);
        let init = items(spec, &["initContainers"]);
        let (sidecars, before): (Vec<&Value>, Vec<&Value>) = init.iter().partition(|c| text(c, &["restartPolicy"]) == "Always");
        let first = containers.first().map(|_| name.clone()).unwrap_or_default();
        let mut previous: Option<String> = None;
        for container in before {
            let own = format!("{name}-{}", text(container, &["name"]));
            let mut service = self.service(manifest, pod, container, &own);
            service["restart"] = "no".into();
            if let Some(previous) = &previous {
                service["depends_on"] = json!({ previous.as_str(): { "condition": "service_completed_successfully" } });
            }
            self.services.insert(own.as_str().into(), service);
            previous = Some(own);
        }
        for (index, container) in containers.iter().chain(sidecars).enumerate() {
            let own = if index == 0 { name.clone() } else { format!("{name}-{}", text(container, &["name"])) };
            let mut service = self.service(manifest, pod, container, &own);
            if index == 0 {
                self.reached_as(manifest, pod, &mut service);
                self.replicas(manifest, containers.len(), &mut service);
                if let Some(previous) = &previous {
                    service["depends_on"] = json!({ previous.as_str(): { "condition": "service_completed_successfully" } });
                }
            } else {
                service["network_mode"] = format!("service:{first}").into();
                service["depends_on"] = json!({ first.as_str(): { "condition": "service_started" } });
            }
            self.services.insert(own.as_str().into(), service);
        }
    }

    /// The workload's name; with its namespace where two have one name.
    fn name(&self, manifest: &Manifest) -> String {
        let id = &manifest.id;
        let same = |m: &&Manifest| m.id.name == id.name && WORKLOADS.iter().any(|(kind, _)| m.id.kind == *kind);
        if self.manifests.iter().filter(same).count() > 1 { format!("{}-{}", id.namespace, id.name) } else { id.name.to_string() }
    }

    fn service(&mut self, manifest: &'m Manifest, pod: &'m Value, container: &'m Value, name: &str) -> Value {
        let (config_maps, secrets) = (self.config_maps(&manifest.id.namespace), self.secrets(&manifest.id.namespace));
        let made = Service { workload: manifest, pod, container, name, config_maps: &config_maps, secrets: &secrets }.make();
        self.notes.extend(made.notes);
        self.volumes.extend(made.volumes.into_iter().map(|volume| (volume, Value::Object(Map::new()))));
        self.configs.extend(made.configs);
        made.service
    }

    /// The ConfigMaps of a namespace that are among the manifests.
    fn config_maps(&self, namespace: &str) -> BTreeMap<&'m str, &'m Value> {
        let own = self.manifests.iter().filter(|m| m.id.kind == "ConfigMap" && m.id.namespace == namespace);
        own.map(|m| (m.id.name.as_str(), &m.value)).collect()
    }

    /// The keys of a namespace's Secrets, where the manifests tell them all.
    fn secrets(&self, namespace: &str) -> BTreeMap<&'m str, Vec<&'m str>> {
        let keys = |table: &'m Value| table.as_object().into_iter().flat_map(|map| map.keys().map(AsRef::as_ref));
        let named = |name: &'m str, own: &'m str| if name.is_empty() { own } else { name };
        let told = self.manifests.iter().filter(|m| m.id.namespace == namespace).filter_map(|m| {
            let (spec, own) = (&m.value["spec"], m.id.name.as_str());
            match m.id.kind.as_str() {
                "Secret" => Some((own, keys(&m.value["data"]).chain(keys(&m.value["stringData"])).collect())),
                "SealedSecret" => Some((named(text(spec, &["template", "metadata", "name"]), own), keys(&spec["encryptedData"]).collect())),
                "ExternalSecret" if items(spec, &["dataFrom"]).is_empty() => {
                    let keys = items(spec, &["data"]).iter().map(|one| text(one, &["secretKey"]));
                    Some((named(text(spec, &["target", "name"]), own), keys.collect()))
                }
                _ => None,
            }
        });
        told.collect()
    }

    /// The names under which Kubernetes' Services make it known, so that addresses stay as they are.
    fn reached_as(&self, manifest: &Manifest, pod: &Value, service: &mut Value) {
        let labels = &pod["metadata"]["labels"];
        let selects = |s: &Value| {
            let selector = s["spec"]["selector"].as_object();
            selector.is_some_and(|map| !map.is_empty() && map.iter().all(|(key, value)| labels[key.as_str()] == *value))
        };
        let services =
            self.manifests.iter().filter(|m| m.id.kind == "Service" && m.id.namespace == manifest.id.namespace && selects(&m.value));
        let mut aliases: Vec<String> = Vec::new();
        for s in services {
            let (name, namespace) = (&s.id.name, &s.id.namespace);
            aliases.extend([
                name.to_string(),
                format!("{name}.{namespace}"),
                format!("{name}.{namespace}.svc"),
                format!("{name}.{namespace}.svc.cluster.local"),
            ]);
            if matches!(text(&s.value, &["spec", "type"]), "NodePort" | "LoadBalancer") {
                service["ports"] = published(&s.value, pod);
            }
        }
        if !aliases.is_empty() {
            service["networks"] = json!({ "default": { "aliases": aliases } });
        }
    }

    fn replicas(&mut self, manifest: &Manifest, containers: usize, service: &mut Value) {
        let wanted = manifest.value["spec"]["replicas"].as_i64().unwrap_or(1);
        if wanted == 0 {
            service["deploy"]["replicas"] = 0.into();
        }
        if wanted < 2 {
            return;
        }
        let claims = items(&manifest.value, &["spec", "volumeClaimTemplates"]).len();
        if containers == 1 && claims == 0 && manifest.id.kind == "Deployment" {
            service["deploy"]["replicas"] = wanted.into();
            return;
        }
        let why = if claims > 0 || manifest.id.kind == "StatefulSet" {
            "each has a name and volumes of its own"
        } else {
            "its containers share a network"
        };
        let text = format!("{} runs once, not {wanted} times: {why}", manifest.id);
        self.notes.push(Diagnostic::warning("compose-replicas", text).hint("one machine gains no availability by more"));
    }
}

/// What is to be reached from outside of the machine: on a port that the machine chooses, unless the Service names one.
fn published(service: &Value, pod: &Value) -> Value {
    let number = |target: &Value| {
        let named = items(pod, &["spec", "containers"]).iter().flat_map(|c| items(c, &["ports"])).find(|p| p["name"] == *target);
        named.map_or_else(|| target.clone(), |p| p["containerPort"].clone())
    };
    let one = |port: &Value| {
        let target = if port["targetPort"].is_null() { port["port"].clone() } else { number(&port["targetPort"]) };
        let mut out = json!({ "target": target, "protocol": text(port, &["protocol"]).to_lowercase() });
        if out["protocol"] == "" {
            out["protocol"] = "tcp".into();
        }
        if let Some(node) = port["nodePort"].as_i64() {
            out["published"] = node.to_string().into();
        }
        out
    };
    items(service, &["spec", "ports"]).iter().map(one).collect()
}
