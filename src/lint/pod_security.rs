//! Templates whose pods their namespace would not let in: the workload is stored, and has no pods.

use crate::diagnostic::Diagnostic;
use crate::simulate::pipeline::Run;
use std::collections::BTreeSet;

/// How the server's warning of such a template begins.
const WARNING: &str = "would violate PodSecurity ";

pub(super) fn check(run: &Run) -> Vec<Diagnostic> {
    let mut seen = BTreeSet::new();
    let performed = run.steps.iter().flat_map(|s| &s.performed);
    let warned = performed.flat_map(|p| p.exchanges.iter().flat_map(|(_, r)| &r.warnings).map(move |w| (&p.object, w)));
    let texts = warned.filter_map(|(id, warning)| Some(format!("{id}: its pods violate Pod Security {}", warning.strip_prefix(WARNING)?)));
    let finding =
        |text: String| Diagnostic::warning("pod-security", text).hint("in a fleet, `security = \"hardened\"` or `\"restricted\"` meets it");
    texts.filter(|text| seen.insert(text.clone())).map(finding).collect()
}
