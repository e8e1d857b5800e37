//! Values written as JSON in the code.

use super::{List, Map, Number, Text, Value};
use std::collections::BTreeMap;

/// What can stand for a value within [`json!`]: a value itself is shared there, not copied.
pub trait ToValue {
    /// The value.
    fn to_value(&self) -> Value;
}

impl ToValue for Value {
    fn to_value(&self) -> Value {
        self.clone()
    }
}

impl<T: ToValue + ?Sized> ToValue for &T {
    fn to_value(&self) -> Value {
        (*self).to_value()
    }
}

impl<T: ToValue> ToValue for std::sync::Arc<T> {
    fn to_value(&self) -> Value {
        (**self).to_value()
    }
}

impl ToValue for str {
    fn to_value(&self) -> Value {
        self.into()
    }
}

impl ToValue for String {
    fn to_value(&self) -> Value {
        self.as_str().into()
    }
}

macro_rules! by_copy {
    ($($ty:ty),*) => {$(
        impl ToValue for $ty {
            fn to_value(&self) -> Value {
                self.clone().into()
            }
        }
    )*};
}
by_copy!(bool, i8, i16, i32, i64, isize, u8, u16, u32, u64, usize, f64, Number, Text, List, Map);

impl<T: ToValue> ToValue for Option<T> {
    fn to_value(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_value)
    }
}

impl<T: ToValue> ToValue for [T] {
    fn to_value(&self) -> Value {
        self.iter().map(T::to_value).collect()
    }
}

impl<T: ToValue, const N: usize> ToValue for [T; N] {
    fn to_value(&self) -> Value {
        self[..].to_value()
    }
}

impl<T: ToValue> ToValue for Vec<T> {
    fn to_value(&self) -> Value {
        self[..].to_value()
    }
}

impl<K: AsRef<str>, T: ToValue> ToValue for BTreeMap<K, T> {
    fn to_value(&self) -> Value {
        Value::Object(self.iter().map(|(key, value)| (key.as_ref(), value.to_value())).collect())
    }
}

/// A [`Value`] written as JSON; keys are literals or expressions, values are JSON or expressions that are [`ToValue`].
#[macro_export]
#[doc(hidden)]
macro_rules! __json {
    (null) => { $crate::object::Value::Null };
    ([]) => { $crate::object::Value::Array($crate::object::List::new()) };
    ([ $($items:tt)+ ]) => { $crate::__json!(@list [] $($items)+) };
    ({}) => { $crate::object::Value::Object($crate::object::Map::new()) };
    ({ $($entries:tt)+ }) => {{
        let mut map = $crate::object::Map::new();
        $crate::__json!(@map map ($($entries)+) ());
        $crate::object::Value::Object(map)
    }};

    // Items: done, JSON, or expressions up to a comma.
    (@list [$($done:expr,)*]) => { $crate::object::Value::from(vec![$($done),*]) };
    (@list [$($done:expr,)*] null $(, $($rest:tt)*)?) => { $crate::__json!(@list [$($done,)* $crate::__json!(null),] $($($rest)*)?) };
    (@list [$($done:expr,)*] [$($inner:tt)*] $(, $($rest:tt)*)?) => { $crate::__json!(@list [$($done,)* $crate::__json!([$($inner)*]),] $($($rest)*)?) };
    (@list [$($done:expr,)*] {$($inner:tt)*} $(, $($rest:tt)*)?) => { $crate::__json!(@list [$($done,)* $crate::__json!({$($inner)*}),] $($($rest)*)?) };
    (@list [$($done:expr,)*] $next:expr $(, $($rest:tt)*)?) => { $crate::__json!(@list [$($done,)* $crate::__json!($next),] $($($rest)*)?) };

    // Entries: a key is gathered token by token up to its colon. What is left stands first: it must be looked at before the key
    // is taken for an expression.
    (@map $map:ident () ()) => {};
    (@map $map:ident (: null $(, $($rest:tt)*)?) ($key:expr)) => { $crate::__json!(@put $map ($key) ($crate::__json!(null)) ($($($rest)*)?)) };
    (@map $map:ident (: [$($inner:tt)*] $(, $($rest:tt)*)?) ($key:expr)) => { $crate::__json!(@put $map ($key) ($crate::__json!([$($inner)*])) ($($($rest)*)?)) };
    (@map $map:ident (: {$($inner:tt)*} $(, $($rest:tt)*)?) ($key:expr)) => { $crate::__json!(@put $map ($key) ($crate::__json!({$($inner)*})) ($($($rest)*)?)) };
    (@map $map:ident (: $value:expr $(, $($rest:tt)*)?) ($key:expr)) => { $crate::__json!(@put $map ($key) ($crate::__json!($value)) ($($($rest)*)?)) };
    (@map $map:ident (($key:expr) : $($rest:tt)*) ()) => { $crate::__json!(@map $map (: $($rest)*) ($key)) };
    (@map $map:ident ($next:tt $($rest:tt)*) ($($key:tt)*)) => { $crate::__json!(@map $map ($($rest)*) ($($key)* $next)) };
    (@put $map:ident ($key:expr) ($value:expr) ($($rest:tt)*)) => {
        $map.insert($crate::object::Text::from($key), $value);
        $crate::__json!(@map $map ($($rest)*) ());
    };

    ($value:expr) => { $crate::object::ToValue::to_value(&$value) };
}
pub use crate::__json as json;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_as_json() {
        let (name, count, shared) = ("a".to_owned(), Some(2), json!({"x": [1]}));
        let made = json!({
            "name": name, "none": Option::<i64>::None, (format!("k-{name}")): [null, true, -1, 1.5, [], {}, [2, "b"], {"c": count}],
            "sum": 1 + 2, "shared": shared, "nested": {"deep": {"list": vec!["x"; 2],}},
        });
        let text = r#"{"name":"a","none":null,"k-a":[null,true,-1,1.5,[],{},[2,"b"],{"c":2}],"sum":3,"shared":{"x":[1]},"nested":{"deep":{"list":["x","x"]}}}"#;
        assert_eq!(made.to_string(), text);
    }
}
