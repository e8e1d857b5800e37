//! A value in the API's own JSON form, copied on write: a clone shares everything, and a write copies only the maps and lists on
//! the way to what it changes.
//!
//! A simulated cluster keeps every state of every object that a plan goes through, and compares one with the next. With shared
//! maps the second state of an object costs what differs, and equal parts are told by where they are.

mod facts;
mod list;
mod literal;
mod map;
mod pool;
mod text_form;

pub use facts::{Fact, TypeMark};
pub use list::List;
pub use literal::{ToValue, json};
pub use map::{Entry, Map};
pub use pool::Pool;
pub use serde_json::Number;
pub use smol_str::SmolStr as Text;
pub use text_form::sorted_json;

use std::ops::{Index, IndexMut};

/// Any JSON value.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum Value {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, whole or not.
    Number(Number),
    /// A string.
    String(Text),
    /// A list.
    Array(List),
    /// A map.
    Object(Map),
}

static NULL: Value = Value::Null;

impl Value {
    /// What stands under a key of a map, or at an index of a list; none if it is not of that kind or there is no such item.
    #[inline]
    pub fn get(&self, step: impl Step) -> Option<&Self> {
        step.of(self)
    }

    /// What stands under a key of a map, to be changed.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Self> {
        self.as_object_mut()?.get_mut(key)
    }

    /// The map that it is.
    #[inline]
    pub fn as_object(&self) -> Option<&Map> {
        if let Self::Object(map) = self { Some(map) } else { None }
    }

    /// The map that it is, to be changed.
    pub fn as_object_mut(&mut self) -> Option<&mut Map> {
        if let Self::Object(map) = self { Some(map) } else { None }
    }

    /// The list that it is.
    #[inline]
    pub fn as_array(&self) -> Option<&Vec<Self>> {
        if let Self::Array(list) = self { Some(list) } else { None }
    }

    /// The list that it is, to be changed.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Self>> {
        if let Self::Array(list) = self { Some(list) } else { None }
    }

    /// The string that it is, shared; an empty one if it is none.
    pub fn to_text(&self) -> Text {
        if let Self::String(text) = self { text.clone() } else { Text::default() }
    }

    /// The string that it is.
    #[inline]
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(text) = self { Some(text) } else { None }
    }

    /// The boolean that it is.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self { Some(*value) } else { None }
    }

    /// The number that it is.
    #[inline]
    pub fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self { Some(number) } else { None }
    }

    /// The whole number that it is, if it is one that fits.
    #[inline]
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The whole number that it is, if it is one that fits.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// The number that it is, as the nearest float.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number()?.as_f64()
    }

    /// Whether it is `null`.
    #[inline]
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// Whether it is a boolean.
    pub fn is_boolean(&self) -> bool {
        matches!(self, Self::Bool(_))
    }

    /// Whether it is a number.
    pub fn is_number(&self) -> bool {
        matches!(self, Self::Number(_))
    }

    /// Whether it is a whole number that fits into 64 bits with a sign.
    pub fn is_i64(&self) -> bool {
        self.as_i64().is_some()
    }

    /// Whether it is a whole number, not below zero, that fits into 64 bits.
    pub fn is_u64(&self) -> bool {
        self.as_u64().is_some()
    }

    /// Whether it is a number that is not written as a whole one.
    pub fn is_f64(&self) -> bool {
        self.as_number().is_some_and(Number::is_f64)
    }

    /// Whether it is a string.
    pub fn is_string(&self) -> bool {
        matches!(self, Self::String(_))
    }

    /// Whether it is a list.
    pub fn is_array(&self) -> bool {
        matches!(self, Self::Array(_))
    }

    /// Whether it is a map.
    pub fn is_object(&self) -> bool {
        matches!(self, Self::Object(_))
    }

    /// Whether both are one and the same map or list, so that nothing in them can differ. False says nothing.
    #[inline]
    pub fn is_shared_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Object(a), Self::Object(b)) => a.is_shared_with(b),
            (Self::Array(a), Self::Array(b)) => a.is_shared_with(b),
            _ => false,
        }
    }

    /// Takes the parts from another value that are the very same there, so that both share them. Tells whether all of it is.
    pub fn reunite(&mut self, with: &Self) -> bool {
        let same = match (&mut *self, with) {
            (Self::Object(own), Self::Object(other)) => own.is_shared_with(other) || own.reunite(other),
            (Self::Array(own), Self::Array(other)) => own.is_shared_with(other) || own.reunite(other),
            (own, other) => return own == other,
        };
        if same {
            self.clone_from(with);
        }
        same
    }

    /// What a JSON pointer (RFC 6901) names.
    pub fn pointer(&self, pointer: &str) -> Option<&Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).try_fold(self, |here, step| match here
        {
            Self::Object(map) => map.get(&step),
            Self::Array(list) => step.parse::<usize>().ok().and_then(|i| list.get(i)),
            _ => None,
        })
    }

    /// The same, to be changed.
    pub fn pointer_mut(&mut self, pointer: &str) -> Option<&mut Self> {
        if pointer.is_empty() {
            return Some(self);
        }
        pointer.strip_prefix('/')?.split('/').map(|step| step.replace("~1", "/").replace("~0", "~")).try_fold(self, |here, step| match here
        {
            Self::Object(map) => map.get_mut(&step),
            Self::Array(list) => step.parse::<usize>().ok().and_then(|i| list.get_mut(i)),
            _ => None,
        })
    }

    /// The value, with `null` left in its place.
    pub fn take(&mut self) -> Self {
        std::mem::take(self)
    }
}

