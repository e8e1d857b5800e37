//! The `[alerts]` table: which alerts there are, what they look at and when they fire.

use super::duration::Length;
use super::file::Named;
use super::read::{At, FromToml, Reader, names, table};
use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;
use toml::Spanned;
use toml::de::DeValue;

table! {
    /// Alerts about the cost and the health of agents, as a PrometheusRule or a plain rules file.
    AlertsTable {
        /// The namespace of the PrometheusRule; that of the agents, where they share one, unless given.
        "namespace" => namespace: String,
        /// Labels of the PrometheusRule: what Prometheus selects rules by.
        "labels" => labels: Named<String>,
        /// Where an alert's runbook stands; `{alert}` stands for its name.
        "runbook" => runbook: String,
        /// Only series with these labels.
        "match" => matching: Named<String>,
        /// The label that names the agent; `agent` unless given.
        "agent-label" => agent_label: String,
        /// The label of the answer's HTTP code; `code` unless given.
        "code-label" => code_label: String,
        /// The names of the metrics.
        "metrics" => metrics: MetricsTable,
        /// Tokens of a day, as a multiple of those of a day of the week before; 1.5 unless given.
        "tokens-per-day" => tokens_per_day: AlertFile,
        /// Tokens of a session; 50,000 unless given.
        "tokens-per-session" => tokens_per_session: AlertFile,
        /// Failed calls of tools, of all; `"10%"` unless given.
        "tool-failures" => tool_failures: AlertFile,
        /// Answers 5xx of the model's provider, of all; `"5%"` unless given.
        "provider-errors" => provider_errors: AlertFile,
    }
}

table! {
    /// The names of counters.
    MetricsTable {
        /// Tokens used; `agent_tokens_total` unless given.
        "tokens" => tokens: String,
        /// Sessions started; `agent_sessions_total` unless given.
        "sessions" => sessions: String,
        /// Calls of tools; `agent_tool_calls_total` unless given.
        "tool-calls" => tool_calls: String,
        /// Failed calls of tools; `agent_tool_failures_total` unless given.
        "tool-failures" => tool_failures: String,
        /// Answers of the model's provider, by code; `agent_provider_requests_total` unless given.
        "provider-requests" => provider_requests: String,
    }
}

table! {
    /// One alert.
    AlertFile {
        /// Whether there is this alert.
        "enabled" => enabled: bool,
        /// It fires above this: a number, or a share as `"10%"`.
        "above" => above: Threshold,
        /// For how long it must be so.
        "for" => lasting: Length,
        /// How bad it is.
        "severity" => severity: Severity,
        /// Its runbook.
        "runbook" => runbook: String,
        /// Further labels of the alert: what it is routed by.
        "labels" => labels: Named<String>,
    }
}

names! {
    /// How bad an alert is.
    Severity {
        /// Good to know.
        "info" => Info,
        /// Look at it today.
        "warning" => Warning,
        /// Look at it now.
        "critical" => Critical,
    }
}

/// A number, or a share written as `"10%"`.
#[derive(Clone, Copy, Debug, Default, PartialEq, schemars::JsonSchema)]
#[schemars(transparent)]
pub struct Threshold(#[schemars(schema_with = "threshold_schema")] pub f64);

fn threshold_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["number", "string"] })
}

impl FromToml for Threshold {
    const EXPECTED: &'static str = "a number, or a share such as \"10%\"";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let number = match value.get_ref() {
            DeValue::Integer(_) => super::read::integer(value.get_ref()).map(|n| n as f64),
            DeValue::Float(f) => f.as_str().replace('_', "").parse().ok(),
            DeValue::String(text) => text.strip_suffix('%').and_then(|n| n.trim().parse::<f64>().ok()).map(|n| n / 100.0),
            _ => None,
        };
        let good = number.filter(|n| n.is_finite() && *n >= 0.0);
        if good.is_none() {
            reader.expected(value, Self::EXPECTED);
        }
        good.map(Self)
    }
}

/// What the `[alerts]` table comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct Alerts {
    /// The namespace of the PrometheusRule.
    pub namespace: Option<String>,
    /// Labels of the PrometheusRule.
    pub labels: BTreeMap<String, String>,
    /// Labels that series must have.
    pub matching: BTreeMap<String, String>,
    /// The label that names the agent.
    pub agent_label: String,
    /// The label of the answer's HTTP code.
    pub code_label: String,
    /// The names of the metrics.
    pub metrics: Metrics,
    /// The alerts.
    pub alerts: Vec<Alert>,
}

/// The names of counters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metrics {
    /// Tokens used.
    pub tokens: String,
    /// Sessions started.
    pub sessions: String,
    /// Calls of tools.
    pub tool_calls: String,
    /// Failed calls of tools.
    pub tool_failures: String,
    /// Answers of the model's provider.
    pub provider_requests: String,
}

