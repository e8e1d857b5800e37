//! Verdicts become text, JSON and other formats: one file each.
