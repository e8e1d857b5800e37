//! `--base REV`: the state as if a git revision's manifests had been applied.

use super::args::FleetFile;
use super::console::Failure;
use super::inputs::Work;
use crate::cluster::State;

pub(super) fn state(_revision: &str, _options: &FleetFile, _work: &Work) -> Result<State, Failure> {
    Ok(State::default())
}
