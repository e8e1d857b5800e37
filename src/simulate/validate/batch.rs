//! Jobs and CronJobs.
//!
//! Follows `pkg/apis/batch/validation/validation.go` and `pkg/registry/batch/*/strategy.go`.

use super::check::{Check, Json, LabelSelector, Place, Typed};
use super::formats::{dns_label, dns_subdomain, no_match, qualified_name};
use super::metadata::{self, Names};
use super::read::Read;
use super::selector::{self, Matching};
use super::{indexes, pod, schedule};
use crate::object::{Value, map_at};
use crate::schema::Version;
use std::collections::BTreeSet;

const AT: Place<'static> = Place::root("spec");
const IMMUTABLE: &str = "field is immutable";
const JOB: &str = "io.k8s.api.batch.v1.JobSpec";
/// Above so many completions, limits per index are tighter.
const MANY: i64 = 100_000;

/// A Job, new or changed.
pub(super) fn job(check: &mut Check, new: &Value, old: Option<&Value>) {
    let once = check.version() >= Version::V1_37;
    if !once || old.is_none() {
        metadata::metadata(check, new, true, Names::Subdomain);
        generated_selector(check, new, old);
        selected_spec(check, new.part("spec"));
        indexed_name(check, new);
    }
    let Some(old) = old else { return };
    metadata::update(check, new, old);
    let (spec, was) = (new.part("spec"), old.part("spec"));
    selected_spec(check, spec);
    completions(check, spec, was);
    immutable(check, spec, was, "selector");
    template_update(check, spec, was, old);
    for name in ["completionMode", "podFailurePolicy", "backoffLimitPerIndex", "managedBy", "successPolicy"] {
        immutable(check, spec, was, name);
    }
    if once {
        indexed_name(check, new);
    }
}

/// The name of a Job whose pods are named after it and their index.
fn indexed_name(check: &mut Check, job: &Value) {
    let spec = job.part("spec");
    let count = spec.number("completions");
    if spec.text("completionMode") == "Indexed" && count > 0 {
        let name = job.part("metadata").text("name");
        let last = format!("{name}-{}", count - 1);
        if !dns_label(&last).is_empty() {
            let detail = format!("will not able to create pod with invalid DNS label: {last}");
            check.invalid(&Place::root("metadata.name"), name, &detail);
        }
    }
}

/// The selector and labels that the server makes for a Job, unless it is told not to.
fn generated_selector(check: &mut Check, job: &Value, old: Option<&Value>) {
    let (spec, meta) = (job.part("spec"), job.part("metadata"));
    if spec.on("manualSelector") || !spec.has("selector") {
        return;
    }
    let (uid, name) = (meta.text("uid"), meta.text("name"));
    if uid.is_empty() {
        check.required(&Place::root("metadata.uid"), "");
    }
    let had = |label: &str| old.is_none_or(|o| o.part("spec").part("template").part("metadata").part("labels").has(label));
    let prefixed = had("batch.kubernetes.io/job-name") && had("batch.kubernetes.io/controller-uid");
    let mut expected = vec![("controller-uid", uid), ("job-name", name)];
    if prefixed {
        expected.extend([("batch.kubernetes.io/controller-uid", uid), ("batch.kubernetes.io/job-name", name)]);
    }
    let labels = spec.part("template").part("metadata").part("labels");
    let labels_at = Place::root("spec.template.metadata.labels");
    for (label, value) in &expected {
        match labels.field(label).and_then(Value::as_str) {
            None => check.required(&labels_at.key(label), &format!("must be '{value}'")),
            Some(found) if found != *value => check.invalid(&labels_at.key(label), labels, &format!("must be '{value}'")),
            Some(_) => {}
        }
    }
    let expected: Value = expected.into_iter().map(|(k, v)| (k.to_owned(), Value::from(v))).collect::<crate::object::Map>().into();
    if selector::matching(check, spec.part("selector"), &expected) == Matching::Matches(false) {
        check.invalid(&AT.child("selector"), LabelSelector(spec.part("selector")), "`selector` not auto-generated");
    }
}

