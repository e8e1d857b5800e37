//! The strategy of a workload: derived from its volumes, or as written where that can work.

use crate::diagnostic::{Diagnostic, Source};
use crate::fleet::Agent;
use crate::fleet::file::{StrategyFile, StrategyTable, StrategyType, WorkloadKind};
use crate::fleet::read::At;
use crate::object::{Value, json};
use std::sync::Arc;

/// `spec.strategy` of a Deployment or `spec.updateStrategy` of a StatefulSet; null leaves it to Kubernetes.
///
/// A claim that one node or pod has at a time cannot pass from an old pod to a new one while both are wanted: so Recreate.
pub(super) fn strategy(agent: &Agent, source: &Arc<Source>) -> Result<Value, Diagnostic> {
    let exclusive = agent.volumes.iter().find(|v| v.exclusive()).filter(|_| agent.kind == WorkloadKind::Deployment);
    let Some(At { value, range }) = &agent.strategy else {
        return Ok(exclusive.map_or(Value::Null, |_| json!({ "type": "Recreate" })));
    };
    let table = match value {
        StrategyFile::Short(kind) => StrategyTable { kind: Some(At { value: *kind, range: range.clone() }), ..StrategyTable::default() },
        StrategyFile::Table(table) => (**table).clone(),
    };
    let rolling = table.max_surge.is_some() || table.max_unavailable.is_some() || table.partition.is_some();
    let kind = table.kind.as_ref().map_or(StrategyType::RollingUpdate, |k| k.value);
    let wrong = |text: String| Diagnostic::error("strategy", text).at(source, range.clone());
    match (agent.kind, kind) {
        (WorkloadKind::Deployment, StrategyType::OnDelete) => {
            return Err(wrong("a Deployment cannot be replaced `OnDelete`; a StatefulSet can".into()));
        }
        (WorkloadKind::StatefulSet, StrategyType::Recreate) => {
            return Err(wrong(
                "a StatefulSet has no `Recreate`: it always ends a pod before it starts the one that takes its place".into(),
            ));
        }
        (_, StrategyType::Recreate | StrategyType::OnDelete) if rolling => {
            return Err(wrong(format!("`max-surge`, `max-unavailable` and `partition` go with RollingUpdate, not with {}", kind.as_str())));
        }
        (WorkloadKind::Deployment, StrategyType::RollingUpdate) if table.partition.is_some() => {
            return Err(wrong("`partition` is for a StatefulSet".into()));
        }
        (WorkloadKind::StatefulSet, StrategyType::RollingUpdate) if table.max_surge.is_some() => {
            return Err(wrong("a StatefulSet has no `max-surge`: it never has more pods than it wants".into()));
        }
        _ => {}
    }
    if let (Some(volume), StrategyType::RollingUpdate) = (exclusive, kind) {
        return Err(Diagnostic::error(
            "strategy-deadlock",
            format!(
                "RollingUpdate cannot replace the pod of `{}`: only one node at a time has its claim `{}`",
                agent.workload, volume.name
            ),
        )
        .at(source, range.clone())
        .label("the new pod waits for the claim, and the old one keeps it until the new one is Ready")
        .hint("leave `strategy` out: Recreate is derived from the claim")
        .hint("or share the claim with `access = \"ReadWriteMany\"`, or give each pod its own with `kind = \"StatefulSet\"`"));
    }
    let mut out = json!({ "type": kind.as_str() });
    let mut details = crate::object::Map::new();
    details.extend(table.partition.map(|p| ("partition".to_owned(), p.value.into())));
    details.extend(table.max_unavailable.map(|m| ("maxUnavailable".to_owned(), m.value.0)));
    details.extend(table.max_surge.map(|m| ("maxSurge".to_owned(), m.value.0)));
    if !details.is_empty() {
        out["rollingUpdate"] = Value::Object(details);
    }
    Ok(out)
}
