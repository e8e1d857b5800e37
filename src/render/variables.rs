//! An agent becomes the variables that templates see: pieces in the form that Kubernetes wants, null where there is nothing.

use super::config_map::ConfigMap;
use super::strategy::strategy;
use super::{alerts, bundle};
use crate::diagnostic::Diagnostic;
use crate::fleet::agent::{PreStop, SecretUse, Service};
use crate::fleet::config::key as key_of;
use crate::fleet::file::{Amount, EnvValue, Named, ProbeFile, ProbesFile, ResourcesFile, ServiceType, WorkloadKind};
use crate::fleet::network::Contacts;
use crate::fleet::read::At;
use crate::fleet::security::Security;
use crate::fleet::{Agent, Container, Fleet, Volume, VolumeKind};
use crate::images::ANNOTATION;
use crate::object::{Map, Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

/// The label of a namespace that says whose it is.
pub(super) const ORG: &str = "org";
/// The volume of `/tmp`.
const TMP: &str = "tmp";
/// How long a client of a StatefulSet stays with one pod: Kubernetes' own default, said.
const STAYS: Duration = Duration::from_secs(3 * 60 * 60);

/// Labels that rollcast gives: what `kubectl get -l` and dashboards look for. The first one alone is the selector, so that no
/// other label can ever change it.
const NAME: &str = "app.kubernetes.io/name";
const PART_OF: &str = "app.kubernetes.io/part-of";
const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
/// What a canary's pods have beside the name of those they stand beside.
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
    let alerts = alerts::variables(fleet, named_labels(fleet, None));
    Ok(json!({ "name": fleet.name, "labels": fleet.labels, "kubernetes": kubernetes, "alerts": alerts }))
}

/// An agent and what was found out about it.
pub(super) struct Given<'a> {
    pub(super) agent: &'a Agent,
    /// Whom it may talk to.
    pub(super) contacts: Option<&'a Contacts>,
    /// Container to image.
    pub(super) images: &'a BTreeMap<String, String>,
    /// Where its image was found, for the annotation of the workload.
    pub(super) source: Option<&'a str>,
}

/// `agent`
pub(super) fn agent(fleet: &Fleet, given: &Given<'_>) -> Result<Value, Diagnostic> {
    let &Given { agent, contacts, images, source } = given;
    if let Some(label) = agent.labels.keys().find(|l| reserved(l)) {
        return Err(reserved_label(label).at(&fleet.source, agent.at.clone()));
    }
    let stateful = agent.kind == WorkloadKind::StatefulSet;
    let service = service(agent);
    let claims: Vec<Value> = agent.volumes.iter().filter_map(|v| claim(agent, v)).collect();
    let (pod_security, container_security) = security(&agent.security);
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
        ("labels", named_labels(fleet, Some(agent))),
        ("selector", selector(agent)),
        ("annotations", annotations(agent, source)),
        ("podAnnotations", config.as_ref().and_then(ConfigMap::annotations).into()),
        ("config", config.as_ref().map(ConfigMap::data).into()),
        ("configName", config.as_ref().map(|c| c.name.as_str()).into()),
        ("configImmutable", config.as_ref().and_then(ConfigMap::immutable).into()),
        ("serviceName", service_name(agent, &service)),
        ("service", service),
        ("clientService", client_service(agent)),
        ("strategy", strategy(agent, &fleet.source)?),
        ("terminationGracePeriodSeconds", grace(agent)),
        ("securityContext", pod_security),
        ("containers", agent.containers.iter().map(|c| container(agent, c, config.as_ref(), images, &container_security)).collect()),
        ("claims", claims.into()),
        ("retention", json!({ "whenDeleted": agent.claims.0.as_str(), "whenScaled": agent.claims.1.as_str() })),
        ("bundle", agent.bundle.into()),
        ("tokens", if agent.bundle && agent.rights.is_empty() { false.into() } else { Value::Null }),
        ("role", bundle::role(agent)),
        ("policy", contacts.map_or(Value::Null, |c| bundle::policy(fleet, c))),
        ("externalSecrets", bundle::external_secrets(agent)),
        ("sealedSecrets", bundle::sealed_secrets(agent)),
        ("disruptions", if agent.bundle && agent.replicas > 1 && agent.canary_of.is_none() { 1.into() } else { Value::Null }),
        ("volumes", unless_empty(volumes(agent, config.as_ref()))),
    ]))
}

/// What selects the pods of an agent. A canary's pods have the name of those they stand beside, so that the agent's Service, policies
/// and disruption budget reach both, and a track of their own.
pub(super) fn selector(agent: &Agent) -> Value {
    match &agent.canary_of {
        None => map([(NAME, agent.workload.as_str().into())]),
        Some(beside) => map([(NAME, beside.as_str().into()), (TRACK, CANARY.into())]),
    }
}

