//! The log: entries, tree, signed checkpoints, epochs.

use std::convert::Infallible;

use lian_client::sample::{House, SAMPLE_NAME};
use lian_core::{
    audit::Place,
    checkpoint::Checkpoint,
    entry::{Leaf, Verdict},
    hash::{Digest, leaf_hash, link, node_hash},
    json::Value,
    merkle::{CompactRange, HashReader, prove_consistency, prove_inclusion, root_at},
    note::{SignatureType, SignerKey, VerifierKey},
    receipt::{EntryBytes, Receipt},
    statement::{Envelope, STATEMENT_TYPE, pae, statement_digest},
};
use lian_domain::{
    filing::Filing,
    ledger::{Ledger, Unlogged},
    registry::Event,
    rejection::Rejection,
};
use serde_json::json;

pub const START_S: i64 = 1_795_413_903;

struct Tree<'l>(&'l [Digest]);

impl HashReader for Tree<'_> {
    type Error = Infallible;

    fn read(&self, level: u8, index: u64) -> Result<Digest, Infallible> {
        Ok(match level {
            0 => self.0[usize::try_from(index).unwrap()],
            _ => node_hash(&self.read(level - 1, 2 * index)?, &self.read(level - 1, 2 * index + 1)?),
        })
    }
}

pub struct FakeLog {
    pub house: House,
    pub ledger: Ledger,
    pub leaves: Vec<Vec<u8>>,
    pub payloads: Vec<Vec<u8>>,
    hashes: Vec<Digest>,
    /// The answer to `/v1/streams/…/proof` of the last epoch.
    pub proof: serde_json::Value,
    now_s: i64,
}

impl FakeLog {
    /// A ledger with everybody of the sample in it. Another `seed` is another log of other keys.
    pub fn found(seed: u64) -> Self {
        let house = House::new(seed);
        let mut log = Self {
            house,
            ledger: Ledger::new(),
            leaves: Vec::new(),
            payloads: Vec::new(),
            hashes: Vec::new(),
            proof: serde_json::Value::Null,
            now_s: START_S,
        };
        let opening = log.house.opening(START_S);
        log.place(&opening).unwrap();
        let id = log.ledger.id().to_owned();
        for envelope in log.house.enrolments(&id, START_S) {
            log.place(&envelope).unwrap();
        }
        log
    }

    pub fn key(&self) -> VerifierKey {
        VerifierKey::new(SAMPLE_NAME, SignatureType::Ed25519, self.house.key("log").public()).unwrap()
    }

    pub fn size(&self) -> u64 {
        self.leaves.len() as u64
    }

    pub fn says(
        &self,
        kind: &str,
        stream: &str,
        expect: u64,
        data: Value<'static>,
        by: &[(&str, &str)],
    ) -> Envelope {
        let draft = self.house.draft(self.ledger.id(), START_S).seen(0, self.hashes[0]);
        self.house.sign(&draft.event(kind, stream, expect, data), by)
    }

    /// Logs a statement, or says why not; a statement that is there already keeps its place.
    pub fn place(&mut self, envelope: &Envelope) -> Result<(u64, Verdict), Rejection> {
        if let Some(index) = self.payloads.iter().position(|payload| *payload == envelope.payload) {
            return Ok((index as u64, Leaf::decode(&self.leaves[index]).unwrap().verdict));
        }
        let digest = statement_digest(&envelope.payload);
        let filing = Filing::read(&envelope.payload, digest)?;
        let mut tree = CompactRange::new();
        self.hashes.iter().for_each(|hash| tree.push(*hash));
        let recorded_at = u64::try_from(self.now_s).unwrap() * 1_000;
        let index = self.size();
        let place = Place { index, recorded_at, tree: &tree, batch_first: true };
        let rules = if index == 0 { 1 } else { self.ledger.rules().version };
        let verdict = match self.ledger.judge(&place, &filing) {
            Ok(verdict) => verdict,
            Err(Unlogged::Rejected(rejection)) => return Err(rejection),
            Err(other) => panic!("{other}"),
        };
        let previous = self.leaves.last().map_or(Digest::ZERO, |leaf| link(leaf));
        let signatures = envelope.signatures.iter().map(Vec::as_slice).collect();
        let leaf = Leaf { index, previous, recorded_at, rules, verdict, statement: digest, signatures };
        let leaf = leaf.encode().unwrap();
        let hash = leaf_hash(&leaf);
        self.ledger.record(&place, &filing, verdict, hash);
        self.leaves.push(leaf);
        self.payloads.push(envelope.payload.clone());
        self.hashes.push(hash);
        self.ledger.committed(self.size(), self.root(self.size()));
        Ok((index, verdict))
    }

