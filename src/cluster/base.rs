//! A git revision becomes the bytes of its files, without a checkout.
//!
//! Reads with libgit2, which runs no hook and no filter and reaches no network. What it cannot open (reftable, SHA-256) and
//! what a shallow clone lacks is said with the way out.

use crate::diagnostic::{Diagnostic, Diagnostics};
use git2::{ErrorCode, ObjectType, Repository, Tree, TreeEntry};
use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

/// The files of a revision.
#[derive(Debug)]
pub struct Revision {
    /// The commit's whole hash.
    pub commit: String,
    /// The first line of its message.
    pub subject: String,
    /// Path, as it was asked for, to bytes. A path that the revision does not have is not in it.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
}

/// The largest file that is read.
const LARGEST: usize = 64 << 20;
/// How many symbolic links are followed one after the other.
const LINKS: usize = 8;

/// Reads files and whole folders of a revision. `paths` are as a user would write them in `directory`, which lies in the
/// repository's working tree; a folder gives all files below it.
///
/// # Errors
/// There is no repository, no such revision, or something in it that cannot be read.
pub fn read_revision(directory: &Path, revision: &str, paths: &[PathBuf]) -> Result<Revision, Diagnostics> {
    let repository = Repository::discover(directory).map_err(|e| cannot_open(directory, &e))?;
    let root = repository.workdir().ok_or_else(|| wrong(format!("the git repository of `{}` has no working tree", directory.display())))?;
    let inside = inside(root, directory)?;
    let found =
        repository.revparse_single(revision).and_then(|o| o.peel_to_commit()).map_err(|e| cannot_find(&repository, revision, &e))?;
    let tree = found.tree().map_err(|e| cannot_read(&repository, revision, &e))?;
    let mut reader = Reader { repository: &repository, revision, tree: &tree, files: BTreeMap::new() };
    for path in paths {
        let whole = normal(&inside.join(path)).ok_or_else(|| wrong(format!("`{}` lies outside the git repository", path.display())))?;
        reader.read(&whole, path, LINKS)?;
    }
    let files = reader.files;
    Ok(Revision { commit: found.id().to_string(), subject: found.summary().ok().flatten().unwrap_or_default().to_owned(), files })
}

fn wrong(text: String) -> Diagnostic {
    Diagnostic::error("base-unreadable", text)
}

fn cannot_open(directory: &Path, error: &git2::Error) -> Diagnostic {
    let said = error.message();
    let refused = wrong(format!("cannot open the git repository of `{}`: {said}", directory.display()));
    match error.code() {
        ErrorCode::NotFound => wrong(format!("`{}` is in no git repository", directory.display()))
            .hint("`--base` and `--rollback` need one; `--from FILE` takes a snapshot"),
        ErrorCode::Owner => refused.hint("it belongs to somebody else: `git config --global --add safe.directory DIR` trusts it"),
        _ if said.contains("refstorage") => {
            refused.hint("reftable repositories cannot be read yet: `git refs migrate --ref-format=files` in a clone makes one that can")
        }
        _ if said.contains("objectformat") || said.contains("object format") || said.contains("repositoryformatversion") => {
            refused.hint("SHA-256 repositories cannot be read yet: use `--from FILE` with a snapshot")
        }
        _ => refused,
    }
}

fn cannot_find(repository: &Repository, revision: &str, error: &git2::Error) -> Diagnostic {
    let unknown = wrong(format!("git knows no revision `{revision}`: {}", error.message()));
    match error.code() {
        _ if repository.is_shallow() => unknown.hint("this is a shallow clone: `git fetch --unshallow`, or fetch-depth 0 in the CI job"),
        ErrorCode::Ambiguous => wrong(format!("`{revision}` is the start of several hashes")).hint("write more of it"),
        _ => unknown.hint("fetch it first: `git fetch origin`; a branch of the remote is `origin/NAME`"),
    }
}

fn cannot_read(repository: &Repository, what: &str, error: &git2::Error) -> Diagnostic {
    let refused = wrong(format!("cannot read `{what}` from git: {}", error.message()));
    if repository.is_shallow() || error.code() == ErrorCode::NotFound {
        return refused.hint("the clone is shallow or partial: `git fetch --unshallow` or `git fetch --refetch` brings what it lacks");
    }
    refused
}

/// Where a directory lies below the root of a working tree.
fn inside(root: &Path, directory: &Path) -> Result<PathBuf, Diagnostics> {
    let real = |path: &Path| path.canonicalize().map_err(|e| wrong(format!("cannot find `{}`: {e}", path.display())));
    let (root, directory) = (real(root)?, real(directory)?);
    let below = directory.strip_prefix(&root).map_err(|_| wrong(format!("`{}` lies outside the git repository", directory.display())))?;
    Ok(below.to_owned())
}

