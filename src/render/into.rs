//! Manifests become files of a directory, one for each object, as a GitOps repository keeps them.
//!
//! Files that already say what they should are not touched. An inventory remembers what rollcast wrote; of objects that are gone
//! only those files are removed, and only if nobody has changed them since. Each file is written beside its place and renamed.

use super::{Manifest, in_parallel};
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::object::yaml;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The inventory's file name.
const INVENTORY: &str = ".rollcast.yaml";
const FORMAT: &str = "rollcast.inventory/v1";

/// What became of the files.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Written {
    /// New files.
    pub created: Vec<PathBuf>,
    /// Files with new content.
    pub changed: Vec<PathBuf>,
    /// Files that were as they should be.
    pub unchanged: usize,
    /// Files of objects that are gone.
    pub removed: Vec<PathBuf>,
    /// Files that stay although their object is gone, because they were changed by hand.
    pub notes: Vec<Diagnostic>,
}

/// The inventory, as it stands in the directory.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Inventory {
    format: String,
    /// Path to the digest of what was written.
    files: BTreeMap<String, String>,
}

/// A file as it is to be.
struct Planned<'m> {
    name: String,
    content: &'m str,
    digest: String,
    /// What has to be done for it.
    doing: Doing,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Doing {
    Nothing,
    /// Put beside others.
    Create,
    Change,
    /// Put into a directory that is not there yet.
    Fill,
}

/// Writes one file for each manifest.
///
/// # Errors
/// Files that cannot be read or written, and files at a manifest's place that rollcast did not write. Nothing is written then,
/// unless the disk fails half-way.
pub fn write_into(directory: &Path, manifests: &[Manifest<String>]) -> Result<Written, Diagnostics> {
    if directory.exists() && !directory.is_dir() {
        return Err(Diagnostic::error("into-file", format!("`{}` is a file, not a directory", directory.display())).into());
    }
    let before = inventory(directory)?;
    let namespaces: BTreeSet<&str> = manifests.iter().map(|m| m.id.namespace.as_str()).filter(|n| !n.is_empty()).collect();
    let fresh: BTreeSet<&str> = namespaces.into_iter().filter(|n| !directory.join(n).exists()).collect();
    let mut after = Inventory { format: FORMAT.into(), files: BTreeMap::new() };
    let (mut written, mut planned, mut problems) = (Written::default(), Vec::new(), Vec::new());
    let plans = in_parallel(manifests, |part| part.iter().map(|m| plan(directory, m, &before, &fresh)).collect::<Vec<_>>());
    for plan in plans.into_iter().flatten() {
        match plan {
            Ok(plan) => planned.push(plan),
            Err(wrong) => problems.push(wrong),
        }
    }
    if !problems.is_empty() {
        return Err(Diagnostics(problems));
    }
    fill(directory, &fresh, &planned)?;
    for Planned { name, content, digest, doing } in planned {
        let path = directory.join(&name);
        if matches!(doing, Doing::Create | Doing::Change) {
            replace(&path, content.as_bytes()).map_err(|e| failed("write", &path, &e))?;
        }
        match doing {
            Doing::Nothing => written.unchanged += 1,
            Doing::Create | Doing::Fill => written.created.push(path),
            Doing::Change => written.changed.push(path),
        }
        after.files.insert(name, digest);
    }
    prune(directory, &before, &mut after, &mut written)?;
    record(directory, &before, &after)?;
    Ok(written)
}

fn plan<'m>(
    directory: &Path,
    manifest: &'m Manifest<String>,
    before: &Inventory,
    fresh: &BTreeSet<&str>,
) -> Result<Planned<'m>, Diagnostic> {
    let (name, content) = (file_name(manifest), manifest.value.as_str());
    let planned = |doing| Planned { digest: digest(content.as_bytes()), content, doing, name: name.clone() };
    if fresh.contains(manifest.id.namespace.as_str()) {
        return Ok(planned(Doing::Fill));
    }
    let path = directory.join(&name);
    match std::fs::read(&path) {
        Ok(bytes) if bytes == content.as_bytes() => Ok(planned(Doing::Nothing)),
        Ok(_) if !before.files.contains_key(&name) => {
            Err(Diagnostic::error("into-foreign-file", format!("`{}` was not written by rollcast", path.display()))
                .hint("move it away, or render into an empty directory"))
        }
        Ok(_) => Ok(planned(Doing::Change)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(planned(Doing::Create)),
        Err(e) => Err(failed("read", &path, &e)),
    }
}

