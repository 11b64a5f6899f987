//! Checks one receipt: that its leaf is in the tree that the log signed, and its payload is the
//! leaf's. Invariant: what only the ledger can show (keys, chain, rules) is UNCONFIRMED, with
//! that as the reason.

use std::{
    io::{self, Read},
    path::Path,
};

use lian_core::{
    audit::{
        Check,
        finding::{Fault, Finding, Findings, Source},
        fold::{CheckResult, Counts, Kept, Missing, Outcome, Status},
    },
    entry::Leaf,
    hash::leaf_hash,
    merkle::check_inclusion,
    note::VerifierKey,
    receipt::{EntryBytes, RECEIPT_BYTES_MAX, Receipt},
    statement::{Statement, statement_digest},
};

use crate::{
    RunError,
    files::read_capped,
    pipeline::witnesses,
    report::Report,
    trust::{Known, kept_note},
};

/// Checks a receipt file, or standard input if the target is `-`.
pub(crate) fn audit_receipt(target: &Path, known: &Known) -> Result<Report, RunError> {
    let wrong = |error: io::Error| match error.kind() {
        io::ErrorKind::NotFound => RunError::NoLedger(target.to_owned()),
        _ => RunError::io(target, error),
    };
    let most = RECEIPT_BYTES_MAX as u64;
    let bytes = if target == Path::new("-") {
        let mut bytes = Vec::new();
        io::stdin().take(most + 1).read_to_end(&mut bytes).map_err(wrong)?;
        bytes
    } else {
        read_capped(target, most).map_err(wrong)?
    };
    let name = target.display().to_string();
    let mut audit = Audit { name: name.clone(), findings: Findings::default(), entries: 0, signatures: 0 };
    let checked = Receipt::parse(&bytes).map_err(|error| error.to_string()).and_then(|receipt| {
        let kept = kept_note(&name, &receipt.checkpoint, true)?;
        Ok((receipt, kept))
    });
    let (receipt, kept) = match checked {
        Ok(checked) => checked,
        Err(error) => {
            audit.add(Check::Bytes, Fault::Malformed, "receipt", error, "a receipt");
            let outcome = audit.outcome(None, None, false);
            return Ok(Report::receipt(target, outcome, None));
        }
    };
    match receipt.entry() {
        Ok(entry) => audit.entry(&receipt, &entry, &kept),
        Err(error) => audit.add(Check::Bytes, Fault::Malformed, "extra", error, "a leaf and a payload"),
    }
    let confirmed = audit.signature(&kept, &known.trust.log_keys);
    let mut outcome = audit.outcome(Some(&kept), Some(receipt.index), confirmed);
    if let Some(policy) = &known.policy {
        witnesses(&mut outcome, policy, std::iter::once(&kept));
    }
    Ok(Report::receipt(target, outcome, Some(receipt.index)))
}

struct Audit {
    name: String,
    findings: Findings,
    entries: u64,
    signatures: u64,
}

impl Audit {
    fn add(
        &mut self,
        check: Check,
        fault: Fault,
        field: &'static str,
        stored: impl ToString,
        computed: impl ToString,
    ) {
        let finding = Finding::new(check, fault, Source::File(self.name.clone()), 0).field(field, 0);
        self.findings.add(finding.values(stored, computed));
    }

    fn entry(&mut self, receipt: &Receipt, entry: &EntryBytes<'_>, kept: &Kept) {
        self.entries = 1;
        let hash = leaf_hash(entry.leaf);
        if check_inclusion(receipt.index, kept.size, &hash, &receipt.proof, &kept.root).is_err() {
            self.add(Check::Tree, Fault::Root, "proof", kept.root, "another root");
        }
        let leaf = match Leaf::decode(entry.leaf) {
            Ok(leaf) => leaf,
            Err(error) => return self.add(Check::Bytes, Fault::Malformed, "leaf", error, "a leaf"),
        };
        if leaf.index != receipt.index {
            self.add(Check::Bytes, Fault::Field, "leaf: index", leaf.index, receipt.index);
        }
        let computed = statement_digest(entry.payload);
        if computed != leaf.statement {
            return self.add(Check::Payload, Fault::PayloadDigest, "payload", computed, leaf.statement);
        }
        match Statement::parse(entry.payload) {
            Ok(statement) => {
                self.signatures = leaf.signatures.len() as u64;
                let (issuers, signatures) = (statement.issuers.len(), leaf.signatures.len());
                if issuers != signatures {
                    self.add(Check::Signatures, Fault::SignatureCount, "leaf", signatures, issuers);
                }
            }
            Err(error) => self.add(Check::Payload, Fault::NotAStatement, "payload", error, "a statement"),
        }
    }

    /// Whether a key from outside signed the checkpoint.
    fn signature(&mut self, kept: &Kept, keys: &[VerifierKey]) -> bool {
        let Some(note) = &kept.note else { return false };
        if keys.is_empty() {
            return false;
        }
        let signed = note.verify(keys).is_ok_and(|lines| !lines.is_empty());
        if !signed {
            self.add(Check::Checkpoint, Fault::NotSigned, "checkpoint", kept.size, keys[0].to_string());
        }
        signed
    }

    fn outcome(self, kept: Option<&Kept>, index: Option<u64>, confirmed: bool) -> Outcome {
        let checks = Check::ALL.map(|check| {
            let missing = match check {
                _ if kept.is_none() => vec![Missing::Empty],
                Check::Bytes | Check::Payload | Check::Tree => Vec::new(),
                Check::Checkpoint if confirmed => Vec::new(),
                Check::Checkpoint => vec![Missing::LogKey],
                _ => vec![Missing::NeedsLedger],
            };
            let status = match self.findings.fails(check) {
                0 if missing.is_empty() => Status::Pass,
                0 => Status::Unconfirmed,
                _ => Status::Fail,
            };
            CheckResult { check, status, missing, findings: self.findings.total(check) }
        });
        let note = kept.and_then(|kept| kept.note.as_ref());
        let counts = Counts {
            entries: self.entries,
            signatures_due: self.signatures,
            signatures_unknown: self.signatures,
            ..Counts::default()
        };
        Outcome {
            name: note.and_then(|note| note.text.split('\n').next()).map(str::to_owned),
            ledger: None,
            size: kept.map_or_else(|| index.unwrap_or_default(), |kept| kept.size),
            root: kept.map(|kept| kept.root),
            log_key: None,
            key_confirmed: confirmed,
            last_good: None,
            counts,
            findings: self.findings,
            checks: checks.to_vec(),
            engines: Vec::new(),
        }
    }
}