fn selected_spec(check: &mut Check, spec: &Value) {
    job_spec(check, spec, &AT);
    let (chosen, at) = (spec.part("selector"), AT.child("selector"));
    if chosen.is_null() {
        check.required(&at, "");
    }
    selector::selector(check, chosen, check.options.lax_selectors, &at);
    let labels = spec.part("template").part("metadata").part("labels");
    if selector::matching(check, chosen, labels) == Matching::Matches(false) {
        check.invalid(&AT.child("template.metadata.labels"), labels, "`selector` does not match template `labels`");
    }
}

fn job_spec(check: &mut Check, spec: &Value, at: &Place) {
    let numbers = [
        "parallelism",
        "completions",
        "activeDeadlineSeconds",
        "backoffLimit",
        "ttlSecondsAfterFinished",
        "backoffLimitPerIndex",
        "maxFailedIndexes",
    ];
    for name in numbers {
        check.nonnegative(spec.number(name), &at.child(name));
    }
    if spec.has("maxFailedIndexes") && !spec.has("backoffLimitPerIndex") {
        check.required(&at.child("backoffLimitPerIndex"), "when maxFailedIndexes is specified");
    }
    if spec.has("managedBy") {
        domain_prefixed_path(check, spec.text("managedBy"), &at.child("managedBy"));
        if spec.text("managedBy").len() > 63 {
            check.too_long(&at.child("managedBy"), 63);
        }
    }
    completion_mode(check, spec, at);
    if let Some(policy) = spec.field("podFailurePolicy") {
        failure_policy(check, spec, policy, &at.child("podFailurePolicy"));
    }
    if let Some(policy) = spec.field("successPolicy") {
        let at = at.child("successPolicy");
        if spec.text("completionMode") == "Indexed" {
            success_policy(check, spec, policy, &at);
        } else {
            let shown = Typed("io.k8s.api.batch.v1.SuccessPolicy", policy);
            check.invalid(&at, shown, "requires indexed completion mode");
        }
    }
    if spec.has("podReplacementPolicy") {
        let both: &[&str] = &["Failed", "TerminatingOrFailed"];
        let supported = if spec.has("podFailurePolicy") { &both[..1] } else { both };
        check.one_of(&at.child("podReplacementPolicy"), spec.text("podReplacementPolicy"), supported);
    }
    let template = spec.part("template");
    pod::template(check, template, &at.child("template"));
    let restart_at = at.child("template.spec.restartPolicy");
    match template.part("spec").text("restartPolicy") {
        "Always" | "" => check.required(&restart_at, "valid values: \"OnFailure\", \"Never\""),
        "OnFailure" if spec.has("podFailurePolicy") => {
            check.invalid(&restart_at, "OnFailure", "only \"Never\" is supported when podFailurePolicy is specified");
        }
        policy => check.one_of(&restart_at, policy, &["OnFailure", "Never"]),
    }
}

fn completion_mode(check: &mut Check, spec: &Value, at: &Place) {
    let (parallelism, completions) = (spec.number("parallelism"), spec.number_if_set("completions"));
    let (per_index, most_failed) = (spec.number_if_set("backoffLimitPerIndex"), spec.number_if_set("maxFailedIndexes"));
    let (parallel_at, failed_at) = (at.child("parallelism"), at.child("maxFailedIndexes"));
    // Held by pointer: an empty text is a mode that is not supported.
    match spec.field("completionMode").map_or("NonIndexed", |mode| mode.as_str().unwrap_or_default()) {
        "Indexed" => {
            if completions.is_none() {
                check.required(&at.child("completions"), "when completion mode is Indexed");
            }
            if parallelism > MANY {
                let detail = format!("must be less than or equal to {MANY} when completion mode is Indexed");
                check.invalid(&parallel_at, parallelism, &detail);
            }
            if let (Some(failed), Some(all)) = (most_failed, completions)
                && failed > all
            {
                check.invalid(&failed_at, failed, "must be less than or equal to completions");
            }
            if let Some(failed) = most_failed.filter(|f| *f > MANY) {
                check.invalid(&failed_at, failed, &format!("must be less than or equal to {MANY}"));
            }
            if completions.is_some_and(|c| c > MANY) && per_index.is_some() {
                let tight = 10_000;
                let detail = format!(
                    "must be less than or equal to {tight} when completions are above {MANY} and used with backoff limit per index"
                );
                if most_failed.is_none() {
                    check.required(&failed_at, &format!("must be specified when completions is above {MANY}"));
                }
                if parallelism > tight {
                    check.invalid(&parallel_at, parallelism, &detail);
                }
                if let Some(failed) = most_failed.filter(|f| *f > tight) {
                    check.invalid(&failed_at, failed, &detail);
                }
            }
        }
        "NonIndexed" => {
            for (name, number) in [("backoffLimitPerIndex", per_index), ("maxFailedIndexes", most_failed)] {
                if let Some(number) = number {
                    check.invalid(&at.child(name), number, "requires indexed completion mode");
                }
            }
        }
        other => check.not_supported(&at.child("completionMode"), other, &["NonIndexed", "Indexed"]),
    }
}

