//! Merging and ownership: server-side apply, patches, managed fields. Knows no kind by name: what is special to a kind comes from schema data.
