//! An agent and everything that it becomes, as a tree: its namespace with what holds for all in it, then what is its own.

use super::args::FleetFile;
use super::console::{Console, Failure};
use super::inputs;
use crate::diagnostic::{Diagnostic, nearest};
use crate::fleet::{Agent, Fleet};
use crate::object::{Map, ObjectId, Value, at, items, text};
use crate::render::Manifest;
use crate::report::style::Tone;
use std::collections::BTreeMap;

/// The tree of an agent; none where the name is not written as an agent's and is none.
pub(super) fn tree(name: &str, options: &FleetFile, console: &mut Console) -> Result<Option<String>, Failure> {
    let pinned = inputs::fleet(options, console)?;
    let Some(agent) = find(name, &pinned.fleet) else {
        let names: Vec<String> = pinned.fleet.agents.iter().map(key).collect();
        if !name.contains(['.', '/']) {
            return Ok(None);
        }
        let error = Diagnostic::error("unknown-agent", format!("the fleet has no agent `{name}`"));
        // An organisation's agent is often called as others are.
        let short = name.rsplit(['.', '/']).next().unwrap_or_default();
        let same: Vec<String> = pinned.fleet.agents.iter().filter(|a| a.name == short).take(3).map(|a| format!("`{}`", key(a))).collect();
        if !same.is_empty() {
            return Err(error.hint(format!("did you mean {}?", same.join(" or "))).into());
        }
        return Err(match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("agents are named as in the fleet file: `agents.ceo`, or `acme/support` of an organisation"),
        }
        .into());
    };
    let manifests = inputs::rendered(&pinned, options)?;
    let (file, line, _) = pinned.fleet.source.position(agent.at.start);
    let head = console.dress.paint(Tone::Strong, &key(agent));
    // Its canary is the agent's too.
    let canary = pinned.fleet.agents.iter().filter(|a| a.namespace == agent.namespace && a.canary_of.as_ref() == Some(&agent.workload));
    let names: Vec<&str> = std::iter::once(agent).chain(canary).map(|a| a.name.as_str()).collect();
    let own = |m: &&Manifest| m.id.namespace == agent.namespace.as_str() && m.origin.agent.as_deref().is_some_and(|a| names.contains(&a));
    let shared = |m: &&Manifest| m.id.namespace == agent.namespace.as_str() && m.origin.agent.is_none();
    let mut branches: Vec<Branch> = manifests.iter().filter(shared).map(branch).collect();
    branches.extend(manifests.iter().filter(own).map(branch));
    let namespace = manifests.iter().find(|m| m.id.kind == "Namespace" && m.id.name == agent.namespace.as_str());
    let root = Branch {
        label: format!("Namespace {}", agent.namespace),
        about: namespace.map_or_else(|| "not made by this fleet".to_owned(), |m| about(&m.id, &m.value)),
        below: branches,
    };
    let mut out = format!("{head}  {}:{line}\n", file.display());
    root.write("", true, console, &mut out);
    Ok(Some(out))
}

/// As the fleet file names it.
fn key(agent: &Agent) -> String {
    agent.org.as_ref().map_or_else(|| format!("agents.{}", agent.name), |org| format!("orgs.{org}.agents.{}", agent.name))
}

/// The agent of a name: `agents.ceo`, `orgs.acme.agents.support`, `acme/support`, `ceo`, or its workload's.
fn find<'f>(name: &str, fleet: &'f Fleet) -> Option<&'f Agent> {
    let short = |a: &Agent| a.org.as_ref().map_or_else(|| a.name.clone(), |org| format!("{org}/{}", a.name));
    let mut all = fleet.agents.iter();
    all.clone().find(|a| key(a) == name || short(a) == name).or_else(|| all.find(|a| a.name == name || a.workload == name))
}

struct Branch {
    label: String,
    about: String,
    below: Vec<Self>,
}

impl Branch {
    fn write(&self, before: &str, last: bool, console: &Console, out: &mut String) {
        let (joint, next) = if last { ("└── ", "    ") } else { ("├── ", "│   ") };
        let about = if self.about.is_empty() { String::new() } else { format!("  {}", console.dress.paint(Tone::Faint, &self.about)) };
        out.push_str(&format!("{before}{joint}{}{about}\n", self.label));
        let before = format!("{before}{next}");
        for (i, branch) in self.below.iter().enumerate() {
            branch.write(&before, i + 1 == self.below.len(), console, out);
        }
    }
}

