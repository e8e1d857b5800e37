//! A value as `Invalid value:` shows a Go struct of the server's internal types: Go's field names in Go's order, zero values included.
//!
//! Internal types have no JSON tags and mostly the v1 names. Types of `meta/v1` are the same inside and
//! outside, and are shown as the API writes them.

use super::read::Read;
use super::unified::unified;
use crate::object::{Map, Value};
use crate::schema::{Field, Omit, Scalar, Schema, StructType, Type, Version};
use serde::Serialize;

/// The part of a PersistentVolume's spec that v1 embeds there.
pub(super) const VOLUME_SOURCE: &str = "PersistentVolumeSource";

/// A value of a named type, held by pointer. In `sent`, what it was decoded from, empty lists and maps stand that the value does not have.
pub(in crate::simulate) fn shown_as(schema: &Schema, name: &str, value: &Value, sent: Option<&Value>) -> String {
    let mut out = String::new();
    if name == VOLUME_SOURCE {
        let spec = schema.named("io.k8s.api.core.v1.PersistentVolumeSpec");
        let fields = spec.as_ref().and_then(|ty| schema.fields(ty)).map(|f| StructType { go: name.to_owned(), ..f.clone() });
        out.push('{');
        write_fields(schema, &fields.unwrap_or_default(), Shown { value: Some(value), sent }, &mut true, &mut out);
        out.push('}');
        return out;
    }
    match schema.named(name) {
        Some(ty) if !value.is_null() => write(schema, &ty, true, Shown { value: Some(value), sent }, &mut out),
        Some(_) => out.push_str("null"),
        None => out.push_str(&value.to_string()),
    }
    out
}

/// A list of values of a named type.
pub(super) fn list_shown_as(schema: &Schema, name: &str, values: &[Value], sent: Option<&Value>) -> String {
    if values.is_empty() {
        return if sent.is_some_and(Value::is_array) { "[]" } else { "null" }.into();
    }
    let item = |(i, v): (usize, &Value)| shown_as(schema, name, v, sent.and_then(|s| s.get(i)));
    let items: Vec<String> = values.iter().enumerate().map(item).collect();
    format!("[{}]", items.join(","))
}

/// A part of a value, and the same part as it was sent.
#[derive(Clone, Copy)]
struct Shown<'v> {
    value: Option<&'v Value>,
    sent: Option<&'v Value>,
}

impl<'v> Shown<'v> {
    fn field(self, name: &str) -> Self {
        Self { value: self.value.and_then(|v| v.field(name)), sent: self.sent.and_then(|s| s.get(name)) }
    }
}

fn write(schema: &Schema, ty: &Type, pointer: bool, shown: Shown<'_>, out: &mut String) {
    let Shown { value, sent } = shown;
    let value = value.filter(|v| !v.is_null());
    match (ty, value) {
        (Type::List(_), None) if sent.is_some_and(Value::is_array) => out.push_str("[]"),
        (Type::Map(_), None) if sent.is_some_and(Value::is_object) => out.push_str("{}"),
        (_, None) if pointer => out.push_str("null"),
        (Type::List(_) | Type::Map(_) | Type::Any, None) => out.push_str("null"),
        (Type::Scalar(scalar), None) => out.push_str(zero(*scalar)),
        (Type::List(list), Some(value)) => {
            out.push('[');
            for (i, item) in value.as_array().into_iter().flatten().enumerate() {
                comma(i, out);
                let item = Shown { value: Some(item), sent: sent.and_then(|s| s.get(i)) };
                write(schema, &list.item, list.pointers, item, out);
            }
            out.push(']');
        }
        (Type::Map(map), Some(value)) => {
            let mut entries: Vec<_> = value.as_object().into_iter().flatten().collect();
            entries.sort_by_key(|(k, _)| *k);
            out.push('{');
            for (i, (key, item)) in entries.into_iter().enumerate() {
                comma(i, out);
                out.push_str(&format!("{}:", Value::from(key.as_str())));
                write(schema, &map.value, false, Shown { value: Some(item), sent: sent.and_then(|s| s.get(key)) }, out);
            }
            out.push('}');
        }
        (Type::Named(_) | Type::Struct(_), value) => match schema.fields(ty) {
            Some(fields) => {
                out.push('{');
                let mut first = true;
                write_fields(schema, fields, Shown { value, sent }, &mut first, out);
                out.push('}');
            }
            None => out.push_str(&value.map(Value::to_string).unwrap_or_else(|| "null".into())),
        },
        (Type::Scalar(_) | Type::Any, Some(value)) => out.push_str(&value.to_string()),
    }
}

