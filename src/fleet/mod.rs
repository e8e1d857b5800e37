//! `fleet.toml` as written becomes a checked fleet.
//!
//! [`FleetFile`](file::FleetFile) is what the file says, each value with its place. [`Fleet`] is what it means: defaults laid
//! under every agent, patterns replaced by names, every reference found. All mistakes of a file are reported in one run.
//!
//! `${NAME}` and `${NAME:-default}` in strings are environment variables, given by the caller. `command`, `args`, `run` and the
//! content of `config` are handed on as they stand: there `${…}` belongs to a shell. `$${` stands for a plain `${`.

pub mod agent;
mod check;
pub mod duration;
pub mod expect;
pub mod file;
pub mod pipeline;
pub mod read;
pub mod step;
mod step_text;

pub use step_text::step_toml;

pub use agent::{Agent, Budget, Container, Volume, VolumeKind};

use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::object::Value;
use pipeline::Step;
use read::{At, FromToml, Reader};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;
use toml::de::DeValue;

/// A checked fleet.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// Its name.
    pub name: String,
    /// The Kubernetes version, as written: `1.36`.
    pub kubernetes: Option<At<String>>,
    /// Labels of every object.
    pub labels: BTreeMap<String, String>,
    /// Which cluster state to compare with when the command line names none.
    pub cluster: ClusterChoice,
    /// Container to image.
    pub images: BTreeMap<String, At<String>>,
    /// Whether tags that can move are allowed.
    pub allow_mutable: bool,
    /// The agents, by name.
    pub agents: Vec<Agent>,
    /// The pipeline.
    pub pipeline: Vec<Step>,
    /// Differences that do not count.
    pub ignore: Vec<Ignore>,
    /// What a rehearsal must come to, if the file says so.
    pub expect: Option<expect::Expected>,
    /// The file it comes from.
    pub source: Arc<Source>,
    /// What the user should know although nothing is wrong: keys that have no effect yet.
    pub notes: Vec<Diagnostic>,
}

impl Fleet {
    /// The directory that relative paths of the file start from.
    pub fn directory(&self) -> &Path {
        self.source.file.parent().unwrap_or(Path::new(""))
    }

    /// The agent that a workload belongs to.
    pub fn agent_of(&self, namespace: &str, workload: &str) -> Option<&Agent> {
        self.agents.iter().find(|a| a.namespace == namespace && a.workload == workload)
    }
}

/// The `[cluster]` table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClusterChoice {
    /// A snapshot, from the directory of the fleet file.
    pub from: Option<PathBuf>,
    /// A kubeconfig context.
    pub context: Option<String>,
}

/// A difference that does not count.
#[derive(Clone, Debug, PartialEq)]
pub struct Ignore {
    /// Of objects of this kind.
    pub kind: Option<String>,
    /// Of objects of this name.
    pub name: Option<String>,
    /// At this JSONPath.
    pub path: At<String>,
}

/// Reads and checks a fleet file. `environment` is where `${NAME}` is looked up. Files that `config` names are read from beside
/// the fleet file.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn load(source: Arc<Source>, environment: &BTreeMap<String, String>) -> Result<Fleet, Diagnostics> {
    let directory = source.file.parent().map(Path::to_owned).unwrap_or_default();
    load_with(source, environment, &|file| std::fs::read_to_string(directory.join(file)).map_err(|e| e.to_string()))
}

/// As [`load`], with a way to read the files that `config` names: from a git revision, for instance.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn load_with(
    source: Arc<Source>,
    environment: &BTreeMap<String, String>,
    read: &dyn Fn(&str) -> Result<String, String>,
) -> Result<Fleet, Diagnostics> {
    let table = read::parse(&source).map_err(Diagnostics)?;
    let mut reader = Reader { source: &source, environment, problems: Vec::new(), refused: Vec::new() };
    let span = table.span();
    let file = file::FleetFile::read(&Spanned::new(span, DeValue::Table(table.into_inner())), &mut reader);
    let fleet = file.map(|file| check::check(file, &mut reader, read));
    let mut problems = reader.problems;
    problems.sort_by_key(|d| d.place.as_ref().map_or(0, |(_, range)| range.start));
    match fleet {
        Some(fleet) if problems.is_empty() => Ok(Fleet { source, ..fleet }),
        _ => Err(Diagnostics(problems)),
    }
}

