//! Which webhooks and admission policies would be asked about a write. None is run: who is matched is a doubt.
//!
//! Follows apiserver `pkg/admission/plugin/webhook/{generic/webhook,predicates/rules/rules,predicates/namespace/matcher}.go` and
//! `pkg/admission/plugin/policy/{matching,validating}`. Match conditions and policies are CEL, which is taken to say yes.

use crate::object::{ObjectId, Value, at, items, selector, text};
use crate::simulate::{Cluster, Request, Verb};

const GROUP: &str = "admissionregistration.k8s.io";

/// A write as rules see it.
pub(in crate::simulate) struct Asked<'a> {
    cluster: &'a Cluster,
    request: &'a Request,
    operation: &'static str,
    object: &'a Value,
    before: Option<&'a Value>,
}

impl<'a> Asked<'a> {
    /// A write that made `object` of what was there `before`; whatever its verb, one that made it anew is a creation.
    pub(in crate::simulate) fn of(
        cluster: &'a Cluster,
        request: &'a Request,
        created: bool,
        object: &'a Value,
        before: Option<&'a Value>,
    ) -> Self {
        let operation = match request.verb {
            _ if created => "CREATE",
            Verb::Create => "CREATE",
            Verb::Update | Verb::Patch(_) => "UPDATE",
            Verb::Delete | Verb::DeleteCollection => "DELETE",
        };
        Self { cluster, request, operation, object, before }
    }

    /// The names of those that the server would ask about it, sorted, with what they are.
    pub(in crate::simulate) fn names(&self) -> Vec<(String, &'static str)> {
        let mut names = Vec::new();
        for (kind, what) in [("MutatingWebhookConfiguration", "mutating webhook"), ("ValidatingWebhookConfiguration", "validating webhook")]
        {
            for (_, configuration) in self.cluster.store.list(GROUP, kind, None) {
                let hooks = items(configuration, &["webhooks"]).iter();
                let matched = hooks.filter(|hook| self.by(&items(hook, &["rules"]).iter().collect::<Vec<_>>(), hook));
                names.extend(matched.map(|hook| (text(hook, &["name"]).to_owned(), what)));
            }
        }
        for (kind, binding) in [
            ("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"),
            ("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"),
        ] {
            for (id, policy) in self.cluster.store.list(GROUP, kind, None) {
                let bound = self.cluster.store.list(GROUP, binding, None).any(|(_, binding)| self.bound(&id.name, binding));
                let constraints = &policy["spec"]["matchConstraints"];
                if bound && self.by(&rules_of(constraints), constraints) && !self.excluded(constraints) {
                    names.push((id.name.to_string(), "admission policy"));
                }
            }
        }
        names.sort();
        names.dedup();
        names
    }
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
        let operation = names("operations", self.operation);
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

    /// By what the object is, or by what it was.
    fn labels(&self, selectors: &Value) -> bool {
        let Some(wanted) = selectors.get("objectSelector") else { return true };
        let mut either = std::iter::once(self.object).chain(self.before);
        either.any(|object| selector::matches(Some(wanted), at(object, &["metadata", "labels"])))
    }
}

#[cfg(test)]
mod tests {
    use crate::object::{Value, json};
    use crate::schema::Version;
    use crate::simulate::clock::Clock;
    use crate::simulate::{Body, Cluster, PatchKind, Request, Target, Verb, WriteOptions};
    use std::sync::Arc;

