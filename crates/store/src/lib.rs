//! The truth on disk: append, commit, recover; hash tiles beside it; one door to the disk.
//! Not here: business words, verdicts, threads, clocks, HTTP, views.

pub mod commit;
pub mod disk;
pub mod reader;
pub mod recover;
pub mod segment;
pub mod signer;
pub mod tiles;
pub mod tip;

#[cfg(test)]
mod fixture;
