//! Says how many times each workload of a deploy will roll, in which step, because of which field, and how long it will be
//! down, before anything is applied.
//!
//! ```text
//!  fleet.toml ─▶ fleet ─▶ images ─▶ render ── manifests ─┐
//!                                     ▲                  ▼
//!                                templates/        pipeline steps
//!                                                        │
//!  live cluster (GET only) ─┐                            ▼
//!  snapshot file ───────────┼── cluster::State ──▶  simulate: one write path, one set of controllers, one virtual clock
//!  git revision, rendered ──┘                            │
//!                                                        ▼
//!                                       transitions {step, before, after} ─▶ roll (verdict, reason) ─▶ report: text, JSON, …
//!                                                                        └─▶ diff
//! ```
//!
//! Stages exchange one type each: `FleetFile → Fleet → PinnedFleet → Vec<Manifest> → State → Vec<Transition> → Vec<Verdict> →
//! Report`. A module imports only from those above it in this list; `tests/architecture.rs` holds that.

pub mod diagnostic;
pub mod object;

pub mod fleet;
pub mod schema;

pub mod apply;
pub mod cluster;
pub mod diff;
pub mod images;

pub mod render;
pub mod simulate;

pub mod roll;
pub mod shadow;

pub mod lint;

pub mod report;

pub mod cli;
