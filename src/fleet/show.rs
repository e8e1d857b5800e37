//! A fleet with its environment, and everything that agents inherit, as a list of keys, values and the places they come from.

use super::environment::with_environment;
use super::inherit::{Heir, Inheritance, report_idle};
use super::layer::{Tree, removes};
use super::read::Reader;
use super::{Asked, parts, secret_scan};
use crate::diagnostic::{Diagnostics, Source};
use std::path::PathBuf;
use std::sync::Arc;
use toml::de::DeValue;

/// A value that a fleet comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shown {
    /// The keys that lead to it, as TOML writes them: `agents.ceo.replicas`.
    pub key: String,
    /// The value as TOML.
    pub value: String,
    /// The file that gives it.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
}

/// Every value below a key (`agents.ceo`), or all of them: agents with what they inherit, without the layers that gave it.
///
/// # Errors
/// What cannot be laid: text that is no TOML, files that are not there, no such environment.
pub fn values(source: Arc<Source>, asked: &Asked<'_>, below: &str) -> Result<Vec<Shown>, Diagnostics> {
    let written = parts::with_included(source, asked.files).map_err(Diagnostics)?;
    let source = without_secrets(written, asked)?;
    let whole = parts::parse(&source).map_err(Diagnostics)?;
    let mut reader = Reader::new(&source, asked.variables);
    let mut listing = Listing { lines: Lines::of(&source), below, out: Vec::new() };
    if let Some(mut whole) = with_environment(whole, asked.environment, &mut reader) {
        let heirs = Inheritance::of(&mut whole, &mut reader);
        report_idle(&whole, &mut reader);
        drop(parts::take(&mut whole, parts::INCLUDE));
        listing.add("", &whole);
        for org in &heirs.orgs {
            listing.add(&format!("orgs.{}", bare(&org.name)), &org.rest);
        }
        heirs.each(&mut reader, |Heir { name, org, tree }, _| {
            let of = org.and_then(|place| heirs.orgs.get(place)).map_or_else(String::new, |o| format!("orgs.{}.", bare(&o.name)));
            listing.add(&format!("{of}agents.{}", bare(name)), &tree);
        });
    }
    let out = listing.out;
    let problems = reader.problems();
    if problems.is_empty() { Ok(out) } else { Err(Diagnostics(problems)) }
}

/// The text with what looks like a secret struck out: it is shown nowhere.
fn without_secrets(source: Arc<Source>, asked: &Asked<'_>) -> Result<Arc<Source>, Diagnostics> {
    let whole = parts::parse(&source).map_err(Diagnostics)?;
    let mut reader = Reader::new(&source, asked.variables);
    secret_scan::prepare(&whole, &mut reader);
    Ok(reader.hidden.take().unwrap_or_else(|| Arc::clone(&source)))
}

struct Listing<'l> {
    lines: Lines<'l>,
    below: &'l str,
    out: Vec<Shown>,
}

impl Listing<'_> {
    fn add(&mut self, key: &str, tree: &Tree<'_>) {
        let value = tree.get_ref();
        if removes(value) {
            return;
        }
        match value.as_table() {
            Some(table) if !table.is_empty() || key.is_empty() => {
                let mut entries: Vec<_> = table.iter().collect();
                entries.sort_by_key(|(name, _)| name.span().start);
                for (name, value) in entries {
                    let name = bare(name.get_ref());
                    self.add(&if key.is_empty() { name } else { format!("{key}.{name}") }, value);
                }
            }
            _ => {
                let inside =
                    key.strip_prefix(self.below).is_some_and(|rest| self.below.is_empty() || rest.is_empty() || rest.starts_with('.'));
                if inside {
                    let (file, line) = self.lines.of_byte(tree.span().start);
                    self.out.push(Shown { key: key.to_owned(), value: toml_text(value), file, line });
                }
            }
        }
    }
}

/// A key as TOML writes it.
fn bare(key: &str) -> String {
    let plain = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if plain { key.to_owned() } else { toml::Value::from(key).to_string() }
}

/// A value as TOML, on one line.
fn toml_text(value: &DeValue<'_>) -> String {
    match value {
        DeValue::String(text) => toml_string(text),
        DeValue::Integer(number) => match number.radix() {
            16 => format!("0x{}", number.as_str()),
            8 => format!("0o{}", number.as_str()),
            2 => format!("0b{}", number.as_str()),
            _ => number.as_str().to_owned(),
        },
        DeValue::Float(number) => number.as_str().to_owned(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(time) => time.to_string(),
        DeValue::Array(list) => format!("[{}]", list.iter().map(|v| toml_text(v.get_ref())).collect::<Vec<_>>().join(", ")),
        DeValue::Table(table) if table.is_empty() => "{}".into(),
        DeValue::Table(table) => {
            let entries = table.iter().map(|(k, v)| format!("{} = {}", bare(k.get_ref()), toml_text(v.get_ref())));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
    }
}

/// A string between quotes, on one line whatever is in it.
fn toml_string(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            '\r' => out.push_str("\\r"),
            c if c.is_control() => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Where the lines of a source start, so that each of many places is found quickly.
struct Lines<'s> {
    source: &'s Source,
    starts: Vec<usize>,
}

impl<'s> Lines<'s> {
    fn of(source: &'s Source) -> Self {
        let starts = std::iter::once(0).chain(source.text.match_indices('\n').map(|(at, _)| at + 1)).collect();
        Self { source, starts }
    }

    fn of_byte(&self, byte: usize) -> (PathBuf, usize) {
        let (file, range) = self.source.file_at(byte);
        let line = |at: usize| self.starts.partition_point(|start| *start <= at);
        (file.clone(), line(byte) - line(range.start) + 1)
    }
}
