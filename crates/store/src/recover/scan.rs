//! Reads one whole segment as a stranger would: frames, chain, hashes, tree, commit frames.
//! Invariant: what a scan accepts is continuous from the header on; at the first thing that does
//! not fit it stops and never looks for another beginning. Pure: bytes in, findings out.

use lian_core::{
    frame::{
        BATCH_HEADER_BYTES, BatchHeader, CHECKSUM_BYTES, COMMIT_MAGIC, EntryFrame, FrameError, SegmentHeader,
        decode_commit, decode_frames,
    },
    hash::Digest,
};

use crate::{
    disk::is_zeros,
    segment::{Damage, Harm},
    signer::LogVerifier,
    tip::{Payloads, Tip},
};

/// What stands in a segment.
#[derive(Debug)]
pub(crate) struct Scan {
    pub header: SegmentHeader,
    /// The last commit frame whose signature, size and root are right, and all before it.
    pub commit: Option<Commit>,
    /// The whole batch right after it that has no commit frame.
    pub batch: Option<WholeBatch>,
    /// Why the scan did not reach the end of what was written; none if it did.
    pub stop: Option<Damage>,
}

/// A commit point.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub tip: Tip,
    pub note: Vec<u8>,
    /// Where the batch that it commits begins; its segment header, if it has one, included.
    pub start: u64,
    pub end: u64,
}

/// A batch whose header, frames, chain and payloads are right.
#[derive(Debug, Clone)]
pub(crate) struct WholeBatch {
    /// Where it begins; its segment header, if it has one, included.
    pub start: u64,
    /// Where its batch header begins.
    pub offset: u64,
    pub end: u64,
    pub tip: Tip,
    pub leaf_hashes: Vec<Digest>,
}

/// Scans a segment. Its header is judged by the caller, except that it must be one.
pub(crate) fn scan(segment: u32, bytes: &[u8], verifier: &dyn LogVerifier) -> Result<Scan, Damage> {
    let damage = |entry, offset, what| Damage { segment, offset, entry, what };
    let written = written_bytes(bytes);
    let (header, header_bytes) =
        SegmentHeader::decode(bytes).map_err(|error| damage(0, 0, Harm::Frame(error)))?;
    let tip = Tip::before(&header).ok_or_else(|| damage(header.first, 0, Harm::Header))?;
    let mut scan = Scan { header, commit: None, batch: None, stop: None };
    let mut at = Position { start: 0, offset: header_bytes, tip };
    while at.offset < written {
        let committed = read_batch(bytes, &at, Payloads::MayBeDestroyed)
            .map(|batch| read_commit(bytes, &batch, verifier));
        match committed {
            Ok(Some(commit)) => {
                let end = to_usize(commit.end);
                at = Position { start: end, offset: end, tip: commit.tip.clone() };
                scan.commit = Some(commit);
                continue;
            }
            // Without a commit frame nothing vouches for zeros: a torn write looks like them.
            Ok(None) => match read_batch(bytes, &at, Payloads::AllThere) {
                Ok(batch) => {
                    scan.stop = misfit_after(bytes, &batch, verifier)
                        .map(|what| damage(batch.tip.size(), batch.end, what));
                    scan.batch = Some(batch);
                }
                Err((offset, entry, what)) => scan.stop = Some(damage(entry, offset as u64, what)),
            },
            Err((offset, entry, what)) => scan.stop = Some(damage(entry, offset as u64, what)),
        }
        break;
    }
    Ok(scan)
}

/// What stands behind a batch that has no commit frame of its own tree, if anything does.
fn misfit_after(bytes: &[u8], batch: &WholeBatch, verifier: &dyn LogVerifier) -> Option<Harm> {
    let rest = bytes.get(to_usize(batch.end)..).unwrap_or_default();
    let garbage = written_bytes(rest) as u64;
    let authentic = decode_commit(rest).is_ok_and(|(note, _)| verifier.open(note).is_some());
    match (authentic, garbage) {
        (true, _) => Some(Harm::Commit),
        (false, 0) => None,
        (false, count) => Some(Harm::Garbage(count)),
    }
}

