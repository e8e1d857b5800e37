//! `rollcast images lock`, and the lock beside a fleet file for every command that reads one.

use super::args::LockArgs;
use super::sources::{self, Looked};
use crate::cli::console::{Console, Failure, environment};
use crate::cli::{CLEAN, FOUND, inputs};
use crate::cluster;
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::images::registry::credentials::Credentials;
use crate::images::registry::{Failed, Options, Registries, RegistryError};
use crate::images::{self, Lock, PinnedFleet, Supply};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The lock file of a fleet file: `fleet.lock` for `fleet.toml`.
pub(in crate::cli) fn file(fleet: &Path) -> PathBuf {
    fleet.with_extension("lock")
}

/// The lock beside a fleet file; none if there is none.
pub(in crate::cli) fn beside(fleet: &Path) -> Result<Option<Lock>, Failure> {
    let path = file(fleet);
    let bytes = match std::fs::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(Diagnostic::error("image-lock", format!("cannot read `{}`: {e}", path.display())).into()),
    };
    Ok(Some(images::read_lock(&Source::read(path, bytes)?)?))
}

/// What the environment and the lock know of images.
pub(in crate::cli) fn supply(lock: Option<&Lock>) -> Supply {
    let customer = environment().remove("CUSTOMER_AGENT_IMAGE").filter(|image| !image.is_empty());
    let platform = lock.and_then(|l| l.platform.clone());
    Supply { customer, platform: platform.ok_or_else(|| "fleet.lock has none: `rollcast images lock --context NAME` reads it".to_owned()) }
}

/// Puts the locked digests into a fleet.
pub(in crate::cli) fn apply(pinned: PinnedFleet, lock: Option<Lock>, fleet: &Path) -> Result<PinnedFleet, Diagnostics> {
    let path = file(fleet);
    let Some(lock) = lock else {
        let error = Diagnostic::error("image-lock-stale", format!("`--locked` is given and there is no `{}`", path.display()));
        return Err(error.hint("`rollcast images lock` writes it").into());
    };
    images::with_lock(pinned, &lock, &path.display().to_string())
}

/// Writes the lock.
pub(super) fn run(options: &LockArgs, console: &mut Console) -> Result<u8, Failure> {
    let fleet = inputs::unpinned(&options.fleet, console)?;
    let path = file(&options.fleet.fleet);
    let old = beside(&options.fleet.fleet)?;
    let mut supply = supply(old.as_ref());
    // A snapshot that the fleet names for plans is no source for what goes into a lock.
    if options.cluster.context.is_some() || options.cluster.from.is_some() {
        let looked = sources::platform(&options.cluster, Some(&fleet), &options.fleet.fleet)?;
        looked.warn(console);
        let Looked { image, .. } = looked;
        supply.platform = Ok(image);
    }
    let needed = fleet.agents.iter().any(|a| a.org.is_some()) || fleet.image_settings.platform.given;
    let pinned = images::pin(fleet, &supply)?;
    console.complain(&Diagnostics(pinned.notes.clone()));
    let mut lock = Lock { platform: supply.platform.ok().filter(|_| needed), ..Lock::default() };
    let mut wanted: BTreeSet<String> = pinned.images.iter().flat_map(|images| images.values().cloned()).collect();
    wanted.extend(lock.platform.iter().map(|p| p.image.clone()));
    wanted.retain(|image| !image.contains('@'));
    let mut registries = registries(&options.plain_http, options.timeout);
    let runtime = runtime()?;
    let mut problems = Vec::new();
    for image in wanted {
        let reference = match images::parse(&image) {
            Ok(reference) => reference,
            Err(why) => {
                problems.push(Diagnostic::error("image-reference", format!("`{image}` is no image reference: {why}")));
                continue;
            }
        };
        match runtime.block_on(registries.digest(&reference)) {
            Ok(digest) => drop(lock.images.insert(image, digest)),
            Err(error) => problems.push(refused(&image, &error)),
        }
    }
    if !problems.is_empty() {
        return Err(Diagnostics(problems).into());
    }
    if options.check {
        return check(&lock, old.as_ref(), &path, console);
    }
    write(&lock, old.as_ref(), &path, console)?;
    if options.pin {
        pin(&options.fleet.fleet, &lock, console)?;
    }
    Ok(CLEAN)
}

