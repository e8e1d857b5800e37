//! `rollcast rehearse`: a deploy script, unmodified, on a shadow; what it did is judged as a declared pipeline is.

mod clusters;
mod environment;
mod expect;
#[cfg(target_os = "linux")]
mod isolate;
mod kubeconfig;
#[cfg(not(target_os = "linux"))]
mod not_isolated;
mod not_started;
mod process;
mod stubs;

pub(crate) use expect::{expected_rolls, expected_writes};
pub(crate) use isolate::become_command;

#[cfg(not(target_os = "linux"))]
use not_isolated as isolate;

use super::args::{FleetFile, Rehearse};
use super::assemble::{self, Parts};
use super::console::{self, Console, Failure};
use super::inputs::{self, Work};
use super::start::{self, Behaviour};
use super::{CLEAN, ERROR, FOUND, check};
use crate::cluster::{self, Names};
use crate::diagnostic::{Diagnostic, Severity};
use crate::fleet::images::TagRules;
use crate::report::{Report, Script, Stub, Subject, text};
use crate::simulate::pipeline::{Ended, Run};
use crate::{lint, roll, shadow};
use clusters::Cluster;
use not_started::not_started;
use std::collections::BTreeSet;
use std::io;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

pub(super) fn run(options: &Rehearse, console: &mut Console) -> Result<u8, Failure> {
    check::each_report_has_its_place(&options.report)?;
    stubs::check(&options.stub, &options.allow)?;
    let names = kubeconfig::complete(cluster::names(&inputs::access(None))?, &clusters::named(options));
    let work = fleet(options, console)?;
    let behaviour = Behaviour {
        kubernetes: options.kubernetes.as_deref(),
        timing: (options.timing.restart, options.timing.stop),
        pods_stay_pending: false,
        pace: options.pace,
        trusted: &options.trust_webhook,
        token: None,
    };
    let clusters = clusters::start(options, &work, &behaviour, console)?;
    let leads = clusters::of_names(&clusters, &names)?;
    let folder = tempfile::Builder::new().prefix("rollcast-").tempdir().map_err(cannot("make a temporary directory"))?;
    let runtime = shadow::threads().map_err(cannot("start threads"))?;
    let ended = runtime.block_on(played(options, &clusters, &leads, &names, folder.path()))?;
    let mut report = report(options, &work, &clusters, &ended, stubs::called(&folder.path().join("stubs")));
    report.assumptions.extend(clusters::left_empty(options, &names));
    if options.report.is_empty() {
        console.remark(text::write(&report, console.complaints).trim_end());
    } else {
        console::read_or_not(check::write(&report, &options.report, console))?;
    }
    let unmet = report.diagnostics.iter().any(|d| d.code == "expectation");
    Ok(match () {
        () if ended.interrupted => ERROR,
        () if ended.code != 0 || unmet || (options.check && report.fails()) => FOUND,
        () => CLEAN,
    })
}

/// Serves the shadows while the command runs. `folder` takes what is made for it.
async fn played(
    options: &Rehearse,
    clusters: &[Cluster],
    leads: &[(String, usize)],
    names: &Names,
    folder: &Path,
) -> Result<process::Ended, Failure> {
    let caller = console::environment();
    let (program, arguments) = options.command.split_first().expect("clap requires a command");
    let failed = |e: &io::Error| Failure::from(not_started(&program.to_string_lossy(), e));
    let (mut command, channel) = if options.isolate {
        let (command, channel) = isolate::command(&options.command, clusters.len()).map_err(|e| failed(&e))?;
        (command, Some(channel))
    } else {
        let mut command = Command::new(program);
        command.args(arguments);
        (command, None)
    };
    environment::set(&mut command, &caller, folder);
    // Whoever is to listen in the command's own network has to be started first.
    let (started, listeners) = match &channel {
        Some(channel) => {
            let started = process::start(command).map_err(|e| failed(&e))?;
            (Ok(started), channel.listeners()?)
        }
        None => (Err(command), loopback(clusters.len()).map_err(cannot("listen on the loopback"))?),
    };
    let mut listening = Vec::new();
    for (cluster, listener) in clusters.iter().zip(listeners) {
        listening.push(shadow::serve(Arc::clone(&cluster.shadow), listener, None).map_err(cannot("listen on the loopback"))?);
    }
    let server = |name: &str| listening[leads.iter().find(|(n, _)| n == name).map_or(0, |(_, index)| *index)].address;
    let config = folder.join("config");
    cluster::write_file(&config, kubeconfig::text(names, &server).as_bytes()).map_err(cannot("write a kubeconfig"))?;
    let servers: Vec<String> = listening.iter().map(|l| format!("http://{}", l.address)).collect();
    let wanted = stubs::Wanted {
        stubs: &options.stub,
        allowed: &options.allow,
        path: caller.get("PATH").map_or("", String::as_str),
        kubeconfig: &config,
        servers: &servers,
    };
    stubs::write(&folder.join("bin"), &folder.join("stubs"), &wanted).map_err(cannot("write stubs"))?;
    let started = started.or_else(process::start).and_then(|started| channel.map_or(Ok(()), isolate::Channel::go).map(|()| started));
    let ended = match started {
        Ok(started) => process::ended(started).await,
        Err(error) => Err(error),
    };
    for one in listening {
        one.stop().await;
    }
    ended.map_err(|e| failed(&e))
}

