//! A tag that can move makes tomorrow's pod another one than today's, without a diff.

use crate::diagnostic::Diagnostic;
use crate::images;
use crate::object::{ObjectId, Value, at, items, text};

/// Where kinds keep their pod template.
const TEMPLATES: [(&str, &[&str]); 7] = [
    ("Deployment", &["spec", "template", "spec"]),
    ("StatefulSet", &["spec", "template", "spec"]),
    ("DaemonSet", &["spec", "template", "spec"]),
    ("ReplicaSet", &["spec", "template", "spec"]),
    ("Job", &["spec", "template", "spec"]),
    ("CronJob", &["spec", "jobTemplate", "spec", "template", "spec"]),
    ("Pod", &["spec"]),
];

pub(super) fn check(manifest: &Value) -> Vec<Diagnostic> {
    let kind = text(manifest, &["kind"]);
    let Some((_, path)) = TEMPLATES.iter().find(|(k, _)| *k == kind) else { return Vec::new() };
    let Some(spec) = at(manifest, path) else { return Vec::new() };
    let id = ObjectId::of(manifest);
    let lists = ["initContainers", "containers"].into_iter().flat_map(|list| items(spec, &[list]));
    let mutable = lists.filter_map(|c| {
        let image = text(c, &["image"]);
        let reference = images::parse(image).ok()?;
        let why = images::mutable(&reference)?;
        let words = format!("{id}: container `{}` has image `{image}`: {why}", text(c, &["name"]));
        Some(Diagnostic::warning("mutable-tag", words).hint("name a digest, a version or the commit that was built"))
    });
    mutable.collect()
}
