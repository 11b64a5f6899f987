//! The end of an audit: what is trusted from outside, and the answer of each check.
//! Invariant: a check passes only if it ran over everything and found nothing; what did not run
//! is UNCONFIRMED, with what is missing.

use std::collections::BTreeMap;

use super::{Fold, Shadow};
use crate::{
    audit::{
        AtEnd, Check, Judge,
        finding::{Fault, Finding, Findings, Source},
    },
    hash::{Digest, empty_root},
    note::VerifierKey,
};

/// The answer of one check.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Status {
    /// It ran over everything and found nothing.
    Pass,
    /// Something it needs is missing.
    Unconfirmed,
    /// It found something.
    Fail,
}

/// A commit frame whose signature, size and root hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Entries that it promises.
    pub size: u64,
    /// Their root.
    pub root: Digest,
    /// Number of the segment.
    pub segment: u32,
    /// Offset of the commit frame in it.
    pub offset: u64,
}

/// What was read and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Segments with a header.
    pub segments: u64,
    /// Bytes of headers, batches and commit frames that were read and hashed.
    pub bytes: u64,
    /// Batches.
    pub batches: u64,
    /// Commit frames.
    pub commits: u64,
    /// Commit frames that the log's key signed.
    pub authentic: u64,
    /// Entries that were read.
    pub entries: u64,
    /// Entries that should be there and are not, or could not be read.
    pub missing: u64,
    /// Bytes of their payloads, re-hashed.
    pub payload_bytes: u64,
    /// Entries that were judged.
    pub judged: u64,
    /// Sums of pieces that were weighed.
    pub weighed: u64,
    /// Signatures of judged entries.
    pub signatures_due: u64,
    /// Of these: verified.
    pub signatures_checked: u64,
    /// Of these: below a pin, left out.
    pub signatures_skipped: u64,
    /// Of these: whose keys are unknown.
    pub signatures_unknown: u64,
    /// Different keys that were asked for.
    pub keys: u64,
    /// Kept checkpoints and pins that are a prefix of the log.
    pub kept: u64,
}

/// Why a check is not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Missing {
    /// There are no entries.
    Empty,
    /// A receipt alone cannot show it: the ledger is needed.
    NeedsLedger,
    /// Nobody asked for it in this run.
    NotAsked,
    /// It ran up to this entry, which could not be read or judged.
    From(u64),
    /// The log's key is only what entry 0 says.
    LogKey,
    /// This many signatures are of keys that are not known.
    UnknownKeys(u64),
    /// This many signatures were left out under a pin that does not hold.
    Skipped(u64),
    /// Entries are missing, so that this kept checkpoint could not be compared.
    NotComparable(String),
    /// The policy's quorum is reached up to this size only; what it lacks for more.
    Quorum(u64, String),
    /// No cosignatures are on the log.
    NoCosignatures,
    /// No epoch and no commit of this log has the root that was seen as that of this epoch.
    NotSeen(u64, Digest),
    /// In the judge's words.
    Words(String),
}

/// The answer of one check, with what is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CheckResult {
    /// Which check.
    pub check: Check,
    /// Its answer.
    pub status: Status,
    /// What is missing, if it is unconfirmed, and even if it fails.
    pub missing: Vec<Missing>,
    /// Failures and doubts, kept or not.
    pub findings: u64,
}

/// What an audit found out.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Name of the log, from its key.
    pub name: Option<String>,
    /// Leaf hash of entry 0.
    pub ledger: Option<Digest>,
    /// Entries of the log, missing ones included.
    pub size: u64,
    /// Root over them, if all could be read.
    pub root: Option<Digest>,
    /// The log's last key.
    pub log_key: Option<VerifierKey>,
    /// Its key was confirmed from outside.
    pub key_confirmed: bool,
    /// The last commit frame that holds.
    pub last_good: Option<Committed>,
    /// What was read and checked.
    pub counts: Counts,
    /// What was found.
    pub findings: Findings,
    /// One per check, in the order of [`Check::ALL`].
    pub checks: Vec<CheckResult>,
    /// Engines that the judge ran.
    pub engines: Vec<u32>,
}

impl Outcome {
    /// The worst answer.
    pub fn status(&self) -> Status {
        self.checks.iter().map(|result| result.status).max().unwrap_or(Status::Unconfirmed)
    }
}

impl<J: Judge> Fold<J> {
    /// Ends the audit. `signatures` and `bad` come from the jobs; `compare` is asked about the
    /// tiles and bundles of the right edge.
    pub fn finish(
        mut self,
        signatures: u64,
        bad: Findings,
        compare: &mut dyn FnMut(&Shadow) -> Vec<Finding>,
    ) -> Outcome {
        self.header_without_batch();
        for shadow in self.shadows.finish() {
            for finding in compare(&shadow) {
                self.findings.add(finding);
            }
        }
        self.findings.merge(bad);
        self.counts.signatures_checked = signatures;
        self.counts.keys = self.keys.len() as u64;
        let mut missing: BTreeMap<Check, Vec<Missing>> = BTreeMap::new();
        self.conclude();
        self.what_is_missing(&mut missing);
        self.check_seen(&mut missing);
        self.check_kept(&mut missing);
        let key_confirmed = self.check_trust();
        if !key_confirmed {
            missing.entry(Check::Checkpoint).or_default().push(Missing::LogKey);
        }
        let checks = Check::ALL.map(|check| {
            let missing = missing.remove(&check).unwrap_or_default();
            let doubts = self.findings.doubts(check);
            let status = match self.findings.fails(check) {
                0 if missing.is_empty() && doubts == 0 => Status::Pass,
                0 => Status::Unconfirmed,
                _ => Status::Fail,
            };
            CheckResult { check, status, missing, findings: self.findings.total(check) }
        });
        let whole = self.tree.as_ref().filter(|_| !self.tree_gaps);
        Outcome {
            name: self.lineage.last().map(|key| key.name().to_owned()),
            ledger: self.ledger,
            size: self.next,
            root: whole.map(crate::merkle::CompactRange::root),
            log_key: self.lineage.last().cloned(),
            key_confirmed,
            last_good: self.last_good,
            counts: self.counts,
            engines: self.judge.engines(),
            findings: self.findings,
            checks: checks.to_vec(),
        }
    }

