//! A state without managed fields does not say what a server-side apply may change and what it removes. The pipeline is run
//! both ways, as if nobody owned anything and as if the applier owned it all; where the two disagree, nothing is claimed.

use crate::apply::managers::managed_fields;
use crate::cluster::State;
use crate::fleet::pipeline::{Action, Step, Who};
use crate::object::{ObjectId, text};
use crate::roll::{Judged, Reason, Verdict, judge};
use crate::simulate::Cluster;
use crate::simulate::pipeline::{Plan, Run, run};
use std::collections::BTreeMap;

const WHY: &str = "the state has no managed fields: whether the apply removes what the manifest does not name cannot be known \
                   (take the snapshot with --show-managed-fields)";

/// The steps to run instead, and who applies, if the state leaves open who owns what and a step depends on it.
pub(super) fn steps(state: &State, steps: &[Step]) -> Option<(Vec<Step>, &'static str)> {
    // One object without them is one that nobody tracks; a whole state without them was taken without asking for them.
    let open = !state.objects.is_empty() && state.objects.iter().all(|o| managed_fields(o).is_none());
    let manager = steps.iter().find_map(|s| match &s.action {
        Action::Apply { applier, .. } => manager(applier.who),
        _ => None,
    });
    let manager = manager.filter(|_| open)?;
    let mut forced = steps.to_vec();
    for step in &mut forced {
        if let Action::Apply { applier, .. } = &mut step.action {
            applier.force = Some(true);
        }
    }
    Some((forced, manager))
}

/// Runs the pipeline; at the same time, if `manager` may own what it applies, as if that one did, and judges that.
pub(super) fn run_both(start: &Cluster, plan: &Plan<'_>, manager: Option<&str>) -> (Run, Option<Vec<Judged>>) {
    std::thread::scope(|scope| {
        let other = manager.map(|manager| scope.spawn(move || judge(&run(owned(start, plan, manager), plan))));
        let run = run(start.clone(), plan);
        (run, other.map(|other| other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))))
    })
}

/// The cluster in which what is to be applied is owned by a manager where the state does not say by whom.
fn owned(start: &Cluster, plan: &Plan<'_>, manager: &str) -> Cluster {
    let mut owned = start.clone();
    let applied = plan.manifests.iter().chain(plan.files.values().flatten());
    owned.attribute(manager, &applied.map(|m| (text(m, &["kind"]), text(m, &["metadata", "name"]))).collect());
    owned
}

/// Makes unknown what came out otherwise when the applier owned everything.
pub(super) fn doubt(judged: &mut [Judged], other: &[Judged]) {
    let other: BTreeMap<&ObjectId, &Judged> = other.iter().map(|o| (&o.workload, o)).collect();
    for one in judged {
        let same = other.get(&one.workload).is_some_and(|o| o.rolls == one.rolls && o.verdict == one.verdict);
        if !same {
            one.verdict = Verdict::Unknown;
            one.reasons.insert(0, (None, Reason::Unknown { why: WHY.into() }));
        }
    }
}

/// The manager of a server-side applier; none for one that goes by its own copy of the manifest.
fn manager(who: Who) -> Option<&'static str> {
    match who {
        Who::Kubectl => None,
        Who::KubectlServer => Some("kubectl"),
        Who::ArgoCd => Some("argocd-controller"),
        Who::Flux => Some("kustomize-controller"),
        Who::Helm => Some("helm"),
    }
}
