//! The `config` of agents becomes the files of their ConfigMaps: read, named, and looked at for what would fail only in a pod.
//!
//! A name is a path below `config-mount`, or an absolute one for a file that is mounted by itself. A file is read and looked at
//! once, however many agents have it.

mod content;

use super::file::{AgentFile, ConfigSource, ConfigValue, List, Named};
use super::parts::Files;
use super::patterns;
use super::read::{At, Reader, names, table};
use super::secret_scan::SecretScan;
use crate::diagnostic::Source;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

table! {
    /// How configuration files become ConfigMaps, and what is checked about them.
    ConfigTable {
        /// How a change of a file reaches the pods: `annotation` or `name`.
        "hash" => hash: HashIn,
        /// The most characters of a system prompt; 0 for no limit.
        "prompt-limit" => prompt_limit: i64,
        /// Which files are system prompts, as patterns.
        "prompts" => prompts: List<String>,
    }
}

names! {
    /// Where the hash of the files of a ConfigMap stands: a change of it rolls the workload.
    HashIn {
        /// In an annotation of the pod template: one ConfigMap, changed in place.
        "annotation" => Annotation,
        /// In the ConfigMap's name: each content has an object of its own that never changes.
        "name" => Name,
    }
}

/// What the `[config]` table comes to.
#[derive(Clone, Debug, PartialEq)]
pub struct ConfigSettings {
    /// Where the hash stands.
    pub hash: HashIn,
    /// The most characters of a system prompt.
    pub prompt_limit: Option<u64>,
    /// Which files are system prompts.
    pub prompts: Vec<String>,
}

/// The most characters of a system prompt, unless the fleet says otherwise.
const PROMPT_LIMIT: u64 = 32_768;
/// Which files are system prompts, unless the fleet says otherwise.
const PROMPTS: [&str; 5] = ["AGENTAO.md", "**/AGENTAO.md", "**/system-prompt*", "**/system_prompt*", "**/*.prompt.md"];
/// What Kubernetes takes as the data of one ConfigMap: `MaxSecretSize` of `pkg/apis/core`.
const LARGEST: usize = 1 << 20;

impl Default for ConfigSettings {
    fn default() -> Self {
        Self { hash: HashIn::Annotation, prompt_limit: Some(PROMPT_LIMIT), prompts: PROMPTS.map(str::to_owned).to_vec() }
    }
}

impl ConfigSettings {
    /// Reads the `[config]` table.
    pub(super) fn new(table: Option<At<ConfigTable>>, reader: &mut Reader<'_>) -> Self {
        let ConfigTable { hash, prompt_limit, prompts } = table.map(|t| t.value).unwrap_or_default();
        let limit = prompt_limit.map_or(Some(PROMPT_LIMIT), |At { value, range }| {
            if value < 0 {
                reader.wrong("fleet-value", range, "`prompt-limit` cannot be negative").label = "0 is for no limit".into();
            }
            u64::try_from(value).ok().filter(|l| *l > 0)
        });
        let default = Self::default();
        Self {
            hash: hash.map_or(default.hash, |h| h.value),
            prompt_limit: limit,
            prompts: prompts.map_or(default.prompts, |p| p.value.into_iter().map(|p| p.value).collect()),
        }
    }

    fn is_prompt(&self, name: &str) -> bool {
        let name = name.trim_start_matches('/');
        self.prompts.iter().any(|pattern| patterns::matches(pattern, name))
    }
}

/// Reads the configuration files of all agents of a fleet.
pub(super) struct ConfigReader<'r> {
    files: &'r dyn Files,
    settings: ConfigSettings,
    secrets: SecretScan,
    /// Path to what was read there.
    read: BTreeMap<String, Result<Arc<Source>, String>>,
    /// Directory to what it holds.
    listed: BTreeMap<String, Result<Vec<String>, String>>,
    /// What was looked at already: a place in a source, under a name.
    seen: BTreeSet<(String, usize, String)>,
}

impl<'r> ConfigReader<'r> {
    pub(super) fn new(files: &'r dyn Files, settings: ConfigSettings, secrets: SecretScan) -> Self {
        Self { files, settings, secrets, read: BTreeMap::new(), listed: BTreeMap::new(), seen: BTreeSet::new() }
    }

    /// What the reading was for: settings, and which allowed secrets there were.
    pub(super) fn finish(self) -> (ConfigSettings, SecretScan) {
        (self.settings, self.secrets)
    }

