//! `rollcast images drift`: who is behind the platform, by how many releases, and since when. Writes nothing.

use super::args::Drift;
use super::sync::{self, Target};
use super::{lock, output, sources};
use crate::cli::console::{Console, Failure};
use crate::cli::{CLEAN, FOUND};
use crate::cluster::State;
use crate::images::{self, Behind, Release, Standing, Tenant};
use crate::object::{Value, items, json, text};
use std::collections::BTreeSet;
use std::time::Duration;

/// How long one answer of a registry may take.
const TIMEOUT: Duration = Duration::from_secs(15);

pub(super) fn run(options: &Drift, console: &mut Console) -> Result<u8, Failure> {
    let fleet = sources::fleet(&options.tenants.fleet, console)?;
    let file = sources::fleet_file(&options.tenants.fleet).unwrap_or_default();
    let cluster = sources::cluster(&options.tenants.cluster, fleet.as_ref(), &file)?;
    let target = sync::target(&options.tenants, &cluster, fleet.as_ref(), console)?;
    let choice = sources::choice(fleet.as_ref());
    let (state, _) = cluster.state()?;
    let (tenants, unread) = sync::standings(&state, &target, fleet.as_ref());
    let history = images::history(state.objects.iter().map(|o| &**o), &choice.namespace, &choice.deployment, &choice.container);
    let tags = tags(options, &target, &tenants, &history)?;
    let found: Vec<Value> = tenants.iter().map(|t| entry(t, &state, &target, &history, &tags, options.registry)).collect();
    let count = |standing: &str| found.iter().filter(|e| e["standing"] == standing).count();
    let (behind, current, skipped) = (count("behind"), count("current"), count("skipped"));
    let code = if behind == 0 && unread.is_empty() { CLEAN } else { FOUND };
    if output::print(&options.output, || json!({ "platform": target.image, "items": found, "unread": unread }), console)? {
        return Ok(code);
    }
    for why in &unread {
        console.print(&format!("not read: {why}\n"))?;
    }
    let mut rows = Vec::new();
    for (tenant, entry) in tenants.iter().zip(&found).filter(|(_, e)| e["standing"] != "current") {
        rows.push(vec![tenant.id.to_string(), tenant.image.clone(), sentence(entry)]);
    }
    console.print(&output::table(&rows))?;
    console.print(&format!("behind={behind} current={current} skipped={skipped}\n"))?;
    Ok(code)
}

/// The tags that are known of the repository: what runs, what the platform ran, and what the registry has, if it is to be asked.
fn tags(options: &Drift, target: &Target, tenants: &[Tenant<'_>], history: &[Release]) -> Result<Vec<String>, Failure> {
    let Ok(platform) = images::parse(&target.image) else { return Ok(Vec::new()) };
    let seen = tenants.iter().map(|t| t.image.as_str()).chain(history.iter().map(|r| r.image.as_str()));
    let of_repository =
        seen.filter_map(|image| images::parse(image).ok().filter(|r| (r.host(), r.path()) == (platform.host(), platform.path())));
    let mut tags: BTreeSet<String> = of_repository.filter_map(|r| r.tag.map(str::to_owned)).collect();
    if options.registry {
        let mut registries = lock::registries(&options.plain_http, TIMEOUT);
        let listed = lock::runtime()?.block_on(registries.tags(&platform));
        tags.extend(listed.map_err(|error| lock::refused(&target.image, &error))?);
    }
    Ok(tags.into_iter().collect())
}

fn entry(tenant: &Tenant<'_>, state: &State, target: &Target, history: &[Release], tags: &[String], all_known: bool) -> Value {
    let (standing, why) = match &tenant.standing {
        Standing::Current => ("current", None),
        Standing::Stale(_) => ("behind", None),
        Standing::Skipped(why) => ("skipped", Some(why.clone())),
    };
    let Behind { releases, exact, since } = match &tenant.standing {
        Standing::Stale(_) => images::behind(&tenant.image, &target.image, history, tags, all_known),
        _ => Behind::default(),
    };
    json!({
        "object": tenant.id.to_string(), "kind": tenant.id.kind, "namespace": tenant.id.namespace, "name": tenant.id.name,
        "image": tenant.image, "standing": standing, "why": why, "releases": releases, "exact": exact, "since": since,
        "running_since": running_since(tenant, state, &target.container),
    })
}

/// When the image that a Deployment has was rolled out: its ReplicaSet's age.
fn running_since(tenant: &Tenant<'_>, state: &State, container: &str) -> Option<String> {
    let uid = text(tenant.object, &["metadata", "uid"]);
    let owned = |set: &&Value| {
        text(set, &["kind"]) == "ReplicaSet" && items(set, &["metadata", "ownerReferences"]).iter().any(|o| text(o, &["uid"]) == uid)
    };
    let sets = state.objects.iter().map(|o| &**o).filter(owned).filter(|_| !uid.is_empty());
    let same = sets.filter(|set| {
        let containers = items(set, &["spec", "template", "spec", "containers"]);
        containers.iter().any(|c| text(c, &["name"]) == container && text(c, &["image"]) == tenant.image)
    });
    same.map(|set| text(set, &["metadata", "creationTimestamp"]).to_owned()).filter(|t| !t.is_empty()).min()
}

/// `3 releases behind since 2026-11-02T10:00:00Z`
fn sentence(entry: &Value) -> String {
    if let Some(why) = entry["why"].as_str() {
        return format!("left alone: {why}");
    }
    let releases = |n: i64| if n == 1 { "1 release".to_owned() } else { format!("{n} releases") };
    let least = if entry["exact"] == true { "" } else { "at least " };
    let behind = match entry["releases"].as_i64() {
        Some(n) if n > 0 => format!("{least}{} behind", releases(n)),
        Some(n) if n < 0 => format!("{least}{} ahead", releases(-n)),
        _ => "behind, by how many releases is not known".to_owned(),
    };
    let since = entry["since"].as_str().map(|t| format!(" since {t}")).unwrap_or_default();
    let running = entry["running_since"].as_str().map(|t| format!(" (rolled out {t})")).unwrap_or_default();
    format!("{behind}{since}{running}")
}
