//! Looks at a ledger folder and says where the log ends and what is behind its end.
//! Invariant: only reads. Every rule that makes a folder read-only is applied here.

use std::sync::Arc;

use lian_core::{
    entry::LEAF_FIXED_BYTES,
    frame::{BATCH_HEADER_BYTES, BatchHeader, decode_frames},
    hash::Digest,
};

use super::{
    aside::SetAside,
    scan::{Commit, Scan, WholeBatch, promised_after, scan, written_bytes},
};
use crate::{
    disk::{Disk, DiskError, OpenMode, read_up_to},
    segment::{self, Damage, FILE_BYTES_MAX, FOLDER, Harm, Place, StoredEntry},
    signer::LogVerifier,
    tiles,
    tip::Tip,
};

/// A size that somebody holds for promised by the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Who or what: a view, a pin, a witness.
    pub source: String,
    /// The size.
    pub size: u64,
}

/// What stands in the folder.
#[derive(Debug, Default)]
pub(super) struct Survey {
    pub segment_count: u32,
    pub commit: Option<FoundCommit>,
    pub pending: Option<Pending>,
    pub debris: Vec<SetAside>,
    pub damage: Option<Damage>,
    /// Size of the published checkpoint: below it, tile files are whole.
    pub published: u64,
}

/// C, and the bytes of its batch.
#[derive(Debug)]
pub(super) struct FoundCommit {
    pub segment: u32,
    pub ledger: Digest,
    pub commit: Commit,
    pub batch_bytes: Vec<u8>,
}

/// The batch after C, and its bytes.
#[derive(Debug)]
pub(super) struct Pending {
    pub segment: u32,
    pub batch: WholeBatch,
    /// From `batch.start`, so with the segment header if it is the first of its segment.
    pub bytes: Vec<u8>,
}

/// A segment without a commit point.
struct Trailing {
    number: u32,
    bytes: Vec<u8>,
    scan: Result<Scan, Damage>,
}

/// More segments than the one prepared ahead are never without a commit point.
const TRAILING_MAX: usize = 2;

pub(super) fn survey(
    disk: &Arc<dyn Disk>,
    verifier: &dyn LogVerifier,
    claims: &[Claim],
) -> Result<Survey, DiskError> {
    let (segment_count, missing) = count_segments(&**disk)?;
    let mut survey = Survey { segment_count, ..Survey::default() };
    let mut impossible = missing;
    let mut trailing = Vec::new();
    let mut promised = None;
    for number in (0..segment_count).rev() {
        let (bytes, whole) = read_segment(&**disk, number)?;
        impossible = impossible.or((!whole).then_some(number));
        let mut scan = scan(number, &bytes, verifier);
        let Some(commit) = scan.as_mut().ok().and_then(|scan| scan.commit.take()) else {
            trailing.push(Trailing { number, bytes, scan });
            if trailing.len() > TRAILING_MAX {
                break;
            }
            continue;
        };
        let scan = scan.expect("a scan with a commit is no error");
        promised = promised_after(&bytes, commit.end, commit.tip.size(), verifier);
        survey.take_committed(number, &bytes, scan, commit);
        break;
    }
    survey.take_trailing(trailing, &mut promised, verifier);
    if let Some(segment) = impossible {
        let entry = survey.tip().size();
        survey.damage = Some(Damage { segment, offset: 0, entry, what: Harm::File });
    }
    survey.hold_against(disk, verifier, claims, promised)?;
    Ok(survey)
}

impl Survey {
    fn tip(&self) -> Tip {
        self.commit.as_ref().map(|found| found.commit.tip.clone()).unwrap_or_default()
    }

    /// The segment that holds C.
    fn take_committed(&mut self, segment: u32, bytes: &[u8], scan: Scan, commit: Commit) {
        let batch_bytes = slice(bytes, commit.start, commit.end).to_vec();
        let rest = scan.batch.as_ref().map_or(commit.end, |batch| batch.end);
        let ledger = scan.header.ledger;
        self.pending = scan.batch.map(|batch| Pending::new(segment, bytes, batch));
        self.debris.extend(SetAside::find(segment, bytes, rest));
        self.damage = scan.stop;
        self.commit = Some(FoundCommit { segment, ledger, commit, batch_bytes });
    }

    /// Segments after that of C, newest first: at most one, prepared ahead or just begun.
    fn take_trailing(
        &mut self,
        mut trailing: Vec<Trailing>,
        promised: &mut Option<u64>,
        verifier: &dyn LogVerifier,
    ) {
        let size = self.tip().size();
        for segment in &trailing {
            *promised = (*promised).max(promised_after(&segment.bytes, 0, size, verifier));
        }
        let Some(first) = trailing.pop() else { return };
        let stop = match &first.scan {
            Ok(scan) => scan.stop.clone(),
            Err(damage) => Some(Damage { entry: size, ..damage.clone() }),
        };
        let written = written_bytes(&first.bytes) > 0;
        self.damage = self.damage.take().or(stop.filter(|_| written));
        let clean = self.pending.is_none() && self.debris.is_empty();
        let batch = first.scan.ok().and_then(|scan| continues(self.commit.as_ref(), scan));
        let rest = match batch.filter(|_| clean) {
            None => 0,
            Some(batch) => {
                let end = batch.end;
                self.pending = Some(Pending::new(first.number, &first.bytes, batch));
                end
            }
        };
        self.debris.extend(SetAside::find(first.number, &first.bytes, rest));
        if let Some(second) = trailing.last() {
            // Nobody prepares two: a segment lost all its commit points.
            let damage = Damage { segment: second.number, offset: 0, entry: size, what: Harm::Header };
            self.damage = Some(self.damage.take().unwrap_or(damage));
            *promised = (*promised).max(Some(size + 1));
        }
    }

