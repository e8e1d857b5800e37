//! What stands in a version of a CustomResourceDefinition: schema, subresources, columns, selectable fields; and conversion.
//!
//! Follows apiextensions-apiserver `pkg/apis/apiextensions/validation/validation.go`. What all versions have in common the server
//! holds once, for the definition (`v1/conversion.go`), and errors name it there.

use super::check::{Check, Place};
use super::formats::dns_1035_label;
use super::read::Read;
use super::schemas;
use crate::object::{Value, map_at};

const AT: Place<'static> = Place::root("spec");
const COLUMN_TYPES: [&str; 5] = ["boolean", "date", "integer", "number", "string"];
const COLUMN_FORMATS: [&str; 8] = ["byte", "date", "date-time", "double", "float", "int32", "int64", "password"];

/// The parts of a version.
const PARTS: [&str; 4] = ["schema", "subresources", "additionalPrinterColumns", "selectableFields"];

/// Which parts all versions have in common, and the version that they are taken from.
pub(super) struct Shared<'s> {
    parts: Vec<&'static str>,
    first: &'s Value,
}

impl<'s> Shared<'s> {
    pub(super) fn of(spec: &'s Value) -> Self {
        let versions = spec.list("versions");
        let first = versions.first().unwrap_or(&Value::Null);
        let parts = PARTS.into_iter().filter(|part| versions.iter().all(|v| v.part(part) == first.part(part))).collect();
        Self { parts, first }
    }

    /// The versions as the server holds them.
    pub(super) fn without(&self, versions: &[Value]) -> Vec<Value> {
        let mut versions = versions.to_vec();
        for version in &mut versions {
            self.parts.iter().for_each(|part| drop(map_at(version, &[]).shift_remove(part)));
        }
        versions
    }

    /// What all versions have in common.
    pub(super) fn check(&self, check: &mut Check, spec: &Value) {
        for part in PARTS.into_iter().filter(|part| self.parts.contains(part)) {
            let name = if part == "schema" { "validation" } else { part };
            // Anybody's status counts for the schema of all.
            let status = spec.list("versions").iter().any(|v| v.part("subresources").has("status"));
            one(check, part, self.first, status, &AT.child(name));
        }
    }

    /// What a version has of its own.
    pub(super) fn check_version(&self, check: &mut Check, version: &Value, at: &Place) {
        deprecation(check, version, &at.child("deprecationWarning"));
        for part in PARTS.into_iter().filter(|part| !self.parts.contains(part)) {
            one(check, part, version, version.part("subresources").has("status"), &at.child(part));
        }
    }
}

fn one(check: &mut Check, part: &str, version: &Value, status: bool, at: &Place) {
    let own = version.part(part);
    match part {
        "schema" => {
            let (schema, schema_at) = (own.part("openAPIV3Schema"), at.child("openAPIV3Schema"));
            if schema.is_object() {
                if status && schema.text("type") != "object" {
                    let why = "only \"object\" is allowed as the type at the root of the schema if the status subresource is enabled";
                    check.invalid(&at.child("openAPIV3Schema.type"), schema.text("type"), why);
                }
                schemas::schema(check, schema, &schema_at);
            }
        }
        "subresources" => scale(check, own.part("scale"), at),
        "additionalPrinterColumns" => {
            own.as_array().into_iter().flatten().enumerate().for_each(|(i, own)| column(check, own, &at.index(i)));
        }
        _ => selectable(check, own, version.part("schema").part("openAPIV3Schema"), at),
    }
}

fn deprecation(check: &mut Check, version: &Value, at: &Place) {
    let Some(warning) = version.field("deprecationWarning").and_then(Value::as_str) else { return };
    if !version.on("deprecated") {
        return check.invalid(at, warning, "can only be set for deprecated versions");
    }
    if warning.len() > 256 {
        check.invalid(at, warning, "must be <= 256 characters long");
    }
    if warning.is_empty() {
        check.invalid(at, warning, "must not be an empty string");
    }
    if let Some((i, _)) = warning.char_indices().find(|(_, c)| c.is_control()) {
        let detail = format!("must only contain printable UTF-8 characters; non-printable character found at index {i}");
        check.invalid(at, warning, &detail);
    }
}

fn path(check: &mut Check, path: &str, at: &Place) -> bool {
    if path.is_empty() {
        check.required(at, "");
    } else if !path.starts_with('.') {
        check.invalid(at, path, "must be a simple json path starting with .");
    }
    path.starts_with('.')
}

