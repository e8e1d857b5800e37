//! What the API server warns of and takes all the same.
//!
//! Follows the `WarningsOnCreate` and `WarningsOnUpdate` of the strategies in `pkg/registry` and what they call: `pkg/api/*/warnings.go`,
//! `pkg/api/*/util.go`.

mod addresses;
mod key_pair;
mod labels;
mod others;
mod pod;
mod volumes;

use super::Context;
use super::annotations::template_generation;
use super::check::Place;
use super::formats::dns_label;
use super::read::{Read, quantity};
use crate::object::Value;
use crate::schema::Version;
use crate::simulate::status::quoted;

/// The warnings of a write; on an update a template is only looked at if the generation moved.
pub(super) fn warnings(context: &Context, new: &Value, old: Option<&Value>, subresource: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (group, kind) = (context.gvk.group.as_str(), context.gvk.kind.as_str());
    match (subresource, old) {
        ("status", _) => others::status(group, kind, new, &mut found),
        ("" | "scale", _) if !workload((group, kind), context.version, new, old, &mut found) => {
            others::object((group, kind), context.version, new, old, &mut found);
        }
        _ => {}
    }
    found
}

/// Whether it is a kind with a template, or a pod.
fn workload(kind: (&str, &str), version: Version, new: &Value, old: Option<&Value>, found: &mut Vec<String>) -> bool {
    let generation = |o: &Value| o.part("metadata").number("generation");
    let moved = old.is_none_or(|old| match kind.1 {
        "DaemonSet" => template_generation(new) != template_generation(old),
        _ => generation(new) != generation(old),
    });
    let (spec, at) = (new.part("spec"), Place::root("spec"));
    let pod_names = |found: &mut Vec<String>| {
        if old.is_none() {
            pod_names(new, "Pod names and hostnames", found);
        }
    };
    match kind {
        ("apps", "Deployment" | "ReplicaSet") => {
            pod_names(found);
            template(moved, version, spec.part("template"), &at.child("template"), found);
        }
        ("apps", "DaemonSet") => template(moved, version, spec.part("template"), &at.child("template"), found),
        ("apps", "StatefulSet") => {
            template(moved, version, spec.part("template"), &at.child("template"), found);
            others::stateful_set(spec, old.is_some(), &at, found);
        }
        ("", "ReplicationController") => {
            pod_names(found);
            // The server gives the old template where the new one belongs.
            let looked_at = old.unwrap_or(new).part("spec");
            template(moved, version, looked_at.part("template"), &at.child("template"), found);
        }
        ("", "PodTemplate") => template(moved, version, new.part("template"), &Place::root("template"), found),
        ("batch", "Job") => {
            pod_names(found);
            job(moved, version, spec, &at, found);
        }
        ("batch", "CronJob") => {
            pod_names(found);
            job(moved, version, spec.part("jobTemplate").part("spec"), &at.child("jobTemplate.spec"), found);
            if old.is_some() && spec.text("schedule").contains("TZ") {
                let read = "see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";
                found.push(format!("cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, {read}"));
            }
        }
        ("", "Pod") if old.is_none() => {
            self::pod_names(new, "the Pod's hostname", found);
            pod::pod(version, spec, new.part("metadata"), "", &at, found);
        }
        _ => return false,
    }
    true
}

fn pod_names(object: &Value, of: &str, found: &mut Vec<String>) {
    let messages = dns_label(object.part("metadata").text("name"));
    if !messages.is_empty() {
        let detail = "which can result in surprising behavior; a DNS label is recommended";
        found.push(format!("metadata.name: this is used in {of}, {detail}: [{}]", messages.join(" ")));
    }
}

fn template(moved: bool, version: Version, template: &Value, at: &Place, found: &mut Vec<String>) {
    if moved {
        let prefix = format!("{}.", at.path());
        pod::pod(version, template.part("spec"), template.part("metadata"), &prefix, &at.child("spec"), found);
    }
}

/// A Job's spec (`pkg/api/job/warnings.go`).
fn job(moved: bool, version: Version, spec: &Value, at: &Place, found: &mut Vec<String>) {
    let many = spec.number("completions") > 100_000 && spec.number("parallelism") > 10_000;
    if moved && spec.text("completionMode") == "Indexed" && many {
        let what = "In Indexed Jobs with a number of completions higher than 10^5 and a parallelism higher than 10^4";
        warn(found, at, &format!("{what}, Kubernetes might not be able to track completedIndexes when a big number of indexes fail"));
    }
    template(moved, version, spec.part("template"), &at.child("template"), found);
}

fn warn(found: &mut Vec<String>, at: &Place, text: &str) {
    found.push(format!("{}: {text}", at.path()));
}

/// Sizes in parts of a byte.
fn fractions(amounts: &Value, at: &Place, names: &[&str], found: &mut Vec<String>) {
    for name in names {
        let Some(amount) = amounts.field(name) else { continue };
        if quantity(amount).milli_value().is_some_and(|m| m % 1000 != 0) {
            let text = quoted(amount.as_str().unwrap_or_default());
            warn(found, &at.key(name), &format!("fractional byte value {text} is invalid, must be an integer"));
        }
    }
}

/// A claim's spec.
fn claim(spec: &Value, at: &Place, found: &mut Vec<String>) {
    let at = at.child("resources");
    for list in ["requests", "limits"] {
        fractions(spec.part("resources").part(list), &at.child(list), &["storage"], found);
    }
}
