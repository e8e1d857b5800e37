//! Services: addresses and ports that are allocated once and then stay.
//!
//! Follows `pkg/registry/core/service/strategy.go`, `storage/storage.go` and `storage/alloc.go` for a cluster with one IP family;
//! which numbers a real cluster would hand out is chance, so the lowest free ones are taken. Requests that an allocator would
//! refuse (a port out of range or in use) are left as they are.

use super::Context;
use crate::object::{Map, Value, at, items, json, map_at, text};
use crate::simulate::defaults::bundle::externally_accessible;
use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The range that node ports come from unless the server is told otherwise.
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30000..=32767;
/// Where addresses start if the cluster has no Service yet.
const FIRST_ADDRESS: IpAddr = IpAddr::V4(Ipv4Addr::new(10, 96, 0, 1));

/// What a new Service gets.
pub(super) fn allocate(ctx: &Context<'_>, new: &mut Value) {
    let spec = map_at(new, &["spec"]);
    if spec.contains_key("clusterIP") && !spec.contains_key("clusterIPs") {
        spec.insert("clusterIPs".into(), json!([spec["clusterIP"]]));
    }
    fill_families(ctx, spec, None);
    allocate_addresses(ctx, spec);
    allocate_ports(ctx, spec, true);
}

/// What an update keeps of the stored Service, gets anew and loses.
pub(super) fn carry_over(ctx: &Context<'_>, new: &mut Value, old: &Value) {
    let none = Map::new();
    let before = old["spec"].as_object().unwrap_or(&none);
    let spec = map_at(new, &["spec"]);
    keep_allocated(spec, before);
    keep_in_step(spec, before);
    fill_families(ctx, spec, Some(before));
    if !needs_address(before) {
        allocate_addresses(ctx, spec);
    }
    allocate_ports(ctx, spec, false);
    drop_what_does_not_apply(spec, before);
    if !is_type(spec, "LoadBalancer") {
        map_at(new, &["status"]).insert("loadBalancer".into(), Map::new().into());
    }
}

fn is_type(spec: &Map, ty: &str) -> bool {
    spec.get("type").is_some_and(|t| t == ty)
}

fn needs_address(spec: &Map) -> bool {
    !is_type(spec, "ExternalName")
}

fn needs_node_port(spec: &Map) -> bool {
    is_type(spec, "NodePort") || is_type(spec, "LoadBalancer")
}

fn needs_health_check(spec: &Map) -> bool {
    is_type(spec, "LoadBalancer") && spec.get("externalTrafficPolicy").is_some_and(|p| p == "Local")
}

fn keep(spec: &mut Map, before: &Map, field: &str) {
    if let (None, Some(value)) = (spec.get(field), before.get(field)) {
        spec.insert(field.into(), value.clone());
    }
}

/// Clients may leave out what was allocated.
fn keep_allocated(spec: &mut Map, before: &Map) {
    if needs_address(before) && needs_address(spec) {
        keep(spec, before, "clusterIP");
        keep(spec, before, "clusterIPs");
    }
    if needs_node_port(before) && needs_node_port(spec) {
        let (told, stored) = (node_ports(spec), node_ports(before));
        let known: Vec<(Value, i64)> = ports(before).iter().map(|p| (p["name"].clone(), p["nodePort"].as_i64().unwrap_or(0))).collect();
        for port in ports_mut(spec) {
            let known = known.iter().rfind(|(name, _)| *name == port["name"]).map_or(0, |(_, number)| *number);
            if port.get("nodePort").is_none() && known != 0 && !(told.contains(&known) && stored.contains(&known)) {
                port["nodePort"] = known.into();
            }
        }
    }
    if needs_health_check(before) && needs_health_check(spec) {
        keep(spec, before, "healthCheckNodePort");
    }
}

/// `clusterIP` and the first of `clusterIPs` are one: who writes only the first means both.
fn keep_in_step(spec: &mut Map, before: &Map) {
    let same = |field: &str| spec.get(field) == before.get(field);
    if same("clusterIP") || !same("clusterIPs") {
        return;
    }
    match spec.get("clusterIP").cloned() {
        None => drop(spec.shift_remove("clusterIPs")),
        Some(address) => drop(spec.insert("clusterIPs".into(), json!([address]))),
    }
}

fn fill_families(ctx: &Context<'_>, spec: &mut Map, before: Option<&Map>) {
    if !needs_address(spec) {
        return;
    }
    let bare = spec.get("clusterIP").is_some_and(|ip| ip == "None") && spec.get("selector").is_none();
    if !spec.contains_key("ipFamilyPolicy") {
        let stored = before.and_then(|b| b.get("ipFamilyPolicy")).cloned();
        let policy = stored.unwrap_or_else(|| if bare { "RequireDualStack".into() } else { "SingleStack".into() });
        spec.insert("ipFamilyPolicy".into(), policy);
    }
    if spec["ipFamilyPolicy"] == "SingleStack"
        && let Some(before) = before
    {
        for field in ["clusterIPs", "ipFamilies"] {
            let same = spec.get(field) == before.get(field);
            if let (true, Some(Value::Array(list))) = (same, spec.get_mut(field)) {
                list.truncate(1);
            }
        }
    }
    let mut families: Vec<Value> = spec.get("ipFamilies").and_then(Value::as_array).cloned().unwrap_or_default();
    let addresses = spec.get("clusterIPs").and_then(Value::as_array).cloned().unwrap_or_default();
    for address in addresses.iter().skip(families.len()).filter_map(Value::as_str).take_while(|ip| *ip != "None") {
        families.push(family(address).into());
    }
    if families.is_empty() {
        families.push(family(&first_address(ctx).to_string()).into());
    }
    if bare && families.len() == 1 && spec["ipFamilyPolicy"] != "SingleStack" {
        let other = if families[0] == "IPv4" { "IPv6" } else { "IPv4" };
        families.push(other.into());
    }
    spec.insert("ipFamilies".into(), families.into());
}