fn failure_policy(check: &mut Check, spec: &Value, policy: &Value, at: &Place) {
    let (list_at, rules) = (at.child("rules"), policy.list("rules"));
    if rules.len() > 20 {
        check.too_many(&list_at, rules.len(), 20);
    }
    let pod = spec.part("template").part("spec");
    let names: BTreeSet<&str> = ["containers", "initContainers"].into_iter().flat_map(|l| pod.list(l)).map(|c| c.text("name")).collect();
    for (i, rule) in rules.iter().enumerate() {
        let at = list_at.index(i);
        let actions = ["Count", "FailIndex", "FailJob", "Ignore"];
        match rule.text("action") {
            "" => check.required(&at.child("action"), "valid values: [\"Count\" \"FailIndex\" \"FailJob\" \"Ignore\"]"),
            "FailIndex" if !spec.has("backoffLimitPerIndex") => {
                check.invalid(&at.child("action"), "FailIndex", "requires the backoffLimitPerIndex to be set");
            }
            action => check.one_of(&at.child("action"), action, &actions),
        }
        let (codes, conditions) = (rule.field("onExitCodes"), rule.list("onPodConditions"));
        if let Some(codes) = codes {
            exit_codes(check, codes, &names, &at.child("onExitCodes"));
        }
        if !conditions.is_empty() {
            pod_conditions(check, conditions, &at.child("onPodConditions"));
        }
        match (codes.is_some(), conditions.is_empty()) {
            (true, false) => check.invalid_omitted(&at, "specifying both OnExitCodes and OnPodConditions is not supported"),
            (false, true) => check.invalid_omitted(&at, "specifying one of OnExitCodes and OnPodConditions is required"),
            _ => {}
        }
    }
}

fn exit_codes(check: &mut Check, codes: &Value, names: &BTreeSet<&str>, at: &Place) {
    let operator = codes.text("operator");
    if operator.is_empty() {
        check.required(&at.child("operator"), "valid values: [\"In\" \"NotIn\"]");
    } else {
        check.one_of(&at.child("operator"), operator, &["In", "NotIn"]);
    }
    let container = codes.text("containerName");
    if codes.has("containerName") && !names.contains(container) {
        let detail = "must be one of the container or initContainer names in the pod template";
        check.invalid(&at.child("containerName"), container, detail);
    }
    let (list_at, values) = (at.child("values"), codes.list("values"));
    if values.is_empty() {
        check.invalid(&list_at, codes.part("values"), "at least one value is required");
    } else if values.len() > 255 {
        check.too_many(&list_at, values.len(), 255);
    }
    let numbers: Vec<i64> = values.iter().filter_map(Value::as_i64).collect();
    let mut seen = BTreeSet::new();
    for (i, code) in numbers.iter().enumerate() {
        if operator == "In" && *code == 0 {
            check.invalid(&list_at.index(i), 0, "must not be 0 for the In operator");
        }
        if !seen.insert(code) {
            check.duplicate(&list_at.index(i), *code);
        }
    }
    if !numbers.is_sorted() {
        check.invalid(&list_at, codes.part("values"), "must be ordered");
    }
}

fn pod_conditions(check: &mut Check, conditions: &[Value], list_at: &Place) {
    if conditions.len() > 20 {
        check.too_many(list_at, conditions.len(), 20);
    }
    for (i, condition) in conditions.iter().enumerate() {
        let (at, kind) = (list_at.index(i), condition.text("type"));
        check.invalid_each(&at.child("type"), kind, qualified_name(check.version(), kind));
        match condition.text("status") {
            "" => check.required(&at.child("status"), "valid values: [\"False\" \"True\" \"Unknown\"]"),
            status => check.one_of(&at.child("status"), status, &["False", "True", "Unknown"]),
        }
    }
}