/// Makes the directories that are not there yet, each whole: its files are written aside, and it is renamed.
fn fill(directory: &Path, fresh: &BTreeSet<&str>, planned: &[Planned<'_>]) -> Result<(), Diagnostic> {
    let files: Vec<&Planned<'_>> = planned.iter().filter(|p| p.doing == Doing::Fill).collect();
    if files.is_empty() {
        return Ok(());
    }
    let unwritable = |e: &std::io::Error| failed("write", directory, e);
    std::fs::create_dir_all(directory).map_err(|e| unwritable(&e))?;
    let aside = tempfile::Builder::new().prefix(".rollcast-").tempdir_in(directory).map_err(|e| unwritable(&e))?;
    for namespace in fresh {
        std::fs::create_dir(aside.path().join(namespace)).map_err(|e| unwritable(&e))?;
    }
    let write = |part: &[&Planned<'_>]| {
        part.iter().try_for_each(|p| {
            std::fs::write(aside.path().join(&p.name), p.content).map_err(|e| failed("write", &directory.join(&p.name), &e))
        })
    };
    in_parallel(&files, write).into_iter().collect::<Result<(), _>>()?;
    for namespace in fresh {
        let to = directory.join(namespace);
        std::fs::rename(aside.path().join(namespace), &to).map_err(|e| failed("write", &to, &e))?;
    }
    Ok(())
}

/// Removes the files of objects that are gone.
fn prune(directory: &Path, before: &Inventory, after: &mut Inventory, written: &mut Written) -> Result<(), Diagnostics> {
    let gone: Vec<(&String, &String)> = before.files.iter().filter(|(name, _)| !after.files.contains_key(*name)).collect();
    for (name, old) in gone {
        let path = directory.join(name);
        match std::fs::read(&path) {
            Ok(bytes) if digest(&bytes) == *old => {
                std::fs::remove_file(&path).map_err(|e| failed("remove", &path, &e))?;
                // The directory of a namespace goes with its last file.
                if let Some(parent) = path.parent().filter(|p| *p != directory) {
                    std::fs::remove_dir(parent).ok();
                }
                written.removed.push(path);
            }
            Ok(_) => written.notes.push(
                Diagnostic::warning(
                    "into-changed-file",
                    format!("`{}` stays: its object is gone, and somebody has changed it", path.display()),
                )
                .hint("remove it if it is not needed; rollcast no longer keeps account of it"),
            ),
            Err(e) if e.kind() == ErrorKind::NotFound => {}
            Err(e) => return Err(failed("read", &path, &e).into()),
        }
    }
    Ok(())
}

fn inventory(directory: &Path) -> Result<Inventory, Diagnostics> {
    let path = directory.join(INVENTORY);
    let text = match std::fs::read_to_string(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(Inventory::default()),
        Err(e) => return Err(failed("read", &path, &e).into()),
    };
    let inventory: Inventory = serde_yaml::from_str(&text).map_err(|e| {
        let why = e.to_string();
        Diagnostic::error("into-inventory", format!("`{}` is no inventory: {}", path.display(), why.lines().next().unwrap_or_default()))
            .hint("restore it from version control: without it nothing can be removed safely")
    })?;
    let outside = |name: &String| Path::new(name).is_absolute() || name.split('/').any(|part| part == "..");
    if inventory.format != FORMAT || inventory.files.keys().any(outside) {
        return Err(Diagnostic::error("into-inventory", format!("`{}` is no inventory of the format {FORMAT}", path.display())).into());
    }
    Ok(inventory)
}

fn record(directory: &Path, before: &Inventory, after: &Inventory) -> Result<(), Diagnostics> {
    let path = directory.join(INVENTORY);
    if before.files == after.files && path.exists() {
        return Ok(());
    }
    let text = yaml::to_yaml(&crate::object::json!({ "format": after.format, "files": after.files }));
    let text = format!("# Which files rollcast wrote here, and their SHA-256. Commit it with them.\n{text}");
    replace(&path, text.as_bytes()).map_err(|e| failed("write", &path, &e).into())
}

/// Writes a file beside its place and renames it, so that nobody ever sees half of it.
fn replace(path: &Path, content: &[u8]) -> std::io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    std::fs::create_dir_all(directory)?;
    let mut file = tempfile::Builder::new().prefix(".rollcast-").permissions(permissions()).tempfile_in(directory)?;
    file.write_all(content)?;
    file.persist(path)?;
    Ok(())
}

/// As any other file of the repository; the umask still takes away what it takes.
#[cfg(unix)]
fn permissions() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o666)
}

#[cfg(not(unix))]
fn permissions() -> std::fs::Permissions {
    std::fs::metadata(".").map(|m| m.permissions()).expect("the working directory is there")
}

