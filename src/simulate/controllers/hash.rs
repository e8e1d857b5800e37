//! The hashes in the names of revisions.
//!
//! Follows `ComputeHash` of `pkg/controller/controller_utils.go` (ReplicaSets, and the revisions of a DaemonSet: Go's print of a template, FNV-1a),
//! `HashControllerRevision` of `pkg/controller/history/controller_history.go` (the revisions of a StatefulSet: the patch's bytes, FNV-1) and
//! apimachinery's `rand.SafeEncodeString`, which writes a number in letters that spell no words.

use super::spew::spew;
use crate::object::{Map, Number, Text, Value, json};
use crate::schema::Schema;
use std::fmt::{self, Write};

const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const OFFSET: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;
const TEMPLATE: &str = "io.k8s.api.core.v1.PodTemplateSpec";

/// FNV-1a of what is written to it.
struct Fnv1a(u32);

impl Fnv1a {
    fn take(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(PRIME));
    }
}

impl Write for Fnv1a {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.take(text.as_bytes());
        Ok(())
    }
}

/// The hash of a pod template; another one for each count of collisions.
pub(super) fn of_template(schema: &Schema, template: &Value, collisions: Option<i64>) -> String {
    let mut hash = Fnv1a(OFFSET);
    if let Some(ty) = schema.named(TEMPLATE) {
        spew(schema, &ty, template, &mut hash).expect("a hash takes every text");
    }
    if let Some(count) = collisions {
        hash.take(&count.to_le_bytes());
    }
    encode(hash.0)
}

/// The hash of the patch by which a StatefulSet's revision holds a template.
pub(super) fn of_patch(template: &Value, collisions: i64) -> String {
    let mut patch = template.as_object().cloned().unwrap_or_else(Map::new);
    patch.insert("$patch".into(), "replace".into());
    let mut bytes = String::new();
    write_json(&json!({"spec": {"template": patch}}), &mut bytes);
    bytes.push_str(&collisions.to_string());
    encode(bytes.bytes().fold(OFFSET, |hash, byte| hash.wrapping_mul(PRIME) ^ u32::from(byte)))
}

/// JSON as Go writes a map: keys sorted, numbers as 64-bit floats, and nothing in it that HTML would read.
fn write_json(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<(&Text, &Value)> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            out.push('{');
            for (i, (key, entry)) in entries.into_iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                write_text(key, out);
                out.push(':');
                write_json(entry, out);
            }
            out.push('}');
        }
        Value::Array(items) => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                out.push_str(if i == 0 { "" } else { "," });
                write_json(item, out);
            }
            out.push(']');
        }
        Value::String(text) => write_text(text, out),
        Value::Number(number) => out.push_str(&as_float(number)),
        other => out.push_str(&other.to_string()),
    }
}

/// Only integers of templates come here: those beyond 53 bits lose their last digits.
fn as_float(number: &Number) -> String {
    number.as_f64().map_or_else(|| number.to_string(), |float| float.to_string())
}

/// Follows `appendString` of Go's `encoding/json`.
fn write_text(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\u{8}' => out.push_str("\\b"),
            '\u{c}' => out.push_str("\\f"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' | '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
}

/// A suffix of five letters, as `generateName` adds one.
pub(super) fn suffix(seed: &str) -> String {
    let mut hash = Fnv1a(OFFSET);
    hash.take(seed.as_bytes());
    let mut number = u64::from(hash.0) * 2_654_435_761;
    let mut letters = String::new();
    for _ in 0..5 {
        letters.push(char::from(LETTERS[(number % LETTERS.len() as u64) as usize]));
        number /= LETTERS.len() as u64;
    }
    letters
}

fn encode(number: u32) -> String {
    number.to_string().bytes().map(|b| char::from(LETTERS[b as usize % LETTERS.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::{of_patch, of_template};
    use crate::object::{Value, items};
    use crate::schema::{Schema, Version};
    use flate2::read::GzDecoder;
    use std::fs::File;

    /// What controllers of each version, and a server, said; see `tests/recorded/make_hashes.py`.
    #[test]
    fn hashes_are_those_of_the_controllers() {
        let file = File::open(format!("{}/tests/recorded/template-hashes.json.gz", env!("CARGO_MANIFEST_DIR"))).unwrap();
        let recorded: Value = serde_json::from_reader(GzDecoder::new(file)).unwrap();
        let (mut wrong, mut revisions) = (Vec::new(), 0);
        for case in items(&recorded, &["templates"]) {
            let template = &case["template"];
            for (version, expected) in case["hashes"].as_object().unwrap() {
                let (version, _) = Version::nearest(version).unwrap();
                let ours = of_template(Schema::of(version), template, None);
                if *expected != ours {
                    wrong.push(format!("{version}: expected {expected}, ours {ours}: {template}"));
                }
            }
            if let Some(expected) = case.get("revision") {
                revisions += 1;
                if *expected != of_patch(template, 0) {
                    wrong.push(format!("revision: expected {expected}, ours {}: {template}", of_patch(template, 0)));
                }
            }
        }
        assert!(wrong.is_empty(), "{} wrong:\n{}", wrong.len(), wrong.join("\n"));
        println!("{} templates, {revisions} names of revisions", items(&recorded, &["templates"]).len());
        assert!(revisions > 100, "{revisions} revisions");
    }
}
