//! The sequencer: gives every authentic statement its place, its stamp and its verdict.
//! Invariant: what it places is in order, judged on the state that all earlier entries left, and
//! becomes known only when its batch is committed. A statement that is placed is never placed
//! again: whoever sends it again gets the first place.
//! Limits: a batch is at most 4,096 entries and 7 MiB.

use std::collections::VecDeque;

use foldhash::HashMap;
use lian_core::{
    audit::Place,
    entry::{Leaf, Verdict},
    frame::NO_PREVIOUS,
    hash::{Digest, leaf_hash, link},
    json::Value,
    keys::SecretKey,
    merkle::CompactRange,
    statement::{Event, Issuer, STATEMENT_TYPE, Statement, pae, statement_digest},
};
use lian_domain::{
    filing::{Fact, Filing, Name},
    ledger::{ENGINE, Ledger, PendingStep, Unlogged},
    registry::{Event as RegistryEvent, SYSTEM_LOG},
    rejection::Rejection,
    rows::RowFault,
};
use lian_store::{commit::NewEntry, reader::Reader, tip::Tip};
use thiserror::Error;

use crate::{admit::Authentic, clock::Stamper, ids::Ids, open::STEP_ROWS};

/// Entries of one batch.
pub const BATCH_ENTRIES_MAX: usize = 4_096;
/// Leaf and payload bytes of one batch; leaves room for frames within the 8 MiB of the format.
pub const BATCH_BYTES_SOFT_MAX: usize = 7 << 20;

/// Why the sequencer must stop.
#[derive(Debug, Error)]
pub enum Fatal {
    /// A fault of this program.
    #[error(transparent)]
    Contradiction(Unlogged),
    /// The log cannot be read back.
    #[error("the log cannot be read: {0}")]
    Read(String),
    /// No randomness for ids.
    #[error("the system gives no randomness: {0}")]
    Random(getrandom::Error),
    /// The log's own statement was turned away: a fault of this program.
    #[error("the log's own statement was turned away: {0}")]
    Own(Rejection),
    /// The rows under the state cannot be believed. What was placed so far was judged on good ones.
    #[error(transparent)]
    Rows(#[from] RowFault),
}

/// What became of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placed {
    /// It has a place, and its verdict.
    New {
        /// Entry.
        index: u64,
        /// Accepted or refused.
        verdict: Verdict,
    },
    /// It had a place already.
    Repeat {
        /// Entry.
        index: u64,
    },
    /// It gets none.
    Turned(Rejection),
}

/// Entries that wait for their commit.
struct Recent {
    index: u64,
    digest: Digest,
    streams: Vec<Name>,
    previous: Vec<u64>,
}

/// A ledger folded to its end, and the ids of statements that are still valid.
pub struct Folded {
    /// The state.
    pub ledger: Ledger,
    /// Ids.
    pub ids: Ids,
}

/// One per ledger.
pub struct Sequencer {
    ledger: Ledger,
    tree: CompactRange,
    link: Digest,
    stamper: Stamper,
    stamp: Option<(u64, Option<i64>)>,
    system_log: SecretKey,
    reader: Reader,
    entries: Vec<NewEntry>,
    bytes: usize,
    /// In order of their indexes, without gaps.
    recent: VecDeque<Recent>,
    recent_by_digest: HashMap<Digest, u64>,
    ids: Ids,
    withheld: HashMap<Digest, u64>,
    steps: Vec<PendingStep>,
}

impl Sequencer {
    /// Goes on from a ledger folded up to `tip`.
    pub fn new(opened: Folded, tip: &Tip, stamper: Stamper, system_log: SecretKey, reader: Reader) -> Self {
        let Folded { ledger, ids } = opened;
        Self {
            ledger,
            tree: tip.range().clone(),
            link: tip.link(),
            stamper,
            stamp: None,
            system_log,
            reader,
            entries: Vec::new(),
            bytes: 0,
            recent: VecDeque::new(),
            recent_by_digest: HashMap::default(),
            ids,
            withheld: HashMap::default(),
            steps: Vec::new(),
        }
    }

