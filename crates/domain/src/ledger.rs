//! The fold of a whole ledger: every stream's state, the registry, the epochs.
//! Invariant: `judge` changes nothing unless the statement is accepted whole; the server, the audit
//! and a replay run this same code, so they cannot differ.
//! Order of judgement (DESIGN §10.3): time window, ledger, `seen`, authority, versions; then the
//! business rules, event by event, each on the state that the earlier ones left; who signs an event
//! is judged again where an earlier one moved its stream.
//! Two ways to hold the state: all in memory (audit, replay), or as an overlay over rows that some
//! store keeps (the server), of which only what is used is in memory.

mod around;
mod audit;
pub(crate) mod books;
mod decide;
mod judge;
mod kept;
pub mod laid;
pub mod opens;
mod restore;
mod sheets;
mod step;
pub mod stored;
mod stream;
pub mod sums;

use std::{borrow::Cow, sync::Arc};

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use foldhash::HashMap;
use lian_core::{
    audit::Place,
    entry::Verdict,
    hash::Digest,
    keys::PublicKey,
    map::{MapEnd, MapProof, accumulate, stream_key},
    note::{SignatureType, VerifierKey},
    time::format_moment,
};
use smallvec::SmallVec;

use crate::{
    authority::Authority,
    context::{Signer, World},
    directory::Directory,
    epochs::{Epoch, Epochs},
    filing::{Fact, Filing},
    guarantee,
    ids::{DeclarationNo, Ubn},
    registry::{self, Event as RegistryEvent, LEDGER_STREAM, Opening, SYSTEM_LOG},
    rejection::Rejection,
    rows::RowFault,
    rules::Rules,
};
use books::Books;
use decide::note_in_directory;
use kept::Kept;
use stored::Tally;

pub use restore::RestoreFault;
pub(crate) use restore::{opening_of, rules_of};
pub use step::PendingStep;
pub use stream::{State, Stream};

/// The engine that this code is.
pub const ENGINE: u32 = 1;

