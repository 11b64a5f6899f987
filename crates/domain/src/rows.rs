//! Rows: what is derived from the log, as keys and values that some store keeps for us.
//! Invariant: rows are a function of the log alone, so whoever loses them makes them again; this
//! file knows their names, never where they lie.
//! Two tables: `State` is all that `decide` reads and moves from entry to entry; `History` is only
//! ever added to, so that any past moment is a seek away.
//! Limits: a key is at most 255 bytes, a value at most 16 MiB.

pub mod memory;

use std::fmt;

use lian_core::hash::Digest;

/// The longest key of a row.
pub const KEY_BYTES_MAX: usize = 255;

/// One of the two tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Table {
    /// The newest state of everything, one row per live object.
    State,
    /// Earlier states and sums, each under the entry from which it holds.
    History,
}

/// A row to be written, or to be removed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Where.
    pub table: Table,
    /// Its key.
    pub key: Vec<u8>,
    /// Its value; `None` removes it.
    pub value: Option<Vec<u8>>,
}

/// Rows that change together, because they belong to the same entries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Entries that the rows cover once these are written.
    pub reached: u64,
    /// Link of the leaf of entry `reached - 1`.
    pub link: Digest,
    /// The rows, each key of each table at most once.
    pub rows: Vec<Row>,
}

/// How far rows go, and of what log they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Binding {
    /// Leaf hash of entry 0.
    pub ledger: Digest,
    /// What the rows look like; another number means: discard them.
    pub version: u32,
    /// Entries that they cover.
    pub reached: u64,
    /// Link of the leaf of entry `reached - 1`.
    pub link: Digest,
}

/// A store of rows cannot be read, or says what it was never told: it must be discarded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a row cannot be believed: {0}")]
pub struct RowFault(pub String);

/// A row as it was found: key and value.
pub type Found = (Vec<u8>, Vec<u8>);

/// Reads rows. Implementations check each row before they give it.
pub trait Rows: Send + Sync + fmt::Debug {
    /// The value under a key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, RowFault>;

    /// The row with the largest key that is at most `key` and begins with `prefix`.
    fn at_or_below(&self, table: Table, prefix: &[u8], key: &[u8]) -> Result<Option<Found>, RowFault>;

    /// Up to `most` rows whose keys begin with `prefix`, ascending, from `from` on (itself included).
    fn range(&self, table: Table, prefix: &[u8], from: &[u8], most: usize) -> Result<Vec<Found>, RowFault>;
}
