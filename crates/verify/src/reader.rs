//! Reads the segments from first to last and cuts them into chunks of whole batches.
//! Invariant: where a chunk ends depends on the bytes alone; memory is bounded by the longest
//! batch, whatever a header claims.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
};

use lian_core::audit::{
    Check,
    finding::{Fault, Finding, Source},
    fold::SegmentHead,
    scan::Chunk,
    walk::{Plan, Step, Walker, bytes_needed, segment_head},
};

use crate::files::{SEGMENT_BYTES_MAX, open_plain};

/// A chunk is handed on when it has this many bytes,
const CHUNK_BYTES: usize = 512 << 10;
/// or this many entries,
const CHUNK_ENTRIES: u32 = 1024;
/// or this many batches: each has a signature to verify.
const CHUNK_BATCHES: usize = 64;
/// The longest segment header: 64 nodes, and a batch header after it.
const HEAD_BYTES: usize = 4096;
/// Bytes that are read at once.
const READ_BYTES: usize = 1 << 20;

/// What a reader hands on, in order.
pub(crate) enum Piece {
    Head(SegmentHead),
    Chunk(Chunk),
    Finding(Finding),
}

/// Walks one log.
pub(crate) struct Reader {
    walker: Walker,
    /// The first batch of the log goes alone: it tells the log's key.
    chunks: u64,
}

impl Reader {
    pub fn new() -> Self {
        Self { walker: Walker::new(), chunks: 0 }
    }

    /// Reads one segment; `hand_on` answers false when nobody listens any more.
    pub fn segment(
        &mut self,
        number: u32,
        path: &Path,
        last: bool,
        hand_on: &mut dyn FnMut(Piece) -> bool,
    ) -> io::Result<bool> {
        let mut window = Window::open(path)?;
        if window.too_long > 0 {
            let finding =
                Finding::new(Check::Bytes, Fault::Malformed, Source::Segment(number), SEGMENT_BYTES_MAX);
            let finding = finding.values(format!("{} bytes more", window.too_long), "the end of the segment");
            hand_on(Piece::Finding(finding));
        }
        window.fill(HEAD_BYTES)?;
        let (length, header) = segment_head(window.rest(), self.walker.next());
        if let Some(header) = &header {
            self.walker.segment_begins(header.first);
        }
        let stored = window.rest()[..length].to_vec();
        window.at += length;
        if !hand_on(Piece::Head(SegmentHead { segment: number, stored, header })) {
            return Ok(false);
        }
        self.batches(number, &mut window, last, hand_on)
    }

    fn batches(
        &mut self,
        number: u32,
        window: &mut Window,
        last: bool,
        hand_on: &mut dyn FnMut(Piece) -> bool,
    ) -> io::Result<bool> {
        let mut cutter = Cutter::new(number);
        loop {
            window.fill(HEAD_BYTES)?;
            window.fill(bytes_needed(window.rest()))?;
            let whole = window.unread == 0;
            let found = self.walker.step(&window.bytes, window.at, window.base, number, whole, last);
            let mut on = true;
            for finding in found.findings {
                on &= hand_on(Piece::Finding(finding));
            }
            match found.step {
                Step::Batch(plan) => {
                    cutter.take(plan, window);
                    if self.chunks == 0 || cutter.is_full() {
                        on &= hand_on(Piece::Chunk(cutter.cut()));
                        self.chunks += 1;
                    }
                }
                Step::Zeros => {
                    cutter.hand_on(hand_on);
                    return window.rest_is_zeros(number, hand_on);
                }
                Step::Stuck(finding) => {
                    cutter.hand_on(hand_on);
                    return Ok(hand_on(Piece::Finding(finding)));
                }
            }
            if !on {
                return Ok(false);
            }
        }
    }
}

/// The chunk that is being filled.
struct Cutter {
    chunk: Chunk,
    offset: Option<u64>,
    entries: u32,
}

impl Cutter {
    fn new(segment: u32) -> Self {
        let chunk = Chunk { segment, offset: 0, bytes: Vec::new(), batches: Vec::new() };
        Self { chunk, offset: None, entries: 0 }
    }

