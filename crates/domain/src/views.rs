//! What people ask of a ledger: pure folds over its states, for any moment that it was folded to.
//! Invariant: nothing here is kept; a view is made from the states and forgotten.

pub mod changes;
pub mod guarantees;
pub mod keys;
pub mod past;
