//! The requests of clients, gathered into steps: one step for each client command.
//!
//! kubectl names its command and its session in headers; every other client is told by its user agent and its connections: a step
//! goes on as long as one of the connections of that client is open.

use crate::object::{ObjectId, Value, text};
use crate::simulate::clients::{Outcome, Performed};
use crate::simulate::pipeline::{self, Changes, Ended, StepRun};
use crate::simulate::{ApiError, Body, Cause, Change, Cluster, PatchKind, Request, Response, Target, Verb, WriteOptions};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

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
}

/// The steps so far.
#[derive(Clone, Debug, Default)]
pub struct Journal {
    steps: Vec<Open>,
}

impl Journal {
    /// The steps, in order of their first write.
    pub fn steps(&self) -> Vec<StepRun> {
        self.steps.iter().map(|step| step.run.clone()).collect()
    }

    /// A connection is gone.
    pub(super) fn closed(&mut self, connection: u64) {
        for step in &mut self.steps {
            step.connections.remove(&connection);
        }
    }

    /// Notes a write, what the controllers made of it, and what changed. `since`: happenings and time before it.
    pub(super) fn note(&mut self, client: &Client, exchange: (&Request, &Response), cluster: &Cluster, since: (usize, Duration)) {
        let step = self.step(client, since);
        step.run.performed.push(performed(client, exchange));
        if exchange.1.result.is_err() {
            step.run.ended = Ended::Failed;
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
            let before = self.steps.iter().filter(|open| open.client.name() == client.name()).count();
            let run = StepRun {
                name: if before == 0 { client.name() } else { format!("{} ({})", client.name(), before + 1) },
                performed: Vec::new(),
                ended: Ended::Done,
                // Whether a script goes on after a refusal is not known before it does.
                continues: false,
                happenings: happenings..happenings,
                changes: Changes::new(),
                time: now..now,
            };
            self.steps.push(Open { client: client.clone(), connections: BTreeSet::new(), run });
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
