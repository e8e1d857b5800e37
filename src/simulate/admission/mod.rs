//! Admission that alters or refuses: what the plugins that are on by default do to a write.
