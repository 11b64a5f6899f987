//! A disk in memory that forgets what was not synced, as real disks do when power fails.
//! Each file has a durable image, a cached image (what reads see) and the writes between the
//! two; names have the same three. Everything follows from seeds: same seed, same wreck.
//! Invariant: what a successful sync covered survives every power loss; nothing else must.
//! Limits: bytes, not pages, are the unit that a later sync writes out; folders are not moved.

mod image;

use std::{
    collections::{BTreeMap, BTreeSet},
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use self::image::{Change, Image, Keep};
use super::{
    Disk, DiskCall, DiskError, DiskFile, DiskLock, LockError, OpenMode, Rng, check_folder, check_path,
    check_rename, parent_of,
};

/// A simulated ledger folder. Clones share one folder; [`SimDisk::kill`],
/// [`SimDisk::power_loss`] and [`SimDisk::history`] give folders of their own, cheaply:
/// unchanged blocks are shared.
#[derive(Debug, Clone)]
pub struct SimDisk {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    history: Mutex<Option<Vec<State>>>,
}

#[derive(Debug, Clone)]
struct State {
    files: BTreeMap<u64, Arc<SimInode>>,
    cached_names: BTreeMap<String, Node>,
    durable_names: BTreeMap<String, Node>,
    unsynced_names: Vec<NameChange>,
    next_inode: u64,
    lock_holder: Option<String>,
    bytes_max: u64,
    syncs_to_fail: u32,
    rng: Rng,
}

#[derive(Debug, Clone, Default)]
struct SimInode {
    durable: Image,
    cached: Image,
    unsynced: Vec<Change>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Node {
    Folder,
    File(u64),
}

/// One change to the names of a folder, lost or kept as a whole.
#[derive(Debug, Clone)]
enum NameChange {
    Add { path: String, node: Node },
    Rename { from: String, to: String, node: Node },
    Remove { path: String },
}

impl SimDisk {
    /// An empty folder; the seed decides what failed syncs leave behind.
    pub fn new(seed: u64) -> Self {
        Self::from_state(State {
            files: BTreeMap::new(),
            cached_names: BTreeMap::new(),
            durable_names: BTreeMap::new(),
            unsynced_names: Vec::new(),
            next_inode: 0,
            lock_holder: None,
            bytes_max: u64::MAX,
            syncs_to_fail: 0,
            rng: Rng::new(seed),
        })
    }

    /// The process died, the machine did not: un-synced writes are still seen by readers, and
    /// still not durable. The lock is free.
    #[must_use]
    pub fn kill(&self) -> Self {
        let mut state = self.state().clone();
        state.lock_holder = None;
        Self::from_state(state)
    }

    /// The power failed: any part of what was not synced is there, torn anywhere; extended
    /// space that was not written holds zeros or garbage; un-synced names came or did not.
    #[must_use]
    pub fn power_loss(&self, rng: &mut Rng) -> Self {
        let mut state = self.state().clone();
        state.rng = Rng::new(rng.next_u64());
        let mut keep = Keep::any(rng);
        for inode in state.files.values_mut() {
            if !inode.unsynced.is_empty() || inode.cached.len() != inode.durable.len() {
                let inode = Arc::make_mut(inode);
                keep.renew(rng);
                for change in std::mem::take(&mut inode.unsynced) {
                    change.apply_torn(&mut inode.durable, &mut keep, rng);
                }
            }
        }
        let names = std::mem::take(&mut state.unsynced_names);
        keep.renew(rng);
        for change in names {
            if keep.whole(rng) {
                change.apply(&mut state.durable_names);
            }
        }
        Self::from_state(state.restarted())
    }

    /// The power failed and exactly the un-synced changes for which `keep` says so are there,
    /// whole; they are numbered from 0 by [`SimDisk::unsynced_count`].
    #[must_use]
    pub fn power_loss_keeping(&self, mut keep: impl FnMut(usize) -> bool) -> Self {
        let mut state = self.state().clone();
        let mut number = 0;
        let mut next = || {
            number += 1;
            keep(number - 1)
        };
        for inode in state.files.values_mut() {
            if !inode.unsynced.is_empty() {
                let inode = Arc::make_mut(inode);
                for change in std::mem::take(&mut inode.unsynced) {
                    if next() {
                        change.apply(&mut inode.durable);
                    }
                }
            }
        }
        for change in std::mem::take(&mut state.unsynced_names) {
            if next() {
                change.apply(&mut state.durable_names);
            }
        }
        Self::from_state(state.restarted())
    }

    /// Writes, resizes and name changes that no sync has covered.
    pub fn unsynced_count(&self) -> usize {
        let state = self.state();
        let in_files: usize = state.files.values().map(|inode| inode.unsynced.len()).sum();
        in_files + state.unsynced_names.len()
    }

    /// From now on keeps the folder as it is after each call that changes it.
    pub fn keep_history(&self) {
        let now = self.state().clone();
        *lock(&self.shared.history) = Some(vec![now]);
    }

    /// How many moments the history holds; 0 unless it is kept.
    pub fn moment_count(&self) -> usize {
        lock(&self.shared.history).as_ref().map_or(0, Vec::len)
    }

    /// The folder at one moment of the kept history, as if the process had died there.
    pub fn moment(&self, number: usize) -> Option<Self> {
        let mut state = lock(&self.shared.history).as_ref()?.get(number)?.clone();
        state.lock_holder = None;
        Some(Self::from_state(state))
    }

    /// The next `count` syncs, of files or folders, fail: a part of what they covered becomes
    /// durable; the rest of a file is marked clean, seen by readers and never written by a later
    /// sync; the rest of a folder's names waits for the next sync of the folder.
    pub fn fail_next_syncs(&self, count: u32) {
        self.state().syncs_to_fail = count;
    }

    /// The folder takes no more than this many bytes of files.
    pub fn limit_bytes(&self, bytes_max: u64) {
        self.state().bytes_max = bytes_max;
    }

    /// The medium decays or an intruder writes: `bytes` appear in the file, durable at once.
    /// False if there is no such file or the range is not in it.
    pub fn tamper(&self, path: &str, offset: u64, bytes: &[u8]) -> bool {
        let mut state = self.state();
        let Some(Node::File(number)) = state.cached_names.get(path).copied() else {
            return false;
        };
        let Some(inode) = state.files.get_mut(&number) else {
            return false;
        };
        if offset + bytes.len() as u64 > inode.cached.len() {
            return false;
        }
        let inode = Arc::make_mut(inode);
        inode.cached.write(offset, bytes);
        inode.durable.write(offset, bytes);
        true
    }

    /// The whole file as readers see it; none if there is no such file.
    pub fn bytes_of(&self, path: &str) -> Option<Vec<u8>> {
        let state = self.state();
        match state.cached_names.get(path)? {
            Node::File(number) => Some(state.files.get(number)?.cached.to_vec()),
            Node::Folder => None,
        }
    }

    fn from_state(state: State) -> Self {
        let state = Mutex::new(state);
        let history = Mutex::new(None);
        Self { shared: Arc::new(Shared { state, history }) }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        lock(&self.shared.state)
    }

    /// Runs a call that changes the folder, and keeps what it left if history is kept.
    fn change<T>(
        &self,
        call: DiskCall,
        path: &str,
        action: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> Result<T, DiskError> {
        let mut state = self.state();
        let answer = action(&mut state);
        if let Some(history) = lock(&self.shared.history).as_mut() {
            history.push(state.clone());
        }
        answer.map_err(|source| DiskError::new(call, path, source))
    }
}

impl Disk for SimDisk {
    fn open(&self, path: &str, mode: OpenMode) -> Result<Box<dyn DiskFile>, DiskError> {
        check_path(DiskCall::Open, path)?;
        let inode = if matches!(mode, OpenMode::Read | OpenMode::Write) {
            let found = self.state().inode_of(path);
            found.map_err(|source| DiskError::new(DiskCall::Open, path, source))?
        } else {
            self.change(DiskCall::Open, path, |state| state.create(path, mode))?
        };
        Ok(Box::new(SimFile {
            disk: self.clone(),
            inode,
            path: path.to_owned(),
            writable: mode != OpenMode::Read,
        }))
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, DiskError> {
        check_folder(DiskCall::List, folder)?;
        let state = self.state();
        let inside = state.cached_names.keys().filter(|path| parent_of(path) == folder);
        let name = |path: &String| path.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(inside.map(name).collect::<BTreeSet<_>>().into_iter().collect())
    }

    fn exists(&self, path: &str) -> Result<bool, DiskError> {
        check_path(DiskCall::Exists, path)?;
        Ok(self.state().cached_names.contains_key(path))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        check_rename(from, to)?;
        self.change(DiskCall::Rename, from, |state| {
            let node = Node::File(state.inode_of(from)?);
            let (from, to) = (from.to_owned(), to.to_owned());
            state.change_names(NameChange::Rename { from, to, node });
            Ok(())
        })
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        check_path(DiskCall::Remove, path)?;
        self.change(DiskCall::Remove, path, |state| {
            state.inode_of(path)?;
            let path = path.to_owned();
            state.change_names(NameChange::Remove { path });
            Ok(())
        })
    }

    fn create_dir(&self, path: &str) -> Result<(), DiskError> {
        check_path(DiskCall::CreateDir, path)?;
        self.change(DiskCall::CreateDir, path, |state| {
            state.check_parent(path)?;
            match state.cached_names.get(path) {
                Some(Node::Folder) => Ok(()),
                Some(Node::File(_)) => Err(io::Error::from(io::ErrorKind::NotADirectory)),
                None => {
                    let path = path.to_owned();
                    let node = Node::Folder;
                    state.change_names(NameChange::Add { path, node });
                    Ok(())
                }
            }
        })
    }

    fn sync_dir(&self, folder: &str) -> Result<(), DiskError> {
        check_folder(DiskCall::SyncDir, folder)?;
        self.change(DiskCall::SyncDir, folder, |state| state.sync_names(folder))
    }

    fn lock(&self, holder: &str) -> Result<Box<dyn DiskLock>, LockError> {
        let mut state = self.state();
        if let Some(holder) = state.lock_holder.clone() {
            return Err(LockError::Held { holder });
        }
        state.lock_holder = Some(holder.to_owned());
        Ok(Box::new(SimLock(self.clone())))
    }
}

#[derive(Debug)]
struct SimLock(SimDisk);

impl DiskLock for SimLock {}

impl Drop for SimLock {
    fn drop(&mut self) {
        self.0.state().lock_holder = None;
    }
}

/// An open file outlives its name, as on a real disk.
#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    inode: u64,
    path: String,
    writable: bool,
}

impl SimFile {
    fn change<T>(
        &self,
        call: DiskCall,
        action: impl FnOnce(&mut State) -> io::Result<T>,
    ) -> Result<T, DiskError> {
        self.disk.change(call, &self.path, |state| {
            if !self.writable && call != DiskCall::Sync {
                return Err(io::Error::from(io::ErrorKind::PermissionDenied));
            }
            action(state)
        })
    }
}

impl DiskFile for SimFile {
    fn path(&self) -> &str {
        &self.path
    }

    fn len(&self) -> Result<u64, DiskError> {
        Ok(self.disk.state().files[&self.inode].cached.len())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<usize, DiskError> {
        Ok(self.disk.state().files[&self.inode].cached.read(offset, bytes))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, DiskError> {
        self.change(DiskCall::Write, |state| {
            state.check_space(self.inode, offset + bytes.len() as u64)?;
            state.change_file(self.inode, Change::write(offset, bytes));
            Ok(bytes.len())
        })
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.change(DiskCall::Sync, |state| state.sync_file(self.inode))
    }

    fn set_len(&self, bytes: u64) -> Result<(), DiskError> {
        self.change(DiskCall::SetLen, |state| {
            state.check_space(self.inode, bytes)?;
            state.change_file(self.inode, Change::Resize { bytes });
            Ok(())
        })
    }
}

impl State {
    fn inode_of(&self, path: &str) -> io::Result<u64> {
        match self.cached_names.get(path) {
            Some(Node::File(number)) => Ok(*number),
            Some(Node::Folder) => Err(io::Error::from(io::ErrorKind::IsADirectory)),
            None => Err(io::Error::from(io::ErrorKind::NotFound)),
        }
    }

    fn check_parent(&self, path: &str) -> io::Result<()> {
        let parent = parent_of(path);
        if parent.is_empty() || self.cached_names.get(parent) == Some(&Node::Folder) {
            return Ok(());
        }
        Err(io::Error::from(io::ErrorKind::NotFound))
    }

    fn create(&mut self, path: &str, mode: OpenMode) -> io::Result<u64> {
        self.check_parent(path)?;
        match self.inode_of(path) {
            Ok(_) if mode == OpenMode::Create => {
                return Err(io::Error::from(io::ErrorKind::AlreadyExists));
            }
            Ok(number) => {
                self.change_file(number, Change::Resize { bytes: 0 });
                return Ok(number);
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
        let number = self.next_inode;
        self.next_inode += 1;
        self.files.insert(number, Arc::default());
        let path = path.to_owned();
        let node = Node::File(number);
        self.change_names(NameChange::Add { path, node });
        Ok(number)
    }

    fn check_space(&self, inode: u64, len_wanted: u64) -> io::Result<()> {
        let used: u64 = self.files.values().map(|inode| inode.cached.len()).sum();
        let grown = len_wanted.saturating_sub(self.files[&inode].cached.len());
        if used + grown > self.bytes_max {
            return Err(io::Error::from(io::ErrorKind::StorageFull));
        }
        Ok(())
    }

    fn change_file(&mut self, number: u64, change: Change) {
        let inode = self.files.get_mut(&number).expect("open files have an inode");
        let inode = Arc::make_mut(inode);
        change.apply(&mut inode.cached);
        inode.unsynced.push(change);
    }

    fn change_names(&mut self, change: NameChange) {
        change.apply(&mut self.cached_names);
        self.unsynced_names.push(change);
    }

    fn sync_file(&mut self, number: u64) -> io::Result<()> {
        let fails = self.take_sync_failure();
        let inode = self.files.get_mut(&number).expect("open files have an inode");
        if inode.unsynced.is_empty() && !fails {
            return Ok(());
        }
        let inode = Arc::make_mut(inode);
        let mut keep = Keep::any(&mut self.rng);
        for change in std::mem::take(&mut inode.unsynced) {
            if fails {
                change.apply_torn(&mut inode.durable, &mut keep, &mut self.rng);
            } else {
                change.apply(&mut inode.durable);
            }
        }
        sync_answer(fails)
    }

    fn sync_names(&mut self, folder: &str) -> io::Result<()> {
        if !folder.is_empty() && self.cached_names.get(folder) != Some(&Node::Folder) {
            return Err(io::Error::from(io::ErrorKind::NotFound));
        }
        let fails = self.take_sync_failure();
        let (covered, others) = std::mem::take(&mut self.unsynced_names)
            .into_iter()
            .partition::<Vec<_>, _>(|change| change.folder() == folder);
        self.unsynced_names = others;
        for change in covered {
            if !fails || self.rng.chance(1, 2) {
                change.apply(&mut self.durable_names);
            } else {
                // Unlike pages, names are never dropped silently: a journal that cannot be
                // written stops the file system, and a later sync that succeeds has them.
                self.unsynced_names.push(change);
            }
        }
        sync_answer(fails)
    }

    fn take_sync_failure(&mut self) -> bool {
        let fails = self.syncs_to_fail > 0;
        self.syncs_to_fail = self.syncs_to_fail.saturating_sub(1);
        fails
    }

    /// The machine starts again: the cache is what is durable, files without a name are gone.
    fn restarted(mut self) -> Self {
        let names = std::mem::take(&mut self.durable_names);
        for (path, node) in names {
            let parent = parent_of(&path);
            // Parents sort before what they hold, so they are already judged.
            if parent.is_empty() || self.durable_names.get(parent) == Some(&Node::Folder) {
                self.durable_names.insert(path, node);
            }
        }
        self.cached_names.clone_from(&self.durable_names);
        let number_of = |node: &Node| match node {
            Node::File(number) => Some(*number),
            Node::Folder => None,
        };
        let named: BTreeSet<u64> = self.durable_names.values().filter_map(number_of).collect();
        self.files.retain(|number, _| named.contains(number));
        for inode in self.files.values_mut() {
            let inode = Arc::make_mut(inode);
            inode.cached = inode.durable.clone();
        }
        self.lock_holder = None;
        self.syncs_to_fail = 0;
        self
    }
}

impl NameChange {
    fn folder(&self) -> &str {
        match self {
            Self::Add { path, .. } | Self::Remove { path } => parent_of(path),
            Self::Rename { to, .. } => parent_of(to),
        }
    }

    fn apply(&self, names: &mut BTreeMap<String, Node>) {
        match self {
            Self::Add { path, node } => {
                names.insert(path.clone(), *node);
            }
            Self::Rename { from, to, node } => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
            Self::Remove { path } => {
                names.remove(path);
            }
        }
    }
}

fn sync_answer(fails: bool) -> io::Result<()> {
    if fails {
        return Err(io::Error::other("input/output error (simulated)"));
    }
    Ok(())
}

/// A panic in another test thread must not hide what the disk held.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