/// The path without `.` and `..`; none if it leads out.
fn normal(path: &Path) -> Option<PathBuf> {
    let mut out = PathBuf::new();
    for part in path.components() {
        match part {
            Component::Normal(name) => out.push(name),
            Component::CurDir => {}
            Component::ParentDir => {
                if !out.pop() {
                    return None;
                }
            }
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(out)
}

struct Reader<'r> {
    repository: &'r Repository,
    revision: &'r str,
    tree: &'r Tree<'r>,
    files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Reader<'_> {
    /// Reads what stands at a path of the tree, and files it under the name that it was asked for by.
    fn read(&mut self, whole: &Path, shown: &Path, links: usize) -> Result<(), Diagnostics> {
        if whole.as_os_str().is_empty() {
            return self.folder(self.tree, whole, shown, links);
        }
        let named = format!("{}:{}", self.revision, whole.display());
        match self.tree.get_path(whole) {
            Ok(entry) => self.entry(&entry, whole, shown, links),
            // Below a folder that is a link; or not there at all.
            Err(e) if e.code() == ErrorCode::NotFound => match self.through_link(whole, &named)? {
                Some(target) if links > 0 => self.read(&target, shown, links - 1),
                _ => Ok(()),
            },
            Err(e) => Err(cannot_read(self.repository, &named, &e).into()),
        }
    }

    /// Where a path leads whose folder is a symbolic link; none if no part of it is one.
    fn through_link(&self, whole: &Path, named: &str) -> Result<Option<PathBuf>, Diagnostics> {
        for folder in whole.ancestors().skip(1).filter(|p| !p.as_os_str().is_empty()) {
            let Ok(entry) = self.tree.get_path(folder) else { continue };
            if !is_link(&entry) {
                return Ok(None);
            }
            let rest = whole.strip_prefix(folder).unwrap_or(whole);
            return Ok(self.target(&entry, folder, named)?.map(|target| target.join(rest)));
        }
        Ok(None)
    }

    fn target(&self, link: &TreeEntry<'_>, at: &Path, named: &str) -> Result<Option<PathBuf>, Diagnostics> {
        let blob = self.repository.find_blob(link.id()).map_err(|e| cannot_read(self.repository, named, &e))?;
        let text = std::str::from_utf8(blob.content()).map_err(|_| wrong(format!("the link `{named}` leads to no UTF-8 path")))?;
        Ok(at.parent().and_then(|folder| normal(&folder.join(text))))
    }

    fn entry(&mut self, entry: &TreeEntry<'_>, whole: &Path, shown: &Path, links: usize) -> Result<(), Diagnostics> {
        let named = format!("{}:{}", self.revision, whole.display());
        match entry.kind() {
            Some(ObjectType::Tree) => {
                let tree = self.repository.find_tree(entry.id()).map_err(|e| cannot_read(self.repository, &named, &e))?;
                self.folder(&tree, whole, shown, links)
            }
            Some(ObjectType::Blob) if is_link(entry) => match self.target(entry, whole, &named)? {
                Some(target) if links > 0 => self.read(&target, shown, links - 1),
                Some(_) => Err(wrong(format!("`{named}` is a symbolic link that leads in a circle")).into()),
                None => Err(wrong(format!("`{named}` is a symbolic link that leads out of the repository")).into()),
            },
            Some(ObjectType::Blob) => {
                let blob = self.repository.find_blob(entry.id()).map_err(|e| cannot_read(self.repository, &named, &e))?;
                if blob.size() > LARGEST {
                    return Err(wrong(format!("`{named}` is larger than the limit of {} MiB", LARGEST >> 20)).into());
                }
                if blob.content().starts_with(b"version https://git-lfs.github.com/spec/") {
                    return Err(wrong(format!("`{named}` is kept in Git LFS: the repository holds only a pointer to it")).into());
                }
                self.files.insert(shown.to_owned(), blob.content().to_vec());
                Ok(())
            }
            _ => Err(wrong(format!("`{named}` is a submodule: its files are in another repository")).into()),
        }
    }

    fn folder(&mut self, tree: &Tree<'_>, whole: &Path, shown: &Path, links: usize) -> Result<(), Diagnostics> {
        for entry in tree {
            let name = entry.name().map_err(|_| wrong(format!("a file name in `{}` is not UTF-8", whole.display())))?;
            self.entry(&entry, &whole.join(name), &shown.join(name), links)?;
        }
        Ok(())
    }
}

fn is_link(entry: &TreeEntry<'_>) -> bool {
    entry.filemode() == 0o120_000
}

#[cfg(test)]
mod tests {
    use super::*;
    use git2::{Oid, RepositoryInitOptions, Signature};
    use std::fs;

    fn commit(repository: &Repository, message: &str) -> Oid {
        let mut index = repository.index().unwrap();
        index.add_all(["*"], git2::IndexAddOption::DEFAULT, None).unwrap();
        index.update_all(["*"], None).unwrap();
        index.write().unwrap();
        let tree = repository.find_tree(index.write_tree().unwrap()).unwrap();
        let who = Signature::new("a", "a@example.com", &git2::Time::new(0, 0)).unwrap();
        let parent = repository.head().ok().and_then(|h| h.peel_to_commit().ok());
        repository.commit(Some("HEAD"), &who, &who, message, &tree, &parent.iter().collect::<Vec<_>>()).unwrap()
    }

    fn repository() -> (tempfile::TempDir, Repository) {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init_opts(folder.path(), RepositoryInitOptions::new().initial_head("main")).unwrap();
        fs::create_dir_all(folder.path().join("deploy/manifests/deep")).unwrap();
        fs::write(folder.path().join("deploy/fleet.toml"), "old").unwrap();
        fs::write(folder.path().join("deploy/manifests/a.yaml"), "a: 1\n").unwrap();
        fs::write(folder.path().join("deploy/manifests/deep/b.yaml"), "b: 1\n").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink("manifests", folder.path().join("deploy/linked")).unwrap();
        commit(&repository, "First\n\nbody");
        fs::write(folder.path().join("deploy/fleet.toml"), "new").unwrap();
        fs::remove_file(folder.path().join("deploy/manifests/a.yaml")).unwrap();
        commit(&repository, "Second");
        (folder, repository)
    }

    fn files(found: &Revision) -> Vec<(&str, &str)> {
        found.files.iter().map(|(path, bytes)| (path.to_str().unwrap(), std::str::from_utf8(bytes).unwrap())).collect()
    }

    #[test]
    fn reads_a_revision_as_it_was() {
        let (folder, _repository) = repository();
        let deploy = folder.path().join("deploy");
        let paths = ["fleet.toml", "./manifests", "not-there", "../deploy/fleet.toml"].map(PathBuf::from);
        let before = read_revision(&deploy, "HEAD~1", &paths).unwrap();
        let old = [
            ("./manifests/a.yaml", "a: 1\n"),
            ("./manifests/deep/b.yaml", "b: 1\n"),
            ("../deploy/fleet.toml", "old"),
            ("fleet.toml", "old"),
        ];
        assert_eq!(files(&before), old);
        assert_eq!((before.subject.as_str(), before.commit.len()), ("First", 40));
        let now = read_revision(&deploy, "main", &paths[..1]).unwrap();
        assert_eq!(files(&now), [("fleet.toml", "new")]);
    }

    #[cfg(unix)]
    #[test]
    fn follows_links_inside_the_repository() {
        let (folder, _repository) = repository();
        let found = read_revision(folder.path(), "HEAD~1", &["deploy/linked/a.yaml".into(), "deploy/linked".into()]).unwrap();
        assert_eq!(files(&found), [("deploy/linked/a.yaml", "a: 1\n"), ("deploy/linked/deep/b.yaml", "b: 1\n")]);
    }

    #[test]
    fn says_what_is_wrong() {
        let (folder, repository) = repository();
        let refused = |revision: &str, path: &str| read_revision(folder.path(), revision, &[path.into()]).unwrap_err();
        let unknown = refused("origin/none", "a");
        assert!(unknown.to_string().starts_with("git knows no revision `origin/none`"), "{unknown}");
        assert!(unknown.0[0].hints[0].contains("git fetch"));
        assert_eq!(refused("HEAD", "../x").to_string(), "`../x` lies outside the git repository");
        let nowhere = tempfile::tempdir().unwrap();
        let none = read_revision(nowhere.path(), "HEAD", &[]).unwrap_err();
        assert!(none.to_string().ends_with("is in no git repository"), "{none}");
        fs::write(folder.path().join("big"), "version https://git-lfs.github.com/spec/v1\noid sha256:1\n").unwrap();
        commit(&repository, "Third");
        assert!(refused("HEAD", "big").to_string().contains("Git LFS"));
        let head = repository.head().unwrap().target().unwrap();
        fs::write(repository.path().join("shallow"), format!("{head}\n")).unwrap();
        assert!(refused("HEAD~1", "a").0[0].hints[0].contains("shallow"));
    }

    #[test]
    fn repositories_that_libgit2_cannot_open_are_named() {
        for (extension, hint) in [("refstorage = reftable", "reftable"), ("objectformat = sha256", "SHA-256")] {
            let (folder, repository) = repository();
            let config = repository.path().join("config");
            let text = fs::read_to_string(&config).unwrap().replace("repositoryformatversion = 0", "repositoryformatversion = 1");
            fs::write(&config, format!("{text}[extensions]\n\t{extension}\n")).unwrap();
            let refused = read_revision(folder.path(), "HEAD", &[]).unwrap_err();
            assert!(refused.0[0].hints.iter().any(|h| h.contains(hint)), "{refused}");
        }
    }
}
