//! The namespaces of a fleet: who lives there, what they may use, and whether the pods of those who do fit into it.

use super::agent::{Agent, VolumeKind};
use super::bundle::LimitsFile;
use super::file::{Amount, Named, ResourcesFile, WorkloadKind};
use super::read::{At, Reader};
use crate::object::quantity::Quantity;
use std::collections::BTreeMap;
use std::ops::Range;

/// A namespace of the fleet.
#[derive(Clone, Debug, PartialEq)]
pub struct Space {
    /// Its name.
    pub name: String,
    /// The organisation that it is for.
    pub org: Option<String>,
    /// The only agent that lives there, where each has its own.
    pub role: Option<String>,
    /// Further labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it has a bundle.
    pub bundle: bool,
    /// Whether one of its agents must not be reaped.
    pub protected: bool,
    /// Whether the pods of all its agents meet the `restricted` Pod Security Standard.
    pub restricted: bool,
    /// What all its pods together may use: resource to quantity.
    pub quota: BTreeMap<String, String>,
    /// What one container may use.
    pub limits: Limits,
}

/// What a LimitRange says of containers: resource to quantity each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// Limits of a container that says none.
    pub default: BTreeMap<String, String>,
    /// Requests of a container that says none.
    pub default_request: BTreeMap<String, String>,
    /// No limit is higher.
    pub max: BTreeMap<String, String>,
    /// No request is lower.
    pub min: BTreeMap<String, String>,
}

/// What the file says of a namespace that agents share.
#[derive(Default)]
pub(super) struct Shared<'f> {
    /// Whether its name is the same for all.
    pub(super) shared: bool,
    /// Where it belongs, for messages: `[fleet]`.
    pub(super) home: String,
    /// Labels of its objects.
    pub(super) labels: Option<&'f BTreeMap<String, String>>,
    /// Its quota.
    pub(super) quota: Option<&'f At<Named<Amount>>>,
    /// Its limits.
    pub(super) limits: Option<&'f At<LimitsFile>>,
}

/// The resources of which containers say what they ask for, and what a quota calls them.
const COUNTED: [(&str, &str, Side); 6] = [
    ("requests.cpu", "cpu", Side::Requests),
    ("requests.memory", "memory", Side::Requests),
    ("requests.ephemeral-storage", "ephemeral-storage", Side::Requests),
    ("limits.cpu", "cpu", Side::Limits),
    ("limits.memory", "memory", Side::Limits),
    ("limits.ephemeral-storage", "ephemeral-storage", Side::Limits),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Side {
    Requests,
    Limits,
}

/// The namespaces of agents that live in them, by name. `shared` tells what the file says of an agent's namespace.
pub(super) fn spaces<'f>(agents: &[Agent], shared: impl Fn(&Agent) -> Shared<'f>, reader: &mut Reader<'_>) -> Vec<Space> {
    let mut by_name: BTreeMap<&str, Vec<&Agent>> = BTreeMap::new();
    for agent in agents {
        by_name.entry(&agent.namespace).or_default().push(agent);
    }
    by_name.into_iter().map(|(name, agents)| space(name, &agents, &shared(agents[0]), reader)).collect()
}

