//! Configuration files: what changes when one of them does, and which secrets pass.

use super::{directory, rollcast_in};

const FLEET: &str = r#"
[fleet]
name = "demo"
kubernetes = "1.36"
namespace = "agents"
[images]
agent = "registry.example.com/agent:1.4.2"
[agents.writer]
containers = ["agent"]
config.skills = { directory = "skills" }
"#;

/// Looks random; put together here, so that no scanner takes this file for a leak.
fn secret() -> String {
    ["q7Rt", "0vX2", "mLp9", "Zk4W"].concat()
}

fn rendered(fleet: &str, skill: &str) -> super::Run {
    let at = directory(&[("fleet.toml", fleet), ("skills/review/SKILL.md", skill)]);
    rollcast_in(at.path(), &["render"])
}

#[test]
fn a_file_below_a_directory_rolls_the_pods() {
    let template = |out: &str| out.split("kind: Deployment").nth(1).map(str::to_owned).expect("a Deployment");
    let (one, two) = (rendered(FLEET, "one"), rendered(FLEET, "two"));
    assert_eq!((one.code, two.code), (0, 0), "{}", one.err);
    assert!(template(&one.out).contains("checksum/config") && template(&one.out) != template(&two.out));
    assert_eq!(rendered(FLEET, "one").out, one.out);
}

#[test]
fn a_secret_passes_only_by_name_and_with_a_reason() {
    let skill = format!("password = {}", secret());
    let refused = rendered(FLEET, &skill);
    assert_eq!(refused.code, 2);
    assert!(refused.err.starts_with("error[fleet-secret]: ") && !refused.err.contains(&secret()), "{}", refused.err);
    let digest = refused.err.split("digest ").nth(1).and_then(|rest| rest.get(..12)).expect("the digest is told");
    let allow = |entry: &str| format!("{FLEET}[secret-scan]\nallow = [{{ {entry}, reason = \"made up\" }}]\n");
    for entry in
        [format!("digest = \"{digest}\""), "file = \"skills/**\"".into(), "rule = \"assigned-secret\", file = \"**/SKILL.md\"".into()]
    {
        let allowed = rendered(&allow(&entry), &skill);
        assert_eq!((allowed.code, allowed.err.as_str()), (0, ""), "{entry}");
    }
    assert_eq!(rendered(&allow("file = \"skills/**\", rule = \"jwt\""), &skill).code, 2, "all of an entry must fit");
    let unused = rendered(&allow("rule = \"jwt\""), "nothing");
    assert_eq!(unused.code, 0);
    assert!(unused.err.starts_with("warning[fleet-secret-allow]: nothing that this allows was found"), "{}", unused.err);
}

/// Sealed values look random and are made to be committed.
#[test]
fn sealed_values_are_no_secrets() {
    let sealed = format!("{FLEET}[agents.writer.secrets]\nmcp = {{ sealed = {{ token = \"{}\" }}, env = true }}\n", secret());
    let run = rendered(&sealed, "nothing");
    assert_eq!(run.code, 0, "{}", run.err);
    let exposed = rendered(&format!("{FLEET}env.API_TOKEN = \"{}\"\n", secret()), "nothing");
    assert_eq!(exposed.code, 2);
}

/// A value from the environment ends in the manifests as any other.
#[test]
fn a_secret_from_the_environment_is_seen() {
    let at = directory(&[("fleet.toml", &format!("{FLEET}env.DB_PASSWORD = \"${{PASSWORD}}\"\n")), ("skills/a.md", "x")]);
    let run = super::ended(super::command(&["render"]).current_dir(at.path()).env("PASSWORD", secret()).output().expect("the binary runs"));
    assert_eq!(run.code, 2, "{}", run.out);
    assert!(run.err.contains("error[fleet-secret]") && !run.err.contains(&secret()), "{}", run.err);
}
