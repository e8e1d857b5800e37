//! PodDisruptionBudgets: how many of the pods that they select may be taken away, as their status tells it.
//!
//! Follows `pkg/controller/disruption/disruption.go` and component-helpers `apps/poddisruptionbudget/helpers.go`. No verdict rests on
//! a budget's status (evictions count for themselves), so it is brought up to date once, when nothing else is left to do.

use super::reading::{controller_of, deleting, generation, labels, name, ready, referred, replicas, scaled, selector, selects, uid};
use super::write;
use crate::object::{Map, ObjectId, Value, at, integer, json, map_at, text};
use crate::simulate::Cluster;
use crate::simulate::store::Change;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// For so many seconds a pod that was evicted may be there still.
const DELETION_TIMEOUT: i64 = 120;
const CONDITION: &str = "DisruptionAllowed";

/// Notes which budgets a change concerns.
pub(super) fn note(cluster: &mut Cluster, change: &Change) {
    match (change.id.group.as_str(), change.id.kind.as_str()) {
        ("policy", "PodDisruptionBudget") => drop(cluster.controllers.budgets.insert(ObjectId::clone(&change.id))),
        ("", "Pod") => {
            let selected = |budget: &Value| {
                let mut states = [&change.before, &change.after].into_iter().flatten();
                states.any(|pod| selects(selector(budget), labels(pod)))
            };
            let budgets = cluster.store.list("policy", "PodDisruptionBudget", Some(&change.id.namespace));
            let concerned: Vec<ObjectId> = budgets.filter(|(_, b)| selected(b)).map(|(id, _)| id.clone()).collect();
            cluster.controllers.budgets.extend(concerned);
        }
        _ => {}
    }
}

/// Brings the status of the budgets up to date that something has changed for.
pub(super) fn catch_up(cluster: &mut Cluster) {
    for id in std::mem::take(&mut cluster.controllers.budgets) {
        if let Some(budget) = cluster.store.get(&id).cloned() {
            sync(cluster, &budget);
        }
    }
}

/// How many pods a budget expects, and how many of them must be healthy.
struct Expected {
    pods: i64,
    healthy: i64,
}

fn sync(cluster: &mut Cluster, budget: &Arc<Value>) {
    let namespace = text(budget, &["metadata", "namespace"]);
    let chosen = |pod: &Value| selects(selector(budget), labels(pod));
    let pods: Vec<Arc<Value>> = cluster.store.list("", "Pod", Some(namespace)).map(|(_, p)| p).filter(|p| chosen(p)).cloned().collect();
    let mut status = budget["status"].as_object().cloned().unwrap_or_else(Map::new);
    match expected(cluster, budget, &pods) {
        Ok(expected) => {
            let disrupted = disrupted(cluster, budget, &pods);
            let healthy = pods.iter().filter(|p| !deleting(p) && !disrupted.contains_key(name(p)) && ready(p)).count();
            let healthy = i64::try_from(healthy).unwrap_or(i64::MAX);
            let spare = if expected.pods <= 0 { 0 } else { (healthy - expected.healthy).max(0) };
            let counts = [
                ("observedGeneration", generation(budget)),
                ("disruptionsAllowed", spare),
                ("currentHealthy", healthy),
                ("desiredHealthy", expected.healthy),
                ("expectedPods", expected.pods),
            ];
            let told = |(key, count): &(&str, i64)| integer(budget, &["status", key]).unwrap_or(0) == *count;
            let (value, reason) = if spare > 0 { ("True", "SufficientPods") } else { ("False", "InsufficientPods") };
            let condition = super::reading::condition(budget, CONDITION);
            let is_told = condition.is_some_and(|c| c["status"] == value && c["reason"] == reason);
            let same = disrupted == noted(budget);
            if is_told && same && counts.iter().all(told) {
                return;
            }
            status.shift_remove("disruptedPods");
            status.extend(counts.map(|(key, count)| (key.to_owned(), count.into())));
            if !disrupted.is_empty() {
                status.insert("disruptedPods".into(), disrupted.into_iter().collect::<Map>().into());
            }
            tell(cluster, &mut status, value, reason, "");
        }
        Err(why) => {
            status.insert("disruptionsAllowed".into(), 0.into());
            tell(cluster, &mut status, "False", "SyncFailed", &why);
        }
    }
    if status.get("observedGeneration").is_some_and(|g| *g == 0) {
        status.shift_remove("observedGeneration");
    }
    write::own_status(cluster, budget, status.into());
}

