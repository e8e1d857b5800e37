//! The dimensions of a change: model, code, skills, rules, sandbox, prompt, or those that the fleet names; and what of a workload
//! belongs to which.

use super::file::{List, Named};
use super::patterns::matches;
use super::read::{At, Reader};
use std::collections::BTreeMap;

/// What belongs to which dimension: the first pattern that fits decides, in this order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dimensions {
    patterns: Vec<(String, Vec<String>)>,
}

/// What belongs where, unless the fleet says otherwise. `file:` is a configuration file by its path, `key:` a key at the top of one
/// that is JSON, `env:` an environment variable, `field:` a field of the pod template; `code` is what the others leave of containers.
const DEFAULT: [(&str, &[&str]); 6] = [
    ("prompt", &["file:**/AGENTAO.md", "file:**/*prompt*", "key:*rompt", "env:*PROMPT*"]),
    ("skills", &["file:skills/**", "file:**/skills/**", "key:skills", "env:*SKILL*"]),
    ("rules", &["file:**/rules/**", "file:**/*rules*", "file:**/*permissions*", "key:rules", "key:permissions", "key:hooks"]),
    (
        "sandbox",
        &["file:**/*sandbox*", "key:sandbox*", "env:*SANDBOX*", "field:*ecurityContext*", "field:*.resources.*", "field:*untimeClassName"],
    ),
    ("model", &["file:**/*model*", "key:model*", "key:provider*", "env:*MODEL*"]),
    ("code", &["field:*.image", "field:*.command*", "field:*.args*"]),
];

impl Default for Dimensions {
    fn default() -> Self {
        let list = |patterns: &[&str]| patterns.iter().map(|p| (*p).to_owned()).collect();
        Self { patterns: DEFAULT.iter().map(|(name, patterns)| ((*name).to_owned(), list(patterns))).collect() }
    }
}

impl Dimensions {
    /// Reads the `[dimensions]` table: a list replaces that of the same name, others come before the built-in ones.
    pub(super) fn new(table: Option<At<Named<List<String>>>>, reader: &mut Reader<'_>) -> Self {
        let mut out = Self::default();
        let mut first = Vec::new();
        for (name, At { value, .. }) in table.into_iter().flat_map(|t| t.value) {
            for pattern in &value {
                let kind = pattern.value.split_once(':').map_or("", |(kind, _)| kind);
                if !KINDS.contains(&kind) {
                    let text = format!("`{}` does not say what it is a pattern of", pattern.value);
                    reader.wrong("fleet-value", pattern.range.clone(), text).label = format!("expected one of {}:…", KINDS.join(":…, "));
                }
            }
            let patterns = value.into_iter().map(|p| p.value).collect();
            match out.patterns.iter_mut().find(|(known, _)| *known == name) {
                Some(known) => known.1 = patterns,
                None => first.push((name, patterns)),
            }
        }
        first.append(&mut out.patterns);
        Self { patterns: first }
    }

    /// The dimension of a configuration file.
    pub fn of_file(&self, path: &str) -> Option<&str> {
        self.of("file", path.trim_start_matches('/'))
    }

    /// The dimension of a key at the top of a JSON file.
    pub fn of_key(&self, key: &str) -> Option<&str> {
        self.of("key", key)
    }

    /// The dimension of an environment variable.
    pub fn of_variable(&self, name: &str) -> Option<&str> {
        self.of("env", name)
    }

    /// The dimension of a field of the pod template.
    pub fn of_field(&self, path: &str) -> Option<&str> {
        self.of("field", path)
    }

    /// The names, in the order in which they are told.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.patterns.iter().map(|(name, _)| name.as_str())
    }

    fn of(&self, kind: &str, what: &str) -> Option<&str> {
        let fits = |pattern: &String| pattern.split_once(':').is_some_and(|(k, pattern)| k == kind && matches(pattern, what));
        self.patterns.iter().find(|(_, patterns)| patterns.iter().any(fits)).map(|(name, _)| name.as_str())
    }
}

/// What patterns can be of.
const KINDS: [&str; 4] = ["file", "key", "env", "field"];

/// The top-level keys of two JSON texts whose values differ; none if either is no JSON object.
pub fn differing_keys(old: &str, new: &str) -> Option<Vec<String>> {
    let read = |text: &str| serde_json::from_str::<BTreeMap<String, serde_json::Value>>(text).ok();
    let (old, new) = (read(old)?, read(new)?);
    let keys = old.keys().chain(new.keys().filter(|k| !old.contains_key(*k)));
    Some(keys.filter(|k| old.get(*k) != new.get(*k)).cloned().collect())
}

#[cfg(test)]
mod tests {
    use super::{Dimensions, differing_keys};

    #[test]
    fn what_is_usual_has_its_dimension() {
        let d = Dimensions::default();
        let files = [
            ("/home/a/AGENTAO.md", "prompt"),
            ("skills/review/SKILL.md", "skills"),
            (".agentao/rules.json", "rules"),
            (".agentao/model.json", "model"),
        ];
        for (path, wanted) in files {
            assert_eq!(d.of_file(path), Some(wanted), "{path}");
        }
        assert_eq!(d.of_file("README"), None);
        assert_eq!((d.of_key("systemPrompt"), d.of_key("model"), d.of_key("theme")), (Some("prompt"), Some("model"), None));
        assert_eq!((d.of_variable("AGENT_MODEL"), d.of_variable("HOME")), (Some("model"), None));
        assert_eq!(d.of_field("spec.template.spec.containers[agent].image"), Some("code"));
        assert_eq!(d.of_field("spec.template.spec.containers[agent].resources.limits.memory"), Some("sandbox"));
        assert_eq!(d.of_field("spec.template.spec.securityContext.runAsUser"), Some("sandbox"));
    }

    #[test]
    fn json_differs_by_key() {
        assert_eq!(differing_keys(r#"{"a": 1, "b": 2}"#, r#"{"b": 3, "c": 1, "a": 1}"#).unwrap(), ["b", "c"]);
        assert_eq!(differing_keys("[]", "{}"), None);
    }
}
