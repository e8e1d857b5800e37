//! `kubectl patch`, `scale`, `replace` and `delete`: what goes to the server as it was given.
//!
//! Follows kubectl `pkg/cmd/{patch,scale,replace,delete}/*.go` and cli-runtime `pkg/resource/helper.go`.

use super::last_applied::annotated;
use super::objects::{Aim, chosen, of_manifest, of_reference};
use super::sender::{Options, Sender, from_server, outcome};
use super::{Api, Outcome, Performed, Session, command};
use crate::apply::last_applied::LAST_APPLIED;
use crate::fleet::pipeline::PatchType;
use crate::object::{ObjectId, Value, at, json, map_at, text};
use crate::simulate::request::PatchKind;
use std::path::PathBuf;

/// `patch`
pub(super) fn patch(
    api: &mut impl Api,
    session: &Session<'_>,
    manifests: &[Value],
    workloads: &[String],
    kind: PatchType,
    patch: &Value,
) -> Vec<Performed> {
    let (name, kind) = match kind {
        PatchType::Strategic => ("strategic", PatchKind::Strategic),
        PatchType::Merge => ("merge", PatchKind::Merge),
        PatchType::Json => ("json", PatchKind::Json),
    };
    let words = [format!("--type={name}"), "-p".to_owned(), patch.to_string()];
    let kinds = ["Deployment", "StatefulSet", "DaemonSet", "CronJob", "ReplicaSet", "ReplicationController"];
    each(api, chosen(api, session, manifests, workloads, &kinds), "patch", &words, |sender| {
        let Some(live) = sender.live() else { return Outcome::Failed(sender.aim.not_found()) };
        match sender.patch(kind, patch.clone(), Options::of("kubectl-patch")) {
            Ok(patched) if patched == live => Outcome::Unchanged,
            Ok(_) => Outcome::Changed("patched"),
            Err(error) => Outcome::Failed(from_server(sender.aim, &error)),
        }
    })
}

/// `scale --replicas`
pub(super) fn scale(api: &mut impl Api, session: &Session<'_>, manifests: &[Value], workloads: &[String], replicas: i64) -> Vec<Performed> {
    let kinds = ["Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"];
    each(api, chosen(api, session, manifests, workloads, &kinds), "scale", &[format!("--replicas={replicas}")], |sender| {
        if sender.live().is_none() {
            return Outcome::Failed(sender.aim.not_found());
        }
        outcome(sender.aim, sender.patch_scale(json!({"spec": {"replicas": replicas}})), Outcome::Changed("scaled"), "")
    })
}

/// `delete`, with its dependents in the background or without them
pub(super) fn delete(api: &mut impl Api, session: &Session<'_>, objects: &[String], orphan: bool) -> Vec<Performed> {
    let aims = objects.iter().map(|reference| of_reference(api, reference, session)).collect();
    let (policy, flag) = if orphan { ("Orphan", vec!["--cascade=orphan".to_owned()]) } else { ("Background", Vec::new()) };
    each(api, aims, "delete", &flag, |sender| outcome(sender.aim, sender.delete(policy), Outcome::Deleted, ""))
}

/// `replace`, or with `force` delete and create: all are deleted before the first is made.
pub(super) fn replace(api: &mut impl Api, session: &Session<'_>, manifests: &[Value], force: bool, files: &[PathBuf]) -> Vec<Performed> {
    let flags: Vec<String> = if force { vec!["--force".into()] } else { Vec::new() };
    let line = command::with_files("replace", &flags, if files.is_empty() { session.given } else { files });
    let (mut performed, mut aims) = (Vec::new(), Vec::new());
    for manifest in manifests {
        match of_manifest(api, manifest, session) {
            Ok((aim, manifest)) => aims.push((aim, reannotated(manifest))),
            Err(why) => {
                performed.push(Performed::unsent(ObjectId::of(manifest), line.clone(), Outcome::Failed(format!("error: {why}"))));
            }
        }
    }
    if force {
        performed.extend(replace_by_force(api, &aims, &line));
        return performed;
    }
    for (aim, mut manifest) in aims {
        let mut sender = Sender::new(api, &aim);
        let version = sender.live().map(|live| text(&live, &["metadata", "resourceVersion"]).to_owned());
        if let Some(version) = version.filter(|_| text(&manifest, &["metadata", "resourceVersion"]).is_empty()) {
            map_at(&mut manifest, &["metadata"]).insert("resourceVersion".into(), version.into());
        }
        let replaced = sender.update(manifest, Options::strict("kubectl-replace"));
        performed.push(sender.done(line.clone(), outcome(&aim, replaced, Outcome::Changed("replaced"), "")));
    }
    performed
}

fn replace_by_force(api: &mut impl Api, aims: &[(Aim, Value)], line: &str) -> Vec<Performed> {
    let mut performed: Vec<Performed> = Vec::with_capacity(aims.len());
    for (aim, _) in aims {
        let mut sender = Sender::new(api, aim);
        let deleted = match sender.delete("Background") {
            Err(error) if error.code != 404 => Outcome::Failed(from_server(aim, &error)),
            _ if sender.live().is_some() => Outcome::Failed("error: timed out waiting for the condition".into()),
            _ => Outcome::Deleted,
        };
        performed.push(sender.done(line.to_owned(), deleted));
    }
    if performed.iter().any(|p| p.outcome.is_failure()) {
        return performed;
    }
    for ((aim, manifest), performed) in aims.iter().zip(&mut performed) {
        let mut sender = Sender::new(api, aim);
        let created = sender.create(manifest.clone(), Options::strict("kubectl-replace"));
        let created = sender.done(String::new(), outcome(aim, created, Outcome::Changed("replaced"), ""));
        performed.exchanges.extend(created.exchanges);
        performed.outcome = created.outcome;
    }
    performed
}

/// A manifest that carries the last-applied annotation gets it anew; others get none.
fn reannotated(manifest: Value) -> Value {
    if at(&manifest, &["metadata", "annotations", LAST_APPLIED]).is_some() { annotated(manifest) } else { manifest }
}

fn each<A: Api>(
    api: &mut A,
    aims: Vec<Result<Aim, String>>,
    verb: &str,
    words: &[String],
    mut run: impl FnMut(&mut Sender<'_, A>) -> Outcome,
) -> Vec<Performed> {
    let mut performed = Vec::with_capacity(aims.len());
    for aim in aims {
        performed.push(match aim {
            Ok(aim) => {
                let line = command::kubectl(verb, &aim, words);
                let mut sender = Sender::new(api, &aim);
                let outcome = run(&mut sender);
                sender.done(line, outcome)
            }
            Err(why) => Performed::unsent(ObjectId::default(), format!("kubectl {verb}"), Outcome::Failed(why)),
        });
    }
    performed
}
