//! Fields of pod specs whose feature gate is off: dropped, unless the stored object has them already.
//!
//! Follows `pkg/api/pod/util.go` (`dropDisabledFields`). Gates that are on in every version we know are not listed.

use crate::object::{Map, Value, items};
use crate::schema::Version;
use crate::simulate::defaults::gates::Gate;
use crate::simulate::defaults::pod::CONTAINER_LISTS;

/// A field behind a gate. `@` is any list of containers, `*` any field; a name followed by another step may be a list, then each item is meant.
struct Gated {
    gate: Gate,
    path: &'static [&'static str],
    /// Whether the map around it goes too when nothing else is in it.
    with_holder: bool,
}

const fn gated(gate: Gate, path: &'static [&'static str]) -> Gated {
    Gated { gate, path, with_holder: false }
}

const GATED: [Gated; 30] = [
    gated(Gate::ClusterTrustBundleProjection, &["volumes", "projected", "sources", "clusterTrustBundle"]),
    gated(Gate::PodCertificateRequest, &["volumes", "projected", "sources", "podCertificate"]),
    gated(Gate::GenericWorkload, &["schedulingGroup"]),
    gated(Gate::GenericWorkload, &["workloadRef"]),
    gated(Gate::EvictionRequestApi, &["evictionResponders"]),
    gated(Gate::EmptyDirVolumeMode, &["volumes", "emptyDir", "mode"]),
    gated(Gate::VolumeBindMountOptions, &["@", "volumeMounts", "bindMountOptions"]),
    gated(Gate::GrpcContainerProbeTls, &["@", "livenessProbe", "grpc", "mode"]),
    gated(Gate::GrpcContainerProbeTls, &["@", "readinessProbe", "grpc", "mode"]),
    gated(Gate::GrpcContainerProbeTls, &["@", "startupProbe", "grpc", "mode"]),
    gated(Gate::H2cContainerProbe, &["@", "livenessProbe", "httpGet", "protocol"]),
    gated(Gate::H2cContainerProbe, &["@", "readinessProbe", "httpGet", "protocol"]),
    gated(Gate::H2cContainerProbe, &["@", "startupProbe", "httpGet", "protocol"]),
    gated(Gate::H2cContainerProbe, &["@", "lifecycle", "postStart", "httpGet", "protocol"]),
    gated(Gate::H2cContainerProbe, &["@", "lifecycle", "preStop", "httpGet", "protocol"]),
    gated(Gate::AtomicWriteVolumeUserFields, &["volumes", "secret", "defaultUser"]),
    gated(Gate::AtomicWriteVolumeUserFields, &["volumes", "secret", "items", "user"]),
    gated(Gate::AtomicWriteVolumeUserFields, &["volumes", "configMap", "defaultUser"]),
    gated(Gate::AtomicWriteVolumeUserFields, &["volumes", "configMap", "items", "user"]),
    gated(Gate::AtomicWriteVolumeUserFields, &["volumes", "downwardAPI", "defaultUser"]),
    gated(Gate::AtomicWriteVolumeUserFields, &["volumes", "downwardAPI", "items", "user"]),
    gated(Gate::AtomicWriteVolumeUserFields, &["volumes", "projected", "defaultUser"]),
    gated(Gate::AtomicWriteVolumeUserFields, &["volumes", "projected", "sources", "*", "user"]),
    gated(Gate::AtomicWriteVolumeUserFields, &["volumes", "projected", "sources", "*", "items", "user"]),
    gated(Gate::ContainerRestartRules, &["@", "restartPolicyRules"]),
    gated(Gate::ContainerRestartRules, &["containers", "restartPolicy"]),
    gated(Gate::ContainerRestartRules, &["ephemeralContainers", "restartPolicy"]),
    gated(Gate::HostnameOverride, &["hostnameOverride"]),
    gated(Gate::EnvFiles, &["@", "env", "valueFrom", "fileKeyRef"]),
    Gated { gate: Gate::ContainerStopSignals, path: &["@", "lifecycle", "stopSignal"], with_holder: true },
];

/// Drops what the version's gates do not let in; `old` is the stored pod spec, if there is one.
pub(super) fn drop_disabled(version: Version, new: &mut Value, old: Option<&Value>) {
    for field in GATED.iter().filter(|field| !field.gate.enabled(version)) {
        if holds(new, field.path) && !old.is_some_and(|old| in_use(field.gate, old)) {
            remove(new, field.path, field.with_holder);
        }
    }
    if !Gate::ContainerRestartRules.enabled(version) && !old.is_some_and(|old| in_use(Gate::ContainerRestartRules, old)) {
        for container in new.get_mut("initContainers").and_then(Value::as_array_mut).into_iter().flatten() {
            if let Value::Object(own) = container
                && own.get("restartPolicy").is_some_and(|policy| policy != "Always")
            {
                own.shift_remove("restartPolicy");
            }
        }
    }
    if !Gate::ImageVolume.enabled(version) && !old.is_some_and(|old| holds(old, IMAGE)) {
        drop_images(new);
    }
}

