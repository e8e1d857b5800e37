//! Where a validator stands in an object and what it found: the growing list of field errors and the path to each.
//!
//! A [`Place`] is only a chain of borrowed steps; its text is made when there is an error to report, so an object without errors costs
//! no allocation. Follows apimachinery `pkg/util/validation/field`.

use super::internal::{difference, list_shown_as, shown_as};
use crate::object::{Map, Value, map_at, path::FieldPath, sorted_json};
use crate::schema::equal::equal;
use crate::schema::{Schema, Version};
use crate::simulate::status::{Cause, quoted};
use std::sync::Arc;

/// A path to a field, linked to the place above it.
#[derive(Clone, Copy)]
pub(super) struct Place<'p> {
    up: Option<&'p Place<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Field(&'p str),
    Index(usize),
    Key(&'p str),
}

impl<'p> Place<'p> {
    /// The start of a path.
    pub(super) const fn root(name: &'p str) -> Self {
        Self { up: None, step: Step::Field(name) }
    }

    /// A field below this one; `a.b` is two.
    pub(super) const fn child(&'p self, name: &'p str) -> Self {
        Self { up: Some(self), step: Step::Field(name) }
    }

    /// A list item below this one.
    pub(super) const fn index(&'p self, index: usize) -> Self {
        Self { up: Some(self), step: Step::Index(index) }
    }

    /// A map entry below this one.
    pub(super) const fn key(&'p self, key: &'p str) -> Self {
        Self { up: Some(self), step: Step::Key(key) }
    }

    /// What stands at this place in an object.
    fn within<'v>(&self, object: &'v Value) -> Option<&'v Value> {
        let up = self.up.map_or(Some(object), |up| up.within(object))?;
        match self.step {
            Step::Field(names) => names.split('.').try_fold(up, |value, name| value.get(name)),
            Step::Index(index) => up.get(index),
            Step::Key(key) => up.get(key),
        }
    }

    /// The path as it is reported.
    pub(super) fn path(&self) -> FieldPath {
        let up = self.up.map(Place::path).unwrap_or_default();
        match self.step {
            Step::Field(name) => up.child(name),
            Step::Index(index) => up.index(index),
            Step::Key(key) => up.key(key),
        }
    }
}

/// A value that was refused, as the error shows it.
pub(super) trait Refused {
    /// `"text"`, `-1`, `{"matchLabels":{"a":"b"}}`; in what was sent, empty lists and maps may stand that the value does not have.
    fn shown(&self, schema: &Schema, sent: Option<&Value>) -> String;
}

impl Refused for &str {
    fn shown(&self, _: &Schema, _: Option<&Value>) -> String {
        quoted(self)
    }
}

impl Refused for i64 {
    fn shown(&self, _: &Schema, _: Option<&Value>) -> String {
        self.to_string()
    }
}

impl Refused for bool {
    fn shown(&self, _: &Schema, _: Option<&Value>) -> String {
        self.to_string()
    }
}

/// As Go's JSON encoder writes it; an absent value is `null`, but for a list or a map that was sent empty.
impl Refused for &Value {
    fn shown(&self, _: &Schema, sent: Option<&Value>) -> String {
        let empty = |v: &&Value| v.as_object().is_some_and(Map::is_empty) || v.as_array().is_some_and(Vec::is_empty);
        let shown = sent.filter(|s| self.is_null() && empty(s)).unwrap_or(self);
        escaped(&sorted_json(shown))
    }
}

/// A LabelSelector, in the order of its fields: the internal types hold the external one, whose tags leave out what is empty
/// (`meta/v1/types.go`).
pub(super) struct LabelSelector<'v>(pub(super) &'v Value);

impl Refused for LabelSelector<'_> {
    fn shown(&self, schema: &Schema, sent: Option<&Value>) -> String {
        fn without_empties(value: &Value) -> Value {
            let full = |v: &Value| !v.as_object().is_some_and(Map::is_empty) && !v.as_array().is_some_and(Vec::is_empty);
            match value {
                Value::Object(map) => map.iter().filter(|(_, v)| full(v)).map(|(k, v)| (k.clone(), without_empties(v))).collect(),
                Value::Array(list) => list.iter().map(without_empties).collect(),
                other => other.clone(),
            }
        }
        let held = without_empties(self.0);
        let fields = ["matchLabels", "matchExpressions"].map(|name| held.get(name).map(|part| format!("{name:?}:{}", sorted_json(part))));
        if held.is_object() {
            escaped(&format!("{{{}}}", fields.into_iter().flatten().collect::<Vec<_>>().join(",")))
        } else {
            (&held).shown(schema, sent)
        }
    }
}

