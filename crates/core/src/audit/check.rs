//! Verifies signatures, job by job. Pure, for any thread.
//! Invariant: one answer per signature, by `verify_strict` alone; never in batches, whose answer
//! on crafted signatures differs from verifier to verifier.

use std::sync::Arc;

use super::{
    Check,
    finding::{Fault, Finding, Source},
    scan::Span,
};
use crate::{
    entry::Leaf,
    keys::PublicKey,
    statement::{STATEMENT_TYPE, pae},
};

/// Signatures of one job: enough to pay for handing it over, few enough to share the work evenly.
pub const JOB_SIGNATURES: usize = 128;

/// Signatures to verify.
#[derive(Debug)]
pub struct SignatureJob {
    /// Number of the segment.
    pub(super) segment: u32,
    /// Offset in it of the first byte.
    pub(super) offset: u64,
    /// The chunk.
    pub(super) bytes: Arc<Vec<u8>>,
    /// The entries.
    pub(super) entries: Vec<SignedEntry>,
}

/// The signatures of one entry.
#[derive(Debug)]
pub(super) struct SignedEntry {
    pub index: u64,
    pub span: Span,
    pub keys: Vec<PublicKey>,
}

/// What a job found.
#[derive(Debug, Default)]
pub struct Checked {
    /// Signatures that were verified, good or bad.
    pub signatures: u64,
    /// The bad ones.
    pub findings: Vec<Finding>,
}

/// Verifies one job.
pub fn check(job: &SignatureJob) -> Checked {
    let mut checked = Checked::default();
    for entry in &job.entries {
        let Some(leaf) = job.bytes.get(entry.span.leaf()) else { continue };
        let Ok(leaf) = Leaf::decode(leaf) else { continue };
        let message = pae(STATEMENT_TYPE, &job.bytes[entry.span.payload()]);
        let mut at = entry.span.leaf_at + crate::entry::LEAF_FIXED_BYTES;
        for (position, (signature, key)) in leaf.signatures.iter().zip(&entry.keys).enumerate() {
            at += 2;
            checked.signatures += 1;
            if !key.verify(&message, signature) {
                let source = Source::Segment(job.segment);
                let finding =
                    Finding::new(Check::Signatures, Fault::Signature, source, job.offset + at as u64)
                        .entry(entry.index)
                        .field(format!("leaf: signature {position}"), signature.len())
                        .values("", key.id());
                checked.findings.push(finding);
            }
            at += signature.len();
        }
    }
    checked
}
