//! The `[[pipeline]]` tables as written become steps.

use super::file::{Amount, List, Named, Plain};
use super::pipeline::{Action, Applier, PatchType, Step, Who};
use super::read::{At, FromToml, Reader, Verbatim, names, table};
use crate::object::Value;
use schemars::JsonSchema;
use std::collections::BTreeMap;
use toml::Spanned;
use toml::de::DeValue;

table! {
    /// One step of the pipeline: a name and one action.
    StepFile {
        /// What the step is called.
        "name" => name: String,
        /// Whether the pipeline goes on when this step fails.
        "continue" => continues: bool,
        /// `kubectl set image`.
        "set-images" => set_images: SetImagesFile,
        /// Applies the manifests.
        "apply" => apply: ApplyFile,
        /// `kubectl patch`.
        "patch" => patch: PatchFile,
        /// `kubectl set env`.
        "set-env" => set_env: SetEnvFile,
        /// `kubectl set resources`.
        "set-resources" => set_resources: SetResourcesFile,
        /// `kubectl rollout restart`.
        "restart" => restart: OnWorkloads,
        /// `kubectl scale`.
        "scale" => scale: ScaleFile,
        /// `kubectl rollout pause`.
        "pause" => pause: OnWorkloads,
        /// `kubectl rollout resume`.
        "resume" => resume: OnWorkloads,
        /// `kubectl rollout undo`.
        "undo" => undo: UndoFile,
        /// `kubectl replace`.
        "replace" => replace: ReplaceFile,
        /// `kubectl delete`.
        "delete" => delete: DeleteFile,
        /// A command line, to be rehearsed. Handed on as it stands.
        "run" => run: Verbatim,
    }
}

table! {
    /// `kubectl set image`, once for each workload that has one of the containers.
    SetImagesFile {
        /// The containers whose images are set; all unless given.
        "containers" => containers: List<String>,
        /// Images that differ from those of the image map: container to image.
        "images" => images: Named<String>,
        /// Which workloads (`deployment/ceo-agent`); all rendered ones unless given.
        "workloads" => workloads: List<String>,
    }
}

names! {
    /// The appliers.
    ApplierName {
        /// `kubectl apply`
        "kubectl" => Kubectl,
        /// `kubectl apply --server-side`
        "kubectl-server" => KubectlServer,
        /// Argo CD with server-side apply
        "argocd" => ArgoCd,
        /// Flux's kustomize-controller
        "flux" => Flux,
        /// `helm upgrade`
        "helm" => Helm,
    }
}

table! {
    /// Applies manifests.
    ApplyFile {
        /// Whether kubectl applies on the server's side.
        "server-side" => server_side: bool,
        /// Whether conflicts are forced.
        "force" => force: bool,
        /// Who applies; kubectl unless given.
        "as" => applier: ApplierName,
        /// The field manager.
        "field-manager" => field_manager: String,
        /// Files or directories; everything rendered unless given.
        "files" => files: List<String>,
    }
}

names! {
    /// The types of patches.
    PatchTypeName {
        /// Strategic merge patch
        "strategic" => Strategic,
        /// JSON merge patch
        "merge" => Merge,
        /// JSON patch
        "json" => Json,
    }
}

table! {
    /// `kubectl patch`.
    PatchFile {
        /// Which workloads; all rendered ones unless given.
        "workloads" => workloads: List<String>,
        /// `strategic` unless given.
        "type" => kind: PatchTypeName,
        /// The patch: a table, or a list for `json`.
        "patch" => patch: Value,
    }
}

table! {
    /// `kubectl set env`.
    SetEnvFile {
        /// Which workloads; all rendered ones unless given.
        "workloads" => workloads: List<String>,
        /// In which containers; all unless given.
        "containers" => containers: List<String>,
        /// Name to value; `false` removes the variable.
        "env" => env: Named<EnvChange>,
    }
}

table! {
    /// `kubectl set resources`.
    SetResourcesFile {
        /// Which workloads; all rendered ones unless given.
        "workloads" => workloads: List<String>,
        /// In which containers; all unless given.
        "containers" => containers: List<String>,
        /// Resource to quantity.
        "requests" => requests: Named<Amount>,
        /// Resource to quantity.
        "limits" => limits: Named<Amount>,
    }
}

table! {
    /// Which workloads a step is for.
    WorkloadsFile {
        /// `deployment/ceo-agent`; all rendered ones unless given.
        "workloads" => workloads: List<String>,
    }
}

table! {
    /// `kubectl scale`.
    ScaleFile {
        /// Which workloads; all rendered ones unless given.
        "workloads" => workloads: List<String>,
        /// To how many.
        "replicas" => replicas: i64,
    }
}

table! {
    /// `kubectl rollout undo`.
    UndoFile {
        /// Which workloads; all rendered ones unless given.
        "workloads" => workloads: List<String>,
        /// To which revision; the one before unless given.
        "to-revision" => to_revision: i64,
    }
}

table! {
    /// `kubectl replace`.
    ReplaceFile {
        /// Whether objects are deleted and created again.
        "force" => force: bool,
        /// Files or directories; everything rendered unless given.
        "files" => files: List<String>,
    }
}

