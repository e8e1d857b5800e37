//! Defaults that are one value in one place, and resource lists that are rounded: as data, by group and kind.
//!
//! Follows `pkg/apis/*/v1/defaults.go` and `zz_generated.defaults.go`, apiextensions-apiserver and kube-aggregator `defaults.go`.

use super::{fill_zero, resource_list};
use crate::object::{Gvk, Map, Value};

/// A default value.
#[derive(Clone, Copy)]
enum Literal {
    /// For a text that is held by pointer: an empty one is told.
    Text(&'static str),
    /// For a text that is held by value: an empty one is none.
    Plain(&'static str),
    Number(i64),
    Flag(bool),
    Map,
}

impl From<Literal> for Value {
    fn from(literal: Literal) -> Self {
        match literal {
            Literal::Text(text) | Literal::Plain(text) => text.into(),
            Literal::Number(number) => number.into(),
            Literal::Flag(flag) => flag.into(),
            Literal::Map => Map::new().into(),
        }
    }
}

use Literal::{Flag, Map as Empty, Number, Plain, Text};

/// Group, kind, where (through lists and into all their items), which field, what. Nothing on the way is made.
const FILLED: [(&str, &str, &str, &str, Literal); 63] = [
    ("", "Endpoints", "subsets.ports", "protocol", Plain("TCP")),
    ("", "Namespace", "status", "phase", Plain("Active")),
    ("", "PersistentVolume", "status", "phase", Plain("Pending")),
    ("", "PersistentVolume", "spec", "persistentVolumeReclaimPolicy", Plain("Retain")),
    ("", "PersistentVolume", "spec", "volumeMode", Text("Filesystem")),
    ("", "PersistentVolumeClaim", "status", "phase", Plain("Pending")),
    ("", "PersistentVolumeClaim", "spec", "volumeMode", Text("Filesystem")),
    ("", "Secret", "", "type", Plain("Opaque")),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy", "spec", "failurePolicy", Text("Fail")),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy", "spec.matchConstraints", "matchPolicy", Text("Equivalent")),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy", "spec.matchConstraints", "namespaceSelector", Empty),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy", "spec.matchConstraints", "objectSelector", Empty),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy", "spec.matchConstraints.resourceRules", "scope", Text("*")),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy", "spec.matchConstraints.excludeResourceRules", "scope", Text("*")),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding", "spec.matchResources", "matchPolicy", Text("Equivalent")),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding", "spec.matchResources", "namespaceSelector", Empty),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding", "spec.matchResources", "objectSelector", Empty),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding", "spec.matchResources.resourceRules", "scope", Text("*")),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding", "spec.matchResources.excludeResourceRules", "scope", Text("*")),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "webhooks", "failurePolicy", Text("Fail")),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "webhooks", "matchPolicy", Text("Equivalent")),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "webhooks", "namespaceSelector", Empty),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "webhooks", "objectSelector", Empty),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "webhooks", "timeoutSeconds", Number(10)),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "webhooks", "reinvocationPolicy", Text("Never")),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "webhooks.clientConfig.service", "port", Number(443)),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "webhooks.rules", "scope", Text("*")),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "spec", "failurePolicy", Text("Fail")),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "spec.matchConstraints", "matchPolicy", Text("Equivalent")),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "spec.matchConstraints", "namespaceSelector", Empty),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "spec.matchConstraints", "objectSelector", Empty),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "spec.matchConstraints.resourceRules", "scope", Text("*")),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", "spec.matchConstraints.excludeResourceRules", "scope", Text("*")),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", "spec.matchResources", "matchPolicy", Text("Equivalent")),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", "spec.matchResources", "namespaceSelector", Empty),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", "spec.matchResources", "objectSelector", Empty),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", "spec.matchResources.resourceRules", "scope", Text("*")),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", "spec.matchResources.excludeResourceRules", "scope", Text("*")),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "webhooks", "failurePolicy", Text("Fail")),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "webhooks", "matchPolicy", Text("Equivalent")),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "webhooks", "namespaceSelector", Empty),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "webhooks", "objectSelector", Empty),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "webhooks", "timeoutSeconds", Number(10)),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "webhooks.clientConfig.service", "port", Number(443)),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "webhooks.rules", "scope", Text("*")),
    ("apiregistration.k8s.io", "APIService", "spec.service", "port", Number(443)),
    ("autoscaling", "HorizontalPodAutoscaler", "spec", "minReplicas", Number(1)),
    ("discovery.k8s.io", "EndpointSlice", "ports", "name", Text("")),
    ("discovery.k8s.io", "EndpointSlice", "ports", "protocol", Text("TCP")),
    ("networking.k8s.io", "IngressClass", "spec.parameters", "scope", Text("Cluster")),
    ("networking.k8s.io", "NetworkPolicy", "spec.ingress.ports", "protocol", Text("TCP")),
    ("networking.k8s.io", "NetworkPolicy", "spec.egress.ports", "protocol", Text("TCP")),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding", "roleRef", "apiGroup", Plain("rbac.authorization.k8s.io")),
    ("rbac.authorization.k8s.io", "RoleBinding", "roleRef", "apiGroup", Plain("rbac.authorization.k8s.io")),
    ("scheduling.k8s.io", "PriorityClass", "", "preemptionPolicy", Text("PreemptLowerPriority")),
    ("storage.k8s.io", "CSIDriver", "spec", "attachRequired", Flag(true)),
    ("storage.k8s.io", "CSIDriver", "spec", "podInfoOnMount", Flag(false)),
    ("storage.k8s.io", "CSIDriver", "spec", "storageCapacity", Flag(false)),
    ("storage.k8s.io", "CSIDriver", "spec", "fsGroupPolicy", Text("ReadWriteOnceWithFSType")),
    ("storage.k8s.io", "CSIDriver", "spec", "requiresRepublish", Flag(false)),
    ("storage.k8s.io", "CSIDriver", "spec", "seLinuxMount", Flag(false)),
    ("storage.k8s.io", "StorageClass", "", "reclaimPolicy", Text("Delete")),
    ("storage.k8s.io", "StorageClass", "", "volumeBindingMode", Text("Immediate")),
];