/// The Service that a StatefulSet's pods have their names by: a canary's pods share that of the agent.
fn service_name(agent: &Agent, service: &Value) -> Value {
    match &agent.canary_of {
        Some(beside) => beside.as_str().into(),
        None if service.is_null() => Value::Null,
        None => agent.workload.as_str().into(),
    }
}

/// The labels of an agent's objects, or of those that are nobody's.
pub(super) fn named_labels(fleet: &Fleet, agent: Option<&Agent>) -> Value {
    let mut out = Map::with_capacity(8);
    out.extend(agent.map(|a| (NAME.to_owned(), a.canary_of.as_ref().unwrap_or(&a.workload).as_str().into())));
    out.extend(agent.filter(|a| a.canary_of.is_some()).map(|_| (TRACK.to_owned(), CANARY.into())));
    out.insert(PART_OF.into(), fleet.name.as_str().into());
    out.insert(MANAGED_BY.into(), "rollcast".into());
    let own = fleet.labels.iter().chain(agent.into_iter().flat_map(|a| &a.labels));
    out.extend(own.map(|(k, v)| (k.clone(), v.as_str().into())));
    Value::Object(out)
}

/// Of the workload alone: where its image came from must not roll its pods.
fn annotations(agent: &Agent, source: Option<&str>) -> Value {
    let mut all = json!(agent.annotations);
    if let (Some(source), Value::Object(map)) = (source, &mut all) {
        map.insert(ANNOTATION.into(), source.into());
    }
    unless_empty(all)
}

/// A map of that size: growing one key by key costs more than all its values.
pub(super) fn map<const N: usize>(entries: [(&str, Value); N]) -> Value {
    let mut out = Map::with_capacity(N);
    out.extend(entries.into_iter().map(|(key, value)| (key.to_owned(), value)));
    Value::Object(out)
}

pub(super) fn unless_empty(value: Value) -> Value {
    match &value {
        Value::Array(list) if list.is_empty() => Value::Null,
        Value::Object(map) if map.is_empty() => Value::Null,
        _ => value,
    }
}

/// What is null is left out.
pub(super) fn without_nulls(value: Value) -> Value {
    match value {
        Value::Object(map) => Value::Object(map.into_iter().filter(|(_, v)| !v.is_null()).collect()),
        other => other,
    }
}

/// The sessions' drain time, and the wait before they are told to end: both happen within the grace period.
fn grace(agent: &Agent) -> Value {
    let wait = match &agent.pre_stop {
        Some(PreStop::Sleep(length)) => length.as_secs(),
        _ => 0,
    };
    let drain = agent.drain.map(|d| d.as_secs() + u64::from(d.subsec_nanos() > 0));
    // Kubernetes' own 30 seconds must not be eaten up by the wait.
    drain.or((wait > 0).then_some(30)).map(|seconds| seconds + wait).into()
}

fn named_ports(agent: &Agent) -> Vec<Value> {
    let all = agent.containers.iter().flat_map(|c| &c.ports);
    all.map(|(name, port)| json!({ "name": name, "port": port, "targetPort": name })).collect()
}

fn affinity(length: Duration) -> Value {
    json!({ "clientIP": { "timeoutSeconds": length.as_secs() } })
}

/// What clients of a StatefulSet use: an address of its own, and each client stays with one pod.
fn client_service(agent: &Agent) -> Value {
    let ports = named_ports(agent);
    if agent.kind != WorkloadKind::StatefulSet
        || agent.canary_of.is_some()
        || !agent.service.wanted
        || agent.service.headless
        || ports.is_empty()
    {
        return Value::Null;
    }
    let name = format!("{}-client", agent.workload);
    let stays = affinity(agent.service.affinity.unwrap_or(STAYS));
    json!({ "name": name, "type": agent.service.kind.as_str(), "ports": ports, "sessionAffinityConfig": stays })
}

/// Where ports are named there is a Service; a StatefulSet needs one, without an address, for the names of its pods.
fn service(agent: &Agent) -> Value {
    let Service { wanted, kind, headless, affinity: stays } = agent.service;
    let stateful = agent.kind == WorkloadKind::StatefulSet;
    let ports = named_ports(agent);
    if !wanted || (ports.is_empty() && !stateful) || agent.canary_of.is_some() {
        return Value::Null;
    }
    let (kind, headless) = if stateful { (ServiceType::ClusterIp, true) } else { (kind, headless) };
    json!({
        "type": kind.as_str(),
        "clusterIP": headless.then_some("None"),
        "ports": unless_empty(ports.into()),
        "sessionAffinity": stays.filter(|_| !headless).map(|_| "ClientIP"),
        "sessionAffinityConfig": stays.filter(|_| !headless).map(affinity),
    })
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
            VolumeKind::Memory(size) => out["emptyDir"] = json!({ "medium": "Memory", "sizeLimit": size }),
        }
        Some(out)
    });
    let files = agent
        .secrets
        .iter()
        .filter(|s| s.mount.is_some())
        .map(|s| json!({ "name": secret_volume(s), "secret": { "secretName": s.secret, "defaultMode": s.mode } }));
    let tmp = agent.tmp.as_ref().map(|size| json!({ "name": TMP, "emptyDir": { "medium": "Memory", "sizeLimit": size } }));
    Value::Array(own.chain(config.map(ConfigMap::volume)).chain(files).chain(tmp).collect())
}

