//! What this side remembers of a log: the newest checkpoint that it verified.
//! Invariant: a memory only grows; it is replaced whole or not at all; what contradicts it is kept
//! beside it and never replaces it.

use std::{
    collections::HashMap,
    fs::{self, File},
    io::{self, Write as _},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

use lian_core::{
    checkpoint,
    hash::{hex_encode, sha256},
    note::{NOTE_BYTES_MAX, VerifierKey},
};

/// Where the newest verified checkpoint of a log is kept.
pub trait SeenStore: Send + Sync {
    /// The signed note that was seen last; none at first.
    fn load(&self, log: &VerifierKey) -> io::Result<Option<Vec<u8>>>;

    /// Keeps a note that extends the one before. A note that is smaller than what is kept by now
    /// (another process was faster) changes nothing.
    fn save(&self, log: &VerifierKey, note: &[u8]) -> io::Result<()>;

    /// Keeps two checkpoints that contradict each other; says where, for people.
    fn keep_evidence(&self, log: &VerifierKey, seen: &[u8], new: &[u8]) -> io::Result<String>;
}

/// Size of a note that this log signed; 0 for anything else.
fn size_of(log: &VerifierKey, note: &[u8]) -> u64 {
    checkpoint::open(note, log).map_or(0, |open| open.checkpoint.size)
}

/// The two notes, one after the other, under headings.
fn evidence(seen: &[u8], new: &[u8]) -> Vec<u8> {
    [b"seen before:\n\n", seen, b"\n\nanswered now:\n\n", new].concat()
}

/// Remembers for as long as the process lives.
#[derive(Debug, Default)]
pub struct SeenMemory {
    notes: Mutex<HashMap<String, Vec<u8>>>,
    evidence: Mutex<Vec<Vec<u8>>>,
}

impl SeenMemory {
    /// Whatever contradicted it.
    pub fn evidence(&self) -> Vec<Vec<u8>> {
        self.evidence.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl SeenStore for SeenMemory {
    fn load(&self, log: &VerifierKey) -> io::Result<Option<Vec<u8>>> {
        let notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(notes.get(&log.to_string()).cloned())
    }

    fn save(&self, log: &VerifierKey, note: &[u8]) -> io::Result<()> {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = notes.entry(log.to_string()).or_default();
        if size_of(log, note) > size_of(log, kept) {
            *kept = note.to_vec();
        }
        Ok(())
    }

    fn keep_evidence(&self, _: &VerifierKey, seen: &[u8], new: &[u8]) -> io::Result<String> {
        self.evidence.lock().unwrap_or_else(PoisonError::into_inner).push(evidence(seen, new));
        Ok("the memory of this process".to_owned())
    }
}

/// Remembers in a folder: one file for each log.
#[derive(Debug, Clone)]
pub struct SeenFolder {
    folder: PathBuf,
}

impl SeenFolder {
    /// In this folder, which is made when it is first needed.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self { folder: folder.into() }
    }

    /// The file of a log: its name, and the hash of its key, as a file may be called.
    pub fn path(&self, log: &VerifierKey) -> PathBuf {
        self.folder.join(format!("{}.checkpoint", file_name(log)))
    }
}

fn file_name(log: &VerifierKey) -> String {
    let plain =
        |letter: char| if letter.is_ascii_alphanumeric() || ".-".contains(letter) { letter } else { '_' };
    let name: String = log.name().chars().take(80).map(plain).collect();
    format!("{name}-{}", &sha256(&[log.to_string().as_bytes()]).to_hex()[..16])
}

impl SeenStore for SeenFolder {
    fn load(&self, log: &VerifierKey) -> io::Result<Option<Vec<u8>>> {
        read(&self.path(log))
    }

    fn save(&self, log: &VerifierKey, note: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.folder)?;
        // One process at a time compares and replaces; the lock goes with the file handle.
        let lock = File::create(self.folder.join("lock"))?;
        lock.lock()?;
        let path = self.path(log);
        let kept = read(&path)?.unwrap_or_default();
        if size_of(log, note) <= size_of(log, &kept) {
            return Ok(());
        }
        replace(&path, note)
    }

    fn keep_evidence(&self, log: &VerifierKey, seen: &[u8], new: &[u8]) -> io::Result<String> {
        fs::create_dir_all(&self.folder)?;
        let name = hex_encode(&sha256(&[seen, new]).0[..8]);
        let path = self.folder.join(format!("{}.fork-{name}", file_name(log)));
        replace(&path, &evidence(seen, new))?;
        Ok(path.display().to_string())
    }
}

fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    use io::Read as _;
    let mut bytes = Vec::new();
    match File::open(path) {
        Ok(file) => file.take(NOTE_BYTES_MAX as u64 + 1).read_to_end(&mut bytes)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    Ok(Some(bytes))
}

/// Write, sync, rename, sync the folder: after a crash the file is the old one or the new one.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("part");
    let mut file = File::create(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use lian_core::{
        checkpoint::Checkpoint,
        hash::Digest,
        keys::SecretKey,
        note::{SignatureType, SignerKey},
    };

    use super::*;

    fn key() -> VerifierKey {
        let public = SecretKey::from_seed(&[1; 32]).public();
        VerifierKey::new("customs.example/2026", SignatureType::Ed25519, public).unwrap()
    }

    fn note(size: u64) -> Vec<u8> {
        let mut signer =
            SignerKey::new("customs.example/2026", SignatureType::Ed25519, SecretKey::from_seed(&[1; 32]))
                .unwrap();
        let checkpoint =
            Checkpoint { origin: "customs.example/2026".to_owned(), size, root: Digest([7; 32]) };
        checkpoint.sign(&mut signer).unwrap().encode().into_bytes()
    }

    #[test]
    fn a_memory_only_grows_and_survives_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let store = SeenFolder::new(folder.path().join("seen"));
        assert_eq!(store.load(&key()).unwrap(), None);

        store.save(&key(), &note(9)).unwrap();
        store.save(&key(), &note(3)).unwrap();

        let again = SeenFolder::new(folder.path().join("seen"));
        assert_eq!(again.load(&key()).unwrap(), Some(note(9)), "the smaller one came late");
        again.save(&key(), &note(10)).unwrap();
        assert_eq!(store.load(&key()).unwrap(), Some(note(10)));
    }

    #[test]
    fn evidence_of_a_fork_is_kept_beside_the_memory_and_does_not_replace_it() {
        let folder = tempfile::tempdir().unwrap();
        let store = SeenFolder::new(folder.path());
        store.save(&key(), &note(9)).unwrap();

        let path = store.keep_evidence(&key(), &note(9), &note(8)).unwrap();

        let kept = fs::read(path).unwrap();
        assert!(kept.windows(note(8).len()).any(|window| window == note(8)));
        assert_eq!(store.load(&key()).unwrap(), Some(note(9)));
    }
}
