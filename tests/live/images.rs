//! Images on a real control plane and a real registry: who is behind is found, only those roll, and a lock says what the registry says.

use crate::plane::Plane;
use rollcast::object::Value;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const NEW: &str = "registry.example/agent:1.4.0";

fn deployment(namespace: &str, name: &str, image: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: Namespace\nmetadata: {{name: {namespace}}}\n---\napiVersion: apps/v1\nkind: Deployment\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec:\n  selector: {{matchLabels: {{app: {name}}}}}\n  template:\n    metadata: {{labels: {{app: {name}}}}}\n    spec:\n      initContainers: [{{name: init, image: 'registry.example/init:1.0.0'}}]\n      containers: [{{name: agent, image: '{image}'}}, {{name: log, image: 'registry.example/log:1.0.0'}}]\n"
    )
}

/// Of every Deployment: its generation, and its resource version.
fn versions(plane: &Plane) -> Vec<(String, String, String)> {
    let said = plane.shell(
        "kubectl get deploy -A -o jsonpath='{range .items[*]}{.metadata.namespace} {.metadata.generation} {.metadata.resourceVersion}{\"\\n\"}{end}'",
    );
    said.lines()
        .map(|line| {
            let mut words = line.split(' ').map(str::to_owned);
            let mut next = || words.next().unwrap_or_default();
            (next(), next(), next())
        })
        .collect()
}

/// A platform that ran 1.2.0, 1.3.0 and now 1.4.0, and 50 organisations of which 17 and 33 have stayed behind.
fn platform() -> Plane {
    let plane = Plane::start();
    let mut manifests = deployment("agents", "agent-ceo", "registry.example/agent:1.2.0");
    for n in 1..=50 {
        let image = if n == 17 { "registry.example/agent:1.2.0" } else { NEW };
        let image = if n == 33 { "registry.example/agent:1.3.0" } else { image };
        manifests += &deployment(&format!("org-{n:02}"), "agent-support", image);
    }
    fs::write(plane.work().join("all.yaml"), manifests).unwrap();
    plane.shell(&format!(
        "kubectl apply -f all.yaml > applied
         kubectl -n agents rollout status deployment/agent-ceo --timeout=120s
         kubectl -n agents set image deployment/agent-ceo agent=registry.example/agent:1.3.0
         kubectl -n agents rollout status deployment/agent-ceo --timeout=120s
         kubectl -n agents set image deployment/agent-ceo agent={NEW}
         kubectl -n agents rollout status deployment/agent-ceo --timeout=120s
         for n in $(seq -w 50); do kubectl -n org-$n rollout status deployment/agent-support --timeout=120s > /dev/null; done"
    ));
    plane
}

#[test]
fn of_fifty_organisations_the_two_that_are_behind_are_rolled() {
    let plane = platform();
    let before = versions(&plane);

    let drift = plane.rollcast(&["images", "drift", "--context", "reader"]).ended("drift", &[1]);
    assert!(drift.contains("Deployment/org-17/agent-support") && drift.contains("2 releases behind since "), "{drift}");
    assert!(drift.contains("1 release behind since ") && drift.ends_with("behind=2 current=48 skipped=0\n"), "{drift}");

    let dry = plane.rollcast(&["images", "sync", "--dry-run", "--context", "reader"]).ended("a dry run", &[1]);
    assert!(dry.ends_with("updated=2 already-current=48 skipped=0 failed=0\n"), "{dry}");
    assert_eq!(dry.lines().filter(|l| l.starts_with("would-update") && l.contains("rolls")).count(), 2, "{dry}");
    assert_eq!(versions(&plane), before, "nothing was written");

    let refused = plane.rollcast(&["images", "sync", "--context", "reader"]).ended("sync of one who may not write", &[1]);
    assert!(refused.contains("failed") && refused.contains("forbidden"), "{refused}");
    assert_eq!(versions(&plane), before, "nothing was written");

    let done = plane.rollcast(&["images", "sync"]).ended("sync", &[0]);
    assert!(done.ends_with("updated=2 already-current=48 skipped=0 failed=0\n"), "{done}");
    for ((namespace, generation, version), (_, _, old)) in versions(&plane).iter().zip(&before) {
        let behind = ["org-17", "org-33"].contains(&namespace.as_str());
        assert_eq!(generation == "2", behind, "{namespace} has generation {generation}");
        assert!(behind || version == old, "{namespace} was touched");
    }
    let images = plane.shell("kubectl -n org-17 get deploy,rs -o jsonpath='{.items[*].spec.template.spec.containers[0].image}'");
    assert_eq!(images.split(' ').filter(|i| *i == NEW).count(), 2, "the Deployment and its new ReplicaSet: {images}");
    let noted = plane.shell("kubectl -n org-17 get deploy agent-support -o jsonpath='{.metadata.annotations.rollcast/image-source} {.spec.template.metadata.annotations}'");
    assert_eq!(noted.trim(), "agent=platform", "on the workload, not on its pods");

    let again = plane.rollcast(&["images", "sync"]).ended("sync again", &[0]);
    assert!(again.ends_with("updated=0 already-current=50 skipped=0 failed=0\n"), "{again}");
    plane.rollcast(&["images", "drift", "--context", "reader"]).ended("drift afterwards", &[0]);

    plane.shell("kubectl -n agents set image deployment/agent-ceo agent=registry.example/agent:latest");
    let mutable = plane.rollcast(&["images", "sync"]);
    assert!(mutable.stderr.contains("image-platform-mutable"), "{mutable:?}");
    mutable.ended("sync to a tag that moves", &[2]);
}

