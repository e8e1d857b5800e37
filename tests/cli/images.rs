//! `rollcast images`: on files and snapshots, on a simulated cluster over HTTP, and against a registry that misbehaves as it is told.

use super::{Run, command, directory, ended, golden};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

const SHA: &str = "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a";

/// A platform, and organisations of which one is behind, one has an image of its own and one has another container.
const STATE: &str = r#"
apiVersion: v1
kind: List
items:
- {apiVersion: v1, kind: Namespace, metadata: {name: agents}}
- {apiVersion: v1, kind: Namespace, metadata: {name: org-a}}
- {apiVersion: v1, kind: Namespace, metadata: {name: org-b}}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: agent-ceo, namespace: agents, uid: u0, resourceVersion: "5", generation: 1}
  spec: &spec
    replicas: 1
    selector: {matchLabels: {app: x}}
    template:
      metadata: {labels: {app: x}}
      spec: {containers: [{name: agent, image: "r.example/agent:1.4.0"}]}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: agent-current, namespace: org-a, uid: u1, resourceVersion: "5", generation: 1}
  spec: *spec
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: agent-behind, namespace: org-a, uid: u2, resourceVersion: "5", generation: 1}
  spec:
    replicas: 1
    selector: {matchLabels: {app: behind}}
    template:
      metadata: {labels: {app: behind}}
      spec:
        initContainers: [{name: init, image: "r.example/init"}]
        containers: [{name: agent, image: "r.example/agent:1.2.0"}, {name: log, image: "r.example/log@sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a"}]
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: agent-own, namespace: org-b, uid: u3, resourceVersion: "5", generation: 1, annotations: {rollcast/image-source: agent=override}}
  spec:
    selector: {matchLabels: {app: z}}
    template:
      metadata: {labels: {app: z}}
      spec: {containers: [{name: agent, image: "r.example/fork:9.9.9"}]}
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: agent-other, namespace: org-b, uid: u4, resourceVersion: "5", generation: 1}
  spec:
    selector: {matchLabels: {app: z}}
    template:
      metadata: {labels: {app: z}}
      spec: {containers: [{name: main, image: "r.example/agent:1.2.0"}]}
"#;

const FLEET: &str = r#"
[fleet]
name = "demo"
workload = "agent-{agent}"
[images]
log = "r.example/log:4f6e2c1"
[images.platform]
namespace = "agents"
[images.paths]
"Crew.example.com" = "$.spec.members[*].image"
[images.tags]
immutable = ["release-.*"]
[defaults]
containers = ["agent", "log"]
[orgs.acme]
agents = ["support"]
[orgs.beta]
agents = ["support"]
image.agent = "r.example/fork:release-9"
"#;

fn in_directory(directory: &Path, variables: &[(&str, &str)], arguments: &[&str]) -> Run {
    ended(command(arguments).current_dir(directory).envs(variables.iter().copied()).output().expect("the binary runs"))
}

fn images(directory: &Path, arguments: &[&str]) -> Run {
    in_directory(directory, &[], &[&["images"], arguments].concat())
}

/// Compares what was printed with `golden/images/<name>`.
fn same(name: &str, run: &Run) {
    let text = format!("{}--- standard error, exit code {}\n{}", run.out, run.code, run.err);
    golden(Path::new("images").join(name), &text).unwrap_or_else(|wrong| panic!("{wrong}"));
}

#[test]
fn list_shows_every_reference() {
    let crew = "apiVersion: example.com/v1\nkind: Crew\nmetadata: {name: c, namespace: n}\nspec: {members: [{image: \"a:release-1\"}, {image: \"a:main\"}]}\n";
    let folder = directory(&[("fleet.toml", FLEET), ("state.yaml", STATE), ("crew.yaml", crew)]);
    same("list.txt", &images(folder.path(), &["list", "-f", "state.yaml", "-f", "crew.yaml"]));
    let json = images(folder.path(), &["list", "-f", "crew.yaml", "-o", "json"]);
    same("list.json", &json);
    let path = |path: &str| images(folder.path(), &["list", "-f", "crew.yaml", "-o", &format!("jsonpath={path}")]);
    assert_eq!(path("{.items[*].image}").out, "a:release-1 a:main\n");
    assert_eq!(path("$.items[?@.pinned == false].path").out, "spec.members[1].image\n");
    assert_eq!(path("{.items[0].name}{\"\\t\"}{.items[0].tag}").out, "c\trelease-1\n");
    let wrong = path("{.items[}");
    assert!(wrong.code == 2 && wrong.err.starts_with("error[json-path]"), "{}", wrong.err);
}

