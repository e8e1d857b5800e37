//! A pinned fleet and its templates become manifests.
