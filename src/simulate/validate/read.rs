//! Reading fields of an encoded object as Go reads them: an absent field is the zero value of its type.

use crate::object::quantity::Quantity;
use crate::object::{Map, Value};

/// What stands for an absent value.
pub(super) static ABSENT: Value = Value::Null;

/// A quantity; zero for what is none.
pub(super) fn quantity(value: &Value) -> Quantity {
    Quantity::from_value(value).unwrap_or(Quantity::ZERO)
}

/// Typed reading of one field.
pub(super) trait Read {
    /// The field, if it is there and not null: a pointer that is set.
    fn field(&self, name: &str) -> Option<&Value>;
    /// The field, or null.
    fn part(&self, name: &str) -> &Value {
        self.field(name).unwrap_or(&ABSENT)
    }
    /// Whether the field is there and not null.
    fn has(&self, name: &str) -> bool {
        self.field(name).is_some()
    }
    /// A string field.
    fn text(&self, name: &str) -> &str {
        self.field(name).and_then(Value::as_str).unwrap_or_default()
    }
    /// A list field.
    fn list(&self, name: &str) -> &[Value] {
        self.field(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }
    /// The strings of a list field.
    fn texts(&self, name: &str) -> impl Iterator<Item = &str> {
        self.list(name).iter().map(|v| v.as_str().unwrap_or_default())
    }
    /// A number field.
    fn number(&self, name: &str) -> i64 {
        self.number_if_set(name).unwrap_or(0)
    }
    /// A pointer to a number.
    fn number_if_set(&self, name: &str) -> Option<i64> {
        self.field(name).and_then(Value::as_i64)
    }
    /// A boolean field.
    fn on(&self, name: &str) -> bool {
        self.flag(name) == Some(true)
    }
    /// A pointer to a boolean.
    fn flag(&self, name: &str) -> Option<bool> {
        self.field(name).and_then(Value::as_bool)
    }
    /// The entries of a map field.
    fn entries(&self, name: &str) -> impl Iterator<Item = (&str, &Value)> {
        self.field(name).and_then(Value::as_object).into_iter().flat_map(Map::iter).map(|(k, v)| (k.as_str(), v))
    }
    /// The entries of a map of strings.
    fn pairs(&self, name: &str) -> impl Iterator<Item = (&str, &str)> {
        self.entries(name).map(|(k, v)| (k, v.as_str().unwrap_or_default()))
    }
}

impl Read for Value {
    fn field(&self, name: &str) -> Option<&Value> {
        self.get(name).filter(|v| !v.is_null())
    }
}