fn branch(manifest: &Manifest) -> Branch {
    let spec = &manifest.value["spec"]["template"]["spec"];
    let containers = items(spec, &["containers"]).iter().map(|c| Branch {
        label: format!("container {}", text(c, &["name"])),
        about: container(c),
        below: Vec::new(),
    });
    let volumes = items(spec, &["volumes"]).iter().map(|v| Branch {
        label: format!("volume {}", text(v, &["name"])),
        about: volume(v),
        below: Vec::new(),
    });
    let templates = items(&manifest.value, &["spec", "volumeClaimTemplates"]).iter().map(|claim| Branch {
        label: format!("claim {} of each pod", text(claim, &["metadata", "name"])),
        about: claimed(claim),
        below: Vec::new(),
    });
    Branch {
        label: format!("{} {}", manifest.id.kind, manifest.id.name),
        about: about(&manifest.id, &manifest.value),
        below: containers.chain(volumes).chain(templates).collect(),
    }
}

/// What is worth knowing of an object, on one line.
fn about(id: &ObjectId, object: &Value) -> String {
    let spec = &object["spec"];
    let words = match id.kind.as_str() {
        "Namespace" => {
            let labels = object["metadata"]["labels"].as_object().into_iter().flat_map(Map::iter);
            let own = labels.filter(|(k, _)| !k.starts_with("app.kubernetes.io/"));
            let annotations = object["metadata"]["annotations"].as_object().into_iter().flat_map(Map::iter);
            own.chain(annotations).map(|(k, v)| format!("{k}={}", plain(v))).collect()
        }
        "ResourceQuota" => pairs(&spec["hard"]),
        "LimitRange" => items(spec, &["limits"])
            .iter()
            .flat_map(|l| ["max", "min", "default", "defaultRequest"].map(|k| (k, pairs(&l[k]))))
            .filter(|(_, pairs)| !pairs.is_empty())
            .map(|(k, pairs)| format!("{k} {}", pairs.join(" ")))
            .collect(),
        "NetworkPolicy" => policy(spec),
        "PodDisruptionBudget" => vec![format!("at most {} pod away at a time", plain(&spec["maxUnavailable"]))],
        "ServiceAccount" if object["automountServiceAccountToken"] == false => vec!["no token in its pods".into()],
        "Role" => rules(object),
        "RoleBinding" => vec![format!("{} to its ServiceAccount", text(object, &["roleRef", "name"]))],
        "ExternalSecret" => {
            let keys: Vec<&str> = items(spec, &["data"]).iter().map(|d| text(d, &["secretKey"])).collect();
            vec![format!("{} from {}", keys.join(", "), text(spec, &["secretStoreRef", "name"]))]
        }
        "SealedSecret" => keys(&spec["encryptedData"]),
        "ConfigMap" => keys(&object["data"]),
        "PersistentVolumeClaim" => vec![claimed(object)],
        "Service" => service(spec),
        "Deployment" | "StatefulSet" => workload(spec),
        _ => Vec::new(),
    };
    words.join(", ")
}

