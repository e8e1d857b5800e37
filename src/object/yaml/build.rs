//! Parser events become a value and its spans, node by node, without recursion.

use super::Spans;
use crate::diagnostic::{Diagnostic, Source};
use crate::object::{Map, Value};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Deeper nesting than any manifest's; far below what could exhaust the stack of anything that walks the value.
const DEPTH: usize = 120;
/// How many nodes aliases may add to one document.
const ALIASED_NODES: usize = 100_000;

/// A finished value on its way into its parent.
pub(super) type Node = (Value, Spans);

enum Frame {
    List { items: Vec<Value>, spans: Spans, anchor: usize },
    Map { map: Map, spans: Spans, anchor: usize, pending: Pending },
}

/// What the map waits for.
enum Pending {
    Key,
    Value(String, Range<usize>),
    Merge(Range<usize>),
    /// The key was refused; its value is dropped.
    Nothing,
}

/// What stands in a key's place.
pub(super) enum KeyOr {
    Key(String, Range<usize>),
    Merge(Range<usize>),
    Refused,
}

/// Builds one document.
pub(super) struct Builder {
    source: Arc<Source>,
    frames: Vec<Frame>,
    anchors: BTreeMap<usize, Option<(Node, usize)>>,
    aliased: usize,
    pub(super) root: Option<Node>,
    pub(super) problems: Vec<Diagnostic>,
}

impl Builder {
    pub(super) fn new(source: &Arc<Source>) -> Self {
        Self { source: Arc::clone(source), frames: Vec::new(), anchors: BTreeMap::new(), aliased: 0, root: None, problems: Vec::new() }
    }

    /// Whether the next scalar is a map's key.
    pub(super) fn wants_key(&self) -> bool {
        matches!(self.frames.last(), Some(Frame::Map { pending: Pending::Key, .. }))
    }

    pub(super) fn key(&mut self, key: KeyOr) {
        if let Some(Frame::Map { pending, .. }) = self.frames.last_mut() {
            *pending = match key {
                KeyOr::Key(text, range) => Pending::Value(text, range),
                KeyOr::Merge(range) => Pending::Merge(range),
                KeyOr::Refused => Pending::Nothing,
            };
        }
    }

    /// Opens a list or a map. An error where one cannot stand.
    pub(super) fn open(&mut self, map: bool, range: Range<usize>, anchor: usize) -> Result<(), Diagnostic> {
        if self.wants_key() {
            let what = if map { "map" } else { "list" };
            return Err(Diagnostic::error("yaml-key", format!("a {what} cannot be the key of a map"))
                .at(&self.source, range)
                .label("expected a string")
                .hint("text that starts with `{`, `[` or `{{` needs quotes around it"));
        }
        if self.frames.len() >= DEPTH {
            return Err(too_deep(&self.source, range));
        }
        if anchor > 0 {
            self.anchors.insert(anchor, None);
        }
        let spans = Spans::of(range);
        self.frames.push(if map {
            Frame::Map { map: Map::new(), spans, anchor, pending: Pending::Key }
        } else {
            Frame::List { items: Vec::new(), spans, anchor }
        });
        Ok(())
    }

    /// Closes the innermost list or map.
    pub(super) fn close(&mut self, end: usize) {
        let Some(frame) = self.frames.pop() else { return };
        let (value, mut spans, anchor) = match frame {
            Frame::List { items, spans, anchor } => (Value::Array(items.into()), spans, anchor),
            Frame::Map { map, spans, anchor, .. } => (Value::Object(map), spans, anchor),
        };
        spans.end = spans.end.max(end as u32);
        self.add((value, spans), anchor);
    }

    /// Adds a finished node, and keeps it if it has an anchor.
    pub(super) fn add(&mut self, node: Node, anchor: usize) {
        if anchor > 0 {
            self.keep(anchor, node.clone());
        }
        self.place(node);
    }

    /// Keeps an anchored node, without placing it.
    pub(super) fn keep(&mut self, anchor: usize, node: Node) {
        let size = node.1.count();
        self.anchors.insert(anchor, Some((node, size)));
    }

