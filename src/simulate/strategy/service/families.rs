//! Which IP families a Service has, and whether the cluster can give them.
//!
//! Follows `pkg/registry/core/service/storage/alloc.go` (`initIPFamilyFields`).

use super::Spec;
use crate::object::path::FieldPath;
use crate::object::{Value, items, json, text};
use crate::simulate::status::shown;
use crate::simulate::strategy::Context;
use crate::simulate::{Cause, validate};
use std::net::{IpAddr, Ipv4Addr};

/// Where addresses start if the cluster has no Service yet.
const FIRST_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 96, 0, 1));

/// The ranges that addresses of Services come from.
pub(super) struct Ranges {
    cidrs: Vec<(IpAddr, u8)>,
    first: IpAddr,
    /// The families of the nodes' pods, which are the Services', where the state shows no ranges.
    of_nodes: Vec<&'static str>,
}

impl Ranges {
    /// From ServiceCIDRs; a state that does not show them may have nodes, and the Service `kubernetes`, which has the first address.
    pub(super) fn of(ctx: &Context<'_>) -> Self {
        let cidr = |value: &Value| {
            let (address, bits) = value.as_str()?.split_once('/')?;
            Some((address.parse().ok()?, bits.parse().ok()?))
        };
        let ranges = ctx.store.list("networking.k8s.io", "ServiceCIDR", None);
        let cidrs: Vec<(IpAddr, u8)> = ranges.flat_map(|(_, range)| items(range, &["spec", "cidrs"])).filter_map(cidr).collect();
        let mut own = ctx.store.list("", "Service", Some("default")).filter(|(id, _)| id.name == "kubernetes");
        let own = own.next().and_then(|(_, service)| text(service, &["spec", "clusterIP"]).parse().ok());
        let mut of_nodes: Vec<&str> = Vec::new();
        for (_, node) in ctx.store.list("", "Node", None).take(1) {
            of_nodes.extend(items(node, &["spec", "podCIDRs"]).iter().filter_map(Value::as_str).map(family));
        }
        let first = own.or_else(|| cidrs.first().map(|(address, _)| after(*address))).unwrap_or(FIRST_ADDRESS);
        Self { cidrs, first, of_nodes }
    }

    pub(super) fn default_family(&self) -> &'static str {
        family(&self.first.to_string())
    }

    /// The address before the first that is free to be given, in a family.
    pub(super) fn first(&self, wanted: &str) -> IpAddr {
        if self.default_family() == wanted {
            return self.first;
        }
        let own = self.cidrs.iter().map(|(address, _)| after(*address)).find(|a| family(&a.to_string()) == wanted);
        own.unwrap_or(IpAddr::V6(std::net::Ipv6Addr::new(0xfd00, 0x10, 0x96, 0, 0, 0, 0, 1)))
    }

    /// Whether the cluster has a range of a family: only a state that tells nothing of it leaves that open.
    fn has(&self, wanted: &str) -> bool {
        let told = !self.cidrs.is_empty() || !self.of_nodes.is_empty();
        !told || self.families().contains(&wanted)
    }

    fn families(&self) -> Vec<&'static str> {
        let own = self.cidrs.iter().map(|(address, _)| family(&address.to_string()));
        if self.cidrs.is_empty() { self.of_nodes.clone() } else { own.collect() }
    }

    /// Whether it is known that a second family is to be had.
    fn is_dual(&self) -> bool {
        let families = self.families();
        families.contains(&"IPv4") && families.contains(&"IPv6")
    }

    /// Whether an address can be given, as far as the state shows the ranges.
    pub(super) fn contains(&self, address: IpAddr) -> bool {
        let inside = |(start, bits): &(IpAddr, u8)| match (start, address) {
            (IpAddr::V4(start), IpAddr::V4(own)) => (u32::from(*start) ^ u32::from(own)).leading_zeros() >= u32::from(*bits),
            (IpAddr::V6(start), IpAddr::V6(own)) => (u128::from(*start) ^ u128::from(own)).leading_zeros() >= u32::from(*bits),
            _ => false,
        };
        self.cidrs.is_empty() || self.cidrs.iter().any(inside)
    }
}

/// The next address.
pub(super) fn after(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(v4) => IpAddr::V4(u32::from(v4).wrapping_add(1).into()),
        IpAddr::V6(v6) => IpAddr::V6(u128::from(v6).wrapping_add(1).into()),
    }
}

pub(super) fn family(address: &str) -> &'static str {
    if address.contains(':') { "IPv6" } else { "IPv4" }
}

fn policy(spec: &Spec) -> &str {
    spec.get("ipFamilyPolicy").and_then(Value::as_str).unwrap_or_default()
}

fn list<'s>(spec: &'s Spec, field: &str) -> &'s [Value] {
    spec.get(field).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn same(spec: &Spec, before: &Spec, field: &str) -> bool {
    spec.get(field) == before.get(field)
}

fn same_addresses(spec: &Spec, before: &Spec) -> bool {
    same(spec, before, "clusterIP") && same(spec, before, "clusterIPs")
}

/// Whether an update leaves a Service alone that takes two families if it can get them: then so does the server.
pub(super) fn stays_preferring(spec: &Spec, before: Option<&Spec>) -> bool {
    let Some(before) = before else { return false };
    let told = before.get("ipFamilyPolicy").is_none_or(|p| p == "PreferDualStack");
    policy(spec) == "PreferDualStack"
        && told
        && same(spec, before, "type")
        && matches!(spec.get("type").and_then(Value::as_str), Some("ClusterIP" | "NodePort" | "LoadBalancer"))
        && same_addresses(spec, before)
        && same(spec, before, "ipFamilies")
}

