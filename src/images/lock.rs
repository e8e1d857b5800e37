//! `fleet.lock`: what each image reference was when its registry was asked, and what the platform ran.
//!
//! It is TOML that people may read and comment on: an update changes the entries that changed and leaves the rest as it stands.

use super::PinnedFleet;
use super::platform::PlatformImage;
use super::reference::parse;
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use toml_edit::{Document, DocumentMut, Item, Table, value};

/// The version of the format.
const VERSION: i64 = 1;
const HEAD: &str =
    "# What each image reference of fleet.toml was when its registry was asked. `rollcast images lock` writes it; commit it.\n";

/// A lock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lock {
    /// Reference to digest.
    pub images: BTreeMap<String, String>,
    /// What the platform ran.
    pub platform: Option<PlatformImage>,
}

fn wrong(source: &Arc<Source>, range: Option<std::ops::Range<usize>>, text: String) -> Diagnostic {
    Diagnostic::error("image-lock", text)
        .at(source, range.unwrap_or_default())
        .hint("`rollcast images lock` writes it anew where it is not there")
}

/// Reads a lock.
///
/// # Errors
/// What is no TOML, of another version, or no digest.
pub fn read_lock(source: &Arc<Source>) -> Result<Lock, Diagnostics> {
    let document = Document::parse(source.text.as_str())
        .map_err(|e| wrong(source, e.span(), format!("this is not TOML: {}", e.message().lines().next().unwrap_or_default())))?;
    let version = document.get("version");
    if version.and_then(Item::as_integer) != Some(VERSION) {
        let text = match version {
            Some(other) => format!("the lock is of version {}, this rollcast reads version {VERSION}", other.to_string().trim()),
            None => "the lock does not say its version".to_owned(),
        };
        return Err(wrong(source, version.and_then(Item::span), text).into());
    }
    let (mut lock, mut problems) = (Lock::default(), Vec::new());
    for (reference, digest) in document.get("images").and_then(Item::as_table_like).into_iter().flat_map(|t| t.iter()) {
        match digest.as_str().filter(|d| parse(&format!("a@{d}")).is_ok()) {
            Some(found) => {
                lock.images.insert(reference.to_owned(), found.to_owned());
            }
            None => problems.push(wrong(source, digest.span(), format!("what stands for `{reference}` is no digest"))),
        }
    }
    if let Some(table) = document.get("platform").and_then(Item::as_table_like) {
        let mut of = |key: &str| {
            let found = table.get(key).and_then(Item::as_str).map(str::to_owned);
            if found.is_none() {
                problems.push(wrong(source, document.get("platform").and_then(Item::span), format!("[platform] has no `{key}`")));
            }
            found.unwrap_or_default()
        };
        lock.platform = Some(PlatformImage { image: of("image"), container: of("container"), from: of("from") });
    }
    if problems.is_empty() { Ok(lock) } else { Err(Diagnostics(problems)) }
}

/// The text of a lock file after an update: comments and order stay, entries that are no longer there go.
///
/// # Errors
/// The text that is there is no TOML.
pub fn write_lock(text: &str, lock: &Lock) -> Result<String, Diagnostic> {
    let start = if text.trim().is_empty() { format!("{HEAD}version = {VERSION}\n") } else { text.to_owned() };
    let mut document: DocumentMut =
        start.parse().map_err(|e| Diagnostic::error("image-lock", format!("the lock file is not TOML: {e}")))?;
    if document.get("version").and_then(Item::as_integer) != Some(VERSION) {
        document["version"] = value(VERSION);
    }
    match &lock.platform {
        Some(platform) => {
            let table = table(&mut document, "platform");
            set(table, "image", &platform.image);
            set(table, "container", &platform.container);
            set(table, "from", &platform.from);
        }
        None => drop(document.remove("platform")),
    }
    let images = table(&mut document, "images");
    let gone: Vec<String> = images.iter().map(|(k, _)| k.to_owned()).filter(|k| !lock.images.contains_key(k)).collect();
    gone.iter().for_each(|k| drop(images.remove(k)));
    for (reference, digest) in &lock.images {
        set(images, reference, digest);
    }
    images.sort_values();
    Ok(document.to_string())
}

fn table<'d>(document: &'d mut DocumentMut, name: &str) -> &'d mut Table {
    if !document.get(name).is_some_and(Item::is_table) {
        let mut table = Table::new();
        table.decor_mut().set_prefix("\n");
        document.insert(name, Item::Table(table));
    }
    document[name].as_table_mut().expect("made a table above")
}

/// Sets a string; one that is there already keeps what stands around it.
fn set(table: &mut Table, key: &str, text: &str) {
    match table.get_mut(key).and_then(Item::as_value_mut) {
        Some(there) if there.as_str() == Some(text) => {}
        Some(there) => {
            let decor = there.decor().clone();
            *there = text.into();
            *there.decor_mut() = decor;
        }
        None => drop(table.insert(key, value(text))),
    }
}

