//! Services and pods become Endpoints and EndpointSlices.
//!
//! Follows `pkg/controller/endpoint/endpoints_controller.go` and `staging/src/k8s.io/endpointslice`, for one address family and one
//! slice for each service.

use crate::object::{Map, ObjectId, Value, at, integer, items, json, map_at, text};
use crate::simulate::Cluster;
use crate::simulate::controllers::queue::Task;
use crate::simulate::controllers::reading::{active, deleting, labels, name, ready, terminal, uid};
use crate::simulate::controllers::{hash, write};
use crate::simulate::store::Change;
use std::sync::Arc;

const SERVICE_NAME: &str = "kubernetes.io/service-name";
const HEADLESS: &str = "service.kubernetes.io/headless";

/// Queues the services that choose a pod, or chose it.
pub(super) fn note_pod(cluster: &mut Cluster, change: &Change) {
    let pods = [change.before.as_ref(), change.after.as_ref()];
    let chosen = |service: &Value| pods.into_iter().flatten().any(|pod| chooses(service, pod));
    let services = cluster.store.list("", "Service", Some(&change.id.namespace)).filter(|(_, s)| chosen(s));
    let ids: Vec<ObjectId> = services.map(|(id, _)| id.clone()).collect();
    ids.into_iter().for_each(|id| cluster.controllers.queue.push(Task::Sync(id)));
}

fn chooses(service: &Value, pod: &Value) -> bool {
    let Some(selector) = at(service, &["spec", "selector"]).and_then(Value::as_object).filter(|s| !s.is_empty()) else { return false };
    let own = labels(pod);
    selector.iter().all(|(key, value)| own.and_then(|l| l.get(key)) == Some(value))
}

/// Brings both up to date. A service without a selector is somebody else's matter; one that is gone takes its endpoints along.
pub(super) fn sync(cluster: &mut Cluster, id: &ObjectId) {
    let endpoints = ObjectId { kind: "Endpoints".into(), ..id.clone() };
    let Some(service) = cluster.store.get(id).cloned().filter(|s| !deleting(s)) else {
        write::delete(cluster, &endpoints, None);
        return;
    };
    let has_selector = at(&service, &["spec", "selector"]).and_then(Value::as_object).is_some_and(|s| !s.is_empty());
    if !has_selector || text(&service, &["spec", "type"]) == "ExternalName" {
        return;
    }
    let pods: Vec<Arc<Value>> = cluster
        .store
        .list("", "Pod", Some(&id.namespace))
        .filter(|(_, pod)| chooses(&service, pod) && !terminal(pod) && !text(pod, &["status", "podIP"]).is_empty())
        .map(|(_, pod)| Arc::clone(pod))
        .collect();
    sync_endpoints(cluster, &endpoints, &service, &pods);
    sync_slice(cluster, id, &service, &pods);
}

fn with_labels(service: &Value, own: &[(&str, &str)]) -> Value {
    let mut all: Map = labels(service).cloned().unwrap_or_default();
    own.iter().for_each(|(key, value)| drop(all.insert((*key).into(), (*value).into())));
    if text(service, &["spec", "clusterIP"]) == "None" {
        all.insert(HEADLESS.into(), "".into());
    }
    all.into()
}

fn trigger(cluster: &Cluster, key: &str) -> Value {
    json!({key: cluster.clock.timestamp()})
}

fn sync_endpoints(cluster: &mut Cluster, id: &ObjectId, service: &Value, pods: &[Arc<Value>]) {
    let publishes = at(service, &["spec", "publishNotReadyAddresses"]) == Some(&Value::Bool(true));
    let address = |pod: &Arc<Value>| {
        let address = json!({
            "ip": text(pod, &["status", "podIP"]), "nodeName": text(pod, &["spec", "nodeName"]),
            "targetRef": {"kind": "Pod", "namespace": id.namespace, "name": name(pod), "uid": uid(pod)},
        });
        named(address, service, pod)
    };
    let (there, not): (Vec<&Arc<Value>>, Vec<&Arc<Value>>) = pods.iter().filter(|p| active(p)).partition(|p| publishes || ready(p));
    let mut subset = json!({});
    for (key, list) in [("addresses", there), ("notReadyAddresses", not)] {
        if !list.is_empty() {
            subset[key] = list.into_iter().map(address).collect::<Vec<Value>>().into();
        }
    }
    let subsets = if subset == json!({}) {
        None
    } else {
        subset["ports"] = ports(service, pods).into();
        Some(json!([subset]))
    };
    let own_labels = with_labels(service, &[("endpoints.kubernetes.io/managed-by", "endpoint-controller")]);
    match cluster.store.get(id).cloned() {
        None => {
            let annotations = trigger(cluster, "endpoints.kubernetes.io/last-change-trigger-time");
            let metadata = json!({"name": id.name, "namespace": id.namespace, "labels": own_labels, "annotations": annotations});
            let mut object = json!({"apiVersion": "v1", "kind": "Endpoints", "metadata": metadata});
            if let Some(subsets) = subsets {
                map_at(&mut object, &[]).insert("subsets".into(), subsets);
            }
            write::create(cluster, object);
        }
        Some(before) => {
            let mut object = Value::clone(&before);
            map_at(&mut object, &["metadata"]).insert("labels".into(), own_labels);
            match subsets {
                Some(subsets) => drop(map_at(&mut object, &[]).insert("subsets".into(), subsets)),
                None => drop(map_at(&mut object, &[]).shift_remove("subsets")),
            }
            write::update(cluster, &before, object);
        }
    }
}

