//! What fleets render, on a real control plane: accepted strictly and without a warning, running, and not moved by a second apply.

use crate::plane::Plane;
use rollcast::object::{ObjectId, yaml};
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

fn root(path: &str) -> String {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path).display().to_string()
}

/// Every object with its resource version; a claim with all that is said of it, for the server's controller writes a claim that waits
/// for a volume again and again, as it was.
fn versions(plane: &Plane, file: &str) -> String {
    let named = "{.kind}/{.metadata.namespace}/{.metadata.name}";
    let each =
        |test: &str, what: &str| format!("{{range .items[?(@.kind{test}\"PersistentVolumeClaim\")]}}{named} {what}{{\"\\n\"}}{{end}}");
    let moved = each("!=", "{.metadata.resourceVersion}") + &each("==", "{.spec}{.metadata.managedFields}");
    plane.shell(&format!("kubectl get -f {file} -o jsonpath='{moved}'"))
}

/// Waits until the controllers have nothing more to say about the objects.
fn settled(plane: &Plane, file: &str) -> String {
    let mut before = versions(plane, file);
    for _ in 0..60 {
        std::thread::sleep(Duration::from_secs(2));
        let now = versions(plane, file);
        if now == before {
            return now;
        }
        before = now;
    }
    panic!("the objects of {file} do not come to rest");
}

/// The namespaces of the objects of a file. They are made, and let no pod in that violates `restricted`, whatever the fleet says.
fn restricted_namespaces(plane: &Plane, file: &str) -> BTreeSet<String> {
    let documents = yaml::load_bytes(file.into(), std::fs::read(file).unwrap()).unwrap();
    let of = |id: ObjectId| if id.kind == "Namespace" { id.name } else { id.namespace };
    let namespaces: BTreeSet<String> = documents.iter().map(|d| of(ObjectId::of(&d.value)).to_string()).collect();
    for name in &namespaces {
        let levels = "pod-security.kubernetes.io/enforce=restricted pod-security.kubernetes.io/warn=restricted";
        plane.shell(&format!("kubectl get namespace {name} || kubectl create namespace {name}; kubectl label namespace {name} {levels}"));
    }
    namespaces
}

/// Applies a golden fleet and waits until it runs; then applies it again, and nothing moves. Gives the namespaces that it is in.
fn accepted(plane: &Plane, manifests: &str) -> BTreeSet<String> {
    let file = root(&format!("golden/{manifests}.yaml"));
    let namespaces = restricted_namespaces(plane, &file);
    let apply = format!("kubectl apply --server-side --validate=strict -f {file}");
    let said = plane.try_shell(&apply);
    assert_eq!((said.code, said.stderr.as_str()), (Some(0), ""), "{manifests}: {}", said.stdout);
    // The quota, the limits and the Pod Security of each namespace let its pods in.
    plane.shell("for n in $(kubectl get deployments,statefulsets -A -o jsonpath='{range .items[*]}{.metadata.namespace}:{.kind}/{.metadata.name} {end}'); do kubectl -n ${n%%:*} rollout status ${n#*:} --timeout=180s; done");
    let before = settled(plane, &file);
    let again = plane.try_shell(&apply);
    assert_eq!((again.code, again.stderr.as_str()), (Some(0), ""), "{manifests}");
    assert_eq!(versions(plane, &file), before, "{manifests}: applied again, and something moved");
    namespaces
}

fn with_custom_resources() -> Plane {
    let plane = Plane::start();
    plane.shell(&format!(
        "kubectl apply -f {} && kubectl wait --for=condition=Established crd --all --timeout=60s",
        root("tests/live/custom-resources.yaml")
    ));
    plane
}

/// Manifests of golden fleets that have no namespace in common.
const APART: [&str; 3] = ["render/organisations/manifests-staging", "render/organisations/manifests", "render/bundle/manifests"];

/// Manifests of those that share namespaces, and of the example: the one is gone before the next comes.
const IN_TURN: [&str; 6] = [
    "render/alerts/manifests",
    "render/canary/manifests",
    "render/config/manifests",
    "render/everything/manifests",
    "render/templates/manifests",
    "example",
];

/// `stateful` has a test of its own; `compose` is for one machine without Kubernetes, and its pods say what compose has words for.
const ELSEWHERE: [&str; 2] = ["render/compose/manifests", STATEFUL];
const STATEFUL: &str = "render/stateful/manifests";

#[test]
fn every_golden_fleet_is_applied() {
    for folder in std::fs::read_dir(root("golden/render")).unwrap().map(|e| e.unwrap().path()) {
        for file in std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()) {
            let path = format!("render/{}/{}", folder.file_name().unwrap().display(), file.trim_end_matches(".yaml"));
            let applied = APART.iter().chain(&IN_TURN).chain(&ELSEWHERE).any(|named| *named == path);
            assert!(applied || !file.starts_with("manifests"), "golden/{path}.yaml is not applied");
        }
    }
}

#[test]
fn fleets_are_accepted_run_and_stay_as_they_are() {
    let plane = with_custom_resources();
    for manifests in APART {
        accepted(&plane, manifests);
    }
}

#[test]
fn fleets_of_one_namespace_are_accepted_run_and_stay_as_they_are() {
    let plane = with_custom_resources();
    for manifests in IN_TURN {
        let namespaces = accepted(&plane, manifests);
        for own in namespaces.iter().filter(|n| *n != "default") {
            plane.shell(&format!("kubectl delete namespace {own} --timeout=120s"));
        }
    }
}

/// The fleet has a namespace in common with one above, whose quota is not meant for it: so a cluster of its own.
#[test]
fn a_stateful_fleet_is_accepted_and_grows_its_claims_by_the_way_that_is_told() {
    let plane = Plane::start();
    accepted(&plane, STATEFUL);
    orphaned(&plane);
}

/// The way that `stateful-set-immutable` names for another claim size: the pods stay, and the new StatefulSet takes them.
fn orphaned(plane: &Plane) {
    plane.shell(&format!("sed 's/storage: 20Gi/storage: 30Gi/' {} > next.yaml", root("golden/render/stateful/manifests.yaml")));
    let refused = plane.try_shell("kubectl apply --server-side -f next.yaml");
    assert!(refused.code != Some(0) && refused.stderr.contains("updates to statefulset spec"), "{refused:?}");
    let pods = "kubectl -n agents get pods -l app.kubernetes.io/name=researcher-agent -o jsonpath='{.items[*].metadata.uid}'";
    let before = plane.shell(pods);
    plane.shell("kubectl delete statefulset researcher-agent -n agents --cascade=orphan && kubectl apply --server-side -f next.yaml");
    plane.shell("kubectl -n agents rollout status statefulset/researcher-agent --timeout=180s");
    assert_eq!(plane.shell(pods), before, "no pod was replaced");
}
