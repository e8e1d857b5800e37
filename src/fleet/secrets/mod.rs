//! Text becomes the places in it that look like secrets: by the formats that `rules.toml` lists, and by how random a value is
//! that is assigned to a name such as `token`.
//!
//! The rules are data. Keywords are looked for first, all in one pass; a rule's pattern is compiled when a keyword of it is met.

use regex::Regex;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::LazyLock;

/// Something that looks like a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The rule that it was found by: `github-token`.
    pub rule: &'static str,
    /// What it is: `a GitHub token`.
    pub about: &'static str,
    /// Where, in bytes.
    pub range: Range<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleFile {
    rule: Vec<RuleTable>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleTable {
    id: String,
    about: String,
    keywords: Vec<String>,
    pattern: String,
    #[serde(default)]
    entropy: f64,
}

struct Rule {
    table: RuleTable,
    pattern: LazyLock<Regex, Box<dyn FnOnce() -> Regex + Send>>,
}

struct Rules {
    rules: Vec<Rule>,
    /// Any keyword of any rule.
    keywords: Regex,
    /// Keyword, in lower case, to the rules that have it.
    by_keyword: BTreeMap<String, Vec<usize>>,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    let file: RuleFile = toml::from_str(include_str!("rules.toml")).expect("rules.toml is part of the program and tested");
    let mut by_keyword: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    for (index, rule) in file.rule.iter().enumerate() {
        for keyword in &rule.keywords {
            by_keyword.entry(keyword.to_lowercase()).or_default().push(index);
        }
    }
    // Where one keyword starts another, the longer one is tried first, and its rules are those of both.
    let mut words: Vec<&String> = by_keyword.keys().collect();
    words.sort_by_key(|w| std::cmp::Reverse(w.len()));
    let any = words.iter().map(|w| regex::escape(w)).collect::<Vec<_>>().join("|");
    let keywords = Regex::new(&format!("(?i){any}")).expect("escaped words are a pattern");
    let rules = file.rule.into_iter().map(|table| {
        let pattern = table.pattern.clone();
        let compile: Box<dyn FnOnce() -> Regex + Send> = Box::new(move || Regex::new(&pattern).expect("the patterns are tested"));
        Rule { table, pattern: LazyLock::new(compile) }
    });
    Rules { rules: rules.collect(), keywords, by_keyword }
});

/// The names of the rules.
pub fn rules() -> impl Iterator<Item = &'static str> {
    RULES.rules.iter().map(|r| r.table.id.as_str())
}

/// Everything in a text that looks like a secret, in the order of the text; each place once.
pub fn scan(text: &str) -> Vec<Finding> {
    let rules = &*RULES;
    let mut found: Vec<Finding> = Vec::new();
    let mut scanned = 0..0;
    for keyword in rules.keywords.find_iter(text) {
        if scanned.contains(&keyword.start()) {
            continue;
        }
        let start = text[..keyword.start()].rfind('\n').map_or(0, |i| i + 1);
        let end = text[keyword.start()..].find('\n').map_or(text.len(), |i| keyword.start() + i);
        // A minified file is one line: what is looked at is bounded, and the rest comes with its next keyword.
        let window = boundary(text, start.max(keyword.start().saturating_sub(BEFORE)))..boundary(text, end.min(keyword.start() + AFTER));
        scanned = window.start..window.end.min(boundary(text, keyword.start() + AFTER / 2).max(keyword.end()));
        line(&text[window.clone()], window.start, rules, &mut found);
    }
    found.sort_by(|a, b| a.range.start.cmp(&b.range.start).then(b.range.end.cmp(&a.range.end)));
    // Of two rules that see the same thing the one that names it is told.
    let mut out: Vec<Finding> = Vec::new();
    for finding in found {
        match out.last_mut() {
            Some(last) if finding.range.start < last.range.end => {
                if is_vague(last.rule) && !is_vague(finding.rule) {
                    *last = finding;
                }
            }
            _ => out.push(finding),
        }
    }
    out
}

/// How much of a long line before a keyword is looked at.
const BEFORE: usize = 256;
/// How much of a long line after a keyword is looked at.
const AFTER: usize = 4096;

fn boundary(text: &str, at: usize) -> usize {
    let at = at.min(text.len());
    (0..=at).rev().find(|i| text.is_char_boundary(*i)).unwrap_or(0)
}

fn is_vague(rule: &str) -> bool {
    matches!(rule, "assigned-secret" | "bearer-token" | "url-password")
}

fn line(text: &str, offset: usize, rules: &'static Rules, found: &mut Vec<Finding>) {
    let lower = text.to_lowercase();
    let mut wanted: Vec<usize> = rules.by_keyword.iter().filter(|(k, _)| lower.contains(k.as_str())).flat_map(|(_, i)| i.clone()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    for rule in wanted.into_iter().map(|i| &rules.rules[i]) {
        for captures in rule.pattern.captures_iter(text) {
            let Some(secret) = captures.get(1).or_else(|| captures.get(0)) else { continue };
            let vague = is_vague(&rule.table.id);
            if entropy(secret.as_str()) < rule.table.entropy || is_placeholder(secret.as_str()) || (vague && is_plain(secret.as_str())) {
                continue;
            }
            let range = offset + secret.start()..offset + secret.end();
            if !found.iter().any(|f| f.range == range && f.rule == rule.table.id) {
                found.push(Finding { rule: &rule.table.id, about: &rule.table.about, range });
            }
        }
    }
}

/// Bits of information a character, by how often each stands in the text.
fn entropy(text: &str) -> f64 {
    let mut counts: BTreeMap<char, f64> = BTreeMap::new();
    for c in text.chars() {
        *counts.entry(c).or_default() += 1.0;
    }
    let all: f64 = counts.values().sum();
    -counts.values().map(|n| n / all * (n / all).log2()).sum::<f64>()
}

/// What documentation writes in place of a secret.
fn is_placeholder(secret: &str) -> bool {
    let lower = secret.to_lowercase();
    let words = [
        "example",
        "placeholder",
        "changeme",
        "change-me",
        "redacted",
        "dummy",
        "your-",
        "your_",
        "xxxx",
        "****",
        "....",
        "0000000",
        "1234567890",
    ];
    words.iter().any(|word| lower.contains(word))
}

/// A name, a path, a number or a word: what stands beside `secret =` and is none. Random values mix letters and digits within
/// a part.
fn is_plain(value: &str) -> bool {
    let value = value.trim_end_matches(['"', '\'', ',', ';']);
    let no_digits = !value.bytes().any(|b| b.is_ascii_digit());
    let no_letters = !value.bytes().any(|b| b.is_ascii_alphabetic());
    if no_digits || no_letters {
        return true;
    }
    let separator = |c: char| !c.is_ascii_alphanumeric();
    let word = |part: &str| {
        let digits = part.find(|c: char| c.is_ascii_digit()).unwrap_or(part.len());
        let (letters, rest) = part.split_at(digits);
        letters.len() <= 16 && rest.bytes().all(|b| b.is_ascii_digit()) && rest.len() <= 4
    };
    value.split(separator).filter(|p| !p.is_empty()).all(word)
}

#[cfg(test)]
mod tests;
