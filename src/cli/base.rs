//! `--base REV`: the state as if a git revision's manifests had been applied.

use super::args::{ApplierName, FleetFile};
use super::console::{Console, Failure, environment};
use super::images::lock;
use super::inputs::{self, Work};
use crate::cluster::{State, base, documents};
use crate::diagnostic::{Diagnostic, Diagnostics, Severity, Source};
use crate::fleet::pipeline::{Action, Step};
use crate::fleet::{Asked, Files};
use crate::images::PinnedFleet;
use crate::object::Value;
use crate::render::{self, Templates};
use crate::simulate::Cluster;
use crate::simulate::clock::Clock;
use crate::simulate::pipeline::{Ended, Pace, Plan, run};
use crate::{fleet, images};
use jiff::Timestamp;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What was applied is applied to an empty cluster, by the applier given, at a time; the rest of the cluster is not known. A plan
/// takes the same time always, so that it comes out the same; clients that ask for ages expect theirs.
pub(super) fn state(revision: &str, options: &FleetFile, work: &Work, at: Timestamp) -> Result<State, Failure> {
    let (manifests, commit) = if work.fleet.is_some() {
        let then = of_fleet(revision, options)?;
        (then.manifests, then.commit)
    } else {
        of_files(revision, &work.given)?
    };
    let short = commit.get(..9).unwrap_or(&commit);
    let source = format!("revision {revision} ({short}), as if it had been applied");
    applied(&manifests, revision, source, work, at)
}

/// `--rollback REV`: what is deployed when a git revision is deployed again, with its own manifests and its own pipeline.
pub(super) fn work(
    revision: &str,
    options: &FleetFile,
    files: &[PathBuf],
    applier: ApplierName,
    console: &mut Console,
) -> Result<Work, Failure> {
    if !files.is_empty() {
        let (manifests, commit) = of_files(revision, files)?;
        let now = inputs::work(options, files, applier, console)?;
        return Ok(Work { name: rollback(&now.name, revision, &commit), manifests, ..now });
    }
    let then = of_fleet(revision, options)?;
    let read = |file: &Path| {
        let shown = PathBuf::from(format!("{revision}:{}", file.display()));
        let path = file.strip_prefix(".").unwrap_or(file);
        let found = then.files.iter().filter(|(p, _)| p.strip_prefix(".").unwrap_or(p).starts_with(path));
        let mut objects = Vec::new();
        for (_, bytes) in found {
            objects.extend(documents::read_documents(bytes.as_slice(), &shown, crate::cluster::SNAPSHOT_LIMIT)?.objects);
        }
        Ok(objects)
    };
    let work = inputs::work_of(then.fleet, then.manifests, applier, &read)?;
    Ok(Work { name: rollback(&work.name, revision, &then.commit), ..work })
}

fn rollback(name: &str, revision: &str, commit: &str) -> String {
    format!("rollback of {name} to {revision} ({})", commit.get(..9).unwrap_or(commit))
}

