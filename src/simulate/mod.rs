//! A Kubernetes cluster in memory: the API server's write path, the controllers, and a virtual clock.
//!
//! [`Cluster::write`] is the one way in. A step of a pipeline and a rehearsed HTTP request both come through it, so they cannot
//! disagree. Nothing here does I/O or reads a clock.

pub mod admission;
pub mod clients;
pub mod clock;
pub mod controllers;
pub mod defaults;
pub mod kubelet;
//pub mod pipeline;
mod request;
pub mod resources;
mod status;
mod store;
pub mod strategy;
pub mod validate;
mod write;

pub use request::{Body, PatchKind, Request, Response, Target, Verb, WriteOptions};
pub use status::{ApiError, Cause, Reason};
pub use store::{Change, Store};

use crate::schema::{Resource, Schema, Version};
use std::fmt;
use std::sync::Arc;

/// The simulated cluster.
#[derive(Clone)]
pub struct Cluster {
    /// What it stores.
    pub store: Store,
    /// The schema of its version.
    pub schema: &'static Schema,
    /// The resources that its CustomResourceDefinitions establish.
    pub custom: Vec<Arc<Resource>>,
    /// Its virtual clock.
    pub clock: clock::Clock,
    /// What the controllers work on between two writes.
    pub controllers: controllers::Controllers,
}

impl Cluster {
    /// An empty cluster of a version, at the start of its clock.
    pub fn new(version: Version, clock: clock::Clock) -> Self {
        Self {
            store: Store::default(),
            schema: Schema::of(version),
            custom: Vec::new(),
            clock,
            controllers: controllers::Controllers::default(),
        }
    }

    /// Puts an object in as it stands in a snapshot: no defaulting, no admission, no controllers.
    pub fn load(&mut self, object: Arc<crate::object::Value>) {
        self.store.load(object);
        self.controllers.reload();
    }
}

impl fmt::Debug for Cluster {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Cluster({}, {} objects)", self.schema.version(), self.store.len())
    }
}
