//! Canaries, what a change means by dimension, and what going back would do.

use super::{commit, directory, rollcast_in};
use rollcast::object::Value;
use std::path::Path;

const FLEET: &str = r#"
[fleet]
name = "demo"
kubernetes = "1.36"
namespace = "agents"
[dimensions]
tone = ["file:**/tone.txt"]
[images]
agent = "registry.example.com/agent:1.4.2"
[defaults]
containers = ["agent"]
restart = "30s"
stop = "1s"
[agents.writer]
replicas = 4
env.MODEL = "large-2"
config = { "AGENTAO.md" = { file = "AGENTAO.md" }, "settings.json" = { file = "settings.json" }, "tone.txt" = "dry" }
[agents.writer.canary]
weight = "25%"
set = { env.MODEL = "large-3" }
[agents.reader]
config = { "settings.json" = { file = "settings.json" } }
"#;

fn fleet() -> tempfile::TempDir {
    let at = directory(&[
        ("fleet.toml", FLEET),
        ("AGENTAO.md", "You write.\n"),
        ("settings.json", "{\"model\": \"m\", \"permissions\": [], \"theme\": \"dark\"}"),
    ]);
    commit(at.path());
    at
}

/// Dimension to the workloads that roll for it, and what changes.
fn dimensions(at: &Path, arguments: &[&str]) -> Vec<(String, String, String)> {
    let run = rollcast_in(at, &[&["plan", "--report", "json"], arguments].concat());
    assert_eq!(run.code, 0, "{}", run.err);
    let report: Value = serde_json::from_str(&run.out).expect("JSON");
    let joined = |v: &Value| v.as_array().expect("a list").iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" ");
    let list = report["dimensions"].as_array().cloned().unwrap_or_default();
    list.iter().map(|d| (d["name"].as_str().unwrap_or_default().to_owned(), joined(&d["workloads"]), joined(&d["changes"]))).collect()
}

fn triple(a: &str, b: &str, c: &str) -> (String, String, String) {
    (a.into(), b.into(), c.into())
}

#[test]
fn a_change_is_told_by_dimension() {
    let at = fleet();
    assert!(dimensions(at.path(), &["--base", "HEAD"]).is_empty());
    std::fs::write(at.path().join("AGENTAO.md"), "You write well.\n").expect("writable");
    std::fs::write(at.path().join("settings.json"), "{\"model\": \"n\", \"permissions\": [], \"theme\": \"light\"}").expect("writable");
    std::fs::write(at.path().join("fleet.toml"), FLEET.replace("large-3", "large-4").replace("\"dry\"", "\"warm\"")).expect("writable");
    let (reader, writer, canary) =
        ("Deployment/agents/reader-agent", "Deployment/agents/writer-agent", "Deployment/agents/writer-agent-canary");
    let (both, all) = (format!("{writer} {canary}"), format!("{reader} {writer} {canary}"));
    let told = [
        triple("tone", &both, "tone.txt"),
        triple("prompt", &both, "AGENTAO.md"),
        triple("model", &all, "MODEL model of settings.json"),
        triple("other", &all, "theme of settings.json"),
    ];
    assert_eq!(dimensions(at.path(), &["--base", "HEAD"]), told);
    let text = rollcast_in(at.path(), &["plan", "--base", "HEAD"]);
    assert!(text.out.contains("\nDimensions\n  tone    Deployment/agents/writer-agent, "), "{}", text.out);
    let page = rollcast_in(at.path(), &["plan", "--base", "HEAD", "--report", "markdown"]);
    let line = format!("**Dimensions**\n\n- tone: `{writer}`, `{canary}` (tone.txt)\n");
    assert!(page.out.contains(&line), "{}", page.out);
}

/// Going back rolls what the change rolled, with the manifests and the pipeline of then.
#[test]
fn a_rollback_is_the_old_revision_on_the_state_of_now() {
    let at = fleet();
    std::fs::write(at.path().join("AGENTAO.md"), "You write well.\n").expect("writable");
    std::fs::write(at.path().join("fleet.toml"), FLEET.replace("[agents.reader]", "[agents.late]\n[agents.reader]")).expect("writable");
    commit(at.path());
    let run = rollcast_in(at.path(), &["plan", "--base", "HEAD", "--rollback", "HEAD~1"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.starts_with("rollback of fleet demo to HEAD~1 ("), "{}", run.out);
    let rolling: Vec<&str> = run.out.lines().filter(|l| l.starts_with("~ ")).map(|l| l.split_whitespace().nth(1).unwrap()).collect();
    assert_eq!(rolling, ["Deployment/agents/writer-agent", "Deployment/agents/writer-agent-canary"], "{}", run.out);
    assert_eq!(dimensions(at.path(), &["--base", "HEAD", "--rollback", "HEAD~1"])[0].0, "prompt");
    let nothing = rollcast_in(at.path(), &["plan", "--base", "HEAD", "--rollback", "HEAD"]);
    assert!(nothing.out.contains("Total: 0 rolls"), "{}", nothing.out);
    let unknown = rollcast_in(at.path(), &["plan", "--empty", "--rollback", "v9"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("git knows no revision `v9`"), "{}", unknown.err);
}
