//! Transitions become verdicts: which pods are replaced, how often, because of what, and for how long nothing was available.

pub mod timeline;

#[cfg(test)]
mod shapes;
