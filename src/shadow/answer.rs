//! What a handler decided becomes an HTTP answer: status, headers, JSON, gzip.
//!
//! Follows apiserver `pkg/endpoints/handlers/responsewriters` and apimachinery `pkg/api/errors/errors.go`.

use super::accept::{Encoding, PROTOBUF};
use super::body::Payload;
use super::{protobuf, text};
use crate::object::{Value, json, yaml};
use crate::schema::Schema;
use crate::simulate::{ApiError, Reason};
use bytes::Bytes;
use flate2::{Compression, write::GzEncoder};
use hyper::header::{self, HeaderName, HeaderValue};
use hyper::{Response, StatusCode};
use std::io::Write;
use std::sync::{Arc, OnceLock};

/// From this size on an answer is packed if the client takes it (`responsewriters/writers.go:defaultGzipThresholdBytes`).
const WORTH_PACKING: usize = 128 << 10;

/// Most answers have that much room.
const ROOM: usize = 4 << 10;

/// The type of every JSON answer.
pub(super) const JSON: &str = "application/json";

/// What a client said about how it wants its answers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Wishes {
    /// It takes gzip.
    pub(super) gzip: bool,
    /// It is a browser or curl, or asked for it: indented.
    pub(super) pretty: bool,
}

/// An answer before it goes out.
#[derive(Debug)]
pub(super) struct Answer {
    code: u16,
    content_type: String,
    headers: Vec<(HeaderName, String)>,
    warnings: Vec<String>,
    content: Content,
}

#[derive(Debug)]
enum Content {
    Json(Value),
    Bytes(Vec<u8>),
    Kept(Arc<Kept>),
    Stream(Payload),
}

/// A large document that is made once and sent often.
#[derive(Debug)]
pub(super) struct Kept {
    plain: Bytes,
    /// As gzip, once somebody has asked for that.
    packed: OnceLock<Option<Bytes>>,
}

impl Kept {
    /// Of its bytes.
    pub(super) fn new(bytes: Vec<u8>) -> Self {
        Self { plain: bytes.into(), packed: OnceLock::new() }
    }

    fn payload(&self, wishes: Wishes) -> (Payload, bool) {
        if wishes.gzip
            && self.plain.len() >= WORTH_PACKING
            && let Some(packed) = self.packed.get_or_init(|| packed(&self.plain).map(Bytes::from))
        {
            return (Payload::whole(packed.clone()), true);
        }
        (Payload::whole(self.plain.clone()), false)
    }
}

impl Answer {
    /// A JSON document.
    pub(super) fn json(code: u16, value: Value) -> Self {
        Self { code, content_type: JSON.into(), headers: Vec::new(), warnings: Vec::new(), content: Content::Json(value) }
    }

    /// Bytes of a type.
    pub(super) fn bytes(code: u16, content_type: &str, bytes: impl Into<Vec<u8>>) -> Self {
        Self { code, content_type: content_type.into(), headers: Vec::new(), warnings: Vec::new(), content: Content::Bytes(bytes.into()) }
    }

    /// A document that is kept.
    pub(super) fn kept(content_type: &str, document: Arc<Kept>) -> Self {
        Self { code: 200, content_type: content_type.into(), headers: Vec::new(), warnings: Vec::new(), content: Content::Kept(document) }
    }

    /// Plain text.
    pub(super) fn text(code: u16, text: &str) -> Self {
        Self::bytes(code, "text/plain; charset=utf-8", text).header(HeaderName::from_static("x-content-type-options"), "nosniff")
    }

    /// A body that is made while it goes out.
    pub(super) fn stream(content_type: &str, payload: Payload) -> Self {
        Self { code: 200, content_type: content_type.into(), headers: Vec::new(), warnings: Vec::new(), content: Content::Stream(payload) }
    }

    /// A refusal.
    pub(super) fn refusal(error: &ApiError) -> Self {
        Self::json(error.code, status(error))
    }

    /// For a path under which nothing is served at all.
    pub(super) fn nowhere() -> Self {
        Self::text(404, "404 page not found\n")
    }

    /// For a path of the API under which no resource is served.
    pub(super) fn no_resource() -> Self {
        Self::bare(404, "NotFound", "the server could not find the requested resource")
    }

