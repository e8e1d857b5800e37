//! `rollcast rehearse --isolate`: what the command reaches, and what it does not.

use super::rehearse::rehearsal;
use super::{Run, ended};
use rustix::process::{Pid, Signal, kill_process};
use std::net::TcpListener;
use std::time::{Duration, Instant};

fn isolated(script: &str) -> Run {
    ended(rehearsal(&["--empty", "--isolate"], script).output().expect("the binary runs"))
}

/// Where the kernel refuses namespaces there is nothing more to see than that it is said.
fn refused(run: &Run) -> bool {
    let refused = run.code == 2 && run.err.contains("cannot-isolate");
    assert!(!refused || run.err.contains("user namespaces"), "{}", run.err);
    refused
}

#[test]
fn only_the_shadow_can_be_reached() {
    let outside = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = outside.local_addr().expect("bound").port();
    let script = format!(
        "server=$(sed -n 's/ *server: //p' \"$KUBECONFIG\" | head -n 1); curl -sS -o /dev/null -w '%{{http_code}} ' $server/version; \
         curl -s -m 5 http://127.0.0.1:{port} || echo \"no $?\"; id -u; cat; exit 3"
    );
    let mut command = rehearsal(&["--empty", "--isolate"], &script);
    let mut child = command.stdin(std::process::Stdio::piped()).spawn().expect("the binary runs");
    std::io::Write::write_all(&mut child.stdin.take().expect("piped"), b"its own input").expect("read");
    let run = ended(child.wait_with_output().expect("it ends"));
    if refused(&run) {
        return;
    }
    let user = rustix::process::getuid().as_raw();
    assert_eq!((run.code, run.out), (1, format!("200 no 7\n{user}\nits own input")), "{}", run.err);
    // The same address, without.
    outside.set_nonblocking(true).expect("a socket");
    assert_eq!(outside.accept().map(drop).map_err(|e| e.kind()), Err(std::io::ErrorKind::WouldBlock), "nobody came");
}

#[test]
fn a_command_that_cannot_be_run_is_said_and_each_cluster_is_there() {
    let run = isolated("exec /nonexistent");
    if refused(&run) {
        return;
    }
    let run = ended(super::command(&["rehearse", "--empty", "--isolate", "--", "/nonexistent"]).output().expect("the binary runs"));
    assert!(run.code == 2 && run.err.contains("cannot run `/nonexistent`: there is no such file"), "{}", run.err);
    let folder = super::directory(&[("web.yaml", &super::deployment("web:1", ""))]);
    let prod = format!("prod={}", folder.path().join("web.yaml").display());
    let script = "for s in $(sed -n 's/ *server: //p' $KUBECONFIG); do curl -s -o /dev/null -w '%{http_code} ' $s/apis/apps/v1/namespaces/shop/deployments/web; done";
    let other = format!("stage={}", folder.path().join("web.yaml").display());
    let run = ended(rehearsal(&["--from", &prod, "--from", &other, "--isolate"], script).output().expect("the binary runs"));
    assert_eq!((run.code, run.out.as_str()), (0, "200 200 "), "{}", run.err);
}

#[test]
fn an_interruption_ends_what_runs_in_a_network_of_its_own() {
    let folder = super::directory(&[]);
    let ready = folder.path().join("ready");
    let script = format!(
        "server=$(sed -n 's/ *server: //p' \"$KUBECONFIG\" | head -n 1); curl -sS -o /dev/null -H 'Content-Type: application/json' \
         -d '{{\"metadata\":{{\"name\":\"a\"}}}}' $server/api/v1/namespaces; touch {}; sleep 60; echo after",
        ready.display()
    );
    let began = Instant::now();
    let mut child = rehearsal(&["--empty", "--isolate"], &script).spawn().expect("the binary runs");
    while !ready.exists() && child.try_wait().expect("it was started").is_none() {
        assert!(began.elapsed() < Duration::from_secs(30), "the script does not start");
        std::thread::sleep(Duration::from_millis(10));
    }
    if ready.exists() {
        kill_process(Pid::from_raw(child.id().try_into().expect("small")).expect("not 0"), Signal::INT).expect("it runs");
    }
    let run = ended(child.wait_with_output().expect("it ends"));
    if refused(&run) {
        return;
    }
    assert_eq!((run.code, run.out.as_str()), (2, ""), "{}", run.err);
    assert!(run.err.contains("INCOMPLETE") && run.err.contains("curl: 1 write"), "{}", run.err);
    assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
}
