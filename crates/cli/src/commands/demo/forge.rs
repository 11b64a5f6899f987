//! The insider: holds the log's own keys, not those of banks and officers, and writes history anew.
//! For the demo and its tests only; it shows what the verifier is for.
//! What can be made to fit is made to fit: links, tree, epochs, the log's signatures.

use std::{path::Path, sync::Arc};

use lian_client::sample::House;
use lian_core::{
    audit::Place,
    entry::Leaf,
    hash::{Digest, leaf_hash, link},
    json::Value,
    merkle::CompactRange,
    note::{SignatureType, SignerKey},
    statement::{STATEMENT_TYPE, Statement, pae, statement_digest},
};
use lian_domain::{filing::Filing, ledger::Ledger, registry};
use lian_server::open::log_verifier;
use lian_store::{
    commit::{NewEntry, Store},
    disk::RealDisk,
    reader::Reader,
    recover::{self, Judgement, Opened},
    segment::StoredEntry,
    signer::{LogKeys, TreeSigner},
};

use super::stage::{broken, system_keys};
use crate::failure::Result;

/// What the insider does with one entry.
pub enum Fate {
    /// Copies it.
    Keep,
    /// Puts another payload in its place.
    Alter(Vec<u8>),
    /// Leaves it out.
    Drop,
    /// Ends the log before it.
    Stop,
}

struct Forger<'h> {
    house: &'h House,
    store: Store,
    ledger: Ledger,
    tree: CompactRange,
    link: Digest,
    batch: Vec<NewEntry>,
}

/// Writes the history of `source` anew into `target`.
pub fn rewrite(
    source: &Reader,
    target: &Path,
    house: &House,
    name: &str,
    fate: &dyn Fn(u64, &StoredEntry) -> Fate,
) -> Result<()> {
    let mut forger = Forger {
        house,
        store: new_store(target, house, name)?,
        ledger: Ledger::new(),
        tree: CompactRange::new(),
        link: Digest::ZERO,
        batch: Vec::new(),
    };
    for (index, entry) in (0..).zip(source.entries(0..u64::MAX).map_err(broken)?) {
        let entry = entry.map_err(broken)?;
        if entry.batch_first {
            forger.commit()?;
        }
        match fate(index, &entry) {
            Fate::Keep => forger.place(&entry, None)?,
            Fate::Alter(payload) => forger.place(&entry, Some(payload))?,
            Fate::Drop => {}
            Fate::Stop => break,
        }
    }
    forger.commit()?;
    forger.store.close().map_err(broken)
}

fn new_store(target: &Path, house: &House, name: &str) -> Result<Store> {
    let keys = system_keys(house);
    let verifier = Arc::new(LogKeys::new(vec![log_verifier(name, &keys)?]));
    let disk = Arc::new(RealDisk::create(target)?);
    let Opened::Writable(recovery) = recover::open(disk, verifier, "demo", &[]).map_err(broken)? else {
        return Err(broken("the target is not empty"));
    };
    let signer = SignerKey::new(name, SignatureType::Ed25519, keys.log).map_err(broken)?;
    let started = recovery.start(Box::new(TreeSigner::new(Box::new(signer))), Judgement::SetAside);
    Ok(started.map_err(broken)?.store)
}

impl Forger<'_> {
    fn place(&mut self, entry: &StoredEntry, altered: Option<Vec<u8>>) -> Result<()> {
        let old = Leaf::decode(&entry.leaf).map_err(broken)?;
        let mut signatures: Vec<Vec<u8>> = old.signatures.iter().map(|bytes| bytes.to_vec()).collect();
        let mut payload = altered.unwrap_or_else(|| entry.payload.clone());
        if let Some(made_to_fit) = self.epoch(&payload)? {
            let key = self.house.key("system:log");
            signatures = vec![key.sign(&pae(STATEMENT_TYPE, &made_to_fit)).to_vec()];
            payload = made_to_fit;
        }
        let digest = statement_digest(&payload);
        let filing = Filing::read(&payload, digest).map_err(broken)?;
        let index = self.tree.size();
        let batch_first = self.batch.is_empty();
        let place = Place { index, recorded_at: old.recorded_at, tree: &self.tree, batch_first };
        // What the rules say where they still can; else what was said before.
        let verdict = self.ledger.judge(&place, &filing).unwrap_or(old.verdict);
        let leaf = Leaf {
            index,
            previous: self.link,
            verdict,
            statement: digest,
            signatures: signatures.iter().map(Vec::as_slice).collect(),
            ..old
        };
        let leaf = leaf.encode().map_err(broken)?;
        let hash = leaf_hash(&leaf);
        let previous = self.ledger.record(&place, &filing, verdict, hash);
        self.link = link(&leaf);
        self.tree.push(hash);
        self.batch.push(NewEntry { leaf, payload, previous });
        Ok(())
    }

    /// An `epoch.closed` that fits the new history; `None` for any other statement.
    fn epoch(&mut self, payload: &[u8]) -> Result<Option<Vec<u8>>> {
        let mut statement = Statement::parse(payload).map_err(broken)?;
        let [event] = &mut statement.events[..] else { return Ok(None) };
        if event.kind != "epoch.closed" {
            return Ok(None);
        }
        let registry::Event::EpochClosed { number, size, root, map, engine } =
            self.ledger.next_epoch(self.tree.root())
        else {
            return Ok(None);
        };
        event.data = Value::object([
            ("engine", Value::number(u64::from(engine))),
            ("map", Value::text(map.to_hex())),
            ("n", Value::number(number)),
            ("root", Value::text(root.to_hex())),
            ("size", Value::number(size)),
        ]);
        Ok(Some(statement.payload()))
    }

    fn commit(&mut self) -> Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        self.store.append_batch(&std::mem::take(&mut self.batch)).map_err(broken)?;
        self.ledger.committed(self.tree.size(), self.tree.root());
        Ok(())
    }
}
