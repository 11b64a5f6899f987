//! The running ledger: a bounded queue, admission on all cores, one sequencer, one commit thread.
//! Invariant: answers leave after the commit point of all that they rest on, in order of arrival;
//! after any failure of the commit thread nothing is answered any more.
//! Who owns what: workers own nothing; the sequencer thread owns the state; the commit thread owns
//! the writer; the zero-filling task owns the file that it fills.

use std::{
    sync::{
        Arc, Mutex, PoisonError, Weak,
        atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering},
        mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, TrySendError, channel, sync_channel},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use lian_core::{
    entry::Verdict,
    keys::SecretKey,
    receipt::{EntryBytes, Receipt},
    statement::{Envelope, REJECTION_TYPE, pae},
};
use lian_domain::{
    filing::Filing,
    ledger::{PendingStep, ledger_id},
    rejection::{Rejection, RejectionNote},
    rows::RowFault,
};
use lian_store::{
    commit::{AppendError, NewEntry, NextSegment, Store},
    disk::DiskError,
    reader::{Head, Reader},
};
use thiserror::Error;

use crate::{
    admit::{Authentic, KeyBook, Turned, admit},
    clock::{Clock, Stamper},
    open::{OpenFault, OpenLedger, SystemKeys, claimed_log_key},
    recent::{Committed, Recent},
    rows::{Keeping, Remaking},
    scrubbing::{Finding, Scrubber},
    sequencer::{Fatal, Folded, Placed, Sequencer},
    shadow::Shadow,
    threads,
};

/// Groups of envelopes that may wait for admission; past it the caller is told to come again.
pub const QUEUE_GROUPS_MAX: usize = 1_024;
/// Batches that may wait for the disk while the next one is being judged.
const BATCHES_WAITING_MAX: usize = 2;
/// How often an idle sequencer looks whether an epoch is due.
const TICK: Duration = Duration::from_secs(1);
/// How long a batch stays open for more while the disk is busy with the one before: its stamp must
/// not grow old.
const OPEN_MAX: Duration = Duration::from_millis(100);
/// How long the commit thread waits before it tries again for space or for the signer.
const RETRY: Duration = Duration::from_secs(1);
/// How long whoever looks a statement up waits for the sequencer.
const LOOK_UP: Duration = Duration::from_secs(2);
/// How many of its tries somebody at the keyboard waits for.
const TRIES_MAX: u32 = 5;

/// Longest wait between two tries to make rows again for which there is no space: each may read the
/// whole log.
const REMAKE_WAIT_S_MAX: u64 = 60;

/// The answer to one envelope.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// It is in the log, and its batch is committed.
    Sealed {
        /// Entry.
        index: u64,
        /// Accepted or refused; `None` when it was in the log before (see the entry).
        verdict: Option<Verdict>,
    },
    /// It is not in the log; the signed rejection says why.
    Rejected {
        /// Why.
        rejection: Rejection,
        /// DSSE, signed by the admission key.
        signed: Envelope,
    },
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServiceError {
    /// The queue is full, or the views are too far behind the log or being made again.
    #[error("the queue is full; come again in a second")]
    Busy,
    /// The writer has stopped; what was not answered may or may not be in the log: send it again.
    #[error("the writer has stopped: {0}")]
    Stopped(String),
    /// Whoever handed it in waits no longer; what was not answered may yet be recorded: send it again.
    #[error("{0}")]
    Hindered(Hindrance),
}

/// What keeps a writer that runs from recording statements. It ends by itself or by `clock.stepped`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Hindrance {
    /// The disk is full: what was taken waits for space.
    #[error("the disk is full")]
    NoSpace,
    /// The signer does not answer, or hash tiles cannot be written: what was taken waits for that.
    #[error("the signer does not answer, or hash tiles cannot be written")]
    Writer,
    /// The clock has stepped by so many milliseconds: nothing is taken but `clock.stepped`.
    #[error("the clock has stepped by {0} ms")]
    ClockStepped(i64),
}

type Admitted = Vec<Result<Authentic, Turned>>;
type Answers = Vec<Answer>;

struct Work {
    envelopes: Vec<Vec<u8>>,
    done: SyncSender<Admitted>,
}

struct Ticket {
    admitted: Receiver<Admitted>,
    reply: Sender<Answers>,
}