    /// Goes on with the same state over rows that were made again. Nothing may wait to be cut.
    pub fn stand_on(&mut self, ledger: Ledger) {
        self.ledger = ledger;
        self.steps.clear();
        self.stamp = None;
    }

    /// The ledger, all placed statements included.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// True if the batch at hand should be cut before more is placed.
    pub fn is_full(&self) -> bool {
        self.entries.len() >= BATCH_ENTRIES_MAX || self.bytes >= BATCH_BYTES_SOFT_MAX
    }

    /// The step of the clock, in milliseconds, for which only `clock.stepped` is taken, if there is one.
    pub fn clock_step(&self) -> Option<i64> {
        self.stamper.step()
    }

    /// True if no entry waits to be cut.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Places one statement. The batch must not be full.
    pub fn place(&mut self, statement: Authentic) -> Result<Placed, Fatal> {
        let (now_ms, step) = self.begin()?;
        let (filing, payload, signatures) = statement.into_parts();
        if let Some(index) = self.waiting(&filing.digest) {
            return Ok(Placed::Repeat { index });
        }
        if let Some(rejection) = self.ids.reused(&filing, now_ms) {
            return Ok(Placed::Turned(rejection));
        }
        let steps = filing
            .events
            .iter()
            .all(|event| matches!(event.fact, Fact::Registry(RegistryEvent::ClockStepped { .. })));
        if let Some(step) = step.filter(|_| !steps) {
            return match self.first_place(&filing)? {
                Some(index) => Ok(Placed::Repeat { index }),
                None => Ok(Placed::Turned(Rejection::ClockStopped(step))),
            };
        }
        if let Some(engine) = self.unknown_engine(&filing) {
            return Ok(Placed::Turned(Rejection::EngineUnknown(engine)));
        }
        // Two admins vouch for the clock as it stands now, so their entry bears its time.
        let now_ms = if step.is_some() { self.stamper.stepped_stamp() } else { now_ms };
        if step.is_some() && self.entries.is_empty() && self.ledger.epoch_due(now_ms) {
            // By that time an epoch is due, and only the first entry of a batch can close it; but
            // nothing bears a time that two admins have not vouched for.
            if let Err(rejection) = self.ledger.check_authority(&filing, now_ms) {
                return self.turn(&filing, rejection);
            }
            self.close_epoch(now_ms)?;
        }
        let placed = self.judge(&filing, payload, &signatures, now_ms)?;
        if let (true, Placed::New { verdict: Verdict::ACCEPTED, .. }) = (steps, &placed) {
            self.stamper.accept_step();
            self.stamp = Some(self.stamper.stamp());
        }
        Ok(placed)
    }

    /// What is known of a statement before it is judged: its place, if that waits or was taken lately,
    /// or that its id names another statement. Places nothing.
    pub fn look_up(&self, filing: &Filing, now_ms: u64) -> Option<Placed> {
        let place = self.waiting(&filing.digest).map(|index| Placed::Repeat { index });
        place.or_else(|| self.ids.reused(filing, now_ms).map(Placed::Turned))
    }

    /// Rules on an engine that this program lacks are not activated here: it could judge nothing
    /// after them.
    fn unknown_engine(&self, filing: &Filing) -> Option<u32> {
        filing.events.iter().find_map(|event| match &event.fact {
            Fact::Registry(RegistryEvent::RulesActivated { version, .. }) => {
                self.ledger.published_engine(*version).filter(|engine| *engine != ENGINE)
            }
            _ => None,
        })
    }

    /// Stamps the batch and closes an epoch that is due, before its first statement.
    fn begin(&mut self) -> Result<(u64, Option<i64>), Fatal> {
        if let Some(stamp) = self.stamp {
            return Ok(stamp);
        }
        let stamp = self.stamper.stamp();
        self.stamp = Some(stamp);
        if self.ledger.size() > 0 && self.ledger.epoch_due(stamp.0) {
            self.close_epoch(stamp.0)?;
        }
        Ok(stamp)
    }