    /// What the entries say together, if the judge saw all of them.
    fn conclude(&mut self) {
        if self.lost_from.is_some() || !self.options.verdicts {
            return;
        }
        let conclusion = self.judge.conclude();
        self.counts.weighed = conclusion.weighed;
        for AtEnd { place, entry, problem } in conclusion.found {
            let finding = Finding::new(problem.check, Fault::Judged, Source::File(place), 0);
            let finding = finding.field(problem.field, 0).values("", problem.what);
            self.findings.add(Finding { entry, weight: problem.weight, ..finding });
        }
    }

    fn what_is_missing(&self, missing: &mut BTreeMap<Check, Vec<Missing>>) {
        let judged = [Check::Signatures, Check::Authority, Check::Verdicts, Check::State, Check::Pieces];
        let mut add = |check, what| missing.entry(check).or_default().push(what);
        if self.next == 0 {
            for check in Check::ALL {
                add(check, Missing::Empty);
            }
            return;
        }
        for (check, what) in self.judge.unconfirmed() {
            add(check, what);
        }
        let cut = self.lost_from.map(Missing::From);
        if let Some(what) = cut.or_else(|| (!self.options.verdicts).then_some(Missing::NotAsked)) {
            for check in judged {
                add(check, what.clone());
            }
        }
        if self.counts.signatures_unknown > 0 {
            add(Check::Signatures, Missing::UnknownKeys(self.counts.signatures_unknown));
        }
        if self.counts.signatures_skipped > 0 && !self.pin_holds() {
            add(Check::Signatures, Missing::Skipped(self.counts.signatures_skipped));
        }
    }

    /// Epochs that somebody saw: of the same root, or history is not what they saw.
    fn check_seen(&mut self, missing: &mut BTreeMap<Check, Vec<Missing>>) {
        for seen in &self.options.seen {
            match self.judge.epoch_root(seen.epoch) {
                Some(root) if root == seen.root => {}
                Some(root) => {
                    let source = Source::File(format!("--seen {}", seen.epoch));
                    let finding = Finding::new(Check::Tree, Fault::Rewritten, source, 0);
                    self.findings.add(finding.values(seen.root, root));
                }
                // Without epochs to compare, a commit of that root shows the same.
                None if self.seen_left.contains(&seen.root) => {
                    missing.entry(Check::Tree).or_default().push(Missing::NotSeen(seen.epoch, seen.root));
                }
                None => {}
            }
        }
    }

    fn check_kept(&mut self, missing: &mut BTreeMap<Check, Vec<Missing>>) {
        for (kept, holds) in self.options.kept.iter().zip(&self.kept_holds) {
            let finding = |fault| Finding::new(Check::Checkpoint, fault, Source::File(kept.name.clone()), 0);
            let named = |fault| finding(fault).values(format!("{} {}", kept.size, kept.root), self.next);
            let keys: Vec<VerifierKey> = self.known_keys().cloned().collect();
            if let Some(note) = &kept.note
                && !note.verify(&keys).is_ok_and(|lines| !lines.is_empty())
            {
                self.findings.add(named(Fault::NotSigned));
                continue;
            }
            match holds {
                _ if kept.size == 0 && kept.root == empty_root() => self.counts.kept += 1,
                Some(true) => self.counts.kept += 1,
                Some(false) => self.findings.add(named(Fault::Rewritten)),
                None if kept.size > self.next => self.findings.add(named(Fault::CutBack)),
                None => missing
                    .entry(Check::Checkpoint)
                    .or_default()
                    .push(Missing::NotComparable(kept.name.clone())),
            }
        }
    }

    fn pin_holds(&self) -> bool {
        let mut kept = self.options.kept.iter().zip(&self.kept_holds);
        kept.any(|(kept, holds)| kept.note.is_none() && *holds == Some(true))
    }

    fn known_keys(&self) -> impl Iterator<Item = &VerifierKey> {
        let outside = &self.options.trust.log_keys;
        self.lineage.iter().chain(outside.iter().filter(|key| !self.lineage.contains(key)))
    }

    /// Whether something from outside confirms the log's key; reports what contradicts it.
    fn check_trust(&mut self) -> bool {
        let trust = &self.options.trust;
        let finding =
            |fault, at| Finding::new(Check::Checkpoint, fault, Source::Segment(0), 0).entry(0).field(at, 0);
        let mut confirmed = trust.pinned && self.pin_holds();
        if let Some(genesis) = trust.genesis {
            if self.ledger == Some(genesis) {
                confirmed = true;
            } else {
                let stored = self.ledger.map(|ledger| ledger.to_hex()).unwrap_or_default();
                self.findings.add(finding(Fault::OtherGenesis, "leaf").values(stored, genesis));
            }
        }
        let ends = [self.lineage.first(), self.lineage.last()];
        if let Some(wanted) = trust.log_keys.first() {
            if ends.into_iter().flatten().any(|key| trust.log_keys.contains(key)) || self.lineage.is_empty() {
                confirmed = true;
            } else {
                let stored = self.lineage.last().map(ToString::to_string).unwrap_or_default();
                self.findings.add(finding(Fault::OtherKey, "log key").values(stored, wanted));
            }
        }
        confirmed && self.authentic.is_some()
    }
}
