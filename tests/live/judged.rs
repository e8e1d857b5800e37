//! What others' own readers say of what is rendered beside Kubernetes: Prometheus' of rules, compose's of a compose file.

use crate::plane::Said;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

/// The program that asks them (`judge/main.go`).
fn judge() -> &'static Path {
    static JUDGE: OnceLock<PathBuf> = OnceLock::new();
    JUDGE.get_or_init(|| {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/judge/build.sh");
        let built = Said::from(Command::new(script).stdin(Stdio::null()).output().expect("bash runs")).ended("judge/build.sh", &[0]);
        built.lines().last().unwrap_or_default().into()
    })
}

/// What they read of a file, in their words: how many rules or services it holds.
fn judged(what: &str, file: &Path) -> String {
    let said = Said::from(Command::new(judge()).arg(what).arg(file).output().expect("it runs"));
    let file = format!("{}: ", file.display());
    said.ended("judge", &[0]).trim_end().rsplit(&file).next().unwrap_or_default().to_owned()
}

fn golden(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("golden/render").join(path)
}

/// Renders a fleet and gives the file that it was written to.
fn rendered(folder: &Path, fleet: &str, target: &str) -> PathBuf {
    fs::write(folder.join("fleet.toml"), fleet).unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_rollcast"));
    let output = command.args(["render", "--target", target]).env_clear().current_dir(folder).stdin(Stdio::null()).output().unwrap();
    let file = folder.join("out.yaml");
    fs::write(&file, Said::from(output).ended("render", &[0])).unwrap();
    file
}

const HEAD: &str = "[fleet]\nname = \"demo\"\nnamespace = \"agents\"\n[images]\nagent = \"registry.example.com/agent:1.4.2\"\n[agents.writer]\ncontainers = [\"agent\"]\n";

#[test]
fn prometheus_reads_every_rule() {
    assert_eq!(judged("rules", &golden("alerts/manifests.yaml")), "3 rules");
    assert_eq!(judged("rules", &golden("alerts/rules.yaml")), "3 rules");
    let folder = tempfile::tempdir().unwrap();
    for alerts in [
        "",
        // Names that its language has a meaning for, and values that it has to read back.
        "agent-label = \"by\"\ncode-label = \"on\"\nmatch = { job = 'a\"b\\c', offset = \"\\t\\u00e9 {{ x }}\", and = \"\" }\nmetrics = { tokens = \"sum\", sessions = \"a:b:c\", tool-calls = \"offset\", tool-failures = \"and\" }\n",
        "tokens-per-day = { above = 0 }\ntokens-per-session = { above = 123456789012345678, for = \"0s\" }\ntool-failures = { above = \"0.0001%\", for = \"1500ms\" }\nprovider-errors = { above = 1e-7, for = \"400d\" }\n",
        "runbook = \"https://x.example/{alert}?q={{ $labels.agent }}\"\ntool-failures.labels = { team = \"{{ $labels.team }} and {{ $value }}\", quoted = '\"' }\ntool-failures.runbook = \"a: b # c\"\n",
    ] {
        let file = rendered(folder.path(), &format!("{HEAD}[alerts]\n{alerts}"), "prometheus");
        assert_eq!(judged("rules", &file), "4 rules", "{alerts}\n{}", fs::read_to_string(&file).unwrap());
    }
}

#[test]
fn compose_reads_every_file() {
    assert_eq!(judged("compose", &golden("compose/compose.yaml")), "4 services");
    let folder = tempfile::tempdir().unwrap();
    for (fleet, services) in [
        ("alerts", 1),
        ("bundle", 3),
        ("canary", 4),
        ("config", 2),
        ("everything", 4),
        ("organisations", 5),
        ("stateful", 1),
        ("templates", 2),
    ] {
        let mut command = Command::new(env!("CARGO_BIN_EXE_rollcast"));
        let fleet_file = golden(fleet).join("fleet.toml");
        let output =
            command.args(["render", "--target", "compose", "--fleet"]).arg(fleet_file).env_clear().stdin(Stdio::null()).output().unwrap();
        let file = folder.path().join("compose.yaml");
        fs::write(&file, Said::from(output).ended("render", &[0])).unwrap();
        assert_eq!(judged("compose", &file), format!("{services} services"), "{fleet}");
    }
}
