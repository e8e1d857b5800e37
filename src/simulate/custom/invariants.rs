//! What is wrong with a custom resource: its metadata, its schema, its replicas, the objects within it, its sets and keyed lists.
//!
//! Follows apiextensions-apiserver `pkg/registry/customresource/{strategy,status_strategy,validator}.go` and
//! `pkg/apiserver/schema/{listtype,objectmeta}/validation.go`.

use super::defaulting::property;
use super::replicas::find;
use super::{Definition, Replicas, validation};
use crate::apply::go_format::go_type;
use crate::object::{Value, items, path::FieldPath, sorted_json, text};
use crate::simulate::status::{Cause, quoted, shown};
use crate::simulate::validate::{self, Context};

/// Errors that keep the server from evaluating rules.
const BLOCKING: [&str; 5] =
    ["FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTooMany", "FieldValueTypeInvalid"];

impl Definition {
    /// What is wrong with a new object.
    pub fn wrong_at_creation(&self, context: &Context, object: &Value) -> Vec<Cause> {
        let wrong_type = wrong_type(context, object);
        if !wrong_type.is_empty() {
            return wrong_type;
        }
        let mut causes = validate::custom_metadata(context, object);
        causes.extend(validation::causes(self.schema(), object, None, ""));
        self.replicas_in(object, true, &mut causes);
        embedded(context, self.schema(), object, "", &mut causes);
        causes.extend(lists(self.schema(), object));
        self.rules_not_checked(&mut causes);
        if causes.is_empty() { validate::create(context, object) } else { causes }
    }

    /// What is wrong with an object that was `old`.
    pub fn wrong_at_update(&self, context: &Context, new: &Value, old: &Value, subresource: &str) -> Vec<Cause> {
        let mut causes = validate::update(context, new, old, "status");
        let wrong_type = wrong_type(context, new);
        if !wrong_type.is_empty() {
            causes.extend(wrong_type);
            return causes;
        }
        if subresource == "status" {
            let schema = &self.schema()["properties"]["status"];
            if let Some(status) = new.get("status").filter(|_| schema.is_object()) {
                causes.extend(validation::causes(schema, status, old.get("status"), "status"));
            }
        } else {
            causes.extend(validation::causes(self.schema(), new, Some(old), ""));
        }
        self.replicas_in(new, subresource != "status", &mut causes);
        if subresource != "status" {
            embedded(context, self.schema(), new, "", &mut causes);
        }
        if lists(self.schema(), old).is_empty() {
            causes.extend(lists(self.schema(), new));
        }
        self.rules_not_checked(&mut causes);
        causes
    }

    fn rules_not_checked(&self, causes: &mut Vec<Cause>) {
        if causes.iter().any(|c| BLOCKING.contains(&c.reason)) && self.has_rules() {
            let why =
                "some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";
            causes.push(Cause::invalid(&FieldPath::new("<nil>"), "null", why));
        }
    }

    fn replicas_in(&self, object: &Value, spec: bool, causes: &mut Vec<Cause>) {
        let Some(Replicas { spec: in_spec, status, selector }) = &self.scale else { return };
        let mut count = |path: &[String]| {
            let at = FieldPath::new(&format!(".{}", path.join(".")));
            match number(object, path) {
                Err(why) => causes.push(Cause::invalid(&at, "0", &why)),
                Ok(n) if n < 0 => causes.push(Cause::invalid(&at, &n.to_string(), "should be a non-negative integer")),
                Ok(n) if n > i64::from(i32::MAX) => {
                    causes.push(Cause::invalid(&at, &n.to_string(), &format!("should be less than or equal to {}", i32::MAX)));
                }
                Ok(_) => {}
            }
        };
        if spec {
            count(in_spec);
        }
        count(status);
        if let Some(path) = selector
            && let Some(value) = find(object, path).filter(|v| !v.is_string())
        {
            let why = format!(".{} accessor error: {value} is of the type {}, expected string", path.join("."), go_type(value));
            causes.push(Cause::invalid(&FieldPath::new(&format!(".{}", path.join("."))), "\"\"", &why));
        }
    }
}

/// An object must be of the kind and the version that it was sent as.
fn wrong_type(context: &Context, object: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    for (key, wanted) in [("kind", context.gvk.kind.clone()), ("apiVersion", context.gvk.api_version().into())] {
        let told = text(object, &[key]);
        if told != wanted {
            causes.push(Cause::invalid(&FieldPath::new(key), &quoted(told), &format!("must be {wanted}")));
        }
    }
    causes
}

fn number(object: &Value, path: &[String]) -> Result<i64, String> {
    match find(object, path) {
        None => Ok(0),
        Some(value) => value.as_i64().ok_or_else(|| {
            format!(".{} accessor error: {} is of the type {}, expected int64", path.join("."), go_text(value), go_type(value))
        }),
    }
}

