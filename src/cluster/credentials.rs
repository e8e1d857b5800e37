//! An exec plugin of a kubeconfig becomes a token or a client certificate.
//!
//! Follows client-go `plugin/pkg/client/auth/exec/exec.go`. The client library would run the plugin three times for one
//! client, and an interactive login would ask three times; here it runs once.

use super::connect::failure;
use super::secrets::base64;
use crate::diagnostic::Diagnostics;
use crate::object::json;
use kube::config::{AuthInfo, ExecConfig, ExecInteractiveMode};
use serde::Deserialize;
use std::fmt;
use std::io::{self, IsTerminal as _};
use std::process::{Command, Stdio};

/// What a plugin prints.
#[derive(Deserialize)]
struct ExecCredential {
    status: Option<Credentials>,
}

/// What a plugin gives. Never shown.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Credentials {
    token: Option<String>,
    client_certificate_data: Option<String>,
    client_key_data: Option<String>,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Credentials(…)")
    }
}

impl Credentials {
    pub(super) fn put_into(self, user: &mut AuthInfo) {
        if let Some(token) = self.token.filter(|t| !t.is_empty()) {
            user.token = Some(token.into());
        }
        if let (Some(certificate), Some(key)) = (self.client_certificate_data, self.client_key_data) {
            user.client_certificate_data = Some(base64(certificate.as_bytes()));
            user.client_key_data = Some(base64(key.as_bytes()).into());
        }
    }
}

/// Runs a plugin, once.
pub(super) fn run_plugin(plugin: &ExecConfig) -> Result<Credentials, Diagnostics> {
    let name = plugin.command.as_deref().unwrap_or_default();
    let terminal = io::stdin().is_terminal();
    let interactive = match plugin.interactive_mode {
        Some(ExecInteractiveMode::Never) => false,
        Some(ExecInteractiveMode::Always) if !terminal => {
            return Err(failure(format!("the credential plugin `{name}` wants a terminal and standard input is none")).into());
        }
        _ => terminal,
    };
    let mut spec = json!({"interactive": interactive});
    if let Some(cluster) = plugin.cluster.as_ref().and_then(|c| crate::object::Value::of(c).ok()) {
        spec["cluster"] = cluster;
    }
    let about = json!({"apiVersion": plugin.api_version, "kind": "ExecCredential", "spec": spec});
    let mut command = Command::new(name);
    command.args(plugin.args.iter().flatten()).env("KUBERNETES_EXEC_INFO", about.to_string());
    command.envs(plugin.env.iter().flatten().filter_map(|pair| Some((pair.get("name")?, pair.get("value")?))));
    for dropped in plugin.drop_env.iter().flatten() {
        command.env_remove(dropped);
    }
    command.stdin(if interactive { Stdio::inherit() } else { Stdio::null() }).stderr(Stdio::inherit());
    let ran = command.output().map_err(|e| {
        let missing = failure(format!("cannot run the credential plugin `{name}`: {e}"));
        plugin.install_hint.iter().fold(missing, |m, hint| m.hint(hint.trim()))
    })?;
    if !ran.status.success() {
        return Err(failure(format!("the credential plugin `{name}` failed: {}", ran.status)).into());
    }
    // Its text is never shown: it holds the credentials.
    let wrong =
        || Diagnostics::from(failure(format!("the credential plugin `{name}` printed no ExecCredential with a token or a certificate")));
    let printed: ExecCredential = serde_yaml::from_slice(&ran.stdout).map_err(|_| wrong())?;
    printed.status.filter(|s| s.token.is_some() || s.client_certificate_data.is_some()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugin(script: &str) -> ExecConfig {
        let args = ["-c", script].map(str::to_owned).to_vec();
        ExecConfig {
            api_version: Some("client.authentication.k8s.io/v1".into()),
            command: Some("sh".into()),
            args: Some(args),
            interactive_mode: Some(ExecInteractiveMode::Never),
            ..serde_json::from_str("{}").unwrap()
        }
    }

    #[test]
    fn a_plugin_gives_a_token_and_is_told_what_for() {
        let script = r#"case "$KUBERNETES_EXEC_INFO" in *client.authentication.k8s.io/v1*) echo '{"kind":"ExecCredential","status":{"token":"t0"}}';; esac"#;
        let given = run_plugin(&plugin(script)).unwrap();
        assert_eq!(given.token.as_deref(), Some("t0"));
        assert!(!format!("{given:?}").contains("t0"));
    }

    #[test]
    fn a_plugin_that_fails_shows_nothing_that_it_printed() {
        let failed = run_plugin(&plugin("echo hunter2; exit 3")).unwrap_err().to_string();
        assert!(failed.contains("`sh` failed") && !failed.contains("hunter2"), "{failed}");
        let odd = run_plugin(&plugin("echo hunter2")).unwrap_err().to_string();
        assert!(odd.contains("printed no ExecCredential") && !odd.contains("hunter2"), "{odd}");
        let mut missing = plugin("");
        missing.command = Some("no-such-plugin-of-rollcast".into());
        missing.install_hint = Some("get it from example.com\n".into());
        assert_eq!(run_plugin(&missing).unwrap_err().0[0].hints, ["get it from example.com"]);
    }
}
