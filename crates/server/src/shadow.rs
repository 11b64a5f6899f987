//! The shadow: rows derived from the log, kept by sled, thrown away at the first doubt.
//! Invariant: a row is served only as it was written, and only rows of entries below `reached`;
//! whatever the keeper lost, changed or made up costs time, never a verdict.
//! Who owns what: one projector writes, anybody reads; the sled folder belongs to this module.
//! Limits: at most 100 rows of a table in one batch, and the binding, but one step is never cut;
//! an absent row cannot be checked on reading, which is what the scrub is for.
//! Not here: what the keys and values mean (domain), and the log itself (store).

mod batch;
mod keep;
mod opening;
mod projector;
mod row;
mod scrub;
mod sled;
#[cfg(test)]
mod tests;

use std::{
    fmt,
    ops::Bound,
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
};

use lian_core::hash::Digest;
use lian_domain::rows::{Binding, Found, RowFault, Rows, Step, Table};

use self::scrub::Watch;
pub use self::{
    batch::{BATCH_ROWS_MAX, BUILDING_ROWS_MAX, Batch},
    keep::{Keep, KeepFault, OpenKeep, Raw, Sealed},
    opening::{Discard, Expected, OpenFault, Opening},
    projector::{Broken, Handed, Projector, RebuildError, STEPS_WAITING_MAX, rebuild},
    row::RowError,
    scrub::{Difference, KeptRow, Scrub, ScrubStop, Scrubbed, TOUCHED_MAX},
    sled::{CACHE_BYTES, SledKeep, open_sled},
};

/// Rows that a walk takes from the keeper at a time.
const PAGE_ROWS: usize = 256;

/// What ended the use of a shadow; it must be made again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The keeper failed or panicked.
    #[error(transparent)]
    Keep(#[from] KeepFault),
    /// A row is not what was written.
    #[error(transparent)]
    Row(#[from] RowError),
    /// A step holds a row outside the limits, or one of History whose key ends in no entry.
    #[error("a row has a key of {key} bytes and a value of {value}")]
    Limits {
        /// Bytes of its key.
        key: usize,
        /// Bytes of its value.
        value: usize,
    },
    /// It is being made again and has not come as far as it once was.
    #[error("the rows are being made again: {reached} of {floor} entries")]
    Behind {
        /// Entries that it covers.
        reached: u64,
        /// Entries that it once covered.
        floor: u64,
    },
    /// A scrub found a row that the entries do not make.
    #[error(transparent)]
    Differs(#[from] Difference),
    /// It was started over since: what the reader knows of it holds no more.
    #[error("the rows were started over")]
    OtherLife,
    /// It could not be opened again.
    #[error("there is no shadow")]
    Gone,
}

impl From<Fault> for RowFault {
    fn from(fault: Fault) -> Self {
        Self(fault.to_string())
    }
}

/// Rows in a folder, bound to one log.
pub struct Shadow {
    folder: PathBuf,
    open_keep: OpenKeep,
    /// The binding of no entries: ledger and version.
    empty: Binding,
    kept: RwLock<Option<Kept>>,
    /// One writer at a time, and what a scrub must know of its writing.
    writing: Mutex<Watch>,
    /// The highest `reached` that was ever published: below it no row is served, because a caller
    /// may have let go of what rows up to there hold.
    floor: AtomicU64,
    /// How often it was started over.
    lives: AtomicU64,
}

/// What is kept, from one opening or making again to the next.
struct Kept {
    keep: Box<dyn Keep>,
    life: u64,
    binding: Mutex<Binding>,
    reached: AtomicU64,
    /// Whether every write carries the binding.
    bound: AtomicBool,
    fault: OnceLock<Fault>,
}

impl fmt::Debug for Shadow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Shadow");
        shown.field("folder", &self.folder).field("reached", &self.reached()).finish_non_exhaustive()
    }
}

