//! The disk of this machine, through std alone: positioned reads and writes, fdatasync, and
//! fsync of folders. Limits: Unix; network file systems without working locks are not served.

use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    process,
};

use super::{
    Disk, DiskCall, DiskError, DiskFile, DiskLock, LockError, OpenMode, check_folder, check_path,
    check_rename,
};

/// The file that carries the folder lock. It stays when the writer goes: the lock is on the
/// open file, so what the file says counts only while somebody holds it.
const LOCK_PATH: &str = "lock";

/// What a lock file says of its holder is cut here when it is shown.
const HOLDER_BYTES_MAX: u64 = 200;

/// A ledger folder on this machine.
#[derive(Debug, Clone)]
pub struct RealDisk {
    root: PathBuf,
}

impl RealDisk {
    /// The ledger in an existing folder.
    pub fn open(root: impl AsRef<Path>) -> Result<Self, DiskError> {
        let root = root.as_ref().to_path_buf();
        let wrap = |source| DiskError::new(DiskCall::Open, &root.to_string_lossy(), source);
        if !fs::metadata(&root).map_err(wrap)?.is_dir() {
            return Err(wrap(io::Error::from(io::ErrorKind::NotADirectory)));
        }
        Ok(Self { root })
    }

    /// As [`RealDisk::open`]; makes the folder first if it is not there.
    pub fn create(root: impl AsRef<Path>) -> Result<Self, DiskError> {
        let root = root.as_ref();
        let wrap = |source| DiskError::new(DiskCall::CreateDir, &root.to_string_lossy(), source);
        if !root.exists() {
            fs::create_dir_all(root).map_err(wrap)?;
            if let Some(parent) = root.parent().filter(|parent| parent.is_dir()) {
                sync_folder(parent).map_err(wrap)?;
            }
        }
        Self::open(root)
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }
}

impl Disk for RealDisk {
    fn open(&self, path: &str, mode: OpenMode) -> Result<Box<dyn DiskFile>, DiskError> {
        check_path(DiskCall::Open, path)?;
        let mut options = OpenOptions::new();
        options.read(true).write(mode != OpenMode::Read);
        match mode {
            OpenMode::Read | OpenMode::Write => {}
            OpenMode::Create => {
                options.create_new(true);
            }
            OpenMode::Replace => {
                options.create(true).truncate(true);
            }
        }
        let file = options.open(self.at(path)).map_err(wrap(DiskCall::Open, path))?;
        let path = path.to_owned();
        Ok(Box::new(RealFile { file, path }))
    }

    fn list(&self, folder: &str) -> Result<Vec<String>, DiskError> {
        check_folder(DiskCall::List, folder)?;
        let entries = match fs::read_dir(self.at(folder)) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(DiskError::new(DiskCall::List, folder, error)),
        };
        let mut names = entries
            .map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned()))
            .collect::<io::Result<Vec<_>>>()
            .map_err(wrap(DiskCall::List, folder))?;
        names.sort_unstable();
        Ok(names)
    }

    fn exists(&self, path: &str) -> Result<bool, DiskError> {
        check_path(DiskCall::Exists, path)?;
        self.at(path).try_exists().map_err(wrap(DiskCall::Exists, path))
    }

    fn rename(&self, from: &str, to: &str) -> Result<(), DiskError> {
        check_rename(from, to)?;
        fs::rename(self.at(from), self.at(to)).map_err(wrap(DiskCall::Rename, from))
    }

    fn remove(&self, path: &str) -> Result<(), DiskError> {
        check_path(DiskCall::Remove, path)?;
        fs::remove_file(self.at(path)).map_err(wrap(DiskCall::Remove, path))
    }

    fn create_dir(&self, path: &str) -> Result<(), DiskError> {
        check_path(DiskCall::CreateDir, path)?;
        match fs::create_dir(self.at(path)) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => {
                Err(DiskError::new(DiskCall::CreateDir, path, error))
            }
            _ => Ok(()),
        }
    }

    fn sync_dir(&self, folder: &str) -> Result<(), DiskError> {
        check_folder(DiskCall::SyncDir, folder)?;
        sync_folder(&self.at(folder)).map_err(wrap(DiskCall::SyncDir, folder))
    }

    fn lock(&self, holder: &str) -> Result<Box<dyn DiskLock>, LockError> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        let wrap = || wrap(DiskCall::Lock, LOCK_PATH);
        let mut file = options.open(self.at(LOCK_PATH)).map_err(wrap())?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(held_by(file)),
            Err(TryLockError::Error(error)) => return Err(wrap()(error).into()),
        }
        let line = format!("process {}: {holder}\n", process::id());
        file.set_len(0).map_err(wrap())?;
        file.seek(SeekFrom::Start(0)).map_err(wrap())?;
        file.write_all(line.as_bytes()).map_err(wrap())?;
        Ok(Box::new(RealLock(file)))
    }
}

/// The lock is on this open file, and goes with it.
#[derive(Debug)]
struct RealLock(#[allow(dead_code, reason = "held, not used")] File);

impl DiskLock for RealLock {}

#[derive(Debug)]
struct RealFile {
    file: File,
    path: String,
}

impl DiskFile for RealFile {
    fn path(&self) -> &str {
        &self.path
    }

    fn len(&self) -> Result<u64, DiskError> {
        let metadata = self.file.metadata();
        Ok(metadata.map_err(wrap(DiskCall::Len, &self.path))?.len())
    }

    fn read_at(&self, offset: u64, bytes: &mut [u8]) -> Result<usize, DiskError> {
        let read = self.file.read_at(bytes, offset);
        read.map_err(wrap(DiskCall::Read, &self.path))
    }

    fn write_at(&self, offset: u64, bytes: &[u8]) -> Result<usize, DiskError> {
        let written = self.file.write_at(bytes, offset);
        written.map_err(wrap(DiskCall::Write, &self.path))
    }

    fn sync(&self) -> Result<(), DiskError> {
        self.file.sync_data().map_err(wrap(DiskCall::Sync, &self.path))
    }

    fn set_len(&self, bytes: u64) -> Result<(), DiskError> {
        self.file.set_len(bytes).map_err(wrap(DiskCall::SetLen, &self.path))
    }
}

fn wrap(call: DiskCall, path: &str) -> impl FnOnce(io::Error) -> DiskError + '_ {
    move |source| DiskError::new(call, path, source)
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

fn held_by(file: File) -> LockError {
    let mut line = Vec::new();
    let holder = match file.take(HOLDER_BYTES_MAX).read_to_end(&mut line) {
        Ok(0) | Err(_) => "another process".to_owned(),
        Ok(_) => String::from_utf8_lossy(&line).trim_end().to_owned(),
    };
    LockError::Held { holder }
}
