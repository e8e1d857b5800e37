//! The secrets that a fleet file and its configuration files hold become errors, but for those that the fleet allows.
//!
//! No message shows what was found: the text that it points into is a copy with the secret struck out. A digest tells one
//! finding from another.

use super::file::{AgentFile, EnvValue, Named};
use super::layer::Tree;
use super::patterns;
use super::read::{At, Reader, table};
use super::secrets::{self, Finding};
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use sha2::{Digest, Sha256};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

table! {
    /// What looks like a secret and is none.
    SecretScanTable {
        /// Findings that are allowed, each with a reason.
        "allow" => allow: super::file::List<AllowFile>,
    }
}

table! {
    /// A finding that is allowed: all that is given must fit.
    AllowFile {
        /// The rule that found it: `jwt`.
        "rule" => rule: String,
        /// The file, as a pattern: `docs/**/*.json`; the fleet file by its own name.
        "file" => file: String,
        /// The digest that the message shows.
        "digest" => digest: String,
        /// Why it is no secret.
        "reason" => reason: String,
    }
}

/// What the fleet allows, and which of it was met.
pub(super) struct SecretScan {
    allowed: Vec<(AllowFile, Range<usize>, bool)>,
}

impl SecretScan {
    /// Reads the `[secret-scan]` table.
    pub(super) fn new(table: Option<At<SecretScanTable>>, reader: &mut Reader<'_>) -> Self {
        let mut allowed = Vec::new();
        for At { value, range } in table.into_iter().flat_map(|t| t.value.allow).flat_map(|l| l.value) {
            if let Some(rule) = value.rule.as_ref().filter(|r| !secrets::rules().any(|known| known == r.value)) {
                let near = crate::diagnostic::nearest(&rule.value, secrets::rules()).map(|n| format!("did you mean `{n}`?"));
                let known = secrets::rules().collect::<Vec<_>>().join(", ");
                let wrong = reader.wrong("fleet-reference", rule.range.clone(), format!("there is no rule `{}`", rule.value));
                wrong.label = near.unwrap_or_default();
                wrong.hints.push(format!("the rules: {known}"));
            }
            let aimed = value.rule.is_some() || value.file.is_some() || value.digest.is_some();
            if !aimed || value.reason.as_ref().is_none_or(|r| r.value.trim().is_empty()) {
                let wrong = reader.wrong("fleet-missing", range.clone(), "what allows a secret must say which one and why");
                wrong.label = "expected one of `rule`, `file` and `digest`, and a `reason`".into();
                continue;
            }
            allowed.push((value, range, false));
        }
        Self { allowed }
    }

    /// Whether a finding in a file is allowed.
    fn allows(&mut self, rule: &str, file: &str, digest: &str) -> bool {
        let fits = |wanted: &Option<At<String>>, is: &dyn Fn(&str) -> bool| wanted.as_ref().is_none_or(|w| is(&w.value));
        let mut allowed = false;
        for (entry, _, used) in &mut self.allowed {
            let met = fits(&entry.rule, &|r| r == rule)
                && fits(&entry.file, &|pattern| patterns::matches(pattern, file))
                && fits(&entry.digest, &|d| d == digest);
            *used |= met;
            allowed |= met;
        }
        allowed
    }

    /// What the fleet file holds, and those that it includes.
    pub(super) fn fleet(&mut self, reader: &mut Reader<'_>) {
        let found = std::mem::take(&mut reader.exposed);
        let told = found.iter().filter_map(|f| self.finding(f, &reader.source.text, reader.source, &path_in(reader.source, f.range.start)));
        let told: Vec<Diagnostic> = told.collect();
        reader.problems.extend(told);
    }

    /// What a configuration file holds. `file` is its path as the fleet names it.
    pub(super) fn text(&mut self, source: &Arc<Source>, file: &str) -> Vec<Diagnostic> {
        let found = secrets::scan(&source.text);
        if found.is_empty() {
            return Vec::new();
        }
        let hidden = struck_out(source, &found);
        found.into_iter().filter_map(|f| self.finding(&f, &source.text, &hidden, file)).collect()
    }

    fn finding(&mut self, found: &Finding, text: &str, hidden: &Arc<Source>, file: &str) -> Option<Diagnostic> {
        let digest = digest(&text[found.range.clone()]);
        if self.allows(found.rule, file, &digest) {
            return None;
        }
        Some(told(found.rule, found.about, &digest).at(hidden, found.range.clone()))
    }

