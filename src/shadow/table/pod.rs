//! The cells of a Pod: its status is what its containers are doing.
//!
//! Follows kubernetes `pkg/printers/internalversion/printers.go:printPod`.

use super::cell::Cell::{Age, Made, Name};
use super::cell::{Kind, Row};
use crate::object::{Value, integer, items, json, text};
use crate::schema::Version;

/// The kind.
pub(super) const KINDS: &[Kind] = &[Kind {
    name: "Pod",
    cells: &[
        Name,
        Made(|row| {
            let summary = Summary::of(row);
            format!("{}/{}", summary.ready, summary.total).into()
        }),
        Made(|row| Summary::of(row).reason.into()),
        Made(restarts),
        Age,
        Made(|row| or_none(text(row.items(&["status", "podIPs"]).first().unwrap_or(&Value::Null), &["ip"]))),
        Made(|row| or_none(row.text(&["spec", "nodeName"]))),
        Made(|row| or_none(row.text(&["status", "nominatedNodeName"]))),
        Made(gates),
    ],
}];

/// The condition of a row whose pod has ended.
pub(super) fn completed(object: &Value) -> Option<Value> {
    let (reason, message) = match text(object, &["status", "phase"]) {
        "Succeeded" => ("Succeeded", "The pod has completed successfully."),
        "Failed" => ("Failed", "The pod failed."),
        _ => return None,
    };
    Some(json!([{"type": "Completed", "status": "True", "reason": reason, "message": message}]))
}

/// What the containers come to.
#[derive(Debug, Default)]
struct Summary<'o> {
    reason: String,
    ready: usize,
    total: usize,
    restarts: Restarts<'o>,
}

/// How often containers were started anew, and when one ended last.
#[derive(Clone, Copy, Debug, Default)]
struct Restarts<'o> {
    count: i64,
    last: &'o str,
}

impl<'o> Restarts<'o> {
    fn add(&mut self, status: &'o Value) {
        self.count += integer(status, &["restartCount"]).unwrap_or_default();
        self.last = self.last.max(text(status, &["lastState", "terminated", "finishedAt"]));
    }
}

fn holds(row: &Row<'_>, condition: &str) -> bool {
    row.items(&["status", "conditions"]).iter().any(|c| c["type"] == condition && c["status"] == "True")
}

/// What a container that has ended says of it.
fn end(terminated: &Value) -> String {
    let number = |key: &str| integer(terminated, &[key]).unwrap_or_default();
    match (text(terminated, &["reason"]), number("signal")) {
        ("", 0) => format!("ExitCode:{}", number("exitCode")),
        ("", signal) => format!("Signal:{signal}"),
        (reason, _) => reason.to_owned(),
    }
}

impl<'o> Summary<'o> {
    fn of(row: &Row<'o>) -> Self {
        let phase = row.text(&["status", "phase"]);
        let told = row.text(&["status", "reason"]);
        let mut summary = Self { reason: if told.is_empty() { phase } else { told }.to_owned(), ..Self::default() };
        let gated = |c: &Value| c["type"] == "PodScheduled" && c["reason"] == "SchedulingGated";
        if row.items(&["status", "conditions"]).iter().any(gated) {
            "SchedulingGated".clone_into(&mut summary.reason);
        }
        summary.total = row.items(&["spec", "containers"]).len();
        let sidecars = row.items(&["spec", "initContainers"]).iter().filter(|c| c["restartPolicy"] == "Always").count();
        summary.total += sidecars;
        let (initializing, of_sidecars) = summary.initialize(row);
        if !initializing
            || row.items(&["status", "conditions"]).iter().find(|c| c["type"] == "Initialized").is_some_and(|c| c["status"] == "True")
        {
            summary.restarts = of_sidecars;
            summary.run(row);
        }
        if row.is_going() && told == "NodeLost" {
            "Unknown".clone_into(&mut summary.reason);
        } else if row.is_going() && !matches!(phase, "Succeeded" | "Failed") {
            "Terminating".clone_into(&mut summary.reason);
        }
        summary
    }

    /// Goes through the init containers to the first that is not done; says whether there is one, and how often the sidecars
    /// up to it were restarted.
    fn initialize(&mut self, row: &Row<'o>) -> (bool, Restarts<'o>) {
        let containers = row.items(&["spec", "initContainers"]);
        let mut of_sidecars = Restarts::default();
        for (i, status) in row.items(&["status", "initContainerStatuses"]).iter().enumerate() {
            self.restarts.add(status);
            let sidecar = containers.iter().any(|c| c["name"] == status["name"] && c["restartPolicy"] == "Always");
            if sidecar {
                of_sidecars.add(status);
            }
            let terminated = &status["state"]["terminated"];
            if terminated.is_object() && integer(terminated, &["exitCode"]).unwrap_or_default() == 0 {
                continue;
            }
            if sidecar && status["started"] == true {
                self.ready += usize::from(status["ready"] == true);
                continue;
            }
            let waiting = text(status, &["state", "waiting", "reason"]);
            self.reason = if terminated.is_object() {
                format!("Init:{}", end(terminated))
            } else if !waiting.is_empty() && waiting != "PodInitializing" {
                format!("Init:{waiting}")
            } else {
                format!("Init:{i}/{}", containers.len())
            };
            return (true, of_sidecars);
        }
        (false, of_sidecars)
    }

    /// Goes through the containers, the last first.
    fn run(&mut self, row: &Row<'o>) {
        let (mut running, mut failure) = (false, String::new());
        for status in row.items(&["status", "containerStatuses"]).iter().rev() {
            self.restarts.add(status);
            let state = &status["state"];
            let waiting = text(state, &["waiting", "reason"]);
            let terminated = &state["terminated"];
            if !waiting.is_empty() {
                waiting.clone_into(&mut self.reason);
            } else if terminated.is_object() {
                self.reason = end(terminated);
                if integer(terminated, &["exitCode"]).unwrap_or_default() != 0 {
                    failure.clone_from(&self.reason);
                }
            } else if status["ready"] == true && state["running"].is_object() {
                running = true;
                self.ready += 1;
            }
        }
        if self.reason == "Completed" {
            // Up to 1.34 a pod that runs no more is as its first container ended.
            if row.version == Version::V1_34 {
                failure.clear();
            }
            if running && holds(row, "Ready") {
                "Running".clone_into(&mut self.reason);
            } else if !failure.is_empty() {
                self.reason = failure;
            } else if running {
                "NotReady".clone_into(&mut self.reason);
            }
        }
    }
}

fn restarts(row: &Row<'_>) -> Value {
    let Restarts { count, last } = Summary::of(row).restarts;
    if count == 0 || last.is_empty() {
        return count.to_string().into();
    }
    format!("{count} ({} ago)", row.since(last)).into()
}

fn gates(row: &Row<'_>) -> Value {
    let gates = row.items(&["spec", "readinessGates"]);
    if gates.is_empty() {
        return "<none>".into();
    }
    let conditions = items(row.object, &["status", "conditions"]);
    let open = |gate: &&Value| conditions.iter().find(|c| c["type"] == gate["conditionType"]).is_some_and(|c| c["status"] == "True");
    format!("{}/{}", gates.iter().filter(open).count(), gates.len()).into()
}

fn or_none(text: &str) -> Value {
    if text.is_empty() { "<none>".into() } else { text.into() }
}
