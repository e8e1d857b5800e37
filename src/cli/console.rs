//! Standard output for results, standard error for everything else.

use super::args::Color;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::report::style::Dress;
use std::io::{self, IsTerminal, Write};

/// Why a command ends early.
#[derive(Debug)]
pub(super) enum Failure {
    /// The reader of standard output went away: no error.
    Pipe,
    /// Something is wrong with the use, the input or the reading.
    Wrong(Diagnostics),
}

impl From<Diagnostics> for Failure {
    fn from(diagnostics: Diagnostics) -> Self {
        Self::Wrong(diagnostics)
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Self::Wrong(diagnostic.into())
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::Pipe;
        }
        Diagnostic::error("cannot-write", format!("cannot write: {error}")).into()
    }
}

/// A reader that has seen enough changes no verdict: the exit code says it all the same.
pub(super) fn read_or_not(printed: Result<(), Failure>) -> Result<(), Failure> {
    match printed {
        Err(Failure::Pipe) => Ok(()),
        other => other,
    }
}

/// Where output goes, and how it is dressed.
pub(super) struct Console {
    /// How results on standard output are dressed.
    pub(super) dress: Dress,
    /// How text on standard error is dressed.
    pub(super) complaints: Dress,
}

impl Console {
    pub(super) fn new(color: Color) -> Self {
        let dress = |terminal: bool| match color {
            Color::Always => Dress::Terminal,
            Color::Auto if terminal && !no_color() => Dress::Terminal,
            _ => Dress::Plain,
        };
        Self { dress: dress(io::stdout().is_terminal()), complaints: dress(io::stderr().is_terminal()) }
    }

    /// Writes a result to standard output.
    pub(super) fn print(&mut self, text: &str) -> Result<(), Failure> {
        let mut out = io::stdout().lock();
        out.write_all(text.as_bytes())?;
        Ok(out.flush()?)
    }

    /// Writes a remark to standard error.
    pub(super) fn remark(&mut self, text: &str) {
        // A remark that cannot be written has no reader.
        drop(writeln!(io::stderr().lock(), "{text}"));
    }

    /// Writes what is wrong to standard error, each with its place.
    pub(super) fn complain(&mut self, diagnostics: &Diagnostics) {
        if !diagnostics.0.is_empty() {
            let text = crate::diagnostic::snippet::render_all(diagnostics, self.complaints == Dress::Terminal);
            self.remark(text.trim_end());
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the commands are where the environment is read")]
fn no_color() -> bool {
    std::env::var("NO_COLOR").is_ok_and(|v| !v.is_empty())
}

/// The environment, for `${NAME}` in the fleet file.
pub(super) fn environment() -> std::collections::BTreeMap<String, String> {
    std::env::vars_os().filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?))).collect()
}
