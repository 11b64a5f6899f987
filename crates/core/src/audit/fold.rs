//! Judges what was scanned, in order: chain, tree, commit frames, authority, verdicts.
//! Invariant: total on hostile input. After damage it goes on where the meaning is still clear:
//! a gap ends judging and, until a segment header gives the tree back, the tree; never the bytes.

mod commit;
mod end;
mod shadow;

use std::{collections::BTreeMap, sync::Arc};

use foldhash::HashSet;

use self::shadow::Shadows;
pub use self::{
    end::{CheckResult, Committed, Counts, Missing, Outcome, Status},
    shadow::Shadow,
};
use super::{
    Check, Judge, LeafFacts, Place,
    check::{JOB_SIGNATURES, SignatureJob, SignedEntry},
    finding::{Fault, Finding, Findings, Source, difference},
    scan::{Scanned, ScannedBatch, ScannedEntry},
};
use crate::{
    frame::SegmentHeader,
    hash::Digest,
    merkle::CompactRange,
    note::{Note, VerifierKey},
};

/// Commit frames whose signature is searched for a flipped bit, at 20 ms each.
const SIGNATURES_MENDED_MAX: u32 = 16;

/// What the caller trusts from outside.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// Keys of the log.
    pub log_keys: Vec<VerifierKey>,
    /// Leaf hash of entry 0.
    pub genesis: Option<Digest>,
    /// An earlier run, whose pin is among `kept`, had the log key confirmed.
    pub pinned: bool,
}

/// A size and root that the auditor kept: an older checkpoint, a receipt's, a pin's.
#[derive(Debug, Clone)]
pub struct Kept {
    /// What reports call it: the name of its file.
    pub name: String,
    /// Number of entries.
    pub size: u64,
    /// Their root.
    pub root: Digest,
    /// The signed note, whose log signature is to be verified; none for a pin.
    pub note: Option<Note>,
    /// It is the log's own published checkpoint, not one kept elsewhere.
    pub published: bool,
}

/// An epoch that somebody saw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen {
    /// Its number.
    pub epoch: u64,
    /// Its root.
    pub root: Digest,
}

/// What to check.
#[derive(Debug, Clone)]
pub struct Options {
    /// Judge every entry. Without, only entry 0 is judged, for the log key.
    pub verdicts: bool,
    /// Entries below need no signature check: a pin holds that it was done.
    pub signatures_from: u64,
    /// What is known from outside.
    pub trust: Trust,
    /// What must be a prefix of the log, or the log itself.
    pub kept: Vec<Kept>,
    /// Epochs that somebody saw.
    pub seen: Vec<Seen>,
    /// Give out hash tiles, to compare with those on disk.
    pub tiles: bool,
    /// Give out bundles of leaves, to compare with those on disk.
    pub bundles: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            verdicts: true,
            signatures_from: 0,
            trust: Trust::default(),
            kept: Vec::new(),
            seen: Vec::new(),
            tiles: false,
            bundles: false,
        }
    }
}

/// The start of a segment file.
#[derive(Debug, Clone)]
pub struct SegmentHead {
    /// Its number.
    pub segment: u32,
    /// Its first bytes, as many as the header should have.
    pub stored: Vec<u8>,
    /// The header, if it can be read.
    pub header: Option<SegmentHeader>,
}

/// The audit of one log, entry by entry.
#[derive(Debug)]
pub struct Fold<J> {
    judge: J,
    options: Options,
    /// Index of the next entry.
    next: u64,
    /// Link of the entry before; unknown after a gap.
    link: Option<Digest>,
    clock: u64,
    /// The tree so far; unknown after a gap.
    tree: Option<CompactRange>,
    /// First entry that could not be judged.
    lost_from: Option<u64>,
    /// Leaf hash of entry 0.
    ledger: Option<Digest>,
    /// Keys that signed the log, in order.
    lineage: Vec<VerifierKey>,
    head: Option<SegmentHead>,
    /// This segment is not read: it is of another ledger, or came before.
    skipped: Option<u32>,
    /// A root differed: those after it must.
    root_differs: bool,
    /// Last commit frame that the log's key signed.
    authentic: Option<(u64, Digest)>,
    last_good: Option<Committed>,
    mends_left: u32,
    /// By size, the positions in `options.kept` that are to be compared there.
    kept_at: BTreeMap<u64, Vec<usize>>,
    /// By position in `options.kept`: whether it holds; `None` if its size was not reached.
    kept_holds: Vec<Option<bool>>,
    seen_left: Vec<Digest>,
    keys: HashSet<[u8; 32]>,
    shadows: Shadows,
    tree_gaps: bool,
    counts: Counts,
    findings: Findings,
}

