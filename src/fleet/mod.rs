//! `fleet.toml` as written becomes a checked fleet.
