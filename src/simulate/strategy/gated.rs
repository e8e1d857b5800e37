//! Fields of pod specs whose feature gate is off: dropped, unless the stored object has them already.
//!
//! Follows `pkg/api/pod/util.go` (`dropDisabledFields`). Gates that are on in every version we know are not listed.

use crate::object::{Map, Value};
use crate::schema::Version;
use crate::simulate::defaults::gates::Gate;
use crate::simulate::defaults::pod::CONTAINER_LISTS;

/// A field behind a gate. `@` is any list of containers; a name followed by another step may be a list, then each item is meant.
struct Gated {
    gate: Gate,
    path: &'static [&'static str],
    /// Whether the map around it goes too when nothing else is in it.
    with_holder: bool,
}

const fn gated(gate: Gate, path: &'static [&'static str]) -> Gated {
    Gated { gate, path, with_holder: false }
}

const GATED: [Gated; 9] = [
    gated(Gate::ClusterTrustBundleProjection, &["volumes", "projected", "sources", "clusterTrustBundle"]),
    gated(Gate::PodCertificateRequest, &["volumes", "projected", "sources", "podCertificate"]),
    gated(Gate::GenericWorkload, &["schedulingGroup"]),
    gated(Gate::ContainerRestartRules, &["@", "restartPolicyRules"]),
    gated(Gate::ContainerRestartRules, &["containers", "restartPolicy"]),
    gated(Gate::HostnameOverride, &["hostnameOverride"]),
    gated(Gate::EnvFiles, &["@", "env", "valueFrom", "fileKeyRef"]),
    gated(Gate::ImageVolume, &["volumes", "image"]),
    Gated { gate: Gate::ContainerStopSignals, path: &["@", "lifecycle", "stopSignal"], with_holder: true },
];

/// Drops what the version's gates do not let in; `old` is the stored pod spec, if there is one.
pub(super) fn drop_disabled(version: Version, new: &mut Value, old: Option<&Value>) {
    for field in GATED.iter().filter(|field| !field.gate.enabled(version)) {
        let in_use = GATED.iter().filter(|f| f.gate == field.gate).any(|f| old.is_some_and(|old| holds(old, f.path)));
        if !in_use {
            remove(new, field.path, field.with_holder);
        }
    }
}

fn holds(value: &Value, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    match value {
        Value::Array(items) => items.iter().any(|item| holds(item, path)),
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
        Value::Object(map) if rest.is_empty() => drop(map.shift_remove(*first)),
        Value::Object(map) => {
            let Some(inner) = map.get_mut(*first) else { return };
            let held = with_holder && rest.len() == 1 && inner.get(rest[0]).is_some();
            remove(inner, rest, with_holder);
            if held && inner.as_object().is_some_and(Map::is_empty) {
                map.shift_remove(*first);
            }
        }
        _ => {}
    }
}
