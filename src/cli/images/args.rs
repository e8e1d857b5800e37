//! The command line of `rollcast images`. The doc comments are the manual.

use crate::cli::args::{FleetFile, Timing, duration};
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::time::Duration;

/// What to do with images.
#[derive(Debug, Subcommand)]
pub(in crate::cli) enum Images {
    /// Show every image reference, where it stands and whether it is pinned
    ///
    /// Of the fleet's manifests, of files, or of a cluster (GET only): containers, init and ephemeral containers and image volumes
    /// of every kind that Kubernetes has, and in custom resources what `[images.paths]` names.
    List(List),
    /// Show which image an organisation's agents get, and why
    ///
    /// CUSTOMER_AGENT_IMAGE or the fleet's override, else the platform's image (from `[images.platform]`, read from the cluster or
    /// from fleet.lock), else the last resort, if the fleet allows one. Refuses an image that can change under its name.
    Resolve(Resolve),
    /// Ask registries which digest every tag of the fleet stands for, and write fleet.lock
    ///
    /// Uses docker's and podman's configuration and credential helpers. Exits 1 with `--check` if the lock is out of date.
    Lock(LockArgs),
    /// Set the images of workloads that do not have them yet: one patch for each, with just the stale containers
    ///
    /// Takes the fleet's images, or those given with `--image`. Refuses what the simulator says to be over budget. Exits 0 if all is
    /// done, 1 if something failed (or, with --dry-run, would change), 2 for an error.
    Set(Set),
    /// Bring the tenants that are behind to the platform's image, and roll no others
    ///
    /// Run again, it continues. Exits 0 if all have the image, 1 if some are behind (--dry-run) or failed, 2 for an error.
    Sync(Sync),
    /// Show who is behind the platform, by how many releases and since when; writes nothing
    ///
    /// Exits 0 if nobody is behind, 1 if somebody is, 2 for an error.
    Drift(Drift),
}

/// The fleet file, if there is one.
#[derive(Debug, Args)]
pub(in crate::cli) struct MaybeFleet {
    /// The fleet file; fleet.toml if it is there
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) fleet: Option<PathBuf>,
}

/// The cluster, live or as it was.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(in crate::cli) struct ClusterFrom {
    /// A context of the kubeconfig; without one the fleet's `[cluster]`, or the kubeconfig's current one
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) context: Option<String>,
    /// A snapshot file instead of a live cluster; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(in crate::cli) from: Option<PathBuf>,
}

/// How results are written.
#[derive(Clone, Debug)]
pub(in crate::cli) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// What a JSONPath finds in the JSON.
    JsonPath(String),
}

/// Options of `images list`.
#[derive(Debug, Args)]
pub(in crate::cli) struct List {
    /// The fleet
    #[command(flatten)]
    pub(in crate::cli) fleet: MaybeFleet,
    /// Manifests: a file, a directory, or `-` (can be repeated)
    #[arg(short = 'f', long = "filename", value_name = "FILE", conflicts_with_all = ["context", "from"])]
    pub(in crate::cli) files: Vec<PathBuf>,
    /// A context of the kubeconfig (read with GET only)
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) context: Option<String>,
    /// A snapshot file; `-` is standard input
    #[arg(long, value_name = "FILE", conflicts_with = "context")]
    pub(in crate::cli) from: Option<PathBuf>,
    /// text, json or `jsonpath=…` (`{.items[*].image}` as in kubectl, or `$.items[?@.pinned == false].image`)
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "text", value_parser = format)]
    pub(in crate::cli) output: Format,
}

/// Options of `images resolve`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Resolve {
    /// The fleet
    #[command(flatten)]
    pub(in crate::cli) fleet: MaybeFleet,
    /// The cluster
    #[command(flatten)]
    pub(in crate::cli) cluster: ClusterFrom,
    /// Only this organisation
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) org: Option<String>,
    /// Take the platform's image from fleet.lock and ask no cluster
    #[arg(long, conflicts_with_all = ["context", "from"])]
    pub(in crate::cli) locked: bool,
    /// text, json or `jsonpath=…`
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "text", value_parser = format)]
    pub(in crate::cli) output: Format,
}

/// Options of `images lock`.
#[derive(Debug, Args)]
pub(in crate::cli) struct LockArgs {
    /// The fleet
    #[command(flatten)]
    pub(in crate::cli) fleet: FleetFile,
    /// The cluster to read the platform's image from; without one the image that fleet.lock has stays
    #[command(flatten)]
    pub(in crate::cli) cluster: ClusterFrom,
    /// Write nothing: exit 1 if fleet.lock is not what it would become
    #[arg(long)]
    pub(in crate::cli) check: bool,
    /// Put the digests into fleet.toml as well; comments and layout stay
    #[arg(long, conflicts_with = "check")]
    pub(in crate::cli) pin: bool,
    /// A registry that speaks plain HTTP; those on the loopback do anyway (can be repeated)
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(in crate::cli) plain_http: Vec<String>,
    /// How long one answer of a registry may take
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration)]
    pub(in crate::cli) timeout: Duration,
}

