//! `rollcast images sync`: the tenants that are behind get the platform's image, a few at a time, and nobody else rolls.

use super::args::{Sync, Tenants};
use super::predict::{self, Write};
use super::set::{over_budget, writable};
use super::sources::{self, Cluster};
use super::write::{self, Sent, Tally, line};
use crate::cli::console::{Console, Failure, environment};
use crate::cli::{CLEAN, FOUND};
use crate::cluster::{State, Writer};
use crate::diagnostic::Diagnostic;
use crate::fleet::images::SyncSettings;
use crate::fleet::{Agent, Fleet};
use crate::images::{self, Origin, PinnedFleet, Rollout, Selection, Standing, Tenant};
use crate::object::ObjectId;
use crate::report::Report;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

/// Whom to compare with what.
pub(super) struct Target {
    /// The image that everybody is to have.
    pub(super) image: String,
    /// Who are tenants.
    pub(super) selection: Selection,
    /// The container that gets the image.
    pub(super) container: String,
    /// Where the image comes from; none if the command line names it.
    pub(super) origin: Option<Origin>,
    /// `org-*/agent-*`
    pub(super) patterns: String,
}

/// Finds out the image and the selection; the image is refused if it can change under its name.
pub(super) fn target(options: &Tenants, cluster: &Cluster, fleet: Option<&Fleet>, console: &mut Console) -> Result<Target, Failure> {
    let choice = sources::choice(fleet);
    let settings = fleet.map(|f| f.image_settings.sync.clone()).unwrap_or_default();
    let customer = environment().remove("CUSTOMER_AGENT_IMAGE").filter(|image| !image.is_empty());
    let (image, origin) = match (options.image.clone(), customer) {
        (Some(image), _) => (pinned(image, fleet)?, None),
        (None, Some(image)) => {
            console.remark("CUSTOMER_AGENT_IMAGE is set: tenants are compared with it, not with the platform");
            (pinned(image, fleet)?, Some(Origin::Variable))
        }
        (None, None) => {
            let looked = sources::platform_of(cluster, fleet)?;
            looked.warn(console);
            console.remark(&format!("the platform has {} ({})", looked.image.image, looked.image.from));
            (looked.image.image, Some(Origin::Platform))
        }
    };
    let namespaces = options.namespaces.clone().unwrap_or(settings.namespaces);
    let workloads = options.workloads.clone().unwrap_or(settings.workloads);
    let container = options.container.clone().unwrap_or(choice.container);
    // What CUSTOMER_AGENT_IMAGE once set is not the platform's to change.
    let own: &[Origin] = if origin == Some(Origin::Platform) { &[Origin::Override, Origin::Variable] } else { &[Origin::Override] };
    // A fleet knows who its tenants are, unless somebody asks for others.
    let asked = options.namespaces.is_some() || options.workloads.is_some();
    let agents = fleet.into_iter().flat_map(|f| &f.agents).filter(|a| a.org.is_some() && !asked);
    let selection = Selection::new(&namespaces, &workloads, &container, own).including(agents.map(workload).collect());
    Ok(Target { image, selection, container, origin, patterns: format!("{namespaces}/{workloads}") })
}

fn pinned(image: String, fleet: Option<&Fleet>) -> Result<String, Diagnostic> {
    let reference =
        images::parse(&image).map_err(|why| Diagnostic::error("image-reference", format!("`{image}` is no image reference: {why}")))?;
    let rules = fleet.map(|f| f.image_settings.tags.clone()).unwrap_or_default();
    match images::mutable_by(&reference, &rules) {
        Some(why) => {
            let error = Diagnostic::error("image-mutable", format!("the image `{image}` can change under its name: {why}"));
            Err(error.hint("pinning tenants to it would pin them to nothing: name a commit, a full version or a digest"))
        }
        None => Ok(image),
    }
}

/// The tenants of a state, and what could not be read of them.
pub(super) fn standings<'s>(state: &'s State, target: &Target, fleet: Option<&Fleet>) -> (Vec<Tenant<'s>>, Vec<String>) {
    let own = own_images(fleet, &target.container);
    let found = images::tenants(state.objects.iter().map(|o| &**o), &target.selection, &target.image, &|id| own.get(id).cloned());
    let kinds = [("apps", "Deployment"), ("apps", "StatefulSet"), ("apps", "DaemonSet"), ("batch", "CronJob")];
    let unread =
        state.unreadable.iter().filter(|u| kinds.iter().any(|(group, kind)| *group == u.group && (*kind == u.kind || u.kind == "*")));
    (found, unread.map(ToString::to_string).collect())
}

/// The workload that an agent becomes.
fn workload(agent: &Agent) -> ObjectId {
    let (group, kind) = ("apps".into(), agent.kind.as_str().into());
    ObjectId { group, kind, namespace: agent.namespace.as_str().into(), name: agent.workload.as_str().into() }
}

