//! HorizontalPodAutoscalers in the two versions that are served: stored as `autoscaling/v2`, converted for whoever asks for v1.
//!
//! Follows `pkg/apis/autoscaling/v1/conversion.go`: v1 has one target, the use of CPU; all other metrics, the behaviour and most of the
//! status it carries in annotations. It is the only built-in kind that is served in two versions.

use super::validate::shown_as;
use crate::object::{Gvk, Map, Value, at, items, json, map_at, text};
use crate::schema::decode::arrange;
use crate::schema::{Schema, Type};

const V2: &str = "autoscaling/v2";
const V1: &str = "autoscaling/v1";
const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
const STATUSES: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const ROUND_TRIP: [&str; 6] = [
    METRICS,
    BEHAVIOR,
    STATUSES,
    CONDITIONS,
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
];
const BEHAVIOR_TYPE: &str = "io.k8s.api.autoscaling.v2.HorizontalPodAutoscalerBehavior";
const CURRENT: &str = "currentReplicas";
/// What a v1 object without any metric is taken to want.
const DEFAULT_CPU: i64 = 80;

/// The version in which objects of a kind are stored, if it is another than this one.
pub(super) fn stored_version(gvk: &Gvk) -> Option<&'static str> {
    (gvk.group == "autoscaling" && gvk.kind == "HorizontalPodAutoscaler" && gvk.version == "v1").then_some(V2)
}

/// An object sent in v1 as the server reads it: the annotations in which conversions put what v1 has no fields for are made anew.
pub(super) fn as_decoded(schema: &Schema, object: Value) -> Value {
    if stored_version(&Gvk::of(&object)).is_none() {
        return object;
    }
    let mut read = to_v1(schema, &to_v2(schema, &object));
    if let Some(ty) = schema.resource_of("autoscaling", "v1", "HorizontalPodAutoscaler").and_then(|r| r.ty.as_ref()) {
        arrange(schema, ty, &mut read);
    }
    read
}

/// An autoscaler in a version that is not its own; none for any other object or version.
pub(super) fn converted(schema: &Schema, object: &Value, api_version: &str) -> Option<(Value, Type)> {
    let gvk = Gvk::of(object);
    if gvk.group != "autoscaling" || gvk.kind != "HorizontalPodAutoscaler" || gvk.api_version() == api_version {
        return None;
    }
    let version = api_version.strip_prefix("autoscaling/")?;
    let ty = schema.resource_of(&gvk.group, version, &gvk.kind)?.ty.clone()?;
    let mut other = if version == "v1" { to_v1(schema, object) } else { to_v2(schema, object) };
    // What is never left out comes with no value where there was none: an apply that prunes in another version keeps it for that.
    map_at(&mut other, &["spec"]).entry("maxReplicas").or_insert(0.into());
    let target = map_at(&mut other, &["spec", "scaleTargetRef"]);
    for key in ["kind", "name"] {
        target.entry(key).or_insert("".into());
    }
    arrange(schema, &ty, &mut other);
    Some((other, ty))
}

/// The parts of a metric's source, by their names in v2 and in v1; the paths lead from the source.
const METRIC_PARTS: [(&str, &[Part]); 5] = [
    (
        "object",
        &[
            (&["describedObject"], &["target"]),
            (&["metric", "name"], &["metricName"]),
            (&["target", "value"], &["targetValue"]),
            (&["metric", "selector"], &["selector"]),
            (&["target", "averageValue"], &["averageValue"]),
        ],
    ),
    (
        "pods",
        &[
            (&["metric", "name"], &["metricName"]),
            (&["target", "averageValue"], &["targetAverageValue"]),
            (&["metric", "selector"], &["selector"]),
        ],
    ),
    (
        "resource",
        &[
            (&["name"], &["name"]),
            (&["target", "averageUtilization"], &["targetAverageUtilization"]),
            (&["target", "averageValue"], &["targetAverageValue"]),
        ],
    ),
    (
        "containerResource",
        &[
            (&["name"], &["name"]),
            (&["target", "averageUtilization"], &["targetAverageUtilization"]),
            (&["target", "averageValue"], &["targetAverageValue"]),
            (&["container"], &["container"]),
        ],
    ),
    (
        "external",
        &[
            (&["metric", "name"], &["metricName"]),
            (&["metric", "selector"], &["metricSelector"]),
            (&["target", "value"], &["targetValue"]),
            (&["target", "averageValue"], &["targetAverageValue"]),
        ],
    ),
];

