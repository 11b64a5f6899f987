//! From a folder to a running ledger: recovery, the fold of all entries, the batch that waited.
//! Invariant: nothing is admitted before the state has reached the end of the log, and a batch
//! that a crash left uncommitted is judged like a stranger's before it is rolled forward.

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use lian_core::{
    audit::Place,
    entry::Leaf,
    hash::{Digest, leaf_hash, link},
    keys::SecretKey,
    merkle::{self, CompactRange},
    note::{SignatureType, SignerKey, VerifierKey},
    statement::{STATEMENT_TYPE, Statement, pae, statement_digest},
};
use lian_domain::{
    filing::Filing,
    ledger::{Ledger, Unlogged},
    registry::Event as RegistryEvent,
    rows::Rows,
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

use crate::{
    ids::Ids,
    keeping::{Found, Views},
    shadow::{Projector, Shadow},
};

/// Rows after which a step is taken.
pub(crate) const STEP_ROWS: usize = 80;
/// The same while rows are made from nothing: the more are gathered, the fewer are written.
const BUILDING_STEP_ROWS: usize = 8_192;
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
    /// The views know entries that the log does not have: it lost them, or the views are of a copy
    /// that went on. Nothing is written until somebody has looked into it and discards the views.
    #[error(
        "the views cover {reached} entries (link {link}), the log has {size}; look into it, then discard them"
    )]
    Ahead {
        /// Entries that the views cover.
        reached: u64,
        /// Link of the leaf of the last of them.
        link: Digest,
        /// Entries of the log.
        size: u64,
    },
    /// The views can be neither used nor made again.
    #[error("the views cannot be kept: {0}")]
    Views(String),
    /// There is no space for the views: they can be made once there is.
    #[error("the views cannot be kept: {0}")]
    NoSpaceForViews(String),
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
    /// The rows that the state lies over; none if all of it is in memory.
    pub shadow: Option<Arc<Shadow>>,
    /// Why an earlier shadow was discarded, if one was.
    pub discarded: Option<String>,
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
    open_over(disk, name, keys, now_s, None, report)
}