    /// Closes the epoch if one is due, even when no statement comes; returns whether it did.
    pub fn tick(&mut self) -> Result<bool, Fatal> {
        self.begin()?;
        if self.entries.is_empty() {
            self.stamp = None;
        }
        Ok(!self.entries.is_empty())
    }

    fn close_epoch(&mut self, now_ms: u64) -> Result<(), Fatal> {
        let RegistryEvent::EpochClosed { number, size, root, map, engine } =
            self.ledger.next_epoch(self.tree.root())
        else {
            unreachable!("next_epoch gives epoch.closed");
        };
        let data = Value::object([
            ("engine", Value::number(u64::from(engine))),
            ("map", Value::text(map.to_hex())),
            ("n", Value::number(number)),
            ("root", Value::text(root.to_hex())),
            ("size", Value::number(size)),
        ]);
        self.own_statement("epoch.closed", &format!("epoch/{number}"), data, now_ms)?;
        for (key, count) in std::mem::take(&mut self.withheld) {
            let data = Value::object([("count", Value::number(count)), ("key", Value::text(key.to_hex()))]);
            self.own_statement("refusals.withheld", &format!("refusals/{key}"), data, now_ms)?;
        }
        Ok(())
    }

    /// Signs and places a statement of `system:log`.
    fn own_statement(&mut self, kind: &str, stream: &str, data: Value<'_>, now_ms: u64) -> Result<(), Fatal> {
        let mut id = [0; 16];
        getrandom::fill(&mut id).map_err(Fatal::Random)?;
        let now = i64::try_from(now_ms / 1_000).unwrap_or(i64::MAX);
        let expect = self.ledger.find(stream)?.map_or(0, |found| found.version);
        let statement = Statement {
            events: vec![Event { kind, stream, expect, occurred_at: now, data }],
            id,
            issued_at: now,
            issuers: vec![Issuer { actor: SYSTEM_LOG, capacity: "log", key: self.system_log.public().id() }],
            ledger: self.ledger.id(),
            requires: Vec::new(),
            seen: None,
            valid_until: now + 86_400,
        };
        let payload = statement.payload();
        let signature = self.system_log.sign(&pae(STATEMENT_TYPE, &payload)).to_vec();
        let filing = Filing::read(&payload, statement_digest(&payload)).map_err(Fatal::Own)?;
        match self.judge(&filing, payload, &[signature], now_ms)? {
            Placed::Turned(rejection) => Err(Fatal::Own(rejection)),
            _ => Ok(()),
        }
    }

    fn judge(
        &mut self,
        filing: &Filing,
        payload: Vec<u8>,
        signatures: &[Vec<u8>],
        now_ms: u64,
    ) -> Result<Placed, Fatal> {
        let index = self.tree.size();
        let place =
            Place { index, recorded_at: now_ms, tree: &self.tree, batch_first: self.entries.is_empty() };
        let rules = if index == 0 { 1 } else { self.ledger.rules().version };
        let verdict = match self.ledger.judge(&place, filing) {
            Ok(verdict) => verdict,
            Err(Unlogged::Rejected(rejection)) => return self.turn(filing, rejection),
            Err(Unlogged::Rows(fault)) => return Err(fault.into()),
            Err(contradiction) => return Err(Fatal::Contradiction(contradiction)),
        };
        let leaf = Leaf {
            index,
            previous: self.link,
            recorded_at: now_ms,
            rules,
            verdict,
            statement: filing.digest,
            signatures: signatures.iter().map(Vec::as_slice).collect(),
        };
        let leaf = leaf.encode().map_err(|error| Fatal::Read(error.to_string()))?;
        let hash = leaf_hash(&leaf);
        let previous = self.ledger.record(&place, filing, verdict, hash);
        self.link = link(&leaf);
        self.tree.push(hash);
        self.ids.remember(filing, index, now_ms);
        self.recent_by_digest.insert(filing.digest, index);
        self.recent.push_back(Recent {
            index,
            digest: filing.digest,
            streams: filing.events.iter().map(|event| filing.streams[event.stream].clone()).collect(),
            previous: previous.clone(),
        });
        self.bytes += leaf.len() + payload.len() + 8 * previous.len() + 32;
        self.entries.push(NewEntry { leaf, payload, previous });
        if self.ledger.rows_waiting() > STEP_ROWS {
            self.steps.extend(self.ledger.take_step(self.link));
        }
        Ok(Placed::New { index, verdict })
    }