/// How the prediction is made, and what overrules it.
#[derive(Debug, Args)]
pub(in crate::cli) struct Guard {
    /// Say what would be written, and write nothing
    #[arg(long)]
    pub(in crate::cli) dry_run: bool,
    /// Write even what is predicted to be over budget, or unknown
    #[arg(long)]
    pub(in crate::cli) force: bool,
    /// How long pods take
    #[command(flatten)]
    pub(in crate::cli) timing: Timing,
    /// A webhook or admission policy that changes nothing about rollouts; `*` for all (can be repeated)
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) trust_webhook: Vec<String>,
}

/// Options of `images set`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Set {
    /// `deployment/ceo-agent`, `sts/agents/db`; every workload of the fleet without one
    #[arg(value_name = "WORKLOAD")]
    pub(in crate::cli) workloads: Vec<String>,
    /// The image of a container: `agent=gcr.io/genbrain/agent-cli:4f6e2c1`; the fleet's without one (can be repeated)
    #[arg(long, value_name = "CONTAINER=IMAGE", value_parser = image)]
    pub(in crate::cli) image: Vec<(String, String)>,
    /// The namespace of workloads that name none; that of the context without this
    #[arg(short = 'n', long, value_name = "NAME")]
    pub(in crate::cli) namespace: Option<String>,
    /// The fleet
    #[command(flatten)]
    pub(in crate::cli) fleet: MaybeFleet,
    /// The environment to lay over the fleet
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) environment: Option<String>,
    /// Use the digests of fleet.lock
    #[arg(long)]
    pub(in crate::cli) locked: bool,
    /// The cluster; a snapshot only with --dry-run
    #[command(flatten)]
    pub(in crate::cli) cluster: ClusterFrom,
    /// The prediction
    #[command(flatten)]
    pub(in crate::cli) guard: Guard,
    /// Wait until each rollout has ended
    #[arg(long)]
    pub(in crate::cli) wait: bool,
    /// How long one rollout may take with --wait
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub(in crate::cli) timeout: Duration,
}

/// Which workloads are tenants'.
#[derive(Debug, Args)]
pub(in crate::cli) struct Tenants {
    /// The fleet
    #[command(flatten)]
    pub(in crate::cli) fleet: MaybeFleet,
    /// The cluster
    #[command(flatten)]
    pub(in crate::cli) cluster: ClusterFrom,
    /// Their namespaces: a pattern with `*` and `?` [default: org-*, or what the fleet says]
    #[arg(long, value_name = "PATTERN")]
    pub(in crate::cli) namespaces: Option<String>,
    /// Their workloads: a pattern [default: agent-*, or what the fleet says]
    #[arg(long, value_name = "PATTERN")]
    pub(in crate::cli) workloads: Option<String>,
    /// The container that gets the platform's image [default: the one that has it]
    #[arg(long, value_name = "NAME")]
    pub(in crate::cli) container: Option<String>,
    /// The image to compare with; the platform's without this
    #[arg(long, value_name = "IMAGE")]
    pub(in crate::cli) image: Option<String>,
}

/// Options of `images sync`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Sync {
    /// Which workloads
    #[command(flatten)]
    pub(in crate::cli) tenants: Tenants,
    /// The prediction
    #[command(flatten)]
    pub(in crate::cli) guard: Guard,
    /// How many roll at the same time [default: 5, or what the fleet says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(in crate::cli) max_parallel: Option<u32>,
    /// How many of the tenants' workloads may be without all their pods, those that are so already included [default: no limit]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(in crate::cli) max_unavailable: Option<u32>,
    /// Stop after this many failures [default: 1, or what the fleet says]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(in crate::cli) stop_after: Option<u32>,
    /// How long one rollout may take before it counts as failed
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = duration)]
    pub(in crate::cli) timeout: Duration,
}

/// Options of `images drift`.
#[derive(Debug, Args)]
pub(in crate::cli) struct Drift {
    /// Which workloads
    #[command(flatten)]
    pub(in crate::cli) tenants: Tenants,
    /// Ask the registry which releases there are, so that each one counts
    #[arg(long)]
    pub(in crate::cli) registry: bool,
    /// A registry that speaks plain HTTP; those on the loopback do anyway (can be repeated)
    #[arg(long, value_name = "HOST[:PORT]")]
    pub(in crate::cli) plain_http: Vec<String>,
    /// text, json or `jsonpath=…`
    #[arg(short = 'o', long, value_name = "FORMAT", default_value = "text", value_parser = format)]
    pub(in crate::cli) output: Format,
}

fn format(text: &str) -> Result<Format, String> {
    match text.split_once('=') {
        Some(("jsonpath", "")) => Err("no path stands after `jsonpath=`".to_owned()),
        Some(("jsonpath", path)) => Ok(Format::JsonPath(path.to_owned())),
        _ if text == "json" => Ok(Format::Json),
        _ if text == "text" => Ok(Format::Text),
        _ => Err("expected text, json or `jsonpath=…`".to_owned()),
    }
}

fn image(text: &str) -> Result<(String, String), String> {
    let (container, image) = text.split_once('=').ok_or("expected `CONTAINER=IMAGE`")?;
    if container.is_empty() {
        return Err("the container's name is missing before `=`".to_owned());
    }
    match crate::images::parse(image) {
        Ok(_) => Ok((container.to_owned(), image.to_owned())),
        Err(why) => Err(format!("`{image}` is no image reference: {why}")),
    }
}
