//! What looks like a secret where everybody who may read the object reads it: in ConfigMaps, environment variables, arguments.

use crate::diagnostic::Diagnostic;
use crate::fleet::secrets::scan;
use crate::object::{ObjectId, Value, items, text};

pub(super) fn check(manifest: &Value) -> Vec<Diagnostic> {
    let mut found = Vec::new();
    let mut look = |place: String, text: &str| {
        for secret in scan(text) {
            let words = format!("{}: {place} looks like {} (rule `{}`)", ObjectId::of(manifest), secret.about, secret.rule);
            found.push(Diagnostic::warning("secret-in-manifest", words).hint("revoke it; keep the new one in a Secret and refer to that"));
        }
    };
    if manifest["kind"] == "ConfigMap" {
        for (key, content) in manifest["data"].as_object().into_iter().flat_map(|m| m.iter()) {
            // A key such as `password` says what its content is.
            let content = content.as_str().unwrap_or_default();
            let named = format!("{key}: {content}");
            look(format!("`{key}`"), if content.contains('\n') { content } else { &named });
        }
    }
    for spec in [&manifest["spec"]["template"]["spec"], &manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"], &manifest["spec"]] {
        for container in ["initContainers", "containers"].into_iter().flat_map(|list| items(spec, &[list])) {
            let name = text(container, &["name"]);
            for variable in items(container, &["env"]) {
                let key = text(variable, &["name"]);
                look(format!("the variable `{key}` of container `{name}`"), &format!("{key}={}", text(variable, &["value"])));
            }
            let words: Vec<&str> =
                ["command", "args"].iter().flat_map(|list| items(container, &[list])).filter_map(Value::as_str).collect();
            look(format!("an argument of container `{name}`"), &words.join("\n"));
        }
    }
    found
}