    /// What the values of environment variables hold that the text of the fleet file does not show: `${NAME}` was replaced.
    pub(super) fn environment(&mut self, agent: &AgentFile, reader: &mut Reader<'_>) {
        for (name, At { value, range }) in variables(agent) {
            let EnvValue::Short(text) = value else { continue };
            let written = reader.source.text.get(range.clone()).unwrap_or_default();
            let told_already =
                |d: &Diagnostic| d.code == "fleet-secret" && d.place.as_ref().is_some_and(|(_, at)| range.contains(&at.start));
            if !written.contains("${") || reader.problems.iter().any(told_already) {
                continue;
            }
            let line = format!("{name} = \"{}\"", text.0);
            let shown = path_in(reader.source, range.start);
            for found in secrets::scan(&line) {
                let digest = digest(&line[found.range.clone()]);
                if !self.allows(found.rule, &shown, &digest) {
                    reader.problems.push(told(found.rule, found.about, &digest).at(reader.source, range.clone()));
                }
            }
        }
    }

    /// What is allowed and was not met.
    pub(super) fn unused(&self, source: &Arc<Source>) -> Vec<Diagnostic> {
        let unused = self.allowed.iter().filter(|(.., used)| !used).map(|(_, range, _)| {
            Diagnostic::warning("fleet-secret-allow", "nothing that this allows was found").at(source, range.clone()).hint("remove it")
        });
        unused.collect()
    }
}

/// The environment variables that an agent's table names, for all its containers.
fn variables(agent: &AgentFile) -> impl Iterator<Item = (&String, &At<EnvValue>)> {
    let further = agent.container.iter().flat_map(|c| c.value.values()).filter_map(|c| c.value.env.as_ref());
    agent.env.iter().chain(further).flat_map(|env: &At<Named<EnvValue>>| &env.value)
}

fn told(rule: &'static str, about: &str, digest: &str) -> Diagnostic {
    Diagnostic::error("fleet-secret", format!("this looks like {about} (rule `{rule}`, digest {digest})"))
        .label("a secret in a file is known to everyone who has the file")
        .hint("revoke it; put the new one into a Secret, and name that: env.NAME = { secret = \"…\", key = \"…\" }")
        .hint(format!("if it is none: [secret-scan] allow = [{{ digest = \"{digest}\", reason = \"…\" }}]"))
}

fn digest(secret: &str) -> String {
    Sha256::digest(secret).iter().take(6).map(|byte| format!("{byte:02x}")).collect()
}

/// The path of the file that a byte is from, from the directory of the fleet file.
fn path_in(source: &Source, byte: usize) -> String {
    let file = source.file_at(byte).0;
    let from = source.file.parent().unwrap_or(Path::new(""));
    file.strip_prefix(from).unwrap_or(file).display().to_string()
}

/// Hides what looks like a secret from every message about the fleet file, and notes it. Sealed values look random and are made to be
/// shown.
pub(super) fn prepare(whole: &Tree<'_>, reader: &mut Reader<'_>) {
    let found = secrets::scan(&reader.source.text);
    reader.hidden = (!found.is_empty()).then(|| struck_out(reader.source, &found));
    let mut sealed = Vec::new();
    find_sealed(whole, false, &mut sealed);
    sealed.sort_by_key(|range: &Range<usize>| range.start);
    let is_sealed = |f: &Finding| {
        let behind = sealed.partition_point(|range| range.start <= f.range.start);
        behind > 0 && sealed[behind - 1].contains(&f.range.start)
    };
    reader.exposed = found.into_iter().filter(|f| !is_sealed(f)).collect();
}

/// The values below `secrets.NAME.sealed`, wherever such a table stands.
fn find_sealed(tree: &Tree<'_>, inside: bool, found: &mut Vec<Range<usize>>) {
    for (key, value) in tree.get_ref().as_table().into_iter().flatten() {
        let key = key.get_ref().as_ref();
        match (inside && key == "sealed", value.get_ref().as_table()) {
            (true, Some(values)) => found.extend(values.iter().map(|(_, v)| v.span())),
            _ => find_sealed(value, inside || key == "secrets", found),
        }
    }
}

/// No message may show the line of a secret, whatever else it is about.
pub(super) fn without_secrets(wrong: Diagnostics, source: &Arc<Source>) -> Diagnostics {
    let hidden = struck_out(source, &secrets::scan(&source.text));
    let hide = |mut one: Diagnostic| {
        if let Some((shown, _)) = one.place.as_mut() {
            // The files that it includes are behind it in another source, which nobody else holds.
            *shown = if Arc::ptr_eq(shown, source) { Arc::clone(&hidden) } else { struck_out(shown, &secrets::scan(&shown.text)) };
        }
        one
    };
    Diagnostics(wrong.0.into_iter().map(hide).collect())
}

/// A copy of a source with stars in place of what was found.
fn struck_out(source: &Arc<Source>, found: &[Finding]) -> Arc<Source> {
    Arc::new(source.masked(found.iter().map(|f| f.range.clone())))
}