fn write(lock: &Lock, old: Option<&Lock>, path: &Path, console: &mut Console) -> Result<(), Failure> {
    let changes = changes(lock, old);
    let before = std::fs::read_to_string(path).unwrap_or_default();
    let text = images::write_lock(&before, lock)?;
    if text != before {
        let failed = |e: std::io::Error| Diagnostic::error("cannot-write", format!("cannot write `{}`: {e}", path.display()));
        cluster::write_file(path, text.as_bytes()).map_err(failed)?;
    }
    console.print(&changes.iter().map(|c| format!("{c}\n")).collect::<String>())?;
    let state = if text == before { "unchanged" } else { "written" };
    console.remark(&format!("{}: {} images, {} changed, {state}", path.display(), lock.images.len(), changes.len()));
    Ok(())
}

fn check(lock: &Lock, old: Option<&Lock>, path: &Path, console: &mut Console) -> Result<u8, Failure> {
    let changes = changes(lock, old);
    if changes.is_empty() {
        console.remark(&format!("{}: up to date", path.display()));
        return Ok(CLEAN);
    }
    console.print(&changes.iter().map(|c| format!("{c}\n")).collect::<String>())?;
    console.remark(&format!("{}: out of date", path.display()));
    Ok(FOUND)
}

/// What is another in a lock than in the one before.
fn changes(lock: &Lock, old: Option<&Lock>) -> Vec<String> {
    let nothing = Lock::default();
    let old = old.unwrap_or(&nothing);
    let short = |digest: &str| digest.chars().take(19).collect::<String>();
    let mut out = Vec::new();
    for (image, digest) in &lock.images {
        match old.images.get(image) {
            Some(before) if before == digest => {}
            Some(before) => out.push(format!("{image}  {} -> {}", short(before), short(digest))),
            None => out.push(format!("{image}  {}", short(digest))),
        }
    }
    out.extend(old.images.keys().filter(|image| !lock.images.contains_key(*image)).map(|image| format!("{image}  removed")));
    let platform = |lock: &Lock| lock.platform.as_ref().map_or("none", |p| p.image.as_str()).to_owned();
    if platform(lock) != platform(old) {
        out.push(format!("platform  {} -> {}", platform(old), platform(lock)));
    }
    out
}

/// Puts the digests into the fleet file.
fn pin(path: &Path, lock: &Lock, console: &mut Console) -> Result<(), Failure> {
    let failed = |e: std::io::Error| Diagnostic::error("cannot-write", format!("cannot write `{}`: {e}", path.display()));
    let before = std::fs::read_to_string(path).map_err(failed)?;
    let (text, left) = images::pin_in_fleet(&before, lock)?;
    if text != before {
        cluster::write_file(path, text.as_bytes()).map_err(failed)?;
    }
    for container in left {
        console.remark(&format!("{}: the image of `{container}` comes from the environment and is left as it is", path.display()));
    }
    Ok(())
}

/// What a registry refused, with what to do about it.
pub(super) fn refused(image: &str, error: &RegistryError) -> Diagnostic {
    let (code, hint) = match error.kind {
        Failed::Unreachable => {
            ("image-registry", "HTTPS_PROXY and --plain-http HOST say how to reach a registry; commands without `--locked` ask none")
        }
        Failed::Denied => {
            ("image-registry-denied", "`docker login` (or a credential helper) writes what rollcast reads from ~/.docker/config.json")
        }
        Failed::Missing => ("image-missing-in-registry", "was it pushed? A tag that was deleted has no digest any more"),
        Failed::Busy => ("image-registry", "try again later: a registry limits how often it is asked"),
        Failed::Odd => ("image-registry", "is it a registry that speaks the OCI distribution protocol?"),
    };
    Diagnostic::error(code, format!("`{image}`: {error}")).hint(hint)
}

/// How this user reaches registries.
pub(super) fn registries(plain_http: &[String], timeout: Duration) -> Registries {
    // An error here means that a provider is installed already, which serves as well.
    drop(rustls::crypto::ring::default_provider().install_default());
    let environment = environment();
    let of = |name: &str| environment.get(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let docker = of("DOCKER_CONFIG").or_else(|| of("HOME").map(|home| home.join(".docker")));
    let podman = of("REGISTRY_AUTH_FILE").or_else(|| of("XDG_RUNTIME_DIR").map(|dir| dir.join("containers/auth.json")));
    let files = docker.map(|dir| dir.join("config.json")).into_iter().chain(podman).collect();
    let access = inputs::access(None);
    Registries::new(Options {
        credentials: Credentials { files },
        plain_http: plain_http.to_vec(),
        timeout,
        tries: 4,
        pause: Duration::from_millis(500),
        longest: Duration::from_secs(20),
        proxy: Box::new(move |address| cluster::proxy_for(&access, address)),
    })
}

/// A runtime for one command's requests.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let started = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    started.map_err(|e| Diagnostic::error("image-registry", format!("cannot start a client: {e}")).into())
}
