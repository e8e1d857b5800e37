//! NetworkPolicies, Ingresses and IngressClasses.
//!
//! Follows `pkg/apis/networking/validation/validation.go`.

use super::batch::domain_prefixed_path;
use super::check::{Check, Json, Place};
use super::formats::{dns_label, dns_subdomain, path_segment, port_name, wildcard_subdomain};
use super::metadata::{self, Names};
use super::pod;
use super::read::Read;
use super::selector;
use crate::object::Value;
use crate::schema::Version;
use std::net::IpAddr;

const AT: Place<'static> = Place::root("spec");

/// A NetworkPolicy, new or changed.
pub(super) fn network_policy(check: &mut Check, new: &Value, old: Option<&Value>) {
    let mut forgiven = Vec::new();
    let mut lax = false;
    match old {
        None => metadata::metadata(check, new, true, Names::Subdomain),
        Some(old) => {
            metadata::update(check, new, old);
            let was = old.part("spec");
            let rules = was.list("ingress").iter().flat_map(|r| r.list("from")).chain(was.list("egress").iter().flat_map(|r| r.list("to")));
            for block in rules.filter_map(|peer| peer.field("ipBlock")) {
                forgiven.push(block.text("cidr"));
                forgiven.extend(block.texts("except"));
            }
            lax = selector::is_broken(check.version(), was.part("podSelector"));
        }
    }
    let spec = new.part("spec");
    selector::selector(check, spec.part("podSelector"), lax, &AT.child("podSelector"));
    for (direction, peers) in [("ingress", "from"), ("egress", "to")] {
        let list_at = AT.child(direction);
        for (i, rule) in spec.list(direction).iter().enumerate() {
            let at = list_at.index(i);
            let ports_at = at.child("ports");
            for (j, port) in rule.list("ports").iter().enumerate() {
                policy_port(check, port, &ports_at.index(j));
            }
            let peers_at = at.child(peers);
            for (j, peer) in rule.list(peers).iter().enumerate() {
                policy_peer(check, peer, lax, &forgiven, &peers_at.index(j));
            }
        }
    }
    let list_at = AT.child("policyTypes");
    if spec.list("policyTypes").len() > 2 {
        return check.invalid(&list_at, spec.part("policyTypes"), "may not specify more than two policyTypes");
    }
    for (i, kind) in spec.texts("policyTypes").enumerate() {
        check.one_of(&list_at.index(i), kind, &["Ingress", "Egress"]);
    }
}

fn policy_port(check: &mut Check, port: &Value, at: &Place) {
    if port.has("protocol") {
        check.one_of(&at.child("protocol"), port.text("protocol"), &["TCP", "UDP", "SCTP"]);
    }
    let (port_at, end_at, end) = (at.child("port"), at.child("endPort"), port.number_if_set("endPort"));
    match (port.field("port"), end) {
        (Some(Value::String(name)), end) => {
            if let Some(end) = end {
                check.invalid(&end_at, end, "may not be specified when `port` is non-numeric");
            }
            check.invalid_each(&port_at, name, port_name(name));
        }
        (Some(number), end) => {
            let number = number.as_i64().unwrap_or(0);
            check.within(number, 1, 65535, &port_at);
            if let Some(end) = end {
                if end < number {
                    let shown = if check.version() < Version::V1_37 { number } else { end };
                    check.invalid(&end_at, shown, "must be greater than or equal to `port`");
                }
                check.within(end, 1, 65535, &end_at);
            }
        }
        (None, Some(end)) => check.invalid(&end_at, end, "may not be specified when `port` is not specified"),
        (None, None) => {}
    }
}

fn policy_peer(check: &mut Check, peer: &Value, lax: bool, forgiven: &[&str], at: &Place) {
    let mut count = 0;
    for name in ["podSelector", "namespaceSelector"] {
        if let Some(chosen) = peer.field(name) {
            count += 1;
            selector::selector(check, chosen, lax, &at.child(name));
        }
    }
    if let Some(block) = peer.field("ipBlock") {
        count += 1;
        address_block(check, block, forgiven, &at.child("ipBlock"));
        if count > 1 {
            check.forbidden(at, "may not specify both ipBlock and another peer");
        }
    }
    if count == 0 {
        check.required(at, "must specify a peer");
    }
}

fn address_block(check: &mut Check, block: &Value, forgiven: &[&str], at: &Place) {
    let whole = block.text("cidr");
    if !check.declared_filled(whole, &at.child("cidr")) {
        return;
    }
    if !forgiven.contains(&whole) {
        legacy_range(check, whole, &at.child("cidr"));
    }
    let Some((whole_address, whole_length)) = range(whole) else { return };
    let list_at = at.child("except");
    for (i, text) in block.texts("except").enumerate() {
        if !forgiven.contains(&text) {
            legacy_range(check, text, &list_at.index(i));
        }
        let Some((address, length)) = range(text) else { continue };
        if masked(address, whole_length) != masked(whole_address, whole_length) || whole_length >= length {
            check.invalid(&list_at.index(i), text, "must be a strict subset of `cidr`");
        }
    }
}

