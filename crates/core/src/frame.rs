//! The bytes of a segment file: header, batches of entry frames, commit frames (SPEC.md "Frames").
//! Invariant: every byte of a frame is covered by its checksum, by the batch digest or, for the
//! payload, by the leaf's statement digest; a commit frame is covered by the log's signature.
//! Pure: slices in, values out. Reading files and judging signatures happen elsewhere.

use thiserror::Error;

use crate::{
    entry::{LAYOUT, LEAF_BYTES_MAX},
    hash::{Digest, checksum},
};

/// A payload is a statement's JSON, at most 60 KiB.
pub const PAYLOAD_BYTES_MAX: usize = 60 * 1024;
/// Events of one statement.
pub const EVENTS_MAX: usize = 256;
/// A batch with its header; bounds memory of writer and reader, and the work after a crash.
pub const BATCH_BYTES_MAX: usize = 8 << 20;
/// A commit frame holds one checkpoint with one signature line.
pub const COMMIT_NOTE_BYTES_MAX: usize = 1024;
/// "No earlier entry names this stream."
pub const NO_PREVIOUS: u64 = u64::MAX;

/// First bytes of a segment file.
pub const SEGMENT_MAGIC: [u8; 8] = *b"LIANSEG1";
/// First bytes of a batch header.
pub const BATCH_MAGIC: [u8; 4] = *b"LBAT";
/// First bytes of a commit frame.
pub const COMMIT_MAGIC: [u8; 4] = *b"LCMT";

/// Bytes of a batch header.
pub const BATCH_HEADER_BYTES: usize = 60;
/// Bytes of a segment header before its compact range.
pub const SEGMENT_FIXED_BYTES: usize = 89;
/// Bytes of a commit frame before its note.
pub const COMMIT_FIXED_BYTES: usize = 6;
/// Bytes of an entry frame before its back links.
pub const ENTRY_FIXED_BYTES: usize = 8;
/// Bytes of a checksum.
pub const CHECKSUM_BYTES: usize = 8;

const SEGMENT_TAG: &[u8] = b"lian/segment/v1\n";
const BATCH_HEADER_TAG: &[u8] = b"lian/batch-header/v1\n";
const BATCH_TAG: &[u8] = b"lian/batch/v1\n";
const ENTRY_TAG: &[u8] = b"lian/frame/v1\n";

