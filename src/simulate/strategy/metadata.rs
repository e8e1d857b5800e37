//! What the server itself writes into metadata.
//!
//! Follows apiserver `pkg/registry/rest/meta.go`, `update.go` and `pkg/storage/names/generate.go`.

use super::Context;
use crate::object::{Map, Value, map_at, text};

/// A generated name is cut so that its suffix still fits a label.
const LONGEST_GENERATED_BASE: usize = 58;
/// The letters that generated suffixes are made of.
const SUFFIX_LETTERS: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// Wipes what only the server writes and fills it in anew; makes a name where `generateName` asks for one.
pub(super) fn of_new_object(ctx: &Context<'_>, object: &mut Value) {
    let metadata = map_at(object, &["metadata"]);
    for field in ["deletionTimestamp", "deletionGracePeriodSeconds", "selfLink", "resourceVersion"] {
        metadata.shift_remove(field);
    }
    metadata.insert("uid".into(), ctx.uid.clone().into());
    metadata.insert("creationTimestamp".into(), ctx.now.clone().into());
    let base = metadata.get("generateName").and_then(Value::as_str).unwrap_or_default().to_owned();
    if !base.is_empty() && !metadata.contains_key("name") {
        let base: String = base.chars().take(LONGEST_GENERATED_BASE).collect();
        metadata.insert("name".into(), format!("{base}{}", suffix(&ctx.uid)).into());
    }
}

/// Five letters that are as good as random and the same for the same uid.
fn suffix(uid: &str) -> String {
    let mut hash = uid.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
    let mut letter = || {
        let letter = SUFFIX_LETTERS[(hash % 27) as usize] as char;
        hash /= 27;
        letter
    };
    (0..5).map(|_| letter()).collect()
}

/// The old generation stands until the strategy moves it.
pub(super) fn keep_generation(new: &mut Value, old: &Value) {
    restore(map_at(new, &["metadata"]), old, "generation");
}

/// What an update cannot change: restored without a word. A uid that is another one is left for validation to refuse.
pub(super) fn keep_system_fields(new: &mut Value, old: &Value) {
    let metadata = map_at(new, &["metadata"]);
    if !text(old, &["metadata", "creationTimestamp"]).is_empty() {
        restore(metadata, old, "creationTimestamp");
    }
    if !metadata.contains_key("uid") {
        restore(metadata, old, "uid");
    }
    if !text(old, &["metadata", "deletionTimestamp"]).is_empty() {
        restore(metadata, old, "deletionTimestamp");
    }
    if !metadata.contains_key("deletionGracePeriodSeconds") {
        restore(metadata, old, "deletionGracePeriodSeconds");
    }
}

/// What a write of a part leaves alone in the metadata: everything that clients write there.
pub(super) fn keep_for_status(new: &mut Value, old: &Value) {
    let metadata = map_at(new, &["metadata"]);
    for field in ["labels", "annotations", "finalizers", "ownerReferences", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"] {
        restore(metadata, old, field);
    }
}

/// Takes a field of the metadata over from the stored object.
pub(super) fn restore(metadata: &mut Map, old: &Value, field: &str) {
    match old["metadata"].get(field) {
        Some(value) => drop(metadata.insert(field.into(), value.clone())),
        None => drop(metadata.shift_remove(field)),
    }
}
