//! What stands around a workload becomes variables of templates: rights, Secrets, network policies, a disruption budget; and what a
//! namespace's own objects need.

use super::variables::{ORG, map, named_labels, selector, unless_empty, without_nulls};
use crate::fleet::agent::{Right, SecretSource, SecretUse};
use crate::fleet::namespace::{Limits, Space};
use crate::fleet::network::{Contacts, Peer, Pods};
use crate::fleet::{Agent, Fleet};
use crate::object::{Value, json};

/// The label of a namespace that says which agent it is for.
const ROLE: &str = "agent-role";
/// The label of a namespace that says which environment was laid over the fleet.
const ENVIRONMENT: &str = "environment";
/// The annotation of a namespace that nobody may reap.
const PROTECTED: &str = "do-not-reap";
/// The label by which the server enforces a Pod Security Standard.
const ENFORCE: &str = "pod-security.kubernetes.io/enforce";

/// `namespace`
pub(super) fn namespace(fleet: &Fleet, space: &Space) -> Value {
    let mut labels = named_labels(fleet, None);
    if let (true, Some(labels)) = (space.bundle, labels.as_object_mut()) {
        let mut put = |key: &str, value: Option<&str>| {
            if let Some(value) = value {
                labels.insert(key.into(), value.into());
            }
        };
        put(ROLE, space.role.as_deref());
        put(ENVIRONMENT, fleet.environment.as_deref());
        put(ENFORCE, space.restricted.then_some("restricted"));
        for (key, value) in &space.labels {
            put(key, Some(value));
        }
        // What the fleet calls itself is its organisation, unless it says another.
        let own = space.org.as_deref().or((!fleet.labels.contains_key(ORG)).then_some(fleet.name.as_str()));
        put(ORG, own.filter(|_| !space.labels.contains_key(ORG)));
    }
    let quota = if space.bundle { json!(space.quota) } else { Value::Null };
    map([
        ("name", space.name.as_str().into()),
        ("labels", labels),
        ("objectLabels", named_labels(fleet, None)),
        ("annotations", if space.bundle && space.protected { map([(PROTECTED, "true".into())]) } else { Value::Null }),
        ("bundle", space.bundle.into()),
        ("quota", unless_empty(quota)),
        ("limits", limits(&space.limits)),
        ("dns", fleet.network.dns.as_ref().filter(|_| space.bundle).map(dns).into()),
        ("nats", fleet.network.nats.as_ref().filter(|_| space.bundle).map(|nats| egress(nats, &["TCP"])).into()),
    ])
}

fn limits(limits: &Limits) -> Value {
    let Limits { default, default_request, max, min } = limits;
    if *limits == Limits::default() {
        return Value::Null;
    }
    let table = |table| unless_empty(json!(table));
    json!({ "max": table(max), "min": table(min), "default": table(default), "defaultRequest": table(default_request) })
}

/// Names are asked for over UDP, and over TCP where the answer is long.
fn dns(pods: &Pods) -> Value {
    egress(pods, &["UDP", "TCP"])
}

fn egress(pods: &Pods, protocols: &[&str]) -> Value {
    without_nulls(json!({ "to": [those(pods)], "ports": ports(&pods.ports, protocols) }))
}

fn those(pods: &Pods) -> Value {
    without_nulls(json!({
        "podSelector": (!pods.labels.is_empty()).then(|| json!({ "matchLabels": pods.labels })),
        "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": pods.namespace } },
    }))
}

fn ports(ports: &[i64], protocols: &[&str]) -> Value {
    let each = ports.iter().flat_map(|port| protocols.iter().map(move |protocol| json!({ "protocol": protocol, "port": port })));
    unless_empty(Value::Array(each.collect()))
}

/// The pods of an agent, from another namespace or the same.
fn pods_of(agent: &Agent) -> Value {
    json!({
        "podSelector": { "matchLabels": selector(agent) },
        "namespaceSelector": { "matchLabels": { "kubernetes.io/metadata.name": agent.namespace } },
    })
}

/// `agent.policy`: whom it may talk to, and who may talk to it; null where nobody is named.
pub(super) fn policy(fleet: &Fleet, contacts: &Contacts) -> Value {
    let to = contacts.to.iter().map(|peer| match peer {
        Peer::Pods(pods) => egress(pods, &["TCP"]),
        Peer::Agent(other, numbers) => without_nulls(json!({ "to": [pods_of(&fleet.agents[*other])], "ports": ports(numbers, &["TCP"]) })),
        Peer::Addresses { cidr, except, ports: numbers } => without_nulls(json!({
            "to": [{ "ipBlock": without_nulls(json!({ "cidr": cidr, "except": unless_empty(json!(except)) })) }],
            "ports": ports(numbers, &["TCP"]),
        })),
    });
    let from = contacts
        .from
        .iter()
        .map(|(other, numbers)| without_nulls(json!({ "from": [pods_of(&fleet.agents[*other])], "ports": ports(numbers, &["TCP"]) })));
    let (to, from) = (unless_empty(Value::Array(to.collect())), unless_empty(Value::Array(from.collect())));
    let types: Vec<Value> =
        [("Ingress", &from), ("Egress", &to)].into_iter().filter(|(_, l)| !l.is_null()).map(|(t, _)| t.into()).collect();
    if types.is_empty() {
        return Value::Null;
    }
    map([("types", types.into()), ("ingress", from), ("egress", to)])
}

/// `agent.role`: the rules of its Role; null without a bundle.
pub(super) fn role(agent: &Agent) -> Value {
    if !agent.bundle && agent.rights.is_empty() {
        return Value::Null;
    }
    let rule = |right: &Right| {
        without_nulls(json!({
            "apiGroups": right.groups, "resources": right.resources, "resourceNames": unless_empty(json!(right.names)), "verbs": right.verbs,
        }))
    };
    let rules: Vec<Value> = agent.rights.iter().map(rule).collect();
    map([("rules", rules.into())])
}

/// `agent.externalSecrets`
pub(super) fn external_secrets(agent: &Agent) -> Value {
    let one = |secret: &SecretUse| match &secret.source {
        SecretSource::External { store, kind, refresh, keys } => {
            let data = keys.iter().map(|(key, (name, property))| {
                json!({ "secretKey": key, "remoteRef": without_nulls(json!({ "key": name, "property": property })) })
            });
            let refresh = format!("{}s", refresh.as_secs());
            let data: Vec<Value> = data.collect();
            Some(json!({ "name": secret.secret, "store": { "name": store, "kind": kind }, "refresh": refresh, "data": data }))
        }
        _ => None,
    };
    unless_empty(agent.secrets.iter().filter_map(one).collect::<Vec<_>>().into())
}

/// `agent.sealedSecrets`
pub(super) fn sealed_secrets(agent: &Agent) -> Value {
    let one = |secret: &SecretUse| match &secret.source {
        SecretSource::Sealed(data) => Some(json!({ "name": secret.secret, "data": data })),
        _ => None,
    };
    unless_empty(agent.secrets.iter().filter_map(one).collect::<Vec<_>>().into())
}
