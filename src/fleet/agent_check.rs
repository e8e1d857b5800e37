//! An agent as written becomes an agent: names from patterns, containers with their keys, volumes, files; every reference looked up.

use super::agent::{Agent, Budget, Container, Service, Volume, VolumeKind};
use super::around;
use super::bundle::Retention;
use super::config::ConfigReader;
use super::file::{
    Access, AgentFile, BudgetFile, ContainerFile, EnvValue, List, Named, ResourcesFile, SecurityProfile, ServiceFile, ServiceType,
    VolumeFile, WorkloadKind,
};
use super::probes;
use super::read::{At, Reader, Verbatim};
use super::security::security;
use crate::diagnostic::nearest;
use crate::object::quantity::Quantity;
use std::collections::BTreeMap;
use std::ops::Range;

/// What agents of one organisation, or of none, have in common.
pub(super) struct Kin<'k> {
    /// The organisation.
    pub(super) org: Option<&'k str>,
    /// The pattern of their namespaces.
    pub(super) namespace: &'k At<String>,
    /// The pattern of their workloads.
    pub(super) workload: &'k At<String>,
    /// Their own images.
    pub(super) images: &'k Named<String>,
    /// Their labels.
    pub(super) labels: &'k BTreeMap<String, String>,
    /// Whether their namespaces have a bundle.
    pub(super) bundle: bool,
}

/// The agent of a table that has everything it inherits.
pub(super) fn checked(
    name: &str,
    agent: At<AgentFile>,
    kin: &Kin<'_>,
    reader: &mut Reader<'_>,
    config: &mut ConfigReader<'_>,
) -> Option<Agent> {
    let At { value: mut file, range: at } = agent;
    config.environment(&file, reader);
    let namespace = from_pattern(kin.namespace, name, kin.org, reader)?;
    let workload = from_pattern(kin.workload, name, kin.org, reader)?;
    dns_name(&namespace, 63, "namespace", &at, reader);
    dns_name(&workload, 63, "workload", &at, reader);
    let kind = file.kind.as_ref().map_or(WorkloadKind::Deployment, |k| k.value);
    let replicas = not_negative(file.replicas.take(), 1, "replicas", reader);
    let containers = containers(name, &mut file, kin.images, &at, reader);
    let known: Vec<&str> = containers.iter().map(|c| c.name.as_str()).collect();
    let mut volumes: Vec<(String, At<VolumeFile>)> = file.volumes.take().unwrap_or_default().value.into_iter().collect();
    volumes.sort_by_key(|(_, v)| v.range.start);
    if let Some((_, own)) = volumes.iter().find(|(name, _)| name == "config").filter(|_| file.config.is_some()) {
        let wrong = reader.wrong("fleet-duplicate", own.range.clone(), "a volume named `config` beside the agent's `config`");
        wrong.hints.push("the files of `config` become a volume of that name: call this one differently".into());
    }
    let volumes: Vec<Volume> = volumes.into_iter().filter_map(|(name, v)| volume(name, v, &known, reader)).collect();
    let config = config.agent(file.config.take(), reader);
    env_files(&containers, &config, &at, reader);
    let budget = budget(file.budget.map(|b| b.value), reader);
    let hardened = kin.bundle || kind == WorkloadKind::StatefulSet;
    let security = security(file.security.as_ref(), if hardened { SecurityProfile::Hardened } else { SecurityProfile::None });
    let secrets = around::secrets(&workload, file.secrets.take().unwrap_or_default().value, reader);
    let tmp = around::tmp(file.tmp.take(), security.read_only_root == Some(true), &volumes, reader);
    around::memory_fits(&containers, &volumes, tmp.as_ref(), &at, reader);
    let claims = file.claims.take().unwrap_or_default().value;
    Some(Agent {
        name: name.to_owned(),
        org: kin.org.map(str::to_owned),
        canary_of: None,
        workload,
        namespace,
        kind,
        replicas,
        containers,
        volumes,
        config,
        config_mount: file.config_mount.map_or_else(|| "/etc/config".into(), |m| m.value),
        strategy: file.strategy,
        service: service(file.service.map(|s| s.value), reader),
        labels: kin.labels.clone().into_iter().chain(plain(file.labels)).collect(),
        annotations: plain(file.annotations),
        security,
        drain: file.drain.map(|d| d.value.0),
        restart: file.restart.map(|d| d.value.0),
        stop: file.stop.map(|d| d.value.0),
        budget,
        protected: file.protected.is_some_and(|p| p.value),
        bundle: kin.bundle,
        secrets,
        rights: around::rights(file.rights.take().unwrap_or_default().value, reader),
        peers: file.peers.take().unwrap_or_default().value,
        quota: file.quota,
        limits: file.limits,
        pre_stop: file.pre_stop.take().and_then(|p| around::pre_stop(p, reader)),
        tmp: tmp.map(|t| t.value),
        claims: (claims.when_deleted.map_or(Retention::Retain, |c| c.value), claims.when_scaled.map_or(Retention::Retain, |c| c.value)),
        at,
    })
}

