//! Fleets and the manifests they become: `golden/render/<name>/` holds a `fleet.toml`, perhaps `templates/`, and `manifests.yaml`; for
//! an environment of it, `manifests-<environment>.yaml`. `BLESS=1` writes those files anew. Where a
//! `compose.yaml` or a `rules.yaml` is there, it is what those targets give.

use rollcast::diagnostic::{Diagnostics, Source, snippet};
use rollcast::fleet::{Asked, OnDisk};
use rollcast::images::PinnedFleet;
use rollcast::object::yaml;
use rollcast::render::{Manifest, Templates};
use rollcast::{fleet, images, render};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

fn manifests(fleet_file: &Path, templates: &Path) -> Vec<Manifest> {
    manifests_of(fleet_file, templates, None)
}

fn manifests_of(fleet_file: &Path, templates: &Path, environment: Option<&str>) -> Vec<Manifest> {
    rendered(fleet_file, templates, environment).1
}

fn rendered(fleet_file: &Path, templates: &Path, environment: Option<&str>) -> (PinnedFleet, Vec<Manifest>) {
    let made = || {
        let source = Source::read(fleet_file.to_owned(), std::fs::read(fleet_file).expect("readable"))?;
        let (variables, files) = (BTreeMap::new(), OnDisk(fleet_file.parent().expect("a folder").to_owned()));
        let pinned =
            images::pin(fleet::load_as(source, &Asked { variables: &variables, environment, files: &files })?, &images::Supply::default())?;
        let manifests = render::render(&pinned, &Templates::with_directory(templates)?)?;
        Ok((pinned, manifests))
    };
    made().unwrap_or_else(|wrong| panic!("{}", snippet::render_all(&wrong, false)))
}

fn environments(case: &Path) -> Vec<String> {
    let names = std::fs::read_dir(case).expect("a folder").map(|e| e.expect("an entry").file_name().into_string().expect("UTF-8"));
    names.filter_map(|n| Some(n.strip_prefix("manifests-")?.strip_suffix(".yaml")?.to_owned())).collect()
}

fn golden(file: &Path, made: &str) {
    if std::env::vars_os().any(|(name, value)| name == "BLESS" && value == "1") {
        std::fs::write(file, made).expect("writable");
    }
    let wanted = std::fs::read_to_string(file).unwrap_or_default();
    assert!(wanted == made, "{} differs (BLESS=1 writes it anew):\n{made}", file.display());
}

#[test]
fn fleets_become_these_manifests() {
    let mut cases: Vec<PathBuf> = std::fs::read_dir("golden/render").expect("golden/render").map(|e| e.expect("an entry").path()).collect();
    cases.sort();
    for case in cases {
        let (pinned, made) = rendered(&case.join("fleet.toml"), &case.join("templates"), None);
        golden(&case.join("manifests.yaml"), &render::to_yaml(&made));
        if case.join("compose.yaml").exists() {
            let compose = render::compose::compose(&pinned.fleet.name, &made);
            golden(&case.join("compose.yaml"), &yaml::to_yaml(&compose.file));
            golden(&case.join("compose.txt"), &snippet::render_all(&Diagnostics(compose.notes), false));
        }
        if case.join("rules.yaml").exists() {
            golden(&case.join("rules.yaml"), &render::rules(&pinned.fleet).expect("the fleet has alerts"));
        }
        for environment in environments(&case) {
            let made = manifests_of(&case.join("fleet.toml"), &case.join("templates"), Some(&environment));
            golden(&case.join(format!("manifests-{environment}.yaml")), &render::to_yaml(&made));
        }
    }
    golden(Path::new("golden/example.yaml"), &render::to_yaml(&manifests(Path::new("fleet.toml"), Path::new("none"))));
}

#[test]
fn both_examples_render_the_same() {
    assert_eq!(manifests(Path::new("fleet.toml"), Path::new("none")), manifests(Path::new("examples/fixed.toml"), Path::new("none")));
}

#[test]
fn what_is_rendered_is_read_back() {
    let made = manifests(Path::new("fleet.toml"), Path::new("none"));
    let read = yaml::load_bytes("-".into(), render::to_yaml(&made).into_bytes()).expect("our own YAML");
    let values: Vec<_> = read.into_iter().map(|d| d.value).collect();
    assert_eq!(values, made.into_iter().map(|m| m.value).collect::<Vec<_>>());
}
