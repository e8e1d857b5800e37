//! Addresses and ports as they are handed out.
//!
//! Follows `pkg/registry/core/service/storage/alloc.go`. Which numbers a real cluster would hand out is chance, so the lowest free
//! ones are taken.

use super::families::{Ranges, after, family, stays_preferring};
use super::{Spec, is_type, needs_address, needs_health_check, ports, ports_mut};
use crate::object::path::FieldPath;
use crate::object::{Value, at, items, json, text};
use crate::simulate::status::shown;
use crate::simulate::strategy::Context;
use crate::simulate::{ApiError, Cause, Reason};
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// The range that node ports come from unless the server is told otherwise.
const NODE_PORTS: std::ops::RangeInclusive<i64> = 30000..=32767;
const TAKEN: &str = "already allocated";

fn refused(name: &str, cause: Cause) -> ApiError {
    ApiError::invalid("Service", name, vec![cause])
}

/// Addresses for the families that have none; those that were asked for must be free.
pub(super) fn addresses(ctx: &Context<'_>, ranges: &Ranges, name: &str, spec: &mut Spec, before: Option<&Spec>) -> Result<(), ApiError> {
    let is_headless = |spec: &Spec| first_address(spec) == Some("None");
    let grown = |before: &Spec| list_len(before, "ipFamilies") == 1 && list_len(spec, "ipFamilies") == 2;
    let skip = match before {
        _ if !needs_address(spec) || is_headless(spec) || stays_preferring(spec, before) => return Ok(()),
        None => 0,
        Some(before) if !needs_address(before) => 0,
        Some(before) if is_headless(before) || !grown(before) => return Ok(()),
        Some(_) => 1,
    };
    let families: Vec<String> = spec["ipFamilies"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    let mut all: Vec<Value> = spec.get("clusterIPs").and_then(Value::as_array).cloned().unwrap_or_default();
    all.resize(families.len().max(all.len()), "".into());
    let used: BTreeSet<&str> =
        ctx.store.list("", "Service", None).flat_map(|(_, s)| items(s, &["spec", "clusterIPs"])).filter_map(Value::as_str).collect();
    for (i, own) in families.iter().enumerate().skip(skip) {
        let told = text(&all[i], &[]).to_owned();
        let wrong = |all: &[Value], why: String| {
            let all = Value::from(all.to_vec());
            refused(name, Cause::invalid(&FieldPath::new("spec").child("clusterIPs"), &shown(&all), &why))
        };
        if told.is_empty() {
            let free = free_address(ranges, own, &used).to_string();
            if name.is_empty() && !ctx.dry_run {
                // What keeps the address names the Service.
                let address = "IPAddress.networking.k8s.io";
                let why = format!("failed to allocate IP: {address} {free:?} is invalid: spec.parentRef.name: Required value");
                return Err(wrong(&all, why));
            }
            all[i] = free.into();
            continue;
        }
        let parsed: Option<IpAddr> = told.parse().ok();
        let why = match parsed {
            Some(address) if !ranges.contains(address) => "the provided network does not match the current range".to_owned(),
            _ if used.contains(told.as_str()) => format!("provided IP is {TAKEN}"),
            _ => continue,
        };
        return Err(wrong(&all, format!("failed to allocate IP {told}: {why}")));
    }
    spec.insert("clusterIP".into(), all[0].clone());
    spec.insert("clusterIPs".into(), all.into());
    Ok(())
}

fn first_address(spec: &Spec) -> Option<&str> {
    spec.get("clusterIPs")?.get(0)?.as_str()
}

fn list_len(spec: &Spec, field: &str) -> usize {
    spec.get(field).and_then(Value::as_array).map_or(0, Vec::len)
}

fn free_address(ranges: &Ranges, wanted: &str, used: &BTreeSet<&str>) -> IpAddr {
    let mut address = after(ranges.first(wanted));
    while used.contains(address.to_string().as_str()) && family(&address.to_string()) == wanted {
        address = after(address);
    }
    address
}

/// The ports that Services have, as far as one write has looked.
struct Pool {
    used: BTreeSet<i64>,
    range: std::ops::RangeInclusive<i64>,
}

impl Pool {
    /// A server that has handed out a port beyond the usual range has another one.
    fn of(ctx: &Context<'_>) -> Self {
        let mut used = BTreeSet::new();
        for (_, service) in ctx.store.list("", "Service", None) {
            used.extend(items(service, &["spec", "ports"]).iter().filter_map(|p| p["nodePort"].as_i64()));
            used.extend(at(service, &["spec", "healthCheckNodePort"]).and_then(Value::as_i64));
        }
        let usual = used.iter().all(|port| NODE_PORTS.contains(port));
        Self { used, range: if usual { NODE_PORTS } else { 1..=65535 } }
    }

    fn take(&mut self, port: i64) -> Result<(), String> {
        if !self.range.contains(&port) {
            let (first, last) = (self.range.start(), self.range.end());
            return Err(format!("provided port is not in the valid range. The range of valid ports is {first}-{last}"));
        }
        if self.used.insert(port) { Ok(()) } else { Err(format!("provided port is {TAKEN}")) }
    }

    fn next(&mut self, asked: &BTreeSet<i64>) -> i64 {
        let free = NODE_PORTS.clone().find(|port| !self.used.contains(port) && !asked.contains(port)).unwrap_or(*NODE_PORTS.end());
        self.used.insert(free);
        free
    }
}

/// Node ports for the ports that have none, if the Service has such; one for health checks, if it needs it.
pub(super) fn node_ports(ctx: &Context<'_>, name: &str, spec: &mut Spec, before: Option<&Spec>) -> Result<(), ApiError> {
    let health = needs_health_check(spec) && before.is_none_or(|before| !needs_health_check(before));
    let wanted = is_type(spec, "NodePort") || is_type(spec, "LoadBalancer");
    if !health && !wanted {
        return Ok(());
    }
    let every = is_type(spec, "NodePort") || spec.get("allocateLoadBalancerNodePorts").is_some_and(|allocate| allocate == true);
    let mut pool = Pool::of(ctx);
    if wanted {
        match before {
            None => first_ports(&mut pool, name, spec, every)?,
            Some(before) => next_ports(&mut pool, name, spec, before, every)?,
        }
    }
    if !health {
        return Ok(());
    }
    let asked = super::node_ports_of(spec);
    match spec.get("healthCheckNodePort").and_then(Value::as_i64) {
        Some(port) => pool.take(port).map_err(|why| {
            let message = format!("Internal error occurred: failed to allocate requested HealthCheck NodePort {port}: {why}");
            ApiError::new(500, Reason::InternalError, message)
        }),
        None => {
            spec.insert("healthCheckNodePort".into(), pool.next(&asked).into());
            Ok(())
        }
    }
}

fn wrong_port(name: &str, index: usize, port: i64, why: &str) -> ApiError {
    let path = FieldPath::new("spec").child("ports").index(index).child("nodePort");
    refused(name, Cause::invalid(&path, &port.to_string(), why))
}

/// At creation, ports of one number share one (`53/UDP` and `53/TCP`).
fn first_ports(pool: &mut Pool, name: &str, spec: &mut Spec, every: bool) -> Result<(), ApiError> {
    let number = |port: &Value, field: &str| port[field].as_i64().unwrap_or(0);
    let told: Vec<(i64, i64)> = ports(spec).iter().map(|p| (number(p, "port"), number(p, "nodePort"))).collect();
    let asked = super::node_ports_of(spec);
    let mut given: BTreeMap<i64, i64> = BTreeMap::new();
    for (i, port) in ports_mut(spec).iter_mut().enumerate() {
        let (own, node_port) = told[i];
        match given.get(&own).copied() {
            _ if node_port == 0 && !every => {}
            None => {
                let requested = told.iter().find(|(other, port)| *other == own && *port != 0).map(|(_, port)| *port);
                let chosen = match requested {
                    Some(port) => pool.take(port).map(|()| port).map_err(|why| wrong_port(name, i, port, &why))?,
                    None => pool.next(&asked),
                };
                port["nodePort"] = chosen.into();
                given.insert(own, chosen);
            }
            Some(same) if node_port == 0 => port["nodePort"] = same.into(),
            Some(same) if node_port != same => pool.take(node_port).map_err(|why| wrong_port(name, i, node_port, &why))?,
            Some(_) => {}
        }
    }
    Ok(())
}

/// An update keeps what the Service had.
fn next_ports(pool: &mut Pool, name: &str, spec: &mut Spec, before: &Spec, every: bool) -> Result<(), ApiError> {
    let (had, asked) = (super::node_ports_of(before), super::node_ports_of(spec));
    let (mut taken, mut seen) = (BTreeSet::new(), BTreeSet::new());
    for (i, port) in ports_mut(spec).iter_mut().enumerate() {
        let told = port["nodePort"].as_i64().unwrap_or(0);
        if told == 0 && !every {
            continue;
        }
        if told == 0 {
            port["nodePort"] = pool.next(&asked).into();
        } else if !had.contains(&told) && taken.insert(told) {
            pool.take(told).map_err(|why| wrong_port(name, i, told, &why))?;
        }
        let (protocol, number) = (text(port, &["protocol"]).to_owned(), port["nodePort"].as_i64().unwrap_or(0));
        if !seen.insert((protocol.clone(), number)) {
            return Err(ApiError::internal(format!("duplicate nodePort: {{{protocol} {number}}}")));
        }
    }
    Ok(())
}

/// What `clusterIPs` is for who writes `clusterIP` alone.
pub(super) fn mirror(spec: &mut Spec) {
    if spec.contains_key("clusterIP") && !spec.contains_key("clusterIPs") {
        spec.insert("clusterIPs".into(), json!([spec["clusterIP"]]));
    }
}
