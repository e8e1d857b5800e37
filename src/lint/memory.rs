//! Files in memory count against a container's memory limit: a volume that may fill it gets the container killed.

use crate::diagnostic::Diagnostic;
use crate::object::quantity::Quantity;
use crate::object::{ObjectId, Value, at, items, text};

/// Where the kinds of workloads have their pod specs.
const POD_SPECS: [&[&str]; 3] = [&["spec", "template", "spec"], &["spec", "jobTemplate", "spec", "template", "spec"], &["spec"]];

pub(super) fn check(manifest: &Value) -> Vec<Diagnostic> {
    let Some(pod) = POD_SPECS.iter().find_map(|path| at(manifest, path).filter(|spec| spec["containers"].is_array())) else {
        return Vec::new();
    };
    let volumes: Vec<&Value> = items(pod, &["volumes"]).iter().filter(|v| text(v, &["emptyDir", "medium"]) == "Memory").collect();
    let mut found = Vec::new();
    for container in ["initContainers", "containers"].into_iter().flat_map(|list| items(pod, &[list])).filter(|_| !volumes.is_empty()) {
        let Some(limit) = amount(container, &["resources", "limits", "memory"]) else { continue };
        for volume in &volumes {
            let name = text(volume, &["name"]);
            if !items(container, &["volumeMounts"]).iter().any(|m| m["name"] == name) {
                continue;
            }
            let why = match amount(volume, &["emptyDir", "sizeLimit"]) {
                Some(size) if size < limit => continue,
                Some(size) => format!("may grow to {size}"),
                None => "has no size limit".to_owned(),
            };
            let (id, container) = (ObjectId::of(manifest), text(container, &["name"]));
            let text = format!(
                "{id}: the volume `{name}` is in memory and {why}, which counts against the memory limit of container `{container}`"
            );
            found.push(
                Diagnostic::warning("memory-volume", text)
                    .hint("give it a `sizeLimit` that leaves the container room below its memory limit"),
            );
        }
    }
    found
}

/// What stands at a place, if it is an amount.
fn amount(object: &Value, path: &[&str]) -> Option<Quantity> {
    at(object, path).and_then(|value| Quantity::from_value(value).ok())
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::object::json;

    #[test]
    fn a_volume_in_memory_that_may_fill_the_limit() {
        let found = |empty: crate::object::Value| {
            let container = json!({ "name": "a", "resources": { "limits": { "memory": "1Gi" } }, "volumeMounts": [{ "name": "tmp", "mountPath": "/tmp" }] });
            let pod = json!({ "containers": [container, { "name": "b" }], "volumes": [{ "name": "tmp", "emptyDir": empty }] });
            check(&json!({ "kind": "Deployment", "metadata": { "name": "web" }, "spec": { "template": { "spec": pod } } })).len()
        };
        assert_eq!(found(json!({ "medium": "Memory" })), 1);
        assert_eq!(found(json!({ "medium": "Memory", "sizeLimit": "1024Mi" })), 1);
        assert_eq!(found(json!({ "medium": "Memory", "sizeLimit": "64Mi" })), 0);
        assert_eq!(found(json!({})), 0, "on the disk");
        let mounts = json!([{ "name": "tmp", "mountPath": "/tmp" }]);
        let volume = json!({ "name": "tmp", "emptyDir": { "medium": "Memory", "sizeLimit": "1Gi" } });
        let free = json!({ "containers": [{ "name": "b", "volumeMounts": mounts }], "volumes": [volume] });
        let web = json!({ "kind": "Deployment", "metadata": { "name": "web" }, "spec": { "template": { "spec": free } } });
        assert!(check(&web).is_empty(), "a container without a limit");
    }
}