/// Types whose internal form has other fields, or the same in another order, by their Go names. In 1.37 most became those of v1.
const OTHERWISE: &[(&str, &str)] = &[
    (
        "PodSpec",
        "Volumes InitContainers Containers EphemeralContainers RestartPolicy TerminationGracePeriodSeconds ActiveDeadlineSeconds \
         DNSPolicy NodeSelector ServiceAccountName AutomountServiceAccountToken NodeName SecurityContext ImagePullSecrets Hostname \
         Subdomain SetHostnameAsFQDN Affinity SchedulerName Tolerations HostAliases PriorityClassName Priority PreemptionPolicy \
         DNSConfig ReadinessGates RuntimeClassName Overhead EnableServiceLinks TopologySpreadConstraints OS SchedulingGates \
         ResourceClaims Resources HostnameOverride SchedulingGroup WorkloadRef",
    ),
    (
        "PodSecurityContext",
        "SELinuxOptions WindowsOptions RunAsUser RunAsGroup RunAsNonRoot SupplementalGroups SupplementalGroupsPolicy FSGroup \
         FSGroupChangePolicy Sysctls SeccompProfile AppArmorProfile SELinuxChangePolicy",
    ),
    (
        "Volume",
        "Name HostPath EmptyDir GCEPersistentDisk AWSElasticBlockStore GitRepo Secret NFS ISCSI Glusterfs PersistentVolumeClaim RBD \
         Quobyte FlexVolume Cinder CephFS Flocker DownwardAPI FC AzureFile ConfigMap VsphereVolume AzureDisk PhotonPersistentDisk \
         Projected PortworxVolume ScaleIO StorageOS CSI Ephemeral Image",
    ),
    (
        "PersistentVolumeSource",
        "GCEPersistentDisk AWSElasticBlockStore HostPath Glusterfs NFS RBD Quobyte ISCSI FlexVolume Cinder CephFS FC Flocker AzureFile \
         VsphereVolume AzureDisk PhotonPersistentDisk PortworxVolume ScaleIO Local StorageOS CSI",
    ),
    ("ContainerResourceMetricSource", "Name Container Target"),
];

/// Fields that v1 points to and the server's own types hold (`pkg/apis/*/types.go`): none is shown as zero.
const HELD: &[(&str, &str)] = &[
    ("DeploymentSpec", "Replicas"),
    ("LimitedPriorityLevelConfiguration", "NominalConcurrencyShares"),
    ("ReplicaSetSpec", "Replicas"),
    ("RollingUpdateDaemonSet", "MaxSurge"),
    ("RollingUpdateDaemonSet", "MaxUnavailable"),
    ("RollingUpdateDeployment", "MaxSurge"),
    ("RollingUpdateDeployment", "MaxUnavailable"),
    ("RollingUpdateStatefulSetStrategy", "Partition"),
    ("ServiceAccountTokenProjection", "ExpirationSeconds"),
    ("ServiceReference", "Port"),
    ("StatefulSetSpec", "Replicas"),
];

/// The one that 1.37 points to as well.
const UNTIL_1_36: (&str, &str) = ("ServiceAccountTokenProjection", "ExpirationSeconds");

/// What the pod keeps beside its security context, and the server within it.
const OF_THE_HOST: &[&str] = &["HostNetwork", "HostPID", "HostIPC", "ShareProcessNamespace", "HostUsers"];

/// The one type that has another order in 1.37 still.
const STILL_OTHERWISE: &str = "ContainerResourceMetricSource";

/// The fields of a type in their internal order.
fn internal_fields<'f>(schema: &Schema, fields: &'f StructType) -> Vec<&'f Field> {
    let moved = |name: &str| schema.version() < Version::V1_37 || name == STILL_OTHERWISE;
    match OTHERWISE.iter().find(|(name, _)| *name == fields.go && moved(name)) {
        None if fields.go == VOLUME_SOURCE => fields.fields.iter().filter(|f| f.embedded == VOLUME_SOURCE).collect(),
        None => fields.fields.iter().collect(),
        Some((_, order)) => order.split_whitespace().filter_map(|go| fields.fields.iter().find(|f| f.go == go)).collect(),
    }
}

/// The security context of a pod with the fields of the host in front.
fn write_security_context(schema: &Schema, spec: &StructType, field: &Field, shown: Shown<'_>, out: &mut String) {
    let mut first = true;
    out.push('{');
    for own in OF_THE_HOST.iter().filter_map(|go| spec.fields.iter().find(|f| f.go == *go)) {
        write_field(schema, own, (&own.go, false), shown.field(&own.name), &mut first, out);
    }
    if let Some(fields) = schema.fields(&field.ty) {
        write_fields(schema, fields, shown.field(&field.name), &mut first, out);
    }
    out.push('}');
}

fn write_field(schema: &Schema, field: &Field, named: (&str, bool), shown: Shown<'_>, first: &mut bool, out: &mut String) {
    let (name, held) = named;
    comma(usize::from(!*first), out);
    *first = false;
    out.push_str(&format!("\"{name}\":"));
    write(schema, &field.ty, field.pointer && !held, shown, out);
}

