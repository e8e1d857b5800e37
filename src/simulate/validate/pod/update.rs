//! What may change in a Pod once it is there.
//!
//! Follows `ValidatePodUpdate` and `ValidatePodResize` of `pkg/apis/core/validation/validation.go`.

use super::{metadata_and_spec, scheduling, template_annotations};
use crate::object::{Value, map_at};
use crate::simulate::validate::check::{Check, Place, Typed, TypedList};
use crate::simulate::validate::metadata;
use crate::simulate::validate::read::Read;

const SPEC: &str = "io.k8s.api.core.v1.PodSpec";
const AT: Place<'static> = Place::root("spec");

/// A Pod against what it was.
pub(in crate::simulate::validate) fn pod_update(check: &mut Check, new: &Value, old: &Value) {
    metadata::update(check, new, old);
    metadata_and_spec(check, new);
    annotation_updates(check, new, old);
    let (new, old) = (new.part("spec"), old.part("spec"));
    for list in ["containers", "initContainers"] {
        if !images(check, new.list(list), old.list(list), &AT.child(list)) {
            return;
        }
    }
    if !deadline(check, new, old) {
        return;
    }
    only_more_tolerations(check, new, old);
    only_fewer_gates(check, new, old);
    if check.same(SPEC, new, old) {
        return;
    }
    let munged = without_allowed_changes(check, new, old);
    if !check.same(SPEC, &munged, old) {
        let fields = "`spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        let diff = check.difference(&AT, SPEC, old, &munged);
        check.forbidden(&AT, &format!("pod updates may not change fields other than {fields}\n{diff}"));
    }
}

pub(super) fn annotation_updates(check: &mut Check, new: &Value, old: &Value) {
    const APP_ARMOR: &str = "container.apparmor.security.beta.kubernetes.io/";
    const MIRROR: &str = "kubernetes.io/config.mirror";
    let at = Place::root("metadata.annotations");
    let (meta, was) = (new.part("metadata"), old.part("metadata"));
    let mut refuse = |key: &str, verb: &str| {
        if key.starts_with(APP_ARMOR) {
            check.forbidden(&at.key(key), &format!("may not {verb} AppArmor annotations"));
        }
        if key == MIRROR {
            check.forbidden(&at.key(key), &format!("may not {verb} mirror pod annotation"));
        }
    };
    for (key, value) in was.entries("annotations") {
        if meta.part("annotations").field(key) != Some(value) {
            refuse(key, "remove or update");
        }
    }
    for (key, _) in meta.entries("annotations").filter(|(k, _)| !was.part("annotations").has(k)) {
        refuse(key, "add");
    }
    template_annotations::annotations(check, meta, new.part("spec"), &at);
}

fn images(check: &mut Check, new: &[Value], old: &[Value], at: &Place) -> bool {
    if new.len() != old.len() {
        check.forbidden(at, "pod updates may not add or remove containers");
        return false;
    }
    for (i, container) in new.iter().enumerate() {
        check.filled(container.text("image"), &at.index(i).child("image"));
        super::container::only_for_pods(check, container, &at.index(i));
    }
    true
}

fn deadline(check: &mut Check, new: &Value, old: &Value) -> bool {
    let at = AT.child("activeDeadlineSeconds");
    let (new, old) = (new.number_if_set("activeDeadlineSeconds"), old.number_if_set("activeDeadlineSeconds"));
    match (new, old) {
        (Some(new), _) if new < 0 || new > i64::from(i32::MAX) => {
            check.within(new, 0, i64::from(i32::MAX), &at);
            false
        }
        (Some(new), Some(old)) if old < new => {
            check.invalid(&at, new, "must be less than or equal to previous value");
            false
        }
        (None, Some(_)) => {
            check.invalid(&at, &Value::Null, "must not update from a positive integer to nil value");
            true
        }
        _ => true,
    }
}

fn only_more_tolerations(check: &mut Check, new: &Value, old: &Value) {
    let at = AT.child("tolerations");
    let fields = ["key", "operator", "value", "effect"];
    let same = |a: &Value, b: &Value| fields.iter().all(|f| a.text(f) == b.text(f));
    if old.list("tolerations").iter().any(|old| !new.list("tolerations").iter().any(|new| same(old, new))) {
        return check.forbidden(&at, "existing toleration can not be modified except its tolerationSeconds");
    }
    scheduling::tolerations(check, new.list("tolerations"), &at);
}

