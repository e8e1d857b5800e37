//! Who we are to a registry: docker's and podman's configuration files, and the credential helpers that they name.
//!
//! Follows docker/cli `cli/config/configfile/file.go` and docker/docker-credential-helpers. Nothing that is secret is ever shown.

use crate::object::{Value, base64, text};
use std::fmt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// The user name by which helpers say that their secret is a token for getting tokens.
const TOKEN: &str = "<token>";
/// What helpers print where they have nothing.
const NOT_FOUND: &str = "credentials not found in native keychain";
/// The name under which docker keeps the credentials of Docker Hub.
const DOCKER_HUB: &str = "https://index.docker.io/v1/";
/// How long a helper may take.
const LONGEST: Duration = Duration::from_secs(30);

/// A user of a registry.
#[derive(Clone, PartialEq, Eq)]
pub struct Credential {
    user: String,
    secret: String,
    /// Whether the secret is a token for getting tokens.
    identity: bool,
    /// Where it comes from: `of /home/x/.docker/config.json`.
    pub from: String,
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credential({} {})", self.user, self.from)
    }
}

impl Credential {
    /// The `Authorization` of a user with a password.
    pub(super) fn basic(&self) -> Option<String> {
        (!self.identity).then(|| format!("Basic {}", base64::encode(format!("{}:{}", self.user, self.secret).as_bytes())))
    }

    /// The token for getting tokens.
    pub(super) fn identity_token(&self) -> Option<&str> {
        self.identity.then_some(self.secret.as_str())
    }
}

/// The files that tell who we are; the first that knows a registry wins.
#[derive(Clone, Debug, Default)]
pub struct Credentials {
    /// `~/.docker/config.json` and its like; one that is not there says nothing.
    pub files: Vec<PathBuf>,
}

impl Credentials {
    /// The credentials for a registry; none if nothing is known of it.
    ///
    /// # Errors
    /// A file that is there and makes no sense, a helper that fails.
    pub(super) async fn of(&self, registry: &str) -> Result<Option<Credential>, String> {
        for file in &self.files {
            let bytes = match std::fs::read(file) {
                Ok(bytes) => bytes,
                Err(e) if e.kind() == std::io::ErrorKind::NotFound => continue,
                Err(e) => return Err(format!("cannot read `{}`: {e}", file.display())),
            };
            // What stands in it may be secret: the reason names a place and no text.
            let odd =
                |e: serde_json::Error| format!("`{}` is no docker configuration: line {}, column {}", file.display(), e.line(), e.column());
            let config: Value = serde_json::from_slice(&bytes).map_err(odd)?;
            let from = format!("of {}", file.display());
            let named = config.get("credHelpers").and_then(Value::as_object).into_iter().flat_map(|m| m.iter());
            let own = named.filter(|(key, _)| same_registry(key, registry)).find_map(|(_, helper)| helper.as_str());
            let helper = own.or_else(|| Some(text(&config, &["credsStore"])).filter(|store| !store.is_empty()));
            if let Some(helper) = helper
                && let Some(found) = ask(helper, registry).await?
            {
                return Ok(Some(found));
            }
            let auths = config.get("auths").and_then(Value::as_object).into_iter().flat_map(|m| m.iter());
            let mut matching: Vec<_> = auths.filter(|(key, _)| same_registry(key, registry)).collect();
            matching.sort_by_key(|(key, _)| key.as_str() != registry);
            if let Some(found) = matching.iter().find_map(|(_, entry)| of_entry(entry, &from)) {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }
}

/// Whether an entry of a configuration is about a registry: `https://r.io/v2/` is `r.io`, and Docker Hub has several names.
fn same_registry(key: &str, registry: &str) -> bool {
    let name = key.split("://").last().unwrap_or(key).split('/').next().unwrap_or_default();
    let hub = matches!(name, "docker.io" | "index.docker.io" | "registry-1.docker.io");
    name == registry || (hub && registry == "docker.io")
}

/// An entry of `auths`.
fn of_entry(entry: &Value, from: &str) -> Option<Credential> {
    let token = text(entry, &["identitytoken"]);
    if !token.is_empty() {
        return Some(Credential { user: TOKEN.into(), secret: token.into(), identity: true, from: from.into() });
    }
    let decoded = base64::decode(text(entry, &["auth"])).ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default();
    let (user, secret) = match decoded.split_once(':') {
        Some((user, secret)) => (user, secret.trim_end_matches('\0')),
        None => (text(entry, &["username"]), text(entry, &["password"])),
    };
    (!user.is_empty()).then(|| Credential { user: user.into(), secret: secret.into(), identity: false, from: from.into() })
}

/// Runs `docker-credential-HELPER get`, the registry on its standard input.
async fn ask(helper: &str, registry: &str) -> Result<Option<Credential>, String> {
    let program = format!("docker-credential-{helper}");
    let server = if registry == "docker.io" { DOCKER_HUB } else { registry };
    let failed = |why: String| format!("the credential helper `{program}` {why}");
    let mut command = Command::new(&program);
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).kill_on_drop(true);
    let mut child = command.spawn().map_err(|e| failed(format!("cannot be run: {e}")))?;
    if let Some(mut input) = child.stdin.take() {
        // A helper that does not read its input fails by itself.
        drop(input.write_all(server.as_bytes()).await);
    }
    let ended = tokio::time::timeout(LONGEST, child.wait_with_output()).await;
    let output = ended.map_err(|_| failed(format!("did not end within {} s", LONGEST.as_secs())))?.map_err(|e| failed(e.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stdout);
        return if said.trim() == NOT_FOUND { Ok(None) } else { Err(failed(format!("failed: {}", output.status))) };
    }
    let told: Value = serde_json::from_slice(&output.stdout).map_err(|_| failed("printed no JSON".to_owned()))?;
    let (user, secret) = (text(&told, &["Username"]), text(&told, &["Secret"]));
    if secret.is_empty() {
        return Ok(None);
    }
    Ok(Some(Credential { user: user.into(), secret: secret.into(), identity: user == TOKEN, from: format!("of the helper `{program}`") }))
}

#[cfg(test)]
mod tests {
    use super::{Credentials, same_registry};

