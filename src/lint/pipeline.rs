//! Two steps that change one pod template roll it twice.

use crate::diagnostic::Diagnostic;
use crate::roll::Judged;
use crate::simulate::pipeline::Run;
use std::collections::BTreeMap;

pub(super) fn check(run: &Run, judged: &[Judged]) -> Vec<Diagnostic> {
    let mut by_steps: BTreeMap<Vec<&str>, Vec<String>> = BTreeMap::new();
    for one in judged {
        let steps: Vec<&str> = one.rolls.iter().zip(&run.steps).filter(|(n, _)| **n > 0).map(|(_, s)| s.name.as_str()).collect();
        if steps.len() > 1 {
            by_steps.entry(steps).or_default().push(one.workload.to_string());
        }
    }
    let finding = |(steps, workloads): (Vec<&str>, Vec<String>)| {
        let names = steps.iter().map(|s| format!("\"{s}\"")).collect::<Vec<_>>().join(" and ");
        let text = format!("steps {names} each change the pod template of {}", listed(&workloads));
        Diagnostic::warning("two-steps-one-template", text).hint("merge them: one step that makes every change rolls each workload once")
    };
    by_steps.into_iter().map(finding).collect()
}

/// A few by name, many by number.
fn listed(workloads: &[String]) -> String {
    match workloads {
        [one] => one.clone(),
        few if few.len() <= 4 => few.join(", "),
        many => format!("{} workloads, {} first", many.len(), many[0]),
    }
}
