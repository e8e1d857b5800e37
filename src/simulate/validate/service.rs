//! Services.
//!
//! Follows `validateService`, `ValidateServiceUpdate` and `ValidateServiceClusterIPsRelatedFields` of
//! `pkg/apis/core/validation/validation.go`. Addresses and ports that the server allocates must be there already on an update.

use super::check::{Check, Json, Place};
use super::formats::{dns_label, dns_subdomain, port_name, qualified_name};
use super::metadata::{self, Names};
use super::networking::legacy_range;
use super::pod;
use super::read::Read;
use super::selector;
use crate::object::Value;
use crate::schema::Version;
use std::collections::BTreeSet;
use std::net::IpAddr;

const AT: Place<'static> = Place::root("spec");
const ANNOTATIONS: Place<'static> = Place::root("metadata.annotations");

/// A Service, new or changed.
pub(super) fn service(check: &mut Check, new: &Value, old: Option<&Value>) {
    match old {
        None => {
            let names = if check.version() < Version::V1_36 { Names::OldLabel } else { Names::Label };
            metadata::metadata(check, new, true, names);
        }
        Some(old) => {
            metadata::update(check, new, old);
            let (spec, was) = (new.part("spec"), old.part("spec"));
            kept_addresses(check, spec, was);
            kept_families(check, spec, was);
            let balanced = |s: &Value| s.text("type") == "LoadBalancer";
            if balanced(spec) && balanced(was) && spec.field("loadBalancerClass") != was.field("loadBalancerClass") {
                check.invalid(&AT.child("loadBalancerClass"), spec.part("loadBalancerClass"), "may not change once set");
            }
            load_balancer_class(check, spec);
            if needs_health_check(spec)
                && needs_health_check(was)
                && spec.number("healthCheckNodePort") != was.number("healthCheckNodePort")
            {
                check.forbidden(&AT.child("healthCheckNodePort"), "field is immutable");
            }
        }
    }
    whole(check, new, old);
}

fn is_headless(spec: &Value) -> bool {
    spec.list("clusterIPs").len() == 1 && spec.texts("clusterIPs").next() == Some("None")
}

fn needs_health_check(spec: &Value) -> bool {
    spec.text("type") == "LoadBalancer" && spec.text("externalTrafficPolicy") == "Local"
}

