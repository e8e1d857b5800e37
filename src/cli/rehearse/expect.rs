//! What a test says of a rehearsal becomes findings, where the report says otherwise.

use crate::cli::args::Rehearse;
use crate::diagnostic::{Diagnostic, nearest};
use crate::fleet::Fleet;
use crate::fleet::expect::{Expected, ExpectedRolls, ExpectedWrites};
use crate::object::ObjectId;
use crate::report::{Report, Workload};
use std::collections::BTreeSet;

/// `deployment/ceo-agent=1` or `deploy/agents/ceo-agent=1`.
pub(crate) fn expected_rolls(text: &str) -> Result<ExpectedRolls, String> {
    let wrong = || "expected `KIND/NAME=N` or `KIND/NAMESPACE/NAME=N`, for instance `deployment/ceo-agent=1`".to_owned();
    let (workload, rolls) = text.rsplit_once('=').ok_or_else(wrong)?;
    ExpectedRolls::of(workload, rolls.parse().map_err(|_| wrong())?)
}

/// `set image=1` or `kubectl set image=1`.
pub(crate) fn expected_writes(text: &str) -> Result<ExpectedWrites, String> {
    let wrong = || "expected `COMMAND=N`, for instance `'set image'=1`".to_owned();
    let (command, writes) = text.rsplit_once('=').ok_or_else(wrong)?;
    ExpectedWrites::of(command, writes.parse().map_err(|_| wrong())?)
}

/// What the options say; without any, what the fleet says.
pub(super) fn of(options: &Rehearse, fleet: Option<&Fleet>) -> Expected {
    let said = Expected { rolls: options.expect.clone(), writes: options.expect_writes.clone(), nothing_else: options.expect_none };
    if said == Expected::default() { fleet.and_then(|f| f.expect.clone()).unwrap_or_default() } else { said }
}

fn is_workload(one: &ExpectedRolls, w: &Workload) -> bool {
    w.kind == one.kind && w.name == one.name && (one.namespace.is_empty() || w.namespace == one.namespace)
}

/// Whether the step is of that command: whole words of its name.
fn is_step(one: &ExpectedWrites, step: &str) -> bool {
    format!(" {step} ").contains(&format!(" {} ", one.command))
}

/// What is not as expected. `known` are the workloads that are there, before or after.
pub(super) fn unmet(expected: &Expected, report: &Report, known: &BTreeSet<ObjectId>) -> Vec<Diagnostic> {
    let mut unmet = Vec::new();
    let mut complain = |text: String, hint: Option<&str>| {
        let error = Diagnostic::error("expectation", text);
        unmet.push(hint.map_or_else(|| error.clone(), |hint| error.clone().hint(hint)));
    };
    let cost = |w: &Workload| w.cost;
    for one in &expected.rolls {
        let touched = report.workloads.iter().any(|w| is_workload(one, w));
        let place = if one.namespace.is_empty() { String::new() } else { format!("{}/", one.namespace) };
        let there = |id: &&ObjectId| id.kind == one.kind && (one.namespace.is_empty() || id.namespace == one.namespace);
        if !touched && !known.iter().filter(there).any(|id| id.name == one.name) {
            let near = nearest(&one.name, known.iter().filter(there).map(|id| id.name.as_str()));
            let near = near.map(|near| format!("did you mean `{}/{place}{near}`?", one.kind.to_lowercase()));
            let text =
                format!("{}/{place}{}: there is no such workload, neither in the state nor of the script's making", one.kind, one.name);
            complain(text, near.as_deref());
            continue;
        }
        let rolls: u32 = report.workloads.iter().filter(|w| is_workload(one, w)).map(cost).sum();
        if rolls != one.rolls {
            let expected = crate::report::text::count(one.rolls, "roll");
            let hint = (!touched).then_some("the script wrote to no workload of that name: is the name right?");
            complain(format!("{}/{place}{}: {expected} expected, {rolls} found", one.kind, one.name), hint);
        }
    }
    for one in &expected.writes {
        let writes: u32 = report.steps.iter().filter(|s| is_step(one, &s.name)).map(|s| s.writes).sum();
        if writes != one.writes {
            complain(format!("`{}`: {} expected, {writes} found", one.command, crate::report::text::count(one.writes, "write")), None);
        }
    }
    if expected.nothing_else {
        for w in report.workloads.iter().filter(|w| cost(w) > 0 && !expected.rolls.iter().any(|one| is_workload(one, w))) {
            complain(format!("{}: no roll expected, {} found", w.id(), cost(w)), None);
        }
        // Who names rolls and no writes says nothing of writes.
        let silent = expected.writes.is_empty() && !expected.rolls.is_empty();
        for s in report.steps.iter().filter(|s| !silent && s.writes > 0 && !expected.writes.iter().any(|one| is_step(one, &s.name))) {
            complain(format!("`{}`: no write expected, {} found", s.name, s.writes), None);
        }
    }
    unmet
}

#[cfg(test)]
mod tests {
    use super::{expected_rolls, expected_writes, is_step};

    #[test]
    fn expectations_are_read_from_options() {
        let one = expected_rolls("deploy/agents/ceo-agent=1").unwrap();
        assert_eq!((one.kind, one.namespace.as_str(), one.name.as_str(), one.rolls), ("Deployment", "agents", "ceo-agent", 1));
        for wrong in ["deployment/x", "x=1", "pod/x=1", "deployment/=1", "deployment/a/b/c=1", "deployment/x=-1"] {
            assert!(expected_rolls(wrong).is_err(), "{wrong}");
        }
        let writes = expected_writes("set  image=2").unwrap();
        assert!(is_step(&writes, "kubectl set image") && !is_step(&writes, "kubectl set images") && writes.writes == 2);
        assert!(expected_writes("=1").is_err() && expected_writes("apply").is_err());
    }
}