/// Puts the condition in, as of the generation that the status is of.
fn tell(cluster: &Cluster, status: &mut Map, value: &str, reason: &str, message: &str) {
    let observed = status.get("observedGeneration").cloned().filter(|g| *g != 0);
    let mut conditions = status.get("conditions").and_then(Value::as_array).map(|list| list.to_vec()).unwrap_or_default();
    let before = conditions.iter().position(|c| c["type"] == CONDITION);
    let since = before.map(|i| &conditions[i]).filter(|c| c["status"] == value).map(|c| c["lastTransitionTime"].clone());
    let mut condition = json!({"type": CONDITION, "status": value});
    let map = map_at(&mut condition, &[]);
    map.extend(observed.map(|observed| ("observedGeneration".to_owned(), observed)));
    map.insert("lastTransitionTime".into(), since.unwrap_or_else(|| cluster.clock.timestamp().into()));
    map.insert("reason".into(), reason.into());
    map.insert("message".into(), message.into());
    match before {
        Some(i) => conditions[i] = condition,
        None => conditions.push(condition),
    }
    status.insert("conditions".into(), conditions.into());
}

/// The pods that evictions have noted in the status.
fn noted(budget: &Value) -> BTreeMap<String, Value> {
    let all = at(budget, &["status", "disruptedPods"]).and_then(Value::as_object);
    all.into_iter().flatten().map(|(name, time)| (name.to_string(), time.clone())).collect()
}

/// Those of them that are still there and expected to go.
fn disrupted(cluster: &Cluster, budget: &Value, pods: &[Arc<Value>]) -> BTreeMap<String, Value> {
    let mut noted = noted(budget);
    let there = |name: &str| pods.iter().any(|p| !deleting(p) && self::name(p) == name);
    let lately = |time: &Value| cluster.clock.seconds_since(time.as_str().unwrap_or_default()).is_some_and(|s| s <= DELETION_TIMEOUT);
    noted.retain(|name, time| there(name) && lately(time));
    noted
}

/// `getExpectedPodCount`: a number is of the pods that there are, a share of what their controllers ask for.
fn expected(cluster: &Cluster, budget: &Value, pods: &[Arc<Value>]) -> Result<Expected, String> {
    if let Some(most) = at(budget, &["spec", "maxUnavailable"]) {
        let wanted = wanted(cluster, pods)?;
        return Ok(Expected { pods: wanted, healthy: (wanted - scaled(Some(most), wanted, true, 0)).max(0) });
    }
    match at(budget, &["spec", "minAvailable"]) {
        None => Ok(Expected { pods: 0, healthy: 0 }),
        Some(Value::Number(least)) => {
            Ok(Expected { pods: i64::try_from(pods.len()).unwrap_or(i64::MAX), healthy: least.as_i64().unwrap_or(0) })
        }
        least => {
            let wanted = wanted(cluster, pods)?;
            Ok(Expected { pods: wanted, healthy: scaled(least, wanted, true, 0) })
        }
    }
}

/// The replicas that the controllers of pods ask for together; pods without a controller do not count (`getExpectedScale`).
fn wanted(cluster: &Cluster, pods: &[Arc<Value>]) -> Result<i64, String> {
    let mut scales: BTreeMap<String, i64> = BTreeMap::new();
    let mut known: BTreeSet<String> = BTreeSet::new();
    for pod in pods {
        let Some(reference) = controller_of(pod) else { continue };
        let owner_uid = text(reference, &["uid"]);
        if scales.contains_key(owner_uid) || known.contains(owner_uid) {
            continue;
        }
        let (uid, scale) = scale_of(cluster, pod, reference)?.ok_or_else(|| format!("found no controllers for pod {:?}", name(pod)))?;
        known.insert(owner_uid.to_owned());
        scales.insert(uid, scale);
    }
    Ok(scales.values().sum())
}

