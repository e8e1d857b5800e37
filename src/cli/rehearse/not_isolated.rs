//! Where there are no network namespaces a command cannot be given one.

use crate::cli::args::Isolated;
use crate::diagnostic::Diagnostic;
use std::convert::Infallible;
use std::ffi::OsString;
use std::io;
use std::net::TcpListener;
use std::process::Command;

/// There is none.
pub(super) struct Channel(Infallible);

/// Refuses.
pub(super) fn command(_: &[OsString], _: usize) -> io::Result<(Command, Channel)> {
    Err(io::Error::new(io::ErrorKind::Unsupported, "--isolate needs Linux"))
}

impl Channel {
    /// Nothing can be asked for them.
    pub(super) fn listeners(&self) -> Result<Vec<TcpListener>, Diagnostic> {
        match self.0 {}
    }

    /// Nothing can be let go.
    pub(super) fn go(self) -> io::Result<()> {
        match self.0 {}
    }
}

/// Nobody starts it.
pub(crate) fn become_command(_: &Isolated) -> u8 {
    crate::cli::ERROR
}
