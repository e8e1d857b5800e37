//! An agent becomes the variables that templates see: pieces in the form that Kubernetes wants, null where there is nothing.

use super::alerts;
use super::config_map::ConfigMap;
use super::strategy::strategy;
use crate::diagnostic::Diagnostic;
use crate::fleet::agent::Service;
use crate::fleet::config::key as key_of;
use crate::fleet::file::{
    Amount, EnvValue, Named, ProbeFile, ProbesFile, ResourcesFile, SecurityFile, SecurityProfile, SecurityTable, WorkloadKind,
};
use crate::fleet::read::At;
use crate::fleet::{Agent, Container, Fleet, Volume, VolumeKind};
use crate::object::{Map, Value, json};
use std::collections::BTreeMap;

/// Labels that rollcast gives: what `kubectl get -l` and dashboards look for. The first one alone is the selector, so that no
/// other label can ever change it.
const NAME: &str = "app.kubernetes.io/name";
const PART_OF: &str = "app.kubernetes.io/part-of";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
const TRACK: &str = "rollcast/track";
const CANARY: &str = "canary";

fn reserved(label: &str) -> bool {
    matches!(label, NAME | PART_OF | MANAGED_BY | TRACK)
}

fn reserved_label(label: &str) -> Diagnostic {
    Diagnostic::error("label-reserved", format!("the label `{label}` is set by rollcast"))
        .hint("selectors are made of it: another value would cut the workload off from its pods")
}

/// `fleet`
pub(super) fn fleet(fleet: &Fleet) -> Result<Value, Diagnostic> {
    if let Some(label) = fleet.labels.keys().find(|l| reserved(l)) {
        return Err(reserved_label(label));
    }
    let kubernetes = fleet.kubernetes.as_ref().map(|k| &k.value);
    Ok(
        json!({ "name": fleet.name, "labels": fleet.labels, "kubernetes": kubernetes, "alerts": alerts::variables(fleet, labels(fleet, None)) }),
    )
}

/// `namespace`
pub(super) fn namespace(fleet: &Fleet, name: &str) -> Value {
    json!({ "name": name, "labels": labels(fleet, None) })
}

/// `agent`
pub(super) fn agent(fleet: &Fleet, agent: &Agent, images: &BTreeMap<String, String>) -> Result<Value, Diagnostic> {
    if let Some(label) = agent.labels.keys().find(|l| reserved(l)) {
        return Err(reserved_label(label).at(&fleet.source, agent.at.clone()));
    }
    let stateful = agent.kind == WorkloadKind::StatefulSet;
    let service = service(agent);
    let claims: Vec<Value> = agent.volumes.iter().filter_map(|v| claim(agent, v)).collect();
    let (pod_security, container_security) = security(agent.security.as_ref());
    let config = ConfigMap::of(fleet, agent);
    Ok(map([
        ("name", agent.name.as_str().into()),
        ("workload", agent.workload.as_str().into()),
        ("namespace", agent.namespace.as_str().into()),
        ("kind", agent.kind.as_str().into()),
        ("deployment", (!stateful).into()),
        ("statefulSet", stateful.into()),
        ("replicas", agent.replicas.into()),
        ("protected", agent.protected.into()),
        ("labels", labels(fleet, Some(agent))),
        ("selector", selector(agent)),
        ("annotations", unless_empty(json!(agent.annotations))),
        ("podAnnotations", config.as_ref().and_then(ConfigMap::annotations).into()),
        ("config", config.as_ref().map(ConfigMap::data).into()),
        ("configName", config.as_ref().map(|c| c.name.as_str()).into()),
        ("configImmutable", config.as_ref().and_then(|c| c.immutable()).into()),
        ("serviceName", service_name(agent, &service)),
        ("service", service),
        ("strategy", strategy(agent, &fleet.source)?),
        ("terminationGracePeriodSeconds", agent.drain.map(|d| d.as_secs()).into()),
        ("securityContext", pod_security),
        (
            "containers",
            agent.containers.iter().map(|c| container(agent, c, config.as_ref(), images, &container_security)).collect::<Vec<_>>().into(),
        ),
        ("claims", claims.into()),
        ("volumes", unless_empty(volumes(agent, config.as_ref()))),
    ]))
}

/// The Service that a StatefulSet's pods have their names by: a canary's pods share that of the agent.
fn service_name(agent: &Agent, service: &Value) -> Value {
    match &agent.canary_of {
        Some(beside) => beside.as_str().into(),
        None if service.is_null() => Value::Null,
        None => agent.workload.as_str().into(),
    }
}

/// A canary's pods have the name of those they stand beside, so that the Service reaches both, and a track of their own.
fn selector(agent: &Agent) -> Value {
    match &agent.canary_of {
        None => map([(NAME, agent.workload.as_str().into())]),
        Some(beside) => map([(NAME, beside.as_str().into()), (TRACK, CANARY.into())]),
    }
}

