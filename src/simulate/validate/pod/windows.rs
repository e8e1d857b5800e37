//! What Windows pods may say, and what only they may.
//!
//! Follows `validateOS`, `validateLinux`, `validateWindows` and `validateWindowsSecurityContextOptions` of
//! `pkg/apis/core/validation/validation.go`.

use super::containers_of;
use crate::object::Value;
use crate::schema::Version;
use crate::simulate::validate::check::{Check, Place};
use crate::simulate::validate::formats::dns_subdomain;
use crate::simulate::validate::read::Read;

/// Options of a security context.
pub(super) fn options(check: &mut Check, options: Option<&Value>, at: &Place) {
    let Some(options) = options else { return };
    if let Some(name) = options.field("gmsaCredentialSpecName").and_then(Value::as_str) {
        check.invalid_each(&at.child("gmsaCredentialSpecName"), name, dns_subdomain(name));
    }
    if let Some(spec) = options.field("gmsaCredentialSpec").and_then(Value::as_str) {
        let at = at.child("gmsaCredentialSpec");
        if spec.is_empty() {
            check.invalid(&at, spec, "gmsaCredentialSpec cannot be an empty string");
        } else if spec.len() > 64 * 1024 {
            check.invalid(&at, spec, "gmsaCredentialSpec size must be under 64 KiB");
        }
    }
    if let Some(user) = options.field("runAsUserName").and_then(Value::as_str) {
        for detail in user_name(user) {
            check.invalid(&at.child("runAsUserName"), user, &format!("runAsUserName{detail}"));
        }
    }
}

fn user_name(name: &str) -> Vec<&'static str> {
    let parts: Vec<&str> = name.split('\\').collect();
    let (domain, user) = match &parts[..] {
        _ if name.is_empty() => return vec![" cannot be an empty string"],
        _ if name.contains(|c: char| c.is_ascii_control()) => return vec![" cannot contain control characters"],
        [user] => (None, *user),
        [domain, user] => (Some(*domain), *user),
        _ => return vec![" cannot contain more than one backslash"],
    };
    let mut errors = Vec::new();
    if let Some(domain) = domain {
        if domain.len() >= 256 {
            errors.push("'s Domain length must be under 256 characters");
        }
        if !is_net_bios(domain) && !is_domain(domain) {
            errors.push("'s Domain doesn't match the NetBios nor the DNS format");
        }
    }
    if user.is_empty() {
        errors.push("'s User cannot be empty");
    } else if user.len() > 104 {
        errors.push("'s User length must not be longer than 104 characters");
    }
    if !user.is_empty() && user.chars().all(|c| c == '.' || c == ' ') {
        errors.push("'s User cannot contain only periods or spaces");
    }
    if user.contains(|c| "\"/\\:;|=,+*?<>@[]".contains(c)) {
        errors.push("'s User cannot contain the following characters: \"/\\:;|=,+*?<>@[]");
    }
    errors
}

fn is_net_bios(domain: &str) -> bool {
    (1..=15).contains(&domain.chars().count()) && !domain.starts_with('.') && !domain.contains(|c| "\\/:*?\"<>|".contains(c))
}

fn is_domain(domain: &str) -> bool {
    let label = |l: &str| {
        (1..=63).contains(&l.len()) && !l.starts_with('-') && !l.ends_with('-') && l.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    domain.split('.').all(label)
}

/// Host process containers: all or none, and on the host's network.
pub(super) fn host_process(check: &mut Check, spec: &Value, at: &Place) {
    let of = |context: &Value| context.part("windowsOptions").flag("hostProcess");
    let of_pod = of(spec.part("securityContext"));
    let (mut all, mut host) = (0, 0);
    for (list, i, container) in containers_of(spec) {
        let own = of(container.part("securityContext"));
        if let (Some(pod), Some(own)) = (of_pod, own)
            && pod != own
        {
            let list_at = at.child(list);
            let container_at = list_at.index(i);
            let at = container_at.child("securityContext.windowsOptions.hostProcess");
            check.invalid(&at, own, &format!("pod hostProcess value must be identical if both are specified, was {pod}"));
        }
        all += 1;
        host += i32::from(own.or(of_pod) == Some(true));
    }
    if host > 0 {
        if host != all {
            check.invalid(at, "", "If pod contains any hostProcess containers then all containers must be HostProcess containers");
        }
        if !spec.on("hostNetwork") {
            check.invalid(&at.child("hostNetwork"), false, "hostNetwork must be true if pod contains any hostProcess containers");
        }
    }
}

/// The operating system that a pod names, and what goes with it.
pub(super) fn system(check: &mut Check, spec: &Value, at: &Place) {
    let Some(os) = spec.field("os") else { return };
    match os.text("name") {
        "" => check.required(&at.child("os.name"), ""),
        "linux" => linux(check, spec, at),
        "windows" => windows(check, spec, at),
        other => check.not_supported(&at.child("os"), other, &["linux", "windows"]),
    }
}

fn linux(check: &mut Check, spec: &Value, at: &Place) {
    let detail = "windows options cannot be set for a linux pod";
    if spec.part("securityContext").has("windowsOptions") {
        check.forbidden(&at.child("securityContext.windowsOptions"), detail);
    }
    for (list, i, container) in containers_of(spec) {
        if container.part("securityContext").has("windowsOptions") {
            let list_at = at.child(list);
            check.forbidden(&list_at.index(i).child("securityContext.windowsOptions"), detail);
        }
    }
}

/// Fields of a pod that are no use on Windows: in the security context, or in the spec itself.
const OF_POD: &[(&str, bool)] = &[
    ("appArmorProfile", true),
    ("seLinuxOptions", true),
    ("hostUsers", false),
    ("hostPID", false),
    ("hostIPC", false),
    ("seccompProfile", true),
    ("fsGroup", true),
    ("fsGroupChangePolicy", true),
    ("sysctls", true),
    ("shareProcessNamespace", false),
    ("runAsUser", true),
    ("runAsGroup", true),
    ("supplementalGroups", true),
    ("supplementalGroupsPolicy", true),
    ("seLinuxChangePolicy", true),
];

const OF_CONTAINER: &[&str] = &[
    "appArmorProfile",
    "seLinuxOptions",
    "seccompProfile",
    "capabilities",
    "readOnlyRootFilesystem",
    "privileged",
    "allowPrivilegeEscalation",
    "procMount",
    "runAsUser",
    "runAsGroup",
];

fn windows(check: &mut Check, spec: &Value, at: &Place) {
    let detail = "cannot be set for a windows pod";
    let (context, context_at) = (spec.part("securityContext"), at.child("securityContext"));
    let mut fields = OF_POD.to_vec();
    if check.version() >= Version::V1_37 {
        // The server has those of the spec in its spec now, and looks at them after the context.
        fields.sort_by_key(|(_, in_context)| !in_context);
    }
    for (name, in_context) in fields {
        let (holder, at) = if in_context { (context, &context_at) } else { (spec, at) };
        let set = match name {
            "hostPID" | "hostIPC" => holder.on(name),
            "sysctls" => !holder.list(name).is_empty(),
            _ => holder.has(name),
        };
        if set {
            check.forbidden(&at.child(name), detail);
        }
    }
    for (list, i, container) in containers_of(spec) {
        let list_at = at.child(list);
        let container_at = list_at.index(i);
        let at = container_at.child("securityContext");
        for name in OF_CONTAINER.iter().filter(|n| container.part("securityContext").has(n)) {
            check.forbidden(&at.child(name), detail);
        }
    }
}
