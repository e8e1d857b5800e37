//! Labels and selectors as one line of text.
//!
//! Follows apimachinery `pkg/labels/selector.go` (`Requirement.String`, `Requirements` by key) and `FormatLabels`.

use crate::object::{Value, items, text};

/// `a=b,c=d`, by key; `<none>` for none.
pub(super) fn of_map(labels: &Value) -> String {
    let mut pairs: Vec<String> =
        labels.as_object().into_iter().flatten().map(|(k, v)| format!("{k}={}", v.as_str().unwrap_or_default())).collect();
    pairs.sort();
    or_none(pairs.join(","))
}

/// A `LabelSelector`; the empty text if it chooses everything or nothing.
pub(super) fn of_selector(selector: &Value) -> String {
    let equal = selector["matchLabels"].as_object().into_iter().flatten();
    let mut requirements: Vec<(&str, String)> =
        equal.map(|(key, value)| (key.as_str(), format!("{key}={}", value.as_str().unwrap_or_default()))).collect();
    for expression in items(selector, &["matchExpressions"]) {
        let key = text(expression, &["key"]);
        let mut values: Vec<&str> = items(expression, &["values"]).iter().filter_map(Value::as_str).collect();
        values.sort_unstable();
        let values = values.join(",");
        let said = match text(expression, &["operator"]) {
            "In" => format!("{key} in ({values})"),
            "NotIn" => format!("{key} notin ({values})"),
            "DoesNotExist" => format!("!{key}"),
            _ => key.to_owned(),
        };
        requirements.push((key, said));
    }
    requirements.sort_by(|a, b| a.0.cmp(b.0));
    requirements.into_iter().map(|(_, said)| said).collect::<Vec<_>>().join(",")
}

/// The text, or `<none>` if it is empty.
pub(super) fn or_none(text: String) -> String {
    if text.is_empty() { "<none>".into() } else { text }
}
