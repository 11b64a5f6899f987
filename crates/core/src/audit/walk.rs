//! Where the batches of a segment lie. The position of every frame follows from the frame before
//! it; nothing is ever found by looking for magic bytes, which payloads may hold.
//! Invariant: `step` goes on only where the place of the next frame is certain: the header is
//! right, one turned bit makes it right, or checksummed frames fill the space without a gap.

use super::{
    Check,
    finding::{Fault, Finding, Source, difference},
    mend::one_bit,
};
use crate::{
    checkpoint::SIZE_MAX,
    frame::{
        BATCH_BYTES_MAX, BATCH_HEADER_BYTES, BatchBuilder, BatchHeader, COMMIT_FIXED_BYTES, COMMIT_MAGIC,
        COMMIT_NOTE_BYTES_MAX, EntryFrame, SegmentHeader, decode_commit,
    },
    note::Note,
};

/// Bytes that a reader offers at once, if the file has them: the longest batch and its commit.
pub const WINDOW_BYTES: usize = BATCH_BYTES_MAX + COMMIT_FIXED_BYTES + COMMIT_NOTE_BYTES_MAX;

/// One batch, as offsets into the bytes that it was found in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// Its header, mended if it had to be.
    pub header: BatchHeader,
    /// First byte of the header.
    pub start: usize,
    /// First byte of the first entry frame.
    pub frames: usize,
    /// First byte of the commit frame, or of what follows the frames.
    pub commit: usize,
    /// Bytes of the commit frame; 0 if there is none.
    pub commit_bytes: usize,
    /// No commit frame, and nothing after it: the unfinished tail.
    pub tail: bool,
}

impl Plan {
    /// The byte after the batch and its commit frame.
    pub fn end(&self) -> usize {
        self.commit + self.commit_bytes
    }

    /// Index of the first entry of the next batch.
    pub fn next(&self) -> u64 {
        self.header.first.saturating_add(u64::from(self.header.count))
    }

    /// The same batch in bytes in which it begins at `start`.
    #[must_use]
    pub fn moved_to(self, start: usize) -> Self {
        let place = |at: usize| start + at - self.start;
        Self { start, frames: place(self.frames), commit: place(self.commit), ..self }
    }
}

/// What stands at a position of a segment.
#[derive(Debug)]
pub enum Step {
    /// A batch.
    Batch(Plan),
    /// Zeros, as far as the window shows, or the end of the file.
    Zeros,
    /// Something that is no batch; nothing after it can be read.
    Stuck(Finding),
}

/// Walks the batches of a log, segment after segment.
#[derive(Debug, Default)]
pub struct Walker {
    /// Index that the next batch should begin with.
    next: u64,
    /// Bytes of the log's name, from the first commit frame: fixes the length of a damaged one.
    origin_bytes: Option<usize>,
}

impl Walker {
    /// A walker before entry 0.
    pub fn new() -> Self {
        Self::default()
    }

    /// Index that the next batch should begin with.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// A segment begins that says it starts at `first`.
    pub fn segment_begins(&mut self, first: u64) {
        self.next = first;
    }

    /// Looks at `window[at..]`. `whole`: the window reaches the end of the file, `last`: no other
    /// segment follows. `base` is the offset in the file of `window[0]`.
    pub fn step(
        &mut self,
        window: &[u8],
        at: usize,
        base: u64,
        segment: u32,
        whole: bool,
        last: bool,
    ) -> Found {
        let view = View { rest: window.get(at..).unwrap_or_default(), at, base, segment, whole };
        let mut findings = Vec::new();
        let step = self.look(&view, last, &mut findings);
        if let Step::Batch(plan) = &step {
            self.next = plan.next();
        }
        Found { step, findings }
    }

