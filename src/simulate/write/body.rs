//! The body of a write becomes a decoded, defaulted object.

use super::Write;
use crate::apply::go_format::plain;
use crate::apply::server_side::{unconvertible, undecodable};
use crate::apply::strategic::leftover;
use crate::apply::{json_patch, merge_patch};
use crate::object::path::FieldPath;
use crate::object::{Gvk, Map, Value, json_kind, json_text, map_at, text};
use crate::schema::{convert::convert, decode};
use crate::simulate::{ApiError, Body, Cause, Cluster, PatchKind, Verb, autoscalers, defaults};
use std::num::IntErrorKind;

/// The metadata that only the server writes (`pkg/registry/rest/meta.go:WipeObjectMetaSystemFields`).
const SYSTEM_METADATA: [&str; 5] = ["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "selfLink"];

/// What to do about fields the server does not know.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Validation {
    Ignore,
    Warn,
    Strict,
}

impl Write<'_> {
    /// The body as a value of the shape that the verb asks for.
    ///
    /// # Errors
    /// 400 for a text that cannot be read, and for a value of another shape.
    pub(super) fn body(&self) -> Result<Value, ApiError> {
        let (value, text) = match &self.request.body {
            Body::Value(value) => (value.clone(), None),
            Body::Text(text) if self.request.verb == Verb::Patch(PatchKind::Apply) => (parse(text)?, None),
            Body::Text(text) => (json_text::parse(text.as_bytes()).map_err(|why| self.unreadable(&why, text))?, Some(text.as_str())),
        };
        self.shaped(value, text)
    }

    /// Refuses values that Go cannot read into the type that each handler has for its body.
    fn shaped(&self, value: Value, text: Option<&str>) -> Result<Value, ApiError> {
        let cannot = |ty: &str| format!("json: cannot unmarshal {} into Go value of type {ty}", json_kind(&value));
        let why = match (self.request.verb, &value) {
            (Verb::Patch(PatchKind::Json), Value::Null) => return Ok(Value::Array(Vec::new().into())),
            (Verb::Patch(PatchKind::Json), Value::Array(_)) | (_, Value::Object(_)) if self.takes(&value) => return Ok(value),
            (Verb::Patch(PatchKind::Json), _) => cannot("[]handlers.jsonPatchOp"),
            (Verb::Patch(PatchKind::Merge), Value::Null) => return Err(ApiError::bad_request("Invalid JSON Patch")),
            (Verb::Delete | Verb::DeleteCollection, Value::Null) => return Ok(value),
            (_, Value::Null) => return Ok(Value::Object(Map::new())),
            (Verb::Patch(_), _) => cannot("map[string]interface {}"),
            (_, Value::Object(map)) => {
                let wrong = ["apiVersion", "kind"].into_iter().find(|k| map.get(k).is_some_and(|v| !v.is_string() && !v.is_null()));
                let key = wrong.unwrap_or("kind");
                format!("json: cannot unmarshal {} into Go struct field .{key} of type string", json_kind(&value[key]))
            }
            _ => {
                let field = |go: &str, json: &str| format!(r#"{go} string "json:\"{json},omitempty\"""#);
                cannot(&format!("struct {{ {}; {} }}", field("APIVersion", "apiVersion"), field("Kind", "kind")))
            }
        };
        let shown = text.map_or_else(|| value.to_string(), str::to_owned);
        Err(match self.request.verb {
            Verb::Patch(PatchKind::Apply) => {
                ApiError::bad_request(format!("error decoding YAML: error unmarshaling JSON: while decoding JSON: {why}"))
            }
            _ => self.unreadable(&why, &shown),
        })
    }

    /// Whether an object, or a list of operations, can be looked at further.
    fn takes(&self, value: &Value) -> bool {
        match (self.request.verb, value) {
            (Verb::Patch(PatchKind::Json), value) => value.is_array(),
            (Verb::Create | Verb::Update, Value::Object(map)) => {
                ["apiVersion", "kind"].into_iter().all(|key| map.get(key).is_none_or(|v| v.is_string() || v.is_null()))
            }
            _ => true,
        }
    }

    /// Keeps what the object was decoded from, with its empty maps as defaulting leaves them.
    pub(super) fn remember(&mut self, mut sent: Value) {
        defaults::default_empties(&self.served.gvk(), &mut sent);
        self.sent = Some(std::sync::Arc::new(sent));
    }

    /// A body that is no JSON of the right shape.
    fn unreadable(&self, why: &str, text: &str) -> ApiError {
        ApiError::bad_request(match self.request.verb {
            Verb::Create | Verb::Update => {
                return unrecognized(&self.served.kind, &format!("couldn't get version/kind; json parse error: {why}"), text.as_bytes());
            }
            Verb::Patch(PatchKind::Strategic) => why.to_owned(),
            Verb::Patch(_) => format!("error decoding patch: {why}"),
            Verb::Delete | Verb::DeleteCollection => format!("couldn't get version/kind; json parse error: {why}"),
        })
    }

    fn validation(&self) -> Validation {
        match self.request.options.field_validation.as_str() {
            "Ignore" => Validation::Ignore,
            "Strict" => Validation::Strict,
            _ => Validation::Warn,
        }
    }

    /// Decodes an object sent whole: fills in its kind, refuses or warns of unknown fields, defaults it.
    pub(super) fn decode_object(&mut self, cluster: &Cluster, sent: &Value) -> Result<Value, ApiError> {
        let mut body = sent.clone();
        let gvk = self.served.gvk();
        if self.served.definition().is_some() {
            return self.decode_custom(cluster, &gvk.kind, sent);
        }
        let sent = Gvk::of(&body);
        self.check_kind(cluster, &gvk, &sent, &body)?;
        let map = map_at(&mut body, &[]);
        map.insert("apiVersion".into(), gvk.api_version().into());
        map.insert("kind".into(), gvk.kind.clone().into());
        let decoded = decode::decode(cluster.schema, &self.ty, &body).map_err(|e| {
            let (kind, version) = (&gvk.kind, &gvk.version);
            ApiError::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {}", e.message))
        })?;
        let unknown: Vec<String> = decoded.unknown.iter().map(|path| format!("unknown field \"{path}\"")).collect();
        if !unknown.is_empty() && self.validation() == Validation::Strict {
            let (kind, version, list) = (&gvk.kind, &gvk.version, unknown.join(", "));
            return Err(ApiError::bad_request(format!(
                "{kind} in version {version:?} cannot be handled as a {kind}: strict decoding error: {list}"
            )));
        }
        self.warn_unknown(unknown);
        let mut object = decoded.value;
        defaults::apply(&gvk, cluster.schema.version(), &mut object);
        defaults::keep_emptied(&gvk, &body, &mut object);
        object = autoscalers::as_decoded(cluster.schema, object);
        wrong_generation(&gvk, &object).map_or(Ok(object), |why| {
            let (kind, version) = (&gvk.kind, &gvk.version);
            Err(ApiError::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}")))
        })
    }

    /// Decodes a custom resource sent whole.
    fn decode_custom(&mut self, cluster: &Cluster, kind: &str, body: &Value) -> Result<Value, ApiError> {
        let gvk = self.served.gvk();
        let unrecognized =
            |why: &str| ApiError::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why}"));
        if !body.is_object() {
            return Err(unrecognized("couldn't get version/kind"));
        }
        let told = Gvk::of(body);
        if told.kind.is_empty() {
            let raw = body.to_string();
            let start: String = raw.chars().take(30).collect();
            return Err(unrecognized(&format!("Object 'Kind' is missing in '{raw}' ({start} ...)")));
        }
        if told.api_version() != gvk.api_version() {
            return Err(ApiError::bad_request(format!(
                "the API version in the data ({}) does not match the expected API version ({})",
                told.api_version(),
                gvk.api_version()
            )));
        }
        let cannot = |why: &str| {
            let version = &gvk.version;
            ApiError::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
        };
        let Some(definition) = self.served.definition() else { return Err(cannot("it has no definition")) };
        let decoded = definition.decode(cluster.schema, body).map_err(|why| cannot(&why))?;
        let unknown: Vec<String> = decoded.unknown.iter().map(|path| format!("unknown field \"{path}\"")).collect();
        if !unknown.is_empty() && self.validation() == Validation::Strict {
            return Err(cannot(&format!("strict decoding error: {}", unknown.join(", "))));
        }
        self.warn_unknown(unknown);
        Ok(decoded.value)
    }

    /// The object must be of the endpoint's kind and version. What it leaves open is taken to be.
    fn check_kind(&self, cluster: &Cluster, gvk: &Gvk, sent: &Gvk, body: &Value) -> Result<(), ApiError> {
        let told = |own: &str, key: &str| if text(body, &[key]).is_empty() { gvk_part(gvk, key) } else { own.to_owned() };
        let (kind, api_version) = (told(&sent.kind, "kind"), told(&sent.api_version(), "apiVersion"));
        let named = Gvk::new(&api_version, &kind);
        if named == *gvk {
            return Ok(());
        }
        let cannot =
            |why: &str| ApiError::bad_request(format!("{kind} in version {:?} cannot be handled as a {}: {why}", named.version, gvk.kind));
        if cluster.schema.resource_of(&named.group, &named.version, &named.kind).is_none() {
            return Err(cannot(&format!(
                "no kind {kind:?} is registered for version {api_version:?} in scheme \"pkg/api/legacyscheme/scheme.go:30\""
            )));
        }
        if named.group != gvk.group || named.version != gvk.version {
            let own = gvk.api_version();
            return Err(ApiError::bad_request(format!(
                "the API version in the data ({api_version}) does not match the expected API version ({own})"
            )));
        }
        let internal = gvk.group.split('.').next().filter(|g| !g.is_empty()).unwrap_or("core");
        Err(cannot(&format!("converting ({}.{kind}) to ({internal}.{}): unknown conversion", named.version, gvk.kind)))
    }

    /// Decodes and defaults what a patch made of the live object.
    pub(super) fn decode_patched(&mut self, cluster: &Cluster, patched: &mut Value) -> Result<Value, ApiError> {
        let mut warnings = Vec::new();
        let object = self.decode_merged(cluster, patched, &mut warnings);
        self.warnings.extend(warnings);
        object
    }

    /// Decodes and defaults what a patch or an apply made of the live object; warnings are handed out.
    pub(super) fn decode_merged(&self, cluster: &Cluster, patched: &mut Value, warnings: &mut Vec<String>) -> Result<Value, ApiError> {
        if let Some(definition) = self.served.definition() {
            let decoded = definition.decode(cluster.schema, patched).map_err(|why| self.invalid_patch(cluster, patched, &why))?;
            return self.known(cluster, patched, decoded.unknown, warnings).map(|()| decoded.value);
        }
        self.decode_as(cluster, &self.served.gvk(), patched, warnings)
    }

    /// The same for an object of another kind than the resource's own: a `Scale`.
    pub(super) fn decode_as(
        &self,
        cluster: &Cluster,
        gvk: &Gvk,
        patched: &mut Value,
        warnings: &mut Vec<String>,
    ) -> Result<Value, ApiError> {
        if self.is_strategic() || self.request.verb == Verb::Patch(PatchKind::Apply) {
            convert(cluster.schema, &self.ty, patched).map_err(|why| self.invalid_patch(cluster, patched, &why))?;
        }
        let decoded = decode::decode(cluster.schema, &self.ty, patched).map_err(|e| self.invalid_patch(cluster, patched, &e.message))?;
        self.known(cluster, patched, decoded.unknown, warnings)?;
        let mut object = decoded.value;
        if self.is_strategic() {
            // Its result is read into an object of the kind, whatever it says of its own.
            let map = map_at(&mut object, &[]);
            map.entry("apiVersion").or_insert_with(|| gvk.api_version().into());
            map.entry("kind").or_insert_with(|| gvk.kind.clone().into());
        }
        defaults::apply(gvk, cluster.schema.version(), &mut object);
        defaults::keep_emptied(gvk, patched, &mut object);
        object = autoscalers::as_decoded(cluster.schema, object);
        wrong_generation(gvk, &object).map_or(Ok(object), |why| {
            Err(match self.request.verb {
                Verb::Patch(PatchKind::Strategic) => ApiError::internal(why),
                Verb::Patch(PatchKind::Apply) => ApiError::internal(unconvertible(&self.body().unwrap_or_default(), &why)),
                _ => self.invalid_patch(cluster, patched, &why),
            })
        })
    }

    /// Refuses unknown fields of a patched object, or warns of them.
    fn known(&self, cluster: &Cluster, patched: &Value, unknown: Vec<String>, warnings: &mut Vec<String>) -> Result<(), ApiError> {
        let mut unknown: Vec<String> = unknown.iter().map(|path| format!("unknown field \"{path}\"")).collect();
        if self.is_strategic() {
            unknown.sort_unstable();
        }
        if !unknown.is_empty() && self.validation() == Validation::Strict {
            return Err(self.invalid_patch(cluster, patched, &format!("strict decoding error: {}", unknown.join(", "))));
        }
        if self.validation() == Validation::Warn {
            warnings.extend(unknown);
        }
        Ok(())
    }

    /// What came of a patch is no object of the kind: told with the object, for a strategic merge patch with the patch.
    fn invalid_patch(&self, cluster: &Cluster, patched: &Value, why: &str) -> ApiError {
        if self.request.verb == Verb::Patch(PatchKind::Apply) {
            return ApiError::internal(undecodable(&self.body().unwrap_or_default(), why));
        }
        let told = match self.body() {
            Ok(patch) if self.is_strategic() => {
                plain(&leftover(cluster.schema, &self.ty, self.patched.as_deref().unwrap_or(&Value::Null), &patch))
            }
            Ok(patch) if self.request.verb == Verb::Patch(PatchKind::Merge) => merge_patch::as_written(patched, &patch).to_string(),
            Ok(patch) if self.request.verb == Verb::Patch(PatchKind::Json) => json_patch::as_written(patched, &patch).to_string(),
            _ => patched.to_string(),
        };
        let cause = Cause::invalid(&FieldPath::new("patch"), &crate::simulate::status::quoted(&told), why);
        ApiError::invalid("", "", vec![cause])
    }

    fn is_strategic(&self) -> bool {
        self.request.verb == Verb::Patch(PatchKind::Strategic)
    }

    fn warn_unknown(&mut self, unknown: Vec<String>) {
        if self.validation() == Validation::Warn {
            self.warnings.extend(unknown);
        }
    }

    /// The object must be in the namespace of the URL, or say nothing of one.
    pub(super) fn settle_namespace(&self, object: &mut Value) -> Result<(), ApiError> {
        let (sent, wanted) = (text(object, &["metadata", "namespace"]), self.namespace());
        if wanted.is_empty() {
            map_at(object, &["metadata"]).shift_remove("namespace");
            return Ok(());
        }
        if !sent.is_empty() && sent != wanted {
            return Err(ApiError::bad_request("the namespace of the provided object does not match the namespace sent on the request"));
        }
        if sent.is_empty() {
            map_at(object, &["metadata"]).insert("namespace".into(), wanted.into());
        }
        Ok(())
    }

    /// The object must carry the name of the URL (`endpoints/handlers/rest.go:checkName`).
    pub(super) fn check_name(&self, object: &Value) -> Result<(), ApiError> {
        let (sent, url) = (text(object, &["metadata", "name"]), self.request.target.name.as_str());
        if sent.is_empty() {
            return Err(ApiError::bad_request(format!(
                "the name of the object ({url} based on URL) was undeterminable: name must be provided"
            )));
        }
        if sent != url {
            return Err(ApiError::bad_request(format!("the name of the object ({sent}) does not match the name on the URL ({url})")));
        }
        Ok(())
    }
}

