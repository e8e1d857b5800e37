//! A fleet file as written becomes a fleet: defaults are laid under the agents, patterns become names, references are looked up.

use super::agent::{Agent, Budget, Container, Service, Volume, VolumeKind, config_content};
use super::file::{
    Access, AgentFile, BudgetFile, ContainerFile, EnvValue, FleetFile, FleetTable, List, Named, ServiceFile, ServiceType, VolumeFile,
    WorkloadKind,
};
use super::pipeline::{Action, Step};
use super::read::{At, Layer, Reader, Verbatim};
use super::{ClusterChoice, Fleet, Ignore, expect, step};
use crate::diagnostic::{Diagnostic, nearest};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

type ReadFile<'r> = &'r dyn Fn(&str) -> Result<String, String>;

/// Checks everything; notes what is wrong in the reader.
pub(super) fn check(file: FleetFile, reader: &mut Reader<'_>, read: ReadFile<'_>) -> Fleet {
    let head = file.fleet.unwrap_or_default();
    let notes = notes(&file.orgs, &file.environments, reader);
    let FleetTable { name, kubernetes, namespace, workload, labels, allow_mutable } = head.value;
    let Some(name) = name else {
        if reader.refused(&head.range, "name") {
            return Fleet::nothing(reader);
        }
        let place = if head.range.is_empty() { 0..0 } else { head.range.clone() };
        reader.wrong("fleet-missing", place, "the fleet has no name").hints.push("write `name = \"…\"` under [fleet]".into());
        return Fleet::nothing(reader);
    };
    kubernetes_version(kubernetes.as_ref(), reader);
    let own = file.agents.unwrap_or_default().value;
    // A pipeline may apply files that something else rendered.
    if own.is_empty() && file.pipeline.is_none() {
        reader.wrong("fleet-missing", 0..0, "the fleet has no agents").hints.push("write a table such as [agents.ceo]".into());
    }
    let agents = agents(own, file.defaults.unwrap_or_default().value, reader);
    let namespace = namespace.unwrap_or_else(|| At { value: "default".into(), range: head.range.clone() });
    let workload = workload.unwrap_or_else(|| At { value: "{agent}-agent".into(), range: head.range });
    let mut fleet = Fleet::nothing(reader);
    for (name, agent) in agents {
        fleet.agents.extend(checked(&name, agent, (&namespace, &workload), reader, read));
    }
    twins(&fleet.agents, reader);
    fleet.name = name.value;
    fleet.kubernetes = kubernetes;
    fleet.labels = plain(labels);
    fleet.allow_mutable = allow_mutable.is_some_and(|a| a.value);
    let cluster = file.cluster.unwrap_or_default().value;
    fleet.cluster = ClusterChoice { from: cluster.from.map(|f| f.value.into()), context: cluster.context.map(|c| c.value) };
    fleet.images = file.images.unwrap_or_default().value;
    fleet.ignore = file.ignore.into_iter().flat_map(|l| l.value).filter_map(|i| ignore(i, reader)).collect();
    fleet.pipeline = pipeline(file.pipeline.unwrap_or_default().value, &fleet, reader);
    fleet.expect = file.expect.map(|e| expect::checked(e, reader));
    fleet.notes = notes;
    fleet
}

impl Fleet {
    fn nothing(reader: &Reader<'_>) -> Self {
        Self {
            name: String::new(),
            kubernetes: None,
            labels: BTreeMap::new(),
            cluster: ClusterChoice::default(),
            images: BTreeMap::new(),
            allow_mutable: false,
            agents: Vec::new(),
            pipeline: Vec::new(),
            ignore: Vec::new(),
            expect: None,
            source: Arc::clone(reader.source),
            notes: Vec::new(),
        }
    }
}

