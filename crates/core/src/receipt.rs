//! Receipts: the proof, in one file, that an entry is in a signed tree (c2sp.org/tlog-proof).
//! Invariant: a receipt encodes to exactly the bytes that it was parsed from.
//! Not here: whether the leaf means what its holder thinks (entry.rs), whether the quorum of a
//! policy is reached (policy.rs).

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{
    checkpoint::{self, CheckpointError, OpenCheckpoint, SIZE_MAX, parse_base64_digest, parse_decimal},
    entry::LEAF_BYTES_MAX,
    frame::PAYLOAD_BYTES_MAX,
    hash::{Digest, leaf_hash},
    merkle::check_inclusion,
    note::{NOTE_BYTES_MAX, VerifierKey},
    statement::statement_digest,
};

/// Longest `extra`: the largest leaf and the largest payload, each with its length.
pub const EXTRA_BYTES_MAX: usize = 2 + LEAF_BYTES_MAX + 4 + PAYLOAD_BYTES_MAX;
/// Most hashes of an inclusion proof: the height of the largest tree.
pub const PROOF_HASHES_MAX: usize = 63;
/// Longest receipt: the limits above, in base64, and one line for the index.
pub const RECEIPT_BYTES_MAX: usize = EXTRA_BYTES_MAX * 4 / 3 + PROOF_HASHES_MAX * 45 + NOTE_BYTES_MAX + 256;

const FIRST_LINE: &str = "c2sp.org/tlog-proof@v1";

/// Why a receipt is turned down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptError {
    /// Longer than any receipt.
    #[error("receipt has {0} bytes, more than {RECEIPT_BYTES_MAX}")]
    TooLong(usize),
    /// Not UTF-8.
    #[error("receipt is not utf-8")]
    NotUtf8,
    /// The first line is another.
    #[error("the first line is not {FIRST_LINE}")]
    BadFirstLine,
    /// The extra line is not canonical base64, or empty, or too long.
    #[error("the extra line is malformed")]
    BadExtra,
    /// No index line, or its number is not a decimal below [`SIZE_MAX`].
    #[error("the index line is malformed")]
    BadIndex,
    /// A proof line (from 0) is not 32 bytes in base64.
    #[error("proof line {0} is not 32 bytes in base64")]
    BadProofLine(usize),
    /// More proof lines than any tree is high.
    #[error("more than {PROOF_HASHES_MAX} proof lines")]
    TooManyProofLines,
    /// No empty line, or nothing after it.
    #[error("the checkpoint is missing")]
    NoCheckpoint,
    /// There is no extra line, so no leaf to hash.
    #[error("the receipt holds no leaf")]
    NoLeaf,
    /// `extra` is not leaf length, leaf, payload length, payload.
    #[error("extra is not a leaf and a payload")]
    BadEntry,
    /// The checkpoint does not open.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The hashes do not lead from the leaf at this index to the root.
    #[error("the proof does not lead from entry {index} to the root of size {size}")]
    NotIncluded {
        /// Which entry.
        index: u64,
        /// Size of the signed tree.
        size: u64,
    },
}

/// A receipt as it was parsed; nothing is verified yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// What the application adds; ours is an [`EntryBytes`].
    pub extra: Option<Vec<u8>>,
    /// Which entry of the log.
    pub index: u64,
    /// Inclusion proof, the leaf's sibling first.
    pub proof: Vec<Digest>,
    /// The signed checkpoint, verbatim.
    pub checkpoint: Vec<u8>,
}

/// Leaf and payload of one entry, as `extra` holds them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EntryBytes<'a> {
    /// The leaf, which the tree commits to.
    pub leaf: &'a [u8],
    /// The payload, which the leaf commits to.
    pub payload: &'a [u8],
}

/// A receipt that holds: its leaf is entry `index` of the tree that the log signed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckedReceipt<'a> {
    /// The entry. That its payload is the one of its leaf, and that the leaf names this index, is
    /// the caller's next question.
    pub entry: EntryBytes<'a>,
    /// Which entry.
    pub index: u64,
    /// The log's promise, with the lines of witnesses for a policy to judge.
    pub open: OpenCheckpoint,
}

impl<'a> EntryBytes<'a> {
    /// u16 leaf length ‖ leaf ‖ u32 payload length ‖ payload, big-endian. `None` if either is
    /// above the limits.
    pub fn encode(&self) -> Option<Vec<u8>> {
        let leaf_bytes = u16::try_from(self.leaf.len()).ok()?;
        let payload_bytes = u32::try_from(self.payload.len()).ok()?;
        let lengths = (leaf_bytes.to_be_bytes(), payload_bytes.to_be_bytes());
        let within = self.payload.len() <= PAYLOAD_BYTES_MAX;
        within.then(|| [&lengths.0, self.leaf, &lengths.1, self.payload].concat())
    }

