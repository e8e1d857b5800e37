//! What the steps of a pipeline name, against what the agents become: names that no object can have, and near misses.
//!
//! A step may name what only the cluster has, so an unknown name is no mistake by itself.

use super::Fleet;
use super::expect::workload_kind;
use super::file::WorkloadKind;
use super::read::{At, Reader};
use crate::diagnostic::{Diagnostic, nearest};
use std::collections::BTreeSet;

/// Notes what cannot be; gives warnings of what is likely not meant.
pub(super) fn check(named: Vec<At<String>>, fleet: &Fleet, reader: &mut Reader<'_>) -> Vec<Diagnostic> {
    let namespaces: BTreeSet<&str> = fleet.agents.iter().map(|a| a.namespace.as_str()).collect();
    let unless_said = namespaces.first().copied().filter(|_| namespaces.len() == 1).unwrap_or("default");
    let mut warnings = Vec::new();
    for At { value, range } in named {
        let parts: Vec<&str> = value.split('/').collect();
        let (kind, namespace, name) = match parts[..] {
            [kind, name] if !kind.is_empty() && !name.is_empty() => (kind, None, name),
            [kind, namespace, name] if parts.iter().all(|p| !p.is_empty()) => (kind, Some(namespace), name),
            _ => {
                let wrong = reader.wrong("fleet-value", range, format!("`{value}` is neither `kind/name` nor `kind/namespace/name`"));
                wrong.label = "expected for example \"deployment/ceo-agent\"".into();
                continue;
            }
        };
        let Some(known) = workload_kind(kind) else { continue };
        let place = namespace.unwrap_or(unless_said);
        let of_name: Vec<_> = fleet.agents.iter().filter(|a| a.workload == name).collect();
        let warn = |text: String, label: String| Diagnostic::warning("fleet-workload", text).at(reader.source, range.clone()).label(label);
        if let Some(agent) = of_name.iter().find(|a| a.namespace == place) {
            let own = if agent.kind == WorkloadKind::StatefulSet { "StatefulSet" } else { "Deployment" };
            if own != known {
                let wrong = reader.wrong("fleet-reference", range, format!("agent `{}` becomes a {own}, not a {known}", agent.name));
                wrong.label = format!("did you mean `{}`?", value.replacen(kind, &own.to_lowercase(), 1));
            }
        } else if let Some(agent) = of_name.first() {
            let text =
                format!("`{value}` is looked for in the namespace `{place}`, and agent `{}` is in `{}`", agent.name, agent.namespace);
            warnings.push(warn(text, format!("did you mean `{kind}/{}/{name}`?", agent.namespace)));
        } else if let Some(near) = nearest(name, fleet.agents.iter().map(|a| a.workload.as_str())) {
            let namespace = namespace.map(|n| format!("{n}/")).unwrap_or_default();
            warnings.push(warn(format!("no agent becomes `{name}`"), format!("did you mean `{kind}/{namespace}{near}`?")));
        }
    }
    warnings
}