/// Tenants that have an image of their own by the fleet file.
fn own_images(fleet: Option<&Fleet>, container: &str) -> BTreeMap<ObjectId, String> {
    let agents = fleet.into_iter().flat_map(|f| &f.agents).filter(|a| a.org.is_some());
    let own = agents.filter_map(|agent| {
        let image = agent.containers.iter().find(|c| c.name == container)?.image.as_ref()?;
        Some((workload(agent), format!("the fleet gives it `{}`", image.value)))
    });
    own.collect()
}

pub(super) fn run(options: &Sync, console: &mut Console) -> Result<u8, Failure> {
    let fleet = sources::fleet(&options.tenants.fleet, console)?;
    let file = sources::fleet_file(&options.tenants.fleet).unwrap_or_default();
    let cluster = sources::cluster(&options.tenants.cluster, fleet.as_ref(), &file)?;
    writable(&cluster, options.guard.dry_run)?;
    let target = target(&options.tenants, &cluster, fleet.as_ref(), console)?;
    let (state, connection) = cluster.state()?;
    let (tenants, unread) = standings(&state, &target, fleet.as_ref());
    if tenants.is_empty() && unread.is_empty() {
        console.remark(&format!("no workload is a tenant's: {} matches none", target.patterns));
    }
    let writes: Vec<Write> = tenants.iter().filter_map(|t| of_tenant(t, &target)).collect();
    let pace = Pace::new(options, fleet.as_ref().map(|f| f.image_settings.sync.clone()).unwrap_or_default());
    let budgets = fleet.map(|fleet| PinnedFleet { fleet, images: Vec::new(), sources: Vec::new(), notes: Vec::new() });
    let report = predict::predict(&state, &writes, budgets, &options.guard)?;
    let refusals = predict::refusals(&report);
    let refused = !refusals.is_empty() && !options.guard.force;
    let mut tally = told(&tenants, &unread, console)?;
    let writer = match connection.filter(|_| !options.guard.dry_run && !refused && !writes.is_empty()) {
        Some(connection) => Some(Writer::new(&connection)?),
        None => None,
    };
    match &writer {
        Some(writer) => waves(&writes, &tenants, writer, &pace, &mut tally, console)?,
        None => would(&writes, &report, options.guard.dry_run, &mut tally, console)?,
    }
    console.print(&tally.line())?;
    if refused {
        console.complain(&over_budget(&refusals).into());
    }
    let done = !refused && tally.failed == 0 && unread.is_empty();
    let all = writes.is_empty() || (writer.is_some() && tally.updated == writes.len());
    Ok(if done && all { CLEAN } else { FOUND })
}

/// The patch of a tenant that is behind.
fn of_tenant(tenant: &Tenant<'_>, target: &Target) -> Option<Write> {
    let Standing::Stale(changes) = &tenant.standing else { return None };
    let source = target.origin.map(|origin| images::noted(&target.container, origin));
    let patch = images::patch(tenant.object, changes, source.as_deref());
    Some(Write { id: tenant.id.clone(), patch, changes: changes.clone() })
}

