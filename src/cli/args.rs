//! The command line as written. The doc comments are the manual.

use crate::fleet::expect::{ExpectedRolls, ExpectedWrites};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

/// Says how many times each Kubernetes workload will roll, in which step of a deploy, because of which field, and how long it
/// will be down, before anything is applied. Only `images set` and `images sync` ever write to a cluster.
#[derive(Debug, Parser)]
#[command(name = "rollcast", version, propagate_version = true, disable_help_subcommand = true, max_term_width = 110)]
#[command(
    after_help = "Exit codes: 0 nothing found; 1 over budget or unknown (check), differences (diff); 2 an error of use, input or reading"
)]
pub(super) struct Cli {
    /// What to do
    #[command(subcommand)]
    pub(super) command: Command,
    /// When to colour: on a terminal unless NO_COLOR is set, always, or never
    #[arg(long, global = true, value_enum, default_value = "auto", value_name = "WHEN")]
    pub(super) color: Color,
}

/// When output is coloured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Color {
    /// On a terminal, unless NO_COLOR is set
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Fail if a workload rolls more often, or is down longer, than its budget allows
    ///
    /// Runs the pipeline on the state, judges every workload and lists lint findings. Exits 0 within budget, 1 over it or if
    /// anything is unknown, 2 for an error of use, input or reading. Made for a CI job before the merge.
    Check(Plan),
    /// Tell the rolls of each step and workload, their reasons and the downtime
    ///
    /// Exits 0 whatever it finds, unless `--check` is given, and 2 for an error.
    Plan {
        /// The pipeline, the state and the reports
        #[command(flatten)]
        plan: Plan,
        /// Exit as `check` does: 1 over budget or if anything is unknown
        #[arg(long)]
        check: bool,
    },
    /// Show what applying would change, the verdict of each workload first
    ///
    /// Exits 0 without a difference, 1 with one, 2 for an error.
    Diff(Applied),
    /// Write the fleet's manifests to standard output or into a directory
    Render(Render),
    /// Read a cluster (GET only) into one file
    ///
    /// The file is a plain v1 List that `kubectl` reads too; the values of Secrets are replaced by digests.
    Snapshot(Snapshot),
    /// Make a fleet.toml with comments, the templates, and a CI job
    Init(Init),
    /// Run a deploy script, unmodified, on the simulated cluster, and report as `plan` does
    ///
    /// The script's output is passed through; the report goes to standard error unless `--report` says otherwise. Exits 1 if the
    /// script fails or an expectation is not met, with `--check` also as `check` does, and 2 for an error or an interruption.
    Rehearse(Rehearse),
    /// Run the simulated cluster as a Kubernetes API server, for clients and tests in any language
    ///
    /// Starts empty unless a state is given. Listens on the loopback. `POST /rollcast/v1/reset` starts anew.
    Serve(Serve),
    /// Show what a fleet comes to: every value, and the file and line it comes from
    #[command(subcommand)]
    Fleet(Fleet),
    /// Where images stand, which ones tenants get, who is behind; pin them, and roll just what is stale
    ///
    /// `set` and `sync` write to the cluster, unless `--dry-run` is given; they are the only commands that do.
    #[command(subcommand)]
    Images(super::images::args::Images),
    /// What `rehearse --isolate` starts in place of the script, to become it in a network of its own
    #[command(hide = true)]
    Isolated(Isolated),
    /// Explain a code that a report shows, or an agent: everything it becomes, as a tree
    Explain {
        /// The code, for instance `mutable-tag`, or an agent: `agents.ceo`, `acme/support`; all codes are listed without one
        code: Option<String>,
        /// The fleet
        #[command(flatten)]
        fleet: FleetFile,
    },
    /// Print the JSON Schema of a format
    Schema {
        /// Which format
        #[arg(value_enum, default_value = "fleet")]
        format: SchemaFormat,
    },
    /// Print a completion script for a shell
    Completions {
        /// Which shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
}

/// A format with a schema.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(super) enum SchemaFormat {
    /// fleet.toml
    Fleet,
}

/// What to do with the fleet file itself.
#[derive(Debug, Subcommand)]
pub(super) enum Fleet {
    /// Print every value with the environment laid over it and what agents inherit, and where each comes from
    Show {
        /// The fleet
        #[command(flatten)]
        fleet: FleetFile,
        /// Only what is below a key: `agents.ceo`, `orgs.acme.agents.support.env`
        #[arg(default_value = "", hide_default_value = true)]
        key: String,
    },
}

