//! A ConfigMap that changes under pods that do not roll: they read it when they started, and keep what they read.

use crate::diagnostic::Diagnostic;
use crate::object::{ObjectId, Value, items, text};
use crate::roll::{Judged, Verdict, WORKLOADS};
use crate::simulate::pipeline::Run;
use std::collections::{BTreeMap, BTreeSet};

pub(super) fn check(run: &Run, judged: &[Judged]) -> Vec<Diagnostic> {
    let written = run.steps.iter().flat_map(|s| &s.performed).map(|p| &p.object).filter(|id| id.kind == "ConfigMap" && id.group.is_empty());
    let changed: BTreeSet<&ObjectId> = written.filter(|id| is_changed(run, id)).collect();
    if changed.is_empty() {
        return Vec::new();
    }
    let verdicts: BTreeMap<&ObjectId, Verdict> = judged.iter().map(|j| (&j.workload, j.verdict)).collect();
    let mut found = Vec::new();
    for (group, kind) in WORKLOADS {
        for (id, object) in run.cluster.store.list(group, kind, None) {
            // What rolls reads it anew; of what nobody knows, nothing is said.
            if run.before.get(id).is_none() || matches!(verdicts.get(id), Some(Verdict::Rolls | Verdict::Unknown)) {
                continue;
            }
            let kept = kept(object);
            for map in changed.iter().filter(|map| map.namespace == id.namespace) {
                if let Some((_, how)) = kept.iter().find(|(name, _)| *name == map.name.as_str()) {
                    found.push(finding(id, map, how));
                }
            }
        }
    }
    found
}

fn is_changed(run: &Run, id: &ObjectId) -> bool {
    let (Some(before), Some(after)) = (run.before.get(id), run.cluster.store.get(id)) else { return false };
    before["data"] != after["data"] || before["binaryData"] != after["binaryData"]
}

/// The ConfigMaps whose content a workload's pods take once, and how. A directory that is mounted whole follows the change.
fn kept(workload: &Value) -> Vec<(&str, &'static str)> {
    let pod = &workload["spec"]["template"]["spec"];
    let mut out = Vec::new();
    let volume = |name: &str| items(pod, &["volumes"]).iter().find(|v| v["name"] == name).map_or("", |v| text(v, &["configMap", "name"]));
    for container in ["initContainers", "containers"].into_iter().flat_map(|list| items(pod, &[list])) {
        let variables = items(container, &["env"]).iter().map(|e| text(e, &["valueFrom", "configMapKeyRef", "name"]));
        let all = items(container, &["envFrom"]).iter().map(|e| text(e, &["configMapRef", "name"]));
        out.extend(variables.chain(all).map(|name| (name, "as environment variables")));
        let single = items(container, &["volumeMounts"]).iter().filter(|m| !text(m, &["subPath"]).is_empty());
        out.extend(single.map(|m| (volume(text(m, &["name"])), "as a file with `subPath`")));
    }
    out
}

fn finding(workload: &ObjectId, map: &ObjectId, how: &str) -> Diagnostic {
    let text = format!("{map} changes, and {workload}, which takes it {how}, does not roll: its pods keep what they have");
    Diagnostic::warning("config-without-roll", text)
        .hint("put a hash of the content into the ConfigMap's name or into an annotation of the pod template, as `render` does")
}
