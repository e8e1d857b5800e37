//! A fleet file as written becomes a fleet: its organisations and agents with what they inherit, its pipeline, its rules.

use super::agent::Agent;
use super::agent_check::{Kin, checked, dns_name, plain};
use super::aim;
use super::alerts::{Alerts, AlertsTable};
use super::canary;
use super::config::{ConfigReader, ConfigSettings};
use super::dimensions::Dimensions;
use super::file::{AgentFile, FleetFile, FleetTable, List, Named, OrgFile};
use super::inherit::{Heir, Inheritance, OrgTree, canary_tree, first_container, report_idle};
use super::layer::Tree;
use super::namespace::{self, Shared};
use super::network::{self, Network};
use super::parts::Files;
use super::pipeline::{Action, Step};
use super::read::{At, FromToml, Reader};
use super::secret_scan::SecretScan;
use super::{ClusterChoice, Fleet, Ignore, Org, expect, step};
use crate::diagnostic::{Diagnostic, nearest};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// Checks everything; notes what is wrong in the reader.
pub(super) fn check(mut whole: Tree<'_>, reader: &mut Reader<'_>, files: &dyn Files) -> Option<Fleet> {
    let heirs = Inheritance::of(&mut whole, reader);
    report_idle(&whole, reader);
    let file = FleetFile::read(&whole, reader)?;
    let mapped = image_names(&whole);
    drop(whole);
    let mut config = config_reader(&file, reader, files);
    let head = file.fleet.unwrap_or_default();
    let FleetTable { name, kubernetes, namespace, workload, labels, allow_mutable, bundle, quota, limits } = head.value;
    let name = fleet_name(name, &head.range, reader);
    kubernetes_version(kubernetes.as_ref(), reader);
    // What defaults say is wrong or right whether somebody inherits it or not.
    AgentFile::read(&heirs.defaults, reader);
    let namespace = namespace.unwrap_or_else(|| At { value: "default".into(), range: head.range.clone() });
    let workload = workload.unwrap_or_else(|| At { value: "{agent}-agent".into(), range: head.range });
    let own_namespaces = namespace.value.contains("{agent}");
    let bundle = bundle.map_or(own_namespaces, |b| b.value);
    let mut fleet = Fleet::nothing(reader);
    fleet.orgs = heirs.orgs.iter().map(|o| org(o, &workload, reader)).collect();
    let (no_images, no_labels) = (Named::new(), BTreeMap::new());
    let (mut agents, mut all_read) = (Vec::new(), true);
    heirs.each(reader, |Heir { name, org, mut tree }, reader| {
        let kin = match org.and_then(|place| fleet.orgs.get(place)) {
            Some(o) => Kin {
                org: Some(&o.name),
                namespace: &o.namespace,
                workload: &o.workload,
                images: &o.images,
                labels: &o.labels,
                bundle: o.bundle,
            },
            None => Kin { org: None, namespace: &namespace, workload: &workload, images: &no_images, labels: &no_labels, bundle },
        };
        first_container(&mut tree, &mut reader.removals);
        let file = AgentFile::read(&tree, reader);
        let canary = file.as_ref().and_then(|f| f.canary.clone());
        let Some(mut own) = file.and_then(|value| checked(name, At { value, range: tree.span() }, &kin, reader, &mut config)) else {
            all_read = false;
            return;
        };
        let second = canary.and_then(|c| second(name, &tree, &c, &mut own, &kin, reader, &mut config));
        agents.push(own);
        agents.extend(second);
    });
    drop(heirs);
    fleet.agents = agents;
    // A pipeline may apply files that something else rendered.
    if fleet.agents.is_empty() && file.pipeline.is_none() && reader.problems.is_empty() {
        reader.wrong("fleet-missing", 0..0, "the fleet has no agents").hints.push("write a table such as [agents.ceo]".into());
    }
    twins(&fleet.agents, reader);
    watch(&mut fleet, (file.dimensions, file.alerts), &namespace, config, reader);
    let told = |agent: &Agent| match agent.org.as_ref().and_then(|name| fleet.orgs.iter().find(|o| o.name == *name)) {
        Some(o) => Shared {
            shared: !o.namespace.value.contains("{agent}"),
            home: format!("[orgs.{}]", o.name),
            labels: Some(&o.labels),
            quota: o.quota.as_ref(),
            limits: o.limits.as_ref(),
        },
        None => Shared { shared: !own_namespaces, home: "[fleet]".into(), labels: None, quota: quota.as_ref(), limits: limits.as_ref() },
    };
    fleet.spaces = namespace::spaces(&fleet.agents, told, reader);
    fleet.network = network::network(file.network, reader);
    fleet.contacts = network::contacts(&fleet.agents, reader);
    fleet.name = name.value;
    fleet.kubernetes = kubernetes;
    fleet.labels = plain(labels);
    fleet.allow_mutable = allow_mutable.is_some_and(|a| a.value);
    let cluster = file.cluster.unwrap_or_default().value;
    fleet.cluster = ClusterChoice { from: cluster.from.map(|f| f.value.into()), context: cluster.context.map(|c| c.value) };
    let mut images = file.images.unwrap_or_default().value;
    fleet.images = std::mem::take(&mut images.map);
    fleet.image_settings = super::images::settings(images, reader);
    fleet.ignore = file.ignore.into_iter().flat_map(|l| l.value).filter_map(|i| ignore(i, reader)).collect();
    let steps = file.pipeline.unwrap_or_default().value;
    let notes = aims(&steps, &fleet, all_read, reader);
    fleet.notes.extend(notes);
    fleet.pipeline = pipeline(steps, &fleet, all_read, reader);
    fleet.expect = file.expect.map(|e| expect::checked(e, reader));
    without_refused_images(&mut fleet, mapped);
    Some(fleet)
}

