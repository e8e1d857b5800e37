//! A state becomes a snapshot file: a plain `v1` List, as `kubectl get … -o json --show-managed-fields` prints it.
//!
//! What a List has no field for (server version, what was asked for, what could not be read) stands in annotations of the
//! List's own metadata. `ListMeta` has no annotations: kubectl and every client skip them, and each of the List's items is
//! an object of its own to them, so the file works with `kubectl get -f`, `kubectl create -f` and jq.

use super::{State, Unreadable, mask_secret};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::object::{Map, Value, json, text};
use serde::Serialize as _;
use serde_json::ser::{PrettyFormatter, Serializer};
use std::io::{self, BufWriter, Write};
use std::path::Path;

const VERSION: &str = "rollcast/kubernetes-version";
const SOURCE: &str = "rollcast/source";
const KINDS: &str = "rollcast/kinds";
const NAMESPACES: &str = "rollcast/namespaces";
const UNREADABLE: &str = "rollcast/unreadable";

/// Writes a state as a snapshot, with digests for the values of Secrets.
pub fn write_snapshot(state: &State, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{\n    \"apiVersion\": \"v1\",\n    \"items\": [")?;
    for (index, object) in state.objects.iter().enumerate() {
        out.write_all(if index == 0 { b"\n        " } else { b",\n        " })?;
        // Once more, for objects that came another way than through a reader of this module.
        let masked = (text(object, &["kind"]) == "Secret").then(|| {
            let mut secret = Value::clone(object);
            mask_secret(&mut secret);
            secret
        });
        pretty(masked.as_ref().unwrap_or(object), 2, out)?;
    }
    out.write_all(if state.objects.is_empty() { b"],\n" } else { b"\n    ],\n" })?;
    out.write_all(b"    \"kind\": \"List\",\n    \"metadata\": ")?;
    pretty(&Heading::of(state), 1, out)?;
    out.write_all(b"\n}\n")
}

/// The mode of what is there to be handed on: a snapshot, a report.
const SHARED: u32 = 0o666;
/// The mode of what holds a credential.
const PRIVATE: u32 = 0o600;

/// Writes a snapshot file: whole, or not at all.
pub fn write_snapshot_file(state: &State, file: &Path) -> Result<(), Diagnostics> {
    let failed = |e: io::Error| Diagnostic::error("snapshot-not-written", format!("cannot write `{}`: {e}", file.display()));
    let mut out = BufWriter::with_capacity(1 << 16, beside(file, SHARED).map_err(failed)?);
    write_snapshot(state, &mut out).and_then(|()| out.flush()).map_err(failed)?;
    let whole = out.into_inner().map_err(|e| failed(e.into_error()))?;
    whole.as_file().sync_all().map_err(failed)?;
    whole.persist(file).map_err(|e| failed(e.error))?;
    Ok(())
}

/// Writes a file: whole, or not at all. What is no plain file (a pipe, a terminal) is written to as it is.
pub fn write_file(file: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with(file, bytes, SHARED)
}

/// Writes a file that holds a credential: only its owner may read it.
pub fn write_private_file(file: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with(file, bytes, PRIVATE)
}

fn write_with(file: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    if std::fs::metadata(file).is_ok_and(|m| !m.is_file()) {
        return std::fs::write(file, bytes);
    }
    let mut whole = beside(file, mode)?;
    whole.write_all(bytes)?;
    whole.persist(file).map_err(|e| e.error)?;
    Ok(())
}

/// A file beside the one to write, with the permissions that a new file of that mode gets.
fn beside(file: &Path, mode: u32) -> io::Result<tempfile::NamedTempFile> {
    let folder = file.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if !folder.is_dir() {
        return Err(io::Error::other(format!("there is no directory `{}`", folder.display())));
    }
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    builder.tempfile_in(folder)
}

/// A value with four spaces for each level, as kubectl prints it, when it stands at a level already.
fn pretty(value: &Value, level: usize, out: &mut impl Write) -> io::Result<()> {
    let deeper = Indented { out, indent: level * 4 };
    value.serialize(&mut Serializer::with_formatter(deeper, PrettyFormatter::with_indent(b"    "))).map_err(io::Error::from)
}

/// Puts spaces after every line end. JSON text has none inside strings.
struct Indented<'w, W> {
    out: &'w mut W,
    indent: usize,
}

