//! Transitions become verdicts: which pods are replaced, how often, because of what, and for how long nothing was available.
//!
//! ```text
//!  what changes                        Deployment       StatefulSet            DaemonSet
//!  a template field, other value       rolls            rolls                  rolls
//!  a quantity, written otherwise       stays            rolls (bytes differ)   stays
//!  paused and a template field         pending          -                      -
//!  OnDelete and a template field       -                pending                pending
//!  partition at or above replicas      -                pending                -
//!  zero replicas                       pending          pending                pending (no node)
//!  partition lowered, resumed, …       rolls what waited, if something did
//!  anything outside the template       stays (scaling starts and stops pods, it replaces none)
//! ```
//!
//! Never asks Kubernetes' rules itself: the controllers of `simulate` did, and left [`Happening`]s. A verdict is never a bool:
//! what could not be known is [`Verdict::Unknown`] with the reason.
//!
//! [`Happening`]: crate::simulate::controllers::Happening

pub mod dimensions;
mod judge;
mod merge;
mod reason;
pub mod timeline;

pub use judge::{Judged, Verdict, WORKLOADS, judge};
pub use merge::{Merged, content, merged};
pub use reason::{Field, Reason};

#[cfg(test)]
mod shapes;
