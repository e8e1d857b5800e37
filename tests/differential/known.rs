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
        of: |kind, found| kind == "HorizontalPodAutoscaler" && found.text.contains("must populate the given metric source only"),
        why: "the server goes through the sources of a metric in the order of a Go map, which is another one each time",
    },
    Known {
        of: |kind, found| {
            let there_again = found.text.contains(r#".kind: expected "ClusterRole", ours null"#);
            kind == "ClusterRole" && (there_again || found.text.contains("already exists, ours 201"))
        },
        why: "the aggregation controller applies whenever a role changes, and so makes one again that was just deleted: see aggregated.py",
    },
];

/// What is known of a disagreement.
pub fn known(kind: &str, found: &Disagreement) -> Option<&'static Known> {
    KNOWN.iter().find(|k| (k.of)(kind, found))
}