impl<J: Judge> Fold<J> {
    /// Before entry 0.
    pub fn new(judge: J, options: Options) -> Self {
        let mut kept_at: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
        for (at, kept) in options.kept.iter().enumerate() {
            kept_at.entry(kept.size).or_default().push(at);
        }
        Self {
            judge,
            next: 0,
            link: Some(Digest::ZERO),
            clock: 0,
            tree: Some(CompactRange::new()),
            lost_from: None,
            ledger: None,
            lineage: Vec::new(),
            head: None,
            skipped: None,
            root_differs: false,
            authentic: None,
            last_good: None,
            mends_left: SIGNATURES_MENDED_MAX,
            kept_at,
            kept_holds: vec![None; options.kept.len()],
            seen_left: options.seen.iter().map(|seen| seen.root).collect(),
            keys: HashSet::default(),
            shadows: Shadows::new(options.tiles, options.bundles),
            tree_gaps: false,
            counts: Counts::default(),
            findings: Findings::default(),
            options,
        }
    }

    /// The key that probably signs the next commit frames: a hint for `scan`.
    pub fn log_key(&self) -> Option<&VerifierKey> {
        self.lineage.last()
    }

    /// Entries so far.
    pub fn size(&self) -> u64 {
        self.next
    }

    /// A finding that the caller made on its way to the bytes.
    pub fn add(&mut self, finding: Finding) {
        self.findings.add(finding);
    }

    /// Tiles and bundles that became full since the last call, if the options ask for them.
    pub fn take_shadows(&mut self) -> Vec<Shadow> {
        self.shadows.take()
    }

    /// A segment begins; its header is judged with its first batch.
    pub fn segment(&mut self, head: SegmentHead) {
        self.header_without_batch();
        self.counts.segments += 1;
        self.counts.bytes += head.stored.len() as u64;
        self.skipped = None;
        self.head = Some(head);
    }

    /// Judges one chunk; returns the signatures that are to be verified.
    pub fn chunk(&mut self, scanned: Scanned<J::Filing>) -> Vec<SignatureJob> {
        let Scanned { segment, offset, bytes, batches, findings } = scanned;
        for finding in findings {
            self.findings.add(finding);
        }
        let mut jobs = Jobs { segment, offset, bytes, done: Vec::new(), entries: Vec::new(), signatures: 0 };
        for batch in &batches {
            if let Some(head) = self.head.take() {
                self.judge_head(&head, batch);
            }
            if self.skipped != Some(segment) {
                self.batch(batch, &mut jobs);
            }
        }
        jobs.flush();
        jobs.done
    }

    fn batch(&mut self, batch: &ScannedBatch<J::Filing>, jobs: &mut Jobs) {
        if !self.is_next(batch, jobs) {
            return;
        }
        let plan = &batch.plan;
        let last = plan.next().saturating_sub(1);
        if plan.tail {
            let finding = jobs.finding(Check::Bytes, Fault::Unfinished, plan.start).entry(self.next);
            let stored = format!("entries {} to {last}", self.next);
            self.findings
                .add(finding.field("batch", plan.end() - plan.start).values(stored, "a commit frame"));
            return;
        }
        self.counts.batches += 1;
        self.counts.bytes += (plan.end() - plan.start) as u64;
        if self.judges(self.next) {
            self.judge.batch_begins(self.next);
        }
        for (position, entry) in batch.entries.iter().enumerate() {
            self.entry(entry, position == 0, jobs);
        }
        if batch.lost > 0 {
            self.gap(self.next.saturating_add(u64::from(batch.lost)));
        }
        self.commit(batch, jobs);
    }

