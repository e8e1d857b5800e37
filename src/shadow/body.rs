//! Bytes of a request become what the write path takes, by their content type; and bytes of an answer go out.
//!
//! Follows apiserver `pkg/endpoints/handlers/negotiation` and apimachinery `pkg/runtime/serializer`.

use super::protobuf;
use crate::object::Value;
use crate::schema::Schema;
use crate::simulate::{ApiError, Body, PatchKind, Reason};
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Body as HttpBody, Frame, Incoming};
use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The largest body that is read (`server/config.go:MaxRequestBodyBytes`).
const LARGEST: usize = 3 << 20;

/// The body of an answer: whole, or piece by piece while it is made.
#[derive(Debug)]
pub(super) struct Payload(Source);

/// The next piece of a body, when it is there; none at the end.
pub(super) type Next = Pin<Box<dyn Future<Output = Option<Made>> + Send>>;

/// A piece, and what makes the one after it.
pub(super) struct Made {
    pub(super) piece: Bytes,
    pub(super) rest: Next,
}

enum Source {
    Whole(Option<Bytes>),
    Pieces(Next),
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if matches!(self, Self::Whole(_)) { "Whole" } else { "Pieces" })
    }
}

impl Payload {
    /// All of it at once.
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self(Source::Whole(Some(bytes.into()).filter(|b: &Bytes| !b.is_empty())))
    }

    /// Pieces that are made when there is room for them. Who makes them is dropped when the client is gone.
    pub(super) fn made(next: Next) -> Self {
        Self(Source::Pieces(next))
    }
}

impl HttpBody for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Source::Whole(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Source::Pieces(next) => match ready!(next.as_mut().poll(context)) {
                Some(Made { piece, rest }) => {
                    *next = rest;
                    Poll::Ready(Some(Ok(Frame::data(piece))))
                }
                None => {
                    self.0 = Source::Whole(None);
                    Poll::Ready(None)
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Source::Whole(None))
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        match &self.0 {
            Source::Whole(bytes) => hyper::body::SizeHint::with_exact(bytes.as_ref().map_or(0, |b| b.len() as u64)),
            Source::Pieces(_) => hyper::body::SizeHint::default(),
        }
    }
}

/// Takes a request's body in.
///
/// # Errors
/// 413 if it is too large, 500 if it does not come as it was announced.
pub(super) async fn receive(body: &mut Incoming) -> Result<Bytes, ApiError> {
    match Limited::new(body, LARGEST).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            let message = format!("Request entity too large: limit is {LARGEST}");
            Err(ApiError::new(413, Reason::RequestEntityTooLarge, message))
        }
        // Chunks that are none; who is gone gets no answer.
        Err(_) => Err(ApiError::new(500, Reason::None, "malformed chunked encoding")),
    }
}

/// 504: the body did not come in time.
pub(super) fn too_slow() -> ApiError {
    ApiError::new(504, Reason::Timeout, "Timeout: request did not complete within the allotted timeout")
}

/// The media types in which objects are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Media {
    /// `application/json`
    Json,
    /// `application/yaml`
    Yaml,
    /// `application/vnd.kubernetes.protobuf`
    Protobuf,
}

/// A media type without its parameters, in lower case.
pub(super) fn essence(content_type: &str) -> String {
    content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a content type can be read: a type, and parameters that have names and values (`mime.ParseMediaType`).
fn well_formed(content_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let named = |part: &str| part.split_once('=').is_some_and(|(name, value)| !name.trim().is_empty() && !value.trim().is_empty());
    content_type.is_empty() || parts.next().is_some_and(|media| !media.is_empty()) && parts.all(|part| part.is_empty() || named(part))
}

/// The media type of an object that is sent; one without a type is JSON.
///
/// # Errors
/// 415 for a type that the server does not take.
pub(super) fn media(content_type: &str, custom: bool) -> Result<Media, ApiError> {
    match essence(content_type).as_str() {
        _ if !well_formed(content_type) => Err(unsupported(custom)),
        "" | "application/json" => Ok(Media::Json),
        "application/yaml" => Ok(Media::Yaml),
        "application/vnd.kubernetes.protobuf" if !custom => Ok(Media::Protobuf),
        _ => Err(unsupported(custom)),
    }
}

fn unsupported(custom: bool) -> ApiError {
    let beyond = if custom { "" } else { ", application/vnd.kubernetes.protobuf" };
    let taken = format!("application/json, application/yaml{beyond}");
    ApiError::new(
        415,
        Reason::UnsupportedMediaType,
        format!("the body of the request was in an unknown format - accepted media types include: {taken}"),
    )
}

/// The kind of a patch; none for a type that is no patch.
pub(super) fn patch_kind(content_type: &str) -> Option<PatchKind> {
    Some(match essence(content_type).as_str() {
        "application/json-patch+json" => PatchKind::Json,
        "application/merge-patch+json" => PatchKind::Merge,
        "application/strategic-merge-patch+json" => PatchKind::Strategic,
        "application/apply-patch+yaml" => PatchKind::Apply,
        _ => return None,
    })
}

/// An object or options as they were sent.
///
/// # Errors
/// Why the bytes are not of the type that they claim to be. That they are no JSON is for the write path to find.
pub(super) fn object(schema: &'static Schema, media: Media, bytes: &Bytes) -> Result<Body, String> {
    match media {
        Media::Json => Ok(text(bytes)),
        Media::Yaml => {
            let text = std::str::from_utf8(bytes).map_err(|_| "yaml: invalid leading UTF-8 octet".to_owned())?;
            match only_yaml(text) {
                Some(value) => Ok(Body::Value(value)),
                None => crate::simulate::parsed(text).map(Body::Value).map_err(|e| e.message),
            }
        }
        Media::Protobuf => protobuf::decode(schema, bytes).map(Body::Value),
    }
}

/// What a body holds.
///
/// # Errors
/// 400 for a text that is neither JSON nor YAML.
pub(super) fn value(body: Body) -> Result<Value, ApiError> {
    match body {
        Body::Value(value) => Ok(value),
        Body::Text(text) => crate::simulate::parsed(&text),
    }
}

/// JSON as it was sent; bytes that are no UTF-8 are replaced, as Go does.
pub(super) fn text(bytes: &Bytes) -> Body {
    Body::Text(String::from_utf8_lossy(bytes).into_owned())
}

/// A configuration to apply.
///
/// # Errors
/// 400 for bytes that are no UTF-8.
pub(super) fn configuration(bytes: &Bytes) -> Result<Body, ApiError> {
    let text = std::str::from_utf8(bytes)
        .map_err(|_| ApiError::bad_request("error decoding YAML: error converting YAML to JSON: yaml: invalid leading UTF-8 octet"))?;
    Ok(only_yaml(text).map_or_else(|| Body::Text(text.to_owned()), Body::Value))
}

/// What looks like JSON and is not, but is YAML: comments, single quotes, more documents. Of several documents the first counts.
fn only_yaml(text: &str) -> Option<Value> {
    if !text.trim_start().starts_with('{') || crate::object::json_text::parse(text.as_bytes()).is_ok() {
        return None;
    }
    let documents = crate::object::yaml::load_bytes("body".into(), text.as_bytes().to_vec()).ok()?;
    documents.into_iter().next().map(|document| document.value)
}
