//! `rollcast rehearse`: exit codes, what the script finds around it, what is replaced, interruptions. Its clients are `sh` and curl;
//! the worked examples, which need kubectl, are run by the ignored test.

use super::{Run, command, deployment, directory, ended};
use rustix::process::{Pid, Signal, kill_process};
use std::process::Command;
use std::time::{Duration, Instant};

/// Writes as kubectl sends them; each prints the answer's code.
const SEND: &str = r#"server=$(sed -n 's/ *server: //p' "$KUBECONFIG" | head -n 1)
send() { type=$1; shift; curl -sS -o /dev/null -w '%{http_code} ' -H "Content-Type: application/$type" "$@"; }
set_image() { send strategic-merge-patch+json -X PATCH -H 'Kubectl-Command: kubectl set image' -H "Kubectl-Session: $1" \
  -d '{"spec":{"template":{"spec":{"containers":[{"name":"web","image":"'"$1"'"}]}}}}' "$server/apis/apps/v1/namespaces/shop/deployments/web"; }
"#;

pub(super) fn rehearsal(arguments: &[&str], script: &str) -> Command {
    let mut all = vec!["rehearse"];
    all.extend(arguments);
    all.extend(["--", "sh", "-c", script]);
    let mut command = command(&all);
    // Not the repository's: its fleet file is not meant.
    command.current_dir(std::env::temp_dir()).env("PATH", std::env::var_os("PATH").expect("a PATH"));
    command
}

fn rehearse(arguments: &[&str], script: &str) -> Run {
    ended(rehearsal(arguments, script).output().expect("the binary runs"))
}

#[test]
fn the_scripts_output_and_exit_code_pass_through() {
    let run = rehearse(&["--empty"], "echo out; echo err >&2");
    assert_eq!((run.code, run.out.as_str()), (0, "out\n"));
    assert!(run.err.starts_with("err\n") && run.err.contains("Total: 0 rolls"), "{}", run.err);
    let run = rehearse(&["--empty", "--report", "json"], "exit 7");
    let report: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    assert_eq!((run.code, &report["script"]["exit_code"]), (1, &7.into()));
    assert_eq!(rehearse(&["--empty"], "kill -9 $$").code, 1);
    assert_eq!(rehearse(&[], "true").code, 2, "no state");
    let run = ended(command(&["rehearse", "--empty", "--", "/nonexistent/deploy.sh"]).output().expect("the binary runs"));
    assert_eq!(run.code, 2);
    assert!(run.err.contains("cannot-rehearse"), "{}", run.err);
}

#[cfg(unix)]
#[test]
fn what_cannot_be_started_is_told_with_the_way_out() {
    use std::os::unix::fs::PermissionsExt;
    let scripts =
        [("plain.sh", "true\n"), ("windows.sh", "#!/bin/bash\r\ntrue\r\n"), ("odd.sh", "#!/no/such/shell\n"), ("bare.sh", "true\n")];
    let folder = directory(&scripts);
    for name in ["windows.sh", "odd.sh", "bare.sh"] {
        std::fs::set_permissions(folder.path().join(name), std::fs::Permissions::from_mode(0o755)).expect("it is ours");
    }
    let told = [
        ("./plain.sh", "it is not executable"),
        ("./windows.sh", "its lines end in carriage returns"),
        ("./odd.sh", "its first line asks for `/no/such/shell`, which is not there"),
        ("./bare.sh", "it does not begin with a line such as #!/bin/bash"),
        ("./none.sh", "there is no such file"),
        ("plain.sh", "it is in this folder: -- ./plain.sh"),
        ("kubectl get pods", "give a whole command line to a shell"),
    ];
    for (program, text) in told {
        let run = ended(command(&["rehearse", "--empty", "--", program]).current_dir(&folder).output().expect("the binary runs"));
        assert!(run.code == 2 && run.err.contains(text), "{program}: {}", run.err);
    }
}

