//! What commands work on: the fleet or the manifests given, and the state they start from.

use super::args::{ApplierName, FleetFile, StateFrom};
use super::console::{Console, Failure, environment};
use super::images::lock;
use super::{manifests, mistakes};
use crate::cluster::{self, Access, SNAPSHOT_LIMIT, Scope, State};
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::diff::Rule;
use crate::fleet::file::WorkloadKind;
use crate::fleet::pipeline::{Action, Applier, Step, Who};
use crate::fleet::{self, Agent, Asked, Fleet, Looked, OnDisk};
use crate::images::PinnedFleet;
use crate::object::{Gvk, ObjectId, Value, map_at, text};
use crate::render::{self, Manifest, Templates};
use crate::report::Budget;
use crate::roll::{Judged, Reason, Verdict};
use crate::schema::Version;
use crate::simulate::Cluster;
use crate::simulate::clients::Session;
use crate::simulate::clock::Clock;
use crate::simulate::controllers;
use crate::simulate::kubelet::{PodTiming, Timing};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// The namespace of a kubeconfig context that names none.
const DEFAULT: &str = "default";

/// How many bytes of a fleet file are read.
const LARGEST_FLEET: u64 = 16 << 20;

/// What is to be deployed, and how.
pub(super) struct Work {
    /// The fleet's name, or where the manifests come from.
    pub(super) name: String,
    pub(super) manifests: Vec<Value>,
    pub(super) steps: Vec<Step>,
    pub(super) budgets: Budgets,
    /// What stands in the files that steps name.
    pub(super) files: BTreeMap<PathBuf, Vec<Value>>,
    /// The fleet; none for manifests given with `-f`.
    pub(super) fleet: Option<PinnedFleet>,
    /// What was given with `-f`.
    pub(super) given: Vec<PathBuf>,
    /// How it is applied.
    pub(super) applier: ApplierName,
    /// The namespace of manifests that name none.
    pub(super) namespace: String,
}

/// What each workload may cost.
#[derive(Default)]
pub(super) struct Budgets {
    own: BTreeMap<ObjectId, Budget>,
}

impl Budgets {
    /// Of one workload: its own, else one roll and no limit of downtime.
    pub(super) fn of(&self, workload: &ObjectId) -> Budget {
        self.own.get(workload).copied().unwrap_or(Budget { rolls: Some(1), downtime_seconds: None })
    }
}

/// Reads the fleet file, or the files given instead of it.
pub(super) fn work(options: &FleetFile, files: &[PathBuf], applier: ApplierName, console: &mut Console) -> Result<Work, Failure> {
    if !files.is_empty() {
        let manifests = manifests::read(files)?;
        let name = files
            .iter()
            .map(|f| if f.as_os_str() == "-" { "standard input".into() } else { f.display().to_string() })
            .collect::<Vec<_>>()
            .join(", ");
        let action = Action::Apply { applier: as_applier(applier), files: Vec::new() };
        let steps = vec![Step { name: "Apply".into(), action, continues: false }];
        return Ok(Work {
            name,
            manifests,
            steps,
            budgets: Budgets::default(),
            files: BTreeMap::new(),
            fleet: None,
            given: files.to_vec(),
            applier,
            namespace: DEFAULT.into(),
        });
    }
    let pinned = fleet(options, console)?;
    let manifests: Vec<Value> = rendered(&pinned, options)?.into_iter().map(|m| m.value).collect();
    let directory = pinned.fleet.directory().to_owned();
    work_of(pinned, manifests, applier, &|file| manifests::read(&[directory.join(file)]))
}

/// What a fleet deploys; `read` reads the files that its steps name.
pub(super) fn work_of(
    pinned: PinnedFleet,
    manifests: Vec<Value>,
    applier: ApplierName,
    read: &dyn Fn(&Path) -> Result<Vec<Value>, Failure>,
) -> Result<Work, Failure> {
    let fleet = &pinned.fleet;
    let steps = if fleet.pipeline.is_empty() {
        let action = Action::Apply { applier: as_applier(applier), files: Vec::new() };
        vec![Step { name: "Apply".into(), action, continues: false }]
    } else {
        fleet.pipeline.clone()
    };
    let files = step_files(&steps, read)?;
    let namespaces: BTreeSet<&str> = fleet.agents.iter().map(|a| a.namespace.as_str()).collect();
    let namespace = namespaces.iter().next().filter(|_| namespaces.len() == 1).map_or(DEFAULT, |n| n).to_owned();
    Ok(Work {
        name: format!("fleet {}", fleet.name),
        manifests,
        steps,
        budgets: budgets(fleet),
        files,
        fleet: Some(pinned),
        given: Vec::new(),
        applier,
        namespace,
    })
}