    /// Whether the batch stands where its entries belong; reports it if not.
    fn is_next(&mut self, batch: &ScannedBatch<J::Filing>, jobs: &Jobs) -> bool {
        let first = batch.plan.header.first;
        if first == self.next {
            return true;
        }
        let finding = |check, fault| {
            jobs.finding(check, fault, batch.plan.start)
                .entry(self.next)
                .field("batch header: first index", 8)
                .values(first, self.next)
        };
        let entry = batch.entries.first().and_then(|entry| entry.head);
        if entry.is_some_and(|head| head.index == self.next) {
            let finding = finding(Check::Bytes, Fault::Field);
            self.findings.add(finding);
            return true;
        }
        let missing = first > self.next;
        let finding = finding(Check::Chain, if missing { Fault::Missing } else { Fault::Repeated });
        self.findings.add(finding);
        if missing {
            self.gap(first);
        }
        missing
    }

    /// Entries up to `to` are not there, or not to be read.
    fn gap(&mut self, to: u64) {
        self.counts.missing += to.saturating_sub(self.next);
        self.lose(self.next);
        self.next = to;
        self.link = None;
        self.tree = None;
        self.tree_gaps = true;
        self.shadows.stop();
    }

    fn judges(&self, index: u64) -> bool {
        self.lost_from.is_none() && (index == 0 || self.options.verdicts)
    }

    fn lose(&mut self, from: u64) {
        self.lost_from.get_or_insert(from);
    }

    fn entry(&mut self, entry: &ScannedEntry<J::Filing>, batch_first: bool, jobs: &mut Jobs) {
        let index = self.next;
        self.counts.entries += 1;
        self.counts.payload_bytes += entry.span.payload().len() as u64;
        if let Some(head) = &entry.head {
            let leaf = |check, fault, at: usize, field, bytes| {
                jobs.finding(check, fault, entry.span.leaf_at + at).entry(index).field(field, bytes)
            };
            if head.index != index {
                let finding = leaf(Check::Chain, Fault::Field, 1, "leaf: index", 8).values(head.index, index);
                self.findings.add(finding);
            }
            if let Some(link) = self.link.filter(|link| *link != head.previous) {
                let finding = leaf(Check::Chain, Fault::Link, 9, "leaf: previous", 32);
                self.findings.add(finding.values(head.previous, link));
            }
            if head.recorded_at < self.clock {
                let finding = leaf(Check::Time, Fault::Clock, 41, "leaf: recorded_at", 8);
                self.findings.add(finding.values(head.recorded_at, self.clock));
            }
            self.clock = self.clock.max(head.recorded_at);
        }
        if index == 0 {
            self.ledger = Some(entry.leaf_hash);
        }
        self.judge_entry(entry, batch_first, jobs);
        self.grow(entry, jobs);
    }

    fn grow(&mut self, entry: &ScannedEntry<J::Filing>, jobs: &Jobs) {
        self.next = self.next.saturating_add(1);
        self.link = Some(entry.link);
        let Some(tree) = &mut self.tree else { return };
        let shadows = &mut self.shadows;
        tree.push_with(entry.leaf_hash, &mut |level, index, hash| shadows.node(level, index, &hash));
        shadows.leaf(&jobs.bytes[entry.span.leaf()]);
        if let Some(kept) = self.kept_at.get(&self.next) {
            let root = tree.root();
            for at in kept {
                self.kept_holds[*at] = Some(self.options.kept[*at].root == root);
            }
        }
    }