impl Shadow {
    /// Entries that the rows cover.
    pub fn reached(&self) -> u64 {
        self.lock_kept().as_ref().map_or(0, |kept| kept.reached.load(Ordering::Acquire))
    }

    /// How far the rows go, and of what log they are. At 0 entries the link is zeros.
    pub fn binding(&self) -> Result<Binding, RowFault> {
        Ok(self.using(|kept| Ok(kept.binding()))?)
    }

    /// Why it must be made again, if it must.
    pub fn fault(&self) -> Option<Fault> {
        self.lock_kept().as_ref().map_or(Some(Fault::Gone), |kept| kept.fault.get().cloned())
    }

    /// Writes steps in their order; those that end before what it covers are passed over.
    pub fn apply(&self, steps: &[Step]) -> Result<(), RowFault> {
        let mut steps = steps.iter().peekable();
        while steps.peek().is_some() {
            let mut batch = Batch::default();
            while let Some(step) = steps.next_if(|step| batch.has_room_for(step, BATCH_ROWS_MAX)) {
                batch.add(step.clone());
            }
            self.write(&batch)?;
        }
        Ok(())
    }

    /// Writes what whole steps came to: History first, then State and the binding at once.
    pub fn write(&self, batch: &Batch) -> Result<(), Fault> {
        let mut watch = self.lock_writing();
        self.using(|kept| {
            let binding = kept.binding();
            // Several steps may end at the same entry: pages of the map follow their epoch.
            if batch.reached() < binding.reached {
                return Ok(());
            }
            let binding = Binding { reached: batch.reached(), link: batch.link(), ..binding };
            watch.note(batch);
            if kept.bound.load(Ordering::Acquire) {
                kept.write(batch, &binding)?;
            } else {
                kept.write_unbound(batch)?;
            }
            kept.publish(binding);
            self.floor.fetch_max(batch.reached(), Ordering::AcqRel);
            Ok(())
        })
    }

    /// From nothing, rows may be written without binding them to the log until all are there: in
    /// large batches of sorted rows, which is many times faster. Says whether they may.
    pub fn begin_building(&self) -> Result<bool, Fault> {
        let _one_writer = self.lock_writing();
        self.using(|kept| {
            let from_nothing = kept.reached.load(Ordering::Acquire) == 0;
            if from_nothing {
                kept.bound.store(false, Ordering::Release);
            }
            Ok(from_nothing)
        })
    }

    /// Binds what was built to the log. What is not bound is discarded at the next start.
    pub fn end_building(&self) -> Result<(), Fault> {
        let _one_writer = self.lock_writing();
        self.using(Kept::bind)
    }

    /// Hands what was written to the disk, as far as sled does that: it may still be lost, which a
    /// shadow can bear.
    pub fn flush(&self) -> Result<(), Fault> {
        let _one_writer = self.lock_writing();
        self.using(|kept| Ok(kept.keep.flush()?))
    }

