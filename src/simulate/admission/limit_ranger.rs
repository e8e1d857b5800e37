//! LimitRanges: what they add to containers, and what they refuse.
//!
//! Follows `plugin/pkg/admission/limitranger/admission.go`.

use super::{Attributes, forbidden};
use crate::object::quantity::Quantity;
use crate::object::{Text, Value, at, items, map_at, text};
use crate::simulate::{ApiError, Cluster};
use std::collections::BTreeMap;

type Amounts = BTreeMap<String, Quantity>;

/// Adds default limits and requests to the containers of a pod, by one LimitRange after another.
pub(super) fn fill(cluster: &Cluster, pod: &mut Value) {
    let namespace = text(pod, &["metadata", "namespace"]).to_owned();
    let ranges: Vec<_> = cluster.store.list("", "LimitRange", Some(&namespace)).map(|(_, range)| std::sync::Arc::clone(range)).collect();
    for range in ranges {
        let defaults = |key: &str| {
            let of_containers = items(&range, &["spec", "limits"]).iter().filter(|l| l["type"] == "Container");
            of_containers.filter_map(|l| l[key].as_object()).flatten().map(|(k, v)| (k.clone(), v.clone())).collect::<BTreeMap<_, _>>()
        };
        let wanted = [("limits", defaults("default"), "limit"), ("requests", defaults("defaultRequest"), "request")];
        if wanted.iter().all(|(_, amounts, _)| amounts.is_empty()) {
            continue;
        }
        let mut set = Vec::new();
        for (list, title) in [("containers", "container"), ("initContainers", "init container")] {
            for container in pod["spec"].get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
                let name = text(container, &["name"]).to_owned();
                for (key, amounts, what) in wanted.iter().rev() {
                    let own = at(container, &["resources", key]).cloned();
                    let missing: Vec<&Text> = amounts.keys().filter(|k| own.as_ref().is_none_or(|o| o.get(*k).is_none())).collect();
                    if missing.is_empty() {
                        continue;
                    }
                    let resources = map_at(container, &["resources", key]);
                    for k in &missing {
                        resources.insert((*k).clone(), amounts[*k].clone());
                    }
                    let names = missing.iter().map(|k| k.as_str()).collect::<Vec<_>>().join(", ");
                    set.push(format!("{names} {what} for {title} {name}"));
                }
            }
        }
        if !set.is_empty() {
            let annotation = format!("LimitRanger plugin set: {}", set.join("; "));
            map_at(pod, &["metadata", "annotations"]).insert("kubernetes.io/limit-ranger".into(), annotation.into());
        }
    }
}

/// Whether limits are held against a write: new pods, resized ones, and claims; nothing that is on its way out.
pub(super) fn handles(asked: &Attributes<'_>) -> bool {
    let going = asked.live.is_some_and(|live| live["metadata"].get("deletionTimestamp").is_some());
    let own = match (asked.served.kind.as_str(), asked.subresource) {
        ("Pod", "") => asked.live.is_none(),
        ("Pod", "resize") | ("PersistentVolumeClaim", "") => true,
        _ => false,
    };
    own && !going && asked.served.group.is_empty()
}

/// Refuses a pod or a claim that a LimitRange of its namespace has something against: the first that has.
pub(super) fn check(asked: &Attributes<'_>, object: &Value) -> Result<(), ApiError> {
    let namespace = text(object, &["metadata", "namespace"]);
    let ranges = asked.cluster.store.list("", "LimitRange", Some(namespace));
    match ranges.filter_map(|(_, range)| wrong(range, object)).next() {
        Some(why) => Err(forbidden(asked, object, &why)),
        None => Ok(()),
    }
}

fn wrong(range: &Value, object: &Value) -> Option<String> {
    let mut wrong: Vec<String> = Vec::new();
    for limit in items(range, &["spec", "limits"]) {
        for (requests, limits) in bounded(object, text(limit, &["type"])) {
            held(limit, &requests, &limits, object["kind"] == "Pod", &mut wrong);
        }
    }
    let mut told: Vec<String> = Vec::new();
    wrong.into_iter().for_each(|w| {
        if !told.contains(&w) {
            told.push(w)
        }
    });
    match &told[..] {
        [] => None,
        [one] => Some(one.clone()),
        many => Some(format!("[{}]", many.join(", "))),
    }
}