fn go_text(value: &Value) -> String {
    match value {
        Value::Null => "<nil>".into(),
        Value::String(text) => text.as_str().into(),
        other => other.to_string(),
    }
}

fn below(at: &str, name: &str) -> String {
    if at.is_empty() { name.to_owned() } else { format!("{at}.{name}") }
}

/// Objects within the object must have a kind and good metadata.
fn embedded(context: &Context, schema: &Value, value: &Value, at: &str, causes: &mut Vec<Cause>) {
    match value {
        Value::Object(map) => {
            if schema["x-kubernetes-embedded-resource"] == true {
                one_embedded(context, value, at, causes);
            }
            for (name, value) in map {
                let inner = property(schema, name);
                if inner.is_object() {
                    let key = if schema["properties"].get(name).is_some() { below(at, name) } else { format!("{at}[{name}]") };
                    embedded(context, inner, value, &key, causes);
                }
            }
        }
        Value::Array(list) if schema["items"].is_object() => {
            for (i, value) in list.iter().enumerate() {
                embedded(context, &schema["items"], value, &format!("{at}[{i}]"), causes);
            }
        }
        _ => {}
    }
}

fn one_embedded(context: &Context, object: &Value, at: &str, causes: &mut Vec<Cause>) {
    let field = |name: &str| FieldPath::new(&below(at, name));
    for name in ["apiVersion", "kind"] {
        if object.get(name).is_none() {
            causes.push(Cause::required(&field(name), ""));
        }
    }
    if let Some(version) = object.get("apiVersion") {
        let told = version.as_str().unwrap_or_default();
        if told.is_empty() {
            causes.push(Cause::invalid(&field("apiVersion"), &shown(version), "must not be empty"));
        } else if told.matches('/').count() > 1 {
            causes.push(Cause::invalid(&field("apiVersion"), &quoted(told), &format!("unexpected GroupVersion string: {told}")));
        }
    }
    if let Some(kind) = object.get("kind") {
        let told = kind.as_str().unwrap_or_default();
        let wrong = validate::wrong_label_1035(&told.to_lowercase());
        if told.is_empty() {
            causes.push(Cause::invalid(&field("kind"), &shown(kind), "must not be empty"));
        } else if !wrong.is_empty() {
            let why = format!("may have mixed case, but should otherwise match: {}", wrong.join(","));
            causes.push(Cause::invalid(&field("kind"), &quoted(told), &why));
        }
    }
    if object["metadata"].is_object() {
        let inner = validate::embedded_metadata(context, object);
        causes.extend(inner.into_iter().map(|c| Cause { field: below(at, &c.field), ..c }));
    }
}

/// Sets hold nothing twice, and keyed lists no key.
fn lists(schema: &Value, value: &Value) -> Vec<Cause> {
    let mut causes = Vec::new();
    lists_below(schema, value, "", &mut causes);
    causes
}

fn lists_below(schema: &Value, value: &Value, at: &str, causes: &mut Vec<Cause>) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                if let Some(inner) = schema["properties"].get(name) {
                    lists_below(inner, value, &below(at, name), causes);
                } else if schema["additionalProperties"].is_object() {
                    lists_below(&schema["additionalProperties"], value, &format!("{at}[{name}]"), causes);
                }
            }
        }
        Value::Array(list) => {
            match text(schema, &["x-kubernetes-list-type"]) {
                "set" => duplicates(list, at, causes),
                "map" => keyed(schema, list, at, causes),
                _ => {}
            }
            if schema["items"].is_object() {
                for (i, item) in list.iter().enumerate() {
                    lists_below(&schema["items"], item, &format!("{at}[{i}]"), causes);
                }
            }
        }
        _ => {}
    }
}

fn keyed(schema: &Value, list: &[Value], at: &str, causes: &mut Vec<Cause>) {
    if let Some((i, other)) = list.iter().enumerate().find(|(_, item)| !item.is_null() && !item.is_object()) {
        let field = FieldPath::new(&format!("{at}[{i}]"));
        causes.push(Cause::invalid(&field, &shown(other), "must be an object for an array of list-type map"));
        return;
    }
    let names = items(schema, &["x-kubernetes-list-map-keys"]);
    let key = |item: &Value| {
        let pairs = names.iter().filter_map(Value::as_str).filter_map(|name| Some((name.to_owned(), item.get(name)?.clone())));
        Value::Object(pairs.collect())
    };
    duplicates(&list.iter().map(key).collect::<Vec<_>>(), at, causes);
}

/// Each value that stands there a second time; not again for a third.
fn duplicates(list: &[Value], at: &str, causes: &mut Vec<Cause>) {
    for (i, value) in list.iter().enumerate() {
        if list[..i].iter().filter(|other| *other == value).count() == 1 {
            let text = if value.is_string() { shown(value) } else { sorted_json(value) };
            causes.push(Cause::duplicate(&FieldPath::new(&format!("{at}[{i}]")), &text));
        }
    }
}
