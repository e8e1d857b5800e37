//! The schemas of custom resources: whether they are structural, and which words of OpenAPI they may use.
//!
//! Follows apiextensions-apiserver `pkg/apiserver/schema/validation.go` and `ValidateCustomResourceDefinitionOpenAPISchema` of
//! `pkg/apis/apiextensions/validation/validation.go`. Defaults, patterns and rules are not looked into, nor whether what a nested
//! validation names is there outside of it.

use super::check::{Check, Place};
use super::read::Read;
use crate::object::{Map, Text, Value, json};
use std::collections::BTreeSet;

const TYPES: [&str; 6] = ["array", "boolean", "integer", "number", "object", "string"];
const PRESERVE: &str = "x-kubernetes-preserve-unknown-fields";
const EMBEDDED: &str = "x-kubernetes-embedded-resource";
const INT_OR_STRING: &str = "x-kubernetes-int-or-string";
const LIST_TYPE: &str = "x-kubernetes-list-type";
const LIST_KEYS: &str = "x-kubernetes-list-map-keys";
const MAP_TYPE: &str = "x-kubernetes-map-type";

/// A whole schema. `at` is where its root stands.
pub(super) fn schema(check: &mut Check, schema: &Value, at: &Place) {
    if schema.on("nullable") {
        check.forbidden(&at.child("nullable"), "nullable cannot be true at the root");
    }
    let before = check.count();
    structural(check, schema, Level::Root, at);
    check.causes[before..].sort_by_key(|cause| format!("{}: {}", cause.field, cause.message));
    open_api(check, schema, at, Inside { root: true, meta: false, no_defaults: None });
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Level {
    Root,
    Item,
    Field,
}

/// The properties of a schema, by name.
fn properties(schema: &Value) -> Vec<(&str, &Value)> {
    let mut all: Vec<(&str, &Value)> = schema.entries("properties").collect();
    all.sort_by_key(|(name, _)| *name);
    all
}

/// The schema of a map's values, if it is one.
fn values_of(schema: &Value) -> Option<&Value> {
    schema.field("additionalProperties").filter(|v| v.is_object())
}

fn structural(check: &mut Check, schema: &Value, level: Level, at: &Place) {
    let kind = schema.text("type");
    if kind == "array" && !schema.has("items") {
        check.required(&at.child("items"), "must be specified");
    }
    if let Some(items) = schema.field("items").filter(|i| i.is_object()) {
        structural(check, items, Level::Item, &at.child("items"));
    }
    let properties_at = at.child("properties");
    for (name, inner) in properties(schema) {
        structural(check, inner, Level::Field, &properties_at.key(name));
    }
    if schema.has("additionalProperties") && level == Level::Root {
        check.forbidden(&at.child("additionalProperties"), "must not be used at the root");
    }
    if let Some(values) = values_of(schema) {
        structural(check, values, Level::Field, &at.child("additionalProperties"));
    }
    for other in [PRESERVE, EMBEDDED] {
        if schema.on(INT_OR_STRING) && schema.on(other) {
            check.invalid(&at.child(other), true, "must be false if x-kubernetes-int-or-string is true");
        }
    }
    junctors(check, schema, at);
    typed(check, schema, level, at);
    metadata(check, schema, level, at);
    if schema.on(EMBEDDED) && !schema.on(PRESERVE) && schema.entries("properties").next().is_none() {
        let why = "must not be empty if x-kubernetes-embedded-resource is true without x-kubernetes-preserve-unknown-fields";
        check.required(&properties_at, why);
    }
}

fn typed(check: &mut Check, schema: &Value, level: Level, at: &Place) {
    let (kind, type_at) = (schema.text("type"), at.child("type"));
    if schema.on(EMBEDDED) && kind != "object" {
        let why = "must be object if x-kubernetes-embedded-resource is true";
        if kind.is_empty() { check.required(&type_at, why) } else { check.invalid(&type_at, kind, why) }
    } else if kind.is_empty() && !schema.on(INT_OR_STRING) && !schema.on(PRESERVE) {
        let place = ["at the root", "for specified array items", "for specified object fields"][level as usize];
        check.required(&type_at, &format!("must not be empty {place}"));
    }
    if schema.on(EMBEDDED) && schema.has("additionalProperties") {
        check.forbidden(&at.child("additionalProperties"), "must not be used if x-kubernetes-embedded-resource is set");
    }
    if level == Level::Root && !kind.is_empty() && kind != "object" {
        check.invalid(&type_at, kind, "must be object at the root");
    }
}

/// What a resource has anyway may be said again, and hardly restricted.
fn metadata(check: &mut Check, schema: &Value, level: Level, at: &Place) {
    let is_resource = level == Level::Root || schema.on(EMBEDDED);
    let (own, properties_at) = (schema.part("properties"), at.child("properties"));
    for name in ["kind", "apiVersion"] {
        if let Some(field) = own.field(name).filter(|field| is_resource && field.text("type") != "string") {
            check.invalid(&properties_at.key(name).child("type"), field.text("type"), "must be string");
        }
    }
    let Some(metadata) = own.field("metadata") else { return };
    let metadata_at = properties_at.key("metadata");
    if is_resource && metadata.text("type") != "object" {
        check.invalid(&metadata_at.child("type"), metadata.text("type"), "must be object");
    }
    let names_only = metadata.entries("properties").all(|(name, _)| ["name", "generateName"].contains(&name));
    let said = |(key, value): (&Text, &Value)| match key.as_str() {
        "type" | "default" => false,
        "properties" => !names_only,
        _ => !value.is_null(),
    };
    if level == Level::Root && metadata.as_object().into_iter().flatten().any(said) {
        check.forbidden(&metadata_at, "must not specify anything other than name and generateName, but metadata is implicitly specified");
    }
}

/// Whether alternatives are just those that int-or-string stands for.
fn is_int_or_string(alternatives: &Value) -> bool {
    *alternatives == json!([{"type": "integer"}, {"type": "string"}])
}

fn junctors(check: &mut Check, schema: &Value, at: &Place) {
    let skipped = |list: &str, i: usize, inner: &Value| match list {
        "anyOf" => is_int_or_string(schema.part("anyOf")),
        _ => list == "allOf" && i == 0 && is_int_or_string(inner.part("anyOf")),
    };
    for list in ["anyOf", "allOf", "oneOf"] {
        let list_at = at.child(list);
        for (i, inner) in schema.list(list).iter().enumerate() {
            if list == "anyOf" && skipped(list, i, inner) {
                continue;
            }
            nested(check, inner, skipped(list, i, inner), &list_at.index(i));
        }
    }
    if let Some(not) = schema.field("not") {
        nested(check, not, false, &at.child("not"));
    }
}

/// A validation within a logical junctor: it says nothing of types.
fn nested(check: &mut Check, schema: &Value, skip_any_of: bool, at: &Place) {
    if !skip_any_of {
        junctors(check, schema, at);
    }
    if let Some(items) = schema.field("items").filter(|i| i.is_object()) {
        nested(check, items, false, &at.child("items"));
    }
    let properties_at = at.child("properties");
    for (name, inner) in properties(schema) {
        nested(check, inner, false, &properties_at.key(name));
    }
    for (name, set, why) in [
        ("type", !schema.text("type").is_empty(), "must be empty to be structural"),
        ("additionalProperties", schema.has("additionalProperties"), "must be undefined to be structural"),
        ("default", schema.has("default"), "must be undefined to be structural"),
        ("title", !schema.text("title").is_empty(), "must be empty to be structural"),
        ("description", !schema.text("description").is_empty(), "must be empty to be structural"),
        ("nullable", schema.on("nullable"), "must be false to be structural"),
        (PRESERVE, schema.on(PRESERVE), "must be false to be structural"),
        (EMBEDDED, schema.on(EMBEDDED), "must be false to be structural"),
        (INT_OR_STRING, schema.on(INT_OR_STRING), "must be false to be structural"),
        (LIST_KEYS, !schema.list(LIST_KEYS).is_empty(), "must be empty to be structural"),
        (LIST_TYPE, schema.has(LIST_TYPE), "must be undefined to be structural"),
        (MAP_TYPE, schema.has(MAP_TYPE), "must be undefined to be structural"),
        ("x-kubernetes-validations", !schema.list("x-kubernetes-validations").is_empty(), "must be empty to be structural"),
    ] {
        if set {
            check.forbidden(&at.child(name), why);
        }
    }
    if schema.part("properties").has("metadata") {
        check.forbidden(&properties_at.key("metadata"), "must not be specified in a nested context");
    }
}

/// Where in a resource a schema stands.
#[derive(Clone, Copy)]
struct Inside {
    root: bool,
    meta: bool,
    no_defaults: Option<&'static str>,
}

fn open_api(check: &mut Check, schema: &Value, at: &Place, inside: Inside) {
    unsupported(check, schema, at, inside);
    if schema.on("uniqueItems") {
        let why = "uniqueItems cannot be set to true since the runtime complexity becomes quadratic";
        check.forbidden(&at.child("uniqueItems"), why);
    }
    let below = Inside { root: false, ..inside };
    if let Some(values) = schema.field("additionalProperties") {
        if schema.entries("properties").next().is_some() && *values != true {
            check.forbidden(&at.child("additionalProperties"), "additionalProperties and properties are mutual exclusive");
        }
        if values.is_object() {
            let why = inside.meta.then_some("inside additionalProperties applying to object metadata");
            open_api(check, values, &at.child("additionalProperties"), Inside { no_defaults: why.or(inside.no_defaults), ..below });
        }
    }
    let properties_at = at.child("properties");
    for (name, inner) in properties(schema) {
        let why = match name {
            "metadata" => "in top-level metadata",
            "kind" => "in top-level kind",
            _ => "in top-level apiVersion",
        };
        let of_meta = (inside.root || schema.on(EMBEDDED)) && ["metadata", "kind", "apiVersion"].contains(&name);
        let no_defaults = (of_meta && inside.root).then_some(why).or(inside.no_defaults);
        open_api(check, inner, &properties_at.key(name), Inside { root: false, meta: inside.meta || of_meta, no_defaults });
    }
    if let Some(not) = schema.field("not") {
        open_api(check, not, &at.child("not"), below);
    }
    for list in ["allOf", "oneOf", "anyOf"] {
        let list_at = at.child(list);
        for (i, inner) in schema.list(list).iter().enumerate() {
            open_api(check, inner, &list_at.index(i), below);
        }
    }
    if let Some(items) = schema.field("items").filter(|i| i.is_object()) {
        open_api(check, items, &at.child("items"), below);
    }
    extensions(check, schema, at);
}

fn unsupported(check: &mut Check, schema: &Value, at: &Place, inside: Inside) {
    let kind = schema.text("type");
    if !kind.is_empty() {
        check.one_of(&at.child("type"), kind, &TYPES);
    }
    if let Some(why) = inside.no_defaults.filter(|_| schema.has("default")) {
        check.forbidden(&at.child("default"), &format!("must not be set {why}"));
    }
    for name in ["id", "additionalItems", "patternProperties", "definitions", "dependencies", "$ref"] {
        let empty = schema.part(name).as_object().is_some_and(Map::is_empty) || schema.part(name) == "";
        if schema.has(name) && !empty {
            check.forbidden(&at.child(name), &format!("{name} is not supported"));
        }
    }
    if kind == "null" {
        check.forbidden(&at.child("type"), "type cannot be set to null, use nullable as an alternative");
    }
    if schema.part("items").is_array() {
        check.forbidden(&at.child("items"), "items must be a schema object and not an array");
    }
    if inside.meta && schema.on(EMBEDDED) {
        check.forbidden(&at.child(EMBEDDED), "must not be used inside of resource meta");
    }
}

fn extensions(check: &mut Check, schema: &Value, at: &Place) {
    if schema.flag(PRESERVE) == Some(false) {
        check.invalid(&at.child(PRESERVE), false, "must be true or undefined");
    }
    of_type(check, schema, MAP_TYPE, "object", at);
    if schema.has(MAP_TYPE) {
        check.one_of(&at.child(MAP_TYPE), schema.text(MAP_TYPE), &["atomic", "granular"]);
    }
    of_type(check, schema, LIST_TYPE, "array", at);
    let (items, items_at, list) = (schema.part("items"), at.child("items"), schema.text(LIST_TYPE));
    if list == "set" && schema.text("type") == "array" && items.is_object() {
        let why = "must be atomic as item of a list with x-kubernetes-list-type=set";
        match items.text("type") {
            "array" if items.has(LIST_TYPE) && items.text(LIST_TYPE) != "atomic" => {
                check.invalid(&items_at.child(LIST_TYPE), items.text(LIST_TYPE), why);
            }
            // The server shows the list's type of the item here, which it has none.
            "object" if items.text(MAP_TYPE) != "atomic" => check.invalid(&items_at.child(MAP_TYPE), items.part(LIST_TYPE), why),
            _ => {}
        }
    }
    if schema.has(LIST_TYPE) {
        check.one_of(&at.child(LIST_TYPE), list, &["atomic", "set", "map"]);
    }
    if !schema.list(LIST_KEYS).is_empty() && list != "map" {
        let why = "must be map if x-kubernetes-list-map-keys is non-empty";
        if list.is_empty() { check.required(&at.child(LIST_TYPE), why) } else { check.invalid(&at.child(LIST_TYPE), list, why) }
    }
    if list == "map" {
        keyed(check, schema, items, at);
    }
    if ["set", "map"].contains(&list) && items.on("nullable") {
        check.forbidden(&items_at.child("nullable"), &format!("cannot be nullable when x-kubernetes-list-type is {list}"));
    }
    if list == "map" {
        keys(check, schema, items, &items_at);
    }
}

fn of_type(check: &mut Check, schema: &Value, extension: &str, wanted: &str, at: &Place) {
    let kind = schema.text("type");
    if schema.has(extension) && kind != wanted {
        let why = format!("must be {wanted} if {extension} is specified");
        if kind.is_empty() { check.required(&at.child("type"), &why) } else { check.invalid(&at.child("type"), kind, &why) }
    }
}

/// A list that is a map by keys of its items.
fn keyed(check: &mut Check, schema: &Value, items: &Value, at: &Place) {
    if schema.list(LIST_KEYS).is_empty() {
        check.required(&at.child(LIST_KEYS), "must not be empty if x-kubernetes-list-type is map");
    }
    if !schema.has("items") {
        return check.required(&at.child("items"), "must have a schema if x-kubernetes-list-type is map");
    }
    let (items_at, kind) = (at.child("items"), items.text("type"));
    if items.is_array() {
        return check.invalid(&items_at, items, "must only have a single schema if x-kubernetes-list-type is map");
    }
    if kind != "object" {
        return check.invalid(&items_at.child("type"), kind, "must be object if parent array's x-kubernetes-list-type is map");
    }
    let (mut seen, keys_at) = (BTreeSet::new(), at.child(LIST_KEYS));
    let properties_at = items_at.child("properties");
    for key in schema.texts(LIST_KEYS) {
        match items.part("properties").field(key) {
            None => check.invalid(&keys_at, schema.part(LIST_KEYS), "entries must all be names of item properties"),
            // The server shows the type of the item here.
            Some(property) if ["array", "object"].contains(&property.text("type")) => {
                let why = "must be a scalar type if parent array's x-kubernetes-list-type is map";
                check.invalid(&properties_at.key(key).child("type"), kind, why);
            }
            Some(_) => {}
        }
        if !seen.insert(key) {
            check.invalid(&keys_at, schema.part(LIST_KEYS), "must not contain duplicate entries");
        }
    }
}

/// Every key must be there in each item, or be filled in.
fn keys(check: &mut Check, schema: &Value, items: &Value, items_at: &Place) {
    let properties_at = items_at.child("properties");
    for key in schema.texts(LIST_KEYS) {
        let Some(property) = items.part("properties").field(key) else { continue };
        let at = properties_at.key(key);
        if !items.texts("required").any(|name| name == key) && !property.has("default") {
            let why = "this property is in x-kubernetes-list-map-keys, so it must have a default or be a required property";
            check.required(&at.child("default"), why);
        }
        if property.on("nullable") {
            check.forbidden(&at.child("nullable"), "this property is in x-kubernetes-list-map-keys, so it cannot be nullable");
        }
    }
}