/// What leads from a value to one that it holds: a key, or an index.
pub trait Step {
    /// The value that it leads to.
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value>;

    /// The place that it leads to: a key is made where there is none, and what was no map becomes one.
    ///
    /// # Panics
    /// It is an index and there is no such item.
    fn place_in<'v>(&self, value: &'v mut Value) -> &'v mut Value;
}

impl Step for str {
    #[inline]
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_object()?.get(self)
    }

    fn place_in<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        if !value.is_object() {
            *value = Value::Object(Map::new());
        }
        match value {
            Value::Object(map) => map.entry(self).or_insert(Value::Null),
            _ => unreachable!("made a map above"),
        }
    }
}

impl Step for String {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.as_str().of(value)
    }

    fn place_in<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        self.as_str().place_in(value)
    }
}

impl Step for Text {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        self.as_str().of(value)
    }

    fn place_in<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        self.as_str().place_in(value)
    }
}

impl Step for usize {
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        value.as_array()?.get(*self)
    }

    fn place_in<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        match value {
            Value::Array(list) => &mut list[*self],
            other => panic!("item {self} of {other}"),
        }
    }
}

impl<S: Step + ?Sized> Step for &S {
    #[inline]
    fn of<'v>(&self, value: &'v Value) -> Option<&'v Value> {
        (*self).of(value)
    }

    fn place_in<'v>(&self, value: &'v mut Value) -> &'v mut Value {
        (*self).place_in(value)
    }
}

/// `null` where there is none.
impl<S: Step> Index<S> for Value {
    type Output = Self;

    #[inline]
    fn index(&self, step: S) -> &Self {
        step.of(self).unwrap_or(&NULL)
    }
}

/// Made where there is none.
impl<S: Step> IndexMut<S> for Value {
    fn index_mut(&mut self, step: S) -> &mut Self {
        step.place_in(self)
    }
}

macro_rules! from_number {
    ($($ty:ty)*) => {$(
        impl From<$ty> for Value {
            fn from(number: $ty) -> Self {
                Self::Number(number.into())
            }
        }
        impl PartialEq<$ty> for Value {
            fn eq(&self, other: &$ty) -> bool {
                self.as_number().is_some_and(|own| *own == Number::from(*other))
            }
        }
        impl PartialEq<$ty> for &Value {
            fn eq(&self, other: &$ty) -> bool {
                **self == *other
            }
        }
    )*};
}
from_number!(i8 i16 i32 i64 isize u8 u16 u32 u64 usize);

