//! What an object takes of quotas, and which quotas are about it.
//!
//! Follows `pkg/quota/v1/evaluator/core/{pods,services,persistent_volume_claims,registry}.go` and apiserver
//! `pkg/quota/v1/generic/evaluator.go`.

use super::limit_ranger::{amounts, pod_amounts};
use crate::object::quantity::Quantity;
use crate::object::{Value, at, integer, items, text};
use crate::simulate::strategy::qos_class;
use std::collections::BTreeMap;

pub(super) type Usage = BTreeMap<String, Quantity>;

/// Core kinds that quotas also count under their plain names.
const PLAIN: [&str; 5] = ["secrets", "configmaps", "replicationcontrollers", "resourcequotas", "services"];
const CLASS_SUFFIX: &str = ".storageclass.storage.k8s.io/";

/// A kind of things that quotas count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted<'r> {
    Pods,
    Services,
    Claims,
    /// Of a group and resource.
    Objects(&'r str, &'r str),
}

fn one() -> Quantity {
    Quantity::from_milli(1000)
}

impl<'r> Counted<'r> {
    pub(super) fn of(group: &'r str, resource: &'r str) -> Self {
        match (group, resource) {
            ("", "pods") => Self::Pods,
            ("", "services") => Self::Services,
            ("", "persistentvolumeclaims") => Self::Claims,
            _ => Self::Objects(group, resource),
        }
    }

    /// `count/deployments.apps`
    fn count_name(self) -> String {
        match self {
            Self::Pods => "count/pods".into(),
            Self::Services => "count/services".into(),
            Self::Claims => "count/persistentvolumeclaims".into(),
            Self::Objects("", resource) => format!("count/{resource}"),
            Self::Objects(group, resource) => format!("count/{resource}.{group}"),
        }
    }

    /// Whether a limit of that name is about these things.
    pub(super) fn concerned_by(self, name: &str) -> bool {
        if name == self.count_name() {
            return true;
        }
        match self {
            Self::Pods => {
                let plain = name.strip_prefix("requests.").or_else(|| name.strip_prefix("limits.")).unwrap_or(name);
                matches!(plain, "cpu" | "memory" | "ephemeral-storage")
                    || name == "pods"
                    || name.starts_with("hugepages-")
                    || name.starts_with("requests.hugepages-")
                    || name.starts_with("requests.") && is_extended(plain)
            }
            Self::Services => matches!(name, "services" | "services.nodeports" | "services.loadbalancers"),
            Self::Claims => {
                let own = ["persistentvolumeclaims", "requests.storage"];
                own.contains(&name) || own.iter().any(|o| name.strip_suffix(o).is_some_and(|head| head.ends_with(CLASS_SUFFIX)))
            }
            Self::Objects("", resource) => PLAIN.contains(&resource) && name == resource,
            Self::Objects(..) => false,
        }
    }

    /// What one takes.
    pub(super) fn usage(self, object: &Value) -> Usage {
        let mut usage = match self {
            Self::Pods => of_pod(object),
            Self::Services => of_service(object),
            Self::Claims => of_claim(object),
            Self::Objects("", resource) if PLAIN.contains(&resource) => Usage::from([(resource.to_owned(), one())]),
            Self::Objects(..) => Usage::new(),
        };
        usage.insert(self.count_name(), one());
        usage
    }

    /// Whether a quota with scopes is about an object; one without is about all.
    pub(super) fn in_scopes(self, quota: &Value, object: &Value) -> bool {
        let scopes = items(quota, &["spec", "scopes"]).iter().filter_map(Value::as_str).map(|scope| (scope, "Exists", &[][..]));
        let terms = items(quota, &["spec", "scopeSelector", "matchExpressions"]);
        let terms = terms.iter().map(|t| (text(t, &["scopeName"]), text(t, &["operator"]), items(t, &["values"])));
        let matches = |(scope, operator, values): (&str, &str, &[Value])| match self {
            Self::Pods => pod_in_scope(scope, operator, values, object),
            Self::Claims => {
                scope == "VolumeAttributesClass" && named_in(text(object, &["spec", "volumeAttributesClassName"]), operator, values)
            }
            _ => false,
        };
        scopes.chain(terms).all(matches)
    }
}

/// A resource with a domain that is not Kubernetes' own.
fn is_extended(name: &str) -> bool {
    name.contains('/') && !name.contains("kubernetes.io/")
}

