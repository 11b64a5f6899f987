//! Reads the batches of one chunk: frames, leaves, hashes, statements. Pure, for any thread.
//! Invariant: what is handed on is exactly the stored bytes, or the stored bytes with the one bit
//! turned back that a finding names; no length is believed before it was checked.

use std::{ops::Range, sync::Arc};

use super::{
    Check, Judge,
    finding::{Fault, Finding, Source, difference},
    mend::{BUDGET_BYTES, Flip, one_bit},
    walk::Plan,
};
use crate::{
    checkpoint::Checkpoint,
    entry::{Leaf, Verdict},
    frame::{
        BATCH_HEADER_BYTES, BatchBuilder, CHECKSUM_BYTES, ENTRY_FIXED_BYTES, EVENTS_MAX, EntryFrame,
        FrameError, PAYLOAD_BYTES_MAX, decode_commit, decode_frames,
    },
    hash::{Digest, leaf_hash, link},
    keys::PublicKey,
    note::{Note, VerifierKey},
    statement::statement_digest,
};

/// Consecutive batches of one segment.
#[derive(Debug)]
pub struct Chunk {
    /// Number of the segment.
    pub segment: u32,
    /// Offset in it of the first byte.
    pub offset: u64,
    /// Whole batches with their commit frames.
    pub bytes: Vec<u8>,
    /// Where they lie in `bytes`.
    pub batches: Vec<Plan>,
}

/// A chunk that was read.
#[derive(Debug)]
pub struct Scanned<F> {
    /// Number of the segment.
    pub segment: u32,
    /// Offset in it of the first byte.
    pub offset: u64,
    /// The bytes, mended where a finding says so.
    pub bytes: Arc<Vec<u8>>,
    /// The batches, in order.
    pub batches: Vec<ScannedBatch<F>>,
    /// What was found on the way.
    pub findings: Vec<Finding>,
}

/// One batch that was read.
#[derive(Debug)]
pub struct ScannedBatch<F> {
    /// Where it lies.
    pub plan: Plan,
    /// Its entries, as far as they could be told apart.
    pub entries: Vec<ScannedEntry<F>>,
    /// The last of them is followed by entries that could not be told apart.
    pub lost: u32,
    /// Its commit frame.
    pub commit: Option<ScannedCommit>,
}

/// One entry that was read.
#[derive(Debug)]
pub struct ScannedEntry<F> {
    /// Where its parts lie in the chunk.
    pub span: Span,
    /// The leaf without its signatures, if it is one.
    pub head: Option<LeafHead>,
    /// RFC 6962 leaf hash of the leaf's bytes.
    pub leaf_hash: Digest,
    /// BLAKE3 link of the leaf's bytes.
    pub link: Digest,
    /// The statement, if the payload is the leaf's and is one.
    pub filing: Option<F>,
}

/// Offsets of one entry frame in its chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte of the frame.
    pub at: usize,
    /// First byte of the leaf; the links back end here.
    pub leaf_at: usize,
    /// First byte of the payload; the leaf ends here.
    pub payload_at: usize,
    /// First byte of the checksum; the payload ends here.
    pub checksum_at: usize,
}

impl Span {
    /// The links back, eight bytes each.
    pub fn links(&self) -> Range<usize> {
        self.at + ENTRY_FIXED_BYTES..self.leaf_at
    }

    /// The leaf.
    pub fn leaf(&self) -> Range<usize> {
        self.leaf_at..self.payload_at
    }

    /// The payload.
    pub fn payload(&self) -> Range<usize> {
        self.payload_at..self.checksum_at
    }

    fn end(&self) -> usize {
        self.checksum_at + CHECKSUM_BYTES
    }

    fn of(frame: &EntryFrame<'_>, at: usize) -> Self {
        Self {
            at,
            leaf_at: at + frame.leaf_at,
            payload_at: at + frame.payload_at,
            checksum_at: at + frame.length - CHECKSUM_BYTES,
        }
    }

