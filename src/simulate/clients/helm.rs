//! `helm upgrade`: a client-side three-way patch where the previous revision's manifests are known, else server-side apply.
//!
//! Follows helm/helm `pkg/kube/client.go` (`Update`, `createPatch`, `patchResourceServerSide`, `upgradeClientSideFieldManager`)
//! of Helm 4. Which of the two ways a release goes is its own property (`--server-side=auto` keeps it): it needs the previous
//! manifests for the first, so whoever gives them chooses it, and without them it is the second, the default of new releases.
//! A release that goes the second way after the first hands its fields over before it applies.

use super::applying::Wanted;
use super::client_side::{patch_or_leave, three_way};
use super::managers;
use super::objects::of_manifest;
use super::sender::{Options, Sender, from_server, outcome};
use super::{Api, Outcome, Performed, Session, command};
use crate::object::{Map, ObjectId, Value, at, map_at, text};
use crate::simulate::request::PatchKind;
use std::collections::{BTreeMap, BTreeSet};

/// Upgrades the release to the manifests: one that cannot be created ends it, one that cannot be updated does not.
pub(super) fn upgrade(
    api: &mut impl Api,
    found: Vec<Result<Wanted, (ObjectId, String)>>,
    session: &Session<'_>,
    manager: &str,
    force: bool,
) -> Vec<Performed> {
    let line = format!("helm upgrade {} CHART -n {}", command::quoted(or(session.release, "RELEASE")), command::quoted(session.namespace));
    let previous: Option<BTreeMap<ObjectId, Wanted>> = session.previous_release.map(|manifests| {
        let found = manifests.iter().filter_map(|manifest| of_manifest(api, manifest, session).ok());
        found.map(|(aim, manifest)| (aim.id.clone(), (aim, manifest))).collect()
    });
    let (mut performed, mut kept, mut ended) = (Vec::with_capacity(found.len()), BTreeSet::new(), false);
    for found in found {
        let (aim, manifest) = match found {
            Ok(wanted) => wanted,
            Err((id, why)) => {
                // Helm reads all manifests before it sends anything.
                return vec![Performed::unsent(id, line, Outcome::Failed(format!("Error: unable to build kubernetes objects: {why}")))];
            }
        };
        kept.insert(aim.id.clone());
        if ended {
            performed.push(Performed::unsent(
                aim.id,
                line.clone(),
                Outcome::Skipped("helm stops at an object that it cannot create".into()),
            ));
            continue;
        }
        let mut sender = Sender::new(api, &aim);
        let is_new = sender.live().is_none();
        let manifest = labelled(manifest, sender.live().as_deref(), session);
        let outcome = match &previous {
            Some(previous) => client_side(&mut sender, &manifest, previous.get(&aim.id).map(|(_, manifest)| manifest), manager),
            None => server_side(&mut sender, &manifest, manager, force),
        };
        ended = is_new && outcome.is_failure();
        performed.push(sender.done(line.clone(), outcome));
    }
    if !ended {
        let gone = previous.into_iter().flatten().filter(|(id, _)| !kept.contains(id));
        performed.extend(gone.map(|(_, (aim, manifest))| remove(api, &aim, &manifest, &line)));
    }
    performed
}

fn client_side<A: Api>(sender: &mut Sender<'_, A>, manifest: &Value, previous: Option<&Value>, manager: &str) -> Outcome {
    let options = Options::of(manager);
    let Some(live) = sender.live() else {
        return outcome(sender.aim, sender.create(manifest.clone(), options), Outcome::Created, "");
    };
    let original = previous.unwrap_or(&live);
    let (schema, resource) = (sender.api.schema(), &sender.aim.resource);
    let patch = three_way(schema, resource, original, manifest, &live).map(|(kind, patch)| match kind {
        // Kinds without a strategic patch get what changed between the two revisions, whatever the live object has.
        PatchKind::Merge => (kind, crate::apply::strategic_diff::two_way_json(original, manifest)),
        _ => (kind, patch),
    });
    patch_or_leave(sender, patch, options)
}

fn server_side<A: Api>(sender: &mut Sender<'_, A>, manifest: &Value, manager: &str, force: bool) -> Outcome {
    let live = sender.live();
    let upgrade = live.as_ref().and_then(|live| managers::upgrade(live, &[manager.to_owned()], manager));
    if let Some(patch) = upgrade
        && let Err(error) = sender.patch(PatchKind::Json, patch, Options::strict(manager))
    {
        return Outcome::Failed(from_server(sender.aim, &error));
    }
    let done = if live.is_none() { Outcome::Created } else { Outcome::Configured };
    outcome(
        sender.aim,
        sender.patch(PatchKind::Apply, manifest.clone(), Options { force: Some(force), ..Options::strict(manager) }),
        done,
        "",
    )
}

/// What the release had and has no longer is deleted, unless it asks to be kept.
fn remove(api: &mut impl Api, aim: &super::objects::Aim, manifest: &Value, line: &str) -> Performed {
    let mut sender = Sender::new(api, aim);
    let Some(live) = sender.live() else {
        return sender.done(line.to_owned(), Outcome::Skipped("it is gone already".into()));
    };
    let keeps = |object: &Value| text(object, &["metadata", "annotations", "helm.sh/resource-policy"]) == "keep";
    if keeps(&live) || keeps(manifest) {
        return sender.done(line.to_owned(), Outcome::Skipped("its resource policy is `keep`".into()));
    }
    let deleted = sender.delete("Background");
    sender.done(line.to_owned(), outcome(aim, deleted, Outcome::Deleted, ""))
}

/// The manifest with the marks of its release, as Helm puts them on the object itself and never on a pod template.
fn labelled(mut manifest: Value, live: Option<&Value>, session: &Session<'_>) -> Value {
    const MARKS: [&str; 2] = ["meta.helm.sh/release-name", "meta.helm.sh/release-namespace"];
    let of_live =
        |mark: &str| live.and_then(|live| at(live, &["metadata", "annotations", mark])).and_then(Value::as_str).unwrap_or_default();
    let name = or(session.release, of_live(MARKS[0])).to_owned();
    let namespace = if session.release.is_empty() { of_live(MARKS[1]) } else { session.namespace }.to_owned();
    if !name.is_empty() {
        let annotations: &mut Map = map_at(&mut manifest, &["metadata", "annotations"]);
        annotations.insert(MARKS[0].into(), name.into());
        annotations.insert(MARKS[1].into(), namespace.into());
        map_at(&mut manifest, &["metadata", "labels"]).insert("app.kubernetes.io/managed-by".into(), "Helm".into());
    }
    manifest
}

fn or<'t>(text: &'t str, other: &'t str) -> &'t str {
    if text.is_empty() { other } else { text }
}
