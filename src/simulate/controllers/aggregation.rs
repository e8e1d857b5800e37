//! ClusterRoles with an aggregation rule: their rules are those of the roles that it selects.
//!
//! Follows `pkg/controller/clusterroleaggregation/clusterroleaggregation_controller.go`. It writes by an apply that names no rules where
//! there are none: rules that somebody else wrote then stay.

use super::reading::{labels, selects};
use crate::object::{ObjectId, Value, items, json};
use crate::simulate::{Body, Cluster, PatchKind, Request, Target, Verb, WriteOptions};

const GROUP: &str = "rbac.authorization.k8s.io";
const MANAGER: &str = "clusterrole-aggregation-controller";

/// The roles that have to look again when any role has changed.
pub(super) fn concerned(cluster: &Cluster) -> Vec<ObjectId> {
    let roles = cluster.store.list(GROUP, "ClusterRole", None);
    roles.filter(|(_, role)| role.get("aggregationRule").is_some()).map(|(id, _)| id.clone()).collect()
}

/// Gives a role the rules of those that it selects.
pub(super) fn sync(cluster: &mut Cluster, id: &ObjectId) {
    let Some(role) = cluster.store.get(id).filter(|role| role.get("aggregationRule").is_some()).cloned() else { return };
    let mut rules: Vec<Value> = Vec::new();
    for selector in items(&role, &["aggregationRule", "clusterRoleSelectors"]) {
        for (other, source) in cluster.store.list(GROUP, "ClusterRole", None) {
            if other.name != id.name && selects(Some(selector), labels(source)) {
                let new: Vec<Value> = items(source, &["rules"]).iter().filter(|rule| !rules.contains(rule)).cloned().collect();
                rules.extend(new);
            }
        }
    }
    if rules == items(&role, &["rules"]) {
        return;
    }
    let mut body = json!({"apiVersion": format!("{GROUP}/v1"), "kind": "ClusterRole", "metadata": {"name": id.name}});
    if !rules.is_empty() {
        body["rules"] = rules.into();
    }
    let target = Target {
        group: GROUP.into(),
        version: "v1".into(),
        resource: "clusterroles".into(),
        name: id.name.to_string(),
        ..Target::default()
    };
    let options = WriteOptions { field_manager: MANAGER.into(), force: Some(true), ..WriteOptions::default() };
    cluster.write(&Request { verb: Verb::Patch(PatchKind::Apply), target, options, body: Body::Value(body) });
}

#[cfg(test)]
mod tests {
    use crate::object::json;
    use crate::simulate::controllers::scenes::{cluster, create};
    use crate::simulate::controllers::{Until, run};

    #[test]
    fn rules_follow_the_roles_that_are_selected() {
        let mut cluster = cluster();
        let role = |name: &str, label: &str, rules: crate::object::Value| json!({"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": name, "labels": {"for": label}}, "rules": rules});
        let rule = |verb: &str| json!({"verbs": [verb], "apiGroups": [""], "resources": ["pods"]});
        let mut all = role("all", "none", json!([]));
        all["aggregationRule"] = json!({"clusterRoleSelectors": [{"matchLabels": {"for": "all"}}]});
        let all = create(&mut cluster, all);
        create(&mut cluster, role("b", "all", json!([rule("get"), rule("list")])));
        let first = create(&mut cluster, role("a", "all", json!([rule("list")])));
        assert_eq!(cluster.store.get(&all).unwrap()["rules"], json!([rule("list"), rule("get")]));
        cluster.store.remove(&first);
        run(&mut cluster, &Until::Now);
        let stored = cluster.store.get(&all).unwrap();
        assert_eq!(stored["rules"], json!([rule("get"), rule("list")]));
        assert_eq!(stored["metadata"]["managedFields"][0]["manager"], super::MANAGER);
    }
}
