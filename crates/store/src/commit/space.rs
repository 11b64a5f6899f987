//! Room to write: the live segment, the zero-written one after it, and moving on between them.
//! Invariant: bytes are only ever written into space that was zero-written and synced, so a lack
//! of space shows before a batch is begun and never inside one.
//! Limits: at most one segment is prepared ahead; it gets its segment name only when the writer
//! takes it, so that a late helper can never write zeros over a live segment.

use std::sync::{Arc, Weak};

use crate::{
    disk::{Disk, DiskError, DiskFile, OpenMode, write_all_at},
    segment::{self, COMMIT_BYTES_MAX, FOLDER},
};

/// Zeros are written in pieces of this size.
const PIECE_BYTES: usize = 1 << 20;
/// A live segment that was trimmed is filled ahead by this much at a time.
const REFILL_BYTES: u64 = 4 << 20;
/// What files that are being zero-filled are called until the writer takes them.
pub(crate) const UNFINISHED_SUFFIX: &str = ".zero";

/// The segment that is being written.
#[derive(Debug)]
pub(crate) struct LiveSegment {
    pub number: u32,
    pub file: Box<dyn DiskFile>,
    /// Where the next frame goes: everything before it is committed or pending.
    pub end: u64,
    /// Up to here the file was zero-written and synced.
    pub filled: u64,
}

/// Why there is no room for a batch.
#[derive(Debug)]
pub(super) enum RoomError {
    /// The disk is full, and only zeros were written.
    NoSpace(DiskError),
    /// The live segment failed, or a segment in the making did so for another reason.
    Live(DiskError),
}

/// The live segment and its successor.
#[derive(Debug)]
pub(super) struct Space {
    disk: Arc<dyn Disk>,
    live: Option<LiveSegment>,
    next: Option<LiveSegment>,
    /// Alive as long as a helper holds a task or its result: two must not fill one file.
    helper: Weak<()>,
}

/// Zero-writing one segment: pure I/O that any thread may do.
#[derive(Debug)]
pub struct NextSegmentTask {
    disk: Arc<dyn Disk>,
    number: u32,
    bytes: u64,
    token: Arc<()>,
}

/// A zero-written segment that the writer has not taken yet.
#[derive(Debug)]
pub struct NextSegment {
    number: u32,
    file: Box<dyn DiskFile>,
    bytes: u64,
    _token: Arc<()>,
}

impl NextSegmentTask {
    /// Writes and syncs the zeros. An error here is not one of the live segment: report it, and
    /// try again later.
    pub fn run(self) -> Result<NextSegment, DiskError> {
        let path = unfinished_path(self.number);
        let file = self.disk.open(&path, OpenMode::Replace)?;
        let filled = write_zeros(&*file, 0, self.bytes).and_then(|()| file.sync());
        if let Err(error) = filled {
            // Give the space back; if that fails too, recovery removes the file.
            let _ = self.disk.remove(&path);
            return Err(error);
        }
        Ok(NextSegment { number: self.number, file, bytes: self.bytes, _token: self.token })
    }
}

impl Space {
    pub(super) fn new(disk: Arc<dyn Disk>, live: Option<LiveSegment>) -> Self {
        Self { disk, live, next: None, helper: Weak::new() }
    }

    /// Segment and offset where the next frame goes.
    pub(super) fn end(&self) -> (u32, u64) {
        self.live.as_ref().map_or((0, 0), |live| (live.number, live.end))
    }

    pub(super) fn live_is_empty(&self) -> bool {
        self.end().1 == 0
    }

    pub(super) fn next_task(&mut self) -> Option<NextSegmentTask> {
        if self.next.is_some() || self.helper.upgrade().is_some() {
            return None;
        }
        let token = Arc::new(());
        self.helper = Arc::downgrade(&token);
        let number = self.next_number();
        let bytes = segment::capacity(number, 0);
        Some(NextSegmentTask { disk: Arc::clone(&self.disk), number, bytes, token })
    }

    pub(super) fn adopt(&mut self, next: NextSegment) -> Result<(), DiskError> {
        if self.next.is_some() || next.number != self.next_number() {
            return self.disk.remove(&unfinished_path(next.number));
        }
        self.disk.rename(&unfinished_path(next.number), &segment::path(next.number))?;
        self.disk.sync_dir(FOLDER)?;
        self.next = Some(LiveSegment { number: next.number, file: next.file, end: 0, filled: next.bytes });
        Ok(())
    }