fn labels(fleet: &Fleet, agent: Option<&Agent>) -> Value {
    let mut out = Map::with_capacity(8);
    out.extend(agent.map(|a| (NAME.to_owned(), a.canary_of.as_ref().unwrap_or(&a.workload).as_str().into())));
    out.extend(agent.filter(|a| a.canary_of.is_some()).map(|_| (TRACK.to_owned(), CANARY.into())));
    out.insert(PART_OF.into(), fleet.name.as_str().into());
    out.insert(MANAGED_BY.into(), "rollcast".into());
    let own = fleet.labels.iter().chain(agent.into_iter().flat_map(|a| &a.labels));
    out.extend(own.map(|(k, v)| (k.clone(), v.as_str().into())));
    Value::Object(out)
}

/// A map of that size: growing one key by key costs more than all its values.
fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let mut out = Map::with_capacity(N);
    out.extend(entries.into_iter().map(|(key, value)| (key.to_owned(), value)));
    Value::Object(out)
}

fn unless_empty(value: Value) -> Value {
    match &value {
        Value::Array(list) if list.is_empty() => Value::Null,
        Value::Object(map) if map.is_empty() => Value::Null,
        _ => value,
    }
}

/// What is null is left out.
fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => other,
    }
}

/// Where ports are named there is a Service; a StatefulSet needs one, without an address, for the names of its pods.
fn service(agent: &Agent) -> Value {
    let Service { wanted, kind, headless } = agent.service;
    let stateful = agent.kind == WorkloadKind::StatefulSet;
    let ports: Vec<Value> = agent
        .containers
        .iter()
        .flat_map(|c| &c.ports)
        .map(|(name, port)| json!({ "name": name, "port": port, "targetPort": name }))
        .collect();
    if !wanted || (ports.is_empty() && !stateful) || agent.canary_of.is_some() {
        return Value::Null;
    }
    let headless = headless || stateful;
    json!({ "type": kind.as_str(), "clusterIP": headless.then_some("None"), "ports": unless_empty(ports.into()) })
}

fn claim_name(agent: &Agent, volume: &Volume) -> String {
    format!("{}-{}", agent.workload, volume.name)
}

fn claim(agent: &Agent, volume: &Volume) -> Option<Value> {
    match &volume.kind {
        VolumeKind::Claim { size, access, class } => {
            let name = claim_name(agent, volume);
            Some(json!({ "name": name, "volume": volume.name, "size": size, "access": access.as_str(), "class": class }))
        }
        _ => None,
    }
}

fn volumes(agent: &Agent, config: Option<&ConfigMap<'_>>) -> Value {
    let own = agent.volumes.iter().filter_map(|v| {
        let mut out = json!({ "name": v.name });
        match &v.kind {
            VolumeKind::Claim { .. } if agent.kind == WorkloadKind::StatefulSet => return None,
            VolumeKind::Claim { .. } => out["persistentVolumeClaim"] = json!({ "claimName": claim_name(agent, v) }),
            VolumeKind::Secret(name) => out["secret"] = json!({ "secretName": name }),
            VolumeKind::Config(name) => out["configMap"] = json!({ "name": name }),
            VolumeKind::Empty => out["emptyDir"] = json!({}),
        }
        Some(out)
    });
    Value::Array(own.chain(config.map(ConfigMap::volume)).collect())
}

fn mounts(agent: &Agent, container: &Container, config: Option<&ConfigMap<'_>>) -> Value {
    let wanted = |v: &&Volume| v.containers.is_empty() || v.containers.contains(&container.name);
    let own = agent
        .volumes
        .iter()
        .filter(wanted)
        .map(|v| without_nulls(json!({ "name": v.name, "readOnly": v.read_only.then_some(true), "mountPath": v.mount })));
    let first = agent.containers.first().is_some_and(|c| c.name == container.name);
    let config = config.filter(|_| first).map(|c| c.mounts(&agent.config_mount)).unwrap_or_default();
    Value::Array(own.chain(config).collect())
}

