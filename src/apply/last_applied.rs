//! The annotation in which kubectl's client-side apply keeps what it applied, as far as the server minds it.
//!
//! Follows apimachinery `pkg/util/managedfields/internal/` (`lastapplied.go`, `lastappliedmanager.go`, `lastappliedupdater.go`).

use super::field_set::FieldSet;
use super::fields_v1;
use super::go_format::push_json;
use super::typed::{Typed, compare, field_set, validate};
use crate::object::{Gvk, Value, at, map_at};

/// The annotation.
pub const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The only manager for whom the server minds the annotation.
pub(super) const KUBECTL: &str = "kubectl";

/// The most bytes that the annotations of an object may have together.
const MOST_BYTES: usize = 256 << 10;

fn annotation(object: &Value) -> Option<&str> {
    at(object, &["metadata", "annotations", LAST_APPLIED])?.as_str().filter(|text| !text.is_empty())
}

/// Fields that the annotation names with the values that the object still has.
pub(super) struct Unchanged(Value);

impl Unchanged {
    pub(super) fn as_set(&self) -> FieldSet<'_> {
        fields_v1::read(&self.0).unwrap_or_default()
    }
}

/// What client-side apply wrote and nobody changed since. None if the annotation does not tell.
pub(super) fn unchanged_since(typed: Typed<'_>, gvk: &Gvk, live: &Value) -> Option<Unchanged> {
    let applied: Value = serde_json::from_str(annotation(live)?).ok()?;
    if Gvk::of(&applied) != *gvk {
        return None;
    }
    validate(typed, live, false).ok()?;
    validate(typed, &applied, false).ok()?;
    let comparison = compare(typed, &applied, live).ok()?;
    let mut fields = field_set(typed, &applied);
    for changed in [&comparison.modified, &comparison.added, &comparison.removed] {
        fields.subtract(changed);
    }
    Some(Unchanged(fields_v1::write(&fields)))
}

/// Brings the annotation of an object up to date with what was applied now, if it has one.
pub(super) fn update(object: &mut Value, config: &Value) {
    if annotation(object).is_none() {
        return;
    }
    let text = encoded(config);
    let annotations = map_at(object, &["metadata", "annotations"]);
    annotations.insert(LAST_APPLIED.into(), text.into());
    let bytes: usize = annotations.iter().map(|(k, v)| k.len() + v.as_str().map_or(0, str::len)).sum();
    if bytes > MOST_BYTES {
        annotations.shift_remove(LAST_APPLIED);
    }
}

/// The configuration as the annotation holds it: without the annotation itself; null annotations are empty texts, and if one is no
/// text at all none is kept.
fn encoded(config: &Value) -> String {
    let mut config = config.clone();
    if let Some(metadata) = config.get_mut("metadata").and_then(Value::as_object_mut) {
        match metadata.get_mut("annotations") {
            Some(Value::Object(annotations)) if annotations.values().all(|v| v.is_string() || v.is_null()) => {
                annotations.shift_remove(LAST_APPLIED);
                annotations.values_mut().filter(|v| v.is_null()).for_each(|v| *v = "".into());
            }
            Some(_) => {
                metadata.shift_remove("annotations");
            }
            None => {}
        }
    }
    let mut text = String::new();
    push_json(&mut text, &config);
    text.push('\n');
    text
}
