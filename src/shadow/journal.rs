//! The requests of clients, gathered into steps: one step for each client command.
//!
//! kubectl names its command and its session in headers; every other client is told by its user agent and its connections: a step
//! goes on as long as one of the connections of that client is open.

use super::brief;
use crate::object::{ObjectId, Value, text};
use crate::simulate::clients::{Outcome, Performed};
use crate::simulate::controllers::Happening;
use crate::simulate::pipeline::{self, Changes, Ended, StepRun};
use crate::simulate::{ApiError, Body, Cause, Change, Cluster, PatchKind, Request, Response, Target, Verb, WriteOptions};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

/// So much may happen in a step before it is seen whether some of it can be folded.
const MOST: usize = 1_000;

/// So many refusals of a step are told one by one even where they are the same.
const REFUSALS: usize = 1_000;

/// Who sends a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Client {
    /// `Kubectl-Command`: `kubectl set image`.
    pub command: String,
    /// `Kubectl-Session`.
    pub session: String,
    /// `User-Agent`.
    pub user_agent: String,
    /// The number of its connection.
    pub connection: u64,
}

impl Client {
    /// What a step is called.
    fn name(&self) -> String {
        let product = || self.user_agent.split([' ', '/']).next().unwrap_or_default().to_owned();
        if self.command.is_empty() { product() } else { self.command.clone() }
    }
}

/// One step as it goes on.
#[derive(Clone, Debug)]
struct Open {
    client: Client,
    /// The connections of the client that are open.
    connections: BTreeSet<u64>,
    run: StepRun,
    /// What it did already: to which object, with which outcome, by which command.
    done: BTreeSet<(ObjectId, String, String)>,
    /// At so many happenings it is seen whether some can be folded.
    most: usize,
}

/// The steps so far.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    steps: Vec<Open>,
    /// How many steps have had a name.
    names: BTreeMap<String, usize>,
}

impl Journal {
    /// The steps, in order of their first write.
    pub fn steps(&self) -> Vec<StepRun> {
        self.steps.iter().map(|step| step.run.clone()).collect()
    }

    /// A connection is gone. Only the last step can go on, so only that one has to know.
    pub(super) fn closed(&mut self, connection: u64) {
        if let Some(step) = self.steps.last_mut() {
            step.connections.remove(&connection);
        }
    }

    /// Notes a write, what the controllers made of it, and what changed. `since`: happenings and time before it.
    pub(super) fn note(&mut self, client: &Client, exchange: (&Request, &Response), cluster: &Cluster, since: (usize, Duration)) {
        let step = self.step(client, since);
        let performed = performed(client, exchange);
        let known = (performed.object.clone(), performed.outcome.to_string(), performed.command.clone());
        if exchange.1.result.is_err() {
            step.run.ended = Ended::Failed;
        }
        // Each refusal is told, unless a client goes on and on.
        let told = exchange.1.result.is_err() && step.run.performed.len() < REFUSALS;
        if step.done.insert(known) || told {
            step.run.performed.push(performed);
        } else {
            step.run.repeated += 1;
        }
        self.extend(cluster);
    }

    /// What happened since belongs to the last step.
    pub(super) fn extend(&mut self, cluster: &Cluster) {
        if let Some(last) = self.steps.last_mut() {
            last.run.happenings.end = cluster.controllers.happenings.len();
            last.run.time.end = cluster.clock.now;
        }
    }

    /// Folds what happened in the last step if it has become very much.
    pub(super) fn fold(&mut self, happenings: &mut Vec<Happening>) {
        if let Some(last) = self.steps.last_mut().filter(|last| last.run.happenings.len() > last.most) {
            brief::fold(happenings, &mut last.run);
            last.most = MOST.max(2 * last.run.happenings.len());
        }
    }

    /// Takes a change in for the last step.
    pub(super) fn keep(&mut self, change: Change) {
        if let Some(last) = self.steps.last_mut() {
            pipeline::keep(&mut last.run.changes, change);
        }
    }