#[test]
fn writes_are_judged_step_by_step() {
    let folder = directory(&[("web.yaml", &deployment("web:1", "")), ("fleet.toml", "[fleet]\nname = \"f\"\nkubernetes = \"1.36\"\n")]);
    let from = folder.path().join("web.yaml");
    let from = from.to_str().expect("UTF-8");
    let script = format!("{SEND} set_image web:2; set_image web:3");
    let expected = ["--from", from, "--expect", "deploy/web=2", "--expect-writes", "set image=2", "--expect-none"];
    let run = rehearse(&expected, &script);
    assert_eq!(run.code, 0, "{}", run.err);
    assert!(run.err.contains("2 rolls of 1 allowed") && run.err.contains("2. kubectl set image (2): 1 write, 1 roll"), "{}", run.err);
    assert_eq!(rehearse(&["--from", from, "--check"], &script).code, 1);
    let run = rehearse(&["--from", from, "--expect", "deploy/web=1", "--expect-none"], &script);
    assert!(run.code == 1 && run.err.contains("Deployment/web: 1 roll expected, 2 found"), "{}", run.err);
    let run = rehearse(&["--from", from, "--expect-none"], &format!("{SEND} set_image web:1; set_image web:2"));
    assert!(run.code == 1 && run.err.contains("no roll expected, 1 found"), "{}", run.err);
    // A refusal that the script takes is no failure.
    let run = rehearse(&["--from", from, "--check"], &format!("{SEND} send json -X POST -d '{{}}' $server/api/v1/namespaces; true"));
    assert_eq!((run.code, run.out.as_str()), (0, "422 "), "{}", run.err);
}

/// Manifests have no age of their own: a client that asks is told that they are new, not that they are from 1970.
#[test]
fn manifests_are_created_now() {
    let folder = directory(&[("web.yaml", &deployment("web:1", ""))]);
    let from = folder.path().join("web.yaml");
    let script = format!("{SEND} curl -sS $server/apis/apps/v1/namespaces/shop/deployments/web");
    let run = rehearse(&["--from", from.to_str().expect("UTF-8")], &script);
    let object: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    let created: jiff::Timestamp = object["metadata"]["creationTimestamp"].as_str().expect("a time").parse().expect("a time");
    assert!(created > "2026-01-01T00:00:00Z".parse().expect("a time"), "{created}");
}

/// With Recreate the pods go before the revision is made that they go for.
#[test]
fn each_revision_of_one_command_is_a_roll_whatever_the_strategy() {
    let script = format!(
        "{SEND} for n in 2 3 4; do send strategic-merge-patch+json -X PATCH -H 'Kubectl-Session: one' \
         -d '{{\"spec\":{{\"template\":{{\"spec\":{{\"containers\":[{{\"name\":\"web\",\"image\":\"web:'$n'\"}}]}}}}}}}}' \
         $server/apis/apps/v1/namespaces/shop/deployments/web; done"
    );
    for strategy in ["Recreate", "RollingUpdate"] {
        let folder = directory(&[("web.yaml", &deployment("web:1", &format!("  strategy: {{type: {strategy}}}\n")))]);
        let from = folder.path().join("web.yaml");
        let run = rehearse(&["--from", from.to_str().expect("UTF-8"), "--expect", "deploy/web=3"], &script);
        assert_eq!((run.code, run.out.as_str()), (0, "200 200 200 "), "{}", run.err);
    }
}

#[test]
fn a_fleet_says_what_a_rehearsal_must_come_to() {
    let fleet = |expect: &str| {
        format!(
            "[fleet]\nname = \"f\"\nkubernetes = \"1.36\"\n[cluster]\nfrom = \"web.yaml\"\n[agents.web]\ncontainers = [\"a\"]\n[images]\na = \"a:1.0.0\"\n[expect]\n{expect}\n"
        )
    };
    let expect = "rolls = { \"deploy/shop/web\" = 1 }\nwrites = { \"set image\" = 1 }\nnone = true";
    let folder = directory(&[("web.yaml", &deployment("web:1", "")), ("fleet.toml", &fleet(expect))]);
    let rehearse = |arguments: &[&str], script: &str| {
        let mut command = rehearsal(arguments, &format!("{SEND} {script}"));
        ended(command.current_dir(folder.path()).output().expect("the binary runs"))
    };
    let run = rehearse(&[], "set_image web:2");
    assert_eq!(run.code, 0, "{}", run.err);
    let run = rehearse(&[], "set_image web:2; set_image web:3");
    assert!(run.code == 1 && run.err.contains("Deployment/shop/web: 1 roll expected, 2 found"), "{}", run.err);
    assert!(run.err.contains("`set image`: 1 write expected, 2 found"), "{}", run.err);
    let run = rehearse(&["--expect", "deploy/wbe=1"], "set_image web:2");
    assert!(
        run.code == 1
            && run.err.contains("Deployment/wbe: there is no such workload")
            && run.err.contains("did you mean `deployment/web`?"),
        "{}",
        run.err
    );
    let run = rehearse(&["--expect", "deploy/site=0"], "true");
    assert!(
        run.code == 1 && run.err.contains("Deployment/site: there is no such workload"),
        "none is not expected by a misspelt name: {}",
        run.err
    );
    assert_eq!(rehearse(&["--expect", "deploy/web=0"], "true").code, 0);
    // What the command line says stands in its place.
    assert_eq!(rehearse(&["--expect", "deploy/web=2"], "set_image web:2; set_image web:3").code, 0);
    std::fs::write(folder.path().join("fleet.toml"), fleet("rolls = { \"pod/web\" = 1, \"deploy/web\" = -1 }\nnothing = true"))
        .expect("writable");
    let run = rehearse(&[], "true");
    assert_eq!(run.code, 2);
    for said in [
        "`pod/web` cannot be expected so",
        "the kind is one of",
        "expected a whole number from 0",
        "unknown key `nothing`",
        "fleet.toml:11:",
    ] {
        assert!(run.err.contains(said), "{said}: {}", run.err);
    }
}