/// The same of what was measured.
const STATUS_PARTS: [(&str, &[Part]); 5] = [
    (
        "object",
        &[
            (&["describedObject"], &["target"]),
            (&["metric", "name"], &["metricName"]),
            (&["current", "value"], &["currentValue"]),
            (&["metric", "selector"], &["selector"]),
            (&["current", "averageValue"], &["averageValue"]),
        ],
    ),
    (
        "pods",
        &[
            (&["metric", "name"], &["metricName"]),
            (&["current", "averageValue"], &["currentAverageValue"]),
            (&["metric", "selector"], &["selector"]),
        ],
    ),
    (
        "resource",
        &[
            (&["name"], &["name"]),
            (&["current", "averageUtilization"], &["currentAverageUtilization"]),
            (&["current", "averageValue"], &["currentAverageValue"]),
        ],
    ),
    (
        "containerResource",
        &[
            (&["name"], &["name"]),
            (&["current", "averageUtilization"], &["currentAverageUtilization"]),
            (&["current", "averageValue"], &["currentAverageValue"]),
            (&["container"], &["container"]),
        ],
    ),
    (
        "external",
        &[
            (&["metric", "name"], &["metricName"]),
            (&["metric", "selector"], &["metricSelector"]),
            (&["current", "value"], &["currentValue"]),
            (&["current", "averageValue"], &["currentAverageValue"]),
        ],
    ),
];

type Part = (&'static [&'static str], &'static [&'static str]);

/// Quantities that v1 holds and v2 points to: none is zero there.
const ALWAYS: [&str; 4] = ["targetValue", "currentValue", "currentAverageValue", "metricName"];

fn is_cpu_use(metric: &Value) -> bool {
    metric["type"] == "Resource"
        && metric["resource"]["name"] == "cpu"
        && at(metric, &["resource", "target", "averageUtilization"]).is_some()
}

/// The fields of an autoscaler that both versions have.
fn shared(object: &Value, api_version: &str) -> Value {
    let mut other = json!({"kind": "HorizontalPodAutoscaler", "apiVersion": api_version});
    let map = map_at(&mut other, &[]);
    map.extend(object.get("metadata").map(|metadata| ("metadata".to_owned(), metadata.clone())));
    for (part, fields) in [
        ("spec", &["scaleTargetRef", "minReplicas", "maxReplicas"][..]),
        ("status", &["observedGeneration", "lastScaleTime", "currentReplicas", "desiredReplicas"]),
    ] {
        if let Some(before) = object.get(part) {
            let kept = fields.iter().filter_map(|name| Some(((*name).to_owned(), before.get(*name)?.clone())));
            map.insert(part.into(), kept.collect::<Map>().into());
        }
    }
    other
}

fn annotations(object: &mut Value) -> &mut Map {
    map_at(object, &["metadata", "annotations"])
}

/// Takes out what only conversions write; an empty map goes, too.
fn drop_round_trip(object: &mut Value) {
    if at(object, &["metadata", "annotations"]).is_none() {
        return;
    }
    let map = annotations(object);
    ROUND_TRIP.iter().for_each(|key| drop(map.shift_remove(key)));
    if map.is_empty() {
        map_at(object, &["metadata"]).shift_remove("annotations");
    }
}

fn to_v1(schema: &Schema, v2: &Value) -> Value {
    let mut v1 = shared(v2, V1);
    drop_round_trip(&mut v1);
    // v1 writes out a count of zero, v2 leaves it away.
    if v1.get("status").is_some() {
        map_at(&mut v1, &["status"]).entry(CURRENT).or_insert(0.into());
    }
    let metrics = items(v2, &["spec", "metrics"]);
    if let Some(cpu) = metrics.iter().find(|m| is_cpu_use(m)) {
        let target = cpu["resource"]["target"]["averageUtilization"].clone();
        map_at(&mut v1, &["spec"]).insert("targetCPUUtilizationPercentage".into(), target);
    }
    let measured = items(v2, &["status", "currentMetrics"]);
    let cpu = measured.iter().rev().filter(|m| m["type"] == "Resource" && m["resource"]["name"] == "cpu");
    if let Some(used) = cpu.filter_map(|m| at(m, &["resource", "current", "averageUtilization"])).next() {
        map_at(&mut v1, &["status"]).insert("currentCPUUtilizationPercentage".into(), used.clone());
    }
    let mut told: Vec<(&str, String)> = Vec::new();
    let others: Vec<Value> = metrics.iter().filter(|m| !is_cpu_use(m)).map(|m| metric_to_v1(m, &METRIC_PARTS)).collect();
    if !others.is_empty() {
        told.push((METRICS, Value::from(others).to_string()));
    }
    if !measured.is_empty() {
        let measured: Vec<Value> = measured.iter().map(|m| metric_to_v1(m, &STATUS_PARTS)).collect();
        told.push((STATUSES, Value::from(measured).to_string()));
    }
    if let Some(behavior) = at(v2, &["spec", "behavior"]) {
        told.push((BEHAVIOR, shown_as(schema, BEHAVIOR_TYPE, behavior, None)));
    }
    if let Some(conditions) = at(v2, &["status", "conditions"]).filter(|c| c.as_array().is_some_and(|c| !c.is_empty())) {
        told.push((CONDITIONS, conditions.to_string()));
    }
    if !told.is_empty() {
        let map = annotations(&mut v1);
        map.extend(told.into_iter().map(|(key, text)| (key.to_owned(), text.into())));
        map.sort_keys();
    }
    v1
}

