//! The alerts of a fleet become groups of Prometheus rules.
//!
//! Expressions are made of names that were checked and of numbers, in shapes that Prometheus' own parser accepts.

use crate::fleet::Fleet;
use crate::fleet::alerts::{About, Alert, Alerts};
use crate::object::{Map, Value, json};
use std::time::Duration;

/// The content of a rules file: `groups`.
pub(super) fn groups(fleet: &Fleet, alerts: &Alerts) -> Value {
    let rules: Vec<Value> = alerts.alerts.iter().map(|a| rule(fleet, alerts, a)).collect();
    json!([{ "name": format!("{}-agents", fleet.name), "rules": rules }])
}

/// `fleet.alerts` of templates.
pub(super) fn variables(fleet: &Fleet, labels: Value) -> Value {
    let Some(alerts) = &fleet.alerts else { return Value::Null };
    let mut labels = labels;
    for (name, value) in &alerts.labels {
        labels[name.as_str()] = value.as_str().into();
    }
    json!({
        "name": format!("{}-agents", object_name(&fleet.name)),
        "namespace": alerts.namespace,
        "labels": labels,
        "groups": groups(fleet, alerts),
    })
}

/// A name that Kubernetes takes.
pub(super) fn object_name(name: &str) -> String {
    let small: String = name.to_lowercase().chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    small.trim_matches('-').chars().take(50).collect()
}

fn rule(fleet: &Fleet, alerts: &Alerts, alert: &Alert) -> Value {
    let name = name(alert.about);
    let mut labels = Map::new();
    labels.insert("severity".into(), alert.severity.as_str().into());
    labels.insert("fleet".into(), fleet.name.as_str().into());
    labels.extend(alert.labels.iter().map(|(k, v)| (k.clone(), v.as_str().into())));
    let (summary, description) = words(alerts, alert);
    let mut annotations = json!({ "summary": summary, "description": description });
    if let Some(runbook) = &alert.runbook {
        annotations["runbook_url"] = runbook.replace("{alert}", name).into();
    }
    let mut rule = json!({ "alert": name, "expr": expression(alerts, alert) });
    if !alert.lasting.is_zero() {
        rule["for"] = duration(alert.lasting).into();
    }
    rule["labels"] = labels.into();
    rule["annotations"] = annotations;
    rule
}

/// The name of an alert, as dashboards and silences use it.
fn name(about: About) -> &'static str {
    match about {
        About::TokensPerDay => "AgentTokensPerDayHigh",
        About::TokensPerSession => "AgentTokensPerSessionHigh",
        About::ToolFailures => "AgentToolFailures",
        About::ProviderErrors => "AgentProviderErrors",
    }
}

fn expression(alerts: &Alerts, alert: &Alert) -> String {
    let m = &alerts.metrics;
    let sum = |metric: &str, more: &str, range: &str| {
        format!("sum by ({}) (increase({metric}{}[{range}))", alerts.agent_label, selector(alerts, more))
    };
    let code = format!("{}=~\"5..\"", alerts.code_label);
    let above = alert.above;
    match alert.about {
        About::TokensPerDay => {
            // The day against a day of the week before it, on average: one quiet day a week ago is no alarm.
            format!("{} > {above} * {} / 7", sum(&m.tokens, "", "1d]"), sum(&m.tokens, "", "7d] offset 1d"))
        }
        // `> 0` below the line leaves out who had none, where a quotient would be infinite.
        About::TokensPerSession => format!("{} / ({} > 0) > {above}", sum(&m.tokens, "", "1h]"), sum(&m.sessions, "", "1h]")),
        About::ToolFailures => format!("{} / ({} > 0) > {above}", sum(&m.tool_failures, "", "15m]"), sum(&m.tool_calls, "", "15m]")),
        About::ProviderErrors => {
            format!("{} / ({} > 0) > {above}", sum(&m.provider_requests, &code, "15m]"), sum(&m.provider_requests, "", "15m]"))
        }
    }
}

fn selector(alerts: &Alerts, more: &str) -> String {
    let own = alerts.matching.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    let all: Vec<String> = own.chain((!more.is_empty()).then(|| more.to_owned())).collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

/// Text between double quotes, as Go escapes it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn words(alerts: &Alerts, alert: &Alert) -> (String, String) {
    let agent = format!("{{{{ $labels.{} }}}}", alerts.agent_label);
    let value = |format: &str| format!("{{{{ $value | {format} }}}}");
    let (share, number) = (percent(alert.above), alert.above);
    match alert.about {
        About::TokensPerDay => (
            format!("Agent {agent} uses far more tokens than last week"),
            format!("{} tokens in 24 hours, more than {number} times a day of the week before.", value("humanize")),
        ),
        About::TokensPerSession => (
            format!("Sessions of agent {agent} are expensive"),
            format!("{} tokens a session over an hour; {number} are expected at the most.", value("humanize")),
        ),
        About::ToolFailures => (
            format!("Tools of agent {agent} fail"),
            format!("{} of the calls failed over 15 minutes; {share} are expected at the most.", value("humanizePercentage")),
        ),
        About::ProviderErrors => (
            format!("The model's provider fails agent {agent}"),
            format!("{} of the answers were 5xx over 15 minutes; {share} are expected at the most.", value("humanizePercentage")),
        ),
    }
}

fn percent(share: f64) -> String {
    // What floating point leaves behind is no part of what was written.
    format!("{}%", (share * 100.0 * 1e6).round() / 1e6)
}

/// As Prometheus writes durations: `1h30m`, `90s` as `1m30s`.
fn duration(length: Duration) -> String {
    let mut left = length.as_millis();
    let mut out = String::new();
    for (unit, size) in [("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)] {
        if left >= size {
            out.push_str(&format!("{}{unit}", left / size));
            left %= size;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::{duration, escaped, object_name, percent};
    use std::time::Duration;

    #[test]
    fn pieces_are_as_prometheus_reads_them() {
        assert_eq!(escaped("a\"b\\c\n"), "a\\\"b\\\\c\\n");
        assert_eq!((duration(Duration::from_secs(5400)), duration(Duration::from_millis(1500))), ("1h30m".into(), "1s500ms".into()));
        assert_eq!((percent(0.07), percent(0.125)), ("7%".into(), "12.5%".into()));
        assert_eq!(object_name("My Fleet_2"), "my-fleet-2");
    }
}
