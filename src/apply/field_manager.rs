//! Who owns what after a write that is no apply, and what both kinds of write share.
//!
//! Follows apimachinery `pkg/util/managedfields/internal/` (`fieldmanager.go`, `managedfieldsupdater.go`, `skipnonapplied.go`,
//! `structuredmerge.go`) and structured-merge-diff `merge/update.go`.

use super::field_set::FieldSet;
use super::managers::{Identity, Manager, Managers, Operation, list_of, managed_fields, unowned};
use super::typed::{Comparison, Typed, compare_sent, empty_object, reconcile, validate_after};
use crate::object::{Fact, Gvk, Text, TypeMark, Value, map_at};
use crate::schema::{Schema, Type, Version};
use std::borrow::Cow;

/// Gives an object in an API version, and its type there; none where it has the same form in both.
pub type Convert<'a> = dyn Fn(&Value, &str) -> Option<(Value, Type)> + 'a;

/// What the field manager has to know about the endpoint that is written to.
#[derive(Clone, Copy)]
pub struct FieldManager<'a> {
    /// The schema of the server.
    pub schema: &'a Schema,
    /// The type of the objects.
    pub ty: &'a Type,
    /// Their kind, in the version of the request.
    pub gvk: &'a Gvk,
    /// `status`, `scale`, or empty for the object itself.
    pub subresource: &'a str,
    /// The fields that the endpoint ignores in what clients send (`status` on the object itself): nobody comes to own them here.
    pub reset_fields: &'a [&'a [&'a str]],
    /// The other API versions of the kind that are served, for a custom resource; those of built-in kinds come from the schema.
    pub also_served: &'a [String],
    /// Converts objects to the versions in which they have another form, where there are such; gives the type of that version.
    pub converts: Option<&'a Convert<'a>>,
}

impl<'a> FieldManager<'a> {
    /// Writes `metadata.managedFields` into the object that a POST, PUT or patch makes, before admission.
    ///
    /// `live` is the stored object, none for a create; `new` is decoded and defaulted, but `metadata.managedFields` stands in it
    /// as the client sent it (`[]` and `[{}]` say that tracking starts anew, a list replaces the stored one). `sent` is what `new`
    /// was decoded from, the body or the patched object: what differs in it from what is stored in notation only still changes
    /// hands where it stands in an atomic list.
    pub fn update(&self, live: Option<&Value>, new: &mut Value, sent: Option<&Value>, manager: &str, time: &str) {
        let given = take_managed_fields(new);
        let (managers, from_given) = self.managers_of(live, given.as_ref());
        if managers.is_empty() && live.is_some() {
            return;
        }
        let old = live.map_or_else(|| empty_object(self.typed(), self.gvk), without_managed_fields);
        let identity = self.identity(manager, Operation::Update);
        let entries = match self.updated(managers, (&old, new, sent), identity, time) {
            Ok(mut managers) => {
                managers.cap_updaters();
                managers.entries(self.mark())
            }
            // Where owners cannot be told (a list without the keys of its items), nobody owns anything any more, and since 1.37
            // everybody what was owned before (apimachinery `managedfields/internal/fieldmanager.go:UpdateNoErrors`).
            Err(_) if self.schema.version() >= Version::V1_37 => {
                return put_managed_fields(new, live.and_then(managed_fields).cloned());
            }
            Err(_) => Vec::new(),
        };
        let after = match given {
            Some(Value::Array(mut before)) if from_given => list_of(entries, |index| std::mem::take(&mut before[index])),
            _ => list_of(entries, |index| live.and_then(managed_fields).map_or(Value::Null, |before| before[index].clone())),
        };
        put_managed_fields(new, after);
    }

