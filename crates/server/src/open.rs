//! From a folder to a running ledger: recovery, the fold of all entries, the batch that waited.
//! Invariant: nothing is admitted before the state has reached the end of the log, and a batch
//! that a crash left uncommitted is judged like a stranger's before it is rolled forward.

use std::sync::Arc;

use lian_core::{
    audit::Place,
    entry::Leaf,
    hash::{Digest, leaf_hash},
    keys::SecretKey,
    merkle::CompactRange,
    note::{SignatureType, SignerKey, VerifierKey},
    statement::{STATEMENT_TYPE, Statement, pae, statement_digest},
};
use lian_domain::{
    filing::Filing,
    ledger::{Ledger, Unlogged},
    registry::Event as RegistryEvent,
};
use lian_store::{
    commit::Store,
    disk::Disk,
    reader::{Entries, Reader},
    recover::{self, Judgement, Opened, SetAside},
    segment::{Damage, StoredEntry},
    signer::{LogKeys, TreeSigner},
};
use rayon::prelude::*;
use thiserror::Error;

use crate::ids::Ids;

/// Entries that are parsed ahead of the fold; bounds memory while a long log is folded.
const PARSE_AHEAD: usize = 4_096;

/// Secrets of a running log.
pub struct SystemKeys {
    /// Signs checkpoints.
    pub log: SecretKey,
    /// Signs the log's own facts.
    pub system_log: SecretKey,
    /// Signs rejections.
    pub admission: SecretKey,
}

