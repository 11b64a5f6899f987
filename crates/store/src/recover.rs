//! What a restart finds, and what it does about it (SPEC.md "Recovery").
//! C is the last commit frame with a valid signature and root. Invariant: nothing before C is
//! ever changed but by writing the same bytes again; nothing after C is dropped without a copy;
//! whatever contradicts a promise of the log makes the folder read-only.
//! Limits: reads the last segment with data and the one prepared after it, however long the log.

mod aside;
mod scan;
mod survey;

use std::sync::Arc;

use self::survey::{Pending, Survey, survey};
pub use self::{aside::SetAside, survey::Claim};
use crate::{
    commit::{self, AppendError, LiveSegment, Store, UNFINISHED_SUFFIX},
    disk::{Disk, DiskError, DiskLock, LockError, OpenMode, write_all_at},
    reader::{Head, Reader},
    segment::{self, Damage, FOLDER, ReadError, StoredEntry},
    signer::{LogSigner, LogVerifier, SignerError},
    tiles,
};

/// A ledger folder as it was found.
#[derive(Debug)]
pub enum Opened {
    /// It may be written, once its last moments are dealt with.
    Writable(Box<Recovery>),
    /// It contradicts what the log promised: it is only read, up to C.
    ReadOnly(ReadOnly),
}

/// A damaged folder.
#[derive(Debug)]
pub struct ReadOnly {
    /// Reads what is intact, up to the last commit point before the damage.
    pub reader: Reader,
    /// Where the damage is, and what.
    pub damage: Damage,
}

/// Why a folder was not opened at all.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// Another writer has it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// The disk gave an error.
    #[error(transparent)]
    Disk(#[from] DiskError),
}

/// What the caller thinks of the batch that waits, once its own state has reached C.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Judgement {
    /// Signatures, authority and verdicts are right: it becomes part of the log.
    RollForward,
    /// They are not: it is set aside like any other bytes after C.
    SetAside,
}

/// Why recovery did not finish. Nothing was lost; it may be tried again from [`open`].
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The disk gave an error.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The signer remembers another log.
    #[error(transparent)]
    Signer(#[from] SignerError),
    /// Entries could not be read while the hash tiles were made again.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The batch that waited could not be committed.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// The writer, and what was found beside the log.
pub struct Started {
    /// The writer. If the signer did not answer, [`Store::retry`] goes on.
    pub store: Store,
    /// Bytes after C that were copied and cleared away: findings for the operator.
    pub set_aside: Vec<SetAside>,
    /// Whether the signer still owes its signature for the batch that was rolled forward.
    pub unsigned: Option<SignerError>,
}

/// A folder that is held for writing and not yet written.
#[derive(Debug)]
pub struct Recovery {
    disk: Arc<dyn Disk>,
    verifier: VerifierBox,
    lock: Box<dyn DiskLock>,
    reader: Reader,
    survey: Survey,
}

struct VerifierBox(Arc<dyn LogVerifier>);

impl std::fmt::Debug for VerifierBox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("LogVerifier")
    }
}

/// Takes the folder and finds C. Writes nothing but the lock. `claims` are sizes that others,
/// such as views, pins and witnesses, hold for promised.
pub fn open(
    disk: Arc<dyn Disk>,
    verifier: Arc<dyn LogVerifier>,
    holder: &str,
    claims: &[Claim],
) -> Result<Opened, OpenError> {
    let lock = disk.lock(holder)?;
    let survey = survey(&disk, &*verifier, claims)?;
    let reader = reader_of(&disk, &survey)?;
    let damage = match survey.damage.clone() {
        None => contradicts_first_entry(&reader)?,
        damage => damage,
    };
    if let Some(damage) = damage {
        return Ok(Opened::ReadOnly(ReadOnly { reader, damage }));
    }
    let verifier = VerifierBox(verifier);
    Ok(Opened::Writable(Box::new(Recovery { disk, verifier, lock, reader, survey })))
}

/// Reads a folder without taking it, up to C as of now; a writer may be at work.
pub fn read_only(disk: &Arc<dyn Disk>, verifier: &dyn LogVerifier) -> Result<Reader, DiskError> {
    look(disk, verifier).map(|(reader, _)| reader)
}

/// The same, with the damage behind what the reader shows, if there is any: then later entries were
/// promised, and whoever shows these as the newest would say what is not so.
pub fn look(disk: &Arc<dyn Disk>, verifier: &dyn LogVerifier) -> Result<(Reader, Option<Damage>), DiskError> {
    let mut found = survey(disk, verifier, &[])?;
    if found.damage.is_some() {
        // A writer at work changes files while they are read; what it finishes is whole when it is
        // read again, and damage is still there.
        let again = survey(disk, verifier, &[])?;
        let is_real = again.damage == found.damage;
        found = again;
        found.damage = found.damage.filter(|_| is_real);
    }
    let reader = reader_of(disk, &found)?;
    let damage = match found.damage.take() {
        None => contradicts_first_entry(&reader)?,
        damage => damage,
    };
    Ok((reader, damage))
}

impl Recovery {
    /// Reads the log up to C.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// The entries of the batch that waits for judgement; empty if there is none.
    pub fn pending_entries(&self) -> Vec<StoredEntry> {
        self.survey.pending.as_ref().map(Pending::entries).unwrap_or_default()
    }

