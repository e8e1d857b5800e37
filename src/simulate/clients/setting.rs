//! `kubectl set image`, `set env` and `set resources`: read, change the pod spec, send the difference.
//!
//! Follows kubectl `pkg/cmd/set/{set_image,set_env,set_resources,helper}.go`.

use super::objects::{Aim, aim_of, chosen, pod_spec_path};
use super::sender::{Options, Sender, outcome};
use super::{Api, Outcome, Performed, Session, command};
use crate::apply::strategic_diff;
use crate::object::quantity::Quantity;
use crate::object::{Gvk, Map, ObjectId, Value, at, items, map_at, text};
use crate::simulate::request::PatchKind;
use std::collections::BTreeMap;

/// The kinds that an empty list of workloads stands for. A Job's template cannot change and a bare Pod is nobody's workload.
const KINDS: [&str; 6] = ["Deployment", "StatefulSet", "DaemonSet", "CronJob", "ReplicaSet", "ReplicationController"];
/// Both lists of containers that kubectl looks at.
const LISTS: [&str; 2] = ["initContainers", "containers"];
/// kubectl's manager of these commands.
const MANAGER: &str = "kubectl-set";

/// Which images are set.
pub(super) struct Images<'a> {
    pub(super) containers: &'a [String],
    pub(super) images: &'a BTreeMap<String, String>,
    pub(super) workloads: &'a [String],
}

/// `set image`, once for each workload that has one of the containers: from the overrides, else from its manifest.
pub(super) fn images(api: &mut impl Api, session: &Session<'_>, manifests: &[Value], wanted: &Images<'_>) -> Vec<Performed> {
    let rendered = manifests.iter().filter(|manifest| pod_spec_path(&Gvk::of(manifest)).is_some());
    let rendered: BTreeMap<ObjectId, &Value> =
        rendered.filter_map(|manifest| aim_of(api, manifest, session).ok().map(|aim| (aim.id, manifest))).collect();
    let mut performed = Vec::new();
    for aim in chosen(api, session, manifests, wanted.workloads, &KINDS) {
        let aim = match aim {
            Ok(aim) => aim,
            Err(why) => {
                performed.push(Performed::unsent(ObjectId::default(), "kubectl set image".into(), Outcome::Failed(why)));
                continue;
            }
        };
        let source = rendered.get(&aim.id).map_or_else(|| api.get(&aim.id), |manifest| Some((*manifest).clone().into()));
        let known = rendered.contains_key(&aim.id);
        let pairs = source.map_or_else(|| override_pairs(wanted), |source| pairs(&source, wanted, known));
        let words: Vec<String> = pairs.iter().map(|(name, image)| format!("{name}={image}")).collect();
        let line = command::kubectl("set image", &aim, &words);
        if pairs.is_empty() {
            let why = Outcome::Skipped("it has none of the containers whose images are set".into());
            performed.push(Performed::unsent(aim.id, line, why));
            continue;
        }
        let mut sender = Sender::new(api, &aim);
        let mut missing = None;
        let done = edit(&mut sender, "image updated", "failed to patch image update to pod template", |spec| {
            for (name, image) in &pairs {
                let mut found = false;
                each_container(spec, name, |container| {
                    found = true;
                    container.insert("image".into(), image.clone().into());
                });
                if !found {
                    missing.get_or_insert_with(|| format!("error: unable to find container named {name:?}"));
                }
            }
        });
        let outcome = match missing {
            Some(why) if !done.is_failure() => Outcome::Failed(why),
            _ => done,
        };
        performed.push(sender.done(line, outcome));
    }
    performed
}

