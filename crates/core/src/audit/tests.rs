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

/// Faults of all failures, each once.
fn faults(outcome: &Outcome) -> Vec<Fault> {
    let mut faults: Vec<Fault> = fails(outcome).iter().map(|finding| finding.fault).collect();
    faults.sort_unstable();
    faults.dedup();
    faults
}

/// What an operator with the log's key writes wrongly, and the one check that says so.
type Lie = (&'static str, Check, Fault, Edit<'static>);

#[test]
fn every_field_that_an_operator_with_the_log_key_writes_wrongly_is_named() {
    let lies: [Lie; 4] = [
        ("index", Check::Chain, Fault::Field, &|index, leaf, _| leaf.index += u64::from(index == 5)),
        ("previous", Check::Chain, Fault::Link, &|index, leaf, _| {
            if index == 5 {
                leaf.previous = Digest::ZERO;
            }
        }),
        ("recorded_at", Check::Time, Fault::Clock, &|index, leaf, _| {
            leaf.recorded_at -= if index == 5 { 1_000 } else { 0 };
        }),
        ("verdict", Check::Verdicts, Fault::Judged, &|index, leaf, _| {
            leaf.verdict.code = if index == 5 { 7 } else { 0 };
        }),
    ];
    for (field, check, fault, edit) in lies {
        let outcome = audit(&ledger(edit).segments, trusting());

        let found = fails(&outcome);
        assert_eq!(found.len(), 1, "{field}: {found:?}");
        assert_eq!((found[0].check, found[0].fault, found[0].entry), (check, fault, Some(5)), "{field}");
        assert_eq!(outcome.last_good.unwrap().size, 12, "{field}: the tree is what the log signed");
    }
}

#[test]
fn a_payload_that_is_not_the_one_recorded_ends_judging_and_nothing_else() {
    let outcome = audit(
        &ledger(&|index, _, payload| {
            if index == 5 {
                payload.extend(b"   ");
            }
        })
        .segments,
        trusting(),
    );

    assert_eq!(faults(&outcome), [Fault::PayloadDigest]);
    assert_eq!(outcome.counts.judged, 5);
    for check in [Check::Signatures, Check::Authority, Check::Verdicts, Check::State] {
        assert_eq!(status(&outcome, check), Status::Unconfirmed, "{check:?}");
        assert!(outcome.checks[check as usize].missing.contains(&fold::Missing::From(5)));
    }
    assert_eq!(status(&outcome, Check::Tree), Status::Pass);
}

#[test]
fn a_destroyed_payload_is_told_from_a_changed_one() {
    let edit: Edit<'_> = &|index, _, payload| {
        if index == 5 {
            payload.fill(0);
        }
    };

    assert_eq!(faults(&audit(&ledger(edit).segments, trusting())), [Fault::PayloadZeros]);
}

#[test]
fn a_ruined_batch_header_is_computed_again_from_the_frames_after_it() {
    let mut built = ledger(&no_edit);
    let start = SegmentHeader::bytes(0);
    built.segments[0][start..start + 60].fill(0);

    let outcome = audit(&built.segments, trusting());

    assert_eq!(faults(&outcome), [Fault::Damaged]);
    assert_eq!((outcome.counts.judged, outcome.last_good.unwrap().size), (12, 12));
}

#[test]
fn a_ruined_frame_costs_its_batch_and_the_next_segment_header_gives_the_tree_back() {
    let mut built = ledger(&no_edit);
    let at = SegmentHeader::bytes(0) + 60;
    built.segments[0][at..at + 8].fill(0xff);

    let outcome = audit(&built.segments, trusting());

    assert_eq!(faults(&outcome), [Fault::Malformed]);
    assert_eq!(fails(&outcome)[0].entry, Some(0));
    assert_eq!(outcome.last_good.unwrap().size, 12, "signed roots after the gap are compared again");
    assert_eq!((outcome.counts.missing, outcome.root), (3, None));
}

#[test]
fn a_commit_frame_of_another_batch_is_signed_and_still_wrong() {
    let built = ledger(&no_edit);
    let mut segments = built.segments.clone();
    let note = |size: usize| {
        let commit = built.commits.iter().find(|commit| commit.size == size as u64).unwrap();
        encode_commit(commit.sign(&mut log_signer(1)).unwrap().encode().as_bytes())
    };
    let (six, nine) = (note(6), note(9));
    let at = segments[1].windows(six.len()).position(|bytes| bytes == six).unwrap();
    segments[1][at..at + six.len()].copy_from_slice(&nine);

    let outcome = audit(&segments, trusting());

    assert_eq!(faults(&outcome), [Fault::Field]);
    assert_eq!((fails(&outcome)[0].check, fails(&outcome)[0].entry), (Check::Tree, Some(5)));
}

#[test]
fn payloads_full_of_magic_bytes_are_never_taken_for_frames() {
    let edit: Edit<'_> = &|_, leaf, payload| {
        payload.extend([&crate::frame::BATCH_MAGIC[..], &crate::frame::COMMIT_MAGIC].concat().repeat(20));
        leaf.statement = statement_digest(payload);
    };
    let mut built = ledger(edit);
    let whole = audit(&built.segments, trusting());
    let ruined = SegmentHeader::bytes(0) + 40;
    built.segments[0][ruined..ruined + 100].fill(0xee);

    let outcome = audit(&built.segments, trusting());

    assert_eq!(faults(&whole), [Fault::Signature]);
    assert_eq!(outcome.counts.missing, 4, "the segment after the ruined place is not guessed at");
}

#[test]
fn findings_are_capped_sorted_and_counted() {
    let mut findings = Findings::default();
    let finding = |offset| Finding::new(Check::Bytes, Fault::Checksum, Source::Segment(0), offset);

    for offset in (0..1_000).rev() {
        findings.add(finding(offset));
    }

    assert_eq!((findings.total(Check::Bytes), findings.fails(Check::Bytes)), (1_000, 1_000));
    let kept: Vec<u64> = findings.iter().map(|finding| finding.offset).collect();
    assert_eq!(kept, (0..finding::FINDINGS_MAX as u64).collect::<Vec<_>>());
}