    async fn of(config: &str, registry: &str) -> Result<Option<String>, String> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.json");
        std::fs::write(&file, config).unwrap();
        let found = Credentials { files: vec![folder.path().join("none"), file] }.of(registry).await?;
        Ok(found.map(|c| c.basic().unwrap_or_else(|| format!("token {}", c.secret))))
    }

    #[test]
    fn registries_have_several_names() {
        assert!(same_registry("https://r.io/v2/", "r.io") && same_registry("r.io:5000", "r.io:5000"));
        assert!(same_registry("https://index.docker.io/v1/", "docker.io"));
        assert!(!same_registry("r.io", "r.io:5000") && !same_registry("x.r.io", "r.io"));
    }

    #[tokio::test]
    async fn entries_of_the_file() {
        let config = r#"{"auths": {"https://r.io/v2/": {"auth": "dTpwOnE="}, "t.io": {"identitytoken": "tt"}, "e.io": {}}}"#;
        assert_eq!(of(config, "r.io").await, Ok(Some("Basic dTpwOnE=".into())));
        assert_eq!(of(config, "t.io").await, Ok(Some("token tt".into())));
        assert_eq!(of(config, "e.io").await, Ok(None));
        assert_eq!(of(config, "none.io").await, Ok(None));
    }

    #[tokio::test]
    async fn what_is_wrong_shows_nothing_secret() {
        let error = of("{\"auths\": {\"r.io\": {\"auth\": hunter2}}}", "r.io").await.unwrap_err();
        assert!(error.contains("is no docker configuration: line 1") && !error.contains("hunter2"), "{error}");
        let missing = of(r#"{"credsStore": "no-such-helper-of-rollcast"}"#, "r.io").await.unwrap_err();
        assert!(missing.starts_with("the credential helper `docker-credential-no-such-helper-of-rollcast` cannot be run"), "{missing}");
    }
}