#[test]
fn resolve_prints_the_chain() {
    let folder =
        directory(&[("fleet.toml", FLEET), ("state.yaml", STATE), ("latest.yaml", &STATE.replacen("agent:1.4.0", "agent:latest", 1))]);
    let resolve =
        |variables: &[(&str, &str)], more: &[&str]| in_directory(folder.path(), variables, &[&["images", "resolve"], more].concat());
    same("resolve.txt", &resolve(&[], &["--from", "state.yaml"]));
    let customer = resolve(&[("CUSTOMER_AGENT_IMAGE", "c.example/agent:2.0.0")], &["--from", "state.yaml", "--org", "acme"]);
    same("resolve-customer.txt", &customer);
    same("resolve-mutable.txt", &resolve(&[], &["--from", "latest.yaml"]));
    same("resolve-elsewhere.txt", &resolve(&[("PLATFORM_IMAGE_DEPLOYMENT", "agent-cto")], &["--from", "state.yaml", "--org", "acme"]));
    same("resolve-container.txt", &resolve(&[("PLATFORM_IMAGE_CONTAINER", "agnet")], &["--from", "state.yaml", "--org", "acme"]));
    same("resolve-org.txt", &resolve(&[], &["--from", "state.yaml", "--org", "acmee"]));
    let last = FLEET.replace("namespace = \"agents\"", "deployment = \"none\"\nlast-resort = \"r.example/agent:1.0.0\"");
    std::fs::write(folder.path().join("fleet.toml"), last).unwrap();
    same("resolve-last-resort.txt", &resolve(&[], &["--from", "state.yaml", "--org", "acme"]));
}