    /// The step that a request belongs to: the last one if it is of the same client, else a new one.
    fn step(&mut self, client: &Client, (happenings, now): (usize, Duration)) -> &mut Open {
        let same = |open: &Open| {
            if client.session.is_empty() {
                open.client.session.is_empty() && open.client.user_agent == client.user_agent && !open.connections.is_empty()
            } else {
                open.client.session == client.session
            }
        };
        if !self.steps.last().is_some_and(same) {
            // Commands of one name are told apart, so that each roll is told with its own.
            let times = self.names.entry(client.name()).or_default();
            *times += 1;
            let run = StepRun {
                name: if *times == 1 { client.name() } else { format!("{} ({times})", client.name()) },
                performed: Vec::new(),
                repeated: 0,
                folded: BTreeMap::new(),
                ended: Ended::Done,
                // Whether a script goes on after a refusal is not known before it does.
                continues: false,
                happenings: happenings..happenings,
                changes: Changes::new(),
                time: now..now,
            };
            if let Some(last) = self.steps.last_mut() {
                (last.connections, last.done) = (BTreeSet::new(), BTreeSet::new());
            }
            self.steps.push(Open { client: client.clone(), connections: BTreeSet::new(), run, done: BTreeSet::new(), most: MOST });
        }
        let step = self.steps.last_mut().expect("one was pushed above");
        step.connections.insert(client.connection);
        step
    }
}

/// What a report needs of an exchange. What was sent and what was stored is not: a server that runs for long would hold it all.
fn told((request, response): (&Request, &Response)) -> (Request, Response) {
    let Request { verb, target, options, .. } = request;
    let options = WriteOptions { dry_run: options.dry_run.clone(), ..WriteOptions::default() };
    let request = Request { verb: *verb, target: Target::default(), options, body: Body::Value(Value::Null) };
    let result = response.result.as_ref().map(|_| Arc::default()).map_err(|error| without_values(target, error));
    (request, Response { code: response.code, result, warnings: Vec::new() })
}

/// A refusal as a report may show it: those of writes to Secrets can quote what was sent or stored.
fn without_values(target: &Target, error: &ApiError) -> ApiError {
    if target.resource != "secrets" || !target.group.is_empty() {
        return error.clone();
    }
    let cut = |text: &str| match text.find(['{', '[']).into_iter().chain(text.find("Invalid value: ").map(|at| at + 15)).min() {
        Some(at) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    };
    let causes = error.causes.iter().map(|cause| Cause { message: cut(&cause.message), ..cause.clone() });
    ApiError { message: cut(&error.message), causes: causes.collect(), ..error.clone() }
}

fn performed(client: &Client, exchange: (&Request, &Response)) -> Performed {
    let (request, response) = exchange;
    let target = &request.target;
    let answered = response.result.as_ref().ok();
    let named = ObjectId {
        group: target.group.clone().into(),
        namespace: target.namespace.clone().into(),
        name: target.name.clone().into(),
        ..ObjectId::default()
    };
    let object = match answered {
        // What a DELETE or a subresource answers with may be of another kind.
        Some(object) if target.subresource.is_empty() && text(object, &["kind"]) != "Status" => ObjectId::of(object),
        _ => ObjectId { kind: target.resource.clone().into(), ..named },
    };
    let outcome = match (&response.result, request.verb) {
        (Err(error), _) => Outcome::Failed(without_values(target, error).message),
        (Ok(_), Verb::Delete | Verb::DeleteCollection) => Outcome::Deleted,
        (Ok(_), _) if response.code == 201 => Outcome::Created,
        (Ok(_), Verb::Patch(PatchKind::Apply)) => Outcome::ServersideApplied,
        (Ok(_), _) => Outcome::Configured,
    };
    Performed { object, exchanges: vec![told(exchange)], outcome, command: client.name() }
}

#[cfg(test)]
mod tests {
    use super::{Client, Journal};
    use std::time::Duration;

    #[test]
    fn a_session_is_a_step_and_so_is_a_burst_of_connections() {
        let mut journal = Journal::default();
        let kubectl = |session: &str| Client { session: session.into(), command: "kubectl apply".into(), ..Client::default() };
        let helm = |connection| Client { user_agent: "Helm/4.1.4".into(), connection, ..Client::default() };
        let at = (0, Duration::ZERO);
        for client in [kubectl("a"), kubectl("a"), kubectl("b"), helm(1), helm(2)] {
            journal.step(&client, at);
        }
        journal.closed(1);
        journal.closed(2);
        journal.step(&helm(3), at);
        let names: Vec<String> = journal.steps().into_iter().map(|s| s.name).collect();
        assert_eq!(names, ["kubectl apply", "kubectl apply (2)", "Helm", "Helm (2)"]);
    }
}
