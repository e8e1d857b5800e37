//! A tag that can move makes tomorrow's pod another one than today's, without a diff.

use crate::diagnostic::Diagnostic;
use crate::fleet::images::TagRules;
use crate::images::{self, CustomImages};
use crate::object::{ObjectId, Value};

pub(super) fn check(manifest: &Value, rules: &TagRules) -> Vec<Diagnostic> {
    let places = images::places(manifest, &CustomImages::default());
    if places.is_empty() {
        return Vec::new();
    }
    let id = ObjectId::of(manifest);
    let containers = places.into_iter().filter(|place| place.list == "containers" || place.list == "initContainers");
    let mutable = containers.filter_map(|place| {
        let reference = images::parse(place.image).ok()?;
        let why = images::mutable_by(&reference, rules)?;
        let words = format!("{id}: container `{}` has image `{}`: {why}", place.container, place.image);
        Some(Diagnostic::warning("mutable-tag", words).hint("name a digest, a version or the commit that was built"))
    });
    mutable.collect()
}
