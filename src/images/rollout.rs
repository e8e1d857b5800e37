//! Whether the rollout of a workload has ended, by its status.
//!
//! Follows kubectl `pkg/polymorphichelpers/rollout_status.go`; what that refuses to watch (OnDelete) or watches for ever (a paused
//! Deployment) has nothing to wait for here.

use crate::object::{Value, integer, items, text};

/// How far a rollout is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rollout {
    /// All pods that are to be replaced are, and they are available.
    Ended,
    /// It goes on.
    Going(String),
    /// It will not end by itself: the progress deadline is over.
    Failed(String),
}

/// How far the rollout of a workload is; one without a rollout of its own has ended.
pub fn rollout(workload: &Value) -> Rollout {
    let observed = integer(workload, &["status", "observedGeneration"]).unwrap_or(0);
    if observed < integer(workload, &["metadata", "generation"]).unwrap_or(0) {
        return Rollout::Going("its controller has not seen the change yet".into());
    }
    match text(workload, &["kind"]) {
        "Deployment" => deployment(workload),
        "StatefulSet" => stateful_set(workload),
        "DaemonSet" => daemon_set(workload),
        _ => Rollout::Ended,
    }
}

/// Whether a workload lacks pods: fewer are available than it wants.
pub fn lacks_pods(workload: &Value) -> bool {
    let number = |path: &[&str]| integer(workload, path);
    let (wanted, available) = match text(workload, &["kind"]) {
        "DaemonSet" => (number(&["status", "desiredNumberScheduled"]).unwrap_or(0), number(&["status", "numberAvailable"])),
        "Deployment" | "StatefulSet" => (number(&["spec", "replicas"]).unwrap_or(1), number(&["status", "availableReplicas"])),
        _ => return false,
    };
    available.unwrap_or(0) < wanted
}

fn status(workload: &Value, field: &str) -> i64 {
    integer(workload, &["status", field]).unwrap_or(0)
}

fn deployment(workload: &Value) -> Rollout {
    if workload["spec"]["paused"] == true {
        return Rollout::Ended;
    }
    let late = items(workload, &["status", "conditions"])
        .iter()
        .find(|c| text(c, &["type"]) == "Progressing" && text(c, &["reason"]) == "ProgressDeadlineExceeded");
    if late.is_some() {
        return Rollout::Failed("its pods did not become available before its progress deadline".into());
    }
    let wanted = integer(workload, &["spec", "replicas"]).unwrap_or(1);
    let (updated, all, available) =
        (status(workload, "updatedReplicas"), status(workload, "replicas"), status(workload, "availableReplicas"));
    if updated < wanted {
        return Rollout::Going(format!("{updated} of {wanted} new pods have been made"));
    }
    if all > updated {
        return Rollout::Going(format!("{} old pods have not ended", all - updated));
    }
    if available < updated {
        return Rollout::Going(format!("{available} of {updated} new pods are available"));
    }
    Rollout::Ended
}

fn stateful_set(workload: &Value) -> Rollout {
    if text(workload, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        return Rollout::Ended;
    }
    let wanted = integer(workload, &["spec", "replicas"]).unwrap_or(1);
    let ready = status(workload, "readyReplicas");
    if ready < wanted {
        return Rollout::Going(format!("{ready} of {wanted} pods are ready"));
    }
    let partition = integer(workload, &["spec", "updateStrategy", "rollingUpdate", "partition"]).unwrap_or(0);
    if partition > 0 {
        let (updated, due) = (status(workload, "updatedReplicas"), (wanted - partition).max(0));
        return if updated < due { Rollout::Going(format!("{updated} of {due} new pods have been made")) } else { Rollout::Ended };
    }
    let revision = |field: &str| text(workload, &["status", field]);
    if revision("updateRevision") != revision("currentRevision") {
        return Rollout::Going(format!("{} of {wanted} pods are new", status(workload, "updatedReplicas")));
    }
    Rollout::Ended
}

fn daemon_set(workload: &Value) -> Rollout {
    if text(workload, &["spec", "updateStrategy", "type"]) == "OnDelete" {
        return Rollout::Ended;
    }
    let (wanted, updated, available) =
        (status(workload, "desiredNumberScheduled"), status(workload, "updatedNumberScheduled"), status(workload, "numberAvailable"));
    if updated < wanted {
        return Rollout::Going(format!("{updated} of {wanted} new pods have been made"));
    }
    if available < wanted {
        return Rollout::Going(format!("{available} of {wanted} pods are available"));
    }
    Rollout::Ended
}

#[cfg(test)]
mod tests {
    use super::{Rollout, lacks_pods, rollout};
    use crate::object::{Value, json};

    fn workload(kind: &str, spec: Value, status: Value) -> Value {
        json!({"kind": kind, "metadata": {"generation": 2}, "spec": spec, "status": status})
    }

    #[test]
    fn deployments() {
        let of = |status: Value| rollout(&workload("Deployment", json!({"replicas": 2}), status));
        assert!(matches!(
            of(json!({"observedGeneration": 1, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 2})),
            Rollout::Going(_)
        ));
        assert!(matches!(
            of(json!({"observedGeneration": 2, "updatedReplicas": 2, "replicas": 3, "availableReplicas": 3})),
            Rollout::Going(_)
        ));
        assert_eq!(of(json!({"observedGeneration": 2, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 2})), Rollout::Ended);
        let late = json!([{"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}]);
        assert!(matches!(of(json!({"observedGeneration": 2, "conditions": late})), Rollout::Failed(_)));
        let paused = workload("Deployment", json!({"replicas": 2, "paused": true}), json!({"observedGeneration": 2}));
        assert_eq!(rollout(&paused), Rollout::Ended);
        assert!(lacks_pods(&paused));
    }

    #[test]
    fn stateful_sets_and_daemon_sets() {
        let set = |spec: Value, status: Value| rollout(&workload("StatefulSet", spec, status));
        let half =
            json!({"observedGeneration": 2, "readyReplicas": 3, "updatedReplicas": 1, "currentRevision": "a", "updateRevision": "b"});
        assert!(matches!(set(json!({"replicas": 3}), half.clone()), Rollout::Going(_)));
        let partition = json!({"replicas": 3, "updateStrategy": {"type": "RollingUpdate", "rollingUpdate": {"partition": 2}}});
        assert_eq!(set(partition, half.clone()), Rollout::Ended);
        assert_eq!(set(json!({"replicas": 3, "updateStrategy": {"type": "OnDelete"}}), half), Rollout::Ended);
        let daemon = json!({"observedGeneration": 2, "desiredNumberScheduled": 2, "updatedNumberScheduled": 2, "numberAvailable": 1});
        assert!(matches!(rollout(&workload("DaemonSet", json!({}), daemon)), Rollout::Going(_)));
    }
}
