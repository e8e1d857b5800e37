//! A fleet file and the files that it includes become one text and one table: what stands in either stands in the fleet.

use super::layer::Tree;
use crate::diagnostic::{Diagnostic, Source};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::io::Read;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// The key that names further files.
pub(super) const INCLUDE: &str = "include";

/// The files beside a fleet file: on a disk, or in a git revision.
pub trait Files {
    /// The text of a file, by its path from the directory of the fleet file.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn read(&self, path: &str) -> Result<String, String>;

    /// The names of what stands in a directory, given as [`Files::read`] takes them; the empty path is the fleet file's own.
    ///
    /// # Errors
    /// Why it cannot be read.
    fn list(&self, directory: &str) -> Result<Vec<String>, String>;
}

/// How many bytes of a file are read.
const LARGEST: u64 = 16 << 20;

/// Files on the disk, below a directory.
pub struct OnDisk(pub PathBuf);

impl Files for OnDisk {
    fn read(&self, path: &str) -> Result<String, String> {
        let mut text = String::new();
        let file = std::fs::File::open(self.0.join(path)).map_err(|e| e.to_string())?;
        file.take(LARGEST + 1).read_to_string(&mut text).map_err(|e| e.to_string())?;
        if text.len() as u64 > LARGEST { Err(format!("larger than the limit of {} MiB", LARGEST >> 20)) } else { Ok(text) }
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, String> {
        let at = self.0.join(directory);
        let at = if at.as_os_str().is_empty() { Path::new(".") } else { &at };
        let entries = std::fs::read_dir(at).map_err(|e| e.to_string())?;
        entries.map(|e| e.map(|e| e.file_name().to_string_lossy().into_owned()).map_err(|e| e.to_string())).collect()
    }
}

/// The source with the files that its `include` names behind it.
pub(super) fn with_included(source: Arc<Source>, files: &dyn Files) -> Result<Arc<Source>, Vec<Diagnostic>> {
    let table = parse_part(&source, 0..source.text.len())?;
    let Some(patterns) = table.get_ref().as_table().and_then(|t| t.get(INCLUDE)) else { return Ok(source) };
    let (mut problems, mut paths) = (Vec::new(), BTreeSet::new());
    let wrong = |range: Range<usize>, text: String| Diagnostic::error("fleet-include", text).at(&source, range);
    let Some(list) = patterns.get_ref().as_array() else {
        return Err(vec![wrong(patterns.span(), "`include` is a list of files".into()).label("expected for example [\"orgs/*.toml\"]")]);
    };
    for item in list {
        match item.get_ref().as_str() {
            None => problems.push(wrong(item.span(), "a file is named by a string".into())),
            Some(pattern) => match matching(pattern, files) {
                Ok(found) => paths.extend(found.into_iter().map(|path| (path, item.span().start, item.span().end))),
                Err(why) => problems.push(wrong(item.span(), why).hint("make the file, or take the pattern out of `include`")),
            },
        }
    }
    let (mut texts, mut seen) = (Vec::new(), BTreeSet::new());
    let directory = source.file.parent().unwrap_or(Path::new(""));
    for (path, start, end) in paths {
        // Two patterns may name one file.
        if !seen.insert(path.clone()) || directory.join(&path) == source.file {
            continue;
        }
        match files.read(&path) {
            Ok(text) => texts.push(Source::new(directory.join(&path), text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))),
            Err(why) => problems.push(wrong(start..end, format!("cannot read `{path}`: {why}"))),
        }
    }
    problems.sort_by_key(|d| d.place.as_ref().map(|(_, range)| range.start));
    if problems.is_empty() { Ok(Arc::new(source.including(texts))) } else { Err(problems) }
}