/// Where the fleet stands.
#[derive(Debug, Args)]
pub(super) struct FleetFile {
    /// The fleet file
    #[arg(long, value_name = "FILE", default_value = "fleet.toml")]
    pub(super) fleet: PathBuf,
    /// The environment to lay over the fleet
    #[arg(long, value_name = "NAME")]
    pub(super) environment: Option<String>,
    /// Use the digests of fleet.lock, and fail if one is missing: `images lock` writes it
    #[arg(long)]
    pub(super) locked: bool,
}

/// Which state to start from; the fleet file may name a default under `[cluster]`.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(super) struct StateFrom {
    /// A snapshot file: what `kubectl get … -o json --show-managed-fields` prints, JSON or YAML, gzip too; `-` is standard input
    #[arg(long, value_name = "FILE")]
    pub(super) from: Option<PathBuf>,
    /// A live cluster: a context of the kubeconfig (read with GET only)
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,
    /// As if the manifests of a git revision had been applied
    #[arg(long, value_name = "REV")]
    pub(super) base: Option<String>,
    /// An empty cluster
    #[arg(long)]
    pub(super) empty: bool,
}

/// Options of `plan` and `check`.
#[derive(Debug, Args)]
#[group(id = "pipeline-options")]
pub(super) struct Plan {
    /// What is applied to which state
    #[command(flatten)]
    pub(super) applied: Applied,
    /// How long pods take
    #[command(flatten)]
    pub(super) timing: Timing,
    /// Whether each write's rollout finishes before the next write, or only where the pipeline waits
    #[arg(long, value_enum, default_value = "settle")]
    pub(super) pace: PaceName,
    /// What going back would do: the manifests and the pipeline of a git revision, on the state
    #[arg(long, value_name = "REV")]
    pub(super) rollback: Option<String>,
    /// A report: text, json, markdown, html, sarif, junit or github, to standard output or to PATH (can be repeated; text if none is given)
    #[arg(long, value_name = "FORMAT[=PATH]", value_parser = report)]
    pub(super) report: Vec<ReportTo>,
}

/// How long pods take to start and to stop, where the user says it.
#[derive(Clone, Copy, Debug, Args)]
#[group(id = "timing")]
pub(super) struct Timing {
    /// Time from a pod's start to its Ready, for every workload (`90s`, `3m`)
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) restart: Option<Duration>,
    /// Time from a pod's deletion to its end, for every workload
    #[arg(long, value_name = "DURATION", value_parser = duration)]
    pub(super) stop: Option<Duration>,
}

/// What is applied to which state: options of `plan`, `check` and `diff`.
#[derive(Debug, Args)]
#[group(id = "applied")]
pub(super) struct Applied {
    /// The fleet
    #[command(flatten)]
    pub(super) fleet: FleetFile,
    /// The state
    #[command(flatten)]
    pub(super) state: StateFrom,
    /// Manifests instead of a fleet: a file, a directory, or `-` (can be repeated)
    #[arg(short = 'f', long = "filename", value_name = "FILE", conflicts_with_all = ["fleet", "environment", "locked"])]
    pub(super) files: Vec<PathBuf>,
    /// The namespace of manifests that name none; that of the context, or `default`, without this
    #[arg(short = 'n', long = "namespace", value_name = "NAME")]
    pub(super) namespace: Option<String>,
    /// How the manifests given with `-f`, and those of a fleet without a pipeline, are applied
    #[arg(long = "as", value_enum, value_name = "APPLIER", default_value = "kubectl-server")]
    pub(super) applier: ApplierName,
    /// The Kubernetes version to simulate, where the state does not tell it (`1.36`)
    #[arg(long, value_name = "VERSION", value_parser = kubernetes)]
    pub(super) kubernetes: Option<String>,
    /// A webhook or admission policy that changes nothing about rollouts; `*` for all (can be repeated)
    #[arg(long, value_name = "NAME")]
    pub(super) trust_webhook: Vec<String>,
}

/// Options of `render`.
#[derive(Debug, Args)]
pub(super) struct Render {
    /// The fleet
    #[command(flatten)]
    pub(super) fleet: FleetFile,
    /// A directory to write one file an object into; files of dropped objects that rollcast wrote are removed
    #[arg(long, value_name = "DIR")]
    pub(super) into: Option<PathBuf>,
    /// What to make of the fleet
    #[arg(long, value_enum, default_value = "kubernetes", value_name = "TARGET")]
    pub(super) target: Target,
}

/// What a fleet is rendered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Target {
    /// Manifests
    Kubernetes,
    /// A compose file: the same containers on one machine
    Compose,
    /// The alerts as a plain rules file
    Prometheus,
}

