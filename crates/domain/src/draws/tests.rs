//! Sentences about draws.
