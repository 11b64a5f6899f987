//! One honest history for tests of the store: entry `i` is the same in every run, so whatever a
//! recovery finds is a prefix of it or a fork. Its statements are opaque: the store reads none.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use lian_core::{
    checkpoint::Checkpoint,
    entry::{Leaf, Verdict},
    frame::NO_PREVIOUS,
    hash::{Digest, leaf_hash, link},
    keys::SecretKey,
    merkle::CompactRange,
    note::{NoteSigner, SignatureType, SignerKey},
    statement::statement_digest,
};
use lian_store::{
    commit::{NewEntry, Store},
    disk::Disk,
    reader::Reader,
    recover::{self, Judgement, OpenError, Opened, StartError, Started},
    segment::Damage,
    signer::{LogKeys, LogSigner, LogVerifier, TreeSigner},
};

/// Why a folder was not opened for writing.
#[derive(Debug)]
#[allow(dead_code, reason = "a test that panics prints what is inside")]
pub enum NotOpen {
    Open(OpenError),
    Damaged(Damage),
    Start(StartError),
}

/// All that the log may ever hold.
pub struct History {
    entries: Vec<NewEntry>,
    /// Root of the first n entries, for every n.
    roots: Vec<Digest>,
    verifier: Arc<dyn LogVerifier>,
}

/// Remembers what it verified: thousands of crash states hold the same few notes.
struct Memo {
    keys: LogKeys,
    seen: Mutex<HashMap<Vec<u8>, Option<Checkpoint>>>,
}

impl LogVerifier for Memo {
    fn open(&self, note: &[u8]) -> Option<Checkpoint> {
        self.seen.lock().unwrap().entry(note.to_vec()).or_insert_with(|| self.keys.open(note)).clone()
    }
}

fn key() -> SignerKey {
    let secret = SecretKey::from_seed(&[7; 32]);
    SignerKey::new("customs.example/campaign", SignatureType::Ed25519, secret).unwrap()
}

pub fn signer() -> Box<dyn LogSigner> {
    Box::new(TreeSigner::new(Box::new(key())))
}

impl History {
    /// A history of so many entries; `payload_bytes` says how long each payload is.
    pub fn new(count: u64, payload_bytes: impl Fn(u64) -> usize) -> Self {
        let mut tree = CompactRange::new();
        let mut roots = vec![tree.root()];
        let mut previous = Digest::ZERO;
        let mut entries = Vec::new();
        for index in 0..count {
            let entry = entry(index, previous, payload_bytes(index));
            previous = link(&entry.leaf);
            tree.push(leaf_hash(&entry.leaf));
            roots.push(tree.root());
            entries.push(entry);
        }
        let keys = LogKeys::new(vec![key().verifier().clone()]);
        let verifier = Arc::new(Memo { keys, seen: Mutex::default() });
        Self { entries, roots, verifier }
    }

    /// Entries from `from` on, `count` of them.
    pub fn batch(&self, from: u64, count: u64) -> &[NewEntry] {
        let at = |index| usize::try_from(index).unwrap();
        &self.entries[at(from)..at(from + count)]
    }

    /// The judge of its commit frames.
    pub fn verifier(&self) -> Arc<dyn LogVerifier> {
        Arc::clone(&self.verifier)
    }

    /// Opens a folder for writing, and rolls forward what waits.
    pub fn start(&self, disk: Arc<dyn Disk>) -> Result<Started, NotOpen> {
        match recover::open(disk, self.verifier(), "the campaign", &[]).map_err(NotOpen::Open)? {
            Opened::Writable(recovery) => {
                recovery.start(signer(), Judgement::RollForward).map_err(NotOpen::Start)
            }
            Opened::ReadOnly(found) => Err(NotOpen::Damaged(found.damage)),
        }
    }

    /// Appends the next entries of the history; returns how many entries are acknowledged.
    pub fn append(&self, store: &mut Store, count: u64) -> u64 {
        let from = store.reader().head().size();
        store.append_batch(self.batch(from, count)).unwrap().size()
    }

    /// Checks that what a reader sees is a prefix of the history, signed, with tiles that lead to
    /// the signed root, and that nothing is published beyond it. Returns its size.
    pub fn check(&self, reader: &Reader, disk: &dyn Disk) -> u64 {
        let head = reader.head();
        let size = head.size();
        let root = self.root(size);
        assert_eq!(head.tip().range().root(), root, "a fork at size {size}");
        let mut index = 0;
        for entry in reader.entries(0..u64::MAX).unwrap() {
            let entry = entry.unwrap();
            let expected = &self.batch(index, 1)[0];
            assert_eq!(entry.index, index);
            assert_eq!((&entry.leaf, &entry.payload), (&expected.leaf, &expected.payload), "entry {index}");
            assert_eq!(entry.previous, expected.previous, "entry {index}");
            index += 1;
        }
        assert_eq!(index, size, "entries end before the head");
        if size > 0 {
            let signed = self.verifier.open(head.note()).expect("the log's signature");
            assert_eq!((signed.size, signed.root), (size, root));
            assert_eq!(reader.root_at(size).unwrap(), root, "tiles lead elsewhere");
        }
        if let Some(published) = self.published(disk) {
            assert!(published.size <= size, "published {} of {size}", published.size);
            assert_eq!(published.root, self.root(published.size), "a fork was published");
        }
        size
    }

    fn root(&self, size: u64) -> Digest {
        self.roots[usize::try_from(size).unwrap()]
    }

    /// The published checkpoint, which is whole or not there.
    fn published(&self, disk: &dyn Disk) -> Option<Checkpoint> {
        let file = disk.open("checkpoint", lian_store::disk::OpenMode::Read).ok()?;
        let mut note = vec![0; 4096];
        let count = lian_store::disk::read_up_to(&*file, 0, &mut note).unwrap();
        note.truncate(count);
        Some(self.verifier.open(&note).expect("what is published is whole and signed"))
    }
}

fn entry(index: u64, previous: Digest, payload_bytes: usize) -> NewEntry {
    let text = format!("{{\"entry\":{index}}}");
    let payload: Vec<u8> = text.into_bytes().into_iter().cycle().take(payload_bytes).collect();
    let leaf = Leaf {
        index,
        previous,
        recorded_at: 1_000_000 + index,
        rules: 1,
        verdict: Verdict::ACCEPTED,
        statement: statement_digest(&payload),
        signatures: vec![&[9; 64]],
    };
    let previous = vec![index.checked_sub(1).unwrap_or(NO_PREVIOUS)];
    NewEntry { leaf: leaf.encode().unwrap(), payload, previous }
}