/// The files that a pattern names: `*` stands for any letters of one name.
fn matching(pattern: &str, files: &dyn Files) -> Result<Vec<String>, String> {
    let mut found = vec![String::new()];
    let segments = pattern.split('/').filter(|s| !matches!(*s, "" | "."));
    let mut searched = false;
    for segment in segments {
        let mut next = Vec::new();
        for directory in found {
            let below = |name: &str| if directory.is_empty() { name.to_owned() } else { format!("{directory}/{name}") };
            if !segment.contains('*') && !searched {
                next.push(below(segment));
                continue;
            }
            // A directory that a `*` found may hold nothing of what follows.
            let names = files.list(&directory).or_else(|why| if searched { Ok(Vec::new()) } else { Err(why) });
            let names = names.map_err(|why| format!("cannot read the directory of `{pattern}`: {why}"))?;
            next.extend(names.iter().filter(|n| !n.starts_with('.') && fits(segment, n)).map(|n| below(n)));
        }
        searched |= segment.contains('*');
        found = next;
    }
    if found.is_empty() { Err(format!("no file is named `{pattern}`")) } else { Ok(found) }
}

/// Whether a name fits a pattern with `*`.
fn fits(pattern: &str, name: &str) -> bool {
    match pattern.split_once('*') {
        None => pattern == name,
        Some((start, rest)) => name
            .strip_prefix(start)
            .is_some_and(|tail| (0..=tail.len()).filter(|i| tail.is_char_boundary(*i)).any(|i| fits(rest, &tail[i..]))),
    }
}

/// All parts of a source as one table; every syntax error of them, and every key that two of them give, otherwise.
pub(super) fn parse(source: &Arc<Source>) -> Result<Tree<'_>, Vec<Diagnostic>> {
    let (mut problems, mut start) = (Vec::new(), 0);
    let mut whole = Spanned::new(0..source.text.len(), DeValue::Table(DeTable::new()));
    while start <= source.text.len() {
        let range = source.file_at(start).1;
        let next = range.end + 1;
        match parse_part(source, range) {
            Ok(mut part) => {
                if let (true, DeValue::Table(table)) = (start > 0, part.get_mut())
                    && let Some((key, _)) = table.remove_entry(INCLUDE)
                {
                    problems.push(Diagnostic::error("fleet-include", "an included file includes others").at(source, key.span()));
                }
                join(&mut whole, part, &mut Vec::new(), source, &mut problems);
            }
            Err(wrong) => problems.extend(wrong),
        }
        start = next;
    }
    if problems.is_empty() { Ok(whole) } else { Err(problems) }
}

fn parse_part<'s>(source: &'s Arc<Source>, range: Range<usize>) -> Result<Tree<'s>, Vec<Diagnostic>> {
    let by = range.start;
    let (table, errors) = DeTable::parse_recoverable(source.text.get(range).unwrap_or_default());
    if errors.is_empty() {
        let whole = Spanned::new(table.span(), DeValue::Table(table.into_inner()));
        return Ok(if by == 0 { whole } else { moved(whole, by) });
    }
    let wrong = errors.iter().map(|e| {
        let range = e.span().map_or(by..by, |r| r.start + by..r.end + by);
        let duplicate = e.message().contains("duplicate key");
        let (code, text) = match duplicate {
            true => ("fleet-duplicate-key", format!("the key `{}` stands twice", source.text.get(range.clone()).unwrap_or_default())),
            false => ("fleet-syntax", format!("this is not TOML: {}", e.message().lines().next().unwrap_or_default())),
        };
        Diagnostic::error(code, text).at(source, range)
    });
    Err(wrong.collect())
}

