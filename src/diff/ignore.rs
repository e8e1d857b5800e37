//! An `[[ignore]]` rule finds the values whose changes need not be shown.
//!
//! Paths are JSONPath of RFC 9535. kubectl's spelling of the same (`{.metadata.annotations.example\.com/x}`,
//! client-go `util/jsonpath`) is rewritten to it; what means nothing as a path to a field is refused.

use crate::diagnostic::Diagnostic;
use crate::object::{ObjectId, Value};
use jsonpath_rust::parser::model::JpQuery;
use jsonpath_rust::parser::parse_json_path;
use jsonpath_rust::query::js_path_process;
use jsonpath_rust::query::queryable::Queryable;

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    kind: Option<String>,
    name: Option<String>,
    path: JpQuery,
}

impl Rule {
    /// A rule for objects of a kind (any if none) whose name matches a pattern with `*` and `?` (any if none).
    ///
    /// # Errors
    /// The path is none. The diagnostic has no place: the caller knows where the path stands.
    pub fn new(kind: Option<&str>, name: Option<&str>, path: &str) -> Result<Self, Diagnostic> {
        let rewritten = to_rfc9535(path)?;
        let path = parse_json_path(&rewritten).map_err(|e| {
            let why = e.to_string();
            let first =
                why.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or("it cannot be read").trim_start_matches("= ").to_owned();
            wrong(format!("`{path}` is no JSONPath: {first}"))
                .hint("RFC 9535 says how: `$.spec.replicas`, `$.metadata.annotations['example.com/x']`")
        })?;
        Ok(Self { kind: kind.map(str::to_owned), name: name.map(str::to_owned), path })
    }

    /// Whether it is about an object at all.
    pub fn is_about(&self, id: &ObjectId) -> bool {
        self.kind.as_ref().is_none_or(|k| k.eq_ignore_ascii_case(&id.kind)) && self.name.as_ref().is_none_or(|n| name_matches(n, &id.name))
    }

    /// The values that it finds in an object.
    pub(super) fn found<'v>(&self, object: &'v Value) -> Vec<&'v Value> {
        js_path_process(&self.path, object).map(|found| found.into_iter().map(|f| f.val).collect()).unwrap_or_default()
    }
}

/// Whether a name matches a pattern: `*` stands for anything, `?` for one character.
pub fn name_matches(pattern: &str, name: &str) -> bool {
    let (pattern, name): (Vec<char>, Vec<char>) = (pattern.chars().collect(), name.chars().collect());
    let (mut p, mut n, mut star) = (0, 0, None);
    while n < name.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(c) if *c == '?' || *c == name[n] => (p, n) = (p + 1, n + 1),
            _ => match star {
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (p, n) = (at + 1, taken + 1);
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == '*')
}

fn wrong(text: String) -> Diagnostic {
    Diagnostic::error("ignore-path", text)
}

fn to_rfc9535(path: &str) -> Result<String, Diagnostic> {
    let trimmed = path.trim();
    if trimmed.contains("{range") || trimmed.contains("{end") {
        return Err(wrong(format!("`{path}` is a loop: a rule needs a path")).hint("`[*]` means every item: `$.spec.containers[*].image`"));
    }
    let inner = trimmed.strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(trimmed).trim();
    if inner.contains(['{', '}']) {
        return Err(wrong(format!("`{path}` is a template with several parts: a rule needs one path")).hint("write one rule for each path"));
    }
    let mut rest = inner.strip_prefix('$').unwrap_or(inner);
    let mut out = String::from("$");
    if !rest.starts_with(['.', '[']) {
        rest = push_name(rest, &mut out);
    }
    while !rest.is_empty() {
        rest = if rest.starts_with('[') {
            let end = bracket_end(rest).ok_or_else(|| wrong(format!("`{path}`: a `[` is never closed")))?;
            if says_in(&rest[..end]) {
                let hint = "write the alternatives out: `?(@.name == 'a' || @.name == 'b')`";
                return Err(wrong(format!("`{path}`: `in […]` is not part of JSONPath and would match nothing")).hint(hint));
            }
            out.push_str(&rest[..end]);
            &rest[end..]
        } else if let Some(below) = rest.strip_prefix("..") {
            out.push_str("..");
            let (name, after) = name_of(below);
            push_descendant(&name, &mut out);
            after
        } else if let Some(below) = rest.strip_prefix('.') {
            push_name(below, &mut out)
        } else {
            return Err(wrong(format!("`{path}`: what is `{rest}`?")).hint("a path is made of `.name` and `[…]`"));
        };
    }
    if out == "$" {
        return Err(wrong(format!("`{path}` names the whole object")).hint("name the field that may differ"));
    }
    Ok(out)
}

/// Takes the name at the start and appends it; gives what follows.
fn push_name<'t>(text: &'t str, out: &mut String) -> &'t str {
    let (name, rest) = name_of(text);
    if name == "*" || is_plain(&name) {
        out.push('.');
        out.push_str(&name);
    } else if !name.is_empty() {
        out.push_str(&bracketed(&name));
    }
    rest
}

fn push_descendant(name: &str, out: &mut String) {
    if name == "*" || name.is_empty() || is_plain(name) {
        out.push_str(name);
    } else {
        out.push_str(&bracketed(name));
    }
}

