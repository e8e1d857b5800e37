//! The tables under `[images]`: the image map, where images stand in custom resources, which tags move, and whose image tenants
//! get.
//!
//! A key whose value is a string is a container of the image map; one whose value is a table is a setting.

use super::read::{At, FromToml, Reader, table};
use regex::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use std::borrow::Cow;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::DeValue;

table! {
    /// The Deployment whose image is the platform's.
    PlatformTable {
        /// Its namespace: `agents` unless given.
        "namespace" => namespace: String,
        /// Its name: `agent-ceo` unless given.
        "deployment" => deployment: String,
        /// Its container, and the one of the tenants that gets the same image: `agent` unless given.
        "container" => container: String,
        /// An image for tenants where the platform's is not known. Flagged wherever it is used.
        "last-resort" => last_resort: String,
    }
}

table! {
    /// Which tags name one build for ever, beyond the rules that are built in. Patterns are regular expressions for a whole tag.
    TagsTable {
        /// Tags that move, whatever else they look like.
        "mutable" => mutable: Vec<At<String>>,
        /// Tags that never move.
        "immutable" => immutable: Vec<At<String>>,
    }
}

table! {
    /// Which workloads `images sync` compares with the platform, and how many it rolls at a time. Options of the command line win.
    SyncTable {
        /// Namespaces: a pattern with `*` and `?`; `org-*` unless given.
        "namespaces" => namespaces: String,
        /// Workloads in them: a pattern; `agent-*` unless given.
        "workloads" => workloads: String,
        /// How many roll at the same time: 5 unless given.
        "max-parallel" => max_parallel: i64,
        /// How many of them may be without all their pods at the same time; no limit unless given.
        "max-unavailable" => max_unavailable: i64,
        /// After how many failures it stops: 1 unless given.
        "stop-after" => stop_after: i64,
    }
}

/// The `[images]` table.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ImagesFile {
    /// Container to image.
    pub map: BTreeMap<String, At<String>>,
    /// `[images.platform]`
    pub platform: Option<At<PlatformTable>>,
    /// `[images.paths]`: a kind of custom resource to the JSONPaths of its images.
    pub paths: Option<At<BTreeMap<String, At<Paths>>>>,
    /// `[images.tags]`
    pub tags: Option<At<TagsTable>>,
    /// `[images.sync]`
    pub sync: Option<At<SyncTable>>,
}

/// One JSONPath or several.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Paths(pub Vec<At<String>>);

/// The keys that are settings where their value is a table.
const SETTINGS: [&str; 4] = ["paths", "platform", "sync", "tags"];

impl FromToml for Paths {
    const EXPECTED: &'static str = "a JSONPath or a list of them";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::String(_) => reader.at(value).map(|one| Self(vec![one])),
            DeValue::Array(_) => Vec::read(value, reader).map(Self),
            _ => {
                reader.expected(value, Self::EXPECTED);
                None
            }
        }
    }
}

impl FromToml for ImagesFile {
    const EXPECTED: &'static str = "a table";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        let mut file = Self::default();
        for (key, value) in reader.entries(value, Self::EXPECTED)? {
            let name = key.get_ref().as_ref();
            if !value.get_ref().is_table() {
                if let Some(image) = reader.at(value) {
                    file.map.insert(name.to_owned(), image);
                }
                continue;
            }
            match name {
                "platform" => file.platform = reader.at(value),
                "paths" => file.paths = reader.at(value),
                "tags" => file.tags = reader.at(value),
                "sync" => file.sync = reader.at(value),
                _ => {
                    reader.unknown(key, &SETTINGS);
                    let last = reader.problems.len() - 1;
                    reader.problems[last].hints.push(format!("an image of a container named `{name}` is a string"));
                }
            }
        }
        Some(file)
    }
}

impl JsonSchema for Paths {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Paths".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}

impl JsonSchema for ImagesFile {
    fn schema_name() -> Cow<'static, str> {
        "ImagesFile".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let either = |table: Schema| schemars::json_schema!({ "anyOf": [{ "type": "string" }, table] });
        let (platform, paths) = (generator.subschema_for::<PlatformTable>(), generator.subschema_for::<BTreeMap<String, At<Paths>>>());
        let (tags, sync) = (generator.subschema_for::<TagsTable>(), generator.subschema_for::<SyncTable>());
        schemars::json_schema!({
            "description": "The image map: container to image; and where the images of tenants and custom resources are found.",
            "type": "object",
            "properties": { "platform": either(platform), "paths": either(paths), "tags": either(tags), "sync": either(sync) },
            "additionalProperties": { "type": "string" },
        })
    }
}

/// What `[images]` says beside the image map, checked.
#[derive(Clone, Debug, Default)]
pub struct ImageSettings {
    /// Whose image is the platform's.
    pub platform: PlatformChoice,
    /// For tenants where the platform's image is not known.
    pub last_resort: Option<At<String>>,
    /// Where custom resources have images.
    pub paths: Vec<CustomPaths>,
    /// Which tags move.
    pub tags: TagRules,
    /// What `images sync` looks at.
    pub sync: SyncSettings,
}

/// A container of a Deployment: its image is the platform's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlatformChoice {
    /// Whether the fleet has a table `[images.platform]`.
    pub given: bool,
    /// The Deployment's namespace.
    pub namespace: String,
    /// Its name.
    pub deployment: String,
    /// The container.
    pub container: String,
}

