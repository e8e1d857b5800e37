//! The write path: options, body, decode, default, patch, own, admit, prepare, validate, store.
//!
//! Follows `staging/src/k8s.io/apiserver/pkg/endpoints/handlers` ({create,update,patch,delete}.go) and
//! `pkg/registry/generic/registry/store.go`: each file here is one of those handlers. What is special to a kind lives in
//! `defaults`, `strategy`, `validate` and `admission`; merging and ownership live in `apply`.

mod body;
mod create;
mod delete;
mod options;
mod patch;
mod pods;
mod scale;
mod update;

pub use body::{parse as parsed, unrecognized};

use super::resources::Served;
use super::{
    ApiError, Cluster, Doubt, PatchKind, Reason, Request, Response, Verb, admission, autoscalers, custom, defaults, strategy, validate,
};
use crate::object::{Gvk, ObjectId, Value};
use crate::schema::{Type, decode};
use std::sync::Arc;

/// One write on its way through.
struct Write<'r> {
    request: &'r Request,
    served: Served,
    ty: Type,
    dry_run: bool,
    /// What the object was decoded from: the body, or what a patch made of the live object.
    sent: Option<Arc<Value>>,
    /// What a patch was merged into.
    patched: Option<Arc<Value>>,
    warnings: Vec<String>,
}

/// What a write ended in: the status and the object to answer with.
type Outcome = Result<(u16, Arc<Value>), ApiError>;

impl Cluster {
    /// Does one write as the API server does it, and lets no controller run: the caller decides when they do.
    pub fn write(&mut self, request: &Request) -> Response {
        let mut warnings = Vec::new();
        let changes = self.store.journal_len();
        let outcome = self.begin(request).and_then(|mut write| {
            let outcome = self.carry_out(&mut write);
            warnings = write.warnings;
            outcome
        });
        self.follow_up(request, &outcome, changes);
        match outcome {
            Ok((code, object)) => Response { code, result: Ok(object), warnings },
            Err(error) => Response { code: error.code, result: Err(error), warnings },
        }
    }

    fn begin<'r>(&self, request: &'r Request) -> Result<Write<'r>, ApiError> {
        let served = self.served(&request.target)?;
        let mut warnings = Vec::new();
        if let Some(definition) = served.definition() {
            warnings.extend(definition.deprecation.clone());
            check_custom(&served, request)?;
        }
        options::check(request)?;
        let ty = served.ty_in(self);
        Ok(Write { request, served, ty, dry_run: !request.options.dry_run.is_empty(), sent: None, patched: None, warnings })
    }

    /// What the server does of its own after a write, and what it would have asked others. The journal was `since` long before it.
    fn follow_up(&mut self, request: &Request, outcome: &Outcome, since: usize) {
        let changed = self.store.journal_len() > since;
        if outcome.is_err() || !request.options.dry_run.is_empty() {
            return;
        }
        let target = &request.target;
        if target.group == "apiextensions.k8s.io" && target.subresource.is_empty() {
            let written = outcome.as_ref().ok().map(|(_, object)| ObjectId::of(object)).unwrap_or_default();
            let name = if target.name.is_empty() { written.name } else { target.name.as_str().into() };
            let kind = "CustomResourceDefinition".to_owned();
            self.settle_definition(&ObjectId { group: target.group.as_str().into(), kind: kind.into(), namespace: "".into(), name });
        }
        self.doubt_workload(request, outcome, since);
        let Ok(Served::Custom(definition)) = self.served(target) else { return };
        // What is stored already was let in, and rules are not run when an object goes.
        if !changed || matches!(request.verb, Verb::Delete | Verb::DeleteCollection) {
            return;
        }
        let kind = format!("{}.{}", definition.resource.kind, definition.resource.group);
        let mut doubt = |text: String| self.doubts.insert(Doubt { workload: None, source: kind.clone(), text });
        if definition.has_rules() {
            doubt(format!("validation rules (CEL) of {kind} are not evaluated"));
        }
        if definition.converted && definition.api_versions.len() > 1 {
            doubt(format!("the conversion webhook of {kind} is not run"));
        }
    }

    /// Notes who would have been asked about a write of a workload.
    fn doubt_workload(&mut self, request: &Request, outcome: &Outcome, since: usize) {
        let target = &request.target;
        let workload = matches!(target.resource.as_str(), "deployments" | "statefulsets" | "daemonsets");
        if target.group != "apps" || !workload || self.trusted.contains("*") || target.subresource == "status" {
            return;
        }
        let Ok((code, answer)) = outcome else { return };
        let name = if target.name.is_empty() { crate::object::text(answer, &["metadata", "name"]) } else { &target.name };
        let Ok(served) = self.served(target) else { return };
        let id = ObjectId {
            group: target.group.as_str().into(),
            kind: served.kind.as_str().into(),
            namespace: target.namespace.as_str().into(),
            name: name.into(),
        };
        let object = self.store.get(&id).unwrap_or(answer);
        let before = self.store.changes_since(since).iter().find(|c| *c.id == id).and_then(|c| c.before.clone());
        let asked = admission::webhooks::Asked::of(self, request, *code == 201, object, before.as_deref());
        for (source, what) in asked.names() {
            if !self.trusted.contains(&source) {
                let text = format!("{what} {source} decides about it and is not run here");
                self.doubts.insert(Doubt { workload: Some(id.clone()), source, text });
            }
        }
    }

    fn carry_out(&mut self, write: &mut Write<'_>) -> Outcome {
        if write.request.target.subresource == "scale" && !matches!(write.request.verb, Verb::Delete | Verb::DeleteCollection) {
            return self.write_scale(write);
        }
        let target = &write.request.target;
        match write.request.verb {
            Verb::Create if target.resource == "pods" && target.subresource == "binding" => self.bind(write),
            Verb::Create if target.resource == "pods" && target.subresource == "eviction" => self.evict(write),
            Verb::Create => self.create(write),
            Verb::Update => self.replace(write),
            Verb::Patch(kind) => self.patch(write, kind),
            Verb::Delete => self.delete(write),
            Verb::DeleteCollection => self.delete_collection(write),
        }
    }
}

