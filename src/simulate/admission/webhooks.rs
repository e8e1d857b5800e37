//! Which webhooks and admission policies would be asked about a write. None is run: who is matched is a doubt.
//!
//! Follows apiserver `pkg/admission/plugin/webhook/{generic/webhook,predicates/rules/rules,predicates/namespace/matcher}.go` and
//! `pkg/admission/plugin/policy/{matching,validating}`. Match conditions and policies are CEL, which is taken to say yes.

use crate::object::{ObjectId, Value, at, items, selector, text};
use crate::simulate::{Cluster, Request, Verb};

const GROUP: &str = "admissionregistration.k8s.io";

/// A write as rules see it.
struct Asked<'a> {
    cluster: &'a Cluster,
    request: &'a Request,
    operation: &'static str,
    object: &'a Value,
}

/// The names of those that the server would ask about a write, sorted, with what they are.
pub(in crate::simulate) fn asked(cluster: &Cluster, request: &Request, object: &Value) -> Vec<(String, &'static str)> {
    let operation = match request.verb {
        Verb::Create => "CREATE",
        Verb::Update | Verb::Patch(_) => "UPDATE",
        Verb::Delete | Verb::DeleteCollection => "DELETE",
    };
    let asked = Asked { cluster, request, operation, object };
    let mut names = Vec::new();
    for (kind, what) in [("MutatingWebhookConfiguration", "mutating webhook"), ("ValidatingWebhookConfiguration", "validating webhook")] {
        for (_, configuration) in cluster.store.list(GROUP, kind, None) {
            let hooks = items(configuration, &["webhooks"]).iter();
            let matched = hooks.filter(|hook| asked.by(&items(hook, &["rules"]).iter().collect::<Vec<_>>(), hook));
            names.extend(matched.map(|hook| (text(hook, &["name"]).to_owned(), what)));
        }
    }
    for (kind, binding, what) in [
        ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding", "admission policy"),
        ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding", "admission policy"),
    ] {
        for (id, policy) in cluster.store.list(GROUP, kind, None) {
            let bound = cluster.store.list(GROUP, binding, None).any(|(_, binding)| asked.bound(&id.name, binding));
            let constraints = &policy["spec"]["matchConstraints"];
            if bound && asked.by(&rules_of(constraints), constraints) && !asked.excluded(constraints) {
                names.push((id.name.as_str().into(), what));
            }
        }
    }
    names.sort();
    names.dedup();
    names
}

fn rules_of(constraints: &Value) -> Vec<&Value> {
    items(constraints, &["resourceRules"]).iter().collect()
}

impl Asked<'_> {
    /// Whether one of the rules and both selectors match.
    fn by(&self, rules: &[&Value], selectors: &Value) -> bool {
        rules.iter().any(|rule| self.rule(rule)) && self.namespace(selectors) && self.labels(selectors)
    }

    /// Whether a binding makes a policy count here: one that only warns or audits refuses nothing.
    fn bound(&self, policy: &str, binding: &Value) -> bool {
        let actions = items(binding, &["spec", "validationActions"]);
        let decides = actions.is_empty() || actions.iter().any(|a| a == "Deny");
        let resources = &binding["spec"]["matchResources"];
        let rules = rules_of(resources);
        text(binding, &["spec", "policyName"]) == policy
            && decides
            && (rules.is_empty() || rules.iter().any(|rule| self.rule(rule)))
            && self.namespace(resources)
            && self.labels(resources)
            && !self.excluded(resources)
    }

    fn excluded(&self, constraints: &Value) -> bool {
        items(constraints, &["excludeResourceRules"]).iter().any(|rule| self.rule(rule))
    }

    fn rule(&self, rule: &Value) -> bool {
        let target = &self.request.target;
        let names = |key: &str, wanted: &str| items(rule, &[key]).iter().any(|v| v == "*" || v == wanted);
        let created_by_apply = self.operation == "UPDATE" && self.object["metadata"]["generation"] == 1;
        let operation = names("operations", self.operation) || (created_by_apply && names("operations", "CREATE"));
        let scope = match text(rule, &["scope"]) {
            "Namespaced" => !target.namespace.is_empty(),
            "Cluster" => target.namespace.is_empty(),
            _ => true,
        };
        let only = items(rule, &["resourceNames"]);
        let named = only.is_empty() || only.iter().any(|name| name == text(self.object, &["metadata", "name"]));
        // Versions of a kind are equivalent unless the webhook says otherwise, and workloads have one.
        let resource = items(rule, &["resources"]).iter().filter_map(Value::as_str).any(|wanted| {
            let (resource, subresource) = wanted.split_once('/').unwrap_or((wanted, ""));
            (resource == "*" || resource == target.resource) && (subresource == "*" || subresource == target.subresource)
        });
        operation && names("apiGroups", &target.group) && names("apiVersions", &target.version) && resource && scope && named
    }

    fn namespace(&self, selectors: &Value) -> bool {
        let Some(wanted) = selectors.get("namespaceSelector") else { return true };
        let name = &self.request.target.namespace;
        if name.is_empty() {
            return true;
        }
        let id = ObjectId { kind: "Namespace".into(), name: name.as_str().into(), ..ObjectId::default() };
        let own = self.cluster.store.get(&id).and_then(|n| at(n, &["metadata", "labels"])).cloned();
        let mut labels = own.unwrap_or_else(|| Value::Object(crate::object::Map::new()));
        if let Some(labels) = labels.as_object_mut() {
            labels.entry("kubernetes.io/metadata.name").or_insert_with(|| name.as_str().into());
        }
        selector::matches(Some(wanted), Some(&labels))
    }

    fn labels(&self, selectors: &Value) -> bool {
        let Some(wanted) = selectors.get("objectSelector") else { return true };
        selector::matches(Some(wanted), at(self.object, &["metadata", "labels"]))
    }
}

