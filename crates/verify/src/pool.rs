//! Workers that scan chunks and verify signatures, and the permits that bound memory.
//! Invariant: a chunk holds its permit until the last of its signatures is verified, so that what
//! is in memory at once has a limit; nobody who holds a permit waits for another.

use std::{
    collections::VecDeque,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, mpsc::SyncSender},
};

use lian_core::{
    audit::{
        Judge,
        check::{SignatureJob, check},
        finding::Findings,
        scan::{Chunk, Scanned, scan},
    },
    note::VerifierKey,
};

/// What a permit is counted in.
const UNIT_BYTES: usize = 512 << 10;

/// A chunk that was read, with its permit.
pub(crate) type Ready<F> = (Scanned<F>, Arc<Permit>);

enum Work<F> {
    Scan(Chunk, Arc<Permit>, SyncSender<Ready<F>>),
    Check(SignatureJob, Arc<Permit>),
}

struct State<F> {
    scans: VecDeque<Work<F>>,
    checks: VecDeque<Work<F>>,
    closed: bool,
    log_key: Option<VerifierKey>,
    signatures: u64,
    findings: Findings,
}

/// The queues of the workers.
pub(crate) struct Pool<F> {
    state: Mutex<State<F>>,
    more: Condvar,
    statements: bool,
}

impl<F> Pool<F> {
    /// `statements`: payloads are read into statements.
    pub fn new(statements: bool) -> Self {
        let state = State {
            scans: VecDeque::new(),
            checks: VecDeque::new(),
            closed: false,
            log_key: None,
            signatures: 0,
            findings: Findings::default(),
        };
        Self { state: Mutex::new(state), more: Condvar::new(), statements }
    }

    pub fn scan(&self, chunk: Chunk, permit: Permit, reply: SyncSender<Ready<F>>) {
        self.lock().scans.push_back(Work::Scan(chunk, Arc::new(permit), reply));
        self.more.notify_one();
    }

    pub fn check(&self, job: SignatureJob, permit: Arc<Permit>) {
        self.lock().checks.push_back(Work::Check(job, permit));
        self.more.notify_one();
    }

    /// The key that probably signed the next commit frames.
    pub fn hint(&self, key: Option<&VerifierKey>) {
        let mut state = self.lock();
        if state.log_key.as_ref() != key {
            state.log_key = key.cloned();
        }
    }

    /// No more work will come; the workers end when the queues are empty.
    pub fn close(&self) {
        self.lock().closed = true;
        self.more.notify_all();
    }

    /// Signatures that were verified, and what was found.
    pub fn results(self) -> (u64, Findings) {
        let state = self.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        (state.signatures, state.findings)
    }

    /// One worker, until the pool is closed and empty.
    pub fn work<J: Judge<Filing = F>>(&self) {
        while let Some((work, log_key)) = self.take() {
            match work {
                Work::Scan(chunk, permit, reply) => {
                    let scanned = scan::<J>(chunk, self.statements, log_key.as_ref());
                    // Nobody listens any more if the reading was given up.
                    let _ = reply.send((scanned, permit));
                }
                Work::Check(job, permit) => {
                    let checked = check(&job);
                    let mut state = self.lock();
                    state.signatures += checked.signatures;
                    for finding in checked.findings {
                        state.findings.add(finding);
                    }
                    drop(state);
                    drop((job, permit));
                }
            }
        }
    }

    /// Scans first: they feed the fold, which makes the signature jobs.
    fn take(&self) -> Option<(Work<F>, Option<VerifierKey>)> {
        let mut state = self.lock();
        loop {
            if let Some(scan) = state.scans.pop_front() {
                return Some((scan, state.log_key.clone()));
            }
            if let Some(check) = state.checks.pop_front() {
                return Some((check, None));
            }
            if state.closed {
                return None;
            }
            state = self.more.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<F>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Closes the pool even if its owner panics, so that the workers end.
pub(crate) struct CloseOnDrop<'p, F>(pub &'p Pool<F>);

impl<F> Drop for CloseOnDrop<'_, F> {
    fn drop(&mut self) {
        self.0.close();
    }
}

/// Room for chunks.
pub(crate) struct Permits {
    free: Arc<(Mutex<usize>, Condvar)>,
    all: usize,
}

/// Room for one chunk; given back when dropped.
pub(crate) struct Permit {
    free: Arc<(Mutex<usize>, Condvar)>,
    units: usize,
}

impl Permits {
    pub fn new(units: usize) -> Self {
        Self { free: Arc::new((Mutex::new(units), Condvar::new())), all: units }
    }

    /// Waits until there is room.
    pub fn take(&self, bytes: usize) -> Permit {
        let units = bytes.div_ceil(UNIT_BYTES).clamp(1, self.all);
        let (free, more) = &*self.free;
        let mut free = free.lock().unwrap_or_else(PoisonError::into_inner);
        while *free < units {
            free = more.wait(free).unwrap_or_else(PoisonError::into_inner);
        }
        *free -= units;
        drop(free);
        Permit { free: Arc::clone(&self.free), units }
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let (free, more) = &*self.free;
        *free.lock().unwrap_or_else(PoisonError::into_inner) += self.units;
        more.notify_all();
    }
}
