//! Exit codes of every command, as design and README give them; and what a pipe, a colour option or an empty directory does.

use super::{command, deployment, directory, rollcast, rollcast_fed, rollcast_in};
use std::io::Read;

#[test]
fn the_gate_alone_exits_1() {
    assert_eq!(rollcast(&["check"]).code, 1);
    assert_eq!(rollcast(&["check", "--fleet", "examples/fixed.toml"]).code, 0);
    assert_eq!(rollcast(&["plan"]).code, 0);
    assert_eq!(rollcast(&["plan", "--check"]).code, 1);
    assert_eq!(rollcast(&["diff"]).code, 1);
    assert_eq!(rollcast(&["render"]).code, 0);
    assert_eq!(rollcast(&["schema", "fleet"]).code, 0);
    for arguments in [["--help"].as_slice(), &["--version"], &["check", "--help"], &["plan", "-h"]] {
        let run = rollcast(arguments);
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{arguments:?}");
    }
}

#[test]
fn a_pipeline_that_fails_is_not_within_budget() {
    let run = rollcast(&["check", "--empty"]);
    assert_eq!(run.code, 1);
    assert!(
        run.out.contains("the pipeline fails in step \"Update agent images\"") && !run.out.contains("all within budget"),
        "{}",
        run.out
    );
    assert_eq!(rollcast(&["plan", "--empty"]).code, 0);
}

#[test]
fn what_is_the_same_is_no_difference() {
    let at = directory(&[("web.yaml", &deployment("web:1.0.0", ""))]);
    let run = rollcast_in(at.path(), &["diff", "-f", "web.yaml", "--from", "web.yaml"]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(run.out.ends_with("0 created, 0 configured, 1 unchanged, 0 deleted\n"), "{}", run.out);
}

#[test]
fn manifests_come_from_directories_and_pipes_and_need_no_fleet() {
    let (now, next) = (deployment("web:1.0.0", ""), deployment("web:1.1.0", ""));
    let at = directory(&[("now.yaml", &now), ("next/deep/web.yaml", &next), ("next/README.md", "no manifest")]);
    let from_directory = rollcast_in(at.path(), &["plan", "-f", "next", "--from", "now.yaml"]);
    assert_eq!(from_directory.code, 0, "{}", from_directory.err);
    assert!(from_directory.out.contains("1. Apply: 1 write, 1 roll\n"), "{}", from_directory.out);
    let file = at.path().join("now.yaml").display().to_string();
    let piped = rollcast_fed(next.as_bytes(), &["plan", "-f", "-", "--from", &file]);
    assert!(piped.out.contains("1. Apply: 1 write, 1 roll\n"), "{}", piped.out);
    let file = at.path().join("next/deep/web.yaml").display().to_string();
    let snapshot = rollcast_fed(now.as_bytes(), &["plan", "-f", &file, "--from", "-"]);
    assert!(snapshot.out.contains("1. Apply: 1 write, 1 roll\n"), "{}", snapshot.out);
}

#[test]
fn every_applier_rolls_a_new_image_once() {
    let at = directory(&[("now.yaml", &deployment("web:1.0.0", "")), ("next.yaml", &deployment("web:1.1.0", ""))]);
    for applier in ["kubectl", "kubectl-server", "argocd", "flux", "helm"] {
        let run = rollcast_in(at.path(), &["check", "-f", "next.yaml", "--from", "now.yaml", "--as", applier]);
        assert_eq!(run.code, 0, "{applier}: {}", run.out);
        assert!(run.out.contains("Total: 1 roll, 1 workload rolling; all within budget"), "{applier}: {}", run.out);
    }
}

#[test]
fn a_snapshot_of_kubectl_gives_a_plan_without_a_fleet() {
    let manifests = rollcast(&["render"]).out;
    let run = rollcast_fed(manifests.as_bytes(), &["plan", "-f", "-", "--from", "examples/genbrain.json", "--as", "argocd"]);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.out.contains("Total: 4 rolls, 4 workloads rolling"), "{}", run.out);
}

#[test]
fn what_kubectl_finds_in_every_cluster_is_there() {
    let plain = deployment("web:1.0.0", "").replace(", namespace: shop", "");
    let run = rollcast_fed(plain.as_bytes(), &["check", "-f", "-", "--empty"]);
    assert_eq!(run.code, 0, "{}", run.out);
    assert!(run.out.contains("Deployment/default/web"), "{}", run.out);
    let job = "apiVersion: batch/v1\nkind: Job\nmetadata: {generateName: run-}\n";
    let run = rollcast_fed(job.as_bytes(), &["check", "-f", "-", "--empty"]);
    assert_eq!(run.code, 1);
    assert!(run.out.contains("error: from run-: cannot use generate name with apply"), "{}", run.out);
}

#[test]
fn an_empty_directory_is_told_what_to_do() {
    let at = directory(&[]);
    for name in ["check", "plan", "diff", "render"] {
        let run = rollcast_in(at.path(), &[name]);
        assert_eq!(run.code, 2);
        assert!(
            run.err.starts_with("error[fleet-unreadable]: cannot read `fleet.toml`") && run.err.contains("`rollcast init`"),
            "{}",
            run.err
        );
    }
}

#[test]
fn init_makes_a_fleet_that_renders_and_never_overwrites() {
    let at = directory(&[]);
    let run = rollcast_in(at.path(), &["init"]);
    assert_eq!((run.code, run.out.as_str()), (0, ""), "{}", run.err);
    assert_eq!(rollcast_in(at.path(), &["render"]).code, 0);
    assert_eq!(rollcast_in(at.path(), &["check", "--empty"]).code, 0);
    let before = std::fs::read(at.path().join("fleet.toml")).expect("made");
    let again = rollcast_in(at.path(), &["init"]);
    assert_eq!(again.code, 2);
    assert!(again.err.starts_with("error[file-exists]"), "{}", again.err);
    assert_eq!(std::fs::read(at.path().join("fleet.toml")).expect("still there"), before);
}

#[test]
fn there_is_a_completion_for_every_shell() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = rollcast(&["completions", shell]);
        assert_eq!(run.code, 0);
        for word in ["rollcast", "check", "snapshot", "kubernetes"] {
            assert!(run.out.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    // The gate's exit code is the same whether anybody reads.
    for (arguments, code) in [(["schema", "fleet"].as_slice(), 0), (&["check"], 1), (&["diff"], 1), (&["plan"], 0)] {
        let mut child = command(arguments).spawn().expect("the binary runs");
        drop(child.stdout.take());
        let mut err = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut err).expect("UTF-8");
        assert_eq!((child.wait().expect("it ends").code(), err.as_str()), (Some(code), ""), "{arguments:?}");
    }
}

#[test]
fn colour_is_for_terminals_and_who_asks_for_it() {
    const ESCAPE: char = '\u{1b}';
    assert!(!rollcast(&["check"]).out.contains(ESCAPE));
    assert!(rollcast(&["check", "--color", "always"]).out.contains(ESCAPE));
    assert!(!rollcast(&["check", "--color", "never"]).out.contains(ESCAPE));
    let mut quiet = command(&["check"]);
    let run = super::ended(quiet.env("NO_COLOR", "1").output().expect("the binary runs"));
    assert!(!run.out.contains(ESCAPE));
}
