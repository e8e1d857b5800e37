//! A fleet's organisations, environments and bundles, as a user meets them on the command line.

use super::{directory, rollcast, rollcast_fed, rollcast_in};
use rollcast::object::Value;
use std::path::Path;

const ORGANISATIONS: &str = "golden/render/organisations/fleet.toml";
/// Golden fleets whose pods are to meet the `restricted` Pod Security Standard.
const RESTRICTED: [&str; 8] = [
    "example",
    "render/alerts/manifests",
    "render/bundle/manifests",
    "render/canary/manifests",
    "render/config/manifests",
    "render/everything/manifests",
    "render/organisations/manifests",
    "render/stateful/manifests",
];

fn lines(arguments: &[&str]) -> Vec<String> {
    let run = rollcast(arguments);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{arguments:?}");
    run.out.lines().map(|l| l.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
}

/// Each value with the file and line that the winning layer has.
#[test]
fn where_each_value_comes_from_is_shown() {
    let base = lines(&["fleet", "show", "--fleet", ORGANISATIONS, "orgs.acme.agents.support"]);
    let staging = lines(&["fleet", "show", "--fleet", ORGANISATIONS, "--environment", "staging", "orgs.acme.agents.support"]);
    let text = std::fs::read_to_string(ORGANISATIONS).expect("readable");
    let line = |of: &str| text.lines().position(|l| l.starts_with(of)).expect("it is there") + 1;
    let resources = format!("# {ORGANISATIONS}:{}", line("resources"));
    assert!(base.contains(&format!("orgs.acme.agents.support.resources.limits.memory = \"512Mi\" {resources}")), "{base:#?}");
    let own = format!("# {ORGANISATIONS}:{}", line("orgs.acme.agents.support.resources"));
    assert!(staging.contains(&format!("orgs.acme.agents.support.resources.limits.memory = \"1Gi\" {own}")), "{staging:#?}");
    let omega = lines(&["fleet", "show", "--fleet", ORGANISATIONS, "orgs.omega.namespace"]);
    assert_eq!(omega, ["orgs.omega.namespace = \"tenant-{org}\" # golden/render/organisations/orgs/omega.toml:2"]);
}

/// The command line that the README gives for comparing two environments.
#[test]
fn two_environments_are_compared() {
    let staging = rollcast(&["render", "--fleet", ORGANISATIONS, "--environment", "staging"]);
    let same = ["diff", "--fleet", ORGANISATIONS, "--environment", "staging", "--from", "-"];
    let run = rollcast_fed(staging.out.as_bytes(), &same);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    let run = rollcast_fed(staging.out.as_bytes(), &["diff", "--fleet", ORGANISATIONS, "--from", "-"]);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.out.contains("Deployment/org-acme/support-agent") && run.out.contains("1Gi"), "{}", run.out);
    assert!(run.out.contains("Namespace/org-zeta"), "{}", run.out);
    // What the other environment does not have stays where it is.
    let base = rollcast(&["render", "--fleet", ORGANISATIONS]);
    let run = rollcast_fed(base.out.as_bytes(), &same);
    assert!(run.code == 1 && run.out.contains("Deployment/org-zeta/support-agent left behind\n"), "{}{}", run.out, run.err);
    assert!(run.out.ends_with(" left behind\n") && !run.out.contains("ReplicaSet"), "{}", run.out);
    // Custom resources, whose definitions stand in neither, are no obstacle.
    let bundle = ["render", "--fleet", "golden/render/bundle/fleet.toml"];
    let run = rollcast_fed(rollcast(&bundle).out.as_bytes(), &["diff", "--fleet", bundle[2], "--from", "-"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
}

/// Put together here, so that no scanner takes this file for a leak.
#[test]
fn what_looks_like_a_secret_is_not_shown() {
    let secret = ["q7Rt", "0vX2", "mLp9", "Zk4W"].concat();
    let fleet = format!("[fleet]\nname = \"f\"\n[agents.web]\ncontainers = [\"a\"]\nenv.API_TOKEN = \"{secret}\"\n");
    let at = super::directory(&[("fleet.toml", &fleet)]);
    let run = super::rollcast_in(at.path(), &["fleet", "show"]);
    assert!(run.code == 0 && run.out.contains("env.API_TOKEN = \"****************\"") && !run.out.contains(&secret), "{}", run.out);
}

/// An environment may add an agent; a misspelt one is not meant to be added.
#[test]
fn what_is_nearly_an_agent_or_a_workload_is_told() {
    let fleet = "[fleet]\nname = \"f\"\n[images]\na = \"a:1.0.0\"\n[defaults]\ncontainers = [\"a\"]\n[agents.researcher]\n[environments.staging]\nagents.reseacher.replicas = 2\nagents.other.replicas = 1\n[[pipeline]]\nname = \"Restart\"\nrestart = { workloads = [\"deployment/reseacher-agent\", \"deployment/elsewhere\"] }\n";
    let at = super::directory(&[("fleet.toml", fleet)]);
    let run = super::rollcast_in(at.path(), &["render"]);
    assert_eq!(run.code, 0, "{}", run.err);
    for said in [
        "the environment `staging` adds the agent `reseacher`",
        "did you mean `researcher`?",
        "did you mean `deployment/researcher-agent`?",
    ] {
        assert!(run.err.contains(said), "{said}\n{}", run.err);
    }
    assert_eq!(run.err.matches("warning[").count(), 2, "{}", run.err);
}

#[test]
fn an_agent_is_explained_as_a_tree() {
    let lines = lines(&["explain", "agents.ceo", "--fleet", "golden/render/bundle/fleet.toml"]);
    assert_eq!(lines[0], "agents.ceo golden/render/bundle/fleet.toml:17");
    for expected in [
        "└── Namespace agent-ceo agent-role=ceo, pod-security.kubernetes.io/enforce=restricted, org=genbrain, do-not-reap=true",
        "├── NetworkPolicy default-deny nobody in, nobody out",
        "├── NetworkPolicy allow-nats to nats/nats:4222 TCP",
        "├── Role ceo-agent get watch configmaps cluster-info",
        "├── ExternalSecret ceo-agent-api-keys ANTHROPIC_API_KEY, OPENAI_API_KEY from vault",
    ] {
        assert!(lines.iter().any(|l| l == expected), "{expected}\n{lines:#?}");
    }
    let tenant = rollcast(&["explain", "acme/support", "--fleet", ORGANISATIONS]);
    assert!(tenant.out.contains("Namespace org-acme") && !tenant.out.contains("sales"), "{}{}", tenant.out, tenant.err);
}

/// Every pod of the golden fleets, in namespaces that enforce the standard: none is warned of.
#[test]
fn the_pods_of_golden_fleets_are_restricted() {
    for name in RESTRICTED {
        let manifests = std::fs::read_to_string(format!("golden/{name}.yaml")).expect("golden");
        let enforced: Vec<String> = manifests.split("---\n").map(enforcing).collect();
        let run = rollcast_fed(enforced.join("---\n").as_bytes(), &["check", "--empty", "-f", "-", "--report", "json"]);
        let report: Value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{name}: {e}: {}", run.err));
        let found: Vec<&Value> = report["diagnostics"].as_array().expect("a list").iter().filter(|d| d["code"] == "pod-security").collect();
        assert!(found.is_empty(), "{name}: {found:?}");
    }
    let loose = std::fs::read_to_string("golden/example.yaml").expect("golden").replace("runAsNonRoot: true", "runAsNonRoot: false");
    let loose = loose.split("---\n").map(enforcing).collect::<Vec<_>>();
    let run = rollcast_fed(loose.join("---\n").as_bytes(), &["check", "--empty", "-f", "-"]);
    assert!(run.out.contains("pod-security"), "the check sees what is not restricted: {}", run.out);
}

fn enforcing(document: &str) -> String {
    if document.contains("kind: Namespace\n") && !document.contains("enforce: restricted") {
        return document.replace("  labels:\n", "  labels:\n    pod-security.kubernetes.io/enforce: restricted\n");
    }
    document.to_owned()
}

/// A claim of a StatefulSet cannot change: that is predicted, with the way out, and the way out works.
#[test]
fn what_a_stateful_set_cannot_change_is_refused_before() {
    let fleet = std::fs::read_to_string("golden/render/stateful/fleet.toml").expect("readable");
    let before = std::fs::read_to_string("golden/render/stateful/manifests.yaml").expect("golden");
    let next = fleet.replace("size = \"20Gi\"", "size = \"30Gi\"");
    let at = directory(&[("before.yaml", &before), ("fleet.toml", &next)]);
    let run = rollcast_in(at.path(), &["check", "--from", "before.yaml"]);
    assert_eq!(run.code, 1, "{}", run.err);
    let way = "kubectl delete statefulset researcher-agent -n agents --cascade=orphan";
    assert!(run.out.contains("stateful-set-immutable") && run.out.contains(way), "{}", run.out);
    let orphan = "\n[[pipeline]]\nname = \"Orphan\"\ndelete = { objects = [\"statefulset/agents/researcher-agent\"], orphan = true }\n\
                  [[pipeline]]\nname = \"Apply\"\napply = { server-side = true }\n";
    std::fs::write(at.path().join("fleet.toml"), next + orphan).expect("writable");
    let run = rollcast_in(at.path(), &["plan", "--from", "before.yaml", "--report", "json"]);
    let report: Value = serde_json::from_str(&run.out).unwrap_or_else(|e| panic!("{e}: {}", run.err));
    assert_eq!(report["workloads"][0]["pods_replaced"], 0, "{report:#}");
    assert_eq!(report["steps"][1]["status"], report["steps"][0]["status"], "{report:#}");
}

/// A tenth of what is promised, in a file for each organisation: all objects, one file each, and nothing on the second run.
#[test]
fn many_organisations_by_include() {
    let mut files: Vec<(String, String)> = vec![("fleet.toml".into(), FLEET.into())];
    for org in 0..50 {
        let agents: Vec<String> = (0..20).map(|a| format!("\"agent{a}\"")).collect();
        files.push((format!("orgs/org{org}.toml"), format!("[orgs.org{org}]\nagents = [{}]\n", agents.join(", "))));
    }
    let files: Vec<(&str, &str)> = files.iter().map(|(n, t)| (n.as_str(), t.as_str())).collect();
    let at = directory(&files);
    let run = rollcast_in(at.path(), &["render", "--into", "out"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let below = |path: &Path| std::fs::read_dir(path).expect("a directory").count();
    assert_eq!(below(&at.path().join("out")), 50 + 50 + 1, "a directory and a Namespace each, and the inventory");
    assert_eq!(below(&at.path().join("out/org-org7")), 20 * 4 + 5, "{}", run.err);
    let again = rollcast_in(at.path(), &["render", "--into", "out"]);
    assert!(again.err.contains("0 created, 0 changed, 0 removed"), "{}", again.err);
}

const FLEET: &str = r#"
include = ["orgs/*.toml"]
[fleet]
name = "many"
[images]
agent = "registry.example.com/agent:1.4.2"
[defaults]
containers = ["agent"]
resources = { requests = { cpu = "100m", memory = "256Mi" }, limits = { memory = "512Mi" } }
"#;
