//! Pod Security Standards: pods that a namespace does not let in, and templates that clients are warned of.
//!
//! Follows `pod-security-admission` `admission/admission.go`, `api/helpers.go` and `policy/registry.go`, without exemptions and with
//! the defaults of a server that has no configuration: everything privileged.

mod checks;

use super::{Attributes, forbidden};
use crate::object::path::FieldPath;
use crate::object::{ObjectId, Value, items, text};
use crate::simulate::status::quoted;
use crate::simulate::{ApiError, Cause, Cluster};
use checks::{Pod, Violation};
use std::collections::BTreeMap;

const LABEL: &str = "pod-security.kubernetes.io/";
/// Subresources of pods that change nothing of what is judged.
const IGNORED: [&str; 3] = ["binding", "eviction", "status"];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    Privileged,
    Baseline,
    Restricted,
}

/// A level in a version of the standards.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Policy {
    level: Level,
    /// The minor version; none for the latest.
    minor: Option<u32>,
}

impl Policy {
    fn name(&self) -> String {
        let level = ["privileged", "baseline", "restricted"][self.level as usize];
        let version = self.minor.map_or("latest".to_owned(), |minor| format!("v1.{minor}"));
        format!("{level}:{version}")
    }
}

/// What the labels of a namespace ask for: enforced, warned of, and which labels are wrong.
struct Policies {
    enforce: Policy,
    warn: Policy,
    wrong: Vec<Cause>,
}

impl Policies {
    fn of(labels: &Value) -> Self {
        let mut wrong = Vec::new();
        let label = |name: &str| {
            let key = format!("{LABEL}{name}");
            labels.get(&key).and_then(Value::as_str).map(|value| (key, value))
        };
        let enforce_level = label("enforce").map(|told| level(told, Level::Restricted, &mut wrong));
        let enforce_version = label("enforce-version").and_then(|told| version(told, &mut wrong));
        label("audit").map(|told| level(told, Level::Privileged, &mut wrong));
        label("audit-version").map(|told| version(told, &mut wrong));
        let warn_level = label("warn").map(|told| level(told, Level::Privileged, &mut wrong));
        let warn_version = label("warn-version").map(|told| version(told, &mut wrong));
        let enforce = Policy { level: enforce_level.map_or(Level::Privileged, |(level, _)| level), minor: enforce_version };
        let follows = warn_level.is_none() && enforce_level.is_some_and(|(_, valid)| valid);
        let warn = match warn_level {
            _ if follows => Policy { level: enforce.level, minor: warn_version.unwrap_or(enforce.minor) },
            told => Policy { level: told.map_or(Level::Privileged, |(level, _)| level), minor: warn_version.flatten() },
        };
        Self { enforce, warn, wrong }
    }
}

fn invalid(key: &str, value: &str, why: &str) -> Cause {
    Cause::invalid(&FieldPath::new("metadata").child("labels").key(key), &quoted(value), why)
}

/// A level, and whether it is one.
fn level((key, value): (String, &str), otherwise: Level, wrong: &mut Vec<Cause>) -> (Level, bool) {
    let known = [("privileged", Level::Privileged), ("baseline", Level::Baseline), ("restricted", Level::Restricted)];
    match known.into_iter().find(|(name, _)| *name == value) {
        Some((_, level)) => (level, true),
        None => {
            wrong.push(invalid(&key, value, "must be one of privileged, baseline, restricted"));
            (otherwise, false)
        }
    }
}

fn version((key, value): (String, &str), wrong: &mut Vec<Cause>) -> Option<u32> {
    let minor = value.strip_prefix("v1.").filter(|m| *m == "0" || !m.starts_with('0') && m.bytes().all(|b| b.is_ascii_digit()));
    let minor = minor.and_then(|m| m.parse().ok());
    if minor.is_none() && value != "latest" {
        wrong.push(invalid(&key, value, "must be \"latest\" or \"v1.x\""));
    }
    minor
}

/// Refuses a pod that its namespace does not let in, warns of one, or of a template, that it would not, and of pods that are there
/// already when a namespace becomes stricter.
pub(super) fn check(asked: &Attributes<'_>, object: &Value, warnings: &mut Vec<String>) -> Result<(), ApiError> {
    if asked.whole() == ("", "Namespace") {
        return namespace(asked, object, warnings);
    }
    let is_pod = asked.served.group.is_empty() && asked.served.kind == "Pod" && !IGNORED.contains(&asked.subresource);
    let Some(pod) = pod_of(asked, object, is_pod) else { return Ok(()) };
    let id = ObjectId { kind: "Namespace".into(), name: text(object, &["metadata", "namespace"]).into(), ..ObjectId::default() };
    let Some(labels) = asked.cluster.store.get(&id).map(|n| &n["metadata"]["labels"]) else { return Ok(()) };
    let policies = Policies::of(labels);
    if is_pod && asked.live.is_some_and(|live| !significant(object, live)) {
        return Ok(());
    }
    let told = |policy: &Policy| {
        let violations = violations(asked.cluster, policy, &pod);
        let list = violations.iter().map(Violation::text).collect::<Vec<_>>().join(", ");
        (!list.is_empty()).then(|| format!("PodSecurity {}: {list}", quoted(&policy.name())))
    };
    if is_pod && let Some(why) = told(&policies.enforce) {
        return Err(forbidden(asked, object, &format!("violates {why}")));
    }
    warnings.extend(told(&policies.warn).map(|why| format!("would violate {why}")));
    Ok(())
}

