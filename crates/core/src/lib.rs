//! Bytes, hashes, the tree, notes, proofs, keys and the audit of one ledger.
//! Not here: files, clocks, randomness, threads, and any word of the customs house.

pub mod audit;
pub mod checkpoint;
pub mod entry;
pub mod frame;
pub mod hash;
pub mod json;
pub mod keys;
pub mod map;
pub mod merkle;
pub mod note;
pub mod policy;
pub mod receipt;
pub mod statement;
pub mod tile;
pub mod time;