/// A range of addresses in a field that once took any notation.
pub(super) fn legacy_range(check: &mut Check, text: &str, at: &Place) {
    let Some((address, length)) = range(text) else {
        return check.invalid(at, text, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
    };
    if !check.options.strict_addresses() {
        return;
    }
    let (head, tail) = text.split_once('/').unwrap_or((text, ""));
    if head.parse::<IpAddr>().is_err() || tail.len() > 1 && tail.starts_with('0') {
        check.invalid(at, text, "must not have leading 0s in IP or prefix length");
    } else if matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some()) {
        check.invalid(at, text, "must not have an IPv4-mapped IPv6 address");
    } else if masked(address, length) != masked(address, 128) {
        check.invalid(at, text, "must not have bits set beyond the prefix length");
    }
}

fn range(text: &str) -> Option<(IpAddr, u32)> {
    let (address, length) = text.split_once('/')?;
    let address = pod::address(address)?;
    let length: u32 = length.parse().ok().filter(|_| length.bytes().all(|b| b.is_ascii_digit()))?;
    (length <= if address.is_ipv4() { 32 } else { 128 }).then_some((address, length))
}

/// The leading bits of an address, and which kind it is.
fn masked(address: IpAddr, length: u32) -> (bool, u128) {
    let (bits, width) = match address {
        IpAddr::V4(v4) => (u128::from(u32::from(v4)), 32),
        IpAddr::V6(v6) => (u128::from(v6), 128),
    };
    let drop = width - length.min(width);
    (address.is_ipv4(), bits.checked_shr(drop).unwrap_or(0).checked_shl(drop).unwrap_or(0))
}

/// An Ingress, new or changed.
pub(super) fn ingress(check: &mut Check, new: &Value, old: Option<&Value>) {
    if let Some(old) = old {
        metadata::update(check, new, old);
    }
    metadata::metadata(check, new, true, Names::Subdomain);
    let (spec, was) = (new.part("spec"), old.map(|o| o.part("spec")));
    if spec.list("rules").is_empty() && !spec.has("defaultBackend") {
        let rules = if check.told(spec.part("rules"), &AT.child("rules")) { "[]" } else { "null" };
        check.invalid(&AT, Json(rules.into()), "either `defaultBackend` or `rules` must be specified");
    }
    if let Some(backend) = spec.field("defaultBackend") {
        ingress_backend(check, backend, &AT.child("defaultBackend"));
    }
    let list_at = AT.child("rules");
    for (i, rule) in spec.list("rules").iter().enumerate() {
        ingress_rule(check, rule, &list_at.index(i));
    }
    let list_at = AT.child("tls");
    let bad_secret = |t: &Value| !t.text("secretName").is_empty() && !dns_subdomain(t.text("secretName")).is_empty();
    let lax_secrets = was.is_some_and(|w| w.list("tls").iter().any(bad_secret));
    for (i, tls) in spec.list("tls").iter().enumerate() {
        let at = list_at.index(i);
        let hosts_at = at.child("hosts");
        for (j, host) in tls.texts("hosts").enumerate() {
            let messages = if host.contains('*') { wildcard_subdomain(host) } else { dns_subdomain(host) };
            check.invalid_each(&hosts_at.index(j), host, messages);
        }
        let secret = tls.text("secretName");
        if !lax_secrets && !secret.is_empty() {
            check.invalid_each(&at.child("secretName"), secret, dns_subdomain(secret));
        }
    }
    let class = spec.field("ingressClassName").and_then(Value::as_str);
    if let Some(class) = class {
        check.invalid_each(&AT.child("ingressClassName"), class, dns_subdomain(class));
    }
    let annotation = new.part("metadata").part("annotations").field("kubernetes.io/ingress.class").and_then(Value::as_str);
    if let (None, Some(class), Some(annotation)) = (old, class, annotation)
        && class != annotation
    {
        let at = Place::root("annotations.kubernetes.io/ingress.class");
        check.invalid(&at, annotation, "must match `ingressClassName` when both are specified");
    }
}

fn ingress_rule(check: &mut Check, rule: &Value, at: &Place) {
    let host = rule.text("host");
    if !host.is_empty() {
        let at = at.child("host");
        if pod::address(host).is_some() {
            check.invalid(&at, host, "must be a DNS name, not an IP address");
        }
        check.invalid_each(&at, host, if host.contains('*') { wildcard_subdomain(host) } else { dns_subdomain(host) });
    }
    let Some(http) = rule.field("http") else { return };
    let http_at = at.child("http");
    let list_at = http_at.child("paths");
    if http.list("paths").is_empty() {
        check.required(&list_at, "");
    }
    for (i, path) in http.list("paths").iter().enumerate() {
        ingress_path(check, path, &list_at.index(i));
    }
}