#[test]
fn set_patches_just_what_is_stale() {
    let plane = Plane::start();
    fs::write(plane.work().join("web.yaml"), deployment("shop", "web", "registry.example/agent:1.3.0")).unwrap();
    plane.shell("kubectl apply -f web.yaml; kubectl -n shop rollout status deployment/web --timeout=120s");
    let set = |more: &[&str]| {
        let mut arguments = vec!["images", "set", "deployment/shop/web", "deploy/shop/gone"];
        arguments.extend(["--image", "agent=registry.example/agent:1.4.0", "--image", "init=registry.example/init:1.1.0"]);
        arguments.extend(["--image", "log=registry.example/log:1.0.0", "--image", "cai-runtime=registry.example/cai:1.0.0"]);
        arguments.extend(more);
        plane.rollcast(&arguments)
    };
    let dry = set(&["--dry-run", "--context", "reader"]).ended("a dry run", &[1]);
    assert!(dry.contains("would-update") && dry.contains("it has no container `cai-runtime`"), "{dry}");
    let done = set(&["--wait"]).ended("set", &[0]);
    assert!(done.contains("skipped         Deployment/shop/gone  it is not there"), "{done}");
    assert!(done.ends_with("updated=1 already-current=0 skipped=1 failed=0\n"), "{done}");
    let after: Value = serde_json::from_str(&plane.shell("kubectl -n shop get deploy web -o json --show-managed-fields")).unwrap();
    assert_eq!(after["metadata"]["generation"], 2, "one patch");
    let own = after["metadata"]["managedFields"].as_array().unwrap().iter().find(|m| m["manager"] == "rollcast").unwrap();
    let fields = own["fieldsV1"].to_string();
    assert!(fields.contains("\\\"name\\\":\\\"agent\\\"") && fields.contains("init") && !fields.contains("\\\"log\\\""), "{fields}");
    let again = set(&[]).ended("set again", &[0]);
    assert!(again.ends_with("updated=0 already-current=1 skipped=1 failed=0\n"), "{again}");
}

/// A registry that is gone when it is dropped.
struct Registry {
    folder: tempfile::TempDir,
    port: u16,
    /// Image and digest, as the registry was given them.
    pushed: Vec<(String, String)>,
}

impl Registry {
    fn start(images: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/registry/up.sh");
        let output = Command::new(script).arg(folder.path()).arg(port.to_string()).args(images).stdin(Stdio::null()).output().unwrap();
        let said = crate::plane::Said::from(output).ended("tests/registry/up.sh", &[0]);
        let pushed = said.lines().filter_map(|l| l.split_once(' ')).map(|(i, d)| (i.to_owned(), d.to_owned())).collect();
        Self { folder, port, pushed }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        let pid = fs::read_to_string(self.folder.path().join("pid")).unwrap_or_default();
        drop(Command::new("kill").arg(pid.trim()).status());
    }
}

#[test]
fn a_lock_says_what_a_real_registry_says() {
    let registry = Registry::start(&["team/agent:1.4.0", "team/agent:1.5.0", "log:4f6e2c1"]);
    let host = format!("127.0.0.1:{}", registry.port);
    let work = tempfile::tempdir().unwrap();
    let fleet = format!(
        "[fleet]\nname = \"demo\"\n[images]\nagent = \"{host}/team/agent:1.4.0\" # built by CI\nlog = \"{host}/log:4f6e2c1\"\n[agents.ceo]\ncontainers = [\"agent\", \"log\"]\n"
    );
    fs::write(work.path().join("fleet.toml"), &fleet).unwrap();
    let rollcast = |arguments: &[&str]| -> crate::plane::Said {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcast"));
        command.args(arguments).env_clear().env("HOME", work.path()).current_dir(work.path()).stdin(Stdio::null());
        command.output().unwrap().into()
    };
    let stranger = rollcast(&["images", "lock"]);
    assert!(
        stranger.stderr.contains("image-registry-denied") && stranger.stderr.contains("there are no credentials for it"),
        "{stranger:?}"
    );
    stranger.ended("lock without credentials", &[2]);

    fs::create_dir(work.path().join(".docker")).unwrap();
    let config = |password: &str| {
        let auth = rollcast::object::base64::encode(format!("robot:{password}").as_bytes());
        fs::write(work.path().join(".docker/config.json"), format!("{{\"auths\": {{\"{host}\": {{\"auth\": \"{auth}\"}}}}}}")).unwrap();
    };
    config("wrong");
    let wrong = rollcast(&["images", "lock"]);
    assert!(wrong.stderr.contains("config.json are not enough") && !wrong.stderr.contains("wrong"), "{wrong:?}");
    config("hunter2");
    rollcast(&["images", "lock"]).ended("lock", &[0]);
    let lock = fs::read_to_string(work.path().join("fleet.lock")).unwrap();
    for (image, digest) in registry.pushed.iter().filter(|(i, _)| !i.ends_with("1.5.0")) {
        assert!(lock.contains(&format!("\"{host}/{image}\" = \"{digest}\"")), "{lock}");
    }
    rollcast(&["images", "lock", "--check"]).ended("lock --check", &[0]);
    let rendered = rollcast(&["render", "--locked"]).ended("render --locked", &[0]);
    assert!(rendered.contains(&format!("image: {host}/team/agent:1.4.0@sha256:")), "{rendered}");

    fs::write(work.path().join("fleet.toml"), fleet.replace("1.4.0", "1.6.0")).unwrap();
    let stale = rollcast(&["render", "--locked"]);
    assert!(stale.stderr.contains("image-lock-stale") && stale.stdout.is_empty(), "{stale:?}");
    let missing = rollcast(&["images", "lock"]);
    assert!(missing.stderr.contains("image-missing-in-registry"), "{missing:?}");
    assert_eq!(fs::read_to_string(work.path().join("fleet.lock")).unwrap(), lock, "a lock is written whole or not at all");
}
