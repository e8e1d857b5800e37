//! Every code that an output can show is one that `rollcast explain` knows. The codes are collected from the sources.

use super::rollcast;
use rollcast::lint::codes;
use std::collections::BTreeSet;
use std::path::Path;

/// What codes begin with that are not written beside the word `error`, `warning` or `note`.
const FAMILIES: [&str; 11] =
    ["base-", "cluster-", "fleet-", "image-", "input-", "into-", "json-", "render-", "snapshot-", "template-", "yaml-"];
/// Text in the sources that looks like a code.
const OTHERS: [&str; 1] = ["fleet-name-of-nothing"];

fn sources(directory: &Path, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("tests.rs") {
            let text = std::fs::read_to_string(&path).expect("a source");
            found.push(text.split("#[cfg(test)]").next().unwrap_or_default().to_owned());
        }
    }
}

fn is_code(text: &str) -> bool {
    !text.is_empty() && !text.ends_with('-') && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
}

#[test]
fn every_code_is_explained() {
    let mut texts = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut texts);
    let mut shown = BTreeSet::new();
    for text in &texts {
        for call in ["Diagnostic::error(", "Diagnostic::warning(", "note("] {
            let arguments = text.split(call).skip(1).map(str::trim_start);
            shown.extend(arguments.filter_map(|rest| rest.strip_prefix('"')?.split('"').next()).filter(|code| is_code(code)));
        }
        // Every other piece between quotes is a string.
        let strings = text.split('"').filter(|piece| is_code(piece) && !OTHERS.contains(piece));
        shown.extend(strings.filter(|piece| FAMILIES.iter().any(|family| piece.starts_with(family))));
    }
    assert!(shown.len() > 80, "{shown:?}");
    let missing: Vec<_> = shown.iter().filter(|code| codes::find(code).is_none()).collect();
    assert!(missing.is_empty(), "not explained: {missing:?}");
}

#[test]
fn each_code_is_listed_and_explained_once() {
    let listed = rollcast(&["explain"]);
    assert_eq!(listed.code, 0);
    let mut seen = BTreeSet::new();
    for code in codes::all() {
        assert!(seen.insert(code.code), "{} stands twice", code.code);
        assert!(listed.out.lines().any(|l| l.split_whitespace().next() == Some(code.code)), "{}", code.code);
        assert!(!code.title.is_empty() && !code.example.is_empty() && !code.fix.is_empty(), "{}", code.code);
        assert!(!code.title.ends_with('.'), "{}", code.title);
    }
    let run = rollcast(&["explain", "mutable-tag"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    assert!(run.out.starts_with("mutable-tag: ") && run.out.contains("\nExample:\n") && run.out.contains("\nWhat to do:\n"), "{}", run.out);
}
