//! Deployments, ReplicaSets, StatefulSets and DaemonSets.
//!
//! Follows `pkg/apis/apps/validation/validation.go`.

use super::check::{Check, LabelSelector, Place, Typed, TypedList};
use super::formats::{dns_label, percent};
use super::metadata::{self, Names};
use super::pod;
use super::read::Read;
use super::selector::{self, Matching};
use super::{annotations, claims};
use crate::object::{Value, map_at};
use crate::schema::Version;

const AT: Place<'static> = Place::root("spec");
const NO_MATCH: &str = "`selector` does not match template `labels`";
const IMMUTABLE: &str = "field is immutable";

/// A Deployment, new or changed.
pub(super) fn deployment(check: &mut Check, new: &Value, old: Option<&Value>) {
    head(check, new, old, Names::Subdomain);
    let spec = new.part("spec");
    check.nonnegative(spec.number("replicas"), &AT.child("replicas"));
    selected_template(check, spec, "deployment", "ReplicaSet");
    deployment_strategy(check, spec.part("strategy"), &AT.child("strategy"));
    for name in ["minReadySeconds", "revisionHistoryLimit"] {
        check.nonnegative(spec.number(name), &AT.child(name));
    }
    if let Some(deadline) = spec.number_if_set("progressDeadlineSeconds") {
        let at = AT.child("progressDeadlineSeconds");
        check.nonnegative(deadline, &at);
        if deadline <= spec.number("minReadySeconds") {
            check.invalid(&at, deadline, "must be greater than minReadySeconds");
        }
    }
    immutable_selector(check, new, old);
}

/// A ReplicaSet, new or changed.
pub(super) fn replica_set(check: &mut Check, new: &Value, old: Option<&Value>) {
    head(check, new, old, Names::Subdomain);
    let spec = new.part("spec");
    for name in ["replicas", "minReadySeconds"] {
        check.nonnegative(spec.number(name), &AT.child(name));
    }
    selected_template(check, spec, "deployment", "ReplicaSet");
    immutable_selector(check, new, old);
}

fn head(check: &mut Check, new: &Value, old: Option<&Value>, names: Names) {
    match old {
        Some(old) => metadata::update(check, new, old),
        None => metadata::metadata(check, new, true, names),
    }
}

fn immutable_selector(check: &mut Check, new: &Value, old: Option<&Value>) {
    let Some(old) = old else { return };
    let (new, old) = (new.part("spec").part("selector"), old.part("spec").part("selector"));
    if !check.same("io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector", new, old) {
        check.invalid(&AT.child("selector"), LabelSelector(new), IMMUTABLE);
    }
}

/// The selector, and the template that it must match.
fn selected_template(check: &mut Check, spec: &Value, noun: &str, kind: &str) {
    let (chosen, at, template) = (spec.part("selector"), AT.child("selector"), spec.part("template"));
    if chosen.is_null() {
        check.required(&at, "");
    } else {
        selector::selector(check, chosen, false, &at);
        if selector::is_empty(chosen) {
            check.invalid(&at, LabelSelector(chosen), &format!("empty selector is invalid for {noun}"));
        }
    }
    let labels = template.part("metadata").part("labels");
    match selector::matching(check, chosen, labels) {
        Matching::Broken => return check.invalid(&at, chosen, if noun == "statefulset" { "" } else { "invalid label selector" }),
        Matching::Matches(false) => check.invalid(&AT.child("template.metadata.labels"), labels, NO_MATCH),
        Matching::Matches(true) | Matching::Everything => {}
    }
    if noun == "statefulset" {
        return;
    }
    pod::template(check, template, &AT.child("template"));
    always_restarted(check, template, kind);
}

/// The pods of these workloads have no end.
fn always_restarted(check: &mut Check, template: &Value, kind: &str) {
    let (spec, at) = (template.part("spec"), AT.child("template.spec"));
    check.one_of(&at.child("restartPolicy"), spec.text("restartPolicy"), &["Always"]);
    if spec.has("activeDeadlineSeconds") {
        check.forbidden(&at.child("activeDeadlineSeconds"), &format!("activeDeadlineSeconds in {kind} is not Supported"));
    }
}