fn loopback(count: usize) -> io::Result<Vec<TcpListener>> {
    (0..count).map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0))).collect()
}

fn cannot(what: &'static str) -> impl Fn(io::Error) -> Failure {
    move |e| Diagnostic::error("cannot-rehearse", format!("cannot {what}: {e}")).into()
}

/// The fleet, for budgets and a default state: the one named, or the one that is here.
fn fleet(options: &Rehearse, console: &mut Console) -> Result<Work, Failure> {
    let here = PathBuf::from("fleet.toml");
    let file = options.fleet.clone().or_else(|| here.exists().then_some(here));
    let fleet = file.map(|fleet| inputs::fleet(&FleetFile { fleet, environment: None, locked: false }, console)).transpose()?;
    Ok(start::no_work(fleet))
}

/// What the script did, on all clusters.
fn report(options: &Rehearse, work: &Work, clusters: &[Cluster], ended: &process::Ended, stubs: Vec<Stub>) -> Report {
    let words: Vec<_> = options.command.iter().map(|word| word.to_string_lossy()).collect();
    let name = Path::new(words[0].as_ref()).file_name().map_or(words[0].to_string(), |n| n.to_string_lossy().into_owned());
    let (mut whole, mut known): (Option<Report>, _) = (None, BTreeSet::new());
    for cluster in clusters {
        let mut run = cluster.shadow.run();
        for (group, kind) in roll::WORKLOADS {
            let there = run.before.list(group, kind, None).chain(run.cluster.store.list(group, kind, None));
            known.extend(there.map(|(id, _)| id.clone()));
        }
        // A context that has no state of its own is worth mention only where the script wrote to it.
        if clusters.len() > 1 && cluster.context.is_empty() && options.from.len() == clusters.len() - 1 && run.steps.is_empty() {
            continue;
        }
        went_on(&mut run);
        let mut one = of_cluster(cluster, &run, work, &name);
        if clusters.len() > 1 {
            label(&mut one, if cluster.context.is_empty() { "other contexts" } else { &cluster.context });
        }
        whole = Some(match whole {
            None => one,
            Some(before) => joined(before, one),
        });
    }
    let mut report = whole.expect("there is a cluster, and one that has a state");
    report.script = Some(Script { exit_code: ended.code, incomplete: ended.interrupted, stubs });
    if ended.left_running {
        report.assumptions.push("what the script left running was stopped when it ended".to_owned());
    }
    let expected = expect::of(options, work.fleet.as_ref().map(|f| &f.fleet));
    let unmet = expect::unmet(&expected, &report, &known);
    report.diagnostics.extend(unmet.iter().map(assemble::finding));
    report
}

/// A step after which another came did not stop the script.
fn went_on(run: &mut Run) {
    let last = run.steps.len().saturating_sub(1);
    run.steps[..last].iter_mut().filter(|s| s.ended == Ended::Failed).for_each(|s| s.continues = true);
}

fn of_cluster(cluster: &Cluster, run: &Run, work: &Work, name: &str) -> Report {
    let mut judged = roll::judge(run);
    inputs::doubt(&mut judged, &cluster.state);
    let mut findings = lint::findings(&[], run, &judged, &TagRules::default());
    // Whether a refusal matters, the script decides, and says it by its exit code.
    findings.iter_mut().for_each(|f| f.severity = Severity::Warning);
    let unanswerable = cluster.shadow.unanswerable();
    // Nothing that was done after a refusal of ours can be vouched for, and what was not done even less.
    for one in judged.iter_mut().filter(|_| !unanswerable.is_empty()) {
        one.verdict = roll::Verdict::Unknown;
        let why = |why: &String| (None, roll::Reason::Unknown { why: why.clone() });
        one.reasons.splice(0..0, unanswerable.iter().map(why));
    }
    findings.extend(unanswerable.into_iter().map(|why| {
        Diagnostic::error("not-simulated", why)
            .hint("what the script does with the answer is not known: leave this call out of the rehearsal")
    }));
    assemble::report(&Parts {
        subject: Subject { name: name.into(), state: cluster.state.source.clone(), kubernetes: run.cluster.schema.version().to_string() },
        run,
        judged: &judged,
        budgets: &work.budgets,
        merged: None,
        assumptions: cluster.assumptions.clone(),
        findings: &findings,
    })
}

/// Says of everything in a report which context it is of.
fn label(report: &mut Report, context: &str) {
    let label = |text: &mut String| *text = format!("{context}: {text}");
    for w in &mut report.workloads {
        w.context = context.to_owned();
        w.reasons.iter_mut().filter(|r| !r.step.is_empty()).for_each(|r| label(&mut r.step));
    }
    report.steps.iter_mut().for_each(|s| label(&mut s.name));
    report.objects.iter_mut().for_each(|o| label(&mut o.id));
    report.assumptions.iter_mut().for_each(label);
    label(&mut report.subject.state);
}

/// Two reports as one.
fn joined(mut one: Report, mut other: Report) -> Report {
    one.workloads.append(&mut other.workloads);
    one.untouched += other.untouched;
    one.steps.append(&mut other.steps);
    one.objects.append(&mut other.objects);
    one.assumptions.append(&mut other.assumptions);
    one.diagnostics.append(&mut other.diagnostics);
    one.subject.state = format!("{}, {}", one.subject.state, other.subject.state);
    one
}
