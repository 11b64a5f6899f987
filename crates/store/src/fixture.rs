//! A small ledger for the tests of this crate.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use lian_core::{
    checkpoint::Checkpoint,
    entry::{Leaf, Verdict},
    frame::NO_PREVIOUS,
    keys::{SIGNATURE_BYTES, SecretKey},
    note::{NoteSigner, SignError, SignatureType, SignerKey, VerifierKey},
    statement::statement_digest,
};

use crate::{
    commit::{NewEntry, Store},
    disk::{Disk, SimDisk},
    reader::Reader,
    recover::{self, Judgement, Opened, Started},
    signer::{LogKeys, LogSigner, LogVerifier, TreeSigner},
    tip::{Payloads, Tip},
};

pub(crate) fn key() -> SignerKey {
    let secret = SecretKey::from_seed(&[7; 32]);
    SignerKey::new("customs.example/test", SignatureType::Ed25519, secret).unwrap()
}

pub(crate) fn signer() -> Box<dyn LogSigner> {
    Box::new(TreeSigner::new(Box::new(key())))
}

/// Remembers what it verified: thousands of crash states hold the same few notes.
pub(crate) struct Memo {
    keys: LogKeys,
    seen: Mutex<HashMap<Vec<u8>, Option<Checkpoint>>>,
}

pub(crate) fn verifier() -> Arc<dyn LogVerifier> {
    let keys = LogKeys::new(vec![key().verifier().clone()]);
    Arc::new(Memo { keys, seen: Mutex::default() })
}

impl LogVerifier for Memo {
    fn open(&self, note: &[u8]) -> Option<Checkpoint> {
        let mut seen = self.seen.lock().unwrap();
        seen.entry(note.to_vec()).or_insert_with(|| self.keys.open(note)).clone()
    }
}

/// A device that answers only as long as it is told to.
pub(crate) struct Device {
    pub key: SignerKey,
    pub silent: Arc<Mutex<bool>>,
}

impl NoteSigner for Device {
    fn verifier(&self) -> &VerifierKey {
        self.key.verifier()
    }

    fn sign(&mut self, message: &[u8]) -> Result<[u8; SIGNATURE_BYTES], SignError> {
        if *self.silent.lock().unwrap() {
            return Err(SignError::Device("no answer".to_owned()));
        }
        self.key.sign(message)
    }
}

/// Entry `index` of the one honest history: its payload is derived from its index.
pub(crate) fn payload_of(index: u64, bytes: usize) -> Vec<u8> {
    let text = format!("{{\"entry\":{index}}}");
    text.into_bytes().into_iter().cycle().take(bytes).collect()
}

/// Entries that continue a log.
pub(crate) fn entries(tip: &Tip, count: u64, payload_bytes: usize) -> Vec<NewEntry> {
    let mut tip = tip.clone();
    let first = tip.size();
    let mut entries = Vec::new();
    for index in first..first + count {
        let payload = payload_of(index, payload_bytes);
        let leaf = Leaf {
            index,
            previous: tip.link(),
            recorded_at: 1_000_000 + index,
            rules: 1,
            verdict: Verdict::ACCEPTED,
            statement: statement_digest(&payload),
            signatures: vec![&[9; 64]],
        };
        let leaf = leaf.encode().unwrap();
        tip.push(&leaf, &payload, 1, Payloads::AllThere).unwrap();
        let previous = vec![index.checked_sub(1).unwrap_or(NO_PREVIOUS)];
        entries.push(NewEntry { leaf, payload, previous });
    }
    entries
}

/// Appends a batch of the honest history.
pub(crate) fn append(store: &mut Store, count: u64, payload_bytes: usize) {
    let batch = entries(store.reader().head().tip(), count, payload_bytes);
    store.append_batch(&batch).unwrap();
}

/// Opens a folder for writing; panics if it is read-only.
pub(crate) fn start(disk: &Arc<dyn Disk>, verifier: &Arc<dyn LogVerifier>) -> Started {
    match recover::open(Arc::clone(disk), Arc::clone(verifier), "test", &[]).unwrap() {
        Opened::Writable(recovery) => recovery.start(signer(), Judgement::RollForward).unwrap(),
        Opened::ReadOnly(found) => panic!("read-only: {}", found.damage),
    }
}

/// A fresh ledger on a simulated disk.
pub(crate) fn fresh(seed: u64) -> (SimDisk, Store) {
    let sim = SimDisk::new(seed);
    let disk: Arc<dyn Disk> = Arc::new(sim.clone());
    (sim, start(&disk, &verifier()).store)
}

/// Checks from outside that the log is the honest history, and returns its size.
pub(crate) fn check_log(reader: &Reader) -> u64 {
    let head = reader.head();
    let mut tip = Tip::default();
    for entry in reader.entries(0..u64::MAX).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.payload, payload_of(entry.index, entry.payload.len()));
        tip.push(&entry.leaf, &entry.payload, entry.previous.len(), Payloads::AllThere).unwrap();
    }
    assert_eq!(&tip, head.tip(), "entries lead to the committed tip");
    if head.size() > 0 {
        let keys = LogKeys::new(vec![key().verifier().clone()]);
        let signed = keys.open(head.note()).expect("the log's signature");
        assert_eq!((signed.size, signed.root), (tip.size(), tip.range().root()));
        assert_eq!(reader.root_at(head.size()).unwrap(), signed.root, "tiles lead to the root");
    }
    head.size()
}