/// Why bytes are not the frame that should be there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum FrameError {
    /// The bytes end before the frame does.
    #[error("{frame} needs {need} bytes, {have} are there")]
    Short {
        /// Kind of frame.
        frame: &'static str,
        /// Bytes that it needs.
        need: usize,
        /// Bytes at hand.
        have: usize,
    },
    /// Other bytes where the frame's magic should stand.
    #[error("no {0} begins here")]
    Magic(&'static str),
    /// The stored checksum is not that of the bytes.
    #[error("checksum of the {0} does not match its bytes")]
    Checksum(&'static str),
    /// A length or count outside its limit.
    #[error("{field} of the {frame} is {value}, outside {least} to {most}")]
    Limit {
        /// Kind of frame.
        frame: &'static str,
        /// Field of it.
        field: &'static str,
        /// What stands there.
        value: u64,
        /// Smallest allowed.
        least: u64,
        /// Largest allowed.
        most: u64,
    },
    /// The batch digest is not that of its frames.
    #[error("batch digest does not match the frames of the batch")]
    BatchDigest,
    /// Frames of a batch do not add up to its length or count.
    #[error("the frames of the batch are {0}")]
    BatchShape(&'static str),
}

/// Start of a segment file: which ledger, where in it, and the tree there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentHeader {
    /// RFC 6962 leaf hash of entry 0: names the ledger.
    pub ledger: Digest,
    /// Index of the first entry.
    pub first: u64,
    /// Link of the leaf before; zeros when `first` is 0.
    pub previous: Digest,
    /// `recorded_at` of the first entry, Unix milliseconds.
    pub recorded_at: u64,
    /// Compact range of the tree of size `first`: one node per set bit, largest subtree first.
    pub range: Vec<Digest>,
}

impl SegmentHeader {
    /// Bytes of the header of a segment that starts at `first`.
    pub fn bytes(first: u64) -> usize {
        SEGMENT_FIXED_BYTES + 32 * first.count_ones() as usize + CHECKSUM_BYTES
    }

    /// The header's bytes; `range` must have one node per set bit of `first`.
    pub fn encode(&self) -> Vec<u8> {
        assert_eq!(self.range.len(), self.first.count_ones() as usize, "one node per set bit");
        let mut bytes = Vec::with_capacity(Self::bytes(self.first));
        bytes.extend_from_slice(&SEGMENT_MAGIC);
        bytes.extend_from_slice(&self.ledger.0);
        bytes.extend_from_slice(&self.first.to_be_bytes());
        bytes.extend_from_slice(&self.previous.0);
        bytes.extend_from_slice(&self.recorded_at.to_be_bytes());
        bytes.push(u8::try_from(self.range.len()).expect("a u64 has at most 64 set bits"));
        for node in &self.range {
            bytes.extend_from_slice(&node.0);
        }
        let sum = checksum(SEGMENT_TAG, &[&bytes]);
        bytes.extend_from_slice(&sum);
        bytes
    }

    /// Reads the header at the start of `bytes`; returns it and its length.
    pub fn decode(bytes: &[u8]) -> Result<(Self, usize), FrameError> {
        const FRAME: &str = "segment header";
        let fixed = at_least(bytes, SEGMENT_FIXED_BYTES, FRAME)?;
        if fixed[..8] != SEGMENT_MAGIC {
            return Err(FrameError::Magic(FRAME));
        }
        let first = be64(&fixed[40..48]);
        let nodes = u64::from(fixed[88]);
        let expected = u64::from(first.count_ones());
        within(FRAME, "node count", nodes, expected, expected)?;
        let length = Self::bytes(first);
        let whole = at_least(bytes, length, FRAME)?;
        let (body, sum) = whole.split_at(length - CHECKSUM_BYTES);
        if checksum(SEGMENT_TAG, &[body]) != *sum {
            return Err(FrameError::Checksum(FRAME));
        }
        let range = body[SEGMENT_FIXED_BYTES..].chunks_exact(32).map(digest).collect();
        let header = Self {
            ledger: digest(&fixed[8..40]),
            first,
            previous: digest(&fixed[48..80]),
            recorded_at: be64(&fixed[80..88]),
            range,
        };
        Ok((header, length))
    }
}

/// Start of a batch: what follows, and the digest that binds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BatchHeader {
    /// Index of the first entry of the batch.
    pub first: u64,
    /// Entries in the batch, at least 1.
    pub count: u32,
    /// Bytes of all its entry frames.
    pub frames_bytes: u32,
    /// BLAKE3(tag ‖ all frame bytes but the payloads).
    pub digest: Digest,
}

#[derive(bincode::Encode, bincode::Decode)]
struct BatchHeaderBytes {
    magic: [u8; 4],
    first: u64,
    count: u32,
    frames_bytes: u32,
    digest: [u8; 32],
    checksum: [u8; CHECKSUM_BYTES],
}

impl BatchHeader {
    /// The 60 bytes of the header.
    pub fn encode(&self) -> [u8; BATCH_HEADER_BYTES] {
        let mut bytes = [0; BATCH_HEADER_BYTES];
        let mut value = BatchHeaderBytes {
            magic: BATCH_MAGIC,
            first: self.first,
            count: self.count,
            frames_bytes: self.frames_bytes,
            digest: self.digest.0,
            checksum: [0; CHECKSUM_BYTES],
        };
        bincode::encode_into_slice(&value, &mut bytes, LAYOUT).expect("the header has 60 bytes");
        value.checksum = checksum(BATCH_HEADER_TAG, &[&bytes[..BATCH_HEADER_BYTES - CHECKSUM_BYTES]]);
        bytes[BATCH_HEADER_BYTES - CHECKSUM_BYTES..].copy_from_slice(&value.checksum);
        bytes
    }

