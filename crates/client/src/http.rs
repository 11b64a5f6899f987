//! A ledger behind an address: `Client`.
//! Invariant: nothing is returned that was not verified: a receipt holds for the very bytes that
//! were sent, every checkpoint extends the last one seen, a rejection is signed by the log's own
//! admission key. What cannot be verified is only to be had by [`Client::unverified`]; views and states
//! are the server's word, and have the digest that other parties compare.
//! Limits: those of `Patience`; an answer has at most 64 MiB.

mod complete;
mod entry;
mod error;
mod follow;
mod submit;
mod tail;
mod unverified;
mod value;
mod views;
mod wire;

use std::sync::{Mutex, OnceLock, PoisonError};

use lian_core::{
    checkpoint::{self, Checkpoint},
    hash::Digest,
    note::VerifierKey,
    policy::Policy,
};
use serde_json::Value;

pub use self::{
    complete::{Epoch, StreamProof},
    entry::{Genesis, Grade, Proved},
    error::{Error, Fork, Problem, Rejected},
    follow::LogEntry,
    submit::{Outcome, Rehearsal},
    tail::Tail,
    unverified::{Listed, Unverified},
    views::{Moment, Stated, Told},
    wire::{Options, Patience},
};
use self::{error::bad_answer, wire::Wire};
use crate::seen::SeenStore;

/// Whom this side believes: the log's key, and a policy of witnesses if there is one.
#[derive(Debug, Clone)]
pub struct Trust {
    log: VerifierKey,
    policy: Option<Policy>,
}

impl Trust {
    /// The log's key alone, from outside.
    pub fn key(log: VerifierKey) -> Self {
        Self { log, policy: None }
    }

    /// A policy that lists the log: the one of that origin, or the only one that there is.
    pub fn policy(policy: Policy, origin: Option<&str>) -> Result<Self, Error> {
        let fits = |key: &VerifierKey| origin.is_none_or(|origin| key.name() == origin);
        let fitting: Vec<VerifierKey> = policy.logs().map(|(key, _)| key.clone()).filter(fits).collect();
        match &fitting[..] {
            [log] => Ok(Self { log: log.clone(), policy: Some(policy) }),
            [] => Err(Error::Trust("the policy lists no such log".to_owned())),
            _ => Err(Error::Trust("the policy lists several logs; say which".to_owned())),
        }
    }
}

/// A ledger behind an address.
pub struct Client {
    wire: Wire,
    trust: Trust,
    store: Box<dyn SeenStore>,
    /// The newest checkpoint that was verified; whoever compares holds the lock until it is kept.
    seen: Mutex<Option<Seen>>,
    genesis: OnceLock<Genesis>,
}

/// A checkpoint and the note that it came in.
#[derive(Clone)]
struct Seen {
    checkpoint: Checkpoint,
    note: Vec<u8>,
}

impl Client {
    /// A client for the ledger at this address, with usual patience. Nothing is sent yet.
    pub fn new(url: &str, trust: Trust, store: impl SeenStore + 'static) -> Result<Self, Error> {
        Self::with_options(url, trust, store, Options::default())
    }

    /// The same with options.
    pub fn with_options(
        url: &str,
        trust: Trust,
        store: impl SeenStore + 'static,
        options: Options,
    ) -> Result<Self, Error> {
        let wire = Wire::new(url, options)?;
        Ok(Self { wire, trust, store: Box::new(store), seen: Mutex::new(None), genesis: OnceLock::new() })
    }

    /// The log's key.
    pub fn log_key(&self) -> &VerifierKey {
        &self.trust.log
    }

    /// The address that it talks to.
    pub fn url(&self) -> &str {
        self.wire.base()
    }

