//! What a schema says against a value, with the path to it.
//!
//! Follows structured-merge-diff `typed/helpers.go` (`ValidationErrors`).

use super::PathElement;
use std::fmt;

/// All violations, in the order in which the walk met them. Never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TypeErrors(Vec<(String, String)>);

impl fmt::Display for TypeErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = |(path, message): &(String, String)| match path.as_str() {
            "" => message.clone(),
            path => format!("{path}: {message}"),
        };
        if let [one] = &self.0[..] {
            return f.write_str(&text(one));
        }
        f.write_str("errors:")?;
        self.0.iter().try_for_each(|e| write!(f, "\n  {}", text(e)))
    }
}

impl std::error::Error for TypeErrors {}

/// The way down to where a walk is, and the errors it has met.
#[derive(Default)]
pub(super) struct Trail<'a> {
    path: Vec<PathElement<'a>>,
    errors: Vec<(String, String)>,
}

impl<'a> Trail<'a> {
    pub(super) fn push(&mut self, element: PathElement<'a>) {
        self.path.push(element);
    }

    pub(super) fn pop(&mut self) {
        self.path.pop();
    }

    pub(super) fn error(&mut self, message: String) {
        let path = self.path.iter().map(ToString::to_string).collect();
        self.errors.push((path, message));
    }

    /// The errors, if there were any.
    pub(super) fn finish(self) -> Result<(), TypeErrors> {
        if self.errors.is_empty() { Ok(()) } else { Err(TypeErrors(self.errors)) }
    }
}