/// The same with the state in rows: what they hold is not folded again. Before entry 0 there is nothing to bind rows to, and none are kept.
pub fn open_over(
    disk: Arc<dyn Disk>,
    name: &str,
    keys: &SystemKeys,
    now_s: i64,
    views: Option<&Views>,
    report: &mut dyn FnMut(u64),
) -> Result<OpenLedger, OpenFault> {
    let verifier = log_verifier(name, keys)?;
    let recovery =
        match recover::open(Arc::clone(&disk), Arc::new(LogKeys::new(vec![verifier])), "lian", &[])? {
            Opened::Writable(recovery) => recovery,
            Opened::ReadOnly(read_only) => return Err(OpenFault::Damaged(read_only.damage)),
        };
    let mut found = Found::open(views, disk, recovery.reader())?;
    let mut fold = found.fold(recovery.reader(), now_s, report)?;
    check_keys(&fold.ledger, keys)?;
    let pending = recovery.pending_entries();
    let rolled_forward = !pending.is_empty() && fold.judge_pending(&pending);
    if fold.ledger.size() != recovery.reader().head().size() && !rolled_forward {
        fold = found.fold(recovery.reader(), now_s, report)?;
    }
    let judgement = if rolled_forward { Judgement::RollForward } else { Judgement::SetAside };
    let signer = SignerKey::new(name, SignatureType::Ed25519, SecretKey::from_seed(&keys.log.seed()))
        .map_err(|_| OpenFault::Key("log"))?;
    let started = recovery.start(Box::new(TreeSigner::new(Box::new(signer))), judgement)?;
    fold.end()?;
    Ok(OpenLedger {
        store: started.store,
        ledger: fold.ledger,
        ids: fold.ids,
        set_aside: started.set_aside,
        rolled_forward,
        shadow: found.shadow,
        discarded: found.discarded,
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
    /// Link of the last entry.
    link: Digest,
    pub(crate) ids: Ids,
    now_s: i64,
    /// Takes the rows that change, while the state lies over rows.
    projector: Option<Projector>,
    /// Rows after which a step is taken.
    step_rows: usize,
}

impl Fold {
    /// Before entry 0.
    pub fn new(now_s: i64) -> Self {
        Self {
            ledger: Ledger::new(),
            tree: CompactRange::new(),
            link: Digest::ZERO,
            ids: Ids::default(),
            now_s,
            projector: None,
            step_rows: STEP_ROWS,
        }
    }

    /// As far as the rows of a shadow say; they are kept up from there on.
    pub(crate) fn over(
        shadow: &Arc<Shadow>,
        reader: &Reader,
        mut ids: Ids,
        now_s: i64,
    ) -> Result<Self, OpenFault> {
        let rows: Arc<dyn Rows> = Arc::new(shadow.life());
        let binding = shadow.binding().map_err(|fault| views(&fault))?;
        let reached = binding.reached;
        if reached == 0 {
            let projector = Some(Projector::building(Arc::clone(shadow)));
            let (ledger, step_rows) = (Ledger::over(rows), BUILDING_STEP_ROWS);
            return Ok(Self { ledger, ids, projector, step_rows, ..Self::new(now_s) });
        }
        let projector = Some(Projector::start(Arc::clone(shadow)));
        let first = reader.read_entry(0).map_err(|error| fault(0, &error))?;
        let ledger = Ledger::restore(&rows, &binding, &first.leaf, &first.payload);
        let tree = reader.tree(reached).map_err(|error| views(&error))?;
        let tree = merkle::range_at(reached, &tree).map_err(|error| views(&error))?;
        ids.load(reader, reached, now_s)?;
        let ledger = ledger.map_err(|fault| views(&fault))?;
        let link = binding.link;
        let mut fold = Self { ledger, tree, link, ids, projector, ..Self::new(now_s) };
        let whole = fold.ledger.changed_since();
        let note = |fold: &mut Self, stretch: &[(StoredEntry, Parsed)]| {
            for (_, parsed) in stretch {
                let filing = parsed.filing.as_ref().map_err(|what| fault(whole, what))?;
                fold.ledger.note_changed(filing).map_err(|fault| views(&fault))?;
            }
            Ok(())
        };
        fold.each(reader, whole..reached, note, &mut |_| ())?;
        Ok(fold)
    }

    /// Folds entries of `reader` up to `end`; the next ones are read and parsed on the other cores.
    pub fn run(&mut self, reader: &Reader, end: u64, report: &mut dyn FnMut(u64)) -> Result<(), OpenFault> {
        let fold = |fold: &mut Self, stretch: &[(StoredEntry, Parsed)]| {
            fold.stretch(stretch)?;
            fold.ids.committed(fold.ledger.size(), reader);
            Ok(())
        };
        self.each(reader, self.ledger.size()..end, fold, report)?;
        self.end()
    }

    /// The same, unless it is to stop: then it fails.
    pub(crate) fn run_to(
        &mut self,
        reader: &Reader,
        end: u64,
        stop: &AtomicBool,
        report: &mut dyn FnMut(u64),
    ) -> Result<(), OpenFault> {
        let fold = |fold: &mut Self, stretch: &[(StoredEntry, Parsed)]| {
            if stop.load(Ordering::Relaxed) {
                return Err(views(&"it is to stop"));
            }
            fold.stretch(stretch)
        };
        self.each(reader, self.ledger.size()..end, fold, report)?;
        self.end()
    }

    /// Gives entries to `take`, a stretch at a time, and reports after each.
    pub(crate) fn each(
        &mut self,
        reader: &Reader,
        range: Range<u64>,
        take: impl Fn(&mut Self, &[(StoredEntry, Parsed)]) -> Result<(), OpenFault> + Sync,
        report: &mut dyn FnMut(u64),
    ) -> Result<(), OpenFault> {
        let mut first = range.start;
        let mut entries = reader.entries(range).map_err(|error| fault(first, &error))?;
        let mut stretch = parse_ahead(&mut entries, first)?;
        while !stretch.is_empty() {
            first += stretch.len() as u64;
            let ahead = || parse_ahead(&mut entries, first);
            let (taken, next) = rayon::join(|| take(self, &stretch), ahead);
            taken?;
            report(first);
            stretch = next?;
        }
        Ok(())
    }

    fn stretch(&mut self, stretch: &[(StoredEntry, Parsed)]) -> Result<(), OpenFault> {
        for (entry, parsed) in stretch {
            let index = self.ledger.size();
            let filing = parsed.filing.as_ref().map_err(|what| fault(index, what))?;
            self.entry(entry, filing, parsed.leaf_hash).map_err(|what| fault(index, &what))?;
            self.hand_on(self.step_rows)?;
        }
        if let Some(projector) = &self.projector {
            self.ledger.rows_reached(projector.reached());
        }
        Ok(())
    }

    /// All entries so far are committed.
    fn end(&mut self) -> Result<(), OpenFault> {
        if self.tree.size() > 0 {
            self.ledger.committed(self.tree.size(), self.tree.root());
        }
        while self.hand_on(0)? {}
        Ok(())
    }

    /// Hands on what changed if it comes to more than so many rows; says whether it did.
    fn hand_on(&mut self, more_than: usize) -> Result<bool, OpenFault> {
        let Some(projector) = &self.projector else {
            return Ok(false);
        };
        if more_than > 0 && self.ledger.rows_waiting() <= more_than {
            return Ok(false);
        }
        let Some(step) = self.ledger.take_step(self.link) else {
            return Ok(false);
        };
        projector.hand(step).map_err(|broken| views(&broken))?;
        Ok(true)
    }

    /// Waits until the rows are as far as the fold.
    pub(crate) fn settle(&mut self) -> Result<(), OpenFault> {
        let Some(projector) = self.projector.take() else {
            return Ok(());
        };
        let shadow = Arc::clone(projector.shadow());
        projector.close().map_err(|broken| views(&broken))?;
        self.ledger.rows_reached(shadow.reached());
        self.ledger.fault().map_err(|fault| views(&fault))
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
        if self.projector.is_some() {
            self.link = link(&entry.leaf);
        }
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
pub(crate) struct Parsed {
    pub filing: Result<Filing, String>,
    leaf_hash: Digest,
}

fn views(what: &dyn std::fmt::Display) -> OpenFault {
    OpenFault::Views(what.to_string())
}

/// Reads and parses the next entries, of which `first` is the first; none at the end.
pub(crate) fn parse_ahead(
    entries: &mut Entries,
    first: u64,
) -> Result<Vec<(StoredEntry, Parsed)>, OpenFault> {
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

pub(crate) fn fault(index: u64, what: &dyn std::fmt::Display) -> OpenFault {
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
