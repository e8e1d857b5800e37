//! A volume that one node mounts at a time, and a strategy that starts the new pod before the old one is gone.

use crate::diagnostic::Diagnostic;
use crate::object::{ObjectId, Value, integer, items, text};
use crate::simulate::pipeline::Run;

const ONE_AT_A_TIME: [&str; 2] = ["ReadWriteOnce", "ReadWriteOncePod"];

pub(super) fn check(manifest: &Value, run: &Run) -> Vec<Diagnostic> {
    if manifest["kind"] != "Deployment" {
        return Vec::new();
    }
    let id = ObjectId::of(manifest);
    let volumes = items(manifest, &["spec", "template", "spec", "volumes"]);
    let claims = volumes.iter().map(|v| text(v, &["persistentVolumeClaim", "claimName"])).filter(|c| !c.is_empty());
    let mut found = Vec::new();
    for claim in claims.filter(|c| mounts_once(run, &id.namespace, c)) {
        if text(manifest, &["spec", "strategy", "type"]) != "Recreate" {
            let text = format!("{id} mounts claim `{claim}`, which one node at a time may mount, and rolls with RollingUpdate");
            found.push(
                Diagnostic::warning("claim-with-rolling-update", text).hint("set `strategy: {type: Recreate}`, or use a StatefulSet"),
            );
        }
        if integer(manifest, &["spec", "replicas"]).is_some_and(|n| n > 1) {
            let text = format!(
                "{id} has {} replicas that share claim `{claim}`, which one node at a time may mount",
                manifest["spec"]["replicas"]
            );
            found.push(
                Diagnostic::warning("claim-with-replicas", text).hint("use a StatefulSet with `volumeClaimTemplates`, or one replica"),
            );
        }
    }
    found
}

fn mounts_once(run: &Run, namespace: &str, claim: &str) -> bool {
    let namespace = if namespace.is_empty() { "default" } else { namespace };
    let id = ObjectId { kind: "PersistentVolumeClaim".into(), namespace: namespace.into(), name: claim.into(), ..ObjectId::default() };
    let modes = run.cluster.store.get(&id).map(|c| items(c, &["spec", "accessModes"])).unwrap_or_default();
    !modes.is_empty() && modes.iter().all(|m| ONE_AT_A_TIME.iter().any(|o| m == o))
}
