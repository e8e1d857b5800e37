//! Every test that needs no cluster, in one binary: one module a subject.
//!
//! `golden/` holds blessed output of ours; `tests/recorded/` holds what Kubernetes does and is never re-blessed.

#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a test binary: nothing is public, a failure is a panic, time is real"
)]

mod answers;
mod architecture;
mod cli;
#[path = "differential/draw.rs"]
mod draw;
mod golden_render;
#[allow(dead_code, reason = "shared with the differential tester, which uses all of it")]
#[path = "differential/kinds.rs"]
mod kinds;
mod laws;
#[allow(dead_code, reason = "shared with the differential tester, which uses all of it")]
#[path = "differential/ours.rs"]
mod ours;
#[path = "differential/random.rs"]
mod random;
mod replay;
mod schedules;
#[path = "differential/sequence.rs"]
mod sequence;
mod shadow;
mod verdicts;
mod yaml;