fn deployment_strategy(check: &mut Check, strategy: &Value, at: &Place) {
    let (rolling, rolling_at) = (strategy.field("rollingUpdate"), at.child("rollingUpdate"));
    match (strategy.text("type"), rolling) {
        ("Recreate", Some(_)) => check.forbidden(&rolling_at, "may not be specified when strategy `type` is 'Recreate'"),
        ("Recreate", None) => {}
        ("RollingUpdate", None) => check.required(&rolling_at, "this should be defaulted and never be nil"),
        ("RollingUpdate", Some(rolling)) => {
            let (unavailable, surge) = (rolling.part("maxUnavailable"), rolling.part("maxSurge"));
            let unavailable_at = rolling_at.child("maxUnavailable");
            positive_int_or_percent(check, unavailable, &unavailable_at);
            positive_int_or_percent(check, surge, &rolling_at.child("maxSurge"));
            if int_or_percent(unavailable) == 0 && int_or_percent(surge) == 0 {
                check.invalid(&unavailable_at, unavailable, "may not be 0 when `maxSurge` is 0");
            }
            at_most_all(check, unavailable, &unavailable_at);
        }
        _ => {
            let shown = Typed("io.k8s.api.apps.v1.DeploymentStrategy", strategy);
            check.not_supported(at, shown, &["Recreate", "RollingUpdate"]);
        }
    }
}

/// A number that is not negative, or a percentage.
pub(super) fn positive_int_or_percent(check: &mut Check, value: &Value, at: &Place) {
    match value.as_str() {
        Some(text) => check.invalid_each(at, text, percent(text)),
        None => check.nonnegative(value.as_i64().unwrap_or(0), at),
    }
}

/// A percentage of at most a hundred, or any number.
pub(super) fn at_most_all(check: &mut Check, value: &Value, at: &Place) {
    if let Some(text) = value.as_str().filter(|t| percent(t).is_empty() && int_or_percent(value) > 100) {
        check.invalid(at, text, "must not be greater than 100%");
    }
}

/// The number in front of a percent sign, or the number itself; a text that is neither counts as Go's Atoi reads it, or as 0.
fn int_or_percent(value: &Value) -> i64 {
    match value.as_str() {
        Some(text) if percent(text).is_empty() => text[..text.len() - 1].parse().unwrap_or(i64::MAX),
        Some(text) => text.parse().unwrap_or(0),
        None => value.as_i64().unwrap_or(0),
    }
}

/// A DaemonSet, new or changed.
pub(super) fn daemon_set(check: &mut Check, new: &Value, old: Option<&Value>) {
    head(check, new, old, Names::Subdomain);
    if let Some(old) = old {
        template_generation(check, new, old);
    }
    immutable_selector(check, new, old);
    let (spec, at) = (new.part("spec"), AT.child("selector"));
    let (chosen, template) = (spec.part("selector"), spec.part("template"));
    selector::selector(check, chosen, check.options.lax_selectors, &at);
    let labels = template.part("metadata").part("labels");
    if selector::matching(check, chosen, labels) == Matching::Matches(false) {
        check.invalid(&AT.child("template.metadata.labels"), labels, NO_MATCH);
    }
    if !chosen.is_null() && selector::is_empty(chosen) {
        check.invalid(&at, LabelSelector(chosen), "empty selector is invalid for daemonset");
    }
    pod::template(check, template, &AT.child("template"));
    always_restarted(check, template, "DaemonSet");
    check.nonnegative(spec.number("minReadySeconds"), &AT.child("minReadySeconds"));
    daemon_set_strategy(check, spec.part("updateStrategy"), &AT.child("updateStrategy"));
    check.nonnegative(spec.number("revisionHistoryLimit"), &AT.child("revisionHistoryLimit"));
}

/// The generation of the template, which v1 keeps in an annotation, follows the template.
fn template_generation(check: &mut Check, new: &Value, old: &Value) {
    let of = |set: &Value| annotations::template_generation(set);
    let (now, was, at) = (of(new), of(old), AT.child("templateGeneration"));
    if now < was {
        check.invalid(&at, now, "must not be decremented");
    }
    let template = |set: &Value| set.part("spec").part("template").clone();
    let (new, old) = (template(new), template(old));
    let changed = !check.same("io.k8s.api.core.v1.PodTemplateSpec", &new, &old);
    if now == was && changed {
        check.invalid(&at, now, "must be incremented upon template update");
    } else if now > was && !changed {
        check.invalid(&at, now, "must not be incremented without template update");
    }
}