/// Puts the locked digest behind every tag of a fleet's images.
///
/// # Errors
/// Images that the lock does not have: it is stale.
pub fn with_lock(mut pinned: PinnedFleet, lock: &Lock, file: &str) -> Result<PinnedFleet, Diagnostics> {
    let mut missing: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (agent, images) in pinned.fleet.agents.iter().zip(&mut pinned.images) {
        for (container, image) in images.iter_mut().filter(|(_, image)| !image.contains('@')) {
            match lock.images.get(image) {
                Some(digest) => *image = format!("{image}@{digest}"),
                None => drop(missing.entry(image.clone()).or_default().insert(format!("`{container}` of {}", agent.workload))),
            }
        }
    }
    if missing.is_empty() {
        return Ok(pinned);
    }
    let stale = missing.into_iter().map(|(image, users)| {
        let more = users.len().saturating_sub(3);
        let mut who = users.into_iter().take(3).collect::<Vec<_>>().join(", ");
        if more > 0 {
            who += &format!(" and {more} more");
        }
        let text = format!("`{file}` is stale: it has no digest of `{image}`, the image of {who}");
        Diagnostic::error("image-lock-stale", text).hint("`rollcast images lock` asks the registry and brings it up to date")
    });
    Err(Diagnostics(stale.collect()))
}

/// `fleet.toml` with the digest behind every image of the image map that is a plain reference: nothing else of the text changes.
/// Gives the text, and the containers whose image is made from environment variables and therefore left.
///
/// # Errors
/// The text is no TOML.
pub fn pin_in_fleet(text: &str, lock: &Lock) -> Result<(String, Vec<String>), Diagnostic> {
    let mut document: DocumentMut = text.parse().map_err(|e| Diagnostic::error("fleet-syntax", format!("this is not TOML: {e}")))?;
    let mut left = Vec::new();
    let Some(images) = document.get_mut("images").and_then(Item::as_table_like_mut) else { return Ok((text.to_owned(), left)) };
    for (container, item) in images.iter_mut() {
        let Some(there) = item.as_value_mut() else { continue };
        let Some(image) = there.as_str().map(str::to_owned) else { continue };
        match lock.images.get(&image) {
            _ if image.contains("${") => left.push(container.get().to_owned()),
            Some(digest) if !image.contains('@') => {
                let decor = there.decor().clone();
                *there = format!("{image}@{digest}").into();
                *there.decor_mut() = decor;
            }
            _ => {}
        }
    }
    Ok((document.to_string(), left))
}

#[cfg(test)]
mod tests {
    use super::{Lock, pin_in_fleet, read_lock, write_lock};
    use crate::diagnostic::Source;
    use crate::images::PlatformImage;

    fn digest(digit: &str) -> String {
        format!("sha256:{}", digit.repeat(64))
    }

    fn lock(images: &[(&str, &str)]) -> Lock {
        Lock { images: images.iter().map(|(k, d)| ((*k).to_owned(), digest(d))).collect(), platform: None }
    }

    fn read(text: &str) -> Result<Lock, String> {
        read_lock(&Source::read("fleet.lock".into(), text.into()).unwrap()).map_err(|e| e.to_string())
    }

    #[test]
    fn what_is_written_reads_back() {
        let mut whole = lock(&[("r.io/a:1", "a"), ("r.io/b:1", "b")]);
        whole.platform = Some(PlatformImage { image: "r.io/a:1".into(), container: "agent".into(), from: "context prod".into() });
        let text = write_lock("", &whole).unwrap();
        assert_eq!(read(&text), Ok(whole));
        assert!(text.starts_with("# What each image") && text.contains("\n[images]\n\"r.io/a:1\" = \"sha256:aaa"), "{text}");
    }

    #[test]
    fn an_update_keeps_comments_and_drops_what_is_gone() {
        let text = write_lock("", &lock(&[("r.io/a:1", "a"), ("r.io/b:1", "b")])).unwrap();
        let noted = text.replace("\"r.io/b:1\"", "# looked at by hand\n\"r.io/b:1\"");
        let again = write_lock(&noted, &lock(&[("r.io/b:1", "c"), ("r.io/c:1", "d")])).unwrap();
        assert!(again.contains(&format!("# looked at by hand\n\"r.io/b:1\" = \"{}\"", digest("c"))), "{again}");
        assert_eq!(read(&again), Ok(lock(&[("r.io/b:1", "c"), ("r.io/c:1", "d")])));
    }

    #[test]
    fn a_lock_that_cannot_be_trusted_is_refused() {
        assert!(read("version = ").unwrap_err().starts_with("fleet.lock:1:11: this is not TOML"));
        assert_eq!(read("").unwrap_err(), "fleet.lock:1:1: the lock does not say its version");
        assert!(read("version = 2").unwrap_err().contains("is of version 2"));
        assert!(read("version = 1\n[images]\n\"a:1\" = \"sha256:12\"").unwrap_err().contains("what stands for `a:1` is no digest"));
    }

    #[test]
    fn a_fleet_file_keeps_everything_but_its_tags() {
        let text = "# my fleet\n[images]  # the map\nagent = 'r.io/a:1' # built nightly\nlog   =   \"r.io/l:${V}\"\npinned = \"r.io/a:1@sha256:x\"\n[images.platform]\ncontainer = \"agent\"\n";
        let (pinned, left) = pin_in_fleet(text, &lock(&[("r.io/a:1", "a")])).unwrap();
        assert_eq!(pinned, text.replace("'r.io/a:1'", &format!("\"r.io/a:1@{}\"", digest("a"))));
        assert_eq!(left, ["log"]);
    }
}