impl Cluster {
    /// The stored object that a write is about, in the version of the request and the order of its type: kubectl prints a snapshot
    /// with sorted keys, and only what stands in the same order is shared between one state of an object and the next.
    fn live(&self, write: &Write<'_>) -> Option<Arc<Value>> {
        let stored = self.store.get(&write.id())?;
        match write.served.definition() {
            Some(definition) if stored["apiVersion"] != write.served.gvk().api_version().as_str() => {
                definition.converted_from(self.schema, stored).map(Arc::new)
            }
            _ if autoscalers::stored_version(&write.served.gvk()).is_some() => Some(self.in_version(&write.served, stored)),
            definition => {
                let mut live = Arc::clone(stored);
                if let Some(hidden) = self.store.hidden(&write.id()) {
                    strategy::as_stored(self.schema, &write.ty, Arc::make_mut(&mut live), hidden);
                }
                let whole = definition.is_none() && write.request.target.subresource.is_empty();
                if whole && !decode::is_arranged(self.schema, &write.ty, &live) {
                    decode::arrange(self.schema, &write.ty, Arc::make_mut(&mut live));
                }
                Some(live)
            }
        }
    }

    /// An object in the version in which its kind is stored, if it was written in another.
    fn in_stored_version(&self, write: &Write<'_>, object: &Value) -> Option<Value> {
        let gvk = write.served.gvk();
        let stored = autoscalers::stored_version(&gvk).filter(|_| write.served.definition().is_none())?;
        autoscalers::converted(self.schema, object, stored).map(|(object, _)| object)
    }

    /// What came of a write, in the version of its request.
    fn in_own_version(&self, write: &Write<'_>, outcome: Outcome) -> Outcome {
        outcome.map(|(code, object)| (code, self.in_version(&write.served, &object)))
    }

    /// Stores an object that a write made, and gives what a reader gets of it.
    fn keep(&mut self, write: &Write<'_>, mut object: Value) -> Arc<Value> {
        let hidden = strategy::as_read(&write.served.gvk(), &mut object);
        self.store.hide(&ObjectId::of(&object), hidden);
        self.store.put(object)
    }
}

