//! `--base REV`: a change is judged against a git revision, without a cluster.

use super::{commit, deployment, directory, rollcast_in};

#[test]
fn manifests_against_their_last_commit() {
    let at = directory(&[("deploy/web.yaml", &deployment("web:1.0.0", ""))]);
    commit(at.path());
    let same = rollcast_in(at.path(), &["check", "-f", "deploy", "--base", "HEAD"]);
    assert_eq!(same.code, 0, "{}{}", same.out, same.err);
    assert!(same.out.contains("as if it had been applied") && same.out.contains("= Deployment/shop/web"), "{}", same.out);
    std::fs::write(at.path().join("deploy/web.yaml"), deployment("web:1.1.0", "")).expect("writable");
    let changed = rollcast_in(at.path(), &["diff", "-f", "deploy", "--base", "HEAD"]);
    assert_eq!(changed.code, 1);
    assert!(changed.out.contains("- web:1.0.0") && changed.out.contains("+ web:1.1.0"), "{}", changed.out);
}

#[test]
fn a_fleet_against_its_last_commit() {
    let fleet = "[fleet]\nname = \"shop\"\nnamespace = \"shop\"\nkubernetes = \"1.36\"\n[images]\nweb = \"registry.example.com/web:1.0.0\"\n[agents.web]\ncontainers = [\"web\"]\nbudget = { rolls = 0 }\n";
    let at = directory(&[("fleet.toml", fleet)]);
    commit(at.path());
    assert_eq!(rollcast_in(at.path(), &["check", "--base", "HEAD"]).code, 0);
    std::fs::write(at.path().join("fleet.toml"), fleet.replace("web:1.0.0", "web:1.1.0")).expect("writable");
    let run = rollcast_in(at.path(), &["check", "--base", "HEAD"]);
    assert_eq!(run.code, 1, "{}{}", run.out, run.err);
    assert!(run.out.contains("1 roll of 0 allowed"), "{}", run.out);
}

/// What the base holds and what the change makes are different objects: each has a uid of its own.
#[test]
fn a_new_workload_beside_those_of_the_base() {
    let web = deployment("web:1.0.0", "");
    let at = directory(&[("deploy/web.yaml", &web)]);
    commit(at.path());
    std::fs::write(at.path().join("deploy/more.yaml"), web.replace("name: web, namespace", "name: more, namespace")).expect("writable");
    let run = rollcast_in(at.path(), &["check", "-f", "deploy", "--base", "HEAD"]);
    assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    assert!(run.out.contains("Total: 0 rolls, 0 workloads rolling, 2 staying; all within budget"), "{}", run.out);
}

#[test]
fn what_git_cannot_give_is_an_error() {
    let at = directory(&[("web.yaml", &deployment("web:1.0.0", ""))]);
    let outside = rollcast_in(at.path(), &["plan", "-f", "web.yaml", "--base", "HEAD"]);
    assert_eq!(outside.code, 2);
    assert!(outside.err.starts_with("error[base-unreadable]: `.` is in no git repository"), "{}", outside.err);
    commit(at.path());
    let unknown = rollcast_in(at.path(), &["plan", "-f", "web.yaml", "--base", "v9"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.starts_with("error[base-unreadable]: git knows no revision `v9`"), "{}", unknown.err);
    let fleet = rollcast_in(at.path(), &["plan", "--base", "HEAD"]);
    assert_eq!(fleet.code, 2, "{}", fleet.out);
}