fn space(name: &str, agents: &[&Agent], told: &Shared<'_>, reader: &mut Reader<'_>) -> Space {
    let first = agents[0];
    let bundle = first.bundle;
    if bundle && name == "default" {
        let wrong = reader.wrong("fleet-bundle", first.at.clone(), "a bundle in the namespace `default`");
        wrong.hints.push("its policies and quota would hold for whatever else lives there: give `namespace` under [fleet] a name".into());
    }
    let (mut quota, mut limits) = (told.quota, told.limits);
    if told.shared {
        for agent in agents {
            let places = [("quota", agent.quota.as_ref().map(|q| &q.range)), ("limits", agent.limits.as_ref().map(|l| &l.range))];
            for (key, range) in places.into_iter().filter_map(|(key, range)| Some((key, range?))) {
                let text = format!("`{key}` of an agent that shares the namespace `{name}`");
                reader.wrong("fleet-bundle", range.clone(), text).hints.push(format!("write it to {}", told.home));
            }
        }
    } else {
        (quota, limits) = (first.quota.as_ref(), first.limits.as_ref());
    }
    if let (false, Some(range)) = (bundle, quota.map(|q| &q.range).or(limits.map(|l| &l.range))) {
        let wrong = reader.wrong("fleet-bundle", range.clone(), format!("the namespace `{name}` has no bundle"));
        wrong.label = "so nothing comes of this".into();
        wrong.hints.push(format!("write `bundle = true` to {}", told.home));
    }
    let mut space = Space {
        name: name.to_owned(),
        org: first.org.clone(),
        role: (!told.shared && agents.len() == 1).then(|| first.name.clone()),
        labels: told.labels.cloned().unwrap_or_default(),
        bundle,
        protected: agents.iter().any(|a| a.protected),
        restricted: agents.iter().all(|a| a.security.restricted()),
        quota: BTreeMap::new(),
        limits: Limits::default(),
    };
    if bundle {
        space.limits = match limits {
            Some(file) => declared_limits(&file.value, agents, reader),
            None => derived_limits(agents),
        };
        space.quota = match quota {
            Some(file) => declared_quota(file, agents, &space.limits, reader),
            None => derived_quota(agents),
        };
    }
    space
}

/// What a container says of a resource.
fn said(resources: Option<&ResourcesFile>, resource: &str, side: Side) -> Option<(Quantity, Range<usize>)> {
    let resources = resources?;
    let table = match side {
        Side::Requests => resources.requests.as_ref(),
        Side::Limits => resources.limits.as_ref(),
    };
    let At { value, range } = table?.value.get(resource)?;
    Some((Quantity::from_value(&value.0).ok()?, range.clone()))
}

/// What it asks for, if it says so: a limit alone is a request too.
fn asked(resources: Option<&ResourcesFile>, resource: &str, side: Side) -> Option<Quantity> {
    let own = said(resources, resource, side).map(|(q, _)| q);
    own.or_else(|| said(resources, resource, Side::Limits).map(|(q, _)| q).filter(|_| side == Side::Requests))
}

