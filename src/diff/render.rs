//! The changes of one object become lines of text, in the style of a diff.

use super::{Action, FieldChange, Folded, ObjectDiff};
use crate::object::Value;
use crate::object::yaml::to_yaml;
use similar::{ChangeTag, TextDiff};

/// Lines around a changed line of a string.
const AROUND: usize = 2;

/// Whether the text may have colours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Text alone.
    Plain,
    /// With ANSI colours.
    Colour,
}

/// What a line says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineKind {
    /// Which object, and what became of it.
    Object,
    /// Which field.
    Field,
    /// What was there.
    Old,
    /// What is there now.
    New,
    /// What stays, around a change.
    Same,
    /// What is not shown.
    Folded,
}

/// One line of text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// What it says.
    pub kind: LineKind,
    /// The text, indented, without colour and line end.
    pub text: String,
}

/// The lines of one object's diff; none for one that is unchanged.
pub fn lines(diff: &ObjectDiff) -> Vec<Line> {
    let mut out = Vec::new();
    if diff.action == Action::Unchanged {
        return out;
    }
    push(&mut out, LineKind::Object, format!("{} {}", diff.id, diff.action));
    for change in diff.changes.iter().filter(|c| c.folded.is_none()) {
        change_lines(change, &mut out);
    }
    let counted = [
        (diff.folded(|f| *f == Folded::Default), "filled in by the server"),
        (diff.folded(|f| *f == Folded::LastApplied), "kubectl's copy of the manifest"),
        (diff.folded(|f| matches!(f, Folded::Rule(_))), "ignored by a rule"),
    ];
    let counted: Vec<String> = counted.iter().filter(|(n, _)| *n > 0).map(|(n, what)| format!("{n} {what}")).collect();
    if !counted.is_empty() {
        push(&mut out, LineKind::Folded, format!("  not shown: {}", counted.join(", ")));
    }
    out
}

/// The lines as text.
pub fn render(diff: &ObjectDiff, style: Style) -> String {
    lines(diff).iter().fold(String::new(), |text, line| match (style, colour(line.kind)) {
        (Style::Colour, Some(code)) => format!("{text}\u{1b}[{code}m{}\u{1b}[0m\n", line.text),
        _ => format!("{text}{}\n", line.text),
    })
}

fn colour(kind: LineKind) -> Option<u8> {
    match kind {
        LineKind::Object => Some(1),
        LineKind::Old => Some(31),
        LineKind::New => Some(32),
        LineKind::Folded => Some(2),
        LineKind::Field | LineKind::Same => None,
    }
}

fn push(out: &mut Vec<Line>, kind: LineKind, text: String) {
    out.push(Line { kind, text });
}

fn change_lines(change: &FieldChange, out: &mut Vec<Line>) {
    // A whole object needs no path, and stands where one would.
    let indent = if change.path.is_empty() { "  " } else { "    " };
    if !change.path.is_empty() {
        let order = if change.order { " (order)" } else { "" };
        push(out, LineKind::Field, format!("  {}{order}", change.path));
    }
    if let (Some(Value::String(old)), Some(Value::String(new))) = (&change.old, &change.new)
        && (old.contains('\n') || new.contains('\n'))
    {
        return text_lines(old, new, indent, out);
    }
    for (kind, sign, value) in [(LineKind::Old, '-', &change.old), (LineKind::New, '+', &change.new)] {
        for line in value.iter().flat_map(shown) {
            push(out, kind, format!("{indent}{sign} {line}"));
        }
    }
}

fn shown(value: &Value) -> Vec<String> {
    to_yaml(value).lines().map(str::to_owned).collect()
}

fn text_lines(old: &str, new: &str, indent: &str, out: &mut Vec<Line>) {
    let diff = TextDiff::from_lines(old, new);
    for (number, group) in diff.grouped_ops(AROUND).iter().enumerate() {
        if number > 0 {
            push(out, LineKind::Same, format!("{indent}  …"));
        }
        for change in group.iter().flat_map(|op| diff.iter_changes(op)) {
            let (kind, sign) = match change.tag() {
                ChangeTag::Delete => (LineKind::Old, '-'),
                ChangeTag::Insert => (LineKind::New, '+'),
                ChangeTag::Equal => (LineKind::Same, ' '),
            };
            let text = change.value().trim_end_matches(['\n', '\r']);
            let end = if change.missing_newline() { " (no line end)" } else { "" };
            push(out, kind, format!("{indent}{sign} {text}{end}").trim_end().to_owned());
        }
    }
}
