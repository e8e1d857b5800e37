//! Holds the layers and the house rules of docs/architecture.md: fails with one sentence for each place that breaks one.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// Lowest first. A module may import only from the layers above its own line, so the graph cannot have a cycle.
const LAYERS: &[&[&str]] = &[
    &["diagnostic"],
    &["object"],
    &["fleet", "schema"],
    &["images", "cluster", "apply", "diff"],
    &["render", "simulate"],
    &["roll", "shadow"],
    &["lint", "report"],
    &["cli"],
];

/// What goes out of the program is said in `report`, and what comes in is read where it is checked: no other type is serialised.
const SERIALISES: &[&str] = &["report", "fleet", "schema", "render", "cli"];

/// Names that say nothing.
const EMPTY_NAMES: &[&str] = &["core", "util", "utils", "common", "helper", "helpers", "misc", "manager", "types"];

/// The most lines of a file.
const LONGEST: usize = 800;

/// How a module for tests begins.
const TEST_MODULE: &str = "#[cfg(test)]\nmod ";

/// One Rust file: its path from the root of the repository, and its text.
struct Source {
    path: PathBuf,
    text: String,
}

impl Source {
    /// The first-level module that it belongs to; none for `lib.rs`, `main.rs` and what is not in `src`.
    fn module(&self) -> Option<&str> {
        let name = self.path.strip_prefix("src").ok()?.iter().next()?.to_str()?;
        let name = name.strip_suffix(".rs").unwrap_or(name);
        (!matches!(name, "lib" | "main")).then_some(name)
    }

    fn stem(&self) -> &str {
        self.path.file_stem().and_then(|s| s.to_str()).unwrap_or_default()
    }

    /// The files of modules that it declares for tests only: `#[cfg(test)]` and `mod name;` on the next line.
    fn test_files(&self) -> Vec<PathBuf> {
        let folder = self.path.parent().unwrap();
        let folder = if matches!(self.stem(), "mod" | "lib" | "main") { folder.to_owned() } else { folder.join(self.stem()) };
        let names = self.text.split(TEST_MODULE).skip(1).filter_map(|tail| tail.split_once(";\n")).map(|(name, _)| name);
        let names = names.filter(|name| name.chars().all(|c| c.is_alphanumeric() || c == '_'));
        names.flat_map(|name| [folder.join(name).with_extension("rs"), folder.join(name).join("mod.rs")]).collect()
    }

    /// The code that ships: without comments, and without the test module that stands last.
    fn production(&self) -> String {
        let text = self.text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        text.lines()
            .map(|l| if l.trim_start().starts_with("//") { "" } else { l.split(" // ").next().unwrap_or_default() })
            .collect::<Vec<_>>()
            .join("\n")
    }

    /// The first-level modules that its production code names.
    fn imports(&self) -> BTreeSet<String> {
        let code = self.production();
        let mut names = paths_after(&code, "crate::");
        // One level below the root, `super::` is the root.
        if self.path.iter().count() == 2 || (self.stem() == "mod" && self.path.iter().count() == 3) {
            names.extend(paths_after(&code, "super::"));
        }
        names
    }
}

/// The first segment of each path after a prefix, also inside `prefix{a::B, c}`; modules only.
fn paths_after(code: &str, prefix: &str) -> BTreeSet<String> {
    let word = |s: &str| s.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        // `$crate::`, `self::super::` and the tail of `super::super::` count; `my_crate::` does not.
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_') {
            continue;
        }
        let tail = &code[at + prefix.len()..];
        let Some(list) = tail.strip_prefix('{') else {
            names.insert(word(tail));
            continue;
        };
        let mut depth = 0;
        let mut item = 0;
        for (i, c) in list.char_indices() {
            match c {
                '{' => depth += 1,
                '}' | ',' if depth == 0 => {
                    names.insert(word(&list[item..i]));
                    item = i + 1;
                    if c == '}' {
                        break;
                    }
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
    }
    names.retain(|n| n.starts_with(|c: char| c.is_lowercase()) && n != "self");
    names
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files under some folders, by path.
fn sources(folders: &[&str]) -> Vec<Source> {
    fn collect(dir: &Path, found: &mut Vec<Source>) {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                collect(&path, found);
            } else if path.extension().is_some_and(|e| e == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { path: path.strip_prefix(root()).unwrap().to_owned(), text });
            }
        }
    }
    let mut found = Vec::new();
    folders.iter().for_each(|f| collect(&root().join(f), &mut found));
    found.sort_by(|a, b| a.path.cmp(&b.path));
    assert!(!found.is_empty());
    found
}

