//! A disk that fails when told to, and remembers what was asked of it.
//! Faults are planned by the number of the call, so a test can walk through every call of a
//! scenario, and through every pair. Limits: faults of power are the simulated disk's.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Disk, DiskCall, DiskError, DiskFile, DiskLock, LockError, OpenMode, SimDisk};

/// How a call fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// An input/output error. A failed write has written half of its bytes.
    Io,
    /// No space left. A failed write has written half of its bytes.
    NoSpace,
    /// A signal came first; nothing was done.
    Interrupted,
    /// Half of the bytes are read or written, and the answer says so.
    Short,
    /// The answer says that all was done, and nothing was.
    Lost,
    /// A read gives one wrong bit and says nothing.
    FlippedBit,
}

/// One planned failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fault {
    /// Calls of this kind are counted; none means that calls of every kind are.
    pub call: Option<DiskCall>,
    /// The call that fails, counted from 1.
    pub number: u64,
    /// How it fails.
    pub kind: FaultKind,
    /// Whether every counted call after it fails too.
    pub persistent: bool,
}

/// One thing that happened, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// A call and whether the answer was a success.
    Called {
        /// What was asked.
        call: DiskCall,
        /// Of which path.
        path: String,
        /// Where in the file, for reads and writes.
        offset: u64,
        /// Whether the caller was told that it was done.
        ok: bool,
    },
    /// What a test noted, an acknowledgement for instance.
    Noted(String),
}

/// Any disk, with planned faults and a trace. Clones share both.
#[derive(Debug, Clone)]
pub struct FaultyDisk {
    inner: Arc<dyn Disk>,
    sim: Option<SimDisk>,
    plan: Arc<Mutex<Plan>>,
}

#[derive(Debug, Default)]
struct Plan {
    faults: Vec<Fault>,
    counts: BTreeMap<DiskCall, u64>,
    count: u64,
    trace: Vec<Step>,
}

impl FaultyDisk {
    /// Wraps a disk.
    pub fn new(inner: Arc<dyn Disk>) -> Self {
        let plan = Arc::default();
        let sim = None;
        Self { inner, sim, plan }
    }

    /// Wraps a simulated disk: a failed sync then leaves pages that are clean and not durable.
    pub fn over_sim(sim: &SimDisk) -> Self {
        let plan = Arc::default();
        Self { inner: Arc::new(sim.clone()), sim: Some(sim.clone()), plan }
    }

    /// Adds a failure to the plan. The first that fits a call is the one that happens.
    #[must_use]
    pub fn failing(self, fault: Fault) -> Self {
        self.plan().faults.push(fault);
        self
    }

    /// Calls so far, of all kinds.
    pub fn call_count(&self) -> u64 {
        self.plan().count
    }

    /// Calls of one kind so far.
    pub fn count_of(&self, call: DiskCall) -> u64 {
        self.plan().counts.get(&call).copied().unwrap_or_default()
    }

    /// Notes something between the calls of the trace.
    pub fn note(&self, text: &str) {
        self.plan().trace.push(Step::Noted(text.to_owned()));
    }

