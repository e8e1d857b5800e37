//! ConfigMaps, Secrets, ServiceAccounts and Namespaces.
//!
//! Follows `ValidateConfigMap`, `ValidateSecret` and others of `pkg/apis/core/validation/validation.go`.

use super::check::{Check, Place};
use super::formats::{config_key, qualified_name};
use super::metadata::{self, Names};
use super::read::Read;
use crate::object::Value;
use crate::object::base64;

/// Most bytes that a ConfigMap or Secret holds.
const MOST: usize = 1024 * 1024;
const FROZEN: &str = "field is immutable when `immutable` is set";

/// A ConfigMap, new or changed.
pub(super) fn config_map(check: &mut Check, new: &Value, old: Option<&Value>) {
    if let Some(old) = old {
        metadata::update(check, new, old);
        frozen(check, new, old, &["data", "binaryData"]);
    }
    metadata::metadata(check, new, true, Names::Subdomain);
    let mut size = 0;
    for (list, decoded) in [("data", false), ("binaryData", true)] {
        let at = Place::root(list);
        for (key, value) in new.pairs(list) {
            check.invalid_each(&at.key(key), key, config_key(key));
            if !decoded && new.part("binaryData").has(key) {
                check.invalid(&at.key(key), key, "duplicate of key present in binaryData");
            }
            size += if decoded { decoded_length(value) } else { value.len() };
        }
    }
    if size > MOST {
        check.too_long(&Place::root("[]"), MOST);
    }
}

fn frozen(check: &mut Check, new: &Value, old: &Value, lists: &[&str]) {
    if !old.on("immutable") {
        return;
    }
    if !new.on("immutable") {
        check.forbidden(&Place::root("immutable"), FROZEN);
    }
    for list in lists {
        // An empty map that was sent is another one than none (`reflect.DeepEqual`).
        if new.field(list) != old.field(list) {
            check.forbidden(&Place::root(list), FROZEN);
        }
    }
}

/// The status of a Namespace, or its finalizers.
pub(super) fn namespace_part(check: &mut Check, new: &Value, subresource: &str) {
    if subresource == "finalize" {
        let spec_at = Place::root("spec");
        let at = spec_at.child("finalizers");
        for (i, name) in new.part("spec").texts("finalizers").enumerate() {
            metadata::standard_finalizer(check, name, &at.index(i));
        }
        return;
    }
    let going = new.part("metadata").has("deletionTimestamp");
    let (wanted, when) = if going { ("Terminating", "not empty") } else { ("Active", "empty") };
    let phase = new.part("status").text("phase");
    if phase != wanted {
        let detail = format!("may only be '{wanted}' if `deletionTimestamp` is {when}");
        check.invalid(&Place::root("status").child("Phase"), phase, &detail);
    }
}

fn decoded_length(text: &str) -> usize {
    let padding = text.bytes().rev().take_while(|b| *b == b'=').count();
    (text.len() / 4 * 3).saturating_sub(padding)
}

/// A Secret, new or changed.
pub(super) fn secret(check: &mut Check, new: &Value, old: Option<&Value>) {
    if let Some(old) = old {
        metadata::update(check, new, old);
        if new.text("type") != old.text("type") {
            check.invalid(&Place::root("type"), new.text("type"), "field is immutable");
        }
        frozen(check, new, old, &["data"]);
    }
    metadata::metadata(check, new, true, Names::Subdomain);
    let (at, mut size) = (Place::root("data"), 0);
    for (key, value) in new.pairs("data") {
        check.invalid_each(&at.key(key), key, config_key(key));
        size += decoded_length(value);
    }
    if size > MOST {
        check.too_long(&at, MOST);
    }
    let data = new.part("data");
    let need = |check: &mut Check, key: &str| {
        if !data.has(key) {
            check.required(&at.key(key), "");
        }
    };
    match new.text("type") {
        "kubernetes.io/service-account-token" => {
            let name = "kubernetes.io/service-account.name";
            if new.part("metadata").part("annotations").text(name).is_empty() {
                check.required(&Place::root("metadata.annotations").key(name), "");
            }
        }
        "kubernetes.io/dockercfg" => docker(check, data, ".dockercfg", &at),
        "kubernetes.io/dockerconfigjson" => docker(check, data, ".dockerconfigjson", &at),
        "kubernetes.io/basic-auth" if !data.has("username") && !data.has("password") => {
            need(check, "username");
            need(check, "password");
        }
        "kubernetes.io/ssh-auth" if data.text("ssh-privatekey").is_empty() => check.required(&at.key("ssh-privatekey"), ""),
        "kubernetes.io/tls" => {
            need(check, "tls.crt");
            need(check, "tls.key");
        }
        _ => {}
    }
}

/// Credentials of registries must be a JSON object; what is wrong with it is said, and nothing of it shown.
fn docker(check: &mut Check, data: &Value, key: &str, at: &Place) {
    let Some(text) = data.field(key).and_then(Value::as_str) else { return check.required(&at.key(key), "") };
    let bytes = base64::decode(text).unwrap_or_default();
    let why = match serde_json::from_slice::<Value>(&bytes) {
        Ok(Value::Object(_) | Value::Null) => return,
        Ok(Value::Array(_)) => "json: cannot unmarshal array into Go value of type map[string]interface {}".to_owned(),
        Ok(Value::String(_)) => "json: cannot unmarshal string into Go value of type map[string]interface {}".to_owned(),
        Ok(Value::Bool(_)) => "json: cannot unmarshal bool into Go value of type map[string]interface {}".to_owned(),
        Ok(Value::Number(_)) => "json: cannot unmarshal number into Go value of type map[string]interface {}".to_owned(),
        Err(_) if bytes.is_empty() => "unexpected end of JSON input".to_owned(),
        Err(error) if error.is_eof() => "unexpected end of JSON input".to_owned(),
        Err(_) => match bytes.iter().find(|b| !b.is_ascii_whitespace()) {
            Some(first) => format!("invalid character '{}' looking for beginning of value", char::from(*first)),
            None => "unexpected end of JSON input".to_owned(),
        },
    };
    check.invalid(&at.key(key), "<secret contents redacted>", &why);
}

/// A ServiceAccount, new or changed.
pub(super) fn service_account(check: &mut Check, new: &Value, old: Option<&Value>) {
    if let Some(old) = old {
        metadata::update(check, new, old);
    }
    metadata::metadata(check, new, true, Names::Subdomain);
}

/// A Namespace, new or changed.
pub(super) fn namespace(check: &mut Check, new: &Value, old: Option<&Value>) {
    metadata::metadata(check, new, false, Names::Label);
    let at = Place::root("spec.finalizers");
    for name in new.part("spec").texts("finalizers") {
        check.invalid_each(&at, name, qualified_name(check.version(), name));
        metadata::standard_finalizer(check, name, &at);
    }
    if let Some(old) = old {
        metadata::update(check, new, old);
    }
}
