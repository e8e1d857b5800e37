//! A snapshot file becomes a state: what `kubectl get … -o json --show-managed-fields` or `rollcast snapshot` wrote.

use super::documents::{Documents, read_documents, too_large};
use super::write::Heading;
use super::{State, mask_secret};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity};
use crate::object::{IdMap, Map, ObjectId, Value, text};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::sync::Arc;

/// Reads a snapshot file of at most `limit` bytes, unpacked ([`super::SNAPSHOT_LIMIT`] unless the user says otherwise).
pub fn read_snapshot(file: &Path, limit: u64) -> Result<State, Diagnostics> {
    let failed = |e: std::io::Error| {
        Diagnostic::error("input-unreadable", format!("cannot read the snapshot `{}`: {e}", file.display()))
            .hint("make one with `rollcast snapshot -o FILE`")
    };
    let open = File::open(file).map_err(failed)?;
    let about = open.metadata().map_err(failed)?;
    if about.is_file() && about.len() > limit {
        return Err(too_large(file, limit, false));
    }
    read_snapshot_from(open, file, limit)
}

/// Reads a snapshot with the values of its Secrets, for a cluster whose clients must be able to read what they have stored (a Helm
/// release is a Secret). They must never get into a report.
pub fn read_snapshot_with_values(input: impl Read, file: &Path, limit: u64) -> Result<State, Diagnostics> {
    read(input, file, limit, false)
}

/// Reads a snapshot from what is named like a file (`-` for standard input).
pub fn read_snapshot_from(input: impl Read, file: &Path, limit: u64) -> Result<State, Diagnostics> {
    read(input, file, limit, true)
}

fn read(input: impl Read, file: &Path, limit: u64, mask: bool) -> Result<State, Diagnostics> {
    let Documents { objects, lists, warnings } = read_documents(input, file, limit).map_err(how_to_get)?;
    let source = if file == Path::new("-") { "standard input".to_owned() } else { file.display().to_string() };
    let mut state = State { source, notes: warnings, ..State::default() };
    Heading::read(&lists, &mut state);
    let (unmanaged, masked) = (objects.iter().filter(|o| lacks_owners(o)).count(), keep_each_once(&mut state, objects, mask)?);
    notes(&mut state, unmanaged, masked);
    Ok(state)
}

/// Says how to get a file that can be read, where this one holds no objects.
fn how_to_get(wrong: Diagnostics) -> Diagnostics {
    let hint = |d: Diagnostic| match (d.code, d.hints.is_empty()) {
        ("input-empty" | "input-cut-off" | "input-not-an-object" | "input-not-json", true) => {
            d.hint("make one with `rollcast snapshot -o FILE` or `kubectl get … -o json --show-managed-fields`")
        }
        _ => d,
    };
    Diagnostics(wrong.0.into_iter().map(hint).collect())
}

/// Whether there is something to own and nobody said to own it. A ServiceAccount `default` has nothing: no server tracks its owners.
fn lacks_owners(object: &Value) -> bool {
    let metadata = |field: &str| object["metadata"].get(field).is_some();
    let holds = |object: &Map| object.keys().any(|key| !matches!(key.as_str(), "apiVersion" | "kind" | "metadata"));
    !metadata("managedFields") && (metadata("labels") || metadata("annotations") || object.as_object().is_some_and(holds))
}

/// Keeps each object once and, if asked to, masks Secrets; says how many of them held values.
fn keep_each_once(state: &mut State, objects: Vec<Value>, mask: bool) -> Result<usize, Diagnostics> {
    let mut places: IdMap<usize> = IdMap::default();
    let (mut kept, mut twice, mut clashes, mut masked) = (Vec::<Value>::with_capacity(objects.len()), Vec::new(), Vec::new(), 0);
    for mut object in objects {
        masked += usize::from(mask && mask_secret(&mut object));
        let id = ObjectId::of(&object);
        let Some(place) = places.get(&id) else {
            places.insert(Arc::new(id), kept.len());
            kept.push(object);
            continue;
        };
        let before = &mut kept[*place];
        match newer(before, &object) {
            Newer::Same => {}
            Newer::Before => twice.push(id.to_string()),
            Newer::After => {
                twice.push(id.to_string());
                *before = object;
            }
            Newer::Unknown => clashes.push(id.to_string()),
        }
    }
    if !clashes.is_empty() {
        let text = format!("{} stands twice in {}, with different contents", named(&clashes), state.source);
        return Err(Diagnostic::error("snapshot-two-objects", text)
            .hint("without resource versions there is no telling which one is newer")
            .into());
    }
    if !twice.is_empty() {
        let text = format!("{} stands more than once in {}; the newest counts", named(&twice), state.source);
        state.notes.push(note("snapshot-two-objects", text));
    }
    state.objects = kept.into_iter().map(Arc::new).collect();
    Ok(masked)
}

enum Newer {
    Same,
    Before,
    After,
    Unknown,
}

