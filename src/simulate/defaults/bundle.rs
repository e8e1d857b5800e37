//! Kinds of a namespace bundle whose defaults need more than one value in one place: Namespace, Secret, LimitRange, Service,
//! NetworkPolicy, bindings, HorizontalPodAutoscaler; and of the cluster: Node, PersistentVolume, CSIDriver, definitions of
//! custom resources, priority levels, device claims.
//!
//! Follows `pkg/apis/*/v1/defaults.go` and `conversion.go`, `pkg/apis/autoscaling/v2/defaults.go`.

use super::gates::Gate;
use super::pod::volume_source;
use super::table::visit;
use super::{each, fill, fill_zero, inside};
use crate::object::{Map, Value, at, base64, items, json, map_at, text};
use crate::schema::Version;

/// The label of a namespace that says its name, whatever was written.
pub(super) fn namespace(object: &mut Value, _: Version) {
    let name = text(object, &["metadata", "name"]).to_owned();
    if !name.is_empty() {
        map_at(object, &["metadata", "labels"]).insert("kubernetes.io/metadata.name".into(), name.into());
    }
}

/// `stringData` is a way to write `data`, and is never read back.
pub(super) fn secret(object: &mut Value, _: Version) {
    let Some(secret) = object.as_object_mut() else { return };
    if let Some(Value::Object(plain)) = secret.shift_remove("stringData") {
        let data = map_at(object, &["data"]);
        for (key, value) in plain {
            data.insert(key, base64::encode(value.as_str().unwrap_or_default().as_bytes()).into());
        }
    }
}

pub(super) fn limit_range(object: &mut Value, _: Version) {
    visit(object, "spec.limits", &mut |limit| {
        if limit.get("type").is_some_and(|ty| ty == "Container") {
            for (target, source) in [("default", "max"), ("defaultRequest", "default"), ("defaultRequest", "min")] {
                fill_entries(limit, target, source);
            }
        }
    });
}

/// Takes over the entries of another map that this one does not have.
pub(super) fn fill_entries(holder: &mut Map, target: &str, source: &str) {
    let Some(Value::Object(from)) = holder.get(source).cloned() else { return };
    if let Value::Object(into) = holder.entry(target).or_insert_with(|| Map::new().into()) {
        from.into_iter().for_each(|(key, value)| fill(into, &key, value));
    }
}

pub(super) fn node(object: &mut Value, _: Version) {
    if let Some(status) = inside(object, "status") {
        let capacity = status.get("capacity").cloned();
        if let Some(capacity) = capacity {
            fill(status, "allocatable", capacity);
        }
    }
}

pub(super) fn persistent_volume(object: &mut Value, _: Version) {
    volume_source(map_at(object, &["spec"]));
}

pub(super) fn service(object: &mut Value, _: Version) {
    let spec = map_at(object, &["spec"]);
    fill(spec, "sessionAffinity", "None");
    if spec["sessionAffinity"] == "None" {
        spec.shift_remove("sessionAffinityConfig");
    } else if spec["sessionAffinity"] == "ClientIP"
        && spec.get("sessionAffinityConfig").is_none_or(|c| c["clientIP"]["timeoutSeconds"].is_null())
    {
        spec.insert("sessionAffinityConfig".into(), json!({"clientIP": {"timeoutSeconds": 10800}}));
    }
    fill(spec, "type", "ClusterIP");
    each(spec, "ports", |port| {
        fill(port, "protocol", "TCP");
        let own = port.get("port").cloned().unwrap_or_else(|| 0.into());
        fill_zero(port, "targetPort", own);
    });
    let ty = spec.get("type").and_then(Value::as_str).unwrap_or_default().to_owned();
    if externally_accessible(spec) {
        fill(spec, "externalTrafficPolicy", "Cluster");
    }
    if matches!(ty.as_str(), "NodePort" | "LoadBalancer" | "ClusterIP") {
        fill(spec, "internalTrafficPolicy", "Cluster");
    }
    if ty == "LoadBalancer" {
        fill(spec, "allocateLoadBalancerNodePorts", true);
        visit(object, "status.loadBalancer.ingress", &mut |ingress| {
            if ingress.contains_key("ip") {
                fill(ingress, "ipMode", "VIP");
            }
        });
    }
}

/// Whether traffic from outside the cluster reaches a Service.
pub(in crate::simulate) fn externally_accessible(spec: &Map) -> bool {
    match spec.get("type").and_then(Value::as_str) {
        Some("LoadBalancer" | "NodePort") => true,
        Some("ClusterIP") => spec.get("externalIPs").and_then(Value::as_array).is_some_and(|ips| !ips.is_empty()),
        _ => false,
    }
}

pub(super) fn network_policy(object: &mut Value, _: Version) {
    let egress = !items(object, &["spec", "egress"]).is_empty();
    let types = if egress { json!(["Ingress", "Egress"]) } else { json!(["Ingress"]) };
    fill(map_at(object, &["spec"]), "policyTypes", types);
}

/// Subjects that are users or groups belong to the RBAC group.
pub(super) fn binding(object: &mut Value, _: Version) {
    visit(object, "subjects", &mut |subject| {
        if matches!(subject.get("kind").and_then(Value::as_str), Some("User" | "Group")) {
            fill(subject, "apiGroup", "rbac.authorization.k8s.io");
        }
    });
}

