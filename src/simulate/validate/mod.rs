//! What the API server refuses, kind by kind, in its order and with its texts.
//!
//! Works on the encoded, defaulted v1 form of an object, and knows nothing of HTTP or of other objects. Follows `pkg/apis/*/validation`
//! and the `strategy.go` files of `pkg/registry`, which say what runs when.

mod annotations;
mod check;
mod claims;
mod formats;
mod internal;
mod metadata;
mod pod;
mod read;
#[cfg(test)]
mod recorded;
mod selector;
mod workloads;

use crate::object::{Gvk, Value};
use crate::schema::Version;
use crate::simulate::status::Cause;
use check::Check;
use read::Read;

/// What is validated, and as whom.
#[derive(Clone, Debug)]
pub struct Context {
    /// The kind, in the version that the object is encoded in.
    pub gvk: Gvk,
    /// The server's version.
    pub version: Version,
    /// Whether objects of the kind live in namespaces.
    pub namespaced: bool,
}

/// The rules of a kind: for a new object, or for one that was something before.
type Rules = fn(&mut Check, &Value, Option<&Value>);

fn rules(gvk: &Gvk) -> Option<Rules> {
    Some(match (gvk.group.as_str(), gvk.kind.as_str()) {
        ("apps", "Deployment") => workloads::deployment,
        ("apps", "ReplicaSet") => workloads::replica_set,
        ("apps", "StatefulSet") => workloads::stateful_set,
        ("apps", "DaemonSet") => workloads::daemon_set,
        ("", "Pod") => pod,
        _ => return None,
    })
}

/// Whether the fields of a kind are validated, and not its metadata alone.
pub fn modelled(gvk: &Gvk) -> bool {
    rules(gvk).is_some()
}

/// What is wrong with a new object; it must have its namespace already.
pub fn create(context: &Context, object: &Value) -> Vec<Cause> {
    let mut check = Check::new(context.version);
    check.options = options(context, None);
    if let Some(rules) = rules(&context.gvk) {
        rules(&mut check, object, None);
    }
    if check.causes.is_empty() {
        metadata::generic(&mut check, object, context.namespaced);
    }
    check.causes
}

/// What is wrong with an object that was `old`; it must have a resource version, and the old one's uid and timestamps.
///
/// Of the subresources, `scale` is checked as the object itself, and the status of any kind is only held to the metadata.
pub fn update(context: &Context, new: &Value, old: &Value, subresource: &str) -> Vec<Cause> {
    let mut check = Check::new(context.version);
    check.options = options(context, Some(old));
    metadata::generic(&mut check, new, context.namespaced);
    metadata::generic_update(&mut check, new, old);
    if let Some(rules) = rules(&context.gvk).filter(|_| subresource != "status") {
        rules(&mut check, new, Some(old));
    }
    check.causes
}

fn options(context: &Context, old: Option<&Value>) -> pod::Options {
    let is_pod = context.gvk.kind == "Pod";
    let old = if is_pod { old } else { old.and_then(|o| o.part("spec").field("template")) };
    pod::Options::of(context.version, is_pod, old)
}

fn pod(check: &mut Check, new: &Value, old: Option<&Value>) {
    match old {
        None => pod::create(check, new),
        Some(old) => pod::pod_update(check, new, old),
    }
}