fn layer_of(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// Fails with all complaints, one a line.
fn none_of(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn layer_complaints(sources: &[Source]) -> Vec<String> {
    let mut complaints = Vec::new();
    let test_files: BTreeSet<PathBuf> = sources.iter().flat_map(Source::test_files).collect();
    for source in sources.iter().filter(|s| !test_files.contains(&s.path)) {
        let Some(module) = source.module() else { continue };
        let path = source.path.display();
        let Some(layer) = layer_of(module) else {
            complaints.push(format!("{path}: module `{module}` is in no layer of tests/architecture.rs"));
            continue;
        };
        for used in source.imports().iter().filter(|used| *used != module) {
            match layer_of(used) {
                Some(lower) if lower < layer => {}
                Some(_) => complaints.push(format!("{path}: `{module}` may not import `{used}`")),
                None => complaints.push(format!("{path}: imports `crate::{used}`, which is no module of a layer")),
            }
        }
        if source.text.contains("super::super") {
            complaints.push(format!("{path}: more than one `super::`; write the path from `crate::`"));
        }
    }
    complaints
}

#[test]
fn imports_follow_the_layers() {
    none_of(layer_complaints(&sources(&["src"])));
}

#[test]
fn a_wrong_import_is_seen() {
    let complain = |path: &str, text: &str| layer_complaints(&[Source { path: path.into(), text: text.into() }]);
    assert_eq!(complain("src/apply/merge.rs", "use crate::simulate::Store;"), ["src/apply/merge.rs: `apply` may not import `simulate`"]);
    assert_eq!(complain("src/roll/mod.rs", "use super::report;"), ["src/roll/mod.rs: `roll` may not import `report`"]);
    assert_eq!(
        complain("src/diff/mod.rs", "use crate::{apply::{Set, Path}, object::Value};"),
        ["src/diff/mod.rs: `diff` may not import `apply`"]
    );
    assert_eq!(complain("src/extra/mod.rs", ""), ["src/extra/mod.rs: module `extra` is in no layer of tests/architecture.rs"]);
    let too_far_up = "src/roll/a/b.rs: more than one `super::`; write the path from `crate::`";
    assert_eq!(complain("src/roll/a/b.rs", "use super::super::Verdict;"), [too_far_up]);
    assert!(complain("src/roll/a.rs", "use crate::{diff, simulate::Cluster};\nuse super::Verdict; // crate::cli").is_empty());
    assert!(complain("src/apply/mod.rs", "fn f() {}\n#[cfg(test)]\nmod tests { use crate::simulate; }").is_empty());
    let files = [
        ("src/apply/mod.rs", "#[cfg(test)]\nmod recorded;\nmod set;"),
        ("src/apply/recorded.rs", "use crate::cli;"),
        ("src/apply/set.rs", "use crate::cli;"),
    ];
    let files = files.map(|(path, text)| Source { path: path.into(), text: text.into() });
    assert_eq!(layer_complaints(&files), ["src/apply/set.rs: `apply` may not import `cli`"]);
}

#[test]
fn every_file_says_first_what_it_does() {
    let quiet = sources(&["src", "tests", "benches"]).into_iter().filter(|s| !s.text.starts_with("//! "));
    none_of(quiet.map(|s| format!("{}: does not start with a line `//! …`", s.path.display())).collect());
}

#[test]
fn no_file_is_too_long() {
    let long = sources(&["src", "tests", "benches"]).into_iter().filter(|s| s.text.lines().count() > LONGEST);
    none_of(long.map(|s| format!("{}: {} lines, the most is {LONGEST}", s.path.display(), s.text.lines().count())).collect());
}

#[test]
fn names_say_what_a_file_holds() {
    let empty = sources(&["src"]).into_iter().filter(|s| s.path.with_extension("").iter().any(|p| EMPTY_NAMES.iter().any(|n| p == *n)));
    none_of(empty.map(|s| format!("{}: the name says nothing about what is inside", s.path.display())).collect());
}

#[test]
fn only_reports_and_file_formats_are_serialised() {
    let mut complaints = Vec::new();
    for source in sources(&["src"]) {
        let serialises = source.production().lines().any(|l| {
            let derived = l.split_once("derive(").is_some_and(|(_, list)| list.split([',', ')', ' ', ':']).any(|w| w == "Serialize"));
            derived || l.contains("impl Serialize for") || l.contains("impl serde::Serialize for")
        });
        // A value is what the formats are made of.
        let value = source.path.starts_with("src/object/value");
        if serialises && !value && !source.module().is_some_and(|m| SERIALISES.contains(&m)) {
            complaints.push(format!("{}: implements Serialize; only {} do", source.path.display(), SERIALISES.join(", ")));
        }
    }
    none_of(complaints);
}

/// Two commands write to a cluster, through one type; every other request to one is a GET.
#[test]
fn only_setting_images_writes_to_a_cluster() {
    let writers =
        ["src/cli/images/write.rs", "src/cli/images/set.rs", "src/cli/images/sync.rs", "src/cluster/mod.rs", "src/cluster/patch.rs"];
    let senders = ["src/cluster/get.rs", "src/cluster/patch.rs", "src/images/registry/mod.rs"];
    let mut complaints = Vec::new();
    for source in sources(&["src"]).iter().filter(|s| !s.path.starts_with("src/shadow")) {
        let (code, path) = (source.production(), source.path.to_str().unwrap());
        let named = code.split(|c: char| !c.is_alphanumeric() && c != '_').any(|word| word == "Writer");
        if named && !writers.contains(&path) && (code.contains("cluster::Writer") || code.contains("cluster::{")) {
            complaints.push(format!("{path}: names `cluster::Writer`; only setting images may write"));
        }
        if code.contains("client.send(") && !senders.contains(&path) {
            complaints.push(format!("{path}: sends requests; only {} do", senders.join(", ")));
        }
    }
    none_of(complaints);
}

#[test]
fn tests_stand_last_in_a_file() {
    let mut complaints = Vec::new();
    for source in sources(&["src"]) {
        // On anything else it would hide production code from the layer test, or test code in it.
        if source.text.matches("#[cfg(test)]").count() != source.text.matches(TEST_MODULE).count() {
            complaints.push(format!("{}: `#[cfg(test)]` stands on something else than a module", source.path.display()));
        }
        let after = source.text.split_once("#[cfg(test)]\nmod tests {\n").and_then(|(_, tests)| tests.split_once("\n}\n"));
        if after.is_some_and(|(_, after)| !after.trim().is_empty()) {
            complaints.push(format!("{}: code stands after `mod tests`", source.path.display()));
        }
    }
    none_of(complaints);
}

/// A file that no `mod` line names is compiled by nobody: its tests would pass for ever.
#[test]
fn every_file_is_part_of_the_program() {
    let all = sources(&["src", "tests"]);
    let texts: BTreeMap<&Path, &str> = all.iter().map(|s| (s.path.as_path(), s.text.as_str())).collect();
    let manifest = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let is_root = |path: &Path| path == Path::new("src/lib.rs") || manifest.contains(&format!("path = \"{}\"", path.display()));
    let mut complaints = Vec::new();
    for source in all.iter().filter(|s| !is_root(&s.path)) {
        let own_folder = source.path.parent().unwrap();
        let (name, folder) = match source.stem() {
            "mod" => (own_folder.file_name().and_then(|n| n.to_str()).unwrap(), own_folder.parent().unwrap()),
            stem => (stem, own_folder),
        };
        let parents = ["mod.rs", "lib.rs", "main.rs", "suite.rs"].map(|p| folder.join(p)).into_iter().chain([folder.with_extension("rs")]);
        let declared = format!("mod {name};");
        if !parents.into_iter().any(|p| texts.get(p.as_path()).is_some_and(|t| t.contains(&declared))) {
            complaints.push(format!("{}: no `{declared}` names it", source.path.display()));
        }
    }
    none_of(complaints);
}

/// Blessed output that no test compares with anything proves nothing.
#[test]
fn every_golden_entry_has_a_test() {
    let Ok(entries) = fs::read_dir(root().join("golden")) else { return };
    let tests = sources(&["tests"]);
    let mut complaints = Vec::new();
    for entry in entries {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let named = tests.iter().any(|s| s.text.contains(&format!("golden/{name}")));
        if !named && !root().join("tests/cases").join(&name).is_dir() {
            complaints.push(format!("golden/{name}: no test names it, and tests/cases/{name} is not there"));
        }
    }
    none_of(complaints);
}