    fn judge_entry(&mut self, entry: &ScannedEntry<J::Filing>, batch_first: bool, jobs: &mut Jobs) {
        let index = self.next;
        if !self.judges(index) {
            return;
        }
        let (Some(head), Some(filing), Some(tree)) = (&entry.head, &entry.filing, &self.tree) else {
            return self.lose(index);
        };
        let place = Place { index, recorded_at: head.recorded_at, tree, batch_first };
        let facts = LeafFacts { verdict: head.verdict, rules: head.rules, signatures: head.signatures };
        let judged = self.judge.judge(&place, filing, facts, entry.leaf_hash);
        self.counts.judged += 1;
        for problem in judged.problems {
            let finding = jobs
                .finding(problem.check, Fault::Judged, entry.span.payload_at)
                .entry(index)
                .field(problem.field, entry.span.payload().len())
                .values("", problem.what);
            self.findings.add(Finding { weight: problem.weight, ..finding });
        }
        self.back_links(entry, &judged.previous, jobs);
        self.due(entry, head.signatures, judged.keys, jobs);
        if judged.lost {
            self.lose(index.saturating_add(1));
        }
    }

    fn back_links(&mut self, entry: &ScannedEntry<J::Filing>, expected: &[u64], jobs: &Jobs) {
        let links = entry.span.links();
        let stored = jobs.bytes[links.clone()].chunks_exact(8);
        let finding = |at: usize, bytes| {
            jobs.finding(Check::Chain, Fault::BackLink, at)
                .entry(self.next)
                .field("entry frame: link back", bytes)
        };
        if expected.is_empty() {
            return;
        }
        if stored.len() != expected.len() {
            let finding = finding(links.start, links.len())
                .values(format!("{} links", stored.len()), format!("{} links", expected.len()));
            return self.findings.add(finding);
        }
        let mut wrong = Vec::new();
        for (position, (stored, expected)) in stored.zip(expected).enumerate() {
            let stored = stored.iter().fold(0, |value: u64, byte| value << 8 | u64::from(*byte));
            if stored != *expected {
                wrong.push(finding(links.start + 8 * position, 8).values(back(stored), back(*expected)));
            }
        }
        for finding in wrong {
            self.findings.add(finding);
        }
    }

    fn due(
        &mut self,
        entry: &ScannedEntry<J::Filing>,
        signatures: usize,
        keys: Vec<crate::keys::PublicKey>,
        jobs: &mut Jobs,
    ) {
        let index = self.next;
        self.counts.signatures_due += signatures as u64;
        if keys.is_empty() {
            self.counts.signatures_unknown += signatures as u64;
            return;
        }
        if keys.len() != signatures {
            let finding = jobs
                .finding(Check::Signatures, Fault::SignatureCount, entry.span.leaf_at + 89)
                .entry(index)
                .field("leaf: signature count", 1);
            self.findings.add(finding.values(signatures, keys.len()));
        }
        for key in &keys {
            self.keys.insert(*key.as_bytes32());
        }
        if index < self.options.signatures_from {
            self.counts.signatures_skipped += signatures as u64;
            return;
        }
        jobs.push(SignedEntry { index, span: entry.span, keys });
    }

    fn header_without_batch(&mut self) {
        if let Some(head) = self.head.take() {
            let source = Source::Segment(head.segment);
            let finding = Finding::new(Check::Bytes, Fault::Unfinished, source, 0);
            let finding = finding.field("segment header", head.stored.len());
            self.findings.add(finding.values("no batch that can be read", "a batch"));
        }
    }

