//! `fleet.toml` as written becomes a checked fleet.
//!
//! [`FleetFile`](file::FleetFile) is what the file says, each value with its place. [`Fleet`] is what it means: defaults laid
//! under every agent, patterns replaced by names, every reference found. All mistakes of a file are reported in one run.
//!
//! Before that, included files are put behind the file that names them (`parts`), the environment that was asked for is laid over
//! the whole, and what agents inherit under them (`layer`, `inherit`).
//!
//! `${NAME}` and `${NAME:-default}` in strings are environment variables, given by the caller. `command`, `args`, `run` and the
//! content of `config` are handed on as they stand: there `${…}` belongs to a shell. `$${` stands for a plain `${`.

pub mod agent;
mod agent_check;
mod aim;
pub mod alerts;
mod around;
pub mod bundle;
pub mod canary;
mod check;
pub mod config;
pub mod dimensions;
pub mod duration;
mod environment;
pub mod expect;
pub mod file;
pub mod images;
mod inherit;
mod layer;
pub mod namespace;
pub mod network;
mod parts;
mod patterns;
pub mod pipeline;
mod probes;
pub mod read;
mod secret_scan;
pub mod secrets;
pub mod security;
mod show;
pub mod step;
mod step_text;

pub use step_text::step_toml;

pub use parts::{Files, OnDisk};
pub use show::{Shown, values};

pub use agent::{Agent, Budget, Container, Volume, VolumeKind};

use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::object::Value;
use bundle::LimitsFile;
use file::{Amount, Named};
use namespace::Space;
use network::{Contacts, Network};
use pipeline::Step;
use read::{At, Reader};
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

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
    /// What `[images]` says beside the image map.
    pub image_settings: images::ImageSettings,
    /// Whether tags that can move are allowed.
    pub allow_mutable: bool,
    /// What of a change belongs to which dimension.
    pub dimensions: dimensions::Dimensions,
    /// Whether changes are told by dimension: the fleet names dimensions, or has a canary.
    pub tells_dimensions: bool,
    /// Alerts about the agents.
    pub alerts: Option<alerts::Alerts>,
    /// How configuration files become ConfigMaps.
    pub config: config::ConfigSettings,
    /// The environment that was laid over it.
    pub environment: Option<String>,
    /// The organisations, by name.
    pub orgs: Vec<Org>,
    /// The agents, by name; those of the organisations behind.
    pub agents: Vec<Agent>,
    /// The namespaces that the agents live in, by name.
    pub spaces: Vec<Space>,
    /// Whom every agent of a bundle may talk to.
    pub network: Network,
    /// Whom else each agent may talk to, in their order.
    pub contacts: Vec<Contacts>,
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

/// A tenant.
#[derive(Clone, Debug, PartialEq)]
pub struct Org {
    /// Its name.
    pub name: String,
    /// Where its table stands.
    pub at: Range<usize>,
    /// The pattern of its agents' namespaces.
    pub namespace: At<String>,
    /// The pattern of its agents' workloads.
    pub workload: At<String>,
    /// Its own images: container to image.
    pub images: Named<String>,
    /// Labels of its objects.
    pub labels: BTreeMap<String, String>,
    /// Whether its namespace has a bundle.
    pub bundle: bool,
    /// The quota of its namespace.
    pub quota: Option<At<Named<Amount>>>,
    /// The limits of a container in its namespace.
    pub limits: Option<At<LimitsFile>>,
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

/// What a fleet file is read with.
pub struct Asked<'a> {
    /// Environment variables: where `${NAME}` is looked up.
    pub variables: &'a BTreeMap<String, String>,
    /// The environment to lay over it.
    pub environment: Option<&'a str>,
    /// The files beside it: those that it includes, and those that `config` names.
    pub files: &'a dyn Files,
}

/// Reads and checks a fleet file on the disk, without an environment. `variables` is where `${NAME}` is looked up.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn load(source: Arc<Source>, variables: &BTreeMap<String, String>) -> Result<Fleet, Diagnostics> {
    let files = OnDisk(source.file.parent().map(Path::to_owned).unwrap_or_default());
    load_as(source, &Asked { variables, environment: None, files: &files })
}

/// As [`load`], with an environment, and from wherever the files are.
///
/// # Errors
/// Everything that is wrong with the file.
pub fn load_as(source: Arc<Source>, asked: &Asked<'_>) -> Result<Fleet, Diagnostics> {
    match look(source, asked) {
        Looked { fleet: Some(fleet), problems } if problems.is_empty() => Ok(fleet),
        Looked { problems, .. } => Err(Diagnostics(problems)),
    }
}

/// What came of reading a fleet file.
pub struct Looked {
    /// The fleet, without what is wrong: good for nothing but finding more that is, if there are problems.
    pub fleet: Option<Fleet>,
    /// Everything that is wrong with the file.
    pub problems: Vec<Diagnostic>,
}

