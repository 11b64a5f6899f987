//! Placeholder header, replaced with the crate.