/// Says who is left as it is, and why.
fn told(tenants: &[Tenant<'_>], unread: &[String], console: &mut Console) -> Result<Tally, Failure> {
    let mut tally = Tally { failed: unread.len(), ..Tally::default() };
    for why in unread {
        console.print(&format!("failed          {why}\n"))?;
    }
    for tenant in tenants {
        match &tenant.standing {
            Standing::Current => {
                tally.current += 1;
                let known = tenant.object.get("status").is_some();
                let detail = match images::rollout(tenant.object) {
                    Rollout::Going(why) | Rollout::Failed(why) if known => format!("its rollout has not ended: {why}"),
                    _ => String::new(),
                };
                line(console, "already-current", &tenant.id, &detail)?;
            }
            Standing::Skipped(why) => {
                tally.skipped += 1;
                line(console, "skipped", &tenant.id, why)?;
            }
            Standing::Stale(_) => {}
        }
    }
    Ok(tally)
}

/// Says what would be written.
fn would(writes: &[Write], report: &Report, dry_run: bool, tally: &mut Tally, console: &mut Console) -> Result<(), Failure> {
    let predicted = predict::sentences(report);
    for write in writes {
        tally.updated += usize::from(dry_run);
        let then = predict::of(&predicted, &write.id);
        line(console, "would-update", &write.id, &format!("{}: {then}", write::described(&write.changes)))?;
    }
    if dry_run {
        console.remark("dry run: nothing was written");
    }
    Ok(())
}

/// How fast it goes.
struct Pace {
    parallel: usize,
    unavailable: Option<usize>,
    stop_after: usize,
    timeout: Duration,
}

impl Pace {
    fn new(options: &Sync, settings: SyncSettings) -> Self {
        let number = |given: Option<u32>, usual: usize| given.map_or(usual, |n| n as usize);
        Self {
            parallel: number(options.max_parallel, settings.max_parallel),
            unavailable: options.max_unavailable.map(|n| n as usize).or(settings.max_unavailable),
            stop_after: number(options.stop_after, settings.stop_after),
            timeout: options.timeout,
        }
    }
}

/// Wave after wave: as many as may roll at a time, each wave only when the one before is well.
fn waves(
    writes: &[Write],
    tenants: &[Tenant<'_>],
    writer: &Writer,
    pace: &Pace,
    tally: &mut Tally,
    console: &mut Console,
) -> Result<(), Failure> {
    let mut lacking: BTreeSet<&ObjectId> = tenants.iter().filter(|t| images::lacks_pods(t.object)).map(|t| &t.id).collect();
    let mut left = writes;
    let mut failures = 0;
    while !left.is_empty() && failures < pace.stop_after {
        let next: Vec<&ObjectId> = left.iter().take(pace.parallel).map(|w| &w.id).collect();
        let (wave, rest) = left.split_at(wave_size(&next, &lacking, pace));
        if wave.is_empty() {
            let most = pace.unavailable.unwrap_or_default();
            console
                .remark(&format!("stopped: {} of the tenants' workloads are without all their pods, at most {most} may be", lacking.len()));
            break;
        }
        left = rest;
        for (write, failed) in roll(wave, writer, pace.timeout, tally, console)? {
            if failed {
                failures += 1;
                lacking.insert(&write.id);
            } else {
                lacking.remove(&write.id);
            }
        }
    }
    for write in left {
        tally.skipped += 1;
        line(console, "skipped", &write.id, &format!("{}: stopped before it; run again to go on", write::described(&write.changes)))?;
    }
    Ok(())
}

/// How many of those that are left may roll at the same time. One that lacks pods already is counted already.
fn wave_size(left: &[&ObjectId], lacking: &BTreeSet<&ObjectId>, pace: &Pace) -> usize {
    let mut room = pace.unavailable.map(|most| most.saturating_sub(lacking.len()));
    let mut size = 0;
    for id in left.iter().take(pace.parallel) {
        match &mut room {
            _ if lacking.contains(id) => {}
            Some(0) => break,
            Some(room) => *room -= 1,
            None => {}
        }
        size += 1;
    }
    size
}

/// Sends the patches of one wave, waits until all have rolled, and says what came of each; whether it failed.
fn roll<'w>(
    wave: &'w [Write],
    writer: &Writer,
    timeout: Duration,
    tally: &mut Tally,
    console: &mut Console,
) -> Result<Vec<(&'w Write, bool)>, Failure> {
    let (mut rolling, mut out) = (Vec::new(), Vec::new());
    for write in wave {
        let what = write::described(&write.changes);
        match write::send(writer, write) {
            Sent::Updated(_) => rolling.push(write),
            Sent::Gone => {
                tally.skipped += 1;
                line(console, "skipped", &write.id, "it is not there any more")?;
            }
            Sent::Failed(why) => {
                tally.failed += 1;
                line(console, "failed", &write.id, &format!("{what}: {why}"))?;
                out.push((write, true));
            }
        }
    }
    let ids: Vec<ObjectId> = rolling.iter().map(|w| w.id.clone()).collect();
    for (write, failed) in rolling.into_iter().zip(write::wait(writer, &ids, timeout)) {
        let what = write::described(&write.changes);
        match &failed {
            None => {
                tally.updated += 1;
                line(console, "updated", &write.id, &what)?;
            }
            Some(why) => {
                tally.failed += 1;
                line(console, "failed", &write.id, &format!("{what}: {why}"))?;
            }
        }
        out.push((write, failed.is_some()));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::{Pace, wave_size};
    use crate::object::ObjectId;
    use std::collections::BTreeSet;
    use std::time::Duration;

    #[test]
    fn a_wave_leaves_no_more_without_pods_than_allowed() {
        let ids: Vec<ObjectId> = (0..6).map(|n| ObjectId { name: n.to_string().as_str().into(), ..ObjectId::default() }).collect();
        let all: Vec<&ObjectId> = ids.iter().collect();
        let pace = |parallel, unavailable| Pace { parallel, unavailable, stop_after: 1, timeout: Duration::ZERO };
        let (none, two) = (BTreeSet::new(), BTreeSet::from([&ids[0], &ids[1]]));
        assert_eq!(wave_size(&all, &none, &pace(4, None)), 4);
        assert_eq!(wave_size(&all[..2], &none, &pace(4, None)), 2);
        assert_eq!(wave_size(&all, &none, &pace(4, Some(2))), 2);
        assert_eq!(wave_size(&all, &two, &pace(4, Some(3))), 3, "two that lack pods already, and one more");
        assert_eq!(wave_size(&all[2..], &two, &pace(4, Some(2))), 0, "others lack pods: no room");
    }
}