fn to_v2(schema: &Schema, v1: &Value) -> Value {
    let mut v2 = shared(v1, V2);
    if at(&v2, &["status", CURRENT]).is_some_and(|count| *count == 0) {
        map_at(&mut v2, &["status"]).shift_remove(CURRENT);
    }
    let told = |key: &str| serde_json::from_str::<Value>(text(v1, &["metadata", "annotations", key])).ok();
    let listed = |key: &str| told(key).and_then(|v| v.as_array().map(|list| list.to_vec()));
    let mut metrics: Vec<Value> = listed(METRICS).unwrap_or_default().iter().map(|m| metric_to_v2(m, &METRIC_PARTS, "target")).collect();
    let target = at(v1, &["spec", "targetCPUUtilizationPercentage"]).filter(|target| !target.is_null()).cloned();
    if let Some(target) = target.or_else(|| metrics.is_empty().then(|| DEFAULT_CPU.into())) {
        metrics.push(
            json!({"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": target}}}),
        );
    }
    map_at(&mut v2, &["spec"]).insert("metrics".into(), metrics.into());
    if let (Some(Value::Object(behavior)), Some(ty)) = (told(BEHAVIOR), schema.named(BEHAVIOR_TYPE)) {
        let behavior = of_go_names(schema, &ty, &behavior.into());
        if behavior.as_object().is_some_and(|b| !b.is_empty()) {
            map_at(&mut v2, &["spec"]).insert("behavior".into(), behavior);
        }
    }
    let used = at(v1, &["status", "currentCPUUtilizationPercentage"]);
    let plain = used.map(|used| vec![json!({"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": used}}})]);
    let measured = listed(STATUSES).map(|list| list.iter().map(|m| metric_to_v2(m, &STATUS_PARTS, "current")).collect());
    for (key, list) in [("currentMetrics", measured.or(plain)), ("conditions", listed(CONDITIONS))] {
        if let Some(list) = list.filter(|list| !list.is_empty()) {
            map_at(&mut v2, &["status"]).insert(key.into(), list.into());
        }
    }
    drop_round_trip(&mut v2);
    v2
}

fn metric_to_v1(metric: &Value, parts: &[(&str, &[Part])]) -> Value {
    let mut out = json!({"type": metric["type"]});
    for (name, parts) in parts {
        let Some(source) = metric.get(*name) else { continue };
        let mut own = Map::new();
        for (from, to) in *parts {
            let value = at(source, from).cloned();
            let held = ALWAYS.contains(&to[0]) && !(*name == "external" && to[0] == "targetValue");
            let held = held || *name == "pods" && to[0] == "targetAverageValue";
            let zero = || held.then(|| if to[0] == "metricName" { "".into() } else { Value::from("0") });
            own.extend(value.or_else(zero).map(|value| (to[0].to_owned(), value)));
        }
        map_at(&mut out, &[]).insert((*name).into(), own.into());
    }
    out
}

fn metric_to_v2(metric: &Value, parts: &[(&str, &[Part])], amounts: &str) -> Value {
    let mut out = json!({"type": metric["type"]});
    for (name, parts) in parts {
        let Some(source) = metric.get(*name).filter(|s| s.is_object()) else { continue };
        let mut own = json!({});
        for (to, from) in *parts {
            let Some(value) = at(source, from).filter(|v| !v.is_null()) else { continue };
            let averaged = source.get("averageValue").is_some();
            // v1 cannot leave this out: a zero beside an average was none.
            if amounts == "target" && *name == "object" && from[0] == "targetValue" && averaged && *value == "0" {
                continue;
            }
            let (last, path) = to.split_last().expect("a path has an end");
            map_at(&mut own, path).insert((*last).into(), value.clone());
        }
        if amounts == "target" {
            let there = |key: &str| at(&own, &["target", key]).is_some();
            let kind = match *name {
                "object" if !there("averageValue") => "Value",
                "external" if there("value") => "Value",
                "resource" | "containerResource" if there("averageUtilization") => "Utilization",
                _ => "AverageValue",
            };
            map_at(&mut own, &["target"]).insert("type".into(), kind.into());
        }
        map_at(&mut out, &[]).insert((*name).into(), own);
    }
    out
}

/// What the server's own types wrote without tags: fields by their Go names, in whatever case, and nulls for none.
fn of_go_names(schema: &Schema, ty: &Type, value: &Value) -> Value {
    match (ty, value) {
        (Type::List(list), Value::Array(items)) => {
            items.iter().map(|item| of_go_names(schema, &list.item, item)).collect::<Vec<_>>().into()
        }
        (_, Value::Object(entries)) => {
            let fields = schema.fields(ty).map_or(&[][..], |own| &own.fields);
            let named = fields.iter().filter_map(|field| {
                let (_, value) = entries.iter().find(|(key, _)| key.eq_ignore_ascii_case(&field.go))?;
                (!value.is_null()).then(|| (field.name.clone(), of_go_names(schema, &field.ty, value)))
            });
            named.collect::<Map>().into()
        }
        (_, value) => value.clone(),
    }
}
