//! The writer: one batch after another, each durable before it is signed, each signed before
//! anybody hears of it. The commit point is the second sync of `commit_pending`.
//! Invariant: nothing is signed that is not durable and was not read back; any error on the live
//! segment poisons the writer for good, because after it nobody knows what the disk holds.
//! Limits: one writer, one batch at a time, no thread of its own; a batch is at most 8 MiB and
//! never spans segments.

mod space;

use std::sync::Arc;

use lian_core::{
    frame::{
        BATCH_BYTES_MAX, BATCH_HEADER_BYTES, BatchBuilder, BatchHeader, FrameError, decode_frames,
        encode_commit,
    },
    hash::Digest,
};

pub(crate) use self::space::{LiveSegment, UNFINISHED_SUFFIX};
pub use self::space::{NextSegment, NextSegmentTask};
use self::space::{RoomError, Space};
use crate::{
    disk::{Disk, DiskError, DiskLock, OpenMode, read_up_to, write_all_at},
    reader::{Head, Reader},
    segment::{self, COMMIT_BYTES_MAX, Harm, ReadError},
    signer::{LogSigner, LogVerifier, SignerError},
    tiles::WAITING_TILES_MAX,
    tip::{Payloads, Tip, Unfit},
};

/// One entry to append.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEntry {
    /// The leaf's bytes; index, link and time continue the log.
    pub leaf: Vec<u8>,
    /// The statement's bytes as they were signed.
    pub payload: Vec<u8>,
    /// For each event the previous entry that names its stream, or `NO_PREVIOUS`.
    pub previous: Vec<u64>,
}

/// Why a batch was not committed. Every variant says what the caller may do next.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    /// The entries do not continue the log; nothing was written.
    #[error(transparent)]
    Unfit(#[from] Unfit),
    /// No entries, or more bytes than a batch may have; nothing was written.
    #[error("a batch of {entries} entries and {bytes} bytes")]
    BatchSize {
        /// Entries in it.
        entries: usize,
        /// Bytes it would have.
        bytes: usize,
    },
    /// No space for more; nothing was written. Reads go on, and the same may be tried again.
    #[error("no space for the next segment: {0}")]
    NoSpace(DiskError),
    /// The hash tiles cannot be written; nothing was written. May be tried again.
    #[error("hash tiles cannot be written: {0}")]
    Tiles(DiskError),
    /// The batch is durable but not signed: nobody may hear of it yet. `retry` goes on.
    #[error("the signer does not answer: {0}")]
    Unsigned(SignerError),
    /// A batch waits for its signature; `retry` goes on.
    #[error("the batch before waits for its signature")]
    Pending,
    /// The writer must not write again; the process stops and recovery finds out what is there.
    #[error("the writer is poisoned: {0}")]
    Poisoned(Poison),
}

/// What poisoned a writer.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Poison {
    /// The disk failed on the live segment.
    #[error("{0}")]
    Disk(String),
    /// What was read back is not what was written.
    #[error("entry {entry}, byte {offset}: read back after the sync, {harm}")]
    ReadBack {
        /// First entry of the batch.
        entry: u64,
        /// Where the batch begins in its segment.
        offset: u64,
        /// What was wrong.
        harm: Harm,
    },
    /// The signer holds another history for true.
    #[error("{0}")]
    Signer(SignerError),
    /// The signer's note does not verify, or is about another tree.
    #[error("the signature over size {0} is not one of the log's over this root")]
    BadSignature(u64),
    /// A call came after the poisoning one.
    #[error("an earlier call failed")]
    Earlier,
}

/// The one writer of a ledger folder. Move it to the thread that does its I/O.
pub struct Store {
    disk: Arc<dyn Disk>,
    verifier: Arc<dyn LogVerifier>,
    signer: Box<dyn LogSigner>,
    reader: Reader,
    space: Space,
    pending: Option<Pending>,
    poisoned: bool,
    _lock: Box<dyn DiskLock>,
}

/// A batch that is written and synced but has no commit frame.
#[derive(Debug)]
pub(crate) struct Pending {
    /// Where its batch header begins in the live segment.
    pub offset: u64,
    pub bytes: u64,
    pub tip: Tip,
    pub leaf_hash_of_first: Digest,
}

impl Store {
    pub(crate) fn new(
        disk: Arc<dyn Disk>,
        verifier: Arc<dyn LogVerifier>,
        signer: Box<dyn LogSigner>,
        reader: Reader,
        live: Option<LiveSegment>,
        lock: Box<dyn DiskLock>,
    ) -> Self {
        let space = Space::new(Arc::clone(&disk), live);
        Self { disk, verifier, signer, reader, space, pending: None, poisoned: false, _lock: lock }
    }

    /// Reads what is committed, from any thread.
    pub fn reader(&self) -> &Reader {
        &self.reader
    }

