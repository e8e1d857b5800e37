//! The defaults that Kubernetes fills into an object, kind by kind, and the conversions that work like defaults.
//!
//! Works in place on objects as `schema::decode` gives them, and leaves them in the same form. What a server does once, at
//! creation or on an update, is in `simulate::strategy`.

mod batch;
pub(in crate::simulate) mod bundle;
pub(in crate::simulate) mod gates;
mod image;
pub(in crate::simulate) mod pod;
pub(in crate::simulate) mod pod_only;
mod table;
mod workloads;

use crate::object::quantity::Quantity;
use crate::object::{Gvk, Map, Value};
use crate::schema::decode::arrange;
use crate::schema::{Schema, Version};

/// Fills in what a server of that version fills in. The object comes from `schema::decode::decode`.
pub fn apply(gvk: &Gvk, version: Version, object: &mut Value) {
    if let Some(defaults) = defaults_of(gvk) {
        defaults(object, version);
    }
    table::apply(gvk, object);
    let schema = Schema::of(version);
    if let Some(ty) = schema.resource_of(&gvk.group, &gvk.version, &gvk.kind).and_then(|r| r.ty.as_ref()) {
        arrange(schema, ty, object);
    }
}

/// Defaults the empty maps in what a client sent. Those that defaulting makes itself cannot be told from none and go
/// (`SetDefaults_ConfigMap`, `SetDefaults_LimitRangeItem`); limits of a Pod's container make requests (`SetDefaults_Pod`).
pub(in crate::simulate) fn default_empties(gvk: &Gvk, sent: &mut Value) {
    let drop_empty = |holder: &mut Value, field: &str| {
        if let Some(map) = holder.as_object_mut().filter(|map| map.get(field).and_then(Value::as_object).is_some_and(Map::is_empty)) {
            map.shift_remove(field);
        }
    };
    match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("", "ConfigMap") => drop_empty(sent, "data"),
        ("", "Pod") => pod_only::empty_requests(sent),
        ("", "LimitRange") => {
            let limits = sent.get_mut("spec").and_then(|spec| spec.get_mut("limits")).and_then(Value::as_array_mut);
            for limit in limits.into_iter().flatten().filter(|limit| limit["type"] == "Container") {
                drop_empty(limit, "default");
                drop_empty(limit, "defaultRequest");
            }
        }
        _ => {}
    }
}

/// Takes back defaults of lists that were sent empty, where the server fills in only those that are nil.
pub fn keep_emptied(gvk: &Gvk, sent: &Value, object: &mut Value) {
    if gvk.group == "autoscaling" && gvk.kind == "HorizontalPodAutoscaler" && gvk.version != "v1" {
        bundle::keep_emptied_policies(sent, object);
    }
}

type Defaults = fn(&mut Value, Version);

fn defaults_of(gvk: &Gvk) -> Option<Defaults> {
    Some(match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("", "LimitRange") => bundle::limit_range,
        ("", "Namespace") => bundle::namespace,
        ("", "Node") => bundle::node,
        ("", "PersistentVolume") => bundle::persistent_volume,
        ("", "Pod") => pod_only::pod,
        ("", "PodTemplate") => workloads::pod_template,
        ("", "ReplicationController") => workloads::replication_controller,
        ("", "Secret") => bundle::secret,
        ("", "Service") => bundle::service,
        ("apiextensions.k8s.io", "CustomResourceDefinition") => bundle::custom_resource_definition,
        ("apps", "DaemonSet") => workloads::daemon_set,
        ("apps", "Deployment") => workloads::deployment,
        ("apps", "ReplicaSet") => workloads::replica_set,
        ("apps", "StatefulSet") => workloads::stateful_set,
        ("autoscaling", "HorizontalPodAutoscaler") if gvk.version == "v1" => bundle::autoscaler_v1,
        ("autoscaling", "HorizontalPodAutoscaler") => bundle::autoscaler,
        ("batch", "CronJob") => batch::cron_job,
        ("batch", "Job") => batch::job,
        ("flowcontrol.apiserver.k8s.io", "FlowSchema") => bundle::flow_schema,
        ("flowcontrol.apiserver.k8s.io", "PriorityLevelConfiguration") => bundle::priority_level,
        ("networking.k8s.io", "NetworkPolicy") => bundle::network_policy,
        ("rbac.authorization.k8s.io", "ClusterRoleBinding" | "RoleBinding") => bundle::binding,
        ("resource.k8s.io", "ResourceClaim" | "ResourceClaimTemplate") => bundle::device_claim,
        ("storage.k8s.io", "CSIDriver") => bundle::csi_driver,
        _ => return None,
    })
}

/// Sets a field that Go holds by pointer, or that is left out when zero: if it is not there.
fn fill(holder: &mut Map, key: &str, value: impl Into<Value>) {
    if holder.get(key).is_none_or(Value::is_null) {
        holder.insert(key.into(), value.into());
    }
}

/// Sets a field that may stand there as a zero: if it is not there, empty or 0.
fn fill_zero(holder: &mut Map, key: &str, value: impl Into<Value>) {
    if holder.get(key).is_none_or(|v| v.is_null() || v == "" || v == 0) {
        holder.insert(key.into(), value.into());
    }
}

/// Every item of a list that is there.
fn each(holder: &mut Map, key: &str, mut change: impl FnMut(&mut Map)) {
    if let Some(Value::Array(items)) = holder.get_mut(key) {
        for item in items {
            if let Value::Object(item) = item {
                change(item);
            }
        }
    }
}

/// The map under a key, if it is there.
fn inside<'v>(holder: &'v mut Value, key: &str) -> Option<&'v mut Map> {
    holder.get_mut(key).and_then(Value::as_object_mut)
}

/// Rounds every quantity of a resource list up to thousandths.
fn resource_list(holder: &mut Map, key: &str) {
    let Some(Value::Object(list)) = holder.get_mut(key) else { return };
    for value in list.values_mut() {
        let Some(text) = value.as_str() else { continue };
        // Most quantities are whole thousandths to the eye: `250m`, `1Gi`, `2`.
        if text.contains(['.', 'e', 'E', 'n', 'u'])
            && let Ok(mut quantity) = Quantity::parse(text)
        {
            quantity.round_up_to_milli();
            *value = quantity.to_string().into();
        }
    }
}

/// Rounds `resources.limits` and `resources.requests`.
fn resources(holder: &mut Map) {
    if let Some(Value::Object(resources)) = holder.get_mut("resources") {
        resource_list(resources, "limits");
        resource_list(resources, "requests");
    }
}
