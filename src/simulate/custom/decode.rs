//! What the server keeps of a custom resource that a client sent: metadata as of any object, known fields, no pointless nulls.
//!
//! Follows apiextensions-apiserver `pkg/apiserver/customresource_handler.go:unstructuredSchemaCoercer` and
//! `pkg/apiserver/schema/{pruning,defaulting,objectmeta}`.

use super::defaulting::{self, property};
use super::{Definition, structural};
use crate::object::{Text, Value, map_at};
use crate::schema::{Schema, decode};

const META_FIELDS: [&str; 3] = ["apiVersion", "kind", "metadata"];

/// A decoded object, and the fields of it that nobody knows.
#[derive(Debug)]
pub struct Decoded {
    /// The object, defaulted.
    pub value: Value,
    /// Paths of unknown fields.
    pub unknown: Vec<String>,
}

impl Definition {
    /// Decodes an object of this version.
    ///
    /// # Errors
    /// Why its metadata, or that of an object within it, is none.
    pub fn decode(&self, schema: &Schema, sent: &Value) -> Result<Decoded, String> {
        let mut decoded = self.coerced(schema, sent, self.schema())?;
        defaulting::fill(&mut decoded.value, self.schema());
        Ok(decoded)
    }

    /// The object as it is read back from the storage, where it stands in the version that the definition stores.
    pub fn as_stored(&self, schema: &Schema, object: &Value) -> Option<Value> {
        let (own, stored) = (self.schema(), self.stored_schema());
        let mut value = self.coerced(schema, object, stored).ok()?.value;
        defaulting::fill(&mut value, stored);
        if std::ptr::eq(own, stored) { Some(value) } else { self.coerced(schema, &value, own).ok().map(|d| d.value) }
    }

    fn coerced(&self, schema: &Schema, sent: &Value, root: &Value) -> Result<Decoded, String> {
        let mut value = sent.clone();
        whole_numbers(&mut value);
        let mut unknown = Vec::new();
        if let Some(metadata) = value.get_mut("metadata") {
            unknown.extend(decode_metadata(schema, metadata, "metadata")?);
        }
        if !self.preserve {
            let mut lost = Vec::new();
            prune(&mut value, Some(root), true, &mut String::new(), &mut lost);
            lost.sort();
            unknown.extend(lost);
            drop_nulls(&mut value, root);
        }
        let mut lost = Vec::new();
        coerce(schema, &mut value, root, "", &mut lost)?;
        lost.sort();
        unknown.extend(lost);
        Ok(Decoded { value, unknown })
    }

    /// Fills in the defaults that the schema states.
    pub fn fill_defaults(&self, object: &mut Value) {
        defaulting::fill(object, self.schema());
    }

    /// The object as it reads in this version: without a webhook, versions differ in what they keep.
    pub fn converted_from(&self, schema: &Schema, stored: &Value) -> Option<Value> {
        let mut value = stored.clone();
        map_at(&mut value, &[]).insert("apiVersion".into(), format!("{}/{}", self.resource.group, self.resource.version).into());
        self.coerced(schema, &value, self.schema()).ok().map(|decoded| decoded.value)
    }
}

/// Go writes a float that is whole without a fraction.
fn whole_numbers(value: &mut Value) {
    match value {
        Value::Number(n) if n.is_f64() => {
            if let Some(whole) = n.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15) {
                *value = (whole as i64).into();
            }
        }
        Value::Array(list) => list.iter_mut().for_each(whole_numbers),
        Value::Object(map) => map.values_mut().for_each(whole_numbers),
        _ => {}
    }
}

/// Puts metadata through its Go type; gives the fields that it does not have.
fn decode_metadata(schema: &Schema, metadata: &mut Value, path: &str) -> Result<Vec<String>, String> {
    let Some(ty) = structural::object_meta(schema) else { return Ok(Vec::new()) };
    let decoded = decode::decode(schema, &ty, metadata).map_err(|e| e.message)?;
    *metadata = decoded.value;
    Ok(decoded.unknown.into_iter().map(|name| format!("{path}.{name}")).collect())
}