    /// Reads the header at the start of `bytes`.
    pub fn decode(bytes: &[u8]) -> Result<Self, FrameError> {
        const FRAME: &str = "batch header";
        let bytes = at_least(bytes, BATCH_HEADER_BYTES, FRAME)?;
        if bytes[..4] != BATCH_MAGIC {
            return Err(FrameError::Magic(FRAME));
        }
        let (body, sum) = bytes.split_at(BATCH_HEADER_BYTES - CHECKSUM_BYTES);
        if checksum(BATCH_HEADER_TAG, &[body]) != *sum {
            return Err(FrameError::Checksum(FRAME));
        }
        let (value, _) = bincode::decode_from_slice::<BatchHeaderBytes, _>(bytes, LAYOUT)
            .map_err(|_| FrameError::Magic(FRAME))?;
        let most = (BATCH_BYTES_MAX - BATCH_HEADER_BYTES) as u64;
        within(FRAME, "byte length", u64::from(value.frames_bytes), 1, most)?;
        within(FRAME, "entry count", u64::from(value.count), 1, most)?;
        Ok(Self {
            first: value.first,
            count: value.count,
            frames_bytes: value.frames_bytes,
            digest: Digest(value.digest),
        })
    }
}

/// One entry as it lies in a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct EntryFrame<'a> {
    /// The leaf's bytes.
    pub leaf: &'a [u8],
    /// The payload's bytes: what was signed, or zeros of its length once destroyed.
    pub payload: &'a [u8],
    /// Eight big-endian bytes per event: see [`EntryFrame::previous`].
    previous: &'a [u8],
    /// Bytes of the whole frame.
    pub length: usize,
    /// Offset of the leaf from the start of the frame.
    pub leaf_at: usize,
    /// Offset of the payload from the start of the frame.
    pub payload_at: usize,
}

impl<'a> EntryFrame<'a> {
    /// For each event the index of the previous entry, refused ones too, that names its stream,
    /// or [`NO_PREVIOUS`]. Derived; the audit checks it.
    pub fn previous(&self) -> impl ExactSizeIterator<Item = u64> + 'a {
        self.previous.chunks_exact(8).map(be64)
    }

    /// Reads the frame at the start of `bytes`.
    pub fn decode(bytes: &'a [u8]) -> Result<Self, FrameError> {
        const FRAME: &str = "entry frame";
        let shape = Shape::read(bytes)?;
        let whole = at_least(bytes, shape.total(), FRAME)?;
        let (body, sum) = whole.split_at(shape.total() - CHECKSUM_BYTES);
        let (framing, payload) = body.split_at(shape.payload_at());
        if checksum(ENTRY_TAG, &[framing]) != *sum {
            return Err(FrameError::Checksum(FRAME));
        }
        let (previous, leaf) = framing[ENTRY_FIXED_BYTES..].split_at(8 * shape.events);
        Ok(Self {
            leaf,
            payload,
            previous,
            length: shape.total(),
            leaf_at: shape.payload_at() - shape.leaf,
            payload_at: shape.payload_at(),
        })
    }
}

/// The three lengths at the start of an entry frame.
struct Shape {
    leaf: usize,
    payload: usize,
    events: usize,
}

impl Shape {
    fn read(bytes: &[u8]) -> Result<Self, FrameError> {
        const FRAME: &str = "entry frame";
        let fixed = at_least(bytes, ENTRY_FIXED_BYTES, FRAME)?;
        let leaf = u64::from(u16::from_be_bytes([fixed[0], fixed[1]]));
        let payload = u64::from(u32::from_be_bytes([fixed[2], fixed[3], fixed[4], fixed[5]]));
        let events = u64::from(u16::from_be_bytes([fixed[6], fixed[7]]));
        within(FRAME, "leaf length", leaf, 1, LEAF_BYTES_MAX as u64)?;
        within(FRAME, "payload length", payload, 1, PAYLOAD_BYTES_MAX as u64)?;
        within(FRAME, "event count", events, 1, EVENTS_MAX as u64)?;
        let size = |value| usize::try_from(value).expect("limits fit a usize");
        Ok(Self { leaf: size(leaf), payload: size(payload), events: size(events) })
    }

