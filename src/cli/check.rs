//! `rollcast plan` and `rollcast check`: the pipeline on the state, judged.

use super::args::{PaceName, Plan, ReportFormat, ReportTo};
use super::assemble::{self, Parts};
use super::console::{self, Console, Failure};
use super::{CLEAN, FOUND, inputs, manifests, owners};
use crate::diagnostic::Diagnostic;
use crate::report::style::Dress;
use crate::report::{Report, Subject, github, html, json, junit, markdown, sarif, text};
use crate::simulate::pipeline::{self, Pace};
use crate::{cluster, lint, roll};

/// Plans; with `gate` exits 1 over budget or if anything is unknown.
pub(super) fn run(options: &Plan, gate: bool, console: &mut Console) -> Result<u8, Failure> {
    manifests::check_standard_input(&options.applied.files, &options.applied.state)?;
    each_report_has_its_place(&options.report)?;
    let applied = &options.applied;
    let early = inputs::EarlyRead::begin(&applied.state);
    let mut work = match &options.rollback {
        Some(revision) => super::base::work(revision, &applied.fleet, &applied.files, applied.applier, console)?,
        None => inputs::work(&applied.fleet, &applied.files, applied.applier, console)?,
    };
    let state = inputs::state((&applied.state, early), &mut work, &applied.fleet, applied.namespace.as_deref())?;
    inputs::remarks(&state, &work, console);
    let mut prepared = inputs::cluster(
        &state,
        &work,
        options.applied.kubernetes.as_deref(),
        (options.timing.restart, options.timing.stop),
        &options.applied.state,
    )?;
    prepared.cluster.trusted.extend(options.applied.trust_webhook.iter().cloned());
    let pace = if options.pace == PaceName::Settle { Pace::Settle } else { Pace::Script };
    let open = owners::steps(&state, &work.steps);
    if let Some((forced, _)) = &open {
        work.steps.clone_from(forced);
    }
    let session = inputs::session(&work);
    let plan = pipeline::Plan { steps: &work.steps, manifests: &work.manifests, files: &work.files, pace, session };
    let (run, other) = owners::run_both(&prepared.cluster, &plan, open.map(|(_, manager)| manager));
    let mut judged = roll::judge(&run);
    inputs::doubt(&mut judged, &state);
    if let Some(other) = other {
        owners::doubt(&mut judged, &other);
    }
    let merged = roll::merged(&prepared.cluster, &plan, &run, &judged);
    // A rule that cannot be read is a mistake of the fleet file, whether this command needs it or not.
    inputs::rules(&work)?;
    let rules = work.fleet.as_ref().map(|f| f.fleet.image_settings.tags.clone()).unwrap_or_default();
    let mut findings = lint::findings(&work.manifests, &run, &judged, &rules);
    findings.extend(prepared.stands_in);
    // A last resort is never silent, in no report; nor is a step for a workload that is not there.
    let notes = work.fleet.iter().flat_map(|f| f.notes.iter().chain(&f.fleet.notes));
    findings.extend(notes.filter(|note| ["image-last-resort", "fleet-workload"].contains(&note.code)).cloned());
    if state.kinds.is_some() {
        findings.extend(lint::references(&run, &|group, kind, namespace| state.unknown(group, kind, namespace).is_some()));
    }
    let kubernetes = prepared.cluster.schema.version().to_string();
    let mut report = assemble::report(&Parts {
        subject: Subject { name: work.name.clone(), state: state.source.clone(), kubernetes },
        run: &run,
        judged: &judged,
        budgets: &work.budgets,
        merged: merged.as_ref(),
        assumptions: prepared.assumptions,
        findings: &findings,
    });
    if let Some(pinned) = &work.fleet {
        assemble::place(&mut report, &pinned.fleet);
        if pinned.fleet.tells_dimensions || options.rollback.is_some() {
            report.dimensions = assemble::dimensions(&roll::dimensions::by_dimension(&run, &judged, &pinned.fleet.dimensions));
        }
    }
    console::read_or_not(write(&report, &options.report, console))?;
    // The process ends here: to take thousands of objects apart value by value would be a tenth of its work.
    std::mem::forget((run, merged, prepared.cluster, state));
    Ok(if gate && report.fails() { FOUND } else { CLEAN })
}

/// Writes the reports that were asked for; the one for people to standard output if none was.
pub(super) fn write(report: &Report, asked: &[ReportTo], console: &mut Console) -> Result<(), Failure> {
    if asked.is_empty() {
        return console.print(&text::write(report, console.dress));
    }
    // Files first: a report that cannot be written is told before anything is printed.
    let (files, printed): (Vec<_>, Vec<_>) = asked.iter().partition(|to| to.path.is_some());
    for to in files.into_iter().chain(printed) {
        let dress = if to.path.is_none() { console.dress } else { Dress::Plain };
        let text = match to.format {
            ReportFormat::Text => text::write(report, dress),
            ReportFormat::Json => json::write(report),
            ReportFormat::Markdown => markdown::write(report),
            ReportFormat::Html => html::write(report),
            ReportFormat::Sarif => sarif::write(report, &|code| lint::codes::find(code).map(|c| (c.title, c.fix))),
            ReportFormat::Junit => junit::write(report),
            ReportFormat::Github => github::write(report),
        };
        match &to.path {
            None => console.print(&text)?,
            Some(path) => cluster::write_file(path, text.as_bytes())
                .map_err(|e| Diagnostic::error("cannot-write", format!("cannot write `{}`: {e}", path.display())))?,
        }
    }
    Ok(())
}

/// Two reports on one stream could not be told apart, and of two in one file the second would be all there is.
pub(super) fn each_report_has_its_place(asked: &[ReportTo]) -> Result<(), Diagnostic> {
    for (n, to) in asked.iter().enumerate() {
        if let Some(path) = to.path.as_ref().filter(|_| asked[..n].iter().any(|other| other.path == to.path)) {
            let error = Diagnostic::error("two-reports", format!("two reports would go to `{}`", path.display()));
            return Err(error.hint("give each a file of its own"));
        }
    }
    if asked.iter().filter(|to| to.path.is_none()).count() < 2 {
        return Ok(());
    }
    Err(Diagnostic::error("two-reports", "two reports would go to standard output").hint("give all but one a file: `--report json=FILE`"))
}