/// `agents/deployment-ceo-agent.yaml`; a cluster's own objects stand at the top. Groups of custom resources are named, so that
/// two kinds of one name do not meet.
fn file_name(manifest: &Manifest<String>) -> String {
    let id = &manifest.id;
    let kind = id.kind.to_ascii_lowercase();
    let kind = if id.group.contains('.') && !id.group.ends_with(".k8s.io") { format!("{kind}.{}", id.group) } else { kind };
    // Names of some kinds (roles) hold letters that file systems do not take.
    let name: String = id.name.chars().map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '_') { c } else { '_' }).collect();
    let plain = if name == id.name { String::new() } else { format!("-{}", &digest(id.name.as_bytes())[..8]) };
    match id.namespace.as_str() {
        "" => format!("{kind}-{name}{plain}.yaml"),
        namespace => format!("{namespace}/{kind}-{name}{plain}.yaml"),
    }
}

fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write;
    Sha256::digest(bytes).iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").expect("writing to a string cannot fail");
        out
    })
}

fn failed(what: &str, path: &Path, error: &std::io::Error) -> Diagnostic {
    Diagnostic::error("into-file", format!("cannot {what} `{}`: {error}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::{INVENTORY, Manifest, Written, write_into};
    use crate::object::{ObjectId, json, yaml};
    use crate::render::Origin;
    use std::fs;
    use std::path::Path;

    fn manifest(namespace: &str, name: &str, data: &str) -> Manifest<String> {
        let value =
            json!({ "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": name, "namespace": namespace }, "data": { "a": data } });
        Manifest { id: ObjectId::of(&value), value: yaml::to_yaml(&value), origin: Origin { template: "t.yaml".into(), agent: None } }
    }

    fn names(paths: &[std::path::PathBuf], directory: &Path) -> Vec<String> {
        paths.iter().map(|p| p.strip_prefix(directory).unwrap().display().to_string()).collect()
    }

    #[test]
    fn only_what_differs_is_touched_and_only_ours_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path();
        let (one, two) = (manifest("a", "one", "1"), manifest("b", "system:two", "1"));
        let first = write_into(at, &[one.clone(), two.clone()]).unwrap();
        let made = names(&first.created, at);
        assert_eq!(made[0], "a/configmap-one.yaml");
        assert!(made[1].starts_with("b/configmap-system_two-"), "{made:?}");
        fs::write(at.join("README.md"), "mine").unwrap();

        let times = |name: &str| fs::metadata(at.join(name)).unwrap().modified().unwrap();
        let before = (times("a/configmap-one.yaml"), times(INVENTORY));
        assert_eq!(write_into(at, &[one, two]).unwrap(), Written { unchanged: 2, ..Written::default() });
        assert_eq!((times("a/configmap-one.yaml"), times(INVENTORY)), before);

        let third = write_into(at, &[manifest("a", "one", "2")]).unwrap();
        assert_eq!(names(&third.changed, at), ["a/configmap-one.yaml"]);
        assert_eq!(names(&third.removed, at), [made[1].as_str()]);
        assert!(!at.join("b").exists() && at.join("README.md").exists());
        let left: Vec<_> = fs::read_dir(at.join("a")).unwrap().map(|e| e.unwrap().file_name()).collect();
        assert_eq!(left, ["configmap-one.yaml"], "nothing half-written is left");
    }

    #[test]
    fn files_of_others_are_left_alone() {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path();
        fs::create_dir(at.join("a")).unwrap();
        fs::write(at.join("a/configmap-one.yaml"), "theirs").unwrap();
        let (one, two) = (manifest("a", "one", "1"), manifest("a", "two", "1"));
        assert_eq!(write_into(at, &[one, two.clone()]).unwrap_err().0[0].code, "into-foreign-file");
        assert!(!at.join("a/configmap-two.yaml").exists(), "nothing is written then");

        write_into(at, &[two]).unwrap();
        fs::write(at.join("a/configmap-two.yaml"), "changed by hand").unwrap();
        let gone = write_into(at, &[]).unwrap();
        assert!(gone.removed.is_empty() && at.join("a/configmap-two.yaml").exists());
        assert_eq!(gone.notes[0].code, "into-changed-file");
    }

    #[test]
    fn an_inventory_cannot_point_elsewhere() {
        let directory = tempfile::tempdir().unwrap();
        for broken in
            ["format: rollcast.inventory/v1\nfiles:\n  ../x: \"1\"\n", "format: other\nfiles: {}\n", "- x\n", "format: 1\nmore: 2\n"]
        {
            fs::write(directory.path().join(INVENTORY), broken).unwrap();
            assert_eq!(write_into(directory.path(), &[]).unwrap_err().0[0].code, "into-inventory", "{broken}");
        }
    }
}
