//! `rollcast render`: the fleet's manifests.

use super::args::Render;
use super::console::{Console, Failure};
use super::{CLEAN, inputs};
use crate::render;

pub(super) fn run(options: &Render, console: &mut Console) -> Result<u8, Failure> {
    let fleet = inputs::fleet(&options.fleet, console)?;
    let manifests = inputs::rendered(&fleet, &options.fleet)?;
    match &options.into {
        None => console.print(&render::to_yaml(&manifests))?,
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
