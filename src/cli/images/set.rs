//! `rollcast images set`: each workload gets the images that it is to have, by one patch with just the stale ones.

use super::args::Set;
use super::predict::{self, Write};
use super::sources::{self, Cluster};
use super::write::{self, Sent, Tally, line};
use crate::cli::args::FleetFile;
use crate::cli::console::{Console, Failure};
use crate::cli::{CLEAN, FOUND, inputs};
use crate::cluster::{State, Writer};
use crate::diagnostic::{Diagnostic, nearest};
use crate::images::{self, CustomImages, PinnedFleet};
use crate::object::{Gvk, ObjectId, Value};
use crate::schema::{Schema, Version};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// The images that each workload is to have.
type Wanted = Vec<(ObjectId, BTreeMap<String, String>)>;

/// What is to become of one workload.
enum Plan {
    Skip(String),
    Current,
    Write(Write, Vec<String>),
    Unreadable(String),
}

pub(super) fn run(options: &Set, console: &mut Console) -> Result<u8, Failure> {
    let file = sources::fleet_file(&options.fleet);
    let asked = |fleet: PathBuf| FleetFile { fleet, environment: options.environment.clone(), locked: options.locked };
    let fleet = file.clone().map(|file| inputs::fleet(&asked(file), console)).transpose()?;
    let cluster = sources::cluster(&options.cluster, fleet.as_ref().map(|f| &f.fleet), &file.clone().unwrap_or_default())?;
    writable(&cluster, options.guard.dry_run)?;
    let of_context = match &cluster {
        Cluster::Live(connection) => connection.namespace.clone(),
        Cluster::Snapshot(_) => "default".to_owned(),
    };
    let namespace = options.namespace.clone().unwrap_or(of_context);
    let rendered = match (&fleet, &file) {
        (Some(pinned), Some(file)) => inputs::rendered(pinned, &asked(file.clone()))?.into_iter().map(|m| m.value).collect(),
        _ => Vec::new(),
    };
    let wanted = wanted(options, &rendered, fleet.as_ref(), &namespace)?;
    let (state, connection) = cluster.state()?;
    let live: BTreeMap<ObjectId, &Value> = state.objects.iter().map(|o| (ObjectId::of(o), &**o)).collect();
    let plans: Vec<(ObjectId, Plan)> =
        wanted.into_iter().map(|(id, wanted)| (id.clone(), plan(&id, live.get(&id).copied(), &wanted, &state))).collect();
    let writes: Vec<Write> =
        plans.iter().filter_map(|(_, plan)| if let Plan::Write(w, _) = plan { Some(w.clone()) } else { None }).collect();
    let report = predict::predict(&state, &writes, fleet, &options.guard)?;
    let refusals = predict::refusals(&report);
    let refused = !refusals.is_empty() && !options.guard.force;
    let writer = match connection.filter(|_| !options.guard.dry_run && !refused && !writes.is_empty()) {
        Some(connection) => Some(Writer::new(&connection)?),
        None => None,
    };
    let tally = carry_out(&plans, writer.as_ref(), options, &|id| predict::of(&report, id), console)?;
    console.print(&tally.line())?;
    if refused {
        console.complain(&over_budget(&refusals).into());
        return Ok(FOUND);
    }
    if options.guard.dry_run {
        console.remark("dry run: nothing was written");
    }
    let behind = options.guard.dry_run && tally.updated > 0;
    Ok(if tally.failed > 0 || behind { FOUND } else { CLEAN })
}

/// Only a live cluster can be written to.
pub(super) fn writable(cluster: &Cluster, dry_run: bool) -> Result<(), Diagnostic> {
    match cluster {
        Cluster::Snapshot(state) if !dry_run => {
            let error = Diagnostic::error("image-not-live", format!("{} is a snapshot: nothing can be written to it", state.source));
            Err(error.hint("`--dry-run` says what would be written; `--context NAME` names a live cluster"))
        }
        _ => Ok(()),
    }
}

/// What was predicted and is not allowed.
pub(super) fn over_budget(refusals: &[String]) -> Diagnostic {
    let error = Diagnostic::error("image-over-budget", "nothing was written: the simulator says that it would cost more than allowed");
    let error = refusals.iter().take(20).fold(error, |error, why| error.hint(why.clone()));
    error.hint("`--force` writes all the same; `budget` of an agent says what it may cost")
}

/// Which workloads, and the images of each.
fn wanted(options: &Set, rendered: &[Value], fleet: Option<&PinnedFleet>, namespace: &str) -> Result<Wanted, Failure> {
    let given: BTreeMap<String, String> = options.image.iter().cloned().collect();
    let known: BTreeMap<ObjectId, BTreeMap<String, String>> = rendered.iter().filter_map(of_manifest).collect();
    if options.workloads.is_empty() {
        if fleet.is_none() {
            let error = Diagnostic::error("image-no-workloads", "no workload is named and there is no fleet.toml");
            return Err(error.hint("name one, `deployment/NAMESPACE/NAME`, or a fleet with `--fleet FILE`").into());
        }
        let chosen = |images: BTreeMap<String, String>| -> BTreeMap<String, String> {
            if given.is_empty() {
                return images;
            }
            images.into_keys().filter_map(|c| given.get(&c).map(|image| (c.clone(), image.clone()))).collect()
        };
        let all = known.into_iter().map(|(id, images)| (id, chosen(images)));
        return Ok(all.filter(|(_, images)| !images.is_empty()).collect());
    }
    let mut out = Wanted::new();
    for written in &options.workloads {
        let id = reference(written, namespace)?;
        let images = if given.is_empty() { known.get(&id).cloned() } else { Some(given.clone()) };
        let Some(images) = images else {
            let error = Diagnostic::error("image-no-workloads", format!("the fleet has no {id}, and no image is given for it"));
            let near = nearest(&id.name, known.keys().map(|k| k.name.as_str())).map(|n| format!("did you mean `{n}`?"));
            return Err(error.hint(near.unwrap_or_else(|| "`--image CONTAINER=IMAGE` gives one".into())).into());
        };
        out.push((id, images));
    }
    Ok(out)
}