/// What an object that does not say it is taken to be.
fn gvk_part(gvk: &Gvk, key: &str) -> String {
    if key == "kind" { gvk.kind.to_string() } else { gvk.api_version() }
}

/// An object of which not even the kind can be told, with the beginning of the body (`rest.go:{transformDecodeError,summarizeData}`).
pub fn unrecognized(kind: &str, why: &str, bytes: &[u8]) -> ApiError {
    const SHOWN: usize = 30;
    let cut = &bytes[..bytes.len().min(SHOWN)];
    let start = match bytes.first() {
        None => "<empty>".to_owned(),
        Some(b'{') => String::from_utf8_lossy(cut).into_owned(),
        Some(_) => cut.iter().map(|b| format!("{b:02x}")).collect(),
    };
    let more = if bytes.len() > SHOWN { " ..." } else { "" };
    ApiError::bad_request(format!("the object provided is unrecognized (must be of type {kind}): {why} ({start}{more})"))
}

/// Why a DaemonSet cannot become one of the server's own form: that has the generation of its template as a number, this as an
/// annotation (`pkg/apis/apps/v1/conversion.go`).
fn wrong_generation(gvk: &Gvk, object: &Value) -> Option<String> {
    let told = object["metadata"].get("annotations")?.get("deprecated.daemonset.template.generation")?.as_str()?;
    let error = told.parse::<i64>().err().filter(|_| gvk.kind == "DaemonSet" && gvk.group == "apps")?;
    let why = match error.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => "value out of range",
        _ => "invalid syntax",
    };
    Some(format!("strconv.ParseInt: parsing {}: {why}", crate::simulate::status::quoted(told)))
}

/// Takes out of an object to be created what only the server writes.
pub(super) fn wipe_system_metadata(object: &mut Value) {
    let metadata = map_at(object, &["metadata"]);
    for key in SYSTEM_METADATA {
        metadata.shift_remove(key);
    }
}

/// JSON, or else the first YAML document.
///
/// # Errors
/// 400 for a text that is neither.
pub fn parse(body: &str) -> Result<Value, ApiError> {
    serde_json::from_str(body).or_else(|json| {
        let looks_like_json = body.trim_start().starts_with(['{', '[']);
        let fail = |why: String| ApiError::bad_request(format!("error decoding YAML: {why}"));
        if looks_like_json { Err(ApiError::bad_request(json.to_string())) } else { yaml(body).map_err(fail) }
    })
}

/// The first document of a YAML text; an empty text is null.
fn yaml(body: &str) -> Result<Value, String> {
    let source = std::sync::Arc::new(crate::diagnostic::Source::new("body".into(), body.to_owned()));
    let documents = crate::object::yaml::load(&source).map_err(|d| d.to_string())?;
    Ok(documents.into_iter().next().map(|d| d.value).unwrap_or_default())
}
