//! The projector: a thread that takes the steps of committed entries and writes them to the shadow.
//! Invariant: steps are written in the order in which they were handed over, none left out; after
//! the first fault nothing is written any more, and everybody who asks is told.
//! Limits: 4,096 steps wait; whoever hands over one more waits for the shadow.
//! Not here: when admission closes (service), and what a step holds (domain).

use std::{
    fmt,
    sync::{
        Arc, OnceLock,
        mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use lian_domain::{
    ledger::PendingStep,
    rows::{Binding, RowFault, Step},
};

use super::{BATCH_ROWS_MAX, BUILDING_ROWS_MAX, Batch, Fault, KeepFault, Shadow};
use crate::threads;

/// Steps that may wait for the shadow.
pub const STEPS_WAITING_MAX: usize = 4_096;
/// The same while a shadow is built from nothing, when steps are larger.
const LARGE_STEPS_WAITING_MAX: usize = 4;
/// How long what was written may stay unflushed: what a crash then costs is as much work.
const FLUSH_AFTER: Duration = Duration::from_secs(2);
/// Steps between two reports of a rebuild.
const STEPS_PER_REPORT: usize = 256;

/// The projector has stopped; the shadow must be made again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the shadow is broken: {0}")]
pub struct Broken(pub Fault);

/// Why a rebuild ended early.
#[derive(Debug, thiserror::Error)]
pub enum RebuildError<E> {
    /// The folder could not be emptied or opened.
    #[error(transparent)]
    Keep(#[from] KeepFault),
    /// The shadow failed again.
    #[error(transparent)]
    Broken(#[from] Broken),
    /// The steps could not be had.
    #[error("{0}")]
    Steps(E),
}

/// A step as it is handed over: encoded, or to be encoded by the projector.
#[derive(Debug)]
pub enum Handed {
    /// Encoded.
    Step(Step),
    /// Taken from a ledger.
    Pending(Box<PendingStep>),
}

impl Handed {
    fn encode(self) -> Step {
        match self {
            Self::Step(step) => step,
            Self::Pending(step) => step.encode(),
        }
    }
}

impl From<Step> for Handed {
    fn from(step: Step) -> Self {
        Self::Step(step)
    }
}

impl From<PendingStep> for Handed {
    fn from(step: PendingStep) -> Self {
        Self::Pending(Box::new(step))
    }
}

/// A running projector. Dropped without `close`, it writes what waits, and nobody hears how that
/// went.
pub struct Projector {
    shadow: Arc<Shadow>,
    steps: Option<SyncSender<Handed>>,
    broken: Arc<OnceLock<Broken>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Projector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Projector");
        shown.field("shadow", &self.shadow).field("broken", &self.broken()).finish_non_exhaustive()
    }
}

impl Projector {
    /// Starts the thread over a shadow, of which it is the only writer from here on.
    pub fn start(shadow: Arc<Shadow>) -> Self {
        Self::with(shadow, false)
    }

    /// The same for a shadow that is made from nothing: it is bound to the log when the projector
    /// is closed, and worth nothing before.
    pub fn building(shadow: Arc<Shadow>) -> Self {
        Self::with(shadow, true)
    }

    fn with(shadow: Arc<Shadow>, building: bool) -> Self {
        let (steps, waiting) =
            sync_channel(if building { LARGE_STEPS_WAITING_MAX } else { STEPS_WAITING_MAX });
        let broken = Arc::new(OnceLock::new());
        let thread = threads::start("projector", {
            let (shadow, broken) = (Arc::clone(&shadow), Arc::clone(&broken));
            move || {
                let projected = if building { build(&shadow, &waiting) } else { project(&shadow, &waiting) };
                if let Err(fault) = projected {
                    broken.get_or_init(|| Broken(fault));
                }
            }
        });
        Self { shadow, steps: Some(steps), broken, thread: Some(thread) }
    }

    /// Hands over the next step, of entries that are committed. Waits while too many wait.
    pub fn hand(&self, step: impl Into<Handed>) -> Result<(), Broken> {
        let gone = || self.broken().unwrap_or(Broken(Fault::Gone));
        if let Some(broken) = self.broken() {
            return Err(broken);
        }
        self.steps.as_ref().ok_or_else(gone)?.send(step.into()).map_err(|_| gone())
    }

    /// Entries that the shadow covers.
    pub fn reached(&self) -> u64 {
        self.shadow.reached()
    }

    /// Entries of a log of this size that the shadow does not cover yet.
    pub fn lag(&self, log_size: u64) -> u64 {
        log_size.saturating_sub(self.reached())
    }

    /// Why it stopped, if it did: a write that failed, or a read that found a bad row.
    pub fn broken(&self) -> Option<Broken> {
        self.broken.get().cloned().or_else(|| self.shadow.fault().map(Broken))
    }

    /// The shadow that it writes.
    pub fn shadow(&self) -> &Arc<Shadow> {
        &self.shadow
    }

    /// Writes what waits, flushes, and ends.
    pub fn close(mut self) -> Result<(), Broken> {
        let ended = self.end();
        let panicked = || Broken(Fault::Keep(KeepFault::Failed("the projector panicked".to_owned())));
        match self.broken() {
            Some(broken) => Err(broken),
            None if ended => Ok(()),
            None => Err(panicked()),
        }
    }
}

impl Projector {
    /// Nobody writes to the shadow after this.
    fn end(&mut self) -> bool {
        self.steps = None;
        self.thread.take().is_none_or(|thread| thread.join().is_ok())
    }
}

impl Drop for Projector {
    fn drop(&mut self) {
        self.end();
    }
}

/// Makes a shadow again from all steps of the log. `progress` hears now and then how far it is.
pub fn rebuild<E>(
    shadow: &Arc<Shadow>,
    steps: impl IntoIterator<Item = Result<Step, E>>,
    progress: &mut dyn FnMut(u64),
) -> Result<Binding, RebuildError<E>> {
    shadow.start_over()?;
    let projector = Projector::building(Arc::clone(shadow));
    for (count, step) in steps.into_iter().enumerate() {
        projector.hand(step.map_err(RebuildError::Steps)?)?;
        if count % STEPS_PER_REPORT == 0 {
            progress(projector.reached());
        }
    }
    projector.close()?;
    progress(shadow.reached());
    shadow.binding().map_err(|RowFault(what)| RebuildError::Keep(KeepFault::Failed(what)))
}

/// Gathers what waits into batches of whole steps until nobody can hand over any more.
fn project(shadow: &Shadow, steps: &Receiver<Handed>) -> Result<(), Fault> {
    let mut left_over = None;
    let mut unflushed: Option<Instant> = None;
    loop {
        let first = match left_over.take() {
            Some(step) => Ok(step),
            None => next(steps, unflushed),
        };
        match first {
            Ok(step) => {
                let mut batch = Batch::default();
                batch.add(step);
                while let Ok(step) = steps.try_recv() {
                    let step = step.encode();
                    if !batch.has_room_for(&step, BATCH_ROWS_MAX) {
                        left_over = Some(step);
                        break;
                    }
                    batch.add(step);
                }
                shadow.write(&batch)?;
                unflushed.get_or_insert_with(Instant::now);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => return shadow.flush(),
        }
        if unflushed.is_some_and(|since| since.elapsed() >= FLUSH_AFTER) {
            shadow.flush()?;
            unflushed = None;
        }
    }
}

/// Gathers many steps before it writes, and binds the shadow when all are written.
fn build(shadow: &Shadow, steps: &Receiver<Handed>) -> Result<(), Fault> {
    if !shadow.begin_building()? {
        return project(shadow, steps);
    }
    let mut batch = Batch::default();
    for step in steps.iter().map(Handed::encode) {
        if !batch.has_room_for(&step, BUILDING_ROWS_MAX) {
            shadow.write(&std::mem::take(&mut batch))?;
        }
        batch.add(step);
    }
    shadow.write(&batch)?;
    shadow.end_building()
}

/// The next step, waiting no longer than until the next flush is due.
fn next(steps: &Receiver<Handed>, unflushed: Option<Instant>) -> Result<Step, RecvTimeoutError> {
    match unflushed {
        Some(since) => steps.recv_timeout(FLUSH_AFTER.saturating_sub(since.elapsed())),
        None => steps.recv().map_err(|_| RecvTimeoutError::Disconnected),
    }
    .map(Handed::encode)
}
