//! Pod Security Standards: pods that a namespace does not let in, and templates that clients are warned of.
//!
//! Follows `pod-security-admission` `admission/admission.go` and `policy/check_*.go`, each check in its latest version. AppArmor,
//! SELinux, `/proc` mounts, sysctls and Windows host processes are not looked at.

use super::{Attributes, forbidden};
use crate::object::{ObjectId, Value, items, text};
use crate::simulate::{ApiError, Cluster};
use crate::simulate::status::quoted;
use std::collections::BTreeSet;

const LABEL: &str = "pod-security.kubernetes.io/";

/// Capabilities that the baseline lets containers add.
const DEFAULT_CAPABILITIES: [&str; 13] = [
    "AUDIT_WRITE",
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "MKNOD",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

/// Volumes that the restricted level lets pods use.
const VOLUMES: [&str; 9] =
    ["configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "image", "persistentVolumeClaim", "projected", "secret"];

/// Refuses a pod that its namespace does not let in, and warns of one, or of a template, that it would not.
pub(super) fn check(asked: &Attributes<'_>, object: &Value, warnings: &mut Vec<String>) -> Result<(), ApiError> {
    let Some(spec) = spec_of(asked, object) else { return Ok(()) };
    let namespace = text(object, &["metadata", "namespace"]);
    let told = |modes: &[&str]| {
        let (level, version) = policy(asked.cluster, namespace, modes)?;
        violations(&level, spec).map(|all| format!("violate PodSecurity {}: {all}", quoted(&format!("{level}:{version}"))))
    };
    if asked.served.kind == "Pod"
        && let Some(why) = told(&["enforce"])
    {
        return Err(forbidden(asked, object, &why.replacen("violate", "violates", 1)));
    }
    warnings.extend(told(&["warn", "enforce"]).map(|why| format!("would {why}")));
    Ok(())
}

/// The pod, or the pods that an object makes.
fn spec_of<'o>(asked: &Attributes<'_>, object: &'o Value) -> Option<&'o Value> {
    let template = &object["spec"]["template"]["spec"];
    let spec = match asked.whole() {
        ("", "Pod") => &object["spec"],
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") | ("", "ReplicationController") => template,
        ("batch", "CronJob") => &object["spec"]["jobTemplate"]["spec"]["template"]["spec"],
        _ => return None,
    };
    Some(spec).filter(|s| s.is_object())
}

/// The level and version of the first mode that the namespace is labelled with.
fn policy(cluster: &Cluster, namespace: &str, modes: &[&str]) -> Option<(String, String)> {
    let id = ObjectId { kind: "Namespace".into(), name: namespace.into(), ..ObjectId::default() };
    let labels = &cluster.store.get(&id)?["metadata"]["labels"];
    let of = |mode: &str| labels[format!("{LABEL}{mode}")].as_str();
    let mode = modes.iter().find(|mode| of(mode).is_some())?;
    let version = labels[format!("{LABEL}{mode}-version")].as_str().unwrap_or("latest");
    Some((of(mode)?.to_owned(), version.to_owned())).filter(|(level, _)| matches!(level.as_str(), "baseline" | "restricted"))
}

fn violations(level: &str, spec: &Value) -> Option<String> {
    let pod = Pod(spec);
    let found: Vec<Option<String>> = if level == "restricted" {
        vec![
            pod.host_namespaces(),
            pod.host_ports(),
            pod.host_probes(),
            pod.privileged(),
            pod.escalation(),
            pod.dropped_capabilities(),
            pod.volumes(),
            pod.non_root(),
            pod.user(),
            pod.seccomp(true),
        ]
    } else {
        vec![
            pod.added_capabilities(),
            pod.host_namespaces(),
            pod.host_paths(),
            pod.host_ports(),
            pod.host_probes(),
            pod.privileged(),
            pod.seccomp(false),
        ]
    };
    let found: Vec<String> = found.into_iter().flatten().collect();
    (!found.is_empty()).then(|| found.join(", "))
}

fn joined<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    names.into_iter().map(|n| quoted(n.as_ref())).collect::<Vec<_>>().join(", ")
}

/// `container "a"`, `containers "a", "b"`
fn containers(names: &[&str]) -> String {
    format!("{} {}", if names.len() == 1 { "container" } else { "containers" }, joined(names))
}

/// A pod spec under inspection.
struct Pod<'a>(&'a Value);