    /// What happened so far.
    pub fn trace(&self) -> Vec<Step> {
        self.plan().trace.clone()
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts a call, finds its fault, runs it or fails it, and notes the outcome.
    fn run<T>(
        &self,
        call: DiskCall,
        path: &str,
        offset: u64,
        action: impl FnOnce(Option<FaultKind>) -> Result<T, DiskError>,
    ) -> Result<T, DiskError> {
        let fault = self.plan().next_fault(call);
        let answer = match fault.and_then(error_of) {
            Some(source) if !has_half_effect(call) => Err(DiskError::new(call, path, source)),
            _ => action(fault),
        };
        self.plan().trace.push(Step::Called { call, path: path.to_owned(), offset, ok: answer.is_ok() });
        answer
    }
}

impl Plan {
    fn next_fault(&mut self, call: DiskCall) -> Option<FaultKind> {
        self.count += 1;
        let of_kind = self.counts.entry(call).or_default();
        *of_kind += 1;
        let (count, of_kind) = (self.count, *of_kind);
        let hits = |fault: &&Fault| {
            let number = match fault.call {
                None => count,
                Some(kind) if kind == call => of_kind,
                Some(_) => return false,
            };
            number == fault.number || (fault.persistent && number > fault.number)
        };
        self.faults.iter().find(hits).map(|fault| fault.kind)
    }
}

impl Disk for FaultyDisk {
    fn open(&self, path: &str, mode: OpenMode) -> Result<Box<dyn DiskFile>, DiskError> {
        let inner = self.run(DiskCall::Open, path, 0, |_| self.inner.open(path, mode))?;
        Ok(Box::new(FaultyFile { disk: self.clone(), inner, path: path.to_owned() }))
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, DiskError> {
        self.run(DiskCall::List, folder, 0, |_| self.inner.list(folder))
    }

    fn exists(&self, path: &str) -> Result<bool, DiskError> {
        self.run(DiskCall::Exists, path, 0, |_| self.inner.exists(path))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        self.run(DiskCall::Rename, from, 0, |_| self.inner.rename(from, to))
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        self.run(DiskCall::Remove, path, 0, |_| self.inner.remove(path))
    }

    fn create_dir(&self, path: &str) -> Result<(), DiskError> {
        self.run(DiskCall::CreateDir, path, 0, |_| self.inner.create_dir(path))
    }

    fn sync_dir(&self, folder: &str) -> Result<(), DiskError> {
        self.run(DiskCall::SyncDir, folder, 0, |fault| {
            self.sync_with(DiskCall::SyncDir, folder, fault, || self.inner.sync_dir(folder))
        })
    }

    fn lock(&self, holder: &str) -> Result<Box<dyn DiskLock>, LockError> {
        self.run(DiskCall::Lock, "lock", 0, |_| Ok(()))?;
        self.inner.lock(holder)
    }
}

impl FaultyDisk {
    /// A sync that fails loses what it covered, if the disk below can model that.
    fn sync_with(
        &self,
        call: DiskCall,
        path: &str,
        fault: Option<FaultKind>,
        sync: impl FnOnce() -> Result<(), DiskError>,
    ) -> Result<(), DiskError> {
        if fault == Some(FaultKind::Lost) {
            return Ok(());
        }
        let Some(source) = fault.and_then(error_of) else {
            return sync();
        };
        if let Some(sim) = &self.sim {
            sim.fail_next_syncs(1);
            return sync();
        }
        Err(DiskError::new(call, path, source))
    }
}

#[derive(Debug)]
struct FaultyFile {
    disk: FaultyDisk,
    inner: Box<dyn DiskFile>,
    path: String,
}

impl DiskFile for FaultyFile {
    fn path(&self) -> &str {
        &self.path
    }

    fn len(&self) -> Result<u64, DiskError> {
        self.disk.run(DiskCall::Len, &self.path, 0, |_| self.inner.len())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<usize, DiskError> {
        self.disk.run(DiskCall::Read, &self.path, offset, |fault| match fault {
            Some(FaultKind::Short) if bytes.len() > 1 => {
                let half = bytes.len() / 2;
                self.inner.read_at(offset, &mut bytes[..half])
            }
            Some(FaultKind::FlippedBit) => {
                let count = self.inner.read_at(offset, bytes)?;
                if count > 0 {
                    bytes[count / 2] ^= 1;
                }
                Ok(count)
            }
            _ => self.inner.read_at(offset, bytes),
        })
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, DiskError> {
        self.disk.run(DiskCall::Write, &self.path, offset, |fault| {
            let half = &bytes[..bytes.len().div_ceil(2)];
            match fault {
                Some(FaultKind::Short) => self.inner.write_at(offset, half),
                Some(FaultKind::Lost) => Ok(bytes.len()),
                Some(kind @ (FaultKind::Io | FaultKind::NoSpace)) => {
                    self.inner.write_at(offset, half)?;
                    let source = error_of(kind).expect("these kinds are errors");
                    Err(DiskError::new(DiskCall::Write, &self.path, source))
                }
                Some(FaultKind::Interrupted) => {
                    let source = io::Error::from(io::ErrorKind::Interrupted);
                    Err(DiskError::new(DiskCall::Write, &self.path, source))
                }
                Some(FaultKind::FlippedBit) | None => self.inner.write_at(offset, bytes),
            }
        })
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.disk.run(DiskCall::Sync, &self.path, 0, |fault| {
            let sync = || self.inner.sync();
            self.disk.sync_with(DiskCall::Sync, &self.path, fault, sync)
        })
    }

    fn set_len(&self, bytes: u64) -> Result<(), DiskError> {
        self.disk.run(DiskCall::SetLen, &self.path, 0, |fault| match fault {
            Some(FaultKind::Lost) => Ok(()),
            _ => self.inner.set_len(bytes),
        })
    }
}

fn error_of(kind: FaultKind) -> Option<io::Error> {
    match kind {
        FaultKind::Io => Some(io::Error::other("input/output error (injected)")),
        FaultKind::NoSpace => Some(io::Error::from(io::ErrorKind::StorageFull)),
        FaultKind::Interrupted => Some(io::Error::from(io::ErrorKind::Interrupted)),
        FaultKind::Short | FaultKind::Lost | FaultKind::FlippedBit => None,
    }
}

/// Calls whose failure leaves something behind are failed inside their action.
fn has_half_effect(call: DiskCall) -> bool {
    matches!(call, DiskCall::Write | DiskCall::Sync | DiskCall::SyncDir)
}