fn success_policy(check: &mut Check, spec: &Value, policy: &Value, at: &Place) {
    let (list_at, rules, completions) = (at.child("rules"), policy.list("rules"), spec.number("completions"));
    if rules.is_empty() {
        check.required(&list_at, "at least one rules must be specified when the successPolicy is specified");
    }
    if rules.len() > 20 {
        check.too_many(&list_at, rules.len(), 20);
    }
    for (i, rule) in rules.iter().enumerate() {
        let at = list_at.index(i);
        let (indexes, count) = (rule.field("succeededIndexes").and_then(Value::as_str), rule.number_if_set("succeededCount"));
        if indexes.is_none() && count.is_none() {
            check.required(&at, "at least one of succeededCount or succeededIndexes must be specified");
        }
        let mut total = 0;
        if let Some(text) = indexes {
            if text.len() > 64 * 1024 {
                check.too_long(&at.child("succeededIndexes"), 64 * 1024);
            }
            match indexes::count(text, completions) {
                Ok(found) => total = found,
                Err(why) => {
                    let detail = format!("error parsing succeededIndexes: {why}");
                    check.invalid(&at.child("succeededIndexes"), text, &detail);
                }
            }
        }
        if let Some(count) = count {
            let at = at.child("succeededCount");
            check.nonnegative(count, &at);
            if count > completions {
                let detail = format!("must be less than or equal to {completions} (the number of specified completions)");
                check.invalid(&at, count, &detail);
            }
            if indexes.is_some() && count > total {
                let which = "(the number of indexes in the specified succeededIndexes field)";
                check.invalid(&at, count, &format!("must be less than or equal to {total} {which}"));
            }
        }
    }
}

/// `example.com/anything`.
pub(super) fn domain_prefixed_path(check: &mut Check, text: &str, at: &Place) {
    if !check.filled(text, at) {
        return;
    }
    let Some((host, path)) = text.split_once('/').filter(|(host, path)| !host.is_empty() && !path.is_empty()) else {
        return check.invalid(at, text, "must be a domain-prefixed path (such as \"acme.io/foo\")");
    };
    check.invalid_each(at, host, dns_subdomain(host));
    if !path.bytes().all(|b| b.is_ascii_alphanumeric() || b"/-._~%!$&'()*+,;=:".contains(&b)) {
        check.invalid(at, path, &no_match("Invalid path", "[A-Za-z0-9/\\-._~%!$&'()*+,;=:]+", &[]));
    }
}

fn immutable(check: &mut Check, new: &Value, old: &Value, name: &str) {
    let only = |spec: &Value| crate::object::json!({ name: spec.part(name) });
    if check.same(JOB, &only(new), &only(old)) {
        return;
    }
    let ty = match name {
        "podFailurePolicy" => "io.k8s.api.batch.v1.PodFailurePolicy",
        "successPolicy" => "io.k8s.api.batch.v1.SuccessPolicy",
        "selector" => return check.invalid(&AT.child(name), LabelSelector(new.part(name)), IMMUTABLE),
        _ => return check.invalid(&AT.child(name), new.part(name), IMMUTABLE),
    };
    let shown = Typed(ty, new.part(name));
    check.invalid(&AT.child(name), shown, IMMUTABLE);
}

fn completions(check: &mut Check, spec: &Value, was: &Value) {
    let (now, before, at) = (spec.number_if_set("completions"), was.number_if_set("completions"), AT.child("completions"));
    if now == before {
        return;
    }
    if spec.text("completionMode") != "Indexed" {
        check.invalid(&at, spec.part("completions"), IMMUTABLE);
    } else if now.is_some_and(|n| n != spec.number("parallelism")) {
        check.invalid(&at, spec.part("completions"), "can only be modified in tandem with spec.parallelism");
    }
}

