//! What a client accepts becomes the form in which it is answered.
//!
//! Follows apiserver `pkg/endpoints/handlers/negotiation/negotiate.go`.

use super::answer::Answer;
use crate::simulate::{ApiError, Reason};

/// The type of protobuf in Kubernetes' envelope.
pub(super) const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";

/// One entry of an `Accept` header.
#[derive(Clone, Debug, Default)]
struct Entry {
    media: String,
    parameters: Vec<(String, String)>,
    quality: f32,
}

impl Entry {
    fn read(text: &str) -> Self {
        let mut parts = text.split(';').map(str::trim);
        let media = parts.next().unwrap_or_default().to_ascii_lowercase();
        let mut entry = Self { media, parameters: Vec::new(), quality: 1.0 };
        for part in parts {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            let (key, value) = (key.trim().to_ascii_lowercase(), value.trim().trim_matches('"').to_owned());
            match key.as_str() {
                "q" => entry.quality = value.parse().unwrap_or(1.0),
                _ => entry.parameters.push((key, value)),
            }
        }
        entry
    }

    fn parameter(&self, key: &str) -> &str {
        self.parameters.iter().find(|(k, _)| k == key).map_or("", |(_, v)| v)
    }
}

/// The encoding of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Encoding {
    /// `application/json`
    Json,
    /// `application/yaml`
    Yaml,
    /// `application/vnd.kubernetes.protobuf`
    Protobuf,
}

impl Encoding {
    /// The one of a media type; a wildcard is JSON.
    fn of(media: &str) -> Option<Self> {
        match media {
            "application/json" | "*/*" | "application/*" => Some(Self::Json),
            "application/yaml" => Some(Self::Yaml),
            PROTOBUF => Some(Self::Protobuf),
            _ => None,
        }
    }
}

/// What an object is turned into before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing.
    Itself,
    /// A `Table` of `meta.k8s.io` in that version.
    Table(&'static str),
    /// `PartialObjectMetadata` of `meta.k8s.io` in that version, or (`true`) a list of them.
    Metadata(&'static str, bool),
}

/// How a client wants its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Form {
    /// In which encoding.
    pub(super) encoding: Encoding,
    /// As what.
    pub(super) shape: Shape,
}

/// Why no form is served that a client accepts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// None of the media types is.
    Media,
    /// A media type is, but not in that shape.
    Shape,
}

impl Refusal {
    /// 406, as the web server or as the handler tells it; collections can be watched, too.
    pub(super) fn answer(self, collection: bool) -> Answer {
        let whole = "application/json, application/yaml, application/vnd.kubernetes.protobuf";
        let both = format!("{whole}, application/json;stream=watch, application/vnd.kubernetes.protobuf;stream=watch");
        let served = if collection && self == Self::Media { &both } else { whole };
        match self {
            Self::Media => Answer::bare(406, "NotAcceptable", &format!("406: Not Acceptable\n\nAvailable representations: {served}")),
            Self::Shape => {
                let message = format!("only the following media types are accepted: {served}");
                Answer::refusal(&ApiError::new(406, Reason::NotAcceptable, message))
            }
        }
    }
}

/// The header, read.
#[derive(Clone, Debug, Default)]
pub(super) struct Accept {
    entries: Vec<Entry>,
    /// Whether there is such a header.
    given: bool,
}

impl Accept {
    /// Reads a header; the best entries first, as they stand among equals.
    pub(super) fn read(header: &str) -> Self {
        let mut entries: Vec<Entry> = header.split(',').filter(|e| !e.trim().is_empty()).map(Entry::read).collect();
        entries.sort_by(|a, b| b.quality.total_cmp(&a.quality));
        Self { entries, given: !header.is_empty() }
    }

    /// The form of an answer that holds objects; of custom resources protobuf has the metadata only.
    ///
    /// # Errors
    /// 406: none that is accepted is served.
    pub(super) fn form(&self, custom: bool) -> Result<Form, Refusal> {
        if !self.given {
            return Ok(Form { encoding: Encoding::Json, shape: Shape::Itself });
        }
        let mut refusal = Refusal::Media;
        for entry in &self.entries {
            let Some(encoding) = Encoding::of(&entry.media) else { continue };
            let shape = match (entry.parameter("as"), entry.parameter("g"), entry.parameter("v")) {
                ("", ..) => Shape::Itself,
                ("Table", "meta.k8s.io", "v1") => Shape::Table("v1"),
                ("Table", "meta.k8s.io", "v1beta1") => Shape::Table("v1beta1"),
                (kind @ ("PartialObjectMetadata" | "PartialObjectMetadataList"), "meta.k8s.io", version @ ("v1" | "v1beta1")) => {
                    Shape::Metadata(if version == "v1" { "v1" } else { "v1beta1" }, kind.ends_with("List"))
                }
                _ => {
                    refusal = Refusal::Shape;
                    continue;
                }
            };
            let textual = matches!(shape, Shape::Table(_)) || custom && shape == Shape::Itself;
            if textual && encoding == Encoding::Protobuf {
                refusal = Refusal::Shape;
                continue;
            }
            return Ok(Form { encoding, shape });
        }
        Err(refusal)
    }

