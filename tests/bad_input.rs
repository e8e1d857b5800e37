//! Broken input, each with the message a user sees: `golden/bad/<name>/`. A case holds a `fleet.toml` (with or without
//! `templates/`), or one `manifest.*`; `stderr.txt` is what is said about it. `BLESS=1` writes that file anew: read it as a user
//! would before committing it.

use rollcast::diagnostic::{Diagnostics, Source, snippet};
use rollcast::object::yaml;
use rollcast::{fleet, images, render};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn outcome(case: &Path) -> Result<(), Diagnostics> {
    let fleet_file = case.join("fleet.toml");
    if fleet_file.exists() {
        let source = Source::read(fleet_file.clone(), std::fs::read(&fleet_file).expect("readable"))?;
        let environment = BTreeMap::from([("BUILD_SHA".to_owned(), "4f6e2c1".to_owned())]);
        let fleet = fleet::load(source, &environment)?;
        let pinned = images::pin(fleet)?;
        let templates = render::Templates::with_directory(&case.join("templates"))?;
        return render::render(&pinned, &templates).map(drop);
    }
    let is_manifest = |p: &PathBuf| p.file_stem().is_some_and(|s| s == "manifest");
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(case).expect("a directory").map(|e| e.expect("an entry").path()).filter(is_manifest).collect();
    let file = files.pop().expect("a case has a fleet.toml or a manifest");
    let bytes = std::fs::read(&file).expect("readable");
    yaml::load_bytes(file, bytes).map(drop)
}

#[test]
fn every_mistake_has_its_message() {
    let bless = std::env::vars_os().any(|(name, value)| name == "BLESS" && value == "1");
    let mut cases: Vec<PathBuf> = std::fs::read_dir("golden/bad").expect("golden/bad").map(|e| e.expect("an entry").path()).collect();
    cases.sort();
    assert!(cases.len() >= 28, "{} cases", cases.len());
    let mut different = Vec::new();
    for case in cases {
        let Err(wrong) = outcome(&case) else {
            different.push(format!("{}: nothing is wrong with it", case.display()));
            continue;
        };
        let said = snippet::render_all(&wrong, false);
        let file = case.join("stderr.txt");
        if bless {
            std::fs::write(&file, &said).expect("writable");
        } else if std::fs::read_to_string(&file).ok().as_deref() != Some(said.as_str()) {
            different.push(format!("{}:\n{said}", case.display()));
        }
    }
    assert!(different.is_empty(), "{}", different.join("\n"));
}
