//! Merging and ownership: server-side apply, patches, managed fields. Knows no kind by name: what is special to a kind comes from schema data.

pub mod field_manager;
pub mod field_set;
pub mod fields_v1;
pub(crate) mod go_format;
pub mod json_patch;
pub mod last_applied;
pub mod managers;
pub mod merge_patch;
mod owned;
mod patch_error;
pub mod scale;
pub mod server_side;
pub mod strategic;
pub mod strategic_diff;
pub mod times;
pub mod typed;

pub use patch_error::PatchError;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod recorded;
#[cfg(test)]
mod recordings;