    /// The encoding of what is no object of a resource: refusals, discovery. Who accepts none gets JSON.
    pub(super) fn plain(&self) -> Encoding {
        let mut plain = self.entries.iter().filter(|e| e.parameter("as").is_empty());
        plain.find_map(|e| Encoding::of(&e.media)).unwrap_or(Encoding::Json)
    }

    /// Whether a document can be sent that there is in JSON only; `wild`: a wildcard may stand for the type alone.
    pub(super) fn json(&self, wild: bool) -> bool {
        let is = |media: &str| matches!(media, "application/json" | "*/*") || wild && matches!(media, "application/*" | "*/json");
        !self.given || self.entries.iter().any(|e| is(&e.media))
    }

    /// The version of aggregated discovery that is wanted before plain discovery.
    pub(super) fn aggregated(&self) -> Option<&'static str> {
        self.entries.iter().find_map(|entry| match (entry.media.as_str(), entry.parameter("as"), entry.parameter("v")) {
            ("application/json", "APIGroupDiscoveryList", "v2") => Some(Some("v2")),
            ("application/json", "APIGroupDiscoveryList", "v2beta1") => Some(Some("v2beta1")),
            ("application/json" | "*/*" | "application/*", "", _) => Some(None),
            _ => None,
        })?
    }

    /// Whether a media type stands there whose name begins so.
    pub(super) fn names(&self, start: &str) -> bool {
        self.entries.iter().any(|e| e.media.starts_with(start))
    }

    /// Whether a media type stands there before JSON.
    pub(super) fn prefers(&self, media: &str) -> bool {
        let first = self.entries.iter().find(|e| e.media == media || e.media == "application/json" || e.media == "*/*");
        first.is_some_and(|e| e.media == media)
    }
}

#[cfg(test)]
mod tests {
    use super::{Accept, Encoding, Shape};

    #[test]
    fn clients_get_the_first_form_that_is_served() {
        let form = |header: &str| Accept::read(header).form(false);
        let shape = |header: &str| form(header).ok().map(|f| f.shape);
        assert_eq!(shape(""), Some(Shape::Itself));
        assert_eq!(shape("application/json, */*"), Some(Shape::Itself));
        assert_eq!(shape("application/vnd.kubernetes.protobuf,application/json"), Some(Shape::Itself));
        let table = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json";
        assert_eq!(shape(table), Some(Shape::Table("v1")));
        assert_eq!(shape("text/html"), None);
        let encoding = |header: &str, custom: bool| Accept::read(header).form(custom).ok().map(|f| f.encoding);
        let both = "application/vnd.kubernetes.protobuf,application/json";
        assert_eq!((encoding(both, false), encoding(both, true)), (Some(Encoding::Protobuf), Some(Encoding::Json)));
        assert_eq!(encoding("application/vnd.kubernetes.protobuf", true), None);
        let metadata = "application/vnd.kubernetes.protobuf;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";
        assert_eq!(encoding(metadata, true), Some(Encoding::Protobuf));
        assert_eq!(encoding("application/vnd.kubernetes.protobuf;as=Table;g=meta.k8s.io;v=v1", false), None);
        assert_eq!(form("application/yaml").ok().map(|f| f.encoding), Some(Encoding::Yaml));
        assert_eq!(form("text/html,application/json;q=0.8,*/*;q=0.9").ok().map(|f| f.encoding), Some(Encoding::Json));
    }

    #[test]
    fn discovery_is_aggregated_for_who_asks_for_it_first() {
        let all = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json";
        assert_eq!(Accept::read(all).aggregated(), Some("v2"));
        assert_eq!(Accept::read("application/json").aggregated(), None);
        assert_eq!(Accept::read("").aggregated(), None);
    }
}