fn from_pattern(pattern: &At<String>, agent: &str, org: Option<&str>, reader: &mut Reader<'_>) -> Option<String> {
    let name = pattern.value.replace("{agent}", agent);
    let name = org.map_or_else(|| name.clone(), |org| name.replace("{org}", org));
    if name.contains(['{', '}']) {
        let (known, only) = match org {
            Some(_) => ("`{agent}` and `{org}`", "`{agent}` and `{org}` are replaced"),
            None => ("`{agent}`", "only `{agent}` is replaced"),
        };
        let text = format!("the pattern `{}` holds something other than {known}", pattern.value);
        reader.wrong("fleet-pattern", pattern.range.clone(), text).hints.push(only.into());
        return None;
    }
    Some(name)
}

/// RFC 1123 labels: what Kubernetes takes as the name of a workload's pods and of a namespace.
pub(super) fn dns_name(name: &str, longest: usize, what: &str, at: &Range<usize>, reader: &mut Reader<'_>) {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let inside = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    let an = if what.starts_with(['a', 'e', 'o']) { "an" } else { "a" };
    if name.len() > longest || !inside || !edge(name.as_bytes().first()) || !edge(name.as_bytes().last()) {
        let wrong = reader.wrong("fleet-name", at.clone(), format!("`{name}` cannot be the name of {an} {what}"));
        wrong.hints.push(format!("lower-case letters, digits and `-`, at most {longest}, starting and ending with a letter or digit"));
    }
}

fn not_negative(value: Option<At<i64>>, unless_given: i64, what: &str, reader: &mut Reader<'_>) -> i64 {
    match value {
        Some(At { value, range }) if value < 0 => {
            reader.wrong("fleet-value", range, format!("`{what}` cannot be negative"));
            unless_given
        }
        Some(At { value, .. }) => value,
        None => unless_given,
    }
}

fn containers(agent: &str, file: &mut AgentFile, of_org: &Named<String>, at: &Range<usize>, reader: &mut Reader<'_>) -> Vec<Container> {
    let names: List<String> = file.containers.take().unwrap_or_default().value;
    if names.is_empty() && !reader.refused.iter().any(|(_, key)| *key == "containers") {
        let wrong = reader.wrong("fleet-missing", at.clone(), format!("agent `{agent}` has no containers"));
        wrong.hints.push("write `containers = [\"agent\"]` in it or under [defaults]".into());
    }
    let mut images = file.image.take().unwrap_or_default().value;
    let mut own = file.container.take().unwrap_or_default().value;
    let mut out: Vec<Container> = Vec::new();
    for name in names {
        if out.iter().any(|c| c.name == name.value) {
            reader.wrong("fleet-duplicate", name.range, format!("the container `{}` is named twice", name.value));
            continue;
        }
        let keys = own.remove(&name.value).unwrap_or_default().value;
        let image = images.remove(&name.value).or_else(|| of_org.get(&name.value).cloned());
        out.push(container(name, image, keys, reader));
    }
    let left = images.into_iter().map(|(n, v)| (n, v.range)).chain(own.into_iter().map(|(n, v)| (n, v.range)));
    for (name, range) in left.collect::<Vec<_>>() {
        let near = nearest(&name, out.iter().map(|c| c.name.as_str())).map(|n| format!("did you mean `{n}`?"));
        reader.wrong("fleet-reference", range, format!("agent `{agent}` has no container `{name}`")).label = near.unwrap_or_default();
    }
    out
}