#[test]
fn every_name_of_the_callers_kubeconfig_is_there_and_nothing_else_of_it() {
    let kubeconfig = "apiVersion: v1\nkind: Config\ncurrent-context: prod\nclusters:\n- {name: c1, cluster: {server: 'https://prod.example'}}\n- {name: c2, cluster: {server: 'https://stage.example'}}\ncontexts:\n- {name: prod, context: {cluster: c1, user: u1, namespace: shop}}\n- {name: stage, context: {cluster: c2, user: u2}}\nusers:\n- {name: u1, user: {token: hush}}\n- {name: u2, user: {exec: {apiVersion: client.authentication.k8s.io/v1, command: gcloud}}}\n";
    let folder = directory(&[("config", kubeconfig), ("prod.yaml", &deployment("web:1", ""))]);
    let caller = |mut command: Command| {
        command.env("KUBECONFIG", folder.path().join("config")).env("KUBERNETES_SERVICE_HOST", "h").env("HELM_KUBETOKEN", "hush");
        ended(command.output().expect("the binary runs"))
    };
    let run = caller(rehearsal(&["--empty"], "cat $KUBECONFIG; env"));
    for there in ["current-context: prod", "name: stage", "name: c2", "name: u1", "namespace: shop", "KUBECACHEDIR="] {
        assert!(run.out.contains(there), "{there}: {}", run.out);
    }
    for gone in ["hush", "example", "gcloud", "KUBERNETES_", "HELM_KUBE"] {
        assert!(!run.out.contains(gone), "{gone}: {}", run.out);
    }
    // One context with a state of its own: the other cluster is another one.
    let prod = format!("prod={}", folder.path().join("prod.yaml").display());
    let script = "for s in $(sed -n 's/ *server: //p' $KUBECONFIG); do curl -s -o /dev/null -w '%{http_code} ' $s/apis/apps/v1/namespaces/shop/deployments/web; done";
    let run = caller(rehearsal(&["--from", &prod], script));
    assert_eq!((run.code, run.out.as_str()), (0, "200 404 "), "{}", run.err);
    assert!(run.err.contains("no `--from` names the cluster of the context stage: it starts empty"), "{}", run.err);
    let run = caller(rehearsal(&["--from", &prod, "--from", &prod], "true"));
    assert!(run.code == 2 && run.err.contains("two-states"), "{}", run.err);
}

