//! Every namespace has a default service account and the server's root certificate.
//!
//! Follows `pkg/controller/serviceaccount/serviceaccounts_controller.go` and
//! `pkg/controller/certificates/rootcacertpublisher/publisher.go`.

use crate::object::{ObjectId, Value, json, text};
use crate::simulate::controllers::{reading::deleting, write};
use crate::simulate::{Body, Cluster, Request, Target, Verb, WriteOptions};

/// The account that pods have who name none.
pub(super) const DEFAULT: &str = "default";

/// The map that holds the certificate.
pub(super) const ROOT_CERTIFICATE: &str = "kube-root-ca.crt";

/// What the map says of itself.
const DESCRIPTION: &str = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters.";

/// Nobody can verify anything by it: it only stands where one stands.
const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\ncm9sbGNhc3Q=\n-----END CERTIFICATE-----\n";

/// Puts both into a namespace that lives.
pub(super) fn sync(cluster: &mut Cluster, namespace: &str) {
    let id = |kind: &str, namespace: &str, name: &str| ObjectId {
        group: String::new().into(),
        kind: kind.into(),
        namespace: namespace.into(),
        name: name.into(),
    };
    let lives =
        cluster.store.get(&id("Namespace", "", namespace)).is_some_and(|n| !deleting(n) && text(n, &["status", "phase"]) != "Terminating");
    if !lives {
        return;
    }
    if cluster.store.get(&id("ServiceAccount", namespace, DEFAULT)).is_none() {
        write::create(
            cluster,
            json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": DEFAULT, "namespace": namespace}}),
        );
    }
    let data = json!({"ca.crt": CERTIFICATE});
    let map = id("ConfigMap", namespace, ROOT_CERTIFICATE);
    match cluster.store.get(&map).cloned() {
        None => {
            let metadata = json!({"name": ROOT_CERTIFICATE, "annotations": {"kubernetes.io/description": DESCRIPTION}});
            send(
                cluster,
                Verb::Create,
                namespace,
                "",
                json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}),
            );
        }
        // One that a cluster brought along has a real certificate, which is left as it is.
        Some(there) if there["data"].get("ca.crt").is_none() => {
            let mut whole = Value::clone(&there);
            whole["data"] = data;
            send(cluster, Verb::Update, namespace, ROOT_CERTIFICATE, whole);
        }
        Some(_) => {}
    }
}

/// Writes as the controller manager does, so that it owns what it writes.
fn send(cluster: &mut Cluster, verb: Verb, namespace: &str, name: &str, body: Value) {
    let target =
        Target { version: "v1".into(), resource: "configmaps".into(), namespace: namespace.into(), name: name.into(), ..Target::default() };
    let options = WriteOptions { user_agent: "kube-controller-manager".into(), ..WriteOptions::default() };
    cluster.write(&Request { verb, target, options, body: Body::Value(body) });
}