/// The requests and limits that a type of limit is about.
fn bounded(object: &Value, kind: &str) -> Vec<(Amounts, Amounts)> {
    let of = |container: &Value| (amounts(&container["resources"]["requests"]), amounts(&container["resources"]["limits"]));
    match (kind, text(object, &["kind"])) {
        ("Container", "Pod") => ["containers", "initContainers"].iter().flat_map(|list| items(object, &["spec", list])).map(of).collect(),
        ("Pod", "Pod") => vec![(pod_amounts(object, "requests"), pod_amounts(object, "limits"))],
        ("PersistentVolumeClaim", "PersistentVolumeClaim") => vec![(amounts(&object["spec"]["resources"]["requests"]), Amounts::new())],
        _ => Vec::new(),
    }
}

pub(super) fn amounts(list: &Value) -> Amounts {
    let one = |(name, value): (&Text, &Value)| Some((name.to_string(), Quantity::from_value(value).ok()?));
    list.as_object().into_iter().flatten().filter_map(one).collect()
}

/// What a pod asks for as a whole: its containers and restartable init containers together, or the greatest of the others.
pub(super) fn pod_amounts(pod: &Value, key: &str) -> Amounts {
    let add = |sum: &mut Amounts, more: &Amounts| {
        for (name, amount) in more {
            sum.entry(name.clone()).and_modify(|s| s.add(amount)).or_insert_with(|| amount.clone());
        }
    };
    let mut total = Amounts::new();
    for container in items(pod, &["spec", "containers"]) {
        add(&mut total, &amounts(&container["resources"][key]));
    }
    let (mut sidecars, mut most) = (Amounts::new(), Amounts::new());
    for container in items(pod, &["spec", "initContainers"]) {
        let own = amounts(&container["resources"][key]);
        let mut now = sidecars.clone();
        add(&mut now, &own);
        if container["restartPolicy"] == "Always" {
            add(&mut total, &own);
            add(&mut sidecars, &own);
        }
        raise(&mut most, now);
    }
    raise(&mut total, most);
    total.extend(amounts(&pod["spec"]["resources"][key]).into_iter().filter(|(name, _)| matches!(name.as_str(), "cpu" | "memory")));
    total
}

fn raise(most: &mut Amounts, other: Amounts) {
    for (name, amount) in other {
        if most.get(&name).is_none_or(|m| *m < amount) {
            most.insert(name, amount);
        }
    }
}

fn held(limit: &Value, requests: &Amounts, limits: &Amounts, limits_count: bool, wrong: &mut Vec<String>) {
    let kind = text(limit, &["type"]);
    for (name, least) in amounts(&limit["min"]) {
        let head = format!("minimum {name} usage per {kind} is {least}");
        match (requests.get(&name), limits.get(&name)) {
            (None, _) => wrong.push(format!("{head}.  No request is specified")),
            (Some(request), _) if *request < least => wrong.push(format!("{head}, but request is {request}")),
            (_, Some(own)) if *own < least => wrong.push(format!("{head}, but limit is {own}")),
            _ => {}
        }
    }
    for (name, most) in amounts(&limit["max"]) {
        let head = format!("maximum {name} usage per {kind} is {most}");
        match (requests.get(&name), limits.get(&name)) {
            (None, _) if !limits_count => wrong.push(format!("{head}.  No request is specified")),
            (_, None) if limits_count => wrong.push(format!("{head}.  No limit is specified")),
            (_, Some(own)) if limits_count && *own > most => wrong.push(format!("{head}, but limit is {own}")),
            (Some(request), _) if *request > most => wrong.push(format!("{head}, but request is {request}")),
            _ => {}
        }
    }
    for (name, ratio) in amounts(&limit["maxLimitRequestRatio"]) {
        let head = format!("{name} max limit to request ratio per {kind} is {ratio}");
        let milli = |amounts: &Amounts| amounts.get(&name).and_then(Quantity::milli_value).filter(|n| *n != 0).map(|n| n as f64);
        match (milli(requests), milli(limits), ratio.milli_value()) {
            (None, ..) => wrong.push(format!("{head}, but no request is specified or request is 0")),
            (_, None, _) => wrong.push(format!("{head}, but no limit is specified or limit is 0")),
            (Some(request), Some(own), Some(most)) if own / request * 1000.0 > most as f64 => {
                wrong.push(format!("{head}, but provided ratio is {:.6}", own / request));
            }
            _ => {}
        }
    }
}