/// The name up to the next `.` or `[` that no backslash stands before.
fn name_of(text: &str) -> (String, &str) {
    let (mut name, mut escaped) = (String::new(), false);
    for (at, c) in text.char_indices() {
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            '.' | '[' if !escaped => return (name, &text[at..]),
            _ => name.push(c),
        }
        escaped = false;
    }
    (name, "")
}

fn is_plain(name: &str) -> bool {
    let first = name.chars().next().is_some_and(|c| c.is_alphabetic() || c == '_');
    first && name.chars().all(|c| c.is_alphanumeric() || c == '_')
}

fn bracketed(name: &str) -> String {
    format!("['{}']", name.replace('\\', "\\\\").replace('\'', "\\'"))
}

/// Where the bracket that the text starts with ends, quoted text left out.
fn bracket_end(text: &str) -> Option<usize> {
    let mut depth = 0;
    for (at, c) in unquoted(text) {
        match c {
            '[' => depth += 1,
            ']' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return Some(at + 1);
        }
    }
    None
}

fn says_in(bracket: &str) -> bool {
    let bare: String = unquoted(bracket).map(|(_, c)| c).collect();
    bare.split(|c: char| !c.is_alphanumeric() && c != '_' && c != '.' && c != '@').any(|word| word == "in")
}

fn unquoted(text: &str) -> impl Iterator<Item = (usize, char)> {
    let (mut quote, mut escaped) = (None, false);
    text.char_indices().filter(move |(_, c)| {
        let inside = quote.is_some();
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if *c == '\\' => escaped = true,
            Some(q) if q == *c => quote = None,
            None if matches!(c, '\'' | '"') => quote = Some(*c),
            _ => {}
        }
        !inside
    })
}

impl Queryable for Value {
    fn get(&self, key: &str) -> Option<&Self> {
        self.as_object()?.get(key)
    }

    fn as_array(&self) -> Option<&Vec<Self>> {
        self.as_array()
    }

    fn as_object(&self) -> Option<Vec<(&str, &Self)>> {
        Some(self.as_object()?.iter().map(|(key, value)| (key.as_str(), value)).collect())
    }

    fn as_str(&self) -> Option<&str> {
        self.as_str()
    }

    fn as_i64(&self) -> Option<i64> {
        self.as_i64()
    }

    fn as_f64(&self) -> Option<f64> {
        self.as_f64()
    }

    fn as_bool(&self) -> Option<bool> {
        self.as_bool()
    }

    fn null() -> Self {
        Self::Null
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json;

    #[test]
    fn kubectls_spelling_becomes_the_standard_one() {
        for (kubectl, standard) in [
            ("{.spec.replicas}", "$.spec.replicas"),
            (".spec.replicas", "$.spec.replicas"),
            ("spec.replicas", "$.spec.replicas"),
            ("$.spec.replicas", "$.spec.replicas"),
            ("{.metadata.annotations.example\\.com/last-seen}", "$.metadata.annotations['example.com/last-seen']"),
            ("$.metadata.annotations['example.com/x']", "$.metadata.annotations['example.com/x']"),
            (".spec.template.spec.containers[?(@.name==\"agent\")].image", "$.spec.template.spec.containers[?(@.name==\"agent\")].image"),
            ("$..image", "$..image"),
            ("{.spec.containers[*].env[0:2].*}", "$.spec.containers[*].env[0:2].*"),
            ("$['a']['b]c']", "$['a']['b]c']"),
        ] {
            assert_eq!(to_rfc9535(kubectl).unwrap(), standard);
            parse_json_path(standard).unwrap();
        }
    }

    #[test]
    fn what_is_no_path_is_refused_and_says_why() {
        for (path, why) in [
            ("{range .items[*]}{.spec}{end}", "is a loop"),
            ("{.a}{.b}", "several parts"),
            ("$.spec.containers[?(@.name in ['a', 'b'])]", "`in […]`"),
            ("$.a[0", "never closed"),
            ("$.a[]", "is no JSONPath"),
            ("$", "the whole object"),
            ("", "the whole object"),
        ] {
            let refused = Rule::new(None, None, path).unwrap_err();
            assert!(refused.text.contains(why), "{path}: {}", refused.text);
        }
        assert!(Rule::new(None, None, "$.a[?(@.kind == 'in [x]')]").is_ok(), "quoted text may say anything");
    }

    #[test]
    fn names_match_patterns() {
        for (pattern, name, matches) in [
            ("*", "a", true),
            ("a*c", "abbc", true),
            ("a?c", "ac", false),
            ("*-agent", "ceo-agent", true),
            ("a*b*c", "axbxbxc", true),
            ("a", "ab", false),
        ] {
            assert_eq!(name_matches(pattern, name), matches, "{pattern} {name}");
        }
    }

    #[test]
    fn finds_the_values() {
        let rule = Rule::new(Some("deployment"), Some("ceo-*"), "{.spec.c[?(@.name=='a')].image}").unwrap();
        let object = json!({"spec": {"c": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]}});
        assert_eq!(rule.found(&object), [&json!("x")]);
        let id = |kind: &str, name: &str| ObjectId { kind: kind.into(), name: name.into(), ..ObjectId::default() };
        assert!(rule.is_about(&id("Deployment", "ceo-agent")));
        assert!(!rule.is_about(&id("Deployment", "cto-agent")) && !rule.is_about(&id("StatefulSet", "ceo-agent")));
    }
}