/// What an alert is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum About {
    /// Tokens of a day, against the week before.
    TokensPerDay,
    /// Tokens of a session.
    TokensPerSession,
    /// Failed calls of tools.
    ToolFailures,
    /// Answers 5xx of the provider.
    ProviderErrors,
}

/// One alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// What it is about.
    pub about: About,
    /// It fires above this.
    pub above: f64,
    /// For how long it must be so.
    pub lasting: Duration,
    /// How bad it is.
    pub severity: Severity,
    /// Where its runbook stands; `{alert}` stands for its name.
    pub runbook: Option<String>,
    /// Further labels.
    pub labels: BTreeMap<String, String>,
}

/// Each alert: the key of its table, and what holds unless that says otherwise.
const ALERTS: [(About, f64, u64, Severity); 4] = [
    (About::TokensPerDay, 1.5, 3600, Severity::Warning),
    (About::TokensPerSession, 50_000.0, 900, Severity::Warning),
    (About::ToolFailures, 0.10, 900, Severity::Warning),
    (About::ProviderErrors, 0.05, 300, Severity::Critical),
];

impl Alerts {
    /// Checks the table; `shared` is the namespace of all agents, if they have one.
    pub(super) fn new(table: At<AlertsTable>, shared: Option<&str>, reader: &mut Reader<'_>) -> Self {
        let At { value: t, range } = table;
        if let Some(At { value, range }) = &t.namespace {
            super::agent_check::dns_name(value, 63, "namespace", range, reader);
        }
        let namespace = t.namespace.map(|n| n.value).or_else(|| shared.map(str::to_owned));
        if namespace.is_none() {
            let wrong = reader.wrong("fleet-missing", range, "the alerts have no namespace: the agents live in several");
            wrong.hints.push("write `namespace = \"monitoring\"` under [alerts]".into());
        }
        let m = t.metrics.map(|m| m.value).unwrap_or_default();
        let mut metric = |given: Option<At<String>>, default: &str| named(given, default, "metric", true, reader);
        let metrics = Metrics {
            tokens: metric(m.tokens, "agent_tokens_total"),
            sessions: metric(m.sessions, "agent_sessions_total"),
            tool_calls: metric(m.tool_calls, "agent_tool_calls_total"),
            tool_failures: metric(m.tool_failures, "agent_tool_failures_total"),
            provider_requests: metric(m.provider_requests, "agent_provider_requests_total"),
        };
        let runbook = t.runbook.map(|r| template(r, reader));
        let files =
            [t.tokens_per_day, t.tokens_per_session, t.tool_failures, t.provider_errors].map(|f| f.map(|f| f.value).unwrap_or_default());
        let mut alerts = Vec::new();
        for (file, (about, above, seconds, severity)) in files.into_iter().zip(ALERTS) {
            if file.enabled.is_some_and(|e| !e.value) {
                continue;
            }
            if let Some(share) =
                file.above.as_ref().filter(|a| a.value.0 > 1.0 && matches!(about, About::ToolFailures | About::ProviderErrors))
            {
                let text = format!("a share is at most 1, and this is {}", share.value.0);
                reader.wrong("fleet-value", share.range.clone(), text).label = "expected for example \"10%\" or 0.1".into();
            }
            alerts.push(Alert {
                about,
                above: file.above.map_or(above, |a| a.value.0),
                lasting: file.lasting.map_or(Duration::from_secs(seconds), |l| l.value.0),
                severity: file.severity.map_or(severity, |s| s.value),
                runbook: file.runbook.map(|r| template(r, reader)).or_else(|| runbook.clone()),
                labels: alert_labels(file.labels, reader),
            });
        }
        let agent_label = named(t.agent_label, "agent", "label", false, reader);
        let code_label = named(t.code_label, "code", "label", false, reader);
        let matching = labels(t.matching, reader);
        // Those of the object are Kubernetes' labels: its server says what is wrong with them.
        let own = t.labels.into_iter().flat_map(|l| l.value).map(|(k, v)| (k, v.value)).collect();
        Self { namespace, labels: own, matching, agent_label, code_label, metrics, alerts }
    }
}

/// What Prometheus' language means by words that could be names, whatever their case: these it takes for no metric, numbers for no
/// label either (`Keywords` and the grammar of `promql/parser`).
const NO_METRICS: [&str; 8] = ["atan2", "bool", "group_left", "group_right", "ignoring", "inf", "nan", "on"];
const NUMBERS: [&str; 2] = ["inf", "nan"];