/// What the sequencer hears.
enum Message {
    /// A group of envelopes.
    Group(Ticket),
    /// What is known of a statement at that moment (Unix milliseconds); nothing is placed.
    LookUp(Arc<Filing>, u64, SyncSender<Option<Placed>>),
    /// The commit thread has nothing to do.
    Free,
}

/// What the commit thread answers once its batch is committed.
struct Reply {
    to: Sender<Answers>,
    outcomes: Vec<Outcome>,
}

enum Outcome {
    Placed(u64, Option<Verdict>),
    Turned(Turned),
}

#[derive(Default)]
struct Batch {
    entries: Vec<NewEntry>,
    replies: Vec<Reply>,
    /// Rows that the entries changed.
    steps: Vec<PendingStep>,
    /// Told once all of it is done, and all before it.
    done: Option<SyncSender<()>>,
}

/// A ledger that takes statements.
pub struct Service {
    queue: Mutex<Queue>,
    reader: Reader,
    recent: Arc<Recent>,
    stopped: Arc<Stop>,
    rows: Option<Arc<Keeping>>,
    scrub: Option<(Sender<()>, JoinHandle<()>)>,
    threads: Vec<JoinHandle<()>>,
    committer: Option<JoinHandle<Option<Store>>>,
}

/// Both ends of the queue: a group of envelopes goes to a worker and, in the same order, a ticket
/// to the sequencer.
struct Queue {
    work: Option<SyncSender<Work>>,
    /// The one strong hold: when it goes, the sequencer ends.
    tickets: Option<Arc<SyncSender<Message>>>,
}

#[derive(Default)]
struct Stop {
    flag: AtomicBool,
    why: Mutex<String>,
    committed: AtomicU64,
    /// Batches that were handed on and are not committed yet.
    batches: AtomicUsize,
    /// What the commit thread waits for.
    hindrance: Mutex<Option<Hindrance>>,
    /// Milliseconds by which the clock has stepped; 0 if it has not.
    step_ms: AtomicI64,
    /// Nobody waits any more: what hinders the writer stops it.
    leaving: AtomicBool,
}

impl Stop {
    fn because(&self, why: &dyn std::fmt::Display) {
        let mut text = self.why.lock().unwrap_or_else(PoisonError::into_inner);
        if text.is_empty() {
            *text = why.to_string();
        }
        self.flag.store(true, Ordering::SeqCst);
    }

    fn hinder(&self, hindrance: Option<Hindrance>) {
        *self.hindrance.lock().unwrap_or_else(PoisonError::into_inner) = hindrance;
    }

    fn error(&self) -> ServiceError {
        ServiceError::Stopped(self.why.lock().unwrap_or_else(PoisonError::into_inner).clone())
    }
}

impl Service {
    /// Starts the threads over a ledger that was opened and folded.
    pub fn start(opened: OpenLedger, keys: SystemKeys, clock: Arc<dyn Clock>, workers: usize) -> Self {
        let OpenLedger { store, ledger, ids, shadow, .. } = opened;
        let reader = store.reader().clone();
        let head = reader.head();
        let stamper = Stamper::new(clock, head.tip().recorded_at());
        let ledger_name = ledger.id().to_owned();
        let book = Arc::new(KeyBook::of(&ledger));
        let folded = Folded { ledger, ids };
        let mut sequencer = Sequencer::new(folded, head.tip(), stamper, keys.system_log, reader.clone());
        let stopped = Arc::new(Stop::default());
        stopped.committed.store(head.size(), Ordering::SeqCst);
        stopped.step_ms.store(sequencer.clock_step().unwrap_or(0), Ordering::SeqCst);
        let (work, work_queue) = sync_channel(QUEUE_GROUPS_MAX);
        let (tickets, ticket_queue) = sync_channel(QUEUE_GROUPS_MAX);
        let tickets = Arc::new(tickets);
        let recent = Arc::<Recent>::default();
        let (batches, batch_queue) = sync_channel(BATCHES_WAITING_MAX);
        let mut threads = spawn_workers(workers, work_queue, &book);
        let rows = shadow.map(|shadow| Arc::new(Keeping::start(shadow, reader.clone())));
        let desk =
            Desk { tickets: ticket_queue, batches, book, stop: Arc::clone(&stopped), rows: rows.clone() };
        threads.push(threads::start("sequencer", move || {
            if let Err(fatal) = desk.run(&mut sequencer) {
                desk.stop.because(&fatal);
            }
        }));
        let committer = Committer {
            store,
            rejector: Rejector { key: keys.admission, ledger: ledger_name },
            stop: Arc::clone(&stopped),
            rows: rows.clone(),
            filler: None,
            recent: Arc::clone(&recent),
            sequencer: Arc::downgrade(&tickets),
        };
        let committer = threads::start("commit", move || committer.run(&batch_queue));
        let queue = Mutex::new(Queue { work: Some(work), tickets: Some(tickets) });
        Self { queue, reader, recent, stopped, rows, scrub: None, threads, committer: Some(committer) }
    }