    /// All rows that it serves, State before History, keys ascending.
    pub fn rows(&self) -> impl Iterator<Item = Result<KeptRow, RowFault>> + '_ {
        scrub::Walk::new(self, |_| false)
    }

    /// The rows for a reader that remembers what it read: a ledger. They are served from the first
    /// entry on, and never again once the shadow was started over.
    pub fn life(self: &Arc<Self>) -> Life {
        Life { shadow: Arc::clone(self), life: self.lives.load(Ordering::Acquire) }
    }

    /// Throws away what is kept and starts from nothing in the same place. Rows are served again
    /// once it has come as far as it was. No projector may be running.
    pub fn start_over(&self) -> Result<(), KeepFault> {
        let mut watch = self.lock_writing();
        watch.begin_again();
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        // Closed before its folder is given to the next one.
        drop(kept.take());
        opening::discard(&self.folder)?;
        let life = self.lives.fetch_add(1, Ordering::AcqRel) + 1;
        *kept = Some(Kept::new((self.open_keep)(&self.folder)?, life, self.empty.clone()));
        Ok(())
    }

    /// By what the rows are kept.
    pub fn open_keep(&self) -> OpenKeep {
        Arc::clone(&self.open_keep)
    }

    /// The folder of the rows.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn new(folder: &Path, open_keep: OpenKeep, keep: Box<dyn Keep>, binding: Binding) -> Self {
        let empty = Binding { reached: 0, link: Digest::ZERO, ..binding };
        let floor = AtomicU64::new(binding.reached);
        Self {
            folder: folder.to_owned(),
            open_keep,
            empty,
            kept: RwLock::new(Some(Kept::new(keep, 0, binding))),
            writing: Mutex::default(),
            floor,
            lives: AtomicU64::new(0),
        }
    }

    fn lock_kept(&self) -> RwLockReadGuard<'_, Option<Kept>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_writing(&self) -> MutexGuard<'_, Watch> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something with what is kept, unless it failed before; a failure is the last use.
    fn using<T>(&self, work: impl FnOnce(&Kept) -> Result<T, Fault>) -> Result<T, Fault> {
        self.lock_kept().as_ref().ok_or(Fault::Gone)?.attempt(work)
    }

    /// The same for rows that are served: never fewer entries than were covered before.
    fn reading<T>(&self, work: impl FnOnce(&Kept) -> Result<T, Fault>) -> Result<T, Fault> {
        let kept = self.lock_kept();
        let kept = kept.as_ref().ok_or(Fault::Gone)?;
        let (floor, reached) = (self.floor.load(Ordering::Acquire), kept.reached.load(Ordering::Acquire));
        if reached < floor {
            return Err(kept.fault.get().cloned().unwrap_or(Fault::Behind { reached, floor }));
        }
        kept.attempt(work)
    }
}

/// Rows from one start of a shadow to the next. Whoever let go of what rows hold reads here: after
/// another start, what the rows do not hold yet is a fault and never an absent row.
#[derive(Debug)]
pub struct Life {
    shadow: Arc<Shadow>,
    life: u64,
}

impl Life {
    fn reading<T>(&self, work: impl FnOnce(&Kept) -> Result<T, Fault>) -> Result<T, Fault> {
        let kept = self.shadow.lock_kept();
        let kept = kept.as_ref().ok_or(Fault::Gone)?;
        if kept.life == self.life { kept.attempt(work) } else { Err(Fault::OtherLife) }
    }
}

impl Rows for Shadow {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, RowFault> {
        Ok(self.reading(|kept| kept.get(table, key))?)
    }

    fn at_or_below(&self, table: Table, prefix: &[u8], key: &[u8]) -> Result<Option<Found>, RowFault> {
        Ok(self.reading(|kept| kept.at_or_below(table, prefix, key))?)
    }

    fn range(&self, table: Table, prefix: &[u8], from: &[u8], most: usize) -> Result<Vec<Found>, RowFault> {
        Ok(self.reading(|kept| kept.range(table, prefix, from, most))?)
    }
}

impl Rows for Life {
    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, RowFault> {
        Ok(self.reading(|kept| kept.get(table, key))?)
    }

    fn at_or_below(&self, table: Table, prefix: &[u8], key: &[u8]) -> Result<Option<Found>, RowFault> {
        Ok(self.reading(|kept| kept.at_or_below(table, prefix, key))?)
    }

    fn range(&self, table: Table, prefix: &[u8], from: &[u8], most: usize) -> Result<Vec<Found>, RowFault> {
        Ok(self.reading(|kept| kept.range(table, prefix, from, most))?)
    }
}

impl Kept {
    fn new(keep: Box<dyn Keep>, life: u64, binding: Binding) -> Self {
        let reached = AtomicU64::new(binding.reached);
        let (binding, bound) = (Mutex::new(binding), AtomicBool::new(true));
        Self { keep, life, binding, reached, bound, fault: OnceLock::new() }
    }