    /// What the lengths at `at` claim, if that is within the limits and within `end`.
    fn claimed(bytes: &[u8], at: usize, end: usize) -> Option<Self> {
        let fixed: &[u8; ENTRY_FIXED_BYTES] = bytes.get(at..end)?.first_chunk()?;
        let leaf = usize::from(u16::from_be_bytes([fixed[0], fixed[1]]));
        let payload = u32::from_be_bytes([fixed[2], fixed[3], fixed[4], fixed[5]]) as usize;
        let events = usize::from(u16::from_be_bytes([fixed[6], fixed[7]]));
        let within =
            (1..=PAYLOAD_BYTES_MAX).contains(&payload) && (1..=EVENTS_MAX).contains(&events) && leaf > 0;
        let leaf_at = at + ENTRY_FIXED_BYTES + 8 * events;
        let span = Self { at, leaf_at, payload_at: leaf_at + leaf, checksum_at: leaf_at + leaf + payload };
        (within && span.end() <= end).then_some(span)
    }
}

/// A leaf without its signatures.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafHead {
    /// See [`Leaf::index`].
    pub index: u64,
    /// See [`Leaf::previous`].
    pub previous: Digest,
    /// See [`Leaf::recorded_at`].
    pub recorded_at: u64,
    /// See [`Leaf::rules`].
    pub rules: u32,
    /// See [`Leaf::verdict`].
    pub verdict: Verdict,
    /// Number of signatures.
    pub signatures: usize,
}

/// A commit frame that was read.
#[derive(Debug)]
pub struct ScannedCommit {
    /// The note and the checkpoint in it; or why it is none.
    pub note: Result<(Note, Checkpoint), String>,
    /// The key that was asked, if its signature was found good.
    pub signed_by: Option<PublicKey>,
}

/// Reads a chunk. `statements`: read payloads into statements (entry 0 always is). `log_key`: the
/// key that probably signed the commit frames; the fold verifies again where it was another.
pub fn scan<J: Judge>(chunk: Chunk, statements: bool, log_key: Option<&VerifierKey>) -> Scanned<J::Filing> {
    let Chunk { segment, offset, bytes, batches } = chunk;
    let mut work = Work { segment, offset, bytes, budget: BUDGET_BYTES, findings: Vec::new() };
    let batches = batches
        .into_iter()
        .map(|plan| {
            let (spans, lost) = work.frames(&plan);
            let mut index = plan.header.first;
            let mut entries = Vec::with_capacity(spans.len());
            for span in spans {
                entries.push(work.entry::<J>(span, index, statements || index == 0));
                index = index.saturating_add(1);
            }
            let commit = (plan.commit_bytes > 0).then(|| work.commit(&plan, log_key));
            ScannedBatch { plan, entries, lost, commit }
        })
        .collect();
    Scanned { segment, offset, bytes: Arc::new(work.bytes), batches, findings: work.findings }
}

struct Work {
    segment: u32,
    offset: u64,
    bytes: Vec<u8>,
    budget: u64,
    findings: Vec<Finding>,
}

impl Work {
    fn finding(&self, check: Check, fault: Fault, at: usize) -> Finding {
        Finding::new(check, fault, Source::Segment(self.segment), self.offset + at as u64)
    }