/// Reads the files that steps name.
fn step_files(steps: &[Step], read_one: &dyn Fn(&Path) -> Result<Vec<Value>, Failure>) -> Result<BTreeMap<PathBuf, Vec<Value>>, Failure> {
    let mut read = BTreeMap::new();
    for step in steps {
        if let Action::Apply { files, .. } | Action::Replace { files, .. } = &step.action {
            for file in files {
                read.insert(file.clone(), read_one(file)?);
            }
        }
    }
    Ok(read)
}

/// What the fleet allows each workload.
pub(super) fn budgets(fleet: &Fleet) -> Budgets {
    let budget = |a: &Agent| Budget {
        rolls: a.budget.rolls.map(|n| u32::try_from(n).unwrap_or(u32::MAX)),
        downtime_seconds: a.budget.downtime.map(|d| d.as_secs_f64()),
    };
    Budgets { own: fleet.agents.iter().map(|a| (workload_id(a), budget(a))).collect() }
}

/// The workload that an agent becomes.
fn workload_id(agent: &Agent) -> ObjectId {
    let kind = match agent.kind {
        WorkloadKind::Deployment => "Deployment",
        WorkloadKind::StatefulSet => "StatefulSet",
    };
    ObjectId { group: "apps".into(), kind: kind.into(), namespace: agent.namespace.as_str().into(), name: agent.workload.as_str().into() }
}

/// How an applier named on the command line goes about it.
pub(super) fn as_applier(name: ApplierName) -> Applier {
    let who = match name {
        ApplierName::Kubectl => Who::Kubectl,
        ApplierName::KubectlServer => Who::KubectlServer,
        ApplierName::Argocd => Who::ArgoCd,
        ApplierName::Flux => Who::Flux,
        ApplierName::Helm => Who::Helm,
    };
    Applier { who, field_manager: None, force: None }
}

/// Reads, checks and pins the fleet file; remarks go to standard error.
pub(super) fn fleet(options: &FleetFile, console: &mut Console) -> Result<PinnedFleet, Failure> {
    let looked = look(options)?;
    let lock = lock::beside(&options.fleet)?;
    let pinned = mistakes::pinned(looked, &lock::supply(lock.as_ref()), options)?;
    console.complain(&Diagnostics(pinned.fleet.notes.clone()));
    console.complain(&Diagnostics(pinned.notes.clone()));
    if options.locked { Ok(lock::apply(pinned, lock, &options.fleet)?) } else { Ok(pinned) }
}

/// Reads and checks the fleet file; remarks go to standard error.
pub(super) fn unpinned(options: &FleetFile, console: &mut Console) -> Result<Fleet, Failure> {
    let fleet = mistakes::unpinned(look(options)?, options)?;
    console.complain(&Diagnostics(fleet.notes.clone()));
    Ok(fleet)
}

/// Reads the fleet file, whatever is wrong with it.
fn look(options: &FleetFile) -> Result<Looked, Failure> {
    let source = read_text(&options.fleet, "fleet-unreadable")?;
    let (variables, files) = (environment(), OnDisk(options.fleet.parent().map(Path::to_owned).unwrap_or_default()));
    let mut looked = fleet::look(source, &Asked { variables: &variables, environment: options.environment.as_deref(), files: &files });
    if let Some(fleet) = &mut looked.fleet {
        fleet.image_settings.platform = super::images::choice(Some(fleet));
    }
    Ok(looked)
}

/// Renders with the templates beside the fleet file.
pub(super) fn rendered(fleet: &PinnedFleet, options: &FleetFile) -> Result<Vec<Manifest>, Failure> {
    Ok(render::render(fleet, &templates(options)?)?)
}

/// The built-in templates, and those beside the fleet file.
pub(super) fn templates(options: &FleetFile) -> Result<Templates, Failure> {
    Ok(Templates::with_directory(&options.fleet.parent().unwrap_or(Path::new("")).join("templates"))?)
}