    fn payload_at(&self) -> usize {
        ENTRY_FIXED_BYTES + 8 * self.events + self.leaf
    }

    fn total(&self) -> usize {
        self.payload_at() + self.payload + CHECKSUM_BYTES
    }
}

/// Builds the bytes of one batch.
pub struct BatchBuilder {
    first: u64,
    count: u32,
    bytes: Vec<u8>,
    digest: BatchDigest,
}

/// The digest of a batch, hashed in large pieces: BLAKE3 takes many blocks at once, but only of
/// what it is given at once, and frames without payloads are short.
struct BatchDigest {
    hasher: ::blake3::Hasher,
    held: Vec<u8>,
}

impl BatchDigest {
    const PIECE_BYTES: usize = 64 << 10;

    fn new() -> Self {
        Self { hasher: ::blake3::Hasher::new(), held: BATCH_TAG.to_vec() }
    }

    fn push(&mut self, bytes: &[u8]) {
        self.held.extend_from_slice(bytes);
        if self.held.len() >= Self::PIECE_BYTES {
            // Whole pieces keep the hash's tree of blocks aligned, which is the fast way.
            let whole = self.held.len() / Self::PIECE_BYTES * Self::PIECE_BYTES;
            self.hasher.update(&self.held[..whole]);
            self.held.drain(..whole);
        }
    }

    fn finish(mut self) -> Digest {
        self.hasher.update(&self.held);
        Digest(*self.hasher.finalize().as_bytes())
    }
}

impl BatchBuilder {
    /// An empty batch whose first entry will be `first`.
    pub fn new(first: u64) -> Self {
        Self { first, count: 0, bytes: vec![0; BATCH_HEADER_BYTES], digest: BatchDigest::new() }
    }

    /// Entries so far.
    pub fn count(&self) -> u32 {
        self.count
    }

    /// Bytes so far, header included.
    pub fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Adds one entry; the caller keeps to the limits above and to [`BATCH_BYTES_MAX`].
    pub fn push(&mut self, leaf: &[u8], payload: &[u8], previous: impl ExactSizeIterator<Item = u64>) {
        let start = self.bytes.len();
        let lengths = (
            u16::try_from(leaf.len()).expect("a leaf fits 16 bits"),
            u32::try_from(payload.len()).expect("a payload fits 32 bits"),
            u16::try_from(previous.len()).expect("events fit 16 bits"),
        );
        self.bytes.extend_from_slice(&lengths.0.to_be_bytes());
        self.bytes.extend_from_slice(&lengths.1.to_be_bytes());
        self.bytes.extend_from_slice(&lengths.2.to_be_bytes());
        for index in previous {
            self.bytes.extend_from_slice(&index.to_be_bytes());
        }
        self.bytes.extend_from_slice(leaf);
        let sum = checksum(ENTRY_TAG, &[&self.bytes[start..]]);
        self.digest.push(&self.bytes[start..]);
        self.digest.push(&sum);
        self.bytes.extend_from_slice(payload);
        self.bytes.extend_from_slice(&sum);
        self.count += 1;
    }

    /// The whole batch, header first; at least one entry must have been pushed.
    pub fn finish(mut self) -> Vec<u8> {
        assert!(self.count > 0, "a batch has at least one entry");
        let frames_bytes =
            u32::try_from(self.bytes.len() - BATCH_HEADER_BYTES).expect("a batch fits 32 bits");
        let digest = self.digest.finish();
        let header = BatchHeader { first: self.first, count: self.count, frames_bytes, digest };
        self.bytes[..BATCH_HEADER_BYTES].copy_from_slice(&header.encode());
        self.bytes
    }
}

