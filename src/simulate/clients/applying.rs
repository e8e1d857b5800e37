//! The apply step: each manifest goes to its applier, in the order given.

use super::objects::{Aim, of_manifest};
use super::sender::Sender;
use super::{Api, Outcome, Performed, Session, client_side, command, flux, helm, server_side};
use crate::fleet::pipeline::{Applier, Who};
use crate::object::{ObjectId, Value, text};
use std::path::PathBuf;

/// A manifest on its way: the object, and the manifest with its namespace.
pub(super) type Wanted = (Aim, Value);

/// Applies the manifests as the applier does.
pub(super) fn apply(
    api: &mut impl Api,
    session: &Session<'_>,
    manifests: &[Value],
    applier: &Applier,
    files: &[PathBuf],
) -> Vec<Performed> {
    let files = if files.is_empty() { session.given } else { files };
    let manager = |habit: &'static str| applier.field_manager.as_deref().unwrap_or(habit);
    let forced = |habit: bool| applier.force.unwrap_or(habit);
    let found = manifests
        .iter()
        .map(|manifest| {
            nameable(manifest, applier.who).and_then(|()| of_manifest(api, manifest, session)).map_err(|why| (ObjectId::of(manifest), why))
        })
        .collect();
    match applier.who {
        Who::Kubectl => {
            let manager = manager("kubectl-client-side-apply");
            let rest = flags(manager, "kubectl-client-side-apply", &[]);
            one_by_one(api, found, &command::with_files("apply", &rest, files), |sender, manifest| {
                client_side::apply(sender, manifest, manager)
            })
        }
        Who::KubectlServer | Who::ArgoCd => {
            let (habit, force) = if applier.who == Who::ArgoCd { ("argocd-controller", true) } else { (server_side::KUBECTL, false) };
            let (manager, force) = (manager(habit), forced(force));
            let line = command::with_files("apply", &server_side_flags(manager, force), files);
            one_by_one(api, found, &line, |sender, manifest| server_side::apply(sender, manifest, manager, force))
        }
        Who::Flux => {
            let manager = manager("kustomize-controller");
            flux::apply(api, found, manager, &command::with_files("apply", &server_side_flags(manager, true), files))
        }
        Who::Helm => helm::upgrade(api, found, session, manager("helm"), forced(false)),
    }
}

/// kubectl cannot apply what has no name (`pkg/cmd/apply/apply.go`).
fn nameable(manifest: &Value, who: Who) -> Result<(), String> {
    let prefix = text(manifest, &["metadata", "generateName"]);
    let unnamed = text(manifest, &["metadata", "name"]).is_empty() && !prefix.is_empty();
    if unnamed && matches!(who, Who::Kubectl | Who::KubectlServer) {
        return Err(format!("from {prefix}: cannot use generate name with apply"));
    }
    Ok(())
}

/// Each manifest by itself: kubectl goes on after one that fails.
fn one_by_one<A: Api>(
    api: &mut A,
    found: Vec<Result<Wanted, (ObjectId, String)>>,
    line: &str,
    mut apply: impl FnMut(&mut Sender<'_, A>, &Value) -> Outcome,
) -> Vec<Performed> {
    let mut performed = Vec::with_capacity(found.len());
    for found in found {
        performed.push(match found {
            Ok((aim, manifest)) => {
                let mut sender = Sender::new(api, &aim);
                let outcome = apply(&mut sender, &manifest);
                sender.done(line.to_owned(), outcome)
            }
            Err((id, why)) => Performed::unsent(id, line.to_owned(), Outcome::Failed(format!("error: {why}"))),
        });
    }
    performed
}

fn server_side_flags(manager: &str, force: bool) -> Vec<String> {
    let force: &[&str] = if force { &["--force-conflicts"] } else { &[] };
    flags(manager, server_side::KUBECTL, &[&["--server-side"], force].concat())
}

fn flags(manager: &str, habit: &str, flags: &[&str]) -> Vec<String> {
    let named = (manager != habit).then(|| format!("--field-manager={manager}"));
    flags.iter().map(|flag| (*flag).to_owned()).chain(named).collect()
}
