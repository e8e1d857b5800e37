//! The formats of names, labels, ports and paths, with the texts that refuse them.
//!
//! Follows apimachinery `pkg/util/validation` and `pkg/api/validate/content`. An empty list is a valid value.

use crate::schema::Version;

const LABEL: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const SUBDOMAIN: &str = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const KEY: &str = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

/// `must be no more than N characters`.
pub(super) fn at_most(most: usize) -> String {
    format!("must be no more than {most} characters")
}

/// `MESSAGE (e.g. 'a',  or 'b', regex used for validation is 'R')`, odd commas included.
pub(super) fn no_match(message: &str, regex: &str, examples: &[&str]) -> String {
    if examples.is_empty() {
        return format!("{message} (regex used for validation is '{regex}')");
    }
    let examples: Vec<String> = examples.iter().map(|e| format!("'{e}', ")).collect();
    format!("{message} (e.g. {}regex used for validation is '{regex}')", examples.join(" or "))
}

/// Characters of `inside`, beginning and ending with one of `ends`, not empty.
fn framed(text: &str, ends: fn(u8) -> bool, inside: fn(u8) -> bool) -> bool {
    let bytes = text.as_bytes();
    match (bytes.first(), bytes.last()) {
        (Some(first), Some(last)) => ends(*first) && ends(*last) && bytes.iter().all(|b| inside(*b)),
        _ => false,
    }
}

fn lower(b: u8) -> bool {
    b.is_ascii_lowercase() || b.is_ascii_digit()
}

fn matches_label(text: &str) -> bool {
    framed(text, lower, |b| lower(b) || b == b'-')
}

fn matches_subdomain(text: &str) -> bool {
    text.split('.').all(matches_label)
}

fn matches_key(text: &str) -> bool {
    framed(text, |b| b.is_ascii_alphanumeric(), |b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
}

/// RFC 1123 label.
pub(super) fn dns_label(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 63 {
        errors.push(at_most(63));
    }
    if !matches_label(text) {
        if matches_subdomain(text) {
            errors.push("must not contain dots".into());
        } else {
            let message = "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character";
            errors.push(no_match(message, LABEL, &["my-name", "123-abc"]));
        }
    }
    errors
}

/// RFC 1123 subdomain.
pub(super) fn dns_subdomain(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 253 {
        errors.push(at_most(253));
    }
    if !matches_subdomain(text) {
        let message = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character";
        errors.push(no_match(message, SUBDOMAIN, &["example.com"]));
    }
    errors
}

/// RFC 1123 subdomain whose labels may hold underscores.
pub(super) fn dns_subdomain_with_underscore(text: &str) -> Vec<String> {
    let part = |label: &str| {
        let label = label.strip_prefix('_').unwrap_or(label);
        framed(label, lower, |b| lower(b) || b == b'-' || b == b'_')
    };
    let mut errors = Vec::new();
    if text.len() > 253 {
        errors.push(at_most(253));
    }
    if !text.split('.').all(part) {
        let message = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '_', '-' or '.', and must start and end with an alphanumeric character";
        let regex = "_?[a-z0-9]([-_a-z0-9]*[a-z0-9])?(\\._?[a-z0-9]([-_a-z0-9]*[a-z0-9])?)*";
        errors.push(no_match(message, regex, &["example.com"]));
    }
    errors
}

/// RFC 1123 subdomain after `*.`.
pub(super) fn wildcard_subdomain(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 253 {
        errors.push(at_most(253));
    }
    if !text.strip_prefix("*.").is_some_and(matches_subdomain) {
        let message = "a wildcard DNS-1123 subdomain must start with '*.', followed by a valid DNS subdomain, which must consist of lower case alphanumeric characters, '-' or '.' and end with an alphanumeric character";
        errors.push(no_match(message, &format!("\\*\\.{SUBDOMAIN}"), &["*.example.com"]));
    }
    errors
}

/// RFC 1035 label.
pub(super) fn dns_1035_label(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 63 {
        errors.push(at_most(63));
    }
    if !(matches_label(text) && text.starts_with(|c: char| c.is_ascii_lowercase())) {
        let message = "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character";
        errors.push(no_match(message, "[a-z]([-a-z0-9]*[a-z0-9])?", &["my-name", "abc-123"]));
    }
    errors
}

/// Lengths of label keys and values are counted in bytes, and said to be so since 1.35.
fn at_most_bytes(version: Version, most: usize) -> String {
    if version < Version::V1_35 { at_most(most) } else { format!("must be no more than {most} bytes") }
}

/// A key of a label, an annotation (in lower case), a finalizer or a condition: `example.com/name`.
pub(super) fn qualified_name(version: Version, text: &str) -> Vec<String> {
    let message = "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
    let examples = ["MyName", "my.name", "123-abc"];
    let mut errors = Vec::new();
    let mut parts = text.split('/');
    let name = match (parts.next(), parts.next(), parts.next()) {
        (Some(name), None, _) => name,
        (Some(prefix), Some(name), None) => {
            if prefix.is_empty() {
                errors.push("prefix part must be non-empty".into());
            } else {
                if prefix.len() > 253 {
                    errors.push(format!("prefix part {}", at_most_bytes(version, 253)));
                }
                errors.extend(dns_subdomain(prefix).into_iter().filter(|e| *e != at_most(253)).map(|e| format!("prefix part {e}")));
            }
            name
        }
        _ => {
            let noun = if version < Version::V1_35 { "qualified name" } else { "valid label key" };
            let tail = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            return vec![format!("a {noun} {}{tail}", no_match(message, KEY, &examples))];
        }
    };
    if name.is_empty() {
        errors.push("name part must be non-empty".into());
    } else if name.len() > 63 {
        errors.push(format!("name part {}", at_most_bytes(version, 63)));
    }
    if !matches_key(name) {
        errors.push(format!("name part {}", no_match(message, KEY, &examples)));
    }
    errors
}

/// A value of a label.
pub(super) fn label_value(version: Version, text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 63 {
        errors.push(at_most_bytes(version, 63));
    }
    if !(text.is_empty() || matches_key(text)) {
        let message = "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character";
        errors.push(no_match(message, &format!("({KEY})?"), &["MyValue", "my_value", "12345"]));
    }
    errors
}

/// A name that stands in a URL path.
pub(super) fn path_segment(text: &str) -> Vec<String> {
    if text == "." || text == ".." {
        return vec![format!("may not be '{text}'")];
    }
    ["/", "%"].iter().filter(|bad| text.contains(**bad)).map(|bad| format!("may not contain '{bad}'")).collect()
}

/// A port's name.
pub(super) fn port_name(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 15 {
        errors.push(at_most(15));
    }
    if text.is_empty() || !text.bytes().all(|b| lower(b) || b == b'-') {
        errors.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)".into());
    }
    if !text.bytes().any(|b| b.is_ascii_lowercase()) {
        errors.push("must contain at least one letter (a-z)".into());
    }
    if text.contains("--") {
        errors.push("must not contain consecutive hyphens".into());
    }
    if text.starts_with('-') || text.ends_with('-') {
        errors.push("must not begin or end with a hyphen".into());
    }
    errors
}