/// Takes out what the schema does not name. `root` and embedded objects have metadata, whatever the schema says.
fn prune(value: &mut Value, schema: Option<&Value>, root: bool, path: &mut String, lost: &mut Vec<String>) {
    let at = path.len();
    let keeps = schema.is_some_and(|s| s["x-kubernetes-preserve-unknown-fields"] == true);
    let embedded = root || schema.is_some_and(|s| s["x-kubernetes-embedded-resource"] == true);
    match value {
        Value::Object(map) => {
            let mut gone = Vec::new();
            for (name, value) in map.iter_mut() {
                if schema.is_some() && embedded && META_FIELDS.contains(&name.as_str()) {
                    continue;
                }
                let known = schema.and_then(|s| s["properties"].get(name));
                let open = schema.and_then(|s| s.get("additionalProperties")).filter(|a| **a != false);
                let inner = known.or_else(|| open.filter(|a| a.is_object()));
                push_key(path, name);
                if known.is_some() || open.is_some() {
                    prune(value, inner, false, path, lost);
                } else if !keeps {
                    lost.push(path.clone());
                    gone.push(name.clone());
                }
                path.truncate(at);
            }
            for name in gone {
                map.shift_remove(&name);
            }
        }
        Value::Array(list) => {
            let item = schema.and_then(|s| s.get("items"));
            for (i, value) in list.iter_mut().enumerate() {
                path.push_str(&format!("[{i}]"));
                // Below a list whose schema keeps unknown fields and names no items, everything is kept.
                if item.is_some() || !keeps {
                    prune(value, item, false, path, lost);
                }
                path.truncate(at);
            }
        }
        _ => {}
    }
}

fn push_key(path: &mut String, name: &str) {
    if !path.is_empty() {
        path.push('.');
    }
    path.push_str(name);
}

/// Takes out nulls that are neither allowed nor about to become a default.
fn drop_nulls(value: &mut Value, schema: &Value) {
    match value {
        Value::Object(map) => {
            let pointless = |name: &str, value: &Value| {
                let inner = property(schema, name);
                value.is_null() && inner.is_object() && inner["nullable"] != true && inner.get("default").is_none()
            };
            let gone: Vec<Text> = map.iter().filter(|(name, value)| pointless(name, value)).map(|(name, _)| name.clone()).collect();
            for name in gone {
                map.shift_remove(&name);
            }
            map.iter_mut().for_each(|(name, value)| drop_nulls(value, property(schema, name)));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| drop_nulls(value, &schema["items"])),
        _ => {}
    }
}

/// Puts the metadata of embedded objects through its type.
fn coerce(schema: &Schema, value: &mut Value, node: &Value, path: &str, lost: &mut Vec<String>) -> Result<(), String> {
    if !node.is_object() {
        return Ok(());
    }
    match value {
        Value::Object(map) => {
            let embedded = node["x-kubernetes-embedded-resource"] == true;
            for (name, value) in map.iter_mut() {
                let here = if path.is_empty() { name.to_string() } else { format!("{path}.{name}") };
                match name.as_str() {
                    "apiVersion" | "kind" if embedded && !value.is_string() => {
                        return Err(format!("{here}: Invalid value: {}: must be a string", crate::simulate::status::shown(value)));
                    }
                    "metadata" if embedded => {
                        let shown = crate::object::sorted_json(value);
                        let fields =
                            decode_metadata(schema, value, &here).map_err(|why| format!("{here}: Invalid value: {shown}: {why}"))?;
                        lost.extend(fields);
                    }
                    _ => coerce(schema, value, property(node, name), &here, lost)?,
                }
            }
        }
        Value::Array(list) => {
            for (i, value) in list.iter_mut().enumerate() {
                coerce(schema, value, &node["items"], &format!("{path}[{i}]"), lost)?;
            }
        }
        _ => {}
    }
    Ok(())
}
