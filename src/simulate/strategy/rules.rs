//! What each kind's strategy allows and counts, as data.
//!
//! Follows `pkg/registry/*/*/strategy.go` (`AllowCreateOnUpdate`, `AllowUnconditionalUpdate`, `PrepareForUpdate`).

use crate::object::Gvk;
use crate::schema::Version;
use crate::simulate::defaults::gates::Gate;

/// When an update moves `metadata.generation`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Generation {
    /// Never, and creation sets none.
    None,
    /// When the spec is semantically another one.
    Spec,
    /// When the spec or the annotations are.
    SpecAndAnnotations,
    /// When the spec is, or the client sent an empty list or map in it.
    SpecOrEmpty,
    /// When the webhooks are, or the client sent an empty list or map in them.
    WebhooksOrEmpty,
    /// When anything but metadata and status is (custom resources).
    Content,
    /// When the content or the labels are.
    ContentAndLabels,
    /// Creation sets the first, and none follows.
    First,
    /// When the spec is; creation sets none.
    LaterSpec,
}

/// The kinds whose objects count generations, by group and kind.
const GENERATIONS: [(&str, &str, Generation); 25] = [
    ("", "Pod", Generation::Spec),
    ("", "PodTemplate", Generation::Content),
    ("", "ReplicationController", Generation::Spec),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy", Generation::Spec),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding", Generation::Spec),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration", Generation::WebhooksOrEmpty),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy", Generation::Spec),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding", Generation::Spec),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", Generation::WebhooksOrEmpty),
    ("apiextensions.k8s.io", "CustomResourceDefinition", Generation::Spec),
    ("apps", "DaemonSet", Generation::Spec),
    ("apps", "Deployment", Generation::SpecAndAnnotations),
    ("apps", "ReplicaSet", Generation::Spec),
    ("apps", "StatefulSet", Generation::Spec),
    ("batch", "CronJob", Generation::Spec),
    ("batch", "Job", Generation::Spec),
    ("discovery.k8s.io", "EndpointSlice", Generation::ContentAndLabels),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema", Generation::Spec),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration", Generation::Spec),
    ("networking.k8s.io", "Ingress", Generation::Spec),
    ("networking.k8s.io", "IngressClass", Generation::Spec),
    ("networking.k8s.io", "NetworkPolicy", Generation::SpecOrEmpty),
    ("policy", "PodDisruptionBudget", Generation::Spec),
    ("scheduling.k8s.io", "PriorityClass", Generation::First),
    ("storage.k8s.io", "CSIDriver", Generation::LaterSpec),
];

/// Kinds that a PUT creates where there is none.
const CREATED_BY_UPDATE: [(&str, &str); 10] = [
    ("", "Endpoints"),
    ("", "Event"),
    ("", "LimitRange"),
    ("", "Service"),
    ("coordination.k8s.io", "Lease"),
    ("node.k8s.io", "RuntimeClass"),
    ("rbac.authorization.k8s.io", "ClusterRole"),
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"),
    ("rbac.authorization.k8s.io", "Role"),
    ("rbac.authorization.k8s.io", "RoleBinding"),
];

/// Kinds whose updates must name the resource version that they were made from.
const CONDITIONAL: [(&str, &str); 18] = [
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "MutatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "MutatingWebhookConfiguration"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicyBinding"),
    ("admissionregistration.k8s.io", "ValidatingWebhookConfiguration"),
    ("apiextensions.k8s.io", "CustomResourceDefinition"),
    ("apiregistration.k8s.io", "APIService"),
    ("certificates.k8s.io", "ClusterTrustBundle"),
    ("coordination.k8s.io", "Lease"),
    ("coordination.k8s.io", "LeaseCandidate"),
    ("internal.apiserver.k8s.io", "StorageVersion"),
    ("node.k8s.io", "RuntimeClass"),
    ("policy", "PodDisruptionBudget"),
    ("storage.k8s.io", "CSIDriver"),
    ("storage.k8s.io", "CSINode"),
    ("storage.k8s.io", "CSIStorageCapacity"),
    ("storage.k8s.io", "VolumeAttachment"),
];

/// Kinds whose status writes leave all metadata alone that clients write, too.
const STATUS_WITHOUT_METADATA: [(&str, &str); 5] = [
    ("admissionregistration.k8s.io", "ValidatingAdmissionPolicy"),
    ("flowcontrol.apiserver.k8s.io", "FlowSchema"),
    ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration"),
    ("networking.k8s.io", "ServiceCIDR"),
    ("storage.k8s.io", "VolumeAttachment"),
];

/// Kinds that take a status from the client that creates them.
const STATUS_AT_CREATION: [(&str, &str); 2] = [("", "Node"), ("networking.k8s.io", "ServiceCIDR")];

fn names(kinds: &[(&str, &str)], gvk: &Gvk) -> bool {
    kinds.iter().any(|(group, kind)| *group == gvk.group && *kind == gvk.kind)
}

/// Whether a PUT creates an object of that kind where there is none.
pub fn allows_create_on_update(gvk: &Gvk) -> bool {
    names(&CREATED_BY_UPDATE, gvk)
}

/// Whether an update may leave the resource version out. Custom resources do not allow it.
pub fn allows_unconditional_update(gvk: &Gvk, custom: bool) -> bool {
    !custom && !names(&CONDITIONAL, gvk)
}

/// Whether a write of the status leaves labels, annotations, finalizers and owners alone.
pub(super) fn status_without_metadata(gvk: &Gvk) -> bool {
    names(&STATUS_WITHOUT_METADATA, gvk)
}

/// Whether creation keeps the status that the client sent.
pub(super) fn status_at_creation(gvk: &Gvk) -> bool {
    names(&STATUS_AT_CREATION, gvk)
}

/// How a kind counts generations.
pub(super) fn generation(gvk: &Gvk, custom: bool, version: Version) -> Generation {
    if gvk.group == "autoscaling" && gvk.kind == "HorizontalPodAutoscaler" && Gate::HpaGeneration.enabled(version) {
        return Generation::Spec;
    }
    let told = GENERATIONS.iter().find(|(group, kind, _)| *group == gvk.group && *kind == gvk.kind);
    match told {
        Some((_, _, rule)) => *rule,
        None if custom => Generation::Content,
        None => Generation::None,
    }
}