pub(super) fn read_text(path: &Path, code: &'static str) -> Result<Arc<Source>, Diagnostic> {
    let unreadable = |e: std::io::Error| {
        let error = Diagnostic::error(code, format!("cannot read `{}`: {e}", path.display()));
        if e.kind() == std::io::ErrorKind::NotFound {
            return error.hint("`rollcast init` makes a fleet.toml; manifests without a fleet are given with `-f FILE`");
        }
        error
    };
    let mut bytes = Vec::new();
    fs::File::open(path).and_then(|file| file.take(LARGEST_FLEET + 1).read_to_end(&mut bytes)).map_err(unreadable)?;
    if bytes.len() as u64 > LARGEST_FLEET {
        let text = format!("`{}` is larger than the limit of {} MiB", path.display(), LARGEST_FLEET >> 20);
        return Err(Diagnostic::error("input-too-large", text));
    }
    Source::read(path.to_owned(), bytes)
}

/// The snapshot that `--from` names: it is read while the fleet is read and rendered.
pub(super) struct EarlyRead(Option<std::thread::JoinHandle<Result<State, Diagnostics>>>);

impl EarlyRead {
    /// Begins to read, if a file is named.
    pub(super) fn begin(from: &StateFrom) -> Self {
        let named = from.from.clone().filter(|path| path.as_os_str() != "-");
        Self(named.map(|path| std::thread::spawn(move || cluster::read_snapshot(&path, SNAPSHOT_LIMIT))))
    }