fn family(address: &str) -> &'static str {
    if address.contains(':') { "IPv6" } else { "IPv4" }
}

/// The address of the `kubernetes` Service: the first one of the cluster's range.
fn first_address(ctx: &Context<'_>) -> IpAddr {
    let mut own = ctx.store.list("", "Service", Some("default")).filter(|(id, _)| id.name == "kubernetes");
    let address = own.next().map(|(_, service)| text(service, &["spec", "clusterIP"]).to_owned());
    address.and_then(|a| a.parse().ok()).unwrap_or(FIRST_ADDRESS)
}

fn allocate_addresses(ctx: &Context<'_>, spec: &mut Map) {
    if !needs_address(spec) || spec.contains_key("clusterIPs") {
        return;
    }
    let used: BTreeSet<&str> =
        ctx.store.list("", "Service", None).flat_map(|(_, s)| items(s, &["spec", "clusterIPs"])).filter_map(Value::as_str).collect();
    let mut address = first_address(ctx);
    loop {
        address = match address {
            IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from(u32::from(v4).wrapping_add(1))),
            IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from(u128::from(v6).wrapping_add(1))),
        };
        let text = address.to_string();
        if !used.contains(text.as_str()) {
            spec.insert("clusterIP".into(), text.clone().into());
            spec.insert("clusterIPs".into(), json!([text]));
            return;
        }
    }
}

fn ports(spec: &Map) -> &[Value] {
    spec.get("ports").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn ports_mut(spec: &mut Map) -> &mut [Value] {
    spec.get_mut("ports").and_then(Value::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
}

fn node_ports(spec: &Map) -> BTreeSet<i64> {
    ports(spec).iter().filter_map(|p| p["nodePort"].as_i64()).collect()
}

/// Node ports for the ports that have none. At creation, ports of one number share one (`53/UDP` and `53/TCP`).
fn allocate_ports(ctx: &Context<'_>, spec: &mut Map, creating: bool) {
    let wanted = is_type(spec, "NodePort")
        || (is_type(spec, "LoadBalancer") && spec.get("allocateLoadBalancerNodePorts").is_some_and(|allocate| allocate == true));
    let health = needs_health_check(spec) && !spec.contains_key("healthCheckNodePort");
    let missing = wanted && ports(spec).iter().any(|p| p.get("nodePort").is_none());
    if !missing && !health {
        return;
    }
    let mut used = node_ports(spec);
    for (_, service) in ctx.store.list("", "Service", None) {
        used.extend(items(service, &["spec", "ports"]).iter().filter_map(|p| p["nodePort"].as_i64()));
        used.extend(at(service, &["spec", "healthCheckNodePort"]).and_then(Value::as_i64));
    }
    let mut next = move || {
        let free = NODE_PORTS.clone().find(|port| !used.contains(port)).unwrap_or(*NODE_PORTS.end());
        used.insert(free);
        free
    };
    if missing {
        let mut shared: Vec<(i64, i64)> =
            ports(spec).iter().filter_map(|p| Some((p["port"].as_i64()?, p["nodePort"].as_i64()?))).filter(|_| creating).collect();
        for port in ports_mut(spec).iter_mut().filter(|p| p.get("nodePort").is_none()) {
            let own = port["port"].as_i64().unwrap_or(0);
            let number = shared.iter().find(|(of, _)| *of == own).map_or_else(&mut next, |(_, number)| *number);
            if creating {
                shared.push((own, number));
            }
            port["nodePort"] = number.into();
        }
    }
    if health {
        spec.insert("healthCheckNodePort".into(), next().into());
    }
}

/// A Service of another type loses what only its old type had, if the client did not change it too.
fn drop_what_does_not_apply(spec: &mut Map, before: &Map) {
    let mut gone: Vec<&str> = Vec::new();
    let same = |field: &str| spec.get(field) == before.get(field);
    if needs_address(before) && !needs_address(spec) {
        if same("clusterIP") && same("clusterIPs") {
            gone.extend(["clusterIP", "clusterIPs"]);
        }
        gone.extend(["ipFamilies", "ipFamilyPolicy"].into_iter().filter(|field| same(field)));
    }
    if needs_health_check(before) && !needs_health_check(spec) && same("healthCheckNodePort") {
        gone.push("healthCheckNodePort");
    }
    if is_type(before, "LoadBalancer") && !is_type(spec, "LoadBalancer") {
        gone.extend(["allocateLoadBalancerNodePorts", "loadBalancerClass"].into_iter().filter(|field| same(field)));
    }
    if externally_accessible(before) && !externally_accessible(spec) && same("externalTrafficPolicy") {
        gone.push("externalTrafficPolicy");
    }
    let no_new_ports = node_ports(before).is_superset(&node_ports(spec));
    if needs_node_port(before) && !needs_node_port(spec) && no_new_ports {
        for port in ports_mut(spec).iter_mut().filter_map(Value::as_object_mut) {
            port.shift_remove("nodePort");
        }
    }
    gone.into_iter().for_each(|field| drop(spec.shift_remove(field)));
}
