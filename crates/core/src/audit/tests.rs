//! The audit of ledgers that are made here by hand, whole and damaged in every way.

use super::{
    check::check,
    finding::{Fault, Finding, Findings, Source},
    fold::{Fold, Options, Outcome, SegmentHead, Status, Trust},
    scan::{Chunk, scan},
    walk::{Step, Walker, segment_head},
    *,
};
use crate::{
    checkpoint::Checkpoint,
    entry::Leaf,
    frame::{BatchBuilder, NO_PREVIOUS, SegmentHeader, encode_commit},
    hash::{leaf_hash, link},
    keys::SecretKey,
    note::{SignatureType, SignerKey},
    statement::{STATEMENT_TYPE, pae, statement_digest},
};

const NAME: &str = "customs.example/2026";

/// A key of everybody: one bank signs every statement.
fn bank() -> SecretKey {
    SecretKey::from_seed(&[7; 32])
}

fn log_signer(seed: u8) -> SignerKey {
    SignerKey::new(NAME, SignatureType::Ed25519, SecretKey::from_seed(&[seed; 32])).unwrap()
}

fn log_key(seed: u8) -> VerifierKey {
    crate::note::NoteSigner::verifier(&log_signer(seed)).clone()
}

/// Accepts whatever one bank signs; back links lead to the entry before.
#[derive(Debug, Default)]
struct TestJudge {
    next: u64,
}

impl Judge for TestJudge {
    type Filing = Vec<u8>;

    fn file(payload: &[u8], _: Digest) -> Result<Vec<u8>, String> {
        if payload.first() == Some(&b'{') { Ok(payload.to_vec()) } else { Err("no object".to_owned()) }
    }

    fn batch_begins(&mut self, first: u64) {
        assert_eq!(first, self.next);
    }

    fn judge(&mut self, place: &Place<'_>, _: &Vec<u8>, leaf: LeafFacts, _: Digest) -> Judgement {
        assert_eq!(place.index, self.next);
        self.next += 1;
        let mut judgement = Judgement {
            keys: vec![bank().public(); leaf.signatures],
            previous: vec![place.index.checked_sub(1).unwrap_or(NO_PREVIOUS)],
            ..Judgement::default()
        };
        if leaf.verdict != Verdict::ACCEPTED {
            judgement.problems.push(Problem::new(Check::Verdicts, "verdict", "computed 0, 0"));
        }
        judgement
    }

    fn batch_committed(&mut self, size: u64, _: Digest) {
        assert_eq!(size, self.next);
    }

    fn log_key(&self) -> Option<VerifierKey> {
        (self.next > 0).then(|| log_key(1))
    }
}

/// Builds segments batch by batch.
struct Builder {
    signer: SignerKey,
    index: u64,
    previous: Digest,
    tree: CompactRange,
    ledger: Digest,
    segments: Vec<Vec<u8>>,
    commits: Vec<Checkpoint>,
}

