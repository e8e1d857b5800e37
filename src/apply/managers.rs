//! `metadata.managedFields` as field sets by manager, and back.
//!
//! Follows apimachinery `pkg/util/managedfields/internal/managedfields.go`, `capmanagers.go` and `stripmeta.go`.

use super::field_set::FieldSet;
use super::fields_v1;
use super::go_format::{push_json_string, quoted};
use super::owned::Owned;
use crate::object::{Fact, Map, TypeMark, Value, text};
use jiff::Timestamp;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// How a manager writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Operation {
    /// By server-side apply.
    Apply,
    /// By any other write.
    Update,
}

impl Operation {
    fn as_str(self) -> &'static str {
        match self {
            Self::Apply => "Apply",
            Self::Update => "Update",
        }
    }
}

/// What tells one manager from another. An applier is the same one in whatever version it applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Its name.
    pub manager: Cow<'a, str>,
    /// How it writes.
    pub operation: Operation,
    /// In which version; empty for an applier.
    pub api_version: Cow<'a, str>,
    /// Through which subresource; empty for the object itself.
    pub subresource: Cow<'a, str>,
}

impl<'a> Identity<'a> {
    /// Of a writer; one without a name is called `unknown`.
    pub fn new(manager: &'a str, operation: Operation, api_version: impl Into<Cow<'a, str>>, subresource: &'a str) -> Self {
        let api_version = if operation == Operation::Apply { Cow::Borrowed("") } else { api_version.into() };
        let manager = if manager.is_empty() { "unknown" } else { manager };
        Self { manager: manager.into(), operation, api_version, subresource: subresource.into() }
    }

    /// The text by which Kubernetes keeps and sorts managers.
    pub fn text(&self) -> String {
        let mut out = String::from("{");
        let fields = [("manager", &*self.manager), ("operation", self.operation.as_str()), ("apiVersion", &*self.api_version)];
        for (name, value) in fields.into_iter().chain([("subresource", &*self.subresource)]) {
            if !value.is_empty() {
                out.push_str(if out.len() > 1 { ",\"" } else { "\"" });
                out.push_str(name);
                out.push_str("\":");
                push_json_string(&mut out, value, true);
            }
        }
        out.push('}');
        out
    }
}

/// One manager and what it owns.
#[derive(Clone, Debug)]
pub struct Manager<'a> {
    /// Who it is.
    pub identity: Identity<'a>,
    /// The version in which its fields are named.
    pub api_version: Cow<'a, str>,
    /// What it owns.
    pub fields: Owned<'a>,
    /// When it last changed something, RFC 3339.
    pub time: Option<Cow<'a, str>>,
    /// Where its entry stands in the list that was read, as long as it is still the same.
    pub(super) kept: Option<usize>,
}

/// The entries of a list to be: which of the old ones stay, and which are new.
pub(super) enum Entry {
    Kept(usize),
    Made(Value),
}

/// The list of some entries; `kept` gives an old one.
pub(super) fn list_of(entries: Vec<Entry>, mut kept: impl FnMut(usize) -> Value) -> Option<Value> {
    let make = |entry| match entry {
        Entry::Kept(index) => kept(index),
        Entry::Made(value) => value,
    };
    (!entries.is_empty()).then(|| Value::Array(entries.into_iter().map(make).collect()))
}

impl Manager<'_> {
    fn seconds(&self) -> i64 {
        self.time.as_deref().and_then(|t| t.parse::<Timestamp>().ok()).map_or(0, Timestamp::as_second)
    }

    /// As conflicts name it: `"hpa" with subresource "scale" using apps/v1`; appliers without a version.
    pub fn shown(&self) -> String {
        let mut out = quoted(&self.identity.manager);
        if !self.identity.subresource.is_empty() {
            out.push_str(&format!(" with subresource {}", quoted(&self.identity.subresource)));
        }
        if self.identity.operation == Operation::Update {
            out.push_str(&format!(" using {}", self.identity.api_version));
        }
        out
    }
}

/// The managers of an object.
#[derive(Clone, Debug, Default)]
pub struct Managers<'a>(Vec<Manager<'a>>);

/// The most entries of updaters; older ones are joined.
const MOST_UPDATERS: usize = 10;

impl<'a> Managers<'a> {
    /// Reads `metadata.managedFields`. Of entries with one identity the last one counts. An entry that Kubernetes would not have
    /// written makes the whole list unreadable.
    pub fn decode(entries: Option<&'a Value>) -> Result<Self, String> {
        Self::decode_as(entries, None)
    }

    /// The same for an object of a type: fields of which it is noted that they are in order are read when they are needed.
    pub fn decode_as(entries: Option<&'a Value>, mark: Option<TypeMark>) -> Result<Self, String> {
        let mut managers = Self::default();
        for (i, entry) in entries.and_then(Value::as_array).into_iter().flatten().enumerate() {
            managers.set(decode_entry(i, entry, mark)?);
        }
        Ok(managers)
    }

