//! Security contexts of pods and containers.
//!
//! Follows `validatePodSpecSecurityContext` and `ValidateSecurityContext` of `pkg/apis/core/validation/validation.go`.

use super::volumes::descending_path;
use super::{containers_of, windows};
use crate::object::Value;
use crate::schema::Version;
use crate::simulate::validate::check::{Check, Place, Typed};
use crate::simulate::validate::read::Read;
use std::collections::BTreeSet;

const MOST: i64 = i32::MAX as i64;

/// Of a pod.
pub(super) fn of_pod(check: &mut Check, spec: &Value, at: &Place) {
    let context = spec.part("securityContext");
    for name in ["fsGroup", "runAsUser", "runAsGroup"] {
        if let Some(id) = context.number_if_set(name) {
            check.within(id, 0, MOST, &at.child(name));
        }
    }
    let groups_at = at.child("supplementalGroups");
    for (i, group) in context.list("supplementalGroups").iter().enumerate() {
        check.within(group.as_i64().unwrap_or(0), 0, MOST, &groups_at.index(i));
    }
    if check.version() < Version::V1_37 {
        shared_processes(check, spec, at);
    }
    sysctls(check, spec, context.list("sysctls"), &at.child("sysctls"));
    either(check, context, "fsGroupChangePolicy", &["Always", "OnRootMismatch"], at);
    seccomp(check, context.field("seccompProfile"), &at.child("seccompProfile"));
    windows::options(check, context.field("windowsOptions"), &at.child("windowsOptions"));
    app_armor(check, context.field("appArmorProfile"), &at.child("appArmorProfile"));
    either(check, context, "supplementalGroupsPolicy", &["Merge", "Strict"], at);
    let policies = ["MountOption", "Recursive"];
    let policies = if check.options.mount_option { &policies[..] } else { &policies[1..] };
    either(check, context, "seLinuxChangePolicy", policies, at);
}

fn either(check: &mut Check, context: &Value, name: &str, supported: &[&str], at: &Place) {
    if context.has(name) {
        check.one_of(&at.child(name), context.text(name), supported);
    }
}

fn sysctls(check: &mut Check, spec: &Value, sysctls: &[Value], list_at: &Place) {
    const SEGMENT: &str = "[a-z0-9]([-_a-z0-9]*[a-z0-9])?";
    let mut seen = BTreeSet::new();
    for (i, sysctl) in sysctls.iter().enumerate() {
        let (item_at, name) = (list_at.index(i), sysctl.text("name"));
        let at = item_at.child("name");
        if name.is_empty() {
            check.required(&at, "");
        } else if !is_sysctl(name) {
            check.invalid(&at, name, &format!("must have at most 253 characters and match regex ^({SEGMENT}[\\./])*{SEGMENT}$"));
        } else if seen.contains(name) {
            check.duplicate(&at, name);
        }
        if let Some(host) = host_sysctl(name, spec).filter(|_| !check.options.lax_sysctls) {
            check.invalid(&at, name, &format!("may not be specified when '{host}' is true"));
        }
        seen.insert(name);
    }
}

fn is_sysctl(name: &str) -> bool {
    let end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let segment = |s: &str| s.starts_with(end) && s.ends_with(end) && s.chars().all(|c| end(c) || c == '-' || c == '_');
    name.len() <= 253 && name.split(['.', '/']).all(segment)
}

/// The namespace of the host that a pod shares, where a sysctl would change it.
pub(super) fn host_sysctl(name: &str, spec: &Value) -> Option<&'static str> {
    // the first separator tells the notation
    let dotted = match name.find(['.', '/']) {
        Some(i) if name.as_bytes()[i] == b'/' => name
            .chars()
            .map(|c| {
                if c == '/' {
                    '.'
                } else if c == '.' {
                    '/'
                } else {
                    c
                }
            })
            .collect(),
        _ => name.to_owned(),
    };
    let exact = [
        "kernel.sem",
        "kernel.shm_rmid_forced",
        "kernel.shmall",
        "kernel.shmmax",
        "kernel.shmmni",
        "kernel.msgmax",
        "kernel.msgmnb",
        "kernel.msgmni",
        "kernel.msg",
        "kernel.shm",
    ];
    if spec.on("hostNetwork") && dotted.starts_with("net.") {
        Some("hostNetwork")
    } else if spec.on("hostIPC") && (exact.contains(&dotted.as_str()) || dotted.starts_with("fs.mqueue.")) {
        Some("hostIPC")
    } else {
        None
    }
}

fn seccomp(check: &mut Check, profile: Option<&Value>, at: &Place) {
    let Some(profile) = profile else { return };
    let (kind, path_at) = (profile.text("type"), at.child("localhostProfile"));
    if kind.is_empty() {
        check.required(&at.child("type"), "type is required when seccompProfile is set");
    } else {
        check.one_of(&at.child("type"), kind, &["Localhost", "RuntimeDefault", "Unconfined"]);
    }
    match (kind == "Localhost", profile.field("localhostProfile").and_then(Value::as_str)) {
        (true, None) => check.required(&path_at, "must be set when seccomp type is Localhost"),
        (true, Some(path)) => descending_path(check, path, &path_at),
        (false, Some(_)) => {
            let shown = Typed("io.k8s.api.core.v1.SeccompProfile", profile);
            check.invalid(&path_at, shown, "can only be set when seccomp type is Localhost");
        }
        (false, None) => {}
    }
}