    fn look(&mut self, view: &View<'_>, last: bool, findings: &mut Vec<Finding>) -> Step {
        let header = match BatchHeader::decode(view.rest) {
            Ok(header) => Some(header),
            Err(_) => self.mend_header(view, findings),
        };
        let Some(header) = header.filter(|header| header.first <= SIZE_MAX) else {
            let shown = view.rest.len().min(BATCH_HEADER_BYTES);
            if view.rest[..shown].iter().all(|byte| *byte == 0) {
                return Step::Zeros;
            }
            let what = BatchHeader::decode(view.rest).err().map(|error| error.to_string());
            return Step::Stuck(
                view.finding(if last { Fault::Trailing } else { Fault::Malformed }, 0)
                    .field("batch header", shown)
                    .values(
                        what.unwrap_or_default(),
                        format!("a batch that begins with entry {}", self.next),
                    ),
            );
        };
        let commit = BATCH_HEADER_BYTES + header.frames_bytes as usize;
        if commit > view.rest.len() {
            return Step::Stuck(
                view.finding(Fault::Torn, 0)
                    .entry(header.first)
                    .field("batch", view.rest.len())
                    .values(format!("{} bytes", view.rest.len()), format!("{commit} bytes")),
            );
        }
        let commit_bytes = self.commit_bytes(view, &header, commit, findings);
        let tail = commit_bytes == 0 && last && view.zeros_from(commit);
        let start = view.at;
        Step::Batch(Plan {
            header,
            start,
            frames: start + BATCH_HEADER_BYTES,
            commit: start + commit,
            commit_bytes,
            tail,
        })
    }

    /// A header that is not right: one turned bit, or the header that the frames themselves give.
    fn mend_header(&self, view: &View<'_>, findings: &mut Vec<Finding>) -> Option<BatchHeader> {
        let stored = view.rest.get(..BATCH_HEADER_BYTES)?;
        let mut bytes = stored.to_vec();
        let mut budget = u64::MAX;
        let good = |bytes: &[u8]| BatchHeader::decode(bytes).is_ok();
        if one_bit(&mut bytes, 0..BATCH_HEADER_BYTES, 0, &mut budget, good).is_none() {
            bytes = header_of_frames(view, self.next)?.to_vec();
        }
        let header = BatchHeader::decode(&bytes).ok()?;
        let found = difference(stored, &bytes)?;
        let field = header_field(found.at);
        findings.push(found.finding(Check::Bytes, view.source(), view.offset(0), field).entry(header.first));
        Some(header)
    }

    /// Length of the commit frame at `at` of the view; 0 if there is none.
    fn commit_bytes(
        &mut self,
        view: &View<'_>,
        header: &BatchHeader,
        at: usize,
        findings: &mut Vec<Finding>,
    ) -> usize {
        let rest = view.rest.get(at..).unwrap_or_default();
        let size = header.first.saturating_add(u64::from(header.count));
        let claimed = decode_commit(rest).ok();
        if let Some((note, length)) = claimed {
            let first_line = note.iter().position(|byte| *byte == b'\n');
            let origin = self.origin_bytes.or(first_line);
            if origin.is_some_and(|origin| note_bytes(origin, size) == note.len()) {
                self.origin_bytes = origin;
                return length;
            }
            if Note::parse(note).is_ok() {
                return length;
            }
        }
        if view.zeros_from(at) {
            return 0;
        }
        let Some(head) = mended_commit_head(rest).or_else(|| self.derived_commit_head(view, size, at)) else {
            // Its note is no note, which the scan reports; its length is all there is to go on.
            return claimed.map_or(0, |(_, length)| length);
        };
        let length = COMMIT_FIXED_BYTES + usize::from(u16::from_be_bytes([head[4], head[5]]));
        let stored = &rest[..COMMIT_FIXED_BYTES.min(rest.len())];
        if let Some(found) = difference(stored, &head) {
            findings.push(
                found
                    .finding(Check::Bytes, view.source(), view.offset(at), "commit frame")
                    .entry(size.saturating_sub(1)),
            );
        }
        length.min(rest.len())
    }

    /// The first bytes of a commit frame whose length follows from the log's name and size, if
    /// what comes after that length is what must come.
    fn derived_commit_head(&self, view: &View<'_>, size: u64, at: usize) -> Option<[u8; 6]> {
        let origin = self.origin_bytes?;
        let note = note_bytes(origin, size);
        let after = at + COMMIT_FIXED_BYTES + note;
        let follows = BatchHeader::decode(view.rest.get(after..)?).is_ok_and(|next| next.first == size);
        if !follows && !view.zeros_from(after) {
            return None;
        }
        let length = u16::try_from(note).ok()?.to_be_bytes();
        let [a, b, c, d] = COMMIT_MAGIC;
        Some([a, b, c, d, length[0], length[1]])
    }
}

/// What a step found, and the damage that it mended on the way.
#[derive(Debug)]
pub struct Found {
    /// What stands there.
    pub step: Step,
    /// Damage of headers that was mended or bridged.
    pub findings: Vec<Finding>,
}