impl From<f64> for Value {
    /// `null` for what JSON cannot say.
    fn from(number: f64) -> Self {
        Number::from_f64(number).map_or(Self::Null, Self::Number)
    }
}

macro_rules! from_part {
    ($($ty:ty => $variant:ident),*) => {$(
        impl From<$ty> for Value {
            fn from(part: $ty) -> Self {
                Self::$variant(part.into())
            }
        }
    )*};
}
from_part!(bool => Bool, Number => Number, Text => String, String => String, &str => String, &String => String, List => Array, Map => Object);

impl<T: Into<Self>> From<Vec<T>> for Value {
    fn from(items: Vec<T>) -> Self {
        items.into_iter().collect()
    }
}

impl<T: Clone + Into<Self>> From<&[T]> for Value {
    fn from(items: &[T]) -> Self {
        items.iter().cloned().collect()
    }
}

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl<T: Into<Self>> FromIterator<T> for Value {
    fn from_iter<I: IntoIterator<Item = T>>(items: I) -> Self {
        Self::Array(items.into_iter().map(Into::into).collect())
    }
}

impl<K: Into<Text>, T: Into<Self>> FromIterator<(K, T)> for Value {
    fn from_iter<I: IntoIterator<Item = (K, T)>>(entries: I) -> Self {
        Self::Object(entries.into_iter().map(|(key, value)| (key, value.into())).collect())
    }
}

macro_rules! equal_to_text {
    ($($ty:ty),*) => {$(
        impl PartialEq<$ty> for Value {
            fn eq(&self, other: &$ty) -> bool {
                self.as_str() == Some(&other[..])
            }
        }
    )*};
}
equal_to_text!(str, &str, String);

impl PartialEq<bool> for Value {
    fn eq(&self, other: &bool) -> bool {
        self.as_bool() == Some(*other)
    }
}

impl PartialEq<bool> for &Value {
    fn eq(&self, other: &bool) -> bool {
        **self == *other
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clone_shares_what_is_not_written_to() {
        let before = json!({"spec": {"template": {"spec": {"containers": [{"name": "a"}]}}}, "status": {"replicas": 1}});
        let mut after = before.clone();
        after["status"]["replicas"] = 2.into();
        let place = |v: &Value| std::ptr::from_ref(&v["spec"]["template"]);
        assert_eq!(place(&before), place(&after), "the spec was copied");
        assert_eq!((&before["status"]["replicas"], &after["status"]["replicas"]), (&json!(1), &json!(2)));
        assert_ne!(before, after);
    }

    #[test]
    fn equal_parts_are_shared_again() {
        let before =
            json!({"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b"}]}, "n": {}});
        let mut after =
            json!({"metadata": {"labels": {"a": "b"}}, "n": {}, "spec": {"containers": [{"name": "a", "image": "y"}, {"name": "b"}]}});
        let text = after.to_string();
        assert!(!after.reunite(&before));
        assert_eq!(after.to_string(), text);
        assert!(after["metadata"].is_shared_with(&before["metadata"]));
        assert!(after["spec"]["containers"][1].is_shared_with(&before["spec"]["containers"][1]));
        assert!(!after["spec"].is_shared_with(&before["spec"]));
        let mut turned = json!({"spec": before["spec"], "metadata": {"labels": {"a": "b"}}, "n": {}});
        let text = turned.to_string();
        assert!(!turned.reunite(&before), "the keys stand in another order");
        assert_eq!((turned.to_string(), turned["metadata"].is_shared_with(&before["metadata"])), (text, true));
    }

    #[test]
    fn a_value_is_three_words() {
        assert!(size_of::<Value>() <= 24, "{}", size_of::<Value>());
    }

    #[test]
    fn what_is_not_there_reads_as_null_and_can_be_written() {
        let mut value = json!({"list": [1]});
        assert!(value["a"]["b"].is_null() && value["list"][7].is_null());
        value["a"]["b"] = true.into();
        assert_eq!(value, json!({"list": [1], "a": {"b": true}}));
        assert_eq!(value.pointer("/list/0"), Some(&json!(1)));
    }
}
