//! Where the commands on images look: the fleet, if there is one, the cluster, and the platform's image in it.

use super::args::{ClusterFrom, MaybeFleet};
use crate::cli::args::FleetFile;
use crate::cli::console::{Console, Failure, environment};
use crate::cli::{inputs, start};
use crate::cluster::{self, Connection, SNAPSHOT_LIMIT, State};
use crate::diagnostic::Diagnostic;
use crate::fleet::Fleet;
use crate::fleet::images::PlatformChoice;
use crate::images::{self, PlatformImage};
use crate::object::{ObjectId, Value, map_at};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The fleet file that is meant: the one named, or the one that is here.
pub(super) fn fleet_file(options: &MaybeFleet) -> Option<PathBuf> {
    let here = PathBuf::from("fleet.toml");
    options.fleet.clone().or_else(|| here.exists().then_some(here))
}

/// The fleet, its images not looked up.
pub(super) fn fleet(options: &MaybeFleet, console: &mut Console) -> Result<Option<Fleet>, Failure> {
    let file = fleet_file(options);
    let asked = |fleet| FleetFile { fleet, environment: options.environment.clone(), locked: false };
    file.map(|file| inputs::unpinned(&asked(file), console)).transpose()
}

/// Which Deployment has the platform's image: the environment's word, then the fleet's.
pub(in crate::cli) fn choice(fleet: Option<&Fleet>) -> PlatformChoice {
    let mut choice = fleet.map(|f| f.image_settings.platform.clone()).unwrap_or_default();
    let environment = environment();
    let own = |name: &str| environment.get(name).filter(|v| !v.is_empty()).cloned();
    for (name, key) in [
        ("PLATFORM_IMAGE_NAMESPACE", &mut choice.namespace),
        ("PLATFORM_IMAGE_DEPLOYMENT", &mut choice.deployment),
        ("PLATFORM_IMAGE_CONTAINER", &mut choice.container),
    ] {
        if let Some(value) = own(name) {
            *key = value;
            choice.given = true;
        }
    }
    choice
}

/// A snapshot, or a cluster that can be asked.
pub(super) enum Cluster {
    /// As it was.
    Snapshot(Box<State>),
    /// Live.
    Live(Box<Connection>),
}

/// The cluster that is meant: the options' word, the fleet's, the kubeconfig's.
pub(super) fn cluster(options: &ClusterFrom, fleet: Option<&Fleet>, file: &Path) -> Result<Cluster, Failure> {
    if let Some(from) = &options.from {
        let state = if from.as_os_str() == "-" {
            cluster::read_snapshot_from(std::io::stdin().lock(), from, SNAPSHOT_LIMIT)?
        } else {
            cluster::read_snapshot(from, SNAPSHOT_LIMIT)?
        };
        return Ok(Cluster::Snapshot(Box::new(as_if_stored(state)?)));
    }
    let said = fleet.map(|f| f.cluster.clone()).unwrap_or_default();
    if let (None, None, Some(from)) = (&options.context, &said.context, &said.from) {
        let beside = file.parent().map_or_else(|| from.clone(), |dir| dir.join(from));
        return Ok(Cluster::Snapshot(Box::new(cluster::read_snapshot(&beside, SNAPSHOT_LIMIT)?)));
    }
    // An error here means that a provider is installed already, which serves as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    let access = inputs::access(options.context.as_deref().or(said.context.as_deref()));
    Ok(Cluster::Live(Box::new(cluster::connect(&access)?)))
}

/// Manifests are taken as if they had been applied; when, nobody knows.
fn as_if_stored(state: State) -> Result<State, Failure> {
    let manifests = inputs::never_stored(&state);
    let mut state = start::stored(state, &start::no_work(None))?;
    for object in state.objects.iter_mut().filter(|_| manifests) {
        map_at(Arc::make_mut(object), &["metadata"]).shift_remove("creationTimestamp");
    }
    Ok(state)
}

impl Cluster {
    /// `context prod`.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Snapshot(state) => state.source.clone(),
            Self::Live(connection) => {
                connection.context.as_ref().map_or_else(|| "the cluster of this pod".into(), |c| format!("context {c}"))
            }
        }
    }

    /// One object; none if it is not there.
    pub(super) fn object(&self, id: &ObjectId) -> Result<Option<Value>, Diagnostic> {
        match self {
            Self::Snapshot(state) => {
                if let Some(why) = state.unknown(&id.group, &id.kind, &id.namespace) {
                    return Err(Diagnostic::error("cluster-unreachable", format!("{id} is not known: {why}")));
                }
                Ok(state.objects.iter().find(|o| ObjectId::of(o) == *id).map(|o| Value::clone(o)))
            }
            Self::Live(connection) => cluster::read_object(connection, id)
                .map_err(|refused| Diagnostic::error("cluster-unreachable", format!("cannot read {id} of {}: {refused}", self.name()))),
        }
    }

    /// Everything, for a prediction.
    pub(super) fn state(self) -> Result<(State, Option<Connection>), Failure> {
        match self {
            Self::Snapshot(state) => Ok((*state, None)),
            Self::Live(connection) => {
                let state = cluster::read_live(&connection, &cluster::Scope::default())?;
                Ok((state, Some(*connection)))
            }
        }
    }
}

/// The platform's image, and what is odd about it.
pub(super) struct Looked {
    pub(super) image: PlatformImage,
    unfinished: Option<String>,
}

impl Looked {
    /// Says what is odd.
    pub(super) fn warn(&self, console: &mut Console) {
        if let Some(why) = &self.unfinished {
            let text = format!("the platform itself may not be well with `{}` ({}): {why}", self.image.image, self.image.from);
            console.complain(&Diagnostic::warning("image-platform-rolling", text).into());
        }
    }
}

/// Reads the platform's image from the cluster.
pub(super) fn platform(options: &ClusterFrom, fleet: Option<&Fleet>, file: &Path) -> Result<Looked, Failure> {
    let cluster = cluster(options, fleet, file)?;
    Ok(platform_of(&cluster, fleet)?)
}

/// Reads the platform's image from a cluster.
pub(super) fn platform_of(cluster: &Cluster, fleet: Option<&Fleet>) -> Result<Looked, Diagnostic> {
    let choice = choice(fleet);
    let rules = fleet.map(|f| f.image_settings.tags.clone()).unwrap_or_default();
    let deployment = cluster.object(&images::platform_id(&choice))?;
    let image = images::platform(deployment.as_ref(), &choice, &rules, &cluster.name())?;
    Ok(Looked { image, unfinished: deployment.as_ref().and_then(images::unfinished) })
}