/// Options of `snapshot`.
#[derive(Debug, Args)]
pub(super) struct Snapshot {
    /// A context of the kubeconfig; its current one without this
    #[arg(long, value_name = "NAME")]
    pub(super) context: Option<String>,
    /// The file to write, whole or not at all; standard output without this
    #[arg(short = 'o', long, value_name = "FILE")]
    pub(super) output: Option<PathBuf>,
    /// Only these namespaces (can be repeated)
    #[arg(short = 'n', long = "namespace", value_name = "NAME")]
    pub(super) namespaces: Vec<String>,
}

/// Options of `serve`.
#[derive(Debug, Args)]
pub(super) struct Serve {
    /// The state
    #[command(flatten)]
    pub(super) state: StateFrom,
    /// Where to listen; port 0 takes a free one. Beyond the loopback clients need TLS and `--token`
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8001", value_parser = address)]
    pub(super) listen: std::net::SocketAddr,
    /// A kubeconfig to write for clients
    #[arg(long, value_name = "PATH")]
    pub(super) kubeconfig: Option<PathBuf>,
    /// The bearer token that clients must send; any will do without this
    #[arg(long, value_name = "TOKEN", env = "ROLLCAST_TOKEN", hide_env_values = true)]
    pub(super) token: Option<String>,
    /// Encrypt on the loopback too, as is always done beyond it, with a certificate made for this run
    #[arg(long)]
    pub(super) tls: bool,
    /// A certificate to serve with, and those above it, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_key")]
    pub(super) tls_cert: Option<PathBuf>,
    /// The certificate's key, in PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub(super) tls_key: Option<PathBuf>,
    /// A name or address under which clients reach it: the first stands in the kubeconfig (can be repeated)
    #[arg(long, value_name = "HOST")]
    pub(super) advertise: Vec<String>,
    /// The Kubernetes version to simulate, where the state does not tell it (`1.36`)
    #[arg(long, value_name = "VERSION", value_parser = kubernetes)]
    pub(super) kubernetes: Option<String>,
    /// Whether pods become ready, or stay pending for ever
    #[arg(long, value_enum, default_value = "ready")]
    pub(super) pods: PodsName,
    /// How long pods take
    #[command(flatten)]
    pub(super) timing: Timing,
    /// Whether each write's rollout finishes before its answer, or only when a client waits
    #[arg(long, value_enum, default_value = "settle")]
    pub(super) pace: PaceName,
}

/// Options of `rehearse`.
#[derive(Debug, Args)]
pub(super) struct Rehearse {
    /// A snapshot file; `-` is standard input. As NAME=FILE, the state of that context alone (can be repeated)
    #[arg(long, value_name = "[NAME=]FILE", conflicts_with_all = ["context", "base", "empty"])]
    pub(super) from: Vec<String>,
    /// A live cluster: a context of the kubeconfig (read with GET only)
    #[arg(long, value_name = "NAME", conflicts_with_all = ["base", "empty"])]
    pub(super) context: Option<String>,
    /// As if the manifests of a git revision had been applied
    #[arg(long, value_name = "REV", conflicts_with = "empty")]
    pub(super) base: Option<String>,
    /// An empty cluster
    #[arg(long)]
    pub(super) empty: bool,
    /// The fleet file with budgets and a default state; fleet.toml if it is there
    #[arg(long, value_name = "FILE")]
    pub(super) fleet: Option<PathBuf>,
    /// The Kubernetes version to simulate, where the state does not tell it (`1.36`)
    #[arg(long, value_name = "VERSION", value_parser = kubernetes)]
    pub(super) kubernetes: Option<String>,
    /// A webhook or admission policy that changes nothing about rollouts; `*` for all (can be repeated)
    #[arg(long, value_name = "NAME")]
    pub(super) trust_webhook: Vec<String>,
    /// How long pods take
    #[command(flatten)]
    pub(super) timing: Timing,
    /// Whether each write's rollout finishes before its answer, or only when the script waits
    #[arg(long, value_enum, default_value = "settle")]
    pub(super) pace: PaceName,
    /// A report: text, json, markdown, html, sarif, junit or github, to standard output or to PATH (can be repeated; text to standard error if none is given)
    #[arg(long, value_name = "FORMAT[=PATH]", value_parser = report)]
    pub(super) report: Vec<ReportTo>,
    /// Exit as `check` does: 1 over budget or if anything is unknown
    #[arg(long)]
    pub(super) check: bool,
    /// Replace a program by one that does nothing and succeeds: docker, cosign (can be repeated)
    #[arg(long, value_name = "NAME")]
    pub(super) stub: Vec<String>,
    /// Let the script reach a program that would be replaced (can be repeated)
    #[arg(long, value_name = "NAME")]
    pub(super) allow: Vec<String>,
    /// How often a workload must roll: `deployment/ceo-agent=1`, `sts/agents/db=0` (can be repeated)
    #[arg(long, value_name = "KIND/NAME=N", value_parser = super::rehearse::expected_rolls)]
    pub(super) expect: Vec<ExpectedRolls>,
    /// How many writes a command must send: `'set image'=1` (can be repeated)
    #[arg(long, value_name = "COMMAND=N", value_parser = super::rehearse::expected_writes)]
    pub(super) expect_writes: Vec<ExpectedWrites>,
    /// Nothing may roll or be written but what `--expect` and `--expect-writes` name
    #[arg(long)]
    pub(super) expect_none: bool,
    /// Run the command in a network of its own, in which nothing can be reached but the simulated cluster (Linux)
    #[arg(long)]
    pub(super) isolate: bool,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}