fn container(name: At<String>, image: Option<At<String>>, keys: ContainerFile, reader: &mut Reader<'_>) -> Container {
    let ports = keys.ports.unwrap_or_default().value;
    for (port, At { value, range }) in &ports {
        if !(1..=65535).contains(value) {
            reader.wrong("fleet-value", range.clone(), format!("the port `{port}` is {value}")).label = "expected 1 to 65535".into();
        }
        if port.len() > 15
            || !port.bytes().any(|b| b.is_ascii_lowercase())
            || !port.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        {
            let wrong = reader.wrong("fleet-name", range.clone(), format!("`{port}` cannot be the name of a port"));
            wrong.hints.push("lower-case letters, digits and `-`, at most 15, at least one letter".into());
        }
    }
    let env = keys.env.unwrap_or_default().value;
    for (variable, At { value, range }) in &env {
        env_value(variable, value, range, reader);
    }
    let probes = keys.probes.map(|p| p.value);
    if let Some(probes) = &probes {
        probes::check(probes, &ports.keys().map(String::as_str).collect::<Vec<_>>(), reader);
    }
    Container {
        name: name.value,
        at: name.range,
        image,
        command: verbatim(keys.command),
        args: verbatim(keys.args),
        env: in_order(env),
        ports: in_order(ports),
        resources: keys.resources.map(|r| amounts(r.value, reader)),
        probes,
    }
}

fn env_value(variable: &str, value: &EnvValue, range: &Range<usize>, reader: &mut Reader<'_>) {
    let EnvValue::Table(source) = value else { return };
    match (&source.secret, &source.config, &source.key) {
        (Some(_), None, Some(_)) | (None, Some(_), _) => {}
        (Some(_), None, None) => {
            let wrong = reader.wrong("fleet-missing", range.clone(), format!("`{variable}` names a secret and no `key` in it"));
            wrong.label = "expected { secret = \"…\", key = \"…\" }".into();
        }
        _ => {
            let wrong = reader.wrong("fleet-value", range.clone(), format!("`{variable}` comes from one place: a `secret` or a `config`"));
            wrong.label = "expected { secret = \"…\", key = \"…\" } or { config = \"…\" }".into();
        }
    }
}

/// `{ config = "file" }` without a key means a file of the agent's own ConfigMap: it must be there.
fn env_files(containers: &[Container], config: &BTreeMap<String, String>, at: &Range<usize>, reader: &mut Reader<'_>) {
    for (variable, value) in containers.iter().flat_map(|c| &c.env) {
        let EnvValue::Table(source) = value else { continue };
        let (Some(file), None) = (&source.config, &source.key) else { continue };
        if !config.contains_key(&file.value) {
            let place = if file.range.is_empty() { at.clone() } else { file.range.clone() };
            let wrong = reader.wrong(
                "fleet-reference",
                place,
                format!("`{variable}` is read from `{}`, which is not in the agent's `config`", file.value),
            );
            wrong.hints.push("add it to `config`, or name a ConfigMap and a `key` in it".into());
        }
    }
}

fn volume(name: String, At { value: file, range }: At<VolumeFile>, containers: &[&str], reader: &mut Reader<'_>) -> Option<Volume> {
    dns_name(&name, 63, "volume", &range, reader);
    let mut kinds = Vec::new();
    let class = file.class.map(|c| c.value);
    let access = file.access.map_or(Access::ReadWriteOnce, |a| a.value);
    kinds.extend(file.size.map(|s| {
        if not_a_size(&s.value) {
            reader.wrong("fleet-value", s.range.clone(), format!("`{}` is not a size", s.value)).label =
                "expected for example \"10Gi\"".into();
        }
        VolumeKind::Claim { size: s.value, access, class }
    }));
    kinds.extend(file.secret.map(|s| VolumeKind::Secret(s.value)));
    kinds.extend(file.config.map(|c| VolumeKind::Config(c.value)));
    kinds.extend(file.memory.map(|m| {
        if not_a_size(&m.value) {
            reader.wrong("fleet-value", m.range.clone(), format!("`{}` is not a size", m.value)).label =
                "expected for example \"64Mi\"".into();
        }
        VolumeKind::Memory(m.value)
    }));
    kinds.extend(file.empty.filter(|e| e.value).map(|_| VolumeKind::Empty));
    for At { value, range } in file.containers.iter().flat_map(|l| &l.value) {
        if !containers.contains(&value.as_str()) {
            let near = nearest(value, containers.iter().copied()).map(|n| format!("did you mean `{n}`?"));
            reader.wrong("fleet-reference", range.clone(), format!("there is no container `{value}` here")).label =
                near.unwrap_or_default();
        }
    }
    let Some(mount) = file.mount else {
        reader
            .wrong("fleet-missing", range, format!("the volume `{name}` is mounted nowhere"))
            .hints
            .push("write `mount = \"/path\"`".into());
        return None;
    };
    absolute(&mount, reader);
    if kinds.len() != 1 {
        let what = if kinds.is_empty() { "does not say what it is" } else { "is several things at once" };
        let wrong = reader.wrong("fleet-volume", range, format!("the volume `{name}` {what}"));
        wrong.label = "expected one of `size`, `secret`, `config`, `memory` and `empty = true`".into();
        return None;
    }
    Some(Volume {
        name,
        kind: kinds.remove(0),
        mount: mount.value,
        containers: file.containers.into_iter().flat_map(|l| l.value).map(|c| c.value).collect(),
        read_only: file.read_only.is_some_and(|r| r.value),
    })
}

