//! `rollcast init`: a fleet.toml to start from, the templates, and a CI job.

use super::CLEAN;
use super::args::Init;
use super::console::{Console, Failure};
use crate::diagnostic::Diagnostic;
use crate::render::Templates;
use std::fs;

/// What is written where.
fn files() -> impl Iterator<Item = (String, &'static str)> {
    let own = [("fleet.toml", include_str!("init/fleet.toml")), (".github/workflows/rollcast.yml", include_str!("init/ci.yml"))];
    let templates = Templates::built_in().map(|(name, text)| (format!("templates/{name}"), text));
    own.into_iter().map(|(name, text)| (name.to_owned(), text)).chain(templates)
}

pub(super) fn run(options: &Init, console: &mut Console) -> Result<u8, Failure> {
    for (name, _) in files() {
        let path = options.dir.join(&name);
        if path.exists() {
            let error = Diagnostic::error("file-exists", format!("{} exists already; nothing was written", path.display()));
            return Err(error.hint("give another directory, or move the file away").into());
        }
    }
    for (name, text) in files() {
        let path = options.dir.join(&name);
        let unwritable = |e: std::io::Error| Diagnostic::error("cannot-write", format!("cannot write {}: {e}", path.display()));
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(unwritable)?;
        }
        fs::write(&path, text).map_err(unwritable)?;
        if !name.starts_with("templates/") {
            console.remark(&format!("wrote {}", path.display()));
        }
    }
    console.remark(&format!(
        "wrote {}: delete those that you do not change, the built-in ones are used then",
        options.dir.join("templates").display()
    ));
    console.remark("next: rollcast snapshot -o cluster.json && rollcast check; without a cluster: rollcast check --empty");
    Ok(CLEAN)
}