    /// Reads without proof: what the server says is what you get.
    pub fn unverified(&self) -> Unverified<'_> {
        Unverified::new(&self.wire)
    }

    /// The newest checkpoint of the log, which extends the last one seen.
    pub fn checkpoint(&self) -> Result<Checkpoint, Error> {
        self.newest().map(|seen| seen.checkpoint)
    }

    /// The newest checkpoint as the log signed it, which extends the last one seen.
    pub fn checkpoint_note(&self) -> Result<Vec<u8>, Error> {
        self.newest().map(|seen| seen.note)
    }

    fn newest(&self) -> Result<Seen, Error> {
        let answer = self.wire.json("/v1/log/checkpoints")?;
        let note = answer["newest"]["note"].as_str().ok_or_else(|| bad_answer("no newest checkpoint"))?;
        self.advance(note.as_bytes())
    }

    /// The last checkpoint that was verified, in this process or before.
    pub fn last_seen(&self) -> Result<Option<Checkpoint>, Error> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(self.remembered(&mut seen)?.map(|seen| seen.checkpoint))
    }

    fn remembered(&self, seen: &mut Option<Seen>) -> Result<Option<Seen>, Error> {
        if seen.is_none()
            && let Some(note) =
                self.store.load(&self.trust.log).map_err(|error| Error::Store(error.to_string()))?
        {
            let open = checkpoint::open(&note, &self.trust.log);
            let open =
                open.map_err(|error| Error::Store(format!("the checkpoint that was kept: {error}")))?;
            *seen = Some(Seen { checkpoint: open.checkpoint, note });
        }
        Ok(seen.clone())
    }

    /// Believes a checkpoint if the log signed it and it extends the last one seen, or is a prefix
    /// of it; keeps the larger of the two. Anything else is a fork.
    fn advance(&self, note: &[u8]) -> Result<Seen, Error> {
        let open = checkpoint::open(note, &self.trust.log).map_err(error::doubtful)?;
        let new = Seen { checkpoint: open.checkpoint, note: note.to_vec() };
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(old) = self.remembered(&mut seen)? {
            self.compare(&old, &new)?;
            if new.checkpoint.size <= old.checkpoint.size {
                return Ok(new);
            }
        }
        self.store.save(&self.trust.log, note).map_err(|error| Error::Store(error.to_string()))?;
        *seen = Some(new.clone());
        Ok(new)
    }

    fn compare(&self, old: &Seen, new: &Seen) -> Result<(), Error> {
        let (smaller, larger) =
            if old.checkpoint.size <= new.checkpoint.size { (old, new) } else { (new, old) };
        let (from, to) = (&smaller.checkpoint, &larger.checkpoint);
        match self.is_prefix((from.size, &from.root), (to.size, &to.root)) {
            Ok(true) => Ok(()),
            Ok(false) => Err(self.fork(old, new)),
            // Whoever signed the larger size before and has no such entries now has lost them.
            Err(Error::Problem(problem)) if problem.status == 400 => Err(self.fork(old, new)),
            Err(error) => Err(error),
        }
    }

    /// Whether the log proves that the tree of `from` is a prefix of the tree of `to`.
    fn is_prefix(&self, from: (u64, &Digest), to: (u64, &Digest)) -> Result<bool, Error> {
        if from.0 == to.0 {
            return Ok(from.1 == to.1);
        }
        if from.0 == 0 {
            return Ok(true);
        }
        let answer = self.wire.json(&format!("/v1/log/consistency?from={}&to={}", from.0, to.0))?;
        let proof = digests(&answer["proof"])?;
        Ok(lian_core::merkle::check_consistency(from.0, to.0, from.1, to.1, &proof).is_ok())
    }

    fn fork(&self, old: &Seen, new: &Seen) -> Error {
        let kept = self.store.keep_evidence(&self.trust.log, &old.note, &new.note);
        Error::Fork(Box::new(Fork {
            seen: old.checkpoint.clone(),
            new: new.checkpoint.clone(),
            seen_note: old.note.clone(),
            new_note: new.note.clone(),
            evidence: kept.ok(),
        }))
    }
}

/// A list of hashes in hex.
fn digests(value: &Value) -> Result<Vec<Digest>, Error> {
    let hashes = value.as_array().ok_or_else(|| bad_answer("no list of hashes"))?;
    let digest = |hash: &Value| hash.as_str().and_then(Digest::from_hex);
    hashes.iter().map(|hash| digest(hash).ok_or_else(|| bad_answer("a hash is not 64 hex digits"))).collect()
}
