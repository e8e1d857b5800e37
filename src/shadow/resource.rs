//! A verb on a resource becomes a look at the store or a write, and its outcome an answer.
//!
//! Follows apiserver `pkg/endpoints/handlers` (get.go, watch.go, create.go, …) for what stands around the write itself.

use super::accept::{Accept, Encoding, Form, Shape};
use super::access::{self, User};
use super::address::{Doing, Query};
use super::answer::Answer;
use super::body;
use super::journal::Client;
use super::list::{self, Selection};
use super::state::{Live, Shadow};
use super::table::{self, Include};
use super::watch::{self, Watch};
use super::{subresource, twice};
use crate::object::path::FieldPath;
use crate::object::{Gvk, ObjectId, Value, json, map_at};
use crate::schema::{Schema, Version};
use crate::simulate::resources::Served;
use crate::simulate::{ApiError, Body, Cause, Cluster, PatchKind, Request, Target, Verb, WriteOptions, unrecognized};
use bytes::Bytes;
use std::sync::Arc;
use std::time::Duration;

/// The type of a watch in protobuf.
const STREAM: &str = "application/vnd.kubernetes.protobuf;stream=watch";

/// A request for a resource.
#[derive(Debug)]
pub(super) struct Call {
    /// With what it is asked.
    pub(super) client: Client,
    /// Who asks.
    pub(super) user: User,
    /// For what.
    pub(super) target: Target,
    /// What is to be done.
    pub(super) doing: Doing,
    /// The query.
    pub(super) query: Query,
    /// `Accept`.
    pub(super) accept: Accept,
    /// `Content-Type`.
    pub(super) content_type: String,
    /// The body.
    pub(super) body: Bytes,
}

impl Call {
    /// What is read, for two reads of the same to be known.
    fn reading(&self) -> String {
        format!("{:?}{:?}", self.target, self.query)
    }
}

/// An object in the version that was asked for.
pub(super) fn as_served(cluster: &Cluster, served: &Served, object: &Arc<Value>) -> Arc<Value> {
    let wanted = served.gvk().api_version();
    if object["apiVersion"] == wanted.as_str() { Arc::clone(object) } else { cluster.in_version(served, object) }
}

/// As what objects are sent to a client.
#[derive(Clone, Debug)]
pub(super) struct Rendering {
    served: Served,
    form: Form,
    include: Include,
    version: Version,
}

impl Rendering {
    /// An object as one event of a watch shows it; `first`: no event has gone before it.
    pub(super) fn object(&self, cluster: &Cluster, object: &Arc<Value>, first: bool) -> Value {
        match self.form.shape {
            Shape::Table(version) => {
                let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
                table::table(cluster, &self.served, version, std::slice::from_ref(object), metadata, self.include, first)
            }
            Shape::Metadata(version, _) => Self::metadata_of(object, version),
            Shape::Itself => Value::clone(&as_served(cluster, &self.served, object)),
        }
    }

    /// Whether an object is sent as it is stored.
    pub(super) fn plain(&self, object: &Value) -> bool {
        self.form.shape == Shape::Itself && object["apiVersion"] == self.served.gvk().api_version().as_str()
    }

    /// The same for equal ones.
    pub(super) fn feed(&self) -> String {
        format!(" {:?} {:?} {}", self.form, self.include, self.served.version)
    }

    /// The object's metadata alone.
    pub(super) fn metadata_of(object: &Value, version: &str) -> Value {
        json!({"kind": "PartialObjectMetadata", "apiVersion": format!("meta.k8s.io/{version}"), "metadata": object["metadata"]})
    }

    /// The Kubernetes in whose protobuf events are sent; none if they are JSON.
    pub(super) fn protobuf(&self) -> Option<Version> {
        (self.form.encoding == Encoding::Protobuf).then_some(self.version)
    }

    /// `apiVersion` and `kind` of what an event holds.
    pub(super) fn names(&self, selection: &Selection) -> (String, String) {
        match self.form.shape {
            Shape::Table(version) => (format!("meta.k8s.io/{version}"), "Table".into()),
            Shape::Metadata(version, _) => (format!("meta.k8s.io/{version}"), "PartialObjectMetadata".into()),
            Shape::Itself => (selection.served.gvk().api_version(), selection.served.kind.clone()),
        }
    }

