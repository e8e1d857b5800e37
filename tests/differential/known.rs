//! Disagreements whose cause is known: they are counted by themselves and make no run fail. The list is meant to be empty.

use crate::ours::Disagreement;

/// A cause.
pub struct Known {
    /// Which disagreements about which kind are of it.
    of: fn(&str, &Disagreement) -> bool,
    /// Why it is so.
    pub why: &'static str,
}

pub const KNOWN: &[Known] = &[
    Known {
        of: |kind, found| kind == "PodDisruptionBudget" && found.cause.starts_with("owners") && found.text.ends_with("ours []"),
        why: "the disruption controller, which is not simulated, owns the status, so that an object whose writers lost all is still tracked",
    },
    Known {
        of: |_, found| found.cause.starts_with("message") && differs_in_the_told_patch(&found.text),
        why: "a refused strategic patch is told as the merge left it, without lists that came with their order",
    },
];

/// What is known of a disagreement.
pub fn known(kind: &str, found: &Disagreement) -> Option<&'static Known> {
    KNOWN.iter().find(|k| (k.of)(kind, found))
}

/// Whether two refusals differ in nothing but the patch that they show.
fn differs_in_the_told_patch(text: &str) -> bool {
    let reasons: Vec<&str> = text
        .lines()
        .filter_map(|line| line.split_once(r#"is invalid: patch: Invalid value: "map["#))
        .filter_map(|(_, rest)| rest.rsplit_once(r#"]": "#))
        .map(|(_, why)| why)
        .collect();
    matches!(reasons[..], [theirs, ours] if theirs == ours) && text.contains("$setElementOrder")
}