    /// The value for `metadata.managedFields`; none if nobody owns anything.
    pub fn encode(&self) -> Option<Value> {
        let made = self.sorted().into_iter().map(encode_entry).collect::<Vec<_>>();
        (!made.is_empty()).then_some(Value::Array(made.into()))
    }

    /// The entries of `metadata.managedFields`, those left out that are the same as before. With the mark of the object's type it is
    /// noted that their fields are in order.
    pub(super) fn entries(&self, mark: Option<TypeMark>) -> Vec<Entry> {
        let made = |m: &Manager<'_>| {
            let entry = encode_entry(m);
            if let (Some(fields), Some(mark)) = (entry["fieldsV1"].as_object(), mark) {
                fields.note(mark, Fact::Owned);
            }
            Entry::Made(entry)
        };
        self.sorted().into_iter().map(|m| m.kept.map_or_else(|| made(m), Entry::Kept)).collect()
    }

    fn sorted(&self) -> Vec<&Manager<'a>> {
        let mut sorted: Vec<&Manager<'a>> = self.0.iter().collect();
        sorted.sort_by(|a, b| {
            let order = a.identity.operation.cmp(&b.identity.operation).then_with(|| a.seconds().cmp(&b.seconds()));
            order
                .then_with(|| a.identity.manager.cmp(&b.identity.manager))
                .then_with(|| a.api_version.cmp(&b.api_version))
                .then_with(|| a.identity.subresource.cmp(&b.identity.subresource))
        });
        sorted
    }

    /// The managers, in no particular order.
    pub fn iter(&self) -> impl Iterator<Item = &Manager<'a>> {
        self.0.iter()
    }

    /// The same, to be changed.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Manager<'a>> {
        self.0.iter_mut()
    }

    /// Whether nobody owns anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The manager of that identity.
    pub fn get(&self, identity: &Identity<'_>) -> Option<&Manager<'a>> {
        self.0.iter().find(|m| m.identity == *identity)
    }

    /// Puts a manager in, in the place of one with its identity.
    pub fn set(&mut self, manager: Manager<'a>) {
        match self.0.iter_mut().find(|m| m.identity == manager.identity) {
            Some(place) => *place = manager,
            None => self.0.push(manager),
        }
    }

    /// Takes a manager out.
    pub fn remove(&mut self, identity: &Identity<'_>) -> Option<Manager<'a>> {
        let i = self.0.iter().position(|m| m.identity == *identity)?;
        Some(self.0.remove(i))
    }

    /// Keeps those for whom `keep` is true.
    pub fn retain(&mut self, keep: impl FnMut(&Manager<'a>) -> bool) {
        self.0.retain(keep);
    }

    /// Joins the oldest updaters, version by version, until there are at most ten.
    pub fn cap_updaters(&mut self) {
        let updaters = || self.0.iter().filter(|m| m.identity.operation == Operation::Update);
        let mut length = updaters().count();
        if length <= MOST_UPDATERS {
            return;
        }
        let mut oldest: Vec<(i64, String, Identity<'a>)> =
            updaters().map(|m| (m.seconds(), m.identity.text(), m.identity.clone())).collect();
        oldest.sort_by(|a, b| (a.0, &a.1).cmp(&(b.0, &b.1)));
        let mut first_of: BTreeMap<String, Identity<'a>> = BTreeMap::new();
        for (_, _, identity) in oldest {
            if length <= MOST_UPDATERS {
                break;
            }
            let Some(manager) = self.get(&identity).cloned() else { continue };
            let Some(first) = first_of.get(&*manager.api_version) else {
                first_of.insert(manager.api_version.clone().into_owned(), identity);
                continue;
            };
            let bucket = Identity::new("ancient-changes", Operation::Update, manager.api_version.clone(), "");
            if self.get(&bucket).is_none()
                && let Some(first) = self.remove(&first.clone())
            {
                self.set(Manager { identity: bucket.clone(), kept: None, ..first });
            }
            let joined = self.remove(&bucket).map_or_else(FieldSet::default, |m| FieldSet::clone(&m.fields));
            self.set(Manager { identity: bucket, fields: manager.fields.and(joined), kept: None, ..manager });
            self.remove(&identity);
            length -= 1;
        }
    }
}

/// `metadata.managedFields` of an object.
pub fn managed_fields(object: &Value) -> Option<&Value> {
    object.get("metadata")?.get("managedFields")
}

/// What nobody is ever recorded as the owner of.
pub fn unowned() -> &'static FieldSet<'static> {
    static UNOWNED: LazyLock<FieldSet<'static>> = LazyLock::new(|| {
        FieldSet::of_fields(&[
            &["apiVersion"],
            &["kind"],
            &["metadata"],
            &["metadata", "name"],
            &["metadata", "namespace"],
            &["metadata", "creationTimestamp"],
            &["metadata", "selfLink"],
            &["metadata", "uid"],
            &["metadata", "clusterName"],
            &["metadata", "generation"],
            &["metadata", "managedFields"],
            &["metadata", "resourceVersion"],
        ])
    });
    &UNOWNED
}

fn decode_entry(index: usize, entry: &Value, mark: Option<TypeMark>) -> Result<Manager<'_>, String> {
    let operation = match text(entry, &["operation"]) {
        "Apply" => Operation::Apply,
        "Update" => Operation::Update,
        _ => return Err("operation must be `Apply` or `Update`".to_owned()),
    };
    let api_version = text(entry, &["apiVersion"]);
    if api_version.is_empty() {
        return Err("apiVersion must not be empty".to_owned());
    }
    match text(entry, &["fieldsType"]) {
        "FieldsV1" => {}
        "" => return Err(format!("missing fieldsType in managed fields entry {index}")),
        other => return Err(format!("invalid fieldsType {} in managed fields entry {index}", quoted(other))),
    }
    let told = entry.get("fieldsV1").and_then(Value::as_object);
    let unread = told.filter(|told| mark.is_some_and(|mark| told.is_noted(mark, Fact::Owned)));
    let (fields, same) = match unread {
        Some(told) => (Owned::unread(told), true),
        None => {
            let (set, same) = fields_v1::read_noting(entry.get("fieldsV1").unwrap_or(&Value::Null))?;
            let fields = match told.filter(|_| same) {
                Some(told) => Owned::read(set, told),
                None => set.into(),
            };
            (fields, same)
        }
    };
    let time = entry.get("time").and_then(Value::as_str).map(Cow::Borrowed);
    let identity = Identity {
        manager: text(entry, &["manager"]).into(),
        operation,
        api_version: if operation == Operation::Apply { "" } else { api_version }.into(),
        subresource: text(entry, &["subresource"]).into(),
    };
    Ok(Manager { identity, api_version: api_version.into(), fields, time, kept: same.then_some(index) })
}