    pub(super) fn typed(&self) -> Typed<'a> {
        Typed { schema: self.schema, ty: self.ty }
    }

    /// Under which mark it is noted that what managers own is in order: only where all name fields of one form.
    pub(super) fn mark(&self) -> Option<TypeMark> {
        self.schema.mark(self.ty).filter(|_| self.converts.is_none())
    }

    pub(super) fn identity<'m>(&self, manager: &'m str, operation: Operation) -> Identity<'m>
    where
        'a: 'm,
    {
        Identity::new(manager, operation, self.gvk.api_version(), self.subresource)
    }

    pub(super) fn reset(&self) -> FieldSet<'a> {
        FieldSet::of_fields(self.reset_fields)
    }

    /// The managers before the write: those that the client sent, if it sent some (told by true), else the stored ones.
    fn managers_of<'v>(&self, live: Option<&'v Value>, given: Option<&'v Value>) -> (Managers<'v>, bool) {
        let given = given.filter(|_| self.subresource.is_empty());
        if given.is_some_and(is_reset) {
            return (Managers::default(), true);
        }
        match Managers::decode(given) {
            Ok(managers) if !managers.is_empty() => (managers, true),
            _ => (Managers::decode_as(live.and_then(managed_fields), self.mark()).unwrap_or_default(), false),
        }
    }

    /// The managers after an object has become another one by the hand of `writer`. Fails if an object is not of its type.
    pub(super) fn updated<'v>(
        &self,
        mut managers: Managers<'v>,
        (old, new, sent): (&'v Value, &'v Value, Option<&'v Value>),
        writer: Identity<'v>,
        time: &'v str,
    ) -> Result<Managers<'v>, String>
    where
        'a: 'v,
    {
        for (value, before) in [(new, None), (old, Some(new))] {
            validate_after(self.typed(), value, before, true).map_err(|e| e.to_string())?;
        }
        self.bring_up_to_date(&mut managers)?;
        let comparison = self.compared(old, new, sent)?;
        let elsewhere = self.elsewhere(&managers, old, new);
        let gained = |comparison: &Comparison<'v>| {
            let mut gained = comparison.modified.clone();
            gained.unite(&comparison.added);
            gained.subtract(unowned());
            gained
        };
        // Whoever changes only what is theirs gives it up and gains it again. Controllers do little else.
        let keeps = |m: &Manager<'v>| {
            let loses = m.fields.meets(&comparison.removed) || m.fields.meets(unowned());
            self.converts.is_none() && !loses && gained(&comparison).is_within(&m.fields)
        };
        let keeper = managers.get(&writer).is_some_and(keeps).then(|| managers.remove(&writer)).flatten();
        self.all_give_up(&mut managers, &comparison, &elsewhere, None)?;
        let gained = gained(&comparison);
        if let Some(keeper) = keeper {
            let changed = !gained.is_empty();
            let (time, kept) = if changed { (Some(Cow::Borrowed(time)), None) } else { (keeper.time.clone(), keeper.kept) };
            managers.set(Manager { time, kept, ..keeper });
        } else if !gained.is_empty() {
            let fields = match managers.get(&writer) {
                Some(former) => former.fields.and(gained),
                None => gained.into(),
            };
            managers.set(Manager {
                identity: writer,
                api_version: self.gvk.api_version().into(),
                fields,
                time: Some(Cow::Borrowed(time)),
                kept: None,
            });
        }
        Ok(managers)
    }

    /// The difference of two objects, but for the fields that this endpoint ignores.
    pub(super) fn compared<'v>(&self, old: &'v Value, new: &'v Value, sent: Option<&'v Value>) -> Result<Comparison<'v>, String>
    where
        'a: 'v,
    {
        let mut comparison = compare_sent(self.typed(), old, new, sent).map_err(|e| format!("failed to compare objects: {e}"))?;
        comparison.exclude(&self.reset());
        Ok(comparison)
    }

    /// Drops managers of versions that are no longer served, and fits the others to today's schema.
    pub(super) fn bring_up_to_date<'v>(&self, managers: &mut Managers<'v>) -> Result<(), String>
    where
        'a: 'v,
    {
        let own = self.gvk.api_version();
        if let Some(m) = managers.iter().find(|m| m.api_version.matches('/').count() > 1) {
            return Err(format!("unexpected GroupVersion string: {}", m.api_version));
        }
        managers.retain(|m| m.api_version == own || self.serves(&m.api_version));
        let mark = self.mark();
        let concerned = |m: &&mut Manager<'v>| m.fields.as_unread().is_none() && (m.api_version == own || self.converts.is_none());
        for manager in managers.iter_mut().filter(concerned) {
            if manager.fields.change(|set| reconcile(self.typed(), set)) {
                manager.kept = None;
            } else if let Some((told, mark)) =
                manager.fields.told().zip(mark).filter(|_| manager.kept.is_some() && !manager.fields.is_empty())
            {
                told.note(mark, Fact::Owned);
            }
        }
        Ok(())
    }

    /// Both objects in the versions of managers for whom they have another form.
    pub(super) fn elsewhere(&self, managers: &Managers<'_>, old: &Value, new: &Value) -> Vec<Elsewhere> {
        let Some(convert) = self.converts else { return Vec::new() };
        let mut all: Vec<Elsewhere> = Vec::new();
        for version in managers.iter().map(|m| &*m.api_version).filter(|version| *version != self.gvk.api_version()) {
            if all.iter().any(|other| other.api_version == version) {
                continue;
            }
            if let Some(((old, ty), (new, _))) = convert(old, version).zip(convert(new, version)) {
                all.push(Elsewhere { api_version: version.to_owned(), ty, old, new });
            }
        }
        all
    }

    /// Everyone but `writer` loses what changed and what is gone, each as their own version has it.
    pub(super) fn all_give_up(
        &self,
        managers: &mut Managers<'_>,
        comparison: &Comparison<'_>,
        elsewhere: &[Elsewhere],
        writer: Option<&Identity<'_>>,
    ) -> Result<(), String> {
        give_up(managers, |m| !elsewhere.iter().any(|other| other.api_version == m.api_version), comparison, writer);
        for other in elsewhere {
            give_up(managers, |m| m.api_version == other.api_version, &other.compared(self.schema)?, writer);
        }
        Ok(())
    }

    fn serves(&self, api_version: &str) -> bool {
        let Gvk { group, version, kind } = Gvk::new(api_version, &self.gvk.kind);
        self.also_served.iter().any(|v| v == api_version) || self.schema.resource_of(&group, &version, &kind).is_some()
    }
}