/// Options of `isolated`.
#[derive(Debug, Args)]
pub(super) struct Isolated {
    /// How many sockets to listen on
    #[arg(long)]
    pub(super) shadows: usize,
    /// The command and its arguments
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}

/// What becomes of pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PodsName {
    /// They become ready
    Ready,
    /// No pod ever becomes ready: images that cannot be pulled, a full cluster
    Pending,
}

/// Options of `init`.
#[derive(Debug, Args)]
pub(super) struct Init {
    /// Where; here without this
    #[arg(default_value = ".")]
    pub(super) dir: PathBuf,
}

/// Who applies manifests: decides patch type, field manager and whether conflicts are forced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ApplierName {
    /// kubectl apply
    Kubectl,
    /// kubectl apply --server-side
    KubectlServer,
    /// Argo CD with server-side apply
    Argocd,
    /// Flux's kustomize-controller
    Flux,
    /// helm upgrade
    Helm,
}

/// How time passes between writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum PaceName {
    /// Each write's rollout finishes before the next write
    Settle,
    /// Time passes only where the script waits
    Script,
}

/// A report format and where it goes.
#[derive(Clone, Debug)]
pub(super) struct ReportTo {
    /// The format.
    pub(super) format: ReportFormat,
    /// The file; none for standard output.
    pub(super) path: Option<PathBuf>,
}

/// The report formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum ReportFormat {
    /// For people.
    Text,
    /// `rollcast.report/v1`.
    Json,
    /// For a merge request.
    Markdown,
    /// One page, for a CI artifact.
    Html,
    /// SARIF 2.1.0, for code hosts.
    Sarif,
    /// Test results, for CI systems.
    Junit,
    /// Annotations of GitHub Actions.
    Github,
}

fn report(text: &str) -> Result<ReportTo, String> {
    let (format, path) = match text.split_once('=') {
        Some((_, "")) => return Err("no path stands after `=`".to_owned()),
        Some((format, path)) => (format, Some(PathBuf::from(path))),
        None => (text, None),
    };
    let known: Vec<String> =
        ReportFormat::value_variants().iter().filter_map(|v| Some(v.to_possible_value()?.get_name().to_owned())).collect();
    let format = ReportFormat::from_str(format, false).map_err(|_| format!("no such format; expected one of {}", known.join(", ")))?;
    Ok(ReportTo { format, path })
}

fn address(text: &str) -> Result<std::net::SocketAddr, String> {
    text.parse().map_err(|_| "expected an IP address and a port, such as `127.0.0.1:8001` or `[::1]:0`".to_owned())
}

fn kubernetes(text: &str) -> Result<String, String> {
    match crate::schema::Version::nearest(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("expected a version such as `1.36`".to_owned()),
    }
}

/// A duration as people write it: `90s`, `3m`, `1h30m`, `500ms`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || "expected a duration such as `90s`, `3m` or `1h30m`".to_owned();
    let (mut total, mut rest) = (Duration::ZERO, text);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u64 = rest[..digits].parse().map_err(|_| wrong())?;
        let unit = &rest[digits..];
        let length = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let one = match &unit[..length] {
            "ms" => 1,
            "s" => 1_000,
            "m" => 60_000,
            "h" => 3_600_000,
            _ => return Err(wrong()),
        };
        total += Duration::from_millis(number.checked_mul(one).ok_or_else(wrong)?);
        rest = &unit[length..];
    }
    if text.is_empty() { Err(wrong()) } else { Ok(total) }
}