fn secret_volume(secret: &SecretUse) -> String {
    format!("secret-{}", secret.name)
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
    let secrets = agent.secrets.iter().filter(|_| first);
    let files = secrets.filter_map(|s| Some(json!({ "name": secret_volume(s), "readOnly": true, "mountPath": s.mount.as_ref()? })));
    let tmp = agent.tmp.as_ref().map(|_| json!({ "name": TMP, "mountPath": "/tmp" }));
    Value::Array(own.chain(config).chain(files).chain(tmp).collect())
}

fn container(
    agent: &Agent,
    container: &Container,
    config: Option<&ConfigMap<'_>>,
    images: &BTreeMap<String, String>,
    security: &Value,
) -> Value {
    let ports: Vec<Value> = container.ports.iter().map(|(name, port)| json!({ "name": name, "containerPort": port })).collect();
    let env: Vec<Value> = container.env.iter().map(|(name, value)| variable(agent, config, name, value)).collect();
    let probe = |which: fn(&ProbesFile) -> &Option<At<ProbeFile>>| {
        container.probes.as_ref().and_then(|p| which(p).as_ref()).map(|p| probe(&p.value, &container.ports))
    };
    let first = agent.containers.first().is_some_and(|c| c.name == container.name);
    let sources = agent.secrets.iter().filter(|s| first && s.env).map(|s| json!({ "secretRef": { "name": s.secret } }));
    map([
        ("name", container.name.as_str().into()),
        ("image", images.get(&container.name).map(String::as_str).into()),
        ("command", unless_empty(json!(container.command))),
        ("args", unless_empty(json!(container.args))),
        ("ports", unless_empty(ports.into())),
        ("env", unless_empty(env.into())),
        ("envFrom", unless_empty(Value::Array(sources.collect()))),
        ("lifecycle", agent.pre_stop.as_ref().filter(|_| first).map(|p| pre_stop(p, &container.ports)).into()),
        ("resources", container.resources.as_ref().map_or(Value::Null, resources)),
        ("volumeMounts", unless_empty(mounts(agent, container, config))),
        ("livenessProbe", probe(|p| &p.liveness).into()),
        ("readinessProbe", probe(|p| &p.readiness).into()),
        ("startupProbe", probe(|p| &p.startup).into()),
        ("securityContext", security.clone()),
    ])
}

fn variable(agent: &Agent, config: Option<&ConfigMap<'_>>, name: &str, value: &EnvValue) -> Value {
    let source = match value {
        EnvValue::Short(text) => return json!({ "name": name, "value": text.0 }),
        EnvValue::Table(source) => source,
    };
    let text = |at: &Option<At<String>>| at.as_ref().map(|a| a.value.clone());
    let from = match (text(&source.secret), text(&source.config), text(&source.key)) {
        (Some(secret), _, key) => {
            let own = agent.secrets.iter().find(|s| s.name == secret).map_or(secret, |s| s.secret.clone());
            json!({ "secretKeyRef": { "name": own, "key": key } })
        }
        (None, Some(file), None) => json!({ "configMapKeyRef": { "name": config.map(|c| &c.name), "key": key_of(&file) } }),
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

fn pre_stop(what: &PreStop, ports: &[(String, i64)]) -> Value {
    let first = || ports.first().map_or(Value::Null, |(name, _)| Value::from(name.as_str()));
    let action = match what {
        PreStop::Exec(command) => json!({ "exec": { "command": command } }),
        PreStop::Http { path, port } => json!({ "httpGet": { "path": path, "port": port.clone().unwrap_or_else(first) } }),
        PreStop::Sleep(length) => json!({ "sleep": { "seconds": length.as_secs() } }),
    };
    json!({ "preStop": action })
}

/// The security contexts of the pod and of each container.
fn security(security: &Security) -> (Value, Value) {
    let Security { run_as_user, run_as_group, fs_group, non_root, read_only_root, privilege_escalation, drop, seccomp } = security;
    let pod = json!({
        "runAsUser": run_as_user,
        "runAsGroup": run_as_group,
        "runAsNonRoot": non_root,
        "fsGroup": fs_group,
        // Files that have the right owner already are not touched one by one, however many there are.
        "fsGroupChangePolicy": fs_group.map(|_| "OnRootMismatch"),
        "seccompProfile": seccomp.then(|| json!({ "type": "RuntimeDefault" })),
    });
    let container = json!({
        "capabilities": (!drop.is_empty()).then(|| json!({ "drop": drop })),
        "readOnlyRootFilesystem": read_only_root,
        "allowPrivilegeEscalation": privilege_escalation,
    });
    (unless_empty(without_nulls(pod)), unless_empty(without_nulls(container)))
}