    /// Reads exactly that; `None` for a byte too few or too many.
    pub fn decode(extra: &'a [u8]) -> Option<Self> {
        let (leaf_bytes, rest) = extra.split_first_chunk::<2>()?;
        let (leaf, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*leaf_bytes)))?;
        let (payload_bytes, payload) = rest.split_first_chunk::<4>()?;
        let whole = usize::try_from(u32::from_be_bytes(*payload_bytes)) == Ok(payload.len());
        (whole && payload.len() <= PAYLOAD_BYTES_MAX).then_some(Self { leaf, payload })
    }

    /// Whether the payload is the one whose statement digest the leaf holds.
    pub fn payload_is_of(&self, statement: &Digest) -> bool {
        statement_digest(self.payload) == *statement
    }
}

impl Receipt {
    /// The bytes of the `.tlog-proof` file.
    pub fn encode(&self) -> Vec<u8> {
        let mut text = String::from(FIRST_LINE);
        text.push('\n');
        if let Some(extra) = &self.extra {
            text.push_str("extra ");
            STANDARD.encode_string(extra, &mut text);
            text.push('\n');
        }
        text.push_str("index ");
        text.push_str(&self.index.to_string());
        text.push('\n');
        for hash in &self.proof {
            STANDARD.encode_string(hash.0, &mut text);
            text.push('\n');
        }
        text.push('\n');
        let mut bytes = text.into_bytes();
        bytes.extend_from_slice(&self.checkpoint);
        bytes
    }

    /// Reads a `.tlog-proof` file, strictly. Verifies nothing; the checkpoint is not parsed.
    pub fn parse(bytes: &[u8]) -> Result<Self, ReceiptError> {
        if bytes.len() > RECEIPT_BYTES_MAX {
            return Err(ReceiptError::TooLong(bytes.len()));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| ReceiptError::NotUtf8)?;
        // The head holds no empty line, so the first one ends it.
        let (head, checkpoint) = text.split_once("\n\n").ok_or(ReceiptError::NoCheckpoint)?;
        if checkpoint.is_empty() {
            return Err(ReceiptError::NoCheckpoint);
        }
        let mut lines = head.split('\n').peekable();
        if lines.next() != Some(FIRST_LINE) {
            return Err(ReceiptError::BadFirstLine);
        }
        let extra = match lines.peek().and_then(|line| line.strip_prefix("extra ")) {
            Some(base64) => {
                lines.next();
                Some(parse_extra(base64).ok_or(ReceiptError::BadExtra)?)
            }
            None => None,
        };
        let index = lines.next().and_then(|line| line.strip_prefix("index ")).and_then(parse_decimal);
        let index = index.filter(|index| *index < SIZE_MAX).ok_or(ReceiptError::BadIndex)?;
        let mut proof = Vec::new();
        for (at, line) in lines.enumerate() {
            if at == PROOF_HASHES_MAX {
                return Err(ReceiptError::TooManyProofLines);
            }
            proof.push(parse_base64_digest(line).ok_or(ReceiptError::BadProofLine(at))?);
        }
        Ok(Self { extra, index, proof, checkpoint: checkpoint.as_bytes().to_vec() })
    }

    /// Leaf and payload.
    pub fn entry(&self) -> Result<EntryBytes<'_>, ReceiptError> {
        let extra = self.extra.as_ref().ok_or(ReceiptError::NoLeaf)?;
        EntryBytes::decode(extra).ok_or(ReceiptError::BadEntry)
    }
}

/// Whether the receipt holds: the log with this key signed a checkpoint, and the leaf in `extra`,
/// hashed here again, is entry `index` of its tree.
pub fn check_receipt<'a>(
    receipt: &'a Receipt,
    log: &VerifierKey,
) -> Result<CheckedReceipt<'a>, ReceiptError> {
    let entry = receipt.entry()?;
    let open = checkpoint::open(&receipt.checkpoint, log)?;
    let (index, size) = (receipt.index, open.checkpoint.size);
    check_inclusion(index, size, &leaf_hash(entry.leaf), &receipt.proof, &open.checkpoint.root)
        .map_err(|_| ReceiptError::NotIncluded { index, size })?;
    Ok(CheckedReceipt { entry, index, open })
}

/// Canonical base64 of at least one byte: an extra line without data has no business to be there.
fn parse_extra(base64: &str) -> Option<Vec<u8>> {
    let bytes = STANDARD.decode(base64).ok()?;
    (1..=EXTRA_BYTES_MAX).contains(&bytes.len()).then_some(bytes)
}

#[cfg(test)]
mod tests;
