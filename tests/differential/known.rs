//! Disagreements whose cause is known: they are counted by themselves and make no run fail. The list is meant to be empty.

use crate::ours::Disagreement;

/// A cause, as the tester words it: the kind, and how the rest begins and ends.
pub struct Known {
    kind: &'static str,
    cause: &'static str,
    ends: &'static str,
    /// Why it is so.
    pub why: &'static str,
}

pub const KNOWN: &[Known] = &[Known {
    kind: "PodDisruptionBudget",
    cause: "owners",
    ends: "ours []",
    why: "the disruption controller, which is not simulated, owns the status, so that an object whose writers lost all is still tracked",
}];

/// What is known of a disagreement.
pub fn known(kind: &str, found: &Disagreement) -> Option<&'static Known> {
    KNOWN.iter().find(|k| k.kind == kind && found.cause.starts_with(k.cause) && found.text.ends_with(k.ends))
}