table! {
    /// `kubectl delete`.
    DeleteFile {
        /// Which objects: `deployment/ceo-agent`.
        "objects" => objects: List<String>,
        /// Whether their dependents stay.
        "orphan" => orphan: bool,
    }
}

/// `true` for every workload, or a table that names some.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub enum OnWorkloads {
    /// Every one.
    All(bool),
    /// Those.
    Some(WorkloadsFile),
}

impl FromToml for OnWorkloads {
    const EXPECTED: &'static str = "true, or a table with `workloads`";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::Boolean(true) => Some(Self::All(true)),
            DeValue::Table(_) => WorkloadsFile::read(value, reader).map(Self::Some),
            _ => {
                reader.expected(value, Self::EXPECTED);
                None
            }
        }
    }
}

/// A new value, or `false` to remove the variable.
#[derive(Clone, Debug, PartialEq, JsonSchema)]
#[schemars(untagged)]
pub enum EnvChange {
    /// Removes it.
    Remove(bool),
    /// Sets it.
    Set(Plain),
}

impl FromToml for EnvChange {
    const EXPECTED: &'static str = "a string, or false to remove the variable";

    fn read(value: &Spanned<DeValue<'_>>, reader: &mut Reader<'_>) -> Option<Self> {
        match value.get_ref() {
            DeValue::Boolean(false) => Some(Self::Remove(false)),
            DeValue::String(_) | DeValue::Integer(_) => Plain::read(value, reader).map(Self::Set),
            _ => {
                reader.expected(value, Self::EXPECTED);
                None
            }
        }
    }
}

/// The workloads and objects that a step names.
pub(super) fn named(file: &StepFile) -> Vec<At<String>> {
    let on = |on: &Option<At<OnWorkloads>>| match on.as_ref().map(|o| &o.value) {
        Some(OnWorkloads::Some(file)) => file.workloads.clone(),
        _ => None,
    };
    let lists = [
        file.set_images.as_ref().and_then(|a| a.value.workloads.clone()),
        file.patch.as_ref().and_then(|a| a.value.workloads.clone()),
        file.set_env.as_ref().and_then(|a| a.value.workloads.clone()),
        file.set_resources.as_ref().and_then(|a| a.value.workloads.clone()),
        file.scale.as_ref().and_then(|a| a.value.workloads.clone()),
        file.undo.as_ref().and_then(|a| a.value.workloads.clone()),
        file.delete.as_ref().and_then(|a| a.value.objects.clone()),
        on(&file.restart),
        on(&file.pause),
        on(&file.resume),
    ];
    lists.into_iter().flatten().flat_map(|list| list.value).collect()
}

/// The step that a table describes; notes what is wrong with it.
pub(super) fn step(file: At<StepFile>, reader: &mut Reader<'_>) -> Option<Step> {
    let At { value: file, range } = file;
    let name = file.name.clone().map(|n| n.value);
    let continues = file.continues.as_ref().is_some_and(|c| c.value);
    let before = reader.problems.len();
    let mut actions = actions(file, reader);
    if actions.is_empty() && (reader.problems.len() > before || reader.refused.iter().any(|(start, _)| *start == range.start)) {
        return None;
    }
    match (actions.len(), name) {
        (1, Some(name)) => Some(Step { name, action: actions.remove(0).1, continues }),
        (1, None) if reader.refused(&range, "name") => None,
        (1, None) => {
            let wrong = reader.wrong("fleet-step", range, "a step needs a `name`");
            wrong.label = "it names the step in every report".into();
            None
        }
        (0, _) => {
            let wrong = reader.wrong("fleet-step", range, "this step does nothing");
            wrong.hints.push(
                "give it one of set-images, apply, patch, set-env, set-resources, restart, scale, pause, resume, undo, replace, delete, run".into(),
            );
            None
        }
        _ => {
            let names: Vec<String> = actions.iter().map(|(name, _)| format!("`{name}`")).collect();
            let wrong = reader.wrong("fleet-step", range, format!("a step does one thing, this one does {}", names.join(" and ")));
            wrong.hints.push("write one [[pipeline]] table for each".into());
            None
        }
    }
}

/// Every action that a table holds, with its key.
fn actions(file: StepFile, reader: &mut Reader<'_>) -> Vec<(&'static str, Action)> {
    let mut found = Vec::new();
    let mut add = |name, action: Option<Action>| found.extend(action.map(|a| (name, a)));
    add("set-images", file.set_images.map(|a| set_images(a.value)));
    add("apply", file.apply.and_then(|a| apply(a, reader)));
    add("patch", file.patch.and_then(|a| patch(a, reader)));
    add("set-env", file.set_env.map(|a| set_env(a.value)));
    add(
        "set-resources",
        file.set_resources.map(|At { value: f, .. }| Action::SetResources {
            workloads: strings(f.workloads),
            containers: strings(f.containers),
            requests: amounts(f.requests),
            limits: amounts(f.limits),
        }),
    );
    add("restart", file.restart.map(|a| Action::Restart { workloads: workloads(a.value) }));
    add("scale", file.scale.and_then(|a| scale(a, reader)));
    add("pause", file.pause.map(|a| Action::Pause { workloads: workloads(a.value) }));
    add("resume", file.resume.map(|a| Action::Resume { workloads: workloads(a.value) }));
    add(
        "undo",
        file.undo.map(|At { value: f, .. }| Action::Undo { workloads: strings(f.workloads), to_revision: f.to_revision.map(|r| r.value) }),
    );
    add(
        "replace",
        file.replace.map(|At { value: f, .. }| Action::Replace {
            force: f.force.is_some_and(|v| v.value),
            files: strings(f.files).into_iter().map(Into::into).collect(),
        }),
    );
    add("delete", file.delete.and_then(|a| delete(a, reader)));
    add("run", file.run.map(|At { value: Verbatim(command), .. }| Action::Run { command }));
    found
}

