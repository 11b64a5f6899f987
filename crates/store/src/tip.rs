//! Where the log ends: link, time and tree after some entry; and what the next must be.
//! Invariant: a tip moves on only over an entry that fits it; append, the read before signing
//! and recovery all judge entries here, so no two of them can differ.

use lian_core::{
    entry::{Leaf, LeafError},
    frame::{EVENTS_MAX, PAYLOAD_BYTES_MAX, SegmentHeader},
    hash::{Digest, leaf_hash, link},
    merkle::CompactRange,
    statement::statement_digest,
};

use crate::disk::is_zeros;

/// The end of a log of some size.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Tip {
    range: CompactRange,
    link: Digest,
    recorded_at: u64,
}

/// Why an entry cannot be the next one. Nothing of it was taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// The leaf has no or another spelling.
    #[error("entry {index}: {source}")]
    Leaf {
        /// Where the entry would stand.
        index: u64,
        /// What is wrong with its bytes.
        source: LeafError,
    },
    /// The leaf is for another place.
    #[error("the leaf for entry {index} says index {found}")]
    Index {
        /// Where the entry would stand.
        index: u64,
        /// Where it says it stands.
        found: u64,
    },
    /// The leaf continues another chain.
    #[error("entry {index} does not link to the entry before it")]
    Link {
        /// Where the entry would stand.
        index: u64,
    },
    /// The leaf is older than the one before.
    #[error("entry {index} was recorded at {found} ms, before {least} ms of the entry before it")]
    Time {
        /// Where the entry would stand.
        index: u64,
        /// Its time.
        found: u64,
        /// The time of the entry before.
        least: u64,
    },
    /// The leaf commits to another statement.
    #[error("the payload of entry {index} is not the statement its leaf commits to")]
    Statement {
        /// Where the entry would stand.
        index: u64,
    },
    /// Payload or events outside the limits of a frame.
    #[error("entry {index} has {payload} payload bytes and {events} events")]
    Limits {
        /// Where the entry would stand.
        index: u64,
        /// Bytes of its payload.
        payload: usize,
        /// Its events.
        events: usize,
    },
}

/// Whether zeros may stand where a payload was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Payloads {
    /// Every payload is the statement that its leaf commits to.
    AllThere,
    /// A payload of only zeros was destroyed; whether it was allowed to be is for the audit.
    MayBeDestroyed,
}

impl Tip {
    /// The end of the log before a segment, as the segment's header says; its time is that of
    /// the segment's first entry, which the header holds.
    pub(crate) fn before(header: &SegmentHeader) -> Option<Self> {
        let range = CompactRange::from_parts(header.first, header.range.clone())?;
        Some(Self { range, link: header.previous, recorded_at: header.recorded_at })
    }

    /// Entries so far; also the index of the next one.
    pub fn size(&self) -> u64 {
        self.range.size()
    }

    /// The link that the next leaf must carry.
    pub fn link(&self) -> Digest {
        self.link
    }

    /// The least time that the next leaf may carry, Unix milliseconds.
    pub fn recorded_at(&self) -> u64 {
        self.recorded_at
    }

    /// The right edge of the tree.
    pub fn range(&self) -> &CompactRange {
        &self.range
    }

    /// The header of a segment that begins with an entry recorded then, whose leaf hash counts
    /// only if it is entry 0.
    pub(crate) fn header(&self, ledger: Digest, recorded_at: u64) -> SegmentHeader {
        SegmentHeader {
            ledger,
            first: self.size(),
            previous: self.link,
            recorded_at,
            range: self.range.nodes().to_vec(),
        }
    }

    /// Moves on over one entry and returns its leaf hash.
    pub(crate) fn push(
        &mut self,
        leaf: &[u8],
        payload: &[u8],
        events: usize,
        payloads: Payloads,
    ) -> Result<Digest, Unfit> {
        let index = self.size();
        if !(1..=PAYLOAD_BYTES_MAX).contains(&payload.len()) || !(1..=EVENTS_MAX).contains(&events) {
            return Err(Unfit::Limits { index, payload: payload.len(), events });
        }
        let parsed = Leaf::decode(leaf).map_err(|source| Unfit::Leaf { index, source })?;
        if parsed.index != index {
            return Err(Unfit::Index { index, found: parsed.index });
        }
        if parsed.previous != self.link {
            return Err(Unfit::Link { index });
        }
        if parsed.recorded_at < self.recorded_at {
            return Err(Unfit::Time { index, found: parsed.recorded_at, least: self.recorded_at });
        }
        let destroyed = payloads == Payloads::MayBeDestroyed && is_zeros(payload);
        if !destroyed && parsed.statement != statement_digest(payload) {
            return Err(Unfit::Statement { index });
        }
        let hash = leaf_hash(leaf);
        self.range.push(hash);
        self.link = link(leaf);
        self.recorded_at = parsed.recorded_at;
        Ok(hash)
    }
}