    /// Makes sure that a batch of so many bytes, commit frame included, has zero-written space:
    /// in the live segment, or, with a header before it, in the next one, which then is live.
    pub(super) fn make_room(&mut self, batch_bytes: u64, header_bytes: u64) -> Result<(), RoomError> {
        if let Some(live) = &mut self.live {
            let header = if live.end == 0 { header_bytes } else { 0 };
            let need = live.end + header + batch_bytes;
            if live.end == 0 || need <= segment::capacity(live.number, 0) {
                return fill(live, need);
            }
        }
        let mut next = self.take_next()?;
        fill(&mut next, header_bytes + batch_bytes)?;
        if let Some(live) = &self.live {
            // Sealed: nothing will be written to it again.
            trim(live).map_err(RoomError::Live)?;
        }
        self.live = Some(next);
        Ok(())
    }

    /// As [`Space::make_room`], for the commit frame of a batch that stands already.
    pub(super) fn make_commit_room(&mut self) -> Result<(), RoomError> {
        let live = self.live.as_mut().expect("the batch stands in the live segment");
        let need = live.end + COMMIT_BYTES_MAX;
        fill(live, need)
    }

    /// Writes bytes at the end of the live segment and syncs them.
    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<(), DiskError> {
        let live = self.live.as_mut().expect("room was made before anything is written");
        assert!(live.end + bytes.len() as u64 <= live.filled, "frames go only where zeros were written");
        write_all_at(&*live.file, live.end, bytes)?;
        live.file.sync()?;
        live.end += bytes.len() as u64;
        Ok(())
    }

    /// Cuts the live segment to its end and removes a segment that was prepared for nothing.
    pub(super) fn trim(&mut self) -> Result<(), DiskError> {
        if let Some(live) = &self.live {
            trim(live)?;
        }
        if let Some(next) = self.next.take() {
            self.disk.remove(&segment::path(next.number))?;
            self.disk.sync_dir(FOLDER)?;
        }
        Ok(())
    }

    fn next_number(&self) -> u32 {
        self.live.as_ref().map_or(0, |live| live.number + 1)
    }

    fn take_next(&mut self) -> Result<LiveSegment, RoomError> {
        if let Some(next) = self.next.take() {
            return Ok(next);
        }
        let number = self.next_number();
        let made = self.disk.create_dir(FOLDER).and_then(|()| self.disk.sync_dir(""));
        made.map_err(sort)?;
        // A helper may be filling the file for this number; it holds another name and is dropped
        // when it comes.
        let file = self.disk.open(&segment::path(number), OpenMode::Replace).map_err(sort)?;
        let mut next = LiveSegment { number, file, end: 0, filled: 0 };
        let filled = fill(&mut next, segment::capacity(number, 0));
        let named = filled.and_then(|()| self.disk.sync_dir(FOLDER).map_err(sort));
        if let Err(error) = named {
            let _ = self.disk.remove(&segment::path(number));
            return Err(error);
        }
        Ok(next)
    }
}

/// Zero-writes and syncs up to `need` bytes, and some more, so that not every batch does.
fn fill(segment: &mut LiveSegment, need: u64) -> Result<(), RoomError> {
    if need <= segment.filled {
        return Ok(());
    }
    let from = segment.filled;
    assert!(from >= segment.end, "zeros are never written over frames");
    let goal = need.max((from + REFILL_BYTES).min(segment::capacity(segment.number, 0)));
    write_zeros(&*segment.file, from, goal).map_err(sort)?;
    segment.file.sync().map_err(RoomError::Live)?;
    segment.filled = goal;
    Ok(())
}

fn write_zeros(file: &dyn DiskFile, from: u64, to: u64) -> Result<(), DiskError> {
    let zeros = vec![0; PIECE_BYTES];
    let mut at = from;
    while at < to {
        let piece = usize::try_from(to - at).unwrap_or(PIECE_BYTES).min(PIECE_BYTES);
        write_all_at(file, at, &zeros[..piece])?;
        at += piece as u64;
    }
    Ok(())
}

fn trim(segment: &LiveSegment) -> Result<(), DiskError> {
    segment.file.set_len(segment.end)?;
    segment.file.sync()
}

fn unfinished_path(number: u32) -> String {
    segment::path(number) + UNFINISHED_SUFFIX
}

/// A full disk is waited for; anything else is not to be trusted.
fn sort(error: DiskError) -> RoomError {
    if error.is_no_space() { RoomError::NoSpace(error) } else { RoomError::Live(error) }
}