fn only_fewer_gates(check: &mut Check, new: &Value, old: &Value) {
    let list_at = AT.child("schedulingGates");
    for (i, gate) in new.list("schedulingGates").iter().enumerate() {
        let name = gate.text("name");
        if !old.list("schedulingGates").iter().any(|g| g.text("name") == name) {
            let detail = format!("only deletion is allowed, but found new scheduling gate '{name}'");
            check.forbidden(&list_at.index(i).child("name"), &detail);
        }
    }
}

/// The new spec with everything put back that may change.
fn without_allowed_changes(check: &mut Check, new: &Value, old: &Value) -> Value {
    let mut munged = new.clone();
    for list in ["containers", "initContainers"] {
        let images: Vec<Value> = old.list(list).iter().map(|c| c.part("image").clone()).collect();
        let containers = munged.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten();
        for (container, image) in containers.zip(images) {
            map_at(container, &[]).insert("image".into(), image);
        }
        // The list is made anew of its items, so an empty one becomes none.
        if munged.list(list).is_empty() {
            map_at(&mut munged, &[]).shift_remove(list);
            check.forget_sent(&["spec"], list);
        }
    }
    let grace = "terminationGracePeriodSeconds";
    let mut back = vec!["activeDeadlineSeconds", "schedulingGates", "tolerations"];
    if old.number(grace) < 0 && new.number_if_set(grace) == Some(1) {
        back.push(grace);
    }
    if !old.list("schedulingGates").is_empty() {
        gated(check, new, old);
        back.push("nodeSelector");
        put_back_node_affinity(&mut munged, old);
    }
    for name in back {
        put_back(&mut munged, old, name);
        check.forget_sent(&["spec"], name);
    }
    munged
}

fn put_back(into: &mut Value, from: &Value, name: &str) {
    let map = map_at(into, &[]);
    match from.field(name) {
        Some(value) => drop(map.insert(name.into(), value.clone())),
        None => drop(map.shift_remove(name)),
    }
}

fn put_back_node_affinity(munged: &mut Value, old: &Value) {
    let was = old.part("affinity");
    if !munged.has("affinity") && !was.has("nodeAffinity") {
        return;
    }
    put_back(map_at_value(munged, "affinity"), was, "nodeAffinity");
    let empty = munged.part("affinity").as_object().is_some_and(|m| m.is_empty());
    if empty && was.is_null() {
        map_at(munged, &[]).shift_remove("affinity");
    }
}

fn map_at_value<'v>(value: &'v mut Value, name: &str) -> &'v mut Value {
    map_at(value, &[]).entry(name).or_insert_with(|| Value::Object(crate::object::Map::new()))
}

/// A pod that waits to be scheduled may be narrowed to fewer nodes.
fn gated(check: &mut Check, new: &Value, old: &Value) {
    if old.pairs("nodeSelector").any(|(k, v)| new.part("nodeSelector").field(k).and_then(Value::as_str) != Some(v)) {
        let detail = "only additions to spec.nodeSelector are allowed (no mutations or deletions)";
        check.invalid(&AT.child("nodeSelector"), new.part("nodeSelector"), detail);
    }
    const TERM: &str = "io.k8s.api.core.v1.NodeSelectorTerm";
    let required = |spec: &Value| spec.part("affinity").part("nodeAffinity").part("requiredDuringSchedulingIgnoredDuringExecution").clone();
    let (new, old) = (required(new), required(old));
    let (new, old) = (new.list("nodeSelectorTerms"), old.list("nodeSelectorTerms"));
    let at = AT.child("affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms");
    if !old.is_empty() && old.len() != new.len() {
        let detail = "no additions/deletions to non-empty NodeSelectorTerms list are allowed";
        return check.invalid(&at, TypedList(TERM, new), detail);
    }
    for (i, (new, old)) in new.iter().zip(old).enumerate() {
        let grown =
            |list: &str| new.list(list).len() >= old.list(list).len() && old.list(list).iter().zip(new.list(list)).all(|(a, b)| a == b);
        let lists = ["matchExpressions", "matchFields"];
        let was_empty = lists.iter().all(|l| old.list(l).is_empty());
        let still_empty = lists.iter().all(|l| new.list(l).is_empty());
        if !lists.iter().all(|l| grown(l)) || was_empty && !still_empty {
            check.invalid(&at.index(i), Typed(TERM, new), "only additions are allowed (no mutations or deletions)");
        }
    }
}
