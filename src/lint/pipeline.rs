//! Two steps that change one pod template roll it twice.

use crate::diagnostic::Diagnostic;
use crate::roll::Judged;
use crate::simulate::pipeline::Run;

pub(super) fn check(run: &Run, judged: &[Judged]) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    for one in judged {
        let steps: Vec<&str> = one.rolls.iter().zip(&run.steps).filter(|(n, _)| **n > 0).map(|(_, s)| s.name.as_str()).collect();
        if steps.len() > 1 {
            let names = steps.iter().map(|s| format!("\"{s}\"")).collect::<Vec<_>>().join(" and ");
            let text = format!("steps {names} each change the pod template of {}", one.workload);
            found.push(Diagnostic::warning("two-steps-one-template", text).hint("merge them: one step that makes every change rolls it once"));
        }
    }
    found
}
