//! `render --into`: a second run changes nothing, files of dropped objects go, and nothing of anybody else's is touched.

use super::{directory, rollcast, rollcast_in};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

fn files(below: &Path) -> BTreeMap<PathBuf, (Vec<u8>, SystemTime)> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(below).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            let changed = path.metadata().and_then(|m| m.modified()).expect("a time");
            found.insert(path.clone(), (std::fs::read(&path).expect("readable"), changed));
        }
    }
    found
}

#[test]
fn standard_output_is_the_golden_file() {
    let run = rollcast(&["render"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert_eq!(run.out, std::fs::read_to_string("golden/example.yaml").expect("golden"));
}

#[test]
fn a_second_run_touches_nothing() {
    let at = directory(&[]);
    let into = at.path().join("out").display().to_string();
    let first = rollcast(&["render", "--into", &into]);
    assert_eq!((first.code, first.out.as_str()), (0, ""), "{}", first.err);
    let before = files(at.path());
    assert!(before.len() > 10, "one file an object, and the inventory: {}", before.len());
    let second = rollcast(&["render", "--into", &into]);
    assert!(second.err.contains("0 created, 0 changed, 0 removed"), "{}", second.err);
    assert!(files(at.path()) == before, "contents and times are the same");
}

#[test]
fn a_dropped_object_goes_and_other_files_stay() {
    let fleet = std::fs::read_to_string("fleet.toml").expect("the example");
    let at = directory(&[("fleet.toml", &fleet)]);
    assert_eq!(rollcast_in(at.path(), &["render", "--into", "out"]).code, 0);
    let before = files(&at.path().join("out"));
    std::fs::write(at.path().join("out/kustomization.yaml"), "resources: []\n").expect("writable");
    std::fs::write(at.path().join("fleet.toml"), fleet.replace("[agents.marketing]\n", "")).expect("writable");
    let run = rollcast_in(at.path(), &["render", "--into", "out"]);
    assert_eq!(run.code, 0, "{}", run.err);
    let after = files(&at.path().join("out"));
    let gone: Vec<_> = before.keys().filter(|path| !after.contains_key(*path)).collect();
    assert!(!gone.is_empty() && gone.iter().all(|path| path.display().to_string().contains("marketing")), "{gone:?}");
    assert!(after.contains_key(&at.path().join("out/kustomization.yaml")));
    let kept = before.iter().filter(|(path, _)| after.contains_key(*path) && !path.ends_with(".rollcast.yaml"));
    assert!(kept.into_iter().all(|(path, file)| after[path] == *file), "what stays is not written again");
}

#[test]
fn a_broken_fleet_writes_nothing() {
    let at = directory(&[("fleet.toml", "[fleet]\nname = \"x\"\n")]);
    assert_eq!(rollcast_in(at.path(), &["render", "--into", "out"]).code, 2);
    assert!(!at.path().join("out").exists());
}
