//! What containers and pods ask for and may use.
//!
//! Follows `validateResourceRequirements` and `validatePodResources` of `pkg/apis/core/validation/validation.go`, and
//! `pkg/apis/core/helper/helpers.go`.

use super::containers_of;
use crate::object::Value;
use crate::object::quantity::Quantity;
use crate::simulate::validate::check::{Check, Place, Typed};
use crate::simulate::validate::formats::{dns_label, qualified_name};
use crate::simulate::validate::metadata::Names;
use crate::simulate::validate::read::{Read, quantity};
use std::collections::BTreeSet;

/// Resources without a domain; those of objects are whole numbers.
const STANDARD: &[&str] = &[
    "cpu",
    "memory",
    "ephemeral-storage",
    "requests.cpu",
    "requests.memory",
    "requests.ephemeral-storage",
    "limits.cpu",
    "limits.memory",
    "limits.ephemeral-storage",
    "storage",
    "requests.storage",
];
pub(in crate::simulate::validate) const COUNTED: &[&str] = &[
    "pods",
    "resourcequotas",
    "services",
    "replicationcontrollers",
    "secrets",
    "configmaps",
    "persistentvolumeclaims",
    "services.nodeports",
    "services.loadbalancers",
];

fn is_huge_page(name: &str) -> bool {
    name.starts_with("hugepages-")
}

fn is_native(name: &str) -> bool {
    !name.contains('/') || name.contains("kubernetes.io/")
}

fn is_extended(check: &Check, name: &str) -> bool {
    !is_native(name) && !name.starts_with("requests.") && qualified_name(check.version(), &format!("requests.{name}")).is_empty()
}

/// Whether more of a resource may be promised than there is.
pub(in crate::simulate::validate) fn overcommits(name: &str) -> bool {
    is_native(name) && !is_huge_page(name)
}

/// Whether huge pages are asked for in other than whole pages.
fn is_odd(name: &str, amount: &Value) -> bool {
    let size = name.strip_prefix("hugepages-").and_then(|size| Quantity::parse(size).ok()).and_then(|q| q.value());
    let whole = |size: i64| size > 0 && quantity(amount).value().is_some_and(|v| v % size == 0);
    is_huge_page(name) && !size.is_some_and(whole)
}

/// Whether any container asks for huge pages so.
pub(super) fn has_odd_huge_pages(spec: &Value) -> bool {
    let lists = containers_of(spec).flat_map(|(_, _, c)| ["limits", "requests"].map(|l| c.part("resources").part(l)));
    lists.chain([spec.part("overhead")]).any(|list| list.as_object().into_iter().flatten().any(|(name, amount)| is_odd(name, amount)))
}

/// The name of a resource.
pub(in crate::simulate::validate) fn resource_name(check: &mut Check, name: &str, at: &Place) -> bool {
    let messages = qualified_name(check.version(), name);
    if !messages.is_empty() {
        check.invalid_each(at, name, messages);
        return false;
    }
    let known = STANDARD.contains(&name) || COUNTED.contains(&name) || is_huge_page(name) || name.starts_with("requests.hugepages-");
    if !name.contains('/') && !known {
        check.invalid(at, name, "must be a standard resource type or fully qualified");
        return false;
    }
    true
}

/// The name of a resource that a container may ask for.
pub(in crate::simulate::validate) fn container_resource_name(check: &mut Check, name: &str, at: &Place) {
    resource_name(check, name, at);
    if !name.contains('/') {
        if !["cpu", "memory", "ephemeral-storage"].contains(&name) && !is_huge_page(name) {
            check.invalid(at, name, "must be a standard resource for containers");
        }
    } else if !is_native(name) && !is_extended(check, name) {
        check.invalid(at, name, "doesn't follow extended resource name standard");
    }
}

fn pod_resource_name(check: &mut Check, name: &str, at: &Place) {
    if resource_name(check, name, at) && !["cpu", "memory"].contains(&name) && !is_huge_page(name) {
        check.not_supported(at, name, &["cpu", "hugepages-", "memory"]);
    }
}

/// A quantity of a resource: not negative, and whole where it counts things.
pub(in crate::simulate::validate) fn quantity_value(check: &mut Check, name: &str, amount: &Value, at: &Place) {
    let number = quantity(amount);
    if number.is_negative() {
        check.invalid(at, amount, "must be greater than or equal to 0");
    }
    if (COUNTED.contains(&name) || is_extended(check, name)) && number.milli_value().is_none_or(|m| m % 1000 != 0) {
        check.invalid(at, amount, "must be an integer");
    }
}