fn daemon_set_strategy(check: &mut Check, strategy: &Value, at: &Place) {
    let at_rolling = at.child("rollingUpdate");
    match (strategy.text("type"), strategy.field("rollingUpdate")) {
        ("OnDelete", _) => {}
        ("RollingUpdate", None) => check.required(&at_rolling, ""),
        ("RollingUpdate", Some(rolling)) => {
            let (unavailable, surge) = (rolling.part("maxUnavailable"), rolling.part("maxSurge"));
            let (unavailable_at, surge_at) = (at_rolling.child("maxUnavailable"), at_rolling.child("maxSurge"));
            positive_int_or_percent(check, unavailable, &unavailable_at);
            positive_int_or_percent(check, surge, &surge_at);
            at_most_all(check, unavailable, &unavailable_at);
            at_most_all(check, surge, &surge_at);
            match (int_or_percent(unavailable) != 0, int_or_percent(surge) != 0) {
                (true, true) => check.invalid(&surge_at, surge, "may not be set when maxUnavailable is non-zero"),
                (false, false) => check.required(&unavailable_at, "cannot be 0 when maxSurge is 0"),
                _ => {}
            }
        }
        _ => {
            let shown = Typed("io.k8s.api.apps.v1.DaemonSetUpdateStrategy", strategy);
            check.not_supported(at, shown, &["RollingUpdate", "OnDelete"]);
        }
    }
}

/// A StatefulSet, new or changed. An old one that is invalid itself is not held to its template again.
pub(super) fn stateful_set(check: &mut Check, new: &Value, old: Option<&Value>) {
    head(check, new, old, Names::Label);
    let mut template_too = true;
    if let Some(old) = old {
        let before = check.count();
        // What was sent with empty parts was sent for the new one.
        let sent = check.sent.take();
        stateful_set_spec(check, old.part("spec"), false, true);
        check.sent = sent;
        template_too = check.count() == before;
        check.causes.truncate(before);
    }
    stateful_set_spec(check, new.part("spec"), old.is_none(), template_too);
    if let Some(old) = old {
        stateful_set_immutable(check, new.part("spec"), old.part("spec"));
    }
}

fn stateful_set_spec(check: &mut Check, spec: &Value, create: bool, template_too: bool) {
    let policy_at = AT.child("podManagementPolicy");
    match spec.text("podManagementPolicy") {
        "" => check.required(&policy_at, ""),
        "OrderedReady" | "Parallel" => {}
        other => check.invalid(&policy_at, other, "must be 'OrderedReady' or 'Parallel'"),
    }
    stateful_set_strategy(check, spec.part("updateStrategy"), &AT.child("updateStrategy"));
    if let Some(policy) = spec.field("persistentVolumeClaimRetentionPolicy") {
        let at = AT.child("persistentVolumeClaimRetentionPolicy");
        for name in ["whenDeleted", "whenScaled"] {
            check.one_of(&at.child(name), policy.text(name), &["Retain", "Delete"]);
        }
    }
    if create {
        let list_at = AT.child("volumeClaimTemplates");
        for (i, claim) in spec.list("volumeClaimTemplates").iter().enumerate() {
            claims::spec(check, claim.part("spec"), false, &list_at.index(i).child("spec"));
        }
    }
    for name in ["replicas", "minReadySeconds"] {
        check.nonnegative(spec.number(name), &AT.child(name));
    }
    check.nonnegative(spec.part("ordinals").number("start"), &AT.child("ordinals.start"));
    let service = spec.text("serviceName");
    if create && !service.is_empty() {
        check.invalid_each(&AT.child("serviceName"), service, dns_label(service));
    }
    selected_template(check, spec, "statefulset", "StatefulSet");
    let (template, at) = (spec.part("template"), AT.child("template"));
    let usable = selector::matching(check, spec.part("selector"), &Value::Null) != Matching::Broken;
    if usable {
        if template_too {
            pod::template(check, &with_claims(spec, template), &at);
        }
        let meta = template.part("metadata");
        selector::labels(check, meta.part("labels"), &at.child("labels"));
        metadata::annotations(check, meta.part("annotations"), &at.child("annotations"));
        pod::annotations(check, meta, template.part("spec"), &at.child("annotations"));
    }
    always_restarted(check, template, "StatefulSet");
}