/// Why a statement gets no place in the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unlogged {
    /// Turned away; nothing changed.
    #[error(transparent)]
    Rejected(#[from] Rejection),
    /// The rules in force run on an engine that this program does not have.
    #[error("the rules in force run on engine {0}, this program has engine {ENGINE} only")]
    UnknownEngine(u32),
    /// `decide` allowed what `evolve` cannot do: a fault of this program. Stop.
    #[error("contradiction in {0}: the rules allowed what the state cannot hold")]
    Contradiction(String),
    /// Rows cannot be believed, so the state is unknown: nothing more can be judged.
    #[error(transparent)]
    Rows(#[from] RowFault),
}

/// A whole ledger, folded up to some entry.
pub struct Ledger {
    id: String,
    opening: Option<Arc<Opening>>,
    /// The log's key of entry 0. Made once: checking that it is one takes longer than a signature.
    log_key: Option<VerifierKey>,
    size: u64,
    recorded_at: u64,
    rules: Arc<Rules>,
    streams: Vec<Stream>,
    by_name: HashMap<Arc<str>, usize>,
    changed: Vec<usize>,
    directory: Directory,
    tallies: HashMap<(Tally, DeclarationNo), u32>,
    epochs: Epochs,
    pending_map: Option<(u64, Digest)>,
    /// Refusals by key on the civil day of the last entry.
    refusals: HashMap<Digest, u64>,
    refusals_day: i64,
    /// Judging has stopped: the state after some entry is unknown.
    lost: bool,
    /// Slots of streams that the statement judged last brought.
    brought: SmallVec<[usize; STREAMS_USUAL]>,
    /// Of pieces, where an audit judges; empty elsewhere.
    books: Books,
    /// What there is to know where rows hold the state; `None` if all of it is in memory.
    kept: Option<Box<Kept>>,
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}

impl Ledger {
    /// Before entry 0.
    pub fn new() -> Self {
        Self {
            id: String::new(),
            opening: None,
            log_key: None,
            size: 0,
            recorded_at: 0,
            rules: Arc::new(Rules::standard()),
            streams: Vec::new(),
            by_name: HashMap::default(),
            changed: Vec::new(),
            directory: Directory::default(),
            tallies: HashMap::default(),
            epochs: Epochs::new(),
            pending_map: None,
            refusals: HashMap::default(),
            refusals_day: 0,
            lost: false,
            brought: SmallVec::new(),
            books: Books::default(),
            kept: None,
        }
    }

    /// `<name>#<base64url of the leaf hash of entry 0>`: what statements name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// What entry 0 says.
    pub fn opening(&self) -> Option<&Opening> {
        self.opening.as_deref()
    }

    /// Entries folded.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// `recorded_at` of the last entry, Unix milliseconds.
    pub fn recorded_at(&self) -> u64 {
        self.recorded_at
    }

    /// Rules in force for the next entry.
    pub fn rules(&self) -> &Arc<Rules> {
        &self.rules
    }

    /// Keys and actors.
    pub fn directory(&self) -> &Directory {
        &self.directory
    }

    /// All closed epochs, from 0.
    pub fn epochs(&self) -> &[Epoch] {
        self.epochs.closed()
    }

    /// All streams that some entry names, in the order of their first entry; over rows, only what
    /// is in memory, in no order, with empty names where nothing is (see `views::past` for all).
    pub fn streams(&self) -> &[Stream] {
        &self.streams
    }

    /// True if every state is in memory: [`Ledger::streams`] are then all there are.
    pub fn holds_all(&self) -> bool {
        self.kept.is_none()
    }

    /// One stream by its id, if it is in memory: over rows, [`Ledger::find`] is what you want.
    pub fn stream(&self, name: &str) -> Option<&Stream> {
        self.by_name.get(name).map(|at| &self.streams[*at])
    }

    /// One stream by its id, wherever it is.
    pub fn find(&self, name: &str) -> Result<Option<Cow<'_, Stream>>, RowFault> {
        match (self.stream(name), &self.kept) {
            (Some(stream), _) => Ok(Some(Cow::Borrowed(stream))),
            (None, None) => Ok(None),
            (None, Some(kept)) => Ok(kept.read(name, self.opening())?.map(Cow::Owned)),
        }
    }

    /// The state of one guarantee, if it is in memory.
    pub fn guarantee(&self, stream: &str) -> Option<&guarantee::State> {
        self.stream(stream)?.guarantee()
    }

    /// Is the scheme suspended for this debtor on that day?
    pub fn is_scheme_suspended(&self, debtor: &Ubn, day: i64) -> bool {
        self.scheme_suspended(debtor, day)
    }

    /// The engine of a rules version that was published.
    pub fn published_engine(&self, version: u32) -> Option<u32> {
        let stream = self.find(&format!("rules/{version}"));
        let stream = match &self.kept {
            Some(kept) => kept.noting(stream)?,
            None => stream.ok()?,
        };
        match &stream?.state {
            State::Registry(registry::State::Rules(publication)) => Some(publication.rules.engine),
            _ => None,
        }
    }

    /// The key that an issuer names: enrolled, or brought by the filing itself.
    pub fn issuer_key<'f>(&'f self, filing: &'f Filing, key: &Digest) -> Option<&'f PublicKey> {
        let enrolled = self.directory.key(key).map(|found| &found.public);
        enrolled.or_else(|| filing.new_keys().into_iter().find(|new| new.id() == *key))
    }

    /// Must the next batch begin with `epoch.closed`?
    pub fn epoch_due(&self, recorded_at: u64) -> bool {
        self.epochs.due(self.size, recorded_at.max(self.recorded_at), &self.rules)
    }

    /// The derived data of the next `epoch.closed` at index `size` with that tree root.
    pub fn next_epoch(&mut self, root: Digest) -> RegistryEvent {
        RegistryEvent::EpochClosed {
            number: self.epochs.next_number(),
            size: self.size,
            root,
            map: self.map_root(),
            engine: ENGINE,
        }
    }

    /// Root of the epoch map over all entries so far.
    pub fn map_root(&mut self) -> Digest {
        if let Some((size, map)) = self.pending_map
            && size == self.size
        {
            return map;
        }
        let mut changes = Vec::with_capacity(self.changed.len());
        for at in self.changed.drain(..) {
            let stream = &mut self.streams[at];
            stream.changed = false;
            changes.push((stream_key(&stream.name), stream.map_value()));
        }
        let map = self.epochs.map_root(&mut changes);
        let map = self.kept.as_ref().map_or_else(|| map.clone().ok(), |kept| kept.noting(map.clone()));
        self.pending_map = map.map(|map| (self.size, map));
        map.unwrap_or(Digest::ZERO)
    }

    /// The proof that these are all entries of a stream, and its state, under the map at this size.
    /// If rows cannot be believed it proves nothing, and [`Ledger::fault`] tells.
    pub fn prove_stream(&mut self, stream: &str) -> MapProof {
        self.map_root();
        let proof = self.epochs.prove(&stream_key(stream));
        let proof = self.kept.as_ref().map_or_else(|| proof.clone().ok(), |kept| kept.noting(proof.clone()));
        proof.unwrap_or(MapProof { siblings: Vec::new(), end: MapEnd::Empty })
    }

    /// Judges a statement for the place at the end of the log and, if it is accepted, moves the
    /// states on. Call [`Ledger::record`] next for whatever is logged.
    pub fn judge(&mut self, place: &Place<'_>, filing: &Filing) -> Result<Verdict, Unlogged> {
        self.judge_for(place, filing, Purpose::Log)
    }

    /// What [`Ledger::judge`] would say; changes nothing.
    pub fn try_out(&mut self, place: &Place<'_>, filing: &Filing) -> Result<Verdict, Unlogged> {
        self.judge_for(place, filing, Purpose::Trial)
    }

    fn judge_for(
        &mut self,
        place: &Place<'_>,
        filing: &Filing,
        purpose: Purpose,
    ) -> Result<Verdict, Unlogged> {
        self.fault()?;
        if place.index == 0 {
            return Self::judge_opening(filing).map(|()| Verdict::ACCEPTED).map_err(Unlogged::from);
        }
        if self.rules.engine != ENGINE {
            return Err(Unlogged::UnknownEngine(self.rules.engine));
        }
        self.judge_window(filing, place.recorded_at)?;
        self.judge_seen(filing)?;
        self.fetch(filing)?;
        // Taken out, so that signers can borrow from it while the states move on.
        let mut directory = std::mem::take(&mut self.directory);
        let outcome = self.judge_authorised(place, filing, &directory, purpose);
        if outcome == Ok(Verdict::ACCEPTED) && purpose == Purpose::Log {
            note_in_directory(&mut directory, filing);
        }
        self.directory = directory;
        // What was judged on rows that cannot be read was judged on nothing.
        self.fault()?;
        outcome
    }

    /// Would a statement stamped then be turned away, business rules apart? Changes no state. A fault
    /// of rows is told by the next judgement.
    pub fn check_authority(&mut self, filing: &Filing, recorded_at: u64) -> Result<(), Rejection> {
        self.judge_window(filing, recorded_at)?;
        self.judge_seen(filing)?;
        if self.fetch(filing).is_err() {
            return Ok(());
        }
        let threshold = self.opening.as_ref().map_or(usize::MAX, |opening| opening.threshold);
        let authority = Authority { directory: &self.directory, threshold };
        let found = authority.find(filing)?;
        let signers: Vec<Signer<'_>> = found.iter().map(|found| found.signer).collect();
        authority.cover(filing, &signers)?;
        self.judge_versions(filing, &self.slots(filing))
    }

    /// Where the streams of a filing are, each looked up once; none for one that no entry names.
    fn slots(&self, filing: &Filing) -> Slots {
        filing.streams.iter().map(|name| self.by_name.get(&**name).copied()).collect()
    }

    fn judge_authorised(
        &mut self,
        place: &Place<'_>,
        filing: &Filing,
        directory: &Directory,
        purpose: Purpose,
    ) -> Result<Verdict, Unlogged> {
        let threshold = self.opening.as_ref().map_or(usize::MAX, |opening| opening.threshold);
        let authority = Authority { directory, threshold };
        let found = authority.find(filing)?;
        let signers: Vec<Signer<'_>> = found.iter().map(|found| found.signer).collect();
        authority.cover(filing, &signers)?;
        let mut slots = self.slots(filing);
        self.judge_sides(filing, &slots, &signers)?;
        self.judge_versions(filing, &slots)?;
        self.judge_derived(place, filing)?;
        self.brought.clear();
        let verdict = self.decide(place, filing, &mut slots, &signers, purpose);
        if purpose == Purpose::Trial || matches!(verdict, Err(Unlogged::Rejected(_))) {
            self.put_away_brought();
        }
        let verdict = verdict?;
        if !verdict.is_accepted()
            && let Err(rejection) = self.judge_quota(filing, place.recorded_at)
        {
            // No entry will name the streams that it brought: they would stay for nothing.
            self.put_away_brought();
            return Err(rejection.into());
        }
        Ok(verdict)
    }

    fn stream_at(&mut self, name: &str) -> usize {
        if let Some(at) = self.by_name.get(name) {
            return *at;
        }
        let at = self.hold(Stream::new(name));
        self.brought.push(at);
        at
    }

    /// Takes a stream into memory.
    fn hold(&mut self, stream: Stream) -> usize {
        let free = self.kept.as_mut().and_then(|kept| kept.free.pop());
        let at = free.unwrap_or(self.streams.len());
        self.by_name.insert(Arc::clone(&stream.name), at);
        match free {
            Some(at) => self.streams[at] = stream,
            None => self.streams.push(stream),
        }
        at
    }

    /// Forgets the streams that a statement brought which gets no place.
    fn put_away_brought(&mut self) {
        for at in std::mem::take(&mut self.brought).into_iter().rev() {
            self.by_name.remove(&self.streams[at].name);
            match &mut self.kept {
                None => self.streams.truncate(at),
                Some(kept) => {
                    self.streams[at] = Stream::new("");
                    kept.free.push(at);
                }
            }
        }
    }

    /// Notes that a judged statement is entry `place.index`; returns for each event the previous
    /// entry that names its stream.
    pub fn record(
        &mut self,
        place: &Place<'_>,
        filing: &Filing,
        verdict: Verdict,
        leaf_hash: Digest,
    ) -> Vec<u64> {
        if place.index == 0 {
            self.open(place, filing, leaf_hash);
        }
        let mut events: SmallVec<[u64; STREAMS_USUAL]> = SmallVec::from_elem(0, filing.streams.len());
        for event in &filing.events {
            events[event.stream] += 1;
        }
        let mut previous: SmallVec<[u64; STREAMS_USUAL]> = SmallVec::with_capacity(filing.streams.len());
        for (name, events) in filing.streams.iter().zip(events) {
            let at = self.stream_at(name);
            let stream = &mut self.streams[at];
            previous.push(stream.last);
            stream.last = place.index;
            stream.logged += 1;
            stream.acc = accumulate(&stream.acc, place.index, &leaf_hash);
            if verdict.is_accepted() {
                stream.version += events;
                stream.refused.clear();
            } else {
                stream.refused.push((filing.digest, place.index));
            }
            if !stream.changed {
                stream.changed = true;
                self.changed.push(at);
            }
            if let Some(kept) = &mut self.kept {
                kept.stream_recorded(at, stream);
            }
        }
        if let (false, Some(issuer)) = (verdict.is_accepted(), filing.issuers.first()) {
            let count = self.refusals.entry(issuer.key).or_default();
            *count += 1;
            if let Some(kept) = &mut self.kept {
                kept.refusal_recorded(issuer.key, self.refusals_day, *count);
            }
        }
        let by_the_log = filing.issuers.first().is_some_and(|issuer| *issuer.actor == *SYSTEM_LOG);
        if place.index > 0 {
            self.epochs.entry(place.recorded_at, by_the_log, &self.rules);
        }
        if let (true, Some(kept)) = (verdict.is_accepted(), &mut self.kept) {
            kept.accepted(place, filing, &self.streams, &self.by_name);
        }
        self.size = place.index + 1;
        self.recorded_at = place.recorded_at;
        filing.events.iter().map(|event| previous[event.stream]).collect()
    }

    fn open(&mut self, place: &Place<'_>, filing: &Filing, leaf_hash: Digest) {
        let Some(Fact::Registry(event @ RegistryEvent::Opened(opening))) =
            filing.events.first().map(|event| &event.fact)
        else {
            return;
        };
        self.id = ledger_id(&opening.name, &leaf_hash);
        self.rules = Arc::clone(&opening.rules);
        self.directory.open(opening);
        let policy = opening.witness_policy.clone();
        self.epochs.open(&opening.name, policy, leaf_hash, place.recorded_at);
        self.log_key = VerifierKey::new(&opening.name, SignatureType::Ed25519, opening.log_key).ok();
        self.opening = Some(Arc::new((**opening).clone()));
        let at = self.stream_at(LEDGER_STREAM);
        self.streams[at].state = registry::evolve(None, event, 0).map_or(State::Empty, State::Registry);
    }

    /// The batch that ends at `size` is committed under `root`.
    pub fn committed(&mut self, size: u64, root: Digest) {
        self.epochs.committed(size, root);
    }
}

/// Streams of one statement for which there is room without an allocation.
const STREAMS_USUAL: usize = 4;
/// By position in [`Filing::streams`].
type Slots = SmallVec<[Option<usize>; STREAMS_USUAL]>;

/// Why a statement is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    /// It will be recorded.
    Log,
    /// Somebody wants to know: every state is put back.
    Trial,
}

/// `<name>#<base64url of the leaf hash of entry 0>`: what statements name.
pub fn ledger_id(name: &str, entry_0: &Digest) -> String {
    format!("{name}#{}", URL_SAFE_NO_PAD.encode(entry_0.0))
}

/// When the log recorded something, for messages: `2026-11-23T14:05:03+08:00`.
pub fn moment_of(unix_ms: u64) -> String {
    format_moment(i64::try_from(unix_ms / 1_000).unwrap_or(i64::MAX))
}