    /// A bad byte alone is the tail of a crash; with a promise of more it is damage.
    fn hold_against(
        &mut self,
        disk: &Arc<dyn Disk>,
        verifier: &dyn LogVerifier,
        claims: &[Claim],
        promised: Option<u64>,
    ) -> Result<(), DiskError> {
        let tip = self.tip();
        let mut claims = claims.to_vec();
        let mut claim = |source: &str, size| claims.push(Claim { source: source.to_owned(), size });
        if let Some(size) = promised {
            claim("a later commit frame", size);
        }
        if let Some(size) = tiles::size_beyond(&**disk, tip.size())? {
            claim("a hash tile", size);
        }
        let published = tiles::published_note(&**disk)?.and_then(|note| verifier.open(&note));
        if let Some(published) = &published {
            claim("the published checkpoint", published.size);
        }
        let (segment, offset) =
            self.commit.as_ref().map_or((0, 0), |found| (found.segment, found.commit.end));
        let here = |what| Damage { segment, offset, entry: tip.size(), what };
        let forked = published
            .as_ref()
            .filter(|published| published.size == tip.size() && published.root != tip.range().root());
        self.published = published.as_ref().map_or(0, |published| published.size);
        let beyond = claims.into_iter().find(|claim| claim.size > tip.size());
        let missing = self.damage.take_if(|damage| damage.what == Harm::File);
        self.damage = if let Some(missing) = missing {
            Some(missing)
        } else if let Some(claim) = beyond {
            let promise = Harm::Promised { source_name: claim.source, size: claim.size };
            Some(self.damage.take().unwrap_or_else(|| here(promise)))
        } else {
            forked.map(|fork| here(Harm::Fork(fork.size)))
        };
        Ok(())
    }
}

/// The first batch of a new segment, if its header continues C.
fn continues(commit: Option<&FoundCommit>, scan: Scan) -> Option<WholeBatch> {
    let batch = scan.batch?;
    let (tip, ledger) = match commit {
        None => (Tip::default(), batch.leaf_hashes[0]),
        Some(found) => (found.commit.tip.clone(), found.ledger),
    };
    let fits = scan.header == tip.header(ledger, scan.header.recorded_at)
        && scan.header.recorded_at >= tip.recorded_at();
    fits.then_some(batch)
}

impl Pending {
    fn new(segment: u32, bytes: &[u8], batch: WholeBatch) -> Self {
        let bytes = slice(bytes, batch.start, batch.end).to_vec();
        Self { segment, batch, bytes }
    }

    pub(super) fn start(&self) -> u64 {
        self.batch.start
    }

    pub(super) fn end(&self) -> u64 {
        self.batch.end
    }

    pub(super) fn as_debris(&self) -> SetAside {
        SetAside::new(self.segment, self.batch.start, self.bytes.clone())
    }

    /// Its entries, for whoever judges signatures, authority and verdicts.
    pub(super) fn entries(&self) -> Vec<StoredEntry> {
        let bytes = slice(&self.bytes, self.batch.offset - self.batch.start, self.bytes.len() as u64);
        let header = BatchHeader::decode(bytes).expect("the scan decoded this header");
        let frames =
            decode_frames(&header, &bytes[BATCH_HEADER_BYTES..]).expect("the scan decoded these frames");
        let mut offset = self.batch.offset + BATCH_HEADER_BYTES as u64;
        let mut entries = Vec::with_capacity(frames.len());
        for (index, frame) in (header.first..).zip(frames) {
            debug_assert!(frame.leaf.len() >= LEAF_FIXED_BYTES, "the scan decoded this leaf");
            entries.push(StoredEntry {
                index,
                leaf: frame.leaf.to_vec(),
                payload: frame.payload.to_vec(),
                previous: frame.previous().collect(),
                batch_first: index == header.first,
                place: Place {
                    segment: self.segment,
                    offset,
                    leaf_at: offset + frame.leaf_at as u64,
                    payload_at: offset + frame.payload_at as u64,
                },
            });
            offset += frame.length as u64;
        }
        entries
    }
}

/// How many segments there are from 0 on without a gap, and the first that is missing although
/// later ones exist.
fn count_segments(disk: &dyn Disk) -> Result<(u32, Option<u32>), DiskError> {
    let mut numbers: Vec<u32> =
        disk.list(FOLDER)?.iter().filter_map(|name| segment::number_of(name)).collect();
    numbers.sort_unstable();
    let in_order = (0..).zip(&numbers).take_while(|(expected, number)| expected == *number).count();
    let count = u32::try_from(in_order).expect("segment numbers are 32 bits");
    Ok((count, (in_order < numbers.len()).then_some(count)))
}

/// The bytes of a segment, and whether they are all: a file longer than a segment can be is read
/// up to that length only.
fn read_segment(disk: &dyn Disk, number: u32) -> Result<(Vec<u8>, bool), DiskError> {
    let file = disk.open(&segment::path(number), OpenMode::Read)?;
    let length = file.len()?;
    let mut bytes = vec![0; usize::try_from(length.min(FILE_BYTES_MAX)).expect("a segment fits memory")];
    let count = read_up_to(&*file, 0, &mut bytes)?;
    bytes.truncate(count);
    Ok((bytes, length <= FILE_BYTES_MAX))
}

fn slice(bytes: &[u8], start: u64, end: u64) -> &[u8] {
    let at = |offset| usize::try_from(offset).expect("offsets of a segment in memory");
    &bytes[at(start)..at(end)]
}