/// Container and image, of those containers of a workload that are to be set.
fn pairs(workload: &Value, wanted: &Images<'_>, from_itself: bool) -> Vec<(String, String)> {
    let Some(spec) = pod_spec_path(&Gvk::of(workload)).and_then(|path| at(workload, path)) else { return Vec::new() };
    let chosen = |name: &str| wanted.containers.is_empty() || wanted.containers.iter().any(|c| c == name);
    let all = LISTS.iter().flat_map(|list| items(spec, &[list]));
    all.map(|container| (text(container, &["name"]), text(container, &["image"])))
        .filter(|(name, _)| chosen(name))
        .filter_map(|(name, own)| {
            let image = wanted.images.get(name).map(String::as_str).or(Some(own).filter(|image| from_itself && !image.is_empty()))?;
            Some((name.to_owned(), image.to_owned()))
        })
        .collect()
}

fn override_pairs(wanted: &Images<'_>) -> Vec<(String, String)> {
    let chosen = |name: &String| wanted.containers.is_empty() || wanted.containers.contains(name);
    wanted.images.iter().filter(|(name, _)| chosen(name)).map(|(name, image)| (name.clone(), image.clone())).collect()
}

/// `set env`. kubectl takes one container (`-c`) or all of them, so several named ones are as many commands.
pub(super) fn env(
    api: &mut impl Api,
    session: &Session<'_>,
    manifests: &[Value],
    workloads: &[String],
    containers: &[String],
    env: &BTreeMap<String, Option<String>>,
) -> Vec<Performed> {
    let words: Vec<String> = env
        .iter()
        .map(|(name, value)| match value {
            Some(value) => format!("{name}={value}"),
            None => format!("{name}-"),
        })
        .collect();
    each_command(api, session, manifests, workloads, containers, |sender, container| {
        let line = command::kubectl("set env", sender.aim, &[container_flag(container), words.clone()].concat());
        let mut found = false;
        let done = edit(sender, "env updated", "failed to patch env update to pod template", |spec| {
            each_container(spec, container, |container| {
                found = true;
                update_env(container, env);
            });
        });
        let none = !found && matches!(done, Outcome::Unchanged);
        (line, if none { Outcome::Skipped(format!("it does not have any containers matching {container:?}")) } else { done })
    })
}

/// Variables that are there keep their place, new ones come last; one that is removed goes wherever it stands.
fn update_env(container: &mut Map, env: &BTreeMap<String, Option<String>>) {
    let variable = |name: &str, value: &str| {
        let mut variable = Map::from_iter([("name".to_owned(), name.into())]);
        if !value.is_empty() {
            variable.insert("value".into(), value.into());
        }
        Value::Object(variable)
    };
    let (mut out, mut covered) = (Vec::new(), Vec::new());
    for old in container.get("env").and_then(Value::as_array).into_iter().flatten() {
        let name = text(old, &["name"]);
        match env.get(name) {
            _ if covered.contains(&name) => {}
            None => out.push(old.clone()),
            Some(None) => {}
            Some(Some(value)) => {
                covered.push(name);
                out.push(variable(name, value));
            }
        }
    }
    for (name, value) in env {
        if let Some(value) = value.as_ref().filter(|_| !covered.contains(&name.as_str())) {
            out.push(variable(name, value));
        }
    }
    if out.is_empty() {
        container.shift_remove("env");
    } else {
        container.insert("env".into(), out.into());
    }
}

/// The quantities of `set resources`.
pub(super) struct Amounts<'a> {
    pub(super) requests: &'a BTreeMap<String, String>,
    pub(super) limits: &'a BTreeMap<String, String>,
}

