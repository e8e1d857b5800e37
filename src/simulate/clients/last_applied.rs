//! The annotation in which kubectl keeps what was applied last.
//!
//! Follows kubectl `pkg/util/apply.go`; the text is what Go's JSON encoder writes, newline included.

use crate::apply::go_format::push_json;
use crate::apply::last_applied::LAST_APPLIED;
use crate::object::{Value, at, map_at};

/// A manifest with its own text in the annotation. An empty map of annotations is made, and stands in the text, where there is none.
pub(super) fn annotated(mut manifest: Value) -> Value {
    let annotations = map_at(&mut manifest, &["metadata", "annotations"]);
    annotations.shift_remove(LAST_APPLIED);
    let mut text = String::new();
    push_json(&mut text, &manifest);
    text.push('\n');
    map_at(&mut manifest, &["metadata", "annotations"]).insert(LAST_APPLIED.into(), text.into());
    manifest
}

/// What was applied last, from a live object; null if it does not say.
pub(super) fn last_applied(live: &Value) -> Value {
    let text = at(live, &["metadata", "annotations", LAST_APPLIED]).and_then(Value::as_str);
    text.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}
