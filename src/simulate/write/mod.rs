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
mod scale;
mod update;

use super::resources::Served;
use super::{ApiError, Cluster, Request, Response, Verb, validate};
use crate::object::{ObjectId, Value};
use crate::schema::Type;
use std::sync::Arc;

/// One write on its way through.
struct Write<'r> {
    request: &'r Request,
    served: Served,
    ty: Type,
    dry_run: bool,
    /// What the object was decoded from: the body, or what a patch made of the live object.
    sent: Option<Value>,
    warnings: Vec<String>,
}

/// What a write ended in: the status and the object to answer with.
type Outcome = Result<(u16, Arc<Value>), ApiError>;

impl Cluster {
    /// Does one write as the API server does it, and lets no controller run: the caller decides when they do.
    pub fn write(&mut self, request: &Request) -> Response {
        let mut warnings = Vec::new();
        let outcome = self.begin(request).and_then(|mut write| {
            let outcome = self.carry_out(&mut write);
            warnings = write.warnings;
            outcome
        });
        match outcome {
            Ok((code, object)) => Response { code, result: Ok(object), warnings },
            Err(error) => Response { code: error.code, result: Err(error), warnings },
        }
    }

    fn begin<'r>(&self, request: &'r Request) -> Result<Write<'r>, ApiError> {
        let served = self.served(&request.target)?;
        options::check(request)?;
        let ty = served.ty.clone().unwrap_or(Type::Any);
        Ok(Write { request, served, ty, dry_run: !request.options.dry_run.is_empty(), sent: None, warnings: Vec::new() })
    }

    fn carry_out(&mut self, write: &mut Write<'_>) -> Outcome {
        if write.request.target.subresource == "scale" && !matches!(write.request.verb, Verb::Delete | Verb::DeleteCollection) {
            return self.write_scale(write);
        }
        match write.request.verb {
            Verb::Create => self.create(write),
            Verb::Update => self.replace(write),
            Verb::Patch(kind) => self.patch(write, kind),
            Verb::Delete => self.delete(write),
            Verb::DeleteCollection => self.delete_collection(write),
        }
    }
}

impl Write<'_> {
    /// The object that the URL names.
    fn id(&self) -> ObjectId {
        let target = &self.request.target;
        ObjectId {
            group: target.group.clone(),
            kind: self.served.kind.clone(),
            namespace: target.namespace.clone(),
            name: target.name.clone(),
        }
    }

    /// The namespace that objects of this request must carry: none for a cluster's own.
    fn namespace(&self) -> &str {
        if self.served.namespaced { &self.request.target.namespace } else { "" }
    }

    /// What validation has to know.
    fn checks(&self, cluster: &Cluster) -> validate::Context {
        validate::Context { gvk: self.served.gvk(), version: cluster.schema.version(), namespaced: self.served.namespaced }
    }

    fn not_found(&self) -> ApiError {
        ApiError::not_found(&self.served.qualified_resource(), &self.request.target.name)
    }
}
