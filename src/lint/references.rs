//! What pods need and is not there: a Secret, a ConfigMap, a claim, an account, a headless Service. Its pods never start.

use crate::diagnostic::{Diagnostic, nearest};
use crate::object::{ObjectId, Value, at, items, text};
use crate::simulate::pipeline::Run;
use std::collections::BTreeSet;

/// Something that pods need: its kind, its name, and the key in it.
type Need<'v> = (&'static str, &'v str, Option<&'v str>);

/// Looks at what the run wrote. `unknown` says of a group, a kind and a namespace whether objects may be there that were not read:
/// then nothing is said.
pub(super) fn check(run: &Run, unknown: &dyn Fn(&str, &str, &str) -> bool) -> Vec<Diagnostic> {
    let written: BTreeSet<&ObjectId> = run.steps.iter().flat_map(|s| &s.performed).map(|p| &p.object).collect();
    let mut found = Vec::new();
    for id in written {
        let Some((object, pod)) = run.cluster.store.get(id).and_then(|object| Some((object, pod_spec(object)?))) else { continue };
        let mut needs = needs(pod);
        if id.kind == "StatefulSet" {
            needs.insert(("Service", text(object, &["spec", "serviceName"]), None));
        }
        needs.retain(|(kind, name, _)| !name.is_empty() && !unknown("", kind, &id.namespace));
        found.extend(needs.into_iter().filter_map(|need| missing(id, need, run)));
    }
    found
}

fn missing(workload: &ObjectId, (kind, name, key): Need<'_>, run: &Run) -> Option<Diagnostic> {
    let namespace = workload.namespace.as_str();
    let id = ObjectId { group: "".into(), kind: kind.into(), namespace: namespace.into(), name: name.into() };
    let Some(object) = run.cluster.store.get(&id) else {
        if kind == "Secret" && made_by_an_operator(run, namespace, name) {
            return None;
        }
        let text = format!("{workload} needs {id}, which is neither in the state nor among the manifests: its pods do not start");
        let near = nearest(name, run.cluster.store.list("", kind, Some(namespace)).map(|(id, _)| id.name.as_str()));
        let hint = near.map_or_else(|| "make it in a step before".to_owned(), |near| format!("did you mean `{near}`?"));
        return Some(Diagnostic::warning("reference-missing", text).hint(hint));
    };
    let key = key.filter(|key| ["data", "binaryData", "stringData"].iter().all(|part| object[*part].get(key).is_none()))?;
    let text = format!("{workload} needs the key `{key}` of {id}, which has none of that name: its pods do not start");
    let keys = ["data", "binaryData"].iter().flat_map(|part| object[*part].as_object().into_iter().flat_map(|map| map.keys()));
    let near = nearest(key, keys.map(AsRef::as_ref)).map(|near| format!("did you mean `{near}`?"));
    let found = Diagnostic::warning("reference-missing", text);
    Some(match near {
        Some(near) => found.hint(near),
        None => found,
    })
}

/// The kinds from which operators make Secrets.
const OPERATORS: [(&str, &str); 2] = [("external-secrets.io", "ExternalSecret"), ("bitnami.com", "SealedSecret")];

fn made_by_an_operator(run: &Run, namespace: &str, name: &str) -> bool {
    let own_or = |told: &str, own: &ObjectId| if told.is_empty() { own.name == name } else { told == name };
    OPERATORS.iter().any(|(group, kind)| {
        run.cluster.store.list(group, kind, Some(namespace)).any(|(id, object)| match *kind {
            "SealedSecret" => own_or(text(object, &["spec", "template", "metadata", "name"]), id),
            _ => own_or(text(object, &["spec", "target", "name"]), id),
        })
    })
}

fn pod_spec(object: &Value) -> Option<&Value> {
    match text(object, &["kind"]) {
        "Deployment" | "StatefulSet" | "DaemonSet" | "Job" => at(object, &["spec", "template", "spec"]),
        "CronJob" => at(object, &["spec", "jobTemplate", "spec", "template", "spec"]),
        "Pod" => at(object, &["spec"]),
        _ => None,
    }
}

fn needs(pod: &Value) -> BTreeSet<Need<'_>> {
    let mut out = BTreeSet::from([("ServiceAccount", text(pod, &["serviceAccountName"]), None)]);
    let optional = |reference: &Value| reference["optional"] == true;
    let mut of_files = |kind, reference, name| {
        if !optional(reference) {
            let keys = items(reference, &["items"]).iter().map(|item| Some(text(item, &["key"])));
            out.extend(keys.chain([None]).map(|key| (kind, text(reference, &[name]), key)));
        }
    };
    for volume in items(pod, &["volumes"]) {
        of_files("Secret", &volume["secret"], "secretName");
        of_files("ConfigMap", &volume["configMap"], "name");
        of_files("PersistentVolumeClaim", &volume["persistentVolumeClaim"], "claimName");
        for source in items(volume, &["projected", "sources"]) {
            of_files("Secret", &source["secret"], "name");
            of_files("ConfigMap", &source["configMap"], "name");
        }
    }
    for container in ["initContainers", "containers"].into_iter().flat_map(|list| items(pod, &[list])) {
        for source in items(container, &["envFrom"]) {
            let both = [("Secret", &source["secretRef"]), ("ConfigMap", &source["configMapRef"])];
            out.extend(both.into_iter().filter(|(_, r)| !optional(r)).map(|(kind, r)| (kind, text(r, &["name"]), None)));
        }
        for source in items(container, &["env"]).iter().map(|variable| &variable["valueFrom"]) {
            let both = [("Secret", &source["secretKeyRef"]), ("ConfigMap", &source["configMapKeyRef"])];
            let needed = both.into_iter().filter(|(_, r)| r.is_object() && !optional(r));
            out.extend(needed.map(|(kind, r)| (kind, text(r, &["name"]), Some(text(r, &["key"])))));
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::needs;
    use crate::object::json;

    #[test]
    fn what_pods_need_is_found_wherever_it_stands() {
        let pod = json!({
            "serviceAccountName": "web",
            "volumes": [
                { "secret": { "secretName": "tls", "items": [{ "key": "tls.crt" }] } },
                { "configMap": { "name": "maybe", "optional": true } },
                { "persistentVolumeClaim": { "claimName": "data" } },
                { "projected": { "sources": [{ "configMap": { "name": "ca" } }, { "downwardAPI": {} }] } },
                { "emptyDir": {} },
            ],
            "containers": [{
                "envFrom": [{ "secretRef": { "name": "all" } }],
                "env": [{ "name": "A", "value": "a" }, { "name": "B", "valueFrom": { "secretKeyRef": { "name": "db", "key": "password" } } }],
            }],
        });
        let all = needs(&pod);
        let named: Vec<_> = all.iter().filter(|(_, name, _)| !name.is_empty()).copied().collect();
        assert_eq!(
            named,
            [
                ("ConfigMap", "ca", None),
                ("PersistentVolumeClaim", "data", None),
                ("Secret", "all", None),
                ("Secret", "db", Some("password")),
                ("Secret", "tls", None),
                ("Secret", "tls", Some("tls.crt")),
                ("ServiceAccount", "web", None),
            ]
        );
    }
}