/// `set resources`; quantities are sent as kubectl reads them.
pub(super) fn resources(
    api: &mut impl Api,
    session: &Session<'_>,
    manifests: &[Value],
    workloads: &[String],
    containers: &[String],
    amounts: &Amounts<'_>,
) -> Vec<Performed> {
    let lists = [("limits", amounts.limits), ("requests", amounts.requests)];
    let words: Vec<String> = lists
        .iter()
        .filter(|(_, list)| !list.is_empty())
        .map(|(name, list)| format!("--{name}={}", list.iter().map(|(k, v)| format!("{k}={v}")).collect::<Vec<_>>().join(",")))
        .collect();
    each_command(api, session, manifests, workloads, containers, |sender, container| {
        let line = command::kubectl("set resources", sender.aim, &[container_flag(container), words.clone()].concat());
        let mut read = Vec::new();
        for (list, key, value) in lists.iter().flat_map(|(list, amounts)| amounts.iter().map(move |(key, value)| (*list, key, value))) {
            match Quantity::parse(value) {
                Ok(quantity) => read.push((list, key, quantity.to_string())),
                Err(error) => return (line, Outcome::Failed(format!("error: {error}"))),
            }
        }
        let mut found = false;
        let done = edit(sender, "resource requirements updated", "failed to patch resources update to pod template", |spec| {
            each_container(spec, container, |container| {
                found = true;
                let mut whole = Value::Object(std::mem::take(container));
                for (list, key, quantity) in &read {
                    map_at(&mut whole, &["resources", list]).insert((*key).clone().into(), quantity.clone().into());
                }
                *container = std::mem::take(map_at(&mut whole, &[]));
            });
        });
        let why = || format!("error: unable to find container named {container}");
        match (found || done.is_failure(), workloads.is_empty()) {
            (true, _) => (line, done),
            (false, true) => (line, Outcome::Skipped(why())),
            (false, false) => (line, Outcome::Failed(why())),
        }
    })
}

fn container_flag(container: &str) -> Vec<String> {
    if container == "*" { Vec::new() } else { vec!["-c".into(), container.into()] }
}

/// Runs a command for each workload and each container that is named.
fn each_command<A: Api>(
    api: &mut A,
    session: &Session<'_>,
    manifests: &[Value],
    workloads: &[String],
    containers: &[String],
    mut run: impl FnMut(&mut Sender<'_, A>, &str) -> (String, Outcome),
) -> Vec<Performed> {
    let mut performed = Vec::new();
    for aim in chosen(api, session, manifests, workloads, &KINDS) {
        let aim = match aim {
            Ok(aim) => aim,
            Err(why) => {
                performed.push(Performed::unsent(ObjectId::default(), "kubectl set".into(), Outcome::Failed(why)));
                continue;
            }
        };
        let every = ["*".to_owned()];
        for container in if containers.is_empty() { &every } else { containers } {
            let mut sender = Sender::new(api, &aim);
            let (line, outcome) = run(&mut sender, container);
            performed.push(sender.done(line, outcome));
        }
    }
    performed
}

/// Calls `change` for every container and init container of that name; `*` is any.
fn each_container(spec: &mut Map, name: &str, mut change: impl FnMut(&mut Map)) {
    for list in LISTS {
        let containers = spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for container in containers.filter_map(Value::as_object_mut) {
            if name == "*" || container.get("name").is_some_and(|n| n == name) {
                change(container);
            }
        }
    }
}

/// Sends what `change` changes in the pod spec, if anything.
fn edit<A: Api>(sender: &mut Sender<'_, A>, done: &'static str, doing: &str, change: impl FnOnce(&mut Map)) -> Outcome {
    let aim: &Aim = sender.aim;
    let Some(live) = sender.live() else { return Outcome::Failed(aim.not_found()) };
    let (Some(path), Some(ty)) = (pod_spec_path(&Gvk::of(&live)), &aim.resource.ty) else {
        let name = format!("{}/{}", aim.resource.resource, aim.id.name);
        return Outcome::Failed(format!("error: {name} the object is not a pod or does not have a pod template"));
    };
    let mut changed = (*live).clone();
    change(map_at(&mut changed, path));
    match strategic_diff::two_way(sender.api.schema(), ty, &live, &changed) {
        Err(error) => Outcome::Failed(format!("error: {error}")),
        Ok(patch) if patch.as_object().is_none_or(Map::is_empty) => Outcome::Unchanged,
        Ok(patch) => outcome(sender.aim, sender.patch(PatchKind::Strategic, patch, Options::of(MANAGER)), Outcome::Changed(done), doing),
    }
}
