//! The write path: decode, default, patch, own, admit, prepare, validate, store.
