//! Probes and lifecycle hooks.
//!
//! Follows `validateProbe`, `validateHandler` and `validateLifecycle` of `pkg/apis/core/validation/validation.go`.

use super::container::Pod;
use crate::object::Value;
use crate::simulate::validate::check::{Check, Place};
use crate::simulate::validate::formats::{header_name, port_name};
use crate::simulate::validate::read::Read;

/// The three probes of a container.
pub(super) fn probes(check: &mut Check, container: &Value, grace: Option<i64>, at: &Place) {
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.field(name) else { continue };
        let at = at.child(name);
        handler(check, probe, grace, &["exec", "httpGet", "tcpSocket", "grpc"], &at);
        for number in ["initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"] {
            check.nonnegative(probe.number(number), &at.child(number));
        }
        let grace_at = at.child("terminationGracePeriodSeconds");
        let own_grace = probe.number_if_set("terminationGracePeriodSeconds");
        if let Some(seconds) = own_grace.filter(|s| *s <= 0) {
            check.invalid(&grace_at, seconds, "must be greater than 0");
        }
        if name != "readinessProbe" {
            if probe.number("successThreshold") != 1 {
                check.invalid(&at.child("successThreshold"), probe.number("successThreshold"), "must be 1");
            }
        } else if let Some(seconds) = own_grace {
            check.invalid(&grace_at, seconds, "must not be set for readinessProbes");
        }
    }
}

/// What is done after the start and before the stop of a container.
pub(super) fn lifecycle(check: &mut Check, container: &Value, pod: &Pod, at: &Place) {
    let Some(lifecycle) = container.field("lifecycle") else { return };
    let at = at.child("lifecycle");
    for name in ["postStart", "preStop"] {
        if let Some(hook) = lifecycle.field(name) {
            handler(check, hook, pod.grace, &["exec", "httpGet", "tcpSocket", "sleep"], &at.child(name));
        }
    }
    if lifecycle.has("stopSignal") {
        stop_signal(check, lifecycle.text("stopSignal"), pod.spec.field("os"), &at.child("stopSignal"));
    }
}

fn handler(check: &mut Check, handler: &Value, grace: Option<i64>, kinds: &[&str], at: &Place) {
    let mut handlers = 0;
    for kind in kinds {
        let Some(action) = handler.field(kind) else { continue };
        let at = at.child(kind);
        handlers += 1;
        if handlers > 1 {
            check.forbidden(&at, "may not specify more than 1 handler type");
            continue;
        }
        match *kind {
            "exec" if action.list("command").is_empty() => check.required(&at.child("command"), ""),
            "httpGet" => http_get(check, action, &at),
            "tcpSocket" | "grpc" => port(check, action.part("port"), &at.child("port")),
            "sleep" => {
                let seconds = action.number("seconds");
                if let Some(grace) = grace.filter(|g| seconds < 0 || seconds > *g) {
                    let detail = format!("must be non-negative and less than terminationGracePeriodSeconds ({grace})");
                    check.invalid(&at, seconds, &detail);
                }
            }
            _ => {}
        }
    }
    if handlers == 0 {
        check.required(at, "must specify a handler type");
    }
}

fn http_get(check: &mut Check, action: &Value, at: &Place) {
    check.filled(action.text("path"), &at.child("path"));
    port(check, action.part("port"), &at.child("port"));
    check.one_of(&at.child("scheme"), action.text("scheme"), &["HTTP", "HTTPS"]);
    for header in action.list("httpHeaders") {
        let name = header.text("name");
        check.invalid_each(&at.child("httpHeaders"), name, header_name(name));
    }
}

fn port(check: &mut Check, port: &Value, at: &Place) {
    match port.as_str() {
        Some(name) => check.invalid_each(at, name, port_name(name)),
        None => check.within(port.as_i64().unwrap_or(0), 1, 65535, at),
    }
}

/// Signals that Linux containers may stop by; the real-time ones are made of numbers.
const SIGNALS: &[&str] = &[
    "SIGABRT",
    "SIGALRM",
    "SIGBUS",
    "SIGCHLD",
    "SIGCLD",
    "SIGCONT",
    "SIGFPE",
    "SIGHUP",
    "SIGILL",
    "SIGINT",
    "SIGIO",
    "SIGIOT",
    "SIGKILL",
    "SIGPIPE",
    "SIGPOLL",
    "SIGPROF",
    "SIGPWR",
    "SIGQUIT",
    "SIGRTMAX",
    "SIGRTMIN",
    "SIGSEGV",
    "SIGSTKFLT",
    "SIGSTOP",
    "SIGSYS",
    "SIGTERM",
    "SIGTRAP",
    "SIGTSTP",
    "SIGTTIN",
    "SIGTTOU",
    "SIGURG",
    "SIGUSR1",
    "SIGUSR2",
    "SIGVTALRM",
    "SIGWINCH",
    "SIGXCPU",
    "SIGXFSZ",
];

fn stop_signal(check: &mut Check, signal: &str, system: Option<&Value>, at: &Place) {
    let Some(system) = system else {
        return check.forbidden(at, "may not be set for containers with empty `spec.os.name`");
    };
    match system.text("name") {
        "windows" => check.one_of(at, signal, &["SIGKILL", "SIGTERM"]),
        "linux" => {
            let real_time = (1..=14).map(|n| format!("SIGRTMAX-{n}")).chain((1..=15).map(|n| format!("SIGRTMIN+{n}")));
            let mut all: Vec<String> = SIGNALS.iter().map(|s| (*s).to_owned()).chain(real_time).collect();
            all.sort();
            let all: Vec<&str> = all.iter().map(String::as_str).collect();
            check.one_of(at, signal, &all);
        }
        _ => {}
    }
}
