//! The cells of a HorizontalPodAutoscaler: what it measures against what it aims at.
//!
//! Follows kubernetes `pkg/printers/internalversion/printers.go:formatHPAMetrics`.

use super::cell::Cell::{Age, Made, Name, Number};
use super::cell::{Kind, Row, quantity, some};
use crate::object::{Value, at, integer, text};

/// The kind.
pub(super) const KINDS: &[Kind] = &[Kind {
    name: "HorizontalPodAutoscaler.autoscaling",
    cells: &[
        Name,
        Made(|row| {
            let part = |key| row.text(&["spec", "scaleTargetRef", key]);
            format!("{}/{}", part("kind"), part("name")).into()
        }),
        Made(targets),
        Made(|row| integer(row.object, &["spec", "minReplicas"]).map_or_else(|| "<unset>".into(), |n| n.to_string().into())),
        Number(&["spec", "maxReplicas"]),
        Number(&["status", "currentReplicas"]),
        Age,
    ],
}];

fn targets(row: &Row<'_>) -> Value {
    let metrics = row.items(&["spec", "metrics"]);
    let current = row.items(&["status", "currentMetrics"]);
    if metrics.is_empty() {
        return "<none>".into();
    }
    let shown: Vec<String> = metrics.iter().enumerate().map(|(i, metric)| shown(metric, current.get(i).unwrap_or(&Value::Null))).collect();
    some(&shown, 2, ", ").into()
}

/// A metric and what was measured of it; the measurement counts only if it is of the same type.
fn shown(metric: &Value, status: &Value) -> String {
    let key = match text(metric, &["type"]) {
        "External" => "external",
        "Pods" => "pods",
        "Object" => "object",
        "Resource" => "resource",
        "ContainerResource" => "containerResource",
        _ => return "<unknown type>".into(),
    };
    let target = |what: &str| at(metric, &[key, "target", what]).filter(|v| !v.is_null());
    let measured = status.get(key).filter(|s| s.is_object());
    let current = |what: &str| measured.map(|m| at(m, &["current", what]).unwrap_or(&Value::Null));
    let amount = |value: Option<&Value>| value.map_or_else(|| "<unknown>".into(), quantity);
    let share = |value: Option<&Value>, or: &str| value.and_then(Value::as_i64).map_or_else(|| or.into(), |n| format!("{n}%"));
    let average = target("averageValue");
    match (key, average) {
        ("pods", _) => format!("{}/{}", amount(current("averageValue")), quantity(average.unwrap_or(&Value::Null))),
        ("external" | "object", Some(aim)) => {
            format!("{}/{} (avg)", amount(current("averageValue").filter(|v| !v.is_null())), quantity(aim))
        }
        ("external" | "object", None) => {
            format!("{}/{}", amount(current("value")), quantity(target("value").unwrap_or(&Value::Null)))
        }
        (_, Some(aim)) => format!("{}: {}/{}", text(metric, &[key, "name"]), amount(current("averageValue")), quantity(aim)),
        (_, None) => {
            let (is, aim) = (share(current("averageUtilization"), "<unknown>"), share(target("averageUtilization"), "<auto>"));
            format!("{}: {is}/{aim}", text(metric, &[key, "name"]))
        }
    }
}
