//! Short names for revisions.
//!
//! Kubernetes hashes Go's dump of a template (FNV-32a) and encodes the number in letters that spell no words
//! (`pkg/controller/controller_utils.go`, apimachinery's `rand.SafeEncodeString`). The dump depends on the layout of Go's
//! structs, so these names are not the ones that a real cluster would give: they are as long, as safe and as stable, made from
//! the template's JSON. Revisions are matched by their templates, never by their names.

use crate::object::{Value, sorted_json};

const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";

/// The hash of a template; another one for each count of collisions.
pub(super) fn of(template: &Value, collisions: Option<i64>) -> String {
    let mut number = fnv(0x811c_9dc5, sorted_json(template).as_bytes());
    if let Some(count) = collisions {
        number = fnv(number, &count.to_le_bytes());
    }
    encode(&number.to_string())
}

/// A suffix of five letters, as `generateName` adds one.
pub(super) fn suffix(seed: &str) -> String {
    let mut number = u64::from(fnv(0x811c_9dc5, seed.as_bytes())) * 2_654_435_761;
    let mut letters = String::new();
    for _ in 0..5 {
        letters.push(char::from(LETTERS[(number % LETTERS.len() as u64) as usize]));
        number /= LETTERS.len() as u64;
    }
    letters
}

fn fnv(start: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(0x0100_0193))
}

fn encode(digits: &str) -> String {
    digits.bytes().map(|b| char::from(LETTERS[b as usize % LETTERS.len()])).collect()
}
