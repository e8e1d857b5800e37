//! `rollcast render`: the fleet's manifests.

use super::args::Render;
use super::console::{Console, Failure};
use super::{CLEAN, inputs};
use crate::render;

/// What stands between two documents.
const SEPARATOR: &str = "---\n";
/// How many manifests are printed with one write.
const AT_ONCE: usize = 1_000;

pub(super) fn run(options: &Render, console: &mut Console) -> Result<u8, Failure> {
    let fleet = inputs::fleet(&options.fleet, console)?;
    let manifests = render::render_text(&fleet, &inputs::templates(&options.fleet)?)?;
    match &options.into {
        None => {
            for (i, part) in manifests.chunks(AT_ONCE).enumerate() {
                let mut text = if i == 0 { String::new() } else { SEPARATOR.to_owned() };
                text.push_str(&part.iter().map(|m| m.value.as_str()).collect::<Vec<_>>().join(SEPARATOR));
                console.print(&text)?;
            }
        }
        Some(dir) => {
            let written = render::write_into(dir, &manifests)?;
            console.complain(&crate::diagnostic::Diagnostics(written.notes.clone()));
            let (created, changed, removed) = (written.created.len(), written.changed.len(), written.removed.len());
            let unchanged = written.unchanged;
            console.remark(&format!("{}: {created} created, {changed} changed, {removed} removed, {unchanged} unchanged", dir.display()));
        }
    }
    // The process ends here: to take thousands of manifests apart value by value would be a tenth of its work.
    std::mem::forget((manifests, fleet));
    Ok(CLEAN)
}
