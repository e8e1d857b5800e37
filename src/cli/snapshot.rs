//! `rollcast snapshot`: a cluster becomes one file.

use super::args::Snapshot;
use super::console::{Console, Failure};
use super::{CLEAN, inputs};
use crate::cluster;

pub(super) fn run(options: &Snapshot, console: &mut Console) -> Result<u8, Failure> {
    let (state, _) = inputs::live(options.context.as_deref(), &options.namespaces, &[])?;
    for refused in &state.unreadable {
        console.remark(&format!("not in the snapshot: {refused}"));
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
