//! Ports, host ports, addresses and names: what a pod says about the network.
//!
//! Follows `validateContainerPorts`, `validatePodDNSConfig`, `ValidateHostAliases` and others of `pkg/apis/core/validation/validation.go`,
//! and apimachinery `pkg/util/validation/ip.go`.

use crate::object::Value;
use crate::simulate::validate::check::{Check, Place};
use crate::simulate::validate::formats::{self, port_name};
use crate::simulate::validate::read::Read;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The ports of a container.
pub(super) fn container_ports(check: &mut Check, ports: &[Value], list_at: &Place) {
    let mut names = BTreeSet::new();
    for (i, port) in ports.iter().enumerate() {
        let (at, name) = (list_at.index(i), port.text("name"));
        if !name.is_empty() {
            let messages = port_name(name);
            if messages.is_empty() && !names.insert(name) {
                check.duplicate(&at.child("name"), name);
            }
            check.invalid_each(&at.child("name"), name, messages);
        }
        match port.number("containerPort") {
            0 => check.required(&at.child("containerPort"), ""),
            number => check.within(number, 1, 65535, &at.child("containerPort")),
        }
        if port.number("hostPort") != 0 {
            check.within(port.number("hostPort"), 1, 65535, &at.child("hostPort"));
        }
        super::known(check, port, "protocol", &["SCTP", "TCP", "UDP"], &at);
    }
}

/// No two containers of a list may take one port of the host.
pub(super) fn host_port_conflicts(check: &mut Check, containers: &[Value], at: &Place) {
    let mut taken = BTreeSet::new();
    for (i, container) in containers.iter().enumerate() {
        let container_at = at.index(i);
        let ports_at = container_at.child("ports");
        for (j, port) in container.list("ports").iter().enumerate().filter(|(_, p)| p.number("hostPort") != 0) {
            let key = format!("{}/{}/{}", port.text("protocol"), port.text("hostIP"), port.number("hostPort"));
            if taken.contains(&key) {
                check.duplicate(&ports_at.index(j).child("hostPort"), key.as_str());
            } else {
                taken.insert(key);
            }
        }
    }
}

/// On the host's network a container's port is the host's.
pub(super) fn host_ports(check: &mut Check, spec: &Value, at: &Place) {
    if !spec.on("hostNetwork") {
        return;
    }
    let list_at = at.child("containers");
    for (i, container) in spec.list("containers").iter().enumerate() {
        let container_at = list_at.index(i);
        let ports_at = container_at.child("ports");
        for (j, port) in container.list("ports").iter().enumerate() {
            let (host, own) = (port.number("hostPort"), port.number("containerPort"));
            if (check.options.is_pod || host != 0) && host != own {
                check.invalid(&ports_at.index(j).child("hostPort"), host, "must match `containerPort` when `hostNetwork` is true");
            }
        }
    }
}

/// How names are resolved.
pub(super) fn dns_config(check: &mut Check, spec: &Value, at: &Place) {
    let config = spec.part("dnsConfig");
    if spec.text("dnsPolicy") == "None" {
        if config.is_null() {
            return check.required(at, "must provide `dnsConfig` when `dnsPolicy` is None");
        }
        if config.list("nameservers").is_empty() {
            return check.required(&at.child("nameservers"), "must provide at least one DNS nameserver when `dnsPolicy` is None");
        }
    }
    let servers_at = at.child("nameservers");
    if config.list("nameservers").len() > 3 {
        check.invalid(&servers_at, config.part("nameservers"), "must not have more than 3 nameservers");
    }
    for (i, server) in config.texts("nameservers").enumerate() {
        legacy_address(check, server, &servers_at.index(i));
    }
    let (searches_at, searches) = (at.child("searches"), config.part("searches"));
    let count = config.list("searches").len();
    if count > 32 {
        check.invalid(&searches_at, searches, "must not have more than 32 search paths");
    }
    if config.texts("searches").map(str::len).sum::<usize>() + count.saturating_sub(1) > 2048 {
        check.invalid(&searches_at, searches, "must not have more than 2048 characters (including spaces) in the search list");
    }
    for (i, search) in config.texts("searches").enumerate().filter(|(_, s)| *s != ".") {
        let search = search.strip_suffix('.').unwrap_or(search);
        check.invalid_each(&searches_at.index(i), search, formats::dns_subdomain_with_underscore(search));
    }
    let options_at = at.child("options");
    for (i, option) in config.list("options").iter().enumerate() {
        if option.text("name").is_empty() {
            check.required(&options_at.index(i), "must not be empty");
        }
    }
}

/// The name of the host inside the pod.
pub(super) fn hostname_override(check: &mut Check, spec: &Value, at: &Place) {
    let Some(name) = spec.field("hostnameOverride").and_then(Value::as_str) else { return };
    let at = at.child("hostnameOverride");
    if spec.on("setHostnameAsFQDN") {
        check.forbidden(&at, "may not be specified when setHostnameAsFQDN is true");
    }
    if spec.on("hostNetwork") {
        check.forbidden(&at, "may not be specified when hostNetwork is true");
    }
    if name.len() > 64 {
        check.too_long(&at, 64);
    }
    check.invalid_each(&at, name, formats::dns_subdomain(name));
}

/// Lines of the hosts file.
pub(super) fn host_aliases(check: &mut Check, spec: &Value, list_at: &Place) {
    for (i, alias) in spec.list("hostAliases").iter().enumerate() {
        let at = list_at.index(i);
        legacy_address(check, alias.text("ip"), &at.child("ip"));
        let names_at = at.child("hostnames");
        for (j, name) in alias.texts("hostnames").enumerate() {
            check.invalid_each(&names_at.index(j), name, formats::dns_subdomain(name));
        }
    }
}

/// An address in a field that once took any notation.
pub(in crate::simulate::validate) fn legacy_address(check: &mut Check, text: &str, at: &Place) {
    let Some(address) = address(text) else {
        return check.invalid(at, text, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    };
    if check.options.strict_addresses {
        if text.parse::<IpAddr>().is_err() {
            check.invalid(at, text, "must not have leading 0s");
        } else if matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
            check.invalid(at, text, "must not be an IPv4-mapped IPv6 address");
        }
    }
}

/// An address; leading zeros of IPv4 parts are let through, as older Go did.
pub(in crate::simulate::validate) fn address(text: &str) -> Option<IpAddr> {
    if text.contains(':') {
        return text.parse::<Ipv6Addr>().ok().map(IpAddr::V6);
    }
    let parts: Vec<&str> = text.split('.').collect();
    let mut bytes = [0; 4];
    if parts.len() != 4 {
        return None;
    }
    for (byte, part) in bytes.iter_mut().zip(parts) {
        if part.is_empty() || !part.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let digits = part.trim_start_matches('0');
        *byte = if digits.is_empty() { 0 } else { digits.parse().ok()? };
    }
    Some(IpAddr::V4(Ipv4Addr::from(bytes)))
}