/// Annotations in which other versions of the API carry what they have no field for.
const AUTOSCALER_ANNOTATIONS: [&str; 6] = [
    "autoscaling.alpha.kubernetes.io/metrics",
    "autoscaling.alpha.kubernetes.io/behavior",
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
    "autoscaling.alpha.kubernetes.io/current-metrics",
    "autoscaling.alpha.kubernetes.io/conditions",
];

/// `autoscaling/v2`.
pub(super) fn autoscaler(object: &mut Value, _: Version) {
    visit(object, "metadata", &mut |metadata| {
        if let Some(Value::Object(annotations)) = metadata.get_mut("annotations") {
            AUTOSCALER_ANNOTATIONS.iter().for_each(|name| drop(annotations.shift_remove(name)));
            if annotations.is_empty() {
                metadata.shift_remove("annotations");
            }
        }
    });
    let spec = map_at(object, &["spec"]);
    let cpu = json!([{"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 80}}}]);
    fill(spec, "metrics", cpu);
    if let Some(Value::Object(behavior)) = spec.get_mut("behavior") {
        let percent = json!({"type": "Percent", "value": 100, "periodSeconds": 15});
        let pods = json!({"type": "Pods", "value": 4, "periodSeconds": 15});
        for (direction, window, policies) in [("scaleUp", Some(0), json!([pods, percent.clone()])), ("scaleDown", None, json!([percent]))] {
            fill(behavior, direction, Map::new());
            let Some(Value::Object(rules)) = behavior.get_mut(direction) else { continue };
            if let Some(window) = window {
                fill(rules, "stabilizationWindowSeconds", window);
            }
            fill(rules, "selectPolicy", "Max");
            fill(rules, "policies", policies);
        }
    }
}

/// Policies that were sent empty are not those of a rule that says nothing (`autoscaling/v2/defaults.go:copyHPAScalingRules`).
pub(super) fn keep_emptied_policies(sent: &Value, object: &mut Value) {
    for direction in ["scaleUp", "scaleDown"] {
        let path = ["spec", "behavior", direction, "policies"];
        if at(sent, &path).and_then(Value::as_array).is_some_and(Vec::is_empty) {
            map_at(object, &path[..3]).shift_remove("policies");
        }
    }
}

/// `autoscaling/v1`: a target of CPU use where no metric is told, in the field or in the annotation.
pub(super) fn autoscaler_v1(object: &mut Value, _: Version) {
    let metrics = text(object, &["metadata", "annotations", AUTOSCALER_ANNOTATIONS[0]]);
    let told = serde_json::from_str::<Value>(metrics).is_ok_and(|m| m.as_array().is_some_and(|m| !m.is_empty()));
    if !told {
        fill(map_at(object, &["spec"]), "targetCPUUtilizationPercentage", 80);
    }
}

pub(super) fn csi_driver(object: &mut Value, version: Version) {
    let spec = map_at(object, &["spec"]);
    fill(spec, "volumeLifecycleModes", json!(["Persistent"]));
    if Gate::VolumeLimitScaling.enabled(version) {
        fill(spec, "preventPodSchedulingIfMissing", false);
    }
}

pub(super) fn custom_resource_definition(object: &mut Value, _: Version) {
    let kind = text(object, &["spec", "names", "kind"]).to_owned();
    let names = map_at(object, &["spec", "names"]);
    fill_zero(names, "singular", kind.to_lowercase());
    if !kind.is_empty() {
        fill_zero(names, "listKind", format!("{kind}List"));
    }
    fill(map_at(object, &["spec"]), "conversion", json!({"strategy": "None"}));
    visit(object, "spec.conversion.webhook.clientConfig.service", &mut |service| fill(service, "port", 443));
    let stored = items(object, &["spec", "versions"]).iter().find(|v| v["storage"] == true).map(|v| v["name"].clone());
    if let Some(stored) = stored {
        fill(map_at(object, &["status"]), "storedVersions", json!([stored]));
    }
}

pub(super) fn flow_schema(object: &mut Value, _: Version) {
    fill_zero(map_at(object, &["spec"]), "matchingPrecedence", 1000);
}

pub(super) fn priority_level(object: &mut Value, _: Version) {
    visit(object, "spec.limited", &mut |limited| {
        fill(limited, "nominalConcurrencyShares", 30);
        fill(limited, "lendablePercent", 0);
    });
    visit(object, "spec.limited.limitResponse.queuing", &mut |queuing| {
        for (field, value) in [("handSize", 8), ("queues", 64), ("queueLengthLimit", 50)] {
            fill_zero(queuing, field, value);
        }
    });
    visit(object, "spec.exempt", &mut |exempt| {
        fill(exempt, "nominalConcurrencyShares", 0);
        fill(exempt, "lendablePercent", 0);
    });
}

pub(super) fn device_claim(object: &mut Value, _: Version) {
    for requests in ["spec.devices.requests", "spec.spec.devices.requests"] {
        for request in ["exactly", "firstAvailable"] {
            let place = format!("{requests}.{request}");
            visit(object, &place, &mut |request| {
                fill(request, "allocationMode", "ExactCount");
                if request["allocationMode"] == "ExactCount" {
                    fill_zero(request, "count", 1);
                }
            });
            visit(object, &format!("{place}.tolerations"), &mut |toleration| fill_zero(toleration, "operator", "Equal"));
        }
    }
}