fn set_images(file: SetImagesFile) -> Action {
    Action::SetImages {
        containers: strings(file.containers),
        images: file.images.into_iter().flat_map(|m| m.value).map(|(k, v)| (k, v.value)).collect(),
        workloads: strings(file.workloads),
    }
}

fn apply(At { value: file, range }: At<ApplyFile>, reader: &mut Reader<'_>) -> Option<Action> {
    let server_side = file.server_side.as_ref().map(|s| s.value);
    let who = match (file.applier.as_ref().map(|a| a.value), server_side) {
        (None | Some(ApplierName::Kubectl), Some(true)) => Who::KubectlServer,
        (None | Some(ApplierName::Kubectl), _) => Who::Kubectl,
        (Some(ApplierName::KubectlServer), Some(false)) => {
            reader.wrong("fleet-step", range, "`as = \"kubectl-server\"` and `server-side = false` contradict each other");
            return None;
        }
        (Some(ApplierName::KubectlServer), _) => Who::KubectlServer,
        (Some(ApplierName::ArgoCd), _) => Who::ArgoCd,
        (Some(ApplierName::Flux), _) => Who::Flux,
        (Some(ApplierName::Helm), _) => Who::Helm,
    };
    let applier = Applier { who, field_manager: file.field_manager.map(|m| m.value), force: file.force.map(|f| f.value) };
    Some(Action::Apply { applier, files: strings(file.files).into_iter().map(Into::into).collect() })
}

fn patch(At { value: file, range }: At<PatchFile>, reader: &mut Reader<'_>) -> Option<Action> {
    let kind = match file.kind.map(|k| k.value) {
        None | Some(PatchTypeName::Strategic) => PatchType::Strategic,
        Some(PatchTypeName::Merge) => PatchType::Merge,
        Some(PatchTypeName::Json) => PatchType::Json,
    };
    let Some(patch) = file.patch else {
        reader.wrong("fleet-step", range, "`patch` needs the `patch` itself");
        return None;
    };
    if patch.value.is_array() != (kind == PatchType::Json) || !(patch.value.is_array() || patch.value.is_object()) {
        let wrong = reader.wrong("fleet-step", patch.range, "a `json` patch is a list of operations, any other is a table");
        wrong.label = if kind == PatchType::Json { "expected a list" } else { "expected a table" }.into();
        return None;
    }
    Some(Action::Patch { workloads: strings(file.workloads), kind, patch: patch.value })
}

fn set_env(file: SetEnvFile) -> Action {
    let env = file.env.into_iter().flat_map(|m| m.value).map(|(name, change)| {
        let value = match change.value {
            EnvChange::Remove(_) => None,
            EnvChange::Set(Plain(text)) => Some(text),
        };
        (name, value)
    });
    Action::SetEnv { workloads: strings(file.workloads), containers: strings(file.containers), env: env.collect() }
}

fn scale(At { value: file, range }: At<ScaleFile>, reader: &mut Reader<'_>) -> Option<Action> {
    let Some(replicas) = file.replicas else {
        reader.wrong("fleet-step", range, "`scale` needs `replicas`");
        return None;
    };
    Some(Action::Scale { workloads: strings(file.workloads), replicas: replicas.value })
}

fn delete(At { value: file, range }: At<DeleteFile>, reader: &mut Reader<'_>) -> Option<Action> {
    let objects = strings(file.objects);
    if objects.is_empty() {
        reader.wrong("fleet-step", range, "`delete` needs `objects`: it deletes only what is named");
        return None;
    }
    Some(Action::Delete { objects, orphan: file.orphan.is_some_and(|o| o.value) })
}

fn workloads(on: OnWorkloads) -> Vec<String> {
    match on {
        OnWorkloads::All(_) => Vec::new(),
        OnWorkloads::Some(file) => strings(file.workloads),
    }
}

fn strings(list: Option<At<List<String>>>) -> Vec<String> {
    list.into_iter().flat_map(|l| l.value).map(|s| s.value).collect()
}

fn amounts(map: Option<At<Named<Amount>>>) -> BTreeMap<String, String> {
    let text = |v: Value| v.as_str().map_or_else(|| v.to_string(), str::to_owned);
    map.into_iter().flat_map(|m| m.value).map(|(k, v)| (k, text(v.value.0))).collect()
}