/// A fleet as it was in a git revision.
struct Then {
    fleet: PinnedFleet,
    manifests: Vec<Value>,
    commit: String,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

/// Manifests given as a snapshot: no server has stored them, so they are taken as if they had been applied.
pub(super) fn as_applied(read: State, work: &Work, at: Timestamp) -> Result<State, Failure> {
    let manifests: Vec<Value> = read.objects.iter().map(|o| (**o).clone()).collect();
    let state = applied(&manifests, &read.source, format!("{}, as if it had been applied", read.source), work, at)?;
    let text = format!("{} holds manifests that no server has stored; they are taken as if they had been applied", read.source);
    let note = Diagnostic { severity: Severity::Note, ..Diagnostic::error("snapshot-of-manifests", text) };
    Ok(State { notes: vec![note], version: read.version.or(state.version.clone()), ..state })
}

fn applied(manifests: &[Value], named: &str, source: String, work: &Work, at: Timestamp) -> Result<State, Failure> {
    let version = work.fleet.as_ref().and_then(|f| f.fleet.kubernetes.as_ref()).map(|k| k.value.clone());
    let mut cluster = Cluster::new(inputs::version(version.as_deref(), &mut Vec::new())?, Clock::new(at));
    cluster.assume_namespaces(manifests, &work.namespace, false);
    // Whoever applied them had the definitions of their kinds.
    cluster.assume_kinds(manifests);
    cluster.load_system_namespaces();
    let action = Action::Apply { applier: inputs::as_applier(work.applier), files: Vec::new() };
    let steps = [Step { name: "base".into(), action, continues: true }];
    let none = BTreeMap::new();
    let plan = Plan { steps: &steps, manifests, files: &none, pace: Pace::Settle, session: inputs::session(work) };
    let applied = run(cluster, &plan);
    if let Some(step) = applied.steps.iter().find(|s| s.ended == Ended::Failed) {
        let refused = step.performed.iter().filter(|p| p.outcome.is_failure());
        let wrong =
            refused.map(|p| Diagnostic::error("base-refused", format!("{named}: {} could not be applied: {}", p.object, p.outcome)));
        return Err(Failure::Wrong(Diagnostics(wrong.collect())));
    }
    // Namespaces that were taken to exist are for the next pipeline to assume again, with those that it needs.
    let made = applied.cluster.store.iter().map(|(_, object)| object).filter(|o| !crate::simulate::is_assumed(o));
    let objects = made.map(Arc::clone).collect();
    Ok(State { version, source, objects, ..State::default() })
}

fn of_fleet(revision: &str, options: &FleetFile) -> Result<Then, Failure> {
    let directory = options.fleet.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let name = PathBuf::from(options.fleet.file_name().unwrap_or(options.fleet.as_os_str()));
    // The whole folder: `config` may name any file below it.
    let found = base::read_revision(directory, revision, &[PathBuf::from(".")])?;
    let file = |path: &Path| found.files.iter().find(|(p, _)| p.strip_prefix(".").unwrap_or(p) == path).map(|(_, bytes)| bytes.clone());
    let bytes = file(&name).ok_or_else(|| {
        Diagnostic::error("base-without-fleet", format!("revision `{revision}` has no {}", name.display()))
            .hint("give the manifests with `-f`")
    })?;
    let shown = |path: &Path| PathBuf::from(format!("{revision}:{}", path.display()));
    let (variables, files) = (environment(), InRevision { revision, files: &found.files });
    let asked = Asked { variables: &variables, environment: options.environment.as_deref(), files: &files };
    let fleet = fleet::load_as(Source::read(shown(&name), bytes)?, &asked)?;
    let mut templates = Templates::default();
    for (path, bytes) in &found.files {
        let path = path.strip_prefix(".").unwrap_or(path);
        let own = path.parent() == Some(Path::new("templates")) && path.extension().is_some_and(|e| e == "yaml" || e == "yml");
        if let Some(name) = path.file_name().and_then(|n| n.to_str()).filter(|_| own) {
            templates.add(name, Source::read(shown(path), bytes.clone())?);
        }
    }
    let lock_file = lock::file(&options.fleet);
    let name = lock_file.file_name().map(PathBuf::from).unwrap_or_default();
    let lock = file(&name).map(|bytes| Source::read(shown(&name), bytes)).transpose()?;
    let lock = lock.map(|source| images::read_lock(&source)).transpose()?;
    let mut pinned = images::pin(fleet, &lock::supply(lock.as_ref()))?;
    if options.locked {
        pinned = lock::apply(pinned, lock, &shown(&name))?;
    }
    let manifests = render::render(&pinned, &templates)?.into_iter().map(|m| m.value).collect();
    Ok(Then { fleet: pinned, manifests, commit: found.commit, files: found.files })
}

/// The files of a git revision.
struct InRevision<'r> {
    revision: &'r str,
    files: &'r BTreeMap<PathBuf, Vec<u8>>,
}

impl Files for InRevision<'_> {
    fn read(&self, path: &str) -> Result<String, String> {
        let found = self.files.iter().find(|(p, _)| p.strip_prefix(".").unwrap_or(p) == Path::new(path));
        let (_, bytes) = found.ok_or_else(|| format!("revision `{}` has no such file", self.revision))?;
        String::from_utf8(bytes.clone()).map_err(|_| "not UTF-8".to_owned())
    }

    fn list(&self, directory: &str) -> Result<Vec<String>, String> {
        if self.files.keys().any(|p| p.strip_prefix(".").unwrap_or(p) == Path::new(directory)) {
            return Err("it is a file".to_owned());
        }
        let below = self.files.keys().filter_map(|p| p.strip_prefix(".").unwrap_or(p).strip_prefix(directory).ok());
        let names: BTreeSet<String> = below.filter_map(|p| Some(p.iter().next()?.to_string_lossy().into_owned())).collect();
        Ok(names.into_iter().collect())
    }
}

fn of_files(revision: &str, files: &[PathBuf]) -> Result<(Vec<Value>, String), Failure> {
    if files.iter().any(|f| f.as_os_str() == "-") {
        return Err(Diagnostic::error("base-of-stdin", "standard input has no revision")
            .hint("give files or directories with `-f`")
            .into());
    }
    let found = base::read_revision(Path::new("."), revision, files)?;
    let mut manifests = Vec::new();
    for (path, bytes) in &found.files {
        if path.extension().is_some_and(|e| e == "yaml" || e == "yml" || e == "json") {
            let shown = PathBuf::from(format!("{revision}:{}", path.display()));
            manifests.extend(documents::read_documents(bytes.as_slice(), &shown, crate::cluster::SNAPSHOT_LIMIT)?.objects);
        }
    }
    Ok((manifests, found.commit))
}
