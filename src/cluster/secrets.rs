//! Values of Secrets become digests.
//!
//! A digest stands where the value stood, as base64 text, so that every reader of Secrets still reads it. It is salted with
//! the Secret's namespace and name and the key: equal values of two Secrets do not show, and the same value at the same place
//! always gives the same digest, so that a changed value is still seen as changed. The annotation in which
//! `kubectl apply` keeps the last manifest holds the same values and is treated the same way.

use crate::object::{Value, map_at, text};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;

const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// What a digest says before base64: as long as a whole number of base64 groups, so that it can be known by its start.
const MARK: &str = "rollcast-sha256";
const MARK_IN_BASE64: &str = "cm9sbGNhc3Qtc2hhMjU2";
const DIGEST_IN_BASE64: usize = 108;

/// Replaces the values of a Secret by digests; leaves every other kind alone. Says whether there was anything to replace.
///
/// Manifests must go through it too, with their namespaces filled in, before they meet objects that did: else every Secret would
/// look changed.
pub fn mask_secret(object: &mut Value) -> bool {
    if text(object, &["kind"]) != "Secret" || text(object, &["apiVersion"]) != "v1" {
        return false;
    }
    let salt = format!("{}/{}/", text(object, &["metadata", "namespace"]), text(object, &["metadata", "name"]));
    mask(object, &salt)
}

fn mask(object: &mut Value, salt: &str) -> bool {
    let mut masked = mask_values(object, "data", |value| value.replace(['\r', '\n'], ""), salt);
    masked |= mask_values(object, "stringData", |value| base64(value.as_bytes()), salt);
    if object.get("stringData").is_some() {
        merge_string_data(object);
    }
    masked | mask_last_applied(object, salt)
}

/// The server stores what stands under `stringData` under `data`; a digest is base64 text, so it must stand there too.
fn merge_string_data(object: &mut Value) {
    let Some(map) = object.as_object_mut() else { return };
    if let Some(Value::Object(strings)) = map.shift_remove("stringData") {
        map_at(object, &["data"]).extend(strings);
    }
}

fn mask_values(object: &mut Value, field: &str, canonical: impl Fn(&str) -> String, salt: &str) -> bool {
    let Some(Value::Object(values)) = object.get_mut(field) else { return false };
    let mut masked = false;
    for (key, value) in values.iter_mut() {
        let canonical = match &*value {
            Value::Null => continue,
            Value::String(there) if is_digest(there) => continue,
            Value::String(there) => canonical(there),
            // Nothing that a server would store; still not ours to show.
            other => other.to_string(),
        };
        *value = Value::String(digest(&format!("{salt}{key}"), &canonical).into());
        masked = true;
    }
    masked
}

fn mask_last_applied(object: &mut Value, salt: &str) -> bool {
    let Some(Value::Object(annotations)) = object.pointer_mut("/metadata/annotations") else { return false };
    let Some(annotation) = annotations.get_mut(LAST_APPLIED) else { return false };
    let last = annotation.as_str().unwrap_or_default().to_owned();
    let Ok(mut manifest @ Value::Object(_)) = serde_json::from_str::<Value>(&last) else {
        if is_digest(&last) {
            return false;
        }
        *annotation = Value::String(digest(LAST_APPLIED, &last).into());
        return true;
    };
    if !mask(&mut manifest, salt) {
        return false;
    }
    let end = if last.ends_with('\n') { "\n" } else { "" };
    *annotation = Value::String(format!("{manifest}{end}").into());
    true
}

fn is_digest(value: &str) -> bool {
    value.len() == DIGEST_IN_BASE64 && value.starts_with(MARK_IN_BASE64)
}

fn digest(salt: &str, value: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(salt.as_bytes());
    hash.update([0]);
    hash.update(value.as_bytes());
    let mut shown = format!("{MARK}:");
    for byte in hash.finalize() {
        write!(shown, "{byte:02x}").expect("a String takes every write");
    }
    base64(shown.as_bytes())
}

pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0_u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for place in 0..4 {
            let six = (bits >> (18 - 6 * place)) & 63;
            out.push(if place <= group.len() { char::from(ALPHABET[six as usize]) } else { '=' });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::object::json;

    #[test]
    fn base64_is_the_standard_one() {
        // RFC 4648, section 10.
        for (plain, coded) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("foobar", "Zm9vYmFy")] {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
        assert_eq!(base64(MARK.as_bytes()), MARK_IN_BASE64);
        assert_eq!(digest("", "").len(), DIGEST_IN_BASE64);
    }

    fn secret(name: &str, value: &str) -> Value {
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": "a"}, "data": {"k": value}})
    }

    #[test]
    fn a_value_gives_one_digest_at_one_place() {
        let (mut one, mut same, mut changed, mut other) =
            (secret("s", "Zm9v"), secret("s", "Zm9v"), secret("s", "Zm9v\n"), secret("t", "Zm9v"));
        assert!(mask_secret(&mut one) && mask_secret(&mut same) && mask_secret(&mut changed) && mask_secret(&mut other));
        assert_eq!(one, same);
        assert_eq!(one["data"], changed["data"], "line ends in base64 mean nothing");
        assert_ne!(one["data"], other["data"]);
        let before = one.clone();
        assert!(!mask_secret(&mut one));
        assert_eq!(one, before, "digests stay as they are");
    }

    #[test]
    fn string_data_gives_the_digest_of_the_data_it_becomes() {
        let (mut stored, mut written) = (secret("s", "Zm9v"), secret("s", "Zm9v"));
        written["data"] = json!({"k": "b2xk"});
        written["stringData"] = json!({"k": "foo"});
        mask_secret(&mut stored);
        mask_secret(&mut written);
        assert_eq!(written, stored);
    }

    #[test]
    fn nothing_of_the_last_manifest_is_left() {
        let mut object = secret("s", "aHVudGVyMg==");
        let last = "{\"apiVersion\":\"v1\",\"data\":{\"k\":\"aHVudGVyMg==\"},\"kind\":\"Secret\",\"metadata\":{\"annotations\":{},\"name\":\"s\",\"namespace\":\"a\"}}\n";
        object["metadata"]["annotations"] = json!({LAST_APPLIED: last});
        mask_secret(&mut object);
        assert!(!object.to_string().contains("aHVudGVyMg"));
        let kept = text(&object, &["metadata", "annotations", LAST_APPLIED]);
        assert_eq!(serde_json::from_str::<Value>(kept).unwrap()["data"], object["data"]);
        assert!(kept.ends_with('\n'));
        object["metadata"]["annotations"] = json!({LAST_APPLIED: "hunter2, not JSON"});
        assert!(mask_secret(&mut object));
        assert!(!object.to_string().contains("hunter2"));
    }

    #[test]
    fn other_kinds_stay() {
        let mut map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "s"}, "data": {"k": "v"}});
        assert!(!mask_secret(&mut map));
        assert_eq!(map["data"]["k"], "v");
    }
}
