//! Commit frames: the log's promise, batch by batch.
//! Invariant: a frame counts only if the log's key signed exactly the text that it holds; a
//! damaged one counts if the only text that can stand there makes its signature good.

use super::{Committed, Fold, Jobs};
use crate::{
    audit::{
        Check, Judge,
        finding::{Fault, Finding, difference},
        mend::one_bit,
        scan::{ScannedBatch, ScannedCommit},
        walk::Plan,
    },
    checkpoint::Checkpoint,
    frame::{COMMIT_FIXED_BYTES, encode_commit},
    note::{Note, VerifierKey},
};

/// Base64 of key id and signature: 68 bytes.
const LINE_BASE64_BYTES: usize = 92;

impl<J: Judge> Fold<J> {
    pub(super) fn commit(&mut self, batch: &ScannedBatch<J::Filing>, jobs: &Jobs) {
        self.follow_lineage();
        let plan = &batch.plan;
        let at = |check, fault| {
            jobs.finding(check, fault, plan.commit)
                .entry(plan.next().saturating_sub(1))
                .field("commit frame", plan.commit_bytes)
        };
        match &batch.commit {
            None => {
                let finding = at(Check::Bytes, Fault::Missing).values("none", "a commit frame");
                self.findings.add(finding);
            }
            Some(commit) => {
                self.counts.commits += 1;
                match self.authentic(commit, plan, jobs) {
                    Some(checkpoint) => self.promised(&checkpoint, plan, jobs, at),
                    None => self.not_signed(commit, at),
                }
            }
        }
        if let Some(tree) = &self.tree {
            let (size, root) = (tree.size(), tree.root());
            self.seen_left.retain(|seen| *seen != root);
            if self.lost_from.is_none() && self.options.verdicts {
                self.judge.batch_committed(size, root);
            }
        }
    }

    fn follow_lineage(&mut self) {
        if let Some(key) = self.judge.log_key()
            && self.lineage.last() != Some(&key)
        {
            self.lineage.push(key);
        }
    }

    /// The checkpoint of a commit frame, if the log's key signed it.
    fn authentic(&mut self, commit: &ScannedCommit, plan: &Plan, jobs: &Jobs) -> Option<Checkpoint> {
        let key = self.signing_key(commit)?;
        if let Ok((note, checkpoint)) = &commit.note
            && is_signed(note, commit, &key)
            && checkpoint.origin == key.name()
        {
            return Some(checkpoint.clone());
        }
        self.mended(&key, plan, jobs)
    }

    /// The key that the log had; or, if entry 0 could not be read, one that is trusted.
    fn signing_key(&self, commit: &ScannedCommit) -> Option<VerifierKey> {
        let trusted = || {
            let origin = commit.note.as_ref().ok().map(|(_, checkpoint)| checkpoint.origin.as_str());
            let keys = &self.options.trust.log_keys;
            keys.iter().find(|key| origin.is_none_or(|origin| origin == key.name()))
        };
        self.lineage.last().or_else(trusted).cloned()
    }

    /// The frame that must stand there, with the stored signature; or with one bit of it turned.
    fn mended(&mut self, key: &VerifierKey, plan: &Plan, jobs: &Jobs) -> Option<Checkpoint> {
        let tree = self.tree.as_ref()?;
        let stored = jobs.bytes.get(plan.commit..plan.end())?;
        let checkpoint = Checkpoint { origin: key.name().to_owned(), size: tree.size(), root: tree.root() };
        let mut note = checkpoint.to_text().into_bytes();
        note.extend_from_slice(format!("\n\u{2014} {} ", key.name()).as_bytes());
        let signature = COMMIT_FIXED_BYTES + note.len();
        note.extend_from_slice(stored.get(signature..signature + LINE_BASE64_BYTES)?);
        note.push(b'\n');
        let mut right = encode_commit(&note);
        if !signs(&right, key) {
            self.mends_left = self.mends_left.checked_sub(1)?;
            let mut budget = u64::MAX;
            one_bit(&mut right, signature..signature + LINE_BASE64_BYTES, 0, &mut budget, |frame| {
                signs(frame, key)
            })?;
        }
        let found = difference(stored, &right)?;
        let finding =
            Finding { bit: found.bit, ..jobs.finding(Check::Bytes, Fault::Damaged, plan.commit + found.at) };
        let finding = finding.entry(plan.next().saturating_sub(1)).field("commit frame", found.length);
        self.findings.add(finding.values(found.stored, found.right));
        Some(checkpoint)
    }

    fn not_signed(&mut self, commit: &ScannedCommit, at: impl Fn(Check, Fault) -> Finding) {
        let finding = match &commit.note {
            Err(error) => at(Check::Bytes, Fault::Malformed).values(error, "a signed checkpoint"),
            Ok((note, checkpoint)) => {
                let signers: Vec<&str> = note.signatures.iter().map(|line| line.name.as_str()).collect();
                let stored =
                    format!("{} {}, signed by {}", checkpoint.origin, checkpoint.size, signers.join(" "));
                let key = self.lineage.last().map_or_else(|| "unknown".to_owned(), ToString::to_string);
                at(Check::Checkpoint, Fault::NotSigned).values(stored, format!("signed by {key}"))
            }
        };
        self.findings.add(finding);
    }

    /// The log signed this: size and root must be those of the entries.
    fn promised(
        &mut self,
        checkpoint: &Checkpoint,
        plan: &Plan,
        jobs: &Jobs,
        at: impl Fn(Check, Fault) -> Finding,
    ) {
        self.counts.authentic += 1;
        self.authentic = Some((checkpoint.size, checkpoint.root));
        if checkpoint.size != self.next {
            let finding = at(Check::Tree, Fault::Field).values(checkpoint.size, self.next);
            return self.findings.add(finding.field("commit frame: size", plan.commit_bytes));
        }
        let Some(tree) = &self.tree else { return };
        let root = tree.root();
        if root == checkpoint.root {
            self.last_good = Some(Committed {
                size: checkpoint.size,
                root,
                segment: jobs.segment,
                offset: jobs.offset + plan.commit as u64,
            });
        } else if self.root_differs {
            // It follows from the first: a tree never forgets.
            self.findings.count_more(Check::Tree);
        } else {
            self.root_differs = true;
            let good = self.last_good.as_ref().map_or(0, |good| good.size);
            let range = format!("{root}, of which the entries from {good} on are new");
            let finding = at(Check::Tree, Fault::Root).values(checkpoint.root, range);
            self.findings.add(finding);
        }
    }
}

/// One line, of this key, that verifies.
fn is_signed(note: &Note, commit: &ScannedCommit, key: &VerifierKey) -> bool {
    note.signatures.len() == 1
        && (commit.signed_by.as_ref() == Some(key.public()) && note.signatures[0].name == key.name()
            || note.verify(std::slice::from_ref(key)).is_ok_and(|lines| lines.len() == 1))
}

fn signs(frame: &[u8], key: &VerifierKey) -> bool {
    frame
        .get(COMMIT_FIXED_BYTES..)
        .and_then(|note| Note::parse(note).ok())
        .and_then(|note| note.verify(std::slice::from_ref(key)).ok())
        .is_some_and(|lines| lines.len() == 1)
}