    /// For a method that a resource does not have.
    pub(super) fn method_not_allowed() -> Self {
        Self::bare(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    }

    /// A refusal whose `details` are there and empty: the HTTP layer's own.
    pub(super) fn bare(code: u16, reason: &str, message: &str) -> Self {
        let status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message, "reason": reason,
            "details": {}, "code": code,
        });
        Self::json(code, status)
    }

    /// Indented, whatever the client asks for (apiserver `responsewriters/writers.go:WriteRawJSON`).
    pub(super) fn indented(code: u16, value: &Value) -> Self {
        Self::bytes(code, "application/json", encoded(value, true))
    }

    /// In another encoding, if it is JSON; what protobuf has no message for stays JSON.
    pub(super) fn encoded(mut self, schema: &'static Schema, encoding: Encoding) -> Self {
        let Content::Json(value) = &self.content else { return self };
        if self.content_type != JSON {
            return self;
        }
        let (bytes, media) = match encoding {
            Encoding::Json => return self,
            Encoding::Yaml => (Some(yaml::to_yaml(value).into_bytes()), "application/yaml"),
            Encoding::Protobuf => (protobuf::encode(schema, value), PROTOBUF),
        };
        if let Some(bytes) = bytes {
            self.content = Content::Bytes(bytes);
            self.content_type = media.into();
        }
        self
    }

    /// Whether it is no refusal.
    pub(super) fn succeeds(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// With one more header; a value that cannot stand in one is left out.
    pub(super) fn header(mut self, name: HeaderName, value: &str) -> Self {
        self.headers.push((name, value.to_owned()));
        self
    }

    /// With the type said.
    pub(super) fn typed(mut self, content_type: &str) -> Self {
        content_type.clone_into(&mut self.content_type);
        self
    }

    /// With a `Warning` header for each text, after those that there are.
    pub(super) fn warnings(mut self, texts: &[String]) -> Self {
        self.warnings.extend_from_slice(texts);
        self
    }

    /// With a `Warning` header for each text before all others.
    pub(super) fn warned_first(mut self, texts: Vec<String>) -> Self {
        self.warnings.splice(0..0, texts);
        self
    }

    /// Goes out.
    pub(super) fn send(self, wishes: Wishes) -> Response<Payload> {
        let (payload, packed) = match self.content {
            Content::Stream(stream) => (stream, false),
            Content::Bytes(bytes) => pack(bytes, wishes),
            Content::Kept(document) if wishes.pretty && self.content_type == JSON => match serde_json::from_slice::<Value>(&document.plain)
            {
                Ok(value) => pack(encoded(&value, true), wishes),
                Err(_) => document.payload(wishes),
            },
            Content::Kept(document) => document.payload(wishes),
            Content::Json(value) => pack(encoded(&value, wishes.pretty), wishes),
        };
        let mut response = Response::new(payload);
        *response.status_mut() = StatusCode::from_u16(self.code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let headers = response.headers_mut();
        let mut add = |name: HeaderName, value: &str| {
            if let Ok(value) = HeaderValue::from_bytes(value.as_bytes()) {
                headers.append(name, value);
            }
        };
        add(header::CONTENT_TYPE, &self.content_type);
        if packed {
            add(header::CONTENT_ENCODING, "gzip");
            add(header::VARY, "Accept-Encoding");
        }
        let cached = self.headers.iter().any(|(name, _)| *name == header::CACHE_CONTROL);
        if !cached {
            add(header::CACHE_CONTROL, "no-cache, private");
        }
        self.headers.into_iter().for_each(|(name, value)| add(name, &value));
        told(self.warnings).iter().for_each(|text| add(header::WARNING, &quoted_warning(text)));
        response
    }
}

/// From so many characters of warnings on each is shortened, and nothing is added beyond them.
const WARNINGS: usize = 4 << 10;

/// As which length it then is sent.
const SHORT_WARNING: usize = 256;

/// The warnings that are sent: each once, and not too much of them (`pkg/endpoints/filters/warning.go`).
fn told(all: Vec<String>) -> Vec<String> {
    let mut once: Vec<String> = Vec::new();
    for text in all {
        if !text.is_empty() && !once.contains(&text) {
            once.push(text);
        }
    }
    if once.iter().map(|text| text.chars().count()).sum::<usize>() <= WARNINGS {
        return once;
    }
    let mut written = 0;
    let mut sent = Vec::new();
    for text in once {
        if written >= WARNINGS {
            break;
        }
        let short: String = text.chars().take(SHORT_WARNING).collect();
        written += short.chars().count();
        sent.push(short);
    }
    sent
}

fn quoted_warning(text: &str) -> String {
    let quoted: String =
        text.chars().flat_map(|c| if matches!(c, '"' | '\\') { vec!['\\', c] } else { vec![c] }).filter(|c| !c.is_control()).collect();
    format!("299 - \"{quoted}\"")
}

/// A JSON document as it is sent. Only what is not indented ends with a new line (apimachinery `serializer/json/json.go:doEncode`).
pub(super) fn encoded(value: &Value, pretty: bool) -> Vec<u8> {
    if pretty {
        return serde_json::to_vec_pretty(value).expect("a JSON value has only string keys");
    }
    let mut bytes = Vec::with_capacity(ROOM);
    text::write(value, &mut bytes);
    bytes.push(b'\n');
    bytes
}

fn pack(bytes: Vec<u8>, wishes: Wishes) -> (Payload, bool) {
    if !wishes.gzip || bytes.len() < WORTH_PACKING {
        return (Payload::whole(bytes), false);
    }
    match packed(&bytes) {
        Some(packed) => (Payload::whole(packed), true),
        None => (Payload::whole(bytes), false),
    }
}

fn packed(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut packer = GzEncoder::new(Vec::with_capacity(bytes.len() / 8), Compression::fast());
    packer.write_all(bytes).and_then(|()| packer.finish()).ok()
}

/// A refusal as a `Status` object.
pub(super) fn status(error: &ApiError) -> Value {
    let mut status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": error.message});
    if !error.reason.as_str().is_empty() {
        status["reason"] = error.reason.as_str().into();
    }
    if let Some(details) = details(error) {
        status["details"] = details;
    }
    status["code"] = error.code.into();
    status
}

/// What the error is about. The server keeps it beside the message; here the message, which is made of it, tells it again.
fn details(error: &ApiError) -> Option<Value> {
    let message = error.message.as_str();
    let subject = match error.reason {
        Reason::Conflict => message.strip_prefix("Operation cannot be fulfilled on ").unwrap_or(message),
        Reason::NotFound | Reason::AlreadyExists | Reason::Forbidden | Reason::Invalid => message,
        Reason::MethodNotAllowed | Reason::InternalError | Reason::Timeout => "",
        _ => return None,
    };
    let mut details = json!({});
    if let Some((qualified, rest)) = subject.split_once(" \"").filter(|(q, _)| !q.contains(' ')) {
        let (kind, group) = qualified.split_once('.').unwrap_or((qualified, ""));
        if let Some(name) = rest.split('"').next().filter(|n| !n.is_empty()) {
            details["name"] = name.into();
        }
        if !group.is_empty() {
            details["group"] = group.into();
        }
        if !kind.is_empty() {
            details["kind"] = kind.into();
        }
    }
    let causes: Vec<Value> = error
        .causes
        .iter()
        .map(|cause| {
            let mut one = json!({"reason": cause.reason, "message": cause.message});
            if !cause.field.is_empty() {
                one["field"] = cause.field.clone().into();
            }
            one
        })
        .collect();
    if !causes.is_empty() {
        details["causes"] = causes.into();
    }
    if error.reason == Reason::Timeout {
        details["retryAfterSeconds"] = 1.into();
    }
    Some(details)
}

#[cfg(test)]
mod tests {
    use super::{status, told};
    use crate::object::json;
    use crate::simulate::ApiError;

    #[test]
    fn a_warning_is_told_once_and_many_are_shortened() {
        let texts = |all: &[&str]| told(all.iter().map(|t| (*t).to_owned()).collect());
        assert_eq!(texts(&["a", "", "b", "a"]), ["a", "b"]);
        let long: Vec<String> = (0..30).map(|n| format!("{n}{}", "x".repeat(300))).collect();
        let told = told(long);
        assert_eq!((told.len(), told[0].len()), (16, 256));
    }

    #[test]
    fn details_name_what_an_error_is_about() {
        let of = |error: ApiError| status(&error)["details"].clone();
        assert_eq!(of(ApiError::not_found("deployments.apps", "x")), json!({"name": "x", "group": "apps", "kind": "deployments"}));
        assert_eq!(of(ApiError::not_found("pods", "x")), json!({"name": "x", "kind": "pods"}));
        assert_eq!(of(ApiError::bad_request("no")), json!(null));
    }
}
