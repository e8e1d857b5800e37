//! Values that look like secrets: a fleet file is committed, read in reviews and printed, so none may stand in it.
//!
//! Known shapes are looked for in every string. Where a key is named like a secret's (`OPENAI_API_KEY`) its value is taken for one if
//! it looks random: long, of letters and digits, with many different ones.

use super::layer::Tree;
use super::parts::INCLUDE;
use crate::diagnostic::{Diagnostic, Source};
use std::ops::Range;
use std::sync::Arc;
use toml::de::DeValue;

/// How such values start, how long they are at least, and what they are.
const SHAPES: [(&str, usize, &str); 22] = [
    ("sk-ant-", 30, "an API key of Anthropic"),
    ("sk-proj-", 30, "an API key of OpenAI"),
    ("sk-", 40, "an API key"),
    ("sk_live_", 20, "a key of Stripe"),
    ("rk_live_", 20, "a key of Stripe"),
    ("ghp_", 36, "a token of GitHub"),
    ("gho_", 36, "a token of GitHub"),
    ("ghu_", 36, "a token of GitHub"),
    ("ghs_", 36, "a token of GitHub"),
    ("ghr_", 36, "a token of GitHub"),
    ("github_pat_", 40, "a token of GitHub"),
    ("glpat-", 20, "a token of GitLab"),
    ("xoxb-", 20, "a token of Slack"),
    ("xoxp-", 20, "a token of Slack"),
    ("xapp-", 20, "a token of Slack"),
    ("AKIA", 20, "an access key of AWS"),
    ("ASIA", 20, "an access key of AWS"),
    ("AIza", 39, "an API key of Google"),
    ("hvs.", 24, "a token of Vault"),
    ("npm_", 36, "a token of npm"),
    ("dckr_pat_", 20, "a token of Docker"),
    ("eyJhbGciOi", 60, "a signed token (JWT)"),
];

/// The ends of keys that hold secrets.
const NAMES: [&str; 7] = ["key", "token", "secret", "password", "passwd", "credential", "credentials"];

/// A mistake for each value that looks like a secret; in what they show, the values are hidden.
pub(super) fn exposed(whole: &Tree<'_>, source: &Arc<Source>) -> Option<(Arc<Source>, Vec<Diagnostic>)> {
    let mut found = Vec::new();
    search(whole, &mut Vec::new(), &mut found);
    if found.is_empty() {
        return None;
    }
    let hidden = Arc::new(source.masked(found.iter().map(|(_, _, range)| range.clone())));
    let wrong = found.into_iter().map(|(key, what, range)| {
        Diagnostic::error("fleet-secret", format!("the value of `{key}` looks like {what}"))
            .at(&hidden, range)
            .label("a secret is named here, never written")
            .hint("put it where secrets are kept, and write for example `secrets.keys = { existing = \"my-keys\", env = true }`")
            .hint("it stands in this file and its history: take it back where it was issued")
    });
    let wrong = wrong.collect();
    Some((hidden, wrong))
}

fn search<'t>(tree: &'t Tree<'_>, path: &mut Vec<&'t str>, found: &mut Vec<(String, &'static str, Range<usize>)>) {
    match tree.get_ref() {
        DeValue::String(text) => {
            if let Some(what) = looks_like(path.last().copied().unwrap_or_default(), text) {
                found.push((path.join("."), what, tree.span()));
            }
        }
        DeValue::Array(list) => list.iter().for_each(|item| search(item, path, found)),
        DeValue::Table(table) => {
            for (key, value) in table {
                let key = key.get_ref().as_ref();
                // A sealed value is made to be shown, and looks random.
                let sealed = key == "sealed" && path.contains(&"secrets");
                if !sealed && !(key == INCLUDE && path.is_empty()) {
                    path.push(key);
                    search(value, path, found);
                    path.pop();
                }
            }
        }
        _ => {}
    }
}

/// What a value looks like, if it looks like a secret.
fn looks_like(key: &str, value: &str) -> Option<&'static str> {
    if value.len() < 16 {
        return None;
    }
    if value.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    // Somewhere in a longer text as well: `Bearer …`, `--token=…`, a line of a configuration file.
    let words = value.split(|c: char| c.is_whitespace() || matches!(c, '=' | '"' | '\'' | ',' | ';' | ':' | '@' | '/'));
    for word in words.filter(|w| w.len() >= 20) {
        let plain = |tail: &str| tail.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
        let shape = SHAPES.iter().find(|(start, length, _)| word.len() >= *length && word.strip_prefix(start).is_some_and(plain));
        if let Some((.., what)) = shape.filter(|_| word.bytes().any(|b| b.is_ascii_digit())) {
            return Some(what);
        }
    }
    let lower = key.to_ascii_lowercase();
    let named = NAMES.iter().any(|name| lower.strip_suffix(name).is_some_and(|rest| rest.is_empty() || rest.ends_with(['_', '-'])));
    (named && random(value)).then_some("a secret")
}

/// Whether a text looks drawn, not written: letters and digits mixed, few of them twice, no words between separators.
fn random(text: &str) -> bool {
    let plain = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'+' | b'/' | b'='));
    let digits = text.bytes().filter(u8::is_ascii_digit).count();
    let mut counts = [0_usize; 128];
    text.bytes().filter(u8::is_ascii).for_each(|b| counts[b as usize] += 1);
    let length = text.len() as f64;
    let entropy: f64 = counts.iter().filter(|n| **n > 0).map(|n| *n as f64 / length).map(|p| -p * p.log2()).sum();
    plain && digits >= 3 && entropy > 3.2
}

#[cfg(test)]
mod tests {
    use super::looks_like;

    /// The shapes of real tokens, put together here so that no file holds one.
    #[test]
    fn tokens_are_known_and_words_are_not() {
        let filler = "a1B2c3D4e5F6g7H8i9J0k1L2m3N4o5P6q7R8s9T0";
        assert_eq!(looks_like("X", &format!("sk-ant-{filler}")), Some("an API key of Anthropic"));
        assert_eq!(looks_like("args", &format!("--token=ghp_{filler}")), Some("a token of GitHub"));
        assert_eq!(looks_like("config", &format!("-----BEGIN OPENSSH {}-----\n{filler}", "PRIVATE KEY")), Some("a private key"));
        assert_eq!(looks_like("OPENAI_API_KEY", filler), Some("a secret"));
        for (key, value) in [
            ("API_KEY", "read-from-the-environment"),
            ("TOKEN_URL", "https://login.example.com/oauth2/token/v2"),
            ("MODEL", filler),
            ("SECRET", "base-token"),
            ("image", "registry.example.com/sk-agent@sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"),
            ("key", "teams/agents/production/anthropic"),
        ] {
            assert_eq!(looks_like(key, value), None, "{key} = {value}");
        }
    }
}
