//! Files, directories and standard input become the manifests that `-f` and the steps of a pipeline name.

use super::args::StateFrom;
use super::console::Failure;
use crate::cluster::SNAPSHOT_LIMIT;
use crate::cluster::documents::{Documents, read_documents, too_large};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::object::{Gvk, ObjectId, Value, text};
use crate::schema::Schema;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// The objects of files, directories (every .yaml, .yml and .json below them) and standard input; no two of one name.
pub(super) fn read(files: &[PathBuf]) -> Result<Vec<Value>, Failure> {
    let (mut all, mut counts) = (Vec::new(), Vec::new());
    for path in files {
        let named = if path.as_os_str() == "-" { vec![path.clone()] } else { below(path)? };
        let documents = if path.as_os_str() == "-" {
            vec![read_documents(std::io::stdin().lock(), path, SNAPSHOT_LIMIT).map_err(from_pipe)?]
        } else {
            let read = |file: &PathBuf| match read_file(file) {
                // An empty file in a directory is nothing to apply, as for kubectl.
                Err(Failure::Wrong(wrong)) if path.is_dir() && wrong.0.iter().all(|d| d.code == "input-empty") => Ok(Documents::default()),
                read => read,
            };
            named.iter().map(read).collect::<Result<_, _>>()?
        };
        for (file, documents) in named.into_iter().zip(documents) {
            counts.push((file, documents.objects.len()));
            all.extend(documents.objects);
        }
    }
    check(&all, &counts, files.iter().any(|f| f.is_dir()))?;
    Ok(all)
}

/// Standard input can be read once.
pub(super) fn check_standard_input(files: &[PathBuf], state: &StateFrom) -> Result<(), Diagnostic> {
    let named = files.iter().filter(|f| f.as_os_str() == "-").map(|_| "`-f -`");
    let named: Vec<&str> = named.chain(state.from.iter().filter(|f| f.as_os_str() == "-").map(|_| "`--from -`")).collect();
    if named.len() < 2 {
        return Ok(());
    }
    let error = Diagnostic::error("standard-input-twice", format!("standard input is asked for twice: {}", named.join(" and ")));
    Err(error.hint("it can be read once: put the other into a file"))
}

/// Refuses kinds that Kubernetes itself would have to serve and does not.
pub(super) fn check_kinds(manifests: &[Value], schema: &Schema) -> Result<(), Diagnostics> {
    let mut told = BTreeSet::new();
    let mut wrong = Vec::new();
    for manifest in manifests {
        let gvk = Gvk::of(manifest);
        if let Some(strange) = schema.not_served(&gvk).filter(|_| told.insert((gvk.api_version(), gvk.kind.clone()))) {
            let error = Diagnostic::error("manifest-unknown-kind", format!("{}: {}", ObjectId::of(manifest), strange.text));
            wrong.push(match strange.instead {
                Some(instead) => error.hint(instead),
                None => error,
            });
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Diagnostics(wrong)) }
}

/// An empty pipe is a command before it that failed.
fn from_pipe(wrong: Diagnostics) -> Diagnostics {
    let empty = |d: Diagnostic| if d.code == "input-empty" { d.hint("did the command before the pipe fail?") } else { d };
    Diagnostics(wrong.0.into_iter().map(empty).collect())
}

fn read_file(file: &Path) -> Result<Documents, Failure> {
    let input = fs::File::open(file).map_err(|e| unreadable(file, &e))?;
    if input.metadata().is_ok_and(|about| about.len() > SNAPSHOT_LIMIT) {
        return Err(too_large(file, SNAPSHOT_LIMIT, false).into());
    }
    Ok(read_documents(input, file, SNAPSHOT_LIMIT)?)
}

fn called(file: &Path) -> String {
    if file.as_os_str() == "-" { "standard input".into() } else { format!("`{}`", file.display()) }
}

fn unreadable(path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error("manifest-unreadable", format!("cannot read `{}`: {error}", path.display()))
}

fn below(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut files = Vec::new();
    for entry in fs::read_dir(path).map_err(|e| unreadable(path, &e))? {
        let entry = entry.map_err(|e| unreadable(path, &e))?.path();
        if entry.is_dir() {
            files.extend(below(&entry)?);
        } else if entry.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "json") {
            files.push(entry);
        }
    }
    files.sort();
    Ok(files)
}

/// Refuses an object that is given twice, and nothing at all. `counts` says how many manifests each file holds.
fn check(manifests: &[Value], counts: &[(PathBuf, usize)], directories: bool) -> Result<(), Diagnostics> {
    let mut wrong = Vec::new();
    let mut seen: BTreeMap<ObjectId, &Path> = BTreeMap::new();
    let files = counts.iter().flat_map(|(file, count)| std::iter::repeat_n(file.as_path(), *count));
    for (manifest, file) in manifests.iter().zip(files) {
        let id = ObjectId::of(manifest);
        // Each object with a `generateName` is another one.
        let named = !text(manifest, &["metadata", "name"]).is_empty();
        if !named {
            continue;
        }
        if let Some(first) = seen.get(&id) {
            let place = if *first == file { called(file) } else { format!("{} and in {}", called(first), called(file)) };
            let error = Diagnostic::error("manifest-twice", format!("{id} is given twice, in {place}"));
            wrong.push(error.hint("the second would overwrite the first: remove one"));
        } else {
            seen.insert(id, file);
        }
    }
    if manifests.is_empty() {
        let error = Diagnostic::error("no-manifests", "there is no manifest in what was given");
        wrong.push(if directories { error.hint("in a directory, files that end in .yaml, .yml or .json are read") } else { error });
    }
    if wrong.is_empty() { Ok(()) } else { Err(Diagnostics(wrong)) }
}