    fn attempt<T>(&self, work: impl FnOnce(&Self) -> Result<T, Fault>) -> Result<T, Fault> {
        match self.fault.get() {
            Some(fault) => Err(fault.clone()),
            None => work(self).map_err(|fault| self.fault.get_or_init(|| fault).clone()),
        }
    }

    fn binding(&self) -> Binding {
        self.binding.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn publish(&self, binding: Binding) {
        let reached = binding.reached;
        *self.binding.lock().unwrap_or_else(PoisonError::into_inner) = binding;
        self.reached.store(reached, Ordering::Release);
    }

    fn write(&self, batch: &Batch, binding: &Binding) -> Result<(), Fault> {
        for rows in batch.history()?.chunks(BATCH_ROWS_MAX) {
            let rows = row::seal(Table::History, rows.iter().copied(), Some(binding));
            self.keep.write(Table::History, rows)?;
        }
        if batch.history()?.is_empty() {
            self.keep.write(Table::History, row::seal(Table::History, [], Some(binding)))?;
        }
        self.keep.write(Table::State, row::seal(Table::State, batch.state()?, Some(binding)))?;
        Ok(())
    }

    /// Without a binding, so that what an interruption leaves is discarded.
    fn write_unbound(&self, batch: &Batch) -> Result<(), Fault> {
        for (table, rows) in [(Table::History, batch.history()?), (Table::State, batch.state()?)] {
            for rows in rows.chunks(BATCH_ROWS_MAX) {
                self.keep.write(table, row::seal(table, rows.iter().copied(), None))?;
            }
        }
        Ok(())
    }

    fn bind(&self) -> Result<(), Fault> {
        let binding = self.binding();
        if binding.reached > 0 {
            for table in [Table::History, Table::State] {
                self.keep.write(table, row::seal(table, [], Some(&binding)))?;
            }
        }
        self.bound.store(true, Ordering::Release);
        Ok(self.keep.flush()?)
    }

    fn get(&self, table: Table, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let reached = self.reached.load(Ordering::Acquire);
        if key.is_empty() {
            return Ok(None);
        }
        match self.keep.get(table, key)? {
            Some(raw) => Ok(row::open(table, key, raw, reached)?),
            None => Ok(None),
        }
    }

    fn at_or_below(&self, table: Table, prefix: &[u8], key: &[u8]) -> Result<Option<Found>, Fault> {
        let reached = self.reached.load(Ordering::Acquire);
        let mut to = match row::after(prefix) {
            _ if key.starts_with(prefix) => Bound::Included(key.to_vec()),
            _ if key < prefix => return Ok(None),
            Some(after) => Bound::Excluded(after),
            None => Bound::Unbounded,
        };
        loop {
            let Some((key, raw)) = self.keep.last(table, to.as_ref().map(Vec::as_slice))? else {
                return Ok(None);
            };
            if key.is_empty() || !key.starts_with(prefix) {
                return Ok(None);
            }
            // A row of the future is passed over, as if it had not been written yet.
            match row::open(table, &key, raw, reached)? {
                Some(value) => return Ok(Some((key, value))),
                None => to = Bound::Excluded(key),
            }
        }
    }

    fn range(&self, table: Table, prefix: &[u8], from: &[u8], most: usize) -> Result<Vec<Found>, Fault> {
        let reached = self.reached.load(Ordering::Acquire);
        let mut next = from.max(prefix).to_vec();
        if next.is_empty() {
            next.push(0);
        }
        let mut found = Vec::new();
        while found.len() < most {
            let page = self.keep.upwards(table, &next, PAGE_ROWS.min(most))?;
            let Some((last, _)) = page.last() else {
                return Ok(found);
            };
            next.clone_from(last);
            next.push(0);
            for (key, raw) in page {
                if !key.starts_with(prefix) || found.len() == most {
                    return Ok(found);
                }
                if let Some(value) = row::open(table, &key, raw, reached)? {
                    found.push((key, value));
                }
            }
        }
        Ok(found)
    }
}
