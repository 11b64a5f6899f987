//! What comes back from a ledger, believed only once it is verified.
//! Invariant: a receipt counts for a statement only if it holds the very bytes that were sent.

use lian_core::{
    checkpoint::Checkpoint,
    entry::{Leaf, Verdict},
    hash::Digest,
    keys::PublicKey,
    merkle::check_consistency,
    note::VerifierKey,
    receipt::{Receipt, check_receipt},
    statement::{Envelope, REJECTION_TYPE, pae, statement_digest},
};
use lian_domain::rejection::RejectionNote;
use thiserror::Error;

/// Why an answer is not believed. Keep it: it may be evidence.
#[derive(Debug, Error)]
pub enum Doubt {
    /// The receipt does not hold.
    #[error("the receipt does not hold: {0}")]
    Receipt(String),
    /// The receipt holds, but for something else.
    #[error("the receipt is for another statement: {0} differs")]
    Other(&'static str),
    /// The rejection is not signed by the admission key, or not about this.
    #[error("the rejection is not authentic: {0}")]
    Rejection(&'static str),
    /// The new checkpoint does not extend the one seen before.
    #[error("the log of size {new} does not extend the log of size {old} that was seen before")]
    Fork {
        /// Size seen before.
        old: u64,
        /// Size now.
        new: u64,
    },
    /// A view or state is not the one that its digest is of.
    #[error("{what}: the server names digest {said}, and what it sent has {found}")]
    Digest {
        /// Name of the view or stream.
        what: String,
        /// As the server says.
        said: Digest,
        /// Computed.
        found: Digest,
    },
    /// The answer holds for another moment.
    #[error("asked for the first {asked} entries, the answer is of {told}")]
    Moment {
        /// Entries that were asked for.
        asked: u64,
        /// Entries that it holds for.
        told: u64,
    },
    /// The answer is about another stream.
    #[error("asked for {asked}, the answer is of {told}")]
    Stream {
        /// What was asked for.
        asked: String,
        /// What came.
        told: String,
    },
}

/// What a verified receipt says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// Entry.
    pub index: u64,
    /// Accepted or refused.
    pub verdict: Verdict,
    /// Unix milliseconds.
    pub recorded_at: u64,
    /// Checkpoint that covers it.
    pub checkpoint: Checkpoint,
}

/// Verifies a receipt file against the log's key and, if given, the envelope that was sent.
pub fn open_receipt(file: &[u8], log: &VerifierKey, sent: Option<&Envelope>) -> Result<Sealed, Doubt> {
    let says = |error: &dyn std::fmt::Display| Doubt::Receipt(error.to_string());
    let receipt = Receipt::parse(file).map_err(|error| says(&error))?;
    let checked = check_receipt(&receipt, log).map_err(|error| says(&error))?;
    let leaf = Leaf::decode(checked.entry.leaf).map_err(|error| says(&error))?;
    if leaf.index != checked.index {
        return Err(Doubt::Other("the index in the leaf"));
    }
    if leaf.statement != statement_digest(checked.entry.payload) {
        return Err(Doubt::Other("the statement digest in the leaf"));
    }
    if let Some(sent) = sent {
        if checked.entry.payload != sent.payload {
            return Err(Doubt::Other("the payload"));
        }
        let same = leaf.signatures.iter().copied().eq(sent.signatures.iter().map(Vec::as_slice));
        // A repeated statement gets its first receipt, whatever its signature bytes are now.
        if !same && leaf.signatures.len() != sent.signatures.len() {
            return Err(Doubt::Other("the number of signatures"));
        }
    }
    let (verdict, recorded_at) = (leaf.verdict, leaf.recorded_at);
    Ok(Sealed { index: leaf.index, verdict, recorded_at, checkpoint: checked.open.checkpoint })
}

/// Verifies a signed rejection: by the admission key, for this ledger and this statement.
pub fn open_rejection(
    answer: &Envelope,
    admission: &PublicKey,
    ledger: &str,
    sent: Option<&Digest>,
) -> Result<RejectionNote, Doubt> {
    let [signature] = &answer.signatures[..] else {
        return Err(Doubt::Rejection("it has not exactly one signature"));
    };
    if !admission.verify(&pae(REJECTION_TYPE, &answer.payload), signature) {
        return Err(Doubt::Rejection("the signature does not verify"));
    }
    let note = RejectionNote::parse(&answer.payload).ok_or(Doubt::Rejection("it does not parse"))?;
    if note.ledger != ledger {
        return Err(Doubt::Rejection("it is of another ledger"));
    }
    if sent.is_some() && note.statement.as_ref() != sent {
        return Err(Doubt::Rejection("it is about another statement"));
    }
    Ok(note)
}

/// Checks that a checkpoint extends one that was seen before.
pub fn extends(seen: &Checkpoint, new: &Checkpoint, proof: &[Digest]) -> Result<(), Doubt> {
    let fork = Doubt::Fork { old: seen.size, new: new.size };
    if seen.origin != new.origin || new.size < seen.size {
        return Err(fork);
    }
    check_consistency(seen.size, new.size, &seen.root, &new.root, proof).map_err(|_| fork)
}
