//! What a probe says is checked: it asks in one way, at a port that its container has.
//!
//! The API server takes a name that no port has; the kubelet then never gets an answer.

use super::file::{ProbeFile, ProbesFile};
use super::read::{At, Reader};
use crate::diagnostic::nearest;
use crate::object::Value;

/// Notes what is wrong with the probes of a container that has these ports.
pub(super) fn check(probes: &ProbesFile, ports: &[&str], reader: &mut Reader<'_>) {
    for (which, probe) in [("liveness", &probes.liveness), ("readiness", &probes.readiness), ("startup", &probes.startup)] {
        if let Some(probe) = probe.as_ref().filter(|p| !reader.broken(&p.range)) {
            ways(which, probe, reader);
            port(which, probe, ports, reader);
        }
    }
}

fn over_network(probe: &ProbeFile) -> [bool; 2] {
    [probe.http.is_some(), probe.tcp.as_ref().is_some_and(|t| t.value)]
}

fn ways(which: &str, At { value, range }: &At<ProbeFile>, reader: &mut Reader<'_>) {
    let [http, tcp] = over_network(value);
    let told = match [http, tcp, value.exec.is_some()].into_iter().filter(|asked| *asked).count() {
        1 => return,
        0 => "does not say what it asks",
        _ => "asks in several ways at once",
    };
    reader.wrong("fleet-value", range.clone(), format!("the {which} probe {told}")).label =
        "expected one of `http`, `tcp = true` and `exec`".into();
}

fn port(which: &str, At { value, range }: &At<ProbeFile>, ports: &[&str], reader: &mut Reader<'_>) {
    match &value.port {
        None if ports.is_empty() && over_network(value).contains(&true) => {
            let wrong = reader.wrong("fleet-missing", range.clone(), format!("the {which} probe names no port, and there are none here"));
            wrong.label = "expected `port = 8080`, or `ports` of the container".into();
        }
        Some(At { value: named, range }) => {
            let Value::String(name) = &named.0 else { return };
            if !ports.contains(&name.as_str()) {
                let near = nearest(name, ports.iter().copied()).map(|n| format!("did you mean `{n}`?"));
                reader.wrong("fleet-reference", range.clone(), format!("there is no port `{name}` here")).label = near.unwrap_or_default();
            }
        }
        None => {}
    }
}
