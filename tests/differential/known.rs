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
        of: |kind, found| kind == "Service" && found.cause.starts_with("owners") && found.text.contains("f:internalTrafficPolicy"),
        why: "of a Service that became an ExternalName the server keeps the traffic policy in the storage and hides it when it is read",
    },
    Known {
        of: |kind, found| kind == "HorizontalPodAutoscaler" && found.text.contains("must populate the given metric source only"),
        why: "the server goes through the sources of a metric in the order of a Go map, which is another one each time",
    },
    Known {
        of: |kind, found| kind == "PodDisruptionBudget" && found.cause.starts_with("owners") && found.text.ends_with("ours []"),
        why: "the disruption controller, which is not simulated, owns the status, so that an object whose writers lost all is still tracked",
    },
];

/// What is known of a disagreement.
pub fn known(kind: &str, found: &Disagreement) -> Option<&'static Known> {
    KNOWN.iter().find(|k| (k.of)(kind, found))
}