#[cfg(test)]
mod tests {
    use crate::object::{Value, json};
    use crate::schema::Version;
    use crate::simulate::clock::Clock;
    use crate::simulate::{Body, Cluster, Request, Target, Verb, WriteOptions};
    use std::sync::Arc;

    fn doubts(configuration: Value, trusted: &[&str]) -> Vec<String> {
        let mut cluster = Cluster::new(Version::V1_36, Clock::new("2026-01-01T00:00:00Z".parse().unwrap()));
        cluster.load(Arc::new(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns", "labels": {"team": "a"}}})));
        cluster.load(Arc::new(configuration));
        cluster.trusted = trusted.iter().map(|t| (*t).to_owned()).collect();
        let labels = json!({"app": "web"});
        let body = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": labels},
            "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}});
        let target = Target {
            group: "apps".into(),
            version: "v1".into(),
            resource: "deployments".into(),
            namespace: "ns".into(),
            ..Target::default()
        };
        let request = Request { verb: Verb::Create, target, options: WriteOptions::default(), body: Body::Value(body) };
        assert_eq!(cluster.write(&request).code, 201);
        cluster.doubts.iter().map(|d| d.source.clone()).collect()
    }

    fn hook(rule: &Value, more: &Value) -> Value {
        let mut hook = json!({"name": "h.example.com", "rules": [rule]});
        hook.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": "MutatingWebhookConfiguration", "metadata": {"name": "m"}, "webhooks": [hook]})
    }

    #[test]
    fn rules_and_selectors_say_who_is_asked() {
        let rule = |operations: &str, resource: &str| json!({"operations": [operations], "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": [resource]});
        let all = json!({});
        assert_eq!(doubts(hook(&rule("CREATE", "deployments"), &all), &[]), ["h.example.com"]);
        assert_eq!(doubts(hook(&rule("*", "*/*"), &all), &[]), ["h.example.com"]);
        assert!(doubts(hook(&rule("UPDATE", "deployments"), &all), &[]).is_empty());
        assert!(doubts(hook(&rule("CREATE", "deployments/scale"), &all), &[]).is_empty());
        let here = json!({"namespaceSelector": {"matchLabels": {"team": "a"}}, "objectSelector": {"matchLabels": {"app": "web"}}});
        assert_eq!(doubts(hook(&rule("CREATE", "deployments"), &here), &[]), ["h.example.com"]);
        let there = json!({"namespaceSelector": {"matchExpressions": [{"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["ns"]}]}});
        assert!(doubts(hook(&rule("CREATE", "deployments"), &there), &[]).is_empty());
        assert!(doubts(hook(&rule("CREATE", "deployments"), &all), &["h.example.com"]).is_empty(), "vouched for");
        assert!(doubts(hook(&rule("CREATE", "deployments"), &all), &["*"]).is_empty());
    }
}
