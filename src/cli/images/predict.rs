//! What writes would come to, by the simulator: before the first one is sent.

use super::args::Guard;
use crate::cli::args::{ApplierName, StateFrom};
use crate::cli::assemble::{self, Parts};
use crate::cli::console::Failure;
use crate::cli::inputs::{self, Budgets, Work};
use crate::cluster::State;
use crate::fleet::pipeline::{Action, PatchType, Step};
use crate::images::{Change, PinnedFleet};
use crate::object::{ObjectId, Value};
use crate::report::{Report, Subject, Verdict, text};
use crate::roll;
use crate::simulate::pipeline::{self, Pace, Plan};
use std::collections::BTreeMap;

/// A patch that is to be sent.
#[derive(Clone, Debug)]
pub(super) struct Write {
    pub(super) id: ObjectId,
    pub(super) patch: Value,
    pub(super) changes: Vec<Change>,
}

/// What the writes would come to.
pub(super) fn predict(state: &State, writes: &[Write], fleet: Option<PinnedFleet>, guard: &Guard) -> Result<Report, Failure> {
    let step = |write: &Write| Step {
        name: write.id.to_string(),
        action: Action::Patch {
            workloads: vec![format!("{}/{}/{}", write.id.kind.to_ascii_lowercase(), write.id.namespace, write.id.name)],
            kind: PatchType::Json,
            patch: write.patch.clone(),
        },
        continues: true,
    };
    let work = Work {
        name: String::new(),
        manifests: Vec::new(),
        steps: writes.iter().map(step).collect(),
        budgets: fleet.as_ref().map(|f| inputs::budgets(&f.fleet)).unwrap_or_default(),
        files: BTreeMap::new(),
        fleet,
        given: Vec::new(),
        applier: ApplierName::KubectlServer,
        namespace: "default".into(),
    };
    let from = StateFrom { from: None, context: None, base: None, empty: false };
    let mut prepared = inputs::cluster(state, &work, None, (guard.timing.restart, guard.timing.stop), &from)?;
    prepared.cluster.trusted.extend(guard.trust_webhook.iter().cloned());
    let session = inputs::session(&work);
    let plan = Plan { steps: &work.steps, manifests: &work.manifests, files: &work.files, pace: Pace::Settle, session };
    let run = pipeline::run(prepared.cluster.clone(), &plan);
    let mut judged = roll::judge(&run);
    inputs::doubt(&mut judged, state);
    let budgets: &Budgets = &work.budgets;
    Ok(assemble::report(&Parts {
        subject: Subject::default(),
        run: &run,
        judged: &judged,
        budgets,
        merged: None,
        assumptions: prepared.assumptions,
        findings: &[],
    }))
}

/// A line for each workload that would cost more than it may, or of which nobody can say what it costs.
pub(super) fn refusals(report: &Report) -> Vec<String> {
    let over = report.workloads.iter().filter(|w| w.over_budget || w.verdict == Verdict::Unknown);
    let mut out: Vec<String> = over
        .map(|w| {
            let why = if w.verdict == Verdict::Unknown { "" } else { ", over its budget" };
            format!("{} {}{why}", w.id(), text::sentence(w))
        })
        .collect();
    out.extend(report.failed_steps().map(|s| format!("{} would be refused", s.name)));
    out
}

/// What a workload would come to, for its line: `rolls (Recreate), down 3m`.
pub(super) fn of(report: &Report, id: &ObjectId) -> Option<String> {
    let id = id.to_string();
    report.workloads.iter().find(|w| w.id() == id).map(text::sentence)
}