/// A value of a named type of the schema, held by pointer: shown in its internal form.
pub(super) struct Typed<'v>(pub(super) &'v str, pub(super) &'v Value);

impl Refused for Typed<'_> {
    fn shown(&self, schema: &Schema, sent: Option<&Value>) -> String {
        escaped(&shown_as(schema, self.0, self.1, sent))
    }
}

/// A list of values of a named type.
pub(super) struct TypedList<'v>(pub(super) &'v str, pub(super) &'v [Value]);

impl Refused for TypedList<'_> {
    fn shown(&self, schema: &Schema, sent: Option<&Value>) -> String {
        escaped(&list_shown_as(schema, self.0, self.1, sent))
    }
}

/// JSON text, already made.
pub(super) struct Json(pub(super) String);

impl Refused for Json {
    fn shown(&self, _: &Schema, _: Option<&Value>) -> String {
        escaped(&self.0)
    }
}

/// Go's JSON encoder escapes these, ours does not.
fn escaped(json: &str) -> String {
    json.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

/// One validation under way.
pub(super) struct Check {
    /// The schema of the server's version.
    pub(super) schema: &'static Schema,
    /// What was found so far.
    pub(super) causes: Vec<Cause>,
    /// What rules found that are declared with the API's fields.
    declared: Vec<Cause>,
    /// What an older object is forgiven.
    pub(super) options: super::pod::Options,
    /// What the object was decoded from: an empty list or map in it is not nil to the server, though it will not be stored.
    pub(super) sent: Option<Arc<Value>>,
}

impl Check {
    /// Nothing found yet.
    pub(super) fn new(version: Version) -> Self {
        Self { schema: Schema::of(version), causes: Vec::new(), declared: Vec::new(), options: super::pod::Options::default(), sent: None }
    }

    /// The server's version.
    pub(super) fn version(&self) -> Version {
        self.schema.version()
    }

    /// Whether two values of a named type are the same to Kubernetes; null is an absent one.
    pub(super) fn same(&self, type_name: &str, a: &Value, b: &Value) -> bool {
        self.schema.named(type_name).map_or(a == b, |ty| equal(self.schema, &ty, a, b))
    }

    /// What changed between two values of a named type, the new one from a place of the object.
    pub(super) fn difference(&self, at: &Place, type_name: &str, old: &Value, new: &Value) -> String {
        difference(self.schema, type_name, old, new, self.sent.as_deref().and_then(|sent| at.within(sent)))
    }

    /// Takes a field of a map for one that was not sent: another value was put in its place.
    pub(super) fn forget_sent(&mut self, map: &[&str], name: &str) {
        if let Some(sent) = &mut self.sent {
            map_at(Arc::make_mut(sent), map).shift_remove(name);
        }
    }

    fn text_of(&self, at: &Place, value: &impl Refused) -> String {
        value.shown(self.schema, self.sent.as_deref().and_then(|sent| at.within(sent)))
    }

    /// Whether a list or a map is there, if only as an empty one that was sent: it is not nil.
    pub(super) fn told(&self, value: &Value, at: &Place) -> bool {
        let sent = || self.sent.as_deref().and_then(|sent| at.within(sent));
        !value.is_null() || sent().is_some_and(|s| s.is_array() || s.is_object())
    }

    /// How many errors there are: to see whether a part had any.
    pub(super) fn count(&self) -> usize {
        self.causes.len()
    }

    /// `Required value`.
    pub(super) fn required(&mut self, at: &Place, detail: &str) {
        self.causes.push(Cause::required(&at.path(), detail));
    }

    /// `Required value`, if the text is empty. Says whether it was there.
    pub(super) fn filled(&mut self, text: &str, at: &Place) -> bool {
        if text.is_empty() {
            self.required(at, "");
        }
        !text.is_empty()
    }

    /// Rules that 1.37 has declared with the API's fields (`+k8s:beta(since: "1.37")` in `staging/src/k8s.io/api`): what they find comes
    /// after all else (`ValidateDeclaratively` of apiserver `pkg/registry/rest/validate.go`). To be called in the order of the fields.
    pub(super) fn by_declaration(&mut self, rules: impl FnOnce(&mut Self)) {
        if self.version() < Version::V1_37 {
            return rules(self);
        }
        let others = std::mem::take(&mut self.causes);
        rules(self);
        self.declared.append(&mut self.causes);
        self.causes = others;
    }

    /// All that was found, what was declared last.
    pub(super) fn found(&mut self) -> Vec<Cause> {
        self.causes.append(&mut self.declared);
        std::mem::take(&mut self.causes)
    }

    /// Required by declaration. Says whether it was there.
    pub(super) fn declared_filled(&mut self, text: &str, at: &Place) -> bool {
        self.by_declaration(|check| {
            check.filled(text, at);
        });
        !text.is_empty()
    }

    /// `Forbidden`.
    pub(super) fn forbidden(&mut self, at: &Place, detail: &str) {
        self.causes.push(Cause::forbidden(&at.path(), detail));
    }

    /// `Invalid value`.
    pub(super) fn invalid(&mut self, at: &Place, value: impl Refused, detail: &str) {
        self.causes.push(Cause::invalid(&at.path(), &self.text_of(at, &value), detail));
    }

    /// `Invalid value`, once for each message.
    pub(super) fn invalid_each(&mut self, at: &Place, value: &str, messages: Vec<String>) {
        for message in messages {
            self.invalid(at, value, &message);
        }
    }

    /// `Invalid value: detail`, where the value itself is not shown.
    pub(super) fn invalid_omitted(&mut self, at: &Place, detail: &str) {
        let message = format!("Invalid value: {detail}");
        self.causes.push(Cause { reason: "FieldValueInvalid", message, field: at.path().to_string() });
    }

    /// `Duplicate value`.
    pub(super) fn duplicate(&mut self, at: &Place, value: impl Refused) {
        self.causes.push(Cause::duplicate(&at.path(), &self.text_of(at, &value)));
    }

    /// `Not found`.
    pub(super) fn not_found(&mut self, at: &Place, value: &str) {
        self.causes.push(Cause::not_found(&at.path(), &quoted(value)));
    }

    /// `Unsupported value`.
    pub(super) fn not_supported(&mut self, at: &Place, value: impl Refused, supported: &[&str]) {
        self.causes.push(Cause::not_supported(&at.path(), &self.text_of(at, &value), supported));
    }

    /// `Unsupported value`, unless the text is one of these.
    pub(super) fn one_of(&mut self, at: &Place, value: &str, supported: &[&str]) {
        if !supported.contains(&value) {
            self.not_supported(at, value, supported);
        }
    }

    /// `Too long`.
    pub(super) fn too_long(&mut self, at: &Place, most: usize) {
        self.causes.push(Cause::too_long(&at.path(), most));
    }

    /// `Too many: 21: must have at most 20 items`.
    pub(super) fn too_many(&mut self, at: &Place, count: usize, most: usize) {
        let items = if most == 1 { "item" } else { "items" };
        let message = format!("Too many: {count}: must have at most {most} {items}");
        self.causes.push(Cause { reason: "FieldValueTooMany", message, field: at.path().to_string() });
    }

    /// Refuses a negative number.
    pub(super) fn nonnegative(&mut self, number: i64, at: &Place) {
        if number < 0 {
            self.invalid(at, number, "must be greater than or equal to 0");
        }
    }

    /// Refuses zero and less.
    pub(super) fn positive(&mut self, number: i64, at: &Place) {
        if number <= 0 {
            self.invalid(at, number, "must be greater than zero");
        }
    }

    /// Refuses a number outside of a range.
    pub(super) fn within(&mut self, number: i64, low: i64, high: i64, at: &Place) {
        if !(low..=high).contains(&number) {
            self.invalid(at, number, &format!("must be between {low} and {high}, inclusive"));
        }
    }
}