/// Reads the frames of one batch and checks its digest; `frames` is exactly `frames_bytes` long.
pub fn decode_frames<'a>(header: &BatchHeader, frames: &'a [u8]) -> Result<Vec<EntryFrame<'a>>, FrameError> {
    let mut digest = BatchDigest::new();
    let mut entries = Vec::with_capacity(frames.len() / 256 + 1);
    let mut rest = frames;
    while !rest.is_empty() {
        let entry = EntryFrame::decode(rest)?;
        let (frame, after) = rest.split_at(entry.length);
        digest.push(&frame[..entry.payload_at]);
        digest.push(&frame[entry.length - CHECKSUM_BYTES..]);
        entries.push(entry);
        rest = after;
    }
    if entries.len() != header.count as usize {
        return Err(FrameError::BatchShape("not as many as the header counts"));
    }
    if digest.finish() != header.digest {
        return Err(FrameError::BatchDigest);
    }
    Ok(entries)
}

/// The bytes of a commit frame around a signed checkpoint.
pub fn encode_commit(note: &[u8]) -> Vec<u8> {
    assert!(note.len() <= COMMIT_NOTE_BYTES_MAX, "a commit note has one signature");
    let length = u16::try_from(note.len()).expect("checked above");
    let mut bytes = Vec::with_capacity(COMMIT_FIXED_BYTES + note.len());
    bytes.extend_from_slice(&COMMIT_MAGIC);
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(note);
    bytes
}

/// Reads the commit frame at the start of `bytes`; returns the note and the frame's length.
/// Whether it is authentic only the log's signature says.
pub fn decode_commit(bytes: &[u8]) -> Result<(&[u8], usize), FrameError> {
    const FRAME: &str = "commit frame";
    let fixed = at_least(bytes, COMMIT_FIXED_BYTES, FRAME)?;
    if fixed[..4] != COMMIT_MAGIC {
        return Err(FrameError::Magic(FRAME));
    }
    let length = u16::from_be_bytes([fixed[4], fixed[5]]);
    within(FRAME, "note length", u64::from(length), 1, COMMIT_NOTE_BYTES_MAX as u64)?;
    let total = COMMIT_FIXED_BYTES + usize::from(length);
    let whole = at_least(bytes, total, FRAME)?;
    Ok((&whole[COMMIT_FIXED_BYTES..], total))
}

fn at_least<'a>(bytes: &'a [u8], need: usize, frame: &'static str) -> Result<&'a [u8], FrameError> {
    bytes.get(..need).ok_or(FrameError::Short { frame, need, have: bytes.len() })
}

fn within(
    frame: &'static str,
    field: &'static str,
    value: u64,
    least: u64,
    most: u64,
) -> Result<(), FrameError> {
    if (least..=most).contains(&value) {
        return Ok(());
    }
    Err(FrameError::Limit { frame, field, value, least, most })
}

fn be64(bytes: &[u8]) -> u64 {
    u64::from_be_bytes(bytes.try_into().expect("eight bytes"))
}