    fn cluster(configurations: &[Value], trusted: &[&str]) -> Cluster {
        let mut cluster = Cluster::new(Version::V1_36, Clock::new("2026-01-01T00:00:00Z".parse().unwrap()));
        cluster.load(Arc::new(json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ns", "labels": {"team": "a"}}})));
        configurations.iter().for_each(|c| cluster.load(Arc::new(c.clone())));
        cluster.trusted = trusted.iter().map(|t| (*t).to_owned()).collect();
        cluster
    }

    fn manifest() -> Value {
        let labels = json!({"app": "web"});
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web", "labels": labels},
            "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}}})
    }

    /// Who is in doubt after a write; the doubts of earlier ones are gone.
    fn doubts_of(cluster: &mut Cluster, verb: Verb, subresource: &str, body: Value) -> Vec<String> {
        let name = if verb == Verb::Create { "" } else { "web" };
        let target = Target {
            group: "apps".into(),
            version: "v1".into(),
            resource: "deployments".into(),
            subresource: subresource.into(),
            namespace: "ns".into(),
            name: name.into(),
        };
        let options = WriteOptions { field_manager: "m".into(), ..WriteOptions::default() };
        cluster.doubts.clear();
        let response = cluster.write(&Request { verb, target, options, body: Body::Value(body) });
        assert!(response.code < 300, "{response:?}");
        cluster.doubts.iter().map(|d| d.source.clone()).collect()
    }

    fn doubts(configuration: Value, trusted: &[&str]) -> Vec<String> {
        doubts_of(&mut cluster(&[configuration], trusted), Verb::Create, "", manifest())
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

    const APPLY: Verb = Verb::Patch(PatchKind::Apply);
    const MERGE: Verb = Verb::Patch(PatchKind::Merge);

    /// The operation is what the write came to, not its verb; an object is selected by what it was, too.
    #[test]
    fn operations_and_old_objects_count() {
        let rule =
            |operation: &str| json!({"operations": [operation], "apiGroups": ["*"], "apiVersions": ["*"], "resources": ["deployments"]});
        let mut on_create = cluster(&[hook(&rule("CREATE"), &json!({}))], &[]);
        assert_eq!(doubts_of(&mut on_create, APPLY, "", manifest()), ["h.example.com"], "an apply of what is not there creates");
        assert!(doubts_of(&mut on_create, MERGE, "", json!({"metadata": {"labels": {"a": "b"}}})).is_empty());
        let was = json!({"objectSelector": {"matchLabels": {"app": "web"}}});
        let mut on_update = cluster(&[hook(&rule("UPDATE"), &was)], &[]);
        assert!(doubts_of(&mut on_update, APPLY, "", manifest()).is_empty());
        assert_eq!(doubts_of(&mut on_update, MERGE, "", json!({"metadata": {"labels": {"app": null}}})), ["h.example.com"]);
        assert!(doubts_of(&mut on_update, MERGE, "", json!({"metadata": {"labels": {"a": "b"}}})).is_empty(), "neither is nor was");
        assert!(doubts_of(&mut on_update, Verb::Delete, "", json!(null)).is_empty());
        let mut on_delete = cluster(&[hook(&rule("DELETE"), &json!({}))], &[]);
        doubts_of(&mut on_delete, APPLY, "", manifest());
        assert_eq!(doubts_of(&mut on_delete, Verb::Delete, "", json!(null)), ["h.example.com"]);
    }

    #[test]
    fn scopes_and_subresources_count() {
        let rule = |resource: &str, scope: &str| json!({"operations": ["*"], "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": [resource], "scope": scope});
        assert_eq!(doubts(hook(&rule("*", "Namespaced"), &json!({})), &[]), ["h.example.com"]);
        assert!(doubts(hook(&rule("*", "Cluster"), &json!({})), &[]).is_empty());
        let mut scale = cluster(&[hook(&rule("deployments/scale", "*"), &json!({}))], &[]);
        assert!(doubts_of(&mut scale, Verb::Create, "", manifest()).is_empty());
        assert_eq!(doubts_of(&mut scale, MERGE, "scale", json!({"spec": {"replicas": 2}})), ["h.example.com"]);
    }

    /// A policy counts where a binding puts it, unless that only warns; conditions in CEL are taken to hold.
    #[test]
    fn policies_count_where_they_are_bound() {
        let rule = json!({"operations": ["*"], "apiGroups": ["apps"], "apiVersions": ["v1"], "resources": ["deployments"]});
        let object = |kind: &str, name: &str, spec: Value| json!({"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": name}, "spec": spec});
        let policy = |more: Value| {
            let mut spec =
                json!({"matchConstraints": {"resourceRules": [rule]}, "matchConditions": [{"name": "c", "expression": "false"}]});
            spec["matchConstraints"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            object("ValidatingAdmissionPolicy", "p.example.com", spec)
        };
        let binding = |spec: Value| object("ValidatingAdmissionPolicyBinding", "b", spec);
        let asked = |objects: &[Value]| doubts_of(&mut cluster(objects, &[]), Verb::Create, "", manifest());
        let bound = |action: &str| binding(json!({"policyName": "p.example.com", "validationActions": [action]}));
        assert!(asked(&[policy(json!({}))]).is_empty(), "nobody bound it");
        assert_eq!(asked(&[policy(json!({})), bound("Deny")]), ["p.example.com"]);
        assert!(asked(&[policy(json!({})), bound("Warn")]).is_empty());
        assert!(asked(&[policy(json!({"excludeResourceRules": [rule]})), bound("Deny")]).is_empty());
        let elsewhere = json!({"policyName": "p.example.com", "matchResources": {"namespaceSelector": {"matchLabels": {"team": "b"}}}});
        assert!(asked(&[policy(json!({})), binding(elsewhere)]).is_empty());
    }
}