/// The containers of a workload's manifest, with their images; none of what is no workload.
fn of_manifest(manifest: &Value) -> Option<(ObjectId, BTreeMap<String, String>)> {
    let id = ObjectId::of(manifest);
    let rolls = matches!(id.kind.as_str(), "Deployment" | "StatefulSet" | "DaemonSet" | "CronJob" | "ReplicaSet" | "ReplicationController");
    let images = images::places(manifest, &CustomImages::default());
    let images = images.into_iter().filter(|p| p.list == "containers" || p.list == "initContainers");
    rolls.then(|| (id, images.map(|p| (p.container.to_owned(), p.image.to_owned())).collect()))
}

/// `deployment/x`, `sts/agents/db`: in kubectl's spellings.
fn reference(written: &str, namespace: &str) -> Result<ObjectId, Diagnostic> {
    let parts: Vec<&str> = written.split('/').collect();
    let (kind, namespace, name) = match parts[..] {
        [kind, name] if !name.is_empty() => (kind, namespace, name),
        [kind, namespace, name] if !name.is_empty() && !namespace.is_empty() => (kind, namespace, name),
        _ => {
            let error = Diagnostic::error("image-no-workloads", format!("`{written}` names no workload"));
            return Err(error.hint("write `deployment/NAME` or `deployment/NAMESPACE/NAME`"));
        }
    };
    let word = kind.to_ascii_lowercase();
    let word = word.split('.').next().unwrap_or_default();
    let found = Schema::of(Version::default()).resources().iter().find(|r| {
        let named = r.resource == word || r.singular == word || r.short.iter().any(|s| s == word);
        named && images::pod_spec_path(&Gvk::new(&format!("{}/v1", r.group), &r.kind)).is_some()
    });
    let resource = found.ok_or_else(|| {
        Diagnostic::error("image-no-workloads", format!("`{kind}` in `{written}` is no kind of workload"))
            .hint("there are deployment, statefulset, daemonset, cronjob, replicaset and replicationcontroller")
    })?;
    let (group, kind) = (resource.group.as_str().into(), resource.kind.as_str().into());
    Ok(ObjectId { group, kind, namespace: namespace.into(), name: name.into() })
}

fn plan(id: &ObjectId, live: Option<&Value>, wanted: &BTreeMap<String, String>, state: &State) -> Plan {
    let Some(live) = live else {
        return match state.unknown(&id.group, &id.kind, &id.namespace) {
            Some(why) => Plan::Unreadable(format!("it could not be read: {why}")),
            None => Plan::Skip("it is not there".into()),
        };
    };
    let compared = images::compare(live, wanted);
    if !compared.stale.is_empty() {
        let patch = images::patch(live, &compared.stale, None);
        return Plan::Write(Write { id: id.clone(), patch, changes: compared.stale }, compared.absent);
    }
    if compared.current.is_empty() {
        return Plan::Skip(format!("it has no container {}", named(&compared.absent)));
    }
    Plan::Current
}

fn named(containers: &[String]) -> String {
    containers.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ")
}

/// Sends what is to be sent, if there is somebody to send it to, and says each.
fn carry_out(
    plans: &[(ObjectId, Plan)],
    writer: Option<&Writer>,
    options: &Set,
    predicted: &dyn Fn(&ObjectId) -> Option<String>,
    console: &mut Console,
) -> Result<Tally, Failure> {
    let mut tally = Tally::default();
    for (id, plan) in plans {
        match plan {
            Plan::Skip(why) => {
                tally.skipped += 1;
                line(console, "skipped", id, why)?;
            }
            Plan::Current => {
                tally.current += 1;
                line(console, "already-current", id, "")?;
            }
            Plan::Unreadable(why) => {
                tally.failed += 1;
                line(console, "failed", id, why)?;
            }
            Plan::Write(write, absent) => {
                let without = if absent.is_empty() { String::new() } else { format!("; it has no container {}", named(absent)) };
                let what = format!("{}{without}", write::described(&write.changes));
                let Some(writer) = writer else {
                    tally.updated += usize::from(options.guard.dry_run);
                    line(console, "would-update", id, &format!("{what}: {}", predicted(id).unwrap_or_else(|| "no pods roll".into())))?;
                    continue;
                };
                let failed = match write::send(writer, write) {
                    Sent::Updated(_) if options.wait => write::wait(writer, std::slice::from_ref(id), options.timeout).remove(0),
                    Sent::Updated(_) => None,
                    Sent::Gone => {
                        tally.skipped += 1;
                        line(console, "skipped", id, "it is not there any more")?;
                        continue;
                    }
                    Sent::Failed(why) => Some(why),
                };
                match failed {
                    None => {
                        tally.updated += 1;
                        line(console, "updated", id, &what)?;
                    }
                    Some(why) => {
                        tally.failed += 1;
                        line(console, "failed", id, &format!("{what}: {why}"))?;
                    }
                }
            }
        }
    }
    Ok(tally)
}
