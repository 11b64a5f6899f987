//! One walk through the frames of a segment file, from a mark onwards.
//! Invariant: a walk yields the entry it stands before, or names the damage; it never guesses
//! where a frame might begin.

use std::sync::Arc;

use lian_core::{
    entry::{LEAF_BYTES_MAX, Leaf},
    frame::{
        BATCH_HEADER_BYTES, BatchHeader, CHECKSUM_BYTES, ENTRY_FIXED_BYTES, EVENTS_MAX, EntryFrame,
        FrameError, PAYLOAD_BYTES_MAX, decode_commit,
    },
};

use super::{Damage, Harm, ReadError, View};
use crate::{
    disk::{DiskError, read_up_to},
    tip::Unfit,
};

/// Bytes between two marks of a segment.
pub(super) const MARK_BYTES: u64 = 8 << 10;

/// The longest frame, which is an entry frame: a bad length must not make the walk read more.
const FRAME_BYTES_MAX: usize =
    ENTRY_FIXED_BYTES + 8 * EVENTS_MAX + LEAF_BYTES_MAX + PAYLOAD_BYTES_MAX + CHECKSUM_BYTES;

/// Where a walk may begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mark {
    /// The entry before which it stands.
    pub index: u64,
    /// Of its frame, or of its batch header when `batch_end` is `index`.
    pub offset: u64,
    /// The entry after the last of the batch.
    pub batch_end: u64,
}

/// Where an entry lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// Number of the segment.
    pub segment: u32,
    /// Byte of the file at which the entry frame begins.
    pub offset: u64,
    /// Byte of the file at which the leaf begins.
    pub leaf_at: u64,
    /// Byte of the file at which the payload begins.
    pub payload_at: u64,
}

/// One committed entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEntry {
    /// Its index.
    pub index: u64,
    /// The leaf's bytes.
    pub leaf: Vec<u8>,
    /// The payload's bytes; zeros of their number once destroyed.
    pub payload: Vec<u8>,
    /// For each event the previous entry that names its stream.
    pub previous: Vec<u64>,
    /// Whether it is the first entry of its batch.
    pub batch_first: bool,
    /// Where it lies.
    pub place: Place,
}

/// Reads forward through one segment with a buffer.
pub(super) struct Walk {
    view: Arc<View>,
    index: u64,
    batch_end: u64,
    offset: u64,
    buffer: Vec<u8>,
    buffer_at: u64,
    read_bytes: usize,
}

impl Walk {
    pub(super) fn new(view: Arc<View>, mark: Mark, read_bytes: usize) -> Self {
        let Mark { index, offset, batch_end } = mark;
        Self { view, index, batch_end, offset, buffer: Vec::new(), buffer_at: 0, read_bytes }
    }

    pub(super) fn segment(&self) -> u32 {
        self.view.number
    }

    pub(super) fn index(&self) -> u64 {
        self.index
    }

    /// Whether a batch header, or the end of the segment, comes next.
    pub(super) fn at_batch(&self) -> bool {
        self.index == self.batch_end
    }

    /// Goes to entry `target`, over whole batches without reading them, and leaves marks.
    pub(super) fn skip_to(&mut self, target: u64) -> Result<(), ReadError> {
        while self.index < target {
            self.view.remember(Mark { index: self.index, offset: self.offset, batch_end: self.batch_end });
            if !self.at_batch() {
                self.pass_frame(|_, _| ())?;
                continue;
            }
            let header = self.batch_header()?;
            if header.first + u64::from(header.count) > target {
                self.enter(&header);
            } else {
                self.offset += (BATCH_HEADER_BYTES as u64) + u64::from(header.frames_bytes);
                self.index += u64::from(header.count);
                self.batch_end = self.index;
                self.pass_commit()?;
            }
        }
        Ok(())
    }

    /// The entry that comes next.
    pub(super) fn next_entry(&mut self) -> Result<StoredEntry, ReadError> {
        let batch_first = self.at_batch();
        if batch_first {
            let header = self.batch_header()?;
            self.enter(&header);
        }
        let (index, segment) = (self.index, self.segment());
        self.pass_frame(|frame, offset| StoredEntry {
            index,
            leaf: frame.leaf.to_vec(),
            payload: frame.payload.to_vec(),
            previous: frame.previous().collect(),
            batch_first,
            place: Place {
                segment,
                offset,
                leaf_at: offset + frame.leaf_at as u64,
                payload_at: offset + frame.payload_at as u64,
            },
        })
    }

    fn enter(&mut self, header: &BatchHeader) {
        self.offset += BATCH_HEADER_BYTES as u64;
        self.batch_end = header.first + u64::from(header.count);
    }

    fn batch_header(&mut self) -> Result<BatchHeader, ReadError> {
        let index = self.index;
        self.parse(|bytes| {
            let header = BatchHeader::decode(bytes)?;
            if header.first == index { Ok(header) } else { Err(Harm::Misplaced(header.first)) }
        })
    }

    /// Reads one entry frame, passes it, and the commit frame too if it was the last of its batch.
    fn pass_frame<T>(&mut self, take: impl Fn(&EntryFrame, u64) -> T) -> Result<T, ReadError> {
        let (index, offset) = (self.index, self.offset);
        let (taken, length) = self.parse(|bytes| {
            let frame = EntryFrame::decode(bytes)?;
            let leaf = Leaf::decode(frame.leaf).map_err(|source| Unfit::Leaf { index, source })?;
            if leaf.index != index {
                return Err(Harm::Misplaced(leaf.index));
            }
            Ok((take(&frame, offset), frame.length))
        })?;
        self.offset += length as u64;
        self.index += 1;
        if self.at_batch() {
            self.pass_commit()?;
        }
        Ok(taken)
    }

    fn pass_commit(&mut self) -> Result<(), ReadError> {
        let length = self.parse(|bytes| Ok(decode_commit(bytes)?.1))?;
        self.offset += length as u64;
        Ok(())
    }

    /// Decodes what stands at the walk's offset: from the buffer, else from a new read, because
    /// the buffer may be older than the frame, else from as many bytes as the frame needs.
    fn parse<T>(&mut self, decode: impl Fn(&[u8]) -> Result<T, Harm>) -> Result<T, ReadError> {
        if let Ok(value) = decode(self.held()) {
            return Ok(value);
        }
        self.fill(self.read_bytes)?;
        let answer = match decode(self.held()) {
            Err(Harm::Frame(FrameError::Short { need, .. })) if need > self.read_bytes => {
                self.fill(need.min(FRAME_BYTES_MAX))?;
                decode(self.held())
            }
            answer => answer,
        };
        answer.map_err(|what| self.damage(what))
    }

    /// The bytes of the buffer from the walk's offset on.
    fn held(&self) -> &[u8] {
        let start = self.offset.checked_sub(self.buffer_at).and_then(|start| usize::try_from(start).ok());
        start.and_then(|start| self.buffer.get(start..)).unwrap_or_default()
    }

    fn fill(&mut self, count: usize) -> Result<(), DiskError> {
        self.buffer.resize(count, 0);
        let read = read_up_to(&*self.view.file, self.offset, &mut self.buffer)?;
        self.buffer.truncate(read);
        self.buffer_at = self.offset;
        Ok(())
    }

    fn damage(&self, what: Harm) -> ReadError {
        Damage { segment: self.segment(), offset: self.offset, entry: self.index, what }.into()
    }
}
