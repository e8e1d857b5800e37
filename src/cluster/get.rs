//! One GET: sent, retried within limits, answered with bytes or with what went wrong. The only place that talks to a server,
//! and it can send nothing but GET.

use crate::object::Value;
use kube::Client;
use kube::client::Body;
use std::fmt;
use std::time::Duration;

/// How often and how patiently a request is sent again when the server is busy.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// How often it is sent at most.
    pub(super) tries: u32,
    /// The first pause; each next one is twice as long.
    pub(super) pause: Duration,
    /// The longest pause, also when the server asks for more.
    pub(super) longest: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { tries: 5, pause: Duration::from_millis(200), longest: Duration::from_secs(10) }
    }
}

/// Why there is no answer.
#[derive(Clone, Debug)]
pub(super) struct Failure {
    /// The server's status code; none if it never answered.
    pub(super) code: Option<u16>,
    /// What it said.
    pub(super) text: String,
}

impl Failure {
    pub(super) fn without_answer(text: impl Into<String>) -> Self {
        Self { code: None, text: text.into() }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.code {
            Some(code) => write!(f, "{} ({code})", self.text),
            None => f.write_str(&self.text),
        }
    }
}

/// Gets a path. 429 and 5xx are sent again, as is a connection that broke.
pub(super) async fn get(client: &Client, path: &str, accept: &str, patience: Patience) -> Result<Vec<u8>, Failure> {
    let mut pause = patience.pause;
    let mut tries = 1;
    loop {
        let (failure, again, asked) = match once(client, path, accept).await {
            Ok(bytes) => return Ok(bytes),
            Err(Answerless { failure, again, asked }) => (failure, again, asked),
        };
        if !again || tries >= patience.tries {
            let times = if again && tries > 1 { format!(", {tries} times") } else { String::new() };
            return Err(Failure { text: format!("{}{times}", failure.text), ..failure });
        }
        tokio::time::sleep(asked.unwrap_or(pause).min(patience.longest)).await;
        pause *= 2;
        tries += 1;
    }
}

/// A failure of one try.
struct Answerless {
    failure: Failure,
    /// Whether another try may help.
    again: bool,
    /// How long the server asks to wait.
    asked: Option<Duration>,
}

impl Answerless {
    fn broken(error: &kube::Error) -> Self {
        Self { failure: Failure::without_answer(chain(error)), again: broke(error), asked: None }
    }
}

async fn once(client: &Client, path: &str, accept: &str) -> Result<Vec<u8>, Answerless> {
    let request = http::Request::get(path).header(http::header::ACCEPT, accept).body(Body::empty()).map_err(|e| {
        let failure = Failure::without_answer(format!("`{path}` is no path: {e}"));
        Answerless { failure, again: false, asked: None }
    })?;
    let answer = client.send(request).await.map_err(|e| Answerless::broken(&e))?;
    let (status, asked) = (answer.status(), retry_after(answer.headers()));
    let body = answer.into_body().collect_bytes().await.map_err(|e| Answerless::broken(&e))?;
    if status.is_success() {
        return Ok(body.to_vec());
    }
    let failure = Failure { code: Some(status.as_u16()), text: said(&body, status) };
    Err(Answerless { failure, again: status == 429 || status.is_server_error(), asked })
}

/// Whether a connection was there and broke; one that cannot be made at all will not be made the next time either.
fn broke(error: &(dyn std::error::Error + 'static)) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, TimedOut, UnexpectedEof};
    std::iter::successors(Some(error), |e| e.source()).any(|cause| match cause.downcast_ref::<std::io::Error>() {
        Some(io) => matches!(io.kind(), BrokenPipe | ConnectionAborted | ConnectionReset | TimedOut | UnexpectedEof),
        None => cause.to_string().starts_with("connection closed before message completed"),
    })
}

fn retry_after(headers: &http::HeaderMap) -> Option<Duration> {
    headers.get(http::header::RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// The message of a Status; else the start of the text; else the code's own name.
fn said(body: &[u8], status: http::StatusCode) -> String {
    let told = serde_json::from_slice::<Value>(body).ok().and_then(|v| v.get("message")?.as_str().map(str::to_owned));
    told.or_else(|| std::str::from_utf8(body).ok().map(|t| t.trim().chars().take(200).collect()))
        .filter(|t| !t.is_empty())
        .unwrap_or_else(|| status.canonical_reason().unwrap_or("no reason given").to_owned())
}

/// An error with its causes, each said once.
fn chain(error: &dyn std::error::Error) -> String {
    let text = error.to_string();
    let mut text = text.strip_prefix("ServiceError: ").unwrap_or(&text).to_owned();
    let mut cause = error.source();
    while let Some(next) = cause {
        let more = next.to_string();
        if !text.contains(&more) {
            text = format!("{text}: {more}");
        }
        cause = next.source();
    }
    text
}
