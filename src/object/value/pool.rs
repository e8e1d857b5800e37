//! Equal parts of what is read become one part.
//!
//! A cluster's objects repeat themselves: who owns the fields of a pod is the same for all pods, a ReplicaSet has its Deployment's
//! template. Held once, they take a fraction of the memory, and later comparisons find that they are one without looking inside.

use super::Value;
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::hash::{Hash, Hasher};

/// The parts that were seen. One for each digest: another part that has the same one is not shared.
#[derive(Debug, Default)]
pub struct Pool(BTreeMap<u64, Value>);

impl Pool {
    /// The value itself if it is new, else the one that it equals. Maps and lists within it must come from this pool.
    pub fn share(&mut self, mut value: Value) -> Value {
        match self.0.entry(digest(&value)) {
            Entry::Vacant(hole) => {
                if let Value::Object(map) = &mut value {
                    map.shrink_to_fit();
                }
                hole.insert(value).clone()
            }
            Entry::Occupied(known) if is_one(known.get(), &value) => known.get().clone(),
            Entry::Occupied(_) => value,
        }
    }
}

/// Tells values apart by what stands in them, and that by where it is.
fn digest(value: &Value) -> u64 {
    let mut digest = Digest::default();
    match value {
        Value::Object(map) => map.iter().for_each(|(key, part)| {
            key.hash(&mut digest);
            mix_part(part, &mut digest);
        }),
        Value::Array(list) => list.iter().for_each(|part| mix_part(part, &mut digest)),
        other => mix_part(other, &mut digest),
    }
    digest.finish()
}

fn mix_part(part: &Value, digest: &mut Digest) {
    match part {
        Value::Null => digest.write_u8(0),
        Value::Bool(value) => digest.write_u8(1 + u8::from(*value)),
        Value::Number(number) => number.hash(digest),
        Value::String(text) => text.hash(digest),
        Value::Array(list) => digest.write_usize(list.place()),
        Value::Object(map) => digest.write_usize(map.place()),
    }
}

/// Whether two values have the same parts in the same order.
fn is_one(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|((key, part), (other, there))| key == other && same_part(part, there))
        }
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(part, there)| same_part(part, there)),
        (a, b) => same_part(a, b),
    }
}

fn same_part(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => a.place() == b.place(),
        (Value::Array(a), Value::Array(b)) => a.place() == b.place(),
        (a, b) => a == b,
    }
}

/// Mixes in eight bytes at a time: fast, and no worse than that where two values come out the same.
#[derive(Clone, Copy, Debug, Default)]
struct Digest(u64);

impl Digest {
    fn mix(&mut self, word: u64) {
        self.0 = (self.0.rotate_left(23) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks::<8>();
        words.iter().for_each(|word| self.mix(u64::from_le_bytes(*word)));
        self.mix(rest.iter().fold(bytes.len() as u64, |word, byte| word << 8 | u64::from(*byte)));
    }

    /// What ends a text says nothing: its length is mixed in.
    fn write_u8(&mut self, byte: u8) {
        if byte != 0xff {
            self.mix(u64::from(byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.mix(number);
    }

    fn write_usize(&mut self, number: usize) {
        self.mix(number as u64);
    }

    fn finish(&self) -> u64 {
        self.0 ^ self.0 >> 32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json;

    /// A value as a reader makes it, from the inside out.
    fn read(pool: &mut Pool, value: &Value) -> Value {
        let made = match value {
            Value::Object(map) => map.iter().map(|(key, part)| (key.clone(), read(pool, part))).collect(),
            Value::Array(list) => list.iter().map(|part| read(pool, part)).collect(),
            other => return other.clone(),
        };
        pool.share(made)
    }

    #[test]
    fn equal_parts_are_one_and_keep_their_order() {
        let mut pool = Pool::default();
        let first = json!({"labels": {"a": "b", "c": "d"}, "list": [{"x": 1}, [], {}], "n": 1});
        let second =
            json!({"metadata": {"labels": {"a": "b", "c": "d"}}, "turned": {"c": "d", "a": "b"}, "list": [{"x": 1.0}, [], {}], "n": "1"});
        let (one, other) = (read(&mut pool, &first), read(&mut pool, &second));
        assert_eq!((&one, &other), (&first, &second));
        assert_eq!((one.to_string(), other.to_string()), (first.to_string(), second.to_string()));
        assert!(one["labels"].is_shared_with(&other["metadata"]["labels"]));
        assert!(!one["labels"].is_shared_with(&other["turned"]), "another order of keys");
        assert!(!one["list"][0].is_shared_with(&other["list"][0]), "another kind of number");
        assert!(one["list"][1].is_shared_with(&other["list"][1]));
        assert!(read(&mut pool, &first).is_shared_with(&one));
    }
}
