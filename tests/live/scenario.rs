//! A scenario is predicted from a snapshot, then done for real step by step, and both must agree.

use crate::observed::{Cost, Name, Observed};
use crate::plane::Plane;
use rollcast::object::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The folder of the scenarios.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/scenarios")
}

/// One step of `deploy.sh`.
pub struct Step {
    pub name: String,
    pub commands: String,
    /// What the server says if it refuses the step.
    pub refused: Option<String>,
}

/// The steps of a script: `# step: NAME` begins one, `# refused: TEXT` in it says that the server will refuse it.
pub fn steps(script: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for line in script.lines() {
        if let Some(name) = line.strip_prefix("# step: ") {
            steps.push(Step { name: name.to_owned(), commands: String::new(), refused: None });
        } else if let Some(step) = steps.last_mut() {
            match line.strip_prefix("# refused: ") {
                Some(text) => step.refused = Some(text.to_owned()),
                None => step.commands += &format!("{line}\n"),
            }
        }
    }
    assert!(!steps.is_empty(), "deploy.sh has no line `# step: NAME`");
    steps
}

/// What was done: of each step its rolls, and of each workload its cost.
#[derive(Debug, Default, PartialEq, Eq)]
struct Outcome {
    /// Name, rolls of all workloads together, and whether it was refused.
    steps: Vec<(String, i64, bool)>,
    workloads: BTreeMap<Name, Cost>,
}

/// Runs the scenario of a folder.
pub fn run(name: &str) {
    let plane = Plane::start();
    let files = folder().join(name);
    let from_root = |file: &str| Path::new(env!("CARGO_MANIFEST_DIR")).join(file).display().to_string();
    plane.shell(&format!("cp -r '{}'/. .", files.display()));
    plane.shell(&format!("export ROOT='{}'; . ./before.sh", from_root("")));
    let before = Observed::settled(&plane);

    plane.rollcast(&["snapshot", "--context", "reader", "-o", "snapshot.json"]).ended("rollcast snapshot", &[0]);
    let arguments = fs::read_to_string(files.join("plan.txt")).unwrap_or_else(|_| String::from("plan"));
    let arguments = arguments.replace("$ROOT", from_root("").trim_end_matches('/'));
    let mut arguments: Vec<&str> = arguments.split_whitespace().collect();
    arguments.extend(["--from", "snapshot.json", "--report", "json"]);
    let report = plane.rollcast(&arguments).ended("rollcast plan", &[0]);
    let report: Value = serde_json::from_str(&report).expect("the report is JSON");

    let script = fs::read_to_string(files.join("deploy.sh")).unwrap();
    let steps = steps(&script);
    let actual = perform(&plane, &steps, before);
    assert_eq!(predicted(&report, &actual), actual, "{name}: left is predicted, right is what happened\n{report:#}");
    for text in steps.iter().filter_map(|s| s.refused.as_ref()) {
        assert!(report.to_string().contains(&json_text(text)), "{name}: the report does not say why it is refused: {text}\n{report:#}");
    }
}

/// Does the steps for real, up to the first that is refused.
fn perform(plane: &Plane, steps: &[Step], mut before: Observed) -> Outcome {
    let mut outcome = Outcome::default();
    for step in steps {
        let said = plane.try_shell(&format!("export ROOT='{}'\n{}", env!("CARGO_MANIFEST_DIR"), step.commands));
        match &step.refused {
            Some(text) => {
                assert_ne!(said.code, Some(0), "{}: should have been refused", step.name);
                assert!(said.stderr.contains(text), "{}: refused for another reason than {text}: {}", step.name, said.stderr);
            }
            None => drop(said.ended(&step.name, &[0])),
        }
        let after = Observed::settled(plane);
        let mut rolls = 0;
        for (name, cost) in after.cost_since(&before) {
            rolls += cost.rolls;
            outcome.workloads.entry(name).or_default().add(&cost);
        }
        outcome.steps.push((step.name.clone(), rolls, step.refused.is_some()));
        before = after;
        if step.refused.is_some() {
            break;
        }
    }
    outcome
}

/// What the report says of the same steps and workloads.
fn predicted(report: &Value, actual: &Outcome) -> Outcome {
    assert_eq!(report["schema"], "rollcast.report/v1");
    let mut outcome = Outcome::default();
    for step in report["steps"].as_array().expect("steps").iter().take(actual.steps.len()) {
        let refused = step["status"] == "failed";
        outcome.steps.push((step["name"].as_str().unwrap().to_owned(), step["rolls"].as_i64().unwrap(), refused));
    }
    for workload in report["workloads"].as_array().expect("workloads") {
        let text = |field: &str| workload[field].as_str().unwrap();
        let number = |field: &str| workload[field].as_i64().unwrap_or_else(|| panic!("{field} of {workload}"));
        let cost = Cost {
            revisions: number("revisions"),
            rolls: number("rolls"),
            recreated: number("recreated"),
            pods_replaced: number("pods_replaced"),
        };
        outcome.workloads.insert(format!("{}/{}/{}", text("kind"), text("namespace"), text("name")), cost);
    }
    outcome
}

/// A text as it stands inside JSON.
fn json_text(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}
