//! What stands around an agent's workload becomes checked: secrets by reference, rights, what a pod does before it ends, `/tmp`.

use super::agent::{Container, PreStop, Right, SecretSource, SecretUse, Volume, VolumeKind};
use super::agent_check::{absolute, dns_name, verbatim};
use super::bundle::{ExternalFile, PreStopFile, RemoteValue, RightFile, SecretFile, StoreKind, TmpFile};
use super::file::{List, Named, ResourcesFile};
use super::read::{At, Reader};
use crate::object::quantity::Quantity;
use std::ops::Range;
use std::time::Duration;

/// The size of `/tmp` where the root file system is read-only and nothing else is said.
const TMP: &str = "64Mi";

/// The Secrets of an agent, in the order of the file.
pub(super) fn secrets(workload: &str, files: Named<SecretFile>, reader: &mut Reader<'_>) -> Vec<SecretUse> {
    let mut files: Vec<(String, At<SecretFile>)> = files.into_iter().collect();
    files.sort_by_key(|(_, f)| f.range.start);
    files.into_iter().filter_map(|(name, file)| secret(workload, name, file, reader)).collect()
}

fn secret(workload: &str, name: String, At { value: file, range }: At<SecretFile>, reader: &mut Reader<'_>) -> Option<SecretUse> {
    dns_name(&name, 50, "secret", &range, reader);
    let mut sources = Vec::new();
    sources.extend(file.existing.map(|e| (e.value.clone(), SecretSource::Existing)));
    let own = format!("{workload}-{name}");
    sources.extend(file.sealed.map(|s| (own.clone(), SecretSource::Sealed(s.value.into_iter().map(|(k, v)| (k, v.value.0)).collect()))));
    if let Some(external) = file.external {
        sources.push((own, external_secret(&name, external, reader)?));
    }
    if sources.len() != 1 && reader.broken(&range) {
        return None;
    }
    if sources.len() != 1 {
        let what = if sources.is_empty() { "does not say where it is from" } else { "is from several places at once" };
        let wrong = reader.wrong("fleet-secret-source", range, format!("the secret `{name}` {what}"));
        wrong.label = "expected one of `existing`, `external` and `sealed`".into();
        return None;
    }
    let (secret, source) = sources.remove(0);
    dns_subdomain(&secret, "Secret", &range, reader);
    let mode = match &file.mode {
        None => 0o440,
        Some(At { value, range }) => {
            let mode = i64::from_str_radix(value, 8).ok().filter(|m| (0..=0o777).contains(m));
            if mode.is_none() {
                reader.wrong("fleet-value", range.clone(), format!("`{value}` is no file mode")).label =
                    "expected for example \"0400\"".into();
            }
            mode?
        }
    };
    if let Some(mount) = &file.mount {
        absolute(mount, reader);
    }
    Some(SecretUse { name, secret, source, env: file.env.is_some_and(|e| e.value), mount: file.mount.map(|m| m.value), mode })
}

fn external_secret(name: &str, At { value: file, range }: At<ExternalFile>, reader: &mut Reader<'_>) -> Option<SecretSource> {
    let keys = file.keys.unwrap_or_default().value;
    let (Some(store), false) = (file.store, keys.is_empty()) else {
        if !reader.refused(&range, "store") && !reader.refused(&range, "keys") {
            let wrong = reader.wrong("fleet-missing", range, format!("the secret `{name}` needs a `store` and `keys`"));
            wrong.label = "expected { store = \"vault\", keys = { token = \"path/in/the/store\" } }".into();
        }
        return None;
    };
    let remote = |value: RemoteValue| match value {
        RemoteValue::Short(key) => (key, None),
        RemoteValue::Table(table) => (table.key.map(|k| k.value).unwrap_or_default(), table.property.map(|p| p.value)),
    };
    Some(SecretSource::External {
        store: store.value,
        kind: file.kind.map_or(StoreKind::ClusterSecretStore, |k| k.value).as_str(),
        refresh: file.refresh.map_or(Duration::from_secs(3600), |r| r.value.0),
        keys: keys.into_iter().map(|(k, v)| (k, remote(v.value))).collect(),
    })
}

/// RFC 1123 subdomains: the names of most objects.
fn dns_subdomain(name: &str, what: &str, at: &Range<usize>, reader: &mut Reader<'_>) {
    let label = |l: &str| {
        !l.is_empty() && !l.starts_with('-') && !l.ends_with('-') && l.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
    };
    if name.len() > 253 || !name.split('.').all(label) {
        let wrong = reader.wrong("fleet-name", at.clone(), format!("`{name}` cannot be the name of a {what}"));
        wrong.hints.push("lower-case letters, digits, `-` and `.`, at most 253".into());
    }
}

