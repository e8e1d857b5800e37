//! YAML and JSON manifests, read and written so that kubectl sees the same values.
//!
//! Text becomes [`Document`]s: a value in the API's JSON form, and the byte range of each of its parts so that a diagnostic can
//! point into the text. Nothing else reads or writes a manifest's YAML. Follows `sigs.k8s.io/yaml` over go-yaml v2, which is what
//! kubectl and the API server use.

mod build;
mod json;
mod load;
mod scalar;
mod write;

pub use load::{load, load_bytes};
pub use scalar::number;
pub use write::{append, to_documents, to_yaml};

use super::Value;
use crate::diagnostic::{Diagnostic, Source};
use std::ops::Range;
use std::sync::Arc;

/// One document of a text.
#[derive(Clone, Debug)]
pub struct Document {
    /// What it says.
    pub value: Value,
    /// Where its parts stand.
    pub spans: Spans,
    /// The text it stands in.
    pub source: Arc<Source>,
    /// What is legal and likely not meant.
    pub warnings: Vec<Diagnostic>,
}

/// The byte ranges of a value and its parts. Has the shape of the value: one child for each list item or map entry, in order;
/// no children below a document that was read as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Spans {
    start: u32,
    end: u32,
    key_start: u32,
    key_end: u32,
    /// Whether the entry came from a merge key (`<<`).
    merged: bool,
    children: Vec<Spans>,
}

/// One step on the way to a part of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step<'a> {
    /// Into a map.
    Key(&'a str),
    /// Into a list.
    Index(usize),
}

impl Spans {
    /// Of a text range, without parts.
    pub(super) fn of(range: Range<usize>) -> Self {
        Self { start: range.start as u32, end: range.end as u32, ..Self::default() }
    }

    /// Where the value stands.
    pub fn range(&self) -> Range<usize> {
        self.start as usize..self.end as usize
    }

    /// Where the key of a map entry stands; empty for anything else.
    pub fn key_range(&self) -> Range<usize> {
        self.key_start as usize..self.key_end as usize
    }

    /// The parts, in the order of the value's items or entries.
    pub fn children(&self) -> &[Spans] {
        &self.children
    }

    /// The entry's key, or the value itself where there is none: what to underline when the whole value is meant.
    pub fn head(&self) -> Range<usize> {
        if self.key_end > self.key_start { self.key_range() } else { self.range() }
    }

    fn count(&self) -> usize {
        1 + self.children.iter().map(Spans::count).sum::<usize>()
    }

    fn with_key(mut self, key: Range<usize>) -> Self {
        self.key_start = key.start as u32;
        self.key_end = key.end as u32;
        self
    }
}

impl Document {
    /// What to underline for the part at a path: the scalar, or the key of a map or list. Where the path leaves the document,
    /// the nearest part above it.
    pub fn place(&self, path: &[Step<'_>]) -> Range<usize> {
        let spans = self.spans_at(path);
        if spans.children.is_empty() && spans.end > spans.start { spans.range() } else { spans.head() }
    }

    /// The spans of the part at a path, or of the nearest part above it.
    pub fn spans_at(&self, path: &[Step<'_>]) -> &Spans {
        let (mut value, mut spans) = (&self.value, &self.spans);
        for step in path {
            let next = match (step, value) {
                (Step::Key(key), Value::Object(map)) => map.iter().position(|(k, _)| k == key).zip(map.get(key)),
                (Step::Index(index), Value::Array(list)) => list.get(*index).map(|v| (*index, v)),
                _ => None,
            };
            match next.and_then(|(index, v)| spans.children.get(index).map(|s| (v, s))) {
                Some((v, s)) => (value, spans) = (v, s),
                None => break,
            }
        }
        spans
    }
}