    /// Takes over the batch that stands next in the window.
    fn take(&mut self, plan: Plan, window: &mut Window) {
        self.entries = self.entries.saturating_add(plan.header.count);
        let alone = self.chunk.batches.is_empty() && plan.end() - plan.start >= CHUNK_BYTES;
        if alone && plan.start <= HEAD_BYTES {
            // It fills a chunk by itself: better to move the few bytes after it than the batch.
            self.offset = Some(window.base);
            self.chunk.bytes = window.give_up_to(plan.end());
            return self.chunk.batches.push(plan);
        }
        if self.chunk.batches.is_empty() {
            // Room for what fills it and the batch that overflows it, without moving it on the way.
            self.chunk.bytes.reserve(CHUNK_BYTES + CHUNK_BYTES / 2);
        }
        self.offset.get_or_insert(window.base + window.at as u64);
        let bytes = &window.bytes[plan.start..plan.end()];
        window.at = plan.end();
        self.chunk.batches.push(plan.moved_to(self.chunk.bytes.len()));
        self.chunk.bytes.extend_from_slice(bytes);
    }

    fn is_full(&self) -> bool {
        self.chunk.bytes.len() >= CHUNK_BYTES
            || self.entries >= CHUNK_ENTRIES
            || self.chunk.batches.len() >= CHUNK_BATCHES
    }

    fn cut(&mut self) -> Chunk {
        let full = std::mem::replace(self, Self::new(self.chunk.segment));
        Chunk { offset: full.offset.unwrap_or_default(), ..full.chunk }
    }

    fn hand_on(&mut self, hand_on: &mut dyn FnMut(Piece) -> bool) {
        if !self.chunk.batches.is_empty() {
            hand_on(Piece::Chunk(self.cut()));
        }
    }
}

/// The part of a file that is in memory.
struct Window {
    file: File,
    /// Offset in the file of `bytes[0]`.
    base: u64,
    bytes: Vec<u8>,
    /// What stands before it was handed on.
    at: usize,
    unread: u64,
    too_long: u64,
}

impl Window {
    fn open(path: &Path) -> io::Result<Self> {
        let file = open_plain(path)?;
        // A ledger that is being written to grows: what counts is what was there at the start.
        let length = file.metadata()?.len();
        let unread = length.min(SEGMENT_BYTES_MAX);
        Ok(Self { file, base: 0, bytes: Vec::new(), at: 0, unread, too_long: length - unread })
    }

    fn rest(&self) -> &[u8] {
        &self.bytes[self.at..]
    }

    /// Makes `least` bytes available after `at`, unless the file ends before.
    fn fill(&mut self, least: usize) -> io::Result<()> {
        if self.rest().len() >= least || self.unread == 0 {
            return Ok(());
        }
        self.bytes.drain(..self.at);
        self.base += self.at as u64;
        self.at = 0;
        let more = (least - self.bytes.len()).max(READ_BYTES) as u64;
        let more = more.min(self.unread);
        self.bytes.reserve(usize::try_from(more).unwrap_or_default());
        let read = (&mut self.file).take(more).read_to_end(&mut self.bytes)? as u64;
        // A file that shrinks while it is read ends where it ends.
        self.unread = if read < more { 0 } else { self.unread - read };
        Ok(())
    }

    /// Gives away all bytes up to `end`, which were handed on or are handed on now.
    fn give_up_to(&mut self, end: usize) -> Vec<u8> {
        let mut next = Vec::with_capacity(self.bytes.capacity());
        next.extend_from_slice(&self.bytes[end..]);
        self.bytes.truncate(end);
        self.base += end as u64;
        self.at = 0;
        std::mem::replace(&mut self.bytes, next)
    }

    fn rest_is_zeros(&mut self, number: u32, hand_on: &mut dyn FnMut(Piece) -> bool) -> io::Result<bool> {
        loop {
            if let Some(more) = self.rest().iter().position(|byte| *byte != 0) {
                let source = Source::Segment(number);
                let offset = self.base + (self.at + more) as u64;
                let finding = Finding::new(Check::Bytes, Fault::Trailing, source, offset);
                let bytes = self.rest().len() - more;
                let finding = finding.field("after the last commit", bytes);
                return Ok(hand_on(Piece::Finding(finding)));
            }
            if self.unread == 0 {
                return Ok(true);
            }
            self.at = self.bytes.len();
            self.fill(1)?;
        }
    }
}