    /// What was read; none if no file is named.
    fn done(self) -> Option<Result<State, Diagnostics>> {
        self.0.map(|reading| reading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
    }
}

/// Reads the state that the options or the fleet name. From then on the manifests are in the namespace asked for, or in that of
/// its context, and values of Secrets are digests in them as in the state.
pub(super) fn state(
    (from, early): (&StateFrom, EarlyRead),
    work: &mut Work,
    options: &FleetFile,
    namespace: Option<&str>,
) -> Result<State, Failure> {
    if let Some(namespace) = namespace {
        work.namespace = namespace.to_owned();
    }
    let asked = work.namespace.clone();
    let state = read_state(from, early, work, options)?;
    if namespace.is_some() {
        work.namespace = asked;
    }
    let namespace = work.namespace.clone();
    for secret in work.manifests.iter_mut().chain(work.files.values_mut().flatten()).filter(|m| m["kind"] == "Secret") {
        if text(secret, &["metadata", "namespace"]).is_empty() {
            map_at(secret, &["metadata"]).insert("namespace".into(), namespace.as_str().into());
        }
        cluster::mask_secret(secret);
    }
    Ok(state)
}

fn read_state(from: &StateFrom, early: EarlyRead, work: &mut Work, options: &FleetFile) -> Result<State, Failure> {
    if let Some(path) = &from.from {
        let read = early.done().unwrap_or_else(|| cluster::read_snapshot_from(std::io::stdin().lock(), path, SNAPSHOT_LIMIT))?;
        return if never_stored(&read) { super::base::as_applied(read, work, jiff::Timestamp::UNIX_EPOCH) } else { Ok(read) };
    }
    let choice = work.fleet.as_ref().map(|f| f.fleet.cluster.clone()).unwrap_or_default();
    let named_file = from.empty || from.base.is_some();
    if let Some(context) = from.context.as_ref().or(choice.context.as_ref().filter(|_| !named_file)) {
        let (state, namespace) = live(Some(context), &[], &work.manifests)?;
        work.namespace = namespace;
        return Ok(state);
    }
    if from.empty {
        return Ok(State { source: "an empty cluster".into(), ..State::default() });
    }
    if let Some(revision) = &from.base {
        return super::base::state(revision, options, work, jiff::Timestamp::UNIX_EPOCH);
    }
    let path = choice.from.ok_or_else(|| {
        Diagnostic::error("no-state", "no state to start from")
            .hint("give one of --from FILE, --context NAME, --base REV or --empty, or name a file in fleet.toml under [cluster]")
    })?;
    let beside = options.fleet.parent().map_or_else(|| path.clone(), |dir| dir.join(&path));
    let named = |d: Diagnostic| match d.code {
        "input-unreadable" => d.hint(format!("{} names it under [cluster]; `--empty` starts from nothing", options.fleet.display())),
        _ => d,
    };
    Ok(cluster::read_snapshot(&beside, SNAPSHOT_LIMIT).map_err(|wrong| Diagnostics(wrong.0.into_iter().map(named).collect()))?)
}

/// Whether a snapshot holds manifests: whatever a server has stored has a UID.
pub(super) fn never_stored(state: &State) -> bool {
    !state.objects.is_empty() && state.objects.iter().all(|o| text(o, &["metadata", "uid"]).is_empty())
}

/// Reads a live cluster, GET only; gives the namespace of its context too.
pub(super) fn live(context: Option<&str>, namespaces: &[String], manifests: &[Value]) -> Result<(State, String), Failure> {
    let scope =
        Scope { kinds: manifests.iter().map(Gvk::of).collect(), namespaces: namespaces.iter().cloned().collect(), secret_values: false };
    live_in(context, &scope)
}

/// The same, of what the scope says.
pub(super) fn live_in(context: Option<&str>, scope: &Scope) -> Result<(State, String), Failure> {
    // An error here means that a provider is installed already, which serves as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    let connection = cluster::connect(&access(context))?;
    let namespace = connection.namespace.clone();
    Ok((cluster::read_live(&connection, scope)?, namespace))
}

/// How kubectl would reach the cluster: KUBECONFIG (several files), or the file in the home directory.
pub(super) fn access(context: Option<&str>) -> Access {
    let environment = environment();
    let own = |names: [&str; 2]| names.iter().find_map(|n| environment.get(*n)).cloned().unwrap_or_default();
    let listed = environment.get("KUBECONFIG").filter(|k| !k.is_empty());
    let kubeconfig = match listed {
        Some(list) => std::env::split_paths(list).filter(|p| !p.as_os_str().is_empty()).collect(),
        None => environment.get("HOME").map(|home| Path::new(home).join(".kube/config")).into_iter().collect(),
    };
    Access {
        kubeconfig,
        context: context.map(str::to_owned),
        https_proxy: own(["HTTPS_PROXY", "https_proxy"]),
        http_proxy: own(["HTTP_PROXY", "http_proxy"]),
        no_proxy: own(["NO_PROXY", "no_proxy"]),
    }
}

/// A cluster ready for the first write.
pub(super) struct Prepared {
    pub(super) cluster: Cluster,
    pub(super) assumptions: Vec<String>,
    /// The version that was asked for, if another one stands in for it.
    pub(super) stands_in: Option<Diagnostic>,
}

/// Loads the state into a cluster of its version, with what is known of pods' start and end.
pub(super) fn cluster(
    state: &State,
    work: &Work,
    asked: Option<&str>,
    timing: (Option<Duration>, Option<Duration>),
    from: &StateFrom,
) -> Result<Prepared, Failure> {
    let mut assumptions = Vec::new();
    let fleet = work.fleet.as_ref().map(|f| &f.fleet);
    let told = state.version.as_deref().or(asked).or_else(|| fleet.and_then(|f| f.kubernetes.as_ref()).map(|k| k.value.as_str()));
    let version = version(told, &mut assumptions)?;
    let written = fleet.and_then(|f| Some((f, f.kubernetes.as_ref()?))).filter(|(_, k)| Some(k.value.as_str()) == told);
    let stands_in = stands_in(told, version).map(|found| match written {
        Some((fleet, kubernetes)) => found.at(&fleet.source, kubernetes.range.clone()),
        None => found,
    });
    let mut cluster = Cluster::new(version, Clock::new(epoch(state)));
    for object in &state.objects {
        cluster.load(Arc::clone(object));
    }
    let own = |a: &Agent| (workload_id(a), PodTiming { start: timing.0.or(a.restart), stop: timing.1.or(a.stop) });
    cluster.controllers.timing = Timing {
        default: PodTiming { start: timing.0, stop: timing.1 },
        of: fleet.into_iter().flat_map(|f| &f.agents).map(own).collect(),
        ..Timing::default()
    };
    if !work.given.is_empty() {
        manifests::check_kinds(&work.manifests, cluster.schema)?;
    }
    let made = cluster.assume_namespaces(&work.manifests, &work.namespace, state.kinds.is_some() || from.empty);
    cluster.load_system_namespaces();
    assumptions.extend(controllers::complete(&mut cluster).iter().map(ToString::to_string));
    assumptions.extend(made);
    let definitions = ("apiextensions.k8s.io", "CustomResourceDefinition");
    let complete = state.kinds.is_some() && state.unknown(definitions.0, definitions.1, "").is_none();
    if !complete && !from.empty {
        let all: Vec<Value> = work.files.values().fold(work.manifests.clone(), |all, more| [all, more.clone()].concat());
        assumptions.extend(cluster.assume_kinds(&all));
    }
    Ok(Prepared { cluster, assumptions, stands_in })
}

/// The version to simulate, and what had to be assumed of it.
pub(super) fn version(told: Option<&str>, assumptions: &mut Vec<String>) -> Result<Version, Diagnostic> {
    let Some(told) = told else {
        assumptions.push(format!("Kubernetes {}: neither the state nor the fleet says its version", Version::default()));
        return Ok(Version::default());
    };
    let wrong = || Diagnostic::error("not-a-version", format!("`{told}` is no Kubernetes version")).hint("write it as `1.36`");
    let (version, exact) = Version::nearest(told).ok_or_else(wrong)?;
    if !exact {
        assumptions.push(format!("Kubernetes {version} stands in for {told}, whose data is not shipped"));
    }
    Ok(version)
}

/// What is to be said where no data of the version told is shipped.
pub(super) fn stands_in(told: Option<&str>, version: Version) -> Option<Diagnostic> {
    let (_, exact) = Version::nearest(told?)?;
    let [first, .., last] = Version::ALL;
    let text = format!("Kubernetes {} is not one that is simulated ({first} to {last}): {version} stands in for it", told?);
    let hint = "what the two do differently (defaults, validation, fields that one of them lacks) is not seen";
    (!exact).then(|| Diagnostic::warning("kubernetes-version", text).hint(hint))
}

/// Zero of the virtual clock: a minute after the newest time in the state, so that a run gives the same text every time.
fn epoch(state: &State) -> jiff::Timestamp {
    let made = state.objects.iter().filter_map(|o| o["metadata"]["creationTimestamp"].as_str()?.parse::<jiff::Timestamp>().ok());
    let newest = made.max().unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    newest.checked_add(jiff::SignedDuration::from_mins(1)).unwrap_or(newest)
}

/// What a verdict on a workload rests on, beside the workload itself.
fn rests_on(kind: &str) -> [(&'static str, &'static str); 2] {
    let revisions = if kind == "Deployment" { "ReplicaSet" } else { "ControllerRevision" };
    [("apps", revisions), ("", "Pod")]
}

/// Nothing can be said of a workload that may be there without having been read, or whose revisions or pods were refused.
pub(super) fn doubt(judged: &mut [Judged], state: &State) {
    for one in judged {
        let (namespace, kind) = (one.workload.namespace.as_str(), one.workload.kind.as_str());
        let own = state.unknown(&one.workload.group, kind, namespace);
        let why = own.or_else(|| rests_on(kind).iter().find_map(|(group, kind)| state.unknown(group, kind, namespace)));
        if let Some(why) = why {
            one.verdict = Verdict::Unknown;
            one.reasons.insert(0, (None, Reason::Unknown { why }));
        }
    }
}

/// What nobody evaluated and that concerns no workload.
pub(super) fn open_questions(cluster: &Cluster) -> impl Iterator<Item = String> {
    cluster.doubts.iter().filter(|doubt| doubt.workload.is_none()).map(|doubt| doubt.text.clone())
}

/// What the clients of a pipeline know beside the cluster.
pub(super) fn session(work: &Work) -> Session<'_> {
    Session { namespace: &work.namespace, release: "", previous_release: None, given: &work.given }
}

