//! A step as it would stand in `fleet.toml`, for a user to paste.

use super::pipeline::{Action, Applier, PatchType, Step, Who};
use toml::{Table, Value};

/// The step as a `[[pipeline]]` table.
pub fn step_toml(step: &Step) -> String {
    let (key, value) = action(&step.action);
    let mut text = format!("[[pipeline]]\nname = {}\n{key} = {value}\n", Value::from(step.name.as_str()));
    if step.continues {
        text.push_str("continue = true\n");
    }
    text
}

fn action(action: &Action) -> (&'static str, Value) {
    let mut table = Table::new();
    let mut put = |key: &str, value: Option<Value>| drop(value.map(|v| table.insert(key.into(), v)));
    let key = match action {
        Action::SetImages { containers, images, workloads } => {
            put("containers", list(containers));
            put("images", map(images.iter().map(|(k, v)| (k.clone(), v.clone()))));
            put("workloads", list(workloads));
            "set-images"
        }
        Action::Apply { applier, files } => {
            let words = files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>();
            put("files", list(&words));
            put("as", who(applier).map(Value::from));
            put("server-side", (applier.who == Who::KubectlServer).then_some(Value::from(true)));
            put("field-manager", applier.field_manager.clone().map(Value::from));
            put("force", applier.force.map(Value::from));
            "apply"
        }
        Action::Patch { workloads, kind, patch } => {
            put("workloads", list(workloads));
            put("type", Some(Value::from(patch_type(*kind))));
            // A null has no TOML; kubectl's own text has.
            put("patch", Some(Value::try_from(patch).unwrap_or_else(|_| Value::from(patch.to_string()))));
            "patch"
        }
        Action::SetEnv { workloads, containers, env } => {
            put("workloads", list(workloads));
            put("containers", list(containers));
            let changes: Table =
                env.iter().map(|(k, v)| (k.clone(), v.as_ref().map_or(Value::from(false), |v| Value::from(v.as_str())))).collect();
            put("env", Some(Value::Table(changes)));
            "set-env"
        }
        Action::SetResources { workloads, containers, requests, limits } => {
            put("workloads", list(workloads));
            put("containers", list(containers));
            put("requests", map(requests.clone()));
            put("limits", map(limits.clone()));
            "set-resources"
        }
        Action::Restart { workloads } => return ("restart", on(workloads)),
        Action::Pause { workloads } => return ("pause", on(workloads)),
        Action::Resume { workloads } => return ("resume", on(workloads)),
        Action::Scale { workloads, replicas } => {
            put("workloads", list(workloads));
            put("replicas", Some(Value::from(*replicas)));
            "scale"
        }
        Action::Undo { workloads, to_revision } => {
            put("workloads", list(workloads));
            put("to-revision", to_revision.map(Value::from));
            "undo"
        }
        Action::Replace { force, files } => {
            let words = files.iter().map(|f| f.display().to_string()).collect::<Vec<_>>();
            put("files", list(&words));
            put("force", force.then_some(Value::from(true)));
            "replace"
        }
        Action::Delete { objects, orphan } => {
            put("objects", list(objects));
            put("orphan", orphan.then_some(Value::from(true)));
            "delete"
        }
        Action::Run { command } => return ("run", Value::from(command.as_str())),
    };
    (key, Value::Table(table))
}

fn on(workloads: &[String]) -> Value {
    if workloads.is_empty() {
        return Value::from(true);
    }
    Value::Table(list(workloads).map(|w| ("workloads".to_owned(), w)).into_iter().collect())
}

fn list(words: &[String]) -> Option<Value> {
    (!words.is_empty()).then(|| Value::Array(words.iter().map(|w| Value::from(w.as_str())).collect()))
}

fn map(entries: impl IntoIterator<Item = (String, String)>) -> Option<Value> {
    let table: Table = entries.into_iter().map(|(k, v)| (k, Value::from(v))).collect();
    (!table.is_empty()).then_some(Value::Table(table))
}

fn who(applier: &Applier) -> Option<&'static str> {
    match applier.who {
        Who::KubectlServer => None,
        Who::Kubectl => Some("kubectl"),
        Who::ArgoCd => Some("argocd"),
        Who::Flux => Some("flux"),
        Who::Helm => Some("helm"),
    }
}

fn patch_type(kind: PatchType) -> &'static str {
    match kind {
        PatchType::Strategic => "strategic",
        PatchType::Merge => "merge",
        PatchType::Json => "json",
    }
}
