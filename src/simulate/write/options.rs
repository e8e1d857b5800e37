//! The query of a write: which values are refused, and whose name the write is under.
//!
//! Follows `apimachinery/pkg/apis/meta/v1/validation` and `endpoints/handlers/create.go:managerOrUserAgent`.

use crate::object::path::FieldPath;
use crate::simulate::{ApiError, Cause, PatchKind, Request, Verb, WriteOptions};

/// The longest field manager, in bytes.
const LONGEST_MANAGER: usize = 128;

/// Refuses options that the server refuses, all of them at once.
pub(super) fn check(request: &Request) -> Result<(), ApiError> {
    let options = &request.options;
    let mut causes = Vec::new();
    let apply = request.verb == Verb::Patch(PatchKind::Apply);
    if !apply && options.force.is_some() && matches!(request.verb, Verb::Patch(_)) {
        causes.push(Cause::forbidden(&FieldPath::new("force"), "may not be specified for non-apply patch"));
    }
    if apply && options.field_manager.is_empty() {
        causes.push(Cause::required(&FieldPath::new("fieldManager"), "is required for apply patch"));
    }
    causes.extend(manager_causes(&options.field_manager));
    if !matches!(options.dry_run.as_str(), "" | "All") {
        let shown = crate::object::json!([options.dry_run]).to_string();
        causes.push(Cause::not_supported(&FieldPath::new("dryRun"), &shown, &["All"]));
    }
    if !matches!(options.field_validation.as_str(), "" | "Ignore" | "Warn" | "Strict") {
        let field = FieldPath::new("fieldValidation");
        let shown = crate::simulate::status::quoted(&options.field_validation);
        causes.push(Cause::not_supported(&field, &shown, &["", "Ignore", "Strict", "Warn"]));
    }
    let kind = match request.verb {
        Verb::Create => "CreateOptions",
        Verb::Update => "UpdateOptions",
        Verb::Patch(_) => "PatchOptions",
        Verb::Delete | Verb::DeleteCollection => "DeleteOptions",
    };
    if causes.is_empty() { Ok(()) } else { Err(ApiError::invalid(&format!("{kind}.meta.k8s.io"), "", causes)) }
}

fn manager_causes(manager: &str) -> Vec<Cause> {
    let field = FieldPath::new("fieldManager");
    let mut causes = Vec::new();
    if manager.len() > LONGEST_MANAGER {
        causes.push(Cause::too_long(&field, LONGEST_MANAGER));
    }
    if let Some((i, c)) = manager.char_indices().find(|(_, c)| !printable(*c)) {
        let shown = crate::simulate::status::quoted(manager);
        causes.push(Cause::invalid(&field, &shown, &format!("invalid character {c:?} (at position {i})")));
    }
    causes
}

/// The manager a write is under: the one it names, else the part of the user agent before the first slash.
pub(super) fn manager(options: &WriteOptions) -> String {
    if !options.field_manager.is_empty() {
        return options.field_manager.clone();
    }
    let prefix: String = options.user_agent.split('/').next().unwrap_or_default().chars().filter(|c| printable(*c)).collect();
    let end = (0..=LONGEST_MANAGER.min(prefix.len())).rev().find(|i| prefix.is_char_boundary(*i)).unwrap_or(0);
    prefix[..end].to_owned()
}

/// Go's `unicode.IsPrint`, near enough for names: no control character, no space but the plain one.
fn printable(c: char) -> bool {
    !c.is_control() && (c == ' ' || !c.is_whitespace())
}