fn fleet_name(name: Option<At<String>>, head: &Range<usize>, reader: &mut Reader<'_>) -> At<String> {
    if name.is_none() && !reader.refused(head, "name") {
        let place = if head.is_empty() { 0..0 } else { head.clone() };
        reader.wrong("fleet-missing", place, "the fleet has no name").hints.push("write `name = \"…\"` under [fleet]".into());
    }
    name.unwrap_or_default()
}

/// What is odd about the workloads that steps name, unless one may be of an agent that could not be read.
fn aims(steps: &List<step::StepFile>, fleet: &Fleet, all_read: bool, reader: &mut Reader<'_>) -> Vec<Diagnostic> {
    if !all_read {
        return Vec::new();
    }
    aim::check(steps.iter().flat_map(|s| step::named(&s.value)).collect(), fleet, reader)
}

/// The containers that the image map names, whatever it says of them.
fn image_names(whole: &Tree<'_>) -> Vec<String> {
    let images = whole.get_ref().as_table().and_then(|t| t.get("images")).and_then(|images| images.get_ref().as_table());
    images.into_iter().flatten().map(|(name, _)| name.get_ref().to_string()).collect()
}

/// Containers whose image was refused already are not looked at again: they lack none.
fn without_refused_images(fleet: &mut Fleet, mut mapped: Vec<String>) {
    mapped.retain(|name| !fleet.images.contains_key(name));
    if !mapped.is_empty() {
        fleet.agents.iter_mut().for_each(|a| a.containers.retain(|c| c.image.is_some() || !mapped.contains(&c.name)));
    }
}

/// An organisation, but for its agents.
fn org(tree: &OrgTree<'_>, workload: &At<String>, reader: &mut Reader<'_>) -> Org {
    let OrgFile { image, labels, namespace, workload: own, bundle, quota, limits, .. } =
        OrgFile::read(&tree.rest, reader).unwrap_or_default();
    let at = tree.rest.span();
    dns_name(&tree.name, 59, "organisation", &at, reader);
    Org {
        name: tree.name.clone(),
        namespace: namespace.unwrap_or_else(|| At { value: "org-{org}".into(), range: at.clone() }),
        workload: own.unwrap_or_else(|| workload.clone()),
        images: image.unwrap_or_default().value,
        labels: plain(labels),
        bundle: bundle.is_none_or(|b| b.value),
        quota,
        limits,
        at,
    }
}

impl Fleet {
    fn nothing(reader: &Reader<'_>) -> Self {
        Self {
            name: String::new(),
            kubernetes: None,
            labels: BTreeMap::new(),
            cluster: ClusterChoice::default(),
            images: BTreeMap::new(),
            image_settings: super::images::ImageSettings::default(),
            allow_mutable: false,
            environment: None,
            dimensions: Dimensions::default(),
            tells_dimensions: false,
            alerts: None,
            config: ConfigSettings::default(),
            orgs: Vec::new(),
            agents: Vec::new(),
            spaces: Vec::new(),
            network: Network { dns: None, nats: None },
            contacts: Vec::new(),
            pipeline: Vec::new(),
            ignore: Vec::new(),
            expect: None,
            source: Arc::clone(reader.source),
            notes: Vec::new(),
        }
    }
}

/// Which changes are told apart, as written.
type DimensionsFile = Named<List<String>>;

/// What is told about the agents: changes by dimension, alerts, secrets that are allowed and not there.
fn watch(
    fleet: &mut Fleet,
    (dimensions, alerts): (Option<At<DimensionsFile>>, Option<At<AlertsTable>>),
    namespace: &At<String>,
    config: ConfigReader<'_>,
    reader: &mut Reader<'_>,
) {
    let (settings, secrets) = config.finish();
    fleet.config = settings;
    fleet.tells_dimensions = dimensions.is_some() || fleet.agents.iter().any(|a| a.canary_of.is_some());
    fleet.dimensions = Dimensions::new(dimensions, reader);
    let together = |n: &&str| !n.contains('{') && fleet.agents.iter().all(|a| a.namespace == *n);
    let shared = Some(namespace.value.as_str()).filter(together);
    fleet.alerts = alerts.map(|a| Alerts::new(a, shared, reader));
    fleet.notes = secrets.unused(reader.source);
}