/// A container runtime would take a path that is not absolute for one below the root, or for none.
pub(super) fn absolute(mount: &At<String>, reader: &mut Reader<'_>) {
    if !mount.value.starts_with('/') || mount.value.contains(':') {
        reader.wrong("fleet-value", mount.range.clone(), format!("nothing can be mounted at `{}`", mount.value)).label =
            "expected an absolute path without `:`, such as \"/work\"".into();
    }
}

/// What a container asks for and may use, each a quantity.
fn amounts(resources: ResourcesFile, reader: &mut Reader<'_>) -> ResourcesFile {
    let said = resources.requests.iter().chain(&resources.limits).flat_map(|table| &table.value);
    for (name, At { value, range }) in said {
        // What several agents inherit is told once.
        if Quantity::from_value(&value.0).is_err() && !reader.broken(range) {
            let wrong = reader.wrong("fleet-value", range.clone(), format!("the amount of `{name}` is no quantity"));
            wrong.label = "expected for example \"100m\", \"1Gi\" or 2".into();
        }
    }
    resources
}

/// A quantity of storage: digits, a fraction, a suffix.
fn not_a_size(text: &str) -> bool {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let known = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "k", "M", "G", "T", "P", "E"];
    digits == 0 || text[..digits].parse::<f64>().is_err() || !known.contains(&&text[digits..])
}

fn service(file: Option<ServiceFile>, reader: &mut Reader<'_>) -> Service {
    let (wanted, table) = match file {
        None => (true, None),
        Some(ServiceFile::Short(wanted)) => (wanted, None),
        Some(ServiceFile::Table(table)) => (true, Some(*table)),
    };
    let table = table.unwrap_or_default();
    if let Some(At { value, range }) = table.affinity.as_ref().filter(|a| !(1..=86_400).contains(&a.value.0.as_secs())) {
        let text = format!("clients cannot stay with a pod for {} s", value.0.as_secs());
        reader.wrong("fleet-value", range.clone(), text).label = "expected 1s to 24h".into();
    }
    Service {
        wanted,
        kind: table.kind.map_or(ServiceType::ClusterIp, |k| k.value),
        headless: table.headless.is_some_and(|h| h.value),
        affinity: table.affinity.map(|a| a.value.0),
    }
}

fn budget(file: Option<BudgetFile>, reader: &mut Reader<'_>) -> Budget {
    let BudgetFile { rolls, downtime } = file.unwrap_or_default();
    let rolls = rolls.map(|r| not_negative(Some(r), 0, "rolls", reader).unsigned_abs());
    Budget { rolls, downtime: downtime.map(|d| d.value.0) }
}

pub(super) fn plain(map: Option<At<Named<String>>>) -> BTreeMap<String, String> {
    map.into_iter().flat_map(|m| m.value).map(|(k, v)| (k, v.value)).collect()
}

/// The values of a table in the order of the file.
fn in_order<T>(map: Named<T>) -> Vec<(String, T)> {
    let mut entries: Vec<(String, At<T>)> = map.into_iter().collect();
    entries.sort_by_key(|(_, v)| v.range.start);
    entries.into_iter().map(|(k, v)| (k, v.value)).collect()
}

pub(super) fn verbatim(list: Option<At<List<Verbatim>>>) -> Vec<String> {
    list.into_iter().flat_map(|l| l.value).map(|v| v.value.0).collect()
}
