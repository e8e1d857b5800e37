//! Real clients deploy on the shadow and on a real control plane: at each step both exit with the same code, say the same, roll
//! the same workloads and have the same objects in the end.

mod library;
mod stored;

use crate::observed::{Cost, Name, Observed};
use crate::plane::{Plane, Said};
use crate::scenario::{self, Step};
use crate::shadow::{Shadow, normalised};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Where the clients' scripts, their manifests and their chart are.
fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live/clients")
}

/// One of the two clusters, as a client finds it.
struct Side<'p> {
    plane: &'p Plane,
    kubeconfig: PathBuf,
    /// A folder of its own for what a script writes.
    work: &'static str,
}

impl Side<'_> {
    fn try_shell(&self, commands: &str) -> Said {
        self.plane.try_shell(&format!("export KUBECONFIG='{}'; cd {}\n{commands}", self.kubeconfig.display(), self.work))
    }

    fn observed(&self) -> Observed {
        Observed::settled_by(&|command| self.try_shell(command).ended(command, &[0]))
    }
}

/// What a step came to on one side.
#[derive(Debug, PartialEq)]
struct Outcome {
    said: (Option<i32>, String, String),
    costs: BTreeMap<Name, Cost>,
}

/// A step by its name, done on a side.
type Do<'d> = (String, Box<dyn Fn(&Side<'_>) -> Said + Sync + 'd>);

/// Does the steps on both clusters, side by side, and compares after each.
fn compare(client: &str, steps: &[Do<'_>]) {
    let plane = Plane::start();
    let shadow = Shadow::start(&plane);
    plane.shell(&format!("mkdir real ours; cp -r '{0}'/. real; cp -r '{0}'/. ours", folder().display()));
    let side = |kubeconfig: PathBuf, work| Side { plane: &plane, kubeconfig, work };
    let sides = [side(plane.kubeconfig(), "real"), side(plane.work().join("shadow.kubeconfig"), "ours")];
    let both = |act: &(dyn Fn(&Side<'_>) -> (Outcome, Observed) + Sync)| {
        std::thread::scope(|threads| sides.each_ref().map(|side| threads.spawn(|| act(side))).map(|t| t.join().expect("it compares later")))
    };
    let mut before = sides.each_ref().map(Side::observed);
    let mut wrong = Vec::new();
    for (name, act) in steps {
        let done = both(&|side| {
            let said = normalised(&act(side));
            let after = side.observed();
            let costs = after.cost_since(&before[usize::from(side.work == "ours")]);
            (Outcome { said, costs }, after)
        });
        let [(real, real_after), (ours, ours_after)] = done;
        if real != ours {
            wrong.push(format!("{name}\n  real {real:#?}\n  ours {ours:#?}"));
        }
        before = [real_after, ours_after];
        let [real, ours] = sides.each_ref().map(|side| stored::objects(&side.try_shell(stored::LOOK)));
        wrong.extend(stored::differences(&real, &ours).into_iter().map(|d| format!("{name}: {d}")));
    }
    drop(shadow);
    assert!(wrong.is_empty(), "{client}: {} differ:\n{}", wrong.len(), wrong.join("\n"));
}

/// The steps of a script, each after something that readies its shell. What a step says it is refused for is held too.
fn acts(text: &str, before: &str) -> Vec<Do<'static>> {
    let act = |step: Step| -> Do<'static> {
        let (name, commands) = (step.name.clone(), format!("{before}\n{}", step.commands));
        let done = move |side: &Side<'_>| {
            let said = side.try_shell(&commands);
            let expected = step.refused.as_ref().map_or(said.code == Some(0), |text| said.code != Some(0) && said.stderr.contains(text));
            assert!(expected, "{}: {} ended with {:?}\n{}\n{}", step.name, side.work, said.code, said.stdout, said.stderr);
            said
        };
        (name, Box::new(done))
    };
    scenario::steps(text).into_iter().map(act).collect()
}

/// Runs a script of the folder.
fn script(name: &str, before: &str) {
    let text = std::fs::read_to_string(folder().join(name)).unwrap();
    compare(&format!("{name} {before}"), &acts(&text, before));
}

/// What teams' deploy scripts do, a few lines each (`tests/live/scripts`), one after another on the same two clusters.
#[test]
fn deploy_scripts() {
    let files = std::fs::read_dir(folder().with_file_name("scripts")).unwrap();
    let mut files: Vec<PathBuf> = files.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let steps = files.iter().flat_map(|file| acts(&std::fs::read_to_string(file).unwrap(), ""));
    compare("scripts", &steps.collect::<Vec<_>>());
}

#[test]
fn kubectl_1_32() {
    script("kubectl.sh", "PATH=$CLIENTS/k132:$PATH");
}

#[test]
fn kubectl_1_36() {
    script("kubectl.sh", "");
}

#[test]
fn kubectl_1_37() {
    script("kubectl.sh", "PATH=$CLIENTS/k137:$PATH");
}

#[test]
fn helm() {
    script("helm.sh", "");
}

#[test]
fn python() {
    script("python.sh", "");
}

#[test]
fn argo_cd_engine() {
    let built = Command::new(folder().join("gitops/build.sh")).output().expect("bash runs");
    drop(Said::from(built).ended("gitops/build.sh", &[0]));
    script("gitops.sh", "");
}

#[test]
fn kube_rs() {
    let step =
        |name: &'static str| -> Do<'static> { (name.to_owned(), Box::new(move |side: &Side<'_>| library::step(name, &side.kubeconfig))) };
    compare("kube-rs", &library::STEPS.map(step));
}