/// An object before and after a write, in the version of other managers.
pub(super) struct Elsewhere {
    pub(super) api_version: String,
    ty: Type,
    old: Value,
    new: Value,
}

impl Elsewhere {
    pub(super) fn compared<'e>(&'e self, schema: &'e Schema) -> Result<Comparison<'e>, String> {
        let typed = Typed { schema, ty: &self.ty };
        compare_sent(typed, &self.old, &self.new, None).map_err(|e| format!("failed to compare objects: {e}"))
    }
}

/// Everyone concerned but `writer` loses what changed and what is gone; who owns nothing any more is forgotten.
fn give_up(
    managers: &mut Managers<'_>,
    concerned: impl Fn(&Manager<'_>) -> bool,
    comparison: &Comparison<'_>,
    writer: Option<&Identity<'_>>,
) {
    for manager in managers.iter_mut().filter(|m| writer != Some(&m.identity) && concerned(m)) {
        let changes = [&comparison.modified, &comparison.added, &comparison.removed];
        let lost = changes.map(|set| manager.fields.subtract(set));
        if lost.contains(&true) {
            manager.kept = None;
        }
    }
    managers.retain(|m| !m.fields.is_empty());
}

/// An empty list, or a list of one empty entry: the client wants tracking to start anew.
fn is_reset(given: &Value) -> bool {
    let empty = |entry: &Value| entry.as_object().is_some_and(|e| e.values().all(|v| v.is_null() || v == ""));
    match given.as_array().map(Vec::as_slice) {
        Some([]) => true,
        Some([only]) => empty(only),
        _ => false,
    }
}

/// Takes `metadata.managedFields` out of an object.
pub(super) fn take_managed_fields(object: &mut Value) -> Option<Value> {
    object.get_mut("metadata")?.as_object_mut()?.shift_remove("managedFields")
}

/// Puts managed fields into an object that has none.
pub(super) fn put_managed_fields(object: &mut Value, encoded: Option<Value>) {
    if let Some(encoded) = encoded {
        map_at(object, &["metadata"]).insert("managedFields".into(), encoded);
    }
}

/// A copy of an object without its managed fields.
pub(super) fn without_managed_fields(object: &Value) -> Value {
    if managed_fields(object).is_none() {
        return object.clone();
    }
    let Value::Object(fields) = object else { return object.clone() };
    let copy = |(name, value): (&Text, &Value)| match value {
        Value::Object(metadata) if name == "metadata" => {
            let kept = metadata.iter().filter(|(name, _)| *name != "managedFields");
            (name.clone(), Value::Object(kept.map(|(n, v)| (n.clone(), v.clone())).collect()))
        }
        _ => (name.clone(), value.clone()),
    };
    Value::Object(fields.iter().map(copy).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply::server_side::Application;
    use crate::object::json;
    use crate::schema::{Field, ListKind, ListType, MapType, Scalar, StructType, Version};
    use std::sync::Arc;

    fn field(name: &str, ty: Type, default: Option<Value>) -> Field {
        let schema = Schema::of(Version::V1_36);
        let meta = schema.named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta").unwrap();
        let plain = schema.fields(&meta).unwrap().field("name").unwrap().clone();
        Field { name: name.into(), ty, default, ..plain }
    }

    fn fields(fields: Vec<Field>, preserve_unknown: bool) -> Type {
        Type::Struct(Arc::new(StructType { fields, preserve_unknown, ..StructType::default() }))
    }

    /// A custom resource with a declared list, a map, a number or text, and a part that takes anything.
    fn custom() -> Type {
        let text = || Type::Scalar(Scalar::String);
        let item = fields(vec![field("n", text(), None), field("p", text(), Some("TCP".into()))], false);
        let list = Type::List(Arc::new(ListType { item, kind: ListKind::Map(vec!["n".into()]), pointers: false }));
        let map = Type::Map(Arc::new(MapType { value: text(), atomic: false }));
        let spec = vec![
            field("a", Type::Scalar(Scalar::Int64), None),
            field("free", fields(Vec::new(), true), None),
            field("items", list, None),
            field("m", map, None),
            field("port", Type::Scalar(Scalar::IntOrString), None),
        ];
        let metadata = Schema::of(Version::V1_36).named("io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta").unwrap();
        let text_fields = ["apiVersion", "kind"].map(|name| field(name, text(), None));
        let own = [field("metadata", metadata, None), field("spec", fields(spec, false), None)];
        fields(text_fields.into_iter().chain(own).collect(), false)
    }

    fn owners(object: &Value) -> Vec<(&str, &Value)> {
        let entries = managed_fields(object).and_then(Value::as_array).unwrap();
        entries.iter().map(|e| (e["manager"].as_str().unwrap(), &e["fieldsV1"])).collect()
    }

    /// As a 1.36.2 server answered.
    #[test]
    fn owners_of_a_custom_resource() {
        let (ty, gvk) = (custom(), Gvk::new("x.io/v1", "T"));
        let schema = Schema::of(Version::V1_36);
        let fm =
            FieldManager { schema, ty: &ty, gvk: &gvk, subresource: "", reset_fields: &[&["status"]], also_served: &[], converts: None };
        let mut live = json!({"apiVersion": "x.io/v1", "kind": "T", "metadata": {"name": "q", "labels": {"a": "b"}}, "spec": {"a": 1,
            "free": {"x": {"y": [1, {"z": 1}], "e": {}, "n": null}}, "port": 80, "items": [{"n": "1", "p": "TCP"}], "m": {}}});
        fm.update(None, &mut live, None, "c", "2026-01-01T00:00:00Z");
        let spec = json!({".": {}, "f:a": {}, "f:free": {".": {}, "f:x": {".": {}, "f:e": {}, "f:n": {}, "f:y": {}}},
            "f:items": {".": {}, "k:{\"n\":\"1\"}": {".": {}, "f:n": {}, "f:p": {}}}, "f:m": {}, "f:port": {}});
        assert_eq!(owners(&live), [("c", &json!({"f:metadata": {"f:labels": {".": {}, "f:a": {}}}, "f:spec": spec}))]);

        let config = json!({"apiVersion": "x.io/v1", "kind": "T", "metadata": {"name": "q"}, "spec": {
            "free": {"x": {"y": {"now": "map"}}}, "port": "80", "items": [{"n": "2"}]}});
        let application = Application { config: &config, manager: "ap", force: true, time: "2026-01-01T00:00:00Z" };
        let got = fm.apply(Some(&live), application, Ok::<_, String>).unwrap();
        assert_eq!(got["spec"]["free"], json!({"x": {"y": {"now": "map"}, "e": {}, "n": null}}));
        let applied = json!({"f:spec": {"f:free": {"f:x": {".": {}, "f:y": {".": {}, "f:now": {}}}},
            "f:items": {"k:{\"n\":\"2\"}": {".": {}, "f:n": {}}}, "f:port": {}}});
        let left = json!({"f:metadata": {"f:labels": {".": {}, "f:a": {}}}, "f:spec": {".": {}, "f:a": {},
            "f:free": {".": {}, "f:x": {".": {}, "f:e": {}, "f:n": {}}},
            "f:items": {".": {}, "k:{\"n\":\"1\"}": {".": {}, "f:n": {}, "f:p": {}}}, "f:m": {}}});
        assert_eq!(owners(&got), [("ap", &applied), ("c", &left)]);
    }
}