fn app_armor(check: &mut Check, profile: Option<&Value>, at: &Place) {
    let Some(profile) = profile else { return };
    let (kind, path_at) = (profile.text("type"), at.child("localhostProfile"));
    let path = profile.field("localhostProfile").and_then(Value::as_str);
    match kind {
        "Localhost" => match path {
            None => check.required(&path_at, "must be set when AppArmor type is Localhost"),
            Some(path) => {
                if path.trim() != path {
                    check.invalid(&path_at, path, "must not be padded with whitespace");
                } else if path.is_empty() {
                    check.required(&path_at, "must be set when AppArmor type is Localhost");
                }
                if path.len() > 4095 {
                    check.too_long(&path_at, 4095);
                }
            }
        },
        "RuntimeDefault" | "Unconfined" => {
            if let Some(path) = path {
                check.invalid(&path_at, path, "can only be set when AppArmor type is Localhost");
            }
        }
        "" => check.required(&at.child("type"), "type is required when appArmorProfile is set"),
        other => check.not_supported(&at.child("type"), other, &["Localhost", "RuntimeDefault", "Unconfined"]),
    }
}

/// Of a container.
pub(super) fn of_container(check: &mut Check, context: &Value, host_users: bool, at: &Place) {
    if context.is_null() {
        return;
    }
    for name in ["runAsUser", "runAsGroup"] {
        if let Some(id) = context.number_if_set(name) {
            check.within(id, 0, MOST, &at.child(name));
        }
    }
    if context.has("procMount") {
        let mount = context.text("procMount");
        check.one_of(&at.child("procMount"), mount, &["Default", "Unmasked"]);
        if host_users && mount == "Unmasked" {
            check.invalid(&at.child("procMount"), mount, "`hostUsers` must be false to use `Unmasked`");
        }
    }
    seccomp(check, context.field("seccompProfile"), &at.child("seccompProfile"));
    if context.flag("allowPrivilegeEscalation") == Some(false) {
        let forgiven = check.options.sys_admin_without_escalation;
        let mut refuse = |why: &str| {
            let shown = Typed("io.k8s.api.core.v1.SecurityContext", context);
            check.invalid(at, shown, &format!("cannot set `allowPrivilegeEscalation` to false and {why}"));
        };
        if context.on("privileged") {
            refuse("`privileged` to true");
        }
        if !forgiven {
            for _ in context.part("capabilities").texts("add").filter(|c| *c == SYS_ADMIN) {
                refuse("`capabilities.Add` CAP_SYS_ADMIN");
            }
        }
    }
    windows::options(check, context.field("windowsOptions"), &at.child("windowsOptions"));
    app_armor(check, context.field("appArmorProfile"), &at.child("appArmorProfile"));
}

const SYS_ADMIN: &str = "CAP_SYS_ADMIN";

/// Whether a container has `CAP_SYS_ADMIN` and does not allow to escalate (`hasSysAdminAndPrivilegeEscalationFalse` of
/// `pkg/api/pod/util.go`, which counts a container that does not say so, too).
pub(super) fn is_held_sys_admin(context: &Value) -> bool {
    context.flag("allowPrivilegeEscalation") != Some(true) && context.part("capabilities").texts("add").any(|c| c == SYS_ADMIN)
}

/// Up to 1.36 it is told within the security context, which the server has it in.
pub(super) fn shared_processes(check: &mut Check, spec: &Value, at: &Place) {
    if spec.on("shareProcessNamespace") && spec.on("hostPID") {
        check.invalid(&at.child("shareProcessNamespace"), true, "ShareProcessNamespace and HostPID cannot both be enabled");
    }
}

/// What a pod with its own users may not share with the host.
pub(super) fn user_namespaces(check: &mut Check, spec: &Value, at: &Place) {
    if spec.flag("hostUsers") != Some(false) {
        return;
    }
    if spec.on("hostNetwork") && !check.options.host_network_with_user_namespaces {
        check.forbidden(&at.child("hostNetwork"), "when `hostUsers` is false");
    }
    for (name, path) in [("hostPID", "HostPID"), ("hostIPC", "HostIPC")] {
        if spec.on(name) {
            check.forbidden(&at.child(path), "when `hostUsers` is false");
        }
    }
    if !check.options.devices_with_user_namespaces {
        for (list, i, container) in containers_of(spec) {
            if !container.list("volumeDevices").is_empty() {
                let list_at = at.child(list);
                check.forbidden(&list_at.index(i).child("volumeDevices"), "when `hostUsers` is false");
            }
        }
    }
}
