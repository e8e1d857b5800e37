//! The state of a cluster: from a snapshot file, a live cluster (GET only) or a git revision.