fn plain(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn pairs(map: &Value) -> Vec<String> {
    map.as_object().into_iter().flat_map(Map::iter).map(|(k, v)| format!("{k}={}", plain(v))).collect()
}

fn keys(map: &Value) -> Vec<String> {
    map.as_object().into_iter().flat_map(Map::keys).map(|k| k.to_string()).collect()
}

fn rules(role: &Value) -> Vec<String> {
    let list = |rule: &Value, key: &str| items(rule, &[key]).iter().map(plain).collect::<Vec<_>>().join(" ");
    let rule = |rule: &Value| {
        let names = list(rule, "resourceNames");
        format!("{} {}{}", list(rule, "verbs"), list(rule, "resources"), if names.is_empty() { names } else { format!(" {names}") })
    };
    let rules: Vec<String> = items(role, &["rules"]).iter().map(rule).collect();
    if rules.is_empty() { vec!["may do nothing".into()] } else { rules }
}

fn policy(spec: &Value) -> Vec<String> {
    let mut words = Vec::new();
    for (rules, peers, arrow) in [("egress", "to", "to"), ("ingress", "from", "from")] {
        for rule in items(spec, &[rules]) {
            let peer = |p: &Value| match at(p, &["ipBlock", "cidr"]) {
                Some(cidr) => plain(cidr),
                None => {
                    let pods: Vec<String> = pairs(&p["podSelector"]["matchLabels"]).iter().map(|l| value_of(l)).collect();
                    format!("{}/{}", text(p, &["namespaceSelector", "matchLabels", "kubernetes.io/metadata.name"]), pods.join(","))
                }
            };
            let to: Vec<String> = items(rule, &[peers]).iter().map(peer).collect();
            let mut by_port: BTreeMap<String, Vec<&str>> = BTreeMap::new();
            for port in items(rule, &["ports"]) {
                by_port.entry(plain(&port["port"])).or_default().push(text(port, &["protocol"]));
            }
            let ports: String = by_port.iter().map(|(port, protocols)| format!(":{port} {}", protocols.join("+"))).collect();
            words.push(format!("{arrow} {}{ports}", to.join(" ")));
        }
    }
    if words.is_empty() { vec!["nobody in, nobody out".into()] } else { words }
}

fn value_of(pair: &str) -> String {
    pair.split_once('=').map_or(pair, |(_, value)| value).to_owned()
}

fn service(spec: &Value) -> Vec<String> {
    let ports = items(spec, &["ports"]).iter().map(|p| format!("{}:{}", text(p, &["name"]), plain(&p["port"])));
    let kind = if spec["clusterIP"] == "None" { "headless" } else { text(spec, &["type"]) };
    let stays = at(spec, &["sessionAffinityConfig", "clientIP", "timeoutSeconds"]).map(|s| format!("clients stay {s}s"));
    std::iter::once(kind.to_owned()).chain(ports).chain(stays).collect()
}

fn workload(spec: &Value) -> Vec<String> {
    let replicas = plain(&spec["replicas"]);
    let strategy = [&spec["strategy"], &spec["updateStrategy"]].into_iter().find_map(|s| s["type"].as_str()).unwrap_or("RollingUpdate");
    let pod = &spec["template"]["spec"];
    let user = at(pod, &["securityContext", "runAsUser"]).map(|u| format!("user {u}"));
    let grace = pod["terminationGracePeriodSeconds"].as_i64().map(|s| format!("{s}s to end"));
    let s = if replicas == "1" { "" } else { "s" };
    [format!("{replicas} pod{s}"), strategy.to_owned()].into_iter().chain(user).chain(grace).collect()
}

fn container(container: &Value) -> String {
    let mut words = vec![text(container, &["image"]).to_owned()];
    for side in ["requests", "limits"] {
        let said = pairs(&container["resources"][side]);
        words.extend((!said.is_empty()).then(|| format!("{side} {}", said.join(" "))));
    }
    let probes = ["startupProbe", "readinessProbe", "livenessProbe"].into_iter().filter(|p| !container[*p].is_null());
    let probes: Vec<&str> = probes.filter_map(|p| p.strip_suffix("Probe")).collect();
    words.extend((!probes.is_empty()).then(|| format!("probes {}", probes.join(" "))));
    let secrets = items(container, &["envFrom"]).iter().map(|e| text(e, &["secretRef", "name"]));
    words.extend(secrets.map(|s| format!("variables of Secret {s}")));
    words.join(", ")
}

fn volume(volume: &Value) -> String {
    let claim = text(volume, &["persistentVolumeClaim", "claimName"]);
    let secret = text(volume, &["secret", "secretName"]);
    let config = text(volume, &["configMap", "name"]);
    match (claim, secret, config) {
        ("", "", "") if volume["emptyDir"]["medium"] == "Memory" => format!("{} of memory", text(volume, &["emptyDir", "sizeLimit"])),
        ("", "", "") => "empty".into(),
        ("", "", config) => format!("ConfigMap {config}"),
        ("", secret, _) => format!("Secret {secret}"),
        (claim, ..) => format!("claim {claim}"),
    }
}

fn claimed(claim: &Value) -> String {
    let modes: Vec<String> = items(claim, &["spec", "accessModes"]).iter().map(plain).collect();
    format!("{} {}", text(claim, &["spec", "resources", "requests", "storage"]), modes.join(" "))
}
