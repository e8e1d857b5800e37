//! What a schema says against a value, with the path to it.
//!
//! Follows structured-merge-diff `typed/helpers.go` (`ValidationErrors`).

use super::{ListShape, PathElement, item_element};
use crate::object::Value;
use crate::schema::Schema;
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

/// A step of the way; the element of an item that has one is only worked out for an error.
enum Step<'a> {
    Element(PathElement<'a>),
    Item(&'a Schema, ListShape<'a>, &'a Value),
}

impl Step<'_> {
    fn text(&self) -> String {
        match self {
            Self::Element(element) => element.to_string(),
            Self::Item(schema, list, item) => item_element(schema, *list, item).map(|e| e.to_string()).unwrap_or_default(),
        }
    }
}

/// The way down to where a walk is, and the errors it has met.
#[derive(Default)]
pub(super) struct Trail<'a> {
    path: Vec<Step<'a>>,
    errors: Vec<(String, String)>,
}

impl<'a> Trail<'a> {
    pub(super) fn push(&mut self, element: PathElement<'a>) {
        self.path.push(Step::Element(element));
    }

    pub(super) fn push_item(&mut self, schema: &'a Schema, list: ListShape<'a>, item: &'a Value) {
        self.path.push(Step::Item(schema, list, item));
    }

    pub(super) fn pop(&mut self) {
        self.path.pop();
    }

    pub(super) fn error(&mut self, message: String) {
        let path = self.path.iter().map(Step::text).collect();
        self.errors.push((path, message));
    }

    /// How many errors there were so far.
    pub(super) fn errors(&self) -> usize {
        self.errors.len()
    }

    /// The errors, if there were any.
    pub(super) fn finish(self) -> Result<(), TypeErrors> {
        if self.errors.is_empty() { Ok(()) } else { Err(TypeErrors(self.errors)) }
    }
}