    /// What will be set aside, whatever the judgement: segment, first byte and number of bytes.
    pub fn debris(&self) -> &[SetAside] {
        &self.survey.debris
    }

    /// Clears away what is after C, makes the last batch durable again, commits the batch that
    /// waits if it was judged good, and hands out the writer.
    pub fn start(self, mut signer: Box<dyn LogSigner>, judgement: Judgement) -> Result<Started, StartError> {
        let Self { disk, verifier, lock, reader, mut survey } = self;
        let disk_ref = &*disk;
        disk.create_dir(FOLDER)?;
        disk.sync_dir("")?;
        remove_unfinished(disk_ref)?;
        let refused = survey.pending.take_if(|_| judgement == Judgement::SetAside);
        if let Some(pending) = refused {
            survey.debris.push(pending.as_debris());
        }
        let set_aside = aside::set_aside(disk_ref, &survey.debris)?;
        rewrite(disk_ref, &survey)?;
        let live = open_live(disk_ref, &survey)?;
        disk.sync_dir(FOLDER)?;
        signer.resume(reader.head().tip().range())?;
        if reader.tiles().is_none() {
            tiles::rebuild(&reader)?;
        }
        let mut store = Store::new(disk, verifier.0, signer, reader, live, lock);
        let mut unsigned = None;
        if let Some(pending) = survey.pending {
            match store.resume_with(pending.into_commit()) {
                Ok(_) => {}
                Err(AppendError::Unsigned(error)) => unsigned = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        Ok(Started { store, set_aside, unsigned })
    }
}

fn reader_of(disk: &Arc<dyn Disk>, survey: &Survey) -> Result<Reader, DiskError> {
    let head = match &survey.commit {
        None => Head::empty(),
        Some(found) => Head::new(found.commit.tip.clone(), &found.commit.note, found.ledger, found.segment),
    };
    let reader = Reader::new(Arc::clone(disk), head);
    tiles::load(&reader, survey.published)?;
    Ok(reader)
}

/// Segment headers name the ledger by the leaf hash of entry 0: they must mean this one.
fn contradicts_first_entry(reader: &Reader) -> Result<Option<Damage>, DiskError> {
    let Some(ledger) = reader.head().ledger() else { return Ok(None) };
    let damage = |what| Damage { segment: 0, offset: 0, entry: 0, what };
    match reader.read_entry(0) {
        Ok(entry) if lian_core::hash::leaf_hash(&entry.leaf) == ledger => Ok(None),
        Ok(_) => Ok(Some(damage(segment::Harm::Header))),
        Err(ReadError::Damage(damage)) => Ok(Some(damage)),
        // A disk that gave an error says nothing about what it holds.
        Err(ReadError::Disk(error)) if !error.is_not_found() => Err(error),
        Err(_) => Ok(Some(damage(segment::Harm::File))),
    }
}

/// Zero-filled files that no writer took have no other content than zeros.
fn remove_unfinished(disk: &dyn Disk) -> Result<(), DiskError> {
    for name in disk.list(FOLDER)? {
        if name.ends_with(UNFINISHED_SUFFIX) {
            disk.remove(&format!("{FOLDER}/{name}"))?;
        }
    }
    Ok(())
}

/// Writes the last batch, and the one that waits, in place with the same bytes, and syncs: after
/// a failed sync or a kill the cache may show what the disk does not have.
fn rewrite(disk: &dyn Disk, survey: &Survey) -> Result<(), DiskError> {
    let last = survey.commit.as_ref().map(|found| (found.segment, found.commit.start, &found.batch_bytes));
    let waiting = survey.pending.as_ref().map(|pending| (pending.segment, pending.start(), &pending.bytes));
    for (number, start, bytes) in last.into_iter().chain(waiting) {
        let file = disk.open(&segment::path(number), OpenMode::Write)?;
        write_all_at(&*file, start, bytes)?;
        file.sync()?;
    }
    Ok(())
}

/// The segment that will be written: that of the waiting batch, else that of C. Segments after
/// it hold only zeros by now and go; the one before it is sealed.
fn open_live(disk: &dyn Disk, survey: &Survey) -> Result<Option<LiveSegment>, DiskError> {
    let committed = survey.commit.as_ref().map(|found| (found.segment, found.commit.end));
    let waiting = survey.pending.as_ref().map(|pending| (pending.segment, pending.end()));
    let live = waiting.or(committed);
    for number in live.map_or(0, |(number, _)| number + 1)..survey.segment_count {
        disk.remove(&segment::path(number))?;
    }
    let Some((number, end)) = live else { return Ok(None) };
    if let Some((sealed, end)) = committed.filter(|(sealed, _)| *sealed != number) {
        let file = disk.open(&segment::path(sealed), OpenMode::Write)?;
        file.set_len(end)?;
        file.sync()?;
    }
    let file = disk.open(&segment::path(number), OpenMode::Write)?;
    // What is behind the end is zeros; writing them again makes sure that the space is there.
    Ok(Some(LiveSegment { number, file, end, filled: end }))
}

impl Pending {
    fn into_commit(self) -> commit::Pending {
        commit::Pending {
            offset: self.batch.offset,
            bytes: self.batch.end - self.batch.offset,
            tip: self.batch.tip,
            leaf_hash_of_first: self.batch.leaf_hashes[0],
        }
    }
}

#[cfg(test)]
mod tests;