/// `50%`.
pub(super) fn percent(text: &str) -> Vec<String> {
    let good = text.strip_suffix('%').is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    if good {
        return Vec::new();
    }
    vec![no_match("a valid percent string must be a numeric string followed by an ending '%'", "[0-9]+%", &["1%", "93%"])]
}

/// The name of an HTTP header.
pub(super) fn header_name(text: &str) -> Vec<String> {
    if !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-') {
        return Vec::new();
    }
    vec![no_match("a valid HTTP header must consist of alphanumeric characters or '-'", "[-A-Za-z0-9]+", &["X-Header-Name"])]
}

/// The name of an environment variable, or a prefix of one.
pub(super) fn variable_name(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.is_empty() {
        errors.push("environment variable name must be non-empty".into());
    }
    if text.chars().any(|c| !(' '..='~').contains(&c) || c == '=') {
        errors.push("a valid environment variable name must consist only of printable ASCII characters other than '='".into());
    }
    errors
}

/// A key of a ConfigMap or Secret.
pub(super) fn config_key(text: &str) -> Vec<String> {
    let mut errors = Vec::new();
    if text.len() > 253 {
        errors.push(at_most(253));
    }
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.')) {
        let message = "a valid config key must consist of alphanumeric characters, '-', '_' or '.'";
        errors.push(no_match(message, "[-._a-zA-Z0-9]+", &["key.name", "KEY_NAME", "key-name"]));
    }
    match text {
        "." => errors.push("must not be '.'".into()),
        ".." => errors.push("must not be '..'".into()),
        _ if text.starts_with("..") => errors.push("must not start with '..'".into()),
        _ => {}
    }
    errors
}

/// A name whose trailing dash will be followed by generated characters.
pub(super) fn as_prefix(name: &str) -> String {
    match name.strip_suffix('-') {
        Some(rest) if !rest.is_empty() => format!("{}a", &rest[..rest.len() - rest.chars().last().map_or(0, char::len_utf8)]),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::{as_prefix, config_key, dns_label, port_name, qualified_name};
    use crate::schema::Version;

    #[test]
    fn labels_say_when_only_dots_are_wrong() {
        assert_eq!(dns_label("a.b"), ["must not contain dots"]);
        assert!(dns_label("a-1").is_empty());
        assert!(dns_label("Bad_Name")[0].contains("(e.g. 'my-name',  or '123-abc', regex used for validation is '"));
    }

    #[test]
    fn key_lengths_are_bytes_since_1_35() {
        let long = "a".repeat(64);
        assert_eq!(qualified_name(Version::V1_36, &long), ["name part must be no more than 63 bytes"]);
        assert_eq!(qualified_name(Version::V1_34, &long), ["name part must be no more than 63 characters"]);
        assert!(qualified_name(Version::V1_36, "example.com/x_1").is_empty());
    }

    #[test]
    fn ports_and_keys() {
        assert_eq!(port_name("1234"), ["must contain at least one letter (a-z)"]);
        assert_eq!(config_key(".."), ["must not be '..'"]);
        assert_eq!(as_prefix("job-"), "joa");
    }
}
