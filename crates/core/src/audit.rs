//! The audit of one ledger: bytes in, findings out (SPEC.md "Audit").
//! `walk` finds the batches, `scan` reads them (pure, in parallel), `Fold` judges them (in order),
//! `check` verifies signatures (pure, in parallel).
//! Invariant: total on hostile input; the findings depend on the bytes alone, never on the timing
//! of threads. Business words arrive through [`Judge`]; files, threads and time stay outside.

pub mod check;
pub mod finding;
pub mod fold;
mod mend;
pub mod scan;
pub mod walk;

use std::borrow::Cow;

use self::fold::Missing;

use crate::{entry::Verdict, hash::Digest, keys::PublicKey, merkle::CompactRange, note::VerifierKey};

/// The checks, named once. Each ends PASS, FAIL or UNCONFIRMED.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Check {
    /// Segments, frames, leaves: one spelling, nothing between, nothing after.
    Bytes,
    /// The payload is the one whose statement digest the leaf holds, and it is a statement.
    Payload,
    /// One valid signature per issuer, in order.
    Signatures,
    /// Key, capacity and person, at that index.
    Authority,
    /// Indexes without gaps, BLAKE3 links, links back within streams.
    Chain,
    /// The RFC 6962 tree and every root that was signed.
    Tree,
    /// The log's signatures and the lineage of its keys.
    Checkpoint,
    /// The quorum of the policy.
    Witnesses,
    /// `recorded_at` ascends and lies within the brackets of logged cosignatures.
    Time,
    /// The rules, run again.
    Verdicts,
    /// Epoch maps and completeness.
    State,
    /// What came in is what went out and what is there, in books that the judge keeps beside its states.
    Pieces,
}

impl Check {
    /// All of them, in the order of reports.
    pub const ALL: [Self; 12] = [
        Self::Bytes,
        Self::Payload,
        Self::Signatures,
        Self::Authority,
        Self::Chain,
        Self::Tree,
        Self::Checkpoint,
        Self::Witnesses,
        Self::Time,
        Self::Verdicts,
        Self::State,
        Self::Pieces,
    ];

    /// The word of reports and pin files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes => "bytes",
            Self::Payload => "payload",
            Self::Signatures => "signatures",
            Self::Authority => "authority",
            Self::Chain => "chain",
            Self::Tree => "tree",
            Self::Checkpoint => "checkpoint",
            Self::Witnesses => "witnesses",
            Self::Time => "time",
            Self::Verdicts => "verdicts",
            Self::State => "state",
            Self::Pieces => "pieces",
        }
    }

    /// The check of this name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|check| check.name() == name)
    }
}

/// How much a problem weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Weight {
    /// The check fails.
    #[default]
    Fails,
    /// The check cannot be ended: say what is missing (an unknown engine, a destroyed payload).
    Unconfirmed,
    /// Worth saying, and neither (a contested entry, a key replaced without its owner).
    Remark,
}

/// What the domain objects to in one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Which check it belongs to.
    pub check: Check,
    /// Fails, unconfirmed or a remark.
    pub weight: Weight,
    /// Field of the leaf, or JSON pointer into the payload, such as `/events/0/expect`.
    pub field: Cow<'static, str>,
    /// What stands there, and what should.
    pub what: String,
}

impl Problem {
    /// A failure.
    pub fn new(check: Check, field: impl Into<Cow<'static, str>>, what: impl Into<String>) -> Self {
        Self { check, weight: Weight::Fails, field: field.into(), what: what.into() }
    }

    /// The same, weighed otherwise.
    #[must_use]
    pub fn weighing(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy)]
pub struct Place<'a> {
    /// Its index.
    pub index: u64,
    /// Unix milliseconds, from its leaf.
    pub recorded_at: u64,
    /// The tree of the entries before it; its size is `index`.
    pub tree: &'a CompactRange,
    /// It is the first entry of its batch.
    pub batch_first: bool,
}

/// What the leaf says that only the domain can judge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeafFacts {
    /// The verdict that was recorded.
    pub verdict: Verdict,
    /// Rules version that was recorded.
    pub rules: u32,
    /// Number of signatures.
    pub signatures: usize,
}

/// What the domain says of one entry.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Judgement {
    /// The keys that must have signed, one per signature and in their order; empty if unknown.
    pub keys: Vec<PublicKey>,
    /// The expected link back of each event, or `frame::NO_PREVIOUS`.
    pub previous: Vec<u64>,
    /// What is wrong; empty if nothing is.
    pub problems: Vec<Problem>,
    /// The state after this entry is unknown: no later entry can be judged.
    pub lost: bool,
}

/// What the judge found when all entries were judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AtEnd {
    /// What it is about, in the judge's words: a stream.
    pub place: String,
    /// The last entry about it.
    pub entry: Option<u64>,
    /// What is wrong, or worth knowing.
    pub problem: Problem,
}

/// What the judge says when all entries were judged.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conclusion {
    /// Sums that were weighed.
    pub weighed: u64,
    /// What does not add up.
    pub found: Vec<AtEnd>,
}

/// What the audit needs of the domain. One value judges one ledger, from entry 0, in order.
pub trait Judge {
    /// A statement, typed and owned; made in `scan`, by any thread.
    type Filing: Send + 'static;

    /// Reads a payload whose digest was found to be the leaf's. Pure. The error is a sentence.
    fn file(payload: &[u8], digest: Digest) -> Result<Self::Filing, String>;

    /// A batch begins whose first entry will be `first`.
    fn batch_begins(&mut self, first: u64);

    /// Judges entry `place.index` on the state after the entry before, and moves the state on.
    fn judge(
        &mut self,
        place: &Place<'_>,
        filing: &Self::Filing,
        leaf: LeafFacts,
        leaf_hash: Digest,
    ) -> Judgement;

    /// The batch ends here, with this root over all entries. Called for every batch as long as
    /// entries are judged; whether its commit frame is authentic is a finding of its own.
    fn batch_committed(&mut self, size: u64, root: Digest);

    /// The key that signs the log after the entries judged so far; none before entry 0.
    fn log_key(&self) -> Option<VerifierKey>;

    /// Asked once, at the end: what no judge of this version checks, or what could not be checked
    /// for want of data. Each becomes UNCONFIRMED, with that as the reason.
    fn unconfirmed(&self) -> Vec<(Check, Missing)> {
        vec![(Check::Witnesses, Missing::NoCosignatures), (Check::Time, Missing::NoCosignatures)]
    }

    /// Asked once, at the end, if every entry was judged: what the entries say together.
    fn conclude(&mut self) -> Conclusion {
        Conclusion::default()
    }

    /// Asked at the end: the root of this epoch, as the judged entries say; none if there is no
    /// such epoch, or if this judge does not follow epochs.
    fn epoch_root(&self, number: u64) -> Option<Digest> {
        let _ = number;
        None
    }

    /// Asked once, at the end: engines that the judged entries ran on, for pins and reports.
    fn engines(&self) -> Vec<u32> {
        vec![1]
    }
}

#[cfg(test)]
mod tests;