fn ingress_path(check: &mut Check, path: &Value, at: &Place) {
    let (text, path_at) = (path.text("path"), at.child("path"));
    match path.field("pathType").and_then(Value::as_str) {
        None => return check.required(&at.child("pathType"), "pathType must be specified"),
        Some("Exact" | "Prefix") => {
            if !text.starts_with('/') {
                check.invalid(&path_at, text, "must be an absolute path");
            }
            for bad in ["//", "/./", "/../", "%2f", "%2F"].iter().filter(|b| text.contains(**b)) {
                check.invalid(&path_at, text, &format!("must not contain '{bad}'"));
            }
            for bad in ["/..", "/."].iter().filter(|b| text.ends_with(**b)) {
                check.invalid(&path_at, text, &format!("cannot end with '{bad}'"));
            }
        }
        Some("ImplementationSpecific") if !text.is_empty() && !text.starts_with('/') => {
            check.invalid(&path_at, text, "must be an absolute path");
        }
        Some("ImplementationSpecific") => {}
        Some(other) => check.not_supported(&at.child("pathType"), other, &["Exact", "ImplementationSpecific", "Prefix"]),
    }
    ingress_backend(check, path.part("backend"), &at.child("backend"));
}

fn ingress_backend(check: &mut Check, backend: &Value, at: &Place) {
    let service = match (backend.field("resource"), backend.field("service")) {
        (Some(_), Some(_)) => return check.invalid(at, "", "cannot set both resource and service backends"),
        (Some(resource), None) => return reference(check, resource, Check::filled, &at.child("resource")),
        (None, None) => return check.invalid(at, "", "resource or service backend is required"),
        (None, Some(service)) => service,
    };
    let (name, name_at) = (service.text("name"), at.child("service.name"));
    if check.filled(name, &name_at) {
        let names = if check.version() < Version::V1_36 { Names::OldLabel } else { Names::Label };
        check.invalid_each(&name_at, name, names.errors(name, false));
    }
    let port = service.part("port");
    match (port.text("name"), port.number("number")) {
        ("", 0) => check.required(at, "port name or number is required"),
        ("", number) => check.within(number, 1, 65535, &at.child("service.port.number")),
        (name, 0) => check.invalid_each(&at.child("service.port.name"), name, port_name(name)),
        _ => check.invalid(at, "", "cannot set both port name & port number"),
    }
}

/// `filled` refuses what is not told.
fn reference(check: &mut Check, reference: &Value, filled: fn(&mut Check, &str, &Place) -> bool, at: &Place) {
    if reference.has("apiGroup") {
        let group = reference.text("apiGroup");
        check.invalid_each(&at.child("apiGroup"), group, dns_subdomain(group));
    }
    for name in ["kind", "name"] {
        let text = reference.text(name);
        if filled(check, text, &at.child(name)) {
            check.invalid_each(&at.child(name), text, path_segment(text));
        }
    }
}

/// An IngressClass, new or changed.
pub(super) fn ingress_class(check: &mut Check, new: &Value, old: Option<&Value>) {
    let (spec, at) = (new.part("spec"), AT.child("controller"));
    let controller = spec.text("controller");
    if let Some(old) = old {
        metadata::update(check, new, old);
        if old.part("spec").text("controller") != controller {
            check.invalid(&at, controller, "field is immutable");
        }
    }
    metadata::metadata(check, new, false, Names::Subdomain);
    if controller.len() > 250 {
        check.too_long(&at, 250);
    }
    domain_prefixed_path(check, controller, &at);
    let Some(parameters) = spec.field("parameters") else { return };
    let at = AT.child("parameters");
    reference(check, parameters, Check::declared_filled, &at);
    let namespace = parameters.field("namespace").and_then(Value::as_str);
    match (parameters.field("scope").and_then(Value::as_str), namespace) {
        (None, _) => check.required(&at.child("scope"), ""),
        (Some("Namespace"), None) => check.required(&at.child("namespace"), "`parameters.scope` is set to 'Namespace'"),
        (Some("Namespace"), Some(name)) => check.invalid_each(&at.child("namespace"), name, dns_label(name)),
        (Some("Cluster"), Some(_)) => check.forbidden(&at.child("namespace"), "`parameters.scope` is set to 'Cluster'"),
        (Some("Cluster"), None) => {}
        (Some(other), _) => check.not_supported(&at.child("scope"), other, &["Cluster", "Namespace"]),
    }
}
