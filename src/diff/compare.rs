//! Two objects become the changes from one to the other, field by field along their type.

use super::ignore::Rule;
use super::keyed::{Identity, identity};
use super::{Action, FieldChange, Folded, ObjectDiff};
use crate::object::{Gvk, Map, ObjectId, Value, at, items};
use crate::schema::{Field, ListType, Schema, StructType, Type};
use similar::{Algorithm, DiffOp, capture_diff_slices};
use std::collections::BTreeMap;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
/// The Deployment controller's count of templates.
const REVISION: &str = "deployment.kubernetes.io/revision";
const POD_TEMPLATE: &str = "io.k8s.api.core.v1.PodTemplateSpec";
/// What only the server writes, and kubectl's `diff` takes out as well.
const HIDDEN_METADATA: [&str; 6] = ["managedFields", "resourceVersion", "uid", "generation", "creationTimestamp", "selfLink"];

/// Compares objects.
#[derive(Clone, Copy)]
pub struct Differ<'a> {
    schema: &'a Schema,
    rules: &'a [Rule],
}

impl<'a> Differ<'a> {
    /// With the types of a version and the `[[ignore]]` rules.
    pub fn new(schema: &'a Schema, rules: &'a [Rule]) -> Self {
        Self { schema, rules }
    }

    /// What differs between an object before and after. `sent` is the manifest that was sent, if there is one: what it does not
    /// name was filled in by the server. `ty` is the type of a custom resource; built-in kinds are known.
    pub fn diff(&self, before: Option<&Value>, after: Option<&Value>, sent: Option<&Value>, ty: Option<&'a Type>) -> ObjectDiff {
        let Some(object) = after.or(before) else {
            return ObjectDiff { id: ObjectId::default(), action: Action::Unchanged, changes: Vec::new() };
        };
        let id = ObjectId::of(object);
        let action = match (before, after) {
            (None, _) => Action::Created,
            (_, None) => return ObjectDiff { id, action: Action::Deleted, changes: Vec::new() },
            (Some(b), Some(a)) if b == a => return ObjectDiff { id, action: Action::Unchanged, changes: Vec::new() },
            _ => Action::Configured,
        };
        let Gvk { group, version, kind } = Gvk::of(object);
        let known = self.schema.resource_of(&group, &version, &kind).and_then(|r| r.ty.as_ref());
        let mut walk = Walk {
            schema: self.schema,
            rules: self.found(&id, before, after),
            secret: group.is_empty() && kind == "Secret",
            changes: Vec::new(),
        };
        let root = Place { ty: ty.or(known), sent: sent.map_or(Sent::Unknown, Sent::Value), ..Place::default() };
        match before {
            None => walk.added(&root, object),
            Some(before) => walk.compare(&root, Some(before), after),
        }
        let action = if action == Action::Configured && walk.changes.is_empty() { Action::Unchanged } else { action };
        ObjectDiff { id, action, changes: walk.changes }
    }

    /// The values that rules name, by where they lie in memory: a path need not be compared with a path then.
    fn found(&self, id: &ObjectId, before: Option<&Value>, after: Option<&Value>) -> BTreeMap<usize, usize> {
        let mut found = BTreeMap::new();
        for (index, rule) in self.rules.iter().enumerate().filter(|(_, rule)| rule.is_about(id)) {
            for value in before.into_iter().chain(after).flat_map(|object| rule.found(object)) {
                found.entry(address(value)).or_insert(index);
            }
        }
        found
    }
}

fn address(value: &Value) -> usize {
    std::ptr::from_ref(value).addr()
}

/// What the manifest says at a place.
#[derive(Clone, Copy, Debug, Default)]
enum Sent<'v> {
    /// There is no manifest, or there is no telling.
    #[default]
    Unknown,
    /// This.
    Value(&'v Value),
    /// Nothing.
    Missing,
}

impl<'v> Sent<'v> {
    fn below(self, next: impl FnOnce(&'v Value) -> Option<&'v Value>) -> Self {
        match self {
            Self::Value(value) => next(value).map_or(Self::Missing, Self::Value),
            other => other,
        }
    }
}

/// A place in both objects.
#[derive(Clone, Debug, Default)]
struct Place<'a, 'v> {
    path: String,
    ty: Option<&'a Type>,
    field: Option<&'a Field>,
    in_pod_template: bool,
    sent: Sent<'v>,
    folded: Option<Folded>,
    /// Whether it holds what nobody may see.
    masked: bool,
}

struct Walk<'a> {
    schema: &'a Schema,
    rules: BTreeMap<usize, usize>,
    secret: bool,
    changes: Vec<FieldChange>,
}

impl<'a> Walk<'a> {
    fn compare(&mut self, place: &Place<'a, '_>, old: Option<&Value>, new: Option<&Value>) {
        if old == new {
            return;
        }
        let place = self.ruled(place, old.into_iter().chain(new));
        match (old, new) {
            (Some(Value::Object(o)), Some(Value::Object(n))) => self.maps(&place, o, n),
            (Some(Value::Array(o)), Some(Value::Array(n))) => self.lists(&place, o, n),
            (None, Some(new)) => self.added(&place, new),
            (Some(old), None) => self.removed(&place, old),
            _ => self.push(&place, old.cloned(), new.cloned()),
        }
    }