    /// Reads what is committed.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// What was committed last, as it is in memory.
    pub fn recent(&self) -> &Arc<Recent> {
        &self.recent
    }

    /// The rows that are kept up behind the log, if any are.
    pub fn shadow(&self) -> Option<&Arc<Shadow>> {
        self.rows.as_ref().map(|rows| rows.shadow())
    }

    /// Entries that are committed and not in the rows yet; 0 where none are kept.
    pub fn rows_lag(&self) -> u64 {
        self.rows.as_ref().map_or(0, |rows| rows.lag(self.stopped.committed.load(Ordering::SeqCst)))
    }

    /// Entries folded so far while the rows are being made again.
    pub fn remaking(&self) -> Option<Remaking> {
        self.rows.as_ref().and_then(|rows| rows.remaking())
    }

    /// From now on compares the rows with a fresh fold of the log now and then, at a tenth of the
    /// machine's time, the first time after `every`; `tell` hears each finding. Does nothing where
    /// no rows are kept.
    pub fn scrub_every(&mut self, every: Duration, tell: impl Fn(&Finding) + Send + 'static) {
        if let Some(scrubber) = self.scrubber() {
            let (stop, stopped) = channel();
            let thread = threads::start("scrub", move || scrubber.keep(every, &stopped, &tell));
            self.scrub = Some((stop, thread));
        }
    }

    /// Compares the rows with a fresh fold of the log, now and without rest. `None` where no rows
    /// are kept.
    pub fn scrub_now(&self) -> Option<Finding> {
        Some(self.scrubber()?.scrub(&|_| true))
    }

    fn scrubber(&self) -> Option<Scrubber> {
        let shadow = Arc::clone(self.shadow()?);
        Some(Scrubber { open_keep: shadow.open_keep(), shadow, reader: self.reader.clone() })
    }

    /// Hands in envelopes (DSSE JSON), judged in this order; the answers come in the same order.
    pub fn submit(&self, envelopes: Vec<Vec<u8>>) -> Result<Receiver<Vec<Answer>>, ServiceError> {
        let (reply, answers) = channel();
        let (done, admitted) = sync_channel(1);
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let (Some(work), Some(tickets)) = (&queue.work, &queue.tickets) else {
            return Err(self.stopped.error());
        };
        if self.stopped.flag.load(Ordering::SeqCst) {
            return Err(self.stopped.error());
        }
        let committed = self.stopped.committed.load(Ordering::SeqCst);
        if self.rows.as_ref().is_some_and(|rows| rows.is_closed(committed)) {
            return Err(ServiceError::Busy);
        }
        // The ticket first: if there is no room for the work, the ticket is void, because nobody
        // will ever answer it, and the sequencer passes over it.
        try_send(tickets, Message::Group(Ticket { admitted, reply }))
            .map_err(|busy| self.or_stopped(busy))?;
        try_send(work, Work { envelopes, done }).map_err(|busy| self.or_stopped(busy))?;
        Ok(answers)
    }

    /// What is known of an authentic statement before it is judged, what is placed and not committed
    /// yet included: its place, or that its id names another statement. Nothing is placed.
    pub fn look_up(&self, filing: Arc<Filing>, now_ms: u64) -> Result<Option<Placed>, ServiceError> {
        let (to, found) = sync_channel(1);
        {
            let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            let Some(tickets) = &queue.tickets else { return Err(self.stopped.error()) };
            try_send(tickets, Message::LookUp(filing, now_ms, to)).map_err(|busy| self.or_stopped(busy))?;
        }
        // A sequencer that waits for the disk answers nobody.
        found.recv_timeout(LOOK_UP).map_err(|_| self.stopped().unwrap_or(ServiceError::Busy))
    }

