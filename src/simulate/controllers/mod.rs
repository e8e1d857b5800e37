//! The controllers: each decides in its own file, from state alone.

/// What the controllers keep between two writes.
#[derive(Clone, Debug, Default)]
pub struct Controllers {}