    /// Compares a segment's header with what the entries before it say.
    fn judge_head(&mut self, head: &SegmentHead, batch: &ScannedBatch<J::Filing>) {
        let first = batch.entries.first();
        if self.next == 0 && self.ledger.is_none() {
            // If the first segment is gone, what is left still has to agree on the ledger.
            let opens = first.filter(|entry| entry.head.is_none_or(|head| head.index == 0));
            let named = head.header.as_ref().map(|header| header.ledger);
            self.ledger = opens.map(|entry| entry.leaf_hash).or(named);
        }
        let belongs = first.and_then(|entry| entry.head).is_some_and(|entry| {
            entry.index == self.next && self.link.is_none_or(|link| link == entry.previous)
        });
        // Where the first entry cannot be read, the header's time is all there is.
        let stated = head.header.as_ref().map(|header| header.recorded_at);
        let recorded_at = first.and_then(|entry| entry.head).map(|entry| entry.recorded_at).or(stated);
        let finding = |check, fault| Finding::new(check, fault, Source::Segment(head.segment), 0);
        let Some(header) = &head.header else {
            return self.compare_head(head, recorded_at);
        };
        if belongs || (header.first == self.next && Some(header.ledger) == self.ledger) {
            self.resume(header);
            return self.compare_head(head, recorded_at);
        }
        let problem = if self.ledger.is_some_and(|ledger| ledger != header.ledger) {
            self.skipped = Some(head.segment);
            let finding = finding(Check::Bytes, Fault::Foreign).field("segment header: ledger", 32);
            finding.values(header.ledger, self.ledger.unwrap_or_default())
        } else if header.first > self.next {
            let problem = finding(Check::Chain, Fault::Missing).entry(self.next);
            let problem = problem.field("segment header: first index", 8).values(header.first, self.next);
            self.gap(header.first);
            self.resume(header);
            problem
        } else {
            self.skipped = Some(head.segment);
            let problem = finding(Check::Chain, Fault::Repeated).entry(header.first);
            problem.field("segment header: first index", 8).values(header.first, self.next)
        };
        self.findings.add(problem);
    }

    /// After a gap, a header gives link and tree back; the next signed root proves them.
    fn resume(&mut self, header: &SegmentHeader) {
        if header.first != self.next {
            return;
        }
        self.link.get_or_insert(header.previous);
        if self.tree.is_none() {
            self.tree = CompactRange::from_parts(header.first, header.range.clone());
        }
    }

    fn compare_head(&mut self, head: &SegmentHead, recorded_at: Option<u64>) {
        let source = Source::Segment(head.segment);
        let known = (self.ledger, self.link, &self.tree, recorded_at);
        let (Some(ledger), Some(previous), Some(tree), Some(recorded_at)) = known else {
            if head.header.is_none() {
                let finding = Finding::new(Check::Bytes, Fault::Checksum, source, 0);
                self.findings.add(finding.field("segment header", head.stored.len()));
            }
            return;
        };
        let range = tree.nodes().to_vec();
        let right = SegmentHeader { ledger, first: self.next, previous, recorded_at, range }.encode();
        if let Some(found) = difference(&head.stored, &right) {
            let field = header_field(found.at, right.len());
            self.findings.add(found.finding(Check::Bytes, source, 0, field).entry(self.next));
        }
    }
}

fn back(link: u64) -> String {
    if link == crate::frame::NO_PREVIOUS { "none".to_owned() } else { link.to_string() }
}

fn header_field(at: usize, bytes: usize) -> &'static str {
    match at {
        0..=7 => "segment header: magic",
        8..=39 => "segment header: ledger",
        40..=47 => "segment header: first index",
        48..=79 => "segment header: previous",
        80..=87 => "segment header: recorded_at",
        88 => "segment header: node count",
        _ if at + 8 < bytes => "segment header: tree",
        _ => "segment header: checksum",
    }
}

/// The signatures of one chunk, cut into jobs.
struct Jobs {
    segment: u32,
    offset: u64,
    bytes: Arc<Vec<u8>>,
    done: Vec<SignatureJob>,
    entries: Vec<SignedEntry>,
    signatures: usize,
}

impl Jobs {
    fn finding(&self, check: Check, fault: Fault, at: usize) -> Finding {
        Finding::new(check, fault, Source::Segment(self.segment), self.offset + at as u64)
    }

    fn push(&mut self, entry: SignedEntry) {
        self.signatures += entry.keys.len();
        self.entries.push(entry);
        if self.signatures >= JOB_SIGNATURES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        self.signatures = 0;
        if !self.entries.is_empty() {
            self.done.push(SignatureJob {
                segment: self.segment,
                offset: self.offset,
                bytes: Arc::clone(&self.bytes),
                entries: std::mem::take(&mut self.entries),
            });
        }
    }
}
