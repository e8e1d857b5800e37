//! Sends the requests of one command and keeps them with their answers.

use super::objects::Aim;
use super::{Api, Outcome, Performed};
use crate::object::Value;
use crate::simulate::autoscalers;
use crate::simulate::request::{Body, PatchKind, Request, Response, Verb, WriteOptions};
use crate::simulate::status::{ApiError, Reason};
use std::sync::Arc;

/// `User-Agent` of kubectl: what stands before the slash is the manager where none is named.
const KUBECTL: &str = "kubectl/v1.36.2";

/// A command at work on one object.
pub(super) struct Sender<'a, A> {
    pub(super) api: &'a mut A,
    pub(super) aim: &'a Aim,
    exchanges: Vec<(Request, Response)>,
}

/// The options that clients choose.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Options<'a> {
    pub(super) field_manager: &'a str,
    pub(super) field_validation: &'a str,
    pub(super) force: Option<bool>,
    pub(super) dry_run: bool,
}

impl<'a> Options<'a> {
    /// A field manager alone.
    pub(super) fn of(field_manager: &'a str) -> Self {
        Self { field_manager, ..Self::default() }
    }

    /// A field manager with `fieldValidation=Strict`.
    pub(super) fn strict(field_manager: &'a str) -> Self {
        Self { field_validation: "Strict", ..Self::of(field_manager) }
    }
}

impl<'a, A: Api> Sender<'a, A> {
    pub(super) fn new(api: &'a mut A, aim: &'a Aim) -> Self {
        Self { api, aim, exchanges: Vec::with_capacity(1) }
    }

    /// The object as it is now, in the version that is aimed at.
    pub(super) fn live(&self) -> Option<Arc<Value>> {
        let live = self.api.get(&self.aim.id)?;
        let target = &self.aim.resource;
        let wanted = format!("{}/{}", target.group, target.version);
        let other = autoscalers::converted(self.api.schema(), &live, &wanted);
        Some(other.map_or(live, |(other, _)| Arc::new(other)))
    }

    pub(super) fn create(&mut self, object: Value, options: Options<'_>) -> Result<Arc<Value>, ApiError> {
        self.send(Verb::Create, "", object, options)
    }

    pub(super) fn update(&mut self, object: Value, options: Options<'_>) -> Result<Arc<Value>, ApiError> {
        self.send(Verb::Update, "", object, options)
    }

    pub(super) fn patch(&mut self, kind: PatchKind, patch: Value, options: Options<'_>) -> Result<Arc<Value>, ApiError> {
        self.send(Verb::Patch(kind), "", patch, options)
    }

    pub(super) fn patch_scale(&mut self, patch: Value) -> Result<Arc<Value>, ApiError> {
        self.send(Verb::Patch(PatchKind::Merge), "scale", patch, Options::default())
    }

    pub(super) fn delete(&mut self, policy: &str) -> Result<Arc<Value>, ApiError> {
        self.send(Verb::Delete, "", crate::object::json!({ "propagationPolicy": policy }), Options::default())
    }

    fn send(&mut self, verb: Verb, subresource: &str, body: Value, options: Options<'_>) -> Result<Arc<Value>, ApiError> {
        let mut target = self.aim.target(subresource);
        if verb == Verb::Create {
            target.name.clear();
        }
        let options = WriteOptions {
            field_manager: options.field_manager.into(),
            field_validation: options.field_validation.into(),
            force: options.force,
            dry_run: if options.dry_run { "All".into() } else { String::new() },
            user_agent: KUBECTL.into(),
            ..WriteOptions::default()
        };
        let request = Request { verb, target, options, body: Body::Value(body) };
        let response = self.api.write(&request);
        let result = response.result.clone();
        self.exchanges.push((request, response));
        result
    }

    /// The command's end.
    pub(super) fn done(self, command: String, outcome: Outcome) -> Performed {
        Performed { object: self.aim.id.clone(), exchanges: self.exchanges, outcome, command }
    }
}

/// The outcome of a last request: what kubectl says when it went well, else the error behind `doing`.
pub(super) fn outcome<T>(aim: &Aim, result: Result<T, ApiError>, done: Outcome, doing: &str) -> Outcome {
    match result {
        Ok(_) => done,
        Err(error) if doing.is_empty() => Outcome::Failed(from_server(aim, &error)),
        Err(error) => Outcome::Failed(format!("error: {doing}: {}", error.message)),
    }
}

/// `Error from server (Conflict): …`, or `The Deployment "x" is invalid: …`.
pub(super) fn from_server(aim: &Aim, error: &ApiError) -> String {
    let causes: Vec<String> = error.causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
    match (error.reason, &causes[..]) {
        (Reason::Invalid, []) => format!("The request is invalid: {}", error.message),
        (Reason::Invalid, [one]) => format!("The {} {:?} is invalid: {one}", aim.id.kind, aim.id.name),
        (Reason::Invalid, many) => format!("The {} {:?} is invalid: \n* {}", aim.id.kind, aim.id.name, many.join("\n* ")),
        (Reason::None, _) => format!("Error from server: {}", error.message),
        (reason, _) => format!("Error from server ({}): {}", reason.as_str(), error.message),
    }
}