fn write_fields(schema: &Schema, fields: &StructType, shown: Shown<'_>, first: &mut bool, out: &mut String) {
    let tagged = fields.name.starts_with("io.k8s.apimachinery.");
    let object = fields.fields.iter().any(|f| is_metadata(schema, f));
    for field in internal_fields(schema, fields) {
        let part = shown.field(&field.name);
        if object && is_metadata(schema, field) {
            // the metadata is embedded, so its fields stand among the object's own
            if let Some(metadata) = schema.fields(&field.ty) {
                write_fields(schema, metadata, part, first, out);
            }
            continue;
        }
        let nothing = part.value.is_none() || field.omit == Omit::Empty && part.value.is_some_and(|v| is_empty(field, v));
        let left_out = tagged && nothing && field.omit != Omit::Never && !always(field);
        if left_out || object && (field.name == "apiVersion" || field.name == "kind") {
            continue;
        }
        if fields.go == "PodSpec" && field.go == "SecurityContext" && schema.version() < Version::V1_37 {
            comma(usize::from(!*first), out);
            out.push_str("\"SecurityContext\":");
            write_security_context(schema, fields, field, shown, out);
            continue;
        }
        let own = (fields.go.as_str(), field.go.as_str());
        let held = HELD.contains(&own) && (schema.version() < Version::V1_37 || own != UNTIL_1_36);
        write_field(schema, field, (if tagged { &field.name } else { &field.go }, held), part, first, out);
    }
}

fn is_metadata(schema: &Schema, field: &Field) -> bool {
    field.name == "metadata" && schema.fields(&field.ty).is_some_and(|s| s.go == "ObjectMeta")
}

/// A list or a map without entries: `omitempty` leaves it out, be it nil or not.
fn is_empty(field: &Field, value: &Value) -> bool {
    match field.ty {
        Type::List(_) => value.as_array().is_some_and(Vec::is_empty),
        Type::Map(_) => value.as_object().is_some_and(Map::is_empty),
        _ => false,
    }
}

/// `omitempty` never leaves a struct out.
fn always(field: &Field) -> bool {
    field.omit == Omit::Empty && !field.pointer && matches!(field.ty, Type::Named(_) | Type::Struct(_) | Type::Scalar(Scalar::Time))
}

/// What changed between two values of a type, as the server's own diff prints their internal forms.
pub(super) fn difference(schema: &Schema, name: &str, old: &Value, new: &Value, sent: Option<&Value>) -> String {
    unified(&indented(&shown_as(schema, name, old, None)), &indented(&shown_as(schema, name, new, sent)))
}

/// JSON text in lines, one blank for each level.
fn indented(json: &str) -> String {
    let mut out = Vec::new();
    let mut writer = serde_json::Serializer::with_formatter(&mut out, serde_json::ser::PrettyFormatter::with_indent(b" "));
    let value: Value = serde_json::from_str(json).expect("written by this module");
    value.serialize(&mut writer).expect("a value becomes JSON");
    String::from_utf8(out).expect("JSON is UTF-8")
}

fn comma(index: usize, out: &mut String) {
    if index > 0 {
        out.push(',');
    }
}

fn zero(scalar: Scalar) -> &'static str {
    match scalar {
        Scalar::String => "\"\"",
        Scalar::Bool => "false",
        Scalar::Int32 | Scalar::Int64 | Scalar::Float | Scalar::IntOrString => "0",
        Scalar::Quantity => "\"0\"",
        Scalar::Duration => "\"0s\"",
        Scalar::Bytes | Scalar::Time | Scalar::MicroTime => "null",
    }
}

#[cfg(test)]
mod tests {
    use super::shown_as;
    use crate::object::json;
    use crate::schema::{Schema, Version};

    #[test]
    fn go_names_in_go_order_with_zero_values() {
        let schema = Schema::of(Version::V1_36);
        let strategy = shown_as(schema, "io.k8s.api.apps.v1.DeploymentStrategy", &json!({"type": "rolling"}), None);
        assert_eq!(strategy, r#"{"Type":"rolling","RollingUpdate":null}"#);
        // As a 1.36.2 server shows the template of a Job that was sent with `annotations: {}`.
        let template = json!({"metadata": {"labels": {"a": "b"}, "annotations": {}}});
        let template = shown_as(schema, "io.k8s.api.core.v1.PodTemplateSpec", &template, None);
        assert!(template.starts_with(r#"{"labels":{"a":"b"},"Spec":{"#), "{template}");
        let budget = json!({"maxUnavailable": "25%", "minAvailable": 1, "selector": {}});
        let budget = shown_as(schema, "io.k8s.api.policy.v1.PodDisruptionBudgetSpec", &budget, None);
        assert_eq!(budget, r#"{"MinAvailable":1,"Selector":{},"MaxUnavailable":"25%","UnhealthyPodEvictionPolicy":null}"#);
    }
}
