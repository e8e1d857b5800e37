//! JSON as it was sent becomes the fields that stand in it twice; of such a field the last value counts.
//!
//! Follows `sigs.k8s.io/json` (`UnmarshalStrict`).

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fmt;

/// The paths of fields that stand twice, in the order in which they come; none for what is no JSON.
pub(super) fn fields(text: &str) -> Vec<String> {
    let found = RefCell::new(Vec::new());
    let mut reader = serde_json::Deserializer::from_str(text);
    // What is wrong with the text, the write path finds.
    drop(Part { path: String::new(), found: &found }.deserialize(&mut reader));
    found.into_inner()
}

/// A part of the text, and where it stands.
struct Part<'f> {
    path: String,
    found: &'f RefCell<Vec<String>>,
}

impl<'de> DeserializeSeed<'de> for Part<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, reader: D) -> Result<(), D::Error> {
        reader.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Part<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut seen = BTreeSet::new();
        while let Some(key) = map.next_key::<String>()? {
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            if seen.insert(key) {
                map.next_value_seed(Part { path, found: self.found })?;
            } else {
                self.found.borrow_mut().push(path);
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let mut index = 0;
        while items.next_element_seed(Part { path: format!("{}[{index}]", self.path), found: self.found })?.is_some() {
            index += 1;
        }
        Ok(())
    }

    fn visit_bool<E>(self, _: bool) -> Result<(), E> {
        Ok(())
    }

    fn visit_i64<E>(self, _: i64) -> Result<(), E> {
        Ok(())
    }

    fn visit_u64<E>(self, _: u64) -> Result<(), E> {
        Ok(())
    }

    fn visit_f64<E>(self, _: f64) -> Result<(), E> {
        Ok(())
    }

    fn visit_str<E>(self, _: &str) -> Result<(), E> {
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::fields;

    /// The first as recorded from a server (`tests/recorded/hostile.json.gz`, keys twice).
    #[test]
    fn fields_that_stand_twice_are_named() {
        assert_eq!(fields(r#"{"metadata":{"name":"x","name":"y"},"data":{"a":"1","a":"2"}}"#), ["metadata.name", "data.a"]);
        assert_eq!(fields(r#"{"a":[{"b":1},{"b":1,"b":{"c":1,"c":2}}],"d":null}"#), ["a[1].b"]);
        assert!(fields(r#"{"a":1,"b":{"a":1}"#).is_empty() && fields("no").is_empty());
    }
}