    fn one(&self, cluster: &Cluster, object: &Arc<Value>) -> Value {
        let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
        match self.form.shape {
            Shape::Table(version) => {
                table::table(cluster, &self.served, version, std::slice::from_ref(object), metadata, self.include, true)
            }
            _ => self.object(cluster, object, true),
        }
    }

    fn many(&self, cluster: &Cluster, objects: &[Arc<Value>], metadata: Value) -> Value {
        match self.form.shape {
            Shape::Table(version) => table::table(cluster, &self.served, version, objects, metadata, self.include, true),
            Shape::Metadata(version, _) => {
                let items: Vec<Value> = objects.iter().map(|o| Self::metadata_of(o, version)).collect();
                let items = if items.is_empty() { Value::Null } else { items.into() };
                json!({"kind": "PartialObjectMetadataList", "apiVersion": format!("meta.k8s.io/{version}"), "metadata": metadata, "items": items})
            }
            Shape::Itself => {
                let gvk = self.served.gvk();
                // The items of a list of a built-in kind do not say what they are; those of custom resources do.
                let builtin = self.served.definition().is_none();
                let item = |object: &Arc<Value>| {
                    let mut item = Value::clone(&as_served(cluster, &self.served, object));
                    if builtin {
                        let map = map_at(&mut item, &[]);
                        map.shift_remove("apiVersion");
                        map.shift_remove("kind");
                    }
                    item
                };
                let items: Vec<Value> = objects.iter().map(item).collect();
                let kind = self.served.list_kind();
                json!({"kind": kind, "apiVersion": gvk.api_version(), "metadata": metadata, "items": items})
            }
        }
    }
}

/// The same kind in the same form.
impl PartialEq for Rendering {
    fn eq(&self, other: &Self) -> bool {
        (self.form, self.include, &self.served.version) == (other.form, other.include, &other.served.version)
            && (&self.served.kind, &self.served.group) == (&other.served.kind, &other.served.group)
    }
}

/// Answers a call.
pub(super) fn answer(shadow: &Arc<Shadow>, call: &Call) -> Answer {
    let answer = access::check(shadow, call).and_then(|()| decide(shadow, call)).unwrap_or_else(|error| Answer::refusal(&error));
    let live = shadow.lock();
    let answer = answer.warned_first(deprecations(&live, call));
    let (schema, custom) = (live.cluster.schema, live.cluster.served(&call.target).is_ok_and(|s| s.definition().is_some()));
    drop(live);
    match call.accept.form(custom) {
        Ok(form) if answer.succeeds() => answer.encoded(schema, form.encoding),
        _ => answer.encoded(schema, call.accept.plain()),
    }
}