/// What a test changes in an entry before everything after it is computed.
type Edit<'e> = &'e dyn Fn(u64, &mut Leaf<'_>, &mut Vec<u8>);

impl Builder {
    fn new(seed: u8) -> Self {
        Self {
            signer: log_signer(seed),
            index: 0,
            previous: Digest::ZERO,
            tree: CompactRange::new(),
            ledger: Digest::ZERO,
            segments: Vec::new(),
            commits: Vec::new(),
        }
    }

    fn segment(&mut self) {
        self.segments.push(Vec::new());
    }

    fn batch(&mut self, count: u64, edit: Edit<'_>) {
        let mut batch = BatchBuilder::new(self.index);
        let (first, range, before) = (self.index, self.tree.nodes().to_vec(), self.previous);
        for _ in 0..count {
            let index = self.index;
            let mut payload =
                format!("{{\"amount\":{},\"entry\":{index}}}", 1_000 * (index + 1)).into_bytes();
            let signature = bank().sign(&pae(STATEMENT_TYPE, &payload));
            let mut leaf = Leaf {
                index,
                previous: self.previous,
                recorded_at: 1_795_413_903_000 + index,
                rules: 1,
                verdict: Verdict::ACCEPTED,
                statement: statement_digest(&payload),
                signatures: vec![&signature],
            };
            edit(index, &mut leaf, &mut payload);
            let leaf = leaf.encode().unwrap();
            batch.push(&leaf, &payload, [index.checked_sub(1).unwrap_or(NO_PREVIOUS)].into_iter());
            if index == 0 {
                self.ledger = leaf_hash(&leaf);
            }
            self.previous = link(&leaf);
            self.tree.push(leaf_hash(&leaf));
            self.index += 1;
        }
        let segment = self.segments.last_mut().unwrap();
        if segment.is_empty() {
            let recorded_at = 1_795_413_903_000 + first;
            let header = SegmentHeader { ledger: self.ledger, first, previous: before, recorded_at, range };
            segment.extend(header.encode());
        }
        segment.extend(batch.finish());
        let commit = Checkpoint { origin: NAME.to_owned(), size: self.index, root: self.tree.root() };
        let note = commit.sign(&mut self.signer).unwrap().encode();
        segment.extend(encode_commit(note.as_bytes()));
        self.commits.push(commit);
    }
}

fn no_edit(_: u64, _: &mut Leaf<'_>, _: &mut Vec<u8>) {}

/// Three segments of 2, 2 and 1 batches: entries 0 to 11.
fn ledger(edit: Edit<'_>) -> Builder {
    let mut builder = Builder::new(1);
    for batches in [&[3, 1][..], &[2, 3], &[3]] {
        builder.segment();
        for count in batches {
            builder.batch(*count, edit);
        }
    }
    builder
}

/// Reads segments as `verify` does, without threads: one chunk a batch.
fn audit(segments: &[Vec<u8>], options: Options) -> Outcome {
    let mut walker = Walker::new();
    let statements = options.verdicts;
    let mut fold = Fold::new(TestJudge::default(), options);
    let (mut signatures, mut bad) = (0, Findings::default());
    for (segment, bytes) in segments.iter().enumerate() {
        let last = segment + 1 == segments.len();
        let segment = u32::try_from(segment).unwrap();
        let (mut at, header) = segment_head(bytes, walker.next());
        if let Some(header) = &header {
            walker.segment_begins(header.first);
        }
        fold.segment(SegmentHead { segment, stored: bytes[..at].to_vec(), header });
        loop {
            let found = walker.step(bytes, at, 0, segment, true, last);
            found.findings.into_iter().for_each(|finding| fold.add(finding));
            match found.step {
                Step::Batch(plan) => {
                    let (start, end) = (at, plan.end());
                    let plan = plan.moved_to(0);
                    let bytes = bytes[start..end].to_vec();
                    let chunk = Chunk { segment, offset: start as u64, bytes, batches: vec![plan] };
                    let key = fold.log_key().cloned();
                    for job in fold.chunk(scan::<TestJudge>(chunk, statements, key.as_ref())) {
                        let checked = check(&job);
                        signatures += checked.signatures;
                        checked.findings.into_iter().for_each(|finding| bad.add(finding));
                    }
                    at = end;
                }
                Step::Zeros => {
                    if let Some(more) = bytes[at..].iter().position(|byte| *byte != 0) {
                        let source = Source::Segment(segment);
                        fold.add(Finding::new(Check::Bytes, Fault::Trailing, source, (at + more) as u64));
                    }
                    break;
                }
                Step::Stuck(finding) => {
                    fold.add(finding);
                    break;
                }
            }
        }
    }
    fold.finish(signatures, bad, &mut |_| Vec::new())
}

fn trusting() -> Options {
    let trust = Trust { log_keys: vec![log_key(1)], ..Trust::default() };
    Options { trust, ..Options::default() }
}

fn status(outcome: &Outcome, check: Check) -> Status {
    outcome.checks[check as usize].status
}

fn fails(outcome: &Outcome) -> Vec<&Finding> {
    outcome.findings.iter().filter(|finding| finding.weight == Weight::Fails).collect()
}

#[test]
fn a_whole_ledger_passes_and_says_what_nobody_can_know() {
    let built = ledger(&no_edit);

    let outcome = audit(&built.segments, trusting());

    assert_eq!(fails(&outcome), Vec::<&Finding>::new());
    assert_eq!((outcome.size, outcome.root), (12, Some(built.tree.root())));
    assert_eq!(outcome.last_good.unwrap().size, 12);
    assert_eq!((outcome.counts.signatures_due, outcome.counts.signatures_checked), (12, 12));
    for check in Check::ALL {
        let expected = match check {
            Check::Witnesses | Check::Time => Status::Unconfirmed,
            _ => Status::Pass,
        };
        assert_eq!(status(&outcome, check), expected, "{check:?}");
    }
}

#[test]
fn without_a_key_from_outside_the_checkpoint_is_unconfirmed() {
    let built = ledger(&no_edit);

    let outcome = audit(&built.segments, Options::default());

    assert_eq!(status(&outcome, Check::Checkpoint), Status::Unconfirmed);
    assert!(!outcome.key_confirmed);
}

#[test]
fn every_flipped_bit_of_a_ledger_is_found_and_located() {
    let mut built = Builder::new(1);
    for count in [2, 1] {
        built.segment();
        built.batch(count, &no_edit);
    }
    // All bits take a minute; one bit of every byte, another from byte to byte, takes seconds.
    let step = if std::env::var("LIAN_DEPTH").is_ok_and(|depth| depth == "deep") { 1 } else { 9 };

    for (segment, bytes) in built.segments.iter().enumerate() {
        for bit in (0..bytes.len() * 8).step_by(step) {
            let mut segments = built.segments.clone();
            segments[segment][bit / 8] ^= 1 << (bit % 8);

            let outcome = audit(&segments, trusting());

            let place = format!("segment {segment} byte {} bit {}", bit / 8, bit % 8);
            let found = fails(&outcome);
            assert!(!found.is_empty(), "{place}: not found");
            let exact = found.iter().any(|finding| {
                finding.source == Source::Segment(u32::try_from(segment).unwrap())
                    && finding.offset == (bit / 8) as u64
                    && finding.bit == Some(u8::try_from(bit % 8).unwrap())
            });
            assert!(exact, "{place}: {found:?}");
            assert_eq!(outcome.counts.judged, 3, "{place}: one flipped bit hides nothing");
            assert_eq!(found.len(), 1, "{place}: {found:?}");
        }
    }
}
