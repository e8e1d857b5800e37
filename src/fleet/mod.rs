//! `fleet.toml` as written becomes a checked fleet.

pub mod pipeline;