/// A Job that waits may still be told where to run and, since 1.36, with how much.
fn template_update(check: &mut Check, spec: &Value, was: &Value, old: &Value) {
    const TEMPLATE: &str = "io.k8s.api.core.v1.PodTemplateSpec";
    const POD: &str = "io.k8s.api.core.v1.PodSpec";
    let (new_template, mut old_template) = (spec.part("template"), was.part("template").clone());
    let (suspended, status) = (was.on("suspend"), old.part("status"));
    let not_started = !status.has("startTime");
    let told_so = status.list("conditions").iter().any(|c| c.text("type") == "Suspended" && c.text("status") == "True");
    let waiting = suspended && (not_started || told_so) && status.number("active") == 0;
    let newer = check.version() >= Version::V1_36;
    if if newer { waiting } else { suspended && not_started } {
        take_directives(&mut old_template, new_template);
    }
    if suspended && waiting && newer {
        let new = new_template.part("spec");
        let mut old = old_template.part("spec").clone();
        take_resources(&mut old, new);
        if !check.same(POD, new, &old) {
            let shown = Typed(POD, new);
            check.invalid(&AT.child("template.spec"), shown, IMMUTABLE);
        }
    } else if !check.same(TEMPLATE, new_template, &old_template) {
        let shown = Typed(TEMPLATE, new_template);
        check.invalid(&AT.child("template"), shown, IMMUTABLE);
    }
}

fn take(into: &mut Value, path: &[&str], from: &Value, name: &str) {
    match from.field(name) {
        Some(value) => drop(map_at(into, path).insert(name.into(), value.clone())),
        None => drop(map_at(into, path).shift_remove(name)),
    }
}

fn take_directives(old: &mut Value, new: &Value) {
    for name in ["annotations", "labels"] {
        take(old, &["metadata"], new.part("metadata"), name);
    }
    let spec = new.part("spec");
    for name in ["nodeSelector", "tolerations", "schedulingGates"] {
        take(old, &["spec"], spec, name);
    }
    let had = old.part("spec").has("affinity");
    if had || spec.has("affinity") {
        take(old, &["spec", "affinity"], spec.part("affinity"), "nodeAffinity");
    }
    let empty = old.part("spec").part("affinity").as_object().is_some_and(|a| a.is_empty());
    if empty && !spec.has("affinity") {
        map_at(old, &["spec"]).shift_remove("affinity");
    }
}

fn take_resources(old: &mut Value, new: &Value) {
    for list in ["containers", "initContainers"] {
        let containers = old.get_mut(list).and_then(Value::as_array_mut);
        let Some(containers) = containers.filter(|c| c.len() == new.list(list).len()) else { continue };
        for (old, new) in containers.iter_mut().zip(new.list(list)) {
            if old.text("name") == new.text("name") {
                take(old, &[], new, "resources");
            }
        }
    }
}

/// A CronJob, new or changed.
pub(super) fn cron_job(check: &mut Check, new: &Value, old: Option<&Value>) {
    match old {
        Some(old) => metadata::update(check, new, old),
        None => metadata::metadata(check, new, true, Names::Subdomain),
    }
    let (spec, was) = (new.part("spec"), old.map(|o| o.part("spec")));
    schedule::schedule(check, spec, was, &AT.child("schedule"));
    check.nonnegative(spec.number("startingDeadlineSeconds"), &AT.child("startingDeadlineSeconds"));
    if was.is_none_or(|w| w.field("timeZone") != spec.field("timeZone")) {
        schedule::time_zone(check, spec, &AT.child("timeZone"));
    }
    pod::known(check, spec, "concurrencyPolicy", &["Allow", "Forbid", "Replace"], &AT);
    let (job, at) = (spec.part("jobTemplate").part("spec"), AT.child("jobTemplate.spec"));
    job_spec(check, job, &at);
    if let Some(selector) = job.field("selector") {
        check.invalid(&at.child("selector"), LabelSelector(selector), "`selector` will be auto-generated");
    }
    if job.on("manualSelector") {
        check.not_supported(&at.child("manualSelector"), Json("true".into()), &["nil", "false"]);
    }
    for name in ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"] {
        check.nonnegative(spec.number(name), &AT.child(name));
    }
    let name = new.part("metadata").text("name");
    if old.is_none() && name.len() > 52 {
        check.invalid(&Place::root("metadata.name"), name, "must be no more than 52 characters");
    }
}