/// The canary of an agent. With a weight, its pods are taken from the agent's.
fn second(
    name: &str,
    tree: &Tree<'_>,
    canary: &At<canary::CanaryFile>,
    own: &mut Agent,
    kin: &Kin<'_>,
    reader: &mut Reader<'_>,
    config: &mut ConfigReader<'_>,
) -> Option<Agent> {
    let (keeps, replicas) = canary::replicas(canary, own.replicas, reader);
    let laid = canary_tree(tree, reader)?;
    let file = AgentFile::read(&laid, reader)?;
    // Named after the agent's own workload; its namespace is the agent's, whatever the pattern makes of names.
    let named = |value: String| At { value, range: canary.range.clone() };
    let (namespace, workload) = (named(own.namespace.clone()), named(format!("{}{}", own.workload, canary::SUFFIX)));
    let kin = Kin { namespace: &namespace, workload: &workload, ..*kin };
    let agent = checked(&format!("{name}{}", canary::SUFFIX), At { value: file, range: canary.range.clone() }, &kin, reader, config)?;
    own.replicas = keeps;
    Some(Agent { replicas, canary_of: Some(own.workload.clone()), ..agent })
}

/// What reads the configuration files of agents; secrets in the fleet file itself are told at once.
fn config_reader<'f>(file: &FleetFile, reader: &mut Reader<'_>, files: &'f dyn Files) -> ConfigReader<'f> {
    let settings = ConfigSettings::new(file.config.clone(), reader);
    let mut secrets = SecretScan::new(file.secret_scan.clone(), reader);
    secrets.fleet(reader);
    ConfigReader::new(files, settings, secrets)
}

fn kubernetes_version(version: Option<&At<String>>, reader: &mut Reader<'_>) {
    let Some(At { value, range }) = version else { return };
    let mut numbers = value.trim_start_matches('v').split('.');
    let ok = numbers.next() == Some("1") && numbers.next().is_some_and(|minor| minor.parse::<u32>().is_ok());
    if !ok {
        let wrong = reader.wrong("fleet-value", range.clone(), format!("`{value}` is no version of Kubernetes"));
        wrong.label = "expected for example \"1.36\"".into();
    }
}

/// Two agents whose workloads have one name would overwrite each other.
fn twins(agents: &[Agent], reader: &mut Reader<'_>) {
    let mut seen: BTreeMap<(&str, &str), &Agent> = BTreeMap::new();
    for agent in agents {
        if let Some(first) = seen.insert((&agent.namespace, &agent.workload), agent) {
            let text = format!("agents `{}` and `{}` both become `{}/{}`", first.name, agent.name, agent.namespace, agent.workload);
            let wrong = reader.wrong("fleet-duplicate", agent.at.clone(), text);
            wrong.hints.push("a `namespace` or `workload` pattern with `{agent}` in it keeps them apart".into());
        }
    }
}

fn ignore(At { value: file, range }: At<super::file::IgnoreFile>, reader: &mut Reader<'_>) -> Option<Ignore> {
    let Some(path) = file.path else {
        reader
            .wrong("fleet-missing", range, "an [[ignore]] rule needs a `path`")
            .hints
            .push("for example `path = \"$.spec.replicas\"`".into());
        return None;
    };
    Some(Ignore { kind: file.kind.map(|k| k.value), name: file.name.map(|n| n.value), path })
}

fn pipeline(steps: List<step::StepFile>, fleet: &Fleet, all_read: bool, reader: &mut Reader<'_>) -> Vec<Step> {
    let known: Vec<&str> = fleet.agents.iter().flat_map(|a| &a.containers).map(|c| c.name.as_str()).collect();
    let mut out: Vec<Step> = Vec::new();
    for file in steps {
        let range = file.range.clone();
        let places: Vec<At<String>> =
            file.value.set_images.iter().flat_map(|s| &s.value.containers).flat_map(|l| l.value.clone()).collect();
        let Some(step) = step::step(file, reader) else { continue };
        if let Action::SetImages { .. } = &step.action {
            for At { value, range } in places.into_iter().filter(|p| all_read && !known.contains(&p.value.as_str())) {
                let near = nearest(&value, known.iter().copied()).map(|n| format!("did you mean `{n}`?"));
                reader.wrong("fleet-reference", range, format!("no agent has a container `{value}`")).label = near.unwrap_or_default();
            }
        }
        if out.iter().any(|s| s.name == step.name) {
            let wrong = reader.wrong("fleet-duplicate", range, format!("two steps are named `{}`", step.name));
            wrong.hints.push("reports name steps: give each its own name".into());
        }
        out.push(step);
    }
    out
}
