//! Everything that is wrong with a fleet, said at once: what can be told without the rest is told with it.

use super::args::FleetFile;
use super::console::Failure;
use super::inputs;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::fleet::{Fleet, Looked};
use crate::images::{self, PinnedFleet, Supply};
use crate::render;
use crate::schema::Version;
use std::path::Path;

/// The fleet with its images.
///
/// # Errors
/// What is wrong with its file, with its images, with its `[[ignore]]` rules and with the templates beside it.
pub(super) fn pinned(looked: Looked, supply: &Supply, options: &FleetFile) -> Result<PinnedFleet, Failure> {
    let Looked { fleet, mut problems } = looked;
    let read = problems.len();
    let version = fleet.as_ref().map_or_else(Version::default, |fleet| render::version(fleet).0);
    let mut pinned = None;
    if let Some(fleet) = fleet {
        problems.extend(inputs::rules_of(&fleet).err().into_iter().flat_map(|wrong| wrong.0));
        match images::pin(fleet, supply) {
            Ok(fleet) => pinned = Some(fleet),
            Err(Diagnostics(wrong)) => problems.extend(wrong),
        }
    }
    match pinned {
        // Who renders it is told of its templates.
        Some(pinned) if problems.is_empty() => Ok(pinned),
        _ => {
            let checked = inputs::templates(options).and_then(|templates| Ok(templates.check(version)?));
            if let Err(Failure::Wrong(Diagnostics(wrong))) = checked {
                problems.extend(wrong);
            }
            Err(Diagnostics(ordered(problems, read, &options.fleet)).into())
        }
    }
}

/// The fleet, its images not looked up.
///
/// # Errors
/// What is wrong with its file and its `[[ignore]]` rules.
pub(super) fn unpinned(looked: Looked, options: &FleetFile) -> Result<Fleet, Failure> {
    let Looked { fleet, mut problems } = looked;
    let read = problems.len();
    problems.extend(fleet.as_ref().and_then(|fleet| inputs::rules_of(fleet).err()).into_iter().flat_map(|wrong| wrong.0));
    match fleet {
        Some(fleet) if problems.is_empty() => Ok(fleet),
        _ => Err(Diagnostics(ordered(problems, read, &options.fleet)).into()),
    }
}

/// In the order of the text. The first `read` came of reading; of the others, what is about the same text follows from those, and
/// which image organisations get hangs on too much that may be among them.
fn ordered(mut problems: Vec<Diagnostic>, read: usize, fleet_file: &Path) -> Vec<Diagnostic> {
    let found = problems.split_off(read);
    let overlaps = |a: &Diagnostic, b: &Diagnostic| match (&a.place, &b.place) {
        (Some((one, a)), Some((other, b))) => one.file == other.file && a.start < b.end && b.start < a.end,
        _ => false,
    };
    let follows = |d: &Diagnostic| d.code == "image-unresolved" && read > 0 || problems.iter().any(|p| overlaps(p, d));
    let more: Vec<Diagnostic> = found.into_iter().filter(|d| !follows(d)).collect();
    problems.extend(more);
    let place = |d: &Diagnostic| match &d.place {
        Some((source, range)) => (source.file != *fleet_file, Some(source.file.clone()), range.start),
        None => (true, None, 0),
    };
    problems.sort_by_key(place);
    problems
}
