//! The one way to write to a live cluster: a JSON patch of one object, and reading it again until its rollout has ended.
//!
//! Only `rollcast images set` and `images sync` make a [`Writer`]; `tests/architecture.rs` holds that.

use super::connect::{Connection, failure};
use super::get::{Failure, Patience, get};
use super::live::runtime;
use crate::diagnostic::Diagnostics;
use crate::object::{ObjectId, Value, text};
use kube::Client;
use kube::client::Body;
use std::fmt;
use std::time::Duration;

/// The field manager of what is written.
pub const MANAGER: &str = "rollcast";
const JSON: &str = "application/json";

/// Why a request came to nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The server's code; none if it never answered.
    pub code: Option<u16>,
    /// What it said.
    pub text: String,
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{} ({code})", self.text),
            None => f.write_str(&self.text),
        }
    }
}

impl From<Failure> for Refused {
    fn from(failure: Failure) -> Self {
        Self { code: failure.code, text: failure.text }
    }
}

/// A cluster that may be written to.
pub struct Writer {
    client: Client,
    runtime: tokio::runtime::Runtime,
    patience: Patience,
}

impl Writer {
    /// Nothing is sent yet.
    ///
    /// # Errors
    /// No client can be made of the connection.
    pub fn new(connection: &Connection) -> Result<Self, Diagnostics> {
        let runtime = runtime()?;
        // A client starts its workers on the runtime that it is made in.
        let client = runtime.block_on(async { Client::try_from(connection.config.clone()) });
        let client = client.map_err(|e| failure(e.to_string()))?;
        Ok(Self { client, runtime, patience: Patience::default() })
    }

    /// Patches one object, as one request. It is sent again only where the server was too busy to look at it.
    ///
    /// # Errors
    /// What the server said.
    pub fn patch(&self, id: &ObjectId, patch: &Value) -> Result<Value, Refused> {
        let path = format!("{}?fieldManager={MANAGER}", path(id));
        let (mut pause, mut tries) = (self.patience.pause, 1);
        self.runtime.block_on(async {
            loop {
                match self.once(&path, patch).await {
                    Err(refused) if refused.code == Some(429) && tries < self.patience.tries => {
                        tokio::time::sleep(pause).await;
                        pause = (pause * 2).min(self.patience.longest);
                        tries += 1;
                    }
                    done => return done,
                }
            }
        })
    }

    async fn once(&self, path: &str, patch: &Value) -> Result<Value, Refused> {
        let request = http::Request::patch(path)
            .header(http::header::CONTENT_TYPE, "application/json-patch+json")
            .header(http::header::ACCEPT, JSON)
            .body(Body::from(patch.to_string().into_bytes()));
        let unsent = |text: String| Refused { code: None, text };
        let request = request.map_err(|e| unsent(format!("`{path}` is no path: {e}")))?;
        let answer = self.client.send(request).await.map_err(|e| unsent(e.to_string()))?;
        let status = answer.status();
        let body = answer.into_body().collect_bytes().await.map_err(|e| unsent(e.to_string()))?;
        let told = serde_json::from_slice::<Value>(&body).unwrap_or_default();
        if status.is_success() {
            return Ok(told);
        }
        let message = text(&told, &["message"]);
        let own = status.canonical_reason().unwrap_or("no reason given");
        Err(Refused { code: Some(status.as_u16()), text: if message.is_empty() { own } else { message }.to_owned() })
    }

    /// Reads one object; none if it is not there.
    ///
    /// # Errors
    /// What the server said.
    pub fn read(&self, id: &ObjectId) -> Result<Option<Value>, Refused> {
        self.runtime.block_on(read(&self.client, id, self.patience))
    }

    /// Lets time pass.
    pub fn wait(&self, time: Duration) {
        self.runtime.block_on(tokio::time::sleep(time));
    }
}

/// Reads one object of a cluster, GET only; none if it is not there.
///
/// # Errors
/// What the server said, or that it cannot be reached.
pub fn read_object(connection: &Connection, id: &ObjectId) -> Result<Option<Value>, Refused> {
    let unsent = |text: String| Refused { code: None, text };
    runtime().map_err(|e| unsent(e.to_string()))?.block_on(async {
        let client = Client::try_from(connection.config.clone()).map_err(|e| unsent(e.to_string()))?;
        read(&client, id, Patience::default()).await
    })
}

async fn read(client: &Client, id: &ObjectId, patience: Patience) -> Result<Option<Value>, Refused> {
    match get(client, &path(id), JSON, patience).await {
        Ok(bytes) => {
            serde_json::from_slice(&bytes).map(Some).map_err(|e| Refused { code: None, text: format!("its answer is not JSON: {e}") })
        }
        Err(failure) if failure.code == Some(404) => Ok(None),
        Err(failure) => Err(failure.into()),
    }
}

/// Where an object of the kinds that have pods is served: each has one version, and its plural is its name and an s.
fn path(id: &ObjectId) -> String {
    let root = if id.group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{}/v1", id.group) };
    format!("{root}/namespaces/{}/{}s/{}", id.namespace, id.kind.to_ascii_lowercase(), id.name)
}

#[cfg(test)]
mod tests {
    use super::path;
    use crate::object::ObjectId;

    #[test]
    fn where_workloads_are_served() {
        let id = |group: &str, kind: &str| ObjectId { group: group.into(), kind: kind.into(), namespace: "n".into(), name: "x".into() };
        assert_eq!(path(&id("apps", "StatefulSet")), "/apis/apps/v1/namespaces/n/statefulsets/x");
        assert_eq!(path(&id("", "ReplicationController")), "/api/v1/namespaces/n/replicationcontrollers/x");
    }
}
