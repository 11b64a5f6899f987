//! The result of a run: the checks, the findings, and what cannot be known.
//! Invariant: nothing in it depends on time, threads or the machine, so two runs over the same
//! files print the same report.

use std::path::Path;

use lian_core::audit::{
    Check,
    finding::{Fault, Finding, Source},
    fold::{Missing, Outcome, Status},
};
use lian_domain::ledger::ledger_id;
use serde_json::{Value, json};

use crate::{
    VERIFIER,
    text::{self, Lang},
    trust::{Known, PinFile},
};

/// What a reader of the report should know besides the checks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// Signatures below this size were skipped: the pin says this verifier checked them.
    SignaturesSkipped(u64),
    /// The fast mode was asked for, but the pin is not of this verifier: everything was checked.
    PinNotUsed,
    /// Tiles and bundles beside the log were compared.
    TilesCompared(u64),
    /// The published checkpoint has this size.
    Published(u64),
}

/// What a run found out.
#[derive(Debug, Clone)]
pub struct Report {
    /// What was checked.
    pub target: String,
    /// The ledger's id, `name#hash`.
    pub ledger: Option<String>,
    /// Index of the receipt's entry, if the target is a receipt.
    pub receipt: Option<u64>,
    /// It is a receipt, not a ledger.
    pub is_receipt: bool,
    /// The audit's outcome.
    pub outcome: Outcome,
    /// What else there is to say.
    pub notes: Vec<Note>,
    /// Size of the largest kept checkpoint or pin that was compared.
    pub kept_up_to: u64,
}

impl Report {
    pub(crate) fn ledger(target: &Path, outcome: Outcome, known: &Known, notes: Vec<Note>) -> Self {
        let ledger = outcome.name.as_deref().zip(outcome.ledger.as_ref());
        Self {
            target: target.display().to_string(),
            ledger: ledger.map(|(name, hash)| ledger_id(name, hash)),
            receipt: None,
            is_receipt: false,
            kept_up_to: known.kept.iter().map(|kept| kept.size).max().unwrap_or_default(),
            outcome,
            notes,
        }
    }

    pub(crate) fn receipt(target: &Path, outcome: Outcome, index: Option<u64>) -> Self {
        Self {
            target: target.display().to_string(),
            ledger: None,
            receipt: index,
            is_receipt: true,
            outcome,
            notes: Vec::new(),
            kept_up_to: 0,
        }
    }

    /// The worst answer of all checks.
    pub fn status(&self) -> Status {
        self.outcome.status()
    }

    /// 0 ok, 1 verification failed, 3 unconfirmed.
    pub fn exit_code(&self) -> u8 {
        match self.status() {
            Status::Pass => 0,
            Status::Fail => 1,
            Status::Unconfirmed => 3,
        }
    }

    /// The answer of one check.
    pub fn check(&self, check: Check) -> Status {
        self.outcome.checks[check as usize].status
    }

    /// Findings about the log itself.
    pub fn findings(&self) -> impl Iterator<Item = &Finding> {
        self.outcome.findings.iter().filter(|finding| finding.fault != Fault::Cache)
    }

    /// Findings about caches that can be made again from the log.
    pub fn caches(&self) -> impl Iterator<Item = &Finding> {
        self.outcome.findings.iter().filter(|finding| finding.fault == Fault::Cache)
    }

    /// For people.
    pub fn text(&self, lang: Lang) -> String {
        text::report(self, lang)
    }

    /// The pin of this run; none if something failed.
    pub fn pin(&self) -> Option<PinFile> {
        let root = self.outcome.root?;
        if self.status() == Status::Fail || self.is_receipt {
            return None;
        }
        let passed = self.outcome.checks.iter().filter(|result| result.status == Status::Pass);
        Some(PinFile {
            verifier: VERIFIER.to_owned(),
            ledger: self.ledger.clone()?,
            size: self.outcome.size,
            root: root.to_hex(),
            checks: passed.map(|result| result.check.name().to_owned()).collect(),
            engines: self.outcome.engines.clone(),
        })
    }

    /// For programs: everything, in one object.
    pub fn json(&self) -> Value {
        let outcome = &self.outcome;
        let good = outcome.last_good.map(|good| {
            json!({
                "size": good.size,
                "root": good.root.to_hex(),
                "file": segment_path(good.segment),
                "offset": good.offset,
            })
        });
        json!({
            "verifier": VERIFIER,
            "target": self.target,
            "ledger": self.ledger,
            "receipt": self.receipt,
            "size": outcome.size,
            "root": outcome.root.map(|root| root.to_hex()),
            "log_key": outcome.log_key.as_ref().map(ToString::to_string),
            "log_key_confirmed": outcome.key_confirmed,
            "result": status_word(self.status()),
            "exit_code": self.exit_code(),
            "checks": outcome.checks.iter().map(|result| json!({
                "check": result.check.name(),
                "status": status_word(result.status),
                "findings": result.findings,
                "missing": result.missing.iter().map(missing_json).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
            "counts": self.counts_json(),
            "findings": self.findings().map(finding_json).collect::<Vec<_>>(),
            "caches": self.caches().map(finding_json).collect::<Vec<_>>(),
            "last_good": good,
            "engines": outcome.engines,
            "notes": self.notes.iter().map(|note| text::note(note, Lang::En)).collect::<Vec<_>>(),
            "cannot_be_known": text::limits(self, Lang::En),
        })
    }

    fn counts_json(&self) -> Value {
        let counts = &self.outcome.counts;
        json!({
            "segments": counts.segments,
            "bytes": counts.bytes,
            "batches": counts.batches,
            "commits": counts.commits,
            "commits_signed": counts.authentic,
            "entries": counts.entries,
            "entries_missing": counts.missing,
            "entries_judged": counts.judged,
            "payload_bytes": counts.payload_bytes,
            "sums_weighed": counts.weighed,
            "signatures": counts.signatures_due,
            "signatures_checked": counts.signatures_checked,
            "signatures_skipped": counts.signatures_skipped,
            "signatures_unknown": counts.signatures_unknown,
            "keys": counts.keys,
            "kept_checkpoints": counts.kept,
        })
    }
}

/// The word of a status, in every language.
pub(crate) fn status_word(status: Status) -> &'static str {
    match status {
        Status::Pass => "PASS",
        Status::Unconfirmed => "UNCONFIRMED",
        Status::Fail => "FAIL",
    }
}

pub(crate) fn segment_path(number: u32) -> String {
    format!("segments/{number:06}.seg")
}

/// The file of a finding, as reports name it.
pub(crate) fn path_of(finding: &Finding) -> String {
    match &finding.source {
        Source::Segment(number) => segment_path(*number),
        Source::File(path) => path.clone(),
    }
}

fn missing_json(missing: &Missing) -> Value {
    json!(text::missing(missing, Lang::En))
}

fn finding_json(finding: &Finding) -> Value {
    json!({
        "check": finding.check.name(),
        "weight": format!("{:?}", finding.weight).to_lowercase(),
        "fault": finding.fault.code(),
        "entry": finding.entry,
        "field": finding.field,
        "file": path_of(finding),
        "offset": finding.offset,
        "length": finding.length,
        "bit": finding.bit,
        "stored": finding.stored,
        "computed": finding.computed,
        "what": text::fault(finding.fault, Lang::En),
        "mend": text::mend(finding.fault, Lang::En),
    })
}
