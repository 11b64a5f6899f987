//! The only door to files: what the store may ask of a disk, and three disks that answer.
//! Invariant: every path is relative to one ledger folder and cannot leave it; nothing here
//! retries a failed sync, because after one the cache may hold what the disk does not.
//! Limits: one folder, one writer (the folder lock), any number of readers; no mmap.

mod faulty;
mod real;
mod rng;
mod sim;

pub use self::{
    faulty::{Fault, FaultKind, FaultyDisk, Step},
    real::RealDisk,
    rng::Rng,
    sim::SimDisk,
};

use std::{fmt, io};

/// A path inside the ledger folder is at most this long; the deepest of ours is a hash tile.
pub const PATH_BYTES_MAX: usize = 200;

/// One ledger folder. The empty path is the folder itself.
pub trait Disk: Send + Sync + fmt::Debug {
    /// Opens one file; see [`OpenMode`] for what must exist before.
    fn open(&self, path: &str, mode: OpenMode) -> Result<Box<dyn DiskFile>, DiskError>;
    /// The names directly inside a folder, sorted; empty if there is no such folder.
    fn list(&self, folder: &str) -> Result<Vec<String>, DiskError>;
    /// Whether a file or folder of that name is visible.
    fn exists(&self, path: &str) -> Result<bool, DiskError>;
    /// Gives a file another name in the same folder, replacing what had that name.
    /// Durable only after [`Disk::sync_dir`].
    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError>;
    /// Removes a file. Durable only after [`Disk::sync_dir`].
    fn remove(&self, path: &str) -> Result<(), DiskError>;
    /// Makes a folder inside an existing one; it is no error if it exists.
    fn create_dir(&self, path: &str) -> Result<(), DiskError>;
    /// Makes names created, renamed or removed in this folder durable.
    fn sync_dir(&self, folder: &str) -> Result<(), DiskError>;
    /// Takes the folder for one writer until the answer is dropped. `holder` is what another
    /// process that asks meanwhile is told.
    fn lock(&self, holder: &str) -> Result<Box<dyn DiskLock>, LockError>;
}

/// One open file. Offsets are absolute, so a writer and its readers share no position.
pub trait DiskFile: Send + Sync + fmt::Debug {
    /// Its path inside the ledger folder when it was opened.
    fn path(&self) -> &str;
    /// Bytes in the file.
    fn len(&self) -> Result<u64, DiskError>;
    /// Whether the file has no bytes.
    fn is_empty(&self) -> Result<bool, DiskError> {
        Ok(self.len()? == 0)
    }
    /// One read call: may give fewer bytes than asked; 0 means the end of the file.
    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<usize, DiskError>;
    /// One write call: may take fewer bytes than given.
    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, DiskError>;
    /// Makes bytes and length durable (fdatasync). After an error the file must not be trusted.
    fn sync(&self) -> Result<(), DiskError>;
    /// Cuts or grows the file to this length.
    fn set_len(&self, bytes: u64) -> Result<(), DiskError>;
}

/// Held as long as this process is the one writer of a folder.
pub trait DiskLock: Send + Sync + fmt::Debug {}

/// What must hold before a file is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenMode {
    /// It exists; only reads.
    Read,
    /// It exists; reads and writes.
    Write,
    /// It does not exist and is made empty.
    Create,
    /// It is made empty whether it existed or not.
    Replace,
}

/// What was asked of the disk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DiskCall {
    /// [`Disk::open`].
    Open,
    /// [`Disk::list`].
    List,
    /// [`Disk::exists`].
    Exists,
    /// [`Disk::rename`].
    Rename,
    /// [`Disk::remove`].
    Remove,
    /// [`Disk::create_dir`].
    CreateDir,
    /// [`Disk::sync_dir`].
    SyncDir,
    /// [`Disk::lock`].
    Lock,
    /// [`DiskFile::len`].
    Len,
    /// [`DiskFile::read_at`].
    Read,
    /// [`DiskFile::write_at`].
    Write,
    /// [`DiskFile::sync`].
    Sync,
    /// [`DiskFile::set_len`].
    SetLen,
}

impl fmt::Display for DiskCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Open => "open",
            Self::List => "list",
            Self::Exists => "look for",
            Self::Rename => "rename",
            Self::Remove => "remove",
            Self::CreateDir => "create folder",
            Self::SyncDir => "sync folder",
            Self::Lock => "lock",
            Self::Len => "measure",
            Self::Read => "read",
            Self::Write => "write",
            Self::Sync => "sync",
            Self::SetLen => "resize",
        })
    }
}

