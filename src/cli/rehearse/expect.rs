//! What a test says of a rehearsal becomes findings, where the report says otherwise.

use crate::diagnostic::Diagnostic;
use crate::report::{Report, Workload};

/// Kinds of workloads, with what kubectl calls them too.
const KINDS: [(&str, [&str; 3]); 3] = [
    ("DaemonSet", ["daemonset", "daemonsets", "ds"]),
    ("Deployment", ["deployment", "deployments", "deploy"]),
    ("StatefulSet", ["statefulset", "statefulsets", "sts"]),
];

/// How often a workload must roll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExpectedRolls {
    kind: &'static str,
    /// Empty: whatever namespace it is in.
    namespace: String,
    name: String,
    rolls: u32,
}

/// How many writes commands of a name must send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ExpectedWrites {
    command: String,
    writes: u32,
}

/// Everything that is expected.
pub(super) struct Expected<'e> {
    pub(super) rolls: &'e [ExpectedRolls],
    pub(super) writes: &'e [ExpectedWrites],
    /// Nothing else may roll or be written.
    pub(super) nothing_else: bool,
}

/// `deployment/ceo-agent=1` or `deploy/agents/ceo-agent=1`.
pub(crate) fn expected_rolls(text: &str) -> Result<ExpectedRolls, String> {
    let wrong = || "expected `KIND/NAME=N` or `KIND/NAMESPACE/NAME=N`, for instance `deployment/ceo-agent=1`".to_owned();
    let (workload, rolls) = text.rsplit_once('=').ok_or_else(wrong)?;
    let (kind, name) = workload.split_once('/').ok_or_else(wrong)?;
    let (namespace, name) = name.split_once('/').unwrap_or(("", name));
    let kind = kind.to_lowercase();
    let kind = kind.strip_suffix(".apps").unwrap_or(&kind);
    let known = KINDS.iter().find(|(_, names)| names.contains(&kind)).ok_or("the kind is one of deployment, statefulset, daemonset")?;
    if name.is_empty() || name.contains('/') {
        return Err(wrong());
    }
    Ok(ExpectedRolls { kind: known.0, namespace: namespace.into(), name: name.into(), rolls: rolls.parse().map_err(|_| wrong())? })
}

/// `set image=1` or `kubectl set image=1`.
pub(crate) fn expected_writes(text: &str) -> Result<ExpectedWrites, String> {
    let wrong = || "expected `COMMAND=N`, for instance `'set image'=1`".to_owned();
    let (command, writes) = text.rsplit_once('=').ok_or_else(wrong)?;
    let command = command.split_whitespace().collect::<Vec<_>>().join(" ");
    if command.is_empty() {
        return Err(wrong());
    }
    Ok(ExpectedWrites { command, writes: writes.parse().map_err(|_| wrong())? })
}

impl ExpectedRolls {
    fn is(&self, w: &Workload) -> bool {
        w.kind == self.kind && w.name == self.name && (self.namespace.is_empty() || w.namespace == self.namespace)
    }
}

impl ExpectedWrites {
    /// Whether a step is of that command: whole words of its name.
    fn is(&self, step: &str) -> bool {
        format!(" {step} ").contains(&format!(" {} ", self.command))
    }
}

/// What is not as expected.
pub(super) fn unmet(expected: &Expected<'_>, report: &Report) -> Vec<Diagnostic> {
    let mut unmet = Vec::new();
    let mut complain = |text: String| unmet.push(Diagnostic::error("expectation", text));
    let cost = |w: &Workload| w.rolls + w.recreated;
    for one in expected.rolls {
        let rolls: u32 = report.workloads.iter().filter(|w| one.is(w)).map(cost).sum();
        if rolls != one.rolls {
            let place = if one.namespace.is_empty() { String::new() } else { format!("{}/", one.namespace) };
            complain(format!(
                "{}/{place}{}: {} expected, {rolls} found",
                one.kind,
                one.name,
                crate::report::text::count(one.rolls, "roll")
            ));
        }
    }
    for one in expected.writes {
        let writes: u32 = report.steps.iter().filter(|s| one.is(&s.name)).map(|s| s.writes).sum();
        if writes != one.writes {
            complain(format!("`{}`: {} expected, {writes} found", one.command, crate::report::text::count(one.writes, "write")));
        }
    }
    if expected.nothing_else {
        for w in report.workloads.iter().filter(|w| cost(w) > 0 && !expected.rolls.iter().any(|one| one.is(w))) {
            complain(format!("{}: no roll expected, {} found", w.id(), cost(w)));
        }
        // Who names rolls and no writes says nothing of writes.
        let silent = expected.writes.is_empty() && !expected.rolls.is_empty();
        for s in report.steps.iter().filter(|s| !silent && s.writes > 0 && !expected.writes.iter().any(|one| one.is(&s.name))) {
            complain(format!("`{}`: no write expected, {} found", s.name, s.writes));
        }
    }
    unmet
}

#[cfg(test)]
mod tests {
    use super::{expected_rolls, expected_writes};

    #[test]
    fn expectations_are_written_as_kubectl_writes_names() {
        let one = expected_rolls("deploy/agents/ceo-agent=1").unwrap();
        assert_eq!((one.kind, one.namespace.as_str(), one.name.as_str(), one.rolls), ("Deployment", "agents", "ceo-agent", 1));
        assert_eq!(expected_rolls("StatefulSet.apps/db=0").unwrap().kind, "StatefulSet");
        for wrong in ["deployment/x", "x=1", "pod/x=1", "deployment/=1", "deployment/a/b/c=1", "deployment/x=-1"] {
            assert!(expected_rolls(wrong).is_err(), "{wrong}");
        }
        let writes = expected_writes("set  image=2").unwrap();
        assert!(writes.is("kubectl set image") && !writes.is("kubectl set images") && writes.writes == 2);
        assert!(expected_writes("=1").is_err() && expected_writes("apply").is_err());
    }
}