/// The template as its pods will have it: host name and subdomain are the controller's, and every claim template is a volume.
fn with_claims(spec: &Value, template: &Value) -> Value {
    let mut template = template.clone();
    let claims = spec.list("volumeClaimTemplates");
    // The server holds the volumes to add in a map by name, so several have no order of their own there.
    let mut names: Vec<&str> = Vec::new();
    for name in claims.iter().map(|c| c.part("metadata").text("name")) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let pod = map_at(&mut template, &["spec"]);
    pod.shift_remove("hostname");
    pod.shift_remove("subdomain");
    if !names.is_empty() {
        let own = pod.get("volumes").and_then(Value::as_array).cloned().unwrap_or_default();
        let mut volumes: Vec<Value> =
            names.iter().map(|name| crate::object::json!({"name": name, "persistentVolumeClaim": {"claimName": name}})).collect();
        volumes.extend(own.into_iter().filter(|v| !names.contains(&v.text("name"))));
        pod.insert("volumes".into(), volumes.into());
    }
    template
}

fn stateful_set_strategy(check: &mut Check, strategy: &Value, at: &Place) {
    let at_rolling = at.child("rollingUpdate");
    match (strategy.text("type"), strategy.field("rollingUpdate")) {
        ("", _) => check.required(at, ""),
        ("OnDelete" | "RollingUpdate", None) => {}
        ("OnDelete", Some(rolling)) => {
            let shown = Typed("io.k8s.api.apps.v1.RollingUpdateStatefulSetStrategy", rolling);
            check.invalid(&at_rolling, shown, "only allowed for updateStrategy 'RollingUpdate'");
        }
        ("RollingUpdate", Some(rolling)) => {
            check.nonnegative(rolling.number("partition"), &at_rolling.child("partition"));
            if let Some(unavailable) = rolling.field("maxUnavailable") {
                let at = at_rolling.child("maxUnavailable");
                positive_int_or_percent(check, unavailable, &at);
                if int_or_percent(unavailable) == 0 {
                    check.invalid(&at, unavailable, "cannot be 0");
                }
                at_most_all(check, unavailable, &at);
            }
        }
        _ => {
            let shown = Typed("io.k8s.api.apps.v1.StatefulSetUpdateStrategy", strategy);
            check.invalid(at, shown, "must be 'RollingUpdate' or 'OnDelete'");
        }
    }
}

/// The fields that a StatefulSet keeps for life. Since 1.37 each is refused by itself.
fn stateful_set_immutable(check: &mut Check, new: &Value, old: &Value) {
    const SPEC: &str = "io.k8s.api.apps.v1.StatefulSetSpec";
    const CLAIM: &str = "io.k8s.api.core.v1.PersistentVolumeClaim";
    const SELECTOR: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.LabelSelector";
    for name in ["selector", "volumeClaimTemplates", "serviceName", "podManagementPolicy"] {
        let only = |spec: &Value| crate::object::json!({ name: spec.part(name) });
        if check.same(SPEC, &only(new), &only(old)) {
            continue;
        }
        if check.version() < Version::V1_37 {
            let fields = "'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds'";
            return check.forbidden(&AT, &format!("updates to statefulset spec for fields other than {fields} are forbidden"));
        }
        match name {
            "volumeClaimTemplates" => {
                let shown = TypedList(CLAIM, new.list(name));
                check.invalid(&AT.child(name), shown, IMMUTABLE);
            }
            "selector" => check.invalid(&AT.child(name), Typed(SELECTOR, new.part(name)), IMMUTABLE),
            _ => check.invalid(&AT.child(name), new.text(name), IMMUTABLE),
        }
    }
}