impl Default for PlatformChoice {
    fn default() -> Self {
        Self { given: false, namespace: "agents".into(), deployment: "agent-ceo".into(), container: "agent".into() }
    }
}

/// The images of a kind of custom resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CustomPaths {
    /// `Agent`
    pub kind: String,
    /// `example.com`; none for a kind of that name in any group.
    pub group: Option<String>,
    /// JSONPaths of RFC 9535, each checked.
    pub paths: Vec<String>,
}

/// Which tags move, as the fleet says it.
#[derive(Clone, Debug, Default)]
pub struct TagRules {
    /// Tags that move.
    pub mutable: Vec<Regex>,
    /// Tags that name one build.
    pub immutable: Vec<Regex>,
}

/// What `images sync` looks at and how fast it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyncSettings {
    /// A pattern for namespaces.
    pub namespaces: String,
    /// A pattern for workloads.
    pub workloads: String,
    /// How many roll at a time.
    pub max_parallel: usize,
    /// How many may be without all their pods.
    pub max_unavailable: Option<usize>,
    /// After how many failures it stops.
    pub stop_after: usize,
}

impl Default for SyncSettings {
    fn default() -> Self {
        Self { namespaces: "org-*".into(), workloads: "agent-*".into(), max_parallel: 5, max_unavailable: None, stop_after: 1 }
    }
}

/// Checks the settings; notes what is wrong in the reader.
pub(super) fn settings(file: ImagesFile, reader: &mut Reader<'_>) -> ImageSettings {
    let (given, table) = (file.platform.is_some(), file.platform.unwrap_or_default().value);
    let usual = PlatformChoice::default();
    let or = |written: Option<At<String>>, usual: String| written.map_or(usual, |w| w.value);
    let platform = PlatformChoice {
        given,
        namespace: or(table.namespace, usual.namespace),
        deployment: or(table.deployment, usual.deployment),
        container: or(table.container, usual.container),
    };
    let tags = file.tags.unwrap_or_default().value;
    let tags = TagRules { mutable: patterns(tags.mutable, reader), immutable: patterns(tags.immutable, reader) };
    let written = file.paths.unwrap_or_default().value;
    let mut paths = Vec::new();
    for (kind, At { value: Paths(list), .. }) in written {
        let (name, group) = kind.split_once('.').map_or((kind.as_str(), None), |(kind, group)| (kind, Some(group.to_owned())));
        let list = list.into_iter().filter_map(|path| json_path(path, reader)).collect();
        paths.push(CustomPaths { kind: name.to_owned(), group, paths: list });
    }
    ImageSettings { platform, last_resort: table.last_resort, paths, tags, sync: sync(file.sync.unwrap_or_default().value, reader) }
}

fn sync(table: SyncTable, reader: &mut Reader<'_>) -> SyncSettings {
    let usual = SyncSettings::default();
    let mut count = |written: Option<At<i64>>, name: &str, least: i64| {
        let At { value, range } = written?;
        if value < least {
            reader.wrong("fleet-value", range, format!("`{name}` is {value}")).label = format!("expected {least} or more");
        }
        usize::try_from(value).ok()
    };
    SyncSettings {
        max_parallel: count(table.max_parallel, "max-parallel", 1).unwrap_or(usual.max_parallel),
        max_unavailable: count(table.max_unavailable, "max-unavailable", 1),
        stop_after: count(table.stop_after, "stop-after", 1).unwrap_or(usual.stop_after),
        namespaces: table.namespaces.map_or(usual.namespaces, |n| n.value),
        workloads: table.workloads.map_or(usual.workloads, |w| w.value),
    }
}

/// Each pattern is for a whole tag: `release-.*` does not match `old-release-1`.
fn patterns(list: Option<At<Vec<At<String>>>>, reader: &mut Reader<'_>) -> Vec<Regex> {
    let mut out = Vec::new();
    for At { value, range } in list.unwrap_or_default().value {
        match Regex::new(&format!("^(?:{value})$")) {
            Ok(pattern) => out.push(pattern),
            Err(error) => {
                let why = error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
                reader
                    .wrong("fleet-value", range, format!("`{value}` is no regular expression: {why}"))
                    .hints
                    .push("a pattern is for a whole tag: `release-.*`".into());
            }
        }
    }
    out
}

/// A path as RFC 9535 has it; `{.spec.image}` and `.spec.image` are read as well.
fn json_path(At { value, range }: At<String>, reader: &mut Reader<'_>) -> Option<String> {
    let inner = value.trim().strip_prefix('{').and_then(|t| t.strip_suffix('}')).unwrap_or(value.trim()).trim();
    let path = if inner.starts_with(['.', '[']) { format!("${inner}") } else { inner.to_owned() };
    if let Err(error) = jsonpath_rust::parser::parse_json_path(&path) {
        let why = error.to_string();
        let why = why.lines().map(str::trim).rfind(|l| !l.is_empty()).unwrap_or("it cannot be read").trim_start_matches("= ");
        reader
            .wrong("fleet-value", range, format!("`{value}` is no JSONPath: {why}"))
            .hints
            .push("RFC 9535 says how: `$.spec.image`, `$.spec.workers[*].image`".into());
        return None;
    }
    Some(path)
}