/// Bytes up to the last that is not zero.
pub(crate) fn written_bytes(bytes: &[u8]) -> usize {
    const PIECE_BYTES: usize = 4096;
    let mut end = bytes.len();
    while end > 0 {
        let start = end.saturating_sub(PIECE_BYTES);
        if !is_zeros(&bytes[start..end]) {
            let last = bytes[start..end].iter().rposition(|byte| *byte != 0);
            return start + last.expect("the piece is not all zeros") + 1;
        }
        end = start;
    }
    0
}

/// The largest size above `size` that an authentic commit frame after `offset` names. Where it
/// stands does not matter: only the log could sign it, and it signs only what it has stored.
pub(crate) fn promised_after(
    bytes: &[u8],
    offset: u64,
    size: u64,
    verifier: &dyn LogVerifier,
) -> Option<u64> {
    let rest = bytes.get(to_usize(offset)..).unwrap_or_default();
    let rest = &rest[..written_bytes(rest)];
    let magics = rest.windows(COMMIT_MAGIC.len()).enumerate().filter(|(_, four)| **four == COMMIT_MAGIC);
    let sizes = magics.filter_map(|(at, _)| {
        let (note, _) = decode_commit(&rest[at..]).ok()?;
        Some(verifier.open(note)?.size)
    });
    sizes.filter(|promised| *promised > size).max()
}

struct Position {
    start: usize,
    offset: usize,
    tip: Tip,
}

/// Offset, entry and harm of what is not a batch.
type Misfit = (usize, u64, Harm);

fn read_batch(bytes: &[u8], at: &Position, payloads: Payloads) -> Result<WholeBatch, Misfit> {
    let first = at.tip.size();
    let bad_header = |error| (at.offset, first, Harm::Frame(error));
    let header = BatchHeader::decode(&bytes[at.offset..]).map_err(bad_header)?;
    if header.first != first {
        return Err((at.offset, first, Harm::Misplaced(header.first)));
    }
    let start = at.offset + BATCH_HEADER_BYTES;
    let end = start + header.frames_bytes as usize;
    let short = FrameError::Short { frame: "batch", need: end - at.offset, have: bytes.len() - at.offset };
    let frames = bytes.get(start..end).ok_or_else(|| bad_header(short))?;
    let frames = decode_frames(&header, frames)
        .map_err(|error| locate(frames, start, first).unwrap_or((at.offset, first, Harm::Frame(error))))?;
    let mut tip = at.tip.clone();
    let mut leaf_hashes = Vec::with_capacity(frames.len());
    let mut offset = start;
    for frame in frames {
        let hash = tip
            .push(frame.leaf, frame.payload, frame.previous().len(), payloads)
            .map_err(|unfit| (offset, at.tip.size() + leaf_hashes.len() as u64, Harm::Entry(unfit)))?;
        // A segment header says when its first entry was recorded.
        if at.start == 0 && leaf_hashes.is_empty() && tip.recorded_at() != at.tip.recorded_at() {
            return Err((0, first, Harm::Header));
        }
        leaf_hashes.push(hash);
        offset += frame.length;
    }
    Ok(WholeBatch { start: at.start as u64, offset: at.offset as u64, end: end as u64, tip, leaf_hashes })
}

/// The first entry frame of a broken batch that is broken; none if each is whole for itself.
fn locate(frames: &[u8], start: usize, first: u64) -> Option<Misfit> {
    let mut at = 0;
    for entry in first.. {
        if at + CHECKSUM_BYTES >= frames.len() {
            return None;
        }
        match EntryFrame::decode(&frames[at..]) {
            Ok(frame) => at += frame.length,
            Err(error) => return Some((start + at, entry, Harm::Frame(error))),
        }
    }
    None
}

/// The commit frame right after a batch, if the log signed it with the right size and root.
fn read_commit(bytes: &[u8], batch: &WholeBatch, verifier: &dyn LogVerifier) -> Option<Commit> {
    let (note, length) = decode_commit(&bytes[to_usize(batch.end)..]).ok()?;
    let checkpoint = verifier.open(note)?;
    let range = batch.tip.range();
    (checkpoint.size == range.size() && checkpoint.root == range.root()).then(|| Commit {
        tip: batch.tip.clone(),
        note: note.to_vec(),
        start: batch.start,
        end: batch.end + length as u64,
    })
}

/// Offsets inside a byte slice.
fn to_usize(offset: u64) -> usize {
    usize::try_from(offset).unwrap_or(usize::MAX)
}