#[test]
fn an_organisations_agent_is_rendered_with_its_image_and_where_it_came_from() {
    let lock = format!(
        "version = 1\n[platform]\nimage = \"r.example/agent:1.4.0\"\ncontainer = \"agent\"\nfrom = \"Deployment/agents/agent-ceo of context prod\"\n[images]\n\"r.example/agent:1.4.0\" = \"{SHA}\"\n\"r.example/fork:release-9\" = \"{SHA}\"\n\"r.example/log:4f6e2c1\" = \"{SHA}\"\n"
    );
    let folder = directory(&[("fleet.toml", FLEET), ("fleet.lock", &lock)]);
    let run = in_directory(folder.path(), &[], &["render"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let lines = |part: &str| run.out.lines().filter(|l| l.contains(part)).map(str::trim).collect::<Vec<_>>();
    assert_eq!(lines("rollcast/image-source"), ["rollcast/image-source: agent=platform", "rollcast/image-source: agent=override"]);
    assert_eq!(lines("/agent:1.4.0"), ["image: r.example/agent:1.4.0"]);
    let locked = in_directory(folder.path(), &[], &["render", "--locked"]);
    assert!(locked.out.contains(&format!("image: r.example/agent:1.4.0@{SHA}")), "{}{}", locked.out, locked.err);
    std::fs::write(folder.path().join("fleet.lock"), lock.replace("\"r.example/log", "\"r.example/other")).unwrap();
    same("render-stale-lock.txt", &in_directory(folder.path(), &[], &["render", "--locked"]));
    std::fs::remove_file(folder.path().join("fleet.lock")).unwrap();
    same("render-unresolved.txt", &in_directory(folder.path(), &[], &["render"]));
}

#[test]
fn drift_and_dry_runs_on_a_snapshot() {
    let folder = directory(&[("state.yaml", STATE)]);
    same("drift.txt", &images(folder.path(), &["drift", "--from", "state.yaml"]));
    same("sync-dry-run.txt", &images(folder.path(), &["sync", "--dry-run", "--from", "state.yaml"]));
    same("sync-snapshot.txt", &images(folder.path(), &["sync", "--from", "state.yaml"]));
    same("sync-mutable.txt", &images(folder.path(), &["sync", "--dry-run", "--from", "state.yaml", "--image", "r.example/agent:latest"]));
    let set =
        ["set", "--dry-run", "--from", "state.yaml", "deploy/org-a/agent-behind", "deployment/org-a/gone", "deployment/agents/agent-ceo"];
    let more = ["--image", "agent=r.example/agent:1.4.0", "--image", "init=r.example/init:1.0.0", "--image", "cai=r.example/cai:1.0.0"];
    same("set-dry-run.txt", &images(folder.path(), &[&set[..], &more].concat()));
    for (name, arguments) in [
        ("set-nothing.txt", &["set", "--from", "state.yaml", "--dry-run"][..]),
        ("set-no-kind.txt", &["set", "--from", "state.yaml", "--dry-run", "service/web", "--image", "a=b:1"]),
        ("set-no-image.txt", &["set", "--from", "state.yaml", "--dry-run", "deployment/x", "--image", "a=B:1"]),
    ] {
        same(name, &images(folder.path(), arguments));
    }
}

/// A simulated cluster over HTTP.
struct Served {
    child: Child,
    folder: tempfile::TempDir,
}

impl Served {
    fn start(pods: &str) -> Self {
        let folder = directory(&[("state.yaml", STATE)]);
        let serve = ["serve", "--from", "state.yaml", "--listen", "127.0.0.1:0", "--kubeconfig", "kubeconfig", "--pods", pods];
        let mut serve = command(&serve);
        let child = serve.current_dir(folder.path()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the binary runs");
        let served = Self { child, folder };
        for _ in 0..600 {
            if served.folder.path().join("kubeconfig").exists() {
                return served;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("it writes no kubeconfig");
    }

    fn images(&self, arguments: &[&str]) -> Run {
        let kubeconfig = self.folder.path().join("kubeconfig").display().to_string();
        in_directory(self.folder.path(), &[("KUBECONFIG", &kubeconfig)], &[&["images"], arguments].concat())
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

#[test]
fn sync_writes_once_and_continues() {
    let served = Served::start("ready");
    let dry = served.images(&["sync", "--dry-run"]);
    assert_eq!(dry.code, 1, "{}{}", dry.out, dry.err);
    same("sync.txt", &served.images(&["sync"]));
    same("sync-again.txt", &served.images(&["sync"]));
    assert_eq!(served.images(&["drift"]).code, 0);
}

/// No pod of the new image ever becomes ready: the first that fails is the last that is tried.
#[test]
fn sync_stops_after_failures() {
    let served = Served::start("pending");
    let sync = ["sync", "--image", "r.example/agent:1.5.0", "--timeout", "1s", "--max-parallel", "1", "--force"];
    same("sync-stopped.txt", &served.images(&sync));
    same("sync-stopped-again.txt", &served.images(&[&sync[..], &["--stop-after", "2"]].concat()));
}

#[test]
fn a_budget_stops_a_set_before_it_writes() {
    let fleet = "[fleet]\nname = \"demo\"\nnamespace = \"org-a\"\nworkload = \"agent-{agent}\"\n[images]\nagent = \"r.example/agent:1.4.0\"\n[agents.behind]\ncontainers = [\"agent\"]\nbudget = { rolls = 0 }\n";
    let served = Served::start("ready");
    std::fs::write(served.folder.path().join("fleet.toml"), fleet).unwrap();
    same("set-over-budget.txt", &served.images(&["set"]));
    assert_eq!(served.images(&["drift"]).code, 1, "nothing was written");
    same("set-force.txt", &served.images(&["set", "--force", "--wait"]));
    same("set-again.txt", &served.images(&["set"]));
}

/// A registry that answers one way; gives its address.
fn registry(answer: &'static str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
            while lines.next().is_some_and(|l| !l.is_empty()) {}
            match answer {
                "silent" => std::thread::sleep(Duration::from_secs(3)),
                _ => drop(stream.write_all(format!("HTTP/1.1 {answer}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n").as_bytes())),
            }
        }
    });
    address
}

#[test]
fn what_registries_answer() {
    let found: &str = Box::leak(format!("200 OK\r\nDocker-Content-Digest: {SHA}").into_boxed_str());
    for (name, answer) in [
        ("lock.txt", found),
        ("lock-denied.txt", "401 Unauthorized\r\nWWW-Authenticate: Basic realm=\"r\""),
        ("lock-missing.txt", "404 Not Found"),
        ("lock-busy.txt", "429 Too Many Requests\r\nRetry-After: 0"),
        ("lock-silent.txt", "silent"),
    ] {
        let address = registry(answer);
        let fleet = format!(
            "[fleet]\nname = \"demo\"\n# the map\n[images]\nagent = \"{address}/team/agent:1.4.0\" # by CI\n[agents.ceo]\ncontainers = [\"agent\"]\n"
        );
        let folder = directory(&[("fleet.toml", &fleet)]);
        let mut run = images(folder.path(), &["lock", "--pin", "--timeout", "300ms"]);
        run.out = run.out.replace(&address, "REGISTRY");
        run.err = run.err.replace(&address, "REGISTRY");
        same(name, &run);
        let after = std::fs::read_to_string(folder.path().join("fleet.toml")).unwrap();
        let expected = if run.code == 0 { fleet.replace(":1.4.0\" #", &format!(":1.4.0@{SHA}\" #")) } else { fleet };
        assert_eq!(after, expected, "comments stay");
        assert_eq!(folder.path().join("fleet.lock").exists(), run.code == 0);
    }
}

#[test]
fn without_a_network_it_is_said() {
    let fleet = "[fleet]\nname = \"demo\"\n[images]\nagent = \"127.0.0.1:1/agent:1.4.0\"\n[agents.ceo]\ncontainers = [\"agent\"]\n";
    let folder = directory(&[("fleet.toml", fleet)]);
    let run = images(folder.path(), &["lock"]);
    assert_eq!(run.code, 2);
    assert!(run.err.contains("error[image-registry]: `127.0.0.1:1/agent:1.4.0`: 127.0.0.1:1 cannot be reached"), "{}", run.err);
    assert!(run.err.contains("HTTPS_PROXY and --plain-http HOST say how"), "{}", run.err);
}

/// A fleet's own names do not fit the patterns, and need not; manifests tell of no time.
#[test]
fn the_agents_of_a_fleets_organisations_are_tenants() {
    let fleet = "golden/render/organisations/fleet.toml";
    let folder = directory(&[("state.yaml", &super::rollcast(&["render", "--fleet", fleet]).out)]);
    let state = folder.path().join("state.yaml").display().to_string();
    let drift = ["images", "drift", "--fleet", fleet, "--from", &state, "--image", "registry.example.com/agent:1.5.0"];
    let run = super::rollcast(&drift);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    for agent in ["Deployment/org-acme/sales-agent", "Deployment/org-acme/support-agent", "Deployment/tenant-omega/agent-support"] {
        assert!(run.out.contains(agent), "{agent}\n{}", run.out);
    }
    let own = run.out.lines().find(|l| l.starts_with("Deployment/org-zeta/support-agent")).unwrap_or_default();
    assert!(own.contains("agent:1.3.9  left alone"), "{}", run.out);
    assert!(!run.out.contains("since") && !run.out.contains("rolled out") && !run.out.contains("router"), "{}", run.out);
    let asked = super::rollcast(&[&drift[..], &["--workloads", "support-*"]].concat());
    assert!(!asked.out.contains("sales-agent"), "who asks for some gets no others: {}", asked.out);
}
