//! Disagreements whose cause is known: they are counted by themselves and make no run fail. The list is meant to be empty.

/// A cause, as the tester words it: the kind, and how the rest begins.
pub struct Known {
    kind: &'static str,
    cause: &'static str,
    /// Why it is so.
    pub why: &'static str,
}

pub const KNOWN: &[Known] = &[];

/// What is known of a cause.
pub fn known(kind: &str, cause: &str) -> Option<&'static Known> {
    KNOWN.iter().find(|k| k.kind == kind && cause.starts_with(k.cause))
}
