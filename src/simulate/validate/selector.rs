//! Label selectors: whether they are valid, and whether they match labels.
//!
//! Follows apimachinery `pkg/apis/meta/v1/validation` and `pkg/apis/meta/v1/helpers.go`.

use super::check::{Check, Place};
use super::formats::{label_value, qualified_name};
use super::read::Read;
use crate::object::{Fact, TypeMark, Value};
use crate::schema::Version;

/// What a selector says about labels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Matching {
    /// It cannot be turned into a selector.
    Broken,
    /// It selects everything.
    Everything,
    /// It matches, or not.
    Matches(bool),
}

/// Applies a selector to labels; an absent selector matches nothing.
pub(super) fn matching(check: &Check, selector: &Value, labels: &Value) -> Matching {
    if selector.is_null() {
        return Matching::Matches(false);
    }
    let version = check.version();
    let valid_key = |key: &str| qualified_name(version, key).is_empty();
    let valid_value = |value: &str| label_value(version, value).is_empty();
    let of = |key: &str| labels.get(key).and_then(Value::as_str);
    let mut matches = true;
    for (key, value) in selector.pairs("matchLabels") {
        if !valid_key(key) || !valid_value(value) {
            return Matching::Broken;
        }
        matches &= of(key) == Some(value);
    }
    for term in selector.list("matchExpressions") {
        let (key, count) = (term.text("key"), term.list("values").len());
        let mut among = term.texts("values");
        let operator = term.text("operator");
        let counted = match operator {
            "In" | "NotIn" => count > 0,
            "Exists" | "DoesNotExist" => count == 0,
            _ => false,
        };
        if !counted || !valid_key(key) || !term.texts("values").all(valid_value) {
            return Matching::Broken;
        }
        matches &= match (operator, of(key)) {
            ("In", label) => label.is_some_and(|l| among.any(|v| v == l)),
            ("NotIn", label) => label.is_none_or(|l| among.all(|v| v != l)),
            ("Exists", label) => label.is_some(),
            (_, label) => label.is_none(),
        };
    }
    if is_empty(selector) { Matching::Everything } else { Matching::Matches(matches) }
}

/// Whether a selector has no term.
pub(super) fn is_empty(selector: &Value) -> bool {
    selector.pairs("matchLabels").next().is_none() && selector.list("matchExpressions").is_empty()
}

/// Whether any value of a selector's expressions is no label value.
pub(super) fn has_bad_values(version: Version, selector: &Value) -> bool {
    selector.list("matchExpressions").iter().any(|t| t.texts("values").any(|v| !label_value(version, v).is_empty()))
}

/// Whether a selector is not valid.
pub(super) fn is_broken(version: Version, chosen: &Value) -> bool {
    let mut check = Check::new(version);
    selector(&mut check, chosen, false, &Place::root(""));
    check.count() > 0
}

/// Whether a selector is valid; `lax` forgives the values of its expressions.
pub(super) fn selector(check: &mut Check, selector: &Value, lax: bool, at: &Place) {
    labels(check, selector.part("matchLabels"), &at.child("matchLabels"));
    let terms = at.child("matchExpressions");
    for (i, term) in selector.list("matchExpressions").iter().enumerate() {
        requirement(check, term, lax, &terms.index(i));
    }
}

fn requirement(check: &mut Check, term: &Value, lax: bool, at: &Place) {
    let (values, empty) = (at.child("values"), term.list("values").is_empty());
    match term.text("operator") {
        "In" | "NotIn" if empty => check.required(&values, "must be specified when `operator` is 'In' or 'NotIn'"),
        "In" | "NotIn" => {}
        "Exists" | "DoesNotExist" if !empty => {
            check.forbidden(&values, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'")
        }
        "Exists" | "DoesNotExist" => {}
        other => check.invalid(&at.child("operator"), other, "not a valid selector operator"),
    }
    label_key(check, term.text("key"), &at.child("key"));
    if !lax {
        for (i, value) in term.texts("values").enumerate() {
            let messages = label_value(check.version(), value);
            check.invalid_each(&values.index(i), value, messages);
        }
    }
}

/// Whether labels are valid. The same ones stand in several places of an object, and in each of its states.
pub(super) fn labels(check: &mut Check, labels: &Value, at: &Place) {
    let Some(labels) = labels.as_object() else { return };
    let mark = TypeMark::labels(check.version() as u32);
    if labels.is_noted(mark, Fact::Valid) {
        return;
    }
    let before = check.count();
    for (key, value) in labels {
        label_key(check, key, at);
        let value = value.as_str().unwrap_or_default();
        let messages = label_value(check.version(), value);
        check.invalid_each(at, value, messages);
    }
    if check.count() == before {
        labels.note(mark, Fact::Valid);
    }
}

/// Whether the key of a label is valid.
pub(super) fn label_key(check: &mut Check, key: &str, at: &Place) {
    let messages = qualified_name(check.version(), key);
    check.invalid_each(at, key, messages);
}

#[cfg(test)]
mod tests {
    use super::{Matching, matching};
    use crate::object::json;
    use crate::schema::Version;
    use crate::simulate::validate::check::Check;

    #[test]
    fn terms_match_as_in_kubernetes() {
        let check = Check::new(Version::V1_36);
        let of = |selector, labels| matching(&check, &selector, &labels);
        assert_eq!(of(json!(null), json!({})), Matching::Matches(false));
        assert_eq!(of(json!({}), json!({})), Matching::Everything);
        assert_eq!(of(json!({"matchLabels": {"a": "b"}}), json!({"a": "b", "c": "d"})), Matching::Matches(true));
        let not_in = json!({"matchExpressions": [{"key": "a", "operator": "NotIn", "values": ["x"]}]});
        assert_eq!(of(not_in.clone(), json!({})), Matching::Matches(true));
        assert_eq!(of(not_in, json!({"a": "x"})), Matching::Matches(false));
        assert_eq!(of(json!({"matchLabels": {"a": "b b"}}), json!({})), Matching::Broken);
    }
}
