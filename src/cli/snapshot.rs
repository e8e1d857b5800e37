//! `rollcast snapshot`: a cluster becomes one file.

use super::args::Snapshot;
use super::console::{Console, Failure};
use super::{CLEAN, inputs};
use crate::cluster::{self, State};
use crate::object::text;

pub(super) fn run(options: &Snapshot, console: &mut Console) -> Result<u8, Failure> {
    let (state, _) = inputs::live(options.context.as_deref(), &options.namespaces, &[])?;
    for refused in &state.unreadable {
        console.remark(&format!("not in the snapshot: {refused}"));
    }
    for namespace in options.namespaces.iter().filter(|n| lacks(&state, n)) {
        console.remark(&format!("there is no namespace `{namespace}` in {}: nothing of it is in the snapshot", state.source));
    }
    match &options.output {
        Some(path) => {
            cluster::write_snapshot_file(&state, path)?;
            console.remark(&format!("{}: {} objects of {}", path.display(), state.objects.len(), state.source));
        }
        None => {
            let mut text = Vec::new();
            cluster::write_snapshot(&state, &mut text)?;
            console.print(&String::from_utf8_lossy(&text))?;
        }
    }
    Ok(CLEAN)
}

/// Whether a namespace is not there, for all that could be read.
fn lacks(state: &State, namespace: &str) -> bool {
    let read = !state.unreadable.iter().any(|u| u.kind == "Namespace");
    read && !state.objects.iter().any(|o| o["kind"] == "Namespace" && text(o, &["metadata", "name"]) == namespace)
}
