//! Merging and ownership: server-side apply, patches, managed fields. Knows no kind by name: what is special to a kind comes from schema data.

#[cfg(test)]
mod conformance;
pub mod json_patch;
pub mod merge_patch;
mod patch_error;
#[cfg(test)]
mod recordings;
pub mod strategic;
pub mod strategic_diff;

pub use patch_error::PatchError;