/// A quantity above zero. Says whether it is.
pub(in crate::simulate::validate) fn positive_quantity(check: &mut Check, amount: &Value, at: &Place) -> bool {
    let good = quantity(amount) > Quantity::ZERO;
    if !good {
        check.invalid(at, amount, "must be greater than zero");
    }
    good
}

/// Limits and requests of a container.
pub(super) fn of_container(check: &mut Check, resources: &Value, claims: &BTreeSet<&str>, at: &Place) {
    requirements(check, resources, container_resource_name, claims, at);
}

fn requirements(check: &mut Check, resources: &Value, name: fn(&mut Check, &str, &Place), claims: &BTreeSet<&str>, at: &Place) {
    let (limits_at, requests_at) = (at.child("limits"), at.child("requests"));
    let (mut compute, mut huge) = (false, false);
    let mut one = |check: &mut Check, resource: &str, amount: &Value, at: &Place| {
        name(check, resource, at);
        quantity_value(check, resource, amount, at);
        huge |= is_huge_page(resource);
        compute |= ["cpu", "memory"].contains(&resource);
    };
    for (resource, amount) in resources.entries("limits") {
        one(check, resource, amount, &limits_at.key(resource));
        huge_pages(check, resource, amount, &limits_at.key(resource));
    }
    for (resource, amount) in resources.entries("requests") {
        one(check, resource, amount, &requests_at.key(resource));
        let limit = resources.part("limits").field(resource);
        match limit {
            Some(limit) => {
                let (asked, most, text) = (quantity(amount), quantity(limit), limit.as_str().unwrap_or_default());
                if asked != most && !overcommits(resource) {
                    check.invalid(&requests_at, amount, &format!("must be equal to {resource} limit of {text}"));
                } else if asked > most {
                    check.invalid(&requests_at, amount, &format!("must be less than or equal to {resource} limit of {text}"));
                }
            }
            None if !overcommits(resource) => check.required(&limits_at, "Limit must be set for non overcommitable resources"),
            None => {}
        }
        huge_pages(check, resource, amount, &requests_at.key(resource));
    }
    if huge && !compute {
        check.forbidden(at, "HugePages require cpu or memory");
    }
    container_claims(check, resources.list("claims"), claims, &at.child("claims"));
}

fn huge_pages(check: &mut Check, name: &str, amount: &Value, at: &Place) {
    if !check.options.odd_huge_pages && is_odd(name, amount) {
        let text = amount.as_str().unwrap_or_default();
        check.invalid(at, amount, &format!("{text} is not positive integer multiple of {name}"));
    }
}

fn container_claims(check: &mut Check, claims: &[Value], known: &BTreeSet<&str>, list_at: &Place) {
    let mut names: BTreeSet<String> = BTreeSet::new();
    for (i, claim) in claims.iter().enumerate() {
        let (at, name, request) = (list_at.index(i), claim.text("name"), claim.text("request"));
        if !check.filled(name, &at) {
            continue;
        }
        if names.contains(name) {
            check.duplicate(&at, name);
        } else {
            let key = if request.is_empty() { name.to_owned() } else { format!("{name}/{request}") };
            if !request.is_empty() {
                check.invalid_each(&at.child("request"), request, dns_label(request));
            }
            let with_request = names.iter().filter(|k| k.split_once('/').is_some_and(|(n, _)| n == name)).count();
            if names.contains(&key) {
                check.duplicate(&at, key.as_str());
            } else if request.is_empty() {
                (0..with_request).for_each(|_| check.duplicate(&at, name));
            }
            names.insert(key);
        }
        if !known.contains(name) {
            check.not_found(&at, name);
            let names: Vec<&str> = known.iter().copied().collect();
            let which = if names.is_empty() { " which is empty".to_owned() } else { format!(": {}", names.join(", ")) };
            if let Some(cause) = check.causes.last_mut() {
                cause.message.push_str(&format!(": must be one of the names in pod.spec.resourceClaims{which}"));
            }
        }
    }
}

