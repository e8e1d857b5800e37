//! `rollcast fleet show`: every value of a fleet, and the place that it comes from.

use super::CLEAN;
use super::args::FleetFile;
use super::console::{Console, Failure, environment};
use super::inputs;
use crate::diagnostic::{Diagnostic, nearest};
use crate::fleet::{self, Asked, OnDisk, Shown};
use crate::report::style::Tone;
use std::path::Path;
use std::sync::Arc;

/// Places stand this far to the right, where values leave them the room.
const VALUES: usize = 60;

pub(super) fn show(options: &FleetFile, key: &str, console: &mut Console) -> Result<u8, Failure> {
    let source = inputs::read_text(&options.fleet, "fleet-unreadable")?;
    let (variables, files) = (environment(), OnDisk(options.fleet.parent().map(Path::to_owned).unwrap_or_default()));
    let asked = Asked { variables: &variables, environment: options.environment.as_deref(), files: &files };
    let values = fleet::values(Arc::clone(&source), &asked, key)?;
    if values.is_empty() && !key.is_empty() {
        let error = Diagnostic::error("fleet-show-key", format!("the fleet has nothing at `{key}`"));
        let depth = key.split('.').count();
        let there = fleet::values(source, &asked, "")?;
        let there: Vec<String> = there.iter().map(|v| v.key.split('.').take(depth).collect::<Vec<_>>().join(".")).collect();
        return Err(match nearest(key, there.iter().map(String::as_str)) {
            Some(near) => error.hint(format!("did you mean `{near}`?")),
            None => error.hint("`rollcast fleet show` without a key prints everything"),
        }
        .into());
    }
    let width = values.iter().map(|v| v.key.len() + v.value.len() + 3).filter(|w| *w <= VALUES).max().unwrap_or(0);
    let mut out = String::new();
    for Shown { key, value, file, line } in &values {
        let text = format!("{key} = {value}");
        let place = console.dress.paint(Tone::Faint, &format!("# {}:{line}", file.display()));
        out.push_str(&format!("{text:width$}  {place}\n"));
    }
    console.print(&out)?;
    Ok(CLEAN)
}