/// With the host name that a pod has below its service.
fn named(mut endpoint: Value, service: &Value, pod: &Value) -> Value {
    let host = text(pod, &["spec", "hostname"]);
    if !host.is_empty() && text(pod, &["spec", "subdomain"]) == name(service) {
        endpoint["hostname"] = host.into();
    }
    endpoint
}

/// The ports of a service as its pods have them: a name is looked up in their containers.
fn ports(service: &Value, pods: &[Arc<Value>]) -> Vec<Value> {
    let number = |port: &Value| match &port["targetPort"] {
        Value::Number(n) => n.as_i64(),
        Value::String(named) => pods.iter().find_map(|pod| {
            let containers = items(pod, &["spec", "containers"]).iter();
            containers.flat_map(|c| items(c, &["ports"])).find(|p| text(p, &["name"]) == named).and_then(|p| integer(p, &["containerPort"]))
        }),
        _ => integer(port, &["port"]),
    };
    let one = |port: &Value| {
        let mut out = json!({"port": number(port)?, "protocol": port["protocol"]});
        for key in ["name", "appProtocol"] {
            if let Some(value) = port.get(key) {
                out[key] = value.clone();
            }
        }
        Some(out)
    };
    items(service, &["spec", "ports"]).iter().filter_map(one).collect()
}

fn sync_slice(cluster: &mut Cluster, id: &ObjectId, service: &Arc<Value>, pods: &[Arc<Value>]) {
    let publishes = at(service, &["spec", "publishNotReadyAddresses"]) == Some(&Value::Bool(true));
    let endpoint = |pod: &Arc<Value>| {
        let (serves, stops) = (ready(pod), deleting(pod));
        let endpoint = json!({
            "addresses": [text(pod, &["status", "podIP"])],
            "conditions": {"ready": publishes || serves && !stops, "serving": serves, "terminating": stops},
            "nodeName": text(pod, &["spec", "nodeName"]),
            "targetRef": {"kind": "Pod", "namespace": id.namespace, "name": name(pod), "uid": uid(pod)},
        });
        named(endpoint, service, pod)
    };
    let mut found = ports(service, pods);
    for port in &mut found {
        map_at(port, &[]).entry("name").or_insert_with(|| "".into());
    }
    let list = |values: Vec<Value>| if values.is_empty() { Value::Null } else { values.into() };
    let endpoints = list(pods.iter().map(endpoint).collect());
    let ports = if endpoints.is_null() { Value::Null } else { list(found) };
    let own = [("endpointslice.kubernetes.io/managed-by", "endpointslice-controller.k8s.io"), (SERVICE_NAME, name(service))];
    let own_labels = with_labels(service, &own);
    let of_service = |slice: &Value| text(slice, &["metadata", "labels", SERVICE_NAME]) == name(service);
    let there = cluster
        .store
        .list("discovery.k8s.io", "EndpointSlice", Some(&id.namespace))
        .find(|(_, s)| of_service(s))
        .map(|(_, s)| Arc::clone(s));
    let Some(before) = there else {
        let prefix = format!("{}-", name(service));
        let suffix = hash::suffix(&format!("{prefix}{}", cluster.store.journal_len()));
        let object = json!({
            "apiVersion": "discovery.k8s.io/v1", "kind": "EndpointSlice", "addressType": items(service, &["spec", "ipFamilies"]).first().cloned().unwrap_or("IPv4".into()),
            "metadata": {
                "name": format!("{prefix}{suffix}"), "generateName": prefix, "namespace": id.namespace, "labels": own_labels, "generation": 1,
                "annotations": trigger(cluster, "endpoints.kubernetes.io/last-change-trigger-time"),
                "ownerReferences": [write::controller_reference(service)],
            },
            "endpoints": endpoints, "ports": ports,
        });
        write::create(cluster, object);
        return;
    };
    let mut object = Value::clone(&before);
    map_at(&mut object, &["metadata"]).insert("labels".into(), own_labels);
    map_at(&mut object, &[]).insert("endpoints".into(), endpoints);
    map_at(&mut object, &[]).insert("ports".into(), ports);
    if object != *before {
        let generation = integer(&before, &["metadata", "generation"]).unwrap_or(0) + 1;
        map_at(&mut object, &["metadata"]).insert("generation".into(), generation.into());
        write::update(cluster, &before, object);
    }
}
