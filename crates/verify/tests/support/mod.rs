//! Ledger folders made by hand, from the core's primitives alone, and a judge that takes what one
//! bank signs. Shared by the tests of this folder.
#![allow(dead_code, missing_docs)] // each test file uses a part of it

use std::{fs, path::Path};

use lian_core::{
    audit::{Check, Judge, Judgement, LeafFacts, Place, Problem},
    checkpoint::Checkpoint,
    entry::{Leaf, Verdict},
    frame::{BatchBuilder, NO_PREVIOUS, SegmentHeader, encode_commit},
    hash::{Digest, leaf_hash, link},
    keys::{PublicKey, SecretKey},
    merkle::{CompactRange, prove_inclusion},
    note::{NoteSigner, SignatureType, SignerKey, VerifierKey},
    receipt::{EntryBytes, Receipt},
    statement::{STATEMENT_TYPE, pae, statement_digest},
};
use lian_verify::{Options, Report, RunError, run_with};

pub const NAME: &str = "customs.example/2026";
const START_MS: u64 = 1_795_413_903_000;

pub fn log_signer(seed: u8) -> SignerKey {
    SignerKey::new(NAME, SignatureType::Ed25519, SecretKey::from_seed(&[seed; 32])).unwrap()
}

pub fn log_key(seed: u8) -> VerifierKey {
    log_signer(seed).verifier().clone()
}

/// Accepts whatever one bank signs; back links lead to the entry before.
#[derive(Debug)]
pub struct TestJudge {
    next: u64,
    bank: PublicKey,
    log: VerifierKey,
}

impl Default for TestJudge {
    fn default() -> Self {
        Self { next: 0, bank: SecretKey::from_seed(&[7; 32]).public(), log: log_key(1) }
    }
}

impl Judge for TestJudge {
    type Filing = ();

    fn file(payload: &[u8], _: Digest) -> Result<(), String> {
        if payload.first() == Some(&b'{') { Ok(()) } else { Err("no object".to_owned()) }
    }

    fn batch_begins(&mut self, first: u64) {
        assert_eq!(first, self.next);
    }

    fn judge(&mut self, place: &Place<'_>, (): &(), leaf: LeafFacts, _: Digest) -> Judgement {
        assert_eq!((place.index, place.tree.size()), (self.next, self.next));
        self.next += 1;
        let mut judgement = Judgement {
            keys: vec![self.bank; leaf.signatures],
            previous: vec![place.index.checked_sub(1).unwrap_or(NO_PREVIOUS)],
            ..Judgement::default()
        };
        if leaf.verdict != Verdict::ACCEPTED {
            judgement.problems.push(Problem::new(Check::Verdicts, "verdict", "computed: accepted"));
        }
        judgement
    }

    fn batch_committed(&mut self, size: u64, _: Digest) {
        assert_eq!(size, self.next);
    }

    fn epoch_root(&self, number: u64) -> Option<Digest> {
        (number == 1).then_some(Digest([1; 32]))
    }

    fn log_key(&self) -> Option<VerifierKey> {
        (self.next > 0).then(|| self.log.clone())
    }
}

/// What a test changes before everything after it is computed.
#[derive(Clone, Copy)]
pub struct Forgery {
    /// Seed of the key that signs commits; the log's is 1.
    pub log_seed: u8,
    /// Entry whose amount is changed; none if `u64::MAX`.
    pub entry: u64,
    /// Whether the bank signs the changed entry, too.
    pub bank_signs: bool,
    /// Bytes that pad every payload.
    pub padding: usize,
}

pub const HONEST: Forgery = Forgery { log_seed: 1, entry: u64::MAX, bank_signs: false, padding: 0 };

/// A ledger in memory.
pub struct Built {
    pub segments: Vec<Vec<u8>>,
    /// The signed checkpoint of each batch, and where its commit frame ends: segment, byte.
    pub commits: Vec<(String, usize, usize)>,
    pub leaves: Vec<Vec<u8>>,
    pub payloads: Vec<Vec<u8>>,
    pub ledger: Digest,
    pub root: Digest,
}

