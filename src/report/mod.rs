//! Verdicts become text, JSON and other formats: one file each, all made from one [`Report`].
//!
//! Never decides anything: what stands in a report was decided by `roll`.

pub mod github;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
mod problems;
pub mod sarif;
pub mod style;
pub mod text;

use serde::Serialize;

/// The name of the JSON format; it only ever gains fields.
pub const FORMAT: &str = "rollcast.report/v1";

/// What a run of a pipeline comes to. Serialises as the JSON format.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// [`FORMAT`].
    pub schema: &'static str,
    /// What was judged, and on which state.
    pub subject: Subject,
    /// A verdict for each workload that the run touched, by kind, namespace and name.
    pub workloads: Vec<Workload>,
    /// How many workloads of the state the run did not touch.
    pub untouched: usize,
    /// The steps in order.
    pub steps: Vec<Step>,
    /// What the run did to each object it wrote.
    pub objects: Vec<ObjectAction>,
    /// What changes about agents (model, code, skills, rules, sandbox, prompt), and which workloads roll for it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub dimensions: Vec<Dimension>,
    /// The script, when one was rehearsed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub script: Option<Script>,
    /// The pipeline that gives at most one roll each and the same end state, if the one that ran does not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub merged: Option<Merged>,
    /// What was taken for granted.
    pub assumptions: Vec<String>,
    /// Lint findings, and what was odd about the input.
    pub diagnostics: Vec<Finding>,
}

/// What was judged.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Subject {
    /// The fleet's name, or where the manifests came from.
    pub name: String,
    /// Where the state came from.
    pub state: String,
    /// The Kubernetes version simulated: `1.36`.
    pub kubernetes: String,
}

/// The verdicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// Running pods are replaced.
    Rolls,
    /// Nothing is replaced and no revision moves.
    Stays,
    /// A revision moves and no pod is replaced yet.
    Pending,
    /// It cannot be known; the reasons say why.
    Unknown,
}

/// One workload.
#[derive(Clone, Debug, Serialize)]
pub struct Workload {
    /// The kubeconfig context of its cluster, where a script was rehearsed on several; else empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub context: String,
    /// `Deployment`.
    pub kind: String,
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// The verdict.
    pub verdict: Verdict,
    /// How its pods are replaced: `Recreate`, `RollingUpdate`, `OnDelete`.
    pub strategy: String,
    /// How often its revision moved.
    pub revisions: u32,
    /// How often its running pods were replaced.
    pub rolls: u32,
    /// How often it was deleted and made again.
    pub recreated: u32,
    /// What its budget counts: its rolls, and the recreations with which its pods went.
    pub cost: u32,
    /// How many pods were replaced in all.
    pub pods_replaced: u32,
    /// The fewest pods available at any time; null if unknown.
    pub lowest_available: Option<u32>,
    /// For how long no pod was available, in seconds; null if unknown.
    pub downtime_seconds: Option<f64>,
    /// When no pod was available, in seconds after the first write.
    pub windows: Vec<Window>,
    /// What it may cost.
    pub budget: Budget,
    /// Whether it costs more.
    pub over_budget: bool,
    /// Why, roll by roll; for one that stays, why it does.
    pub reasons: Vec<Reason>,
    /// The file that declares it; left out if none is known.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// Where in it, from 1; left out with the file.
    #[serde(skip_serializing_if = "is_none")]
    pub line: usize,
}

fn is_none(line: &usize) -> bool {
    *line == 0
}

impl Workload {
    /// `Deployment/agents/ceo-agent`.
    pub fn id(&self) -> String {
        let place = if self.namespace.is_empty() { String::new() } else { format!("{}/", self.namespace) };
        let cluster = if self.context.is_empty() { String::new() } else { format!("{}: ", self.context) };
        format!("{cluster}{}/{place}{}", self.kind, self.name)
    }
}

/// A time without an available pod.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Window {
    /// Seconds after the first write.
    pub from_seconds: f64,
    /// Seconds after the first write; null if it does not end.
    pub to_seconds: Option<f64>,
}

/// What a workload may cost in one deploy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Budget {
    /// Rolls and recreations; null for no limit.
    pub rolls: Option<u32>,
    /// Seconds without an available pod; null for no limit.
    pub downtime_seconds: Option<f64>,
}

