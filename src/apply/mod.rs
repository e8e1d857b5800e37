//! Merging and ownership: server-side apply, patches, managed fields. Knows no kind by name: what is special to a kind comes from schema data.

pub mod field_manager;
pub mod field_set;
pub mod fields_v1;
mod go_format;
pub mod last_applied;
pub mod managers;
pub mod scale;
pub mod server_side;
pub mod times;
pub mod typed;

#[cfg(test)]
#[cfg(test)]
mod recorded;
