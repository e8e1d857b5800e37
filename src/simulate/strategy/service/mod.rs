//! Services: addresses and ports that are allocated once and then stay.
//!
//! Follows `pkg/registry/core/service/strategy.go` and `storage/storage.go`. What an allocator cannot give is refused here, before
//! anything else of the Service is looked at.

mod families;
mod numbers;

use super::Context;
use crate::object::{Map, Value, json, map_at, text};
use crate::simulate::ApiError;
use crate::simulate::defaults::bundle::externally_accessible;
use std::collections::BTreeSet;

type Spec = Map;

/// What a new Service gets.
pub(super) fn allocate(ctx: &Context<'_>, new: &mut Value) -> Result<(), ApiError> {
    let name = text(new, &["metadata", "name"]).to_owned();
    let spec = map_at(new, &["spec"]);
    numbers::mirror(spec);
    give(ctx, &name, spec, None)
}

/// What an update keeps of the stored Service, gets anew and loses.
pub(super) fn carry_over(ctx: &Context<'_>, new: &mut Value, old: &Value) -> Result<(), ApiError> {
    let none = Map::new();
    let name = text(new, &["metadata", "name"]).to_owned();
    let before = old["spec"].as_object().unwrap_or(&none);
    let spec = map_at(new, &["spec"]);
    keep_allocated(spec, before);
    keep_in_step(spec, before);
    give(ctx, &name, spec, Some(before))?;
    drop_what_does_not_apply(spec, before);
    if !is_type(spec, "LoadBalancer") {
        map_at(new, &["status"]).insert("loadBalancer".into(), Map::new().into());
    }
    Ok(())
}

fn give(ctx: &Context<'_>, name: &str, spec: &mut Spec, before: Option<&Spec>) -> Result<(), ApiError> {
    let ranges = families::Ranges::of(ctx);
    families::settle(ctx, &ranges, spec, before).map_err(|causes| ApiError::invalid("Service", name, causes))?;
    numbers::addresses(ctx, &ranges, name, spec, before)?;
    numbers::node_ports(ctx, name, spec, before)
}

fn is_type(spec: &Spec, ty: &str) -> bool {
    spec.get("type").is_some_and(|t| t == ty)
}

fn needs_address(spec: &Spec) -> bool {
    !is_type(spec, "ExternalName")
}

fn needs_node_port(spec: &Spec) -> bool {
    is_type(spec, "NodePort") || is_type(spec, "LoadBalancer")
}

fn needs_health_check(spec: &Spec) -> bool {
    is_type(spec, "LoadBalancer") && spec.get("externalTrafficPolicy").is_some_and(|p| p == "Local")
}

fn keep(spec: &mut Spec, before: &Spec, field: &str) {
    if let (None, Some(value)) = (spec.get(field), before.get(field)) {
        spec.insert(field.into(), value.clone());
    }
}

/// Clients may leave out what was allocated.
fn keep_allocated(spec: &mut Spec, before: &Spec) {
    if needs_address(before) && needs_address(spec) {
        keep(spec, before, "clusterIP");
        keep(spec, before, "clusterIPs");
    }
    if needs_node_port(before) && needs_node_port(spec) {
        let (told, stored) = (node_ports_of(spec), node_ports_of(before));
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
fn keep_in_step(spec: &mut Spec, before: &Spec) {
    let same = |field: &str| spec.get(field) == before.get(field);
    if same("clusterIP") || !same("clusterIPs") {
        return;
    }
    match spec.get("clusterIP").cloned() {
        None => drop(spec.shift_remove("clusterIPs")),
        Some(address) => drop(spec.insert("clusterIPs".into(), json!([address]))),
    }
}

fn ports(spec: &Spec) -> &[Value] {
    spec.get("ports").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn ports_mut(spec: &mut Spec) -> &mut [Value] {
    spec.get_mut("ports").and_then(Value::as_array_mut).map_or(&mut [], Vec::as_mut_slice)
}

fn node_ports_of(spec: &Spec) -> BTreeSet<i64> {
    ports(spec).iter().filter_map(|p| p["nodePort"].as_i64()).collect()
}

/// A Service of another type loses what only its old type had, if the client did not change it too.
fn drop_what_does_not_apply(spec: &mut Spec, before: &Spec) {
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
    let no_new_ports = node_ports_of(before) == node_ports_of(spec);
    if needs_node_port(before) && !needs_node_port(spec) && no_new_ports {
        for port in ports_mut(spec).iter_mut().filter_map(Value::as_object_mut) {
            port.shift_remove("nodePort");
        }
    }
    gone.into_iter().for_each(|field| drop(spec.shift_remove(field)));
}
