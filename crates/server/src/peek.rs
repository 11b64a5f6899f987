//! Looking into a folder without taking it: what entry 0 claims, which entries name a stream, and
//! whether every issuer signed.
//! Invariant: writes nothing and takes no lock; what is only claimed is called so.

use std::ops::Range;

use lian_core::{
    entry::Leaf,
    frame::{BATCH_HEADER_BYTES, BatchHeader, EntryFrame, NO_PREVIOUS, PAYLOAD_BYTES_MAX, SegmentHeader},
    note::VerifierKey,
    statement::{STATEMENT_TYPE, Statement, pae, statement_digest},
};
use lian_domain::{filing::Filing, ledger::Ledger};
use lian_store::{
    disk::{Disk, DiskError, OpenMode, read_up_to},
    reader::Reader,
    segment,
};
use rayon::prelude::*;
use thiserror::Error;

use crate::open::claimed_log_key;

/// Bytes that surely hold entry 0: headers, a leaf of 64 KiB, a payload, its links.
const FIRST_BYTES: usize = (1 << 17) + PAYLOAD_BYTES_MAX;
/// Entries whose signatures are verified at once; bounds memory.
const VERIFIED_AT_ONCE: usize = 4_096;

/// Why something could not be looked at.
#[derive(Debug, Error)]
pub enum PeekFault {
    /// The log cannot be read.
    #[error("entry {0}: {1}")]
    Read(u64, String),
    /// A signature does not verify.
    #[error("entry {entry}: signature {position} is not by key {key}")]
    Signature {
        /// Entry.
        entry: u64,
        /// Position among the issuers.
        position: usize,
        /// Key id that should have signed.
        key: String,
    },
}

/// Name of the ledger and its log key, as entry 0 claims them: enough to read, not to trust.
/// `None` if there is no entry 0 that can be read.
pub fn claimed_by_entry_0(disk: &dyn Disk) -> Result<Option<(String, VerifierKey)>, DiskError> {
    let file = match disk.open(&segment::path(0), OpenMode::Read) {
        Ok(file) => file,
        Err(error) if error.is_not_found() => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = vec![0; FIRST_BYTES];
    let length = read_up_to(&*file, 0, &mut bytes)?;
    bytes.truncate(length);
    Ok(first_payload(&bytes).and_then(claimed_log_key))
}

fn first_payload(bytes: &[u8]) -> Option<&[u8]> {
    let (_, header) = SegmentHeader::decode(bytes).ok()?;
    let batch = bytes.get(header..)?;
    BatchHeader::decode(batch).ok()?;
    let frame = EntryFrame::decode(batch.get(BATCH_HEADER_BYTES..)?).ok()?;
    Some(frame.payload)
}

/// The entries that name a stream, ascending, found by walking back from the last one.
pub fn history(reader: &Reader, ledger: &Ledger, stream: &str) -> Result<Vec<u64>, PeekFault> {
    let mut found = Vec::new();
    let mut at = ledger.stream(stream).map_or(NO_PREVIOUS, |stream| stream.last);
    while at != NO_PREVIOUS {
        found.push(at);
        let broken = |what: &dyn std::fmt::Display| PeekFault::Read(at, what.to_string());
        let entry = reader.read_entry(at).map_err(|error| broken(&error))?;
        let statement = Statement::parse(&entry.payload).map_err(|error| broken(&error))?;
        let event = statement.events.iter().position(|event| event.stream == stream);
        let previous = event.and_then(|event| entry.previous.get(event).copied());
        // A link that does not lead back would lead round for ever.
        at = previous.filter(|previous| *previous < at).unwrap_or(NO_PREVIOUS);
    }
    found.reverse();
    Ok(found)
}

/// Verifies every signature of a range of entries, on all cores; the keys are those of a ledger
/// folded at least as far.
pub fn check_signatures(ledger: &Ledger, reader: &Reader, range: Range<u64>) -> Result<u64, PeekFault> {
    let start = range.start;
    let mut entries = reader.entries(range).map_err(|error| PeekFault::Read(start, error.to_string()))?;
    let mut checked = 0;
    loop {
        let mut stretch = Vec::with_capacity(VERIFIED_AT_ONCE);
        for entry in entries.by_ref().take(VERIFIED_AT_ONCE) {
            stretch.push(entry.map_err(|error| PeekFault::Read(start + checked, error.to_string()))?);
        }
        if stretch.is_empty() {
            return Ok(checked);
        }
        stretch.par_iter().try_for_each(|entry| check_entry(ledger, &entry.leaf, &entry.payload))?;
        checked += stretch.len() as u64;
    }
}

/// Verifies the signatures of one entry.
pub fn check_entry(ledger: &Ledger, leaf: &[u8], payload: &[u8]) -> Result<(), PeekFault> {
    let leaf = Leaf::decode(leaf).map_err(|error| PeekFault::Read(0, error.to_string()))?;
    let broken = |what: &dyn std::fmt::Display| PeekFault::Read(leaf.index, what.to_string());
    let filing = Filing::read(payload, statement_digest(payload)).map_err(|error| broken(&error))?;
    if leaf.statement != filing.digest || filing.issuers.len() != leaf.signatures.len() {
        return Err(broken(&"the leaf is not of this payload"));
    }
    let message = pae(STATEMENT_TYPE, payload);
    for (position, (issuer, signature)) in filing.issuers.iter().zip(&leaf.signatures).enumerate() {
        let key = ledger.issuer_key(&filing, &issuer.key);
        if !key.is_some_and(|key| key.verify(&message, signature)) {
            return Err(PeekFault::Signature { entry: leaf.index, position, key: issuer.key.to_hex() });
        }
    }
    Ok(())
}
