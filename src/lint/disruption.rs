//! A disruption budget that lets no pod go: no node of its pods can be drained.

use crate::diagnostic::Diagnostic;
use crate::object::{ObjectId, Value, at, integer, text};
use std::collections::BTreeMap;

/// A budget's pods are those of the workloads among the manifests that it selects.
pub(super) fn check(manifests: &[Value]) -> Vec<Diagnostic> {
    let mut workloads: BTreeMap<&str, Vec<&Value>> = BTreeMap::new();
    for workload in manifests.iter().filter(|m| matches!(text(m, &["kind"]), "Deployment" | "StatefulSet")) {
        workloads.entry(text(workload, &["metadata", "namespace"])).or_default().push(workload);
    }
    let budgets = manifests.iter().filter(|m| text(m, &["kind"]) == "PodDisruptionBudget");
    budgets.filter_map(|budget| blocks(budget, workloads.get(text(budget, &["metadata", "namespace"]))?)).collect()
}

fn blocks(budget: &Value, workloads: &[&Value]) -> Option<Diagnostic> {
    let selected: Vec<&&Value> = workloads.iter().filter(|workload| selects(budget, workload)).collect();
    let pods: i64 = selected.iter().map(|workload| integer(workload, &["spec", "replicas"]).unwrap_or(1)).sum();
    let allowed = match (amount(&budget["spec"]["minAvailable"], pods), amount(&budget["spec"]["maxUnavailable"], pods)) {
        (Some(least), _) => pods - least,
        (None, Some(most)) => most,
        (None, None) => return None,
    };
    if pods == 0 || allowed > 0 {
        return None;
    }
    let id = ObjectId::of(budget);
    let of = selected.iter().map(|workload| ObjectId::of(workload).to_string()).collect::<Vec<_>>().join(", ");
    let text = match pods {
        1 => format!("{id} does not let the one pod of {of} be evicted: its node cannot be drained"),
        _ => format!("{id} lets none of the {pods} pods of {of} be evicted: a node with one of them cannot be drained"),
    };
    Some(Diagnostic::warning("disruption-budget-blocks", text).hint("let one go (`maxUnavailable: 1`), or have more replicas"))
}

/// Whether all labels that the budget asks for are on the pods. Expressions are not looked into: nothing is said then.
fn selects(budget: &Value, workload: &Value) -> bool {
    let labels = &workload["spec"]["template"]["metadata"]["labels"];
    let plain = at(budget, &["spec", "selector", "matchExpressions"]).is_none();
    let wanted = at(budget, &["spec", "selector", "matchLabels"]).and_then(Value::as_object);
    plain && wanted.is_some_and(|map| !map.is_empty() && map.iter().all(|(key, value)| labels[key.as_str()] == *value))
}

/// A number, or a share of the pods, rounded up as the controller does (`GetScaledValueFromIntOrPercent`).
fn amount(value: &Value, pods: i64) -> Option<i64> {
    let share = value.as_str().and_then(|text| text.strip_suffix('%')?.parse::<i64>().ok());
    value.as_i64().or_else(|| share.map(|share| (share * pods + 99) / 100))
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::object::{Value, json};

    fn found(replicas: i64, spec: &Value) -> usize {
        let mut spec = spec.clone();
        spec["selector"] = json!({ "matchLabels": { "app": "web" } });
        let budget = json!({ "apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": { "name": "web" }, "spec": spec });
        let template = json!({ "metadata": { "labels": { "app": "web", "tier": "front" } } });
        let web = json!({ "kind": "Deployment", "metadata": { "name": "web" }, "spec": { "replicas": replicas, "template": template } });
        check(&[budget, web]).len()
    }

    #[test]
    fn a_budget_that_lets_no_pod_go() {
        assert_eq!(found(1, &json!({ "minAvailable": 1 })), 1);
        assert_eq!(found(3, &json!({ "minAvailable": "80%" })), 1, "2.4 are 3");
        assert_eq!(found(3, &json!({ "maxUnavailable": 0 })), 1);
        assert_eq!(found(3, &json!({ "minAvailable": "60%" })), 0, "1.8 are 2");
        assert_eq!(found(3, &json!({ "maxUnavailable": "1%" })), 0, "rounded up to one");
        assert_eq!(found(2, &json!({ "minAvailable": 1 })), 0);
        assert_eq!(found(0, &json!({ "minAvailable": 1 })), 0, "nothing to evict");
    }
}
