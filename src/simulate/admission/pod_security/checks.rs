//! The checks of the Pod Security Standards, each from the version on that it came in.
//!
//! Follows `pod-security-admission` `policy/check_*.go`.

use crate::object::{Value, items, text};
use std::collections::BTreeSet;

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

/// SELinux types that the baseline lets pods have, the last since 1.31.
const SELINUX_TYPES: [&str; 5] = ["", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"];

/// Sysctls that the baseline lets pods set, and since when.
const SYSCTLS: [(&str, u32); 12] = [
    ("kernel.shm_rmid_forced", 0),
    ("net.ipv4.ip_local_port_range", 0),
    ("net.ipv4.tcp_syncookies", 0),
    ("net.ipv4.ping_group_range", 0),
    ("net.ipv4.ip_unprivileged_port_start", 0),
    ("net.ipv4.ip_local_reserved_ports", 27),
    ("net.ipv4.tcp_keepalive_time", 29),
    ("net.ipv4.tcp_fin_timeout", 29),
    ("net.ipv4.tcp_keepalive_intvl", 29),
    ("net.ipv4.tcp_keepalive_probes", 29),
    ("net.ipv4.tcp_rmem", 32),
    ("net.ipv4.tcp_wmem", 32),
];

/// What a pod does that a level does not allow.
pub(super) struct Violation {
    pub(super) reason: String,
    detail: String,
}

impl Violation {
    pub(super) fn text(&self) -> String {
        format!("{} ({})", self.reason, self.detail)
    }
}

fn violation(reason: &str, detail: String) -> Violation {
    Violation { reason: reason.to_owned(), detail }
}

/// `"a", "b"`, whatever is in them.
fn joined<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    names.into_iter().map(|n| format!("\"{}\"", n.as_ref())).collect::<Vec<_>>().join(", ")
}

fn plural<'w>(count: usize, one: &'w str, many: &'w str) -> &'w str {
    if count == 1 { one } else { many }
}

/// `container "a"`, `containers "a", "b"`
fn containers(names: &[&str]) -> String {
    format!("{} {}", plural(names.len(), "container", "containers"), joined(names))
}

/// `pod and containers "a", "b"`; none if nobody set it.
fn setters(pod: bool, explicit: &[&str]) -> Option<String> {
    let named = (!explicit.is_empty()).then(|| containers(explicit));
    let all: Vec<String> = pod.then(|| "pod".to_owned()).into_iter().chain(named).collect();
    (!all.is_empty()).then(|| all.join(" and "))
}

/// A pod, or the pods of a template.
pub(super) struct Pod<'a> {
    pub(super) spec: &'a Value,
    pub(super) annotations: &'a Value,
}

impl<'a> Pod<'a> {
    /// What the standards of a version have against it: the baseline's checks first, each list by the names of the checks.
    pub(super) fn against(&self, minor: u32, restricted: bool) -> Vec<Violation> {
        let baseline = |since: u32| minor >= since && !restricted;
        let unless_restricted_since = |since: u32| !restricted || minor < since;
        let restricted = |since: u32| minor >= since && restricted;
        let checks = [
            self.app_armor(),
            if unless_restricted_since(22) { self.added_capabilities() } else { None },
            self.host_namespaces(),
            if baseline(0) { self.host_paths() } else { None },
            self.host_ports(),
            if minor >= 34 { self.host_probes() } else { None },
            self.privileged(),
            if unless_restricted_since(35) && !(minor >= 35 && self.own_users()) { self.proc_mount() } else { None },
            self.selinux(minor),
            if unless_restricted_since(19) { self.baseline_seccomp(minor) } else { None },
            self.sysctls(minor),
            self.host_process(),
            if restricted(8) && !self.windows(minor) { self.escalation() } else { None },
            if restricted(22) && !self.windows(minor) { self.dropped_capabilities() } else { None },
            if restricted(35) { self.proc_mount() } else { None },
            if restricted(0) { self.volumes() } else { None },
            if restricted(0) && !(minor >= 35 && self.own_users()) { self.non_root() } else { None },
            if restricted(23) && !(minor >= 35 && self.own_users()) { self.user() } else { None },
            if restricted(19) && !self.windows(minor) { self.seccomp(true) } else { None },
        ];
        checks.into_iter().flatten().collect()
    }

