//! `rollcast images`: where images stand, which ones tenants get, who is behind; pinning them, and rolling just what is stale.

pub(super) mod args;
mod drift;
mod list;
pub(super) mod lock;
mod output;
mod predict;
mod resolve;
mod set;
mod sources;
mod sync;
mod write;

use super::console::{Console, Failure};
use args::Images;

pub(super) use sources::choice;

/// Runs one of them.
pub(super) fn run(options: &Images, console: &mut Console) -> Result<u8, Failure> {
    match options {
        Images::List(options) => list::run(options, console),
        Images::Resolve(options) => resolve::run(options, console),
        Images::Lock(options) => lock::run(options, console),
        Images::Set(options) => set::run(options, console),
        Images::Sync(options) => sync::run(options, console),
        Images::Drift(options) => drift::run(options, console),
    }
}
