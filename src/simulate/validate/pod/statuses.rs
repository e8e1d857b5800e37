//! What the status of a Pod says of its containers' users and devices, and of its resource claims.
//!
//! Follows `validateContainerStatusUsers`, `validateContainerStatusAllocatedResourcesStatus`, `validatePodResourceClaimStatuses` and
//! `validatePodExtendedResourceClaimStatus` of `pkg/apis/core/validation/validation.go`. Volumes of images and node-allocatable claims
//! are behind gates that are off.

use crate::object::Value;
use crate::schema::Version;
use crate::simulate::validate::check::{Check, Place};
use crate::simulate::validate::formats::{dns_label, dns_subdomain};
use crate::simulate::validate::read::Read;
use std::collections::BTreeSet;

const OF_CLAIM: &str = "must match one of the container's resource claims in a format 'claim:<claimName>/<request>' or 'claim:<claimName>' if request is empty";
/// The same since 1.37.
const OF_CLAIM_NOW: &str = "must match one of the container's resource claims as 'claim:<claimName>/<requestName>' when container.resources.claims[*].request is set or 'claim:<claimName>' when it is empty";
const OF_REQUEST: &str = "must match one of the container's resource requests";
const OF_EXTENDED: &str =
    "must match the extended resource name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests";
const OF_CONTAINER: &str = "must match the name of an entry in spec.initContainers.name or spec.containers.name";
const LONGEST_MESSAGE: usize = 1024;

/// Who a container runs as.
pub(super) fn users(check: &mut Check, statuses: &[Value], spec: &Value, list_at: &Place) {
    for (i, status) in statuses.iter().enumerate() {
        let Some(user) = status.part("user").field("linux") else { continue };
        let at = list_at.index(i);
        let own_at = at.child("user.linux");
        match spec.part("os").text("name") {
            "windows" => check.forbidden(&own_at, "cannot be set for a windows pod"),
            "" | "linux" => {
                // Since 1.37 a runtime may tell any user id that Linux has.
                let highest = if check.version() < Version::V1_37 { i64::from(i32::MAX) } else { i64::from(u32::MAX) };
                check.within(user.number("uid"), 0, highest, &own_at.child("uid"));
                let mut id = |id: i64, at: &Place| check.within(id, 0, i64::from(i32::MAX), at);
                id(user.number("gid"), &own_at.child("gid"));
                let groups_at = own_at.child("supplementalGroups");
                for (g, group) in user.list("supplementalGroups").iter().enumerate() {
                    id(group.as_i64().unwrap_or(0), &groups_at.index(g));
                }
            }
            _ => {}
        }
    }
}

/// How the devices of a container are; `containers` are those of the spec.
pub(super) fn devices(check: &mut Check, statuses: &[Value], containers: &[Value], list_at: &Place) {
    for (i, status) in statuses.iter().enumerate() {
        let own_at = list_at.index(i);
        let devices_at = own_at.child("allocatedResourcesStatus");
        let container = containers.iter().find(|c| c.text("name") == status.text("name"));
        for (j, device) in status.list("allocatedResourcesStatus").iter().enumerate() {
            let at = devices_at.index(j);
            if let Some(why) = container.and_then(|container| not_asked_for(check.version(), container, device.text("name"))) {
                check.invalid(&at.child("name"), device.text("name"), why);
            }
            health(check, device.list("resources"), &at.child("resources"));
        }
    }
}

/// A container that is put into a running pod has no devices.
pub(super) fn no_devices(check: &mut Check, statuses: &[Value], list_at: &Place) {
    for (i, _) in statuses.iter().enumerate().filter(|(_, status)| !status.list("allocatedResourcesStatus").is_empty()) {
        check.forbidden(&list_at.index(i).child("allocatedResourcesStatus"), "must not be specified in container status");
    }
}

fn not_asked_for(version: Version, container: &Value, name: &str) -> Option<&'static str> {
    let resources = container.part("resources");
    let Some(claim) = name.strip_prefix("claim:") else {
        return (!resources.part("requests").has(name)).then_some(OF_REQUEST);
    };
    let named = |c: &Value| match c.text("request") {
        "" => claim == c.text("name"),
        request => claim.strip_prefix(c.text("name")).and_then(|rest| rest.strip_prefix('/')) == Some(request),
    };
    let why = if version < Version::V1_37 { OF_CLAIM } else { OF_CLAIM_NOW };
    (!resources.list("claims").iter().any(named)).then_some(why)
}

fn health(check: &mut Check, resources: &[Value], list_at: &Place) {
    let mut seen = BTreeSet::new();
    for (k, resource) in resources.iter().enumerate() {
        let at = list_at.index(k);
        check.one_of(&at.child("health"), resource.text("health"), &["Healthy", "Unhealthy", "Unknown"]);
        match resource.field("message").and_then(Value::as_str) {
            Some("") => check.required(&at.child("message"), "must be non-empty if specified"),
            Some(message) if message.len() > LONGEST_MESSAGE => check.too_long(&at.child("message"), LONGEST_MESSAGE),
            _ => {}
        }
        if !seen.insert(resource.text("resourceID")) {
            check.duplicate(&at.child("resourceID"), resource.text("resourceID"));
        }
    }
}

/// The claims that were made for a pod.
pub(super) fn claims(check: &mut Check, statuses: &[Value], spec: &Value, list_at: &Place) {
    let mut seen = BTreeSet::new();
    for (i, status) in statuses.iter().enumerate() {
        let (at, name) = (list_at.index(i), status.text("name"));
        if !spec.list("resourceClaims").iter().any(|claim| claim.text("name") == name) {
            check.invalid(&at.child("name"), name, "must match the name of an entry in `spec.resourceClaims`");
        }
        if !seen.insert(name) {
            check.duplicate(&at.child("name"), name);
        }
        if let Some(claim) = status.field("resourceClaimName").and_then(Value::as_str) {
            let field = if check.version() < Version::V1_36 { "name" } else { "resourceClaimName" };
            check.invalid_each(&at.child(field), claim, dns_subdomain(claim));
        }
    }
}

/// The claim that stands for extended resources.
pub(super) fn extended_claim(check: &mut Check, status: &Value, spec: &Value, at: &Place) {
    let (mappings, list_at) = (status.list("requestMappings"), at.child("requestMappings"));
    if mappings.is_empty() {
        check.required(&list_at, "at least one request mapping is required");
    }
    let mut seen = BTreeSet::new();
    for (i, mapping) in mappings.iter().enumerate() {
        let own_at = list_at.index(i);
        let key = ["containerName", "resourceName", "requestName"].map(|field| (field, mapping.text(field)));
        let [(_, name), (_, resource), (_, request)] = key;
        let mut containers = spec.list("containers").iter().chain(spec.list("initContainers"));
        match containers.find(|c| c.text("name") == name) {
            None => check.invalid(&own_at.child("containerName"), name, OF_CONTAINER),
            Some(container) if !container.part("resources").part("requests").has(resource) => {
                check.invalid(&own_at.child("resourceName"), resource, OF_EXTENDED);
            }
            Some(_) => {}
        }
        check.invalid_each(&at.child("requestName"), request, dns_label(request));
        if !seen.insert(key) {
            key.iter().for_each(|(field, value)| check.duplicate(&own_at.child(field), *value));
        }
    }
    let name = status.text("resourceClaimName");
    if check.filled(name, &at.child("resourceClaimName")) {
        check.invalid_each(&at.child("resourceClaimName"), name, dns_subdomain(name));
    }
}