/// Organisations and environments are part of the format already; that they have no effect yet is said, not hidden.
fn notes<A, B>(orgs: &Option<At<A>>, environments: &Option<At<B>>, reader: &Reader<'_>) -> Vec<Diagnostic> {
    let said = |what: &str, range: &Range<usize>| {
        Diagnostic::warning("fleet-not-rendered", format!("`{what}` is not rendered yet"))
            .at(reader.source, range.clone())
            .label("has no effect on manifests, plans or checks")
    };
    let orgs = orgs.as_ref().map(|o| said("orgs", &o.range));
    orgs.into_iter().chain(environments.as_ref().map(|e| said("environments", &e.range))).collect()
}

fn kubernetes_version(version: Option<&At<String>>, reader: &mut Reader<'_>) {
    let Some(At { value, range }) = version else { return };
    let mut numbers = value.trim_start_matches('v').split('.');
    let ok = numbers.next() == Some("1") && numbers.next().is_some_and(|minor| minor.parse::<u32>().is_ok());
    if !ok {
        let wrong = reader.wrong("fleet-value", range.clone(), format!("`{value}` is no version of Kubernetes"));
        wrong.label = "expected for example \"1.36\"".into();
    }
}

/// Every agent with what it inherits laid under it.
fn agents(own: Named<AgentFile>, defaults: AgentFile, reader: &mut Reader<'_>) -> Vec<(String, At<AgentFile>)> {
    let mut out = Vec::new();
    for (name, agent) in &own {
        let mut merged = agent.value.clone();
        let mut seen = vec![name.as_str()];
        let mut link = agent.value.extends.as_ref();
        while let Some(At { value: parent, range }) = link {
            let Some((key, base)) = own.get_key_value(parent) else {
                let near = nearest(parent, own.keys().map(String::as_str)).map(|n| format!("did you mean `{n}`?"));
                reader.wrong("fleet-reference", range.clone(), format!("there is no agent `{parent}`")).label = near.unwrap_or_default();
                break;
            };
            if seen.contains(&key.as_str()) {
                let chain = seen.iter().chain([&key.as_str()]).map(|n| format!("`{n}`")).collect::<Vec<_>>().join(" extends ");
                reader.wrong("fleet-reference", range.clone(), format!("agents extend each other in a circle: {chain}"));
                break;
            }
            seen.push(key);
            merged = merged.over(base.value.clone());
            link = base.value.extends.as_ref();
        }
        out.push((name.clone(), At { value: merged.over(defaults.clone()), range: agent.range.clone() }));
    }
    out
}

fn checked(
    name: &str,
    agent: At<AgentFile>,
    patterns: (&At<String>, &At<String>),
    reader: &mut Reader<'_>,
    read: ReadFile<'_>,
) -> Option<Agent> {
    let At { value: mut file, range: at } = agent;
    let namespace = from_pattern(patterns.0, name, reader)?;
    let workload = from_pattern(patterns.1, name, reader)?;
    dns_name(&namespace, 63, "namespace", &at, reader);
    dns_name(&workload, 63, "workload", &at, reader);
    let kind = file.kind.as_ref().map_or(WorkloadKind::Deployment, |k| k.value);
    let replicas = not_negative(file.replicas.take(), 1, "replicas", reader);
    let containers = containers(name, &mut file, &at, reader);
    let known: Vec<&str> = containers.iter().map(|c| c.name.as_str()).collect();
    let mut volumes: Vec<(String, At<VolumeFile>)> = file.volumes.take().unwrap_or_default().value.into_iter().collect();
    volumes.sort_by_key(|(_, v)| v.range.start);
    if let Some((_, own)) = volumes.iter().find(|(name, _)| name == "config").filter(|_| file.config.is_some()) {
        let wrong = reader.wrong("fleet-duplicate", own.range.clone(), "a volume named `config` beside the agent's `config`");
        wrong.hints.push("the files of `config` become a volume of that name: call this one differently".into());
    }
    let volumes = volumes.into_iter().filter_map(|(name, v)| volume(name, v, &known, reader)).collect();
    let config = config(file.config.take().unwrap_or_default().value, reader, read);
    env_files(&containers, &config, &at, reader);
    let budget = budget(file.budget.map(|b| b.value), reader);
    Some(Agent {
        name: name.to_owned(),
        workload,
        namespace,
        kind,
        replicas,
        containers,
        volumes,
        config,
        config_mount: file.config_mount.map_or_else(|| "/etc/config".into(), |m| m.value),
        strategy: file.strategy,
        service: service(file.service.map(|s| s.value)),
        labels: plain(file.labels),
        annotations: plain(file.annotations),
        security: file.security.map(|s| s.value),
        drain: file.drain.map(|d| d.value.0),
        restart: file.restart.map(|d| d.value.0),
        stop: file.stop.map(|d| d.value.0),
        budget,
        protected: file.protected.is_some_and(|p| p.value),
        at,
    })
}