    /// Closes an epoch and keeps the proof of a stream under its map.
    pub fn close_epoch(&mut self, stream: &str) {
        self.now_s += 700;
        let closed = self.ledger.next_epoch(self.root(self.size()));
        let Event::EpochClosed { number, size, root, map, engine } = closed else { panic!("another event") };
        let proof = self.ledger.prove_stream(stream);
        let found = self.ledger.stream(stream).expect("the stream");
        let named = |payload: &[u8]| String::from_utf8_lossy(payload).contains(&format!("\"{stream}\""));
        let entries = (0..self.payloads.len()).filter(|at| named(&self.payloads[*at]));
        let entries: Vec<_> =
            entries.map(|at| json!({"seq": at, "leaf_hash": self.hashes[at].to_hex()})).collect();
        assert_eq!(entries.len() as u64, found.logged);
        let state = found.state_value().map(|state| serde_json::from_slice(&state.write()).unwrap());
        let answer = json!({
            "stream": stream, "epoch": number, "size": size, "map": map.to_hex(), "map_proof": proof.to_text(),
            "version": found.version, "logged": found.logged, "acc": found.acc.to_hex(),
            "state": state.unwrap_or(serde_json::Value::Null), "entries": entries,
        });
        let data = Value::object([
            ("engine", Value::number(u64::from(engine))),
            ("map", Value::text(map.to_hex())),
            ("n", Value::number(number)),
            ("root", Value::text(root.to_hex())),
            ("size", Value::number(size)),
        ]);
        let draft = self.house.draft(self.ledger.id(), self.now_s);
        let draft = draft.event("epoch.closed", &format!("epoch/{number}"), 0, data);
        let envelope = self.house.sign(&draft, &[("system:log", "log")]);
        self.place(&envelope).unwrap();
        self.proof = answer;
    }

    pub fn root(&self, size: u64) -> Digest {
        root_at(size, &Tree(&self.hashes)).unwrap()
    }

    pub fn note(&self, size: u64) -> Vec<u8> {
        let secret = self.house.copy_of("log");
        let mut signer = SignerKey::new(SAMPLE_NAME, SignatureType::Ed25519, secret).unwrap();
        let checkpoint = Checkpoint { origin: SAMPLE_NAME.to_owned(), size, root: self.root(size) };
        checkpoint.sign(&mut signer).unwrap().encode().into_bytes()
    }

    pub fn consistency(&self, from: u64, to: u64) -> Vec<Digest> {
        prove_consistency(from, to, &Tree(&self.hashes)).unwrap()
    }

    pub fn receipt(&self, index: u64, size: u64) -> Vec<u8> {
        let at = usize::try_from(index).unwrap();
        let proof = prove_inclusion(index, size, &Tree(&self.hashes)).unwrap();
        let extra = EntryBytes { leaf: &self.leaves[at], payload: &self.payloads[at] }.encode();
        Receipt { extra, index, proof, checkpoint: self.note(size) }.encode()
    }

    /// The hashes of a level 0 tile.
    pub fn tile(&self, first: usize, width: usize) -> Vec<u8> {
        self.hashes[first..first + width].iter().flat_map(|hash| hash.0).collect()
    }

    pub fn sign_as_admission(&self, payload: &[u8], payload_type: &str) -> Vec<u8> {
        assert_ne!(payload_type, STATEMENT_TYPE);
        self.house.key("system:admission").sign(&pae(payload_type, payload)).to_vec()
    }
}