/// What everybody is told who uses a resource that is on its way out; writes of custom ones have been told already.
fn deprecations(live: &Live, call: &Call) -> Vec<String> {
    let target = &call.target;
    match (target.group.as_str(), target.resource.as_str()) {
        ("", "endpoints") => vec!["v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice".into()],
        ("", "componentstatuses") => vec!["v1 ComponentStatus is deprecated in v1.19+".into()],
        _ if matches!(call.doing, Doing::Get | Doing::List | Doing::Watch) => {
            let served = live.cluster.served(target).ok();
            served.and_then(|s| s.definition().and_then(|d| d.deprecation.clone())).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn decide(shadow: &Arc<Shadow>, call: &Call) -> Result<Answer, ApiError> {
    let live = shadow.lock();
    let Ok(served) = live.cluster.served(&call.target) else { return Ok(unserved(&live, &call.target)) };
    if !has_subresource(&live.cluster, &served, &call.target) {
        let custom = served.definition().is_some();
        return if custom { Err(ApiError::not_found(&served.qualified_resource(), &call.target.name)) } else { Ok(Answer::no_resource()) };
    }
    let placed = served.namespaced || call.target.namespace.is_empty();
    if !placed || served.namespaced && call.target.namespace.is_empty() && !call.target.name.is_empty() {
        return Ok(Answer::no_resource());
    }
    if matches!(call.target.name.as_str(), "." | "..") {
        let name = &call.target.name;
        return Err(ApiError::bad_request(format!("Name parameter invalid: \"{name}\": may not be '{name}'")));
    }
    if matches!(call.target.namespace.as_str(), "." | "..") {
        return Err(ApiError::internal(format!("invalid key: \"/{}/{}\"", call.target.resource, call.target.namespace)));
    }
    if !allowed(&live.cluster, &served, call) {
        return Ok(Answer::method_not_allowed());
    }
    let version = live.cluster.schema.version();
    drop(live);
    let form = match call.accept.form(served.definition().is_some()) {
        Ok(form) => form,
        Err(refusal) => return Ok(refusal.answer(matches!(call.doing, Doing::List | Doing::Watch))),
    };
    let builtin_patch = call.doing == Doing::Patch && served.definition().is_none();
    if builtin_patch && body::patch_kind(&call.content_type).is_none() {
        return Ok(Answer::bare(415, "UnsupportedMediaType", "415: Unsupported Media Type"));
    }
    let include = if matches!(form.shape, Shape::Table(_)) { Include::of(call.query.text("includeObject"))? } else { Include::None };
    let rendering = Rendering { served: served.clone(), form, include, version };
    if let Some(answer) = subresource::answer(shadow, call, &served) {
        return answer;
    }
    match call.doing {
        Doing::Get => {
            let answer = get(shadow, call, &rendering)?;
            check_shape(&served, form.shape, call.doing)?;
            Ok(answer)
        }
        Doing::List => {
            check_shape(&served, form.shape, call.doing)?;
            let mut live = shadow.look(call.reading());
            let selection = Selection::of(served, &call.target, &call.query)?;
            let page = list::page(&mut live, &selection, &call.query)?;
            Ok(Answer::json(200, rendering.many(&live.cluster, &page.objects, page.metadata)))
        }
        Doing::Watch => watch(shadow, call, served, rendering),
        Doing::Create | Doing::Update | Doing::Patch | Doing::Delete | Doing::DeleteCollection => write(shadow, call, &rendering),
    }
}

/// Metadata alone can be asked for as that of one object or as a list, and has to be the one that there is.
fn check_shape(served: &Served, shape: Shape, doing: Doing) -> Result<(), ApiError> {
    let Shape::Metadata(_, wants_list) = shape else { return Ok(()) };
    if wants_list && doing != Doing::List && served.definition().is_some() {
        return Err(ApiError::new(500, crate::simulate::Reason::None, "content is not a list"));
    }
    let (group, kind) = list::stored(served);
    let package = if group.is_empty() { "core" } else { group.split('.').next().unwrap_or_default() };
    let (package, kind) = if served.definition().is_some() { ("unstructured", "Unstructured".to_owned()) } else { (package, kind) };
    let message = match (wants_list, doing == Doing::List) {
        (true, false) => format!("you requested PartialObjectMetadataList, but the requested object is not a list (*{package}.{kind})"),
        (false, true) => format!("you requested PartialObjectMetadata, but the requested object is a list (*{package}.{kind}List)"),
        _ => return Ok(()),
    };
    Err(ApiError::new(406, crate::simulate::Reason::NotAcceptable, message))
}

/// Where nothing is served: in a group of Kubernetes the API says so, elsewhere the web server.
fn unserved(live: &Live, target: &Target) -> Answer {
    let known = super::discovery::has_group(&live.cluster, &target.group);
    if known { Answer::no_resource() } else { Answer::nowhere() }
}

fn subresource_name(target: &Target) -> String {
    format!("{}/{}", target.resource, target.subresource)
}

/// Whether a resource has the subresource that is asked for.
fn has_subresource(cluster: &Cluster, served: &Served, target: &Target) -> bool {
    if target.subresource.is_empty() {
        return true;
    }
    match served.definition() {
        Some(definition) => match target.subresource.as_str() {
            "status" => definition.status,
            "scale" => definition.scale.is_some(),
            _ => false,
        },
        None => cluster.schema.find(&target.group, &target.version, &subresource_name(target)).is_some(),
    }
}

/// Whether the resource has the verb.
fn allowed(cluster: &Cluster, served: &Served, call: &Call) -> bool {
    let target = &call.target;
    let across = target.namespace.is_empty() && served.namespaced;
    // Objects in namespaces are created, and deleted together, in one namespace.
    let scoped = !(across && (matches!(call.doing, Doing::Create | Doing::DeleteCollection) || !target.name.is_empty()));
    let verbs = match (target.subresource.is_empty(), served.definition()) {
        (true, _) => &served.verbs,
        (false, None) => match cluster.schema.find(&target.group, &target.version, &subresource_name(target)) {
            Some(below) => &below.verbs,
            None => return false,
        },
        (false, Some(_)) => return matches!(call.doing, Doing::Get | Doing::Update | Doing::Patch),
    };
    scoped && verbs.iter().any(|v| v == call.doing.verb())
}

fn id_of(served: &Served, target: &Target) -> ObjectId {
    let (group, kind) = list::stored(served);
    ObjectId { group: group.into(), kind: kind.into(), namespace: target.namespace.clone().into(), name: target.name.clone().into() }
}

fn get(shadow: &Shadow, call: &Call, rendering: &Rendering) -> Result<Answer, ApiError> {
    let live = shadow.look(call.reading());
    let served = &rendering.served;
    list::revision(call.query.text("resourceVersion"))
        .map_err(|e| ApiError::bad_request(format!("invalid resource version: {}", e.message)))?;
    let object = stored(&live, served, &call.target)?;
    if call.target.subresource == "scale" {
        return Ok(Answer::json(200, live.cluster.scale_of(served, &object)?));
    }
    Ok(Answer::json(200, rendering.one(&live.cluster, &object)))
}

/// The stored object that a target names.
///
/// # Errors
/// 404 if there is none.
pub(super) fn stored(live: &Live, served: &Served, target: &Target) -> Result<Arc<Value>, ApiError> {
    let found = live.cluster.store.get(&id_of(served, target)).cloned();
    found.ok_or_else(|| ApiError::not_found(&served.qualified_resource(), &target.name))
}

fn watch(shadow: &Arc<Shadow>, call: &Call, served: Served, rendering: Rendering) -> Result<Answer, ApiError> {
    list::check(&call.query, true)?;
    // The server converts the number itself only where it lists.
    list::revision(call.query.text("resourceVersion")).map_err(|e| ApiError::internal(e.message))?;
    let selection = Selection::of(served, &call.target, &call.query)?;
    let timeout = list::number(&call.query, "timeoutSeconds")?.filter(|s| *s > 0).map(Duration::from_secs);
    let initial_events = call.query.flag("sendInitialEvents") == Some(true);
    let bookmarks = call.query.flag("allowWatchBookmarks") == Some(true);
    let from = {
        let live = shadow.lock();
        list::watch_from(&call.query, live.cluster.store.revision(), live.history.oldest())?
    };
    let watch = Watch { selection, rendering: Arc::new(rendering), from, bookmarks, initial_events: initial_events && bookmarks, timeout };
    let media = if watch.rendering.protobuf().is_some() { STREAM } else { super::answer::JSON };
    Ok(Answer::stream(media, watch::start(shadow, watch)?))
}

fn write(shadow: &Shadow, call: &Call, rendering: &Rendering) -> Result<Answer, ApiError> {
    let schema = shadow.lock().cluster.schema;
    let mut request = request(schema, call, &rendering.served)?;
    let mut listed = None;
    if call.doing == Doing::DeleteCollection {
        let selection = Selection::of(rendering.served.clone(), &call.target, &call.query)?;
        let page = list::page(&mut shadow.lock(), &selection, &call.query)?;
        request.options.chosen = Some(page.objects.iter().map(|o| ObjectId::of(o)).collect());
        listed = Some(page);
    }
    let mut warnings = said_twice(&request, &rendering.served)?;
    let mut response = shadow.write(&call.client, &request);
    warnings.append(&mut response.warnings);
    let answer = match &response.result {
        Ok(_) if let Some(page) = listed => {
            let live = shadow.lock();
            Answer::json(200, rendering.many(&live.cluster, &page.objects, page.metadata))
        }
        Ok(object) => {
            let live = shadow.lock();
            let value = if Gvk::of(object) == rendering.served.gvk() && call.doing != Doing::Delete {
                rendering.one(&live.cluster, object)
            } else {
                Value::clone(object)
            };
            Answer::json(response.code, value)
        }
        Err(error) => Answer::refusal(error),
    };
    Ok(answer.warnings(&warnings))
}

/// Warnings of fields that stand twice in what was sent as JSON.
///
/// # Errors
/// 400 or 422 if that is not allowed.
fn said_twice(request: &Request, served: &Served) -> Result<Vec<String>, ApiError> {
    let strict = match request.options.field_validation.as_str() {
        "Ignore" => return Ok(Vec::new()),
        validation => validation == "Strict",
    };
    let whole = matches!(request.verb, Verb::Create | Verb::Update);
    let Body::Text(text) = &request.body else { return Ok(Vec::new()) };
    if !whole && !matches!(request.verb, Verb::Patch(PatchKind::Merge | PatchKind::Strategic)) {
        return Ok(Vec::new());
    }
    let warnings: Vec<String> = twice::fields(text).iter().map(|path| format!("duplicate field {path:?}")).collect();
    if warnings.is_empty() || !strict {
        return Ok(warnings);
    }
    let why = format!("strict decoding error: {}", warnings.join(", "));
    let (kind, version) = (&served.kind, &served.version);
    Err(if whole {
        ApiError::bad_request(format!("{kind} in version {version:?} cannot be handled as a {kind}: {why}"))
    } else {
        ApiError::invalid("", "", vec![Cause::invalid(&FieldPath::new("patch"), &format!("{text:?}"), &why)])
    })
}

/// A call as the write path takes it.
///
/// # Errors
/// 400 or 415 for a body that cannot be read.
pub(super) fn request(schema: &'static Schema, call: &Call, served: &Served) -> Result<Request, ApiError> {
    let query = &call.query;
    let (verb, body) = match call.doing {
        Doing::Patch => {
            let kind = body::patch_kind(&call.content_type).ok_or_else(unsupported_patch)?;
            (Verb::Patch(kind), if kind == PatchKind::Apply { body::configuration(&call.body)? } else { body::text(&call.body) })
        }
        Doing::Create => (Verb::Create, whole(schema, call, served)?),
        Doing::Update => (Verb::Update, whole(schema, call, served)?),
        Doing::DeleteCollection => (Verb::DeleteCollection, delete_options(schema, call)?),
        _ => (Verb::Delete, delete_options(schema, call)?),
    };
    let force = query.get("force").map(|_| query.flag("force") == Some(true));
    let options = WriteOptions {
        field_manager: query.text("fieldManager").to_owned(),
        force: force.filter(|_| matches!(verb, Verb::Patch(_))),
        dry_run: query.text("dryRun").to_owned(),
        field_validation: query.text("fieldValidation").to_owned(),
        label_selector: query.text("labelSelector").to_owned(),
        chosen: None,
        user_agent: call.client.user_agent.clone(),
    };
    Ok(Request { verb, target: call.target.clone(), options, body })
}

fn whole(schema: &'static Schema, call: &Call, served: &Served) -> Result<Body, ApiError> {
    let media = body::media(&call.content_type, served.definition().is_some())?;
    body::object(schema, media, &call.body).map_err(|why| unrecognized(&served.kind, &why, &call.body))
}

/// The options of a DELETE: from its body, else from the query.
fn delete_options(schema: &'static Schema, call: &Call) -> Result<Body, ApiError> {
    if !call.body.is_empty() {
        return body::object(schema, body::media(&call.content_type, false)?, &call.body).map_err(ApiError::bad_request);
    }
    let mut options = json!({});
    let mut set = |key: &str, value: Value| drop(map_at(&mut options, &[]).insert(key.into(), value));
    if let Some(seconds) = list::number(&call.query, "gracePeriodSeconds")? {
        set("gracePeriodSeconds", seconds.into());
    }
    match call.query.text("propagationPolicy") {
        "" => {}
        policy => set("propagationPolicy", policy.into()),
    }
    if let Some(orphan) = call.query.flag("orphanDependents") {
        set("orphanDependents", orphan.into());
    }
    if let Some(dry_run) = call.query.get("dryRun") {
        set("dryRun", json!([dry_run]));
    }
    Ok(Body::Value(if options == json!({}) { Value::Null } else { options }))
}

fn unsupported_patch() -> ApiError {
    let taken = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
    let message = format!("the body of the request was in an unknown format - accepted media types include: {taken}");
    ApiError::new(415, crate::simulate::Reason::UnsupportedMediaType, message)
}