/// Builds segments from the sizes of their batches.
pub fn build(layout: &[&[u64]], forgery: Forgery) -> Built {
    let bank = SecretKey::from_seed(&[7; 32]);
    let mut signer = log_signer(forgery.log_seed);
    let mut tree = CompactRange::new();
    let mut previous = Digest::ZERO;
    let mut built = Built {
        segments: Vec::new(),
        commits: Vec::new(),
        leaves: Vec::new(),
        payloads: Vec::new(),
        ledger: Digest::ZERO,
        root: Digest::ZERO,
    };
    for batches in layout {
        let mut segment = Vec::new();
        for count in *batches {
            let first = built.leaves.len() as u64;
            let (range, before) = (tree.nodes().to_vec(), previous);
            let mut batch = BatchBuilder::new(first);
            for index in first..first + count {
                let (leaf, payload) = entry(index, previous, &bank, forgery);
                let back = index.checked_sub(1).unwrap_or(NO_PREVIOUS);
                batch.push(&leaf, &payload, [back].into_iter());
                previous = link(&leaf);
                tree.push(leaf_hash(&leaf));
                built.leaves.push(leaf);
                built.payloads.push(payload);
            }
            built.ledger = leaf_hash(&built.leaves[0]);
            if segment.is_empty() {
                let header = SegmentHeader {
                    ledger: built.ledger,
                    first,
                    previous: before,
                    recorded_at: START_MS + first,
                    range,
                };
                segment.extend(header.encode());
            }
            segment.extend(batch.finish());
            built.root = tree.root();
            let commit = Checkpoint { origin: NAME.to_owned(), size: tree.size(), root: built.root };
            let note = commit.sign(&mut signer).unwrap().encode();
            segment.extend(encode_commit(note.as_bytes()));
            built.commits.push((note, built.segments.len(), segment.len()));
        }
        built.segments.push(segment);
    }
    built
}

fn entry(index: u64, previous: Digest, bank: &SecretKey, forgery: Forgery) -> (Vec<u8>, Vec<u8>) {
    let honest = format!("{{\"amount\":{},\"pad\":\"{}\"}}", 1_000 + index, "x".repeat(forgery.padding));
    let changed = honest.replace("amount\":1", "amount\":9");
    let payload = if index == forgery.entry { changed } else { honest.clone() };
    let signed = if forgery.bank_signs { &payload } else { &honest };
    let signature = bank.sign(&pae(STATEMENT_TYPE, signed.as_bytes()));
    let leaf = Leaf {
        index,
        previous,
        recorded_at: START_MS + index,
        rules: 1,
        verdict: Verdict::ACCEPTED,
        statement: statement_digest(payload.as_bytes()),
        signatures: vec![&signature],
    };
    (leaf.encode().unwrap(), payload.into_bytes())
}

impl Built {
    /// Writes the folder.
    pub fn write(&self, folder: &Path) {
        write_segments(folder, &self.segments);
    }

    /// The receipt of an entry under the last checkpoint.
    pub fn receipt(&self, index: u64) -> Receipt {
        let size = self.leaves.len() as u64;
        let reader = |level: u8, at: u64| -> Result<Digest, ()> {
            let (first, count) = (at << level, 1 << level);
            let mut tree = CompactRange::new();
            for leaf in &self.leaves[usize::try_from(first).unwrap()..][..count] {
                tree.push(leaf_hash(leaf));
            }
            Ok(tree.root())
        };
        let proof = prove_inclusion(index, size, &reader).unwrap();
        let position = usize::try_from(index).unwrap();
        let extra = EntryBytes { leaf: &self.leaves[position], payload: &self.payloads[position] }.encode();
        let checkpoint = self.commits.last().unwrap().0.clone().into_bytes();
        Receipt { extra, index, proof, checkpoint }
    }
}

/// Writes segments, in this order, into an empty folder.
pub fn write_segments(folder: &Path, segments: &[Vec<u8>]) {
    let at = folder.join("segments");
    let _ = fs::remove_dir_all(&at);
    fs::create_dir_all(&at).unwrap();
    for (number, bytes) in segments.iter().enumerate() {
        fs::write(at.join(format!("{number:06}.seg")), bytes).unwrap();
    }
}

/// The options of somebody who knows the log's key.
pub fn knowing() -> Options {
    Options { log_key: Some(log_key(1).to_string()), ..Options::default() }
}

pub fn verify(folder: &Path, options: &Options) -> Report {
    try_verify(folder, options).unwrap()
}

pub fn try_verify(folder: &Path, options: &Options) -> Result<Report, RunError> {
    run_with(folder, options, TestJudge::default(), &|_| {})
}

/// Codes of all failures, sorted, each once.
pub fn faults(report: &Report) -> Vec<&'static str> {
    let fails =
        report.outcome.findings.iter().filter(|found| found.weight == lian_core::audit::Weight::Fails);
    let mut codes: Vec<&str> = fails.map(|found| found.fault.code()).collect();
    codes.sort_unstable();
    codes.dedup();
    codes
}
