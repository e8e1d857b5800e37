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
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::sync::mpsc;

/// The largest body that is read (`server/config.go:MaxRequestBodyBytes`).
const LARGEST: usize = 3 << 20;

/// The body of an answer: whole, or piece by piece while it is made.
#[derive(Debug)]
pub(super) struct Payload(Source);

#[derive(Debug)]
enum Source {
    Whole(Option<Bytes>),
    Pieces(mpsc::Receiver<Bytes>),
}

impl Payload {
    /// All of it at once.
    pub(super) fn whole(bytes: impl Into<Bytes>) -> Self {
        Self(Source::Whole(Some(bytes.into()).filter(|b: &Bytes| !b.is_empty())))
    }

    /// A body that ends when the sender is dropped. Who sends learns by an error that the client is gone.
    pub(super) fn pieces(waiting: usize) -> (mpsc::Sender<Bytes>, Self) {
        let (sender, receiver) = mpsc::channel(waiting);
        (sender, Self(Source::Pieces(receiver)))
    }
}

impl HttpBody for Payload {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        match &mut self.0 {
            Source::Whole(bytes) => Poll::Ready(bytes.take().map(|b| Ok(Frame::data(b)))),
            Source::Pieces(receiver) => receiver.poll_recv(context).map(|piece| piece.map(|b| Ok(Frame::data(b)))),
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
/// 413 if it is too large, 400 if the client broke off.
pub(super) async fn receive(body: Incoming) -> Result<Bytes, ApiError> {
    match Limited::new(body, LARGEST).collect().await {
        Ok(whole) => Ok(whole.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => {
            let message = format!("Request entity too large: limit is {LARGEST}");
            Err(ApiError::new(413, Reason::RequestEntityTooLarge, message))
        }
        Err(error) => Err(ApiError::bad_request(error.to_string())),
    }
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

/// The media type of an object that is sent; one without a type is JSON.
///
/// # Errors
/// 415 for a type that the server does not take.
pub(super) fn media(content_type: &str, custom: bool) -> Result<Media, ApiError> {
    match essence(content_type).as_str() {
        "" | "application/json" => Ok(Media::Json),
        "application/yaml" => Ok(Media::Yaml),
        "application/vnd.kubernetes.protobuf" if !custom => Ok(Media::Protobuf),
        _ => {
            let taken = if custom {
                "application/json, application/yaml"
            } else {
                "application/json, application/yaml, application/vnd.kubernetes.protobuf"
            };
            let message = format!("the body of the request was in an unknown format - accepted media types include: {taken}");
            Err(ApiError::new(415, Reason::UnsupportedMediaType, message))
        }
    }
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
        Media::Json => text(bytes).map_err(|e| e.message),
        Media::Yaml => {
            let text = std::str::from_utf8(bytes).map_err(|e| e.to_string())?;
            crate::simulate::parsed(text).map(Body::Value).map_err(|e| e.message)
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

/// A text as it was sent.
///
/// # Errors
/// 400 for bytes that are no UTF-8.
pub(super) fn text(bytes: &Bytes) -> Result<Body, ApiError> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(Body::Text(text.to_owned())),
        Err(error) => Err(ApiError::bad_request(format!("the body is no UTF-8: {error}"))),
    }
}