#[test]
fn programs_that_fetch_credentials_are_replaced_and_listed() {
    let script = "gcloud container clusters get-credentials prod --zone z && docker push secret && kubelogin && kubelogin";
    let run = rehearse(&["--empty", "--stub", "docker", "--report", "json"], script);
    assert_eq!(run.code, 0, "{}", run.err);
    let report: serde_json::Value = serde_json::from_str(&run.out).expect("JSON");
    let stubs = report["script"]["stubs"].as_array().expect("a list");
    let stubs: Vec<String> = stubs.iter().map(|s| format!("{} {}", s["command"], s["calls"])).collect();
    assert_eq!(stubs, [r#""docker" 1"#, r#""gcloud container clusters get-credentials" 1"#, r#""kubelogin" 2"#]);
    assert_eq!(rehearse(&["--empty", "--allow", "gcloud"], "PATH=${PATH%%:*}; gcloud container clusters get-credentials").code, 1);
    assert_eq!(rehearse(&["--empty", "--allow", "docker"], "true").code, 2);
}

#[test]
fn a_secrets_value_reaches_the_script_and_no_report() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop, uid: u, resourceVersion: \"1\"}\ntype: Opaque\ndata: {key: aHVzaC1odXNo}\n";
    let folder = directory(&[("s.yaml", secret)]);
    let from = folder.path().join("s.yaml");
    let script = format!(
        "{SEND} curl -s $server/api/v1/namespaces/shop/secrets/s | grep -q aHVzaC1odXNo && send merge-patch+json -X PATCH -d '{{\"data\":{{\"key\":\"bm90ISE=\"}}}}' $server/api/v1/namespaces/shop/secrets/s"
    );
    let run = rehearse(&["--from", from.to_str().expect("UTF-8"), "--report", "markdown"], &script);
    assert!(run.code == 0 && run.out.starts_with("200 ###"), "{}{}", run.out, run.err);
    assert!(!format!("{}{}", run.out, run.err).contains("aHVzaC1odXNo") && !run.out.contains("bm90"), "{}{}", run.out, run.err);
}

/// A live cluster is one that `serve` simulates: helm has to find its releases in it, and nobody else any value.
#[test]
fn a_live_secrets_value_reaches_the_script_and_nothing_else() {
    let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop, uid: u, resourceVersion: \"1\"}\ntype: Opaque\ndata: {key: aHVzaC1odXNo}\n";
    let folder = directory(&[("s.yaml", secret)]);
    let path = |name: &str| folder.path().join(name).to_str().expect("UTF-8").to_owned();
    let live = super::serve::Served::start(&["--listen", "127.0.0.1:0", "--from", &path("s.yaml"), "--kubeconfig", &path("config")]);
    let secrets = "$server/api/v1/namespaces/shop/secrets/s";
    let script = format!(
        "{SEND} curl -s {secrets} | grep -q aHVzaC1odXNo && send merge-patch+json -X PATCH -d '{{\"data\":5}}' {secrets}; \
         send merge-patch+json -X PATCH -d '{{\"data\":{{\"key\":\"*\"}}}}' {secrets}; send json -X DELETE {secrets}"
    );
    for format in ["text", "json", "markdown"] {
        let mut command = rehearsal(&["--context", "rollcast", "--report", format], &script);
        let run = ended(command.env("KUBECONFIG", path("config")).output().expect("the binary runs"));
        assert!(run.out.starts_with("422 422 200 ") || run.out.starts_with("400 400 200 "), "{}{}", run.out, run.err);
        assert!(!format!("{}{}", run.out, run.err).contains("aHVzaC"), "{}{}", run.out, run.err);
    }
    let left = ended(command(&["snapshot", "--context", "rollcast"]).env("KUBECONFIG", path("config")).output().expect("the binary runs"));
    assert!(
        left.code == 0 && left.out.contains("\"s\"") && !left.out.contains("aHVzaC"),
        "the live one is as it was, and shown without values"
    );
    drop(live);
}

#[test]
fn what_only_a_running_pod_could_answer_makes_the_verdict_unknown() {
    let folder = directory(&[("web.yaml", &deployment("web:1", ""))]);
    let from = folder.path().join("web.yaml");
    let script = format!("{SEND} set_image web:2; curl -s -o /dev/null $server/api/v1/namespaces/shop/pods/web-0/log");
    let run = rehearse(&["--from", from.to_str().expect("UTF-8"), "--check"], &script);
    assert!(run.code == 1 && run.err.contains("unknown") && run.err.contains("not-simulated"), "{}", run.err);
}

#[test]
fn a_background_child_does_not_hold_it_up() {
    let began = Instant::now();
    let run = rehearse(&["--empty"], "sleep 60 & echo done");
    assert_eq!((run.code, run.out.as_str()), (0, "done\n"));
    assert!(run.err.contains("left running was stopped"), "{}", run.err);
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
}

#[test]
fn an_interruption_ends_the_script_and_reports_what_was_done() {
    let folder = directory(&[("web.yaml", &deployment("web:1", ""))]);
    let (from, ready) = (folder.path().join("web.yaml"), folder.path().join("ready"));
    let script = format!("{SEND} set_image web:2; touch {}; sleep 60; set_image web:3", ready.display());
    let began = Instant::now();
    let child = rehearsal(&["--from", from.to_str().expect("UTF-8")], &script).spawn().expect("the binary runs");
    while !ready.exists() {
        assert!(began.elapsed() < Duration::from_secs(30), "the script does not start");
        std::thread::sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_raw(child.id().try_into().expect("small")).expect("not 0"), Signal::INT).expect("it runs");
    let run = ended(child.wait_with_output().expect("it ends"));
    assert_eq!(run.code, 2, "{}", run.err);
    assert!(run.err.contains("INCOMPLETE") && run.err.contains("1 roll of 1 allowed"), "{}", run.err);
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
}

#[test]
#[ignore = "needs kubectl"]
fn the_worked_examples_hold() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/rehearse/test.sh");
    let output = Command::new(script).env("ROLLCAST", env!("CARGO_BIN_EXE_rollcast")).output().expect("it runs");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(output.status.success() && said.lines().filter(|l| l.starts_with("ok ")).count() == 5, "{said}");
}