    /// Appends entries and returns when they are committed.
    pub fn append_batch(&mut self, entries: &[NewEntry]) -> Result<Arc<Head>, AppendError> {
        self.check_ready()?;
        let head = self.reader.head();
        let (batch, first_hash, tip) = build(head.tip(), entries)?;
        self.relieve_tiles()?;
        let first_time = first_time_of(&entries[0]);
        let header = head.tip().header(head.ledger().unwrap_or(first_hash), first_time).encode();
        self.space.make_room(batch.len() as u64 + COMMIT_BYTES_MAX, header.len() as u64).map_err(
            |failed| match failed {
                space::RoomError::NoSpace(error) => AppendError::NoSpace(error),
                space::RoomError::Live(error) => self.poison(Poison::Disk(error.to_string())),
            },
        )?;
        let bytes = batch.len() as u64;
        let head_bytes = if self.space.live_is_empty() { header } else { Vec::new() };
        let offset = self.space.end().1 + head_bytes.len() as u64;
        let written = self.space.write(&[head_bytes, batch].concat());
        written.map_err(|error| self.poison(Poison::Disk(error.to_string())))?;
        self.pending = Some(Pending { offset, bytes, tip, leaf_hash_of_first: first_hash });
        self.commit_pending()
    }

    /// Asks the signer again for a batch that is durable but not signed.
    pub fn retry(&mut self) -> Result<Arc<Head>, AppendError> {
        if self.poisoned {
            return Err(AppendError::Poisoned(Poison::Earlier));
        }
        if self.pending.is_none() {
            return Ok(self.reader.head());
        }
        self.commit_pending()
    }

    /// Zero-writes and syncs the next segment now, if that was not done yet.
    pub fn prepare_next(&mut self) -> Result<(), DiskError> {
        match self.next_segment_task() {
            Some(task) => {
                let next = task.run()?;
                self.adopt(next)
            }
            None => Ok(()),
        }
    }

    /// The same as a task for another thread: run it there, then give its result to
    /// [`Store::adopt`]. None if a next segment is ready or in the making.
    pub fn next_segment_task(&mut self) -> Option<NextSegmentTask> {
        self.space.next_task()
    }

    /// Takes a segment that a [`NextSegmentTask`] prepared; drops it if it came too late.
    pub fn adopt(&mut self, next: NextSegment) -> Result<(), DiskError> {
        self.space.adopt(next)
    }

    /// Overwrites the payload of a committed entry with zeros, in place, and syncs. Whether it
    /// may be destroyed is the caller's question. Doing it twice changes nothing.
    pub fn destroy_payload(&mut self, index: u64) -> Result<(), DestroyError> {
        if self.poisoned {
            return Err(DestroyError::Poisoned(Poison::Earlier));
        }
        let entry = self.reader.read_entry(index)?;
        let zeros = vec![0; entry.payload.len()];
        let path = segment::path(entry.place.segment);
        let done = self.disk.open(&path, OpenMode::Write).and_then(|file| {
            write_all_at(&*file, entry.place.payload_at, &zeros)?;
            file.sync()
        });
        done.map_err(|error| {
            self.poisoned = true;
            DestroyError::Poisoned(Poison::Disk(error.to_string()))
        })
    }

    /// Cuts the live segment to what is committed and gives the folder back.
    pub fn close(mut self) -> Result<(), DiskError> {
        if self.poisoned || self.pending.is_some() {
            return Ok(());
        }
        self.space.trim()
    }

    pub(crate) fn resume_with(&mut self, pending: Pending) -> Result<Arc<Head>, AppendError> {
        let room = self.space.make_commit_room();
        room.map_err(|error| self.no_room(error))?;
        self.pending = Some(pending);
        self.commit_pending()
    }

    fn check_ready(&self) -> Result<(), AppendError> {
        if self.poisoned {
            return Err(AppendError::Poisoned(Poison::Earlier));
        }
        if self.pending.is_some() {
            return Err(AppendError::Pending);
        }
        Ok(())
    }

    /// Bounds the memory of tiles that no publisher wrote.
    fn relieve_tiles(&self) -> Result<(), AppendError> {
        match self.reader.tiles() {
            Some(tiles) if tiles.waiting_count() > WAITING_TILES_MAX => {
                tiles.write_waiting().map_err(AppendError::Tiles)
            }
            _ => Ok(()),
        }
    }