/// A disk call that failed: which, on what, and what the system said.
#[derive(Debug, thiserror::Error)]
#[error("cannot {call} \"{path}\": {source}")]
pub struct DiskError {
    /// What was asked.
    pub call: DiskCall,
    /// Of which file or folder, relative to the ledger folder.
    pub path: String,
    /// What the system answered.
    pub source: io::Error,
}

impl DiskError {
    /// Binds a system error to the call and path it belongs to.
    pub fn new(call: DiskCall, path: &str, source: io::Error) -> Self {
        Self { call, path: path.to_owned(), source }
    }

    /// Whether the disk, the quota or the size limit of a file is exhausted.
    pub fn is_no_space(&self) -> bool {
        use io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        matches!(self.source.kind(), StorageFull | QuotaExceeded | FileTooLarge)
    }

    /// Whether there is no such file.
    pub fn is_not_found(&self) -> bool {
        self.source.kind() == io::ErrorKind::NotFound
    }
}

/// Why the folder could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// Another writer has it.
    #[error("the ledger folder is in use by {holder}")]
    Held {
        /// What that writer said of itself.
        holder: String,
    },
    /// The lock file could not be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// Signals that may interrupt one transfer before it is given up: more is a storm that would
/// otherwise hold the writer for ever.
const INTERRUPTIONS_MAX: u32 = 1_000;

/// Writes all bytes, going on after short and interrupted writes as the system allows.
pub fn write_all_at(file: &dyn DiskFile, offset: u64, bytes: &[u8]) -> Result<(), DiskError> {
    let mut done = 0;
    let mut interruptions = 0;
    while done < bytes.len() {
        match file.write_at(offset + done as u64, &bytes[done..]) {
            Ok(0) => {
                let source = io::Error::from(io::ErrorKind::WriteZero);
                return Err(DiskError::new(DiskCall::Write, file.path(), source));
            }
            Ok(count) => done += count,
            Err(error) if is_interrupted(&error) && interruptions < INTERRUPTIONS_MAX => interruptions += 1,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads until `bytes` is full or the file ends; says how many bytes came.
pub fn read_up_to(file: &dyn DiskFile, offset: u64, bytes: &mut [u8]) -> Result<usize, DiskError> {
    let mut done = 0;
    let mut interruptions = 0;
    while done < bytes.len() {
        match file.read_at(offset + done as u64, &mut bytes[done..]) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(error) if is_interrupted(&error) && interruptions < INTERRUPTIONS_MAX => interruptions += 1,
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Whether bytes are all zeros; compared in blocks, because most of a new segment is.
pub(crate) fn is_zeros(bytes: &[u8]) -> bool {
    const ZEROS: [u8; 4096] = [0; 4096];
    bytes.chunks(ZEROS.len()).all(|piece| *piece == ZEROS[..piece.len()])
}

fn is_interrupted(error: &DiskError) -> bool {
    error.source.kind() == io::ErrorKind::Interrupted
}

/// Refuses every path that is not plain names of `A-Z a-z 0-9 . _ -` joined by single slashes;
/// names of only dots are refused, so no path leaves the folder.
fn check_path(call: DiskCall, path: &str) -> Result<(), DiskError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-');
    let good = path.len() <= PATH_BYTES_MAX
        && path
            .split('/')
            .all(|name| !name.is_empty() && name.bytes().all(plain) && name.bytes().any(|byte| byte != b'.'));
    if good {
        return Ok(());
    }
    let source = io::Error::new(io::ErrorKind::InvalidInput, "not a path inside the folder");
    Err(DiskError::new(call, path, source))
}

/// As [`check_path`]; the empty path is allowed too, and means the ledger folder.
fn check_folder(call: DiskCall, path: &str) -> Result<(), DiskError> {
    if path.is_empty() {
        return Ok(());
    }
    check_path(call, path)
}

/// The folder that holds a path; empty for the ledger folder.
fn parent_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Renames stay within one folder: across two, no disk promises that both names change at once.
fn check_rename(from: &str, to: &str) -> Result<(), DiskError> {
    check_path(DiskCall::Rename, from)?;
    check_path(DiskCall::Rename, to)?;
    if parent_of(from) == parent_of(to) {
        return Ok(());
    }
    let source = io::Error::new(io::ErrorKind::InvalidInput, "rename across folders");
    Err(DiskError::new(DiskCall::Rename, from, source))
}

#[cfg(test)]
mod tests;
