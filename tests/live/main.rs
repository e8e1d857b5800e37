//! What rollcast predicts against what a real control plane does.
//!
//! `cargo test --test live` builds the control plane and installs the clients of `tests/controlplane` if they are missing, and
//! fails, never skips, if that is impossible. Each scenario (a folder in `scenarios/`, see its README) has a control plane of its
//! own. rollcast reads it as a user who may only get and list, so a write of its own would be refused.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test binary: nothing is public, a failure is a panic, time is real"
)]

mod acceptance;
mod bundle;
mod clients;
mod commands;
mod images;
mod judged;
mod observed;
mod pipelines;
mod plane;
mod scenario;
mod shadow;

use scenario::run;

#[test]
fn double_roll() {
    run("double-roll");
}

#[test]
fn fixed_pipeline() {
    run("fixed-pipeline");
}

#[test]
fn restart_then_client_side_apply() {
    run("restart-then-apply");
}

#[test]
fn client_side_apply_over_server_side() {
    run("client-side-over-server-side");
}

#[test]
fn stateful_set_canary() {
    run("statefulset-partition");
}

#[test]
fn daemon_set() {
    run("daemonset");
}

#[test]
fn scale_set_image_and_undo() {
    run("scale-image-undo");
}

#[test]
fn selector_change_is_refused() {
    run("selector-refused");
}

#[test]
fn recreate_over_a_defaulted_strategy_is_refused() {
    run("recreate-refused");
}

#[test]
fn a_stale_manifest_conflicts() {
    run("stale-manifest-conflict");
}

#[test]
fn a_paused_deployment_rolls_once_when_resumed() {
    run("pause-resume");
}

#[test]
fn replace_and_replace_by_force() {
    run("replace-force");
}

#[test]
fn helm_upgrade() {
    run("helm-upgrade");
}

/// A folder that no test above names would be checked by nobody.
#[test]
fn every_scenario_is_run() {
    let source = include_str!("main.rs");
    for entry in std::fs::read_dir(scenario::folder()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        assert!(!entry.path().is_dir() || source.contains(&format!("run(\"{name}\")")), "tests/live/scenarios/{name} is not run");
    }
}
