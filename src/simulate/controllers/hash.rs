//! Short names for revisions.
//!
//! Follows `ComputeHash` (`pkg/controller/controller_utils.go`), `HashControllerRevision` (`pkg/controller/history`) and apimachinery's
//! `rand.SafeEncodeString`, whose letters spell no words. Revisions are matched by their templates, never by their names.

use super::dump;
use crate::object::{Value, json, map_at, sorted_json};
use crate::schema::Schema;

const LETTERS: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
const START: u32 = 0x811c_9dc5;
const PRIME: u32 = 0x0100_0193;

/// How a revision's name is made of its template and the count of collisions.
pub(super) type Hash = fn(&Schema, &Value, Option<i64>) -> String;

/// The hash of a template, of Deployments and DaemonSets; another one for each count of collisions.
pub(super) fn of_template(schema: &Schema, template: &Value, collisions: Option<i64>) -> String {
    let mut number = fnv_1a(START, dump::pod_template(schema, template).as_bytes());
    if let Some(count) = collisions {
        number = fnv_1a(number, &count.to_le_bytes());
    }
    encode(&number.to_string())
}

/// The hash of the patch that a revision of a StatefulSet holds.
pub(super) fn of_patch(_: &Schema, template: &Value, collisions: Option<i64>) -> String {
    let mut template = template.clone();
    map_at(&mut template, &[]).insert("$patch".into(), "replace".into());
    // As Go's encoder writes JSON.
    let patch = sorted_json(&json!({"spec": {"template": template}}))
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('&', "\\u0026")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    let count = collisions.map(|count| count.to_string()).unwrap_or_default();
    let number = patch.bytes().chain(count.bytes()).fold(START, |hash, byte| hash.wrapping_mul(PRIME) ^ u32::from(byte));
    encode(&number.to_string())
}

/// A suffix of five letters, as `generateName` adds one.
pub(super) fn suffix(seed: &str) -> String {
    let mut number = u64::from(fnv_1a(START, seed.as_bytes())) * 2_654_435_761;
    let mut letters = String::new();
    for _ in 0..5 {
        letters.push(char::from(LETTERS[(number % LETTERS.len() as u64) as usize]));
        number /= LETTERS.len() as u64;
    }
    letters
}

fn fnv_1a(start: u32, bytes: &[u8]) -> u32 {
    bytes.iter().fold(start, |hash, byte| (hash ^ u32::from(*byte)).wrapping_mul(PRIME))
}

fn encode(digits: &str) -> String {
    digits.bytes().map(|b| char::from(LETTERS[b as usize % LETTERS.len()])).collect()
}

#[cfg(test)]
mod tests {
    use super::{of_patch, of_template};
    use crate::object::{Value, at, items, map_at, text};
    use crate::schema::{Schema, Version};
    use flate2::read::GzDecoder;
    use std::fs::{self, File};
    use std::path::Path;

    /// Compares the names of the ReplicaSets and ControllerRevisions of a recorded list; gives how many there are.
    fn compare(path: &Path) -> (usize, usize) {
        let schema = Schema::of(Version::V1_36);
        let list: Value = serde_json::from_reader(GzDecoder::new(File::open(path).unwrap())).unwrap();
        let (mut sets, mut revisions) = (0, 0);
        for object in items(&list, &["items"]) {
            let name = text(object, &["metadata", "name"]);
            let hash = match text(object, &["kind"]) {
                "ReplicaSet" => {
                    sets += 1;
                    let mut template = object["spec"]["template"].clone();
                    map_at(&mut template, &["metadata", "labels"]).shift_remove("pod-template-hash");
                    of_template(schema, &template, None)
                }
                "ControllerRevision" => {
                    revisions += 1;
                    let mut template = at(object, &["data", "spec", "template"]).unwrap().clone();
                    map_at(&mut template, &[]).shift_remove("$patch");
                    let of_set = object["metadata"]["ownerReferences"][0]["kind"] == "StatefulSet";
                    if of_set { of_patch(schema, &template, Some(0)) } else { of_template(schema, &template, None) }
                }
                _ => continue,
            };
            assert_eq!(name.rsplit('-').next().unwrap(), hash, "{object:#}");
        }
        (sets, revisions)
    }

    /// Those that the recorded pipelines started with, and one of a template in which nearly everything is set.
    #[test]
    fn revisions_have_the_names_that_a_real_cluster_gave_them() {
        let folders = fs::read_dir("tests/recorded/pipelines").unwrap().map(|e| e.unwrap().path()).filter(|p| p.is_dir());
        let found: Vec<(usize, usize)> = folders.map(|folder| compare(&folder.join("snapshot.json.gz"))).collect();
        assert_eq!((found.iter().map(|f| f.0).sum(), found.iter().map(|f| f.1).sum()), (58_usize, 7_usize));
        assert_eq!(compare(Path::new("tests/recorded/revisions.json.gz")), (1, 1));
    }
}