    /// A statement that cannot be placed may have its place already.
    fn turn(&mut self, filing: &Filing, rejection: Rejection) -> Result<Placed, Fatal> {
        if let Some(index) = self.first_place(filing)? {
            return Ok(Placed::Repeat { index });
        }
        if let (Rejection::RefusalQuota { .. }, Some(issuer)) = (&rejection, filing.issuers.first()) {
            *self.withheld.entry(issuer.key).or_default() += 1;
        }
        Ok(Placed::Turned(rejection))
    }

    fn waiting(&self, digest: &Digest) -> Option<u64> {
        self.recent_by_digest.get(digest).copied()
    }

    /// Walks back the first event's stream until the entry that holds this statement.
    fn first_place(&self, filing: &Filing) -> Result<Option<u64>, Fatal> {
        let Some(name) = filing.events.first().map(|event| &filing.streams[event.stream]) else {
            return Ok(None);
        };
        let mut at = self.ledger.find(name)?.map_or(NO_PREVIOUS, |stream| stream.last);
        while at != NO_PREVIOUS {
            let (digest, previous) = self.step_back(at, name)?;
            if digest == filing.digest {
                return Ok(Some(at));
            }
            at = previous;
        }
        Ok(None)
    }

    fn step_back(&self, at: u64, stream: &str) -> Result<(Digest, u64), Fatal> {
        let first = self.recent.front().map_or(u64::MAX, |recent| recent.index);
        let waiting = at.checked_sub(first).and_then(|offset| usize::try_from(offset).ok());
        if let Some(recent) = waiting.and_then(|offset| self.recent.get(offset)) {
            let event = recent.streams.iter().position(|name| **name == *stream);
            let previous = event.map_or(NO_PREVIOUS, |event| recent.previous[event]);
            return Ok((recent.digest, previous));
        }
        let broken = |what: &dyn std::fmt::Display| Fatal::Read(format!("entry {at}: {what}"));
        let entry = self.reader.read_entry(at).map_err(|error| broken(&error))?;
        let leaf = Leaf::decode(&entry.leaf).map_err(|error| broken(&error))?;
        let statement = Statement::parse(&entry.payload).map_err(|error| broken(&error))?;
        let event = statement.events.iter().position(|event| event.stream == stream);
        let previous = event.and_then(|event| entry.previous.get(event).copied());
        Ok((leaf.statement, previous.unwrap_or(NO_PREVIOUS)))
    }

    /// Ends the batch at hand: its entries, for the store. Empty if nothing was placed.
    pub fn cut(&mut self) -> Vec<NewEntry> {
        self.stamp = None;
        self.bytes = 0;
        if !self.entries.is_empty() {
            self.ledger.committed(self.tree.size(), self.tree.root());
        }
        std::mem::take(&mut self.entries)
    }

    /// The rows that all entries so far changed, since this was last asked: for a projector, once
    /// the entries that were cut are committed.
    pub fn take_steps(&mut self) -> Vec<PendingStep> {
        self.steps.extend(self.ledger.take_step(self.link));
        std::mem::take(&mut self.steps)
    }

    /// Rows hold all entries below `size`: what they hold may be forgotten.
    pub fn rows_reached(&mut self, size: u64) {
        self.ledger.rows_reached(size);
    }

    /// The log is committed up to `size`: forgets what waited for that, and ids that have lapsed.
    pub fn committed(&mut self, size: u64) {
        self.ids.committed(size, &self.reader);
        while let Some(recent) = self.recent.pop_front_if(|recent| recent.index < size) {
            self.recent_by_digest.remove(&recent.digest);
        }
    }
}
