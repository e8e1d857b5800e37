//! Every test that needs no cluster, in one binary: one module a subject.
//!
//! `golden/` holds blessed output of ours; `tests/recorded/` holds what Kubernetes does and is never re-blessed.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test binary: nothing is public, a failure is a panic, time is real"
)]

mod answers;
mod architecture;
mod cli;
mod golden_render;
mod replay;
mod verdicts;
mod yaml;