/// One reason.
#[derive(Clone, Debug, Serialize)]
pub struct Reason {
    /// The step that caused it; empty if none did.
    pub step: String,
    /// Its name, for `rollcast explain`.
    pub code: &'static str,
    /// `spec.template.spec.containers[agent].image`; empty if it is of no one field.
    pub path: String,
    /// The container, if it is one's.
    pub container: String,
    /// What was there, as JSON; null for nothing.
    pub old: crate::object::Value,
    /// What is there now.
    pub new: crate::object::Value,
    /// One sentence.
    pub text: String,
}

/// One thing about agents that changes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Dimension {
    /// `model`, `code`, `skills`, `rules`, `sandbox`, `prompt`, or `other`.
    pub name: String,
    /// The workloads that roll for it.
    pub workloads: Vec<String>,
    /// What changes: fields and files, each once.
    pub changes: Vec<String>,
}

/// How a step ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum StepStatus {
    /// It did all it set out to do.
    Done,
    /// It failed; the pipeline stopped here unless the step says `continue`.
    Failed,
    /// An earlier step failed.
    Skipped,
    /// It runs a script, and what that writes is not known: the counts are of nothing.
    Unknown,
}

/// One step.
#[derive(Clone, Debug, Serialize)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// How many writes it sent.
    pub writes: u32,
    /// How many rolls it caused, over all workloads.
    pub rolls: u32,
    /// How it ended.
    pub status: StepStatus,
    /// The commands it stands for, as they can be pasted.
    pub commands: Vec<String>,
    /// What the server refused, in its words.
    pub errors: Vec<String>,
}

/// What became of an object.
#[derive(Clone, Debug, Serialize)]
pub struct ObjectAction {
    /// `Deployment/agents/ceo-agent`.
    pub id: String,
    /// `created`, `configured`, `unchanged` or `deleted`.
    pub action: &'static str,
}

/// How a rehearsed script ended.
#[derive(Clone, Debug, Serialize)]
pub struct Script {
    /// Its exit code; 128 and the signal's number if a signal ended it.
    pub exit_code: i32,
    /// Whether it was interrupted: the report then holds what was done up to there.
    pub incomplete: bool,
    /// The programs that were replaced and called.
    pub stubs: Vec<Stub>,
}

/// A program that did nothing and succeeded, instead of doing its work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stub {
    /// `gcloud container clusters get-credentials`.
    pub command: String,
    /// How often it was called.
    pub calls: u32,
}

/// A pipeline that costs each workload one roll at most.
#[derive(Clone, Debug, Serialize)]
pub struct Merged {
    /// What was done to the steps.
    pub change: String,
    /// The steps, each with the commands it stands for.
    pub steps: Vec<MergedStep>,
    /// Rolls over all workloads, before.
    pub rolls_before: u32,
    /// Rolls over all workloads, with it.
    pub rolls: u32,
    /// How many stored objects were compared and found the same.
    pub objects_compared: usize,
    /// The longest downtime of a workload with it, in seconds; null if unknown.
    pub longest_downtime_seconds: Option<f64>,
}

/// A step of the merged pipeline.
#[derive(Clone, Debug, Serialize)]
pub struct MergedStep {
    /// Its name.
    pub name: String,
    /// As it stands in fleet.toml.
    pub toml: String,
    /// The commands it stands for.
    pub commands: Vec<String>,
}

/// A lint finding or a remark about the input.
#[derive(Clone, Debug, Serialize)]
pub struct Finding {
    /// Its name, for `rollcast explain`.
    pub code: &'static str,
    /// `error`, `warning` or `note`.
    pub severity: &'static str,
    /// The file it stands in; empty if in none.
    pub file: String,
    /// From 1; 0 for no file.
    pub line: usize,
    /// From 1; 0 for no file.
    pub column: usize,
    /// One sentence.
    pub text: String,
    /// How to mend it.
    pub hint: String,
}

impl Report {
    /// Whether a workload is over its budget or unknown, a step or the script failed, or a finding is an error: what makes `check`
    /// exit 1.
    pub fn fails(&self) -> bool {
        self.workloads.iter().any(|w| w.over_budget || w.verdict == Verdict::Unknown)
            || self.failed_steps().next().is_some()
            || self.script.as_ref().is_some_and(|s| s.exit_code != 0 || s.incomplete)
            || self.diagnostics.iter().any(|d| d.severity == "error")
    }
    /// The steps at which the pipeline fails. A script decides itself what it takes for a failure, and tells it by its exit code.
    pub fn failed_steps(&self) -> impl Iterator<Item = &Step> {
        self.steps.iter().filter(|s| self.script.is_none() && s.status == StepStatus::Failed)
    }
}