    fn all(&self) -> impl Iterator<Item = &'a Value> + use<'a> {
        let spec = self.spec;
        ["initContainers", "containers", "ephemeralContainers"].into_iter().flat_map(move |list| items(spec, &[list]))
    }

    /// The names of the containers of which something holds.
    fn that(&self, holds: impl Fn(&Value) -> bool) -> Vec<&'a str> {
        self.all().filter(|c| holds(c)).map(|c| text(c, &["name"])).collect()
    }

    /// Since 1.25 what only Linux has is not asked of pods for Windows.
    fn windows(&self, minor: u32) -> bool {
        minor >= 25 && self.spec["os"]["name"] == "windows"
    }

    /// Whether the pod's users are not the host's.
    fn own_users(&self) -> bool {
        self.spec["hostUsers"] == false
    }

    /// Annotations of a prefix whose value is not allowed, as `key="value"`.
    fn bad_annotations(&self, prefix: &str, allowed: impl Fn(&str) -> bool) -> BTreeSet<String> {
        let all = self.annotations.as_object().into_iter().flatten();
        let told = all.filter_map(|(key, value)| Some((key, value.as_str()?)));
        told.filter(|(key, value)| key.starts_with(prefix) && !allowed(value)).map(|(key, value)| format!("{key}={value:?}")).collect()
    }

    fn app_armor(&self) -> Option<Violation> {
        let own = |c: &Value| c["securityContext"]["appArmorProfile"]["type"].as_str().map(str::to_owned);
        let bad = |c: &Value| own(c).filter(|kind| !matches!(kind.as_str(), "RuntimeDefault" | "Localhost"));
        let allowed = |value: &str| value.is_empty() || value == "runtime/default" || value.starts_with("localhost/");
        let annotations = self.bad_annotations("container.apparmor.security.beta.kubernetes.io/", allowed);
        let types: BTreeSet<String> = bad(self.spec).into_iter().chain(self.all().filter_map(bad)).collect();
        let noun = (!annotations.is_empty()).then(|| plural(annotations.len(), "annotation", "annotations").to_owned());
        let setters: Vec<String> = setters(bad(self.spec).is_some(), &self.that(|c| bad(c).is_some())).into_iter().chain(noun).collect();
        let values: Vec<String> = types.into_iter().chain(annotations).collect();
        let reason = plural(values.len(), "forbidden AppArmor profile", "forbidden AppArmor profiles");
        let detail = || format!("{} must not set AppArmor profile type to {}", setters.join(" and "), joined(&values));
        (!setters.is_empty()).then(|| violation(reason, detail()))
    }

    fn selinux(&self, minor: u32) -> Option<Violation> {
        let types = &SELINUX_TYPES[..if minor >= 31 { 5 } else { 4 }];
        let own = |c: &Value, field: &str| text(c, &["securityContext", "seLinuxOptions", field]).to_owned();
        let bad_type = |c: &Value| Some(own(c, "type")).filter(|kind| !types.contains(&kind.as_str()));
        let bad = |c: &Value| bad_type(c).is_some() || !own(c, "user").is_empty() || !own(c, "role").is_empty();
        let setters = setters(bad(self.spec), &self.that(bad))?;
        let everyone = || std::iter::once(self.spec).chain(self.all());
        let bad_types: BTreeSet<String> = everyone().filter_map(bad_type).collect();
        let told = (!bad_types.is_empty()).then(|| format!("{} {}", plural(bad_types.len(), "type", "types"), joined(&bad_types)));
        let set = |field: &str| everyone().any(|c| !own(c, field).is_empty()).then(|| format!("{field} may not be set"));
        let data = told.into_iter().chain(set("user")).chain(set("role")).collect::<Vec<_>>().join("; ");
        Some(violation("seLinuxOptions", format!("{setters} set forbidden securityContext.seLinuxOptions: {data}")))
    }

    fn proc_mount(&self) -> Option<Violation> {
        let bad = |c: &Value| c["securityContext"]["procMount"].as_str().filter(|kind| *kind != "Default").map(str::to_owned);
        let whose = self.that(|c| bad(c).is_some());
        let kinds: BTreeSet<String> = self.all().filter_map(bad).collect();
        let detail = || format!("{} must not set securityContext.procMount to {}", containers(&whose), joined(kinds));
        (!whose.is_empty()).then(|| violation("procMount", detail()))
    }

    fn sysctls(&self, minor: u32) -> Option<Violation> {
        let allowed = |name: &str| SYSCTLS.iter().any(|(own, since)| *own == name && minor >= *since);
        let set = items(self.spec, &["securityContext", "sysctls"]).iter().map(|s| text(s, &["name"]));
        let bad: Vec<&str> = set.filter(|name| !allowed(name)).collect();
        (!bad.is_empty()).then(|| violation("forbidden sysctls", bad.join(", ")))
    }

    fn host_process(&self) -> Option<Violation> {
        let bad = |c: &Value| c["securityContext"]["windowsOptions"]["hostProcess"] == true;
        let setters = setters(bad(self.spec), &self.that(bad))?;
        Some(violation("hostProcess", format!("{setters} must not set securityContext.windowsOptions.hostProcess=true")))
    }

    /// Before 1.19 there were only annotations.
    fn baseline_seccomp(&self, minor: u32) -> Option<Violation> {
        if minor >= 19 {
            return self.seccomp(false);
        }
        let allowed = |value: &str| matches!(value, "runtime/default" | "docker/default") || value.starts_with("localhost/");
        let prefix = "container.seccomp.security.alpha.kubernetes.io/";
        let own: Vec<String> = self.all().map(|c| format!("{prefix}{}", text(c, &["name"]))).collect();
        let of_containers = self.bad_annotations(prefix, allowed).into_iter();
        let mut bad = self.bad_annotations("seccomp.security.alpha.kubernetes.io/pod", allowed);
        bad.extend(of_containers.filter(|told| own.iter().any(|key| told.starts_with(&format!("{key}=")))));
        let noun = plural(bad.len(), "annotation", "annotations");
        let list = bad.iter().cloned().collect::<Vec<_>>().join(", ");
        (!bad.is_empty()).then(|| violation("seccompProfile", format!("forbidden {noun} {list}")))
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

    fn added_capabilities(&self) -> Option<Violation> {
        self.added(&DEFAULT_CAPABILITIES).map(|detail| violation("non-default capabilities", detail))
    }

    fn dropped_capabilities(&self) -> Option<Violation> {
        let keeps = self.that(|c| !items(c, &["securityContext", "capabilities", "drop"]).iter().any(|d| d == "ALL"));
        let missing = (!keeps.is_empty()).then(|| format!("{} must set securityContext.capabilities.drop=[\"ALL\"]", containers(&keeps)));
        let details: Vec<String> = missing.into_iter().chain(self.added(&["NET_BIND_SERVICE"])).collect();
        (!details.is_empty()).then(|| violation("unrestricted capabilities", details.join("; ")))
    }

    fn host_namespaces(&self) -> Option<Violation> {
        let on = ["hostNetwork", "hostPID", "hostIPC"].into_iter().filter(|key| self.spec[*key] == true);
        let on: Vec<String> = on.map(|key| format!("{key}=true")).collect();
        (!on.is_empty()).then(|| violation("host namespaces", on.join(", ")))
    }

    fn host_paths(&self) -> Option<Violation> {
        let named: Vec<&str> =
            items(self.spec, &["volumes"]).iter().filter(|v| v.get("hostPath").is_some()).map(|v| text(v, &["name"])).collect();
        let volumes = if named.len() == 1 { "volume" } else { "volumes" };
        (!named.is_empty()).then(|| violation("hostPath volumes", format!("{volumes} {}", joined(named))))
    }

    fn host_ports(&self) -> Option<Violation> {
        let of = |c: &Value| items(c, &["ports"]).iter().filter_map(|p| p["hostPort"].as_i64()).filter(|p| *p != 0).collect::<Vec<_>>();
        let whose = self.that(|c| !of(c).is_empty());
        let ports: BTreeSet<String> = self.all().flat_map(of).map(|p| p.to_string()).collect();
        let (uses, noun) = (if whose.len() == 1 { "uses" } else { "use" }, if ports.len() == 1 { "hostPort" } else { "hostPorts" });
        let list = ports.into_iter().collect::<Vec<_>>().join(", ");
        (!whose.is_empty()).then(|| violation("hostPort", format!("{} {uses} {noun} {list}", containers(&whose))))
    }

    fn host_probes(&self) -> Option<Violation> {
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
        (!whose.is_empty()).then(|| violation("probe or lifecycle host", format!("{} {uses} {noun} {}", containers(&whose), joined(all))))
    }

    fn privileged(&self) -> Option<Violation> {
        let bad = self.that(|c| c["securityContext"]["privileged"] == true);
        (!bad.is_empty()).then(|| violation("privileged", format!("{} must not set securityContext.privileged=true", containers(&bad))))
    }

    fn escalation(&self) -> Option<Violation> {
        let bad = self.that(|c| c["securityContext"]["allowPrivilegeEscalation"] != false);
        let detail = || format!("{} must set securityContext.allowPrivilegeEscalation=false", containers(&bad));
        (!bad.is_empty()).then(|| violation("allowPrivilegeEscalation != false", detail()))
    }

    fn volumes(&self) -> Option<Violation> {
        let kind =
            |v: &Value| v.as_object().into_iter().flatten().map(|(k, _)| k.to_string()).find(|k| k != "name").unwrap_or("unknown".into());
        let bad: Vec<&Value> = items(self.spec, &["volumes"]).iter().filter(|v| !VOLUMES.contains(&kind(v).as_str())).collect();
        let kinds: BTreeSet<String> = bad.iter().map(|v| kind(v)).collect();
        let (noun, uses) = if bad.len() == 1 { ("volume", "uses") } else { ("volumes", "use") };
        let types = if kinds.len() == 1 { "restricted volume type" } else { "restricted volume types" };
        let names = joined(bad.iter().map(|v| text(v, &["name"])));
        (!bad.is_empty()).then(|| violation("restricted volume types", format!("{noun} {names} {uses} {types} {}", joined(kinds))))
    }

    fn non_root(&self) -> Option<Violation> {
        let own = |c: &Value| c["securityContext"]["runAsNonRoot"].as_bool();
        let pod = own(self.spec);
        let explicit = self.that(|c| own(c) == Some(false));
        let setters = setters(pod == Some(false), &explicit);
        if let Some(setters) = setters {
            return Some(violation("runAsNonRoot != true", format!("{setters} must not set securityContext.runAsNonRoot=false")));
        }
        let implicit = self.that(|c| own(c).is_none() && pod != Some(true));
        let detail = || format!("pod or {} must set securityContext.runAsNonRoot=true", containers(&implicit));
        (!implicit.is_empty()).then(|| violation("runAsNonRoot != true", detail()))
    }

    fn user(&self) -> Option<Violation> {
        let root = |c: &Value| c["securityContext"]["runAsUser"] == 0;
        let setters = setters(root(self.spec), &self.that(root))?;
        Some(violation("runAsUser=0", format!("{setters} must not set runAsUser=0")))
    }

    /// The baseline forbids other profiles; the restricted level wants one.
    fn seccomp(&self, wanted: bool) -> Option<Violation> {
        let own = |c: &Value| c["securityContext"]["seccompProfile"]["type"].as_str().map(str::to_owned);
        let bad = |c: &Value| own(c).filter(|kind| !matches!(kind.as_str(), "RuntimeDefault" | "Localhost"));
        let values: BTreeSet<String> = bad(self.spec).into_iter().chain(self.all().filter_map(bad)).collect();
        if let Some(setters) = setters(bad(self.spec).is_some(), &self.that(|c| bad(c).is_some())) {
            let detail = format!("{setters} must not set securityContext.seccompProfile.type to {}", joined(values));
            return Some(violation("seccompProfile", detail));
        }
        let implicit = self.that(|c| own(c).is_none() && own(self.spec).is_none());
        let detail = || {
            format!("pod or {} must set securityContext.seccompProfile.type to \"RuntimeDefault\" or \"Localhost\"", containers(&implicit))
        };
        (wanted && !implicit.is_empty()).then(|| violation("seccompProfile", detail()))
    }
}