/// The resource claims of a pod.
pub(super) fn pod_claims(check: &mut Check, spec: &Value, meta: Option<&Value>, list_at: &Place) {
    const CLAIM: &str = "io.k8s.api.core.v1.PodResourceClaim";
    let mirror = meta.is_some_and(|m| m.part("annotations").has("kubernetes.io/config.mirror"));
    let mut names = BTreeSet::new();
    for (i, claim) in spec.list("resourceClaims").iter().enumerate() {
        if mirror {
            check.forbidden(&Place::root(""), "static pods do not support resource claims");
            continue;
        }
        let (at, name) = (list_at.index(i), claim.text("name"));
        if name.is_empty() {
            check.required(&at.child("name"), "");
        } else if names.insert(name) {
            check.invalid_each(&at.child("name"), name, dns_label(name));
        } else {
            check.duplicate(&at.child("name"), name);
        }
        let detail = match (claim.has("resourceClaimName"), claim.has("resourceClaimTemplateName")) {
            (true, true) => "at most one of `resourceClaimName` or `resourceClaimTemplateName` may be specified",
            (false, false) => "must specify one of: `resourceClaimName`, `resourceClaimTemplateName`",
            _ => "",
        };
        if !detail.is_empty() {
            check.invalid(&at, Typed(CLAIM, claim), detail);
        }
        for field in ["resourceClaimName", "resourceClaimTemplateName"] {
            if let Some(name) = claim.field(field).and_then(Value::as_str) {
                check.invalid_each(&at.child(field), name, Names::Subdomain.errors(name, false));
            }
        }
    }
}

/// What the runtime itself takes.
pub(super) fn overhead(check: &mut Check, spec: &Value, at: &Place) {
    if let Some(overhead) = spec.field("overhead") {
        let wrapped = crate::object::json!({ "limits": overhead });
        requirements(check, &wrapped, container_resource_name, &BTreeSet::new(), at);
    }
}

/// Limits and requests of the whole pod.
pub(super) fn pod_level(check: &mut Check, spec: &Value, at: &Place) {
    let Some(resources) = spec.field("resources") else { return };
    let at = at.child("resources");
    if spec.part("os").text("name") == "windows" {
        return check.forbidden(&at, "may not be set for a windows pod");
    }
    if check.told(resources.part("claims"), &at.child("claims")) {
        check.forbidden(&at.child("claims"), "claims may not be set for Resources at pod-level");
    }
    requirements(check, resources, pod_resource_name, &BTreeSet::new(), &at);
    consistency(check, spec, resources, &at);
}

/// A pod's own requests and limits must hold those of its containers.
fn consistency(check: &mut Check, spec: &Value, resources: &Value, at: &Place) {
    for (list, noun) in [("requests", "requests"), ("limits", "limits")] {
        let list_at = at.child(list);
        for (name, own) in resources.entries(list).filter(|(n, _)| list == "requests" || is_huge_page(n)) {
            if let Some(sum) = aggregate(spec, list, name).filter(|sum| *sum > quantity(own)) {
                check.invalid(&list_at.key(name), own, &format!("must be greater than or equal to aggregate container {noun} of {sum}"));
            }
        }
    }
    let containers_at = at.child("containers");
    for (i, container) in spec.list("containers").iter().enumerate() {
        for (name, limit) in container.part("resources").entries("limits") {
            let Some(most) = resources.part("limits").field(name).filter(|most| quantity(limit) > quantity(most)) else { continue };
            let container_at = containers_at.index(i);
            let key_at = container_at.key(name);
            let text = most.as_str().unwrap_or_default();
            check.invalid(&key_at.child("limits"), limit, &format!("must be less than or equal to pod limits of {text}"));
        }
    }
}

/// Containers together, or the largest init container with the sidecars before it, whichever is more.
fn aggregate(spec: &Value, list: &str, name: &str) -> Option<Quantity> {
    let of = |c: &Value| c.part("resources").part(list).field(name).map(quantity);
    let plus = |mut a: Quantity, b: &Quantity| {
        a.add(b);
        a
    };
    let mut sum = spec.list("containers").iter().filter_map(of).reduce(|a, b| plus(a, &b));
    let (mut sidecars, mut most) = (Quantity::ZERO, Quantity::ZERO);
    for container in spec.list("initContainers") {
        let Some(own) = of(container) else { continue };
        let together = plus(own.clone(), &sidecars);
        if container.text("restartPolicy") == "Always" {
            sum = Some(sum.map_or_else(|| own.clone(), |sum| plus(sum, &own)));
            sidecars = together.clone();
        }
        most = most.max(together);
    }
    sum.into_iter().chain([most]).max().filter(|q| !q.is_zero())
}
