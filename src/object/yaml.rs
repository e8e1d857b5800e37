//! YAML manifests, read and written so that kubectl sees the same values.