/// What may stand after `|` in a template, of Prometheus' functions those that take one value (`template/template.go`).
const FUNCTIONS: [&str; 11] = [
    "humanize",
    "humanize1024",
    "humanizeDuration",
    "humanizePercentage",
    "humanizeTimestamp",
    "pathPrefix",
    "stripDomain",
    "stripPort",
    "title",
    "toLower",
    "toUpper",
];

/// Labels that series must have.
fn labels(given: Option<At<Named<String>>>, reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (name, At { value, range }) in given.into_iter().flat_map(|g| g.value) {
        good_name(&name, "label", false, &range, reader);
        if name == "__name__" {
            let wrong = reader.wrong("fleet-name", range, "a series has one name, and each alert names its own");
            wrong.hints.push("`metrics` says what the metrics are called".into());
            continue;
        }
        out.insert(name, value);
    }
    out
}

/// Labels that an alert has.
fn alert_labels(given: Option<At<Named<String>>>, reader: &mut Reader<'_>) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    for (name, value) in given.into_iter().flat_map(|g| g.value) {
        good_name(&name, "label", false, &value.range, reader);
        if name == "__name__" || name == "alertname" {
            reader.wrong("fleet-name", value.range.clone(), format!("Prometheus itself sets `{name}` of alerts"));
        }
        out.insert(name, template(value, reader));
    }
    out
}

/// A text whose `{{ … }}` Prometheus fills in when an alert fires. It stops reading the whole file where it cannot read one.
fn template(At { value, range }: At<String>, reader: &mut Reader<'_>) -> String {
    let mut rest = value.as_str();
    while let Some((_, tail)) = rest.split_once("{{") {
        let inner = tail.split_once("}}").map(|(inner, after)| {
            rest = after;
            inner
        });
        if !inner.is_some_and(is_action) {
            let text = match inner {
                Some(inner) => format!("`{{{{{inner}}}}}` is no template of an alert"),
                None => "`{{` without `}}`".to_owned(),
            };
            let wrong = reader.wrong("fleet-value", range, text);
            wrong
                .hints
                .push("`{{ $labels.NAME }}` and `{{ $value }}` are filled in; a function may follow: `{{ $value | humanize }}`".into());
            break;
        }
    }
    value
}

/// Whether it is a value of the alert, through functions.
fn is_action(inner: &str) -> bool {
    let inner = inner.strip_prefix("- ").unwrap_or(inner);
    let mut parts = inner.strip_suffix(" -").unwrap_or(inner).split('|').map(str::trim);
    let value = parts.next().unwrap_or_default();
    let label = value.strip_prefix("$labels.").or_else(|| value.strip_prefix("$externalLabels."));
    let known = label.map_or(value == "$value" || value == "$externalURL", |name| is_name(name, false));
    known && parts.all(|function| FUNCTIONS.contains(&function))
}

fn named(given: Option<At<String>>, default: &str, what: &str, colons: bool, reader: &mut Reader<'_>) -> String {
    let Some(At { value, range }) = given else { return default.to_owned() };
    good_name(&value, what, colons, &range, reader);
    value
}

fn is_name(name: &str, colons: bool) -> bool {
    let letter = |c: char| c.is_ascii_alphabetic() || c == '_' || (colons && c == ':');
    name.starts_with(letter) && name.chars().all(|c| letter(c) || c.is_ascii_digit())
}

/// The names that Prometheus' language takes without quotes; only those of metrics may have a colon.
fn good_name(name: &str, what: &str, colons: bool, range: &Range<usize>, reader: &mut Reader<'_>) {
    if !is_name(name, colons) {
        let wrong = reader.wrong("fleet-name", range.clone(), format!("`{name}` cannot be the name of a {what} of Prometheus"));
        let also = if colons { ", `:`" } else { "" };
        wrong.hints.push(format!("letters, digits, `_`{also}, not starting with a digit"));
        return;
    }
    let taken: &[&str] = if colons { &NO_METRICS } else { &NUMBERS };
    if taken.contains(&name.to_ascii_lowercase().as_str()) {
        reader.wrong("fleet-name", range.clone(), format!("`{name}` means something else to Prometheus: no {what} can be called so"));
    }
}

#[cfg(test)]
mod tests {
    use super::is_action;

    /// As Prometheus' own reader of rules says (`tests/live/judged.rs` asks it).
    #[test]
    fn templates_are_values_through_functions() {
        for good in [" $labels.agent ", "$value", "- $value | humanize -", " $externalLabels.cluster | toUpper | title "] {
            assert!(is_action(good), "{good}");
        }
        for bad in ["", " bad", " .X ", " $labels ", " $labels.a-b ", " $value | nothing ", " range query \"up\" "] {
            assert!(!is_action(bad), "{bad}");
        }
    }
}