/// The uid and the replicas of the controller that a pod's reference leads to: a Deployment for its ReplicaSet.
fn scale_of(cluster: &Cluster, pod: &Value, reference: &Value) -> Result<Option<(String, i64)>, String> {
    let namespace = text(pod, &["metadata", "namespace"]);
    let found = |reference: &Value| {
        let owner = cluster.store.get(&referred(reference, namespace))?;
        (uid(owner) == text(reference, &["uid"])).then(|| Arc::clone(owner))
    };
    let own = referred(reference, namespace);
    let Some(resource) =
        cluster.schema.resources().iter().find(|r| r.group == own.group && r.kind == own.kind && !r.resource.contains('/'))
    else {
        return Ok(found(reference).map(|owner| (uid(&owner).to_owned(), replicas(&owner))));
    };
    let subresource = format!("{}/scale", resource.resource);
    if cluster.schema.find(&resource.group, &resource.version, &subresource).is_none() {
        let qualified =
            if resource.group.is_empty() { resource.resource.clone() } else { format!("{}.{}", resource.resource, resource.group) };
        return Err(format!("{qualified} does not implement the scale subresource"));
    }
    let Some(owner) = found(reference) else { return Ok(None) };
    let above = controller_of(&owner).filter(|above| own.kind == "ReplicaSet" && above["kind"] == "Deployment");
    Ok(match above {
        Some(above) => found(above).map(|deployment| (uid(&deployment).to_owned(), replicas(&deployment))),
        None => Some((uid(&owner).to_owned(), replicas(&owner))),
    })
}

/// Whether some budget is not up to date.
pub(super) fn is_behind(cluster: &Cluster) -> bool {
    !cluster.controllers.budgets.is_empty()
}

#[cfg(test)]
mod tests {
    use crate::object::{ObjectId, Value, at, json};
    use crate::simulate::controllers::scenes::{cluster, create, deployment};
    use crate::simulate::controllers::{Until, run};

    fn budget(spec: Value) -> Value {
        let owner = json!({"manager": "kubectl", "operation": "Update", "apiVersion": "policy/v1", "time": "2026-01-01T00:00:00Z", "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:maxUnavailable": {}, "f:selector": {}}}});
        let metadata = json!({"name": "b", "namespace": "ns", "generation": 1, "managedFields": [owner]});
        json!({"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": metadata, "spec": spec})
    }

    /// As a 1.36.2 server with four ready pods of a Deployment tells it.
    #[test]
    fn a_budget_counts_the_pods_that_it_selects() {
        let mut cluster = cluster();
        create(&mut cluster, deployment(4, json!({})));
        let selector = json!({"matchLabels": {"app": "w"}});
        let id = create(&mut cluster, budget(json!({"maxUnavailable": "30%", "selector": selector})));
        let status = |cluster: &crate::simulate::Cluster, id: &ObjectId, key: &str| cluster.store.get(id).unwrap()["status"][key].as_i64();
        let told = ["observedGeneration", "disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"];
        assert_eq!(told.map(|key| status(&cluster, &id, key)), [1, 2, 4, 2, 4].map(Some));
        let pod = cluster.store.list("", "Pod", Some("ns")).next().unwrap().0.clone();
        cluster.store.remove(&pod);
        run(&mut cluster, &Until::Now);
        assert_eq!(told.map(|key| status(&cluster, &id, key)), [1, 1, 3, 2, 4].map(Some));
        let stored = cluster.store.get(&id).unwrap().clone();
        let condition = &stored["status"]["conditions"][0];
        assert_eq!((&condition["status"], &condition["reason"]), (&json!("True"), &json!("SufficientPods")));
        let owned = at(&stored, &["metadata", "managedFields"]).unwrap();
        let own = owned.as_array().unwrap().iter().find(|o| o["manager"] == "kube-controller-manager").unwrap();
        assert_eq!(own["subresource"], "status");
    }
}