/// The rules of an agent's Role. One that takes everything is not scoped to its agent.
pub(super) fn rights(files: List<RightFile>, reader: &mut Reader<'_>) -> Vec<Right> {
    let texts = |list: Option<At<List<String>>>| list.into_iter().flat_map(|l| l.value).collect::<Vec<At<String>>>();
    let mut out = Vec::new();
    for At { value: file, range } in files {
        let (groups, resources, names, verbs) = (texts(file.groups), texts(file.resources), texts(file.names), texts(file.verbs));
        if resources.is_empty() || verbs.is_empty() {
            if reader.broken(&range) {
                continue;
            }
            let wrong = reader.wrong("fleet-rights", range, "a right needs `resources` and `verbs`");
            wrong.label = "expected { resources = [\"configmaps\"], verbs = [\"get\"] }".into();
            continue;
        }
        for star in groups.iter().chain(&resources).chain(&verbs).filter(|t| t.value == "*") {
            let wrong = reader.wrong("fleet-rights", star.range.clone(), "a right for everything is not scoped to its agent");
            wrong.hints.push("name what it needs: each `*` also stands for what a later version adds".into());
        }
        if let (Some(secrets), true) = (resources.iter().find(|r| r.value == "secrets"), names.is_empty()) {
            let wrong = reader.wrong("fleet-rights", secrets.range.clone(), "a right to read every Secret of the namespace");
            wrong.label = "expected `names` beside it".into();
            wrong.hints.push("with it the agent reads the tokens and keys of its neighbours".into());
        }
        let plain = |list: Vec<At<String>>| list.into_iter().map(|t| t.value).collect::<Vec<String>>();
        let groups = if groups.is_empty() { vec![String::new()] } else { plain(groups) };
        out.push(Right { groups, resources: plain(resources), names: plain(names), verbs: plain(verbs) });
    }
    out
}

/// What the agent's own container does before it is told to end.
pub(super) fn pre_stop(At { value: file, range }: At<PreStopFile>, reader: &mut Reader<'_>) -> Option<PreStop> {
    let mut found = Vec::new();
    if file.exec.is_some() {
        found.push(PreStop::Exec(verbatim(file.exec)));
    }
    found.extend(file.http.map(|path| PreStop::Http { path: path.value, port: file.port.map(|p| p.value.0) }));
    found.extend(file.sleep.map(|s| PreStop::Sleep(s.value.0)));
    if found.len() != 1 {
        // A dotted key's table is no wider than the key: what is wrong with it stands behind, on the same line.
        let line = reader.source.text[range.end..].find('\n').map_or(range.end, |n| range.end + n);
        if reader.broken(&(range.start..line)) {
            return None;
        }
        let what = if found.is_empty() { "does nothing" } else { "does several things" };
        reader.wrong("fleet-pre-stop", range, format!("`pre-stop` {what}")).label = "expected one of `exec`, `http` and `sleep`".into();
        return None;
    }
    if let PreStop::Sleep(length) = &found[0]
        && (length.as_secs() == 0 || length.subsec_nanos() > 0)
    {
        reader.wrong("fleet-value", range, "`sleep` takes whole seconds, one at least").label = "expected for example \"5s\"".into();
        return None;
    }
    Some(found.remove(0))
}

/// The size of `/tmp`, if there is one.
pub(super) fn tmp(file: Option<At<TmpFile>>, read_only_root: bool, volumes: &[Volume], reader: &mut Reader<'_>) -> Option<At<String>> {
    let taken = volumes.iter().any(|v| v.mount == "/tmp" || v.name == "tmp");
    match file {
        None if read_only_root && !taken => Some(At { value: TMP.into(), range: 0..0 }),
        None | Some(At { value: TmpFile::Off(_), .. }) => None,
        Some(At { value: TmpFile::Size(size), range }) => {
            if taken {
                reader.wrong("fleet-duplicate", range.clone(), "`tmp` beside a volume of that name or place").hints.push("drop one".into());
            }
            if Quantity::parse(&size).is_err() {
                reader.wrong("fleet-value", range.clone(), format!("`{size}` is not a size")).label =
                    "expected for example \"64Mi\"".into();
                return None;
            }
            Some(At { value: size, range })
        }
    }
}

/// What is written to memory counts against the limits of the container that writes it: it has to fit, or the container is killed.
pub(super) fn memory_fits(
    containers: &[Container],
    volumes: &[Volume],
    tmp: Option<&At<String>>,
    at: &Range<usize>,
    reader: &mut Reader<'_>,
) {
    for container in containers {
        let Some(limit) = container.resources.as_ref().and_then(memory_limit) else { continue };
        let mut sum = Quantity::ZERO;
        let mut names = Vec::new();
        let mounted = volumes.iter().filter(|v| v.containers.is_empty() || v.containers.contains(&container.name));
        for (name, size) in mounted.filter_map(|v| match &v.kind {
            VolumeKind::Memory(size) => Some((v.name.as_str(), size.as_str())),
            _ => None,
        }) {
            sum.add(&Quantity::parse(size).unwrap_or(Quantity::ZERO));
            names.push(name);
        }
        if let Some(tmp) = tmp {
            sum.add(&Quantity::parse(&tmp.value).unwrap_or(Quantity::ZERO));
            names.push("/tmp");
        }
        if !names.is_empty() && sum >= limit.0 {
            let place = if limit.1.is_empty() { at.clone() } else { limit.1 };
            let names = names.join(" and ");
            let text = format!("{names} may take {sum} of the container `{}`'s memory, whose limit is {}", container.name, limit.0);
            let wrong = reader.wrong("fleet-memory", place, text);
            wrong.label = "files in memory count against this limit".into();
            wrong.hints.push("raise the limit, or lower the size: `tmp = \"16Mi\"`, or `tmp = false` for none".into());
        }
    }
}

fn memory_limit(resources: &ResourcesFile) -> Option<(Quantity, Range<usize>)> {
    let limits = &resources.limits.as_ref()?.value;
    let At { value, range } = limits.get("memory")?;
    Some((Quantity::from_value(&value.0).ok()?, range.clone()))
}
