//! What is posted to a pod: its binding to a node, its eviction.
//!
//! Follows `pkg/registry/core/pod/storage/{storage,eviction}.go`. A budget is counted from the pods that it selects, not read from its
//! status: no controller keeps that here.

use super::{Outcome, Write};
use crate::object::{ObjectId, Text, Value, at, items, json, map_at, selector, text};
use crate::schema::Version;
use crate::simulate::status::quoted;
use crate::simulate::{ApiError, Cluster, Reason, Request, Verb};
use std::sync::Arc;

impl Cluster {
    /// POST of a Binding.
    pub(super) fn bind(&mut self, write: &Write<'_>) -> Outcome {
        let binding = named(write, "Binding")?;
        let (kind, node) = (text(&binding, &["target", "kind"]), text(&binding, &["target", "name"]));
        let mut wrong = Vec::new();
        if !matches!(kind, "" | "Node") {
            wrong.push(format!("target.kind: Unsupported value: {}: supported values: \"Node\", \"<empty>\"", quoted(kind)));
        }
        if node.is_empty() {
            wrong.push("target.name: Required value".to_owned());
        }
        match &wrong[..] {
            [] => {}
            [one] => return Err(ApiError::internal(one.clone())),
            many => return Err(ApiError::internal(format!("[{}]", many.join(", ")))),
        }
        let live = self.live(write).ok_or_else(|| write.not_found())?;
        let name = text(&live, &["metadata", "name"]);
        let conflict = |why: String| Err(super::update::conflict("pods/binding", name, &why));
        if live["metadata"].get("deletionTimestamp").is_some() {
            return conflict(format!("pod {name} is being deleted, cannot be assigned to a host"));
        }
        let own = text(&live, &["spec", "nodeName"]);
        if !own.is_empty() {
            return conflict(format!("pod {name} is already assigned to node {own:?}"));
        }
        if !items(&live, &["spec", "schedulingGates"]).is_empty() {
            return conflict(format!("pod {name} has non-empty .spec.schedulingGates"));
        }
        let pod = self.bound(&live, &binding, node);
        if !write.dry_run {
            self.store.put(pod);
        }
        Ok((201, Arc::new(success())))
    }

    fn bound(&self, live: &Value, binding: &Value, node: &str) -> Value {
        const PLACE: [&str; 2] = ["topology.kubernetes.io/zone", "topology.kubernetes.io/region"];
        let mut pod = live.clone();
        map_at(&mut pod, &["spec"]).insert("nodeName".into(), node.into());
        let mut labels = Vec::new();
        if self.schema.version() >= Version::V1_35 {
            map_at(&mut pod, &["status"]).shift_remove("nominatedNodeName");
            let found = self.store.get(&ObjectId { kind: "Node".into(), name: node.into(), ..ObjectId::default() });
            let of_node =
                PLACE.into_iter().filter_map(|label| Some((Text::from(label), at(found?, &["metadata", "labels", label])?.clone())));
            labels.extend(entries(binding, "labels").chain(of_node));
        }
        for (map, told) in [("annotations", entries(binding, "annotations").collect()), ("labels", labels)] {
            if !told.is_empty() {
                map_at(&mut pod, &["metadata", map]).extend(told);
            }
        }
        let mut conditions = items(&pod, &["status", "conditions"]).to_vec();
        conditions.retain(|c| c["type"] != "PodScheduled");
        let now = self.clock.timestamp();
        conditions.push(json!({"type": "PodScheduled", "status": "True", "lastProbeTime": null, "lastTransitionTime": now}));
        map_at(&mut pod, &["status"]).insert("conditions".into(), conditions.into());
        pod
    }

    /// POST of an Eviction.
    pub(super) fn evict(&mut self, write: &Write<'_>) -> Outcome {
        let eviction = named(write, "Eviction")?;
        let live = self.live(write).ok_or_else(|| write.not_found())?;
        let going = live["metadata"].get("deletionTimestamp").is_some();
        let guarded = !going && matches!(text(&live, &["status", "phase"]), "Running" | "Unknown");
        if guarded {
            self.within_budget(&live)?;
        }
        let mut target = write.request.target.clone();
        target.subresource.clear();
        let body = crate::simulate::Body::Value(eviction.get("deleteOptions").cloned().unwrap_or_default());
        let response = self.write(&Request { verb: Verb::Delete, target, options: write.request.options.clone(), body });
        response.result.map(|_| (201, Arc::new(success())))
    }

    /// Refuses to take a pod away that its budget cannot spare.
    fn within_budget(&self, pod: &Value) -> Result<(), ApiError> {
        let namespace = text(pod, &["metadata", "namespace"]);
        let selects = |budget: &Value, pod: &Value| {
            budget["spec"].get("selector").is_some_and(|s| selector::matches(Some(s), at(pod, &["metadata", "labels"])))
        };
        let budgets: Vec<_> = self.store.list("policy", "PodDisruptionBudget", Some(namespace)).map(|(_, b)| b).collect();
        let budgets: Vec<_> = budgets.into_iter().filter(|b| selects(b, pod)).collect();
        let budget = match &budgets[..] {
            [] => return Ok(()),
            [budget] => budget,
            _ => {
                let why = "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support.";
                return Err(ApiError::internal(why));
            }
        };
        let selected = self.store.list("", "Pod", Some(namespace)).map(|(_, pod)| pod).filter(|pod| selects(budget, pod));
        let (mut expected, mut healthy) = (0_i64, 0_i64);
        for own in selected {
            expected += 1;
            healthy += i64::from(is_ready(own));
        }
        let amount = |field: &str| at(budget, &["spec", field]).map(|v| scaled(v, expected));
        let desired = amount("minAvailable").unwrap_or_else(|| (expected - amount("maxUnavailable").unwrap_or(1)).max(0));
        let spares = if is_ready(pod) { healthy > desired } else { healthy >= desired && desired > 0 };
        let always = budget["spec"]["unhealthyPodEvictionPolicy"] == "AlwaysAllow" && !is_ready(pod);
        if spares || always {
            return Ok(());
        }
        let why = "Cannot evict pod as it would violate the pod's disruption budget.";
        Err(ApiError::new(429, Reason::TooManyRequests, why))
    }
}

/// The body, which must carry the name of the URL.
fn named(write: &Write<'_>, kind: &str) -> Result<Value, ApiError> {
    let body = write.body()?;
    if text(&body, &["metadata", "name"]) != write.request.target.name {
        return Err(ApiError::bad_request(format!("name in URL does not match name in {kind} object")));
    }
    Ok(body)
}

fn entries<'v>(object: &'v Value, map: &str) -> impl Iterator<Item = (Text, Value)> + use<'v> {
    object["metadata"][map].as_object().into_iter().flatten().map(|(key, value)| (key.clone(), value.clone()))
}

fn is_ready(pod: &Value) -> bool {
    items(pod, &["status", "conditions"]).iter().any(|c| c["type"] == "Ready" && c["status"] == "True")
}

/// A number, or a percentage of a whole, rounded up.
fn scaled(amount: &Value, whole: i64) -> i64 {
    let percent = amount.as_str().and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok());
    percent.map_or_else(|| amount.as_i64().unwrap_or(0), |percent| (percent * whole + 99) / 100)
}

fn success() -> Value {
    json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "code": 201})
}
