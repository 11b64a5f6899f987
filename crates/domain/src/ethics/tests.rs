//! Sentences about registrations.