fn scale(check: &mut Check, scale: &Value, at: &Place) {
    if !scale.is_object() {
        return;
    }
    let scale_at = at.child("scale");
    for (name, under) in [("specReplicasPath", ".spec"), ("statusReplicasPath", ".status")] {
        let (own, own_at) = (scale.text(name), scale_at.child(name));
        if path(check, own, &own_at) && !own.starts_with(&format!("{under}.")) {
            check.invalid(&own_at, own, &format!("should be a json path under {under}"));
        }
    }
    let (own, own_at) = (scale.text("labelSelectorPath"), scale_at.child("labelSelectorPath"));
    if !own.is_empty() && path(check, own, &own_at) && !own.starts_with(".spec.") && !own.starts_with(".status.") {
        check.invalid(&own_at, own, "should be a json path under either .spec or .status");
    }
}

fn column(check: &mut Check, column: &Value, at: &Place) {
    check.filled(column.text("name"), &at.child("name"));
    let (kind, must) = (column.text("type"), format!("must be one of {}", COLUMN_TYPES.join(",")));
    if kind.is_empty() {
        check.required(&at.child("type"), &must);
    } else if !COLUMN_TYPES.contains(&kind) {
        check.invalid(&at.child("type"), kind, &must);
    }
    let format = column.text("format");
    if !format.is_empty() && !COLUMN_FORMATS.contains(&format) {
        check.invalid(&at.child("format"), format, &format!("must be one of {}", COLUMN_FORMATS.join(",")));
    }
    path(check, column.text("jsonPath"), &at.child("JSONPath"));
}

fn selectable(check: &mut Check, fields: &Value, schema: &Value, at: &Place) {
    let mut seen = Vec::new();
    for (i, field) in fields.as_array().into_iter().flatten().enumerate() {
        let (own, item) = (field.text("jsonPath"), at.index(i));
        let own_at = item.child("jsonPath");
        if own.is_empty() {
            check.required(&own_at, "");
            continue;
        }
        let steps = own.trim_start_matches('.').split('.');
        let found = steps.clone().try_fold(schema, |schema, step| schema.part("properties").field(step));
        let Some(found) = found else {
            check.invalid(&own_at, own, "is an invalid path: does not refer to a valid field");
            continue;
        };
        if steps.clone().next() == Some("metadata") {
            check.invalid(&own_at, own, "must not point to fields in metadata");
        }
        if !["string", "boolean", "integer"].contains(&found.text("type")) {
            let why = "must point to a field of type string, boolean or integer. Enum string fields and strings with formats are allowed.";
            check.invalid(&own_at, own, why);
        }
        if seen.contains(&own) {
            check.duplicate(&own_at, own);
        }
        seen.push(own);
    }
}

/// How objects become those of another version. In v1 the webhook's parts stand together; the server names them one by one.
pub(super) fn conversion(check: &mut Check, conversion: &Value, at: &Place) {
    if !conversion.is_object() {
        return;
    }
    let strategy = conversion.text("strategy");
    let (webhook, client_at) = (conversion.part("webhook"), at.child("webhookClientConfig"));
    let versions_at = at.child("conversionReviewVersions");
    if check.filled(strategy, &at.child("strategy")) {
        check.one_of(&at.child("strategy"), strategy, &["None", "Webhook"]);
    }
    if strategy != "Webhook" {
        let why = "should not be set when strategy is not set to Webhook";
        if webhook.has("clientConfig") {
            check.forbidden(&client_at, why);
        }
        if !webhook.list("conversionReviewVersions").is_empty() {
            check.forbidden(&versions_at, why);
        }
        return;
    }
    match webhook.field("clientConfig") {
        None => check.required(&client_at, "required when strategy is set to Webhook"),
        Some(config) if config.has("url") == config.has("service") => {
            check.required(&client_at, "exactly one of url or service is required");
        }
        Some(_) => {}
    }
    let versions: Vec<&str> = webhook.texts("conversionReviewVersions").collect();
    if versions.is_empty() {
        return check.required(&versions_at, "");
    }
    for (i, version) in versions.iter().enumerate() {
        if versions[..i].contains(version) {
            check.invalid(&versions_at.index(i), *version, "duplicate version");
        } else {
            check.invalid_each(&versions_at.index(i), version, dns_1035_label(version));
        }
    }
    if !versions.iter().any(|v| ["v1", "v1beta1"].contains(v)) {
        check.invalid(&versions_at, webhook.part("conversionReviewVersions"), "must include at least one of v1, v1beta1");
    }
}