    fn or_stopped(&self, busy: bool) -> ServiceError {
        if busy { ServiceError::Busy } else { self.stopped.error() }
    }

    /// The same, and waits for the answers.
    pub fn submit_and_wait(&self, envelopes: Vec<Vec<u8>>) -> Result<Vec<Answer>, ServiceError> {
        self.submit(envelopes)?.recv().map_err(|_| self.stopped().unwrap_or(ServiceError::Busy))
    }

    /// The same for somebody who is at the keyboard: does not wait for a disk that stays full or a
    /// signer that stays silent.
    pub fn submit_or_give_up(&self, envelopes: Vec<Vec<u8>>) -> Result<Vec<Answer>, ServiceError> {
        let answers = self.submit(envelopes)?;
        let mut tries = 0;
        loop {
            match answers.recv_timeout(RETRY) {
                Ok(answers) => return Ok(answers),
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(self.stopped().unwrap_or(ServiceError::Busy));
                }
                Err(RecvTimeoutError::Timeout) => {}
            }
            // A stepped clock is answered with a rejection.
            match self.hindrance() {
                Some(Hindrance::NoSpace | Hindrance::Writer) => tries += 1,
                _ => tries = 0,
            }
            if let (TRIES_MAX, Some(hindrance)) = (tries, self.hindrance()) {
                return Err(ServiceError::Hindered(hindrance));
            }
        }
    }

    /// Why it stopped, if it did.
    pub fn stopped(&self) -> Option<ServiceError> {
        self.stopped.flag.load(Ordering::SeqCst).then(|| self.stopped.error())
    }

    /// What keeps it from recording statements although it runs.
    pub fn hindrance(&self) -> Option<Hindrance> {
        let waits = *self.stopped.hindrance.lock().unwrap_or_else(PoisonError::into_inner);
        let step = self.stopped.step_ms.load(Ordering::SeqCst);
        waits.or_else(|| (step != 0).then_some(Hindrance::ClockStepped(step)))
    }

    /// From now on a hindrance stops the writer instead of being waited for: whoever closes the
    /// ledger must not wait for space that may never come. What was not answered is sent again.
    pub fn end_waiting(&self) {
        self.stopped.leaving.store(true, Ordering::SeqCst);
    }

    /// The receipt of a committed entry, under the newest checkpoint.
    pub fn receipt(&self, index: u64) -> Result<Vec<u8>, String> {
        receipt_of(&self.reader, index)
    }

    /// Takes nothing more, finishes what was taken, and trims the live segment.
    pub fn close(mut self) -> Result<(), ServiceError> {
        self.end_waiting();
        {
            let mut queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
            queue.work = None;
            queue.tickets = None;
        }
        if let Some((stop, thread)) = self.scrub.take() {
            drop(stop);
            self.threads.push(thread);
        }
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                self.stopped.because(&"a thread panicked");
            }
        }
        let store = self.committer.take().and_then(|thread| thread.join().ok()).flatten();
        if let Some(rows) = &self.rows {
            rows.close();
        }
        match (self.stopped(), store) {
            (Some(error), _) => Err(error),
            (None, Some(store)) => store.close().map_err(|error| ServiceError::Stopped(error.to_string())),
            (None, None) => Err(ServiceError::Stopped("the commit thread panicked".to_owned())),
        }
    }
}

/// Hands on without waiting; the error says whether the queue is full rather than gone.
fn try_send<T>(queue: &SyncSender<T>, item: T) -> Result<(), bool> {
    queue.try_send(item).map_err(|error| matches!(error, TrySendError::Full(_)))
}

/// The receipt of a committed entry: leaf, payload, inclusion proof, newest checkpoint.
pub fn receipt_of(reader: &Reader, index: u64) -> Result<Vec<u8>, String> {
    let says = |error: &dyn std::fmt::Display| error.to_string();
    let head = reader.head();
    let entry = reader.read_entry(index).map_err(|error| says(&error))?;
    let proof = reader.prove_inclusion(index, head.size()).map_err(|error| says(&error))?;
    let extra = EntryBytes { leaf: &entry.leaf, payload: &entry.payload }.encode();
    Ok(Receipt { extra, index, proof, checkpoint: head.note().to_vec() }.encode())
}

