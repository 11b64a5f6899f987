//! Segment files: their names and sizes, and reading entries out of them.
//! Invariant: a reader sees committed entries only, each checked against its frame's checksum
//! and its own index; damage is named by entry, file and offset.
//! Limits: an entry near which somebody has walked before is found by walking less than 16 KiB
//! and a frame from a mark; headers, marks and open files are kept for a bounded number of segments.

mod walk;

use std::{
    collections::VecDeque,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use lian_core::frame::{COMMIT_FIXED_BYTES, COMMIT_NOTE_BYTES_MAX, FrameError, SegmentHeader};

use self::walk::{Mark, Walk};
pub use self::walk::{Place, StoredEntry};
use crate::disk::{Disk, DiskError, DiskFile, OpenMode, read_up_to};

/// The folder of the segments.
pub const FOLDER: &str = "segments";
/// Zero-written bytes of the first segment: a small ledger stays small.
pub const CAPACITY_FIRST: u64 = 1 << 20;
/// Zero-written bytes of a segment once they have doubled that far.
pub const CAPACITY_MAX: u64 = 64 << 20;
/// Room that a batch leaves for its commit frame.
pub const COMMIT_BYTES_MAX: u64 = (COMMIT_FIXED_BYTES + COMMIT_NOTE_BYTES_MAX) as u64;
/// The longest segment header: 64 nodes.
pub(crate) const HEADER_BYTES_MAX: usize = 89 + 64 * 32 + 8;
/// A segment file is never longer.
pub const FILE_BYTES_MAX: u64 = CAPACITY_MAX;

/// Segments whose file and marks are kept; at 8,192 marks of 24 bytes each this is 12 MiB.
const OPEN_SEGMENTS_MAX: usize = 64;
/// Bytes read at once when entries are read in order.
const READ_AHEAD_BYTES: usize = 256 << 10;
/// Bytes read at once when one entry is looked for.
const READ_ONE_BYTES: usize = 16 << 10;

/// The path of a segment file.
pub fn path(number: u32) -> String {
    format!("{FOLDER}/{number:06}.seg")
}

/// The number in a segment file's name; none for any other name.
pub fn number_of(name: &str) -> Option<u32> {
    let number = name.strip_suffix(".seg")?.parse().ok()?;
    (path(number).strip_prefix(FOLDER)?.strip_prefix('/')? == name).then_some(number)
}

/// Bytes that are zero-written for a segment: 1 MiB doubling to 64 MiB, or what its first batch
/// needs if that is more.
pub fn capacity(number: u32, first_batch_bytes: u64) -> u64 {
    let doubled = CAPACITY_FIRST.checked_shl(number.min(16)).unwrap_or(CAPACITY_MAX);
    doubled.min(CAPACITY_MAX).max(first_batch_bytes)
}

/// Bytes that are not what the log wrote, or are not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} at byte {offset}, entry {entry}: {what}", path(*segment))]
pub struct Damage {
    /// In which segment.
    pub segment: u32,
    /// At which byte of the file the bad frame begins.
    pub offset: u64,
    /// The first entry that cannot be trusted.
    pub entry: u64,
    /// What is wrong.
    pub what: Harm,
}

/// What is wrong with bytes on disk.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Harm {
    /// The bytes are not the frame that should be there.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// The frame is whole, but it is not the next entry.
    #[error(transparent)]
    Entry(#[from] crate::tip::Unfit),
    /// A frame for another place.
    #[error("a frame of entry {0} stands here")]
    Misplaced(u64),
    /// The header is of another ledger or of another place in it.
    #[error("the segment header does not continue the segment before")]
    Header,
    /// A commit frame of another tree.
    #[error("the commit frame does not hold the signed root of the entries before it")]
    Commit,
    /// Non-zero bytes where nothing was written.
    #[error("{0} bytes that are no frame")]
    Garbage(u64),
    /// A file is missing or too long to be a segment.
    #[error("the segment file is missing or has an impossible length")]
    File,
    /// The log ends here, but somebody holds a promise of more.
    #[error("the log ends here, but {source_name} names size {size}")]
    Promised {
        /// Who or what names the size.
        source_name: String,
        /// The size it names.
        size: u64,
    },
    /// Two signed trees of one size.
    #[error("the log signed another root of size {0}")]
    Fork(u64),
}

/// Why an entry was not read.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// No such entry is committed.
    #[error("entry {index} is not in a log of {size} entries")]
    Beyond {
        /// The entry asked for.
        index: u64,
        /// Committed entries.
        size: u64,
    },
    /// The disk gave an error.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// The bytes are damaged.
    #[error(transparent)]
    Damage(#[from] Damage),
    /// The hash tiles are not there; they can be made again from the segments.
    #[error("hash tile {0} is missing")]
    Tile(String),
}

/// Reads entries of the committed part of the segments. Cheap to share; all methods may be
/// called from many threads, also while the writer appends.
pub(crate) struct Segments {
    disk: Arc<dyn Disk>,
    views: Mutex<VecDeque<Arc<View>>>,
    /// First index of each segment whose header was read; `u64::MAX` for the others.
    firsts: Mutex<Vec<u64>>,
}

impl fmt::Debug for Segments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Segments").field("disk", &self.disk).finish_non_exhaustive()
    }
}