/// Group, kind, and where a resource list stands whose quantities are rounded up to thousandths.
const ROUNDED: [(&str, &str, &str, &str); 15] = [
    ("", "LimitRange", "spec.limits", "max"),
    ("", "LimitRange", "spec.limits", "min"),
    ("", "LimitRange", "spec.limits", "default"),
    ("", "LimitRange", "spec.limits", "defaultRequest"),
    ("", "LimitRange", "spec.limits", "maxLimitRequestRatio"),
    ("", "Node", "status", "capacity"),
    ("", "Node", "status", "allocatable"),
    ("", "PersistentVolume", "spec", "capacity"),
    ("", "PersistentVolumeClaim", "spec.resources", "limits"),
    ("", "PersistentVolumeClaim", "spec.resources", "requests"),
    ("", "PersistentVolumeClaim", "status", "capacity"),
    ("", "PersistentVolumeClaim", "status", "allocatedResources"),
    ("", "ResourceQuota", "spec", "hard"),
    ("", "ResourceQuota", "status", "hard"),
    ("", "ResourceQuota", "status", "used"),
];

/// Fills in and rounds what the tables say of a kind.
pub(super) fn apply(gvk: &Gvk, object: &mut Value) {
    for (_, _, place, field, literal) in FILLED.iter().filter(|row| row.0 == gvk.group && row.1 == gvk.kind) {
        visit(object, place, &mut |holder| fill_unless_told(holder, field, *literal));
    }
    for (_, _, place, field) in ROUNDED.iter().filter(|row| row.0 == gvk.group && row.1 == gvk.kind) {
        visit(object, place, &mut |holder| resource_list(holder, field));
    }
}

/// What is held by pointer is told with its zero; what is held by value is not.
fn fill_unless_told(holder: &mut Map, field: &str, literal: Literal) {
    match literal {
        Plain(text) => fill_zero(holder, field, text),
        other => super::fill(holder, field, other),
    }
}

/// Every map at a path of names, through lists.
pub(super) fn visit(value: &mut Value, place: &str, change: &mut dyn FnMut(&mut Map)) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| visit(item, place, change)),
        Value::Object(map) if place.is_empty() => change(map),
        Value::Object(map) => {
            let (first, rest) = place.split_once('.').unwrap_or((place, ""));
            if let Some(inner) = map.get_mut(first) {
                visit(inner, rest, change);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{FILLED, Literal, ROUNDED};
    use crate::schema::{Schema, StructType, Type, Version};

    fn inner<'s>(schema: &'s Schema, ty: &'s Type) -> &'s StructType {
        match ty {
            Type::List(list) => inner(schema, &list.item),
            other => schema.fields(other).unwrap(),
        }
    }

    #[test]
    fn every_place_exists_in_the_schema() {
        let schema = Schema::of(Version::V1_36);
        let filled = FILLED.iter().map(|(group, kind, place, field, literal)| (*group, *kind, *place, *field, Some(*literal)));
        let rounded = ROUNDED.iter().map(|(group, kind, place, field)| (*group, *kind, *place, *field, None));
        for (group, kind, place, field, literal) in filled.chain(rounded) {
            let resource = schema.resources().iter().rfind(|r| r.group == group && r.kind == kind && !r.resource.contains('/')).unwrap();
            let path = place.split('.').filter(|name| !name.is_empty());
            let own = path.fold(inner(schema, resource.ty.as_ref().unwrap()), |own, name| {
                inner(schema, &own.field(name).unwrap_or_else(|| panic!("{kind} {place} has no {name}")).ty)
            });
            let found = own.field(field).unwrap_or_else(|| panic!("{kind} {place} has no {field}"));
            assert!(!matches!(literal, Some(Literal::Text(_))) || found.pointer, "{kind} {place} {field} is held by value");
            assert!(!matches!(literal, Some(Literal::Plain(_))) || !found.pointer, "{kind} {place} {field} is held by pointer");
        }
    }
}
