//! Rows kept up behind a running service: the projector, its lag, and what happens when it breaks.
//! Invariant: rows hold committed entries only; while they are being made again, or too far behind,
//! nothing is admitted.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

use lian_domain::{
    ledger::{Ledger, PendingStep},
    rows::RowFault,
};
use lian_store::reader::Reader;

use crate::{
    ids::Ids,
    keeping::remake,
    open::OpenFault,
    shadow::{Projector, Shadow},
};

/// Entries by which rows may be behind the log before admission closes.
pub const LAG_MAX: u64 = 65_536;

/// Rows are being made again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remaking {
    /// Entries folded so far.
    pub folded: u64,
    /// Entries to fold.
    pub size: u64,
}

/// The rows of a running service. The commit thread hands steps over, the sequencer remakes.
pub(crate) struct Keeping {
    shadow: Arc<Shadow>,
    reader: Reader,
    projector: Mutex<Option<Projector>>,
    remaking: AtomicBool,
    folded: AtomicU64,
}

impl Keeping {
    pub fn start(shadow: Arc<Shadow>, reader: Reader) -> Self {
        let projector = Mutex::new(Some(Projector::start(Arc::clone(&shadow))));
        Self { shadow, reader, projector, remaking: AtomicBool::new(false), folded: AtomicU64::new(0) }
    }

    pub fn shadow(&self) -> &Arc<Shadow> {
        &self.shadow
    }

    /// Entries of a log of this size that the rows do not cover.
    pub fn lag(&self, size: u64) -> u64 {
        size.saturating_sub(self.shadow.reached())
    }

    /// Whether nothing may be admitted to a log of this size.
    pub fn is_closed(&self, size: u64) -> bool {
        self.remaking.load(Ordering::SeqCst) || self.lag(size) > LAG_MAX || self.shadow.fault().is_some()
    }

    pub fn remaking(&self) -> Option<Remaking> {
        let folded = self.folded.load(Ordering::SeqCst);
        let remaking = self.remaking.load(Ordering::SeqCst);
        remaking.then(|| Remaking { folded, size: self.reader.head().size() })
    }

    /// Entries that rows hold, or why they must be made again.
    pub fn reached(&self) -> Result<u64, RowFault> {
        match self.shadow.fault() {
            Some(fault) => Err(fault.into()),
            None => Ok(self.shadow.reached()),
        }
    }

    /// Hands over the rows of committed entries.
    pub fn hand(&self, steps: Vec<PendingStep>) {
        let projector = self.projector.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(projector) = &*projector else {
            return;
        };
        for step in steps {
            if projector.hand(step).is_err() {
                // The sequencer sees why and makes the rows again, from the log.
                return;
            }
        }
    }

    /// Closes admission.
    pub fn begin_remaking(&self) {
        self.folded.store(0, Ordering::SeqCst);
        self.remaking.store(true, Ordering::SeqCst);
    }

    /// Folds the whole log, all of which is committed, and makes the rows again. The state comes
    /// back, over the new rows, and admission opens.
    pub fn remake(&self) -> Result<Ledger, OpenFault> {
        let mut projector = self.projector.lock().unwrap_or_else(PoisonError::into_inner);
        drop(projector.take());
        // Ids are remembered by whoever asked; of those in the log none is wanted.
        let report = &mut |folded| self.folded.store(folded, Ordering::SeqCst);
        let fold = remake(&self.shadow, &self.reader, Ids::default(), i64::MAX, report)?;
        *projector = Some(Projector::start(Arc::clone(&self.shadow)));
        self.remaking.store(false, Ordering::SeqCst);
        Ok(fold.ledger)
    }

    /// Writes what waits. What cannot be written is made again at the next start.
    pub fn close(&self) {
        drop(self.projector.lock().unwrap_or_else(PoisonError::into_inner).take());
    }
}
