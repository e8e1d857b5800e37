//! The cells of what runs pods: Deployments, StatefulSets, DaemonSets, Jobs and their like.
//!
//! Follows kubernetes `pkg/printers/internalversion/printers.go`.

use super::age;
use super::cell::Cell::{Age, Count, Images, Made, Name, Names, Number, Text};
use super::cell::{Kind, Path, Row};
use super::labels;
use crate::object::{Value, integer, text};

const TEMPLATE: Path = &["spec", "template", "spec"];
const CRON_TEMPLATE: Path = &["spec", "jobTemplate", "spec", "template", "spec"];

/// The kinds.
pub(super) const KINDS: &[Kind] = &[
    Kind {
        name: "Deployment.apps",
        cells: &[
            Name,
            Made(ready_of_desired),
            Number(&["status", "updatedReplicas"]),
            Number(&["status", "availableReplicas"]),
            Age,
            Names(TEMPLATE),
            Images(TEMPLATE),
            Made(|row| labels::of_selector(row.at(&["spec", "selector"])).into()),
        ],
    },
    Kind {
        name: "ReplicaSet.apps",
        cells: &[
            Name,
            Number(&["spec", "replicas"]),
            Number(&["status", "replicas"]),
            Number(&["status", "readyReplicas"]),
            Age,
            Names(TEMPLATE),
            Images(TEMPLATE),
            Made(selector),
        ],
    },
    Kind { name: "StatefulSet.apps", cells: &[Name, Made(ready_of_desired), Age, Names(TEMPLATE), Images(TEMPLATE)] },
    Kind {
        name: "DaemonSet.apps",
        cells: &[
            Name,
            Number(&["status", "desiredNumberScheduled"]),
            Number(&["status", "currentNumberScheduled"]),
            Number(&["status", "numberReady"]),
            Number(&["status", "updatedNumberScheduled"]),
            Number(&["status", "numberAvailable"]),
            Made(|row| labels::of_map(row.at(&["spec", "template", "spec", "nodeSelector"])).into()),
            Age,
            Names(TEMPLATE),
            Images(TEMPLATE),
            Made(selector),
        ],
    },
    Kind { name: "ControllerRevision.apps", cells: &[Name, Made(controller), Number(&["revision"]), Age] },
    Kind {
        name: "ReplicationController",
        cells: &[
            Name,
            Number(&["spec", "replicas"]),
            Number(&["status", "replicas"]),
            Number(&["status", "readyReplicas"]),
            Age,
            Names(TEMPLATE),
            Images(TEMPLATE),
            Made(|row| labels::of_map(row.at(&["spec", "selector"])).into()),
        ],
    },
    Kind {
        name: "PodTemplate",
        cells: &[
            Name,
            Names(&["template", "spec"]),
            Images(&["template", "spec"]),
            Made(|row| labels::of_map(row.at(&["template", "metadata", "labels"])).into()),
        ],
    },
    Kind {
        name: "Job.batch",
        cells: &[Name, Made(job_status), Made(completions), Made(job_duration), Age, Names(TEMPLATE), Images(TEMPLATE), Made(selector)],
    },
    Kind {
        name: "CronJob.batch",
        cells: &[
            Name,
            Text(&["spec", "schedule"], ""),
            Text(&["spec", "timeZone"], "<none>"),
            Made(suspended),
            Count(&["status", "active"]),
            Made(last_schedule),
            Age,
            Names(CRON_TEMPLATE),
            Images(CRON_TEMPLATE),
            Made(|row| labels::or_none(labels::of_selector(row.at(&["spec", "jobTemplate", "spec", "selector"]))).into()),
        ],
    },
    Kind {
        name: "PodDisruptionBudget.policy",
        cells: &[
            Name,
            Made(|row| number_or_share(row.at(&["spec", "minAvailable"]))),
            Made(|row| number_or_share(row.at(&["spec", "maxUnavailable"]))),
            Number(&["status", "disruptionsAllowed"]),
            Age,
        ],
    },
];

fn ready_of_desired(row: &Row<'_>) -> Value {
    format!("{}/{}", row.number(&["status", "readyReplicas"]), row.number(&["spec", "replicas"])).into()
}

fn selector(row: &Row<'_>) -> Value {
    labels::or_none(labels::of_selector(row.at(&["spec", "selector"]))).into()
}

fn controller(row: &Row<'_>) -> Value {
    let owners = row.items(&["metadata", "ownerReferences"]);
    let Some(owner) = owners.iter().find(|o| o["controller"] == true) else { return "<none>".into() };
    let group = text(owner, &["apiVersion"]).rsplit_once('/').map_or("", |(group, _)| group);
    let kind = text(owner, &["kind"]);
    let kind = if group.is_empty() { kind.to_owned() } else { format!("{kind}.{group}") };
    format!("{}/{}", kind.to_lowercase(), text(owner, &["name"])).into()
}

fn job_status(row: &Row<'_>) -> Value {
    let conditions = row.items(&["status", "conditions"]);
    let holds = |name: &str| conditions.iter().find(|c| c["type"] == name).is_some_and(|c| c["status"] == "True");
    let status = match () {
        () if holds("Complete") => "Complete",
        () if holds("Failed") => "Failed",
        () if row.is_going() => "Terminating",
        () if holds("Suspended") => "Suspended",
        () if holds("FailureTarget") => "FailureTarget",
        () if holds("SuccessCriteriaMet") => "SuccessCriteriaMet",
        () => "Running",
    };
    status.into()
}

fn completions(row: &Row<'_>) -> Value {
    let succeeded = row.number(&["status", "succeeded"]);
    if let Some(wanted) = integer(row.object, &["spec", "completions"]) {
        return format!("{succeeded}/{wanted}").into();
    }
    match row.number(&["spec", "parallelism"]) {
        parallelism @ 2.. => format!("{succeeded}/1 of {parallelism}").into(),
        _ => format!("{succeeded}/1").into(),
    }
}

fn job_duration(row: &Row<'_>) -> Value {
    let Some(since_start) = row.clock.seconds_since(row.text(&["status", "startTime"])) else { return "".into() };
    let since_end = row.clock.seconds_since(row.text(&["status", "completionTime"])).unwrap_or_default();
    age::human(since_start - since_end).into()
}

fn suspended(row: &Row<'_>) -> Value {
    row.at(&["spec", "suspend"]).as_bool().map_or("<unset>", |s| if s { "True" } else { "False" }).into()
}

fn last_schedule(row: &Row<'_>) -> Value {
    match row.text(&["status", "lastScheduleTime"]) {
        "" => "<none>".into(),
        time => row.since(time).into(),
    }
}

fn number_or_share(value: &Value) -> Value {
    match value {
        Value::Null => "N/A".into(),
        Value::String(share) => share.as_str().into(),
        number => number.to_string().into(),
    }
}