/// Resource versions are numbers that grow (KEP-5504 makes that a promise for all servers).
fn newer(before: &Value, after: &Value) -> Newer {
    let version = |object: &Value| text(object, &["metadata", "resourceVersion"]).parse::<u128>().ok();
    match (version(before), version(after)) {
        _ if before == after => Newer::Same,
        (Some(b), Some(a)) if a > b => Newer::After,
        (Some(b), Some(a)) if a < b => Newer::Before,
        // One object, asked for in two API versions: it says the same in other words.
        (Some(_), Some(_)) if before["apiVersion"] != after["apiVersion"] => Newer::Before,
        _ => Newer::Unknown,
    }
}

fn named(ids: &[String]) -> String {
    match ids {
        [one] => format!("`{one}`"),
        [one, more @ ..] => format!("`{one}` (and {} more)", more.len()),
        [] => String::new(),
    }
}

fn note(code: &'static str, text: String) -> Diagnostic {
    Diagnostic { severity: Severity::Note, ..Diagnostic::error(code, text) }
}

fn notes(state: &mut State, unmanaged: usize, masked: usize) {
    let (all, source) = (state.objects.len(), state.source.clone());
    if all == 0 {
        state.notes.push(Diagnostic::warning("snapshot-no-objects", format!("{source} holds a List without objects")));
    }
    if unmanaged > 0 {
        let which = if unmanaged >= all { "its objects have".to_owned() } else { format!("{unmanaged} of its {all} objects have") };
        let text = format!("{source}: {which} no managed fields, so who owns which field is not known");
        state.notes.push(Diagnostic::warning("snapshot-no-managed-fields", text).hint("add `--show-managed-fields` to `kubectl get`"));
    }
    if state.version.is_none() {
        let text = format!("{source} does not say which Kubernetes version it comes from");
        state.notes.push(note("snapshot-no-version", text).hint("`rollcast snapshot` writes it; `--kubernetes V` says it"));
    }
    if masked > 0 {
        let text = format!("the values of {masked} Secrets in {source} were replaced by digests on reading");
        state.notes.push(note("snapshot-secrets-masked", text).hint("they still stand in the file itself"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::SNAPSHOT_LIMIT;
    use crate::object::json;

    fn state(objects: Value) -> Result<State, Diagnostics> {
        let list = json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string();
        read_snapshot_from(list.as_bytes(), Path::new("s.json"), SNAPSHOT_LIMIT)
    }

    fn map(name: &str, revision: &str, value: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "n", "resourceVersion": revision, "managedFields": []}, "data": {"v": value}})
    }

    fn codes(state: &State) -> Vec<&str> {
        state.notes.iter().map(|n| n.code).collect()
    }

    #[test]
    fn the_newest_of_two_counts() {
        let state = state(json!([map("a", "9", "old"), map("b", "1", "x"), map("a", "10", "new"), map("b", "1", "x")])).unwrap();
        assert_eq!(state.objects.len(), 2);
        assert_eq!(state.objects[0]["data"]["v"], "new");
        assert_eq!(codes(&state), ["snapshot-two-objects", "snapshot-no-version"]);
        assert!(state.notes[0].text.contains("`ConfigMap/n/a` stands"));
    }

    #[test]
    fn two_that_differ_without_a_version_are_an_error() {
        let (mut one, mut other) = (map("a", "", "x"), map("a", "", "y"));
        assert_eq!(state(json!([one, one])).unwrap().objects.len(), 1);
        let clash = state(json!([one.take(), other.take()])).unwrap_err();
        assert_eq!(clash.to_string(), "`ConfigMap/n/a` stands twice in s.json, with different contents");
    }

    #[test]
    fn an_object_with_nothing_to_own_needs_no_owners() {
        let account = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "default", "namespace": "n"}});
        assert_eq!(codes(&state(json!([account, map("a", "1", "x")])).unwrap()), ["snapshot-no-version"]);
        let labelled = json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "a", "labels": {"a": "b"}}});
        assert_eq!(codes(&state(json!([labelled])).unwrap()), ["snapshot-no-managed-fields", "snapshot-no-version"]);
    }

    #[test]
    fn says_what_lowers_its_worth() {
        let secret =
            json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n"}, "data": {"k": "aHVudGVyMg=="}});
        let state = state(json!([secret])).unwrap();
        assert_eq!(codes(&state), ["snapshot-no-managed-fields", "snapshot-no-version", "snapshot-secrets-masked"]);
        assert!(!format!("{state:?}").contains("aHVudGVyMg"));
        assert_eq!(state.unknown("apps", "Deployment", "n"), None, "a file that does not say what was asked for is believed");
    }

    #[test]
    fn a_file_over_the_limit_is_refused_without_reading_it() {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(1 << 40).unwrap();
        let refused = read_snapshot(file.path(), SNAPSHOT_LIMIT).unwrap_err();
        assert!(refused.to_string().contains("limit of 512 MiB"), "{refused}");
        assert!(read_snapshot(Path::new("/nonexistent/s.json"), SNAPSHOT_LIMIT).is_err());
    }
}