    /// A copy of an anchored node.
    pub(super) fn alias(&self, id: usize, range: &Range<usize>) -> Result<Node, Diagnostic> {
        match self.anchors.get(&id) {
            Some(Some((node, _))) => Ok(node.clone()),
            _ => Err(Diagnostic::error("yaml-cycle", "an anchor contains itself")
                .at(&self.source, range.clone())
                .label("this alias stands inside the value that it names")),
        }
    }

    /// Counts what an alias adds, before it is copied.
    pub(super) fn count_alias(&mut self, id: usize, range: &Range<usize>) -> Result<(), Diagnostic> {
        if let Some(Some((_, size))) = self.anchors.get(&id) {
            self.aliased += size;
        }
        if self.aliased > ALIASED_NODES {
            return Err(Diagnostic::error("yaml-aliases", format!("aliases make this document more than {ALIASED_NODES} values larger"))
                .at(&self.source, range.clone())
                .label("this alias is one too many")
                .hint("a document that grows like this is usually meant to exhaust memory; write the values out"));
        }
        Ok(())
    }

    fn place(&mut self, node: Node) {
        match self.frames.last_mut() {
            None => self.root = Some(node),
            Some(Frame::List { items, spans, .. }) => {
                items.push(node.0);
                spans.children.push(node.1);
            }
            Some(Frame::Map { map, spans, pending, .. }) => match std::mem::replace(pending, Pending::Key) {
                Pending::Value(key, range) => {
                    if let Some(at) = insert(map, spans, key, (node.0, node.1.with_key(range.clone()))) {
                        let key = self.source.text.get(range.clone()).unwrap_or_default().to_owned();
                        self.problems.push(
                            Diagnostic::error("yaml-duplicate-key", format!("the key `{key}` stands twice in one map"))
                                .at(&self.source, range)
                                .label(format!("first given on line {}", line_of(&self.source.text, at))),
                        );
                    }
                }
                Pending::Merge(range) => {
                    if let Err(()) = merge(map, spans, node) {
                        self.problems.push(
                            Diagnostic::error("yaml-merge", "`<<` merges a map or a list of maps, nothing else").at(&self.source, range),
                        );
                    }
                }
                Pending::Key | Pending::Nothing => {}
            },
        }
    }
}

/// Sets an entry. Where the map's own text gave the key before, the place of that.
fn insert(map: &mut Map, spans: &mut Spans, key: String, (value, mut at): Node) -> Option<usize> {
    if !map.contains_key(&key) {
        map.insert(key.into(), value);
        spans.children.push(at);
        return None;
    }
    let index = map.keys().position(|k| *k == key)?;
    let before = spans.children[index].clone();
    let twice = !before.merged && !at.merged;
    map.insert(key.into(), value);
    at.merged &= before.merged;
    spans.children[index] = at;
    twice.then_some(before.key_start as usize)
}

/// Merges the entries of a map, or of the maps of a list of which the first counts most. As in go-yaml v2 the merge key stands
/// where it stands: what comes after it wins, what came before it loses.
fn merge(map: &mut Map, spans: &mut Spans, (value, at): Node) -> Result<(), ()> {
    let maps = match value {
        Value::Object(_) => vec![(value, at)],
        Value::Array(items) => items.into_iter().zip(at.children).rev().collect(),
        _ => return Err(()),
    };
    for (value, at) in maps {
        let Value::Object(entries) = value else { return Err(()) };
        for ((key, value), mut child) in entries.into_iter().zip(at.children) {
            child.merged = true;
            insert(map, spans, key.into(), (value, child));
        }
    }
    Ok(())
}

/// The error for a list or map that stands too deep.
pub(super) fn too_deep(source: &Arc<Source>, range: Range<usize>) -> Diagnostic {
    Diagnostic::error("yaml-depth", format!("nested deeper than {DEPTH} levels")).at(source, range).label("this level is one too many")
}

fn line_of(text: &str, at: usize) -> usize {
    text.get(..at).map_or(1, |before| before.matches('\n').count() + 1)
}
