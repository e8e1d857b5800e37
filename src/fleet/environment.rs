//! The `[environments]` tables: one of them is laid over the whole file, and all of them are checked.

use super::file::FleetFile;
use super::layer::{self, Tree};
use super::read::{FromToml, Reader};
use super::{agent_check, parts};
use crate::diagnostic::{Diagnostic, nearest};
use std::ops::Range;

/// The file with the environment that was asked for laid over it. All of them are read: a mistake does not wait for its day.
pub(super) fn with_environment<'s>(mut whole: Tree<'s>, asked: Option<&str>, reader: &mut Reader<'_>) -> Option<Tree<'s>> {
    let Some(environments) = parts::take(&mut whole, "environments") else {
        return match asked {
            None => Some(whole),
            Some(name) => {
                let error = Diagnostic::error("fleet-environment", format!("there is no environment `{name}`: the fleet has none"));
                reader.problems.push(error.hint(format!("write a table [environments.{name}]")));
                None
            }
        };
    };
    let mut chosen = None;
    let entries = reader.entries(&environments, "a table of environments")?;
    for (name, environment) in &entries {
        let name = name.get_ref().as_ref();
        agent_check::dns_name(name, 63, "environment", &environment.span(), reader);
        for (key, value) in environment.get_ref().as_table().into_iter().flatten() {
            if let key @ ("environments" | parts::INCLUDE) = key.get_ref().as_ref() {
                reader.wrong("fleet-environment", value.span(), format!("an environment cannot hold `{key}`"));
            }
        }
        FleetFile::read(environment, reader);
        near_misses(name, environment, &whole, reader);
        if asked == Some(name) {
            chosen = Some(*environment);
        }
    }
    let Some(name) = asked else { return Some(whole) };
    let Some(chosen) = chosen else {
        let names: Vec<&str> = entries.iter().map(|(name, _)| name.get_ref().as_ref()).collect();
        let near = nearest(name, names.iter().copied()).map(|n| format!("did you mean `{n}`?")).unwrap_or_default();
        let wrong = reader.wrong("fleet-environment", environments.span(), format!("there is no environment `{name}`"));
        wrong.label = near;
        wrong.hints.push(format!("the fleet has: {}", names.join(", ")));
        return None;
    };
    Some(layer::lay_environment(chosen, whole, &mut reader.removals))
}

/// An environment may add agents. One whose name is nearly that of another is more likely that other one, misspelt.
fn near_misses(environment: &str, laid: &Tree<'_>, whole: &Tree<'_>, reader: &mut Reader<'_>) {
    let agents = |tree: &Tree<'_>| -> Vec<(String, Range<usize>)> {
        let table = tree.get_ref().as_table().and_then(|t| t.get("agents")).and_then(|agents| agents.get_ref().as_table());
        table.into_iter().flatten().map(|(name, _)| (name.get_ref().to_string(), name.span())).collect()
    };
    let known = agents(whole);
    for (name, place) in agents(laid).into_iter().filter(|(name, _)| name.len() > 3 && !known.iter().any(|(k, _)| k == name)) {
        if let Some(near) = nearest(&name, known.iter().map(|(k, _)| k.as_str())) {
            let text = format!("the environment `{environment}` adds the agent `{name}`");
            let warning = Diagnostic::warning("fleet-environment-adds", text).at(reader.source, place);
            reader.warnings.push(warning.label(format!("did you mean `{near}`?")));
        }
    }
}