/// What the handler of custom resources refuses before it looks at the body.
fn check_custom(served: &Served, request: &Request) -> Result<(), ApiError> {
    let Some(definition) = served.definition() else { return Ok(()) };
    let there = match request.target.subresource.as_str() {
        "" => true,
        "status" => definition.status,
        "scale" => definition.scale.is_some(),
        _ => false,
    };
    if !there {
        return Err(ApiError::not_found(&served.qualified_resource(), &request.target.name));
    }
    if request.verb == Verb::Patch(PatchKind::Strategic) {
        let accepted = "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml";
        let message = format!("the body of the request was in an unknown format - accepted media types include: {accepted}");
        return Err(ApiError::new(415, Reason::UnsupportedMediaType, message));
    }
    if definition.terminating && request.verb == Verb::Create {
        let why = "create not allowed while custom resource definition is terminating";
        let message = format!("{} {:?} is forbidden: {why}", served.qualified_resource(), request.target.name);
        return Err(ApiError::new(403, Reason::Forbidden, message));
    }
    Ok(())
}

impl<'r> Write<'r> {
    /// The same write as of the version in which its kind is stored; what was sent has another form there.
    fn of_stored_version(&self, cluster: &Cluster) -> Write<'r> {
        let gvk = self.served.gvk();
        let version = autoscalers::stored_version(&gvk).and_then(|v| v.rsplit('/').next()).unwrap_or_default();
        let served = cluster.served_kind(&Gvk { version: version.into(), ..gvk }).unwrap_or_else(|| self.served.clone());
        let ty = served.ty_in(cluster);
        Write { request: self.request, served, ty, dry_run: self.dry_run, sent: None, patched: None, warnings: Vec::new() }
    }

    /// The object that the URL names.
    fn id(&self) -> ObjectId {
        let target = &self.request.target;
        ObjectId {
            group: target.group.as_str().into(),
            kind: self.served.kind.as_str().into(),
            namespace: target.namespace.as_str().into(),
            name: target.name.as_str().into(),
        }
    }

    /// The namespace that objects of this request must carry: none for a cluster's own.
    fn namespace(&self) -> &str {
        if self.served.namespaced { &self.request.target.namespace } else { "" }
    }

    /// What validation has to know.
    fn checks(&self, cluster: &Cluster) -> validate::Context {
        validate::Context {
            gvk: self.served.gvk(),
            version: cluster.schema.version(),
            namespaced: self.served.namespaced,
            sent: self.sent.clone(),
        }
    }

    /// The kind as errors name it; a custom resource is believed what it says.
    fn qualified_kind(&self, object: &Value) -> String {
        match self.served.definition() {
            Some(definition) => format!("{}.{}", crate::object::text(object, &["kind"]), definition.resource.group),
            None => self.served.qualified_kind(),
        }
    }

    /// A custom resource is pruned once more on its way into the storage, and clients are warned of odd finalizers. Of a built-in
    /// kind, no empty list or map comes back from there, nor from the codec through which a dry run goes.
    fn as_stored(&mut self, cluster: &Cluster, object: &mut Value, live: Option<&Value>) {
        let Some(definition) = self.served.definition() else {
            decode::forget_empties(cluster.schema, &self.ty, object);
            if strategy::defaulted_from_storage(&self.served.gvk()) {
                defaults::apply(&self.served.gvk(), cluster.schema.version(), object);
            }
            return;
        };
        self.warnings.extend(custom::finalizer_warnings(cluster.schema.version(), object, live));
        if let Some(stored) = definition.as_stored(cluster.schema, object) {
            *object = stored;
        }
    }

    /// What a reader gets of a stored object.
    fn as_read(&self, object: &Arc<Value>) -> Arc<Value> {
        let mut shown = Arc::clone(object);
        if self.served.kind == "Service" && self.served.group.is_empty() {
            strategy::as_read(&self.served.gvk(), Arc::make_mut(&mut shown));
        }
        shown
    }

    fn not_found(&self) -> ApiError {
        ApiError::not_found(&self.served.qualified_resource(), &self.request.target.name)
    }
}