/// One open segment and the marks found in it so far.
struct View {
    number: u32,
    header: SegmentHeader,
    header_bytes: u64,
    file: Box<dyn DiskFile>,
    marks: Mutex<Vec<Mark>>,
}

impl Segments {
    pub(crate) fn new(disk: Arc<dyn Disk>) -> Self {
        Self { disk, views: Mutex::default(), firsts: Mutex::default() }
    }

    /// Entry `index`, which is committed; `last` is the segment that holds the newest entry.
    pub(crate) fn read(&self, index: u64, last: u32) -> Result<StoredEntry, ReadError> {
        let mut walk = self.walk_to(index, last, READ_ONE_BYTES)?;
        walk.next_entry()
    }

    /// The entries from `index` in order; the caller keeps to committed ones.
    pub(crate) fn entries(self: &Arc<Self>, index: u64, last: u32) -> Result<Run, ReadError> {
        let walk = self.walk_to(index, last, READ_AHEAD_BYTES)?;
        Ok(Run { segments: Arc::clone(self), walk })
    }

    /// A walk that stands before entry `index`.
    fn walk_to(&self, index: u64, last: u32, read_bytes: usize) -> Result<Walk, ReadError> {
        let number = self.find(index, last)?;
        let view = self.view(number)?;
        let start =
            Mark { index: view.header.first, offset: view.header_bytes, batch_end: view.header.first };
        let mark = {
            let marks = lock(&view.marks);
            let after = marks.partition_point(|mark| mark.index <= index);
            after.checked_sub(1).map_or(start, |at| marks[at])
        };
        let mut walk = Walk::new(view, mark, read_bytes);
        walk.skip_to(index)?;
        Ok(walk)
    }

    /// The segment that holds entry `index`: the last whose first entry is not after it.
    fn find(&self, index: u64, last: u32) -> Result<u32, ReadError> {
        let (mut low, mut high) = (0, last);
        while low < high {
            let middle = high - (high - low) / 2;
            if self.first_of(middle)? <= index {
                low = middle;
            } else {
                high = middle - 1;
            }
        }
        Ok(low)
    }

    fn first_of(&self, number: u32) -> Result<u64, ReadError> {
        let at = number as usize;
        if let Some(first) = lock(&self.firsts).get(at).filter(|first| **first != u64::MAX) {
            return Ok(*first);
        }
        let (header, _) = read_header(&*self.open(number)?, number)?;
        let mut firsts = lock(&self.firsts);
        if firsts.len() <= at {
            firsts.resize(at + 1, u64::MAX);
        }
        firsts[at] = header.first;
        Ok(header.first)
    }

    fn view(&self, number: u32) -> Result<Arc<View>, ReadError> {
        {
            let mut views = lock(&self.views);
            if let Some(at) = views.iter().position(|view| view.number == number) {
                let view = views.remove(at).expect("the position was just found");
                views.push_front(Arc::clone(&view));
                return Ok(view);
            }
        }
        let file = self.open(number)?;
        let (header, header_bytes) = read_header(&*file, number)?;
        let marks = Mutex::default();
        let view = Arc::new(View { number, header, header_bytes, file, marks });
        let mut views = lock(&self.views);
        views.push_front(Arc::clone(&view));
        views.truncate(OPEN_SEGMENTS_MAX);
        Ok(view)
    }