/// The JSON Schema of `fleet.toml`.
pub fn json_schema() -> Value {
    let mut schema = schemars::schema_for!(file::FleetFile);
    schema.insert("title".into(), "fleet.toml of rollcast".into());
    Value::of(&schema).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::pipeline::{Action, Applier, Who};
    use super::{Fleet, json_schema, load_with, step_toml};
    use crate::diagnostic::{Diagnostics, Source};
    use std::collections::BTreeMap;
    use std::time::Duration;

    fn fleet(text: &str) -> Result<Fleet, Diagnostics> {
        let source = Source::read("fleet.toml".into(), format!("[fleet]\nname = \"demo\"\n{text}").into_bytes())?;
        let environment = BTreeMap::from([("SHA".to_owned(), "4f6e2c1".to_owned()), ("EMPTY".to_owned(), String::new())]);
        load_with(source, &environment, &|file| Ok(format!("content of {file}")))
    }

    #[test]
    fn variables_come_from_the_environment() {
        let made = fleet(
            r#"
            [images]
            a = "x:${SHA}"
            b = "x:${NONE:-d}-${EMPTY:-e}"
            c = "$${SHA}"
            [agents.one]
            containers = ["a"]
            args = ["${HOME}"]
            "#,
        )
        .unwrap();
        let images: Vec<&str> = made.images.values().map(|i| i.value.as_str()).collect();
        assert_eq!(images, ["x:4f6e2c1", "x:d-e", "${SHA}"]);
        assert_eq!(made.agents[0].containers[0].args, ["${HOME}"], "a shell's variables are not ours");
        let unset = fleet("[images]\na = \"x:${NONE}\"\n[agents.one]\ncontainers = [\"a\"]\n").unwrap_err();
        assert_eq!(unset.to_string(), "fleet.toml:4:8: the environment variable `NONE` is not set");
    }

    #[test]
    fn own_keys_win_over_extended_ones_and_those_over_defaults() {
        let made = fleet(
            r#"
            [defaults]
            containers = ["a"]
            env = { X = "d", Y = "d", Z = "d" }
            restart = "1m"
            [agents.base]
            env = { X = "b", Y = "b" }
            budget = { rolls = 2, downtime = "3m" }
            [agents.one]
            extends = "base"
            env = { X = "o" }
            budget = { rolls = 1 }
            config = { f = { file = "f.txt" } }
            "#,
        )
        .unwrap();
        let one = &made.agents[1];
        let env: Vec<String> = one.containers[0].env.iter().map(|(k, v)| format!("{k} {v:?}")).collect();
        assert!(env[0].starts_with("Z ") && env[0].contains("\"d\"") && env[1].contains("\"b\"") && env[2].contains("\"o\""), "{env:?}");
        assert_eq!((one.budget.rolls, one.budget.downtime), (Some(1), Some(Duration::from_secs(180))));
        assert_eq!(one.restart, Some(Duration::from_secs(60)));
        assert_eq!(one.config["f"], "content of f.txt");
        assert_eq!((one.workload.as_str(), one.namespace.as_str()), ("one-agent", "default"));
    }

    const STEPS: &str = r#"
        [agents.one]
        containers = ["a"]
        [[pipeline]]
        name = "1"
        apply = { server-side = true, force = true }
        [[pipeline]]
        name = "2"
        apply = {}
        continue = true
        [[pipeline]]
        name = "3"
        apply = { as = "argocd", files = ["x.yaml"] }
        [[pipeline]]
        name = "4"
        run = "deploy.sh ${HOME}"
        [[pipeline]]
        name = "5"
        set-images = { containers = ["a"], images = { a = "x:1.0.0" } }
        [[pipeline]]
        name = "6"
        set-env = { env = { A = "1", B = false } }
        [[pipeline]]
        name = "7"
        scale = { replicas = 2, workloads = ["deployment/one-agent"] }
        [[pipeline]]
        name = "8"
        restart = true
        [[pipeline]]
        name = "9"
        patch = { type = "merge", patch = { spec = { paused = true } } }
    "#;

    #[test]
    fn steps_say_who_applies_and_how() {
        let made = fleet(STEPS).unwrap();
        let applier = |who, force| Applier { who, field_manager: None, force };
        let actions: Vec<&Action> = made.pipeline.iter().map(|s| &s.action).collect();
        assert_eq!(*actions[0], Action::Apply { applier: applier(Who::KubectlServer, Some(true)), files: Vec::new() });
        assert_eq!(*actions[1], Action::Apply { applier: applier(Who::Kubectl, None), files: Vec::new() });
        assert_eq!(*actions[2], Action::Apply { applier: applier(Who::ArgoCd, None), files: vec!["x.yaml".into()] });
        assert_eq!(*actions[3], Action::Run { command: "deploy.sh ${HOME}".into() });
        assert!(made.pipeline[1].continues && !made.pipeline[0].continues);
    }

    /// Each step that is printed for a user to paste reads back as the same step.
    #[test]
    fn printed_steps_read_back() {
        let made = fleet(STEPS).unwrap();
        let printed: String = made.pipeline.iter().map(step_toml).collect();
        let again = fleet(&format!("[agents.one]\ncontainers = [\"a\"]\n{printed}")).unwrap();
        assert_eq!(again.pipeline, made.pipeline, "{printed}");
    }

    #[test]
    fn what_has_no_effect_yet_is_said() {
        let made = fleet(
            r#"
            [agents.one]
            containers = ["a"]
            [orgs.acme]
            agents = ["one"]
            [environments.staging]
            agents.one.replicas = 2
            "#,
        )
        .unwrap();
        let said: Vec<&str> = made.notes.iter().map(|n| n.text.as_str()).collect();
        assert_eq!(said, ["`orgs` is not rendered yet", "`environments` is not rendered yet"]);
    }

    #[test]
    fn the_schema_knows_every_key() {
        let schema = json_schema();
        let agent = &schema["$defs"]["AgentFile"];
        assert_eq!(agent["additionalProperties"], false);
        assert_eq!(agent["properties"].as_object().unwrap().len(), 25);
        assert_eq!(agent["properties"]["replicas"]["description"], "How many pods.");
        assert!(schema["properties"]["pipeline"].is_object(), "{schema:#}");
    }
}