/// Bytes of the note of a commit frame: three lines, an empty one, and one signature line.
pub(super) fn note_bytes(origin_bytes: usize, size: u64) -> usize {
    let digits = size.checked_ilog10().map_or(1, |log| log as usize + 1);
    // origin LF, size LF, 44 of base64 LF, LF, U+2014 and blank (4), name, blank, 92 of base64, LF.
    origin_bytes + 1 + digits + 1 + 45 + 1 + 4 + origin_bytes + 1 + 92 + 1
}

/// Bytes that `step` must be shown of a batch that begins here, unless the file ends before.
pub fn bytes_needed(rest: &[u8]) -> usize {
    // Beyond the commit frame it looks at what follows: zeros, or the next batch header.
    const BEYOND: usize = 4 * COMMIT_NOTE_BYTES_MAX;
    BatchHeader::decode(rest).map_or(WINDOW_BYTES, |header| header.frames_bytes as usize + BEYOND)
}

/// The header at the start of a segment file and its length: what it says itself; or, if it
/// cannot be read, the length at which a batch follows, first of all that of entry `next`.
pub fn segment_head(start: &[u8], next: u64) -> (usize, Option<SegmentHeader>) {
    if let Ok((header, length)) = SegmentHeader::decode(start) {
        return (length, Some(header));
    }
    let claimed = start.get(40..48).and_then(|bytes| bytes.try_into().ok()).map(u64::from_be_bytes);
    let lengths = [Some(next), claimed].map(|first| first.map(SegmentHeader::bytes));
    let follows = |length: &usize| start.get(*length..).is_some_and(|rest| BatchHeader::decode(rest).is_ok());
    let length = lengths.into_iter().flatten().find(follows).unwrap_or_else(|| SegmentHeader::bytes(next));
    (length.min(start.len()), None)
}

struct View<'a> {
    rest: &'a [u8],
    at: usize,
    base: u64,
    segment: u32,
    whole: bool,
}

impl View<'_> {
    fn source(&self) -> Source {
        Source::Segment(self.segment)
    }

    fn offset(&self, at: usize) -> u64 {
        self.base + (self.at + at) as u64
    }

    fn finding(&self, fault: Fault, at: usize) -> Finding {
        Finding::new(Check::Bytes, fault, self.source(), self.offset(at))
    }

    /// Nothing but zeros from here on, as far as the window shows; a window that is cut shows
    /// only as much as a commit frame and a batch header.
    fn zeros_from(&self, at: usize) -> bool {
        let rest = self.rest.get(at..).unwrap_or_default();
        let shown = if self.whole { rest.len() } else { rest.len().min(2 * COMMIT_NOTE_BYTES_MAX) };
        rest[..shown].iter().all(|byte| *byte == 0)
    }
}

fn header_field(at: usize) -> &'static str {
    match at {
        0..=3 => "batch header: magic",
        4..=11 => "batch header: first index",
        12..=15 => "batch header: count",
        16..=19 => "batch header: byte length",
        20..=51 => "batch header: digest",
        _ => "batch header: checksum",
    }
}

/// The header of the batch whose entry frames, each with its own checksum, fill the space up to a
/// commit frame or to zeros.
fn header_of_frames(view: &View<'_>, first: u64) -> Option<[u8; BATCH_HEADER_BYTES]> {
    let limit = view.rest.len().min(BATCH_BYTES_MAX);
    let mut batch = BatchBuilder::new(first);
    let mut at = BATCH_HEADER_BYTES;
    while let Ok(frame) = EntryFrame::decode(view.rest.get(at..limit)?) {
        batch.push(frame.leaf, frame.payload, frame.previous());
        at += frame.length;
    }
    let ends = decode_commit(view.rest.get(at..)?).is_ok() || view.zeros_from(at);
    if batch.count() == 0 || !ends {
        return None;
    }
    batch.finish().first_chunk().copied()
}

/// The head of a commit frame in which one turned bit makes a note of what follows.
fn mended_commit_head(rest: &[u8]) -> Option<[u8; COMMIT_FIXED_BYTES]> {
    let most = rest.len().min(COMMIT_FIXED_BYTES + COMMIT_NOTE_BYTES_MAX);
    let mut bytes = rest[..most].to_vec();
    let mut budget = u64::MAX;
    let good = |bytes: &[u8]| {
        decode_commit(bytes)
            .is_ok_and(|(note, _)| Note::parse(note).is_ok_and(|note| note.signatures.len() == 1))
    };
    one_bit(&mut bytes, 0..COMMIT_FIXED_BYTES.min(most), 0, &mut budget, good)?;
    bytes.first_chunk().copied()
}
