//! Real clients on the shadow and on a real control plane: the same commands say the same.

use crate::plane::{Plane, Said};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

/// `rollcast serve` on a free port; gone when it is dropped.
pub struct Shadow(Child);

impl Shadow {
    /// Its kubeconfig is `shadow.kubeconfig` in the plane's folder for files.
    pub fn start(plane: &Plane) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rollcast"))
            .args(["serve", "--empty", "--listen", "127.0.0.1:0", "--kubeconfig"])
            .arg(plane.work().join("shadow.kubeconfig"))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("rollcast runs");
        let mut line = String::new();
        // It says where it listens once it does.
        BufReader::new(child.stdout.take().expect("piped above")).read_line(&mut line).expect("rollcast prints UTF-8");
        assert!(line.starts_with("http://"), "{line}");
        Self(child)
    }
}

impl Drop for Shadow {
    fn drop(&mut self) {
        // It may have ended by itself, which its clients have told then.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

/// What differs from run to run: hashes, random suffixes, times and addresses.
pub fn normalised(said: &Said) -> (Option<i32>, String, String) {
    let suffix = regex::Regex::new(r"-[bcdfghjklmnpqrstvwxz2456789]{5,10}(-[bcdfghjklmnpqrstvwxz2456789]{5})?\b").unwrap();
    let time = regex::Regex::new(r"(?m)^LAST DEPLOYED: .*$").unwrap();
    // Who is told that it waits depends on how fast the controllers are.
    let waits = regex::Regex::new(r"(?m)^Waiting for .*\n").unwrap();
    let text =
        |text: &str| waits.replace_all(&time.replace_all(&suffix.replace_all(text, "-HASH"), "LAST DEPLOYED: TIME"), "").into_owned();
    (said.code, text(&said.stdout), text(&said.stderr))
}

/// Commands of the clients, in order; what each says is compared.
const COMMANDS: &[&str] = &[
    "kubectl create namespace shop",
    "kubectl -n shop create deployment web --image=nginx:1 --replicas=2",
    "kubectl -n shop rollout status deployment/web --timeout=30s",
    "kubectl -n shop expose deployment web --port=80",
    "kubectl -n shop set image deployment/web nginx=nginx:2",
    "kubectl -n shop rollout status deployment/web --timeout=30s",
    "kubectl -n shop rollout history deployment/web",
    "kubectl -n shop rollout undo deployment/web",
    "kubectl -n shop rollout restart deployment/web",
    "kubectl -n shop rollout status deployment/web --timeout=30s",
    "kubectl -n shop get deployment web -o jsonpath='{.metadata.generation} {.spec.template.spec.containers[*].image} {.status.readyReplicas}'",
    "kubectl -n shop scale deployment web --replicas=3",
    "kubectl -n shop wait deployment/web --for=jsonpath='{.status.readyReplicas}'=3 --timeout=30s",
    "kubectl -n shop create configmap settings --from-literal=a=b --dry-run=client -o yaml | kubectl -n shop apply -f -",
    "kubectl -n shop create configmap settings --from-literal=a=c --dry-run=client -o yaml | kubectl -n shop diff -f - | grep '^[+-] '",
    "kubectl -n shop create configmap settings --from-literal=a=c --dry-run=client -o yaml | kubectl -n shop apply -f -",
    "kubectl -n shop create configmap settings --from-literal=a=d --dry-run=client -o yaml | kubectl -n shop apply --server-side -f -",
    "kubectl -n shop patch deployment web --type=merge -p '{\"spec\":{\"paused\":true}}'",
    "kubectl -n shop get deployment nope",
    "kubectl -n shop get events --field-selector=reason=ScalingReplicaSet -o name | wc -l | tr -d '0-9'",
    "kubectl -n shop auth can-i create pods",
    "kubectl explain deployment.spec.strategy",
    "kubectl -n shop delete deployment web --wait",
    "kubectl -n shop get pods -o name",
    "helm create chart > /dev/null && helm install app ./chart -n shop --wait --timeout 60s | sed -n 1,6p",
    "helm upgrade app ./chart -n shop --set image.tag=2 --wait --timeout 60s | sed -n 1,6p",
    "helm rollback app 1 -n shop --wait",
    "helm history app -n shop -o json | jq -c '[.[] | [.revision, .status, .description]]'",
    "helm uninstall app -n shop --wait",
    "kubectl -n shop get deployments,services -o name",
    "kubectl delete namespace shop --wait",
    "kubectl get namespace shop",
];

#[test]
fn clients_cannot_tell_the_shadow_from_a_control_plane() {
    let plane = Plane::start();
    let shadow = Shadow::start(&plane);
    let mut wrong = Vec::new();
    for command in COMMANDS {
        let real = normalised(&plane.try_shell(command));
        let ours = normalised(&plane.try_shell(&format!("export KUBECONFIG=$PWD/shadow.kubeconfig\n{command}")));
        if real != ours {
            wrong.push(format!("{command}\n  real {real:?}\n  ours {ours:?}"));
        }
    }
    drop(shadow);
    assert!(wrong.is_empty(), "{} of {} differ:\n{}", wrong.len(), COMMANDS.len(), wrong.join("\n"));
}