/// As [`load_as`]; where something is wrong, the rest of the fleet is there to be looked at too.
pub fn look(source: Arc<Source>, asked: &Asked<'_>) -> Looked {
    let unread = |source: &Arc<Source>, wrong| {
        let Diagnostics(problems) = secret_scan::without_secrets(Diagnostics(wrong), source);
        Looked { fleet: None, problems }
    };
    let source = match parts::with_included(Arc::clone(&source), asked.files) {
        Ok(source) => source,
        Err(wrong) => return unread(&source, wrong),
    };
    let whole = match parts::parse(&source) {
        Ok(whole) => whole,
        Err(wrong) => return unread(&source, wrong),
    };
    let mut reader = Reader::new(&source, asked.variables);
    secret_scan::prepare(&whole, &mut reader);
    let fleet = environment::with_environment(whole, asked.environment, &mut reader)
        .and_then(|whole| check::check(whole, &mut reader, asked.files));
    // Whoever finds more shows no secret either.
    let hidden = reader.hidden.clone().filter(|_| !reader.problems.is_empty());
    let source = hidden.unwrap_or_else(|| Arc::clone(&source));
    let warnings = std::mem::take(&mut reader.warnings);
    let problems = reader.problems();
    let environment = asked.environment.map(str::to_owned);
    let fleet = fleet.map(|fleet| {
        let notes = warnings.into_iter().chain(fleet.notes).collect();
        Fleet { environment, source, notes, ..fleet }
    });
    Looked { fleet, problems }
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
    use super::{Asked, Files, Fleet, json_schema, load_as, step_toml};
    use crate::diagnostic::{Diagnostics, Source};
    use std::collections::BTreeMap;
    use std::time::Duration;

    struct Content;

    impl Files for Content {
        fn read(&self, path: &str) -> Result<String, String> {
            Ok(format!("content of {path}"))
        }

        fn list(&self, directory: &str) -> Result<Vec<String>, String> {
            Err(format!("{directory} is not there"))
        }
    }

    fn fleet(text: &str) -> Result<Fleet, Diagnostics> {
        let source = Source::read("fleet.toml".into(), format!("[fleet]\nname = \"demo\"\n{text}").into_bytes())?;
        let environment = BTreeMap::from([("SHA".to_owned(), "4f6e2c1".to_owned()), ("EMPTY".to_owned(), String::new())]);
        load_as(source, &Asked { variables: &environment, environment: None, files: &Content })
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

    /// As a tenant's agents are meant to be read: own keys, then what they extend, their organisation's defaults, the fleet's.
    #[test]
    fn organisations_inherit_and_name_their_own() {
        let made = fleet(
            r#"
            [defaults]
            containers = ["a"]
            replicas = 1
            restart = "1m"
            [agents.base]
            stop = "2s"
            [orgs.acme]
            agents = ["support", "sales"]
            labels = { tenant = "acme" }
            image.a = "x:1.0.0"
            [orgs.zeta]
            namespace = "z-{agent}"
            workload = "{org}-{agent}"
            defaults.replicas = 4
            [orgs.zeta.agents.one]
            extends = "base"
            [orgs.zeta.agents.two]
            replicas = 5
            restart = { remove = true }
            "#,
        )
        .unwrap();
        let said = |a: &super::Agent| format!("{}/{} {} {:?} {:?}", a.namespace, a.workload, a.replicas, a.restart, a.stop);
        assert_eq!(
            made.agents.iter().map(said).collect::<Vec<_>>(),
            [
                "default/base-agent 1 Some(60s) Some(2s)",
                "org-acme/sales-agent 1 Some(60s) None",
                "org-acme/support-agent 1 Some(60s) None",
                "z-one/zeta-one 4 Some(60s) Some(2s)",
                "z-two/zeta-two 5 None None",
            ]
        );
        let sales = &made.agents[1];
        assert_eq!((sales.org.as_deref(), &sales.labels["tenant"]), (Some("acme"), &"acme".to_owned()));
        assert_eq!(sales.containers[0].image.as_ref().unwrap().value, "x:1.0.0");
    }

    /// A percentage of surge is rounded up (`ResolveFenceposts` in the Deployment controller's `deployment_util.go`), Recreate has none.
    #[test]
    fn pods_beyond_the_replicas_count_in_quotas() {
        let made = fleet(
            r#"
            bundle = true
            namespace = "n-{agent}"
            [defaults]
            containers = ["a"]
            resources = { requests = { cpu = "100m" }, limits = { memory = "1Gi" } }
            [agents.claimed]
            volumes.data = { size = "1Gi", mount = "/data" }
            [agents.fixed]
            replicas = 2
            strategy = { max-surge = 1, max-unavailable = 0 }
            [agents.percent]
            replicas = 5
            [agents.stateful]
            kind = "StatefulSet"
            replicas = 3
            volumes.data = { size = "1Gi", mount = "/data" }
            "#,
        )
        .unwrap();
        let surges: Vec<i64> = made.agents.iter().map(super::Agent::surge).collect();
        assert_eq!(surges, [0, 1, 2, 0]);
        let quota = |i: usize, key: &str| made.spaces[i].quota.get(key).cloned().unwrap_or_default();
        assert_eq!((quota(2, "pods"), quota(2, "requests.cpu"), quota(2, "limits.memory")), ("14".into(), "1400m".into(), "14Gi".into()));
        assert_eq!(quota(2, "requests.memory"), "14Gi", "a limit alone is a request too");
        assert_eq!((quota(3, "requests.storage"), quota(3, "persistentvolumeclaims")), ("3Gi".into(), "3".into()));
        assert_eq!(made.spaces[0].limits.max["memory"], "1Gi");
        assert!(!made.spaces[0].limits.max.contains_key("cpu"), "no container says a limit of it");
    }

    #[test]
    fn the_schema_knows_every_key() {
        let schema = json_schema();
        let agent = &schema["$defs"]["AgentFile"];
        assert_eq!(agent["additionalProperties"], false);
        assert_eq!(agent["properties"].as_object().unwrap().len(), 34);
        assert_eq!(agent["properties"]["replicas"]["description"], "How many pods.");
        assert!(schema["properties"]["pipeline"].is_object(), "{schema:#}");
    }
}
