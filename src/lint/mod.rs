//! Findings: what a reviewer who knows Kubernetes would say about the manifests, the pipeline and its refusals.
//!
//! Each rule is a function that gives diagnostics; each code is explained in [`codes`].

pub mod codes;
mod config;
mod disruption;
mod images;
mod memory;
mod pipeline;
mod pod_security;
mod references;
mod refusals;
mod secrets;
mod volumes;

use crate::diagnostic::Diagnostic;
use crate::fleet::images::TagRules;
use crate::object::Value;
use crate::roll::Judged;
use crate::simulate::pipeline::Run;

/// All findings on a run, manifests first. `rules` says which tags move.
pub fn findings(manifests: &[Value], run: &Run, judged: &[Judged], rules: &TagRules) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for manifest in manifests {
        found.extend(volumes::check(manifest, run));
        found.extend(images::check(manifest, rules));
        found.extend(secrets::check(manifest));
        found.extend(memory::check(manifest));
    }
    found.extend(disruption::check(manifests));
    found.extend(pipeline::check(run, judged));
    found.extend(pod_security::check(run));
    found.extend(config::check(run, judged));
    found.extend(refusals::check(run));
    found
}

/// What the pods that a run starts need and the cluster does not have. Only of a state that says which kinds were read; `unknown`
/// says of a group, a kind and a namespace that objects may be there all the same.
pub fn references(run: &Run, unknown: &dyn Fn(&str, &str, &str) -> bool) -> Vec<Diagnostic> {
    references::check(run, unknown)
}