fn encode_entry(manager: &Manager<'_>) -> Value {
    let mut entry = Map::with_capacity(7);
    let mut put = |name: &str, value: &str| {
        if !value.is_empty() {
            entry.insert(name.into(), value.into());
        }
    };
    put("manager", &manager.identity.manager);
    put("operation", manager.identity.operation.as_str());
    put("apiVersion", &manager.api_version);
    put("time", manager.time.as_deref().unwrap_or_default());
    put("fieldsType", "FieldsV1");
    entry.insert("fieldsV1".into(), manager.fields.write());
    if !manager.identity.subresource.is_empty() {
        entry.insert("subresource".into(), manager.identity.subresource.as_ref().into());
    }
    Value::Object(entry)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json;

    fn entry(manager: &str, operation: &str, time: &str, field: &str) -> Value {
        json!({"manager": manager, "operation": operation, "apiVersion": "apps/v1", "time": time, "fieldsType": "FieldsV1", "fieldsV1": {format!("f:{field}"): {}}})
    }

    #[test]
    fn entries_stand_by_operation_time_and_name() {
        let told = json!([
            entry("b", "Update", "2026-01-01T00:00:01Z", "x"),
            entry("a", "Update", "2026-01-01T00:00:01Z", "y"),
            entry("z", "Update", "2026-01-01T00:00:00Z", "y"),
            entry("q", "Apply", "2026-01-01T00:00:09Z", "y"),
        ]);
        let encoded = Managers::decode(Some(&told)).unwrap().encode().unwrap();
        let names: Vec<&str> = encoded.as_array().unwrap().iter().map(|e| text(e, &["manager"])).collect();
        assert_eq!(names, ["q", "z", "a", "b"]);
        assert_eq!(encoded[1], told[2]);
    }

    #[test]
    fn an_eleventh_updater_joins_the_two_oldest() {
        let told: Vec<Value> =
            (0..11).map(|i| entry(&format!("m{i:02}"), "Update", &format!("2026-01-01T00:00:{i:02}Z"), &format!("f{i}"))).collect();
        let told = Value::Array(told.into());
        let mut managers = Managers::decode(Some(&told)).unwrap();
        managers.cap_updaters();
        let encoded = managers.encode().unwrap();
        assert_eq!(encoded.as_array().unwrap().len(), 10);
        assert_eq!(encoded[0]["manager"], "ancient-changes");
        assert_eq!(encoded[0]["time"], "2026-01-01T00:00:01Z");
        assert_eq!(encoded[0]["fieldsV1"], json!({"f:f0": {}, "f:f1": {}}));
        assert_eq!(encoded[1]["manager"], "m02");
    }

    #[test]
    fn a_list_that_kubernetes_would_not_write_is_unreadable() {
        for (key, value, why) in [
            ("operation", "Patch", "operation must be `Apply` or `Update`"),
            ("apiVersion", "", "apiVersion must not be empty"),
            ("fieldsType", "", "missing fieldsType in managed fields entry 0"),
            ("fieldsType", "FieldsV2", "invalid fieldsType \"FieldsV2\" in managed fields entry 0"),
        ] {
            let mut told = entry("a", "Update", "2026-01-01T00:00:00Z", "x");
            told[key] = value.into();
            assert_eq!(Managers::decode(Some(&json!([told]))).unwrap_err(), why);
        }
    }
}