fn from_pattern(pattern: &At<String>, agent: &str, reader: &mut Reader<'_>) -> Option<String> {
    let name = pattern.value.replace("{agent}", agent);
    if name.contains(['{', '}']) {
        let text = format!("the pattern `{}` holds something other than `{{agent}}`", pattern.value);
        if !reader.problems.iter().any(|d| d.text == text) {
            reader.wrong("fleet-pattern", pattern.range.clone(), text).hints.push("only `{agent}` is replaced".into());
        }
        return None;
    }
    Some(name)
}

/// RFC 1123 labels: what Kubernetes takes as the name of a workload's pods and of a namespace.
fn dns_name(name: &str, longest: usize, what: &str, at: &Range<usize>, reader: &mut Reader<'_>) {
    let edge = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    let inside = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if name.len() > longest || !inside || !edge(name.as_bytes().first()) || !edge(name.as_bytes().last()) {
        let wrong = reader.wrong("fleet-name", at.clone(), format!("`{name}` cannot be the name of a {what}"));
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

fn containers(agent: &str, file: &mut AgentFile, at: &Range<usize>, reader: &mut Reader<'_>) -> Vec<Container> {
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
        let mut keys = own.remove(&name.value).unwrap_or_default().value;
        if out.is_empty() {
            keys = keys.over(ContainerFile {
                command: file.command.take(),
                args: file.args.take(),
                env: file.env.take(),
                ports: file.ports.take(),
                resources: file.resources.take(),
                probes: file.probes.take(),
            });
        }
        let image = images.remove(&name.value);
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
    Container {
        name: name.value,
        at: name.range,
        image,
        command: verbatim(keys.command),
        args: verbatim(keys.args),
        env: in_order(env),
        ports: in_order(ports),
        resources: keys.resources.map(|r| r.value),
        probes: keys.probes.map(|p| p.value),
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
    if kinds.len() != 1 {
        let what = if kinds.is_empty() { "does not say what it is" } else { "is several things at once" };
        let wrong = reader.wrong("fleet-volume", range, format!("the volume `{name}` {what}"));
        wrong.label = "expected one of `size`, `secret`, `config` and `empty = true`".into();
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

/// A quantity of storage: digits, a fraction, a suffix.
fn not_a_size(text: &str) -> bool {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let known = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei", "k", "M", "G", "T", "P", "E"];
    digits == 0 || text[..digits].parse::<f64>().is_err() || !known.contains(&&text[digits..])
}

fn config(files: Named<super::file::ConfigValue>, reader: &mut Reader<'_>, read: ReadFile<'_>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (name, At { value, range }) in files {
        if name.is_empty() || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
            let wrong = reader.wrong("fleet-name", range.clone(), format!("`{name}` cannot be a file of a ConfigMap"));
            wrong.hints.push("letters, digits, `-`, `_` and `.`".into());
        }
        match config_content(value, read) {
            Ok(content) => {
                out.insert(name, content);
            }
            Err((why, place)) => {
                reader.wrong("fleet-file", if place.is_empty() { range } else { place }, why);
            }
        }
    }
    out
}

fn service(file: Option<ServiceFile>) -> Service {
    let (wanted, table) = match file {
        None => (true, None),
        Some(ServiceFile::Short(wanted)) => (wanted, None),
        Some(ServiceFile::Table(table)) => (true, Some(*table)),
    };
    let table = table.unwrap_or_default();
    Service { wanted, kind: table.kind.map_or(ServiceType::ClusterIp, |k| k.value), headless: table.headless.is_some_and(|h| h.value) }
}

fn budget(file: Option<BudgetFile>, reader: &mut Reader<'_>) -> Budget {
    let BudgetFile { rolls, downtime } = file.unwrap_or_default();
    let rolls = rolls.map(|r| not_negative(Some(r), 0, "rolls", reader).unsigned_abs());
    Budget { rolls, downtime: downtime.map(|d| d.value.0) }
}

/// Two agents whose workloads have one name would overwrite each other.
fn twins(agents: &[Agent], reader: &mut Reader<'_>) {
    let mut seen: BTreeMap<(&str, &str), &Agent> = BTreeMap::new();
    for agent in agents {
        if let Some(first) = seen.insert((&agent.namespace, &agent.workload), agent) {
            let text = format!("agents `{}` and `{}` both become `{}/{}`", first.name, agent.name, agent.namespace, agent.workload);
            let wrong = reader.wrong("fleet-duplicate", agent.at.clone(), text);
            wrong.hints.push("a `namespace` or `workload` pattern with `{agent}` in it keeps them apart".into());
        }
    }
}

fn ignore(At { value: file, range }: At<super::file::IgnoreFile>, reader: &mut Reader<'_>) -> Option<Ignore> {
    let Some(path) = file.path else {
        reader
            .wrong("fleet-missing", range, "an [[ignore]] rule needs a `path`")
            .hints
            .push("for example `path = \"$.spec.replicas\"`".into());
        return None;
    };
    Some(Ignore { kind: file.kind.map(|k| k.value), name: file.name.map(|n| n.value), path })
}

fn pipeline(steps: List<step::StepFile>, fleet: &Fleet, reader: &mut Reader<'_>) -> Vec<Step> {
    let known: Vec<&str> = fleet.agents.iter().flat_map(|a| &a.containers).map(|c| c.name.as_str()).collect();
    let mut out: Vec<Step> = Vec::new();
    for file in steps {
        let range = file.range.clone();
        let places: Vec<At<String>> =
            file.value.set_images.iter().flat_map(|s| &s.value.containers).flat_map(|l| l.value.clone()).collect();
        let Some(step) = step::step(file, reader) else { continue };
        if let Action::SetImages { .. } = &step.action {
            for At { value, range } in places.into_iter().filter(|p| !known.contains(&p.value.as_str())) {
                let near = nearest(&value, known.iter().copied()).map(|n| format!("did you mean `{n}`?"));
                reader.wrong("fleet-reference", range, format!("no agent has a container `{value}`")).label = near.unwrap_or_default();
            }
        }
        if out.iter().any(|s| s.name == step.name) {
            let wrong = reader.wrong("fleet-duplicate", range, format!("two steps are named `{}`", step.name));
            wrong.hints.push("reports name steps: give each its own name".into());
        }
        out.push(step);
    }
    out
}

fn plain(map: Option<At<Named<String>>>) -> BTreeMap<String, String> {
    map.into_iter().flat_map(|m| m.value).map(|(k, v)| (k, v.value)).collect()
}

/// The values of a table in the order of the file.
fn in_order<T>(map: Named<T>) -> Vec<(String, T)> {
    let mut entries: Vec<(String, At<T>)> = map.into_iter().collect();
    entries.sort_by_key(|(_, v)| v.range.start);
    entries.into_iter().map(|(k, v)| (k, v.value)).collect()
}

fn verbatim(list: Option<At<List<Verbatim>>>) -> Vec<String> {
    list.into_iter().flat_map(|l| l.value).map(|v| v.value.0).collect()
}
