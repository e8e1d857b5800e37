//! What `serve` and `rehearse` start from: the options become a shadow of a state.

use super::args::{ApplierName, FleetFile, PaceName, StateFrom};
use super::assemble::{self, Parts};
use super::console::{Console, Failure};
use super::inputs::{self, Budgets, Prepared, Work};
use crate::cluster::{self, SNAPSHOT_LIMIT, Scope, State};
use crate::diagnostic::Diagnostic;
use crate::images::PinnedFleet;
use crate::report::{Subject, json};
use crate::roll;
use crate::shadow::{self, Options, Reporter, Shadow};
use crate::simulate::clock::Clock;
use crate::simulate::controllers;
use crate::simulate::pipeline::Pace;
use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How the cluster behaves.
pub(super) struct Behaviour<'o> {
    /// The version, where the state does not tell it.
    pub(super) kubernetes: Option<&'o str>,
    /// How long pods take to start and to stop.
    pub(super) timing: (Option<Duration>, Option<Duration>),
    /// Whether pods never become ready.
    pub(super) pods_stay_pending: bool,
    /// How time passes.
    pub(super) pace: PaceName,
    /// Webhooks and policies that are vouched for.
    pub(super) trusted: &'o [String],
    /// The token that clients must send.
    pub(super) token: Option<String>,
}

/// A shadow, and what had to be assumed of its state.
pub(super) struct Started {
    pub(super) shadow: Shadow,
    pub(super) state: State,
    pub(super) assumptions: Vec<String>,
}

/// Reads the state and makes a shadow of it.
pub(super) fn start(from: &StateFrom, behaviour: &Behaviour<'_>, console: &mut Console) -> Result<Started, Failure> {
    let work = no_work(None);
    let state = stored(read(from, console)?, &work)?;
    inputs::remarks(&state, &work, console);
    start_from(state, &work, from, behaviour)
}

/// A state as a server would hold it: manifests are taken as if they had been applied.
pub(super) fn stored(state: State, work: &Work) -> Result<State, Failure> {
    if inputs::never_stored(&state) { super::base::as_applied(state, work, jiff::Timestamp::now()) } else { Ok(state) }
}

/// Makes a shadow of a state.
pub(super) fn start_from(state: State, work: &Work, from: &StateFrom, behaviour: &Behaviour<'_>) -> Result<Started, Failure> {
    let Prepared { mut cluster, assumptions, .. } = inputs::cluster(&state, work, behaviour.kubernetes, behaviour.timing, from)?;
    cluster.trusted.extend(behaviour.trusted.iter().cloned());
    // Clients tell ages by their own clock.
    cluster.set_clock(Clock::new(jiff::Timestamp::now()));
    cluster.controllers.timing.pods_stay_pending = behaviour.pods_stay_pending;
    // A client that waits for a Job (helm for its hooks) would wait for ever.
    cluster.controllers.timing.job = Some(Duration::ZERO);
    if state.objects.is_empty() {
        shadow::fill(&mut cluster);
    }
    controllers::show_surroundings(&mut cluster);
    let pace = if behaviour.pace == PaceName::Settle { Pace::Settle } else { Pace::Script };
    let reporter = reporter(state.source.clone(), assumptions.clone());
    let shadow = Shadow::new(cluster, Options { pace, token: behaviour.token.clone(), reporter: Some(reporter) });
    Ok(Started { shadow, state, assumptions })
}

/// What clients did so far, judged.
fn reporter(state: String, assumptions: Vec<String>) -> Reporter {
    Reporter(Arc::new(move |run| {
        let judged = roll::judge(run);
        let kubernetes = run.cluster.schema.version().to_string();
        json::write(&assemble::report(&Parts {
            subject: Subject { name: "serve".into(), state: state.clone(), kubernetes },
            run,
            judged: &judged,
            budgets: &Budgets::default(),
            merged: None,
            assumptions: assumptions.clone(),
            findings: &[],
        }))
    }))
}

/// Nothing is to be deployed: what comes, comes from clients.
pub(super) fn no_work(fleet: Option<PinnedFleet>) -> Work {
    Work {
        name: String::new(),
        manifests: Vec::new(),
        steps: Vec::new(),
        budgets: fleet.as_ref().map(|f| inputs::budgets(&f.fleet)).unwrap_or_default(),
        files: BTreeMap::new(),
        fleet,
        given: Vec::new(),
        applier: ApplierName::KubectlServer,
        namespace: "default".into(),
    }
}

/// The state that the options name; an empty one if they name none. Values of Secrets are kept: clients ask for them.
pub(super) fn read(from: &StateFrom, console: &mut Console) -> Result<State, Failure> {
    if let Some(path) = &from.from {
        let unreadable = |e: std::io::Error| {
            Diagnostic::error("input-unreadable", format!("cannot read the snapshot `{}`: {e}", path.display()))
                .hint("make one with `rollcast snapshot -o FILE`")
        };
        let state = if path.as_os_str() == "-" {
            cluster::read_snapshot_with_values(std::io::stdin().lock(), path, SNAPSHOT_LIMIT)?
        } else {
            cluster::read_snapshot_with_values(File::open(path).map_err(unreadable)?, path, SNAPSHOT_LIMIT)?
        };
        return Ok(state);
    }
    if let Some(context) = &from.context {
        let scope = Scope { secret_values: true, ..Scope::default() };
        return Ok(inputs::live_in(Some(context), &scope)?.0);
    }
    if let Some(revision) = &from.base {
        let fleet = FleetFile { fleet: Path::new("fleet.toml").to_owned(), environment: None, locked: false };
        let work = inputs::work(&fleet, &[], ApplierName::KubectlServer, console)?;
        return super::base::state(revision, &fleet, &work, jiff::Timestamp::now());
    }
    Ok(State { source: "an empty cluster".into(), ..State::default() })
}