fn container(
    agent: &Agent,
    container: &Container,
    config: Option<&ConfigMap<'_>>,
    images: &BTreeMap<String, String>,
    security: &Value,
) -> Value {
    let ports: Vec<Value> = container.ports.iter().map(|(name, port)| json!({ "name": name, "containerPort": port })).collect();
    let env: Vec<Value> = container.env.iter().map(|(name, value)| variable(config, name, value)).collect();
    let probe = |which: fn(&ProbesFile) -> &Option<At<ProbeFile>>| {
        container.probes.as_ref().and_then(|p| which(p).as_ref()).map(|p| probe(&p.value, &container.ports))
    };
    map([
        ("name", container.name.as_str().into()),
        ("image", images.get(&container.name).map(String::as_str).into()),
        ("command", unless_empty(json!(container.command))),
        ("args", unless_empty(json!(container.args))),
        ("ports", unless_empty(ports.into())),
        ("env", unless_empty(env.into())),
        ("resources", container.resources.as_ref().map_or(Value::Null, resources)),
        ("volumeMounts", unless_empty(mounts(agent, container, config))),
        ("livenessProbe", probe(|p| &p.liveness).into()),
        ("readinessProbe", probe(|p| &p.readiness).into()),
        ("startupProbe", probe(|p| &p.startup).into()),
        ("securityContext", security.clone()),
    ])
}

fn variable(own: Option<&ConfigMap<'_>>, name: &str, value: &EnvValue) -> Value {
    let source = match value {
        EnvValue::Short(text) => return json!({ "name": name, "value": text.0 }),
        EnvValue::Table(source) => source,
    };
    let text = |at: &Option<At<String>>| at.as_ref().map(|a| a.value.clone());
    let from = match (text(&source.secret), text(&source.config), text(&source.key)) {
        (Some(secret), _, key) => json!({ "secretKeyRef": { "name": secret, "key": key } }),
        (None, Some(file), None) => json!({ "configMapKeyRef": { "name": own.map(|c| &c.name), "key": key_of(&file) } }),
        (None, config, key) => json!({ "configMapKeyRef": { "name": config, "key": key } }),
    };
    json!({ "name": name, "valueFrom": from })
}

fn resources(file: &ResourcesFile) -> Value {
    let amounts = |map: &Option<At<Named<Amount>>>| -> Value {
        let entries = map.iter().flat_map(|m| &m.value).map(|(k, v)| {
            let text = v.value.0.as_str().map_or_else(|| v.value.0.to_string(), str::to_owned);
            (k.clone(), Value::String(text.into()))
        });
        unless_empty(Value::Object(entries.collect()))
    };
    unless_empty(without_nulls(json!({ "limits": amounts(&file.limits), "requests": amounts(&file.requests) })))
}

fn probe(file: &ProbeFile, ports: &[(String, i64)]) -> Value {
    let seconds = |length: &Option<At<crate::fleet::duration::Length>>| length.as_ref().map(|l| l.value.0.as_secs());
    let port = file.port.as_ref().map(|p| p.value.0.clone()).or_else(|| ports.first().map(|(name, _)| Value::from(name.as_str())));
    let exec: Option<Vec<&str>> = file.exec.as_ref().map(|e| e.value.iter().map(|v| v.value.0.as_str()).collect());
    without_nulls(json!({
        "exec": exec.map(|command| json!({ "command": command })),
        "httpGet": file.http.as_ref().map(|path| json!({ "path": path.value, "port": port })),
        "tcpSocket": file.tcp.as_ref().filter(|t| t.value).map(|_| json!({ "port": port })),
        "initialDelaySeconds": seconds(&file.delay),
        "timeoutSeconds": seconds(&file.timeout),
        "periodSeconds": seconds(&file.period),
        "failureThreshold": file.failures.as_ref().map(|f| f.value),
    }))
}

/// The security contexts of the pod and of each container.
fn security(file: Option<&SecurityFile>) -> (Value, Value) {
    match file {
        None => (Value::Null, Value::Null),
        Some(SecurityFile::Short(SecurityProfile::Restricted)) => (
            json!({ "runAsNonRoot": true, "seccompProfile": { "type": "RuntimeDefault" } }),
            json!({ "capabilities": { "drop": ["ALL"] }, "allowPrivilegeEscalation": false }),
        ),
        Some(SecurityFile::Table(table)) => {
            let SecurityTable { run_as_user, run_as_group, fs_group, non_root, read_only_root, privilege_escalation, drop } = &**table;
            let number = |n: &Option<At<i64>>| n.as_ref().map(|n| n.value);
            let flag = |b: &Option<At<bool>>| b.as_ref().map(|b| b.value);
            let dropped = drop.as_ref().map(|d| d.value.iter().map(|c| c.value.as_str()).collect::<Vec<_>>());
            let pod = json!({
                "runAsUser": number(run_as_user), "runAsGroup": number(run_as_group), "runAsNonRoot": flag(non_root), "fsGroup": number(fs_group),
            });
            let container = json!({
                "capabilities": dropped.map(|d| json!({ "drop": d })),
                "readOnlyRootFilesystem": flag(read_only_root),
                "allowPrivilegeEscalation": flag(privilege_escalation),
            });
            (unless_empty(without_nulls(pod)), unless_empty(without_nulls(container)))
        }
    }
}