    /// The place, folded if a rule names what stands there.
    fn ruled<'v, 'x>(&self, place: &Place<'a, 'v>, values: impl Iterator<Item = &'x Value>) -> Place<'a, 'v> {
        let mut place = place.clone();
        if place.folded.is_none() && !self.rules.is_empty() {
            let mut values = values;
            place.folded = values.find_map(|v| self.rules.get(&address(v))).map(|rule| Folded::Rule(*rule));
        }
        place
    }

    fn maps(&mut self, place: &Place<'a, '_>, old: &Map, new: &Map) {
        for (key, value) in new {
            if let Some(below) = self.entry(place, key, value) {
                self.compare(&below, old.get(key), Some(value));
            }
        }
        for (key, value) in old.iter().filter(|(key, _)| !new.contains_key(key)) {
            if let Some(below) = self.entry(place, key, value) {
                self.compare(&below, Some(value), None);
            }
        }
    }

    /// The place of a map's entry; none if it is the server's own and nobody's business.
    fn entry<'v>(&self, place: &Place<'a, 'v>, key: &str, value: &Value) -> Option<Place<'a, 'v>> {
        if (place.path.is_empty() && key == "status") || (place.path == "metadata" && HIDDEN_METADATA.contains(&key)) {
            return None;
        }
        let whole: Option<&'a StructType> = place.ty.and_then(|ty| self.schema.fields(ty));
        let field = whole.and_then(|s| s.field(key));
        let (ty, in_map) = match place.ty {
            Some(Type::Map(map)) => (Some(&map.value), true),
            _ => (field.map(|f| &f.ty), false),
        };
        let last_applied = place.path == "metadata.annotations" && key == LAST_APPLIED;
        let counted =
            place.path == "metadata.annotations" && key == REVISION && !matches!(place.sent.below(|sent| sent.get(key)), Sent::Value(_));
        let path = match place.path.as_str() {
            "" => key.to_owned(),
            path if in_map || !is_field_name(key) => format!("{path}[{key}]"),
            path => format!("{path}.{key}"),
        };
        let template = ty.and_then(|t| self.schema.fields(t)).is_some_and(|s| s.name == POD_TEMPLATE);
        let like_template = ty.is_none() && key == "template" && at(value, &["spec", "containers"]).is_some();
        Some(Place {
            masked: place.masked || (self.secret && (last_applied || (place.path.is_empty() && matches!(key, "data" | "stringData")))),
            folded: place.folded.or(last_applied.then_some(Folded::LastApplied)).or(counted.then_some(Folded::Default)),
            in_pod_template: place.in_pod_template || template || like_template,
            sent: place.sent.below(|sent| sent.get(key)),
            path,
            ty,
            field,
        })
    }

    fn lists(&mut self, place: &Place<'a, '_>, old: &[Value], new: &[Value]) {
        let identity = self.identity(place);
        let (Some(before), Some(after)) = (identity.index(old), identity.index(new)) else {
            return self.by_order(place, old, new);
        };
        let sent = self.sent_items(place, &identity);
        for key in &after.order {
            self.compare(&self.item(place, key, &sent, None), before.items.get(key).copied(), after.items.get(key).copied());
        }
        for key in before.order.iter().filter(|k| !after.items.contains_key(*k)) {
            self.compare(&self.item(place, key, &sent, None), before.items.get(key).copied(), None);
        }
        let (was, is) = (before.common(&after), after.common(&before));
        if was != is {
            let named = |keys: Vec<&str>| Some(Value::Array(keys.into_iter().map(Value::from).collect()));
            let moved = FieldChange { order: true, ..change(place, named(was), named(is)) };
            self.changes.push(moved);
        }
    }

    fn identity(&self, place: &Place<'a, '_>) -> Identity<'a> {
        let list: Option<&'a ListType> = match place.ty {
            Some(Type::List(list)) => Some(list),
            _ => None,
        };
        identity(self.schema, list, place.field)
    }

    /// The manifest's items, by the same keys; none if there is no telling which is which.
    fn sent_items<'v>(&self, place: &Place<'a, 'v>, identity: &Identity<'_>) -> Option<BTreeMap<String, &'v Value>> {
        match place.sent {
            Sent::Value(Value::Array(sent)) => identity.index(sent).map(|i| i.items),
            _ => None,
        }
    }

    /// The place of a list's item. By its key, or else by its index.
    fn item<'v>(
        &self,
        place: &Place<'a, 'v>,
        key: &str,
        sent: &Option<BTreeMap<String, &'v Value>>,
        index: Option<usize>,
    ) -> Place<'a, 'v> {
        let sent = match (sent, index, place.sent) {
            (Some(sent), None, _) => sent.get(key).map_or(Sent::Missing, |v| Sent::Value(v)),
            (_, Some(index), Sent::Value(list)) => items(list, &[]).get(index).map_or(Sent::Unknown, Sent::Value),
            (_, _, Sent::Missing) => Sent::Missing,
            _ => Sent::Unknown,
        };
        let ty = match place.ty {
            Some(Type::List(list)) => Some(&list.item),
            _ => None,
        };
        Place { path: format!("{}[{key}]", place.path), ty, field: None, sent, ..place.clone() }
    }

    /// Items that only their order tells apart: what stays is found first, what is between belongs together as far as it goes.
    fn by_order(&mut self, place: &Place<'a, '_>, old: &[Value], new: &[Value]) {
        let (before, after): (Vec<&Value>, Vec<&Value>) = (old.iter().collect(), new.iter().collect());
        for op in capture_diff_slices(Algorithm::Myers, &before, &after) {
            if matches!(op, DiffOp::Equal { .. }) {
                continue;
            }
            let (gone, come) = (op.old_range(), op.new_range());
            for step in 0..gone.len().max(come.len()) {
                let (o, n) = (gone.clone().nth(step), come.clone().nth(step));
                let Some(index) = n.or(o) else { continue };
                let item = self.item(place, &index.to_string(), &None, Some(index));
                self.compare(&item, o.map(|i| &old[i]), n.map(|i| &new[i]));
            }
        }
    }

    fn added(&mut self, place: &Place<'a, '_>, value: &Value) {
        let at = self.changes.len();
        if let Some(kept) = self.kept(place, value) {
            let added = change(place, None, Some(kept));
            self.changes.insert(at, added);
        }
    }

    /// The part of a new value that is to be shown; the rest becomes folded changes.
    fn kept(&mut self, place: &Place<'a, '_>, value: &Value) -> Option<Value> {
        let mut place = self.ruled(place, std::iter::once(value));
        if matches!(place.sent, Sent::Missing) && !place.in_pod_template && place.folded.is_none() {
            place.folded = Some(Folded::Default);
        }
        if place.folded.is_some() {
            self.push(&place, None, Some(value.clone()));
            return None;
        }
        match value {
            Value::Object(map) => {
                let below = map.iter().filter_map(|(key, v)| Some((key, v, self.entry(&place, key, v)?)));
                let below: Vec<_> = below.collect();
                let kept: Map = below.into_iter().filter_map(|(key, v, p)| Some((key.clone(), self.kept(&p, v)?))).collect();
                (!kept.is_empty() || map.is_empty()).then_some(Value::Object(kept))
            }
            Value::Array(list) => {
                let identity = self.identity(&place);
                let index = identity.index(list);
                let sent = self.sent_items(&place, &identity);
                let mut kept = Vec::new();
                for (at, item) in list.iter().enumerate() {
                    let below = match &index {
                        Some(index) => self.item(&place, &index.order[at], &sent, None),
                        None => self.item(&place, &at.to_string(), &None, Some(at)),
                    };
                    kept.extend(self.kept(&below, item));
                }
                (!kept.is_empty() || list.is_empty()).then_some(Value::Array(kept.into()))
            }
            scalar => Some(veiled(scalar, place.masked)),
        }
    }

    fn removed(&mut self, place: &Place<'a, '_>, value: &Value) {
        if let (Value::Object(map), true) = (value, self.names_below(value)) {
            return self.maps(place, map, &Map::new());
        }
        self.push(place, Some(value.clone()), None);
    }

    fn names_below(&self, value: &Value) -> bool {
        let below = |v: &Value| self.rules.contains_key(&address(v)) || self.names_below(v);
        !self.rules.is_empty()
            && match value {
                Value::Object(map) => map.values().any(below),
                Value::Array(list) => list.iter().any(below),
                _ => false,
            }
    }

    fn push(&mut self, place: &Place<'a, '_>, old: Option<Value>, new: Option<Value>) {
        let mut change = change(place, old, new);
        // A value that another one takes the place of is a change, whoever made it.
        let filled_in = change.old.is_none() && matches!(place.sent, Sent::Missing) && !place.in_pod_template;
        if filled_in && change.folded.is_none() {
            change.folded = Some(Folded::Default);
        }
        if self.secret {
            change.old = change.old.as_ref().map(|v| veiled(v, place.masked));
            change.new = change.new.as_ref().map(|v| veiled(v, place.masked));
        }
        self.changes.push(change);
    }
}

fn change(place: &Place<'_, '_>, old: Option<Value>, new: Option<Value>) -> FieldChange {
    let (path, in_pod_template, folded) = (place.path.clone(), place.in_pod_template, place.folded);
    FieldChange { path, old, new, in_pod_template, order: false, folded }
}

/// The same shape without the values: without all of them, or without those below the keys that hold a Secret's.
fn veiled(value: &Value, all: bool) -> Value {
    match value {
        Value::Object(map) => {
            let hides = |key: &str| all || matches!(key, "data" | "stringData" | LAST_APPLIED);
            Value::Object(map.iter().map(|(k, v)| (k.clone(), veiled(v, hides(k)))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(|v| veiled(v, all)).collect()),
        _ if all => Value::from("(hidden)"),
        shown => shown.clone(),
    }
}

fn is_field_name(key: &str) -> bool {
    !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-')
}

#[cfg(test)]
mod tests;