/// The pod, or the pods that an object makes.
fn pod_of<'o>(asked: &Attributes<'_>, object: &'o Value, is_pod: bool) -> Option<Pod<'o>> {
    let template = match asked.whole() {
        _ if is_pod => object,
        ("apps", "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet") | ("batch", "Job") | ("", "ReplicationController") => {
            &object["spec"]["template"]
        }
        ("batch", "CronJob") => &object["spec"]["jobTemplate"]["spec"]["template"],
        ("", "PodTemplate") => &object["template"],
        _ => return None,
    };
    let pod = Pod { spec: &template["spec"], annotations: &template["metadata"]["annotations"] };
    pod.spec.is_object().then_some(pod)
}

/// The checks of a level, as old as its version and no newer than the server.
fn violations(cluster: &Cluster, policy: &Policy, pod: &Pod<'_>) -> Vec<Violation> {
    let server = cluster.schema.version().minor();
    let minor = policy.minor.map_or(server, |minor| minor.min(server));
    match policy.level {
        Level::Privileged => Vec::new(),
        Level::Baseline => pod.against(minor, false),
        Level::Restricted => pod.against(minor, true),
    }
}

/// Of an update, only another image or another container counts.
fn significant(pod: &Value, live: &Value) -> bool {
    let images = |of: &Value, list: &str| items(of, &["spec", list]).iter().map(|c| text(c, &["image"]).to_owned()).collect::<Vec<_>>();
    let ephemeral = |of: &Value| {
        let one = |c: &Value| (text(c, &["name"]).to_owned(), text(c, &["image"]).to_owned());
        items(of, &["spec", "ephemeralContainers"]).iter().map(one).collect::<BTreeMap<_, _>>()
    };
    let had = ephemeral(live);
    ["containers", "initContainers"].iter().any(|list| images(pod, list) != images(live, list))
        || ephemeral(pod).iter().any(|(name, image)| had.get(name) != Some(image))
}

fn namespace(asked: &Attributes<'_>, object: &Value, warnings: &mut Vec<String>) -> Result<(), ApiError> {
    let labels = |object: &Value| Policies::of(&object["metadata"]["labels"]);
    let new = labels(object);
    let old = asked.live.map(labels);
    if !new.wrong.is_empty() && old.as_ref().is_none_or(|old| old.wrong != new.wrong) {
        return Err(ApiError::invalid("Namespace", text(object, &["metadata", "name"]), new.wrong));
    }
    let Some(old) = old else { return Ok(()) };
    let laxer = new.enforce.minor == old.enforce.minor && new.enforce.level <= old.enforce.level;
    if new.enforce != old.enforce && new.enforce.level != Level::Privileged && !laxer {
        warnings.extend(of_pods(asked.cluster, text(object, &["metadata", "name"]), &new.enforce));
    }
    Ok(())
}

/// Which pods of a namespace violate a policy, by reason.
fn of_pods(cluster: &Cluster, namespace: &str, policy: &Policy) -> Vec<String> {
    let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (id, pod) in cluster.store.list("", "Pod", Some(namespace)) {
        let reasons = violations(cluster, policy, &Pod { spec: &pod["spec"], annotations: &pod["metadata"]["annotations"] });
        if !reasons.is_empty() {
            let reasons = reasons.iter().map(|v| v.reason.as_str()).collect::<Vec<_>>().join(", ");
            found.entry(reasons).or_default().push(&id.name);
        }
    }
    if found.is_empty() {
        return Vec::new();
    }
    let first = format!("existing pods in namespace {namespace:?} violate the new PodSecurity enforce level {:?}", policy.name());
    let one = |(reasons, pods): (String, Vec<&str>)| match pods.len() {
        1 => format!("{}: {reasons}", pods[0]),
        2 => format!("{} (and 1 other pod): {reasons}", pods[0]),
        many => format!("{} (and {} other pods): {reasons}", pods[0], many - 1),
    };
    let mut each: Vec<String> = found.into_iter().map(one).collect();
    each.sort();
    [vec![first], each].concat()
}