impl<W: Write> Write for Indented<'_, W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        const SPACES: &[u8] = b"                ";
        for line in bytes.split_inclusive(|b| *b == b'\n') {
            self.out.write_all(line)?;
            if line.ends_with(b"\n") {
                self.out.write_all(&SPACES[..self.indent.min(SPACES.len())])?;
            }
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// What the List's own metadata says about a snapshot.
pub(super) struct Heading;

impl Heading {
    fn of(state: &State) -> Value {
        let mut annotations = Map::new();
        if let Some(kinds) = &state.kinds {
            let kinds: Vec<String> = kinds.iter().map(|(group, kind)| format!("{kind}.{group}")).collect();
            annotations.insert(KINDS.into(), kinds.join(",").into());
        }
        if let Some(version) = &state.version {
            annotations.insert(VERSION.into(), version.as_str().into());
        }
        if !state.namespaces.is_empty() {
            let namespaces: Vec<&str> = state.namespaces.iter().map(String::as_str).collect();
            annotations.insert(NAMESPACES.into(), namespaces.join(",").into());
        }
        annotations.insert(SOURCE.into(), state.source.as_str().into());
        if !state.unreadable.is_empty() {
            let listed: Vec<Value> = state
                .unreadable
                .iter()
                .map(|u| json!({"group": u.group, "kind": u.kind, "namespace": u.namespace, "why": u.why}))
                .collect();
            annotations.insert(UNREADABLE.into(), Value::Array(listed.into()).to_string().into());
        }
        json!({"annotations": annotations, "resourceVersion": ""})
    }

    /// Reads it back; Lists that say nothing change nothing.
    pub(super) fn read(lists: &[Map], state: &mut State) {
        for annotations in lists.iter().filter_map(|list| list.get("metadata")?.get("annotations")) {
            let own = |key: &str| annotations.get(key).and_then(Value::as_str);
            if let Some(version) = own(VERSION) {
                state.version.get_or_insert_with(|| version.to_owned());
            }
            if let Some(kinds) = own(KINDS) {
                let pairs = kinds.split(',').filter_map(|k| k.split_once('.')).map(|(kind, group)| (group.to_owned(), kind.to_owned()));
                state.kinds.get_or_insert_default().extend(pairs);
            }
            state.namespaces.extend(own(NAMESPACES).iter().flat_map(|n| n.split(',')).map(str::to_owned));
            let unreadable = own(UNREADABLE).and_then(|json| serde_json::from_str::<Vec<Value>>(json).ok()).unwrap_or_default();
            state.unreadable.extend(unreadable.iter().map(|u| Unreadable {
                group: text(u, &["group"]).into(),
                kind: text(u, &["kind"]).into(),
                namespace: text(u, &["namespace"]).into(),
                why: text(u, &["why"]).into(),
            }));
        }
        // A List that does not say what was asked for may hold anything.
        let says = |list: &Map| list.get("metadata").is_some_and(|m| !text(m, &["annotations", KINDS]).is_empty());
        if !lists.iter().all(says) {
            state.kinds = None;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::{SNAPSHOT_LIMIT, read_snapshot};
    use std::collections::BTreeSet;
    use std::sync::Arc;

    fn state() -> State {
        let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m", "namespace": "n", "managedFields": []}, "data": {"v": "a\nb", "e": {}}});
        let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "n", "managedFields": []}, "data": {"k": "aHVudGVyMg=="}});
        State {
            version: Some("v1.36.2".into()),
            source: "context prod".into(),
            objects: vec![Arc::new(map), Arc::new(secret)],
            kinds: Some(BTreeSet::from([("".into(), "Secret".into()), ("apps".into(), "Deployment".into())])),
            namespaces: BTreeSet::from(["x".into(), "y".into()]),
            unreadable: vec![Unreadable {
                group: "apps".into(),
                kind: "Deployment".into(),
                namespace: "x".into(),
                why: "forbidden".into(),
            }],
            notes: Vec::new(),
        }
    }

    #[test]
    fn what_is_written_reads_back() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("s.json");
        std::fs::write(&file, "old").unwrap();
        write_snapshot_file(&state(), &file).unwrap();
        assert!(!std::fs::read_to_string(&file).unwrap().contains("aHVudGVyMg"));
        let back = read_snapshot(&file, SNAPSHOT_LIMIT).unwrap();
        assert_eq!(back.objects[0], state().objects[0]);
        assert_eq!((back.version, back.kinds, back.unreadable), (state().version, state().kinds, state().unreadable));
        assert_eq!((back.namespaces, back.notes), (state().namespaces, Vec::new()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
    }

    #[test]
    fn is_written_as_kubectl_prints_a_list() {
        let mut out = Vec::new();
        write_snapshot(&State { objects: vec![Arc::new(json!({"kind": "A", "b": ["c"]}))], ..State::default() }, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let start = "{\n    \"apiVersion\": \"v1\",\n    \"items\": [\n        {\n            \"kind\": \"A\",\n            \"b\": [\n                \"c\"\n            ]\n        }\n    ],\n    \"kind\": \"List\",\n    \"metadata\": {\n        \"annotations\"";
        assert!(text.starts_with(start), "{text}");
        serde_json::from_str::<Value>(&text).unwrap();
    }

    #[test]
    fn what_was_not_read_is_not_absent() {
        let state = state();
        assert_eq!(state.unknown("apps", "Deployment", "x").as_deref(), Some("Deployment.apps in namespace x: forbidden"));
        assert_eq!(state.unknown("apps", "Deployment", "y"), None);
        assert!(state.unknown("apps", "Deployment", "").is_some());
        assert!(state.unknown("apps", "Deployment", "z").is_some_and(|why| why.contains("not asked for namespace z")));
        assert!(state.unknown("batch", "Job", "y").is_some_and(|why| why.contains("was not asked for")));
    }

    #[test]
    fn a_folder_that_is_not_there_is_an_error() {
        let refused = write_snapshot_file(&state(), Path::new("/nonexistent/s.json")).unwrap_err();
        assert!(refused.to_string().starts_with("cannot write"));
    }
}