/// The rules of the fleet under which differences do not count.
pub(super) fn rules(work: &Work) -> Result<Vec<Rule>, Failure> {
    Ok(work.fleet.as_ref().map(|pinned| rules_of(&pinned.fleet)).transpose()?.unwrap_or_default())
}

/// The same, of a fleet whose file is read.
pub(super) fn rules_of(fleet: &Fleet) -> Result<Vec<Rule>, Diagnostics> {
    let (mut rules, mut wrong) = (Vec::new(), Vec::new());
    for ignore in &fleet.ignore {
        match Rule::new(ignore.kind.as_deref(), ignore.name.as_deref(), &ignore.path.value) {
            Ok(rule) => rules.push(rule),
            Err(error) => wrong.push(error.at(&fleet.source, ignore.path.range.clone())),
        }
    }
    if wrong.is_empty() { Ok(rules) } else { Err(Diagnostics(wrong)) }
}

/// Says what is odd about the state. Its version is no matter where the fleet tells one.
pub(super) fn remarks(state: &State, work: &Work, console: &mut Console) {
    let told = work.fleet.as_ref().is_some_and(|f| f.fleet.kubernetes.is_some());
    let odd = state.notes.iter().filter(|n| !(told && n.code == "snapshot-no-version")).cloned().collect();
    console.complain(&Diagnostics(odd));
}