    fn open(&self, number: u32) -> Result<Box<dyn DiskFile>, DiskError> {
        self.disk.open(&path(number), OpenMode::Read)
    }
}

impl View {
    /// Keeps a mark if it is far enough from its neighbours: a batch that was skipped once as a
    /// whole gets its own marks when somebody walks into it.
    fn remember(&self, mark: Mark) {
        let mut marks = lock(&self.marks);
        let at = marks.partition_point(|other| other.offset < mark.offset);
        let far = |other: Option<&Mark>| {
            other.is_none_or(|other| other.offset.abs_diff(mark.offset) >= walk::MARK_BYTES)
        };
        if far(marks.get(at)) && far(at.checked_sub(1).and_then(|before| marks.get(before))) {
            marks.insert(at, mark);
        }
    }
}

/// Entries in order, across segments. It does not know where the committed part ends.
pub(crate) struct Run {
    segments: Arc<Segments>,
    walk: Walk,
}

impl Run {
    /// The next entry, which is committed and lies in segment `last` or before.
    pub(crate) fn next(&mut self, last: u32) -> Result<StoredEntry, ReadError> {
        let number = self.walk.segment();
        if number < last && self.walk.at_batch() {
            let index = self.walk.index();
            if self.segments.first_of(number + 1)? <= index {
                self.walk = self.segments.walk_to(index, last, READ_AHEAD_BYTES)?;
            }
        }
        self.walk.next_entry()
    }
}

/// The header of a segment file and its length.
pub(crate) fn read_header(file: &dyn DiskFile, number: u32) -> Result<(SegmentHeader, u64), ReadError> {
    let mut bytes = vec![0; HEADER_BYTES_MAX];
    let count = read_up_to(file, 0, &mut bytes)?;
    let (header, length) = SegmentHeader::decode(&bytes[..count]).map_err(|error| Damage {
        segment: number,
        offset: 0,
        entry: 0,
        what: Harm::Frame(error),
    })?;
    Ok((header, length as u64))
}

/// A panic elsewhere leaves only caches behind these locks.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fixture::{append, fresh};

    #[test]
    fn an_entry_is_looked_for_near_by_once_somebody_walked_past_it() {
        let (sim, mut store) = fresh(1);
        append(&mut store, 500, 300);
        append(&mut store, 1, 300);
        append(&mut store, 1, 300);
        let segments = Segments::new(Arc::new(sim));
        let view = segments.view(0).unwrap();
        let frame = segments.read(1, 0).unwrap().place.offset - segments.read(0, 0).unwrap().place.offset;

        // The first walk passes the batch as a whole, the second goes through it.
        segments.read(501, 0).unwrap();
        assert!(lock(&view.marks).iter().any(|mark| mark.index == 500));
        segments.read(499, 0).unwrap();

        for index in 0..500 {
            let offset = segments.read(index, 0).unwrap().place.offset;
            let marks = lock(&view.marks);
            let near = marks.iter().map(|mark| mark.offset).filter(|mark| *mark <= offset).max();
            let walked = offset - near.unwrap();
            assert!(walked < 2 * walk::MARK_BYTES + frame, "entry {index} is {walked} bytes from a mark");
        }
        let marks = lock(&view.marks);
        assert!(marks.is_sorted_by(|one, next| one.offset + walk::MARK_BYTES <= next.offset));
    }

    #[test]
    fn segment_names_have_one_spelling_and_sort_by_number() {
        assert_eq!(path(7), "segments/000007.seg");
        assert_eq!(path(1_234_567), "segments/1234567.seg");
        assert_eq!(number_of("000007.seg"), Some(7));
        assert_eq!(number_of("1234567.seg"), Some(1_234_567));
        for name in ["7.seg", "0000007.seg", "000007", "+00007.seg", "000007.seg.zero", "x.seg", ""] {
            assert_eq!(number_of(name), None, "{name}");
        }
    }

    #[test]
    fn segments_double_from_one_to_sixty_four_mebibytes_or_hold_their_first_batch() {
        let sizes: Vec<u64> = [0, 1, 2, 5, 6, 7, 999_999].map(|number| capacity(number, 0) >> 20).into();

        assert_eq!(sizes, [1, 2, 4, 32, 64, 64, 64]);
        assert_eq!(capacity(0, 5 << 20), 5 << 20);
    }
}
