//! What kubectl prints on the shadow and on a real control plane, command after command: exit code, output and errors.
//!
//! Each file in `commands/` is a sequence in a cluster of its own, a command a line. Left out are commands whose output rests on what
//! a cluster does not promise: addresses, nodes, two controllers' order, how long something takes.

use crate::plane::{Plane, Said};
use crate::shadow::Shadow;
use regex::Regex;
use std::fs;
use std::path::Path;

/// What differs from run to run, and what stands for it.
const MASKED: [(&str, &str); 9] = [
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(Z| \+0000 UTC)", "TIME"),
    (r"[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d [+-]\d{4}", "TIME"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID"),
    (r#"resourceVersion"?: "?\d+"?"#, "VERSION"),
    (r"-[bcdfghjklmnpqrstvwxz2456789]{5}\b", "-SUFFIX"),
    (r"\b(\d+[smh])+( |$)", "AGE "),
    (r"<(unknown|invalid)>", "AGE"),
    (r"\b(10|127|192|198)\.\d+\.\d+\.\d+(:\d{4,5}\b)?", "ADDRESS"),
    (r"[ \t]+", " "),
];

fn masked(said: &Said, masks: &[(Regex, &str)]) -> (Option<i32>, String, String) {
    let line = |line: &str| masks.iter().fold(line.to_owned(), |text, (mask, with)| mask.replace_all(&text, *with).into_owned());
    let text = |text: &str| text.lines().map(line).collect::<Vec<_>>().join("\n");
    (said.code, text(&said.stdout), text(&said.stderr))
}

fn same_words(sequence: &str) {
    let plane = Plane::start();
    let shadow = Shadow::start(&plane);
    let masks: Vec<(Regex, &str)> = MASKED.iter().map(|(mask, with)| (Regex::new(mask).unwrap(), *with)).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/commands").join(sequence);
    let commands = fs::read_to_string(path).unwrap();
    let commands: Vec<&str> = commands.lines().filter(|l| !l.starts_with('#')).collect();
    plane.shell("mkdir real ours");
    let mut wrong = Vec::new();
    for command in &commands {
        let real = plane.try_shell(&format!("set +e; cd real; {command}"));
        let ours = plane.try_shell(&format!("set +e; export KUBECONFIG=$PWD/shadow.kubeconfig; cd ours; {command}"));
        let (real, ours) = (masked(&real, &masks), masked(&ours, &masks));
        if real != ours {
            wrong.push(format!("{command}\n  real {real:?}\n  ours {ours:?}"));
        }
    }
    drop(shadow);
    println!("{} of {} commands say the same", commands.len() - wrong.len(), commands.len());
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), commands.len(), wrong.join("\n"));
}

#[test]
fn deployments() {
    same_words("deployments.txt");
}

#[test]
fn sets_and_definitions() {
    same_words("sets-and-definitions.txt");
}

#[test]
fn admission_and_selectors() {
    same_words("admission-and-selectors.txt");
}