    /// The frames of a batch, and how many of its entries could not be told apart.
    fn frames(&mut self, plan: &Plan) -> (Vec<Span>, u32) {
        let stored = &self.bytes[plan.frames..plan.commit];
        if let Ok(frames) = decode_frames(&plan.header, stored) {
            let mut at = plan.frames;
            let place = |frame: &EntryFrame<'_>| {
                let span = Span::of(frame, at);
                at = span.end();
                span
            };
            return (frames.iter().map(place).collect(), 0);
        }
        self.damaged_frames(plan)
    }

    fn damaged_frames(&mut self, plan: &Plan) -> (Vec<Span>, u32) {
        let mut spans = Vec::new();
        let mut at = plan.frames;
        let mut bridged = false;
        while at < plan.commit {
            let index = plan.header.first.saturating_add(spans.len() as u64);
            let span = match EntryFrame::decode(&self.bytes[at..plan.commit]) {
                Ok(frame) => Span::of(&frame, at),
                Err(error) => {
                    let mended = self.mend_frame(at, plan.commit, index);
                    bridged |= mended.is_none();
                    let span = mended.or_else(|| self.bridge_frame(at, plan.commit, index, &error));
                    let Some(span) = span else { break };
                    span
                }
            };
            at = span.end();
            spans.push(span);
        }
        let read = u32::try_from(spans.len()).unwrap_or(u32::MAX);
        let lost = if at < plan.commit { plan.header.count.saturating_sub(read).max(1) } else { 0 };
        if !bridged {
            self.batch_shape(plan, &spans);
        }
        (spans, lost)
    }

    /// One turned bit of the frame, payload apart, that makes its checksum right.
    fn mend_frame(&mut self, at: usize, end: usize, index: u64) -> Option<Span> {
        let claimed = Span::claimed(&self.bytes, at, end);
        let framing = claimed.map_or(0, |span| span.payload_at - at);
        let rest = &mut self.bytes[at..end];
        let good = |bytes: &[u8]| EntryFrame::decode(bytes).is_ok();
        let budget = &mut self.budget;
        let mut flip = one_bit(rest, 0..ENTRY_FIXED_BYTES, framing.max(512), budget, good);
        if let Some(span) = claimed {
            flip = flip
                .or_else(|| one_bit(rest, ENTRY_FIXED_BYTES..span.payload_at - at, framing, budget, good))
                .or_else(|| one_bit(rest, span.checksum_at - at..span.end() - at, framing, budget, good));
        }
        let flip = flip?;
        let span = Span::of(&EntryFrame::decode(&self.bytes[at..end]).ok()?, at);
        let field = frame_field(&span, at + flip.at);
        self.report_flip(Check::Bytes, Flip { at: at + flip.at, ..flip }, index, field);
        Some(span)
    }

    /// A frame that no single bit explains, but whose claimed length leads to the next frame or
    /// to the end of the batch.
    fn bridge_frame(&mut self, at: usize, end: usize, index: u64, error: &FrameError) -> Option<Span> {
        let span = Span::claimed(&self.bytes, at, end);
        let span =
            span.filter(|span| span.end() == end || EntryFrame::decode(&self.bytes[span.end()..end]).is_ok());
        let (field, length) = match span {
            Some(span) => ("entry frame: links back, leaf or checksum", span.payload_at - at),
            None => ("entry frame: lengths, and all that follows in the batch", end - at),
        };
        let fault = if matches!(error, FrameError::Checksum(_)) { Fault::Checksum } else { Fault::Malformed };
        let finding = self.finding(Check::Bytes, fault, at).entry(index).field(field, length);
        self.findings.push(finding.values(error, "a frame whose checksum matches"));
        span
    }

    /// All frames are sound; the header must be the one that they give.
    fn batch_shape(&mut self, plan: &Plan, spans: &[Span]) {
        let mut batch = BatchBuilder::new(plan.header.first);
        for span in spans {
            if let Ok(frame) = EntryFrame::decode(&self.bytes[span.at..span.end()]) {
                batch.push(frame.leaf, frame.payload, frame.previous());
            }
        }
        if batch.count() == 0 {
            return;
        }
        let right = batch.finish();
        // A header that was mended stands mended in the plan, not in the bytes.
        let stored = plan.header.encode();
        if let Some(found) = difference(&stored[..], &right[..BATCH_HEADER_BYTES]) {
            let mut finding =
                self.finding(Check::Bytes, Fault::Checksum, plan.start + found.at).entry(plan.header.first);
            finding.bit = found.bit;
            self.findings.push(finding.field("batch header", found.length).values(found.stored, found.right));
        }
    }

    fn report_flip(&mut self, check: Check, flip: Flip, index: u64, field: &'static str) {
        let right = self.bytes[flip.at];
        let stored = right ^ 1 << flip.bit;
        let mut finding = self.finding(check, Fault::Damaged, flip.at).entry(index).field(field, 1);
        finding.bit = Some(flip.bit);
        self.findings.push(finding.values(format!("{stored:02x}"), format!("{right:02x}")));
    }

    fn entry<J: Judge>(&mut self, span: Span, index: u64, statements: bool) -> ScannedEntry<J::Filing> {
        let bytes = &self.bytes[span.leaf()];
        let (leaf_hash, link) = (leaf_hash(bytes), link(bytes));
        let mut read = None;
        let mut error = None;
        match Leaf::decode(bytes) {
            Ok(leaf) => {
                let head = LeafHead {
                    index: leaf.index,
                    previous: leaf.previous,
                    recorded_at: leaf.recorded_at,
                    rules: leaf.rules,
                    verdict: leaf.verdict,
                    signatures: leaf.signatures.len(),
                };
                read = Some((head, leaf.statement));
            }
            Err(problem) => error = Some(problem.to_string()),
        }
        if let Some(error) = error {
            let finding = self.finding(Check::Bytes, Fault::Malformed, span.leaf_at).entry(index);
            self.findings.push(finding.field("leaf", span.leaf().len()).values(error, "a leaf"));
        }
        let digest = read.map(|(_, statement)| statement);
        let filing = digest
            .filter(|digest| self.payload_matches(&span, index, digest))
            .and_then(|digest| if statements { self.file::<J>(&span, index, digest) } else { None });
        ScannedEntry { span, head: read.map(|(head, _)| head), leaf_hash, link, filing }
    }

    fn file<J: Judge>(&mut self, span: &Span, index: u64, digest: Digest) -> Option<J::Filing> {
        match J::file(&self.bytes[span.payload()], digest) {
            Ok(filing) => Some(filing),
            Err(error) => {
                let finding =
                    self.finding(Check::Payload, Fault::NotAStatement, span.payload_at).entry(index);
                let finding = finding.field("payload", span.payload().len());
                self.findings.push(finding.values(error, "a statement"));
                None
            }
        }
    }

    /// The payload is the one that the leaf commits to, if need be with one bit turned back.
    fn payload_matches(&mut self, span: &Span, index: u64, digest: &Digest) -> bool {
        let payload = &mut self.bytes[span.payload()];
        let computed = statement_digest(payload);
        if computed == *digest {
            return true;
        }
        let length = payload.len();
        let zeros = payload.iter().all(|byte| *byte == 0);
        let good = |bytes: &[u8]| statement_digest(bytes) == *digest;
        let budget = &mut self.budget;
        if !zeros && let Some(flip) = one_bit(payload, 0..length, length, budget, good) {
            let flip = Flip { at: span.payload_at + flip.at, ..flip };
            self.report_flip(Check::Payload, flip, index, "payload");
            return true;
        }
        let fault = if zeros { Fault::PayloadZeros } else { Fault::PayloadDigest };
        let finding = self.finding(Check::Payload, fault, span.payload_at).entry(index);
        self.findings.push(finding.field("payload", length).values(computed, digest));
        false
    }

    fn commit(&mut self, plan: &Plan, log_key: Option<&VerifierKey>) -> ScannedCommit {
        let frame = &self.bytes[plan.commit..plan.end()];
        // A damaged head was reported and bridged by the walk; the note begins where it must.
        let note = decode_commit(frame).map_or_else(|_| frame.get(6..).unwrap_or_default(), |(note, _)| note);
        let note = Note::parse(note).map_err(|error| error.to_string()).and_then(|note| {
            let checkpoint = Checkpoint::parse(&note.text).map_err(|error| error.to_string())?;
            Ok((note, checkpoint))
        });
        let signed_by = match (&note, log_key) {
            (Ok((note, _)), Some(key)) => note
                .verify(std::slice::from_ref(key))
                .is_ok_and(|lines| lines.len() == 1)
                .then(|| *key.public()),
            _ => None,
        };
        ScannedCommit { note, signed_by }
    }
}

fn frame_field(span: &Span, at: usize) -> &'static str {
    match at {
        _ if at < span.at + 2 => "entry frame: leaf length",
        _ if at < span.at + 6 => "entry frame: payload length",
        _ if at < span.at + ENTRY_FIXED_BYTES => "entry frame: event count",
        _ if at < span.leaf_at => "entry frame: link back",
        _ if at < span.payload_at => leaf_field(at - span.leaf_at),
        _ => "entry frame: checksum",
    }
}

/// The field of a leaf that holds this byte of it.
pub(super) fn leaf_field(at: usize) -> &'static str {
    match at {
        0 => "leaf: version",
        1..=8 => "leaf: index",
        9..=40 => "leaf: previous",
        41..=48 => "leaf: recorded_at",
        49..=52 => "leaf: rules",
        53..=54 => "leaf: verdict code",
        55..=56 => "leaf: verdict event",
        57..=88 => "leaf: statement",
        89 => "leaf: signature count",
        _ => "leaf: signatures",
    }
}