fn whole(check: &mut Check, service: &Value, old: Option<&Value>) {
    let (spec, annotations) = (service.part("spec"), service.part("metadata").part("annotations"));
    let (hints, mode) = ("service.kubernetes.io/topology-aware-hints", "service.kubernetes.io/topology-mode");
    if annotations.has(hints) && annotations.has(mode) && annotations.text(hints) != annotations.text(mode) {
        let detail = format!("must match annotations[{hints}] when both are specified");
        check.invalid(&ANNOTATIONS.key(mode), annotations.text(mode), &detail);
    }
    let (kind, headless) = (spec.text("type"), is_headless(spec));
    if spec.list("ports").is_empty() && !headless && kind != "ExternalName" {
        check.required(&AT.child("ports"), "");
    }
    match kind {
        "LoadBalancer" | "NodePort" if headless => {
            check.invalid(&AT.child("clusterIPs").index(0), "None", &format!("may not be set to 'None' for {kind} services"));
        }
        "ExternalName" => external_name(check, spec),
        _ => {}
    }
    ports(check, spec);
    selector::labels(check, spec.part("selector"), &AT.child("selector"));
    affinity(check, spec);
    addresses(check, spec, old.map(|o| o.part("spec")));
    external_addresses(check, spec, old);
    if kind.is_empty() {
        check.required(&AT.child("type"), "");
    } else {
        check.one_of(&AT.child("type"), kind, &["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]);
    }
    port_conflicts(check, spec);
    source_ranges(check, spec, annotations, old);
    if spec.has("allocateLoadBalancerNodePorts") && kind != "LoadBalancer" {
        check.forbidden(&AT.child("allocateLoadBalancerNodePorts"), "may only be used when `type` is 'LoadBalancer'");
    }
    if !spec.has("allocateLoadBalancerNodePorts") && kind == "LoadBalancer" {
        check.required(&Place::root("allocateLoadBalancerNodePorts"), "");
    }
    load_balancer_class(check, spec);
    traffic(check, spec);
}

fn external_name(check: &mut Check, spec: &Value) {
    for (name, set) in [
        ("clusterIPs", !spec.list("clusterIPs").is_empty()),
        ("ipFamilies", !spec.list("ipFamilies").is_empty()),
        ("ipFamilyPolicy", spec.has("ipFamilyPolicy")),
    ] {
        if set {
            check.forbidden(&AT.child(name), "may not be set for ExternalName services");
        }
    }
    let name = spec.text("externalName");
    let name = name.strip_suffix('.').unwrap_or(name);
    if check.filled(name, &AT.child("externalName")) {
        check.invalid_each(&AT.child("externalName"), name, dns_subdomain(name));
    }
}

fn ports(check: &mut Check, spec: &Value) {
    let (list_at, several, mut names) = (AT.child("ports"), spec.list("ports").len() > 1, BTreeSet::new());
    for (i, port) in spec.list("ports").iter().enumerate() {
        let (at, name) = (list_at.index(i), port.text("name"));
        if name.is_empty() {
            if several {
                check.required(&at.child("name"), "");
            }
        } else {
            check.invalid_each(&at.child("name"), name, dns_label(name));
            if !names.insert(name) {
                check.duplicate(&at.child("name"), name);
            }
        }
        check.within(port.number("port"), 1, 65535, &at.child("port"));
        pod::known(check, port, "protocol", &["SCTP", "TCP", "UDP"], &at);
        match port.part("targetPort").as_str() {
            Some(name) => check.invalid_each(&at.child("targetPort"), name, port_name(name)),
            None => check.within(port.number("targetPort"), 1, 65535, &at.child("targetPort")),
        }
        if port.has("appProtocol") {
            let name = port.text("appProtocol");
            check.invalid_each(&at.child("appProtocol"), name, qualified_name(check.version(), name));
        }
    }
}

fn affinity(check: &mut Check, spec: &Value) {
    pod::known(check, spec, "sessionAffinity", &["ClientIP", "None"], &AT);
    let (config, at) = (spec.field("sessionAffinityConfig"), AT.child("sessionAffinityConfig"));
    match spec.text("sessionAffinity") {
        "ClientIP" => {
            let missing = "when session affinity type is ClientIP";
            let client_at = at.child("clientIP");
            let timeout_at = client_at.child("timeoutSeconds");
            match config.map(|c| c.field("clientIP").map(|c| c.number_if_set("timeoutSeconds"))) {
                None => check.required(&at, missing),
                Some(None) => check.required(&client_at, missing),
                Some(Some(None)) => check.required(&timeout_at, missing),
                Some(Some(Some(seconds))) if !(1..=86400).contains(&seconds) => {
                    check.invalid(&timeout_at, seconds, "must be greater than 0 and less than 86400");
                }
                Some(_) => {}
            }
        }
        "None" if config.is_some() => check.forbidden(&at, "must not be set when session affinity is None"),
        _ => {}
    }
}

/// Whether addresses and families are well-formed and agree; `old` is the stored spec.
pub(super) fn addresses(check: &mut Check, spec: &Value, old: Option<&Value>) {
    if spec.text("type") == "ExternalName" {
        return;
    }
    let (at, list, one) = (AT.child("clusterIPs"), spec.part("clusterIPs"), spec.text("clusterIP"));
    let all: Vec<&str> = spec.texts("clusterIPs").collect();
    match (one.is_empty(), all.first()) {
        (false, None) => check.required(&at, ""),
        (false, Some(first)) if *first != one => check.invalid(&at, list, "first value must match `clusterIP`"),
        (true, Some(_)) => check.invalid(&at, list, "must be empty when `clusterIP` is not specified"),
        _ => {}
    }
    let (families_at, mut seen) = (AT.child("ipFamilies"), BTreeSet::new());
    for (i, family) in spec.texts("ipFamilies").enumerate() {
        check.one_of(&families_at.index(i), family, &["IPv4", "IPv6"]);
        if !seen.insert(family) {
            check.duplicate(&families_at.index(i), family);
        }
    }
    if spec.has("ipFamilyPolicy") {
        let policies = ["PreferDualStack", "RequireDualStack", "SingleStack"];
        check.one_of(&AT.child("ipFamilyPolicy"), spec.text("ipFamilyPolicy"), &policies);
    }
    let mut bad = false;
    for (i, address) in all.iter().enumerate() {
        if i == 0 && *address == "None" {
            if all.len() > 1 {
                bad = true;
                check.invalid(&at, list, "'None' must be the first and only value");
            }
            continue;
        }
        let before = check.count();
        if !old.is_some_and(|o| o.texts("clusterIPs").any(|o| o == *address)) {
            pod::legacy_address(check, address, &at.index(i));
        }
        bad |= check.count() > before;
    }
    if all.len() > 2 {
        check.invalid(&at, list, "may only hold up to 2 values");
    }
    if bad {
        return;
    }
    let is_v6 = |address: &str| address.contains(':');
    if all.len() > 1 && all.iter().all(|a| is_v6(a) == is_v6(all[0])) {
        check.invalid(&at, list, "may specify no more than one IP for each IP family");
    }
    if !is_headless(spec) {
        for (i, (address, family)) in all.iter().zip(spec.texts("ipFamilies")).enumerate() {
            if (family == "IPv4" && is_v6(address)) || (family == "IPv6" && !is_v6(address)) {
                let detail = format!("expected an {family} value as indicated by `ipFamilies[{i}]`");
                check.invalid(&at.index(i), *address, &detail);
            }
        }
    }
}

fn external_addresses(check: &mut Check, spec: &Value, old: Option<&Value>) {
    let list_at = AT.child("externalIPs");
    for (i, text) in spec.texts("externalIPs").enumerate() {
        let (at, before) = (list_at.index(i), check.count());
        if !old.is_some_and(|o| o.part("spec").texts("externalIPs").any(|o| o == text)) {
            pod::legacy_address(check, text, &at);
        }
        let Some(address) = pod::address(text).filter(|_| check.count() == before) else { continue };
        let (link_local, link_multicast) = match address {
            IpAddr::V4(v4) => (v4.is_link_local(), v4.octets()[..3] == [224, 0, 0]),
            IpAddr::V6(v6) => (v6.is_unicast_link_local(), v6.segments()[0] & 0xff0f == 0xff02),
        };
        for (bad, detail) in [
            (address.is_unspecified(), format!("may not be unspecified ({text})")),
            (address.is_loopback(), "may not be in the loopback range (127.0.0.0/8, ::1/128)".to_owned()),
            (link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)".to_owned()),
            (link_multicast, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)".to_owned()),
        ] {
            if bad {
                check.invalid(&at, text, &detail);
            }
        }
    }
}

fn port_conflicts(check: &mut Check, spec: &Value) {
    let list_at = AT.child("ports");
    let ports = spec.list("ports");
    if spec.text("type") == "ClusterIP" {
        for (i, _) in ports.iter().enumerate().filter(|(_, p)| p.number("nodePort") != 0) {
            check.forbidden(&list_at.index(i).child("nodePort"), "may not be used when `type` is 'ClusterIP'");
        }
    }
    let mut taken = BTreeSet::new();
    for (i, port) in ports.iter().enumerate().filter(|(_, p)| p.number("nodePort") != 0) {
        if !taken.insert((port.text("protocol"), port.number("nodePort"))) {
            check.duplicate(&list_at.index(i).child("nodePort"), port.number("nodePort"));
        }
    }
    let mut taken = BTreeSet::new();
    for (i, port) in ports.iter().enumerate() {
        let (protocol, number) = (port.text("protocol"), port.number("port"));
        if !taken.insert((protocol, number)) {
            let key = format!(
                "{{\"Name\":\"\",\"Protocol\":\"{protocol}\",\"AppProtocol\":null,\"Port\":{number},\"TargetPort\":0,\"NodePort\":0}}"
            );
            check.duplicate(&list_at.index(i), Json(key));
        }
    }
}

fn source_ranges(check: &mut Check, spec: &Value, annotations: &Value, old: Option<&Value>) {
    const ANNOTATION: &str = "service.beta.kubernetes.io/load-balancer-source-ranges";
    let (list_at, balanced) = (AT.child("LoadBalancerSourceRanges"), spec.text("type") == "LoadBalancer");
    let only = "may only be used when `type` is 'LoadBalancer'";
    if !spec.list("loadBalancerSourceRanges").is_empty() {
        if !balanced {
            check.forbidden(&list_at, only);
        }
        for (i, range) in spec.texts("loadBalancerSourceRanges").map(str::trim).enumerate() {
            if !old.is_some_and(|o| o.part("spec").texts("loadBalancerSourceRanges").any(|o| o.trim() == range)) {
                legacy_range(check, range, &list_at.index(i));
            }
        }
    } else if annotations.has(ANNOTATION) {
        let (at, text) = (ANNOTATIONS.key(ANNOTATION), annotations.text(ANNOTATION));
        if !balanced {
            check.forbidden(&at, only);
        }
        let had = old.and_then(|o| o.part("metadata").part("annotations").field(ANNOTATION)).and_then(Value::as_str);
        if had != Some(text) && !text.trim().is_empty() {
            for range in text.split(',') {
                legacy_range(check, range.trim(), &at);
            }
        }
    }
}

fn load_balancer_class(check: &mut Check, spec: &Value) {
    let (at, class) = (AT.child("loadBalancerClass"), spec.text("loadBalancerClass"));
    if !spec.has("loadBalancerClass") {
        return;
    }
    if spec.text("type") == "LoadBalancer" {
        check.invalid_each(&at, class, qualified_name(check.version(), class));
    } else {
        check.forbidden(&at, "may only be used when `type` is 'LoadBalancer'");
    }
}

fn traffic(check: &mut Check, spec: &Value) {
    let kind = spec.text("type");
    let (external, at) = (spec.text("externalTrafficPolicy"), AT.child("externalTrafficPolicy"));
    let reachable = ["LoadBalancer", "NodePort"].contains(&kind) || kind == "ClusterIP" && !spec.list("externalIPs").is_empty();
    match (reachable, external.is_empty()) {
        (false, false) => check.invalid(&at, external, "may only be set for externally-accessible services"),
        (true, true) => check.required(&at, ""),
        (true, false) => check.one_of(&at, external, &["Cluster", "Local"]),
        (false, true) => {}
    }
    let (port, at) = (spec.number("healthCheckNodePort"), AT.child("healthCheckNodePort"));
    match (needs_health_check(spec), port) {
        (false, 0) => {}
        (false, port) => check.invalid(&at, port, "may only be set when `type` is 'LoadBalancer' and `externalTrafficPolicy` is 'Local'"),
        (true, 0) => check.required(&at, ""),
        (true, port) => check.within(port, 1, 65535, &at),
    }
    let at = AT.child("internalTrafficPolicy");
    if spec.has("internalTrafficPolicy") {
        check.one_of(&at, spec.text("internalTrafficPolicy"), &["Cluster", "Local"]);
    } else if ["ClusterIP", "NodePort", "LoadBalancer"].contains(&kind) {
        check.required(&at, "");
    }
    if spec.has("trafficDistribution") {
        let known = ["PreferClose", "PreferSameZone", "PreferSameNode"];
        check.one_of(&AT.child("trafficDistribution"), spec.text("trafficDistribution"), &known);
    }
}

fn kept_addresses(check: &mut Check, spec: &Value, was: &Value) {
    let external = |s: &Value| s.text("type") == "ExternalName";
    if external(spec) || external(was) || is_headless(spec) && is_headless(was) {
        return;
    }
    let (at, list) = (AT.child("clusterIPs"), spec.part("clusterIPs"));
    let (now, before): (Vec<&str>, Vec<&str>) = (spec.texts("clusterIPs").collect(), was.texts("clusterIPs").collect());
    if now.len() == before.len() {
        for (i, _) in now.iter().zip(&before).enumerate().filter(|(_, (a, b))| a != b) {
            check.invalid(&at.index(i), list, "may not change once set");
        }
        return;
    }
    if now.is_empty() {
        check.invalid(&at.index(0), list, "primary clusterIP can not be unset");
    }
    if !before.is_empty() && !now.is_empty() && now[0] != before[0] {
        check.invalid(&at.index(0), list, "may not change once set");
    }
    if now.len() == 1 && before.len() > 1 {
        single_stack(check, spec, "secondary clusterIP");
    }
}

fn single_stack(check: &mut Check, spec: &Value, what: &str) {
    if spec.text("ipFamilyPolicy") != "SingleStack" {
        let detail = format!("must be set to 'SingleStack' when releasing the {what}");
        check.invalid(&AT.child("ipFamilyPolicy"), spec.part("ipFamilyPolicy"), &detail);
    }
}

fn kept_families(check: &mut Check, spec: &Value, was: &Value) {
    let external = |s: &Value| s.text("type") == "ExternalName";
    if external(spec) || external(was) || is_headless(spec) || is_headless(was) {
        return;
    }
    let list_at = AT.child("ipFamilies");
    let (at, list) = (list_at.index(0), spec.part("ipFamilies"));
    let (now, before): (Vec<&str>, Vec<&str>) = (spec.texts("ipFamilies").collect(), was.texts("ipFamilies").collect());
    if now.len() == before.len() {
        for _ in now.iter().zip(&before).filter(|(a, b)| a != b) {
            check.invalid(&at, list, "may not change once set");
        }
        return;
    }
    if before.len() > now.len() && spec.list("clusterIPs").is_empty() {
        check.invalid(&at, list, "primary ipFamily can not be unset");
    }
    if !before.is_empty() && !now.is_empty() && now[0] != before[0] {
        check.invalid(&at, spec.part("clusterIPs"), "may not change once set");
    }
    if now.len() == 1 && before.len() > 1 {
        single_stack(check, spec, "secondary ipFamily");
    }
}