    /// Reads the batch back, has it signed, writes the commit frame and syncs it.
    fn commit_pending(&mut self) -> Result<Arc<Head>, AppendError> {
        let Some(pending) = self.pending.take() else {
            return Ok(self.reader.head());
        };
        let committed = self.reader.head();
        let hashes = match self.read_back(&pending, committed.tip()) {
            Ok(hashes) => hashes,
            Err(poison) => return Err(self.poison(poison)),
        };
        let note = match self.signer.sign(committed.size(), &hashes) {
            Ok(note) => note,
            Err(error @ SignerError::Unavailable(_)) => {
                self.pending = Some(pending);
                return Err(AppendError::Unsigned(error));
            }
            Err(error) => return Err(self.poison(Poison::Signer(error))),
        };
        let range = pending.tip.range();
        let good = |size, root| size == range.size() && root == range.root();
        if !self.verifier.open(&note).is_some_and(|signed| good(signed.size, signed.root)) {
            return Err(self.poison(Poison::BadSignature(range.size())));
        }
        if let Err(error) = self.space.write(&encode_commit(&note)) {
            return Err(self.poison(Poison::Disk(error.to_string())));
        }
        // The commit point is passed: the frame is durable, and now everybody may know.
        if let Some(tiles) = self.reader.tiles() {
            tiles.extend(&hashes);
        }
        let ledger = committed.ledger().unwrap_or(pending.leaf_hash_of_first);
        let (segment, _) = self.space.end();
        self.reader.advance(Head::new(pending.tip, &note, ledger, segment));
        Ok(self.reader.head())
    }

    /// The leaf hashes of a batch from the bytes that a separate read returns, after all of it
    /// was judged again: a bit that flipped in memory or on the way must not be signed.
    fn read_back(&self, pending: &Pending, before: &Tip) -> Result<Vec<Digest>, Poison> {
        let disk_error = |error: DiskError| Poison::Disk(error.to_string());
        let harmed = |harm| Poison::ReadBack { entry: before.size(), offset: pending.offset, harm };
        let (segment, _) = self.space.end();
        let file = self.disk.open(&segment::path(segment), OpenMode::Read).map_err(disk_error)?;
        let mut bytes = vec![0; usize::try_from(pending.bytes).expect("a batch is at most 8 MiB")];
        let count = read_up_to(&*file, pending.offset, &mut bytes).map_err(disk_error)?;
        let (hashes, tip) = judge(&bytes[..count], before).map_err(harmed)?;
        if tip != pending.tip {
            return Err(harmed(Harm::Commit));
        }
        Ok(hashes)
    }

    fn no_room(&mut self, error: RoomError) -> AppendError {
        match error {
            RoomError::NoSpace(error) => AppendError::NoSpace(error),
            RoomError::Live(error) => self.poison(Poison::Disk(error.to_string())),
        }
    }

    fn poison(&mut self, poison: Poison) -> AppendError {
        self.poisoned = true;
        AppendError::Poisoned(poison)
    }
}

/// Why a payload was not destroyed.
#[derive(Debug, thiserror::Error)]
pub enum DestroyError {
    /// The entry could not be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// The disk failed while zeros were written; the writer must not write again.
    #[error("the writer is poisoned: {0}")]
    Poisoned(Poison),
}

/// The bytes of a batch of entries that continue a tip, the first leaf hash, and the tip after.
fn build(before: &Tip, entries: &[NewEntry]) -> Result<(Vec<u8>, Digest, Tip), AppendError> {
    let mut tip = before.clone();
    let mut builder = BatchBuilder::new(before.size());
    let mut first_hash = Digest::ZERO;
    for entry in entries {
        let hash = tip.push(&entry.leaf, &entry.payload, entry.previous.len(), Payloads::AllThere)?;
        if builder.count() == 0 {
            first_hash = hash;
        }
        builder.push(&entry.leaf, &entry.payload, entry.previous.iter().copied());
        if builder.bytes() > BATCH_BYTES_MAX {
            break;
        }
    }
    let (entries, bytes) = (entries.len(), builder.bytes());
    if entries == 0 || bytes > BATCH_BYTES_MAX {
        return Err(AppendError::BatchSize { entries, bytes });
    }
    Ok((builder.finish(), first_hash, tip))
}

/// Judges the stored bytes of one batch: leaf hashes and the tip after.
fn judge(bytes: &[u8], before: &Tip) -> Result<(Vec<Digest>, Tip), Harm> {
    let header = BatchHeader::decode(bytes)?;
    if header.first != before.size() {
        return Err(Harm::Misplaced(header.first));
    }
    let frames = &bytes[BATCH_HEADER_BYTES..];
    if frames.len() != header.frames_bytes as usize {
        return Err(FrameError::BatchShape("not as long as the header says").into());
    }
    let mut tip = before.clone();
    let mut hashes = Vec::new();
    for frame in decode_frames(&header, frames)? {
        hashes.push(tip.push(frame.leaf, frame.payload, frame.previous().len(), Payloads::AllThere)?);
    }
    Ok((hashes, tip))
}

/// The time of an entry that was judged already.
fn first_time_of(entry: &NewEntry) -> u64 {
    lian_core::entry::Leaf::decode(&entry.leaf).map_or(0, |leaf| leaf.recorded_at)
}

#[cfg(test)]
mod tests;
