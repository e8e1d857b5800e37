//! What a test says of a rehearsal, from the table `expect` or an option: how often workloads roll, how many writes commands send.

use super::file::ExpectFile;
use super::read::{At, Reader};
use std::ops::Range;

/// Kinds of workloads, with what kubectl calls them too.
const KINDS: [(&str, [&str; 3]); 3] = [
    ("DaemonSet", ["daemonset", "daemonsets", "ds"]),
    ("Deployment", ["deployment", "deployments", "deploy"]),
    ("StatefulSet", ["statefulset", "statefulsets", "sts"]),
];

/// The kind of workload that a word of kubectl's means: `deploy`, `deployments.apps`, `StatefulSet`, `ds`.
pub(super) fn workload_kind(word: &str) -> Option<&'static str> {
    let word = word.to_lowercase();
    let (word, group) = word.split_once('.').unwrap_or((&word, ""));
    let known = KINDS.iter().find(|(_, names)| names.contains(&word))?;
    ["", "apps", "v1.apps"].contains(&group).then_some(known.0)
}

/// How often a workload must roll.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedRolls {
    /// The kind, as Kubernetes calls it.
    pub kind: &'static str,
    /// Empty: whatever namespace it is in.
    pub namespace: String,
    /// The workload's name.
    pub name: String,
    /// How often.
    pub rolls: u32,
}

/// How many writes commands of a name must send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedWrites {
    /// Words that stand in the step's name: `set image`.
    pub command: String,
    /// How many.
    pub writes: u32,
}

/// Everything that is expected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Of workloads.
    pub rolls: Vec<ExpectedRolls>,
    /// Of commands.
    pub writes: Vec<ExpectedWrites>,
    /// Nothing else may roll or be written.
    pub nothing_else: bool,
}

impl ExpectedRolls {
    /// Reads `deployment/ceo-agent` or `deploy/agents/ceo-agent`.
    ///
    /// # Errors
    /// What was expected.
    pub fn of(workload: &str, rolls: u32) -> Result<Self, String> {
        let wrong = || "expected `KIND/NAME` or `KIND/NAMESPACE/NAME`, for instance `deployment/ceo-agent`".to_owned();
        let (kind, name) = workload.split_once('/').ok_or_else(wrong)?;
        let (namespace, name) = name.split_once('/').unwrap_or(("", name));
        let known = workload_kind(kind).ok_or("the kind is one of deployment, statefulset, daemonset")?;
        if name.is_empty() || name.contains('/') {
            return Err(wrong());
        }
        Ok(Self { kind: known, namespace: namespace.into(), name: name.into(), rolls })
    }
}

impl ExpectedWrites {
    /// Reads `set image` or `kubectl set image`.
    ///
    /// # Errors
    /// What was expected.
    pub fn of(command: &str, writes: u32) -> Result<Self, String> {
        let command = command.split_whitespace().collect::<Vec<_>>().join(" ");
        if command.is_empty() { Err("expected a command, for instance `set image`".to_owned()) } else { Ok(Self { command, writes }) }
    }
}

/// Checks the table.
pub(super) fn checked(file: At<ExpectFile>, reader: &mut Reader<'_>) -> Expected {
    let ExpectFile { rolls, writes, none } = file.value;
    let mut expected = Expected { nothing_else: none.is_some_and(|n| n.value), ..Expected::default() };
    for (workload, times) in rolls.unwrap_or_default().value {
        let read = count(&times).and_then(|n| ExpectedRolls::of(&workload, n));
        expected.rolls.extend(noted(read, &workload, times.range, reader));
    }
    for (command, times) in writes.unwrap_or_default().value {
        let read = count(&times).and_then(|n| ExpectedWrites::of(&command, n));
        expected.writes.extend(noted(read, &command, times.range, reader));
    }
    expected
}

fn count(times: &At<i64>) -> Result<u32, String> {
    u32::try_from(times.value).map_err(|_| "expected a whole number from 0".to_owned())
}

fn noted<T>(read: Result<T, String>, key: &str, range: Range<usize>, reader: &mut Reader<'_>) -> Option<T> {
    read.map_err(|why| reader.wrong("fleet-value", range, format!("`{key}` cannot be expected so")).label = why).ok()
}

#[cfg(test)]
mod tests {
    use super::{ExpectedRolls, ExpectedWrites};

    #[test]
    fn expectations_are_written_as_kubectl_writes_names() {
        let one = ExpectedRolls::of("deploy/agents/ceo-agent", 1).unwrap();
        assert_eq!((one.kind, one.namespace.as_str(), one.name.as_str(), one.rolls), ("Deployment", "agents", "ceo-agent", 1));
        assert_eq!(ExpectedRolls::of("StatefulSet.apps/db", 0).unwrap().kind, "StatefulSet");
        for wrong in ["x", "pod/x", "deployment/", "deployment/a/b/c"] {
            assert!(ExpectedRolls::of(wrong, 1).is_err(), "{wrong}");
        }
        assert_eq!(ExpectedWrites::of("set  image", 2).unwrap().command, "set image");
        assert!(ExpectedWrites::of(" ", 1).is_err());
    }
}
