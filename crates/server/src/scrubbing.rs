//! The scrub of a running ledger: a second fold of the log into rows of its own, compared with the
//! rows that are served.
//! Invariant: it reads and compares, at a tenth of the machine's time, and takes nothing from the
//! sequencer; rows that differ twice are condemned, and made again from the log.
//! Why twice: a row may be a step ahead of the moment at which the scrub began, once.

use std::{
    cell::Cell,
    fs,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc::{Receiver, RecvTimeoutError},
    },
    time::{Duration, Instant},
};

use lian_store::reader::Reader;

use crate::{
    ids::Ids,
    open::Fold,
    shadow::{Difference, OpenKeep, ScrubStop, Scrubbed, Shadow},
};

/// Rows that are compared at a time.
const SLICE_ROWS: usize = 1_024;
/// For each moment of work, so many moments of rest.
const REST: u32 = 9;

/// What one scrub found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// Every row is what the entries make of it.
    Sound {
        /// Entries that the rows covered.
        reached: u64,
        /// Rows that were compared.
        compared: u64,
    },
    /// A row is not; the rows are being made again.
    Condemned(Difference),
    /// There is no answer this time, and why.
    NotDone(String),
}

/// Compares the rows of a shadow with a fresh fold of the same log.
pub(crate) struct Scrubber {
    pub shadow: Arc<Shadow>,
    pub reader: Reader,
    pub open_keep: OpenKeep,
}

impl Scrubber {
    /// Scrubs now and then until `stop` ends, the first time after `every`; `tell` hears each finding.
    pub fn keep(&self, every: Duration, stop: &Receiver<()>, tell: &dyn Fn(&Finding)) {
        let stopped = Cell::new(false);
        let rest = |worked: Duration| {
            let ended = !matches!(stop.recv_timeout(worked * REST), Err(RecvTimeoutError::Timeout));
            stopped.set(stopped.get() || ended);
            !stopped.get()
        };
        while matches!(stop.recv_timeout(every), Err(RecvTimeoutError::Timeout)) {
            let finding = self.scrub(&rest);
            if stopped.get() {
                return;
            }
            tell(&finding);
        }
    }

    /// One scrub. `rest` is called after each piece of work with the time that it took, and says
    /// whether to go on.
    pub fn scrub(&self, rest: &dyn Fn(Duration) -> bool) -> Finding {
        let mut before = None;
        loop {
            match self.once(rest) {
                Ok((reached, compared)) => return Finding::Sound { reached, compared },
                Err(ScrubStop::Differs(difference)) if before.as_ref() == Some(&difference) => {
                    self.shadow.condemn(&difference);
                    return Finding::Condemned(difference);
                }
                Err(ScrubStop::Differs(difference)) => before = Some(difference),
                // A row that cannot be read has ended the use of the rows already.
                Err(stop) => return Finding::NotDone(stop.to_string()),
            }
        }
    }

    /// Entries covered and rows compared.
    fn once(&self, rest: &dyn Fn(Duration) -> bool) -> Result<(u64, u64), ScrubStop> {
        let fold_fault = |what: &dyn std::fmt::Display| ScrubStop::Fold(what.to_string());
        let mut scrub = self.shadow.scrub()?;
        let reached = scrub.reached();
        let place = Place::beside(&self.shadow).map_err(|error| fold_fault(&error))?;
        let second = Shadow::made_new(&place.0, Arc::clone(&self.open_keep), &self.shadow);
        let second = Arc::new(second.map_err(|fault| fold_fault(&fault))?);
        let work = Work::new(rest);
        let fold = Fold::over(&second, &self.reader, Ids::default(), i64::MAX);
        let mut fold = fold.map_err(|fault| fold_fault(&fault))?;
        let stop = AtomicBool::new(false);
        let mut pause = |_| stop.store(!work.pause(), Ordering::Relaxed);
        fold.run_to(&self.reader, reached, &stop, &mut pause).map_err(|fault| fold_fault(&fault))?;
        fold.settle().map_err(|fault| fold_fault(&fault))?;
        drop(fold);
        let mut wanted = second.rows_to_compare().peekable();
        loop {
            if !work.pause() {
                return Err(fold_fault(&"the ledger is closing"));
            }
            if let Scrubbed::Done { compared } = scrub.slice(&mut wanted, SLICE_ROWS)? {
                return Ok((reached, compared));
            }
        }
    }
}

/// Work with its rests.
struct Work<'r> {
    rest: &'r dyn Fn(Duration) -> bool,
    since: Cell<Instant>,
}

impl<'r> Work<'r> {
    fn new(rest: &'r dyn Fn(Duration) -> bool) -> Self {
        Self { rest, since: Cell::new(Instant::now()) }
    }

    /// Rests; false if there is to be no more work.
    fn pause(&self) -> bool {
        let goes_on = (self.rest)(self.since.get().elapsed());
        self.since.set(Instant::now());
        goes_on
    }
}

/// The folder of the second rows, gone when the scrub is over.
struct Place(PathBuf);

impl Place {
    fn beside(shadow: &Shadow) -> std::io::Result<Self> {
        let mut name = shadow.folder().file_name().unwrap_or_default().to_owned();
        name.push(".scrub");
        let folder = shadow.folder().with_file_name(name);
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
            _ => Ok(Self(folder)),
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // What stays is removed by the next scrub.
        let _left = fs::remove_dir_all(&self.0);
    }
}