    /// What the environment variables of one agent hold.
    pub(super) fn environment(&mut self, agent: &AgentFile, reader: &mut Reader<'_>) {
        self.secrets.environment(agent, reader);
    }

    /// The files of one agent: name to content.
    pub(super) fn agent(&mut self, config: Option<At<Named<ConfigValue>>>, reader: &mut Reader<'_>) -> BTreeMap<String, String> {
        let Some(At { value: config, range: whole }) = config else { return BTreeMap::new() };
        let mut out: BTreeMap<String, String> = BTreeMap::new();
        for (name, At { value, range }) in config {
            let Some(named) = self.named(&name, value, &range, reader) else { continue };
            for (name, content) in named {
                if out.insert(name.clone(), content).is_some() {
                    let wrong = reader.wrong("fleet-duplicate", range.clone(), format!("the configuration file `{name}` is given twice"));
                    wrong.hints.push("a directory or a pattern gives it too: leave one of them out".into());
                }
            }
        }
        keys_are_unique(&out, &whole, reader);
        let size: usize = out.values().map(String::len).sum();
        if size > LARGEST {
            let text = format!("the configuration files have {size} bytes together; a ConfigMap holds {LARGEST}");
            reader.wrong("fleet-config-size", whole, text).hints.push("bring large files in the image or on a volume".into());
        }
        out
    }

    /// What one entry of `config` gives: a file, or those of a directory or a pattern.
    fn named(&mut self, name: &str, value: ConfigValue, range: &Range<usize>, reader: &mut Reader<'_>) -> Option<Vec<(String, String)>> {
        let table = match value {
            ConfigValue::Short(text) => {
                is_path(name, range, reader).then_some(())?;
                let written = reader.source.text.get(range.clone()).and_then(|t| t.find(&text.0)).map(|i| range.start + i);
                self.look(&text.0, name, (&Arc::clone(reader.source), written.ok_or(range.clone())), reader);
                return Some(vec![(name.to_owned(), text.0)]);
            }
            ConfigValue::Table(table) => *table,
        };
        let (paths, place) = self.paths(name, table, range, reader)?;
        let mut out = Vec::new();
        for (name, path) in paths {
            is_path(&name, &place, reader).then_some(())?;
            match self.source(&path, reader.source) {
                Ok(source) => {
                    self.whole(&source, &path, &name, reader);
                    out.push((name, source.text.clone()));
                }
                Err(why) => {
                    reader.wrong("fleet-file", place.clone(), format!("cannot read `{path}`: {why}"));
                }
            }
        }
        Some(out)
    }

    /// Which files an entry names: their names in the pod, and their paths.
    #[expect(clippy::type_complexity, reason = "pairs of names and paths, with the place that named them")]
    fn paths(
        &mut self,
        name: &str,
        source: ConfigSource,
        range: &Range<usize>,
        reader: &mut Reader<'_>,
    ) -> Option<(Vec<(String, String)>, Range<usize>)> {
        let ConfigSource { file, directory, files } = source;
        let (pattern, listed) = match (file, directory, files) {
            (Some(file), None, None) => return Some((vec![(name.to_owned(), beside(&file, reader.source))], file.range)),
            (None, Some(directory), None) => (None, At { value: beside(&directory, reader.source), range: directory.range }),
            (None, None, Some(pattern)) => {
                let value = beside(&pattern, reader.source);
                (Some(value.clone()), At { value, range: pattern.range })
            }
            _ => {
                let wrong = reader.wrong("fleet-value", range.clone(), format!("`{name}` comes from one place"));
                wrong.label = "expected one of `file`, `directory` and `files`".into();
                return None;
            }
        };
        let place = listed.range;
        let folder = pattern.as_deref().map_or(listed.value.trim_end_matches('/'), patterns::fixed_part).to_owned();
        let below = match self.below(&folder) {
            Ok(below) => below,
            Err(why) => {
                reader.wrong("fleet-file", place, format!("cannot list `{folder}`: {why}"));
                return None;
            }
        };
        let wanted = below.into_iter().filter(|path| pattern.as_ref().is_none_or(|p| patterns::matches(p, path)));
        let target = if name == "." { String::new() } else { format!("{}/", name.trim_end_matches('/')) };
        let inside = |path: &str| path.strip_prefix(&folder).map_or(path, |p| p.trim_start_matches('/')).to_owned();
        let paths: Vec<(String, String)> = wanted.map(|path| (format!("{target}{}", inside(&path)), path)).collect();
        if paths.is_empty() {
            let what = pattern.map_or_else(|| format!("the directory `{folder}` is empty"), |p| format!("no file matches `{p}`"));
            reader.wrong("fleet-file", place, what);
            return None;
        }
        Some((paths, place))
    }