fn spawn_workers(count: usize, work: Receiver<Work>, book: &Arc<KeyBook>) -> Vec<JoinHandle<()>> {
    let work = Arc::new(Mutex::new(work));
    let worker = |_| {
        let (work, book) = (Arc::clone(&work), Arc::clone(book));
        threads::start("admission", move || {
            loop {
                let next = work.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(Work { envelopes, done }) = next else {
                    return;
                };
                let admitted = envelopes.iter().map(|bytes| admit(bytes, &book)).collect();
                // Whoever waited may be gone with the sequencer; then nobody needs this.
                let _gone = done.send(admitted);
            }
        })
    };
    (0..count.max(1)).map(worker).collect()
}

/// What the sequencer thread works with.
struct Desk {
    tickets: Receiver<Message>,
    batches: SyncSender<Batch>,
    book: Arc<KeyBook>,
    stop: Arc<Stop>,
    rows: Option<Arc<Keeping>>,
}

impl Desk {
    /// Sequences until nobody hands in any more; rows that cannot be believed are made again.
    fn run(&self, sequencer: &mut Sequencer) -> Result<(), Fatal> {
        loop {
            match (self.sequence(sequencer), &self.rows) {
                (Err(Fatal::Rows(_)), Some(rows)) => self.remake(sequencer, rows)?,
                (ended, _) => return ended,
            }
            if self.stop.flag.load(Ordering::SeqCst) {
                return Ok(());
            }
        }
    }

