//! The ways in that need no fleet file, and what the commands promise of a live cluster.

use crate::plane::Plane;
use rollcast::object::Value;
use std::collections::BTreeSet;
use std::fs;

const CHART: &[(&str, &str)] = &[
    ("chart/Chart.yaml", "apiVersion: v2\nname: web\nversion: 0.1.0\n"),
    ("chart/values.yaml", "image: registry.example/web:1.4.2\nreplicas: 2\n"),
    (
        "chart/templates/web.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata:\n  name: web\n  namespace: shop\nspec:\n  replicas: {{ .Values.replicas }}\n  selector:\n    matchLabels: {app: web}\n  \
         template:\n    metadata:\n      labels: {app: web}\n    spec:\n      containers:\n      - name: web\n        image: {{ .Values.image }}\n",
    ),
];

/// A cluster with a chart's Deployment, applied with kubectl, and a Secret.
fn shop() -> Plane {
    let plane = Plane::start();
    fs::create_dir_all(plane.work().join("chart/templates")).unwrap();
    for (name, text) in CHART {
        fs::write(plane.work().join(name), text).unwrap();
    }
    plane.shell(
        "kubectl create namespace shop
         helm template web chart | kubectl apply --server-side -f -
         kubectl -n shop rollout status deployment/web --timeout=60s
         kubectl -n shop create secret generic login --from-literal=password=hunter2-and-more",
    );
    plane
}

#[test]
fn a_chart_is_compared_with_the_live_cluster() {
    let plane = shop();
    let same = plane.try_shell("helm template web chart | rollcast diff -f - --as kubectl-server --context reader");
    same.ended("rollcast diff of what was applied", &[0]);
    let image = plane.try_shell(
        "helm template web chart --set image=registry.example/web:1.5.0 | rollcast diff -f - --as kubectl-server --context reader",
    );
    let text = image.ended("rollcast diff of another image", &[1]);
    assert!(text.contains("registry.example/web:1.5.0") && text.contains("rolls"), "{text}");
    let replicas = plane.try_shell("helm template web chart --set replicas=3 | rollcast diff -f - --as kubectl-server --context reader");
    let text = replicas.ended("rollcast diff of another number of replicas", &[1]);
    assert!(text.contains("stays"), "{text}");
}

#[test]
fn a_plan_reads_what_kubectl_prints() {
    let plane = shop();
    let report = plane.shell(
        "helm template web chart --set image=registry.example/web:1.5.0 > next.yaml
         kubectl get deploy,rs,sts,ds,pods -A -o json --show-managed-fields | rollcast plan --from - -f next.yaml --report json",
    );
    let report: Value = serde_json::from_str(&report).unwrap();
    assert_eq!(report["workloads"][0]["rolls"], 1, "{report:#}");
    assert_eq!(report["workloads"][0]["pods_replaced"], 2, "{report:#}");
}

#[test]
fn a_snapshot_has_every_object_and_no_secret_value() {
    let plane = shop();
    plane.rollcast(&["snapshot", "--context", "reader", "-o", "snapshot.json"]).ended("rollcast snapshot", &[0]);
    let text = fs::read_to_string(plane.work().join("snapshot.json")).unwrap();
    assert!(!text.contains("hunter2") && !text.contains("aHVudGVyMi1hbmQtbW9yZQ"), "a Secret's value is in the snapshot");
    let snapshot: Value = serde_json::from_str(&text).unwrap();
    let uids =
        |list: &Value| -> BTreeSet<String> { list["items"].as_array().unwrap().iter().map(|o| o["metadata"]["uid"].to_string()).collect() };
    let ours = uids(&snapshot);
    let kinds = "namespaces,serviceaccounts,configmaps,secrets,deployments,replicasets,pods";
    let theirs: Value = serde_json::from_str(&plane.shell(&format!("kubectl get {kinds} -A -o json"))).unwrap();
    let missing: Vec<String> = uids(&theirs).difference(&ours).cloned().collect();
    assert!(missing.is_empty(), "not in the snapshot: {missing:?}");
}

#[test]
fn a_plan_says_the_same_of_a_snapshot_and_of_the_live_cluster() {
    let plane = shop();
    plane.shell("helm template web chart --set image=registry.example/web:1.5.0 > next.yaml");
    plane.rollcast(&["snapshot", "--context", "reader", "-o", "snapshot.json"]).ended("rollcast snapshot", &[0]);
    let plan = |state: &[&str]| {
        let arguments = [&["plan", "-f", "next.yaml", "--report", "json"], state].concat();
        let report: Value = serde_json::from_str(&plane.rollcast(&arguments).ended("rollcast plan", &[0])).unwrap();
        report["workloads"].clone()
    };
    assert_eq!(plan(&["--from", "snapshot.json"]), plan(&["--context", "reader"]));
}

#[test]
fn a_cluster_that_does_not_answer_is_an_error_and_never_no_rolls() {
    let plane = shop();
    plane.shell("kubectl config set-cluster nowhere --server=http://127.0.0.1:1; kubectl config set-context nowhere --cluster=nowhere --user=reader");
    plane.shell("helm template web chart > next.yaml");
    plane.rollcast(&["plan", "-f", "next.yaml", "--context", "nowhere"]).ended("rollcast plan without a server", &[2]);
    let refused = plane.shell("kubectl delete clusterrolebinding reader");
    assert!(refused.contains("deleted"));
    let said = plane.rollcast(&["check", "-f", "next.yaml", "--context", "reader"]);
    assert_ne!(said.code, Some(0), "a user who may read nothing must not be told that nothing rolls: {}", said.stdout);
}
