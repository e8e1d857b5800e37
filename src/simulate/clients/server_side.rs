//! Server-side apply as kubectl sends it, and Argo CD, which runs kubectl's code (gitops-engine
//! `pkg/utils/kube/resource_ops.go`): one apply, then the hand-over of what client-side apply owned.
//!
//! Follows kubectl `pkg/cmd/apply/apply.go` (`applyOneObject`, `saveLastApplyAnnotationIfNecessary`, `migrateToSSAIfNecessary`).

use super::managers;
use super::objects::Aim;
use super::sender::{Options, Sender, from_server};
use super::{Api, Outcome};
use crate::apply::last_applied::LAST_APPLIED;
use crate::object::{Value, at, json, text};
use crate::simulate::request::PatchKind;
use crate::simulate::status::ApiError;
use std::sync::Arc;

/// kubectl's manager: the only one whose annotation the server keeps up to date.
pub(super) const KUBECTL: &str = "kubectl";

/// Applies a manifest, and once more if fields were handed over: what nobody applies then goes.
pub(super) fn apply<A: Api>(sender: &mut Sender<'_, A>, manifest: &Value, manager: &str, force: bool) -> Outcome {
    let options = Options { force: Some(force), ..Options::strict(manager) };
    let applied = match sender.patch(PatchKind::Apply, manifest.clone(), options) {
        Ok(applied) => applied,
        Err(error) => return Outcome::Failed(refusal(sender.aim, &error)),
    };
    // From here on kubectl only warns of what fails.
    if let Ok(applied) = save_annotation(sender, applied, manager)
        && let Some(patch) = managers::upgrade(&applied, &managers::owners_of_last_applied(&applied, "Update"), manager)
        && sender.patch(PatchKind::Json, patch, Options::strict(manager)).is_ok()
    {
        drop(sender.patch(PatchKind::Apply, manifest.clone(), options));
    }
    Outcome::ServersideApplied
}

/// Lets an applier of its own own the annotation, so that it is not pruned.
fn save_annotation<A: Api>(sender: &mut Sender<'_, A>, applied: Arc<Value>, manager: &str) -> Result<Arc<Value>, ApiError> {
    let annotation = at(&applied, &["metadata", "annotations", LAST_APPLIED]);
    let Some(annotation) = annotation.filter(|_| manager == KUBECTL && managers::owners_of_last_applied(&applied, "Apply").is_empty())
    else {
        return Ok(applied);
    };
    let mut just_annotation = json!({
        "apiVersion": applied["apiVersion"],
        "kind": applied["kind"],
        "metadata": {"annotations": {LAST_APPLIED: annotation}, "name": text(&applied, &["metadata", "name"])},
    });
    let namespace = text(&applied, &["metadata", "namespace"]);
    if !namespace.is_empty() {
        just_annotation["metadata"]["namespace"] = namespace.into();
    }
    sender.patch(PatchKind::Apply, just_annotation, Options::strict("kubectl-last-applied"))
}

/// What kubectl says of a refused apply, without its advice on conflicts.
fn refusal(aim: &Aim, error: &ApiError) -> String {
    if error.code == 409 { format!("error: {}", error.message) } else { from_server(aim, error) }
}