    fn source(&mut self, path: &str, fleet: &Source) -> Result<Arc<Source>, String> {
        if let Some(read) = self.read.get(path) {
            return read.clone();
        }
        // Beside the fleet file, be that on a disk or `REVISION:fleet.toml`.
        let named = fleet.file.display().to_string();
        let shown = PathBuf::from(format!("{}{path}", &named[..named.rfind(['/', ':']).map_or(0, |i| i + 1)]));
        let read = self.files.read(path).map(|text| Arc::new(Source::new(shown, text)));
        self.read.insert(path.to_owned(), read.clone());
        read
    }

    fn below(&mut self, folder: &str) -> Result<Vec<String>, String> {
        if let Some(listed) = self.listed.get(folder) {
            return listed.clone();
        }
        let listed = patterns::below(folder, self.files);
        self.listed.insert(folder.to_owned(), listed.clone());
        listed
    }

    /// Looks at a file of its own.
    fn whole(&mut self, source: &Arc<Source>, path: &str, name: &str, reader: &mut Reader<'_>) {
        if self.seen.insert((path.to_owned(), 0, String::new())) {
            reader.problems.extend(self.secrets.text(source, path));
        }
        self.look(&source.text, name, (source, Ok(0)), reader);
    }

    /// Looks at content that stands in a source, at an offset or, if it is written in another way there, somewhere in a range.
    fn look(&mut self, text: &str, name: &str, place: (&Arc<Source>, Result<usize, Range<usize>>), reader: &mut Reader<'_>) {
        let (source, at) = place;
        let start = at.as_ref().map_or_else(|range| range.start, |offset| *offset);
        if !self.seen.insert((source.file.display().to_string(), start, name.to_owned())) {
            return;
        }
        let limit = self.settings.prompt_limit;
        let mut found = Vec::new();
        if limit.is_some_and(|l| self.settings.is_prompt(name) && text.chars().count() as u64 > l) {
            found.push((0..0, content::too_long(&format!("the system prompt `{name}`"), text, limit)));
        }
        if name.ends_with(".json") {
            found.extend(content::json(name, text, limit));
        }
        for (range, wrong) in found {
            let range = at.clone().map_or_else(|whole| whole, |offset| offset + range.start..offset + range.end);
            reader.problems.push(wrong.at(source, range));
        }
    }
}

/// A path as written in a file that the fleet includes, from the directory of the fleet file.
fn beside(path: &At<String>, source: &Source) -> String {
    let directory = |file: &Path| file.parent().unwrap_or(Path::new("")).to_owned();
    let (fleet, own) = (directory(&source.file), directory(source.file_at(path.range.start).0));
    own.strip_prefix(&fleet).unwrap_or(Path::new("")).join(&path.value).to_string_lossy().into_owned()
}

/// A path below the mount, or an absolute one: parts that a ConfigMap's keys can be made of.
fn is_path(name: &str, range: &Range<usize>, reader: &mut Reader<'_>) -> bool {
    let letters = |part: &str| part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'));
    let part = |part: &str| !part.is_empty() && part != "." && !part.starts_with("..") && letters(part);
    if name.strip_prefix('/').unwrap_or(name).split('/').all(part) && name.len() <= 253 {
        return true;
    }
    let wrong = reader.wrong("fleet-name", range.clone(), format!("`{name}` cannot be a file of a ConfigMap"));
    wrong.hints.push("parts of letters, digits, `-`, `_` and `.`, with `/` between them, 253 in all".into());
    false
}

/// The key of a ConfigMap for a file: keys have no `/`.
pub fn key(name: &str) -> String {
    name.trim_start_matches('/').replace('/', "__")
}

fn keys_are_unique(config: &BTreeMap<String, String>, whole: &Range<usize>, reader: &mut Reader<'_>) {
    let mut keys: BTreeMap<String, &str> = BTreeMap::new();
    for name in config.keys() {
        if let Some(other) = keys.insert(key(name), name) {
            let text = format!("`{other}` and `{name}` would both be the key `{}` of the ConfigMap", key(name));
            reader.wrong("fleet-duplicate", whole.clone(), text).hints.push("call one of them differently".into());
        }
    }
}
