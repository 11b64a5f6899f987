//! The batches that were committed last, in memory: what was asked for a moment ago is answered
//! without reading it back.
//! Invariant: a batch comes here after its commit point, as the bytes whose leaf hashes the signer
//! read from the disk; a proof leads to the root of the checkpoint of its own batch.
//! Limits: 8 MiB of entries, and always the newest batch.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, OnceLock, PoisonError},
};

use foldhash::{HashMap, HashMapExt as _};
use lian_core::{
    hash::{Digest, leaf_hash},
    merkle::{self, CompactRange},
};
use lian_store::{commit::NewEntry, reader::Head};

/// Bytes of leaves and payloads that are kept.
const BYTES_MAX: usize = 8 << 20;

/// One committed batch.
#[derive(Debug)]
pub struct Committed {
    before: CompactRange,
    entries: Vec<NewEntry>,
    head: Arc<Head>,
    bytes: usize,
    nodes: OnceLock<HashMap<(u8, u64), Digest>>,
}

impl Committed {
    /// The batch that led from the tree `before` to `head`.
    pub fn new(before: CompactRange, entries: Vec<NewEntry>, head: Arc<Head>) -> Self {
        let bytes = entries.iter().map(|entry| entry.leaf.len() + entry.payload.len()).sum();
        Self { before, entries, head, bytes, nodes: OnceLock::new() }
    }

    /// The head that its commit made.
    pub fn head(&self) -> &Arc<Head> {
        &self.head
    }

    /// An entry of it, with its inclusion proof under [`Committed::head`]; `None` if it is not in it.
    pub fn find(&self, index: u64) -> Option<(NewEntry, Vec<Digest>)> {
        let at = usize::try_from(index.checked_sub(self.before.size())?).ok()?;
        let entry = self.entries.get(at)?.clone();
        let nodes = self.nodes.get_or_init(|| self.fold());
        // A node that the fold lacks would be a fault of this file; the reader proves it then.
        let read = |level, index| nodes.get(&(level, index)).copied().ok_or(());
        let proof = merkle::prove_inclusion(index, self.head.size(), &read).ok()?;
        Some((entry, proof))
    }

    /// The subtrees that a proof of one of the entries can name.
    fn fold(&self) -> HashMap<(u8, u64), Digest> {
        let mut nodes = HashMap::with_capacity(2 * self.entries.len() + 64);
        let (mut start, size) = (0, self.before.size());
        for node in self.before.nodes() {
            let level = (size - start).ilog2();
            // A level is below 64.
            nodes.insert((u8::try_from(level).unwrap_or(u8::MAX), start >> level), *node);
            start += 1 << level;
        }
        let mut range = self.before.clone();
        for entry in &self.entries {
            range.push_with(leaf_hash(&entry.leaf), &mut |level, index, hash| {
                nodes.insert((level, index), hash);
            });
        }
        nodes
    }
}

/// The newest batches.
#[derive(Debug, Default)]
pub struct Recent(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    batches: VecDeque<Arc<Committed>>,
    bytes: usize,
}

impl Recent {
    /// Keeps a batch that has been committed, and lets the oldest go.
    pub fn keep(&self, batch: Committed) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.bytes += batch.bytes;
        kept.batches.push_back(Arc::new(batch));
        while kept.bytes > BYTES_MAX && kept.batches.len() > 1 {
            if let Some(oldest) = kept.batches.pop_front() {
                kept.bytes -= oldest.bytes;
            }
        }
    }

    /// The batch that holds an entry, if it is still kept.
    pub fn batch_of(&self, index: u64) -> Option<Arc<Committed>> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let first_after = kept.batches.partition_point(|batch| batch.head.size() <= index);
        kept.batches.get(first_after).filter(|batch| batch.before.size() <= index).cloned()
    }
}