    /// Places what comes. A batch is cut when nothing more waits and the commit thread is free, when
    /// it is full, or when it has been open for too long: while the disk is busy it grows instead, so
    /// that under load the cost of a commit is shared by many.
    fn sequence(&self, sequencer: &mut Sequencer) -> Result<(), Fatal> {
        let (mut replies, mut opened) = (Vec::new(), None::<Instant>);
        loop {
            let wait = opened.map_or(TICK, |opened| OPEN_MAX.saturating_sub(opened.elapsed()));
            let mut next = match self.tickets.recv_timeout(wait) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => {
                    self.hand_on(sequencer, &mut replies);
                    return Ok(());
                }
            };
            if self.stop.flag.load(Ordering::SeqCst) {
                return Ok(());
            }
            sequencer.committed(self.stop.committed.load(Ordering::SeqCst));
            match self.rows.as_ref().map(|rows| rows.reached()) {
                Some(Ok(reached)) => sequencer.rows_reached(reached),
                Some(Err(fault)) => {
                    // What is open was judged on good rows.
                    self.hand_on(sequencer, &mut replies);
                    return Err(fault.into());
                }
                None => {}
            }
            if next.is_none() && opened.is_none() {
                sequencer.tick()?;
            }
            while let Some(message) = next {
                match message {
                    Message::Group(ticket) => self.place_group(sequencer, ticket, &mut replies)?,
                    // Whoever asked may have gone.
                    Message::LookUp(filing, now_ms, to) => {
                        let _gone = to.send(sequencer.look_up(&filing, now_ms));
                    }
                    Message::Free => {}
                }
                next = self.tickets.try_recv().ok();
            }
            if sequencer.is_empty() && replies.is_empty() {
                opened = None;
                continue;
            }
            let since = *opened.get_or_insert_with(Instant::now);
            if self.stop.batches.load(Ordering::SeqCst) == 0 || since.elapsed() >= OPEN_MAX {
                self.hand_on(sequencer, &mut replies);
                opened = None;
            }
        }
    }

    /// Places one group. What was placed before rows turned out bad was judged on good ones, and is
    /// handed on.
    fn place_group(
        &self,
        sequencer: &mut Sequencer,
        ticket: Ticket,
        replies: &mut Vec<Reply>,
    ) -> Result<(), Fatal> {
        let keys = sequencer.ledger().directory().key_count();
        let placed = self.place_ticket(sequencer, ticket, replies);
        let full = match placed {
            Err(fatal @ Fatal::Rows(_)) => {
                self.hand_on(sequencer, replies);
                return Err(fatal);
            }
            placed => placed?,
        };
        if full {
            self.hand_on(sequencer, replies);
        }
        if sequencer.ledger().directory().key_count() != keys {
            self.book.renew(sequencer.ledger());
        }
        Ok(())
    }

    /// Places one group; returns whether the batch is full.
    fn place_ticket(
        &self,
        sequencer: &mut Sequencer,
        ticket: Ticket,
        replies: &mut Vec<Reply>,
    ) -> Result<bool, Fatal> {
        // There was no room for the work, or its worker panicked: the sender knows by the dropped
        // reply.
        let Ok(admitted) = ticket.admitted.recv() else {
            return Ok(false);
        };
        let mut outcomes = Vec::with_capacity(admitted.len());
        for statement in admitted {
            if sequencer.is_full() {
                self.hand_on(sequencer, replies);
            }
            outcomes.push(match statement {
                Err(turned) => Outcome::Turned(turned),
                Ok(statement) => {
                    let digest = statement.filing().digest;
                    match sequencer.place(statement)? {
                        Placed::New { index, verdict } => Outcome::Placed(index, Some(verdict)),
                        Placed::Repeat { index } => Outcome::Placed(index, None),
                        Placed::Turned(rejection) => {
                            Outcome::Turned(Turned { statement: Some(digest), rejection })
                        }
                    }
                }
            });
        }
        replies.push(Reply { to: ticket.reply, outcomes });
        Ok(sequencer.is_full())
    }

    fn hand_on(&self, sequencer: &mut Sequencer, replies: &mut Vec<Reply>) {
        self.stop.step_ms.store(sequencer.clock_step().unwrap_or(0), Ordering::SeqCst);
        let entries = sequencer.cut();
        let steps = sequencer.take_steps();
        let replies = std::mem::take(replies);
        if !entries.is_empty() || !replies.is_empty() || !steps.is_empty() {
            // A commit thread that is gone has said why; the dropped replies tell their senders.
            let _gone = self.send(Batch { entries, replies, steps, done: None });
        }
    }

    /// Hands a batch to the commit thread, when that has room; false if it is gone.
    fn send(&self, batch: Batch) -> bool {
        self.stop.batches.fetch_add(1, Ordering::SeqCst);
        self.batches.send(batch).is_ok()
    }

    /// Makes the rows again from the log: nothing is admitted until they are there, and whoever
    /// waits is told to come again.
    fn remake(&self, sequencer: &mut Sequencer, rows: &Keeping) -> Result<(), Fatal> {
        rows.begin_remaking();
        self.hand_on(sequencer, &mut Vec::new());
        let (done, wait) = sync_channel(1);
        let barrier = self.send(Batch { done: Some(done), ..Batch::default() });
        if !barrier || wait.recv().is_err() {
            return Err(Fatal::Read("the commit thread is gone".to_owned()));
        }
        while self.tickets.try_recv().is_ok() {}
        let mut wait_s = 1;
        let ledger = loop {
            match rows.remake() {
                Ok(ledger) => break ledger,
                // Views lie beside the log and run out of space with it: they, too, wait for it.
                Err(OpenFault::NoSpaceForViews(_)) if self.stays_for(wait_s) => {
                    wait_s = REMAKE_WAIT_S_MAX.min(2 * wait_s);
                }
                Err(fault) => return Err(RowFault(fault.to_string()).into()),
            }
        };
        self.stop.hinder(None);
        sequencer.stand_on(ledger);
        self.book.renew(sequencer.ledger());
        Ok(())
    }

    /// Waits for space; returns whether the service still runs then.
    fn stays_for(&self, seconds: u64) -> bool {
        self.stop.hinder(Some(Hindrance::NoSpace));
        (0..seconds).all(|_| {
            thread::sleep(RETRY);
            !self.stop.leaving.load(Ordering::SeqCst)
        })
    }
}

struct Rejector {
    key: SecretKey,
    ledger: String,
}

impl Rejector {
    fn sign(&self, turned: &Turned, head: &Head) -> Envelope {
        let note = RejectionNote {
            ledger: self.ledger.clone(),
            statement: turned.statement,
            code: turned.rejection.code(),
            name: turned.rejection.name().to_owned(),
            detail: turned.rejection.to_string(),
            size: head.size(),
            root: head.tip().range().root(),
            time: i64::try_from(head.tip().recorded_at() / 1_000).unwrap_or(i64::MAX),
        };
        let payload = note.payload();
        let signature = self.key.sign(&pae(REJECTION_TYPE, &payload)).to_vec();
        Envelope { payload, signatures: vec![signature] }
    }
}

struct Committer {
    store: Store,
    rejector: Rejector,
    stop: Arc<Stop>,
    rows: Option<Arc<Keeping>>,
    filler: Option<JoinHandle<Result<NextSegment, DiskError>>>,
    recent: Arc<Recent>,
    sequencer: Weak<SyncSender<Message>>,
}

