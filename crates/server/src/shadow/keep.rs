//! What a keeper of rows can do; sled is one, a test's memory that fails on demand is another.
//! Invariant: one `write` is seen as a whole or not at all, and writes are lost, if they are lost,
//! from the newest back; everything else is checked above this line and may be wrong.

use std::{fmt, io, ops::Bound, path::Path, sync::Arc};

use lian_domain::rows::Table;

/// The keeper failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeepFault {
    /// For lack of space: it can be tried again.
    #[error("the keeper of rows has no space: {0}")]
    NoSpace(String),
    /// For whatever other reason.
    #[error("the keeper of rows failed: {0}")]
    Failed(String),
}

impl KeepFault {
    /// A call of the system failed while `what` was done.
    pub fn of_system(error: &io::Error, what: String) -> Self {
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded | io::ErrorKind::FileTooLarge => {
                Self::NoSpace(what)
            }
            _ => Self::Failed(what),
        }
    }
}

/// A row as it is kept: key, and sealed value or `None` to remove it.
pub type Raw = (Vec<u8>, Option<Vec<u8>>);

/// A row as it was found: key and sealed value.
pub type Sealed = (Vec<u8>, Vec<u8>);

/// Opens what is kept in a folder, or an empty one where there is none.
pub type OpenKeep = Arc<dyn Fn(&Path) -> Result<Box<dyn Keep>, KeepFault> + Send + Sync>;

/// Two ordered tables of bytes.
pub trait Keep: Send + Sync + fmt::Debug {
    /// What lies under a key.
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, KeepFault>;

    /// Up to `most` rows from a key on, ascending.
    fn upwards(&self, table: Table, from: &[u8], most: usize) -> Result<Vec<Sealed>, KeepFault>;

    /// The row with the largest key inside a bound.
    fn last(&self, table: Table, to: Bound<&[u8]>) -> Result<Option<Sealed>, KeepFault>;

    /// Writes rows of one table, keys ascending, all at once.
    fn write(&self, table: Table, rows: Vec<Raw>) -> Result<(), KeepFault>;

    /// Hands what was written to the disk.
    fn flush(&self) -> Result<(), KeepFault>;
}