/// A pod counts until it has ended.
fn of_pod(pod: &Value) -> Usage {
    if matches!(text(pod, &["status", "phase"]), "Succeeded" | "Failed") {
        return Usage::new();
    }
    let mut usage = Usage::from([("pods".to_owned(), one())]);
    let mut requests = pod_amounts(pod, "requests");
    for (name, amount) in amounts(&pod["spec"]["overhead"]) {
        requests.entry(name).and_modify(|sum| sum.add(&amount)).or_insert(amount);
    }
    for (name, amount) in requests {
        if is_extended(&name) {
            usage.insert(format!("requests.{name}"), amount);
        } else if is_computed(&name) || name.starts_with("hugepages-") {
            usage.insert(format!("requests.{name}"), amount.clone());
            usage.insert(name, amount);
        }
    }
    let limits = pod_amounts(pod, "limits").into_iter().filter(|(name, _)| is_computed(name));
    usage.extend(limits.map(|(name, amount)| (format!("limits.{name}"), amount)));
    usage
}

fn is_computed(name: &str) -> bool {
    matches!(name, "cpu" | "memory" | "ephemeral-storage")
}

fn of_service(service: &Value) -> Usage {
    let ports = items(service, &["spec", "ports"]);
    let kind = text(service, &["spec", "type"]);
    let unasked = kind == "LoadBalancer" && service["spec"]["allocateLoadBalancerNodePorts"] == false;
    let node_ports = match kind {
        "LoadBalancer" if unasked => ports.iter().filter(|p| integer(p, &["nodePort"]).is_some_and(|n| n != 0)).count(),
        "NodePort" | "LoadBalancer" => ports.len(),
        _ => 0,
    };
    let number = |count: usize| Quantity::from_milli(i64::try_from(count).unwrap_or(i64::MAX / 1000) * 1000);
    Usage::from([
        ("services".to_owned(), one()),
        ("services.loadbalancers".to_owned(), number(usize::from(kind == "LoadBalancer"))),
        ("services.nodeports".to_owned(), number(node_ports)),
    ])
}

/// A claim counts, and what it asks for or was given, in all and for its class.
fn of_claim(claim: &Value) -> Usage {
    let storage = |path: &[&str]| at(claim, path).and_then(|v| Quantity::from_value(v).ok());
    let asked = storage(&["spec", "resources", "requests", "storage"]);
    let given = storage(&["status", "allocatedResources", "storage"]);
    let amount = asked.map(|asked| given.filter(|given| *given > asked).unwrap_or(asked));
    let annotated = text(claim, &["metadata", "annotations", "volume.beta.kubernetes.io/storage-class"]);
    let class = if annotated.is_empty() { text(claim, &["spec", "storageClassName"]) } else { annotated };
    let all = [("persistentvolumeclaims", Some(one())), ("requests.storage", amount)];
    let known = all.into_iter().filter_map(|(name, amount)| Some((name, amount?)));
    let mut usage = Usage::new();
    for (name, amount) in known {
        if !class.is_empty() {
            usage.insert(format!("{class}{CLASS_SUFFIX}{name}"), amount.clone());
        }
        usage.insert(name.to_owned(), amount);
    }
    usage
}

fn pod_in_scope(scope: &str, operator: &str, values: &[Value], pod: &Value) -> bool {
    match scope {
        "Terminating" => terminates(pod),
        "NotTerminating" => !terminates(pod),
        "BestEffort" => qos_class(pod) == "BestEffort",
        "NotBestEffort" => qos_class(pod) != "BestEffort",
        "PriorityClass" => named_in(text(pod, &["spec", "priorityClassName"]), operator, values),
        "CrossNamespacePodAffinity" => looks_across_namespaces(pod),
        _ => false,
    }
}

/// Whether a pod has a deadline.
pub(super) fn terminates(pod: &Value) -> bool {
    integer(pod, &["spec", "activeDeadlineSeconds"]).is_some()
}

/// A class against a term of a scope selector.
fn named_in(class: &str, operator: &str, values: &[Value]) -> bool {
    match operator {
        "In" => !class.is_empty() && values.iter().any(|v| v == class),
        "NotIn" => !values.iter().any(|v| v == class),
        "DoesNotExist" => class.is_empty(),
        _ => !class.is_empty(),
    }
}

fn looks_across_namespaces(pod: &Value) -> bool {
    let across = |term: &Value| !items(term, &["namespaces"]).is_empty() || term.get("namespaceSelector").is_some();
    ["podAffinity", "podAntiAffinity"].into_iter().any(|kind| {
        let affinity = &pod["spec"]["affinity"][kind];
        let required = items(affinity, &["requiredDuringSchedulingIgnoredDuringExecution"]).iter();
        let preferred = items(affinity, &["preferredDuringSchedulingIgnoredDuringExecution"]).iter();
        required.chain(preferred.map(|weighted| &weighted["podAffinityTerm"])).any(across)
    })
}
