//! Every test that needs no cluster, in one binary: one module a subject.
//!
//! `golden/` holds blessed output of ours; `tests/recorded/` holds what Kubernetes does and is never re-blessed.

mod architecture;
mod bad_input;
mod replay;
mod yaml;
