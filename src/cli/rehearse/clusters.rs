//! The state options of a rehearsal become shadows: one, or one for each context that is given a state of its own.

use crate::cli::args::{Rehearse, StateFrom};
use crate::cli::console::{Console, Failure};
use crate::cli::inputs::{self, Work};
use crate::cli::start::{self, Behaviour};
use crate::cluster::{Names, State};
use crate::diagnostic::Diagnostic;
use crate::shadow::Shadow;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// One cluster of a rehearsal.
pub(super) struct Cluster {
    /// The context whose state it has; empty for the one that all others lead to.
    pub(super) context: String,
    pub(super) shadow: Arc<Shadow>,
    /// Without its objects, which the shadow has.
    pub(super) state: State,
    pub(super) assumptions: Vec<String>,
}

/// The contexts that are given a state of their own.
pub(super) fn named(options: &Rehearse) -> Vec<String> {
    options.from.iter().filter_map(|from| split(from).0).map(str::to_owned).collect()
}

/// The contexts that start empty because states were given to others alone: what a script does there is no proof of anything.
pub(super) fn left_empty(options: &Rehearse, names: &Names) -> Option<String> {
    let named = named(options);
    if named.is_empty() || named.len() < options.from.len() {
        return None;
    }
    let (given, others): (Vec<_>, Vec<_>) = names.contexts.iter().partition(|c| named.contains(&c.name));
    let left: Vec<&str> = others.iter().filter(|o| given.iter().all(|g| g.cluster != o.cluster)).map(|o| o.name.as_str()).collect();
    (!left.is_empty()).then(|| format!("no `--from` names the cluster of the context {}: it starts empty", left.join(", ")))
}

/// `NAME=FILE`; a file whose name has such a sign is a file all the same.
fn split(from: &str) -> (Option<&str>, &str) {
    match from.split_once('=') {
        Some((name, file)) if !name.is_empty() && !Path::new(from).exists() => (Some(name), file),
        _ => (None, from),
    }
}

/// Reads every state and makes a shadow of each, the one for all other contexts first.
pub(super) fn start(options: &Rehearse, work: &Work, behaviour: &Behaviour<'_>, console: &mut Console) -> Result<Vec<Cluster>, Failure> {
    let files: Vec<(Option<&str>, &str)> = options.from.iter().map(|from| split(from)).collect();
    for (index, (name, _)) in files.iter().enumerate() {
        if files[..index].iter().any(|(known, _)| known == name) {
            let whose = name.map_or("the contexts that have none of their own".to_owned(), |n| format!("context `{n}`"));
            return Err(Diagnostic::error("two-states", format!("two states are given for {whose}")).into());
        }
    }
    let mut clusters = Vec::new();
    let unnamed = files.iter().find(|(name, _)| name.is_none()).map(|(_, file)| *file);
    let from = StateFrom {
        from: unnamed.map(PathBuf::from),
        context: options.context.clone(),
        base: options.base.clone(),
        empty: options.empty || (unnamed.is_none() && !files.is_empty()),
    };
    let mut add = |context: &str, from: StateFrom, console: &mut Console| -> Result<(), Failure> {
        let from = default_state(from, work)?;
        let state = start::stored(start::read(&from, console)?, work)?;
        inputs::remarks(&state, work, console);
        let started = start::start_from(state, work, &from, behaviour)?;
        let state = State { objects: Vec::new(), ..started.state };
        clusters.push(Cluster { context: context.into(), shadow: Arc::new(started.shadow), state, assumptions: started.assumptions });
        Ok(())
    };
    add("", from, console)?;
    for (name, file) in files.iter().filter_map(|(name, file)| Some((name.as_ref()?, file))) {
        add(name, StateFrom { from: Some(PathBuf::from(file)), context: None, base: None, empty: false }, console)?;
    }
    Ok(clusters)
}

/// What the fleet names, where the options name nothing.
fn default_state(from: StateFrom, work: &Work) -> Result<StateFrom, Diagnostic> {
    if from.empty || from.from.is_some() || from.context.is_some() || from.base.is_some() {
        return Ok(from);
    }
    let choice = work.fleet.as_ref().map(|f| f.fleet.cluster.clone()).unwrap_or_default();
    if choice.context.is_some() {
        return Ok(StateFrom { context: choice.context, ..from });
    }
    let file = choice.from.ok_or_else(|| {
        Diagnostic::error("no-state", "no state to start from")
            .hint("give one of --from FILE, --context NAME, --base REV or --empty, or name a file in fleet.toml under [cluster]")
    })?;
    let beside = work.fleet.as_ref().map(|f| f.fleet.directory().join(&file)).unwrap_or(file);
    Ok(StateFrom { from: Some(beside), ..from })
}

/// Which cluster each kubeconfig cluster name leads to, as an index.
pub(super) fn of_names(clusters: &[Cluster], names: &Names) -> Result<Vec<(String, usize)>, Diagnostic> {
    let mut leads: Vec<(String, usize)> = Vec::new();
    for (index, cluster) in clusters.iter().enumerate().filter(|(_, c)| !c.context.is_empty()) {
        let name = names.contexts.iter().find(|c| c.name == cluster.context).map(|c| c.cluster.clone()).unwrap_or_default();
        if let Some((_, other)) = leads.iter().find(|(known, _)| *known == name) {
            let text = format!("contexts `{}` and `{}` are of one cluster, `{name}`", clusters[*other].context, cluster.context);
            return Err(Diagnostic::error("two-states", text).hint("give a state to one of them"));
        }
        leads.push((name, index));
    }
    Ok(leads)
}