const IMAGE: &[&str] = &["volumes", "image"];

fn in_use(gate: Gate, old: &Value) -> bool {
    let ends = |container: &Value| container.get("restartPolicy").is_some_and(|policy| policy != "Always");
    GATED.iter().filter(|field| field.gate == gate).any(|field| holds(old, field.path))
        || gate == Gate::ContainerRestartRules && items(old, &["initContainers"]).iter().any(ends)
}

/// Image volumes go with what mounts them. The lists are made anew, so that none of them is empty afterwards.
fn drop_images(spec: &mut Value) {
    let Some(spec) = spec.as_object_mut() else { return };
    let mut dropped = Vec::new();
    keep(spec, "volumes", |volume| {
        let is_image = volume.get("image").is_some();
        dropped.extend(is_image.then(|| volume["name"].clone()));
        !is_image
    });
    for list in CONTAINER_LISTS {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten().filter_map(Value::as_object_mut) {
            keep(container, "volumeMounts", |mount| !dropped.contains(&mount["name"]));
        }
    }
}

/// Keeps some items of a list; one without any goes.
fn keep(holder: &mut Map, list: &str, wanted: impl FnMut(&Value) -> bool) {
    let Some(Value::Array(items)) = holder.get_mut(list) else { return };
    items.retain(wanted);
    if items.is_empty() {
        holder.shift_remove(list);
    }
}

fn holds(value: &Value, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    match value {
        Value::Array(items) => items.iter().any(|item| holds(item, path)),
        Value::Object(map) if *first == "*" => map.values().any(|v| holds(v, rest)),
        _ if *first == "@" => CONTAINER_LISTS.iter().any(|list| value.get(list).is_some_and(|v| holds(v, rest))),
        _ => value.get(*first).is_some_and(|v| holds(v, rest)),
    }
}

fn remove(value: &mut Value, path: &[&str], with_holder: bool) {
    let Some((first, rest)) = path.split_first() else { return };
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| remove(item, path, with_holder)),
        Value::Object(map) if *first == "@" => {
            for list in CONTAINER_LISTS {
                if let Some(containers) = map.get_mut(list) {
                    remove(containers, rest, with_holder);
                }
            }
        }
        Value::Object(map) if *first == "*" => map.values_mut().for_each(|v| remove(v, rest, with_holder)),
        Value::Object(map) if rest.is_empty() => drop(map.shift_remove(first)),
        Value::Object(map) => {
            let Some(inner) = map.get_mut(first) else { return };
            let held = with_holder && rest.len() == 1 && inner.get(rest[0]).is_some();
            remove(inner, rest, with_holder);
            if held && inner.as_object().is_some_and(Map::is_empty) {
                map.shift_remove(first);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::{GATED, drop_disabled};
    use crate::object::json;
    use crate::schema::{Schema, StructType, Type, Version};

    /// The structs behind a type, through lists.
    fn inner<'s>(schema: &'s Schema, ty: &'s Type) -> Option<&'s StructType> {
        match ty {
            Type::List(list) => inner(schema, &list.item),
            other => schema.fields(other),
        }
    }

    fn exists(schema: &Schema, own: &StructType, path: &[&str]) -> bool {
        let Some((first, rest)) = path.split_first() else { return true };
        own.fields.iter().any(|field| {
            let named = match *first {
                "@" => field.name == "containers",
                "*" => true,
                name => field.name == name,
            };
            named && (rest.is_empty() || inner(schema, &field.ty).is_some_and(|own| exists(schema, own, rest)))
        })
    }

    #[test]
    fn every_gated_field_is_one_of_some_version() {
        for field in &GATED {
            let known = Version::ALL.into_iter().any(|version| {
                let schema = Schema::of(version);
                let spec = schema.named("io.k8s.api.core.v1.PodSpec").unwrap();
                exists(schema, schema.fields(&spec).unwrap(), field.path)
            });
            assert!(known, "{:?}", field.path);
        }
    }

    #[test]
    fn a_gate_that_is_off_lets_in_only_what_is_there_already() {
        let sent = json!({"hostnameOverride": "h", "containers": [{"lifecycle": {"stopSignal": "SIGTERM"}}]});
        let after = |version, old| {
            let mut spec = sent.clone();
            drop_disabled(version, &mut spec, old);
            spec
        };
        assert_eq!(after(Version::V1_34, None), json!({"containers": [{}]}));
        assert_eq!(after(Version::V1_36, None), json!({"hostnameOverride": "h", "containers": [{}]}));
        assert_eq!(after(Version::V1_34, Some(&sent)), sent);
    }
}
