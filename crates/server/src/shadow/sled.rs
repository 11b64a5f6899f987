//! sled as a keeper of rows. No other file names sled.
//! Invariant: whatever sled does with a damaged folder, an error or a panic, comes out as a fault
//! of the keeper, and this process goes on.
//! Limits: 64 MiB of cache, which bounds only a part of what sled takes; no timer flush.

use std::{
    ops::Bound,
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    thread,
    time::Duration,
};

use lian_domain::rows::Table;

use super::keep::{Keep, KeepFault, Raw, Sealed};

/// What sled may cache.
pub const CACHE_BYTES: u64 = 64 << 20;
/// How often, and how far apart, opening is tried while the threads of a sled that was closed just
/// now still hold its file.
const LOCK_TRIES: u32 = 100;
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// An open sled folder.
pub struct SledKeep {
    /// `None` only while it is being dropped.
    trees: Option<Trees>,
}

struct Trees {
    db: ::sled::Db,
    state: ::sled::Tree,
    history: ::sled::Tree,
}

/// Opens sled in a folder.
pub fn open_sled(folder: &Path) -> Result<Box<dyn Keep>, KeepFault> {
    Ok(Box::new(SledKeep::open(folder)?))
}

impl SledKeep {
    /// Opens sled in a folder.
    pub fn open(folder: &Path) -> Result<Self, KeepFault> {
        let config =
            || ::sled::Config::default().path(folder).cache_capacity(CACHE_BYTES).flush_every_ms(None).open();
        guarded(|| {
            let mut db = config();
            for _ in 0..LOCK_TRIES {
                if !db.as_ref().is_err_and(|error| error.to_string().contains("lock")) {
                    break;
                }
                thread::sleep(LOCK_PAUSE);
                db = config();
            }
            let db = db?;
            let (state, history) = (db.open_tree("state")?, db.open_tree("history")?);
            Ok(Self { trees: Some(Trees { db, state, history }) })
        })
    }

    fn tree(&self, table: Table) -> Result<&::sled::Tree, ::sled::Error> {
        let trees = self.trees.as_ref().ok_or(::sled::Error::ReportableBug("closed".to_owned()))?;
        Ok(match table {
            Table::State => &trees.state,
            Table::History => &trees.history,
        })
    }
}

impl Drop for SledKeep {
    fn drop(&mut self) {
        let trees = self.trees.take();
        // It flushes while it closes, and panics if it cannot; what it loses is made again.
        let _lost = guarded(move || {
            drop(trees);
            Ok(())
        });
    }
}

impl std::fmt::Debug for SledKeep {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("SledKeep")
    }
}

impl Keep for SledKeep {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, KeepFault> {
        guarded(|| Ok(self.tree(table)?.get(key)?.map(|value| value.to_vec())))
    }

    fn upwards(&self, table: Table, from: &[u8], most: usize) -> Result<Vec<Sealed>, KeepFault> {
        guarded(|| {
            let rows = self.tree(table)?.range(from..).take(most);
            rows.map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec()))).collect()
        })
    }

    fn last(&self, table: Table, to: Bound<&[u8]>) -> Result<Option<Sealed>, KeepFault> {
        guarded(|| {
            let mut rows = self.tree(table)?.range::<&[u8], _>((Bound::Unbounded, to));
            rows.next_back().map(|row| row.map(|(key, value)| (key.to_vec(), value.to_vec()))).transpose()
        })
    }

    fn write(&self, table: Table, rows: Vec<Raw>) -> Result<(), KeepFault> {
        guarded(|| {
            let mut batch = ::sled::Batch::default();
            for (key, value) in rows {
                match value {
                    Some(value) => batch.insert(key, value),
                    None => batch.remove(key),
                }
            }
            self.tree(table)?.apply_batch(batch)
        })
    }

    fn flush(&self) -> Result<(), KeepFault> {
        guarded(|| self.trees.as_ref().map_or(Ok(0), |trees| trees.db.flush()).map(|_bytes| ()))
    }
}

/// Runs a call into sled; its errors and its panics become faults.
fn guarded<T>(call: impl FnOnce() -> Result<T, ::sled::Error>) -> Result<T, KeepFault> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(::sled::Error::Io(error))) => Err(KeepFault::of_system(&error, error.to_string())),
        Ok(Err(error)) => Err(KeepFault::Failed(error.to_string())),
        Err(panic) => {
            let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
            let text = text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
            Err(KeepFault::Failed(format!("panic: {text}")))
        }
    }
}