impl Committer {
    /// Commits batches until the sequencer ends; gives the writer back unless it failed.
    fn run(mut self, batches: &Receiver<Batch>) -> Option<Store> {
        while let Ok(batch) = batches.recv() {
            if !batch.entries.is_empty() {
                self.fill_ahead();
                let before = self.store.reader().head();
                if let Err(error) = self.commit(&batch.entries) {
                    self.stop.because(&error);
                    return None;
                }
                let head = self.store.reader().head();
                self.recent.keep(Committed::new(before.tip().range().clone(), batch.entries, head));
            }
            let head = self.store.reader().head();
            self.learn_id();
            self.stop.committed.store(head.size(), Ordering::SeqCst);
            self.say_free();
            for reply in batch.replies {
                self.answer(reply, &head);
            }
            if let Some(rows) = &self.rows {
                rows.hand(batch.steps);
            }
            if let Some(done) = batch.done {
                // The sequencer waits for it, or has stopped.
                let _gone = done.send(());
            }
        }
        Some(self.store)
    }

    /// The next batch may come while this one is being answered.
    fn say_free(&self) {
        if self.stop.batches.fetch_sub(1, Ordering::SeqCst) == 1
            && let Some(sequencer) = self.sequencer.upgrade()
        {
            // If its queue is full it looks by itself with the next group.
            let _full = sequencer.try_send(Message::Free);
        }
    }

    /// A ledger that begins in this very process has an id from entry 0 on.
    fn learn_id(&mut self) {
        let reader = self.store.reader();
        let Some(hash) = reader.head().ledger().filter(|_| self.rejector.ledger.is_empty()) else {
            return;
        };
        let opening = reader.read_entry(0).ok().and_then(|entry| claimed_log_key(&entry.payload));
        if let Some((name, _)) = opening {
            self.rejector.ledger = ledger_id(&name, &hash);
        }
    }

    fn commit(&mut self, entries: &[NewEntry]) -> Result<(), AppendError> {
        let mut outcome = self.store.append_batch(entries).map(|_| ());
        while let Err(error) = outcome {
            let hindrance = match &error {
                AppendError::NoSpace(_) => Hindrance::NoSpace,
                AppendError::Tiles(fault) if fault.is_no_space() => Hindrance::NoSpace,
                AppendError::Tiles(_) | AppendError::Unsigned(_) | AppendError::Pending => Hindrance::Writer,
                _ => return Err(error),
            };
            // The space that the writer lacks may be that of a segment which is being prepared.
            if !self.adopt_filled() {
                if self.stop.leaving.load(Ordering::SeqCst) {
                    return Err(error);
                }
                // What was judged cannot be unjudged: wait for space or for the signer.
                self.stop.hinder(Some(hindrance));
                thread::sleep(RETRY);
            }
            outcome = match error {
                AppendError::Unsigned(_) | AppendError::Pending => self.store.retry().map(|_| ()),
                _ => self.store.append_batch(entries).map(|_| ()),
            };
        }
        self.stop.hinder(None);
        Ok(())
    }

    /// Has the next segment zero-filled by a thread of its own, and takes it over when it is ready.
    fn fill_ahead(&mut self) {
        if self.filler.as_ref().is_some_and(JoinHandle::is_finished) {
            self.adopt_filled();
        }
        if self.filler.is_none()
            && let Some(task) = self.store.next_segment_task()
        {
            self.filler = Some(threads::start("fill", move || task.run()));
        }
    }

    /// Waits for the segment that is being filled, if one is, and takes it over; returns whether one
    /// was there to take.
    fn adopt_filled(&mut self) -> bool {
        let Some(Ok(Ok(next))) = self.filler.take().map(JoinHandle::join) else { return false };
        // A segment that came too late is filled again by the writer itself.
        let _late = self.store.adopt(next);
        true
    }

    fn answer(&self, reply: Reply, head: &Head) {
        let answer = |outcome| match outcome {
            Outcome::Placed(index, verdict) => Answer::Sealed { index, verdict },
            Outcome::Turned(turned) => {
                let signed = self.rejector.sign(&turned, head);
                Answer::Rejected { rejection: turned.rejection, signed }
            }
        };
        // Whoever asked may have gone; the log keeps what it keeps.
        let _gone = reply.to.send(reply.outcomes.into_iter().map(answer).collect());
    }
}
