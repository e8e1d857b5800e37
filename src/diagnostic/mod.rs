//! What rollcast says when something is wrong: a code, a place, why, and how to mend it.
//!
//! Never prints: `cli` and `report` do.

mod nearest;
pub mod snippet;

pub use nearest::nearest;

use std::fmt;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; changes no exit code.
    Note,
    /// Likely a mistake; `check` lists it.
    Warning,
    /// Nothing can come of the input.
    Error,
}

/// A text that diagnostics point into.
#[derive(Debug, PartialEq, Eq)]
pub struct Source {
    /// As the user named it; `-` is standard input.
    pub file: PathBuf,
    /// Its whole text; of a file that includes others, all of theirs behind it.
    pub text: String,
    /// The files that it includes, in the order of their texts.
    parts: Vec<Part>,
}

/// An included file: its text starts at a byte of the whole.
#[derive(Debug, PartialEq, Eq)]
struct Part {
    start: usize,
    file: PathBuf,
}

impl Source {
    /// A text and the name of its file.
    pub fn new(file: PathBuf, text: String) -> Self {
        Self { file, text, parts: Vec::new() }
    }

    /// This text with those of the files that it includes behind it: one text, so that one range of bytes says which file too.
    #[must_use]
    pub fn including(&self, files: impl IntoIterator<Item = Self>) -> Self {
        let mut whole = Self::new(self.file.clone(), self.text.clone());
        for Self { file, text, .. } in files {
            whole.text.push('\n');
            whole.parts.push(Part { start: whole.text.len(), file });
            whole.text.push_str(&text);
        }
        whole
    }

    /// The same with some of its bytes hidden, so that messages can point at them without showing them.
    #[must_use]
    pub fn masked(&self, ranges: impl IntoIterator<Item = Range<usize>>) -> Self {
        let mut text = self.text.clone().into_bytes();
        for range in ranges {
            text[range].iter_mut().filter(|b| **b != b'\n').for_each(|b| *b = b'*');
        }
        let parts = self.parts.iter().map(|p| Part { start: p.start, file: p.file.clone() }).collect();
        let text = String::from_utf8(text).expect("whole characters were replaced by ASCII");
        Self { file: self.file.clone(), text, parts }
    }

    /// The file that a byte of the text is from, and where that file's text starts and ends.
    pub fn file_at(&self, byte: usize) -> (&PathBuf, Range<usize>) {
        let behind = self.parts.partition_point(|p| p.start <= byte);
        let (file, start) = behind.checked_sub(1).map_or((&self.file, 0), |i| (&self.parts[i].file, self.parts[i].start));
        // The line feed between two files belongs to neither.
        (file, start..self.parts.get(behind).map_or(self.text.len(), |next| next.start - 1))
    }

    /// File, line and column (both from 1) of a byte.
    pub fn position(&self, byte: usize) -> (&PathBuf, usize, usize) {
        let (file, range) = self.file_at(byte);
        let start = range.start;
        let own = self.text.get(range).unwrap_or_default();
        let before = own.get(..byte - start).unwrap_or(own);
        let line = before.matches('\n').count() + 1;
        let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        (file, line, column)
    }

    /// The text of a file's bytes, without a byte order mark.
    ///
    /// # Errors
    /// Where the bytes stop being UTF-8.
    pub fn read(file: PathBuf, bytes: Vec<u8>) -> Result<Arc<Self>, Diagnostic> {
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Arc::new(Self::new(file, text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text)))),
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let bytes = error.into_bytes();
                let text = String::from_utf8_lossy(&bytes[..good]).into_owned();
                let line = text.matches('\n').count() + 1;
                let wrong = bytes.get(good).copied().unwrap_or_default();
                Err(Diagnostic::error("text-not-utf8", format!("the text is not UTF-8: byte 0x{wrong:02x} on line {line}"))
                    .at(&Arc::new(Self::new(file, text)), good..good)
                    .hint("save the file as UTF-8"))
            }
        }
    }
}

/// One thing to tell the user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    /// Stable name, for `rollcast explain CODE`: `fleet-unknown-key`.
    pub code: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What is wrong, in one sentence, lower case, no full stop, names in backticks.
    pub text: String,
    /// Where, if it stands in a text: the source and the byte range to underline.
    pub place: Option<(Arc<Source>, Range<usize>)>,
    /// What stands under the underlined text: `expected one of …`.
    pub label: String,
    /// How to mend it.
    pub hints: Vec<String>,
}

impl Diagnostic {
    /// An error without a place yet.
    pub fn error(code: &'static str, text: impl Into<String>) -> Self {
        Self { code, severity: Severity::Error, text: text.into(), place: None, label: String::new(), hints: Vec::new() }
    }

    /// A warning without a place yet.
    pub fn warning(code: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, ..Self::error(code, text) }
    }

    /// A note without a place yet.
    pub fn note(code: &'static str, text: impl Into<String>) -> Self {
        Self { severity: Severity::Note, ..Self::error(code, text) }
    }

    /// Puts it at a byte range of a source.
    #[must_use]
    pub fn at(mut self, source: &Arc<Source>, range: Range<usize>) -> Self {
        self.place = Some((Arc::clone(source), range));
        self
    }

    /// Says what was expected at the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds a way to mend it.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    /// File, line and column (both from 1), if it has a place.
    pub fn position(&self) -> Option<(&PathBuf, usize, usize)> {
        let (source, range) = self.place.as_ref()?;
        Some(source.position(range.start))
    }
}

/// Everything that was wrong, at once. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostics(pub Vec<Diagnostic>);

impl From<Diagnostic> for Diagnostics {
    fn from(one: Diagnostic) -> Self {
        Self(vec![one])
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, d) in self.0.iter().enumerate() {
            let newline = if i == 0 { "" } else { "\n" };
            match d.position() {
                Some((file, line, column)) => write!(f, "{newline}{}:{line}:{column}: {}", file.display(), d.text)?,
                None => write!(f, "{newline}{}", d.text)?,
            }
        }
        Ok(())
    }
}

impl std::error::Error for Diagnostics {}