fn wrong(field: &str, value: &Value, detail: &str) -> Cause {
    Cause::invalid(&FieldPath::new("spec").child(field), &shown(value), detail)
}

/// Settles policy and families; says what cannot be had.
pub(super) fn settle(ctx: &Context<'_>, ranges: &Ranges, spec: &mut Spec, before: Option<&Spec>) -> Result<(), Vec<Cause>> {
    if spec.get("type").is_some_and(|t| t == "ExternalName") || stays_preferring(spec, before) {
        return Ok(());
    }
    let bare = spec.get("clusterIP").is_some_and(|ip| ip == "None") && spec.get("selector").is_none();
    if !spec.contains_key("ipFamilyPolicy") {
        let stored = before.and_then(|b| b.get("ipFamilyPolicy")).cloned();
        let policy = stored.unwrap_or_else(|| if bare { "RequireDualStack".into() } else { "SingleStack".into() });
        spec.insert("ipFamilyPolicy".into(), policy);
    }
    refused(validate::service_addresses(ctx.schema.version(), spec, before))?;
    let mut causes = before.map(|before| reduce(spec, before)).unwrap_or_default();
    if policy(spec) == "SingleStack" {
        for (field, what) in [("clusterIPs", "cluster IPs"), ("ipFamilies", "IP families")] {
            if list(spec, field).len() == 2 {
                let detail = format!("must be 'RequireDualStack' or 'PreferDualStack' when multiple {what} are specified");
                causes.push(wrong("ipFamilyPolicy", &spec["ipFamilyPolicy"], &detail));
            }
        }
    }
    infer(ranges, spec, &mut causes);
    refused(causes)?;
    if bare {
        add_families(spec, ranges, true);
        return Ok(());
    }
    let mut causes = Vec::new();
    if policy(spec) == "RequireDualStack" && !(ranges.has("IPv4") && ranges.has("IPv6")) {
        causes.push(wrong("ipFamilyPolicy", &spec["ipFamilyPolicy"], "this cluster is not configured for dual-stack services"));
    }
    for (i, own) in list(spec, "ipFamilies").iter().enumerate() {
        if !own.as_str().is_some_and(|own| ranges.has(own)) {
            let path = FieldPath::new("spec").child("ipFamilies").index(i);
            causes.push(Cause::invalid(&path, &shown(own), "not configured on this cluster"));
        }
    }
    refused(causes)?;
    let second = ranges.is_dual() || policy(spec) == "RequireDualStack";
    add_families(spec, ranges, second);
    Ok(())
}

fn refused(causes: Vec<Cause>) -> Result<(), Vec<Cause>> {
    if causes.is_empty() { Ok(()) } else { Err(causes) }
}

/// A Service that comes to have one family loses the second of what it did not change; another must say that it does.
fn reduce(spec: &mut Spec, before: &Spec) -> Vec<Cause> {
    let mut causes = Vec::new();
    if policy(spec) == "SingleStack" {
        let unchanged = [("clusterIPs", same_addresses(spec, before)), ("ipFamilies", same(spec, before, "ipFamilies"))];
        for (field, _) in unchanged.into_iter().filter(|(_, unchanged)| *unchanged) {
            if let Some(Value::Array(list)) = spec.get_mut(field) {
                list.truncate(1);
            }
        }
        return causes;
    }
    for (field, what) in [("clusterIPs", "cluster IP"), ("ipFamilies", "IP family")] {
        let (now, then) = (list(spec, field), list(before, field));
        if !now.is_empty() && now.len() < then.len() {
            let told = spec.get("ipFamilyPolicy").cloned().unwrap_or_default();
            causes.push(wrong("ipFamilyPolicy", &told, &format!("must be 'SingleStack' to release the secondary {what}")));
        }
    }
    causes
}

/// Addresses tell their families.
fn infer(ranges: &Ranges, spec: &mut Spec, causes: &mut Vec<Cause>) {
    let addresses = spec.get("clusterIPs").cloned().unwrap_or_default();
    let mut families = list(spec, "ipFamilies").to_vec();
    let told = addresses.as_array().into_iter().flatten().filter_map(Value::as_str).take_while(|ip| *ip != "None");
    for (i, address) in told.enumerate().skip(families.len()) {
        let own = family(address);
        if ranges.has(own) {
            families.push(own.into());
        } else {
            let path = FieldPath::new("spec").child("clusterIPs").index(i);
            causes.push(Cause::invalid(&path, &shown(&addresses), &format!("{own} is not configured on this cluster")));
        }
    }
    if !families.is_empty() {
        spec.insert("ipFamilies".into(), families.into());
    }
}

/// The cluster's own family where none is told, and the other one for who wants two.
fn add_families(spec: &mut Spec, ranges: &Ranges, second: bool) {
    let mut families = list(spec, "ipFamilies").to_vec();
    if families.is_empty() {
        families.push(ranges.default_family().into());
    }
    if second && families.len() == 1 && policy(spec) != "SingleStack" {
        families.push(if families[0] == "IPv4" { json!("IPv6") } else { json!("IPv4") });
    }
    spec.insert("ipFamilies".into(), families.into());
}