impl<'a> Pod<'a> {
    fn all(&self) -> impl Iterator<Item = &'a Value> {
        let spec = self.0;
        ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(move |list| items(spec, &[list]))
    }

    /// The names of the containers of which something holds.
    fn that(&self, holds: impl Fn(&Value) -> bool) -> Vec<&'a str> {
        self.all().filter(|c| holds(c)).map(|c| text(c, &["name"])).collect()
    }

    fn windows(&self) -> bool {
        self.0["os"]["name"] == "windows"
    }

    fn added(&self, allowed: &[&str]) -> Option<String> {
        let bad = |c: &Value| {
            let added = items(c, &["securityContext", "capabilities", "add"]).iter().filter_map(Value::as_str);
            added.filter(|name| !allowed.contains(name)).map(str::to_owned).collect::<Vec<_>>()
        };
        let names: BTreeSet<String> = self.all().flat_map(bad).collect();
        let whose = self.that(|c| !bad(c).is_empty());
        (!whose.is_empty())
            .then(|| format!("{} must not include {} in securityContext.capabilities.add", containers(&whose), joined(names)))
    }

    fn added_capabilities(&self) -> Option<String> {
        self.added(&DEFAULT_CAPABILITIES).map(|detail| format!("non-default capabilities ({detail})"))
    }

    fn dropped_capabilities(&self) -> Option<String> {
        if self.windows() {
            return None;
        }
        let keeps = self.that(|c| !items(c, &["securityContext", "capabilities", "drop"]).iter().any(|d| d == "ALL"));
        let missing = (!keeps.is_empty()).then(|| format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", containers(&keeps)));
        let details: Vec<String> = missing.into_iter().chain(self.added(&["NET_BIND_SERVICE"])).collect();
        (!details.is_empty()).then(|| format!("unrestricted capabilities ({})", details.join("; ")))
    }

    fn host_namespaces(&self) -> Option<String> {
        let on = ["hostNetwork", "hostPID", "hostIPC"].into_iter().filter(|key| self.0[*key] == true);
        let on: Vec<String> = on.map(|key| format!("{key}=true")).collect();
        (!on.is_empty()).then(|| format!("host namespaces ({})", on.join(", ")))
    }

    fn host_paths(&self) -> Option<String> {
        let named: Vec<&str> =
            items(self.0, &["volumes"]).iter().filter(|v| v.get("hostPath").is_some()).map(|v| text(v, &["name"])).collect();
        let volumes = if named.len() == 1 { "volume" } else { "volumes" };
        (!named.is_empty()).then(|| format!("hostPath volumes ({volumes} {})", joined(named)))
    }

    fn host_ports(&self) -> Option<String> {
        let of = |c: &Value| items(c, &["ports"]).iter().filter_map(|p| p["hostPort"].as_i64()).filter(|p| *p != 0).collect::<Vec<_>>();
        let whose = self.that(|c| !of(c).is_empty());
        let ports: BTreeSet<String> = self.all().flat_map(of).map(|p| p.to_string()).collect();
        let (uses, noun) = (if whose.len() == 1 { "uses" } else { "use" }, if ports.len() == 1 { "hostPort" } else { "hostPorts" });
        let list = ports.into_iter().collect::<Vec<_>>().join(", ");
        (!whose.is_empty()).then(|| format!("hostPort ({} {uses} {noun} {list})", containers(&whose)))
    }

    fn host_probes(&self) -> Option<String> {
        let hosts = |c: &Value| {
            let probes = ["livenessProbe", "readinessProbe", "startupProbe"].map(|key| &c[key]);
            let handlers = ["postStart", "preStop"].map(|key| &c["lifecycle"][key]);
            let named =
                probes.into_iter().chain(handlers).flat_map(|p| ["httpGet", "tcpSocket"].map(|kind| text(p, &[kind, "host"]).to_owned()));
            named.filter(|host| !host.is_empty()).collect::<Vec<_>>()
        };
        let mut whose = self.that(|c| !hosts(c).is_empty());
        whose.sort_unstable();
        let all: BTreeSet<String> = self.all().flat_map(hosts).collect();
        let uses = if whose.len() == 1 { "uses" } else { "use" };
        let noun = if all.len() == 1 { "probe or lifecycle host" } else { "probe or lifecycle hosts" };
        (!whose.is_empty()).then(|| format!("probe or lifecycle host ({} {uses} {noun} {})", containers(&whose), joined(all)))
    }

    fn privileged(&self) -> Option<String> {
        let bad = self.that(|c| c["securityContext"]["privileged"] == true);
        (!bad.is_empty()).then(|| format!("privileged ({} must not set securityContext.privileged=true)", containers(&bad)))
    }

    fn escalation(&self) -> Option<String> {
        let bad = self.that(|c| c["securityContext"]["allowPrivilegeEscalation"] != false);
        let detail = || format!("{} must set securityContext.allowPrivilegeEscalation=false", containers(&bad));
        (!bad.is_empty() && !self.windows()).then(|| format!("allowPrivilegeEscalation != false ({})", detail()))
    }

    fn volumes(&self) -> Option<String> {
        let kind =
            |v: &Value| v.as_object().into_iter().flatten().map(|(k, _)| k.clone()).find(|k| k != "name").unwrap_or("unknown".into());
        let bad: Vec<&Value> = items(self.0, &["volumes"]).iter().filter(|v| !VOLUMES.contains(&kind(v).as_str())).collect();
        let kinds: BTreeSet<String> = bad.iter().map(|v| kind(v)).collect();
        let (noun, uses) = if bad.len() == 1 { ("volume", "uses") } else { ("volumes", "use") };
        let types = if kinds.len() == 1 { "restricted volume type" } else { "restricted volume types" };
        let names = joined(bad.iter().map(|v| text(v, &["name"])));
        (!bad.is_empty()).then(|| format!("restricted volume types ({noun} {names} {uses} {types} {})", joined(kinds)))
    }

    fn non_root(&self) -> Option<String> {
        if self.0["hostUsers"] == false {
            return None;
        }
        let own = |c: &Value| c["securityContext"]["runAsNonRoot"].as_bool();
        let pod = own(self.0);
        let explicit = self.that(|c| own(c) == Some(false));
        let setters = setters(pod == Some(false), &explicit);
        if let Some(setters) = setters {
            return Some(format!("runAsNonRoot != true ({setters} must not set securityContext.runAsNonRoot=false)"));
        }
        let implicit = self.that(|c| own(c).is_none() && pod != Some(true));
        let detail = || format!("pod or {} must set securityContext.runAsNonRoot=true", containers(&implicit));
        (!implicit.is_empty()).then(|| format!("runAsNonRoot != true ({})", detail()))
    }

    fn user(&self) -> Option<String> {
        let root = |c: &Value| c["securityContext"]["runAsUser"] == 0;
        let setters = setters(root(self.0), &self.that(root)).filter(|_| self.0["hostUsers"] != false)?;
        Some(format!("runAsUser=0 ({setters} must not set runAsUser=0)"))
    }

    /// The baseline forbids other profiles; the restricted level wants one.
    fn seccomp(&self, wanted: bool) -> Option<String> {
        if wanted && self.windows() {
            return None;
        }
        let own = |c: &Value| c["securityContext"]["seccompProfile"]["type"].as_str().map(str::to_owned);
        let bad = |c: &Value| own(c).filter(|kind| !matches!(kind.as_str(), "RuntimeDefault" | "Localhost"));
        let values: BTreeSet<String> = bad(self.0).into_iter().chain(self.all().filter_map(bad)).collect();
        if let Some(setters) = setters(bad(self.0).is_some(), &self.that(|c| bad(c).is_some())) {
            return Some(format!("seccompProfile ({setters} must not set securityContext.seccompProfile.type to {})", joined(values)));
        }
        let implicit = self.that(|c| own(c).is_none() && own(self.0).is_none());
        let detail = || {
            format!("pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"", containers(&implicit))
        };
        (wanted && !implicit.is_empty()).then(|| format!("seccompProfile ({})", detail()))
    }
}

/// `pod and containers "a", "b"`; none if nobody set it.
fn setters(pod: bool, explicit: &[&str]) -> Option<String> {
    let named = (!explicit.is_empty()).then(|| containers(explicit));
    let all: Vec<String> = pod.then(|| "pod".to_owned()).into_iter().chain(named).collect();
    (!all.is_empty()).then(|| all.join(" and "))
}
