//! Where an object has images: the containers, init and ephemeral containers and image volumes of every kind that Kubernetes has,
//! and in custom resources whatever the JSONPaths of `[images.paths]` find.

use crate::fleet::images::CustomPaths;
use crate::object::{Gvk, Value, at, items, text};
use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;

/// Where the built-in kinds keep their pod's spec.
const POD_SPECS: [(&str, &str, &[&str]); 10] = [
    ("", "Pod", &["spec"]),
    ("", "PodTemplate", &["template", "spec"]),
    ("", "ReplicationController", &["spec", "template", "spec"]),
    ("apps", "DaemonSet", &["spec", "template", "spec"]),
    ("apps", "Deployment", &["spec", "template", "spec"]),
    ("apps", "ReplicaSet", &["spec", "template", "spec"]),
    ("apps", "StatefulSet", &["spec", "template", "spec"]),
    ("batch", "CronJob", &["spec", "jobTemplate", "spec", "template", "spec"]),
    ("batch", "Job", &["spec", "template", "spec"]),
    ("batch", "JobTemplate", &["template", "spec", "template", "spec"]),
];

/// The lists of containers of a pod's spec, in the order in which they start.
pub(super) const LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// An image of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place<'v> {
    /// `spec.template.spec.containers[agent].image`, or where a JSONPath found it.
    pub path: String,
    /// `containers`, `initContainers`, `ephemeralContainers`, `volumes`; empty in a custom resource.
    pub list: &'static str,
    /// The container, or the volume; empty in a custom resource.
    pub container: &'v str,
    /// What is written there.
    pub image: &'v str,
}

/// Where images of custom resources stand, ready to be asked.
#[derive(Clone, Debug, Default)]
pub struct CustomImages(Vec<(String, Option<String>, Vec<JpQuery>)>);

impl CustomImages {
    /// From the paths of a fleet, which are checked already.
    pub fn new(paths: &[CustomPaths]) -> Self {
        let queries = |list: &[String]| list.iter().filter_map(|path| parse_json_path(path).ok()).collect();
        Self(paths.iter().map(|p| (p.kind.clone(), p.group.clone(), queries(&p.paths))).collect())
    }

    fn of(&self, gvk: &Gvk) -> impl Iterator<Item = &JpQuery> {
        let same = |kind: &str, group: &Option<String>| kind == gvk.kind && group.as_ref().is_none_or(|g| *g == gvk.group);
        self.0.iter().filter(move |(kind, group, _)| same(kind, group)).flat_map(|(_, _, queries)| queries)
    }
}

/// The path of keys to a kind's pod spec; none if it has no pods.
pub fn pod_spec_path(gvk: &Gvk) -> Option<&'static [&'static str]> {
    POD_SPECS.iter().find(|(group, kind, _)| *group == gvk.group && *kind == gvk.kind).map(|(.., path)| *path)
}

/// Every image of an object.
pub fn places<'v>(object: &'v Value, custom: &CustomImages) -> Vec<Place<'v>> {
    let gvk = Gvk::of(object);
    let mut found = Vec::new();
    if let Some(path) = pod_spec_path(&gvk) {
        let place = path.join(".");
        let spec = at(object, path).unwrap_or(&Value::Null);
        for list in LISTS {
            found.extend(items(spec, &[list]).iter().map(|container| {
                let name = text(container, &["name"]);
                Place { path: format!("{place}.{list}[{name}].image"), list, container: name, image: text(container, &["image"]) }
            }));
        }
        let volumes = items(spec, &["volumes"]).iter().filter(|volume| volume.get("image").is_some());
        found.extend(volumes.map(|volume| {
            let name = text(volume, &["name"]);
            let image = text(volume, &["image", "reference"]);
            Place { path: format!("{place}.volumes[{name}].image.reference"), list: "volumes", container: name, image }
        }));
    }
    for query in custom.of(&gvk) {
        for one in js_path_process(query, object).unwrap_or_default() {
            let (path, value) = (one.clone().path(), one.val());
            if let Some(image) = value.as_str() {
                found.push(Place { path: spelled(&path), list: "", container: "", image });
            }
        }
    }
    found
}

/// A normalised path as other paths are written: `$['spec']['workers'][0]['image']` is `spec.workers[0].image`.
fn spelled(path: &str) -> String {
    let mut out = String::new();
    for part in path.trim_start_matches('$').split_inclusive(']') {
        let inner = part.trim_start_matches('[').trim_end_matches(']');
        match inner.strip_prefix('\'').and_then(|name| name.strip_suffix('\'')) {
            Some(name) if name.contains(['.', '/', '[']) => out.push_str(part),
            Some(name) => {
                if !out.is_empty() {
                    out.push('.');
                }
                out.push_str(name);
            }
            None => out.push_str(part),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::{CustomImages, places};
    use crate::fleet::images::CustomPaths;
    use crate::object::{Value, json};

    fn found(object: &Value, custom: &CustomImages) -> Vec<String> {
        places(object, custom).into_iter().map(|p| format!("{}={}", p.path, p.image)).collect()
    }

    #[test]
    fn every_list_of_a_pod() {
        let spec = json!({
            "initContainers": [{"name": "i", "image": "a:1"}],
            "containers": [{"name": "c", "image": "b:1"}, {"name": "d"}],
            "ephemeralContainers": [{"name": "e", "image": "c:1"}],
            "volumes": [{"name": "v", "image": {"reference": "d:1"}}, {"name": "w", "emptyDir": {}}],
        });
        let cron = json!({"apiVersion": "batch/v1", "kind": "CronJob", "spec": {"jobTemplate": {"spec": {"template": {"spec": spec}}}}});
        let root = "spec.jobTemplate.spec.template.spec";
        assert_eq!(
            found(&cron, &CustomImages::default()),
            [
                format!("{root}.initContainers[i].image=a:1"),
                format!("{root}.containers[c].image=b:1"),
                format!("{root}.containers[d].image="),
                format!("{root}.ephemeralContainers[e].image=c:1"),
                format!("{root}.volumes[v].image.reference=d:1"),
            ]
        );
        let strange = json!({"apiVersion": "example.com/v1", "kind": "Deployment", "spec": {"template": {"spec": spec}}});
        assert_eq!(found(&strange, &CustomImages::default()), Vec::<String>::new(), "a kind of that name in another group");
    }

    #[test]
    fn paths_in_custom_resources() {
        let custom = CustomImages::new(&[CustomPaths {
            kind: "Agent".into(),
            group: Some("example.com".into()),
            paths: vec!["$.spec.image".into(), "$.spec.workers[*].image".into(), "$.spec['side/car'].image".into()],
        }]);
        let agent = json!({
            "apiVersion": "example.com/v1", "kind": "Agent",
            "spec": {"image": "a:1", "workers": [{"image": "b:1"}, {"image": 7}, {"image": "c:1"}], "side/car": {"image": "d:1"}},
        });
        let expected = ["spec.image=a:1", "spec.workers[0].image=b:1", "spec.workers[2].image=c:1", "spec['side/car'].image=d:1"];
        assert_eq!(found(&agent, &custom), expected);
        let other = json!({"apiVersion": "other.com/v1", "kind": "Agent", "spec": {"image": "a:1"}});
        assert_eq!(found(&other, &custom), Vec::<String>::new());
    }
}