/// With all places so many bytes further behind.
fn moved(tree: Tree<'_>, by: usize) -> Tree<'_> {
    let span = tree.span().start + by..tree.span().end + by;
    let value = match tree.into_inner() {
        DeValue::Array(list) => DeValue::Array(list.into_iter().map(|item| moved(item, by)).collect()),
        DeValue::Table(table) => DeValue::Table(
            table
                .into_iter()
                .map(|(key, value)| {
                    let place = key.span().start + by..key.span().end + by;
                    (Spanned::new(place, key.into_inner()), moved(value, by))
                })
                .collect(),
        ),
        other => other,
    };
    Spanned::new(span, value)
}

/// Puts the keys of one file beside those of another; no key stands in both, but for tables.
fn join<'s>(whole: &mut Tree<'s>, part: Tree<'s>, path: &mut Vec<String>, source: &Arc<Source>, problems: &mut Vec<Diagnostic>) {
    let place = part.span();
    match (whole.get_mut(), part.into_inner()) {
        (DeValue::Table(whole), DeValue::Table(part)) => {
            for (key, value) in part {
                match whole.get_mut(key.get_ref().as_ref() as &str) {
                    Some(own) => {
                        path.push(key.get_ref().to_string());
                        let value = Spanned::new(if value.get_ref().is_table() { value.span() } else { key.span() }, value.into_inner());
                        join(own, value, path, source, problems);
                        path.pop();
                    }
                    None => drop(whole.insert(key, value)),
                }
            }
        }
        _ => {
            let (file, line, _) = source.position(whole.span().start);
            let text = format!("`{}` stands in two files", path.join("."));
            problems.push(
                Diagnostic::error("fleet-duplicate-key", text)
                    .at(source, place)
                    .label(format!("it stands at {}:{line} too", file.display()))
                    .hint("a file that is included adds keys; to replace some, use an environment"),
            );
        }
    }
}

/// The key of a table, if it is there.
pub(super) fn take<'s>(tree: &mut Tree<'s>, key: &str) -> Option<Tree<'s>> {
    match tree.get_mut() {
        DeValue::Table(table) => table.remove(key),
        _ => None,
    }
}

/// A table without keys at a place.
pub(super) fn empty<'s>(place: Range<usize>) -> Tree<'s> {
    Spanned::new(place, DeValue::Table(DeTable::new()))
}

/// A key at a place.
pub(super) fn key<'s>(name: impl Into<Cow<'s, str>>, place: Range<usize>) -> Spanned<Cow<'s, str>> {
    Spanned::new(place, name.into())
}

#[cfg(test)]
mod tests {
    use super::{Files, fits, matching, parse, with_included};
    use crate::diagnostic::{Diagnostics, Source};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    struct Some(BTreeMap<&'static str, &'static str>);

    impl Files for Some {
        fn read(&self, path: &str) -> Result<String, String> {
            self.0.get(path).map(|t| (*t).to_owned()).ok_or_else(|| "not there".into())
        }

        fn list(&self, directory: &str) -> Result<Vec<String>, String> {
            let below = if directory.is_empty() { String::new() } else { format!("{directory}/") };
            Ok(self.0.keys().filter_map(|k| k.strip_prefix(&below)?.split('/').next()).map(str::to_owned).collect())
        }
    }

    #[test]
    fn names_fit_patterns() {
        for (pattern, name, wanted) in
            [("*.toml", "a.toml", true), ("*.toml", "toml", false), ("a*c*e", "abcde", true), ("a", "ab", false), ("*", "", true)]
        {
            assert_eq!(fits(pattern, name), wanted, "{pattern} {name}");
        }
        let files = Some(BTreeMap::from([("orgs/b.toml", ""), ("orgs/a.toml", ""), ("orgs/x.txt", "")]));
        assert_eq!(matching("./orgs/*.toml", &files), Ok(vec!["orgs/a.toml".into(), "orgs/b.toml".into()]));
        assert_eq!(matching("*.toml", &files), Err("no file is named `*.toml`".into()));
    }

    /// A mistake in an included file is shown there, on its own line.
    #[test]
    fn places_say_which_file() {
        let files = Some(BTreeMap::from([("a.toml", "[agents.a]\nx = 1\n"), ("b.toml", "\n[agents.a]\nx = 2\n[agents.b]\n")]));
        let source = Arc::new(Source::new("dir/fleet.toml".into(), "include = [\"*.toml\"]\n[fleet]\n".into()));
        let whole = with_included(source, &files).unwrap();
        let wrong = Diagnostics(parse(&whole).unwrap_err());
        assert_eq!(wrong.to_string(), "dir/b.toml:3:1: `agents.a.x` stands in two files");
        assert_eq!(wrong.0[0].label, "it stands at dir/a.toml:2 too");
        assert!(crate::diagnostic::snippet::render(&wrong.0[0], false).contains("--> dir/b.toml:3:1\n  |\n3 | x = 2\n  | ^ it stands"));
    }
}
