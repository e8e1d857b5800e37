//! A workload as it is and the images it is to have become the one patch that sets just the stale ones.
//!
//! The patch is a JSON patch that first tests what it replaces: a container that moved or an image that somebody else set in the
//! meantime makes the server refuse it, so that a newer image is never taken back by a plan that did not see it.

use super::places::{LISTS, pod_spec_path};
use super::precedence::ANNOTATION;
use super::reference::parse;
use crate::object::{Gvk, Value, at, items, json, text};
use std::collections::BTreeMap;

/// An image that is to change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The container.
    pub container: String,
    /// `containers` or `initContainers`.
    pub list: &'static str,
    /// Its place in the list.
    pub index: usize,
    /// What it has.
    pub old: String,
    /// What it is to have.
    pub new: String,
}

/// A workload compared with the images it is to have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Comparison {
    /// What is stale.
    pub stale: Vec<Change>,
    /// Containers that have their image already.
    pub current: Vec<String>,
    /// Containers that it does not have.
    pub absent: Vec<String>,
}

/// Compares the containers and init containers of a workload with the images they are to have.
pub fn compare(live: &Value, wanted: &BTreeMap<String, String>) -> Comparison {
    let mut comparison = Comparison::default();
    let spec = pod_spec_path(&Gvk::of(live)).and_then(|path| at(live, path)).unwrap_or(&Value::Null);
    for (container, image) in wanted {
        let mut found = false;
        for list in LISTS.into_iter().filter(|l| *l != "ephemeralContainers") {
            for (index, one) in items(spec, &[list]).iter().enumerate().filter(|(_, c)| text(c, &["name"]) == container) {
                found = true;
                let old = text(one, &["image"]);
                if same(old, image) {
                    comparison.current.push(container.clone());
                } else {
                    let (container, old, new) = (container.clone(), old.to_owned(), image.clone());
                    comparison.stale.push(Change { container, list, index, old, new });
                }
            }
        }
        if !found {
            comparison.absent.push(container.clone());
        }
    }
    comparison.stale.sort_by_key(|c| (LISTS.iter().position(|l| *l == c.list), c.index));
    comparison
}

/// Whether two texts name the same image.
pub fn same(a: &str, b: &str) -> bool {
    a == b || matches!((parse(a), parse(b)), (Ok(a), Ok(b)) if a.same(&b))
}

/// The patch of a workload: a test and a replacement for each stale image, and where the images came from, if it is to be noted.
pub fn patch(live: &Value, stale: &[Change], source: Option<&str>) -> Value {
    let path = pod_spec_path(&Gvk::of(live)).unwrap_or_default().join("/");
    let mut operations = Vec::new();
    for change in stale {
        let here = format!("/{path}/{}/{}", change.list, change.index);
        operations.push(json!({ "op": "test", "path": format!("{here}/name"), "value": change.container }));
        if !change.old.is_empty() {
            operations.push(json!({ "op": "test", "path": format!("{here}/image"), "value": change.old }));
        }
        operations.push(json!({ "op": "add", "path": format!("{here}/image"), "value": change.new }));
    }
    if let Some(source) = source {
        if at(live, &["metadata", "annotations"]).is_none() {
            operations.push(json!({ "op": "add", "path": "/metadata/annotations", "value": {} }));
        }
        let path = format!("/metadata/annotations/{}", ANNOTATION.replace('/', "~1"));
        operations.push(json!({ "op": "add", "path": path, "value": source }));
    }
    Value::Array(operations.into_iter().collect())
}

#[cfg(test)]
mod tests {
    use super::{compare, patch};
    use crate::object::{Value, json};
    use std::collections::BTreeMap;

    fn live() -> Value {
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"namespace": "agents", "name": "ceo-agent"},
            "spec": {"template": {"spec": {
                "initContainers": [{"name": "git-sync", "image": "g:1"}],
                "containers": [{"name": "log", "image": "docker.io/library/l:1"}, {"name": "agent", "image": "a:1"}],
            }}},
        })
    }

    fn wanted(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect()
    }

    #[test]
    fn one_patch_with_just_the_stale_ones() {
        let compared = compare(&live(), &wanted(&[("agent", "a:2"), ("git-sync", "g:2"), ("log", "l:1"), ("cai-runtime", "c:1")]));
        assert_eq!((compared.current, compared.absent), (vec!["log".to_owned()], vec!["cai-runtime".to_owned()]));
        let at = "/spec/template/spec";
        assert_eq!(
            patch(&live(), &compared.stale, None),
            json!([
                {"op": "test", "path": format!("{at}/initContainers/0/name"), "value": "git-sync"},
                {"op": "test", "path": format!("{at}/initContainers/0/image"), "value": "g:1"},
                {"op": "add", "path": format!("{at}/initContainers/0/image"), "value": "g:2"},
                {"op": "test", "path": format!("{at}/containers/1/name"), "value": "agent"},
                {"op": "test", "path": format!("{at}/containers/1/image"), "value": "a:1"},
                {"op": "add", "path": format!("{at}/containers/1/image"), "value": "a:2"},
            ])
        );
    }

    #[test]
    fn where_it_came_from_goes_to_the_workload() {
        let compared = compare(&live(), &wanted(&[("agent", "a:2")]));
        let patch = patch(&live(), &compared.stale, Some("agent=platform"));
        assert_eq!(patch[3], json!({"op": "add", "path": "/metadata/annotations", "value": {}}));
        assert_eq!(patch[4]["path"], "/metadata/annotations/rollcast~1image-source");
    }
}