fn digest(bytes: &[u8]) -> Digest {
    Digest(bytes.try_into().expect("thirty-two bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sample_batch() -> Vec<u8> {
        let mut batch = BatchBuilder::new(40);
        batch.push(b"leaf one", b"payload one", [3, NO_PREVIOUS].into_iter());
        batch.push(b"leaf two", b"payload two", [40].into_iter());
        batch.finish()
    }

    fn read(bytes: &[u8]) -> Result<usize, FrameError> {
        let header = BatchHeader::decode(bytes)?;
        let frames = bytes.get(BATCH_HEADER_BYTES..).unwrap_or_default();
        let need = header.frames_bytes as usize;
        let frames = at_least(frames, need, "batch")?;
        decode_frames(&header, frames).map(|entries| entries.len())
    }

    #[test]
    fn a_batch_reads_back_as_it_was_built() {
        let bytes = sample_batch();

        let header = BatchHeader::decode(&bytes).unwrap();
        let entries = decode_frames(&header, &bytes[BATCH_HEADER_BYTES..]).unwrap();

        assert_eq!((header.first, header.count), (40, 2));
        assert_eq!(entries[0].leaf, b"leaf one");
        assert_eq!(entries[0].payload, b"payload one");
        assert_eq!(entries[0].previous().collect::<Vec<_>>(), [3, NO_PREVIOUS]);
        assert_eq!(entries[1].previous().collect::<Vec<_>>(), [40]);
    }

    #[test]
    fn every_flipped_bit_outside_payloads_breaks_the_batch() {
        let bytes = sample_batch();
        let text = |needle: &[u8]| {
            let at = bytes.windows(needle.len()).position(|window| window == needle).unwrap();
            at..at + needle.len()
        };
        let payloads = [text(b"payload one"), text(b"payload two")];

        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            let in_payload = payloads.iter().any(|range| range.contains(&(bit / 8)));
            assert_eq!(read(&changed).is_ok(), in_payload, "bit {bit}");
        }
    }

    #[test]
    fn a_hand_written_encoder_gives_the_same_batch_bytes() {
        let mut frame = vec![0, 8, 0, 0, 0, 1, 0, 1];
        frame.extend(7_u64.to_be_bytes());
        frame.extend(b"leaf one");
        let sum = checksum(b"lian/frame/v1\n", &[&frame]);
        let digest = crate::hash::blake3(&[b"lian/batch/v1\n", &frame, &sum]);
        frame.push(b'p');
        frame.extend(sum);
        let mut expected = b"LBAT".to_vec();
        expected.extend(9_u64.to_be_bytes());
        expected.extend(1_u32.to_be_bytes());
        expected.extend(u32::try_from(frame.len()).unwrap().to_be_bytes());
        expected.extend(digest.0);
        expected.extend(checksum(b"lian/batch-header/v1\n", &[&expected]));
        expected.extend(&frame);

        let mut batch = BatchBuilder::new(9);
        batch.push(b"leaf one", b"p", [7].into_iter());

        assert_eq!(batch.finish(), expected);
    }

    #[test]
    fn a_segment_header_reads_back_and_every_flipped_bit_breaks_it() {
        let header = SegmentHeader {
            ledger: Digest([1; 32]),
            first: 5,
            previous: Digest([2; 32]),
            recorded_at: 77,
            range: vec![Digest([3; 32]), Digest([4; 32])],
        };
        let bytes = header.encode();

        assert_eq!(SegmentHeader::decode(&bytes), Ok((header, bytes.len())));
        for bit in 0..bytes.len() * 8 {
            let mut changed = bytes.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(SegmentHeader::decode(&changed).is_err(), "bit {bit}");
        }
        for cut in 0..bytes.len() {
            assert!(SegmentHeader::decode(&bytes[..cut]).is_err(), "{cut} bytes");
        }
    }

    #[test]
    fn a_commit_frame_gives_its_note_back_and_names_absurd_lengths() {
        let bytes = encode_commit(b"note");

        assert_eq!(decode_commit(&bytes), Ok((&b"note"[..], 10)));
        assert!(matches!(decode_commit(&bytes[..9]), Err(FrameError::Short { .. })));
        let absurd = [&COMMIT_MAGIC[..], &[255, 255], &vec![0; 70_000][..]].concat();
        assert!(matches!(decode_commit(&absurd), Err(FrameError::Limit { .. })));
    }

    #[test]
    fn noise_never_panics_a_frame_decoder() {
        proptest::proptest!(|(noise in proptest::collection::vec(proptest::num::u8::ANY, 0..300))| {
            let _ = SegmentHeader::decode(&noise);
            let _ = BatchHeader::decode(&noise);
            let _ = EntryFrame::decode(&noise);
            let _ = decode_commit(&noise);
        });
    }
}