/// Why a folder does not become a running ledger.
#[derive(Debug, Error)]
pub enum OpenFault {
    /// Locked, or the disk failed.
    #[error(transparent)]
    Open(#[from] recover::OpenError),
    /// The folder contradicts what the log promised.
    #[error("the folder is damaged at segment {} byte {} (entry {}): {}", .0.segment, .0.offset, .0.entry, .0.what)]
    Damaged(Damage),
    /// Recovery did not finish.
    #[error(transparent)]
    Start(#[from] recover::StartError),
    /// An entry cannot be what the log says it is.
    #[error("entry {index}: {what}")]
    Entry {
        /// Which entry.
        index: u64,
        /// What is wrong.
        what: String,
    },
    /// There is no ledger in the folder.
    #[error("there is no ledger here; make one with `lian init`")]
    Empty,
    /// There is a ledger in the folder already.
    #[error("there is a ledger here already")]
    Exists,
    /// Keys of another ledger.
    #[error("the {0} key is not the one that entry 0 names")]
    Key(&'static str),
}

/// A folder that was opened for writing, folded to its end.
pub struct OpenLedger {
    /// The writer.
    pub store: Store,
    /// The state.
    pub ledger: Ledger,
    /// Ids of statements that are still valid.
    pub ids: Ids,
    /// Bytes that were set aside.
    pub set_aside: Vec<SetAside>,
    /// True if a batch that waited became part of the log.
    pub rolled_forward: bool,
}

/// The log's verifying key under the name of the ledger.
pub fn log_verifier(name: &str, keys: &SystemKeys) -> Result<VerifierKey, OpenFault> {
    VerifierKey::new(name, SignatureType::Ed25519, keys.log.public()).map_err(|_| OpenFault::Key("log"))
}

/// Opens a ledger of this name for writing and folds it. `now_s` decides which ids are still
/// valid; `report` hears of each stretch of entries folded.
pub fn open(
    disk: Arc<dyn Disk>,
    name: &str,
    keys: &SystemKeys,
    now_s: i64,
    report: &mut dyn FnMut(u64),
) -> Result<OpenLedger, OpenFault> {
    let verifier = log_verifier(name, keys)?;
    let recovery = match recover::open(disk, Arc::new(LogKeys::new(vec![verifier])), "lian", &[])? {
        Opened::Writable(recovery) => recovery,
        Opened::ReadOnly(read_only) => return Err(OpenFault::Damaged(read_only.damage)),
    };
    let mut fold = Fold::new(now_s);
    fold.run(recovery.reader(), u64::MAX, report)?;
    check_keys(&fold.ledger, keys)?;
    let pending = recovery.pending_entries();
    let rolled_forward = !pending.is_empty() && fold.judge_pending(&pending);
    if fold.ledger.size() != recovery.reader().head().size() && !rolled_forward {
        fold = Fold::new(now_s);
        fold.run(recovery.reader(), u64::MAX, report)?;
    }
    let judgement = if rolled_forward { Judgement::RollForward } else { Judgement::SetAside };
    let signer = SignerKey::new(name, SignatureType::Ed25519, SecretKey::from_seed(&keys.log.seed()))
        .map_err(|_| OpenFault::Key("log"))?;
    let started = recovery.start(Box::new(TreeSigner::new(Box::new(signer))), judgement)?;
    fold.end();
    Ok(OpenLedger {
        store: started.store,
        ledger: fold.ledger,
        ids: fold.ids,
        set_aside: started.set_aside,
        rolled_forward,
    })
}

fn check_keys(ledger: &Ledger, keys: &SystemKeys) -> Result<(), OpenFault> {
    let Some(opening) = ledger.opening() else {
        return Ok(());
    };
    let same = [
        ("log", opening.log_key == keys.log.public()),
        ("system:log", opening.system_log == keys.system_log.public()),
        ("system:admission", opening.system_admission == keys.admission.public()),
    ];
    same.iter().find(|(_, same)| !same).map_or(Ok(()), |(name, _)| Err(OpenFault::Key(name)))
}

/// The fold of a log, by the same code that placed its entries.
pub struct Fold {
    /// The state so far.
    pub ledger: Ledger,
    tree: CompactRange,
    ids: Ids,
    now_s: i64,
}

impl Fold {
    /// Before entry 0.
    pub fn new(now_s: i64) -> Self {
        Self { ledger: Ledger::new(), tree: CompactRange::new(), ids: Ids::default(), now_s }
    }

    /// Folds entries of `reader` up to `end`; the next ones are read and parsed on the other cores.
    pub fn run(&mut self, reader: &Reader, end: u64, report: &mut dyn FnMut(u64)) -> Result<(), OpenFault> {
        let start = self.ledger.size();
        let mut entries = reader.entries(start..end).map_err(|error| fault(start, &error))?;
        let mut stretch = parse_ahead(&mut entries, start)?;
        while !stretch.is_empty() {
            let first = self.ledger.size() + stretch.len() as u64;
            let ahead = || parse_ahead(&mut entries, first);
            let (folded, next) = rayon::join(|| self.stretch(&stretch), ahead);
            folded?;
            report(self.ledger.size());
            stretch = next?;
        }
        self.end();
        Ok(())
    }

    fn stretch(&mut self, stretch: &[(StoredEntry, Parsed)]) -> Result<(), OpenFault> {
        for (entry, parsed) in stretch {
            let index = self.ledger.size();
            let filing = parsed.filing.as_ref().map_err(|what| fault(index, what))?;
            self.entry(entry, filing, parsed.leaf_hash).map_err(|what| fault(index, &what))?;
        }
        Ok(())
    }

    /// All entries so far are committed.
    fn end(&mut self) {
        if self.tree.size() > 0 {
            self.ledger.committed(self.tree.size(), self.tree.root());
        }
    }

    fn entry(&mut self, entry: &StoredEntry, filing: &Filing, hash: Digest) -> Result<(), String> {
        let leaf = Leaf::decode(&entry.leaf).map_err(|error| error.to_string())?;
        let place = Place {
            index: leaf.index,
            recorded_at: leaf.recorded_at,
            tree: &self.tree,
            batch_first: entry.batch_first,
        };
        if entry.batch_first && leaf.index > 0 {
            // The batch before ends here, and is committed.
            self.ledger.committed(leaf.index, self.tree.root());
        }
        let verdict = self.ledger.judge(&place, filing).map_err(|unlogged| match unlogged {
            Unlogged::Rejected(rejection) => format!("must not have been logged: {rejection}"),
            other => other.to_string(),
        })?;
        if verdict != leaf.verdict {
            return Err(format!("the rules say {verdict:?}, the leaf {:?}", leaf.verdict));
        }
        self.ledger.record(&place, filing, verdict, hash);
        self.tree.push(hash);
        if filing.valid_until >= self.now_s {
            self.ids.remember(filing, leaf.index, leaf.recorded_at);
        }
        Ok(())
    }

    /// Judges the batch that waits like a stranger's: signatures, then authority and verdicts. On
    /// false the fold has gone too far and must be made again.
    fn judge_pending(&mut self, pending: &[StoredEntry]) -> bool {
        if !pending.par_iter().all(|entry| self.is_signed(entry, pending)) {
            return false;
        }
        pending.iter().all(|entry| {
            let hash = leaf_hash(&entry.leaf);
            parse(entry).is_ok_and(|filing| self.entry(entry, &filing, hash).is_ok())
        })
    }

    fn is_signed(&self, entry: &StoredEntry, pending: &[StoredEntry]) -> bool {
        let (Ok(leaf), Ok(filing)) = (Leaf::decode(&entry.leaf), parse(entry)) else {
            return false;
        };
        let message = pae(STATEMENT_TYPE, &entry.payload);
        filing.issuers.len() == leaf.signatures.len()
            && filing.issuers.iter().zip(&leaf.signatures).all(|(issuer, signature)| {
                let known = self.ledger.issuer_key(&filing, &issuer.key).copied();
                let key = known.or_else(|| enrolled_in(pending, &issuer.key));
                key.is_some_and(|key| key.verify(&message, signature))
            })
    }
}

fn enrolled_in(pending: &[StoredEntry], id: &Digest) -> Option<lian_core::keys::PublicKey> {
    pending
        .iter()
        .filter_map(|entry| parse(entry).ok())
        .find_map(|filing| filing.new_keys().into_iter().find(|key| key.id() == *id).copied())
}

/// What needs no state: made ahead of the fold.
struct Parsed {
    filing: Result<Filing, String>,
    leaf_hash: Digest,
}

/// Reads and parses the next entries, of which `first` is the first; none at the end.
fn parse_ahead(entries: &mut Entries, first: u64) -> Result<Vec<(StoredEntry, Parsed)>, OpenFault> {
    let mut stretch: Vec<StoredEntry> = Vec::with_capacity(PARSE_AHEAD);
    for entry in entries.take(PARSE_AHEAD) {
        stretch.push(entry.map_err(|error| fault(first + stretch.len() as u64, &error))?);
    }
    let parsed = |entry: StoredEntry| {
        let parsed = Parsed { filing: parse(&entry), leaf_hash: leaf_hash(&entry.leaf) };
        (entry, parsed)
    };
    Ok(stretch.into_par_iter().map(parsed).collect())
}

fn fault(index: u64, what: &dyn std::fmt::Display) -> OpenFault {
    OpenFault::Entry { index, what: what.to_string() }
}

fn parse(entry: &StoredEntry) -> Result<Filing, String> {
    Filing::read(&entry.payload, statement_digest(&entry.payload)).map_err(|rejection| rejection.to_string())
}

/// Name of the ledger in a folder and its log key, as entry 0 says them: enough to read, not to
/// trust. `None` if there is no entry 0.
pub fn claimed_log_key(payload: &[u8]) -> Option<(String, VerifierKey)> {
    let statement = Statement::parse(payload).ok()?;
    let event = statement.events.first()?;
    match lian_domain::registry::parse(event.kind, event.stream, &event.data)?.ok()? {
        RegistryEvent::Opened(opening) => {
            let key = VerifierKey::new(&opening.name, SignatureType::Ed25519, opening.log_key).ok()?;
            Some((opening.name.to_string(), key))
        }
        _ => None,
    }
}