/// All containers of some agents.
fn containers<'s, 'a: 's>(agents: &'s [&'a Agent]) -> impl Iterator<Item = &'a super::Container> + Clone + use<'s, 'a> {
    agents.iter().copied().flat_map(|a| &a.containers)
}

/// So many times a quantity.
fn times(quantity: &Quantity, n: i64) -> Quantity {
    let (mut sum, mut power, mut left) = (Quantity::ZERO, quantity.clone(), n.max(0));
    while left > 0 {
        if left % 2 == 1 {
            sum.add(&power);
        }
        let same = power.clone();
        power.add(&same);
        left /= 2;
    }
    sum
}

/// The most pods that an agent can have at a time: its replicas, and what its strategy starts before old ones end.
fn pods(agent: &Agent) -> i64 {
    agent.replicas + agent.surge()
}

/// What the pods of some agents need of what a quota counts; none if a container does not say it.
fn needed(agents: &[&Agent], counted: &str, limits: &Limits) -> Option<Result<Quantity, String>> {
    let plain = |n: i64| Some(Ok(times(&Quantity::parse("1").ok()?, n)));
    let claims = |a: &Agent| if a.kind == WorkloadKind::StatefulSet { a.replicas } else { 1 };
    match counted {
        "pods" | "count/pods" => return plain(agents.iter().map(|a| pods(a)).sum()),
        "persistentvolumeclaims" | "count/persistentvolumeclaims" => {
            return plain(
                agents
                    .iter()
                    .map(|a| claims(a) * a.volumes.iter().filter(|v| matches!(v.kind, VolumeKind::Claim { .. })).count() as i64)
                    .sum(),
            );
        }
        "requests.storage" => {
            let mut sum = Quantity::ZERO;
            for agent in agents {
                for volume in &agent.volumes {
                    if let VolumeKind::Claim { size, .. } = &volume.kind {
                        sum.add(&times(&Quantity::parse(size).ok()?, claims(agent)));
                    }
                }
            }
            return Some(Ok(sum));
        }
        _ => {}
    }
    let name = match counted {
        "cpu" => "requests.cpu",
        "memory" => "requests.memory",
        "ephemeral-storage" => "requests.ephemeral-storage",
        other => other,
    };
    let (_, resource, side) = COUNTED.iter().find(|(c, ..)| *c == name)?;
    let default = limits.given(resource, *side);
    let mut sum = Quantity::ZERO;
    for agent in agents {
        for container in &agent.containers {
            match asked(container.resources.as_ref(), resource, *side).or_else(|| default.clone()) {
                Some(own) => sum.add(&times(&own, pods(agent))),
                None => return Some(Err(format!("container `{}` of agent `{}`", container.name, agent.name))),
            }
        }
    }
    Some(Ok(sum))
}

fn declared_quota(file: &At<Named<Amount>>, agents: &[&Agent], limits: &Limits, reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    for (counted, At { value, range }) in &file.value {
        let Ok(hard) = Quantity::from_value(&value.0) else {
            not_a_quantity(&value.0, range, reader);
            continue;
        };
        match needed(agents, counted, limits) {
            Some(Ok(sum)) if sum > hard => {
                let text = format!("the quota of `{}` allows {counted} = {hard}, and its own pods take {sum}", agents[0].namespace);
                let wrong = reader.wrong("fleet-quota", range.clone(), text);
                wrong.label = format!("expected {sum} at least");
                let share = |a: &&Agent| {
                    let s = if a.replicas == 1 { "" } else { "s" };
                    match (needed(&[*a], counted, limits), a.surge()) {
                        (Some(Ok(q)), 0) => format!("{} takes {q} ({} pod{s})", a.name, a.replicas),
                        (Some(Ok(q)), surge) => format!("{} takes {q} ({} pod{s} and {surge} more while rolling)", a.name, a.replicas),
                        _ => a.name.clone(),
                    }
                };
                wrong.hints.push(agents.iter().take(5).map(share).collect::<Vec<_>>().join("; "));
            }
            Some(Err(who)) => {
                let text = format!("the quota counts {counted}, and {who} does not say how much it takes");
                let wrong = reader.wrong("fleet-quota", range.clone(), text);
                wrong.label = "its pods would be refused".into();
                wrong.hints.push("add it to the container's `resources`, or give a default under `limits`".into());
            }
            _ => {}
        }
    }
    amounts(Some(file))
}

impl Limits {
    /// What a container gets that says nothing. Follows `SetDefaults_LimitRangeItem` in `pkg/apis/core/v1/defaults.go`: what is not
    /// said itself is taken from the next: request, limit, the highest limit; a request at last from the lowest.
    fn given(&self, resource: &str, side: Side) -> Option<Quantity> {
        let limit = self.default.get(resource).or_else(|| self.max.get(resource));
        let text = match side {
            Side::Limits => limit,
            Side::Requests => self.default_request.get(resource).or(limit).or_else(|| self.min.get(resource)),
        };
        text.and_then(|text| Quantity::parse(text).ok())
    }
}

/// Twice what the agents' own pods take, of what all of them say: while a change of what they ask for rolls, pods of both kinds are
/// there, and old ones count until they are gone.
fn derived_quota(agents: &[&Agent]) -> BTreeMap<String, String> {
    let all = ["pods", "requests.cpu", "requests.memory", "limits.cpu", "limits.memory", "persistentvolumeclaims", "requests.storage"];
    let none = Limits::default();
    let one = |counted: &&str| match needed(agents, counted, &none) {
        Some(Ok(sum)) if !sum.is_zero() || *counted == "pods" => {
            // Claims do not roll.
            let most = if counted.contains("volume") || counted.contains("storage") { sum } else { times(&sum, 2) };
            Some(((**counted).to_owned(), most.to_string()))
        }
        _ => None,
    };
    all.iter().filter_map(one).collect()
}

fn declared_limits(file: &LimitsFile, agents: &[&Agent], reader: &mut Reader<'_>) -> Limits {
    for table in [&file.default, &file.default_request, &file.max, &file.min].into_iter().flatten() {
        for At { value, range } in table.value.values().filter(|a| Quantity::from_value(&a.value.0).is_err()) {
            not_a_quantity(&value.0, range, reader);
        }
    }
    let bound = |table: &Option<At<Named<Amount>>>, resource: &str| {
        table.as_ref().and_then(|t| t.value.get(resource)).and_then(|a| Quantity::from_value(&a.value.0).ok())
    };
    for (_, resource, side) in COUNTED {
        let (most, least) = (bound(&file.max, resource), bound(&file.min, resource));
        for container in containers(agents) {
            let Some((own, range)) = said(container.resources.as_ref(), resource, side) else { continue };
            let text = match (&most, &least) {
                (Some(most), _) if own > *most => {
                    format!("container `{}` takes {own} of {resource}, and the namespace's limit is {most}", container.name)
                }
                (_, Some(least)) if own < *least => {
                    format!("container `{}` asks for {own} of {resource}, and the namespace's least is {least}", container.name)
                }
                _ => continue,
            };
            reader.wrong("fleet-limits", range, text).label = "its pods would be refused".into();
        }
    }
    let limits = Limits {
        default: amounts(file.default.as_ref()),
        default_request: amounts(file.default_request.as_ref()),
        max: amounts(file.max.as_ref()),
        min: amounts(file.min.as_ref()),
    };
    for (_, resource, side) in COUNTED {
        // A container that only says what it asks for gets the limit from here, and must not ask for more.
        for container in
            containers(agents).filter(|c| side == Side::Requests && said(c.resources.as_ref(), resource, Side::Limits).is_none())
        {
            if let (Some((own, range)), Some(limit)) =
                (said(container.resources.as_ref(), resource, side), limits.given(resource, Side::Limits))
                && own > limit
            {
                let text =
                    format!("container `{}` asks for {own} of {resource}, and gets a limit of {limit} from its namespace", container.name);
                reader.wrong("fleet-limits", range, text).label = "its pods would be refused".into();
            }
        }
    }
    limits
}

/// For whatever else starts there, a debugging pod for instance: as little as the smallest container, at most as much as the largest.
fn derived_limits(agents: &[&Agent]) -> Limits {
    let mut limits = Limits::default();
    for resource in ["cpu", "memory"] {
        let all =
            |side: Side| -> Option<Vec<Quantity>> { containers(agents).map(|c| asked(c.resources.as_ref(), resource, side)).collect() };
        let mut put = |table: fn(&mut Limits) -> &mut BTreeMap<String, String>, quantity: Option<&Quantity>| {
            table(&mut limits).extend(quantity.map(|q| (resource.to_owned(), q.to_string())));
        };
        if let Some(limit) = all(Side::Limits) {
            put(|l| &mut l.max, limit.iter().max());
            put(|l| &mut l.default, limit.iter().min());
        }
        if let Some(request) = all(Side::Requests) {
            put(|l| &mut l.default_request, request.iter().min());
        }
    }
    limits
}

fn not_a_quantity(value: &crate::object::Value, range: &Range<usize>, reader: &mut Reader<'_>) {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    reader.wrong("fleet-value", range.clone(), format!("`{text}` is not a quantity")).label =
        "expected for example \"500m\" or \"2Gi\"".into();
}

fn amounts(table: Option<&At<Named<Amount>>>) -> BTreeMap<String, String> {
    let text = |a: &At<Amount>| a.value.0.as_str().map_or_else(|| a.value.0.to_string(), str::to_owned);
    table.into_iter().flat_map(|t| &t.value).map(|(k, v)| (k.clone(), text(v))).collect()
}
