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
    let mut schema = schemars::schema_for!(file::FleetFile).to_value();
    if let Value::Object(map) = &mut schema {
        map.insert("title".into(), "fleet.toml of rollcast".into());
    }
    schema
}
